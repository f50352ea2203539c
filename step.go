package descent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/graph"
)

// StepConfig says which example goes through which graph, and what is done with its derivatives.
type StepConfig struct {
	// Equations, one a line; the last is what is differentiated. "" is the lecture's, with as many features as Values names, or where y is a
	// vector [ClassEquations], with as many classes as it has components. A name that begins with x or y is data, every other leaf is a
	// parameter.
	Equations string

	// Values by name: numbers, or (for vectors and matrices) []float64 and [][]float64. The components of the vectors x and w may be given one by
	// one as x1, w1, …. A parameter that is not given is 0; data must be given. Of a vector y whose components add up to 1 the graph
	// knows it. Beside it W has a row for each of them, and b a component.
	Values map[string]any
	Known  map[string]any // further values, used where the equations speak of them: a row of a file, a model's weights
	Data   []string       // further names that are data: o, say

	Update bool    // parameters take steps: w := w - alpha dw
	Alpha  float64 // learning rate
	Steps  int     // how many; 0 is 1
}

// Walk is one example's way through a graph: forward, backward, update.
type Walk struct {
	Graph *graph.Graph
	Root  string   // the definition that is differentiated
	Steps []Pass   // one, or as many as updates were asked for
	Notes []string // what is not finite and why, in words

	noted   map[string]bool // names of which Notes speaks
	unnamed []unnamed
}

// unnamed is an operation that has a name in the picture only.
type unnamed struct {
	name             string
	node, derivative *graph.Node
}

// Pass is one time forward and backward, and the parameters after the update (nil without one).
type Pass struct {
	Values, Derivatives, Updated Numbers

	// What the picture of a single equation shows besides: operations without a name of their own, as u and v, and their derivatives.
	Unnamed, UnnamedDerivatives Numbers
}

// Number is a value of a graph under its name. Data holds Size numbers, row-major.
type Number struct {
	Name  string
	Shape graph.Shape
	Data  []float64
}

// Numbers are values in the order in which they are computed. As JSON they are one object; a number too large for float64 is
// "inf", "-inf" or "undefined".
type Numbers []Number

// Map gives the numbers by name, as the graph's writers want them.
func (n Numbers) Map() map[string][]float64 {
	m := make(map[string][]float64, len(n))
	for _, v := range n {
		m[v.Name] = v.Data
	}
	return m
}

// MarshalJSON writes the members in order. The components of x, w and dw of a vector are x1, w1 and dw1, as in the lecture.
func (n Numbers) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	member := func(name string, value []byte) {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(name)
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	for _, v := range n {
		switch base := strings.TrimPrefix(v.Name, "d"); {
		case v.Shape.IsVector() && (base == "x" || base == "w"):
			for j, c := range v.Data {
				member(v.Name+strconv.Itoa(j+1), jsonNumber(c))
			}
		case v.Shape.IsMatrix():
			rows := make([][]byte, v.Shape.Rows)
			for i := range rows {
				rows[i] = jsonNumbers(v.Data[i*v.Shape.Cols : (i+1)*v.Shape.Cols])
			}
			member(v.Name, slices.Concat([]byte{'['}, bytes.Join(rows, []byte{','}), []byte{']'}))
		case v.Shape.IsVector():
			member(v.Name, jsonNumbers(v.Data))
		default:
			member(v.Name, jsonNumber(v.Data[0]))
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func jsonNumbers(v []float64) []byte {
	all := make([][]byte, len(v))
	for i, c := range v {
		all[i] = jsonNumber(c)
	}
	return slices.Concat([]byte{'['}, bytes.Join(all, []byte{','}), []byte{']'})
}

func jsonNumber(v float64) []byte {
	if name, odd := notFinite(v); odd {
		return []byte(`"` + name + `"`)
	}
	b, _ := json.Marshal(v + 0) // -0 is 0
	return b
}

// notFinite names a number that JSON cannot hold.
func notFinite(v float64) (string, bool) {
	switch {
	case math.IsNaN(v):
		return "undefined", true
	case math.IsInf(v, 1):
		return "inf", true
	case math.IsInf(v, -1):
		return "-inf", true
	}
	return "", false
}

// ErrStep is wrapped by errors of [Step] that are about the names and values given, not about the equations.
var ErrStep = errors.New("step")

func stepError(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrStep}, args...)...)
}

// Step sends one example through a graph. Derivatives are those of the last equation with respect to every definition and parameter below it;
// what is computed is the form that trains, so a = 1 exactly does no harm to dz = a - y, while da = -y/a + (1-y)/(1-a) is shown as the infinity that
// it is.
func Step(c StepConfig) (*Walk, error) {
	values, err := stepValues(c.Values)
	if err != nil {
		return nil, err
	}
	known, err := stepValues(c.Known)
	if err != nil {
		return nil, err
	}
	g, err := stepGraph(c.Equations, values, known, c.Data)
	if err != nil {
		return nil, err
	}
	if len(g.Defs) == 0 {
		return nil, errors.New("there is no equation")
	}
	w := &Walk{Graph: g, Root: g.Defs[len(g.Defs)-1].Name, noted: map[string]bool{}}
	root := g.Defs[len(g.Defs)-1].Written
	if !root.Shape.IsScalar() {
		return nil, fmt.Errorf("the last equation, %s, is what is differentiated and must be one number; it is a %v", w.Root, root.Shape)
	}
	leaves, err := stepLeaves(g, values)
	if err != nil {
		return nil, err
	}
	if err := g.Derive(w.Root); err != nil {
		return nil, err
	}
	if err := w.nameOperations(); err != nil {
		return nil, err
	}
	at := map[string][]float64{}
	for _, l := range leaves {
		at[l.Name] = l.Data
	}
	for range max(c.Steps, 1) {
		p, err := w.pass(leaves, at)
		if err != nil {
			return nil, err
		}
		if c.Update {
			w.update(p, c.Alpha, leaves, at)
		}
		w.Steps = append(w.Steps, *p)
	}
	if y := slices.IndexFunc(leaves, func(l Number) bool { return l.Name == "y" }); y >= 0 {
		w.noteLabel(leaves[y], c.Equations == "")
	}
	return w, nil
}

// nameOperations finds what the picture calls u, v, …: the operations of a single equation.
func (w *Walk) nameOperations() error {
	written := 0
	for _, d := range w.Graph.Defs {
		if d.Of == "" {
			written++
		}
	}
	root, _ := w.Graph.Def(w.Root)
	if written != 1 || len(graph.Below(root.Written)) > 100 {
		return nil
	}
	layout, err := w.Graph.Layout(graph.View{Backward: true})
	if err != nil {
		return err
	}
	aside := map[string]bool{}
	var formulas []string
	for _, card := range layout.Cards {
		if _, known := w.Graph.Lookup(card.Name); known || card.Kind != "operation" || aside[card.Name] {
			continue
		}
		aside[card.Name] = true
		formulas = append(formulas, card.Formula)
	}
	if formulas == nil {
		return nil
	}
	for len(formulas) > 0 {
		before := len(formulas)
		formulas = slices.DeleteFunc(formulas, func(f string) bool {
			name, expression, _ := strings.Cut(f, " = ")
			node, ok := w.build(expression)
			if ok {
				w.unnamed = append(w.unnamed, unnamed{name: name, node: node})
			}
			return ok
		})
		if len(formulas) == before {
			w.unnamed = nil // a formula that is no expression: the picture alone has it
			return nil
		}
	}
	nodes := make([]*graph.Node, len(w.unnamed))
	for i, u := range w.unnamed {
		nodes[i] = u.node
	}
	derivatives, err := w.Graph.Gradient(root.Written, nodes...)
	if err != nil {
		return err
	}
	for i, d := range derivatives {
		w.unnamed[i].derivative = d
	}
	return nil
}

// build makes the node of an expression over names of the graph and of unnamed operations.
func (w *Walk) build(expression string) (*graph.Node, bool) {
	p, err := graph.ParsePattern(expression)
	if err != nil {
		return nil, false
	}
	bound := map[string]*graph.Node{}
	for name := range words(expression) {
		if n, ok := w.Graph.Lookup(name); ok {
			bound[name] = n
		} else if i := slices.IndexFunc(w.unnamed, func(u unnamed) bool { return u.name == name }); i >= 0 {
			bound[name] = w.unnamed[i].node
		}
	}
	n, err := w.Graph.Build(p, bound)
	return n, err == nil
}

// pass evaluates every leaf, definition and derivative.
func (w *Walk) pass(leaves Numbers, at map[string][]float64) (*Pass, error) {
	p := &Pass{Derivatives: Numbers{}}
	for _, l := range leaves {
		p.Values = append(p.Values, Number{l.Name, l.Shape, at[l.Name]})
	}
	nodes := make([]*graph.Node, len(w.Graph.Defs))
	for i, d := range w.Graph.Defs {
		if nodes[i] = d.Runs; nodes[i] == nil {
			nodes[i] = d.Written
		}
	}
	for _, u := range w.unnamed {
		nodes = append(nodes, u.node, u.derivative)
	}
	out, err := graph.Eval(graph.Values{Rows: 1, Of: at}, nodes...)
	if err != nil {
		return nil, err
	}
	for i, u := range w.unnamed {
		k := len(w.Graph.Defs) + 2*i
		shape := u.node.Shape
		shape.PerRow = false
		p.Unnamed = append(p.Unnamed, Number{u.name, shape, out[k]})
		p.UnnamedDerivatives = append(Numbers{{"d" + u.name, shape, out[k+1]}}, p.UnnamedDerivatives...)
	}
	for i, d := range w.Graph.Defs {
		n := Number{d.Name, d.Written.Shape, out[i]}
		if d.Of == "" {
			p.Values = append(p.Values, n)
		} else {
			p.Derivatives = append(p.Derivatives, n)
		}
	}
	return p, w.note(p, len(w.Steps), at)
}

// note says in words what is not finite, and why: it names the first node whose arguments are finite and that is not. A name is noted once.
func (w *Walk) note(p *Pass, step int, at map[string][]float64) error {
	var odd []graph.Def
	shown := map[string]string{}
	for _, n := range slices.Concat(p.Values, p.Derivatives) {
		d, ok := w.Graph.Def(n.Name)
		i := slices.IndexFunc(n.Data, func(v float64) bool { _, odd := notFinite(v); return odd })
		if i < 0 || w.noted[n.Name] {
			continue
		}
		shown[n.Name], _ = notFinite(n.Data[i])
		if !ok { // a parameter after its updates
			w.tell(step, n.Name+" is "+shown[n.Name])
			w.noted[n.Name] = true
			continue
		}
		odd = append(odd, *d)
	}
	if len(odd) == 0 {
		return nil
	}
	finite := true // the derivatives that updates use
	for _, n := range p.Derivatives {
		d, _ := w.Graph.Def(n.Name)
		if leaf, ok := w.Graph.Lookup(d.Of); ok && leaf.Leaf != nil {
			finite = finite && !slices.ContainsFunc(n.Data, func(v float64) bool { _, odd := notFinite(v); return odd })
		}
	}
	for _, d := range odd {
		node := d.Runs
		if node == nil {
			node = d.Written
		}
		why, err := cause(node, at)
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%s is %s: %s", d.Name, shown[d.Name], why)
		if d.Of != "" && finite {
			text += "; the weights use the simplified derivatives, which stay finite"
		}
		w.tell(step, text)
		w.noted[d.Name] = true
	}
	return nil
}

// tell adds a note about a step.
func (w *Walk) tell(step int, text string) {
	if step > 0 {
		text = fmt.Sprintf("step %d: %s", step+1, text)
	}
	w.Notes = append(w.Notes, text)
}

// cause says why a node is not finite: what happens in the first node below it that is not finite though its arguments are.
func cause(root *graph.Node, at map[string][]float64) (string, error) {
	nodes := graph.Below(root)
	out, err := graph.Eval(graph.Values{Rows: 1, Of: at}, nodes...)
	if err != nil {
		return "", err
	}
	value := make(map[*graph.Node][]float64, len(nodes))
	for i, n := range nodes {
		value[n] = out[i]
	}
	isOdd := func(v float64) bool { _, odd := notFinite(v); return odd }
	for i, n := range nodes {
		k := slices.IndexFunc(out[i], isOdd)
		if k < 0 || slices.ContainsFunc(n.Args, func(a *graph.Node) bool { return slices.ContainsFunc(value[a], isOdd) }) {
			continue
		}
		text := n.String()
		if r := []rune(text); len(r) > 60 {
			text = string(r[:59]) + "…"
		}
		if n.Op == nil {
			return text + " is not finite", nil
		}
		argument := func(j int) float64 {
			v := value[n.Args[j]]
			return v[min(k, len(v)-1)]
		}
		return text + " " + whyOdd(n.Op.Name, out[i][k], argument), nil
	}
	return "too large for float64", nil
}

// whyOdd says what an op does with finite arguments to give v, which is not finite.
func whyOdd(op string, v float64, argument func(int) float64) string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	switch u := argument(0); {
	case op == "div" && argument(1) == 0 && u == 0:
		return "is 0/0"
	case op == "div" && argument(1) == 0:
		return "divides by 0"
	case op == "log" && u == 0, op == "log1p" && u == -1:
		return "is the logarithm of 0"
	case op == "log" && u < 0:
		return "is the logarithm of a negative number, " + number(u)
	case op == "log1p" && u < -1:
		return "is the logarithm of a negative number, " + number(1+u)
	case op == "pow" && u == 0 && math.IsInf(v, 0):
		return "divides by 0: it is 0 to a negative power"
	case op == "pow" && math.IsNaN(v):
		return "is a negative number to a power that is not whole"
	case op == "exp":
		return "is too large for float64: exp(" + number(u) + ")"
	case math.IsNaN(v):
		return "has no value"
	}
	return "is too large for float64"
}

// isLogLoss says whether what is differentiated simplifies to the log loss of the label y.
func (w *Walk) isLogLoss() bool {
	label, ok := w.Graph.Lookup("y")
	root, has := w.Graph.Def(w.Root)
	if !ok || !has {
		return false
	}
	runs := root.Runs
	if runs == nil {
		runs = root.Written
	}
	for _, form := range []string{"softplus(u) - y*u", "logsumexp(u) - sum(y*u)"} {
		p, err := graph.ParsePattern(form)
		if err != nil {
			return false
		}
		if bound, ok := p.Match(runs); ok && bound["y"] == label {
			return true
		}
	}
	return false
}

// noteLabel says where the log loss is given a label that is no probability.
func (w *Walk) noteLabel(y Number, lecture bool) {
	outside := slices.IndexFunc(y.Data, func(v float64) bool { return v < 0 || v > 1 })
	if outside < 0 {
		return
	}
	if !lecture && !w.isLogLoss() {
		return
	}
	name := "y"
	if y.Shape.IsVector() {
		name += strconv.Itoa(outside + 1)
	}
	w.Notes = append(w.Notes, fmt.Sprintf("%s = %s is outside 0 to 1, and the log loss is about a label in it", name, strconv.FormatFloat(y.Data[outside], 'g', -1, 64)))
}

// update sets at to the parameters after w := w - alpha dw.
func (w *Walk) update(p *Pass, alpha float64, leaves Numbers, at map[string][]float64) {
	p.Updated = Numbers{}
	derivative := p.Derivatives.Map()
	for _, l := range leaves {
		d, ok := derivative["d"+l.Name]
		if def, of := w.Graph.Def("d" + l.Name); !ok || !of || def.Of != l.Name {
			continue
		}
		next := make([]float64, len(l.Data))
		for j, v := range at[l.Name] {
			next[j] = v - float64(alpha*d[min(j, len(d)-1)])
		}
		at[l.Name] = next
		p.Updated = append(p.Updated, Number{l.Name, l.Shape, next})
	}
}

var wordPattern = regexp.MustCompile(`[\pL_][\pL\pN_]*`)

// words are the names in equations, without what follows a #.
func words(equations string) map[string]bool {
	out := map[string]bool{}
	for _, line := range strings.Split(equations, "\n") {
		line, _, _ = strings.Cut(line, "#")
		for _, w := range wordPattern.FindAllString(line, -1) {
			out[w] = true
		}
	}
	return out
}

var componentPattern = regexp.MustCompile(`^([xw])([1-9][0-9]{0,5})$`)

// stepValues turns the values given into numbers with shapes.
func stepValues(given map[string]any) (map[string]Number, error) {
	out := map[string]Number{}
	for name, v := range given {
		n := Number{Name: name}
		switch v := v.(type) {
		case float64:
			n.Data = []float64{v}
		case []float64:
			n.Shape, n.Data = graph.Vector(len(v)), v
		case [][]float64:
			if len(v) == 0 || len(v[0]) == 0 {
				return nil, stepError("%s is empty", name)
			}
			n.Shape = graph.Matrix(len(v), len(v[0]))
			for _, row := range v {
				if len(row) != len(v[0]) {
					return nil, stepError("the rows of %s have different lengths", name)
				}
				n.Data = append(n.Data, row...)
			}
		default:
			return nil, stepError("%s is a %T; want a number, a vector or a matrix", name, v)
		}
		if len(n.Data) == 0 {
			return nil, stepError("%s is empty", name)
		}
		out[name] = n
	}
	return out, nil
}

// stepGraph parses the equations and adds to values what is known besides. Components x1, w1, … become the vectors x and w where the
// equations speak of these, and the other way round.
func stepGraph(equations string, values, known map[string]Number, data []string) (*graph.Graph, error) {
	y, ok := values["y"]
	if !ok {
		y = known["y"]
	}
	d, isVector := size{inputs: 1, sets: 1}, y.Shape.IsVector()
	if isVector {
		d.sets = y.Shape.Rows
	}
	lecture := equations == ""
	if lecture {
		equations = d.equations()
	}
	var err error
	if d.inputs, err = stepInputs(words(equations), graph.Declared(equations), values, known); err != nil {
		return nil, err
	}
	n := d.inputs
	if lecture {
		equations = d.equations()
	}
	speaks, declared := words(equations), graph.Declared(equations)
	for _, base := range []string{"x", "w"} {
		if n > 0 && speaks[base] && !slices.Contains(declared, base) {
			if err := stepVector(base, n, speaks, values, known); err != nil {
				return nil, err
			}
			continue
		}
		if v, ok := known[base]; ok {
			for j, c := range v.Data {
				if name := base + strconv.Itoa(j+1); speaks[name] {
					known[name] = Number{Name: name, Data: []float64{c}}
				}
			}
		}
	}
	for name, v := range known {
		if _, given := values[name]; !given && speaks[name] {
			values[name] = v
		}
	}
	if lecture {
		leaves := d.leaves()
		if d.sets == 1 && isVector { // a vector of one, which is no label
			return nil, stepError("y is a %v, want a number, or a component for each of more than one class", y.Shape)
		}
		for i := range leaves {
			if leaves[i].Name == "y" && !isShare(y) {
				leaves[i].Fact.Total = nil
			}
		}
		return graph.ParseWith(equations, graph.Options{Leaves: leaves, Closed: true})
	}
	if isVector && speaks["W"] { // the shapes of a model
		for name, shape := range map[string]graph.Shape{"W": graph.Matrix(d.sets, n), "b": graph.Vector(d.sets)} {
			if _, given := values[name]; !given && speaks[name] && shape.Size() > 0 && !slices.Contains(declared, name) {
				values[name] = Number{Name: name, Shape: shape, Data: make([]float64, shape.Size())}
			}
		}
	}
	var leaves []graph.Leaf
	for _, v := range values {
		more := slices.Contains(data, v.Name)
		if v.Shape.IsScalar() && !more || !speaks[v.Name] {
			continue
		}
		l := graph.Leaf{Kind: graph.Parameter, Name: v.Name, Shape: v.Shape}
		if more || v.Name[0] == 'x' || v.Name[0] == 'y' {
			l.Kind, l.Shape.PerRow = graph.Input, true
		}
		if v.Name == "y" && isShare(v) {
			l.Fact.Total = big.NewRat(1, 1)
		}
		leaves = append(leaves, l)
	}
	slices.SortFunc(leaves, func(a, b graph.Leaf) int { return strings.Compare(a.Name, b.Name) })
	return graph.ParseWith(equations, graph.Options{Leaves: leaves, Sizes: d.names()})
}

// isShare says whether y is a vector whose components add up to 1, but for the rounding of its decimals.
func isShare(y Number) bool {
	return y.Shape.IsVector() && math.Abs(sum(y.Data)-1) <= 1e-15*float64(len(y.Data))
}

// stepInputs is the number of components of x and w, by what is given and known.
func stepInputs(speaks map[string]bool, declared []string, values, known map[string]Number) (int, error) {
	n, fixed := 0, "" // components, and which vector says how many
	for _, all := range []map[string]Number{known, values} {
		for _, base := range []string{"x", "w"} {
			if v, ok := all[base]; ok && v.Shape.IsVector() && speaks[base] && fixed == "" && !slices.Contains(declared, base) {
				n, fixed = v.Shape.Rows, base
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		m := componentPattern.FindStringSubmatch(name)
		if m == nil || speaks[name] || !speaks[m[1]] || slices.Contains(declared, m[1]) {
			continue
		}
		j, _ := strconv.Atoi(m[2])
		if fixed != "" && j > n {
			return 0, stepError("there is no %s: %s has %d components", name, fixed, n)
		}
		n = max(n, j)
	}
	if n > 100000 {
		return 0, stepError("%d features are more than one example can show", n)
	}
	return n, nil
}

// stepVector puts the vector base together: from itself, from what is known, and from its components.
func stepVector(base string, n int, speaks map[string]bool, values, known map[string]Number) error {
	all := Number{Name: base, Shape: graph.Vector(n), Data: make([]float64, n)}
	whole, isWhole := values[base]
	if !isWhole {
		whole, isWhole = known[base]
	}
	if isWhole {
		if whole.Shape != all.Shape {
			return stepError("%s is a %v, want a %v", base, whole.Shape, all.Shape)
		}
		all.Data = slices.Clone(whole.Data)
	}
	_, given := values[base]
	for j := range n {
		name := base + strconv.Itoa(j+1)
		v, ok := values[name]
		switch {
		case speaks[name]:
		case ok && given:
			return stepError("%s is given and so is %s", base, name)
		case ok && !v.Shape.IsScalar():
			return stepError("%s is a %v, want a number", name, v.Shape)
		case ok:
			all.Data[j] = v.Data[0]
			delete(values, name)
		case base == "x" && !isWhole:
			return stepError("%s has no value; give %s=NUMBER", name, name)
		}
	}
	values[base] = all
	return nil
}

// stepLeaves gives every leaf of the equations its value: data first, then parameters, each by its first place in the equations.
func stepLeaves(g *graph.Graph, values map[string]Number) (Numbers, error) {
	var roots []*graph.Node
	for _, d := range g.Defs {
		roots = append(roots, d.Written)
	}
	var data, parameters Numbers
	used := map[string]bool{}
	for _, n := range graph.Below(roots...) {
		if n.Leaf == nil || n.Leaf.Kind == graph.Constant {
			continue
		}
		name, shape := n.Leaf.Name, n.Shape
		shape.PerRow = false
		used[name] = true
		v, ok := values[name]
		if ok && v.Shape != shape {
			return nil, stepError("%s is a %v, want a %v", name, v.Shape, shape)
		}
		if !ok {
			v = Number{Name: name, Shape: shape, Data: make([]float64, shape.Size())}
		}
		if n.Leaf.Kind == graph.Input {
			if !ok {
				return nil, stepError("%s has no value; give %s=NUMBER", name, name)
			}
			data = append(data, v)
		} else {
			parameters = append(parameters, v)
		}
	}
	names := slices.Sorted(maps.Keys(used))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if used[name] {
			continue
		}
		hint := ""
		if near, ok := dataset.Closest(name, names); ok && (max(len(name), len(near)) > 2 || strings.EqualFold(name, near)) {
			hint = fmt.Sprintf("; did you mean %s?", near)
		}
		return nil, stepError("the equations have no %s (they have %s)%s", name, strings.Join(names, ", "), hint)
	}
	slices.SortFunc(data, func(a, b Number) int { return strings.Compare(a.Name, b.Name) })
	return append(data, parameters...), nil
}

// ExampleRow is a data row of a file as the equations see it.
type ExampleRow struct {
	Row      int       `json:"row"`  // from 1
	Line     int       `json:"line"` // physical line
	File     string    `json:"file"`
	Features []Feature `json:"features"`
	Missing  []string  `json:"missing,omitempty"` // columns that lack a value in this row: what the inputs have is what the policy puts there
	Y        float64   `json:"y"`                 // number of the class
	Label    string    `json:"label"`
	Classes  []string  `json:"classes,omitempty"` // of more than two; Y is then one-hot in the equations
	Offset   *float64  `json:"offset,omitempty"`
	X        []float64 `json:"-"`

	reference int // the class that takes no offset
}

// Feature says what x1, x2, … are called in the file.
type Feature struct {
	Name string  `json:"name"`
	Term string  `json:"term"`
	X    float64 `json:"x"`
}

// Example reads row number row (from 1) of a source: columns become inputs as [Fit] makes them, in their own units. With a model, as the
// model has learnt them. Of the configuration it uses what says how columns and labels are read.
func Example(ctx context.Context, source Source, config Config, m *Model, row int) (*ExampleRow, error) {
	var t *dataset.Table
	var e *encode.Encoding
	var classes *encode.Classes
	var label string
	var y int32
	if m != nil {
		var err error
		if t, err = m.tableOf(ctx, source, m.tableOptions(config.Format, config.NoHeader)); err != nil {
			return nil, err
		}
		if err := hasRow(t, row); err != nil {
			return nil, err
		}
		target, err := targetColumn(t, m.file.Target)
		if err != nil {
			return nil, err
		}
		all, err := m.labels(t, target)
		if err != nil {
			return nil, err
		}
		e, classes, y, label = m.scorer.encoding, &m.file.Classes, all[row-1], target.Levels[target.Codes[row-1]]
	} else {
		config.defaults()
		f := &fit{config: config, result: &Result{}}
		if err := f.read(ctx, source); err != nil {
			return nil, err
		}
		t = f.table
		if err := hasRow(t, row); err != nil {
			return nil, err
		}
		var rows []int // nil: all, as in training
		if policy := f.config.Encoding.Missing; policy != encode.MissingMean && policy != encode.MissingLevel {
			// Rows that lack a value are of no concern, unless it is this one.
			lacks := func(r int) func(*dataset.Column) bool {
				return func(c *dataset.Column) bool { return c != f.target && c.IsMissing(r) }
			}
			if at := slices.IndexFunc(t.Columns, lacks(row-1)); at >= 0 && policy == encode.MissingDrop {
				return nil, t.At(row-1, t.Columns[at], "row %d has no value here, and --missing drop leaves it out of the training; another row, or --missing mean or level", row)
			}
			for r := range t.Rows {
				if r == row-1 || !slices.ContainsFunc(t.Columns, lacks(r)) {
					rows = append(rows, r)
				}
			}
		}
		l, err := encode.Learn(t, f.target.Name, rows, config.Encoding)
		if err != nil {
			return nil, err
		}
		e, classes, y, label = l.Encoding, f.classes, f.label[row-1], f.target.Levels[f.target.Codes[row-1]]
	}
	tr, err := e.NewReader().NewTableReader(t)
	if err != nil {
		return nil, err
	}
	cells := make([]encode.Cell, len(e.Columns))
	if err := tr.Row(row-1, cells); err != nil {
		return nil, err
	}
	offsets, err := encode.Numbers(t, e.Offset, "offset")
	if err != nil {
		return nil, err
	}
	x := &ExampleRow{Row: row, Line: t.Line(row - 1), File: t.File(row - 1), Y: float64(y), Label: label, X: termValues(e, cells)}
	if classes.Sets() > 1 {
		x.Classes, x.reference = classes.Levels, classes.Reference
	}
	if offsets != nil {
		x.Offset = &offsets[row-1]
	}
	for i := range e.Columns {
		if cells[i].Missing {
			x.Missing = append(x.Missing, e.Columns[i].Name)
		}
	}
	for j, v := range x.X {
		x.Features = append(x.Features, Feature{Name: fmt.Sprintf("x%d", j+1), Term: e.Terms[j].Name, X: v})
	}
	return x, nil
}

func hasRow(t *dataset.Table, row int) error {
	if row < 1 || row > t.Rows {
		return t.At(-1, nil, "there is no row %d; it has %d data rows, the first is 1", row, t.Rows)
	}
	return nil
}

// termValues are the inputs x of a row in original units, one for every term of the encoding.
func termValues(e *encode.Encoding, cells []encode.Cell) []float64 {
	x := make([]float64, len(e.Terms))
	j := 0
	for i := range e.Columns {
		c := &e.Columns[i]
		for ; j < len(e.Terms) && e.Terms[j].Column == c.Name; j++ {
			switch e.Terms[j].Kind {
			case encode.KindNumeric:
				x[j] = cells[i].Number
			case encode.KindIndicator:
				if cells[i].Missing {
					x[j] = 1
				}
			case encode.KindLevel:
				if l := cells[i].Level; l >= 0 && c.Levels[l] == e.Terms[j].Level {
					x[j] = 1
				}
			}
		}
	}
	return x
}

// Step is the configuration that sends the row through the lecture's equations, or with a model through the model's, with its weights. Of more
// than two classes they are [ClassEquations], and y is one-hot.
func (x *ExampleRow) Step(m *Model) StepConfig {
	d := size{inputs: len(x.X), sets: max(len(x.Classes), 1), offset: x.Offset != nil}
	c := StepConfig{Known: map[string]any{"y": x.Y}}
	if d.sets > 1 {
		y := make([]float64, d.sets)
		y[int(x.Y)] = 1
		c.Known["y"] = y
	}
	if d.inputs > 0 {
		c.Known["x"] = x.X
	}
	if d.offset {
		c.Known["o"], c.Data, c.Equations = *x.Offset, []string{"o"}, d.equations()
		if d.sets > 1 {
			c.Known["r"], c.Data = takesOffset(d.sets, x.reference), append(c.Data, "r")
		}
	}
	if m == nil {
		return c
	}
	own := m.Step()
	c.Equations, c.Data = own.Equations, own.Data
	if m.layers != nil {
		c.Known["x"] = m.layers.standard(slices.Clone(x.X))
	}
	maps.Copy(c.Known, own.Known)
	return c
}

// takesOffset is r: 0 for the reference class, 1 for the others.
func takesOffset(classes, reference int) []float64 {
	r := make([]float64, classes)
	for k := range r {
		if k != reference {
			r[k] = 1
		}
	}
	return r
}

// Step is the configuration with the model's equations, weights and bias; data are still to be given.
func (m *Model) Step() StepConfig {
	f := &m.file
	if m.layers != nil {
		return m.layers.step()
	}
	K, n := len(f.Intercepts), len(f.Terms)
	c := StepConfig{Equations: m.Equations(), Known: map[string]any{"b": f.Intercepts[0]}}
	if K > 1 {
		c.Known["b"] = slices.Clone(f.Intercepts)
	}
	w := make([][]float64, K)
	for k := range w {
		w[k] = make([]float64, n)
		for j, t := range f.Terms {
			w[k][j] = t.Weights[k]
		}
	}
	switch {
	case n == 0:
	case K > 1:
		c.Known["W"] = w
	default:
		c.Known["w"] = w[0]
	}
	if f.Offset != "" {
		c.Data = []string{"o"}
		if K > 1 {
			c.Known["r"], c.Data = takesOffset(K, f.Classes.Reference), append(c.Data, "r")
		}
	}
	return c
}

// Graph is the model's equations as a graph, with as many inputs as it has.
func (m *Model) Graph() (*graph.Graph, error) { return m.file.size().parse(m.Equations()) }

// EquationGraph parses equations for a picture: where they speak of dot(w, x), w and x have n components and b is the bias, as in a model; where
// they speak of dot(W, x), W has a row for each of the classes, and b and y a component. Other names that begin with x or y are data, and
// the rest parameters.
func EquationGraph(equations string, n, classes int) (*graph.Graph, error) {
	known := words(equations)
	d := size{inputs: n, sets: 1}
	if known["W"] {
		d.sets = classes
	}
	var leaves []graph.Leaf
	if known["dot"] {
		for _, l := range d.leaves() {
			if known[l.Name] {
				leaves = append(leaves, l)
			}
		}
	}
	return graph.ParseWith(equations, graph.Options{Leaves: leaves, Sizes: d.names()})
}
