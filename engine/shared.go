package engine

import "context"

// Shared writes to h what the linear heads have in common of H: (1/m) Σ c x̃x̃ᵀ without the penalty, c the mean over the heads of the second derivative
// in each, (n+1)² numbers, row-major, estimated from the given chunks of rows (ascending; nil: all).
func (b *Objective) Shared(ctx context.Context, chunks []int, h []float64) error {
	values, err := b.ready(ctx)
	if err != nil {
		return err
	}
	if b.head == nil {
		return ErrNoCurvature
	}
	scale, err := b.partScale(chunks)
	if err != nil {
		return err
	}
	K := len(b.curv)
	scale /= b.m
	pairs := make([][2]int, K)
	for k := range pairs {
		pairs[k] = [2]int{k, k}
	}
	weigh, err := b.pairWeigher(values, pairs)
	if err != nil {
		return err
	}
	mean := func() weigher {
		each, of := weigh(), make([][]float64, K)
		return func(r rows, c [][]float64) error {
			for k := range of {
				of[k] = grown(of[k], len(c[0]))
			}
			if err := each(r, of); err != nil {
				return err
			}
			clear(c[0])
			for _, v := range of {
				for i, x := range v {
					c[0][i] += x
				}
			}
			return nil
		}
	}
	return b.e.grams(ctx, 1, mean, chunks, func(_ int, G []float64) {
		for i, v := range G {
			h[i] = v * scale / float64(K)
		}
	})
}

// grown is v with n numbers.
func grown(v []float64, n int) []float64 {
	if cap(v) < n {
		return make([]float64, n)
	}
	return v[:n]
}
