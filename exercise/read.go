package exercise

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/descent-ml/descent/graph"
)

// An equation is what the learner says about one name. A loop's statements, dw1 = 0; dw1 += x1*dz; dw1 /= m, are one equation.
type equation struct {
	name   string
	line   int
	column int
	text   string            // as written
	right  *graph.Expression // a loop's sums in it
}

// overRows is the call that += makes: the sum over the examples.
const overRows = "Σ"

// maxEquations bounds what is judged: equations are untrusted.
const maxEquations = 100

var (
	assignment = regexp.MustCompile(`^(\s*)([\pL_][\pL\pN_]*)(?:\[[ij]\])?(\s*)(:=|[-+*/]?=)`)
	loopLine   = regexp.MustCompile(`^\s*(for|while)\b.*:\s*$`)
	keywords   = regexp.MustCompile(`,?\s*(keepdims|dtype)\s*=\s*[\pL\pN_.]+`)
	axis       = regexp.MustCompile(`\baxis\s*=`)
)

// blank keeps the columns: as many spaces as there were characters.
func blank(s string) string { return strings.Repeat(" ", utf8.RuneCountInString(s)) }

// plain turns a notebook's line into one that is read, every character at its column.
func plain(line string) string {
	if at := strings.IndexByte(line, '#'); at >= 0 {
		line = line[:at]
	}
	line = keywords.ReplaceAllStringFunc(line, blank)
	line = axis.ReplaceAllStringFunc(line, blank)
	return strings.NewReplacer("**", "^ ", "@", "%", "·", "*", "×", "*", "−", "-").Replace(strings.TrimRight(line, "\r"))
}

// read takes the learner's text apart: one equation a line, or with ; between them.
func read(src string) ([]*equation, error) {
	if len(src) > graph.MaxLength {
		return nil, &graph.Error{Line: 1, Column: 1, Message: fmt.Sprintf("%d bytes of equations, at most %d are read", len(src), graph.MaxLength)}
	}
	if !utf8.ValidString(src) {
		return nil, &graph.Error{Line: 1, Column: 1, Message: "the equations are not UTF-8 text"}
	}
	var all []*equation
	by := map[string]*equation{}
	for i, line := range strings.Split(src, "\n") {
		text := plain(line)
		if loopLine.MatchString(text) {
			continue
		}
		from := 0
		for _, part := range strings.Split(text, ";") {
			at := from
			from += len(part) + 1
			if strings.TrimSpace(part) == "" {
				continue
			}
			if len(all) == maxEquations {
				return nil, &graph.Error{Line: i + 1, Column: 1, Message: fmt.Sprintf("more than %d equations", maxEquations)}
			}
			eq, operator, err := statement(text[:at+len(part)], at, i+1)
			if err != nil {
				return nil, err
			}
			before := by[eq.name]
			if before == nil {
				if operator == "*=" || operator == "/=" {
					return nil, eq.errorf("%s has no value yet to which %s could be applied", eq.name, operator)
				}
				if operator == "+=" || operator == "-=" {
					eq.accumulate(nil, operator)
				}
				by[eq.name] = eq
				all = append(all, eq)
				continue
			}
			self := mentions(eq.right, eq.name)
			switch {
			case operator == "=" && !self && !before.isZero():
				return nil, eq.errorf("%s has an equation already, on line %d", eq.name, before.line)
			case operator == "=" && !self:
				*before = *eq // J = 0 at first, and not by += then
				continue
			}
			if before.isZero() {
				before.text = ""
			}
			now := before.text
			switch operator {
			case "=":
				before.right = replaceName(eq.right, eq.name, before.right)
			case "+=", "-=":
				old := before
				if before.isZero() {
					old = nil
				}
				eq.accumulate(old, operator)
				before.right, before.line = eq.right, eq.line
			default:
				call := map[string]string{"*=": "mul", "/=": "div"}[operator]
				before.right = &graph.Expression{Column: eq.right.Column, Call: call, Args: []*graph.Expression{before.right, eq.right}}
			}
			before.text = strings.TrimPrefix(now+"; "+eq.text, "; ")
		}
	}
	return all, nil
}

func (eq *equation) errorf(format string, args ...any) error {
	return &graph.Error{Line: eq.line, Column: eq.column, Message: fmt.Sprintf(format, args...)}
}

// isZero: what a loop begins with.
func (eq *equation) isZero() bool { return eq.right.Number != nil && eq.right.Number.Sign() == 0 }

// accumulate makes the equation the sum over the loop, added to what was there before.
func (eq *equation) accumulate(before *equation, operator string) {
	sum := &graph.Expression{Column: eq.right.Column, Call: overRows, Args: []*graph.Expression{eq.right}}
	switch {
	case operator == "-=" && before == nil:
		sum = &graph.Expression{Column: eq.right.Column, Call: "neg", Args: []*graph.Expression{sum}}
	case before != nil:
		call := map[string]string{"+=": "add", "-=": "sub"}[operator]
		sum = &graph.Expression{Column: eq.right.Column, Call: call, Args: []*graph.Expression{before.right, sum}}
	}
	eq.right = sum
}

// statement reads name, operator and expression of text[from:].
func statement(text string, from, line int) (*equation, string, error) {
	part := text[from:]
	m := assignment.FindStringSubmatchIndex(part)
	if m == nil {
		column := utf8.RuneCountInString(text[:from]) + 1 + utf8.RuneCountInString(part) - utf8.RuneCountInString(strings.TrimLeft(part, " \t"))
		return nil, "", &graph.Error{Line: line, Column: column, Message: "want name = expression, as in dz = a - y"}
	}
	right, err := graph.ParseOpen(text, from+m[1], line)
	if err != nil {
		return nil, "", err
	}
	operator := strings.Replace(part[m[8]:m[9]], ":", "", 1)
	return &equation{name: part[m[4]:m[5]], line: line, column: utf8.RuneCountInString(text[:from+m[4]]) + 1, text: strings.TrimSpace(part), right: right}, operator, nil
}

// mentions says whether a name is used.
func mentions(e *graph.Expression, name string) bool {
	if e.Call == "" && e.Number == nil && e.Name == name {
		return true
	}
	for _, a := range e.Args {
		if mentions(a, name) {
			return true
		}
	}
	return false
}

// calls says whether a function is called.
func calls(e *graph.Expression, name string) bool {
	if e.Call == name {
		return true
	}
	for _, a := range e.Args {
		if calls(a, name) {
			return true
		}
	}
	return false
}

// replaceName is e with another expression for a name.
func replaceName(e *graph.Expression, name string, with *graph.Expression) *graph.Expression {
	if e.Call == "" && e.Number == nil && e.Name == name {
		return with
	}
	return remake(e, func(a *graph.Expression) *graph.Expression { return replaceName(a, name, with) })
}

// remake is e with other arguments.
func remake(e *graph.Expression, each func(*graph.Expression) *graph.Expression) *graph.Expression {
	if len(e.Args) == 0 {
		return e
	}
	out := *e
	out.Args = make([]*graph.Expression, len(e.Args))
	for i, a := range e.Args {
		out.Args[i] = each(a)
	}
	return &out
}
