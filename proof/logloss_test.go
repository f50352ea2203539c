package proof_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/proof"
)

func TestLogLoss(t *testing.T) {
	row := graph.Shape{PerRow: true}
	vector := graph.Shape{PerRow: true, Rows: 3}
	leaves := []graph.Leaf{
		{Kind: graph.Parameter, Name: "w", Shape: graph.Shape{Rows: 3}},
		{Kind: graph.Parameter, Name: "b"},
		{Kind: graph.Input, Name: "x", Shape: vector},
		{Kind: graph.Input, Name: "y", Shape: row},
		{Kind: graph.Input, Name: "o", Shape: row},
	}
	const head = "z = dot(w, x) + b\na = sigmoid(z)\n"
	for _, c := range []struct {
		name, src      string
		ok             bool
		binary, offset bool
	}{
		{"the lecture's", head + "L = -(y*log(a) + (1-y)*log(1-a))", true, false, false},
		{"other names", "q = b + dot(w, x)\nguess = sigmoid(q)\nfocal = -(y*log(guess) + (1-y)*log(1-guess))", true, false, false},
		{"simplified by hand", head + "L = softplus(z) - y*z", true, false, false},
		{"softplus of both sides", head + "L = y*softplus(-z) + (1-y)*softplus(z)", true, false, false},
		{"sigmoid by hand", "z = dot(w, x) + b\na = 1/(1 + exp(-z))\nL = -(y*log(a) + (1-y)*log(1-a))", true, false, false},
		{"offset", "z = dot(w, x) + b + o\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))", true, false, true},
		{"offset taken off", "z = dot(w, x) - o + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))", true, false, true},
		{"smoothed labels", head + "t = 0.9*y + 0.05\nL = -(t*log(a) + (1-t)*log(1-a))", true, false, false},
		{"LIBLINEAR's, right for 0 and 1 only", head + "L = log(1 + exp(-(2*y-1)*z))", true, true, false},
		{"focal loss", head + "L = -(y*(1-a)^2*log(a) + (1-y)*a^2*log(1-a))", false, false, false},
		{"squared error", head + "L = (a-y)^2", false, false, false},
		{"class weights", head + "L = -(3*y*log(a) + 0.5*(1-y)*log(1-a))", false, false, false},
		{"called log loss, but with a sign wrong", head + "logloss = softplus(z) + y*z", false, false, false},
		{"no bias", "z = dot(w, x)\nL = softplus(z) - y*z", false, false, false},
		{"bias twice", "z = dot(w, x) + b + b\nL = softplus(z) - y*z", false, false, false},
		{"bias squared", "z = dot(w, x) + b^2\nL = softplus(z) - y*z", false, false, false},
		{"minus the weights", "z = b - dot(w, x)\nL = softplus(z) - y*z", false, false, false},
		{"a hidden tanh", "z = tanh(dot(w, x)) + b\nL = softplus(z) - y*z", false, false, false},
		{"label from parameters", "z = dot(w, x) + b\nt = sigmoid(b)\nL = softplus(z) - t*z", false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := graph.ParseWith(c.src, graph.Options{Leaves: leaves, Closed: true})
			if err != nil {
				t.Fatal(err)
			}
			y, _ := g.Lookup("y")
			form, err := proof.Recognise(g, g.Defs[len(g.Defs)-1].Written, y)
			plain, err2 := proof.LogLoss(g, g.Defs[len(g.Defs)-1].Name)
			if err2 != nil {
				t.Fatal(err2)
			}
			// The graph declares o, so the plain form is the one with z = dot(w, x) + b + o.
			if want := c.name == "offset"; plain != want {
				t.Errorf("LogLoss is %v, want %v", plain, want)
			}
			if !c.ok {
				if !errors.Is(err, proof.ErrNotLogLoss) {
					t.Errorf("recognised: %+v, %v", form, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if form.Binary != c.binary || (form.Offset != nil) != c.offset {
				t.Errorf("%+v", form)
			}
			columns := map[string][]float64{"y": {0, 1}, "o": {0.5, -2}}
			label, offset, err := form.Columns(2, func(name string) ([]float64, bool) { v, ok := columns[name]; return v, ok })
			if err != nil {
				t.Fatal(err)
			}
			want, shift := []float64{0, 1}, []float64(nil)
			switch c.name {
			case "smoothed labels":
				nine := 0.9 // in float64, not in the exact arithmetic of constants
				want = []float64{0.05, nine + 0.05}
			case "offset":
				shift = []float64{0.5, -2}
			case "offset taken off":
				shift = []float64{-0.5, 2}
			}
			if !slices.Equal(label, want) || !slices.Equal(offset, shift) {
				t.Errorf("label %v, offset %v, want %v, %v", label, offset, want, shift)
			}
		})
	}
	if _, err := proof.Recognise(graph.New(), nil, nil); !errors.Is(err, proof.ErrNotLogLoss) {
		t.Error(err)
	}
}
