package graph

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestEqualNodesAreOneNode(t *testing.T) {
	g := parsed(t, "L = a + b*c")
	a, _ := g.Lookup("a")
	b, _ := g.Lookup("b")
	c, _ := g.Lookup("c")
	L, _ := g.Lookup("L")
	bc, err := g.Apply("mul", c, b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := g.Apply("add", bc, a)
	if err != nil {
		t.Fatal(err)
	}
	if again != L {
		t.Errorf("c*b + a is %v, not the node a + b*c", again)
	}
	ab, _ := g.Apply("sub", a, b)
	ba, _ := g.Apply("sub", b, a)
	if ab == ba {
		t.Error("a - b is b - a")
	}
	if g.Const(big.NewRat(1, 2)) != g.Const(big.NewRat(2, 4)) {
		t.Error("1/2 is not 2/4")
	}
	ids := map[int]bool{}
	for _, n := range Below(L, ab, ba) {
		for _, arg := range n.Args {
			if arg.ID >= n.ID {
				t.Errorf("%v has number %d, its argument %v %d", n, n.ID, arg, arg.ID)
			}
		}
		if ids[n.ID] {
			t.Errorf("%v comes twice", n)
		}
		ids[n.ID] = true
	}
}

func TestApplyErrors(t *testing.T) {
	g := New()
	leaf := func(name string, s Shape) *Node {
		n, err := g.Leaf(Leaf{Kind: Parameter, Name: name, Shape: s})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	a, v, w, m := leaf("a", Shape{}), leaf("v", Vector(3)), leaf("w", Vector(2)), leaf("m", Matrix(2, 3))
	other := parsed(t, "L = a")
	foreign, _ := other.Lookup("a")
	for _, c := range []struct {
		op   string
		args []*Node
		want string
	}{
		{"foo", []*Node{a}, `no op is called "foo"`},
		{"add", []*Node{a}, "takes 2 arguments, not 1"},
		{"log", []*Node{a, a}, "takes 1 argument, not 2"},
		{"add", []*Node{v, w}, "add: a vector of 3 does not fit a vector of 2"},
		{"mul", []*Node{v, m}, "mul: a vector of 3 does not fit a matrix of 2x3"},
		{"dot", []*Node{v, w}, "dot: wants two vectors of one length"},
		{"dot", []*Node{a, a}, "not a scalar and a scalar"},
		{"dotT", []*Node{m, v}, "dotT: wants a kxn matrix and a vector of k"},
		{"outer", []*Node{a, v}, "outer: wants two vectors"},
		{"softmax", []*Node{a}, "softmax: wants a vector, not a scalar"},
		{"logsumexp", []*Node{m}, "logsumexp: wants a vector, not a matrix of 2x3"},
		{"fill", []*Node{v, w}, "fill: wants a scalar to fill with"},
		{"add", []*Node{a, nil}, "argument 2 is not a node of this graph"},
		{"add", []*Node{foreign, a}, "argument 1 is not a node of this graph"},
	} {
		if _, err := g.Apply(c.op, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s%v: %v, want %q", c.op, c.args, err, c.want)
		}
	}
	for _, l := range []Leaf{
		{Kind: Parameter, Name: "a", Shape: Vector(2)},
		{Kind: Input, Name: "a"},
		{Kind: Parameter, Name: "log"},
		{Kind: Parameter, Name: "2x"},
		{Kind: Parameter, Name: ""},
		{Kind: Parameter, Name: "range"},
		{Kind: Parameter, Name: "n", Shape: Shape{Rows: -1}},
		{Kind: Parameter, Name: "n", Shape: Shape{Cols: 2}},
		{Kind: Parameter, Name: "n", Shape: Matrix(1<<30, 1<<30)},
		{Kind: Parameter, Name: "n", Fact: Fact{Range: &Interval{Lo: 2, Hi: 1}}},
		{Kind: Constant},
	} {
		if _, err := g.Leaf(l); err == nil {
			t.Errorf("leaf %+v: no error", l)
		}
	}
	if _, err := g.Gradient(v, a); err == nil || !strings.Contains(err.Error(), "want a scalar") {
		t.Errorf("gradient of a vector: %v", err)
	}
	if _, err := g.Gradient(foreign, a); err == nil {
		t.Error("gradient of another graph's node: no error")
	}
	if _, _, err := g.Simplify(foreign); err == nil {
		t.Error("simplify another graph's node: no error")
	}
	if err := g.Derive("L"); err == nil {
		t.Error("derive what is not there: no error")
	}
	if err := other.Append("dL = 1"); err != nil {
		t.Error(err)
	}
	clash := parsed(t, "a = w*x\nda = 2*a\nL = da*a")
	if err := clash.Derive("L"); err == nil || !strings.Contains(err.Error(), "use da for something else") {
		t.Errorf("a name that is taken: %v", err)
	}
}

func TestEvalErrors(t *testing.T) {
	g := parsed(t, "L = dot(w, x)", logisticLeaves(3)...)
	L, _ := g.Lookup("L")
	for _, v := range []Values{
		{Rows: 1},
		{Rows: 2, Of: map[string][]float64{"w": {1, 2, 3}, "x": {1, 2, 3}}},
		{Rows: -1, Of: map[string][]float64{"w": {1, 2, 3}, "x": {}}},
		{Rows: 1, M: -1, Of: map[string][]float64{"w": {1, 2, 3}, "x": {1, 2, 3}}},
		{Rows: 1, Of: map[string][]float64{"w": {1, 2}, "x": {1, 2, 3}}},
	} {
		if _, err := Eval(v, L); err == nil {
			t.Errorf("%+v: no error", v)
		}
	}
	if _, err := Eval(Values{}, nil); err == nil {
		t.Error("a nil root: no error")
	}
	out, err := Eval(Values{Rows: 0, Of: map[string][]float64{"w": {1, 2, 3}, "x": {}}}, L)
	if err != nil || len(out[0]) != 0 {
		t.Errorf("no rows: %v, %v", out, err)
	}
}

// mean divides by M where it is given: a weight of k is k rows.
func TestMeanOfWeights(t *testing.T) {
	row := Shape{PerRow: true}
	g := parsed(t, "J = mean(s*u) + c", Leaf{Kind: Input, Name: "s", Shape: row}, Leaf{Kind: Input, Name: "u", Shape: row}, Leaf{Kind: Parameter, Name: "c"})
	J, _ := g.Lookup("J")
	weighted, err := Eval(Values{Rows: 2, M: 4, Of: map[string][]float64{"s": {1, 3}, "u": {5, 7}, "c": {1}}}, J)
	if err != nil {
		t.Fatal(err)
	}
	repeated, err := Eval(Values{Rows: 4, Of: map[string][]float64{"s": {1, 1, 1, 1}, "u": {5, 7, 7, 7}, "c": {1}}}, J)
	if err != nil {
		t.Fatal(err)
	}
	if weighted[0][0] != repeated[0][0] || weighted[0][0] != 7.5 {
		t.Errorf("weighted %v, repeated %v, want 7.5", weighted[0][0], repeated[0][0])
	}
	// what is the same for all rows is added once for each
	three := g.raw("mean", g.integer(3))
	out, err := Eval(Values{Rows: 2, M: 4}, three)
	if err != nil || out[0][0] != 1.5 {
		t.Errorf("mean(3) of 2 rows with m = 4 is %v, %v", out, err)
	}
}

func TestReplace(t *testing.T) {
	g := parsed(t, lecture, logisticLeaves(3)...)
	L, _ := g.Lookup("L")
	z, _ := g.Lookup("z")
	step, err := g.Leaf(Leaf{Kind: Input, Name: "t"})
	if err != nil {
		t.Fatal(err)
	}
	moved, err := g.Apply("add", z, step)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := g.Replace(L, map[*Node]*Node{z: moved}).String(), "-(y*log(sigmoid(z + t)) + (1 - y)*log(1 - sigmoid(z + t)))"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if g.Replace(L, nil) != L || g.Replace(L, map[*Node]*Node{step: z}) != L {
		t.Error("replacing nothing makes another node")
	}
	defer func() {
		if recover() == nil {
			t.Error("a replacement of another shape passes")
		}
	}()
	w, _ := g.Lookup("w")
	g.Replace(L, map[*Node]*Node{w: step})
}

func TestPattern(t *testing.T) {
	g := parsed(t, "L = softplus(z) - z*y\nM = softplus(z) - y*x1\nN = y*exp(z) + 1")
	p, err := ParsePattern("softplus(u) - t*u")
	if err != nil {
		t.Fatal(err)
	}
	L, _ := g.Lookup("L")
	M, _ := g.Lookup("M")
	z, _ := g.Lookup("z")
	y, _ := g.Lookup("y")
	bound, ok := p.Match(L)
	if !ok || bound["u"] != z || bound["t"] != y {
		t.Errorf("%v: %v %v", L, bound, ok)
	}
	if _, ok := p.Match(M); ok {
		t.Errorf("%v matches %v", M, p)
	}
	if again, err := g.Build(p, bound); err != nil || again != L {
		t.Errorf("built %v, %v", again, err)
	}
	if _, err := g.Build(p, map[string]*Node{"u": z}); err == nil {
		t.Error("an unbound name builds")
	}
	q, err := ParsePattern("1 + exp(u)*v")
	if err != nil {
		t.Fatal(err)
	}
	N, _ := g.Lookup("N")
	if bound, ok := q.Match(N); !ok || bound["v"] != y {
		t.Errorf("%v does not match %v", N, q)
	}
	w, err := ParsePattern("pick(u, r, e*r) where e = expnabs(u), r = 1/max(e, 1)")
	if err != nil {
		t.Fatal(err)
	}
	n, err := g.Build(w, map[string]*Node{"u": z})
	if err != nil || n.String() != "pick(z, 1/max(expnabs(z), 1), expnabs(z)/max(expnabs(z), 1))" {
		t.Errorf("%v, %v", n, err)
	}
	for _, bad := range []string{"", "u +", "u where v", "u where v = ", "foo(u)", strings.Repeat("(", 100000)} {
		if _, err := ParsePattern(bad); err == nil {
			t.Errorf("%.20q parses", bad)
		}
	}
}

// Precedence, checked by value; and what is printed reads back as the same node.
func TestPrecedence(t *testing.T) {
	for src, want := range map[string]float64{
		"-2^2":              -4,
		"2^3^2":             512,
		"2^-1":              0.5,
		"-2*3 - -4":         -2,
		"10 - 4 - 3":        3,
		"24/4/2":            3,
		"24/4*2":            12,
		"2*3^2*2":           36,
		"2*(1-3)^2*log(1)":  0,
		"1 - 2*-3":          7,
		"-(1 + 2)*3 + +4":   -5,
		"2^2^0.5*0 + .5e1":  5,
		"max(1, 2)^2 - 1.e": 0,
	} {
		g, err := Parse("L = " + src)
		if src == "max(1, 2)^2 - 1.e" {
			if err == nil {
				t.Errorf("%s parses", src)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		L, _ := g.Lookup("L")
		out, err := Eval(Values{}, L)
		if err != nil || math.Abs(out[0][0]-want) > 1e-15 {
			t.Errorf("%s is %v (%v), want %v", src, out, err, want)
		}
	}
}

func TestPrintedReadsBack(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 2000 {
		src := randomText(r, 5)
		g := parsed(t, "L = "+src)
		L, _ := g.Lookup("L")
		if err := g.Append("M = " + L.String()); err != nil {
			t.Fatalf("%s prints as %v: %v", src, L, err)
		}
		if M, _ := g.Lookup("M"); M != L && !(M.Op.Name == "alias" && M.Args[0] == L.Args[0]) { // a name by itself
			t.Fatalf("%s prints as %v, which reads as %v", src, L, M)
		}
	}
	for src, want := range map[string]string{
		"-y/a + (1-y)/(1-a)": "-y/a + (1 - y)/(1 - a)",
		"(-y)/a":             "(-y)/a",
		"a-(b-c)":            "a - (b - c)",
		"(a-b)-c":            "a - b - c",
		"a*(b*c)":            "a*(b*c)",
		"(a*b)*c":            "a*b*c",
		"(-a)^2":             "(-a)^2",
		"-a^2":               "-a^2",
		"(a^b)^c":            "(a^b)^c",
		"a^(b^c)":            "a^b^c",
		"a^-b":               "a^(-b)",
		"-(-a)":              "-(-a)",
		"0.10":               "0.1",
		"1e3":                "1000",
	} {
		g := parsed(t, "L = "+src)
		L, _ := g.Lookup("L")
		if got := L.String(); got != want {
			t.Errorf("%s prints as %s, want %s", src, got, want)
		}
	}
}

func TestAppend(t *testing.T) {
	g := parsed(t, "# the lecture\r\nz = w*x + b # a line\r\n\r\na = sigmoid(z); L = -(y*log(a) + (1-y)*log(1-a))\n")
	if err := g.Append("J = mean(s*L)", Leaf{Kind: Input, Name: "s", Shape: Shape{PerRow: true}}); err != nil {
		t.Fatal(err)
	}
	J, ok := g.Lookup("J")
	if !ok || J.String() != "mean(s*L)" || J.Shape.PerRow {
		t.Errorf("J is %v", J)
	}
	if err := g.Append("z = 2"); err == nil || !strings.Contains(err.Error(), "already defined on line 2") {
		t.Errorf("defining z again: %v", err)
	}
	if err := g.Append("w = 2"); err == nil || !strings.Contains(err.Error(), "w is a parameter and cannot be defined") {
		t.Errorf("defining a leaf: %v", err)
	}
	x, _ := g.Lookup("x")
	w, _ := g.Lookup("w")
	if x.Leaf.Kind != Input || !x.Shape.PerRow || w.Leaf.Kind != Parameter || w.Shape.PerRow {
		t.Errorf("x is %v %v, w is %v %v", x.Leaf.Kind, x.Shape, w.Leaf.Kind, w.Shape)
	}
}

// Ranges: what they exclude is excluded, for random values of the leaves.
func TestRanges(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	told := 0
	for range 2000 {
		src := randomText(r, 4)
		g := parsed(t, "L = "+src,
			Leaf{Kind: Input, Name: "x", Fact: Fact{Range: &Interval{Lo: 0, Hi: 1, LoOpen: true, HiOpen: true}}},
			Leaf{Kind: Input, Name: "y", Fact: Fact{Range: &Interval{Lo: -2, Hi: -1}}},
			Leaf{Kind: Input, Name: "p", Fact: Fact{Range: &Interval{Lo: 0, Hi: math.Inf(1)}}},
			Leaf{Kind: Input, Name: "q"})
		L, _ := g.Lookup("L")
		i := g.Range(L)
		if i != Everything() {
			told++
		}
		for range 20 {
			v := Values{Of: map[string][]float64{
				"x": {0.001 + 0.998*r.Float64()}, "y": {-2 + r.Float64()},
				"p": {[]float64{0, 3 * r.Float64(), 1e3}[r.IntN(3)]}, "q": {3 * r.NormFloat64()}}}
			out, err := Eval(v, L)
			if err != nil {
				t.Fatal(err)
			}
			u := out[0][0]
			slack := 1e-9 * math.Max(1, math.Abs(u))
			if u < i.Lo-slack || u > i.Hi+slack {
				t.Fatalf("%s is %v at %v, outside %+v", src, u, v.Of, i)
			}
		}
	}
	if told < 200 {
		t.Errorf("only %d of 2000 ranges say anything", told)
	}
	g := parsed(t, "L = 0.1 + 0.2 - 0.3\nM = sigmoid(a)*sigmoid(b)\nN = 1 - sigmoid(a)^2")
	for name, want := range map[string]bool{"L": false, "M": true, "N": true} {
		n, _ := g.Lookup(name)
		if got := g.Range(n).positive(); got != want {
			t.Errorf("%v > 0: %v, want %v", n, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{lecture, "z = 1 + 2", "a = -b^2^-c", "L = max(0, 1 - (2*y - 1)*z); M = L/2", "x = (", "z = 1e999", "α = β_1*γ", "z = a\u2081", "s = dot(dotT(a, b), outer(c, d))", "u = pick(a, b, c) # d"} {
		f.Add(s)
	}
	for _, s := range spellings {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		g, err := Parse(src)
		if err != nil {
			e, ok := err.(*Error)
			if !ok || e.Line < 1 || e.Column < 1 || e.Message == "" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		for _, d := range g.Defs {
			text := d.Written.Text(nil)
			if strings.HasSuffix(text, "…") || len(text) > 4000 {
				continue
			}
			again, err := Parse("out = " + text)
			if err != nil {
				t.Fatalf("%q prints as %q: %v", src, text, err)
			}
			n, _ := again.Lookup("out")
			if back := n.Text(nil); back != text {
				t.Fatalf("%q prints as %q, then as %q", src, text, back)
			}
		}
		if len(src) < 300 && len(g.Defs) > 0 {
			g.Budget = 50
			last := g.Defs[len(g.Defs)-1]
			if !last.Written.Shape.IsScalar() {
				return
			}
			if err := g.Derive(last.Name); err == nil {
				g.Lower(g.Defs[len(g.Defs)-1].Runs)
			}
		}
	})
}
