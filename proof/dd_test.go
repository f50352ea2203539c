package proof_test

import (
	"math"
	"math/big"
	"testing"
)

// dd is a number of about 32 digits, the sum of two floats that do not overlap (Dekker, Numer. Math. 18 (1971); Hida, Li and
// Bailey, ARITH-15 (2001)). It is the outside view in these tests: costs and optima are known to it far beyond float64.
type dd struct{ hi, lo float64 }

func d(x float64) dd { return dd{x, 0} }

func twoSum(a, b float64) dd {
	s := a + b
	t := s - a
	return dd{s, (a - (s - t)) + (b - t)}
}

func twoProd(a, b float64) dd {
	p := float64(a * b)
	return dd{p, math.FMA(a, b, -p)}
}

func (a dd) add(b dd) dd {
	s, t := twoSum(a.hi, b.hi), twoSum(a.lo, b.lo)
	s.lo += t.hi
	s = quick(s)
	s.lo += t.lo
	return quick(s)
}

func quick(a dd) dd {
	s := a.hi + a.lo
	return dd{s, a.lo - (s - a.hi)}
}

func (a dd) neg() dd        { return dd{-a.hi, -a.lo} }
func (a dd) sub(b dd) dd    { return a.add(b.neg()) }
func (a dd) float() float64 { return a.hi + a.lo }

func (a dd) mul(b dd) dd {
	p := twoProd(a.hi, b.hi)
	p.lo += float64(a.hi*b.lo) + float64(a.lo*b.hi)
	return quick(p)
}

func (a dd) div(b dd) dd {
	q := d(a.hi / b.hi)
	for range 2 {
		r := a.sub(q.mul(b))
		q = q.add(d(r.hi / b.hi))
	}
	return q
}

func (a dd) ldexp(e int) dd { return dd{math.Ldexp(a.hi, e), math.Ldexp(a.lo, e)} }

// ln 2 to 32 digits.
var ln2 = dd{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56}

// inverseFactorial[i] is 1/i!.
var inverseFactorial = func() (f [14]dd) {
	f[0] = d(1)
	for i := 1; i < len(f); i++ {
		f[i] = f[i-1].div(d(float64(i)))
	}
	return f
}()

func (a dd) exp() dd {
	if a.hi < -740 {
		return dd{}
	}
	k := math.Round(a.hi / math.Ln2)
	r := a.sub(ln2.mul(d(k))).ldexp(-8)
	// e^r - 1 by Taylor, then (1+v)² - 1 = 2v + v² eight times
	v := dd{}
	for i := len(inverseFactorial) - 1; i >= 1; i-- {
		v = v.add(inverseFactorial[i]).mul(r)
	}
	for range 8 {
		v = v.ldexp(1).add(v.mul(v))
	}
	return d(1).add(v).ldexp(int(k))
}

// log1p for 0 ≤ a ≤ 1.
func (a dd) log1p() dd {
	if a.hi < 1e-6 {
		s, t := dd{}, a
		for i := 1; i < 8; i++ {
			s = s.add(t.div(d(float64(i))))
			t = t.mul(a).neg()
		}
		return s
	}
	x := d(math.Log1p(a.hi))
	for range 2 {
		x = x.add(d(1).add(a).mul(x.neg().exp()).sub(d(1)))
	}
	return x
}

func (a dd) abs() dd {
	if a.hi < 0 {
		return a.neg()
	}
	return a
}

// logistic is y·softplus(-z) + (1-y)·softplus(z) and sigmoid(z) - y.
func (z dd) logistic(y float64) (loss, residual dd) {
	e := z.abs().neg().exp()
	loss = e.log1p()
	one := d(1).add(e)
	p, q := d(1).div(one), e.div(one)
	not := d(1).sub(d(y))
	if z.hi > 0 {
		loss = loss.add(not.mul(z))
	} else {
		loss = loss.sub(d(y).mul(z))
		p, q = q, p
	}
	return loss, not.mul(p).sub(d(y).mul(q))
}

// TestDigits checks the yardstick itself: e and ln 2 to 32 digits, exp against its inverse, log1p against exp.
func TestDigits(t *testing.T) {
	parse := func(s string) dd {
		f, _, err := big.ParseFloat(s, 10, 200, big.ToNearestEven)
		if err != nil {
			t.Fatal(err)
		}
		hi, _ := f.Float64()
		lo, _ := f.Sub(f, new(big.Float).SetFloat64(hi)).Float64()
		return dd{hi, lo}
	}
	close := func(what string, got, want dd) {
		t.Helper()
		if e := math.Abs(got.sub(want).div(want).float()); !(e < 1e-29) {
			t.Errorf("%s: relative error %g", what, e)
		}
	}
	close("e", d(1).exp(), parse("2.71828182845904523536028747135266249776"))
	close("ln 2", d(1).log1p(), parse("0.693147180559945309417232121458176568"))
	for _, x := range []float64{1e-20, 1e-7, 2e-6, 0.3, 0.5, 1} {
		close("exp(log1p(x))", d(x).log1p().exp(), d(1).add(d(x)))
	}
	for _, x := range []float64{0.1, 3, 40, 600} {
		close("exp(x)exp(-x)", d(x).exp().mul(d(-x).exp()), d(1))
	}
}
