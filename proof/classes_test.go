package proof_test

import (
	"context"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"strconv"
	"testing"

	"github.com/descent-ml/descent/proof"
)

// classes is a sample with any number of classes: lambda has K·n values, y is not used.
type classes struct {
	sample
	K, reference int
	label        []int32
}

func (a *classes) problem(t testing.TB) *proof.Problem {
	t.Helper()
	p := a.sample.problem(t)
	p.Y = nil
	p.Classes = &proof.Classes{K: a.K, Label: a.label, Reference: a.reference}
	return p
}

func (a *classes) size() int { return a.K * (a.features() + 1) }

func (a *classes) component(k, j int) int {
	if j == a.features() {
		return a.K*a.features() + k
	}
	return k*a.features() + j
}

// free lists the components that are not held, in the order of theta.
func (a *classes) free() (list []int) {
	n := a.features()
	held := map[int]bool{a.component(a.reference, n): true}
	for j := range n {
		any := false
		for k := range a.K {
			any = any || a.lambda != nil && a.lambda[k*n+j] > 0
		}
		held[a.component(a.reference, j)] = !any
	}
	for c := range a.size() {
		if !held[c] {
			list = append(list, c)
		}
	}
	return list
}

// soft is one row in 32 digits: its loss, residuals and probabilities.
func (a *classes) soft(x []dd, i int, theta []dd) (loss dd, r []dd, q []float64) {
	z := make([]dd, a.K)
	top := 0
	for k := range z {
		if a.o != nil && k != a.reference {
			z[k] = d(a.o[i])
		}
		for j, v := range x {
			z[k] = z[k].add(v.mul(theta[a.component(k, j)]))
		}
		if z[k].sub(z[top]).float() > 0 {
			top = k
		}
	}
	e := make([]dd, a.K)
	rest := dd{}
	for k := range z {
		e[k] = z[k].sub(z[top]).exp()
		if k != top {
			rest = rest.add(e[k])
		}
	}
	total := d(1).add(rest)
	y := a.label[i]
	others := dd{}
	for k := range z {
		r = append(r, e[k].div(total))
		q = append(q, r[k].float())
		if int32(k) != y {
			others = others.add(r[k])
		}
	}
	r[y] = others.neg()
	return rest.log1p().add(z[top].sub(z[y])), r, q
}

// at is J, its gradient and H, over all components; H is in float64.
func (a *classes) at(design [][]dd, theta []dd) (J dd, g []dd, h []float64) {
	size := a.size()
	g, h = make([]dd, size), make([]float64, size*size)
	m := a.sum()
	for i, x := range design {
		s := a.weight(i)
		if s == 0 {
			continue
		}
		loss, r, q := a.soft(x, i, theta)
		J = J.add(d(s).mul(loss))
		for k := range a.K {
			for l := range a.K {
				c := -q[k] * q[l]
				if k == l {
					c = 0
					for o, v := range q {
						if o != k {
							c += q[k] * v
						}
					}
				}
				for j, v := range x {
					for jj, w := range x {
						h[a.component(k, j)*size+a.component(l, jj)] += s * c * v.hi * w.hi / m
					}
				}
			}
			f := d(s).mul(r[k])
			for j, v := range x {
				c := a.component(k, j)
				g[c] = g[c].add(f.mul(v))
			}
		}
	}
	for c, l := range a.lambda {
		J = J.add(d(l).mul(theta[c]).mul(theta[c]).ldexp(-1))
		g[c] = g[c].add(d(l).mul(theta[c]))
		h[c*size+c] += l / m
	}
	for c := range g {
		g[c] = g[c].div(d(m))
	}
	return J.div(d(m)), g, h
}

// part is the rows and columns of the free components.
func part(h []float64, size int, free []int) []float64 {
	out := make([]float64, 0, len(free)*len(free))
	for _, a := range free {
		for _, b := range free {
			out = append(out, h[a*size+b])
		}
	}
	return out
}

// fit runs Newton's method with the steps that always lower the cost, and then to 24 digits. best is nil where it does not get there.
func (a *classes) fit(steps int) (path [][]float64, last []float64, best []dd, J dd) {
	design := make([][]dd, len(a.x))
	for i := range design {
		design[i] = a.design(i)
	}
	free := a.free()
	theta := make([]dd, a.size())
	for range steps {
		float := make([]float64, len(theta))
		for c := range theta {
			float[c] = theta[c].float()
		}
		path = append(path, float)
		J, g, h := a.at(design, theta)
		f := make([]float64, len(free))
		for u, c := range free {
			f[u] = g[c].float()
		}
		step, _, ok := solve(part(h, a.size(), free), f)
		if !ok {
			return path, last, nil, J
		}
		last = make([]float64, a.size())
		var nu float64
		for u, c := range free {
			last[c] = -step[u]
			nu += step[u] * f[u]
		}
		rho := 0.0
		for i, x := range design {
			if a.weight(i) == 0 {
				continue
			}
			lo, hi := math.Inf(1), math.Inf(-1)
			for k := range a.K {
				var v float64
				for j := range x {
					v += x[j].hi * last[a.component(k, j)]
				}
				lo, hi = math.Min(lo, v), math.Max(hi, v)
			}
			rho = math.Max(rho, hi-lo)
		}
		if math.Abs(nu) <= 1e-46*math.Abs(J.hi) {
			return path, last, theta, J
		}
		scale := 1.0
		if rho > 1e-3 {
			scale = math.Log1p(rho) / rho
		}
		for c, v := range last {
			theta[c] = theta[c].add(d(scale * v))
		}
	}
	return path, last, nil, J
}

// drawClasses makes a nasty small problem.
func drawClasses(r *rand.Rand) *classes {
	a := &classes{sample: *draw(r), K: 3 + r.IntN(2)}
	a.y, a.lambda = nil, nil
	a.reference = r.IntN(a.K)
	n, rows := a.features(), len(a.x)
	mean, dev := make([]float64, n), make([]float64, n)
	for j := range n {
		for i := range a.x {
			mean[j] += a.x[i][j] / float64(rows)
		}
		for i := range a.x {
			dev[j] += (a.x[i][j] - mean[j]) * (a.x[i][j] - mean[j]) / float64(rows)
		}
		dev[j] = math.Max(math.Sqrt(dev[j]), 1e-300)
	}
	strength := 0.5 + 1.5*r.Float64()
	if r.IntN(5) == 0 {
		strength, a.kind = 8, a.kind+" near-separated classes"
	}
	w := make([]float64, a.K*(n+1))
	for c := range w {
		w[c] = strength * r.NormFloat64()
	}
	for i := range a.x {
		best, at := math.Inf(-1), 0
		for k := range a.K {
			z := 0.3*w[k*(n+1)+n] - math.Log(-math.Log(r.Float64())) // Gumbel: softmax probabilities
			for j := range n {
				z += w[k*(n+1)+j] * (a.x[i][j] - mean[j]) / dev[j]
			}
			if z > best {
				best, at = z, k
			}
		}
		a.label = append(a.label, int32(at))
	}
	switch r.IntN(4) {
	case 0:
		a.kind += " penalty"
		for range a.K * n {
			a.lambda = append(a.lambda, math.Pow(10, 6*r.Float64()-4))
		}
	case 1:
		a.kind += " some-penalised"
		a.lambda = make([]float64, a.K*n)
		for j := range n {
			v := float64(r.IntN(2)) * math.Pow(10, 4*r.Float64()-2)
			for k := range a.K {
				a.lambda[k*n+j] = v
			}
		}
		if r.IntN(3) == 0 { // of one class only
			a.lambda[r.IntN(a.K*n)] = 1
		}
	case 2:
		a.kind += " equal penalty"
		v := math.Pow(10, 6*r.Float64()-4)
		for range a.K * n {
			a.lambda = append(a.lambda, v)
		}
	}
	return a
}

// TestClassesBound is TestBound for three and four classes. PROOF_PROBLEMS in the environment sets how many problems.
func TestClassesBound(t *testing.T) {
	seed := randomSeed()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 11))
	problems := 200
	if testing.Short() {
		problems = 30
	}
	if s := os.Getenv("PROOF_PROBLEMS"); s != "" {
		problems, _ = strconv.Atoi(s)
	}
	ctx := context.Background()
	var points, bounded, tight, dual, alone, alone2, exists, none int
	var ratios []float64
	for k := range problems {
		a := drawClasses(r)
		p := a.problem(t)
		free, size, n := a.free(), a.size(), a.features()
		path, last, best, optimum := a.fit(80)
		if best == nil {
			none++
			c, err := proof.Certify(ctx, p, path[len(path)-1], proof.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if c.U < 1 && a.lambda == nil {
				dec, err := proof.Decide(ctx, p, last)
				if err != nil {
					t.Fatal(err)
				}
				if dec.State == proof.Separated {
					t.Errorf("problem %d (%s): u = %g on separated data", k, a.kind, c.U)
				}
			}
			continue
		}
		design := make([][]dd, len(a.x))
		for i := range design {
			design[i] = a.design(i)
		}
		float := make([]float64, size)
		for c := range best {
			float[c] = best[c].float()
		}
		if len(path) > 6 { // the last ones are the same in float64
			path = append(slices.Clone(path[:2]), path[len(path)-6:len(path)-2]...)
		}
		tests := append(path, float)
		_, _, h := a.at(design, best)
		_, dev, ok := solve(part(h, size, free), make([]float64, len(free)))
		if !ok {
			t.Fatalf("problem %d (%s): H is singular at the optimum", k, a.kind)
		}
		for range 3 {
			near := slices.Clone(float)
			scale := math.Pow(10, 9*r.Float64()-8)
			for u, c := range free {
				near[c] += scale * r.NormFloat64() * math.Sqrt(dev[u])
			}
			tests = append(tests, near)
		}
		penalised := a.lambda != nil && !slices.Contains(a.lambda, 0)
		for _, theta := range tests {
			c, err := proof.Certify(ctx, p, theta, proof.Options{})
			if err != nil {
				t.Fatal(err)
			}
			points++
			exact := make([]dd, size)
			for i, v := range theta {
				exact[i] = d(v)
			}
			J, g, h := a.at(design, exact)
			truth := J.sub(optimum).float()
			if truth < -1e-25*J.hi {
				t.Fatalf("problem %d (%s): the optimum is not one: %g", k, a.kind, truth)
			}
			for i := range g {
				if e := math.Abs(g[i].float() - c.Gradient[i]); !(e <= 1e-6*(1+math.Abs(c.Gradient[i]))*(1+math.Abs(a.x[0][0])*1e6)) {
					t.Errorf("problem %d (%s): derivative %d is %g, want %g", k, a.kind, i, c.Gradient[i], g[i].float())
				}
			}
			printed := d(c.Cost).sub(optimum).float()
			_, dev, invertible := solve(part(h, size, free), make([]float64, len(free)))
			if penalised {
				lean, err := proof.Certify(ctx, p, theta, proof.Options{GapOnly: true})
				if err != nil {
					t.Fatal(err)
				}
				if !(lean.Gap >= truth) {
					t.Errorf("problem %d (%s): gap %g in fewer passes, truth %g", k, a.kind, lean.Gap, truth)
				}
				w, err := proof.Certify(ctx, p, theta, proof.Options{Factor: 1})
				if err != nil {
					t.Fatal(err)
				}
				alone++
				// With u ≤ 1/100 duality is not looked at, and the closed bound is within 2u/3 of the truth, but for rounding.
				if !(w.Gap >= truth && w.Gap >= d(w.Cost).sub(optimum).float()) || w.Gap < c.Gap/1.01 {
					t.Errorf("problem %d (%s): gap %g by duality alone, %g by both, truth %g", k, a.kind, w.Gap, c.Gap, truth)
				}
				if invertible && !math.IsNaN(w.StandardErrors) {
					alone2++
					for u, i := range free {
						if off := math.Abs(exact[i].sub(best[i]).float()) * math.Sqrt(c.M/dev[u]); i < a.K*n && off > w.StandardErrors*(1+1e-9) {
							t.Errorf("problem %d (%s): weight %d is off by %g standard errors, proved %g by strong convexity", k, a.kind, i, off, w.StandardErrors)
						}
					}
				}
			}
			if math.IsNaN(c.Gap) {
				if c.Note == "" {
					t.Errorf("problem %d (%s): no gap and no note", k, a.kind)
				}
				continue
			}
			bounded++
			if c.Gap < truth || c.Gap < printed {
				t.Errorf("problem %d (%s): gap %g (%s), truth %g, printed %g, u %g", k, a.kind, c.Gap, c.Bound, truth, printed, c.U)
			}
			if c.Bound == proof.Duality {
				dual++
			}
			if !c.Exists {
				t.Errorf("problem %d (%s): a gap but no optimum", k, a.kind)
			}
			if c.U < 0.5 {
				tight++
				if clean := c.Gap - c.GapRounding; truth > 10*c.GapRounding {
					ratios = append(ratios, clean/truth)
					if c.Gap > 3*truth {
						t.Errorf("problem %d (%s): gap %g (%s), truth %g, u %g: more than three times", k, a.kind, c.Gap, c.Bound, truth, c.U)
					}
				}
			}
			if c.U < 1 {
				exists++
				if !invertible {
					t.Fatalf("problem %d (%s): H is singular at a point with u < 1", k, a.kind)
				}
				if len(c.Hessian) != len(free)*len(free) {
					t.Fatalf("problem %d (%s): H has %d values, want %d", k, a.kind, len(c.Hessian), len(free)*len(free))
				}
				for u, i := range free {
					off := math.Abs(exact[i].sub(best[i]).float()) * math.Sqrt(c.M/dev[u])
					if !(off <= c.StandardErrors*(1+1e-9)) {
						t.Errorf("problem %d (%s): coefficient %d is off by %g standard errors, proved %g", k, a.kind, i, off, c.StandardErrors)
					}
				}
			}
		}
	}
	sort.Float64s(ratios)
	q := func(f float64) float64 { return ratios[int(f*float64(len(ratios)-1))] }
	t.Logf("%d points, %d with a bound (%d by duality; %d times duality alone, %d of them with a coefficient bound), %d with u < 1, %d with u < 1/2; %d problems without an optimum in reach; bound/truth there: median %.4f, 90 %% %.3f, worst %.3f",
		points, bounded, dual, alone, alone2, exists, tight, none, q(0.5), q(0.9), q(1))
	if bounded < points/3 || len(ratios) < points/20 || dual < points/100 || alone2 < alone/20 {
		t.Error("the generator gives too few points that test anything")
	}
}

// iris reads the set: 150 rows, four columns, three classes in the order of their names.
func iris(t testing.TB) *classes {
	t.Helper()
	f, err := os.Open("../testdata/iris/iris.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	a := &classes{K: 3}
	names := []string{"setosa", "versicolor", "virginica"}
	for _, row := range rows[1:] {
		x := make([]float64, 4)
		for j := range x {
			if x[j], err = strconv.ParseFloat(row[j], 64); err != nil {
				t.Fatal(err)
			}
		}
		a.x = append(a.x, x)
		a.label = append(a.label, int32(slices.Index(names, row[4])))
	}
	a.center, a.scale = make([]float64, 4), make([]float64, 4)
	for j := range 4 {
		var s, q float64
		for i := range a.x {
			s += a.x[i][j] / 150
		}
		for i := range a.x {
			q += (a.x[i][j] - s) * (a.x[i][j] - s) / 150
		}
		a.center[j], a.scale[j] = s, 1/math.Sqrt(q)
	}
	return a
}

// byHand is u at theta: the Newton decrement times the largest row over all pairs of classes, one system of equations each.
func (a *classes) byHand(theta []float64) float64 {
	free := a.free()
	design := make([][]dd, len(a.x))
	for i := range design {
		design[i] = a.design(i)
	}
	exact := make([]dd, a.size())
	for i, v := range theta {
		exact[i] = d(v)
	}
	_, g, h := a.at(design, exact)
	h = part(h, a.size(), free)
	f := make([]float64, len(free))
	for u, c := range free {
		f[u] = g[c].float()
	}
	quad := func(v []float64) (q float64) {
		x, _, ok := solve(h, v)
		if !ok {
			return math.NaN()
		}
		for u := range v {
			q += v[u] * x[u]
		}
		return q
	}
	nu, R := quad(f), 0.0
	for i, x := range design {
		if a.weight(i) == 0 {
			continue
		}
		for one := range a.K {
			for two := range one {
				v := make([]float64, len(free))
				for u, c := range free {
					for j := range x {
						switch c {
						case a.component(one, j):
							v[u] = x[j].hi
						case a.component(two, j):
							v[u] = -x[j].hi
						}
					}
				}
				R = math.Max(R, quad(v))
			}
		}
	}
	return math.Sqrt(nu * R)
}

// TestClassesReach: u is what it is by hand, where it is not small; else a bound.
func TestClassesReach(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 16))
	checked := 0
	for k := 0; checked < 20; k++ {
		if k > 200 {
			t.Fatal("the generator gives too few problems")
		}
		a := drawClasses(r)
		path, _, best, _ := a.fit(80)
		if best == nil {
			continue
		}
		theta := path[min(2, len(path)-1)]
		u := a.byHand(theta)
		c, err := proof.Certify(context.Background(), a.problem(t), theta, proof.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if math.IsNaN(c.U) || !(u > 1e-6) {
			continue
		}
		if c.U > 0.01 {
			checked++
		}
		if !(c.U >= u*(1-1e-9) && (c.U <= u*1.2 || c.U <= 0.01)) {
			t.Errorf("problem %d (%s): u = %.17g, by hand %.17g", k, a.kind, c.U, u)
		}
	}
}

// TestManyClassesReach: of nine classes it is a bound, at most twice that.
func TestManyClassesReach(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 16))
	for k := range 6 {
		a := &classes{K: 9, reference: k}
		for range 60 {
			a.x = append(a.x, []float64{r.NormFloat64(), 3 + r.NormFloat64()})
			a.label = append(a.label, int32(r.IntN(9)))
		}
		if k%2 == 1 { // the weights of all classes are free
			for range 9 * 2 {
				a.lambda = append(a.lambda, 0.5)
			}
		}
		theta := make([]float64, a.size())
		for i := range theta {
			theta[i] = 0.3 * r.NormFloat64()
		}
		u := a.byHand(theta)
		c, err := proof.Certify(context.Background(), a.problem(t), theta, proof.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !(u > 0.01 && c.U >= u*(1-1e-9) && c.U <= 2*u*(1+1e-6)) {
			t.Errorf("problem %d: u = %.17g, by hand %.17g", k, c.U, u)
		}
	}
}
