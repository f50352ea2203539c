package descent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/descent-ml/descent/calibration"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/internal/parallel"
	"github.com/descent-ml/descent/metric"
)

// EvaluateOptions say how [Model.Evaluate] reads and decides, and what it looks at besides.
type EvaluateOptions struct {
	Format     string
	NoHeader   bool
	Threshold  *float64     // nil is the model's own
	Confidence float64      // level of the intervals; 0 means 0.95
	Cost       *metric.Cost // of two classes: what the decisions cost
	Slices     []string     // columns of the file by which the rows are cut into slices
	Against    *Model       // an older model of the same classes, to be compared with; the source must be one that can be read twice
}

// Evaluation is what a model scores on some rows.
type Evaluation struct {
	Metrics *metric.Metrics
	Dropped int           // rows with a missing value, where the model was trained with --missing drop
	Unseen  int           // rows with a level that did not occur in training
	Trained bool          // the model was trained on this very table, so that intervals and tests say nothing about new rows
	Costs   *metric.Costs // of EvaluateOptions.Cost
	Against *Against      // of EvaluateOptions.Against
	Slices  []Slicing     // of EvaluateOptions.Slices
}

// Against is a model beside an older one, on the rows that neither leaves out for a missing value. Weights are those of the newer.
type Against struct {
	metric.Comparison
	Rows    int             `json:"rows"`
	LeftOut int             `json:"left_out"` // rows that one of the models takes and the other does not
	Old     *metric.Metrics `json:"old"`      // at the older one's own threshold
	New     *metric.Metrics `json:"-"`
}

// Evaluate measures the model on the rows of a source, which must hold the target. A model that was trained without the rows that
// have a missing value leaves such rows out here too, and counts them. A row weight counts if the model was trained with one.
func (m *Model) Evaluate(ctx context.Context, source Source, o EvaluateOptions) (*Evaluation, error) {
	if err := m.checkSlices(o.Slices); err != nil {
		return nil, err
	}
	options := m.tableOptions(o.Format, o.NoHeader)
	readSlices(&options, o.Slices)
	t, err := m.tableOf(ctx, source, options)
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
	j := judge{threshold: m.file.Threshold, confidence: o.Confidence}
	if o.Threshold != nil {
		j.threshold = *o.Threshold
	}
	if o.Confidence == 0 {
		j.confidence = 0.95
	}
	j.compareWith(m.file.Metrics.Train)
	s, err := m.scores(t, nil, label, 0)
	if err != nil {
		return nil, err
	}
	ev, err := m.evaluate(s, t.Name, j)
	if err != nil {
		return nil, err
	}
	ev.Trained = len(o.Slices) == 0 && m.trainedOn(t) // with slices the table has other columns
	if o.Cost != nil {
		if m.file.sets() > 1 {
			return nil, errors.New("a cost of false positives and negatives is for two classes")
		}
		if err := o.Cost.Check(); err != nil {
			return nil, err
		}
		if ev.Costs, err = s.binary(j).Costs(*o.Cost, j.threshold); err != nil {
			return nil, err
		}
	}
	for _, name := range o.Slices {
		slicing, err := m.slicing(t, s, name, judge{threshold: j.threshold, confidence: j.confidence})
		if err != nil {
			return nil, err
		}
		ev.Slices = append(ev.Slices, *slicing)
	}
	if o.Against != nil {
		if ev.Against, err = m.against(ctx, source, o, s, label, j); err != nil {
			return nil, err
		}
	}
	return ev, nil
}

// trainedOn says whether a table is the one that the model was trained on, with or without rows held out. It is looked at only where it has as many rows.
func (m *Model) trainedOn(t *dataset.Table) bool {
	r := &m.file.Training
	rows := r.Rows + r.Dropped
	if test := m.file.Metrics.Test; test != nil && r.Holdout != "" {
		rows += test.Rows
	}
	return t.Rows == rows && fmt.Sprintf("sha256:%x", t.Fingerprint()) == r.Fingerprint
}

// against compares what was scored with an older model on the same source.
func (m *Model) against(ctx context.Context, source Source, o EvaluateOptions, s *scores, label []int32, j judge) (*Against, error) {
	old := o.Against
	if old.file.Target != m.file.Target && !(m.file.Sparse && old.file.Sparse) {
		return nil, fmt.Errorf("the models cannot be compared: one predicts %q, the other %q", m.file.Target, old.file.Target)
	}
	if !slices.Equal(old.file.Classes.Levels, m.file.Classes.Levels) {
		return nil, fmt.Errorf("the models cannot be compared: the classes of one are %s, those of the other %s",
			strings.Join(m.file.Classes.Levels, ", "), strings.Join(old.file.Classes.Levels, ", "))
	}
	if !readTwice(source) {
		return nil, errors.New("what is read only once cannot be given to two models: give a file")
	}
	options := old.tableOptions(o.Format, o.NoHeader)
	if old.file.Training.Successes == "" && old.file.Weight != "" && old.file.Weight != m.file.Weight {
		delete(options.Types, old.file.Weight) // the weights are those of the newer model
	}
	t, err := old.tableOf(ctx, source, options)
	if err != nil {
		return nil, fmt.Errorf("the older model: %w", err)
	}
	target, err := targetColumn(t, old.file.Target)
	if err != nil {
		return nil, fmt.Errorf("the older model: %w", err)
	}
	oldLabel, err := old.labels(t, target)
	if err != nil {
		return nil, fmt.Errorf("the older model: %w", err)
	}
	if !slices.Equal(label, oldLabel) {
		return nil, errors.New("the models cannot be compared: they do not read the same rows and labels from the file")
	}
	b, err := old.scoresOf(tableScores{model: old, table: t, label: oldLabel, unweighted: true}, t.Rows, 0)
	if err != nil {
		return nil, fmt.Errorf("the older model: %w", err)
	}
	a := *s
	out := &Against{}
	if a.dropped+b.dropped > 0 {
		keep := intersect(a.row, b.row, t.Rows)
		out.LeftOut = len(a.truth) + len(b.truth) - 2*len(keep)
		a, *b = *a.only(keep, m.file.sets()), *b.only(keep, m.file.sets())
	}
	b.weights, out.Rows = a.weights, len(a.truth)
	theirs := j
	theirs.threshold, theirs.confidence, theirs.constant = old.file.Threshold, 0, nil
	old1, err := old.evaluate(b, t.Name, theirs)
	if err != nil {
		return nil, err
	}
	mine := theirs
	mine.threshold = j.threshold
	new1, err := m.evaluate(&a, t.Name, mine)
	if err != nil {
		return nil, err
	}
	out.Old, out.New = old1.Metrics, new1.Metrics
	var c *metric.Comparison
	if m.file.sets() > 1 {
		c, err = metric.CompareClasses(a.classes(j), b.classes(j), m.file.sets())
	} else {
		c, err = metric.Compare(a.binary(j), b.binary(j), j.threshold, old.file.Threshold)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	out.Comparison = *c
	return out, nil
}

// intersect is the rows that are in both lists, which ascend; nil stands for all n.
func intersect(a, b []int, n int) []int {
	in := make([]uint8, n)
	for _, list := range [][]int{a, b} {
		for row := range n {
			if list == nil {
				in[row]++
			}
		}
		for _, row := range list {
			in[row]++
		}
	}
	var both []int
	for row, k := range in {
		if k == 2 {
			both = append(both, row)
		}
	}
	return both
}

// judge says how scores are measured.
type judge struct {
	threshold  float64
	confidence float64   // of the intervals; 0: none
	constant   []float64 // the shares of the classes in the training rows; nil: not known, then they are those of the rows that are measured
	threads    int
}

// shares of K classes among the scored rows; nil without weight.
func (s *scores) shares(K int) []float64 {
	out, total := make([]float64, max(K, 2)), 0.0
	for i, k := range s.truth {
		w := 1.0
		if s.weights != nil {
			w = s.weights[i]
		}
		out[k] += w
		total += w
	}
	if total == 0 {
		return nil
	}
	for k := range out {
		out[k] /= total
	}
	return out
}

// compareWith takes the shares of the classes of the training rows for the constant model.
func (j *judge) compareWith(train *metric.Metrics) {
	if train == nil || !(train.WeightSum > 0) {
		return
	}
	c := train.Confusion
	if train.PerClass == nil {
		rate := (c.TP + c.FN) / (c.TP + c.FN + c.TN + c.FP)
		j.constant = []float64{1 - rate, rate}
		return
	}
	j.constant = make([]float64, len(train.Counts))
	for k, row := range train.Counts {
		for _, s := range row {
			j.constant[k] += s / train.WeightSum
		}
	}
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
	row             []int     // of the table; nil for all
	dropped, unseen int
}

// binary are the scores of two classes.
func (s *scores) binary(j judge) metric.Rows {
	y := make([]float64, len(s.truth))
	for i, k := range s.truth {
		y[i] = float64(k)
	}
	return metric.Rows{LogOdds: s.z, Probability: s.a, Label: y, Weight: s.weights, Threads: j.threads, Confidence: j.confidence, Constant: j.constant}
}

// classes are those of more.
func (s *scores) classes(j judge) metric.ClassRows {
	return metric.ClassRows{LogOdds: s.z, Probability: s.a, Label: s.truth, Weight: s.weights, Threads: j.threads, Confidence: j.confidence, Constant: j.constant}
}

// only are the scores of some rows of the table, K sets a row. The rows ascend and are there.
func (s *scores) only(rows []int, K int) *scores {
	out := &scores{row: rows}
	at := 0
	for _, row := range rows {
		if s.row == nil {
			at = row
		} else {
			for s.row[at] < row {
				at++
			}
		}
		out.z, out.truth = append(out.z, s.z[at*K:(at+1)*K]...), append(out.truth, s.truth[at])
		if s.a != nil {
			out.a = append(out.a, s.a[at*K:(at+1)*K]...)
		}
		if s.weights != nil {
			out.weights = append(out.weights, s.weights[at])
		}
	}
	return out
}

// measure scores the given rows of t (nil: all).
func (m *Model) measure(t *dataset.Table, rows []int, label []int32, j judge) (*Evaluation, error) {
	s, err := m.scores(t, rows, label, j.threads)
	if err != nil {
		return nil, err
	}
	return m.evaluate(s, t.Name, j)
}

// evaluate measures what was scored; name is that of the file.
func (m *Model) evaluate(s *scores, name string, j judge) (*Evaluation, error) {
	ev := &Evaluation{Dropped: s.dropped, Unseen: s.unseen}
	var err error
	of := "the training rows"
	if j.confidence != 0 && j.constant == nil {
		j.constant, of = s.shares(m.file.sets()), "these rows"
	}
	if m.file.sets() > 1 {
		ev.Metrics, err = metric.Classes(s.classes(j), m.file.Classes.Levels)
	} else {
		ev.Metrics, err = metric.Binary(s.binary(j), j.threshold)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if c := ev.Metrics.Constant; c != nil {
		c.Of = of
	}
	return ev, nil
}

// scoreRows is the number of rows that are scored at once by each thread.
const scoreRows = 4096

// scores walks over the given rows of t (nil: all), on all cores.
func (m *Model) scores(t *dataset.Table, rows []int, label []int32, threads int) (*scores, error) {
	count := len(rows)
	if rows == nil {
		count = t.Rows
	}
	return m.scoresOf(tableScores{model: m, table: t, rows: rows, label: label}, count, threads)
}

// scoresOf walks over the count rows of w.
func (m *Model) scoresOf(w tableScores, count, threads int) (*scores, error) {
	t := w.table
	tr, err := m.reader.NewTableReader(t)
	if err != nil {
		return nil, err
	}
	if w.offset, err = encode.Numbers(t, m.file.Offset, "offset"); err != nil {
		return nil, err
	}
	if !w.unweighted {
		if w.weight, err = encode.Numbers(t, m.file.Weight, "weight"); err != nil {
			return nil, err
		}
	}
	parts, errs := make([]scores, parallel.Count(count, scoreRows)), make([]error, parallel.Count(count, scoreRows))
	parallel.Pieces(threads, count, scoreRows, func(piece, from, to int) {
		errs[piece] = w.score(&parts[piece], tr.Fork(), from, to)
	})
	all := &scores{z: make([]float64, 0, count*m.file.sets()), truth: make([]int32, 0, count)}
	if m.file.Training.Missing == string(encode.MissingDrop) {
		all.row = []int{}
	}
	for i := range parts {
		if errs[i] != nil {
			return nil, errs[i]
		}
		p := &parts[i]
		all.z, all.a, all.truth, all.weights = append(all.z, p.z...), append(all.a, p.a...), append(all.truth, p.truth...), append(all.weights, p.weights...)
		all.dropped, all.unseen, all.row = all.dropped+p.dropped, all.unseen+p.unseen, append(all.row, p.row...)
	}
	return all, nil
}

// tableScores is a table to be scored. It is read only.
type tableScores struct {
	model          *Model
	table          *dataset.Table
	rows           []int // nil: all
	label          []int32
	unweighted     bool
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
	drop := m.file.Training.Missing == string(encode.MissingDrop)
	for i := from; i < to; i++ {
		row := i
		if w.rows != nil {
			row = w.rows[i]
		}
		if drop {
			if tr.Missing(row) {
				s.dropped++
				continue
			}
			s.row = append(s.row, row)
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
