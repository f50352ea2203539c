package graph

import "fmt"

// Lower turns simplified roots into what runs: exp(-|u|), 1/(1 + e) and log1p(e) shared between
// sigmoid and softplus of u and of -u, 1 - sigmoid(u) without a subtraction, small powers as products,
// and in a sum the small log1p added last. Values are those of the roots, up to rounding.
func (g *Graph) Lower(roots ...*Node) []*Node {
	l, err := g.newLowerer()
	if err != nil {
		return append([]*Node(nil), roots...) // a rule that does not parse lowers nothing
	}
	out := make([]*Node, len(roots))
	for i, r := range roots {
		out[i] = l.lower(r)
	}
	return out
}

// A compiled rule is one with its texts read.
type compiled struct {
	*Rule
	before, after *Pattern
}

// compile reads the rules that keep says, by the op of their left side.
func (g *Graph) compile(keep func(*Rule) bool) (byOp map[string][]compiled, err error) {
	defer catch(&err)
	byOp = map[string][]compiled{}
	for i := range g.Rules {
		r := &g.Rules[i]
		if !keep(r) {
			continue
		}
		c := compiled{Rule: r, before: g.template(r.Before), after: g.template(r.After)}
		if c.before.root.op == nil {
			return nil, fmt.Errorf("rule %s: %q is not an op", r.Name, r.Before)
		}
		name := c.before.root.op.Name
		byOp[name] = append(byOp[name], c)
	}
	return byOp, nil
}

// A lowerer remembers what it has lowered.
type lowerer struct {
	g     *Graph
	rules map[string][]compiled
	memo  nodeMap
	fuel  int // rules to apply: a table that was changed may run in circles
}

func (g *Graph) newLowerer() (*lowerer, error) {
	rules, err := g.compile(func(r *Rule) bool { return r.Lowers })
	return &lowerer{g: g, rules: rules, memo: nodeMap{now: 1}, fuel: 1 << 20}, err
}

func (l *lowerer) lower(n *Node) *Node {
	if n.Leaf != nil {
		return n
	}
	if out, ok := l.memo.get(n); ok {
		return out
	}
	out := l.once(n)
	l.memo.set(n, out)
	l.memo.set(out, out)
	return out
}

func (l *lowerer) once(n *Node) *Node {
	if n.Op.Role == Same {
		return l.lower(n.Args[0])
	}
	for _, r := range l.rules[n.Op.Name] {
		if bound, ok := r.before.Match(n); ok && l.fuel > 0 {
			l.fuel--
			return l.lower(l.g.fillRaw(r.after, bound))
		}
	}
	var three [3]*Node
	args := three[:len(n.Args)]
	for i, a := range n.Args {
		args[i] = l.lower(a)
	}
	if n.Op == opAdd || n.Op == opSub {
		return l.sum(n.Op, args[0], args[1])
	}
	return l.g.raw(n.Op.Name, args...)
}

// sum is u + v or u - v with a log1p of either brought to the end: it is between 0 and log 2, and
// what is added last is not rounded away by what cancels before.
func (l *lowerer) sum(op *Op, u, v *Node) *Node {
	if p, small, ok := endsSmall(u); ok && v.Op != opLog1p {
		return l.g.raw("add", l.sum(op, p, v), small)
	}
	if p, small, ok := endsSmall(v); ok {
		return l.g.raw(op.Name, l.sum(op, u, p), small)
	}
	return l.g.raw(op.Name, u, v)
}

func endsSmall(n *Node) (rest, small *Node, ok bool) {
	if n.Op == opAdd {
		switch u, v := n.Args[0], n.Args[1]; {
		case v.Op == opLog1p:
			return u, v, true
		case u.Op == opLog1p:
			return v, u, true
		}
	}
	return nil, nil, false
}

// rowWeight is how much more a component of a per-row value counts than one of the model.
const rowWeight = 64

// price is the cost of running n itself, its arguments ready.
func price(n *Node) int {
	if n.Op == nil {
		return 0
	}
	size := n.Shape.Size()
	row := n.Shape.PerRow
	for _, a := range n.Args {
		if !n.Op.Elementwise() {
			size = max(size, a.Shape.Size())
		}
		row = row || a.Shape.PerRow
	}
	p := n.Op.Cost * size
	if row {
		p *= rowWeight
	}
	return p
}
