package graph

import (
	"fmt"
	"math/big"
	"strings"
)

// A Pattern is an equation in which every name stands for any node: the same name for the same node
// everywhere. The arguments of + and * (and max) may come in either order.
type Pattern struct {
	src   string
	root  *expr
	where []binding
}

// A binding names a part of a pattern that is built once and used more often.
type binding struct {
	name string
	e    *expr
}

// ParsePattern reads a pattern such as "softplus(z) - t*z". For Build it may end in "where e =
// exp(u), r = 1/(1 + e)".
func ParsePattern(src string) (*Pattern, error) {
	if len(src) > MaxLength {
		return nil, &Error{1, 1, "pattern too long"}
	}
	body, where, _ := strings.Cut(src, " where ")
	read := func(text string, from int) (*expr, error) {
		e, err := (&reader{line: 1, text: src[:from] + text, pattern: true}).expression(from)
		if err != nil {
			return nil, err
		}
		return folded(e), nil
	}
	root, err := read(body, 0)
	if err != nil {
		return nil, err
	}
	p := &Pattern{src: src, root: root}
	from := len(body) + len(" where ")
	for where != "" {
		// a comma between brackets separates arguments, not bindings
		depth, end := 0, len(where)
		for i := 0; i < len(where) && end == len(where); i++ {
			switch where[i] {
			case '(':
				depth++
			case ')':
				depth--
			case ',':
				if depth == 0 {
					end = i
				}
			}
		}
		name, _, ok := strings.Cut(where[:end], "=")
		if !ok {
			return nil, &Error{1, from + 1, "want name = expression"}
		}
		e, err := read(where[len(name)+1:end], from+len(name)+1)
		if err != nil {
			return nil, err
		}
		p.where = append(p.where, binding{strings.TrimSpace(name), e})
		from += min(end+1, len(where))
		where = where[min(end+1, len(where)):]
	}
	return p, nil
}

// folded makes negative constants of minus and a number.
func folded(e *expr) *expr {
	for i, a := range e.args {
		e.args[i] = folded(a)
	}
	if e.op == opNeg && e.args[0].value != nil {
		return &expr{at: e.at, value: new(big.Rat).Neg(e.args[0].value)}
	}
	return e
}

// names lists the free names, in the order they appear.
func (p *Pattern) names() []string {
	var out []string
	var visit func(e *expr)
	visit = func(e *expr) {
		if e.op == nil && e.value == nil && !contains(out, e.name) {
			out = append(out, e.name)
		}
		for _, a := range e.args {
			visit(a)
		}
	}
	visit(p.root)
	return out
}

func (p *Pattern) String() string { return p.src }

// Match reports whether n is an instance of the pattern, and of which nodes.
func (p *Pattern) Match(n *Node) (bound map[string]*Node, ok bool) {
	bound = map[string]*Node{}
	return bound, match(p.root, n, bound, func() bool { return true })
}

// match calls then for every way to match until one returns true.
func match(e *expr, n *Node, bound map[string]*Node, then func() bool) bool {
	switch {
	case e.value != nil:
		c, ok := n.constant()
		return ok && c.Cmp(e.value) == 0 && then()
	case e.op == nil:
		if b, ok := bound[e.name]; ok {
			return b == n && then()
		}
		bound[e.name] = n
		if then() {
			return true
		}
		delete(bound, e.name)
		return false
	case n.Op != e.op:
		return false
	}
	if e.op.Commutes {
		return matchAll(e.args, n.Args, bound, then) ||
			matchAll(e.args, []*Node{n.Args[1], n.Args[0]}, bound, then)
	}
	return matchAll(e.args, n.Args, bound, then)
}

func matchAll(es []*expr, ns []*Node, bound map[string]*Node, then func() bool) bool {
	if len(es) == 0 {
		return then()
	}
	return match(es[0], ns[0], bound, func() bool { return matchAll(es[1:], ns[1:], bound, then) })
}

// Build makes the pattern's node with bound in place of its names. 0 and 1, double minus and the
// arithmetic of constants are settled on the way.
func (g *Graph) Build(p *Pattern, bound map[string]*Node) (n *Node, err error) {
	defer catch(&err)
	return g.fillIn(p, bound), nil
}

// fillIn is Build for callers that catch.
func (g *Graph) fillIn(p *Pattern, bound map[string]*Node) *Node {
	return fillWith(p, bound, g.Const, g.make)
}

// fillRaw is fillIn to the letter: e*(1/(1 + e)) stays a product.
func (g *Graph) fillRaw(p *Pattern, bound map[string]*Node) *Node {
	return fillWith(p, bound, g.Const, g.raw)
}

func fillWith(p *Pattern, bound map[string]*Node, constant func(*big.Rat) *Node, op func(string, ...*Node) *Node) *Node {
	var scope map[string]*Node
	var build func(e *expr) *Node
	build = func(e *expr) *Node {
		switch {
		case e.value != nil:
			return constant(e.value)
		case e.op == nil:
			if n, ok := scope[e.name]; ok {
				return n
			}
			if n, ok := bound[e.name]; ok {
				return n
			}
			panic(buildError{fmt.Errorf("pattern %q: nothing is bound to %s", p.src, e.name)})
		}
		args := make([]*Node, len(e.args))
		for i, a := range e.args {
			args[i] = build(a)
		}
		return op(e.op.Name, args...)
	}
	if len(p.where) > 0 {
		scope = map[string]*Node{}
		for _, b := range p.where {
			scope[b.name] = build(b.e)
		}
	}
	return build(p.root)
}

// template is a pattern of the table, parsed once in a graph's life.
func (g *Graph) template(src string) *Pattern {
	if p, ok := g.patterns[src]; ok {
		return p
	}
	p, err := ParsePattern(src)
	if err != nil {
		panic(buildError{fmt.Errorf("rule %q: %w", src, err)})
	}
	g.patterns[src] = p
	return p
}
