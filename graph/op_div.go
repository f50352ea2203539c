package graph

import "math"

var opDiv = &Op{
	Name: "div", Arity: 2, Role: Over,
	Binary: func(u, v float64) float64 { return u / v },
	Deriv:  []string{"1/v", "-u/v^2"},
	Range: func(in []Interval) Interval {
		if !in[1].nonzero() {
			return Everything()
		}
		return mulRange(in[0], invRange(in[1]))
	},
	Rules: []Rule{
		{Name: "logistic-by-hand", Before: "exp(u)/(1 + exp(u))", After: "sigmoid(u)"},
		{Name: "logistic-by-hand", Before: "v/(1 + exp(u))", After: "v*sigmoid(-u)"},
		{Name: "reciprocal of exp", Before: "u/exp(v)", After: "u*exp(-v)"},
		{Name: "softmax-by-hand", Before: "exp(u)/sum(exp(u))", After: "softmax(u)", If: "vector(u)"},
	},
	Cost:  4,
	Print: Forms{Style: Quotient},
	Tests: []Point{{In: []float64{1, 0}, Out: math.Inf(1)}, {In: []float64{-1, 0}, Out: math.Inf(-1)}, {In: []float64{3, 4}, Out: 0.75}},
}
