package dataset

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// Fingerprint is the SHA-256 of the columns in use: their names, types and levels, in the order of the file, and all parsed values. It does not
// depend on compression, line ends, quotes, the delimiter or how numbers are written. It is computed anew at every call.
func (t *Table) Fingerprint() [32]byte {
	h := sha256.New()
	var b []byte
	flush := func(most int) {
		if len(b) > most {
			h.Write(b)
			b = b[:0]
		}
	}
	number := func(n int) { b = binary.LittleEndian.AppendUint64(b, uint64(n)) }
	word := func(s string) {
		number(len(s))
		b = append(b, s...)
	}
	value := func(v float64) {
		if math.IsNaN(v) {
			v = math.NaN() // one NaN
		}
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		flush(1 << 16)
	}
	some := make([]float64, 4096)
	word("descent dataset 1")
	number(t.Rows)
	for _, c := range t.Columns {
		word(c.Name)
		b = append(b, byte(c.Type))
		number(len(c.Levels))
		for _, l := range c.Levels {
			word(l)
			flush(1 << 16)
		}
		for from := 0; from < c.Numbers.Len(); from += len(some) {
			v := some[:min(len(some), c.Numbers.Len()-from)]
			c.Numbers.Read(v, from)
			for _, x := range v {
				value(x)
			}
		}
		for _, code := range c.Codes {
			b = binary.LittleEndian.AppendUint32(b, uint32(code))
			flush(1 << 16)
		}
	}
	if s := t.Sparse; s != nil {
		number(len(s.Features))
		for _, f := range s.Features {
			number(f)
			flush(1 << 16)
		}
		for row := range t.Rows {
			number(s.Start[row+1] - s.Start[row])
			for k := s.Start[row]; k < s.Start[row+1]; k++ {
				number(int(s.Index[k]))
				value(s.Value[k])
			}
		}
	}
	flush(-1)
	return [32]byte(bytes.Clone(h.Sum(nil)))
}
