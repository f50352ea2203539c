package engine

import (
	"fmt"

	"github.com/descent-ml/descent/graph"
)

// What leaves a pass: kept columns, and sums over the rows.

// keep emits the copy of a slot to the kept column of an output.
func (c *compiler) keep(output int, s *slot) {
	c.emit([]*slot{s}, nil, func(f *frame) {
		out := f.kept[output][(f.rows.at(f.e)-f.keptFrom)*s.size:]
		if s.size == 1 {
			copy(out, f.col(s, 0)[:f.rows.n])
			return
		}
		for k := range s.size {
			for i, v := range f.col(s, k)[:f.rows.n] {
				out[i*s.size+k] = v
			}
		}
	})
}

const maxPieces = 4096

// sum emits the sum over rows of factor*n (nil: 1) into output t. It takes n apart where it is linear in the design,
// so that the columns are touched by the backward kernel alone.
func (c *compiler) sum(t *output, n *graph.Node, negated bool, factor *graph.Node) error {
	times := func(op string, u *graph.Node) (*graph.Node, error) {
		if factor == nil {
			if op == "mul" {
				return u, nil
			}
			return c.g.Apply("div", c.g.Const(one), u)
		}
		return c.g.Apply(op, factor, u)
	}
	// Shared nodes come once for each way to them, so the equations bound nothing: beyond maxPieces the rest is
	// computed as it stands.
	if c.pieces++; c.pieces < maxPieces && n.Op != nil && !n.Shape.IsScalar() && c.touchesDesign(n) {
		a := n.Args
		switch n.Op.Role {
		case graph.Opposite:
			return c.sum(t, a[0], !negated, factor)
		case graph.Plus, graph.Minus:
			if a[0].Shape.Size() == a[1].Shape.Size() {
				if err := c.sum(t, a[0], negated, factor); err != nil {
					return err
				}
				return c.sum(t, a[1], negated != (n.Op.Role == graph.Minus), factor)
			}
		case graph.Times:
			for i := range 2 {
				if a[i].Shape.IsScalar() {
					f, err := times("mul", a[i])
					if err != nil {
						return err
					}
					return c.sum(t, a[1-i], negated, f)
				}
			}
		case graph.Over:
			if a[1].Shape.IsScalar() {
				f, err := times("div", a[1])
				if err != nil {
					return err
				}
				return c.sum(t, a[0], negated, f)
			}
		case graph.Expand:
			if c.isDesign(a[1]) {
				f, err := times("mul", a[0])
				if err != nil {
					return err
				}
				return c.backward(t, a[1], f, a[0].Shape.Size(), negated)
			}
		}
	}
	if c.isDesign(n) {
		return c.backward(t, n, factor, 1, negated)
	}
	if factor != nil {
		var err error
		if n, err = c.g.Apply("mul", factor, n); err != nil {
			return err
		}
	}
	s, err := c.slot(n)
	if err != nil {
		return err
	}
	size := t.Node.Shape.Size()
	key := fmt.Sprint("rows ", n.ID, " ", size)
	at, ok := c.sumAt[key]
	if !ok {
		at = c.p.sumSize
		c.p.sumSize += size
		c.sumAt[key] = at
		c.emit([]*slot{s}, nil, func(f *frame) {
			for k := range size {
				f.sum[at+k] += f.e.kernels.SumRows(f.counted(s, k))
			}
		})
	}
	for k := range size {
		t.terms = append(t.terms, term{at: at + k, into: k, negated: negated})
	}
	c.line("sum   %s %s sum over rows of %s", t.Name, sign(negated), s.name)
	return nil
}

func sign(negated bool) string {
	if negated {
		return "-="
	}
	return "+="
}

// backward emits Σ factor_k x for k < K, K vectors of all features.
func (c *compiler) backward(t *output, x, factor *graph.Node, K int, negated bool) error {
	n := c.layout.Features
	if factor == nil {
		factor = c.g.Const(one)
	}
	s, err := c.slot(factor)
	if err != nil {
		return err
	}
	raw := c.layout.rawSize()
	key := fmt.Sprint("design ", factor.ID, " ", K)
	at, ok := c.sumAt[key]
	if !ok {
		at = c.p.sumSize
		c.p.sumSize += K * raw
		c.sumAt[key] = at
		c.emit([]*slot{s}, nil, func(f *frame) {
			if K == 1 {
				f.e.backward(f.rows, f.counted(s, 0), f.sum[at:][:raw])
				return
			}
			f.e.backwardAll(f.rows, K, f.panelled(s, K), f.sum[at:][:K*raw], f.wide(gramColumns*gramRows))
		})
	}
	for k := range K {
		t.terms = append(t.terms, term{design: true, at: at + k*raw, into: k * n, negated: negated})
	}
	c.line("sum   %s %s backward(%s, %s)", t.Name, sign(negated), s.name, x.Leaf.Name)
	return nil
}

// touchesDesign reports whether the design is below n, not counting what scalars and dot(P, x) make of it.
func (c *compiler) touchesDesign(n *graph.Node) bool {
	if c.isDesign(n) {
		return true
	}
	if n.Op == nil || n.Shape.IsScalar() {
		return false
	}
	if t, ok := c.touches[n]; ok {
		return t
	}
	t := false
	if _, _, ok := c.designDot(n); !ok {
		for _, a := range n.Args {
			t = t || c.touchesDesign(a)
		}
	}
	c.touches[n] = t
	return t
}
