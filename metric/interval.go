package metric

import (
	"math"

	"github.com/descent-ml/descent/internal/parallel"
	"github.com/descent-ml/descent/internal/scalar"
)

// Interval is the low and the high end of a confidence interval, NaN both where there is none. In JSON it is [low, high] or null.
type Interval [2]float64

var noInterval = Interval{math.NaN(), math.NaN()}

// Intervals are confidence intervals of the measures of Metrics, where Rows.Confidence asks for them: of what the model would score on all rows
// of which these are a random sample, independent of each other and of its training. (Rows that the model was trained on are not: it was
// chosen to score well on them.) A weight k is k rows. q is the normal quantile of Confidence, M = Σ s.
//
//   - LogLoss, Brier: mean ± q·sd/√M, the central limit theorem, inside the range of the measure.
//   - Accuracy, Sensitivity, Specificity, Precision, the Observed of a bin, precision and recall of a class: Wilson's score interval of a proportion
//     (Wilson 1927; Brown, Cai and DasGupta 2001, §3.1.1).
//   - F1: F1 = 2J/(1+J), and J = tp/(tp+fp+fn) is the share of the true positives in the tp+fp+fn rows that are positive or were called so
//     (Hand, Christen and Kirielle 2021): Wilson's interval of J, taken through that.
//   - AUC: ± q standard errors of DeLong, DeLong and Clarke-Pearson (1988, eq. 5), inside [0, 1], as R's pROC has it.
//   - AveragePrecision: the variance is the mean square of its influence function, and the interval is symmetric in the logit (Boyd, Eng and Page 2013, §3.2).
//   - Slope, Intercept: ± q standard errors by the information of the logistic regression that gives them, as of a glm.
//   - AUC and F1 of classes together: the means' influence functions, ± q standard errors (the delta method).
//
// Where the estimate of the variance is 0 (an AUC of 1, say) these rows say nothing about it, and there is no interval but Wilson's. There is
// none either where Σ s of all rows, or of a class for its AUC, is not above 1. All are large-sample results; the fewer rows of a class, the less they hold.
type Intervals struct {
	Confidence                                            float64
	LogLoss, Brier, Accuracy, AUC, AveragePrecision, F1   Interval
	Sensitivity, Specificity, Precision, Slope, Intercept Interval
	Bins                                                  []Interval // of Observed of every bin

	MacroF1  Interval
	PerClass []ClassIntervals // in the place of AveragePrecision, F1, Sensitivity to Bins
}

// ClassIntervals are those of ClassScores.
type ClassIntervals struct{ Precision, Recall, F1, AUC Interval }

// Wilson is the score interval of a proportion that was seen x times in n, with the normal quantile q (Wilson 1927). x and n may be
// sums of weights. NaN unless 0 ≤ x ≤ n and n > 0.
func Wilson(x, n, q float64) Interval {
	if !(n > 0 && x >= 0 && x <= n) {
		return noInterval
	}
	q2 := float64(q * q)
	center := (x + q2/2) / (n + q2)
	half := q / (n + q2) * math.Sqrt(float64(x*((n-x)/n))+q2/4)
	i := Interval{max(center-half, 0), min(center+half, 1)}
	if x == 0 {
		i[0] = 0
	}
	if x == n {
		i[1] = 1
	}
	return i
}

// f1Interval is Wilson's of J = tp/(tp+fp+fn), taken to F1 = 2J/(1+J).
func f1Interval(tp, wrong, q float64) Interval {
	j := Wilson(tp, tp+wrong, q)
	return Interval{2 * j[0] / (1 + j[0]), 2 * j[1] / (1 + j[1])}
}

// around is estimate ± q·√variance inside [low, high]; none where the variance is not above 0.
func around(estimate, variance, q, low, high float64) Interval {
	if !(variance > 0) || math.IsInf(variance, 0) {
		return noInterval
	}
	d := float64(q * math.Sqrt(variance))
	return Interval{max(estimate-d, low), min(estimate+d, high)}
}

// meanVariance is the variance of a mean of weight m, from Σ s v² and the mean: (Σ s v² - m·mean²)/(m(m-1)).
func meanVariance(squares, mean, m float64) float64 {
	if !(m > 1) {
		return math.NaN()
	}
	return max(squares-float64(m*mean)*mean, 0) / m / (m - 1)
}

// aroundLogit is symmetric about the logit of an estimate in (0, 1).
func aroundLogit(estimate, variance, q float64) Interval {
	if !(variance > 0) || !(estimate > 0 && estimate < 1) {
		return noInterval
	}
	z := math.Log(estimate / (1 - estimate))
	d := q * math.Sqrt(variance) / estimate / (1 - estimate)
	return Interval{Sigmoid(z - d), Sigmoid(z + d)}
}

// intervals of two classes.
func (m *Metrics) intervals(r Rows, t *labelSums, order *ranking, fit recalibration) (*Intervals, error) {
	q, err := quantile(r.Confidence)
	if err != nil {
		return nil, err
	}
	c, M := m.Confusion, m.WeightSum
	v := &Intervals{Confidence: r.Confidence,
		LogLoss:          around(m.LogLoss, meanVariance(t.loss2.Value(), m.LogLoss, M), q, 0, math.Inf(1)),
		Brier:            around(m.Brier, meanVariance(t.square2.Value(), m.Brier, M), q, 0, 1),
		Accuracy:         Wilson(c.TP+c.TN, c.TP+c.TN+c.FP+c.FN, q),
		AUC:              around(m.AUC, order.aucVariance(m.AUC), q, 0, 1),
		AveragePrecision: aroundLogit(m.AveragePrecision, order.averagePrecisionVariance(m.AveragePrecision), q),
		F1:               f1Interval(c.TP, c.FP+c.FN, q),
		Sensitivity:      Wilson(c.TP, c.TP+c.FN, q),
		Specificity:      Wilson(c.TN, c.TN+c.FP, q),
		Precision:        Wilson(c.TP, c.TP+c.FP, q),
		Slope:            around(fit.slope, fit.slopeVariance, q, math.Inf(-1), math.Inf(1)),
		Intercept:        around(fit.intercept, fit.interceptVariance, q, math.Inf(-1), math.Inf(1)),
		MacroF1:          noInterval,
	}
	for _, b := range m.Calibration.Bins {
		v.Bins = append(v.Bins, Wilson(min(float64(b.Observed*b.Weight), b.Weight), b.Weight, q))
	}
	return v, nil
}

// aucVariance is that of DeLong et al. (1988): with v of a positive row the share of the negatives below it and of a negative row the share of the
// positives above it, the variance of v over the P positives, by P, plus that over the N negatives, by N.
func (k *ranking) aucVariance(auc float64) float64 {
	if !(k.positives > 1 && k.negatives > 1) {
		return math.NaN()
	}
	p, n := 1/k.positives/(k.positives-1), 1/k.negatives/(k.negatives-1)
	return k.sum(func(piece *rankPiece) float64 {
		var sum scalar.Sum
		k.placements(piece, func(_, _ int, negative, positive, ofPositive, ofNegative float64) {
			dp, dn := ofPositive-auc, ofNegative-auc
			sum.Add(float64(positive*float64(dp*dp))*p + float64(float64(negative*float64(dn*dn))*n))
		})
		return sum.Value()
	})
}

// placements calls f for every group order[from:to] of equal z in the piece with its weights and, of a positive row in it, the share of the negatives below, and
// of a negative row that of the positives above; those in the group count one half.
func (k *ranking) placements(p *rankPiece, f func(from, to int, negative, positive, ofPositive, ofNegative float64)) {
	var negatives, positives scalar.Sum
	negatives.Add(p.negatives)
	positives.Add(p.positives)
	k.ties(p, func(from, to int, negative, positive float64) {
		f(from, to, negative, positive, (k.negatives-negatives.Value()-negative/2)/k.negatives, (positives.Value()+positive/2)/k.positives)
		negatives.Add(negative)
		positives.Add(positive)
	})
}

// averagePrecisionVariance is M/(M-1)·Σ s f²/P², f being P/M times the influence of a row on AP = (1/P) Σ_{y=1} s·prec: with T the weight of
// all rows from z up, and G and H the sums of s/T and of s·prec/T over the positive rows from z down,
//
//	f = y·(prec - AP + G) - H
//
// (a row counts in AP if it is positive, and in prec of every positive row that is not above it). Σ s f = 0.
func (k *ranking) averagePrecisionVariance(ap float64) float64 {
	M := k.positives + k.negatives
	if !(M > 1) || k.positives == 0 {
		return math.NaN()
	}
	sums := make([][2]float64, len(k.pieces)) // of s/T and s·prec/T, positives of a piece
	each := func(p *rankPiece, f func(negative, positive, taken, precision float64)) {
		var taken, positives scalar.Sum
		taken.Add(p.negatives)
		taken.Add(p.positives)
		positives.Add(p.positives)
		k.ties(p, func(_, _ int, negative, positive float64) {
			taken.Add(negative)
			taken.Add(positive)
			positives.Add(positive)
			f(negative, positive, taken.Value(), positives.Value()/taken.Value())
		})
	}
	k.each(func(i int, p *rankPiece) {
		var g, h scalar.Sum
		each(p, func(_, positive, taken, precision float64) {
			g.Add(positive / taken)
			h.Add(positive / taken * precision)
		})
		sums[i] = [2]float64{g.Value(), h.Value()}
	})
	below := make([][2]float64, len(k.pieces)) // from the first row of a piece down
	var g, h scalar.Sum
	for i := len(sums) - 1; i >= 0; i-- {
		g.Add(sums[i][0])
		h.Add(sums[i][1])
		below[i] = [2]float64{g.Value(), h.Value()}
	}
	parts := make([]float64, len(k.pieces))
	k.each(func(i int, p *rankPiece) {
		var g, h, sum scalar.Sum
		g.Add(below[i][0])
		h.Add(below[i][1])
		each(p, func(negative, positive, taken, precision float64) {
			fn := h.Value()
			fp := precision - ap + g.Value() - fn
			sum.Add(float64(positive*float64(fp*fp)) + float64(negative*float64(fn*fn)))
			g.Add(-positive / taken)
			h.Add(-positive / taken * precision)
		})
		parts[i] = sum.Value()
	})
	var total scalar.Sum
	for _, v := range parts {
		total.Add(v)
	}
	return total.Value() / k.positives / k.positives * (M / (M - 1))
}

// classIntervals of m; meanAUC is the variance of the mean AUC, each that of every class.
func (m *Metrics) classIntervals(conf float64, t *labelSums, meanAUC float64, each []float64) (*Intervals, error) {
	q, err := quantile(conf)
	if err != nil {
		return nil, err
	}
	M := m.WeightSum
	right := 0.0
	for k := range m.Counts {
		right += m.Counts[k][k]
	}
	v := &Intervals{Confidence: conf,
		LogLoss:          around(m.LogLoss, meanVariance(t.loss2.Value(), m.LogLoss, M), q, 0, math.Inf(1)),
		Brier:            around(m.Brier, meanVariance(t.square2.Value(), m.Brier, M), q, 0, 2),
		Accuracy:         Wilson(min(right, M), M, q),
		AUC:              around(m.AUC, meanAUC, q, 0, 1),
		MacroF1:          around(m.MacroF1, m.macroF1Variance(), q, 0, 1),
		AveragePrecision: noInterval, F1: noInterval, Sensitivity: noInterval, Specificity: noInterval, Precision: noInterval, Slope: noInterval, Intercept: noInterval,
		PerClass: make([]ClassIntervals, len(m.Counts)),
	}
	for k := range m.Counts {
		tp := m.Counts[k][k]
		var truth, decided scalar.Sum
		for j := range m.Counts {
			truth.Add(m.Counts[k][j])
			decided.Add(m.Counts[j][k])
		}
		v.PerClass[k] = ClassIntervals{
			Precision: Wilson(tp, decided.Value(), q),
			Recall:    Wilson(tp, truth.Value(), q),
			F1:        f1Interval(tp, truth.Value()-tp+decided.Value()-tp, q),
			AUC:       around(m.PerClass[k].AUC, each[k], q, 0, 1),
		}
	}
	return v, nil
}

// macroF1Variance is the delta method's: a row of truth t and decision d moves F_k = 2 n_kk/D_k, D_k = truth_k + decided_k, by
// (2·[t=k][d=k] - F_k([t=k] + [d=k]))/D_k, and the mean over the classes by the mean of these.
func (m *Metrics) macroF1Variance() float64 {
	K := len(m.Counts)
	d, used := make([]float64, K), 0.0
	for k := range K {
		for j := range K {
			d[k] += m.Counts[k][j] + m.Counts[j][k]
		}
		if d[k] > 0 {
			used++
		}
	}
	if !(m.WeightSum > 1) {
		return math.NaN()
	}
	var sum scalar.Sum
	for t, row := range m.Counts {
		for k, s := range row {
			if s == 0 {
				continue
			}
			f := -m.PerClass[t].F1/d[t] - m.PerClass[k].F1/d[k]
			if t == k {
				f += 2 / d[k]
			}
			sum.Add(float64(s * float64(f*f)))
		}
	}
	return sum.Value() / used / used * (m.WeightSum / (m.WeightSum - 1))
}

// addInfluence adds to each row's influence that on the AUC of this ranking, over M: (v - AUC)/P of a positive row, (v - AUC)/N of a negative one (v as in
// aucVariance).
func (k *ranking) addInfluence(auc float64, influence []float64) {
	k.each(func(_ int, p *rankPiece) {
		k.placements(p, func(from, to int, _, _, ofPositive, ofNegative float64) {
			fp, fn := (ofPositive-auc)/k.positives, (ofNegative-auc)/k.negatives
			for _, o := range k.order[from:to] {
				if o.positive {
					influence[o.row] += fp
				} else {
					influence[o.row] += fn
				}
			}
		})
	})
}

// influenceVariance is M/(M-1)·Σ s f².
func influenceVariance(threads int, f []float64, weight func(int) float64, M float64) float64 {
	if !(M > 1) {
		return math.NaN()
	}
	return total(threads, len(f), func(i int) float64 { return float64(weight(i) * float64(f[i]*f[i])) }) * (M / (M - 1))
}

// total is Σ f(i), i from 0 to m-1, with the same bits on any number of threads.
func total(threads, m int, f func(i int) float64) float64 {
	parts := make([]scalar.Sum, parallel.Count(m, pieceRows))
	parallel.Pieces(threads, m, pieceRows, func(piece, from, to int) {
		for i := from; i < to; i++ {
			parts[piece].Add(f(i))
		}
	})
	var sum scalar.Sum
	for i := range parts {
		sum.Add(parts[i].Value())
	}
	return sum.Value()
}
