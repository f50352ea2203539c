package scalar

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestSum(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 74))
	for range 200 {
		var s Sum
		exact := new(big.Float).SetPrec(4096)
		for range 500 {
			v := math.Ldexp(r.NormFloat64(), r.IntN(100)-50)
			for _, v := range []float64{v, -v * (1 + 0x1p-30)} { // nearly nothing is left
				s.Add(v)
				exact.Add(exact, new(big.Float).SetFloat64(v))
			}
		}
		want, _ := exact.Float64()
		if math.Abs(s.Value()-want) > 4*0x1p-53*math.Abs(want) {
			t.Errorf("%.17g, exactly %.17g", s.Value(), want)
		}
	}
	var s Sum
	for _, v := range []float64{1e16, 1, -1e16} {
		s.Add(v)
	}
	if s.Value() != 1 {
		t.Errorf("1e16 + 1 - 1e16 = %v", s.Value())
	}
	s.Add(math.Inf(1))
	if s.Add(1); !math.IsNaN(s.Value()) {
		t.Errorf("with an infinity: %v", s.Value())
	}
}

// TestFunctions compares with 20 digits of decimal arithmetic with 400.
func TestFunctions(t *testing.T) {
	near := func(what string, z, got, want float64) {
		if !(math.Abs(got-want) <= 4*0x1p-53*math.Abs(want)) {
			t.Errorf("%s(%v) = %.17g, want %.17g", what, z, got, want)
		}
	}
	for _, c := range []struct{ z, sigmoid, softplus float64 }{
		{-700, 9.8596765437597708567e-305, 9.8596765437597708567e-305},
		{-40, 4.2483542552915889773e-18, 4.2483542552915889863e-18},
		{-20.5, 1.2501528648238604416e-9, 1.2501528656053015349e-9},
		{-3, 4.7425873177566780879e-2, 4.8587351573742058759e-2},
		{-1, 2.6894142136999512075e-1, 3.1326168751822283405e-1},
		{-0.0009765625, 4.9975585939440255179e-1, 6.9265901851923012325e-1},
		{0, 5.0000000000000000000e-1, 6.9314718055994530942e-1},
		{0.5, 6.2245933120185456464e-1, 9.7407698418010668087e-1},
		{2, 8.8079707797788244406e-1, 2.1269280110429724964e+0},
		{20.5, 9.9999999874984713518e-1, 2.0500000001250152866e+1},
		{36.75, 9.9999999999999989043e-1, 3.6750000000000000110e+1},
		{50, 1.0000000000000000000e+0, 5.0000000000000000000e+1},
		{700, 1.0000000000000000000e+0, 7.0000000000000000000e+2},
	} {
		near("Sigmoid", c.z, Sigmoid(c.z), c.sigmoid)
		near("Softplus", c.z, Softplus(c.z), c.softplus)
		p, q := Sigmoids(c.z)
		near("Sigmoids", c.z, p, c.sigmoid)
		near("Sigmoids", -c.z, q, Sigmoid(-c.z))
		near("Loss at 0", c.z, Loss(c.z, 0), c.softplus)
		near("Loss at 1", -c.z, Loss(-c.z, 1), c.softplus)
		if c.z < 0 { // nothing cancels
			near("Loss at 1/4", c.z, Loss(c.z, 0.25), c.softplus-0.25*c.z)
		}
	}
	if Sigmoid(math.Inf(1)) != 1 || Sigmoid(math.Inf(-1)) != 0 || !math.IsNaN(Sigmoid(math.NaN())) || !math.IsNaN(Softplus(math.NaN())) ||
		Softplus(math.Inf(-1)) != 0 || !math.IsInf(Softplus(math.Inf(1)), 1) {
		t.Error("at the ends")
	}
}
