package proof_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/proof"
)

// TestLargestRow compares with the rows in 32 digits: dense columns and levels as drawn, the same as sparse rows.
func TestLargestRow(t *testing.T) {
	r := rand.New(rand.NewPCG(26, 7))
	for k := range 300 {
		a := draw(r)
		n := a.features()
		if r.IntN(2) == 0 && n > 0 {
			a.center, a.scale = make([]float64, n), make([]float64, n)
			for j := range n {
				a.center[j], a.scale[j] = a.x[0][j]+r.NormFloat64(), math.Exp(3*r.NormFloat64())
			}
		}
		units := make([]float64, n+1)
		for j := range units {
			units[j] = math.Exp(4 * r.NormFloat64())
		}
		var want, empty float64
		for i := range a.x {
			if a.weight(i) == 0 {
				continue
			}
			var q, zero dd
			for j, v := range a.design(i) {
				q = q.add(v.mul(v).mul(d(units[j])))
				if j < n && a.center != nil {
					c := d(a.center[j]).mul(d(a.scale[j]))
					zero = zero.add(c.mul(c).mul(d(units[j])))
				}
			}
			want, empty = math.Max(want, q.float()), math.Max(empty, zero.float())
		}
		for _, p := range []*proof.Problem{a.problem(t), a.sparse(t)} {
			got, err := p.LargestRow(context.Background(), units)
			if err != nil {
				t.Fatal(err)
			}
			if got < want*(1-1e-15) || got > want*(1+1e-12)+1e-12*empty {
				t.Errorf("problem %d (%s): %.17g, by hand %.17g", k, a.kind, got, want)
			}
		}
	}
}

// TestExtremes compares with the rows one by one.
func TestExtremes(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 7))
	for k := range 300 {
		a := draw(r)
		n := a.features()
		if r.IntN(2) == 0 && n > 0 {
			a.center, a.scale = make([]float64, n), make([]float64, n)
			for j := range n {
				a.center[j], a.scale[j] = a.x[0][j]+r.NormFloat64(), math.Exp(3*r.NormFloat64())
			}
		}
		for _, p := range []*proof.Problem{a.problem(t), a.sparse(t)} {
			got, err := p.Extremes(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for j := range n + 1 {
				want, zero := 0.0, 0.0
				for i := range a.x {
					want = math.Max(want, math.Abs(a.design(i)[j].float()))
				}
				if j < n && a.center != nil { // a level and a sparse value may be 0
					zero = math.Abs(a.center[j] * a.scale[j])
				}
				if j < n && j >= n-a.codes {
					zero = math.Max(zero, 1)
					if a.center != nil {
						zero = math.Max(zero, math.Abs((1-a.center[j])*a.scale[j]))
					}
				}
				if !(got[j] >= want) || got[j] > math.Max(want, zero)*(1+1e-14) {
					t.Errorf("problem %d (%s), feature %d: %.17g, by hand %.17g", k, a.kind, j, got[j], want)
				}
			}
		}
	}
}

// sparse is the problem with all its columns in sparse rows.
func (a *sample) sparse(t *testing.T) *proof.Problem {
	t.Helper()
	var cols engine.Columns
	cols.Start = []int{0}
	var values engine.Float64s
	for _, x := range a.x {
		for j, v := range x {
			if v != 0 {
				cols.Index, values = append(cols.Index, int32(j)), append(values, v)
			}
		}
		cols.Start = append(cols.Start, len(cols.Index))
	}
	cols.Value = values
	m, err := engine.NewMemory(engine.Layout{Rows: len(a.x), Features: a.features(), Center: a.center, Scale: a.scale, Sparse: true}, cols)
	if err != nil {
		t.Fatal(err)
	}
	return &proof.Problem{Source: m, Y: a.y, S: a.s}
}

// passes counts the passes that cost most.
type passes struct {
	proof.Passes
	quads, grams int
}

func (p *passes) MaxQuad(ctx context.Context, l, s []float64) (float64, int, error) {
	p.quads++
	return p.Passes.MaxQuad(ctx, l, s)
}

func (p *passes) Gram(ctx context.Context, c []float64, chunks []int) ([]float64, error) {
	p.grams++
	return p.Passes.Gram(ctx, c, chunks)
}

// TestPasses: near the optimum the largest row is not looked for; elsewhere it takes a pass, of K classes K(K-1)/2, of many K-1.
func TestPasses(t *testing.T) {
	for _, c := range []struct{ K, quads int }{{2, 1}, {3, 3}, {12, 11}} {
		r := rand.New(rand.NewPCG(3, uint64(c.K)))
		a := &classes{K: c.K}
		for i := range 600 {
			a.x = append(a.x, []float64{r.NormFloat64(), r.NormFloat64()})
			a.y = append(a.y, float64(i%2))
			a.label = append(a.label, int32(r.IntN(c.K)))
		}
		p := a.problem(t)
		size := c.K * 3
		if c.K == 2 {
			p, size = a.sample.problem(t), 3
		}
		count := &passes{Passes: p.Passes}
		p.Passes = count
		far := make([]float64, size)
		far[0] = 0.5
		at, err := proof.Certify(context.Background(), p, far, proof.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if count.quads != c.quads {
			t.Errorf("%d classes: %d MaxQuad passes far off, want %d", c.K, count.quads, c.quads)
		}
		if !(at.U > 0.01) {
			t.Errorf("%d classes: u = %g is not far off", c.K, at.U)
		}
		// Newton's method with the certificate's own H.
		count.quads = 0
		theta := make([]float64, size)
		for range 8 {
			if at, err = proof.Certify(context.Background(), p, theta, proof.Options{}); err != nil {
				t.Fatal(err)
			}
			var free []int
			for i := range size {
				held := c.K > 2 && (i < 2 || i == size-c.K) // the reference is class 0
				if !held {
					free = append(free, i)
				}
			}
			g := make([]float64, len(free))
			for u, i := range free {
				g[u] = at.Gradient[i]
			}
			step, _, ok := solve(at.Hessian, g)
			if !ok {
				t.Fatal("singular")
			}
			for u, i := range free {
				theta[i] -= step[u]
			}
			count.quads, count.grams = 0, 0
		}
		if at, err = proof.Certify(context.Background(), p, theta, proof.Options{}); err != nil {
			t.Fatal(err)
		}
		if count.quads != 0 || count.grams == 0 || !at.Exists || !at.Proved(1e-10) || !(at.Gap < 1e-12) {
			t.Errorf("%d classes: %d MaxQuad passes at the optimum, u = %g, gap %g, %g standard errors", c.K, count.quads, at.U, at.Gap, at.StandardErrors)
		}
	}
}

// TestDecideManyClasses: two columns together tell a class from all others; the work is bounded.
func TestDecideManyClasses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, K := range []int{20, 100} {
		for _, separated := range []bool{true, false} {
			if K < 100 && (!separated || testing.Short()) {
				continue // the work that is allowed takes a second or two
			}
			a := &classes{K: K}
			for range 1000 {
				x := []float64{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}
				y := int32(r.IntN(K))
				switch {
				case !separated:
				case x[0]+x[1] > 2:
					y = 3
				case y == 3:
					y = 4
				}
				a.x, a.label = append(a.x, x), append(a.label, y)
			}
			d, err := proof.Decide(context.Background(), a.problem(t))
			if err != nil {
				t.Fatal(err)
			}
			if separated && (d.State != proof.Separated || d.Direction.Class != 3 || d.Direction.Positive == 0) {
				t.Errorf("%d classes: %s (%s), class %d", K, d.State, d.Why, d.Direction.Class)
			}
			if !separated && d.State == proof.Separated {
				t.Errorf("%d classes without separation: %s", K, d.Why)
			}
		}
	}
}
