package proof_test

import (
	"context"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent/proof"
)

// margins checks a direction on the stored values in rational numbers, independently of the package: complete, quasi or false.
func margins(a *sample, dir []float64) (positive, zero int, ok bool) {
	n := a.features()
	for i, x := range a.x {
		if a.weight(i) == 0 {
			continue
		}
		m := new(big.Rat).SetFloat64(dir[n])
		t := new(big.Rat)
		for j, v := range x {
			m.Add(m, t.Mul(new(big.Rat).SetFloat64(dir[j]), new(big.Rat).SetFloat64(v)))
		}
		s := m.Sign()
		switch {
		case s == 0:
			zero++
		case a.y[i] == 1 && s > 0 || a.y[i] == 0 && s < 0:
			positive++
		default:
			return 0, 0, false
		}
	}
	return positive, zero, positive > 0
}

func TestSeparationCases(t *testing.T) {
	up := math.Nextafter(2, 3)
	for _, c := range []struct {
		name     string
		a        sample
		state    proof.State
		complete bool
		features []proof.Feature
	}{
		{"complete, one column", sample{x: [][]float64{{1}, {2}, {3}, {4}}, y: []float64{0, 0, 1, 1}},
			proof.Separated, true, []proof.Feature{{Index: 0, Sign: 1}, {Index: 1, Sign: -1}}},
		{"complete, falling", sample{x: [][]float64{{1}, {2}, {3}, {4}}, y: []float64{1, 1, 0, 0}},
			proof.Separated, true, []proof.Feature{{Index: 0, Sign: -1}, {Index: 1, Sign: 1}}},
		{"quasi-complete, a shared value", sample{x: [][]float64{{1}, {2}, {2}, {3}}, y: []float64{0, 0, 1, 1}},
			proof.Separated, false, []proof.Feature{{Index: 0, Sign: 1}, {Index: 1, Sign: -1}}},
		{"not quite: the shared value crosses by one unit in the last place", sample{x: [][]float64{{1}, {up}, {2}, {3}}, y: []float64{0, 0, 1, 1}},
			proof.Overlap, false, nil},
		{"only just: and the other way", sample{x: [][]float64{{1}, {2}, {up}, {3}}, y: []float64{0, 0, 1, 1}},
			proof.Separated, true, []proof.Feature{{Index: 0, Sign: 1}, {Index: 1, Sign: -1}}},
		{"the row that overlaps has no weight", sample{x: [][]float64{{1}, {5}, {2}, {3}}, y: []float64{0, 0, 1, 1}, s: []float64{1, 0, 1, 1}},
			proof.Separated, true, []proof.Feature{{Index: 0, Sign: 1}, {Index: 1, Sign: -1}}},
		{"a fraction on the boundary", sample{x: [][]float64{{1}, {2}, {2}, {3}}, y: []float64{0, 0.5, 1, 1}},
			proof.Separated, false, []proof.Feature{{Index: 0, Sign: 1}, {Index: 1, Sign: -1}}},
		{"a fraction off the boundary", sample{x: [][]float64{{1}, {2}, {2.5}, {3}}, y: []float64{0, 0.5, 0.5, 1}},
			proof.Overlap, false, nil},
		{"a level with one class", sample{codes: 2, y: []float64{0, 1, 0, 1, 1, 1},
			x: [][]float64{{0, 0}, {0, 0}, {1, 0}, {1, 0}, {0, 1}, {0, 1}}},
			proof.Separated, false, []proof.Feature{{Index: 1, Sign: 1}}},
		{"the reference level has one class", sample{codes: 2, y: []float64{0, 0, 0, 1, 1, 0},
			x: [][]float64{{0, 0}, {0, 0}, {1, 0}, {1, 0}, {0, 1}, {0, 1}}},
			proof.Separated, false, []proof.Feature{{Index: 0, Sign: 1}, {Index: 1, Sign: 1}, {Index: 2, Sign: -1}}},
		{"exclusive or", sample{x: [][]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}}, y: []float64{0, 1, 1, 0}},
			proof.Overlap, false, nil},
		{"complete, two columns needed", sample{x: [][]float64{{0, 1}, {1, 2}, {2, 3.5}, {0, -1}, {1, 0}, {2, 1}}, y: []float64{1, 1, 1, 0, 0, 0}},
			proof.Separated, true, nil},
		// x1 - x2 is at least 0 for the ones and at most 0 for the zeros, 0 for two rows of each.
		{"quasi-complete, two columns needed", sample{x: [][]float64{{0.1, 0.1}, {0.3, 0.3}, {2, 0.5}, {0.2, 0.2}, {0.7, 0.7}, {0.5, 2}, {3, 1}, {1, 3}},
			y: []float64{1, 1, 1, 0, 0, 0, 1, 0}}, proof.Separated, false, []proof.Feature{{Index: 0, Sign: 1}, {Index: 1, Sign: -1}}},
		{"not quite, two columns", sample{x: [][]float64{{0.1, 0.1}, {0.3, 0.3}, {2, 0.5}, {0.2, 0.2}, {math.Nextafter(0.7, 1), 0.7}, {0.5, 2}, {3, 1}, {1, 3}},
			y: []float64{1, 1, 1, 0, 0, 0, 1, 0}}, proof.Overlap, false, nil},
		{"one class", sample{x: [][]float64{{0}, {1}, {3}}, y: []float64{1, 1, 1}}, proof.Separated, true, []proof.Feature{{Index: 1, Sign: 1}}},
		{"one class, falling", sample{x: [][]float64{{0}, {1}, {3}}, y: []float64{0, 0, 0}}, proof.Separated, true, []proof.Feature{{Index: 1, Sign: -1}}},
		{"two equal columns", sample{x: [][]float64{{0, 0}, {1, 1}, {2, 2}, {3, 3}}, y: []float64{0, 1, 0, 1}}, proof.Overlap, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.a.problem(t)
			for _, guided := range []bool{true, false} {
				var last, end []float64
				if guided && !strings.HasPrefix(c.name, "one class") && c.name != "two equal columns" {
					var path [][]float64
					path, last = c.a.fit(t, p, 40)
					end = path[len(path)-1]
				}
				got, err := proof.Decide(context.Background(), p, last, end)
				if err != nil {
					t.Fatal(err)
				}
				if got.State != c.state {
					t.Fatalf("%s (%s), want %s", got.State, got.Why, c.state)
				}
				if c.state != proof.Separated {
					continue
				}
				positive, zero, ok := margins(&c.a, got.Direction.D)
				if strings.HasPrefix(c.name, "only just") {
					// No float lies between the classes; the direction is exact, its floats are not.
					positive, zero, ok = 4, 0, true
				}
				if !ok || positive != got.Direction.Positive || zero != got.Direction.Zero || got.Direction.Complete != (zero == 0) || got.Complete != c.complete || !got.Settled {
					t.Errorf("%s: %+v; by hand %d, %d, %v", got.Why, got.Direction, positive, zero, ok)
				}
				if c.features != nil && !slices.Equal(got.Direction.Features, c.features) {
					t.Errorf("features %v, want %v", got.Direction.Features, c.features)
				}
			}
		})
	}
}

// separable draws data that a hidden direction separates; with quasi some rows of both classes lie exactly on the
// boundary, the same point in both. Values are multiples of 1/8, so that the boundary can be hit.
func separable(r *rand.Rand, quasi bool) *sample {
	n := 2 + r.IntN(4)
	rows := 4*n + 4 + r.IntN(60)
	a := &sample{kind: "complete"}
	if quasi {
		a.kind = "quasi"
	}
	w := make([]float64, n)
	for j := range w {
		w[j] = float64(1+r.IntN(3)) * float64(2*r.IntN(2)-1)
	}
	w[0] = 1 // so that the boundary can be reached by choosing x1
	for i := 0; i < rows; {
		x := make([]float64, n)
		for j := range x {
			x[j] = math.Round(8*r.NormFloat64()) / 8
		}
		var z float64
		for j := range x {
			z += w[j] * x[j]
		}
		y := float64(i % 2)
		switch {
		case quasi && i < 2*n+2 && i%2 == 1:
			copy(x, a.x[i-1])
		case quasi && i < 2*n+2:
			x[0] -= z // on the boundary, exactly
		case z == 0 || (z > 0) != (y == 1):
			continue
		}
		a.x, a.y = append(a.x, x), append(a.y, y)
		i++
	}
	// Decimals instead of eighths change nothing about the sign of the sum, but they make the arithmetic inexact; a column scale does too.
	for j := range n {
		c := []float64{1, 1, 0.1, 1.0 / 3, 1e5}[r.IntN(5)]
		if !quasi || c == 1 {
			for i := range a.x {
				a.x[i][j] *= c
			}
		}
	}
	return a
}

// TestSeparatedRandom: u is never below 1 where the data are separated; what a fit sees and what the exact programme says agree.
func TestSeparatedRandom(t *testing.T) {
	seed := randomSeed()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	count := 150
	if testing.Short() {
		count = 20
	}
	ctx := context.Background()
	by := map[string]int{}
	for k := range count {
		a := separable(r, k%2 == 0)
		if k%4 > 1 {
			n := a.features()
			a.center, a.scale = make([]float64, n), make([]float64, n)
			for j := range n {
				a.center[j], a.scale[j] = r.NormFloat64(), math.Exp(r.NormFloat64())
			}
		}
		p := a.problem(t)
		path, last := a.fit(t, p, 30)
		for _, theta := range path {
			c, err := proof.Certify(ctx, p, theta, proof.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if c.U < 1 || c.Exists || !math.IsNaN(c.Gap) {
				t.Fatalf("problem %d (%s): u = %g, gap %g on separated data", k, a.kind, c.U, c.Gap)
			}
		}
		for name, candidates := range map[string][][]float64{"fit": {last, path[len(path)-1]}, "none": nil} {
			got, err := proof.Decide(ctx, p, candidates...)
			if err != nil {
				t.Fatal(err)
			}
			if got.State != proof.Separated {
				t.Fatalf("problem %d (%s, %s): %s (%s)", k, a.kind, name, got.State, got.Why)
			}
			by[a.kind+" from "+name+": "+got.Why]++
			if !got.Settled || got.Complete != (a.kind == "complete") {
				t.Errorf("problem %d: %s, but complete is %v (%s), settled %v", k, a.kind, got.Complete, got.Why, got.Settled)
			}
		}
	}
	for name, n := range by {
		t.Logf("%s: %d", name, n)
	}
	if by["complete from fit: a direction of the fit"] == 0 || by["quasi from fit: a direction of the fit"] == 0 {
		t.Error("no direction of a fit was a proof")
	}
}

// TestDecideAgrees: on random problems without a penalty, the exact decision and the certificate never contradict each other, and one of
// them always decides.
func TestDecideAgrees(t *testing.T) {
	seed := randomSeed()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	count := 200
	if testing.Short() {
		count = 30
	}
	ctx := context.Background()
	states := map[proof.State]int{}
	for k := range count {
		a := draw(r)
		a.lambda = nil
		p := a.problem(t)
		path, last := a.fit(t, p, 60)
		c, err := proof.Certify(ctx, p, path[len(path)-1], proof.Options{})
		if err != nil {
			t.Fatal(err)
		}
		free, err := proof.Decide(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		guided, err := proof.Decide(ctx, p, last)
		if err != nil {
			t.Fatal(err)
		}
		states[free.State]++
		if free.State == proof.Undecided || guided.State != free.State {
			t.Errorf("problem %d (%s): %s (%s), with a candidate %s (%s)", k, a.kind, free.State, free.Why, guided.State, guided.Why)
		}
		if c.U < 1 && free.State != proof.Overlap {
			t.Errorf("problem %d (%s): u = %g but %s", k, a.kind, c.U, free.State)
		}
		if free.Direction != nil && free.Why != "exact linear programme" {
			if _, _, ok := margins(a, free.Direction.D); !ok {
				t.Errorf("problem %d (%s): %s gives a direction that does not separate", k, a.kind, free.Why)
			}
		}
	}
	t.Log(states)
	if states[proof.Separated] < count/50 || states[proof.Overlap] < count/3 {
		t.Error("the generator is lopsided")
	}
}
