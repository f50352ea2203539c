package graph_test

import (
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent/graph"
)

// TestSubstitute: every line of numbers of a derivation, computed, is the result below it, and the result is the value that was given, to six digits.
func TestSubstitute(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	for _, equations := range []string{
		"z = w1*x1 + w2*x2 + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))",
		"z = w1*x1 + w2*x2 + b\na = sigmoid(z)\nL = (a - y)^2/2",
		"h = tanh(v*x1 + c)\nz = w1*h + b\na = sigmoid(z)\nL = -(y*(1-a)^2*log(a) + (1-y)*a^2*log(1-a))",
	} {
		for range 5 {
			g, err := graph.Parse(equations)
			if err != nil {
				t.Fatal(err)
			}
			of := map[string][]float64{}
			var roots []*graph.Node
			for _, d := range g.Defs {
				roots = append(roots, d.Written)
			}
			for _, n := range graph.Below(roots...) {
				if n.Leaf != nil && n.Leaf.Kind != graph.Constant {
					of[n.Leaf.Name] = []float64{math.Round(random.NormFloat64()*100) / 100}
				}
			}
			of["y"] = []float64{float64(random.IntN(2))}
			if err := g.Derive("L"); err != nil {
				t.Fatal(err)
			}
			v := graph.View{Backward: true, Steps: true, Substitute: true, Values: map[string][]float64{}, Derivatives: map[string][]float64{}, Columns: 1000}
			for name, x := range of {
				v.Values[name] = x
			}
			for _, d := range g.Defs {
				out, err := graph.Eval(graph.Values{Rows: 1, Of: of}, d.Runs)
				if err != nil {
					t.Fatal(err)
				}
				if d.Of == "" {
					v.Values[d.Name] = out[0]
				} else {
					v.Derivatives[d.Name] = out[0]
				}
			}
			var text strings.Builder
			if err := g.WriteText(&text, v); err != nil {
				t.Fatal(err)
			}
			compareLines(t, text.String(), v)
		}
	}
}

var derivationLine = regexp.MustCompile(`^(\w*) += (.*?)(?:  +(.*))?$`)

// compareLines reads a derivation again.
func compareLines(t *testing.T, text string, v graph.View) {
	t.Helper()
	name, checked := "", map[string]bool{}
	for _, line := range strings.Split(text[strings.LastIndex(text, "\n\n")+1:], "\n") {
		m := derivationLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if m[1] != "" {
			name = m[1]
		}
		_, err := strconv.ParseFloat(m[2], 64)
		if !strings.Contains(m[3], "in numbers") && err != nil {
			continue
		}
		want := v.Values[name]
		if want == nil {
			want = v.Derivatives[name]
		}
		g, err := graph.Parse("r = " + m[2])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		root, _ := g.Lookup("r")
		out, err := graph.Eval(graph.Values{Rows: 1}, root)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		// Numbers of six digits put into a formula give five of them, but where they cancel: 1 - a.
		scale := math.Max(math.Abs(want[0]), 0.2)
		if m[3] == "" {
			scale = math.Abs(want[0]) / 20
		}
		if !(math.Abs(out[0][0]-want[0]) <= 1e-4*scale) {
			t.Errorf("%s %s: %v, want %v", name, line, out[0][0], want[0])
		}
		if m[3] == "" || strings.HasPrefix(m[3], "in numbers") {
			checked[name] = true
		}
	}
	for _, name := range []string{"z", "a", "L", "da", "dz", "db"} {
		if !checked[name] {
			t.Errorf("%s has no numbers:\n%s", name, text)
		}
	}
}
