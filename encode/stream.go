package encode

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/doctor"
	"github.com/descent-ml/descent/engine"
)

// A Stream makes mini-batches of rows that come once, in the order in which they come, and learns what the columns are on the way: mean and deviation of
// numbers, levels as they are met. It knows the types of the columns from the first rows (see [dataset.OpenStream]). Nothing that it makes depends on
// how the rows are cut into tables.
//
// Every level has a weight, as which of them all will be the first is not known. Numbers are stored less an origin near their mean in the first rows.
type Stream struct {
	Rows      int       // in use so far
	WeightSum float64   // Σ s
	Dropped   int       // left out for a missing value
	Idle      int       // of weight 0
	Counts    []float64 // Σ s of every class

	o       Options
	classes *Classes
	batch   int
	take    func(*engine.OnlineRows) error
	columns []*streamed
	named   map[string]*streamed
	dense   []*streamed // numbers, by dense column
	codes   []*streamed // by code column; of an indicator the column of numbers
	target  string
	label   []int32 // class by code, or unknownLabel
	sparse  []Moments
	feature []int // index in the file, by sparse feature

	rows   engine.OnlineRows // the mini-batch that is being filled
	n      int               // rows in it
	s, off int               // inputs of the weight and the offset, -1: none
	use    []int
	some   []float64
	table  *dataset.Table // the last one
}

// streamed is a column of a stream.
type streamed struct {
	Column
	Moments // of numbers, less origin
	origin  float64
	dense   int          // its dense column, -1: none
	code    int          // its code column, of levels, or of the indicator; -1: none
	texts   []string     // by the table's code
	counts  []levelCount // by the table's code + 1; 0: missing
	absent  int          // numbers that are missing in rows in use
	gaps    bool         // of numbers: the mini-batch has some
	na      []string     // texts that meant missing
}

// levelCount is the rows in use of a level, and their Σ s.
type levelCount struct {
	rows   int
	weight float64
}

func weightOf(weights []float64, i int) float64 {
	if weights == nil {
		return 1
	}
	return weights[i]
}

const unknownLabel = -1

// NewStream looks at the first rows. classes are those of the target; batch is the size of a mini-batch, and take is called with each: its inputs are y, or y[0] … of more
// than two classes, then s and o where there are columns of weights and offsets. What it is given is valid during the call. The error is one of the columns that o names.
func NewStream(head *dataset.Table, target string, classes *Classes, o Options, batch int, take func(*engine.OnlineRows) error) (*Stream, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	s := &Stream{o: o, classes: classes, batch: batch, take: take, target: target, named: map[string]*streamed{}, s: -1, off: -1, Counts: make([]float64, len(classes.Levels))}
	for _, c := range head.Columns {
		if c.Name == target || c.Name == o.Weight || c.Name == o.Offset || slices.Contains(o.Aside, c.Name) {
			continue
		}
		col := &streamed{Column: Column{Name: c.Name, Missing: o.Missing, Unseen: o.Unseen}, code: -1, dense: -1}
		if col.Missing == MissingError {
			col.Missing = ""
		}
		if col.Unseen == UnseenError {
			col.Unseen = ""
		}
		s.columns, s.named[c.Name] = append(s.columns, col), col
		if c.Type != dataset.Numeric {
			if col.Type = Levels; c.Type == dataset.Boolean {
				col.Type = Boolean
			}
			if col.Column.Missing == MissingMean {
				col.Column.Missing = MissingLevel
			}
			if most := o.mostLevels(); len(c.Levels) > most {
				return nil, head.At(-1, c, "it has %d levels in the first %d rows, more than %d; --exclude %s leaves it out, --max-levels N allows them", len(c.Levels), head.Rows, most, c.Name)
			}
			col.code = len(s.codes)
			s.codes = append(s.codes, col)
			continue
		}
		col.Type, col.Unseen = Numeric, ""
		col.origin = origin(c.Numbers)
		col.dense = len(s.dense)
		s.dense = append(s.dense, col)
		if col.Column.Missing == MissingMean {
			col.code = len(s.codes)
			s.codes = append(s.codes, col)
		}
	}
	for _, role := range []struct{ name, what string }{{o.Weight, "weight"}, {o.Offset, "offset"}} {
		if role.name == "" {
			continue
		}
		c, ok := head.Column(role.name)
		if !ok {
			return nil, head.NoColumn(role.name)
		}
		if c.Type != dataset.Numeric {
			return nil, head.At(-1, c, "the %s must be a number; the column holds %s", role.what, c.Type)
		}
	}
	inputs := classes.Sets()
	if o.Weight != "" {
		s.s = inputs
		inputs++
	}
	if o.Offset != "" {
		s.off = inputs
		inputs++
	}
	s.rows.Dense = make([]float64, padded(batch)*len(s.dense))
	for range s.codes {
		s.rows.Codes = append(s.rows.Codes, make([]int32, batch))
	}
	for range inputs {
		s.rows.Inputs = append(s.rows.Inputs, make([]float64, batch))
	}
	if head.Format == dataset.LIBSVM {
		s.rows.Start = make([]int, 1, batch+1)
	}
	return s, nil
}

// panelRows is the rows of a panel of engine.OnlineRows.
const panelRows = 64

func padded(n int) int { return (n + panelRows - 1) / panelRows * panelRows }

func (o *Options) mostLevels() int {
	if o.MaxLevels == 0 {
		return DefaultMaxLevels
	}
	return o.MaxLevels
}

// originRows are the rows that an origin is taken from: no more than every head has, so that it does not depend on how many that are.
const originRows = 4096

// origin is the mean of numbers that lie far from 0, else 0.
func origin(n *dataset.Numbers) float64 {
	var m Moments
	values := make([]float64, min(n.Len(), originRows))
	n.Read(values, 0)
	for _, x := range values {
		if x == x {
			m.add(1, x)
		}
	}
	if mean := m.Mean(); math.Abs(mean) > far*m.Deviation() && mean-mean == 0 {
		return mean
	}
	return 0
}

// a fault is what is wrong with a row.
type fault struct {
	row, column int // column in the file
	err         error
}

// found keeps the first fault: of one row that of the first column.
func (f *fault) found(row int, c *dataset.Column, err func() error) {
	if f.err == nil || row < f.row || row == f.row && c.Index < f.column {
		f.row, f.column, f.err = row, c.Index, err()
	}
}

// Add takes the rows of a table of a stream. The error is that of the first row that cannot be taken; those before it are.
func (s *Stream) Add(t *dataset.Table) error {
	s.table = t
	bad := fault{row: t.Rows, column: math.MaxInt}
	labels, err := s.labels(t, &bad)
	if err != nil {
		return err
	}
	weights, offsets := s.role(t, s.o.Weight, "weight", &bad), s.role(t, s.o.Offset, "offset", &bad)
	if weights != nil {
		c, _ := t.Column(s.o.Weight)
		for row, v := range weights[:min(bad.row+1, t.Rows)] {
			if v < 0 {
				bad.found(row, c, func() error { return t.At(row, c, "the weight %v is negative", v) })
				break
			}
		}
	}
	// Which rows are in use, and whether the cells of these can be taken.
	s.use = s.use[:0]
	inputs := make([]*dataset.Column, len(s.columns))
	at := 0
	for _, c := range t.Columns {
		if at < len(s.columns) && c.Name == s.columns[at].Name {
			inputs[at] = c
			at++
		}
	}
	var gone []bool
	for i, col := range s.columns {
		if c := inputs[i]; c.Missing > 0 && s.o.Missing == MissingDrop {
			if gone == nil {
				gone = make([]bool, t.Rows)
			}
			c.MarkMissing(gone)
		} else if c.Missing > 0 && (col.Column.Missing == "" || col.Column.Missing == MissingLevel && c.Type == dataset.Numeric) {
			for row := range min(bad.row+1, t.Rows) {
				if c.IsMissing(row) && (weights == nil || weights[row] != 0) {
					bad.found(row, c, func() error { return missingCell(t, row, c) })
					break
				}
			}
		}
		if col.Type == Levels {
			s.checkLevels(t, col, inputs[i], &bad)
		}
	}
	for row := range min(bad.row, t.Rows) {
		switch {
		case weights != nil && weights[row] == 0:
			s.Idle++
		case gone != nil && gone[row]:
			s.Dropped++
		default:
			s.use = append(s.use, row)
		}
	}
	for from := 0; from < len(s.use); {
		to := min(from+s.batch-s.n, len(s.use))
		s.copy(t, inputs, labels, weights, offsets, s.use[from:to])
		from = to
		if s.n == s.batch {
			if err := s.emit(); err != nil {
				return err
			}
		}
	}
	return bad.err
}

// End hands over the last mini-batch, which may have fewer rows.
func (s *Stream) End() error {
	if s.n == 0 {
		return nil
	}
	return s.emit()
}

// labels are the classes of the rows.
func (s *Stream) labels(t *dataset.Table, bad *fault) ([]int32, error) {
	c, ok := t.Column(s.target)
	if !ok {
		return nil, t.NoColumn(s.target)
	}
	for code := len(s.label); code < len(c.Levels); code++ {
		k, ok := s.classes.Index(c.Levels[code])
		if !ok {
			k = unknownLabel
		}
		s.label = append(s.label, int32(k))
	}
	out := make([]int32, t.Rows)
	for row := range out {
		code := c.Codes[row]
		if code < 0 {
			bad.found(row, c, func() error { return t.At(row, c, "the label is missing; every row needs one") })
			break
		}
		if out[row] = s.label[code]; out[row] == unknownLabel {
			bad.found(row, c, func() error {
				e := t.At(row, c, "the label %q is none of the classes that the first rows have: %s", clip(c.Levels[code]), list(s.classes.Levels, 10))
				if e.Cure = "a stream has to know the classes from its first rows"; len(s.classes.Levels) == 2 {
					e.Cure += "; --positive LEVEL --against-rest sets one level against all others"
				}
				return e
			})
			break
		}
	}
	return out, nil
}

// role is a column of weights or offsets, which has no gaps.
func (s *Stream) role(t *dataset.Table, name, what string, bad *fault) []float64 {
	if name == "" {
		return nil
	}
	c, _ := t.Column(name)
	out := c.Numbers.Float64s()
	for row, v := range out[:t.Rows] {
		if v != v {
			bad.found(row, c, func() error { return t.At(row, c, "the %s is missing", what) })
			break
		}
	}
	return out
}

// checkLevels looks for a level too many, and for one that is called as a missing value is.
func (s *Stream) checkLevels(t *dataset.Table, col *streamed, c *dataset.Column, bad *fault) {
	most := s.o.mostLevels()
	if len(c.Levels) <= most {
		return
	}
	for row, code := range c.Codes[:min(bad.row+1, t.Rows)] {
		if int(code) >= most {
			bad.found(row, c, func() error {
				e := t.At(row, c, "%q is level number %d, more than %d", clip(c.Levels[code]), code+1, most)
				e.Cure = fmt.Sprintf("--exclude %s leaves the column out, --max-levels N allows them", c.Name)
				return e
			})
			break
		}
	}
}

// copy appends rows of a table to the mini-batch.
func (s *Stream) copy(t *dataset.Table, inputs []*dataset.Column, labels []int32, weights, offsets []float64, rows []int) {
	b, D := &s.rows, len(s.dense)
	if cap(s.some) < len(rows) {
		s.some = make([]float64, len(rows))
	}
	sets := s.classes.Sets()
	for i, row := range rows {
		k := labels[row]
		if sets == 1 {
			b.Inputs[0][s.n+i] = float64(k)
		} else {
			for q := range sets {
				b.Inputs[q][s.n+i] = 0
			}
			b.Inputs[k][s.n+i] = 1
		}
		w := weightOf(weights, row)
		if weights != nil {
			b.Inputs[s.s][s.n+i] = w
		}
		if offsets != nil {
			b.Inputs[s.off][s.n+i] = offsets[row]
		}
		s.Counts[k] += w
		s.WeightSum += w
	}
	for i, col := range s.columns {
		c := inputs[i]
		if c.Missing > 0 {
			col.gap(c)
		}
		if col.Type == Numeric {
			values := s.some[:len(rows)]
			readRowsOf(values, rows, c.Numbers)
			for r, x := s.n, values; len(x) > 0; {
				panel := b.Dense[(r/panelRows*D+col.dense)*panelRows+r%panelRows:][:min(len(x), panelRows-r%panelRows)]
				for k := range panel {
					panel[k] = x[k] - col.origin
				}
				r, x = r+len(panel), x[len(panel):]
			}
			if c.Missing > 0 {
				for _, x := range values {
					if x != x {
						col.absent++
					}
				}
			}
			if col.code >= 0 {
				to := b.Codes[col.code][s.n:]
				for k, x := range values {
					if to[k] = UnseenLevel; x != x {
						to[k], col.gaps = 0, true
					}
				}
			}
			continue
		}
		col.texts = c.Levels
		if n := len(c.Levels) + 1; n > len(col.counts) {
			col.counts = append(col.counts, make([]levelCount, n-len(col.counts))...)
		}
		to := b.Codes[col.code][s.n:]
		for k, row := range rows {
			code := c.Codes[row] + 1
			n := &col.counts[code]
			n.rows++
			n.weight += weightOf(weights, row)
			if code == 1 && col.Type == Boolean || code == 0 && col.Column.Missing != MissingLevel {
				code = UnseenLevel // 0, as far as the model is concerned
			}
			to[k] = code
		}
	}
	if p := t.Sparse; p != nil {
		s.feature = p.Features
		for _, row := range rows {
			lo, hi := p.Start[row], p.Start[row+1]
			b.Index = append(b.Index, p.Index[lo:hi]...)
			n := len(b.Value)
			b.Value = slices.Grow(b.Value, hi-lo)[:n+hi-lo]
			p.Values.Read(b.Value[n:], lo)
			b.Start = append(b.Start, len(b.Index))
		}
	}
	s.n += len(rows)
	s.Rows += len(rows)
}

// readRowsOf reads the numbers of rows.
func readRowsOf(out []float64, rows []int, n *dataset.Numbers) {
	for len(rows) > 0 {
		k := min(len(rows), blockRows)
		readRows(out[:k], rows[:k], n.Read)
		out, rows = out[k:], rows[k:]
	}
}

// gap remembers how missing values of a column are written.
func (c *streamed) gap(from *dataset.Column) {
	for _, na := range from.NA {
		if !slices.Contains(c.na, na.Text) {
			c.na = append(c.na, na.Text)
		}
	}
}

// emit hands the mini-batch over, with the moments of its numbers taken in.
func (s *Stream) emit() error {
	b, D := &s.rows, len(s.dense)
	var weights []float64
	if s.s >= 0 {
		weights = b.Inputs[s.s]
	}
	for d, col := range s.dense {
		m := &col.Moments
		for at := 0; at < s.n; at += panelRows {
			panel := b.Dense[(at/panelRows*D+d)*panelRows:][:panelRows]
			n := min(panelRows, s.n-at)
			clear(panel[n:]) // padding
			if weights == nil && !col.gaps {
				m.addAll(panel[:n])
				continue
			}
			for r, x := range panel[:n] {
				if x == x {
					m.add(weightOf(weights, at+r), x)
				}
			}
		}
		if err := m.finite(s.table, col.Name); err != nil {
			return err
		}
		if !col.gaps {
			continue
		}
		col.gaps = false
		mean := m.Mean()
		for at := 0; at < s.n; at += panelRows {
			panel := b.Dense[(at/panelRows*D+d)*panelRows:][:min(panelRows, s.n-at)]
			for r, x := range panel {
				if x != x {
					panel[r] = mean
				}
			}
		}
	}
	if b.Start != nil {
		if n := len(s.feature); n > len(s.sparse) {
			s.sparse = append(s.sparse, make([]Moments, n-len(s.sparse))...)
		}
		for r := range s.n {
			w := weightOf(weights, r)
			for i := b.Start[r]; i < b.Start[r+1]; i++ {
				m := &s.sparse[b.Index[i]]
				if m.add(w, b.Value[i]); m.High > mostSquared || m.Low < -mostSquared {
					return m.finite(s.table, dataset.FeatureName(s.feature[b.Index[i]]))
				}
			}
		}
	}
	b.Rows = s.n
	err := s.take(b)
	s.n = 0
	if b.Start != nil {
		b.Start, b.Index, b.Value = b.Start[:1], b.Index[:0], b.Value[:0]
	}
	return err
}

// Dense are the moments of the numbers of dense column d, less the column's origin.
func (s *Stream) Dense(d int) *Moments { return &s.dense[d].Moments }

// Levels says whether any column has levels.
func (s *Stream) Levels() bool {
	return slices.ContainsFunc(s.columns, func(c *streamed) bool { return c.Type == Levels })
}

// DenseColumns is the number of dense columns.
func (s *Stream) DenseColumns() int { return len(s.dense) }

// Sparse are the moments of the values of a sparse feature, where it is present.
func (s *Stream) Sparse(j int32) *Moments { return &s.sparse[j] }

// SparseDeviation is the deviation of a sparse feature over all rows.
func (s *Stream) SparseDeviation(j int32) float64 {
	m := s.sparse[j].withZeros(s.Rows, s.WeightSum)
	return m.Deviation()
}

// Tally is how many rows in use have no value in a column, and how many each of its levels.
func (s *Stream) Tally(column string) (missing int, levels []doctor.Tally) {
	if c := s.named[column]; c != nil {
		missing = c.absent
		for code, n := range c.counts {
			switch {
			case code == 0:
				missing = n.rows
			case n.rows > 0:
				levels = append(levels, doctor.Tally{Level: c.texts[code-1], Rows: n.rows})
			}
		}
	}
	return missing, levels
}

// A Place is where a term of a stream's encoding is stored: a dense column, a level of a code column, or a sparse feature.
type Place struct {
	Dense, Codes, Level, Sparse int     // -1: not there
	Origin                      float64 // what was taken off numbers
}

// Encoding is what was learnt of the columns, its levels sorted, and where the weight of every term is. Without rows in use there is none. The error is a column without a
// value, or one whose numbers float64 cannot add.
func (s *Stream) Encoding(t *dataset.Table) (*Encoding, []Place, error) {
	e := &Encoding{Weight: s.o.Weight, Offset: s.o.Offset, Sparse: s.rows.Start != nil}
	var places []Place
	nowhere := Place{-1, -1, -1, -1, 0}
	for _, col := range s.columns {
		c := col.Column
		at, _ := t.Column(c.Name)
		if c.Type == Numeric {
			m := &col.Moments
			if m.Rows == 0 {
				return nil, nil, t.At(-1, at, "the column has no value in the training rows; --exclude %s leaves it out", c.Name)
			}
			c.Mean, c.Deviation, c.Min, c.Max = m.Mean()+col.origin, m.Deviation(), m.Low+col.origin, m.High+col.origin
			if c.Min == c.Max {
				c.Mean, c.Deviation = c.Min, 0
			}
			if err := c.finite(t, at); err != nil {
				return nil, nil, err
			}
			e.Terms = append(e.Terms, Term{Name: c.Name, Column: c.Name, Kind: KindNumeric})
			p := nowhere
			p.Dense, p.Origin = col.dense, col.origin
			places = append(places, p)
			if col.absent > 0 {
				e.Terms = append(e.Terms, Term{Name: c.Name + "=" + missingLevel, Column: c.Name, Kind: KindIndicator})
				p := nowhere
				p.Codes, p.Level = col.code, 0
				places = append(places, p)
			}
			e.Columns = append(e.Columns, c)
			continue
		}
		level := map[string]int{}
		for code, text := range col.texts[:max(len(col.counts)-1, 0)] {
			if col.counts[code+1].rows > 0 || c.Type == Boolean {
				c.Levels = append(c.Levels, text)
				level[text] = code + 1
			}
		}
		if c.Type == Levels {
			sortTexts(c.Levels)
		} else {
			c.Base = c.Levels[0]
		}
		if len(col.counts) > 0 && col.counts[0].rows > 0 && c.Missing == MissingLevel {
			if err := col.missingAs(t, at, &c); err != nil {
				return nil, nil, err
			}
			level[c.MissingAs] = 0
		}
		if len(c.Levels) == 0 {
			return nil, nil, t.At(-1, at, "the column has no value in the training rows; --exclude %s leaves it out", c.Name)
		}
		for _, text := range c.Levels {
			if text == c.Base && c.Base != "" {
				continue
			}
			e.Terms = append(e.Terms, Term{Name: c.Name + "=" + text, Column: c.Name, Kind: KindLevel, Level: text})
			p := nowhere
			p.Codes, p.Level = col.code, level[text]
			places = append(places, p)
		}
		e.Columns = append(e.Columns, c)
	}
	order := make([]int, len(s.sparse))
	for j := range order {
		order[j] = j
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(s.feature[a], s.feature[b]) })
	for _, j := range order {
		if s.sparse[j].Rows == 0 {
			continue
		}
		m := s.sparse[j].withZeros(s.Rows, s.WeightSum)
		name := dataset.FeatureName(s.feature[j])
		c := Column{Name: name, Type: Numeric, Mean: m.Mean(), Deviation: m.Deviation(), Min: m.Low, Max: m.High}
		if c.Min == c.Max {
			c.Mean = c.Min
		}
		if err := c.finite(t, nil); err != nil {
			return nil, nil, err
		}
		e.Columns = append(e.Columns, c)
		e.Terms = append(e.Terms, Term{Name: name, Column: name, Kind: KindNumeric})
		p := nowhere
		p.Sparse = j
		places = append(places, p)
	}
	return e, places, nil
}

// finite refuses a column without a deviation that its weight can be divided by.
func (c *Column) finite(t *dataset.Table, at *dataset.Column) error {
	if v := c.Mean + c.Deviation; v-v != 0 || c.Min < c.Max && (c.Deviation == 0 || math.IsInf(1/c.Deviation, 0)) {
		return t.At(-1, at, "the numbers of %s, from %g to %g, have no deviation that float64 can hold; rescale it", c.Name, c.Min, c.Max)
	}
	return nil
}

// missingAs is missingAs of a column of a stream.
func (c *streamed) missingAs(t *dataset.Table, at *dataset.Column, out *Column) error {
	of := &dataset.Column{Name: out.Name, Index: at.Index, Levels: out.Levels}
	for _, text := range c.na {
		of.NA = append(of.NA, dataset.NA{Text: text})
	}
	return missingAs(t, of, out)
}

// sortTexts sorts levels as a table has them: by value where all are numbers, else by bytes.
func sortTexts(levels []string) {
	values := make(map[string]float64, len(levels))
	for _, l := range levels {
		v, ok := dataset.ParseNumber([]byte(l))
		if !ok {
			slices.Sort(levels)
			return
		}
		values[l] = v
	}
	slices.SortFunc(levels, func(a, b string) int { return cmp.Or(cmp.Compare(values[a], values[b]), cmp.Compare(a, b)) })
}
