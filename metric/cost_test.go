package metric

import (
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
