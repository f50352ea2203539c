package engine

import (
	"fmt"

	"github.com/descent-ml/descent/graph"
)

// The head: the linear node that the loss is a function of, and the curvature of the loss in it.

// findHead looks for the head: dot(P, x), P a parameter and x the design, with the biases and offsets that are added
// to it. It is one if no parameter reaches the cost of a row by another way. Without one b.head stays nil.
func (b *Objective) findHead() error {
	var rows []*graph.Node
	for _, n := range outerMeans(b.cost) {
		rows = append(rows, n.Args[0])
	}
	h := &headSearch{b: b, params: map[*graph.Node]int{}, depends: map[*graph.Node]bool{}, users: map[*graph.Node][]*graph.Node{}}
	for i, n := range b.of {
		h.params[n] = i
	}
	head, weights := h.dot(rows)
	if head == nil {
		return nil
	}
	head, bias := h.withOffsets(head)
	if h.reach(rows, head) {
		return nil
	}
	for i := range b.of {
		if i != weights && i != bias {
			return nil // a parameter of the penalty alone
		}
	}
	curv, err := b.curvatureIn(head)
	if err != nil || curv == nil {
		return err
	}
	b.head, b.curv, b.w, b.b = head, curv, weights, bias
	return nil
}

// A headSearch is what findHead knows of the nodes below the rows' cost.
type headSearch struct {
	b       *Objective
	params  map[*graph.Node]int
	depends map[*graph.Node]bool // on a parameter
	users   map[*graph.Node][]*graph.Node
}

// dot is the only dot(P, x) below the rows, and which parameter P is; nil if there is none, or more.
func (h *headSearch) dot(rows []*graph.Node) (head *graph.Node, weights int) {
	for _, n := range graph.Below(rows...) {
		_, h.depends[n] = h.params[n]
		for _, a := range n.Args {
			h.depends[n] = h.depends[n] || h.depends[a]
			h.users[a] = append(h.users[a], n)
		}
		if n.Op == nil || n.Op.Role != graph.Contract {
			continue
		}
		p, x := n.Args[0], n.Args[1]
		if x.Leaf == nil || !x.Shape.PerRow {
			p, x = x, p
		}
		i, ok := h.params[p]
		if !ok || x.Leaf == nil || !x.Shape.PerRow || x.Shape.Size() != h.b.e.layout.Features {
			continue
		}
		if head != nil {
			return nil, 0
		}
		head, weights = n, i
	}
	return head, weights
}

// withOffsets goes up from the dot as long as its only user adds a bias (once) or what depends on no parameter.
func (h *headSearch) withOffsets(head *graph.Node) (_ *graph.Node, bias int) {
	bias = -1
	for len(h.users[head]) == 1 {
		u := h.users[head][0]
		plus := u.Op.Role == graph.Plus
		if !plus && !(u.Op.Role == graph.Minus && u.Args[0] == head) || u.Args[0] == u.Args[1] || u.Shape != head.Shape {
			break
		}
		other := u.Args[0]
		if other == head {
			other = u.Args[1]
		}
		if i, isParam := h.params[other]; isParam && bias < 0 && plus {
			bias = i
		} else if h.depends[other] {
			break
		}
		head = u
	}
	return head, bias
}

// reach reports whether a parameter is reached from the rows by a way that does not pass the head.
func (h *headSearch) reach(rows []*graph.Node, head *graph.Node) bool {
	seen := map[*graph.Node]bool{}
	var other func(n *graph.Node) bool
	other = func(n *graph.Node) bool {
		if n == head || seen[n] {
			return false
		}
		seen[n] = true
		if _, ok := h.params[n]; ok {
			return true
		}
		for _, a := range n.Args {
			if other(a) {
				return true
			}
		}
		return false
	}
	for _, n := range rows {
		if other(n) {
			return true
		}
	}
	return false
}

// curvatureIn is the second derivative of the rows' cost in the head, one column of it for each component; nil where
// there is none, or where J is not linear in its means.
func (b *Objective) curvatureIn(head *graph.Node) (curv []*graph.Node, err error) {
	slope, err := b.g.Gradient(b.cost, head)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	K := head.Shape.Size()
	for k := range K {
		rate := b.g.Const(one)
		if K > 1 {
			if rate, err = b.g.Leaf(graph.Leaf{Kind: graph.Input, Name: fmt.Sprintf("unit_%d", k), Shape: graph.Vector(K)}); err != nil {
				return nil, fmt.Errorf("engine: %w", err)
			}
			if b.in.Of, err = with(b.in.Of, rate.Leaf.Name, unit(K, k)); err != nil {
				return nil, err
			}
		}
		c, err := b.g.Tangent(slope, map[*graph.Node]*graph.Node{head: rate})
		if err != nil {
			return nil, nil // some op has no second derivative: no curvature then
		}
		curv = append(curv, c[0])
	}
	if len(outerMeans(curv...)) > 0 {
		return nil, nil
	}
	return curv, nil
}

func unit(n, k int) []float64 {
	v := make([]float64, n)
	v[k] = 1
	return v
}

// with is a copy of m with one more value.
func with(m map[string][]float64, name string, v []float64) (map[string][]float64, error) {
	if _, ok := m[name]; ok {
		return nil, fmt.Errorf("engine: the name %q is taken", name)
	}
	out := map[string][]float64{name: v}
	for k, x := range m {
		out[k] = x
	}
	return out, nil
}
