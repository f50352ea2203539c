// Package metric measures how well probabilities fit labels: log loss, Brier score, accuracy, area under
// the ROC curve, average precision, F1, the confusion table and calibration; for more than two classes precision,
// recall, F1 and area of every class, too.
//
//	m, err := metric.Binary(metric.Rows{LogOdds: z, Label: y}, 0.5)
//	fmt.Println(m.LogLoss, m.AUC)
//	m, err = metric.Classes(metric.ClassRows{LogOdds: z, Label: class}, levels)
//
// Everything starts from z, the log-odds (of K classes, the K scores): log loss stays exact where the probability has rounded to 0 or 1,
// and two rows whose probabilities both round to 1 are still ranked. What is undefined (the area under the
// curve with one class, say) is NaN in Go and null in JSON.
//
// A row's weight k means the row k times: every measure of weighted rows is that of the repeated rows.
// Only the counts Rows, Positives and Bin.Rows count lines. Every measure has a confidence interval (Intervals).
//
// The package does not read files, fit models (but for the two numbers of Calibration) or choose thresholds.
package metric

import (
	"errors"
	"fmt"
	"math"

	"github.com/descent-ml/descent/infer"
	"github.com/descent-ml/descent/internal/parallel"
	"github.com/descent-ml/descent/internal/scalar"
)

// Rows are the m examples to be measured. The slices are only read.
type Rows struct {
	LogOdds     []float64 // z: (m), finite
	Probability []float64 // a: (m), in [0, 1], what counts in the place of LogOdds; nil: Sigmoid of LogOdds, without its rounding
	Label       []float64 // y: (m), each 0 or 1
	Weight      []float64 // s: (m), each finite and ≥ 0; nil: ones
	Threads     int       // 0: as many as Go runs at once; results have the same bits on any number
	Confidence  float64   // of Intervals, such as 0.95; 0: there are none
	Constant    []float64 // (2): the probabilities of label 0 and 1 by the constant model to compare with; nil: none
}

func (r Rows) weight(i int) float64 {
	if r.Weight != nil {
		return r.Weight[i]
	}
	return 1
}

// Check says what is wrong with r: lengths that differ, a log-odds that is not finite, a label other than 0
// and 1, a weight that is negative or not finite. Rows are counted from 1.
func (r Rows) Check() error {
	m := len(r.LogOdds)
	if len(r.Label) != m {
		return fmt.Errorf("metric: %d labels for %d rows", len(r.Label), m)
	}
	if r.Probability != nil && len(r.Probability) != m {
		return fmt.Errorf("metric: %d probabilities for %d rows", len(r.Probability), m)
	}
	if r.Weight != nil && len(r.Weight) != m {
		return fmt.Errorf("metric: %d weights for %d rows", len(r.Weight), m)
	}
	return firstError(r.Threads, m, func(i int) error {
		z, y, s := r.LogOdds[i], r.Label[i], r.weight(i)
		if math.IsNaN(z) || math.IsInf(z, 0) {
			return fmt.Errorf("metric: row %d: log-odds %v is not finite", i+1, z)
		}
		if y != 0 && y != 1 {
			return fmt.Errorf("metric: row %d: label %v is neither 0 nor 1", i+1, y)
		}
		if r.Probability != nil && !(r.Probability[i] >= 0 && r.Probability[i] <= 1) {
			return fmt.Errorf("metric: row %d: probability %v is not between 0 and 1", i+1, r.Probability[i])
		}
		if !(s >= 0) || math.IsInf(s, 0) {
			return fmt.Errorf("metric: row %d: weight %v is not a finite number from 0 up", i+1, s)
		}
		return nil
	})
}

// firstError is the error of the first of n rows that has one.
func firstError(threads, n int, check func(row int) error) error {
	found := make([]error, parallel.Count(n, pieceRows))
	parallel.Pieces(threads, n, pieceRows, func(piece, from, to int) {
		for i := from; i < to && found[piece] == nil; i++ {
			found[piece] = check(i)
		}
	})
	for _, err := range found {
		if err != nil {
			return err
		}
	}
	return nil
}

// Metrics is what a model scores on some rows. Undefined values are NaN, null in JSON. Of a model with two classes (Binary) PerClass is nil;
// of one with classes by name (Classes) it is not, and then Levels to PerClass hold what Positives, AveragePrecision, F1,
// Threshold, Confusion and Calibration hold of two.
type Metrics struct {
	Rows             int     // lines, whatever their weight
	Positives        int     // lines with label 1
	WeightSum        float64 // Σ s; in JSON only of two classes, when it differs from Rows (else it is the sum of Counts)
	LogLoss          float64 // Σ s L / Σ s, L = log(1 + exp(-z)) for label 1 and log(1 + exp(z)) for label 0: finite for every finite z (Mächler 2012, §4); of a given a -log(a), -log(1 - a)
	Brier            float64 // Σ s (a - y)² / Σ s (Brier 1950)
	Accuracy         float64
	AUC              float64 // the chance that a random positive row has a larger z than a random negative one, ties one half (Mann and Whitney 1947)
	AveragePrecision float64 // Σ precision times the rise in recall over the distinct z from the largest down (scikit-learn's average_precision_score)
	F1               float64
	Threshold        float64
	Confusion        Confusion
	Calibration      Calibration
	Intervals        *Intervals // nil without Rows.Confidence
	Constant         *Constant  // nil without Rows.Constant

	Levels   []string    // the classes
	Counts   [][]float64 // the weight (without weights: the number) of rows by truth (row) and decision (column)
	MacroF1  float64     // mean of F1 over the classes
	PerClass []ClassScores
}

// Binary computes all measures of r at a threshold in [0, 1]; see Positive for what happens at a tie. It takes
// O(m log m) time, and 40 bytes a row. Without rows (or without weight) every measure is NaN. It gives an
// error where Rows.Check does, and for a threshold outside [0, 1].
func Binary(r Rows, threshold float64) (*Metrics, error) {
	if !(threshold >= 0 && threshold <= 1) {
		return nil, fmt.Errorf("metric: threshold %v is not between 0 and 1", threshold)
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	var a []float64
	if r.Probability == nil { // for the bins
		a = make([]float64, len(r.LogOdds))
	}
	t := r.tally(threshold, a)
	order, err := r.rank()
	if err != nil {
		return nil, err
	}
	if a != nil {
		r.Probability = a
	}
	m := &Metrics{Rows: len(r.LogOdds), Threshold: threshold, Positives: t.positives, Confusion: t.confusion()}
	all := together(t.labels[:])
	m.WeightSum = all.weight.Value()
	m.LogLoss, m.Brier = all.loss.Value()/m.WeightSum, all.square.Value()/m.WeightSum
	m.Accuracy = m.Confusion.Accuracy()
	m.F1 = m.Confusion.F1()
	m.AUC = order.auc()
	m.AveragePrecision = order.averagePrecision()
	m.Calibration.Bins = order.bins(r.Probability, calibrationBins)
	fit := r.recalibrate(a == nil)
	m.Calibration.Slope, m.Calibration.Intercept = fit.slope, fit.intercept
	if r.Confidence != 0 {
		if m.Intervals, err = m.intervals(r, all, order, fit); err != nil {
			return nil, err
		}
	}
	if r.Constant != nil {
		if m.Constant, err = constantOf(r.Constant, 2, t.labels[:], r.Confidence); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Sigmoid is 1/(1+exp(-z)), by the sign of z so that neither side overflows nor loses small probabilities;
// 0 and 1 at the infinities, NaN at NaN.
func Sigmoid(z float64) float64 { return scalar.Sigmoid(z) }

// quantile is the q with P(|N(0,1)| ≤ q) = conf.
func quantile(conf float64) (float64, error) {
	q, err := infer.Quantile(conf)
	if err != nil {
		return 0, fmt.Errorf("metric: %w", err)
	}
	return q, nil
}

var errTooManyRows = errors.New("metric: more than 2147483647 rows")
