package graph

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"math/big"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of equations, which are untrusted text.
const (
	MaxLength = 64 << 10 // bytes in one call of Parse or Append
	MaxDepth  = 4000     // brackets, calls and operators inside each other
	MaxDefs   = 500      // definitions in one graph
)

// Options say what equations may mention.
type Options struct {
	Leaves []Leaf
	// Closed makes a name that is neither a leaf nor defined an error. Otherwise it becomes a leaf: a
	// scalar input, one value per row, if it begins with x or y, else a scalar parameter.
	Closed bool
	// Sizes are names that stand for sizes in declarations, V = parameter(16, n).
	Sizes map[string]int
}

// An Error is what is wrong with an equation, and where: Line and Column count from 1, Column in
// characters.
type Error struct {
	Line, Column int
	Message      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("equation line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Parse reads equations, one per line (or separated by semicolons): name = expression. An expression
// is made of names, decimal numbers, + - * / ^ (power, right to left, before minus), brackets, and
// calls of the functions of the table of ops. Empty lines, and what follows a #, are skipped. Names
// that are not among leaves become leaves as Options says. The error is an *Error.
func Parse(src string, leaves ...Leaf) (*Graph, error) {
	return ParseWith(src, Options{Leaves: leaves})
}

// ParseWith is Parse with options.
func ParseWith(src string, o Options) (*Graph, error) {
	g := New()
	g.closed, g.sizes = o.Closed, o.Sizes
	leaves := o.Leaves
	if declared := Declared(src); declared != nil {
		leaves = slices.DeleteFunc(slices.Clone(leaves), func(l Leaf) bool { return l.Kind == Parameter && slices.Contains(declared, l.Name) })
	}
	if err := g.Append(src, leaves...); err != nil {
		return nil, err
	}
	return g, nil
}

// Append reads more equations into the graph. They may use everything that has a name. After an
// error the graph keeps the equations before the one that is wrong.
func (g *Graph) Append(src string, leaves ...Leaf) error {
	for _, l := range leaves {
		if _, err := g.Leaf(l); err != nil {
			return err
		}
	}
	if len(src) > MaxLength {
		return &Error{1, 1, fmt.Sprintf("%d bytes of equations, at most %d are read", len(src), MaxLength)}
	}
	if !utf8.ValidString(src) {
		return &Error{1, 1, "the equations are not UTF-8 text"}
	}
	implied := map[string]int{} // leaves made from their first use -> line
	for i, line := range strings.Split(src, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if at := strings.IndexByte(line, '#'); at >= 0 {
			line = line[:at]
		}
		from := 0
		for _, part := range strings.Split(line, ";") {
			p := &reader{line: i + 1, text: line[:from+len(part)]}
			if err := g.equation(p, from, implied); err != nil {
				return err
			}
			from += len(part) + 1
		}
	}
	return nil
}

// equation reads text[from:] of one line.
func (g *Graph) equation(p *reader, from int, implied map[string]int) error {
	part := p.text[from:]
	if strings.TrimSpace(part) == "" {
		return nil
	}
	start := from + len(part) - len(strings.TrimLeft(part, " \t"))
	eq := strings.IndexByte(part, '=')
	if eq < 0 {
		return p.errorf(start, "want name = expression, there is no =")
	}
	name := strings.TrimSpace(part[:eq])
	if err := checkName(name); err != nil {
		return p.errorf(start, "%v", err)
	}
	if n, ok := g.named[name]; ok {
		switch line, leaf := implied[name]; {
		case leaf:
			return p.errorf(start, "%s is used on line %d, before it is defined", name, line)
		case n.Leaf != nil && n.Leaf.Name == name && g.lines[name] > 0:
			return p.errorf(start, "%s is already declared on line %d", name, g.lines[name])
		case n.Leaf != nil && n.Leaf.Name == name:
			return p.errorf(start, "%s is %s and cannot be defined", name, article(n.Leaf.Kind.String()))
		case g.lines[name] > 0:
			return p.errorf(start, "%s is already defined on line %d", name, g.lines[name])
		}
		return p.errorf(start, "%s is already defined", name)
	}
	if ok, err := g.declare(p, from, name); ok {
		return err
	}
	e, err := p.expression(from + eq + 1)
	if err != nil {
		return err
	}
	n, err := g.build(e, func(e *expr) (*Node, error) {
		if n, ok := g.named[e.name]; ok {
			return n, nil
		}
		if g.closed {
			return nil, p.errorf(e.at, "unknown name %s%s; known are %s", e.name, suggest(e.name, g.names()), strings.Join(g.names(), ", "))
		}
		l := Leaf{Kind: Parameter, Name: e.name}
		if e.name[0] == 'x' || e.name[0] == 'y' {
			l.Kind, l.Shape.PerRow = Input, true
		}
		if e.name == name {
			return nil, p.errorf(e.at, "%s is defined by itself", name)
		}
		implied[e.name] = p.line
		return g.Leaf(l)
	}, p)
	if err != nil {
		return err
	}
	if e.op == nil { // z = b: one node cannot have two names
		n = g.number(&Node{Op: opAlias, Args: []*Node{n}, Shape: n.Shape})
	}
	if len(g.Defs) >= MaxDefs {
		return p.errorf(start, "more than %d equations", MaxDefs)
	}
	if err := g.Define(name, n); err != nil {
		return p.errorf(start, "%v", err)
	}
	g.lines[name] = p.line
	return nil
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// names lists the names of leaves and definitions.
func (g *Graph) names() []string {
	var all []string
	for name := range g.named {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

// suggest is " (did you mean …?)" if a known name differs in two letters at most, and in no more than
// one of three.
func suggest(name string, known []string) string {
	best, least := "", 3
	if len(name) > 40 {
		return ""
	}
	for _, k := range known {
		if d := distance(name, k); d < least && d < len(name) && 3*d <= max(len(name), len(k)) {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// distance is the number of letters to change, add, leave out, or swap with their neighbour (optimal
// string alignment).
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

// checkName says why s cannot name a leaf or a definition.
func checkName(s string) error {
	if s == "" {
		return fmt.Errorf("empty name")
	}
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return fmt.Errorf("%q is not a name: letters, digits and _, not starting with a digit", s)
		}
	}
	if o, ok := ops[s]; ok && !isArithmetic(o.Name) {
		return fmt.Errorf("%s is a function and cannot be a name", s)
	}
	if token.IsKeyword(s) || s == "_" {
		return fmt.Errorf("%s cannot be a name", s)
	}
	return nil
}

// An expr is a parsed expression: a number, a name, or an op.
type expr struct {
	at    int // byte in the line
	value *big.Rat
	name  string
	op    *Op
	call  string // of an open reader: the function's name
	args  []*expr
}

// A reader is one line being read.
type reader struct {
	line    int
	text    string
	pattern bool // an op's bare name stands for a node
	open    bool // functions need not be in the table, see ParseOpen
}

func (p *reader) errorf(at int, format string, args ...any) *Error {
	at = max(0, min(at, len(p.text)))
	return &Error{Line: p.line, Column: utf8.RuneCountInString(p.text[:at]) + 1, Message: fmt.Sprintf(format, args...)}
}

// build makes nodes of e, literally; leaf resolves names.
func (g *Graph) build(e *expr, leaf func(*expr) (*Node, error), p *reader) (*Node, error) {
	switch {
	case e.value != nil:
		return g.Const(e.value), nil
	case e.op == nil:
		n, err := leaf(e)
		var positioned *Error
		if err != nil && !errors.As(err, &positioned) {
			err = p.errorf(e.at, "%v", err)
		}
		return n, err
	}
	args := make([]*Node, len(e.args))
	for i, a := range e.args {
		n, err := g.build(a, leaf, p)
		if err != nil {
			return nil, err
		}
		args[i] = n
	}
	n, err := g.apply(e.op, args)
	if err != nil {
		return nil, p.errorf(e.at, "%v", err)
	}
	return n, nil
}

// expression reads text[from:].
func (p *reader) expression(from int) (*expr, error) {
	src := p.text[from:]
	if strings.TrimSpace(src) == "" {
		return nil, p.errorf(from, "want an expression after =")
	}
	depth := 0
	for i, r := range src {
		switch r {
		case '(':
			if depth++; depth > MaxDepth/2 {
				return nil, p.errorf(from+i, "more than %d brackets inside each other", MaxDepth/2)
			}
		case ')':
			depth--
		}
	}
	if i := strings.Index(src, "//"); i >= 0 {
		return nil, p.errorf(from+i, "unexpected //")
	}
	if i := strings.Index(src, "/*"); i >= 0 {
		return nil, p.errorf(from+i, "unexpected /*")
	}
	// Spaces in front keep go/parser's positions those of the line.
	e, err := parser.ParseExprFrom(token.NewFileSet(), "", strings.Repeat(" ", from)+src, parser.SkipObjectResolution)
	if err != nil {
		at, message := len(p.text), err.Error()
		var list scanner.ErrorList
		if errors.As(err, &list) && len(list) > 0 {
			at, message = list[0].Pos.Offset, list[0].Msg
		}
		message = strings.ReplaceAll(message, "newline", "the end")
		message = strings.ReplaceAll(message, "'EOF'", "the end")
		return nil, p.errorf(at, "%s", message)
	}
	return p.chain(e, 0)
}

// A word is one token of a chain of operators: an operator, or an operand in brackets or without.
type word struct {
	at      int
	op      token.Token // ILLEGAL: an operand
	operand ast.Expr
}

// chain reads one chain of operators by the precedence of mathematics. Go parses ^ as a sum (it is
// its exclusive or) and binds a sign before it; so the chain between two brackets is flattened and
// read again.
func (p *reader) chain(e ast.Expr, depth int) (*expr, error) {
	var words []word
	var flatten func(e ast.Expr)
	flatten = func(e ast.Expr) {
		switch t := e.(type) {
		case *ast.BinaryExpr:
			flatten(t.X)
			words = append(words, word{at: int(t.OpPos) - 1, op: t.Op})
			flatten(t.Y)
		case *ast.UnaryExpr:
			words = append(words, word{at: int(t.OpPos) - 1, op: t.Op})
			flatten(t.X)
		default:
			words = append(words, word{at: int(e.Pos()) - 1, operand: e})
		}
	}
	flatten(e)
	c := &climb{reader: p, words: words}
	out, err := c.sum(depth)
	if err != nil {
		return nil, err
	}
	if len(c.words) > 0 {
		return nil, p.errorf(c.words[0].at, "unexpected %s", c.words[0].op)
	}
	return out, nil
}

// climb is a precedence climber over the words of one chain.
type climb struct {
	*reader
	words []word
}

func (c *climb) next(ops ...token.Token) (word, bool) {
	if len(c.words) > 0 && c.words[0].operand == nil {
		for _, op := range ops {
			if w := c.words[0]; w.op == op {
				c.words = c.words[1:]
				return w, true
			}
		}
	}
	return word{}, false
}

func (c *climb) sum(depth int) (*expr, error) {
	return c.left(depth, c.product, token.ADD, token.SUB)
}

// product reads one summand. A minus in front of it is minus the whole product, as one reads -y/a.
func (c *climb) product(depth int) (*expr, error) {
	return c.signed(depth, func(depth int) (*expr, error) {
		if c.open {
			return c.left(depth, c.factor, token.MUL, token.QUO, token.REM)
		}
		return c.left(depth, c.factor, token.MUL, token.QUO)
	})
}

func (c *climb) factor(depth int) (*expr, error) { return c.signed(depth, c.power) }

var operators = map[token.Token]*Op{token.ADD: opAdd, token.SUB: opSub, token.MUL: opMul, token.QUO: opDiv, token.XOR: opPow}

func (c *climb) left(depth int, part func(int) (*expr, error), ops ...token.Token) (*expr, error) {
	e, err := part(depth)
	for err == nil {
		w, ok := c.next(ops...)
		if !ok {
			break
		}
		if depth++; depth > MaxDepth {
			return nil, c.errorf(w.at, "more than %d operators and brackets inside each other", MaxDepth)
		}
		var v *expr
		if v, err = part(depth); err == nil {
			e = &expr{at: w.at, op: operators[w.op], args: []*expr{e, v}}
			if w.op == token.REM {
				e.call = "dot"
			}
		}
	}
	return e, err
}

func (c *climb) signed(depth int, part func(int) (*expr, error)) (*expr, error) {
	if depth > MaxDepth {
		return nil, c.errorf(c.words[0].at, "more than %d operators and brackets inside each other", MaxDepth)
	}
	if _, ok := c.next(token.ADD); ok {
		return c.signed(depth+1, part)
	}
	if w, ok := c.next(token.SUB); ok {
		u, err := c.signed(depth+1, part)
		return &expr{at: w.at, op: opNeg, args: []*expr{u}}, err
	}
	return part(depth)
}

func (c *climb) power(depth int) (*expr, error) {
	u, err := c.operand(depth)
	if err != nil {
		return nil, err
	}
	if w, ok := c.next(token.XOR); ok {
		v, err := c.factor(depth + 1)
		return &expr{at: w.at, op: opPow, args: []*expr{u, v}}, err
	}
	return u, nil
}

// numberGrammar is the grammar of numbers.
var numberGrammar = regexp.MustCompile(`^(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][+-]?[0-9]+)?$`)

func (c *climb) operand(depth int) (*expr, error) {
	if len(c.words) == 0 {
		return nil, c.errorf(len(c.text), "want a value, found the end")
	}
	w := c.words[0]
	if w.operand == nil {
		if w.op == token.XOR {
			return nil, c.errorf(w.at, "^ needs a value before it")
		}
		return nil, c.errorf(w.at, "unexpected %s", w.op)
	}
	c.words = c.words[1:]
	switch t := w.operand.(type) {
	case *ast.ParenExpr:
		return c.chain(t.X, depth+1)
	case *ast.Ident:
		if c.pattern {
			return &expr{at: w.at, name: t.Name}, nil
		}
		if o, ok := ops[t.Name]; ok && !isArithmetic(t.Name) {
			return nil, c.errorf(w.at, "%s is a function: write %s(%s)", t.Name, t.Name, strings.Join([]string{"u", "v", "w"}[:o.Arity], ", "))
		}
		if err := checkName(t.Name); err != nil {
			return nil, c.errorf(w.at, "%v", err)
		}
		return &expr{at: w.at, name: t.Name}, nil
	case *ast.BasicLit:
		r, err := readNumber(t.Value)
		if err != nil {
			return nil, c.errorf(w.at, "%v", err)
		}
		return &expr{at: w.at, value: r}, nil
	case *ast.CallExpr:
		if c.open {
			return c.openCall(t, w.at, depth)
		}
		return c.call(t, w.at, depth)
	case *ast.IndexExpr:
		name, ok := t.X.(*ast.Ident)
		if i, letter := t.Index.(*ast.Ident); c.open && ok && letter && (i.Name == "i" || i.Name == "j") {
			return &expr{at: w.at, name: name.Name}, nil
		}
	case *ast.SelectorExpr:
		if c.open && t.Sel.Name == "T" {
			u, err := c.chain(t.X, depth+1)
			return &expr{at: int(t.Sel.Pos()) - 1, call: "T", args: []*expr{u}}, err
		}
	case *ast.StarExpr:
		return nil, c.errorf(w.at, "unexpected * (a power is written ^)")
	}
	return nil, c.errorf(w.at, "want names, numbers, + - * / ^, brackets and functions only")
}

func (c *climb) call(t *ast.CallExpr, at, depth int) (*expr, error) {
	id, ok := t.Fun.(*ast.Ident)
	if !ok {
		return nil, c.errorf(int(t.Lparen)-1, "want an operator before this bracket")
	}
	o, ok := ops[id.Name]
	if !ok || isArithmetic(id.Name) {
		return nil, c.errorf(at, "no function is called %s%s; known are %s", id.Name, suggest(id.Name, functions()), strings.Join(functions(), ", "))
	}
	if t.Ellipsis.IsValid() {
		return nil, c.errorf(int(t.Ellipsis)-1, "unexpected ...")
	}
	if len(t.Args) != o.Arity {
		return nil, c.errorf(at, "%s takes %d argument%s, not %d", o.Name, o.Arity, plural(o.Arity), len(t.Args))
	}
	e := &expr{at: at, op: o}
	for _, a := range t.Args {
		u, err := c.chain(a, depth+1)
		if err != nil {
			return nil, err
		}
		e.args = append(e.args, u)
	}
	return e, nil
}

// functions lists the ops that are offered to those who write equations.
func functions() []string {
	var all []string
	for _, o := range Ops() {
		if !isArithmetic(o.Name) && !o.Internal {
			all = append(all, o.Name)
		}
	}
	return all
}

// readNumber reads a decimal number exactly, within the range of float64.
func readNumber(s string) (*big.Rat, error) {
	if !numberGrammar.MatchString(s) {
		return nil, fmt.Errorf("%s is not a decimal number", s)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, fmt.Errorf("%s is outside the range of numbers, 1.8e308", s)
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if x, err := strconv.Atoi(s[i+1:]); err != nil || x < -330 || x > 310 {
			return nil, fmt.Errorf("%s is outside the range of numbers, exponents from -330 to 310", s)
		}
	}
	if len(s) > 400 {
		return nil, fmt.Errorf("a number of %d digits, at most 400 are read", len(s))
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, fmt.Errorf("%s is not a decimal number", s)
	}
	if f == 0 && r.Sign() != 0 {
		return nil, fmt.Errorf("%s is too small, the smallest number is 5e-324", s)
	}
	return r, nil
}
