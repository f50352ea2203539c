package graph

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteSVG draws the graph as a picture that needs nothing else: cards from left to right, values
// blue on the left, derivatives orange with their name and a dashed arrow, updates green after an
// arrow; light or dark as the viewer asks. The same graph and view give the same bytes. It fails as
// Layout does, or when w does.
func (g *Graph) WriteSVG(w io.Writer, v View) error {
	d, err := g.diagram(v)
	if err != nil {
		return err
	}
	if len(d.cards) > maxCards {
		return errTooMany(len(d.cards))
	}
	_, s := d.layout()
	var b bytes.Buffer
	s.write(&b)
	_, err = w.Write(b.Bytes())
	return err
}

// colours: class, property, light, dark.
var colours = [][4]string{
	{".paper", "fill", "#ffffff", "#181d25"},
	{".ink", "fill", "#14181f", "#e9edf3"},
	{".quiet", "fill", "#5b6470", "#a3abb8"},
	{".value", "fill", "#0b62c4", "#6fb4ff"},
	{".derivative", "fill", "#b3400a", "#ffa468"},
	{".update", "fill", "#0a7a4b", "#5fd6a2"},
	{".card", "fill", "#ffffff", "#181d25"},
	{".card", "stroke", "#c9ced6", "#3d4756"},
	{".operation", "stroke", "#7e8084", "#8a8e95"},
	{".parameter", "stroke", "#0a7a4b", "#5fd6a2"},
	{".gradient", "stroke", "#b3400a", "#ffa468"},
	{".rule", "stroke", "#e2e5e8", "#323b48"},
	{".edge", "stroke", "#9ea3ab", "#6e7783"},
	{".head", "fill", "#7e8084", "#a3abb8"},
	{".back", "stroke", "#b3400a", "#ffa468"},
}

const svgFonts = `.descent-graph text{font-family:"STIX Two Text","Times New Roman","Liberation Serif",Tinos,"Nimbus Roman",serif;white-space:pre}
.descent-graph .i{font-style:italic}
.descent-graph .n{font-family:"JetBrains Mono","DejaVu Sans Mono",Menlo,Consolas,monospace;font-weight:600}
.descent-graph .s{font-family:Inter,"DejaVu Sans","Helvetica Neue",Arial,sans-serif}
.descent-graph .faint{opacity:.45}
.descent-graph .card{stroke-width:1.2}
.descent-graph .parameter,.descent-graph .gradient{stroke-width:1.8}
.descent-graph .dashed{stroke-dasharray:4 3}
.descent-graph .edge,.descent-graph .back{fill:none;stroke-width:1.4}
.descent-graph .back{stroke-width:1.8;stroke-dasharray:5 4}
`

func svgStyle() string {
	var b strings.Builder
	b.WriteString("svg:root{color-scheme:light dark}\n")
	b.WriteString(svgFonts)
	for _, c := range colours {
		fmt.Fprintf(&b, ".descent-graph %s{%s:%s}\n", c[0], c[1], c[2])
	}
	b.WriteString("@media (prefers-color-scheme:dark){\n")
	for _, c := range colours {
		fmt.Fprintf(&b, ".descent-graph %s{%s:%s}\n", c[0], c[1], c[3])
	}
	b.WriteString("}\n@supports (color:light-dark(#000,#fff)){\n")
	for _, c := range colours {
		fmt.Fprintf(&b, ".descent-graph %s{%s:light-dark(%s,%s)}\n", c[0], c[1], c[2], c[3])
	}
	b.WriteString("}\n")
	return b.String()
}

func px(f float64) string { return strconv.FormatFloat(round(f), 'f', -1, 64) }

func (s *scene) write(b *bytes.Buffer) {
	notes := s.notes()
	width, height := s.Width, s.Height
	top := 0.0
	if s.Title != "Computation graph" {
		top = 26
	}
	for _, n := range notes {
		width = max(width, n.width+2*margin)
	}
	left := (width - s.Width) / 2
	below := top + height
	for _, n := range notes {
		height += n.height
	}
	height += top
	if len(notes) > 0 {
		height += margin / 2
	}
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" class="descent-graph" role="img" width="%s" height="%s" viewBox="0 0 %s %s">`+"\n",
		px(width), px(height), px(width), px(height))
	fmt.Fprintf(b, "<title>%s</title>\n<desc>%s</desc>\n", escapeXML(s.Title), escapeXML(s.Description))
	fmt.Fprintf(b, "<style>\n%s</style>\n", svgStyle())
	fmt.Fprintf(b, `<rect class="paper" width="%s" height="%s" rx="12"/>`+"\n", px(width), px(height))
	if top > 0 {
		fmt.Fprintf(b, `<text class="s ink" x="%s" y="%s" font-size="14" font-weight="600">%s</text>`+"\n", px(margin), "28", escapeXML(s.Title))
	}
	fmt.Fprintf(b, `<g transform="translate(%s %s)">`+"\n", px(left), px(top))
	for _, e := range s.Edges {
		fmt.Fprintf(b, `<path class="edge" d="%s"/>`+"\n", e.Path)
	}
	arrived := map[string]bool{}
	for _, e := range s.Edges {
		p := e.route[len(e.route)-1]
		head := arrow(p.right+margin, p.y+margin, 1, 4.5)
		if !arrived[head] {
			fmt.Fprintf(b, `<path class="head" d="%s"/>`+"\n", head)
		}
		arrived[head] = true
	}
	for _, e := range s.Edges {
		if e.Back == "" {
			continue
		}
		p := e.route[0]
		fmt.Fprintf(b, `<path class="back" d="%s"/>`+"\n", e.Back)
		head := arrow(p.left+margin, p.y+backOffset+margin, -1, 5)
		if !arrived[head] {
			fmt.Fprintf(b, `<path class="derivative" d="%s"/>`+"\n", head)
		}
		arrived[head] = true
	}
	for i, c := range s.Cards {
		s.writeCard(b, c, s.parts[i])
	}
	b.WriteString("</g>\n")
	for _, n := range notes {
		n.write(b, margin, below)
		below += n.height
	}
	b.WriteString("</svg>\n")
}

// arrow is a filled head whose tip is at x, y.
func arrow(x, y, direction, size float64) string {
	back := x - direction*2*size
	return fmt.Sprintf("M%s %sL%s %sL%s %sZ", px(x), px(y), px(back), px(y-size), px(back), px(y+size))
}

func (s *scene) writeCard(b *bytes.Buffer, c Card, parts []part) {
	class := "card"
	switch {
	case c.Kind == "derivative":
		class += " gradient"
	case c.Kind != "input":
		class += " " + c.Kind
	}
	if c.again || c.Kind == "more" {
		class += " dashed"
	}
	fmt.Fprintf(b, `<g transform="translate(%s %s)"><title>%s</title>`+"\n", px(c.X), px(c.Y), escapeXML(c.tip()))
	fmt.Fprintf(b, `<rect class="%s" width="%s" height="%s" rx="10"/>`+"\n", class, px(c.Width), px(c.Height))
	for _, p := range parts {
		switch {
		case p.set != nil:
			p.set.write(b, p.x, p.y, p.class)
		case p.width > 0:
			fmt.Fprintf(b, `<path class="rule" d="M1 %sH%s"/>`+"\n", px(p.y), px(p.width-1))
		default:
			extra := ""
			if p.end {
				extra = ` text-anchor="end"`
			}
			class, size := "n "+p.class, numberSize
			if p.plain {
				class, size = "s "+p.class, 11
			}
			if p.filled {
				class += " faint"
			}
			fmt.Fprintf(b, `<text class="%s" x="%s" y="%s" font-size="%s"%s>%s</text>`+"\n", class, px(p.x), px(p.y), px(size), extra, escapeXML(p.text))
		}
	}
	b.WriteString("</g>\n")
}

// tip is what a pointer resting on the card shows.
func (c Card) tip() string {
	t := called(c.Formula, c.Label)
	for _, f := range c.Backward {
		t += "; " + f.Formula
	}
	return t
}

// write sets the formula at x, y. Every run has its width stated, so that another face than the one
// it was measured for cannot spill over.
func (t *typeset) write(b *bytes.Buffer, x, y float64, class string) {
	for _, r := range t.runs {
		if r.text == "" {
			fmt.Fprintf(b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s"/>`+"\n", class, px(x+r.x), px(y+r.y-r.size/2), px(r.width), px(r.size))
			continue
		}
		if r.text == " " || r.width == 0 {
			continue
		}
		face := class
		if r.italic {
			face = "i " + class
		}
		fmt.Fprintf(b, `<text class="%s" x="%s" y="%s" font-size="%s" textLength="%s" lengthAdjust="spacingAndGlyphs">%s</text>`+"\n",
			face, px(x+r.x), px(y+r.y), px(r.size), px(r.width), escapeXML(r.text))
	}
}

// A note is a line under the graph.
type note struct {
	width, height float64
	write         func(b *bytes.Buffer, x, y float64)
}

// notes: equations that did not fit, derivations, the legend.
func (s *scene) notes() []note {
	var out []note
	for _, g := range s.where {
		t := g.set(backSize)
		out = append(out, note{width: t.width, height: t.ascent + t.descent + 14, write: func(b *bytes.Buffer, x, y float64) {
			t.write(b, x, y+t.ascent+4, "ink")
		}})
	}
	out = append(out, s.derivationNotes()...)
	if s.legend {
		out = append(out, s.legendNote())
	}
	return out
}

func (s *scene) derivationNotes() []note {
	var out []note
	lhs, rhs := 0.0, 0.0
	for _, d := range s.lines {
		lhs = max(lhs, mark(letterGlyph, d.name).set(backSize).width)
		for _, l := range d.lines {
			rhs = max(rhs, l.rhs.glyphs().set(backSize).width)
		}
	}
	for _, d := range s.lines {
		for i, l := range d.lines {
			head := mark(letterGlyph, d.name).set(backSize)
			equals := mark(relationGlyph, "=").set(backSize)
			t := l.rhs.glyphs().set(backSize)
			first, rule := i == 0, l.rule
			n := note{width: lhs + equals.width + rhs + 30 + float64(utf8Len(rule))*7, height: max(t.ascent, 12) + max(t.descent, 4) + 9}
			gap := 0.0
			if first {
				gap = 8
				n.height += gap
			}
			n.write = func(b *bytes.Buffer, x, y float64) {
				y += max(t.ascent, 12) + gap
				if first {
					head.write(b, x+lhs-head.width, y, "ink")
				}
				equals.write(b, x+lhs, y, "ink")
				t.write(b, x+lhs+equals.width, y, "ink")
				if rule != "" {
					fmt.Fprintf(b, `<text class="s quiet" x="%s" y="%s" font-size="12">%s</text>`+"\n", px(x+lhs+equals.width+rhs+30), px(y), escapeXML(rule))
				}
			}
			out = append(out, n)
		}
	}
	return out
}

func (s *scene) legendNote() note {
	type entry struct{ sample, class, text string }
	entries := []entry{{"0.46", "value", "value"}}
	derivative, update := false, false
	for _, c := range s.Cards {
		for _, r := range c.Numbers {
			derivative = derivative || r.Derivative != ""
			update = update || r.Update != ""
		}
	}
	if derivative {
		entries = append(entries, entry{"dz", "derivative", "derivative of the last card by this one"})
	}
	if update {
		entries = append(entries, entry{"→", "update", "next value of the parameter"})
	}
	n := note{height: 32}
	for _, e := range entries {
		n.width += float64(utf8Len(e.sample))*digitWidth + 8 + float64(utf8Len(e.text))*6.3 + 24
	}
	n.write = func(b *bytes.Buffer, x, y float64) {
		for _, e := range entries {
			face := "n "
			var t typeset
			switch e.sample {
			case "dz":
				t = mark(letterGlyph, "dz").set(labelSize + 1)
			case "→":
				t.text("→", labelSize, false)
			}
			if t.width > 0 {
				t.write(b, x, y+20, e.class)
				x += t.width + 7
			} else {
				fmt.Fprintf(b, `<text class="%s" x="%s" y="%s" font-size="12">%s</text>`+"\n", face+e.class, px(x), px(y+20), e.sample)
				x += numberWidth(e.sample) + 8
			}
			fmt.Fprintf(b, `<text class="s quiet" x="%s" y="%s" font-size="12">%s</text>`+"\n", px(x), px(y+20), e.text)
			x += float64(utf8Len(e.text))*6.3 + 24
		}
	}
	return n
}
