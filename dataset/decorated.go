package dataset

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// decorated says what keeps a text from being a number that a person would read as one: "a thousands separator", "a decimal comma",
// "a % sign", "a currency sign"; "" for everything else.
func decorated(s string) string {
	const longest = 64
	if len(s) > longest {
		return ""
	}
	s = strings.TrimFunc(s, unicode.IsSpace)
	what := ""
	s = strings.TrimLeft(s, "+-")
	s, signs := trimCurrency(s)
	if signs > 0 {
		what = "a currency sign"
		s = strings.TrimLeft(s, "+-")
	}
	if t, ok := strings.CutSuffix(s, "%"); ok {
		s = strings.TrimRightFunc(t, unicode.IsSpace)
		what = "a % sign"
	}
	if s == "" || s[0] == '+' || s[0] == '-' {
		return ""
	}
	if _, ok := ParseNumber([]byte(s)); ok {
		return what
	}
	if grouped := grouping(s); grouped != "" {
		if what == "" {
			what = grouped
		}
		return what
	}
	return ""
}

// trimCurrency takes currency signs (Unicode category Sc) and the blanks beside them from both ends.
func trimCurrency(s string) (rest string, signs int) {
	for {
		r, n := utf8.DecodeRuneInString(s)
		if n == 0 || !unicode.Is(unicode.Sc, r) {
			break
		}
		s, signs = strings.TrimLeftFunc(s[n:], unicode.IsSpace), signs+1
	}
	for {
		r, n := utf8.DecodeLastRuneInString(s)
		if n == 0 || !unicode.Is(unicode.Sc, r) {
			break
		}
		s, signs = strings.TrimRightFunc(s[:len(s)-n], unicode.IsSpace), signs+1
	}
	return s, signs
}

// grouping recognises 1,234 1.234.567,8 1 234,5 1'234.5 12,34,567 and 7,92.
func grouping(s string) string {
	for _, sep := range []string{",", ".", "'", "’", " ", "\u00a0", "\u202f"} {
		head, tail := s, ""
		for _, point := range []string{".", ","} {
			if point == sep {
				continue
			}
			if i := strings.LastIndex(s, point); i >= 0 && onlyDigits(s[i+1:]) {
				head, tail = s[:i], s[i+1:]
				break
			}
		}
		groups := strings.Split(head, sep)
		if len(groups) < 2 || sep == "." && tail == "" && len(groups) == 2 {
			continue // a single point is a number's own
		}
		ok := len(groups[0]) >= 1 && len(groups[0]) <= 3 && onlyDigits(groups[0]) && (groups[0] != "0")
		for i, g := range groups[1:] {
			last := i == len(groups)-2
			ok = ok && onlyDigits(g) && (len(g) == 3 || len(g) == 2 && !last && sep == ",")
		}
		if ok {
			return "a thousands separator"
		}
	}
	if whole, fraction, ok := strings.Cut(s, ","); ok && whole+fraction != "" && onlyDigits(whole) {
		if _, ok := ParseNumber([]byte("0." + fraction)); ok {
			return "a decimal comma"
		}
	}
	return ""
}

func onlyDigits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}

// notNumber says why a text is no number, for an error's message.
func notNumber(s string) string {
	t := strings.ToLower(strings.TrimLeft(strings.TrimSpace(s), "+-"))
	if len(t) > 64 {
		t = t[:64]
	}
	switch v, ok := ParseNumber([]byte(strings.TrimSpace(s))); {
	case !ok && v != 0:
		return "is too large for a number (float64 ends near 1.8e308)"
	case t == "inf" || t == "infinity":
		return "is an infinite value, not a number"
	case t == "nan":
		return "is not a number"
	case strings.HasPrefix(t, "0x"):
		return "is not a number: hexadecimal is not read"
	case strings.Contains(t, "_") && strings.Trim(t, "0123456789_.e+-") == "":
		return "is not a number: underscores are not read"
	}
	if what := decorated(s); what != "" {
		return "is not a number: it has " + what
	}
	return "is not a number"
}
