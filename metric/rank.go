package metric

import (
	"math"
	"sort"

	"github.com/descent-ml/descent/internal/parallel"
	"github.com/descent-ml/descent/internal/scalar"
)

// pieceRows is the number of rows that are added up by themselves. It is fixed, so that sums have the same bits on any number of threads.
const pieceRows = 8192

// ranking is the rows with weight, from the largest z down, equal z in the order of the rows, and how they fall into pieces of whole groups
// of equal z.
type ranking struct {
	threads int
	weights []float64 // by row; nil for ones
	order   []ranked
	pieces  []rankPiece
	// The weight of each label.
	negatives, positives float64
}

// rankPiece is order[from:to], with the weights of the rows before it.
type rankPiece struct {
	from, to             int
	negatives, positives float64
}

// rank sorts the m rows of z.
func rank(threads int, z []float64, positive func(row int) bool, weights []float64) (*ranking, error) {
	m := len(z)
	if m > math.MaxInt32 {
		return nil, errTooManyRows
	}
	k := &ranking{threads: threads, weights: weights, order: make([]ranked, m)}
	parallel.Pieces(threads, m, pieceRows, func(_, from, to int) {
		for i := from; i < to; i++ {
			k.order[i] = ranked{z[i], int32(i), positive(i)}
		}
	})
	if weights != nil {
		kept := k.order[:0]
		for i := range k.order {
			if weights[i] > 0 {
				kept = append(kept, k.order[i])
			}
		}
		k.order = kept
	}
	if len(k.order) > 0 {
		sortRanked(k.order, make([]ranked, len(k.order)), threads)
	}
	k.cut()
	return k, nil
}

func (r Rows) rank() (*ranking, error) {
	by := r.LogOdds
	if r.Probability != nil {
		by = r.Probability
	}
	return rank(r.Threads, by, func(row int) bool { return r.Label[row] == 1 }, r.Weight)
}

func (k *ranking) weight(row int32) float64 {
	if k.weights == nil {
		return 1
	}
	return k.weights[row]
}

// cut makes the pieces.
func (k *ranking) cut() {
	m := len(k.order)
	for from := 0; from < m; {
		to := from + pieceRows
		if to >= m {
			to = m
		} else if z := k.order[to-1].z; k.order[to].z == z {
			to += sort.Search(m-to, func(i int) bool { return k.order[to+i].z < z })
		}
		k.pieces = append(k.pieces, rankPiece{from: from, to: to})
		from = to
	}
	sums := make([][2]scalar.Sum, len(k.pieces))
	k.each(func(i int, p *rankPiece) {
		k.ties(p, func(_, _ int, negative, positive float64) {
			sums[i][0].Add(negative)
			sums[i][1].Add(positive)
		})
	})
	var negatives, positives scalar.Sum
	for i := range k.pieces {
		p := &k.pieces[i]
		p.negatives, p.positives = negatives.Value(), positives.Value()
		negatives.Add(sums[i][0].Value())
		positives.Add(sums[i][1].Value())
	}
	k.negatives, k.positives = negatives.Value(), positives.Value()
}

// each calls f for every piece, several at once.
func (k *ranking) each(f func(i int, p *rankPiece)) {
	parallel.Pieces(k.threads, len(k.pieces), 1, func(i, _, _ int) { f(i, &k.pieces[i]) })
}

// sum adds what f gives for every piece, in their order.
func (k *ranking) sum(f func(p *rankPiece) float64) float64 {
	parts := make([]float64, len(k.pieces))
	k.each(func(i int, p *rankPiece) { parts[i] = f(p) })
	var total scalar.Sum
	for _, v := range parts {
		total.Add(v)
	}
	return total.Value()
}

// ties calls f for every group order[from:to] of equal z in the piece, with the group's weight of label 0 and of label 1.
func (k *ranking) ties(p *rankPiece, f func(from, to int, negative, positive float64)) {
	order := k.order[:p.to]
	for from := p.from; from < len(order); {
		z, to := order[from].z, from
		if k.weights == nil {
			positives := 0
			for ; to < len(order) && order[to].z == z; to++ {
				if order[to].positive {
					positives++
				}
			}
			f(from, to, float64(to-from-positives), float64(positives))
		} else {
			var negative, positive scalar.Sum
			for ; to < len(order) && order[to].z == z; to++ {
				if s := k.weights[order[to].row]; order[to].positive {
					positive.Add(s)
				} else {
					negative.Add(s)
				}
			}
			f(from, to, negative.Value(), positive.Value())
		}
		from = to
	}
}

// auc is the area under the ROC curve: the chance that a random positive row has a larger z than a random
// negative one, ties counting one half (Mann and Whitney 1947), rows drawn by weight. NaN if a class has no
// weight.
func (k *ranking) auc() float64 {
	if k.negatives == 0 || k.positives == 0 {
		return math.NaN()
	}
	area := k.sum(func(p *rankPiece) float64 {
		var area, positives scalar.Sum // positives: the weight seen so far
		positives.Add(p.positives)
		k.ties(p, func(_, _ int, negative, positive float64) {
			area.Add(float64(negative * (positives.Value() + positive/2)))
			positives.Add(positive)
		})
		return area.Value()
	})
	return area / k.negatives / k.positives
}

// averagePrecision is Σ over the distinct z, from the largest down, of precision times the rise in recall, both of
// the decision "z and above" (scikit-learn's average_precision_score; no interpolation). NaN if the positives
// have no weight.
func (k *ranking) averagePrecision() float64 {
	if k.positives == 0 {
		return math.NaN()
	}
	area := k.sum(func(p *rankPiece) float64 {
		var area, taken, positives scalar.Sum
		taken.Add(p.negatives)
		taken.Add(p.positives)
		positives.Add(p.positives)
		k.ties(p, func(_, _ int, negative, positive float64) {
			taken.Add(negative)
			taken.Add(positive)
			positives.Add(positive)
			if positive > 0 {
				area.Add(float64(positive * (positives.Value() / taken.Value())))
			}
		})
		return area.Value()
	})
	return area / k.positives
}
