package calibration_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"

	"github.com/descent-ml/descent/calibration"
	"github.com/descent-ml/descent/metric"
)

// TestReference compares with scikit-learn and statsmodels (testdata/reference.py).
func TestReference(t *testing.T) {
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Cases []struct {
			Name             string
			Z, Y, S          []float64
			SklearnSlope     float64 `json:"sklearn_slope"`
			SklearnIntercept float64 `json:"sklearn_intercept"`
			Slope, Intercept float64
			Low, High        float64
			At, Isotonic     []float64
		}
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if len(want.Cases) < 5 {
		t.Fatal("the reference is not whole")
	}
	near := func(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance*math.Max(1, math.Abs(b)) }
	for _, c := range want.Cases {
		rows := metric.Rows{LogOdds: c.Z, Label: c.Y, Weight: c.S}
		m, err := calibration.Fit(calibration.Platt, rows)
		if err != nil {
			t.Fatal(err)
		}
		if !near(*m.Slope, c.Slope, 1e-10) || !near(*m.Intercept, c.Intercept, 1e-10) {
			t.Errorf("%s: slope %v, intercept %v, statsmodels %v, %v", c.Name, *m.Slope, *m.Intercept, c.Slope, c.Intercept)
		}
		if !near(*m.Slope, c.SklearnSlope, 1e-6) || !near(*m.Intercept, c.SklearnIntercept, 1e-6) { // where its L-BFGS stops
			t.Errorf("%s: slope %v, intercept %v, scikit-learn %v, %v", c.Name, *m.Slope, *m.Intercept, c.SklearnSlope, c.SklearnIntercept)
		}
		if m, err = calibration.Fit(calibration.Isotonic, rows); err != nil {
			t.Fatal(err)
		}
		if err := m.Check(); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		// Between a pool whose value was moved and its neighbour the line is another.
		inside := func(i int) bool { return c.Isotonic[i] >= c.Low && c.Isotonic[i] <= c.High }
		compared := 0
		for i, z := range c.At {
			p := m.Probability(z)
			if p < c.Low || p > c.High {
				t.Errorf("%s: probability %v at %v is outside of Platt's targets", c.Name, p, z)
			}
			k := 0
			for k < len(m.Z) && m.Z[k] < z {
				k++
			}
			moved := func(k int) bool { return k >= 0 && k < len(m.P) && (m.P[k] == c.Low || m.P[k] == c.High) }
			if !inside(i) || moved(k) && m.Z[k] != z || moved(k-1) && !(k < len(m.Z) && m.Z[k] == z) {
				continue
			}
			if compared++; !near(p, c.Isotonic[i], 1e-12) {
				t.Errorf("%s: probability %v at %v, scikit-learn %v", c.Name, p, z, c.Isotonic[i])
			}
		}
		if compared < 5 && c.Name != "separated" {
			t.Errorf("%s: only %d values were compared", c.Name, compared)
		}
	}
}

// TestIsotonicOptimal: no function of the pools that rises fits better, by the minimax formula of isotonic regression (Robertson, Wright and Dykstra 1988, §1.4) computed
// in the plain way; a weight is so many rows; the bits do not depend on the threads.
func TestIsotonicOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(20240818, 1))
	for range 200 {
		m := 8 + r.IntN(40)
		rows := metric.Rows{}
		var repeated metric.Rows
		for i := range m {
			z, s := float64(r.IntN(12)), float64(1+r.IntN(3))
			y := 0.0
			if i == 0 || i > 1 && r.Float64() < z/12 {
				y = 1
			}
			rows.LogOdds, rows.Label, rows.Weight = append(rows.LogOdds, z), append(rows.Label, y), append(rows.Weight, s)
			for range int(s) {
				repeated.LogOdds, repeated.Label = append(repeated.LogOdds, z), append(repeated.Label, y)
			}
		}
		var n, ones [12]float64
		var n0, n1 float64
		for i, z := range rows.LogOdds {
			n[int(z)] += rows.Weight[i]
			ones[int(z)] += rows.Weight[i] * rows.Label[i]
			n1 += rows.Weight[i] * rows.Label[i]
			n0 += rows.Weight[i] * (1 - rows.Label[i])
		}
		got, err := calibration.Fit(calibration.Isotonic, rows)
		if err != nil {
			t.Fatal(err)
		}
		for z := range n {
			if n[z] == 0 {
				continue
			}
			best := math.Inf(-1) // max over from ≤ z of min over to ≥ z of the mean
			for from := range z + 1 {
				least := math.Inf(1)
				for to := z; to < len(n); to++ {
					var w, o float64
					for k := from; k <= to; k++ {
						w, o = w+n[k], o+ones[k]
					}
					least = math.Min(least, o/w)
				}
				if n[from] > 0 {
					best = math.Max(best, least)
				}
			}
			best = math.Min(math.Max(best, 1/(n0+2)), (n1+1)/(n1+2))
			if p := got.Probability(float64(z)); math.Abs(p-best) > 1e-13 {
				t.Fatalf("%v at %d, by the formula %v", p, z, best)
			}
		}
		for _, method := range []string{calibration.Platt, calibration.Isotonic} {
			a, err := calibration.Fit(method, rows)
			if err != nil {
				t.Fatal(err)
			}
			b, err := calibration.Fit(method, repeated)
			if err != nil {
				t.Fatal(err)
			}
			rows.Threads = 3
			c, _ := calibration.Fit(method, rows)
			rows.Threads = 0
			if !reflect.DeepEqual(a, c) {
				t.Errorf("%s depends on the threads", method)
			}
			before := math.Inf(-1)
			for z := -2.0; z < 14; z += 0.037 {
				p := a.Probability(z)
				if q := b.Probability(z); math.Abs(p-q) > 1e-9 {
					t.Errorf("%s: %v with weights, %v with rows repeated", method, p, q)
				}
				if p < before || !(p > 0 && p < 1) {
					t.Errorf("%s: %v after %v", method, p, before)
				}
				if before = p; math.Abs(metric.Sigmoid(a.LogOdds(z))-p) > 1e-14 {
					t.Errorf("%s: the log-odds %v are not of %v", method, a.LogOdds(z), p)
				}
			}
			if a.Probability(math.Inf(-1)) > a.Probability(math.Inf(1)) {
				t.Errorf("%s at the infinities", method)
			}
		}
	}
}

// TestBackwards: where z ranks the labels backwards, or says nothing, the probability is the same for every row.
func TestBackwards(t *testing.T) {
	for _, z := range [][]float64{{4, 3, 2, 1, 0}, {1, 1, 1, 1, 1}} {
		for _, method := range []string{calibration.Platt, calibration.Isotonic} {
			m, err := calibration.Fit(method, metric.Rows{LogOdds: z, Label: []float64{0, 0, 0, 1, 1}})
			if err != nil {
				t.Fatal(err)
			}
			if low, high := m.Probability(-100), m.Probability(100); low != high || math.Abs(low-0.4) > 0.05 {
				t.Errorf("%s: %v to %v", method, low, high)
			}
		}
	}
	if _, err := calibration.Fit(calibration.Platt, metric.Rows{LogOdds: []float64{1, 2}, Label: []float64{1, 1}}); err == nil {
		t.Error("one class is no error")
	}
	if _, err := calibration.Fit("beta", metric.Rows{LogOdds: []float64{1, 2}, Label: []float64{1, 0}}); err == nil {
		t.Error("an unknown method is no error")
	}
}

func TestCheck(t *testing.T) {
	v := func(f float64) *float64 { return &f }
	for _, m := range []calibration.Map{
		{}, {Method: "platt"}, {Method: "platt", Slope: v(-1), Intercept: v(0)}, {Method: "platt", Slope: v(math.Inf(1)), Intercept: v(0)},
		{Method: "platt", Slope: v(1), Intercept: v(0), Z: []float64{1}}, {Method: "isotonic"}, {Method: "isotonic", Z: []float64{1, 1}, P: []float64{0.1, 0.2}},
		{Method: "isotonic", Z: []float64{1, 2}, P: []float64{0.3, 0.2}}, {Method: "isotonic", Z: []float64{1}, P: []float64{1}}, {Method: "isotonic", Z: []float64{1, 2}, P: []float64{0.3}},
		{Method: "isotonic", Slope: v(1), Z: []float64{1}, P: []float64{0.5}},
	} {
		if m.Check() == nil {
			t.Errorf("%+v is good", m)
		}
	}
	far := calibration.Map{Method: "isotonic", Z: []float64{-1.7e308, 1.7e308}, P: []float64{0.25, 0.75}}
	if p := far.Probability(0); far.Check() != nil || p != 0.5 {
		t.Errorf("%v between points far apart", p)
	}
}
