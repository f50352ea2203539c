package graph

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// WriteLaTeX writes the equations as an align* environment (amsmath): every definition, with
// Backward every derivative, with Steps the way from the written to the running form with its rules,
// with Values the numbers put in and the result, and the derivatives and
// next values there are.
func (g *Graph) WriteLaTeX(w io.Writer, v View) error {
	d, err := g.diagram(v)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%% %s\n\\begin{align*}\n", d.title())
	var lines []string
	for _, e := range d.equations() {
		for i, l := range e.lines {
			lhs := ""
			if i == 0 {
				lhs = mark(letterGlyph, e.name).latex() + " "
			}
			sign := "&= "
			if e.assigned {
				sign = `&\leftarrow `
			}
			if l.meaning != "" {
				lines = append(lines, lhs+`&\colon \text{`+latexText(l.meaning)+`}`)
				continue
			}
			line := lhs + sign + l.rhs.latex()
			if l.rule != "" {
				line += ` && \text{` + latexText(l.rule) + `}`
			}
			lines = append(lines, line)
		}
	}
	b.WriteString(strings.Join(lines, " \\\\\n") + "\n\\end{align*}\n")
	_, err = w.Write(b.Bytes())
	return err
}
