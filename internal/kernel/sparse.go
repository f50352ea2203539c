package kernel

// Codes and sparse rows have the same kernels in every set: they are bound by the latency of w[j].
// Sums by feature run over rows in ascending order, one running float64 sum per feature, or four where Scatter meets few levels.

// Gather adds w[code] to z[r]; a negative code adds nothing.
func Gather[T Float](z []T, codes []int32, w []T) {
	z = z[:len(codes)]
	for r, c := range codes {
		if c >= 0 {
			z[r] += w[c]
		}
	}
}

// fewLevels is the number of levels up to which Scatter has four sums of each: where a level comes again soon, an addition waits for the one before.
const fewLevels = 16

// Scatter adds s[r] to sum[code]; a negative code adds nothing. Up to fewLevels levels, r mod 4 has sums of its own, joined as (0 + 2) + (1 + 3).
func Scatter[T Float](sum []float64, codes []int32, s []T) {
	s = s[:len(codes)]
	if len(sum) <= fewLevels && len(codes) >= 4*fewLevels {
		var part [4][fewLevels]float64
		for len(codes) >= 4 && len(s) >= 4 {
			if c := uint32(codes[0]); c < fewLevels {
				part[0][c] += float64(s[0])
			}
			if c := uint32(codes[1]); c < fewLevels {
				part[1][c] += float64(s[1])
			}
			if c := uint32(codes[2]); c < fewLevels {
				part[2][c] += float64(s[2])
			}
			if c := uint32(codes[3]); c < fewLevels {
				part[3][c] += float64(s[3])
			}
			codes, s = codes[4:], s[4:]
		}
		for c := range sum {
			sum[c] += (part[0][c] + part[2][c]) + (part[1][c] + part[3][c])
		}
	}
	for r, c := range codes {
		if c >= 0 {
			sum[c] += float64(s[r])
		}
	}
}

// SparseForward adds Σ_k value[k]*w[index[k]], k in [start[r], start[r+1]), to z[r], for len(start)-1 rows. A row's sum
// runs in four parts, k mod 4 from the row's start, joined as (0 + 2) + (1 + 3).
func SparseForward[T Float, S Stored](z []T, start []int, index []int32, value []S, w []T) {
	z = z[:len(start)-1]
	lo := start[0]
	for r := range z {
		hi := start[r+1]
		i, v := index[lo:hi], value[lo:hi]
		lo = hi
		v = v[:len(i)]
		var t0, t1, t2, t3 T
		for len(i) >= 4 && len(v) >= 4 {
			t0 += T(T(v[0]) * w[i[0]])
			t1 += T(T(v[1]) * w[i[1]])
			t2 += T(T(v[2]) * w[i[2]])
			t3 += T(T(v[3]) * w[i[3]])
			i, v = i[4:], v[4:]
		}
		switch len(i) {
		case 3:
			t2 += T(T(v[2]) * w[i[2]])
			fallthrough
		case 2:
			t1 += T(T(v[1]) * w[i[1]])
			fallthrough
		case 1:
			t0 += T(T(v[0]) * w[i[0]])
		}
		z[r] += (t0 + t2) + (t1 + t3)
	}
}

// SparseOnesForward is SparseForward where every value is 1.
func SparseOnesForward[T Float](z []T, start []int, index []int32, w []T) {
	z = z[:len(start)-1]
	lo := start[0]
	for r := range z {
		hi := start[r+1]
		i := index[lo:hi]
		lo = hi
		var t0, t1, t2, t3 T
		for len(i) >= 4 {
			t0 += w[i[0]]
			t1 += w[i[1]]
			t2 += w[i[2]]
			t3 += w[i[3]]
			i = i[4:]
		}
		switch len(i) {
		case 3:
			t2 += w[i[2]]
			fallthrough
		case 2:
			t1 += w[i[1]]
			fallthrough
		case 1:
			t0 += w[i[0]]
		}
		z[r] += (t0 + t2) + (t1 + t3)
	}
}

// SparseBackward adds value[k]*s[r] to sum[index[k]]. A row with s[r] = 0 adds nothing.
func SparseBackward[T Float, S Stored](sum []float64, start []int, index []int32, value []S, s []T) {
	s = s[:len(start)-1]
	lo := start[0]
	for r, t := range s {
		hi := start[r+1]
		i, v := index[lo:hi], value[lo:hi]
		lo = hi
		if t == 0 {
			continue
		}
		v = v[:len(i)]
		for len(i) >= 4 && len(v) >= 4 {
			sum[i[0]] += float64(T(v[0]) * t)
			sum[i[1]] += float64(T(v[1]) * t)
			sum[i[2]] += float64(T(v[2]) * t)
			sum[i[3]] += float64(T(v[3]) * t)
			i, v = i[4:], v[4:]
		}
		for k, j := range i {
			sum[j] += float64(T(v[k]) * t)
		}
	}
}

// SparseOnesBackward is SparseBackward where every value is 1.
func SparseOnesBackward[T Float](sum []float64, start []int, index []int32, s []T) {
	s = s[:len(start)-1]
	lo := start[0]
	for r, t := range s {
		hi := start[r+1]
		i := index[lo:hi]
		lo = hi
		if t == 0 {
			continue
		}
		for _, j := range i {
			sum[j] += float64(t)
		}
	}
}
