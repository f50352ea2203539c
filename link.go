package descent

import (
	"fmt"

	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/metric"
)

// link takes the scores z to probabilities, by the model's own equations.
type link struct {
	size    size
	a       *graph.Node // a as a function of the input linear; nil: it comes down to sigmoid, or softmax
	assumed bool        // the equations define no a
}

// linear is the leaf that stands for dot(w, x) + b in a link.
const linear = "linear_predictor"

// newLink finds how the equations make probabilities: the node a, or the sigmoid (softmax) of dot(w, x) + b where they define none. An a that
// depends on anything else than dot(w, x) + b (and the offset o) is an error.
func newLink(equations string, d size) (*link, error) {
	d.inputs = min(d.inputs, 1)
	g, err := d.parse(equations)
	if err != nil {
		return nil, err
	}
	if len(g.Defs) == 0 {
		return nil, fmt.Errorf("there is no equation")
	}
	l := &link{size: d}
	a, ok := g.Lookup("a")
	if !ok {
		l.assumed = true
		return l, nil
	}
	b, _ := g.Lookup("b")
	if a.Shape.Size() != d.sets {
		return nil, fmt.Errorf("a is the probability of %d classes; it is %v", d.sets, a.Shape)
	}
	z, err := g.Leaf(graph.Leaf{Kind: graph.Input, Name: linear, Shape: b.Shape.EachRow()})
	if err != nil {
		return nil, err
	}
	for _, text := range d.heads() {
		if node, ok := lookUp(g, text); ok {
			if r := g.Replace(a, map[*graph.Node]*graph.Node{node: z}); r != a {
				a = r
				break
			}
		}
	}
	for _, n := range graph.Below(a) {
		if n.Leaf != nil && n.Leaf.Kind != graph.Constant && n != z {
			return nil, fmt.Errorf("a is predicted from %s alone, but it also depends on %s", d.heads()[0], n.Leaf.Name)
		}
	}
	simple, _, err := g.Simplify(a)
	if err != nil {
		return nil, err
	}
	known := "sigmoid(" + linear + ")"
	if d.sets > 1 {
		known = "softmax(" + linear + ")"
	}
	if want, ok := lookUp(g, known); !ok || simple[0] != want {
		l.a = a
	}
	return l, nil
}

// heads are the ways to write the whole linear predictor of this size; nothing less is z.
func (d size) heads() []string {
	o := "o"
	if d.sets > 1 {
		o = "o*r"
	}
	switch {
	case d.inputs == 0 && d.offset:
		return []string{"b + " + o}
	case d.inputs == 0:
		return []string{"b"}
	case d.offset:
		return []string{"dot(w, x) + b + " + o, "dot(w, x) + " + o + " + b", "dot(w, x) + (b + " + o + ")"}
	}
	return []string{"dot(w, x) + b"}
}

// standard says in words what an equation that defines no a gets.
func (l *link) standard() string {
	if l.size.sets > 1 {
		return "softmax(dot(W, x) + b)"
	}
	return "sigmoid(dot(w, x) + b)"
}

// lookUp builds an expression over the leaves of g, w standing for W too; ok is false if g lacks one of them.
func lookUp(g *graph.Graph, text string) (*graph.Node, bool) {
	p, err := graph.ParsePattern(text)
	if err != nil {
		return nil, false
	}
	bound := map[string]*graph.Node{}
	for _, name := range []string{"w", "W", "x", "b", "o", "r", linear} {
		if leaf, ok := g.Lookup(name); ok {
			if name == "W" {
				name = "w"
			}
			bound[name] = leaf
		}
	}
	n, err := g.Build(p, bound)
	return n, err == nil
}

// probability of the positive class of two at z. Safe for concurrent use.
func (l *link) probability(z float64) (float64, error) {
	if l.a == nil {
		return metric.Sigmoid(z), nil
	}
	var a [1]float64
	err := l.eval([]float64{z}, a[:])
	return a[0], err
}

// probabilities of all classes at their scores z, for more than two; a may be z. Safe for concurrent use.
func (l *link) probabilities(z, a []float64) error {
	if l.a != nil {
		return l.eval(z, a)
	}
	metric.Softmax(z, a)
	return nil
}

// eval runs the node a.
func (l *link) eval(z, a []float64) error {
	out, err := graph.Eval(graph.Values{Rows: 1, Of: map[string][]float64{linear: z}}, l.a)
	if err != nil {
		return err
	}
	copy(a, out[0])
	for _, v := range a {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("a = %v at z = %v is no probability", a, z)
		}
	}
	return nil
}
