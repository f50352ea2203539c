package graph

import "math"

// halfLog2Pi is log(2*pi)/2 to 40 digits, as the derivatives below write it.
const halfLog2Pi = 0.9189385332046727417803297364056176398614

// normcdf(u) is the standard normal distribution function.
var opNormCDF = &Op{
	Name: "normcdf", Arity: 1,
	Unary: func(u float64) float64 { return 0.5 * math.Erfc(-u/math.Sqrt2) },
	Deriv: []string{"exp(-u^2/2 - 0.9189385332046727417803297364056176398614)"},
	Range: func([]Interval) Interval { return Interval{Lo: 0, Hi: 1, LoOpen: true, HiOpen: true} },
	Rules: []Rule{
		{Name: "log-normcdf", Before: "log(normcdf(u))", After: "lognormcdf(u)"},
		{Name: "log-normcdf", Before: "log(1 - normcdf(u))", After: "lognormcdf(-u)"},
	},
	Cost:  20,
	Print: Forms{Symbol: "Φ", LaTeX: `\Phi`},
	Tests: []Point{
		{In: []float64{0}, Out: 0.5}, {In: []float64{1000}, Out: 1}, {In: []float64{-1000}, Out: 0},
		{In: []float64{-5}, Out: 2.866515718791939e-07, Tolerance: 1e-14},
	},
}
