package graph

import "math"

// largest(u) is the largest component of a vector. It is part of the lowered softmax and logsumexp
// and has no derivative of its own.
var opLargest = &Op{
	Name: "largest", Arity: 1, Role: TopOf, Internal: true,
	Shape: func(in []Shape) (Shape, error) {
		s, err := wantsVector(in)
		return Shape{PerRow: s.PerRow}, err
	},
	Value: func(out []float64, in []Shape, args ...[]float64) { out[0] = largest(args[0]) },
	Range: func(in []Interval) Interval { return in[0] },
	Cost:  1,
	Cases: []Case{
		{Shapes: []Shape{Vector(3)}, In: [][]float64{{-1000, 1000, 3}}, Out: []float64{1000}},
		{Rows: 2, Shapes: []Shape{Vector(2).EachRow()}, In: [][]float64{{1, 2, -3, -4}}, Out: []float64{2, -3}},
	},
}

func largest(u []float64) float64 {
	top := math.Inf(-1)
	for _, ui := range u {
		top = math.Max(top, ui)
	}
	return top
}
