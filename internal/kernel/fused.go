package kernel

// fused is the table of fused kernels. A row may be left out without changing any result by more than rounding:
// the engine's tests run every model with this table empty.
func fused[T Float]() []Fused[T] {
	return []Fused[T]{
		{
			Equations: "L = softplus(z) - t*z; dz = sigmoid(z) - t; a = sigmoid(z); b = 1 - sigmoid(z); c = sigmoid(z)*(1 - sigmoid(z))",
			In:        []string{"z", "t"},
			Out:       []string{"L", "dz", "a", "b", "c"},
			Run:       softplusLine[T],
		},
		{
			Equations: "a = sigmoid(z); b = 1 - sigmoid(z); p = softplus(z); q = softplus(-z); c = sigmoid(z)*(1 - sigmoid(z))",
			In:        []string{"z"},
			Out:       []string{"a", "b", "p", "q", "c"},
			Run:       sigmoidPair[T],
		},
	}
}

// softplusLine is softplus(z) less the line t*z, with its first two derivatives: one exp, two divisions.
func softplusLine[T Float](out, in [][]T) {
	z, t := in[0], in[1]
	L, dz, a, b, c := out[0], out[1], out[2], out[3], out[4]
	var e, l [Rows]T
	for i := 0; i < len(z); i += Rows {
		n := min(Rows, len(z)-i)
		z, t := z[i:i+n], t[i:i+n]
		e := e[:n]
		expNegAbs(e, z)
		if L != nil {
			l := l[:n]
			log1pUnit(l, e)
			L := L[i : i+n]
			for k, u := range z {
				v := u
				if v < 0 {
					v = 0
				}
				L[k] = (v - T(t[k]*u)) + l[k] // the small part last
			}
		}
		if dz == nil && a == nil && b == nil && c == nil {
			continue
		}
		if dz != nil && a == nil && b == nil && c == nil {
			dz := dz[i : i+n]
			for k, e := range e {
				r := 1 / (1 + e)
				if z[k] < 0 {
					r = T(r * e)
				}
				dz[k] = r - t[k]
			}
			continue
		}
		for k, e := range e {
			r := 1 / (1 + e)
			q := T(e * r)
			if c != nil {
				c[i+k] = r * q
			}
			p := r
			if z[k] < 0 {
				p, q = q, p
			}
			if dz != nil {
				dz[i+k] = p - t[k]
			}
			if a != nil {
				a[i+k] = p
			}
			if b != nil {
				b[i+k] = q
			}
		}
	}
}

// sigmoidPair is sigmoid and softplus of z and of -z: one exp for four.
func sigmoidPair[T Float](out, in [][]T) {
	z := in[0]
	a, b, p, q, c := out[0], out[1], out[2], out[3], out[4]
	var e, l [Rows]T
	for i := 0; i < len(z); i += Rows {
		n := min(Rows, len(z)-i)
		z := z[i : i+n]
		e := e[:n]
		expNegAbs(e, z)
		if p != nil || q != nil {
			l := l[:n]
			log1pUnit(l, e)
			if p != nil {
				p := p[i : i+n]
				for k, u := range z {
					if u < 0 {
						u = 0
					}
					p[k] = u + l[k]
				}
			}
			if q != nil {
				q := q[i : i+n]
				for k, u := range z {
					u = -u
					if u < 0 {
						u = 0
					}
					q[k] = u + l[k]
				}
			}
		}
		if a == nil && b == nil && c == nil {
			continue
		}
		for k, e := range e {
			r := 1 / (1 + e)
			s := T(e * r)
			if c != nil {
				c[i+k] = r * s
			}
			if z[k] < 0 {
				r, s = s, r
			}
			if a != nil {
				a[i+k] = r
			}
			if b != nil {
				b[i+k] = s
			}
		}
	}
}
