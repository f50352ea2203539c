package parallel

import (
	"sync/atomic"
	"testing"
)

func TestPieces(t *testing.T) {
	for _, threads := range []int{0, 1, 2, 3, 8} {
		for _, n := range []int{0, 1, 7, 8, 9, 100} {
			seen := make([]atomic.Int32, n)
			pieces := make([]atomic.Int32, Count(n, 8))
			Pieces(threads, n, 8, func(k, from, to int) {
				pieces[k].Add(1)
				if from != 8*k || to <= from || to > n || to-from > 8 {
					t.Errorf("%d threads, %d: piece %d is %d to %d", threads, n, k, from, to)
				}
				for i := from; i < to; i++ {
					seen[i].Add(1)
				}
			})
			for i := range seen {
				if seen[i].Load() != 1 {
					t.Errorf("%d threads, %d: item %d ran %d times", threads, n, i, seen[i].Load())
				}
			}
			for k := range pieces {
				if pieces[k].Load() != 1 {
					t.Errorf("%d threads, %d: piece %d ran %d times", threads, n, k, pieces[k].Load())
				}
			}
		}
	}
}
