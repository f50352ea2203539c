package proof_test

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/descent-ml/descent/optim"
	"github.com/descent-ml/descent/proof"
)

// corner is a sample of two classes (K = 1) or more, with an L1 penalty l1 of every weight. Components are those of the problem.
type corner struct {
	classes
	l1 []float64
}

func (a *corner) problem(t testing.TB) *proof.Problem {
	t.Helper()
	p := a.sample.problem(t)
	if a.K > 1 {
		p = a.classes.problem(t)
	}
	p.L1 = a.l1
	return p
}

// smooth is J without the L1 penalty, its gradient and H.
func (a *corner) smooth(design [][]dd, theta []dd) (dd, []dd, []float64) {
	if a.K > 1 {
		return a.at(design, theta)
	}
	J, g := a.cost(design, theta)
	return J, g, a.hessian(design, theta)
}

func (a *corner) cost1(J dd, theta []dd) dd {
	sum := dd{}
	for c, l := range a.l1 {
		sum = sum.add(d(l).mul(theta[c].abs()))
	}
	return J.add(sum.div(d(a.sum())))
}

// held is the component that is not free: the bias of the reference class.
func (a *corner) held() int {
	if a.K > 1 {
		return a.component(a.reference, a.features())
	}
	return -1
}

// plain answers an optimiser in float64 from the 32-digit rows.
type plain struct {
	a      *corner
	design [][]dd
	at     []dd
}

func (o *plain) Size() int { return o.a.K * (o.a.features() + 1) }

func (o *plain) CostGradient(_ context.Context, theta, grad []float64) (float64, error) {
	o.at = make([]dd, len(theta))
	for c, v := range theta {
		o.at[c] = d(v)
	}
	J, g, _ := o.a.smooth(o.design, o.at)
	for c := range g {
		grad[c] = g[c].float()
	}
	if c := o.a.held(); c >= 0 {
		grad[c] = 0
	}
	return J.float(), nil
}

func (o *plain) Hessian(_ context.Context, _ []int, h []float64) error {
	_, _, all := o.a.smooth(o.design, o.at)
	copy(h, all)
	if c := o.a.held(); c >= 0 {
		for j := range o.Size() {
			h[c*o.Size()+j], h[j*o.Size()+c] = 0, 0
		}
		h[c*o.Size()+c] = 1
	}
	return nil
}

func (o *plain) CostGradientRows(context.Context, []float64, []int, []float64) (float64, error) {
	panic("no mini-batches here")
}
func (o *plain) Product(context.Context, []float64, []float64) error { panic("no products here") }
func (o *plain) Diagonal(context.Context, []float64) error           { panic("no diagonal here") }

// optimum finds a candidate by the proximal method and makes it exact: Newton's method in 32 digits over the components that are not 0,
// their signs kept, and at its end the conditions of optimality are checked in 32 digits. ok is false where they do not hold.
func (a *corner) optimum(t testing.TB) (path [][]float64, best []dd, J dd, ok bool) {
	t.Helper()
	o := &plain{a: a, design: make([][]dd, len(a.x))}
	for i := range o.design {
		o.design[i] = a.sample.design(i)
	}
	size, m := o.Size(), a.sum()
	l1 := make([]float64, size)
	for c, l := range a.l1 {
		l1[c] = l / m
	}
	method, err := optim.NewProximal(make([]float64, size), l1, optim.Options{Weight: m})
	if err != nil {
		t.Fatal(err)
	}
	out, err := optim.Minimize(context.Background(), method, o, func(it optim.Iteration) (bool, error) {
		path = append(path, slices.Clone(it.Theta))
		return false, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var set []int
	best = make([]dd, size)
	for c, v := range out.Theta {
		best[c] = d(v)
		if c != a.held() && (v != 0 || c >= len(a.l1)) {
			set = append(set, c)
		}
	}
	least := func() (J dd, g []dd, h []float64) { // the gradient with the penalty's part
		J, g, h = a.smooth(o.design, best)
		for c, l := range a.l1 {
			if v := best[c].float(); v != 0 {
				g[c] = g[c].add(d(math.Copysign(l, v)).div(d(m)))
			}
		}
		return a.cost1(J, best), g, h
	}
	for range 40 {
		var g []dd
		var h []float64
		J, g, h = least()
		f := make([]float64, len(set))
		for u, c := range set {
			f[u] = g[c].float()
		}
		step, _, solved := solve(part(h, size, set), f)
		if !solved {
			return path, nil, J, false
		}
		var nu float64
		for u := range set {
			nu += step[u] * f[u]
		}
		if !(math.Abs(nu) > 1e-46*math.Abs(J.hi)) {
			for c := range size {
				v := best[c].float()
				switch {
				case c == a.held(), c >= len(a.l1):
				case v == 0 && math.Abs(g[c].float()) > a.l1[c]/m,
					v != 0 && math.Signbit(v) != math.Signbit(out.Theta[c]):
					return path, nil, J, false
				}
			}
			return path, best, J, true
		}
		for u, c := range set {
			best[c] = best[c].sub(d(step[u]))
		}
	}
	return path, nil, J, false
}

// TestCornerBound draws random problems with an L1 penalty, some with L2 beside it, of two classes and more, and holds gap and
// coefficient bound against the optimum in 32 digits: at the points of a fit, around the optimum, and at it. PROOF_PROBLEMS in the
// environment sets how many problems.
func TestCornerBound(t *testing.T) {
	seed := randomSeed()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 21))
	problems := 100
	if s := os.Getenv("PROOF_PROBLEMS"); s != "" {
		problems, _ = strconv.Atoi(s)
	}
	ctx := context.Background()
	var points, none, zeros, weights, strong, worst, tightest int
	for k := range problems {
		a := &corner{}
		if k%2 == 0 {
			a.sample, a.K = *draw(r), 1
		} else {
			a.classes = *drawClasses(r)
		}
		both := make([]float64, max(a.K, 2))
		for i := range a.x {
			switch {
			case a.K > 1:
				both[a.label[i]] += a.weight(i)
			default:
				both[0] += a.weight(i) * a.y[i]
				both[1] += a.weight(i) * (1 - a.y[i])
			}
		}
		if slices.Min(both) == 0 {
			none++
			continue
		}
		n := a.K * a.features()
		a.lambda = nil
		elastic := r.IntN(2) == 0
		base := math.Pow(10, 4*r.Float64()-2.5)
		for c := range n {
			unit := 1.0 // of the column, where it is not standardised
			if a.scale == nil {
				var q float64
				for i := range a.x {
					q += a.x[i][c%a.features()] * a.x[i][c%a.features()] / float64(len(a.x))
				}
				unit = math.Sqrt(q)
			}
			if unit == 0 {
				unit = 1
			}
			a.l1 = append(a.l1, base*unit*(0.5+r.Float64()))
			if elastic {
				a.lambda = append(a.lambda, unit*unit*math.Pow(10, 4*r.Float64()-3))
			}
		}
		p := a.problem(t)
		path, best, optimum, ok := a.optimum(t)
		if !ok {
			none++
			continue
		}
		design := make([][]dd, len(a.x))
		for i := range design {
			design[i] = a.sample.design(i)
		}
		float := make([]float64, len(best))
		for c := range best {
			float[c] = best[c].float()
			if c < n {
				weights++
				if float[c] == 0 {
					zeros++
				}
			}
		}
		tests := append(slices.Clone(path), float)
		for range 4 {
			near := slices.Clone(float)
			size := math.Pow(10, 9*r.Float64()-8)
			for c := range near {
				if c != a.held() && r.IntN(2) == 0 {
					near[c] += size * r.NormFloat64() * (math.Abs(near[c]) + 0.1)
				}
			}
			tests = append(tests, near)
		}
		_, _, h := a.smooth(design, best)
		for at, theta := range tests {
			exact := make([]dd, len(theta))
			for c, v := range theta {
				exact[c] = d(v)
			}
			J, _, _ := a.smooth(design, exact)
			J = a.cost1(J, exact)
			truth := J.sub(optimum).float()
			if truth < -1e-25*J.hi {
				t.Fatalf("problem %d (%s): the optimum is not one: %g", k, a.kind, truth)
			}
			c, err := proof.Certify(ctx, p, theta, proof.Options{})
			if err != nil {
				t.Fatal(err)
			}
			points++
			if printed := d(c.Cost).sub(optimum).float(); !(c.Gap >= truth && c.Gap >= printed) {
				t.Errorf("problem %d (%s), K = %d, elastic %v: gap %g (%s), truth %g, printed %g", k, a.kind, a.K, elastic, c.Gap, c.Bound, truth, printed)
			}
			if c.Bound != proof.Duality || !c.Exists || c.Hessian != nil {
				t.Errorf("problem %d (%s): bound %q, exists %v", k, a.kind, c.Bound, c.Exists)
			}
			if elastic && !math.IsNaN(c.StandardErrors) {
				strong++
				for j := range n { // a standard error is at least 1/sqrt(m·H_jj)
					dev := math.Sqrt(1 / h[j*len(theta)+j] / c.M)
					if off := math.Abs(exact[j].sub(best[j]).float()) / dev; off > c.StandardErrors*(1+1e-9) && !farFrom(c) {
						t.Errorf("problem %d (%s), K = %d: weight %d is off by %g standard errors, proved %g", k, a.kind, a.K, j, off, c.StandardErrors)
					}
				}
			}
			if at == len(path) { // the optimum itself: nothing but rounding is left
				tightest++
				if c.Gap-c.GapRounding > 1e-11*c.Cost {
					worst++
					t.Logf("problem %d (%s), K = %d, elastic %v: gap %g of which rounding %g at the optimum, J %g", k, a.kind, a.K, elastic, c.Gap, c.GapRounding, c.Cost)
				}
			}
		}
	}
	t.Logf("%d points of %d problems (%d without an exact optimum), %d of %d weights 0, %d coefficient bounds; %d of %d gaps at the optimum are more than rounding",
		points, problems, none, zeros, weights, strong, worst, tightest)
	if none > problems/3 || strong < points/20 || zeros < weights/10 {
		t.Error("the problems say little")
	}
	if worst > tightest/10 {
		t.Error("the gap does not close at the optimum")
	}
}

// farFrom: H at the optimum says little about a point far away, whose own H the bound is stated in.
func farFrom(c *proof.Certificate) bool { return c.StandardErrors > 0.1 }
