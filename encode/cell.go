package encode

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/descent-ml/descent/dataset"
)

// Cell is one column's value as a model sees it. The zero Cell is the number 0, or the first level.
type Cell struct {
	Number  float64
	Level   int32 // index into Column.Levels, or UnseenLevel
	Missing bool  // only where the column's policy gives a missing value a meaning
}

// UnseenLevel marks a level that did not occur in training, where the policy is baseline.
const UnseenLevel = -1

// Reader turns texts, numbers and truth values into cells by the rules of an encoding. It is read only after
// [Encoding.NewReader] and safe for concurrent use. Its errors say what is wrong with the value, not where it stands.
type Reader struct {
	encoding *Encoding
	missing  *dataset.Missing
	columns  []columnReader

	computers []computer
}

type columnReader struct {
	levels  map[string]int32 // also rare levels, and both spellings of a boolean
	missing int32            // code of the level "missing", -1 if there is none
}

// NewReader prepares the rules of e.
func (e *Encoding) NewReader() *Reader {
	r := &Reader{encoding: e, missing: dataset.NewMissing(e.NA), columns: make([]columnReader, len(e.Columns)), computers: newComputers(e)}
	for i := range e.Columns {
		c := &e.Columns[i]
		cr := columnReader{missing: -1}
		if c.HasLevels() {
			cr.levels = make(map[string]int32, len(c.Levels)+len(c.Rare))
			for code, level := range c.Levels {
				cr.levels[level] = int32(code)
				if level == c.MissingAs {
					cr.missing = int32(code)
				}
			}
			if other, ok := cr.levels[otherLevel]; ok {
				for _, level := range c.Rare {
					cr.levels[level] = other
				}
			}
		}
		r.columns[i] = cr
	}
	return r
}

// Text reads a cell of a file. Blanks around it count only in the name of a level.
func (r *Reader) Text(column int, text []byte) (Cell, error) {
	c := &r.encoding.Columns[column]
	bare := bytes.Trim(text, " \t")
	if r.missing.Is(bare) {
		return r.Missing(column, string(bare))
	}
	switch c.Type {
	case Numeric:
		v, ok := dataset.ParseNumber(bare)
		if !ok {
			return Cell{}, fmt.Errorf("%q is not a number", clip(string(text)))
		}
		return Cell{Number: v}, nil
	case DateType:
		v, ok := parseDate(c.Order, string(bare))
		if !ok {
			return Cell{}, fmt.Errorf("%q is not a date of the form of training (%s)", clip(string(text)), orderWords[c.Order])
		}
		return Cell{Number: v}, nil
	case Boolean:
		if code, ok := r.columns[column].levels[strings.ToLower(string(bare))]; ok {
			return Cell{Level: code}, nil
		}
		return Cell{}, fmt.Errorf("%q is not one of %s", clip(string(text)), list(c.Levels, 3))
	}
	if code, ok := r.columns[column].levels[string(text)]; ok {
		return Cell{Level: code}, nil
	}
	return r.unseen(c, string(text))
}

// Number reads a number that is one already.
func (r *Reader) Number(column int, v float64) (Cell, error) {
	c := &r.encoding.Columns[column]
	if v != v && c.Type == DateType {
		return r.Missing(column, "NaN")
	}
	if c.Type != Numeric {
		return r.Text(column, []byte(canonicalNumber(v)))
	}
	if v != v {
		return r.Missing(column, "NaN")
	}
	if v-v != 0 {
		return Cell{}, fmt.Errorf("%v is not a finite number", v)
	}
	return Cell{Number: v}, nil
}

// Bool reads a truth value. A numeric column takes it as 0 or 1.
func (r *Reader) Bool(column int, v bool) (Cell, error) {
	c := &r.encoding.Columns[column]
	side := 0
	if v {
		side = 1
	}
	switch c.Type {
	case Numeric:
		return Cell{Number: float64(side)}, nil
	case Boolean:
		return Cell{Level: int32(side)}, nil
	}
	return r.Text(column, fmt.Append(nil, v))
}

// Missing reads a value that is not there; text is how that was written.
func (r *Reader) Missing(column int, text string) (Cell, error) {
	c := &r.encoding.Columns[column]
	switch {
	case (c.Type == Numeric || c.Type == DateType) && c.Missing == MissingMean:
		return Cell{Number: c.Mean, Missing: true}, nil
	case c.Type == Numeric && r.encoding.Sparse:
		return Cell{}, nil
	case r.columns[column].missing >= 0:
		return Cell{Level: r.columns[column].missing}, nil
	case c.HasLevels() && c.Missing == MissingLevel: // there was none in training
		return r.unseen(c, missingLevel)
	}
	if text != "" {
		return Cell{}, fmt.Errorf("a value is missing (%q), and the model has no rule for a missing value in this column", clip(text))
	}
	return Cell{}, fmt.Errorf("a value is missing, and the model has no rule for a missing value in this column")
}

func (r *Reader) unseen(c *Column, text string) (Cell, error) {
	if c.Unseen == UnseenBaseline {
		return Cell{Level: UnseenLevel}, nil
	}
	return Cell{}, fmt.Errorf("level %q did not occur in training; the levels are %s%s; training with --unseen baseline gives it no weight",
		clip(text), list(c.Levels, 10), didYouMean(text, c.Levels))
}

// clip shortens a user's text for a message.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// TableReader turns the rows of a table into cells, with the codes of its levels translated once. It is not safe for
// concurrent use.
type TableReader struct {
	table   *dataset.Table
	columns []tableColumn
	reader  *Reader
	feature []int32 // sparse: position in the table's features → column, -1 if the model has none
	index   []int32 // scratch of Sparse
	values  []float64
}

type tableColumn struct {
	column *dataset.Column
	cells  []Cell // by code
	errors []error
}

// NewTableReader matches the columns of t by name. A column that is not there is an error at the header; sparse tables lack none.
// Numeric columns of the model must be numeric in t, levels be levels: read t with the types of [Encoding.Types].
func (r *Reader) NewTableReader(t *dataset.Table) (*TableReader, error) {
	tr := &TableReader{table: t, reader: r, columns: make([]tableColumn, len(r.encoding.Columns))}
	if t.Sparse != nil {
		names := t.Sparse.Names()
		tr.feature = make([]int32, len(names))
		at := make(map[string]int32, len(r.encoding.Columns))
		for i := range r.encoding.Columns {
			at[r.encoding.Columns[i].Name] = int32(i)
		}
		for i, name := range names {
			column, ok := at[name]
			if !ok {
				column = -1
			}
			tr.feature[i] = column
		}
		return tr, nil
	}
	for i := range r.encoding.Columns {
		c := &r.encoding.Columns[i]
		if !c.Read() {
			continue
		}
		col, ok := t.Column(c.Name)
		if !ok && r.encoding.Sparse && t.Format == dataset.LIBSVM {
			col, ok = t.Zeros(c.Name), true
		}
		if !ok {
			return nil, t.NoColumn(c.Name)
		}
		if (col.Type == dataset.Numeric) != (c.Type == Numeric) {
			return nil, t.At(-1, col, "the model wants %s, the column holds %s", c.Type, col.Type)
		}
		tc := tableColumn{column: col}
		for _, level := range col.Levels {
			cell, err := r.Text(i, []byte(level))
			tc.cells, tc.errors = append(tc.cells, cell), append(tc.errors, err)
		}
		tr.columns[i] = tc
	}
	return tr, nil
}

// Fork is a reader of the same table for another goroutine.
func (tr *TableReader) Fork() *TableReader {
	out := *tr
	out.index, out.values = nil, nil
	return &out
}

// Missing reports whether a column of the encoding has no value in the row.
func (tr *TableReader) Missing(row int) bool {
	for i := range tr.columns {
		if c := tr.columns[i].column; c != nil && c.IsMissing(row) {
			return true
		}
	}
	return false
}

// Sparse gives a row of a sparse table as the columns it names (-1 for one that the encoding does not have) and their values; ok is
// false for other tables and where columns are computed. The slices are valid until the next call.
func (tr *TableReader) Sparse(row int) (columns []int32, values []float64, ok bool) {
	if len(tr.reader.computers) > 0 {
		return nil, nil, false
	}
	return tr.sparse(row)
}

func (tr *TableReader) sparse(row int) (columns []int32, values []float64, ok bool) {
	s := tr.table.Sparse
	if s == nil {
		return nil, nil, false
	}
	tr.index = tr.index[:0]
	for k := s.Start[row]; k < s.Start[row+1]; k++ {
		tr.index = append(tr.index, tr.feature[s.Index[k]])
	}
	tr.values = s.Row(tr.values, row)
	return tr.index, tr.values, true
}

// Row fills cells (one for every column of the encoding) from a row of the table; its error stands at file, line and column.
func (tr *TableReader) Row(row int, cells []Cell) error {
	if columns, values, ok := tr.sparse(row); ok {
		clear(cells)
		for k, column := range columns {
			if column >= 0 {
				cells[column] = Cell{Number: values[k]}
			}
		}
	} else {
		for i := range tr.columns {
			if tr.columns[i].column == nil {
				continue
			}
			var err error
			if cells[i], err = tr.cell(i, row); err != nil {
				return err
			}
		}
	}
	if err := tr.reader.Compute(cells); err != nil {
		var of *dataset.Column
		if e, ok := err.(*TermError); ok {
			of = tr.fileColumn(e.Column)
		}
		return tr.table.At(row, of, "%v", err)
	}
	return nil
}

// fileColumn is the column of the table that a column is, or is computed from; nil if there is none.
func (tr *TableReader) fileColumn(i int) *dataset.Column {
	for tr.columns[i].column == nil {
		at := slices.IndexFunc(tr.reader.computers, func(k computer) bool { return k.to == i })
		if at < 0 {
			return nil
		}
		i = tr.reader.computers[at].of[0]
	}
	return tr.columns[i].column
}

// cell of one column, whose error stands at file, line and column.
func (tr *TableReader) cell(column, row int) (Cell, error) {
	tc := &tr.columns[column]
	c := tc.column
	if c.IsMissing(row) {
		cell, err := tr.reader.Missing(column, "")
		if err != nil {
			return Cell{}, tr.table.At(row, c, "%v", err)
		}
		return cell, nil
	}
	if c.Type == dataset.Numeric {
		return Cell{Number: c.Numbers.At(row)}, nil
	}
	code := c.Code(row)
	if err := tc.errors[code]; err != nil {
		return Cell{}, tr.table.At(row, c, "%v", err)
	}
	return tc.cells[code], nil
}

// Types says how a file's columns must be read for this encoding.
func (e *Encoding) Types() map[string]dataset.Type {
	types := make(map[string]dataset.Type, len(e.Columns)+2)
	for i := range e.Columns {
		switch c := &e.Columns[i]; {
		case !c.Read():
		case c.Type == Numeric:
			types[c.Name] = dataset.Numeric
		default:
			types[c.Name] = dataset.Levels
		}
	}
	for _, name := range []string{e.Weight, e.Offset} {
		if name != "" {
			types[name] = dataset.Numeric
		}
	}
	return types
}

// canonicalNumber writes a number the way a level of it is spelt.
func canonicalNumber(v float64) string { return canonicalLabel(fmt.Sprint(v)) }
