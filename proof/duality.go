package proof

import (
	"context"
	"math"

	"github.com/descent-ml/descent/internal/scalar"
)

// duality bounds J - J* by J - D with the dual value D of docs/certificate.md, every weight penalised, and lowers c.Gap if
// that is smaller.
func (p *Problem) duality(ctx context.Context, a *point, theta []float64, t sums, s smooth, c *Certificate) error {
	n := len(theta) - 1
	if !(t.ones > 0 && t.zeros > 0) {
		return nil // one class: the bias has no optimum
	}
	shift := p.exactBias(a.z)
	if !finite(shift) {
		return nil
	}
	// Any q in (0,1) gives a bound; what is computed is exact for the r it uses but for the last digits of h.
	r, abs := make([]float64, len(a.z)), make([]float64, len(a.z))
	sums := p.sum(len(a.z), 2, func(lo, hi int, sums []scalar.Sum) {
		p.strips(lo, hi, func(l *strip, lo, hi int) {
			for i, z := range a.z[lo:hi] {
				l.z[i] = z + shift
			}
			l.sigmoids(l.z, false, false)
			l.residuals()
			copy(r[lo:hi], l.r)
			copy(abs[lo:hi], l.abs)
			l.add(&sums[0], l.r)
			l.add(&sums[1], l.abs)
		})
	})
	total, size := sums[0], sums[1]
	v, err := p.Passes.Weighted(ctx, r)
	if err != nil {
		return err
	}
	spread, err := p.spread(ctx, abs, size, a.shift, a.lean)
	if err != nil {
		return err
	}
	g := gamma(a.depth + residualError + 4)
	d := make([]float64, n) // what v is off by
	for j := range n {
		d[j] = g * spread[j]
	}
	// at is m·(J - D) for r scaled by shrink, and what rounding can make of it.
	at := func(shrink float64) (gap, rounding float64) {
		v3 := p.sum(len(a.z), 3, func(lo, hi int, sums []scalar.Sum) {
			p.strips(lo, hi, func(l *strip, lo, hi int) {
				z := a.z[lo:hi]
				l.sigmoids(z, true, false)
				loss := l.r
				l.loss(loss)
				h := l.abs
				for i, v := range z {
					l.z[i] = v + shift
				}
				if shrink == 1 {
					l.sigmoids(l.z, true, false)
					l.entropies(h, l.z)
				} else {
					l.sigmoids(l.z, false, false)
				}
				for i, w := range l.s {
					ri, logit := r[lo+i], math.Abs(l.z[i])
					if shrink != 1 {
						h[i], logit = entropyOf((1-shrink)*l.y[i]+float64(shrink*l.a[i]), (1-shrink)*(1-l.y[i])+float64(shrink*l.b[i]))
						h[i] *= w
						ri *= shrink
					}
					// loss - h, kept row by row so that large equal parts go at once
					l.p[i] = ri * l.o[i]
					l.q[i] = loss[i] - h[i]
					l.c[i] = 32*(loss[i]+h[i]) + 32*math.Abs(ri)*(logit+math.Abs(l.o[i]))
				}
				l.add(&sums[0], l.p)
				l.add(&sums[1], l.q)
				l.add(&sums[2], l.c)
			})
		})
		var left, errors scalar.Sum
		left.Add(v3[1])
		errors.Add(v3[2])
		errV := p.conjugate(theta[:n], v, d, shrink, &left, &errors)
		left.Add(-v3[0])
		return left.Value(), unit*errors.Value() + errV
	}
	left, errors := at(p.shrink(v, d))
	// Σr is 0 but for rounding; at the optimum it meets b*.
	rest := math.Abs(total) + (residualError+panelError)*unit*size
	bias, err := p.biasBound(ctx, a, theta, t, s)
	if err != nil {
		return err
	}
	rounding := (errors + rest*bias) / a.m
	rounding += a.costError
	gap := math.Max(left/a.m, 0) + rounding
	if exact := p.shrink(v, nil); exact != p.shrink(v, d) { // what the gap would be if v had no rounding errors
		least, _ := at(exact)
		rounding += math.Max(math.Max(left, 0)-math.Max(least, 0), 0) / a.m
	}
	if finite(gap) && !(gap >= c.Gap) {
		c.Gap, c.Bound, c.GapRounding = gap, Duality, rounding
	}
	return nil
}

// exactBias is the t with Σ s (sigmoid(z + t) - y) = 0, by Newton's method kept inside a bracket.
func (p *Problem) exactBias(z []float64) float64 {
	f := func(x float64) (value, slope, size float64) {
		v := p.sum(len(z), 3, func(lo, hi int, sums []scalar.Sum) {
			p.strips(lo, hi, func(l *strip, lo, hi int) {
				for i, z := range z[lo:hi] {
					l.z[i] = z + x
				}
				l.sigmoids(l.z, false, true)
				l.residuals()
				for i, s := range l.s {
					l.c[i] *= s
				}
				l.add(&sums[0], l.r)
				l.add(&sums[1], l.c)
				l.add(&sums[2], l.abs)
			})
		})
		return v[0], v[1], v[2]
	}
	lo, hi := math.Inf(-1), math.Inf(1)
	x := 0.0
	for range 200 {
		v, d, size := f(x)
		if math.Abs(v) <= panelError*unit*size || v != v { // what is left is rounding
			return x
		}
		if v > 0 {
			hi = x
		} else {
			lo = x
		}
		next := x - v/d
		if !(next > lo && next < hi) || math.Abs(next-x) > 50 {
			switch {
			case math.IsInf(lo, 0):
				next = x - math.Max(1, math.Abs(x))
			case math.IsInf(hi, 0):
				next = x + math.Max(1, math.Abs(x))
			default:
				next = lo + (hi-lo)/2
			}
		}
		if next == x || math.Abs(next-x) <= unit*math.Abs(x) {
			return x
		}
		x = next
	}
	return x
}

// biasBound bounds |b*|. From the ball of the smooth bound where there is one; else from J* ≤ J: the losses of the
// ones, at least -z, sum to at most m·J, so -b* ≤ m·J/m₁ + |w*·x̄₁| + |ō₁|, and likewise for the zeros, with
// |w*·x̄| as swing bounds it.
func (p *Problem) biasBound(ctx context.Context, a *point, theta []float64, t sums, s smooth) (float64, error) {
	n := len(theta) - 1
	b := math.Inf(1)
	if s.ok {
		b = math.Abs(theta[n]) + s.radius*s.dev[n]
	}
	if b < 1e3 {
		return b, nil
	}
	other := 0.0
	total := math.Max(a.cost+a.costError, 0) * a.m
	if a.lean { // |x̄_j| ≤ sqrt(Σ s x²/m₁), and the same of o
		share := math.Min(t.ones, t.zeros)
		v := make([]float64, n)
		for j := range v {
			v[j] = math.Sqrt(math.Max(p.square[j], 0) / share)
		}
		o := p.sum(len(p.O), 1, func(lo, hi int, sums []scalar.Sum) {
			for i := lo; i < hi; i++ {
				sums[0].Add(p.weight(i) * p.O[i] * p.O[i])
			}
		})[0]
		return math.Min(b, 1.01*(total/share+p.swing(total, 0, v)+math.Sqrt(o/share))), nil
	}
	for side, share := range []float64{t.ones, t.zeros} {
		r := make([]float64, len(p.Y))
		var o scalar.Sum
		for i, y := range p.Y {
			if side == 1 {
				y = 1 - y
			}
			r[i] = p.weight(i) * y
			o.Add(r[i] * p.offset(i))
		}
		v, err := p.Passes.Weighted(ctx, r)
		if err != nil {
			return 0, err
		}
		for j := range v {
			v[j] /= share
		}
		other = math.Max(other, total/share+p.swing(total, 0, v[:n])+math.Abs(o.Value())/share)
	}
	return math.Min(b, 1.01*other), nil
}

// strong is the coefficient bound where H is not factored: with the bias minimised out, the cost is lambda/m strongly convex in w, so
// ‖w - w*‖ ≤ (m/lambda)·‖dw‖ at the exact bias, lambda the smallest and dw any subgradient; a standard error is at least 1/sqrt(m·H_jj). The bias is not covered.
func (p *Problem) strong(ctx context.Context, a *point, theta []float64, weakest float64, c *Certificate) error {
	n := len(theta) - 1
	if !(a.curved > 0) {
		return nil
	}
	diag, err := p.Passes.Diag(ctx, a.curvature)
	if err != nil {
		return err
	}
	k, sums := gamma(float64(n+7)), gamma(a.depth+residualError+4)
	norm := make([]float64, n) // sqrt((1/m)Σ c x̃_j²)
	zError := k * math.Abs(theta[n]) * math.Sqrt(a.curved)
	for j := range n {
		norm[j] = math.Sqrt(math.Max(diag[j], 0) / a.m)
		zError += k * math.Abs(theta[j]) * (norm[j] + 2*a.shift[j]*math.Sqrt(a.curved))
	}
	// distance(db, err) is the bound for a gradient that is off by its share err (0 or 1) of the rounding errors.
	distance := func(share float64) float64 {
		// The bias is off its best place by at most -log(1-|db|/curved) ≤ 2|db|/curved while that is small (the
		// curvature falls no faster than e^-t), and takes dw_j along by at most (1/m)Σ c|x_ij|·t·e^t.
		db := math.Abs(a.gradient[n]) + share*(sums*a.magnitude[n]+zError*math.Sqrt(a.curved))
		t := 2 * db / a.curved
		if !(t < 0.5) {
			return math.NaN()
		}
		var g, top float64
		for j := range n {
			e := math.Abs(a.gradient[j]) + norm[j]*math.Sqrt(a.curved)*t*math.Exp(t)
			e += share * (sums*a.magnitude[j] + zError*norm[j] + 4*unit*(p.lambda(j)*math.Abs(theta[j])+p.l1(j))/a.m)
			g += e * e
			top = math.Max(top, norm[j]*norm[j]+p.lambda(j)/a.m)
		}
		return a.m / weakest * math.Sqrt(g) * math.Sqrt(a.m*top)
	}
	c.StandardErrors = distance(1)
	c.Rounding = c.StandardErrors - distance(0)
	return nil
}
