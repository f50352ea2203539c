package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// References in 300-bit arithmetic, from series.

var ln2Big = func() *big.Float { // Σ 1/(k 2^k)
	sum, power := fl(0), fl(1)
	for k := 1; k < 330; k++ {
		power = quo(power, fl(2))
		sum = add(sum, quo(power, fl(float64(k))))
	}
	return sum
}()

// bigExp is exp(x) for |x| ≤ 1100.
func bigExp(x *big.Float) *big.Float {
	q, _ := quo(x, ln2Big).Float64()
	n := math.Round(q)
	r := sub(x, mul(ln2Big, fl(n)))
	e := add(add(fl(1), r), mul(mul(r, r), expTail(r)))
	return new(big.Float).SetPrec(bits).SetMantExp(e, int(n))
}

// bigLog is log(x) for x > 0: Newton's step on exp, from the float64 logarithm.
func bigLog(x *big.Float) *big.Float {
	mant := new(big.Float)
	exp := x.MantExp(mant)
	m, _ := mant.Float64()
	y := fl(math.Log(m))
	for range 5 {
		e := bigExp(y)
		y = add(y, quo(sub(mant, e), e))
	}
	return add(y, mul(ln2Big, fl(float64(exp))))
}

func bigSigmoid(u *big.Float) *big.Float  { return quo(fl(1), add(fl(1), bigExp(neg(u)))) }
func bigSoftplus(u *big.Float) *big.Float { return bigLog(add(fl(1), bigExp(u))) }
func bigTanh(u *big.Float) *big.Float {
	e := bigExp(add(u, u))
	return quo(sub(e, fl(1)), add(e, fl(1)))
}
func neg(u *big.Float) *big.Float { return sub(fl(0), u) }

// ulps is the distance of got from want in units of the last place of want in the type's precision.
func ulps(got float64, want *big.Float, mantissa, minExp int) float64 {
	if want.Sign() == 0 {
		return math.Abs(got) * 0x1p1000 * 0x1p74
	}
	exp := max(want.MantExp(nil)-mantissa, minExp)
	d := sub(fl(got), want)
	f, _ := new(big.Float).SetMantExp(d, -exp).Float64()
	return math.Abs(f)
}

type accuracyCase struct {
	name   string
	truth  func(*big.Float) *big.Float
	lo, hi float64
	log    bool // draw the logarithm of |u|, with both signs if lo < 0
	bound  float64
}

var accuracy = []accuracyCase{
	{"exp", bigExp, -745, 709.7, false, 1},
	{"exp", bigExp, -1e-20, 1, true, 1},
	{"expnabs", func(u *big.Float) *big.Float { return bigExp(neg(new(big.Float).Abs(u))) }, -745, 745, false, 1},
	{"expnabs", func(u *big.Float) *big.Float { return bigExp(neg(new(big.Float).Abs(u))) }, -2, 2, false, 1},
	{"log", bigLog, 1e-300, 1e300, true, 0.8},
	{"log", bigLog, 0.4, 2.5, false, 0.8},
	{"log1p", func(u *big.Float) *big.Float { return bigLog(add(fl(1), u)) }, 1e-25, 1e20, true, 1.8},
	{"log1p", func(u *big.Float) *big.Float { return bigLog(add(fl(1), u)) }, -0.999, 3, false, 1.8},
	{"tanh", bigTanh, -30, 30, false, 2.6},
	{"tanh", bigTanh, -1e-20, 1, true, 2.6},
	{"sigmoid", bigSigmoid, -40, 40, false, 2},
	{"sigmoid", bigSigmoid, -700, 700, false, 2},
	{"softplus", bigSoftplus, -40, 40, false, 2.5},
	{"softplus", bigSoftplus, -150, 700, false, 2.5},
}

func draw(r *rand.Rand, c accuracyCase, limit float64) float64 {
	if !c.log {
		lo, hi := max(c.lo, -limit), min(c.hi, limit)
		return lo + (hi-lo)*r.Float64()
	}
	lo, hi := math.Log(math.Abs(c.lo)), math.Log(c.hi)
	u := math.Exp(lo + (hi-lo)*r.Float64())
	if c.lo < 0 && r.IntN(2) == 0 {
		u = -u
	}
	return u
}

func TestAccuracy(t *testing.T) {
	n := 60 // the documented figures are of 4000
	if testing.Short() {
		n = 20
	}
	r := rand.New(rand.NewPCG(1, 5))
	set64, set32 := Best[float64](), Best[float32]() // a step of rows, so that it is the vector loop that runs; the others have its bits
	for _, c := range accuracy {
		worst, at := 0.0, 0.0
		for range n {
			u := draw(r, c, math.Inf(1))
			var out [64]float64
			set64.Map1[c.name](out[:], slices.Repeat([]float64{u}, 64))
			if d := ulps(out[0], c.truth(fl(u)), 53, -1074); d > worst || d != d {
				worst, at = d, u
			}
		}
		t.Logf("%-8s float64 [%g, %g]: %.2f ulp at %v", c.name, c.lo, c.hi, worst, at)
		if !(worst <= c.bound) {
			t.Errorf("%s: %.2f ulp at %v, documented %v", c.name, worst, at, c.bound)
		}
		worst = 0
		for range n {
			u := float32(draw(r, c, 80))
			var out [64]float32
			set32.Map1[c.name](out[:], slices.Repeat([]float32{u}, 64))
			if math.IsInf(float64(out[0]), 0) || u == 0 {
				continue
			}
			if d := ulps(float64(out[0]), c.truth(fl(float64(u))), 24, -149); d > worst || d != d {
				worst, at = d, float64(u)
			}
		}
		t.Logf("%-8s float32: %.2f ulp at %v", c.name, worst, at)
		if !(worst <= c.bound+0.2) {
			t.Errorf("%s float32: %.2f ulp at %v, documented %v", c.name, worst, at, c.bound+0.2)
		}
	}
}

var nan, inf = math.NaN(), math.Inf(1)

func TestExtremes(t *testing.T) {
	for _, c := range []struct {
		op       string
		u, want  float64
		relative float64
	}{
		{"exp", 0, 1, 0}, {"exp", math.Copysign(0, -1), 1, 0}, {"exp", 1000, inf, 0}, {"exp", -1000, 0, 0},
		{"exp", inf, inf, 0}, {"exp", -inf, 0, 0}, {"exp", nan, nan, 0}, {"exp", 1e308, inf, 0}, {"exp", -1e308, 0, 0},
		{"exp", -745, 5e-324, 0}, {"exp", 709.782712893384, 1.7976931348622732e+308, 1e-15}, {"exp", 709.79, inf, 0},
		{"exp", -708.5, 2.006132305331306e-308, 0}, {"exp", 40, 2.3538526683702e17, 1e-15},
		{"expnabs", 0, 1, 0}, {"expnabs", 1000, 0, 0}, {"expnabs", -1000, 0, 0}, {"expnabs", inf, 0, 0},
		{"expnabs", -inf, 0, 0}, {"expnabs", nan, nan, 0}, {"expnabs", 745, 5e-324, 0}, {"expnabs", -745, 5e-324, 0},
		{"expnabs", 1e308, 0, 0}, {"expnabs", 40, 4.248354255291589e-18, 1e-15},
		{"log", 0, -inf, 0}, {"log", math.Copysign(0, -1), -inf, 0}, {"log", 1, 0, 0}, {"log", -1, nan, 0}, {"log", inf, inf, 0},
		{"log", -inf, nan, 0}, {"log", nan, nan, 0}, {"log", 5e-324, -744.4400719213812, 1e-15}, {"log", 1e308, 709.1962086421661, 1e-15},
		{"log", 1e-310, -713.8013788281542, 1e-15},
		{"log1p", 0, 0, 0}, {"log1p", math.Copysign(0, -1), math.Copysign(0, -1), 0}, {"log1p", -1, -inf, 0}, {"log1p", -2, nan, 0},
		{"log1p", inf, inf, 0}, {"log1p", nan, nan, 0}, {"log1p", 1e308, 709.1962086421661, 1e-15}, {"log1p", 1e-300, 1e-300, 0},
		{"log1p", -1e-300, -1e-300, 0}, {"log1p", 5e-324, 5e-324, 0}, {"log1p", -inf, nan, 0},
		{"tanh", 0, 0, 0}, {"tanh", math.Copysign(0, -1), math.Copysign(0, -1), 0}, {"tanh", 1000, 1, 0}, {"tanh", -1000, -1, 0},
		{"tanh", inf, 1, 0}, {"tanh", -inf, -1, 0}, {"tanh", nan, nan, 0}, {"tanh", 1e308, 1, 0}, {"tanh", 1e-300, 1e-300, 0},
		{"sigmoid", 0, 0.5, 0}, {"sigmoid", 1000, 1, 0}, {"sigmoid", -1000, 0, 0}, {"sigmoid", inf, 1, 0}, {"sigmoid", -inf, 0, 0},
		{"sigmoid", nan, nan, 0}, {"sigmoid", -40, 4.248354255291589e-18, 1e-15}, {"sigmoid", 40, 1, 0}, {"sigmoid", -745, 5e-324, 0},
		{"softplus", 0, math.Ln2, 2e-16}, {"softplus", 1000, 1000, 0}, {"softplus", -1000, 0, 0}, {"softplus", inf, inf, 0},
		{"softplus", -inf, 0, 0}, {"softplus", nan, nan, 0}, {"softplus", -40, 4.248354255291589e-18, 1e-15}, {"softplus", 1e308, 1e308, 0},
		{"neg", 0, math.Copysign(0, -1), 0}, {"neg", nan, nan, 0}, {"relu", nan, nan, 0}, {"relu", -inf, 0, 0}, {"relu", inf, inf, 0},
		{"abs", math.Copysign(0, -1), 0, 0}, {"abs", -inf, inf, 0}, {"abs", nan, nan, 0},
	} {
		out := []float64{0}
		Plain[float64]().Map1[c.op](out, []float64{c.u})
		if got := out[0]; !(math.Float64bits(got) == math.Float64bits(c.want) || got != got && c.want != c.want ||
			math.Abs(got-c.want) <= c.relative*math.Abs(c.want)) {
			t.Errorf("%s(%v) = %v, want %v", c.op, c.u, got, c.want)
		}
		u := float32(c.u)
		if c.want != c.want || math.IsInf(c.u, 0) || c.u == 0 || math.Abs(c.u) == 1000 {
			out := []float32{0}
			Plain[float32]().Map1[c.op](out, []float32{u})
			want := float32(c.want)
			if got := out[0]; !(math.Float32bits(got) == math.Float32bits(want) || got != got && want != want ||
				math.Abs(float64(got-want)) <= 1e-6*math.Abs(float64(want))) {
				t.Errorf("float32 %s(%v) = %v, want %v", c.op, u, got, want)
			}
		}
	}
}

func TestTwoArguments(t *testing.T) {
	for _, c := range []struct {
		op         string
		u, v, want float64
	}{
		{"max", 1, 2, 2}, {"max", -inf, 3, 3}, {"max", nan, 1, nan}, {"max", 1, nan, nan}, {"max", inf, nan, nan},
		{"max", math.Copysign(0, -1), 0, 0}, {"max", 0, math.Copysign(0, -1), 0}, {"max", inf, inf, inf},
		{"gt", 1, 0, 1}, {"gt", 0, 0, 0}, {"gt", nan, 0, 0}, {"gt", 0, nan, 0}, {"gt", inf, 1, 1},
		{"mask", nan, 0, 0}, {"mask", inf, 0, 0}, {"mask", 3, 2, 6}, {"mask", nan, 1, nan},
		{"div", 1, 0, inf}, {"div", 0, 0, nan}, {"sub", inf, inf, nan}, {"add", 1e308, 1e308, inf}, {"mul", 0, inf, nan},
	} {
		out := []float64{0}
		Plain[float64]().Map2[c.op](out, []float64{c.u}, []float64{c.v})
		if got := out[0]; math.Float64bits(got) != math.Float64bits(c.want) && (got == got || c.want == c.want) {
			t.Errorf("%s(%v, %v) = %v, want %v", c.op, c.u, c.v, got, c.want)
		}
	}
	sign := []float64{1, 0, math.Copysign(0, -1), -1, nan, -inf}
	out := make([]float64, 6)
	Plain[float64]().Map3["pick"](out, sign, []float64{1, 1, 1, nan, 1, nan}, []float64{nan, nan, nan, 2, 2, 2})
	for i, want := range []float64{1, 1, 1, 2, nan, 2} {
		if out[i] != want && (out[i] == out[i] || want == want) {
			t.Errorf("pick(%v) = %v, want %v", sign[i], out[i], want)
		}
	}
}
