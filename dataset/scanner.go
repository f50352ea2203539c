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

// Record is one row of a file. Its memory is used again by the next call of Scanner.Next.
type Record struct {
	Line  int    // physical line it begins at
	Cells []Cell // one for every column of the header; nil for LIBSVM
	Label []byte // LIBSVM: the label, nil where the line has none
	Index []int  // LIBSVM: the indices as they stand in the file, ascending
	Value []float64
}

// Scanner reads records one by one in bounded memory (a cell has at most 16 MiB, a record 256 MiB), without waiting for more input than the
// record needs. It decides no types. It is not safe for concurrent use.
type Scanner struct {
	File   string   // name for errors
	Format string   // as found or given
	Header []string // column names; nil for LIBSVM
	s      records
}

type records interface {
	next() (*Record, error)
}

// NewScanner finds format and compression from the beginning of r, reads the header and stops before the first row.
// Of the options it uses Format, NoHeader and Target.
func NewScanner(ctx context.Context, name string, r io.Reader, o Options) (*Scanner, error) {
	return nil, io.EOF
}

// Next gives the next record, or io.EOF after the last. An error about one record (*Error with its line) may be
// followed by further records; any other error is final.
func (s *Scanner) Next() (*Record, error) { return s.s.next() }
