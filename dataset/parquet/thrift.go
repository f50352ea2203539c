package parquet

import (
	"encoding/binary"
	"errors"
)

// errThrift is what a footer or header is that does not parse.
var errThrift = errors.New("its metadata is damaged")

// Kinds of the compact protocol (Apache Thrift, "Thrift compact protocol", doc/specs/thrift-compact-protocol.md).
const (
	kindTrue   = 1
	kindFalse  = 2
	kindI8     = 3
	kindI16    = 4
	kindI32    = 5
	kindI64    = 6
	kindDouble = 7
	kindBinary = 8
	kindList   = 9
	kindSet    = 10
	kindMap    = 11
	kindStruct = 12
	kindUUID   = 13
)

// measure gives the length of the struct that b begins with. It decodes nothing: it makes sure that what is decoded afterwards claims no more
// elements or bytes than there are, and is not deep. errShort means that b ends inside the struct.
func measure(b []byte) (int, error) {
	w := walker{b: b}
	err := w.structure(0)
	return w.at, err
}

var errShort = errors.New("its metadata is cut off")

type walker struct {
	b  []byte
	at int
}

const mostDepth = 16 // of structs and lists in each other: FileMetaData has 7

func (w *walker) byte() (byte, error) {
	if w.at >= len(w.b) {
		return 0, errShort
	}
	w.at++
	return w.b[w.at-1], nil
}

func (w *walker) varint() (uint64, error) {
	v, n := binary.Uvarint(w.b[w.at:])
	if n == 0 {
		return 0, errShort
	}
	if n < 0 {
		return 0, errThrift
	}
	w.at += n
	return v, nil
}

func (w *walker) skip(n uint64) error {
	if n > uint64(len(w.b)-w.at) {
		return errShort
	}
	w.at += int(n)
	return nil
}

func (w *walker) structure(depth int) error {
	if depth > mostDepth {
		return errThrift
	}
	for {
		head, err := w.byte()
		if err != nil || head == 0 {
			return err
		}
		if head>>4 == 0 { // the field's number follows
			if _, err := w.varint(); err != nil {
				return err
			}
		}
		if kind := head & 15; kind != kindTrue && kind != kindFalse {
			if err := w.value(kind, depth); err != nil {
				return err
			}
		}
	}
}

func (w *walker) value(kind byte, depth int) error {
	switch kind {
	case kindTrue, kindFalse, kindI8: // of a list
		return w.skip(1)
	case kindI16, kindI32, kindI64:
		_, err := w.varint()
		return err
	case kindDouble:
		return w.skip(8)
	case kindUUID:
		return w.skip(16)
	case kindBinary:
		n, err := w.varint()
		if err != nil {
			return err
		}
		return w.skip(n)
	case kindStruct:
		return w.structure(depth + 1)
	case kindList, kindSet:
		head, err := w.byte()
		if err != nil {
			return err
		}
		n := uint64(head >> 4)
		if n == 15 {
			if n, err = w.varint(); err != nil {
				return err
			}
		}
		return w.elements(n, []byte{head & 15}, depth)
	case kindMap:
		n, err := w.varint()
		if err != nil || n == 0 {
			return err
		}
		kinds, err := w.byte()
		if err != nil {
			return err
		}
		return w.elements(n, []byte{kinds >> 4, kinds & 15}, depth)
	}
	return errThrift
}

// elements passes n elements, each of which takes a byte at least.
func (w *walker) elements(n uint64, kinds []byte, depth int) error {
	if depth > mostDepth {
		return errThrift
	}
	if n > uint64(len(w.b)-w.at) {
		return errShort
	}
	for range n {
		for _, kind := range kinds {
			if err := w.value(kind, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
