package descent

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/graph"
)

// The gradient check of a model with a hidden layer: θ is the parameters of its equations, one after the other.

// countParameters is the number of parameters of equations, "" being the default ones.
func (d size) countParameters(equations string) (int, error) {
	plain := d.sets * (d.inputs + 1)
	if len(graph.Declared(equations)) == 0 {
		return plain, nil
	}
	g, err := d.parse(equations)
	if err != nil || len(g.Defs) == 0 {
		return plain, err
	}
	all, err := declaredParameters(g, g.Defs[len(g.Defs)-1].Name)
	if err != nil {
		return 0, err
	}
	return all[len(all)-1].end(), nil
}

// prepareLayers sets λ of every parameter, and names them.
func (k *check) prepareLayers(l2 float64, values engine.Values) []string {
	var names []string
	k.lambda = k.lambda[:0]
	for _, p := range k.layers {
		names = append(names, p.name)
		l := 0.0
		if p.weight {
			l = l2
		}
		for range p.shape.Size() {
			k.lambda = append(k.lambda, l)
		}
	}
	if k.cost.uses("lambda") {
		k.of["lambda"], values.Of["lambda"] = []float64{l2}, []float64{l2}
	}
	return names
}

func (k *check) nameLayers() {
	for _, p := range k.layers {
		for j := range p.shape.Size() {
			k.names = append(k.names, p.component(j))
		}
	}
}

// randomLayers draws weights as training does, and the biases from the normal distribution with deviation 1/2; if a score is then beyond
// ±8, where the loss as written is no longer exact, all are halved.
func (k *check) randomLayers(r *rand.Rand) ([]float64, error) {
	theta := start(k.layers, r.Uint64())
	for _, p := range k.layers {
		for j := p.begin; j < p.end() && !p.weight; j++ {
			theta[j] = r.NormFloat64() / 2
		}
	}
	z, ok := k.cost.graph.Lookup("z")
	if !ok {
		return theta, nil
	}
	for range 60 {
		out, err := k.eval(theta, z)
		if err != nil {
			return nil, err
		}
		if largest(out[0]) <= 8 {
			break
		}
		for j := range theta {
			theta[j] /= 2
		}
	}
	return theta, nil
}

// differenceLayers is difference with a step for layers: a number of the hidden layer is multiplied again by the weights after it, so the step
// is shorter. Where relu, max or abs have a row on the one side of their kink at one step and on the other at another, the row gets a much
// shorter step, and a row that is on the kink all the same, and has no derivative, counts with that of the graph.
func (k *check) differenceLayers(theta []float64, j int, loss *graph.Node) (float64, error) {
	n := k.size.inputs
	size := 1.0
	i := slices.IndexFunc(k.layers, func(p parameter) bool { return j < p.end() })
	p := &k.layers[i]
	if p.shape.IsMatrix() && p.shape.Cols == n {
		for r := range k.rows {
			size = math.Max(size, math.Abs(k.of["x"][r*n+(j-p.begin)%n]))
		}
	}
	rows, turned, penalty, err := k.slopes(theta, j, math.Ldexp(1, math.Ilogb(1e-3/size)), loss, p.weight)
	if err != nil {
		return 0, err
	}
	if slices.Contains(turned, true) {
		near, still, _, err := k.slopes(theta, j, math.Ldexp(1, math.Ilogb(1e-7/size)), loss, false)
		if err != nil {
			return 0, err
		}
		each := k.rowDerivative[i]
		for r := range rows {
			switch {
			case !turned[r]:
			case !still[r]:
				rows[r] = near[r]
			case len(each) == len(k.rows)*p.shape.Size():
				rows[r] = each[r*p.shape.Size()+j-p.begin]
			default:
				rows[r] = each[(j-p.begin)%len(each)]
			}
		}
	}
	return sum(rows)/k.m + penalty, nil
}

// slopes are the differences of every row's loss in θ_j with steps of h, which rows met a kink on the way, and the penalty's difference.
func (k *check) slopes(theta []float64, j int, h float64, loss *graph.Node, penalised bool) (rows []float64, turned []bool, penalty float64, err error) {
	kinks := kinksOf(loss)
	roots := []*graph.Node{loss}
	for _, n := range kinks {
		roots = append(roots, n.Args...)
	}
	rows, turned = make([]float64, len(k.rows)), make([]bool, len(k.rows))
	var first [][]bool
	for s, step := range []float64{0, h, -h, 2 * h, -2 * h} {
		if s == 0 && len(kinks) == 0 {
			continue
		}
		weight := []float64{0, 8, -8, -1, 1}[s] / (12 * h)
		moved := slices.Clone(theta)
		moved[j] += step
		out, err := k.eval(moved, roots...)
		if err != nil {
			return nil, nil, 0, err
		}
		for r := range rows {
			rows[r] += weight * out[0][r]
		}
		if k.penalty != nil && penalised {
			alone := make([]float64, len(theta))
			alone[j] = moved[j]
			of, err := k.eval(alone, k.penalty)
			if err != nil {
				return nil, nil, 0, err
			}
			penalty += weight * of[0][0]
		}
		if s == 1 {
			k.rounding = 0
			for _, v := range out[0] {
				k.rounding += 4 * 0x1p-52 * math.Abs(v) * 18 / (12 * h) / k.m
			}
		}
		sides := k.sides(kinks, out[1:])
		if first == nil {
			first = sides
		}
		for q, side := range sides {
			width := len(side) / len(k.rows)
			for c, v := range side {
				if v != first[q][c] {
					turned[c/width] = true
				}
			}
		}
	}
	return rows, turned, penalty, nil
}

// sides says for every kink and row on which side of it the arguments are.
func (k *check) sides(kinks []*graph.Node, args [][]float64) [][]bool {
	var out [][]bool
	for _, n := range kinks {
		shape := n.Shape
		size := shape.Size()
		side := make([]bool, len(k.rows)*size)
		at := func(a int, r, c int) float64 {
			if a >= len(n.Args) {
				return 0
			}
			s := n.Args[a].Shape
			if s.IsScalar() {
				c = 0
			}
			if s.PerRow {
				c += r * s.Size()
			}
			return args[a][c]
		}
		for r := range k.rows {
			for c := range size {
				side[r*size+c] = at(0, r, c) > at(1, r, c)
			}
		}
		out, args = append(out, side), args[len(n.Args):]
	}
	return out
}
