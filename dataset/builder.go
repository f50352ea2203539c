package dataset

import (
	"fmt"
	"math"
	"sort"
	"strings"
	"unicode/utf8"
)

// builder gathers one column. Its type is decided at the end, from all cells, so until then each cell takes nine bytes: a number and its
// form, from which the number's text can be had back (number.go), or the code of a text and the form that says so.
// A column of a forced type Levels (or Boolean, or the target) is codes from the start.
type builder struct {
	numbers []float64
	forms   []uint8
	codes   []int32
	direct  bool // codes from the start
	plain   bool // numbers may go in without asking: not direct, and no missing text is a number

	name    string
	index   int // from 1; 0: LIBSVM's label
	forced  bool
	want    Type // if forced
	target  bool
	missing *Missing
	count   int // cells that are numbers
	absent  int // cells that are missing
	na      []NA
	texts   texts
	kept    []byte // texts of irregular numbers, one after the other
	ends    []int  // where each ends
	lost    bool   // they took too much room and are gone
	room    *int   // bytes that all columns of a table may still keep
}

// keptTexts bounds the texts of irregular numbers that are kept until a column's type is known, in all columns of a table together.
const keptTexts = 64 << 20

// add puts a number in; text is what stands in the file.
func (b *builder) add(v float64, form uint8, text []byte) {
	b.numbers = append(b.numbers, v)
	b.forms = append(b.forms, form)
	b.count++
	if form == irregular {
		b.keep(text, v)
	}
}

func (b *builder) keep(text []byte, v float64) {
	if math.IsInf(v, 0) { // too large: a text, which an error will quote if the column is numeric
		last := len(b.numbers) - 1
		b.count--
		b.forms[last] = textForm
		b.numbers[last] = float64(b.texts.code(text, last))
		return
	}
	if b.lost || b.forced {
		return
	}
	const perText = 8 // of ends
	if *b.room -= len(text) + perText; *b.room < 0 {
		*b.room += len(b.kept) + len(text) + perText*(len(b.ends)+1)
		b.kept, b.ends, b.lost = nil, nil, true
		return
	}
	b.kept = append(b.kept, text...)
	b.ends = append(b.ends, len(b.kept))
}

// cell puts a cell in whose outer blanks are gone, if they were outside quotes.
func (b *builder) cell(text []byte, quoted bool) {
	bare := text
	if quoted {
		bare = trimBlanks(text, 0)
	}
	if b.missing.Is(bare) {
		b.skip(bare)
		return
	}
	if b.direct {
		if b.target {
			text = bare // of a label, outer blanks are no part even in quotes
		}
		b.codes = append(b.codes, b.texts.code(text, len(b.codes)))
		return
	}
	if v, form, next := scanNumber(bare, 0); next == len(bare) {
		if len(bare) != len(text) {
			form = irregular // the blanks belong to the text
		}
		b.add(v, form, text)
		return
	}
	b.forms = append(b.forms, textForm)
	b.numbers = append(b.numbers, float64(b.texts.code(text, len(b.numbers))))
}

// skip puts a missing value in. A nil text is one that is not there at all.
func (b *builder) skip(text []byte) {
	row := b.rows()
	b.absent++
	b.met(text, row)
	if b.direct {
		b.codes = append(b.codes, -1)
		return
	}
	b.numbers = append(b.numbers, math.NaN())
	b.forms = append(b.forms, 0)
}

// met counts a text that means missing. Spellings that differ in case are one.
func (b *builder) met(text []byte, row int) {
	for i := range b.na {
		if strings.EqualFold(b.na[i].Text, string(text)) {
			b.na[i].Rows++
			return
		}
	}
	b.na = append(b.na, NA{Text: string(text), Rows: 1, Row: row})
}

func (b *builder) rows() int {
	if b.direct {
		return len(b.codes)
	}
	return len(b.numbers)
}

// finish decides the type and gives the column; what is wrong goes to t.problems.
func (b *builder) finish(t *reading) *Column {
	c := &Column{Name: b.name, Index: b.index, Missing: b.absent, NA: b.na}
	before := t.problems.total
	for _, e := range b.texts.entries {
		if why := unfit(e.text); why != "" {
			t.problem(e.first, b, why+": "+quote(e.text), "")
		}
	}
	if t.problems.total > before {
		return c
	}
	switch {
	case b.direct && b.want == Boolean && !b.target:
		b.boolean(t, c)
	case b.direct:
		if b.target && b.mixedPairs(t, false) {
			return c
		}
		c.Type, c.Codes = Levels, b.codes
		b.levels(c)
	case b.forced || b.isNumeric(t):
		c.Type, c.Numbers = Numeric, NewNumbers(b.numbers)
		b.strays(t)
	default:
		if t.problems.total > before {
			return c
		}
		if b.toCodes(t); t.problems.total > before {
			return c
		}
		c.Codes = b.codes
		if pair, _ := booleanText(b.texts.entries[0].text); pair >= 0 && b.onePair() {
			b.boolean(t, c)
			return c
		}
		c.Type = Levels
		b.levels(c)
	}
	b.forms, b.kept, b.ends = nil, nil, nil
	return c
}

// unfit says why a text cannot be a level.
func unfit(s string) string {
	if strings.ContainsRune(s, 0) {
		return "a NUL byte, so this is not text"
	}
	if !utf8.ValidString(s) {
		return "not UTF-8 text (convert the file, for example with iconv -t UTF-8)"
	}
	return ""
}

// isNumeric decides the type of a column whose type is not forced, from all its cells. Where it finds something wrong with a column of texts it
// says so and answers false.
func (b *builder) isNumeric(t *reading) bool {
	if len(b.texts.entries) == 0 {
		return true
	}
	if b.mixedPairs(t, true) {
		return false
	}
	numbers, all, written := b.count, b.count, 0
	first, what := textEntry{}, ""
	for _, e := range b.texts.entries {
		all += e.rows
		if v, ok := ParseNumber([]byte(e.text)); !ok && v != 0 {
			numbers += e.rows // too large, but a number
			continue
		}
		if w := decorated(e.text); w != "" {
			if written += e.rows; what == "" || e.first < first.first {
				first, what = e, w
			}
		}
	}
	if 2*numbers >= all {
		return true
	}
	if what != "" && 2*(numbers+written) >= all {
		t.problem(first.first, b, fmt.Sprintf("%s is not a number: it has %s", quote(first.text), what),
			fmt.Sprintf("write plain decimals, or --categorical %s reads the column as levels", b.name))
	}
	return false
}

// mixedPairs finds two kinds of boolean texts in a column that has nothing else, or one kind beside 0 and 1: an error at the first cell of the
// second kind. Of other columns it says nothing.
func (b *builder) mixedPairs(t *reading, numbers bool) bool {
	const digits = len(pairs)
	var firstOf [digits + 1]int // first row of each kind, +1; 0: not met
	meet := func(kind, row int) {
		if firstOf[kind] == 0 || row+1 < firstOf[kind] {
			firstOf[kind] = row + 1
		}
	}
	for _, e := range b.texts.entries {
		kind, _ := booleanText(e.text)
		if kind < 0 {
			v, ok := ParseNumber([]byte(e.text))
			if !ok || v != 0 && v != 1 {
				return false
			}
			kind = digits
		}
		meet(kind, e.first)
	}
	if numbers && b.count > 0 {
		for row, v := range b.numbers {
			if b.forms[row] == textForm || math.IsNaN(v) {
				continue
			}
			if v != 0 && v != 1 {
				return false
			}
			meet(digits, row)
		}
	}
	kinds := make([]int, 0, digits+1)
	for kind, row := range firstOf {
		if row > 0 {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) < 2 {
		return false
	}
	sort.Slice(kinds, func(i, j int) bool { return firstOf[kinds[i]] < firstOf[kinds[j]] })
	called := func(kind int) string {
		if kind == digits {
			return "0/1"
		}
		return pairName(kind)
	}
	row := firstOf[kinds[1]] - 1
	t.problem(row, b, fmt.Sprintf("%s belongs to %s, but the column begins with %s", quote(b.textAt(row)), called(kinds[1]), called(kinds[0])),
		"a boolean column has one pair")
	return true
}

// onePair reports whether all texts are of one pair, and there are no numbers.
func (b *builder) onePair() bool {
	want, _ := booleanText(b.texts.entries[0].text)
	for _, e := range b.texts.entries {
		if pair, _ := booleanText(e.text); pair != want {
			return false
		}
	}
	return true
}

// textAt is what stands in a row that is not missing.
func (b *builder) textAt(row int) string {
	if b.direct {
		return b.texts.entries[b.codes[row]].text
	}
	switch form := b.forms[row]; form {
	case textForm:
		return b.texts.entries[int(b.numbers[row])].text
	case irregular:
		return string(appendNumber(nil, b.numbers[row], 0))
	default:
		return string(appendNumber(nil, b.numbers[row], form))
	}
}

// strays reports the cells of a numeric column that are no numbers: the first ten, and how many there are.
func (b *builder) strays(t *reading) {
	if len(b.texts.entries) == 0 {
		return
	}
	total := 0
	for _, e := range b.texts.entries {
		total += e.rows
	}
	listed := 0
	for row, form := range b.forms {
		if form != textForm {
			continue
		}
		s := b.textAt(row)
		cure := ""
		if listed == 0 && !b.forced {
			cure = fmt.Sprintf("--categorical %s reads the column as levels", b.name)
		}
		t.problem(row, b, quote(s)+" "+notNumber(s), cure)
		if listed++; listed == maxListed || listed == total {
			break
		}
	}
	t.problems.total += total - listed
}

// toCodes turns a column of texts and numbers into codes, the numbers by their texts.
func (b *builder) toCodes(t *reading) {
	if b.lost {
		e := b.texts.entries[0]
		t.problem(e.first, b, fmt.Sprintf("the column has %d numbers and other texts, such as this %s; the numbers' spelling was not kept",
			b.count, quote(e.text)), fmt.Sprintf("--categorical %s or --numeric %s decides", b.name, b.name))
		return
	}
	b.codes = make([]int32, len(b.numbers))
	var scratch []byte
	nth, from := 0, 0
	for row, v := range b.numbers {
		switch form := b.forms[row]; {
		case form == textForm:
			b.codes[row] = int32(v)
		case math.IsNaN(v):
			b.codes[row] = -1
		case form == irregular:
			b.codes[row] = b.texts.code(b.kept[from:b.ends[nth]], row)
			from = b.ends[nth]
			nth++
		default:
			scratch = appendNumber(scratch[:0], v, form)
			b.codes[row] = b.texts.code(scratch, row)
		}
	}
	b.numbers = nil
}

// levels sorts the texts: by value where all are numbers, else by bytes.
func (b *builder) levels(c *Column) {
	entries := b.texts.entries
	values := make([]float64, len(entries))
	numbers := true
	for i, e := range entries {
		v, ok := ParseNumber([]byte(e.text))
		values[i] = v
		numbers = numbers && ok
	}
	order := make([]int, len(entries))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool {
		a, b := order[i], order[j]
		if numbers && values[a] != values[b] {
			return values[a] < values[b]
		}
		return entries[a].text < entries[b].text
	})
	place := make([]int32, len(entries))
	for to, from := range order {
		e := entries[from]
		place[from] = int32(to)
		c.Levels = append(c.Levels, e.text)
		c.Counts = append(c.Counts, e.rows)
		c.First = append(c.First, e.first)
	}
	for row, code := range c.Codes {
		if code >= 0 {
			c.Codes[row] = place[code]
		}
	}
}

// boolean makes 0 and 1 of the texts of one pair.
func (b *builder) boolean(t *reading, c *Column) {
	pair := -1
	for _, e := range b.texts.entries {
		p, _ := booleanText(e.text)
		switch {
		case p < 0:
			t.problem(e.first, b, quote(e.text)+" is not one of true/false, t/f, yes/no, y/n", "")
			return
		case pair < 0:
			pair = p
		case p != pair:
			b.mixedPairs(t, false)
			return
		}
	}
	c.Type, c.Codes = Boolean, b.codes
	if pair < 0 {
		pair = 0 // no value at all
	}
	c.Levels = []string{pairs[pair][0], pairs[pair][1]}
	c.Counts, c.First = make([]int, 2), []int{-1, -1}
	sides := make([]int32, len(b.texts.entries))
	for i, e := range b.texts.entries {
		_, side := booleanText(e.text)
		sides[i] = int32(side)
		c.Counts[side] += e.rows
		if c.First[side] < 0 || e.first < c.First[side] {
			c.First[side] = e.first
		}
	}
	for row, code := range c.Codes {
		if code >= 0 {
			c.Codes[row] = sides[code]
		}
	}
}
