package descent

import (
	"context"
	"fmt"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/metric"
)

// EvaluateOptions say how [Model.Evaluate] reads and decides.
type EvaluateOptions struct {
	Format    string
	NoHeader  bool
	Threshold *float64 // nil is the model's own
}

// Evaluation is what a model scores on some rows.
type Evaluation struct {
	Metrics *metric.Metrics
	Dropped int // rows with a missing value, where the model was trained with --missing drop
	Unseen  int // rows with a level that did not occur in training
}

// Evaluate measures the model on the rows of a source, which must hold the target. A model that was trained without the rows that
// have a missing value leaves such rows out here too, and counts them. A row weight counts if the model was trained with one.
func (m *Model) Evaluate(ctx context.Context, s Source, o EvaluateOptions) (*Evaluation, error) {
	t, err := s.table(ctx, m.tableOptions(o.Format, o.NoHeader))
	if err != nil {
		return nil, err
	}
	target, err := targetColumn(t, m.file.Target)
	if err != nil {
		return nil, err
	}
	y, err := m.labels(t, target)
	if err != nil {
		return nil, err
	}
	threshold := m.file.Threshold
	if o.Threshold != nil {
		threshold = *o.Threshold
	}
	return m.measure(t, nil, y, threshold)
}

// tableOptions read a file for this model: its columns only, as the types that it knows.
func (m *Model) tableOptions(format string, noHeader bool) dataset.Options {
	types := m.scorer.encoding.Types()
	if m.file.Sparse {
		types = nil // features of LIBSVM are numbers
	}
	return dataset.Options{
		Format: format, NoHeader: noHeader, NA: m.scorer.encoding.NA, Types: types, Target: m.file.Target,
		Use: func(name string) bool { _, ok := types[name]; return ok || m.file.Sparse },
	}
}

// targetColumn finds the target; of a LIBSVM file it is the label whatever its name.
func targetColumn(t *dataset.Table, name string) (*dataset.Column, error) {
	if t.Sparse != nil && len(t.Columns) > 0 {
		return t.Columns[0], nil
	}
	c, ok := t.Column(name)
	if !ok {
		return nil, t.NoColumn(name)
	}
	if c.Type == dataset.Numeric {
		return nil, t.At(-1, c, "the target was read as numbers, not as labels: read the table with dataset.Options.Target")
	}
	return c, nil
}

// labels are y for every row of t: the class that the model gives the label.
func (m *Model) labels(t *dataset.Table, target *dataset.Column) ([]float64, error) {
	class := make([]float64, len(target.Levels))
	for code, text := range target.Levels {
		k, ok := m.file.Classes.Index(text)
		if !ok {
			row := target.First[code]
			if row < 0 {
				continue
			}
			return nil, t.At(row, target, "the label %q is not a class of the model, whose classes are %s and %s", text, m.file.Classes.Levels[0], m.file.Classes.Levels[1])
		}
		class[code] = float64(k)
	}
	y := make([]float64, t.Rows)
	for row, code := range target.Codes {
		if code < 0 {
			return nil, t.At(row, target, "the label is missing; every row needs one")
		}
		y[row] = class[code]
	}
	return y, nil
}

// measure scores the given rows of t (nil: all).
func (m *Model) measure(t *dataset.Table, rows []int, y []float64, threshold float64) (*Evaluation, error) {
	tr, err := m.reader.NewTableReader(t)
	if err != nil {
		return nil, err
	}
	offset, err := encode.Numbers(t, m.file.Offset, "offset")
	if err != nil {
		return nil, err
	}
	weight, err := encode.Numbers(t, m.file.Weight, "weight")
	if err != nil {
		return nil, err
	}
	n := len(rows)
	if rows == nil {
		n = t.Rows
	}
	ev := &Evaluation{}
	r := metric.Rows{LogOdds: make([]float64, 0, n), Label: make([]float64, 0, n)}
	cells := make([]encode.Cell, len(m.file.Columns))
	for i := range n {
		row := i
		if rows != nil {
			row = rows[i]
		}
		if m.file.Training.Missing == string(encode.MissingDrop) && tr.Missing(row) {
			ev.Dropped++
			continue
		}
		z, unseen, err := m.tableZ(tr, row, cells, offset)
		if err != nil {
			return nil, err
		}
		if z-z != 0 {
			return nil, t.At(row, nil, "z = %v: the numbers of this row are too large for the model's weights", z)
		}
		if unseen {
			ev.Unseen++
		}
		r.LogOdds, r.Label = append(r.LogOdds, z), append(r.Label, y[row])
		if m.link.a != nil {
			a, err := m.link.probability(z)
			if err != nil {
				return nil, t.At(row, nil, "%v", err)
			}
			r.Probability = append(r.Probability, a)
		}
		if weight != nil {
			r.Weight = append(r.Weight, weight[row])
		}
	}
	if ev.Metrics, err = metric.Binary(r, threshold); err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	return ev, nil
}

// tableZ is z of one row of a table.
func (m *Model) tableZ(tr *encode.TableReader, row int, cells []encode.Cell, offsets []float64) (z float64, unseen bool, err error) {
	offset := 0.0
	if offsets != nil {
		offset = offsets[row]
	}
	if columns, values, ok := tr.Sparse(row); ok {
		return m.scorer.sparseZ(0, columns, values, offset), false, nil
	}
	if err := tr.Row(row, cells); err != nil {
		return 0, false, err
	}
	for i := range cells {
		unseen = unseen || cells[i].Level == encode.UnseenLevel
	}
	return m.scorer.z(0, cells, offset, nil), unseen, nil
}
