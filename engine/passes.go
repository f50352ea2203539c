package engine

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/descent-ml/descent/internal/kernel"
)

// The named passes. In all of them x̃ = (x_0 … x_{n-1}, 1), the features as the model sees them (centred and scaled)
// and a one for the bias; θ and results are in that order; c is a column, one number for every row of this process,
// or nil for ones. Rows where c is 0 do not count, provided the stored values are finite. Sums are the same bits
// whatever the number of threads or processes. Without rows, sums are 0.

// maxGram bounds the features of Gram: its sum has (n+1)² components.
const maxGram = 16384

func (e *Engine) checkColumn(pass string, c []float64) error {
	if c != nil && len(c) != e.Rows() {
		return fmt.Errorf("engine: %s: column of %d rows, there are %d", pass, len(c), e.Rows())
	}
	return nil
}

// pieceWorker runs a function with buffers of its own.
type pieceWorker func(r rows, sum []float64) error

func (f pieceWorker) run(r rows, sum []float64) error { return f(r, sum) }

// Gram is Σ c x̃ x̃ᵀ, (n+1)² numbers, row-major, over all chunks or the given ones (ascending).
func (e *Engine) Gram(ctx context.Context, c []float64, chunks []int) ([]float64, error) {
	if err := e.checkColumn("Gram", c); err != nil {
		return nil, err
	}
	l := e.layout
	if l.Features > maxGram {
		return nil, fmt.Errorf("engine: Gram of %d features: more than %d", l.Features, maxGram)
	}
	n, N, D := l.Features, l.Features+1, len(l.Dense)
	G, err := e.sums(ctx, chunks, N*N, func() worker {
		cc, cx := make([]float64, e.block), make([]float64, e.block)
		// Every pair of features is added up in one of its two places.
		return pieceWorker(func(r rows, G []float64) error {
			cc, cx := cc[:padded(r.n)], cx[:padded(r.n)]
			column(cc, c, r.at(e), r.n)
			G[N*N-1] += e.kernels.SumRows(cc)
			panels := len(cc) / kernel.Rows
			x := r.panels(D)
			for d, i := range l.Dense {
				for p := range panels {
					e.kernels.Map2["mul"](cx[p*kernel.Rows:][:kernel.Rows], cc[p*kernel.Rows:][:kernel.Rows], x[(p*D+d)*kernel.Rows:][:kernel.Rows])
				}
				row := G[i*N : i*N+N]
				row[n] += e.kernels.SumRows(cx)
				for d2 := d; d2 < D; d2++ {
					row[l.Dense[d2]] += e.kernels.Gram(cx, kernel.Rows, x[d2*kernel.Rows:], D*kernel.Rows, panels)
				}
				for k, c := range l.Codes {
					kernel.Scatter(row[c.First:][:c.Levels], r.Codes[k][r.lo:r.lo+r.n], cx)
				}
				if l.Sparse {
					kernel.SparseBackward(row[:n], r.Start[r.lo:r.lo+r.n+1], r.Index, r.Value, cx)
				}
			}
			for k, a := range l.Codes {
				codes := r.Codes[k][r.lo : r.lo+r.n]
				kernel.Scatter(G[n*N+a.First:][:a.Levels], codes, cc)
				for i, v := range codes {
					if v < 0 {
						continue
					}
					at := a.First + int(v)
					row := G[at*N : at*N+N]
					row[at] += cc[i]
					for k2 := k + 1; k2 < len(l.Codes); k2++ {
						if v := r.Codes[k2][r.lo+i]; v >= 0 {
							row[l.Codes[k2].First+int(v)] += cc[i]
						}
					}
					if l.Sparse {
						for q := r.Start[r.lo+i]; q < r.Start[r.lo+i+1]; q++ {
							row[r.Index[q]] += float64(cc[i] * r.Value[q])
						}
					}
				}
			}
			if l.Sparse {
				kernel.SparseBackward(G[n*N:][:n], r.Start[r.lo:r.lo+r.n+1], r.Index, r.Value, cc)
				for i := range r.n {
					index, value := r.Index[r.Start[r.lo+i]:r.Start[r.lo+i+1]], r.Value[r.Start[r.lo+i]:r.Start[r.lo+i+1]]
					for a, j := range index {
						t := cc[i] * value[a]
						row := G[int(j)*N : int(j)*N+N]
						for b := a; b < len(index); b++ {
							row[index[b]] += float64(t * value[b])
						}
					}
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	for i := range N {
		for j := range i {
			v := G[i*N+j] + G[j*N+i]
			G[i*N+j], G[j*N+i] = v, v
		}
	}
	l.standardise(G)
	return G, nil
}

// standardise turns a matrix Σ c x̃ x̃ᵀ of stored values into that of centred and scaled ones.
func (l *Layout) standardise(G []float64) {
	if l.Center == nil && l.Scale == nil {
		return
	}
	n, N := l.Features, l.Features+1
	sum := append([]float64(nil), G[n*N:]...) // Σ c x_j, Σ c
	for i := range n {
		a, s := l.center(i), l.scale(i)
		for j := range i + 1 {
			v := G[i*N+j] - float64(a*sum[j])
			v -= float64(l.center(j) * (sum[i] - float64(a*sum[n])))
			v *= s * l.scale(j)
			G[i*N+j], G[j*N+i] = v, v
		}
		v := (sum[i] - float64(a*sum[n])) * s
		G[n*N+i], G[i*N+n] = v, v
	}
}

// Diag is the diagonal of Gram, Σ c x̃², n+1 numbers.
func (e *Engine) Diag(ctx context.Context, c []float64) ([]float64, error) {
	if err := e.checkColumn("Diag", c); err != nil {
		return nil, err
	}
	l := e.layout
	D, raw := len(l.Dense), l.rawSize()
	// Σ c, raw Σ c x, Σ c x² of dense columns and of sparse features
	size := 1 + raw + D
	if l.Sparse {
		size += l.Features
	}
	total, err := e.sums(ctx, nil, size, func() worker {
		cc, cx := make([]float64, e.block), make([]float64, e.block)
		return pieceWorker(func(r rows, sum []float64) error {
			cc, cx := cc[:padded(r.n)], cx[:padded(r.n)]
			column(cc, c, r.at(e), r.n)
			sum[0] += e.kernels.SumRows(cc)
			e.backward(r, cc, sum[1:1+raw])
			square := sum[1+raw:]
			x := r.panels(D)
			panels := len(cc) / kernel.Rows
			for d := range D {
				for p := range panels {
					e.kernels.Map2["mul"](cx[p*kernel.Rows:][:kernel.Rows], cc[p*kernel.Rows:][:kernel.Rows], x[(p*D+d)*kernel.Rows:][:kernel.Rows])
				}
				square[d] += e.kernels.Gram(cx, kernel.Rows, x[d*kernel.Rows:], D*kernel.Rows, panels)
			}
			if l.Sparse {
				for i := range r.n {
					for k := r.Start[r.lo+i]; k < r.Start[r.lo+i+1]; k++ {
						square[D+int(r.Index[k])] += float64(cc[i] * r.Value[k] * r.Value[k])
					}
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	out, first := make([]float64, l.Features+1), make([]float64, l.Features)
	l.unraw(first, total[1:1+raw])
	square := total[1+raw:]
	copy(out, first) // a level's square is itself
	if l.Sparse {
		for j, v := range square[D:] {
			if !l.inCodes(j) {
				out[j] = v
			}
		}
	}
	for d, j := range l.Dense {
		out[j] = square[d]
	}
	for j := range l.Features {
		a, s := l.center(j), l.scale(j)
		v := out[j] - float64(a*first[j])
		v -= float64(a * (first[j] - float64(a*total[0])))
		out[j] = v * s * s
	}
	out[l.Features] = total[0]
	return out, nil
}

func (l *Layout) inCodes(j int) bool {
	for _, c := range l.Codes {
		if j >= c.First && j < c.First+c.Levels {
			return true
		}
	}
	return false
}

// Product is Σ c x̃ (x̃·v).
func (e *Engine) Product(ctx context.Context, c, v []float64) ([]float64, error) {
	if err := e.checkColumn("Product", c); err != nil {
		return nil, err
	}
	w, bias, err := e.weights("Product", v)
	if err != nil {
		return nil, err
	}
	return e.weighted(ctx, func(r rows, s []float64, scratch []float64) {
		column(s, c, r.at(e), r.n)
		for i := range scratch {
			scratch[i] = bias
		}
		e.forward(r, scratch, w)
		e.kernels.Map2["mask"](s, scratch, s)
	})
}

// Weighted is Σ r x̃ for a column r (nil: ones).
func (e *Engine) Weighted(ctx context.Context, r []float64) ([]float64, error) {
	if err := e.checkColumn("Weighted", r); err != nil {
		return nil, err
	}
	return e.weighted(ctx, func(p rows, s, _ []float64) { column(s, r, p.at(e), p.n) })
}

// weighted is Σ s x̃ where fill gives s for a piece, zero after its last row.
func (e *Engine) weighted(ctx context.Context, fill func(r rows, s, scratch []float64)) ([]float64, error) {
	l := e.layout
	raw := l.rawSize()
	total, err := e.sums(ctx, nil, raw+1, func() worker {
		s, scratch := make([]float64, e.block), make([]float64, e.block)
		return pieceWorker(func(r rows, sum []float64) error {
			k := padded(r.n)
			fill(r, s[:k], scratch[:k])
			e.backward(r, s[:k], sum[:raw])
			sum[raw] += e.kernels.SumRows(s[:k])
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	out := make([]float64, l.Features+1)
	l.finish(out, total[:raw])
	out[l.Features] = total[raw]
	return out, nil
}

// weights splits θ = (w, b) and readies w; the bias takes the shift of the centres.
func (e *Engine) weights(pass string, theta []float64) (*weights, float64, error) {
	n := e.layout.Features
	if len(theta) != n+1 {
		return nil, 0, fmt.Errorf("engine: %s: %d weights, want %d and a bias", pass, len(theta), n)
	}
	w := new(weights)
	e.layout.set(w, theta[:n])
	return w, theta[n] + w.shift, nil
}

// Linear is the column x̃·θ, one number for every row of this process.
func (e *Engine) Linear(ctx context.Context, theta []float64) ([]float64, error) {
	out := make([]float64, e.Rows())
	return out, e.linear(ctx, theta, out)
}

func (e *Engine) linear(ctx context.Context, theta, out []float64) error {
	w, bias, err := e.weights("Linear", theta)
	if err != nil {
		return err
	}
	_, err = e.pass(ctx, nil, 0, func() worker {
		z := make([]float64, e.block)
		return pieceWorker(func(r rows, _ []float64) error {
			z := z[:padded(r.n)]
			for i := range z {
				z[i] = bias
			}
			e.forward(r, z, w)
			copy(out[r.at(e):], z[:r.n])
			return nil
		})
	})
	return err
}

// MaxQuad is the largest ‖L⁻¹x̃‖² over the rows with s > 0 (nil: all) of this process, and the number of the first
// row that has it, counted from the start of the data: (0, -1) if there is none. chol is L, lower triangular with n+1
// rows, row-major; what is above its diagonal is not read. With L Lᵀ = H that is max x̃ᵀH⁻¹x̃. A NaN wins.
func (e *Engine) MaxQuad(ctx context.Context, chol, s []float64) (largest float64, row int, err error) {
	if err := e.checkColumn("MaxQuad", s); err != nil {
		return 0, -1, err
	}
	n, N := e.layout.Features, e.layout.Features+1
	if len(chol) != N*N {
		return 0, -1, fmt.Errorf("engine: MaxQuad: factor of %d numbers, want %d", len(chol), N*N)
	}
	minus := make([]float64, N*N)
	for i := range N {
		for j := range i {
			minus[i*N+j] = -chol[i*N+j]
		}
	}
	row = -1
	var mu sync.Mutex
	_, err = e.pass(ctx, nil, 0, func() worker {
		y := make([]float64, N*kernel.Rows)
		return pieceWorker(func(r rows, _ []float64) error {
			best, at := 0.0, -1
			for p := 0; p*kernel.Rows < r.n; p++ {
				e.spread(r, p, y, kernel.Rows)
				one := y[n*kernel.Rows:]
				for i := range one {
					one[i] = 1
				}
				var q [kernel.Rows]float64
				for i := range N { // forward substitution, 64 rows at once
					yi := y[i*kernel.Rows:][:kernel.Rows]
					e.kernels.F64.Forward(yi, y, kernel.Rows, minus[i*N:i*N+i])
					d := chol[i*N+i]
					for k := range yi {
						yi[k] /= d
						q[k] += float64(yi[k] * yi[k])
					}
				}
				for k, v := range q[:min(kernel.Rows, r.n-p*kernel.Rows)] {
					if s != nil && !(s[r.at(e)+p*kernel.Rows+k] > 0) {
						continue
					}
					if at < 0 || v > best || v != v && best == best {
						best, at = v, r.First+r.lo+p*kernel.Rows+k
					}
				}
			}
			if at < 0 {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case row < 0, best > largest, math.IsNaN(best) && !math.IsNaN(largest):
				largest, row = best, at
			case at < row && (best == largest || math.IsNaN(best)):
				largest, row = best, at
			}
			return nil
		})
	})
	if err != nil {
		return 0, -1, err
	}
	return largest, row, nil
}
