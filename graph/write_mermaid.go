package graph

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// WriteMermaid writes the graph as a Mermaid flowchart, as GitHub and others draw it in Markdown:
// a node for every card, an edge for every use. Where a derivative comes back, a dashed arrow stands
// beside the edge. It has a head at both ends: one that only points back would count for Mermaid's
// layers and put w behind z.
func (g *Graph) WriteMermaid(w io.Writer, v View) error {
	d, err := g.diagram(v)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%%%%{init: {\"flowchart\": {\"wrappingWidth\": 1200}}}%%%%\nflowchart LR\n\taccTitle: %s\n\taccDescr: %s\n", mermaidLine(d.title()), mermaidLine(d.words()))
	class := map[string][]string{}
	for i, c := range d.cards {
		open, shut := "(", ")"
		if c.leaf {
			open, shut = "([", "])"
		}
		fmt.Fprintf(&b, "\tn%d%s%s%s\n", i, open, quoteMermaid(strings.Join(c.textLines(), "\n")), shut)
		kind := c.Kind
		if c.again {
			kind = "more"
		}
		class[kind] = append(class[kind], fmt.Sprintf("n%d", i))
	}
	links := d.links()
	back := d.flowsBack(links)
	for i, e := range links {
		fmt.Fprintf(&b, "\tn%d --> n%d\n", e.from, e.to)
		if back[i] {
			fmt.Fprintf(&b, "\tn%d <-.-> n%d\n", e.from, e.to)
		}
	}
	if lines := d.stepLines(0); len(lines) > 0 {
		for i, l := range lines {
			lines[i] = strings.ReplaceAll(l, " ", "\u00a0")
		}
		fmt.Fprintf(&b, "\tsteps[%s]\n\tstyle steps fill:none,stroke:none,text-align:left,font-family:monospace\n", quoteMermaid(strings.Join(lines, "\n")))
	}
	for _, k := range []struct{ kind, style string }{
		{"parameter", "stroke:#0a7a4b,stroke-width:2px"},
		{"derivative", "stroke:#b3400a,stroke-width:2px"},
		{"more", "stroke-dasharray:4 3"},
	} {
		if len(class[k.kind]) > 0 {
			fmt.Fprintf(&b, "\tclassDef %s %s\n\tclass %s %s\n", k.kind, k.style, strings.Join(class[k.kind], ","), k.kind)
		}
	}
	_, err = w.Write(b.Bytes())
	return err
}

// quoteMermaid is a quoted label. Mermaid reads labels as Markdown with entities written #name; or
// #number;, so whatever means something in either is written as a number.
func quoteMermaid(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString("<br/>")
		case strings.ContainsRune("\"#&<>`\\*_~;", r):
			fmt.Fprintf(&b, "#%d;", r)
		case unicode.IsControl(r):
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// mermaidLine is text to the end of a line, without what Mermaid or HTML would read as something else.
func mermaidLine(s string) string {
	return strings.NewReplacer("<", "‹", ">", "›", `"`, "'", "#", " ", ";", ",", "{", "(", "}", ")", "%", " ").Replace(s)
}
