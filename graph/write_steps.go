package graph

import "strings"

// A derivation is how a definition came to its running form, line by line.
type derivation struct {
	name  string
	lines []derivationLine
}

type derivationLine struct {
	rhs  *term
	rule string // with the facts it needed, "cancel (0 < a < 1)"
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
	out := derivation{name: d.Name}
	last := ""
	add := func(n *Node, rule string, facts []string) {
		rhs := w.right(n)
		if len(facts) > 0 {
			rule += " (" + strings.Join(facts, ", ") + ")"
		}
		if text := rhs.plain(); text != last || len(out.lines) == 0 {
			out.lines = append(out.lines, derivationLine{rhs, rule})
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
		add(d.Runs, strings.Join(rules, "; "), facts)
	}
	return out
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
