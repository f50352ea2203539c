package graph

import (
	"fmt"
	"math/big"
	"sort"
)

// A Node is one value of the graph: a leaf, or an op applied to other nodes. Nodes are made by a
// Graph, once, and never changed; nodes with the same op and arguments are the same node (the order
// of the arguments of + and * does not matter), so pointers can be compared.
type Node struct {
	ID    int // arguments have smaller numbers than their users
	Op    *Op // nil: a leaf
	Args  []*Node
	Shape Shape
	Leaf  *Leaf // nil: not a leaf
	graph *Graph
}

// A Kind says where a leaf's value comes from.
type Kind uint8

// The kinds of leaves.
const (
	Constant  Kind = iota // written in the equations, exact
	Input                 // data, or a setting such as lambda: no derivative is wanted
	Parameter             // trained
)

func (k Kind) String() string {
	switch k {
	case Constant:
		return "constant"
	case Input:
		return "input"
	}
	return "parameter"
}

// A Leaf is where values enter a graph: an exact constant, an input, or a parameter.
type Leaf struct {
	Kind  Kind
	Name  string   // inputs and parameters
	Value *big.Rat // constants
	Shape Shape
	Fact  Fact
}

// Const is the node of an exact constant.
func (g *Graph) Const(r *big.Rat) *Node {
	key := "c" + r.RatString()
	if n, ok := g.index[key]; ok {
		return n
	}
	v := new(big.Rat).Set(r)
	return g.intern(key, &Node{Leaf: &Leaf{Kind: Constant, Value: v}})
}

func (g *Graph) integer(i int64) *Node { return g.Const(big.NewRat(i, 1)) }

// Leaf is the node of a named input or parameter, made on the first call. Asking again with another
// kind, shape or fact is an error, as is a name that is taken by a definition, is not a name, or is a
// function's.
func (g *Graph) Leaf(l Leaf) (*Node, error) {
	if l.Kind == Constant {
		if l.Value == nil {
			return nil, fmt.Errorf("constant leaf without a value")
		}
		return g.Const(l.Value), nil
	}
	if err := checkName(l.Name); err != nil {
		return nil, err
	}
	if err := l.Shape.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", l.Name, err)
	}
	if r := l.Fact.Range; r != nil && !(r.Lo <= r.Hi) {
		return nil, fmt.Errorf("%s: its range from %v to %v holds nothing", l.Name, r.Lo, r.Hi)
	}
	if n, ok := g.named[l.Name]; ok {
		if n.Leaf == nil || n.Leaf.Name != l.Name {
			return nil, fmt.Errorf("%s is already defined by an equation", l.Name)
		}
		if n.Leaf.Kind != l.Kind || n.Shape != l.Shape || !sameFact(n.Leaf.Fact, l.Fact) {
			return nil, fmt.Errorf("%s is already a leaf of another kind, shape or fact", l.Name)
		}
		return n, nil
	}
	n := g.intern("l"+l.Name, &Node{Leaf: &l, Shape: l.Shape})
	g.named[l.Name] = n
	return n, nil
}

func sameFact(a, b Fact) bool {
	if (a.Range == nil) != (b.Range == nil) || (a.Total == nil) != (b.Total == nil) {
		return false
	}
	return (a.Range == nil || *a.Range == *b.Range) && (a.Total == nil || a.Total.Cmp(b.Total) == 0)
}

// Apply is the node of op applied to args, exactly as asked: nothing is folded or rewritten. The
// error says which op, and what about the number or shapes of its arguments does not fit.
func (g *Graph) Apply(op string, args ...*Node) (*Node, error) {
	o, ok := ops[op]
	if !ok {
		return nil, fmt.Errorf("no op is called %q", op)
	}
	return g.apply(o, args)
}

func (g *Graph) apply(o *Op, args []*Node) (*Node, error) {
	if len(args) != o.Arity {
		return nil, fmt.Errorf("%s takes %d argument%s, not %d", o.Name, o.Arity, plural(o.Arity), len(args))
	}
	for i, a := range args {
		if a == nil || a.graph != g {
			return nil, fmt.Errorf("%s: argument %d is not a node of this graph", o.Name, i+1)
		}
	}
	key := application{op: o}
	for i, a := range args {
		if o.Commutes && args[0].ID > args[1].ID {
			a = args[1-i]
		}
		key.args[i] = a
	}
	if n, ok := g.applied[key]; ok {
		return n, nil
	}
	shapes := make([]Shape, len(args))
	for i, a := range args {
		shapes[i] = a.Shape
	}
	rule := o.Shape
	if rule == nil {
		rule = broadcast
	}
	shape, err := rule(shapes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	n := g.number(&Node{Op: o, Args: append([]*Node(nil), args...), Shape: shape})
	g.applied[key] = n
	return n, nil
}

// An application is what makes two nodes the same: the op and its arguments, in the order of their
// numbers where that does not matter.
type application struct {
	op   *Op
	args [3]*Node
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

func (g *Graph) intern(key string, n *Node) *Node {
	g.index[key] = g.number(n)
	return n
}

func (g *Graph) number(n *Node) *Node {
	n.ID = g.next
	n.graph = g
	g.next++
	return n
}

// A nodeMap is a map of nodes by number, which is emptied at once and used again.
type nodeMap struct {
	of    []*Node
	since []uint32
	now   uint32
}

func (m *nodeMap) clear() {
	if m.now++; m.now == 0 {
		m.of, m.since, m.now = nil, nil, 1
	}
}

func (m *nodeMap) get(n *Node) (*Node, bool) {
	if n.ID < len(m.since) && m.since[n.ID] == m.now {
		return m.of[n.ID], true
	}
	return nil, false
}

func (m *nodeMap) set(n, to *Node) {
	if n.ID >= len(m.since) {
		size := max(2*n.ID, 64)
		m.of = append(m.of, make([]*Node, size-len(m.of))...)
		m.since = append(m.since, make([]uint32, size-len(m.since))...)
	}
	m.of[n.ID], m.since[n.ID] = to, m.now
}

// isInt reports whether n is the constant i.
func (n *Node) isInt(i int64) bool {
	v, ok := n.constant()
	return ok && v.IsInt() && v.Num().IsInt64() && v.Num().Int64() == i
}

func (n *Node) constant() (*big.Rat, bool) {
	if n.Leaf != nil && n.Leaf.Kind == Constant {
		return n.Leaf.Value, true
	}
	return nil, false
}

// is reports whether n is an op of that name.
func (n *Node) is(op string) bool { return n.Op != nil && n.Op.Name == op }

// below is every node under roots, arguments before their users, each once.
func below(roots ...*Node) []*Node {
	return belowUntil(func(*Node) bool { return false }, roots...)
}

// belowUntil is below without what is only under nodes at which stop is true.
func belowUntil(stop func(*Node) bool, roots ...*Node) []*Node {
	var out []*Node
	seen := map[*Node]bool{}
	var visit func(n *Node)
	visit = func(n *Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if !stop(n) {
			for _, a := range n.Args {
				visit(a)
			}
		}
		out = append(out, n)
	}
	for _, r := range roots {
		visit(r)
	}
	return out
}

// Below lists every node the roots are made of, the roots included: arguments before their users,
// each node once, in an order that depends on the roots only.
func Below(roots ...*Node) []*Node { return below(roots...) }

func sortedByID(nodes []*Node) []*Node {
	out := append([]*Node(nil), nodes...)
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}
