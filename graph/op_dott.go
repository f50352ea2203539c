package graph

import "fmt"

// dotT(u, v) is the transposed matrix u times the vector v: the adjoint of dot.
var opDotT = &Op{
	Name: "dotT", Arity: 2, Role: ContractT, Internal: true,
	Shape: func(in []Shape) (Shape, error) {
		u, v := in[0], in[1]
		if u.IsMatrix() && v.IsVector() && u.Rows == v.Rows {
			return Shape{PerRow: u.PerRow || v.PerRow, Rows: u.Cols}, nil
		}
		return Shape{}, fmt.Errorf("wants a kxn matrix and a vector of k; not a %v and a %v", u.inner(), v.inner())
	},
	Value: func(out []float64, in []Shape, args ...[]float64) {
		u, v := args[0], args[1]
		n := len(out)
		for j := range out {
			var t total
			for k, vk := range v {
				t.add(float64(u[k*n+j] * vk))
			}
			out[j] = t.value()
		}
	},
	Pull: func([]Shape) []string { return []string{"outer(v, adj)", "dot(u, adj)"} },
	Push: "dotT(du, v) + dotT(u, dv)",
	Cost: 2,
	Cases: []Case{
		{Shapes: []Shape{Matrix(2, 3), Vector(2)}, In: [][]float64{{1, 2, 3, 4, 5, 6}, {1, -1}}, Out: []float64{-3, -3, -3}},
		{Rows: 2, Shapes: []Shape{Matrix(2, 1), Vector(2).EachRow()}, In: [][]float64{{1, 10}, {1, 2, 3, 4}}, Out: []float64{21, 43}},
	},
	Print: Forms{Style: Transposed},
}
