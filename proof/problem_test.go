package proof_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/optim"
	"github.com/descent-ml/descent/proof"
)

// sample is a small data set, stored once for the engine and once plainly for the view in 32 digits.
type sample struct {
	x             [][]float64 // [row][feature] as stored
	y, s, o       []float64
	lambda        []float64
	center, scale []float64
	codes         int // the last so many features are one column of levels
	kind          string
}

func (a *sample) features() int { return len(a.x[0]) }

func (a *sample) problem(t testing.TB) *proof.Problem {
	t.Helper()
	n := a.features()
	l := engine.Layout{Rows: len(a.x), Features: n, Center: a.center, Scale: a.scale}
	var cols engine.Columns
	for j := range n - a.codes {
		l.Dense = append(l.Dense, j)
		c := make([]float64, len(a.x))
		for i := range c {
			c[i] = a.x[i][j]
		}
		cols.Dense = append(cols.Dense, engine.Float64s(c))
	}
	if a.codes > 0 {
		l.Codes = []engine.Codes{{First: n - a.codes, Levels: a.codes}}
		c := make([]int32, len(a.x))
		for i := range c {
			c[i] = -1
			for k := range a.codes {
				if a.x[i][n-a.codes+k] == 1 {
					c[i] = int32(k)
				}
			}
		}
		cols.Codes = [][]int32{c}
	}
	m, err := engine.NewMemory(l, cols)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(m, engine.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return &proof.Problem{Passes: e, Source: m, Y: a.y, S: a.s, O: a.o, Lambda: a.lambda}
}

func (a *sample) weight(i int) float64 {
	if a.s == nil {
		return 1
	}
	return a.s[i]
}

func (a *sample) sum() float64 {
	var m float64
	for i := range a.x {
		m += a.weight(i)
	}
	return m
}

// design is x̃ of a row, in 32 digits.
func (a *sample) design(i int) []dd {
	out := make([]dd, a.features()+1)
	for j, v := range a.x[i] {
		out[j] = d(v)
		if a.center != nil {
			out[j] = twoSum(v, -a.center[j])
		}
		if a.scale != nil {
			out[j] = out[j].mul(d(a.scale[j]))
		}
	}
	out[a.features()] = d(1)
	return out
}

// cost is J and its gradient in 32 digits; design holds the rows.
func (a *sample) cost(design [][]dd, theta []dd) (dd, []dd) {
	J := dd{}
	g := make([]dd, len(theta))
	m := d(a.sum())
	for i, x := range design {
		s := a.weight(i)
		if s == 0 {
			continue
		}
		z := dd{}
		if a.o != nil {
			z = d(a.o[i])
		}
		for j, v := range x {
			z = z.add(v.mul(theta[j]))
		}
		loss, r := z.logistic(a.y[i])
		J = J.add(d(s).mul(loss))
		r = d(s).mul(r)
		for j, v := range x {
			g[j] = g[j].add(r.mul(v))
		}
	}
	for j, l := range a.lambda {
		J = J.add(d(l).mul(theta[j]).mul(theta[j]).ldexp(-1))
		g[j] = g[j].add(d(l).mul(theta[j]))
	}
	for j := range g {
		g[j] = g[j].div(m)
	}
	return J.div(m), g
}

// hessian is H in float64, from the 32-digit rows.
func (a *sample) hessian(design [][]dd, theta []dd) []float64 {
	k := len(theta)
	h := make([]float64, k*k)
	m := a.sum()
	for i, x := range design {
		z := dd{}
		if a.o != nil {
			z = d(a.o[i])
		}
		for j, v := range x {
			z = z.add(v.mul(theta[j]))
		}
		e := math.Exp(-math.Abs(z.hi))
		c := a.weight(i) * e / ((1 + e) * (1 + e)) / m
		for p := range x {
			for q := range x {
				h[p*k+q] += c * x[p].hi * x[q].hi
			}
		}
	}
	for j, l := range a.lambda {
		h[j*k+j] += l / m
	}
	return h
}

// solve is H⁻¹g by elimination with scaling; ok is false where H is singular. inverse is its diagonal.
func solve(h, g []float64) (x, inverse []float64, ok bool) {
	k := len(g)
	w := 2*k + 1
	a := make([]float64, k*w)
	dscale := make([]float64, k)
	for i := range k {
		dscale[i] = 1 / math.Sqrt(h[i*k+i])
	}
	for i := range k {
		for j := range k {
			a[i*w+j] = h[i*k+j] * dscale[i] * dscale[j]
		}
		a[i*w+k+i] = 1
		a[i*w+2*k] = g[i] * dscale[i]
	}
	for c := range k {
		if !(a[c*w+c] > 1e-13) {
			return nil, nil, false
		}
		for i := range k {
			if i == c {
				continue
			}
			f := a[i*w+c] / a[c*w+c]
			for j := range w {
				a[i*w+j] -= f * a[c*w+j]
			}
		}
	}
	for c := range k {
		x = append(x, a[c*w+2*k]/a[c*w+c]*dscale[c])
		inverse = append(inverse, a[c*w+k+c]/a[c*w+c]*dscale[c]*dscale[c])
	}
	return x, inverse, true
}

// optimum refines theta in 32 digits until the Newton decrement is below 1e-24; ok is false if it does not get there.
func (a *sample) optimum(theta []float64) (best []dd, J dd, ok bool) {
	design := make([][]dd, len(a.x))
	for i := range design {
		design[i] = a.design(i)
	}
	best = make([]dd, len(theta))
	for j, v := range theta {
		best[j] = d(v)
	}
	for range 60 {
		var g []dd
		J, g = a.cost(design, best)
		f := make([]float64, len(g))
		for j := range g {
			f[j] = g[j].float()
		}
		step, _, solved := solve(a.hessian(design, best), f)
		if !solved {
			return nil, J, false
		}
		var nu float64
		for j := range step {
			nu += step[j] * f[j]
		}
		if !(math.Abs(nu) > 1e-48*math.Abs(J.hi)) {
			return best, J, true
		}
		for j := range best {
			best[j] = best[j].sub(d(step[j]))
		}
	}
	return nil, J, false
}

// objective gives the passes of a problem to the optimisers.
type objective struct {
	p     *proof.Problem
	a     *sample
	c     []float64
	where []float64
}

func (o *objective) Size() int { return o.a.features() + 1 }

func (o *objective) CostGradient(ctx context.Context, theta, grad []float64) (float64, error) {
	z, err := o.p.Passes.Linear(ctx, theta)
	if err != nil {
		return 0, err
	}
	r := make([]float64, len(z))
	o.c = make([]float64, len(z))
	o.where = append([]float64{}, theta...)
	var J float64
	for i := range z {
		if o.a.o != nil {
			z[i] += o.a.o[i]
		}
		s := o.a.weight(i)
		e := math.Exp(-math.Abs(z[i]))
		loss, p, q := math.Log1p(e), 1/(1+e), e/(1+e)
		if z[i] > 0 {
			loss += (1 - o.a.y[i]) * z[i]
		} else {
			loss -= o.a.y[i] * z[i]
			p, q = q, p
		}
		J += s * loss
		r[i] = s * ((1-o.a.y[i])*p - o.a.y[i]*q)
		o.c[i] = s * e / ((1 + e) * (1 + e))
	}
	g, err := o.p.Passes.Weighted(ctx, r)
	if err != nil {
		return 0, err
	}
	m := o.a.sum()
	for j := range g {
		grad[j] = g[j] / m
		if j < len(o.a.lambda) {
			grad[j] += o.a.lambda[j] * theta[j] / m
			J += o.a.lambda[j] * theta[j] * theta[j] / 2
		}
	}
	return J / m, nil
}

func (o *objective) CostGradientRows(context.Context, []float64, []int, []float64) (float64, error) {
	panic("no mini-batches here")
}

func (o *objective) Product(ctx context.Context, v, hv []float64) error { panic("no products here") }
func (o *objective) Diagonal(ctx context.Context, v []float64) error    { panic("no diagonal here") }

func (o *objective) Hessian(ctx context.Context, _ []int, h []float64) error {
	g, err := o.p.Passes.Gram(ctx, o.c, nil)
	if err != nil {
		return err
	}
	m, k := o.a.sum(), o.Size()
	for i := range g {
		h[i] = g[i] / m
	}
	for j, l := range o.a.lambda {
		h[j*k+j] += l / m
	}
	return nil
}

// fit runs Newton and keeps the points it went through.
func (a *sample) fit(t testing.TB, p *proof.Problem, steps int) (path [][]float64, last []float64) {
	t.Helper()
	m, err := optim.NewNewton(make([]float64, a.features()+1), optim.Options{Weight: a.sum(), Steps: steps})
	if err != nil {
		t.Fatal(err)
	}
	out, err := optim.Minimize(context.Background(), m, &objective{p: p, a: a}, func(it optim.Iteration) (bool, error) {
		path = append(path, append([]float64{}, it.Theta...))
		return false, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return path, out.Last
}

// draw makes a nasty small problem. What makes it nasty is drawn too, and named in kind.
func draw(r *rand.Rand) *sample {
	a := &sample{}
	n := 1 + r.IntN(5)
	rows := n + 2 + r.IntN(60)
	tag := func(p float64, s string) bool {
		if r.Float64() < p {
			a.kind += " " + s
			return true
		}
		return false
	}
	heavy, near, scales, means := tag(0.25, "heavy"), tag(0.2, "near-separated"), tag(0.3, "scales"), tag(0.2, "means")
	integer := tag(0.2, "integers")
	w := make([]float64, n)
	unit, mean := make([]float64, n), make([]float64, n)
	for j := range w {
		w[j] = r.NormFloat64()
		if near {
			w[j] *= 8
		}
		unit[j] = 1
		if scales {
			unit[j] = math.Pow(10, float64(r.IntN(13)-6))
		}
		if means {
			mean[j] = math.Pow(10, 5*r.Float64()) * unit[j]
		}
	}
	fractional := tag(0.1, "fractions")
	for range rows {
		x := make([]float64, n)
		z := 0.5 * r.NormFloat64()
		for j := range x {
			v := r.NormFloat64()
			if heavy {
				v /= 0.02 + math.Abs(r.NormFloat64())
			}
			if integer {
				v = math.Round(v)
			}
			z += w[j] * v
			x[j] = v*unit[j] + mean[j]
		}
		y := 0.0
		if r.Float64() < 1/(1+math.Exp(-z)) {
			y = 1
		}
		if fractional && r.IntN(2) == 0 {
			y = r.Float64()
		}
		a.x, a.y = append(a.x, x), append(a.y, y)
	}
	if tag(0.25, "levels") {
		a.codes = 1 + r.IntN(3)
		for i := range a.x {
			level := r.IntN(a.codes + 1)
			for k := range a.codes {
				v := 0.0
				if k == level {
					v = 1
				}
				a.x[i] = append(a.x[i], v)
			}
		}
	}
	if tag(0.3, "weights") {
		for range rows {
			a.s = append(a.s, []float64{0, 1, 2, 0.3, 1e-3, 1e3}[r.IntN(6)])
		}
	}
	if tag(0.2, "offsets") {
		for range rows {
			a.o = append(a.o, 3*r.NormFloat64())
		}
	}
	if means || tag(0.4, "standardised") {
		n := a.features()
		a.center, a.scale = make([]float64, n), make([]float64, n)
		for j := range n {
			a.scale[j] = 1
			if j >= n-a.codes {
				continue
			}
			var s, q float64
			for i := range a.x {
				s += a.x[i][j]
			}
			s /= float64(rows)
			for i := range a.x {
				q += (a.x[i][j] - s) * (a.x[i][j] - s)
			}
			a.center[j] = s
			if q > 0 {
				a.scale[j] = 1 / math.Sqrt(q/float64(rows))
			}
		}
	}
	switch r.IntN(4) {
	case 0:
		a.kind += " penalty"
		for range a.features() {
			a.lambda = append(a.lambda, math.Pow(10, 6*r.Float64()-4))
		}
	case 1:
		a.kind += " some-penalised"
		for range a.features() {
			a.lambda = append(a.lambda, float64(r.IntN(2))*math.Pow(10, 4*r.Float64()-2))
		}
	}
	return a
}
