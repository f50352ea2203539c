package graph

import (
	"fmt"
	"strings"
)

// holds decides the condition of a rule for what its letters are bound to, and says on which facts.
// Conditions, joined by commas:
//
//	u > 0, u >= 0, u != 0   by the ranges of ops and the facts of leaves
//	u is not 1              as written
//	scalar(u), vector(u)    by shape
//	fixed(u)                the same for all rows
//	sum(u) = t              a stated total, bound to t
func (g *Graph) holds(condition string, bound map[string]*Node) (facts []string, ok bool) {
	if condition == "" {
		return nil, true
	}
	for _, c := range strings.Split(condition, ", ") {
		fact, ok := g.holdsOne(c, bound)
		if !ok {
			return nil, false
		}
		if fact != "" {
			facts = append(facts, fact)
		}
	}
	return facts, true
}

func (g *Graph) holdsOne(c string, bound map[string]*Node) (fact string, ok bool) {
	if name, call, _ := strings.Cut(c, "("); call != "" {
		letter, rest, _ := strings.Cut(call, ")")
		u := bound[letter]
		if u == nil {
			return "", false
		}
		switch name {
		case "scalar":
			return "", u.Shape.IsScalar()
		case "vector":
			return "", u.Shape.IsVector()
		case "fixed":
			return "", !u.Shape.PerRow
		case "sum":
			if u.Leaf == nil || u.Leaf.Fact.Total == nil {
				return "", false
			}
			bound[strings.TrimPrefix(rest, " = ")] = g.Const(u.Leaf.Fact.Total)
			return fmt.Sprintf("sum(%s) = %s", g.nameOf(u), numberText(u.Leaf.Fact.Total)), true
		}
		return "", false
	}
	letter, what, _ := strings.Cut(c, " ")
	u := bound[letter]
	if u == nil {
		return "", false
	}
	r := g.Range(u)
	switch what {
	case "> 0":
		ok = r.positive()
	case ">= 0":
		ok = r.notNegative()
	case "!= 0":
		ok = r.nonzero()
	case "is not 1":
		return "", !u.isInt(1)
	}
	return g.factText(u), ok
}

// factText is what is known of the range of u, to be read.
func (g *Graph) factText(u *Node) string {
	if u.Leaf != nil && u.Leaf.Kind == Constant {
		return ""
	}
	return g.Range(u).about(g.nameOf(u))
}
