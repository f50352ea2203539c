package engine

import (
	"context"
	"fmt"

	"github.com/descent-ml/descent/internal/kernel"
)

const (
	// maxGram bounds the features of Gram: its sum has (n+1)² components.
	maxGram = 16384

	gramRows    = 256      // rows widened at a time: their columns and their products share the caches
	gramColumns = 16       // columns multiplied by c at a time
	gramBytes   = 64 << 20 // of the sums of one pass; the tree over the chunks holds several of them
)

// A weigher writes columns of weights of a piece: c[q][i] that of row i, for i < r.n.
type weigher func(r rows, c [][]float64) error

// columnWeigher takes a column of all rows, nil for ones.
func (e *Engine) columnWeigher(c []float64) func() weigher {
	return func() weigher {
		return func(r rows, out [][]float64) error {
			column(out[0][:r.n], c, r.at(e), r.n)
			return nil
		}
	}
}

// Gram is Σ c x̃ x̃ᵀ, (n+1)² numbers, row-major, over all chunks or the given ones (ascending).
func (e *Engine) Gram(ctx context.Context, c []float64, chunks []int) ([]float64, error) {
	if err := e.checkColumn("Gram", c); err != nil {
		return nil, err
	}
	var out []float64
	err := e.grams(ctx, 1, e.columnWeigher(c), chunks, func(_ int, G []float64) { out = G })
	return out, err
}

// Grams is Gram for several columns of weights, with the rows read once (or, where the sums take more than 64 MiB, a
// few times). The columns are asked for when they are needed: weigh writes c[q][i], the weight in sum q of row first+i
// of this process, for all q < count and i < len(c[q]). It is called from several goroutines at a time.
func (e *Engine) Grams(ctx context.Context, count int, weigh func(first int, c [][]float64), chunks []int) ([][]float64, error) {
	out := make([][]float64, count)
	err := e.grams(ctx, count, e.givenWeigher(weigh), chunks, func(q int, G []float64) { out[q] = G })
	return out, err
}

func (e *Engine) givenWeigher(weigh func(first int, c [][]float64)) func() weigher {
	return func() weigher {
		return func(r rows, c [][]float64) error {
			weigh(r.at(e), c)
			return nil
		}
	}
}

// grams gives the Grams to take, in order.
func (e *Engine) grams(ctx context.Context, count int, newWeigher func() weigher, chunks []int, take func(q int, G []float64)) error {
	l := e.layout
	if l.Features > maxGram {
		return fmt.Errorf("engine: Gram of %d features: more than %d", l.Features, maxGram)
	}
	N := l.Features + 1
	o := l.gramOrder()
	each := max(1, gramBytes/8/(N*N))
	for from := 0; from < count; from += each {
		to := min(from+each, count)
		sums, err := e.sums(ctx, chunks, (to-from)*N*N, func() worker { return newGramWorker(e, o, from, to, count, newWeigher()) })
		if err != nil {
			return err
		}
		for q := from; q < to; q++ {
			take(q, l.gramFinish(o, sums[(q-from)*N*N:][:N*N]))
		}
	}
	return nil
}

// gramOrder is where a feature stands in a raw Gram: dense columns by place, then the others, ascending; nil where
// that is the order of the features.
func (l *plan) gramOrder() []int {
	order := make([]int, l.Features)
	for j := range order {
		order[j] = -1
	}
	for q, j := range l.feature {
		order[j] = q
	}
	next, same := len(l.feature), true
	for j, q := range order {
		if q < 0 {
			order[j] = next
			next++
		}
		same = same && order[j] == j
	}
	if same {
		return nil
	}
	return order
}

// gramFinish fills the other half of a raw Gram, and puts it in the order of the features, centred and scaled.
func (l *plan) gramFinish(order []int, raw []float64) []float64 {
	n, N := l.Features, l.Features+1
	for _, c := range l.Codes { // a level's square is itself
		for v := range c.Levels {
			j := c.First + v
			if order != nil {
				j = order[j]
			}
			raw[j*N+j] = raw[n*N+j]
		}
	}
	for i := range N {
		for j := range i {
			v := raw[i*N+j] + raw[j*N+i]
			raw[i*N+j], raw[j*N+i] = v, v
		}
	}
	G := raw
	if order != nil {
		G = make([]float64, N*N)
		for i := range N {
			from := n
			if i < n {
				from = order[i]
			}
			for j, q := range order {
				G[i*N+j] = raw[from*N+q]
			}
			G[i*N+n] = raw[from*N+n]
		}
	}
	l.standardise(G)
	return G
}

// A gramWorker adds up the products of pairs of features of sums from … to-1. Every pair is added up in one of its two
// places; of dense pairs whole tiles of gramColumns are, so that below the diagonal there are some that do not count.
type gramWorker struct {
	e        *Engine
	order    []int
	from, to int
	weigh    weigher
	c        [][]float64 // of all sums
	x        []float64   // gramRows of the dense columns, widened
	cx       []float64   // gramRows of gramColumns of them, times c
	square   []float64   // a tile on the diagonal
	value    []float64
	index    []int
}

func newGramWorker(e *Engine, order []int, from, to, count int, weigh weigher) *gramWorker {
	w := &gramWorker{e: e, order: order, from: from, to: to, weigh: weigh, c: make([][]float64, count)}
	for q := range w.c {
		w.c[q] = make([]float64, e.block)
	}
	if D := len(e.layout.Dense); D > 0 {
		w.cx, w.square = make([]float64, gramColumns*gramRows), make([]float64, gramColumns*gramColumns)
		w.x = e.wide(gramRows)
	}
	return w
}

func (w *gramWorker) run(r rows, sum []float64) error {
	c := make([][]float64, len(w.c))
	n := padded(r.n)
	for q := range c {
		c[q] = w.c[q][:r.n]
	}
	if err := w.weigh(r, c); err != nil {
		return err
	}
	for q := range c {
		c[q] = w.c[q][:n]
		clear(c[q][r.n:])
	}
	N := w.e.layout.Features + 1
	for at := 0; at < n; at += gramRows {
		piece := r.part(at, gramRows)
		x := w.e.widened(piece, w.x)
		for q := w.from; q < w.to; q++ {
			w.add(piece, x, c[q][at:min(at+gramRows, n)], sum[(q-w.from)*N*N:][:N*N])
		}
	}
	return nil
}

// wide is memory for widened, of so many rows.
func (e *Engine) wide(rows int) []float64 {
	if D := len(e.layout.Dense); D > e.layout.count(Float64) {
		return make([]float64, D*rows)
	}
	return nil
}

// widened is the dense columns of a piece by place, in panels: as stored, if all are float64, else in x.
func (e *Engine) widened(r rows, x []float64) []float64 {
	l, c, k := e.layout, &r.dense, e.kernels
	D := len(l.Dense)
	if D == l.count(Float64) {
		return c.f64[r.lo*D:]
	}
	all := x
	for p := 0; p < r.n; p += kernel.Rows {
		x, at := x[p*D:], r.lo+p
		widenPanel(x, c.f64, at, l.begin[Float64:], k.F64.Widen)
		widenPanel(x, c.f32, at, l.begin[Float32:], k.F32.Widen)
		widenPanel(x, c.i32, at, l.begin[Int32:], k.I32.Widen)
		widenPanel(x, c.i16, at, l.begin[Int16:], k.I16.Widen)
		widenPanel(x, c.i8, at, l.begin[Int8:], k.I8.Widen)
	}
	return all
}

// widenPanel writes a group's columns of the panel that begins at row lo to x, all dense columns' panel.
func widenPanel[S number](x []float64, group []S, lo int, begin []int, run func(out []float64, x []S)) {
	if n := begin[1] - begin[0]; n > 0 {
		run(x[begin[0]*kernel.Rows:begin[1]*kernel.Rows], group[lo*n:][:n*kernel.Rows])
	}
}

// add adds the products of a piece times c to one sum.
func (w *gramWorker) add(r rows, x, c, G []float64) {
	l, k := w.e.layout, w.e.kernels
	n, N, D := l.Features, l.Features+1, len(l.Dense)
	G[N*N-1] += k.SumRows(c)
	panels := len(c) / kernel.Rows
	mul := k.Map2["mul"]
	for i := 0; i < D; i += gramColumns {
		width := min(gramColumns, D-i)
		for p := range panels {
			cp := c[p*kernel.Rows:][:kernel.Rows]
			for d := range width {
				mul(w.cx[(p*width+d)*kernel.Rows:][:kernel.Rows], cp, x[(p*D+i+d)*kernel.Rows:][:kernel.Rows])
			}
		}
		cx := w.cx[:panels*width*kernel.Rows]
		// The tile on the diagonal has every pair twice: half of it is kept.
		square := w.square[:width*width]
		clear(square)
		k.Tile(square, width, cx, width*kernel.Rows, width, x[i*kernel.Rows:], D*kernel.Rows, width, panels)
		for a := range width {
			row := G[(i+a)*N+i:][:width]
			for b := a; b < width; b++ {
				row[b] += square[a*width+b]
			}
		}
		if i+width < D {
			k.Tile(G[i*N+i+width:], N, cx, width*kernel.Rows, width, x[(i+width)*kernel.Rows:], D*kernel.Rows, D-i-width, panels)
		}
		for d := range width {
			row := G[(i+d)*N:][:N]
			column := func(p int) []float64 { return cx[(p*width+d)*kernel.Rows:][:kernel.Rows] }
			for p := range panels {
				v := column(p)
				row[n] += k.SumRows(v)
				at := r.lo + p*kernel.Rows
				m := min(kernel.Rows, r.lo+r.n-at)
				for q, a := range l.Codes {
					kernel.Scatter(row[w.at(a.First):][:a.Levels], r.Codes[q][at:at+m], v)
				}
				if l.Sparse {
					w.scatter(row, r.part(p*kernel.Rows, kernel.Rows), v)
				}
			}
		}
	}
	for q, a := range l.Codes {
		codes := r.Codes[q][r.lo : r.lo+r.n]
		first := w.at(a.First)
		kernel.Scatter(G[n*N+first:][:a.Levels], codes, c)
		for q2 := q + 1; q2 < len(l.Codes); q2++ {
			scatterPairs(G[first*N+w.at(l.Codes[q2].First):], N, codes, r.Codes[q2][r.lo:r.lo+r.n], c)
		}
	}
	if l.Sparse {
		w.sparse(r, c, G)
	}
}

// at is where a feature, or the first of a code column's, stands.
func (w *gramWorker) at(j int) int {
	if w.order == nil || j == len(w.order) {
		return j
	}
	return w.order[j]
}

// scatterPairs adds c[i] to G[a[i]*ld+b[i]] where both are codes.
func scatterPairs(G []float64, ld int, a, b []int32, c []float64) {
	b, c = b[:len(a)], c[:len(a)]
	for i, v := range a {
		if u := b[i]; v >= 0 && u >= 0 {
			G[int(v)*ld+int(u)] += c[i]
		}
	}
}

// scatter adds Σ s x of the sparse rows to a row of a sum.
func (w *gramWorker) scatter(row []float64, r rows, s []float64) {
	if w.order == nil {
		r.scatter(row, s)
		return
	}
	var index []int32
	for i := range r.n {
		index, w.value = r.Entries(r.lo+i, w.value)
		for k, j := range index {
			row[w.order[j]] += float64(s[i] * w.value[k])
		}
	}
}

// sparse adds the products of sparse features with each other, with codes, and with 1.
func (w *gramWorker) sparse(r rows, c, G []float64) {
	l := w.e.layout
	n, N := l.Features, l.Features+1
	last := G[n*N:][:N]
	var index []int32
	for i := range r.n {
		ci := c[i]
		if ci == 0 {
			continue
		}
		index, w.value = r.Entries(r.lo+i, w.value)
		value := w.value[:len(index)]
		at := w.index[:0]
		for _, j := range index {
			at = append(at, w.at(int(j)))
		}
		w.index = at
		for q, a := range l.Codes {
			if v := r.Codes[q][r.lo+i]; v >= 0 {
				row := G[(w.at(a.First)+int(v))*N:][:N]
				for k, j := range at {
					row[j] += float64(ci * value[k])
				}
			}
		}
		for k, j := range at {
			t := ci * value[k]
			last[j] += t
			row := G[j*N:][:N]
			rest := value[k:]
			for b, q := range at[k:] {
				row[q] += float64(t * rest[b])
			}
		}
	}
}
