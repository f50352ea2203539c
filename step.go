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
	Notes []string // what is not finite, in words
}

// Pass is one time forward and backward, and the parameters after the update (nil without one).
type Pass struct {
	Values, Derivatives, Updated Numbers
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
	w := &Walk{Graph: g, Root: g.Defs[len(g.Defs)-1].Name}
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
	return w, nil
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
	out, err := graph.Eval(graph.Values{Rows: 1, Of: at}, nodes...)
	if err != nil {
		return nil, err
	}
	for i, d := range w.Graph.Defs {
		n := Number{d.Name, d.Written.Shape, out[i]}
		if d.Of == "" {
			p.Values = append(p.Values, n)
		} else {
			p.Derivatives = append(p.Derivatives, n)
		}
	}
	if len(w.Steps) == 0 {
		w.note(p)
	}
	return p, nil
}

// note says in words what is not finite.
func (w *Walk) note(p *Pass) {
	for _, n := range slices.Concat(p.Values, p.Derivatives) {
		for _, v := range n.Data {
			name, odd := notFinite(v)
			if !odd {
				continue
			}
			text := fmt.Sprintf("%s is %s: too large for float64", n.Name, name)
			if math.IsNaN(v) {
				text = fmt.Sprintf("%s is undefined here: infinities or zeros meet in it (0/0, inf - inf)", n.Name)
			}
			if d, ok := w.Graph.Def(n.Name); ok && d.Of != "" && math.IsInf(v, 0) {
				text = fmt.Sprintf("%s is %s: a denominator of its formula is 0 in float64; the weights use the simplified derivatives, which stay finite", n.Name, name)
			}
			w.Notes = append(w.Notes, text)
			break
		}
	}
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
		if near, ok := dataset.Closest(name, names); ok {
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
	Y        float64   `json:"y"` // number of the class
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
		if t, err = source.table(ctx, m.tableOptions(config.Format, config.NoHeader)); err != nil {
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
		// Rows that lack a value are of no concern, unless it is this one.
		var rows []int
		for r := range t.Rows {
			if r == row-1 || !slices.ContainsFunc(t.Columns, func(c *dataset.Column) bool { return c.IsMissing(r) }) {
				rows = append(rows, r)
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
