package dataset

import (
	"bytes"
	"fmt"
	"io"
)

// delimited cuts records of CSV, TSV and the like into cells.
//
// A cell that begins with a quote ends with one; two quotes inside are one, and line ends inside belong to it. A quote inside
// a cell that does not begin with one is a character like any other. Blanks (spaces, and tabs unless they delimit) around a
// cell, outside its quotes, are no part of it. Blank lines are nothing, except between the rows of a single column, where
// each is an empty cell.
type delimited struct {
	w       *window
	name    string
	delim   byte
	names   []string // of the columns; nil before the header is read
	counted string   // where the number of columns comes from, for messages
	scratch []byte   // cells with doubled quotes
	rec     Record
	failed  error

	blanks, blankLine int // blank lines since the last row, and the first of them
	give              int // of them, still to be given as rows
}

// splitCell reads the cell that begins at rec[i]. next is the beginning of the following cell, len(rec)+1 after the last one.
func splitCell(rec []byte, i int, delim, quotes byte, scratch *[]byte) (text []byte, quoted bool, next int, trouble cellTrouble) {
	j := i
	for j < len(rec) && isBlank(rec[j], delim) {
		j++
	}
	if quotes == 0 || j == len(rec) || rec[j] != quotes {
		end := bytes.IndexByte(rec[i:], delim)
		if end < 0 {
			end = len(rec)
		} else {
			end += i
		}
		return trimBlanks(rec[i:end], delim), false, end + 1, noTrouble
	}
	j++
	first, from := j, len(*scratch)
	for {
		q := bytes.IndexByte(rec[j:], quotes)
		if q < 0 {
			return rec[first:], true, len(rec) + 1, neverClosed
		}
		j += q + 1
		if j == len(rec) || rec[j] != quotes {
			break
		}
		*scratch = append(*scratch, rec[first:j]...)
		j++
		first = j
	}
	text = rec[first : j-1]
	if len(*scratch) > from {
		*scratch = append(*scratch, text...)
		text = (*scratch)[from:len(*scratch):len(*scratch)]
	}
	for j < len(rec) && isBlank(rec[j], delim) {
		j++
	}
	if j < len(rec) && rec[j] != delim {
		return text, true, j, textAfter
	}
	return text, true, j + 1, noTrouble
}

type cellTrouble uint8

const (
	noTrouble   cellTrouble = iota
	neverClosed             // a quote without its partner
	textAfter               // text between the closing quote and the delimiter
)

func isBlank(c, delim byte) bool { return c == ' ' || c == '\t' && delim != '\t' }

func trimBlanks(b []byte, delim byte) []byte {
	for len(b) > 0 && isBlank(b[0], delim) {
		b = b[1:]
	}
	for len(b) > 0 && isBlank(b[len(b)-1], delim) {
		b = b[:len(b)-1]
	}
	return b
}

// lastCell walks to the last cell of an unfinished record, or to the first with trouble.
func lastCell(rec []byte, delim, quotes byte) (c cellPlace, length int) {
	if quotes == 0 || bytes.IndexByte(rec, quotes) < 0 {
		c.index, c.start = bytes.Count(rec, []byte{delim}), bytes.LastIndexByte(rec, delim)+1
		return c, len(rec) - c.start
	}
	var scratch []byte
	for i := 0; ; {
		scratch = scratch[:0]
		_, _, next, trouble := splitCell(rec, i, delim, quotes, &scratch)
		if trouble != noTrouble || next > len(rec) {
			c.start, c.trouble = i, trouble
			return c, len(rec) - i
		}
		i = next
		c.index++
	}
}

// cellPlace is a cell in a record: its number from 0 and where it begins.
type cellPlace struct {
	index, start int
	trouble      cellTrouble
}

// take gives the next record that is a row; rec is nil for a blank line that stands for an empty cell.
func (d *delimited) take() (rec []byte, line int, quoted bool, err error) {
	for d.failed == nil {
		if d.give > 0 {
			d.give--
			d.blankLine++
			return nil, d.blankLine - 1, false, nil
		}
		rec, line, quoted, state := d.w.record()
		switch {
		case state == atEnd && d.w.err != nil:
			d.failed = inputError(d.name, d.w.err)
			continue
		case state == atEnd:
			d.failed = io.EOF
			continue
		case state == openQuote:
			c, _ := lastCell(rec, d.delim, d.w.quotes)
			d.failed = d.troubleAt(rec, line, c)
			continue
		case state == tooLong:
			d.failed = d.tooLongAt(rec, line)
			continue
		}
		if len(trimBlanks(rec, d.delim)) == 0 {
			if len(d.names) == 1 {
				if d.blanks == 0 {
					d.blankLine = line
				}
				d.blanks++
			}
			continue
		}
		if d.blanks > 0 {
			d.w.unread()
			d.give, d.blanks = d.blanks, 0
			continue
		}
		return rec, line, quoted, nil
	}
	return nil, 0, false, d.failed
}

// next cuts a whole record into cells.
func (d *delimited) next() (*Record, error) {
	rec, line, quoted, err := d.take()
	if err != nil {
		return nil, err
	}
	return d.cells(rec, line, quoted)
}

// cells cuts a record; a wrong number of cells is an error about this record, anything wrong with quotes is final.
func (d *delimited) cells(rec []byte, line int, quoted bool) (*Record, error) {
	d.rec = Record{Line: line, Cells: d.rec.Cells[:0], broken: quoted && lineEnds(rec) > 0}
	d.scratch = d.scratch[:0]
	quotes := byte(0)
	if quoted {
		quotes = d.w.quotes
	}
	long := len(rec) > maxCell
	count := 0
	for i := 0; i <= len(rec); count++ {
		text, inQuotes, next, trouble := splitCell(rec, i, d.delim, quotes, &d.scratch)
		if trouble != noTrouble {
			d.failed = d.troubleAt(rec, line, cellPlace{count, i, trouble})
			return nil, d.failed
		}
		if long && len(text) > maxCell {
			d.failed = d.errorAt(rec, line, cellPlace{count, i, noTrouble}, "%s", longCell)
			return nil, d.failed
		}
		if d.names == nil || count < len(d.names) { // those too many are only counted
			d.rec.Cells = append(d.rec.Cells, Cell{Text: text, Quoted: inQuotes})
		}
		i = next
	}
	if d.names != nil && count != len(d.names) {
		return nil, d.ragged(line, count)
	}
	return &d.rec, nil
}

func (d *delimited) ragged(line, cells int) *Error {
	return &Error{File: d.name, Line: line, Message: fmt.Sprintf("wrong number of fields: the row has %d, %s has %d", cells, d.counted, len(d.names))}
}

var longCell = fmt.Sprintf("the cell is longer than the limit of %d MiB", maxCell>>20)

// errorAt is a final error at a cell of a record; lines inside quotes before it are counted.
func (d *delimited) errorAt(rec []byte, line int, c cellPlace, format string, args ...any) *Error {
	e := &Error{File: d.name, Line: line + lineEnds(rec[:c.start]), Column: c.index + 1, Message: fmt.Sprintf(format, args...), final: true}
	if c.index < len(d.names) {
		e.Name = d.names[c.index]
	}
	return e
}

func (d *delimited) troubleAt(rec []byte, line int, c cellPlace) *Error {
	if c.trouble == neverClosed {
		return d.errorAt(rec, line, c, "a quote opens here and is never closed")
	}
	var scratch []byte
	_, _, next, _ := splitCell(rec, c.start, d.delim, d.w.quotes, &scratch)
	after := rec[next:min(len(rec), next+20)]
	if n := lineEnds(rec[c.start:next]); n > 0 {
		return d.errorAt(rec, line, c, "a quote opens here and closes on line %d, with %s after it", line+lineEnds(rec[:next]), quote(string(after)))
	}
	return d.errorAt(rec, line, c, "text after the closing quote: %s", quote(string(after)))
}

func (d *delimited) tooLongAt(rec []byte, line int) *Error {
	c, length := lastCell(rec, d.delim, d.w.quotes)
	if length > maxCell {
		message := longCell
		if c.trouble == neverClosed {
			message += "; a quote opens here and is not closed"
		}
		return d.errorAt(rec, line, c, "%s", message)
	}
	return &Error{File: d.name, Line: line, Message: fmt.Sprintf("the row is longer than the limit of %d MiB", maxRecord>>20), final: true}
}

// readHeader reads the names, or, without a header, counts the columns of the first row and leaves it to be read.
// A file without any row has no names.
func (d *delimited) readHeader(none bool) (line int, err error) {
	rec, line, quoted, err := d.take()
	if err == io.EOF {
		return 0, &Error{File: d.name, Message: "the file is empty", final: true}
	}
	if err != nil {
		return 0, err
	}
	// Cell by cell, so that a line of nothing but delimiters takes no memory.
	quotes := byte(0)
	if quoted {
		quotes = d.w.quotes
	}
	var h header
	for i := 0; i <= len(rec); {
		at := cellPlace{index: len(h.names), start: i}
		d.scratch = d.scratch[:0]
		text, _, next, trouble := splitCell(rec, i, d.delim, quotes, &d.scratch)
		if at.trouble = trouble; trouble != noTrouble {
			d.failed = d.troubleAt(rec, line, at)
			return 0, d.failed
		}
		if none {
			text = []byte(FeatureName(at.index + 1))
		}
		if e := h.add(text); e != nil {
			e.File, e.Line = d.name, line
			if e.Cure == "" && !none {
				e.Cure = looksLikeData(d.numbers(rec, quotes))
			}
			return 0, e
		}
		i = next
	}
	d.names = h.names
	if none {
		d.counted = "the first row"
		d.w.unread()
		return 0, nil
	}
	d.counted = "the header"
	return line, nil
}

// numbers counts the cells of a record that are numbers, and all of them.
func (d *delimited) numbers(rec []byte, quotes byte) (numbers, cells int) {
	for i := 0; i <= len(rec); cells++ {
		d.scratch = d.scratch[:0]
		text, _, next, trouble := splitCell(rec, i, d.delim, quotes, &d.scratch)
		if trouble != noTrouble {
			break
		}
		if _, ok := ParseNumber(text); ok {
			numbers++
		}
		i = next
	}
	return numbers, cells
}
