package graph

import "strings"

// A Rule is a rewrite, as data: both sides are equations in which u, v, w stand for any node. The
// same letter is the same node, and the arguments of + and * may come in either order.
//
// A local rule is applied wherever it fits, until none does. A rule that Opens is tried by the
// search over sums of products, and kept only where what runs gets cheaper. An arithmetic rule
// belongs to that search and is written in Go: its equations say what it does, and leaving its row
// out of Graph.Rules switches it off.
type Rule struct {
	Name          string // empty: a matter of notation, which makes no step
	Before, After string
	If            string // "u > 0, v > 0"; empty: an identity wherever both sides are defined
	Opens         bool
	Arithmetic    bool
	Lowers        bool // used by Lower: from what one reads to what runs
}

// arithmeticRules are the rules of the search over sums of products of letters.
var arithmeticRules = []Rule{
	{Name: "cancel", Before: "u/u", After: "1", If: "u != 0", Arithmetic: true},
	{Name: "merge powers", Before: "u^v*u^w", After: "u^(v + w)", If: "u > 0", Arithmetic: true},
	{Name: "distribute", Before: "u*(v + w)", After: "u*v + u*w", Arithmetic: true},
	{Name: "collect", Before: "u*v + u*v", After: "2*(u*v)", Arithmetic: true},
	{Name: "factor", Before: "u*v + u*w", After: "u*(v + w)", Arithmetic: true},
	{Name: "flip", Before: "-(u - v)", After: "v - u", Arithmetic: true},
}

// Rules is a fresh copy of the rules of the table of ops and of arithmetic.
func Rules() []Rule {
	var all []Rule
	for _, o := range Ops() {
		all = append(all, o.Rules...)
		for _, r := range o.Lowers {
			r.Lowers = true
			all = append(all, r)
		}
		if o.Runs != "" {
			before := o.Name + "(" + strings.Join([]string{"u", "v", "w"}[:o.Arity], ", ") + ")"
			all = append(all, Rule{Name: "lower " + o.Name, Before: before, After: o.Runs, Lowers: true})
		}
	}
	return append(all, arithmeticRules...)
}
