package descent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/infer"
	"github.com/descent-ml/descent/metric"
)

// Prediction is what a model says of one row.
type Prediction struct {
	Label       string  // of two classes the positive one if Probability is above the threshold, else the negative one; of more the most probable
	Probability float64 // of the positive class of two; of more of Label
	Z           float64 // log-odds: the intercept plus the contributions, added in the order of the model's columns; of more than two classes the score of Label

	Probabilities []float64 // more than two classes: of every class, in their order
	Scores        []float64 // more than two classes: z of every class
}

// Predict gives the prediction for one row: a struct or a pointer to one, whose fields are matched by name or by the tag
// `descent:"column"`, or a map from column to value. Values may be numbers, strings, booleans, or nil or NaN for a missing value.
// A column that the model reads and the row lacks is an error, as is a value that the column cannot hold; fields and keys that the model
// does not read are ignored.
//
// The plan for a struct type is made at its first use. From then on Predict of a pointer allocates nothing where the fields are
// numbers and booleans. It is safe for concurrent use.
func (m *Model) Predict(row any) (Prediction, error) {
	if m.scorer == nil {
		return Prediction{}, errors.New("the model is empty: make one with Fit or Load")
	}
	s := m.plans.scratch(len(m.file.Columns))
	defer m.plans.release(s)
	offset, err := m.cells(row, s.cells)
	if err != nil {
		return Prediction{}, err
	}
	return m.decide(s.cells, offset)
}

// decide is the prediction of a row: the one way from cells to a label.
func (m *Model) decide(cells []encode.Cell, offset float64) (Prediction, error) {
	switch {
	case m.layers != nil:
		return m.layers.predict(cells, offset)
	case len(m.file.Intercepts) > 1:
		return m.choose(cells, offset, nil)
	}
	return m.predict(m.scorer.z(0, cells, offset, nil))
}

// tryCells is decide of cells of which one was changed: what is computed from it changes, too.
func (m *Model) tryCells(cells []encode.Cell, offset float64) (Prediction, error) {
	if err := m.compute(cells); err != nil {
		return Prediction{}, err
	}
	return m.decide(cells, offset)
}

func tooLarge(z float64) error {
	return fmt.Errorf("z = %v: the numbers of this row are too large for the model's weights", z)
}

// choose predicts among more than two classes. Of equal probabilities the earlier class wins. contributions, one slice for every class, are
// filled if not nil.
func (m *Model) choose(cells []encode.Cell, offset float64, contributions [][]float64) (Prediction, error) {
	K := len(m.file.Intercepts)
	both := make([]float64, 2*K)
	p := Prediction{Scores: both[:K:K], Probabilities: both[K:]}
	for k := range K {
		var c []float64
		if contributions != nil {
			c = contributions[k]
		}
		p.Scores[k] = m.scorer.z(k, cells, offset, c)
	}
	return m.chosen(p)
}

// chosen is the prediction of more than two classes with the scores of p, and room for its probabilities.
func (m *Model) chosen(p Prediction) (Prediction, error) {
	for _, z := range p.Scores {
		if z-z != 0 {
			return Prediction{}, tooLarge(z)
		}
	}
	if err := m.link.probabilities(p.Scores, p.Probabilities); err != nil {
		return Prediction{}, err
	}
	p.choose(m.file.Classes.Levels)
	return p, nil
}

// choose sets the label to the most probable level.
func (p *Prediction) choose(levels []string) {
	best := 0
	for k, a := range p.Probabilities {
		if a > p.Probabilities[best] {
			best = k
		}
	}
	p.Label, p.Probability, p.Z = levels[best], p.Probabilities[best], p.Scores[best]
}

// predict is the prediction of two classes at z.
func (m *Model) predict(z float64) (Prediction, error) {
	if z-z != 0 {
		return Prediction{}, tooLarge(z)
	}
	a, err := m.probability(z)
	if err != nil {
		return Prediction{}, err
	}
	return m.file.positive(z, a), nil
}

// probability of the positive class of two at z: the recalibrated one, if the model has one.
func (m *Model) probability(z float64) (float64, error) {
	if c := m.file.Recalibration; c != nil {
		return c.Probability(z), nil
	}
	return m.link.probability(z)
}

// interval of the probability at z with a variance: of the ends of that of z.
func (m *Model) interval(z, variance, quantile float64) (low, high float64) {
	if c := m.file.Recalibration; c != nil {
		d := float64(quantile * math.Sqrt(variance))
		return c.Probability(z - d), c.Probability(z + d)
	}
	return infer.ProbabilityInterval(z, variance, quantile)
}

// positive is the prediction of two classes at z, where the probability of the positive one is a.
func (f *modelFile) positive(z, a float64) Prediction {
	class := 0
	if metric.Positive(a, f.Threshold) {
		class = 1
	}
	return Prediction{Label: f.Classes.Levels[class], Probability: a, Z: z}
}

// planCache holds the plans of struct types and scratch rows.
type planCache struct {
	plans sync.Map // reflect.Type → *plan
	pool  sync.Pool
}

type scratch struct{ cells []encode.Cell }

func (p *planCache) scratch(n int) *scratch {
	if s, ok := p.pool.Get().(*scratch); ok {
		return s
	}
	return &scratch{cells: make([]encode.Cell, n)}
}

func (p *planCache) release(s *scratch) { p.pool.Put(s) }

// plan says which field of a struct holds which column.
type plan struct {
	fields []int // by column
	offset int   // field of the offset, -1 if there is none
}

// cells fills one cell a column from a row and gives its offset.
func (m *Model) cells(row any, cells []encode.Cell) (offset float64, err error) {
	switch r := row.(type) {
	case nil:
		return 0, errors.New("the row is nil")
	case map[string]float64:
		return fromMap(m, r, cells, m.reader.Number, func(v float64) (float64, error) { return v, nil })
	case map[string]string:
		return fromMap(m, r, cells, m.text, textNumber)
	case map[string]any:
		return fromMap(m, r, cells, m.value, valueNumber)
	}
	v := reflect.ValueOf(row)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return 0, fmt.Errorf("a row is a struct or a map from column to value, not %T", row)
	}
	p, err := m.plan(v.Type())
	if err != nil {
		return 0, err
	}
	for i, field := range p.fields {
		if field < 0 {
			continue // a column that is computed
		}
		if cells[i], err = m.fieldCell(i, v.Field(field)); err != nil {
			return 0, m.cellError(i, err)
		}
	}
	if err := m.compute(cells); err != nil {
		return 0, err
	}
	if p.offset < 0 {
		return 0, nil
	}
	offset, err = fieldNumber(v.Field(p.offset))
	if err == nil && offset-offset != 0 {
		err = fmt.Errorf("%v is not a finite number", offset)
	}
	if err != nil {
		return 0, fmt.Errorf("column %q: the offset %w", m.file.Offset, err)
	}
	return offset, nil
}

// mapCells is the cells of a map, new.
func (m *Model) mapCells(row map[string]any) ([]encode.Cell, float64, error) {
	cells := make([]encode.Cell, len(m.file.Columns))
	offset, err := fromMap(m, row, cells, m.value, valueNumber)
	return cells, offset, err
}

// fromMap reads the columns of a map, whose values cell and number understand.
func fromMap[V any](m *Model, row map[string]V, cells []encode.Cell, cell func(int, V) (encode.Cell, error), number func(V) (float64, error)) (offset float64, err error) {
	for i := range m.file.Columns {
		if !m.file.Columns[i].Read() {
			continue
		}
		name := m.file.Columns[i].Name
		v, ok := row[name]
		if !ok && m.file.Sparse {
			cells[i] = encode.Cell{}
			continue
		}
		if !ok {
			return 0, m.noColumn(name, slices.Sorted(maps.Keys(row)))
		}
		if cells[i], err = cell(i, v); err != nil {
			return 0, m.cellError(i, err)
		}
	}
	if err := m.compute(cells); err != nil {
		return 0, err
	}
	if m.file.Offset == "" {
		return 0, nil
	}
	v, ok := row[m.file.Offset]
	if !ok {
		return 0, m.noColumn(m.file.Offset, slices.Sorted(maps.Keys(row)))
	}
	offset, err = number(v)
	if err == nil && offset-offset != 0 {
		err = fmt.Errorf("%v is not a finite number", offset)
	}
	if err != nil {
		return 0, fmt.Errorf("column %q: the offset %w", m.file.Offset, err)
	}
	return offset, nil
}

func (m *Model) text(column int, s string) (encode.Cell, error) {
	return m.reader.Text(column, []byte(s))
}

func (m *Model) value(column int, v any) (encode.Cell, error) {
	if v == nil {
		return m.reader.Missing(column, "")
	}
	return m.fieldCell(column, reflect.ValueOf(v))
}

func textNumber(s string) (float64, error) {
	v, ok := dataset.ParseNumber([]byte(s))
	if !ok {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return v, nil
}

func valueNumber(v any) (float64, error) {
	if s, ok := v.(string); ok {
		return textNumber(s)
	}
	return fieldNumber(reflect.ValueOf(v))
}

// plan matches the fields of a struct type with the columns, once.
func (m *Model) plan(t reflect.Type) (*plan, error) {
	if p, ok := m.plans.plans.Load(t); ok {
		return p.(*plan), nil
	}
	fields := map[string]int{}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		name := f.Name
		if tag, ok := f.Tag.Lookup("descent"); ok {
			name = tag
		}
		fields[name] = i
	}
	p := &plan{offset: -1}
	for i := range m.file.Columns {
		if !m.file.Columns[i].Read() {
			p.fields = append(p.fields, -1)
			continue
		}
		field, ok := fields[m.file.Columns[i].Name]
		if !ok {
			return nil, m.noColumn(m.file.Columns[i].Name, slices.Sorted(maps.Keys(fields)))
		}
		p.fields = append(p.fields, field)
	}
	if m.file.Offset != "" {
		field, ok := fields[m.file.Offset]
		if !ok {
			return nil, m.noColumn(m.file.Offset, slices.Sorted(maps.Keys(fields)))
		}
		p.offset = field
	}
	m.plans.plans.Store(t, p)
	return p, nil
}

// fieldCell reads a value of any basic kind.
func (m *Model) fieldCell(column int, v reflect.Value) (encode.Cell, error) {
	switch {
	case v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface:
		if v.IsNil() {
			return m.reader.Missing(column, "")
		}
		return m.fieldCell(column, v.Elem())
	case v.CanFloat():
		return m.reader.Number(column, v.Float())
	case v.CanInt():
		return m.reader.Number(column, float64(v.Int()))
	case v.CanUint():
		return m.reader.Number(column, float64(v.Uint()))
	case v.Kind() == reflect.Bool:
		return m.reader.Bool(column, v.Bool())
	case v.Kind() == reflect.String:
		return m.reader.Text(column, []byte(v.String()))
	}
	return encode.Cell{}, fmt.Errorf("a value of type %s is no number, string or boolean", v.Type())
}

// fieldNumber reads a number of any kind.
func fieldNumber(v reflect.Value) (float64, error) {
	switch {
	case !v.IsValid():
	case v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer:
		if !v.IsNil() {
			return fieldNumber(v.Elem())
		}
	case v.CanFloat():
		return v.Float(), nil
	case v.CanInt():
		return float64(v.Int()), nil
	case v.CanUint():
		return float64(v.Uint()), nil
	}
	return 0, errors.New("is not a number")
}

// compute fills in the cells of computed columns.
func (m *Model) compute(cells []encode.Cell) error {
	err := m.reader.Compute(cells)
	if e, ok := err.(*encode.TermError); ok {
		return m.cellError(e.Column, err)
	}
	return err
}

func (m *Model) cellError(column int, err error) error {
	return fmt.Errorf("column %q: %w", m.file.Columns[column].Name, err)
}

func (m *Model) noColumn(name string, has []string) error {
	hint := ""
	for _, n := range has {
		if strings.EqualFold(n, name) {
			return fmt.Errorf("the row has no column %q, which the model reads; it has %q: names are matched as they are, and a struct field takes the tag `descent:%q`", name, n, name)
		}
	}
	if near, ok := dataset.Closest(name, has); ok {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("the row has no column %q, which the model reads%s", name, hint)
}

// Row is one row of a file with what a model says of it.
type Row struct {
	Prediction
	Line          int           // physical line of the file
	Offset        float64       // 0 if the model has none
	Contributions []float64     // one for every one of the model's [Model.Parts]; valid until the next row
	ByClass       [][]float64   // more than two classes: the contributions to the score of each
	Low, High     float64       // interval of the probability; NaN if the model holds no covariance
	Unseen        []UnseenLevel // levels that did not occur in training; valid until the next row
	Kept          []string      // texts of the columns asked for, as in the file
	cells         []encode.Cell
}

// UnseenLevel is a level that did not occur in training, in a column whose policy is baseline.
type UnseenLevel struct{ Column, Level string }

// RowReader predicts the rows of a file one by one, in order and in bounded memory. It is not safe for concurrent use.
type RowReader struct {
	model    *Model
	scanner  *dataset.Scanner
	at       []int // model column → column of the file
	offset   int
	keep     []int
	interval float64 // quantile, 0: none
	row      Row
	sparse   map[int]int32 // LIBSVM index → model column
}

// RowOptions say what [Model.Rows] gives besides the prediction.
type RowOptions struct {
	Format     string
	Formats    []dataset.Format // what can be read besides, as in [File]
	NoHeader   bool
	Keep       []string // columns of the file to hand through
	Confidence float64  // of the interval; 0 is none
}

// Rows prepares to predict the rows of a file. Columns are matched by name; one that the model reads and the file lacks is an error
// at the header. Format and compression are found from the content.
func (m *Model) Rows(ctx context.Context, name string, r io.Reader, o RowOptions) (*RowReader, error) {
	read := set(o.Keep)
	for i := range m.file.Columns { // those that are computed are in no file
		read[m.file.Columns[i].Name] = true
	}
	if m.file.Offset != "" {
		read[m.file.Offset] = true
	}
	s, err := dataset.NewScanner(ctx, name, r, dataset.Options{Format: o.Format, Formats: o.Formats, NoHeader: o.NoHeader,
		Use: func(name string) bool { return read[name] }})
	if err != nil {
		return nil, err
	}
	rr := &RowReader{model: m, scanner: s, offset: -1}
	rr.row.cells = make([]encode.Cell, len(m.file.Columns))
	if m.layers != nil {
		rr.row.Contributions = nil
	} else if len(m.file.Intercepts) == 1 {
		rr.row.Contributions = make([]float64, len(m.scorer.parts))
	} else {
		for range m.file.Intercepts {
			rr.row.ByClass = append(rr.row.ByClass, make([]float64, len(m.scorer.parts)))
		}
	}
	if o.Confidence != 0 {
		if m.file.Covariance == nil {
			return nil, fmt.Errorf("the model holds no covariance, so there is no interval: %s", m.file.CovarianceNote)
		}
		if rr.interval, err = infer.Quantile(o.Confidence); err != nil {
			return nil, err
		}
	}
	if s.Format == dataset.LIBSVM {
		if len(o.Keep) > 0 {
			return nil, fmt.Errorf("%s: a LIBSVM file has no columns to keep", name)
		}
		if m.file.Offset != "" {
			return nil, &dataset.Error{File: name, Line: 1, Message: fmt.Sprintf("a LIBSVM file cannot hold the offset %q that the model reads", m.file.Offset)}
		}
		rr.sparse = map[int]int32{}
		for i := range m.file.Columns {
			var index int
			c := &m.file.Columns[i]
			if !c.Read() {
				continue
			}
			if _, err := fmt.Sscanf(c.Name, "x%d", &index); err != nil || dataset.FeatureName(index) != c.Name || c.Type != encode.Numeric {
				return nil, &dataset.Error{File: name, Line: 1, Message: fmt.Sprintf("the model reads column %q, which a LIBSVM file cannot have", c.Name)}
			}
			rr.sparse[index] = int32(i)
		}
		return rr, nil
	}
	find := func(name string) (int, error) {
		i := slices.Index(s.Header, name)
		if i < 0 {
			return 0, s.NoColumn(name)
		}
		return i, nil
	}
	for i := range m.file.Columns {
		if !m.file.Columns[i].Read() {
			rr.at = append(rr.at, -1)
			continue
		}
		at, err := find(m.file.Columns[i].Name)
		if err != nil {
			return nil, err
		}
		rr.at = append(rr.at, at)
	}
	if m.file.Offset != "" {
		if rr.offset, err = find(m.file.Offset); err != nil {
			return nil, err
		}
	}
	for _, name := range o.Keep {
		at, err := find(name)
		if err != nil {
			return nil, err
		}
		rr.keep = append(rr.keep, at)
	}
	rr.row.Kept = make([]string, len(rr.keep))
	return rr, nil
}

// Header is the file's columns; nil for LIBSVM.
func (rr *RowReader) Header() []string { return rr.scanner.Header }

// Next gives the next row, or io.EOF after the last. The row's memory is used again.
func (rr *RowReader) Next() (*Row, error) {
	record, err := rr.scanner.Next()
	if err != nil {
		return nil, err
	}
	m, row := rr.model, &rr.row
	row.Line, row.Offset, row.Unseen = record.Line, 0, row.Unseen[:0]
	if rr.sparse != nil {
		clear(row.cells)
		for k, index := range record.Index {
			if i, ok := rr.sparse[index]; ok {
				row.cells[i] = encode.Cell{Number: record.Value[k]}
			}
		}
	} else if err := rr.read(record); err != nil {
		return nil, err
	}
	if err := rr.compute(record); err != nil {
		return nil, err
	}
	var p Prediction
	if m.layers != nil {
		p, err = m.layers.predict(row.cells, row.Offset)
	} else if row.ByClass != nil {
		p, err = m.choose(row.cells, row.Offset, row.ByClass)
	} else {
		p, err = m.predict(m.scorer.z(0, row.cells, row.Offset, row.Contributions))
	}
	if err != nil {
		return nil, &dataset.Error{File: rr.scanner.File, Line: record.Line, Message: err.Error()}
	}
	row.Prediction = p
	if rr.interval > 0 {
		row.Low, row.High = m.interval(row.Z, m.variance(row.cells), rr.interval)
	}
	return row, nil
}

func (rr *RowReader) read(record *dataset.Record) error {
	m, row := rr.model, &rr.row
	fail := func(name string, at int, err error) error {
		return &dataset.Error{File: rr.scanner.File, Line: record.CellLine(at), Column: at + 1, Name: name, Message: err.Error()}
	}
	for i, at := range rr.at {
		if at < 0 {
			continue
		}
		cell := record.Cells[at]
		var err error
		if cell.Absent {
			row.cells[i], err = m.reader.Missing(i, "")
		} else {
			row.cells[i], err = m.reader.Text(i, cell.Text)
		}
		if err != nil {
			return fail(m.file.Columns[i].Name, at, err)
		}
		if row.cells[i].Level == encode.UnseenLevel {
			row.Unseen = append(row.Unseen, UnseenLevel{m.file.Columns[i].Name, string(cell.Text)})
		}
	}
	if rr.offset >= 0 {
		v, ok := dataset.ParseNumber(record.Cells[rr.offset].Bare())
		if !ok {
			return fail(m.file.Offset, rr.offset, fmt.Errorf("the offset %q is not a number", record.Cells[rr.offset].Text))
		}
		row.Offset = v
	}
	for k, at := range rr.keep {
		row.Kept[k] = string(record.Cells[at].Text)
	}
	return nil
}

// compute fills in the cells of computed columns; its error stands where the number is that they are computed from.
func (rr *RowReader) compute(record *dataset.Record) error {
	m, row := rr.model, &rr.row
	err := m.reader.Compute(row.cells)
	if err == nil {
		for i := range m.file.Columns {
			if c := &m.file.Columns[i]; !c.Read() && c.HasLevels() && row.cells[i].Level == encode.UnseenLevel {
				row.Unseen = append(row.Unseen, UnseenLevel{c.Name, m.levelText(i, row.cells)})
			}
		}
		return nil
	}
	out := &dataset.Error{File: rr.scanner.File, Line: record.Line, Message: err.Error()}
	if e, ok := err.(*encode.TermError); ok {
		i := e.Column
		for !m.file.Columns[i].Read() {
			i = m.column(m.file.Columns[i].Of()[0])
		}
		if out.Name = m.file.Columns[i].Name; rr.at != nil {
			out.Line, out.Column = record.CellLine(rr.at[i]), rr.at[i]+1
		}
	}
	return out
}

// levelText is the level of a computed column that training did not see.
func (m *Model) levelText(i int, cells []encode.Cell) string {
	var parts []string
	for _, name := range m.file.Columns[i].Of() {
		j := m.column(name)
		switch c, cell := &m.file.Columns[j], cells[j]; {
		case c.Type == encode.DateType:
			parts = append(parts, c.DateText(cell.Number))
		case cell.Level >= 0:
			parts = append(parts, c.Levels[cell.Level])
		}
	}
	return strings.Join(parts, "*")
}

// variance of z of one row, by the covariance of the scaled weights.
func (m *Model) variance(cells []encode.Cell) float64 {
	f := &m.file
	u := make([]float64, len(f.Terms)+1)
	j := 0
	for i := range f.Columns {
		for ; j < len(f.Terms) && f.Terms[j].Column == f.Columns[i].Name; j++ {
			x := 0.0
			switch f.Terms[j].Kind {
			case encode.KindNumeric:
				x = cells[i].Number
			case encode.KindIndicator:
				if cells[i].Missing {
					x = 1
				}
			case encode.KindLevel:
				if l := cells[i].Level; l >= 0 && f.Columns[i].Levels[l] == f.Terms[j].Level {
					x = 1
				}
			}
			if f.Scaling.Center != nil {
				x = float64((x - f.Scaling.Center[j]) * f.Scaling.Scale[j])
			}
			u[j] = x
		}
	}
	u[len(u)-1] = 1
	var v float64
	for i, row := range f.Covariance {
		var s float64
		for k, c := range row[:i] {
			s += float64(c * u[k])
		}
		v += float64(u[i] * (float64(row[i]*u[i]) + 2*s))
	}
	if v != v {
		return math.Inf(1) // beyond float64: the interval is all of [0, 1]
	}
	return max(v, 0)
}
