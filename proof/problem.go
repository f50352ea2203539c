package proof

import (
	"context"
	"fmt"
	"math"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/internal/scalar"
)

// Passes are the passes over the rows that a proof needs; *engine.Engine has them. x̃ = (x, 1) with x as the model
// sees it, centred and scaled; vectors have n+1 values, the intercept last; columns have a value a row.
type Passes interface {
	// Linear returns x̃·theta of every row.
	Linear(ctx context.Context, theta []float64) ([]float64, error)
	// Weighted returns Σ r x̃.
	Weighted(ctx context.Context, r []float64) ([]float64, error)
	// Diag returns Σ c x̃².
	Diag(ctx context.Context, c []float64) ([]float64, error)
	// Gram returns Σ c x̃ x̃ᵀ, row-major, over the given chunks; nil means all.
	Gram(ctx context.Context, c []float64, chunks []int) ([]float64, error)
	// MaxQuad returns the largest ‖L⁻¹x̃‖² over the rows with s > 0, and the row. L is lower, row-major.
	MaxQuad(ctx context.Context, l, s []float64) (float64, int, error)
}

// manyGrams are Passes that make several Grams in one read of the rows: weigh writes the weights in Gram q of rows first, first+1, … to c[q].
type manyGrams interface {
	Grams(ctx context.Context, count int, weigh func(first int, c [][]float64), chunks []int) ([][]float64, error)
}

// manyColumns are Passes that make several Linears, or Weighteds, in one read of the rows.
type manyColumns interface {
	Linears(ctx context.Context, theta [][]float64) ([][]float64, error)
	Weighteds(ctx context.Context, count int, weigh func(first int, r [][]float64)) ([][]float64, error)
}

// manyDiags are Passes that make several Diags in one read of the rows; weigh is as for manyGrams.
type manyDiags interface {
	Diags(ctx context.Context, count int, weigh func(first int, c [][]float64)) ([][]float64, error)
}

// linears is Linear of several theta.
func (p *Problem) linears(ctx context.Context, theta [][]float64) ([][]float64, error) {
	if many, ok := p.Passes.(manyColumns); ok {
		return many.Linears(ctx, theta)
	}
	out := make([][]float64, len(theta))
	for k, t := range theta {
		var err error
		if out[k], err = p.Passes.Linear(ctx, t); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// weighteds is Weighted of several columns.
func (p *Problem) weighteds(ctx context.Context, r [][]float64) ([][]float64, error) {
	if many, ok := p.Passes.(manyColumns); ok {
		return many.Weighteds(ctx, len(r), func(first int, part [][]float64) {
			for k := range part {
				copy(part[k], r[k][first:])
			}
		})
	}
	out := make([][]float64, len(r))
	for k, c := range r {
		var err error
		if out[k], err = p.Passes.Weighted(ctx, c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Problem is log loss over rows, with an L2 penalty on the weights, an L1 penalty, both or none:
//
//	J = (1/m) Σ s_i (softplus(z_i) - y_i z_i) + (1/2m) Σ lambda_j w_j² + (1/m) Σ l1_j |w_j|,  z = x·w + b + o,  m = Σ s_i
type Problem struct {
	Passes Passes
	Source engine.Source // the rows as stored: exact for separation
	Y      []float64     // in [0, 1]
	// Classes, if not nil, are the labels instead of Y: any number of classes, whose cost is defined there.
	Classes *Classes
	S       []float64 // weights, at least 0; nil: all 1
	O       []float64 // offsets; nil: all 0
	Lambda  []float64 // of every weight (n values, K·n of classes), at least 0; nil: no penalty. The bias has none
	L1      []float64 // the same for |w|

	Threads int // for what is not a pass; 0: as many as Go runs at once. The bits do not depend on it

	square  []float64 // Σ s x̃², once it was asked for
	largest []float64 // |x̃_j|, once it was asked for

	pinned bool // the last row of Source only holds the intercept at 0 (see pairs)
}

// Options limit the work. The zero value works.
type Options struct {
	// Factor is the largest number of parameters for which H is formed and factored (m·n² and n³ work); 0 means 1025.
	Factor int
	// GapOnly leaves out what is not needed for a Gap where every weight has a penalty: Gradient, U, StandardErrors and Hessian, and so all but one Linear
	// and one Weighted pass, and for the first certificate of a problem a Diag pass (of classes as many Linear and Weighted passes as there are). It has no effect where a weight has
	// no penalty.
	GapOnly bool
	// Goal, if positive, is a Gap that is enough, where every weight has an L2 penalty: what only a smaller one or the coefficients need is left out
	// (Hessian, StandardErrors) as long as the gap is proved to be at most Goal without. It has no effect on classes. Estimate is what the gap is
	// thought to be, 0 if nothing is: it decides how many rows a bound is made of, not whether it holds.
	Goal, Estimate float64
}

func (p *Problem) check() error {
	if p.Passes == nil || p.Source == nil {
		return fmt.Errorf("proof: a problem needs Passes and Source")
	}
	l := p.Source.Layout()
	weights := l.Features
	if p.Classes != nil {
		weights *= p.Classes.K
	}
	for _, c := range []struct {
		what   string
		values []float64
		need   int
		must   bool
	}{{"y", p.Y, l.Rows, p.Classes == nil}, {"s", p.S, l.Rows, false}, {"o", p.O, l.Rows, false}, {"lambda", p.Lambda, weights, false}, {"l1", p.L1, weights, false}} {
		if len(c.values) != c.need && (c.must || c.values != nil) {
			return fmt.Errorf("proof: %s has %d values, want %d", c.what, len(c.values), c.need)
		}
	}
	if p.Classes != nil {
		if err := p.checkClasses(); err != nil {
			return err
		}
	}
	for i, y := range p.Y {
		if s := p.weight(i); !(s >= 0) || s > math.MaxFloat64 {
			return fmt.Errorf("proof: row %d has weight %g", i, s)
		} else if s > 0 && !(y >= 0 && y <= 1) {
			return fmt.Errorf("proof: row %d has y = %g, want 0 to 1", i, y)
		}
	}
	for _, penalty := range [][]float64{p.Lambda, p.L1} {
		for j, v := range penalty {
			if !(v >= 0) || v > math.MaxFloat64 {
				return fmt.Errorf("proof: weight %d has penalty %g", j, v)
			}
		}
	}
	return nil
}

func (p *Problem) weight(i int) float64 {
	if p.S == nil {
		return 1
	}
	return p.S[i]
}

func (p *Problem) offset(i int) float64 {
	if p.O == nil {
		return 0
	}
	return p.O[i]
}

func (p *Problem) lambda(j int) float64 {
	if j >= len(p.Lambda) { // no penalty, or the bias
		return 0
	}
	return p.Lambda[j]
}

// sums are the totals a proof needs of the labels.
type sums struct {
	m, ones, zeros float64 // Σ s, Σ s·y, Σ s·(1-y)
}

func (p *Problem) sums() sums {
	v := p.sum(len(p.Y), 3, func(lo, hi int, sums []scalar.Sum) {
		for i, y := range p.Y[lo:hi] {
			if s := p.weight(lo + i); s > 0 {
				sums[0].Add(s)
				sums[1].Add(s * y)
				sums[2].Add(s * (1 - y))
			}
		}
	})
	return sums{v[0], v[1], v[2]}
}

// shift returns center·scale of every feature, what the algebra of centring takes off a scaled column, and 0 for
// the intercept: the magnitude that rounding in z and in sums is measured against.
func (p *Problem) shift() []float64 {
	l := p.Source.Layout()
	out := make([]float64, l.Features+1)
	for j := range l.Features {
		c, s := axis(l, j)
		out[j] = math.Abs(c * s)
	}
	return out
}

// axis is the centre and the scale of a feature.
func axis(l *engine.Layout, j int) (center, scale float64) {
	scale = 1
	if l.Center != nil {
		center = l.Center[j]
	}
	if l.Scale != nil {
		scale = l.Scale[j]
	}
	return center, scale
}
