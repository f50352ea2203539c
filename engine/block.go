package engine

import (
	"context"
	"fmt"

	"github.com/descent-ml/descent/internal/kernel"
)

// Block is the part of Gram that belongs to the features listed in of (ascending, n for the bias): Σ c x̃_i x̃_j, len(of)² numbers, row-major.
func (e *Engine) Block(ctx context.Context, c []float64, of []int) ([]float64, error) {
	if err := e.checkColumn("Block", c); err != nil {
		return nil, err
	}
	l := e.layout
	n, q := l.Features, len(of)
	place, err := l.places("Block", of)
	if err != nil {
		return nil, err
	}
	var dense [][2]int // stored place and place asked for
	for d, j := range l.feature {
		if p := place[j]; p >= 0 {
			dense = append(dense, [2]int{d, int(p)})
		}
	}
	// The sum has Q = q+1 rows and columns; the last is Σ c x̃ and Σ c. Of every pair one place or the other is added to.
	Q := q + 1
	G, err := e.sums(ctx, nil, Q*Q, func() worker {
		w := &blockWorker{e: e, c: c, place: place, dense: dense, Q: Q, cc: make([]float64, e.block), cx: make([]float64, e.block)}
		if len(dense) > 0 {
			w.x = e.wide(e.block)
		}
		return w
	})
	if err != nil {
		return nil, err
	}
	for i := range Q {
		for j := range i {
			v := G[i*Q+j] + G[j*Q+i]
			G[i*Q+j], G[j*Q+i] = v, v
		}
	}
	sum := append([]float64(nil), G[q*Q:]...)
	unit := func(i int) (sum1, center, scale float64) {
		if of[i] == n {
			return sum[q], 0, 1
		}
		return sum[i], l.center(of[i]), l.scale(of[i])
	}
	out := make([]float64, q*q)
	for i := range q {
		si, ai, fi := unit(i)
		for j := range q {
			sj, aj, fj := unit(j)
			v := G[i*Q+j]
			switch {
			case of[i] == n && of[j] == n:
				v = sum[q]
			case of[i] == n:
				v = sj
			case of[j] == n:
				v = si
			}
			v -= float64(ai * sj)
			v -= float64(aj * (si - float64(ai*sum[q])))
			out[i*q+j] = v * fi * fj
		}
	}
	return out, nil
}

type blockWorker struct {
	e      *Engine
	c      []float64
	place  []int32
	dense  [][2]int
	Q      int
	cc, cx []float64
	x      []float64
	value  []float64
	asked  []asked
}

func (w *blockWorker) run(r rows, G []float64) error {
	e, l, Q := w.e, w.e.layout, w.Q
	D := len(l.Dense)
	cc, cx := w.cc[:padded(r.n)], w.cx[:padded(r.n)]
	column(cc, w.c, r.at(e), r.n)
	panels := len(cc) / kernel.Rows
	G[Q*Q-1] += e.kernels.SumRows(cc)
	var x []float64
	if len(w.dense) > 0 {
		x = e.widened(r, w.x)
	}
	for i, d := range w.dense {
		for p := range panels {
			e.kernels.Map2["mul"](cx[p*kernel.Rows:][:kernel.Rows], cc[p*kernel.Rows:][:kernel.Rows], x[(p*D+d[0])*kernel.Rows:][:kernel.Rows])
		}
		row := G[d[1]*Q:][:Q]
		row[Q-1] += e.kernels.SumRows(cx)
		for _, d2 := range w.dense[i:] {
			row[d2[1]] += e.kernels.Gram(cx, kernel.Rows, x[d2[0]*kernel.Rows:], D*kernel.Rows, panels)
		}
	}
	if len(l.Codes) == 0 && !l.Sparse {
		return nil
	}
	for i := range r.n {
		t := cc[i]
		list := w.asked[:0]
		for k, c := range l.Codes {
			if v := r.Codes[k][r.lo+i]; v >= 0 {
				if p := w.place[c.First+int(v)]; p >= 0 {
					list = append(list, asked{int(p), 1})
				}
			}
		}
		if l.Sparse {
			var index []int32
			index, w.value = r.Entries(r.lo+i, w.value)
			for s, j := range index {
				if p := w.place[j]; p >= 0 {
					list = append(list, asked{int(p), w.value[s]})
				}
			}
		}
		for a, v := range list {
			row, s := G[v.at*Q:][:Q], t*v.value
			row[Q-1] += s
			for _, u := range list[a:] {
				row[u.at] += float64(s * u.value)
			}
			for _, d := range w.dense {
				row[d[1]] += float64(s * x[(i/kernel.Rows*D+d[0])*kernel.Rows+i%kernel.Rows])
			}
		}
		w.asked = list
	}
	return nil
}

// Block writes H among the components of θ listed in of (ascending) to h, len(of)² numbers, row-major. It is offered where Border is.
func (b *Objective) Block(ctx context.Context, of []int, h []float64) error {
	size, q := b.Size(), len(of)
	if len(h) != q*q {
		return fmt.Errorf("engine: Block of %d numbers, want %d", len(h), q*q)
	}
	values, err := b.ready(ctx)
	if err != nil {
		return err
	}
	if !b.Bordered() || b.o.Mask.Chunks != nil {
		return ErrNoCurvature
	}
	feature, sorted, place, err := b.features("Block", of)
	if err != nil {
		return err
	}
	G, err := b.e.Block(ctx, b.curvature(), sorted)
	if err != nil {
		return err
	}
	penalty := make([]float64, size)
	if err := b.penaltyDiagonal(values, penalty); err != nil {
		return err
	}
	for i, k := range of {
		for j, l := range of {
			h[i*q+j] = G[place[feature[k]]*q+place[feature[l]]] / b.m
		}
		h[i*q+i] += penalty[k]
	}
	return nil
}
