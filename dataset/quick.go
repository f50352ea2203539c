package dataset

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes at a time (SWAR: Lamport, "Multiple byte processing with full-word instructions", 1975).
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

func load8(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// notDigits has the high bit set in the first byte of t that is no digit, where t is eight characters XOR '0', and in none before it.
func notDigits(t uint64) uint64 { return (t + 0x76*ones | t) & highs }

// eightDigits is the number that eight digits 0 … 9 make, the first in the lowest byte: pairs, fours, all (Lemire, "Quickly parsing eight digits", 2018).
func eightDigits(t uint64) uint64 {
	t = t*10 + t>>8
	return ((t&0x000000ff000000ff)*0x000f424000000064 + (t>>16&0x000000ff000000ff)*0x0000271000000001) >> 32
}

// cellEnd is the first delimiter or line end at or after b[i]; there is one.
func cellEnd(b []byte, i int, delims uint64) int {
	for ; ; i += 8 {
		v := load8(b, i)
		d := v ^ delims
		m := ((d-ones)&^d | (v-0x0e*ones)&^v) & highs // a delimiter, or a character below 14
		for ; m != 0; m &= m - 1 {
			at := i + bits.TrailingZeros64(m)>>3
			if c := b[at]; c == '\n' || c == '\r' || c == byte(delims) {
				return at
			}
		}
	}
}

// plainNumber reads, as scanCell, a number that is a minus or none, up to seven digits, a point and up to fifteen decimals, 18 digits and 10^15 at most; next == i
// means that there is none here, or another. Sixteen bytes behind b[i] can be read.
func plainNumber(b []byte, i int) (slot uint64, form uint8, next int) {
	start := i
	minus := (uint64(b[i]^'-') - 1) >> 63 // 1 or 0, without a branch
	i += int(minus)
	t := load8(b, i) ^ '0'*ones
	n := bits.TrailingZeros64(notDigits(t)) >> 3
	if uint(n-1) >= 7 || n > 1 && t&0xff == 0 {
		return 0, 0, start
	}
	m := eightDigits(t << (64 - 8*n))
	i += n
	d := 0
	if b[i] == '.' {
		i++
		t := load8(b, i) ^ '0'*ones
		d = bits.TrailingZeros64(notDigits(t)) >> 3
		if uint(d-1) < 7 {
			m = m*uint64(pow10int[d]) + eightDigits(t<<(64-8*d))
			i += d
		} else if d == 0 {
			return 0, 0, start
		} else {
			m = m*1e8 + eightDigits(t)
			t = load8(b, i+8) ^ '0'*ones
			more := bits.TrailingZeros64(notDigits(t)) >> 3
			i += 8 + more
			if d += more; n+d > 18 { // it might overflow
				return 0, 0, start
			}
			if m = m*uint64(pow10int[more]) + eightDigits(t<<(64-8*more)); m >= 1e15 {
				return 0, 0, start
			}
		}
	}
	if m == 0 && minus != 0 {
		return 0, 0, start
	}
	return (m ^ -minus) + minus, uint8(d), i
}

// quick reads records from b[pos] on that lie before stop and hold nothing out of the ordinary: the right number of cells, no line ends or doubled
// quotes inside quotes. b[last] is the last LF, and there is padding behind it. columns has the part of every column of the file, -1
// where it is not in use. It ends before a record it leaves to others; rows says how many it read, each on one line.
//
// It reads a cell as delimited and stage.cell do, only faster; FuzzThreads compares them.
func (s *stage) quick(b []byte, pos, last, stop int, columns []int32, delim byte) (next, rows int) {
	delims := uint64(delim) * ones
	tab := byte('\t') // blank, unless it delimits
	if delim == tab {
		tab = ' '
	}
	first := s.rows
	stop = min(stop, last)
	for pos < stop && s.rows < s.room {
		i := pos
		row := s.rows
		for c, at := range columns {
			if at < 0 {
				for b[i] == ' ' || b[i] == tab {
					i++
				}
				closed := true
				if b[i] == '"' {
					i = cellEnd(b, i+1, '"'*ones)
					closed = b[i] == '"' // not a line end
					i++
				} else {
					i = cellEnd(b, i, delims)
				}
				if !closed || b[i] != delim && b[i] != '\n' && b[i] != '\r' {
					s.undo(columns, c)
					return pos, s.rows - first
				}
			} else {
				x := &s.texts[at]
				from := i
				if !x.text {
					slot, form, end := plainNumber(b, i)
					if ch := b[end]; end > i && (ch == delim || ch == '\n' || ch == '\r') {
						k := int(at)*s.stride + row
						s.slots[k], s.forms[k] = slot, form
						i = end
						goto ended
					}
				}
				i = cellEnd(b, i, delims)
				end := i
				for from < end && (b[from] == ' ' || b[from] == tab) {
					from++
				}
				quoted := false
				if from < end && b[from] == '"' {
					// "text" and nothing else; a delimiter may stand in it.
					from++
					end = cellEnd(b, from, '"'*ones)
					if i = end + 1; b[end] != '"' || b[i] != delim && b[i] != '\n' && b[i] != '\r' {
						s.undo(columns, c)
						return pos, s.rows - first
					}
					quoted = true
				} else {
					for from < end && (b[end-1] == ' ' || b[end-1] == tab) {
						end--
					}
				}
				text := b[from:end] // with room behind it
				if x.text && !(quoted && from < end && (b[from] == ' ' || b[from] == '\t' || b[end-1] == ' ' || b[end-1] == '\t')) {
					word, hash := textWord(text)
					if code, ok := x.words.find(text, word, hash); ok {
						k := int(at)*s.stride + row
						s.slots[k], s.forms[k] = uint64(code), formText
						goto ended
					}
				}
				s.cell(int(at), text, quoted)
			}
		ended:
			if b[i] == delim && c+1 < len(columns) {
				i++
				continue
			}
			if c+1 < len(columns) || b[i] == delim {
				s.undo(columns, c+1)
				return pos, s.rows - first
			}
			if b[i] == '\r' && b[i+1] == '\n' {
				i++
			}
			i++
		}
		if i-pos > maxCell {
			s.undo(columns, len(columns))
			return pos, s.rows - first
		}
		pos = i
		s.rows++
	}
	return pos, s.rows - first
}
