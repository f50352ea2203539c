package graph

import "math"

var opTanh = &Op{
	Name: "tanh", Arity: 1,
	Unary: math.Tanh,
	Deriv: []string{"1 - tanh^2"},
	Range: func([]Interval) Interval { return Interval{Lo: -1, Hi: 1, LoOpen: true, HiOpen: true} },
	Cost:  18,
	Print: Forms{Style: Operator, Symbol: "tanh", LaTeX: `\tanh`},
	Tests: []Point{
		{In: []float64{0}, Out: 0}, {In: []float64{1000}, Out: 1}, {In: []float64{-1000}, Out: -1},
		{In: []float64{0.5}, Out: 0.46211715726000973, Tolerance: 1e-15},
	},
}
