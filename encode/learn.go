package encode

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/descent-ml/descent/dataset"
)

// Learnt is what [Learn] found: the encoding, and the training rows it may be used on.
type Learnt struct {
	Encoding *Encoding
	Rows     []int     // training rows in use, ascending: none without a weight
	Weights  []float64 // s of every table row; nil without a weight column
	Offsets  []float64 // o of every table row; nil without an offset column
	Dropped  int       // rows left out for a missing value
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
	l := &Learnt{Encoding: &Encoding{Weight: o.Weight, Offset: o.Offset, Sparse: t.Sparse != nil}}
	if rows == nil {
		rows = make([]int, t.Rows)
		for i := range rows {
			rows[i] = i
		}
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
	var inputs []*dataset.Column
	for _, c := range t.Columns {
		if c.Name != target && c.Name != o.Weight && c.Name != o.Offset && t.Sparse == nil {
			inputs = append(inputs, c)
		}
	}
	if l.Rows, err = l.missing(t, inputs, rows, o); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(o.Base)) {
		if name == target || name == o.Weight || name == o.Offset {
			return nil, fmt.Errorf("column %q has no base level: it is no input", name)
		}
		c, ok := t.Column(name)
		if !ok {
			return nil, t.NoColumn(name)
		}
		if c.Type == dataset.Numeric {
			return nil, t.At(-1, c, "it is numeric and has no base level; --categorical %s makes it levels", name)
		}
	}
	for _, c := range inputs {
		if err := l.column(t, c, o); err != nil {
			return nil, err
		}
	}
	if t.Sparse != nil {
		if err := l.sparse(t); err != nil {
			return nil, err
		}
	}
	return l, nil
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
		return o.Missing == "" || o.Missing == MissingError || o.Missing == MissingLevel && c.Type == dataset.Numeric
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
		kept = slices.DeleteFunc(slices.Clone(rows), func(row int) bool {
			return slices.ContainsFunc(gaps, func(c *dataset.Column) bool { return c.IsMissing(row) })
		})
		l.Dropped = len(rows) - len(kept)
		if len(kept) == 0 {
			return nil, t.At(-1, nil, "every row has a missing value in %s; nothing is left to train on", names(gaps))
		}
	} else {
		e := &dataset.Errors{}
		for _, row := range rows {
			for _, c := range gaps {
				if !c.IsMissing(row) || !refuses(c) {
					continue
				}
				e.Total++
				if len(e.List) < 10 {
					e.List = append(e.List, missingCell(t, row, c))
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

// column learns one column and appends its terms.
func (l *Learnt) column(t *dataset.Table, c *dataset.Column, o Options) error {
	out := Column{Name: c.Name, Missing: o.Missing, Unseen: o.Unseen}
	if out.Missing == MissingError {
		out.Missing = ""
	}
	if out.Unseen == UnseenError {
		out.Unseen = ""
	}
	if c.Type == dataset.Numeric {
		out.Unseen = ""
		gaps, err := l.numeric(t, c, &out)
		if err != nil {
			return err
		}
		l.Encoding.Columns = append(l.Encoding.Columns, out)
		l.Encoding.Terms = append(l.Encoding.Terms, Term{Name: c.Name, Column: c.Name, Kind: KindNumeric})
		if gaps && out.Missing == MissingMean {
			l.Encoding.Terms = append(l.Encoding.Terms, Term{Name: c.Name + "=" + missingLevel, Column: c.Name, Kind: KindIndicator})
		}
		return nil
	}
	if out.Missing == MissingMean {
		out.Missing = MissingLevel
	}
	if err := l.levels(t, c, &out, o); err != nil {
		return err
	}
	l.Encoding.Columns = append(l.Encoding.Columns, out)
	for _, level := range out.Levels {
		if level != out.Base || out.Base == "" {
			l.Encoding.Terms = append(l.Encoding.Terms, Term{Name: c.Name + "=" + level, Column: c.Name, Kind: KindLevel, Level: level})
		}
	}
	return nil
}

// numeric finds mean, deviation and range in two passes over the training rows, which keeps the digits of a column far from 0.
func (l *Learnt) numeric(t *dataset.Table, c *dataset.Column, out *Column) (gaps bool, err error) {
	out.Type = Numeric
	out.Min, out.Max = math.Inf(1), math.Inf(-1)
	var sum, m float64
	for _, row := range l.Rows {
		x := c.Numbers.At(row)
		if math.IsNaN(x) {
			gaps = true
			continue
		}
		s := l.weight(row)
		m += s
		sum += s * (x / 2) // halves cannot overflow together
		out.Min, out.Max = math.Min(out.Min, x), math.Max(out.Max, x)
	}
	if m == 0 {
		return gaps, t.At(-1, c, "the column has no value in the training rows; --exclude %s leaves it out", c.Name)
	}
	if out.Min == out.Max { // the mean of equal numbers is that number, to the bit
		out.Mean = out.Min
		return gaps, nil
	}
	mean := sum / m * 2
	if math.IsInf(mean, 0) || math.IsInf(out.Max-out.Min, 0) {
		return gaps, t.At(-1, c, "its numbers reach from %g to %g, further than float64 can add; rescale the column", out.Min, out.Max)
	}
	unit := out.Max - out.Min // squares of shares of it neither overflow nor vanish
	var first, square float64
	for _, row := range l.Rows {
		if x := c.Numbers.At(row); !math.IsNaN(x) {
			d := (x - mean) / unit
			s := l.weight(row)
			first += s * d
			square += s * d * d
		}
	}
	first /= m
	out.Mean = mean + first*unit
	out.Deviation = unit * math.Sqrt(math.Max(0, square/m-first*first))
	if math.IsInf(sum, 0) || out.Deviation == 0 || math.IsInf(1/out.Deviation, 0) {
		return gaps, t.At(-1, c, "its numbers, from %g to %g, have no deviation that float64 can hold: they lie at an end of its range, or one row has nearly all the weight", out.Min, out.Max)
	}
	return gaps, nil
}

// levels decides which levels the column has and which of them has no weight.
func (l *Learnt) levels(t *dataset.Table, c *dataset.Column, out *Column, o Options) error {
	out.Type = Levels
	if c.Type == dataset.Boolean {
		out.Type = Boolean
	}
	counts := make([]float64, len(c.Levels)) // Σ s
	gaps := false
	for _, row := range l.Rows {
		if code := c.Codes[row]; code >= 0 {
			counts[code] += l.weight(row)
		} else {
			gaps = true
		}
	}
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
		return t.At(-1, c, "it has %d levels, more than %d; --exclude %s leaves it out, --min-level-count K joins rare ones, --max-levels N allows them", len(out.Levels), most, c.Name)
	}
	base, asked := o.Base[c.Name]
	if asked && !slices.Contains(out.Levels, base) {
		return t.At(-1, c, "the base level %q does not occur in the training rows; its levels are %s%s", base, list(out.Levels, 10), didYouMean(base, out.Levels))
	}
	full := o.Coding == CodingFull || (o.Coding == "" || o.Coding == CodingAuto) && o.Penalised
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

// sparse learns LIBSVM's features: a value that a row does not name is 0.
func (l *Learnt) sparse(t *dataset.Table) error {
	s := t.Sparse
	n := len(s.Features)
	sum, square, seen := make([]float64, n), make([]float64, n), make([]float64, n)
	low, high := make([]float64, n), make([]float64, n)
	rows := make([]int, n)
	var m float64
	for _, row := range l.Rows {
		w := l.weight(row)
		m += w
		for k := s.Start[row]; k < s.Start[row+1]; k++ {
			j, x := s.Index[k], s.Value[k]
			sum[j] += w * x
			seen[j] += w
			low[j], high[j] = math.Min(low[j], x), math.Max(high[j], x)
			if rows[j] == 0 {
				low[j], high[j] = x, x
			}
			rows[j]++
		}
	}
	for j := range sum {
		sum[j] /= m // the mean
	}
	for _, row := range l.Rows {
		w := l.weight(row)
		for k := s.Start[row]; k < s.Start[row+1]; k++ {
			j := s.Index[k]
			d := s.Value[k] - sum[j]
			square[j] += w * d * d
		}
	}
	for j, name := range s.Names() {
		c := Column{Name: name, Type: Numeric, Mean: sum[j], Min: low[j], Max: high[j]}
		if rows[j] < len(l.Rows) {
			c.Min, c.Max = math.Min(c.Min, 0), math.Max(c.Max, 0)
		}
		if c.Min == c.Max {
			c.Mean = c.Min
		} else {
			c.Deviation = math.Sqrt((square[j] + (m-seen[j])*sum[j]*sum[j]) / m)
		}
		if math.IsInf(c.Deviation, 0) || math.IsNaN(c.Deviation) {
			return t.At(-1, nil, "the numbers of %s reach from %g to %g, further than float64 can square; rescale it", name, c.Min, c.Max)
		}
		l.Encoding.Columns = append(l.Encoding.Columns, c)
		l.Encoding.Terms = append(l.Encoding.Terms, Term{Name: name, Column: name, Kind: KindNumeric})
	}
	return nil
}
