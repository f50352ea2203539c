package modelfile

import (
	"fmt"
	"hash"
	"unicode/utf8"
)

// scanner reads the whole file once: JSON's grammar (RFC 8259), its limits and the hash of the canonical bytes. It keeps
// where the members of the envelope are and nothing else, so it allocates nothing that a file could make large.
type scanner struct {
	data     []byte
	pos      int
	depth    int
	hash     hash.Hash // of the tokens; nil: none is kept
	unique   bool      // refuse keys that repeat, in every object; for this the keys are kept
	pending  []byte    // a comma that is canonical only if the checksum does not follow
	top      map[string]span
	checked  bool // the checksum was met, as the last member
	checksum span
}

type span struct{ from, to int }

// fault is a place in the file, -1 for none, and what is wrong there.
type fault struct {
	at      int
	message string
}

func (s *scanner) fail(at int, format string, args ...any) *fault {
	return &fault{at, fmt.Sprintf(format, args...)}
}

func twice(at int, key string) *fault {
	return &fault{at, fmt.Sprintf("key %q occurs twice", abbreviate(key))}
}

// file reads the outer object and sees that nothing follows.
func (s *scanner) file() *fault {
	s.top = map[string]span{}
	s.blanks()
	if s.pos == len(s.data) || s.data[s.pos] != '{' {
		return s.fail(s.pos, "not a descent model: expected {, found %s", s.found())
	}
	if err := s.object(true); err != nil {
		return err
	}
	s.blanks()
	if s.pos < len(s.data) {
		return s.fail(s.pos, "%s after the end of the model", s.found())
	}
	return nil
}

func (s *scanner) blanks() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// found names what stands at pos.
func (s *scanner) found() string {
	if s.pos >= len(s.data) {
		return "the end of the file"
	}
	r, size := utf8.DecodeRune(s.data[s.pos:])
	if r == utf8.RuneError && size <= 1 {
		return fmt.Sprintf("byte 0x%02x", s.data[s.pos])
	}
	return fmt.Sprintf("%q", r)
}

// token adds data[from:pos] to the canonical bytes.
func (s *scanner) token(from int) {
	if s.hash != nil {
		s.hash.Write(s.pending)
		s.hash.Write(s.data[from:s.pos])
	}
	s.pending = nil
}

// mark reads one punctuation character.
func (s *scanner) mark() {
	s.pos++
	s.token(s.pos - 1)
}

func (s *scanner) value() *fault {
	s.blanks()
	if s.pos == len(s.data) {
		return s.fail(s.pos, "expected a value, found the end of the file")
	}
	from := s.pos
	switch c := s.data[s.pos]; {
	case c == '{':
		return s.object(false)
	case c == '[':
		return s.array()
	case c == '"':
		if err := s.text(); err != nil {
			return err
		}
	case c == '-' || c >= '0' && c <= '9':
		if err := s.number(); err != nil {
			return err
		}
	default:
		for _, word := range []string{"true", "false", "null"} {
			if len(s.data)-s.pos >= len(word) && string(s.data[s.pos:s.pos+len(word)]) == word {
				s.pos += len(word)
				s.token(from)
				return nil
			}
		}
		return s.fail(s.pos, "expected a value, found %s", s.found())
	}
	s.token(from)
	return nil
}

func (s *scanner) enter() *fault {
	if s.depth++; s.depth > MaxDepth {
		return s.fail(s.pos, "nested deeper than %d", MaxDepth)
	}
	s.mark()
	s.blanks()
	return nil
}

func (s *scanner) object(outer bool) *fault {
	if err := s.enter(); err != nil {
		return err
	}
	defer func() { s.depth-- }()
	if s.pos < len(s.data) && s.data[s.pos] == '}' {
		s.mark()
		return nil
	}
	var seen map[string]bool
	if s.unique {
		seen = map[string]bool{}
	}
	for {
		s.blanks()
		if s.pos == len(s.data) || s.data[s.pos] != '"' {
			return s.fail(s.pos, "expected a key in quotes, found %s", s.found())
		}
		from := s.pos
		if err := s.text(); err != nil {
			return err
		}
		var envelope string // the key, if it is one of the envelope's
		if outer {
			switch key := string(s.data[from+1 : s.pos-1]); key {
			case "format", "version", "checksum":
				envelope = key
			}
			if _, ok := s.top[envelope]; ok {
				return twice(from, envelope)
			}
		}
		if s.unique {
			key := unquote(s.data[from:s.pos])
			if seen[key] {
				return twice(from, key)
			}
			seen[key] = true
		}
		last := envelope == "checksum"
		if last {
			s.pending = nil // and nothing from here on is hashed but the closing brace
			s.checked = true
		}
		h := s.hash
		if last {
			s.hash = nil
		}
		s.token(from)
		s.blanks()
		if s.pos == len(s.data) || s.data[s.pos] != ':' {
			return s.fail(s.pos, "expected : after a key, found %s", s.found())
		}
		s.mark()
		s.blanks()
		start := s.pos
		if err := s.value(); err != nil {
			return err
		}
		if envelope != "" {
			s.top[envelope] = span{start, s.pos}
		}
		if last {
			s.checksum = span{start, s.pos}
			s.hash = h
		}
		s.blanks()
		switch {
		case s.pos < len(s.data) && s.data[s.pos] == '}':
			s.mark()
			return nil
		case s.pos < len(s.data) && s.data[s.pos] == ',' && last:
			return s.fail(s.pos, "something follows the checksum")
		case s.pos < len(s.data) && s.data[s.pos] == ',':
			s.pos++
			s.pending = comma
		default:
			return s.fail(s.pos, "expected , or } in an object, found %s", s.found())
		}
	}
}

var comma = []byte(",")

func (s *scanner) array() *fault {
	if err := s.enter(); err != nil {
		return err
	}
	defer func() { s.depth-- }()
	if s.pos < len(s.data) && s.data[s.pos] == ']' {
		s.mark()
		return nil
	}
	for {
		if err := s.value(); err != nil {
			return err
		}
		s.blanks()
		switch {
		case s.pos < len(s.data) && s.data[s.pos] == ']':
			s.mark()
			return nil
		case s.pos < len(s.data) && s.data[s.pos] == ',':
			s.mark()
		default:
			return s.fail(s.pos, "expected , or ] in a list, found %s", s.found())
		}
	}
}

// text reads a string literal; the caller adds the token.
func (s *scanner) text() *fault {
	open := s.pos
	s.pos++
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return nil
		case c < 0x20:
			return s.fail(s.pos, "control character 0x%02x inside a string", c)
		case c == '\\':
			if s.pos+1 == len(s.data) {
				return s.fail(open, "this string has no end")
			}
			switch s.data[s.pos+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				s.pos += 2
			case 'u':
				if _, ok := hex4(s.data[s.pos+2:]); !ok {
					return s.fail(s.pos, `\u without four hexadecimal digits`)
				}
				s.pos += 6
			default:
				return s.fail(s.pos, "unknown escape in a string")
			}
		case c < utf8.RuneSelf:
			s.pos++
		default:
			r, size := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && size <= 1 {
				return s.fail(s.pos, "byte 0x%02x is not UTF-8", c)
			}
			s.pos += size
		}
	}
	return s.fail(open, "this string has no end")
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number reads -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?; the caller adds the token.
func (s *scanner) number() *fault {
	from := s.pos
	digits := func() bool {
		start := s.pos
		for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
			s.pos++
		}
		return s.pos > start
	}
	at := func(set string) bool {
		for i := range len(set) {
			if s.pos < len(s.data) && s.data[s.pos] == set[i] {
				return true
			}
		}
		return false
	}
	bad := func() *fault { return s.fail(from, "this is not a number of JSON") }
	if at("-") {
		s.pos++
	}
	if at("0") {
		s.pos++
		if digits() {
			return bad()
		}
	} else if !digits() {
		return bad()
	}
	if at(".") {
		s.pos++
		if !digits() {
			return bad()
		}
	}
	if at("eE") {
		s.pos++
		if at("+-") {
			s.pos++
		}
		if !digits() {
			return bad()
		}
	}
	return nil
}
