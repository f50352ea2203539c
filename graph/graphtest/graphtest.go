// Package graphtest is the suite that every op and every executor of graphs passes.
//
//	func TestInterpreter(t *testing.T) { graphtest.Run(t, graphtest.Interpreter{}, graphtest.Options{}) }
//
// It compares what an executor computes with exact values at extremes, with the interpreter over
// shapes that have to be stretched, and, for gradients, with central differences. It tests meanings,
// not speed.
package graphtest

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/descent-ml/descent/graph"
)

// An Executor computes roots for rows of values, as graph.Eval does.
type Executor interface {
	Eval(v graph.Values, roots ...*graph.Node) ([][]float64, error)
}

// ErrUnsupported is what an executor returns (wrapped, naming the node) for a graph it refuses. The
// test of that graph is then skipped, unless Options.All is set.
var ErrUnsupported = errors.New("graphtest: not supported by this executor")

// Interpreter is the executor that the others are compared with.
type Interpreter struct{}

// Eval is graph.Eval.
func (Interpreter) Eval(v graph.Values, roots ...*graph.Node) ([][]float64, error) {
	return graph.Eval(v, roots...)
}

// Options say how exact an executor is, and what it must be able to run.
type Options struct {
	Tolerance float64 // relative, of one op; 0: 1e-14. Where an op's own test is coarser, that counts
	All       bool    // refusing a graph is a failure
	Seed      uint64
}

// Run runs the suite.
func Run(t *testing.T, e Executor, o Options) {
	if o.Tolerance == 0 {
		o.Tolerance = 1e-14
	}
	s := suite{e, o}
	for _, op := range graph.Ops() {
		t.Run("op/"+op.Name, func(t *testing.T) {
			if len(op.Tests)+len(op.Cases) == 0 {
				t.Fatal("the row has no tests")
			}
			t.Run("points", func(t *testing.T) { s.points(t, op) })
			t.Run("shapes", func(t *testing.T) { s.shapes(t, op) })
			t.Run("differences", func(t *testing.T) { s.opDifferences(t, op) })
		})
	}
	for _, m := range Models() {
		t.Run("graph/"+m.Name, func(t *testing.T) { s.model(t, m) })
	}
}

type suite struct {
	Executor
	o Options
}

// eval skips the test if the executor refuses the graph.
func (s suite) eval(t *testing.T, v graph.Values, roots ...*graph.Node) [][]float64 {
	t.Helper()
	out, err := s.Eval(v, roots...)
	if errors.Is(err, ErrUnsupported) && !s.o.All {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != len(roots) {
		t.Fatalf("%d results for %d roots", len(out), len(roots))
	}
	return out
}

// near reports whether got is want: the same NaN or infinity, or within a relative tolerance.
func near(got, want, tolerance float64) bool {
	if math.IsNaN(want) || math.IsInf(want, 0) {
		return got == want || math.IsNaN(got) && math.IsNaN(want)
	}
	return math.Abs(got-want) <= tolerance*math.Abs(want)
}

var letters = []string{"u", "v", "w"}

// apply makes op over leaves u, v, w of the given shapes.
func apply(t *testing.T, op *graph.Op, shapes []graph.Shape) (*graph.Graph, []*graph.Node, *graph.Node) {
	t.Helper()
	g := graph.New()
	var args []*graph.Node
	for i, s := range shapes {
		kind := graph.Parameter
		if s.PerRow {
			kind = graph.Input
		}
		n, err := g.Leaf(graph.Leaf{Kind: kind, Name: letters[i], Shape: s})
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, n)
	}
	n, err := g.Apply(op.Name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return g, args, n
}

// points checks the exact values of the op's row, all at once as rows of one evaluation, and one by
// one as values of the model.
func (s suite) points(t *testing.T, op *graph.Op) {
	if rows := len(op.Tests); rows > 0 {
		row := make([]graph.Shape, op.Arity)
		v := graph.Values{Rows: rows, Of: map[string][]float64{}}
		for i := range row {
			row[i].PerRow = true
			for _, p := range op.Tests {
				v.Of[letters[i]] = append(v.Of[letters[i]], p.In[i])
			}
		}
		_, _, n := apply(t, op, row)
		out := s.eval(t, v, n)[0]
		_, _, single := apply(t, op, make([]graph.Shape, op.Arity))
		for k, p := range op.Tests {
			one := graph.Values{Rows: 1, Of: map[string][]float64{}}
			for i, x := range p.In {
				one.Of[letters[i]] = []float64{x}
			}
			tolerance := math.Max(p.Tolerance, s.o.Tolerance)
			if s.isInterpreter() {
				tolerance = p.Tolerance
			}
			for _, got := range []float64{out[k], s.eval(t, one, single)[0][0]} {
				if !near(got, p.Out, tolerance) {
					t.Errorf("%s(%v) is %v, want %v", op.Name, p.In, got, p.Out)
				}
			}
		}
	}
	for _, c := range op.Cases {
		_, _, n := apply(t, op, c.Shapes)
		v := graph.Values{Rows: max(c.Rows, 1), Of: map[string][]float64{}}
		for i, in := range c.In {
			v.Of[letters[i]] = in
		}
		out := s.eval(t, v, n)[0]
		if len(out) != len(c.Out) {
			t.Fatalf("%s of %v: %d values, want %d", op.Name, c.Shapes, len(out), len(c.Out))
		}
		tolerance := math.Max(c.Tolerance, s.o.Tolerance)
		if s.isInterpreter() {
			tolerance = c.Tolerance
		}
		for i := range out {
			if !near(out[i], c.Out[i], tolerance) {
				t.Errorf("%s%v of %v is %v, want %v", op.Name, c.In, c.Shapes, out, c.Out)
				break
			}
		}
	}
}

func (s suite) isInterpreter() bool {
	_, ok := s.Executor.(Interpreter)
	return ok
}

// mixtures are the shapes an op is tried with: all it takes of scalar, vector and matrix, per row or
// not.
func mixtures(op *graph.Op) [][]graph.Shape {
	base := []graph.Shape{{}, graph.Vector(3), graph.Matrix(2, 3), graph.Vector(2)}
	var each []graph.Shape
	for _, b := range base {
		each = append(each, b, b.EachRow())
	}
	all := [][]graph.Shape{nil}
	for range op.Arity {
		var more [][]graph.Shape
		for _, a := range all {
			for _, e := range each {
				more = append(more, append(append([]graph.Shape(nil), a...), e))
			}
		}
		all = more
	}
	var out [][]graph.Shape
	for _, a := range all {
		if _, err := graph.ShapeOf(op, a); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// draw fills the leaves of an op with values at which it is smooth: positive for log and pow, apart
// from the kinks of max, gt and the like.
func draw(op *graph.Op, shapes []graph.Shape, rows int, r *rand.Rand) map[string][]float64 {
	of := map[string][]float64{}
	for i, s := range shapes {
		size := s.Size()
		if s.PerRow {
			size *= rows
		}
		values := make([]float64, size)
		for k := range values {
			x := 0.2 + 1.5*r.Float64()
			switch op.Name {
			case "log", "pow", "div", "log1p":
			default:
				if r.IntN(2) == 0 {
					x = -x
				}
			}
			values[k] = x
			if i > 0 { // never where two arguments tie
				values[k] += 0.0625 * float64(i)
			}
		}
		of[letters[i]] = values
	}
	return of
}

// shapes compares with the interpreter for all shapes the op takes, and the interpreter with a plain
// loop over components.
func (s suite) shapes(t *testing.T, op *graph.Op) {
	r := rand.New(rand.NewPCG(s.o.Seed, 1))
	skipped := 0
	all := mixtures(op)
	for _, shapes := range all {
		_, _, n := apply(t, op, shapes)
		v := graph.Values{Rows: 3, Of: draw(op, shapes, 3, r)}
		want, err := graph.Eval(v, n)
		if err != nil {
			t.Fatal(err)
		}
		if op.Elementwise() {
			plain(t, op, shapes, v, n, want[0])
		}
		got, err := s.Eval(v, n)
		if errors.Is(err, ErrUnsupported) && !s.o.All {
			skipped++
			continue
		}
		if err != nil {
			t.Fatalf("%s of %v: %v", op.Name, shapes, err)
		}
		if len(got[0]) != len(want[0]) {
			t.Fatalf("%s of %v: %d values, want %d", op.Name, shapes, len(got[0]), len(want[0]))
		}
		for i := range got[0] {
			if !near(got[0][i], want[0][i], 10*s.o.Tolerance) {
				t.Fatalf("%s of %v is %v, want %v", op.Name, shapes, got[0], want[0])
			}
		}
	}
	if skipped == len(all) {
		t.Skip(ErrUnsupported)
	}
}

// plain checks an elementwise result component by component.
func plain(t *testing.T, op *graph.Op, shapes []graph.Shape, v graph.Values, n *graph.Node, got []float64) {
	t.Helper()
	size := n.Shape.Size()
	rows := 1
	if n.Shape.PerRow {
		rows = v.Rows
	}
	if len(got) != rows*size {
		t.Fatalf("%s of %v: %d values, want %d", op.Name, shapes, len(got), rows*size)
	}
	for r := range rows {
		for j := range size {
			var x [3]float64
			for i, s := range shapes {
				at := 0
				if s.PerRow {
					at = r * s.Size()
				}
				if !s.IsScalar() {
					at += j
				}
				x[i] = v.Of[letters[i]][at]
			}
			var want float64
			switch {
			case op.Unary != nil:
				want = op.Unary(x[0])
			case op.Binary != nil:
				want = op.Binary(x[0], x[1])
			default:
				want = op.Ternary(x[0], x[1], x[2])
			}
			if g := got[r*size+j]; g != want && !(math.IsNaN(g) && math.IsNaN(want)) {
				t.Fatalf("%s of %v, row %d, component %d: %v, want %v", op.Name, shapes, r, j, g, want)
			}
		}
	}
}

// opDifferences differentiates a weighted total of the op over all shapes, averaged over rows, in both
// directions, and compares with central differences of what the executor computes.
func (s suite) opDifferences(t *testing.T, op *graph.Op) {
	r := rand.New(rand.NewPCG(s.o.Seed, 2))
	all := mixtures(op)
	skipped := 0
	for _, shapes := range all {
		g, args, n := apply(t, op, shapes)
		// A total whose derivative differs in every component: mean(sum(k*op)), k = tanh(op) + op.
		root, err := total(g, n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Gradient(root, args...); err != nil {
			if len(op.Deriv) == 0 && op.Pull == nil {
				return // refused by name: a lowered op
			}
			t.Fatal(err)
		}
		v := graph.Values{Rows: 3, Of: draw(op, shapes, 3, r)}
		err = Differences(s, g, root, args, v, 2e-7)
		if errors.Is(err, ErrUnsupported) && !s.o.All {
			skipped++
			continue
		}
		if err != nil {
			t.Errorf("%s of %v: %v", op.Name, shapes, err)
		}
	}
	if skipped == len(all) {
		t.Skip(ErrUnsupported)
	}
}

func total(g *graph.Graph, n *graph.Node) (*graph.Node, error) {
	k, err := g.Apply("tanh", n)
	if err != nil {
		return nil, err
	}
	for _, step := range [][]string{{"add"}, {"mul"}} {
		if k, err = g.Apply(step[0], k, n); err != nil {
			return nil, err
		}
	}
	if k, err = g.Apply("sum", k); err != nil {
		return nil, err
	}
	return g.Apply("mean", k)
}

// Differences compares the gradient of root, a scalar that is not per row, with central differences
// of root, in every component of every leaf of of; and forward mode with the gradient along a random
// direction. The error names the leaf, the component, and both numbers. An entry of a per-row leaf is
// m times the difference, as the lecture's dz has no 1/m.
func Differences(e Executor, g *graph.Graph, root *graph.Node, of []*graph.Node, v graph.Values, tolerance float64) error {
	gradient, err := g.Gradient(root, of...)
	if err != nil {
		return err
	}
	out, err := e.Eval(v, append([]*graph.Node{root}, gradient...)...)
	if err != nil {
		return err
	}
	m := v.M
	if m == 0 {
		m = float64(v.Rows)
	}
	along := map[*graph.Node]*graph.Node{}
	rates := graph.Values{Rows: v.Rows, M: v.M, Of: map[string][]float64{}}
	for name, values := range v.Of {
		rates.Of[name] = values
	}
	r := rand.New(rand.NewPCG(7, 7))
	slope := 0.0
	for i, leaf := range of {
		name := leaf.Leaf.Name
		values := v.Of[name]
		weight := 1.0
		if leaf.Shape.PerRow {
			weight = m
		}
		rate, err := g.Leaf(graph.Leaf{Kind: graph.Input, Name: "rate_" + name, Shape: leaf.Shape})
		if err != nil {
			return err
		}
		along[leaf] = rate
		direction := make([]float64, len(values))
		for k := range values {
			got := out[1+i][k%len(out[1+i])]
			h := 1e-5 * math.Max(1, math.Abs(values[k]))
			at := func(x float64) (float64, error) {
				keep := values[k]
				values[k] = x
				defer func() { values[k] = keep }()
				out, err := e.Eval(v, root)
				if err != nil {
					return 0, err
				}
				return out[0][0], nil
			}
			up, err := at(values[k] + h)
			if err != nil {
				return err
			}
			down, err := at(values[k] - h)
			if err != nil {
				return err
			}
			want := weight * (up - down) / (2 * h)
			if !(math.Abs(got-want) <= tolerance*math.Max(1, math.Abs(want))) {
				return fmt.Errorf("d/d%s, component %d: %v, by differences %v", name, k, got, want)
			}
			direction[k] = r.NormFloat64()
			slope += direction[k] * got / weight
		}
		rates.Of["rate_"+name] = direction
	}
	tangent, err := g.Tangent([]*graph.Node{root}, along)
	if err != nil {
		return err
	}
	forward, err := graph.Eval(rates, tangent...)
	if err != nil {
		return err
	}
	if got := forward[0][0]; !(math.Abs(got-slope) <= 1e-9*math.Max(1, math.Abs(slope))) {
		return fmt.Errorf("forward mode gives %v along a direction, reverse mode %v", got, slope)
	}
	return nil
}

// A Model is a graph of the suite: equations, leaves, values, and the node that is differentiated.
type Model struct {
	Name   string
	Source string
	Leaves []graph.Leaf
	Root   string
	Rows   int
	Seed   uint64
}

// Models are the graphs of the suite: a warm-up, the lecture's model with weights, offset and
// penalty, losses of other kinds, a softmax and a hidden layer.
func Models() []Model {
	row := graph.Shape{PerRow: true}
	const n, k, hidden = 4, 3, 5
	input := func(name string, s graph.Shape) graph.Leaf {
		return graph.Leaf{Kind: graph.Input, Name: name, Shape: s}
	}
	parameter := func(name string, s graph.Shape) graph.Leaf {
		return graph.Leaf{Kind: graph.Parameter, Name: name, Shape: s}
	}
	w, b, x, y := parameter("w", graph.Vector(n)), parameter("b", graph.Shape{}), input("x", graph.Vector(n).EachRow()), input("y", row)
	lecture := "z = dot(w, x) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))\n"
	onehot := input("y", graph.Vector(k).EachRow())
	onehot.Fact.Total = big.NewRat(1, 1)
	return []Model{
		{Name: "warm-up", Source: "J = 3*(a + b*c)", Root: "J", Rows: 1,
			Leaves: []graph.Leaf{parameter("a", graph.Shape{}), parameter("b", graph.Shape{}), parameter("c", graph.Shape{})}},
		{Name: "lecture", Source: lecture + "J = mean(L)", Root: "J", Rows: 7, Leaves: []graph.Leaf{w, b, x, y}},
		{Name: "weights and penalty", Root: "J", Rows: 7,
			Source: "z = dot(w, x) + b + o\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))\nJ = mean(s*L) + sum(lambda*w*w)/(2*m)",
			Leaves: []graph.Leaf{w, b, x, y, input("o", row), input("s", row), input("lambda", graph.Vector(n)), input("m", graph.Shape{})}},
		{Name: "focal", Root: "J", Rows: 7, Leaves: []graph.Leaf{w, b, x, y},
			Source: "z = dot(w, x) + b\na = sigmoid(z)\nL = -(y*(1-a)^2*log(a) + (1-y)*a^2*log(1-a))\nJ = mean(L)"},
		{Name: "probit", Root: "J", Rows: 7, Leaves: []graph.Leaf{w, b, x, y},
			Source: "z = dot(w, x) + b\na = normcdf(z)\nL = -(y*log(a) + (1-y)*log(1-a))\nJ = mean(L)"},
		{Name: "softmax", Root: "J", Rows: 6,
			Source: "z = dot(W, x) + b\na = softmax(z)\nL = -sum(y*log(a))\nJ = mean(L)",
			Leaves: []graph.Leaf{parameter("W", graph.Matrix(k, n)), parameter("b", graph.Vector(k)), x, onehot}},
		{Name: "hidden layer", Root: "J", Rows: 6,
			Source: "h = tanh(dot(V, x) + c)\nz = dot(w, h) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))\nJ = mean(L)",
			Leaves: []graph.Leaf{parameter("V", graph.Matrix(hidden, n)), parameter("c", graph.Vector(hidden)), parameter("w", graph.Vector(hidden)), b, x, y}},
	}
}

// Values draws values for the leaves: labels y between 0 and 1 (0, 1 and fractions; one-hot where a
// total is stated), weights and penalties positive, everything else normal.
func (m Model) Values() graph.Values {
	r := rand.New(rand.NewPCG(m.Seed, 3))
	v := graph.Values{Rows: m.Rows, Of: map[string][]float64{}}
	for _, l := range m.Leaves {
		size := l.Shape.Size()
		count := size
		if l.Shape.PerRow {
			count *= m.Rows
		}
		values := make([]float64, count)
		for i := range values {
			switch l.Name {
			case "y":
				if l.Fact.Total == nil {
					values[i] = []float64{0, 1, 0.3}[r.IntN(3)]
				}
			case "s", "lambda", "m":
				values[i] = 0.5 + r.Float64()
			default:
				values[i] = r.NormFloat64()
			}
		}
		if l.Fact.Total != nil {
			for at := 0; at < count; at += size {
				values[at+r.IntN(size)] = 1
			}
		}
		v.Of[l.Name] = values
	}
	return v
}

// model checks, as written, as it trains, and lowered: value and gradient against the interpreter's
// of the equations as written, and the gradient against central differences.
func (s suite) model(t *testing.T, m Model) {
	g, err := graph.ParseWith(m.Source, graph.Options{Leaves: m.Leaves, Closed: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Derive(m.Root); err != nil {
		t.Fatal(err)
	}
	v := m.Values()
	var written, runs, of []*graph.Node
	var names []string
	for _, d := range g.Defs {
		if leaf, ok := g.Lookup(d.Of); d.Of == "" && d.Name == m.Root || ok && leaf.Leaf != nil {
			written, runs, names = append(written, d.Written), append(runs, d.Runs), append(names, d.Name)
			if ok {
				of = append(of, leaf)
			}
		}
	}
	want, err := graph.Eval(v, written...)
	if err != nil {
		t.Fatal(err)
	}
	for stage, roots := range map[string][]*graph.Node{"written": written, "simplified": runs, "lowered": g.Lower(runs...)} {
		t.Run(stage, func(t *testing.T) {
			got := s.eval(t, v, roots...)
			for i := range roots {
				for k := range want[i] {
					if d := math.Abs(got[i][k%len(got[i])] - want[i][k]); !(d <= 1e-12*math.Max(1, math.Abs(want[i][k]))) {
						t.Errorf("%s, component %d: %v, as written %v", names[i], k, got[i][k%len(got[i])], want[i][k])
					}
				}
			}
			again := s.eval(t, v, roots...)
			for i := range roots {
				for k := range got[i] {
					if math.Float64bits(got[i][k]) != math.Float64bits(again[i][k]) {
						t.Errorf("%s, component %d: %v, a second time %v", names[i], k, got[i][k], again[i][k])
					}
				}
			}
		})
	}
	t.Run("differences", func(t *testing.T) {
		err := Differences(s, g, runs[0], of, v, 1e-7)
		if errors.Is(err, ErrUnsupported) && !s.o.All {
			t.Skip(err)
		}
		if err != nil {
			t.Error(err)
		}
	})
}
