package graph

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A term is an expression as a lecturer would write it: products without stars, sums of signed
// terms, names instead of the nodes behind them. Text, LaTeX, MathML and pictures are written from
// terms, so they cannot disagree.
type term struct {
	kind termKind
	form Forms   // calls
	text string  // names and numbers
	dot  bool    // an inner product of two vectors: w · x
	args []*term // sums: each argument may be a negation
}

type termKind uint8

const (
	nameTerm termKind = iota
	numberTerm
	sumTerm      // args[0] + args[1] + …; a negated argument is subtracted
	productTerm  // args[0] args[1] …
	quotientTerm // args[0] / args[1]
	powerTerm    // args[0] ^ args[1]
	minusTerm    // -args[0]
	barsTerm     // |args[0]|
	callTerm     // form(args…)
	indexTerm    // args[0], component text
	longDotTerm  // args[0]·args[1], of text components
)

// How tightly a term holds together: sums least, names most.
func (t *term) strength() int {
	switch t.kind {
	case sumTerm, minusTerm, longDotTerm:
		return 1
	case productTerm, quotientTerm:
		return 2
	case powerTerm:
		return 3
	case callTerm:
		switch t.form.Style {
		case Total, Average, Inner, Transposed, Outer:
			return 2
		case Exponential:
			return 3
		}
	case numberTerm:
		if strings.HasPrefix(t.text, "-") {
			return 1
		}
		if strings.ContainsAny(t.text, "/e") {
			return 2
		}
	}
	return 4
}

// plain writes the term in the graph's own language: it can be parsed again.
func (t *term) plain() string {
	fence := func(u *term, least int) string {
		if u.kind != callTerm && u.kind != longDotTerm && u.strength() < least {
			return "(" + u.plain() + ")"
		}
		return u.plain()
	}
	switch t.kind {
	case nameTerm, numberTerm:
		return t.text
	case sumTerm:
		var b strings.Builder
		for i, a := range t.args {
			switch {
			case i == 0:
				b.WriteString(a.plain())
			case a.kind == minusTerm:
				b.WriteString(" - " + fence(a.args[0], 2))
			default:
				b.WriteString(" + " + fence(a, 2))
			}
		}
		return b.String()
	case productTerm:
		parts := make([]string, len(t.args))
		for i, a := range t.args {
			parts[i] = fence(a, 2)
			if i > 0 && (a.kind == productTerm || a.kind == quotientTerm) {
				parts[i] = "(" + a.plain() + ")"
			}
		}
		return strings.Join(parts, "*")
	case quotientTerm:
		return fence(t.args[0], 2) + "/" + fence(t.args[1], 3)
	case powerTerm:
		return fence(t.args[0], 4) + "^" + fence(t.args[1], 4)
	case minusTerm:
		return "-" + fence(t.args[0], 2)
	case barsTerm:
		return "abs(" + t.args[0].plain() + ")"
	case indexTerm:
		return fence(t.args[0], 4) + "[" + t.text + "]"
	}
	parts := make([]string, len(t.args))
	for i, a := range t.args {
		parts[i] = a.plain()
	}
	name := t.text
	if t.kind == longDotTerm {
		name = "dot"
	}
	return name + "(" + strings.Join(parts, ", ") + ")"
}

// A glyph tree: what stands where on the page, ready for LaTeX, MathML and SVG.
type glyph struct {
	kind glyphKind
	text string
	form Forms
	kids []*glyph
}

type glyphKind uint8

const (
	rowGlyph      glyphKind = iota
	letterGlyph             // text: a name of the graph, w1
	numberGlyph             // text
	wordGlyph               // form: log, softplus, σ
	binaryGlyph             // text: + − · with room on both sides
	signGlyph               // text: − in front
	relationGlyph           // text: =
	markGlyph               // text: , and the like
	fractionGlyph           // kids: top, bottom
	powerGlyph              // kids: base, exponent
	indexGlyph              // kids: base; text
	fenceGlyph              // kids: inside; text: both brackets, "()" or "||"
	thinGlyph               // a thin space
	sumGlyph                // text: ∑
)

func row(kids ...*glyph) *glyph { return &glyph{kind: rowGlyph, kids: kids} }

func mark(kind glyphKind, text string) *glyph { return &glyph{kind: kind, text: text} }

func fenced(g *glyph) *glyph { return &glyph{kind: fenceGlyph, text: "()", kids: []*glyph{g}} }

// glyphs lays the term out as mathematics.
func (t *term) glyphs() *glyph {
	atLeast := func(u *term, least int) *glyph {
		if u.strength() < least {
			return fenced(u.glyphs())
		}
		return u.glyphs()
	}
	switch t.kind {
	case nameTerm:
		return mark(letterGlyph, t.text)
	case numberTerm:
		return numberGlyphs(t.text)
	case sumTerm:
		r := row()
		for i, a := range t.args {
			switch {
			case i == 0:
				r.kids = append(r.kids, a.glyphs())
			case a.kind == minusTerm:
				r.kids = append(r.kids, mark(binaryGlyph, "−"), atLeast(a.args[0], 2))
			default:
				r.kids = append(r.kids, mark(binaryGlyph, "+"), atLeast(a, 2))
			}
		}
		return r
	case productTerm:
		return productGlyphs(t)
	case quotientTerm:
		return &glyph{kind: fractionGlyph, kids: []*glyph{t.args[0].glyphs(), t.args[1].glyphs()}}
	case powerTerm:
		base := atLeast(t.args[0], 4)
		if t.args[0].kind == callTerm && t.args[0].form.Style != Exponential {
			base = fenced(t.args[0].glyphs())
		}
		return &glyph{kind: powerGlyph, kids: []*glyph{base, t.args[1].glyphs()}}
	case minusTerm:
		return row(mark(signGlyph, "−"), atLeast(t.args[0], 2))
	case barsTerm:
		return &glyph{kind: fenceGlyph, text: "||", kids: []*glyph{t.args[0].glyphs()}}
	case indexTerm:
		return &glyph{kind: indexGlyph, text: t.text, kids: []*glyph{atLeast(t.args[0], 4)}}
	}
	if t.kind == longDotTerm {
		part := func(i string) *glyph {
			return product(indexed(t.args[0], i), indexed(t.args[1], i)).glyphs()
		}
		return row(part("1"), mark(binaryGlyph, "+"), mark(markGlyph, "⋯"), mark(binaryGlyph, "+"), part(t.text))
	}
	word := &glyph{kind: wordGlyph, text: t.text, form: t.form}
	switch {
	case t.form.Style == Exponential && len(t.args) == 1:
		return &glyph{kind: powerGlyph, kids: []*glyph{mark(letterGlyph, "e"), t.args[0].glyphs()}}
	case t.form.Style == Total && len(t.args) == 1:
		return row(mark(sumGlyph, "∑"), atLeast(t.args[0], 2))
	case t.form.Style == Average && len(t.args) == 1:
		return row(&glyph{kind: fractionGlyph, kids: []*glyph{mark(numberGlyph, "1"), mark(letterGlyph, "m")}},
			mark(sumGlyph, "∑"), atLeast(t.args[0], 2))
	case t.form.Style == Inner && len(t.args) == 2:
		between := mark(thinGlyph, "")
		if t.dot {
			between = mark(binaryGlyph, "·")
		}
		return row(atLeast(t.args[0], 3), between, atLeast(t.args[1], 3))
	case t.form.Style == Transposed && len(t.args) == 2:
		return row(raised(atLeast(t.args[0], 4)), mark(thinGlyph, ""), atLeast(t.args[1], 3))
	case t.form.Style == Outer && len(t.args) == 2:
		return row(atLeast(t.args[0], 3), mark(thinGlyph, ""), raised(atLeast(t.args[1], 4)))
	}
	if t.form.Style == Operator && len(t.args) == 1 && t.args[0].kind == nameTerm && len(t.args[0].text) == 1 {
		return row(word, mark(thinGlyph, ""), t.args[0].glyphs())
	}
	in := row()
	for i, a := range t.args {
		if i > 0 {
			in.kids = append(in.kids, mark(markGlyph, ","), mark(thinGlyph, ""))
		}
		in.kids = append(in.kids, a.glyphs())
	}
	if len(in.kids) == 1 {
		in = in.kids[0]
	}
	return row(word, fenced(in))
}

// raised is the transpose of g.
func raised(g *glyph) *glyph {
	return &glyph{kind: powerGlyph, kids: []*glyph{g, mark(markGlyph, "⊤")}}
}

func indexed(t *term, i string) *term {
	if t.kind == nameTerm {
		return &term{kind: nameTerm, text: t.text + i}
	}
	return &term{kind: indexTerm, text: i, args: []*term{t}}
}

func numberGlyphs(text string) *glyph {
	if s, ok := strings.CutPrefix(text, "-"); ok {
		return row(mark(signGlyph, "−"), numberGlyphs(s))
	}
	if text == "" || text[0] < '0' || text[0] > '9' {
		return mark(numberGlyph, text) // inf, undefined, ?
	}
	if top, bottom, ok := strings.Cut(text, "/"); ok {
		return &glyph{kind: fractionGlyph, kids: []*glyph{numberGlyphs(top), numberGlyphs(bottom)}}
	}
	if digits, exponent, ok := strings.Cut(text, "e"); ok && digits != "" {
		exponent = strings.TrimPrefix(exponent, "+")
		sign := ""
		if strings.HasPrefix(exponent, "-") {
			sign, exponent = "-", exponent[1:]
		}
		exponent = sign + strings.TrimLeft(exponent, "0")
		return row(mark(numberGlyph, digits), mark(binaryGlyph, "·"),
			&glyph{kind: powerGlyph, kids: []*glyph{mark(numberGlyph, "10"), numberGlyphs(exponent)}})
	}
	return mark(numberGlyph, text)
}

// productGlyphs writes w x beside one another, and a dot where that would be misread: before a
// number, after a function, beside a name of more than one letter (da · a(1 − a)).
func productGlyphs(t *term) *glyph {
	var flat []*term
	var open func(u *term)
	open = func(u *term) {
		if u.kind == productTerm {
			for _, a := range u.args {
				open(a)
			}
			return
		}
		flat = append(flat, u)
	}
	open(t)
	flat = squares(flat)
	r := row()
	for i, a := range flat {
		if i > 0 {
			b := flat[i-1]
			switch {
			case dotBetween(b, a):
				r.kids = append(r.kids, mark(binaryGlyph, "·"))
			default:
				r.kids = append(r.kids, mark(thinGlyph, ""))
			}
		}
		g := a.glyphs()
		sums := a.kind == callTerm && (a.form.Style == Total || a.form.Style == Average)
		if a.strength() < 2 || sums && i+1 < len(flat) {
			g = fenced(g)
		}
		r.kids = append(r.kids, g)
	}
	return r
}

// squares writes w w as w².
func squares(flat []*term) []*term {
	var out []*term
	for i := 0; i < len(flat); i++ {
		n := 1
		for i+n < len(flat) && flat[i].kind == nameTerm && flat[i+n].kind == nameTerm && flat[i].text == flat[i+n].text {
			n++
		}
		if n == 1 {
			out = append(out, flat[i])
			continue
		}
		out = append(out, &term{kind: powerTerm, args: []*term{flat[i], {kind: numberTerm, text: strconv.Itoa(n)}}})
		i += n - 1
	}
	return out
}

// size is the number of terms in t.
func (t *term) size() int {
	n := 1
	for _, a := range t.args {
		n += a.size()
	}
	return n
}

func dotBetween(a, b *term) bool {
	opens := func(t *term) bool { return t.strength() < 2 }
	long := func(t *term) bool {
		if t.kind == powerTerm {
			t = t.args[0]
		}
		if t.kind != nameTerm {
			return false
		}
		l := spell(t.text)
		return l.derivative || utf8.RuneCountInString(l.base) > 1
	}
	startsWithDigit := func(t *term) bool {
		for t.kind == powerTerm {
			t = t.args[0]
		}
		return t.kind == numberTerm && t.strength() == 4
	}
	switch {
	case a.kind == callTerm && !opens(b), a.kind == quotientTerm || b.kind == quotientTerm:
		return true
	case startsWithDigit(b), a.kind == numberTerm && opens(b) && b.kind == numberTerm:
		return true
	case long(a) || long(b):
		return true
	}
	return false
}

// A letter is a name as it is set in a formula: dw1 is a d, the letter w and the index 1.
type letter struct {
	derivative bool
	base       string // one letter, or a word
	index      string
}

// greek is the Greek alphabet's spelled names, as far as they differ from Latin letters.
var greek = map[string]string{
	"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
	"theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π",
	"rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
	"Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ",
	"Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}

// spell reads a name: derivatives as the lecture writes them (d in front of a letter or a letter
// with an index), trailing digits and what follows an underscore as index, Greek by name, L as ℒ.
func spell(name string) letter {
	var l letter
	l.base = name
	if i := strings.IndexByte(name, '_'); i > 0 && i < len(name)-1 {
		l.base, l.index = name[:i], name[i+1:]
	} else if cut := strings.TrimRight(name, "0123456789"); cut != "" && cut != name {
		l.base, l.index = cut, name[len(cut):]
	}
	if rest, ok := strings.CutPrefix(l.base, "d"); ok && rest != "" {
		if _, isGreek := greek[rest]; isGreek || utf8.RuneCountInString(rest) == 1 {
			l.derivative, l.base = true, rest
		}
	}
	if g, ok := greek[l.base]; ok {
		l.base = g
	}
	if l.base == "L" {
		l.base = "ℒ"
	}
	return l
}

func (l letter) word() bool { return utf8.RuneCountInString(l.base) > 1 }
