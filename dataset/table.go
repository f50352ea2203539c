package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/descent-ml/descent/internal/spill"
)

// Table is data in memory: typed columns of equal length, or sparse features with a label, and the place of every row.
//
// A table is read only and safe for concurrent use. It may have no rows (a file that is only a header): what
// that means is for the caller to say.
type Table struct {
	Name     string    // path, glob or "stdin"
	Format   string    // CSV, TSV, …
	Rows     int       // data rows; a header is none
	Header   []string  // every column name of the file in its order, also those not used; nil for LIBSVM
	Columns  []*Column // the columns in use, in the order of the file. LIBSVM: the label, alone or before the features
	Sparse   *Sparse   // LIBSVM's features; nil for other formats, and where a large file names nearly every feature in every row: then they are columns, in which an absent one is 0
	Findings []Finding // what is to be said besides: notes and warnings
	lines    lineIndex // physical line of every row
	breaks   []lineBreak
	files    []fileRows     // where each file's rows begin
	header   int            // physical line of the header, 0 if there is none
	places   map[string]int // of the names in Columns
	origin   []int32        // row of the file of every row; nil: the same

	scratch  *spill.File
	bytes    int64 // of the cells
	inMemory int64
}

// Column is one column of a table.
type Column struct {
	Name    string
	Index   int      // position in the file, from 1. LIBSVM's label: 0
	Type    Type     //
	Numbers *Numbers // Numeric: (rows); NaN where missing, finite elsewhere
	Codes   []int32  // Levels, Boolean: (rows) index into Levels; -1 where missing. Nil where they are in a scratch file: ReadCodes
	Levels  []string // the distinct texts, sorted by bytes, or by value if all are numbers. Boolean: false side, true side
	Counts  []int    // rows of each level
	First   []int    // first row of each level, from 0; -1 for a side of a Boolean that does not occur
	Missing int      // rows without a value
	NA      []NA     // the texts that meant missing, in the order they were met; the empty cell is ""

	spilled *spilledCodes // in the place of Codes
}

// NA is a text that was met in a column and read as missing.
type NA struct {
	Text string // as first written
	Rows int    // how often
	Row  int    // first row, from 0
}

// IsMissing reports whether the row (from 0) has no value in this column.
func (c *Column) IsMissing(row int) bool {
	if c.Type == Numeric {
		return c.Numbers.missingAt(row)
	}
	return c.Code(row) < 0
}

// FirstMissing gives the first row (from 0) without a value, and the text that stands there ("" for an empty cell).
func (c *Column) FirstMissing() (row int, text string, ok bool) {
	for _, na := range c.NA {
		if !ok || na.Row < row {
			row, text, ok = na.Row, na.Text, true
		}
	}
	return row, text, ok
}

// Finding is something to tell the user that is not an error.
type Finding struct {
	Code    string   // "W-index", …; "" for a note
	Columns []string // what it is about
	Message string
}

// Sparse holds LIBSVM's features in compressed rows: row i has the entries Start[i] … Start[i+1].
type Sparse struct {
	Start    []int    // (rows+1)
	Index    []int32  // (entries) position in Features, ascending within a row
	Values   *Numbers // (entries) none is missing
	Features []int    // the index in the file of every feature that occurs and is in use, ascending
}

// FeatureName is what a feature of a LIBSVM file is called: "x" and its index in the file.
func FeatureName(index int) string { return fmt.Sprintf("x%d", index) }

// Names are the names of the features, in the order of Features.
func (s *Sparse) Names() []string {
	names := make([]string, len(s.Features))
	for i, f := range s.Features {
		names[i] = FeatureName(f)
	}
	return names
}

// FeatureNames are the names of a LIBSVM file's features, whether they are sparse or columns; nil for other formats.
func (t *Table) FeatureNames() []string {
	if t.Format != LIBSVM {
		return nil
	}
	if t.Sparse != nil {
		return t.Sparse.Names()
	}
	var names []string
	for _, c := range t.Columns[min(1, len(t.Columns)):] {
		names = append(names, c.Name)
	}
	return names
}

// Zeros is a feature that no row of a LIBSVM file names.
func (t *Table) Zeros(name string) *Column {
	return &Column{Name: name, Type: Numeric, Numbers: newNumbers([]*block{{rows: t.Rows, parts: []part{{missing: int32(min(t.Rows, math.MaxInt32))}}}}, 0, t.Rows, 0)}
}

// Row gives the values of a row's entries, in out where that has room.
func (s *Sparse) Row(out []float64, row int) []float64 {
	n := s.Start[row+1] - s.Start[row]
	out = slices.Grow(out[:0], n)[:n]
	s.Values.Read(out, s.Start[row])
	return out
}

// Column finds a column in use by its name.
func (t *Table) Column(name string) (*Column, bool) {
	i, ok := t.places[name]
	if ok && i < len(t.Columns) && t.Columns[i].Name == name {
		return t.Columns[i], true
	}
	// A user may have left columns out of a copy.
	if i = slices.IndexFunc(t.Columns, func(c *Column) bool { return c.Name == name }); i < 0 {
		return nil, false
	}
	return t.Columns[i], true
}

// Line is the physical line of a row's beginning (row from 0, line from 1) in its file. A cell after one with line ends in its quotes
// stands further down: At knows.
func (t *Table) Line(row int) int { return t.lines.line(t.Origin(row)) }

// File is the name of the file a row (from 0) came from.
func (t *Table) File(row int) string { return t.files[t.fileOf(row)].name }

// At makes an error at a row (from 0) and column; a negative row means the file as a whole, or its header when
// a column is given; a nil column means the line.
func (t *Table) At(row int, c *Column, format string, args ...any) *Error {
	e := &Error{File: t.Name, Message: fmt.Sprintf(format, args...)}
	if row >= 0 {
		e.File, e.Line = t.File(row), t.Line(row)
		if c != nil {
			e.Line = t.cellLine(row, c.Index)
		}
	} else if c != nil {
		e.File, e.Line = t.files[0].name, t.header
	}
	if c != nil {
		e.Name, e.Column = c.Name, c.Index
	}
	return e
}

// NoColumn is the error for a name that is not among the table's columns: what there is, and what was perhaps meant.
func (t *Table) NoColumn(name string) *Error {
	names, line := t.Header, max(t.header, 1)
	if t.Format == LIBSVM {
		names = t.FeatureNames()
	}
	return noColumn(t.files[0].name, line, name, names)
}

func noColumn(file string, line int, name string, names []string) *Error {
	e := &Error{File: file, Line: line, Message: fmt.Sprintf("no column %s; it has %s", quote(name), list(names, 20))}
	if near, ok := Closest(name, names); ok {
		e.Cure = fmt.Sprintf("did you mean %s?", quote(near))
	} else if len(names) > 0 && allNumbers(names) {
		e.Cure = "the first line looks like data: --no-header"
	}
	return e
}

// list writes names with commas, the first few of them.
func list(names []string, most int) string {
	var b strings.Builder
	for i, n := range names {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(names)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		if plain(n) {
			b.WriteString(n)
		} else {
			b.WriteString(quote(n))
		}
	}
	return b.String()
}

// plain reports whether a name can stand in a list without quotes.
func plain(n string) bool {
	if n == "" || len(n) > 60 {
		return false
	}
	for _, r := range n {
		if r <= ' ' || r == ',' || r == '"' || r == 0x7f || r > 0x7f && !isPrint(r) {
			return false
		}
	}
	return true
}
