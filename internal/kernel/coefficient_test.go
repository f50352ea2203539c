package kernel

import (
	"math"
	"math/big"
	"testing"
)

// The polynomials of transcend.go are interpolants at Chebyshev points, made here in 300-bit arithmetic.
// The test makes them again and compares bit for bit, so that no constant is without a source.

const bits = 300

func fl(x float64) *big.Float { return new(big.Float).SetPrec(bits).SetFloat64(x) }

func op(f func(z, a, b *big.Float) *big.Float, a, b *big.Float) *big.Float {
	return f(new(big.Float).SetPrec(bits), a, b)
}

func add(a, b *big.Float) *big.Float { return op((*big.Float).Add, a, b) }
func sub(a, b *big.Float) *big.Float { return op((*big.Float).Sub, a, b) }
func mul(a, b *big.Float) *big.Float { return op((*big.Float).Mul, a, b) }
func quo(a, b *big.Float) *big.Float { return op((*big.Float).Quo, a, b) }

// expTail is (exp(r) - 1 - r)/r^2 = Σ r^k/(k+2)!.
func expTail(r *big.Float) *big.Float {
	sum, term := fl(0), fl(0.5)
	for k := 3; k < 80; k++ {
		sum = add(sum, term)
		term = quo(mul(term, r), fl(float64(k)))
	}
	return sum
}

// atanhTail is (atanh(s)/s - 1)/w with w = s^2: Σ w^k/(2k+3).
func atanhTail(w *big.Float) *big.Float {
	sum, power := fl(0), fl(1)
	for k := 0; k < 120; k++ {
		sum = add(sum, quo(power, fl(float64(2*k+3))))
		power = mul(power, w)
	}
	return sum
}

// interpolate gives the monomial coefficients of the polynomial of the given degree through f at the
// Chebyshev points of [lo, hi] (Newton's divided differences, then Horner on polynomials).
func interpolate(f func(*big.Float) *big.Float, lo, hi float64, degree int) []*big.Float {
	n := degree + 1
	x, d := make([]*big.Float, n), make([]*big.Float, n)
	for i := range x {
		x[i] = fl((lo+hi)/2 + (hi-lo)/2*math.Cos(math.Pi*(float64(i)+0.5)/float64(n)))
		d[i] = f(x[i])
	}
	for k := 1; k < n; k++ {
		for i := n - 1; i >= k; i-- {
			d[i] = quo(sub(d[i], d[i-1]), sub(x[i], x[i-k]))
		}
	}
	c := make([]*big.Float, n)
	for i := range c {
		c[i] = fl(0)
	}
	for k := n - 1; k >= 0; k-- { // c = c*(x - x[k]) + d[k]
		for i := n - 1; i > 0; i-- {
			c[i] = sub(c[i-1], mul(c[i], x[k]))
		}
		c[0] = add(sub(fl(0), mul(c[0], x[k])), d[k])
	}
	return c
}

func TestCoefficients(t *testing.T) {
	half := 0.34657359027997264 // ln(2)/2
	for _, c := range []struct {
		name   string
		f      func(*big.Float) *big.Float
		lo, hi float64
		in64   []float64
		in32   []float32
	}{
		{name: "exp float64", f: expTail, lo: -half, hi: half, in64: []float64{e0, e1, e2, e3, e4, e5, e6, e7, e8, e9}},
		{name: "exp float32", f: expTail, lo: -half, hi: half, in32: []float32{f0, f1, f2, f3, f4}},
		{name: "log1p float64", f: atanhTail, lo: 0, hi: 1. / 9, in64: []float64{g0, g1, g2, g3, g4, g5, g6, g7, g8, g9}},
		{name: "log1p float32", f: atanhTail, lo: 0, hi: 1. / 9, in32: []float32{h0, h1, h2, h3}},
	} {
		n := max(len(c.in64), len(c.in32))
		for i, want := range interpolate(c.f, c.lo, c.hi, n-1) {
			if c.in64 != nil {
				if w, _ := want.Float64(); w != c.in64[i] {
					t.Errorf("%s, power %d: %x, want %x", c.name, i, c.in64[i], w)
				}
			} else if w, _ := want.Float32(); w != c.in32[i] {
				t.Errorf("%s, power %d: %x, want %x", c.name, i, c.in32[i], w)
			}
		}
	}
}
