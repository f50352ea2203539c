package optim

import "math"

const maxFloat = math.MaxFloat64

func finite(v float64) bool { return v-v == 0 }

func allFinite(v []float64) bool {
	for _, x := range v {
		if !finite(x) {
			return false
		}
	}
	return true
}

// dot returns a·b, added from the left without fused multiply-add.
func dot(a, b []float64) float64 {
	var s float64
	for i, v := range a {
		s += float64(v * b[i])
	}
	return s
}

// axpy returns x + s·d in a new slice.
func axpy(x []float64, s float64, d []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v + float64(s*d[i])
	}
	return out
}

func clone(v []float64) []float64 { return append([]float64(nil), v...) }
