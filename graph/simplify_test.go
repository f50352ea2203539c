package graph

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

const lecture = logisticHead + "a = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))"

// The dz of the lecture, from the loss as written, and the dz of the simplified loss are one node.
func TestTwoRoads(t *testing.T) {
	g := parsed(t, lecture, logisticLeaves(3)...)
	L, _ := g.Lookup("L")
	z, _ := g.Lookup("z")
	a, _ := g.Lookup("a")
	y, _ := g.Lookup("y")
	written, err := g.Gradient(L, a, z)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := written[0].String(), "-y/a + (1 - y)/(1 - a)"; got != want {
		t.Errorf("da is %s, want %s", got, want)
	}
	if got, want := written[1].Text(map[*Node]string{written[0]: "da", a: "a"}), "da*(a*(1 - a))"; got != want {
		t.Errorf("dz is %s, want %s", got, want)
	}
	want, err := g.Apply("sub", a, y)
	if err != nil {
		t.Fatal(err)
	}
	one, steps, err := g.Simplify(written[1])
	if err != nil {
		t.Fatal(err)
	}
	if one[0] != want {
		t.Errorf("from the loss as written dz is %v", one[0])
	}
	var rules []string
	for _, s := range steps {
		rules = append(rules, s.Rule)
		if err := s.Prove(1); err != nil {
			t.Error(err)
		}
	}
	if got, want := strings.Join(rules, " | "), "distribute (1 - y)/(1 - a) - y/a; cancel | distribute 1 - a | distribute 1 - y | collect"; got != want {
		t.Errorf("steps %s\nwant %s", got, want)
	}
	simple, _, err := g.Simplify(L)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := simple[0].String(), "softplus(z) - y*z"; got != want {
		t.Errorf("L is %s, want %s", got, want)
	}
	raw, err := g.Gradient(simple[0], z)
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := g.Simplify(raw...)
	if err != nil {
		t.Fatal(err)
	}
	if two[0] != want {
		t.Errorf("from the simplified loss dz is %v", two[0])
	}
}

// The cost with weights and a penalty: dz has no 1/m, dw and db have.
func TestCost(t *testing.T) {
	row := Shape{PerRow: true}
	leaves := append(logisticLeaves(3),
		Leaf{Kind: Input, Name: "s", Shape: row}, Leaf{Kind: Input, Name: "m"}, Leaf{Kind: Input, Name: "lambda", Shape: Vector(3)})
	g := derived(t, lecture+"\nJ = mean(s*L) + sum(lambda*w*w)/(2*m)", "J", leaves...)
	for name, want := range map[string]string{
		"J": "mean(s*(softplus(z) - y*z)) + sum(lambda*w*w)/(2*m)", "dz": "s*(a - y)",
		"dw": "lambda*w/m + mean(s*(a - y)*x)", "db": "mean(s*(a - y))",
	} {
		d := def(t, g, name)
		names := map[*Node]string{}
		for _, n := range []string{"z", "a"} {
			k, _ := g.Lookup(n)
			names[k] = n
		}
		if got := d.Runs.Text(names); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
		if !d.Met {
			t.Errorf("%s: the roads do not meet", name)
		}
		checkWhy(t, d)
	}
	if dw := def(t, g, "dw"); dw.Runs.Shape != Vector(3) || dw.Written.Shape != Vector(3) {
		t.Errorf("dw is a %v, as written a %v", dw.Runs.Shape, dw.Written.Shape)
	}
}

func TestOtherModels(t *testing.T) {
	row := Shape{PerRow: true}
	const n, k = 4, 3
	x := Leaf{Kind: Input, Name: "x", Shape: Vector(n).EachRow()}
	y := Leaf{Kind: Input, Name: "y", Shape: Vector(k).EachRow()}
	softmax := "z = dot(W, x) + b\na = softmax(z)\nL = -sum(y*log(a))\nJ = mean(L)"
	W, b := Leaf{Kind: Parameter, Name: "W", Shape: Matrix(k, n)}, Leaf{Kind: Parameter, Name: "b", Shape: Vector(k)}
	onehot := y
	onehot.Fact.Total = big.NewRat(1, 1)
	hidden := []Leaf{
		{Kind: Parameter, Name: "V", Shape: Matrix(5, n)}, {Kind: Parameter, Name: "c", Shape: Vector(5)},
		{Kind: Parameter, Name: "U", Shape: Matrix(5, 5)}, {Kind: Parameter, Name: "w", Shape: Vector(5)},
		{Kind: Parameter, Name: "b"}, x, {Kind: Input, Name: "y", Shape: row},
	}
	for _, c := range []struct {
		src    string
		leaves []Leaf
		want   map[string]string
	}{
		{softmax, []Leaf{W, b, x, onehot}, map[string]string{"L": "logsumexp(z) - sum(y*z)", "dz": "a - y", "dW": "mean(outer(a - y, x))", "db": "mean(a - y)"}},
		{softmax, []Leaf{W, b, x, y}, map[string]string{"L": "logsumexp(z)*sum(y) - sum(y*z)", "dz": "sum(y)*a - y"}},
		{"z = dot(W, x) + b\na = exp(z)/sum(exp(z))\nL = -sum(y*log(a))\nJ = mean(L)", []Leaf{W, b, x, onehot},
			map[string]string{"L": "logsumexp(z) - sum(y*z)", "dz": "softmax(z) - y"}},
		{"h = tanh(dot(V, x) + c)\nz = dot(w, h) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))\nJ = mean(L)", hidden, map[string]string{
			"L": "softplus(z) - y*z", "dz": "a - y", "dh": "(a - y)*w", "dw": "mean((a - y)*h)",
			"dV": "mean(outer((a - y)*w*(1 - h^2), x))", "dc": "mean((a - y)*w*(1 - h^2))"}},
		{"h = tanh(dot(V, x) + c)\nk = relu(dot(U, h))\nz = dot(w, k) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))\nJ = mean(L)", hidden, map[string]string{
			"dz": "a - y", "dw": "mean((a - y)*k)"}},
		{"J = 3*(a + b*c)", []Leaf{{Kind: Parameter, Name: "a"}, {Kind: Parameter, Name: "b"}, {Kind: Parameter, Name: "c"}},
			map[string]string{"da": "3", "db": "3*c", "dc": "3*b"}},
	} {
		g := derived(t, c.src, "J", c.leaves...)
		for name, want := range c.want {
			d := def(t, g, name)
			names := map[*Node]string{}
			for _, e := range g.Defs {
				if e.Of == "" && e.Name != name {
					names[e.Written] = e.Name
				}
			}
			if got := d.Runs.Text(names); got != want {
				t.Errorf("%s: %s is %s, want %s", c.src, name, got, want)
			}
			checkWhy(t, d)
		}
	}
}

// Differentiating twice: the curvature of log loss, and H·v against differences of the gradient.
func TestSecondDerivatives(t *testing.T) {
	g := derived(t, lecture, "L", logisticLeaves(3)...)
	z, _ := g.Lookup("z")
	c, err := g.Gradient(def(t, g, "dz").Runs, z)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := g.Simplify(c...)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := out[0].String(), "a*(1 - a)"; got != want {
		t.Errorf("the curvature is %s, want %s", got, want)
	}

	x := Leaf{Kind: Input, Name: "x", Shape: Vector(4).EachRow()}
	onehot := Leaf{Kind: Input, Name: "y", Shape: Vector(3).EachRow(), Fact: Fact{Total: one}}
	row := Shape{PerRow: true}
	for _, m := range []struct {
		src    string
		of     []string
		leaves []Leaf
	}{
		{lecture + "\nJ = mean(L)", []string{"w", "b"}, logisticLeaves(4)},
		{"z = dot(W, x) + b\na = softmax(z)\nL = -sum(y*log(a))\nJ = mean(L)", []string{"W", "b"},
			[]Leaf{{Kind: Parameter, Name: "W", Shape: Matrix(3, 4)}, {Kind: Parameter, Name: "b", Shape: Vector(3)}, x, onehot}},
		{"h = tanh(dot(V, x) + c)\nz = dot(w, h) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))\nJ = mean(L) + sum(V*V)/2", []string{"V", "c", "w", "b"},
			[]Leaf{{Kind: Parameter, Name: "V", Shape: Matrix(5, 4)}, {Kind: Parameter, Name: "c", Shape: Vector(5)},
				{Kind: Parameter, Name: "w", Shape: Vector(5)}, {Kind: Parameter, Name: "b"}, x, {Kind: Input, Name: "y", Shape: row}}},
	} {
		g := derived(t, m.src, "J", m.leaves...)
		r := rand.New(rand.NewPCG(1, 2))
		v := Values{Rows: 5, Of: map[string][]float64{}}
		for _, l := range m.leaves {
			size := l.Shape.Size()
			if l.Shape.PerRow {
				size *= v.Rows
			}
			for range size {
				v.Of[l.Name] = append(v.Of[l.Name], r.NormFloat64())
			}
		}
		for i := range v.Of["y"] { // one-hot, or 0 and 1
			v.Of["y"][i] = 0
			if len(v.Of["y"]) == v.Rows && i%2 == 0 || len(v.Of["y"]) > v.Rows && i%3 == (i/3)%3 {
				v.Of["y"][i] = 1
			}
		}
		var written, runs []*Node
		along := map[*Node]*Node{}
		for _, name := range m.of {
			d := def(t, g, "d"+name)
			written, runs = append(written, d.Written), append(runs, d.Runs)
			p, _ := g.Lookup(name)
			rate, err := g.Leaf(Leaf{Kind: Input, Name: "v" + name, Shape: p.Shape})
			if err != nil {
				t.Fatal(err)
			}
			along[p] = rate
			for range p.Shape.Size() {
				v.Of["v"+name] = append(v.Of["v"+name], r.NormFloat64())
			}
		}
		raw, err := g.Tangent(runs, along)
		if err != nil {
			t.Fatal(err)
		}
		hv, _, err := g.Simplify(raw...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Eval(v, g.Lower(hv...)...)
		if err != nil {
			t.Fatal(err)
		}
		at := func(h float64) [][]float64 {
			moved := Values{Rows: v.Rows, Of: map[string][]float64{}}
			for name, values := range v.Of {
				moved.Of[name] = append([]float64(nil), values...)
			}
			for _, name := range m.of {
				for i := range moved.Of[name] {
					moved.Of[name][i] += h * v.Of["v"+name][i]
				}
			}
			out, err := Eval(moved, written...)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		const h = 1e-5
		up, down := at(h), at(-h)
		for i := range got {
			for k := range got[i] {
				if want := (up[i][k] - down[i][k]) / (2 * h); math.Abs(got[i][k]-want) > 1e-8*math.Max(1, math.Abs(want)) {
					t.Errorf("%s: H·v of %s, component %d: %v, by differences %v", m.src, m.of[i], k, got[i][k], want)
				}
			}
		}
	}
}

// Every rule of the table is true where it says so, and its condition is needed or a matter of shape.
func TestRules(t *testing.T) {
	seen := 0
	for _, r := range Rules() {
		for seed := range uint64(4) {
			if err := r.Prove(seed); err != nil {
				t.Error(err)
			}
		}
		seen++
	}
	if seen < 40 {
		t.Errorf("only %d rules", seen)
	}
	for _, wrong := range []Rule{
		{Name: "wrong sign", Before: "log(sigmoid(u))", After: "softplus(-u)"},
		{Name: "needs u > 0", Before: "exp(log(u))", After: "abs(u) + u"},
		{Name: "not linear", Before: "mean(u*v)", After: "u*v", If: "fixed(u), scalar(u)"},
		{Name: "no such op", Before: "foo(u)", After: "u"},
	} {
		if wrong.Prove(1) == nil {
			t.Errorf("%s: proved %s = %s", wrong.Name, wrong.Before, wrong.After)
		}
	}
}

// A rule is used only where its condition is known to hold.
func TestFacts(t *testing.T) {
	positive := Fact{Range: &Interval{Lo: 0, LoOpen: true, Hi: math.Inf(1)}}
	notNegative := Fact{Range: &Interval{Lo: 0, Hi: math.Inf(1)}}
	for _, c := range []struct {
		src  string
		fact Fact
		want string
	}{
		{"L = p*q/p", Fact{}, "p*q/p"}, // refused: p may be 0
		{"L = p*q/p", notNegative, "p*q/p"},
		{"L = p*q/p", positive, "q"},
		{"L = p^1.5*q*p", Fact{}, "p^1.5*q*p"},
		{"L = p^1.5*q*p", positive, "p^2.5*q"},
		{"L = log(p*exp(q))", Fact{}, "log(p*exp(q))"},
		{"L = log(p*exp(q))", positive, "log(p) + q"},
		{"L = q^2*q^6*q^4*q^5", Fact{}, "q^17"},
		{"L = (p^2)^0.5", Fact{}, "(p^2)^0.5"},
		{"L = sum(u*(v - q))", Fact{}, "sum(u*(v - q))"},         // opened, it would cancel where v is near q
		{"L = y*y", Fact{Range: &Interval{Lo: 0, Hi: 1}}, "y*y"}, // y in {0, 1} must not be assumed
	} {
		g := parsed(t, c.src, Leaf{Kind: Parameter, Name: "p", Fact: c.fact}, Leaf{Kind: Parameter, Name: "q"},
			Leaf{Kind: Input, Name: "u", Shape: Vector(3)}, Leaf{Kind: Input, Name: "v", Shape: Vector(3)},
			Leaf{Kind: Input, Name: "y", Shape: Shape{PerRow: true}})
		L, _ := g.Lookup("L")
		out, _, err := g.Simplify(L)
		if err != nil {
			t.Fatal(err)
		}
		if got := out[0].String(); got != c.want {
			t.Errorf("%s with p %+v: %s, want %s", c.src, c.fact.Range, got, c.want)
		}
	}
}

// A rule that is changed, or left out, changes what trains; and a false one does not prove.
func TestBrokenRule(t *testing.T) {
	change := func(edit func([]Rule) []Rule) (g *Graph, L, dw *Def) {
		g = parsed(t, lecture, logisticLeaves(3)...)
		g.Rules = edit(g.Rules)
		if err := g.Derive("L"); err != nil {
			t.Fatal(err)
		}
		return g, def(t, g, "L"), def(t, g, "dw")
	}
	_, L, dw := change(func(r []Rule) []Rule { return r })
	wantL, wantDw := L.Runs.String(), dw.Runs.String()
	for i, r := range Rules() {
		name := fmt.Sprintf("%s (%s)", r.Name, r.Before)
		// Without the rule: what this derivation uses must be missed.
		g, L, dw := change(func(all []Rule) []Rule { return append(append([]Rule(nil), all[:i]...), all[i+1:]...) })
		used := map[string]bool{"log-sigmoid": true, "log-one-minus-sigmoid": r.Before == "log(1 - sigmoid(u))",
			"mirror softplus": r.Before == "softplus(-u)", "distribute": true, "collect": true}[r.Name]
		if changed := L.Runs.String() != wantL || dw.Runs.String() != wantDw; changed != used {
			t.Errorf("without %s L is %v, dw is %v", name, L.Runs, dw.Runs)
		}
		if r.Name == "cancel" && dw.Met {
			t.Error("without cancel the written dw still becomes (a - y)*x")
		}
		checkWhy(t, L)
		if r.Name == "lower sigmoid" && g.Lower(dw.Runs)[0] != dw.Runs {
			t.Error("without its lowering sigmoid is lowered")
		}
	}
	_, L, dw = change(func(all []Rule) []Rule {
		for i := range all {
			if all[i].Name == "log-sigmoid" {
				all[i].After = "-softplus(u)" // the sign is lost
			}
		}
		return all
	})
	if L.Runs.String() == wantL || dw.Runs.String() == wantDw {
		t.Error("a false rule changes nothing")
	}
	proved := true
	for _, s := range L.Why {
		proved = proved && s.Prove(1) == nil
	}
	if proved {
		t.Error("every step of a false derivation is proved")
	}
	_, L, _ = change(func(all []Rule) []Rule {
		for i := range all {
			if all[i].Before == "softplus(-u)" && all[i].Opens {
				all[i].After = "softplus(u) + u"
			}
		}
		return all
	})
	proved = true
	for _, s := range L.Why {
		proved = proved && s.Prove(1) == nil
	}
	if proved {
		t.Error("every step through a false opening is proved")
	}
	g := parsed(t, lecture, logisticLeaves(3)...)
	g.Rules = append(g.Rules, Rule{Name: "unreadable", Before: "log((", After: "u"})
	if err := g.Derive("L"); err == nil {
		t.Error("an unreadable rule is no error")
	}
}

// randomText is a random expression in x, y, p, q.
func randomText(r *rand.Rand, depth int) string {
	if depth == 0 || r.IntN(5) == 0 {
		return []string{"x", "y", "p", "q", "2", "0.5", "1", "3"}[r.IntN(8)]
	}
	u, v := randomText(r, depth-1), randomText(r, depth-1)
	switch r.IntN(14) {
	case 0, 1, 2:
		return "(" + u + " + " + v + ")"
	case 3, 4:
		return "(" + u + " - " + v + ")"
	case 5, 6, 7, 8:
		return u + "*" + v
	case 9:
		return u + "/(" + v + ")"
	case 10:
		return "-(" + u + ")"
	case 11:
		return "(" + u + ")^2"
	case 12:
		return []string{"sigmoid", "exp", "softplus", "tanh", "relu"}[r.IntN(5)] + "(" + u + ")"
	}
	return "log(1 + exp(" + u + "))"
}

// Simplifying random expressions ends, is the same twice, keeps the values, proves, and never adds a
// division or an addition.
func TestRandomExpressions(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	changed := 0
	for i := range 300 {
		src := "L = " + randomText(r, 4)
		run := func() (*Graph, *Node, []Step) {
			g := parsed(t, src)
			L, _ := g.Lookup("L")
			out, steps, err := g.Simplify(L)
			if err != nil {
				t.Fatal(src, err)
			}
			return g, out[0], steps
		}
		g, out, steps := run()
		_, again, steps2 := run()
		text := func(steps []Step) (s []string) {
			for _, t := range steps {
				s = append(s, t.Rule, t.Before.String(), t.After.String(), strings.Join(t.Facts, ","))
			}
			return s
		}
		if out.String() != again.String() || !reflect.DeepEqual(text(steps), text(steps2)) {
			t.Fatalf("%s: %v, the second time %v", src, out, again)
		}
		L, _ := g.Lookup("L")
		if out != L {
			changed++
		}
		for _, s := range steps {
			if err := s.Prove(uint64(i)); err != nil && s.Rule != "budget" {
				t.Errorf("%s: %v", src, err)
			}
		}
		if err := (Step{Rule: src, Before: L, After: out, compare: true}).Prove(uint64(i)); err != nil {
			t.Error(err)
		}
		low := g.Lower(out)[0]
		if err := (Step{Rule: "lower", Before: out, After: low, compare: true}).Prove(uint64(i)); err != nil {
			t.Error(err)
		}
		twice, steps, err := g.Simplify(out)
		if err != nil || twice[0] != out {
			t.Errorf("%s: %v becomes %v when simplified again by %v, %v", src, out, twice[0], text(steps), err)
		}
	}
	if changed < 100 {
		t.Errorf("only %d of 300 expressions change: the generator does not vary", changed)
	}
}

// Equations are untrusted: what would blow up stops at the budget, and says so.
func TestBudget(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds")
	}
	var terms []string
	for i := range 30 {
		terms = append(terms, fmt.Sprintf("(a%d+b)*(c%d+b)*(d%d-b)*(e%d+b)*f%d", i, i, i%7, i%5, i%3))
	}
	squares := "t0 = x + w"
	for i := 1; i <= 60; i++ {
		squares += fmt.Sprintf("\nt%d = t%d*t%d", i, i-1, i-1)
	}
	for root, src := range map[string]string{
		"L":   "L = " + strings.Join(terms, " + "),
		"t60": squares,
		"T":   "T = w" + strings.Repeat("^w", 1000),
		"C":   strings.Replace(squares, "x + w", "1.5", 1) + "\nC = w*t60",
	} {
		start := time.Now()
		g := parsed(t, src)
		if err := g.Derive(root); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%.40s takes %v", src, d)
		}
	}
	g := parsed(t, "L = "+strings.Join(terms, " + "))
	g.Budget = 50
	L, _ := g.Lookup("L")
	_, steps, err := g.Simplify(L)
	if err != nil {
		t.Fatal(err)
	}
	last := steps[len(steps)-1]
	if last.Rule != "budget" || last.Before != last.After || !strings.Contains(last.Facts[0], "50 candidates") {
		t.Errorf("the last step is %+v", last)
	}
	if !g.OverBudget() {
		t.Error("the graph does not say that it stopped")
	}
	if g := derived(t, lecture, "L", logisticLeaves(3)...); g.OverBudget() {
		t.Error("log loss is over the budget")
	}
}

// What may be taken: cheaper, no division or addition more, and fewer if a bracket was opened. The
// last line is what keeps y*A + (1-y)*B from becoming y*(A-B) + B.
func TestBetter(t *testing.T) {
	old := score{cost: 100, divisions: 1, additions: 2}
	for _, c := range []struct {
		new    score
		opened bool
		want   bool
	}{
		{score{99, 1, 2}, false, true},
		{score{99, 1, 2}, true, false},
		{score{99, 0, 2}, true, true},
		{score{99, 1, 1}, true, true},
		{score{100, 0, 0}, false, false},
		{score{50, 2, 0}, false, false},
		{score{50, 0, 3}, false, false},
	} {
		if got := old.better(c.new, c.opened); got != c.want {
			t.Errorf("from %+v to %+v, opened %v: %v", old, c.new, c.opened, got)
		}
	}
	for _, src := range []string{
		"L = y*softplus(p) + (1-y)*softplus(q)",
		"L = 3*y*softplus(-p) + 0.5*(1-y)*softplus(p)",
	} {
		g := parsed(t, src)
		L, _ := g.Lookup("L")
		out, _, err := g.Simplify(L)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out[0].String(), "(1 - y)") {
			t.Errorf("%s becomes %v: the bracket was opened", src, out[0])
		}
	}
}

// The cost of simplifying does not depend on the number of features.
func TestManyFeatures(t *testing.T) {
	took := map[int]time.Duration{}
	for _, n := range []int{2, 50000} {
		best := time.Hour
		for range 3 {
			start := time.Now()
			g := parsed(t, lecture+"\nJ = mean(L)", logisticLeaves(n)...)
			if err := g.Derive("J"); err != nil {
				t.Fatal(err)
			}
			g.Lower(def(t, g, "J").Runs, def(t, g, "dw").Runs)
			best = min(best, time.Since(start))
		}
		took[n] = best
	}
	if took[50000] > 20*took[2]+200*time.Millisecond {
		t.Errorf("2 features take %v, 50000 features %v", took[2], took[50000])
	}
}

func BenchmarkDerive(b *testing.B) {
	for _, c := range losses[:5] {
		b.Run(strings.ReplaceAll(c.name, " ", "-"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				derived(b, logisticHead+c.src+"\nJ = mean(L)", "J", logisticLeaves(30)...)
			}
		})
	}
}
