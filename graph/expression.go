package graph

import (
	"go/ast"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// An Expression is the right-hand side of an equation as it is written, before nodes are made of it: a number, a name, or a call. The
// calls of operators are add, sub, mul, div, neg and pow.
type Expression struct {
	Column int // from 1, in characters: of a call, where its operator or name is
	Number *big.Rat
	Name   string
	Call   string
	Args   []*Expression
}

// ParseOpen reads one expression, text[from:], of a line that is text. It reads what learners bring from their notebooks besides what Parse reads: a function of any
// name and number of arguments, np.dot(u, v) and u.dot(v) for dot(u, v), u % v for dot(u, v), x[i], in a loop, for x, and u.T, which is the call T. The error is an *Error at
// the line given.
func ParseOpen(text string, from, line int) (*Expression, error) {
	p := &reader{line: line, text: text, open: true}
	if len(text) > MaxLength {
		return nil, p.errorf(0, "%d bytes of equations, at most %d are read", len(text), MaxLength)
	}
	if !utf8.ValidString(text) {
		return nil, p.errorf(0, "the equations are not UTF-8 text")
	}
	e, err := p.expression(from)
	if err != nil {
		return nil, err
	}
	return p.exported(e), nil
}

func (p *reader) exported(e *expr) *Expression {
	out := &Expression{Column: utf8.RuneCountInString(p.text[:min(max(e.at, 0), len(p.text))]) + 1, Number: e.value, Name: e.name, Call: e.call}
	if e.op != nil {
		out.Call = e.op.Name
	}
	for _, a := range e.args {
		out.Args = append(out.Args, p.exported(a))
	}
	return out
}

// modules are the names before a dot that say where a function is from.
var modules = []string{"np", "numpy", "math", "scipy", "tf", "torch", "jnp"}

func (c *climb) openCall(t *ast.CallExpr, at, depth int) (*expr, error) {
	e := &expr{at: at}
	switch f := t.Fun.(type) {
	case *ast.Ident:
		e.call = f.Name
	case *ast.SelectorExpr:
		e.call = f.Sel.Name
		if id, ok := f.X.(*ast.Ident); ok && slices.Contains(modules, id.Name) {
			break
		}
		u, err := c.chain(f.X, depth+1)
		if err != nil {
			return nil, err
		}
		e.args = append(e.args, u)
	default:
		return nil, c.errorf(int(t.Lparen)-1, "want an operator before this bracket")
	}
	if t.Ellipsis.IsValid() {
		return nil, c.errorf(int(t.Ellipsis)-1, "unexpected ...")
	}
	for _, a := range t.Args {
		u, err := c.chain(a, depth+1)
		if err != nil {
			return nil, err
		}
		e.args = append(e.args, u)
	}
	return e, nil
}

// binding powers of what is printed without a name
var written = map[string]struct {
	sign  string
	power int
}{"add": {" + ", 1}, "sub": {" - ", 1}, "mul": {"*", 2}, "div": {"/", 2}, "pow": {"^", 4}}

// String writes the expression as it is read again.
func (e *Expression) String() string { return e.text(0) }

func (e *Expression) text(outer int) string {
	brackets := func(s string, power int) string {
		if power < outer {
			return "(" + s + ")"
		}
		return s
	}
	switch {
	case e.Number != nil:
		return brackets(numberText(e.Number), 5+min(e.Number.Sign(), 0)*4)
	case e.Call == "":
		return e.Name
	case e.Call == "T" && len(e.Args) == 1:
		return e.Args[0].text(5) + ".T"
	case e.Call == "neg":
		return brackets("-"+e.Args[0].text(2), 1)
	}
	if op, ok := written[e.Call]; ok && len(e.Args) == 2 {
		left, right := op.power, op.power+1
		switch e.Call {
		case "add", "mul":
			right = op.power
		case "pow":
			left, right = 5, 4
		}
		if e.Call == "add" && e.Args[1].Call == "neg" {
			right++
		}
		return brackets(e.Args[0].text(left)+op.sign+e.Args[1].text(right), op.power)
	}
	args := make([]string, len(e.Args))
	for i, a := range e.Args {
		args[i] = a.text(0)
	}
	return e.Call + "(" + strings.Join(args, ", ") + ")"
}
