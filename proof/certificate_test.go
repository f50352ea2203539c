package proof_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/descent-ml/descent/proof"
)

// TestBound draws random problems and holds the certificate against the optimum in 32 digits, at the points of a fit, near the
// optimum and at it: the gap is never below the true one, the coefficients never further than it says, and where u < 1/2 it is
// not more than three times the truth.
func TestBound(t *testing.T) {
	seed := randomSeed()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	problems := 1000
	if testing.Short() {
		problems = 100
	}
	ctx := context.Background()
	var points, bounded, tight, dual, alone, briefly, exists, none int
	var ratios []float64
	for k := range problems {
		a := draw(r)
		p := a.problem(t)
		path, last := a.fit(t, p, 60)
		end := path[len(path)-1]
		best, optimum, ok := a.optimum(end)
		if !ok {
			// No optimum, or none that 32 digits reach: then no certificate may say that there is one, unless an exact
			// decision agrees.
			none++
			c, err := proof.Certify(ctx, p, end, proof.Options{})
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
		float := make([]float64, len(best))
		for j := range best {
			float[j] = best[j].float()
		}
		tests := append(slices.Clone(path), float)
		// Points around the optimum, at distances (in the norm of H) from tiny to large.
		_, dev, ok := solve(a.hessian(design, best), make([]float64, len(best)))
		if !ok {
			t.Fatalf("problem %d (%s): H is singular at the optimum", k, a.kind)
		}
		for range 4 {
			near := slices.Clone(float)
			size := math.Pow(10, 9*r.Float64()-8)
			for j := range near {
				near[j] += size * r.NormFloat64() * math.Sqrt(dev[j])
			}
			tests = append(tests, near)
		}
		for _, theta := range tests {
			c, err := proof.Certify(ctx, p, theta, proof.Options{})
			if err != nil {
				t.Fatal(err)
			}
			points++
			exact := make([]dd, len(theta))
			for j, v := range theta {
				exact[j] = d(v)
			}
			J, _ := a.cost(design, exact)
			truth := J.sub(optimum).float()
			if truth < -1e-25*J.hi {
				t.Fatalf("problem %d (%s): the optimum is not one: %g", k, a.kind, truth)
			}
			printed := d(c.Cost).sub(optimum).float()
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
			if !slices.Contains(a.lambda, 0) && a.lambda != nil {
				// The other bounds alone, as for problems too wide to factor.
				w, err := proof.Certify(ctx, p, theta, proof.Options{Factor: 1})
				if err != nil {
					t.Fatal(err)
				}
				alone++
				// With u ≤ 1/100 duality is not looked at, and the closed bound is within 2u/3 of the truth, but for rounding.
				if !(w.Gap >= truth && w.Gap >= d(w.Cost).sub(optimum).float()) || w.Gap < c.Gap/1.01 {
					t.Errorf("problem %d (%s): gap %g by duality alone, %g by both, truth %g", k, a.kind, w.Gap, c.Gap, truth)
				}
				lean, err := proof.Certify(ctx, p, theta, proof.Options{GapOnly: true})
				if err != nil {
					t.Fatal(err)
				}
				// It is the same J - D; what rounding can do is bounded by Cauchy and Schwarz without a pass, which scales and weights make larger.
				if !(lean.Gap >= truth && lean.Gap >= d(lean.Cost).sub(optimum).float()) || lean.Cost != w.Cost || lean.Gap > 2*w.Gap+64*w.GapRounding+1e-9*w.Cost {
					t.Errorf("problem %d (%s): gap %g of J = %g in fewer passes, %g of %g by duality alone, truth %g", k, a.kind, lean.Gap, lean.Cost, w.Gap, w.Cost, truth)
				}
				brief, err := proof.Certify(ctx, p, theta, proof.Options{Goal: 20 * truth, Estimate: truth})
				if err != nil {
					t.Fatal(err)
				}
				if !(brief.Gap >= truth && brief.Gap >= d(brief.Cost).sub(optimum).float()) {
					t.Errorf("problem %d (%s): gap %g by part of the rows, truth %g", k, a.kind, brief.Gap, truth)
				}
				if brief.Hessian == nil {
					briefly++
				}
				if _, dev, ok := solve(a.hessian(design, exact), make([]float64, len(theta))); ok && !math.IsNaN(w.StandardErrors) {
					for j := range a.features() {
						if off := math.Abs(exact[j].sub(best[j]).float()) * math.Sqrt(c.M/dev[j]); off > w.StandardErrors*(1+1e-9) {
							t.Errorf("problem %d (%s): weight %d is off by %g standard errors, proved %g by strong convexity", k, a.kind, j, off, w.StandardErrors)
						}
					}
				}
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
				_, dev, ok := solve(a.hessian(design, exact), make([]float64, len(theta)))
				if !ok {
					t.Fatalf("problem %d (%s): H is singular at a point with u < 1", k, a.kind)
				}
				for j := range theta {
					off := math.Abs(exact[j].sub(best[j]).float()) * math.Sqrt(c.M/dev[j])
					if !(off <= c.StandardErrors*(1+1e-9)) {
						t.Errorf("problem %d (%s): coefficient %d is off by %g standard errors, proved %g", k, a.kind, j, off, c.StandardErrors)
					}
				}
			}
		}
	}
	sort.Float64s(ratios)
	q := func(f float64) float64 { return ratios[int(f*float64(len(ratios)-1))] }
	t.Logf("%d points, %d with a bound (%d by duality; %d times duality alone, %d times in brief), %d with u < 1, %d with u < 1/2; %d problems without an optimum in reach; bound/truth there: median %.4f, 90 %% %.3f, worst %.3f",
		points, bounded, dual, alone, briefly, exists, tight, none, q(0.5), q(0.9), q(1))
	if bounded < points/3 || len(ratios) < points/20 || dual < points/100 {
		t.Error("the generator gives too few points that test anything")
	}
}

// TestFloor: at the optimum in float64 what is left is rounding, and it is small.
func TestFloor(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	a := &sample{}
	for range 400 {
		x := []float64{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}
		y := 0.0
		if r.Float64() < 1/(1+math.Exp(x[0]-x[1])) {
			y = 1
		}
		a.x, a.y = append(a.x, x), append(a.y, y)
	}
	for _, l := range [][]float64{nil, {1, 1, 1}, {1e-6, 1, 100}} {
		a.lambda = l
		p := a.problem(t)
		path, _ := a.fit(t, p, 60)
		c, err := proof.Certify(context.Background(), p, path[len(path)-1], proof.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !c.Exists || !c.Proved(1e-10) || !(c.StandardErrors < 1e-10) || !(c.Gap < 1e-14) || c.Gap <= 0 {
			t.Errorf("lambda %v: %+v", l, c)
		}
		t.Logf("lambda %v: gap %.2g (%s), coefficients within %.2g standard errors", l, c.Gap, c.Bound, c.StandardErrors)
	}
}

// TestIntercept: no features at all. The optimum is log(ones/zeros).
func TestIntercept(t *testing.T) {
	a := &sample{x: [][]float64{{}, {}, {}, {}, {}}, y: []float64{0, 1, 1, 0, 1}}
	p := a.problem(t)
	path, _ := a.fit(t, p, 60)
	b := path[len(path)-1][0]
	if math.Abs(b-math.Log(1.5)) > 1e-11 {
		t.Errorf("b = %g", b)
	}
	c, err := proof.Certify(context.Background(), p, []float64{b}, proof.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// What J itself is off by: (lossError + panelError + 4)·u·J = 26·2⁻⁵³·0.673 = 1.94e-15 (docs/certificate.md, section 4), and no more than a half of that besides.
	if !c.Exists || !(c.Gap < 3e-15) || !(c.StandardErrors < 1e-10) {
		t.Errorf("%+v", c)
	}
	if d, err := proof.Decide(context.Background(), p); err != nil || d.State != proof.Overlap {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestWide: too many parameters to factor.
func TestWide(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	a := &sample{}
	for range 300 {
		x := make([]float64, 6)
		for j := range x {
			x[j] = r.NormFloat64()
		}
		y := 0.0
		if r.Float64() < 1/(1+math.Exp(x[0]-x[1])) {
			y = 1
		}
		a.x, a.y = append(a.x, x), append(a.y, y)
	}
	p := a.problem(t)
	path, _ := a.fit(t, p, 60)
	small := proof.Options{Factor: 3}
	c, err := proof.Certify(context.Background(), p, path[len(path)-1], small)
	if err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(c.Gap) || c.Note == "" || c.Exists || c.Hessian != nil {
		t.Errorf("no penalty: %+v", c)
	}
	a.lambda = []float64{1, 1, 1, 2, 2, 2}
	p = a.problem(t)
	path, _ = a.fit(t, p, 60)
	_, optimum, _ := a.optimum(path[len(path)-1])
	best, _, _ := a.optimum(path[len(path)-1])
	design := make([][]dd, len(a.x))
	for i := range design {
		design[i] = a.design(i)
	}
	for k, theta := range path {
		c, err := proof.Certify(context.Background(), p, theta, small)
		if err != nil {
			t.Fatal(err)
		}
		exact := make([]dd, len(theta))
		for j, v := range theta {
			exact[j] = d(v)
		}
		J, _ := a.cost(design, exact)
		truth := J.sub(optimum).float()
		if !(c.Gap >= truth) || c.Bound != proof.Duality || !c.Exists || c.Note != "" {
			t.Errorf("point %d: %+v, truth %g", k, c, truth)
		}
		if math.IsNaN(c.StandardErrors) {
			continue
		}
		_, dev, _ := solve(a.hessian(design, exact), make([]float64, len(theta)))
		for j := range 6 {
			if off := math.Abs(exact[j].sub(best[j]).float()) * math.Sqrt(300/dev[j]); off > c.StandardErrors {
				t.Errorf("point %d: weight %d is off by %g, proved %g", k, j, off, c.StandardErrors)
			}
		}
		if k == len(path)-1 {
			t.Logf("gap %.2g, weights within %.2g standard errors", c.Gap, c.StandardErrors)
			if !(c.Gap < 1e-13) || !c.Proved(1e-8) {
				t.Errorf("at the end: %+v", c)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	a := &sample{x: [][]float64{{1}, {2}}, y: []float64{0, 1}}
	good := a.problem(t)
	ctx := context.Background()
	if _, err := proof.Certify(ctx, good, []float64{0}, proof.Options{}); err == nil {
		t.Error("theta of the wrong size")
	}
	if _, err := proof.Certify(ctx, good, []float64{0, math.NaN()}, proof.Options{}); err == nil {
		t.Error("theta that is not a number")
	}
	if _, err := proof.Decide(ctx, good, []float64{1}); err == nil {
		t.Error("candidate of the wrong size")
	}
	for name, change := range map[string]func(p *proof.Problem){
		"y": func(p *proof.Problem) { p.Y = []float64{0, 2} }, "y size": func(p *proof.Problem) { p.Y = []float64{0} },
		"weight": func(p *proof.Problem) { p.S = []float64{1, -1} }, "lambda": func(p *proof.Problem) { p.Lambda = []float64{-1} },
		"passes": func(p *proof.Problem) { p.Passes = nil }, "offset size": func(p *proof.Problem) { p.O = []float64{} },
	} {
		p := *good
		change(&p)
		if _, err := proof.Certify(ctx, &p, []float64{0, 0}, proof.Options{}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	good.S = []float64{0, 0}
	if c, err := proof.Certify(ctx, good, []float64{0, 0}, proof.Options{}); err != nil || c.Note == "" || !math.IsNaN(c.Gap) {
		t.Errorf("no weight at all: %v, %+v", err, c)
	}
}
