package descent

import (
	"context"
	"io"
	"slices"

	"github.com/descent-ml/descent/dataset"
)

// Source gives rows to [Fit] and [Model.Evaluate]. Make one with [File], [Reader] or [Table].
type Source interface {
	table(ctx context.Context, o dataset.Options) (*dataset.Table, error)
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

type readerSource struct {
	name    string
	r       io.Reader
	formats []dataset.Format
}

func (s readerSource) table(ctx context.Context, o dataset.Options) (*dataset.Table, error) {
	o.Formats = s.formats
	return dataset.Read(ctx, s.name, s.r, o)
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
