package optim

import (
	"math"
	"math/rand/v2"
	"testing"
)

// adaGradRun takes steps with random gradients, some of them 0, of two weights of sizes d, and gives the points after all steps, with the state of the last.
func adaGradRun(t *testing.T, l2, l1, scale float64) (a *AdaGrad, w *AdaGradWeights, points [][]float64, gradients [][]float64) {
	t.Helper()
	a, err := NewAdaGrad(0.7, 0.2, l2, l1)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 9))
	w = &AdaGradWeights{}
	w.Grow(2)
	for step := range 60 {
		a.Begin(3, 1)
		g := []float64{r.NormFloat64() - 0.3, r.NormFloat64()}
		if step%3 == 1 {
			g[1] = 0
		}
		d := 1 + float64(step)/10
		a.Move(w, 0, g[0]*scale, d*scale, d*scale)
		a.Move(w, 1, g[1], 1, 1)
		points, gradients = append(points, append([]float64(nil), w.W...)), append(gradients, g)
	}
	return a, w, points, gradients
}

func TestAdaGradSteps(t *testing.T) {
	_, _, points, gradients := adaGradRun(t, 0, 0, 1)
	at, squares := [2]float64{}, [2]float64{}
	for step, g := range gradients {
		for j, d := range []float64{1 + float64(step)/10, 1} {
			if g[j] == 0 {
				continue
			}
			squares[j] += g[j] * g[j]
			at[j] -= 0.7 * g[j] / (math.Sqrt(3) * d * (0.2*d + math.Sqrt(squares[j])))
			if math.Abs(at[j]-points[step][j]) > 1e-12 {
				t.Fatalf("step %d: weight %d is %v, want %v", step, j, points[step][j], at[j])
			}
		}
	}
}

// TestAdaGradPenalty: with a penalty the point minimises Σ_s g_s w + Σ_s (rate_s - rate_(s-1))/2·(w - w_s)² + λ/2 unit² w² + λ1 unit |w|.
func TestAdaGradPenalty(t *testing.T) {
	for _, p := range []struct{ l2, l1 float64 }{{2, 0}, {0, 1.5}, {0.5, 4}} {
		_, _, points, gradients := adaGradRun(t, p.l2, p.l1, 1)
		var squares, before, zeros float64
		var weights, from []float64 // of the quadratic terms
		var sum float64
		at := 0.0
		for step, g := range gradients {
			d := 1 + float64(step)/10
			squares += g[0] * g[0]
			rate := math.Sqrt(3) * d * (0.2*d + math.Sqrt(squares)) / 0.7
			weights, from, sum = append(weights, rate-before), append(from, at), sum+g[0]
			before = rate
			value := func(w float64) float64 {
				v := sum*w + p.l2/2*d*d*w*w + p.l1*d*math.Abs(w)
				for i, c := range weights {
					v += c / 2 * (w - from[i]) * (w - from[i])
				}
				return v
			}
			at = points[step][0]
			for _, off := range []float64{1e-4, -1e-4} {
				if value(at+off) < value(at)-1e-12 {
					t.Fatalf("λ %v, λ1 %v: step %d is at %v, where %v is better by %g", p.l2, p.l1, step, at, at+off, value(at)-value(at+off))
				}
			}
			if at == 0 {
				zeros++
			}
		}
		if (zeros > 0) != (p.l1 > 0) {
			t.Errorf("λ1 %v: %v points are exactly 0", p.l1, zeros)
		}
	}
}

// TestAdaGradResult: the lazy mean is that of all points; a column in another unit has the same weights in that unit.
func TestAdaGradResult(t *testing.T) {
	a, w, points, _ := adaGradRun(t, 1, 0, 1)
	var total float64
	want := [2]float64{}
	for step, p := range points {
		c := float64(step+1) * float64(step+2) * float64(step+3)
		total += c
		for j := range want {
			want[j] += c * p[j]
		}
	}
	for j, v := range a.Result(w) {
		if math.Abs(v-want[j]/total) > 1e-13 {
			t.Errorf("weight %d: %v, want %v", j, v, want[j]/total)
		}
	}
	b, v, _, _ := adaGradRun(t, 1, 0, 1e5)
	if x, y := a.Result(w)[0], b.Result(v)[0]*1e5; math.Abs(x-y) > 1e-12*math.Abs(x) {
		t.Errorf("%v, in another unit %v", x, y)
	}
	a, w, points, _ = adaGradRun(t, 0, 4, 1)
	if got := a.Result(w); got[0] != points[59][0] || got[1] != points[59][1] {
		t.Errorf("with λ1 the result is %v, want the last point %v", got, points[59])
	}
}

func TestAdaGradChecks(t *testing.T) {
	for _, x := range [][4]float64{{0, 1, 0, 0}, {math.Inf(1), 1, 0, 0}, {1, -1, 0, 0}, {1, 1, -1, 0}, {1, 1, 0, math.NaN()}} {
		if _, err := NewAdaGrad(x[0], x[1], x[2], x[3]); err == nil {
			t.Errorf("%v is taken", x)
		}
	}
}
