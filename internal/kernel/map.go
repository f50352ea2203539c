package kernel

// The transcendental loops of one type, for what is generic. Calling them by their names, not through function
// values, keeps the callers' strips of 64 rows on the stack.

func expNegAbs[T Float](out, a []T) {
	switch out := any(out).(type) {
	case []float64:
		expNegAbs64(out, any(a).([]float64))
	case []float32:
		expNegAbs32(out, any(a).([]float32))
	}
}

func log1pUnit[T Float](out, e []T) {
	switch out := any(out).(type) {
	case []float64:
		log1pUnit64(out, any(e).([]float64))
	case []float32:
		log1pUnit32(out, any(e).([]float32))
	}
}

func map1s[T Float](exp, expNegAbs, log, log1p, tanh func(out, a []T)) map[string]func(out, a []T) {
	return map[string]func(out, a []T){
		"exp":      exp,
		"expnabs":  expNegAbs, // exp(-|u|)
		"log":      log,
		"log1p":    log1p,
		"tanh":     tanh,
		"sigmoid":  sigmoid[T],
		"softplus": softplus[T],
		"neg":      negMap[T],
		"relu":     relu[T],
		"abs":      absMap[T],
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

func negMap[T Float](out, a []T) {
	out = out[:len(a)]
	for i, u := range a {
		out[i] = -u
	}
}

func absMap[T Float](out, a []T) {
	out = out[:len(a)]
	for i, u := range a {
		if u < 0 {
			u = -u
		}
		out[i] = u + 0 // -0 becomes 0
	}
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
func sigmoid[T Float](out, a []T) {
	var strip [Rows]T
	for i := 0; i < len(a); i += Rows {
		z := a[i:min(i+Rows, len(a))]
		e, out := strip[:len(z)], out[i:i+len(z)]
		expNegAbs(e, z)
		for k, e := range e {
			r := 1 / (1 + e)
			if z[k] < 0 {
				r = T(r * e)
			}
			out[k] = r
		}
	}
}

// softplus is max(u, 0) + log1p(exp(-|u|)).
func softplus[T Float](out, a []T) {
	var strip [Rows]T
	for i := 0; i < len(a); i += Rows {
		z := a[i:min(i+Rows, len(a))]
		e, out := strip[:len(z)], out[i:i+len(z)]
		expNegAbs(e, z)
		log1pUnit(e, e)
		for k, l := range e {
			u := z[k]
			if u < 0 {
				u = 0
			}
			out[k] = u + l
		}
	}
}
