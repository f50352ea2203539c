package kernel

import "math"

// The float32 forms: the same formulas with shorter polynomials. log and log1p outside [0, 1] go through float64.

const (
	f0 = 0.5
	f1 = 0.16666578
	f2 = 0.041666556
	f3 = 0.008363173
	f4 = 0.0013926176

	h0 = 0.3333332
	h1 = 0.2000378
	h2 = 0.1411831
	h3 = 0.1342575

	log2e32 = 1.442695
	ln2Hi32 = 0.693145751953125 // 0x3f317200: 9 trailing zeros and more, n*ln2Hi32 is exact
	ln2Lo32 = 1.4286068e-06
	shift32 = 3 << 22

	shiftBits32 = 0x4b400000
)

func expCore32(x float32) (p float32, n int32) {
	t := float32(x*log2e32) + shift32
	k := t - shift32
	r := (x - float32(k*ln2Hi32)) - float32(k*ln2Lo32)
	q := f3 + float32(f4*r)
	q = f2 + float32(q*r)
	q = f1 + float32(q*r)
	q = f0 + float32(q*r)
	return r + float32(float32(r*r)*q), int32(math.Float32bits(t)) - shiftBits32
}

func abs32(u float32) float32 { return math.Float32frombits(math.Float32bits(u) &^ (1 << 31)) }

func pow2f(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

func expNegAbs32(out, a []float32) {
	out = out[:len(a)]
	for i, u := range a {
		x := -abs32(u)
		if x < -104.5 {
			x = -104.5
		}
		p, n := expCore32(x)
		if n < -125 {
			out[i] = (1 + p) * pow2f(n+64) * 0x1p-64
			continue
		}
		out[i] = (1 + p) * pow2f(n)
	}
}

func exp32(out, a []float32) {
	out = out[:len(a)]
	for i, x := range a {
		if x < -104.5 {
			x = -104.5
		}
		if x > 89 {
			x = 89
		}
		p, n := expCore32(x)
		switch {
		case n < -125:
			out[i] = (1 + p) * pow2f(n+64) * 0x1p-64
		case n > 126:
			out[i] = (1 + p) * pow2f(n-2) * 4
		default:
			out[i] = (1 + p) * pow2f(n)
		}
	}
}

func tanh32(out, a []float32) {
	out = out[:len(a)]
	for i, u := range a {
		x := -2 * abs32(u)
		if x < -40 {
			x = -40
		}
		p, n := expCore32(x)
		s := pow2f(n)
		t := float32(s*p) + (s - 1)
		t = -t / (2 + t)
		out[i] = math.Float32frombits(math.Float32bits(t)&^(1<<31) | math.Float32bits(u)&(1<<31))
	}
}

func log1pUnit32(out, e []float32) {
	out = out[:len(e)]
	for i, e := range e {
		s := (e + e) / (e + 2)
		w := s * s
		q := h2/(1<<6) + float32(h3/(1<<8)*w)
		q = h1/(1<<4) + float32(q*w)
		q = h0/(1<<2) + float32(q*w)
		out[i] = s + float32(float32(s*w)*q)
	}
}

func log32(out, a []float32) {
	out = out[:len(a)]
	var v [1]float64
	for i, x := range a {
		v[0] = float64(x)
		log64(v[:], v[:])
		out[i] = float32(v[0])
	}
}

func log1p32(out, a []float32) {
	out = out[:len(a)]
	var v [1]float64
	for i, x := range a {
		if x >= 0 && x <= 1 {
			log1pUnit32(out[i:i+1], a[i:i+1])
			continue
		}
		v[0] = float64(x)
		log1p64(v[:], v[:])
		out[i] = float32(v[0])
	}
}
