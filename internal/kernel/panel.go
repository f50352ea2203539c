package kernel

func plainPanels[T Float, S Stored]() Panels[T, S] {
	return Panels[T, S]{Forward: forward[T, S], Backward: backward[T, S], Widen: widen[T, S]}
}

// widen is [Panels.Widen].
func widen[T Float, S Stored](out []T, x []S) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = T(v)
	}
}

// forward is [Panels.Forward]. Eight columns at a time keep z out of memory; the order of the sum is that of one at a time.
func forward[T Float, S Stored](z []T, x []S, stride int, w []T) {
	zz := (*[Rows]T)(z)
	j := 0
	for ; j+8 <= len(w); j += 8 {
		v := (*[8]T)(w[j:])
		w0, w1, w2, w3, w4, w5, w6, w7 := v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]
		x0 := (*[Rows]S)(x[j*stride:])
		x1 := (*[Rows]S)(x[(j+1)*stride:])
		x2 := (*[Rows]S)(x[(j+2)*stride:])
		x3 := (*[Rows]S)(x[(j+3)*stride:])
		x4 := (*[Rows]S)(x[(j+4)*stride:])
		x5 := (*[Rows]S)(x[(j+5)*stride:])
		x6 := (*[Rows]S)(x[(j+6)*stride:])
		x7 := (*[Rows]S)(x[(j+7)*stride:])
		for r := range zz {
			t := zz[r] + T(w0*T(x0[r]))
			t += T(w1 * T(x1[r]))
			t += T(w2 * T(x2[r]))
			t += T(w3 * T(x3[r]))
			t += T(w4 * T(x4[r]))
			t += T(w5 * T(x5[r]))
			t += T(w6 * T(x6[r]))
			t += T(w7 * T(x7[r]))
			zz[r] = t
		}
	}
	for ; j+4 <= len(w); j += 4 {
		v := (*[4]T)(w[j:])
		w0, w1, w2, w3 := v[0], v[1], v[2], v[3]
		x0 := (*[Rows]S)(x[j*stride:])
		x1 := (*[Rows]S)(x[(j+1)*stride:])
		x2 := (*[Rows]S)(x[(j+2)*stride:])
		x3 := (*[Rows]S)(x[(j+3)*stride:])
		for r := range zz {
			t := zz[r] + T(w0*T(x0[r]))
			t += T(w1 * T(x1[r]))
			t += T(w2 * T(x2[r]))
			t += T(w3 * T(x3[r]))
			zz[r] = t
		}
	}
	for ; j < len(w); j++ {
		w0, x0 := w[j], (*[Rows]S)(x[j*stride:])
		for r := range zz {
			zz[r] += T(w0 * T(x0[r]))
		}
	}
}

// backward is [Panels.Backward].
func backward[T Float, S Stored](sum []float64, x []S, panel, column int, s []T) {
	panels := len(s) / Rows
	for j := range sum {
		sum[j] += gram(x[j*column:], panel, s, Rows, panels)
	}
}

// tile is [Set.Tile].
func tile[T Float](sum []float64, ld int, a []T, panelA, na int, b []T, panelB, nb, panels int) {
	for i := range na {
		for j := range nb {
			sum[i*ld+j] += gram(a[i*Rows:], panelA, b[j*Rows:], panelB, panels)
		}
	}
}

// gram is [Set.Gram], with cells of any kind in a.
func gram[T Float, S Stored](a []S, panelA int, b []T, panelB, panels int) float64 {
	if Lanes[T]() == 16 {
		return gram16(a, panelA, b, panelB, panels)
	}
	var a0, a1, a2, a3, a4, a5, a6, a7 T
	for p := range panels {
		x, s := (*[Rows]S)(a[p*panelA:]), (*[Rows]T)(b[p*panelB:])
		for r := 0; r < Rows; r += 8 {
			a0 += T(T(x[r]) * s[r])
			a1 += T(T(x[r+1]) * s[r+1])
			a2 += T(T(x[r+2]) * s[r+2])
			a3 += T(T(x[r+3]) * s[r+3])
			a4 += T(T(x[r+4]) * s[r+4])
			a5 += T(T(x[r+5]) * s[r+5])
			a6 += T(T(x[r+6]) * s[r+6])
			a7 += T(T(x[r+7]) * s[r+7])
		}
	}
	return fold8(a0, a1, a2, a3, a4, a5, a6, a7)
}

func gram16[T Float, S Stored](a []S, panelA int, b []T, panelB, panels int) float64 {
	var lane [16]T
	for p := range panels {
		x, s := (*[Rows]S)(a[p*panelA:]), (*[Rows]T)(b[p*panelB:])
		for l := 0; l < 16; l += 4 {
			a0, a1, a2, a3 := lane[l], lane[l+1], lane[l+2], lane[l+3]
			for r := l; r < Rows-3; r += 16 {
				a0 += T(T(x[r]) * s[r])
				a1 += T(T(x[r+1]) * s[r+1])
				a2 += T(T(x[r+2]) * s[r+2])
				a3 += T(T(x[r+3]) * s[r+3])
			}
			lane[l], lane[l+1], lane[l+2], lane[l+3] = a0, a1, a2, a3
		}
	}
	return fold(lane[:])
}

// sumRows is [Set.SumRows]; a length that is no multiple of the lanes counts as padded with zeros.
func sumRows[T Float](a []T) float64 {
	var lane [16]T
	n := Lanes[T]()
	for len(a) >= n {
		for l := range lane[:n] {
			lane[l] += a[l]
		}
		a = a[n:]
	}
	for l := range a {
		lane[l] += a[l]
	}
	return fold(lane[:n])
}

// fold adds lanes in halves, in float64.
func fold[T Float](lane []T) float64 {
	if len(lane) == 8 {
		return fold8(lane[0], lane[1], lane[2], lane[3], lane[4], lane[5], lane[6], lane[7])
	}
	var s [8]float64
	for l := range s {
		s[l] = float64(lane[l]) + float64(lane[l+8])
	}
	return fold8(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7])
}

func fold8[T Float](a0, a1, a2, a3, a4, a5, a6, a7 T) float64 {
	b0, b1 := float64(a0)+float64(a4), float64(a1)+float64(a5)
	b2, b3 := float64(a2)+float64(a6), float64(a3)+float64(a7)
	return (b0 + b2) + (b1 + b3)
}
