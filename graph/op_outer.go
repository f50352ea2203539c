package graph

import "fmt"

// outer(u, v) is the matrix of all products u_k*v_j: the adjoint of dot in its matrix.
var opOuter = &Op{
	Name: "outer", Arity: 2, Role: Expand,
	Shape: func(in []Shape) (Shape, error) {
		u, v := in[0], in[1]
		if u.IsVector() && v.IsVector() {
			s := Shape{PerRow: u.PerRow || v.PerRow, Rows: u.Rows, Cols: v.Rows}
			return s, s.check()
		}
		return Shape{}, fmt.Errorf("wants two vectors; not a %v and a %v", u.inner(), v.inner())
	},
	Value: func(out []float64, in []Shape, args ...[]float64) {
		u, v := args[0], args[1]
		for k, uk := range u {
			for j, vj := range v {
				out[k*len(v)+j] = uk * vj
			}
		}
	},
	Pull: func([]Shape) []string { return []string{"dot(adj, v)", "dotT(adj, u)"} },
	Push: "outer(du, v) + outer(u, dv)",
	Cost: 1,
	Cases: []Case{
		{Shapes: []Shape{Vector(2), Vector(3)}, In: [][]float64{{1, 2}, {3, 4, 5}}, Out: []float64{3, 4, 5, 6, 8, 10}},
		{Rows: 2, Shapes: []Shape{Vector(1).EachRow(), Vector(2)}, In: [][]float64{{1, 2}, {3, 4}}, Out: []float64{3, 4, 6, 8}},
	},
	Print: Forms{Style: Outer},
}
