// Package parallel runs pieces of work on several cores. What a piece is depends on the work alone, so that results put together in the
// order of the pieces have the same bits on any number of threads.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Pieces calls f for every piece of 0 … n-1: piece k is from = k·size to min(from+size, n). Pieces run on the given number of threads (0: as
// many as Go runs at once), in any order, each once; Pieces returns when all have. size must be positive.
func Pieces(threads, n, size int, f func(piece, from, to int)) {
	count := Count(n, size)
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	threads = min(threads, count)
	if threads <= 1 {
		for k := range count {
			f(k, k*size, min((k+1)*size, n))
		}
		return
	}
	var next atomic.Int64
	work := func() {
		for {
			k := int(next.Add(1) - 1)
			if k >= count {
				return
			}
			f(k, k*size, min((k+1)*size, n))
		}
	}
	var wg sync.WaitGroup
	for range threads - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}

// Count is the number of pieces of Pieces.
func Count(n, size int) int { return (n + size - 1) / size }
