package graph

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// mathml writes the glyphs as the inside of a MathML row. Brackets say what they are and do not
// stretch unless something tall is inside: browsers guess both wrongly in the middle of a row.
func (g *glyph) mathml() string {
	var b strings.Builder
	g.writeMathML(&b)
	return b.String()
}

func (g *glyph) one() string {
	if g.kind == rowGlyph && len(g.kids) != 1 || g.kind == fenceGlyph || g.kind == relationGlyph {
		return "<mrow>" + g.mathml() + "</mrow>"
	}
	return g.mathml()
}

func (g *glyph) writeMathML(b *strings.Builder) {
	switch g.kind {
	case rowGlyph:
		for _, k := range g.kids {
			k.writeMathML(b)
		}
	case letterGlyph:
		b.WriteString(spell(g.text).mathml())
	case numberGlyph:
		switch g.text {
		case "undefined":
			b.WriteString("<mtext>undefined</mtext>")
		case "inf":
			b.WriteString("<mi>∞</mi>")
		default:
			b.WriteString("<mn>" + escapeXML(g.text) + "</mn>")
		}
	case wordGlyph:
		b.WriteString("<mi>" + escapeXML(g.form.symbol(g.text)) + "</mi>")
		if utf8.RuneCountInString(g.form.symbol(g.text)) > 1 {
			b.WriteString("<mo>&#x2061;</mo>") // function application
		}
	case binaryGlyph:
		b.WriteString(`<mo form="infix">` + g.text + "</mo>")
	case signGlyph:
		b.WriteString(`<mo form="prefix">` + g.text + "</mo>")
	case relationGlyph:
		b.WriteString("<mo>" + g.text + "</mo>")
	case markGlyph:
		if g.text == "," {
			b.WriteString(`<mo separator="true">,</mo>`)
		} else {
			b.WriteString("<mo>" + g.text + "</mo>")
		}
	case sumGlyph:
		b.WriteString(`<mo largeop="false" form="prefix">∑</mo>`)
	case fractionGlyph:
		b.WriteString("<mfrac>" + g.kids[0].one() + g.kids[1].one() + "</mfrac>")
	case powerGlyph:
		b.WriteString("<msup>" + g.kids[0].one() + g.kids[1].one() + "</msup>")
	case indexGlyph:
		b.WriteString("<msub>" + g.kids[0].one() + "<mn>" + escapeXML(g.text) + "</mn></msub>")
	case fenceGlyph:
		open, shut := "(", ")"
		if g.text == "||" {
			open, shut = "|", "|"
		}
		stretchy := `stretchy="false"`
		if g.tall() {
			stretchy = `stretchy="true"`
		}
		b.WriteString(`<mo fence="true" form="prefix" ` + stretchy + `>` + open + `</mo>`)
		g.kids[0].writeMathML(b)
		b.WriteString(`<mo fence="true" form="postfix" ` + stretchy + `>` + shut + `</mo>`)
	case thinGlyph:
		b.WriteString(`<mspace width="0.1em"/>`)
	}
}

func (l letter) mathml() string {
	base := "<mi>" + escapeXML(l.base) + "</mi>"
	if l.derivative { // one name; those of several letters are upright unless told otherwise
		base = `<mi style="font-style:italic">d` + escapeXML(l.base) + "</mi>"
	}
	if l.index != "" {
		tag := "mi"
		if strings.Trim(l.index, "0123456789,") == "" {
			tag = "mn"
		}
		base = "<msub>" + base + "<" + tag + ">" + escapeXML(l.index) + "</" + tag + "></msub>"
	}
	return base
}

// escapeXML makes any text safe in XML elements and in attributes with double quotes. Characters
// that XML 1.0 cannot hold at all become U+FFFD.
func escapeXML(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r == '\'':
			b.WriteString("&#39;")
		case r == '\t' || r == '\n':
			b.WriteRune(' ')
		case unicode.IsControl(r), r == 0xFFFE, r == 0xFFFF:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
