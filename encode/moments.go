package encode

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/internal/parallel"
)

// moments finds mean, deviation and range of one numeric column over the training rows.
//
// Decimals without weights are added up as integers, without any rounding: Σ (k-c) and Σ (k-c)², c in the middle of their range. Of other columns
// Σ (x-c) and Σ (x-c)² are added up, c the mean of the first numbers. Where c turns out to be far from the mean, or the squares are near the ends of float64's range,
// a second pass adds up the squares around the mean, which keeps the digits of a column far from 0.
type moments struct {
	numbers
	weights []float64 // by table row; nil for ones
	out     *Column

	exact    bool
	digits   int
	middle   int64      // c
	integers []integral // what the pieces add up to, where exact

	origin       float64 // c of the first pass over a column that is not exact
	unit         float64 // squares of shares of it neither overflow nor vanish
	parts        []moment
	total        moment
	needsSquares bool
}

// moment is what a piece of the rows adds.
type moment struct {
	gaps          bool
	weight, sum   float64 // Σ s; Σ s x/2: halves cannot overflow together
	low, high     float64
	first, square float64 // Σ s d and Σ s d², d = x - c or (x - mean)/unit
}

// integral is what a piece of the rows adds in integers: |d| ≤ 2^31, d = k-c, and below 2^31 rows nothing overflows.
type integral struct {
	low, high  int32
	rows       int // that have a number
	sum        int64
	more, less uint64 // Σ d² = more·2^64 + less
}

// add takes in integers less middle.
func (p *integral) add(integers []int32, middle int64) {
	low, high, sum, more, less, gaps := p.low, p.high, p.sum, p.more, p.less, 0
	for _, k := range integers {
		if k == dataset.NoInteger {
			gaps++
			continue
		}
		low, high = min(low, k), max(high, k)
		d := int64(k) - middle
		sum += d
		var carry uint64
		less, carry = bits.Add64(less, uint64(d*d), 0)
		more += carry
	}
	p.low, p.high, p.sum, p.more, p.less, p.rows = low, high, sum, more, less, p.rows+len(integers)-gaps
}

// join takes in what another piece adds up to.
func (p *integral) join(q *integral) {
	p.low, p.high, p.rows, p.sum = min(p.low, q.low), max(p.high, q.high), p.rows+q.rows, p.sum+q.sum
	var carry uint64
	p.less, carry = bits.Add64(p.less, q.less, 0)
	p.more += q.more + carry
}

func (l *Learnt) newMoments(of source, out *Column) *moments {
	m := &moments{numbers: numbers{of: of, rows: l.Rows}, weights: l.Weights, out: out}
	if digits, low, high, ok := of.Decimal(); ok && l.Weights == nil {
		m.exact, m.digits, m.middle = true, digits, (int64(low)+int64(high))>>1
		m.integers = make([]integral, parallel.Count(len(l.Rows), pieceRows))
	} else {
		m.parts = make([]moment, parallel.Count(len(l.Rows), pieceRows))
		m.origin = m.first()
	}
	return m
}

// first is the mean of the numbers among the first rows.
func (m *moments) first() float64 {
	var some [256]float64
	n := min(len(some), len(m.rows))
	m.Read(some[:n], 0)
	sum, count := 0.0, 0
	for _, x := range some[:n] {
		if x == x {
			sum += x / 2
			count++
		}
	}
	return sum / float64(max(count, 1)) * 2
}

// sums is the first pass over a piece.
func (m *moments) sums(piece, from, to int) {
	if m.exact {
		p := integral{low: math.MaxInt32, high: -math.MaxInt32}
		var buffer [blockRows]int32
		for at := from; at < to; at += blockRows {
			some := buffer[:min(blockRows, to-at)]
			readRows(some, m.rows[at:at+len(some)], m.of.ReadIntegers)
			p.add(some, m.middle)
		}
		m.integers[piece] = p
		return
	}
	p := moment{low: math.Inf(1), high: math.Inf(-1)}
	m.blocks(from, to, func(at int, values []float64) {
		// A block by itself, for the sake of the last digits, and by even and odd rows: additions need not wait for each other.
		var sum, first, square [2]float64
		low, high, count := p.low, p.high, 0
		if m.weights == nil {
			for i, x := range values {
				if x != x {
					continue
				}
				if x < low {
					low = x
				}
				if x > high {
					high = x
				}
				d := x - m.origin
				sum[i&1] += x / 2
				first[i&1] += d
				square[i&1] += float64(d * d)
				count++
			}
			p.weight += float64(count)
		} else {
			for i, x := range values {
				if x != x {
					continue
				}
				low, high = math.Min(low, x), math.Max(high, x)
				s, d := m.weights[m.rows[at+i]], x-m.origin
				p.weight += s
				sum[0] += float64(s * (x / 2))
				first[0] += float64(s * d)
				square[0] += float64(float64(s*d) * d)
				count++
			}
		}
		p.sum, p.first, p.square = p.sum+(sum[0]+sum[1]), p.first+(first[0]+first[1]), p.square+(square[0]+square[1])
		p.low, p.high, p.gaps = low, high, p.gaps || count < len(values)
	})
	m.parts[piece] = p
}

// squares is the second pass over a piece.
func (m *moments) squares(piece, from, to int) {
	p, mean, shares := &m.parts[piece], m.out.Mean, 1/m.unit
	p.first, p.square = 0, 0
	m.blocks(from, to, func(at int, values []float64) {
		var first, square float64
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
		p.first, p.square = p.first+first, p.square+square
	})
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
		all.low, all.high = math.Min(all.low, p.low), math.Max(all.high, p.high)
	}
	first, square := m.around()
	whole := integral{low: math.MaxInt32, high: -math.MaxInt32}
	for i := range m.integers {
		whole.join(&m.integers[i])
	}
	if m.exact {
		all.weight, all.gaps = float64(whole.rows), whole.rows < len(m.rows)
		ten := math.Pow10(m.digits)
		all.low, all.high = float64(whole.low)/ten, float64(whole.high)/ten
	}
	if all.weight == 0 {
		return t.At(-1, c, "the column has no value in the training rows; --exclude %s leaves it out", c.Name)
	}
	out := m.out
	out.Min, out.Max = all.low, all.high
	switch {
	case out.Min == out.Max: // the mean of equal numbers is that number, to the bit
		out.Mean = out.Min
	case m.exact:
		out.Mean, out.Deviation = whole.moments(m.middle, m.digits)
	default:
		out.Mean = all.sum / all.weight * 2
		if math.IsInf(out.Mean, 0) || math.IsInf(out.Max-out.Min, 0) {
			return t.At(-1, c, "its numbers reach from %g to %g, further than float64 can add; rescale the column", out.Min, out.Max)
		}
		const near, least, most = 16, 1e-200, 1e200 // at worst two digits are lost to c's distance from the mean
		if v := square - float64(first*first); v > least && square < most && first*first <= near*v {
			out.Mean, out.Deviation = m.origin+first, math.Sqrt(v)
			break
		}
		// A power of two, so that dividing by it is exact.
		m.unit, m.needsSquares = math.Ldexp(1, max(math.Ilogb(out.Max-out.Min), -1022)), true
	}
	return nil
}

// moments are the mean and the deviation of the numbers k/10^digits, d = k - middle: the mean is rounded once, the deviation twice.
func (p *integral) moments(middle int64, digits int) (mean, deviation float64) {
	n, sum := big.NewInt(int64(p.rows)), big.NewInt(p.sum)
	square := new(big.Int).SetUint64(p.more)
	square.Add(square.Lsh(square, 64), new(big.Int).SetUint64(p.less))
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	below := new(big.Int).Mul(n, ten) // n 10^digits
	top := new(big.Int).Mul(n, big.NewInt(middle))
	mean, _ = new(big.Rat).SetFrac(top.Add(top, sum), below).Float64()
	// (n Σd² - (Σd)²) / (n 10^digits)²
	top = square.Mul(square, n)
	top.Sub(top, new(big.Int).Mul(sum, sum))
	variance, _ := new(big.Rat).SetFrac(top, new(big.Int).Mul(below, below)).Float64()
	return mean, math.Sqrt(variance)
}

// around are the means of d and d².
func (m *moments) around() (first, square float64) {
	for i := range m.parts {
		first += m.parts[i].first
		square += m.parts[i].square
	}
	return first / m.total.weight, square / m.total.weight
}

// endSquares ends the second pass.
func (m *moments) endSquares(t *dataset.Table, c *dataset.Column) error {
	first, square := m.around()
	out := m.out
	out.Mean += float64(first * m.unit)
	out.Deviation = m.unit * math.Sqrt(math.Max(0, square-float64(first*first)))
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
