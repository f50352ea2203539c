package metric

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/descent-ml/descent/dataset"
)

// Cost is what a wrong decision costs, in any unit: FP of a negative row that is called positive, FN of a positive row that is called negative.
// A right decision costs nothing.
type Cost struct {
	FP float64 `json:"fp"`
	FN float64 `json:"fn"`
}

// ParseCost reads "fp=1,fn=5": both names, in any order, each with a number above 0.
func ParseCost(s string) (Cost, error) {
	var c Cost
	for _, part := range strings.Split(s, ",") {
		name, text, ok := strings.Cut(part, "=")
		var at *float64
		switch strings.TrimSpace(name) {
		case "fp":
			at = &c.FP
		case "fn":
			at = &c.FN
		}
		if !ok || at == nil {
			return Cost{}, fmt.Errorf("want the costs of a false positive and of a false negative, such as fp=1,fn=5, not %q", s)
		}
		if *at != 0 {
			return Cost{}, fmt.Errorf("%s is given twice", strings.TrimSpace(name))
		}
		v, ok := dataset.ParseNumber([]byte(strings.TrimSpace(text)))
		if !ok || !(v > 0) || math.IsInf(v, 0) {
			return Cost{}, fmt.Errorf("%s=%s: want a number above 0; a mistake that costs nothing needs no model", strings.TrimSpace(name), strings.TrimSpace(text))
		}
		*at = v
	}
	switch {
	case c.FP == 0:
		return Cost{}, fmt.Errorf("fp, the cost of a false positive, is missing: want both, such as fp=1,fn=5")
	case c.FN == 0:
		return Cost{}, fmt.Errorf("fn, the cost of a false negative, is missing: want both, such as fp=1,fn=5")
	}
	return c, nil
}

// Check says what is wrong with c.
func (c Cost) Check() error {
	if !(c.FP > 0 && c.FN > 0) || math.IsInf(c.FP, 0) || math.IsInf(c.FN, 0) {
		return fmt.Errorf("fp=%v and fn=%v: want numbers above 0", c.FP, c.FN)
	}
	return nil
}

// String is what ParseCost reads.
func (c Cost) String() string {
	return "fp=" + strconv.FormatFloat(c.FP, 'g', -1, 64) + ",fn=" + strconv.FormatFloat(c.FN, 'g', -1, 64)
}

// Threshold is fp/(fp + fn): with probabilities that mean what they say, the decision "positive above it" (Positive) has the least expected cost.
// At a, calling a row positive costs fp·(1 - a) and calling it negative fn·a; the two are equal at the threshold (Elkan 2001, §2).
func (c Cost) Threshold() float64 { return c.FP / 2 / (c.FP/2 + c.FN/2) } // halves, so that the sum does not overflow

// Of is the cost of the decisions that were counted.
func (c Cost) Of(decisions Confusion) float64 {
	return float64(c.FP*decisions.FP) + float64(c.FN*decisions.FN)
}
