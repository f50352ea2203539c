package graph

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Sizes of a picture, in pixels.
const (
	formulaSize  = 17.0
	backSize     = 15.0
	labelSize    = 13.0
	numberSize   = 12.5
	digitWidth   = 0.602 * numberSize // of the usual monospaced faces
	lineHeight   = 18.0
	cardPadding  = 14.0
	leafWidth    = 132.0
	margin       = 20.0
	widestOnCard = 380.0 // a longer formula is written under the graph
	backOffset   = 7.0   // the arrows against the flow run this much lower
)

// A part is something set on a card: a formula, a number, or a rule across it.
type part struct {
	set    *typeset
	text   string // a number, or plain text
	plain  bool
	end    bool // it ends at x
	x, y   float64
	width  float64 // of a rule
	class  string
	filled bool
}

// A scene is a layout with everything that is set on it.
type scene struct {
	*Layout
	parts  [][]part // per card
	where  []*glyph // equations too long for their cards
	lines  []derivation
	legend bool
}

// clip keeps a label short enough for a card.
func clip(s string) string {
	const longest = 20
	if r := []rune(s); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return s
}

// labelWidth is what a label takes in a sans serif of 11 pixels, generously.
func labelWidth(s string) float64 {
	w := 0.0
	for _, r := range clip(s) {
		w += float64(max(runeWidth(r, false), 500)) * 0.0135
	}
	return w
}

func numberWidth(s string) float64 { return float64(utf8.RuneCountInString(s)) * digitWidth }

// minus writes numbers with a real minus sign.
func minus(s string) string { return strings.ReplaceAll(s, "-", "−") }

// layout gives every card its size and place.
func (d *diagram) layout() (*Layout, *scene) {
	l := &Layout{Title: d.title(), Description: d.words()}
	s := &scene{Layout: l, lines: d.steps}
	boxes := make([]box, len(d.cards))
	var links []link
	widest := 0.0
	for i, c := range d.cards {
		if f := c.head; f != nil && !c.leaf && f.set(formulaSize).width > widestOnCard {
			c.head = shortForm(c, d.cards)
			c.Short = "<math>" + c.head.one() + "</math>"
			s.where = append(s.where, c.equation)
		}
		s.parts = append(s.parts, c.compose())
		if c.leaf {
			widest = max(widest, c.Width)
		}
		for _, u := range c.uses {
			links = append(links, link{u, i})
		}
		if len(c.Numbers) > 0 {
			s.legend = s.legend || d.view.Values != nil || d.view.Derivatives != nil || d.view.Updates != nil
		}
	}
	for i, c := range d.cards {
		if c.leaf && c.Width < widest && widest < 260 {
			c.Width = widest
			s.parts[i] = c.compose()
		}
		boxes[i] = box{width: c.Width, height: c.Height, port: c.Height / 2, leaf: c.leaf}
	}
	routes, width, height := arrange(boxes, links, spacing{between: 14, lane: 22, column: func(_ int, rise float64) float64 {
		return 56 + min(70, rise*0.22)
	}})
	back := d.flowsBack(links)
	for i, c := range d.cards {
		c.X, c.Y, c.Layer = round(boxes[i].x+margin), round(boxes[i].y+margin), boxes[i].layer
		l.Cards = append(l.Cards, *c)
	}
	for i, e := range links {
		l.Edges = append(l.Edges, Edge{From: e.from, To: e.to, Path: curve(routes[i]), route: routes[i]})
		if back[i] {
			l.Edges[i].Back = curveBack(routes[i])
		}
	}
	for _, e := range d.equations() {
		q := Equation{Name: e.name, MathML: "<math>" + mark(letterGlyph, e.name).one() + "</math>"}
		for _, line := range e.lines {
			if line.meaning != "" {
				q.Lines = append(q.Lines, EquationLine{MathML: "<math><mtext>" + escapeXML(line.meaning) + "</mtext></math>", Text: line.meaning, Class: "label"})
				continue
			}
			q.Lines = append(q.Lines, EquationLine{MathML: "<math>" + line.rhs.one() + "</math>", Text: line.text, Class: line.class, Rule: line.rule})
		}
		l.Equations = append(l.Equations, q)
	}
	l.Width, l.Height = round(width+2*margin), round(height+2*margin)
	return l, s
}

func round(f float64) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', 2, 64), 64)
	return r
}

// flowsBack says along which links a derivative flows: both ends have one.
func (d *diagram) flowsBack(links []link) []bool {
	out := make([]bool, len(links))
	has := func(c *Card) bool {
		if len(c.Backward) > 0 || c.root && (d.view.Backward || d.view.Derivatives != nil) {
			return true
		}
		for _, r := range c.Numbers {
			if r.Derivative != "" && r.Derivative != "?" {
				return true
			}
		}
		return false
	}
	reaches := make([]bool, len(d.cards)) // the root, by any way
	for i, c := range d.cards {
		reaches[i] = c.root
	}
	for i := len(d.cards) - 1; i >= 0; i-- {
		for _, u := range d.cards[i].uses {
			reaches[u] = reaches[u] || reaches[i]
		}
	}
	for i, e := range links {
		a, b := d.cards[e.from], d.cards[e.to]
		out[i] = reaches[e.to] && a.Kind != "derivative" && b.Kind != "derivative" && has(a) && has(b)
	}
	return out
}

// shortForm is L(a, y) for a formula that does not fit.
func shortForm(c *Card, all []*Card) *glyph {
	in := row()
	for _, u := range c.arguments(all) {
		if len(in.kids) > 0 {
			in.kids = append(in.kids, mark(markGlyph, ","), mark(thinGlyph, ""))
		}
		if len(in.kids) > 10 {
			in.kids = append(in.kids, mark(markGlyph, "⋯"))
			break
		}
		if all[u].Kind == "more" {
			in.kids = append(in.kids, mark(markGlyph, "⋯"))
			continue
		}
		in.kids = append(in.kids, mark(letterGlyph, all[u].Name))
	}
	return row(mark(letterGlyph, c.Name), fenced(in))
}

// arguments are the cards c is computed from, computed ones first: L(a, y).
func (c *Card) arguments(all []*Card) []int {
	var computed, leaves []int
	for _, u := range c.uses {
		if all[u].leaf {
			leaves = append(leaves, u)
		} else {
			computed = append(computed, u)
		}
	}
	return append(computed, leaves...)
}

// compose sets a card's content and finds the size it needs; a leaf keeps a wider width it was given.
func (c *Card) compose() []part {
	if c.leaf && (len(c.Numbers) <= 1) && len(c.back) == 0 || c.Kind == "more" {
		return c.composeLeaf()
	}
	var parts []part
	inner := max(c.Width-2*cardPadding, leafWidth-2*cardPadding)
	if !c.leaf {
		inner = 0
	}
	head := c.head.set(formulaSize)
	inner = max(inner, head.width)
	var backs []typeset
	for _, b := range c.back {
		t := b.set(backSize)
		inner = max(inner, t.width)
		backs = append(backs, t)
	}
	columns := c.columns()
	inner = max(inner, columns.width(), labelWidth(c.Label))
	c.Width = round(inner + 2*cardPadding)
	y := 0.0
	centred := func(t typeset, class string) {
		above, below := max(t.ascent, 12), max(t.descent, 4)
		y += 10 + above
		parts = append(parts, part{set: &t, x: (c.Width - t.width) / 2, y: y, class: class})
		y += below + 8
	}
	rule := func() { parts = append(parts, part{width: c.Width, y: y}) }
	centred(head, "ink")
	if c.Label != "" {
		y += 9
		parts = append(parts, part{text: clip(c.Label), plain: true, x: (c.Width - labelWidth(c.Label)) / 2, y: y - 2, class: "quiet"})
		y += 6
	}
	for i := range backs {
		rule()
		centred(backs[i], "derivative")
	}
	if len(c.Numbers) > 0 {
		rule()
		y += 5
		for i, r := range c.Numbers {
			y += lineHeight
			parts = append(parts, columns.line(c, i, r, y-5)...)
		}
		y += 6
	}
	c.Height = round(y)
	return parts
}

// composeLeaf: the symbol on the left, its numbers on the right.
func (c *Card) composeLeaf() []part {
	var parts []part
	var head typeset
	if c.Kind == "more" {
		head.text(c.Name, labelSize, false)
	} else {
		head = c.head.set(formulaSize)
	}
	var r CardRow
	if len(c.Numbers) > 0 {
		r = c.Numbers[0]
	}
	type line struct {
		label, text, class string
	}
	var lines []line
	if r.Value != "" {
		lines = append(lines, line{"", r.Value, "value"})
	}
	if r.Derivative != "" {
		lines = append(lines, line{"d" + c.Name, r.Derivative, "derivative"})
	}
	if r.Update != "" {
		lines = append(lines, line{"→", r.Update, "update"})
	}
	if r.Value == "" && r.Label != "" {
		lines = append(lines, line{"", r.Label, "quiet"})
	}
	wide := 0.0
	labels := make([]typeset, len(lines))
	for i, n := range lines {
		if n.label == "→" {
			labels[i].text("→", labelSize, false)
		} else if n.label != "" {
			labels[i] = mark(letterGlyph, n.label).set(labelSize)
		}
		w := numberWidth(n.text)
		if labels[i].width > 0 {
			w += labels[i].width + 7
		}
		wide = max(wide, w)
	}
	least := leafWidth
	if len(lines) == 0 {
		least = 76
	}
	c.Width = max(c.Width, least, round(2*cardPadding+max(head.width, labelWidth(c.Label))+wide+16))
	c.Height = round(max(42, 14+lineHeight*float64(len(lines))))
	lower := 5.0
	if c.Label != "" {
		c.Height = max(c.Height, 48)
		lower = -1
	}
	class := "ink"
	if c.Kind == "more" {
		class = "quiet"
	}
	x := cardPadding + 4
	if len(lines) == 0 {
		x = (c.Width - head.width) / 2
	}
	parts = append(parts, part{set: &head, x: x, y: c.Height/2 + lower, class: class})
	if c.Label != "" {
		if len(lines) == 0 {
			x = (c.Width - labelWidth(c.Label)) / 2
		}
		parts = append(parts, part{text: clip(c.Label), plain: true, x: x, y: c.Height/2 + 15, class: "quiet"})
	}
	y := c.Height/2 - lineHeight*float64(len(lines))/2 + 13
	for i, n := range lines {
		text := n.text
		if n.class != "quiet" {
			text = minus(text)
		}
		parts = append(parts, part{text: text, end: true, x: c.Width - cardPadding + 2, y: y, class: n.class, filled: n.text == "?"})
		if labels[i].width > 0 {
			t := labels[i]
			parts = append(parts, part{set: &t, x: c.Width - cardPadding + 2 - numberWidth(n.text) - 7 - t.width, y: y, class: n.class})
		}
		y += lineHeight
	}
	return parts
}

// numberColumns are the widths of a card's table of numbers.
type numberColumns struct {
	symbol, label, value, derivativeLabel, derivative, update float64
	lines                                                     int
}

func (r CardRow) derivativeLabel(c *Card, i int) string {
	switch {
	case r.Derivative == "" || c.Kind == "derivative":
		return ""
	case r.Label != "":
		return "d" + r.Label
	case len(c.Numbers) == 1 || i == 1:
		return "d" + c.Name
	}
	return ""
}

func (c *Card) columns() numberColumns {
	n := numberColumns{lines: len(c.Numbers)}
	for i, r := range c.Numbers {
		if r.Label != "" && (r.Value != "" || r.Meaning != "") {
			w := mark(letterGlyph, r.Label).set(labelSize).width + 10
			n.symbol = max(n.symbol, w)
			n.label = max(n.label, n.symbol+labelWidth(r.Meaning)+min(8, labelWidth(r.Meaning)))
		}
		n.value = max(n.value, numberWidth(r.Value))
		n.derivative = max(n.derivative, numberWidth(r.Derivative))
		n.update = max(n.update, numberWidth(r.Update))
		if t := r.derivativeLabel(c, i); t != "" {
			n.derivativeLabel = max(n.derivativeLabel, mark(letterGlyph, t).set(labelSize).width+7)
		}
	}
	return n
}

func (n numberColumns) width() float64 {
	w := n.label + n.value
	if n.derivative > 0 {
		w += 20 + n.derivativeLabel + n.derivative
	}
	if n.update > 0 {
		w += 34 + n.update
	}
	return w
}

// line sets one line of numbers. Values of a table stand right-aligned under one another; of a
// scalar the value stands left and the derivative right.
func (n numberColumns) line(c *Card, i int, r CardRow, y float64) []part {
	var parts []part
	left, right := cardPadding-2, c.Width-cardPadding+2
	if r.Value == "" && r.Derivative == "" && r.Meaning == "" && r.Label != "" {
		var t typeset
		t.text(r.Label, labelSize, false)
		return []part{{set: &t, x: (c.Width - t.width) / 2, y: y, class: "quiet"}}
	}
	if r.Label != "" {
		t := mark(letterGlyph, r.Label).set(labelSize)
		parts = append(parts, part{set: &t, x: left, y: y, class: "quiet"})
		if r.Meaning != "" {
			parts = append(parts, part{text: clip(r.Meaning), plain: true, x: left + n.symbol, y: y, class: "quiet"})
		}
	}
	if r.Value != "" {
		p := part{text: minus(r.Value), x: left, y: y, class: "value", filled: r.Value == "?"}
		switch {
		case n.derivative == 0 && n.update == 0 && len(c.Numbers) == 1:
			p.x = (c.Width - numberWidth(r.Value)) / 2
		case n.derivative == 0 && n.update == 0:
			p.x, p.end = right, true
		case len(c.Numbers) > 1:
			p.x, p.end = left+n.label+n.value, true
		}
		parts = append(parts, p)
	}
	if r.Update != "" {
		var t typeset
		t.text("→", labelSize, false)
		parts = append(parts, part{text: minus(r.Update), end: true, x: right, y: y, class: "update"},
			part{set: &t, x: right - n.update - 7 - t.width, y: y, class: "update"})
		right -= n.update + 34
	}
	if r.Derivative != "" {
		p := part{text: minus(r.Derivative), end: true, x: right, y: y, class: "derivative", filled: r.Derivative == "?"}
		if r.Value == "" && len(c.Numbers) == 1 {
			p.x = (c.Width + numberWidth(r.Derivative)) / 2
		}
		parts = append(parts, p)
		if label := r.derivativeLabel(c, i); label != "" {
			t := mark(letterGlyph, label).set(labelSize)
			parts = append(parts, part{set: &t, x: right - n.derivative - 7 - t.width, y: y, class: "derivative"})
		}
	}
	return parts
}

// curve is the path of an edge: straight through columns, an S between them.
func curve(route []bend) string {
	p := pen{}
	p.move(route[0].left, route[0].y)
	p.straight(route[0].right)
	for i, to := range route[1:] {
		from := route[i]
		if to.y != from.y {
			half := (to.left - from.right) / 2
			p.bend(from.right+half, from.y, to.left-half, to.y, to.left, to.y)
		}
		p.straight(to.right)
	}
	return p.String()
}

// curveBack is the way back, a little lower.
func curveBack(route []bend) string {
	p := pen{down: backOffset}
	last := len(route) - 1
	p.move(route[last].right, route[last].y)
	p.straight(route[last].left)
	for i := last - 1; i >= 0; i-- {
		from, to := route[i+1], route[i]
		if to.y != from.y {
			half := (from.left - to.right) / 2
			p.bend(from.left-half, from.y, to.right+half, to.y, to.right, to.y)
		}
		p.straight(to.left)
	}
	return p.String()
}

// A pen writes SVG path data, straight stretches as one.
type pen struct {
	strings.Builder
	x, to, down float64
}

func (p *pen) at(x float64) string { return strconv.FormatFloat(round(x+margin), 'f', -1, 64) }

func (p *pen) move(x, y float64) {
	p.WriteString("M" + p.at(x) + " " + p.at(y+p.down))
	p.x, p.to = x, x
}

func (p *pen) straight(x float64) { p.to = x }

func (p *pen) flush() {
	if p.to != p.x {
		p.WriteString("H" + p.at(p.to))
	}
	p.x = p.to
}

func (p *pen) bend(x1, y1, x2, y2, x, y float64) {
	p.flush()
	p.WriteString("C" + p.at(x1) + " " + p.at(y1+p.down) + " " + p.at(x2) + " " + p.at(y2+p.down) + " " + p.at(x) + " " + p.at(y+p.down))
	p.x, p.to = x, x
}

func (p *pen) String() string {
	p.flush()
	return p.Builder.String()
}

// title is the view's, or the equations that define the picture.
func (d *diagram) title() string {
	if d.view.Title != "" {
		return d.view.Title
	}
	return "Computation graph"
}

// words tells the graph to those who cannot see it.
func (d *diagram) words() string {
	var b strings.Builder
	var leaves []string
	for _, c := range d.cards {
		if c.leaf && !c.again {
			text := called(c.Name, c.Label)
			if len(c.Numbers) == 1 && c.Numbers[0].Value != "" && c.Numbers[0].Value != "?" {
				text += " = " + c.Numbers[0].Value
			}
			leaves = append(leaves, text)
		}
	}
	if len(leaves) > 0 {
		b.WriteString("Leaves: " + strings.Join(leaves, ", ") + ".")
	}
	for _, c := range d.cards {
		if c.leaf {
			continue
		}
		b.WriteString(" " + c.Formula)
		if len(c.Numbers) == 1 && c.Numbers[0].Value != "" && c.Numbers[0].Value != "?" {
			b.WriteString(" = " + c.Numbers[0].Value)
		}
		b.WriteString(".")
	}
	for _, c := range d.cards {
		for _, f := range c.Backward {
			b.WriteString(" " + f.Formula + ".")
		}
		if len(c.Numbers) == 1 && c.Kind != "derivative" {
			if v := c.Numbers[0].Derivative; v != "" && v != "?" {
				b.WriteString(" d" + c.Name + " = " + v + ".")
			}
		}
	}
	return strings.TrimSpace(b.String())
}

// called is a name and what it stands for.
func called(name, label string) string {
	if label == "" {
		return name
	}
	return name + " (" + label + ")"
}
