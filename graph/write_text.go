package graph

import (
	"bytes"
	"io"
	"math"
	"strings"
)

// WriteText draws the graph with box characters for a terminal: leaves on the left with their
// numbers, a box for every definition, edges between them; then equations too long for their
// boxes, and the derivation. Where v.Columns is not enough, boxes get narrower in steps (see draw); a
// graph that does not fit even so becomes a list: one line for each leaf and definition. No line is
// longer than v.Columns or has trailing blanks.
func (g *Graph) WriteText(w io.Writer, v View) error {
	d, err := g.diagram(v)
	if err != nil {
		return err
	}
	columns := v.Columns
	if columns == 0 {
		columns = 100
	}
	columns = max(columns, 20)
	var b bytes.Buffer
	section := func(lines []string) {
		if len(lines) > 0 && b.Len() > 0 {
			b.WriteString("\n")
		}
		for _, l := range lines {
			b.WriteString(strings.TrimRight(l, " ") + "\n")
		}
	}
	if v.Title != "" {
		section(broken(d.view.Title, columns, 0))
	}
	lines, where := d.draw(columns)
	if lines == nil {
		lines = d.list(columns)
	}
	section(lines)
	var under []string
	for _, l := range where {
		under = append(under, broken(l, columns, 4)...)
	}
	section(under)
	section(d.stepLines(columns))
	_, err = w.Write(b.Bytes())
	return err
}

// broken is a line in lines of so many columns, all but the first indented: at a blank if there is one,
// else after a sign or a bracket, else anywhere.
func broken(line string, columns, indent int) []string {
	var out []string
	rest := []rune(line)
	for len(rest) > columns {
		at := -1
		for _, ends := range []string{" ", "*/,(+-"} {
			for i := columns; i > columns/3 && at < 0; i-- {
				if ends == " " && rest[i] == ' ' || ends != " " && i < columns && strings.ContainsRune(ends, rest[i]) {
					at = i
				}
			}
			if at >= 0 {
				break
			}
		}
		switch {
		case at < 0:
			at = columns
		case rest[at] != ' ':
			at++
		}
		out = append(out, strings.TrimRight(string(rest[:at]), " "))
		rest = append([]rune(strings.Repeat(" ", indent)), []rune(strings.TrimLeft(string(rest[at:]), " "))...)
	}
	return append(out, string(rest))
}

// list is the graph without boxes: numbers under one another, or, where that is too wide, beside what
// they belong to or below it.
func (d *diagram) list(columns int) []string {
	type cell [5]string // formula, value, derivative, next value; the derivative's name where it stands on a line of its own
	var cells []cell
	var wide [4]int
	add := func(c cell) {
		for i, s := range c[:4] {
			wide[i] = max(wide[i], min(utf8Len(s), 60))
		}
		cells = append(cells, c)
	}
	for _, c := range d.cards {
		if c.again {
			continue
		}
		formula := called(c.Formula, clip(c.Label))
		first := cell{formula}
		rows := c.Numbers
		if len(rows) == 1 {
			first = cell{formula, rows[0].Value, labelled(rows[0].derivativeLabel(c, 0), rows[0].Derivative), labelled("→", rows[0].Update)}
			if rows[0].Value == "" && rows[0].Label != "" {
				first[1] = rows[0].Label
			}
			rows = nil
		}
		add(first)
		for i, r := range rows {
			add(cell{"  " + called(r.Label, clip(r.Meaning)), r.Value, labelledRow(c, i, r), labelled("→", r.Update), "d" + c.Name})
		}
		for _, f := range c.Backward {
			add(cell{"  " + f.Formula})
		}
	}
	var lines []string
	fits := true
	for _, c := range cells {
		line := ""
		for i, s := range c[:4] {
			line += s + strings.Repeat(" ", max(0, wide[i]-utf8Len(s))+2)
		}
		lines = append(lines, strings.TrimRight(line, " "))
		fits = fits && utf8Len(lines[len(lines)-1]) <= columns
	}
	if fits {
		return lines
	}
	lines = nil
	for _, c := range cells {
		var numbers []string
		for i, s := range c[1:4] {
			if i == 1 && strings.HasPrefix(s, "  ") { // under a label, which is now elsewhere
				s = labelled(c[4], strings.TrimSpace(s))
			}
			if s = strings.TrimSpace(s); s != "" {
				numbers = append(numbers, s)
			}
		}
		rest := strings.Join(numbers, "  ")
		if line := c[0] + "  " + rest; rest != "" && utf8Len(line) <= columns {
			lines = append(lines, line)
			continue
		}
		if strings.TrimSpace(c[0]) != "" {
			lines = append(lines, broken(c[0], columns, 4)...)
		}
		if utf8Len(rest)+4 <= columns {
			numbers = []string{rest}
		}
		for _, s := range numbers { // a row of a matrix, its derivative, its next value
			if s != "" {
				lines = append(lines, broken("    "+s, columns, 6)...)
			}
		}
	}
	return lines
}

// labelledRow is labelled; later rows of a matrix stand under the first.
func labelledRow(c *Card, i int, r CardRow) string {
	if label := r.derivativeLabel(c, i); label != "" || i == 0 || r.Derivative == "" {
		return labelled(label, r.Derivative)
	}
	return strings.Repeat(" ", utf8Len(c.Name)+2) + r.Derivative
}

func labelled(label, text string) string {
	if text == "" {
		return ""
	}
	return strings.TrimSpace(label + " " + text)
}

// A textCard is a card in characters.
type textCard struct {
	lines []string
	boxed bool
	width int
	short bool
}

// A tightness says how much room cards may take.
type tightness uint8

const (
	loose   tightness = iota
	stacked           // the numbers of a scalar below each other, gaps narrow
	split             // da = … = … too
	bare              // derivatives' equations are written under the drawing
)

// text is the card, with its formula or the short form of it.
func (c *Card) text(short bool, tight tightness, all []*Card) textCard {
	t := textCard{boxed: !c.leaf, short: short}
	head := c.Formula
	if short {
		head = c.shortText(all)
	}
	if c.leaf && c.Kind != "more" && len(c.Numbers) == 1 && c.Numbers[0].Value != "" {
		head += " = " + c.Numbers[0].Value
	}
	t.lines = append(t.lines, called(head, clip(c.Label)))
	if c.Kind == "more" && len(c.Numbers) == 1 {
		t.lines[0] += ": " + c.Numbers[0].Value
	}
	for i, f := range c.Backward {
		switch b := c.backs[i]; {
		case tight == bare:
		case tight == split && b.simple != nil:
			t.lines = append(t.lines, b.name+" = "+b.written.plain(), strings.Repeat(" ", utf8Len(b.name))+" = "+b.simple.plain())
		default:
			t.lines = append(t.lines, f.Formula)
		}
	}
	if c.Kind != "more" {
		for i, r := range c.Numbers {
			var parts []string
			single := c.leaf && len(c.Numbers) == 1
			if r.Label != "" {
				parts = append(parts, called(r.Label, clip(r.Meaning)))
			}
			if r.Value != "" && !single {
				parts = append(parts, r.Value)
			}
			if r.Derivative != "" {
				parts = append(parts, labelledRow(c, i, r))
			}
			if r.Update != "" {
				parts = append(parts, "→ "+r.Update)
			}
			line := strings.Join(parts, "  ")
			switch {
			case line == "":
			case tight >= stacked && len(c.Numbers) == 1:
				for _, p := range parts {
					if single {
						p = "  " + p
					}
					t.lines = append(t.lines, p)
				}
			case single:
				t.lines = append(t.lines, "  "+line)
			default:
				t.lines = append(t.lines, line)
			}
		}
	}
	for _, l := range t.lines {
		t.width = max(t.width, utf8Len(l))
	}
	if t.boxed {
		t.width += 4
	}
	return t
}

// shortText is L(a, y).
func (c *Card) shortText(all []*Card) string {
	var names []string
	for _, u := range c.arguments(all) {
		if len(names) == 5 || all[u].Kind == "more" {
			names = append(names, "…")
			break
		}
		names = append(names, all[u].Name)
	}
	return c.Name + "(" + strings.Join(names, ", ") + ")"
}

// draw lays the cards out on a grid of characters; nil if they do not fit. Where room is short,
// boxes give up their formulas, the widest first; then everything is tried tighter.
func (d *diagram) draw(columns int) (lines, where []string) {
	if len(d.cards) > maxCards {
		return nil, nil
	}
	links := d.links()
	for tight := loose; tight <= bare; tight++ {
		cards := make([]textCard, len(d.cards))
		for i, c := range d.cards {
			cards[i] = c.text(false, tight, d.cards)
		}
		for {
			if p, ok := drawText(d.cards, cards, links, columns, tight); ok {
				for i, c := range d.cards {
					if cards[i].short {
						where = append(where, c.Formula)
					}
				}
				for _, c := range d.cards {
					for _, f := range c.Backward {
						if tight == bare && len(d.steps) == 0 { // else they are in the derivation
							where = append(where, f.Formula)
						}
					}
				}
				return p.lines(), where
			}
			widest := -1
			for i, c := range d.cards {
				if !cards[i].boxed || cards[i].short || c.text(true, tight, d.cards).width >= cards[i].width {
					continue
				}
				if widest < 0 || cards[i].width > cards[widest].width {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			cards[widest] = d.cards[widest].text(true, tight, d.cards)
		}
	}
	return nil, nil
}

func drawText(all []*Card, cards []textCard, links []link, columns int, tight tightness) (*page, bool) {
	leaf := 0
	for i, c := range all {
		if c.leaf {
			leaf = max(leaf, cards[i].width+2) // room for the edge to begin
		}
	}
	boxes := make([]box, len(cards))
	for i, c := range cards {
		b := box{width: float64(c.width), height: float64(len(c.lines)), leaf: all[i].leaf}
		if c.boxed {
			b.height += 2
			b.port = 1
		} else {
			b.width = float64(leaf)
		}
		boxes[i] = b
	}
	routes, width, height := arrange(boxes, links, spacing{lane: 1, column: func(places int, _ float64) float64 {
		if tight >= stacked {
			return float64(2*places + 1)
		}
		return float64(2*places + 3)
	}})
	if int(width) > columns || width*height > 1<<20 {
		return nil, false
	}
	p := newPage(int(width), int(math.Ceil(height-1e-6))+1)
	for i, c := range cards {
		x, y := int(boxes[i].x), rowOf(boxes[i].y)
		if c.boxed {
			p.box(x, y, c.width, len(c.lines)+2)
			x, y = x+2, y+1
		}
		for k, l := range c.lines {
			p.write(x, y+k, l)
		}
	}
	if !p.route(cards, boxes, links, routes) {
		return nil, false
	}
	return p, true
}

// A page is a grid of characters. Lines are kept as arms, so that they join where they meet.
type page struct {
	width, height int
	text          []rune
	arms          []uint8
	shared        bool // somewhere a line that branches meets a line that others have joined
}

const (
	armUp uint8 = 1 << iota
	armDown
	armLeft
	armRight
)

var armRunes = [16]rune{' ', '│', '│', '│', '─', '┘', '┐', '┤', '─', '└', '┌', '├', '─', '┴', '┬', '┼'}

func newPage(width, height int) *page {
	return &page{width: width, height: height, text: make([]rune, width*height), arms: make([]uint8, width*height)}
}

func (p *page) arm(x, y int, a uint8) {
	if x >= 0 && x < p.width && y >= 0 && y < p.height {
		p.arms[y*p.width+x] |= a
	}
}

func (p *page) write(x, y int, s string) {
	for _, r := range s {
		if x >= 0 && x < p.width && y >= 0 && y < p.height {
			p.text[y*p.width+x] = r
		}
		x++
	}
}

func (p *page) horizontal(x0, x1, y int) {
	for x := x0; x <= x1; x++ {
		if x > x0 {
			p.arm(x, y, armLeft)
		}
		if x < x1 {
			p.arm(x, y, armRight)
		}
	}
}

func (p *page) vertical(x, y0, y1 int) {
	if y0 > y1 {
		y0, y1 = y1, y0
	}
	for y := y0; y <= y1; y++ {
		if y > y0 {
			p.arm(x, y, armUp)
		}
		if y < y1 {
			p.arm(x, y, armDown)
		}
	}
}

func (p *page) box(x, y, w, h int) {
	p.horizontal(x, x+w-1, y)
	p.horizontal(x, x+w-1, y+h-1)
	p.vertical(x, y, y+h-1)
	p.vertical(x+w-1, y, y+h-1)
}

func (p *page) lines() []string {
	var out []string
	for y := 0; y < p.height; y++ {
		var b strings.Builder
		for x := 0; x < p.width; x++ {
			i := y*p.width + x
			if p.text[i] != 0 {
				b.WriteRune(p.text[i])
			} else {
				b.WriteRune(armRunes[p.arms[i]])
			}
		}
		out = append(out, b.String())
	}
	for len(out) > 0 && strings.TrimSpace(out[len(out)-1]) == "" {
		out = out[:len(out)-1]
	}
	return out
}

// rowOf is the row of a height. Heights of one box differ by whole rows, up to rounding.
func rowOf(y float64) int { return int(math.Floor(y + 1e-6)) }

// A crossing is everything that arrives at one place of the next column: it shares a vertical track.
type crossing struct {
	row   int
	from  []int // rows of the sources
	track int   // 0: straight
}

func (c *crossing) span() (top, bottom int) {
	top, bottom = c.row, c.row
	for _, r := range c.from {
		top, bottom = min(top, r), max(bottom, r)
	}
	return top, bottom
}

func (c *crossing) comesFrom(row int) bool {
	for _, r := range c.from {
		if r == row {
			return true
		}
	}
	return false
}

// route draws the edges, a gap between two columns at a time. It fails where two edges would lie on
// one another.
func (p *page) route(cards []textCard, boxes []box, links []link, routes [][]bend) bool {
	type gap struct {
		left, right int // its first and last character
		to          []*crossing
		at          map[int]*crossing
	}
	gaps := map[int]*gap{}
	last := 0
	for i, route := range routes {
		for k := 0; k+1 < len(route); k++ {
			a, b := route[k], route[k+1]
			from, to := rowOf(a.y), rowOf(b.y)
			g := gaps[a.layer]
			if g == nil {
				g = &gap{at: map[int]*crossing{}}
				gaps[a.layer] = g
			}
			last = max(last, a.layer)
			g.left = int(a.right)
			// The arrow's head stands just before a box; a passing edge goes on.
			g.right = int(b.left) - 1
			c := g.at[to]
			if c == nil {
				c = &crossing{row: to}
				g.at[to] = c
				g.to = append(g.to, c)
			}
			if !c.comesFrom(from) {
				c.from = append(c.from, from)
			}
		}
		// From the card's edge to the end of its column, and through columns on the way.
		a, z := links[i].from, links[i].to
		y := rowOf(route[0].y)
		start := int(boxes[a].x) + cards[a].width - 1
		if !cards[a].boxed {
			start = int(boxes[a].x) + utf8Len(cards[a].lines[0]) + 1
		}
		p.horizontal(start, int(route[0].right), y)
		for _, b := range route[1 : len(route)-1] {
			p.horizontal(int(b.left)-1, int(b.right), rowOf(b.y))
		}
		end := route[len(route)-1]
		y = rowOf(end.y)
		p.horizontal(int(end.left)-1, int(boxes[z].x)-1, y)
		p.write(int(boxes[z].x)-1, y, "►")
	}
	for layer := 0; layer <= last; layer++ {
		g := gaps[layer]
		if g == nil {
			continue
		}
		cost := assignTracks(g.to)
		if cost >= overlap {
			return false
		}
		p.shared = p.shared || cost >= sharing
		x := func(track int) int { return g.left + 2*track - 1 }
		reach := map[int]int{} // how far the line of a source row goes
		for _, c := range g.to {
			for _, r := range c.from {
				to := x(c.track)
				if c.track == 0 {
					to = g.right
				}
				reach[r] = max(reach[r], to)
			}
			if c.track > 0 {
				top, bottom := c.span()
				p.vertical(x(c.track), top, bottom)
				p.horizontal(x(c.track), g.right, c.row)
			}
		}
		bridged := func(row, col int) bool {
			for _, c := range g.to {
				if top, bottom := c.span(); c.track > 0 && x(c.track) == col && top < row && row < bottom && !c.comesFrom(row) && c.row != row {
					return true
				}
			}
			return false
		}
		line := func(row, from, to int) {
			for col := from; col <= to; col++ {
				if bridged(row, col) {
					continue // passes under the track
				}
				if col > from {
					p.arm(col, row, armLeft)
				}
				if col < to {
					p.arm(col, row, armRight)
				}
			}
		}
		for row, to := range reach {
			line(row, g.left, to)
		}
		for _, c := range g.to { // the way from the track to the card may be crossed by other tracks
			if c.track > 0 {
				for col := x(c.track) + 1; col <= g.right; col++ {
					if bridged(c.row, col) {
						p.arms[c.row*p.width+col] &^= armLeft | armRight
					}
				}
			}
		}
	}
	return true
}

// What a gap costs: a crossing 1; a line that goes on after others have joined it, so that only the
// formulas tell what goes where; two edges on one line, which cannot be drawn.
const (
	sharing = 1000
	overlap = 1000 * sharing
)

// assignTracks gives every crossing that needs one a track of its own, in the order that costs
// least, and returns the cost.
func assignTracks(to []*crossing) int {
	var bent []*crossing
	for _, c := range to {
		if len(c.from) > 1 || c.from[0] != c.row {
			bent = append(bent, c)
		}
	}
	order := make([]int, len(bent))
	for i := range order {
		order[i] = i
	}
	score := func() int {
		for i, k := range order {
			bent[k].track = i + 1
		}
		n := 0
		for _, c := range bent {
			for _, o := range to {
				if o == c {
					continue
				}
				for _, r := range o.from {
					far := o.track
					if far == 0 {
						far = len(bent) + 1
					}
					top, bottom := c.span()
					switch from := c.comesFrom(r); {
					case r == c.row && far >= c.track && !from:
						n += overlap
					case far > c.track && from && len(c.from) > 1:
						n += sharing
					case far > c.track && !from && top < r && r < bottom:
						n++
					}
				}
				if top, bottom := c.span(); top < o.row && o.row < bottom && o.track > 0 && o.track < c.track {
					n++
				}
			}
		}
		return n
	}
	best := score()
	kept := append([]int(nil), order...)
	if len(bent) <= 6 {
		permute(order, 0, func() {
			if s := score(); s < best {
				best = s
				copy(kept, order)
			}
		})
	} else { // exchange neighbours while that helps
		for better := true; better; {
			better = false
			for i := 0; i+1 < len(order); i++ {
				order[i], order[i+1] = order[i+1], order[i]
				if s := score(); s < best {
					best, better = s, true
					copy(kept, order)
				} else {
					order[i], order[i+1] = order[i+1], order[i]
				}
			}
		}
	}
	copy(order, kept)
	return score()
}

func permute(a []int, k int, visit func()) {
	if k == len(a) {
		visit()
		return
	}
	for i := k; i < len(a); i++ {
		a[k], a[i] = a[i], a[k]
		permute(a, k+1, visit)
		a[k], a[i] = a[i], a[k]
	}
}
