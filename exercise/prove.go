package exercise

import (
	"errors"
	"slices"

	"github.com/descent-ml/descent/graph"
)

// prove says whether equation i gives the graph's own node: where both, simplified, are one node, or their difference is 0 by the rules, or both
// are equal in exact rational numbers (graph.Step).
func (s *session) prove(i int, t *target, r reading) bool {
	if t.index == 0 && !s.hasComponents(s.equations[i].right, i) {
		truth := t.node.each
		if t.node.all != nil && !t.each {
			truth = t.node.all
		}
		return s.proveIn(s.graph, i, t, r, truth, func(name string) (*graph.Node, error) { return s.written(name, t.each) })
	}
	for _, open := range []bool{false, true} {
		p := &scalars{session: s, g: graph.New(), of: map[*graph.Node][]*graph.Node{}, open: open, each: t.each}
		if p.target = t.node; open && s.inputs > mostComponents {
			continue
		}
		truth := t.node.each
		if t.node.all != nil && !t.each {
			truth = t.node.all
		}
		parts, err := p.translate(truth)
		if err != nil || t.index > len(parts) || t.index == 0 && len(parts) != 1 {
			continue
		}
		if s.proveIn(p.g, i, t, r, parts[max(t.index, 1)-1], p.name) {
			return true
		}
	}
	return false
}

// mostComponents is up to where dot products are written out for a proof.
const mostComponents = 24

// written is the node of a name in the graph.
func (s *session) written(name string, one bool) (*graph.Node, error) {
	if n := s.by[name]; n != nil {
		if n.all != nil && !(n.parameter && one) {
			return n.all, nil
		}
		return n.each, nil
	}
	if n, ok := s.graph.Lookup(name); ok {
		return n, nil
	}
	return nil, errNoProof
}

var errNoProof = errors.New("not in the graph")

func (s *session) proveIn(g *graph.Graph, i int, t *target, r reading, truth *graph.Node, names func(string) (*graph.Node, error)) bool {
	m, err := names("m")
	if err != nil {
		return false
	}
	b := &builder{reading: r, g: g, m: m, dims: s.dims, line: 1}
	at := i
	b.names = func(name string) (value, error) {
		if j := s.helper(name, at); j >= 0 {
			return b.build(s.equations[j].right)
		}
		known, _ := s.canonical(name)
		n, err := names(known)
		if err != nil {
			return value{}, err
		}
		leaf, err := s.leaf(known)
		return value{n, s.lies(leaf, known, r)}, err
	}
	v, err := b.build(s.equations[i].right)
	if err != nil {
		return false
	}
	if v.node.Shape.IsMatrix() && v.node != truth && v.turned != s.lies(truth, t.name, r) {
		if v.node = turn(g, v.node); v.node == nil {
			return false
		}
	}
	return equal(g, v.node, truth, 3)
}

// equal proves that two nodes have the same values, going down as many levels of what is not arithmetic.
func equal(g *graph.Graph, u, v *graph.Node, levels int) bool {
	if u == v {
		return true
	}
	if u.Shape != v.Shape {
		return false
	}
	for _, form := range []func(*graph.Graph, *graph.Node) *graph.Node{func(_ *graph.Graph, n *graph.Node) *graph.Node { return n }, standard} {
		a, b := form(g, u), form(g, v)
		mine, _, err := g.Simplify(a)
		if err != nil {
			return false
		}
		theirs, _, err := g.Simplify(b)
		if err != nil {
			return false
		}
		if mine[0] == theirs[0] {
			return true
		}
		for _, pair := range [][2]*graph.Node{{a, b}, {mine[0], theirs[0]}} {
			d, err := g.Apply("sub", pair[0], pair[1])
			if err != nil {
				return false
			}
			if zero, _, err := g.Simplify(d); err == nil && isZero(zero[0]) {
				return true
			}
		}
		if (graph.Step{Rule: "equal", Before: mine[0], After: theirs[0]}).Prove(1) == nil {
			return true
		}
		if a.Op != nil && a.Op == b.Op && !a.Op.Elementwise() && levels > 0 {
			all := true
			for k := range a.Args {
				all = all && equal(g, a.Args[k], b.Args[k], levels-1)
			}
			if all {
				return true
			}
		}
	}
	return false
}

// standard writes the product of two vectors as sum(u*v), and takes what is the same for all examples into their mean: mean(u)/m is mean(u/m).
func standard(g *graph.Graph, root *graph.Node) *graph.Node {
	of := map[*graph.Node]*graph.Node{}
	isMean := func(n *graph.Node) bool { return n.Op != nil && n.Op.Role == graph.OverRows }
	for _, n := range graph.Below(root) {
		if n.Op == nil {
			of[n] = n
			continue
		}
		args := make([]*graph.Node, len(n.Args))
		for i, a := range n.Args {
			args[i] = of[a]
		}
		apply := func(op string, args ...*graph.Node) *graph.Node {
			k, err := g.Apply(op, args...)
			if err != nil {
				return nil
			}
			return k
		}
		var out *graph.Node
		switch r := n.Op.Role; {
		case r == graph.Same:
			out = args[0]
		case r == graph.Contract && args[0].Shape.IsVector():
			if k := apply("mul", args[0], args[1]); k != nil {
				out = apply("sum", k)
			}
		case r == graph.Opposite && isMean(args[0]):
			if k := apply("neg", args[0].Args[0]); k != nil {
				out = apply("mean", k)
			}
		case (r == graph.Plus || r == graph.Minus) && isMean(args[0]) && isMean(args[1]):
			if k := apply(n.Op.Name, args[0].Args[0], args[1].Args[0]); k != nil {
				out = apply("mean", k)
			}
		case r == graph.Times && isMean(args[0]) != isMean(args[1]):
			u, c := args[0], args[1]
			if isMean(c) {
				u, c = c, u
			}
			if k := apply("mul", c, u.Args[0]); k != nil {
				out = apply("mean", k)
			}
		case r == graph.Over && isMean(args[0]) && !isMean(args[1]):
			if k := apply("div", args[0].Args[0], args[1]); k != nil {
				out = apply("mean", k)
			}
		}
		if out == nil || out.Shape != n.Shape {
			out = apply(n.Op.Name, args...)
		}
		if out == nil {
			return root
		}
		of[n] = out
	}
	return of[root]
}

// turn is the transposed of a matrix that is made of outer products; nil if it is not.
func turn(g *graph.Graph, n *graph.Node) *graph.Node {
	if !n.Shape.IsMatrix() {
		return n
	}
	if n.Op == nil {
		return nil
	}
	args := slices.Clone(n.Args)
	switch {
	case n.Op.Role == graph.Expand:
		args[0], args[1] = args[1], args[0]
	case n.Op.Elementwise() || n.Op.Role == graph.OverRows:
		for i, a := range args {
			if args[i] = turn(g, a); args[i] == nil {
				return nil
			}
		}
	default:
		return nil
	}
	out, err := g.Apply(n.Op.Name, args...)
	if err != nil {
		return nil
	}
	return out
}

func isZero(n *graph.Node) bool {
	return n.Leaf != nil && n.Leaf.Kind == graph.Constant && n.Leaf.Value.Sign() == 0 || n.Op != nil && n.Op.Name == "fill" && isZero(n.Args[0])
}

func (s *session) hasComponents(e *graph.Expression, i int) bool {
	if e.Call == "" && e.Number == nil {
		if j := s.helper(e.Name, i); j >= 0 {
			return s.hasComponents(s.equations[j].right, j)
		}
		known, _ := s.canonical(e.Name)
		_, whole := s.sheet.Lookup(known)
		base, j := component(known)
		_, has := s.graph.Lookup(known)
		return known != "" && j > 0 && !has && (s.by[known] == nil) && (!whole || s.by[base] != nil || base != known)
	}
	for _, a := range e.Args {
		if s.hasComponents(a, i) {
			return true
		}
	}
	return false
}

// scalars writes nodes out in components: of dot(w, x) it makes w1*x1 + w2*x2. Names stay leaves unless open.
type scalars struct {
	*session
	g      *graph.Graph
	of     map[*graph.Node][]*graph.Node
	open   bool
	each   bool
	target *node
}

// name is the node of a scalar name.
func (p *scalars) name(name string) (*graph.Node, error) {
	base, j := name, 1
	if p.by[name] == nil {
		if _, ok := p.graph.Lookup(name); !ok {
			base, j = component(name)
		}
	}
	n, err := p.written(base, p.each)
	if err != nil {
		return nil, err
	}
	parts, err := p.named(base, n)
	if err != nil || j > len(parts) || base == name && len(parts) != 1 {
		return nil, errNoProof
	}
	return parts[j-1], nil
}

// named are the components of a name: leaves, or what it is made of.
func (p *scalars) named(name string, n *graph.Node) ([]*graph.Node, error) {
	if p.open || n.Leaf != nil {
		return p.translate(n)
	}
	return p.leaves(name, n.Shape, graph.Fact{})
}

func (p *scalars) leaves(name string, s graph.Shape, fact graph.Fact) ([]*graph.Node, error) {
	if s.IsMatrix() {
		return nil, errNoProof
	}
	fact.Total = nil
	var out []*graph.Node
	for j := range s.Size() {
		l := graph.Leaf{Kind: graph.Input, Name: name, Shape: graph.Shape{PerRow: s.PerRow}, Fact: fact}
		if s.IsVector() {
			l.Name = name + number(j+1)
		}
		n, err := p.g.Leaf(l)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// translate writes a node of the graph out.
func (p *scalars) translate(n *graph.Node) ([]*graph.Node, error) {
	if out, ok := p.of[n]; ok {
		return out, nil
	}
	out, err := p.fresh(n)
	if err == nil {
		p.of[n] = out
	}
	return out, err
}

func (p *scalars) fresh(n *graph.Node) ([]*graph.Node, error) {
	if n.Leaf != nil {
		if n.Leaf.Kind == graph.Constant {
			return []*graph.Node{p.g.Const(n.Leaf.Value)}, nil
		}
		return p.leaves(n.Leaf.Name, n.Shape, n.Leaf.Fact)
	}
	if !p.open {
		for _, d := range p.nodes {
			if d != p.target && !(d.parameter || d.name == "J") && d.each == n && n.Leaf == nil {
				return p.leaves(d.name, n.Shape, graph.Fact{})
			}
		}
	}
	args := make([][]*graph.Node, len(n.Args))
	for i, a := range n.Args {
		var err error
		if args[i], err = p.translate(a); err != nil {
			return nil, err
		}
	}
	at := func(v []*graph.Node, j int) *graph.Node { return v[min(j, len(v)-1)] }
	var out []*graph.Node
	switch {
	case n.Op.Name == "fill":
		for range n.Shape.Size() {
			out = append(out, args[0][0])
		}
		return out, nil
	case n.Op.Elementwise() || n.Op.Role == graph.OverRows:
		for j := range n.Shape.Size() {
			parts := make([]*graph.Node, len(args))
			for i := range args {
				parts[i] = at(args[i], j)
			}
			k, err := p.g.Apply(n.Op.Name, parts...)
			if err != nil {
				return nil, err
			}
			out = append(out, k)
		}
		return out, nil
	case n.Op.Role == graph.AddUp, n.Op.Role == graph.Contract && !n.Args[0].Shape.IsMatrix():
		if len(args[0]) > mostComponents {
			return nil, errNoProof
		}
		var sum *graph.Node
		for j := range args[0] {
			k := args[0][j]
			var err error
			if n.Op.Role == graph.Contract {
				if k, err = p.g.Apply("mul", k, args[1][j]); err != nil {
					return nil, err
				}
			}
			if sum == nil {
				sum = k
			} else if sum, err = p.g.Apply("add", sum, k); err != nil {
				return nil, err
			}
		}
		return []*graph.Node{sum}, nil
	}
	return nil, errNoProof
}
