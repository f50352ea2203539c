package encode

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Formula is a term that is computed from columns: a power x^p, a product of two columns, a natural cubic spline, or a natural logarithm.
type Formula struct {
	Kind   string   // power, product, spline, log
	Of     []string // the column; two of a product
	Degree int      // p of a power, degrees of freedom of a spline
}

// The kinds of a formula.
const (
	KindPower   = "power"
	KindProduct = "product"
	KindSpline  = "spline"
	KindLog     = "log"
)

// The largest power and number of degrees of freedom of a spline.
const (
	mostPower  = 9
	mostSpline = 50
)

// String writes the formula as it is read; this is the name of the term.
func (f Formula) String() string {
	of := quoteName(f.Of[0])
	switch f.Kind {
	case KindPower:
		return of + "^" + strconv.Itoa(f.Degree)
	case KindProduct:
		return of + "*" + quoteName(f.Of[1])
	case KindSpline:
		return fmt.Sprintf("spline(%s,%d)", of, f.Degree)
	}
	return f.Kind + "(" + of + ")"
}

// same is equal for formulas that are the same input: a*b and b*a, and all splines of a column, each of which spans its straight line.
func (f Formula) same() string {
	switch f.Kind {
	case KindProduct:
		of := slices.Sorted(slices.Values(f.Of))
		return fmt.Sprintf("%q*%q", of[0], of[1])
	case KindSpline:
		return fmt.Sprintf("spline %q", f.Of[0])
	}
	return f.String()
}

// ParseTerms reads a list of terms: age^2, age*income, spline(age,4), log(income). A column whose name is not made of letters, digits, _ and . stands
// in backticks or double quotes; a quote in such a name is written twice. An error says at which character of the text it is, from 1.
func ParseTerms(text string) ([]Formula, error) {
	p := &termParser{text: text}
	var out []Formula
	at := map[string]Formula{}
	for {
		p.blanks()
		from := p.pos
		f, err := p.term()
		if err != nil {
			return nil, err
		}
		if other, twice := at[f.same()]; twice {
			if other.String() == f.String() {
				return nil, p.fail(from, "%s is there twice", f)
			}
			return nil, p.fail(from, "%s is there already, as %s", f, other)
		}
		at[f.same()] = f
		out = append(out, f)
		p.blanks()
		if p.pos == len(p.text) {
			return out, nil
		}
		if !p.take(',') {
			return nil, p.unexpected("a comma or the end of the list")
		}
	}
}

type termParser struct {
	text string
	pos  int // byte
}

func (p *termParser) fail(at int, format string, args ...any) error {
	return fmt.Errorf("terms: character %d: %s", utf8.RuneCountInString(p.text[:at])+1, fmt.Sprintf(format, args...))
}

func (p *termParser) blanks() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *termParser) take(c byte) bool {
	p.blanks()
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// unexpected is the error of what stands at pos where something else is wanted.
func (p *termParser) unexpected(want string) error {
	p.blanks()
	if p.pos == len(p.text) {
		return p.fail(p.pos, "the list ends where %s is expected", want)
	}
	c, _ := utf8.DecodeRuneInString(p.text[p.pos:])
	hint := ""
	switch c {
	case '+':
		hint = "; terms are separated by commas"
	case '-', '/', ':', '=', '(', ')':
		hint = "; the terms are x^2, x*v, spline(x,4) and log(x), and a column whose name holds such a character stands in backticks"
	case '*', '^':
		hint = "; a power is of one column, and a product of two"
	}
	return p.fail(p.pos, "%q where %s is expected%s", c, want, hint)
}

func nameStart(c rune) bool { return c == '_' || unicode.IsLetter(c) }
func namePart(c rune) bool {
	return nameStart(c) || c == '.' || unicode.IsDigit(c) || unicode.IsMark(c)
}

// name reads the name of a column; quoted says whether it stood in quotes.
func (p *termParser) name(want string) (name string, quoted bool, err error) {
	p.blanks()
	from := p.pos
	if p.pos < len(p.text) && (p.text[p.pos] == '`' || p.text[p.pos] == '"') {
		quote := p.text[p.pos]
		var b strings.Builder
		for p.pos++; p.pos < len(p.text); p.pos++ {
			if c := p.text[p.pos]; c != quote {
				b.WriteByte(c)
			} else if p.pos+1 < len(p.text) && p.text[p.pos+1] == quote {
				b.WriteByte(quote)
				p.pos++
			} else {
				p.pos++
				if b.Len() == 0 {
					return "", true, p.fail(from, "a name is empty")
				}
				return b.String(), true, nil
			}
		}
		return "", true, p.fail(from, "the quote %c is not closed", quote)
	}
	for p.pos < len(p.text) {
		c, size := utf8.DecodeRuneInString(p.text[p.pos:])
		if p.pos == from && !nameStart(c) || !namePart(c) {
			break
		}
		p.pos += size
	}
	if p.pos == from {
		return "", false, p.unexpected(want)
	}
	return p.text[from:p.pos], false, nil
}

// whole reads a whole number from low to high; what says what it is.
func (p *termParser) whole(what string, low, high int) (int, error) {
	p.blanks()
	from := p.pos
	for p.pos < len(p.text) && (namePart(rune(p.text[p.pos])) || p.text[p.pos] == '-' && p.pos == from) {
		p.pos++
	}
	if from == p.pos {
		return 0, p.unexpected(what)
	}
	n, err := strconv.Atoi(p.text[from:p.pos])
	if err != nil || n < low || n > high {
		return 0, p.fail(from, "%s is %s, expected a whole number from %d to %d", what, clip(p.text[from:p.pos]), low, high)
	}
	return n, nil
}

func (p *termParser) term() (Formula, error) {
	from := p.pos
	first, quoted, err := p.name("a term")
	if err != nil {
		return Formula{}, err
	}
	if !quoted && p.take('(') {
		return p.call(from, first)
	}
	switch {
	case p.take('^'):
		n, err := p.whole("the power", 2, mostPower)
		return Formula{KindPower, []string{first}, n}, err
	case p.take('*'):
		at := p.pos
		second, quoted, err := p.name("the second column of a product")
		if err != nil {
			return Formula{}, err
		}
		if !quoted && p.take('(') {
			return Formula{}, p.fail(at, "a product is of two columns, not of what is computed from them")
		}
		if first == second {
			return Formula{}, p.fail(from, "%s*%[1]s is %[1]s^2, a power", quoteName(first))
		}
		return Formula{KindProduct, []string{first, second}, 0}, nil
	}
	p.blanks()
	if p.pos == len(p.text) || p.text[p.pos] == ',' {
		return Formula{}, p.fail(from, "column %s is an input by itself already; a term is x^2, x*v, spline(x,4) or log(x)", quoteName(first))
	}
	return Formula{}, p.unexpected("^, * or a comma")
}

// call reads what follows the bracket of spline( or log(.
func (p *termParser) call(from int, function string) (Formula, error) {
	if function != KindSpline && function != KindLog {
		hint, known := "", []string{KindSpline, KindLog}
		for _, k := range known {
			if strings.EqualFold(k, function) {
				hint = fmt.Sprintf("; did you mean %s?", k)
			}
		}
		if function == "ns" || function == "bs" {
			hint = "; did you mean spline(x,4), the natural spline ns(x, df=4) of R?"
		}
		return Formula{}, p.fail(from, "there is no function %s; the terms are x^2, x*v, spline(x,4) and log(x)%s", clip(function), hint)
	}
	of, quoted, err := p.name("a column")
	if err != nil {
		return Formula{}, err
	}
	if !quoted && p.take('(') {
		return Formula{}, p.fail(from, "%s is of a column, not of what is computed from one", function)
	}
	f := Formula{Kind: function, Of: []string{of}}
	if function == KindSpline {
		if !p.take(',') {
			return f, p.unexpected("a comma and the degrees of freedom, as in spline(x,4),")
		}
		if f.Degree, err = p.whole("the degrees of freedom", 2, mostSpline); err != nil {
			return f, err
		}
	}
	if !p.take(')') {
		return f, p.unexpected("the closing bracket")
	}
	return f, nil
}

// quoteName writes a column's name as terms have it.
func quoteName(name string) string {
	plain := name != ""
	for i, c := range name {
		plain = plain && (i == 0 && nameStart(c) || i > 0 && namePart(c))
	}
	if plain {
		return name
	}
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}
