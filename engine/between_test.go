package engine

import (
	"math"
	"testing"
)

// The log loss written out between forward and backward is the pass that the graph gives, for every kind of storage.
func TestBetween(t *testing.T) {
	for _, p := range []*problem{newProblem(t, 3, 700, 5, []int{3, 40}, 0, true), newProblem(t, 4, 1000, 0, nil, 30, false)} {
		n := p.layout.Features
		e := p.engine(t, Options{Threads: 2})
		at := theta(n+1, 9)
		o, err := NewObjective(e, model(t, losses["plain"], n), "J", []string{"w", "b"}, Values{}, ObjectiveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want, got := make([]float64, n+1), make([]float64, n+1)
		J, err := o.CostGradient(background, at, want)
		if err != nil {
			t.Fatal(err)
		}
		y, _ := e.src.(*Memory).Input("y")
		sum, err := e.Between(background, at, func(first int, z, L, r []float64) {
			for i, z := range z {
				y := y[first+i]
				L[i], r[i] = math.Log1p(math.Exp(z))-y*z, 1/(1+math.Exp(-z))-y
			}
		}, got)
		if err != nil {
			t.Fatal(err)
		}
		m := o.M()
		if d := sum/m - J; math.Abs(d) > 1e-12*J {
			t.Errorf("J %v, by hand %v", J, sum/m)
		}
		for j := range got {
			if d := got[j]/m - want[j]; math.Abs(d) > 1e-12 {
				t.Errorf("gradient %d: %v, by hand %v", j, want[j], got[j]/m)
			}
		}
	}
}
