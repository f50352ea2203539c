package dataset

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonl reads JSON Lines: one object a line (RFC 8259), numbers, strings, booleans and null. The first line's keys are the columns.
// A key that is not there is a missing value. An unknown, repeated or case-changed key, and an object or array as a value, are errors.
type jsonl struct {
	w       *window
	name    string
	names   []string
	columns map[string]int
	scratch []byte // strings with escapes
	rec     Record
	failed  error
}

func (j *jsonl) take() (line []byte, number int, err error) {
	for j.failed == nil {
		rec, number, _, state := j.w.record()
		switch {
		case state == atEnd && j.w.err != nil:
			j.failed = inputError(j.name, j.w.err)
		case state == atEnd:
			j.failed = io.EOF
		case state == tooLong:
			j.failed = &Error{File: j.name, Line: number, Message: fmt.Sprintf("the line is longer than the limit of %d MiB", maxRecord>>20), final: true}
		case len(bytes.TrimLeft(rec, " \t")) > 0:
			return rec, number, nil
		}
	}
	return nil, 0, j.failed
}

// readHeader takes the keys of the first line as the columns and leaves the line to be read.
func (j *jsonl) readHeader() error {
	rec, line, err := j.take()
	if err == io.EOF {
		return &Error{File: j.name, Message: "the file is empty", final: true}
	}
	if err != nil {
		return err
	}
	p := object{text: rec}
	var h header
	var wrong *Error
	message := p.each(&j.scratch, func(key []byte, _ Cell) string {
		if _, twice := h.at[string(key)]; twice {
			return fmt.Sprintf("the key %s is repeated", quote(string(key)))
		}
		if wrong = h.add(key); wrong != nil {
			return wrong.Message
		}
		return ""
	})
	if message != "" {
		e := &Error{File: j.name, Line: line, Message: message, final: true}
		switch {
		case wrong != nil:
			e.Column, e.Cure = wrong.Column, wrong.Cure
		case p.inValue:
			e.Column, e.Name = len(h.names)+1, string(p.key)
		}
		return e
	}
	if len(h.names) == 0 {
		return &Error{File: j.name, Line: line, Message: "the first object has no keys, so there are no columns", final: true}
	}
	j.setNames(h.names)
	j.w.unread()
	return nil
}

func (j *jsonl) setNames(names []string) {
	j.names = names
	j.columns = make(map[string]int, len(names))
	for i, n := range names {
		j.columns[n] = i
	}
}

var noCell = Cell{Absent: true}

func (j *jsonl) next() (*Record, error) {
	rec, line, err := j.take()
	if err != nil {
		return nil, err
	}
	if j.rec.Cells == nil {
		j.rec.Cells = make([]Cell, len(j.names))
	}
	cells := j.rec.Cells
	unset := Cell{Absent: true, Quoted: true} // no value of JSON is both
	for i := range cells {
		cells[i] = unset
	}
	j.scratch = j.scratch[:0]
	j.rec.Line = line
	expected := 0
	p := object{text: rec}
	message := p.each(&j.scratch, func(key []byte, c Cell) string {
		i := expected
		if i >= len(j.names) || j.names[i] != string(key) {
			var ok bool
			if i, ok = j.columns[string(key)]; !ok {
				return j.unknownKey(string(key))
			}
		}
		expected = i + 1
		if cells[i].Absent && cells[i].Quoted {
			cells[i] = c
			return ""
		}
		return fmt.Sprintf("the key %s is repeated", quote(string(key)))
	})
	if message != "" {
		e := &Error{File: j.name, Line: line, Message: message}
		if p.inValue {
			e.Name = string(p.key)
			if i, ok := j.columns[e.Name]; ok {
				e.Column = i + 1
			}
		}
		return nil, e
	}
	for i := range cells {
		if cells[i].Absent {
			cells[i] = noCell
		} else if len(cells[i].Text) > maxCell {
			return nil, &Error{File: j.name, Line: line, Column: i + 1, Name: j.names[i], Message: longCell}
		}
	}
	return &j.rec, nil
}

func (j *jsonl) unknownKey(key string) string {
	for _, n := range j.names {
		if strings.EqualFold(n, key) {
			return fmt.Sprintf("the key %s differs from %s of the first line in its case", quote(key), quote(n))
		}
	}
	message := fmt.Sprintf("unknown key %s; the first line has %s", quote(key), list(j.names, 20))
	if near, ok := Closest(key, j.names); ok {
		message += fmt.Sprintf("; did you mean %s?", quote(near))
	}
	return message
}

// object reads one JSON object. What is wrong is said in words; the character is counted in bytes from 1.
type object struct {
	text    []byte
	at      int
	key     []byte
	inValue bool // what is wrong is in the value of key
}

// each calls f for every key and value, stopping at the first message.
func (p *object) each(scratch *[]byte, f func(key []byte, c Cell) string) string {
	p.blanks()
	if p.peek() != '{' {
		return "not a JSON object: the line begins with " + p.here()
	}
	p.at++
	p.blanks()
	for first := true; first || p.peek() != '}'; first = false {
		if first && p.peek() == '}' {
			break
		}
		if !first {
			if p.peek() != ',' {
				return p.expected(`"," or "}"`)
			}
			p.at++
			p.blanks()
		}
		if p.peek() != '"' {
			return p.expected("a key in quotes")
		}
		key, message := p.str(scratch)
		if message != "" {
			return message
		}
		p.blanks()
		if p.peek() != ':' {
			return p.expected(`":"`)
		}
		p.at++
		p.blanks()
		p.key, p.inValue = key, true
		c, message := p.value(scratch)
		if message != "" {
			return message
		}
		p.inValue = false
		if message := f(key, c); message != "" {
			return message
		}
		p.blanks()
	}
	p.at++
	p.blanks()
	if p.at < len(p.text) {
		return "text after the object: " + p.here()
	}
	return ""
}

func (p *object) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *object) blanks() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

// here shows what stands at the position.
func (p *object) here() string {
	return quote(string(p.text[p.at:min(len(p.text), p.at+20)]))
}

func (p *object) expected(what string) string {
	if p.at >= len(p.text) {
		return "the object is not closed on its line: expected " + what
	}
	return fmt.Sprintf("malformed JSON at character %d: expected %s, found %s", p.at+1, what, p.here())
}

func (p *object) value(scratch *[]byte) (c Cell, message string) {
	rest := p.text[p.at:]
	switch ch := p.peek(); {
	case ch == '"':
		s, message := p.str(scratch)
		return Cell{Text: s, Quoted: true}, message
	case ch == '{' || ch == '[':
		return c, "a nested value; only numbers, strings, true, false and null are read"
	case ch == '-' || ch-'0' <= 9:
		n := jsonNumber(rest)
		if n == 0 {
			return c, fmt.Sprintf("malformed number at character %d: %s", p.at+1, p.here())
		}
		p.at += n
		return Cell{Text: rest[:n]}, ""
	}
	for _, word := range []string{"null", "true", "false"} {
		if bytes.HasPrefix(rest, []byte(word)) {
			p.at += len(word)
			if word == "null" {
				return noCell, ""
			}
			return Cell{Text: rest[:len(word)]}, ""
		}
	}
	return c, p.expected("a value")
}

// jsonNumber is the length of the JSON number at the beginning, 0 if there is none (RFC 8259, section 6).
func jsonNumber(b []byte) int {
	i := 0
	digits := func() bool {
		from := i
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return 0
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return 0
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return 0
		}
	}
	if i < len(b) && (b[i]-'0' <= 9 || b[i] == '.') {
		return 0
	}
	return i
}

// str reads a string. Without escapes it is a part of the line, else of scratch.
func (p *object) str(scratch *[]byte) (s []byte, message string) {
	p.at++
	first, from := p.at, len(*scratch)
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			s = p.text[first:p.at]
			if len(*scratch) > from {
				*scratch = append(*scratch, s...)
				s = (*scratch)[from:len(*scratch):len(*scratch)]
			}
			p.at++
			if !utf8.Valid(s) {
				return nil, "a string that is not UTF-8: " + quote(string(s))
			}
			return s, ""
		case c < ' ':
			return nil, fmt.Sprintf("malformed JSON at character %d: the control character %q in a string", p.at+1, c)
		case c == '\\':
			*scratch = append(*scratch, p.text[first:p.at]...)
			if message := p.escape(scratch); message != "" {
				return nil, message
			}
			first = p.at
		default:
			p.at++
		}
	}
	return nil, "a string is not closed on its line"
}

// escape reads one escape sequence into scratch.
func (p *object) escape(scratch *[]byte) string {
	wrong := fmt.Sprintf("malformed JSON at character %d: the escape %s", p.at+1, p.here())
	if p.at+1 >= len(p.text) {
		return wrong
	}
	c := p.text[p.at+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		*scratch = append(*scratch, "\"\\/\b\f\n\r\t"[i])
		p.at += 2
		return ""
	}
	if c != 'u' {
		return wrong
	}
	r, ok := p.hex()
	if !ok {
		return wrong
	}
	if utf16.IsSurrogate(r) {
		low, ok := rune(0), false
		if p.at+1 < len(p.text) && p.text[p.at] == '\\' && p.text[p.at+1] == 'u' {
			low, ok = p.hex()
		}
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return wrong + " is half a character"
		}
	}
	*scratch = utf8.AppendRune(*scratch, r)
	return ""
}

// hex reads \uXXXX.
func (p *object) hex() (r rune, ok bool) {
	if p.at+6 > len(p.text) {
		return 0, false
	}
	for _, c := range p.text[p.at+2 : p.at+6] {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	p.at += 6
	return r, true
}
