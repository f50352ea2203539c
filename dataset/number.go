package dataset

import (
	"math"
	"strconv"
)

// ParseNumber reads a plain decimal number: digits with at most one point, at least one digit, an optional sign before and an optional
// exponent after: 5 +5 -0 .5 5. 007 1E+1. Nothing else is a number: no inf, nan, hexadecimal, underscores, thousands separators or blanks.
// The result is the float64 nearest to the decimal (ties to even); one too small for float64 is 0 with its sign.
// For a number too large the result is ±Inf and false.
func ParseNumber(text []byte) (float64, bool) {
	v, _, next := scanNumber(text, 0)
	if next != len(text) || next == 0 {
		return 0, false
	}
	return v, !math.IsInf(v, 0)
}

// The form of a number's text. A form below irregular is a count of decimals, and says that strconv.AppendFloat(…, 'f', form, 64)
// gives back the text byte for byte: no plus sign, no superfluous zeros in front, no exponent, at most 15 digits
// (a decimal of 15 digits survives the way through float64: Goldberg, "What every computer scientist should know about
// floating-point arithmetic", 1991, section "Binary to decimal conversion").
// So a column keeps one byte a cell instead of its text until its type is known.
const (
	irregular = 0xff // the text is kept, or lost
	textForm  = 0xfe // not a number: the number's place holds the code of the text
)

// powers of ten that float64 holds exactly.
var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// scanNumber reads the longest number that begins at b[i] and returns where it ends; next == i means there is none.
// An exponent without digits is left unread. A number too large is ±Inf.
//
// Up to 19 digits are gathered in an integer. If it is at most 2^53 and the power of ten at most 10^22, both are exact float64 and one
// multiplication or division rounds once, correctly (Clinger, "How to read floating point numbers accurately", 1990).
// Otherwise strconv decides.
func scanNumber(b []byte, i int) (v float64, form uint8, next int) {
	start := i
	var sign byte
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		sign = b[i]
		i++
	}
	first := i
	var mant uint64
	for i < len(b) {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		mant = mant*10 + uint64(d)
		i++
	}
	digits := i - first
	decimals := 0
	regular := sign != '+' && digits > 0 && (digits == 1 || b[first] != '0')
	if i < len(b) && b[i] == '.' {
		i++
		point := i
		for i < len(b) {
			d := b[i] - '0'
			if d > 9 {
				break
			}
			mant = mant*10 + uint64(d)
			i++
		}
		decimals = i - point
		digits += decimals
		regular = regular && decimals > 0
	}
	if digits == 0 {
		return 0, irregular, start
	}
	exp := -decimals
	if i < len(b) && b[i]|0x20 == 'e' {
		if e, end := scanExponent(b, i+1); end > 0 {
			exp += e
			i = end
			regular = false
		}
	}
	if digits > 19 || mant > 1<<53 || exp < -22 || exp > 22 {
		return slowNumber(b[start:i]), irregular, i
	}
	v = float64(mant)
	if exp < 0 {
		v /= pow10[-exp]
	} else {
		v *= pow10[exp]
	}
	if sign == '-' {
		v = -v
	}
	form = irregular
	if regular && mant < 1e15 {
		form = uint8(decimals)
	}
	return v, form, i
}

// scanExponent reads a sign and digits at b[i]; end is 0 if there are no digits. Exponents beyond ±10^6 stay there:
// with any mantissa that fits in a cell strconv is asked in any case.
func scanExponent(b []byte, i int) (e, end int) {
	negative := false
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		negative = b[i] == '-'
		i++
	}
	first := i
	for i < len(b) && b[i]-'0' <= 9 {
		if e < 1e6 {
			e = e*10 + int(b[i]-'0')
		}
		i++
	}
	if i == first {
		return 0, 0
	}
	if negative {
		e = -e
	}
	return e, i
}

// slowNumber rounds a number whose grammar is already known to be right.
func slowNumber(b []byte) float64 {
	v, _ := strconv.ParseFloat(string(b), 64) // the only error left is ErrRange, and then v is ±Inf
	return v
}

// appendNumber writes back the text of a regular number.
func appendNumber(b []byte, v float64, form uint8) []byte {
	return strconv.AppendFloat(b, v, 'f', int(form), 64)
}

// allNumbers reports whether every text is a number; false for none.
func allNumbers(texts []string) bool {
	for _, s := range texts {
		if _, ok := ParseNumber([]byte(s)); !ok {
			return false
		}
	}
	return len(texts) > 0
}
