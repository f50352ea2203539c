package graph

import (
	"sort"
	"strings"
)

// A derivation is how a definition came to its running form, line by line.
type derivation struct {
	name  string
	size  int // components
	lines []derivationLine
}

type derivationLine struct {
	rhs   *term
	rule  string // with the facts it needed, "cancel (0 < a < 1)"
	class string // value, derivative: the result
}

// derivations writes every shown definition from its written form to the one that runs. Equal lines
// are written once, their rules together.
func (m *diagrammer) derivations() []derivation {
	var all []derivation
	names := map[*Node]string{}
	late := map[*Node]string{} // names of running forms, used where nothing is written so
	for i := range m.g.Defs {
		d := &m.g.Defs[i]
		if !m.showsSteps(d) {
			continue
		}
		w := &notation{names: map[*Node]string{}}
		for n, s := range late {
			w.names[n] = s
		}
		for n, s := range names {
			w.names[n] = s
		}
		for n, s := range m.aliased(d.Written) {
			w.names[n] = s
		}
		all = append(all, m.derivation(d, w))
		if _, taken := names[d.Written]; !taken && d.Written.Op != nil {
			names[d.Written] = d.Name
		}
		if _, taken := late[d.Runs]; !taken && d.Runs != nil && d.Runs.Op != nil {
			late[d.Runs] = d.Name
		}
	}
	return all
}

// aliased are the names z of z = b for b, where what is written uses b by that name only: then its
// simplified forms, in which z is b, are written with z.
func (m *diagrammer) aliased(written *Node) map[*Node]string {
	nodes := below(written)
	users := usersOf(nodes)
	names := map[*Node]string{}
	for _, d := range m.g.Defs {
		if d.Written == written || d.Written.Op != opAlias || len(users[d.Written]) == 0 {
			continue
		}
		n := d.Written
		for n.Op == opAlias && len(users[n.Args[0]]) == 1 {
			n = n.Args[0]
		}
		if _, constant := n.constant(); n.Op != opAlias && !constant {
			names[n] = d.Name
		}
	}
	return names
}

func (m *diagrammer) showsSteps(d *Def) bool {
	if d.Of != "" {
		_, ok := m.derived[d.Of]
		return ok
	}
	for _, s := range m.defs {
		if s.name == d.Name {
			return true
		}
	}
	return false
}

func (m *diagrammer) derivation(d *Def, w *notation) derivation {
	out := derivation{name: d.Name, size: d.Written.Shape.Size()}
	last := ""
	add := func(n *Node, rule string, facts []string) {
		rhs := w.right(n)
		if len(facts) > 0 {
			rule += " (" + strings.Join(facts, ", ") + ")"
		}
		if text := rhs.plain(); text != last || len(out.lines) == 0 {
			out.lines = append(out.lines, derivationLine{rhs: rhs, rule: rule})
			last = text
			return
		}
		if l := &out.lines[len(out.lines)-1]; rule != "" {
			l.rule = strings.TrimPrefix(l.rule+"; "+rule, "; ")
		}
	}
	first := ""
	if d.Of != "" {
		first = "chain rule"
	}
	add(d.Written, first, nil)
	now := d.Written
	rules, facts := []string(nil), []string(nil) // of steps that cannot be seen in the whole
	for _, s := range d.Why {
		next, ok := m.apply(now, s, w)
		if !ok {
			rules, facts = append(rules, s.Rule), append(facts, s.Facts...)
			continue
		}
		now = next
		rule := s.Rule
		if _, known := m.g.Def(rule); known { // an earlier derivative was put in
			if w.right(now).plain() == last {
				continue
			}
			rule = "with " + rule
		}
		add(now, strings.Join(append(rules, rule), "; "), append(facts, s.Facts...))
		rules, facts = nil, nil
	}
	if d.Runs != nil && (d.Runs != now || len(rules) > 0) {
		rule := strings.Join(rules, "; ")
		if rule == "" && w.right(d.Runs).plain() != last {
			rule = silent(last, w.right(d.Runs).plain())
		}
		add(d.Runs, rule, facts)
	}
	return out
}

// silent names what one does on a blackboard without a word (see Graph.make).
func silent(before, after string) string {
	letters := func(s string) string {
		all := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("+-*/^(), ", r) })
		sort.Strings(all)
		return strings.Join(all, " ")
	}
	if letters(before) == letters(after) {
		return "reorder"
	}
	return "arithmetic"
}

// stepsByComponent writes the derivation of a vector that takes no steps as its components, dw1 = dz*x1,
// where all of them have cards.
func (d *diagram) stepsByComponent() {
	var all []derivation
	for _, s := range d.steps {
		parts := []derivation(nil)
		for _, c := range d.cards {
			for _, b := range c.backs {
				if b.of == s.name && b.name != s.name && len(s.lines) == 1 {
					parts = append(parts, derivation{name: b.name, lines: []derivationLine{{rhs: b.written, rule: s.lines[0].rule}}})
				}
			}
		}
		if len(parts) == 0 || len(parts) != s.size {
			parts = []derivation{s}
		}
		all = append(all, parts...)
	}
	d.steps = all
}

// apply does one step within the whole right-hand side. Between steps the simplifier does silently
// what one does on a blackboard (see Graph.make), so that is tried, too; and a form that is written
// the same counts as the same.
func (m *diagrammer) apply(now *Node, s Step, w *notation) (*Node, bool) {
	if w.right(now).plain() == w.right(s.Before).plain() {
		return s.After, true
	}
	for _, whole := range []*Node{now, m.remake(now, nil)} {
		for _, n := range below(whole) {
			if n == s.Before {
				return m.remake(whole, map[*Node]*Node{s.Before: s.After}), true
			}
		}
	}
	return nil, false
}

// remake rebuilds a node with blackboard arithmetic, after replacing.
func (m *diagrammer) remake(root *Node, with map[*Node]*Node) *Node {
	done := map[*Node]*Node{}
	for n, by := range with {
		done[n] = by
	}
	for _, n := range below(root) {
		if _, ok := done[n]; ok || n.Op == nil {
			continue
		}
		args := make([]*Node, len(n.Args))
		for i, a := range n.Args {
			args[i] = a
			if by, ok := done[a]; ok {
				args[i] = by
			}
		}
		done[n] = m.g.make(n.Op.Name, args...)
	}
	if by, ok := done[root]; ok {
		return by
	}
	return root
}

// right is the right-hand side for a node that may be a name's.
func (w *notation) right(n *Node) *term {
	w.size = 0
	if name, ok := w.names[n]; ok {
		return &term{kind: nameTerm, text: name}
	}
	return w.body(n)
}
