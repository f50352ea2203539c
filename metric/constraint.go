package metric

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/descent-ml/descent/dataset"
)

// Constraint is what decisions must at least reach: a recall, precision or specificity.
type Constraint struct {
	Measure string  `json:"measure"`
	AtLeast float64 `json:"at_least"`
}

// The measures of a Constraint.
const (
	Recall      = "recall"      // tp/(tp + fn)
	Precision   = "precision"   // tp/(tp + fp)
	Specificity = "specificity" // tn/(tn + fp)
)

// ParseConstraint reads "recall=0.9".
func ParseConstraint(s string) (Constraint, error) {
	name, text, ok := strings.Cut(s, "=")
	c := Constraint{Measure: strings.TrimSpace(name)}
	v, number := dataset.ParseNumber([]byte(strings.TrimSpace(text)))
	c.AtLeast = v
	if !ok || !number {
		return Constraint{}, fmt.Errorf("want a measure and what it must reach, such as recall=0.9, not %q", s)
	}
	return c, c.Check()
}

// Check says what is wrong with c.
func (c Constraint) Check() error {
	switch c.Measure {
	case Recall, Precision, Specificity:
	default:
		return fmt.Errorf("%q is not one of %s, %s, %s", c.Measure, Recall, Precision, Specificity)
	}
	if !(c.AtLeast > 0 && c.AtLeast <= 1) {
		return fmt.Errorf("%s=%v: want a number over 0, and 1 at most", c.Measure, c.AtLeast)
	}
	return nil
}

// String is what ParseConstraint reads.
func (c Constraint) String() string {
	return c.Measure + "=" + strconv.FormatFloat(c.AtLeast, 'g', -1, 64)
}

// Of is the measure of the decisions that were counted, NaN where it is 0/0.
func (c Constraint) Of(d Confusion) float64 {
	switch c.Measure {
	case Recall:
		return d.TP / (d.TP + d.FN)
	case Precision:
		return d.TP / (d.TP + d.FP)
	}
	return d.TN / (d.TN + d.FP)
}

// Threshold is a threshold in [0, 1] at which the decisions on these rows reach what c asks for, and are as good as can be otherwise: for a recall the largest one (fewest rows
// are called positive), for a precision or a specificity the smallest (most positive rows are found). It lies in the middle between two neighbouring probabilities of the
// rows. decisions are those at it. Chosen on the rows on which it is measured, it promises a little too much for others. It is an error if no threshold reaches it, naming the best one, if the
// measure has no row to be about, and where Rows.Check gives one.
func (c Constraint) Threshold(r Rows) (threshold float64, decisions Confusion, err error) {
	if err := c.Check(); err != nil {
		return 0, decisions, err
	}
	if err := r.Check(); err != nil {
		return 0, decisions, err
	}
	type row struct{ a, y, s float64 }
	var rows []row
	var all Confusion // no row is called positive
	for i, z := range r.LogOdds {
		x := row{Sigmoid(z), r.Label[i], r.weight(i)}
		if r.Probability != nil {
			x.a = r.Probability[i]
		}
		if x.s > 0 {
			rows = append(rows, x)
		}
		if x.y == 1 {
			all.FN += x.s
		} else {
			all.TN += x.s
		}
	}
	switch {
	case all.FN == 0 && c.Measure != Specificity:
		return 0, decisions, fmt.Errorf("there is no positive row that a %s could be of", c.Measure)
	case all.TN == 0 && c.Measure == Specificity:
		return 0, decisions, fmt.Errorf("there is no negative row that a %s could be of", c.Measure)
	}
	slices.SortStableFunc(rows, func(a, b row) int { // from the largest probability down
		switch {
		case a.a > b.a:
			return -1
		case a.a < b.a:
			return 1
		}
		return 0
	})
	found, best := false, math.Inf(-1)
	cut := func(low, high float64, d Confusion) {
		v := c.Of(d)
		if best = max(best, v); !(v >= c.AtLeast) || found && c.Measure == Recall {
			return
		}
		found, decisions = true, d
		if threshold = low + (high-low)/2; threshold >= high {
			threshold = low
		}
	}
	d := all
	if len(rows) > 0 && c.Measure == Specificity {
		cut(rows[0].a, math.Nextafter(1, 2), d)
		threshold = min(threshold, 1)
	}
	for i := 0; i < len(rows); {
		a := rows[i].a
		for ; i < len(rows) && rows[i].a == a; i++ {
			if x := rows[i]; x.y == 1 {
				d.TP, d.FN = d.TP+x.s, d.FN-x.s
			} else {
				d.FP, d.TN = d.FP+x.s, d.TN-x.s
			}
		}
		low := 0.0
		if i < len(rows) {
			low = rows[i].a
		} else {
			d.FN, d.TN = 0, 0 // but for rounding
		}
		if a > 0 { // a row of probability 0 is positive at no threshold
			cut(low, a, d)
		}
	}
	if !found {
		return 0, decisions, fmt.Errorf("no threshold gives a %s of %v on these rows; the most is %.4g", c.Measure, c.AtLeast, best)
	}
	return threshold, decisions, nil
}
