package kernel

// functions are the transcendental loops of one type; what is built from them is generic.
type functions[T Float] struct {
	exp, expNegAbs, log, log1p, log1pUnit, tanh func(out, a []T)
}

var (
	functions64 = functions[float64]{exp64, expNegAbs64, log64, log1p64, log1pUnit64, tanh64}
	functions32 = functions[float32]{exp32, expNegAbs32, log32, log1p32, log1pUnit32, tanh32}
)

func (f functions[T]) map1() map[string]func(out, a []T) {
	return map[string]func(out, a []T){
		"exp":      f.exp,
		"expnabs":  f.expNegAbs, // exp(-|u|)
		"log":      f.log,
		"log1p":    f.log1p,
		"tanh":     f.tanh,
		"sigmoid":  f.sigmoid,
		"softplus": f.softplus,
		"neg":      func(out, a []T) { map1(out, a, func(u T) T { return -u }) },
		"relu":     relu[T],
		"abs":      func(out, a []T) { map1(out, a, abs[T]) },
	}
}

func map2[T Float]() map[string]func(out, a, b []T) {
	return map[string]func(out, a, b []T){
		"add":  addMap[T],
		"sub":  subMap[T],
		"mul":  mulMap[T],
		"div":  divMap[T],
		"max":  maxMap[T],
		"gt":   gtMap[T],
		"mask": maskMap[T],
	}
}

func map1[T Float](out, a []T, f func(T) T) {
	out = out[:len(a)]
	for i, u := range a {
		out[i] = f(u)
	}
}

func abs[T Float](u T) T {
	if u < 0 {
		return -u
	}
	return u + 0 // -0 becomes 0
}

// relu is max(u, 0); NaN stays.
func relu[T Float](out, a []T) {
	out = out[:len(a)]
	for i, u := range a {
		if u < 0 {
			u = 0
		}
		out[i] = u
	}
}

func addMap[T Float](out, a, b []T) {
	out, b = out[:len(a)], b[:len(a)]
	for i, u := range a {
		out[i] = u + b[i]
	}
}

func subMap[T Float](out, a, b []T) {
	out, b = out[:len(a)], b[:len(a)]
	for i, u := range a {
		out[i] = u - b[i]
	}
}

func mulMap[T Float](out, a, b []T) {
	out, b = out[:len(a)], b[:len(a)]
	for i, u := range a {
		out[i] = u * b[i]
	}
}

func divMap[T Float](out, a, b []T) {
	out, b = out[:len(a)], b[:len(a)]
	for i, u := range a {
		out[i] = u / b[i]
	}
}

// maxMap is the larger of the two; NaN if one is.
func maxMap[T Float](out, a, b []T) {
	out, b = out[:len(a)], b[:len(a)]
	for i, u := range a {
		v := b[i]
		switch {
		case u > v:
			out[i] = u
		case v > u:
			out[i] = v
		default: // equal (0 before -0), or a NaN
			if u == v && u == 0 {
				out[i] = u + v
			} else if u == v {
				out[i] = u
			} else {
				out[i] = u + v
			}
		}
	}
}

// gtMap is 1 where a > b, else 0.
func gtMap[T Float](out, a, b []T) {
	out, b = out[:len(a)], b[:len(a)]
	for i, u := range a {
		var t T
		if u > b[i] {
			t = 1
		}
		out[i] = t
	}
}

// maskMap is a*b, but 0 where b is 0, whatever a is.
func maskMap[T Float](out, a, b []T) {
	out, b = out[:len(a)], b[:len(a)]
	for i, u := range a {
		if b[i] == 0 {
			out[i] = 0
		} else {
			out[i] = u * b[i]
		}
	}
}

func pick[T Float](out, sign, a, b []T) {
	out, a, b = out[:len(sign)], a[:len(sign)], b[:len(sign)]
	for i, u := range sign {
		t := a[i]
		if u < 0 {
			t = b[i]
		} else if u != u {
			t = u
		}
		out[i] = t
	}
}

// sigmoid is 1/(1+e) or e/(1+e), e = exp(-|u|): no overflow, no cancellation.
func (f functions[T]) sigmoid(out, a []T) {
	f.strips(a, func(e, z []T, i int) {
		out := out[i : i+len(z)]
		for i, e := range e {
			r := 1 / (1 + e)
			if z[i] < 0 {
				r *= e
			}
			out[i] = r
		}
	})
}

// softplus is max(u, 0) + log1p(exp(-|u|)).
func (f functions[T]) softplus(out, a []T) {
	f.strips(a, func(e, z []T, i int) {
		out := out[i : i+len(z)]
		f.log1pUnit(e, e)
		for i, l := range e {
			u := z[i]
			if u < 0 {
				u = 0
			}
			out[i] = u + l
		}
	})
}

// strips calls use with e = exp(-|z|) for up to 64 rows of z at a time; i is where they begin.
func (f functions[T]) strips(z []T, use func(e, z []T, i int)) {
	var e [Rows]T
	for i := 0; i < len(z); i += Rows {
		n := min(Rows, len(z)-i)
		f.expNegAbs(e[:n], z[i:i+n])
		use(e[:n], z[i:i+n], i)
	}
}
