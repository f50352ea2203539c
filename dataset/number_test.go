package dataset

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestParseNumber(t *testing.T) {
	for _, c := range []struct {
		text string
		want float64
		ok   bool
	}{
		{"+5", 5, true}, {".5", 0.5, true}, {"5.", 5, true}, {"1E+1", 10, true}, {"007", 7, true}, {"-0", math.Copysign(0, -1), true},
		{"0", 0, true}, {"1e22", 1e22, true}, {"1e23", 1e23, true}, {"9007199254740993", 9007199254740992, true},
		{"123456789012345678901234567890", 123456789012345678901234567890, true}, {"1e-400", 0, true}, {"5e-324", 5e-324, true},
		{"0.1", 0.1, true}, {"1.7976931348623157e308", math.MaxFloat64, true}, {"1e+01", 10, true},
		{"1e999", math.Inf(1), false}, {"-1e999", math.Inf(-1), false}, {"1e99999999999999999999", math.Inf(1), false},
		{"", 0, false}, {"+", 0, false}, {"-", 0, false}, {".", 0, false}, {"e5", 0, false}, {"1e", 0, false}, {"1e+", 0, false}, {"+-5", 0, false},
		{"inf", 0, false}, {"Infinity", 0, false}, {"nan", 0, false}, {"0x10", 0, false}, {"0x1p-2", 0, false}, {"1_000", 0, false}, {"1,5", 0, false},
		{" 5", 0, false}, {"5 ", 0, false}, {"5\x00", 0, false}, {"1.2.3", 0, false}, {"1e5.0", 0, false}, {"٥", 0, false},
	} {
		v, ok := ParseNumber([]byte(c.text))
		if ok != c.ok || math.Float64bits(v) != math.Float64bits(c.want) {
			t.Errorf("ParseNumber(%q) = %v, %v; want %v, %v", c.text, v, ok, c.want, c.ok)
		}
	}
}

// grammar says whether strconv's wider grammar has to agree: it takes words, hexadecimal and underscores besides.
func grammar(s string) bool {
	return s != "" && strings.Trim(s, "0123456789+-.eE") == ""
}

func checkNumber(t *testing.T, s string) {
	t.Helper()
	v, ok := ParseNumber([]byte(s))
	want, err := strconv.ParseFloat(s, 64)
	if !grammar(s) {
		if ok {
			t.Fatalf("ParseNumber(%q) takes what is no decimal", s)
		}
		return
	}
	if ok != (err == nil) {
		t.Fatalf("ParseNumber(%q) = %v, %v; strconv: %v, %v", s, v, ok, want, err)
	}
	if err == nil && math.Float64bits(v) != math.Float64bits(want) {
		t.Fatalf("ParseNumber(%q) = %x, strconv %x", s, v, want)
	}
	slot, form, next := scanCell([]byte(s), 0)
	if ok != (form != formText && next == len(s)) {
		t.Fatalf("scanCell(%q) = %x, %x, %d", s, slot, form, next)
	}
	if ok && number(slot, form) != want {
		t.Fatalf("%q as a cell is %x, strconv %x", s, number(slot, form), want)
	}
	if ok && form < irregular && string(appendDecimal(nil, int64(slot), int(form))) != s {
		t.Fatalf("%q with form %d comes back as %q", s, form, appendDecimal(nil, int64(slot), int(form)))
	}
}

func TestNumbersAgreeWithStrconv(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + r.IntN(10))
		}
		return string(b)
	}
	regular := 0
	for range 60_000 {
		var s string
		switch r.IntN(5) {
		case 0: // any float64
			s = strconv.FormatFloat(math.Float64frombits(r.Uint64()&^(0x7ff<<52)|uint64(r.IntN(2047))<<52), "eEfgG"[r.IntN(5)], -1, 64)
		case 1:
			s = strconv.FormatFloat(r.NormFloat64()*math.Pow(10, float64(r.IntN(40)-20)), "ef"[r.IntN(2)], r.IntN(20), 64)
		case 2:
			s = digits(r.IntN(22)) + "." + digits(r.IntN(22))
		case 3:
			s = []string{"", "+", "-"}[r.IntN(3)] + digits(1+r.IntN(20)) + "e" + []string{"", "+", "-"}[r.IntN(3)] + digits(r.IntN(4))
		default: // halfway between two float64, and its neighbours
			m := r.Uint64N(1<<52) + 1<<52
			s = strconv.FormatUint(m, 10) + ".5"
			if r.IntN(2) == 0 {
				s += strings.Repeat("0", r.IntN(20)) + "1"
			}
		}
		checkNumber(t, s)
		if _, form, _ := scanCell([]byte(s), 0); form < irregular {
			regular++
		}
	}
	if regular < 2000 {
		t.Errorf("only %d of the numbers were regular: the test hardly looks at them", regular)
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5e-7", "9007199254740993", "0x1p3", "1_0", "inf", "1e400", "00.10", ".", "123456789012345678901"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkNumber(t, s) })
}

func TestDecorated(t *testing.T) {
	for text, want := range map[string]string{
		"1,234": "a thousands separator", "1.234.567": "a thousands separator", "1 234": "a thousands separator", "1'234.5": "a thousands separator",
		"12,34,567": "a thousands separator", "1.234,56": "a thousands separator", "-1,234.50": "a thousands separator", "1\u00a0234": "a thousands separator",
		"7,92": "a decimal comma", "-0,5": "a decimal comma", ",5": "a decimal comma", "0,123": "a decimal comma", "1,5e3": "a decimal comma", "1234,5": "a decimal comma",
		"5%": "a % sign", "12.5 %": "a % sign", "7,5%": "a % sign", "$5": "a currency sign", "-$5.20": "a currency sign", "5 €": "a currency sign", "£1,234.50": "a currency sign",
		"abc": "", "5": "", "1.5": "", "7.5h": "", "2020-01-02": "", "1.2.3": "", "12:30": "", "%": "", "$": "", "": "", ",": "", "1,2,3": "", "5-3": "",
		"555-1234": "", "1_000": "", "A1,234": "", "inf%": "",
	} {
		if got := decorated(text); got != want {
			t.Errorf("decorated(%q) = %q, want %q", text, got, want)
		}
	}
}
