package graph

import (
	"sort"
	"strings"
)

// A state is a sum the search has come to by opening letters one after the other.
type state struct {
	ts     []summand // merged
	raw    []summand // before equal products were added
	parent *state
	opened *Node // the letter opened last; nil at the start
	rule   *compiled
	did    notes
	depth  int
}

// search looks for a cheaper way to write the arithmetic at n. It returns what takes n's place, with
// its steps recorded and proved.
func (s *simplifier) search(n *Node, roots, nodes []*Node) (*Node, bool) {
	if !s.spend(len(nodes)) {
		return nil, false
	}
	base := s.score(roots)
	best := base
	var bestForm form
	var bestState *state
	scores := map[*Node]score{} // what was opened in another order often comes to the same
	tried := 0
	s.candidates(n, s.locks(n, roots, nodes), func(st *state, f form) bool {
		if tried++; tried > maxCandidates || !s.spend(len(nodes)) {
			return false
		}
		if f.n == n || f.n.Shape.inner() != n.Shape.inner() {
			return true
		}
		c, ok := scores[f.n]
		if !ok {
			c = s.score(s.tryReplace(roots, n, f.n))
			scores[f.n] = c
		}
		if base.better(c, st.depth > 0) && c.cost < best.cost {
			best, bestForm, bestState = c, f, st
		}
		return true
	})
	if bestState == nil {
		return nil, false
	}
	steps, ok := s.explain(n, bestState, bestForm)
	if !ok {
		return nil, false
	}
	s.steps = append(s.steps, steps...)
	return bestForm.n, true
}

// An expansion is all that was tried for a region: which forms there are depends on the region and on
// which sums in it stay letters, not on what surrounds it.
type expansion struct {
	locks  map[*Node]bool // every question, and the answer
	states []*state
	forms  [][]form // by state
}

// candidates calls try for every form of the arithmetic at n, those that need few brackets opened
// first, until it returns false. What was written down for the same region before is read again.
func (s *simplifier) candidates(n *Node, locked func(*Node) bool, try func(*state, form) bool) {
	for _, x := range s.tried[n] {
		same := true
		for m, was := range x.locks {
			if same = locked(m) == was; !same {
				break
			}
		}
		if same {
			for i, st := range x.states {
				for _, f := range x.forms[i] {
					if !try(st, f) {
						return
					}
				}
			}
			return
		}
	}
	x := &expansion{locks: map[*Node]bool{}}
	s.expand(n, x, locked, try)
	s.tried[n] = append(s.tried[n], x)
}

// expand opens letter after letter and tries what it comes to. Where try ends it, it would do so again:
// after maxCandidates, or with the budget.
func (s *simplifier) expand(n *Node, x *expansion, locked func(*Node) bool, try func(*state, form) bool) {
	ask := func(m *Node) bool {
		is, known := x.locks[m]
		if !known {
			is = locked(m)
			x.locks[m] = is
		}
		return is
	}
	first := &state{}
	r := &readerOf{s: s, locked: ask}
	if !r.sum(n, 1, true, &first.raw) || len(first.raw) > maxSummands {
		return
	}
	first.did = r.did
	first.raw = ordered(first.raw)
	first.ts = s.collected(first.raw)
	seen := map[string]bool{keyOf(first.ts): true}
	queue := []*state{first}
	for ; len(queue) > 0; queue = queue[1:] {
		st := queue[0]
		forms := s.forms(st.ts, n)
		x.states, x.forms = append(x.states, st), append(x.forms, forms)
		for _, f := range forms {
			if !try(st, f) {
				return
			}
		}
		if st.depth == maxDepth || !s.may["distribute"] {
			continue
		}
		for _, l := range s.openable(st.ts, ask) {
			next, ok := s.open(st, l, ask)
			if !ok {
				continue
			}
			if k := keyOf(next.ts); !seen[k] {
				seen[k] = true
				queue = append(queue, next)
			}
		}
	}
}

// tryReplace is replace without remembering names.
func (s *simplifier) tryReplace(roots []*Node, n, by *Node) []*Node {
	keep := s.named
	s.named = nil
	out := s.replace(roots, n, by)
	s.named = keep
	return out
}

// locks says which sums in the region of n stay letters: those that have a name in the equations, or
// a user outside the region, so that opening them would not do away with them.
func (s *simplifier) locks(n *Node, roots, nodes []*Node) func(*Node) bool {
	inside := map[*Node]bool{}
	var visit func(m *Node)
	visit = func(m *Node) {
		if inside[m] || m.Op == nil || !isArithmetic(m.Op.Name) {
			return
		}
		inside[m] = true
		for _, a := range m.Args {
			visit(a)
		}
	}
	visit(n)
	outside := map[*Node]bool{}
	for _, u := range nodes {
		if !inside[u] {
			for _, a := range u.Args {
				outside[a] = true
			}
		}
	}
	for _, r := range roots {
		if r != n {
			outside[r] = true
		}
	}
	return func(m *Node) bool {
		_, named := s.named[m]
		return named || outside[m]
	}
}

// openable lists the letters that can be opened, the outermost first.
func (s *simplifier) openable(ts []summand, locked func(*Node) bool) []*Node {
	var out []*Node
	seen := map[*Node]bool{}
	for _, t := range ts {
		for _, f := range t.f {
			if seen[f.n] || !opensPower(f) {
				continue
			}
			seen[f.n] = true
			if isSum(f.n) && !locked(f.n) || s.opening(f.n) != nil {
				out = append(out, f.n)
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].ID > out[j].ID })
	return out
}

func opensPower(f factor) bool {
	return f.e.p > 0 && f.e.whole() && f.e.p <= maxOpenPower
}

// opening is the rule that opens letter n, if there is one.
func (s *simplifier) opening(n *Node) *compiled {
	if n.Op == nil {
		return nil
	}
	rules := s.opens[n.Op.Name]
	for i := range rules {
		if bound, ok := rules[i].before.Match(n); ok {
			if _, ok := s.g.holds(rules[i].If, bound); ok {
				return &rules[i]
			}
		}
	}
	return nil
}

// open multiplies letter l out wherever it is a factor.
func (s *simplifier) open(st *state, l *Node, locked func(*Node) bool) (*state, bool) {
	next := &state{parent: st, opened: l, depth: st.depth + 1}
	r := &readerOf{s: s, locked: locked}
	n := l
	if !isSum(l) {
		next.rule = s.opening(l)
		bound, _ := next.rule.before.Match(l)
		n = s.g.fillIn(next.rule.after, bound)
		if n.Shape.inner() != l.Shape.inner() {
			return nil, false
		}
	}
	var inner []summand
	if !r.sum(n, 1, true, &inner) {
		return nil, false
	}
	for _, t := range st.ts {
		parts := []summand{{c: t.c}}
		power := int64(0)
		for _, f := range t.f {
			if f.n == l && opensPower(f) {
				power = f.e.p
			} else {
				parts[0].f = append(parts[0].f, f)
			}
		}
		for range power {
			var more []summand
			for _, p := range parts {
				for _, i := range inner {
					m, ok := r.times(p, i)
					if !ok || len(more) > maxSummands {
						return nil, false
					}
					more = append(more, m)
				}
			}
			parts = more
		}
		if next.raw = append(next.raw, parts...); len(next.raw) > maxSummands {
			return nil, false
		}
	}
	next.did = r.did
	next.raw = ordered(next.raw)
	next.ts = s.collected(next.raw)
	return next, true
}

// explain turns the way to a state into steps, and proves each.
func (s *simplifier) explain(n *Node, last *state, f form) ([]Step, bool) {
	var path []*state
	for st := last; st != nil; st = st.parent {
		path = append([]*state{st}, path...)
	}
	names := s.g.equationNames(len(s.g.Defs), true)
	delete(names, n)
	var steps []Step
	at := n
	add := func(rule string, to *Node, facts []string, r *Rule) {
		if to != at {
			steps = append(steps, Step{Rule: rule, Before: at, After: to, Facts: facts, rule: r})
			at = to
		}
	}
	for _, st := range path {
		var rules []string
		var opens *Rule
		switch {
		case st.rule != nil:
			rules = append(rules, st.rule.Name)
			opens = st.rule.Rule
		case st.opened != nil:
			name, ok := names[st.opened]
			if !ok {
				name = st.opened.Text(names)
			}
			rules = append(rules, "distribute "+name)
		}
		rules = append(rules, st.did.rules...)
		if len(st.raw) != len(st.ts) {
			if len(rules) > 0 {
				add(strings.Join(rules, "; "), s.writeSum(st.raw, n), st.did.facts, opens)
			}
			add("collect", s.writeSum(st.ts, n), nil, nil)
		} else if len(rules) > 0 {
			add(strings.Join(rules, "; "), s.writeSum(st.ts, n), st.did.facts, opens)
		}
	}
	switch {
	case f.factor != nil:
		name, ok := names[f.factor]
		if !ok {
			name = f.factor.Text(names)
		}
		add("factor "+name, f.n, nil, nil)
	case n.Op == opNeg:
		add("flip", f.n, nil, nil)
	default:
		add("arrange", f.n, nil, nil)
	}
	for _, t := range steps {
		if s.g.prove(t.Before, t.After, 1) != nil {
			return nil, false
		}
	}
	return steps, true
}
