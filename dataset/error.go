package dataset

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// Error is one thing wrong with the data, at its place.
type Error struct {
	File    string // as the user named it; of a glob, the file itself
	Line    int    // physical line, from 1; 0 when the whole file is meant
	Column  int    // column number in the file, from 1; 0 where there is none
	Name    string // column name, "" where there is none
	Message string // what was found, and what was expected
	Cure    string // what to do about it, "" where there is nothing to say
	Err     error  // the cause, may be nil
	final   bool   // nothing after it can be read
}

// Error gives file:line:column: column "name": message; cure, leaving out what is not there.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(e.Line))
		if e.Column > 0 {
			b.WriteByte(':')
			b.WriteString(strconv.Itoa(e.Column))
		}
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if e.Name != "" {
		fmt.Fprintf(&b, "column %s: ", quote(e.Name))
	}
	b.WriteString(e.Message)
	if e.Cure != "" {
		b.WriteString("; ")
		b.WriteString(e.Cure)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Final reports that nothing after this error could be read.
func (e *Error) Final() bool { return e.final }

// maxListed is how many errors are listed before only their number is given (the command line's contract).
const maxListed = 10

// Errors are all that is wrong with a table: the first ten in the order of the file, and how many there are.
type Errors struct {
	List  []*Error // at most ten
	Total int
}

// Error gives one error a line and then, where there are more, their number.
func (e *Errors) Error() string {
	var b strings.Builder
	for i, one := range e.List {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(one.Error())
	}
	if more := e.Total - len(e.List); more > 0 {
		fmt.Fprintf(&b, "\nand %d more %s", more, plural(more, "error"))
	}
	return b.String()
}

// Unwrap lets errors.As find the first *Error and errors.Is the cause of any.
func (e *Errors) Unwrap() []error {
	out := make([]error, len(e.List))
	for i, one := range e.List {
		out[i] = one
	}
	return out
}

// problems collects errors with the order they have in the data; it keeps no more than it must.
type problems struct {
	list  []problem
	total int
}

type problem struct {
	file int // position of the file
	err  *Error
}

func (p *problems) add(file int, e *Error) {
	p.total++
	p.list = append(p.list, problem{file, e})
	if len(p.list) >= 4*maxListed {
		p.cut()
	}
}

// join adds those of another.
func (p *problems) join(o *problems) {
	p.list = append(p.list, o.list...)
	p.total += o.total
	if len(p.list) >= 4*maxListed {
		p.cut()
	}
}

func (p *problems) cut() {
	sort.SliceStable(p.list, func(i, j int) bool {
		a, b := p.list[i], p.list[j]
		if a.file != b.file {
			return a.file < b.file
		}
		if a.err.Line != b.err.Line {
			return a.err.Line < b.err.Line
		}
		return a.err.Column < b.err.Column
	})
	p.list = p.list[:min(len(p.list), maxListed)]
}

// err gives nil or an *Errors.
func (p *problems) err() error {
	if p.total == 0 {
		return nil
	}
	p.cut()
	e := &Errors{Total: p.total}
	for _, one := range p.list {
		e.List = append(e.List, one.err)
	}
	return e
}

// quote shows a user's text as one printable line of at most about 60 bytes.
func quote(s string) string {
	const most = 60
	if len(s) <= most {
		return strconv.Quote(s)
	}
	cut := most - 12
	for cut > 0 && s[cut]&0xC0 == 0x80 { // not inside a UTF-8 sequence
		cut--
	}
	return strconv.Quote(s[:cut]) + "… (" + strconv.Itoa(len(s)) + " bytes)"
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
