package proof

import (
	"context"
	"math"
	"math/big"
	"math/bits"
	"slices"
)

// Limits of exact arithmetic. Work is counted in words of the numbers handled, not in time, so that the same data get
// the same answer on every machine.
const (
	maxExact     = 256         // parameters
	maxWork      = 150_000_000 // words; less than ten seconds
	maxClassWork = 20_000_000  // of more than two classes, whose fit has taken its time: a second or two
)

// meter counts the work of exact arithmetic.
type meter struct{ words, limit int }

func (m *meter) tired() bool { return m.words > m.limit }

func (m *meter) spend(r *big.Rat) bool {
	m.words += 4 + (r.Num().BitLen()+r.Denom().BitLen())/64
	return !m.tired()
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
func (p *Problem) face(ctx context.Context, v *vector, work *meter) (*Direction, *vector, error) {
	size := len(v.float)
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
		return nil, nil, err
	}
	for _, tolerance := range []float64{1e-10, 1e-6, 1e-3, 3e-2} {
		if low < -tolerance*top {
			continue
		}
		found, d, err := p.modular(ctx, v, margins, tolerance*top)
		if found != nil || err != nil {
			return found, d, err
		}
		if size > maxExact {
			continue
		}
		d, ok, err := p.project(ctx, v, margins, tolerance*top, work)
		if err != nil || !ok {
			return nil, nil, err
		}
		if d == nil {
			continue
		}
		if found, err := p.verify(ctx, d); found != nil || err != nil {
			return found, d, err
		}
	}
	return nil, nil, nil
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

// programme decides, by linear programming in integers, whether the rows for which keep is true (nil: all) are separated. With A the
// rows (2y-1)·x̃ (both signs where 0 < y < 1), there is no separation iff some q ≥ 1 has Aᵀq = 0 (Stiemke).
// With q = 1 + q': find q' ≥ 0 with Aᵀq' = -Aᵀ1, by the first phase of the revised simplex method: the sum of the
// artificial variables falls to 0 (overlap), or the prices y at the optimum have y·a ≤ 0 for every row a of A, and -y separates.
//
// Every feature is scaled by a power of two to integers. The inverse of the basis is kept as integers over its determinant, so
// that every division is exact and nothing is ever reduced (Bareiss, Math. Comp. 22 (1968); Edmonds). Rows are priced in floating
// point, and exactly where that is in doubt. The most violated row enters, and the first one (Bland) after a step that changed
// nothing, so that it ends.
func (p *Problem) programme(ctx context.Context, keep func(*row) bool, work *meter) (State, *vector, error) {
	size := p.Source.Layout().Features + 1
	if size > maxExact {
		return Undecided, nil, nil
	}
	// low[j]: the lowest bit of any value of the feature.
	low := make([]int, size)
	seen := make([]bool, size)
	err := p.rows(ctx, func(r *row) error {
		for k, j := range r.index {
			if e := lowestBit(r.value[k]); !seen[j] || e < low[j] {
				low[j], seen[j] = e, true
			}
		}
		return nil
	})
	if err != nil {
		return Undecided, nil, err
	}
	top := low[0]
	for _, e := range low {
		top = max(top, e)
	}
	scaled := func(to *big.Int, j int32, v float64) *big.Int { // v·2^-low, an integer
		f, e := math.Frexp(v)
		to.SetInt64(int64(f * (1 << 53)))
		if shift := e - 53 - low[j]; shift >= 0 {
			return to.Lsh(to, uint(shift))
		}
		return to.Rsh(to, uint(low[j]+53-e)) // zeros only
	}
	intercept := new(big.Int).Lsh(big.NewInt(1), uint(-low[size-1]))
	column := func(r *row, sign int) []*big.Int {
		out := make([]*big.Int, size)
		for j := range out {
			out[j] = new(big.Int)
		}
		for k, j := range r.index {
			scaled(out[j], j, r.value[k])
		}
		out[size-1].Set(intercept)
		if sign < 0 {
			for _, v := range out {
				v.Neg(v)
			}
		}
		return out
	}
	t, u := new(big.Int), new(big.Int)
	x := make([]*big.Int, size) // the basis' values times det
	for i := range x {
		x[i] = new(big.Int)
	}
	// Rows with 0 < y < 1 come with both signs and cancel.
	err = p.rows(ctx, func(r *row) error {
		if s := side(r.y); s != 0 && (keep == nil || keep(r)) {
			for k, j := range r.index {
				scaled(t, j, r.value[k])
				if s > 0 {
					x[j].Sub(x[j], t)
				} else {
					x[j].Add(x[j], t)
				}
			}
			if s > 0 {
				x[size-1].Sub(x[size-1], intercept)
			} else {
				x[size-1].Add(x[size-1], intercept)
			}
		}
		work.words += 2 + len(r.index)
		return nil
	})
	if err != nil {
		return Undecided, nil, err
	}
	// Artificial variables, one a component, with its sign. inverse/det is B⁻¹.
	inverse := make([][]*big.Int, size)
	name := make([]int, size) // of the basic variable: 2·row (+1 for a minus), or -1-j for an artificial one
	for i := range size {
		inverse[i] = make([]*big.Int, size)
		for j := range size {
			inverse[i][j] = new(big.Int)
		}
		inverse[i][i].SetInt64(1)
		if x[i].Sign() < 0 {
			inverse[i][i].SetInt64(-1)
			x[i].Neg(x[i])
		}
		name[i] = -1 - i
	}
	det := big.NewInt(1)
	stuck := false
	for {
		infeasible := false
		y := make([]*big.Int, size)
		for j := range y {
			y[j] = new(big.Int)
		}
		for i := range size {
			if name[i] >= 0 {
				continue
			}
			infeasible = infeasible || x[i].Sign() != 0
			for j := range y {
				y[j].Add(y[j], inverse[i][j])
			}
		}
		if !infeasible {
			return Overlap, nil, nil
		}
		// On stored values the prices are y_j/2^low.
		for j := range y {
			y[j].Lsh(y[j], uint(top-low[j]))
		}
		enter, sign, r, err := p.price(ctx, fromInts(y), keep, stuck, work)
		if err != nil {
			return Undecided, nil, err
		}
		if work.tired() {
			return Undecided, nil, nil
		}
		if r == nil {
			for _, v := range y {
				v.Neg(v)
			}
			return Separated, fromInts(y), nil
		}
		a := column(r, sign)
		// Direction of the basis, ratio test with the smallest name on ties.
		step := make([]*big.Int, size)
		leave := -1
		for i := range size {
			step[i] = new(big.Int)
			for j, c := range a {
				if c.Sign() != 0 && inverse[i][j].Sign() != 0 {
					step[i].Add(step[i], t.Mul(inverse[i][j], c))
					work.words += 2 + inverse[i][j].BitLen()/64
				}
			}
			if step[i].Sign() > 0 {
				if leave < 0 {
					leave = i
					continue
				}
				c := t.Mul(x[i], step[leave]).Cmp(u.Mul(x[leave], step[i]))
				if c < 0 || c == 0 && name[i] < name[leave] {
					leave = i
				}
			}
		}
		if leave < 0 {
			// The first phase is bounded below by 0: this cannot be.
			return Undecided, nil, nil
		}
		stuck = x[leave].Sign() == 0
		pivot := step[leave]
		update := func(v, by, f *big.Int) { // v = (v·pivot - f·by)/det
			v.Mul(v, pivot)
			if by.Sign() != 0 && f.Sign() != 0 {
				v.Sub(v, t.Mul(f, by))
			}
			v.Quo(v, det)
			w := 2 + v.BitLen()/64
			work.words += 4 + w*w/8
		}
		for i := range size {
			if i == leave {
				continue
			}
			for j := range size {
				update(inverse[i][j], inverse[leave][j], step[i])
			}
			update(x[i], x[leave], step[i])
		}
		det.Set(pivot)
		name[leave] = enter
	}
}

// lowestBit is the exponent of the lowest bit set in v ≠ 0.
func lowestBit(v float64) int {
	f, e := math.Frexp(v)
	return e - 53 + bits.TrailingZeros64(uint64(int64(math.Abs(f)*(1<<53))))
}

// price finds a row a of A with prices·a > 0, the largest in floating point or the first, its name and its sign in A; nil
// if there is none.
func (p *Problem) price(ctx context.Context, prices *vector, keep func(*row) bool, first bool, work *meter) (name, sign int, found *row, err error) {
	best := 0.0
	err = p.rows(ctx, func(r *row) error {
		work.words += 2 + len(r.index)/2
		s := side(r.y)
		f := prices.dot(r)
		if s != 0 {
			f *= float64(s)
		} else {
			f = math.Abs(f)
		}
		if found != nil && f <= best {
			return nil
		}
		exact := prices.sign(r)
		if exact == 0 || s != 0 && exact != s || keep != nil && !keep(r) {
			return nil
		}
		name, sign = 2*r.number, exact
		if sign < 0 {
			name++
		}
		found = &row{number: r.number, index: slices.Clone(r.index), value: slices.Clone(r.value), y: r.y}
		best = f
		if first {
			return stop{}
		}
		return nil
	})
	if _, stopped := err.(stop); stopped {
		err = nil
	}
	return name, sign, found, err
}

// extend makes a separating direction positive on as many rows as any direction is: while the rows on which it is 0 are
// separated among themselves, a small multiple of their direction is added. settled is false if that took too much work.
func (p *Problem) extend(ctx context.Context, v *vector, d *Direction, work *meter) (best *Direction, settled bool, err error) {
	for d.Zero > 0 {
		state, more, err := p.programme(ctx, func(r *row) bool { return v.sign(r) == 0 }, work)
		if err != nil || state == Undecided {
			return d, false, err
		}
		if state == Overlap {
			return d, true, nil
		}
		// v·2^k + more, k so large that no positive margin is lost.
		var next *Direction
		for k := uint(8); k <= 512 && next == nil; k *= 2 {
			sum := make([]*big.Int, len(v.float))
			for j, c := range v.integers() {
				sum[j] = new(big.Int).Lsh(c, k)
				sum[j].Add(sum[j], more.exact[j])
			}
			w := fromInts(sum)
			if next, err = p.verify(ctx, w); err != nil {
				return d, false, err
			}
			if next != nil && next.Positive <= d.Positive {
				next = nil
			}
			if next != nil {
				v, d = w, next
			}
		}
		if next == nil {
			return d, false, nil
		}
	}
	return d, true, nil
}
