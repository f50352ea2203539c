package engine

import (
	"context"
	"fmt"

	"github.com/descent-ml/descent/internal/kernel"
)

// quadColumns of 64 rows are 16 KiB.
const quadColumns = 32

// quad computes ‖L⁻¹x̃‖² of 64 rows at once. L is lower triangular with n+1 rows, row-major.
type quad struct {
	e               *Engine
	minus, diagonal []float64 // -L below the diagonal, 64 times what is on it
}

func (e *Engine) newQuad(pass string, chol []float64) (*quad, error) {
	N := e.layout.Features + 1
	if len(chol) != N*N {
		return nil, fmt.Errorf("engine: %s: factor of %d numbers, want %d", pass, len(chol), N*N)
	}
	q := &quad{e, make([]float64, N*N), make([]float64, N*kernel.Rows)}
	for i := range N {
		for k := range kernel.Rows {
			q.diagonal[i*kernel.Rows+k] = chol[i*N+i]
		}
		for j := range i {
			q.minus[i*N+j] = -chol[i*N+j]
		}
	}
	return q, nil
}

// worker gives a function with memory of its own: the 64 values of panel p of a piece, valid until the next call.
func (q *quad) worker() func(r rows, p int) []float64 {
	e, N := q.e, q.e.layout.Features+1
	y, out, square := make([]float64, N*kernel.Rows), make([]float64, kernel.Rows), make([]float64, kernel.Rows)
	div, mul, add := e.kernels.Map2["div"], e.kernels.Map2["mul"], e.kernels.Map2["add"]
	return func(r rows, p int) []float64 {
		e.spread(r, p, y, kernel.Rows)
		one := y[(N-1)*kernel.Rows:]
		for i := range one {
			one[i] = 1
		}
		clear(out)
		// Forward substitution, 64 rows at once. What is solved is taken off all that follows, quadColumns at a
		// time, while it is in the nearest cache; every sum runs in the order of the columns.
		for from := 0; from < N; from += quadColumns {
			to := min(from+quadColumns, N)
			solved := y[from*kernel.Rows:]
			for i := from; i < N; i++ {
				yi := y[i*kernel.Rows:][:kernel.Rows]
				if i >= to {
					e.kernels.F64.Forward(yi, solved, kernel.Rows, q.minus[i*N+from:i*N+to])
					continue
				}
				e.kernels.F64.Forward(yi, solved, kernel.Rows, q.minus[i*N+from:i*N+i])
				div(yi, yi, q.diagonal[i*kernel.Rows:][:kernel.Rows])
				mul(square, yi, yi)
				add(out, out, square)
			}
		}
		return out
	}
}

// Quads is ‖L⁻¹x̃‖² of every row of this process, as MaxQuad takes chol: with L Lᵀ = H the column x̃ᵀH⁻¹x̃.
func (e *Engine) Quads(ctx context.Context, chol []float64) ([]float64, error) {
	q, err := e.newQuad("Quads", chol)
	if err != nil {
		return nil, err
	}
	out := make([]float64, e.Rows())
	_, err = e.pass(ctx, nil, 0, func() worker {
		of := q.worker()
		return pieceWorker(func(r rows, _ []float64) error {
			for p := 0; p*kernel.Rows < r.n; p++ {
				from := p * kernel.Rows
				copy(out[r.at(e)+from:][:min(kernel.Rows, r.n-from)], of(r, p))
			}
			return nil
		})
	})
	return out, err
}

// Grouped is Σ r x̃ of every group: group g of row i is of[i], 0 ≤ g < groups, and r is K columns, row i's at r[i*K:]. Of group g and
// column k the sum is at [(g*K+k)*(n+1):]. It runs on one core, in the order of the rows, over the rows of this process alone.
func (e *Engine) Grouped(ctx context.Context, r []float64, K int, of []int32, groups int) ([]float64, error) {
	if len(r) != e.Rows()*K || len(of) != e.Rows() {
		return nil, fmt.Errorf("engine: Grouped: %d numbers and %d groups for %d columns of %d rows", len(r), len(of), K, e.Rows())
	}
	N := e.layout.Features + 1
	sum := make([]float64, groups*K*N)
	y := make([]float64, N*kernel.Rows)
	x := make([]float64, N)
	for k := e.from; k < e.to; k++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b, err := e.src.Chunk(k)
		if err != nil {
			return nil, err
		}
		piece := rows{Block: &b, n: b.Rows}
		at := piece.at(e)
		for p := 0; p*kernel.Rows < b.Rows; p++ {
			e.spread(piece, p, y, kernel.Rows)
			for i := range min(kernel.Rows, b.Rows-p*kernel.Rows) {
				for j := range N - 1 {
					x[j] = y[j*kernel.Rows+i]
				}
				x[N-1] = 1
				row := at + p*kernel.Rows + i
				if g := of[row]; g < 0 || int(g) >= groups {
					return nil, fmt.Errorf("engine: Grouped: row %d is in group %d of %d", row, g, groups)
				}
				for k, c := range r[row*K : row*K+K] {
					if c == 0 {
						continue
					}
					to := sum[(int(of[row])*K+k)*N:][:N]
					for j, v := range x {
						to[j] += float64(c * v)
					}
				}
			}
		}
	}
	return sum, nil
}
