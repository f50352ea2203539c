// Package exercise marks derivatives that a learner has written against those of the graph: which node is the first wrong one in the order of
// the backward pass, and what is missing there.
//
//	e, err := exercise.New(exercise.Model{Equations: equations, Leaves: leaves}, points)
//	report, err := e.Judge("dz = y - a\ndw = mean(x*dz)")
//
// What is wrong is found by trying: an equation is changed at one place, or two, in the ways in which people go wrong (a sign, 1/m, a factor, a name), and
// the change that makes it equal to the graph at every point says what the mistake was. What is right is proved by the simplifier where it can be.
// The package knows equations and numbers, no files and no logistic regression.
package exercise

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/descent-ml/descent/graph"
)

// Model is what the learner differentiates.
type Model struct {
	Equations string // one a line; the last is the loss of one example
	Leaves    []graph.Leaf
	Sizes     map[string]int
	Weighted  bool     // rows have a weight s: J = mean(s*L)
	Penalised []string // parameters w in J = … + lambda*sum(w*w)/(2*m); none: no penalty
}

// Point is values of the leaves for some examples, and what messages call these.
type Point struct {
	graph.Values
	Name string             // all of them: "your 768 rows"
	Row  func(i int) string // one, from 0
}

// Exercise is a model with the graph's own derivatives at some points.
type Exercise struct {
	model  Model
	graph  *graph.Graph // the model and J
	loss   *graph.Node
	nodes  []*node // in the order in which they are judged
	by     map[string]*node
	known  []string // names that equations may use
	points []point
	sheet  *graph.Graph // every name is a leaf of it, so that each has its value
	inputs int
	extra  map[string]bool // names on the sheet that the learner has not
}

// A node is a name that a learner may write an equation for.
type node struct {
	name      string
	of        string      // of a derivative
	parameter bool        // of a parameter: one example's, or over all
	shape     graph.Shape // of one example's
	each      *graph.Node // one example's, as the chain rule has it; of forward values the value
	all       *graph.Node // over all examples: of J, and of parameters
}

// point has the values of all names.
type point struct {
	Point
	of   map[string][]float64 // all of a parameter under its name, one example's under its name + ofOne
	m    float64
	rows int
}

// ofOne marks the derivative of one example among the names of values.
const ofOne = " of one example"

// New prepares the model: the graph's derivatives are evaluated at the points, which have to have values for all leaves. Points with rows of 0 or 1 for y, and
// not too large z, are wanted, because all that a learner writes is compared there.
func New(m Model, points []Point) (*Exercise, error) {
	leaves := slices.Clone(m.Leaves)
	g, err := graph.ParseWith(m.Equations, graph.Options{Leaves: leaves, Closed: len(leaves) > 0, Sizes: m.Sizes})
	if err != nil {
		return nil, err
	}
	if len(g.Defs) == 0 {
		return nil, fmt.Errorf("there is no equation")
	}
	e := &Exercise{model: m, graph: g, by: map[string]*node{}, extra: map[string]bool{}}
	last := g.Defs[len(g.Defs)-1]
	if !last.Written.Shape.PerRow || !last.Written.Shape.IsScalar() {
		return nil, fmt.Errorf("the last equation, %s, must be the loss of one example: one number that depends on the example; it is %v", last.Name, last.Written.Shape)
	}
	e.loss = last.Written
	if err := e.cost(last.Name); err != nil {
		return nil, err
	}
	if err := e.derive(last.Name); err != nil {
		return nil, err
	}
	if err := e.evaluate(points); err != nil {
		return nil, err
	}
	return e, e.lay()
}

// cost adds J.
func (e *Exercise) cost(loss string) error {
	g := e.graph
	if _, taken := g.Lookup("J"); taken {
		return fmt.Errorf("the equations use J, which is the cost over all examples here")
	}
	positive := graph.Fact{Range: &graph.Interval{Lo: 0, LoOpen: true, Hi: math.Inf(1), HiOpen: true}}
	leaves := []graph.Leaf{{Kind: graph.Input, Name: "m", Fact: positive}}
	line := "mean(" + loss + ")"
	if e.model.Weighted {
		line = "mean(s*" + loss + ")"
		leaves = append(leaves, graph.Leaf{Kind: graph.Input, Name: "s", Shape: graph.Shape{PerRow: true}})
	}
	if len(e.model.Penalised) > 0 {
		leaves = append(leaves, graph.Leaf{Kind: graph.Input, Name: "lambda", Fact: positive})
		var squares []string
		for _, w := range e.model.Penalised {
			squares = append(squares, "sum("+w+"*"+w+")")
		}
		line += " + lambda*(" + strings.Join(squares, " + ") + ")/(2*m)"
	}
	if err := g.Append("J = "+line, leaves...); err != nil {
		return fmt.Errorf("the equations use a name that the cost J = %s needs: %w", line, err)
	}
	return nil
}

// derive lists the nodes: values forward, then derivatives backward, those of parameters after the value that they have a part in.
func (e *Exercise) derive(loss string) error {
	g := e.graph
	add := func(n *node) {
		if e.by[n.name] == nil {
			e.nodes = append(e.nodes, n)
			e.by[n.name] = n
		}
	}
	var defs []graph.Def
	inside := graph.Below(e.loss)
	for _, d := range g.Defs {
		n := &node{name: d.Name, shape: d.Written.Shape, each: d.Written, all: d.Written}
		add(n)
		if d.Name != "J" && slices.Contains(inside, d.Written) {
			defs = append(defs, d)
		}
	}
	J, _ := g.Lookup("J")
	seen := map[*graph.Node]bool{}
	derivative := func(of string, n *graph.Node, parameter bool) error {
		out := &node{name: "d" + of, of: of, parameter: parameter, shape: n.Shape}
		out.shape.PerRow = true
		one, err := g.Gradient(e.loss, n)
		if err != nil {
			return err
		}
		out.each = one[0]
		if parameter {
			all, err := g.Gradient(J, n)
			if err != nil {
				return err
			}
			out.all = all[0]
		}
		if _, taken := g.Lookup(out.name); !taken {
			add(out)
		}
		return nil
	}
	for i := len(defs) - 1; i >= 0; i-- {
		d := defs[i]
		if err := derivative(d.Name, d.Written, false); err != nil {
			return err
		}
		for _, n := range direct(d, defs) {
			if n.Leaf != nil && n.Leaf.Kind == graph.Parameter && !seen[n] {
				seen[n] = true
				if err := derivative(n.Leaf.Name, n, true); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// direct are the leaves of a definition, in the order in which it names them, without what is behind other definitions.
func direct(d graph.Def, defs []graph.Def) []*graph.Node {
	named := map[*graph.Node]bool{}
	for _, o := range defs {
		if o.Written != d.Written {
			named[o.Written] = true
		}
	}
	var out []*graph.Node
	var visit func(n *graph.Node)
	visit = func(n *graph.Node) {
		if named[n] {
			return
		}
		if n.Op == nil && !slices.Contains(out, n) {
			out = append(out, n)
		}
		for _, a := range n.Args {
			visit(a)
		}
	}
	visit(d.Written)
	return out
}

// evaluate computes every name at every point.
func (e *Exercise) evaluate(points []Point) error {
	var names []string
	var written []*graph.Node
	for _, n := range e.nodes {
		names, written = append(names, n.name), append(written, n.all)
		if n.of == "" {
			continue
		}
		if n.all == nil {
			written[len(written)-1] = n.each
			continue
		}
		names, written = append(names, n.name+ofOne), append(written, n.each)
	}
	simple := make([]*graph.Node, len(written)) // what is finite where the truth is
	for i, n := range written {
		out, _, err := e.graph.Simplify(n)
		if err != nil {
			return err
		}
		simple[i] = out[0]
	}
	random := rand.New(rand.NewPCG(1, 0x6578657263697365)) // "exercise"
	for _, at := range points {
		p := point{Point: at, of: map[string][]float64{}, m: at.M, rows: at.Rows}
		if p.m == 0 {
			p.m = float64(at.Rows)
		}
		for name, v := range at.Of {
			p.of[name] = v
		}
		p.of["m"] = []float64{p.m}
		if len(e.model.Penalised) > 0 && p.of["lambda"] == nil {
			p.of["lambda"] = []float64{0.5 + random.Float64()}
		}
		out, err := graph.Eval(graph.Values{Rows: at.Rows, M: p.m, Of: p.of}, simple...)
		if err != nil {
			return err
		}
		for i, name := range names {
			n := e.by[strings.TrimSuffix(name, ofOne)]
			p.of[name] = out[i]
			if size := n.shape.Size() * at.Rows; (n.of != "" && n.all == nil || strings.HasSuffix(name, ofOne)) && len(out[i]) != size { // a constant
				p.of[name] = repeat(out[i], size)
			}
		}
		p.of["alpha"] = []float64{0.01 + random.Float64()/10}
		if x, ok := e.graph.Lookup("x"); ok {
			e.inputs = x.Shape.Size()
			p.of["n"] = []float64{float64(e.inputs)}
		}
		e.points = append(e.points, p)
	}
	return nil
}

// repeat fills size numbers with v.
func repeat(v []float64, size int) []float64 {
	out := make([]float64, size)
	for i := range out {
		out[i] = v[i%len(v)]
	}
	return out
}

// lay makes the sheet: a leaf for every name, and for every component of a vector.
func (e *Exercise) lay() error {
	e.sheet = graph.New()
	shapes := map[string]graph.Shape{"m": {}, "alpha": {}}
	for _, n := range graph.Below(roots(e.graph)...) {
		if n.Leaf != nil && n.Leaf.Kind != graph.Constant {
			shapes[n.Leaf.Name] = n.Shape
		}
	}
	if e.inputs > 0 {
		shapes["n"] = graph.Shape{}
	}
	for _, n := range e.nodes {
		shapes[n.name] = n.shape
		if n.of != "" && n.all != nil {
			s := n.shape
			shapes[n.name+ofOne] = s
			s.PerRow = false
			shapes[n.name] = s
		}
	}
	for name, s := range shapes {
		if strings.HasSuffix(name, ofOne) {
			continue
		}
		if _, ok := e.points[0].of[name]; !ok {
			continue
		}
		fact := graph.Fact{}
		if name == "m" || name == "lambda" || name == "alpha" || name == "n" {
			fact.Range = &graph.Interval{Lo: 0, LoOpen: true, Hi: math.Inf(1), HiOpen: true}
		}
		if _, err := e.sheet.Leaf(graph.Leaf{Kind: graph.Input, Name: name, Shape: s, Fact: fact}); err != nil {
			return err
		}
		e.known = append(e.known, name)
	}
	slices.Sort(e.known)
	return nil
}

func roots(g *graph.Graph) []*graph.Node {
	var out []*graph.Node
	for _, d := range g.Defs {
		out = append(out, d.Written)
	}
	return out
}

// canonical is the name that the graph has for one of the learner's: dZ is dz, X is x, dL_dz is dz.
func (e *Exercise) canonical(name string) (string, bool) {
	try := []string{name}
	if other, ok := spoken[name]; ok && e.by[other] != nil {
		try = append(try, other)
	}
	if rest, ok := strings.CutPrefix(name, "dL_d"); ok {
		try = append(try, "d"+rest)
	}
	if rest, ok := strings.CutPrefix(name, "dJ_d"); ok {
		if n := e.by["d"+rest]; n != nil && n.parameter {
			try = append(try, "d"+rest)
		}
	}
	for _, t := range try {
		for _, s := range []string{t, lower(t)} {
			if e.has(s) {
				return s, true
			}
		}
	}
	return "", false
}

// spoken are other words for the lecture's letters.
var spoken = map[string]string{"cost": "J", "loss": "L", "yhat": "a", "y_hat": "a", "Yhat": "a", "Y_hat": "a", "dyhat": "da", "dcost": "dJ", "dloss": "dL"}

// lower is dz of dZ, x of X, x1 of X1.
func lower(name string) string {
	if r := []rune(name); len(r) <= 4 {
		return strings.ToLower(name)
	}
	return name
}

// has says whether a name, or a component of one, has values.
func (e *Exercise) has(name string) bool {
	if slices.Contains(e.known, name) || e.extra[name] {
		return true
	}
	base, j := component(name)
	n, ok := e.sheet.Lookup(base)
	return ok && n.Shape.IsVector() && j >= 1 && j <= n.Shape.Rows
}

// component takes w12 apart.
func component(name string) (base string, j int) {
	base = strings.TrimRight(name, "0123456789")
	if base == name || base == "" || len(name)-len(base) > 6 {
		return name, 0
	}
	j, _ = strconv.Atoi(name[len(base):])
	return base, j
}

// leaf is the sheet's node of a name, made on the first call for components.
func (e *Exercise) leaf(name string) (*graph.Node, error) {
	if n, ok := e.sheet.Lookup(name); ok {
		return n, nil
	}
	base, j := component(name)
	whole, ok := e.sheet.Lookup(base)
	if !ok || !e.has(name) {
		return nil, fmt.Errorf("unknown name %s; known are %s", name, strings.Join(e.known, ", "))
	}
	size := whole.Shape.Rows
	n, err := e.sheet.Leaf(graph.Leaf{Kind: graph.Input, Name: name, Shape: graph.Shape{PerRow: whole.Shape.PerRow}})
	if err != nil {
		return nil, err
	}
	for i := range e.points {
		of := e.points[i].of
		of[name] = pick(of[base], size, j-1)
		if v, ok := of[base+ofOne]; ok {
			of[name+ofOne] = pick(v, size, j-1)
		}
	}
	return n, nil
}

// pick takes component j of every vector of size.
func pick(v []float64, size, j int) []float64 {
	out := make([]float64, len(v)/size)
	for i := range out {
		out[i] = v[i*size+j]
	}
	return out
}

// target is what an equation for a name is to give.
type target struct {
	name   string // canonical
	node   *node
	index  int // component from 1; 0: the whole
	shape  graph.Shape
	values [][]float64 // by point
	each   bool        // of one example
}

// target finds it; one says whether one example's derivative is meant.
func (e *Exercise) target(name string, one bool) (*target, error) {
	t := &target{name: name, node: e.by[name]}
	if t.node == nil {
		base, j := component(name)
		if t.node = e.by[base]; t.node == nil || !e.has(name) {
			return nil, fmt.Errorf("%s is no node", name)
		}
		t.index = j
		if _, err := e.leaf(name); err != nil {
			return nil, err
		}
	}
	t.shape = t.node.shape
	if t.index > 0 {
		t.shape.Rows = 0
	}
	key := name
	if t.node.parameter {
		t.shape.PerRow, t.each = one, one
		if one {
			key += ofOne
		}
	}
	for i := range e.points {
		t.values = append(t.values, e.points[i].of[key])
	}
	return t, nil
}

// RandomPoints are small sets of made-up rows for a model: inputs from the normal distribution, y 0 or 1 (or one-hot), parameters of moderate size, so that
// |z| stays small. Their numbers of rows differ, so that 1/m is no constant.
func RandomPoints(m Model, seed uint64) ([]Point, error) {
	g, err := graph.ParseWith(m.Equations, graph.Options{Leaves: m.Leaves, Closed: len(m.Leaves) > 0, Sizes: m.Sizes})
	if err != nil {
		return nil, err
	}
	leaves := []graph.Leaf{}
	for _, n := range graph.Below(roots(g)...) {
		if n.Leaf != nil && n.Leaf.Kind != graph.Constant {
			leaves = append(leaves, *n.Leaf)
		}
	}
	if m.Weighted {
		leaves = append(leaves, graph.Leaf{Kind: graph.Input, Name: "s", Shape: graph.Shape{PerRow: true}})
	}
	slices.SortFunc(leaves, func(a, b graph.Leaf) int { return strings.Compare(a.Name, b.Name) })
	random := rand.New(rand.NewPCG(seed, 0x706f696e7473)) // "points"
	var points []Point
	for _, rows := range []int{7, 11, 5} {
		p := Point{Name: fmt.Sprintf("all of %d made-up examples", rows), Values: graph.Values{Rows: rows, Of: map[string][]float64{}}}
		p.Row = func(i int) string { return fmt.Sprintf("made-up example %d", i+1) }
		for _, l := range leaves {
			p.Of[l.Name] = draw(l, rows, random)
			if l.Name == "s" {
				for _, v := range p.Of["s"] {
					p.M += v
				}
			}
		}
		points = append(points, p)
	}
	return points, nil
}

// draw makes the values of a leaf.
func draw(l graph.Leaf, rows int, random *rand.Rand) []float64 {
	size, k, width := l.Shape.Size(), l.Shape.Rows, 1.0
	if l.Shape.PerRow {
		size *= rows
	} else if l.Kind == graph.Parameter {
		width = 1 / math.Sqrt(float64(max(k, l.Shape.Cols, 1)))
	}
	v := make([]float64, size)
	for i := range v {
		switch {
		case l.Name == "y" && k == 0:
			v[i] = float64(i % 2)
		case l.Name == "y":
			if i%k == (i/k)%k {
				v[i] = 1
			}
		case l.Name == "s":
			v[i] = float64(1 + random.IntN(3))
		case l.Name == "r":
			v[i] = float64(min(i, 1))
		default:
			v[i] = width * random.NormFloat64()
		}
	}
	return v
}
