package graph

import "math"

// sigmoid(u) = 1/(1 + exp(-u)). It is computed from exp(-|u|), which cannot overflow.
var opSigmoid = &Op{
	Name: "sigmoid", Arity: 1,
	Unary: func(u float64) float64 {
		e := math.Exp(-math.Abs(u))
		if u >= 0 {
			return 1 / (1 + e)
		}
		return e / (1 + e)
	},
	Deriv: []string{"sigmoid*(1 - sigmoid)"},
	Range: func([]Interval) Interval { return Interval{Lo: 0, Hi: 1, LoOpen: true, HiOpen: true} },
	Rules: []Rule{
		{Name: "log-sigmoid", Before: "log(sigmoid(u))", After: "-softplus(-u)"},
		{Name: "log-one-minus-sigmoid", Before: "log(1 - sigmoid(u))", After: "-softplus(u)"},
		{Name: "mirror", Before: "sigmoid(-u)", After: "1 - sigmoid(u)"},
	},
	Lowers: []Rule{
		{Name: "sigmoid of minus", Before: "sigmoid(-u)", After: "pick(u, e*r, r) where e = expnabs(u), r = 1/(1 + e)"},
		{Name: "one minus sigmoid", Before: "1 - sigmoid(u)", After: "pick(u, e*r, r) where e = expnabs(u), r = 1/(1 + e)"},
	},
	Runs:  "pick(u, r, e*r) where e = expnabs(u), r = 1/(1 + e)",
	Cost:  18,
	Print: Forms{Symbol: "σ", LaTeX: `\sigma`},
	Tests: []Point{
		{In: []float64{0}, Out: 0.5}, {In: []float64{1000}, Out: 1}, {In: []float64{-1000}, Out: 0},
		{In: []float64{-40}, Out: 4.248354255291589e-18, Tolerance: 1e-15},
		{In: []float64{2}, Out: 0.8807970779778823, Tolerance: 1e-15},
	},
}
