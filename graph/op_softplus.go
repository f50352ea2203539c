package graph

import "math"

// softplus(u) = log(1 + exp(u)), from exp(-|u|): finite wherever u is.
var opSoftplus = &Op{
	Name: "softplus", Arity: 1,
	Unary: func(u float64) float64 { return math.Max(u, 0) + math.Log1p(math.Exp(-math.Abs(u))) },
	Deriv: []string{"sigmoid(u)"},
	Range: func([]Interval) Interval { return Interval{Lo: 0, LoOpen: true, Hi: math.Inf(1)} },
	Rules: []Rule{
		{Name: "mirror softplus", Before: "softplus(-abs(u))", After: "softplus(u) - relu(u)", Opens: true},
		{Name: "mirror softplus", Before: "softplus(-u)", After: "softplus(u) - u", Opens: true},
	},
	Lowers: []Rule{
		{Name: "softplus of minus", Before: "softplus(-u)", After: "relu(-u) + log1p(expnabs(u))"},
	},
	Runs: "relu(u) + log1p(expnabs(u))",
	Cost: 28,
	Tests: []Point{
		{In: []float64{0}, Out: math.Ln2, Tolerance: 1e-15}, {In: []float64{1000}, Out: 1000}, {In: []float64{-1000}, Out: 0},
		{In: []float64{-40}, Out: 4.248354255291589e-18, Tolerance: 1e-15},
	},
}
