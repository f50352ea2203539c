package graph

import "math"

// lognormcdf(u) = log(normcdf(u)), finite wherever u*u is. Below -5 it uses the continued fraction
// of the Mills ratio, 1/(t + 1/(t + 2/(t + 3/(t + ...)))) with t = -u (Abramowitz and Stegun,
// 26.2.14), from the 80th level up.
var opLogNormCDF = &Op{
	Name: "lognormcdf", Arity: 1,
	Unary: logNormCDF,
	Deriv: []string{"exp(-u^2/2 - 0.9189385332046727417803297364056176398614 - lognormcdf)"},
	Range: func([]Interval) Interval { return Interval{Lo: math.Inf(-1), Hi: 0, HiOpen: true} },
	Cost:  30,
	Print: Forms{Symbol: "log Φ", LaTeX: `\log\Phi`},
	Tests: []Point{
		{In: []float64{0}, Out: -math.Ln2, Tolerance: 1e-15},
		{In: []float64{1000}, Out: 0},
		{In: []float64{-1000}, Out: -500007.82669481218430, Tolerance: 1e-15},
		{In: []float64{-40}, Out: -804.60844201375378, Tolerance: 1e-15},
		{In: []float64{-5}, Out: -15.064998393988725, Tolerance: 1e-14},
		{In: []float64{8}, Out: -6.2209605742717859e-16, Tolerance: 1e-13},
	},
}

func logNormCDF(u float64) float64 {
	switch {
	case u >= 0:
		return math.Log1p(-0.5 * math.Erfc(u/math.Sqrt2))
	case u > -5:
		return math.Log(0.5 * math.Erfc(-u/math.Sqrt2))
	case math.IsInf(u, -1):
		return u
	}
	t := -u
	f := t
	for k := 80; k >= 1; k-- {
		f = t + float64(k)/f
	}
	return -0.5*u*u - halfLog2Pi - math.Log(f)
}
