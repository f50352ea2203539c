package encode

import (
	"slices"
	"sync/atomic"

	"github.com/descent-ml/descent/internal/parallel"
)

// pieceRows is how many rows are looked at by themselves, and blockRows how many numbers are read at once. Both are fixed: sums over pieces have
// the same bits on any number of threads.
const (
	pieceRows = 16384
	blockRows = 1024
)

// run is rows first, first+1 … in ascending order, where they have no gaps.
func run(rows []int) (first int, ok bool) {
	if len(rows) == 0 {
		return 0, false
	}
	return rows[0], rows[len(rows)-1]-rows[0] == len(rows)-1
}

// numbers reads the numbers of some rows (ascending) of a column, scaled to integers or as they are.
type numbers struct {
	of     source
	rows   []int
	scaled bool
}

func (n numbers) span(out []float64, from int) {
	if n.scaled {
		n.of.ReadScaled(out, from)
	} else {
		n.of.Read(out, from)
	}
}

// Read fills out with the numbers of rows[from], rows[from+1] …, NaN where one is missing.
func (n numbers) Read(out []float64, from int) { readRows(out, n.rows[from:from+len(out)], n.span) }

// readRows fills out with what stands in the given rows (ascending); span gives that of consecutive ones.
func readRows[T any](out []T, rows []int, span func(out []T, first int)) {
	if first, ok := run(rows); ok {
		span(out, first)
		return
	}
	// Rows that lie close are picked from a stretch that holds them all.
	var stretch [blockRows]T
	for at := 0; at < len(rows); {
		first := rows[at]
		end := at + 1
		for end < len(rows) && rows[end]-first < blockRows {
			end++
		}
		if width := rows[end-1] - first + 1; width <= 16*(end-at) {
			span(stretch[:width], first)
			for i := at; i < end; i++ {
				out[i] = stretch[rows[i]-first]
			}
		} else {
			for i := at; i < end; i++ {
				span(out[i:i+1], rows[i])
			}
		}
		at = end
	}
}

// blocks calls f for the numbers of rows from … to-1, a block at a time. values may be changed.
func (n numbers) blocks(from, to int, f func(at int, values []float64)) {
	var buffer [blockRows]float64
	for at := from; at < to; at += blockRows {
		values := buffer[:min(blockRows, to-at)]
		n.Read(values, at)
		f(at, values)
	}
}

// every says whether ok holds for all numbers; missing ones come as NaN.
func (n numbers) every(ok func(v float64) bool) bool {
	var failed atomic.Bool
	parallel.Pieces(0, len(n.rows), pieceRows, func(_, from, to int) {
		if failed.Load() {
			return
		}
		n.blocks(from, to, func(_ int, values []float64) {
			if !failed.Load() && slices.ContainsFunc(values, func(v float64) bool { return !ok(v) }) {
				failed.Store(true)
			}
		})
	})
	return !failed.Load()
}
