package graph

// An equationBlock is a name and the lines after its equals signs, for LaTeX and MathML.
type equationBlock struct {
	name     string
	assigned bool // the name gets a new value
	lines    []equationLine
}

type equationLine struct {
	rhs     *glyph
	text    string // rhs in the graph's language
	rule    string
	class   string // value, derivative or update: a number
	meaning string // instead of rhs: what the name stands for
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
	add := func(name, class string, rhs ...*term) {
		b := equationBlock{name: name}
		if s, ok := steps[name]; ok {
			for _, l := range s.lines {
				b.lines = append(b.lines, equationLine{rhs: l.rhs.glyphs(), text: l.rhs.plain(), rule: l.rule, class: l.class})
			}
		} else {
			for _, t := range rhs {
				if t != nil {
					b.lines = append(b.lines, equationLine{rhs: t.glyphs(), text: t.plain()})
				}
			}
		}
		_, derived := steps[name]
		if v, ok := known[name]; ok && !(derived && d.view.Substitute) {
			if t, ok := rhs[0].with(known); ok && t.kind != numberTerm {
				b.lines = append(b.lines, equationLine{rhs: t.glyphs(), text: t.plain()})
			}
			b.lines = append(b.lines, equationLine{rhs: numberGlyphs(v), text: v, class: class})
		}
		out = append(out, b)
	}
	meaning := func(name, text string) {
		if text != "" {
			out = append(out, equationBlock{name: name, lines: []equationLine{{meaning: text}}})
		}
	}
	for _, c := range d.cards {
		if c.Kind != "more" {
			meaning(c.Name, c.Label)
		}
		for _, r := range c.Numbers {
			meaning(r.Label, r.Meaning)
		}
	}
	for _, c := range d.cards {
		if c.rhs != nil {
			class := "value"
			if c.Kind == "derivative" {
				class = "derivative"
			}
			add(c.Name, class, c.rhs)
		}
	}
	// Derivatives as Derive made them; a vector's components in order.
	shown := map[string]bool{}
	for _, of := range d.order {
		for _, c := range d.cards {
			for _, b := range c.backs {
				if b.of != of {
					continue
				}
				name := b.name
				if _, whole := steps[of]; whole { // a vector, derived as a whole
					name = of
				}
				if !shown[name] {
					add(name, "derivative", b.written, b.simple)
				}
				shown[of], shown[name] = true, true
			}
		}
	}
	// Numbers that no equation has led to.
	for _, c := range d.cards {
		for i, r := range c.Numbers {
			name := r.derivativeLabel(c, i)
			if v, ok := known[name]; ok && !shown[name] {
				out = append(out, equationBlock{name: name, lines: []equationLine{{rhs: numberGlyphs(v), text: v, class: "derivative"}}})
			}
		}
	}
	for _, c := range d.cards {
		for _, r := range c.Numbers {
			name := c.Name
			if r.Label != "" {
				name = r.Label
			} else if len(c.Numbers) > 1 {
				continue
			}
			if r.Update != "" && r.Update != "?" {
				out = append(out, equationBlock{name: name, assigned: true, lines: []equationLine{{rhs: numberGlyphs(r.Update), text: r.Update, class: "update"}}})
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
