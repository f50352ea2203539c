package proof

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/descent-ml/descent/internal/scalar"
)

// rowsAtOnce is the number of rows whose sums are made by one thread. It is fixed, so that the bits do not depend on the threads.
const rowsAtOnce = 8192

// sum calls add for all rows, a piece at a time and on all threads, and adds up k compensated sums of the pieces in their order.
func (p *Problem) sum(rows, k int, add func(lo, hi int, sums []scalar.Sum)) []float64 {
	pieces := (rows + rowsAtOnce - 1) / rowsAtOnce
	all := make([]scalar.Sum, pieces*k)
	p.each(pieces, func(i int) { add(i*rowsAtOnce, min((i+1)*rowsAtOnce, rows), all[i*k:(i+1)*k]) })
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
	threads := p.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < count; i = int(next.Add(1)) - 1 {
			do(i)
		}
	}
	var wg sync.WaitGroup
	for range min(threads, count) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
