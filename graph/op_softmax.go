package graph

import (
	"fmt"
	"math"
)

// softmax(u) = exp(u)/sum(exp(u)), with the largest component taken off first so that nothing
// overflows.
var opSoftmax = &Op{
	Name: "softmax", Arity: 1,
	Shape: wantsVector,
	Value: func(out []float64, in []Shape, args ...[]float64) {
		u := args[0]
		top := largest(u)
		var t total
		for i, ui := range u {
			out[i] = math.Exp(ui - top)
			t.add(out[i])
		}
		s := t.value()
		for i := range out {
			out[i] /= s
		}
	},
	Pull:  func([]Shape) []string { return []string{"softmax*(adj - sum(softmax*adj))"} },
	Push:  "softmax*(du - sum(softmax*du))",
	Range: func([]Interval) Interval { return Interval{Lo: 0, LoOpen: true, Hi: 1} },
	Rules: []Rule{
		{Name: "log-softmax", Before: "log(softmax(u))", After: "u - logsumexp(u)"},
		{Name: "total", Before: "sum(softmax(u))", After: "1"},
	},
	Runs: "e/sum(e) where e = exp(u - largest(u))",
	Cost: 18,
	Cases: []Case{
		{Shapes: []Shape{Vector(2)}, In: [][]float64{{1000, 0}}, Out: []float64{1, 0}},
		{Shapes: []Shape{Vector(2)}, In: [][]float64{{-1000, -1000}}, Out: []float64{0.5, 0.5}},
		{Shapes: []Shape{Vector(1)}, In: [][]float64{{1000}}, Out: []float64{1}},
		{Rows: 2, Shapes: []Shape{Vector(2).EachRow()}, In: [][]float64{{0, -40, 0, 0}}, Out: []float64{1, 4.248354255291589e-18, 0.5, 0.5}, Tolerance: 1e-15},
	},
}

func wantsVector(in []Shape) (Shape, error) {
	if !in[0].IsVector() {
		return Shape{}, fmt.Errorf("wants a vector, not a %v", in[0].inner())
	}
	return in[0], nil
}
