package graph

import (
	"math/big"
	"slices"
	"strconv"
)

// Arithmetic (+ - * / and constant powers) is read as a sum of products whose letters are nodes: a
// letter is anything that is not arithmetic, and a bracket inside a product. The search opens
// brackets and letters one by one, writes each sum it comes to, and keeps what is cheapest to run.

// Limits of the search.
const (
	maxSummands   = 64  // in one sum
	maxFactored   = 12  // summands of a sum that is tried with letters drawn out
	maxDepth      = 5   // brackets opened after each other
	maxCandidates = 400 // in one region
	maxExponent   = 64
	maxOpenPower  = 4 // a bracket to a higher power is not multiplied out
)

var one = big.NewRat(1, 1)

// A factor is letter^exponent.
type factor struct {
	n *Node
	e ratio
}

// A ratio is a small exponent p/q in lowest terms, q > 0.
type ratio struct{ p, q int64 }

var whole1 = ratio{1, 1}

func ratioOf(r *big.Rat) ratio { return ratio{r.Num().Int64(), r.Denom().Int64()} }

func reduced(p, q int64) ratio {
	d := gcd(p, q)
	if d < 0 {
		d = -d
	}
	if d == 0 {
		return ratio{0, 1}
	}
	return ratio{p / d, q / d}
}

func (a ratio) plus(b ratio) ratio  { return reduced(a.p*b.q+b.p*a.q, a.q*b.q) }
func (a ratio) times(b ratio) ratio { return reduced(a.p*b.p, a.q*b.q) }
func (a ratio) minus() ratio        { return ratio{-a.p, a.q} }
func (a ratio) whole() bool         { return a.q == 1 }
func (a ratio) rat() *big.Rat       { return big.NewRat(a.p, a.q) }
func (a ratio) fits() bool          { return a.q <= maxExponent && a.abs().less(ratio{maxExponent + 1, 1}) }
func (a ratio) less(b ratio) bool   { return a.p*b.q < b.p*a.q }

func (a ratio) abs() ratio {
	if a.p < 0 {
		return a.minus()
	}
	return a
}

func (a ratio) sign() int {
	switch {
	case a.p > 0:
		return 1
	case a.p < 0:
		return -1
	}
	return 0
}

// A summand is c times its factors.
type summand struct {
	c *big.Rat
	f []factor
}

func (t summand) key() string {
	return string(t.appendKey(nil))
}

func (t summand) appendKey(b []byte) []byte {
	for _, f := range t.f {
		b = strconv.AppendInt(b, int64(f.n.ID), 10)
		if f.e != whole1 {
			b = append(b, '^')
			b = strconv.AppendInt(b, f.e.p, 10)
			b = append(b, '/')
			b = strconv.AppendInt(b, f.e.q, 10)
		}
		b = append(b, ' ')
	}
	return b
}

// A readerOf reads nodes as sums of products and notes which facts it used.
type readerOf struct {
	s      *simplifier
	locked func(*Node) bool // sums that stay letters
	did    notes
	visits int
}

// notes are the names and facts of what merging factors did.
type notes struct {
	rules []string
	facts []string
}

func (n *notes) add(rule, fact string) {
	if !contains(n.rules, rule) {
		n.rules = append(n.rules, rule)
	}
	if fact != "" && !contains(n.facts, fact) {
		n.facts = append(n.facts, fact)
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// sum reads n as summands, not yet merged. Not ok: too large.
func (r *readerOf) sum(n *Node, sign int64, top bool, out *[]summand) bool {
	if r.visits++; r.visits > 4*maxSummands || len(*out) > maxSummands {
		return false
	}
	if isSum(n) && (top || r.locked == nil || !r.locked(n)) {
		second := sign
		if n.Op == opSub {
			second = -sign
		}
		return r.sum(n.Args[0], sign, false, out) && r.sum(n.Args[1], second, false, out)
	}
	if n.Op == opNeg {
		return r.sum(n.Args[0], -sign, false, out)
	}
	t, ok := r.product(n)
	if !ok {
		return false
	}
	if sign < 0 {
		t.c = new(big.Rat).Neg(t.c)
	}
	*out = append(*out, t)
	return true
}

// product reads n as one summand.
func (r *readerOf) product(n *Node) (summand, bool) {
	if r.visits++; r.visits > 8*maxSummands {
		return summand{}, false
	}
	if c, ok := n.constant(); ok && small(c) {
		return summand{c: c}, true
	}
	switch n.Op {
	case opNeg:
		t, ok := r.product(n.Args[0])
		if ok {
			t.c = new(big.Rat).Neg(t.c)
		}
		return t, ok
	case opMul:
		u, ok := r.product(n.Args[0])
		if !ok {
			return u, false
		}
		v, ok := r.product(n.Args[1])
		if !ok {
			return v, false
		}
		return r.times(u, v)
	case opDiv:
		u, ok := r.product(n.Args[0])
		if !ok {
			return u, false
		}
		v, ok := r.product(n.Args[1])
		if !ok {
			return v, false
		}
		if inverse, ok := r.raise(v, ratio{-1, 1}); ok {
			return r.times(u, inverse)
		}
	case opPow:
		if k, ok := n.Args[1].constant(); ok && exponentFits(k) {
			u, ok := r.product(n.Args[0])
			if !ok {
				return u, false
			}
			if t, ok := r.raise(u, ratioOf(k)); ok {
				return t, true
			}
		}
	}
	return summand{c: one, f: []factor{{n, whole1}}}, true
}

func exponentFits(k *big.Rat) bool {
	return k.Denom().IsInt64() && k.Denom().Int64() <= maxExponent &&
		new(big.Rat).Abs(k).Cmp(big.NewRat(maxExponent, 1)) <= 0
}

// raise is t^k, if that is the product of the powers.
func (r *readerOf) raise(t summand, k ratio) (summand, bool) {
	out := summand{c: one}
	if t.c.Cmp(one) != 0 {
		if t.c.Sign() == 0 || !k.whole() {
			return out, false
		}
		e := k.p
		c := t.c
		if e < 0 {
			c, e = new(big.Rat).Inv(c), -e
		}
		p := new(big.Rat).Set(one)
		for range e {
			if p.Mul(p, c); !small(p) {
				return out, false
			}
		}
		out.c = p
	}
	for _, f := range t.f {
		// (u^a)^b is u^(a*b) and (u*v)^b is u^b*v^b for whole b; otherwise where u > 0
		simple := len(t.f) == 1 && f.e == whole1
		if !k.whole() && !simple && !r.s.g.Range(f.n).positive() {
			return out, false
		}
		e := f.e.times(k)
		if !e.fits() {
			return out, false
		}
		out.f = append(out.f, factor{f.n, e})
	}
	return out, true
}

// times is u*v with the powers of a letter merged where that is an identity.
func (r *readerOf) times(u, v summand) (summand, bool) {
	out := summand{c: mulRat(u.c, v.c), f: u.f}
	if !small(out.c) {
		return out, false
	}
	for _, f := range v.f {
		out.f = r.insert(out.f, f)
	}
	return out, true
}

// mulRat is the product of coefficients, most of which are 1. Rationals are shared and never changed.
func mulRat(a, b *big.Rat) *big.Rat {
	switch {
	case a.Cmp(one) == 0:
		return b
	case b.Cmp(one) == 0:
		return a
	}
	return new(big.Rat).Mul(a, b)
}

func (r *readerOf) insert(list []factor, f factor) []factor {
	for i, have := range list {
		if have.n != f.n {
			continue
		}
		e := have.e.plus(f.e)
		rng := r.s.g.Range(f.n)
		switch whole := have.e.whole() && f.e.whole(); {
		case !e.fits():
			continue
		case whole && have.e.sign() == f.e.sign():
		case whole: // u^i * u^-j
			if !r.s.may["cancel"] || !rng.nonzero() {
				continue
			}
			r.did.add("cancel", r.s.g.factText(f.n))
		case have.e.sign() == f.e.sign() && have.e.sign() > 0 && !rng.positive():
			continue
		default:
			if !r.s.may["merge powers"] || !rng.positive() {
				continue
			}
			r.did.add("merge powers", r.s.g.factText(f.n))
		}
		out := append([]factor(nil), list[:i]...)
		if e.p != 0 {
			out = append(out, factor{f.n, e})
		}
		return append(out, list[i+1:]...)
	}
	return append(append([]factor(nil), list...), f)
}

// ordered sorts the factors of each summand: scalars before vectors, what is the same for all rows
// first, leaves before the rest, then by age.
func ordered(ts []summand) []summand {
	out := make([]summand, len(ts))
	for i, t := range ts {
		f := append([]factor(nil), t.f...)
		slices.SortStableFunc(f, func(a, b factor) int {
			if a.n != b.n {
				return ordering(before(a.n, b.n), before(b.n, a.n))
			}
			return ordering(b.e.less(a.e), a.e.less(b.e))
		})
		out[i] = summand{t.c, f}
	}
	return out
}

// ordering is what slices.SortFunc wants, of less(a, b) and less(b, a).
func ordering(less, greater bool) int {
	switch {
	case less:
		return -1
	case greater:
		return 1
	}
	return 0
}

func before(a, b *Node) bool {
	if x, y := a.Shape.Size(), b.Shape.Size(); (x > 1) != (y > 1) {
		return y > 1
	}
	if a.Shape.PerRow != b.Shape.PerRow {
		return b.Shape.PerRow
	}
	if (a.Leaf != nil) != (b.Leaf != nil) {
		return a.Leaf != nil
	}
	return a.ID < b.ID
}

// collected is merged where the rule is in the table.
func (s *simplifier) collected(ts []summand) []summand {
	if s.may["collect"] {
		return merged(ts)
	}
	return ordered(ts)
}

// merged adds equal products and sorts: positive ones first, then by their letters.
func merged(ts []summand) []summand {
	ts = ordered(ts)
	at := map[string]int{}
	var out []summand
	for _, t := range ts {
		k := t.key()
		if i, ok := at[k]; ok {
			out[i].c = new(big.Rat).Add(out[i].c, t.c)
			continue
		}
		at[k] = len(out)
		out = append(out, t)
	}
	kept := out[:0]
	for _, t := range out {
		if t.c.Sign() != 0 {
			kept = append(kept, t)
		}
	}
	slices.SortStableFunc(kept, func(a, b summand) int { return ordering(firstSummand(a, b), firstSummand(b, a)) })
	return kept
}

func firstSummand(a, b summand) bool {
	if a.c.Sign() != b.c.Sign() {
		return a.c.Sign() > 0
	}
	for i := 0; i < len(a.f) && i < len(b.f); i++ {
		if a.f[i].n != b.f[i].n {
			return before(a.f[i].n, b.f[i].n)
		}
		if a.f[i].e != b.f[i].e {
			return b.f[i].e.less(a.f[i].e)
		}
	}
	return len(a.f) > len(b.f)
}

func keyOf(ts []summand) string {
	var b []byte
	for _, t := range ts {
		b = append(b, t.c.RatString()...)
		b = append(b, ' ')
		b = append(t.appendKey(b), '+')
	}
	return string(b)
}

// writeProduct writes one summand: its scalar part first, quotients as numerator over denominator.
func (s *simplifier) writeProduct(t summand) *Node {
	g := s.g
	fs := ordered([]summand{t})[0].f
	var up, down *Node
	c := t.c
	negative := c.Sign() < 0
	c = new(big.Rat).Abs(c)
	put := func(to **Node, n *Node) {
		if *to == nil {
			*to = n
		} else {
			*to = g.raw("mul", *to, n)
		}
	}
	if _, exact := c.FloatPrec(); exact {
		if c.Cmp(one) != 0 || len(fs) == 0 {
			up = g.Const(c)
		}
	} else {
		if c.Num().Cmp(one.Num()) != 0 {
			up = g.Const(new(big.Rat).SetInt(c.Num()))
		}
		down = g.Const(new(big.Rat).SetInt(c.Denom()))
	}
	// Quotients of scalars before vectors: (c/m)*w is one division, c*w/m is one for each component.
	for _, f := range fs {
		if f.n.Shape.Size() > 1 && up != nil && up.Shape.Size() == 1 && down != nil {
			up, down = g.make("div", up, down), nil
		}
		n := f.n
		e := f.e
		to := &up
		if e.p < 0 {
			e, to = e.minus(), &down
		}
		if e != whole1 {
			n = g.raw("pow", n, g.Const(e.rat()))
		}
		put(to, n)
	}
	switch {
	case up == nil && down == nil:
		up = g.integer(1)
	case up == nil:
		up = g.make("div", g.integer(1), down)
	case down != nil:
		up = g.make("div", up, down)
	}
	if negative {
		up = g.minus(up)
	}
	return up
}

// writeSum writes summands one by one; like says what has the shape of the result.
func (s *simplifier) writeSum(ts []summand, like *Node) *Node {
	g := s.g
	if len(ts) == 0 {
		return g.filled(0, like)
	}
	ts = append([]summand(nil), ts...)
	if ts[0].c.Sign() < 0 { // all are negative, or the order is the reader's
		flipped := false
		if s.may["flip"] {
			for i, t := range ts {
				if u, ok := s.flip(t); ok && t.c.Sign() < 0 {
					ts[i] = ts[0]
					ts[0] = u
					flipped = true
					break
				}
			}
		}
		for i := 1; i < len(ts) && !flipped; i++ {
			if ts[i].c.Sign() > 0 {
				ts[0], ts[i] = ts[i], ts[0]
				break
			}
		}
	}
	if ts[0].c.Sign() < 0 {
		pos := make([]summand, len(ts))
		for i, t := range ts {
			pos[i] = summand{new(big.Rat).Neg(t.c), t.f}
		}
		return g.minus(s.writeSum(pos, like))
	}
	out := s.writeProduct(ts[0])
	for _, t := range ts[1:] {
		if t.c.Sign() < 0 {
			out = g.raw("sub", out, s.writeProduct(summand{new(big.Rat).Neg(t.c), t.f}))
		} else {
			out = g.raw("add", out, s.writeProduct(t))
		}
	}
	if out.Shape.IsScalar() && !like.Shape.IsScalar() {
		out = g.raw("fill", out, like)
	}
	return out
}

// flip is -t with one of its brackets u - v written v - u.
func (s *simplifier) flip(t summand) (summand, bool) {
	for i, f := range t.f {
		if f.n.Op == opSub && f.e.whole() && f.e.p%2 != 0 && !isOneMinusSigmoid(f.n) {
			out := summand{new(big.Rat).Neg(t.c), append([]factor(nil), t.f...)}
			out.f[i] = factor{s.g.raw("sub", f.n.Args[1], f.n.Args[0]), f.e}
			return out, true
		}
	}
	return t, false
}

// flipAll flips a bracket in every negative summand that has one.
func (s *simplifier) flipAll(ts []summand) (out []summand, ok bool) {
	out = append(out, ts...)
	for i, t := range ts {
		if u, can := s.flip(t); can && t.c.Sign() < 0 && s.may["flip"] {
			out[i], ok = u, true
		}
	}
	return out, ok
}

// A form is one way to write a sum.
type form struct {
	n      *Node
	factor *Node // drawn out first; nil: none
}

// forms writes a sum plainly, and with each shared letter drawn out first.
func (s *simplifier) forms(ts []summand, like *Node) []form {
	out := []form{{n: s.writeSum(ts, like)}}
	if flipped, ok := s.flipAll(ts); ok {
		out = append(out, form{n: s.writeSum(flipped, like)})
	}
	if !s.may["factor"] || len(ts) < 2 || len(ts) > maxFactored {
		return out
	}
	for _, l := range shared(ts) {
		out = append(out, form{s.drawOut(ts, l, like), l.n})
	}
	if c, ok := commonCoefficient(ts); ok {
		inner := make([]summand, len(ts))
		for i, t := range ts {
			inner[i] = summand{new(big.Rat).Quo(t.c, c), t.f}
		}
		out = append(out, form{s.g.make("mul", s.g.Const(c), s.writeSum(inner, like)), s.g.Const(c)})
	}
	return out
}

func commonCoefficient(ts []summand) (*big.Rat, bool) {
	c := new(big.Rat).Abs(ts[0].c)
	if c.Cmp(one) == 0 {
		return nil, false
	}
	for _, t := range ts[1:] {
		if new(big.Rat).Abs(t.c).Cmp(c) != 0 {
			return nil, false
		}
	}
	return c, true
}

// shared lists the letters, with the sign of their exponent, of two summands or more: those of most
// summands first.
func shared(ts []summand) []factor {
	type count struct {
		factor
		n int
	}
	var all []count
	type side struct {
		n    *Node
		sign int
	}
	at := map[side]int{}
	for _, t := range ts {
		seen := map[side]bool{}
		for _, f := range t.f {
			k := side{f.n, f.e.sign()}
			if seen[k] {
				continue
			}
			seen[k] = true
			if _, ok := at[k]; !ok {
				at[k] = len(all)
				all = append(all, count{factor: factor{f.n, ratio{int64(f.e.sign()), 1}}})
			}
			all[at[k]].n++
		}
	}
	slices.SortStableFunc(all, func(a, b count) int { return b.n - a.n })
	var out []factor
	for _, c := range all {
		if c.n > 1 {
			out = append(out, c.factor)
		}
	}
	return out
}

// drawOut writes ts with letter l out of the summands that have it, and with it what those share
// besides; then goes on with what is left inside and outside.
func (s *simplifier) drawOut(ts []summand, l factor, like *Node) *Node {
	var with, rest []summand
	for _, t := range ts {
		if _, ok := exponentOf(t, l); ok {
			with = append(with, t)
		} else {
			rest = append(rest, t)
		}
	}
	common := summand{c: one}
	for _, f := range with[0].f {
		least, all := f.e, true
		for _, t := range with[1:] {
			e, ok := exponentOf(t, f)
			if all = all && ok; !all {
				break
			}
			if e.abs().less(least.abs()) {
				least = e
			}
		}
		if all {
			common.f = append(common.f, factor{f.n, least})
		}
	}
	inner := make([]summand, len(with))
	for i, t := range with {
		in := summand{c: t.c}
		for _, f := range t.f {
			e := f.e
			if k, ok := exponentOf(common, f); ok {
				e = e.plus(k.minus())
			}
			if e.p != 0 {
				in.f = append(in.f, factor{f.n, e})
			}
		}
		inner[i] = in
	}
	inner = s.collected(inner)
	bracket := s.greedy(inner, like)
	// The bracket is a factor like any other, so that scalars come before vectors and -(u - v) flips.
	sign := one
	if bracket.Op == opNeg {
		bracket, sign = bracket.Args[0], big.NewRat(-1, 1)
	}
	product := summand{c: sign, f: append(append([]factor(nil), common.f...), factor{bracket, whole1})}
	if len(rest) == 0 {
		return s.writeSum([]summand{product}, like)
	}
	return s.writeSum(append([]summand{product}, s.greedySummands(rest, like)...), like)
}

func exponentOf(t summand, l factor) (ratio, bool) {
	for _, f := range t.f {
		if f.n == l.n && f.e.sign() == l.e.sign() {
			return f.e, true
		}
	}
	return ratio{}, false
}

func (s *simplifier) greedy(ts []summand, like *Node) *Node {
	if l := shared(ts); len(l) > 0 {
		return s.drawOut(ts, l[0], like)
	}
	if !hasShape(ts, like) {
		like = s.g.integer(0)
	}
	return s.writeSum(ts, like)
}

// hasShape reports whether some letter has the components of like.
func hasShape(ts []summand, like *Node) bool {
	for _, t := range ts {
		for _, f := range t.f {
			if f.n.Shape.inner() == like.Shape.inner() {
				return true
			}
		}
	}
	return false
}

func (s *simplifier) greedySummands(ts []summand, like *Node) []summand {
	if len(shared(ts)) == 0 {
		return ts
	}
	n := s.greedy(ts, like)
	return []summand{{c: one, f: []factor{{n, whole1}}}}
}
