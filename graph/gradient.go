package graph

import "fmt"

// Gradient builds the derivatives of root, a scalar, with respect to the nodes of: leaves, or any
// other nodes (then as if they could be changed by themselves). They are nodes of the same graph,
// unsimplified: what the chain rule gives, products as they come.
//
// If root is per row, they are the derivatives for one row: dw = dz*x. If root is a mean over rows
// (or made of such means), a per-row node gets the derivative for its row without 1/m, as in the
// lecture, and what is the same for all rows gets the mean: dz = a - y, dw = mean(dz*x).
//
// A derivative has the components of its node; it is a constant, not per row, where it does not
// depend on the row. With respect to a node that is not below root it is 0.
func (g *Graph) Gradient(root *Node, of ...*Node) (out []*Node, err error) {
	defer catch(&err)
	if err := g.owns(append([]*Node{root}, of...)); err != nil {
		return nil, err
	}
	if !root.Shape.IsScalar() {
		return nil, fmt.Errorf("gradient: the root is a %v, want a scalar", root.Shape.inner())
	}
	nodes := below(root)
	active := map[*Node]bool{}
	for _, n := range of {
		active[n] = true
	}
	for _, n := range nodes {
		for _, a := range n.Args {
			active[n] = active[n] || active[a]
		}
	}
	// What each user adds to a node's derivative, last user first.
	parts := map[*Node][]*Node{root: {g.integer(1)}}
	adjoint := map[*Node]*Node{}
	byID := sortedByID(nodes)
	for i := len(byID) - 1; i >= 0; i-- {
		n := byID[i]
		if !active[n] {
			continue
		}
		adj := g.integer(0)
		for k := len(parts[n]) - 1; k >= 0; k-- {
			if adj.isZero() {
				adj = parts[n][k]
			} else {
				adj = g.make("add", adj, parts[n][k])
			}
		}
		if adj.Shape.IsScalar() && !n.Shape.IsScalar() && (n.Op == nil || !n.Op.Elementwise()) {
			adj = g.raw("fill", adj, n)
		}
		adjoint[n] = adj
		if n.Op == nil || adj.isZero() {
			continue
		}
		pulls := g.pull(n, adj, active)
		for k := len(n.Args) - 1; k >= 0; k-- {
			if p := pulls[k]; p != nil && !p.isZero() {
				parts[n.Args[k]] = append(parts[n.Args[k]], g.reduce(p, n, n.Args[k], !root.Shape.PerRow))
			}
		}
	}
	for _, n := range of {
		adj, ok := adjoint[n]
		if !ok {
			adj = g.integer(0)
		}
		if adj.Shape.IsScalar() && !n.Shape.IsScalar() {
			adj = g.raw("fill", adj, n)
		}
		out = append(out, adj)
	}
	return out, nil
}

// pull is what n, with derivative adj, passes on to each of its active arguments.
func (g *Graph) pull(n, adj *Node, active map[*Node]bool) []*Node {
	out := make([]*Node, len(n.Args))
	bound := arguments(n)
	var texts []string
	if n.Op.Elementwise() {
		texts = n.Op.Deriv
	} else if n.Op.Pull != nil {
		shapes := make([]Shape, len(n.Args))
		for i, a := range n.Args {
			shapes[i] = a.Shape
		}
		texts = n.Op.Pull(shapes)
		bound["adj"] = adj
	}
	if texts == nil {
		panic(buildError{fmt.Errorf("%s has no derivative; differentiate before lowering", n.Op.Name)})
	}
	for i, a := range n.Args {
		if !active[a] {
			continue
		}
		out[i] = g.fillIn(g.template(texts[i]), bound)
		if n.Op.Elementwise() {
			out[i] = g.make("mul", adj, out[i])
		}
	}
	return out
}

// arguments are the names an op's texts may use.
func arguments(n *Node) map[string]*Node {
	bound := map[string]*Node{n.Op.Name: n}
	for i, a := range n.Args {
		bound[[]string{"u", "v", "w"}[i]] = a
	}
	return bound
}

// reduce fits the derivative p of n's component and row to n's argument a, which may have been
// stretched: a scalar over components gets the sum, a value of the model over rows the mean.
func (g *Graph) reduce(p, n, a *Node, mean bool) *Node {
	if n.Op.Elementwise() && a.Shape.IsScalar() && !n.Shape.IsScalar() {
		if p.Shape.IsScalar() {
			p = g.make("mul", g.integer(int64(n.Shape.Size())), p)
		} else {
			p = g.make("sum", p)
		}
	}
	if mean && n.Shape.PerRow && !a.Shape.PerRow {
		p = g.make("mean", p)
	}
	return p
}

// Tangent builds how the roots change when the nodes of along change at the given rates: forward
// mode. Rates have the components of their node, or one for all. What is in along changes as stated,
// whatever it is made of.
//
// Over the gradient's nodes it gives H·v: along w the direction v.
func (g *Graph) Tangent(roots []*Node, along map[*Node]*Node) (out []*Node, err error) {
	defer catch(&err)
	if err := g.owns(roots); err != nil {
		return nil, err
	}
	for n, rate := range along {
		if err := g.owns([]*Node{n, rate}); err != nil {
			return nil, err
		}
		if s := rate.Shape; !s.IsScalar() && (s.Rows != n.Shape.Rows || s.Cols != n.Shape.Cols) {
			return nil, fmt.Errorf("tangent: the rate of a %v is a %v", n.Shape.inner(), s.inner())
		}
	}
	tangent := map[*Node]*Node{} // nil: 0
	for _, n := range below(roots...) {
		if rate, ok := along[n]; ok {
			tangent[n] = rate
		} else if n.Op != nil {
			tangent[n] = g.push(n, tangent)
		}
	}
	for _, r := range roots {
		t := tangent[r]
		if t == nil {
			t = g.integer(0)
		}
		if t.Shape.IsScalar() && !r.Shape.IsScalar() {
			t = g.raw("fill", t, r)
		}
		out = append(out, t)
	}
	return out, nil
}

func (g *Graph) push(n *Node, tangent map[*Node]*Node) *Node {
	var sum *Node
	bound := arguments(n)
	if n.Op.Elementwise() {
		for i, a := range n.Args {
			t := tangent[a]
			if t == nil {
				continue
			}
			t = g.make("mul", g.fillIn(g.template(n.Op.Deriv[i]), bound), t)
			switch {
			case t.isZero():
			case sum == nil:
				sum = t
			default:
				sum = g.make("add", sum, t)
			}
		}
		return sum
	}
	moves := false
	for i, a := range n.Args {
		t := tangent[a]
		moves = moves || t != nil
		if t == nil {
			t = g.integer(0)
		}
		if t.Shape.IsScalar() && !a.Shape.IsScalar() && !t.isZero() {
			t = g.raw("fill", t, a)
		}
		bound[[]string{"du", "dv", "dw"}[i]] = t
	}
	if !moves {
		return nil
	}
	if n.Op.Push == "" {
		panic(buildError{fmt.Errorf("%s has no derivative; differentiate before lowering", n.Op.Name)})
	}
	t := g.fillIn(g.template(n.Op.Push), bound)
	if t.isZero() {
		return nil
	}
	return t
}

// owns checks that nodes belong to g.
func (g *Graph) owns(nodes []*Node) error {
	for _, n := range nodes {
		if n == nil || n.graph != g {
			return fmt.Errorf("not a node of this graph")
		}
	}
	return nil
}

// Replace builds root with some of the nodes below it replaced, literally: nothing is folded. The
// map is applied once, not to what it puts in. A replacement must have the components of what it
// replaces (it may be per row where that is not): Replace panics if it does not, or if a node is of
// another graph.
func (g *Graph) Replace(root *Node, with map[*Node]*Node) *Node {
	for n, by := range with {
		if g.owns([]*Node{n, by}) != nil || n.Shape.inner() != by.Shape.inner() {
			panic("graph: Replace with a node of another graph or shape")
		}
	}
	done := map[*Node]*Node{}
	for n, by := range with {
		done[n] = by
	}
	var replace func(n *Node) *Node
	replace = func(n *Node) *Node {
		if by, ok := done[n]; ok {
			return by
		}
		out := n
		args := make([]*Node, len(n.Args))
		changed := false
		for i, a := range n.Args {
			args[i] = replace(a)
			changed = changed || args[i] != a
		}
		if changed {
			out = g.raw(n.Op.Name, args...)
		}
		done[n] = out
		return out
	}
	return replace(root)
}
