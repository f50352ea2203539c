package encode

import (
	"math"
	"math/big"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/internal/parallel"
)

// moments finds mean, deviation and range of one numeric column over the training rows.
//
// Decimals without weights are added up as integers, without any rounding: Σ (k-c) and Σ (k-c)², c in the middle of their range. Of other columns
// a first pass finds the mean and a second one the squares around it, which keeps the digits of a column far from 0.
type moments struct {
	numbers
	weights []float64 // by table row; nil for ones
	out     *Column

	exact  bool
	digits int
	middle float64 // c

	unit         float64 // squares of shares of it neither overflow nor vanish
	parts        []moment
	total        moment
	needsSquares bool
}

// moment is what a piece of the rows adds.
type moment struct {
	gaps          bool
	weight, sum   float64 // Σ s; Σ s x/2 (halves cannot overflow together), or Σ (k-c)
	low, high     float64
	first, square float64 // Σ s d and Σ s d², d = (x - mean)/unit, or d = k-c
}

func (l *Learnt) newMoments(c *dataset.Column, out *Column) *moments {
	m := &moments{numbers: numbers{of: c.Numbers, rows: l.Rows}, weights: l.Weights, out: out}
	m.parts = make([]moment, parallel.Count(len(l.Rows), pieceRows))
	if l.Weights != nil {
		return m
	}
	digits, low, high, ok := c.Numbers.Decimal()
	middle := math.Floor(float64(low)/2 + float64(high)/2)
	h := math.Max(float64(high)-middle, middle-float64(low))
	if ok && float64(h*h)*float64(len(l.Rows)) <= 1<<53 {
		m.exact, m.scaled, m.digits, m.middle = true, true, digits, middle
	}
	return m
}

// sums is the first pass over a piece.
func (m *moments) sums(piece, from, to int) {
	p := moment{low: math.Inf(1), high: math.Inf(-1)}
	m.blocks(from, to, func(at int, values []float64) {
		sum, square, low, high, count := p.sum, p.square, p.low, p.high, 0
		switch {
		case m.exact:
			for _, k := range values {
				if k != k {
					continue
				}
				if k < low {
					low = k
				}
				if k > high {
					high = k
				}
				d := k - m.middle
				sum += d
				square += float64(d * d)
				count++
			}
			p.weight += float64(count)
		case m.weights == nil:
			for _, x := range values {
				if x != x {
					continue
				}
				if x < low {
					low = x
				}
				if x > high {
					high = x
				}
				sum += x / 2
				count++
			}
			p.weight += float64(count)
		default:
			for i, x := range values {
				if x != x {
					continue
				}
				low, high = math.Min(low, x), math.Max(high, x)
				s := m.weights[m.rows[at+i]]
				p.weight += s
				sum += float64(s * (x / 2))
				count++
			}
		}
		p.sum, p.square, p.low, p.high, p.gaps = sum, square, low, high, p.gaps || count < len(values)
	})
	m.parts[piece] = p
}

// squares is the second pass over a piece.
func (m *moments) squares(piece, from, to int) {
	p, mean, shares := &m.parts[piece], m.out.Mean, 1/m.unit
	var first, square float64
	m.blocks(from, to, func(at int, values []float64) {
		for i, x := range values {
			if x != x {
				continue
			}
			d := (x - mean) * shares
			s := 1.0
			if m.weights != nil {
				s = m.weights[m.rows[at+i]]
			}
			first += float64(s * d)
			square += float64(float64(s*d) * d)
		}
	})
	p.first, p.square = first, square
}

// endSums ends the first pass; its error is a column that has no mean.
func (m *moments) endSums(t *dataset.Table, c *dataset.Column) error {
	all := &m.total
	all.low, all.high = math.Inf(1), math.Inf(-1)
	for i := range m.parts {
		p := &m.parts[i]
		all.gaps = all.gaps || p.gaps
		all.weight += p.weight
		all.sum += p.sum
		all.square += p.square
		all.low, all.high = math.Min(all.low, p.low), math.Max(all.high, p.high)
	}
	if all.weight == 0 {
		return t.At(-1, c, "the column has no value in the training rows; --exclude %s leaves it out", c.Name)
	}
	out := m.out
	if m.exact {
		ten := math.Pow10(m.digits)
		out.Min, out.Max = all.low/ten, all.high/ten
	} else {
		out.Min, out.Max = all.low, all.high
	}
	switch {
	case out.Min == out.Max: // the mean of equal numbers is that number, to the bit
		out.Mean = out.Min
	case m.exact:
		out.Mean, out.Deviation = m.decimal()
	default:
		out.Mean = all.sum / all.weight * 2
		if math.IsInf(out.Mean, 0) || math.IsInf(out.Max-out.Min, 0) {
			return t.At(-1, c, "its numbers reach from %g to %g, further than float64 can add; rescale the column", out.Min, out.Max)
		}
		// A power of two, so that dividing by it is exact.
		m.unit, m.needsSquares = math.Ldexp(1, max(math.Ilogb(out.Max-out.Min), -1022)), true
	}
	return nil
}

// decimal is the mean and the deviation of integers, divided by 10^digits: rounded once, the deviation twice.
func (m *moments) decimal() (mean, deviation float64) {
	integer := func(v float64) *big.Int { return big.NewInt(int64(v)) }
	n, sum, square := integer(m.total.weight), integer(m.total.sum), integer(m.total.square)
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(m.digits)), nil)
	below := new(big.Int).Mul(n, ten) // n 10^digits
	top := new(big.Int).Mul(n, integer(m.middle))
	mean, _ = new(big.Rat).SetFrac(top.Add(top, sum), below).Float64()
	// (n Σd² - (Σd)²) / (n 10^digits)²
	top = new(big.Int).Mul(n, square)
	top.Sub(top, new(big.Int).Mul(sum, sum))
	variance, _ := new(big.Rat).SetFrac(top, new(big.Int).Mul(below, below)).Float64()
	return mean, math.Sqrt(variance)
}

// endSquares ends the second pass.
func (m *moments) endSquares(t *dataset.Table, c *dataset.Column) error {
	var first, square float64
	for i := range m.parts {
		first += m.parts[i].first
		square += m.parts[i].square
	}
	out, n := m.out, m.total.weight
	first /= n
	out.Mean += float64(first * m.unit)
	out.Deviation = m.unit * math.Sqrt(math.Max(0, square/n-float64(first*first)))
	if math.IsInf(m.total.sum, 0) || out.Deviation == 0 || math.IsInf(1/out.Deviation, 0) {
		return t.At(-1, c, "its numbers, from %g to %g, have no deviation that float64 can hold: they lie at an end of its range, or one row has nearly all the weight", out.Min, out.Max)
	}
	return nil
}

// runMoments makes a pass over all columns at once.
func runMoments(all []*moments, rows int, f func(m *moments, piece, from, to int)) {
	if len(all) == 0 {
		return
	}
	pieces := parallel.Count(rows, pieceRows)
	parallel.Pieces(0, len(all)*pieces, 1, func(i, _, _ int) {
		m, piece := all[i/pieces], i%pieces
		f(m, piece, piece*pieceRows, min((piece+1)*pieceRows, rows))
	})
}
