package proof

import (
	"github.com/descent-ml/descent/internal/parallel"
	"github.com/descent-ml/descent/internal/scalar"
)

// rowsAtOnce is the number of rows whose sums are made by one thread. It is fixed, so that the bits do not depend on the threads.
const rowsAtOnce = 8192

// sum calls add for all rows, a piece at a time and on all threads, and adds up k compensated sums of the pieces in their order.
func (p *Problem) sum(rows, k int, add func(lo, hi int, sums []scalar.Sum)) []float64 {
	pieces := parallel.Count(rows, rowsAtOnce)
	all := make([]scalar.Sum, pieces*k)
	parallel.Pieces(p.Threads, rows, rowsAtOnce, func(i, lo, hi int) { add(lo, hi, all[i*k:(i+1)*k]) })
	out := make([]float64, k)
	for j := range out {
		var total scalar.Sum
		for i := range pieces {
			total.Join(all[i*k+j])
		}
		out[j] = total.Value()
	}
	return out
}

// each calls do for the numbers below count, on all threads.
func (p *Problem) each(count int, do func(i int)) {
	parallel.Pieces(p.Threads, count, 1, func(i, _, _ int) { do(i) })
}
