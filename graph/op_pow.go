package graph

import "math"

var opPow = &Op{
	Name: "pow", Arity: 2,
	Binary: math.Pow,
	Deriv:  []string{"v*u^(v - 1)", "pow*log(u)"},
	Range:  powRange,
	Rules: []Rule{
		{Name: "reciprocal", Before: "u^(-1)", After: "1/u"},
	},
	Lowers: []Rule{
		{Name: "square", Before: "u^2", After: "u*u"},
		{Name: "cube", Before: "u^3", After: "u*u*u"},
		{Name: "fourth power", Before: "u^4", After: "q*q where q = u*u"},
		{Name: "reciprocal", Before: "u^(-1)", After: "1/u"},
		{Name: "reciprocal square", Before: "u^(-2)", After: "1/(u*u)"},
	},
	Cost:  26,
	Print: Forms{Style: Power},
	Tests: []Point{
		{In: []float64{0, 2}, Out: 0}, {In: []float64{0, 0}, Out: 1}, {In: []float64{0, -1}, Out: math.Inf(1)},
		{In: []float64{-2, 3}, Out: -8}, {In: []float64{2, 0.5}, Out: math.Sqrt2, Tolerance: 1e-15},
	},
}

// powRange knows that powers of a positive base are positive, even powers are not negative, and
// that powers of (0, 1) with a positive exponent stay inside.
func powRange(in []Interval) Interval {
	u, v := in[0], in[1]
	even := v.Lo == v.Hi && v.Lo == math.Trunc(v.Lo) && math.Mod(v.Lo, 2) == 0
	r := Everything()
	switch {
	case u.positive() || even && u.nonzero():
		r.Lo, r.LoOpen = 0, true
	case u.notNegative() && v.notNegative() || even && v.Lo > 0:
		r.Lo = 0
	default:
		return r
	}
	if u.notNegative() && v.positive() && u.Hi <= 1 {
		r.Hi, r.HiOpen = 1, u.Hi < 1 || u.HiOpen
	}
	return r
}
