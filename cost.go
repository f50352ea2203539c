package descent

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/descent-ml/descent/graph"
)

// Equations is the model of the lecture. It is what trains unless Config.Equations says otherwise, and nothing below this package
// knows it by another name.
const Equations = `z = dot(w, x) + b
a = sigmoid(z)
L = -(y*log(a) + (1-y)*log(1-a))`

// ClassEquations is the same model for more than two classes: z, a and y are vectors with a component for each.
const ClassEquations = `z = dot(W, x) + b
a = softmax(z)
L = -sum(y*log(a))`

// size is what the shapes of a model's leaves depend on.
type size struct {
	inputs int  // n
	sets   int  // K sets of weights: 1 for two classes
	offset bool // there is an offset o
}

// equations are the default model of this size: [Equations] or [ClassEquations], with the offset as a further term of z, and without x where
// there are no inputs. Of more than two classes the reference (r is 0 there, 1 elsewhere) takes no offset.
func (d size) equations() string {
	e, o := Equations, " + o"
	if d.sets > 1 {
		e, o = ClassEquations, " + o*r"
	}
	first, rest, _ := strings.Cut(e, "\n")
	if d.inputs == 0 {
		first = "z = b"
		if d.sets == 1 && !d.offset {
			return first + "\n" + rest
		}
	}
	if d.offset {
		first += o
	}
	return first + "\n" + rest
}

// parameters are the names of the weights and the biases: w and b, or W and b for more than one set.
func (d size) parameters() []string {
	switch {
	case d.inputs == 0:
		return []string{"b"}
	case d.sets > 1:
		return []string{"W", "b"}
	}
	return []string{"w", "b"}
}

// leaves are the names that equations of a model may use.
func (d size) leaves() []graph.Leaf {
	row := graph.Shape{PerRow: true}
	b := graph.Leaf{Kind: graph.Parameter, Name: "b"}
	y := graph.Leaf{Kind: graph.Input, Name: "y", Shape: row}
	w := graph.Leaf{Kind: graph.Parameter, Name: "w", Shape: graph.Vector(d.inputs)}
	if d.sets > 1 {
		b.Shape, y.Shape = graph.Vector(d.sets), graph.Vector(d.sets).EachRow()
		y.Fact.Total = big.NewRat(1, 1) // one-hot
		w.Name, w.Shape = "W", graph.Matrix(d.sets, d.inputs)
	}
	leaves := []graph.Leaf{b, y}
	if d.inputs > 0 {
		leaves = append(leaves, graph.Leaf{Kind: graph.Input, Name: "x", Shape: graph.Vector(d.inputs).EachRow()}, w)
	}
	if d.offset {
		leaves = append(leaves, graph.Leaf{Kind: graph.Input, Name: "o", Shape: row})
		if d.sets > 1 {
			leaves = append(leaves, graph.Leaf{Kind: graph.Input, Name: "r", Shape: graph.Vector(d.sets)})
		}
	}
	return leaves
}

// parse parses the equations of a model.
func (d size) parse(equations string) (*graph.Graph, error) {
	return graph.ParseWith(equations, graph.Options{Leaves: d.leaves(), Closed: true, Sizes: d.names()})
}

// cost is the graph that trains: the model's equations, and J made of the loss of one example.
type cost struct {
	graph *graph.Graph
	size  size
	loss  string // the definition that is the loss of one example
	root  string // the definition that is J, without its L1 term: what is differentiated and runs
	whole string // the definition that is J

	parameters []parameter // of equations that declare some; nil: w (or W) and b
}

// newCost adds to the equations the line
//
//	J = mean(s*L) + sum(lambda*w*w)/(2*m)
//
// without s where rows have no weights and without the second term where there is no L2 penalty. mean divides by m = Σ s. lambda has the
// shape of w (or W). With an L1 penalty that is the line of F, the smooth part, and
//
//	J = F + sum(lambda1*abs(w))/m
//
// is one more, above all means: it is never differentiated (see [optim.Proximal]).
func newCost(equations string, d size, weighted bool, penalty Penalty) (*cost, error) {
	g, err := d.parse(equations)
	if err != nil {
		return nil, err
	}
	if len(g.Defs) == 0 {
		return nil, fmt.Errorf("there is no equation")
	}
	c := &cost{graph: g, size: d, loss: g.Defs[len(g.Defs)-1].Name, root: "J"}
	l1 := penalty.L1 > 0 && d.inputs > 0
	if l1 {
		c.root = "F"
	}
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
	if c.parameters, err = declaredParameters(g, c.loss); err != nil {
		return nil, err
	}
	if penalty.L2 > 0 && c.parameters != nil {
		term, more := penaltyOf(c.parameters)
		line, leaves = line+term, append(leaves, more...)
	} else if penalty.L2 > 0 && d.inputs > 0 {
		w := d.parameters()[0]
		line += fmt.Sprintf(" + sum(lambda*%s*%s)/(2*m)", w, w)
		leaf, _ := g.Lookup(w)
		leaves = append(leaves,
			graph.Leaf{Kind: graph.Input, Name: "lambda", Shape: leaf.Shape},
			graph.Leaf{Kind: graph.Input, Name: "m"})
	}
	if err := g.Append(c.root+" = "+line, leaves...); err != nil {
		return nil, fmt.Errorf("the equations use a name that the cost J = %s needs: %w", line, err)
	}
	c.whole = c.root
	if l1 {
		return c, c.addL1()
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
