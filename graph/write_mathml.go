package graph

import (
	"bytes"
	"io"
	"strings"
)

// WriteMathML writes what WriteLaTeX writes as one MathML table, the equals signs under one another.
// Alignment is both an attribute (MathML 3) and a style (MathML Core, browsers; what stands in a cell is
// a block, which only -webkit-right moves). Cells carry the classes name, right and why for pages that
// allow no style attributes, numbers the class value, derivative or update, rules the class rule, for a
// page's colours.
func (g *Graph) WriteMathML(w io.Writer, v View) error {
	d, err := g.diagram(v)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString(`<math xmlns="http://www.w3.org/1998/Math/MathML" display="block" class="descent-math" alttext="` + escapeXML(d.title()) + `">` + "\n")
	b.WriteString(`<mtable displaystyle="true" columnalign="right left left">` + "\n")
	for _, e := range d.equations() {
		for i, l := range e.lines {
			b.WriteString(`<mtr><mtd class="name" style="text-align:right;text-align:-webkit-right;padding:.2em 0">`)
			if i == 0 {
				b.WriteString(mark(letterGlyph, e.name).one())
			}
			sign := "="
			if e.assigned {
				sign = "←"
			}
			rhs := ""
			if l.meaning != "" {
				sign, rhs = ":", "<mtext>"+escapeXML(l.meaning)+"</mtext>"
			} else {
				rhs = l.rhs.mathml()
			}
			b.WriteString(`</mtd><mtd class="` + strings.TrimSpace("right "+l.class) + `" style="text-align:left;padding:.2em 0"`)
			b.WriteString(`><mrow><mo form="infix">` + sign + `</mo>` + rhs + `</mrow></mtd><mtd class="why" style="text-align:left;padding:.2em 2em">`)
			if l.rule != "" {
				b.WriteString(`<mtext class="rule">` + escapeXML(l.rule) + "</mtext>")
			}
			b.WriteString("</mtd></mtr>\n")
		}
	}
	b.WriteString("</mtable>\n</math>\n")
	_, err = w.Write(b.Bytes())
	return err
}
