package metric

import "math"

// Confusion holds the weight (without weights: the number) of rows by truth and decision.
type Confusion struct {
	TP float64 `json:"tp"` // label 1, decided 1
	FP float64 `json:"fp"` // label 0, decided 1
	TN float64 `json:"tn"` // label 0, decided 0
	FN float64 `json:"fn"` // label 1, decided 0
}

// Positive is the rule that turns a probability into a decision: positive if a > threshold. A tie is
// negative, as in the lecture's assignment (A > 0.5) and in scikit-learn.
func Positive(a, threshold float64) bool { return a > threshold }

// Decisions counts those at a threshold. The rows are those that Rows.Check lets pass.
func (r Rows) Decisions(threshold float64) Confusion { return r.tally(threshold, nil).confusion() }

// Accuracy is (tp + tn) / (tp + fp + tn + fn), NaN if nothing was counted.
func (c Confusion) Accuracy() float64 { return (c.TP + c.TN) / (c.TP + c.TN + c.FP + c.FN) }

// Sensitivity (recall) is tp / (tp + fn), the share of the positives that was found; NaN without positives.
func (c Confusion) Sensitivity() float64 { return c.TP / (c.TP + c.FN) }

// Specificity is tn / (tn + fp), the share of the negatives that was left; NaN without negatives.
func (c Confusion) Specificity() float64 { return c.TN / (c.TN + c.FP) }

// Precision is tp / (tp + fp), the share of true positives in what was decided positive; NaN if nothing was.
func (c Confusion) Precision() float64 { return c.TP / (c.TP + c.FP) }

// F1 is 2 tp / (2 tp + fp + fn), the harmonic mean of precision and recall. It is 0 if positives exist and
// none was found, and NaN if there is no positive, neither true nor decided.
func (c Confusion) F1() float64 {
	d := 2*c.TP + c.FP + c.FN
	if d == 0 {
		return math.NaN()
	}
	return 2 * c.TP / d
}
