package optim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent/optim"
)

// drawL1 is a random problem with an L1 penalty: some columns matter, some are nearly copies of others.
func drawL1(r *rand.Rand) (*logistic, []float64) {
	n, m := 1+r.IntN(12), 20+r.IntN(100)
	p := &logistic{n: n}
	truth := make([]float64, n)
	scale := make([]float64, n)
	for j := range truth {
		scale[j] = math.Pow(10, 2*r.Float64()-1)
		if r.IntN(3) == 0 {
			truth[j] = 2 * r.NormFloat64() / scale[j]
		}
	}
	for range m {
		z := 0.5
		first := r.NormFloat64()
		for j := range n {
			v := r.NormFloat64()
			if j%4 == 3 {
				v = first + 0.01*v
			}
			v *= scale[j]
			p.X = append(p.X, v)
			z += v * truth[j]
		}
		y := 0.0
		if r.Float64() < sigmoid(z) {
			y = 1
		}
		p.Y = append(p.Y, y)
	}
	p.Y[0], p.Y[1] = 0, 1
	if r.IntN(2) == 0 {
		for range m {
			p.S = append(p.S, float64(1+r.IntN(3)))
		}
	}
	if r.IntN(2) == 0 {
		p.Lambda = make([]float64, n+1)
		for j := range n {
			p.Lambda[j] = math.Pow(10, 3*r.Float64()-2)
		}
	}
	l1 := make([]float64, n+1)
	strength := math.Pow(10, 3*r.Float64()-1.5) / float64(m)
	for j := range n {
		l1[j] = strength * (0.5 + r.Float64())
	}
	return p, l1
}

// TestProximalOptimal holds the end of every run against the conditions of optimality: g_j = -ℓ_j sign θ_j, or |g_j| ≤ ℓ_j and θ_j exactly 0.
func TestProximalOptimal(t *testing.T) {
	seed := randomSeed()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	var zeros, weights, steps int
	for k := range 100 {
		p, l1 := drawL1(r)
		for _, factor := range []int{0, 6, -1} {
			m, err := optim.NewProximal(make([]float64, p.n+1), l1, optim.Options{Weight: p.sum(), Factor: factor})
			if err != nil {
				t.Fatal(err)
			}
			out := minimize(t, m, p)
			if out.Reason != optim.Done && out.Reason != optim.Floor {
				t.Errorf("problem %d, factor %d: %s after %d steps", k, factor, out.Reason, out.Step)
			}
			steps += out.Step
			grad := make([]float64, p.n+1)
			F := p.cost(out.Theta, p.all(), grad)
			diag := make([]float64, p.n+1)
			p.at = out.Theta
			p.Diagonal(context.Background(), diag)
			for j, g := range grad {
				F += l1[j] * math.Abs(out.Theta[j])
				// The rounding of a gradient's sum, in the scale of its column.
				tol := 1e-11 * math.Sqrt(diag[j])
				if factor != 0 { // from products, not a factor
					tol *= 1e3
				}
				weights++
				switch v := out.Theta[j]; {
				case v == 0 && l1[j] > 0:
					zeros++
					if math.Abs(g) > l1[j]+tol {
						t.Errorf("problem %d, factor %d: component %d is 0 with |g| = %g over %g", k, factor, j, math.Abs(g), l1[j])
					}
				case math.Abs(g+math.Copysign(l1[j], v)) > tol:
					t.Errorf("problem %d, factor %d: component %d = %g has g = %g, ℓ = %g, off by %g", k, factor, j, v, g, l1[j], math.Abs(g+math.Copysign(l1[j], v)))
				}
			}
			if math.Abs(F-out.F) > 1e-14*F {
				t.Errorf("problem %d: cost %g, want %g", k, out.F, F)
			}
		}
	}
	t.Logf("%d of %d components are 0; %.1f steps a run", zeros, weights, float64(steps)/300)
	if zeros < weights/20 || zeros > weights*19/20 {
		t.Errorf("%d of %d components are 0: the problems say little", zeros, weights)
	}
}

// TestProximalResumes writes the state between any two questions and goes on from it with the same bits.
func TestProximalResumes(t *testing.T) {
	p, l1 := drawL1(rand.New(rand.NewPCG(3, 1)))
	for _, factor := range []int{0, 6, -1} {
		o := optim.Options{Weight: p.sum(), Factor: factor}
		m, err := optim.NewProximal(make([]float64, p.n+1), l1, o)
		if err != nil {
			t.Fatal(err)
		}
		want := minimize(t, m, p)
		var again optim.Method
		again, _ = optim.NewProximal(make([]float64, p.n+1), l1, o)
		grad := make([]float64, p.n+1)
		for {
			text, err := optim.Encode(again)
			if err != nil {
				t.Fatal(err)
			}
			if again, err = optim.Decode(text); err != nil {
				t.Fatal(err)
			}
			if twice, _ := optim.Encode(again); !bytes.Equal(text, twice) {
				t.Fatalf("the state changed:\n%s\n%s", text, twice)
			}
			if done, _ := again.Done(); done {
				break
			}
			a := again.Ask()
			tell := optim.Tell{Gradient: grad}
			tell.F = p.cost(a.At, p.all(), grad)
			p.at = a.At
			size := len(grad)
			switch a.Want {
			case optim.Hessian:
				tell.Hessian = make([]float64, size*size)
				err = p.Hessian(t.Context(), nil, tell.Hessian)
			case optim.Diagonal:
				tell.Diagonal = make([]float64, size)
				err = p.Diagonal(t.Context(), tell.Diagonal)
			case optim.Product:
				tell.Product = make([]float64, size)
				err = p.Product(t.Context(), a.V, tell.Product)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := again.Tell(tell); err != nil {
				t.Fatal(err)
			}
		}
		theta, f, _, step, _ := again.Iterate()
		if f != want.F || step != want.Step {
			t.Errorf("factor %d: cost %g after %d steps, want %g after %d", factor, f, step, want.F, want.Step)
		}
		for j := range theta {
			if theta[j] != want.Theta[j] {
				t.Errorf("factor %d: component %d = %g, want %g", factor, j, theta[j], want.Theta[j])
			}
		}
	}
}

// TestProximalRefuses holds the door closed.
func TestProximalRefuses(t *testing.T) {
	for _, l1 := range [][]float64{nil, {1}, {1, -1}, {1, math.NaN()}, {1, math.Inf(1)}} {
		if _, err := optim.NewProximal([]float64{0, 0}, l1, optim.Options{}); err == nil {
			t.Errorf("l1 %v is taken", l1)
		}
	}
	m, _ := optim.NewProximal([]float64{1, 2}, []float64{1, 0}, optim.Options{})
	text, _ := optim.Encode(m)
	for _, change := range [][2]string{{`"L1":[1,0]`, `"L1":[1]`}, {`"L1":[1,0]`, `"L1":[1,-1]`}, {`"Phase":"start"`, `"Phase":"searching"`}, {`"Phase":"start"`, `"Phase":"diagonal"`}} {
		bad := bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(bad, text) {
			t.Fatalf("%s has no %s", text, change[0])
		}
		if _, err := optim.Decode(bad); err == nil {
			t.Errorf("a state with %s is taken", change[1])
		}
	}
}

// TestProximalLIBLINEAR compares with liblinear-train 2.3.0 -s 6 -c 1 -e 1e-12 -B 1 on heart_scale (testdata/heart_scale/expected.json), which
// penalises the bias as well.
func TestProximalLIBLINEAR(t *testing.T) {
	text, err := os.ReadFile("../testdata/heart_scale/heart_scale")
	if err != nil {
		t.Fatal(err)
	}
	p := &logistic{n: 13}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		x := make([]float64, p.n)
		cells := strings.Fields(line)
		for _, c := range cells[1:] {
			index, value, _ := strings.Cut(c, ":")
			j, _ := strconv.Atoi(index)
			if x[j-1], err = strconv.ParseFloat(value, 64); err != nil {
				t.Fatal(err)
			}
		}
		y := 0.0
		if cells[0] == "+1" {
			y = 1
		}
		p.X, p.Y = append(p.X, x...), append(p.Y, y)
	}
	var e struct {
		Models []struct {
			ID     string
			Checks []struct {
				ID    string
				Value json.RawMessage
			}
		}
	}
	if text, err = os.ReadFile("../testdata/heart_scale/expected.json"); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	l1 := make([]float64, p.n+1)
	for j := range l1 {
		l1[j] = 1 / float64(len(p.Y))
	}
	m, err := optim.NewProximal(make([]float64, p.n+1), l1, optim.Options{Weight: float64(len(p.Y))})
	if err != nil {
		t.Fatal(err)
	}
	out := minimize(t, m, p)
	compared := 0
	for _, model := range e.Models {
		if model.ID != "l1_c1_bias_penalised" {
			continue
		}
		for _, c := range model.Checks {
			switch c.ID {
			case "objective":
				var want float64
				json.Unmarshal(c.Value, &want)
				near(t, "objective", out.F*float64(len(p.Y)), want, 1e-10, 0)
			case "w_then_bias":
				var want []float64
				json.Unmarshal(c.Value, &want)
				for j, w := range want {
					near(t, "w", out.Theta[j], w, 0, 1e-5)
					if (out.Theta[j] == 0) != (w == 0) {
						t.Errorf("component %d is %g, want %g", j, out.Theta[j], w)
					}
				}
			default:
				continue
			}
			compared++
		}
	}
	if compared != 2 {
		t.Errorf("%d comparisons", compared)
	}
}
