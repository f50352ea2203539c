package graph

import (
	"bytes"
	"io"
)

// WriteMathML writes what WriteLaTeX writes as one MathML table, the equals signs under one another.
// Numbers carry the class value or derivative, rules the class rule, for a page's colours.
func (g *Graph) WriteMathML(w io.Writer, v View) error {
	d, err := g.diagram(v)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString(`<math xmlns="http://www.w3.org/1998/Math/MathML" display="block" class="descent-math" alttext="` + escapeXML(d.title()) + `">` + "\n")
	b.WriteString(`<mtable displaystyle="true" columnalign="right left left" columnspacing="0.2em 2em" rowspacing="0.6ex">` + "\n")
	for _, e := range d.equations() {
		for i, l := range e.lines {
			b.WriteString("<mtr><mtd>")
			if i == 0 {
				b.WriteString(mark(letterGlyph, e.name).one())
			}
			b.WriteString("</mtd><mtd")
			if l.class != "" {
				b.WriteString(` class="` + l.class + `"`)
			}
			b.WriteString(`><mrow><mo form="infix">=</mo>` + l.rhs.mathml() + "</mrow></mtd><mtd>")
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
