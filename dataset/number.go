package dataset

import (
	"math"
	"math/bits"
	"strconv"
)

// ParseNumber reads a plain decimal number: digits with at most one point, at least one digit, an optional sign before and an optional
// exponent after: 5 +5 -0 .5 5. 007 1E+1. Nothing else is a number: no inf, nan, hexadecimal, underscores, thousands separators or blanks.
// The result is the float64 nearest to the decimal (ties to even); one too small for float64 is 0 with its sign.
// For a number too large the result is ±Inf and false.
func ParseNumber(text []byte) (float64, bool) {
	v, next := scanNumber(text, 0)
	if next != len(text) || next == 0 {
		return 0, false
	}
	return v, !math.IsInf(v, 0)
}

// powers of ten that float64 holds exactly, and those that 64 bits hold.
var (
	pow10    = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}
	pow10int = [...]int64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}
)

// scanned is a number's text taken apart: ±mant·10^exp.
type scanned struct {
	mant     uint64 // while digits ≤ 19; else it has overflown
	digits   int    // of the mantissa, with zeros in front
	exp      int
	negative bool
	regular  bool // no plus sign, no superfluous zeros in front, no exponent, digits on both sides of a point
}

// takeApart reads the longest number that begins at b[i] and returns where it ends; next == i means there is none.
// An exponent without digits is left unread.
func takeApart(b []byte, i int) (n scanned, next int) {
	start := i
	plus := false
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		n.negative, plus = b[i] == '-', b[i] == '+'
		i++
	}
	first := i
	for i < len(b) {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		n.mant = n.mant*10 + uint64(d)
		i++
	}
	n.digits = i - first
	n.regular = !plus && n.digits > 0 && (n.digits == 1 || b[first] != '0')
	if i < len(b) && b[i] == '.' {
		i++
		point := i
		for i < len(b) {
			d := b[i] - '0'
			if d > 9 {
				break
			}
			n.mant = n.mant*10 + uint64(d)
			i++
		}
		n.exp = point - i
		n.digits += i - point
		n.regular = n.regular && i > point
	}
	if n.digits == 0 {
		return n, start
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if e, end := scanExponent(b, i+1); end > 0 {
			n.exp += e
			i = end
			n.regular = false
		}
	}
	return n, i
}

// scanNumber reads the longest number that begins at b[i] and returns where it ends; next == i means there is none. A number too large is ±Inf.
//
// Up to 19 digits are gathered in an integer. If it is at most 2^53 and the power of ten at most 10^22, both are exact float64 and one
// multiplication or division rounds once, correctly (Clinger, "How to read floating point numbers accurately", 1990).
// Otherwise strconv decides.
func scanNumber(b []byte, i int) (v float64, next int) {
	n, next := takeApart(b, i)
	if next == i {
		return 0, i
	}
	if n.digits > 19 || n.mant > 1<<53 || n.exp < -22 || n.exp > 22 {
		return slowNumber(b[i:next]), next
	}
	v = float64(n.mant)
	if n.exp < 0 {
		v /= pow10[-n.exp]
	} else {
		v *= pow10[n.exp]
	}
	if n.negative {
		v = -v
	}
	return v, next
}

// scanCell reads the longest number that begins at b[i] as a stage's cell. One too large has the form formText.
func scanCell(b []byte, i int) (slot uint64, form uint8, next int) {
	n, next := takeApart(b, i)
	if next == i {
		return 0, formText, i
	}
	if n.digits > 18 { // zeros in front are none of the mantissa's
		v := slowNumber(b[i:next])
		if math.IsInf(v, 0) {
			return 0, formText, next
		}
		if v == 0 {
			return 0, irregular, next
		}
		return math.Float64bits(v), formFloat, next
	}
	m, d := int64(n.mant), -n.exp
	if m == 0 {
		d = max(0, min(d, mostDecimals))
	}
	if d < 0 && d >= -9 && m <= mostInt32 {
		m *= pow10int[-d]
		d = 0
	}
	if d < 0 || d > mostDecimals || d > 18 && m > 1<<53 {
		v := slowNumber(b[i:next])
		switch {
		case math.IsInf(v, 0):
			return 0, formText, next
		case v == 0:
			return 0, irregular, next
		}
		return math.Float64bits(v), formFloat, next
	}
	form = uint8(d)
	if !n.regular || m >= 1e15 || n.negative && m == 0 || -n.exp != d {
		form |= irregular
	}
	if n.negative {
		m = -m
	}
	return uint64(m), form, next
}

// decimal is the float64 nearest to m/10^d, d ≤ 22, or 18 where |m| > 2^53.
func decimal(m int64, d int) float64 {
	if m <= 1<<53 && m >= -1<<53 {
		if m == 0 {
			return 0
		}
		return float64(m) / pow10[d]
	}
	u := uint64(m)
	if m < 0 {
		u = -u
	}
	// Long division, 128 bits by 64: both with their highest bit set, the dividend halved so that the quotient has 63 or 64 bits, of which the last says
	// whether there is a rest. Its conversion rounds once, to nearest even.
	den := uint64(pow10int[d])
	up, down := bits.LeadingZeros64(u), bits.LeadingZeros64(den)
	u <<= up
	q, rest := bits.Div64(u>>1, u<<63, den<<down)
	if rest != 0 {
		q |= 1
	}
	v := math.Ldexp(float64(q), down-up-63)
	if m < 0 {
		return -v
	}
	return v
}

// appendDecimal writes m/10^d with d decimals.
func appendDecimal(b []byte, m int64, d int) []byte {
	if m < 0 {
		b = append(b, '-')
		m = -m
	}
	if d == 0 {
		return strconv.AppendInt(b, m, 10)
	}
	whole, rest := int64(0), m
	if d < len(pow10int) {
		whole, rest = m/pow10int[d], m%pow10int[d]
	}
	b = strconv.AppendInt(b, whole, 10)
	b = append(b, '.')
	from := len(b)
	b = strconv.AppendInt(b, rest, 10)
	if short := d - (len(b) - from); short > 0 {
		b = append(b, zeros[:short]...)
		copy(b[from+short:], b[from:])
		copy(b[from:], zeros[:short])
	}
	return b
}

const zeros = "0000000000000000000000"

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

// allNumbers reports whether every text is a number; false for none.
func allNumbers(texts []string) bool {
	for _, s := range texts {
		if _, ok := ParseNumber([]byte(s)); !ok {
			return false
		}
	}
	return len(texts) > 0
}
