package parquet

import (
	"encoding/binary"
	"errors"
)

// hybrid fills out from runs of equal values and bit-packed groups of eight (parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing
// Hybrid"). What a run has beyond len(out) is ignored.
func hybrid(out []uint32, b []byte, width uint) error {
	for len(out) > 0 {
		u, n := binary.Uvarint(b)
		if n <= 0 {
			return errCut
		}
		b = b[n:]
		count := u >> 1
		if u&1 == 0 {
			bytes := int(width+7) / 8
			if bytes > len(b) {
				return errCut
			}
			var v uint32
			for i, one := range b[:bytes] {
				v |= uint32(one) << (8 * i)
			}
			b = b[bytes:]
			k := int(min(count, uint64(len(out))))
			for i := range out[:k] {
				out[i] = v
			}
			out = out[k:]
			continue
		}
		k := len(out)
		if count < uint64(k+7)/8 {
			k = int(count * 8)
		}
		if need := (uint64(k)*uint64(width) + 7) / 8; need > uint64(len(b)) {
			return errCut
		}
		unpack(out[:k], b, width)
		out = out[k:]
		if len(out) > 0 { // then the whole group is there
			b = b[count*uint64(width):]
		}
	}
	return nil
}

// unpack reads len(out) numbers of width bits, width ≤ 32.
func unpack(out []uint32, b []byte, width uint) {
	mask := uint64(1)<<width - 1
	bit := uint(0)
	for i := range out {
		at := int(bit / 8)
		var w uint64
		if at+8 <= len(b) {
			w = binary.LittleEndian.Uint64(b[at:])
		} else {
			for k, one := range b[min(at, len(b)):] {
				w |= uint64(one) << (8 * k)
			}
		}
		out[i] = uint32(w >> (bit & 7) & mask)
		bit += width
	}
}

// deltas reads n integers as differences (parquet-format, Encodings.md, "Delta Encoding") and gives what follows them.
func deltas(b []byte, n int) (out []int64, rest []byte, err error) {
	fail := errors.New("a page of differences is damaged")
	uvarint := func() uint64 {
		v, k := binary.Uvarint(b)
		if k <= 0 {
			err = errCut
			return 0
		}
		b = b[k:]
		return v
	}
	varint := func() int64 {
		u := uvarint()
		return int64(u>>1) ^ -int64(u&1)
	}
	block, minis, total := uvarint(), uvarint(), uvarint()
	last := varint()
	if err != nil {
		return nil, nil, err
	}
	if total != uint64(n) || minis == 0 || minis > 512 || block == 0 || block > 1<<20 || block%minis != 0 {
		return nil, nil, fail
	}
	if n == 0 {
		return nil, b, nil
	}
	per := int(block / minis)
	if per%8 != 0 {
		return nil, nil, fail
	}
	out = make([]int64, 1, n)
	out[0] = last
	for len(out) < n {
		least := varint()
		if err != nil {
			return nil, nil, err
		}
		if uint64(len(b)) < minis {
			return nil, nil, errCut
		}
		widths := b[:minis]
		b = b[minis:]
		for _, width := range widths {
			if len(out) == n { // the rest of the block has no bytes
				break
			}
			if width > 64 {
				return nil, nil, fail
			}
			size := per / 8 * int(width)
			if size > len(b) {
				return nil, nil, errCut
			}
			for i := range min(per, n-len(out)) {
				last += least + int64(bits(b[:size], i*int(width), uint(width)))
				out = append(out, last)
			}
			b = b[size:]
		}
	}
	return out, b, nil
}

// bits reads width ≤ 64 bits from a position.
func bits(b []byte, at int, width uint) uint64 {
	var v uint64
	for got := uint(0); got < width; {
		low := uint(at & 7)
		v |= uint64(b[at/8]>>low) << got
		got += 8 - low
		at += int(8 - low)
	}
	if width < 64 {
		v &= 1<<width - 1
	}
	return v
}
