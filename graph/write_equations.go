package graph

// An equationBlock is a name and the lines after its equals signs, for LaTeX and MathML.
type equationBlock struct {
	name  string
	lines []equationLine
}

type equationLine struct {
	rhs   *glyph
	rule  string
	class string // value or derivative: a number
}

// equations lists what the view shows as equations: definitions in order, then derivatives; with
// Steps the derivations in their place.
func (d *diagram) equations() []equationBlock {
	var out []equationBlock
	known := map[string]string{} // numbers by name
	note := func(name, text string) {
		if text != "" && text != "?" {
			known[name] = text
		}
	}
	for _, c := range d.cards {
		for i, r := range c.Numbers {
			name := c.Name
			if r.Label != "" {
				name = r.Label
			} else if len(c.Numbers) > 1 {
				continue
			}
			note(name, r.Value)
			if label := r.derivativeLabel(c, i); label != "" {
				note(label, r.Derivative)
			} else if c.Kind == "derivative" {
				note(c.Name, r.Derivative)
			}
		}
	}
	steps := map[string]derivation{}
	for _, s := range d.steps {
		steps[s.name] = s
	}
	add := func(name, of, class string, rhs ...*term) {
		b := equationBlock{name: name}
		if s, ok := steps[name]; ok {
			for _, l := range s.lines {
				b.lines = append(b.lines, equationLine{rhs: l.rhs.glyphs(), rule: l.rule})
			}
		} else {
			for _, t := range rhs {
				if t != nil {
					b.lines = append(b.lines, equationLine{rhs: t.glyphs()})
				}
			}
		}
		if v, ok := known[name]; ok {
			if t, ok := rhs[0].with(known); ok && t.kind != numberTerm {
				b.lines = append(b.lines, equationLine{rhs: t.glyphs()})
			}
			b.lines = append(b.lines, equationLine{rhs: numberGlyphs(v), class: class})
		}
		out = append(out, b)
	}
	for _, c := range d.cards {
		if c.rhs != nil {
			class := "value"
			if c.Kind == "derivative" {
				class = "derivative"
			}
			add(c.Name, c.Name, class, c.rhs)
		}
	}
	// Derivatives run from the last card back to the first; a vector's components in order.
	done := map[string]bool{}
	for i := len(d.cards) - 1; i >= 0; i-- {
		for _, b := range d.cards[i].backs {
			if done[b.of] {
				continue
			}
			done[b.of] = true
			if s, ok := steps[b.of]; ok && s.name != b.name { // a vector: its derivation, then components
				add(b.of, b.of, "derivative", b.written)
			}
			for _, c := range d.cards {
				for _, e := range c.backs {
					if e.of == b.of {
						add(e.name, e.of, "derivative", e.written, e.simple)
					}
				}
			}
		}
	}
	return out
}

// with puts numbers in place of names; not if one is missing or there are none.
func (t *term) with(known map[string]string) (*term, bool) {
	switch t.kind {
	case nameTerm:
		v, ok := known[t.text]
		return &term{kind: numberTerm, text: v}, ok
	case numberTerm:
		return t, true
	case longDotTerm, indexTerm:
		return nil, false
	case callTerm:
		switch t.form.Style {
		case Average, Inner, Transposed, Outer: // over rows, or over components
			return nil, false
		}
	}
	u := *t
	u.args = make([]*term, len(t.args))
	for i, a := range t.args {
		b, ok := a.with(known)
		if !ok {
			return nil, false
		}
		u.args[i] = b
	}
	return &u, true
}
