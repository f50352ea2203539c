package proof

import (
	"math"

	"github.com/descent-ml/descent/internal/kernel"
	"github.com/descent-ml/descent/internal/scalar"
)

// stripRows is the number of rows whose values are made at once by the vector kernels.
const stripRows = 512

// What a row's values are off by at most, in units of themselves: sigmoid and softplus by 2.0 and 2.4 units of the last place (package kernel), the
// products and the sum that make a residual or a loss of them, and the eight rows of a lane and three folds of SumRows.
const (
	residualError = 8
	lossError     = 10
	panelError    = 12
)

// strip holds values of some rows at their scores.
type strip struct {
	y, o, s   []float64 // labels and offsets (0 where the weight is 0), and weights
	a, b      []float64 // sigmoid(z), sigmoid(-z)
	p, q      []float64 // softplus(z), softplus(-z)
	c         []float64 // a·b
	z, r, abs []float64 // for the caller
	line      [1][]float64
	out       [5][]float64
	vectors   *kernel.Set[float64]
	pair      func(out, in [][]float64)
	memory    [11][stripRows]float64
}

// strips calls do for the rows lo to hi-1, a strip at a time.
func (p *Problem) strips(lo, hi int, do func(l *strip, lo, hi int)) {
	l := &strip{vectors: kernel.Best[float64]()}
	l.pair = l.vectors.Fused[1].Run
	for ; lo < hi; lo += stripRows {
		n := min(stripRows, hi-lo)
		for k, v := range []*[]float64{&l.y, &l.o, &l.s, &l.a, &l.b, &l.p, &l.q, &l.c, &l.z, &l.r, &l.abs} {
			*v = l.memory[k][:n]
		}
		copy(l.y, p.Y[lo:])
		if p.O != nil {
			copy(l.o, p.O[lo:])
		}
		if p.S == nil {
			for i := range l.s {
				l.s[i] = 1
			}
		} else {
			copy(l.s, p.S[lo:])
			for i, s := range l.s {
				if s == 0 {
					l.y[i], l.o[i] = 0, 0
				}
			}
		}
		do(l, lo, lo+n)
	}
}

// sigmoids fills a and b, with losses p and q, with curvature c too, at z.
func (l *strip) sigmoids(z []float64, losses, curvature bool) {
	out := [5][]float64{l.a, l.b}
	if losses {
		out[2], out[3] = l.p, l.q
	}
	if curvature {
		out[4] = l.c
	}
	l.out, l.line = out, [1][]float64{z}
	l.pair(l.out[:], l.line[:])
}

// residuals fills r with s·(sigmoid(z) - y) and abs with s·((1-y)·sigmoid(z) + y·sigmoid(-z)): |r| where y is 0 or 1, more where it is between,
// and what the rounding of r is relative to.
func (l *strip) residuals() {
	y, s, a, b, r, abs := l.y, l.s, l.a, l.b, l.r, l.abs
	for i := range r {
		u, v := (1-y[i])*a[i], y[i]*b[i]
		r[i], abs[i] = s[i]*(u-v), s[i]*(u+v)
	}
}

// loss is s·(softplus(z) - y·z), a sum of two terms that are not negative.
func (l *strip) loss(out []float64) {
	y, s, p, q := l.y, l.s, l.p, l.q
	for i := range out {
		out[i] = s[i] * (float64((1-y[i])*p[i]) + float64(y[i]*q[i]))
	}
}

// add adds v to sum, a panel of 64 at a time and the panels with compensation: off by at most panelError units of Σ|v|.
func (l *strip) add(sum *scalar.Sum, v []float64) {
	for ; len(v) > kernel.Rows; v = v[kernel.Rows:] {
		sum.Add(l.vectors.SumRows(v[:kernel.Rows]))
	}
	sum.Add(l.vectors.SumRows(v))
}

// entropies fills out with s·h(sigmoid(z)) = s·(softplus(-|z|) + |z|·sigmoid(-|z|)); a, b, p and q are those of z.
func (l *strip) entropies(out, z []float64) {
	s, a, b, p, q := l.s, l.a, l.b, l.p, l.q
	for i := range out {
		e := math.Abs(z[i])
		h := min(p[i], q[i])
		if tail := min(a[i], b[i]); tail > 0 {
			h += float64(e * tail)
		}
		out[i] = s[i] * h
	}
}
