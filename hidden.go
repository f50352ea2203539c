package descent

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/descent-ml/descent/graph"
)

// hidden are the default equations with a tanh layer of so many units before the output:
//
//	V = parameter(units, n)
//	c = parameter(units)
//	w = parameter(units)
//	h = tanh(dot(V, x) + c)
//	z = dot(w, h) + b
//
// and a and L as always; of more than two classes W = parameter(K, units) and z = dot(W, h) + b.
func (d size) hidden(units int) string {
	_, rest, _ := strings.Cut(d.equations(), "\n")
	w, shape, o := "w", fmt.Sprint(units), ""
	if d.sets > 1 {
		w, shape = "W", fmt.Sprintf("K, %d", units)
	}
	switch {
	case d.offset && d.sets > 1:
		o = " + o*r"
	case d.offset:
		o = " + o"
	}
	return fmt.Sprintf("V = parameter(%d, n)\nc = parameter(%d)\n%s = parameter(%s)\nh = tanh(dot(V, x) + c)\nz = dot(%s, h) + b%s\n%s", units, units, w, shape, w, o, rest)
}

// names are the sizes that declarations may name: n inputs, K classes.
func (d size) names() map[string]int { return map[string]int{"n": d.inputs, "K": max(d.sets, 2)} }

// layered says whether the equations declare parameters of their own, as those of a hidden layer do.
func (c *Config) layered() bool { return c.Hidden > 0 || len(graph.Declared(c.Equations)) > 0 }

// maxHidden is the most units that Hidden may ask for.
const maxHidden = 4096

func (c *Config) checkLayers() error {
	switch {
	case c.Hidden < 0 || c.Hidden > maxHidden:
		return fmt.Errorf("hidden %d: want a number of units from 1 to %d", c.Hidden, maxHidden)
	case c.Solver.Restarts < 0:
		return fmt.Errorf("restarts %d is out of range", c.Solver.Restarts)
	case c.Hidden > 0 && c.Equations != "":
		return errors.New("hidden and equations: choose one; equations say themselves which layers there are")
	case c.Solver.Restarts > 0 && !c.layered():
		return fmt.Errorf("restarts %d: only a model with a hidden layer has a random start", c.Solver.Restarts)
	case c.Solver.Tol > 0 && c.layered():
		return errors.New("tol: of a model with a hidden layer no gap is proved")
	case c.Penalty.L1 != 0 && c.layered():
		return errors.New("l1 with a hidden layer is not offered; l2 is")
	}
	return nil
}

// A parameter is one of those that equations with a hidden layer train.
type parameter struct {
	name   string
	shape  graph.Shape
	begin  int  // in θ
	weight bool // a matrix, or a vector in a dot product: it starts at random and is penalised; others start at 0
}

func (p *parameter) end() int { return p.begin + p.shape.Size() }

// component is the name of its number j.
func (p *parameter) component(j int) string {
	switch {
	case p.shape.IsMatrix():
		return fmt.Sprintf("%s[%d,%d]", p.name, j/p.shape.Cols+1, j%p.shape.Cols+1)
	case p.shape.IsVector():
		return fmt.Sprintf("%s[%d]", p.name, j+1)
	}
	return p.name
}

// declaredParameters are the parameters of equations that declare some: these in their order, then the others that are used, w, W and b. nil
// where nothing is declared.
func declaredParameters(g *graph.Graph, loss string) ([]parameter, error) {
	if len(g.Declared) == 0 {
		return nil, nil
	}
	root, _ := g.Lookup(loss)
	used, factor := map[string]*graph.Node{}, map[*graph.Node]bool{}
	names := slices.Clone(g.Declared)
	for _, n := range graph.Below(root) {
		if n.Leaf != nil && n.Leaf.Kind == graph.Parameter {
			if used[n.Leaf.Name] = n; !slices.Contains(names, n.Leaf.Name) {
				names = append(names, n.Leaf.Name)
			}
		}
		if n.Op != nil && n.Op.Name == "dot" {
			factor[n.Args[0]], factor[n.Args[1]] = true, true
		}
	}
	var all []parameter
	size := 0
	for _, name := range names {
		n, ok := used[name]
		if !ok {
			return nil, fmt.Errorf("the loss does not depend on %s", name)
		}
		all = append(all, parameter{name: name, shape: n.Shape, begin: size, weight: n.Shape.IsMatrix() || factor[n]})
		size += n.Shape.Size()
	}
	return all, nil
}

// penaltyOf is the penalty's part of J, on the weights and not on the biases.
func penaltyOf(all []parameter) (term string, leaves []graph.Leaf) {
	var squares []string
	for _, p := range all {
		if p.weight {
			squares = append(squares, fmt.Sprintf("sum(%s*%s)", p.name, p.name))
		}
	}
	if squares == nil {
		return "", nil
	}
	return " + lambda*(" + strings.Join(squares, " + ") + ")/(2*m)", []graph.Leaf{{Kind: graph.Input, Name: "lambda"}, {Kind: graph.Input, Name: "m"}}
}

// start draws the weights uniformly from ±√(6/(in + out)), in and out being the numbers that the weights take and give (Glorot and Bengio,
// AISTATS 2010, eq. 16); all else starts at 0.
func start(all []parameter, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 0x6c61796572)) // "layer"
	var theta []float64
	for _, p := range all {
		in, out := p.shape.Rows, 1
		if p.shape.IsMatrix() {
			in, out = p.shape.Cols, p.shape.Rows
		}
		bound := math.Sqrt(6 / float64(in+out))
		for range p.shape.Size() {
			v := 0.0
			if p.weight {
				v = bound * (2*r.Float64() - 1)
			}
			theta = append(theta, v)
		}
	}
	return theta
}

// LayerParameter is one parameter of a model with a hidden layer, in the coordinates in which the model sees its inputs.
type LayerParameter struct {
	Name   string      `json:"name"`
	Shape  []int       `json:"shape"`  // rows and columns of a matrix, components of a vector, empty for a number
	Values [][]float64 `json:"values"` // by row; a vector, and a number, is one row
}

func (p *parameter) of(theta []float64) LayerParameter {
	out, v := LayerParameter{Name: p.name, Shape: []int{}}, theta[p.begin:p.end()]
	switch {
	case p.shape.IsMatrix():
		out.Shape = []int{p.shape.Rows, p.shape.Cols}
		for row := range p.shape.Rows {
			out.Values = append(out.Values, slices.Clone(v[row*p.shape.Cols:(row+1)*p.shape.Cols]))
		}
		return out
	case p.shape.IsVector():
		out.Shape = []int{p.shape.Rows}
	}
	out.Values = [][]float64{slices.Clone(v)}
	return out
}

// read is the reverse of of: the numbers of a model file, which must have the parameter's name and shape.
func (p *parameter) read(from *LayerParameter) ([]float64, error) {
	empty := make([]float64, p.shape.Size()+p.begin)
	want := p.of(empty)
	if from.Name != want.Name || !slices.Equal(from.Shape, want.Shape) || len(from.Values) != len(want.Values) {
		return nil, fmt.Errorf("the parameter %q of shape %v does not fit the equations, where %s has shape %v", from.Name, from.Shape, want.Name, want.Shape)
	}
	var v []float64
	for i, row := range from.Values {
		if len(row) != len(want.Values[i]) {
			return nil, fmt.Errorf("row %d of the parameter %q has %d numbers, want %d", i+1, from.Name, len(row), len(want.Values[i]))
		}
		v = append(v, row...)
	}
	return v, nil
}
