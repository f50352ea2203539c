package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// fingerprintRows are hashed as one piece.
const fingerprintRows = 1 << 16

// Fingerprint is a SHA-256 of the columns in use: their names, types and levels, in the order of the file, and all parsed values. It does not
// depend on compression, line ends, quotes, the delimiter or how numbers are written. It is computed anew at every call, by all processors: the
// values of 2^16 rows of a column have a hash of their own, and these are hashed.
func (t *Table) Fingerprint() [32]byte {
	pieces := (t.Rows + fingerprintRows - 1) / fingerprintRows
	columns := len(t.Columns)
	all := columns
	if t.Sparse != nil {
		all++
	}
	hashes := make([][32]byte, all*pieces)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(hashes)) {
		wg.Go(func() {
			var h hasher
			for {
				k := int(next.Add(1)) - 1
				if k >= len(hashes) {
					return
				}
				from := k % pieces * fingerprintRows
				to := min(from+fingerprintRows, t.Rows)
				if column := k / pieces; column < columns {
					h.column(t.Columns[column], from, to)
				} else {
					h.sparse(t.Sparse, from, to)
				}
				hashes[k] = sha256.Sum256(h.b)
				h.b = h.b[:0]
			}
		})
	}
	wg.Wait()
	var h hasher
	h.word("descent dataset 2")
	h.number(t.Rows)
	for _, c := range t.Columns {
		h.word(c.Name)
		h.b = append(h.b, byte(c.Type))
		h.number(len(c.Levels))
		for _, l := range c.Levels {
			h.word(l)
		}
	}
	if t.Sparse != nil {
		h.number(len(t.Sparse.Features))
		for _, f := range t.Sparse.Features {
			h.number(f)
		}
	}
	for _, one := range hashes {
		h.b = append(h.b, one[:]...)
	}
	return sha256.Sum256(h.b)
}

// hasher gathers what is hashed.
type hasher struct {
	b      []byte
	values []float64
}

func (h *hasher) number(n int) { h.b = binary.LittleEndian.AppendUint64(h.b, uint64(n)) }

func (h *hasher) word(s string) {
	h.number(len(s))
	h.b = append(h.b, s...)
}

// column adds the rows from … to-1 of a column.
func (h *hasher) column(c *Column, from, to int) {
	if c.Type == Numeric {
		h.numbers(c.Numbers, from, to)
		return
	}
	var codes [1024]int32
	for ; from < to; from += len(codes) {
		some := codes[:min(len(codes), to-from)]
		c.ReadCodes(some, from)
		for _, code := range some {
			h.b = binary.LittleEndian.AppendUint32(h.b, uint32(code))
		}
	}
}

func (h *hasher) numbers(n *Numbers, from, to int) {
	if cap(h.values) < 4096 {
		h.values = make([]float64, 4096)
	}
	for ; from < to; from += 4096 {
		some := h.values[:min(4096, to-from)]
		n.Read(some, from)
		for _, v := range some {
			if math.IsNaN(v) {
				v = math.NaN() // one NaN
			}
			h.b = binary.LittleEndian.AppendUint64(h.b, math.Float64bits(v))
		}
	}
}

// sparse adds the rows from … to-1 of LIBSVM's features.
func (h *hasher) sparse(s *Sparse, from, to int) {
	for row := from; row < to; row++ {
		h.number(s.Start[row+1] - s.Start[row])
	}
	for _, i := range s.Index[s.Start[from]:s.Start[to]] {
		h.b = binary.LittleEndian.AppendUint32(h.b, uint32(i))
	}
	h.numbers(s.Values, s.Start[from], s.Start[to])
}
