package dataset

import (
	"math"
	"sync"
)

// Numbers is a numeric column in the narrowest storage that loses nothing. It is read only and safe for concurrent use.
type Numbers struct {
	values []float64

	once      sync.Once // finds what Decimal gives
	digits    int
	low, high int32
	decimal   bool
}

// NewNumbers stores the values, which the caller gives away; NaN is a missing one, ±Inf is not allowed.
func NewNumbers(values []float64) *Numbers { return &Numbers{values: values} }

// Len is the number of rows; 0 for a nil column.
func (n *Numbers) Len() int {
	if n == nil {
		return 0
	}
	return len(n.values)
}

// At is the number of a row (from 0), NaN where it is missing. Read is faster for many.
func (n *Numbers) At(row int) float64 { return n.values[row] }

// Read gives the numbers of len(out) rows beginning with from, NaN where one is missing.
func (n *Numbers) Read(out []float64, from int) { copy(out, n.values[from:from+len(out)]) }

// Float64s gives all numbers, NaN where one is missing, in a slice of the caller's own.
func (n *Numbers) Float64s() []float64 {
	out := make([]float64, n.Len())
	n.Read(out, 0)
	return out
}

// Decimal gives the column as integers in disguise: every present number is exactly float64(k)/10^digits with low ≤ k ≤ high and
// |k| < 2^31, with the fewest digits. ok is false where there is no such scale, or no number at all.
func (n *Numbers) Decimal() (digits int, low, high int32, ok bool) {
	n.once.Do(func() { n.digits, n.low, n.high, n.decimal = n.findDecimal() })
	return n.digits, n.low, n.high, n.decimal
}

func (n *Numbers) findDecimal() (digits int, low, high int32, ok bool) {
	const most = 1<<31 - 1
	for _, v := range n.values {
		if math.IsNaN(v) {
			continue
		}
		for {
			k := math.Round(v * pow10[digits])
			if math.Abs(k) > most {
				return 0, 0, 0, false
			}
			if k/pow10[digits] == v {
				break
			}
			if digits++; digits == len(pow10) {
				return 0, 0, 0, false
			}
		}
	}
	low, high = most, -most
	for _, v := range n.values {
		if math.IsNaN(v) {
			continue
		}
		k := math.Round(v * pow10[digits])
		if math.Abs(k) > most {
			return 0, 0, 0, false
		}
		low, high = min(low, int32(k)), max(high, int32(k))
		ok = true
	}
	if !ok {
		return 0, 0, 0, false
	}
	return digits, low, high, true
}

// ReadScaled gives the k of Decimal of len(out) rows beginning with from, NaN where one is missing. It is for columns that Decimal accepts.
func (n *Numbers) ReadScaled(out []float64, from int) {
	digits, _, _, _ := n.Decimal()
	for i, v := range n.values[from : from+len(out)] {
		out[i] = math.Round(v * pow10[digits])
	}
}
