package graph

import "math"

// sum(u) adds the components of one value; it never adds over rows (mean does).
var opSum = &Op{
	Name: "sum", Arity: 1, Role: AddUp,
	Shape: func(in []Shape) (Shape, error) { return Shape{PerRow: in[0].PerRow}, nil },
	Value: func(out []float64, in []Shape, args ...[]float64) {
		var t total
		for _, u := range args[0] {
			t.add(u)
		}
		out[0] = t.value()
	},
	Pull: func([]Shape) []string { return []string{"adj"} },
	Push: "sum(du)",
	Range: func(in []Interval) Interval {
		r := Everything()
		if in[0].notNegative() {
			r.Lo, r.LoOpen = 0, in[0].positive()
		}
		if in[0].Hi <= 0 {
			r.Hi, r.HiOpen = 0, in[0].negative()
		}
		return r
	},
	Rules: []Rule{
		{Name: "total", Before: "sum(u)", After: "t", If: "sum(u) = t"},
		{Name: "sum linear", Before: "sum(u*v)", After: "u*sum(v)", If: "scalar(u)"},
	},
	Cost: 1,
	Cases: []Case{
		{Shapes: []Shape{Vector(3)}, In: [][]float64{{1e16, 1, -1e16}}, Out: []float64{1}, Tolerance: 1},
		{Shapes: []Shape{{}}, In: [][]float64{{7}}, Out: []float64{7}},
		{Rows: 2, Shapes: []Shape{Matrix(2, 1).EachRow()}, In: [][]float64{{1, 2, 3, 4}}, Out: []float64{3, 7}},
	},
	Print: Forms{Style: Total},
}

// A total is a compensated sum (Neumaier 1974): the interpreter is the accurate twin of whatever
// adds faster. Infinities and NaN pass through as in a plain sum.
type total struct{ s, c float64 }

func (t *total) add(x float64) {
	s := t.s + x
	if math.Abs(t.s) >= math.Abs(x) {
		t.c += (t.s - s) + x
	} else {
		t.c += (x - s) + t.s
	}
	t.s = s
}

func (t *total) value() float64 {
	if v := t.s + t.c; !math.IsNaN(v) {
		return v
	}
	return t.s
}
