package metric

import (
	"cmp"
	"math"
	"slices"

	"github.com/descent-ml/descent/internal/parallel"
)

// ranked is a row where rows are sorted by z.
type ranked struct {
	z        float64
	row      int32
	positive bool // the label, beside z so that no pass jumps about in memory without weights
}

func compareRanked(a, b ranked) int {
	switch {
	case a.z > b.z:
		return -1
	case a.z < b.z:
		return 1
	}
	return cmp.Compare(a.row, b.row)
}

const (
	smallSort   = 2048 // so many are sorted by comparing
	perBucket   = 8    // rows a bucket holds where z is spread evenly
	mostBuckets = 1 << 16
)

// sortRanked sorts from the largest z (all finite) down, equal z by rows, which must ascend in the input. Rows go into buckets that cut the range
// of z into equal parts, and every bucket is sorted by itself; one that has got most of the rows, because others lie far out, in the same way.
// The order is total, so the result does not depend on the method nor on threads. scratch has the length of order.
func sortRanked(order, scratch []ranked, threads int) {
	n := len(order)
	low, high := order[0].z, order[0].z
	for i := range order {
		low, high = min(low, order[i].z), max(high, order[i].z)
	}
	if low == high {
		return
	}
	if n <= smallSort {
		slices.SortFunc(order, compareRanked)
		return
	}
	buckets := 1
	for buckets*perBucket < n && buckets < mostBuckets {
		buckets *= 2
	}
	// Halves, so that the range does not overflow. Differences and products round monotonically, so a larger z has no later bucket.
	top, scale := high/2, float64(buckets-1)/(high/2-low/2)
	if math.IsInf(scale, 0) {
		slices.SortFunc(order, compareRanked)
		return
	}
	bucket := func(z float64) int { return int(float64((top - z/2) * scale)) }

	// Counting sort, a piece of the rows by each thread: all rows of piece k stand before those of piece k+1 in a bucket.
	piece := n
	if threads != 1 {
		piece = max(parallel.Count(n, 16), smallSort)
	}
	counts := make([][]int32, parallel.Count(n, piece))
	parallel.Pieces(threads, n, piece, func(k, from, to int) {
		c := make([]int32, buckets)
		for i := from; i < to; i++ {
			c[bucket(order[i].z)]++
		}
		counts[k] = c
	})
	start := make([]int32, buckets+1)
	at := int32(0)
	for b := range buckets {
		start[b] = at
		for _, c := range counts {
			c[b], at = at, at+c[b]
		}
	}
	start[buckets] = at
	parallel.Pieces(threads, n, piece, func(k, from, to int) {
		c := counts[k]
		for i := from; i < to; i++ {
			b := bucket(order[i].z)
			scratch[c[b]] = order[i]
			c[b]++
		}
	})
	parallel.Pieces(threads, buckets, max(buckets/256, 1), func(_, first, last int) {
		for b := first; b < last; b++ {
			lo, hi := start[b], start[b+1]
			sortBucket(scratch[lo:hi], order[lo:hi])
			copy(order[lo:hi], scratch[lo:hi])
		}
	})
}

func sortBucket(rows, scratch []ranked) {
	if len(rows) > 24 {
		sortRanked(rows, scratch, 1)
		return
	}
	for i := 1; i < len(rows); i++ { // rows ascend among equal z, and insertion keeps that
		r := rows[i]
		k := i
		for ; k > 0 && rows[k-1].z < r.z; k-- {
			rows[k] = rows[k-1]
		}
		rows[k] = r
	}
}
