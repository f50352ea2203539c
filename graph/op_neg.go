package graph

var opNeg = &Op{
	Name: "neg", Arity: 1, Role: Opposite,
	Unary: func(u float64) float64 { return -u },
	Deriv: []string{"-1"},
	Range: func(in []Interval) Interval { return negRange(in[0]) },
	Rules: []Rule{
		{Name: "flip", Before: "-(u - v)", After: "v - u", If: "u is not 1"},
		{Name: "flip", Before: "-((u - v)*w)", After: "(v - u)*w", If: "u is not 1"},
	},
	Cost:  1,
	Print: Forms{Style: Negation},
	Tests: []Point{{In: []float64{2}, Out: -2}},
}
