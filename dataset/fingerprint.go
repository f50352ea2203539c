package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"
	"runtime"
	"slices"
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
			h := newHasher()
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
				hashes[k] = h.end()
			}
		})
	}
	wg.Wait()
	h := newHasher()
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
	return h.end()
}

// hasher hashes what it is given, hashed numbers at a time, so that it needs little memory.
type hasher struct {
	sum    hash.Hash
	b      []byte // not in sum yet
	values []float64
}

// hashed is how many numbers are read and hashed at once.
const hashed = 4096

func newHasher() *hasher {
	return &hasher{sum: sha256.New(), b: make([]byte, 0, 8*hashed), values: make([]float64, hashed)}
}

func (h *hasher) flush() {
	h.sum.Write(h.b)
	h.b = h.b[:0]
}

// end is the hash; the hasher begins anew.
func (h *hasher) end() (sum [32]byte) {
	h.flush()
	h.sum.Sum(sum[:0])
	h.sum.Reset()
	return sum
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
	codes := make([]int32, hashed)
	for ; from < to; from += hashed {
		some := codes[:min(hashed, to-from)]
		c.ReadCodes(some, from)
		h.indices(some)
	}
}

// indices adds codes or the numbers of features.
func (h *hasher) indices(all []int32) {
	for some := range slices.Chunk(all, hashed) {
		for _, i := range some {
			h.b = binary.LittleEndian.AppendUint32(h.b, uint32(i))
		}
		h.flush()
	}
}

func (h *hasher) numbers(n *Numbers, from, to int) {
	for ; from < to; from += hashed {
		some := h.values[:min(hashed, to-from)]
		n.Read(some, from)
		for _, v := range some {
			if math.IsNaN(v) {
				v = math.NaN() // one NaN
			}
			h.b = binary.LittleEndian.AppendUint64(h.b, math.Float64bits(v))
		}
		h.flush()
	}
}

// sparse adds the rows from … to-1 of LIBSVM's features.
func (h *hasher) sparse(s *Sparse, from, to int) {
	for row := from; row < to; row++ {
		h.number(s.Start[row+1] - s.Start[row])
	}
	h.flush()
	h.indices(s.Index[s.Start[from]:s.Start[to]])
	h.numbers(s.Values, s.Start[from], s.Start[to])
}
