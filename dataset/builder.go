package dataset

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// builder is a column on its way in: what is known of it before its cells, and at the end the decision what it is, from all cells. The cells are
// parts of blocks: numbers, or codes of texts where a block has a text in the column.
// A column of a forced type Levels (or Boolean, or the target) is codes from the start.
type builder struct {
	name    string
	index   int // from 1; 0: LIBSVM's label
	at      int // its part of a block
	forced  bool
	stated  bool // of a stream: forced by the user, not by the first rows
	want    Type // if forced
	target  bool
	direct  bool // codes from the start
	plain   bool // numbers may go in without asking: not direct, and no missing text is a number
	missing *Missing
	lost    atomic.Bool // the texts of irregular numbers took too much room and are not kept
	bytes   int         // that they took

	// When all is read:
	blocks   []*block // where its parts are
	parts    []*part
	words    dictionary
	entries  []entry                 // of words
	place    map[*dictionary][]int32 // from the codes of parts to entries
	numbers  int                     // cells that are numbers
	problems problems
}

// entry is one text of a column.
type entry struct {
	text   string
	rows   int
	first  int  // row
	number bool // it is one: some block has both texts and numbers
}

// keptTexts bounds the texts of irregular numbers that are kept until a column's type is known. The columns share it in their order: a column
// loses its texts when they and those of the columns before it take more.
const keptTexts = 64 << 20

// finish decides the type and gives the column; what is wrong goes to b.problems.
func (b *builder) finish(t *reading) *Column {
	c := &Column{Name: b.name, Index: b.index}
	b.gather(c)
	for _, e := range b.entries {
		if why := unfit(e.text); why != "" {
			t.problem(e.first, b, why+": "+quote(e.text), "")
		}
	}
	if b.problems.total > 0 {
		return c
	}
	switch {
	case b.direct && b.want == Boolean && !b.target:
		b.boolean(t, c)
	case b.direct:
		if b.target && b.mixedPairs(t) {
			return c
		}
		b.levels(t, c)
	case b.forced || b.isNumeric(t):
		c.Type = Numeric
		if b.strays(t); b.problems.total == 0 {
			c.Numbers = newNumbers(b.blocks, b.at, t.t.Rows, nan)
		}
	default:
		if b.problems.total > 0 {
			return c
		}
		if b.toCodes(t); b.problems.total > 0 {
			return c
		}
		if pair, _ := booleanText(b.entries[0].text); pair >= 0 && b.onePair() {
			b.boolean(t, c)
			return c
		}
		b.levels(t, c)
	}
	for _, p := range b.parts {
		p.more = nil
	}
	b.parts, b.words, b.entries, b.place = nil, dictionary{}, nil, nil
	return c
}

// gather counts what the parts hold.
func (b *builder) gather(c *Column) {
	b.parts = make([]*part, len(b.blocks))
	type count struct{ rows, first int }
	counts := map[*dictionary][]count{} // by code
	var all []*dictionary
	var codes []int32
	for i, block := range b.blocks {
		p := &block.parts[b.at]
		b.parts[i] = p
		b.numbers += int(p.numbers)
		c.Missing += int(p.missing)
		if p.more == nil {
			continue
		}
		for _, na := range p.more.na {
			c.met(na.Text, na.Rows, block.first+na.Row)
		}
		if p.more.words == nil {
			continue
		}
		of, met := counts[p.more.words]
		if !met {
			of = make([]count, len(p.more.words.entries))
			counts[p.more.words] = of
			all = append(all, p.more.words)
		}
		codes = slices.Grow(codes[:0], block.rows)[:block.rows]
		there, whole := block.whole(p)
		there.readCodes(codes, whole)
		for row, code := range codes {
			if code >= 0 {
				n := &of[code]
				if n.rows == 0 {
					n.first = block.first + row
				}
				n.rows++
			}
		}
	}
	// The texts that occur, in the order they are met: a dictionary also has those of rows that were given up.
	b.place = make(map[*dictionary][]int32, len(all))
	for _, words := range all {
		place := make([]int32, len(words.entries))
		for code, n := range counts[words] {
			if n.rows > 0 {
				place[code] = int32(b.code(words.text(code)))
				b.meet(int(place[code]), n.rows, n.first)
			}
		}
		b.place[words] = place
	}
}

// met counts a text that means missing. Spellings that differ in case are one.
func (c *Column) met(text string, rows, row int) {
	for i := range c.NA {
		if strings.EqualFold(c.NA[i].Text, text) {
			c.NA[i].Rows += rows
			return
		}
	}
	c.NA = append(c.NA, NA{Text: text, Rows: rows, Row: row})
}

// code is a text's place in entries.
func (b *builder) code(text []byte) int {
	code := b.words.code(text)
	if code == len(b.entries) {
		e := entry{text: string(text), first: math.MaxInt}
		if !b.direct {
			v, next := scanNumber(trimBlanks(text, 0), 0)
			e.number = next > 0 && next == len(trimBlanks(text, 0)) && !math.IsInf(v, 0)
		}
		b.entries = append(b.entries, e)
	}
	return code
}

func (b *builder) meet(code, rows, first int) {
	e := &b.entries[code]
	e.rows += rows
	e.first = min(e.first, first)
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
	if len(b.entries) == 0 {
		return true
	}
	if !b.lost.Load() && b.mixedPairs(t) {
		return false
	}
	numbers, all, written := b.numbers, b.numbers, 0
	first, what := entry{first: math.MaxInt}, ""
	for _, e := range b.entries {
		if e.number {
			continue
		}
		all += e.rows
		if v, ok := ParseNumber([]byte(e.text)); !ok && v != 0 {
			numbers += e.rows // too large, but a number
			continue
		}
		if w := decorated(e.text); w != "" {
			if written += e.rows; e.first < first.first {
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
func (b *builder) mixedPairs(t *reading) bool {
	const digits = len(pairs)
	type place struct {
		row  int // 0: not met
		text string
	}
	var firstOf [digits + 1]place
	meet := func(kind, row int, text string) {
		if f := &firstOf[kind]; f.row == 0 || row+1 < f.row {
			*f = place{row + 1, text}
		}
	}
	for _, e := range b.entries {
		kind, _ := booleanText(e.text)
		if kind < 0 {
			v, ok := ParseNumber(trimBlanks([]byte(e.text), 0))
			if !ok || v != 0 && v != 1 {
				return false
			}
			kind = digits
		}
		meet(kind, e.first, e.text)
	}
	var row [1]float64
	for i, p := range b.parts {
		if p.isCodes() || p.numbers == 0 {
			continue
		}
		block, p := b.blocks[i].whole(p)
		met := false
		for k := range block.rows {
			switch block.read(row[:], p, k, nan); {
			case math.IsNaN(row[0]):
			case row[0] != 0 && row[0] != 1:
				return false
			case !met:
				met = true
				meet(digits, block.first+k, string(b.numberAt(block, p, k)))
			}
		}
	}
	kinds := make([]int, 0, digits+1)
	for kind, f := range firstOf {
		if f.row > 0 {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) < 2 {
		return false
	}
	sort.Slice(kinds, func(i, j int) bool { return firstOf[kinds[i]].row < firstOf[kinds[j]].row })
	called := func(kind int) string {
		if kind == digits {
			return "0/1"
		}
		return pairName(kind)
	}
	second := firstOf[kinds[1]]
	t.problem(second.row-1, b, fmt.Sprintf("%s belongs to %s, but the column begins with %s", quote(second.text), called(kinds[1]), called(kinds[0])),
		"a boolean column has one pair")
	return true
}

// numberAt is the text of the first number of a part, which stands in the row of its block.
func (b *builder) numberAt(block *block, p *part, row int) []byte {
	var out []byte
	p.eachText(block, func(at int, text []byte) bool {
		out = slices.Clone(text)
		return at < row
	})
	return out
}

// eachText calls f for the text of every number of a part, until it answers false.
func (p *part) eachText(b *block, f func(row int, text []byte) bool) {
	b, p = b.whole(p)
	const decimals = 1 << packedBits
	var text []byte
	nth, from := 0, 0
	for row := range b.rows {
		var k int64
		var v float64
		digits, whole := int(p.digits), true
		switch at := int(p.at) + row; p.storage {
		case int8s:
			k = int64(b.i8[at])
			whole = k != math.MinInt8
		case int16s:
			k = int64(b.i16[at])
			whole = k != math.MinInt16
		case int32s:
			k = int64(b.i32[at])
			whole = k != math.MinInt32
		case packed:
			k = int64(b.i32[at] >> packedBits)
			digits = int(b.i32[at] & (decimals - 1))
			whole = b.i32[at] != math.MinInt32
		case float32s:
			v = float64(b.f32[at])
			whole = v == v
		case float64s:
			v = b.f64[at]
			whole = v == v
		default:
			return
		}
		if !whole {
			continue
		}
		form := int(p.decimals)
		switch {
		case p.spelling == spelled:
			form = int(p.more.forms[row])
		case p.storage == packed:
			form = digits
		case p.spelling == shortest:
			form = digits
			for r := k; form > 0 && r%10 == 0; form-- {
				r /= 10
			}
		}
		switch {
		case form >= irregular:
			if nth == len(p.more.ends) {
				return // lost
			}
			text = append(text[:0], p.more.kept[from:p.more.ends[nth]]...)
			from = p.more.ends[nth]
			nth++
		case p.storage == float32s || p.storage == float64s:
			text = strconv.AppendFloat(text[:0], v, 'f', form, 64)
		default:
			for d := digits; d > form; d-- {
				k /= 10
			}
			text = appendDecimal(text[:0], k, min(digits, form))
			if more := form - digits; more > 0 { // zeros that the digits do without
				if digits == 0 {
					text = append(text, '.')
				}
				text = append(text, zeros[:more]...)
			}
		}
		if !f(row, text) {
			return
		}
	}
}

// onePair reports whether all texts are of one pair, and there are no numbers.
func (b *builder) onePair() bool {
	want, _ := booleanText(b.entries[0].text)
	for _, e := range b.entries {
		if pair, _ := booleanText(e.text); pair != want {
			return false
		}
	}
	return true
}

// strays reports the cells of a numeric column that are no numbers: the first ten, and how many there are.
func (b *builder) strays(t *reading) {
	total := 0
	for _, e := range b.entries {
		if !e.number {
			total += e.rows
		}
	}
	if total == 0 {
		return
	}
	listed := 0
	for i, p := range b.parts {
		if !p.isCodes() {
			continue
		}
		codes := make([]int32, b.blocks[i].rows)
		there, whole := b.blocks[i].whole(p)
		there.readCodes(codes, whole)
		for row, code := range codes {
			if code < 0 {
				continue
			}
			e := &b.entries[b.place[p.more.words][code]]
			if e.number {
				continue
			}
			cure := ""
			if listed == 0 && !b.forced {
				cure = fmt.Sprintf("--categorical %s reads the column as levels", b.name)
			}
			t.problem(b.blocks[i].first+row, b, quote(e.text)+" "+notNumber(e.text), cure)
			if listed++; listed == maxListed || listed == total {
				b.problems.total += total - listed
				return
			}
		}
	}
}

// toCodes counts the numbers of a column of texts and numbers by their texts.
func (b *builder) toCodes(t *reading) {
	if b.lost.Load() {
		e := entry{first: math.MaxInt}
		for _, one := range b.entries {
			if !one.number && one.first < e.first {
				e = one
			}
		}
		t.problem(e.first, b, fmt.Sprintf("the column has %d numbers and other texts, such as this %s; the numbers' spelling was not kept",
			b.numbers, quote(e.text)), fmt.Sprintf("--categorical %s or --numeric %s decides", b.name, b.name))
		return
	}
	for i, p := range b.parts {
		if !p.isCodes() {
			p.eachText(b.blocks[i], func(row int, text []byte) bool {
				b.meet(b.code(text), 1, b.blocks[i].first+row)
				return true
			})
		}
	}
}

// codes gives the column every row's place of its text, and -1 where it is missing.
func (b *builder) codes(t *reading, c *Column, place []int32) {
	var some []int32
	if !b.target && t.t.scratch.Size() > 0 {
		c.spilled = newSpilledCodes(t.t.scratch, len(c.Levels), t.t.Rows)
	} else {
		c.Codes = make([]int32, t.t.Rows)
	}
	of := make(map[*dictionary][]int32, len(b.place))
	for words, to := range b.place {
		of[words] = make([]int32, len(to))
		for code, entry := range to {
			of[words][code] = place[entry]
		}
	}
	for i, p := range b.parts {
		block, p := b.blocks[i].whole(p)
		if c.spilled == nil {
			some = c.Codes[block.first:][:block.rows]
		} else {
			some = slices.Grow(some[:0], block.rows)[:block.rows]
		}
		block.readCodes(some, p)
		if p.isCodes() {
			of := of[p.more.words]
			for row, code := range some {
				if code >= 0 {
					some[row] = of[code]
				}
			}
		} else {
			p.eachText(block, func(row int, text []byte) bool {
				some[row] = place[b.code(text)]
				return true
			})
		}
		if c.spilled != nil {
			c.spilled.write(some, block.first)
		}
	}
}

// levels sorts the texts: by value where all are numbers, else by bytes.
func (b *builder) levels(t *reading, c *Column) {
	c.Type = Levels
	entries := b.entries
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
	b.codes(t, c, place)
}

// boolean makes 0 and 1 of the texts of one pair.
func (b *builder) boolean(t *reading, c *Column) {
	pair := -1
	inOrder := slices.Clone(b.entries)
	slices.SortFunc(inOrder, func(a, b entry) int { return a.first - b.first })
	for _, e := range inOrder {
		p, _ := booleanText(e.text)
		switch {
		case p < 0:
			t.problem(e.first, b, quote(e.text)+" is not one of true/false, t/f, yes/no, y/n", "")
			return
		case pair < 0:
			pair = p
		case p != pair:
			b.mixedPairs(t)
			return
		}
	}
	c.Type = Boolean
	if pair < 0 {
		pair = 0 // no value at all
	}
	c.Levels = []string{pairs[pair][0], pairs[pair][1]}
	c.Counts, c.First = make([]int, 2), []int{-1, -1}
	sides := make([]int32, len(b.entries))
	for i, e := range b.entries {
		_, side := booleanText(e.text)
		sides[i] = int32(side)
		c.Counts[side] += e.rows
		if c.First[side] < 0 || e.first < c.First[side] {
			c.First[side] = e.first
		}
	}
	b.codes(t, c, sides)
}
