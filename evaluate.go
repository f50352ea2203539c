package descent

import (
	"context"
	"fmt"
	"strings"

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
	label, err := m.labels(t, target)
	if err != nil {
		return nil, err
	}
	threshold := m.file.Threshold
	if o.Threshold != nil {
		threshold = *o.Threshold
	}
	return m.measure(t, nil, label, threshold)
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

// labels are the class of every row of t: what the model calls its label.
func (m *Model) labels(t *dataset.Table, target *dataset.Column) ([]int32, error) {
	class := make([]int32, len(target.Levels))
	for code, text := range target.Levels {
		k, ok := m.file.Classes.Index(text)
		if !ok {
			row := target.First[code]
			if row < 0 {
				continue
			}
			return nil, t.At(row, target, "the label %q is not a class of the model, whose classes are %s", text, strings.Join(m.file.Classes.Levels, ", "))
		}
		class[code] = int32(k)
	}
	label := make([]int32, t.Rows)
	for row, code := range target.Codes {
		if code < 0 {
			return nil, t.At(row, target, "the label is missing; every row needs one")
		}
		label[row] = class[code]
	}
	return label, nil
}

// measure scores the given rows of t (nil: all).
func (m *Model) measure(t *dataset.Table, rows []int, label []int32, threshold float64) (*Evaluation, error) {
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
	count := len(rows)
	if rows == nil {
		count = t.Rows
	}
	ev := &Evaluation{}
	K := m.file.sets()
	var z, a, s []float64
	var truth []int32
	var batch *layerBatch
	if m.layers != nil {
		batch = &layerBatch{layers: m.layers, table: t}
	}
	cells := make([]encode.Cell, len(m.file.Columns))
	at := make([]float64, K)
	for i := range count {
		row := i
		if rows != nil {
			row = rows[i]
		}
		if m.file.Training.Missing == string(encode.MissingDrop) && tr.Missing(row) {
			ev.Dropped++
			continue
		}
		if batch != nil {
			unseen, err := batch.add(tr, row, cells, offset)
			if err != nil {
				return nil, err
			}
			if unseen {
				ev.Unseen++
			}
			if truth = append(truth, label[row]); weight != nil {
				s = append(s, weight[row])
			}
			continue
		}
		unseen, err := m.tableZ(tr, row, cells, offset, at)
		if err != nil {
			return nil, err
		}
		for _, v := range at {
			if v-v != 0 {
				return nil, t.At(row, nil, "%v", tooLarge(v))
			}
		}
		if unseen {
			ev.Unseen++
		}
		z, truth = append(z, at...), append(truth, label[row])
		if m.link.a != nil {
			if err := m.link.eval(at, at); err != nil {
				return nil, t.At(row, nil, "%v", err)
			}
			a = append(a, at...)
		}
		if weight != nil {
			s = append(s, weight[row])
		}
	}
	if batch != nil {
		if z, a, err = batch.finish(); err != nil {
			return nil, err
		}
	}
	if K > 1 {
		ev.Metrics, err = metric.Classes(metric.ClassRows{LogOdds: z, Probability: a, Label: truth, Weight: s}, m.file.Classes.Levels)
	} else {
		y := make([]float64, len(truth))
		for i, k := range truth {
			y[i] = float64(k)
		}
		ev.Metrics, err = metric.Binary(metric.Rows{LogOdds: z, Probability: a, Label: y, Weight: s}, threshold)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	return ev, nil
}

// tableZ is z of every set for one row of a table.
func (m *Model) tableZ(tr *encode.TableReader, row int, cells []encode.Cell, offsets, z []float64) (unseen bool, err error) {
	offset := 0.0
	if offsets != nil {
		offset = offsets[row]
	}
	if columns, values, ok := tr.Sparse(row); ok {
		for k := range z {
			z[k] = m.scorer.sparseZ(k, columns, values, offset)
		}
		return false, nil
	}
	if err := tr.Row(row, cells); err != nil {
		return false, err
	}
	for i := range cells {
		unseen = unseen || cells[i].Level == encode.UnseenLevel
	}
	for k := range z {
		z[k] = m.scorer.z(k, cells, offset, nil)
	}
	return unseen, nil
}
