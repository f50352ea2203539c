package encode

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/internal/parallel"
)

// Learnt is what [Learn] found: the encoding, and the training rows it may be used on.
type Learnt struct {
	Encoding *Encoding
	Rows     []int     // training rows in use, ascending: none without a weight
	Weights  []float64 // s of every table row; nil without a weight column
	Offsets  []float64 // o of every table row; nil without an offset column
	Dropped  int       // rows left out for a missing value
	Replaced []string  // columns whose straight line is in the spline of them, which takes their place

	rows     int // of the table
	formulas []Formula
}

// Learn decides how the columns of t become inputs. Every column in the table but the target, the weight and the offset is one. rows are
// the training rows (nil: all): levels, means and deviations come from them alone, weighted by the weight column, so that
// weight k is the row k times.
//
// Errors carry file, line and column: a missing value where the policy is error (the first ten, then a count), a weight that is negative,
// a column with more levels than o.MaxLevels, a base level that does not occur.
func Learn(t *dataset.Table, target string, rows []int, o Options) (*Learnt, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	l := &Learnt{Encoding: &Encoding{Weight: o.Weight, Offset: o.Offset, Sparse: t.Sparse != nil || t.Format == dataset.LIBSVM}, rows: t.Rows}
	if rows == nil {
		rows = all(t.Rows)
	}
	var err error
	if l.Weights, err = weights(t, o.Weight, rows); err != nil {
		return nil, err
	}
	if l.Offsets, err = Numbers(t, o.Offset, "offset"); err != nil {
		return nil, err
	}
	if l.Weights != nil { // weight k is the row k times, so weight 0 is no row
		rows = slices.DeleteFunc(slices.Clone(rows), func(row int) bool { return l.Weights[row] == 0 })
	}
	if err := l.names(t, target, o); err != nil {
		return nil, err
	}
	var inputs []*dataset.Column
	for _, c := range t.Columns {
		if c.Name != target && c.Name != o.Weight && c.Name != o.Offset && (!slices.Contains(o.Aside, c.Name) || slices.Contains(o.Only, c.Name)) && t.Sparse == nil {
			inputs = append(inputs, c)
		}
	}
	if l.Rows, err = l.missing(t, inputs, rows, o); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(o.Base)) {
		if name == target || name == o.Weight || name == o.Offset || slices.Contains(o.Aside, name) {
			return nil, fmt.Errorf("column %q has no base level: it is no input", name)
		}
		if o.isMonthOrDow(name) {
			continue
		}
		c, ok := t.Column(name)
		if !ok {
			return nil, t.NoColumn(name)
		}
		if o.date(name) != nil {
			return nil, t.At(-1, c, "it holds dates and has no base level; its month and day of the week have, as in --base %s:month=jan", name)
		}
		if c.Type == dataset.Numeric {
			return nil, t.At(-1, c, "it is numeric and has no base level; --categorical %s makes it levels", name)
		}
	}
	if err := l.columns(t, inputs, o); err != nil {
		return nil, err
	}
	if err := l.compute(t, o); err != nil {
		return nil, err
	}
	if t.Sparse != nil {
		if err := l.sparse(t); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func all(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// Numbers is the column of that name, which must be numeric and have no gaps; role is what errors call it.
// It is nil if there is no name.
func Numbers(t *dataset.Table, name, role string) ([]float64, error) {
	if name == "" {
		return nil, nil
	}
	c, ok := t.Column(name)
	if !ok {
		return nil, t.NoColumn(name)
	}
	if c.Type != dataset.Numeric {
		return nil, t.At(-1, c, "the %s must be a number; the column holds %s", role, c.Type)
	}
	if row, text, ok := c.FirstMissing(); ok {
		return nil, t.At(row, c, "the %s is missing%s", role, shown(text))
	}
	return c.Numbers.Float64s(), nil
}

func weights(t *dataset.Table, name string, rows []int) ([]float64, error) {
	s, err := Numbers(t, name, "weight")
	if s == nil || err != nil {
		return nil, err
	}
	c, _ := t.Column(name)
	var sum float64
	for row, v := range s {
		if v < 0 {
			return nil, t.At(row, c, "the weight %v is negative", v)
		}
	}
	for _, row := range rows {
		sum += s[row]
	}
	if sum == 0 {
		return nil, t.At(-1, c, "all weights are 0")
	}
	if math.IsInf(sum, 0) {
		return nil, t.At(-1, c, "the weights add up to more than float64 can hold")
	}
	return s, nil
}

func shown(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(" (%q)", text)
}

// missing applies the policy to the training rows: it returns those that stay, or the errors.
func (l *Learnt) missing(t *dataset.Table, inputs []*dataset.Column, rows []int, o Options) ([]int, error) {
	refuses := func(c *dataset.Column) bool { // this column has no policy for a missing value
		return o.Missing == "" || o.Missing == MissingError || o.Missing == MissingLevel && (c.Type == dataset.Numeric || o.date(c.Name) != nil)
	}
	var gaps []*dataset.Column
	for _, c := range inputs {
		if c.Missing > 0 {
			gaps = append(gaps, c)
		}
	}
	if len(gaps) == 0 {
		return rows, nil
	}
	kept := rows
	if o.Missing == MissingDrop {
		gone := make([]bool, t.Rows)
		for _, c := range gaps {
			c.MarkMissing(gone)
		}
		kept = slices.DeleteFunc(slices.Clone(rows), func(row int) bool { return gone[row] })
		l.Dropped = len(rows) - len(kept)
		if len(kept) == 0 {
			return nil, t.At(-1, nil, "every row has a missing value in %s; nothing is left to train on", names(gaps))
		}
	} else {
		e := &dataset.Errors{}
		for _, row := range rows {
			for _, c := range gaps {
				if !refuses(c) || !c.IsMissing(row) {
					continue
				}
				e.Total++
				if len(e.List) < 10 {
					one := missingCell(t, row, c)
					if o.date(c.Name) != nil {
						one.Cure = "--missing drop leaves such rows out, --missing mean puts the mean of its numbers, no weight for its levels, and an indicator"
					}
					e.List = append(e.List, one)
				}
			}
		}
		if e.Total > 0 {
			return nil, e
		}
	}
	return kept, nil
}

// missingCell is the error for a missing value where the policy is error.
func missingCell(t *dataset.Table, row int, c *dataset.Column) *dataset.Error {
	what := "a value is missing"
	if len(c.NA) == 1 { // else it is not kept which text stood where
		what = "a value is missing (the cell is empty)"
		if text := c.NA[0].Text; text != "" {
			what = fmt.Sprintf("a value is missing (%q)", text)
		}
	}
	e := t.At(row, c, "%s", what)
	e.Cure = "--missing drop leaves such rows out, --missing mean puts the mean and an indicator"
	if c.Type != dataset.Numeric {
		e.Cure = "--missing level makes it a level of its own, --missing drop leaves such rows out"
	}
	return e
}

func names(cs []*dataset.Column) string {
	n := make([]string, len(cs))
	for i, c := range cs {
		n[i] = fmt.Sprintf("%q", c.Name)
	}
	return list(n, 10)
}

// weight of a table row.
func (l *Learnt) weight(row int) float64 {
	if l.Weights == nil {
		return 1
	}
	return l.Weights[row]
}

// columns learns all columns and appends their terms. Of several errors it is that of the first column.
func (l *Learnt) columns(t *dataset.Table, inputs []*dataset.Column, o Options) error {
	outs, errs := make([]Column, len(inputs)), make([]error, len(inputs))
	var numeric []*moments
	at := make([]int, 0, len(inputs)) // their places in inputs
	for i, c := range inputs {
		out := &outs[i]
		*out = Column{Name: c.Name, Missing: o.Missing, Unseen: o.Unseen}
		if out.Missing == MissingError {
			out.Missing = ""
		}
		if out.Unseen == UnseenError {
			out.Unseen = ""
		}
		if o.date(c.Name) != nil {
			out.Type, out.Unseen = DateType, ""
		} else if c.Type == dataset.Numeric {
			out.Type, out.Unseen = Numeric, ""
			if d, _, _, ok := c.Numbers.Decimal(); ok && t.Format != dataset.LIBSVM {
				out.Decimals = &d
			}
			numeric, at = append(numeric, l.newMoments(c.Numbers, out)), append(at, i)
		} else if out.Missing == MissingMean {
			out.Missing = MissingLevel
		}
	}
	runMoments(numeric, len(l.Rows), (*moments).sums)
	var squares []*moments
	for k, m := range numeric {
		if errs[at[k]] = m.endSums(t, inputs[at[k]]); errs[at[k]] == nil && m.needsSquares {
			squares = append(squares, m)
		}
	}
	runMoments(squares, len(l.Rows), (*moments).squares)
	gaps := make([]bool, len(inputs))
	for k, m := range numeric {
		i := at[k]
		gaps[i] = m.total.gaps
		if m.needsSquares {
			errs[i] = m.endSquares(t, inputs[i])
		}
	}
	parallel.Pieces(0, len(inputs), 1, func(i, _, _ int) {
		if d := o.date(inputs[i].Name); d != nil {
			gaps[i], errs[i] = l.dates(t, inputs[i], &outs[i], d)
		} else if inputs[i].Type != dataset.Numeric {
			errs[i] = l.levels(t, inputs[i], &outs[i], o)
		}
	})
	for i, c := range inputs {
		if errs[i] != nil {
			return errs[i]
		}
		l.append(outs[i], gaps[i], !l.inTerms(c.Name, o))
	}
	return nil
}

// append adds a column and its terms to the encoding. One that is no input by itself still has an indicator of its missing values, which what is computed
// from it has not.
func (l *Learnt) append(out Column, gaps, input bool) {
	e := l.Encoding
	e.Columns = append(e.Columns, out)
	if !out.HasLevels() {
		if input && out.Type == Numeric {
			e.Terms = append(e.Terms, Term{Name: out.Name, Column: out.Name, Kind: KindNumeric})
		}
		if gaps && out.Missing == MissingMean {
			e.Terms = append(e.Terms, Term{Name: out.Name + "=" + missingLevel, Column: out.Name, Kind: KindIndicator})
		}
		return
	}
	for _, level := range out.Levels {
		if input && (level != out.Base || out.Base == "") {
			e.Terms = append(e.Terms, Term{Name: out.Name + "=" + level, Column: out.Name, Kind: KindLevel, Level: level})
		}
	}
}

// levels decides which levels the column has and which of them has no weight.
func (l *Learnt) levels(t *dataset.Table, c *dataset.Column, out *Column, o Options) error {
	out.Type = Levels
	if c.Type == dataset.Boolean {
		out.Type = Boolean
	}
	counts, missing := l.count(c)
	gaps := missing > 0
	other := false
	for code, level := range c.Levels {
		switch {
		case out.Type == Boolean:
			out.Levels = append(out.Levels, level) // both sides, also one that did not occur
		case counts[code] == 0:
		case counts[code] < float64(o.MinLevelCount):
			out.Rare = append(out.Rare, level)
			other = true
		default:
			out.Levels = append(out.Levels, level)
		}
	}
	if other && !slices.Contains(out.Levels, otherLevel) {
		out.Levels = append(out.Levels, otherLevel)
	}
	if gaps && out.Missing == MissingLevel {
		if err := missingAs(t, c, out); err != nil {
			return err
		}
	}
	if len(out.Levels) == 0 {
		return t.At(-1, c, "the column has no value in the training rows; --exclude %s leaves it out", c.Name)
	}
	most := o.MaxLevels
	if most == 0 {
		most = DefaultMaxLevels
	}
	if len(out.Levels) > most {
		e := t.At(-1, c, "it has %d levels, more than %d; --exclude %s leaves it out, --min-level-count K joins rare ones, --max-levels N allows them", len(out.Levels), most, c.Name)
		if holdsDates(out.Levels) {
			e.Cure = "of dates --date " + c.Name + ":year,month,dow,days takes parts"
		}
		return e
	}
	base, asked := o.Base[c.Name]
	if asked && !slices.Contains(out.Levels, base) {
		return t.At(-1, c, "the base level %q does not occur in the training rows; its levels are %s%s", base, list(out.Levels, 10), didYouMean(base, out.Levels))
	}
	full := o.full()
	switch {
	case out.Type == Boolean: // one input whatever the coding: a truth value is one number
		if !asked {
			base = out.Levels[0]
		}
		out.Base = base
	case asked:
		out.Base = base
	case !full:
		out.Base = out.Levels[0]
	}
	return nil
}

// count is the sum of the weights of every level in the training rows, and the number of rows without a level.
func (l *Learnt) count(c *dataset.Column) (counts []float64, missing int) {
	counts = make([]float64, len(c.Levels))
	if l.Weights == nil && len(l.Rows) == l.rows { // the reader has counted
		for code, n := range c.Counts {
			counts[code] = float64(n)
		}
		return counts, c.Missing
	}
	var codes [blockRows]int32
	for from := 0; from < len(l.Rows); from += blockRows {
		rows := l.Rows[from:min(from+blockRows, len(l.Rows))]
		out := codes[:len(rows)]
		readRows(out, rows, c.ReadCodes)
		for k, code := range out {
			if code >= 0 {
				counts[code] += l.weight(rows[k])
			} else {
				missing++
			}
		}
	}
	return counts, missing
}

// missingAs makes a missing value a level: under the text that stands in the file where that is always the same, else as "missing".
func missingAs(t *dataset.Table, c *dataset.Column, out *Column) error {
	name := missingLevel
	if len(c.NA) == 1 && c.NA[0].Text != "" {
		name = c.NA[0].Text
	}
	if slices.Contains(c.Levels, name) {
		return t.At(-1, c, "it has a level %q, which is what --missing level calls a missing value; rename one of them", name)
	}
	out.MissingAs = name
	if name == missingLevel || out.Type == Boolean {
		out.Levels = append(out.Levels, name)
		return nil
	}
	at := slices.IndexFunc(out.Levels, func(l string) bool { return l > name || l == otherLevel })
	if at < 0 {
		at = len(out.Levels)
	}
	out.Levels = slices.Insert(out.Levels, at, name)
	return nil
}

// entry is what the rows that name a feature add up to.
type entry struct {
	rows        int
	seen        float64 // Σ s
	sum, square float64 // Σ s x, Σ s x²
	low, high   float64
}

func (e *entry) add(s, x float64) {
	if e.rows == 0 {
		e.low, e.high = x, x
	}
	if x < e.low {
		e.low = x
	}
	if x > e.high {
		e.high = x
	}
	e.rows++
	e.seen += s
	sx := float64(s * x)
	e.sum += sx
	e.square += float64(sx * x)
}

func (e *entry) join(o *entry) {
	if o.rows == 0 {
		return
	}
	if e.rows == 0 {
		e.low, e.high = o.low, o.high
	}
	e.low, e.high = math.Min(e.low, o.low), math.Max(e.high, o.high)
	e.rows += o.rows
	e.seen += o.seen
	e.sum += o.sum
	e.square += o.square
}

// fewDigits is the share of a sum of squares below which the squares around the mean are not taken from it: 4 of 16 digits would be lost.
const fewDigits = 1e-4

// mostSparsePieces bounds the memory for sums, one set of all features for each piece of the rows.
const mostSparsePieces = 16

// sparse learns LIBSVM's features: a value that a row does not name is 0.
func (l *Learnt) sparse(t *dataset.Table) error {
	s := t.Sparse
	n := len(s.Features)
	// A piece has more entries than there are features, so that joining them costs little.
	pieces := min(max(len(s.Index)/(4*(n+1)), 1), mostSparsePieces)
	size := max(parallel.Count(len(l.Rows), pieces), 1)
	parts := make([][]entry, parallel.Count(len(l.Rows), size))
	weight := make([]float64, len(parts))
	parallel.Pieces(0, len(l.Rows), size, func(piece, from, to int) {
		entries := make([]entry, n)
		var sum float64
		var values []float64
		for _, row := range l.Rows[from:to] {
			w := l.weight(row)
			sum += w
			lo, hi := s.Start[row], s.Start[row+1]
			values = s.Row(values, row)
			for k, j := range s.Index[lo:hi] {
				entries[j].add(w, values[k])
			}
		}
		parts[piece], weight[piece] = entries, sum
	})
	total := make([]entry, n)
	var m float64
	for piece := range parts {
		m += weight[piece]
	}
	parallel.Pieces(0, n, 4096, func(_, from, to int) {
		for _, part := range parts {
			for j := from; j < to; j++ {
				total[j].join(&part[j])
			}
		}
	})
	// Σ s (x - mean)², from the squares where enough digits are left, else by a second look at the rows.
	around, again := make([]float64, n), false
	for j := range total {
		e := &total[j]
		mean := e.sum / m
		around[j] = e.square - float64(e.sum*mean)
		again = again || around[j] < fewDigits*e.square || !(e.square < math.MaxFloat64)
	}
	if again {
		l.aroundMean(t, size, total, m, around)
	}
	names := s.Names()
	l.Encoding.Columns, l.Encoding.Terms = make([]Column, 0, n), make([]Term, 0, n)
	for j, name := range names {
		e := &total[j]
		c := Column{Name: name, Type: Numeric, Mean: e.sum / m, Min: e.low, Max: e.high}
		if e.rows < len(l.Rows) {
			c.Min, c.Max = math.Min(c.Min, 0), math.Max(c.Max, 0)
		}
		if c.Min == c.Max {
			c.Mean = c.Min
		} else {
			c.Deviation = math.Sqrt(around[j] / m)
		}
		if math.IsInf(c.Deviation, 0) || math.IsNaN(c.Deviation) {
			return t.At(-1, nil, "the numbers of %s reach from %g to %g, further than float64 can square; rescale it", name, c.Min, c.Max)
		}
		l.Encoding.Columns = append(l.Encoding.Columns, c)
		l.Encoding.Terms = append(l.Encoding.Terms, Term{Name: name, Column: name, Kind: KindNumeric})
	}
	return nil
}

// aroundMean is Σ s (x - mean)² of every feature, in pieces of the given size.
func (l *Learnt) aroundMean(t *dataset.Table, size int, total []entry, m float64, around []float64) {
	s := t.Sparse
	mean := make([]float64, len(total))
	for j := range total {
		mean[j] = total[j].sum / m
	}
	parts := make([][]float64, parallel.Count(len(l.Rows), size))
	parallel.Pieces(0, len(l.Rows), size, func(piece, from, to int) {
		sum := make([]float64, len(total))
		var values []float64
		for _, row := range l.Rows[from:to] {
			w := l.weight(row)
			values = s.Row(values, row)
			for k, j := range s.Index[s.Start[row]:s.Start[row+1]] {
				d := values[k] - mean[j]
				sum[j] += float64(float64(w*d) * d)
			}
		}
		parts[piece] = sum
	})
	for j := range total {
		around[j] = float64(float64((m-total[j].seen)*mean[j]) * mean[j])
		for _, p := range parts {
			around[j] += p[j]
		}
	}
}
