package graph

import "math"

// logsumexp(u) = log(sum(exp(u))) of a vector, with the largest component taken off first.
var opLogSumExp = &Op{
	Name: "logsumexp", Arity: 1,
	Shape: func(in []Shape) (Shape, error) {
		s, err := wantsVector(in)
		return Shape{PerRow: s.PerRow}, err
	},
	Value: func(out []float64, in []Shape, args ...[]float64) {
		top := largest(args[0])
		if math.IsInf(top, 0) {
			out[0] = top
			return
		}
		var t total
		for _, u := range args[0] {
			t.add(math.Exp(u - top))
		}
		out[0] = top + math.Log(t.value())
	},
	Pull: func([]Shape) []string { return []string{"adj*softmax(u)"} },
	Push: "sum(softmax(u)*du)",
	Rules: []Rule{
		{Name: "log-sum-exp", Before: "log(sum(exp(u)))", After: "logsumexp(u)", If: "vector(u)"},
		// Only for logsumexp: sum(u*(v - w)) of data may cancel when it is opened.
		{Name: "log-softmax", Before: "sum(u*(v - logsumexp(v)))", After: "sum(u*v) - logsumexp(v)*sum(u)"},
	},
	Runs: "t + log(sum(exp(u - t))) where t = largest(u)",
	Cost: 16,
	Cases: []Case{
		{Shapes: []Shape{Vector(2)}, In: [][]float64{{1000, 1000}}, Out: []float64{1000.6931471805599}, Tolerance: 2e-16},
		{Shapes: []Shape{Vector(2)}, In: [][]float64{{-1000, -1000}}, Out: []float64{-999.3068528194401}, Tolerance: 2e-16},
		{Shapes: []Shape{Vector(1)}, In: [][]float64{{1000}}, Out: []float64{1000}},
		{Rows: 2, Shapes: []Shape{Vector(3).EachRow()}, In: [][]float64{{0, 0, 0, 1000, -1000, 0}}, Out: []float64{1.0986122886681098, 1000}, Tolerance: 1e-15},
	},
}
