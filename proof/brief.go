package proof

import (
	"context"
	"errors"
	"math"

	"github.com/descent-ml/descent/internal/kernel"
)

// brief proves a gap of at most o.Goal, if it can, by the closed bound with H' ⪯ H of a part of the rows and with the largest |x̃_j| of every feature in the
// place of rows: Linear, Weighted, a Gram pass over part of the rows and, once for a problem, a look at the rows as stored.
func (p *Problem) brief(ctx context.Context, theta []float64, m float64, o Options, c *Certificate) (bool, error) {
	size := len(theta)
	largest, err := p.extremes(ctx)
	if err != nil {
		return false, err
	}
	a, _, err := p.begin(ctx, theta, m, false)
	if err != nil {
		return false, err
	}
	k := gamma(float64(size + 6))
	var zError float64 // of a row
	for i, o := range p.O {
		if p.weight(i) > 0 {
			zError = math.Max(zError, 2*unit*math.Abs(o))
		}
	}
	for j, v := range theta {
		a.magnitude[j] = a.residual * (largest[j] + a.shift[j]) // Σ|r||x| ≤ Σ|r|·max|x|
		zError += k * math.Abs(v) * (largest[j] + 2*a.shift[j])
	}
	a.addErrors(theta)
	if !a.finite {
		return false, nil
	}
	h, err := p.Passes.Gram(ctx, a.curvature, p.part(o.Estimate/o.Goal))
	if err != nil {
		return false, err
	}
	var q float64
	for j := range h {
		h[j] /= m
	}
	data := make([]float64, size)
	for j := range size {
		data[j] = math.Max(h[j*size+j], 0)
		h[j*size+j] += p.lambda(j) / m
	}
	f := factorise(h, size)
	if f == nil {
		return false, nil
	}
	for j := range size {
		raw := math.Sqrt(data[j]) + a.shift[j]*math.Sqrt(a.curved)
		q += math.Max(1, raw*raw/h[j*size+j])
	}
	lost := 2 * gamma(a.depth+float64(size)+2*residualError) * q * f.trace()
	if !(lost <= maxLoss) {
		return false, nil
	}
	// H' does not bound what z is off by in its own norm, as H does: entry by entry.
	var slack, square float64
	sums := gamma(a.depth + residualError + 4)
	for j, v := range theta {
		slack += (sums*a.magnitude[j] + 4*unit*p.lambda(j)*math.Abs(v)/m + a.curved*zError*largest[j]) * f.deviation(j)
		square += largest[j] / f.d[j] * largest[j] / f.d[j]
	}
	grow := 1 / math.Sqrt(1-lost)
	computed := f.norm(a.gradient) * grow
	nu := computed + slack*grow
	R := math.Sqrt(f.trace()*square) * (1 + lost) * grow * (1 + gamma(float64(size+16)))
	u := nu * R
	if !(u < 1) {
		return false, nil
	}
	gap := closed(nu, u)*(1+64*unit) + a.costError
	if !(gap <= o.Goal) {
		return false, nil
	}
	c.Cost, c.Gradient = a.cost, a.gradient
	c.Gap, c.Bound, c.U = gap, SelfConcordance, u
	c.GapRounding = a.costError + closed(nu, u) - closed(computed, computed*R)
	c.Exists, c.Why = true, "u < 1"
	return true, nil
}

// part is the chunks of a part of the rows, evenly over the file, where H' of them is enough for a gap that is share of what is asked for with all: the gap grows
// as H' shrinks, so 5/2 of that; nil: all.
func (p *Problem) part(share float64) []int {
	rows, size := p.Source.Layout().Rows, p.Source.ChunkRows()
	all := (rows + size - 1) / size
	least := float64(16*(p.Source.Layout().Features+1)) / float64(rows)
	count := int(math.Ceil(math.Max(2.5*share, least) * float64(all)))
	if !(share > 0) || count > all/2 {
		return nil
	}
	chunks := make([]int, count)
	for i := range chunks {
		chunks[i] = (2*i + 1) * all / (2 * count)
	}
	return chunks
}

// extremes is the largest |x̃_j| of every feature, or a little more, and 1 for the intercept: one look at the rows as stored.
func (p *Problem) extremes(ctx context.Context) ([]float64, error) {
	if p.largest != nil {
		return p.largest, nil
	}
	l := p.Source.Layout()
	n := l.Features
	chunk := p.Source.ChunkRows()
	chunks := (l.Rows + chunk - 1) / chunk
	type ends struct{ low, high []float64 }
	found := make([]ends, chunks)
	errs := make([]error, chunks)
	p.each(chunks, func(k int) {
		if errs[k] = ctx.Err(); errs[k] == nil {
			e := ends{make([]float64, n), make([]float64, n)} // a feature that is not dense has zeros
			for _, j := range l.Dense {
				e.low[j], e.high[j] = math.Inf(1), math.Inf(-1)
			}
			found[k], errs[k] = e, p.endsOf(k, e.low, e.high)
		}
	})
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	out := make([]float64, n+1)
	out[n] = 1
	for j := range n {
		center, scale := axis(l, j)
		for _, e := range found {
			for _, x := range []float64{e.low[j], e.high[j]} {
				if !math.IsInf(x, 0) {
					out[j] = math.Max(out[j], math.Abs((x-center)*scale)*(1+4*unit)) // a NaN stays
				}
			}
		}
	}
	p.largest = out
	return out, nil
}

// endsOf widens low and high to the values of the rows of one chunk.
func (p *Problem) endsOf(k int, low, high []float64) error {
	b, err := p.Source.Chunk(k)
	if err != nil {
		return err
	}
	l := p.Source.Layout()
	kernels := kernel.Best[float64]()
	neg, most := kernels.Map1["neg"], kernels.Map2["max"]
	size := kernel.Rows * len(l.Dense)
	panel, less, lowest, highest := make([]float64, size), make([]float64, size), make([]float64, size), make([]float64, size) // lowest: of -x
	for i := range size {
		lowest[i], highest[i] = math.Inf(-1), math.Inf(-1)
	}
	for first := 0; first < b.Rows; first += kernel.Rows {
		b.Panel(first/kernel.Rows, panel)
		if n := b.Rows - first; n < kernel.Rows { // what is after the last row is no value
			for i := range panel {
				if i%kernel.Rows >= n {
					panel[i] = panel[i-i%kernel.Rows]
				}
			}
		}
		neg(less, panel)
		most(lowest, lowest, less)
		most(highest, highest, panel)
	}
	for c, j := range l.Dense {
		for i := range kernel.Rows {
			low[j] = math.Min(low[j], -lowest[c*kernel.Rows+i])
			high[j] = math.Max(high[j], highest[c*kernel.Rows+i])
		}
	}
	for _, c := range l.Codes {
		for j := c.First; j < c.First+c.Levels; j++ {
			low[j], high[j] = 0, 1
		}
	}
	if !l.Sparse {
		return nil
	}
	var index []int32
	var value []float64
	for i := range b.Rows {
		index, value = b.Entries(i, value)
		for s, j := range index {
			low[j], high[j] = math.Min(low[j], value[s]), math.Max(high[j], value[s])
		}
	}
	return nil
}
