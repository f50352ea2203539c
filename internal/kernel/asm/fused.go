package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// fused are the kernels of fused.go. An output whose pointer is nil is not computed.
func (m *machine) fused() {
	m.softplusLine()
	m.sigmoidPair()
}

// pointers starts a kernel with pointers in and out, and gives them, the number of rows and an index at 0.
func (m *machine) pointers(name, doc string, args ...string) (p map[string]reg.GPVirtual, n, at reg.GPVirtual) {
	m.function(name, "", fmt.Sprintf("func(%s *%s, n int)", strings.Join(args, ", "), m.float()),
		fmt.Sprintf("%s; nil is not wanted; n a multiple of %d above 0", doc, m.step()))
	p = map[string]reg.GPVirtual{}
	for _, a := range args {
		p[a] = m.arg(a)
	}
	n, at = m.arg("n"), m.GP64()
	m.XORQ(at, at)
	return p, n, at
}

// unless jumps to the label where the pointer is nil.
func (m *machine) unless(p reg.GPVirtual, label string) {
	m.TESTQ(p, p)
	m.JZ(LabelRef(label))
}

// any is nonzero if one of the pointers is not nil.
func (m *machine) any(p ...reg.GPVirtual) reg.GPVirtual {
	r := m.GP64()
	m.MOVQ(p[0], r)
	for _, p := range p[1:] {
		m.ORQ(p, r)
	}
	return r
}

// logistic gives r = 1/(1+e) and q = e*r, e = exp(-|z|): the larger and the smaller of sigmoid(z) and sigmoid(-z).
// It uses e up.
func (m *machine) logistic(e []vec) (r, q []vec) {
	r, q = m.vecs(len(e)), e
	for i := range e {
		u := m.vec()
		m.move(r[i], m.number(1))
		m.add(u, r[i], e[i])
		m.div(r[i], r[i], u)
		m.mul(q[i], e[i], r[i])
	}
	return r, q
}

func (m *machine) softplusLine() {
	p, n, at := m.pointers("SoftplusLine", "L = softplus(z) - t*z; dz = a - t; a = sigmoid(z); b = 1 - a; c = a*b", "L", "dz", "a", "b", "c", "z", "t")
	slopes := m.any(p["dz"], p["a"], p["b"], p["c"])
	top, next := m.label("loop"), m.label("next")
	m.Label(top)
	z := m.loadGroup(p["z"], at)
	e := m.vecs(group)
	m.expNegAbs(e, z)
	skip := m.label("skip")
	m.unless(p["L"], skip)
	l := m.vecs(group)
	m.log1pUnit(l, e)
	for i, t := range m.loadGroup(p["t"], at) {
		v := m.vec()
		m.zero(v)
		m.max(v, v, z[i])
		m.mul(t, t, z[i])
		m.sub(v, v, t)
		m.add(l[i], v, l[i])
	}
	m.storeGroup(p["L"], at, l)
	m.Label(skip)
	m.unless(slopes, next)
	r, q := m.logistic(e)
	m.curvature(p["c"], at, r, q)
	a, b := m.vecs(group), m.vecs(group)
	for i := range z {
		mask := m.negative(z[i])
		m.blend(a[i], mask, r[i], q[i])
		m.blend(b[i], mask, q[i], r[i])
	}
	m.optional(p["a"], at, a)
	m.optional(p["b"], at, b)
	m.unless(p["dz"], next)
	t := m.loadGroup(p["t"], at)
	for i := range t {
		m.sub(t[i], a[i], t[i])
	}
	m.storeGroup(p["dz"], at, t)
	m.Label(next)
	m.ADDQ(imm(m.step()), at)
	m.CMPQ(at, n)
	m.JLT(LabelRef(top))
	m.end()
}

// curvature stores r*q.
func (m *machine) curvature(to, at reg.GPVirtual, r, q []vec) {
	skip := m.label("skip")
	m.unless(to, skip)
	c := m.vecs(group)
	for i := range c {
		m.mul(c[i], r[i], q[i])
	}
	m.storeGroup(to, at, c)
	m.Label(skip)
}

// optional stores v if it is wanted.
func (m *machine) optional(to, at reg.GPVirtual, v []vec) {
	skip := m.label("skip")
	m.unless(to, skip)
	m.storeGroup(to, at, v)
	m.Label(skip)
}

func (m *machine) sigmoidPair() {
	ptr, n, at := m.pointers("SigmoidPair", "a = sigmoid(z); b = sigmoid(-z); p = softplus(z); q = softplus(-z); c = a*b", "a", "b", "p", "q", "c", "z")
	slopes, values := m.any(ptr["a"], ptr["b"], ptr["c"]), m.any(ptr["p"], ptr["q"])
	top, next := m.label("loop"), m.label("next")
	m.Label(top)
	z := m.loadGroup(ptr["z"], at)
	e := m.vecs(group)
	m.expNegAbs(e, z)
	skip := m.label("skip")
	m.unless(values, skip)
	l := m.vecs(group)
	m.log1pUnit(l, e)
	for _, name := range []string{"p", "q"} {
		without := m.label("without")
		m.unless(ptr[name], without)
		out := m.vecs(group)
		for i := range z {
			v, u := m.vec(), z[i]
			if name == "q" {
				u = m.vec()
				m.xor(u, z[i], m.sign())
			}
			m.zero(v)
			m.max(v, v, u)
			m.add(out[i], v, l[i])
		}
		m.storeGroup(ptr[name], at, out)
		m.Label(without)
	}
	m.Label(skip)
	m.unless(slopes, next)
	r, q := m.logistic(e)
	m.curvature(ptr["c"], at, r, q)
	a, b := m.vecs(group), m.vecs(group)
	for i := range z {
		mask := m.negative(z[i])
		m.blend(a[i], mask, r[i], q[i])
		m.blend(b[i], mask, q[i], r[i])
	}
	m.optional(ptr["a"], at, a)
	m.optional(ptr["b"], at, b)
	m.Label(next)
	m.ADDQ(imm(m.step()), at)
	m.CMPQ(at, n)
	m.JLT(LabelRef(top))
	m.end()
}
