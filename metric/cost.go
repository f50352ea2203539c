package metric

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/internal/scalar"
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

// CostAt is what the decisions at a threshold cost: in total, and a row (by weight) with the interval of that mean: ± q·sd/√M, none for a threshold that
// was chosen on the same rows.
type CostAt struct {
	Threshold, Total, Mean float64
	Interval               Interval
	Confusion              Confusion
}

// Costs are the costs of some rows at a threshold, at the cost's own (Cost.Threshold), and at the best for these rows (Rows.BestThreshold); and those of
// giving every row the same label, whichever costs less.
type Costs struct {
	Cost              Cost
	At, Optimal, Best CostAt
	Trivial           CostAt // its threshold is 1 (all rows are negative) or 0 (all are positive)
}

// CostAt counts the decisions at a threshold. With a Confidence in r the mean has an interval. Errors are those of Rows.Check.
func (r Rows) CostAt(c Cost, threshold float64) (CostAt, error) {
	if err := r.Check(); err != nil {
		return CostAt{}, err
	}
	return r.costAt(c, threshold)
}

func (r Rows) costAt(c Cost, threshold float64) (CostAt, error) {
	at := c.at(r.tally(threshold, nil).confusion(), threshold)
	if r.Confidence == 0 {
		return at, nil
	}
	q, err := quantile(r.Confidence)
	if err != nil {
		return at, err
	}
	d := at.Confusion
	squares := float64(float64(c.FP*c.FP)*d.FP) + float64(float64(c.FN*c.FN)*d.FN)
	at.Interval = around(at.Mean, meanVariance(squares, at.Mean, d.TP+d.FP+d.TN+d.FN), q, 0, max(c.FP, c.FN))
	return at, nil
}

func (c Cost) at(d Confusion, threshold float64) CostAt {
	total := c.Of(d)
	return CostAt{Threshold: threshold, Total: total, Mean: total / (d.TP + d.FP + d.TN + d.FN), Interval: noInterval, Confusion: d}
}

// BestThreshold is a threshold in [0, 1] at which the decisions on these rows cost least: c.Threshold if it is one, else the middle between the neighbouring
// probabilities of the best cut that is nearest to it. Chosen on the rows on which it is measured, its cost is too low for others. Errors are those of
// Rows.Check.
func (r Rows) BestThreshold(c Cost) (CostAt, error) {
	if err := r.Check(); err != nil {
		return CostAt{}, err
	}
	order, err := r.rank()
	if err != nil {
		return CostAt{}, err
	}
	return order.bestThreshold(r, c), nil
}

func (k *ranking) bestThreshold(r Rows, c Cost) CostAt {
	probability := func(row int32) float64 {
		if r.Probability != nil {
			return r.Probability[row]
		}
		return Sigmoid(r.LogOdds[row])
	}
	honest := c.Threshold()
	best := CostAt{Total: math.Inf(1), Mean: math.NaN(), Threshold: honest, Interval: noInterval}
	// cut is the decision "positive from a down to above b": any threshold in [b, a) makes it.
	cut := func(b, a float64, d Confusion) {
		t := honest
		if t < b || t >= a {
			if t = b + (a-b)/2; t >= a {
				t = b
			}
		}
		at := c.at(d, t)
		if at.Total < best.Total || at.Total == best.Total && math.Abs(t-honest) < math.Abs(best.Threshold-honest) {
			best = at
		}
	}
	var fp, tp scalar.Sum
	above := math.Nextafter(1, 2) // the probability of the last group
	for i := range k.pieces {
		k.ties(&k.pieces[i], func(from, _ int, negative, positive float64) {
			a := probability(k.order[from].row)
			if a < above {
				cut(a, above, Confusion{TP: tp.Value(), FP: fp.Value(), FN: k.positives - tp.Value(), TN: k.negatives - fp.Value()})
			}
			above = a
			fp.Add(negative)
			tp.Add(positive)
		})
	}
	if len(k.order) > 0 && above > 0 {
		cut(0, above, Confusion{TP: k.positives, FP: k.negatives})
	}
	return best
}

// Costs are those at a threshold and at the others. With a Confidence in r the means have intervals. Errors are those of Rows.Check.
func (r Rows) Costs(c Cost, threshold float64) (*Costs, error) {
	best, err := r.BestThreshold(c)
	if err != nil {
		return nil, err
	}
	out := &Costs{Cost: c, Best: best}
	if out.At, err = r.costAt(c, threshold); err != nil {
		return nil, err
	}
	if out.Optimal, err = r.costAt(c, c.Threshold()); err != nil {
		return nil, err
	}
	d := out.At.Confusion
	positives, negatives := d.TP+d.FN, d.TN+d.FP
	out.Trivial = c.at(Confusion{FN: positives, TN: negatives}, 1)
	if all := c.at(Confusion{TP: positives, FP: negatives}, 0); all.Total < out.Trivial.Total {
		out.Trivial = all
	}
	return out, nil
}

type costAtJSON struct {
	Threshold nullable  `json:"threshold"`
	Total     nullable  `json:"total"`
	Mean      nullable  `json:"mean"`
	Interval  Interval  `json:"interval"`
	Confusion Confusion `json:"confusion"`
}

// MarshalJSON writes threshold, total, mean, its interval, and confusion.
func (c CostAt) MarshalJSON() ([]byte, error) {
	return json.Marshal(costAtJSON{nullable(c.Threshold), nullable(c.Total), nullable(c.Mean), c.Interval, c.Confusion})
}

// MarshalJSON writes fp, fn, at_threshold, at_optimal, best (which is optimistic: it was chosen on these rows) and trivial.
func (c Costs) MarshalJSON() ([]byte, error) {
	type trivial struct {
		Label string   `json:"label"`
		Total nullable `json:"total"`
		Mean  nullable `json:"mean"`
	}
	label := "negative"
	if c.Trivial.Threshold == 0 {
		label = "positive"
	}
	return json.Marshal(struct {
		Cost
		At      CostAt  `json:"at_threshold"`
		Optimal CostAt  `json:"at_optimal"`
		Best    CostAt  `json:"best"`
		Note    string  `json:"best_note"`
		Trivial trivial `json:"all_one_label"`
	}{c.Cost, c.At, c.Optimal, c.Best, BestNote, trivial{label, nullable(c.Trivial.Total), nullable(c.Trivial.Mean)}})
}

// BestNote says what Costs.Best is worth.
const BestNote = "chosen on these very rows: on others it costs more than it says here"
