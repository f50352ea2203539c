package dataset

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
)

// maxIndex is the largest index a LIBSVM file may use, so that an index fits in an int32.
const maxIndex = math.MaxInt32

// libsvm reads lines "label index:value index:value … # comment". The label is the first word, if that is no pair; indices
// ascend. qid:N is passed over and counted.
type libsvm struct {
	w      *window
	name   string
	rec    Record
	failed error
	zero   int // first line with an index 0
	qid    int // first line with qid:
}

func (s *libsvm) next() (*Record, error) {
	for s.failed == nil {
		rec, line, _, state := s.w.record()
		switch {
		case state == atEnd && s.w.err != nil:
			s.failed = inputError(s.name, s.w.err)
			continue
		case state == atEnd:
			s.failed = io.EOF
			continue
		case state == tooLong:
			s.failed = &Error{File: s.name, Line: line, Message: fmt.Sprintf("the line is longer than the limit of %d MiB", maxRecord>>20), final: true}
			continue
		}
		if i := bytes.IndexByte(rec, '#'); i >= 0 {
			rec = rec[:i]
		}
		i := blanksEnd(rec, 0)
		if i == len(rec) {
			continue
		}
		if e := s.parse(rec, i, line); e != nil {
			return nil, e
		}
		return &s.rec, nil
	}
	return nil, s.failed
}

func blanksEnd(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}

func wordEnd(b []byte, i int) int {
	for i < len(b) && b[i] != ' ' && b[i] != '\t' {
		i++
	}
	return i
}

// parse reads one line that begins at rec[i].
func (s *libsvm) parse(rec []byte, i, line int) *Error {
	r := &s.rec
	*r = Record{Line: line, Index: r.Index[:0], Value: r.Value[:0], cells: r.cells[:0]}
	at := func(name, format string, args ...any) *Error {
		return &Error{File: s.name, Line: line, Name: name, Message: fmt.Sprintf(format, args...)}
	}
	if end := wordEnd(rec, i); bytes.IndexByte(rec[i:end], ':') < 0 {
		r.Label = rec[i:end]
		i = blanksEnd(rec, end)
	}
	last := -1
	for i < len(rec) {
		word := i
		var large int64 // as read; int may have 32 bits
		digits := 0
		for i < len(rec) && rec[i]-'0' <= 9 {
			if large <= maxIndex {
				large = large*10 + int64(rec[i]-'0')
			}
			i++
			digits++
		}
		if digits == 0 || i == len(rec) || rec[i] != ':' {
			text := rec[word:wordEnd(rec, word)]
			if bytes.HasPrefix(text, []byte("qid:")) {
				if s.qid == 0 {
					s.qid = line
				}
				i = blanksEnd(rec, word+len(text))
				continue
			}
			if len(text) > 1 && (text[0] == '-' || text[0] == '+') && bytes.IndexByte(text, ':') > 0 {
				return at("", "%s has an index with a sign; indices are 1, 2, 3 …", quote(string(text)))
			}
			return at("", "%s is not index:value", quote(string(text)))
		}
		if large > maxIndex {
			return at("", "the index %s is above the limit of %d", string(rec[word:min(i, word+40)]), maxIndex)
		}
		index := int(large)
		if index <= last {
			if index == last {
				return at(FeatureName(index), "the index %d is there twice", index)
			}
			return at(FeatureName(index), "the index %d comes after %d; indices ascend", index, last)
		}
		i++
		slot, form, next := scanCell(rec, i)
		if end := wordEnd(rec, i); next != end || next == i || form == formText {
			if end == i {
				return at(FeatureName(index), "a value is missing after %s", quote(string(rec[word:i])))
			}
			text := string(rec[i:end])
			return at(FeatureName(index), "%s %s", quote(text), notNumber(text))
		}
		if index == 0 && s.zero == 0 {
			s.zero = line
		}
		r.Index = append(r.Index, index)
		r.cells = append(r.cells, slotForm{slot, form})
		r.Value = append(r.Value, number(slot, form))
		last = index
		i = blanksEnd(rec, next)
	}
	return nil
}

// sparseStage gathers the entries of LIBSVM rows under their indices in the file. The values are a column of a stage, a row for every entry.
type sparseStage struct {
	rows   []int32 // entries of each
	index  []int32 // as long as values has room
	values *stage
	plain  bool // rows are never made columns

	dense     *stage // for transpose
	denseRoom int
	bits      []uint64
}

// stageEntries are about those of a block.
const stageEntries = 1 << 16

// newSparseStage has room for some entries; grow makes more.
func newSparseStage(entries int) *sparseStage {
	s := &sparseStage{values: newStage([]*builder{{forced: true}}, max(1, entries))}
	s.index = make([]int32, s.values.room)
	return s
}

// wideRows are enough for a block of wide rows: the heads of dense parts are then small beside them.
const wideRows = 512

func (s *sparseStage) full() bool {
	n := s.values.rows
	return n >= mostCells || n >= stageEntries && len(s.rows) >= wideRows
}

// grow makes room for one more entry.
func (s *sparseStage) grow() {
	v := s.values
	if v.rows < v.room {
		return
	}
	v.room *= 2
	v.slots = append(v.slots, make([]uint64, v.room-len(v.slots))...)
	v.forms = append(v.forms, make([]uint8, v.room-len(v.forms))...)
	s.index = append(s.index, make([]int32, v.room-len(s.index))...)
}

func (s *sparseStage) add(r *Record) {
	for k, i := range r.Index {
		s.grow()
		v := s.values
		s.index[v.rows] = int32(i)
		v.slots[v.rows], v.forms[v.rows] = r.cells[k].slot, r.cells[k].form
		v.rows++
	}
	s.rows = append(s.rows, int32(len(r.Index)))
}

// sparseBlock is what a stage gathered: entries under their indices, row by row, or, where at least half of the cells are there, columns.
type sparseBlock struct {
	rows    []int32 // entries of each
	entries int
	index   []int32
	values  *block // a part for all entries

	features []int32 // of the parts of columns, ascending; nil: entries
	columns  *block
}

func (s *sparseStage) seal() *sparseBlock {
	b := &sparseBlock{rows: slices.Clone(s.rows), entries: s.values.rows}
	index := s.index[:s.values.rows]
	if features := s.features(2 * len(index) / max(1, len(s.rows))); len(features) > 1 && !s.plain {
		b.features, b.columns = features, s.transpose(features)
		s.values.begin()
	}
	if b.columns == nil {
		b.index, b.values = slices.Clone(index), s.values.seal()
	}
	s.rows = s.rows[:0]
	return b
}

// features are the indices that occur, ascending; nil if there are more than most, or if they lie far apart.
func (s *sparseStage) features(most int) []int32 {
	index := s.index[:s.values.rows]
	high := int32(0)
	for from, row := 0, 0; row < len(s.rows); row++ {
		if from += int(s.rows[row]); s.rows[row] > 0 {
			high = max(high, index[from-1])
		}
	}
	if int64(high) > 64*int64(len(index)) {
		return nil
	}
	s.bits = slices.Grow(s.bits[:0], int(high)/64+1)[:int(high)/64+1]
	clear(s.bits)
	for _, i := range index {
		s.bits[i>>6] |= 1 << (i & 63)
	}
	n := 0
	for _, word := range s.bits {
		n += bits.OnesCount64(word)
	}
	if n > most {
		return nil
	}
	return setBits(s.bits, n)
}

// setBits are the numbers of the n bits that are set.
func setBits(words []uint64, n int) []int32 {
	out := make([]int32, 0, n)
	for w, word := range words {
		for ; word != 0; word &= word - 1 {
			out = append(out, int32(w*64+bits.TrailingZeros64(word)))
		}
	}
	return out
}

// transpose makes columns of the entries; what is absent is missing there.
func (s *sparseStage) transpose(features []int32) *block {
	d := s.dense
	if d == nil || len(d.columns) != len(features) || d.room < len(s.rows) {
		columns := make([]*builder, len(features))
		for i := range columns {
			columns[i] = &builder{forced: true}
		}
		d = newStage(columns, max(len(s.rows), s.denseRoom))
		s.dense, s.denseRoom = d, d.room
	}
	d.rows = len(s.rows)
	var place map[int32]int
	v := s.values
	from := 0
	for row := 0; row < len(s.rows); {
		// Eight whole rows at a time, so that the cells of a column are written together.
		full := 0
		for full < 8 && row+full < len(s.rows) && int(s.rows[row+full]) == len(features) {
			full++
		}
		if full == 8 {
			n := len(features)
			for j := range features {
				to := j*d.stride + row
				slots, forms := d.slots[to:to+8], d.forms[to:to+8]
				for k := range slots {
					slots[k], forms[k] = v.slots[from+k*n+j], v.forms[from+k*n+j]
				}
			}
			row, from = row+8, from+8*n
			continue
		}
		if place == nil {
			place = make(map[int32]int, len(features))
			for j, f := range features {
				place[f] = j
			}
		}
		for j := range features {
			d.forms[j*d.stride+row], d.slots[j*d.stride+row] = formMissing, 0
		}
		for end := from + int(s.rows[row]); from < end; from++ {
			to := place[s.index[from]]*d.stride + row
			d.slots[to], d.forms[to] = v.slots[from], v.forms[from]
		}
		row++
	}
	return d.seal()
}

// quick reads lines from b[pos] on that lie before stop and hold nothing but a label and pairs of plain indices and numbers. b[last] is the last LF, and there is
// padding behind it. It ends before a line it leaves to others; rows says how many it read, each on one line.
func (s *sparseStage) quick(label *stage, b []byte, pos, last, stop int) (next, rows int) {
	v := s.values
	stop = min(stop, last)
	for pos < stop && !label.full() && !s.full() {
		i := pos
		for b[i] > ' ' && b[i] != ':' && b[i] != '#' {
			i++
		}
		if i == pos || b[i] == ':' || b[i] == '#' || b[i] < ' ' && b[i] != '\n' && b[i] != '\r' && b[i] != '\t' {
			return pos, rows
		}
		text := b[pos:i]
		first, before := v.rows, int64(-1)
		for b[i] != '\n' && b[i] != '\r' {
			if b[i] == ' ' || b[i] == '\t' {
				i++
				continue
			}
			t := load8(b, i) ^ '0'*ones
			n := bits.TrailingZeros64(notDigits(t)) >> 3
			index := int64(eightDigits(t << (64 - 8*n)))
			if uint(n-1) >= 7 || b[i+n] != ':' || index <= before || index == 0 {
				v.rows = first
				return pos, rows
			}
			i += n + 1
			slot, form, end := plainNumber(b, i)
			if c := b[end]; end == i || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				slot, form, end = scanCell(b[:last], i)
				if c := b[end]; end == i || form == formText || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
					v.rows = first
					return pos, rows
				}
			}
			i, before = end, index
			if v.rows == v.room {
				s.grow()
			}
			s.index[v.rows] = int32(index)
			v.slots[v.rows], v.forms[v.rows] = slot, form
			v.rows++
		}
		x := &label.texts[0]
		word, hash := textWord(text)
		if code, ok := x.words.find(text, word, hash); ok {
			label.slots[label.rows], label.forms[label.rows] = uint64(code), formText
		} else {
			label.cell(0, text, false)
		}
		label.rows++
		s.rows = append(s.rows, int32(v.rows-first))
		if b[i] == '\r' && b[i+1] == '\n' {
			i++
		}
		pos = i + 1
		rows++
	}
	return pos, rows
}

// denseEntries is how many entries a LIBSVM file has at least to become columns: below, it does not matter.
const denseEntries = 1 << 20

// finishSparse numbers the features that occur and are in use, and drops the entries of the others. It takes the blocks. Where at least half of
// all cells are there the features become columns of the table.
func (t *reading) finishSparse() {
	entries := 0
	for _, b := range t.sparse {
		entries += b.entries
	}
	occur := t.distinct(entries)
	var used []int32
	for _, index := range occur {
		if t.o.Use == nil || t.o.Use(FeatureName(int(index))) {
			used = append(used, index)
		}
	}
	if entries >= t.denseFrom && 2*int64(entries) >= int64(t.t.Rows)*int64(len(occur)) && len(used) > 0 {
		t.denseColumns(used)
		return
	}

	s := &Sparse{}
	place := make(map[int32]int32)
	var table []int32 // place by index, where that is no larger than the entries are
	if n := len(occur); n > 0 && int64(occur[n-1]) <= 4*int64(entries)+1024 {
		table = make([]int32, int(occur[n-1])+1)
		for i := range table {
			table[i] = -1
		}
	}
	for i, index := range used {
		s.Features = append(s.Features, int(index))
		if table != nil {
			table[index] = int32(i)
		} else {
			place[index] = int32(i)
		}
	}
	at := func(index int32) int32 {
		if table != nil {
			return table[index]
		}
		if p, ok := place[index]; ok {
			return p
		}
		return -1
	}
	all := len(used) == len(occur)
	first := make([]int, len(t.sparse))
	t.each(len(t.sparse), func(i int) {
		if b := t.sparse[i]; b.columns != nil || !all {
			t.sparse[i] = b.pick(func(index int32) bool { return at(index) >= 0 })
		}
	})
	s.Start = make([]int, 1, t.t.Rows+1)
	entries = 0
	for i, b := range t.sparse {
		first[i] = entries
		for _, n := range b.rows {
			entries += int(n)
			s.Start = append(s.Start, entries)
		}
	}
	s.Index = make([]int32, entries)
	blocks := make([]*block, len(t.sparse))
	t.each(len(t.sparse), func(i int) {
		b := t.sparse[i]
		for k, index := range b.index {
			s.Index[first[i]+k] = at(index)
		}
		blocks[i] = b.values
		blocks[i].first = first[i]
		t.sparse[i] = nil
	})
	blocks = slices.DeleteFunc(blocks, func(b *block) bool { return b.rows == 0 })
	s.Values = newNumbers(blocks, 0, entries, nan)
	t.t.Sparse = s
}

// pick gives the block as entries, those of some features only.
func (b *sparseBlock) pick(use func(index int32) bool) *sparseBlock {
	s := newSparseStage(b.entries)
	add := func(index int32, v float64) {
		s.grow()
		s.index[s.values.rows] = index
		s.values.slots[s.values.rows], s.values.forms[s.values.rows] = disguise(v)
		s.values.rows++
	}
	out := &sparseBlock{rows: make([]int32, len(b.rows))}
	b.each(func(row int, index int32, v float64) {
		if use(index) {
			add(index, v)
			out.rows[row]++
		}
	})
	out.entries = s.values.rows
	out.index, out.values = slices.Clone(s.index[:s.values.rows]), s.values.seal()
	return out
}

// each calls f for every entry, row by row.
func (b *sparseBlock) each(f func(row int, index int32, v float64)) {
	if b.columns == nil {
		values := make([]float64, b.entries)
		if b.entries > 0 {
			b.values.read(values, &b.values.parts[0], 0, nan)
		}
		from := 0
		for row, n := range b.rows {
			for k := from; k < from+int(n); k++ {
				f(row, b.index[k], values[k])
			}
			from += int(n)
		}
		return
	}
	const some = 64 // rows at a time
	values := make([]float64, some*len(b.features))
	for from := 0; from < b.columns.rows; from += some {
		n := min(some, b.columns.rows-from)
		for j := range b.features {
			b.columns.readAt(values[j*some:j*some+n], &b.columns.parts[j], from, nan)
		}
		for row := range n {
			for j, index := range b.features {
				if v := values[j*some+row]; v == v {
					f(from+row, index, v)
				}
			}
		}
	}
}

// denseColumns makes columns of the features in use. What is absent is 0.
func (t *reading) denseColumns(used []int32) {
	blocks := make([]*block, len(t.sparse))
	row := 0
	for i, b := range t.sparse {
		blocks[i] = &block{rows: len(b.rows), first: row}
		row += len(b.rows)
	}
	t.each(len(blocks), func(i int) {
		b := t.sparse[i]
		t.sparse[i] = nil
		if b.columns == nil {
			b = b.toColumns(used)
			t.keep(b.columns, nil)
		}
		first := blocks[i].first
		*blocks[i] = *b.columns
		blocks[i].first = first
		parts := make([]part, len(used))
		j := 0
		for k, index := range used {
			for j < len(b.features) && b.features[j] < index {
				j++
			}
			if j < len(b.features) && b.features[j] == index {
				parts[k] = b.columns.parts[j]
			} else {
				parts[k].missing = int32(len(b.rows))
			}
		}
		blocks[i].parts = parts
	})
	columns := make([]*Column, len(used))
	t.each(len(used), func(k int) {
		columns[k] = &Column{Name: FeatureName(int(used[k])), Type: Numeric, Numbers: newNumbers(blocks, k, t.t.Rows, 0)}
	})
	t.t.Columns = append(t.t.Columns, columns...)
}

// toColumns makes columns of a block of entries.
func (b *sparseBlock) toColumns(used []int32) *sparseBlock {
	columns := make([]*builder, len(used))
	place := make(map[int32]int, len(used))
	for i, index := range used {
		columns[i] = &builder{forced: true}
		place[index] = i
	}
	d := newStage(columns, len(b.rows))
	d.rows = len(b.rows)
	for i := range d.forms {
		d.forms[i] = formMissing
	}
	b.each(func(row int, index int32, v float64) {
		if j, ok := place[index]; ok {
			d.slots[j*d.stride+row], d.forms[j*d.stride+row] = disguise(v)
		}
	})
	return &sparseBlock{rows: b.rows, features: used, columns: d.seal()}
}

// distinct gives the distinct indices, ascending.
func (t *reading) distinct(entries int) []int32 {
	if entries == 0 {
		return nil
	}
	most := int32(0)
	for _, b := range t.sparse {
		for _, i := range b.indices() {
			most = max(most, i)
		}
	}
	if int64(most) <= 64*int64(entries)+1<<20 { // a bit for each, at most 8 bytes an entry
		words := make([]uint64, int(most)/64+1)
		for _, b := range t.sparse {
			for _, i := range b.indices() {
				words[i>>6] |= 1 << (i & 63)
			}
		}
		return setBits(words, 0)
	}
	var out []int32
	for _, b := range t.sparse {
		out = append(out, b.indices()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// indices are those that occur, once or more.
func (b *sparseBlock) indices() []int32 {
	if b.columns != nil {
		return b.features
	}
	return b.index
}
