package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/descent-ml/descent/graph"
)

// agree is how well a program and the interpreter agree, relative to the largest entry: both are float64, the
// difference is the order of sums and an ulp or two a function.
const agree = 1e-12

type shape struct {
	name    string
	rows    int
	dense   int
	codes   []int
	sparse  int
	centred bool
}

var shapes = []shape{
	{"dense", 1500, 5, nil, 0, false},
	{"dense centred", 700, 9, nil, 0, true},
	{"codes", 900, 3, []int{4, 1, 7}, 0, false},
	{"all centred", 333, 3, []int{4, 2}, 6, true},
	{"sparse", 200, 0, nil, 12, false},
	{"one row", 1, 2, nil, 0, false},
	{"one feature", 130, 1, nil, 0, true},
}

func (s shape) problem(t testing.TB) *problem {
	return newProblem(t, 7, s.rows, s.dense, s.codes, s.sparse, s.centred)
}

func objective(t testing.TB, p *problem, src string, o Options, oo ObjectiveOptions) (*Objective, *graph.Graph) {
	t.Helper()
	g := model(t, src, p.layout.Features)
	b, err := NewObjective(p.engine(t, o), g, "J", []string{"w", "b"}, p.settings(), oo)
	if err != nil {
		t.Fatal(err)
	}
	return b, g
}

// TestAgainstInterpreter: cost, gradient, H·v, diagonal, Hessian and line of every loss over every storage are those
// of the graph in the interpreter, with and without fused kernels.
func TestAgainstInterpreter(t *testing.T) {
	for k, s := range shapes {
		p := s.problem(t)
		if s.name == "one row" {
			p.columns.Inputs[1][0] = 1
		}
		n := p.layout.Features
		for i, name := range slices.Sorted(maps.Keys(losses)) {
			// every loss over all kinds of storage at once; over each of the others log loss and one more
			if s.name != "all centred" && name != "log loss" && (i != k || testing.Short()) || name == "focal" && testing.Short() {
				continue
			}
			src := losses[name]
			for _, noFused := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/NoFused=%v", s.name, name, noFused), func(t *testing.T) {
					b, g := objective(t, p, src, Options{Threads: 2, NoFused: noFused}, ObjectiveOptions{Keep: noFused})
					at, v := theta(n+1, 3), theta(n+1, 4)
					ref := p.reference(at[:n], at[n], nil)
					J, _ := g.Lookup("J")
					w, _ := g.Lookup("w")
					bias, _ := g.Lookup("b")
					eval := func(nodes ...*graph.Node) []float64 {
						t.Helper()
						out, err := graph.Eval(ref, nodes...)
						if err != nil {
							t.Fatal(err)
						}
						var all []float64
						for _, o := range out {
							all = append(all, o...)
						}
						return all
					}
					simple, _, err := g.Simplify(J)
					if err != nil {
						t.Fatal(err)
					}
					grads, err := g.Gradient(simple[0], w, bias)
					if err != nil {
						t.Fatal(err)
					}
					grad := make([]float64, n+1)
					got, err := b.CostGradient(background, at, grad)
					if err != nil {
						t.Fatal(err)
					}
					near(t, "J", []float64{got}, eval(simple...), agree)
					near(t, "gradient", grad, eval(grads...), agree)
					alone, err := b.Cost(background, at)
					if err != nil || alone != got {
						t.Errorf("Cost %v, CostGradient %v, %v", alone, got, err)
					}

					vw, err := g.Leaf(graph.Leaf{Kind: graph.Input, Name: "vw", Shape: w.Shape})
					if err != nil {
						t.Fatal(err)
					}
					vb, _ := g.Leaf(graph.Leaf{Kind: graph.Input, Name: "vb"})
					hv, err := g.Tangent(grads, map[*graph.Node]*graph.Node{w: vw, bias: vb})
					if err != nil {
						t.Fatal(err)
					}
					product := func(v []float64) []float64 {
						ref.Of["vw"], ref.Of["vb"] = v[:n], v[n:]
						return eval(hv...)
					}
					out := make([]float64, n+1)
					if err := b.Product(background, v, out); err != nil {
						t.Fatal(err)
					}
					// second derivatives of a hand-written form lose a little more in the interpreter
					near(t, "H·v", out, product(v), 10*agree)

					if !b.Curvature() {
						t.Fatal("no curvature found")
					}
					h, diag := make([]float64, (n+1)*(n+1)), make([]float64, n+1)
					if err := b.Hessian(background, nil, h); err != nil {
						t.Fatal(err)
					}
					if err := b.Diagonal(background, diag); err != nil {
						t.Fatal(err)
					}
					var want, wantDiag []float64
					for i := range n + 1 {
						e := unit(n+1, i)
						row := product(e)
						want = append(want, row...)
						wantDiag = append(wantDiag, row[i])
					}
					near(t, "H", h, want, 10*agree)
					near(t, "diag H", diag, wantDiag, 10*agree)

					if err := b.Line(background, v); err != nil {
						t.Fatal(err)
					}
					for _, step := range []float64{0, 0.7, -1.5} {
						J, slope, err := b.LineCost(background, step)
						if err != nil {
							t.Fatal(err)
						}
						moved := make([]float64, n+1)
						for i := range moved {
							moved[i] = at[i] + step*v[i]
						}
						there := make([]float64, n+1)
						want, err := b.costGradient(background, b.e, b.full, moved, there, b.m, Mask{})
						if err != nil {
							t.Fatal(err)
						}
						near(t, "line J", []float64{J}, []float64{want}, 10*agree)
						s, scale := 0.0, 0.0
						for i := range v {
							s += v[i] * there[i]
							scale += math.Abs(v[i] * there[i])
						}
						if math.Abs(s-slope) > 10*agree*scale {
							t.Errorf("slope at %v: %v, want %v", step, slope, s)
						}
					}
				})
			}
		}
	}
}
