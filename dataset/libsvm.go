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
}

// stageEntries are about those of a block.
const stageEntries = 1 << 16

func newSparseStage() *sparseStage {
	s := &sparseStage{values: newStage([]*builder{{forced: true}}, 2*stageEntries)}
	s.index = make([]int32, s.values.room)
	return s
}

func (s *sparseStage) full() bool { return s.values.rows >= stageEntries }

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

// sparseBlock is what a stage gathered.
type sparseBlock struct {
	rows   []int32
	index  []int32
	values *block
}

func (s *sparseStage) seal() *sparseBlock {
	b := &sparseBlock{slices.Clone(s.rows), slices.Clone(s.index[:s.values.rows]), s.values.seal()}
	s.rows = s.rows[:0]
	return b
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

// finish numbers the features that occur and are in use, and drops the entries of the others. It takes the blocks.
func (t *reading) finishSparse() *Sparse {
	entries, rows := 0, 0
	for _, b := range t.sparse {
		entries += len(b.index)
		rows += len(b.rows)
	}
	s := &Sparse{Start: make([]int, 1, rows+1)}
	for _, b := range t.sparse {
		for _, n := range b.rows {
			s.Start = append(s.Start, s.Start[len(s.Start)-1]+int(n))
		}
	}
	occur := t.distinct(entries)
	place := make(map[int32]int32)
	var dense []int32 // place by index, where that is no larger than the entries are
	if n := len(occur); n > 0 && int64(occur[n-1]) <= 4*int64(entries)+1024 {
		dense = make([]int32, int(occur[n-1])+1)
	}
	for _, index := range occur {
		p := int32(-1)
		if use := t.o.Use; use == nil || use(FeatureName(int(index))) {
			p = int32(len(s.Features))
			s.Features = append(s.Features, int(index))
		}
		if dense != nil {
			dense[index] = p
		} else {
			place[index] = p
		}
	}
	at := func(index int32) int32 {
		if dense != nil {
			return dense[index]
		}
		return place[index]
	}
	if len(s.Features) < len(occur) {
		t.drop(s, at)
		entries = s.Start[len(s.Start)-1]
	}
	s.Index = make([]int32, entries)
	blocks := make([]*block, len(t.sparse))
	first := make([]int, len(t.sparse))
	to := 0
	for i, b := range t.sparse {
		first[i] = to
		to += len(b.index)
	}
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
	return s
}

// drop leaves out the entries of features that are not in use.
func (t *reading) drop(s *Sparse, at func(int32) int32) {
	row, end := 0, 0
	v := newSparseStage()
	values := make([]float64, 0)
	for i, b := range t.sparse {
		values = slices.Grow(values[:0], len(b.index))[:len(b.index)]
		if len(b.index) > 0 {
			b.values.read(values, &b.values.parts[0], 0, nan)
		}
		from := 0
		for _, n := range b.rows {
			kept := 0
			for k := from; k < from+int(n); k++ {
				if at(b.index[k]) >= 0 {
					v.grow()
					v.index[v.values.rows] = b.index[k]
					v.values.slots[v.values.rows], v.values.forms[v.values.rows] = disguise(values[k])
					v.values.rows++
					kept++
				}
			}
			from += int(n)
			row++
			end += kept
			s.Start[row] = end
		}
		t.sparse[i] = v.seal()
	}
}

// distinct gives the distinct indices, ascending.
func (t *reading) distinct(entries int) []int32 {
	most := int32(0)
	for _, b := range t.sparse {
		for _, i := range b.index {
			most = max(most, i)
		}
	}
	if entries == 0 {
		return nil
	}
	if int64(most) <= 64*int64(entries)+1<<20 { // a bit for each, at most 8 bytes an entry
		words := make([]uint64, int(most)/64+1)
		for _, b := range t.sparse {
			for _, i := range b.index {
				words[i>>6] |= 1 << (i & 63)
			}
		}
		var out []int32
		for w, word := range words {
			for ; word != 0; word &= word - 1 {
				out = append(out, int32(w*64+bits.TrailingZeros64(word)))
			}
		}
		return out
	}
	var out []int32
	for _, b := range t.sparse {
		out = append(out, b.index...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
