package graph_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/descent-ml/descent/graph"
)

var update = flag.Bool("update", false, "write the golden files of the writers anew")

const lecture = "z = dot(w, x) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))"

func parsed(t testing.TB, src, root string, leaves ...graph.Leaf) *graph.Graph {
	t.Helper()
	g, err := graph.Parse(src, leaves...)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Derive(root); err != nil {
		t.Fatal(err)
	}
	return g
}

func parameter(name string, s graph.Shape) graph.Leaf {
	return graph.Leaf{Kind: graph.Parameter, Name: name, Shape: s}
}

func data(name string, s graph.Shape) graph.Leaf {
	return graph.Leaf{Kind: graph.Input, Name: name, Shape: s.EachRow()}
}

func lectureGraph(t testing.TB, n int) *graph.Graph {
	return parsed(t, lecture, "L", parameter("w", graph.Vector(n)), parameter("b", graph.Shape{}), data("x", graph.Vector(n)), data("y", graph.Shape{}))
}

// filled evaluates the graph at one example: a view with values and derivatives.
func filled(t testing.TB, g *graph.Graph, leaves map[string][]float64) graph.View {
	t.Helper()
	v := graph.View{Values: map[string][]float64{}, Derivatives: map[string][]float64{}}
	for name, x := range leaves {
		v.Values[name] = x
	}
	for _, d := range g.Defs {
		out, err := graph.Eval(graph.Values{Rows: 1, Of: leaves}, d.Written)
		if err != nil {
			t.Fatal(err)
		}
		if d.Of != "" {
			v.Derivatives[d.Name] = out[0]
		} else {
			v.Values[d.Name] = out[0]
		}
	}
	return v
}

// lectureExample is the example of the lecture's picture, and one descent step with alpha 0.2.
func lectureExample(t testing.TB) (*graph.Graph, graph.View) {
	g := lectureGraph(t, 2)
	v := filled(t, g, map[string][]float64{"x": {1.5, -2}, "w": {0.401, -0.1014}, "b": {0.2007}, "y": {1}})
	v.Updates = map[string][]float64{"w": {0.4814, -0.2086}, "b": {0.2543}}
	return g, v
}

// A drawing is a graph and a view of it that the tests write in every format.
type drawing struct {
	name string
	make func(t testing.TB) (*graph.Graph, graph.View)
}

var drawings = []drawing{
	{"lecture", lectureExample},
	{"lecture-plain", func(t testing.TB) (*graph.Graph, graph.View) { return lectureGraph(t, 2), graph.View{} }},
	{"lecture-steps", func(t testing.TB) (*graph.Graph, graph.View) {
		return lectureGraph(t, 2), graph.View{Backward: true, Steps: true, Title: "The lecture's model"}
	}},
	{"lecture-lowered", func(t testing.TB) (*graph.Graph, graph.View) {
		g, v := lectureExample(t)
		v.Stage, v.Backward = graph.Lowered, true
		return g, v
	}},
	{"lecture-operations", func(t testing.TB) (*graph.Graph, graph.View) {
		g, v := lectureExample(t)
		v.Cards, v.Updates = graph.Operations, nil
		return g, v
	}},
	{"warmup", func(t testing.TB) (*graph.Graph, graph.View) {
		g := parsed(t, "J = 3*(a + b*c)", "J")
		return g, filled(t, g, map[string][]float64{"a": {5}, "b": {3}, "c": {2}})
	}},
	{"thirty", func(t testing.TB) (*graph.Graph, graph.View) {
		g := lectureGraph(t, 30)
		in := map[string][]float64{"b": {0.2}, "y": {0}}
		for j := range 30 {
			in["x"] = append(in["x"], float64(j%7)-3.25)
			in["w"] = append(in["w"], float64((j*j)%11)/10-0.4)
		}
		v := filled(t, g, in)
		v.Labels = map[string]string{"x1": "age", "y": "income > 50K"}
		return g, v
	}},
	{"hidden", func(t testing.TB) (*graph.Graph, graph.View) {
		g := parsed(t, "h = tanh(dot(V, x) + c)\nz = dot(w, h) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))", "L",
			parameter("V", graph.Matrix(3, 2)), parameter("c", graph.Vector(3)), parameter("w", graph.Vector(3)), parameter("b", graph.Shape{}),
			data("x", graph.Vector(2)), data("y", graph.Shape{}))
		return g, filled(t, g, map[string][]float64{"V": {0.1, -0.2, 0.3, 0.4, -0.5, 0.6}, "c": {0, 0.1, -0.1},
			"w": {1, -1, 0.5}, "b": {0.1}, "x": {1.5, -2}, "y": {1}})
	}},
	{"softmax", func(t testing.TB) (*graph.Graph, graph.View) {
		g := parsed(t, "z = dot(W, x) + b\na = softmax(z)\nL = -sum(y*log(a))", "L",
			parameter("W", graph.Matrix(3, 2)), parameter("b", graph.Vector(3)), data("x", graph.Vector(2)), data("y", graph.Vector(3)))
		return g, filled(t, g, map[string][]float64{"W": {0.1, -0.2, 0.3, 0.4, -0.5, 0.6}, "b": {0, 0.1, -0.1}, "x": {1.5, -2}, "y": {0, 1, 0}})
	}},
	{"cost", func(t testing.TB) (*graph.Graph, graph.View) {
		g := parsed(t, lecture+"\nJ = mean(s*L) + sum(lambda*w*w)/(2*m)", "J",
			parameter("w", graph.Vector(2)), parameter("b", graph.Shape{}), data("x", graph.Vector(2)), data("y", graph.Shape{}), data("s", graph.Shape{}),
			graph.Leaf{Kind: graph.Input, Name: "lambda", Shape: graph.Vector(2)}, graph.Leaf{Kind: graph.Input, Name: "m"})
		return g, graph.View{Stage: graph.Simplified, Backward: true}
	}},
}

type writer struct {
	ext   string
	write func(*graph.Graph, io.Writer, graph.View) error
}

var writers = []writer{
	{"txt", (*graph.Graph).WriteText},
	{"dot", (*graph.Graph).WriteDOT},
	{"svg", (*graph.Graph).WriteSVG},
	{"mmd", (*graph.Graph).WriteMermaid},
	{"tex", (*graph.Graph).WriteLaTeX},
	{"mathml", (*graph.Graph).WriteMathML},
}

func written(t testing.TB, w writer, g *graph.Graph, v graph.View) string {
	t.Helper()
	var b bytes.Buffer
	if err := w.write(g, &b, v); err != nil {
		t.Fatalf("%s: %v", w.ext, err)
	}
	return b.String()
}

func TestWritersGolden(t *testing.T) {
	for _, d := range drawings {
		for _, w := range writers {
			name := d.name + "." + w.ext
			t.Run(name, func(t *testing.T) {
				g, v := d.make(t)
				got := written(t, w, g, v)
				path := filepath.Join("testdata", "write", name)
				if *update {
					if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("%s differs from its golden file; look at the new picture, then run with -update\n%s", name, difference(string(want), got))
				}
			})
		}
	}
}

// difference is the first line that differs.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d:\n want %s\n got  %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("want %d lines, got %d", len(a), len(b))
}

// What the lecture's picture shows, in words, whatever the layout.
func TestLayoutOfTheLecture(t *testing.T) {
	g, v := lectureExample(t)
	v.Backward = true
	l, err := g.Layout(v)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	cards := map[string]graph.Card{}
	for _, c := range l.Cards {
		names = append(names, c.Name)
		cards[c.Name] = c
	}
	if got, want := strings.Join(names, " "), "x1 w1 x2 w2 b z a y L"; got != want {
		t.Errorf("cards %s, want %s", got, want)
	}
	for name, want := range map[string]string{"z": "z = w1*x1 + w2*x2 + b", "a": "a = sigmoid(z)", "L": "L = -(y*log(a) + (1 - y)*log(1 - a))"} {
		if cards[name].Formula != want {
			t.Errorf("%s: formula %q, want %q", name, cards[name].Formula, want)
		}
	}
	for name, want := range map[string]string{"w1": "dw1 = dz*x1", "w2": "dw2 = dz*x2", "b": "db = dz", "z": "dz = da*(a*(1 - a)) = a - y", "a": "da = -y/a + (1 - y)/(1 - a)"} {
		if b := cards[name].Backward; len(b) != 1 || b[0].Formula != want {
			t.Errorf("%s: derivative %+v, want %q", name, b, want)
		}
	}
	for name, want := range map[string]graph.CardRow{
		"x1": {Value: "1.5"}, "y": {Value: "1"}, "w1": {Value: "0.401", Derivative: "-0.4019", Update: "0.4814"},
		"z": {Value: "1.005", Derivative: "-0.268"}, "a": {Value: "0.732", Derivative: "-1.366"}, "L": {Value: "0.3119", Derivative: "1"},
	} {
		if n := cards[name].Numbers; len(n) != 1 || n[0] != want {
			t.Errorf("%s: numbers %+v, want %+v", name, n, want)
		}
	}
	back := ""
	for _, e := range l.Edges {
		if e.Back != "" {
			back += l.Cards[e.To].Name + ">" + l.Cards[e.From].Name + " "
		}
	}
	if want := "z>w1 z>w2 z>b a>z L>a "; back != want {
		t.Errorf("derivatives flow %s, want %s", back, want)
	}
	// z, a and L stand on one line, y beside a and below it.
	middle := func(name string) float64 { return cards[name].Y + cards[name].Height/2 }
	if math.Abs(middle("z")-middle("a")) > 0.02 || math.Abs(middle("a")-middle("L")) > 0.02 {
		t.Errorf("z, a, L at heights %v, %v, %v", middle("z"), middle("a"), middle("L"))
	}
	if cards["y"].Layer != cards["a"].Layer || middle("y") < middle("a") {
		t.Errorf("y is not below a: layers %d and %d", cards["y"].Layer, cards["a"].Layer)
	}
	if _, err := json.Marshal(l); err != nil {
		t.Error(err)
	}
}

// The warm-up graph is drawn operation by operation: u = bc, v = a + u, J = 3v, with the derivatives
// dJ/dv = 3, dJ/du = 3, dJ/da = 3, dJ/db = 6, dJ/dc = 9.
func TestLayoutOfTheWarmUp(t *testing.T) {
	g := parsed(t, "J = 3*(a + b*c)", "J")
	l, err := g.Layout(filled(t, g, map[string][]float64{"a": {5}, "b": {3}, "c": {2}}))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range l.Cards {
		got[c.Formula] = c.Numbers[0].Value + " " + c.Numbers[0].Derivative
	}
	for formula, want := range map[string]string{"a": "5 3", "b": "3 6", "c": "2 9", "u = b*c": "6 3", "v = a + u": "11 3", "J = 3*v": "33 1"} {
		if got[formula] != want {
			t.Errorf("%s: %q, want %q", formula, got[formula], want)
		}
	}
}

func TestLongVectors(t *testing.T) {
	g := lectureGraph(t, 28)
	in := map[string][]float64{"b": {0}, "y": {1}, "x": make([]float64, 28), "w": make([]float64, 28)}
	for j := range 28 {
		in["x"][j], in["w"][j] = 1, 0.125
	}
	in["w"][27], in["w"][10], in["x"][3], in["w"][20] = -5, 4, 30, 0.5
	v := filled(t, g, in)
	l, err := g.Layout(v)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range l.Cards {
		names = append(names, c.Name)
		if c.Kind == "more" {
			if want := "3"; c.Numbers[0].Value != want { // 24 times 1/8
				t.Errorf("the others add %s, want %s", c.Numbers[0].Value, want)
			}
		}
	}
	want := "x4 w4 x11 w11 x21 w21 x28 w28 and 24 more b z a y L"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("cards %s, want the largest contributions: %s", got, want)
	}
	g = lectureGraph(t, 6)
	if l, err = g.Layout(graph.View{}); err != nil || len(l.Cards) != 6+6+1+4 {
		t.Errorf("6 features: %d cards, %v; want all", len(l.Cards), err)
	}
}

const nasty = `</text></title><script>alert("1")</script> & ' \ % _ # $ { } ^ ~ ` + "`*]]> \x00\x1b[31m\u202e\n`" + ` größe 年龄`

// Whatever a user's text holds, every format stays what it is and nothing of it is run.
func TestUserTextIsEscaped(t *testing.T) {
	g := lectureGraph(t, 2)
	v := graph.View{Title: nasty, Labels: map[string]string{"x1": nasty, "y": nasty, "b": nasty}, Backward: true, Steps: true}
	for _, w := range writers {
		got := written(t, w, g, v)
		if !utf8.ValidString(got) {
			t.Errorf("%s is not UTF-8", w.ext)
		}
		for _, r := range got {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || r == 0x202e {
				t.Errorf("%s holds the control character %q", w.ext, r)
				break
			}
		}
		switch w.ext {
		case "svg", "mathml":
			texts, elements := readXML(t, got)
			if strings.Contains(elements, "script") {
				t.Errorf("%s has a script element", w.ext)
			}
			if !strings.Contains(texts, `alert("1")`) {
				t.Errorf("%s lost the text", w.ext)
			}
		case "mmd":
			if strings.Contains(got, "<script") || strings.Count(got, `"`)%2 != 0 {
				t.Errorf("mermaid: label not quoted:\n%s", got)
			}
		case "dot":
			if strings.Count(strings.ReplaceAll(strings.ReplaceAll(got, `\\`, ""), `\"`, ""), `"`)%2 != 0 {
				t.Errorf("dot: a string does not end:\n%s", got)
			}
		case "tex":
			body := got[strings.Index(got, "\n"):]
			bare := strings.NewReplacer(`\\`, "", `\{`, "", `\}`, "", `\%`, "", `\&`, "", `\_`, "", `\#`, "", `\$`, "").Replace(body)
			if strings.Count(bare, "{") != strings.Count(bare, "}") || strings.ContainsAny(bare, "#%~") || strings.Count(bare, "$")%2 != 0 {
				t.Errorf("latex: not escaped:\n%s", body)
			}
		}
	}
	// A title on its own: WriteMathML carries it in an attribute.
	if texts, _ := readXML(t, written(t, writers[2], g, graph.View{Title: nasty})); !strings.Contains(texts, `<script>`) {
		t.Error("the svg lost its title")
	}
}

// readXML parses s to its end and returns its text and the names of its elements.
func readXML(t testing.TB, s string) (text, elements string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(s))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text, elements
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, s)
		}
		switch x := tok.(type) {
		case xml.CharData:
			text += string(x)
		case xml.StartElement:
			elements += x.Name.Local + " "
		}
	}
}

func TestXMLIsWellFormed(t *testing.T) {
	for _, d := range drawings {
		g, v := d.make(t)
		v.Backward, v.Steps = true, true
		for _, w := range writers {
			if w.ext != "svg" && w.ext != "mathml" {
				continue
			}
			_, elements := readXML(t, written(t, w, g, v))
			if w.ext == "svg" && (!strings.HasPrefix(elements, "svg title desc ")) {
				t.Errorf("%s: the picture does not begin with a title and a description: %.60s", d.name, elements)
			}
		}
		l, err := g.Layout(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range l.Cards {
			readXML(t, c.MathML)
			for _, b := range c.Backward {
				readXML(t, b.MathML)
			}
		}
		for _, e := range l.Equations {
			readXML(t, e.MathML)
			for _, line := range e.Lines {
				readXML(t, line.MathML)
			}
		}
	}
}

func TestWritersAreDeterministic(t *testing.T) {
	for _, d := range drawings {
		for _, w := range writers {
			g, v := d.make(t)
			first := written(t, w, g, v)
			if again := written(t, w, g, v); again != first {
				t.Errorf("%s.%s: writing it twice differs", d.name, w.ext)
			}
			g, v = d.make(t)
			if fresh := written(t, w, g, v); fresh != first {
				t.Errorf("%s.%s: a graph made again is written differently:\n%s", d.name, w.ext, difference(first, fresh))
			}
		}
	}
}

// A formula on a card is in the graph's language: parsed again it has the same value.
func TestFormulasCanBeParsed(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	ops := []string{"add", "sub", "mul", "div", "neg", "pow", "exp", "log1p", "sigmoid", "softplus", "tanh", "max", "abs"}
	arity := map[string]int{"neg": 1, "exp": 1, "log1p": 1, "sigmoid": 1, "softplus": 1, "tanh": 1, "abs": 1}
	leaves := map[string][]float64{"p": {0.7}, "q": {-1.25}, "r": {2.5}, "s": {-0.3}}
	compared := 0
	for round := range 300 {
		g := graph.New()
		var nodes []*graph.Node
		for _, name := range []string{"p", "q", "r", "s"} {
			n, err := g.Leaf(parameter(name, graph.Shape{}))
			if err != nil {
				t.Fatal(err)
			}
			nodes = append(nodes, n)
		}
		for range 9 {
			op := ops[rng.IntN(len(ops))]
			args := []*graph.Node{nodes[rng.IntN(len(nodes))], nodes[rng.IntN(len(nodes))]}
			if arity[op] == 1 {
				args = args[:1]
			}
			n, err := g.Apply(op, args...)
			if err != nil {
				t.Fatal(err)
			}
			nodes = append(nodes, n)
		}
		if err := g.Define("J", nodes[len(nodes)-1]); err != nil {
			t.Fatal(err)
		}
		l, err := g.Layout(graph.View{Cards: graph.Definitions})
		if err != nil {
			t.Fatal(err)
		}
		formula := l.Cards[len(l.Cards)-1].Formula
		h, err := graph.Parse(formula)
		if err != nil {
			t.Fatalf("round %d: %q: %v", round, formula, err)
		}
		want := value(t, g, "J", leaves)
		got := value(t, h, "J", leaves)
		if !(math.Abs(got-want) <= 1e-9*math.Abs(want)) && !(math.IsNaN(got) && math.IsNaN(want)) && got != want {
			t.Errorf("round %d: %q is %v, the graph %v", round, formula, got, want)
		}
		if !math.IsNaN(want) {
			compared++
		}
	}
	if compared < 100 {
		t.Errorf("only %d of 300 random formulas had a value", compared)
	}
}

func value(t testing.TB, g *graph.Graph, name string, leaves map[string][]float64) float64 {
	t.Helper()
	n, ok := g.Lookup(name)
	if !ok {
		t.Fatalf("no %s", name)
	}
	of := map[string][]float64{}
	for _, k := range graph.Below(n) {
		if k.Leaf != nil && k.Leaf.Kind != graph.Constant {
			of[k.Leaf.Name] = leaves[k.Leaf.Name]
		}
	}
	out, err := graph.Eval(graph.Values{Rows: 1, Of: of}, n)
	if err != nil {
		t.Fatal(err)
	}
	return out[0][0]
}

// A derivation ends in the form that runs, and each of its lines has the value of the first.
func TestDerivationsKeepTheirValue(t *testing.T) {
	g := parsed(t, "z = w1*x1 + w2*x2 + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))", "L")
	leaves := map[string][]float64{"x1": {1.5}, "x2": {-2}, "w1": {0.401}, "w2": {-0.1014}, "b": {0.2007}, "y": {0.3}}
	var b bytes.Buffer
	if err := g.WriteText(&b, graph.View{Backward: true, Steps: true}); err != nil {
		t.Fatal(err)
	}
	text := b.String()[strings.LastIndex(b.String(), "\n\n")+2:]
	equations := "z = w1*x1 + w2*x2 + b\na = sigmoid(z)\n"
	name, lines := "", map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		lhs, rhs, _ := strings.Cut(line, " = ")
		if n := strings.TrimSpace(lhs); n != "" {
			name = n
		}
		rhs, _, _ = strings.Cut(rhs, "   ")
		lines[name] = append(lines[name], rhs)
	}
	for _, name := range []string{"L", "da", "dz", "dw1", "dw2", "db"} {
		all := lines[name]
		first := 0.0
		for i, rhs := range all {
			src := equations
			for _, d := range []string{"da", "dz"} {
				if d != name {
					src += d + " = " + lines[d][0] + "\n"
				}
			}
			h, err := graph.Parse(src + "J = " + rhs)
			if err != nil {
				t.Fatalf("%s = %s: %v", name, rhs, err)
			}
			v := value(t, h, "J", leaves)
			if i == 0 {
				first = v
			} else if math.Abs(v-first) > 1e-12 {
				t.Errorf("%s = %s is %v, not %v", name, rhs, v, first)
			}
		}
		switch last := all[len(all)-1]; {
		case name == "dz" && last != "a - y", name == "L" && last != "softplus(z) - y*z":
			t.Errorf("%s ends in %s", name, last)
		}
	}
	if len(lines["dz"]) < 4 || len(lines["L"]) < 4 {
		t.Errorf("dz in %d lines, L in %d: steps are missing\n%s", len(lines["dz"]), len(lines["L"]), text)
	}
}

func TestTextFits(t *testing.T) {
	for _, d := range drawings {
		for _, columns := range []int{0, 1, 20, 33, 47, 60, 72, 80, 91, 120, 200} {
			g, v := d.make(t)
			v.Columns = columns
			v.Backward, v.Steps = columns%2 == 0 && columns < 200 || v.Backward, columns%3 == 0 || columns == 80
			v.Title = "A title that is a little longer than some of these pages are wide"
			text := written(t, writers[0], g, v)
			limit := columns
			switch columns {
			case 0:
				limit = 100
			case 1:
				limit = 20
			}
			boxes := strings.Contains(text, "┌")
			for _, line := range strings.Split(text, "\n") {
				if utf8.RuneCountInString(line) > limit {
					t.Errorf("%s in %d columns: %q", d.name, columns, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("%s: trailing blanks: %q", d.name, line)
				}
			}
			if columns == 200 && !boxes {
				t.Errorf("%s: no drawing in 200 columns:\n%s", d.name, text)
			}
			if !boxes {
				continue
			}
			l, err := g.Layout(v)
			if err != nil {
				t.Fatal(err)
			}
			arrives := map[int]bool{}
			for _, e := range l.Edges {
				arrives[e.To] = true
			}
			if heads := strings.Count(text, "►"); heads != len(arrives) {
				t.Errorf("%s in %d columns: %d arrow heads for %d cards with arguments\n%s", d.name, columns, heads, len(arrives), text)
			}
		}
	}
}

func TestViewErrors(t *testing.T) {
	g := lectureGraph(t, 2)
	for name, c := range map[string]struct {
		view graph.View
		want string
	}{
		"unknown root":     {graph.View{Roots: []string{"K"}}, `no definition "K"`},
		"derived root":     {graph.View{Roots: []string{"dz"}}, `no definition "dz"`},
		"unknown value":    {graph.View{Values: map[string][]float64{"v": {1}}}, `"v"`},
		"short vector":     {graph.View{Values: map[string][]float64{"w": {1}}}, "w has 1 values, want 2"},
		"long component":   {graph.View{Values: map[string][]float64{"w1": {1, 2}}}, "w1 has 2 values, want 1"},
		"empty derivative": {graph.View{Derivatives: map[string][]float64{"dz": {}}}, "dz has 0 values, want 1"},
		"unknown update":   {graph.View{Updates: map[string][]float64{"c": {1}}}, `"c"`},
		"unknown label":    {graph.View{Labels: map[string]string{"x3": "age"}}, `"x3"`},
	} {
		for _, w := range writers {
			if err := w.write(g, io.Discard, c.view); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %s: error %v, want %q in it", name, w.ext, err, c.want)
			}
		}
	}
	for _, w := range writers {
		if err := w.write(graph.New(), io.Discard, graph.View{}); err == nil {
			t.Errorf("%s: an empty graph is written", w.ext)
		}
		if err := w.write(g, failing{}, graph.View{}); !errors.Is(err, errFull) {
			t.Errorf("%s: a failing writer gives %v", w.ext, err)
		}
	}
}

var errFull = errors.New("full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

// Numbers that are not numbers are words, and a number that is not there yet is a question mark.
func TestNumbersOnCards(t *testing.T) {
	g := lectureGraph(t, 2)
	l, err := g.Layout(graph.View{
		Values:      map[string][]float64{"z": {math.Inf(1)}, "L": {math.NaN()}, "w": {1e-300, 123456}, "x1": {1234.5678}},
		Derivatives: map[string][]float64{"da": {math.Inf(-1)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range l.Cards {
		got[c.Name] = c.Numbers[0].Value + " " + c.Numbers[0].Derivative
	}
	for name, want := range map[string]string{"z": "inf ?", "L": "undefined 1", "w1": "1e-300 ?", "w2": "123456 ?", "x1": "1235 ", "x2": "? ", "a": "? -inf"} {
		if got[name] != want {
			t.Errorf("%s shows %q, want %q", name, got[name], want)
		}
	}
	for _, w := range writers {
		written(t, w, g, graph.View{Values: map[string][]float64{"z": {math.Inf(-1)}, "L": {math.NaN()}}})
	}
}

// What lowering shares has a value too, although no view can know its name.
func TestLoweredValues(t *testing.T) {
	g, v := lectureExample(t)
	v.Stage = graph.Lowered
	for _, cards := range []graph.Cards{graph.Definitions, graph.Operations} {
		v.Cards = cards
		l, err := g.Layout(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range l.Cards {
			if c.Formula != "t1 = expnabs(z)" {
				continue
			}
			if want := fmt.Sprintf("%.4g", math.Exp(-v.Values["z"][0])); c.Numbers[0].Value != want {
				t.Errorf("t1 shows %+v, want %s", c.Numbers, want)
			}
			cards = 99
		}
		if cards != 99 {
			t.Errorf("cards %d: no t1 = expnabs(z)", cards)
		}
	}
}

func TestRoots(t *testing.T) {
	g := lectureGraph(t, 2)
	l, err := g.Layout(graph.View{Roots: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range l.Cards {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, " "); got != "x1 w1 x2 w2 b z a" {
		t.Errorf("below a: %s", got)
	}
}

// Equations are untrusted: shared squares are 2^60 symbols long when written out.
func TestHugeFormulas(t *testing.T) {
	g := graph.New()
	n, err := g.Leaf(parameter("w", graph.Shape{}))
	if err != nil {
		t.Fatal(err)
	}
	for range 60 {
		m, err := g.Apply("mul", n, n)
		if err != nil {
			t.Fatal(err)
		}
		if n, err = g.Apply("add", m, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Define("J", n); err != nil {
		t.Fatal(err)
	}
	for _, w := range writers {
		if got := written(t, w, g, graph.View{Cards: graph.Definitions}); len(got) > 1<<20 {
			t.Errorf("%s: %d bytes", w.ext, len(got))
		}
		written(t, w, g, graph.View{Cards: graph.Operations})
	}
	for range 300 {
		if n, err = g.Apply("sigmoid", n); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Define("K", n); err != nil {
		t.Fatal(err)
	}
	if err := g.WriteSVG(io.Discard, graph.View{Cards: graph.Operations}); err == nil {
		t.Error("421 operations are drawn")
	}
	written(t, writers[0], g, graph.View{Cards: graph.Operations}) // as a list
}

func ExampleGraph_WriteText() {
	g, err := graph.Parse("J = 3*(a + b*c)")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := g.Derive("J"); err != nil {
		fmt.Println(err)
		return
	}
	view := graph.View{
		Values:      map[string][]float64{"a": {5}, "b": {3}, "c": {2}, "J": {33}},
		Derivatives: map[string][]float64{"da": {3}, "db": {6}, "dc": {9}},
	}
	if err := g.WriteText(os.Stdout, view); err != nil {
		fmt.Println(err)
	}
	// Output:
	// b = 3 ───┐   ┌─────────┐     ┌───────────┐     ┌──────────┐
	//   db 6   ├──►│ u = b*c ├─┬──►│ v = a + u ├────►│ J = 3*v  │
	// c = 2 ───┘   │ 6  du 3 │ │   │ 11  dv 3  │     │ 33  dJ 1 │
	//   dc 9       └─────────┘ │   └───────────┘     └──────────┘
	//               a = 5 ─────┘
	//                 da 3
}

// Before boxes are given up they get narrower: the lecture's step is drawn on a usual terminal.
func TestTextNarrows(t *testing.T) {
	g, v := lectureExample(t)
	v.Backward = true
	for columns, want := range map[int][]string{
		100: {"│ dz = da*(a*(1 - a)) = a - y │"},
		80:  {"│ z = w1*x1 + w2*x2 + b ├", "\ndz = da*(a*(1 - a)) = a - y\n"},
		60:  {"\nz = w1*x1 + w2*x2 + b  1.005  dz -0.268\n"},
	} {
		v.Columns = columns
		text := written(t, writers[0], g, v)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%d columns: no %q in\n%s", columns, w, text)
			}
		}
	}
	g, v = drawings[6].make(t)
	v.Columns = 50
	if text := written(t, writers[0], g, v); !strings.Contains(text, "and 26 more (sum of w*x)") || !strings.Contains(text, "1.625") {
		t.Errorf("what the others add is not said:\n%s", text)
	}
}
