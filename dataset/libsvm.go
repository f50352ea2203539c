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
	*r = Record{Line: line, Index: r.Index[:0], Value: r.Value[:0]}
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
		v, next := scanNumber(rec, i)
		if end := wordEnd(rec, i); next != end || next == i || math.IsInf(v, 0) {
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
		r.Value = append(r.Value, v)
		last = index
		i = blanksEnd(rec, next)
	}
	return nil
}

// sparseStage gathers the entries of LIBSVM rows under their indices in the file.
type sparseStage struct {
	rows  []int // entries of each
	index []int32
	value []float64
}

// sparseBlock is what a stage gathered.
type sparseBlock sparseStage

func (s *sparseStage) full() bool { return len(s.index) >= mostCells }

func (s *sparseStage) add(r *Record) {
	for _, i := range r.Index {
		s.index = append(s.index, int32(i))
	}
	s.value = append(s.value, r.Value...)
	s.rows = append(s.rows, len(r.Index))
}

func (s *sparseStage) seal() *sparseBlock {
	b := &sparseBlock{slices.Clone(s.rows), slices.Clone(s.index), slices.Clone(s.value)}
	s.rows, s.index, s.value = s.rows[:0], s.index[:0], s.value[:0]
	return b
}

// sparseBuilder gathers the entries of all rows.
type sparseBuilder struct {
	start []int
	index []int32
	value []float64
}

func (b *sparseBuilder) join(blocks []*sparseBlock) {
	if b.start == nil {
		b.start = append(b.start, 0)
	}
	for _, s := range blocks {
		end := len(b.index)
		for _, n := range s.rows {
			end += n
			b.start = append(b.start, end)
		}
		b.index = append(b.index, s.index...)
		b.value = append(b.value, s.value...)
	}
}

// finish numbers the features that occur and are in use, and drops the entries of the others.
func (b *sparseBuilder) finish(use func(name string) bool) *Sparse {
	s := &Sparse{Start: b.start, Index: b.index, Value: b.value}
	if s.Start == nil {
		s.Start = []int{0}
	}
	occur := distinct(b.index)
	place := make(map[int32]int32)
	var dense []int32 // place by index, where that is no larger than the entries are
	if n := len(occur); n > 0 && int64(occur[n-1]) <= 4*int64(len(b.index))+1024 {
		dense = make([]int32, int(occur[n-1])+1)
		for i := range dense {
			dense[i] = -1
		}
	}
	for _, index := range occur {
		if use == nil || use(FeatureName(int(index))) {
			if dense != nil {
				dense[index] = int32(len(s.Features))
			} else {
				place[index] = int32(len(s.Features))
			}
			s.Features = append(s.Features, int(index))
		}
	}
	dropped := len(s.Features) < len(occur)
	to := 0
	from := 0
	for row := range len(s.Start) - 1 {
		end := s.Start[row+1]
		for ; from < end; from++ {
			p := int32(-1)
			if dense != nil {
				p = dense[s.Index[from]]
			} else if q, ok := place[s.Index[from]]; ok {
				p = q
			}
			if p >= 0 {
				s.Index[to], s.Value[to] = p, s.Value[from]
				to++
			}
		}
		s.Start[row+1] = to
	}
	if dropped {
		s.Index, s.Value = slices.Clip(s.Index[:to]), slices.Clip(s.Value[:to])
	}
	return s
}

// distinct gives the distinct indices, ascending.
func distinct(index []int32) []int32 {
	if len(index) == 0 {
		return nil
	}
	if most := slices.Max(index); int64(most) <= 64*int64(len(index))+1<<20 { // a bit for each, at most 8 bytes an entry
		words := make([]uint64, int(most)/64+1)
		for _, i := range index {
			words[i>>6] |= 1 << (i & 63)
		}
		var out []int32
		for w, word := range words {
			for ; word != 0; word &= word - 1 {
				out = append(out, int32(w*64+bits.TrailingZeros64(word)))
			}
		}
		return out
	}
	out := slices.Clone(index)
	slices.Sort(out)
	return slices.Compact(out)
}
