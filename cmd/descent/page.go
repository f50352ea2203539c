package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
)

// page is what a command says to a person: plain text, with a little colour on a terminal.
type page struct {
	strings.Builder
	app *app
}

func (p *page) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// heading writes a title over what follows.
func (p *page) heading(s string) {
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	for _, line := range wrapUnder(s, "", "  ", p.app.width) {
		p.WriteString(p.style(heading, line) + "\n")
	}
}

// say writes a sentence, broken at blanks.
func (p *page) say(text string) {
	for _, line := range wrap(text, p.app.width) {
		p.WriteString(line + "\n")
	}
}

// prose writes paragraphs of help. Lines that begin with a blank keep their own line, and what does not fit stays under their second
// column; the others are put together and broken anew.
func (p *page) prose(text string) {
	var paragraph []string
	end := func() {
		if len(paragraph) > 0 {
			p.say(strings.Join(paragraph, " "))
			paragraph = nil
		}
	}
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		rest := strings.TrimLeft(line, " ")
		switch {
		case rest == "":
			end()
			p.WriteByte('\n')
		case rest == line:
			paragraph = append(paragraph, line)
		default:
			end()
			first, under := line[:len(line)-len(rest)], line[:len(line)-len(rest)]
			if i := strings.Index(rest, "  "); i > 0 {
				second := strings.TrimLeft(rest[i:], " ")
				first, rest = line[:len(line)-len(second)], second
				under = strings.Repeat(" ", lipgloss.Width(first))
			}
			for _, l := range wrapUnder(rest, first, under, p.app.width) {
				p.WriteString(l + "\n")
			}
		}
	}
	end()
}

// facts writes aligned lines "name  text"; long texts are broken and stay in their column.
func (p *page) facts(pairs ...string) {
	width := 0
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			width = max(width, lipgloss.Width(pairs[i]))
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		indent := width + 2
		lines := wrap(pairs[i+1], p.app.width-indent)
		for k, line := range lines {
			name := ""
			if k == 0 {
				name = pairs[i]
			}
			pad := strings.Repeat(" ", indent-lipgloss.Width(name))
			p.WriteString(p.style(lipgloss.NewStyle().Faint(true), name) + pad + line + "\n")
		}
	}
}

// wrap breaks text at blanks into lines of at most width cells; a longer word keeps its line.
func wrap(text string, width int) []string {
	var lines []string
	for _, paragraph := range strings.Split(text, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			if line != "" && lipgloss.Width(line)+1+lipgloss.Width(word) > width {
				lines = append(lines, line)
				line = ""
			}
			if line != "" {
				line += " "
			}
			line += word
		}
		lines = append(lines, line)
	}
	return lines
}

// wrapUnder breaks text into lines of which the first begins with first, and the others with under.
func wrapUnder(text, first, under string, width int) []string {
	lines := wrap(text, width-max(lipgloss.Width(first), lipgloss.Width(under)))
	for i := range lines {
		if i == 0 {
			lines[i] = first + lines[i]
		} else {
			lines[i] = under + lines[i]
		}
	}
	return lines
}

func (p *page) style(s lipgloss.Style, text string) string {
	if !p.app.terminal || text == "" {
		return text
	}
	return s.Render(text)
}

// Blue is a value, orange a derivative, green an update, as in the lecture's pictures.
var (
	heading = lipgloss.NewStyle().Bold(true)

	good = lipgloss.NewStyle().Foreground(lipgloss.Color("2"))
	bad  = lipgloss.NewStyle().Foreground(lipgloss.Color("1"))
)

// table is columns of text under a header. The first column is to the left, the others are numbers: aligned at the decimal point.
type table struct {
	header []string
	rows   [][]string
	left   int // columns from the left that are text; at least 1
	second int // the column from which a second block is made where the width is too small for one; 0: as many as fit
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// longestName is the width that names may take before their numbers go to the next line.
const longestName = 32

func (p *page) table(t *table) {
	columns := len(t.header)
	left := max(t.left, 1)
	whole, part := make([]int, columns), make([]int, columns) // cells before the decimal point, from it on
	for c := left; c < columns; c++ {
		for _, r := range t.rows {
			w, f := split(r[c])
			whole[c], part[c] = max(whole[c], w), max(part[c], f)
		}
	}
	width := make([]int, columns)
	for c := range columns {
		width[c] = lipgloss.Width(t.header[c])
		if c >= left {
			width[c] = max(width[c], whole[c]+part[c])
			continue
		}
		for _, r := range t.rows {
			if w := lipgloss.Width(r[c]); w <= longestName || c > 0 || columns == left {
				width[c] = max(width[c], w)
			}
		}
	}
	// What a page cannot hold side by side goes into blocks, one under the other: the first column and some of the others. A last
	// column of text is broken instead.
	blocks, last := [][]int{{}}, 0
	room := func(columns []int) (w int) {
		for _, c := range columns {
			w += width[c] + 2
		}
		return p.app.width + 2 - w
	}
	all := make([]int, columns)
	for c := range all {
		all[c] = c
	}
	switch {
	case room(all) >= 0:
		blocks = [][]int{all}
	case left == columns && columns > 1:
		blocks, last = [][]int{all}, max(room(all)+width[columns-1], 16)
	default:
		anywhere := t.second == 0 || room(all[:t.second]) < 0
		for c := range columns {
			b := &blocks[len(blocks)-1]
			if len(*b) > 1 && (room(append(slices.Clone(*b), c)) < 0 || !anywhere && c == t.second) {
				blocks = append(blocks, []int{0})
				b = &blocks[len(blocks)-1]
			}
			*b = append(*b, c)
		}
	}
	cell := func(c int, text string, header bool) string {
		w := lipgloss.Width(text)
		if c < left {
			if c == columns-1 {
				return text
			}
			return text + strings.Repeat(" ", max(0, width[c]-w))
		}
		after := 0
		if !header {
			_, f := split(text)
			after = part[c] - f
		}
		return strings.Repeat(" ", max(0, width[c]-w-after)) + text + strings.Repeat(" ", after)
	}
	line := func(block []int, cells []string, header bool) {
		var b strings.Builder
		for i, c := range block {
			text := cells[c]
			if i > 0 {
				b.WriteString("  ")
			}
			if last > 0 && c == columns-1 {
				text = strings.Join(wrap(text, last), "\n"+strings.Repeat(" ", p.app.width-last))
			}
			if c == 0 && lipgloss.Width(text) > width[0] {
				p.WriteString(text + "\n")
				text = ""
			}
			b.WriteString(cell(c, text, header))
		}
		out := strings.TrimRight(b.String(), " ")
		if header {
			out = p.style(lipgloss.NewStyle().Faint(true), out)
		}
		p.WriteString(out + "\n")
	}
	for i, block := range blocks {
		if i > 0 {
			p.WriteByte('\n')
		}
		if strings.Join(t.header, "") != "" {
			line(block, t.header, true)
		}
		for _, r := range t.rows {
			line(block, r, false)
		}
	}
}

// split is how many cells of a number stand before its decimal point, and how many from there on.
func split(s string) (whole, part int) {
	if i := strings.IndexAny(s, ".e"); i >= 0 {
		return lipgloss.Width(s[:i]), lipgloss.Width(s[i:])
	}
	return lipgloss.Width(s), 0
}

// digits writes v with n significant digits: as a decimal where that is readable, else with an exponent.
func digits(v float64, n int) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case math.IsInf(v, 0):
		return strconv.FormatFloat(v, 'g', -1, 64)
	case v == 0:
		return "0"
	}
	a := math.Abs(v)
	if a >= 1e-4 && a < 1e7 {
		// Rounding first: 9.99996 has one digit before the point more at five digits.
		e, _ := strconv.ParseFloat(strconv.FormatFloat(a, 'e', n-1, 64), 64)
		decimals := n - 1 - int(math.Floor(math.Log10(e)))
		return strconv.FormatFloat(v, 'f', max(decimals, 0), 64)
	}
	return strconv.FormatFloat(v, 'e', min(n-1, 3), 64)
}

// short is v with at most n significant digits, and no zeros at its end.
func short(v float64, n int) string {
	s := digits(v, n)
	if mantissa, exponent, ok := strings.Cut(s, "e"); ok && strings.Contains(mantissa, ".") {
		return strings.TrimRight(strings.TrimRight(mantissa, "0"), ".") + "e" + exponent
	}
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func optional(v *float64, n int) string {
	if v == nil {
		return "–"
	}
	return digits(*v, n)
}

// pValue writes a probability of a test as R does.
func pValue(v *float64) string {
	switch {
	case v == nil:
		return "–"
	case *v < 2e-16:
		return "<2e-16"
	case *v < 1e-4:
		return strconv.FormatFloat(*v, 'e', 1, 64)
	case *v < 1e-3:
		return digits(*v, 2)
	}
	return digits(*v, 3)
}

// fixed is a number with d decimals.
func fixed(v *float64, d int) string {
	if v == nil || math.IsNaN(*v) {
		return "–"
	}
	return decimals(*v, d)
}

// decimals is v with d decimals, and no minus before nothing but zeros.
func decimals(v float64, d int) string {
	s := strconv.FormatFloat(v, 'f', d, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return s
}

// count is "1 row", "2 rows".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// printable is a user's text on one line and without anything that a terminal would obey.
func printable(s string) string {
	const most = 200
	plain := len(s) <= most
	for _, r := range s {
		plain = plain && unicode.IsPrint(r)
	}
	if plain {
		return s
	}
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}
