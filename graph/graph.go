// Package graph holds equations as a computation graph: it parses them, evaluates them,
// differentiates them, simplifies them by named and proved rules, and lowers them to what runs.
//
//	g, err := graph.Parse("z = w*x + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))")
//	err = g.Derive("L") // adds da, dz, dw, db
//	dz, _ := g.Lookup("dz")
//
// A graph is data, and equal nodes are one node. So "derived" can be proved: the dz of the lecture,
// da*(a*(1 - a)), and the dz of the simplified loss end in the same node, a - y.
//
// The package knows ops, not models: nothing in it has heard of logistic regression, data files or
// training. A Graph must not be used by two goroutines at a time, not even for reading, because
// making and looking up nodes, even their ranges, is remembered in the graph. Eval alone may run in
// many goroutines while the graph is left alone.
package graph

import (
	"fmt"
	"math/big"
)

// A Graph makes nodes and keeps the definitions. The zero Graph is not ready; use New or Parse.
type Graph struct {
	// Defs are the definitions in order: what the equations define, then what Derive added. A
	// definition is made of leaves and earlier definitions.
	Defs []Def

	// Rules are what Simplify and Lower may do. New fills them from the table of ops; a copy with a
	// row changed or left out changes what comes out.
	Rules []Rule

	// Budget bounds the candidates that one Simplify tries, more so in large graphs, and four times as
	// many in one Derive: equations are untrusted. New sets DefaultBudget.
	Budget int

	// Declared are the parameters that the equations themselves declare, in order.
	Declared []string

	index    map[string]*Node // leaves
	applied  map[application]*Node
	named    map[string]*Node // leaves and written definitions
	lines    map[string]int   // line a name was defined on
	next     int
	left     int // of the budget
	closed   bool
	sizes    map[string]int // of declarations
	ranges   map[*Node]Interval
	patterns map[string]*Pattern
}

// DefaultBudget is the number of candidates one Simplify may try. Log loss needs a few dozen.
const DefaultBudget = 2000

// A Def is a name with both its forms and the way between them.
type Def struct {
	Name    string
	Written *Node  // as in the equations, or by the chain rule from the equations as they are
	Runs    *Node  // the form that trains: nil until Derive has simplified it
	Why     []Step // from Written to Runs
	Met     bool   // Why simplifies Written until it is Runs, the same node: two roads meet
	Of      string // added by Derive: the name it is the derivative with respect to; empty: an equation
}

// A Step is one line of a derivation: Rule took Before to After, because of Facts.
type Step struct {
	Rule          string
	Before, After *Node
	Facts         []string
	rule          *Rule // a local rule; nil: arithmetic
	compare       bool  // proved by comparing values
}

// New is an empty graph.
func New() *Graph {
	return &Graph{
		Rules:    Rules(),
		Budget:   DefaultBudget,
		index:    map[string]*Node{},
		applied:  map[application]*Node{},
		named:    map[string]*Node{},
		lines:    map[string]int{},
		ranges:   map[*Node]Interval{},
		patterns: map[string]*Pattern{},
	}
}

// OverBudget reports whether the last Simplify or Derive stopped at its budget: what it returned has
// the right values wherever the equations have them, but might be simpler, and a form that is not safe
// (log of a sigmoid, say) may be left in it. Whoever trains or shows it has to say so.
func (g *Graph) OverBudget() bool { return g.left < 0 }

// Define gives a node a name. The name must be free.
func (g *Graph) Define(name string, n *Node) error {
	if err := checkName(name); err != nil {
		return err
	}
	if n == nil || n.graph != g {
		return fmt.Errorf("%s: not a node of this graph", name)
	}
	if _, ok := g.named[name]; ok {
		return fmt.Errorf("%s is already defined", name)
	}
	g.named[name] = n
	g.Defs = append(g.Defs, Def{Name: name, Written: n})
	return nil
}

// Lookup finds a leaf or a definition by name; of a definition, the node as written.
func (g *Graph) Lookup(name string) (*Node, bool) {
	n, ok := g.named[name]
	return n, ok
}

// Def finds a definition by name.
func (g *Graph) Def(name string) (*Def, bool) {
	for i := range g.Defs {
		if g.Defs[i].Name == name {
			return &g.Defs[i], true
		}
	}
	return nil, false
}

// A buildError carries an error through the recursive builders; exported functions catch it.
type buildError struct{ err error }

func catch(err *error) {
	switch p := recover().(type) {
	case nil:
	case buildError:
		*err = p.err
	default:
		panic(p)
	}
}

// make is Apply for derivatives and rewrites. It does silently what one does on a blackboard: 0 and
// 1, double minus, minus drawn out of products, u*(1/v) = u/v, and arithmetic of constants.
//
// The result has the components of Apply's result, but it may have lost PerRow: 0*x is 0.
func (g *Graph) make(op string, args ...*Node) *Node {
	switch op {
	case "alias":
		return args[0]
	case "neg":
		return g.minus(args[0])
	case "add":
		return g.plus(args[0], args[1])
	case "sub":
		return g.plus(args[0], g.minus(args[1]))
	case "mul":
		return g.times(args[0], args[1])
	case "div":
		return g.over(args[0], args[1])
	case "pow":
		return g.power(args[0], args[1])
	case "sum":
		switch {
		case args[0].Shape.IsScalar():
			return args[0]
		case args[0].is("fill"):
			return g.times(g.integer(int64(args[0].Shape.Size())), args[0].Args[0])
		}
	case "mean":
		if args[0].isZero() {
			return args[0]
		}
	case "fill":
		if args[1].Shape.IsScalar() {
			return args[0]
		}
	}
	if o := ops[op]; o != nil && o.Role.bilinear() && (args[0].isZero() || args[1].isZero()) {
		return g.integer(0)
	}
	return g.raw(op, args...)
}

func (g *Graph) raw(op string, args ...*Node) *Node {
	n, err := g.Apply(op, args...)
	if err != nil {
		panic(buildError{err})
	}
	return n
}

// maxConstantBits bounds the arithmetic of constants: 1e308 squared, squared … is left as written.
const maxConstantBits = 4096

func small(r *big.Rat) bool {
	return r.Num().BitLen() <= maxConstantBits && r.Denom().BitLen() <= maxConstantBits
}

func (g *Graph) minus(u *Node) *Node {
	if c, ok := u.constant(); ok {
		return g.Const(new(big.Rat).Neg(c))
	}
	if u.is("neg") {
		return u.Args[0]
	}
	return g.raw("neg", u)
}

func (g *Graph) plus(u, v *Node) *Node {
	cu, ku := u.constant()
	cv, kv := v.constant()
	switch {
	case ku && kv:
		if s := new(big.Rat).Add(cu, cv); small(s) {
			return g.Const(s)
		}
	case u.isZero() && covers(v, u):
		return v
	case v.isZero() && covers(u, v):
		return u
	}
	if u == v && u.is("neg") {
		return g.minus(g.plus(u.Args[0], v.Args[0]))
	}
	if v.is("neg") {
		return g.raw("sub", u, v.Args[0])
	}
	if kv && cv.Sign() < 0 {
		return g.raw("sub", u, g.minus(v))
	}
	return g.raw("add", u, v)
}

// filled is the constant c in the shape of the first of like that is not a scalar.
func (g *Graph) filled(c int64, like ...*Node) *Node {
	for _, n := range like {
		if !n.Shape.IsScalar() {
			return g.raw("fill", g.integer(c), n)
		}
	}
	return g.integer(c)
}

// isZero: the constant 0, in one component or in all.
func (n *Node) isZero() bool { return n.isInt(0) || n.is("fill") && n.Args[0].isInt(0) }

// covers reports whether u alone has the shape of an elementwise op on u and v.
func covers(u, v *Node) bool {
	s, err := broadcast([]Shape{u.Shape, v.Shape})
	return err == nil && s == u.Shape
}

func (g *Graph) times(u, v *Node) *Node {
	cu, ku := u.constant()
	cv, kv := v.constant()
	switch {
	case ku && kv:
		if p := new(big.Rat).Mul(cu, cv); small(p) {
			return g.Const(p)
		}
	case u.isZero():
		return g.filled(0, v, u)
	case v.isZero():
		return g.filled(0, u, v)
	case u.isInt(1):
		return v
	case v.isInt(1):
		return u
	case u.isInt(-1):
		return g.minus(v)
	case v.isInt(-1):
		return g.minus(u)
	}
	switch {
	case u.is("neg"):
		return g.minus(g.times(u.Args[0], v))
	case v.is("neg"):
		return g.minus(g.times(u, v.Args[0]))
	case v.is("div") && v.Args[0].isInt(1):
		return g.over(u, v.Args[1])
	case u.is("div") && u.Args[0].isInt(1):
		return g.over(v, u.Args[1])
	}
	return g.raw("mul", u, v)
}

func (g *Graph) over(u, v *Node) *Node {
	cu, ku := u.constant()
	cv, kv := v.constant()
	switch {
	case kv && cv.Sign() != 0 && ku:
		if q := new(big.Rat).Quo(cu, cv); small(q) {
			return g.Const(q)
		}
	case u.isZero() && !v.isZero():
		return g.filled(0, v, u)
	case v.isInt(1):
		return u
	case v.isInt(-1):
		return g.minus(u)
	case u.is("neg"):
		return g.minus(g.over(u.Args[0], v))
	case v.is("neg"):
		return g.minus(g.over(u, v.Args[0]))
	}
	return g.raw("div", u, v)
}

func (g *Graph) power(u, v *Node) *Node {
	if v.isInt(1) {
		return u
	}
	if v.isInt(0) {
		return g.filled(1, u) // as math.Pow and the derivative of u^1 have it: also 0^0
	}
	if u.isInt(1) {
		return u
	}
	return g.raw("pow", u, v)
}
