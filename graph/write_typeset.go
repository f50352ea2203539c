package graph

import (
	"unicode"
	"unicode/utf8"
)

// A run is text set in one style at one place, or (with no text) a bar: a rectangle.
type run struct {
	x, y          float64 // y: baseline; of a bar, its middle
	width, size   float64
	text          string
	italic, roman bool // roman: upright serif; neither: a fraction bar
}

// A typeset is a formula with every letter in its place, the origin on the left of its baseline.
type typeset struct {
	runs            []run
	width           float64
	ascent, descent float64
}

// setter sets formulas in a serif face with the widths of Times, which every system has in some
// form; a viewer with another face squeezes each run to the width it was given (textLength).
// Widths: Adobe Core 14 AFM files, Times-Roman and Times-Italic, 1/1000 em.
func (g *glyph) set(size float64) typeset {
	var t typeset
	g.setInto(&t, size)
	return t
}

func (t *typeset) text(s string, size float64, italic bool) {
	w := textWidth(s, italic) * size
	t.runs = append(t.runs, run{x: t.width, width: w, size: size, text: s, italic: italic, roman: !italic})
	t.width += w
	t.grow(0.70*size, 0.22*size)
}

func (t *typeset) grow(ascent, descent float64) {
	t.ascent, t.descent = max(t.ascent, ascent), max(t.descent, descent)
}

func (t *typeset) space(em, size float64) { t.width += em * size }

// put adds another typeset, raised by up.
func (t *typeset) put(u typeset, up float64) {
	for _, r := range u.runs {
		r.x += t.width
		r.y -= up
		t.runs = append(t.runs, r)
	}
	t.width += u.width
	t.grow(u.ascent+up, u.descent-up)
}

const smallerBy = 0.74

func (g *glyph) setInto(t *typeset, size float64) {
	switch g.kind {
	case rowGlyph:
		for _, k := range g.kids {
			k.setInto(t, size)
		}
	case letterGlyph:
		l := spell(g.text)
		if l.derivative {
			t.text("d", size, true)
		}
		t.text(l.base, size, !l.upright())
		if l.index != "" {
			var s typeset
			s.text(l.index, size*smallerBy, false)
			t.space(0.02, size)
			t.put(s, -0.2*size)
		}
		if l.word() {
			t.space(0.03, size)
		}
	case numberGlyph:
		if g.text == "inf" {
			t.text("∞", size, false)
		} else {
			t.text(g.text, size, false)
		}
	case wordGlyph:
		s := g.form.symbol(g.text)
		t.text(s, size, utf8.RuneCountInString(s) == 1 && unicode.IsLower([]rune(s)[0]))
		t.space(0.03, size)
	case binaryGlyph:
		gap := 0.22
		if g.text == "·" {
			gap = 0.14
		}
		t.space(gap, size)
		t.text(g.text, size, false)
		t.space(gap, size)
	case relationGlyph:
		t.space(0.28, size)
		t.text(g.text, size, false)
		t.space(0.28, size)
	case signGlyph:
		t.text(g.text, size, false)
		t.space(0.04, size)
	case markGlyph:
		t.text(g.text, size, false)
	case sumGlyph:
		t.text("∑", size*1.15, false)
		t.space(0.14, size)
	case thinGlyph:
		t.space(0.14, size)
	case fractionGlyph:
		small := size * 0.82
		top, bottom := g.kids[0].set(small), g.kids[1].set(small)
		wide := max(top.width, bottom.width) + 0.3*size
		axis := 0.26 * size
		var f typeset
		f.runs = append(f.runs, run{x: 0.06 * size, y: -axis, width: wide - 0.12*size, size: max(1, size/16)})
		at := func(u typeset, up float64) {
			f.width = (wide - u.width) / 2
			f.put(u, up)
		}
		at(top, axis+0.14*size+top.descent)
		at(bottom, axis-0.14*size-bottom.ascent)
		f.width = wide
		t.space(0.06, size)
		t.put(f, 0)
		t.space(0.06, size)
	case powerGlyph:
		base := g.kids[0].set(size)
		up := max(0.38*size, base.ascent-0.36*size)
		t.put(base, 0)
		t.space(0.04, size)
		t.put(g.kids[1].set(size*smallerBy), up)
	case indexGlyph:
		t.put(g.kids[0].set(size), 0)
		var s typeset
		s.text(g.text, size*smallerBy, false)
		t.put(s, -0.2*size)
	case fenceGlyph:
		open, shut := g.text[:1], g.text[1:]
		in := g.kids[0].set(size)
		tall := size
		if g.tall() {
			tall = max(size, (in.ascent+in.descent)/0.92)
		}
		bracket := func(s string) {
			var f typeset
			f.text(s, tall, false)
			// Centred on what it holds.
			middle := (in.ascent - in.descent) / 2
			up := middle - 0.24*tall
			if tall == size {
				up = 0
			}
			t.put(f, up)
		}
		bracket(open)
		t.put(in, 0)
		bracket(shut)
	}
}

// upright letters: capital Greek, the script L, and words.
func (l letter) upright() bool {
	r, _ := utf8.DecodeRuneInString(l.base)
	return r == 'ℒ' || l.word() || unicode.IsUpper(r) && r >= 0x391 && r <= 0x3A9
}

// textWidth is the width of s in em.
func textWidth(s string, italic bool) float64 {
	w := 0
	for _, r := range s {
		w += runeWidth(r, italic)
	}
	return float64(w) / 1000
}

func runeWidth(r rune, italic bool) int {
	switch {
	case r >= '0' && r <= '9':
		return 500
	case r >= 'a' && r <= 'z':
		if italic {
			return italicSmall[r-'a']
		}
		return romanSmall[r-'a']
	case r >= 'A' && r <= 'Z':
		if italic {
			return italicCapital[r-'A']
		}
		return romanCapital[r-'A']
	}
	if w, ok := romanOther[r]; ok {
		return w
	}
	switch {
	case r >= 0x3B1 && r <= 0x3C9:
		return 520
	case r >= 0x1100 && (r <= 0x115F || r >= 0x2E80 && r <= 0xA4CF || r >= 0xAC00 && r <= 0xD7A3 ||
		r >= 0xF900 && r <= 0xFAFF || r >= 0xFE30 && r <= 0xFE4F || r >= 0xFF00 && r <= 0xFF60 || r >= 0x1F300 && r <= 0x3FFFD):
		return 1000
	case unicode.Is(unicode.Mn, r):
		return 0
	}
	return 600
}

var (
	romanSmall    = [26]int{444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500, 278, 778, 500, 500, 500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444}
	romanCapital  = [26]int{722, 667, 667, 722, 611, 556, 722, 722, 333, 389, 722, 611, 889, 722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722, 722, 611}
	italicSmall   = [26]int{500, 500, 444, 500, 444, 278, 500, 500, 278, 278, 444, 278, 722, 500, 500, 500, 500, 389, 389, 278, 500, 444, 667, 444, 444, 389}
	italicCapital = [26]int{611, 611, 667, 722, 611, 611, 722, 722, 333, 444, 667, 556, 833, 667, 722, 611, 722, 611, 500, 556, 722, 611, 833, 611, 556, 556}
	romanOther    = map[rune]int{' ': 250, '(': 333, ')': 333, '[': 333, ']': 333, '+': 564, '=': 564, '<': 564, '>': 564, '−': 564,
		'-': 333, ',': 250, '.': 250, '·': 250, ':': 278, ';': 278, '/': 278, '|': 200, '_': 500, '?': 444, '!': 333, '∑': 713, '∞': 713, '⋯': 1000,
		'←': 987, '→': 987, '≤': 549, '≥': 549, '∂': 494, 'ℒ': 820, '⊤': 700, '\'': 180, '"': 408, '%': 833, '&': 778, '#': 500, '$': 500, '*': 500, '×': 564}
)

func utf8Len(s string) int { return utf8.RuneCountInString(s) }
