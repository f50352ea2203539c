package kernel

// Codes and sparse rows have the same kernels in every set: they are bound by the latency of w[j].
// Sums run over rows in ascending order, one running float64 sum per feature.

// Gather adds w[code] to z[r]; a negative code adds nothing.
func Gather[T Float](z []T, codes []int32, w []T) {
	z = z[:len(codes)]
	for r, c := range codes {
		if c >= 0 {
			z[r] += w[c]
		}
	}
}

// Scatter adds s[r] to sum[code]; a negative code adds nothing.
func Scatter[T Float](sum []float64, codes []int32, s []T) {
	s = s[:len(codes)]
	for r, c := range codes {
		if c >= 0 {
			sum[c] += float64(s[r])
		}
	}
}

// SparseForward adds Σ_k value[k]*w[index[k]], k in [start[r], start[r+1]), to z[r], for len(start)-1 rows.
func SparseForward[T Float](z []T, start []int, index []int32, value, w []T) {
	for r := range len(start) - 1 {
		lo, hi := start[r], start[r+1]
		t := z[r]
		v := value[lo:hi]
		for k, j := range index[lo:hi] {
			t += T(v[k] * w[j])
		}
		z[r] = t
	}
}

// SparseBackward adds value[k]*s[r] to sum[index[k]].
func SparseBackward[T Float](sum []float64, start []int, index []int32, value, s []T) {
	for r := range len(start) - 1 {
		lo, hi := start[r], start[r+1]
		t := s[r]
		if t == 0 {
			continue
		}
		v := value[lo:hi]
		for k, j := range index[lo:hi] {
			sum[j] += float64(v[k] * t)
		}
	}
}
