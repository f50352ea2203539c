package graph

import (
	"bufio"
	"errors"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// logisticHead is what every loss below is a loss of.
const logisticHead = "z = dot(w, x) + b\n"

func logisticLeaves(n int) []Leaf {
	row := Shape{PerRow: true}
	return []Leaf{
		{Kind: Parameter, Name: "w", Shape: Vector(n)},
		{Kind: Parameter, Name: "b"},
		{Kind: Input, Name: "x", Shape: Vector(n).EachRow()},
		{Kind: Input, Name: "y", Shape: row},
		{Kind: Input, Name: "q", Shape: row},
	}
}

func parsed(t testing.TB, src string, leaves ...Leaf) *Graph {
	t.Helper()
	g, err := ParseWith(src, Options{Leaves: leaves, Closed: len(leaves) > 0})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func derived(t testing.TB, src, root string, leaves ...Leaf) *Graph {
	t.Helper()
	g := parsed(t, src, leaves...)
	if err := g.Derive(root); err != nil {
		t.Fatal(err)
	}
	return g
}

func def(t testing.TB, g *Graph, name string) *Def {
	t.Helper()
	d, ok := g.Def(name)
	if !ok {
		t.Fatalf("no definition %s", name)
	}
	return d
}

// losses are losses and what they must come to: what is written, what L and dz become (in
// terms of z alone), and whether the dz of the loss as written ends in the same node.
var losses = []struct {
	name, src, L, dz string
	met              bool
}{
	{"log loss", "a = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))",
		"softplus(z) - y*z", "sigmoid(z) - y", true},
	{"row weight", "a = sigmoid(z)\nL = -q*(y*log(a) + (1-y)*log(1-a))",
		"(softplus(z) - y*z)*q", "q*(sigmoid(z) - y)", true},
	{"smoothed", "a = sigmoid(z)\nt = 0.9*y + 0.05\nL = -(t*log(a) + (1-t)*log(1-a))",
		"softplus(z) - z*(0.9*y + 0.05)", "sigmoid(z) - (0.9*y + 0.05)", true},
	{"weighted", "a = sigmoid(z)\nL = -(3*y*log(a) + 0.5*(1-y)*log(1-a))",
		"0.5*(1 - y)*softplus(z) + 3*y*softplus(-z)", "0.5*(1 - y)*sigmoid(z) - 3*y*(1 - sigmoid(z))", false},
	{"focal", "a = sigmoid(z)\nL = -(y*(1-a)^2*log(a) + (1-y)*a^2*log(1-a))",
		"(1 - y)*sigmoid(z)^2*softplus(z) + y*(1 - sigmoid(z))^2*softplus(-z)",
		"2*(sigmoid(z)*(1 - y)*softplus(z) - y*(1 - sigmoid(z))*softplus(-z))*(sigmoid(z)*(1 - sigmoid(z))) - y*(1 - sigmoid(z))^2*(1 - sigmoid(z)) + (1 - y)*sigmoid(z)^2*sigmoid(z)", false},
	{"focal 1.5", "a = sigmoid(z)\nL = -(y*(1-a)^1.5*log(a) + (1-y)*a^1.5*log(1-a))",
		"(1 - y)*sigmoid(z)^1.5*softplus(z) + y*(1 - sigmoid(z))^1.5*softplus(-z)",
		"sigmoid(z)^2.5*(1 - y) + 1.5*sigmoid(z)*(1 - sigmoid(z))*(sigmoid(z)^0.5*(1 - y)*softplus(z) - y*(1 - sigmoid(z))^0.5*softplus(-z)) - y*(1 - sigmoid(z))^2.5", false},
	{"squared", "a = sigmoid(z)\nL = (a-y)^2/2",
		"0.5*(sigmoid(z) - y)^2", "(sigmoid(z) - y)*(sigmoid(z)*(1 - sigmoid(z)))", true},
	{"hinge", "L = max(0, 1-(2*y-1)*z)",
		"relu(1 - (2*y - 1)*z)", "(1 - 2*y)*gt(1 + z*(1 - 2*y), 0)", true},
	{"exp", "L = exp(-(2*y-1)*z)",
		"exp((1 - 2*y)*z)", "exp((1 - 2*y)*z)*(1 - 2*y)", true},
	{"LIBLINEAR", "s = 2*y-1\nL = log(1+exp(-s*z))",
		"softplus((1 - 2*y)*z)", "sigmoid((1 - 2*y)*z)*(1 - 2*y)", true},
	{"probit", "a = normcdf(z)\nL = -(y*log(a) + (1-y)*log(1-a))",
		"lognormcdf(-z)*(y - 1) - y*lognormcdf(z)",
		"(1 - y)*exp(-(0.5*z^2 + lognormcdf(-z) + 0.9189385332046727417803297364056176398614)) - y*exp(-(0.5*z^2 + lognormcdf(z) + 0.9189385332046727417803297364056176398614))", false},
}

func TestLosses(t *testing.T) {
	for _, c := range losses {
		t.Run(c.name, func(t *testing.T) {
			g := derived(t, logisticHead+c.src, "L", logisticLeaves(3)...)
			z, _ := g.Lookup("z")
			names := map[*Node]string{z: "z"}
			L, dz := def(t, g, "L"), def(t, g, "dz")
			if got := L.Runs.Text(names); got != c.L {
				t.Errorf("L becomes %s\nwant %s", got, c.L)
			}
			if got := dz.Runs.Text(names); got != c.dz {
				t.Errorf("dz becomes %s\nwant %s", got, c.dz)
			}
			if dz.Met != c.met {
				t.Errorf("the two roads to dz meet: %v, want %v", dz.Met, c.met)
			}
			for _, d := range g.Defs {
				checkWhy(t, &d)
			}
		})
	}
}

// checkWhy proves every step of a definition, and that the running form has the written one's values.
func checkWhy(t *testing.T, d *Def) {
	t.Helper()
	for _, s := range d.Why {
		for seed := range uint64(3) {
			if err := s.Prove(seed + 1); err != nil {
				t.Errorf("%s: %v", d.Name, err)
			}
		}
	}
	if d.Runs != nil {
		for seed := range uint64(5) {
			if err := (Step{Rule: d.Name, Before: d.Written, After: d.Runs, compare: true}).Prove(seed); err != nil {
				t.Error(err)
			}
		}
	}
}

// spellings are 17 ways to write log loss that end in one node, the lecture's.
var spellings = []string{
	"a = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))",
	"a = sigmoid(z)\nL = -y*log(a) - (1-y)*log(1-a)",
	"a = sigmoid(z)\nL = y*(-log(a)) + (1-y)*(-log(1-a))",
	"a = sigmoid(z)\nL = (y-1)*log(1-a) - y*log(a)",
	"a = 1/(1+exp(-z))\nL = -(y*log(a) + (1-y)*log(1-a))",
	"a = exp(z)/(1+exp(z))\nL = -(y*log(a) + (1-y)*log(1-a))",
	"a = (1+exp(-z))^-1\nL = -(y*log(a) + (1-y)*log(1-a))",
	"L = -(y*log(sigmoid(z)) + (1-y)*log(sigmoid(-z)))",
	"a = sigmoid(z)\nL = -(y*log(a/(1-a)) + log(1-a))",
	"a = sigmoid(z)\nL = -y*z - log(1-a)",
	"a = sigmoid(z)\nL = -log(a^y*(1-a)^(1-y))",
	"L = log(1+exp(z)) - y*z",
	"L = log(exp(0)+exp(z)) - y*z",
	"L = y*log(1+exp(-z)) + (1-y)*log(1+exp(z))",
	"L = (1-y)*z + log1p(exp(-z))",
	"L = y*softplus(-z) + (1-y)*softplus(z)",
	"L = max(z, 0) - y*z + log(1+exp(-abs(z)))",
}

func TestSpellings(t *testing.T) {
	for _, src := range spellings {
		g := derived(t, logisticHead+src, "L", logisticLeaves(3)...)
		z, _ := g.Lookup("z")
		y, _ := g.Lookup("y")
		for name, want := range map[string]string{"L": "softplus(z) - y*z", "dz": "sigmoid(z) - y"} {
			p, err := ParsePattern(want)
			if err != nil {
				t.Fatal(err)
			}
			n, err := g.Build(p, map[string]*Node{"z": z, "y": y})
			if err != nil {
				t.Fatal(err)
			}
			d := def(t, g, name)
			if d.Runs != n {
				t.Errorf("%s: %s becomes %v, want %s", src, name, d.Runs, want)
			}
			checkWhy(t, d)
		}
		low := g.Lower(def(t, g, "L").Runs)[0]
		if got, want := low.Text(map[*Node]string{z: "z"}), "relu(z) - y*z + log1p(expnabs(z))"; got != want {
			t.Errorf("%s: L runs as %s, want %s", src, got, want)
		}
	}
}

var extremes = map[string][]float64{"z": {-1000, -40, 40, 1000}, "y": {0, 1}}

// What no rule makes safe is named by the probe.
func TestProbe(t *testing.T) {
	for _, c := range losses {
		g := derived(t, logisticHead+c.src, "L", logisticLeaves(3)...)
		found, err := g.Probe([]string{"L", "dz"}, extremes)
		if err != nil {
			t.Fatal(err)
		}
		if (len(found) > 0) != (c.name == "exp") { // exp(1000) is infinite
			t.Errorf("%s: %v", c.name, found)
		}
	}
	for _, c := range []struct{ src, want string }{
		{"a = sigmoid(z)\nL = -log(y*a + (1-y)*(1-a))", "L is +Inf at y = 1, z = -1000"},
		{"a = (1+tanh(z/2))/2\nL = -(y*log(a) + (1-y)*log(1-a))", "L is +Inf at y = 1, z = -40"},
		{"a = 1-exp(-exp(z))\nL = -(y*log(a) + (1-y)*log(1-a))", "dz is NaN at y = 0, z = -1000"},
	} {
		g := derived(t, logisticHead+c.src, "L", logisticLeaves(3)...)
		found, err := g.Probe([]string{"L", "dz"}, extremes)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, f := range found {
			all = append(all, f.String())
		}
		if !contains(all, c.want) {
			t.Errorf("%s: found %v, want among them %s", c.src, all, c.want)
		}
	}
	g := parsed(t, logisticHead+losses[0].src, logisticLeaves(3)...)
	if found, err := g.Probe([]string{"L"}, extremes); err != nil || len(found) == 0 {
		t.Errorf("log loss as written: found %v, %v", found, err)
	}
	for _, vary := range []map[string][]float64{{"zz": {1}}, {"z": nil}} {
		if _, err := g.Probe([]string{"L"}, vary); err == nil {
			t.Errorf("probe of %v: no error", vary)
		}
	}
}

type lossPoint struct{ z, y, L, dz float64 }

// lossTable reads testdata/losses.tsv, which testdata/losses.py has made.
func lossTable(t *testing.T) map[string][]lossPoint {
	f, err := os.Open("testdata/losses.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := map[string][]lossPoint{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		cells := strings.Split(s.Text(), "\t")
		var v [4]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(cells[i+1], 64); err != nil && !errors.Is(err, strconv.ErrRange) {
				t.Fatal(err)
			}
		}
		table[cells[0]] = append(table[cells[0]], lossPoint{v[0], v[1], v[2], v[3]})
	}
	return table
}

// accuracy is the largest error of L and dz that a loss may have once lowered, relative, from
// the measured errors, with room for other math libraries; and how much of a - y may be lost
// absolutely where that difference is what is left. exp and LIBLINEAR round the argument of exp, 400
// at y = 0.3, z = 1000.
var accuracy = map[string]struct{ L, dz, absolute float64 }{
	"log loss":  {4e-16, 4e-16, 2e-16},
	"smoothed":  {3e-15, 3e-15, 0},
	"weighted":  {4e-16, 6e-16, 0},
	"focal":     {1e-15, 2e-15, 0},
	"focal 1.5": {2e-15, 4e-15, 0},
	"squared":   {1e-15, 1e-15, 2e-16},
	"hinge":     {4e-16, 0, 0},
	"LIBLINEAR": {5e-14, 5e-14, 0},
	"exp":       {5e-14, 5e-14, 0},
	"probit":    {2e-13, 1e-9, 0},
}

func TestAccuracy(t *testing.T) {
	table := lossTable(t)
	writtenInfinite := 0
	for _, c := range losses {
		points := table[c.name]
		if len(points) == 0 && c.name == "row weight" {
			continue
		}
		if len(points) != 33 {
			t.Fatalf("%s: %d points", c.name, len(points))
		}
		g := derived(t, logisticHead+c.src, "L", logisticLeaves(3)...)
		z, _ := g.Lookup("z")
		runs := g.Lower(def(t, g, "L").Runs, def(t, g, "dz").Runs)
		written := []*Node{def(t, g, "L").Written, def(t, g, "dz").Written}
		worst := [2]float64{}
		for _, p := range points {
			v := Values{Rows: 1, Of: map[string][]float64{"y": {p.y}}}
			out, err := v.evaluate(runs, map[*Node][]float64{z: {p.z}})
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []float64{p.L, p.dz} {
				got := out[i][0]
				bound := accuracy[c.name]
				tolerance := []float64{bound.L, bound.dz}[i]*math.Abs(want) + bound.absolute
				if math.IsInf(want, 0) {
					if got != want {
						t.Errorf("%s at z = %v, y = %v: %v, want %v", c.name, p.z, p.y, got, want)
					}
					continue
				}
				if e := math.Abs(got-want) / math.Abs(want); e > worst[i] && want != 0 {
					worst[i] = e
				}
				if !(math.Abs(got-want) <= tolerance) {
					t.Errorf("%s %s at z = %v, y = %v: %v, want %v", c.name, []string{"L", "dz"}[i], p.z, p.y, got, want)
				}
			}
			raw, err := v.evaluate(written, map[*Node][]float64{z: {p.z}})
			if err != nil {
				t.Fatal(err)
			}
			if c.name == "log loss" && !(math.Abs(raw[0][0])+math.Abs(raw[1][0]) < math.Inf(1)) {
				writtenInfinite++
			}
		}
		t.Logf("%s: largest relative error L %.1e, dz %.1e", c.name, worst[0], worst[1])
	}
	if writtenInfinite == 0 {
		t.Error("the log loss as written is finite everywhere: the table has lost its point")
	}
}
