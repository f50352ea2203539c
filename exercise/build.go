package exercise

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/descent-ml/descent/graph"
)

// A value is a node and how it lies: a vector of n is n x 1 and one value for every example is 1 x m, as in the lecture, unless turned.
type value struct {
	node   *graph.Node
	turned bool
}

// A reading is one way to understand what a learner writes. Most equations mean the same in all.
type reading struct {
	strict bool // shapes are those of matrices: X, dZ.T
	rows   bool // examples are the rows of X, not the columns
	over   over // what sum(u) of a vector for each example adds up
}

type over uint8

const (
	components over = iota // what the graph calls sum
	examples
	everything
)

// A builder makes nodes of an expression.
type builder struct {
	reading
	g     *graph.Graph
	names func(name string) (value, error)
	m     *graph.Node // m, the number of examples (or the sum of their weights)
	line  int
	dims  func(n int) string // what a number of components is called: n, K
}

// misfit is an error about shapes.
type misfit struct{ error }

func (m misfit) Unwrap() error { return m.error }

func (b *builder) fail(e *graph.Expression, format string, args ...any) error {
	return &graph.Error{Line: b.line, Column: e.Column, Message: fmt.Sprintf(format, args...)}
}

func (b *builder) misfit(e *graph.Expression, format string, args ...any) error {
	return misfit{b.fail(e, format, args...)}
}

// shape is (n, m) for people.
func (b *builder) shape(v value) string {
	s := v.node.Shape
	rows, cols := "1", "1"
	switch {
	case s.IsMatrix():
		rows, cols = b.dims(s.Rows), b.dims(s.Cols)
		if s.PerRow {
			return fmt.Sprintf("a matrix (%s, %s) for each example", rows, cols)
		}
	case s.IsVector() && s.PerRow:
		rows, cols = b.dims(s.Rows), "m"
	case s.IsVector():
		rows = b.dims(s.Rows)
	case s.PerRow:
		cols = "m"
	default:
		return "one number"
	}
	if v.turned {
		rows, cols = cols, rows
	}
	return "(" + rows + ", " + cols + ")"
}

// is says what a part of an expression is.
func (b *builder) is(e *graph.Expression, v value) string {
	text := e.String()
	if len([]rune(text)) > 40 {
		text = string([]rune(text)[:39]) + "…"
	}
	return text + " is " + b.shape(v)
}

func (b *builder) apply(e *graph.Expression, op string, args ...*graph.Node) (*graph.Node, error) {
	n, err := b.g.Apply(op, args...)
	if err != nil {
		return nil, b.misfit(e, "%v", err)
	}
	return n, nil
}

func single(v value) bool { return v.node.Shape.IsScalar() && !v.node.Shape.PerRow }

// build makes the value of e.
func (b *builder) build(e *graph.Expression) (value, error) {
	switch {
	case e.Number != nil:
		return value{node: b.g.Const(e.Number)}, nil
	case e.Call == "":
		v, err := b.names(e.Name)
		var placed *graph.Error
		if err != nil && !errors.As(err, &placed) {
			err = b.fail(e, "%v", err)
		}
		return v, err
	}
	call, known := alias[e.Call]
	if !known {
		call = e.Call
	}
	want, known := arity[call]
	if !known {
		return value{}, b.fail(e, "no function is called %s; known are %s", e.Call, strings.Join(functions(), ", "))
	}
	most := want
	if call == "sum" || call == "mean" {
		most = 2
	}
	if len(e.Args) < want || len(e.Args) > most {
		return value{}, b.fail(e, "%s takes %d argument%s, not %d", e.Call, want, map[bool]string{true: "s"}[want != 1], len(e.Args))
	}
	args := make([]value, len(e.Args))
	for i, a := range e.Args {
		var err error
		if args[i], err = b.build(a); err != nil {
			return value{}, err
		}
	}
	switch call {
	case "same":
		return args[0], nil
	case "T":
		args[0].turned = b.strict && !args[0].turned && !single(args[0])
		return args[0], nil
	case overRows, "sum", "mean":
		return b.reduce(e, call, args)
	case "dot":
		if b.strict {
			return b.product(e, args[0], args[1])
		}
		return b.looseProduct(e, args[0], args[1])
	case "outer":
		n, err := b.apply(e, "outer", args[0].node, args[1].node)
		return value{node: n}, err
	case "dotT", "softmax", "logsumexp":
		nodes := make([]*graph.Node, len(args))
		for i, v := range args {
			nodes[i] = v.node
		}
		n, err := b.apply(e, call, nodes...)
		return value{node: n, turned: args[len(args)-1].turned}, err
	case "log2", "log10":
		base := map[string]int64{"log2": 2, "log10": 10}[call]
		u, err := b.apply(e, "log", args[0].node)
		if err != nil {
			return value{}, err
		}
		below, err := b.apply(e, "log", b.g.Const(big.NewRat(base, 1)))
		if err != nil {
			return value{}, err
		}
		u, err = b.apply(e, "div", u, below)
		return value{u, args[0].turned}, err
	case "square", "sqrt":
		power := map[string]*big.Rat{"square": big.NewRat(2, 1), "sqrt": big.NewRat(1, 2)}[call]
		u, err := b.apply(e, "pow", args[0].node, b.g.Const(power))
		return value{u, args[0].turned}, err
	}
	if len(args) == 1 {
		u, err := b.apply(e, call, args[0].node)
		return value{u, args[0].turned}, err
	}
	return b.elementwise(e, call, args[0], args[1])
}

// elementwise is + - * / and what is like them: numbers stretch, and what lies differently does not fit.
func (b *builder) elementwise(e *graph.Expression, call string, u, v value) (value, error) {
	out := value{turned: u.turned}
	if single(u) {
		out.turned = v.turned
	}
	if b.strict && !single(u) && !single(v) && u.turned != v.turned {
		message := fmt.Sprintf("%s and %s: these do not fit", b.is(e.Args[0], u), b.is(e.Args[1], v))
		if u.node.Shape.IsScalar() && v.node.Shape.IsScalar() {
			message = fmt.Sprintf("%s and %s: numpy makes a table (m, m) of them", b.is(e.Args[0], u), b.is(e.Args[1], v))
		}
		return value{}, b.misfit(e, "%s", message)
	}
	n, err := b.g.Apply(call, u.node, v.node)
	if err != nil {
		return value{}, b.misfit(e, "%s and %s: these do not fit", b.is(e.Args[0], u), b.is(e.Args[1], v))
	}
	out.node = n
	return out, nil
}

// reduce is a sum or a mean, over components or over examples.
func (b *builder) reduce(e *graph.Expression, call string, args []value) (value, error) {
	u := args[0]
	s := u.node.Shape
	what := b.over
	if call == overRows || s.IsScalar() {
		what = examples
	} else if call == "mean" && what == components && s.PerRow {
		what = examples
	}
	if len(args) == 2 {
		axis := e.Args[1]
		if axis.Number == nil || axis.Number.Sign() != 0 && axis.Number.Cmp(big.NewRat(1, 1)) != 0 {
			return value{}, b.fail(axis, "the axis of %s is 0 or 1", e.Call)
		}
		along := axis.Number.Sign() != 0 != u.turned // the examples are columns
		if b.rows && !b.strict {
			along = axis.Number.Sign() == 0
		}
		what = components
		if along {
			what = examples
		}
		if s.IsScalar() && what == components {
			return u, nil // a sum of one
		}
	}
	n := u.node
	var err error
	size := int64(1)
	if what != examples && !s.IsScalar() {
		if n, err = b.apply(e, "sum", n); err != nil {
			return value{}, err
		}
		size = int64(s.Size())
	}
	if what != components && s.PerRow {
		if n, err = b.apply(e, "mean", n); err != nil {
			return value{}, err
		}
		if call != "mean" {
			if n, err = b.apply(e, "mul", b.m, n); err != nil {
				return value{}, err
			}
		}
	} else if what == examples && call == "mean" && !s.PerRow && !s.IsScalar() {
		if n, err = b.apply(e, "sum", n); err != nil {
			return value{}, err
		}
		size = int64(s.Size())
	}
	if call == "mean" && size > 1 {
		if n, err = b.apply(e, "div", n, b.g.Const(big.NewRat(size, 1))); err != nil {
			return value{}, err
		}
	}
	return value{n, u.turned && !n.Shape.IsScalar()}, nil
}

// sumOf is m·mean(op(u, v)): over the examples.
func (b *builder) sumOf(e *graph.Expression, op string, u, v *graph.Node, turned bool) (value, error) {
	n, err := b.apply(e, op, u, v)
	if err == nil {
		n, err = b.apply(e, "mean", n)
	}
	if err == nil {
		n, err = b.apply(e, "mul", b.m, n)
	}
	return value{n, turned}, err
}

// looseProduct is dot where nothing is said of how things lie: over components where there are some to pair, else over the examples.
func (b *builder) looseProduct(e *graph.Expression, u, v value) (value, error) {
	s, t := u.node.Shape, v.node.Shape
	switch {
	case single(u) || single(v):
		return b.elementwise(e, "mul", u, v)
	case s.PerRow && t.PerRow && !s.IsMatrix() && !t.IsMatrix() && (s.IsScalar() || t.IsScalar()):
		return b.sumOf(e, "mul", u.node, v.node, false)
	case s.PerRow && t.PerRow && s.IsVector() && t.IsVector() && b.over != components:
		return b.sumOf(e, "outer", u.node, v.node, false)
	case s.IsScalar() || t.IsScalar():
		return b.elementwise(e, "mul", u, v)
	}
	for _, pair := range [][2]value{{u, v}, {v, u}} {
		if n, err := b.g.Apply("dot", pair[0].node, pair[1].node); err == nil {
			return value{node: n}, nil
		}
	}
	for _, pair := range [][2]value{{u, v}, {v, u}} {
		if n, err := b.g.Apply("dotT", pair[0].node, pair[1].node); err == nil {
			return value{node: n}, nil
		}
	}
	if s.PerRow && t.PerRow && s.IsVector() && t.IsVector() {
		return b.sumOf(e, "outer", u.node, v.node, false)
	}
	return value{}, b.misfit(e, "dot: %s and %s: these do not fit", b.is(e.Args[0], u), b.is(e.Args[1], v))
}

// sides are the rows and columns of a value: 0 for 1, -1 for m, else a number of components.
func (v value) sides() (rows, cols int) {
	s := v.node.Shape
	rows, cols = s.Rows, s.Cols
	if s.PerRow {
		cols = -1
	}
	if v.turned {
		rows, cols = cols, rows
	}
	return rows, cols
}

// product is the product of two matrices.
func (b *builder) product(e *graph.Expression, u, v value) (value, error) {
	if single(u) || single(v) {
		return b.elementwise(e, "mul", u, v)
	}
	misfit := func() (value, error) {
		text := fmt.Sprintf("dot(%s, %s): %s and %s", e.Args[0], e.Args[1], b.is(e.Args[0], u), b.is(e.Args[1], v))
		_, inner := u.sides()
		if other, _ := v.sides(); inner != other {
			text += ", and the inner two must be equal"
		} else {
			text += ", which makes a table (m, m) of all pairs of examples"
		}
		return value{}, b.misfit(e, "%s", text)
	}
	s, t := u.node.Shape, v.node.Shape
	if s.PerRow && s.IsMatrix() || t.PerRow && t.IsMatrix() {
		return misfit()
	}
	r, inner := u.sides()
	other, c := v.sides()
	switch {
	case inner != other || r == -1 && c == -1:
		return misfit()
	case inner == -1: // over the examples
		switch {
		case s.IsScalar() || t.IsScalar():
			return b.sumOf(e, "mul", u.node, v.node, s.IsScalar() && !t.IsScalar())
		}
		return b.sumOf(e, "outer", u.node, v.node, false)
	case inner == 0: // all products
		if s.IsScalar() || t.IsScalar() {
			return b.flat(e, "mul", u, v, r, c)
		}
		n, err := b.apply(e, "outer", u.node, v.node)
		return value{node: n}, err
	case s.IsMatrix() && t.IsMatrix():
		return misfit()
	case s.IsMatrix() && u.turned:
		return b.flat(e, "dotT", u, v, r, c)
	case s.IsMatrix():
		return b.flat(e, "dot", u, v, r, c)
	case t.IsMatrix() && v.turned:
		return b.flat(e, "dot", v, u, r, c)
	case t.IsMatrix():
		return b.flat(e, "dotT", v, u, r, c)
	}
	return b.flat(e, "dot", u, v, r, c)
}

// flat is a node that has r rows and c columns.
func (b *builder) flat(e *graph.Expression, op string, u, v value, r, c int) (value, error) {
	n, err := b.apply(e, op, u.node, v.node)
	if err != nil {
		return value{}, err
	}
	out := value{node: n}
	if rows, cols := out.sides(); rows != r || cols != c {
		out.turned = true
	}
	return out, nil
}

// alias are other names of functions.
var alias = map[string]string{
	"matmul": "dot", "vdot": "dot", "inner": "dot", "multiply": "mul", "subtract": "sub", "divide": "div", "power": "pow", "negative": "neg",
	"transpose": "T", "ln": "log", "σ": "sigmoid", "expit": "sigmoid", "average": "mean", "asarray": "same", "array": "same", "squeeze": "same", "float": "same",
	"maximum": "max",
}

// arity is what a function takes.
var arity = map[string]int{
	"add": 2, "sub": 2, "mul": 2, "div": 2, "pow": 2, "neg": 1, "T": 1, "same": 1, overRows: 1, "sum": 1, "mean": 1, "dot": 2, "dotT": 2, "outer": 2,
	"softmax": 1, "logsumexp": 1, "log2": 1, "log10": 1, "square": 1, "sqrt": 1, "log": 1, "log1p": 1, "exp": 1, "sigmoid": 1, "softplus": 1, "tanh": 1, "relu": 1,
	"abs": 1, "max": 2, "gt": 2,
}

func functions() []string {
	var all []string
	for name := range arity {
		switch name {
		case "add", "sub", "mul", "div", "pow", "neg", "T", "same", overRows, "dotT":
		default:
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}
