package dataset

import (
	"math"
	"sort"
)

// Numbers is a numeric column. It is kept block by block in the narrowest storage that loses nothing: the integers k of decimals
// k/10^digits in one, two or four bytes, decimals of very different size packed in four, float32, or float64. It is read only and safe
// for concurrent use. The number -0 is 0.
type Numbers struct {
	blocks    []*block
	part      int // of each block
	rows      int
	none      float64 // what stands for a missing number: NaN, or 0 for a feature of LIBSVM
	decimal   bool
	digits    int
	low, high int32
}

// newNumbers looks over a column's parts.
func newNumbers(blocks []*block, at, rows int, none float64) *Numbers {
	n := &Numbers{blocks: blocks, part: at, rows: rows, none: none, low: mostInt32, high: -mostInt32}
	zero := none == none
	numbers := false
	for _, b := range blocks {
		p := &b.parts[at]
		switch p.storage {
		case int8s, int16s, int32s:
			n.digits, numbers = max(n.digits, int(p.digits)), true
		case absent:
		default:
			return n
		}
	}
	for _, b := range blocks {
		p := &b.parts[at]
		if zero && p.missing > 0 {
			n.low, n.high, numbers = min(n.low, 0), max(n.high, 0), true
		}
		if p.storage == absent {
			continue
		}
		low, fits := scaled(int64(p.low), int(p.digits), n.digits)
		high, too := scaled(int64(p.high), int(p.digits), n.digits)
		if !fits || !too {
			return n
		}
		n.low, n.high = min(n.low, int32(low)), max(n.high, int32(high))
	}
	n.decimal = numbers
	return n
}

// NewNumbers stores values; NaN is a missing one, ±Inf is not allowed.
func NewNumbers(values []float64) *Numbers {
	const rows = 1 << 14
	var blocks []*block
	s := newStage([]*builder{{forced: true}}, rows)
	for from := 0; from < len(values); from += rows {
		some := values[from:min(len(values), from+rows)]
		for i, v := range some {
			s.slots[i], s.forms[i] = disguise(v)
		}
		s.rows = len(some)
		b := s.seal()
		b.first = from
		blocks = append(blocks, b)
	}
	return newNumbers(blocks, 0, len(values), nan)
}

// disguise finds the decimal of few digits that a number is, if there is one.
func disguise(v float64) (slot uint64, form uint8) {
	if v != v {
		return 0, formMissing
	}
	for d := range pow10 {
		k := math.RoundToEven(v * pow10[d])
		if math.Abs(k) > mostInt32 {
			break
		}
		if k/pow10[d] == v {
			return uint64(int64(k)), uint8(d)
		}
	}
	return math.Float64bits(v), formFloat
}

// Len is the number of rows; 0 for a nil column.
func (n *Numbers) Len() int {
	if n == nil {
		return 0
	}
	return n.rows
}

// find is the block that holds a row.
func (n *Numbers) find(row int) int {
	return sort.Search(len(n.blocks), func(i int) bool { return n.blocks[i].first > row }) - 1
}

// At is the number of a row (from 0), NaN where it is missing. Read is much faster for many.
func (n *Numbers) At(row int) float64 {
	var out [1]float64
	n.Read(out[:], row)
	return out[0]
}

// Read gives the numbers of len(out) rows beginning with from, NaN where one is missing.
func (n *Numbers) Read(out []float64, from int) {
	each(n, out, from, func(b *block, p *part, out []float64, row int) { b.read(out, p, row, n.none) })
}

// each calls f for the parts of a range of rows.
func each[T any](n *Numbers, out []T, from int, f func(b *block, p *part, out []T, row int)) {
	if len(out) == 0 {
		return
	}
	for i := n.find(from); len(out) > 0; i++ {
		b := n.blocks[i]
		row := from - b.first
		k := min(len(out), b.rows-row)
		if p := &b.parts[n.part]; b.file == nil || p.storage == absent {
			f(b, p, out[:k], row)
		} else {
			l := b.load(p, row, k)
			f(&l.block, &l.part, out[:k], 0)
			l.free()
		}
		out, from = out[k:], from+k
	}
}

// Float64s gives all numbers, NaN where one is missing, in a slice of the caller's own.
func (n *Numbers) Float64s() []float64 {
	out := make([]float64, n.Len())
	if n != nil {
		n.Read(out, 0)
	}
	return out
}

// Decimal gives the column as integers in disguise: every present number is exactly float64(k)/10^digits with low ≤ k ≤ high and
// |k| < 2^31, with the fewest digits. ok is false where there is no such scale, or no number at all.
func (n *Numbers) Decimal() (digits int, low, high int32, ok bool) {
	if n == nil || !n.decimal {
		return 0, 0, 0, false
	}
	return n.digits, n.low, n.high, true
}

// ReadScaled gives the k of Decimal of len(out) rows beginning with from, NaN where one is missing. It is for columns that Decimal accepts.
func (n *Numbers) ReadScaled(out []float64, from int) {
	each(n, out, from, func(b *block, p *part, out []float64, row int) {
		b.readScaled(out, p, row, pow10[n.digits-int(p.digits)], n.none)
	})
}

// NoInteger stands for a missing number among integers.
const NoInteger = math.MinInt32

// ReadIntegers gives the k of Decimal of len(out) rows beginning with from, NoInteger where one is missing. It is for columns that Decimal accepts.
func (n *Numbers) ReadIntegers(out []int32, from int) {
	none := int32(NoInteger)
	if n.none == 0 {
		none = 0
	}
	each(n, out, from, func(b *block, p *part, out []int32, row int) {
		times := int32(0) // all are 0: other numbers do not fit
		if d := n.digits - int(p.digits); d < 10 {
			times = int32(pow10int[d])
		}
		b.readIntegers(out, p, row, times, none)
	})
}

// missingAt reports whether a row has no value.
func (n *Numbers) missingAt(row int) bool {
	if n.none == n.none {
		return false
	}
	b := n.blocks[n.find(row)]
	p := &b.parts[n.part]
	at := int(p.at) + row - b.first
	if b.file != nil && p.storage != absent {
		l := b.load(p, row-b.first, 1)
		defer l.free()
		b, at = &l.block, 0
	}
	switch p.storage {
	case int8s:
		return b.i8[at] == math.MinInt8
	case int16s:
		return b.i16[at] == math.MinInt16
	case int32s, packed:
		return b.i32[at] == math.MinInt32
	case float32s:
		return b.f32[at] != b.f32[at]
	case float64s:
		return b.f64[at] != b.f64[at]
	}
	return true
}
