package graph

import "math"

// pick(u, v, w) is v where u >= 0, else w, and NaN where u is. Both v and w are computed; what is not
// picked does not matter, even if it is NaN.
var opPick = &Op{
	Name: "pick", Arity: 3, Internal: true,
	Ternary: func(u, v, w float64) float64 {
		switch {
		case u >= 0:
			return v
		case u < 0:
			return w
		}
		return math.NaN()
	},
	Deriv: []string{"0", "pick(u, 1, 0)", "pick(u, 0, 1)"},
	Range: func(in []Interval) Interval {
		v, w := in[1], in[2]
		r := v
		if w.Lo < r.Lo || w.Lo == r.Lo && !w.LoOpen {
			r.Lo, r.LoOpen = w.Lo, w.LoOpen
		}
		if w.Hi > r.Hi || w.Hi == r.Hi && !w.HiOpen {
			r.Hi, r.HiOpen = w.Hi, w.HiOpen
		}
		return r
	},
	Cost: 1,
	Tests: []Point{
		{In: []float64{0, 1, 2}, Out: 1}, {In: []float64{-1000, 1, 2}, Out: 2}, {In: []float64{-1, math.NaN(), 2}, Out: 2},
	},
}
