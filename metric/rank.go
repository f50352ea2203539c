package metric

import (
	"cmp"
	"math"
	"slices"

	"github.com/descent-ml/descent/internal/scalar"
)

// ranking is the rows with weight, from the largest z down; equal z in the order of the rows.
type ranking struct {
	rows  Rows
	order []ranked
}

type ranked struct {
	z        float64
	row      int32
	positive bool // the label, beside z so that no pass jumps about in memory without weights
}

func rank(r Rows) (*ranking, error) {
	if len(r.LogOdds) > math.MaxInt32 {
		return nil, errTooManyRows
	}
	k := &ranking{rows: r, order: make([]ranked, 0, len(r.LogOdds))}
	for i, z := range r.LogOdds {
		if r.weight(i) > 0 {
			k.order = append(k.order, ranked{z, int32(i), r.Label[i] == 1})
		}
	}
	slices.SortFunc(k.order, func(a, b ranked) int {
		switch {
		case a.z > b.z:
			return -1
		case a.z < b.z:
			return 1
		}
		return cmp.Compare(a.row, b.row)
	})
	return k, nil
}

// ties calls f for every group order[from:to] of equal z, with the group's weight of label 0 and of label 1.
func (k *ranking) ties(f func(from, to int, negative, positive float64)) {
	for from := 0; from < len(k.order); {
		var negative, positive scalar.Sum
		to := from
		for ; to < len(k.order) && k.order[to].z == k.order[from].z; to++ {
			if s := k.rows.weight(int(k.order[to].row)); k.order[to].positive {
				positive.Add(s)
			} else {
				negative.Add(s)
			}
		}
		f(from, to, negative.Value(), positive.Value())
		from = to
	}
}

// AUC is the area under the ROC curve: the chance that a random positive row has a larger z than a random
// negative one, ties counting one half (Mann and Whitney 1947), rows drawn by weight. NaN if a class has no
// weight. r must have passed Rows.Check.
func AUC(r Rows) float64 {
	k, err := rank(r)
	if err != nil {
		return math.NaN()
	}
	return k.auc()
}

func (k *ranking) auc() float64 {
	var area, negatives, positives scalar.Sum // the weights seen so far
	k.ties(func(_, _ int, negative, positive float64) {
		area.Add(float64(negative * (positives.Value() + positive/2)))
		negatives.Add(negative)
		positives.Add(positive)
	})
	n, p := negatives.Value(), positives.Value()
	if n == 0 || p == 0 {
		return math.NaN()
	}
	return area.Value() / n / p
}

// AveragePrecision is Σ over the distinct z, from the largest down, of precision times the rise in recall, both of
// the decision "z and above" (scikit-learn's average_precision_score; no interpolation). NaN if the positives
// have no weight. r must have passed Rows.Check.
func AveragePrecision(r Rows) float64 {
	k, err := rank(r)
	if err != nil {
		return math.NaN()
	}
	return k.averagePrecision()
}

func (k *ranking) averagePrecision() float64 {
	var area, taken, positives scalar.Sum
	k.ties(func(_, _ int, negative, positive float64) {
		taken.Add(negative)
		taken.Add(positive)
		positives.Add(positive)
		area.Add(float64(positive * (positives.Value() / taken.Value())))
	})
	if positives.Value() == 0 {
		return math.NaN()
	}
	return area.Value() / positives.Value()
}
