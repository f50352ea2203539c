package graph

import "math"

// max(u, v), the larger; where they tie, both derivatives are 0. NaN if either is.
var opMax = &Op{
	Name: "max", Arity: 2, Commutes: true,
	Binary: math.Max,
	Deriv:  []string{"gt(u, v)", "gt(v, u)"},
	Range: func(in []Interval) Interval {
		lo, hi := in[0], in[0]
		if v := in[1]; v.Lo > lo.Lo || v.Lo == lo.Lo && v.LoOpen {
			lo = v
		}
		if v := in[1]; v.Hi > hi.Hi || v.Hi == hi.Hi && !v.HiOpen {
			hi = v
		}
		return Interval{Lo: lo.Lo, LoOpen: lo.LoOpen, Hi: hi.Hi, HiOpen: hi.HiOpen}
	},
	Rules: []Rule{
		{Name: "max-same", Before: "max(u, u)", After: "u"},
		{Name: "max-zero", Before: "max(u, 0)", After: "relu(u)"},
	},
	Cost:  1,
	Print: Forms{Symbol: "max", LaTeX: `\max`},
	Tests: []Point{{In: []float64{-1, 2}, Out: 2}, {In: []float64{3, 3}, Out: 3}, {In: []float64{-1000, 1000}, Out: 1000}},
}
