package engine

import (
	"context"
	"fmt"
)

// Between is one pass over the rows of this process with the caller's own function between forward and backward; no graph takes part, so a compiled
// program can be measured against it. each gets z = w·x̃ + b of the rows first, first+1, …, theta being (w, b), and writes L and r of every one of them. It
// is called from several goroutines at a time. Between gives Σ L, and in grad (one a feature, then the bias) Σ r x̃ and Σ r.
func (e *Engine) Between(ctx context.Context, theta []float64, each func(first int, z, L, r []float64), grad []float64) (sum float64, err error) {
	w, bias, err := e.weights("Between", theta)
	if err != nil {
		return 0, err
	}
	l := e.layout
	if len(grad) != l.Features+1 {
		return 0, fmt.Errorf("engine: Between: a gradient of %d, want %d", len(grad), l.Features+1)
	}
	raw := l.rawSize()
	total, err := e.sums(ctx, nil, raw+2, func() worker {
		scratch := make([]float64, 3*e.block)
		z, L, s := scratch[:e.block], scratch[e.block:2*e.block], scratch[2*e.block:]
		return pieceWorker(func(r rows, sum []float64) error {
			n := padded(r.n)
			z, L, s := z[:n], L[:n], s[:n]
			for i := range z {
				z[i] = bias
			}
			e.forward(r, z, w)
			each(r.at(e), z[:r.n], L[:r.n], s[:r.n])
			clear(L[r.n:])
			clear(s[r.n:])
			e.backward(r, s, sum[:raw])
			sum[raw] += e.kernels.SumRows(s)
			sum[raw+1] += e.kernels.SumRows(L)
			return nil
		})
	})
	if err != nil {
		return 0, err
	}
	l.finish(grad, total[:raw])
	grad[l.Features] = total[raw]
	return total[raw+1], nil
}
