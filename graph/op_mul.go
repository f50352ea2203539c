package graph

var opMul = &Op{
	Name: "mul", Arity: 2, Commutes: true, Role: Times,
	Binary: func(u, v float64) float64 { return u * v },
	Deriv:  []string{"v", "u"},
	Range:  func(in []Interval) Interval { return mulRange(in[0], in[1]) },
	Cost:   1,
	Print:  Forms{Style: Product},
	Tests:  []Point{{In: []float64{0, -2}, Out: 0}, {In: []float64{1e200, 1e-200}, Out: 1}},
}
