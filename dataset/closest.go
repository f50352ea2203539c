package dataset

import (
	"strings"
	"unicode"
)

// Closest finds the known name that was perhaps meant: the same but for case, or the nearest by insertions, deletions,
// replacements and swaps of neighbours when that is at most a third of the name's letters. The first of equals wins.
func Closest(name string, known []string) (string, bool) {
	if len(name) > 200 {
		return "", false
	}
	a := []rune(strings.ToLower(name))
	best, least := "", max(1, len(a)/3)+1
	for _, k := range known {
		if len(k) > 200 || k == name {
			continue
		}
		b := []rune(strings.ToLower(k))
		if abs(len(a)-len(b)) >= least {
			continue
		}
		if d := distance(a, b); d < least && d < max(len(a), len(b)) {
			best, least = k, d
		}
	}
	return best, best != ""
}

// distance is the optimal string alignment distance (Damerau 1964; the restricted form, without edits inside a swap).
func distance(a, b []rune) int {
	two, one, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range one {
		one[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(one[j]+cost, one[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], two[j-1]+1)
			}
		}
		two, one, row = one, row, two
	}
	return one[len(b)]
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

func isPrint(r rune) bool { return unicode.IsPrint(r) }
