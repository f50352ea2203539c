package encode

import (
	"math"

	"github.com/descent-ml/descent/dataset"
)

// Moments are sums of the numbers so far, less the column's origin: Σ s, Σ s (x - p) and Σ s (x - p)², p the first of them. As p is one of the numbers,
// their variance is at least p's share of the weight times (p - mean)², so that with equal weights taking mean² off costs some n ulp at most.
type Moments struct {
	Rows        int // that have a number
	Weight      float64
	pivot       float64
	sum, square float64
	Low, High   float64
}

// add takes one number in.
func (m *Moments) add(s, x float64) {
	if m.Rows == 0 {
		m.pivot, m.Low, m.High = x, x, x
	}
	m.Rows++
	m.Weight += s
	d := x - m.pivot
	sd := float64(s * d)
	m.sum += sd
	m.square += float64(sd * d)
	if x < m.Low {
		m.Low = x
	}
	if x > m.High {
		m.High = x
	}
}

// addAll takes numbers of weight 1 in, none of them NaN, in four parts: those whose places have the same remainder by 4.
func (m *Moments) addAll(x []float64) {
	if len(x) == 0 {
		return
	}
	if m.Rows == 0 {
		m.pivot, m.Low, m.High = x[0], x[0], x[0]
	}
	m.Rows += len(x)
	m.Weight += float64(len(x))
	var s, q [4]float64
	p, low, high := m.pivot, m.Low, m.High
	for ; len(x) >= 4; x = x[4:] {
		x := x[:4]
		d0, d1, d2, d3 := x[0]-p, x[1]-p, x[2]-p, x[3]-p
		s[0], s[1], s[2], s[3] = s[0]+d0, s[1]+d1, s[2]+d2, s[3]+d3
		q[0] += float64(d0 * d0)
		q[1] += float64(d1 * d1)
		q[2] += float64(d2 * d2)
		q[3] += float64(d3 * d3)
		low = min(low, x[0], x[1], x[2], x[3])
		high = max(high, x[0], x[1], x[2], x[3])
	}
	for i, x := range x {
		d := x - p
		s[i] += d
		q[i] += float64(d * d)
		low, high = min(low, x), max(high, x)
	}
	m.sum += (s[0] + s[2]) + (s[1] + s[3])
	m.square += (q[0] + q[2]) + (q[1] + q[3])
	m.Low, m.High = low, high
}

// Mean is 0 where there are no numbers.
func (m *Moments) Mean() float64 {
	switch {
	case m.Weight == 0:
		return 0
	case m.Low == m.High:
		return m.Low
	}
	return m.pivot + m.sum/m.Weight
}

// Deviation is the population's standard deviation.
func (m *Moments) Deviation() float64 {
	if m.Weight == 0 || m.Low == m.High {
		return 0
	}
	mean := m.sum / m.Weight
	return math.Sqrt(math.Max(0, m.square/m.Weight-float64(mean*mean)))
}

// mostSquared is the size of numbers whose squares can be added.
const mostSquared = 1e150

// finite refuses numbers that cannot be squared.
func (m *Moments) finite(t *dataset.Table, name string) error {
	if m.High <= mostSquared && m.Low >= -mostSquared {
		return nil
	}
	c, _ := t.Column(name)
	return t.At(-1, c, "the numbers of %s reach from %g to %g, further than float64 can square; rescale it", name, m.Low, m.High)
}

// mostSizes is how many sizes a number may be away: a single far one would otherwise move a weight too far at once.
const mostSizes = 10

// Size is how large x - mean is: the deviation, or a tenth of the farthest where that is more.
func (m *Moments) Size() float64 {
	mean := m.Mean()
	return math.Max(m.Deviation(), math.Max(m.High-mean, mean-m.Low)/mostSizes)
}

// SquareOfEntries is the square of how large the values of a sparse feature are where it is present: of their root mean square, or of a tenth of the
// farthest where that is more.
func (m *Moments) SquareOfEntries() float64 {
	if m.Weight == 0 {
		return 0
	}
	far := max(m.High, -m.Low) / mostSizes
	return max((m.square+float64(m.pivot*(2*m.sum+float64(m.pivot*m.Weight))))/m.Weight, float64(far*far))
}

// withZeros are the moments over all rows of a sparse feature, those without it 0, of total weight Σ s.
func (m *Moments) withZeros(rows int, weight float64) Moments {
	out := *m
	if zeros := weight - m.Weight; rows > m.Rows {
		out.Rows, out.Weight = rows, weight
		out.sum -= float64(zeros * m.pivot)
		out.square += float64(float64(zeros*m.pivot) * m.pivot)
		out.Low, out.High = math.Min(m.Low, 0), math.Max(m.High, 0)
	}
	return out
}
