package descent

import (
	"fmt"
	"sync"

	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/metric"
)

// link takes z to the probability of the positive class, by the model's own equations.
type link struct {
	mu      sync.Mutex  // of the graph
	a       *graph.Node // a as a function of the input linear; nil: it comes down to sigmoid
	assumed bool        // the equations define no a
}

// linear is the leaf that stands for dot(w, x) + b in a link.
const linear = "linear_predictor"

// newLink finds how the equations make a probability: the node a, or the sigmoid of dot(w, x) + b where they define none. An a that
// depends on anything else than dot(w, x) + b (and the offset o) is an error.
func newLink(equations string, n int, offset bool) (*link, error) {
	g, err := parseModel(equations, min(n, 1), offset)
	if err != nil {
		return nil, err
	}
	a, ok := g.Lookup("a")
	if !ok {
		return &link{assumed: true}, nil
	}
	z, err := g.Leaf(graph.Leaf{Kind: graph.Input, Name: linear, Shape: graph.Shape{PerRow: true}})
	if err != nil {
		return nil, err
	}
	for _, text := range []string{"dot(w, x) + b + o", "dot(w, x) + b", "dot(w, x)", "b + o", "b"} {
		if node, ok := lookUp(g, text); ok {
			if r := g.Replace(a, map[*graph.Node]*graph.Node{node: z}); r != a {
				a = r
				break
			}
		}
	}
	for _, n := range graph.Below(a) {
		if n.Leaf != nil && n.Leaf.Kind != graph.Constant && n != z {
			return nil, fmt.Errorf("a is predicted from dot(w, x) + b alone, but it also depends on %s", n.Leaf.Name)
		}
	}
	simple, _, err := g.Simplify(a)
	if err != nil {
		return nil, err
	}
	if want, ok := lookUp(g, "sigmoid("+linear+")"); ok && simple[0] == want {
		return &link{}, nil
	}
	return &link{a: a}, nil
}

// lookUp builds an expression over the leaves of g; ok is false if g lacks one of them.
func lookUp(g *graph.Graph, text string) (*graph.Node, bool) {
	p, err := graph.ParsePattern(text)
	if err != nil {
		return nil, false
	}
	bound := map[string]*graph.Node{}
	for _, name := range []string{"w", "x", "b", "o", linear} {
		if leaf, ok := g.Lookup(name); ok {
			bound[name] = leaf
		}
	}
	n, err := g.Build(p, bound)
	return n, err == nil
}

// probability of the positive class at z. Safe for concurrent use.
func (l *link) probability(z float64) (float64, error) {
	if l.a == nil {
		return metric.Sigmoid(z), nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	out, err := graph.Eval(graph.Values{Rows: 1, Of: map[string][]float64{linear: {z}}}, l.a)
	if err != nil {
		return 0, err
	}
	a := out[0][0]
	if !(a >= 0 && a <= 1) {
		return 0, fmt.Errorf("a = %v at z = %v is not a probability", a, z)
	}
	return a, nil
}
