package graph

import "fmt"

// dot(u, v) is the scalar product of two vectors, or a matrix times a vector: the product of each
// row of u with v. In reverse it needs outer and dotT.
var opDot = &Op{
	Name: "dot", Arity: 2, Role: Contract,
	Shape: func(in []Shape) (Shape, error) {
		u, v := in[0], in[1]
		switch row := u.PerRow || v.PerRow; {
		case u.IsVector() && v.IsVector() && u.Rows == v.Rows:
			return Shape{PerRow: row}, nil
		case u.IsMatrix() && v.IsVector() && u.Cols == v.Rows:
			return Shape{PerRow: row, Rows: u.Rows}, nil
		}
		return Shape{}, fmt.Errorf("wants two vectors of one length, or a kxn matrix and a vector of n; not a %v and a %v", u.inner(), v.inner())
	},
	Value: func(out []float64, in []Shape, args ...[]float64) {
		u, v := args[0], args[1]
		n := len(v)
		for k := range out {
			var t total
			for j, vj := range v {
				t.add(float64(u[k*n+j] * vj)) // rounded: no fused multiply-add
			}
			out[k] = t.value()
		}
	},
	Pull: func(in []Shape) []string {
		if in[0].IsVector() {
			return []string{"adj*v", "adj*u"}
		}
		return []string{"outer(adj, v)", "dotT(u, adj)"}
	},
	Push: "dot(du, v) + dot(u, dv)",
	Cost: 2,
	Cases: []Case{
		{Shapes: []Shape{Vector(3), Vector(3)}, In: [][]float64{{1, 2, 3}, {4, -5, 6}}, Out: []float64{12}},
		{Shapes: []Shape{Matrix(2, 3), Vector(3)}, In: [][]float64{{1, 2, 3, 4, 5, 6}, {1, 0, -1}}, Out: []float64{-2, -2}},
		{Rows: 2, Shapes: []Shape{Vector(2), Vector(2).EachRow()}, In: [][]float64{{1, 10}, {1, 2, 3, 4}}, Out: []float64{21, 43}},
		{Rows: 2, Shapes: []Shape{Matrix(2, 2), Vector(2).EachRow()}, In: [][]float64{{1, 10, 0, 1}, {1, 2, 3, 4}}, Out: []float64{21, 2, 43, 4}},
	},
	Print: Forms{Style: Inner},
}
