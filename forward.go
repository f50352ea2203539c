package descent

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/graph"
)

// forward are the nodes that a model with a hidden layer predicts from.
type forward struct {
	z     *graph.Node // nil: the equations define no z; it is then the log-odds of a, or its logarithm
	a     *graph.Node
	plain bool        // a is the sigmoid, or the softmax, of z
	named []graph.Def // the definitions that do not depend on y
}

// newForward finds the probability a and the score z among the equations. They may depend on the inputs and parameters only.
func newForward(g *graph.Graph, d size) (*forward, error) {
	known := func(n *graph.Node) (unknown string) {
		for _, b := range graph.Below(n) {
			if b.Leaf == nil || b.Leaf.Kind != graph.Input {
				continue
			}
			switch b.Leaf.Name {
			case "x", "o", "r":
			default:
				return b.Leaf.Name
			}
		}
		return ""
	}
	fits := func(n *graph.Node) bool {
		return n.Shape.PerRow && n.Shape.Size() == d.sets && !n.Shape.IsMatrix()
	}
	f := &forward{}
	a, ok := g.Lookup("a")
	switch {
	case !ok:
		return nil, fmt.Errorf("no equation defines a, the probability")
	case !fits(a):
		return nil, fmt.Errorf("a is the probability of %s; it is a %v", map[bool]string{true: "the positive class", false: fmt.Sprintf("%d classes", d.sets)}[d.sets == 1], a.Shape)
	}
	if name := known(a); name != "" {
		return nil, fmt.Errorf("a is what is predicted, but it depends on %s", name)
	}
	f.a = a
	if z, ok := g.Lookup("z"); ok && z.Op != nil && fits(z) && known(z) == "" {
		f.z = z
		op := "sigmoid"
		if d.sets > 1 {
			op = "softmax"
		}
		want, err := g.Apply(op, z)
		f.plain = err == nil && want == a
	}
	for _, def := range g.Defs {
		if def.Of == "" && known(def.Written) == "" {
			f.named = append(f.named, def)
		}
	}
	return f, nil
}

// layers are what a model with a hidden layer has in the place of weights by column: equations, parameters, and the way from a row to a.
// It is read only and safe for concurrent use.
type layers struct {
	*forward
	model      *Model
	graph      *graph.Graph
	parameters []parameter
	theta      []float64
	of         map[string][]float64 // parameters by name, and r
}

// newLayered is newModel for equations that declare parameters.
func newLayered(f modelFile, e *encode.Encoding) (*Model, error) {
	levels, n := len(f.Classes.Levels), len(f.Terms)
	switch {
	case levels < 2:
		return nil, fmt.Errorf("the model has %d classes", levels)
	case f.Classes.Reference < 0 || f.Classes.Reference >= levels:
		return nil, fmt.Errorf("the reference class %d is none of %d", f.Classes.Reference, levels)
	case f.checkThreshold() != nil:
		return nil, f.checkThreshold()
	case f.Parameters == nil:
		return nil, fmt.Errorf("the equations declare parameters, and the model holds none")
	case f.Intercepts != nil || f.Scaling.Intercepts != nil || f.Covariance != nil || f.Aliased != nil:
		return nil, fmt.Errorf("the model holds parameters of its equations, and intercepts, aliased columns or a covariance beside them")
	case n == 0:
		return nil, fmt.Errorf("the model has no inputs")
	}
	if err := f.checkRecalibration(); err != nil {
		return nil, err
	}
	for what, v := range map[string][]float64{"centers": f.Scaling.Center, "scales": f.Scaling.Scale} {
		if (v != nil || f.Scaling.Center != nil) && len(v) != n {
			return nil, fmt.Errorf("the model has %d %s for %d terms", len(v), what, n)
		}
	}
	for _, t := range f.Terms {
		if t.Weights != nil || t.Scaled != nil {
			return nil, fmt.Errorf("term %q has weights beside the parameters of the equations", t.Name)
		}
	}
	d := f.size()
	g, err := d.parse(strings.Join(f.Equations, "\n"))
	if err != nil {
		return nil, err
	}
	if len(g.Defs) == 0 {
		return nil, fmt.Errorf("there is no equation")
	}
	l := &layers{graph: g, of: map[string][]float64{}}
	if l.parameters, err = declaredParameters(g, g.Defs[len(g.Defs)-1].Name); err != nil {
		return nil, err
	}
	if len(l.parameters) != len(f.Parameters) || len(l.parameters) == 0 {
		return nil, fmt.Errorf("the model has %d parameters, its equations %d", len(f.Parameters), len(l.parameters))
	}
	total := 0
	for i := range f.Parameters {
		for _, row := range f.Parameters[i].Values {
			total += len(row)
		}
	}
	if last := l.parameters[len(l.parameters)-1]; last.end() != total { // before anything is allocated
		return nil, fmt.Errorf("the model's parameters are %d numbers, its equations want %d", total, last.end())
	}
	for i := range l.parameters {
		v, err := l.parameters[i].read(&f.Parameters[i])
		if err != nil {
			return nil, err
		}
		l.of[l.parameters[i].name] = v
		l.theta = append(l.theta, v...)
	}
	if d.offset && d.sets > 1 {
		l.of["r"] = takesOffset(d.sets, f.Classes.Reference)
	}
	if l.forward, err = newForward(g, d); err != nil {
		return nil, err
	}
	l.model = &Model{file: f, layers: l, reader: e.NewReader()}
	l.model.scorer = newScorer(e, &l.model.file.Classes, nil, nil)
	return l.model, nil
}

// inputs appends x of one row as the model sees it.
func (l *layers) inputs(x []float64, cells []encode.Cell) []float64 {
	begin := len(x)
	x = append(x, termValues(l.model.scorer.encoding, cells)...)
	l.standard(x[begin:])
	return x
}

// standard takes inputs in their own units to the model's coordinates, in place.
func (l *layers) standard(x []float64) []float64 {
	if s := &l.model.file.Scaling; s.Center != nil {
		for j, v := range x {
			x[j] = float64((v - s.Center[j]) * s.Scale[j])
		}
	}
	return x
}

// run evaluates nodes for rows of inputs.
func (l *layers) run(rows int, x, o []float64, roots ...*graph.Node) ([][]float64, error) {
	of := make(map[string][]float64, len(l.of)+2)
	for name, v := range l.of {
		of[name] = v
	}
	of["x"] = x
	if l.model.file.Offset != "" {
		of["o"] = o
	}
	return graph.Eval(graph.Values{Rows: rows, Of: of}, roots...)
}

// forwardRows gives z and a of some rows, one after the other. A row whose numbers are too large is an error.
func (l *layers) forwardRows(rows int, x, o []float64) (z, a []float64, err error) {
	roots := []*graph.Node{l.a}
	if l.z != nil {
		roots = append(roots, l.z)
	}
	out, err := l.run(rows, x, o, roots...)
	if err != nil {
		return nil, nil, err
	}
	if a = out[0]; l.z != nil {
		z = out[1]
	} else {
		z = make([]float64, len(a))
		for i, p := range a {
			if z[i] = math.Log(p); l.model.file.sets() == 1 {
				z[i] -= math.Log1p(-p)
			}
		}
	}
	return z, a, nil
}

// say is forwardRows of one row, checked.
func (l *layers) say(cells []encode.Cell, offset float64) (z, a []float64, err error) {
	if z, a, err = l.forwardRows(1, l.inputs(nil, cells), []float64{offset}); err != nil {
		return nil, nil, err
	}
	return z, a, checkForward(z, a)
}

// checkForward says what is no score or no probability.
func checkForward(z, a []float64) error {
	for i := range z {
		if z[i]-z[i] != 0 {
			return tooLarge(z[i])
		}
		if !(a[i] >= 0 && a[i] <= 1) {
			return fmt.Errorf("a = %v is no probability", a[i])
		}
	}
	return nil
}

func (l *layers) predict(cells []encode.Cell, offset float64) (Prediction, error) {
	z, a, err := l.say(cells, offset)
	if err != nil {
		return Prediction{}, err
	}
	f := &l.model.file
	if len(z) == 1 {
		return f.positive(z[0], a[0]), nil
	}
	p := Prediction{Scores: z, Probabilities: a}
	p.choose(f.Classes.Levels)
	return p, nil
}

// noContributions is why a model with a hidden layer explains a row by its forward pass alone.
const noContributions = "no contributions: the hidden layer mixes the columns, and z is no sum with a part for each of them"

func (l *layers) explain(cells []encode.Cell, offset float64) (*Explanation, error) {
	p, err := l.predict(cells, offset)
	if err != nil {
		return nil, err
	}
	f := &l.model.file
	e := &Explanation{Label: p.Label, Probability: p.Probability, Z: p.Z, Contributions: []Contribution{}, Note: noContributions}
	if f.Offset != "" {
		e.Offset = &offset
	}
	for k, level := range f.Classes.Levels {
		if len(p.Scores) > 0 {
			e.Classes = append(e.Classes, ClassExplanation{Level: level, Probability: p.Probabilities[k], Z: p.Scores[k], Contributions: []float64{}})
		}
	}
	x := l.inputs(nil, cells)
	roots := make([]*graph.Node, len(l.named))
	for i, d := range l.named {
		roots[i] = d.Written
	}
	out, err := l.run(1, x, []float64{offset}, roots...)
	if err != nil {
		return nil, err
	}
	e.Forward = Numbers{{"x", graph.Vector(len(x)), x}}
	for i, d := range l.named {
		shape := d.Written.Shape
		shape.PerRow = false
		e.Forward = append(e.Forward, Number{d.Name, shape, out[i]})
	}
	return e, nil
}

// MarshalJSON leaves intercept and contributions out where there are none because of a hidden layer.
func (e Explanation) MarshalJSON() ([]byte, error) {
	type plain Explanation
	if e.Forward == nil {
		return marshalPlain(plain(e))
	}
	type class struct {
		Level       string  `json:"level"`
		Probability float64 `json:"probability"`
		Z           float64 `json:"z"`
	}
	classes := make([]class, len(e.Classes))
	for k, c := range e.Classes {
		classes[k] = class{c.Level, c.Probability, c.Z}
	}
	return marshalPlain(struct {
		Label       string   `json:"label"`
		Probability float64  `json:"probability"`
		Z           float64  `json:"z"`
		Offset      *float64 `json:"offset,omitempty"`
		Forward     Numbers  `json:"forward"`
		Note        string   `json:"contributions_note"`
		Classes     []class  `json:"classes,omitempty"`
	}{e.Label, e.Probability, e.Z, e.Offset, e.Forward, e.Note, classes})
}

// step sends an example through the model: its inputs x in the model's coordinates.
func (l *layers) step() StepConfig {
	c := StepConfig{Equations: l.model.Equations(), Known: map[string]any{}}
	for i, p := range l.model.file.Parameters {
		switch v := p.Values; len(l.parameters[i].of(l.theta).Shape) {
		case 0:
			c.Known[p.Name] = v[0][0]
		case 1:
			c.Known[p.Name] = slices.Clone(v[0])
		default:
			rows := make([][]float64, len(v))
			for k := range v {
				rows[k] = slices.Clone(v[k])
			}
			c.Known[p.Name] = rows
		}
	}
	if l.model.file.Offset != "" {
		c.Data = []string{"o"}
		if r := l.of["r"]; r != nil {
			c.Known["r"], c.Data = slices.Clone(r), append(c.Data, "r")
		}
	}
	return c
}

// Additive says whether z is the intercept plus a contribution of every column. That of a model with a hidden layer is not.
func (m *Model) Additive() bool { return m.layers == nil }

// Standardised says whether the model's equations see numeric columns standardised, as those of a hidden layer do: their parameters are not in the
// units of the file.
func (m *Model) Standardised() bool { return m.layers != nil && m.file.Scaling.Center != nil }

// Layers are the parameters of a model with a hidden layer; nil of others.
func (m *Model) Layers() []LayerParameter { return m.file.Parameters }

// layerBatch scores many rows of a table, some at a time.
type layerBatch struct {
	layers *layers
	table  *dataset.Table
	rows   []int // waiting
	x, o   []float64
	z, a   []float64
}

// add takes one row.
func (b *layerBatch) add(tr *encode.TableReader, row int, cells []encode.Cell, offsets []float64) (unseen bool, err error) {
	if err := tr.Row(row, cells); err != nil {
		return false, err
	}
	for i := range cells {
		unseen = unseen || cells[i].Level == encode.UnseenLevel
	}
	b.x, b.rows = b.layers.inputs(b.x, cells), append(b.rows, row)
	o := 0.0
	if offsets != nil {
		o = offsets[row]
	}
	if b.o = append(b.o, o); len(b.x) < 1<<15 {
		return unseen, nil
	}
	return unseen, b.flush()
}

func (b *layerBatch) flush() error {
	if len(b.rows) == 0 {
		return nil
	}
	z, a, err := b.layers.forwardRows(len(b.rows), b.x, b.o)
	if err != nil {
		return err
	}
	K := len(z) / len(b.rows)
	for i, row := range b.rows {
		if err := checkForward(z[i*K:(i+1)*K], a[i*K:(i+1)*K]); err != nil {
			return b.table.At(row, nil, "%v", err)
		}
	}
	b.z, b.a = append(b.z, z...), append(b.a, a...)
	b.rows, b.x, b.o = b.rows[:0], b.x[:0], b.o[:0]
	return nil
}

// finish gives z and a of all rows; a is nil where it follows from z.
func (b *layerBatch) finish() (z, a []float64, err error) {
	if err := b.flush(); err != nil {
		return nil, nil, err
	}
	if b.layers.plain {
		b.a = nil
	}
	return b.z, b.a, nil
}

// noStatistics is why the parameters of a hidden layer have no standard errors.
const noStatistics = "no statistics: with a hidden layer the parameters are not determined (its units can change places and signs), so there are no standard errors, " +
	"tests and intervals, and no likelihood table"

// finishLayers makes the model and measures it.
func (f *fit) finishLayers(ctx context.Context) error {
	r := f.result
	e := f.learnt.Encoding.Keep(f.kept)
	r.StatisticsNote, r.Coefficients = noStatistics, []Coefficient{}
	if f.classes.Sets() > 1 {
		r.Classes = f.classes.Levels
	}
	for i := range f.cost.parameters {
		p := f.cost.parameters[i].of(f.theta)
		for _, row := range p.Values {
			if slices.ContainsFunc(row, func(v float64) bool { return v-v != 0 }) {
				return fmt.Errorf("a component of %s is not finite: the numbers are too large for these equations", p.Name)
			}
		}
		r.Layers = append(r.Layers, p)
	}
	file := f.describe(e)
	file.Parameters, file.CovarianceNote = r.Layers, r.StatisticsNote
	file.Training.StartSeed, file.Training.Restarts = r.StartSeed, len(r.Restarts)
	for _, t := range e.Terms {
		file.Terms = append(file.Terms, term{Term: t})
	}
	var err error
	if f.model, err = newModel(file); err != nil {
		return err
	}
	return f.complete(ctx)
}
