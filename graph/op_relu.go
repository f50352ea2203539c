package graph

import "math"

// relu(u) = max(u, 0); its derivative is 0 at the kink.
var opRelu = &Op{
	Name: "relu", Arity: 1,
	Unary: func(u float64) float64 {
		if u < 0 {
			return 0
		}
		return u
	},
	Deriv: []string{"gt(u, 0)"},
	Range: func(in []Interval) Interval {
		r := Interval{Lo: 0, Hi: math.Max(in[0].Hi, 0), HiOpen: in[0].HiOpen && in[0].Hi > 0}
		if in[0].positive() {
			r.Lo, r.LoOpen = in[0].Lo, in[0].LoOpen
		}
		return r
	},
	Cost:  1,
	Tests: []Point{{In: []float64{0}, Out: 0}, {In: []float64{-1000}, Out: 0}, {In: []float64{1000}, Out: 1000}},
}
