package graph

var opAdd = &Op{
	Name: "add", Arity: 2, Commutes: true, Role: Plus,
	Binary: func(u, v float64) float64 { return u + v },
	Deriv:  []string{"1", "1"},
	Range:  func(in []Interval) Interval { return addRange(in[0], in[1]) },
	Rules:  []Rule{{Before: "-u + v", After: "v - u"}},
	Cost:   1,
	Print:  Forms{Style: Sum},
	Tests:  []Point{{In: []float64{1e16, 1}, Out: 1e16}, {In: []float64{-3, 3}, Out: 0}},
}
