package dataset

import (
	"context"
	"io"
)

// Cell is one value of a record as it stands in the file.
type Cell struct {
	Text   []byte // without quotes and escapes; unquoted outer blanks are gone. Valid until the next call of Next
	Quoted bool   // it was in quotes (CSV) or a string (JSON)
	Absent bool   // JSON: null, or a key that is not there
}

// Bare is the text without outer blanks, also those in quotes: what numbers, booleans and missing values are read from.
func (c Cell) Bare() []byte { return trimBlanks(c.Text, 0) }

// Record is one row of a file. Its memory is used again by the next call of Scanner.Next.
type Record struct {
	Line  int    // physical line it begins at
	Cells []Cell // one for every column of the header; nil for LIBSVM
	Label []byte // LIBSVM: the label, nil where the line has none
	Index []int  // LIBSVM: the indices as they stand in the file, ascending
	Value []float64

	broken bool       // line ends stand in its cells
	cells  []slotForm // LIBSVM: the values as cells of a stage
}

// CellLine is the physical line a cell begins at: of a record with line ends in its quotes, perhaps not its first.
func (r *Record) CellLine(cell int) int {
	line := r.Line
	if r.broken {
		for _, c := range r.Cells[:cell] {
			line += lineEnds(c.Text)
		}
	}
	return line
}

// Scanner reads records one by one in bounded memory (a cell has at most 16 MiB, a record 64 MiB), without waiting for more input than the
// record needs. It decides no types. It is not safe for concurrent use.
type Scanner struct {
	File   string   // name for errors
	Format string   // as found or given
	Header []string // column names; nil for LIBSVM

	HeaderLine int // physical line of the header (JSON Lines: of the first object); 0 where there is none
	records    records
	in         *input
}

type records interface {
	next() (*Record, error)
}

// NewScanner finds format and compression from the beginning of r, reads the header and stops before the first row.
// Of the options it uses Format, Formats, NoHeader and Progress, and of typed columns Use. A file that is empty is an error, one that is only a header is not.
func NewScanner(ctx context.Context, name string, r io.Reader, o Options) (*Scanner, error) {
	if err := o.checkFormat(); err != nil {
		return nil, asErrors(err)
	}
	in, err := decompress(name, r, 0)
	if err != nil {
		return nil, asErrors(err)
	}
	s := &Scanner{File: name, in: in}
	if f := o.formatOf(in); f != nil {
		c, done, err := openColumnar(f, in, r)
		if err != nil {
			in.close()
			return nil, asErrors(err)
		}
		records, err := newColumnRecords(ctx, c, name, o.Use)
		if err != nil {
			done()
			in.close()
			return nil, asErrors(err)
		}
		inner := in.close
		in.close = func() {
			records.close()
			done()
			inner()
		}
		s.Format, s.Header, s.records = f.Name, c.Header(), records
		return s, nil
	}
	const block = 64 << 10
	w, l, err := begin(in, o, block, true, in.watch(ctx, o.Progress))
	if err == nil {
		s.Format = l.format
		err = s.readHeader(w, l, o)
	}
	if err != nil {
		in.close()
		return nil, asErrors(err)
	}
	return s, nil
}

func (s *Scanner) readHeader(w *window, l layout, o Options) error {
	switch l.format {
	case LIBSVM:
		s.records = &libsvm{w: w, name: s.File}
		return nil
	case JSONL:
		j := &jsonl{w: w, name: s.File}
		err := j.readHeader()
		s.HeaderLine = w.line
		s.records, s.Header = j, j.names
		return err
	}
	d := &delimited{w: w, name: s.File, delim: l.delim}
	line, err := d.readHeader(o.NoHeader)
	s.HeaderLine = line
	s.records, s.Header = d, d.names
	return err
}

// Next gives the next record, or io.EOF after the last. After an error about one record (an *Error for which Final is false) the
// following records can still be read; any other error comes again at every call.
func (s *Scanner) Next() (*Record, error) {
	r, err := s.records.next()
	if e, ok := err.(*Error); ok && cancelled(e) {
		return nil, e.Err
	}
	return r, err
}

// NoColumn is the error for a name that is not in the header: what there is, and what was perhaps meant.
func (s *Scanner) NoColumn(name string) *Error {
	return noColumn(s.File, max(s.HeaderLine, 1), name, s.Header)
}

// Close frees the decompressor. It does not close what is read.
func (s *Scanner) Close() { s.in.close() }
