package parquet

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/descent-ml/descent/dataset"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// value says how the stored bytes of a cell are read.
type value struct {
	kind    format.Type
	stride  int                         // bytes of a cell; 0: each has its own length. Booleans are a byte here
	number  func(raw []byte) float64    // nil: no number
	text    func(to, raw []byte) []byte // appends the text; nil: the bytes are the text
	nothing bool                        // only null
}

// valueOf reads the type of a column: the physical one, and what the logical one says about it.
func valueOf(e *format.SchemaElement) (v value, refused string) {
	v.kind = e.Type.V
	logical := e.LogicalType.Value
	converted := func(t deprecated.ConvertedType) bool {
		return logical == nil && e.ConvertedType.Valid && e.ConvertedType.V == t
	}
	scale, decimal := int(e.Scale.V), converted(deprecated.Decimal)
	if d, ok := logical.(*format.DecimalType); ok {
		scale, decimal = int(d.Scale), true
	}
	if decimal && (scale < 0 || scale > 1000) {
		return v, "a decimal of scale " + strconv.Itoa(scale)
	}
	if _, ok := logical.(*format.NullType); ok {
		v.nothing = true
	}
	_, date := logical.(*format.DateType)
	date = date || converted(deprecated.Date)
	clock, isTime := logical.(*format.TimeType)
	stamp, isStamp := logical.(*format.TimestampType)
	unit, utc := time.Duration(0), false
	switch {
	case isTime && clock.Unit.Value != nil:
		unit = clock.Unit.Value.Duration()
	case isStamp && stamp.Unit.Value != nil:
		unit, utc = stamp.Unit.Value.Duration(), stamp.IsAdjustedToUTC
	case converted(deprecated.TimeMillis):
		isTime, unit = true, time.Millisecond
	case converted(deprecated.TimeMicros):
		isTime, unit = true, time.Microsecond
	case converted(deprecated.TimestampMillis):
		isStamp, unit, utc = true, time.Millisecond, true
	case converted(deprecated.TimestampMicros):
		isStamp, unit, utc = true, time.Microsecond, true
	}
	if (isTime || isStamp) && unit == 0 {
		return v, "a time of an unknown unit"
	}
	switch v.kind {
	case format.Boolean:
		v.stride = 1
		v.text = func(to, raw []byte) []byte { return strconv.AppendBool(to, raw[0] != 0) }
	case format.Int32, format.Int64:
		v.stride = 4
		integer := func(raw []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(raw))) }
		if v.kind == format.Int64 {
			v.stride = 8
			integer = func(raw []byte) int64 { return int64(binary.LittleEndian.Uint64(raw)) }
		}
		unsigned := converted(deprecated.Uint8) || converted(deprecated.Uint16) || converted(deprecated.Uint32) || converted(deprecated.Uint64)
		if t, ok := logical.(*format.IntType); ok {
			unsigned = !t.IsSigned
		}
		switch {
		case decimal:
			v.text = func(to, raw []byte) []byte { return appendDecimal(to, strconv.AppendInt(nil, integer(raw), 10), scale) }
			v.number = v.parsed
			if scale <= 22 {
				ten := math.Pow10(scale) // exact up to 10^22
				v.number = func(raw []byte) float64 {
					if k := integer(raw); k >= -1<<53 && k <= 1<<53 {
						return float64(k) / ten // both exact: rounded once
					}
					return v.parsed(raw)
				}
			}
		case date:
			v.text = func(to, raw []byte) []byte { return appendTime(to, time.Unix(integer(raw)*86400, 0), time.DateOnly) }
		case isTime:
			v.text = func(to, raw []byte) []byte {
				n := integer(raw) * int64(unit)
				return appendTime(to, time.Unix(0, n), "15:04:05.999999999")
			}
		case isStamp:
			v.text = func(to, raw []byte) []byte { return appendStamp(to, integer(raw), unit, utc) }
		case unsigned && v.kind == format.Int32:
			v.number = func(raw []byte) float64 { return float64(binary.LittleEndian.Uint32(raw)) }
			v.text = func(to, raw []byte) []byte {
				return strconv.AppendUint(to, uint64(binary.LittleEndian.Uint32(raw)), 10)
			}
		case unsigned:
			v.number = func(raw []byte) float64 { return float64(binary.LittleEndian.Uint64(raw)) }
			v.text = func(to, raw []byte) []byte { return strconv.AppendUint(to, binary.LittleEndian.Uint64(raw), 10) }
		case v.kind == format.Int32:
			v.number = func(raw []byte) float64 { return float64(int32(binary.LittleEndian.Uint32(raw))) }
			v.text = func(to, raw []byte) []byte { return strconv.AppendInt(to, integer(raw), 10) }
		default:
			v.number = func(raw []byte) float64 { return float64(int64(binary.LittleEndian.Uint64(raw))) }
			v.text = func(to, raw []byte) []byte { return strconv.AppendInt(to, integer(raw), 10) }
		}
	case format.Int96: // nanoseconds of the day and the Julian day: times of old writers
		v.stride = 12
		v.text = func(to, raw []byte) []byte {
			const epoch = 2440588 // Julian day of 1970-01-01
			day := int64(binary.LittleEndian.Uint32(raw[8:])) - epoch
			at := time.Unix(day*86400, 0).Add(time.Duration(binary.LittleEndian.Uint64(raw)))
			return appendTime(to, at, "2006-01-02 15:04:05.999999999")
		}
	case format.Float:
		v.stride = 4
		v.number = func(raw []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))) }
		v.text = func(to, raw []byte) []byte { return appendFloat(to, v.number(raw), 32) }
	case format.Double:
		v.stride = 8
		v.number = func(raw []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(raw)) }
		v.text = func(to, raw []byte) []byte { return appendFloat(to, v.number(raw), 64) }
	case format.ByteArray, format.FixedLenByteArray:
		if v.kind == format.FixedLenByteArray {
			if v.stride = int(e.TypeLength.V); v.stride < 1 || v.stride > 1<<20 {
				return v, "cells of " + strconv.Itoa(v.stride) + " bytes"
			}
		}
		switch logical.(type) {
		case *format.DecimalType, *format.StringType, *format.EnumType, *format.JsonType, nil:
		case *format.UUIDType:
			if v.stride != 16 {
				return v, "a UUID that does not have 16 bytes"
			}
			v.text = appendUUID
		case *format.Float16Type:
			if v.stride != 2 {
				return v, "a float16 that does not have 2 bytes"
			}
			v.number = func(raw []byte) float64 { return half(binary.LittleEndian.Uint16(raw)) }
			v.text = func(to, raw []byte) []byte { return appendFloat(to, v.number(raw), 32) }
		default:
			return v, "a column of the type " + e.LogicalType.String()
		}
		switch {
		case decimal:
			v.text = func(to, raw []byte) []byte { return appendDecimal(to, []byte(bigEndian(raw).String()), scale) }
			v.number = v.parsed
		case converted(deprecated.Interval), converted(deprecated.Bson):
			return v, "a column of intervals or BSON"
		case v.stride > 0 && v.text == nil:
			return v, "a column of bytes, not text"
		}
	default:
		return v, "a column of an unknown type"
	}
	if v.nothing && v.stride == 0 && v.kind != format.ByteArray {
		v.stride = 1
	}
	return v, ""
}

// parsed is the float64 nearest to the text.
func (v *value) parsed(raw []byte) float64 {
	x, _ := dataset.ParseNumber(v.text(nil, raw)) // ±Inf if too large
	return x
}

// appendDecimal writes digits·10^-scale, all its decimals, as programs that write CSV do.
func appendDecimal(to, digits []byte, scale int) []byte {
	if digits[0] == '-' {
		to, digits = append(to, '-'), digits[1:]
	}
	if scale == 0 {
		return append(to, digits...)
	}
	if n := scale + 1 - len(digits); n > 0 {
		digits = append(bytes.Repeat([]byte("0"), n), digits...)
	}
	point := len(digits) - scale
	to = append(to, digits[:point]...)
	to = append(to, '.')
	return append(to, digits[point:]...)
}

// bigEndian is an integer in two's complement.
func bigEndian(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// appendFloat writes the shortest decimal that gives back the number; without exponent where that is as people write it.
func appendFloat(to []byte, v float64, bits int) []byte {
	if a := math.Abs(v); math.IsNaN(v) {
		return append(to, "NaN"...)
	} else if math.IsInf(v, 0) || a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(to, v, 'e', -1, bits)
	}
	return strconv.AppendFloat(to, v, 'f', -1, bits)
}

func appendTime(to []byte, t time.Time, layout string) []byte {
	return t.UTC().AppendFormat(to, layout)
}

func appendStamp(to []byte, n int64, unit time.Duration, utc bool) []byte {
	per := int64(time.Second / unit)
	second, rest := n/per, n%per
	to = appendTime(to, time.Unix(second, rest*int64(unit)), "2006-01-02 15:04:05.999999999")
	if utc {
		to = append(to, "+00:00"...)
	}
	return to
}

func appendUUID(to, raw []byte) []byte {
	for i, n := range []int{4, 2, 2, 2, 6} {
		if i > 0 {
			to = append(to, '-')
		}
		to = hex.AppendEncode(to, raw[:n])
		raw = raw[n:]
	}
	return to
}

// half is an IEEE 754 binary16.
func half(b uint16) float64 {
	exponent, fraction := int(b>>10&31), float64(b&1023)
	v := math.Ldexp(1024+fraction, exponent-25)
	switch {
	case exponent == 0:
		v = math.Ldexp(fraction, -24)
	case exponent == 31 && fraction == 0:
		v = math.Inf(1)
	case exponent == 31:
		v = math.NaN()
	}
	if b>>15 != 0 {
		v = -v
	}
	return v
}
