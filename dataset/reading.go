package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/descent-ml/descent/internal/spill"
)

// Open reads a path, a glob pattern (all files that match, sorted by name, as one table; their headers must agree)
// or, for "-", standard input. What is wrong with the data is an *Errors; a cancelled ctx gives its error.
func Open(ctx context.Context, pattern string, o Options) (table *Table, err error) {
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
	defer t.closeFailed(&err)
	if err := t.files(pattern); err != nil {
		return nil, err
	}
	return t.table()
}

// files reads all files that a pattern means.
func (t *reading) files(pattern string) error {
	names, err := Files(pattern)
	if err != nil {
		return asErrors(err)
	}
	for _, name := range names {
		f, size, err := openFile(name)
		if err != nil {
			return asErrors(err)
		}
		in := io.Reader(f)
		if size > 0 {
			in = regular{f}
		}
		err = t.input(name, in, size)
		f.Close()
		if err != nil {
			return asErrors(err)
		}
		if t.stopped {
			break
		}
	}
	return nil
}

// Read reads one table from r; name is what errors call it. See Open for the errors.
func Read(ctx context.Context, name string, r io.Reader, o Options) (table *Table, err error) {
	t, err := newReading(ctx, name, o)
	if err != nil {
		return nil, err
	}
	defer t.closeFailed(&err)
	if err := t.input(name, r, sizeOf(r)); err != nil {
		return nil, asErrors(err)
	}
	return t.table()
}

// sizeOf is how many bytes a reader in memory has, 0 of others.
func sizeOf(r io.Reader) int64 {
	if l, ok := r.(interface{ Len() int }); ok {
		return int64(l.Len())
	}
	return 0
}

// closeFailed gives the scratch file of a reading back that gave no table.
func (t *reading) closeFailed(err *error) {
	if *err != nil {
		t.t.Close()
	}
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
	ctx       context.Context
	o         Options
	threads   int
	block     int  // bytes a window asks for at once
	piece     int  // bytes of a chunk; 0: as many as suit the file
	blockRows int  // rows of a block; 0: as many as suit the columns
	denseFrom int  // entries of LIBSVM that may become columns
	plodding  bool // without quick, for tests
	missing   *Missing
	t         *Table
	columns   []*builder // one for every column of the file; nil where it is not in use
	used      []*builder // the others; LIBSVM: the label
	typed     []typed    // beside columns, of a file of typed columns
	places    []int32    // of every column of the file among those in use, or -1
	blocks    []*block
	sparse    []*sparseBlock
	entries   int64        // of LIBSVM
	held      atomic.Int64 // bytes of cells in memory
	all       atomic.Int64 // and of all cells
	room      int          // bytes that texts of irregular numbers may take
	problems  problems
	stopped   bool    // a final error: nothing after it was read, so types are not judged
	line      int     // of the file being read: where the next chunk begins
	zero      int     // first line with index 0
	qid       int     // first line with qid:
	stream    *stream // hands the rows over; nil: they are kept
}

func newReading(ctx context.Context, name string, o Options) (*reading, error) {
	if err := o.checkFormat(); err != nil {
		return nil, asErrors(err)
	}
	threads := o.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	t := &reading{ctx: ctx, o: o, threads: threads, block: 1 << 18, missing: NewMissing(o.NA), t: &Table{Name: name}, room: keptTexts, denseFrom: denseEntries}
	if o.Memory > 0 {
		t.t.scratch, t.room = spill.In(""), int(min(keptTexts, max(o.Memory/4, 1<<20)))
	}
	return t, nil
}

// problem notes an error at a row of a column.
func (t *reading) problem(row int, b *builder, message, cure string) {
	e := &Error{File: t.t.File(row), Line: t.t.cellLine(row, b.index), Column: b.index, Name: b.name, Message: message, Cure: cure}
	b.problems.add(t.t.fileOf(row), e)
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
		if t.stream != nil {
			return &Error{File: name, Message: fmt.Sprintf("a stream is text that is read once, from its beginning to its end; %s is read here and there", f.Name), final: true}
		}
		c, done, err := openColumnar(f, in, r)
		if err != nil {
			return err
		}
		defer done()
		t.t.Format = f.Name
		t.t.files = append(t.t.files, fileRows{name, t.t.Rows})
		return t.columnar(name, c, size, first)
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
	t.stream.file()
	p := &parser{t: t, w: w, name: name}
	switch l.format {
	case LIBSVM:
		err = t.beginLIBSVM(p, first)
	case JSONL:
		err = t.beginJSONL(p, first)
	default:
		err = t.beginDelimited(p, l.delim, first)
	}
	if err != nil {
		return err
	}
	return t.rows(p, in, r)
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
			t.columns, t.places = append(t.columns, nil), append(t.places, -1)
			continue
		}
		b := t.builder(n, i+1)
		t.columns, t.places = append(t.columns, b), append(t.places, int32(b.at))
	}
	return nil
}

func (t *reading) builder(name string, index int) *builder {
	b := &builder{name: name, index: index, at: len(t.used), missing: t.missing}
	t.used = append(t.used, b)
	b.want, b.forced = t.o.Types[name]
	b.target = name == t.o.Target || index == 0
	b.direct = b.target || b.forced && b.want != Numeric
	b.plain = !b.direct && !t.missing.numbers
	return b
}

// beginDelimited reads the header of a delimited text.
func (t *reading) beginDelimited(p *parser, delim byte, first bool) error {
	d := &delimited{w: p.w, name: p.name, delim: delim}
	p.delimited, p.records = d, d
	line, err := d.readHeader(t.o.NoHeader)
	if err != nil {
		return err
	}
	if first {
		return t.setColumns(p.name, line, d.names)
	}
	if e := sameHeader(p.name, max(line, 1), d.names, t.t.files[0].name, t.t.Header); e != nil {
		return e
	}
	return nil
}

// beginJSONL takes the columns from the first line of the first file.
func (t *reading) beginJSONL(p *parser, first bool) error {
	j := &jsonl{w: p.w, name: p.name}
	p.records = j
	if !first {
		j.setNames(t.t.Header)
		return nil
	}
	if err := j.readHeader(); err != nil {
		return err
	}
	return t.setColumns(p.name, p.w.line, j.names)
}

// beginLIBSVM sets up the label.
func (t *reading) beginLIBSVM(p *parser, first bool) error {
	p.libsvm = &libsvm{w: p.w, name: p.name}
	p.records = p.libsvm
	if !first {
		return nil
	}
	name := t.o.Target
	if name == "" {
		name = "label"
	}
	t.builder(name, 0)
	for _, forced := range slices.Sorted(maps.Keys(t.o.Types)) {
		if forced != name {
			return &Error{File: p.name, Message: fmt.Sprintf("the type of column %s cannot be chosen: features of LIBSVM are numbers", quote(forced)), final: true}
		}
	}
	return nil
}

// table decides the types and hands the table over.
func (t *reading) table() (*Table, error) {
	if err := t.t.scratch.Err(); err != nil {
		return nil, err // what was read is not there
	}
	if !t.stopped {
		t.t.Columns = make([]*Column, len(t.used))
		t.each(len(t.used), func(i int) {
			b := t.used[i]
			if b.blocks == nil {
				b.blocks = t.blocks
			}
			if t.typed != nil {
				t.t.Columns[i] = t.typed[b.index-1].finish(t, b)
			} else {
				t.t.Columns[i] = b.finish(t)
			}
		})
		for _, b := range t.used {
			t.problems.join(&b.problems)
			for _, block := range b.blocks { // the columns have their own codes now
				t.held.Add(-int64(len(block.c8) + 2*len(block.c16) + 4*len(block.c32)))
				block.c8, block.c16, block.c32 = nil, nil, nil
			}
		}
	}
	if err := t.problems.err(); err != nil {
		return nil, err
	}
	if t.t.Format == LIBSVM {
		t.finishSparse()
	}
	t.t.places = make(map[string]int, len(t.t.Columns))
	for i, c := range t.t.Columns {
		t.t.places[c.Name] = i
	}
	t.t.Findings = t.findings(t.t.Line)
	t.t.bytes, t.t.inMemory = t.all.Load(), t.held.Load()
	return t.t, t.t.scratch.Err()
}
