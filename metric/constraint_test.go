package metric_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/descent-ml/descent/metric"
)

// TestConstraint compares with every threshold tried, by Binary.
func TestConstraint(t *testing.T) {
	r := rand.New(rand.NewPCG(20240902, 1))
	reached := 0
	for trial := range 400 {
		m := 5 + r.IntN(40)
		rows := metric.Rows{LogOdds: make([]float64, m), Label: make([]float64, m), Weight: make([]float64, m)}
		for i := range m {
			rows.LogOdds[i], rows.Weight[i] = math.Round(4*r.NormFloat64())/2, float64(r.IntN(3))
			if r.Float64() < metric.Sigmoid(rows.LogOdds[i]) {
				rows.Label[i] = 1
			}
		}
		rows.Label[0], rows.Weight[0], rows.Label[1], rows.Weight[1] = 0, 1, 1, 1
		c := metric.Constraint{Measure: []string{metric.Recall, metric.Precision, metric.Specificity}[trial%3], AtLeast: []float64{0.5, 0.8, 0.95, 1}[r.IntN(4)]}
		got, decisions, err := c.Threshold(rows)
		// Every decision that can be made, and the best of those that are good enough: most positives found, or for a recall fewest called positive.
		best, any := math.Inf(-1), false
		for i := -1; i < m; i++ {
			at := 1.0
			if i >= 0 {
				at = math.Nextafter(metric.Sigmoid(rows.LogOdds[i]), 0)
			}
			all, e := metric.Binary(rows, at)
			if e != nil {
				t.Fatal(e)
			}
			d := all.Confusion
			if v := c.Of(d); v >= c.AtLeast {
				good := d.TP + d.FP
				if c.Measure == metric.Recall {
					good = -good
				}
				best, any = max(best, good), true
			}
		}
		if (err == nil) != any {
			t.Fatalf("trial %d: %v: %v, tried: %v", trial, c, err, any)
		}
		if err != nil {
			continue
		}
		reached++
		all, _ := metric.Binary(rows, got)
		good := decisions.TP + decisions.FP
		if c.Measure == metric.Recall {
			good = -good
		}
		if all.Confusion != decisions || good != best || !(got >= 0 && got <= 1) {
			t.Fatalf("trial %d: %v: threshold %v with %+v, by Binary %+v; the best is %v", trial, c, got, decisions, all.Confusion, best)
		}
	}
	if reached < 200 {
		t.Errorf("only %d trials", reached)
	}
	for _, s := range []string{"", "recall", "recall=", "recall=x", "recall=0", "recall=1.1", "f1=0.5", "recall=nan"} {
		if c, err := metric.ParseConstraint(s); err == nil {
			t.Errorf("%q is %v", s, c)
		}
	}
	if c, err := metric.ParseConstraint(" recall = 0.9 "); err != nil || c.String() != "recall=0.9" {
		t.Error(c, err)
	}
	none := metric.Rows{LogOdds: []float64{1, 2}, Label: []float64{0, 0}}
	if _, _, err := (metric.Constraint{Measure: metric.Recall, AtLeast: 0.5}).Threshold(none); err == nil {
		t.Error("a recall without positives")
	}
}
