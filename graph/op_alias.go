package graph

// alias(u) is u itself, under another name: what an equation z = b makes, so that z stays z in
// formulas and has a derivative of its own. Simplifying and lowering take it away.
var opAlias = &Op{
	Name: "alias", Arity: 1, Role: Same, Internal: true,
	Unary: func(u float64) float64 { return u },
	Deriv: []string{"1"},
	Range: func(in []Interval) Interval { return in[0] },
	Tests: []Point{{In: []float64{-1000}, Out: -1000}, {In: []float64{0}, Out: 0}},
}
