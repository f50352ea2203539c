package graph

import "fmt"

// fill(u, v) is the scalar u in every component of a value shaped like v. Derivatives need it where a
// sum is undone: the gradient of sum(w) is fill(1, w).
var opFill = &Op{
	Name: "fill", Arity: 2, Role: Repeat, Internal: true,
	Shape: func(in []Shape) (Shape, error) {
		if !in[0].IsScalar() {
			return Shape{}, fmt.Errorf("wants a scalar to fill with, not a %v", in[0].inner())
		}
		return Shape{PerRow: in[0].PerRow, Rows: in[1].Rows, Cols: in[1].Cols}, nil
	},
	Value: func(out []float64, in []Shape, args ...[]float64) {
		for i := range out {
			out[i] = args[0][0]
		}
	},
	Pull:  func([]Shape) []string { return []string{"sum(adj)", "0"} },
	Push:  "fill(du, v)",
	Range: func(in []Interval) Interval { return in[0] },
	Cost:  1,
	Cases: []Case{
		{Shapes: []Shape{{}, Vector(3)}, In: [][]float64{{7}, {1, 2, 3}}, Out: []float64{7, 7, 7}},
		{Rows: 2, Shapes: []Shape{{PerRow: true}, Vector(2)}, In: [][]float64{{7, 8}, {1, 2}}, Out: []float64{7, 7, 8, 8}},
	},
}
