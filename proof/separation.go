package proof

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"sort"
)

// State is what is decided about the existence of an optimum.
type State string

// The states.
const (
	Separated State = "separated" // a direction separates the classes: no finite optimum exists
	Overlap   State = "overlap"   // no direction does: an optimum exists
	Undecided State = "undecided"
)

// Decision is a state and its proof.
type Decision struct {
	State     State
	Direction *Direction // Separated: the one that uses the fewest columns of those found
	Complete  bool       // Separated: a direction with all margins > 0 was found (perhaps another one)
	Settled   bool       // Separated: Complete is exact: if it is false, no direction has all margins > 0
	Why       string     // what proves it, or why nothing does
}

// Direction is d ≠ 0 with (2y-1)·d·x̃ ≥ 0 on every row that has a weight (= 0 where 0 < y < 1) and > 0 on at least one, checked
// exactly on the stored values: along it the cost falls for ever.
type Direction struct {
	D        []float64 // on stored values, the intercept last; of arbitrary length. Rounded where d is not made of floats
	Complete bool      // every margin is > 0: complete separation; else quasi-complete
	Positive int       // rows whose margin is > 0
	Zero     int       // rows whose margin is 0; the finite coefficients can be estimated from these
	Features []Feature // where d_j ≠ 0, ascending

	// Of classes (Problem.Classes) D is K×(n+1), in the order of theta, with 0 for the reference, and (D_y - D_k)·x̃ ≥ 0 on every row for every class k, > 0
	// somewhere. It is complete if > 0 holds for every k but y; Positive counts the rows with any margin > 0, Zero the others.
	Class int // the class that D tells apart from all others together, -1 if it is not one class alone

	exact *vector
}

// Feature is a coefficient without a finite value.
type Feature struct {
	Index int // of the feature; n is the intercept
	Class int // of classes: whose coefficient it is
	Sign  int // +1: towards +∞, -1: towards -∞
}

// Look searches for a separation where that is cheap: it looks at every column and level alone, then at the candidates (directions of
// theta in the model's coordinates: the last step, the weights). It takes a few passes over the rows and is meant to be called while a fit is
// running. The state is Separated or Undecided.
func Look(ctx context.Context, p *Problem, candidates ...[]float64) (*Decision, error) {
	if p.Classes != nil {
		return p.decideClasses(ctx, candidates, cheap)
	}
	d, _, err := p.look(ctx, &meter{limit: maxWork}, candidates)
	return d, err
}

// Find settles whether the data of p, without penalty, are separated. It begins like Look; what is open then is settled by a linear programme in exact arithmetic,
// while that is affordable (at most 256 parameters, and a fixed amount of work, some seconds; of more than two classes less). Candidates make the
// answer come sooner; what it is does not depend on them, unless the programme is given up. Rest says on which rows what Find found is 0; whether these are
// separated too is the same question again.
func Find(ctx context.Context, p *Problem, candidates ...[]float64) (*Decision, error) {
	return p.decide(ctx, candidates, existence)
}

// Decide is Find, and settles whether a separation is complete or not in the same way.
func Decide(ctx context.Context, p *Problem, candidates ...[]float64) (*Decision, error) {
	return p.decide(ctx, candidates, everything)
}

// effort is how far a decision is taken.
type effort int

const (
	cheap      effort = iota // single columns and candidates
	existence                // and the programme, where these find nothing
	everything               // and whether a separation is complete
)

func (p *Problem) decide(ctx context.Context, candidates [][]float64, to effort) (*Decision, error) {
	if p.Classes != nil {
		return p.decideClasses(ctx, candidates, to)
	}
	work := &meter{limit: maxWork}
	out, v, err := p.look(ctx, work, candidates)
	if err != nil || out.Complete {
		return out, err
	}
	out, _, err = p.settle(ctx, out, v, work, to)
	return out, err
}

// Rest are the rows with a weight on which a direction found for p, of two classes, is 0: what it leaves undecided, ascending.
func Rest(ctx context.Context, p *Problem, d *Direction) ([]int, error) {
	if p.Classes != nil || d.exact == nil {
		return nil, errors.New("proof: the rest is of a direction of two classes")
	}
	var rest []int
	err := p.rows(ctx, func(r *row) error {
		if d.exact.sign(r) == 0 {
			rest = append(rest, r.number)
		}
		return nil
	})
	return rest, err
}

// settle decides what look left open, and returns the direction as an exact vector too.
func (p *Problem) settle(ctx context.Context, out *Decision, v *vector, work *meter, to effort) (*Decision, *vector, error) {
	if out.State == Undecided {
		state, found, err := p.programme(ctx, nil, work)
		if err != nil {
			return nil, nil, err
		}
		switch state {
		case Overlap:
			return &Decision{State: Overlap, Why: "exact linear programme: positive weights of the rows balance them"}, nil, nil
		case Undecided:
			if n := p.Source.Layout().Features + 1; n > maxExact {
				out.Why = fmt.Sprintf("%d parameters are too many for the exact decision", n)
			} else {
				out.Why = "the exact decision took too much work"
			}
			return out, nil, nil
		}
		d, err := p.verify(ctx, found)
		if err != nil {
			return nil, nil, err
		}
		if d == nil {
			return &Decision{State: Undecided, Why: "the exact linear programme contradicts itself"}, nil, nil
		}
		out, v = &Decision{State: Separated, Direction: d, Complete: d.Complete, Settled: d.Complete, Why: "exact linear programme"}, found
	}
	if to < everything {
		return out, v, nil
	}
	most, settled, err := p.extend(ctx, v, out.Direction, work)
	if err != nil {
		return nil, nil, err
	}
	out.Complete = most.Complete
	out.Settled = settled
	if out.Why == "exact linear programme" {
		out.Direction, v = most, most.exact
	}
	return out, v, nil
}

// look also returns the direction as an exact vector.
func (p *Problem) look(ctx context.Context, work *meter, candidates [][]float64) (*Decision, *vector, error) {
	if err := p.check(); err != nil {
		return nil, nil, err
	}
	n := p.Source.Layout().Features
	for _, c := range candidates {
		if c != nil && len(c) != n+1 {
			return nil, nil, fmt.Errorf("proof: a candidate has %d values, want %d", len(c), n+1)
		}
	}
	d, v, err := p.columns(ctx)
	if err != nil {
		return nil, nil, err
	}
	out := &Decision{State: Undecided, Why: "no column alone and no direction of the fit separates the classes"}
	if d != nil {
		out = &Decision{State: Separated, Direction: d, Complete: d.Complete, Settled: d.Complete, Why: "single columns"}
	}
	for _, c := range candidates {
		if out.Complete {
			break
		}
		raw := p.stored(c)
		if raw == nil {
			continue
		}
		w := fromFloats(raw)
		found, err := p.verify(ctx, w)
		if err == nil && found == nil && out.Direction == nil {
			found, w, err = p.face(ctx, w, work)
		}
		if err != nil {
			return nil, nil, err
		}
		if found == nil {
			continue
		}
		out.Complete, out.Settled = found.Complete, found.Complete
		if out.Direction == nil {
			out.State, out.Direction, out.Why, v = Separated, found, "a direction of the fit", w
		}
	}
	return out, v, nil
}

// stored turns a direction in the model's coordinates into one on stored values; nil if it is 0 or not finite.
func (p *Problem) stored(c []float64) []float64 {
	l := p.Source.Layout()
	if len(c) != l.Features+1 {
		return nil
	}
	d := append([]float64(nil), c...)
	n := l.Features
	var top float64
	for j := range n {
		if l.Scale != nil {
			d[j] *= l.Scale[j]
		}
		if l.Center != nil {
			d[n] -= float64(l.Center[j] * d[j])
		}
	}
	for _, v := range d {
		top = math.Max(top, math.Abs(v))
		if !finite(v) {
			return nil
		}
	}
	if top == 0 {
		return nil
	}
	// An exact scaling to about 1 keeps products away from the ends of the range.
	_, e := math.Frexp(top)
	for j := range d {
		d[j] = math.Ldexp(d[j], -e)
	}
	return d
}

// errStop ends a walk over the rows early.
type stop struct{}

func (stop) Error() string { return "stop" }

// side is the sign a margin must have at y, 0: none allowed.
func side(y float64) int {
	switch y {
	case 1:
		return 1
	case 0:
		return -1
	}
	return 0
}

// verify checks every margin exactly; nil if d does not separate.
func (p *Problem) verify(ctx context.Context, v *vector) (*Direction, error) {
	d := &Direction{D: v.float, exact: v}
	err := p.rows(ctx, func(r *row) error {
		s := v.sign(r)
		switch side := side(r.y); {
		case s == 0 && p.pinned && r.number == len(p.Y)-1: // not a row of the data
		case s == 0:
			d.Zero++
		case s == side:
			d.Positive++
		default:
			return stop{}
		}
		return nil
	})
	if _, stopped := err.(stop); stopped || err == nil && d.Positive == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d.Complete = d.Zero == 0
	for j, x := range v.float {
		sign := cmp(x)
		if !v.isFloat {
			sign = v.exact[j].Sign() // the float may have underflowed
		}
		if sign != 0 {
			d.Features = append(d.Features, Feature{Index: j, Sign: sign})
		}
	}
	return d, nil
}

// columns looks for a separation by one column or one column of levels at a time: one pass, exact. All columns that separate are
// in Features; D is one direction (completely separating if there is such a column). nil: none.
func (p *Problem) columns(ctx context.Context) (*Direction, *vector, error) {
	l := p.Source.Layout()
	n := l.Features
	type ends struct {
		lo, hi float64
		count  int
	}
	// Ends of the values of every feature over the rows where y is 0 and where it is 1; a y between counts as both.
	zero, one := make([]ends, n), make([]ends, n)
	var zeros, ones int
	see := func(e *ends, v float64) {
		if e.count == 0 || v < e.lo {
			e.lo = v
		}
		if e.count == 0 || v > e.hi {
			e.hi = v
		}
		e.count++
	}
	// Levels: bit 1 for y > 0, bit 0 for y < 1; the last entry is the reference.
	codes := make([][]uint8, len(l.Codes))
	for k, c := range l.Codes {
		codes[k] = make([]uint8, c.Levels+1)
	}
	err := p.rows(ctx, func(r *row) error {
		var has uint8
		if r.y < 1 {
			zeros++
			has |= 1
		}
		if r.y > 0 {
			ones++
			has |= 2
		}
		for k, j := range r.index {
			if has&1 != 0 {
				see(&zero[j], r.value[k])
			}
			if has&2 != 0 {
				see(&one[j], r.value[k])
			}
		}
		for k, c := range l.Codes {
			level := c.Levels
			for _, j := range r.index {
				if int(j) >= c.First && int(j) < c.First+c.Levels {
					level = int(j) - c.First
					break
				}
			}
			codes[k][level] |= has
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if zeros == 0 && ones == 0 {
		return nil, nil, nil
	}
	if zeros == 0 || ones == 0 { // one class: the intercept
		d := make([]float64, n+1)
		d[n] = 1
		if ones == 0 {
			d[n] = -1
		}
		v := fromFloats(d)
		found, err := p.verify(ctx, v)
		return found, v, err
	}
	var best *Direction
	var exact *vector
	features := map[int]int{}
	together := make([]float64, n+1) // directions whose sum is exact
	any := false
	inCodes := make([]bool, n)
	for k, c := range l.Codes {
		target := func(level int) float64 {
			switch codes[k][level] {
			case 1:
				return -1
			case 2:
				return 1
			}
			return 0
		}
		ref := target(c.Levels)
		for level := range c.Levels {
			inCodes[c.First+level] = true
			if codes[k][level] == 0 { // the level does not occur
				continue
			}
			d := target(level) - ref
			if d != 0 {
				together[c.First+level] += d
				features[c.First+level] = cmp(d)
				any = true
			}
		}
		if ref != 0 {
			together[n] += ref
			any = true
		}
	}
	try := func(v *vector) error {
		found, err := p.verify(ctx, v)
		if found != nil && (best == nil || found.Complete && !best.Complete) {
			best, exact = found, v
		}
		return err
	}
	for j := range n {
		if inCodes[j] {
			continue
		}
		// The rows in which j was not met have the value 0.
		a, b := zero[j], one[j]
		if a.count < zeros {
			see(&a, 0)
		}
		if b.count < ones {
			see(&b, 0)
		}
		if a.lo == b.lo && a.hi == b.hi && a.lo == a.hi {
			continue // constant
		}
		sign := 0
		var c float64
		switch {
		case a.hi <= b.lo:
			sign, c = 1, a.hi+(b.lo-a.hi)/2
		case b.hi <= a.lo:
			sign, c = -1, b.hi+(a.lo-b.hi)/2
		default:
			continue
		}
		features[j] = sign
		complete := a.hi < b.lo || b.hi < a.lo
		between := !complete || c > min(a.hi, b.hi) && c < max(a.lo, b.lo)
		if c == 0 && !complete {
			together[j] += float64(sign)
			any = true
			continue
		}
		if best != nil && (best.Complete || !complete) {
			continue
		}
		d := make([]float64, n+1)
		d[j], d[n] = float64(sign), -float64(sign)*c
		v := fromFloats(d)
		if !between {
			// No float lies between the two values: take their mean as a fraction.
			lo, hi := new(big.Rat).SetFloat64(min(a.hi, b.hi)), new(big.Rat).SetFloat64(max(a.lo, b.lo))
			e := unitVector(n+1, j, int64(2*sign))
			e[n].Add(lo, hi)
			if sign > 0 {
				e[n].Neg(e[n])
			}
			v = fromRats(e)
		}
		if err := try(v); err != nil {
			return nil, nil, err
		}
	}
	if any && (best == nil || !best.Complete) {
		if err := try(fromFloats(together)); err != nil {
			return nil, nil, err
		}
	}
	if best == nil {
		return nil, nil, nil
	}
	for _, f := range best.Features {
		features[f.Index] = f.Sign
	}
	best.Features = best.Features[:0]
	for j, s := range features {
		best.Features = append(best.Features, Feature{Index: j, Sign: s})
	}
	sort.Slice(best.Features, func(a, b int) bool { return best.Features[a].Index < best.Features[b].Index })
	return best, exact, nil
}

// unitVector is v in component j and 0 elsewhere.
func unitVector(size, j int, v int64) []*big.Rat {
	out := make([]*big.Rat, size)
	for k := range out {
		out[k] = new(big.Rat)
	}
	out[j].SetInt64(v)
	return out
}
