package metric

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestArea: the area is that of sorting all rows, whatever the ties, the shares of the classes and the spread of the scores.
func TestArea(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 4))
	scores := map[string]func() float64{
		"normal":     r.NormFloat64,
		"few values": func() float64 { return float64(r.IntN(5)) },
		"constant":   func() float64 { return 3 },
		"heavy tail": func() float64 { return math.Exp(20 * r.NormFloat64()) },
		"widest":     func() float64 { return (2*r.Float64() - 1) * math.MaxFloat64 },
		"narrowest":  func() float64 { return float64(r.IntN(3)) * math.SmallestNonzeroFloat64 },
		"-0 and 0":   func() float64 { return math.Copysign(0, float64(r.IntN(2))-0.5) },
	}
	for name, score := range scores {
		for _, share := range []float64{0, 0.001, 0.1, 0.5, 0.9, 1} {
			for _, m := range []int{0, 1, 2, 50, 20_000} {
				z, y := make([]float64, m), make([]bool, m)
				for i := range z {
					z[i], y[i] = score(), r.Float64() < share
				}
				positive := func(i int) bool { return y[i] }
				order, err := rank(0, z, positive, nil)
				if err != nil {
					t.Fatal(err)
				}
				want := order.auc()
				for _, threads := range []int{1, 3} {
					if got := area(threads, z, positive); !(math.Abs(got-want) <= 4e-16) && !(math.IsNaN(got) && math.IsNaN(want)) {
						t.Errorf("%s, %d rows, share %g: %.17g, by sorting %.17g", name, m, share, got, want)
					}
				}
			}
		}
	}
}
