package dataset

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// dictionary numbers distinct texts in the order they are met: an open hash table over one arena. A text of at most eight bytes is one word,
// so that most cells of most files are found without touching the arena.
type dictionary struct {
	table   []uint32 // entry+1, 0: free; a power of two, at most half full
	entries []dictionaryEntry
	arena   []byte
}

type dictionaryEntry struct {
	word uint64 // of a text up to eight bytes long: the text; else its hash
	end  int    // in the arena
	n    int    // bytes
}

// The hash has a seed of its own in every process, so that no file can choose texts that collide. It decides nothing that is seen.
var hashSeed = maphash.MakeSeed()
var seedA, seedB = maphash.Bytes(hashSeed, []byte("a")) | 1, maphash.Bytes(hashSeed, []byte("b")) | 1

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^seedA, b^seedB)
	return hi ^ lo
}

// textWord is a text's word, and its hash.
func textWord(text []byte) (word, hash uint64) {
	n := len(text)
	if n > 8 {
		h := uint64(n)
		for rest := text; len(rest) > 8; rest = rest[8:] {
			h = mix(h, binary.LittleEndian.Uint64(rest))
		}
		h = mix(h, binary.LittleEndian.Uint64(text[n-8:]))
		return h, h
	}
	if cap(text) >= 8 {
		word = binary.LittleEndian.Uint64(text[:8]) & (1<<(8*n) - 1)
	} else {
		for i, c := range text {
			word |= uint64(c) << (8 * i)
		}
	}
	return word, mix(word, uint64(n))
}

// find looks a text up.
func (d *dictionary) find(text []byte, word, hash uint64) (code int, ok bool) {
	if len(d.table) == 0 {
		return 0, false
	}
	mask := uint64(len(d.table) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		code := int(d.table[at]) - 1
		if code < 0 {
			return 0, false
		}
		e := &d.entries[code]
		if e.word == word && e.n == len(text) && (e.n <= 8 || bytes.Equal(d.arena[e.end-e.n:e.end], text)) {
			return code, true
		}
	}
}

// add appends a text that is not there.
func (d *dictionary) add(text []byte, word, hash uint64) (code int) {
	if 2*(len(d.entries)+1) > len(d.table) {
		d.grow()
	}
	d.arena = append(d.arena, text...)
	d.entries = append(d.entries, dictionaryEntry{word, len(d.arena), len(text)})
	d.place(len(d.entries)-1, hash)
	return len(d.entries) - 1
}

// code finds a text or appends it.
func (d *dictionary) code(text []byte) int {
	word, hash := textWord(text)
	if code, ok := d.find(text, word, hash); ok {
		return code
	}
	return d.add(text, word, hash)
}

func (d *dictionary) place(code int, hash uint64) {
	mask := uint64(len(d.table) - 1)
	at := hash & mask
	for d.table[at] != 0 {
		at = (at + 1) & mask
	}
	d.table[at] = uint32(code + 1)
}

func (d *dictionary) grow() {
	d.table = make([]uint32, max(64, 2*len(d.table)))
	for code := range d.entries {
		_, hash := textWord(d.text(code))
		d.place(code, hash)
	}
}

func (d *dictionary) text(code int) []byte {
	e := &d.entries[code]
	return d.arena[e.end-e.n : e.end : e.end]
}
