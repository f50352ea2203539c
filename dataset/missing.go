package dataset

import "bytes"

// DefaultNA are the texts that mean missing when Options.NA is nil, in any case, besides the empty cell.
var DefaultNA = []string{"NA", "N/A", "NaN", "null", "none", "?", "."}

// Missing tells texts that mean a missing value. The zero value knows only the empty text. It is safe for concurrent use.
type Missing struct {
	texts   [][]byte
	longest int
	first   [256]bool // the bytes such a text can begin with
	numbers bool      // one of them is a number, such as -999
}

// NewMissing knows the given texts and the empty one; nil means DefaultNA. Case and outer blanks don't count.
func NewMissing(list []string) *Missing {
	if list == nil {
		list = DefaultNA
	}
	m := &Missing{}
	for _, s := range list {
		t := bytes.TrimSpace([]byte(s))
		if len(t) == 0 {
			continue
		}
		m.texts = append(m.texts, t)
		for _, f := range [][]byte{t, bytes.ToLower(t), bytes.ToUpper(t)} {
			m.first[f[0]] = true
			m.longest = max(m.longest, len(f))
		}
		if _, ok := ParseNumber(t); ok {
			m.numbers = true
		}
	}
	return m
}

// Is reports whether the text, with its outer blanks gone, means a missing value.
func (m *Missing) Is(text []byte) bool {
	if len(text) == 0 {
		return true
	}
	if len(text) > m.longest || !m.first[text[0]] {
		return false
	}
	for _, t := range m.texts {
		if bytes.EqualFold(text, t) {
			return true
		}
	}
	return false
}
