package descent

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"

	"github.com/descent-ml/descent/dataset"
)

// Source gives rows to [Fit] and [Model.Evaluate]. Make one with [File], [Reader] or [Table].
type Source interface {
	table(ctx context.Context, o dataset.Options) (*dataset.Table, error)
	stream(ctx context.Context, o dataset.Options, to dataset.Taker) ([]dataset.Finding, error)
}

// File is a path, a glob of files that are read as one, or "-" for standard input. Format and compression are found from the content. Formats are
// what can be read besides what package dataset reads by itself, such as parquet.Format of dataset/parquet.
func File(pattern string, formats ...dataset.Format) Source { return fileSource{pattern, formats} }

// Reader reads a file's bytes from r; name is what errors call it. It can be used once. Formats are as in [File].
func Reader(name string, r io.Reader, formats ...dataset.Format) Source {
	return readerSource{name, r, formats}
}

// Table is a table that was read before, with the target named in dataset.Options.Target. Types and missing texts stay as they were
// found then; which columns are used is decided now.
func Table(t *dataset.Table) Source { return tableSource{t} }

type fileSource struct {
	pattern string
	formats []dataset.Format
}

func (s fileSource) table(ctx context.Context, o dataset.Options) (*dataset.Table, error) {
	o.Formats = s.formats
	return dataset.Open(ctx, s.pattern, o)
}

func (s fileSource) stream(ctx context.Context, o dataset.Options, to dataset.Taker) ([]dataset.Finding, error) {
	o.Formats = s.formats
	return dataset.OpenStream(ctx, s.pattern, o, streamHead, to)
}

type readerSource struct {
	name    string
	r       io.Reader
	formats []dataset.Format
}

func (s readerSource) table(ctx context.Context, o dataset.Options) (*dataset.Table, error) {
	o.Formats = s.formats
	return dataset.Read(ctx, s.name, s.r, o)
}

func (s readerSource) stream(ctx context.Context, o dataset.Options, to dataset.Taker) ([]dataset.Finding, error) {
	o.Formats = s.formats
	return dataset.ReadStream(ctx, s.name, s.r, o, streamHead, to)
}

type tableSource struct{ t *dataset.Table }

func (s tableSource) table(_ context.Context, o dataset.Options) (*dataset.Table, error) {
	if o.Use == nil || s.t.Sparse != nil {
		return s.t, nil
	}
	t := *s.t
	t.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c *dataset.Column) bool {
		return !o.Use(c.Name) && !(t.Format == dataset.LIBSVM && c == t.Columns[0]) // the label, whatever its name
	})
	return &t, nil
}

// stream hands the whole table over, which is its own head.
func (s tableSource) stream(ctx context.Context, o dataset.Options, to dataset.Taker) ([]dataset.Finding, error) {
	t, err := s.table(ctx, o)
	if err != nil {
		return nil, err
	}
	u := *t
	u.Columns = slices.Clone(t.Columns)
	for i, c := range u.Columns {
		if c.Type != dataset.Numeric && c.Codes == nil {
			d := *c
			d.Codes = make([]int32, t.Rows)
			c.ReadCodes(d.Codes, 0)
			u.Columns[i] = &d
		}
	}
	if err := to.Head(&u); err != nil {
		return nil, err
	}
	return t.Findings, to.Take(&u, 0)
}

// readTwice says whether a source gives its rows a second time.
func readTwice(s Source) bool {
	switch s := s.(type) {
	case fileSource:
		return s.pattern != "-"
	case readerSource:
		return false
	}
	return true
}

// textSource is what a reader gave, to be read again.
type textSource struct {
	name    string
	text    []byte
	formats []dataset.Format
}

func (s textSource) table(ctx context.Context, o dataset.Options) (*dataset.Table, error) {
	return readerSource{s.name, bytes.NewReader(s.text), s.formats}.table(ctx, o)
}

func (s textSource) stream(ctx context.Context, o dataset.Options, to dataset.Taker) ([]dataset.Finding, error) {
	return readerSource{s.name, bytes.NewReader(s.text), s.formats}.stream(ctx, o, to)
}

// again is a source that can be read more than once: of a reader all it gives is kept.
func again(s Source) (Source, error) {
	if f, ok := s.(fileSource); ok && f.pattern == "-" {
		s = readerSource{"stdin", os.Stdin, f.formats}
	}
	r, ok := s.(readerSource)
	if !ok {
		return s, nil
	}
	text, err := io.ReadAll(r.r)
	if err != nil {
		return nil, &dataset.Error{File: r.name, Message: err.Error(), Err: err}
	}
	return textSource{r.name, text, r.formats}, nil
}
