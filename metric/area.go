package metric

import (
	"math"
	"slices"
	"sort"

	"github.com/descent-ml/descent/internal/parallel"
	"github.com/descent-ml/descent/internal/scalar"
)

// area is ranking.auc of one class against the rest, for rows without weights, without sorting them all: the scores of the rarer side are sorted, and every other row
// finds by its bucket how many of them lie below. It adds up whole and half pairs as integers.
//
// score is (m), finite; positive says which rows are of the class. NaN if either side has no row.
func area(threads int, score []float64, positive func(row int) bool) float64 {
	m := len(score)
	pieces := parallel.Count(m, pieceRows)
	count := make([]int, pieces)
	parallel.Pieces(threads, m, pieceRows, func(piece, from, to int) {
		for i := from; i < to; i++ {
			if positive(i) {
				count[piece]++
			}
		}
	})
	positives := 0
	for _, n := range count {
		positives += n
	}
	if positives == 0 || positives == m {
		return math.NaN()
	}
	few := positives <= m-positives // which side is sorted: the class itself, or the others
	some := make([]float64, 0, min(positives, m-positives))
	for i, z := range score {
		if positive(i) == few {
			some = append(some, z)
		}
	}
	slices.Sort(some)
	find := newPlaces(some)
	parts := make([]int, pieces) // twice the area: below and not above, of every row
	parallel.Pieces(threads, m, pieceRows, func(piece, from, to int) {
		twice := 0
		for i := from; i < to; i++ {
			if positive(i) != few {
				twice += find.of(score[i])
			}
		}
		parts[piece] = twice
	})
	var below scalar.Sum // twice the pairs in which the row of the sorted side has the smaller score
	for _, n := range parts {
		below.Add(float64(n))
	}
	pairs := float64(positives) * float64(m-positives)
	if share := below.Value() / (2 * pairs); !few {
		return share
	}
	return (2*pairs - below.Value()) / (2 * pairs)
}

// places finds where a number stands among sorted ones, by buckets that cut their range into equal parts.
type places struct {
	sorted     []float64
	start      []int32 // of every bucket, and the end
	top, scale float64 // of half of a number: halves do not overflow together
}

func newPlaces(sorted []float64) *places {
	buckets := 1
	for buckets < len(sorted) && buckets < mostBuckets {
		buckets *= 2
	}
	low, high := sorted[0], sorted[len(sorted)-1]
	p := &places{sorted: sorted, start: make([]int32, buckets+1), top: low / 2, scale: float64(buckets) / (high/2 - low/2)}
	if math.IsInf(p.scale, 0) || math.IsNaN(p.scale) { // the range is nothing, or nearly
		p.scale = 0
	}
	at := 0
	for b := range buckets {
		for at < len(sorted) && p.bucket(sorted[at]) < b {
			at++
		}
		p.start[b] = int32(at)
	}
	p.start[buckets] = int32(len(sorted))
	return p
}

// bucket rises with z: differences and products round monotonically.
func (p *places) bucket(z float64) int {
	b := (z/2 - p.top) * p.scale
	if !(b > 0) {
		return 0
	}
	return int(min(b, float64(len(p.start)-2)))
}

// of is how many of the numbers lie below z, and how many not above it, added up.
func (p *places) of(z float64) int {
	b := p.bucket(z)
	from, to := int(p.start[b]), int(p.start[b+1])
	if to-from > 16 {
		from += sort.SearchFloat64s(p.sorted[from:to], z)
	} else {
		for from < to && p.sorted[from] < z {
			from++
		}
	}
	below := from
	if from < to && p.sorted[from] == z {
		if to-from > 16 {
			from += sort.Search(to-from, func(i int) bool { return p.sorted[from+i] > z })
		} else {
			for from < to && p.sorted[from] == z {
				from++
			}
		}
	}
	return below + from
}
