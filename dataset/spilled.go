package dataset

import (
	"math"
	"sync"

	"github.com/descent-ml/descent/internal/spill"
)

// A table that takes more than Options.Memory keeps the cells of further blocks in a scratch file: those of a block as they lie in memory, one
// storage after the other. What is read of a part comes from there; its head stays. Codes of levels go there as one column of as few bytes each as do.

// cellBytes is the size of a cell by storage.
var cellBytes = [codes32 + 1]int{int8s: 1, int16s: 2, int32s: 4, packed: 4, float32s: 4, float64s: 8, codes8: 1, codes16: 2, codes32: 4}

// keep decides whether a new block, of some columns, stays in memory.
func (t *reading) keep(b *block, of []*builder) {
	if t.o.Memory <= 0 {
		return
	}
	for at, u := range of {
		if u.lost.Load() {
			b.parts[at].lose()
		}
	}
	bytes := int64(len(b.i8)+2*len(b.i16)+4*len(b.i32)+4*len(b.f32)+8*len(b.f64)+len(b.c8)+2*len(b.c16)+4*len(b.c32)) + b.formBytes()
	t.all.Add(bytes)
	if t.held.Add(bytes) > t.o.Memory {
		t.held.Add(-bytes)
		b.spill(t.t.scratch)
	}
}

// lose forgets how the numbers were spelt.
func (p *part) lose() {
	if p.spelling != spelled || p.more == nil || p.isCodes() {
		return
	}
	p.spelling = unspelt
	if p.more.forms, p.more.kept, p.more.ends = nil, nil, nil; p.more.na == nil && p.more.words == nil {
		p.more = nil
	}
}

func (b *block) formBytes() int64 {
	n := 0
	for i := range b.parts {
		if m := b.parts[i].more; m != nil {
			n += len(m.forms)
		}
	}
	return int64(n)
}

// spill writes the cells to a scratch file and forgets them. The file remembers an error.
func (b *block) spill(f *spill.File) {
	write := func(kind storage, cells []byte) {
		if len(cells) > 0 {
			b.places[kind], _ = f.Append(cells)
		}
	}
	write(int8s, spill.Bytes(b.i8))
	write(int16s, spill.Bytes(b.i16))
	write(int32s, spill.Bytes(b.i32))
	write(float32s, spill.Bytes(b.f32))
	write(float64s, spill.Bytes(b.f64))
	write(codes8, b.c8)
	write(codes16, spill.Bytes(b.c16))
	write(codes32, spill.Bytes(b.c32))
	b.places[packed] = b.places[int32s]
	for i := range b.parts {
		if m := b.parts[i].more; m != nil && len(m.forms) > 0 {
			m.formsAt, _ = f.Append(m.forms)
			m.forms = nil
		}
	}
	b.i8, b.i16, b.i32, b.f32, b.f64, b.c8, b.c16, b.c32 = nil, nil, nil, nil, nil, nil, nil, nil
	b.file = f
}

// loaded is some rows of a part of a block that is in a scratch file, as a block of their own.
type loaded struct {
	block
	part part
	mem  []uint64
}

var loads = sync.Pool{New: func() any { return new(loaded) }}

// load reads n rows of a part. Where the file fails the cells are 0; it remembers that.
func (b *block) load(p *part, row, n int) *loaded {
	l := loads.Get().(*loaded)
	l.rows, l.part = n, *p
	l.part.at = 0
	size := cellBytes[p.storage]
	if words := (n*size + 7) / 8; len(l.mem) < words {
		l.mem = make([]uint64, words)
	}
	raw := spill.Bytes(l.mem)[:n*size]
	if b.file.ReadAt(raw, b.places[p.storage]+(int64(p.at)+int64(row))*int64(size)) != nil {
		clear(raw)
	}
	switch p.storage {
	case int8s:
		l.i8 = spill.Numbers[int8](raw, n)
	case int16s:
		l.i16 = spill.Numbers[int16](raw, n)
	case int32s, packed:
		l.i32 = spill.Numbers[int32](raw, n)
	case float32s:
		l.f32 = spill.Numbers[float32](raw, n)
	case float64s:
		l.f64 = spill.Numbers[float64](raw, n)
	case codes8:
		l.c8 = raw
	case codes16:
		l.c16 = spill.Numbers[uint16](raw, n)
	case codes32:
		l.c32 = spill.Numbers[uint32](raw, n)
	}
	return l
}

// free takes the memory back.
func (l *loaded) free() { loads.Put(l) }

// readAt is read, wherever the cells are.
func (b *block) readAt(out []float64, p *part, row int, missing float64) {
	if b.file == nil || p.storage == absent {
		b.read(out, p, row, missing)
		return
	}
	l := b.load(p, row, len(out))
	l.read(out, &l.part, 0, missing)
	l.free()
}

// whole is a part in memory, and its block or one of its rows alone.
func (b *block) whole(p *part) (*block, *part) {
	if b.file == nil || p.storage == absent {
		return b, p
	}
	l := b.load(p, 0, b.rows)
	l.first = b.first
	if p.spelling == spelled && p.more != nil {
		m := *p.more
		m.forms = make([]uint8, b.rows)
		if b.file.ReadAt(m.forms, m.formsAt) != nil {
			clear(m.forms)
		}
		l.part.more = &m
	}
	return &l.block, &l.part
}

// spilledCodes are the codes of a column, +1, in a scratch file.
type spilledCodes struct {
	file *spill.File
	at   int64
	size int // bytes of one
	rows int
}

func newSpilledCodes(f *spill.File, levels, rows int) *spilledCodes {
	s := &spilledCodes{file: f, size: 4, rows: rows}
	switch {
	case levels <= math.MaxUint8:
		s.size = 1
	case levels <= math.MaxUint16:
		s.size = 2
	}
	s.at, _ = f.Reserve(rows * s.size)
	return s
}

func (s *spilledCodes) write(codes []int32, from int) {
	var raw []byte
	switch s.size {
	case 1:
		raw = oneMore[uint8](codes)
	case 2:
		raw = spill.Bytes(oneMore[uint16](codes))
	default:
		raw = spill.Bytes(oneMore[uint32](codes))
	}
	_ = s.file.WriteAt(raw, s.at+int64(from)*int64(s.size))
}

func oneMore[T uint8 | uint16 | uint32](codes []int32) []T {
	out := make([]T, len(codes))
	for i, c := range codes {
		out[i] = T(c + 1)
	}
	return out
}

func (s *spilledCodes) read(out []int32, from int) {
	p := part{storage: codes8}
	switch s.size {
	case 2:
		p.storage = codes16
	case 4:
		p.storage = codes32
	}
	b := block{file: s.file}
	b.places[p.storage] = s.at
	l := b.load(&p, from, len(out))
	l.readCodes(out, &l.part)
	l.free()
}

// ReadCodes gives the codes of len(out) rows beginning with from, as in Codes, wherever they are kept.
func (c *Column) ReadCodes(out []int32, from int) {
	if c.spilled != nil {
		c.spilled.read(out, from)
		return
	}
	copy(out, c.Codes[from:from+len(out)])
}

// Code is the code of a row (from 0), -1 where it is missing. ReadCodes is much faster for many.
func (c *Column) Code(row int) int32 {
	if c.spilled == nil {
		return c.Codes[row]
	}
	var out [1]int32
	c.spilled.read(out[:], row)
	return out[0]
}

// EachCode calls f for the codes of all rows, some rows from … at a time.
func (c *Column) EachCode(f func(from int, codes []int32)) {
	if c.spilled == nil {
		f(0, c.Codes)
		return
	}
	const some = 1 << 13
	codes := make([]int32, some)
	for from := 0; from < c.spilled.rows; from += some {
		out := codes[:min(some, c.spilled.rows-from)]
		c.spilled.read(out, from)
		f(from, out)
	}
}

// MarkMissing sets gone for the rows without a value.
func (c *Column) MarkMissing(gone []bool) {
	if c.Type != Numeric {
		c.EachCode(func(from int, codes []int32) {
			for i, code := range codes {
				gone[from+i] = gone[from+i] || code < 0
			}
		})
		return
	}
	some := make([]float64, 1<<12)
	for row, n := 0, c.Numbers.Len(); row < n; row += len(some) {
		out := some[:min(len(some), n-row)]
		c.Numbers.Read(out, row)
		for i, v := range out {
			gone[row+i] = gone[row+i] || v != v
		}
	}
}

// Scratch is the file of the cells that are not in memory; nil without Options.Memory. What is made of the table may use it too.
func (t *Table) Scratch() *spill.File { return t.scratch }

// Bytes is what the cells take, in memory and in the scratch file together, with Options.Memory; InMemory is the part of it in memory.
func (t *Table) Bytes() (all, inMemory int64) { return t.bytes, t.inMemory }

// Close gives the scratch file back, if there is one; the table cannot be read afterwards.
func (t *Table) Close() { t.scratch.Close() }
