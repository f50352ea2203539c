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

func (e *Engine) checkColumn(pass string, c []float64) error {
	if c != nil && len(c) != e.Rows() {
		return fmt.Errorf("engine: %s: column of %d rows, there are %d", pass, len(c), e.Rows())
	}
	return nil
}

// pieceWorker runs a function with buffers of its own.
type pieceWorker func(r rows, sum []float64) error

func (f pieceWorker) run(r rows, sum []float64) error { return f(r, sum) }

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
	d, err := e.diags(ctx, 1, e.columnWeigher(c))
	if err != nil {
		return nil, err
	}
	return d[0], nil
}

// Diags is Diag for several columns of weights in one pass; weigh is as for Grams.
func (e *Engine) Diags(ctx context.Context, count int, weigh func(first int, c [][]float64)) ([][]float64, error) {
	return e.diags(ctx, count, e.givenWeigher(weigh))
}

// diags is Diag for several columns of weights in one pass.
func (e *Engine) diags(ctx context.Context, count int, newWeigher func() weigher) ([][]float64, error) {
	l := e.layout
	D, raw := len(l.Dense), l.rawSize()
	// Σ c, raw Σ c x, Σ c x² of dense columns by place and of sparse features
	size := 1 + raw + D
	if l.Sparse {
		size += l.Features
	}
	total, err := e.sums(ctx, nil, count*size, func() worker {
		weigh := newWeigher()
		c, cx, wide := make([][]float64, count), make([]float64, e.block), make([]float64, kernel.Rows)
		for q := range c {
			c[q] = make([]float64, e.block)
		}
		piece := make([][]float64, count)
		var value []float64
		return pieceWorker(func(r rows, sum []float64) error {
			for q := range c {
				piece[q] = c[q][:r.n]
			}
			if err := weigh(r, piece); err != nil {
				return err
			}
			n := padded(r.n)
			for q := range c {
				c, sum := c[q][:n], sum[q*size:][:size]
				clear(c[r.n:])
				sum[0] += e.kernels.SumRows(c)
				e.backward(r, c, sum[1:1+raw])
				square := sum[1+raw:]
				e.squares(r, c, cx[:n], wide, square[:D])
				if !l.Sparse {
					continue
				}
				for i := range r.n {
					var index []int32
					index, value = r.Entries(r.lo+i, value)
					for k, j := range index {
						square[D+int(j)] += float64(c[i] * value[k] * value[k])
					}
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	out := make([][]float64, count)
	for q := range out {
		out[q] = l.diag(total[q*size:][:size])
	}
	return out, nil
}

// squares adds Σ c x² of the dense columns, by place. cx and wide are memory for a column and a panel of it.
func (e *Engine) squares(r rows, c, cx, wide, square []float64) {
	l, d, k := e.layout, &r.dense, e.kernels
	squares(e, d.f64, r.lo, l.begin[Float64:], k.F64, c, cx, wide, square)
	squares(e, d.f32, r.lo, l.begin[Float32:], k.F32, c, cx, wide, square)
	squares(e, d.i32, r.lo, l.begin[Int32:], k.I32, c, cx, wide, square)
	squares(e, d.i16, r.lo, l.begin[Int16:], k.I16, c, cx, wide, square)
	squares(e, d.i8, r.lo, l.begin[Int8:], k.I8, c, cx, wide, square)
}

func squares[S number](e *Engine, group []S, lo int, begin []int, k kernel.Panels[float64, S], c, cx, wide, square []float64) {
	n, mul := begin[1]-begin[0], e.kernels.Map2["mul"]
	for i := range n {
		x := group[lo*n+i*kernel.Rows:]
		for p := 0; p < len(c); p += kernel.Rows {
			k.Widen(wide, x[p*n:][:kernel.Rows])
			mul(cx[p:p+kernel.Rows], c[p:p+kernel.Rows], wide)
		}
		k.Backward(square[begin[0]+i:][:1], x, n*kernel.Rows, kernel.Rows, cx)
	}
}

// diag is Σ c x̃² by feature, out of the sums of diags.
func (l *plan) diag(total []float64) []float64 {
	D, raw := len(l.Dense), l.rawSize()
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
	for q, j := range l.feature {
		out[j] = square[q]
	}
	for j := range l.Features {
		a, s := l.center(j), l.scale(j)
		v := out[j] - float64(a*first[j])
		v -= float64(a * (first[j] - float64(a*total[0])))
		out[j] = v * s * s
	}
	out[l.Features] = total[0]
	return out
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

// Weighteds is Weighted for several columns in one pass over the rows; weigh is as for Grams.
func (e *Engine) Weighteds(ctx context.Context, count int, weigh func(first int, r [][]float64)) ([][]float64, error) {
	l := e.layout
	raw := l.rawSize()
	total, err := e.sums(ctx, nil, count*(raw+1), func() worker {
		c, piece := make([][]float64, count), make([][]float64, count)
		for q := range c {
			c[q] = make([]float64, e.block)
		}
		s, x := make([]float64, count*e.block), make([]float64, gramColumns*gramRows)
		return pieceWorker(func(r rows, sum []float64) error {
			for q := range c {
				piece[q] = c[q][:r.n]
			}
			weigh(r.at(e), piece)
			n := padded(r.n)
			for q := range c {
				c := c[q][:n]
				clear(c[r.n:])
				sum[count*raw+q] += e.kernels.SumRows(c)
				for p := 0; p < n; p += kernel.Rows {
					copy(s[p*count+q*kernel.Rows:][:kernel.Rows], c[p:])
				}
			}
			e.backwardAll(r, count, s[:count*n], sum[:count*raw], x)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	out := make([][]float64, count)
	for q := range out {
		out[q] = make([]float64, l.Features+1)
		l.finish(out[q], total[q*raw:][:raw])
		out[q][l.Features] = total[count*raw+q]
	}
	return out, nil
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
	out, err := e.Linears(ctx, [][]float64{theta})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// Linears is Linear for several θ in one pass over the rows, to the same bits.
func (e *Engine) Linears(ctx context.Context, theta [][]float64) ([][]float64, error) {
	out := make([][]float64, len(theta))
	w, bias := make([]weights, len(theta)), make([]float64, len(theta))
	for q, t := range theta {
		one, b, err := e.weights("Linear", t)
		if err != nil {
			return nil, err
		}
		w[q], bias[q], out[q] = *one, b, make([]float64, e.Rows())
	}
	if len(theta) == 0 {
		return out, nil
	}
	_, err := e.pass(ctx, nil, 0, func() worker {
		all, x := make([]float64, len(theta)*e.block), make([]float64, allColumns*kernel.Rows)
		z := make([][]float64, len(theta))
		return pieceWorker(func(r rows, _ []float64) error {
			for q := range z {
				z[q] = all[q*e.block:][:padded(r.n)]
				for i := range z[q] {
					z[q][i] = bias[q]
				}
			}
			e.forwardAll(r, z, w, x)
			for q := range z {
				copy(out[q][r.at(e):], z[q][:r.n])
			}
			return nil
		})
	})
	return out, err
}

// MaxQuad is the largest ‖L⁻¹x̃‖² over the rows with s > 0 (nil: all) of this process, and the number of the first
// row that has it, counted from the start of the data: (0, -1) if there is none. chol is L, lower triangular with n+1
// rows, row-major; what is above its diagonal is not read. With L Lᵀ = H that is max x̃ᵀH⁻¹x̃. A NaN wins.
func (e *Engine) MaxQuad(ctx context.Context, chol, s []float64) (largest float64, row int, err error) {
	if err := e.checkColumn("MaxQuad", s); err != nil {
		return 0, -1, err
	}
	quads, err := e.newQuad("MaxQuad", chol)
	if err != nil {
		return 0, -1, err
	}
	row = -1
	var mu sync.Mutex
	_, err = e.pass(ctx, nil, 0, func() worker {
		of := quads.worker()
		return pieceWorker(func(r rows, _ []float64) error {
			best, at := 0.0, -1
			for p := 0; p*kernel.Rows < r.n; p++ {
				for k, v := range of(r, p)[:min(kernel.Rows, r.n-p*kernel.Rows)] {
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
