package graph

import "math"

var opLog1p = &Op{
	Name: "log1p", Arity: 1,
	Unary: math.Log1p,
	Deriv: []string{"1/(1 + u)"},
	Range: func(in []Interval) Interval {
		r := Everything()
		if in[0].notNegative() {
			r.Lo, r.LoOpen = 0, in[0].positive()
		}
		return r
	},
	Rules: []Rule{
		{Name: "log-one-plus-exp", Before: "log1p(exp(u))", After: "softplus(u)"},
		{Name: "log-one-minus-sigmoid", Before: "log1p(-sigmoid(u))", After: "-softplus(u)"},
	},
	Cost: 14,
	Tests: []Point{
		{In: []float64{0}, Out: 0}, {In: []float64{-1}, Out: math.Inf(-1)}, {In: []float64{1e-20}, Out: 1e-20},
	},
}
