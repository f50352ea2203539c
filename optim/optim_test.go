package optim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/descent-ml/descent/optim"
)

// Numbers of the three public editions of the assignment that goes with the lecture: dw, db and cost at the start, w and b after 100
// updates with alpha = 0.009, and dw, db of the last one (before the update). Published digits: 5e-8.
var lecture = []struct {
	edition   string
	x, y      []float64 // row-major
	w         [2]float64
	b         float64
	dw0       [2]float64
	db0, cost float64
	w100      [2]float64
	b100      float64
	dw99      [2]float64
	db99      float64
}{
	{"v3", []float64{1, 3, 2, 4}, []float64{1, 0}, [2]float64{1, 2}, 2,
		[2]float64{0.99993216, 1.99980262}, 0.499935230625, 6.000064773192205,
		[2]float64{0.1124579, 0.23106775}, 1.55930492484, [2]float64{0.90158428, 1.76250842}, 0.430462071679},
	{"v5", []float64{1, 3, 2, 4, -1, -3.2}, []float64{1, 0, 1}, [2]float64{1, 2}, 2,
		[2]float64{0.99845601, 2.39507239}, 0.00145557813678, 5.801545319394553,
		[2]float64{0.19033591, 0.12259159}, 1.92535983008, [2]float64{0.67752042, 1.41625495}, 0.219194504541},
	{"2021", []float64{1, 3, -2, 0.5, -1, -3.2}, []float64{1, 1, 0}, [2]float64{1, 2}, 1.5,
		[2]float64{0.25071532, -0.06604096}, -0.1250040450043965, 0.15900537707692405,
		[2]float64{0.80956046, 2.0508202}, 1.5948713189708588, [2]float64{0.17860505, -0.04840656}, -0.08888460336847771},
}

func TestGradientDescentLecture(t *testing.T) {
	for _, c := range lecture {
		t.Run(c.edition, func(t *testing.T) {
			p := &logistic{n: 2, X: c.x, Y: c.y}
			m, err := optim.NewGradientDescent([]float64{c.w[0], c.w[1], c.b}, 0.009, 100)
			if err != nil {
				t.Fatal(err)
			}
			var steps []int
			out, err := optim.Minimize(context.Background(), m, p, func(it optim.Iteration) (bool, error) {
				steps = append(steps, it.Step)
				g := it.Gradient
				switch it.Step {
				case 0:
					near(t, "cost", it.F, c.cost, 1e-12, 0) // published from log(1-a), which keeps 12 digits here
					near(t, "dw1", g[0], c.dw0[0], 0, 5e-9)
					near(t, "dw2", g[1], c.dw0[1], 0, 5e-9)
					near(t, "db", g[2], c.db0, 0, 5e-9)
				case 99:
					near(t, "dw1 of the last update", g[0], c.dw99[0], 0, 5e-8)
					near(t, "dw2 of the last update", g[1], c.dw99[1], 0, 5e-8)
					near(t, "db of the last update", g[2], c.db99, 0, 5e-8)
				}
				return false, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			near(t, "w1", out.Theta[0], c.w100[0], 0, 5e-8)
			near(t, "w2", out.Theta[1], c.w100[1], 0, 5e-8)
			near(t, "b", out.Theta[2], c.b100, 0, 5e-8)
			if out.Reason != optim.Steps || out.Step != 100 || out.Passes != 101 || len(steps) != 101 || p.passes != 101 {
				t.Errorf("reason %q, %d steps, %d passes, watched %d", out.Reason, out.Step, out.Passes, len(steps))
			}
		})
	}
}

// R 4.2.2, glm(diabetes ~ ., family = binomial, epsilon = 1e-14): intercept last here.
var pimaCoefficients = []float64{0.123182298352439, 0.0351637146068567, -0.0132955469043062, 0.000618964364875737,
	-0.00119169898416223, 0.0897009700309466, 0.945179740621131, 0.0148690047444695, -8.40469636691414}

func methods(t testing.TB, size int, weight float64) map[string]optim.Method {
	t.Helper()
	out := map[string]optim.Method{}
	add := func(name string, m optim.Method, err error) {
		if err != nil {
			t.Fatal(err)
		}
		out[name] = m
	}
	zeros := make([]float64, size)
	m, err := optim.NewNewton(zeros, optim.Options{Weight: weight})
	add("newton", m, err)
	m, err = optim.NewNewton(zeros, optim.Options{Weight: weight, Factor: -1})
	add("newton-cg", m, err)
	l, err := optim.NewLBFGS(zeros, optim.Options{Weight: weight})
	add("lbfgs", l, err)
	return out
}

func TestOptimumPima(t *testing.T) {
	p := table(t, "../testdata/pima/pima.csv")
	for name, m := range methods(t, 9, 768) {
		t.Run(name, func(t *testing.T) {
			out := minimize(t, m, p)
			for j, want := range pimaCoefficients {
				near(t, fmt.Sprint("coefficient ", j), out.Theta[j], want, 1e-9, 1e-11)
			}
			near(t, "deviance", 2*768*out.F, 723.445377774169, 1e-12, 0)
			if out.Reason != optim.Done && out.Reason != optim.Floor {
				t.Errorf("stopped because of %q", out.Reason)
			}
			t.Logf("%s: %d steps, %d passes, distance %.2g", out.Reason, out.Step, out.Passes, out.Distance)
		})
	}
}

func TestOptimumExercise(t *testing.T) {
	folder := os.Getenv("DESCENT_DATA")
	if folder == "" {
		t.Skip("ng_ex2data1 may not be passed on; DESCENT_DATA names no folder that holds it")
	}
	p := table(t, filepath.Join(folder, "ng_ex2data1", "ex2data1.csv"))
	for name, m := range methods(t, 3, 100) {
		t.Run(name, func(t *testing.T) {
			out := minimize(t, m, p)
			// Newton in numpy to a gradient of 6e-15.
			near(t, "J", out.F, 0.20349770158943994, 1e-14, 0)
			near(t, "w1", out.Theta[0], 0.20623171329398302, 1e-10, 0)
			near(t, "w2", out.Theta[1], 0.2014716004419635, 1e-10, 0)
			near(t, "b", out.Theta[2], -25.161333566639538, 1e-10, 0)
			t.Logf("%s: %d steps, %d passes, distance %.2g", out.Reason, out.Step, out.Passes, out.Distance)
		})
	}
}

// random draws a problem whose kind is one of the shapes that break methods.
func random(r *rand.Rand, kind string) *logistic {
	n := 1 + r.IntN(8)
	rows := 10 + r.IntN(80)
	p := &logistic{n: n}
	w := make([]float64, n)
	scale := make([]float64, n)
	for j := range w {
		w[j] = r.NormFloat64()
		scale[j] = 1
		if kind == "scales" {
			scale[j] = math.Pow(10, 8*r.Float64()-4)
		}
	}
	for range rows {
		z := 0.3
		for j := range w {
			x := r.NormFloat64()
			if kind == "heavy" {
				x /= 0.01 + math.Abs(r.NormFloat64())
			}
			z += w[j] * x
			p.X = append(p.X, x*scale[j])
		}
		y := 0.0
		if kind == "separated" && z > 0 || kind != "separated" && r.Float64() < sigmoid(z) {
			y = 1
		}
		p.Y = append(p.Y, y)
	}
	if kind == "penalty" || kind == "weights" {
		p.Lambda = make([]float64, n+1)
		for j := range n {
			p.Lambda[j] = math.Pow(10, 4*r.Float64()-2)
		}
	}
	if kind == "weights" {
		for range rows {
			p.S = append(p.S, float64(r.IntN(4)))
		}
		p.S[0] = 1
	}
	return p
}

func (l *logistic) sum() float64 {
	var m float64
	for i := range l.Y {
		m += l.weight(i)
	}
	return m
}

// TestAgree runs the three curvature methods on random problems: where one finds the optimum, all find the same one.
func TestAgree(t *testing.T) {
	seed := randomSeed()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	count := 40
	if testing.Short() {
		count = 10
	}
	for _, kind := range []string{"plain", "scales", "heavy", "penalty", "weights"} {
		found := 0
		for k := range count {
			p := random(r, kind)
			p.Lambda = append([]float64{}, p.Lambda...)
			if len(p.Lambda) == 0 {
				// A little of everything keeps an optimum in place on the separated ones.
				p.Lambda = make([]float64, p.n+1)
				for j := range p.n {
					var q float64
					for i := range p.Y {
						q += p.X[i*p.n+j] * p.X[i*p.n+j]
					}
					p.Lambda[j] = 1e-2 * q / float64(len(p.Y))
				}
			}
			if both := slices.Contains(p.Y, 0) && slices.Contains(p.Y, 1); !both {
				continue
			}
			outs := map[string]optim.Outcome{}
			for name, m := range methods(t, p.n+1, p.sum()) {
				outs[name] = minimize(t, m, p)
			}
			// Distances in the norm of H, against the factored one.
			want := outs["newton"]
			if want.Reason != optim.Done && want.Reason != optim.Floor {
				t.Errorf("%s %d: newton stopped because of %q after %d steps, distance %g", kind, k, want.Reason, want.Step, want.Distance)
				continue
			}
			found++
			size := p.n + 1
			h := make([]float64, size*size)
			g := make([]float64, size)
			if _, err := p.CostGradient(context.Background(), want.Theta, g); err != nil {
				t.Fatal(err)
			}
			if err := p.Hessian(context.Background(), nil, h); err != nil {
				t.Fatal(err)
			}
			for name, out := range outs {
				var q float64
				for a := range size {
					for b := range size {
						q += h[a*size+b] * (out.Theta[a] - want.Theta[a]) * (out.Theta[b] - want.Theta[b])
					}
				}
				// In standard errors. L-BFGS estimates its distance with its own matrix.
				if d := math.Sqrt(p.sum() * math.Abs(q)); !(d < 1e-6) {
					t.Errorf("%s %d: %s (%s, %d steps) is %.2g standard errors from newton", kind, k, name, out.Reason, out.Step, d)
				}
			}
		}
		if found < count/2 {
			t.Errorf("%s: only %d of %d problems were tried", kind, found, count)
		}
	}
}

// TestFar starts where nearly every row is saturated and wrong.
func TestFar(t *testing.T) {
	p := table(t, "../testdata/pima/pima.csv")
	start := make([]float64, 9)
	for j := range start {
		start[j] = -50 * pimaCoefficients[j]
	}
	m, err := optim.NewNewton(start, optim.Options{Weight: 768})
	if err != nil {
		t.Fatal(err)
	}
	out := minimize(t, m, p)
	near(t, "deviance", 2*768*out.F, 723.445377774169, 1e-12, 0)
	t.Logf("%s: %d steps, %d passes", out.Reason, out.Step, out.Passes)
}

// TestSeparated: no optimum exists, so no method may say done.
func TestSeparated(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 20 {
		p := random(r, "separated")
		if !slices.Contains(p.Y, 0) || !slices.Contains(p.Y, 1) {
			continue
		}
		for name, m := range methods(t, p.n+1, p.sum()) {
			if out := minimize(t, m, p); out.Reason == optim.Done && out.F > 1e-12 {
				t.Errorf("%s says %q at cost %g", name, out.Reason, out.F)
			}
		}
	}
}

func TestDivergence(t *testing.T) {
	p := table(t, "../testdata/pima/pima.csv")
	m, err := optim.NewGradientDescent(make([]float64, 9), 0.1, 300)
	if err != nil {
		t.Fatal(err)
	}
	out, err := optim.Minimize(context.Background(), m, p, nil)
	var d *optim.Divergence
	if !errors.As(err, &d) || out.Reason != optim.Diverged {
		t.Fatalf("error is %v, reason %q", err, out.Reason)
	}
	if d.Began < 1 || d.Began > d.Step || !strings.Contains(err.Error(), fmt.Sprintf("first rose at step %d", d.Began)) {
		t.Errorf("began at step %d, noticed at %d: %v", d.Began, d.Step, err)
	}
	if d.Workable <= 0 || d.Workable >= 0.1 {
		t.Fatalf("workable alpha %g", d.Workable)
	}
	t.Log(err)
	// The alpha named works, and a few times it does not.
	run := func(alpha float64) error {
		m, err := optim.NewGradientDescent(make([]float64, 9), alpha, 300)
		if err != nil {
			t.Fatal(err)
		}
		last := math.Inf(1)
		_, err = optim.Minimize(context.Background(), m, p, func(it optim.Iteration) (bool, error) {
			if it.F > last {
				return true, fmt.Errorf("alpha %g: the cost rose at step %d", alpha, it.Step)
			}
			last = it.F
			return false, nil
		})
		return err
	}
	if err := run(d.Workable); err != nil {
		t.Error(err)
	}
	if err := run(20 * d.Workable); err == nil {
		t.Error("20 times the workable alpha never raised the cost: the bound is idle")
	}
	// Without products the message does without an alpha.
	p.broken = true
	m, _ = optim.NewGradientDescent(make([]float64, 9), 0.1, 300)
	if _, err := optim.Minimize(context.Background(), m, p, nil); !errors.As(err, &d) || d.Workable != 0 {
		t.Errorf("error is %v", err)
	}
}

func TestDivergenceNotFinite(t *testing.T) {
	p := &logistic{n: 1, X: []float64{1e308, -1e308, 1}, Y: []float64{0, 1, 1}}
	m, err := optim.NewGradientDescent(make([]float64, 2), 10, 5)
	if err != nil {
		t.Fatal(err)
	}
	out, err := optim.Minimize(context.Background(), m, p, nil)
	var d *optim.Divergence
	if !errors.As(err, &d) || out.Reason != optim.Diverged || d.Step != 1 {
		t.Fatalf("error is %v, reason %q", err, out.Reason)
	}
	for name, m := range methods(t, 2, 3) {
		p := &logistic{n: 1, X: []float64{math.NaN()}, Y: []float64{0}}
		if _, err := optim.Minimize(context.Background(), m, p, nil); !errors.As(err, &d) {
			t.Errorf("%s: a cost that is not a number gives %v", name, err)
		}
	}
}

func TestSGD(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	p := &logistic{n: 3}
	for range 2000 {
		z := -0.5
		for j := range 3 {
			x := r.NormFloat64()
			z += []float64{1, -1, 0.5}[j] * x
			p.X = append(p.X, x)
		}
		y := 0.0
		if r.Float64() < sigmoid(z) {
			y = 1
		}
		p.Y = append(p.Y, y)
	}
	nm, err := optim.NewNewton(make([]float64, 4), optim.Options{Weight: 2000})
	if err != nil {
		t.Fatal(err)
	}
	best := minimize(t, nm, p)
	run := func(seed uint64) optim.Outcome {
		m, err := optim.NewSGD(make([]float64, 4), 0.5, 4000, 16, 2000, seed)
		if err != nil {
			t.Fatal(err)
		}
		return minimize(t, m, p)
	}
	a, b, c := run(1), run(1), run(2)
	if a.F-best.F > 1e-4 || a.F < best.F {
		t.Errorf("cost %g, optimum %g", a.F, best.F)
	}
	if !slices.Equal(a.Theta, b.Theta) || slices.Equal(a.Theta, c.Theta) {
		t.Errorf("the seed decides: %v %v %v", a.Theta, b.Theta, c.Theta)
	}
	// 4000 updates of 16 rows are 32 epochs of 2000, two whole gradients beside.
	if a.Step != 4000 || a.Passes != 34 || a.Reason != optim.Steps {
		t.Errorf("%d steps, %d passes, %q", a.Step, a.Passes, a.Reason)
	}
}

// TestContinue interrupts every method after every number of answers, sends it and its trail through JSON, and wants the bits of the
// run that was not interrupted: what it ends with, passes included, and what a watcher sees.
func TestContinue(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	p := random(r, "weights")
	size := p.n + 1
	zeros, l1 := make([]float64, size), make([]float64, size)
	for j := range p.n {
		l1[j] = 0.02
	}
	build := map[string]func() optim.Method{
		"gd":  func() optim.Method { m, _ := optim.NewGradientDescent(zeros, 0.1, 25); return m },
		"sgd": func() optim.Method { m, _ := optim.NewSGD(zeros, 0.1, 25, 7, len(p.Y), 5); return m },
		"newton": func() optim.Method {
			m, _ := optim.NewNewton(zeros, optim.Options{Weight: p.sum()})
			return m
		},
		"newton-cg": func() optim.Method {
			m, _ := optim.NewNewton(zeros, optim.Options{Weight: p.sum(), Factor: -1, Penalty: p.Lambda})
			return m
		},
		"lbfgs": func() optim.Method { m, _ := optim.NewLBFGS(zeros, optim.Options{Weight: p.sum()}); return m },
		"proximal": func() optim.Method {
			m, _ := optim.NewProximal(zeros, l1, optim.Options{Weight: p.sum()})
			return m
		},
		"proximal-cg": func() optim.Method {
			m, _ := optim.NewProximal(zeros, l1, optim.Options{Weight: p.sum(), Factor: -1})
			return m
		},
	}
	for name, make := range build {
		t.Run(name, func(t *testing.T) {
			var seen []string
			watch := func(i optim.Iteration) (bool, error) {
				seen = append(seen, fmt.Sprint(i.Step, i.Passes, i.Theta, i.F, i.Gradient, i.Distance, i.Direction))
				return false, nil
			}
			want, err := optim.Continue(t.Context(), make(), p, new(optim.Trail), optim.Hooks{Watch: watch})
			if err != nil {
				t.Fatal(err)
			}
			saw := seen
			for k := 0; ; k++ {
				m, trail := make(), new(optim.Trail)
				seen = nil
				// Stop in the middle of an update too: a problem that fails after k answers.
				_, err := optim.Continue(t.Context(), m, &failing{logistic: p, left: k}, trail, optim.Hooks{Watch: watch})
				if err == nil {
					if k < 5 {
						t.Fatalf("only %d answers", k)
					}
					break
				}
				if !errors.Is(err, errFailing) {
					t.Fatal(err)
				}
				text, err := optim.Encode(m)
				if err != nil {
					t.Fatal(err)
				}
				again, err := optim.Decode(text)
				if err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				if text, err = json.Marshal(trail); err != nil {
					t.Fatal(err)
				}
				trail = new(optim.Trail)
				if err := json.Unmarshal(text, trail); err != nil {
					t.Fatal(err)
				}
				got, err := optim.Continue(t.Context(), again, p, trail, optim.Hooks{Watch: watch})
				if err != nil {
					t.Fatal(err)
				}
				if got, want := fmt.Sprint(got), fmt.Sprint(want); got != want {
					t.Fatalf("interrupted after %d answers: %s, want %s", k, got, want)
				}
				if !slices.Equal(seen, saw) {
					t.Fatalf("interrupted after %d answers: saw\n%s\nwant\n%s", k, strings.Join(seen, "\n"), strings.Join(saw, "\n"))
				}
			}
		})
	}
}

var errFailing = errors.New("failing")

type failing struct {
	*logistic
	left int
}

func (f *failing) spend() error {
	f.left--
	if f.left < 0 {
		return errFailing
	}
	return nil
}

func (f *failing) CostGradient(ctx context.Context, theta, grad []float64) (float64, error) {
	if err := f.spend(); err != nil {
		return 0, err
	}
	return f.logistic.CostGradient(ctx, theta, grad)
}

func (f *failing) CostGradientRows(ctx context.Context, theta []float64, rows []int, grad []float64) (float64, error) {
	if err := f.spend(); err != nil {
		return 0, err
	}
	return f.logistic.CostGradientRows(ctx, theta, rows, grad)
}

func (f *failing) Product(ctx context.Context, v, hv []float64) error {
	if err := f.spend(); err != nil {
		return err
	}
	return f.logistic.Product(ctx, v, hv)
}

func (f *failing) Diagonal(ctx context.Context, d []float64) error {
	if err := f.spend(); err != nil {
		return err
	}
	return f.logistic.Diagonal(ctx, d)
}

func (f *failing) Hessian(ctx context.Context, c []int, h []float64) error {
	if err := f.spend(); err != nil {
		return err
	}
	return f.logistic.Hessian(ctx, c, h)
}

func TestDecodeRefuses(t *testing.T) {
	m, _ := optim.NewNewton(make([]float64, 2), optim.Options{})
	good, err := optim.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := optim.Decode(good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		``, `null`, `{}`, `{"method":"adam","state":{}}`, `{"method":"newton","state":[]}`,
		`{"method":"newton","state":{"Extra":1}}`,
		strings.Replace(string(good), `"start"`, `"searching"`, 1),
		strings.Replace(string(good), `"Theta":[0,0]`, `"Theta":[0,0],"Grad":[1]`, 1),
		strings.Replace(string(good), `"Tolerance":1e-10`, `"Tolerance":-1`, 1),
		`{"method":"gd","state":{"Alpha":0.1,"Steps":2,"Theta":[0],"Step":3}}`,
		`{"method":"sgd","state":{"Alpha":0.1,"Steps":2,"Theta":[0],"Batch":4,"Rows":2,"Average":[0]}}`,
		`{"method":"sgd","state":{"Alpha":0.1,"Steps":2,"Theta":[0],"Batch":1,"Rows":2}}`,
		`{"method":"lbfgs","state":{"Theta":[0],"Phase":"start","S":[[1]],"Y":[]}}`,
	} {
		if bad == string(good) {
			t.Fatal("a replacement did not match")
		}
		if _, err := optim.Decode([]byte(bad)); err == nil {
			t.Errorf("taken: %s", bad)
		}
	}
	if !json.Valid(good) {
		t.Error("not JSON")
	}
}

func FuzzDecode(f *testing.F) {
	m, _ := optim.NewLBFGS(make([]float64, 2), optim.Options{})
	text, _ := optim.Encode(m)
	f.Add(text)
	for _, factor := range []int{0, 1, -1} { // some steps into a run with an L1 penalty
		p, err := optim.NewProximal(make([]float64, 3), []float64{0.01, 0.02, 0}, optim.Options{Factor: factor})
		if err != nil {
			f.Fatal(err)
		}
		problem := &logistic{n: 2, X: []float64{1, 2, -1, 0.5, 3, 1, 2, -2}, Y: []float64{0, 1, 1, 0}}
		for left := range 12 {
			text, _ := optim.Encode(p)
			f.Add(text)
			if _, err := optim.Minimize(context.Background(), p, &failing{logistic: problem, left: left % 3}, nil); err == nil {
				break
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := optim.Decode(text)
		if err != nil {
			return
		}
		theta, _, _, _, _ := m.Iterate()
		if len(theta) > 4 {
			return
		}
		p := &logistic{n: max(len(theta)-1, 0), X: make([]float64, 3*len(theta)), Y: []float64{0, 1, 1}}
		ctx, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		_, _ = optim.Minimize(ctx, m, p, nil) // must not panic
	})
}

func TestStops(t *testing.T) {
	p := table(t, "../testdata/pima/pima.csv")
	fresh := func() optim.Method {
		m, err := optim.NewGradientDescent(make([]float64, 9), 1e-5, 1_000_000)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	ctx, cancel := context.WithCancel(context.Background())
	out, err := optim.Minimize(ctx, fresh(), p, func(it optim.Iteration) (bool, error) {
		if it.Step == 3 {
			cancel()
		}
		return false, nil
	})
	if err != nil || out.Reason != optim.Cancelled || out.Step != 3 {
		t.Errorf("cancelled: %v, %q after %d", err, out.Reason, out.Step)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	out, err = optim.Minimize(ctx, fresh(), p, nil)
	if err != nil || out.Reason != optim.Time {
		t.Errorf("deadline: %v, %q", err, out.Reason)
	}
	out, err = optim.Minimize(context.Background(), fresh(), p, func(it optim.Iteration) (bool, error) { return it.Step == 5, nil })
	if err != nil || out.Reason != optim.Stopped || out.Step != 5 || len(out.Last) != 9 {
		t.Errorf("watch: %v, %q after %d", err, out.Reason, out.Step)
	}
	own := errors.New("mine")
	if _, err = optim.Minimize(context.Background(), fresh(), p, func(optim.Iteration) (bool, error) { return false, own }); err != own {
		t.Errorf("watch's error: %v", err)
	}
	if _, err := optim.Minimize(context.Background(), fresh(), &logistic{n: 2}, nil); err == nil {
		t.Error("sizes differ without an error")
	}
	m, _ := optim.NewNewton(make([]float64, 9), optim.Options{Steps: 2})
	if out := minimize(t, m, p); out.Reason != optim.Steps || out.Step != 2 {
		t.Errorf("%q after %d", out.Reason, out.Step)
	}
}

func TestOptions(t *testing.T) {
	nan := math.NaN()
	for what, err := range map[string]error{
		"alpha 0":   second(optim.NewGradientDescent(nil, 0, 1)),
		"alpha NaN": second(optim.NewGradientDescent(nil, nan, 1)),
		"steps -1":  second(optim.NewGradientDescent(nil, 1, -1)),
		"start NaN": second(optim.NewGradientDescent([]float64{nan}, 1, 1)),
		"batch 0":   second(optim.NewSGD(nil, 1, 1, 0, 1, 0)),
		"rows 0":    second(optim.NewSGD(nil, 1, 1, 1, 0, 0)),
		"tolerance": second(optim.NewNewton(nil, optim.Options{Tolerance: nan})),
		"weight":    second(optim.NewLBFGS(nil, optim.Options{Weight: -1})),
		"penalty":   second(optim.NewNewton([]float64{0}, optim.Options{Penalty: []float64{1, 2}})),
	} {
		if err == nil {
			t.Errorf("%s was taken", what)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestSingular: a column twice and a constant one leave H singular; the cost at the optimum is still R's.
func TestSingular(t *testing.T) {
	p := table(t, "../testdata/pima/pima.csv")
	wide := &logistic{n: p.n + 2, Y: p.Y}
	for i := range p.Y {
		x := p.X[i*p.n : (i+1)*p.n]
		wide.X = append(append(wide.X, x...), x[1], 3)
	}
	for name, m := range methods(t, wide.n+1, 768) {
		out := minimize(t, m, wide)
		near(t, name+": deviance", 2*768*out.F, 723.445377774169, 1e-11, 0)
		t.Logf("%s: %s after %d steps, %d passes", name, out.Reason, out.Step, out.Passes)
	}
}

// TestOscillation: alpha a little too large jumps to and fro over the valley for ever, below the first cost. That is not a run that may say "stopped".
func TestOscillation(t *testing.T) {
	p := &logistic{n: 1}
	for i := range 10 {
		y := 1.0
		if i%5 == 4 {
			y = 0
		}
		p.X, p.Y = append(p.X, 10, -8), append(p.Y, y, 1-y)
	}
	for _, c := range []struct {
		alpha    float64
		diverges bool
	}{{0.16, true}, {0.05, false}} {
		m, err := optim.NewGradientDescent([]float64{0, 0}, c.alpha, 200)
		if err != nil {
			t.Fatal(err)
		}
		out, err := optim.Minimize(context.Background(), m, p, nil)
		var d *optim.Divergence
		if errors.As(err, &d) != c.diverges {
			t.Errorf("alpha %g: %v, cost %g after %d", c.alpha, err, out.F, out.Step)
		}
		if c.diverges && err != nil {
			if d.Rises == 0 || d.Workable <= 0 || d.Workable > 0.1 || !strings.Contains(err.Error(), "of the last 100 steps") {
				t.Errorf("%v", err)
			}
			t.Log(err)
		}
	}
}

// TestWatchEnds: a watcher that the end of the context cuts short sees its point again.
func TestWatchEnds(t *testing.T) {
	p := random(rand.New(rand.NewPCG(11, 1)), "weights")
	m, err := optim.NewGradientDescent(make([]float64, p.Size()), 0.1, 4)
	if err != nil {
		t.Fatal(err)
	}
	var trail optim.Trail
	var steps []int
	ctx, cancel := context.WithCancel(t.Context())
	out, err := optim.Continue(ctx, m, p, &trail, optim.Hooks{Watch: func(i optim.Iteration) (bool, error) {
		if steps = append(steps, i.Step); i.Step == 2 {
			cancel()
			return false, fmt.Errorf("looking: %w", ctx.Err())
		}
		return false, nil
	}})
	if err != nil || out.Reason != optim.Cancelled || out.Step != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	between := 0
	out, err = optim.Continue(t.Context(), m, p, &trail, optim.Hooks{
		Watch:   func(i optim.Iteration) (bool, error) { steps = append(steps, i.Step); return false, nil },
		Between: func() error { between++; return nil },
	})
	if err != nil || out.Reason != optim.Steps || !slices.Equal(steps, []int{0, 1, 2, 2, 3, 4}) || between != 1 {
		t.Fatalf("%+v, %v, steps %v, %d between", out, err, steps, between)
	}
	for _, bad := range []optim.Trail{{Points: 1}, {Whole: -1}, {At: []float64{1}}, {Rows: 3}} {
		if _, err := optim.Continue(t.Context(), m, p, &bad, optim.Hooks{}); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
