package graph

import (
	"math/big"
	"strconv"
	"strings"
)

// maxText bounds what String writes: a graph of n nodes can be 2^n symbols long.
const maxText = 1 << 14

// String writes the node as an equation's right side, as Parse reads it, with as few brackets as
// keep the tree, and the equations' names for what they define. Very long ones end in …
func (n *Node) String() string {
	return n.Text(n.graph.equationNames(len(n.graph.Defs), false))
}

// nameOf is the name of n in the equations, or n written out.
func (g *Graph) nameOf(n *Node) string {
	names := g.equationNames(len(g.Defs), false)
	if name, ok := names[n]; ok {
		return name
	}
	return n.Text(names)
}

// Text is String with names for nodes as given. The node itself is written out even if it has a name.
func (n *Node) Text(names map[*Node]string) string {
	t := &text{names: names}
	t.node(n, 0, true)
	return t.String()
}

// equationNames are the names of the first count definitions, where derived the ones of Derive too.
// Of several names of a node the first counts.
func (g *Graph) equationNames(count int, derived bool) map[*Node]string {
	names := map[*Node]string{}
	for _, d := range g.Defs[:count] {
		if d.Of != "" && !derived {
			continue
		}
		for _, n := range []*Node{d.Written, d.Runs} {
			if n == nil || n.Leaf != nil {
				continue
			}
			if _, ok := names[n]; !ok {
				names[n] = d.Name
			}
		}
	}
	return names
}

// text writes expressions by the precedence of Parse: sums 1, minus 2, products 3, powers 5, the rest 6.
type text struct {
	strings.Builder
	names map[*Node]string
}

func (t *text) node(n *Node, level int, top bool) {
	if t.Len() > maxText {
		if !strings.HasSuffix(t.String(), "…") {
			t.WriteString("…")
		}
		return
	}
	if name, ok := t.names[n]; ok && !top {
		t.WriteString(name)
		return
	}
	if n.Leaf != nil {
		if n.Leaf.Kind != Constant {
			t.WriteString(n.Leaf.Name)
			return
		}
		s := numberText(n.Leaf.Value)
		own := 6
		if n.Leaf.Value.Sign() < 0 {
			own = 2
		} else if strings.Contains(s, "/") {
			own = 3
		}
		t.bracketed(own < level, func() { t.WriteString(s) })
		return
	}
	between := func(own int, sign string, left, right int) {
		t.bracketed(own < level, func() {
			t.node(n.Args[0], left, false)
			t.WriteString(sign)
			t.node(n.Args[1], right, false)
		})
	}
	switch n.Op {
	case opAdd:
		between(1, " + ", 1, 3)
	case opSub:
		between(1, " - ", 1, 3)
	case opMul:
		between(3, "*", 3, 4)
	case opDiv:
		between(3, "/", 3, 4)
	case opPow:
		between(5, "^", 6, 5)
	case opAlias:
		t.node(n.Args[0], level, false)
	case opNeg:
		t.bracketed(2 < level, func() {
			t.WriteString("-")
			t.node(n.Args[0], 3, false)
		})
	default:
		t.WriteString(n.Op.Name)
		t.WriteString("(")
		for i, a := range n.Args {
			if i > 0 {
				t.WriteString(", ")
			}
			t.node(a, 0, false)
		}
		t.WriteString(")")
	}
}

func (t *text) bracketed(yes bool, write func()) {
	if yes {
		t.WriteString("(")
	}
	write()
	if yes {
		t.WriteString(")")
	}
}

// numberText writes an exact constant as one would: as an integer or a decimal, with an exponent if
// that saves many zeros; as a fraction if it is no decimal, or a much longer one.
func numberText(r *big.Rat) string {
	if r.IsInt() {
		s := r.Num().String()
		if digits := strings.TrimRight(s, "0"); len(s)-len(digits) > 20 {
			return digits + "e" + strconv.Itoa(len(s)-len(digits))
		}
		return s
	}
	fraction := r.RatString()
	n, exact := r.FloatPrec()
	if !exact {
		return fraction
	}
	s := r.FloatString(n)
	if after, ok := strings.CutPrefix(strings.TrimPrefix(s, "-"), "0."); ok {
		if digits := strings.TrimLeft(after, "0"); len(after)-len(digits) > 5 {
			s = digits[:1]
			if len(digits) > 1 {
				s += "." + digits[1:]
			}
			s += "e-" + strconv.Itoa(n-len(digits)+1)
			if r.Sign() < 0 {
				s = "-" + s
			}
		}
	}
	if n > 12 && len(fraction) < len(s) {
		return fraction
	}
	return s
}
