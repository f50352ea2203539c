package descent_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/encode"
)

func TestStep(t *testing.T) {
	near := func(got, want float64) bool { return math.Abs(got-want) <= 1e-15*math.Max(1, math.Abs(want)) }
	for _, test := range []struct {
		name                         string
		config                       descent.StepConfig
		values, derivatives, updated map[string][]float64
	}{
		{
			name:        "the lecture's",
			config:      descent.StepConfig{Values: map[string]any{"x1": 1.0, "x2": 2.0, "y": 1.0, "w1": 0.0, "w2": 0.0}, Update: true, Alpha: 0.1},
			values:      map[string][]float64{"z": {0}, "a": {0.5}, "L": {math.Ln2}, "x": {1, 2}},
			derivatives: map[string][]float64{"da": {-2}, "dz": {-0.5}, "dw": {-0.5, -1}, "db": {-0.5}},
			updated:     map[string][]float64{"w": {0.05, 0.1}, "b": {0.05}},
		},
		{
			name:        "warm-up",
			config:      descent.StepConfig{Equations: "J = 3*(a + b*c)", Values: map[string]any{"a": 5.0, "b": 3.0, "c": 2.0}},
			values:      map[string][]float64{"J": {33}},
			derivatives: map[string][]float64{"da": {3}, "db": {6}, "dc": {9}},
		},
		{
			name:        "two steps",
			config:      descent.StepConfig{Equations: "J = p^2", Values: map[string]any{"p": 1.0}, Update: true, Alpha: 0.25, Steps: 2},
			values:      map[string][]float64{"J": {0.25}},
			derivatives: map[string][]float64{"dp": {1}},
			updated:     map[string][]float64{"p": {0.25}},
		},
		{
			name:        "nothing but the bias",
			config:      descent.StepConfig{Values: map[string]any{"y": 0.0}},
			values:      map[string][]float64{"a": {0.5}},
			derivatives: map[string][]float64{"db": {0.5}},
		},
		{
			name:        "lecture by name",
			config:      descent.StepConfig{Equations: descent.Equations, Values: map[string]any{"x1": 1.0, "y": 0.0, "w": []float64{0}}},
			derivatives: map[string][]float64{"dw": {0.5}},
		},
		{
			name:        "three classes",
			config:      descent.StepConfig{Values: map[string]any{"x1": 1.0, "x2": 2.0, "y": []float64{0, 1, 0}}, Update: true, Alpha: 0.3},
			values:      map[string][]float64{"z": {0, 0, 0}, "a": {1. / 3, 1. / 3, 1. / 3}, "L": {math.Log(3)}, "W": {0, 0, 0, 0, 0, 0}},
			derivatives: map[string][]float64{"da": {0, -3, 0}, "dz": {1. / 3, -2. / 3, 1. / 3}, "db": {1. / 3, -2. / 3, 1. / 3}, "dW": {1. / 3, 2. / 3, -2. / 3, -4. / 3, 1. / 3, 2. / 3}},
			updated:     map[string][]float64{"b": {-0.1, 0.2, -0.1}, "W": {-0.1, -0.2, 0.2, 0.4, -0.1, -0.2}},
		},
		{
			name:        "three classes, nothing but the bias",
			config:      descent.StepConfig{Values: map[string]any{"y": []float64{0, 1, 0}, "b": []float64{0, math.Ln2, 0}}},
			values:      map[string][]float64{"a": {0.25, 0.5, 0.25}},
			derivatives: map[string][]float64{"db": {0.25, -0.5, 0.25}},
		},
		{
			name:        "classes by name",
			config:      descent.StepConfig{Equations: descent.ClassEquations, Values: map[string]any{"x": []float64{1}, "y": []float64{0, 1, 0}}},
			derivatives: map[string][]float64{"dz": {1. / 3, -2. / 3, 1. / 3}, "dW": {1. / 3, -2. / 3, 1. / 3}},
		},
		{
			name:        "shares",
			config:      descent.StepConfig{Values: map[string]any{"x1": 1.0, "y": []float64{0.05, 0.9, 0.05}}},
			derivatives: map[string][]float64{"dz": {1./3 - 0.05, 1./3 - 0.9, 1./3 - 0.05}},
		},
		{
			name:        "y that is no share",
			config:      descent.StepConfig{Values: map[string]any{"x1": 1.0, "y": []float64{1, 1, 0}}},
			derivatives: map[string][]float64{"dz": {-1. / 3, -1. / 3, 2. / 3}},
		},
	} {
		w, err := descent.Step(test.config)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		last := w.Steps[len(w.Steps)-1]
		for _, part := range []struct {
			got  descent.Numbers
			want map[string][]float64
		}{{last.Values, test.values}, {last.Derivatives, test.derivatives}, {last.Updated, test.updated}} {
			got := part.got.Map()
			for name, want := range part.want {
				if len(got[name]) != len(want) {
					t.Errorf("%s: %s = %v, want %v", test.name, name, got[name], want)
					continue
				}
				for j := range want {
					if !near(got[name][j], want[j]) {
						t.Errorf("%s: %s = %v, want %v", test.name, name, got[name], want)
					}
				}
			}
		}
	}
}

// TestStepSaturated: at a = 1 the lecture's da is 0/0 or infinite, what trains is finite, and JSON can hold all of it.
func TestStepSaturated(t *testing.T) {
	for _, y := range []float64{0, 1} {
		w, err := descent.Step(descent.StepConfig{Values: map[string]any{"x1": 1.0, "y": y, "w1": 1000.0}})
		if err != nil {
			t.Fatal(err)
		}
		p := w.Steps[0]
		d := p.Derivatives.Map()
		if got := d["dz"][0]; got != 1-y {
			t.Errorf("y = %v: dz = %v, want %v", y, got, 1-y)
		}
		if got, want := p.Values.Map()["L"][0], 1000*(1-y); got != want {
			t.Errorf("y = %v: L = %v, want %v", y, got, want)
		}
		json, err := p.Derivatives.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		want := `"da":"undefined"`
		if y == 0 {
			want = `"da":"inf"`
		}
		if !strings.Contains(string(json), want) || len(w.Notes) != 1 {
			t.Errorf("y = %v: %s, notes %q; want %s and a note", y, json, w.Notes, want)
		}
	}
}

// TestStepNotes: what is not finite is explained by the first node that is not.
func TestStepNotes(t *testing.T) {
	for _, test := range []struct {
		equations string
		values    map[string]any
		want      []string
	}{
		{"J = log(a)", map[string]any{"a": -1.0}, []string{"J is undefined: log(a) is the logarithm of a negative number, -1"}},
		{"J = log(a)", map[string]any{"a": 0.0}, []string{"J is -inf: log(a) is the logarithm of 0", "da is inf: 1/a divides by 0"}},
		{"J = a/b", map[string]any{"a": 1.0}, []string{"J is inf: a/b divides by 0", "da is inf: 1/b divides by 0", "db is -inf: a/b^2 divides by 0"}},
		{"J = a/b", nil, []string{"J is undefined: a/b is 0/0", "da is inf: 1/b divides by 0", "db is undefined: a/b^2 is 0/0"}},
		{"J = exp(a)", map[string]any{"a": 800.0}, []string{"J is inf: exp(a) is too large for float64: exp(800)", "da is inf: exp(a) is too large for float64: exp(800)"}},
		{"", map[string]any{"x1": 2000.0, "w1": 1.0, "y": 0.0}, []string{"da is inf: (1 - y)/(1 - a) divides by 0; the weights use the simplified derivatives, which stay finite"}},
		{"", map[string]any{"x1": 1.0, "y": 2.0}, []string{"y = 2 is outside 0 to 1, and the log loss is about a label in it"}},
		{"", map[string]any{"x1": 1.0, "y": []float64{0, -1, 2}}, []string{"y2 = -1 is outside 0 to 1, and the log loss is about a label in it"}},
		{"a = sigmoid(w*x)\nL = -(y*log(a) + (1-y)*log(1-a))", map[string]any{"x": 1.0, "y": 2.0}, []string{"y = 2 is outside 0 to 1, and the log loss is about a label in it"}},
		{"L = (w*x - y)^2", map[string]any{"x": 1.0, "y": 2.0}, nil},
	} {
		w, err := descent.Step(descent.StepConfig{Equations: test.equations, Values: test.values})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(w.Notes, test.want) {
			t.Errorf("%q %v: notes %q, want %q", test.equations, test.values, w.Notes, test.want)
		}
	}
	w, err := descent.Step(descent.StepConfig{Equations: "J = a^2 - 4*a", Values: map[string]any{"a": 1.0}, Update: true, Alpha: 50, Steps: 400})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Notes) != 3 || !strings.HasPrefix(w.Notes[0], "step 79: J is inf: ") {
		t.Errorf("a walk that diverges: notes %q", w.Notes)
	}
}

// TestStepUnnamed: what the picture calls u and v has its numbers.
func TestStepUnnamed(t *testing.T) {
	w, err := descent.Step(descent.StepConfig{Equations: "J = 3*(a + b*c)", Values: map[string]any{"a": 5.0, "b": 3.0, "c": 2.0}})
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[*descent.Numbers]string{&w.Steps[0].Unnamed: `{"u":6,"v":11}`, &w.Steps[0].UnnamedDerivatives: `{"dv":3,"du":3}`} {
		if json, err := got.MarshalJSON(); err != nil || string(json) != want {
			t.Errorf("%s, %v; want %s", json, err, want)
		}
	}
	if w, err = descent.Step(descent.StepConfig{Values: map[string]any{"x1": 1.0, "y": 1.0}}); err != nil || w.Steps[0].Unnamed != nil {
		t.Errorf("the lecture's model has unnamed operations: %v, %v", w.Steps[0].Unnamed, err)
	}
}

func TestStepErrors(t *testing.T) {
	for _, test := range []struct {
		config descent.StepConfig
		want   string
	}{
		{descent.StepConfig{}, "y has no value"},
		{descent.StepConfig{Values: map[string]any{"x2": 1.0, "y": 1.0}}, "x1 has no value"},
		{descent.StepConfig{Values: map[string]any{"y": 1.0, "v": 1.0}}, "the equations have no v"},
		{descent.StepConfig{Values: map[string]any{"x": []float64{1}, "x1": 1.0, "y": 1.0}}, "x is given and so is x1"},
		{descent.StepConfig{Values: map[string]any{"x": []float64{1, 2}, "w": []float64{1}, "y": 1.0}}, "want a vector of 2"},
		{descent.StepConfig{Values: map[string]any{"x": []float64{}, "y": 1.0}}, "x is empty"},
		{descent.StepConfig{Values: map[string]any{"x1": []float64{1}, "y": 1.0}}, "want a number"},
		{descent.StepConfig{Values: map[string]any{"y": "1"}}, "want a number, a vector or a matrix"},
		{descent.StepConfig{Values: map[string]any{"W": [][]float64{{1}, {1, 2}}, "y": 1.0}}, "different lengths"},
		{descent.StepConfig{Equations: "z = w*x1", Values: map[string]any{"x1": 1.0, "w": []float64{1, 2}}}, "must be one number"},
		{descent.StepConfig{Equations: "z = dot(u, x1)", Values: map[string]any{"x1": 1.0}}, "line 1, column 5"},
		{descent.StepConfig{Values: map[string]any{"x1": 1.0, "y": []float64{1}}}, "more than one class"},
		{descent.StepConfig{Values: map[string]any{"x1": 1.0, "y": []float64{0, 1}, "W": [][]float64{{1}}}}, "want a matrix of 2x1"},
		{descent.StepConfig{Equations: "# nothing"}, "no equation"},
		{descent.StepConfig{Values: map[string]any{"x999999": 1.0, "y": 1.0}}, "more than one example can show"},
	} {
		_, err := descent.Step(test.config)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", test.config, err, test.want)
		}
	}
}

// TestExample: a row of a file is what the model makes of it, and its z is that of Predict.
func TestExample(t *testing.T) {
	ctx := context.Background()
	csv := "x,c,o,y\n1,a,0.5,0\n2,b,0,1\n\n3,a,0,0\n,b,0,1\n2,b,1,0\n1,b,0,1\n"
	config := descent.Config{Target: "y", Columns: descent.Columns{Offset: "o"}, Encoding: encode.Options{Missing: encode.MissingDrop}}
	x, err := descent.Example(ctx, text(csv), config, nil, 3)
	if err != nil {
		t.Fatal(err)
	}
	if x.Line != 5 || x.Y != 0 || x.Label != "0" || len(x.X) != 2 || x.X[0] != 3 || x.X[1] != 0 || *x.Offset != 0 {
		t.Errorf("%+v", x)
	}
	config.Penalty.L2 = 1
	r, err := descent.Fit(ctx, text(csv), config)
	if err != nil {
		t.Fatal(err)
	}
	if x, err = descent.Example(ctx, text(csv), descent.Config{}, r.Model, 1); err != nil {
		t.Fatal(err)
	}
	w, err := descent.Step(x.Step(r.Model))
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Model.Predict(map[string]any{"x": 1, "c": "a", "o": 0.5})
	if err != nil {
		t.Fatal(err)
	}
	if z := w.Steps[0].Values.Map()["z"][0]; math.Abs(z-p.Z) > 1e-14 {
		t.Errorf("z = %v, Predict says %v", z, p.Z)
	}
	if _, updated := w.Steps[0].Derivatives.Map()["do"]; updated {
		t.Error("the offset has a derivative")
	}
	for row, want := range map[int]string{0: "there is no row 0", 7: "there is no row 7; it has 6 data rows", 4: "t.csv:6:1"} {
		if _, err := descent.Example(ctx, text(csv), descent.Config{Target: "y"}, nil, row); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("row %d: %v, want %q", row, err, want)
		}
	}
}

// TestExampleClasses: y is one-hot, the reference class takes no offset, and z and a are those of Predict.
func TestExampleClasses(t *testing.T) {
	ctx := context.Background()
	config := descent.Config{Target: "y", Labels: encode.Labels{Softmax: true, Reference: "b"}, Columns: descent.Columns{Offset: "o", Weight: "s"}}
	const row = 2
	x, err := descent.Example(ctx, text(threeClasses), config, nil, row)
	if err != nil {
		t.Fatal(err)
	}
	w, err := descent.Step(x.Step(nil))
	if err != nil {
		t.Fatal(err)
	}
	a, q := math.Exp(0.5)/(2*math.Exp(0.5)+1), 1/(2*math.Exp(0.5)+1)
	dz := w.Steps[0].Derivatives.Map()["dz"]
	if x.Label != "a" || x.Y != 0 || len(x.Classes) != 3 || math.Abs(dz[0]-(a-1))+math.Abs(dz[1]-q)+math.Abs(dz[2]-a) > 1e-15 {
		t.Errorf("%+v: dz = %v", x, dz)
	}
	r, err := descent.Fit(ctx, text(threeClasses), config)
	if err != nil {
		t.Fatal(err)
	}
	if x, err = descent.Example(ctx, text(threeClasses), descent.Config{}, r.Model, row); err != nil {
		t.Fatal(err)
	}
	if w, err = descent.Step(x.Step(r.Model)); err != nil {
		t.Fatal(err)
	}
	p, err := r.Model.Predict(map[string]any{"x": 1.5, "c": "u", "o": 0.5})
	if err != nil {
		t.Fatal(err)
	}
	values := w.Steps[0].Values.Map()
	for k := range p.Scores {
		if math.Abs(values["z"][k]-p.Scores[k]) > 1e-14 || math.Abs(values["a"][k]-p.Probabilities[k]) > 1e-14 {
			t.Errorf("z, a = %v, %v; Predict says %v, %v", values["z"], values["a"], p.Scores, p.Probabilities)
		}
	}
	if d := w.Steps[0].Derivatives.Map(); d["do"] != nil || d["dr"] != nil {
		t.Error("the offset has a derivative")
	}
}

func ExampleStep() {
	w, err := descent.Step(descent.StepConfig{Values: map[string]any{"x1": 1.0, "x2": 2.0, "y": 1.0}, Update: true, Alpha: 0.1})
	if err != nil {
		fmt.Println(err)
		return
	}
	derivatives, _ := w.Steps[0].Derivatives.MarshalJSON()
	updated, _ := w.Steps[0].Updated.MarshalJSON()
	fmt.Println(string(derivatives))
	fmt.Println(string(updated))
	// Output:
	// {"da":-2,"dz":-0.5,"db":-0.5,"dw1":-0.5,"dw2":-1}
	// {"w1":0.05,"w2":0.1,"b":0.05}
}

// FuzzStep: equations and names come from anybody; whatever they are, there is an answer or an error.
func FuzzStep(f *testing.F) {
	f.Add("J = 3*(a + b*c)", "a", 5.0, 2)
	f.Add("z = dot(w, x) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))", "x2", 1.0, 1)
	f.Add("L = log(x1/0)^y", "y", math.Inf(1), 0)
	f.Add("", "w3", 1e300, 3)
	f.Fuzz(func(t *testing.T, equations, name string, value float64, size int) {
		if len(equations) > 300 {
			return
		}
		values := map[string]any{name: value, "y": 1.0}
		if size > 0 && size < 5 {
			values["x"] = make([]float64, size)
		}
		w, err := descent.Step(descent.StepConfig{Equations: equations, Values: values, Known: map[string]any{"w": []float64{value}}, Update: true, Alpha: value, Steps: 2})
		if err != nil {
			return
		}
		for _, p := range w.Steps {
			for _, n := range []descent.Numbers{p.Values, p.Derivatives, p.Updated} {
				if _, err := n.MarshalJSON(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
