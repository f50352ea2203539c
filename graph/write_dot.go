package graph

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// WriteDOT writes the graph for Graphviz: a node for every card, an edge for every use; with the
// derivatives as dashed edges against the flow. Numbers and derivations are in the labels.
func (g *Graph) WriteDOT(w io.Writer, v View) error {
	d, err := g.diagram(v)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("digraph descent {\n\trankdir=LR;\n")
	if lines := d.stepLines(0); len(lines) > 0 {
		text := quoteDOT(strings.Join(append([]string{d.title(), ""}, lines...), "\n") + "\n")
		text = strings.ReplaceAll(text, `\n`, `\l`) // \l ends a line that is flushed left
		fmt.Fprintf(&b, "\tlabel=%s;\n\tlabelloc=b;\n\tlabeljust=l;\n\tfontname=\"monospace\";\n", text)
	} else {
		fmt.Fprintf(&b, "\tlabel=%s;\n\tlabelloc=t;\n", quoteDOT(d.title()))
	}
	b.WriteString("\tnode [shape=box, style=rounded, fontname=\"Times,serif\", color=\"#7e8084\"];\n\tedge [color=\"#9ea3ab\", arrowsize=0.7];\n")
	for i, c := range d.cards {
		style := ""
		switch {
		case c.Kind == "more" || c.again:
			style = `, style="rounded,dashed"`
		case c.Kind == "parameter":
			style = `, color="#0a7a4b", penwidth=1.6`
		case c.Kind == "derivative":
			style = `, color="#b3400a", penwidth=1.6`
		case c.Kind == "input":
			style = `, color="#c9ced6"`
		}
		fmt.Fprintf(&b, "\tn%d [label=%s%s];\n", i, quoteDOT(strings.Join(c.textLines(), "\n")), style)
	}
	links := d.links()
	back := d.flowsBack(links)
	for i, e := range links {
		fmt.Fprintf(&b, "\tn%d -> n%d;\n", e.from, e.to)
		if back[i] {
			fmt.Fprintf(&b, "\tn%d -> n%d [style=dashed, color=\"#b3400a\", constraint=false];\n", e.to, e.from)
		}
	}
	b.WriteString("}\n")
	_, err = w.Write(b.Bytes())
	return err
}

func (d *diagram) links() []link {
	var links []link
	for i, c := range d.cards {
		for _, u := range c.uses {
			links = append(links, link{u, i})
		}
	}
	return links
}

// textLines is a card in plain text, for graphs that other programs lay out.
func (c *Card) textLines() []string {
	lines := []string{c.Formula}
	lines[0] = called(lines[0], c.Label)
	for _, f := range c.Backward {
		lines = append(lines, f.Formula)
	}
	for i, r := range c.Numbers {
		var parts []string
		if r.Label != "" {
			parts = append(parts, called(r.Label, r.Meaning))
		}
		if r.Value != "" {
			parts = append(parts, r.Value)
		}
		if r.Derivative != "" {
			parts = append(parts, strings.TrimSpace(r.derivativeLabel(c, i)+" "+r.Derivative))
		}
		if r.Update != "" {
			parts = append(parts, "→ "+r.Update)
		}
		lines = append(lines, strings.Join(parts, "   "))
	}
	return lines
}

// stepLines writes derivations as aligned text; where a line would be longer than columns (0: any
// length), its rule goes below it.
func (d *diagram) stepLines(columns int) []string {
	type cell struct{ lhs, rhs, rule string }
	var cells []cell
	left, right := 0, 0
	for _, s := range d.steps {
		for i, l := range s.lines {
			c := cell{rhs: l.rhs.plain(), rule: l.rule}
			if i == 0 {
				c.lhs = s.name
			}
			left, right = max(left, utf8Len(s.name)), max(right, utf8Len(c.rhs))
			cells = append(cells, c)
		}
	}
	right = min(right, 60)
	var lines []string
	for _, c := range cells {
		line := c.lhs + strings.Repeat(" ", left-utf8Len(c.lhs)) + " = " + c.rhs
		indent := left + 3
		if columns > 0 {
			indent = min(indent, columns/3)
		}
		pad := max(0, right-utf8Len(c.rhs))
		if columns > 0 && c.rule != "" {
			pad = min(pad, columns-utf8Len(line)-3-utf8Len(c.rule))
		}
		if columns > 0 && utf8Len(line) > columns || pad < 0 {
			lines = append(lines, broken(line, columns, indent)...)
			if c.rule != "" {
				lines = append(lines, broken(strings.Repeat(" ", indent)+"("+c.rule+")", columns, indent)...)
			}
			continue
		}
		if c.rule != "" {
			line += strings.Repeat(" ", pad) + "   " + c.rule
		}
		lines = append(lines, line)
	}
	return lines
}

// quoteDOT is a DOT string; a new line is \n.
func quoteDOT(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '&':
			b.WriteString("&amp;") // DOT reads entities
		case r == '\n':
			b.WriteString(`\n`)
		case unicode.IsControl(r):
			b.WriteRune(' ')
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
