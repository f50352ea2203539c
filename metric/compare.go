package metric

import (
	"fmt"
	"math"
	"slices"

	"github.com/descent-ml/descent/internal/parallel"
	"github.com/descent-ml/descent/internal/scalar"
	"gonum.org/v1/gonum/mathext"
)

// Difference is a mean difference on the same rows with its interval, and the test against 0: Z is Estimate over its standard error, P = P(|N(0,1)| > |Z|). All
// but Estimate are NaN (null in JSON) where the variance is 0 or cannot be estimated.
type Difference struct{ Estimate, Low, High, Z, P float64 }

// difference tests an estimate.
func difference(estimate, variance, q float64) Difference {
	nan := math.NaN()
	if !(variance > 0) || math.IsInf(variance, 0) {
		return Difference{estimate, nan, nan, nan, nan}
	}
	se := math.Sqrt(variance)
	z := estimate / se
	return Difference{estimate, estimate - float64(q*se), estimate + float64(q*se), z, math.Erfc(math.Abs(z) / math.Sqrt2)}
}

// Comparison is what one model has on some rows less what an older one has on the same rows.
//
//   - LogLoss, Brier: the mean of the differences of the rows, ± q·sd/√M (paired z test). Negative is better.
//   - AUC: the paired test of DeLong, DeLong and Clarke-Pearson (1988, eq. 5 and 6), as R's pROC has it; of more than two classes that of the mean AUC, by its influence
//     function. Positive is better.
//   - OnlyNew and OnlyOld are the weights of the rows that only the one and only the other decides rightly, and DecisionsP is McNemar's (1947) exact test of
//     whether these are equally likely: twice the tail of Binomial(OnlyNew + OnlyOld, 1/2), at most 1; NaN where both are 0.
//
// The rows are taken as independent of each other and of the training of both models.
type Comparison struct {
	Confidence       float64
	LogLoss, Brier   Difference
	AUC              Difference
	OnlyNew, OnlyOld float64
	Both, Neither    float64 // the weight of the rows that both and that neither decide rightly
	DecisionsP       float64
}

// Compare compares a model with an older one, each deciding at its own threshold. Labels and weights are those of now. It gives an error where Rows.Check
// does for one of them, for lengths that differ, and without a Confidence in now.
func Compare(now, old Rows, threshold, oldThreshold float64) (*Comparison, error) {
	old.Label, old.Weight, old.Threads = now.Label, now.Weight, now.Threads
	for _, r := range []*Rows{&now, &old} {
		if err := r.Check(); err != nil {
			return nil, err
		}
	}
	a, err := now.rank()
	if err != nil {
		return nil, err
	}
	b, err := old.rank()
	if err != nil {
		return nil, err
	}
	c, M, q, err := compare(now.Threads, now.Confidence, now.weight, now.perRow(threshold), old.perRow(oldThreshold))
	if err != nil {
		return nil, err
	}
	c.AUC = Difference{a.auc() - b.auc(), math.NaN(), math.NaN(), math.NaN(), math.NaN()}
	if P, N := a.positives, a.negatives; P > 1 && N > 1 && M > 1 {
		f, g := make([]float64, len(now.Label)), make([]float64, len(now.Label))
		a.addInfluence(a.auc(), f)
		b.addInfluence(b.auc(), g)
		variance := total(now.Threads, len(f), func(i int) float64 {
			d := f[i] - g[i]
			if now.Label[i] == 1 {
				return float64(now.weight(i)*float64(d*d)) * (P / (P - 1))
			}
			return float64(now.weight(i)*float64(d*d)) * (N / (N - 1))
		})
		c.AUC = difference(c.AUC.Estimate, variance, q)
	}
	return c, nil
}

// CompareClasses is Compare for K classes, whose label is the most probable one.
func CompareClasses(now, old ClassRows, K int) (*Comparison, error) {
	old.Label, old.Weight, old.Threads = now.Label, now.Weight, now.Threads
	for _, r := range []*ClassRows{&now, &old} {
		if err := r.Check(K); err != nil {
			return nil, err
		}
	}
	rows := len(now.Label)
	order, oldOrder := make([]float64, K*rows), make([]float64, K*rows)
	c, M, q, err := compare(now.Threads, now.Confidence, now.weight, now.perRow(K, order), old.perRow(K, oldOrder))
	if err != nil {
		return nil, err
	}
	var mean mean // of the differences of the classes' areas
	f, g := make([]float64, rows), make([]float64, rows)
	for k := range K {
		of := func(row int) bool { return int(now.Label[row]) == k }
		a, err := rank(now.Threads, order[k*rows:(k+1)*rows], of, now.Weight)
		if err != nil {
			return nil, err
		}
		b, err := rank(now.Threads, oldOrder[k*rows:(k+1)*rows], of, now.Weight)
		if err != nil {
			return nil, err
		}
		if d := a.auc() - b.auc(); !math.IsNaN(d) {
			mean.add(d)
			a.addInfluence(a.auc(), f)
			b.addInfluence(b.auc(), g)
		}
	}
	for i := range f {
		f[i] -= g[i]
	}
	c.AUC = difference(mean.value(), influenceVariance(now.Threads, f, now.weight, M)/float64(mean.count*mean.count), q)
	return c, nil
}

// compare is all but AUC, with M = Σ s and the normal quantile.
func compare(threads int, conf float64, weight func(int) float64, now, old perRow) (c *Comparison, M, q float64, err error) {
	if len(now.loss) != len(old.loss) {
		return nil, 0, 0, fmt.Errorf("metric: %d rows of one model, %d of the other", len(now.loss), len(old.loss))
	}
	if q, err = quantile(conf); err != nil {
		return nil, 0, 0, err
	}
	m := len(now.loss)
	M = total(threads, m, weight)
	paired := func(a, b []float64) Difference {
		mean := total(threads, m, func(i int) float64 { return float64(weight(i) * (a[i] - b[i])) }) / M
		squares := total(threads, m, func(i int) float64 {
			d := a[i] - b[i] - mean
			return float64(weight(i) * float64(d*d))
		})
		return difference(mean, meanVariance(squares, 0, M), q)
	}
	c = &Comparison{Confidence: conf, LogLoss: paired(now.loss, old.loss), Brier: paired(now.square, old.square)}
	var counts [2][2]scalar.Sum
	for i := range m {
		counts[now.right[i]][old.right[i]].Add(weight(i))
	}
	c.Neither, c.OnlyOld, c.OnlyNew, c.Both = counts[0][0].Value(), counts[0][1].Value(), counts[1][0].Value(), counts[1][1].Value()
	c.DecisionsP = mcnemar(c.OnlyNew, c.OnlyOld)
	return c, M, q, nil
}

// mcnemar is twice P(X ≤ min(b, c)) of X from Binomial(b+c, 1/2), at most 1: by the incomplete beta function, which also takes weights that are not whole.
func mcnemar(b, c float64) float64 {
	if b+c == 0 {
		return math.NaN()
	}
	return min(1, 2*mathext.RegIncBeta(max(b, c), min(b, c)+1, 0.5))
}

// perRow is what every row has: L, its part of the Brier score, and 1 if it is decided rightly.
type perRow struct {
	loss, square []float64
	right        []uint8
}

func newPerRow(m int) perRow { return perRow{make([]float64, m), make([]float64, m), make([]uint8, m)} }

func (r Rows) perRow(threshold float64) perRow {
	m := len(r.LogOdds)
	out := newPerRow(m)
	parallel.Pieces(r.Threads, m, pieceRows, func(_, from, to int) {
		l := newLosses("L", "dz")
		for at := from; at < to; at += strip {
			n := min(strip, to-at)
			for i := range n {
				l.u[i] = r.LogOdds[at+i]
				if r.Label[at+i] == 1 {
					l.u[i] = -l.u[i]
				}
			}
			l.run(n)
			for i := range n {
				y := r.Label[at+i]
				L, d := l.loss[i], l.dz[i]
				var a float64
				if r.Probability != nil {
					a = r.Probability[at+i]
					L, d = lossOf(a, y), a-y
				} else {
					a = Sigmoid(r.LogOdds[at+i])
				}
				out.loss[at+i], out.square[at+i] = L, float64(d*d)
				if Positive(a, threshold) == (y == 1) {
					out.right[at+i] = 1
				}
			}
		}
	})
	return out
}

// perRow also writes what ranks the rows to order, (K×m).
func (r ClassRows) perRow(K int, order []float64) perRow {
	out := newPerRow(len(r.Label))
	parallel.Pieces(r.Threads, len(r.Label), pieceRows, func(_, from, to int) {
		of, key := make([]float64, K), make([]float64, K)
		for i := from; i < to; i++ {
			var decided int
			out.loss[i], out.square[i], decided = r.row(K, i, of, key, order)
			if decided == int(r.Label[i]) {
				out.right[i] = 1
			}
		}
	})
	return out
}

// Constant is the model that gives every row the same probabilities, and how much better the model in question is.
type Constant struct {
	Of             string    // whose shares these are, in words
	Shares         []float64 // of the classes; of two: of label 0 and 1
	LogLoss, Brier float64
	// 1 - LogLoss of the model over that of the constant, as McFadden's measure, and as much of the Brier score: 0 is no better, below 0 worse.
	LogLossSkill, BrierSkill                 float64
	LogLossSkillInterval, BrierSkillInterval Interval   // the delta method
	Difference                               Difference // of log loss, the model's less the constant's: paired z test
}

// moments are sums over the rows of one label: Σ s, Σ s v, Σ s v².
type moments struct{ weight, sum, squares float64 }

// constantOf compares with the shares of K classes.
func constantOf(shares []float64, K int, labels []labelSums, conf float64) (*Constant, error) {
	if len(shares) != K {
		return nil, fmt.Errorf("metric: the constant model has %d probabilities for %d classes", len(shares), K)
	}
	q, err := quantile(conf)
	if err != nil {
		return nil, err
	}
	loss, brier := byLabel(labels)
	l, b := make([]float64, K), make([]float64, K) // what a row of each label has
	for y := range K {
		l[y] = -math.Log(shares[y])
		for k, a := range shares {
			if k == y {
				a = 1 - a
			}
			b[y] += float64(a * a)
		}
		if K == 2 {
			b[y] /= 2 // one probability
		}
	}
	c := &Constant{Shares: slices.Clone(shares)}
	c.LogLoss, c.LogLossSkill, c.LogLossSkillInterval = skill(loss, l, q)
	c.Brier, c.BrierSkill, c.BrierSkillInterval = skill(brier, b, q)
	mean, variance := lessConstant(loss, l, 1)
	c.Difference = difference(mean, variance, q)
	return c, nil
}

// skill is the mean v of the constant, 1 - (mean of the model)/v, and its interval, by the mean of model - (1 - skill)·constant over v.
func skill(model []moments, constant []float64, q float64) (v, skill float64, interval Interval) {
	var sum, weight, of scalar.Sum
	for y, m := range model {
		if m.weight > 0 { // else perhaps 0·∞
			sum.Add(float64(m.weight * constant[y]))
		}
		weight.Add(m.weight)
		of.Add(m.sum)
	}
	v = sum.Value() / weight.Value()
	ratio := of.Value() / sum.Value()
	_, variance := lessConstant(model, constant, ratio)
	return v, 1 - ratio, around(1-ratio, variance/v/v, q, math.Inf(-1), 1)
}

// lessConstant is the mean of v - ratio·constant over all rows and the variance of that mean: within the labels, and between them.
func lessConstant(v []moments, constant []float64, ratio float64) (mean, variance float64) {
	var sum, weight scalar.Sum
	for y, m := range v {
		if m.weight > 0 {
			sum.Add(m.sum)
			sum.Add(-float64(float64(ratio*m.weight) * constant[y]))
		}
		weight.Add(m.weight)
	}
	M := weight.Value()
	mean = sum.Value() / M
	var squares scalar.Sum
	for y, m := range v {
		if m.weight > 0 {
			own := m.sum / m.weight
			d := own - float64(ratio*constant[y]) - mean
			squares.Add(max(m.squares-float64(own*m.sum), 0))
			squares.Add(float64(m.weight * float64(d*d)))
		}
	}
	return mean, meanVariance(squares.Value(), 0, M)
}
