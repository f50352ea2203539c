package descent

import (
	"fmt"
	"strings"

	"github.com/descent-ml/descent/graph"
)

// Equations is the model of the lecture. It is what trains unless Config.Equations says otherwise, and nothing below this package
// knows it by another name.
const Equations = `z = dot(w, x) + b
a = sigmoid(z)
L = -(y*log(a) + (1-y)*log(1-a))`

// offsetEquations has the offset o as a further term of z.
const offsetEquations = `z = dot(w, x) + b + o
a = sigmoid(z)
L = -(y*log(a) + (1-y)*log(1-a))`

// interceptEquations is what is left of it without inputs.
const interceptEquations = `z = b
a = sigmoid(z)
L = -(y*log(a) + (1-y)*log(1-a))`

// modelLeaves are the names that equations of a model may use, for n inputs.
func modelLeaves(n int, offset bool) []graph.Leaf {
	row := graph.Shape{PerRow: true}
	leaves := []graph.Leaf{
		{Kind: graph.Parameter, Name: "b"},
		{Kind: graph.Input, Name: "y", Shape: row},
	}
	if n > 0 {
		leaves = append(leaves,
			graph.Leaf{Kind: graph.Input, Name: "x", Shape: graph.Vector(n).EachRow()},
			graph.Leaf{Kind: graph.Parameter, Name: "w", Shape: graph.Vector(n)})
	}
	if offset {
		leaves = append(leaves, graph.Leaf{Kind: graph.Input, Name: "o", Shape: row})
	}
	return leaves
}

// parseModel parses the equations of a model with n inputs.
func parseModel(equations string, n int, offset bool) (*graph.Graph, error) {
	return graph.ParseWith(equations, graph.Options{Leaves: modelLeaves(n, offset), Closed: true})
}

// cost is the graph that trains: the model's equations, and J made of the loss of one example.
type cost struct {
	graph *graph.Graph
	loss  string // the definition that is the loss of one example
	root  string // the definition that is J
}

// newCost adds to the equations the line
//
//	J = mean(s*L) + sum(lambda*w*w)/(2*m)
//
// without s where rows have no weights and without the second term where nothing is penalised. mean divides by m = Σ s. lambda has one
// value per input.
func newCost(equations string, n int, offset, weighted, penalised bool) (*cost, error) {
	g, err := parseModel(equations, n, offset)
	if err != nil {
		return nil, err
	}
	if len(g.Defs) == 0 {
		return nil, fmt.Errorf("there is no equation")
	}
	c := &cost{graph: g, loss: g.Defs[len(g.Defs)-1].Name, root: "J"}
	last := g.Defs[len(g.Defs)-1].Written
	if !last.Shape.PerRow || !last.Shape.IsScalar() {
		return nil, fmt.Errorf("the last equation, %s, must be the loss of one example: one number that depends on the example; it is %v", c.loss, last.Shape)
	}
	for c.root == c.loss || taken(g, c.root) {
		c.root += "_"
	}
	var leaves []graph.Leaf
	line := "mean(" + c.loss + ")"
	if weighted {
		line = "mean(s*" + c.loss + ")"
		leaves = append(leaves, graph.Leaf{Kind: graph.Input, Name: "s", Shape: graph.Shape{PerRow: true}})
	}
	if penalised && n > 0 {
		line += " + sum(lambda*w*w)/(2*m)"
		leaves = append(leaves,
			graph.Leaf{Kind: graph.Input, Name: "lambda", Shape: graph.Vector(n)},
			graph.Leaf{Kind: graph.Input, Name: "m"})
	}
	if err := g.Append(c.root+" = "+line, leaves...); err != nil {
		return nil, fmt.Errorf("the equations use a name that the cost J = %s needs: %w", line, err)
	}
	return c, nil
}

func taken(g *graph.Graph, name string) bool {
	_, ok := g.Lookup(name)
	return ok
}

// equationLines splits equations into lines without blanks around them and without empty ones.
func equationLines(equations string) []string {
	var lines []string
	for _, l := range strings.Split(equations, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}
