package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"
)

// Format is a kind of file with typed columns that this package does not read by itself, so that its users do not compile what they do not need.
// Package dataset/parquet holds one. Options.Formats makes it known.
type Format struct {
	Name  string // what Options.Format and Table.Format call it
	Magic string // what such a file begins with
	Open  func(r io.ReaderAt, size int64) (Columnar, error)
}

// Columnar is an open file of typed columns. Cells may be called for several columns at once.
type Columnar interface {
	Header() []string
	Rows() int   // as the file says; no more than its size justifies
	Groups() int // parts that follow each other
	Kind(column int) CellKind
	// Cells gives the cells of a column (from 0) of a part in batches. With text, numbers are given as their texts.
	Cells(ctx context.Context, group, column int, text bool) iter.Seq2[Cells, error]
}

// CellKind is what a typed column holds.
type CellKind uint8

const (
	NumberCells CellKind = iota
	TextCells            // booleans, too: true and false
	NoCells              // nothing but missing values
)

func (k CellKind) String() string { return [...]string{"numbers", "texts", "nothing"}[k] }

// Cells are some consecutive cells of a column, as numbers or as texts. They are valid until the next batch.
type Cells struct {
	Numbers []float64 // (rows); anything where missing
	Texts   [][]byte  // (rows); anything where missing
	Missing []bool    // (rows); nil: none
}

// Len is the number of rows.
func (c *Cells) Len() int { return max(len(c.Numbers), len(c.Texts), len(c.Missing)) }

// formatOf finds the format whose files begin like this, or the one that is asked for. It waits for no more of a text than it must.
func (o *Options) formatOf(in *input) *Format {
	for i := range o.Formats {
		f := &o.Formats[i]
		if o.Format == f.Name {
			return f
		}
		if o.Format != "" || !in.plain {
			continue
		}
		if head, _ := in.peek(len(f.Magic)); string(head) != f.Magic {
			continue
		}
		if head, _ := in.peek(64); notText(head) != "" { // else a text that begins with these letters
			return f
		}
	}
	return nil
}

// checkFormat refuses a format that nobody reads.
func (o *Options) checkFormat() error {
	if o.Format == "" || slices.ContainsFunc(o.Formats, func(f Format) bool { return f.Name == o.Format }) {
		return nil
	}
	_, err := layoutOf(o.Format)
	return err
}

// openColumnar opens an input of typed columns. They are read here and there, which a pipe does not allow: what is no file is copied to a temporary
// one first.
func openColumnar(f *Format, in *input, r io.Reader) (c Columnar, closer func(), err error) {
	fail := func(err error) (Columnar, func(), error) {
		return nil, nil, inputError(in.name, err)
	}
	if !in.plain {
		return fail(fmt.Errorf("%s data inside compressed data; decompress it first (%[1]s is compressed itself)", f.Name))
	}
	closer = func() {}
	var at io.ReaderAt
	size := in.size
	if file, ok := r.(*os.File); ok && size == 0 {
		if info, e := file.Stat(); e == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
	}
	switch r := r.(type) {
	case regular:
		at = r
	case *os.File:
		if size > 0 {
			at = r
		}
	case *bytes.Reader:
		at, size = r, r.Size()
	}
	if at == nil {
		spool, err := os.CreateTemp("", "descent-*."+f.Name)
		if err != nil {
			return fail(err)
		}
		closer = func() {
			spool.Close()
			os.Remove(spool.Name())
		}
		if size, err = io.Copy(spool, in.r); err != nil {
			closer()
			return fail(err)
		}
		at = spool
	}
	if c, err = f.Open(at, size); err != nil {
		closer()
		return fail(err)
	}
	return c, closer, nil
}

// typed gathers a column of a file of typed columns. Its numbers need no second look; all else goes through the builder, as in any other file.
type typed struct {
	kind     CellKind
	known    string // the file that said so
	stage    *stage // of the file being read
	rows     int    // of all files before
	na       NA     // NaN that means missing
	absent   int    // null
	null     int    // first row of these
	problems []typedProblem
	total    int
}

type typedProblem struct {
	row  int
	text string
}

// columnar reads a file of typed columns.
func (t *reading) columnar(name string, c Columnar, size int64, first bool) error {
	var h header
	for _, n := range c.Header() {
		if e := h.add([]byte(n)); e != nil {
			e.File = name
			return e
		}
	}
	if len(h.names) == 0 {
		return &Error{File: name, Message: "the file has no columns", final: true}
	}
	if first {
		if err := t.setColumns(name, 0, h.names); err != nil {
			return err
		}
		t.typed = make([]typed, len(h.names))
		for i, b := range t.columns {
			t.typed[i].kind = NoCells
			if b != nil {
				b.at = 0 // in blocks of its own: columns are read side by side
			}
		}
	} else if e := sameHeader(name, 0, h.names, t.t.files[0].name, t.t.Header); e != nil {
		return e
	}
	var used []int
	for i, b := range t.columns {
		if b == nil {
			continue
		}
		used = append(used, i)
		kind, had := c.Kind(i), &t.typed[i]
		if had.kind != NoCells && kind != NoCells && kind != had.kind {
			return &Error{File: name, Column: i + 1, Name: b.name, Message: fmt.Sprintf("%s, that of %s holds %s", kind, had.known, had.kind), final: true}
		}
		if had.kind == NoCells && kind != NoCells {
			if had.kind, had.known = kind, name; kind == TextCells || t.asText(b) {
				had.absent = 0 // the builder counts them
			}
		}
	}
	base := t.t.Rows
	var next atomic.Int64
	errs := make([]error, len(used))
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	for range min(t.threads, len(used)) {
		wg.Go(func() {
			for {
				k := int(next.Add(1)) - 1
				if k >= len(used) {
					return
				}
				if errs[k] = t.column(ctx, c, used[k], base); errs[k] != nil {
					cancel()
				}
			}
		})
	}
	wg.Wait()
	if err := t.ctx.Err(); err != nil {
		return inputError(name, err)
	}
	for k, err := range errs {
		if err == nil || errors.Is(err, context.Canceled) {
			continue
		}
		e := inputError(name, err)
		e.Column, e.Name = used[k]+1, h.names[used[k]]
		return e
	}
	if t.o.Progress != nil {
		t.o.Progress(size, size)
	}
	if c.Rows() > 0 {
		t.t.lines.addRun(1, 1, c.Rows(), true)
		t.t.Rows += c.Rows()
	}
	return nil
}

// asText reports whether the texts of numbers are wanted too: of levels, of the target, and where a number may mean missing.
func (t *reading) asText(b *builder) bool { return b.direct || t.missing.numbers }

// column reads one column of a file whose rows begin at base.
func (t *reading) column(ctx context.Context, c Columnar, i, base int) error {
	b, p := t.columns[i], &t.typed[i]
	text := p.kind == TextCells || p.kind == NumberCells && t.asText(b)
	of := b
	if !text {
		of = &builder{forced: true} // nobody asks for the texts
	}
	p.stage = newStage([]*builder{of}, max(1, min(typedRows, c.Rows())))
	row := base
	for group := range c.Groups() {
		for cells, err := range c.Cells(ctx, group, i, text) {
			if err != nil {
				return err
			}
			n := cells.Len()
			if row+n > base+c.Rows() {
				return fmt.Errorf("more cells than the %d rows of the file", c.Rows())
			}
			for k := range n {
				missing := cells.Missing != nil && cells.Missing[k]
				switch {
				case !text:
					p.number(t, row+k, cells.Numbers, k, missing)
				case missing || cells.Texts == nil:
					p.stage.skip(0, nil)
				default:
					p.stage.cell(0, cells.Texts[k], true)
				}
				if p.stage.rows++; p.stage.full() {
					p.seal(t, b)
				}
			}
			row += n
		}
	}
	p.seal(t, b)
	if row != base+c.Rows() {
		return fmt.Errorf("%d cells, the file has %d rows", row-base, c.Rows())
	}
	return nil
}

// number takes the number of a row.
func (p *typed) number(t *reading, row int, numbers []float64, k int, missing bool) {
	p.stage.skip(0, nil)
	switch {
	case missing || numbers == nil:
		if p.absent++; p.absent == 1 {
			p.null = row
		}
	case math.IsNaN(numbers[k]):
		if !t.missing.Is([]byte("NaN")) {
			p.wrong(row, "NaN")
		} else if p.na.Rows++; p.na.Rows == 1 {
			p.na.Text, p.na.Row = "NaN", row
		}
	case math.IsInf(numbers[k], 0):
		p.wrong(row, fmt.Sprint(numbers[k]))
	default:
		p.stage.slots[p.stage.rows], p.stage.forms[p.stage.rows] = disguise(numbers[k])
	}
}

// typedRows are those of a block of one column.
const typedRows = 1 << 14

// seal ends a block of a column.
func (p *typed) seal(t *reading, b *builder) {
	if p.stage.rows == 0 {
		return
	}
	block := p.stage.seal()
	block.first = p.rows
	t.keep(block, []*builder{b})
	p.rows += block.rows
	b.blocks = append(b.blocks, block)
	if m := block.parts[0].more; m != nil {
		if b.bytes += m.bytes; b.bytes > t.room/len(t.columns) {
			b.lost.Store(true)
		}
	}
}

func (p *typed) wrong(row int, text string) {
	if p.total++; len(p.problems) < maxListed {
		p.problems = append(p.problems, typedProblem{row, text})
	}
}

// finish gives the column, and says what is wrong with it.
func (p *typed) finish(t *reading, b *builder) *Column {
	if p.kind == TextCells || p.kind == NumberCells && t.asText(b) || p.kind == NoCells && b.direct {
		return b.finish(t)
	}
	for _, e := range p.problems {
		t.problem(e.row, b, quote(e.text)+" "+notNumber(e.text), "")
	}
	b.problems.total += p.total - len(p.problems)
	c := &Column{Name: b.name, Index: b.index, Type: Numeric, Numbers: newNumbers(b.blocks, 0, t.t.Rows, nan), Missing: p.absent + p.na.Rows}
	if p.absent > 0 {
		c.NA = append(c.NA, NA{Rows: p.absent, Row: p.null})
	}
	if p.na.Rows > 0 {
		c.NA = append(c.NA, p.na)
		slices.SortFunc(c.NA, func(a, b NA) int { return a.Row - b.Row })
	}
	return c
}

// columnRecords gives the rows of a file of typed columns as records.
type columnRecords struct {
	ctx  context.Context
	c    Columnar
	name string
	use  []bool
	rows int // given so far
	at   []columnCursor
	rec  Record
}

// columnCursor stands in a batch of one column.
type columnCursor struct {
	cells Cells
	k     int
	next  func() (Cells, error, bool)
	stop  func()
}

func newColumnRecords(ctx context.Context, c Columnar, name string, use func(string) bool) (*columnRecords, error) {
	s := &columnRecords{ctx: ctx, c: c, name: name}
	var h header
	for _, n := range c.Header() {
		if e := h.add([]byte(n)); e != nil {
			e.File = name
			return nil, e
		}
		s.use = append(s.use, use == nil || use(n))
	}
	s.at = make([]columnCursor, len(h.names))
	s.rec.Cells = make([]Cell, len(h.names))
	return s, nil
}

func (s *columnRecords) next() (*Record, error) {
	if s.rows == s.c.Rows() {
		s.close()
		return nil, io.EOF
	}
	for i := range s.at {
		if !s.use[i] {
			s.rec.Cells[i] = Cell{Absent: true}
			continue
		}
		a := &s.at[i]
		for a.k == a.cells.Len() {
			if err := s.batch(a, i); err != nil {
				e := inputError(s.name, err)
				e.Column, e.Name = i+1, s.c.Header()[i]
				return nil, e
			}
		}
		if a.cells.Texts == nil || a.cells.Missing != nil && a.cells.Missing[a.k] {
			s.rec.Cells[i] = Cell{Absent: true}
		} else {
			s.rec.Cells[i] = Cell{Text: a.cells.Texts[a.k], Quoted: true}
		}
		a.k++
	}
	s.rows++
	s.rec.Line = s.rows
	return &s.rec, nil
}

// batch takes the next batch of a column, of whichever part.
func (s *columnRecords) batch(a *columnCursor, column int) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if a.next == nil {
		a.next, a.stop = iter.Pull2(s.all(column))
	}
	cells, err, ok := a.next()
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%d cells, the file has %d rows", s.rows, s.c.Rows())
	}
	a.cells, a.k = cells, 0
	return nil
}

// all gives the cells of a column of all parts.
func (s *columnRecords) all(column int) iter.Seq2[Cells, error] {
	return func(yield func(Cells, error) bool) {
		for group := range s.c.Groups() {
			for cells, err := range s.c.Cells(s.ctx, group, column, true) {
				if !yield(cells, err) || err != nil {
					return
				}
			}
		}
	}
}

func (s *columnRecords) close() {
	for i := range s.at {
		if s.at[i].stop != nil {
			s.at[i].stop()
			s.at[i].next, s.at[i].stop = nil, nil
		}
	}
}
