package graph

import (
	"fmt"
	"math"
	"math/big"
)

// An Interval is the set of values a node can take; LoOpen and HiOpen leave the end out. Ends may be
// infinite. Intervals are computed with every inexact end moved outwards, so what they exclude is
// excluded.
type Interval struct {
	Lo, Hi         float64
	LoOpen, HiOpen bool
}

// Everything is the interval that says nothing.
func Everything() Interval { return Interval{Lo: math.Inf(-1), Hi: math.Inf(1)} }

// A Fact is what is stated about a leaf: its range, and the total of its components (1 for a one-hot
// label). The zero Fact states nothing. The simplifier uses facts, it cannot check them.
type Fact struct {
	Range *Interval
	Total *big.Rat
}

func (i Interval) positive() bool { return i.Lo > 0 || i.Lo == 0 && i.LoOpen }
func (i Interval) negative() bool { return i.Hi < 0 || i.Hi == 0 && i.HiOpen }
func (i Interval) nonzero() bool  { return i.positive() || i.negative() }
func (i Interval) notNegative() bool {
	return i.Lo >= 0
}

// about writes the interval as a fact about u: 0 < u < 1.
func (i Interval) about(u string) string {
	le := func(open bool) string {
		if open {
			return "<"
		}
		return "<="
	}
	lo, hi := !math.IsInf(i.Lo, -1), !math.IsInf(i.Hi, 1)
	switch {
	case lo && hi:
		return fmt.Sprintf("%v %s %s %s %v", i.Lo, le(i.LoOpen), u, le(i.HiOpen), i.Hi)
	case lo && i.LoOpen:
		return fmt.Sprintf("%s > %v", u, i.Lo)
	case lo:
		return fmt.Sprintf("%s >= %v", u, i.Lo)
	case hi && i.HiOpen:
		return fmt.Sprintf("%s < %v", u, i.Hi)
	case hi:
		return fmt.Sprintf("%s <= %v", u, i.Hi)
	}
	return u + " is any number"
}

// end is one end of an interval.
type end struct {
	at   float64
	open bool
}

// point is the interval of one exact number.
func point(r *big.Rat) Interval {
	f, exact := r.Float64()
	if exact {
		return Interval{Lo: f, Hi: f}
	}
	return Interval{Lo: math.Nextafter(f, math.Inf(-1)), Hi: math.Nextafter(f, math.Inf(1))}
}

func addEnds(a, b, down float64) float64 {
	s := a + b
	if math.IsInf(a, 0) || math.IsInf(b, 0) {
		return s
	}
	// the rounding error of a + b (Knuth, TwoSum); a sum that overflows is left infinite
	t := s - a
	if err := (a - (s - t)) + (b - t); err != 0 && !math.IsInf(s, 0) {
		return math.Nextafter(s, down)
	}
	return s
}

func addRange(a, b Interval) Interval {
	return Interval{
		Lo: addEnds(a.Lo, b.Lo, math.Inf(-1)), LoOpen: a.LoOpen || b.LoOpen,
		Hi: addEnds(a.Hi, b.Hi, math.Inf(1)), HiOpen: a.HiOpen || b.HiOpen,
	}
}

func negRange(a Interval) Interval {
	return Interval{Lo: -a.Hi, Hi: -a.Lo, LoOpen: a.HiOpen, HiOpen: a.LoOpen}
}

func mulRange(a, b Interval) Interval {
	out := Interval{Lo: math.Inf(1), Hi: math.Inf(-1), LoOpen: true, HiOpen: true}
	for _, p := range []end{{a.Lo, a.LoOpen}, {a.Hi, a.HiOpen}} {
		for _, q := range []end{{b.Lo, b.LoOpen}, {b.Hi, b.HiOpen}} {
			v := p.at * q.at
			open := p.open || q.open
			lo, hi := v, v
			switch {
			case p.at == 0 || q.at == 0:
				// 0 times an infinite end is 0 in the limit; a closed 0 reaches it whatever the other does
				v, lo, hi = 0, 0, 0
				open = !(p.at == 0 && !p.open || q.at == 0 && !q.open)
			case math.IsInf(v, 0) || math.FMA(p.at, q.at, -v) != 0 || math.Abs(v) < 1e-290:
				lo, hi = math.Nextafter(v, math.Inf(-1)), math.Nextafter(v, math.Inf(1))
				if math.IsInf(p.at, 0) || math.IsInf(q.at, 0) {
					lo, hi = v, v
				}
				// a product of positive ends that underflows is still not negative
				if (p.at > 0) == (q.at > 0) {
					lo = math.Max(lo, 0)
				} else {
					hi = math.Min(hi, 0)
				}
			}
			if lo < out.Lo || lo == out.Lo && !open {
				out.Lo, out.LoOpen = lo, open
			}
			if hi > out.Hi || hi == out.Hi && !open {
				out.Hi, out.HiOpen = hi, open
			}
		}
	}
	return out
}

// invRange is the range of 1/u.
func invRange(a Interval) Interval {
	if !a.nonzero() {
		return Everything()
	}
	if a.negative() {
		return negRange(invRange(negRange(a)))
	}
	inv := func(v, to float64) float64 {
		if v == 0 {
			return math.Inf(1)
		}
		if math.IsInf(v, 1) {
			return 0
		}
		q := 1 / v
		if math.FMA(q, v, -1) != 0 {
			q = math.Nextafter(q, to)
		}
		return q
	}
	return Interval{
		Lo: inv(a.Hi, math.Inf(-1)), LoOpen: a.HiOpen || math.IsInf(a.Hi, 1),
		Hi: inv(a.Lo, math.Inf(1)), HiOpen: a.LoOpen,
	}
}

// Range is what the facts of leaves and the ranges of ops say about the values of n.
func (g *Graph) Range(n *Node) Interval {
	if r, ok := g.ranges[n]; ok {
		return r
	}
	r := Everything()
	switch {
	case n.Leaf != nil && n.Leaf.Kind == Constant:
		r = point(n.Leaf.Value)
	case n.Leaf != nil:
		if n.Leaf.Fact.Range != nil {
			r = *n.Leaf.Fact.Range
		}
	case n.Op.Range != nil:
		in := make([]Interval, len(n.Args))
		for i, a := range n.Args {
			in[i] = g.Range(a)
		}
		r = n.Op.Range(in)
		if math.IsNaN(r.Lo) || math.IsNaN(r.Hi) {
			r = Everything()
		}
	}
	g.ranges[n] = r
	return r
}
