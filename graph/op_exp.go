package graph

import "math"

var opExp = &Op{
	Name: "exp", Arity: 1,
	Unary: math.Exp,
	Deriv: []string{"exp"},
	Range: func([]Interval) Interval { return Interval{Lo: 0, LoOpen: true, Hi: math.Inf(1)} },
	Rules: []Rule{
		{Name: "constant", Before: "exp(0)", After: "1"},
		{Name: "exp-log", Before: "exp(log(u))", After: "u", If: "u > 0"},
	},
	Cost:  12,
	Print: Forms{Style: Exponential},
	Tests: []Point{
		{In: []float64{0}, Out: 1}, {In: []float64{1000}, Out: math.Inf(1)}, {In: []float64{-1000}, Out: 0},
		{In: []float64{1}, Out: math.E, Tolerance: 1e-15},
	},
}
