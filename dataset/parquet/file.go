package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/descent-ml/descent/dataset"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Format makes Parquet files known to package dataset.
var Format = dataset.Format{Name: "parquet", Magic: "PAR1", Open: Open}

// What a file may claim.
const (
	tableBytes  = 256 << 20 // of a table, and
	tableFactor = 1024      // times the file's size
	pageBytes   = 64 << 20  // of a page, and
	pageFactor  = 64        // times its compressed size
	headerBytes = 16 << 20  // of a page's header
	cellBytes   = 16 << 20  // of a text
)

// file is an open Parquet file.
type file struct {
	r       io.ReaderAt
	size    int64
	meta    format.FileMetaData
	columns []column
	names   []string
}

// column is a column at the top of the schema.
type column struct {
	leaf     int // position among the chunks of a row group
	optional bool
	value    value
	refused  string // why it cannot be read, "" if it can
}

// Open opens a Parquet file of that size.
func Open(r io.ReaderAt, size int64) (dataset.Columnar, error) {
	f := &file{r: r, size: size}
	const ends = 8 // length of the footer and magic
	if size < 4+ends {
		return nil, errors.New("the Parquet file is truncated: it has no footer")
	}
	var head [4]byte
	var tail [ends]byte
	if err := f.read(head[:], 0); err != nil {
		return nil, err
	}
	if err := f.read(tail[:], size-ends); err != nil {
		return nil, err
	}
	switch {
	case string(head[:]) == "PARE" || string(tail[4:]) == "PARE":
		return nil, errors.New("the Parquet file is encrypted")
	case string(head[:]) != "PAR1":
		return nil, errors.New("this is not a Parquet file")
	case string(tail[4:]) != "PAR1":
		return nil, errors.New("the Parquet file is truncated: it does not end with its footer")
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	if length > size-4-ends {
		return nil, fmt.Errorf("the Parquet file is damaged: a footer of %d bytes in a file of %d", length, size)
	}
	footer := make([]byte, length)
	if err := f.read(footer, size-ends-length); err != nil {
		return nil, err
	}
	n, err := measure(footer)
	if err == nil {
		err = decode(footer[:n], &f.meta)
	}
	if err != nil {
		return nil, damaged(err)
	}
	if f.meta.EncryptionAlgorithm.Value != nil {
		return nil, errors.New("the Parquet file is encrypted")
	}
	if err := f.schema(); err != nil {
		return nil, damaged(err)
	}
	rows := int64(0)
	for _, g := range f.meta.RowGroups {
		if g.NumRows < 0 || rows+g.NumRows < rows {
			return nil, damaged(fmt.Errorf("a row group of %d rows", g.NumRows))
		}
		rows += g.NumRows
	}
	if rows != f.meta.NumRows {
		return nil, damaged(fmt.Errorf("%d rows, its row groups have %d", f.meta.NumRows, rows))
	}
	if most := (tableBytes + tableFactor*size) / 8; rows > most/max(1, int64(len(f.columns))) {
		return nil, fmt.Errorf("the Parquet file claims %d rows of %d columns in %d bytes, more than the limit (%d times its size, and %d MiB)",
			rows, len(f.columns), size, tableFactor, tableBytes>>20)
	}
	return f, nil
}

func damaged(err error) error { return fmt.Errorf("the Parquet file is damaged: %w", err) }

// read fills b.
func (f *file) read(b []byte, from int64) error {
	if from < 0 || from > f.size-int64(len(b)) {
		return damaged(fmt.Errorf("bytes %d to %d are wanted of %d", from, from+int64(len(b)), f.size))
	}
	n, err := f.r.ReadAt(b, from)
	if n == len(b) {
		return nil
	}
	if err == io.EOF || err == nil {
		return errors.New("the Parquet file is truncated: it became shorter")
	}
	return err
}

// decode decodes a struct that measure accepted.
func decode(b []byte, to any) (err error) {
	defer func() {
		if r := recover(); r != nil { // an enumeration or union it does not know
			err = fmt.Errorf("its metadata cannot be decoded: %v", r)
		}
	}()
	return thrift.Unmarshal(&thrift.CompactProtocol{}, b, to)
}

// schema finds the columns at the top. The elements are the tree in depth-first order.
func (f *file) schema() error {
	s := f.meta.Schema
	if len(s) == 0 {
		return errors.New("it has no schema")
	}
	leaf := 0
	at := 1
	for child := 0; child < int(s[0].NumChildren.V); child++ {
		if at >= len(s) {
			return errors.New("its schema is cut off")
		}
		e := &s[at]
		c := column{leaf: leaf, optional: e.RepetitionType.Valid && e.RepetitionType.V == format.Optional}
		if e.NumChildren.V > 0 || !e.Type.Valid {
			c.refused = "a nested column"
		} else if e.RepetitionType.Valid && e.RepetitionType.V == format.Repeated {
			c.refused = "a repeated column"
		} else {
			c.value, c.refused = valueOf(e)
		}
		f.columns, f.names = append(f.columns, c), append(f.names, e.Name)
		for open := 1; open > 0; at++ { // past it and all below
			if at >= len(s) {
				return errors.New("its schema is cut off")
			}
			n := int(s[at].NumChildren.V)
			if n < 0 || n > len(s) {
				return errors.New("its schema is not a tree")
			}
			if open += n - 1; n == 0 {
				leaf++
			}
		}
	}
	for _, g := range f.meta.RowGroups {
		if len(g.Columns) != leaf {
			return fmt.Errorf("a row group of %d columns, the schema has %d", len(g.Columns), leaf)
		}
	}
	return nil
}

func (f *file) Header() []string { return f.names }
func (f *file) Rows() int        { return int(f.meta.NumRows) }
func (f *file) Groups() int      { return len(f.meta.RowGroups) }

func (f *file) Kind(i int) dataset.CellKind {
	switch v := &f.columns[i].value; {
	case v.nothing:
		return dataset.NoCells
	case v.number == nil:
		return dataset.TextCells
	}
	return dataset.NumberCells
}
