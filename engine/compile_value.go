package engine

import (
	"fmt"
	"strings"

	"github.com/descent-ml/descent/graph"
)

// The value of a node at each row: what is the same for all rows, columns, the design, and everything made of them.

// slot emits what is needed for the value of n at each row, once.
func (c *compiler) slot(n *graph.Node) (*slot, error) {
	if s, ok := c.memo[n]; ok {
		return s, nil
	}
	s, err := c.value(n)
	if err != nil {
		return nil, err
	}
	c.memo[n] = s
	return s, nil
}

func (c *compiler) slotsOf(nodes []*graph.Node) ([]*slot, error) {
	out := make([]*slot, len(nodes))
	for i, n := range nodes {
		s, err := c.slot(n)
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

func (c *compiler) value(n *graph.Node) (*slot, error) {
	switch {
	case !n.Shape.PerRow:
		u, err := c.uniform(n)
		if err != nil {
			return nil, err
		}
		size := n.Shape.Size()
		at := 0
		for _, s := range c.p.splats {
			at += s.size
		}
		c.p.splats = append(c.p.splats, splat{u, size, at})
		s := c.newSlot(uniform, size, n)
		s.at = at
		s.name = c.text(n)
		return s, nil
	case c.owner[n] != nil:
		return c.fused(c.owner[n], n)
	case n.Leaf != nil:
		return c.leaf(n)
	}
	switch n.Op.Role {
	case graph.Plus:
		if s, err := c.startedForward(n); s != nil || err != nil {
			return s, err
		}
	case graph.Contract:
		if p, x, ok := c.designDot(n); ok {
			return c.forwardSlot(n, p, x, nil, nil)
		}
		if !n.Args[0].Shape.PerRow {
			return c.product(n, n.Args[0], n.Args[1], false)
		}
	case graph.ContractT:
		if !n.Args[0].Shape.PerRow {
			return c.product(n, n.Args[0], n.Args[1], true)
		}
	}
	in, err := c.slotsOf(n.Args)
	if err != nil {
		return nil, err
	}
	out := c.newSlot(temporary, n.Shape.Size(), n)
	c.line("%s = %s(%s)", out.name, n.Op.Name, slotNames(in))
	c.emit(in, []*slot{out}, c.operation(n, in, out))
	return out, nil
}

func slotNames(s []*slot) string {
	names := make([]string, len(s))
	for i, s := range s {
		names[i] = s.name
	}
	return strings.Join(names, ", ")
}

func (c *compiler) text(n *graph.Node) string {
	if name, ok := c.names[n]; ok {
		return name
	}
	return n.Text(c.names)
}

// uniform registers a node for the interpreter.
func (c *compiler) uniform(n *graph.Node) (int, error) {
	if u, ok := c.uniformAt[n]; ok {
		return u, nil
	}
	for _, b := range graph.Below(n) {
		if b.Op != nil && b.Op.Role == graph.OverRows {
			return 0, fmt.Errorf("%s needs a mean over all rows before a value of each row", c.text(n))
		}
	}
	u := len(c.p.uniforms)
	c.p.uniforms = append(c.p.uniforms, n)
	c.uniformAt[n] = u
	return u, nil
}

// leaf is a column of the data, or the design spread out.
func (c *compiler) leaf(n *graph.Node) (*slot, error) {
	name, isGiven := c.given[n]
	if !isGiven {
		name = n.Leaf.Name
	}
	size := n.Shape.Size()
	if !isGiven && c.isDesign(n) {
		return c.spreadDesign(n)
	}
	s := c.newSlot(given, size, nil)
	s.name = name
	s.at = len(c.p.inputs)
	if at, ok := c.inputAt[name]; ok {
		s.at = at
		return s, nil
	}
	found := false
	for k := range size {
		column := name
		if !n.Shape.IsScalar() {
			column = fmt.Sprintf("%s[%d]", name, k)
		}
		in := input{leaf: name, size: size, component: k, source: -1}
		for i, l := range c.layout.Inputs {
			if l == column {
				in.source, found = i, true
			}
		}
		c.p.inputs = append(c.p.inputs, in)
	}
	if !found && !isGiven && !n.Shape.IsScalar() && n.Shape.IsVector() {
		return nil, fmt.Errorf("%s is a vector of %d for every row: the data have %d features and the columns %s",
			name, size, c.layout.Features, list(c.layout.Inputs))
	}
	c.inputAt[name] = s.at
	return s, nil
}

// isDesign: a vector of as many components as there are features, and not among the inputs by name.
func (c *compiler) isDesign(n *graph.Node) bool {
	if n == c.design {
		return true
	}
	if n.Leaf == nil || n.Leaf.Kind == graph.Constant || !n.Shape.PerRow || !n.Shape.IsVector() || n.Shape.Size() != c.layout.Features ||
		c.design != nil || c.owner[n] != nil {
		return false
	}
	if _, ok := c.given[n]; ok {
		return false
	}
	for _, l := range c.layout.Inputs {
		if l == n.Leaf.Name+"[0]" {
			return false
		}
	}
	c.design = n
	return true
}

// maxSpread bounds the features of a design that is used other than in dot(w, x) and sums of s*x.
const maxSpread = 4096

func (c *compiler) spreadDesign(n *graph.Node) (*slot, error) {
	if c.layout.Features > maxSpread {
		return nil, fmt.Errorf("%s is used other than in dot(w, %s) and sums of s*%s: possible up to %d features, there are %d",
			n.Leaf.Name, n.Leaf.Name, n.Leaf.Name, maxSpread, c.layout.Features)
	}
	out := c.newSlot(temporary, c.layout.Features, n)
	out.name = n.Leaf.Name
	c.line("%s = columns", out.name)
	c.emit(nil, []*slot{out}, func(f *frame) {
		x := f.temp[out.at*f.block:]
		for p := 0; p*panelRows < f.n; p++ {
			f.e.spread(f.rows, p, x[p*panelRows:], f.block)
		}
	})
	return out, nil
}

// designDot: dot(P, x) or dot(x, p) with x the design and P the same for all rows.
func (c *compiler) designDot(n *graph.Node) (p, x *graph.Node, ok bool) {
	if n.Op == nil || n.Op.Role != graph.Contract {
		return nil, nil, false
	}
	for i := range 2 {
		p, x = n.Args[i], n.Args[1-i]
		if !p.Shape.PerRow && c.isDesign(x) && (i == 0 || p.Shape.IsVector()) {
			return p, x, true
		}
	}
	return nil, nil, false
}

// startedForward: in a sum of dot(P, x), values that are the same for all rows and at most one other, the others are
// what the forward sum starts from. (nil, nil): n is no such sum.
func (c *compiler) startedForward(n *graph.Node) (*slot, error) {
	var p, x, dot, offset *graph.Node
	var start []*graph.Node
	ok := true
	var flatten func(t *graph.Node, top bool)
	flatten = func(t *graph.Node, top bool) {
		switch {
		case t.Op != nil && t.Op.Role == graph.Plus && t.Shape.PerRow && (top || c.users[t] == 1):
			flatten(t.Args[0], false)
			flatten(t.Args[1], false)
			return
		case !t.Shape.PerRow:
			start = append(start, t)
			return
		}
		if q, d, is := c.designDot(t); is && dot == nil && c.users[t] == 1 {
			p, x, dot = q, d, t
			return
		}
		if offset != nil {
			ok = false
		}
		offset = t
	}
	flatten(n, true)
	if !ok || dot == nil || dot.Shape != n.Shape {
		return nil, nil
	}
	var from *slot
	if offset != nil {
		var err error
		if from, err = c.slot(offset); err != nil {
			return nil, err
		}
	}
	var bias *graph.Node
	for _, s := range start {
		if bias == nil {
			bias = s
			continue
		}
		var err error
		if bias, err = c.g.Apply("add", bias, s); err != nil {
			return nil, err
		}
	}
	return c.forwardSlot(n, p, x, bias, from)
}

// forwardSlot emits out = bias + from + dot(P, x).
func (c *compiler) forwardSlot(n, p, x, bias *graph.Node, from *slot) (*slot, error) {
	u, err := c.uniform(p)
	if err != nil {
		return nil, err
	}
	b := -1
	if bias != nil {
		if b, err = c.uniform(bias); err != nil {
			return nil, err
		}
	}
	out := c.newSlot(temporary, n.Shape.Size(), n)
	first := len(c.p.weights)
	for k := range out.size {
		c.p.weights = append(c.p.weights, weightUse{u, k})
	}
	in := []*slot{}
	text := fmt.Sprintf("%s = forward(%s, %s)", out.name, c.text(p), x.Leaf.Name)
	if bias != nil {
		text += " from " + c.text(bias)
	}
	if from != nil {
		in = append(in, from)
		text += " from " + from.name
	}
	c.line("%s", text)
	c.emit(in, []*slot{out}, func(f *frame) {
		z := f.z[:0]
		for k := range out.size {
			start := 0.0
			if b >= 0 {
				v := f.values[b]
				start = v[min(k, len(v)-1)]
			}
			var offset []float64
			if from != nil {
				offset = f.col(from, k)
			}
			z = append(z, f.col(out, k))
			f.begins(z[k], start+f.weights[first+k].shift, offset)
		}
		f.z = z
		f.e.forwardAll(f.rows, z, f.weights[first:first+len(z)], f.wide(allColumns*panelRows))
	})
	return out, nil
}

// product emits a vector or matrix that is the same for all rows times a vector of each row: the panel kernel with
// the vector's components for columns.
func (c *compiler) product(n, m, v *graph.Node, transposed bool) (*slot, error) {
	u, err := c.uniform(m)
	if err != nil {
		return nil, err
	}
	h, err := c.slot(v)
	if err != nil {
		return nil, err
	}
	out := c.newSlot(temporary, n.Shape.Size(), n)
	c.line("%s = %s(%s, %s)", out.name, n.Op.Name, c.text(m), h.name)
	J, K := h.size, out.size
	c.emit([]*slot{h}, []*slot{out}, func(f *frame) {
		M := f.values[u]
		w := f.scratch(J)
		for k := range K {
			for j := range J {
				if transposed {
					w[j] = M[j*K+k]
				} else {
					w[j] = M[k*J+j]
				}
			}
			z := f.col(out, k)
			clear(z)
			for p := 0; p < f.n; p += panelRows {
				if h.kind == temporary {
					f.e.kernels.F64.Forward(z[p:p+panelRows], f.temp[h.at*f.block+p:], f.block, w)
					continue
				}
				for j := range J {
					f.e.kernels.F64.Forward(z[p:p+panelRows], f.col(h, j)[p:], panelRows, w[j:j+1])
				}
			}
		}
	})
	return out, nil
}

// scratch is n numbers of the worker's own.
func (f *frame) scratch(n int) []float64 {
	if cap(f.row) < n {
		f.row = make([]float64, n)
	}
	return f.row[:n]
}
