package proof

import (
	"context"
	"fmt"
	"math"

	"github.com/descent-ml/descent/internal/scalar"
)

// Certificate is what is proved about a point. Where something is not proved its number is NaN and the note says why.
type Certificate struct {
	Cost     float64   // J at the point, summed with compensation
	Gradient []float64 // of J, (n+1), of classes K·(n+1); with an L1 penalty the subgradient of least norm
	M        float64   // Σ s

	Gap   float64 // J - J* is at most this, rounding included; NaN if no bound is known
	Bound Bound   // which bound it is
	Note  string  // why there is no Gap, or no StandardErrors

	U              float64 // Newton decrement times the largest row in the norm of H⁻¹, or a bound on it; below 1 it proves that an optimum exists
	StandardErrors float64 // no coefficient is further from the optimum's than so many of its standard errors, rounding included
	Rounding       float64 // the part of StandardErrors that is rounding: more steps don't make it smaller
	GapRounding    float64 // the part of Gap that is rounding

	Exists bool   // a finite optimum exists
	Why    string // what proves it

	// Hessian is H at the point, (n+1)×(n+1) row-major, nil where it was not formed. Its inverse over m is the covariance
	// of the coefficients. Of classes it is over the free components (see Classes), in the order of theta.
	Hessian []float64
}

// Bound names a bound.
type Bound string

// The bounds.
const (
	NoBound         Bound = ""
	SelfConcordance Bound = "self-concordance"
	Duality         Bound = "duality"
)

const (
	defaultFactor = 1025
	maxLoss       = 0.25 // largest relative error of H, as a quadratic form, that is allowed for
)

// Proved reports whether every coefficient is proved to be within so many standard errors of the optimum's, or as close to that
// as rounding allows.
func (c *Certificate) Proved(standardErrors float64) bool {
	return c.StandardErrors-c.Rounding <= standardErrors
}

// Certify bounds the distance of theta = (w, b) from the optimum. But for Options.GapOnly it takes one Linear, two Weighted and a
// Diag pass and, up to Options.Factor parameters, a Gram pass, one over the rows as stored and, unless theta is close to the optimum, a
// MaxQuad pass; with a penalty two Weighted passes more. With Options.Goal a Linear, a Weighted, part of a Gram pass and, once, one over the rows as stored, if that is enough.
// Of K classes it takes K times as many of these, and for H K(K+1)/2 Gram passes (one read of the rows where Passes have Grams) and, unless close, K(K-1)/2 MaxQuad passes, of more than eight classes K-1.
func Certify(ctx context.Context, p *Problem, theta []float64, o Options) (*Certificate, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if o.Factor == 0 {
		o.Factor = defaultFactor
	}
	n := p.Source.Layout().Features
	if size := p.size(); len(theta) != size {
		return nil, fmt.Errorf("proof: theta has %d values, want %d", len(theta), size)
	}
	for j, v := range theta {
		if v-v != 0 {
			return nil, fmt.Errorf("proof: parameter %d is %g", j, v)
		}
	}
	if p.Classes != nil {
		return p.certifyClasses(ctx, theta, o)
	}
	t := p.sums()
	c := &Certificate{M: t.m, Gap: math.NaN(), U: math.NaN(), StandardErrors: math.NaN(), Rounding: math.NaN(), GapRounding: math.NaN()}
	if !(t.m > 0) {
		c.Note = "no row has a weight"
		return c, nil
	}
	penalised := n > 0
	weakest := math.Inf(1)
	for j := range n {
		penalised = penalised && (p.lambda(j) > 0 || p.l1(j) > 0)
		weakest = math.Min(weakest, p.lambda(j))
	}
	lean := o.GapOnly && penalised
	if o.Goal > 0 && penalised && !lean && !p.sparse() && n+1 <= o.Factor && t.ones > 0 && t.zeros > 0 {
		if ok, err := p.brief(ctx, theta, t.m, o, c); ok || err != nil {
			return c, err
		}
	}
	a, err := p.at(ctx, theta, t.m, lean)
	if err != nil {
		return nil, err
	}
	c.Cost, c.Gradient = a.cost, a.gradient
	if !a.finite {
		c.Note = "cost or gradient is not finite"
		return c, nil
	}
	if penalised || n == 0 {
		if t.ones > 0 && t.zeros > 0 {
			c.Exists, c.Why = true, "every weight is penalised and both classes occur"
		}
	}

	var s smooth
	if lean {
	} else if p.sparse() {
		if !penalised {
			c.Note = "no bound: there is an L1 penalty, but not on every weight"
		}
	} else if n+1 <= o.Factor {
		if s, err = p.smooth(ctx, a, theta, c); err != nil {
			return nil, err
		}
	} else if !penalised {
		c.Note = fmt.Sprintf("no bound: %d parameters are too many to factor the Hessian and not every weight is penalised", n+1)
	}
	// Near the optimum the closed bound is within a hundredth of the best there is; the other is not looked at.
	if penalised && !(s.ok && c.U <= coarse) {
		if err := p.duality(ctx, a, theta, t, s, c); err != nil {
			return nil, err
		}
	}
	if penalised {
		if math.IsNaN(c.StandardErrors) && weakest > 0 && !lean {
			if err := p.strong(ctx, a, theta, weakest, c); err != nil {
				return nil, err
			}
		}
	}
	if !math.IsNaN(c.Gap) {
		c.Note = ""
	}
	return c, nil
}

// point is everything about theta that both bounds use.
type point struct {
	z, curvature []float64
	cost         float64
	gradient     []float64
	magnitude    []float64 // (1/m) Σ |r_i| |x̃_ij| at most, as stored: what the errors of sums and of z are relative to
	shift        []float64
	residual     float64 // (1/m) Σ |r_i|
	curved       float64 // (1/m) Σ c_i
	m            float64
	costError    float64 // |computed J - J| at most
	depth        float64 // additions on the way of one term of a pass's sum
	finite       bool
	lean         bool
}

// at looks at theta, lean without the gradient.
func (p *Problem) at(ctx context.Context, theta []float64, m float64, lean bool) (*point, error) {
	a, abs, err := p.begin(ctx, theta, m, lean)
	if err != nil {
		return nil, err
	}
	spread, err := p.spread(ctx, abs, a.residual*m, a.shift, lean)
	if err != nil {
		return nil, err
	}
	for j, v := range spread {
		a.magnitude[j] = v / m
	}
	a.addErrors(theta)
	if lean {
		a.gradient = nil
	}
	return a, nil
}

// addErrors adds to costError what z is off by: n products and additions, twice the centring, the offset. A change of z by δ changes the cost by
// at most |r|·δ downwards (convexity), which is the side a bound on J - J* needs.
func (a *point) addErrors(theta []float64) {
	k := gamma(float64(len(theta) + 6))
	for j, v := range theta {
		a.costError += k * math.Abs(v) * (a.magnitude[j] + a.shift[j]*a.residual)
	}
	a.finite = a.finite && finite(a.costError)
}

// begin is at without the magnitudes and what they say of the errors; it returns what bounds |r| besides.
func (p *Problem) begin(ctx context.Context, theta []float64, m float64, lean bool) (*point, []float64, error) {
	z, err := p.Passes.Linear(ctx, theta)
	if err != nil {
		return nil, nil, err
	}
	a := &point{z: z, m: m, lean: lean, shift: p.shift(), depth: p.depth()}
	r, abs := make([]float64, len(z)), make([]float64, len(z))
	if !lean {
		a.curvature = make([]float64, len(z))
	}
	v := p.sum(len(z), 4, func(lo, hi int, sums []scalar.Sum) {
		p.strips(lo, hi, func(l *strip, lo, hi int) {
			z := z[lo:hi]
			for i, s := range l.s {
				if s == 0 {
					z[i] = 0
				} else {
					z[i] += l.o[i]
				}
			}
			l.sigmoids(z, true, !lean)
			l.residuals()
			copy(r[lo:hi], l.r)
			copy(abs[lo:hi], l.abs)
			l.add(&sums[1], l.abs)
			for i, v := range l.abs {
				l.z[i] = v * (math.Abs(l.o[i]) + math.Abs(z[i]))
			}
			l.add(&sums[3], l.z)
			if !lean {
				c := a.curvature[lo:hi]
				for i, v := range l.c {
					c[i] = l.s[i] * v
				}
				l.add(&sums[2], c)
			}
			l.loss(l.z)
			l.add(&sums[0], l.z)
		})
	})
	cost, offsets := v[0], v[3]
	a.residual, a.curved = v[1]/m, v[2]/m
	a.gradient = make([]float64, len(theta))
	if !lean {
		if a.gradient, err = p.Passes.Weighted(ctx, r); err != nil {
			return nil, nil, err
		}
	}
	var penalty scalar.Sum
	a.magnitude = make([]float64, len(theta))
	for j, v := range theta {
		l := p.lambda(j)
		penalty.Add(l * v * v / 2)
		penalty.Add(p.l1(j) * math.Abs(v))
		a.gradient[j] = p.subgradient(j, a.gradient[j]+l*v, v) / m
	}
	a.cost = (cost + penalty.Value()) / m
	a.costError = 2*unit*offsets/m + (lossError+panelError+4)*unit*a.cost
	a.finite = finite(a.cost)
	for _, g := range a.gradient {
		a.finite = a.finite && finite(g)
	}
	return a, abs, nil
}

// spread bounds Σ |r_i| |x_ij| of the stored x for every component, abs = |r| and total = Σ|r|. Cauchy and Schwarz: it is at most
// sqrt(Σ|r|)·sqrt(Σ|r|x̃²) plus |center·scale|·Σ|r|, and lean, without a pass, sqrt(Σ r²/s)·sqrt(Σ s x̃²) plus the same.
func (p *Problem) spread(ctx context.Context, abs []float64, total float64, shift []float64, lean bool) ([]float64, error) {
	var square []float64
	var err error
	if lean {
		if p.square == nil {
			if p.square, err = p.Passes.Diag(ctx, p.S); err != nil {
				return nil, err
			}
		}
		square = p.square
		total2 := p.sum(len(abs), 1, func(lo, hi int, sums []scalar.Sum) {
			for i := lo; i < hi; i++ {
				if s := p.weight(i); s > 0 {
					sums[0].Add(abs[i] / s * abs[i])
				}
			}
		})[0]
		out := make([]float64, len(square))
		for j, q := range square {
			out[j] = math.Sqrt(total2)*math.Sqrt(math.Max(q, 0)) + shift[j]*total
		}
		return out, nil
	}
	if square, err = p.Passes.Diag(ctx, abs); err != nil {
		return nil, err
	}
	out := make([]float64, len(square))
	for j, q := range square {
		out[j] = math.Sqrt(total*math.Max(q, 0)) + shift[j]*total
	}
	return out, nil
}

// depth is the number of additions a term goes through in a pass: the rows of a chunk over at least eight lanes, the lanes, the tree of chunks.
func (p *Problem) depth() float64 {
	rows := float64(p.Source.Layout().Rows)
	chunk := float64(p.Source.ChunkRows())
	return math.Min(rows, chunk/8) + 32 + math.Log2(rows/chunk+1)
}

func finite(v float64) bool { return v-v == 0 }

// smooth is what the factored Hessian gives.
type smooth struct {
	ok     bool
	radius float64 // ‖θ - θ*‖ in the norm of H
	dev    []float64
}

// closed is the bound ν²·φ(u), φ(u) = (u + (1-u)·log(1-u))/u² = 1/2 + u/6 + u²/12 + …, for 0 ≤ u < 1.
func closed(nu, u float64) float64 {
	if u < 0.02 {
		var s, pow float64 = 0, 1
		for k := 2; k < 14; k++ {
			s += pow / float64(k*(k-1))
			pow *= u
		}
		return nu * nu * s
	}
	return nu * nu * ((u + (1-u)*math.Log1p(-u)) / (u * u))
}

// reach is the radius ν·(-log(1-u)/u) of the ball, in the norm of H, that holds the optimum.
func reach(nu, u float64) float64 {
	if u < 1e-8 {
		return nu * (1 + u)
	}
	return nu * (-math.Log1p(-u) / u)
}

// smooth forms and factors H and fills in U, Gap, StandardErrors and Exists.
func (p *Problem) smooth(ctx context.Context, a *point, theta []float64, c *Certificate) (smooth, error) {
	size := len(theta)
	h, err := p.Passes.Gram(ctx, a.curvature, nil)
	if err != nil {
		return smooth{}, err
	}
	if len(h) != size*size {
		return smooth{}, fmt.Errorf("proof: Gram has %d values, want %d", len(h), size*size)
	}
	data := make([]float64, size) // H_jj without the penalty
	for j := range h {
		h[j] /= a.m
	}
	for j := range size {
		data[j] = math.Max(h[j*size+j], 0)
		h[j*size+j] += p.lambda(j) / a.m
	}
	c.Hessian = h
	f := factorise(h, size)
	if f == nil {
		c.Note = "no bound: the Hessian is singular to rounding"
		return smooth{}, nil
	}
	// The error of H in the scaled coordinates: entry (i, j) is off by at most γ·sqrt(q_i·q_j), its norm by γ·Σq. The
	// Cholesky factor's backward error is of the same form (Higham, theorem 10.3). So H ⪰ (1-loss)·Ĥ.
	var q float64
	for j := range size {
		raw := math.Sqrt(data[j]) + a.shift[j]*math.Sqrt(a.curved)
		q += math.Max(1, raw*raw/h[j*size+j])
	}
	lost := 2 * gamma(a.depth+float64(size)+2*residualError) * q * f.trace()
	if !(lost <= maxLoss) {
		c.Note = "no bound: the Hessian is too close to singular for its rounding errors"
		return smooth{}, nil
	}
	// The error of the gradient in the norm of H⁻¹: of the sums, entry by entry, and of z, row by row, where
	// ‖(1/m)Σ c_i δ_i x̃_i‖² ≤ (1/m)Σ c_i δ_i².
	var slack, zError float64
	sums := gamma(a.depth + residualError + 4)
	k := gamma(float64(size + 6))
	for j, v := range theta {
		slack += (sums*a.magnitude[j] + 4*unit*p.lambda(j)*math.Abs(v)/a.m) * f.deviation(j)
		zError += k * math.Abs(v) * (math.Sqrt(data[j]) + 2*a.shift[j]*math.Sqrt(a.curved))
	}
	if p.O != nil {
		var o scalar.Sum
		for i, v := range p.O {
			o.Add(a.curvature[i] * v * v)
		}
		zError += 2 * unit * math.Sqrt(o.Value()/a.m)
	}
	slack += zError
	grow := 1 / math.Sqrt(1-lost)
	computed := f.norm(a.gradient) * grow
	nu := computed + slack*grow
	// Near the optimum a coarse R does as well as the largest row itself.
	units := make([]float64, size)
	for j, d := range f.d {
		units[j] = 1 / (d * d)
	}
	square, err := p.largestRow(ctx, units)
	if err != nil {
		return smooth{}, err
	}
	R := math.Sqrt(f.trace()*square) * (1 + lost) * grow
	if !(nu*R <= coarse) {
		max, _, err := p.Passes.MaxQuad(ctx, f.lower(), p.S)
		if err != nil {
			return smooth{}, err
		}
		var shift float64 // of a row, when its centre is taken off
		for j := range size {
			shift += 4 * unit * a.shift[j] * f.deviation(j)
		}
		R = (math.Sqrt(max)*(1+lost) + shift) * grow
	}
	u := nu * R
	c.U = u
	if !(u < 1) {
		c.Note = "no bound: the point is too far from an optimum, or there is none"
		return smooth{}, nil
	}
	c.Exists, c.Why = true, "u < 1"
	c.GapRounding = a.costError + closed(nu, u) - closed(computed, computed*R)
	c.Gap, c.Bound = closed(nu, u)*(1+64*unit)+a.costError, SelfConcordance
	r := reach(nu, u)
	root := math.Sqrt(a.m)
	c.StandardErrors = r * root * (1 + 64*unit)
	c.Rounding = c.StandardErrors - reach(computed, computed*R)*root
	s := smooth{ok: true, radius: r, dev: make([]float64, size)}
	for j := range size {
		s.dev[j] = f.deviation(j) * grow
	}
	return s, nil
}
