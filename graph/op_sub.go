package graph

var opSub = &Op{
	Name: "sub", Arity: 2, Role: Minus,
	Binary: func(u, v float64) float64 { return u - v },
	Deriv:  []string{"1", "-1"},
	Range:  func(in []Interval) Interval { return addRange(in[0], negRange(in[1])) },
	Cost:   1,
	Print:  Forms{Style: Difference},
	Tests:  []Point{{In: []float64{1, 1}, Out: 0}, {In: []float64{0, 2}, Out: -2}},
}
