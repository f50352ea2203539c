package dataset

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sort"
)

// Taker takes the rows of a stream. An error of either method ends the reading, which returns it.
type Taker interface {
	// Head is called once, with the first rows: their types, decided from them alone, hold for all. It may have no rows.
	Head(head *Table) error
	// Take is called with all rows in the order of the file, those of the head too, some thousand at a time; first is the data row, from 0, that t
	// begins with. How the rows are cut is no property of the data. t has the columns of the head, with levels in the order in which they were
	// met after the head's sorted ones: they are only appended to. Counts and First are nil. Sparse.Features grows the same way. t is valid during the call.
	Take(t *Table, first int) error
}

// OpenStream reads a path, a glob pattern or, for "-", standard input once, and hands the rows over as they come, in memory that does not grow with
// them: what stays are the levels of columns of text and the numbers of LIBSVM's features. The types of columns are those that the first head rows have; a
// cell further down that does not fit is an error at its place. The first error in the order of the rows ends the reading. Rows and errors are the same
// with any number of threads and however the input arrives. Files of typed columns are refused. The findings are those of [Table.Findings].
func OpenStream(ctx context.Context, pattern string, o Options, head int, to Taker) ([]Finding, error) {
	if pattern == "-" {
		in := o.Stdin
		if in == nil {
			in = os.Stdin
		}
		return ReadStream(ctx, "stdin", in, o, head, to)
	}
	t, err := newStream(ctx, pattern, o, head, to)
	if err != nil {
		return nil, err
	}
	if err := t.files(pattern); err != nil {
		return nil, err
	}
	return t.stream.end()
}

// ReadStream is [OpenStream] from r; name is what errors call it.
func ReadStream(ctx context.Context, name string, r io.Reader, o Options, head int, to Taker) ([]Finding, error) {
	t, err := newStream(ctx, name, o, head, to)
	if err != nil {
		return nil, err
	}
	if err := t.input(name, r, sizeOf(r)); err != nil {
		return nil, asErrors(err)
	}
	return t.stream.end()
}

func newStream(ctx context.Context, name string, o Options, head int, to Taker) (*reading, error) {
	o.Memory, o.Entries = 0, 0
	t, err := newReading(ctx, name, o)
	if err != nil {
		return nil, err
	}
	t.denseFrom = math.MaxInt // LIBSVM's features stay sparse
	t.stream = &stream{t: t, to: to, rows: max(head, 1), line: map[int]int{}, far: map[int32]int32{}}
	return t, nil
}

// stream hands the rows of a reading over, after the first ones, which are kept until their types are decided.
type stream struct {
	t       *reading
	to      Taker
	begun   bool
	rows    int             // of the head; then those handed over
	columns []*streamColumn // those in use
	line    map[int]int     // of the rows in an NA of the head's columns

	features []int           // LIBSVM: those in use that were met
	near     []int32         // position in features by index: +1, 0: not met, -1: not in use
	far      map[int32]int32 // and of larger indices
}

// streamColumn is a column with the type of the head, and its levels so far.
type streamColumn struct {
	name  string
	index int
	kind  Type
	pair  int // of Boolean

	levels []string
	words  dictionary              // of levels
	place  map[*dictionary][]int32 // of the texts of a thread: the level, or one of those below
}

const (
	unmet     = -2 // not looked up yet
	unfitting = -3 // no value of this column
)

// limit is how many rows are still to be read for the head.
func (s *stream) limit() int {
	if s == nil || s.begun {
		return 0
	}
	return s.rows - s.t.t.Rows
}

// begin decides the types, once the first rows are there.
func (s *stream) begin() error {
	t := s.t
	sparse := slices.Clone(t.sparse) // table takes them
	head, err := t.table()
	if err != nil {
		return err
	}
	s.begun, s.rows = true, 0
	if err := s.to.Head(head); err != nil {
		return err
	}
	b := &Table{Name: head.Name, Format: head.Format, Header: head.Header, Rows: head.Rows, lines: head.lines, breaks: head.breaks,
		files: slices.Clone(head.files), header: head.header, places: head.places}
	for i, u := range t.used {
		h := head.Columns[i]
		if !u.forced && !u.target && h.Missing == head.Rows && head.Rows > 0 {
			e := head.At(-1, h, "no value in the first %d rows, from which a stream takes the type of a column", head.Rows)
			e.Cure = fmt.Sprintf("--numeric %s or --categorical %[1]s says what it is, --exclude %[1]s leaves it out", u.name)
			return asErrors(e)
		}
		u.stated, u.forced, u.want, u.direct = u.forced, true, h.Type, h.Type != Numeric
		u.plain = !u.direct && !t.missing.numbers
		u.blocks = nil
		c := &streamColumn{name: h.Name, index: h.Index, kind: h.Type, place: map[*dictionary][]int32{}}
		for _, level := range h.Levels {
			c.level([]byte(level))
		}
		if h.Type == Boolean {
			c.pair, _ = booleanText(h.Levels[0])
		}
		for _, na := range h.NA {
			s.line[na.Row] = head.Line(na.Row)
		}
		s.columns = append(s.columns, c)
		b.Columns = append(b.Columns, &Column{Name: h.Name, Index: h.Index, Type: h.Type, Numbers: h.Numbers, Codes: h.Codes, Levels: c.levels, Missing: h.Missing, NA: h.NA})
	}
	s.sparse(b, sparse)
	t.blocks, t.sparse = nil, nil
	return s.take(b)
}

// level is the code of a level.
func (c *streamColumn) level(text []byte) int32 {
	code := c.words.code(text)
	if code == len(c.levels) {
		c.levels = append(c.levels, string(text))
	}
	return int32(code)
}

// file begins another file, which has parsers of its own.
func (s *stream) file() {
	if s != nil {
		for _, c := range s.columns {
			clear(c.place)
		}
	}
}

// take hands rows over.
func (s *stream) take(b *Table) error {
	first := s.rows
	s.rows += b.Rows
	if b.Rows == 0 {
		return nil
	}
	return s.to.Take(b, first)
}

// join hands the rows of a chunk over, those before the first that something is wrong with. Every check is of a row by itself, so that which error is the first does not
// depend on the chunks.
func (s *stream) join(c *chunk) error {
	t := s.t
	if e, ok := c.err.(*Error); c.err != nil && (!ok || e.Err != nil) {
		return c.err
	}
	shift := t.line - c.first
	t.line += c.lines
	h := t.t
	b := &Table{Name: h.Name, Format: h.Format, Header: h.Header, Rows: c.rows, breaks: c.breaks, files: []fileRows{{h.files[len(h.files)-1].name, 0}}, header: h.header, places: h.places}
	b.lines.join(&c.index, shift, true)
	var bad *Error
	if len(c.problems) > 0 {
		bad = c.problems[0]
		bad.Line += shift
		b.Rows = sort.Search(c.rows, func(row int) bool { return b.lines.line(row) > bad.Line })
	}
	for at, sc := range s.columns {
		column, row, why := sc.column(c.blocks, at, c.rows)
		b.Columns = append(b.Columns, column)
		if row < b.Rows {
			b.Rows = row
			bad = &Error{File: b.File(row), Line: b.cellLine(row, sc.index), Column: sc.index, Name: sc.name, Message: why, Cure: s.cure(at)}
		}
	}
	s.sparse(b, c.sparse)
	if c.zero > 0 && t.zero == 0 {
		t.zero = c.zero + shift
	}
	if c.qid > 0 && t.qid == 0 {
		t.qid = c.qid + shift
	}
	for i, column := range b.Columns {
		for _, na := range column.NA {
			to, row := h.Columns[i], s.rows+na.Row
			before := len(to.NA)
			if to.met(na.Text, na.Rows, row); len(to.NA) > before {
				s.line[row] = b.lines.line(na.Row)
			}
		}
	}
	if err := s.take(b); err != nil {
		return err
	}
	if bad != nil {
		return bad
	}
	return nil
}

// cure is what can be done about a cell that does not fit.
func (s *stream) cure(at int) string {
	b := s.t.used[at]
	if b.stated || b.want == Levels {
		return ""
	}
	return fmt.Sprintf("the first rows, from which a stream takes the types, made the column %s: --categorical %s reads it as levels", b.want, b.name)
}

// column makes a column of the parts of blocks, and finds the first row whose cell does not fit, rows if there is none, and why.
func (c *streamColumn) column(blocks []*block, at, rows int) (out *Column, bad int, why string) {
	out = &Column{Name: c.name, Index: c.index, Type: c.kind}
	bad = rows
	for _, b := range blocks {
		p := &b.parts[at]
		out.Missing += int(p.missing)
		if p.more != nil {
			for _, na := range p.more.na {
				out.met(na.Text, na.Rows, b.first+na.Row)
			}
		}
	}
	if c.kind == Numeric {
		out.Numbers = newNumbers(blocks, at, rows, nan)
		for _, b := range blocks {
			if p := &b.parts[at]; p.isCodes() {
				out.Numbers, bad, why = c.numbers(blocks, at, rows)
				break
			}
		}
		return out, bad, why
	}
	out.Codes = make([]int32, rows)
	for _, b := range blocks {
		p := &b.parts[at]
		codes := out.Codes[b.first:][:b.rows]
		b.readCodes(codes, p)
		if !p.isCodes() {
			continue
		}
		words := p.more.words
		place := c.place[p.more.of]
		for len(place) < len(words.entries) {
			place = append(place, unmet)
		}
		c.place[p.more.of] = place
		for i, code := range codes {
			if code < 0 {
				continue
			}
			to := place[code]
			if to == unmet {
				to = c.look(words.text(int(code)))
				place[code] = to
			}
			if codes[i] = to; to == unfitting && b.first+i < bad {
				bad = b.first + i
				why = c.misfit(string(words.text(int(code))))
			}
		}
	}
	out.Levels = c.levels
	return out, bad, why
}

// look is the code of a text that is met for the first time.
func (c *streamColumn) look(text []byte) int32 {
	if c.kind == Boolean {
		if pair, side := booleanText(string(text)); pair == c.pair {
			return int32(side)
		}
	} else if unfit(string(text)) == "" {
		return c.level(text)
	}
	return unfitting
}

// misfit says why a text is no value of the column.
func (c *streamColumn) misfit(text string) string {
	if why := unfit(text); why != "" {
		return why + ": " + quote(text)
	}
	switch c.kind {
	case Numeric:
		return quote(text) + " " + notNumber(text)
	case Boolean:
		return quote(text) + " is not " + pairs[c.pair][1] + " or " + pairs[c.pair][0]
	}
	return ""
}

// numbers are those up to the first text that is none, of a column that has one.
func (c *streamColumn) numbers(blocks []*block, at, rows int) (n *Numbers, bad int, why string) {
	values := make([]float64, rows)
	bad = rows
	for _, b := range blocks {
		p := &b.parts[at]
		some := values[b.first:][:b.rows]
		if !p.isCodes() {
			b.read(some, p, 0, nan)
			continue
		}
		codes := make([]int32, b.rows)
		b.readCodes(codes, p)
		for i, code := range codes {
			if some[i] = nan; code < 0 || b.first+i > bad {
				continue
			}
			text := p.more.words.text(int(code))
			v, ok := ParseNumber(trimBlanks(text, 0))
			if some[i] = v; !ok {
				some[i], bad, why = nan, b.first+i, c.misfit(string(text))
			}
		}
	}
	return NewNumbers(values), bad, why
}

// sparse gives a table its LIBSVM rows.
func (s *stream) sparse(b *Table, blocks []*sparseBlock) {
	if b.Format != LIBSVM {
		return
	}
	out := &Sparse{Start: make([]int, 1, b.Rows+1)}
	entries := 0
	for _, p := range blocks {
		for _, n := range p.rows {
			entries += int(n)
			out.Start = append(out.Start, entries)
		}
	}
	out.Index = make([]int32, 0, entries)
	all := true
	for _, p := range blocks {
		for _, index := range p.index {
			at := s.feature(index)
			all = all && at >= 0
			out.Index = append(out.Index, at)
		}
	}
	values := make([]*block, 0, len(blocks))
	first := 0
	for _, p := range blocks {
		if p.entries > 0 {
			v := *p.values
			v.first = first
			values = append(values, &v)
			first += p.entries
		}
	}
	out.Values = newNumbers(values, 0, entries, nan)
	if !all { // without the features that are not in use
		some := make([]float64, entries)
		out.Values.Read(some, 0)
		kept, from := 0, 0
		for row, end := range out.Start[1:] {
			for ; from < end; from++ {
				if at := out.Index[from]; at >= 0 {
					out.Index[kept], some[kept] = at, some[from]
					kept++
				}
			}
			out.Start[row+1] = kept
		}
		out.Index, out.Values = out.Index[:kept], NewNumbers(some[:kept])
	}
	out.Features = s.features
	b.Sparse = out
}

// mostNear is the largest index that has a place in a table; beyond, features are looked up in a map.
const mostNear = 1 << 22

// feature is the position of an index among the features, -1 if it is not in use.
func (s *stream) feature(index int32) int32 {
	if index < mostNear {
		if int(index) >= len(s.near) {
			s.near = append(s.near, make([]int32, int(index)+1-len(s.near))...)
		}
		at := &s.near[index]
		if *at == 0 {
			if *at = s.meet(index); *at >= 0 {
				*at++
			}
		}
		return max(*at-1, -1)
	}
	at, ok := s.far[index]
	if !ok {
		at = s.meet(index)
		s.far[index] = at
	}
	return at
}

func (s *stream) meet(index int32) int32 {
	if use := s.t.o.Use; use != nil && !use(FeatureName(int(index))) {
		return -1
	}
	s.features = append(s.features, int(index))
	return int32(len(s.features) - 1)
}

// end is called after the last row.
func (s *stream) end() ([]Finding, error) {
	if !s.begun {
		if err := s.begin(); err != nil {
			return nil, err
		}
	}
	return s.t.findings(func(row int) int { return s.line[row] }), nil
}
