package dataset

// texts numbers the distinct texts of a column in the order they are met.
type texts struct {
	entries []textEntry
	codes   map[string]int32
	recent  [256]int32 // code+1 of a text lately met, by a weak hash of it
}

type textEntry struct {
	text  string
	rows  int
	first int // row
}

// code counts the text at a row; a new text gets a new code.
func (t *texts) code(text []byte, row int) int32 {
	slot := &t.recent[weakHash(text)]
	if c := *slot - 1; c >= 0 && t.entries[c].text == string(text) {
		t.entries[c].rows++
		return c
	}
	c, ok := t.codes[string(text)]
	if !ok {
		if t.codes == nil {
			t.codes = make(map[string]int32)
		}
		c = int32(len(t.entries))
		s := string(text)
		t.codes[s] = c
		t.entries = append(t.entries, textEntry{text: s, first: row})
	}
	e := &t.entries[c]
	e.rows++
	e.first = min(e.first, row)
	*slot = c + 1
	return c
}

func weakHash(b []byte) uint8 {
	n := len(b)
	if n == 0 {
		return 0
	}
	return b[0] + 31*b[n-1] + 17*b[n/2] + uint8(n)
}
