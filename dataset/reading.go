package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// Open reads a path, a glob pattern (all files that match, sorted by name, as one table; their headers must agree)
// or, for "-", standard input. What is wrong with the data is an *Errors; a cancelled ctx gives its error.
func Open(ctx context.Context, pattern string, o Options) (*Table, error) {
	if pattern == "-" {
		in := o.Stdin
		if in == nil {
			in = os.Stdin
		}
		return Read(ctx, "stdin", in, o)
	}
	t, err := newReading(ctx, pattern, o)
	if err != nil {
		return nil, err
	}
	names, err := Files(pattern)
	if err != nil {
		return nil, asErrors(err)
	}
	for _, name := range names {
		f, size, err := openFile(name)
		if err != nil {
			return nil, asErrors(err)
		}
		err = t.input(name, f, size)
		f.Close()
		if err != nil {
			return nil, asErrors(err)
		}
		if t.stopped {
			break
		}
	}
	return t.table()
}

// Read reads one table from r; name is what errors call it. See Open for the errors.
func Read(ctx context.Context, name string, r io.Reader, o Options) (*Table, error) {
	t, err := newReading(ctx, name, o)
	if err != nil {
		return nil, err
	}
	size := int64(0)
	if l, ok := r.(interface{ Len() int }); ok {
		size = int64(l.Len())
	}
	if err := t.input(name, r, size); err != nil {
		return nil, asErrors(err)
	}
	return t.table()
}

// asErrors makes every data error an *Errors.
func asErrors(err error) error {
	if e, ok := err.(*Error); ok {
		if cancelled(e) {
			return e.Err
		}
		return &Errors{List: []*Error{e}, Total: 1}
	}
	return err
}

func cancelled(e *Error) bool {
	return errors.Is(e.Err, context.Canceled) || errors.Is(e.Err, context.DeadlineExceeded)
}

// reading is a table on its way in.
type reading struct {
	ctx      context.Context
	o        Options
	block    int // bytes read at once
	missing  *Missing
	t        *Table
	columns  []*builder // one for every column of the file; nil where it is not in use
	typed    []typed    // beside columns, of a file of typed columns
	label    *builder   // LIBSVM
	sparse   sparseBuilder
	room     int
	problems problems
	size     int64 // of the file being read, 0 when unknown
	stopped  bool  // a final error: nothing after it was read, so types are not judged
	zero     int   // first line with index 0
	qid      int
}

func newReading(ctx context.Context, name string, o Options) (*reading, error) {
	if err := o.checkFormat(); err != nil {
		return nil, asErrors(err)
	}
	return &reading{ctx: ctx, o: o, block: 1 << 18, missing: NewMissing(o.NA), t: &Table{Name: name}, room: keptTexts}, nil
}

// problem notes an error at a row of a column.
func (t *reading) problem(row int, b *builder, message, cure string) {
	e := &Error{File: t.t.File(row), Line: t.t.cellLine(row, b.index), Column: b.index, Name: b.name, Message: message, Cure: cure}
	t.problems.add(t.t.fileOf(row), e)
}

// input reads one file.
func (t *reading) input(name string, r io.Reader, size int64) error {
	in, err := decompress(name, r, size)
	if err != nil {
		return err
	}
	defer in.close()
	first := len(t.t.files) == 0
	if f := t.o.formatOf(in); f != nil && (first || t.t.Format == f.Name) {
		c, done, err := openColumnar(f, in, r)
		if err != nil {
			return err
		}
		defer done()
		t.t.Format, t.size = f.Name, size
		t.t.files = append(t.t.files, fileRows{name, t.t.Rows})
		return t.columnar(name, c, first)
	}
	w, l, err := begin(in, t.o, t.block, false, in.watch(t.ctx, t.o.Progress))
	if err != nil {
		return err
	}
	if !first && l.format != t.t.Format {
		return &Error{File: name, Message: fmt.Sprintf("the format is %s, that of %s is %s", l.format, t.t.files[0].name, t.t.Format), final: true}
	}
	t.t.Format = l.format
	t.t.files = append(t.t.files, fileRows{name, t.t.Rows})
	switch l.format {
	case LIBSVM:
		return t.libsvm(&libsvm{w: w, name: name}, first)
	case JSONL:
		return t.jsonl(&jsonl{w: w, name: name}, first)
	}
	if t.size = 0; in.plain {
		t.size = in.size
	}
	return t.delimited(&delimited{w: w, name: name, delim: l.delim}, first)
}

// reserve makes room for the rows that a file of t.size bytes has if they go on as they began: what the growing of columns costs otherwise is a
// sixth of the time. A wrong guess costs nothing but room, and never more than the file's size justifies.
func (t *reading) reserve(rows int, bytes int64) {
	more := int(float64(rows) * (float64(t.size)/float64(bytes) - 1) * 1.02)
	for _, b := range t.columns {
		switch {
		case b == nil || more < rows:
		case b.direct:
			b.codes = slices.Grow(b.codes, more)
		default:
			b.numbers, b.forms = slices.Grow(b.numbers, more), slices.Grow(b.forms, more)
		}
	}
}

// begin puts a window over an input, looks at its beginning and finds its layout. soon does not wait for more than the first line when that settles it.
func begin(in *input, o Options, block int, soon bool, more func() error) (*window, layout, error) {
	w := newWindow(in.r, block)
	w.more = more
	for w.end <= sampleSize && !(soon && bytes.IndexByte(w.buf[:w.end], '\n') >= 0) && w.fill() {
	}
	if w.err != nil {
		return nil, layout{}, inputError(in.name, w.err)
	}
	bad := func(format string, args ...any) (*window, layout, error) {
		return nil, layout{}, &Error{File: in.name, Message: fmt.Sprintf(format, args...), final: true}
	}
	sample := w.buf[:min(w.end, sampleSize)]
	if what := notText(sample); what != "" {
		return bad("this is %s", what)
	}
	if bytes.HasPrefix(sample, []byte("\xef\xbb\xbf")) {
		w.pos = 3
	}
	for len(bytes.TrimSpace(w.buf[w.pos:w.end])) == 0 {
		if w.end > 1<<20 {
			return bad("the file begins with more than 1 MiB of blank lines")
		}
		if !w.fill() {
			if w.err != nil {
				return nil, layout{}, inputError(in.name, w.err)
			}
			return bad("the file is empty")
		}
	}
	var l layout
	if o.Format != "" {
		l, _ = layoutOf(o.Format) // known: it was checked when the reading began
	} else {
		for sure := false; !sure; w.fill() {
			end := growing
			switch {
			case w.end > sampleSize:
				end = cutOff
			case w.done:
				end = complete
			}
			l, sure = detect(w.buf[w.pos:max(w.pos, min(w.end, sampleSize))], end)
			if sure || end != growing {
				break
			}
		}
		if w.err != nil {
			return nil, layout{}, inputError(in.name, w.err)
		}
	}
	if l.delim != 0 {
		w.delim, w.quotes = l.delim, '"'
		w.quote = -1
	}
	return w, l, nil
}

// setColumns makes the builders for a header.
func (t *reading) setColumns(name string, line int, names []string) error {
	t.t.Header, t.t.header = names, line
	known := make(map[string]bool, len(names))
	for _, n := range names {
		known[n] = true
	}
	if t.o.Target != "" && !known[t.o.Target] {
		return noColumn(name, max(line, 1), t.o.Target, names)
	}
	for _, forced := range slices.Sorted(maps.Keys(t.o.Types)) {
		if !known[forced] {
			return noColumn(name, max(line, 1), forced, names)
		}
	}
	if t.o.Target != "" && len(names) == 1 {
		return &Error{File: name, Line: max(line, 1), Column: 1, Name: t.o.Target, Message: "no column but the target", final: true}
	}
	for i, n := range names {
		if n != t.o.Target && t.o.Use != nil && !t.o.Use(n) {
			t.columns = append(t.columns, nil)
			continue
		}
		t.columns = append(t.columns, t.builder(n, i+1))
	}
	return nil
}

func (t *reading) builder(name string, index int) *builder {
	b := &builder{name: name, index: index, missing: t.missing, room: &t.room}
	b.want, b.forced = t.o.Types[name]
	b.target = name == t.o.Target || index == 0
	b.direct = b.target || b.forced && b.want != Numeric
	b.plain = !b.direct && !t.missing.numbers
	return b
}

// row notes where a row stands.
func (t *reading) row(line int) {
	t.t.lines.add(line, t.t.Rows == t.t.files[len(t.t.files)-1].first)
	t.t.Rows++
}

// wrong notes an error of a record; false when it is final.
func (t *reading) wrong(err error) (goOn bool) {
	e, ok := err.(*Error)
	if !ok {
		return false
	}
	t.problems.add(len(t.t.files)-1, e)
	t.stopped = e.final
	return !e.final
}

// delimited reads the rows of a delimited text.
func (t *reading) delimited(d *delimited, first bool) error {
	line, err := d.readHeader(t.o.NoHeader)
	if err != nil {
		return err
	}
	if first {
		err = t.setColumns(d.name, line, d.names)
	} else if e := sameHeader(d.name, max(line, 1), d.names, t.t.files[0].name, t.t.Header); e != nil {
		err = e
	}
	if err != nil {
		return err
	}
	from := t.t.Rows
	var bytesRead int64
	for {
		rec, line, quoted, err := d.take()
		if err != nil {
			return t.end(err)
		}
		const judged = 1000 // rows
		if bytesRead += int64(len(rec)) + 1; t.t.Rows == from+judged && t.size > 0 {
			t.reserve(judged, bytesRead)
			t.size = 0
		}
		if quoted || len(rec) > maxCell {
			r, err := d.cells(rec, line, quoted)
			if err == nil {
				t.cells(r)
			} else if !t.wrong(err) {
				return t.end(err)
			}
			continue
		}
		if n := bytes.Count(rec, []byte{d.delim}) + 1; n != len(d.names) {
			t.wrong(d.ragged(line, n))
			continue
		}
		t.row(line)
		fill(t.columns, rec, d.delim)
	}
}

// fill puts a record without quotes into the columns, whose number is right.
func fill(columns []*builder, rec []byte, delim byte) {
	i := 0
	for _, b := range columns {
		if b == nil {
			n := bytes.IndexByte(rec[i:], delim)
			i += n + 1
			continue
		}
		if b.plain {
			at := i
			for at < len(rec) && isBlank(rec[at], delim) {
				at++
			}
			v, form, next := scanNumber(rec, at)
			if next > at && (next == len(rec) || rec[next] == delim) {
				if form == irregular {
					b.add(v, form, rec[at:next])
				} else {
					b.numbers = append(b.numbers, v)
					b.forms = append(b.forms, form)
					b.count++
				}
				i = next + 1
				continue
			}
		}
		end := len(rec)
		if n := bytes.IndexByte(rec[i:], delim); n >= 0 {
			end = i + n
		}
		b.cell(trimBlanks(rec[i:end], delim), false)
		i = end + 1
	}
}

// cells puts a record's cells into the columns.
func (t *reading) cells(r *Record) {
	t.row(r.Line)
	if r.broken {
		for i, c := range r.Cells {
			if n := lineEnds(c.Text); n > 0 {
				t.t.breaks = append(t.t.breaks, lineBreak{t.t.Rows - 1, int32(i + 1), int32(n)})
			}
		}
	}
	for i, b := range t.columns {
		switch c := &r.Cells[i]; {
		case b == nil:
		case c.Absent:
			b.skip(nil)
		default:
			b.cell(c.Text, c.Quoted)
		}
	}
}

// end is the end of a file: nil at its real end. A failed input says only that, as nothing that was read before it counts.
func (t *reading) end(err error) error {
	if err == io.EOF || t.stopped {
		return nil
	}
	if e, ok := err.(*Error); ok && e.Err == nil {
		t.wrong(e)
		return nil
	}
	return err
}

// jsonl reads the lines of JSON Lines. The first line of the first file names the columns of all files.
func (t *reading) jsonl(j *jsonl, first bool) error {
	if first {
		if err := j.readHeader(); err != nil {
			return err
		}
		if err := t.setColumns(j.name, j.w.line, j.names); err != nil {
			return err
		}
	} else {
		j.setNames(t.t.Header)
	}
	return t.records(j, t.cells)
}

// libsvm reads LIBSVM.
func (t *reading) libsvm(s *libsvm, first bool) error {
	if first {
		name := t.o.Target
		if name == "" {
			name = "label"
		}
		t.label = t.builder(name, 0)
		for _, forced := range slices.Sorted(maps.Keys(t.o.Types)) {
			if forced == name {
				continue
			}
			return &Error{File: s.name, Message: fmt.Sprintf("the type of column %s cannot be chosen: features of LIBSVM are numbers", quote(forced)), final: true}
		}
	}
	err := t.records(s, func(r *Record) {
		t.row(r.Line)
		t.label.cell(r.Label, false)
		t.sparse.add(r)
	})
	if t.zero == 0 {
		t.zero = s.zero
	}
	if t.qid == 0 {
		t.qid = s.qid
	}
	return err
}

// records reads all records of a file.
func (t *reading) records(s records, put func(*Record)) error {
	for {
		r, err := s.next()
		if err == nil {
			put(r)
		} else if e, ok := err.(*Error); !ok || e.final {
			return t.end(err)
		} else {
			t.wrong(e)
		}
	}
}

// table decides the types and hands the table over.
func (t *reading) table() (*Table, error) {
	if !t.stopped {
		if t.t.Format == LIBSVM {
			t.t.Columns = []*Column{t.label.finish(t)}
		}
		for i, b := range t.columns {
			switch {
			case b == nil:
				continue
			case t.typed != nil:
				t.t.Columns = append(t.t.Columns, t.typed[i].finish(t, b))
			default:
				t.t.Columns = append(t.t.Columns, b.finish(t))
			}
			t.columns[i] = nil // its cells are the column's now
		}
	}
	if err := t.problems.err(); err != nil {
		return nil, err
	}
	if t.t.Format == LIBSVM {
		t.t.Sparse = t.sparse.finish(t.o.Use)
	}
	t.t.places = make(map[string]int, len(t.t.Columns))
	for i, c := range t.t.Columns {
		t.t.places[c.Name] = i
	}
	t.t.Findings = t.findings()
	return t.t, nil
}
