package engine

import "github.com/descent-ml/descent/internal/kernel"

// weights are one weight vector made ready for the stored columns: Σ w_j (x_j - center_j) scale_j is shift plus
// Σ of the scaled weights over what is stored.
type weights struct {
	dense []float64 // by dense column
	all   []float64 // by feature
	shift float64
}

func (l *Layout) set(w *weights, v []float64) {
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
	for d, j := range l.Dense {
		w.dense[d] = w.all[j]
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
	l := e.layout
	if D := len(l.Dense); D > 0 {
		x := r.panels(D)
		for p := 0; p < r.n; p += kernel.Rows {
			e.kernels.F64.Forward(z[p:p+kernel.Rows], x[p*D:], kernel.Rows, w.dense)
		}
	}
	for k, c := range l.Codes {
		kernel.Gather(z, r.Codes[k][r.lo:r.lo+r.n], w.all[c.First:c.First+c.Levels])
	}
	if l.Sparse {
		kernel.SparseForward(z, r.Start[r.lo:r.lo+r.n+1], r.Index, r.Value, w.all)
	}
}

// A raw sum Σ s x is kept by storage: dense columns, then (if there are codes or sparse rows) all features, then
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
	l := e.layout
	D := len(l.Dense)
	if D > 0 {
		e.kernels.F64.Backward(raw[:D], r.panels(D), D*kernel.Rows, kernel.Rows, s)
	}
	for k, c := range l.Codes {
		kernel.Scatter(raw[D+c.First:][:c.Levels], r.Codes[k][r.lo:r.lo+r.n], s)
	}
	if l.Sparse {
		kernel.SparseBackward(raw[D:D+l.Features], r.Start[r.lo:r.lo+r.n+1], r.Index, r.Value, s)
	}
	if l.Center != nil {
		raw[len(raw)-1] += e.kernels.SumRows(s)
	}
}

// unraw is the stored Σ s x by feature, out of the raw sum, and Σ s where it is needed.
func (l *Layout) unraw(out, raw []float64) (sum float64) {
	D := len(l.Dense)
	if l.wide() {
		copy(out[:l.Features], raw[D:])
	} else {
		clear(out[:l.Features])
	}
	for d, j := range l.Dense {
		out[j] = raw[d]
	}
	if l.Center != nil {
		sum = raw[len(raw)-1]
	}
	return sum
}

// finish is Σ s x as the model sees x, out of the raw sum.
func (l *Layout) finish(out, raw []float64) {
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
	D := len(l.Dense)
	if l.wide() || D < l.Features {
		for j := range l.Features {
			clear(out[j*stride:][:kernel.Rows])
		}
	}
	for d, j := range l.Dense {
		copy(out[j*stride:][:kernel.Rows], r.panels(D)[(p*D+d)*kernel.Rows:])
	}
	for k, c := range l.Codes {
		for i, v := range r.Codes[k][first : first+n] {
			if v >= 0 {
				out[(c.First+int(v))*stride+i] = 1
			}
		}
	}
	if l.Sparse {
		for i := range n {
			for k := r.Start[first+i]; k < r.Start[first+i+1]; k++ {
				out[int(r.Index[k])*stride+i] = r.Value[k]
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
