package main

import (
	"fmt"
	"slices"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// panels are the kernels over dense columns.
func (m *machine) panels() {
	for _, k := range m.kinds() {
		m.forward(k)
		m.backward(k)
		m.widening(k)
	}
	m.sumRows()
	m.gram()
	if !m.single {
		m.tiles()
	}
}

// kinds are those of the cells. float64 is of no use to float32 arithmetic, which is for rough products over narrow cells.
func (m *machine) kinds() []kind {
	if m.single {
		return slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool { return k.name == "F64" })
	}
	return kinds
}

func log2(n int) uint64 {
	k := uint64(0)
	for 1<<k < n {
		k++
	}
	return k
}

// forward keeps half a panel of z in registers (AVX2; AVX-512: all of it) over the columns, 16 columns at a time, so
// that both halves of a column are read while it is in the first cache.
func (m *machine) forward(k kind) {
	m.function("Forward", k.name, fmt.Sprintf("func(z *%s, x *%s, stride int, w *%s, n int)", m.float(), k.cell, m.float()),
		"for j := range n { for r := range 64 { z[r] += w[j]*float(x[j*stride+r]) } }, n > 0")
	z, x, stride, w, n := m.arg("z"), m.arg("x"), m.arg("stride"), m.arg("w"), m.arg("n")
	if k.size > 1 {
		m.SHLQ(Imm(log2(k.size)), stride)
	}
	all := rows / m.lanes()
	group := min(8, all)
	chunk, columns := m.GP64(), m.GP64()
	chunks := m.label("chunk")
	m.Label(chunks)
	m.MOVQ(n, chunk)
	if all > group {
		limit := m.GP64()
		m.MOVQ(U32(16), limit)
		m.CMPQ(chunk, limit)
		m.CMOVQGT(limit, chunk)
	}
	var xp, wp reg.GPVirtual
	offset := 0
	for first := 0; first < all; first += group {
		acc := m.vecs(group)
		for i, a := range acc {
			m.move(a, Mem{Base: z, Disp: (first + i) * m.bytes()})
		}
		xp, wp = m.GP64(), m.GP64()
		offset = first * m.lanes() * k.size
		m.LEAQ(Mem{Base: x, Disp: offset}, xp)
		m.MOVQ(w, wp)
		m.MOVQ(chunk, columns)
		loop := m.label("column")
		m.Label(loop)
		b := m.vec()
		m.broadcast(b, Mem{Base: wp})
		for i, a := range acc {
			cells := Mem{Base: xp, Disp: i * m.lanes() * k.size}
			t := m.vec()
			if m.own(k) {
				m.mul(t, b, cells)
			} else {
				m.widen(t, cells, k)
				m.mul(t, b, t)
			}
			m.add(a, a, t)
		}
		m.ADDQ(stride, xp)
		m.ADDQ(imm(m.size()), wp)
		m.DECQ(columns)
		m.JNZ(LabelRef(loop))
		for i, a := range acc {
			m.move(Mem{Base: z, Disp: (first + i) * m.bytes()}, a)
		}
	}
	if all > group {
		m.LEAQ(Mem{Base: xp, Disp: -offset}, x)
		m.MOVQ(wp, w)
		m.SUBQ(chunk, n)
		m.JNZ(LabelRef(chunks))
	}
	m.end()
}

// backward sums up several columns at once, so that s is read once for them.
func (m *machine) backward(k kind) {
	m.function("Backward", k.name, fmt.Sprintf("func(sum *float64, x *%s, panel int, column int, s *%s, panels int, n int)", k.cell, m.float()),
		"for j := range n { sum[j] += Σ_r float(x[(r/64)*panel+j*column+r%64])*s[r] }, r < 64*panels, in lanes, folded; panels > 0")
	sum, x, panel, column, s, panels, n := m.arg("sum"), m.arg("x"), m.arg("panel"), m.arg("column"), m.arg("s"), m.arg("panels"), m.arg("n")
	if k.size > 1 {
		m.SHLQ(Imm(log2(k.size)), panel)
		m.SHLQ(Imm(log2(k.size)), column)
	}
	rest := m.GP64() // from a panel's end to the next panel
	m.LEAQ(Mem{Base: panel, Disp: -rows * k.size}, rest)
	three := m.GP64()
	m.LEAQ(Mem{Base: column, Index: column, Scale: 2}, three)
	widths := []int{4, 1}
	var five, seven reg.GPVirtual
	if m.wide {
		widths = []int{8, 4, 1}
		five, seven = m.GP64(), m.GP64()
		m.LEAQ(Mem{Base: column, Index: column, Scale: 4}, five)
		m.LEAQ(Mem{Base: three, Index: column, Scale: 4}, seven)
	}
	at := func(base reg.GPVirtual, c, disp int) Mem {
		switch c {
		case 0:
			return Mem{Base: base, Disp: disp}
		case 1, 2, 4:
			return Mem{Base: base, Index: column, Scale: uint8(c), Disp: disp}
		case 3, 6:
			return Mem{Base: base, Index: three, Scale: uint8(c / 3), Disp: disp}
		case 5:
			return Mem{Base: base, Index: five, Scale: 1, Disp: disp}
		default:
			return Mem{Base: base, Index: seven, Scale: 1, Disp: disp}
		}
	}
	lanes := 64 / m.size() // of the sums
	vectors := lanes / m.lanes()
	for _, width := range widths {
		top, done := m.label("group"), m.label("done")
		m.Label(top)
		m.CMPQ(n, imm(width))
		m.JLT(LabelRef(done))
		acc := make([][]vec, width)
		for c := range acc {
			acc[c] = m.vecs(vectors)
			for _, a := range acc[c] {
				m.zero(a)
			}
		}
		xp, sp, left, steps := m.GP64(), m.GP64(), m.GP64(), m.GP64()
		m.MOVQ(x, xp)
		m.MOVQ(s, sp)
		m.MOVQ(panels, left)
		outer, inner := m.label("panel"), m.label("rows")
		const unroll = 2
		m.Label(outer)
		m.MOVQ(U32(rows/lanes/unroll), steps)
		m.Label(inner)
		for u := range unroll {
			ss := m.vecs(vectors)
			for v, r := range ss {
				m.move(r, Mem{Base: sp, Disp: u*64 + v*m.bytes()})
			}
			for c := range acc {
				for v, a := range acc[c] {
					cells := at(xp, c, (u*lanes+v*m.lanes())*k.size)
					t := m.vec()
					if m.own(k) {
						m.mul(t, ss[v], cells)
					} else {
						m.widen(t, cells, k)
						m.mul(t, ss[v], t)
					}
					m.add(a, a, t)
				}
			}
		}
		m.ADDQ(imm(unroll*lanes*k.size), xp)
		m.ADDQ(imm(unroll*64), sp)
		m.DECQ(steps)
		m.JNZ(LabelRef(inner))
		m.ADDQ(rest, xp)
		m.DECQ(left)
		m.JNZ(LabelRef(outer))
		for c := range acc {
			m.foldInto(Mem{Base: sum, Disp: 8 * c}, acc[c])
		}
		switch width {
		case 1:
			m.ADDQ(column, x)
		default:
			m.LEAQ(Mem{Base: x, Index: column, Scale: uint8(min(width, 8))}, x)
		}
		m.ADDQ(imm(8*width), sum)
		m.SUBQ(imm(width), n)
		m.JMP(LabelRef(top))
		m.Label(done)
	}
	m.end()
}

// foldInto adds a column's lanes to a float64 in memory.
func (m *machine) foldInto(to Mem, acc []vec) {
	x := m.fold(acc)
	m.VADDSD(to, x, x)
	m.VMOVSD(x, to)
}

// fold adds lanes in halves, in float64. The lanes are one vector or two.
func (m *machine) fold(acc []vec) reg.Register {
	var y vec // four float64
	switch {
	case !m.single && m.wide: // 8 in one
		y = m.YMM()
		m.upper(y, acc[0])
		m.VADDPD(m.lower(acc[0]), y, y)
	case !m.single: // 4 + 4
		y = acc[0]
		m.VADDPD(acc[1], y, y)
	case m.wide: // 16 float32 in one: lanes 0-7 plus 8-15 in float64
		z, h, u := m.ZMM(), m.YMM(), m.ZMM()
		m.upper(h, acc[0])
		m.VCVTPS2PD(m.lower(acc[0]), z)
		m.VCVTPS2PD(h, u)
		m.VADDPD(u, z, z)
		y = m.YMM()
		m.upper(y, z)
		m.VADDPD(z.AsY(), y, y)
	default: // 8 + 8 float32
		x, l, h := m.XMM(), m.YMM(), m.YMM()
		m.VEXTRACTF128(Imm(1), acc[0], x)
		m.VCVTPS2PD(acc[0].AsX(), l)
		m.VCVTPS2PD(x, h)
		u, v := m.YMM(), m.YMM()
		m.VEXTRACTF128(Imm(1), acc[1], x)
		m.VCVTPS2PD(acc[1].AsX(), u)
		m.VCVTPS2PD(x, v)
		m.VADDPD(u, l, l)
		m.VADDPD(v, h, h)
		y = l
		m.VADDPD(h, y, y)
	}
	x, u := y.AsX(), m.XMM()
	if m.wide {
		m.VEXTRACTF64X2(Imm(1), y, u)
	} else {
		m.VEXTRACTF128(Imm(1), y, u)
	}
	m.VADDPD(u, x, x) // (0+2, 1+3)
	m.VUNPCKHPD(x, x, u)
	m.VADDSD(u, x, x)
	return x
}

// widening is out[i] = float(x[i]).
func (m *machine) widening(k kind) {
	m.function("Widen", k.name, fmt.Sprintf("func(out *%s, x *%s, n int)", m.float(), k.cell),
		fmt.Sprintf("for i := range n { out[i] = float(x[i]) }, n a multiple of %d above 0", 64/m.size()))
	out, x, n := m.arg("out"), m.arg("x"), m.arg("n")
	per := 64 / m.size()
	loop := m.label("loop")
	m.Label(loop)
	for at := 0; at < per; at += m.lanes() {
		t := m.vec()
		m.widen(t, Mem{Base: x, Disp: at * k.size}, k)
		m.move(Mem{Base: out, Disp: at * m.size()}, t)
	}
	m.ADDQ(imm(64), out)
	m.ADDQ(imm(per*k.size), x)
	m.SUBQ(imm(per), n)
	m.JNZ(LabelRef(loop))
	m.end()
}

func (m *machine) returnSum(x reg.Register) {
	to, err := m.Return("sum").Resolve()
	if err != nil {
		panic(err)
	}
	m.VMOVSD(x, to.Addr)
}

// sumRows is Σ a[i].
func (m *machine) sumRows() {
	per := 64 / m.size()
	m.function("SumRows", "", fmt.Sprintf("func(a *%s, n int) (sum float64)", m.float()),
		fmt.Sprintf("Σ_i a[i], i < n, in lanes, folded; n a multiple of %d above 0", per))
	a, n := m.arg("a"), m.arg("n")
	acc := m.vecs(64 / m.bytes())
	for _, v := range acc {
		m.zero(v)
	}
	loop := m.label("loop")
	m.Label(loop)
	for i, v := range acc {
		m.add(v, v, Mem{Base: a, Disp: i * m.bytes()})
	}
	m.ADDQ(imm(64), a)
	m.SUBQ(imm(per), n)
	m.JNZ(LabelRef(loop))
	m.returnSum(m.fold(acc))
	m.end()
}

// gram is Σ a[r]*b[r] of two columns in panels.
func (m *machine) gram() {
	m.function("Gram", "", fmt.Sprintf("func(a *%s, panelA int, b *%s, panelB int, panels int) (sum float64)", m.float(), m.float()),
		"Σ_r a[(r/64)*panelA+r%64]*b[(r/64)*panelB+r%64], r < 64*panels, in lanes, folded; panels > 0")
	a, panelA, b, panelB, panels := m.arg("a"), m.arg("panelA"), m.arg("b"), m.arg("panelB"), m.arg("panels")
	for _, r := range []reg.GPVirtual{panelA, panelB} {
		m.SHLQ(Imm(log2(m.size())), r)
	}
	acc := m.vecs(64 / m.bytes())
	for _, v := range acc {
		m.zero(v)
	}
	loop := m.label("loop")
	m.Label(loop)
	for at := 0; at < rows*m.size(); at += m.bytes() {
		t, v := m.vec(), acc[at/m.bytes()%len(acc)]
		m.move(t, Mem{Base: a, Disp: at})
		m.mul(t, t, Mem{Base: b, Disp: at})
		m.add(v, v, t)
	}
	m.ADDQ(panelA, a)
	m.ADDQ(panelB, b)
	m.DECQ(panels)
	m.JNZ(LabelRef(loop))
	m.returnSum(m.fold(acc))
	m.end()
}

// tiles are products of up to 3 by 3 columns (AVX-512: 4 by 4), half the lanes at a time with AVX2.
func (m *machine) tiles() {
	for na := range m.side() {
		for nb := range m.side() {
			m.tile(na+1, nb+1)
		}
	}
}

func (m *machine) side() int {
	if m.wide {
		return 4
	}
	return 3
}

func (m *machine) tile(na, nb int) {
	m.function("Tile", fmt.Sprintf("By%dx%d", na, nb), "func(sum *float64, ld int, a *float64, panelA int, b *float64, panelB int, panels int)",
		fmt.Sprintf("sum[i*ld+j] += Σ_r a_i[r]*b_j[r], i < %d, j < %d, in lanes, folded; panels > 0", na, nb))
	sum, ld, a, panelA, b, panelB, panels := m.arg("sum"), m.arg("ld"), m.arg("a"), m.arg("panelA"), m.arg("b"), m.arg("panelB"), m.arg("panels")
	for _, r := range []reg.GPVirtual{panelA, panelB} {
		m.SHLQ(Imm(3), r)
		m.SUBQ(imm(rows*8), r)
	}
	m.SHLQ(Imm(3), ld)
	halves := 64 / m.bytes()
	kept := Mem{}
	if halves > 1 {
		kept = m.AllocLocal(na * nb * m.bytes())
	}
	var acc []vec
	for half := range halves {
		acc = m.vecs(na * nb)
		for _, v := range acc {
			m.zero(v)
		}
		ap, bp, left, steps := m.GP64(), m.GP64(), m.GP64(), m.GP64()
		m.LEAQ(Mem{Base: a, Disp: half * m.bytes()}, ap)
		m.LEAQ(Mem{Base: b, Disp: half * m.bytes()}, bp)
		m.MOVQ(panels, left)
		outer, inner := m.label("panel"), m.label("rows")
		const unroll = 2
		m.Label(outer)
		m.MOVQ(U32(rows/8/unroll), steps)
		m.Label(inner)
		for u := range unroll {
			as := m.vecs(na)
			for i, v := range as {
				m.move(v, Mem{Base: ap, Disp: i*rows*8 + u*64})
			}
			for j := range nb {
				t := m.vec()
				m.move(t, Mem{Base: bp, Disp: j*rows*8 + u*64})
				for i, v := range as {
					p := m.vec()
					m.mul(p, t, v)
					m.add(acc[i*nb+j], acc[i*nb+j], p)
				}
			}
		}
		m.ADDQ(imm(64*unroll), ap)
		m.ADDQ(imm(64*unroll), bp)
		m.DECQ(steps)
		m.JNZ(LabelRef(inner))
		m.ADDQ(panelA, ap)
		m.ADDQ(panelB, bp)
		m.DECQ(left)
		m.JNZ(LabelRef(outer))
		if half < halves-1 {
			for i, v := range acc {
				m.move(kept.Offset(i*m.bytes()), v)
			}
		}
	}
	for i := range na {
		for j := range nb {
			v := acc[i*nb+j]
			if halves == 1 {
				m.foldInto(Mem{Base: sum, Disp: 8 * j}, []vec{v})
				continue
			}
			low := m.vec()
			m.move(low, kept.Offset((i*nb+j)*m.bytes()))
			m.foldInto(Mem{Base: sum, Disp: 8 * j}, []vec{low, v})
		}
		if i < na-1 {
			m.ADDQ(ld, sum)
		}
	}
	m.end()
}
