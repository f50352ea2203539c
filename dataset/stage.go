package dataset

import (
	"math"
	"slices"
)

// stage gathers rows as they are parsed, up to its room; seal makes a block of them. A cell is a slot of eight bytes and a form that says what it is.
type stage struct {
	columns []*builder // in use
	texts   []stageTexts
	rows    int
	room    int // rows
	stride  int // slots of one column
	slots   []uint64
	forms   []uint8

	count [256]int32 // of forms, for seal
	scale *scales
	line  []byte // a number's text
}

// stageTexts is what a column of a stage has besides its slots.
type stageTexts struct {
	words *dictionary // of this stage's texts, from its beginning: parts refer to it
	mixed *dictionary // those and texts of numbers, of blocks that have both: no number is ever found among words
	codes []int32     // from words to mixed, +1
	na    [][]byte    // distinct texts that mean missing; the first is the empty one
	kept  []byte      // texts of irregular numbers
	ends  []int
	bytes int  // what they take
	lost  bool // they are not kept
	text  bool // the last cell was a text
}

// Forms of a cell. Below mostDecimals the slot is an integer m and the cell the number m/10^form, whose text is m with form decimals: no plus sign,
// no superfluous zeros in front, no -0, no exponent, |m| < 10^15. With irregular added the text is another one, and was kept. (A decimal of 15 digits survives
// the way through float64: Goldberg, "What every computer scientist should know about floating-point arithmetic", 1991, section "Binary to decimal conversion".)
const (
	mostDecimals = 22
	formFloat    = 0x40 | irregular // the slot is a float64's bits
	irregular    = 0x80
	formMissing  = 0xfe // the slot is the text's place in stageTexts.na
	formText     = 0xff // the slot is the text's code
)

// slotForm is a cell.
type slotForm struct {
	slot uint64
	form uint8
}

// Sizes of a stage: about stageCells cells, so that they stay near the processor; never fewer rows than leastRows, as every part has a head, unless that were more than mostCells.
const (
	stageCells = 1 << 15
	leastRows  = 256
	mostCells  = 1 << 20
)

func stageRows(columns int) int {
	columns = max(columns, 1)
	return max(1, min(max(stageCells/columns, leastRows), mostCells/columns))
}

func newStage(columns []*builder, room int) *stage {
	// An odd number of cache lines from column to column, so that they do not share the same few sets of the cache.
	stride := (room+7)/8*8 | 8
	s := &stage{columns: columns, texts: make([]stageTexts, len(columns)), room: room, stride: stride,
		slots: make([]uint64, stride*len(columns)), forms: make([]uint8, stride*len(columns))}
	for at, b := range columns {
		s.texts[at].text, s.texts[at].words = !b.plain, &dictionary{}
	}
	s.begin()
	return s
}

// begin empties the stage.
func (s *stage) begin() {
	s.rows = 0
	for at, b := range s.columns {
		x := &s.texts[at]
		x.na = append(x.na[:0], nil)
		x.kept, x.ends, x.bytes = x.kept[:0], x.ends[:0], 0
		x.lost = b.forced || b.lost.Load()
	}
}

func (s *stage) full() bool { return s.rows == s.room }

// cell puts a cell of the row s.rows in, whose outer blanks are gone if they were outside quotes.
func (s *stage) cell(at int, text []byte, quoted bool) {
	b, x := s.columns[at], &s.texts[at]
	bare := text
	if quoted {
		bare = trimBlanks(text, 0)
	}
	i := at*s.stride + s.rows
	if b.missing.Is(bare) {
		s.skip(at, bare)
		return
	}
	if !b.direct {
		if slot, form, next := scanCell(bare, 0); next == len(bare) && form != formText {
			if len(bare) != len(text) {
				form |= irregular // the blanks belong to the text
			}
			if form >= irregular {
				x.keep(text)
			}
			x.text = !b.plain
			s.slots[i], s.forms[i] = slot, form
			return
		}
		x.text = true
	} else if b.target {
		text = bare // of a label, outer blanks are no part even in quotes
	}
	s.slots[i], s.forms[i] = uint64(x.words.code(text)), formText
}

// skip puts a missing value in. A nil text is one that is not there at all.
func (s *stage) skip(at int, text []byte) {
	x := &s.texts[at]
	i := at*s.stride + s.rows
	s.forms[i] = formMissing
	for k, t := range x.na {
		if string(t) == string(text) {
			s.slots[i] = uint64(k)
			return
		}
	}
	s.slots[i] = uint64(len(x.na))
	x.na = append(x.na, slices.Clone(text))
}

const perText = 8 // bytes that a kept text takes besides its own

func (x *stageTexts) keep(text []byte) {
	if !x.lost {
		x.bytes += len(text) + perText
		x.kept = append(x.kept, text...)
		x.ends = append(x.ends, len(x.kept))
	}
}

// undo takes back the cells of the unfinished row, of the first columns of the file.
func (s *stage) undo(columns []int32, before int) {
	for _, at := range columns[:before] {
		if at < 0 {
			continue
		}
		x := &s.texts[at]
		if f := s.forms[int(at)*s.stride+s.rows]; f < irregular || f >= formMissing || x.lost {
			continue
		}
		last, from := len(x.ends)-1, 0
		if last > 0 {
			from = x.ends[last-1]
		}
		x.bytes -= len(x.kept) - from + perText
		x.kept, x.ends = x.kept[:from], x.ends[:last]
	}
}

// seal makes a block of the rows and empties the stage.
func (s *stage) seal() *block {
	b := &block{rows: s.rows, parts: make([]part, len(s.columns))}
	var cells [codes32 + 1]int
	for at := range s.columns {
		p := &b.parts[at]
		s.judge(at, p)
		kind := p.storage
		if kind == packed {
			kind = int32s
		}
		p.at = int32(cells[kind])
		cells[kind] += s.rows
	}
	b.i8, b.i16, b.i32 = make([]int8, cells[int8s]), make([]int16, cells[int16s]), make([]int32, cells[int32s])
	b.f32, b.f64 = make([]float32, cells[float32s]), make([]float64, cells[float64s])
	b.c8, b.c16, b.c32 = make([]uint8, cells[codes8]), make([]uint16, cells[codes16]), make([]uint32, cells[codes32])
	for at := range s.columns {
		s.store(at, b)
	}
	s.begin()
	return b
}

// judge finds how a column's cells are stored.
func (s *stage) judge(at int, p *part) {
	x := &s.texts[at]
	slots, forms := s.slots[at*s.stride:][:s.rows], s.forms[at*s.stride:][:s.rows]
	if len(forms) == 0 {
		return
	}
	count := &s.count
	clear(count[:])
	if same(forms) {
		count[forms[0]] = int32(len(forms))
	} else {
		for _, f := range forms {
			count[f]++
		}
	}
	p.missing = count[formMissing]
	texts := count[formText]
	p.numbers = int32(len(forms)) - p.missing - texts
	if p.missing > 0 {
		s.countMissing(at, p)
	}
	if texts > 0 {
		s.judgeTexts(at, p)
		return
	}
	if p.numbers == 0 {
		p.storage = absent
		return
	}

	kinds, last, digits, odd := 0, 0, 0, int32(0)
	for f, n := range count[:formMissing] {
		if n == 0 {
			continue
		}
		kinds, last = kinds+1, f
		if f >= irregular {
			odd += n
		}
		if f != formFloat {
			digits = max(digits, f&^irregular)
		}
	}
	switch {
	case count[formFloat] == 0 && s.integers(slots, forms, digits, p):
	case count[formFloat] == 0 && small(slots, forms):
		p.storage = packed
	case single(slots, forms):
		p.storage = float32s
	default:
		p.storage = float64s
	}
	// How the texts are had back, should the column turn out to be one of levels.
	switch {
	case s.columns[at].forced:
		p.spelling = unspelt
	case kinds == 1 && odd == 0:
		p.spelling, p.decimals = fixed, uint8(last)
	case odd == 0 && (p.storage == packed || p.storage <= int32s && noZeros(slots, forms)):
		p.spelling = shortest
	default:
		p.spelling = spelled
		m := p.texts()
		m.forms = slices.Clone(forms)
		m.kept, m.ends, m.bytes = slices.Clone(x.kept), slices.Clone(x.ends), x.bytes
	}
	// Numbers written with more digits than they need, as 1.000000000000000000e-01. The texts are kept by now.
	if p.storage == float32s || p.storage == float64s {
		if digits, ok := inDisguise(slots, forms); ok {
			s.integers(slots, forms, digits, p)
		}
	}
}

// inDisguise gives all numbers the few digits that disguise finds, or none; digits is the most that one has.
func inDisguise(slots []uint64, forms []uint8) (digits int, ok bool) {
	for i, f := range forms {
		if f != formMissing {
			if _, f = disguise(number(slots[i], f)); f == formFloat {
				return 0, false
			}
			digits = max(digits, int(f))
		}
	}
	for i, f := range forms {
		if f != formMissing {
			slots[i], forms[i] = disguise(number(slots[i], f))
		}
	}
	return digits, true
}

// small reports whether all decimals have few enough digits to be packed.
func small(slots []uint64, forms []uint8) bool {
	for i, f := range forms {
		if m := int64(slots[i]); (m > mostPacked || m < -mostPacked) && f != formMissing {
			return false
		}
	}
	return true
}

// single reports whether all numbers are float32.
func single(slots []uint64, forms []uint8) bool {
	for i, f := range forms {
		if v := number(slots[i], f); float64(float32(v)) != v && f != formMissing {
			return false
		}
	}
	return true
}

func (p *part) texts() *partTexts {
	if p.more == nil {
		p.more = &partTexts{}
	}
	return p.more
}

// same reports whether all bytes are one.
func same(forms []uint8) bool {
	for _, f := range forms {
		if f != forms[0] {
			return false
		}
	}
	return true
}

// noZeros reports whether no number ends in a superfluous zero.
func noZeros(slots []uint64, forms []uint8) bool {
	for i, f := range forms {
		if f != 0 && f != formMissing && int64(slots[i])%10 == 0 {
			return false
		}
	}
	return true
}

// integers finds the narrowest storage of all cells as k/10^digits, with the fewest digits that do; false if k does not fit.
func (s *stage) integers(slots []uint64, forms []uint8, digits int, p *part) bool {
	fewest := fewestDigits(slots, forms, digits)
	plain := fewest == digits && p.missing == 0
	digits = fewest
	low, high := int64(mostInt32), int64(-mostInt32)
	sc := s.scales(digits)
	for plain && len(forms) >= 64 { // without branches; what is left over is done below
		var over int64
		for i, f := range forms[:64] {
			m := int64(slots[i])
			over |= (sc.most[f] - m) | (sc.most[f] + m) // negative if it does not fit
			k := m * sc.times[f]
			low, high = min(low, k), max(high, k)
		}
		if over < 0 {
			return false
		}
		slots, forms = slots[64:], forms[64:]
	}
	for i, f := range forms {
		if f == formMissing {
			continue
		}
		k, ok := scaled(int64(slots[i]), int(f&^irregular), digits)
		if !ok {
			return false
		}
		low, high = min(low, k), max(high, k)
	}
	p.digits, p.low, p.high = uint8(digits), int32(low), int32(high)
	switch {
	case low > math.MinInt8 && high <= math.MaxInt8:
		p.storage = int8s
	case low > math.MinInt16 && high <= math.MaxInt16:
		p.storage = int16s
	default:
		p.storage = int32s
	}
	return true
}

// scales is, by form, what a cell's integer is multiplied with to be a k of k/10^digits, and how large it may be.
type scales struct {
	times, most [256]int64
}

// scales fills in those for as many digits; of all forms beyond only 0 fits.
func (s *stage) scales(digits int) *scales {
	if s.scale == nil {
		s.scale = &scales{}
		s.scale.most[formMissing], s.scale.most[formText] = math.MaxInt64/2, math.MaxInt64/2
	}
	for f := range mostDecimals + 1 {
		times, most := int64(0), int64(0)
		if d := digits - f; d >= 0 && d < 10 {
			times, most = pow10int[d], mostInt32/pow10int[d]
		}
		for _, f := range [...]int{f, f | irregular} {
			s.scale.times[f], s.scale.most[f] = times, most
		}
	}
	return s.scale
}

// scaled is the k of k/10^digits = m/10^d, where it has no fraction; false if it does not fit in 31 bits and a sign.
func scaled(m int64, d, digits int) (k int64, ok bool) {
	switch {
	case d > digits:
		m /= pow10int[min(d-digits, len(pow10int)-1)]
	case d < digits && m != 0:
		if digits-d > 9 || m > mostInt32 || m < -mostInt32 {
			return 0, false
		}
		m *= pow10int[digits-d]
	}
	return m, m <= mostInt32 && m >= -mostInt32
}

// fewestDigits is how many of the digits are not superfluous zeros in every cell.
func fewestDigits(slots []uint64, forms []uint8, digits int) int {
	fewest := 0
	for i, f := range forms {
		if f == formMissing {
			continue
		}
		k, d := int64(slots[i]), int(f&^irregular)
		for d > fewest && k%10 == 0 {
			k /= 10
			d--
		}
		if fewest = max(fewest, d); fewest == digits {
			break
		}
	}
	return fewest
}

// countMissing counts the texts that mean missing.
func (s *stage) countMissing(at int, p *part) {
	x := &s.texts[at]
	slots, forms := s.slots[at*s.stride:][:s.rows], s.forms[at*s.stride:][:s.rows]
	na := make([]NA, len(x.na))
	for i, f := range forms {
		if f == formMissing {
			n := &na[slots[i]]
			if n.Rows == 0 {
				n.Text, n.Row = string(x.na[slots[i]]), i
			}
			n.Rows++
		}
	}
	met := na[:0]
	for _, n := range na {
		if n.Rows > 0 {
			met = append(met, n)
		}
	}
	slices.SortFunc(met, func(a, b NA) int { return a.Row - b.Row })
	p.texts().na = met
}

// judgeTexts makes codes of all cells of a column with texts: also of its numbers, which are no numbers then.
func (s *stage) judgeTexts(at int, p *part) {
	x := &s.texts[at]
	slots, forms := s.slots[at*s.stride:][:s.rows], s.forms[at*s.stride:][:s.rows]
	words := x.words
	if p.numbers > 0 {
		if x.mixed == nil {
			x.mixed = &dictionary{}
		}
		words = x.mixed
		x.codes = append(x.codes, make([]int32, len(x.words.entries)-len(x.codes))...)
		nth, from := 0, 0
		for i, f := range forms {
			switch {
			case f == formMissing:
				continue
			case f == formText:
				code := &x.codes[slots[i]]
				if *code == 0 {
					*code = int32(words.code(x.words.text(int(slots[i])))) + 1
				}
				slots[i] = uint64(*code - 1)
				continue
			case f < irregular:
				s.line = appendDecimal(s.line[:0], int64(slots[i]), int(f))
				slots[i] = uint64(words.code(s.line))
			case nth < len(x.ends):
				slots[i] = uint64(words.code(x.kept[from:x.ends[nth]]))
				from = x.ends[nth]
				nth++
			default:
				forms[i] = formMissing // lost; if it matters there is an error
				continue
			}
			forms[i] = formText
		}
	}
	m := p.texts()
	m.bytes, m.words = x.bytes, words
	switch n := len(words.entries); {
	case n <= math.MaxUint8:
		p.storage = codes8
	case n <= math.MaxUint16:
		p.storage = codes16
	default:
		p.storage = codes32
	}
}

// store writes a column's cells into the block.
func (s *stage) store(at int, b *block) {
	p := &b.parts[at]
	slots, forms := s.slots[at*s.stride:][:s.rows], s.forms[at*s.stride:][:s.rows]
	from := int(p.at)
	switch p.storage {
	case int8s:
		storeInts(b.i8[from:][:s.rows], slots, forms, p, math.MinInt8, s.scales(int(p.digits)))
	case int16s:
		storeInts(b.i16[from:][:s.rows], slots, forms, p, math.MinInt16, s.scales(int(p.digits)))
	case int32s:
		storeInts(b.i32[from:][:s.rows], slots, forms, p, math.MinInt32, s.scales(int(p.digits)))
	case packed:
		for i, f := range forms {
			k := int32(slots[i])<<packedBits | int32(f&^irregular)
			if f == formMissing {
				k = math.MinInt32
			}
			b.i32[from+i] = k
		}
	case float32s:
		for i, f := range forms {
			b.f32[from+i] = float32(number(slots[i], f))
		}
	case float64s:
		for i, f := range forms {
			b.f64[from+i] = number(slots[i], f)
		}
	case codes8:
		storeCodes(b.c8[from:][:s.rows], slots, forms)
	case codes16:
		storeCodes(b.c16[from:][:s.rows], slots, forms)
	case codes32:
		storeCodes(b.c32[from:][:s.rows], slots, forms)
	}
}

func storeInts[T int8 | int16 | int32](out []T, slots []uint64, forms []uint8, p *part, none T, sc *scales) {
	if p.missing == 0 && p.spelling == fixed && p.decimals == p.digits {
		for i, k := range slots[:len(out)] {
			out[i] = T(k)
		}
		return
	}
	for i, f := range forms[:len(out)] {
		if f == formMissing {
			out[i] = none
			continue
		}
		times := sc.times[f]
		if times == 0 { // superfluous zeros
			k, _ := scaled(int64(slots[i]), int(f&^irregular), int(p.digits))
			out[i] = T(k)
			continue
		}
		out[i] = T(int64(slots[i]) * times)
	}
}

func storeCodes[T uint8 | uint16 | uint32](out []T, slots []uint64, forms []uint8) {
	for i, f := range forms[:len(out)] {
		out[i] = 0
		if f == formText {
			out[i] = T(slots[i] + 1)
		}
	}
}

// number is the value of a cell that is no text.
func number(slot uint64, form uint8) float64 {
	switch form {
	case formFloat:
		return math.Float64frombits(slot)
	case formMissing:
		return nan
	}
	return decimal(int64(slot), int(form&^irregular))
}
