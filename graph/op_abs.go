package graph

import "math"

// abs(u) = |u|; its derivative is 0 at 0.
var opAbs = &Op{
	Name: "abs", Arity: 1,
	Unary: math.Abs,
	Deriv: []string{"gt(u, 0) - gt(0, u)"},
	Range: func(in []Interval) Interval {
		if in[0].notNegative() {
			return in[0]
		}
		return Interval{Lo: 0, LoOpen: in[0].nonzero(), Hi: math.Max(-in[0].Lo, in[0].Hi)}
	},
	Rules: []Rule{{Name: "abs of minus", Before: "abs(-u)", After: "abs(u)"}},
	Cost:  1,
	Print: Forms{Style: Bars},
	Tests: []Point{{In: []float64{0}, Out: 0}, {In: []float64{-1000}, Out: 1000}},
}
