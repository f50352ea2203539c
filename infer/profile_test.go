package infer_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/descent-ml/descent/infer"
)

// binomial is the log likelihood of k successes in n with log-odds θ_0, plus that of j in m with log-odds θ_0 + θ_1.
func binomial(k, n, j, m float64) infer.Surface {
	return func(_ context.Context, theta []float64) (infer.Point, error) {
		p := infer.Point{Theta: theta, Score: make([]float64, 2), Information: make([]float64, 4)}
		for _, g := range []struct{ k, n, z, x float64 }{{k, n, theta[0], 0}, {j, m, theta[0] + theta[1], 1}} {
			a := 1 / (1 + math.Exp(-g.z))
			p.Value -= g.k*math.Log1p(math.Exp(-g.z)) + (g.n-g.k)*math.Log1p(math.Exp(g.z))
			p.Score[0] += g.k - g.n*a
			p.Score[1] += (g.k - g.n*a) * g.x
			v := g.n * a * (1 - a)
			p.Information[0] += v
			p.Information[1] += v * g.x
			p.Information[2] += v * g.x
			p.Information[3] += v * g.x
		}
		return p, nil
	}
}

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

// TestProfile: a two by two table, where the maximum, the constrained maximum and the ends of profile intervals have closed forms or one equation.
func TestProfile(t *testing.T) {
	ctx := context.Background()
	const k, n, j, m = 7.0, 20.0, 15.0, 25.0
	l := binomial(k, n, j, m)
	best, mu, err := infer.Maximize(ctx, l, []float64{0, 0}, nil)
	if err != nil || mu != nil {
		t.Fatal(err, mu)
	}
	near(t, "θ0", best.Theta[0], logit(k/n), 1e-12, 0)
	near(t, "θ1", best.Theta[1], logit(j/m)-logit(k/n), 1e-12, 0)
	// θ_1 = 0: one binomial. The multiplier is the derivative of the maximum in the value of the constraint.
	same, mu, err := infer.Maximize(ctx, l, best.Theta, []infer.Constraint{{C: []float64{0, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "θ0 alone", same.Theta[0], logit((k+j)/(n+m)), 1e-12, 0)
	near(t, "θ1 alone", same.Theta[1], 0, 0, 1e-15)
	near(t, "multiplier", mu[0], j-m*(k+j)/(n+m), 1e-9, 0)
	// An interval for z = θ_0 + θ_1, the log-odds of the second group, leaves the first at its maximum: one equation.
	q, _ := infer.Quantile(0.95)
	second := func(z float64) float64 { return -j*math.Log1p(math.Exp(-z)) - (m-j)*math.Log1p(math.Exp(z)) }
	for _, up := range []bool{false, true} {
		got, err := infer.Bound(ctx, l, best, []float64{1, 1}, q, up)
		if err != nil {
			t.Fatal(err)
		}
		z := logit(j / m)
		lo, hi := z, z+10
		if !up {
			lo, hi = z, z-10
		}
		for range 200 {
			mid := (lo + hi) / 2
			if 2*(second(z)-second(mid)) < q*q {
				lo = mid
			} else {
				hi = mid
			}
		}
		near(t, "end", got, lo, 1e-9, 0)
	}
	// No success in the second group: its log-odds has no lower end, and the likelihood no maximum; far away it is flat.
	flat := binomial(7, 20, 0, 25)
	far := []float64{logit(0.35), -30}
	p, err := flat(ctx, far)
	if err != nil {
		t.Fatal(err)
	}
	if low, err := infer.Bound(ctx, flat, p, []float64{1, 1}, q, false); err == nil && !math.IsInf(low, -1) {
		t.Errorf("a likelihood that rises for ever has the lower end %v", low)
	}
	// Constraints that determine each other, a surface without information, and a cancelled call.
	if _, _, err := infer.Maximize(ctx, l, best.Theta, []infer.Constraint{{C: []float64{0, 1}}, {C: []float64{0, 2}}}); err == nil {
		t.Error("equal constraints were taken")
	}
	none := func(_ context.Context, theta []float64) (infer.Point, error) {
		return infer.Point{Theta: theta, Score: []float64{1, 0}, Information: make([]float64, 4)}, nil
	}
	if _, _, err := infer.Maximize(ctx, none, []float64{0, 0}, nil); !errors.Is(err, infer.ErrSingular) {
		t.Errorf("error %v", err)
	}
	stop := errors.New("stop")
	if _, _, err := infer.Maximize(ctx, func(context.Context, []float64) (infer.Point, error) { return infer.Point{}, stop }, []float64{0, 0}, nil); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
}

// TestSandwichFactors: the factors, and what has none.
func TestSandwichFactors(t *testing.T) {
	if v, err := infer.HC1(100, 5); err != nil || v != 100.0/95 {
		t.Error(v, err)
	}
	if v, err := infer.ClusterScale(10, 100, 5); err != nil || math.Abs(v-10.0/9*99/95) > 1e-15 {
		t.Error(v, err)
	}
	for _, err := range []error{second(infer.HC1(5, 5)), second(infer.ClusterScale(1, 100, 5)), second(infer.ClusterScale(3, 4, 5))} {
		if err == nil {
			t.Error("no error")
		}
	}
	// C M C of a 2×2 by hand.
	got, err := infer.Sandwich([]float64{2, 1, 1, 3}, []float64{1, 0, 0, 4}, 2, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{4, 7, 7, 18.5} {
		near(t, "sandwich", got[i], want, 1e-15, 0)
	}
	outer := infer.Outer([]float64{1, 2, 3, -1}, 2)
	for i, want := range []float64{10, -1, -1, 5} {
		near(t, "outer", outer[i], want, 0, 0)
	}
	if _, err := infer.Sandwich([]float64{1}, nil, 1, 1); err == nil {
		t.Error("no error")
	}
}

func second(_ float64, err error) error { return err }

// TestHosmerLemeshowEdges: equal probabilities make one group, weights are repetitions, and nothing is nothing.
func TestHosmerLemeshowEdges(t *testing.T) {
	if g, chi2, df, p := infer.HosmerLemeshow(nil, nil, nil, 10); g != nil || !math.IsNaN(chi2) || df != 0 || !math.IsNaN(p) {
		t.Error(g, chi2, df, p)
	}
	g, _, df, p := infer.HosmerLemeshow([]float64{0.5, 0.5, 0.5}, []float64{0, 1, 1}, nil, 10)
	if len(g) != 1 || g[0].Rows != 3 || g[0].Positives != 2 || g[0].Expected != 1.5 || df != -1 || !math.IsNaN(p) {
		t.Error(g, df, p)
	}
	var a, y, s, ra, ry []float64
	for i := range 40 {
		p := (float64(i%13) + 0.5) / 14
		label, k := float64((i*7)%3%2), 1+i%4
		a, y, s = append(a, p), append(y, label), append(s, float64(k))
		for range k {
			ra, ry = append(ra, p), append(ry, label)
		}
	}
	_, weighted, dfw, _ := infer.HosmerLemeshow(a, y, s, 10)
	_, repeated, dfr, _ := infer.HosmerLemeshow(ra, ry, nil, 10)
	near(t, "weights", weighted, repeated, 1e-12, 0)
	if dfw != dfr {
		t.Error(dfw, dfr)
	}
	if d := infer.Cook(1, 1, 0.2, 3); d != 0 {
		t.Errorf("Cook's distance %v of a row without variance", d)
	}
}
