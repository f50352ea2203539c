package descent

import (
	"context"
	"fmt"
	"strings"

	"github.com/descent-ml/descent/calibration"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/internal/parallel"
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
	t, err := m.tableOf(ctx, s, m.tableOptions(o.Format, o.NoHeader))
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
	return m.measure(t, nil, label, threshold, 0)
}

// tableOptions read a file for this model: its columns only, as the types that it knows.
func (m *Model) tableOptions(format string, noHeader bool) dataset.Options {
	types := m.scorer.encoding.Types()
	if m.file.Sparse {
		types = nil // features of LIBSVM are numbers
	}
	if g := &m.file.Training; g.Successes != "" {
		delete(types, m.file.Weight)
		types[g.Successes], types[g.Failures] = dataset.Numeric, dataset.Numeric
		return dataset.Options{
			Format: format, NoHeader: noHeader, NA: m.scorer.encoding.NA, Types: types,
			Use: func(name string) bool { _, ok := types[name]; return ok },
		}
	}
	return dataset.Options{
		Format: format, NoHeader: noHeader, NA: m.scorer.encoding.NA, Types: types, Target: m.file.Target,
		Use: func(name string) bool { _, ok := types[name]; return ok || m.file.Sparse },
	}
}

// targetColumn finds the target; of a LIBSVM file it is the label whatever its name.
func targetColumn(t *dataset.Table, name string) (*dataset.Column, error) {
	if t.Format == dataset.LIBSVM && len(t.Columns) > 0 {
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

// scores are what a model says of some rows, and what is true of them.
type scores struct {
	z, a            []float64 // (rows×K), recalibrated where the model is; a is nil where it follows from z
	truth           []int32
	weights         []float64 // nil for ones
	dropped, unseen int
}

// measure scores the given rows of t (nil: all).
func (m *Model) measure(t *dataset.Table, rows []int, label []int32, threshold float64, threads int) (*Evaluation, error) {
	s, err := m.scores(t, rows, label, threads)
	if err != nil {
		return nil, err
	}
	return m.evaluate(s, t.Name, threshold, threads)
}

// evaluate measures what was scored; name is that of the file.
func (m *Model) evaluate(s *scores, name string, threshold float64, threads int) (*Evaluation, error) {
	ev := &Evaluation{Dropped: s.dropped, Unseen: s.unseen}
	var err error
	if m.file.sets() > 1 {
		ev.Metrics, err = metric.Classes(metric.ClassRows{LogOdds: s.z, Probability: s.a, Label: s.truth, Weight: s.weights, Threads: threads}, m.file.Classes.Levels)
	} else {
		y := make([]float64, len(s.truth))
		for i, k := range s.truth {
			y[i] = float64(k)
		}
		ev.Metrics, err = metric.Binary(metric.Rows{LogOdds: s.z, Probability: s.a, Label: y, Weight: s.weights, Threads: threads}, threshold)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return ev, nil
}

// scoreRows is the number of rows that are scored at once by each thread.
const scoreRows = 4096

// scores walks over the given rows of t (nil: all), on all cores.
func (m *Model) scores(t *dataset.Table, rows []int, label []int32, threads int) (*scores, error) {
	tr, err := m.reader.NewTableReader(t)
	if err != nil {
		return nil, err
	}
	w := tableScores{model: m, table: t, rows: rows, label: label}
	if w.offset, err = encode.Numbers(t, m.file.Offset, "offset"); err != nil {
		return nil, err
	}
	if w.weight, err = encode.Numbers(t, m.file.Weight, "weight"); err != nil {
		return nil, err
	}
	count := len(rows)
	if rows == nil {
		count = t.Rows
	}
	parts, errs := make([]scores, parallel.Count(count, scoreRows)), make([]error, parallel.Count(count, scoreRows))
	parallel.Pieces(threads, count, scoreRows, func(piece, from, to int) {
		errs[piece] = w.score(&parts[piece], tr.Fork(), from, to)
	})
	all := &scores{z: make([]float64, 0, count*m.file.sets()), truth: make([]int32, 0, count)}
	for i := range parts {
		if errs[i] != nil {
			return nil, errs[i]
		}
		p := &parts[i]
		all.z, all.a, all.truth, all.weights = append(all.z, p.z...), append(all.a, p.a...), append(all.truth, p.truth...), append(all.weights, p.weights...)
		all.dropped, all.unseen = all.dropped+p.dropped, all.unseen+p.unseen
	}
	return all, nil
}

// tableScores is a table to be scored. It is read only.
type tableScores struct {
	model          *Model
	table          *dataset.Table
	rows           []int // nil: all
	label          []int32
	offset, weight []float64
}

// score adds rows from … to-1 to s.
func (w *tableScores) score(s *scores, tr *encode.TableReader, from, to int) error {
	m := w.model
	var batch *layerBatch
	if m.layers != nil {
		batch = &layerBatch{layers: m.layers, table: w.table}
	}
	cells := make([]encode.Cell, len(m.file.Columns))
	at := make([]float64, m.file.sets())
	for i := from; i < to; i++ {
		row := i
		if w.rows != nil {
			row = w.rows[i]
		}
		if m.file.Training.Missing == string(encode.MissingDrop) && tr.Missing(row) {
			s.dropped++
			continue
		}
		var unseen bool
		var err error
		if batch != nil {
			unseen, err = batch.add(tr, row, cells, w.offset)
		} else if unseen, err = m.tableZ(tr, row, cells, w.offset, at); err == nil {
			err = m.keep(s, at, w.table, row)
		}
		if err != nil {
			return err
		}
		if unseen {
			s.unseen++
		}
		if s.truth = append(s.truth, w.label[row]); w.weight != nil {
			s.weights = append(s.weights, w.weight[row])
		}
	}
	if batch != nil {
		var err error
		s.z, s.a, err = batch.finish()
		return err
	}
	return nil
}

// keep adds z of one row, and a where it is not the usual one. It changes z.
func (m *Model) keep(s *scores, z []float64, t *dataset.Table, row int) error {
	for _, v := range z {
		if v-v != 0 {
			return t.At(row, nil, "%v", tooLarge(v))
		}
	}
	if c := m.file.Recalibration; c != nil {
		s.z = append(s.z, z[0])
		if c.Method == calibration.Isotonic {
			s.a = append(s.a, 0)
		}
		c.set(s, len(s.z)-1)
		return nil
	}
	s.z = append(s.z, z...)
	if m.link.a == nil {
		return nil
	}
	if err := m.link.eval(z, z); err != nil {
		return t.At(row, nil, "%v", err)
	}
	s.a = append(s.a, z...)
	return nil
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
