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
// is shorter; and where the equations have a kink (relu, max, abs), so short that hardly a row is on both sides of it.
func (k *check) differenceLayers(theta []float64, j int, loss *graph.Node) (float64, error) {
	n := k.size.inputs
	width := 1e-3
	if hasKink(loss) {
		width = 0x1p-24
	}
	size := 1.0
	i := slices.IndexFunc(k.layers, func(p parameter) bool { return j < p.end() })
	p := &k.layers[i]
	if p.shape.IsMatrix() && p.shape.Cols == n {
		for r := range k.rows {
			size = math.Max(size, math.Abs(k.of["x"][r*n+(j-p.begin)%n]))
		}
	}
	h := math.Ldexp(1, math.Ilogb(width/size))
	rows, weights := make([]float64, len(k.rows)), []float64{8, -8, -1, 1}
	var penalty float64
	for s, step := range []float64{h, -h, 2 * h, -2 * h} {
		moved := slices.Clone(theta)
		moved[j] += step
		out, err := k.eval(moved, loss)
		if err != nil {
			return 0, err
		}
		for r := range rows {
			rows[r] += weights[s] * out[0][r]
		}
		if k.penalty != nil && p.weight {
			alone := make([]float64, len(theta))
			alone[j] = moved[j]
			if out, err = k.eval(alone, k.penalty); err != nil {
				return 0, err
			}
			penalty += weights[s] * out[0][0]
		}
	}
	return (sum(rows)/k.m + penalty) / (12 * h), nil
}
