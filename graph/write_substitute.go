package graph

import (
	"math"
	"strconv"
	"strings"
)

// A substitution knows the numbers of names, six digits each; of a short vector as [0.5, -0.3].
type substitution struct{ known map[string]string }

// sixDigits writes a number as number does, with six digits.
func sixDigits(f float64) string {
	if f == 0 || f-f != 0 {
		return number(f)
	}
	s := strconv.FormatFloat(f, 'g', 6, 64)
	if a := math.Abs(f); a >= 1e6 && a < 1e7 && f == math.Trunc(f) {
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	return s
}

// most is how many components of a vector are known by a name of their own.
const most = 1 << 16

func (m *diagrammer) substitution() *substitution {
	s := &substitution{known: map[string]string{}}
	shape := map[string]Shape{}
	for name, n := range m.g.named {
		shape[name] = n.Shape
	}
	for _, numbers := range []map[string][]float64{m.v.Values, m.v.Derivatives} {
		for name, v := range numbers {
			form, ok := shape[name]
			if !ok || form.IsScalar() {
				s.known[name] = sixDigits(v[0])
				continue
			}
			for j := 0; j < len(v) && len(v) <= most; j++ {
				s.known[componentName(name, form, j)] = sixDigits(v[j])
			}
			if form.IsVector() && len(v) <= fewComponents {
				s.known[name] = list(v)
			} else if form.IsMatrix() && form.Rows <= fewComponents && form.Cols <= fewComponents {
				var rows []string
				for r := range form.Rows {
					rows = append(rows, list(v[r*form.Cols:(r+1)*form.Cols]))
				}
				s.known[name] = "[" + strings.Join(rows, ", ") + "]"
			}
		}
	}
	return s
}

func list(v []float64) string {
	parts := make([]string, len(v))
	for j, f := range v {
		parts[j] = sixDigits(f)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// put writes a term with numbers in the place of names; not if one is missing.
func (s *substitution) put(t *term) (*term, bool) {
	switch t.kind {
	case nameTerm:
		v, ok := s.known[t.text]
		return &term{kind: numberTerm, text: v}, ok
	case numberTerm:
		return t, true
	case longDotTerm:
		return s.longDot(t)
	case indexTerm:
		return nil, false
	case callTerm:
		if t.form.Style == Average {
			return nil, false
		}
	}
	u := *t
	u.args = make([]*term, len(t.args))
	for i, a := range t.args {
		b, ok := s.put(a)
		if !ok {
			return nil, false
		}
		u.args[i] = b
	}
	return &u, true
}

// longDot writes the first products and the last of a long dot product.
func (s *substitution) longDot(t *term) (*term, bool) {
	size, err := strconv.Atoi(t.text)
	u, v := t.args[0], t.args[1]
	if err != nil || u.kind != nameTerm || v.kind != nameTerm {
		return nil, false
	}
	sum := &term{kind: sumTerm}
	for j := range size {
		if j >= largestFew && j < size-1 {
			if j == largestFew {
				sum.args = append(sum.args, &term{kind: nameTerm, text: "…"})
			}
			continue
		}
		a, ok := s.known[componentName(u.text, Vector(size), j)]
		b, too := s.known[componentName(v.text, Vector(size), j)]
		if !ok || !too {
			return nil, false
		}
		sum.args = append(sum.args, product(&term{kind: numberTerm, text: a}, &term{kind: numberTerm, text: b}))
	}
	return sum, true
}

// substitute adds numbers to every derivation: to what the chain rule gave, to what it became, and the result. Where what was written is not finite, or too
// inexact, in float64, that is said in their place.
func (m *diagrammer) substitute() {
	s := m.substitution()
	for i := range m.d.steps {
		d := &m.d.steps[i]
		result, ok := s.known[d.name]
		if !ok || len(d.lines) == 0 {
			continue
		}
		class, rule := "value", "in numbers"
		if def, ok := m.g.Def(d.name); !ok || def.Of != "" {
			class = "derivative"
		}
		first, last := d.lines[0], d.lines[len(d.lines)-1]
		text := first.rhs.plain()
		add := func(t *term, rule, class string) {
			if now := t.plain(); now != text || class != "" && len(d.lines) == 1 {
				d.lines = append(d.lines, derivationLine{rhs: t, rule: rule, class: class})
				text = now
			}
		}
		text = last.rhs.plain()
		if len(d.lines) > 1 {
			if !m.holds(d.name) {
				rule = "in numbers; the first line has none that is finite and exact here"
			} else if t, ok := s.put(first.rhs); ok {
				add(t, "the first line in numbers", "")
			}
		}
		if t, ok := s.put(last.rhs); ok {
			add(t, rule, "")
		}
		add(&term{kind: numberTerm, text: result}, "", class)
	}
}

// holds says whether the written form of a definition has the value that is shown, to six digits.
func (m *diagrammer) holds(name string) bool {
	d, ok := m.g.Def(name)
	if !ok {
		return true // a component of a vector, with one line
	}
	shown, ok := m.v.Values[name]
	if !ok {
		shown = m.v.Derivatives[name]
	}
	out, err := Eval(Values{Rows: 1, Of: m.v.Values}, d.Written)
	if err != nil || len(shown) == 0 {
		return true
	}
	for i, v := range shown {
		w := out[0][i%len(out[0])]
		if !(math.Abs(v-w) <= 5e-7*math.Abs(v)) && v != w {
			return false
		}
	}
	return true
}
