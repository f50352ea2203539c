package descent

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/metric"
)

// Difference is what moved from one model, A, to another, B, of the same target and classes.
type Difference struct {
	Same    bool     `json:"same"` // byte by byte
	Target  string   `json:"target"`
	Classes []string `json:"classes"`

	Settings []Moved `json:"settings"` // that the trainings were told, and equations
	Training []Moved `json:"training"` // what came of it: rows, verdict, penalty, cost, threshold …
	Columns  []Moved `json:"columns"`  // of both models: type, what a missing value means, levels, unit of scaling

	Added   []string  `json:"added"`   // terms of B alone
	Removed []string  `json:"removed"` // terms of A alone
	Renamed []Renamed `json:"renamed"` // columns of another name with the same levels, or the same mean, deviation and range

	Coefficients     []Shift `json:"coefficients"` // original units, in the order of A, then what B has alone
	CoefficientsNote string  `json:"coefficients_note,omitempty"`

	Rows *RowsMoved `json:"rows,omitempty"` // of a file
}

// Moved is a value that is not the same. A or B is nil where there is none.
type Moved struct {
	Name   string `json:"name"`
	Column string `json:"column,omitempty"`
	A      any    `json:"a"`
	B      any    `json:"b"`
}

// Renamed is a column that seems to have another name.
type Renamed struct {
	A string `json:"a"`
	B string `json:"b"`
}

// Shift is a coefficient in both models. Errors is the difference in standard errors of A, nil where A has none.
type Shift struct {
	Name       string   `json:"name"` // in A, or of B alone
	Class      string   `json:"class,omitempty"`
	A          *float64 `json:"a"`
	B          *float64 `json:"b"`
	Difference *float64 `json:"difference"` // b - a
	Errors     *float64 `json:"standard_errors"`
}

// RowsMoved is what two models say of the rows of a file.
type RowsMoved struct {
	Rows    int       `json:"rows"`
	LeftOut int       `json:"left_out"` // for a missing value, by one of them
	Flipped int       `json:"flipped"`  // rows with another label
	Flips   []FlipSum `json:"flips"`
	// The mean over the rows of the absolute change of the probability; of more than two classes of half the sum over the classes.
	MeanChange float64    `json:"mean_absolute_change"`
	Largest    []RowMoved `json:"largest"`
	// Where the file holds the target: the measures of both, each at its own threshold, and B less A with tests.
	Metrics    *MetricsMoved      `json:"metrics,omitempty"`
	Trained    bool               `json:"trained_on,omitempty"` // one of the models was trained on this very file, so that they say nothing about new rows
	Comparison *metric.Comparison `json:"comparison,omitempty"`
}

// MetricsMoved are the measures of both models.
type MetricsMoved struct {
	A *metric.Metrics `json:"a"`
	B *metric.Metrics `json:"b"`
}

// FlipSum counts the rows that went from a label to another.
type FlipSum struct {
	From string `json:"from"`
	To   string `json:"to"`
	Rows int    `json:"rows"`
}

// RowMoved is a row in both models.
type RowMoved struct {
	Row    int     `json:"row"` // data row, from 1
	File   string  `json:"file"`
	Line   int     `json:"line"`
	Change float64 `json:"change"` // of the probability of the positive class; of more than two half the sum of the absolute changes
	A      Outcome `json:"a"`
	B      Outcome `json:"b"`
}

// DiffOptions name a file whose rows both models are to predict. The zero value names none.
type DiffOptions struct {
	Source   Source // nil: none
	Format   string
	NoHeader bool
}

// Diff says what moved from model a to model b. Models of different targets or classes cannot be compared: that is an error.
func Diff(ctx context.Context, a, b *Model, o DiffOptions) (*Difference, error) {
	if a.file.Target != b.file.Target {
		return nil, fmt.Errorf("the models have different targets: %q and %q", a.file.Target, b.file.Target)
	}
	if x, y := a.file.Classes.Levels, b.file.Classes.Levels; !slices.Equal(x, y) {
		if len(x) == 2 && len(y) == 2 && x[0] == y[1] && x[1] == y[0] {
			return nil, fmt.Errorf("the positive class of one model is %q, of the other %q: probabilities and signs are not about the same; --positive %s makes them agree", x[1], y[1], x[1])
		}
		return nil, fmt.Errorf("the models have different classes of %q: %s, and %s", a.file.Target, someNames(x), someNames(y))
	}
	d := &Difference{Target: a.file.Target, Classes: a.Classes(), Settings: []Moved{}, Training: []Moved{}, Columns: []Moved{},
		Added: []string{}, Removed: []string{}, Renamed: []Renamed{}, Coefficients: []Shift{}}
	x, err := json.Marshal(&a.file)
	if err != nil {
		return nil, err
	}
	y, err := json.Marshal(&b.file)
	if err != nil {
		return nil, err
	}
	d.Same = bytes.Equal(x, y)
	d.settings(&a.file, &b.file)
	d.training(&a.file, &b.file)
	name := d.columns(&a.file, &b.file)
	if err := d.coefficients(a, b, name); err != nil {
		return nil, err
	}
	if o.Source == nil {
		return d, nil
	}
	d.Rows, err = diffRows(ctx, a, b, o)
	return d, err
}

// moved adds a value if it differs.
func moved[T comparable](list *[]Moved, column, name string, a, b T) {
	if a != b {
		*list = append(*list, Moved{Name: name, Column: column, A: a, B: b})
	}
}

func (d *Difference) settings(a, b *modelFile) {
	s := &d.Settings
	if a.Training.Settings != nil && b.Training.Settings != nil {
		for _, p := range differing(a.Training.Settings, b.Training.Settings) {
			m := Moved{Name: p.name}
			if p.a != nil {
				m.A = p.a
			}
			if p.b != nil {
				m.B = p.b
			}
			*s = append(*s, m)
		}
	} else { // what a model without settings holds of them
		x, y := &a.Training, &b.Training
		moved(s, "", "coding", x.Coding, y.Coding)
		moved(s, "", "missing", x.Missing, y.Missing)
		moved(s, "", "scale", x.Scale, y.Scale)
		moved(s, "", "tol", x.Tol, y.Tol)
		moved(s, "", "alpha", x.Alpha, y.Alpha)
		moved(s, "", "batch", x.Batch, y.Batch)
		moved(s, "", "seed", x.Seed, y.Seed)
		moved(s, "", "holdout", x.Holdout, y.Holdout)
		moved(s, "", "firth", x.Firth, y.Firth)
		moved(s, "", "weight", a.Weight, b.Weight)
		moved(s, "", "offset", a.Offset, b.Offset)
	}
	moved(s, "", "equations", strings.Join(a.Equations, "; "), strings.Join(b.Equations, "; "))
}

func (d *Difference) training(a, b *modelFile) {
	s, x, y := &d.Training, &a.Training, &b.Training
	moved(s, "", "data", x.Fingerprint, y.Fingerprint)
	moved(s, "", "rows", x.Rows, y.Rows)
	moved(s, "", "weight_sum", x.WeightSum, y.WeightSum)
	moved(s, "", "dropped", x.Dropped, y.Dropped)
	moved(s, "", "verdict", x.Verdict, y.Verdict)
	moved(s, "", "solver", x.Solver, y.Solver)
	said := func(name string) bool { // it stands among the settings
		return slices.ContainsFunc(d.Settings, func(m Moved) bool { return m.Name == name })
	}
	if !said("l2") {
		moved(s, "", "l2", x.Penalty.L2, y.Penalty.L2)
	}
	if !said("l1") {
		moved(s, "", "l1", x.Penalty.L1, y.Penalty.L1)
	}
	optional := func(name string, a, b *float64) {
		if a != nil && b != nil {
			moved(s, "", name, *a, *b)
		}
	}
	optional("cost", x.Cost, y.Cost)
	optional("loss", x.Loss, y.Loss)
	moved(s, "", "threshold", a.Threshold, b.Threshold)
	moved(s, "", "recalibration", cmp.Or(a.recalibrated(), "none"), cmp.Or(b.recalibrated(), "none"))
	moved(s, "", "errors", cmp.Or(x.Errors, ModelErrors), cmp.Or(y.Errors, ModelErrors))
	moved(s, "", "program", x.Program, y.Program)
}

// columns compares the columns, finds those that have another name, and lists the terms that only one model has. name says what a column of b is called in a.
func (d *Difference) columns(a, b *modelFile) (name map[string]string) {
	name = map[string]string{}
	of := map[string]*encode.Column{}
	for i := range a.Columns {
		of[a.Columns[i].Name] = &a.Columns[i]
	}
	var new []*encode.Column
	for i := range b.Columns {
		if c := &b.Columns[i]; of[c.Name] != nil {
			name[c.Name] = c.Name
		} else {
			new = append(new, c)
		}
	}
	// A name that is new, for a column that is gone and the same in all else. Of several that could be meant none is.
	for _, c := range new {
		var same []string
		for i := range a.Columns {
			if _, stays := name[a.Columns[i].Name]; !stays && alikeColumns(&a.Columns[i], c) {
				same = append(same, a.Columns[i].Name)
			}
		}
		twins := 0
		for _, other := range new {
			if alikeColumns(other, c) {
				twins++
			}
		}
		if len(same) == 1 && twins == 1 {
			name[c.Name] = same[0]
			d.Renamed = append(d.Renamed, Renamed{same[0], c.Name})
		}
	}
	for i := range b.Columns {
		c := &b.Columns[i]
		if was, ok := name[c.Name]; ok {
			d.column(of[was], c)
		}
	}
	in := func(f *modelFile, rename bool) map[string]bool {
		names := map[string]bool{}
		for _, t := range f.Terms {
			if rename {
				t.Name = renamedTerm(t.Term, name)
			}
			names[t.Name] = true
		}
		return names
	}
	ours, theirs := in(a, false), in(b, true)
	for _, t := range a.Terms {
		if !theirs[t.Name] {
			d.Removed = append(d.Removed, t.Name)
		}
	}
	for _, t := range b.Terms {
		if !ours[renamedTerm(t.Term, name)] {
			d.Added = append(d.Added, t.Name)
		}
	}
	return name
}

// renamedTerm is a term of b as a calls it.
func renamedTerm(t encode.Term, name map[string]string) string {
	if was, ok := name[t.Column]; ok && was != t.Column {
		return was + strings.TrimPrefix(t.Name, t.Column)
	}
	return t.Name
}

// alikeColumns says whether two columns are the same but for their names.
func alikeColumns(a, b *encode.Column) bool {
	if a.Type != b.Type || len(a.Levels) != len(b.Levels) {
		return false
	}
	if a.Type == encode.Numeric {
		return a.Deviation > 0 && a.Mean == b.Mean && a.Deviation == b.Deviation && a.Min == b.Min && a.Max == b.Max
	}
	return a.Type == encode.Levels && slices.Equal(a.Levels, b.Levels) && slices.Equal(a.Rare, b.Rare)
}

// column compares what two models know of a column.
func (d *Difference) column(a, b *encode.Column) {
	s := &d.Columns
	moved(s, a.Name, "type", a.Type, b.Type)
	moved(s, a.Name, "missing", cmp.Or(a.Missing, encode.MissingError), cmp.Or(b.Missing, encode.MissingError))
	moved(s, a.Name, "missing_as", a.MissingAs, b.MissingAs)
	if a.Type != b.Type {
		return
	}
	if a.Type == encode.Numeric {
		moved(s, a.Name, "mean", a.Mean, b.Mean)
		moved(s, a.Name, "deviation", a.Deviation, b.Deviation)
		moved(s, a.Name, "min", a.Min, b.Min)
		moved(s, a.Name, "max", a.Max, b.Max)
		return
	}
	moved(s, a.Name, "unseen", cmp.Or(a.Unseen, encode.UnseenError), cmp.Or(b.Unseen, encode.UnseenError))
	moved(s, a.Name, "base", a.Base, b.Base)
	only := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(l string) bool { return slices.Contains(b, l) })
	}
	if gone, come := only(a.Levels, b.Levels), only(b.Levels, a.Levels); len(gone)+len(come) > 0 {
		*s = append(*s, Moved{Name: "levels", Column: a.Name, A: gone, B: come})
	}
	if gone, come := only(a.Rare, b.Rare), only(b.Rare, a.Rare); len(gone)+len(come) > 0 {
		*s = append(*s, Moved{Name: "rare", Column: a.Name, A: gone, B: come})
	}
}

// coefficients compares the coefficients. Of more than two classes those of one reference are taken off in both models, if one of them has a reference: only then
// do they say the same.
func (d *Difference) coefficients(a, b *Model, name map[string]string) error {
	if a.layers != nil || b.layers != nil {
		d.CoefficientsNote = "coefficients are not compared: with a hidden layer the parameters are not determined (its units can change places and signs)"
		return nil
	}
	reference := a.reference()
	if reference < 0 {
		reference = b.reference()
	}
	if reference >= 0 && a.reference() != b.reference() {
		d.CoefficientsNote = fmt.Sprintf("all coefficients are less those of the class %q, which only one of the models holds at 0", a.file.Classes.Levels[reference])
	}
	type key struct {
		name string
		set  int
	}
	values := func(f *modelFile, rename bool) (map[key]float64, []key) {
		out, order := map[key]float64{}, []key{}
		for k := range f.Intercepts {
			if k == reference {
				continue
			}
			less := func(v func(k int) float64) float64 {
				if reference < 0 {
					return v(k)
				}
				return v(k) - v(reference)
			}
			add := func(name string, v float64) {
				out[key{name, k}] = v
				order = append(order, key{name, k})
			}
			add(interceptName, less(func(k int) float64 { return f.Intercepts[k] }))
			for j := range f.Terms {
				t := &f.Terms[j]
				n := t.Name
				if rename {
					n = renamedTerm(t.Term, name)
				}
				add(n, less(func(k int) float64 { return t.Weights[k] }))
			}
		}
		return out, order
	}
	x, order := values(&a.file, false)
	y, others := values(&b.file, true)
	for _, k := range others {
		if _, both := x[k]; !both {
			order = append(order, k)
		}
	}
	errs := map[key]float64{}
	if a.file.Covariance != nil { // of two classes
		all, err := a.Coefficients(0.95)
		if err != nil {
			return err
		}
		for _, c := range all {
			if c.StdError != nil && *c.StdError > 0 {
				errs[key{c.Name, 0}] = *c.StdError
			}
		}
	}
	for _, k := range order {
		s := Shift{Name: k.name}
		if len(d.Classes) > 2 {
			s.Class = d.Classes[k.set]
		}
		if v, ok := x[k]; ok {
			s.A = number(v)
		}
		if v, ok := y[k]; ok {
			s.B = number(v)
		}
		if s.A != nil && s.B != nil {
			s.Difference = number(*s.B - *s.A)
			if e, ok := errs[k]; ok {
				s.Errors = number((*s.B - *s.A) / e)
			}
		}
		d.Coefficients = append(d.Coefficients, s)
	}
	return nil
}

// mostMoved is the number of rows that are listed.
const mostMoved = 10

// diffRows predicts the rows of a file with both models.
func diffRows(ctx context.Context, a, b *Model, o DiffOptions) (*RowsMoved, error) {
	source, err := again(o.Source)
	if err != nil {
		return nil, err
	}
	x, err := a.predictor(ctx, source, o)
	if err != nil {
		return nil, err
	}
	y, err := b.predictor(ctx, source, o)
	if err != nil {
		return nil, err
	}
	if x.table.Rows != y.table.Rows {
		return nil, fmt.Errorf("%s: the models do not read the same rows: %d and %d", x.table.Name, x.table.Rows, y.table.Rows)
	}
	r := &RowsMoved{Flips: []FlipSum{}, Largest: []RowMoved{}}
	var sum float64
	levels := a.file.Classes.Levels
	flips := map[[2]string]int{}
	for row := range x.table.Rows {
		if row%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if x.drops(row) || y.drops(row) {
			r.LeftOut++
			continue
		}
		p, err := x.predict(row)
		if err != nil {
			return nil, err
		}
		q, err := y.predict(row)
		if err != nil {
			return nil, err
		}
		r.Rows++
		change := q.Probability - p.Probability
		if len(levels) > 2 {
			change = 0
			for k := range p.Probabilities {
				change += math.Abs(q.Probabilities[k]-p.Probabilities[k]) / 2
			}
		}
		sum += math.Abs(change)
		if p.Label != q.Label {
			r.Flipped++
			flips[[2]string{p.Label, q.Label}]++
		}
		if n := len(r.Largest); change != 0 && (n < mostMoved || math.Abs(change) > math.Abs(r.Largest[n-1].Change)) {
			one := RowMoved{Row: x.table.Origin(row) + 1, File: x.table.File(row), Line: x.table.Line(row), Change: change, A: outcome(p), B: outcome(q)}
			at := slices.IndexFunc(r.Largest, func(other RowMoved) bool { return math.Abs(change) > math.Abs(other.Change) })
			if at < 0 {
				at = n
			}
			r.Largest = slices.Insert(r.Largest, at, one)
			r.Largest = r.Largest[:min(len(r.Largest), mostMoved)]
		}
	}
	if r.Rows > 0 {
		r.MeanChange = sum / float64(r.Rows)
	}
	for _, from := range levels {
		for _, to := range levels {
			if n := flips[[2]string{from, to}]; n > 0 {
				r.Flips = append(r.Flips, FlipSum{from, to, n})
			}
		}
	}
	if !a.labelled(x.table) || r.Rows == 0 {
		return r, nil
	}
	ev, err := b.Evaluate(ctx, source, EvaluateOptions{Format: o.Format, NoHeader: o.NoHeader, Against: a})
	if err != nil {
		return nil, err
	}
	labelled, err := a.tableOf(ctx, source, a.tableOptions(o.Format, o.NoHeader))
	if err != nil {
		return nil, err
	}
	r.Trained = ev.Trained || a.trainedOn(labelled)
	r.Metrics = &MetricsMoved{A: ev.Against.Old, B: ev.Against.New}
	r.Comparison = &ev.Against.Comparison
	return r, nil
}

// labelled says whether a table has the labels of the model.
func (m *Model) labelled(t *dataset.Table) bool {
	if m.file.Training.Successes != "" {
		return true // it was read by its counts
	}
	if t.Format != dataset.LIBSVM {
		return slices.Contains(t.Header, m.file.Target)
	}
	_, err := m.labels(t, t.Columns[0]) // what stands in their place may be anything
	return err == nil
}

// predictor predicts the rows of a table one by one.
type predictor struct {
	model   *Model
	table   *dataset.Table
	reader  *encode.TableReader
	cells   []encode.Cell
	offsets []float64
	z       []float64
}

// predictor reads a file, with or without the target.
func (m *Model) predictor(ctx context.Context, s Source, o DiffOptions) (*predictor, error) {
	options := m.tableOptions(o.Format, o.NoHeader)
	if m.file.Training.Successes == "" { // weights and labels have no part in a prediction
		delete(options.Types, m.file.Weight)
		types := options.Types
		options.Target = ""
		options.Use = func(name string) bool { _, ok := types[name]; return ok || m.file.Sparse }
	}
	t, err := m.tableOf(ctx, s, options)
	if err != nil {
		return nil, err
	}
	p := &predictor{model: m, table: t, cells: make([]encode.Cell, len(m.file.Columns)), z: make([]float64, m.file.sets())}
	if p.reader, err = m.reader.NewTableReader(t); err != nil {
		return nil, err
	}
	p.offsets, err = encode.Numbers(t, m.file.Offset, "offset")
	return p, err
}

// drops says whether the model leaves a row out, as it did in training.
func (p *predictor) drops(row int) bool {
	return p.model.file.Training.Missing == string(encode.MissingDrop) && p.reader.Missing(row)
}

func (p *predictor) predict(row int) (q Prediction, err error) {
	m := p.model
	if m.layers != nil {
		if err := p.reader.Row(row, p.cells); err != nil {
			return q, err
		}
		offset := 0.0
		if p.offsets != nil {
			offset = p.offsets[row]
		}
		q, err = m.layers.predict(p.cells, offset)
	} else if _, err = m.tableZ(p.reader, row, p.cells, p.offsets, p.z); err != nil {
		return q, err
	} else if len(p.z) == 1 {
		q, err = m.predict(p.z[0])
	} else {
		q, err = m.chosen(Prediction{Scores: p.z, Probabilities: make([]float64, len(p.z))})
	}
	var placed *dataset.Error
	if err != nil && !errors.As(err, &placed) {
		err = p.table.At(row, nil, "%v", err)
	}
	return q, err
}
