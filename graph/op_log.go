package graph

import "math"

var opLog = &Op{
	Name: "log", Arity: 1,
	Unary: math.Log,
	Deriv: []string{"1/u"},
	Range: func(in []Interval) Interval {
		r := Everything()
		if in[0].Hi <= 1 {
			r.Hi, r.HiOpen = 0, in[0].Hi < 1 || in[0].HiOpen
		}
		if in[0].Lo >= 1 {
			r.Lo, r.LoOpen = 0, in[0].Lo > 1 || in[0].LoOpen
		}
		return r
	},
	Rules: []Rule{
		{Name: "constant", Before: "log(1)", After: "0"},
		{Name: "log-exp", Before: "log(exp(u))", After: "u"},
		{Name: "log-one-plus-exp", Before: "log(1 + exp(u))", After: "softplus(u)"},
		{Name: "log-one-plus-exp", Before: "log(exp(u) + exp(v))", After: "u + softplus(v - u)"},
		{Name: "log-product", Before: "log(u*v)", After: "log(u) + log(v)", If: "u > 0, v > 0"},
		{Name: "log-product", Before: "log(u/v)", After: "log(u) - log(v)", If: "u > 0, v > 0"},
		{Name: "log-product", Before: "log(u^v)", After: "v*log(u)", If: "u > 0"},
	},
	Cost:  14,
	Print: Forms{Style: Operator, Symbol: "log", LaTeX: `\log`},
	Tests: []Point{
		{In: []float64{1}, Out: 0}, {In: []float64{0}, Out: math.Inf(-1)}, {In: []float64{math.E}, Out: 1, Tolerance: 1e-15},
	},
}
