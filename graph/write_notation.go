package graph

import (
	"strconv"
	"strings"
)

// fewComponents is how many components of a vector are written out one by one.
const fewComponents = 6

// maxTerms bounds one formula: a graph of n nodes can be 2^n symbols long.
const maxTerms = 2000

// notation turns nodes into terms: which nodes go by a name, and which names stand for numbers.
type notation struct {
	names map[*Node]string
	value func(name string) (string, bool) // numbers in place of names; nil: names
	size  int                              // terms written so far
	whole bool                             // dot(w, x) stays whole
}

// term writes n: by its name if it has one.
func (w *notation) term(n *Node) *term {
	if name, ok := w.name(n); ok {
		return w.named(name)
	}
	return w.body(n)
}

func (w *notation) named(name string) *term {
	if w.value != nil {
		if v, ok := w.value(name); ok {
			return &term{kind: numberTerm, text: v}
		}
	}
	return &term{kind: nameTerm, text: name}
}

func (w *notation) name(n *Node) (string, bool) {
	if name, ok := w.names[n]; ok {
		return name, true
	}
	if n.Leaf != nil && n.Leaf.Kind != Constant {
		return n.Leaf.Name, true
	}
	return "", false
}

// body writes what n is made of, even if n has a name itself.
func (w *notation) body(n *Node) *term {
	if w.size++; w.size > maxTerms {
		return &term{kind: nameTerm, text: "…"}
	}
	if n.Op == nil {
		if n.Leaf.Kind == Constant {
			return &term{kind: numberTerm, text: numberText(n.Leaf.Value)}
		}
		return w.named(n.Leaf.Name)
	}
	if n.Op.Print.Style == Inner {
		return w.inner(n)
	}
	args := make([]*term, len(n.Args))
	for i, a := range n.Args {
		args[i] = w.term(a)
	}
	return compose(n.Op, args)
}

// component writes component j (from 0) of n; a scalar is its own only component.
func (w *notation) component(n *Node, j int) *term {
	if n.Shape.IsScalar() {
		return w.term(n)
	}
	if name, ok := w.name(n); ok {
		return w.named(componentName(name, n.Shape, j))
	}
	return w.componentBody(n, j)
}

func (w *notation) componentBody(n *Node, j int) *term {
	if w.size++; w.size > maxTerms {
		return &term{kind: nameTerm, text: "…"}
	}
	if n.Op == nil {
		return w.component(n, j)
	}
	if n.Op.Elementwise() {
		args := make([]*term, len(n.Args))
		for i, a := range n.Args {
			args[i] = w.component(a, j)
		}
		return compose(n.Op, args)
	}
	// mean works on each component; so does whatever leaves the shape and has one argument.
	switch n.Op.Print.Style {
	case Average:
		return compose(n.Op, []*term{w.component(n.Args[0], j)})
	case Outer:
		if c := n.Shape.Cols; c > 0 {
			return product(w.component(n.Args[0], j/c), w.component(n.Args[1], j%c))
		}
	}
	return &term{kind: indexTerm, text: indexText(n.Shape, j), args: []*term{w.body(n)}}
}

// inner writes a dot product of two vectors out, w1*x1 + w2*x2, while they are short and have names.
func (w *notation) inner(n *Node) *term {
	u, v := n.Args[0], n.Args[1]
	t := compose(n.Op, []*term{w.term(u), w.term(v)})
	t.dot = u.Shape.IsVector() && v.Shape.IsVector()
	_, named := w.name(u)
	_, too := w.name(v)
	if w.whole || !u.Shape.IsVector() || !v.Shape.IsVector() || !named || !too {
		return t
	}
	size := u.Shape.Rows
	if size > fewComponents {
		t.kind = longDotTerm
		t.text = strconv.Itoa(size)
		return t
	}
	sum := &term{kind: sumTerm}
	for j := 0; j < size; j++ {
		sum.args = append(sum.args, product(w.component(u, j), w.component(v, j)))
	}
	if size == 1 {
		return sum.args[0]
	}
	return sum
}

func product(a, b *term) *term { return &term{kind: productTerm, args: []*term{a, b}} }

// compose puts an op over terms. What associates to the left is one flat sum or product.
func compose(o *Op, args []*term) *term {
	switch style := o.Print.Style; {
	case o.Role == Same:
		return args[0]
	case (style == Sum || style == Difference) && len(args) == 2:
		t := &term{kind: sumTerm}
		if args[0].kind == sumTerm {
			t.args = append(t.args, args[0].args...)
		} else {
			t.args = append(t.args, args[0])
		}
		second := args[1]
		if style == Difference {
			second = &term{kind: minusTerm, args: []*term{second}}
		}
		t.args = append(t.args, second)
		return t
	case style == Negation:
		return &term{kind: minusTerm, args: args}
	case style == Product && len(args) == 2:
		t := &term{kind: productTerm}
		if args[0].kind == productTerm {
			t.args = append(t.args, args[0].args...)
		} else {
			t.args = append(t.args, args[0])
		}
		t.args = append(t.args, args[1])
		return t
	case style == Quotient:
		return &term{kind: quotientTerm, args: args}
	case style == Power:
		return &term{kind: powerTerm, args: args}
	case style == Bars:
		return &term{kind: barsTerm, text: o.Name, args: args}
	}
	return &term{kind: callTerm, form: o.Print, text: o.Name, args: args}
}

// componentName is the name of component j (from 0): w1, W2_3; w1_2 where w1 is the vector's name.
func componentName(name string, s Shape, j int) string {
	i := indexText(s, j)
	if last := name[len(name)-1]; last >= '0' && last <= '9' || strings.Contains(name, "_") {
		return name + "_" + i
	}
	if s.IsMatrix() {
		return name + "_" + i
	}
	return name + i
}

func indexText(s Shape, j int) string {
	if s.IsMatrix() {
		return strconv.Itoa(j/s.Cols+1) + "," + strconv.Itoa(j%s.Cols+1)
	}
	return strconv.Itoa(j + 1)
}
