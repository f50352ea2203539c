package descent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/encode"
)

const xor = "x1,x2,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n"

// TestHiddenXOR: logistic regression cannot learn XOR, one hidden layer does, and says no more of its answer than is known.
func TestHiddenXOR(t *testing.T) {
	plain, err := descent.Fit(t.Context(), text(xor), descent.Config{Target: "y"})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(plain.Loss-math.Ln2) > 1e-15 || plain.Train.Accuracy != 0.5 {
		t.Errorf("logistic regression: log loss %v, accuracy %v", plain.Loss, plain.Train.Accuracy)
	}
	for _, units := range []int{2, 3} {
		config := descent.Config{Target: "y", Hidden: units, Penalty: descent.Penalty{L2: 0.01}, Solver: descent.Solver{Restarts: 3}}
		r, err := descent.Fit(t.Context(), text(xor), config)
		if err != nil {
			t.Fatal(err)
		}
		if r.Train.Accuracy != 1 || r.Loss > 0.03 {
			t.Errorf("%d units: accuracy %v, log loss %v", units, r.Train.Accuracy, r.Loss)
		}
		if r.Verdict != descent.Stationary || !strings.HasPrefix(r.Message, "stationary point; no bound, the model is not convex") || r.Gap != nil || r.GapNote == "" {
			t.Errorf("%d units: %s, %s, gap %v %s", units, r.Verdict, r.Message, r.Gap, r.GapNote)
		}
		if len(r.Coefficients) != 0 || r.StatisticsNote == "" || r.LogLikelihood != nil || r.AIC != nil {
			t.Errorf("%d units: statistics that are not valid", units)
		}
		if r.Parameters != 4*units+1 || len(r.Layers) != 4 {
			t.Errorf("%d units: %d parameters in %d", units, r.Parameters, len(r.Layers))
		}
		best := math.Inf(1)
		for i, s := range r.Restarts {
			if s.Seed != uint64(1+i) {
				t.Errorf("start %d has seed %d", i, s.Seed)
			}
			best = math.Min(best, *s.Cost)
		}
		if len(r.Restarts) != 3 || r.Cost != best || *r.Restarts[r.StartSeed-1].Cost != best {
			t.Errorf("kept J = %v of seed %d among %v", r.Cost, r.StartSeed, r.Restarts)
		}
	}
}

// TestHiddenVerdict: where weights grow for ever the gradient fades, too; that is no stationary point.
func TestHiddenVerdict(t *testing.T) {
	r, err := descent.Fit(t.Context(), text(xor), descent.Config{Target: "y", Hidden: 2})
	if !errors.Is(err, descent.ErrUnfinished) || r.Verdict != descent.Stopped || !strings.Contains(r.Message, "no finite optimum") {
		t.Errorf("seed 1, told apart: %v, %s %s", err, r.Verdict, r.Message)
	}
	// Seed 2 comes to J = ln 2/2: two rows are told apart, two are not.
	r, err = descent.Fit(t.Context(), text(xor), descent.Config{Target: "y", Hidden: 2, Solver: descent.Solver{Seed: 2}})
	if !errors.Is(err, descent.ErrUnfinished) || r.Verdict != descent.Stopped || !strings.Contains(r.Message, "weights still grow") || math.Abs(r.Cost-math.Ln2/2) > 1e-9 {
		t.Errorf("seed 2, half told apart: %v, %s %s, J = %v", err, r.Verdict, r.Message, r.Cost)
	}
	r, err = descent.Fit(t.Context(), text(xor), descent.Config{Target: "y", Hidden: 2, Solver: descent.Solver{Steps: 5}})
	if err != nil || r.Verdict != descent.Stopped || r.Steps != 5 {
		t.Errorf("five steps, as asked: %v, %s after %d", err, r.Verdict, r.Steps)
	}
	for _, method := range []string{"gd", "sgd"} {
		r, err = descent.Fit(t.Context(), text(xor), descent.Config{Target: "y", Hidden: 2, Solver: descent.Solver{Method: method, Alpha: 0.1, Steps: 40, Record: 10, Batch: 2}})
		if err != nil || r.Verdict != descent.Stopped || r.Steps != 40 || len(r.Trace) == 0 {
			t.Errorf("%s: %v, %s after %d steps, %d costs recorded", method, err, r.Verdict, r.Steps, len(r.Trace))
		}
	}
}

// TestHiddenClasses: iris through a layer before the softmax; the same bits on any number of threads, and the same file after a round trip.
func TestHiddenClasses(t *testing.T) {
	config := descent.Config{Target: "species", Hidden: 4, Penalty: descent.Penalty{L2: 1}, Labels: encode.Labels{Softmax: true}}
	var first []byte
	for _, threads := range []int{1, 2, 8} {
		config.Solver.Threads = threads
		r, err := descent.Fit(t.Context(), descent.File("testdata/iris/iris.csv"), config)
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != descent.Stationary || r.Train.Accuracy < 0.97 || len(r.Restarts) != 1 {
			t.Errorf("%s, accuracy %v", r.Verdict, r.Train.Accuracy)
		}
		var b bytes.Buffer
		if err := r.Model.Write(&b); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b.Bytes()
		} else if !bytes.Equal(first, b.Bytes()) {
			t.Errorf("%d threads: another model", threads)
		}
	}
	m, err := descent.ReadModel("iris.json", bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := m.Write(&again); err != nil || !bytes.Equal(first, again.Bytes()) {
		t.Errorf("the model is another after a round trip: %v", err)
	}
	row := map[string]any{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
	p, err := m.Predict(row)
	if err != nil {
		t.Fatal(err)
	}
	if p.Label != "setosa" || len(p.Probabilities) != 3 || math.Abs(p.Probabilities[0]+p.Probabilities[1]+p.Probabilities[2]-1) > 1e-15 {
		t.Errorf("%+v", p)
	}
	e, err := m.Explain(row)
	if err != nil {
		t.Fatal(err)
	}
	forward := e.Forward.Map()
	if len(forward["h"]) != 4 || !slices.Equal(forward["z"], p.Scores) || !slices.Equal(forward["a"], p.Probabilities) || len(e.Contributions) != 0 || e.Note == "" {
		t.Errorf("explanation %+v", e)
	}
	// By hand: h = tanh(V x + c), z = W h + b.
	by := map[string][][]float64{}
	for _, l := range m.Layers() {
		by[l.Name] = l.Values
	}
	for k := range 3 {
		z := by["b"][0][k]
		for u := range 4 {
			s := by["c"][0][u]
			for j, x := range forward["x"] {
				s += by["V"][u][j] * x
			}
			z += by["W"][k][u] * math.Tanh(s)
		}
		if math.Abs(z-p.Scores[k]) > 1e-13 {
			t.Errorf("z of class %d is %v, by hand %v", k, p.Scores[k], z)
		}
	}
	v, err := m.Evaluate(t.Context(), descent.File("testdata/iris/iris.csv"), descent.EvaluateOptions{})
	if err != nil || v.Metrics.Rows != 150 || v.Metrics.Accuracy < 0.97 {
		t.Errorf("evaluate: %v %+v", err, v)
	}
	k, err := descent.CheckGradient(t.Context(), descent.File("testdata/iris/iris.csv"), descent.CheckConfig{Model: m})
	if err != nil || !k.OK || k.GraphVsProgram > 1e-12 || k.GraphVsDifference > 1e-6 || len(k.Points) != 2 || k.Parameters != 35 {
		t.Errorf("check: %v %+v", err, k)
	}
}

// TestHiddenEquations: layers of the user's own, one and two, with every activation; weights, offsets and levels go the same way.
func TestHiddenEquations(t *testing.T) {
	csv := "u,g,s,o,y\n"
	for i := range 60 {
		u := float64(i*i%17) - 8
		csv += strings.Join([]string{num(u), string("ab"[i%2]), num(float64(1 + i%3)), num(float64(i%5)/10 - 0.2), string("01"[btoi(u*u > 20 || i%7 == 0)])}, ",") + "\n"
	}
	for name, equations := range map[string]string{
		"tanh":    "V = parameter(3, n)\nc = parameter(3)\nw = parameter(3)\nh = tanh(dot(V, x) + c)\nz = dot(w, h) + b + o\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))",
		"sigmoid": "V = parameter(3, n)\nc = parameter(3)\nw = parameter(3)\nh = sigmoid(dot(V, x) + c)\nz = dot(w, h) + b + o\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))",
		"relu":    "V = parameter(3, n)\nc = parameter(3)\nw = parameter(3)\nh = relu(dot(V, x) + c)\nz = dot(w, h) + b + o\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))",
		"two":     "V = parameter(4, n)\nU = parameter(2, 4)\nc = parameter(4)\nd = parameter(2)\nw = parameter(2)\nh = tanh(dot(V, x) + c)\ng = tanh(dot(U, h) + d)\nz = dot(w, g) + b + o\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))",
		"skip":    "V = parameter(3, n)\nu = parameter(3)\nh = tanh(dot(V, x))\nz = dot(u, h) + dot(w, x) + b + o\na = sigmoid(z)\nL = (a - y)^2",
	} {
		config := descent.Config{Target: "y", Equations: equations, Penalty: descent.Penalty{L2: 1}, Columns: descent.Columns{Weight: "s", Offset: "o"}, Solver: descent.Solver{Threads: 1}}
		if name == "relu" {
			config.Solver.Steps = 400 // it comes to rest on a kink, where no gradient is 0
		}
		r, err := descent.Fit(t.Context(), text(csv), config)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name != "relu" && r.Verdict != descent.Stationary {
			t.Errorf("%s: %s, %s", name, r.Verdict, r.Message)
		}
		if r.Cost >= math.Ln2 && name != "skip" {
			t.Errorf("%s: J = %v", name, r.Cost)
		}
		var b bytes.Buffer
		if err := r.Model.Write(&b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := descent.ReadModel(name, &b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		k, err := descent.CheckGradient(t.Context(), text(csv), descent.CheckConfig{Model: r.Model})
		if err != nil || !k.OK {
			t.Errorf("%s: check %v %+v", name, err, k)
		}
		x, err := descent.Example(t.Context(), text(csv), descent.Config{}, r.Model, 3)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		w, err := descent.Step(x.Step(r.Model))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e, err := r.Model.Explain(map[string]any{"u": x.X[0], "g": "a", "o": *x.Offset})
		if err != nil || math.Abs(w.Steps[0].Values.Map()["z"][0]-e.Z) > 1e-15 {
			t.Errorf("%s: step gives z = %v, explain %v (%v)", name, w.Steps[0].Values.Map()["z"], e, err)
		}
	}
}

func num(v float64) string { b, _ := json.Marshal(v); return string(b) }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestHiddenStart: the start is the only chance, and it is the seed's; a start is the same whatever others there are.
func TestHiddenStart(t *testing.T) {
	fit := func(s descent.Solver) *descent.Result {
		r, err := descent.Fit(t.Context(), text(xor), descent.Config{Target: "y", Hidden: 3, Penalty: descent.Penalty{L2: 0.01}, Solver: s})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	all := fit(descent.Solver{Seed: 5, Restarts: 4})
	one := fit(descent.Solver{Seed: all.StartSeed})
	if !reflect.DeepEqual(all.Layers, one.Layers) || all.Cost != one.Cost {
		t.Errorf("seed %d alone gives another model", all.StartSeed)
	}
	other := fit(descent.Solver{Seed: all.StartSeed + 7})
	if reflect.DeepEqual(all.Layers, other.Layers) {
		t.Error("another seed gives the same bits")
	}
}

// TestHiddenErrors: what cannot be is said before the training, in the user's words.
func TestHiddenErrors(t *testing.T) {
	layer := "V = parameter(3, n)\nw = parameter(3)\nh = tanh(dot(V, x))\n"
	for _, test := range []struct {
		config  descent.Config
		message string
	}{
		{descent.Config{Hidden: -1}, "hidden -1"},
		{descent.Config{Hidden: 1e6}, "from 1 to 4096"},
		{descent.Config{Hidden: 2, Equations: layer}, "hidden and equations"},
		{descent.Config{Solver: descent.Solver{Restarts: 2}}, "only a model with a hidden layer"},
		{descent.Config{Hidden: 2, Solver: descent.Solver{Tol: 1e-3}}, "no gap is proved"},
		{descent.Config{Equations: layer + "z = dot(w, h) + b\nL = softplus(z) - y*z"}, "no equation defines a"},
		{descent.Config{Equations: layer + "a = h\nL = sum(a)*y*dot(w, h)"}, "a is the probability"},
		{descent.Config{Equations: layer + "a = sigmoid(y + dot(w, h))\nL = -log(a)"}, "depends on y"},
		{descent.Config{Equations: "q = parameter(2)\n" + layer + "a = sigmoid(dot(w, h) + b)\nL = (a - y)^2"}, "does not depend on q"},
		{descent.Config{Equations: "V = parameter(3, 5)\nw = parameter(3)\nh = tanh(dot(V, x))\na = sigmoid(dot(w, h) + b)\nL = (a - y)^2"}, "line 3, column 10"},
	} {
		test.config.Target = "y"
		r, err := descent.Fit(t.Context(), text(xor), test.config)
		if err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%+v: %v, want %q", test.config, err, test.message)
		}
		if r != nil && r.Model != nil {
			t.Errorf("%s: there is a model", test.message)
		}
	}
}
