package proof_test

import (
	"context"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/descent-ml/descent/proof"
)

// margins checks a direction on the stored values in rational numbers, independently of the package: positive and zero rows, and whether all
// margins are positive.
func (a *classes) margins(dir []*big.Rat) (positive, zero int, complete, ok bool) {
	n := a.features()
	complete = true
	for i, x := range a.x {
		if a.weight(i) == 0 {
			continue
		}
		any := false
		y := int(a.label[i])
		for k := range a.K {
			if k == y {
				continue
			}
			m, t, f := new(big.Rat), new(big.Rat), new(big.Rat)
			for j := range n + 1 {
				v := 1.0
				if j < n {
					v = x[j]
				}
				f.Sub(dir[a.component(y, j)], dir[a.component(k, j)])
				m.Add(m, t.Mul(f, new(big.Rat).SetFloat64(v)))
			}
			switch m.Sign() {
			case -1:
				return 0, 0, false, false
			case 0:
				complete = false
			case 1:
				any = true
			}
		}
		if any {
			positive++
		} else {
			zero++
		}
	}
	return positive, zero, complete, positive > 0
}

// check holds a Separated decision against margins.
func (a *classes) check(t *testing.T, d *proof.Decision) {
	t.Helper()
	if d.Direction == nil || len(d.Direction.D) != a.size() || len(d.Direction.Features) == 0 {
		t.Fatalf("separated without a direction: %+v", d)
	}
	for j := range a.features() + 1 {
		if d.Direction.D[a.component(a.reference, j)] != 0 {
			t.Errorf("the reference's row is not 0: %v", d.Direction.D)
		}
	}
	for _, f := range d.Direction.Features {
		if f.Class < 0 || f.Class >= a.K || f.Class == a.reference || f.Index > a.features() || f.Sign != 1 && f.Sign != -1 {
			t.Errorf("feature %+v", f)
		}
	}
	exact := make([]*big.Rat, a.size())
	for c := range exact {
		exact[c] = new(big.Rat)
	}
	at, ints := 0, d.Direction.Exact()
	if len(ints) != (a.K-1)*(a.features()+1)+1 || ints[len(ints)-1].Sign() != 0 {
		t.Fatalf("%s: exact direction %v", d.Why, ints)
	}
	var factor *big.Rat // between the two
	for k := range a.K {
		for j := range a.features() + 1 {
			c := a.component(k, j)
			if k != a.reference {
				exact[c].SetInt(ints[at])
				at++
			}
			if f := new(big.Rat).SetFloat64(d.Direction.D[c]); f.Sign() != exact[c].Sign() {
				t.Errorf("%s: component %d is %g and exactly %v", d.Why, c, d.Direction.D[c], exact[c])
			} else if f.Sign() != 0 {
				f.Quo(f, exact[c])
				if factor == nil {
					factor = f
				}
				if q, _ := new(big.Rat).Quo(f, factor).Float64(); math.Abs(q-1) > 1e-15 {
					t.Errorf("%s: component %d is off by a factor %g", d.Why, c, q)
				}
			}
		}
	}
	positive, zero, complete, ok := a.margins(exact)
	if !ok {
		t.Errorf("%s: the direction does not separate", d.Why)
	} else if positive != d.Direction.Positive || zero != d.Direction.Zero || complete != d.Direction.Complete {
		t.Errorf("%s: %d, %d, complete %v; by hand %d, %d, %v", d.Why, d.Direction.Positive, d.Direction.Zero, d.Direction.Complete, positive, zero, complete)
	}
	if d.Direction.Complete && !d.Complete {
		t.Errorf("%s: a complete direction of no complete separation", d.Why)
	}
}

func TestClassesSeparationCases(t *testing.T) {
	up := math.Nextafter(2, 3)
	for _, c := range []struct {
		name     string
		a        classes
		state    proof.State
		complete bool
		class    int
		features []proof.Feature
	}{
		{"one column orders three classes", classes{K: 3, sample: sample{x: [][]float64{{1}, {2}, {3}, {4}, {5}, {6}}}, label: []int32{0, 0, 1, 1, 2, 2}},
			proof.Separated, true, 2, []proof.Feature{{Index: 0, Class: 2, Sign: 1}, {Index: 1, Class: 2, Sign: -1}}},
		{"one class on one side, the others overlap", classes{K: 3, sample: sample{x: [][]float64{{1}, {2}, {3}, {4}, {5}, {6}, {4.5}}}, label: []int32{0, 0, 1, 2, 1, 2, 2}, reference: 1},
			proof.Separated, false, 0, []proof.Feature{{Index: 0, Class: 0, Sign: -1}, {Index: 1, Class: 0, Sign: 1}}},
		{"and it is the reference", classes{K: 3, sample: sample{x: [][]float64{{1}, {2}, {3}, {4}, {5}, {6}, {4.5}}}, label: []int32{0, 0, 1, 2, 1, 2, 2}},
			proof.Separated, false, 0, []proof.Feature{{Index: 0, Class: 1, Sign: 1}, {Index: 1, Class: 1, Sign: -1}, {Index: 0, Class: 2, Sign: 1}, {Index: 1, Class: 2, Sign: -1}}},
		{"a shared value", classes{K: 3, sample: sample{x: [][]float64{{1}, {2}, {2}, {4}, {5}, {6}, {4.5}}}, label: []int32{0, 0, 1, 2, 1, 2, 2}, reference: 1},
			proof.Separated, false, 0, []proof.Feature{{Index: 0, Class: 0, Sign: -1}, {Index: 1, Class: 0, Sign: 1}}},
		{"not quite: the shared value crosses by one unit in the last place", classes{K: 3, sample: sample{x: [][]float64{{1}, {up}, {2}, {4}, {5}, {6}, {4.5}, {1.5}, {1.2}}}, label: []int32{0, 0, 1, 2, 1, 2, 2, 2, 0}, reference: 1},
			proof.Overlap, false, 0, nil},
		{"four quarters, no column tells any from the others", classes{K: 4, reference: 2, sample: sample{x: [][]float64{{0, 0.2}, {1, 2}, {-1, 2}, {0.2, 0}, {2, 1}, {2, -1}, {0, -0.2}, {1, -2}, {-1, -2}, {-0.2, 0}, {-2, 1}, {-2, -1}}},
			label: []int32{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}}, proof.Separated, true, -1, nil},
		{"a class without rows", classes{K: 3, sample: sample{x: [][]float64{{1}, {2}, {1}, {2}}}, label: []int32{0, 0, 1, 1}},
			proof.Separated, false, 2, []proof.Feature{{Index: 1, Class: 2, Sign: -1}}},
		{"a class whose rows have no weight", classes{K: 3, sample: sample{x: [][]float64{{1}, {2}, {1}, {2}, {3}}, s: []float64{1, 1, 1, 1, 0}}, label: []int32{0, 0, 1, 1, 2}},
			proof.Separated, false, 2, []proof.Feature{{Index: 1, Class: 2, Sign: -1}}},
		{"a weightless row may have any label", classes{K: 3, sample: sample{x: [][]float64{{1}, {2}, {9}, {1}, {2}, {3}, {0}, {2}}, s: []float64{1, 1, 0, 1, 1, 1, 1, 1}}, label: []int32{0, 0, -7, 1, 1, 2, 2, 2}},
			proof.Overlap, false, 0, nil},
		{"a level has all of one class's rows", classes{K: 3, sample: sample{codes: 2, x: [][]float64{{1, 0}, {1, 0}, {0, 1}, {0, 0}, {0, 1}, {0, 0}}}, label: []int32{0, 0, 1, 1, 2, 2}, reference: 2},
			proof.Separated, false, 0, []proof.Feature{{Index: 0, Class: 0, Sign: 1}, {Index: 2, Class: 0, Sign: -1}}},
		{"a level has no row of a class", classes{K: 3, sample: sample{codes: 1, x: [][]float64{{1}, {1}, {0}, {0}, {0}}}, label: []int32{1, 2, 0, 1, 2}, reference: 2},
			proof.Separated, false, 0, []proof.Feature{{Index: 0, Class: 0, Sign: -1}}},
		{"every point has every class", classes{K: 3, sample: sample{x: [][]float64{{1}, {1}, {1}, {2}, {2}, {2}}}, label: []int32{0, 1, 2, 0, 1, 2}},
			proof.Overlap, false, 0, nil},
		{"no features", classes{K: 3, sample: sample{x: [][]float64{{}, {}, {}}}, label: []int32{0, 1, 2}}, proof.Overlap, false, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.a.problem(t)
			for _, guided := range []bool{false, true} {
				var candidates [][]float64
				if guided {
					path, last, _, _ := c.a.fit(40)
					candidates = [][]float64{last, path[len(path)-1]}
				}
				got, err := proof.Decide(context.Background(), p, candidates...)
				if err != nil {
					t.Fatal(err)
				}
				if got.State != c.state {
					t.Fatalf("%s (%s), want %s", got.State, got.Why, c.state)
				}
				if c.state != proof.Separated {
					continue
				}
				c.a.check(t, got)
				if !got.Settled || got.Complete != c.complete || c.class != -2 && got.Direction.Class != c.class {
					t.Errorf("%s: complete %v, settled %v, class %d, want complete %v, class %d", got.Why, got.Complete, got.Settled, got.Direction.Class, c.complete, c.class)
				}
				if c.features != nil && !slices.Equal(got.Direction.Features, c.features) {
					t.Errorf("features %v, want %v", got.Direction.Features, c.features)
				}
			}
		})
	}
}

// separableClasses draws data that hidden scores separate, the row's class having the largest. quasi: some rows of several classes are
// the same point on a boundary. Values are eighths, so that boundaries can be hit.
func separableClasses(r *rand.Rand, quasi bool) *classes {
	n := 2 + r.IntN(3)
	a := &classes{K: 3 + r.IntN(2), sample: sample{kind: "complete"}}
	a.reference = r.IntN(a.K)
	if quasi {
		a.kind = "quasi"
	}
	w := make([][]float64, a.K)
	for k := range w {
		w[k] = make([]float64, n)
		for j := range w[k] {
			w[k][j] = float64(r.IntN(7) - 3)
		}
		w[k][0] = float64(2 * k) // no two are equal, and the first column can bring any two together
	}
	for len(a.x) < 6*n*a.K {
		x := make([]float64, n)
		for j := range x {
			x[j] = math.Round(8*r.NormFloat64()) / 8
		}
		z := make([]float64, a.K)
		for k := range z {
			for j := range x {
				z[k] += w[k][j] * x[j]
			}
		}
		order := make([]int, a.K)
		for k := range order {
			order[k] = k
		}
		slices.SortFunc(order, func(p, q int) int { return int(8*z[q]) - int(8*z[p]) })
		first, second := order[0], order[1]
		if !quasi {
			if z[first] > z[second] {
				a.x, a.label = append(a.x, x), append(a.label, int32(first))
			}
			continue
		}
		if len(a.x)%3 != 0 {
			// A tie: the point belongs to all classes with the largest score.
			if z[first] == z[second] {
				for _, k := range order {
					if z[k] == z[first] {
						a.x, a.label = append(a.x, x), append(a.label, int32(k))
					}
				}
			}
			if r.IntN(50) > 0 {
				continue
			}
		}
		if z[first] > z[second] {
			a.x, a.label = append(a.x, x), append(a.label, int32(first))
		}
	}
	return a
}

func TestClassesSeparatedRandom(t *testing.T) {
	seed := randomSeed()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 12))
	count := 60
	if testing.Short() {
		count = 10
	}
	ctx := context.Background()
	by := map[string]int{}
	for k := range count {
		a := separableClasses(r, k%2 == 0)
		if k%4 > 1 {
			n := a.features()
			a.center, a.scale = make([]float64, n), make([]float64, n)
			for j := range n {
				a.center[j], a.scale[j] = r.NormFloat64(), math.Exp(r.NormFloat64())
			}
		}
		p := a.problem(t)
		path, last, best, _ := a.fit(40)
		if best != nil {
			t.Fatalf("problem %d (%s): an optimum of separated data", k, a.kind)
		}
		for _, theta := range path {
			c, err := proof.Certify(ctx, p, theta, proof.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if c.U < 1 || c.Exists || !math.IsNaN(c.Gap) {
				t.Fatalf("problem %d (%s): u = %g, gap %g on separated data", k, a.kind, c.U, c.Gap)
			}
		}
		complete := map[bool]int{}
		for name, candidates := range map[string][][]float64{"fit": {last, path[len(path)-1]}, "none": nil} {
			got, err := proof.Decide(ctx, p, candidates...)
			if err != nil {
				t.Fatal(err)
			}
			if got.State != proof.Separated {
				t.Fatalf("problem %d (%s, %s): %s (%s)", k, a.kind, name, got.State, got.Why)
			}
			by[a.kind+" from "+name+": "+got.Why]++
			a.check(t, got)
			complete[got.Complete]++
			if !got.Settled || a.kind == "complete" && !got.Complete {
				t.Errorf("problem %d: %s, but complete is %v (%s), settled %v", k, a.kind, got.Complete, got.Why, got.Settled)
			}
		}
		if len(complete) != 1 {
			t.Errorf("problem %d (%s): complete with candidates but not without", k, a.kind)
		}
		if a.kind == "quasi" {
			for i, x := range a.x { // the same point in two classes
				for j := range i {
					if slices.Equal(x, a.x[j]) && a.label[i] != a.label[j] && complete[true] > 0 {
						t.Fatalf("problem %d: complete, but rows %d and %d are the same point", k, i, j)
					}
				}
			}
		}
	}
	for name, n := range by {
		t.Logf("%s: %d", name, n)
	}
	if by["complete from fit: a direction of the fit"] == 0 {
		t.Error("no direction of a fit was a proof")
	}
}

// TestClassesDecideAgrees: decision and certificate never contradict each other, and one of them always decides.
func TestClassesDecideAgrees(t *testing.T) {
	seed := randomSeed()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 13))
	count := 80
	if testing.Short() {
		count = 15
	}
	ctx := context.Background()
	states := map[proof.State]int{}
	for k := range count {
		a := drawClasses(r)
		a.lambda = nil
		p := a.problem(t)
		path, last, _, _ := a.fit(60)
		c, err := proof.Certify(ctx, p, path[len(path)-1], proof.Options{})
		if err != nil {
			t.Fatal(err)
		}
		free, err := proof.Decide(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		guided, err := proof.Decide(ctx, p, last, path[len(path)-1])
		if err != nil {
			t.Fatal(err)
		}
		states[free.State]++
		if free.State == proof.Undecided || guided.State != free.State || guided.Complete != free.Complete && guided.Settled && free.Settled {
			t.Errorf("problem %d (%s): %s (%s), with candidates %s (%s)", k, a.kind, free.State, free.Why, guided.State, guided.Why)
		}
		if c.U < 1 && free.State != proof.Overlap {
			t.Errorf("problem %d (%s): u = %g but %s", k, a.kind, c.U, free.State)
		}
		for _, d := range []*proof.Decision{free, guided} {
			if d.State == proof.Separated {
				a.check(t, d)
			}
		}
	}
	t.Log(states)
	if states[proof.Separated] == 0 || states[proof.Overlap] < count/4 {
		t.Error("the generator is lopsided")
	}
}

// TestTwoClasses: two classes written as classes are the two classes, with either as the reference.
func TestTwoClasses(t *testing.T) {
	seed := randomSeed()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 14))
	ctx := context.Background()
	count := 100
	if testing.Short() {
		count = 20
	}
	bounded, same, separated := 0, 0, 0
	for k := range count {
		s := draw(r)
		for i, y := range s.y {
			s.y[i] = math.Round(y)
		}
		if k%3 > 0 {
			s.lambda = nil
		}
		two := s.problem(t)
		path, last := s.fit(t, two, 40)
		n := s.features()
		for reference := range 2 {
			a := &classes{sample: *s, K: 2, reference: reference}
			for _, y := range s.y {
				a.label = append(a.label, int32(y))
			}
			sign := 1.0
			if reference == 1 {
				sign = -1
				if s.o != nil {
					a.o = slices.Clone(s.o)
					for i := range a.o {
						a.o[i] = -a.o[i]
					}
				}
			}
			a.lambda = nil
			other := 1 - reference
			spread := func(theta []float64) []float64 {
				out := make([]float64, a.size())
				for j, v := range theta {
					out[a.component(other, j)] = sign * v
				}
				return out
			}
			p := a.problem(t)
			if s.lambda == nil {
				for _, theta := range path {
					c, err := proof.Certify(ctx, two, theta, proof.Options{})
					if err != nil {
						t.Fatal(err)
					}
					d, err := proof.Certify(ctx, p, spread(theta), proof.Options{})
					if err != nil {
						t.Fatal(err)
					}
					if !(math.Abs(c.Cost-d.Cost) <= 1e-9*c.Cost+c.GapRounding) && !math.IsNaN(c.GapRounding) {
						t.Errorf("problem %d (%s): cost %g, as classes %g", k, s.kind, c.Cost, d.Cost)
					}
					if math.IsNaN(c.Gap) || c.U > 0.9 {
						continue
					}
					bounded++
					// H close to singular: the allowances for rounding differ.
					if math.Abs(c.Gap-d.Gap) <= 3*(c.GapRounding+d.GapRounding)+1e-6*c.Gap && math.Abs(c.U-d.U) <= 1e-6 {
						same++
					}
					if !(math.Abs(c.Gap-d.Gap) <= 3*(c.GapRounding+d.GapRounding)+0.3*c.Gap) || !(math.Abs(c.U-d.U) <= 0.2*c.U+1e-6) || c.Exists != d.Exists || len(d.Hessian) != (n+1)*(n+1) {
						t.Errorf("problem %d (%s): gap %g ± %g, u %g; as classes %g ± %g, u %g", k, s.kind, c.Gap, c.GapRounding, c.U, d.Gap, d.GapRounding, d.U)
					}
				}
			}
			for _, guided := range []bool{false, true} {
				var here, there [][]float64
				if guided {
					here, there = [][]float64{last}, [][]float64{spread(last)}
				}
				c, err := proof.Decide(ctx, two, here...)
				if err != nil {
					t.Fatal(err)
				}
				d, err := proof.Decide(ctx, p, there...)
				if err != nil {
					t.Fatal(err)
				}
				if c.State != d.State || c.Complete != d.Complete || c.Settled != d.Settled || c.Why != d.Why {
					t.Errorf("problem %d (%s): %+v, as classes %+v", k, s.kind, c, d)
				}
				if c.State == proof.Separated && d.State == proof.Separated {
					separated++
					want := slices.Clone(c.Direction.Features)
					for i := range want {
						want[i].Class = other
						want[i].Sign *= int(sign)
					}
					if c.Why == "single columns" && !slices.Equal(want, d.Direction.Features) {
						t.Errorf("problem %d (%s): features %v, as classes %v", k, s.kind, c.Direction.Features, d.Direction.Features)
					}
				}
			}
		}
	}
	t.Logf("%d bounds, %d of them the same to six digits, %d separations", bounded, same, separated)
	if bounded < count || separated == 0 || same < bounded*3/4 {
		t.Error("too little to compare")
	}
}

// TestIris: without a penalty the petals alone tell setosa from the rest; with one the certificate ends in rounding.
func TestIris(t *testing.T) {
	ctx := context.Background()
	for reference := range 3 {
		a := iris(t)
		a.reference = reference
		p := a.problem(t)
		path, last, best, _ := a.fit(30)
		if best != nil {
			t.Fatal("an optimum of separated data")
		}
		end := path[len(path)-1]
		for name, decide := range map[string]func(context.Context, *proof.Problem, ...[]float64) (*proof.Decision, error){"Look": proof.Look, "Decide": proof.Decide} {
			got, err := decide(ctx, p, last, end)
			if err != nil {
				t.Fatal(err)
			}
			if got.State != proof.Separated || got.Direction.Class != 0 || got.Complete || got.Settled != (name == "Decide") {
				t.Fatalf("%s: %+v", name, got)
			}
			a.check(t, got)
			// Both petal columns are smaller for setosa.
			var want []proof.Feature
			for k := range 3 {
				sign := 1
				if k == 0 {
					sign = -1
				}
				if k == reference || reference != 0 && k != 0 {
					continue
				}
				want = append(want, proof.Feature{Index: 2, Class: k, Sign: sign}, proof.Feature{Index: 3, Class: k, Sign: sign}, proof.Feature{Index: 4, Class: k, Sign: -sign})
			}
			if !slices.Equal(got.Direction.Features, want) {
				t.Errorf("%s, reference %d: features %v, want %v", name, reference, got.Direction.Features, want)
			}
		}
		c, err := proof.Certify(ctx, p, end, proof.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if c.Exists || !math.IsNaN(c.Gap) || c.Note == "" {
			t.Errorf("%+v", c)
		}

		a.lambda = []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
		p = a.problem(t)
		path, _, _, _ = a.fit(60)
		theta := path[len(path)-1]
		if c, err = proof.Certify(ctx, p, theta, proof.Options{}); err != nil {
			t.Fatal(err)
		}
		if !c.Exists || !(c.Gap > 0 && c.Gap <= 1e-12) || !c.Proved(1e-10) || !(c.StandardErrors < 1e-9) || len(c.Hessian) != 14*14 {
			t.Errorf("lambda 1: %+v", c)
		}
		t.Logf("reference %d: gap %.2g (%s), coefficients within %.2g standard errors, u %.2g", reference, c.Gap, c.Bound, c.StandardErrors, c.U)
		// The biases of all classes together change nothing.
		moved := slices.Clone(theta)
		for k := range 3 {
			moved[a.component(k, 4)] += 0.7
		}
		e, err := proof.Certify(ctx, p, moved, proof.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !(e.Gap <= 1e-12) || !e.Proved(1e-10) || math.Abs(e.Cost-c.Cost) > 1e-14 {
			t.Errorf("biases moved: gap %g, %g standard errors, cost %g for %g", e.Gap, e.StandardErrors, e.Cost, c.Cost)
		}
		w, err := proof.Certify(ctx, p, theta, proof.Options{Factor: 3})
		if err != nil {
			t.Fatal(err)
		}
		if w.Bound != proof.Duality || !(w.Gap <= 1e-12) || !(w.StandardErrors < 1e-6) || w.Hessian != nil || w.Note != "" {
			t.Errorf("not factored: %+v", w)
		}
		a.lambda = nil
		if w, err = proof.Certify(ctx, a.problem(t), theta, proof.Options{Factor: 3}); err != nil || !math.IsNaN(w.Gap) || w.Note == "" || w.Exists {
			t.Errorf("not factored, no penalty: %v, %+v", err, w)
		}
	}
}

// TestClassesChunks: more rows than a chunk has, and exactly two chunks, so that the rows made of pairs end anywhere.
func TestClassesChunks(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 15))
	for _, rows := range []int{2048, 2049, 3000} {
		a := &classes{K: 3, reference: 1}
		for range rows {
			x := []float64{r.NormFloat64(), r.NormFloat64()}
			z := []float64{3*x[0] + x[1], -2 * x[1], -x[0] + 1}
			y := 0
			for k := range z {
				if z[k] > z[y] {
					y = k
				}
			}
			a.x, a.label = append(a.x, x), append(a.label, int32(y))
		}
		p := a.problem(t)
		truth := []float64{3, 1, 0, -2, -1, 0, 0, 0, 1} // the scores above
		got, err := proof.Look(context.Background(), p, truth)
		if err != nil {
			t.Fatal(err)
		}
		if got.State != proof.Separated || !got.Complete {
			t.Fatalf("%d rows: %+v", rows, got)
		}
		a.check(t, got)
		// One row of the last chunk in another class's place ends it.
		far := 0
		for i := range a.x {
			if a.label[i] == 0 && a.x[i][0] > a.x[far][0] {
				far = i
			}
		}
		a.x[rows-1], a.label[rows-1] = a.x[far], 2
		if got, err = proof.Look(context.Background(), a.problem(t), truth); err != nil {
			t.Fatal(err)
		}
		if got.State != proof.Undecided {
			t.Errorf("%d rows, one of them wrong: %+v", rows, got)
		}
	}
}

func TestClassesRefuses(t *testing.T) {
	a := iris(t)
	ctx := context.Background()
	theta := make([]float64, 15)
	for name, change := range map[string]func(p *proof.Problem){
		"one class": func(p *proof.Problem) { p.Classes.K = 1 }, "reference": func(p *proof.Problem) { p.Classes.Reference = 3 },
		"labels": func(p *proof.Problem) { p.Classes.Label = p.Classes.Label[1:] }, "a label": func(p *proof.Problem) { p.Classes.K = 2 },
		"lambda": func(p *proof.Problem) { p.Lambda = make([]float64, 4) }, "penalty": func(p *proof.Problem) { p.Lambda = make([]float64, 12); p.Lambda[11] = -1 },
		"weights": func(p *proof.Problem) { p.S = []float64{1} }, "a weight": func(p *proof.Problem) { p.S = make([]float64, 150); p.S[3] = math.NaN() },
	} {
		p := a.problem(t)
		change(p)
		if _, err := proof.Certify(ctx, p, make([]float64, p.Classes.K*5), proof.Options{}); err == nil {
			t.Errorf("%s: taken", name)
		}
		if _, err := proof.Decide(ctx, p); err == nil {
			t.Errorf("%s: decided", name)
		}
	}
	p := a.problem(t)
	if _, err := proof.Certify(ctx, p, theta[1:], proof.Options{}); err == nil {
		t.Error("theta of the wrong size")
	}
	if _, err := proof.Look(ctx, p, theta[1:]); err == nil {
		t.Error("candidate of the wrong size")
	}
	theta[2] = 1e308
	if c, err := proof.Certify(ctx, p, theta, proof.Options{}); err != nil || c.Note == "" || !math.IsNaN(c.Gap) {
		t.Errorf("infinite scores: %v, %+v", err, c)
	}
	p.S = make([]float64, 150)
	if c, err := proof.Certify(ctx, p, make([]float64, 15), proof.Options{}); err != nil || c.Note == "" || !math.IsNaN(c.Gap) {
		t.Errorf("no weight at all: %v, %+v", err, c)
	}
	if d, err := proof.Decide(ctx, p); err != nil || d.State == proof.Separated {
		t.Errorf("no weight at all: %v, %+v", err, d)
	}
}
