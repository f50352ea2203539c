package graph_test

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent/graph"
)

// z = b has a node of its own: formulas keep the name, and dz is there.
func TestAliases(t *testing.T) {
	g := parsed(t, "z = b; a = sigmoid(z); L = -(y*log(a) + (1-y)*log(1-a))", "L")
	text := written(t, writers[0], g, graph.View{Backward: true, Steps: true})
	for _, want := range []string{"z = b", "a = sigmoid(z)", "db = dz", "= softplus(z) - z*y ", "= a - y "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "sigmoid(b)") || strings.Contains(text, "softplus(b)") {
		t.Errorf("z is written b:\n%s", text)
	}
	at := map[string][]float64{"b": {0.5}, "y": {1}}
	v := filled(t, g, at)
	if got, want := fmt.Sprintf("%.4f", v.Derivatives["dz"]), "[-0.3775]"; got != want {
		t.Errorf("dz is %s, want %s", got, want)
	}
	if text := written(t, writers[0], g, v); strings.Contains(text, "?") {
		t.Errorf("a number is missing:\n%s", text)
	}

	// two aliases of one leaf are two names: each has its own part of the derivative
	g = parsed(t, "a = b; z = b; L = (a - y)^2 + z*b", "L")
	v = filled(t, g, at)
	for name, want := range map[string]float64{"da": -1, "dz": 0.5, "db": 0} {
		if got := v.Derivatives[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	// what trains has no alias in it
	for _, d := range g.Defs {
		for _, n := range graph.Below(append(g.Lower(d.Written), d.Runs)...) {
			if n.Op != nil && n.Op.Role == graph.Same {
				t.Errorf("%s: an alias is left in %v", d.Name, d.Runs)
			}
		}
	}
	// an alias of a constant has a name, but no derivative
	g = parsed(t, "k = 2; z = k*b; L = z^2", "L")
	if text := written(t, writers[0], g, graph.View{Backward: true}); !strings.Contains(text, "z = k*b") || strings.Contains(text, "dk") {
		t.Errorf("k is lost, or derived:\n%s", text)
	}
}

// Constants are written as one would write them.
func TestConstantsInPrint(t *testing.T) {
	for text, want := range map[string]string{
		"3989422804014327/10000000000000000":         "0.3989422804014327",
		"0.9189385332046727417803297364056176398614": "0.9189385332046727417803297364056176398614",
		"1/3": "1/3", "-0.125": "-0.125", "1e-300": "1e-300", "-2.5e-9": "-2.5e-9", "1e300": "1e300", "12000": "12000", "0.00001": "0.00001",
		"1/1152921504606846976": "1/1152921504606846976",
	} {
		r, _ := new(big.Rat).SetString(text)
		g := graph.New()
		if got := g.Const(r).String(); got != want {
			t.Errorf("%s prints as %s, want %s", text, got, want)
		}
	}
}

// Every line of a derivation after the first says how it came about, and what it is in plain text.
func TestDerivationsSayWhy(t *testing.T) {
	for _, src := range []string{
		"z = dot(w, x) + b; a = sigmoid(z); L = -(y*log(a) + (1-y)*log(1-a))",
		"z = dot(w, x) + b; a = sigmoid(z); L = -(y*(1-a)^2*log(a) + (1-y)*a^2*log(1-a))",
		"z = dot(w, x) + b; L = (z - y)^2/2",
		"z = dot(w, x) + b; a = z; L = max(0, 1 - y*a)",
	} {
		g := parsed(t, src, "L", parameter("w", graph.Vector(2)), parameter("b", graph.Shape{}), data("x", graph.Vector(2)), data("y", graph.Shape{}))
		l, err := g.Layout(graph.View{Backward: true, Steps: true})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range l.Equations {
			names = append(names, e.Name)
			for i, line := range e.Lines {
				if line.Text == "" || i > 0 && line.Rule == "" {
					t.Errorf("%s: %s: line %d is %+v", src, e.Name, i+1, line)
				}
			}
		}
		if slices.Contains(names, "dw") == slices.Contains(names, "dw1") {
			t.Errorf("%s: want either dw or dw1 and dw2: %v", src, names)
		}
	}
}
