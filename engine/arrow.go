package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/descent-ml/descent/internal/kernel"
)

// Border is some rows of Gram and its diagonal: Σ c x̃_i x̃_j for the features i listed in of (ascending, n for the bias), a row of n+1
// numbers for each, and after them the row Σ c x̃_j². chunks are as for Gram.
func (e *Engine) Border(ctx context.Context, c []float64, of, chunks []int) ([]float64, error) {
	if err := e.checkColumn("Border", c); err != nil {
		return nil, err
	}
	l := e.layout
	n, N, q := l.Features, l.Features+1, len(of)
	place, err := l.places("Border", of)
	if err != nil {
		return nil, err
	}
	// The sum has the rows asked for, Σ c x̃ and the diagonal.
	G, err := e.sums(ctx, chunks, (q+2)*N, func() worker {
		return &borderWorker{e: e, c: c, place: place, first: q * N, cc: make([]float64, e.block), cx: make([]float64, e.block), x: e.wide(e.block)}
	})
	if err != nil {
		return nil, err
	}
	first, square := G[q*N:(q+1)*N], G[(q+1)*N:]
	square[n] = first[n]
	for _, f := range l.Codes {
		copy(square[f.First:][:f.Levels], first[f.First:]) // of ones
	}
	for _, j := range l.Dense {
		if i := int(place[j]); i >= 0 {
			row := G[i*N : (i+1)*N]
			square[j] = row[j]
			for k, f := range of { // rows of what is not dense have no dense columns yet
				if f != n && !l.dense(f) {
					G[k*N+j] = row[f]
				}
			}
		}
	}
	a, s := l.center, l.scale
	at := func(j int) (center, scale float64) {
		if j == n {
			return 0, 1
		}
		return a(j), s(j)
	}
	for k, f := range of {
		row := G[k*N : (k+1)*N]
		if f == n {
			copy(row, first)
		}
		row[n] = first[f]
		cf, sf := at(f)
		for j := range row {
			cj, sj := at(j)
			v := row[j] - float64(cf*first[j])
			v -= float64(cj * (first[f] - float64(cf*first[n])))
			row[j] = v * sf * sj
		}
	}
	for j := range n {
		v := square[j] - float64(a(j)*first[j])
		v -= float64(a(j) * (first[j] - float64(a(j)*first[n])))
		square[j] = v * s(j) * s(j)
	}
	copy(first, square)
	return G[:(q+1)*N], nil
}

// places are the numbers of the features, n for the bias, among those asked for, which must ascend; -1: it is not.
func (l *plan) places(pass string, of []int) ([]int32, error) {
	n := l.Features
	place := make([]int32, n+1)
	for j := range place {
		place[j] = -1
	}
	for i, j := range of {
		if j < 0 || j > n || i > 0 && j <= of[i-1] {
			return nil, fmt.Errorf("engine: %s: features must ascend within 0 to %d", pass, n)
		}
		place[j] = int32(i)
	}
	return place, nil
}

// dense: feature j is a dense column.
func (l *Layout) dense(j int) bool {
	for _, d := range l.Dense {
		if d == j {
			return true
		}
	}
	return false
}

type borderWorker struct {
	e      *Engine
	c      []float64
	place  []int32
	first  int
	cc, cx []float64
	x      []float64
	value  []float64
	asked  []asked
}

// asked is an entry of a row that is one of the features asked for.
type asked struct {
	at    int // of its row in the sum
	value float64
}

func (w *borderWorker) run(r rows, G []float64) error {
	e, l := w.e, w.e.layout
	n, N, D := l.Features, l.Features+1, len(l.Dense)
	cc, cx := w.cc[:padded(r.n)], w.cx[:padded(r.n)]
	column(cc, w.c, r.at(e), r.n)
	panels := len(cc) / kernel.Rows
	first, square := G[w.first:w.first+N], G[w.first+N:]
	first[n] += e.kernels.SumRows(cc)
	x := e.widened(r, w.x)
	for d, j := range l.feature {
		for p := range panels {
			e.kernels.Map2["mul"](cx[p*kernel.Rows:][:kernel.Rows], cc[p*kernel.Rows:][:kernel.Rows], x[(p*D+d)*kernel.Rows:][:kernel.Rows])
		}
		first[j] += e.kernels.SumRows(cx)
		if w.place[j] < 0 {
			square[j] += e.kernels.Gram(cx, kernel.Rows, x[d*kernel.Rows:], D*kernel.Rows, panels)
			continue
		}
		row := G[int(w.place[j])*N:][:N]
		for d2, j2 := range l.feature {
			row[j2] += e.kernels.Gram(cx, kernel.Rows, x[d2*kernel.Rows:], D*kernel.Rows, panels)
		}
		for k, c := range l.Codes {
			kernel.Scatter(row[c.First:][:c.Levels], r.Codes[k][r.lo:r.lo+r.n], cx)
		}
		if l.Sparse {
			r.scatter(row[:n], cx)
		}
	}
	for k, c := range l.Codes {
		codes := r.Codes[k][r.lo : r.lo+r.n]
		kernel.Scatter(first[c.First:][:c.Levels], codes, cc)
	}
	if l.Sparse {
		r.scatter(first[:n], cc)
	}
	for i := range r.n {
		t := cc[i]
		list := w.asked[:0]
		for k, c := range l.Codes {
			if v := r.Codes[k][r.lo+i]; v >= 0 {
				if p := w.place[c.First+int(v)]; p >= 0 {
					list = append(list, asked{int(p) * N, t})
				}
			}
		}
		var index []int32
		if l.Sparse {
			index, w.value = r.Entries(r.lo+i, w.value)
			for q, j := range index {
				square[j] += float64(t * w.value[q] * w.value[q])
				if p := w.place[j]; p >= 0 {
					list = append(list, asked{int(p) * N, t * w.value[q]})
				}
			}
		}
		for _, a := range list {
			row := G[a.at : a.at+N]
			for k, c := range l.Codes {
				if v := r.Codes[k][r.lo+i]; v >= 0 {
					row[c.First+int(v)] += a.value
				}
			}
			for q, j := range index {
				row[j] += float64(a.value * w.value[q])
			}
			for d, j := range l.feature { // of those asked for, theirs has it
				if w.place[j] < 0 {
					row[j] += float64(a.value * x[(i/kernel.Rows*D+d)*kernel.Rows+i%kernel.Rows])
				}
			}
		}
		w.asked = list
	}
	return nil
}

// Border writes the rows of H that belong to the components of θ listed in of (ascending), and after them its diagonal, len(of)+1 rows of
// Size numbers, estimated from the given chunks of rows. Of costs with one linear head and a penalty that does not mix components; others
// return ErrNoCurvature.
func (b *Objective) Border(ctx context.Context, of, chunks []int, h []float64) error {
	size, q := b.Size(), len(of)
	if len(h) != (q+1)*size {
		return fmt.Errorf("engine: Border of %d numbers, want %d", len(h), (q+1)*size)
	}
	values, err := b.ready(ctx)
	if err != nil {
		return err
	}
	if !b.Bordered() {
		return ErrNoCurvature
	}
	N := b.e.layout.Features + 1
	feature, sorted, row, err := b.features("Border", of)
	if err != nil {
		return err
	}
	scale, err := b.partScale(chunks)
	if err != nil {
		return err
	}
	scale /= b.m
	G, err := b.e.Border(ctx, b.curvature(), sorted, chunks)
	if err != nil {
		return err
	}
	penalty := make([]float64, size)
	if err := b.penaltyDiagonal(values, penalty); err != nil {
		return err
	}
	for i, k := range of {
		from, to := G[row[feature[k]]*N:], h[i*size:(i+1)*size]
		for a := range to {
			to[a] = from[feature[a]] * scale
		}
		to[k] += penalty[k]
	}
	for a := range size {
		h[q*size+a] = G[q*N+feature[a]]*scale + penalty[a]
	}
	return nil
}

// features are, for a cost with one head, the feature of every component of θ (n: the bias), those of the components listed in of, which must ascend, in their
// own order (θ may have the bias first), and of each feature its place among these.
func (b *Objective) features(pass string, of []int) (feature, sorted, place []int, err error) {
	size, n := b.Size(), b.e.layout.Features
	feature, place = make([]int, size), make([]int, n+1)
	for j := range n + 1 {
		if i := b.at(0, j); i >= 0 {
			feature[i] = j
		}
	}
	for i, k := range of {
		if k < 0 || k >= size || i > 0 && k <= of[i-1] {
			return nil, nil, nil, fmt.Errorf("engine: %s: components must ascend within 0 to %d", pass, size-1)
		}
		sorted = append(sorted, feature[k])
	}
	slices.Sort(sorted)
	for i, j := range sorted {
		place[j] = i
	}
	return feature, sorted, place, nil
}

// Bordered reports whether Border is offered.
func (b *Objective) Bordered() bool {
	return b.head != nil && b.head.Shape.Size() == 1 && len(b.of) <= 2 && b.second() == nil && b.separable()
}

// partScale is what a sum over the given chunks is multiplied by for an estimate of the sum over all rows.
func (b *Objective) partScale(chunks []int) (float64, error) {
	if chunks == nil {
		return 1, nil
	}
	rows := 0
	for _, k := range chunks {
		rows += max(0, min(b.e.chunk, b.e.layout.Rows-k*b.e.chunk))
	}
	if rows == 0 {
		return 0, fmt.Errorf("engine: an estimate from no rows")
	}
	return float64(b.e.layout.Rows) / float64(rows), nil
}
