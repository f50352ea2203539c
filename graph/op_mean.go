package graph

// mean(u) is the sum of u over the rows, divided by m: what turns one example into the cost of all.
// m is the number of rows unless the caller says otherwise (the sum of row weights).
var opMean = &Op{
	Name: "mean", Arity: 1, Role: OverRows,
	Shape: func(in []Shape) (Shape, error) { return in[0].inner(), nil },
	Pull:  func([]Shape) []string { return []string{"adj"} },
	Push:  "mean(du)",
	Rules: []Rule{
		{Name: "mean linear", Before: "mean(u*v)", After: "u*mean(v)", If: "fixed(u), scalar(u)"},
	},
	Cost: 1,
	Cases: []Case{
		{Rows: 4, Shapes: []Shape{{PerRow: true}}, In: [][]float64{{1, 2, 3, 6}}, Out: []float64{3}},
		{Rows: 2, Shapes: []Shape{Vector(2).EachRow()}, In: [][]float64{{1, 2, 3, 6}}, Out: []float64{2, 4}},
		{Rows: 1, Shapes: []Shape{{PerRow: true}}, In: [][]float64{{-5}}, Out: []float64{-5}},
	},
	Print: Forms{Style: Average},
}
