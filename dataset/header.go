package dataset

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a header.
const (
	maxName    = 1 << 16 // bytes of a column's name
	maxColumns = 1 << 18 // columns; LIBSVM has no such limit
)

// header gathers the column names one by one.
type header struct {
	names []string
	at    map[string]int
}

// add takes the next column's name: it must be there, once, and be text. Anything wrong is an error at the column, without its file and line.
func (h *header) add(name []byte) *Error {
	e := &Error{Column: len(h.names) + 1, final: true}
	n := ""
	if len(name) <= maxName {
		n = string(name)
	}
	switch first, twice := h.at[n]; {
	case len(h.names) == maxColumns:
		e.Message = tooWide
	case len(name) == 0:
		e.Message = "the column has no name"
	case len(name) > maxName:
		e.Message = fmt.Sprintf("the column's name has %d bytes, the limit is %d", len(name), maxName)
	case !utf8.ValidString(n):
		e.Message = fmt.Sprintf("the column's name %s is not UTF-8 text", quote(n))
		e.Cure = "convert the file, for example with iconv -t UTF-8"
	case strings.ContainsRune(n, 0):
		e.Message = fmt.Sprintf("the column's name %s holds a NUL byte", quote(n))
	case twice:
		e.Message = fmt.Sprintf("duplicate column name %s: columns %d and %d have it", quote(n), first+1, len(h.names)+1)
	default:
		if h.at == nil {
			h.at = map[string]int{}
		}
		h.at[n] = len(h.names)
		h.names = append(h.names, n)
		return nil
	}
	return e
}

var tooWide = fmt.Sprintf("more than %d columns, the limit; wide sparse data can be read as LIBSVM", maxColumns)

// looksLikeData is the cure when a header looks like data: at least half of its cells are numbers.
func looksLikeData(numbers, cells int) string {
	if numbers > 0 && 2*numbers >= cells {
		return "if the first line is data: --no-header"
	}
	return ""
}

// sameHeader wants the header of one more file to be that of the first.
func sameHeader(file string, line int, names []string, first string, want []string) *Error {
	e := &Error{File: file, Line: line, final: true}
	for i := range min(len(names), len(want)) {
		if names[i] != want[i] {
			e.Column = i + 1
			e.Message = fmt.Sprintf("the header has %s where that of %s has %s", quote(names[i]), first, quote(want[i]))
			return e
		}
	}
	if len(names) != len(want) {
		e.Message = fmt.Sprintf("%d columns, %s has %d", len(names), first, len(want))
		return e
	}
	return nil
}
