package engine

import "github.com/descent-ml/descent/internal/kernel"

// weights are one weight vector made ready for the stored columns: Σ w_j (x_j - center_j) scale_j is shift plus
// Σ of the scaled weights over what is stored.
type weights struct {
	dense []float64 // by place of the dense column
	rough []float32 // of the int8 columns, in a rough pass
	all   []float64 // by feature
	shift float64
}

func (l *plan) set(w *weights, v []float64) {
	if w.all == nil {
		w.all, w.dense = make([]float64, l.Features), make([]float64, len(l.Dense))
	}
	copy(w.all, v)
	w.shift = 0
	if l.Scale != nil {
		for j, s := range l.Scale {
			w.all[j] *= s
		}
	}
	if l.Center != nil {
		for j, c := range l.Center {
			w.shift -= float64(w.all[j] * c)
		}
	}
	for q, j := range l.feature {
		w.dense[q] = w.all[j]
	}
	if l.rough {
		w.rough = w.rough[:0]
		for _, v := range w.dense[l.begin[Int8]:] {
			w.rough = append(w.rough, float32(v))
		}
	}
}

// padded is n rounded up to whole panels.
func padded(n int) int { return (n + kernel.Rows - 1) / kernel.Rows * kernel.Rows }

// column copies n rows of v from row at into out, which is as long as the padded piece, and fills it with zeros.
// A nil v is all ones.
func column(out, v []float64, at, n int) {
	if v == nil {
		for i := range out[:n] {
			out[i] = 1
		}
	} else {
		copy(out[:n], v[at:])
	}
	clear(out[n:])
}

// forward adds the columns times the weights to z (padded length).
func (e *Engine) forward(r rows, z []float64, w *weights) {
	l, c, k := e.layout, &r.dense, e.kernels
	forward(z, c.f64, r.lo, k.F64.Forward, w.dense[l.begin[Float64]:l.begin[Float64+1]])
	forward(z, c.f32, r.lo, k.F32.Forward, w.dense[l.begin[Float32]:l.begin[Float32+1]])
	forward(z, c.i32, r.lo, k.I32.Forward, w.dense[l.begin[Int32]:l.begin[Int32+1]])
	forward(z, c.i16, r.lo, k.I16.Forward, w.dense[l.begin[Int16]:l.begin[Int16+1]])
	if e.rough != nil {
		e.roughForward(r, z, w)
	} else {
		forward(z, c.i8, r.lo, k.I8.Forward, w.dense[l.begin[Int8]:l.begin[Int8+1]])
	}
	e.forwardOthers(r, z, w)
}

// forwardOthers is forward for what is not dense.
func (e *Engine) forwardOthers(r rows, z []float64, w *weights) {
	l := e.layout
	for k, c := range l.Codes {
		kernel.Gather(z, r.Codes[k][r.lo:r.lo+r.n], w.all[c.First:c.First+c.Levels])
	}
	if l.Sparse {
		start := r.Start[r.lo : r.lo+r.n+1]
		switch v := r.Value.(type) {
		case nil:
			kernel.SparseOnesForward(z, start, r.Index, w.all)
		case Float64s:
			kernel.SparseForward(z, start, r.Index, v, w.all)
		case Float32s:
			kernel.SparseForward(z, start, r.Index, v, w.all)
		case Int32s:
			kernel.SparseForward(z, start, r.Index, v, w.all)
		case Int16s:
			kernel.SparseForward(z, start, r.Index, v, w.all)
		case Int8s:
			kernel.SparseForward(z, start, r.Index, v, w.all)
		}
	}
}

// forwardAll is forward for several weight vectors, with the dense columns read once. x is memory for allColumns columns
// of a panel. The results have the bits of forward.
func (e *Engine) forwardAll(r rows, z [][]float64, w []weights, x []float64) {
	if len(z) == 1 || e.rough != nil {
		for k := range z {
			e.forward(r, z[k], &w[k])
		}
		return
	}
	l, c, k := e.layout, &r.dense, e.kernels
	run := k.F64.Forward
	for p := 0; p < len(z[0]); p += kernel.Rows {
		at := r.lo + p
		first, n := l.begin[Float64], l.count(Float64)
		for from := 0; from < n; from += allColumns {
			forwardColumns(z, p, c.f64[at*n+from*kernel.Rows:], run, w, first+from, first+min(from+allColumns, n))
		}
		forwardAll(z, p, c.f32, at, l.begin[Float32:], run, k.F32.Widen, w, x)
		forwardAll(z, p, c.i32, at, l.begin[Int32:], run, k.I32.Widen, w, x)
		forwardAll(z, p, c.i16, at, l.begin[Int16:], run, k.I16.Widen, w, x)
		forwardAll(z, p, c.i8, at, l.begin[Int8:], run, k.I8.Widen, w, x)
	}
	if l.wide() {
		for k := range z {
			e.forwardOthers(r, z[k], &w[k])
		}
	}
}

// allColumns of a panel, 16 KiB, stay in the nearest cache while all weight vectors take them.
const allColumns = 32

// forwardColumns adds the columns at places from … to-1 of the panel that begins at row p of the piece.
func forwardColumns(z [][]float64, p int, x []float64, run func(z, x []float64, stride int, w []float64), w []weights, from, to int) {
	for k := range z {
		run(z[k][p:p+kernel.Rows], x, kernel.Rows, w[k].dense[from:to])
	}
}

// forwardAll adds a group's columns of the panel that begins at row p of the piece, row at of the block.
func forwardAll[S number](z [][]float64, p int, group []S, at int, begin []int, run func(z, x []float64, stride int, w []float64),
	widen func(out []float64, x []S), w []weights, x []float64) {
	n := begin[1] - begin[0]
	for from := 0; from < n; from += allColumns {
		to := min(from+allColumns, n)
		cells := group[at*n+from*kernel.Rows:][:(to-from)*kernel.Rows]
		widen(x[:len(cells)], cells)
		forwardColumns(z, p, x, run, w, begin[0]+from, begin[0]+to)
	}
}

// backwardAll adds Σ s x to the raw sums, one after the other, for several s: s[(p*K+k)*64+r] is that of row 64p+r in sum
// k of K, 0 after the last row. x is memory for gramColumns columns of gramRows.
func (e *Engine) backwardAll(r rows, K int, s, raw, x []float64) {
	l, c, k := e.layout, &r.dense, e.kernels
	size := l.rawSize()
	for at := 0; at < padded(r.n); at += gramRows {
		panels := min(gramRows, padded(r.n)-at) / kernel.Rows
		s, lo := s[at*K:], r.lo+at
		if n := l.count(Float64); n > 0 {
			k.Tile(raw[l.begin[Float64]:], size, s, K*kernel.Rows, K, c.f64[lo*n:], n*kernel.Rows, n, panels)
		}
		backwardAll(raw, size, K, s, panels, c.f32, lo, l.begin[Float32:], k.Tile, k.F32.Widen, x)
		backwardAll(raw, size, K, s, panels, c.i32, lo, l.begin[Int32:], k.Tile, k.I32.Widen, x)
		backwardAll(raw, size, K, s, panels, c.i16, lo, l.begin[Int16:], k.Tile, k.I16.Widen, x)
		backwardAll(raw, size, K, s, panels, c.i8, lo, l.begin[Int8:], k.Tile, k.I8.Widen, x)
	}
	if !l.wide() && l.Center == nil {
		return
	}
	for q := range K {
		raw := raw[q*size:][:size]
		for p := 0; p < r.n; p += kernel.Rows {
			e.backwardOthers(r.part(p, kernel.Rows), s[p*K+q*kernel.Rows:][:kernel.Rows], raw)
		}
	}
}

func backwardAll[S number](raw []float64, size, K int, s []float64, panels int, group []S, lo int, begin []int,
	tile func(sum []float64, ld int, a []float64, panelA, na int, b []float64, panelB, nb, panels int), widen func(out []float64, x []S), x []float64) {
	n := begin[1] - begin[0]
	for from := 0; from < n; from += gramColumns {
		width := min(gramColumns, n-from) * kernel.Rows
		for p := range panels {
			widen(x[p*width:][:width], group[(lo+p*kernel.Rows)*n+from*kernel.Rows:][:width])
		}
		tile(raw[begin[0]+from:], size, s, K*kernel.Rows, K, x, width, width/kernel.Rows, panels)
	}
}

// forward adds a group's columns, from row lo on, times w.
func forward[S number](z []float64, group []S, lo int, run func(z []float64, x []S, stride int, w []float64), w []float64) {
	n := len(w)
	if n == 0 {
		return
	}
	for p := 0; p < len(z); p += kernel.Rows {
		run(z[p:p+kernel.Rows], group[(lo+p)*n:], kernel.Rows, w)
	}
}

// backward adds Σ s x of a group's columns, from row lo on, to sum.
func backward[S number](sum []float64, group []S, lo int, run func(sum []float64, x []S, panel, column int, s []float64), s []float64) {
	if n := len(sum); n > 0 {
		run(sum, group[lo*n:], n*kernel.Rows, kernel.Rows, s)
	}
}

// A raw sum Σ s x is kept by storage: dense columns by place, then (if there are codes or sparse rows) all features, then
// (if columns are centred) Σ s.
func (l *Layout) wide() bool { return l.Sparse || len(l.Codes) > 0 }

func (l *Layout) rawSize() int {
	n := len(l.Dense)
	if l.wide() {
		n += l.Features
	}
	if l.Center != nil {
		n++
	}
	return n
}

// backward adds Σ s x to the raw sum. s has the padded length and zeros after the last row.
func (e *Engine) backward(r rows, s, raw []float64) {
	l, c, kernels := e.layout, &r.dense, e.kernels
	backward(raw[l.begin[Float64]:l.begin[Float64+1]], c.f64, r.lo, kernels.F64.Backward, s)
	backward(raw[l.begin[Float32]:l.begin[Float32+1]], c.f32, r.lo, kernels.F32.Backward, s)
	backward(raw[l.begin[Int32]:l.begin[Int32+1]], c.i32, r.lo, kernels.I32.Backward, s)
	backward(raw[l.begin[Int16]:l.begin[Int16+1]], c.i16, r.lo, kernels.I16.Backward, s)
	if e.rough != nil {
		e.roughBackward(r, s, raw[l.begin[Int8]:l.begin[Int8+1]])
	} else {
		backward(raw[l.begin[Int8]:l.begin[Int8+1]], c.i8, r.lo, kernels.I8.Backward, s)
	}
	e.backwardOthers(r, s, raw)
}

// backwardOthers is backward for what is not dense, and Σ s.
func (e *Engine) backwardOthers(r rows, s, raw []float64) {
	l := e.layout
	D := len(l.Dense)
	for k, c := range l.Codes {
		kernel.Scatter(raw[D+c.First:][:c.Levels], r.Codes[k][r.lo:r.lo+r.n], s)
	}
	if l.Sparse {
		r.scatter(raw[D:D+l.Features], s)
	}
	if l.Center != nil {
		raw[len(raw)-1] += e.kernels.SumRows(s)
	}
}

// scatter adds Σ s x of the sparse rows to sum.
func (r rows) scatter(sum, s []float64) {
	start := r.Start[r.lo : r.lo+r.n+1]
	switch v := r.Value.(type) {
	case nil:
		kernel.SparseOnesBackward(sum, start, r.Index, s)
	case Float64s:
		kernel.SparseBackward(sum, start, r.Index, v, s)
	case Float32s:
		kernel.SparseBackward(sum, start, r.Index, v, s)
	case Int32s:
		kernel.SparseBackward(sum, start, r.Index, v, s)
	case Int16s:
		kernel.SparseBackward(sum, start, r.Index, v, s)
	case Int8s:
		kernel.SparseBackward(sum, start, r.Index, v, s)
	}
}

// unraw is the stored Σ s x by feature, out of the raw sum, and Σ s where it is needed.
func (l *plan) unraw(out, raw []float64) (sum float64) {
	D := len(l.Dense)
	if l.wide() {
		copy(out[:l.Features], raw[D:])
	} else {
		clear(out[:l.Features])
	}
	for q, j := range l.feature {
		out[j] = raw[q]
	}
	if l.Center != nil {
		sum = raw[len(raw)-1]
	}
	return sum
}

// finish is Σ s x as the model sees x, out of the raw sum.
func (l *plan) finish(out, raw []float64) {
	s := l.unraw(out, raw)
	if l.Center != nil {
		for j, c := range l.Center {
			out[j] -= float64(c * s)
		}
	}
	if l.Scale != nil {
		for j, f := range l.Scale {
			out[j] *= f
		}
	}
}

// spread writes the rows of panel p of the piece as the model sees them, a column of 64 for every feature, at the
// given distance. Rows past the end hold anything finite.
func (e *Engine) spread(r rows, p int, out []float64, stride int) {
	l := e.layout
	n := min(kernel.Rows, r.n-p*kernel.Rows)
	first := r.lo + p*kernel.Rows
	if l.wide() || len(l.Dense) < l.Features {
		for j := range l.Features {
			clear(out[j*stride:][:kernel.Rows])
		}
	}
	for d, j := range l.Dense {
		r.dense.read(r.lo/kernel.Rows+p, d, out[j*stride:][:kernel.Rows])
	}
	for k, c := range l.Codes {
		for i, v := range r.Codes[k][first : first+n] {
			if v >= 0 {
				out[(c.First+int(v))*stride+i] = 1
			}
		}
	}
	if l.Sparse {
		var value []float64
		for i := range n {
			var index []int32
			index, value = r.Entries(first+i, value)
			for k, j := range index {
				out[int(j)*stride+i] = value[k]
			}
		}
	}
	if l.Center == nil && l.Scale == nil {
		return
	}
	for j := range l.Features {
		c, s := l.center(j), l.scale(j)
		v := out[j*stride:][:kernel.Rows]
		for i := range v {
			v[i] = (v[i] - c) * s
		}
	}
}
