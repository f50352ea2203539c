package modelfile

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// checker compares a file that scanner has accepted with the Go type it is meant for, more strictly than
// encoding/json: keys are spelled exactly, every field that is not optional is there, null only stands for pointers,
// slices, maps and interfaces, no key repeats, and arrays have their length.
type checker struct {
	data  []byte
	pos   int
	known map[reflect.Type]map[string]field
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	marshaler       = reflect.TypeFor[json.Marshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
)

func (c *checker) file(t reflect.Type) *fault {
	c.blanks()
	return c.object(nil, t, map[string]bool{"format": true, "version": true, "checksum": true})
}

func (c *checker) blanks() {
	s := scanner{data: c.data, pos: c.pos}
	s.blanks()
	c.pos = s.pos
}

// skip passes over one value and returns where it began.
func (c *checker) skip() int {
	c.blanks()
	from := c.pos
	s := scanner{data: c.data, pos: c.pos}
	s.value() // the grammar was checked before
	c.pos = s.pos
	return from
}

// foreign passes over a value that its own type reads, and sees that no key in it repeats.
func (c *checker) foreign() *fault {
	c.blanks()
	s := scanner{data: c.data, pos: c.pos, unique: true}
	err := s.value()
	c.pos = s.pos
	return err
}

// expect is the error of a value that is of another kind than wanted.
func (c *checker) expect(at int, path *place, want string) *fault {
	s := scanner{data: c.data, pos: at}
	s.value()
	return &fault{at, fmt.Sprintf("%s: expected %s, found %s", path, want, abbreviate(string(c.data[at:s.pos])))}
}

func (c *checker) value(path *place, t reflect.Type) *fault {
	c.blanks()
	first := c.data[c.pos]
	if p := reflect.PointerTo(t); t.Kind() != reflect.Pointer && (p.Implements(unmarshaler) || p.Implements(textUnmarshaler)) {
		return c.foreign()
	}
	switch t.Kind() {
	case reflect.Pointer:
		if first == 'n' {
			c.skip()
			return nil
		}
		return c.value(path, t.Elem())
	case reflect.Interface:
		return c.foreign()
	case reflect.Struct:
		if first != '{' {
			return c.expect(c.pos, path, "an object")
		}
		return c.object(path, t, nil)
	case reflect.Map:
		if first == 'n' {
			c.skip()
			return nil
		}
		if first != '{' {
			return c.expect(c.pos, path, "an object")
		}
		seen := map[string]bool{}
		return c.members(func(key string, at int) *fault {
			if seen[key] {
				return twice(at, path.key(key).String())
			}
			seen[key] = true
			return c.value(path.key(key), t.Elem())
		})
	case reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Slice && first == 'n' {
			c.skip()
			return nil
		}
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			if at := c.skip(); first != '"' {
				return c.expect(at, path, "a string")
			}
			return nil
		}
		return c.list(path, t)
	case reflect.String:
		if at := c.skip(); first != '"' {
			return c.expect(at, path, "a string")
		}
	case reflect.Bool:
		if at := c.skip(); first != 't' && first != 'f' {
			return c.expect(at, path, "true or false")
		}
	case reflect.Float64, reflect.Float32:
		at := c.skip()
		if first != '-' && (first < '0' || first > '9') {
			return c.expect(at, path, "a number")
		}
		if _, err := strconv.ParseFloat(string(c.data[at:c.pos]), t.Bits()); err != nil {
			return c.expect(at, path, "a number that fits float64")
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		at := c.skip()
		if _, err := strconv.ParseInt(string(c.data[at:c.pos]), 10, t.Bits()); err != nil {
			return c.expect(at, path, "a whole number")
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		at := c.skip()
		if _, err := strconv.ParseUint(string(c.data[at:c.pos]), 10, t.Bits()); err != nil {
			return c.expect(at, path, "a whole number from 0")
		}
	default:
		return &fault{c.pos, fmt.Sprintf("%s: a %s cannot be in a model", path, t)}
	}
	return nil
}

func (c *checker) list(path *place, t reflect.Type) *fault {
	if c.data[c.pos] != '[' {
		return c.expect(c.pos, path, "a list")
	}
	from := c.pos
	c.pos++
	n := 0
	for c.blanks(); c.data[c.pos] != ']'; c.blanks() {
		if c.data[c.pos] == ',' {
			c.pos++
		}
		if err := c.value(path.at(n), t.Elem()); err != nil {
			return err
		}
		n++
	}
	c.pos++
	if t.Kind() == reflect.Array && n != t.Len() {
		return &fault{from, fmt.Sprintf("%s: %d values, expected %d", path, n, t.Len())}
	}
	return nil
}

// members calls f with every key of an object and its place; f passes over the value.
func (c *checker) members(f func(key string, at int) *fault) *fault {
	c.pos++
	for c.blanks(); c.data[c.pos] != '}'; c.blanks() {
		if c.data[c.pos] == ',' {
			c.pos++
		}
		at := c.skip()
		key := unquote(c.data[at:c.pos])
		c.blanks()
		c.pos++ // the colon
		if err := f(key, at); err != nil {
			return err
		}
	}
	c.pos++
	return nil
}

func (c *checker) object(path *place, t reflect.Type, besides map[string]bool) *fault {
	from := c.pos
	fields := c.known[t]
	if fields == nil {
		fields = map[string]field{}
		fieldsOf(t, fields)
		if c.known == nil {
			c.known = map[reflect.Type]map[string]field{}
		}
		c.known[t] = fields
	}
	seen := make(map[string]bool, len(fields))
	err := c.members(func(key string, at int) *fault {
		f, ok := fields[key]
		switch {
		case !ok && !besides[key]:
			return &fault{at, fmt.Sprintf("unknown key %q", abbreviate(path.key(key).String()))}
		case seen[key]:
			return twice(at, path.key(key).String())
		}
		seen[key] = true
		if !ok {
			c.skip()
			return nil
		}
		return c.value(path.key(key), f.of)
	})
	if err != nil {
		return err
	}
	for _, name := range sortedNames(fields) {
		if !fields[name].optional && !seen[name] {
			at := from
			if path == nil {
				at = -1
			}
			return &fault{at, fmt.Sprintf("no %q", path.key(name))}
		}
	}
	return nil
}

// place is where a value stands in the payload, written only when an error needs it. nil is the outer object.
type place struct {
	in    *place
	name  string
	index int // of an element of a list; -1: a member called name
}

func (p *place) key(name string) *place { return &place{p, name, -1} }
func (p *place) at(index int) *place    { return &place{p, "", index} }

// String is "terms[3].weight".
func (p *place) String() string {
	switch {
	case p == nil:
		return ""
	case p.index >= 0:
		return fmt.Sprintf("%s[%d]", p.in, p.index)
	case p.in == nil:
		return p.name
	}
	return p.in.String() + "." + p.name
}

type field struct {
	of       reflect.Type
	optional bool
	order    int
}

// fieldsOf collects the JSON fields of a struct; those of embedded structs without a name are its own.
func fieldsOf(t reflect.Type, into map[string]field) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Tag.Get("json") == "-" {
			continue
		}
		if f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct {
			fieldsOf(f.Type, into)
			continue
		}
		if !f.IsExported() {
			continue
		}
		if tag == "" {
			tag = f.Name
		}
		optional := false
		for o := range strings.SplitSeq(options, ",") {
			optional = optional || o == "omitempty" || o == "omitzero"
		}
		into[tag] = field{f.Type, optional, len(into)}
	}
}

// sortedNames is in the order of the struct, so that the first missing key is always the same.
func sortedNames(fields map[string]field) []string {
	names := make([]string, len(fields))
	for name, f := range fields {
		names[f.order] = name
	}
	return names
}

// unquote is the text of a string literal that scanner has accepted.
func unquote(literal []byte) string {
	if bytes.IndexByte(literal, '\\') < 0 {
		return string(literal[1 : len(literal)-1])
	}
	var s string
	if err := json.Unmarshal(literal, &s); err != nil {
		return string(literal)
	}
	return s
}

// writable finds what JSON cannot hold: numbers that are not finite, and text that is not UTF-8.
func writable(v reflect.Value, path *place) error {
	if !v.IsValid() {
		return nil
	}
	if t := v.Type(); t.Implements(marshaler) || t.Implements(textMarshaler) {
		return nil
	}
	switch v.Kind() {
	case reflect.Float64, reflect.Float32:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("model: %s is %v, which no model may hold", path, f)
		}
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return fmt.Errorf("model: %s is %q, which is not UTF-8", path, abbreviate(v.String()))
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return writable(v.Elem(), path)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !f.IsExported() && !f.Anonymous || f.Tag.Get("json") == "-" {
				continue
			}
			if tag == "" {
				tag = f.Name
			}
			if err := writable(v.Field(i), path.key(tag)); err != nil {
				return err
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := writable(v.Index(i), path.at(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if err := writable(key, path); err != nil {
				return err
			}
			if err := writable(v.MapIndex(key), path.key(fmt.Sprint(key))); err != nil {
				return err
			}
		}
	}
	return nil
}
