package proof

import (
	"context"
	"fmt"
	"math"
	"math/big"
)

// Limits of exact arithmetic. Work is counted in words of the numbers handled, not in time, so that the same data get
// the same answer on every machine.
const (
	maxExact = 64          // parameters
	maxWork  = 300_000_000 // words; some seconds
)

// meter counts the work of exact arithmetic.
type meter struct{ words int }

func (m *meter) spend(r *big.Rat) bool {
	m.words += 4 + (r.Num().BitLen()+r.Denom().BitLen())/64
	return m.words <= maxWork
}

func ratRow(r *row, size int) []*big.Rat {
	out := make([]*big.Rat, size)
	for j := range out {
		out[j] = new(big.Rat)
	}
	for k, j := range r.index {
		out[j].SetFloat64(r.value[k])
	}
	out[size-1].SetInt64(1)
	return out
}

// face moves d to the nearest directions that are exactly 0 on the rows where d nearly is, and checks them. In
// quasi-complete separation the last steps of a fit are such directions but for rounding.
func (p *Problem) face(ctx context.Context, v *vector) (*Direction, error) {
	size := len(v.float)
	if size > maxExact {
		return nil, nil
	}
	var low, top float64
	margins := make([]float64, len(p.Y))
	err := p.rows(ctx, func(r *row) error {
		m := v.dot(r)
		switch side(r.y) {
		case 0:
			margins[r.number] = 0
			low = math.Min(low, -math.Abs(m))
			return nil
		case -1:
			m = -m
		}
		margins[r.number] = m
		low, top = math.Min(low, m), math.Max(top, m)
		return nil
	})
	if err != nil || !(top > 0) {
		return nil, err
	}
	work := &meter{}
	for _, tolerance := range []float64{1e-10, 1e-6, 1e-3, 3e-2} {
		if low < -tolerance*top {
			continue
		}
		d, ok, err := p.project(ctx, v, margins, tolerance*top, work)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, nil
		}
		if d == nil {
			continue
		}
		if found, err := p.verify(ctx, d); found != nil || err != nil {
			return found, err
		}
	}
	return nil, nil
}

// project solves, in rational numbers, d·x̃ = 0 on the rows with |margin| ≤ limit for some of the components of d,
// the others being kept. nil: only d = 0 is left; not ok: too much work.
func (p *Problem) project(ctx context.Context, v *vector, margins []float64, limit float64, work *meter) (*vector, bool, error) {
	size := len(v.float)
	type equation struct {
		row   []*big.Rat
		pivot int
	}
	var basis []equation
	t := new(big.Rat)
	eliminate := func(from, by []*big.Rat, pivot int) bool {
		f := new(big.Rat).Set(from[pivot])
		if f.Sign() == 0 {
			return true
		}
		for j := range from {
			if by[j].Sign() != 0 {
				from[j].Sub(from[j], t.Mul(f, by[j]))
				if !work.spend(from[j]) {
					return false
				}
			}
		}
		return true
	}
	tired := false
	err := p.rows(ctx, func(r *row) error {
		if math.Abs(margins[r.number]) > limit || len(basis) == size {
			return nil
		}
		x := ratRow(r, size)
		work.words += 8 * size
		for _, e := range basis {
			if !eliminate(x, e.row, e.pivot) {
				tired = true
				return stop{}
			}
		}
		// The pivot is the component that d moves least for: the largest entry.
		pivot, best := -1, 0.0
		for j, c := range x {
			if c.Sign() != 0 {
				if f, _ := c.Float64(); pivot < 0 || math.Abs(f) > best {
					pivot, best = j, math.Abs(f)
				}
			}
		}
		if pivot < 0 {
			return nil
		}
		inv := new(big.Rat).Inv(x[pivot])
		for j := range x {
			x[j].Mul(x[j], inv)
		}
		for _, e := range basis {
			if !eliminate(e.row, x, pivot) {
				tired = true
				return stop{}
			}
		}
		basis = append(basis, equation{x, pivot})
		return nil
	})
	if tired {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if len(basis) == size {
		return nil, true, nil
	}
	d := make([]*big.Rat, size)
	for j, f := range v.float {
		d[j] = new(big.Rat).SetFloat64(f)
	}
	for _, e := range basis {
		d[e.pivot] = new(big.Rat)
	}
	for _, e := range basis {
		s := new(big.Rat)
		for j, c := range e.row {
			if j != e.pivot && c.Sign() != 0 && d[j].Sign() != 0 {
				s.Sub(s, t.Mul(c, d[j]))
			}
		}
		// Pivots occur in no other equation, so the order does not matter.
		d[e.pivot] = s
	}
	for _, c := range d {
		if c.Sign() != 0 {
			return fromRats(d), true, nil
		}
	}
	return nil, true, nil
}

// exact decides by linear programming in rational arithmetic. With A the rows (2y-1)·x̃ (both signs where 0 < y < 1), there is no separation iff
// some q ≥ 1 has Aᵀq = 0 (Stiemke). With q = 1 + q': find q' ≥ 0 with Aᵀq' = -Aᵀ1, by the first phase of
// the revised simplex method: the sum of the artificial variables falls to 0 (overlap), or the prices y at the optimum have
// y·a ≤ 0 for every row a of A, and d = -y separates. The basis is kept in rationals; rows are priced in floating point, and exactly where that is in
// doubt. The most violated row enters, and the first one (Bland) after a step that changed nothing, so that it ends.
func (p *Problem) exact(ctx context.Context) (*Decision, error) {
	size := p.Source.Layout().Features + 1
	if size > maxExact {
		return &Decision{Undecided, nil, false, fmt.Sprintf("%d parameters are too many for exact arithmetic", size)}, nil
	}
	work := &meter{}
	// beta = -Aᵀ1; rows with 0 < y < 1 come with both signs and cancel.
	beta := make([]*big.Rat, size)
	for j := range beta {
		beta[j] = new(big.Rat)
	}
	t := new(big.Rat)
	err := p.rows(ctx, func(r *row) error {
		s := side(r.y)
		if s == 0 {
			return nil
		}
		add := func(j int, v float64) {
			t.SetFloat64(v)
			if s > 0 {
				beta[j].Sub(beta[j], t)
			} else {
				beta[j].Add(beta[j], t)
			}
			work.spend(beta[j])
		}
		for k, j := range r.index {
			add(int(j), r.value[k])
		}
		add(size-1, 1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	// Artificial variables, one a component, with the sign of beta. inverse is B⁻¹, x the values of the basis.
	inverse := make([][]*big.Rat, size)
	x := make([]*big.Rat, size)
	name := make([]int, size) // of the basic variable: row number ≥ 0 (twice, plus 1 for the minus sign), or -1-j for an artificial one
	for i := range size {
		inverse[i] = make([]*big.Rat, size)
		for j := range size {
			inverse[i][j] = new(big.Rat)
		}
		inverse[i][i].SetInt64(1)
		if beta[i].Sign() < 0 {
			inverse[i][i].SetInt64(-1)
		}
		x[i] = new(big.Rat).Abs(beta[i])
		name[i] = -1 - i
	}
	stuck := false
	for {
		infeasible := false
		y := make([]*big.Rat, size)
		for j := range y {
			y[j] = new(big.Rat)
		}
		for i := range size {
			if name[i] >= 0 {
				continue
			}
			infeasible = infeasible || x[i].Sign() != 0
			for j := range y {
				y[j].Add(y[j], inverse[i][j])
				if !work.spend(y[j]) {
					return tooMuch(), nil
				}
			}
		}
		if !infeasible {
			return &Decision{Overlap, nil, false, "exact linear programme: positive weights q with Aᵀq = 0 exist"}, nil
		}
		prices := fromRats(y)
		enter, column, err := p.price(ctx, prices, stuck)
		if err != nil {
			return nil, err
		}
		if column == nil {
			for _, c := range y {
				c.Neg(c)
			}
			d, err := p.verify(ctx, fromRats(y))
			if err != nil {
				return nil, err
			}
			if d == nil {
				return &Decision{Undecided, nil, false, "the exact linear programme contradicts itself"}, nil
			}
			return &Decision{Separated, d, d.Complete, "exact linear programme"}, nil
		}
		// Direction of the basis, ratio test with the smallest name on ties.
		step := make([]*big.Rat, size)
		leave := -1
		var ratio big.Rat
		for i := range size {
			step[i] = new(big.Rat)
			for j, c := range column {
				if c.Sign() != 0 && inverse[i][j].Sign() != 0 {
					step[i].Add(step[i], t.Mul(inverse[i][j], c))
					if !work.spend(step[i]) {
						return tooMuch(), nil
					}
				}
			}
			if step[i].Sign() > 0 {
				q := new(big.Rat).Quo(x[i], step[i])
				if c := q.Cmp(&ratio); leave < 0 || c < 0 || c == 0 && name[i] < name[leave] {
					leave = i
					ratio.Set(q)
				}
			}
		}
		if leave < 0 {
			// The first phase is bounded below by 0.
			return &Decision{Undecided, nil, false, "the exact linear programme contradicts itself"}, nil
		}
		stuck = ratio.Sign() == 0
		inv := new(big.Rat).Inv(step[leave])
		for j := range size {
			inverse[leave][j].Mul(inverse[leave][j], inv)
		}
		x[leave].Set(&ratio)
		for i := range size {
			if i == leave || step[i].Sign() == 0 {
				continue
			}
			for j := range size {
				if inverse[leave][j].Sign() != 0 {
					inverse[i][j].Sub(inverse[i][j], t.Mul(step[i], inverse[leave][j]))
					if !work.spend(inverse[i][j]) {
						return tooMuch(), nil
					}
				}
			}
			x[i].Sub(x[i], t.Mul(step[i], &ratio))
		}
		name[leave] = enter
	}
}

func tooMuch() *Decision {
	return &Decision{Undecided, nil, false, "the exact linear programme took too much work"}
}

// price finds a row a of A with prices·a > 0, the largest in floating point or the first, and returns it exactly; nil
// if there is none.
func (p *Problem) price(ctx context.Context, prices *vector, first bool) (name int, column []*big.Rat, err error) {
	size := len(prices.float)
	best := 0.0
	name = -1
	take := func(r *row, sign int) {
		name = 2 * r.number
		if sign < 0 {
			name++
		}
		column = ratRow(r, size)
		if sign < 0 {
			for _, c := range column {
				c.Neg(c)
			}
		}
	}
	err = p.rows(ctx, func(r *row) error {
		s := side(r.y)
		f := prices.dot(r)
		if s != 0 {
			f *= float64(s)
		} else {
			f = math.Abs(f)
		}
		if name >= 0 && f <= best {
			return nil
		}
		exact := prices.sign(r)
		if exact == 0 || s != 0 && exact != s {
			return nil
		}
		take(r, exact)
		best = f
		if first {
			return stop{}
		}
		return nil
	})
	if _, stopped := err.(stop); stopped {
		err = nil
	}
	return name, column, err
}
