package graph

import (
	"fmt"
	"strings"
)

// Simplify rewrites roots by the graph's rules: local rules wherever they fit, then a search over
// sums of products, until nothing gets cheaper. It returns the new roots and every rewrite in order;
// a rewrite of arithmetic has been proved in exact rationals before it is taken. All roots are
// simplified together, as one program that shares what it can. The values are the old ones, up to
// rounding, wherever the old ones are defined. A root keeps its components; it is no longer per row
// where it turns out to be the same for all rows.
//
// The search is bounded by Budget. If that is not enough the roots are simplified as far as it came,
// and the last step is named "budget". An error is a rule in Rules that cannot be read or fits
// shapes that do not exist.
func (g *Graph) Simplify(roots ...*Node) (out []*Node, steps []Step, err error) {
	g.left = g.Budget
	out, s, err := g.simplify(roots...)
	if err != nil {
		return nil, nil, err
	}
	return out, s.steps, nil
}

// simplify is Simplify with what is left of the budget.
func (g *Graph) simplify(roots ...*Node) (out []*Node, s *simplifier, err error) {
	defer catch(&err)
	if err := g.owns(roots); err != nil {
		return nil, nil, err
	}
	if s, err = g.newSimplifier(); err != nil {
		return nil, nil, err
	}
	if !s.spend(len(below(roots...))) {
		s.stop(roots)
		return append([]*Node(nil), roots...), s, nil
	}
	return s.run(roots), s, nil
}

// spend takes the price of one look at a program of so many nodes from the budget.
func (s *simplifier) spend(nodes int) bool {
	*s.budget -= 1 + max(0, nodes-200)/20
	s.stopped = s.stopped || *s.budget < 0
	return !s.stopped
}

// A simplifier is one run of Simplify.
type simplifier struct {
	g     *Graph
	rules map[string][]compiled // local
	opens map[string][]compiled
	may   map[string]bool // arithmetic rules in the table
	low   *lowerer
	named map[*Node]string // what has a name in the equations, and what that became
	memo  map[*Node]*Node  // local rules
	fuel  int
	steps []Step

	tried map[*Node][]*expansion
	done  nodeMap // of replace
	seen  nodeMap // of score

	budget  *int // what is left
	stopped bool
}

func (g *Graph) newSimplifier() (*simplifier, error) {
	s := &simplifier{
		g: g, may: map[string]bool{}, memo: map[*Node]*Node{}, tried: map[*Node][]*expansion{}, fuel: 20000,
		budget: &g.left, named: g.equationNames(len(g.Defs), false),
	}
	var err error
	if s.rules, err = g.compile(func(r *Rule) bool { return !r.Arithmetic && !r.Lowers && !r.Opens }); err != nil {
		return nil, err
	}
	if s.opens, err = g.compile(func(r *Rule) bool { return r.Opens }); err != nil {
		return nil, err
	}
	for _, r := range g.Rules {
		if r.Arithmetic {
			s.may[r.Name] = true
		}
	}
	s.low, err = g.newLowerer()
	return s, err
}

func (s *simplifier) run(roots []*Node) []*Node {
	roots = s.localAll(roots)
	// Every improvement makes the program cheaper, so this comes to an end.
	nodes, regions := s.regions(roots)
	for i := 0; i < len(regions) && !s.stopped; i++ {
		if by, ok := s.search(regions[i], roots, nodes); ok {
			roots = s.localAll(s.replace(roots, regions[i], by))
			nodes, regions = s.regions(roots)
			i = -1
		}
	}
	if s.stopped {
		s.stop(roots)
	}
	return roots
}

// stop says that the budget was not enough.
func (s *simplifier) stop(roots []*Node) {
	if len(roots) > 0 {
		s.steps = append(s.steps, Step{Rule: "budget", Before: roots[0], After: roots[0],
			Facts: []string{fmt.Sprintf("the search stopped at its limit, %d candidates", s.g.Budget)}})
	}
}

func (s *simplifier) localAll(roots []*Node) []*Node {
	out := make([]*Node, len(roots))
	for i, r := range roots {
		out[i] = s.local(r)
	}
	return out
}

// local applies the local rules below and at n until none fits.
func (s *simplifier) local(n *Node) *Node {
	if n.Leaf != nil {
		return n
	}
	if out, ok := s.memo[n]; ok {
		return out
	}
	args := make([]*Node, len(n.Args))
	for i, a := range n.Args {
		args[i] = s.local(a)
	}
	out := s.g.make(n.Op.Name, args...)
	if out != n {
		out = s.local(out)
	} else if by, ok := s.rule(n); ok {
		out = s.local(by)
	}
	s.memo[n] = out
	s.keepName(n, out)
	return out
}

// keepName makes what a named node became count as named, too.
func (s *simplifier) keepName(n, out *Node) {
	if name, ok := s.named[n]; ok && out.Leaf == nil {
		if _, ok := s.named[out]; !ok {
			s.named[out] = name
		}
	}
}

// rule applies the first local rule that fits n.
func (s *simplifier) rule(n *Node) (*Node, bool) {
	if s.fuel == 0 {
		return nil, false
	}
	for _, r := range s.rules[n.Op.Name] {
		if r.Name == "mean linear" || r.Name == "sum linear" {
			if by, did, ok := s.linear(n); ok {
				name := strings.Join(append([]string{r.Name}, did.rules...), "; ")
				return s.step(Step{Rule: name, Before: n, After: by, Facts: did.facts, rule: r.Rule})
			}
			continue
		}
		bound, ok := r.before.Match(n)
		if !ok {
			continue
		}
		facts, ok := s.g.holds(r.If, bound)
		if !ok {
			continue
		}
		by := s.g.fillIn(r.after, bound)
		if by == n || by.Shape.inner() != n.Shape.inner() {
			continue
		}
		return s.step(Step{Rule: r.Name, Before: n, After: by, Facts: facts, rule: r.Rule})
	}
	return nil, false
}

func (s *simplifier) step(t Step) (*Node, bool) {
	s.fuel--
	if t.Rule != "" {
		s.steps = append(s.steps, t)
	}
	return t.After, true
}

// linear draws out of sum(u*v*…) the factors that are scalar, and out of mean(u*v*…) those that are
// also the same for all rows.
func (s *simplifier) linear(n *Node) (by *Node, did notes, ok bool) {
	r := &readerOf{s: s}
	t, ok := r.product(n.Args[0])
	if !ok {
		return nil, did, false
	}
	out := summand{c: t.c}
	in := summand{c: one}
	for _, f := range t.f {
		if comesOut(n.Op, f.n) {
			out.f = append(out.f, f)
		} else {
			in.f = append(in.f, f)
		}
	}
	if len(in.f) == 0 || len(out.f) == 0 && out.c.Cmp(one) == 0 {
		return nil, did, false
	}
	rest := s.writeProduct(in)
	if n.Op == opSum && rest.Shape.inner() != n.Args[0].Shape.inner() {
		return nil, did, false
	}
	out.f = append(out.f, factor{s.g.raw(n.Op.Name, rest), whole1})
	by = s.writeProduct(out)
	return by, r.did, by != n && by.Shape.inner() == n.Shape.inner()
}

// comesOut reports whether factor f of its argument comes out of op, sum or mean.
func comesOut(op *Op, f *Node) bool {
	return f.Shape.IsScalar() && (op == opSum || !f.Shape.PerRow)
}

// replace puts by in place of n in all roots.
func (s *simplifier) replace(roots []*Node, n, by *Node) []*Node {
	done := &s.done
	done.clear()
	done.set(n, by)
	var rebuild func(n *Node) *Node
	rebuild = func(n *Node) *Node {
		if out, ok := done.get(n); ok {
			return out
		}
		out := n
		if n.Op != nil {
			var three [3]*Node
			args := three[:len(n.Args)]
			changed := false
			for i, a := range n.Args {
				args[i] = rebuild(a)
				changed = changed || args[i] != a
			}
			if changed {
				out = s.g.make(n.Op.Name, args...)
				s.keepName(n, out)
			}
		}
		done.set(n, out)
		return out
	}
	s.keepName(n, by)
	out := make([]*Node, len(roots))
	for i, r := range roots {
		out[i] = rebuild(r)
	}
	return out
}

// score is what running the roots costs, and how many divisions and additions they show. A sum
// 1 - sigmoid(u) does not count: it runs as sigmoid(-u).
type score struct{ cost, divisions, additions int }

func (s *simplifier) score(roots []*Node) score {
	var out score
	s.seen.clear()
	var cost func(n *Node)
	cost = func(n *Node) {
		if _, ok := s.seen.get(n); ok || n.Op == nil {
			return
		}
		s.seen.set(n, n)
		out.cost += price(n)
		for _, a := range n.Args {
			cost(a)
		}
	}
	for _, r := range roots {
		cost(s.low.lower(r))
	}
	s.seen.clear()
	var visit func(n *Node)
	visit = func(n *Node) {
		if _, ok := s.seen.get(n); ok || n.Op == nil {
			return
		}
		s.seen.set(n, n)
		switch n.Op {
		case opDiv:
			out.divisions++
		case opPow:
			if c, ok := n.Args[1].constant(); ok && c.Sign() < 0 {
				out.divisions++
			}
		case opAdd, opSub:
			if !isOneMinusSigmoid(n) {
				out.additions++
			}
		}
		for _, a := range n.Args {
			visit(a)
		}
	}
	for _, r := range roots {
		visit(r)
	}
	return out
}

func isOneMinusSigmoid(n *Node) bool {
	return n.Op == opSub && n.Args[0].isInt(1) && n.Args[1].Op == opSigmoid
}

// better reports whether a rewrite from a to b may be taken: what runs gets cheaper, and no division
// or addition is added; if a bracket was opened, fewer of them are left. Without the second half
// y*A + (1-y)*B becomes y*(A-B) + B: cheaper, and it cancels (research: without it focal, weighted
// and probit losses lose all digits).
func (a score) better(b score, opened bool) bool {
	if b.cost >= a.cost || b.divisions > a.divisions || b.additions > a.additions {
		return false
	}
	return !opened || b.divisions+b.additions < a.divisions+a.additions
}

// regions lists the nodes to search: arithmetic that is a root, has a user that is not arithmetic or
// more than one user, has a name, or is a sum inside a product. Inner ones come first.
func (s *simplifier) regions(roots []*Node) (nodes, out []*Node) {
	nodes = below(roots...)
	users := usersOf(nodes)
	isRoot := map[*Node]bool{}
	for _, r := range roots {
		isRoot[r] = true
	}
	for _, n := range nodes {
		if n.Op == nil || !isArithmetic(n.Op.Name) {
			continue
		}
		_, take := s.named[n]
		take = take || isRoot[n] || len(users[n]) > 1
		for _, u := range users[n] {
			take = take || !isArithmetic(u.Op.Name) || isSum(n) && !isSum(u)
		}
		if take {
			out = append(out, n)
		}
	}
	return nodes, out
}

func isSum(n *Node) bool { return n.Op == opAdd || n.Op == opSub }

func usersOf(nodes []*Node) map[*Node][]*Node {
	users := map[*Node][]*Node{}
	for _, n := range nodes {
		for _, a := range n.Args {
			users[a] = append(users[a], n)
		}
	}
	return users
}
