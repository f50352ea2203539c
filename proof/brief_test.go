package proof_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/proof"
	"gonum.org/v1/gonum/mat"
)

// grams counts the chunks that Gram passes take.
type grams struct {
	proof.Passes
	chunks, whole int
}

func (g *grams) Gram(ctx context.Context, c []float64, chunks []int) ([]float64, error) {
	if chunks == nil {
		g.whole++
	}
	g.chunks += len(chunks)
	return g.Passes.Gram(ctx, c, chunks)
}

// TestGoal walks to the optimum of some 200,000 rows by Newton's method: the gap by a part of the rows is at least the truth, J less the
// cost at the end, and at most what was asked for.
func TestGoal(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	const rows, n = 200_000, 4
	x := make([]engine.Cells, n)
	columns := make([]engine.Float64s, n)
	for j := range x {
		columns[j] = make(engine.Float64s, rows)
		x[j] = columns[j]
	}
	y, s := make([]float64, rows), make([]float64, rows)
	for i := range rows {
		z := -1.0
		for j := range n {
			columns[j][i] = r.NormFloat64()*float64(j+1) + 2
			z += columns[j][i] / float64(j+1) * 0.7
		}
		if r.Float64() < 1/(1+math.Exp(-z)) {
			y[i] = 1
		}
		s[i] = float64(r.IntN(3))
	}
	m, err := engine.NewMemory(engine.Layout{Rows: rows, Features: n, Dense: []int{0, 1, 2, 3}, Center: []float64{2, 2, 1, 2}}, engine.Columns{Dense: x})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(m, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	theta := make([]float64, n+1)
	var points [][]float64
	var at []*proof.Certificate
	for range 9 {
		p := &proof.Problem{Passes: e, Source: m, Y: y, S: s, Lambda: []float64{1, 2, 3, 4}}
		c, err := proof.Certify(ctx, p, theta, proof.Options{})
		if err != nil {
			t.Fatal(err)
		}
		points, at = append(points, append([]float64(nil), theta...)), append(at, c)
		var step mat.VecDense
		if err := step.SolveVec(mat.NewDense(n+1, n+1, c.Hessian), mat.NewVecDense(n+1, c.Gradient)); err != nil {
			t.Fatal(err)
		}
		for j := range theta {
			theta[j] -= step.AtVec(j)
		}
	}
	optimum := at[len(at)-1]
	end := points[len(points)-1]
	for _, f := range []float64{3, 0.5, 0.1, 0.03} { // on the line through the optimum and a point near it
		near := append([]float64(nil), points[4]...)
		for j, v := range end {
			near[j] = v + f*(near[j]-v)
		}
		c, err := proof.Certify(ctx, &proof.Problem{Passes: e, Source: m, Y: y, S: s, Lambda: []float64{1, 2, 3, 4}}, near, proof.Options{})
		if err != nil {
			t.Fatal(err)
		}
		points, at = append(points, near), append(at, c)
	}
	parts := 0
	for k, theta := range points {
		truth := at[k].Cost - optimum.Cost
		if truth < 1e-13 {
			continue
		}
		count := &grams{Passes: e}
		p := &proof.Problem{Passes: count, Source: m, Y: y, S: s, Lambda: []float64{1, 2, 3, 4}}
		goal := 12 * truth
		c, err := proof.Certify(ctx, p, theta, proof.Options{Goal: goal, Estimate: truth})
		if err != nil {
			t.Fatal(err)
		}
		if !(c.Gap >= truth*(1-1e-3)) || c.Hessian == nil && !(c.Gap <= goal) {
			t.Errorf("point %d: gap %g for %g, asked for %g", k, c.Gap, truth, goal)
		}
		if c.Hessian == nil && count.whole == 0 && count.chunks > 0 {
			parts++
			if math.Abs(c.Cost-at[k].Cost) > 1e-15 {
				t.Errorf("point %d: J is %.17g, by all rows %.17g", k, c.Cost, at[k].Cost)
			}
		}
		t.Logf("point %d: truth %.3g, gap %.3g, u %.3g, %d chunks, %d whole", k, truth, c.Gap, c.U, count.chunks, count.whole)
	}
	if parts < 4 {
		t.Errorf("%d gaps were proved by a part of the rows", parts)
	}
}
