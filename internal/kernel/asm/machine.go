package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A machine is a processor's vector unit: AVX2 (32 bytes, 16 registers) or AVX-512 (64 bytes, 32 registers), with
// arithmetic in float64 or float32. Its methods take the result first and the operands in the order of the formula.
// None of them fuses a multiplication with an addition.
type machine struct {
	*build.Context
	prefix    string
	wide      bool // 64 bytes
	single    bool // float32
	constants map[string]constant
	labels    int
}

type (
	op       = operand.Op
	vec      = reg.VecVirtual
	constant = operand.Mem
)

const rows = 64 // of a panel

// imm is a constant operand of an instruction on 64-bit integers: of 8 bits if it fits, else of 32.
func imm(n int) op {
	if n < 128 {
		return operand.U8(n)
	}
	return operand.U32(n)
}

func (m *machine) bytes() int {
	if m.wide {
		return 64
	}
	return 32
}

// size is the bytes of a number, lanes the numbers in a vector register.
func (m *machine) size() int {
	if m.single {
		return 4
	}
	return 8
}

func (m *machine) lanes() int { return m.bytes() / m.size() }

func (m *machine) float() string { return fmt.Sprintf("float%d", 8*m.size()) }

// function starts avx2Forward64I8: prefix, name, the arithmetic's bits, suffix.
func (m *machine) function(name, suffix, signature, doc string) {
	m.Function(m.prefix + name + fmt.Sprint(8*m.size()) + suffix)
	m.Attributes(attr.NOSPLIT)
	m.Pragma("noescape")
	m.SignatureExpr(signature)
	m.Doc(doc)
}

func (m *machine) end() {
	m.VZEROUPPER()
	m.RET()
}

func (m *machine) arg(name string) reg.GPVirtual {
	r := m.GP64()
	m.Load(m.Param(name), r)
	return r
}

func (m *machine) label(name string) string {
	m.labels++
	return fmt.Sprintf("%s%d", name, m.labels)
}

func (m *machine) vec() vec {
	if m.wide {
		return m.ZMM()
	}
	return m.YMM()
}

func (m *machine) half() vec {
	if m.wide {
		return m.YMM()
	}
	return m.XMM()
}

func (m *machine) vecs(n int) []vec {
	v := make([]vec, n)
	for i := range v {
		v[i] = m.vec()
	}
	return v
}

// bits is a constant vector of equal patterns.
func (m *machine) bits(b uint64) constant {
	name := fmt.Sprintf("c%d_%016x", 8*m.size(), b)
	if c, ok := m.constants[name]; ok {
		return c
	}
	c := m.StaticGlobal(name)
	m.DataAttributes(attr.RODATA | attr.NOPTR)
	for at := 0; at < m.bytes(); at += m.size() {
		if m.single {
			m.AddDatum(at, operand.U32(b))
		} else {
			m.AddDatum(at, operand.U64(b))
		}
	}
	m.constants[name] = c
	return c
}

// number is a constant vector of v, rounded to the arithmetic's type.
func (m *machine) number(v float64) constant {
	if m.single {
		return m.bits(uint64(math.Float32bits(float32(v))))
	}
	return m.bits(math.Float64bits(v))
}

func (m *machine) sign() constant { return m.bits(1 << (8*m.size() - 1)) }

func (m *machine) add(d, x, y op) {
	if m.single {
		m.VADDPS(y, x, d)
	} else {
		m.VADDPD(y, x, d)
	}
}

func (m *machine) sub(d, x, y op) {
	if m.single {
		m.VSUBPS(y, x, d)
	} else {
		m.VSUBPD(y, x, d)
	}
}

func (m *machine) mul(d, x, y op) {
	if m.single {
		m.VMULPS(y, x, d)
	} else {
		m.VMULPD(y, x, d)
	}
}

func (m *machine) div(d, x, y op) {
	if m.single {
		m.VDIVPS(y, x, d)
	} else {
		m.VDIVPD(y, x, d)
	}
}

// max is x > y ? x : y: y where one is NaN or both are zeros.
func (m *machine) max(d, x, y op) {
	if m.single {
		m.VMAXPS(y, x, d)
	} else {
		m.VMAXPD(y, x, d)
	}
}

// min is x < y ? x : y.
func (m *machine) min(d, x, y op) {
	if m.single {
		m.VMINPS(y, x, d)
	} else {
		m.VMINPD(y, x, d)
	}
}

// move loads, stores or copies.
func (m *machine) move(d, x op) {
	if m.single {
		m.VMOVUPS(x, d)
	} else {
		m.VMOVUPD(x, d)
	}
}

func (m *machine) broadcast(d, x op) {
	if m.single {
		m.VBROADCASTSS(x, d)
	} else {
		m.VBROADCASTSD(x, d)
	}
}

func (m *machine) and(d, x, y op) {
	if m.wide {
		m.VPANDQ(y, x, d)
	} else {
		m.VPAND(y, x, d)
	}
}

// andNot is y without the bits of x.
func (m *machine) andNot(d, x, y op) {
	if m.wide {
		m.VPANDNQ(y, x, d)
	} else {
		m.VPANDN(y, x, d)
	}
}

func (m *machine) or(d, x, y op) {
	if m.wide {
		m.VPORQ(y, x, d)
	} else {
		m.VPOR(y, x, d)
	}
}

func (m *machine) xor(d, x, y op) {
	if m.wide {
		m.VPXORQ(y, x, d)
	} else {
		m.VPXOR(y, x, d)
	}
}

func (m *machine) zero(d vec) { m.xor(d, d, d) }

// shiftLeft and addInt work on integers as wide as the numbers.
func (m *machine) shiftLeft(d, x op, n uint64) {
	if m.single {
		m.VPSLLD(operand.Imm(n), x, d)
	} else {
		m.VPSLLQ(operand.Imm(n), x, d)
	}
}

func (m *machine) addInt(d, x, y op) {
	if m.single {
		m.VPADDD(y, x, d)
	} else {
		m.VPADDQ(y, x, d)
	}
}

// Predicates of compare: quiet, false where one is NaN except unordered.
const (
	equal     = 0x00
	unordered = 0x03
	less      = 0x11
	lessEqual = 0x12
)

// compare gives a mask for blend and count: x predicate y.
func (m *machine) compare(x, y op, predicate uint64) op {
	var mask op = m.vec()
	if m.wide {
		mask = m.K()
	}
	if m.single {
		m.VCMPPS(operand.Imm(predicate), y, x, mask)
	} else {
		m.VCMPPD(operand.Imm(predicate), y, x, mask)
	}
	return mask
}

// negative is a mask of z < 0 for numbers whose two ways agree at -0.
func (m *machine) negative(z vec) op {
	if !m.wide {
		return z // its sign bits
	}
	zero := m.vec()
	m.zero(zero)
	return m.compare(z, zero, less)
}

// blend is y where the mask is set, else x.
func (m *machine) blend(d, mask, x, y op) {
	switch {
	case m.wide && m.single:
		m.VBLENDMPS(y, x, mask, d)
	case m.wide:
		m.VBLENDMPD(y, x, mask, d)
	case m.single:
		m.VBLENDVPS(mask, y, x, d)
	default:
		m.VBLENDVPD(mask, y, x, d)
	}
}

// every jumps to the label unless all lanes of both masks are set.
func (m *machine) unlessAll(label string, masks ...op) {
	for _, mask := range masks {
		r := m.GP32()
		switch {
		case m.wide:
			m.KMOVW(mask, r)
		case m.single:
			m.VMOVMSKPS(mask, r)
		default:
			m.VMOVMSKPD(mask, r)
		}
		m.CMPL(r, imm(1<<m.lanes()-1))
		m.JNE(operand.LabelRef(label))
	}
}

// A kind is a type of stored cell.
type kind struct {
	name, cell string
	size       int
}

var kinds = []kind{{"I8", "int8", 1}, {"I16", "int16", 2}, {"I32", "int32", 4}, {"F32", "float32", 4}, {"F64", "float64", 8}}

// own: no conversion is needed.
func (m *machine) own(k kind) bool { return k.cell == m.float() }

// widen loads as many cells as there are lanes and makes them numbers.
func (m *machine) widen(d vec, cells operand.Mem, k kind) {
	if m.own(k) {
		m.move(d, cells)
		return
	}
	if m.single {
		switch k.name {
		case "I8":
			m.VPMOVSXBD(cells, d)
			m.VCVTDQ2PS(d, d)
		case "I16":
			m.VPMOVSXWD(cells, d)
			m.VCVTDQ2PS(d, d)
		case "I32":
			m.VCVTDQ2PS(cells, d)
		default:
			panic("no kernel for " + k.name)
		}
		return
	}
	switch k.name {
	case "I8":
		h := m.half()
		m.VPMOVSXBD(cells, h)
		m.VCVTDQ2PD(h, d)
	case "I16":
		h := m.half()
		m.VPMOVSXWD(cells, h)
		m.VCVTDQ2PD(h, d)
	case "I32":
		m.VCVTDQ2PD(cells, d)
	case "F32":
		m.VCVTPS2PD(cells, d)
	}
}

// lower and upper halves of a vector.
func (m *machine) lower(v vec) op {
	if m.wide {
		return v.AsY()
	}
	return v.AsX()
}

func (m *machine) upper(d op, v vec) {
	if m.wide {
		m.VEXTRACTF64X4(operand.Imm(1), v, d)
	} else {
		m.VEXTRACTF128(operand.Imm(1), v, d)
	}
}
