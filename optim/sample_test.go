package optim_test

import (
	"context"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/optim"
)

// compiled is the lecture's model over random rows, trained by its graph: dense columns and one of levels, the last of them rare.
func compiled(t testing.TB, rows, n, levels int) *engine.Objective {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(rows), uint64(n)))
	l := engine.Layout{Rows: rows, Features: n + levels, Inputs: []string{"y"}}
	var cols engine.Columns
	z := make([]float64, rows)
	common := make([]float64, rows)
	for i := range common {
		common[i] = r.NormFloat64()
	}
	for j := range n {
		l.Dense = append(l.Dense, j)
		c := make([]float64, rows)
		w := r.NormFloat64() / math.Sqrt(float64(n))
		for i := range c {
			c[i] = r.NormFloat64() + 2*common[i] // correlated columns
			z[i] += w * c[i]
		}
		cols.Dense = append(cols.Dense, engine.Float64s(c))
	}
	if levels > 0 {
		l.Codes = []engine.Codes{{First: n, Levels: levels}}
		c := make([]int32, rows)
		for i := range c {
			c[i] = int32(r.IntN(levels)) - 1
			if i%400 == 399 {
				c[i] = int32(levels - 1)
			}
		}
		cols.Codes = [][]int32{c}
	}
	y := make([]float64, rows)
	for i := range y {
		if r.Float64() < sigmoid(z[i]) {
			y[i] = 1
		}
	}
	cols.Inputs = [][]float64{y}
	m, err := engine.NewMemory(l, cols)
	if err != nil {
		t.Fatal(err)
	}
	return objective(t, m)
}

func objective(t testing.TB, m *engine.Memory) *engine.Objective {
	t.Helper()
	e, err := engine.New(m, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	size := graph.Vector(m.Layout().Features)
	g, err := graph.ParseWith("z = dot(w, x) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))\nJ = mean(L)", graph.Options{Closed: true, Leaves: []graph.Leaf{
		{Kind: graph.Parameter, Name: "w", Shape: size}, {Kind: graph.Parameter, Name: "b"},
		{Kind: graph.Input, Name: "x", Shape: size.EachRow()}, {Kind: graph.Input, Name: "y", Shape: graph.Shape{PerRow: true}}}})
	if err != nil {
		t.Fatal(err)
	}
	o, err := engine.NewObjective(e, g, "J", []string{"w", "b"}, engine.Values{}, engine.ObjectiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// levels is a compiled problem of two dense columns and two of many levels.
func levels(t testing.TB, rows int, count ...int) (*engine.Objective, []optim.Group) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(rows), 77))
	l := engine.Layout{Rows: rows, Features: 2, Dense: []int{0, 1}, Inputs: []string{"y"}}
	columns := make([]engine.Float64s, 2)
	z := make([]float64, rows)
	for j := range columns {
		columns[j] = make([]float64, rows)
		for i := range rows {
			columns[j][i] = r.NormFloat64()
			z[i] += 0.5*columns[j][i] - 0.5
		}
	}
	cols := engine.Columns{Dense: []engine.Cells{columns[0], columns[1]}}
	var groups []optim.Group
	for _, n := range count {
		l.Codes = append(l.Codes, engine.Codes{First: l.Features, Levels: n})
		groups = append(groups, optim.Group{First: l.Features, Size: n})
		l.Features += n
		effect, codes := make([]float64, n), make([]int32, rows)
		for k := range effect {
			effect[k] = r.NormFloat64()
		}
		for i := range codes {
			codes[i] = int32(float64(n) * r.Float64() * r.Float64())
			z[i] += effect[codes[i]]
		}
		cols.Codes = append(cols.Codes, codes)
	}
	y := make([]float64, rows)
	for i := range y {
		if r.Float64() < sigmoid(z[i]) {
			y[i] = 1
		}
	}
	cols.Inputs = [][]float64{y}
	m, err := engine.NewMemory(l, cols)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(m, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	size := graph.Vector(l.Features)
	g, err := graph.ParseWith("z = dot(w, x) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))\nJ = mean(L) + sum(w*w)*lambda", graph.Options{Closed: true, Leaves: []graph.Leaf{
		{Kind: graph.Parameter, Name: "w", Shape: size}, {Kind: graph.Parameter, Name: "b"}, {Kind: graph.Input, Name: "lambda"},
		{Kind: graph.Input, Name: "x", Shape: size.EachRow()}, {Kind: graph.Input, Name: "y", Shape: graph.Shape{PerRow: true}}}})
	if err != nil {
		t.Fatal(err)
	}
	o, err := engine.NewObjective(e, g, "J", []string{"w", "b"}, engine.Values{Of: map[string][]float64{"lambda": {0.5 / float64(rows)}}}, engine.ObjectiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return o, groups
}

// TestLevels: columns of many levels. The arrow takes Newton's method to the same optimum in fewer passes.
func TestLevels(t *testing.T) {
	const rows = 40000
	o, groups := levels(t, rows, 300, 900)
	run := func(groups []optim.Group) optim.Outcome {
		m, err := optim.NewNewton(make([]float64, o.Size()), optim.Options{Weight: rows, Groups: groups})
		if err != nil {
			t.Fatal(err)
		}
		return minimize(t, m, o)
	}
	arrow, diagonal := run(groups), run(nil)
	t.Logf("arrow: %d steps, %d passes; diagonal: %d, %d", arrow.Step, arrow.Passes, diagonal.Step, diagonal.Passes)
	for j, v := range diagonal.Theta {
		near(t, "parameter", arrow.Theta[j], v, 1e-8, 1e-8) // each within 1e-10 standard errors; that of a rare level is about 1
	}
	if arrow.Reason != optim.Done || arrow.Passes >= diagonal.Passes {
		t.Errorf("%s after %d passes, %d with the diagonal", arrow.Reason, arrow.Passes, diagonal.Passes)
	}
}

// TestContinueLevels is TestContinue with an arrow.
func TestContinueLevels(t *testing.T) {
	o, groups := levels(t, 4000, 140, 400)
	continues(t, o, func() optim.Method {
		m, err := optim.NewNewton(make([]float64, o.Size()), optim.Options{Weight: 4000, Groups: groups, Factor: 100, Tolerance: 1e-4})
		if err != nil {
			t.Fatal(err)
		}
		return m
	})
}

// TestWarm: a start on a part of the rows ends where one on all of them ends, in fewer passes over all, and continues from any answer.
func TestWarm(t *testing.T) {
	const rows = 80000
	o := compiled(t, rows, 10, 0)
	build := func(warm bool) optim.Method {
		m, err := optim.NewNewton(make([]float64, o.Size()), optim.Options{Weight: rows, Whole: 1, Warm: warm})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	warm, cold := minimize(t, build(true), o), minimize(t, build(false), o)
	t.Logf("warm: %d steps, %d passes; cold: %d, %d", warm.Step, warm.Passes, cold.Step, cold.Passes)
	for j, v := range cold.Theta {
		near(t, "parameter", warm.Theta[j], v, 1e-9, 1e-10)
	}
	if warm.Reason != optim.Done || warm.Passes >= cold.Passes {
		t.Errorf("%s after %d passes, %d without a start", warm.Reason, warm.Passes, cold.Passes)
	}
	continues(t, o, func() optim.Method { return build(true) })
}

// classes are rows of correlated columns and three classes, with a penalty.
func classes(t testing.TB, rows, n int) (*engine.Objective, optim.Options) {
	t.Helper()
	const K = 3
	r := rand.New(rand.NewPCG(uint64(rows), 5))
	l := engine.Layout{Rows: rows, Features: n, Inputs: []string{"y[0]", "y[1]", "y[2]"}}
	var cols engine.Columns
	z := make([][K]float64, rows)
	common := make([]float64, rows)
	for i := range common {
		common[i] = r.NormFloat64()
	}
	for j := range n {
		l.Dense = append(l.Dense, j)
		c := make([]float64, rows)
		var w [K]float64
		for k := range w {
			w[k] = 2 * r.NormFloat64() / math.Sqrt(float64(n))
		}
		for i := range c {
			c[i] = r.NormFloat64() + 2*common[i]
			for k := range w {
				z[i][k] += w[k] * c[i]
			}
		}
		cols.Dense = append(cols.Dense, engine.Float64s(c))
	}
	for range K {
		cols.Inputs = append(cols.Inputs, make([]float64, rows))
	}
	for i := range rows {
		best, top := 0, math.Inf(-1)
		for k := range K {
			if v := z[i][k] - math.Log(-math.Log(r.Float64())); v > top {
				best, top = k, v
			}
		}
		cols.Inputs[best][i] = 1
	}
	m, err := engine.NewMemory(l, cols)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(m, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	y := graph.Leaf{Kind: graph.Input, Name: "y", Shape: graph.Vector(K).EachRow()}
	y.Fact.Total = big.NewRat(1, 1)
	g, err := graph.ParseWith("z = dot(W, x) + b\na = softmax(z)\nL = -sum(y*log(a))\nJ = mean(L) + sum(W*W)*lambda + sum(b*b)*lambda", graph.Options{Closed: true, Leaves: []graph.Leaf{
		{Kind: graph.Parameter, Name: "W", Shape: graph.Matrix(K, n)}, {Kind: graph.Parameter, Name: "b", Shape: graph.Vector(K)}, {Kind: graph.Input, Name: "lambda"},
		{Kind: graph.Input, Name: "x", Shape: graph.Vector(n).EachRow()}, y}})
	if err != nil {
		t.Fatal(err)
	}
	o, err := engine.NewObjective(e, g, "J", []string{"W", "b"}, engine.Values{Of: map[string][]float64{"lambda": {0.5 / float64(rows)}}}, engine.ObjectiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	options := optim.Options{Weight: float64(rows), Factor: -1}
	for i := range o.Size() {
		place := optim.Place{Set: i / n, Column: i % n}
		if i >= K*n {
			place = optim.Place{Set: i - K*n, Column: n}
		}
		options.Places = append(options.Places, place)
		options.Penalty = append(options.Penalty, 1/float64(rows))
	}
	return o, options
}

// TestShared: several sets of weights. One matrix for all takes Newton's method to the same optimum in fewer passes, and continues from any answer.
func TestShared(t *testing.T) {
	o, options := classes(t, 3000, 20)
	build := func(options optim.Options) optim.Method {
		m, err := optim.NewNewton(make([]float64, o.Size()), options)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	options.Tolerance = 1e-4
	diagonal := options
	diagonal.Places = nil
	one, two := minimize(t, build(options), o), minimize(t, build(diagonal), o)
	t.Logf("shared: %d steps, %d passes; diagonal: %d, %d", one.Step, one.Passes, two.Step, two.Passes)
	for j, v := range two.Theta {
		near(t, "parameter", one.Theta[j], v, 0, 5e-4) // a standard error along what the sets have in common is about 1
	}
	if one.Reason != optim.Done || one.Passes >= two.Passes {
		t.Errorf("%s after %d passes, %d with the diagonal", one.Reason, one.Passes, two.Passes)
	}
	continues(t, o, func() optim.Method { return build(options) })
}

// unsampled hides that a problem can estimate H.
type unsampled struct{ optim.Problem }

// TestSample: with the Hessian of a part of the rows as preconditioner Newton's method ends where it ends with all of
// it, and takes fewer products than with the diagonal.
func TestSample(t *testing.T) {
	for _, c := range []struct{ rows, n, levels int }{{8000, 12, 0}, {8000, 6, 5}} {
		o := compiled(t, c.rows, c.n, c.levels)
		zeros := make([]float64, o.Size())
		run := func(p optim.Problem, factor int) optim.Outcome {
			m, err := optim.NewNewton(zeros, optim.Options{Weight: float64(c.rows), Factor: factor, Whole: 1})
			if err != nil {
				t.Fatal(err)
			}
			return minimize(t, m, p)
		}
		sample, whole, diagonal := run(o, 0), run(unsampled{o}, 0), run(o, -1)
		t.Logf("%d×%d+%d: sample %d steps, %d passes; whole %d, %d; diagonal %d, %d", c.rows, c.n, c.levels,
			sample.Step, sample.Passes, whole.Step, whole.Passes, diagonal.Step, diagonal.Passes)
		for j, v := range whole.Theta {
			near(t, "parameter", sample.Theta[j], v, 1e-9, 1e-10)
		}
		if sample.Reason != optim.Done || sample.Passes == whole.Passes {
			t.Errorf("%s after %d passes", sample.Reason, sample.Passes)
		}
		if sample.Passes >= diagonal.Passes {
			t.Errorf("%d passes, %d with the diagonal", sample.Passes, diagonal.Passes)
		}
	}
}

// TestBadSample: the chunks that are sampled say nothing about most of the weights, so all rows are needed, and taken.
func TestBadSample(t *testing.T) {
	const rows, n = 16384, 40
	l := engine.Layout{Rows: rows, Features: n, Inputs: []string{"y"}}
	var cols engine.Columns
	r := rand.New(rand.NewPCG(8, 8))
	y := make([]float64, rows)
	for i := range y {
		y[i] = float64(r.IntN(2))
	}
	for j := range n {
		l.Dense = append(l.Dense, j)
		c := make([]float64, rows)
		for i := range c {
			// In most places all columns are nearly one; where they differ is a narrow strip.
			c[i] = float64(i%7) + 1e-3*r.NormFloat64()
			if i > 200 && i < 500 {
				c[i] = 10 * r.NormFloat64()
			}
		}
		cols.Dense = append(cols.Dense, engine.Float64s(c))
	}
	cols.Inputs = [][]float64{y}
	m, err := engine.NewMemory(l, cols)
	if err != nil {
		t.Fatal(err)
	}
	o := objective(t, m)
	run := func(p optim.Problem) optim.Outcome {
		m, err := optim.NewNewton(make([]float64, n+1), optim.Options{Weight: rows, Whole: 1})
		if err != nil {
			t.Fatal(err)
		}
		return minimize(t, m, p)
	}
	sample, whole := run(o), run(unsampled{o})
	t.Logf("sample: %s, %d steps, %d passes, distance %g; whole: %s, %d steps, %d passes, distance %g", sample.Reason, sample.Step, sample.Passes, sample.Distance, whole.Reason, whole.Step, whole.Passes, whole.Distance)
	if sample.Reason != whole.Reason || sample.F > whole.F*(1+1e-14) {
		t.Errorf("%s at %g, %s at %g", sample.Reason, sample.F, whole.Reason, whole.F)
	}
	if sample.Passes <= whole.Passes {
		t.Error("the sample was not tried")
	}
}

// interrupted fails after so many gradients and products.
type interrupted struct {
	*engine.Objective
	left *int
}

func (p interrupted) CostGradient(ctx context.Context, theta, grad []float64) (float64, error) {
	if *p.left--; *p.left < 0 {
		return 0, errFailing
	}
	return p.Objective.CostGradient(ctx, theta, grad)
}

func (p interrupted) Part(chunks []int) (optim.Problem, error) {
	o, err := p.Objective.Part(chunks)
	return interrupted{o, p.left}, err
}

func (p interrupted) Shared(ctx context.Context, chunks []int, h []float64) error {
	if *p.left--; *p.left < 0 {
		return errFailing
	}
	return p.Objective.Shared(ctx, chunks, h)
}

func (p interrupted) Border(ctx context.Context, of, chunks []int, h []float64) error {
	if *p.left--; *p.left < 0 {
		return errFailing
	}
	return p.Objective.Border(ctx, of, chunks, h)
}

func (p interrupted) Product(ctx context.Context, v, hv []float64) error {
	if *p.left--; *p.left < 0 {
		return errFailing
	}
	return p.Objective.Product(ctx, v, hv)
}

func (p interrupted) Diagonal(ctx context.Context, d []float64) error {
	if *p.left--; *p.left < 0 {
		return errFailing
	}
	return p.Objective.Diagonal(ctx, d)
}

// TestContinueSample is TestContinue with a sampled Hessian in the state.
func TestContinueSample(t *testing.T) {
	o := compiled(t, 3000, 4, 3)
	build := func() optim.Method {
		m, err := optim.NewNewton(make([]float64, o.Size()), optim.Options{Weight: 3000, Whole: 1})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	continues(t, o, build)
}

// continues interrupts a run after every answer and goes on from the encoded state.
func continues(t *testing.T, o *engine.Objective, build func() optim.Method) {
	want := minimize(t, build(), o)
	for k := 0; ; k++ {
		m := build()
		left := k
		_, err := optim.Minimize(context.Background(), m, interrupted{o, &left}, nil)
		if err == nil {
			if k < 10 {
				t.Fatalf("only %d answers", k)
			}
			return
		}
		if !errors.Is(err, errFailing) {
			t.Fatal(err)
		}
		text, err := optim.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := optim.Decode(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if got := minimize(t, again, o); !slices.Equal(got.Theta, want.Theta) || got.F != want.F || got.Step != want.Step {
			t.Fatalf("interrupted after %d answers: %v, want %v", k, got.Theta, want.Theta)
		}
	}
}
