package proof

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"sync"

	"github.com/descent-ml/descent/engine"
)

// Separation of classes is separation of two, of other rows: row i of class y and every other class k make a row
// (e_y - e_k)⊗x̃_i, all of them of one class, without an intercept. So all of the exact machinery of two classes serves
// here: its look at candidates, its linear programme, its extension to the most rows.

// pairs is a Source of those rows: x̃ of class y, minus x̃ of class k, nothing for the reference. A last row of 0 with a label between the
// classes, on which a margin must be 0, holds the intercept that the machinery adds at 0.
type pairs struct {
	of     *Problem
	layout engine.Layout
	rows   int // of a chunk
	mu     sync.Mutex
	kept   map[int]engine.Block
	room   int // values that may still be kept
}

// pairs is the problem of two classes that the classes' is.
func (p *Problem) pairs() *Problem {
	l := p.Source.Layout()
	others := p.Classes.K - 1
	s := &pairs{of: p, rows: p.Source.ChunkRows() * others, kept: map[int]engine.Block{}, room: 4 << 20}
	s.layout = engine.Layout{Rows: l.Rows*others + 1, Features: others * (l.Features + 1), Sparse: true}
	out := &Problem{Passes: p.Passes, Source: s, Y: make([]float64, s.layout.Rows), S: make([]float64, s.layout.Rows), pinned: true}
	for i := range out.Y {
		out.Y[i], out.S[i] = 1, 1
		if i/others < l.Rows {
			out.S[i] = p.weight(i / others)
		}
	}
	out.Y[len(out.Y)-1] = 0.5
	return out
}

func (s *pairs) Layout() *engine.Layout { return &s.layout }
func (s *pairs) ChunkRows() int         { return s.rows }

func (s *pairs) Chunk(k int) (engine.Block, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.kept[k]; ok {
		return b, nil
	}
	c := s.of.Classes
	n := s.of.Source.Layout().Features
	out := engine.Block{First: k * s.rows, Start: []int{0}}
	var values engine.Float64s
	add := func(class int, r *row, sign float64) {
		if class == c.Reference {
			return
		}
		if class > c.Reference {
			class--
		}
		first := int32(class * (n + 1))
		for q, j := range r.index {
			out.Index, values = append(out.Index, first+j), append(values, sign*r.value[q])
		}
		out.Index, values = append(out.Index, first+int32(n)), append(values, sign)
	}
	if first := k * s.of.Source.ChunkRows(); first < len(c.Label) {
		b, err := s.of.Source.Chunk(k)
		if err != nil {
			return engine.Block{}, err
		}
		r := &row{}
		for i := range b.Rows {
			s.of.read(r, &b, i)
			y, counts := int(c.Label[r.number]), s.of.weight(r.number) > 0
			if !counts {
				y = c.Reference // it may have any label
			}
			for other := range c.K {
				switch {
				case other == y:
					continue
				case !counts:
				case y == c.Reference || other != c.Reference && other < y: // ascending indices
					add(other, r, -1)
					add(y, r, 1)
				default:
					add(y, r, 1)
					add(other, r, -1)
				}
				out.Rows++
				out.Start = append(out.Start, len(out.Index))
			}
		}
	}
	if out.First+out.Rows == s.layout.Rows-1 && out.Rows < s.rows {
		out.Rows++
		out.Start = append(out.Start, len(out.Index))
	}
	out.Value = values
	if size := 2*len(values) + len(out.Start); size <= s.room {
		s.room -= size
		s.kept[k] = out
	}
	return out, nil
}

// expand drops the reference of a direction D, K×(n+1) in the order of theta, and the intercept's place is added.
func (p *Problem) expand(d []*big.Int) []*big.Int {
	n, K, ref := p.Source.Layout().Features, p.Classes.K, p.Classes.Reference
	out := make([]*big.Int, 0, (K-1)*(n+1)+1)
	for k := range K {
		if k == ref {
			continue
		}
		for j := range n + 1 {
			out = append(out, new(big.Int).Sub(d[p.component(k, j)], d[p.component(ref, j)]))
		}
	}
	return append(out, new(big.Int))
}

// collapse is the direction as of classes; its rows are counted anew.
func (p *Problem) collapse(ctx context.Context, q *Problem, v *vector, complete bool) (*Direction, error) {
	n, K, ref := p.Source.Layout().Features, p.Classes.K, p.Classes.Reference
	d := &Direction{D: make([]float64, K*(n+1)), Complete: complete, exact: v}
	at := 0
	for k := range K {
		if k == ref {
			continue
		}
		for j := range n + 1 {
			d.D[p.component(k, j)] = v.float[at]
			sign := cmp(v.float[at])
			if !v.isFloat {
				sign = v.exact[at].Sign()
			}
			if sign != 0 {
				d.Features = append(d.Features, Feature{Index: j, Class: k, Sign: sign})
			}
			at++
		}
	}
	last, positive := -1, -1
	rows := 0
	err := q.rows(ctx, func(r *row) error {
		i := r.number / (K - 1)
		if r.number == len(q.Y)-1 {
			return nil
		}
		if i != last {
			last = i
			rows++
		}
		if i != positive && v.sign(r) > 0 {
			positive = i
			d.Positive++
		}
		return nil
	})
	d.Zero = rows - d.Positive
	d.Class = p.alone(v)
	return d, err
}

// alone is the class k whose D is that of a class against all others together: D_l is the same for all l ≠ k. Else -1.
func (p *Problem) alone(v *vector) int {
	n, K, ref := p.Source.Layout().Features, p.Classes.K, p.Classes.Reference
	d := v.integers()
	at := func(k, j int) *big.Int {
		switch {
		case k == ref:
			return new(big.Int)
		case k > ref:
			k--
		}
		return d[k*(n+1)+j]
	}
	// With the reference among the others they are all 0; two classes are told apart from each other, say by the one that has coefficients.
	for _, k := range append(append(make([]int, 0, K), others(K, ref)...), ref) {
		same := true
		for j := range n + 1 {
			var first *big.Int
			for _, l := range others(K, k) {
				if first == nil {
					first = at(l, j)
				}
				same = same && first.Cmp(at(l, j)) == 0
			}
		}
		if same {
			return k
		}
	}
	return -1
}

// others are the classes but k.
func others(K, k int) []int {
	out := make([]int, 0, K-1)
	for l := range K {
		if l != k {
			out = append(out, l)
		}
	}
	return out
}

// against is the problem of two classes: class k, and all others.
func (p *Problem) against(k int) *Problem {
	y := make([]float64, len(p.Classes.Label))
	for i, c := range p.Classes.Label {
		if int(c) == k {
			y[i] = 1
		}
	}
	return &Problem{Passes: p.Passes, Source: p.Source, Y: y, S: p.S}
}

// lift makes a direction that tells class k from the others one of all classes.
func (p *Problem) lift(k int, v *vector) *vector {
	n, K := p.Source.Layout().Features, p.Classes.K
	d := make([]*big.Int, K*(n+1))
	for i := range d {
		d[i] = new(big.Int)
	}
	for j, c := range v.integers() {
		d[p.component(k, j)] = c
	}
	return fromInts(p.expand(d))
}

// decideClasses is Look, Find and Decide for p.Classes.
func (p *Problem) decideClasses(ctx context.Context, candidates [][]float64, to effort) (*Decision, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	K := p.Classes.K
	raw, err := p.candidates(candidates)
	if err != nil {
		return nil, err
	}
	q, work := p.pairs(), &meter{limit: maxClassWork}
	out := &Decision{State: Undecided, Why: "no column alone and no direction of the fit separates the classes"}
	var exact *vector
	found := func(v *vector, d *Direction, why string) {
		if out.Direction == nil || d.Complete && !out.Complete {
			out = &Decision{State: Separated, Direction: d, Complete: d.Complete, Settled: d.Complete, Why: why}
			exact = v
		}
	}
	// Single columns that tell one class from all others; of several such classes the one with the most columns, then the most rows, then the
	// fewest coefficients (the reference has none of its own).
	var best *Direction
	var of int // the class of best
	var single *vector
	names := func(k int) int { // coefficients without a finite value for every feature
		if k == p.Classes.Reference {
			return K - 1
		}
		return 1
	}
	for k := range K {
		d, v, err := p.against(k).columns(ctx)
		if err != nil {
			return nil, err
		}
		if d == nil {
			continue
		}
		better := best == nil
		if best != nil { // a row has a positive margin among the classes where it has one among the two
			for _, c := range []int{len(d.Features) - len(best.Features), d.Positive - best.Positive, names(of)*len(best.Features) - names(k)*len(d.Features)} {
				if c != 0 {
					better = c > 0
					break
				}
			}
		}
		if better {
			best, of, single = d, k, v
		}
	}
	if best != nil {
		w := p.lift(of, single)
		whole, err := q.verify(ctx, w)
		if err != nil {
			return nil, err
		}
		if whole != nil { // it is: the margins are those of the two classes, and 0
			mine, err := p.collapse(ctx, q, w, whole.Complete)
			if err != nil {
				return nil, err
			}
			mine.Features, mine.Class = p.named(of, best.Features), of
			found(w, mine, "single columns")
		}
	}
	for _, c := range raw {
		if out.Complete || c == nil {
			continue
		}
		v := fromInts(p.expand(scaledIntegers(c)))
		d, err := q.verify(ctx, v)
		if err == nil && d == nil && out.State == Undecided {
			v, d, err = p.near(ctx, q, c, v, work)
		}
		if err != nil {
			return nil, err
		}
		if d == nil {
			continue
		}
		if out.Direction != nil { // it only says that the separation is complete
			out.Complete, out.Settled = out.Complete || d.Complete, out.Settled || d.Complete
			continue
		}
		mine, err := p.collapse(ctx, q, v, d.Complete)
		if err != nil {
			return nil, err
		}
		found(v, mine, "a direction of the fit")
	}
	if to == cheap || out.Complete || to == existence && out.Direction != nil {
		return out, nil
	}
	if out.Direction == nil {
		// One class against all others is a smaller programme, and proves separation, not its absence.
		v, d, class, err := p.oneAgainstRest(ctx, q, &meter{limit: maxClassWork / 2}, to)
		if err != nil {
			return nil, err
		}
		if d != nil {
			mine, err := p.collapse(ctx, q, v, d.Complete)
			if err != nil {
				return nil, err
			}
			mine.Class = class
			found(v, mine, "exact linear programme")
			if out.Complete || to == existence {
				return out, nil
			}
		}
	}
	// The programme of all classes, with what has been found as a start.
	start := *out
	if exact != nil {
		if start.Direction, err = q.verify(ctx, exact); err != nil {
			return nil, err
		}
	}
	end, v, err := q.settle(ctx, &start, exact, work, to)
	if err != nil {
		return nil, err
	}
	switch {
	case out.Direction != nil:
		out.Complete, out.Settled = end.Complete, end.Settled
		return out, nil
	case end.State == Separated:
		if end.Direction, err = p.collapse(ctx, q, v, end.Direction.Complete); err != nil {
			return nil, err
		}
		return end, nil
	}
	return end, nil
}

// oneAgainstRest looks, class by class, for a direction that tells it from all others together.
func (p *Problem) oneAgainstRest(ctx context.Context, q *Problem, work *meter, to effort) (*vector, *Direction, int, error) {
	for k := range p.Classes.K {
		d, v, err := p.against(k).settle(ctx, &Decision{State: Undecided}, nil, work, to)
		if err != nil || d.State != Separated && work.tired() {
			return nil, nil, -1, err
		}
		if d.State != Separated {
			continue
		}
		v = p.lift(k, v)
		whole, err := q.verify(ctx, v)
		if err != nil || whole != nil {
			return v, whole, k, err
		}
	}
	return nil, nil, -1, nil
}

// near looks for a direction beside c, on stored values, that is exact where c is not quite: one class against the mean of the others, and
// the nearest that is 0 on the rows where c nearly is.
func (p *Problem) near(ctx context.Context, q *Problem, c []float64, v *vector, work *meter) (*vector, *Direction, error) {
	n, K := p.Source.Layout().Features, p.Classes.K
	for k := range K {
		d := make([]float64, n+1)
		for j := range d {
			for l := range K {
				share := -1 / float64(K-1)
				if l == k {
					share = 1
				}
				d[j] += share * c[p.component(l, j)]
			}
		}
		w := fromFloats(d)
		two := p.against(k)
		found, err := two.verify(ctx, w)
		if err == nil && found == nil {
			found, w, err = two.face(ctx, w, work)
		}
		if err != nil {
			return nil, nil, err
		}
		if found != nil {
			w = p.lift(k, w)
			whole, err := q.verify(ctx, w)
			return w, whole, err
		}
	}
	d, w, err := q.face(ctx, v, work)
	return w, d, err
}

// named are the coefficients without a finite value where the features of a direction of class k against the others have that sign.
func (p *Problem) named(k int, features []Feature) []Feature {
	var out []Feature
	for class := range p.Classes.K {
		if class == p.Classes.Reference || k != p.Classes.Reference && class != k {
			continue
		}
		for _, f := range features {
			f.Class = class
			if class != k {
				f.Sign = -f.Sign
			}
			out = append(out, f)
		}
	}
	return out
}

// candidates turns directions of theta in the model's coordinates into ones on stored values, in the order of theta; nil where one is 0 or
// not finite.
func (p *Problem) candidates(of [][]float64) ([][]float64, error) {
	l := p.Source.Layout()
	n, K := l.Features, p.Classes.K
	var out [][]float64
	for _, c := range of {
		if c == nil {
			continue
		}
		if len(c) != p.size() {
			return nil, fmt.Errorf("proof: a candidate has %d values, want %d", len(c), p.size())
		}
		d := append([]float64(nil), c...)
		var top float64
		for k := range K {
			for j := range n {
				a := p.component(k, j)
				if l.Scale != nil {
					d[a] *= l.Scale[j]
				}
				if l.Center != nil {
					d[p.component(k, n)] -= float64(l.Center[j] * d[a])
				}
			}
		}
		bad := false
		for _, v := range d {
			top = math.Max(top, math.Abs(v))
			bad = bad || !finite(v)
		}
		if bad || top == 0 {
			out = append(out, nil)
			continue
		}
		_, e := math.Frexp(top)
		for a := range d {
			if d[a] = math.Ldexp(d[a], -e); math.Abs(d[a]) < 1e-30 { // nothing that a margin would notice, and integers stay short
				d[a] = 0
			}
		}
		out = append(out, d)
	}
	return out, nil
}
