package engine

import (
	"context"
	"fmt"
	"slices"
)

// LogLossByHand is what a compiled program is measured against: one pass over the rows of this process that gives Σ L, and in grad (one a feature, then
// the bias) Σ dz·x̃ and Σ dz, for z = w·x̃ + b, L = log(1+e^z) - y z, dz = 1/(1+e^-z) - y, written out with the kernels; no graph takes part. theta is (w, b), y the input
// of that name; other inputs, such as weights, have no part in it.
func (e *Engine) LogLossByHand(ctx context.Context, theta, grad []float64) (sum float64, err error) {
	label := slices.Index(e.layout.Inputs, "y")
	if label < 0 {
		return 0, fmt.Errorf("engine: LogLossByHand: no input y")
	}
	w, bias, err := e.weights("LogLossByHand", theta)
	if err != nil {
		return 0, err
	}
	l := e.layout
	if len(grad) != l.Features+1 {
		return 0, fmt.Errorf("engine: LogLossByHand: a gradient of %d, want %d", len(grad), l.Features+1)
	}
	raw := l.rawSize()
	total, err := e.sums(ctx, nil, raw+2, func() worker {
		scratch := make([]float64, 4*e.block)
		z, y, L, dz := scratch[:e.block], scratch[e.block:2*e.block], scratch[2*e.block:3*e.block], scratch[3*e.block:]
		return pieceWorker(func(r rows, sum []float64) error {
			k := padded(r.n)
			z, y, L, dz := z[:k], y[:k], L[:k], dz[:k]
			column(y, r.Inputs[label], r.lo, r.n)
			for i := range z {
				z[i] = bias
			}
			e.forward(r, z, w)
			e.kernels.Fused[0].Run([][]float64{L, dz, nil, nil, nil}, [][]float64{z, y})
			clear(L[r.n:])
			clear(dz[r.n:])
			e.backward(r, dz, sum[:raw])
			sum[raw] += e.kernels.SumRows(dz)
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
