package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/internal/kernel"
)

// TestFusedRows: every output of every fused kernel of every set is what its equation says, by the interpreter, also
// where the arguments are extreme, and when it is wanted alone.
func TestFusedRows(t *testing.T) {
	z := []float64{0, math.Copysign(0, -1), 1, -1, 0.3, 5, -5, 17, -17, 36.5, -36.5, 40, -40, 300, -300, 700, -700, 745, -745, 1000, -1000, 1e308, -1e308, math.NaN()}
	var zs, ts []float64
	r := rand.New(rand.NewPCG(1, 1))
	for _, u := range z {
		for _, t := range []float64{0, 1, 0.3, -2, 0.5} {
			zs, ts = append(zs, u), append(ts, t)
		}
	}
	for range 1000 {
		zs, ts = append(zs, 12*r.NormFloat64()), append(ts, r.Float64())
	}
	testFused[float64](t, zs, ts, 4e-16)
	testFused[float32](t, zs, ts, 2.5e-7)
}

func testFused[T kernel.Float](t *testing.T, z, u []float64, tolerance float64) {
	single := tolerance > 1e-10
	if single { // what float32 can hold
		for i := range z {
			z[i], u[i] = float64(float32(z[i])), float64(float32(u[i]))
		}
	}
	for _, row := range kernel.Plain[T]().Fused {
		args := map[string][]float64{}
		var leaves []graph.Leaf
		in := make([][]T, len(row.In))
		for i, name := range row.In {
			args[name] = [][]float64{z, u}[i]
			leaves = append(leaves, graph.Leaf{Kind: graph.Input, Name: name, Shape: graph.Shape{PerRow: true}})
			for _, v := range args[name] {
				in[i] = append(in[i], T(v))
			}
		}
		g, err := graph.Parse(strings.ReplaceAll(row.Equations, ";", "\n"), leaves...)
		if err != nil {
			t.Fatal(err)
		}
		for k, name := range row.Out {
			n, ok := g.Lookup(name)
			if !ok {
				t.Fatalf("%q does not define %s", row.Equations, name)
			}
			if n, _, err := g.Simplify(n); err != nil || len(n) != 1 {
				t.Fatal(err)
			}
			// lowered: the equation as it runs, since 1 - sigmoid(z) as written loses its digits
			want, err := graph.Eval(graph.Values{Rows: len(z), Of: args}, g.Lower(n)...)
			if err != nil {
				t.Fatal(err)
			}
			var together []T
			for _, alone := range []bool{false, true} {
				out := make([][]T, len(row.Out))
				for i := range out {
					if !alone || i == k {
						out[i] = make([]T, len(z))
					}
				}
				row.Run(out, in)
				if alone && !slices.EqualFunc(out[k], together, func(a, b T) bool { return a == b || a != a && b != b }) {
					t.Errorf("%s of %q alone differs", name, row.Equations)
				}
				together = out[k]
				for i, got := range out[k] {
					w := want[0][i]
					if single {
						if w = float64(float32(w)); math.Abs(w) < 1e-37 {
							continue // a subnormal float32
						}
					}
					// relative to the largest term: t*z and t may cancel the rest
					scale := math.Abs(w)
					if name == "L" {
						scale = max(scale, math.Abs(z[i]), math.Abs(z[i]*u[i]))
					} else if name == "dz" {
						scale = max(scale, math.Abs(u[i]), 1)
					}
					same := float64(got) == w || got != got && w != w
					if !same && !(math.Abs(float64(got)-w) <= 4*tolerance*scale+5e-324) {
						t.Errorf("%s of %q at z = %v, t = %v: %v, want %v", name, row.Equations, z[i], u[i], got, w)
					}
				}
			}
		}
	}
}

// TestEveryFusedRowIsFound: a graph of a row's equations compiles to one instruction, on any arguments.
func TestEveryFusedRowIsFound(t *testing.T) {
	for _, row := range kernel.Plain[float64]().Fused {
		src := strings.ReplaceAll(row.Equations, ";", "\n")
		src = "z = tanh(p)\nt = p*q\n" + src
		if len(row.In) == 1 {
			src = strings.ReplaceAll(src, "t = p*q\n", "")
		}
		leaf := graph.Shape{PerRow: true}
		src = strings.NewReplacer("b =", "bb =", "p =", "pp =", "q =", "qq =").Replace(src)
		g, err := graph.Parse(src, graph.Leaf{Kind: graph.Input, Name: "p", Shape: leaf}, graph.Leaf{Kind: graph.Input, Name: "q", Shape: leaf})
		if err != nil {
			t.Fatal(err)
		}
		l := &Layout{Rows: 1, Inputs: []string{"p", "q"}}
		var out []Output
		for _, d := range g.Defs {
			if d.Name != "z" && d.Name != "t" {
				out = append(out, Output{Name: d.Name, Node: d.Written, Keep: true})
			}
		}
		p, err := Compile(g, l, out...)
		if err != nil {
			t.Fatal(err)
		}
		kernels := 0
		for _, in := range p.instrs {
			kernels += b2i(len(in.out) > 1)
		}
		if want := len(row.In) + 1 + len(out); kernels != 1 || len(p.instrs) != want {
			t.Errorf("%q: %d instructions, want %d:\n%s", row.Equations, len(p.instrs), want, p)
		}
	}
}

// TestPaddingNeverCounts: the rows that fill the last panel are not rows, even where they would be infinite.
func TestPaddingNeverCounts(t *testing.T) {
	g, err := graph.Parse("v = log(q)\nc = 1",
		graph.Leaf{Kind: graph.Input, Name: "q", Shape: graph.Shape{PerRow: true}},
		graph.Leaf{Kind: graph.Input, Name: "x", Shape: graph.Vector(2).EachRow()})
	if err != nil {
		t.Fatal(err)
	}
	v, _ := g.Lookup("v")
	c, _ := g.Lookup("c")
	x, _ := g.Lookup("x")
	vx, err := g.Apply("mul", v, x)
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range []int{0, 1, 63, 64, 65, 1000, 1024, 1025, 2500} {
		q, col := make([]float64, rows), make([]float64, rows)
		for i := range q {
			q[i], col[i] = math.E, 3
		}
		m, err := NewMemory(Layout{Rows: rows, Features: 2, Dense: []int{1, 0}, Center: []float64{1, 0}, Scale: []float64{2, 1}, Inputs: []string{"q"}},
			Columns{Dense: []Cells{Float64s(col), Float64s(col)}, Inputs: [][]float64{q}})
		if err != nil {
			t.Fatal(err)
		}
		e, err := New(m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile(g, m.Layout(), Output{Name: "v", Node: v}, Output{Name: "vx", Node: vx}, Output{Name: "x", Node: x}, Output{Name: "c", Node: c})
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Run(background, p, Values{}, Mask{})
		if err != nil {
			t.Fatal(err)
		}
		R := float64(rows)
		near(t, "sums", slices.Concat(r.Sums["v"], r.Sums["vx"], r.Sums["x"], r.Sums["c"]), []float64{R, 4 * R, 3 * R, 4 * R, 3 * R, R}, 1e-12)
	}
}

// TestMask: a row counted k times is the row k times, whatever a row counted 0 times holds.
func TestMask(t *testing.T) {
	p := newProblem(t, 21, 1300, 3, []int{4}, 3, true)
	n := p.layout.Features
	r := rand.New(rand.NewPCG(2, 2))
	counts := make([]uint16, p.layout.Rows)
	for i := range counts {
		counts[i] = uint16(r.IntN(3))
	}
	in := p.settings()
	in.M = 0
	for i, k := range counts {
		in.M += float64(k) * p.columns.Inputs[1][i]
	}
	ref := p.reference(theta(n+1, 1)[:n], theta(n+1, 1)[n], counts)
	ref.M = in.M
	for i, k := range counts {
		if k == 0 {
			p.columns.Inputs[0][i] = math.NaN()
			ref.Of["y"][i] = 0 // the same slice
		}
	}
	g := model(t, lecture, n)
	J, _ := g.Lookup("J")
	w, _ := g.Lookup("w")
	grads, err := g.Gradient(J, w)
	if err != nil {
		t.Fatal(err)
	}
	want, err := graph.Eval(ref, J, grads[0])
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range counts {
		if k == 0 {
			p.columns.Inputs[0][i] = math.NaN()
		}
	}
	b, err := NewObjective(p.engine(t, Options{Threads: 2}), g, "J", []string{"w", "b"}, in, ObjectiveOptions{Mask: Mask{Counts: counts}})
	if err != nil {
		t.Fatal(err)
	}
	grad := make([]float64, n+1)
	got, err := b.CostGradient(background, theta(n+1, 1), grad)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "J", []float64{got}, want[0], agree)
	near(t, "dw", grad[:n], want[1], agree)
	// and H against differences of the gradient
	h := make([]float64, (n+1)*(n+1))
	if err := b.Hessian(background, nil, h); err != nil {
		t.Fatal(err)
	}
	v, hv := theta(n+1, 5), make([]float64, n+1)
	if err := b.Product(background, v, hv); err != nil {
		t.Fatal(err)
	}
	mul := make([]float64, n+1)
	for i := range mul {
		for j := range v {
			mul[i] += h[i*(n+1)+j] * v[j]
		}
	}
	near(t, "H v", mul, hv, 1e-12)

	if _, err := NewObjective(p.engine(t, Options{}), g, "J", []string{"w", "b"}, Values{Of: in.Of}, ObjectiveOptions{Mask: Mask{Counts: counts}}); err == nil {
		t.Error("a mask without the sum of its weights was taken")
	}
	if _, err := p.engine(t, Options{}).Run(background, b.full.program, in, Mask{Counts: counts[1:]}); err == nil {
		t.Error("a short mask was taken")
	}
}

// TestMaskChunks: the sums over a list of chunks are those of their rows.
func TestMaskChunks(t *testing.T) {
	p := newProblem(t, 22, 2500, 300, nil, 0, false)
	e := p.engine(t, Options{Threads: 2})
	g := model(t, lecture, 300)
	L, _ := g.Lookup("L")
	prog, err := Compile(g, e.Layout(), Output{Name: "L", Node: L}, Output{Name: "each", Node: L, Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	in := p.settings()
	in.Of["w"], in.Of["b"] = theta(300, 1), []float64{0.5}
	all, err := e.Run(background, prog, in, Mask{})
	if err != nil {
		t.Fatal(err)
	}
	chunks := []int{1, 2, 7, e.Chunks() - 1}
	part, err := e.Run(background, prog, in, Mask{Chunks: chunks})
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for _, k := range chunks {
		for i := k * e.chunk; i < min((k+1)*e.chunk, 2500); i++ {
			want += all.Kept["each"][i]
		}
	}
	near(t, "L of chunks", part.Sums["L"], []float64{want}, 1e-13)
}

// TestRowsInBatches: a batch of all rows is the whole cost; batches of a partition average to it.
func TestRowsInBatches(t *testing.T) {
	p := newProblem(t, 23, 600, 3, []int{3}, 2, true)
	b, _ := objective(t, p, lecture, Options{}, ObjectiveOptions{})
	n := b.Size()
	at, grad, part := theta(n, 1), make([]float64, n), make([]float64, n)
	J, err := b.CostGradient(background, at, grad)
	if err != nil {
		t.Fatal(err)
	}
	perm := rand.New(rand.NewPCG(1, 9)).Perm(600)
	got, err := b.CostGradientRows(background, at, perm, part)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "J of all rows", []float64{got}, []float64{J}, agree)
	near(t, "gradient of all rows", part, grad, agree)
	mean, sum := 0.0, make([]float64, n)
	for k := range 20 {
		got, err := b.CostGradientRows(background, at, perm[k*30:(k+1)*30], part)
		if err != nil {
			t.Fatal(err)
		}
		mean += got / 20
		for i, v := range part {
			sum[i] += v / 20
		}
	}
	near(t, "mean J of 20 batches", []float64{mean}, []float64{J}, agree)
	near(t, "mean gradient of 20 batches", sum, grad, agree)
	for _, bad := range [][]int{nil, {600}, {-1}} {
		if _, err := b.CostGradientRows(background, at, bad, part); err == nil {
			t.Errorf("batch %v taken", bad)
		}
	}
}

// TestSpellings: log loss written in other ways runs in the same fused kernel and gives the same cost.
func TestSpellings(t *testing.T) {
	p := newProblem(t, 24, 300, 4, nil, 0, false)
	want := math.NaN()
	for _, L := range []string{
		"-(y*log(sigmoid(z)) + (1-y)*log(1-sigmoid(z)))",
		"-y*log(1/(1+exp(-z))) - (1-y)*log(1 - 1/(1+exp(-z)))",
		"log(1 + exp(z)) - y*z",
		"softplus(z) - z*y",
		"y*softplus(-z) + (1-y)*softplus(z)",
		"-y*log(exp(z)/(1+exp(z))) - (1-y)*log(1/(1+exp(z)))",
	} {
		b, _ := objective(t, p, "z = dot(w, x) + b\nL = "+L+"\nJ = mean(s*L)", Options{}, ObjectiveOptions{})
		J, err := b.CostGradient(background, theta(5, 2), make([]float64, 5))
		if err != nil {
			t.Fatal(err)
		}
		if want != want {
			want = J
		}
		if J != want {
			t.Errorf("%s: J = %v, want %v", L, J, want)
		}
		if text := b.String(); !strings.Contains(text, "one kernel") || strings.Contains(text, "exp") {
			t.Errorf("%s runs as\n%s", L, text)
		}
	}
}

// TestManyHeads: softmax and networks with one and two hidden layers compile and run: cost, gradient and H·v are the
// interpreter's, and softmax has its Hessian.
func TestManyHeads(t *testing.T) {
	const n, K, H = 5, 3, 4
	row := graph.Shape{PerRow: true}
	param := func(name string, s graph.Shape) graph.Leaf {
		return graph.Leaf{Kind: graph.Parameter, Name: name, Shape: s}
	}
	x := graph.Leaf{Kind: graph.Input, Name: "x", Shape: graph.Vector(n).EachRow()}
	y := graph.Leaf{Kind: graph.Input, Name: "y", Shape: row}
	s := graph.Leaf{Kind: graph.Input, Name: "s", Shape: row}
	for _, c := range []struct {
		name, src string
		of        []string
		leaves    []graph.Leaf
		curvature bool
	}{
		{"softmax", "z = dot(W, x) + c\na = softmax(z)\nL = -sum(Y*log(a))\nJ = mean(s*L) + 0.01*sum(W*W)", []string{"W", "c"},
			[]graph.Leaf{param("W", graph.Matrix(K, n)), param("c", graph.Vector(K)), x, s,
				{Kind: graph.Input, Name: "Y", Shape: graph.Vector(K).EachRow()}}, true},
		{"one bias for all", "z = dot(W, x) + c\nL = logsumexp(z) - sum(Y*z)\nJ = mean(s*L) + 0.01*sum(W*W) + 0.5*c^2", []string{"c", "W"},
			[]graph.Leaf{param("W", graph.Matrix(K, n)), param("c", graph.Shape{}), x, s,
				{Kind: graph.Input, Name: "Y", Shape: graph.Vector(K).EachRow()}}, true},
		{"hidden", "h = tanh(dot(V, x) + c)\nz = dot(u, h) + b\nL = softplus(z) - y*z\nJ = mean(s*L) + 0.01*sum(V*V)", []string{"V", "c", "u", "b"},
			[]graph.Leaf{param("V", graph.Matrix(H, n)), param("c", graph.Vector(H)), param("u", graph.Vector(H)), param("b", graph.Shape{}), x, y, s}, false},
		{"two hidden", "h = tanh(dot(V, x) + c)\nk = tanh(dot(U, h))\nz = dot(u, k)\nL = softplus(z) - y*z\nJ = mean(s*L)", []string{"V", "c", "U", "u"},
			[]graph.Leaf{param("V", graph.Matrix(H, n)), param("c", graph.Vector(H)), param("U", graph.Matrix(K, H)), param("u", graph.Vector(K)), x, y, s}, false},
		{"features in the loss", "z = dot(x, w) + b\nL = softplus(z) - y*z + 0.1*sum(x*tanh(x*w))\nJ = mean(s*L)", []string{"w", "b"},
			[]graph.Leaf{param("w", graph.Vector(n)), param("b", graph.Shape{}), x, y, s}, false},
		{"multi-label", "z = dot(W, x) + c\nL = sum(softplus(z) - Y*z)\nJ = mean(s*L)", []string{"W", "c"},
			[]graph.Leaf{param("W", graph.Matrix(K, n)), param("c", graph.Vector(K)), x, s,
				{Kind: graph.Input, Name: "Y", Shape: graph.Vector(K).EachRow()}}, true},
	} {
		for _, noFused := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/NoFused=%v", c.name, noFused), func(t *testing.T) {
				p := newProblem(t, 31, 500, 2, []int{3}, 0, true)
				Y := make([]float64, 500*K)
				columns := make([][]float64, K)
				for k := range columns {
					columns[k] = make([]float64, 500)
				}
				for i := range 500 {
					k := (i*i + i/3) % K
					Y[i*K+k], columns[k][i] = 1, 1
				}
				p.layout.Inputs = append(p.layout.Inputs, "Y[0]", "Y[1]", "Y[2]")
				p.columns.Inputs = append(p.columns.Inputs, columns...)
				g, err := graph.Parse(c.src, c.leaves...)
				if err != nil {
					t.Fatal(err)
				}
				m := p.weight()
				b, err := NewObjective(p.engine(t, Options{NoFused: noFused}), g, "J", c.of, Values{M: m}, ObjectiveOptions{Keep: !noFused})
				if err != nil {
					t.Fatal(err)
				}
				size := b.Size()
				at, v, grad, hv := theta(size, 3), theta(size, 4), make([]float64, size), make([]float64, size)
				ref := graph.Values{Rows: 500, M: m, Of: map[string][]float64{"x": p.x, "Y": Y}}
				for k, name := range []string{"y", "s", "o"} {
					ref.Of[name] = p.columns.Inputs[k]
				}
				J, _ := g.Lookup("J")
				along := map[*graph.Node]*graph.Node{}
				var of []*graph.Node
				begin := 0
				for _, name := range c.of {
					n, _ := g.Lookup(name)
					of = append(of, n)
					r, err := g.Leaf(graph.Leaf{Kind: graph.Input, Name: "rate" + name, Shape: n.Shape})
					if err != nil {
						t.Fatal(err)
					}
					along[n] = r
					ref.Of[name], ref.Of["rate"+name] = at[begin:begin+n.Shape.Size()], v[begin:begin+n.Shape.Size()]
					begin += n.Shape.Size()
				}
				grads, err := g.Gradient(J, of...)
				if err != nil {
					t.Fatal(err)
				}
				tangents, err := g.Tangent(grads, along)
				if err != nil {
					t.Fatal(err)
				}
				eval := func(nodes []*graph.Node) []float64 {
					out, err := graph.Eval(ref, nodes...)
					if err != nil {
						t.Fatal(err)
					}
					return slices.Concat(out...)
				}
				got, err := b.CostGradient(background, at, grad)
				if err != nil {
					t.Fatal(err)
				}
				near(t, "J", []float64{got}, eval([]*graph.Node{J}), agree)
				near(t, "gradient", grad, eval(grads), agree)
				if err := b.Product(background, v, hv); err != nil {
					t.Fatal(err)
				}
				near(t, "H·v", hv, eval(tangents), 10*agree)
				if b.Curvature() != c.curvature {
					t.Fatalf("Curvature() = %v", b.Curvature())
				}
				h, diag := make([]float64, size*size), make([]float64, size)
				if err := b.Hessian(background, nil, h); err != nil {
					t.Fatal(err)
				}
				mul := make([]float64, size)
				for i := range mul {
					for j := range v {
						mul[i] += h[i*size+j] * v[j]
					}
				}
				near(t, "H times v", mul, hv, 10*agree)
				if err := b.Diagonal(background, diag); err != nil {
					t.Fatal(err)
				}
				for i := range diag {
					mul[i] = h[i*size+i]
				}
				near(t, "diag H", diag, mul, 10*agree)
				if err := b.Line(background, v); err != nil {
					t.Fatal(err)
				}
				lineJ, slope, err := b.LineCost(background, 0.5)
				if err != nil {
					t.Fatal(err)
				}
				for i := range at {
					at[i] += 0.5 * v[i]
				}
				if got, err = b.costGradient(background, b.e, b.full, at, grad, m, Mask{}); err != nil {
					t.Fatal(err)
				}
				along0 := 0.0
				for i := range v {
					along0 += v[i] * grad[i]
				}
				near(t, "line", []float64{lineJ, slope}, []float64{got, along0}, 10*agree)
			})
		}
	}
}

// TestKept: columns at the point by name.
func TestKept(t *testing.T) {
	p := newProblem(t, 41, 100, 2, []int{2}, 0, false)
	b, _ := objective(t, p, lecture, Options{}, ObjectiveOptions{})
	if _, err := b.Kept(background, "head"); err != ErrNoPoint {
		t.Errorf("before a point: %v", err)
	}
	n := p.layout.Features
	at := theta(n+1, 1)
	if _, err := b.CostGradient(background, at, make([]float64, n+1)); err != nil {
		t.Fatal(err)
	}
	z := make([]float64, 100)
	want := map[string][]float64{}
	for i := range z {
		z[i] = at[n] + p.columns.Inputs[2][i]
		for j := range n {
			z[i] += at[j] * p.x[i*n+j]
		}
		a := 1 / (1 + math.Exp(-z[i]))
		y, s := p.columns.Inputs[0][i], p.columns.Inputs[1][i]
		want["head"] = append(want["head"], z[i])
		want["a"] = append(want["a"], a)
		want["slope"] = append(want["slope"], s*(a-y))
		want["curvature"] = append(want["curvature"], s*a*(1-a))
		want["third"] = append(want["third"], s*a*(1-a)*(1-2*a))
	}
	for name, w := range want {
		got, err := b.Kept(background, name)
		if err != nil {
			t.Fatal(err)
		}
		near(t, name, got, w, agree)
	}
	if _, err := b.Kept(background, "nothing"); err == nil {
		t.Error("a column of no name")
	}
}

// TestEdges: no rows, no features, weights that are all zero, and what cannot run.
func TestEdges(t *testing.T) {
	p := newProblem(t, 51, 50, 2, nil, 0, false)
	build := func(p *problem, src string, in Values, leaves ...graph.Leaf) error {
		g := model(t, src, max(p.layout.Features, 1), leaves...)
		_, err := NewObjective(p.engine(t, Options{}), g, "J", []string{"w", "b"}, in, ObjectiveOptions{})
		return err
	}
	empty := newProblem(t, 51, 0, 2, nil, 0, false)
	zero := p.settings()
	zero.M = math.NaN()
	row := graph.Shape{PerRow: true}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"no rows", build(empty, "z = dot(w,x) + b\nJ = mean(softplus(z) - y*z)", Values{}), "weights of the rows add up to 0"},
		{"weights NaN", build(p, lecture, zero), "add up to NaN"},
		{"unknown column", build(p, "z = dot(w,x) + b\nJ = mean(softplus(z) - q*z)", p.settings(), graph.Leaf{Kind: graph.Input, Name: "q", Shape: row}), `no column "q"`},
		{"unknown setting", build(p, lecture, Values{M: 1, Of: map[string][]float64{"m": {1}}}), "no value for lambda"},
		{"vector of another length", build(p, "z = dot(w,x) + b\nJ = mean(sum(q)*z)", p.settings(), graph.Leaf{Kind: graph.Input, Name: "q", Shape: graph.Vector(7).EachRow()}), "vector of 7"},
		{"batch norm", build(p, "z = dot(w,x) + b\nu = z - mean(z)\nJ = mean(softplus(u) - y*u)", p.settings()), "mean over all rows before"},
		{"per row", build(p, "z = dot(w,x) + b\nJ = softplus(z) - y*z", p.settings()), "want one number"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, c.err, c.want)
		}
	}

	// z = b alone: the intercept-only model
	none := newProblem(t, 52, 200, 0, nil, 0, false)
	leaves := []graph.Leaf{{Kind: graph.Parameter, Name: "b"}, {Kind: graph.Input, Name: "y", Shape: row}}
	g, err := graph.Parse("z = b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))\nJ = mean(L)", leaves...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewObjective(none.engine(t, Options{}), g, "J", []string{"b"}, Values{}, ObjectiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ones := 0.0
	for _, y := range none.columns.Inputs[0] {
		ones += y / 200
	}
	grad, h := []float64{0}, []float64{0}
	J, err := b.CostGradient(background, []float64{math.Log(ones / (1 - ones))}, grad)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "entropy", []float64{J}, []float64{-ones*math.Log(ones) - (1-ones)*math.Log(1-ones)}, 1e-14)
	if math.Abs(grad[0]) > 1e-15 {
		t.Errorf("db = %v at the optimum", grad[0])
	}
	if err := b.Hessian(background, nil, h); err != nil {
		t.Fatal(err)
	}
	near(t, "d²b", h, []float64{ones * (1 - ones)}, 1e-14)

	// all weights zero, with m given: the penalty alone
	zeros := newProblem(t, 53, 70, 2, nil, 0, false)
	clear(zeros.columns.Inputs[1])
	in := zeros.settings()
	in.M, in.Of["m"] = 1, []float64{1}
	g = model(t, lecture, 2)
	if b, err = NewObjective(zeros.engine(t, Options{}), g, "J", []string{"w", "b"}, in, ObjectiveOptions{}); err != nil {
		t.Fatal(err)
	}
	grad = make([]float64, 3)
	if _, err = b.CostGradient(background, []float64{1, 2, 3}, grad); err != nil {
		t.Fatal(err)
	}
	near(t, "gradient", grad, []float64{in.Of["lambda"][0], 2 * in.Of["lambda"][1], 0}, 1e-15)
}

// TestLayouts: what is wrong with a layout or its columns is said.
func TestLayouts(t *testing.T) {
	one := []float64{1, 2}
	for _, c := range []struct {
		l    Layout
		c    Columns
		want string
	}{
		{Layout{Rows: -1}, Columns{}, "-1 rows"},
		{Layout{Features: 1, Dense: []int{1}}, Columns{}, "feature 1"},
		{Layout{Features: 2, Dense: []int{0}, Codes: []Codes{{0, 2}}}, Columns{}, "stored twice"},
		{Layout{Features: 2, Codes: []Codes{{0, -2}}}, Columns{}, "-2 levels"},
		{Layout{Features: 2, Center: one[:1]}, Columns{}, "1 centers for 2 features"},
		{Layout{Inputs: []string{"y", "y"}}, Columns{}, `two inputs "y"`},
		{Layout{Rows: 2, Features: 1, Dense: []int{0}}, Columns{}, "0 dense columns"},
		{Layout{Rows: 3, Features: 1, Dense: []int{0}}, Columns{Dense: []Cells{Float64s(one)}}, "has 2 rows, the layout 3"},
		{Layout{Rows: 2, Features: 2, Codes: []Codes{{0, 2}}}, Columns{Codes: [][]int32{{0, 2}}}, "code 2 of 2 levels"},
		{Layout{Rows: 2, Inputs: []string{"y"}}, Columns{Inputs: [][]float64{one[:1]}}, `input "y" has 1 rows`},
		{Layout{Rows: 1, Features: 2, Sparse: true}, Columns{Start: []int{0, 2}, Index: []int32{1, 0}, Value: Float64s(one)}, "index 0 after 1"},
		{Layout{Rows: 1, Features: 2, Sparse: true}, Columns{Start: []int{0, 1}, Index: []int32{2}, Value: Float64s(one[:1])}, "index 2"},
		{Layout{Rows: 1, Features: 2, Sparse: true}, Columns{Start: []int{0, 3}, Index: []int32{0}, Value: Float64s(one[:1])}, "values 0 to 3"},
		{Layout{Rows: 1, Features: 2, Sparse: true, Dense: []int{1}}, Columns{Dense: []Cells{Float64s(one[:1])}, Start: []int{0, 1}, Index: []int32{1}, Value: Float64s(one[:1])}, "stored elsewhere"},
	} {
		if _, err := NewMemory(c.l, c.c); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.l, err, c.want)
		}
	}
	p := newProblem(t, 1, 5000, 300, nil, 0, false)
	m := p.memory(t)
	for _, o := range []Options{{Threads: -1}, {From: 3, To: 2}, {From: 0, To: 1000}} {
		if _, err := New(m, o); err == nil {
			t.Errorf("options %+v taken", o)
		}
	}
	if _, err := m.Chunk(-1); err == nil {
		t.Error("chunk -1")
	}
}
