package graph

import (
	"strings"
	"unicode"
)

// latex writes the glyphs as LaTeX for math mode. It needs amsmath for \operatorname and \text.
func (g *glyph) latex() string {
	var b strings.Builder
	g.writeLaTeX(&b)
	return strings.TrimSpace(b.String())
}

func (g *glyph) writeLaTeX(b *strings.Builder) {
	switch g.kind {
	case rowGlyph:
		for _, k := range g.kids {
			k.writeLaTeX(b)
		}
	case letterGlyph:
		b.WriteString(spell(g.text).latex())
	case numberGlyph:
		b.WriteString(latexNumber(g.text))
	case wordGlyph:
		b.WriteString(g.form.latexWord(g.text))
	case binaryGlyph:
		b.WriteString(map[string]string{"+": " + ", "−": " - ", "·": ` \cdot `}[g.text])
	case signGlyph:
		b.WriteString("-")
	case relationGlyph:
		b.WriteString(" " + map[string]string{"=": "=", "←": `\leftarrow`}[g.text] + " ")
	case markGlyph:
		switch g.text {
		case "⋯":
			b.WriteString(`\cdots`)
		case "⊤":
			b.WriteString(`\top`)
		default:
			b.WriteString(g.text)
		}
	case sumGlyph:
		b.WriteString(`\sum `)
	case fractionGlyph:
		b.WriteString(`\frac{` + g.kids[0].latex() + `}{` + g.kids[1].latex() + `}`)
	case powerGlyph:
		base := g.kids[0]
		if base.kind == letterGlyph || base.kind == numberGlyph || base.kind == fenceGlyph {
			base.writeLaTeX(b)
		} else {
			b.WriteString("{" + base.latex() + "}")
		}
		b.WriteString("^{" + g.kids[1].latex() + "}")
	case indexGlyph:
		b.WriteString("{" + g.kids[0].latex() + "}_{" + g.text + "}")
	case fenceGlyph:
		open, shut := "(", ")"
		if g.text == "||" {
			open, shut = `\lvert `, ` \rvert`
		}
		if g.tall() {
			open, shut = `\left`+open, `\right`+shut
			if g.text == "||" {
				open, shut = `\left\lvert `, ` \right\rvert`
			}
		}
		b.WriteString(open + g.kids[0].latex() + shut)
	case thinGlyph:
		b.WriteString(` `)
	}
}

// tall reports whether something inside needs taller brackets.
func (g *glyph) tall() bool {
	if g.kind == fractionGlyph || g.kind == sumGlyph {
		return true
	}
	for _, k := range g.kids {
		if k.tall() {
			return true
		}
	}
	return false
}

func (f Forms) latexWord(name string) string {
	if f.LaTeX != "" {
		return f.LaTeX
	}
	if f.Symbol != "" {
		name = f.Symbol
	}
	return `\operatorname{` + latexText(name) + `}`
}

func (f Forms) symbol(name string) string {
	if f.Symbol != "" {
		return f.Symbol
	}
	return name
}

func (l letter) latex() string {
	base := ""
	switch {
	case l.base == "ℒ":
		base = `\mathcal{L}`
	case greekLaTeX[l.base] != "":
		base = greekLaTeX[l.base]
	case l.word():
		base = `\mathrm{` + latexText(l.base) + `}`
	case len(l.base) == 1 && l.base != "_":
		base = l.base
	default:
		base = `\text{` + latexText(l.base) + `}`
	}
	if l.derivative {
		if strings.HasPrefix(base, `\`) {
			base = `\,` + base
		}
		base = "d" + strings.TrimPrefix(base, `\,`)
		if strings.HasPrefix(base, `d\`) {
			base = `d` + base[1:]
		}
	}
	switch {
	case l.index == "":
	case len(l.index) == 1 && l.index != "_":
		base += "_" + l.index
	default:
		base += "_{" + latexText(l.index) + "}"
	}
	return base
}

// greekLaTeX: the commands of the Greek letters, from their spelled names.
var greekLaTeX = func() map[string]string {
	m := map[string]string{"ℒ": `\mathcal{L}`}
	for name, g := range greek {
		m[g] = `\` + name
	}
	return m
}()

func latexNumber(s string) string {
	switch s {
	case "inf":
		return `\infty`
	case "undefined":
		return `\text{undefined}`
	case "?":
		return "?"
	}
	return s
}

// latexText makes any text safe inside \text{} and \mathrm{}.
func latexText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune(`#$%&_{}`, r):
			b.WriteString(`\` + string(r))
		case r == '\\':
			b.WriteString(`\textbackslash{}`)
		case r == '^':
			b.WriteString(`\textasciicircum{}`)
		case r == '~':
			b.WriteString(`\textasciitilde{}`)
		case r == '<' || r == '>':
			b.WriteString(`$` + string(r) + `$`)
		case unicode.IsControl(r):
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
