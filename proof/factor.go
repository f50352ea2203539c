package proof

import "math"

// factor is the Cholesky factor of a symmetric matrix scaled to a unit diagonal, kept as H = D·L·Lᵀ·D.
type factor struct {
	n       int
	d       []float64 // D: sqrt(H_jj)
	l       []float64 // L, row-major
	inverse []float64 // diagonal of (L·Lᵀ)⁻¹
}

// factorise returns nil if h is not positive definite or not finite.
func factorise(h []float64, n int) *factor {
	f := &factor{n: n, d: make([]float64, n), l: make([]float64, n*n), inverse: make([]float64, n)}
	for j := range n {
		v := h[j*n+j]
		if !(v > 0) || v > math.MaxFloat64 {
			return nil
		}
		f.d[j] = math.Sqrt(v)
		if f.d[j] == 0 {
			return nil
		}
	}
	for i := range n {
		a := f.l[i*n : i*n+n]
		for j := range i + 1 {
			b := f.l[j*n : j*n+n]
			s := h[i*n+j] / f.d[i] / f.d[j]
			for k := range j {
				s -= float64(a[k] * b[k])
			}
			if i > j {
				a[j] = s / b[j]
				continue
			}
			if !(s > 0) || s > math.MaxFloat64 {
				return nil
			}
			a[j] = math.Sqrt(s)
		}
	}
	// Column c of L⁻¹ adds its squares to the diagonal entry c of L⁻ᵀL⁻¹.
	x := make([]float64, n)
	for c := range n {
		for i := c; i < n; i++ {
			s := 0.0
			if i == c {
				s = 1
			}
			for k := c; k < i; k++ {
				s -= float64(f.l[i*n+k] * x[k])
			}
			x[i] = s / f.l[i*n+i]
			f.inverse[c] += float64(x[i] * x[i])
		}
	}
	return f
}

// norm is sqrt(gᵀH⁻¹g).
func (f *factor) norm(g []float64) float64 {
	y := make([]float64, f.n)
	var q float64
	for i := range f.n {
		s := g[i] / f.d[i]
		for k := range i {
			s -= float64(f.l[i*f.n+k] * y[k])
		}
		y[i] = s / f.l[i*f.n+i]
		q += float64(y[i] * y[i])
	}
	return math.Sqrt(q)
}

// lower is the factor of H itself, D·L.
func (f *factor) lower() []float64 {
	out := make([]float64, len(f.l))
	for i := range f.n {
		for j := range i + 1 {
			out[i*f.n+j] = f.d[i] * f.l[i*f.n+j]
		}
	}
	return out
}

// deviation is sqrt((H⁻¹)_jj).
func (f *factor) deviation(j int) float64 { return math.Sqrt(f.inverse[j]) / f.d[j] }

// trace is the trace of the inverse of the scaled matrix, at least its largest eigenvalue.
func (f *factor) trace() float64 {
	var s float64
	for _, v := range f.inverse {
		s += v
	}
	return s
}
