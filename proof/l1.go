package proof

import "math"

// l1 is what |w_j| costs, times m; the bias has no penalty.
func (p *Problem) l1(j int) float64 {
	if j >= len(p.L1) {
		return 0
	}
	return p.L1[j]
}

// sparse: there is an L1 penalty, so that J has no Hessian and only the duality gap bounds it.
func (p *Problem) sparse() bool {
	for _, v := range p.L1 {
		if v > 0 {
			return true
		}
	}
	return false
}

// subgradient is the subgradient of least size in component j, from the derivative g of the smooth part, both times m.
func (p *Problem) subgradient(j int, g, theta float64) float64 {
	l := p.l1(j)
	switch {
	case l == 0:
		return g
	case theta > 0:
		return g + l
	case theta < 0:
		return g - l
	}
	return soften(g, l)
}

// soften moves v towards 0 by l, not beyond.
func soften(v, l float64) float64 {
	return math.Copysign(math.Max(math.Abs(v)-l, 0), v)
}

// shrink is the largest factor, at most 1, that takes v, which is off by at most d (nil: not at all), into the box |v_j| ≤ l1_j of
// all weights that have only an L1 penalty.
func (p *Problem) shrink(v, d []float64) float64 {
	c := 1.0
	for j := range max(len(p.Lambda), len(p.L1)) {
		if p.lambda(j) > 0 {
			continue
		}
		size := math.Abs(v[j])
		if d != nil {
			size += d[j]
		}
		if l := p.l1(j); size*c > l {
			c = l / size * (1 - 4*unit)
		}
	}
	return c
}

// conjugate adds to left, for every weight, the penalty of w and its conjugate at shrink·v: the penalty λ/2·w² + κ|w| has the conjugate
// (|v| - κ)₊²/(2λ), or with λ = 0 the box |v| ≤ κ, which shrink sees to. v is off by at most d: what that makes of
// the sum is returned; rounding here goes to errors.
func (p *Problem) conjugate(w, v, d []float64, shrink float64, left, errors *sum) (errV float64) {
	for j, x := range w {
		l, k := p.lambda(j), p.l1(j)
		size := math.Abs(shrink * v[j])
		over := math.Max(size-k, 0)
		left.add(l * x * x / 2)
		if k > 0 {
			left.add(k * math.Abs(x))
			errors.add(4 * k * math.Abs(x))
		}
		if l == 0 {
			continue
		}
		left.add(over * over / (2 * l))
		errors.add(4 * (l*x*x + over*(size+k)/l))
		errV += d[j] * (over + d[j]) / l
	}
	return errV
}

// swing bounds |Σ x_j w*_j|, where the penalty of w* is at most m·J = total, of the weights from first on. Those with an L2 penalty have
// Σ λ_j w_j²/2 ≤ total, those with an L1 penalty Σ κ_j|w_j| ≤ total; a weight that has both may take either, all of them the same one.
func (p *Problem) swing(total float64, first int, x []float64) float64 {
	var q, most, all float64
	for j, v := range x {
		v = math.Abs(v)
		l, k := p.lambda(first+j), p.l1(first+j)
		if l > 0 {
			q += v * v / l
		} else if v > 0 {
			most = math.Max(most, v/k)
		}
		if v > 0 {
			all = math.Max(all, v/k)
		}
	}
	return math.Min(math.Sqrt(2*total)*math.Sqrt(q)+total*most, total*all)
}

// entropyOf is -q·log q - r·log r for r = 1 - q, both given, and |log q| + |log r| without what is infinite.
func entropyOf(q, r float64) (h, logs float64) {
	for _, v := range [2][2]float64{{q, r}, {r, q}} {
		if v[0] <= 0 {
			continue
		}
		log := -math.Log(v[0])
		if v[0] > 0.5 {
			log = -math.Log1p(-v[1])
		}
		h += float64(v[0] * log)
		logs += log
	}
	return h, logs
}

// entropyTowards is -Σ q log q of q = e_y + shrink·(q - e_y).
func (s *scores) entropyTowards(y int32, shrink float64) float64 {
	rest := shrink * s.rest(int(y)) // 1 - q_y
	h := 0.0
	if rest < 1 {
		q := (1 - shrink) + shrink*s.probability(int(y))
		log := -math.Log(q)
		if q > 0.5 {
			log = -math.Log1p(-rest)
		}
		h = q * log
	}
	for k := range s.e {
		if q := shrink * s.probability(k); int32(k) != y && q > 0 {
			h -= float64(q * math.Log(q))
		}
	}
	return h
}
