package kernel

import "math"

// The transcendental kernels, one loop each, written so that a vector unit can follow them operation by operation.
//
//	exp(x)   = 2^n (1 + r + r² E(r)),  n = round(x/ln 2),  r = x - n ln2Hi - n ln2Lo,  |r| ≤ ln(2)/2
//	log1p(e) = s + s·w·G(w),  s = 2e/(e+2),  w = (s/2)² ≤ 1/9,  for 0 ≤ e ≤ 1: atanh's series, no exponent to extract
//	log(x)   = fdlibm's e_log.c and s_log1p.c (Sun Microsystems, 1993)
//	tanh(u)  = -t/(2+t),  t = expm1(-2|u|) = 2^n (r + r² E(r)) + (2^n - 1)
//
// E (summed in pairs of powers, which halves the chain) and G interpolate at Chebyshev points; coefficient_test.go makes
// them again. Splitting ln 2 into a part whose
// product with n is exact and a rest: Cody and Waite, Software Manual for the Elementary Functions (1980), chapter 6.
//
// Measured against 300-bit arithmetic (accuracy_test.go, float64, in units of the last place of the true value):
// exp 1.0, expnabs 1.0, log 0.8, log1p 1.7, tanh 2.6, sigmoid 2.0, softplus 2.4; float32 the same.
// NaN gives NaN; ±Inf and subnormal results are right.

const (
	e0 = 0.5000000000000001
	e1 = 0.16666666666666669
	e2 = 0.041666666666624164
	e3 = 0.008333333333330065
	e4 = 0.0013888888917196719
	e5 = 0.00019841269863040545
	e6 = 2.4801521322368692e-05
	e7 = 2.7557268480310024e-06
	e8 = 2.7620075879983367e-07
	e9 = 2.5100375832561234e-08

	g0 = 0.3333333333333333
	g1 = 0.20000000000007292
	g2 = 0.1428571428355438
	g3 = 0.11111111358713932
	g4 = 0.09090894718066429
	g5 = 0.07692785032479312
	g6 = 0.06657072104827468
	g7 = 0.06000536404795356
	g8 = 0.04400369243072337
	g9 = 0.08082022805971766

	log2e = 1.4426950408889634
	ln2Hi = 6.93147180369123816490e-01 // 0x3fe62e42fee00000: 21 trailing zeros, n*ln2Hi is exact
	ln2Lo = 1.90821492927058770002e-10 // 0x3dea39ef35793c76
	// round to an integer by adding and subtracting: the last place of a float64 in [2^52, 2^53) is 1
	shift64 = 3 << 51

	// fdlibm e_log.c
	l1 = 6.666666666666735130e-01
	l2 = 3.999999999940941908e-01
	l3 = 2.857142874366239149e-01
	l4 = 2.222219843214978396e-01
	l5 = 1.818357216161805012e-01
	l6 = 1.531383769920937332e-01
	l7 = 1.479819860511658591e-01
)

// expCore gives p = exp(r) - 1 and n for x = n ln 2 + r, |x| < 1100.
func expCore(x float64) (p float64, n int64) {
	t := float64(x*log2e) + shift64
	k := t - shift64
	r := (x - float64(k*ln2Hi)) - float64(k*ln2Lo)
	s := r * r
	q := (e6 + float64(e7*r)) + float64(s*(e8+float64(e9*r)))
	q = (e4 + float64(e5*r)) + float64(s*q)
	q = (e2 + float64(e3*r)) + float64(s*q)
	q = (e0 + float64(e1*r)) + float64(s*q)
	return r + float64(s*q), int64(math.Float64bits(t)) - shiftBits64
}

const shiftBits64 = 0x4338000000000000

// pow2 is 2^n for -1022 ≤ n ≤ 1023.
func pow2(n int64) float64 { return math.Float64frombits(uint64(n+1023) << 52) }

// expNegAbs64 is out = exp(-|u|), also at infinity and where the result is subnormal.
func expNegAbs64(out, a []float64) {
	out = out[:len(a)]
	for i, u := range a {
		x := -math.Abs(u)
		if x < -746 {
			x = -746 // exp(-746) is 0
		}
		t := float64(x*log2e) + shift64
		k := t - shift64
		r := (x - float64(k*ln2Hi)) - float64(k*ln2Lo)
		s := r * r
		q := (e6 + float64(e7*r)) + float64(s*(e8+float64(e9*r)))
		q = (e4 + float64(e5*r)) + float64(s*q)
		q = (e2 + float64(e3*r)) + float64(s*q)
		q = (e0 + float64(e1*r)) + float64(s*q)
		p := 1 + (r + float64(s*q))
		n := int64(math.Float64bits(t)) - shiftBits64
		if n < -1021 {
			out[i] = p * pow2(n+128) * 0x1p-128 // one rounding, into the subnormals
			continue
		}
		out[i] = p * pow2(n)
	}
}

// exp64 is out = exp(u).
func exp64(out, a []float64) {
	out = out[:len(a)]
	for i, x := range a {
		if x < -746 {
			x = -746
		}
		if x > 710 {
			x = 710 // exp(710) is +Inf
		}
		p, n := expCore(x)
		switch {
		case n < -1021:
			out[i] = (1 + p) * pow2(n+128) * 0x1p-128
		case n > 1022:
			out[i] = (1 + p) * pow2(n-2) * 4
		default:
			out[i] = (1 + p) * pow2(n)
		}
	}
}

// tanh64 is out = tanh(u).
func tanh64(out, a []float64) {
	out = out[:len(a)]
	for i, u := range a {
		x := -2 * math.Abs(u)
		if x < -80 {
			x = -80
		}
		p, n := expCore(x)
		s := pow2(n)
		t := float64(s*p) + (s - 1)
		out[i] = math.Copysign(-t/(2+t), u)
	}
}

// log1pUnit64 is out = log(1+e) for 0 ≤ e ≤ 1.
func log1pUnit64(out, e []float64) {
	out = out[:len(e)]
	for i, e := range e {
		s := (e + e) / (e + 2)
		w := s * s
		q := g8/(1<<18) + float64(g9/(1<<20)*w)
		q = g7/(1<<16) + float64(q*w)
		q = g6/(1<<14) + float64(q*w)
		q = g5/(1<<12) + float64(q*w)
		q = g4/(1<<10) + float64(q*w)
		q = g3/(1<<8) + float64(q*w)
		q = g2/(1<<6) + float64(q*w)
		q = g1/(1<<4) + float64(q*w)
		q = g0/(1<<2) + float64(q*w)
		out[i] = s + float64(float64(s*w)*q)
	}
}

// logCore is k*ln2 + log(1+f) + c for sqrt(1/2) < 1+f < sqrt(2), c a small correction (fdlibm).
func logCore(f, k, c float64) float64 {
	hfsq := float64(float64(0.5*f) * f)
	s := f / (2 + f)
	z := s * s
	r := l6 + float64(l7*z)
	r = l5 + float64(r*z)
	r = l4 + float64(r*z)
	r = l3 + float64(r*z)
	r = l2 + float64(r*z)
	r = l1 + float64(r*z)
	r = float64(r * z)
	return float64(k*ln2Hi) - ((hfsq - (float64(s*(hfsq+r)) + (float64(k*ln2Lo) + c))) - f)
}

// split gives f and k with x = 2^k (1+f), sqrt(1/2) ≤ 1+f < sqrt(2), for x positive and normal.
func split(x float64) (f, k float64) {
	b := math.Float64bits(x)
	b -= 0x3fe6a09e667f3bcd // sqrt(1/2)
	n := int64(b) >> 52
	return math.Float64frombits(b-uint64(n)<<52+0x3fe6a09e667f3bcd) - 1, float64(n)
}

// log64 is out = log(u).
func log64(out, a []float64) {
	out = out[:len(a)]
	for i, x := range a {
		switch {
		case !(x > 0):
			if x == 0 {
				out[i] = math.Inf(-1)
			} else {
				out[i] = math.NaN()
			}
		case x > math.MaxFloat64:
			out[i] = x
		case x < 0x1p-1022:
			f, k := split(x * 0x1p54)
			out[i] = logCore(f, k-54, 0)
		default:
			f, k := split(x)
			out[i] = logCore(f, k, 0)
		}
	}
}

// log1p64 is out = log(1+u).
func log1p64(out, a []float64) {
	out = out[:len(a)]
	for i, x := range a {
		switch {
		case x >= 0 && x <= 1:
			log1pUnit64(out[i:i+1], a[i:i+1])
		case x > -0.25 && x < 0:
			if x > -0x1p-54 {
				out[i] = x
				continue
			}
			out[i] = logCore(x, 0, 0)
		case !(x > -1):
			if x == -1 {
				out[i] = math.Inf(-1)
			} else {
				out[i] = math.NaN()
			}
		case x > math.MaxFloat64:
			out[i] = x
		default:
			u := 1 + x
			c := x - (u - 1) // what 1+x lost
			if x > 1 {
				c = 1 - (u - x)
			}
			f, k := split(u)
			out[i] = logCore(f, k, c/u)
		}
	}
}
