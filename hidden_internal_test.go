package descent

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestLayeredFile: what a file says of a layer must fit its equations, before anything is made from it.
func TestLayeredFile(t *testing.T) {
	r, err := Fit(t.Context(), Reader("xor.csv", strings.NewReader("x1,x2,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")), Config{Target: "y", Hidden: 2, Penalty: Penalty{L2: 0.01}})
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() modelFile {
		f := r.Model.file
		f.Parameters = slices.Clone(f.Parameters)
		for i := range f.Parameters {
			f.Parameters[i].Shape = slices.Clone(f.Parameters[i].Shape)
			f.Parameters[i].Values = slices.Clone(f.Parameters[i].Values)
		}
		f.Equations = slices.Clone(f.Equations)
		f.Terms = slices.Clone(f.Terms)
		return f
	}
	if _, err := open("m", fresh()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(f *modelFile){
		"no parameters":       func(f *modelFile) { f.Parameters = nil },
		"an empty list":       func(f *modelFile) { f.Parameters = []LayerParameter{} },
		"no declarations":     func(f *modelFile) { f.Equations = equationLines(Equations) },
		"an empty list alone": func(f *modelFile) { f.Parameters, f.Equations = []LayerParameter{}, equationLines(Equations) },
		"one too few":         func(f *modelFile) { f.Parameters = f.Parameters[1:] },
		"another name":        func(f *modelFile) { f.Parameters[0].Name = "U" },
		"another shape":       func(f *modelFile) { f.Parameters[0].Shape[0] = -2 },
		"no shape":            func(f *modelFile) { f.Parameters[0].Shape = nil },
		"no values":           func(f *modelFile) { f.Parameters[0].Values = nil },
		"a short row":         func(f *modelFile) { f.Parameters[0].Values = [][]float64{{1}, {1, 2, 3}} },
		"a large declaration": func(f *modelFile) { f.Equations[0] = "V = parameter(8000000, n)" },
		"weights beside":      func(f *modelFile) { f.Terms[0].Weights = []float64{1} },
		"intercepts beside":   func(f *modelFile) { f.Intercepts = []float64{1} },
		"a covariance beside": func(f *modelFile) { f.Covariance = [][]float64{{1}} },
		"a reference":         func(f *modelFile) { f.Classes.Reference = 7 },
		"one class":           func(f *modelFile) { f.Classes.Levels = f.Classes.Levels[:1] },
		"three classes":       func(f *modelFile) { f.Classes.Levels = []string{"a", "b", "c"} },
		"centers alone":       func(f *modelFile) { f.Scaling.Scale = nil },
		"scales alone":        func(f *modelFile) { f.Scaling.Center = nil },
		"a from the label":    func(f *modelFile) { f.Equations[5] = "a = sigmoid(z)*y" },
		"no a": func(f *modelFile) {
			f.Equations = slices.Delete(f.Equations, 5, 7)
			f.Equations = append(f.Equations, "L = softplus(z) - y*z")
		},
		"other values":         func(f *modelFile) { f.Parameters[1].Values = [][]float64{{1, 2}} },
		"no inputs":            func(f *modelFile) { f.Terms = nil },
		"a threshold":          func(f *modelFile) { f.Threshold = 2 },
		"no test vectors":      func(f *modelFile) { f.Tests = nil },
		"equations that break": func(f *modelFile) { f.Equations[3] = "h = tanh(dot(V, c) + x" },
	} {
		f := fresh()
		spoil(&f)
		if _, err := open("m", f); err == nil {
			t.Errorf("%s: the model opens", name)
		} else if !strings.HasPrefix(err.Error(), "m: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Predictions from many goroutines are those of one.
	want, err := r.Model.Predict(map[string]float64{"x1": 1, "x2": 0})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if p, err := r.Model.Predict(map[string]float64{"x1": 1, "x2": 0}); err != nil || p.Z != want.Z {
					t.Errorf("%v, %v", p, err)
				}
			}
		})
	}
	all.Wait()
}

// TestHiddenFused: without fused kernels the layer trains to the same numbers.
func TestHiddenFused(t *testing.T) {
	config := Config{Target: "species", Hidden: 3, Penalty: Penalty{L2: 1}}
	one, err := Fit(t.Context(), File("testdata/iris/iris.csv"), config)
	if err != nil {
		t.Fatal(err)
	}
	config.WithoutFused()
	two, err := Fit(t.Context(), File("testdata/iris/iris.csv"), config)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(one.Cost-two.Cost) > 1e-12*one.Cost {
		t.Errorf("J = %v fused, %v not", one.Cost, two.Cost)
	}
}

// TestHiddenInterrupt: an interrupt in a later start keeps the best of those before, and says so.
func TestHiddenInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	starts := 0
	config := Config{Target: "species", Hidden: 3, Penalty: Penalty{L2: 1}, Solver: Solver{Restarts: 5}, Progress: func(p Progress) {
		if p.Step == 0 {
			if starts++; starts == 3 {
				cancel()
			}
		}
	}}
	r, err := Fit(ctx, File("testdata/iris/iris.csv"), config)
	if !errors.Is(err, context.Canceled) || r.Verdict != Interrupted || len(r.Restarts) != 3 || r.Restarts[2].Verdict != Interrupted || r.StartSeed > 2 {
		t.Errorf("%v, %s %s, %+v, kept %d", err, r.Verdict, r.Message, r.Restarts, r.StartSeed)
	}
	if r.Model == nil || r.Model.Save(t.TempDir()+"/m.json") == nil {
		t.Error("an interrupted model is saved")
	}
}
