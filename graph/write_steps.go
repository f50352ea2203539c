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
	for _, s := range d.Why {
		if s.Before == now {
			now = s.After
		} else {
			now = m.g.Replace(now, map[*Node]*Node{s.Before: s.After})
		}
		add(now, s.Rule, s.Facts)
	}
	if d.Runs != nil && d.Runs != now {
		add(d.Runs, "", nil)
	}
	return out
}

// right is the right-hand side for a node that may be a name's.
func (w *notation) right(n *Node) *term {
	w.size = 0
	if name, ok := w.names[n]; ok {
		return &term{kind: nameTerm, text: name}
	}
	return w.body(n)
}
