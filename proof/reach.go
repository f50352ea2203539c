package proof

import (
	"context"
	"errors"
	"math"
)

// coarse is the largest u for which a coarse bound R is kept: in the place of the exact one it makes no bound wider by more than a hundredth.
const coarse = 0.01

// largestRow is the largest Σ_j units_j·x̃_j² over the rows that have a weight, or more: one pass over the rows as stored. Times the trace of
// the inverse of H scaled to a unit diagonal, with units the inverse of that diagonal, it is at least the largest ‖x̃‖² in the norm of H⁻¹.
func (p *Problem) largestRow(ctx context.Context, units []float64) (float64, error) {
	l := p.Source.Layout()
	n := l.Features
	center := make([]float64, n)
	root := make([]float64, n) // a feature's part is ((x - center)·root)², off by a few units of itself
	for j := range n {
		var scale float64
		center[j], scale = axis(l, j)
		root[j] = math.Sqrt(units[j]) * math.Abs(scale)
	}
	part := func(j int, x float64) float64 {
		v := (x - center[j]) * root[j]
		return v * v
	}
	// Of features that are stored only where they are not 0, what a 0 counts is added for all and taken off again where there is a value.
	var empty float64
	stored := make([]bool, n)
	for _, j := range l.Dense {
		stored[j] = true
	}
	for j := range n {
		if !stored[j] {
			empty += part(j, 0)
		}
	}
	chunk := p.Source.ChunkRows()
	chunks := (l.Rows + chunk - 1) / chunk
	found := make([]float64, chunks)
	errs := make([]error, chunks)
	p.each(chunks, func(k int) {
		if errs[k] = ctx.Err(); errs[k] == nil {
			found[k], errs[k] = p.largestOf(k, empty, units[n], center, root, part)
		}
	})
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	largest := 0.0
	for _, q := range found {
		if q != q {
			return math.Inf(1), nil
		}
		largest = math.Max(largest, q)
	}
	return largest, nil
}

// largestOf is that of one chunk, NaN if there is one; part, made of center and root, is what a value of a feature counts, empty what all that are not stored where they are
// 0 count there, one what the intercept does.
func (p *Problem) largestOf(k int, empty, one float64, center, root []float64, part func(j int, x float64) float64) (float64, error) {
	b, err := p.Source.Chunk(k)
	if err != nil {
		return 0, err
	}
	l := p.Source.Layout()
	n := l.Features
	panel := make([]float64, 64*len(l.Dense))
	var value []float64
	var largest float64
	for first := 0; first < b.Rows; first += 64 {
		var squares [64]float64
		b.Panel(first/64, panel)
		for c, j := range l.Dense {
			middle, scale := center[j], root[j]
			for i, x := range panel[c*64:][:64] {
				v := (x - middle) * scale
				squares[i] += float64(v * v)
			}
		}
		for i := range min(64, b.Rows-first) {
			at := first + i
			if !(p.weight(b.First+at) > 0) {
				continue
			}
			q, less := squares[i]+empty, 0.0
			for c, codes := range b.Codes {
				if v := codes[at]; v >= 0 {
					j := l.Codes[c].First + int(v)
					q += part(j, 1)
					less += part(j, 0)
				}
			}
			if l.Sparse {
				var index []int32
				index, value = b.Entries(at, value)
				for s, j := range index {
					q += part(int(j), value[s])
					less += part(int(j), 0)
				}
			}
			// Both sums are of terms that are not negative.
			q = (q-less)*(1+gamma(8)) + 2*gamma(float64(2*n+16))*(q+less) + one
			if q > largest || q != q {
				largest = q
			}
			if q != q {
				return q, nil
			}
		}
	}
	return largest, nil
}
