package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// group is the number of vectors of one turn of a loop: their operations alternate, which hides latency.
const group = 2

// maps are the kernels of one number per row.
func (m *machine) maps() {
	zero := func() vec { v := m.vec(); m.zero(v); return v }
	constant := func(c constant) vec { v := m.vec(); m.move(v, c); return v }
	m.map1("Neg", "-a", func(d, a vec) { m.xor(d, a, m.sign()) })
	m.map1("Abs", "|a|", func(d, a vec) { s := constant(m.sign()); m.andNot(d, s, a) })
	m.map1("Relu", "a < 0 ? 0 : a", func(d, a vec) { m.max(d, zero(), a) })
	m.map2("Add", "a + b", func(d, a, b vec) { m.add(d, a, b) })
	m.map2("Sub", "a - b", func(d, a, b vec) { m.sub(d, a, b) })
	m.map2("Mul", "a * b", func(d, a, b vec) { m.mul(d, a, b) })
	m.map2("Div", "a / b", func(d, a, b vec) { m.div(d, a, b) })
	m.map2("Max", "the larger, 0 before -0, NaN if one is", func(d, a, b vec) {
		u, v := m.vec(), m.vec()
		m.max(u, a, b)
		m.max(v, b, a)
		m.and(u, u, v) // the same number, or 0 and -0
		m.add(v, a, b)
		m.blend(d, m.compare(a, b, unordered), u, v)
	})
	m.map2("Gt", "a > b ? 1 : 0", func(d, a, b vec) { m.blend(d, m.compare(b, a, less), zero(), constant(m.number(1))) })
	m.map2("Mask", "b == 0 ? 0 : a*b", func(d, a, b vec) {
		z, p := zero(), m.vec()
		m.mul(p, a, b)
		m.blend(d, m.compare(b, z, equal), p, z)
	})
	m.loop("Pick", "a < 0 ? c : b, NaN where a is", []string{"a", "b", "c"}, func(d []vec, in [][]vec) {
		for i := range d {
			a, b, c := in[0][i], in[1][i], in[2][i]
			m.blend(d[i], m.compare(a, zero(), less), b, c)
			m.blend(d[i], m.compare(a, a, unordered), d[i], a)
		}
	})

	m.loop("ExpNegAbs", "exp(-|a|)", []string{"a"}, func(d []vec, in [][]vec) { m.expNegAbs(d, in[0]) })
	m.loop("Exp", "exp(a)", []string{"a"}, func(d []vec, in [][]vec) { m.exp(d, in[0]) })
	m.loop("Tanh", "tanh(a)", []string{"a"}, func(d []vec, in [][]vec) { m.tanh(d, in[0]) })
	m.loopWhile("Log1pUnit", "log(1+a), as long as 0 ≤ a ≤ 1; gives the number of rows done", func(stop string, a []vec) {
		for _, a := range a {
			m.unlessAll(stop, m.compare(a, zero(), 0x1d), m.compare(a, m.number(1), lessEqual)) // 0x1d: ≥, quiet
		}
	}, m.log1pUnit)
	if !m.single {
		m.loopWhile("Log", "log(a), as long as a is positive, normal and finite; gives the number of rows done", func(stop string, a []vec) {
			for _, a := range a {
				m.unlessAll(stop, m.compare(a, m.number(0x1p-1022), 0x1d), m.compare(a, m.number(math.MaxFloat64), lessEqual))
			}
		}, m.log)
	}
}

func (m *machine) map1(name, doc string, f func(d, a vec)) {
	m.loop(name, doc, []string{"a"}, func(d []vec, in [][]vec) {
		for i := range d {
			f(d[i], in[0][i])
		}
	})
}

func (m *machine) map2(name, doc string, f func(d, a, b vec)) {
	m.loop(name, doc, []string{"a", "b"}, func(d []vec, in [][]vec) {
		for i := range d {
			f(d[i], in[0][i], in[1][i])
		}
	})
}

// step is the rows of one turn.
func (m *machine) step() int { return group * m.lanes() }

// loop writes a kernel out[i] = f(a[i], b[i], …) for a multiple of step rows.
func (m *machine) loop(name, doc string, args []string, f func(d []vec, in [][]vec)) {
	list := "out"
	for _, a := range args {
		list += ", " + a
	}
	m.function(name, "", fmt.Sprintf("func(%s *%s, n int)", list, m.float()),
		fmt.Sprintf("out[i] = %s, i < n, n a multiple of %d above 0", doc, m.step()))
	out := m.arg("out")
	p := make([]reg.GPVirtual, len(args))
	for i, a := range args {
		p[i] = m.arg(a)
	}
	n, at := m.arg("n"), m.GP64()
	m.XORQ(at, at)
	top := m.label("loop")
	m.Label(top)
	in := make([][]vec, len(args))
	for i := range in {
		in[i] = m.loadGroup(p[i], at)
	}
	d := m.vecs(group)
	f(d, in)
	m.storeGroup(out, at, d)
	m.ADDQ(imm(m.step()), at)
	m.CMPQ(at, n)
	m.JLT(LabelRef(top))
	m.end()
}

// loopWhile is loop for one argument that ends early where guard jumps to its label.
func (m *machine) loopWhile(name, doc string, guard func(stop string, a []vec), f func(d, a []vec)) {
	m.function(name, "", fmt.Sprintf("func(out *%s, a *%s, n int) (done int)", m.float(), m.float()),
		fmt.Sprintf("out[i] = %s; n a multiple of %d above 0", doc, m.step()))
	out, a, n, at := m.arg("out"), m.arg("a"), m.arg("n"), m.GP64()
	m.XORQ(at, at)
	top, stop := m.label("loop"), m.label("stop")
	m.Label(top)
	in := m.loadGroup(a, at)
	guard(stop, in)
	d := m.vecs(group)
	f(d, in)
	m.storeGroup(out, at, d)
	m.ADDQ(imm(m.step()), at)
	m.CMPQ(at, n)
	m.JLT(LabelRef(top))
	m.Label(stop)
	m.Store(at, m.Return("done"))
	m.end()
}

func (m *machine) loadGroup(base, at reg.GPVirtual) []vec {
	v := m.vecs(group)
	for i := range v {
		m.move(v[i], Mem{Base: base, Index: at, Scale: uint8(m.size()), Disp: i * m.bytes()})
	}
	return v
}

func (m *machine) storeGroup(base, at reg.GPVirtual, v []vec) {
	for i := range v {
		m.move(Mem{Base: base, Index: at, Scale: uint8(m.size()), Disp: i * m.bytes()}, v[i])
	}
}

// The constants of transcend.go and transcend32.go.
var (
	expTail   = []float64{0.5000000000000001, 0.16666666666666669, 0.041666666666624164, 0.008333333333330065, 0.0013888888917196719, 0.00019841269863040545, 2.4801521322368692e-05, 2.7557268480310024e-06, 2.7620075879983367e-07, 2.5100375832561234e-08}
	expTail32 = []float64{0.5, 0.16666578, 0.041666556, 0.008363173, 0.0013926176}
	atanh     = []float64{0.3333333333333333, 0.20000000000007292, 0.1428571428355438, 0.11111111358713932, 0.09090894718066429, 0.07692785032479312, 0.06657072104827468, 0.06000536404795356, 0.04400369243072337, 0.08082022805971766}
	atanh32   = []float64{0.3333332, 0.2000378, 0.1411831, 0.1342575}
	logTail   = []float64{6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01}
)

const (
	log2e, log2e32 = 1.4426950408889634, 1.442695
	ln2Hi, ln2Lo   = 6.93147180369123816490e-01, 1.90821492927058770002e-10
	hi32, lo32     = 0.693145751953125, 1.4286068e-06
)

// mantissa is the bits below the exponent, bias the exponent of 1.
func (m *machine) mantissa() uint64 {
	if m.single {
		return 23
	}
	return 52
}

func (m *machine) bias() uint64 {
	if m.single {
		return 127
	}
	return 1023
}

// expCore gives p = exp(x) - 1 without its power of two, and t, whose low bits are that power n. It uses x up.
func (m *machine) expCore(x []vec) (p, t []vec) {
	invLn2, shift, hi, lo := m.number(log2e), m.number(3<<51), m.number(ln2Hi), m.number(ln2Lo)
	if m.single {
		invLn2, shift, hi, lo = m.number(log2e32), m.number(3<<22), m.number(hi32), m.number(lo32)
	}
	n := len(x)
	t, k, u := m.vecs(n), m.vecs(n), m.vecs(n)
	r := x
	for i := range x {
		m.mul(t[i], x[i], invLn2)
		m.add(t[i], t[i], shift)
		m.sub(k[i], t[i], shift)
		m.mul(u[i], k[i], hi)
		m.sub(r[i], x[i], u[i])
		m.mul(k[i], k[i], lo)
		m.sub(r[i], r[i], k[i])
	}
	s, q, v := m.vecs(n), m.vecs(n), m.vecs(n)
	if m.single { // Horner
		for i := range x {
			m.mul(s[i], r[i], r[i])
			m.mul(q[i], r[i], m.number(expTail32[4]))
		}
		for c := 3; c >= 0; c-- {
			for i := range x {
				m.add(q[i], q[i], m.number(expTail32[c]))
				if c > 0 {
					m.mul(q[i], q[i], r[i])
				}
			}
		}
	} else { // pairs of powers
		pair := func(d []vec, c int) {
			for i := range x {
				m.mul(d[i], r[i], m.number(expTail[c+1]))
				m.add(d[i], d[i], m.number(expTail[c]))
			}
		}
		for i := range x {
			m.mul(s[i], r[i], r[i])
		}
		pair(q, 8)
		for c := 6; c >= 0; c -= 2 {
			pair(v, c)
			for i := range x {
				m.mul(q[i], q[i], s[i])
				m.add(q[i], q[i], v[i])
			}
		}
	}
	for i := range x {
		m.mul(q[i], q[i], s[i])
		m.add(r[i], r[i], q[i])
	}
	return r, t
}

// expNegAbs is exp(-|a|). The power of two is applied in two steps, the first 2^128 (float32: 2^64) too large: exact
// for what is normal, and one rounding into the subnormals.
func (m *machine) expNegAbs(d, a []vec) {
	least, up := -746., uint64(128)
	if m.single {
		least, up = -104.5, 64
	}
	x := m.vecs(len(a))
	for i := range a {
		floor := m.vec()
		m.move(floor, m.number(least))
		m.or(x[i], a[i], m.sign())
		m.max(x[i], floor, x[i])
	}
	p, t := m.expCore(x)
	for i := range a {
		m.add(p[i], p[i], m.number(1))
		m.shiftLeft(t[i], t[i], m.mantissa())
		m.addInt(t[i], t[i], m.bits((m.bias()+up)<<m.mantissa()))
		m.mul(p[i], p[i], t[i])
		m.mul(d[i], p[i], m.number(math.Ldexp(1, -int(up))))
	}
}

// exp applies its power of two in two halves: exact for what is normal, one rounding else.
func (m *machine) exp(d, a []vec) {
	least, most := -746., 710.
	if m.single {
		least, most = -104.5, 89
	}
	x := m.vecs(len(a))
	for i := range a {
		limit := m.vec()
		m.move(limit, m.number(least))
		m.max(x[i], limit, a[i])
		m.move(limit, m.number(most))
		m.min(x[i], limit, x[i])
	}
	p, t := m.expCore(x)
	one := m.bits(m.bias() << m.mantissa())
	for i := range a {
		h := m.vec()
		m.VPSRAD(Imm(1), t[i], h) // n is in the low half of a float64: what the shift does to the rest is shifted out
		m.VPSUBD(h, t[i], t[i])
		for _, v := range []vec{h, t[i]} {
			m.shiftLeft(v, v, m.mantissa())
			m.addInt(v, v, one)
		}
		m.add(p[i], p[i], m.number(1))
		m.mul(p[i], p[i], h)
		m.mul(d[i], p[i], t[i])
	}
}

func (m *machine) tanh(d, a []vec) {
	least := -80.
	if m.single {
		least = -40
	}
	x := m.vecs(len(a))
	for i := range a {
		floor := m.vec()
		m.move(floor, m.number(least))
		m.or(x[i], a[i], m.sign()) // -2|a|
		m.add(x[i], x[i], x[i])
		m.max(x[i], floor, x[i])
	}
	p, t := m.expCore(x)
	for i := range a {
		s, u := t[i], m.vec()
		m.shiftLeft(s, s, m.mantissa())
		m.addInt(s, s, m.bits(m.bias()<<m.mantissa()))
		m.mul(p[i], p[i], s)
		m.sub(s, s, m.number(1))
		m.add(p[i], p[i], s) // exp(-2|a|) - 1, which is not above 0
		m.add(u, p[i], m.number(2))
		m.div(p[i], p[i], u)
		m.move(u, m.sign())
		m.andNot(p[i], u, p[i])
		m.and(u, u, a[i])
		m.or(d[i], p[i], u)
	}
}

// log1pUnit is log(1+a) for 0 ≤ a ≤ 1; a stays.
func (m *machine) log1pUnit(d, a []vec) {
	n := len(a)
	s, w, q := m.vecs(n), m.vecs(n), m.vecs(n)
	for i := range a {
		m.add(s[i], a[i], a[i])
		m.add(w[i], a[i], m.number(2))
		m.div(s[i], s[i], w[i])
		m.mul(w[i], s[i], s[i])
	}
	g := atanh
	if m.single {
		g = atanh32
	}
	at := func(c int) constant { return m.number(math.Ldexp(g[c], -2*(c+1))) }
	last := len(g) - 1
	for i := range a {
		m.mul(q[i], w[i], at(last))
	}
	for c := last - 1; c >= 0; c-- {
		for i := range a {
			m.add(q[i], q[i], at(c))
			if c > 0 {
				m.mul(q[i], q[i], w[i])
			}
		}
	}
	for i := range a {
		m.mul(w[i], s[i], w[i])
		m.mul(w[i], w[i], q[i])
		m.add(d[i], s[i], w[i])
	}
}

// log is fdlibm's, as in transcend.go, for positive normal a.
func (m *machine) log(d, a []vec) {
	const root = 0x3fe6a09e667f3bcd // sqrt(1/2)
	n := len(a)
	f, k := m.vecs(n), m.vecs(n)
	for i := range a {
		b := m.vec()
		m.VPSUBQ(m.mem(m.bits(root)), a[i], b)
		m.high(k[i], b)
		m.and(f[i], b, m.bits(1<<52-1))
		m.addInt(f[i], f[i], m.bits(root))
		m.sub(f[i], f[i], m.number(1))
	}
	s, z, r, h := m.vecs(n), m.vecs(n), m.vecs(n), m.vecs(n)
	for i := range a {
		m.mul(h[i], f[i], m.number(0.5))
		m.mul(h[i], h[i], f[i])
		m.add(s[i], f[i], m.number(2))
		m.div(s[i], f[i], s[i])
		m.mul(z[i], s[i], s[i])
		m.mul(r[i], z[i], m.number(logTail[6]))
	}
	for c := 5; c >= 0; c-- {
		for i := range a {
			m.add(r[i], r[i], m.number(logTail[c]))
			m.mul(r[i], r[i], z[i])
		}
	}
	for i := range a {
		m.add(r[i], h[i], r[i])
		m.mul(r[i], s[i], r[i])
		m.mul(z[i], k[i], m.number(ln2Lo))
		m.add(r[i], r[i], z[i])
		m.sub(h[i], h[i], r[i])
		m.sub(h[i], h[i], f[i])
		m.mul(k[i], k[i], m.number(ln2Hi))
		m.sub(d[i], k[i], h[i])
	}
}

func (m *machine) mem(c constant) op { return c }

// high makes the upper 12 bits of every float64, as a signed integer, a number.
func (m *machine) high(d, b vec) {
	if m.wide {
		q, y := m.ZMM(), m.YMM()
		m.VPSRAQ(Imm(52), b, q)
		m.VPMOVQD(q, y)
		m.VCVTDQ2PD(y, d)
		return
	}
	q, x := m.YMM(), m.XMM()
	m.VPSRAD(Imm(20), b, q)
	m.VEXTRACTI128(Imm(1), q, x)
	y := m.XMM()
	m.VSHUFPS(Imm(0xdd), x, q.AsX(), y) // the upper halves of both pairs
	m.VCVTDQ2PD(y, d)
}
