package dataset

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// checkNames wants every column name to be there, once, and to be text.
func checkNames(file string, line int, names []string) *Error {
	at := make(map[string]int, len(names))
	for i, n := range names {
		e := &Error{File: file, Line: line, Column: i + 1, Cure: headerCure(names), final: true}
		switch first, twice := at[n]; {
		case n == "":
			e.Message = "the column has no name"
		case len(n) > maxName:
			e.Message = fmt.Sprintf("the column's name has %d bytes, the limit is %d", len(n), maxName)
		case !utf8.ValidString(n):
			e.Message = fmt.Sprintf("the column's name %s is not UTF-8 text", quote(n))
			e.Cure = "convert the file, for example with iconv -t UTF-8"
		case strings.ContainsRune(n, 0):
			e.Message = fmt.Sprintf("the column's name %s holds a NUL byte", quote(n))
		case twice:
			e.Message = fmt.Sprintf("duplicate column name %s: columns %d and %d have it", quote(n), first+1, i+1)
		default:
			at[n] = i
			continue
		}
		return e
	}
	return nil
}

const maxName = 1 << 16 // bytes of a column's name

// headerCure suggests what to do when a header looks like data: at least half of its names are numbers.
func headerCure(names []string) string {
	numbers := 0
	for _, n := range names {
		if _, ok := ParseNumber([]byte(n)); ok {
			numbers++
		}
	}
	if numbers > 0 && 2*numbers >= len(names) {
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
