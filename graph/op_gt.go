package graph

// gt(u, v) is 1 where u > v, else 0; also 0 where either is NaN. Its derivative is 0.
var opGt = &Op{
	Name: "gt", Arity: 2,
	Binary: func(u, v float64) float64 {
		if u > v {
			return 1
		}
		return 0
	},
	Deriv: []string{"0", "0"},
	Range: func([]Interval) Interval { return Interval{Lo: 0, Hi: 1} },
	Cost:  1,
	Tests: []Point{{In: []float64{1, 0}, Out: 1}, {In: []float64{0, 0}, Out: 0}, {In: []float64{-1, 0}, Out: 0}},
}
