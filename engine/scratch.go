package engine

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/descent-ml/descent/internal/kernel"
	"github.com/descent-ml/descent/internal/parallel"
	"github.com/descent-ml/descent/internal/spill"
)

// away is the cells and codes of a Memory in a scratch file, chunk after chunk as they lie in memory, compressed (s2) where that
// saves an eighth or more.
type away struct {
	file   *spill.File
	places []place
	free   sync.Pool // of *buffer
}

// place is where a chunk is.
type place struct {
	at     int64
	bytes  int
	packed bool
}

// A buffer is a chunk in memory.
type buffer struct {
	mem    []uint64
	packed []byte
	block  Block
	away   *away
}

// NewScratch is NewMemory with dense columns and codes in a file: cols.Codes is nil, codes gives those of len(out) rows from … of code column k, in the
// place of it, and is called from several goroutines at a time, for each row once. The inputs stay in memory. Passes read a chunk when they come to it, into memory that each
// thread uses over and over. Sparse rows are not offered. A failed file ends the pass that meets it.
func NewScratch(file *spill.File, layout Layout, cols Columns, codes func(k int, out []int32, from int)) (*Memory, error) {
	if err := layout.Check(); err != nil {
		return nil, err
	}
	if layout.Sparse {
		return nil, fmt.Errorf("engine: sparse rows cannot be kept in a scratch file")
	}
	l := newPlan(&layout)
	m := &Memory{plan: l, chunk: ChunkRows(&layout), cols: Columns{Inputs: cols.Inputs}, away: newAway(file, l)}
	if err := checkColumns(l, &cols, true); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var first error
	parallel.Pieces(0, l.Rows, m.chunk, func(k, lo, hi int) {
		err := m.away.write(l, k, lo, hi, func(b *Block) error { return b.fill(l, file, lo, cols.Dense, codes) })
		if err != nil {
			mu.Lock()
			if first == nil {
				first = err
			}
			mu.Unlock()
		}
	})
	if first == nil {
		first = file.Err()
	}
	return m, first
}

// Bytes is what a Memory takes for dense columns and codes, with the copy of Objective.Rough where there may be one.
func (l *Layout) Bytes() int64 {
	bytes := 4 * l.Rows * len(l.Codes)
	for d := range l.Dense {
		bytes += l.Rows * l.kind(d).Bytes()
	}
	if len(l.Dense) >= roughColumns && bytes > roughBytes {
		bytes += l.Rows * len(l.Dense)
	}
	return int64(bytes)
}

func newAway(file *spill.File, l *plan) *away {
	return &away{file: file, places: make([]place, l.chunks())}
}

// write writes chunk k, rows lo to hi, which fill stores in a block.
func (a *away) write(l *plan, k, lo, hi int, fill func(b *Block) error) error {
	if err := a.file.Err(); err != nil {
		return err
	}
	b := a.buffer(l, hi-lo)
	defer a.free.Put(b)
	raw := b.raw(l, hi-lo)
	if (hi-lo)%kernel.Rows != 0 {
		clear(raw)
	}
	if err := fill(&b.block); err != nil {
		return err
	}
	out, p := raw, place{bytes: len(raw)}
	if s := s2.Encode(b.packed[:cap(b.packed)], raw); len(s) < len(raw)/8*7 {
		b.packed = s
		out, p = s, place{bytes: len(s), packed: true}
	}
	var err error
	if p.at, err = a.file.Append(out); err == nil {
		a.places[k] = p
	}
	return err
}

// fill stores rows lo … of the columns.
func (b *Block) fill(l *plan, file *spill.File, lo int, dense []Cells, codes func(k int, out []int32, from int)) error {
	v := make([]float64, b.Rows)
	for d, c := range dense {
		c.Read(v, lo)
		if err := file.Err(); err != nil {
			return err // what was read is not what was there
		}
		if bad := b.dense.write(0, d, v); bad >= 0 {
			return inexact(l, &notExact{d, lo + bad, v[bad]})
		}
	}
	for q, c := range b.Codes {
		codes(q, c, lo)
		for r, v := range c {
			if int(v) >= l.Codes[q].Levels {
				return fmt.Errorf("engine: code column %d, row %d: code %d of %d levels", q, lo+r, v, l.Codes[q].Levels)
			}
		}
	}
	return file.Err()
}

// codes copies the codes of rows from lo on.
func (m *Memory) codes(out [][]int32, lo int) error {
	for at := 0; at < len(out[0]); {
		row := lo + at
		b, err := m.Chunk(row / m.chunk)
		if err != nil {
			return err
		}
		n := 0
		for q, c := range b.Codes {
			n = copy(out[q][at:], c[row-b.First:])
		}
		b.release()
		at += n
	}
	return nil
}

// buffer is memory for a chunk of so many rows, with slices over it.
func (a *away) buffer(l *plan, rows int) *buffer {
	b, _ := a.free.Get().(*buffer)
	if b == nil {
		b = &buffer{away: a}
	}
	if n := (rawBytes(l, rows) + 7) / 8; len(b.mem) < n {
		b.mem = make([]uint64, n)
	}
	raw, n := b.raw(l, rows), padded(rows)
	c := cells{plan: l}
	c.f64, raw = carve[float64](raw, n*l.count(Float64))
	c.f32, raw = carve[float32](raw, n*l.count(Float32))
	c.i32, raw = carve[int32](raw, n*l.count(Int32))
	codes := b.block.Codes[:0]
	for range l.Codes {
		var v []int32
		v, raw = carve[int32](raw, rows)
		codes = append(codes, v)
	}
	c.i16, raw = carve[int16](raw, n*l.count(Int16))
	c.i8, _ = carve[int8](raw, n*l.count(Int8))
	b.block = Block{Rows: rows, dense: c, Codes: codes, Inputs: b.block.Inputs[:0], from: b}
	return b
}

// carve takes n numbers from the front; those of 8 bytes come first, so that all are aligned.
func carve[S number](raw []byte, n int) ([]S, []byte) {
	v := spill.Numbers[S](raw, n)
	return v, raw[len(spill.Bytes(v)):]
}

// rawBytes is the size of a chunk of so many rows.
func rawBytes(l *plan, rows int) int {
	bytes := 4 * rows * len(l.Codes)
	for k := range kinds {
		bytes += padded(rows) * l.count(k) * k.Bytes()
	}
	return bytes
}

func (b *buffer) raw(l *plan, rows int) []byte {
	return spill.Bytes(b.mem)[:rawBytes(l, rows)]
}

// chunk reads rows lo to hi, chunk k. The block is valid until it is released.
func (a *away) chunk(m *Memory, k, lo, hi int) (Block, error) {
	b := a.buffer(m.plan, hi-lo)
	raw, p := b.raw(m.plan, hi-lo), a.places[k]
	to := raw
	if p.packed {
		if cap(b.packed) < p.bytes {
			b.packed = make([]byte, p.bytes)
		}
		to = b.packed[:p.bytes]
	}
	err := a.file.ReadAt(to, p.at)
	if err == nil && p.packed {
		_, err = s2.Decode(raw, to)
	}
	if err != nil {
		return Block{}, err
	}
	b.block.First = lo
	for _, c := range m.cols.Inputs {
		b.block.Inputs = append(b.block.Inputs, c[lo:hi])
	}
	return b.block, nil
}

// release gives the memory of a block back that came from a scratch file and is not looked at any more.
func (b *Block) release() {
	if b.from != nil {
		b.from.away.free.Put(b.from)
		b.from = nil
	}
}

// gatherAway stores the dense cells and codes of the given rows in g, each chunk read once.
func (m *Memory) gatherAway(g *Memory, rows []int) error {
	of := map[int][]int{} // chunk → places in rows
	for i, r := range rows {
		of[r/m.chunk] = append(of[r/m.chunk], i)
	}
	g.cols.Codes = make([][]int32, len(m.plan.Codes))
	for k := range g.cols.Codes {
		g.cols.Codes[k] = make([]int32, len(rows))
	}
	for k, at := range of {
		b, err := m.Chunk(k)
		if err != nil {
			return err
		}
		from := make([]int, len(at))
		for i, a := range at {
			from[i] = rows[a] - b.First
		}
		g.dense.pick(&b.dense, at, from)
		for q, c := range b.Codes {
			for i, a := range at {
				g.cols.Codes[q][a] = c[from[i]]
			}
		}
		b.release()
	}
	return nil
}
