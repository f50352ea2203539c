package metric

import (
	"fmt"
	"math"
	"slices"

	"github.com/descent-ml/descent/internal/parallel"
	"github.com/descent-ml/descent/internal/scalar"
)

// ClassRows are the m examples to be measured where there are K classes. The slices are only read.
type ClassRows struct {
	LogOdds     []float64 // z: (m×K), row-major, finite: the scores, a = softmax(z)
	Probability []float64 // a: (m×K), each in [0, 1]; nil: Softmax of LogOdds
	Label       []int32   // (m), the class, from 0 to K-1
	Weight      []float64 // s: (m), each finite and ≥ 0; nil: ones
	Threads     int       // 0: as many as Go runs at once; results have the same bits on any number
	Confidence  float64   // of Intervals, such as 0.95; 0: there are none
	Constant    []float64 // (K): the probabilities of the constant model to compare with; nil: none
}

func (r ClassRows) weight(i int) float64 {
	if r.Weight != nil {
		return r.Weight[i]
	}
	return 1
}

// Check says what is wrong with r for K classes: lengths that differ, a score that is not finite, a class outside
// [0, K), a probability outside [0, 1], a weight that is negative or not finite. Rows are counted from 1, classes from 0.
func (r ClassRows) Check(K int) error {
	m := len(r.Label)
	if len(r.LogOdds) != m*K {
		return fmt.Errorf("metric: %d scores for %d rows of %d classes", len(r.LogOdds), m, K)
	}
	if r.Probability != nil && len(r.Probability) != m*K {
		return fmt.Errorf("metric: %d probabilities for %d rows of %d classes", len(r.Probability), m, K)
	}
	if r.Weight != nil && len(r.Weight) != m {
		return fmt.Errorf("metric: %d weights for %d rows", len(r.Weight), m)
	}
	if m > math.MaxInt32 {
		return errTooManyRows
	}
	return firstError(r.Threads, m, func(i int) error {
		if y := r.Label[i]; y < 0 || int(y) >= K {
			return fmt.Errorf("metric: row %d: label %d is no class, there are %d", i+1, y, K)
		}
		for k, z := range r.LogOdds[i*K : (i+1)*K] {
			if math.IsNaN(z) || math.IsInf(z, 0) {
				return fmt.Errorf("metric: row %d: score %v of class %d is not finite", i+1, z, k)
			}
		}
		if s := r.weight(i); !(s >= 0) || math.IsInf(s, 0) {
			return fmt.Errorf("metric: row %d: weight %v is not a finite number from 0 up", i+1, s)
		}
		if r.Probability == nil {
			return nil
		}
		for k, a := range r.Probability[i*K : (i+1)*K] {
			if !(a >= 0 && a <= 1) {
				return fmt.Errorf("metric: row %d: probability %v of class %d is not between 0 and 1", i+1, a, k)
			}
		}
		return nil
	})
}

// ClassScores is how well one class is found: itself against all others. Undefined values are NaN, null in JSON.
type ClassScores struct {
	Level     string
	Rows      int     // lines of this class, whatever their weight
	Precision float64 // share of this class in what was decided to be it; NaN if nothing was
	Recall    float64 // share of this class that was decided to be it; NaN if it has no weight
	F1        float64 // 2 tp / (2 tp + fp + fn): 0 if it occurs and was never found, NaN if it neither occurs nor was decided
	AUC       float64 // AUC of a_k, this class against the rest; NaN if either has no weight
}

// Classes computes all measures of r for the classes called levels, at least two, in one pass over the rows and a sort
// for every class:
//
//   - LogLoss is Σ s L / Σ s with L = -log(a_y) = log Σ_k exp(z_k) - z_y, from z: it stays exact where a_y has
//     rounded to 0 or 1, and is finite unless two scores of a row differ by more than float64 holds (then NaN). Of Probability it is -log(a_y).
//   - Brier is Σ s Σ_k (a_k - y_k)² / Σ s, y one-hot (Brier 1950). It goes from 0 to 2; with two classes it is twice
//     that of Binary, which sums over one of them.
//   - Counts is the weight by truth (row) and Decide (column), WeightSum its total, Accuracy the share of its diagonal.
//   - AUC ranks by a_k, but without its rounding: two rows whose a_k are both 1 in float64 are still ranked by z. With
//     Probability given it ranks by that. AUC of Metrics is the plain mean over the classes where it is defined.
//   - MacroF1 is the plain mean of F1 over the classes where it is defined, that is, which have weight or were decided.
//     This is scikit-learn's f1_score(average="macro"): a class that was never found counts 0 although its precision is
//     0/0, and a level that occurs nowhere is not counted.
//
// Measures of a decision at a threshold (F1, AveragePrecision, Calibration) are NaN; see PerClass. Without rows or weight every
// measure is NaN. It takes O(m K log m) time and 8 K + 40 bytes a row. Errors: fewer than two levels, and where ClassRows.Check gives one.
func Classes(r ClassRows, levels []string) (*Metrics, error) {
	K, rows := len(levels), len(r.Label)
	if K < 2 {
		return nil, fmt.Errorf("metric: %d classes, expected two or more", K)
	}
	if err := r.Check(K); err != nil {
		return nil, err
	}
	m := &Metrics{Rows: rows, Levels: slices.Clone(levels), PerClass: make([]ClassScores, K)}
	order := make([]float64, K*rows) // (K×m): what ranks the rows of every class
	pieces := make([]*classTally, parallel.Count(rows, pieceRows))
	parallel.Pieces(r.Threads, rows, pieceRows, func(piece, from, to int) { pieces[piece] = r.tally(K, from, to, order) })
	labels := make([]labelSums, K)
	counts := make([]scalar.Sum, K*K)
	for _, t := range pieces {
		for y := range labels {
			labels[y].join(&t.labels[y])
		}
		for i := range counts {
			counts[i].Add(t.counts[i].Value())
		}
		for k, n := range t.rows {
			m.PerClass[k].Rows += n
		}
	}
	all := together(labels)
	m.LogLoss, m.Brier = all.loss.Value()/all.weight.Value(), all.square.Value()/all.weight.Value()
	m.Counts = make([][]float64, K)
	for t := range m.Counts {
		m.Counts[t] = make([]float64, K)
		for d := range m.Counts[t] {
			m.Counts[t][d] = counts[t*K+d].Value()
		}
	}
	m.countClasses()
	var auc, f1 mean
	variance := make([]float64, K)
	var influence []float64 // (m), on the sum of the areas
	if r.Confidence != 0 {
		influence = make([]float64, rows)
	}
	for k, level := range levels {
		c := &m.PerClass[k]
		c.Level = level
		c.Precision, c.Recall, c.F1 = scores(m.Counts, k)
		score, is := order[k*rows:(k+1)*rows], func(row int) bool { return int(r.Label[row]) == k }
		if r.Weight == nil && r.Confidence == 0 {
			c.AUC = area(r.Threads, score, is)
		} else {
			ranking, err := rank(r.Threads, score, is, r.Weight)
			if err != nil {
				return nil, err
			}
			c.AUC = ranking.auc()
			if r.Confidence != 0 {
				if variance[k] = ranking.aucVariance(c.AUC); !math.IsNaN(c.AUC) {
					ranking.addInfluence(c.AUC, influence)
				}
			}
		}
		auc.add(c.AUC)
		f1.add(c.F1)
	}
	m.AUC, m.MacroF1 = auc.value(), f1.value()
	var err error
	if r.Confidence != 0 {
		of := influenceVariance(r.Threads, influence, r.weight, m.WeightSum) / float64(auc.count*auc.count)
		if m.Intervals, err = m.classIntervals(r.Confidence, all, of, variance); err != nil {
			return nil, err
		}
	}
	if r.Constant != nil {
		if m.Constant, err = constantOf(r.Constant, K, labels, r.Confidence); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// classTally is what one pass over a piece of the rows adds up.
type classTally struct {
	labels []labelSums  // (K)
	counts []scalar.Sum // (K×K), by truth and decision
	rows   []int        // (K)
}

// tally adds up rows from … to-1 and writes what ranks them to order, (K×m).
func (r ClassRows) tally(K, from, to int, order []float64) *classTally {
	t := &classTally{labels: make([]labelSums, K), counts: make([]scalar.Sum, K*K), rows: make([]int, K)}
	of, key := make([]float64, K), make([]float64, K)
	for i := from; i < to; i++ {
		s, y := r.weight(i), int(r.Label[i])
		loss, q, decided := r.row(K, i, of, key, order)
		l := &t.labels[y]
		l.weight.Add(s)
		l.loss.Add(float64(s * loss))
		l.loss2.Add(float64(s * float64(loss*loss)))
		l.square.Add(float64(s * q))
		l.square2.Add(float64(s * float64(q*q)))
		t.counts[y*K+decided].Add(s)
		t.rows[y]++
	}
	return t
}

// row is L of row i, its part of the Brier score, and the decision. What ranks it goes to order, (K×m). of and key, (K), are scratch.
func (r ClassRows) row(K, i int, of, key, order []float64) (loss, square float64, decided int) {
	y, rows := int(r.Label[i]), len(r.Label)
	z := r.LogOdds[i*K : (i+1)*K]
	rest := softmax(z, of, key)
	loss = -key[y]
	ranks, a := key, of
	if r.Probability != nil {
		a = r.Probability[i*K : (i+1)*K]
		ranks, loss = a, -math.Log(a[y])
	} else if rest < tiny {
		key[Decide(of)] = beyond(z)
	}
	for k, v := range ranks {
		order[k*rows+i] = v
		d := a[k]
		if k == y {
			d--
		}
		square += float64(d * d)
	}
	return loss, square, Decide(a)
}

// countClasses sets what follows from Counts and what is not defined for classes.
func (m *Metrics) countClasses() {
	var right, total scalar.Sum
	for t, row := range m.Counts {
		for _, s := range row {
			total.Add(s)
		}
		right.Add(row[t])
	}
	m.WeightSum = total.Value()
	m.Accuracy = right.Value() / m.WeightSum
	nan := math.NaN()
	m.AveragePrecision, m.F1, m.Threshold = nan, nan, nan
	m.Calibration = Calibration{Slope: nan, Intercept: nan}
}

// scores of class k.
func scores(counts [][]float64, k int) (precision, recall, f1 float64) {
	var truth, decided scalar.Sum
	for j := range counts {
		truth.Add(counts[k][j])
		decided.Add(counts[j][k])
	}
	tp := counts[k][k] // 0/0 is NaN
	return tp / decided.Value(), tp / truth.Value(), 2 * tp / (truth.Value() + decided.Value())
}

// mean of the numbers that are not NaN; NaN if there are none.
type mean struct {
	sum   scalar.Sum
	count int
}

func (m *mean) add(x float64) {
	if !math.IsNaN(x) {
		m.sum.Add(x)
		m.count++
	}
}

func (m *mean) value() float64 { return m.sum.Value() / float64(m.count) }

// Decide is the class with the largest probability, the lowest of equal ones; a is (K), K ≥ 1.
func Decide(a []float64) int {
	best := 0
	for k, v := range a {
		if v > a[best] {
			best = k
		}
	}
	return best
}

// Softmax writes a_k = exp(z_k) / Σ_j exp(z_j) to a: z and a are (K), K ≥ 1, and may be the same. The largest z is taken off first, so that any
// finite z gives probabilities; NaN in z gives NaN.
func Softmax(z, a []float64) {
	top := slices.Max(z) // NaN if there is one
	var total float64
	for k, v := range z {
		a[k] = math.Exp(v - top)
		total += a[k]
	}
	for k := range a {
		a[k] /= total
	}
}

// softmax is Softmax, and log(a_k) in logs. With the largest z (the first of equal ones) at index t,
//
//	rest = Σ_{k≠t} exp(z_k - z_t),   log a_k = (z_k - z_t) - log1p(rest),
//
// which keeps all digits where a_t is nearly 1. z, a and logs are (K), a and logs apart.
func softmax(z, a, logs []float64) (rest float64) {
	t := Decide(z)
	var total float64
	for k, v := range z {
		a[k] = math.Exp(v - z[t])
		total += a[k]
		if k != t {
			rest += a[k]
		}
	}
	log := math.Log1p(rest)
	for k, v := range z {
		a[k] /= total
		logs[k] = (v - z[t]) - log
	}
	return rest
}

// tiny is where rest begins to lose digits to underflow (and near which it is 0).
const tiny = 1e-290

// beyond is -log(rest), for rest < tiny: it ranks the rows among which log a_t = -rest no longer tells apart, by the same maths with the
// second largest z taken off. It is above 660, and so above every log a_k.
func beyond(z []float64) float64 {
	t := Decide(z)
	second := math.Inf(-1)
	for k, v := range z {
		if k != t {
			second = max(second, v)
		}
	}
	var others float64
	for k, v := range z {
		if k != t {
			others += math.Exp(v - second)
		}
	}
	return z[t] - second - math.Log(others)
}
