package metric

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestParseCost(t *testing.T) {
	for _, c := range []struct {
		text      string
		want      Cost
		threshold float64
		err       string
	}{
		{text: "fp=1,fn=5", want: Cost{1, 5}, threshold: 1. / 6},
		{text: " fn = 4 , fp = 1 ", want: Cost{1, 4}, threshold: 0.2},
		{text: "fp=3,fn=7", want: Cost{3, 7}, threshold: 0.3},
		{text: "fp=1e308,fn=1e308", want: Cost{1e308, 1e308}, threshold: 0.5},
		{text: "fp=.5,fn=1.5", want: Cost{0.5, 1.5}, threshold: 0.25},
		{text: "", err: "such as fp=1,fn=5"},
		{text: "fp=1", err: "fn, the cost of a false negative, is missing"},
		{text: "fn=1", err: "fp, the cost of a false positive, is missing"},
		{text: "fp=1,fn=2,tp=3", err: "such as fp=1,fn=5"},
		{text: "fp=1,fp=2", err: "fp is given twice"},
		{text: "fp,fn=2", err: "such as fp=1,fn=5"},
		{text: "fp=0,fn=2", err: "fp=0: want a number above 0"},
		{text: "fp=-1,fn=2", err: "fp=-1: want a number above 0"},
		{text: "fp=1,fn=inf", err: "fn=inf: want a number above 0"},
		{text: "fp=1,fn=nan", err: "fn=nan: want a number above 0"},
		{text: "fp=1,fn=", err: "fn=: want a number above 0"},
		{text: "FP=1,fn=5", err: "such as fp=1,fn=5"},
		{text: "1,5", err: "such as fp=1,fn=5"},
	} {
		got, err := ParseCost(c.text)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, want %q", c.text, err, c.err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%q: %v, %v", c.text, got, err)
			continue
		}
		if again, err := ParseCost(got.String()); err != nil || again != got {
			t.Errorf("%q: written as %q, read as %v, %v", c.text, got, again, err)
		}
		if got.Threshold() != c.threshold {
			t.Errorf("%q: threshold %v, want %v", c.text, got.Threshold(), c.threshold)
		}
	}
}

func TestCostOfDecisions(t *testing.T) {
	if got := (Cost{FP: 2, FN: 5}).Of(Confusion{TP: 10, FP: 3, TN: 20, FN: 4}); got != 26 {
		t.Errorf("cost %v, want 2·3 + 5·4", got)
	}
}

// TestBestThreshold compares with the cost at every threshold that decides differently.
func TestBestThreshold(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 9))
	for trial := range 300 {
		rows := Rows{Confidence: 0.9}
		if trial%2 == 1 {
			rows.Probability = []float64{}
		}
		for range 1 + r.IntN(30) {
			z := math.Round(r.NormFloat64()*8) / 4
			if r.IntN(10) == 0 {
				z = 60 * (r.Float64() - 0.5) * 2 // a is 1 or nearly 0
			}
			rows.LogOdds, rows.Label, rows.Weight = append(rows.LogOdds, z), append(rows.Label, float64(r.IntN(2))), append(rows.Weight, float64(r.IntN(3)))
			if rows.Probability != nil {
				rows.Probability = append(rows.Probability, float64(r.IntN(5))/4)
			}
		}
		c := Cost{FP: float64(1 + r.IntN(3)), FN: float64(1 + r.IntN(3))}
		got, err := rows.BestThreshold(c)
		if err != nil {
			t.Fatal(err)
		}
		total := 0.0
		for _, s := range rows.Weight {
			total += s
		}
		if total == 0 {
			continue
		}
		least := math.Inf(1)
		for _, a := range append([]float64{0, 1}, probabilities(rows)...) {
			at, err := rows.CostAt(c, a)
			if err != nil {
				t.Fatal(err)
			}
			least = min(least, at.Total)
		}
		at, err := rows.CostAt(c, got.Threshold)
		if err != nil {
			t.Fatal(err)
		}
		if got.Total != least || at.Total != least || at.Confusion != got.Confusion {
			t.Fatalf("trial %d: best %+v, at its threshold %+v, the least is %v", trial, got, at, least)
		}
		if honest, err := rows.CostAt(c, c.Threshold()); err != nil || honest.Total == least && got.Threshold != c.Threshold() {
			t.Fatalf("trial %d: the threshold is %v, and %v costs as much", trial, got.Threshold, c.Threshold())
		}
	}
}

func probabilities(r Rows) []float64 {
	if r.Probability != nil {
		return r.Probability
	}
	var a []float64
	for _, z := range r.LogOdds {
		a = append(a, Sigmoid(z))
	}
	return a
}

// TestCosts: the interval of the mean cost is that of the costs of the rows.
func TestCosts(t *testing.T) {
	rows := Rows{LogOdds: []float64{-2, -1, 0.5, 1, 2, 3}, Label: []float64{0, 1, 0, 1, 0, 1}, Confidence: 0.95}
	c, err := rows.Costs(Cost{FP: 1, FN: 4}, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	// At 0.5: costs 0, 4, 1, 0, 1, 0: mean 1, sd √((1+9+0+1+0+1)/5)
	half := 1.959963984540054 * math.Sqrt(12./5/6)
	if c.At.Total != 6 || c.At.Mean != 1 || math.Abs(c.At.Interval[0]-max(1-half, 0)) > 1e-12 || math.Abs(c.At.Interval[1]-(1+half)) > 1e-12 {
		t.Errorf("%+v, want 6, 1 ± %v", c.At, half)
	}
	// At 0.2: sigmoid(-2) = 0.119 is negative: two false positives.
	if c.Optimal.Threshold != 0.2 || c.Optimal.Total != 2 || c.Best.Total != 2 || c.Best.Threshold != 0.2 {
		t.Errorf("optimal %+v, best %+v", c.Optimal, c.Best)
	}
	if c.Trivial.Total != 3 || c.Trivial.Threshold != 0 {
		t.Errorf("trivial %+v", c.Trivial)
	}
}
