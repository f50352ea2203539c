package graph

import "math"

// expnabs(u) = exp(-|u|), between 0 and 1: the one exponential that sigmoid and softplus of u and of
// -u share when they are lowered.
var opExpNAbs = &Op{
	Name: "expnabs", Arity: 1, Internal: true,
	Unary: func(u float64) float64 { return math.Exp(-math.Abs(u)) },
	Deriv: []string{"expnabs*(gt(0, u) - gt(u, 0))"},
	Range: func([]Interval) Interval { return Interval{Lo: 0, LoOpen: true, Hi: 1} },
	Lowers: []Rule{
		{Name: "mirror", Before: "expnabs(-u)", After: "expnabs(u)"},
	},
	Cost:  12,
	Tests: []Point{{In: []float64{0}, Out: 1}, {In: []float64{1000}, Out: 0}, {In: []float64{-1000}, Out: 0}},
}
