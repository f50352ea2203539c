package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/descent-ml/descent/graph"
)

// ErrNoCurvature is returned where second derivatives by row are asked of a cost that is not a mean of losses of
// linear heads plus a penalty (a hidden layer, say).
var ErrNoCurvature = errors.New("engine: the cost is not a mean over rows of a function of dot(w, x)")

// ErrNoPoint is returned where something at the last point is asked before there is one.
var ErrNoPoint = errors.New("engine: no point yet: CostGradient comes first")

// ObjectiveOptions of NewObjective. The zero value takes all rows.
type ObjectiveOptions struct {
	Mask Mask
	// Keep keeps the head z and the curvature of every row in each CostGradient. Without it they are made, by half a
	// pass more, when Product, Diagonal, Hessian or Line first need them at a point.
	Keep bool
}

// An Objective is the cost of a graph as optimisers and proofs see it: a function J of θ, the parameters one after
// the other, with its derivatives. All of it comes out of the graph: the cost is simplified, differentiated and
// compiled; what is below a mean runs over blocks of rows, what is above it (penalties) in the interpreter, once a
// pass. H·v is the tangent of the gradient's graph.
//
// "The point" is θ of the last CostGradient. An Objective is not safe for concurrent use.
type Objective struct {
	e     *Engine
	g     *graph.Graph
	o     ObjectiveOptions
	in    Values
	m     float64
	root  string
	names []string
	of    []*graph.Node // parameters
	begin []int         // where each begins in θ; the last is Size

	overBudget bool // of some Simplify

	cost  *graph.Node // simplified
	grads []*graph.Node
	full  *stage // cost and gradient
	alone *stage // cost

	head *graph.Node // of a cost that is linear below it; nil: none
	curv []*graph.Node
	w, b int // which parameters the head is made of; b -1: none

	product    *stage // H·v
	hv         []*graph.Node
	given      map[*graph.Node]string // columns kept for H·v
	roughly    *roughly
	curvatures *Program // of several heads
	rates      []*graph.Node
	keeps      []keepColumn
	columns    *Program            // the keeps alone
	named      map[string]*Program // of Kept
	pointed    *stage              // full, with the keeps
	line       *lineStage
	theta      []float64
	valid      bool // keeps are those of theta
	direction  []float64
	heads      []float64 // along the direction
}

type keepColumn struct {
	node *graph.Node
	name string
	data []float64
}

// A stage is some nodes split at their means: a program for the sums, and what stands above them.
type stage struct {
	program *Program
	means   []*graph.Node
	leaves  []string // stand for the means in top
	top     []*graph.Node
	kept    [][]float64 // by output of the program
}

// NewObjective builds the cost root of a graph as a function of the parameters named in of; in gives the other
// leaves that are not per row (lambda, m …). The error names a leaf nothing gives, or what cannot run. It adds
// nodes and leaves to g.
func NewObjective(e *Engine, g *graph.Graph, root string, of []string, in Values, o ObjectiveOptions) (*Objective, error) {
	J, ok := g.Lookup(root)
	if !ok {
		return nil, fmt.Errorf("engine: nothing is called %q", root)
	}
	if J.Shape.PerRow || !J.Shape.IsScalar() {
		return nil, fmt.Errorf("engine: %s is a %v, want one number: a mean over rows", root, J.Shape)
	}
	b := &Objective{e: e, g: g, o: o, in: in, root: root, names: of, b: -1}
	b.m = in.M
	if b.m == 0 && o.Mask.Counts == nil {
		b.m = float64(e.layout.Rows)
	}
	if !(b.m > 0) || math.IsInf(b.m, 0) {
		return nil, fmt.Errorf("engine: the weights of the rows add up to %v, want a positive number", b.m)
	}
	size := 0
	for _, name := range of {
		n, ok := g.Lookup(name)
		if !ok || n.Leaf == nil || n.Leaf.Kind != graph.Parameter {
			return nil, fmt.Errorf("engine: %q is no parameter of the equations", name)
		}
		b.of = append(b.of, n)
		b.begin = append(b.begin, size)
		size += n.Shape.Size()
	}
	b.begin = append(b.begin, size)
	if err := b.derive(J); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	if err := b.leaves(); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	var err error
	if b.full, err = b.split(append([]*graph.Node{b.cost}, b.grads...), b.called("d"), nil, nil); err != nil {
		return nil, err
	}
	if b.alone, err = b.split([]*graph.Node{b.cost}, []string{root}, nil, nil); err != nil {
		return nil, err
	}
	if err := b.findHead(); err != nil {
		return nil, err
	}
	if o.Keep {
		if err := b.second(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// derive simplifies the cost, differentiates it, and simplifies again.
func (b *Objective) derive(J *graph.Node) error {
	s, err := b.simplify(J)
	if err != nil {
		return err
	}
	grads, err := b.g.Gradient(s[0], b.of...)
	if err != nil {
		return err
	}
	if s, err = b.simplify(append(s, grads...)...); err != nil {
		return err
	}
	b.cost, b.grads = s[0], s[1:]
	return nil
}

// simplify remembers whether the budget was enough.
func (b *Objective) simplify(nodes ...*graph.Node) ([]*graph.Node, error) {
	s, _, err := b.g.Simplify(nodes...)
	b.overBudget = b.overBudget || b.g.OverBudget()
	return s, err
}

// OverBudget reports whether the cost, or a derivative made so far, could be simplified only in part: its values are
// right wherever the equations are defined, but a form that overflows (the log of a sigmoid, say) may have stayed.
// Second derivatives are made when they are first asked for, or at once with Keep.
func (b *Objective) OverBudget() bool { return b.overBudget }

// leaves checks that every leaf of the cost has a value: per row in the data or in.Columns, others in in.Of.
func (b *Objective) leaves() error {
	param := map[*graph.Node]bool{}
	for _, n := range b.of {
		param[n] = true
	}
	for _, n := range graph.Below(append([]*graph.Node{b.cost}, b.grads...)...) {
		if n.Leaf == nil || n.Leaf.Kind == graph.Constant || param[n] {
			continue
		}
		name := n.Leaf.Name
		if !n.Shape.PerRow {
			if v, ok := b.in.Of[name]; !ok {
				return fmt.Errorf("no value for %s", name)
			} else if len(v) != n.Shape.Size() {
				return fmt.Errorf("%s has %d numbers, want %d", name, len(v), n.Shape.Size())
			}
			continue
		}
		if _, ok := b.in.Columns[name]; ok || n.Shape.IsVector() {
			continue
		}
		if !slices.Contains(b.e.layout.Inputs, name) {
			return fmt.Errorf("no column %q; the data have %s", name, list(b.e.layout.Inputs))
		}
	}
	return nil
}

// called names the cost and what stands for each parameter.
func (b *Objective) called(prefix string) []string {
	names := []string{b.root}
	for _, n := range b.names {
		names = append(names, prefix+n)
	}
	return names
}

// outerMeans are the means below roots that are not below another mean.
func outerMeans(roots ...*graph.Node) []*graph.Node {
	var out []*graph.Node
	seen := map[*graph.Node]bool{}
	var visit func(n *graph.Node)
	visit = func(n *graph.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if n.Op != nil && n.Op.Role == graph.OverRows {
			out = append(out, n)
			return
		}
		for _, a := range n.Args {
			visit(a)
		}
	}
	for _, r := range roots {
		visit(r)
	}
	return out
}

// split makes a stage of nodes that are not per row; what they are called names the sums. keep are columns to be kept
// beside the sums.
func (b *Objective) split(nodes []*graph.Node, called []string, given map[*graph.Node]string, keep []keepColumn) (*stage, error) {
	return b.splitFor(b.e.layout.Layout, nodes, called, given, keep)
}

func (b *Objective) splitFor(l *Layout, nodes []*graph.Node, called []string, given map[*graph.Node]string, keep []keepColumn) (*stage, error) {
	s := &stage{means: outerMeans(nodes...)}
	of := map[*graph.Node]string{}
	for i, n := range nodes {
		for _, m := range outerMeans(n) {
			if of[m] == "" && i < len(called) {
				of[m] = called[i]
			}
		}
	}
	with := map[*graph.Node]*graph.Node{}
	var out []Output
	for _, n := range s.means {
		name := fmt.Sprintf("mean_%d", n.ID)
		leaf, err := b.g.Leaf(graph.Leaf{Kind: graph.Input, Name: name, Shape: n.Shape})
		if err != nil {
			return nil, fmt.Errorf("engine: %w", err)
		}
		with[n] = leaf
		s.leaves = append(s.leaves, name)
		called := of[n]
		if called == "" {
			called = name
		}
		out = append(out, Output{Name: called, Node: n.Args[0]})
		s.kept = append(s.kept, nil)
	}
	for _, k := range keep {
		out = append(out, Output{Name: k.name, Node: k.node, Keep: true})
		s.kept = append(s.kept, k.data)
	}
	for _, n := range nodes {
		s.top = append(s.top, b.g.Replace(n, with))
	}
	var err error
	s.program, err = CompileWith(b.g, l, CompileOptions{NoFused: b.e.o.NoFused, Given: given}, out...)
	return s, err
}

// values are the values of leaves at θ, and rates beside them.
func (b *Objective) values(theta []float64) (Values, error) {
	if len(theta) != b.Size() {
		return Values{}, fmt.Errorf("engine: θ of %d numbers, want %d", len(theta), b.Size())
	}
	v := Values{M: b.m, Of: make(map[string][]float64, len(b.in.Of)+len(b.of)), Columns: make(map[string][]float64, len(b.in.Columns))}
	for k, x := range b.in.Of {
		v.Of[k] = x
	}
	for k, x := range b.in.Columns {
		v.Columns[k] = x
	}
	for i, n := range b.of {
		v.Of[n.Leaf.Name] = theta[b.begin[i]:b.begin[i+1]]
	}
	return v, nil
}

// eval runs a stage: a pass, then what is above the means.
func (b *Objective) eval(ctx context.Context, e *Engine, s *stage, v Values, mask Mask) ([][]float64, error) {
	sums, err := e.run(ctx, s.program, v, mask, s.kept)
	if err != nil {
		return nil, err
	}
	return s.above(v, func(i int) []float64 {
		for k := range sums[i] {
			sums[i][k] /= v.M
		}
		return sums[i]
	})
}

// above evaluates the top of a stage with the given means.
func (s *stage) above(v Values, mean func(i int) []float64) ([][]float64, error) {
	of := make(map[string][]float64, len(v.Of)+len(s.leaves))
	for k, x := range v.Of {
		of[k] = x
	}
	for i, name := range s.leaves {
		of[name] = mean(i)
	}
	return evalUniform(Values{M: v.M, Of: of}, s.top)
}

// Size is the number of components of θ.
func (b *Objective) Size() int { return b.begin[len(b.begin)-1] }

// Names are the parameters' names, in the order of θ.
func (b *Objective) Names() []string { return append([]string(nil), b.names...) }

// M is what means divide by: the sum of the row weights.
func (b *Objective) M() float64 { return b.m }

// Graph is the graph of the cost.
func (b *Objective) Graph() *graph.Graph { return b.g }

// Engine is the engine that makes the passes.
func (b *Objective) Engine() *Engine { return b.e }

// Root is the simplified cost that runs.
func (b *Objective) Root() *graph.Node { return b.cost }

// Head is the linear node that the loss is a function of, dot(w, x) with what is added to it; nil where the cost has
// no such form.
func (b *Objective) Head() *graph.Node { return b.head }

// Curvature reports whether the cost is a mean over rows of a function of linear heads plus a penalty, so that
// Hessians are sums over rows.
func (b *Objective) Curvature() bool { return b.head != nil }

// Point is θ of the last CostGradient, nil before.
func (b *Objective) Point() []float64 { return append([]float64(nil), b.theta...) }

// CostGradient is J at θ; its gradient is written to grad (not nil, Size numbers). θ becomes the point.
// An overflow is no error: J and grad are then infinite or NaN.
func (b *Objective) CostGradient(ctx context.Context, theta, grad []float64) (J float64, err error) {
	s := b.full
	if b.o.Keep {
		s = b.pointed
	}
	b.valid = false
	J, err = b.costGradient(ctx, b.e, s, theta, grad, b.m, b.o.Mask)
	if err != nil {
		return J, err
	}
	b.theta = append(b.theta[:0], theta...)
	b.valid = b.o.Keep
	b.direction = nil
	return J, nil
}

func (b *Objective) costGradient(ctx context.Context, e *Engine, s *stage, theta, grad []float64, m float64, mask Mask) (float64, error) {
	if len(grad) != b.Size() {
		return 0, fmt.Errorf("engine: gradient of %d numbers, want %d", len(grad), b.Size())
	}
	v, err := b.values(theta)
	if err != nil {
		return 0, err
	}
	v.M = m
	out, err := b.eval(ctx, e, s, v, mask)
	if err != nil {
		return 0, err
	}
	b.gather(grad, out[1:])
	return out[0][0], nil
}

// gather writes values by parameter into a vector like θ; a scalar fills its parameter.
func (b *Objective) gather(theta []float64, by [][]float64) {
	for i, v := range by {
		to := theta[b.begin[i]:b.begin[i+1]]
		if len(v) == 1 {
			for k := range to {
				to[k] = v[0]
			}
			continue
		}
		copy(to, v)
	}
}

// Cost is J at θ, without its gradient. The point stays.
func (b *Objective) Cost(ctx context.Context, theta []float64) (float64, error) {
	v, err := b.values(theta)
	if err != nil {
		return 0, err
	}
	out, err := b.eval(ctx, b.e, b.alone, v, b.o.Mask)
	if err != nil {
		return 0, err
	}
	return out[0][0], nil
}

// CostGradientRows estimates J and its gradient from some rows (a mini-batch; rows may repeat): the mean over them
// instead of over all, weighted rows so that the estimate is unbiased, and the whole penalty. The source must be a
// *Memory. The point stays.
func (b *Objective) CostGradientRows(ctx context.Context, theta []float64, rows []int, grad []float64) (float64, error) {
	m, ok := b.e.src.(*Memory)
	if !ok {
		return 0, errors.New("engine: mini-batches need all rows in memory")
	}
	if len(rows) == 0 {
		return 0, errors.New("engine: a mini-batch of no rows")
	}
	total := float64(m.plan.Rows)
	if c := b.o.Mask.Counts; c != nil {
		total = 0
		for _, k := range c {
			total += float64(k)
		}
	}
	var mask Mask
	for _, r := range rows {
		if r < 0 || r >= m.plan.Rows {
			return 0, fmt.Errorf("engine: no row %d in %d", r, m.plan.Rows)
		}
	}
	if c := b.o.Mask.Counts; c != nil {
		mask.Counts = make([]uint16, len(rows))
		for i, r := range rows {
			mask.Counts[i] = c[r]
		}
	}
	if len(b.in.Columns) > 0 {
		return 0, errors.New("engine: mini-batches of rows with columns of their own")
	}
	src, err := m.Gather(rows)
	if err != nil {
		return 0, err
	}
	e := &Engine{src: src, layout: src.plan, o: b.e.o, kernels: b.e.kernels, chunk: b.e.chunk, block: b.e.block}
	e.to = e.layout.chunks()
	e.o.From, e.o.To, e.o.Reduce = 0, 0, nil
	if len(rows) < 4096 {
		e.o.Threads = 1
	}
	return b.costGradient(ctx, e, b.full, theta, grad, b.m*float64(len(rows))/total, mask)
}

// String lists the programs. Values have the equations' names if g.Derive(root) came before NewObjective.
func (b *Objective) String() string {
	var s strings.Builder
	s.WriteString("cost and gradient, for every block of rows:\n" + b.full.program.String())
	if b.product != nil {
		s.WriteString("H·v:\n" + b.product.program.String())
	}
	if b.line != nil {
		s.WriteString("along a line:\n" + b.line.program.String())
	}
	return s.String()
}
