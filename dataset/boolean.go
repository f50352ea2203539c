package dataset

import "strings"

// pairs are the texts of boolean columns, in lower case: false side, true side.
var pairs = [...][2]string{{"false", "true"}, {"f", "t"}, {"no", "yes"}, {"n", "y"}}

// booleanText finds the pair a text belongs to and its side; pair is -1 for other texts. Case and outer blanks don't count.
func booleanText(s string) (pair, side int) {
	if len(s) > 16 {
		return -1, 0
	}
	s = strings.ToLower(strings.TrimSpace(s))
	for p := range pairs {
		for side := range pairs[p] {
			if s == pairs[p][side] {
				return p, side
			}
		}
	}
	return -1, 0
}

func pairName(pair int) string { return pairs[pair][1] + "/" + pairs[pair][0] }
