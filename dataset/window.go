package dataset

import (
	"bytes"
	"io"
)

// Limits, so that no file can take more memory than they say.
const (
	maxCell   = 16 << 20 // bytes of a cell
	maxRecord = 64 << 20 // bytes of a record
)

// window is the part of an input that is in memory: whole records are cut from it, and it grows only while a record does not fit.
// Line ends are LF, CR LF and CR.
type window struct {
	src   io.Reader
	more  func() error // called before every read; an error ends the input
	buf   []byte
	pos   int // the next record begins here
	end   int // bytes in buf
	line  int // physical line of pos, from 1
	done  bool
	err   error // why the input ended early
	block int   // bytes to ask for at once, at most
	base  int64 // bytes of the input before buf

	memory  bool // buf is the whole input, and not ours; end moves on in it
	partial bool // the input goes on after its end: a record is whole only if it ends before that
	lastLF  int  // the last LF, -1 without one; of the bytes up to checked
	checked int

	lf, cr, quote int  // next such byte at or after pos, end if there is none in the window, or anything before pos: not looked for
	skipLF        bool // the last record ended with CR as the last byte there was

	quotes byte // the quote character; 0: quotes mean nothing
	delim  byte
	walked int // how far the record at pos was walked with quotes in mind, 0: not
	state  quoteState

	last struct { // the last record's beginning, for unread
		pos, line int
	}
}

type quoteState uint8

const (
	fieldStart  quoteState = iota // only blanks so far
	bare                          // in a field without quotes
	inQuotes                      //
	afterQuote                    // just after a quote inside quotes: the end, or the first of two
	afterBlanks                   // blanks after the closing quote
)

func newWindow(src io.Reader, block int) *window {
	return &window{src: src, block: block, buf: padded(block), line: 1, lf: -1, cr: -1, quote: -1, lastLF: -1}
}

// padding is what may be read behind a window's bytes, so that eight can be taken at once.
const padding = 16

func padded(n int) []byte { return make([]byte, n+padding)[:n] }

// reset begins anew with another input, from its byte base on.
func (w *window) reset(src io.Reader, base int64, line int) {
	*w = window{src: src, block: w.block, buf: w.buf, base: base, line: line, lf: -1, cr: -1, quote: -1, quotes: w.quotes, delim: w.delim, more: w.more, partial: w.partial, lastLF: -1}
}

// resetTo begins anew in memory, with padding behind it, from a place on.
func (w *window) resetTo(text []byte, at, line int) {
	*w = window{buf: text, pos: at, end: at, block: w.block, memory: true, checked: at, line: line, lf: -1, cr: -1, quote: -1, quotes: w.quotes, delim: w.delim, more: w.more, partial: w.partial, lastLF: -1}
}

// settled is the place of the next record's beginning in the input.
func (w *window) settled() int64 {
	for w.skipLF {
		if w.pos < w.end {
			if w.buf[w.pos] == '\n' {
				w.pos++
			}
			w.skipLF = false
		} else if !w.fill() {
			break
		}
	}
	return w.base + int64(w.pos)
}

// lastEnd is the last LF in the window, -1 without one.
func (w *window) lastEnd() int {
	if w.checked != w.end {
		if i := bytes.LastIndexByte(w.buf[w.checked:w.end], '\n'); i >= 0 {
			w.lastLF = w.checked + i
		}
		w.checked = w.end
	}
	return w.lastLF
}

// fill reads once more; false at the end of the input.
func (w *window) fill() bool {
	if w.done {
		return false
	}
	if w.more != nil {
		if err := w.more(); err != nil {
			w.done, w.err = true, err
			return false
		}
	}
	if w.memory {
		old := w.end
		w.end = min(len(w.buf), w.end+w.block)
		w.done = w.end == len(w.buf)
		w.extended(old)
		return w.end > old
	}
	if w.end == len(w.buf) || w.pos > len(w.buf)/2 {
		w.shift()
	}
	if w.end == len(w.buf) {
		grown := padded(2 * len(w.buf))
		copy(grown, w.buf[:w.end])
		w.buf = grown
	}
	old := w.end
	for range 100 {
		n, err := w.src.Read(w.buf[w.end:min(len(w.buf), w.end+w.block)])
		w.end += n
		if err != nil {
			w.done = true
			if err != io.EOF {
				w.err = err
			}
		}
		if n > 0 || err != nil {
			w.extended(old)
			return n > 0
		}
	}
	w.done, w.err = true, io.ErrNoProgress
	return false
}

// shift moves what is left to the front.
func (w *window) shift() {
	by := w.pos
	copy(w.buf, w.buf[by:w.end])
	w.end -= by
	w.pos = 0
	w.base += int64(by)
	w.lastLF, w.checked = max(w.lastLF-by, -1), max(w.checked-by, 0)
	w.lf, w.cr, w.quote = max(w.lf-by, -1), max(w.cr-by, -1), max(w.quote-by, -1)
	w.last.pos -= by
	if w.walked > 0 {
		w.walked -= by
	}
}

// extended looks through the bytes that were added at old.
func (w *window) extended(old int) {
	w.lf = w.extend('\n', w.lf, old)
	w.cr = w.extend('\r', w.cr, old)
	w.quote = w.extend(w.quotes, w.quote, old)
}

// extend keeps a looked-for position right after bytes were added at old.
func (w *window) extend(c byte, at, old int) int {
	if at != old || c == 0 {
		return at
	}
	if i := bytes.IndexByte(w.buf[old:w.end], c); i >= 0 {
		return old + i
	}
	return w.end
}

// find is the next byte c at or after pos, or end.
func (w *window) find(c byte, at *int) int {
	if *at < w.pos {
		if i := bytes.IndexByte(w.buf[w.pos:w.end], c); i >= 0 {
			*at = w.pos + i
		} else {
			*at = w.end
		}
	}
	return *at
}

// recordState is how cutting a record ended.
type recordState uint8

const (
	whole     recordState = iota
	atEnd                 // no more records; window.err says whether the input failed
	openQuote             // the input ends inside quotes
	tooLong               // the record, still without an end, is over a limit: a cell's or its own
)

// record cuts the next record, without its line end; it is valid until the next call. line is the physical line it begins at, and
// quoted says whether it has quotes at all. Blank lines are records too.
func (w *window) record() (rec []byte, line int, quoted bool, state recordState) {
	for {
		if w.skipLF && w.pos < w.end {
			if w.buf[w.pos] == '\n' {
				w.pos++
			}
			w.skipLF = false
		}
		eol := min(w.find('\n', &w.lf), w.find('\r', &w.cr))
		if w.quotes != 0 && w.find(w.quotes, &w.quote) < eol {
			quoted = true
			eol = w.walk()
		}
		if eol < w.end && !(w.partial && w.done && w.buf[eol] == '\r' && eol+1 == w.end) {
			return w.cut(eol, quoted), w.last.line, quoted, whole
		}
		if n := w.end - w.pos; n > maxRecord || n > maxCell && w.end == len(w.buf) && w.cellTooLong() {
			w.last.pos, w.last.line = w.pos, w.line
			return w.buf[w.pos:w.end], w.line, quoted, tooLong
		}
		if w.fill() {
			continue
		}
		if w.err != nil || w.pos == w.end || w.partial {
			return nil, w.line, false, atEnd
		}
		state = whole
		if quoted && w.state == inQuotes {
			state = openQuote
		}
		rec = w.buf[w.pos:w.end]
		w.last.pos, w.last.line = w.pos, w.line
		w.line += 1 + lineEnds(rec)
		w.pos, w.walked = w.end, 0
		return rec, w.last.line, quoted, state
	}
}

// cut takes the record that ends at eol.
func (w *window) cut(eol int, quoted bool) []byte {
	w.last.pos, w.last.line = w.pos, w.line
	rec := w.buf[w.pos:eol]
	next := eol + 1
	if w.buf[eol] == '\r' {
		if next == w.end {
			w.skipLF = true
		} else if w.buf[next] == '\n' {
			next++
		}
	}
	w.line++
	if quoted {
		w.line += lineEnds(rec)
	}
	w.pos, w.walked = next, 0
	return rec
}

// unread puts the last record back.
func (w *window) unread() {
	w.pos, w.line, w.skipLF, w.walked = w.last.pos, w.last.line, false, 0
	w.lf, w.cr, w.quote = -1, -1, -1
}

// walk looks for the end of a record that has quotes, from where it stopped the last time; end if the window holds none.
// A quote opens only at the beginning of a field, blanks aside; inside, two quotes are one.
func (w *window) walk() int {
	if w.walked == 0 {
		w.walked, w.state = w.pos, fieldStart
	}
	i := w.walked
	for i < w.end {
		c := w.buf[i]
		if w.state == inQuotes {
			q := bytes.IndexByte(w.buf[i:w.end], w.quotes)
			if q < 0 {
				i = w.end
				break
			}
			i += q + 1
			w.state = afterQuote
			continue
		}
		switch {
		case c == '\n' || c == '\r':
			w.walked = i
			return i
		case c == w.delim:
			w.state = fieldStart
		case c == w.quotes && (w.state == fieldStart || w.state == afterQuote):
			w.state = inQuotes
		case c == ' ' || c == '\t':
			if w.state == afterQuote {
				w.state = afterBlanks
			}
		default:
			w.state = bare
		}
		i++
	}
	w.walked = i
	return w.end
}

// cellTooLong reports whether the last cell of the unfinished record at pos is over the limit.
func (w *window) cellTooLong() bool {
	if w.delim == 0 {
		return false
	}
	_, length := lastCell(w.buf[w.pos:w.end], w.delim, w.quotes)
	return length > maxCell
}

// lineEnds counts the line ends inside a record.
func lineEnds(rec []byte) int {
	n := bytes.Count(rec, []byte{'\n'})
	for {
		i := bytes.IndexByte(rec, '\r')
		if i < 0 {
			return n
		}
		if i+1 == len(rec) || rec[i+1] != '\n' {
			n++
		}
		rec = rec[i+1:]
	}
}
