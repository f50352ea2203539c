package dataset

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// dictionary numbers distinct texts in the order they are met: an open hash table over one arena. A text of at most eight bytes is one word,
// so that most cells of most files are found with a look at one place of the table.
type dictionary struct {
	table   []dictionarySlot // a power of two, at most half full
	entries []dictionaryEntry
	arena   []byte
}

type dictionarySlot struct {
	word uint64 // of a text up to eight bytes long: the text; else its hash
	n    uint32 // bytes
	code uint32 // +1; 0: free
}

type dictionaryEntry struct {
	end int // in the arena
	n   int // bytes
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
		slot := &d.table[at]
		if slot.code == 0 {
			return 0, false
		}
		if slot.word == word && int(slot.n) == len(text) && (len(text) <= 8 || bytes.Equal(d.text(int(slot.code-1)), text)) {
			return int(slot.code - 1), true
		}
	}
}

// add appends a text that is not there.
func (d *dictionary) add(text []byte, word, hash uint64) (code int) {
	if 2*(len(d.entries)+1) > len(d.table) {
		d.grow()
	}
	d.arena = append(d.arena, text...)
	d.entries = append(d.entries, dictionaryEntry{len(d.arena), len(text)})
	d.place(dictionarySlot{word, uint32(len(text)), uint32(len(d.entries))}, hash)
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

func (d *dictionary) place(slot dictionarySlot, hash uint64) {
	mask := uint64(len(d.table) - 1)
	at := hash & mask
	for d.table[at].code != 0 {
		at = (at + 1) & mask
	}
	d.table[at] = slot
}

func (d *dictionary) grow() {
	old := d.table
	d.table = make([]dictionarySlot, max(64, 2*len(old)))
	for _, slot := range old {
		if slot.code != 0 {
			hash := slot.word
			if slot.n <= 8 {
				hash = mix(slot.word, uint64(slot.n))
			}
			d.place(slot, hash)
		}
	}
}

func (d *dictionary) text(code int) []byte {
	e := &d.entries[code]
	return d.arena[e.end-e.n : e.end : e.end]
}

// beginning is the dictionary as it is now, for reading texts only: it stays as it is while others are added, also by another goroutine.
func (d *dictionary) beginning() *dictionary {
	return &dictionary{entries: d.entries[:len(d.entries):len(d.entries)], arena: d.arena[:len(d.arena):len(d.arena)]}
}
