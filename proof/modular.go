package proof

import (
	"context"
	"math"
	"math/big"
	"math/bits"
)

// prime is 2⁶¹ - 1, a Mersenne prime: 2⁶¹ is 1, so that numbers times powers of two, as all floats are, are residues.
const prime = 1<<61 - 1

func addMod(a, b uint64) uint64 {
	if a += b; a >= prime {
		a -= prime
	}
	return a
}

func subMod(a, b uint64) uint64 { return addMod(a, prime-b) }

func mulMod(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return addMod(lo&prime, hi<<3|lo>>61)
}

func invMod(a uint64) uint64 { // a^(p-2), Fermat
	out := uint64(1)
	for e := uint64(prime - 2); e > 0; e >>= 1 {
		if e&1 != 0 {
			out = mulMod(out, a)
		}
		a = mulMod(a, a)
	}
	return out
}

// residue is a finite float.
func residue(v float64) uint64 {
	f, e := math.Frexp(v)
	k := int64(f * (1 << 53))
	neg := k < 0
	if neg {
		k = -k
	}
	turn := (e - 53) % 61 // times 2^turn turns the 61 bits
	if turn < 0 {
		turn += 61
	}
	x := uint64(k)
	x = (x<<turn | x>>(61-turn)) & prime
	if x == prime {
		x = 0
	}
	if neg && x != 0 {
		x = prime - x
	}
	return x
}

// fraction is the ratio of two integers below 2³⁰ that is congruent to x, by Euclid's algorithm stopped half way (Wang, SYMSAC 1981); ok is
// false if there is none.
func fraction(x uint64) (num, den int64, ok bool) {
	const limit = 1 << 30
	r0, r1 := int64(prime), int64(x)
	t0, t1 := int64(0), int64(1)
	for r1 >= limit {
		q := r0 / r1
		r0, r1 = r1, r0-q*r1
		t0, t1 = t1, t0-q*t1
	}
	if t1 == 0 || t1 >= limit || t1 <= -limit {
		return 0, 0, false
	}
	if t1 < 0 {
		return -r1, -t1, true
	}
	return r1, t1, true
}

// space is the equations d·x̃ = 0 of some rows, modulo prime, solved for their pivots.
type space struct {
	rows  [][]uint64
	pivot []int
	row   []uint64 // in hand
}

// add adds a row, unless the others imply it. weight is how reluctantly a component is solved for.
func (s *space) add(r *row, size int, weight []float64) bool {
	x := s.row
	clear(x)
	for k, j := range r.index {
		x[j] = residue(r.value[k])
	}
	x[size-1] = 1
	for i, e := range s.rows {
		s.eliminate(x, e, s.pivot[i])
	}
	pivot := -1
	for j, v := range x {
		if v != 0 && (pivot < 0 || weight[j] < weight[pivot]) {
			pivot = j
		}
	}
	if pivot < 0 {
		return false
	}
	inverse := invMod(x[pivot])
	own := make([]uint64, size)
	for j, v := range x {
		if v != 0 {
			own[j] = mulMod(v, inverse)
		}
	}
	for _, e := range s.rows {
		s.eliminate(e, own, pivot)
	}
	s.rows, s.pivot = append(s.rows, own), append(s.pivot, pivot)
	return true
}

func (s *space) eliminate(from, by []uint64, pivot int) {
	f := from[pivot]
	if f == 0 {
		return
	}
	f = prime - f
	for j, v := range by {
		if v != 0 {
			from[j] = addMod(from[j], mulMod(f, v))
		}
	}
}

// direction is the d of fractions near v that fulfils the equations; nil if there is none of small ones.
func (s *space) direction(v []float64, top float64) []*big.Rat {
	size := len(v)
	free := make([]bool, size)
	for j := range free {
		free[j] = true
	}
	for _, j := range s.pivot {
		free[j] = false
	}
	d := make([]*big.Rat, size)
	value := make([]uint64, size)
	any := false
	for j := range d {
		d[j] = new(big.Rat)
		if free[j] {
			k := int64(math.Round(v[j] / top * 1024))
			any = any || k != 0
			d[j].SetInt64(k)
			value[j] = residue(float64(k))
		}
	}
	if !any {
		return nil
	}
	for i, e := range s.rows {
		var sum uint64
		for j, c := range e {
			if free[j] && c != 0 && value[j] != 0 {
				sum = subMod(sum, mulMod(c, value[j]))
			}
		}
		num, den, ok := fraction(sum)
		if !ok {
			return nil
		}
		d[s.pivot[i]].SetFrac64(num, den)
	}
	return d
}

const (
	// modularWork bounds the multiplications of one modular search: a few seconds.
	modularWork = 1_500_000_000
	// rounds is how often rows that a direction misses are taken into the equations.
	rounds = 6
)

// modular does what face says with fractions of small numbers, as the directions of real separations have: it is solved modulo a prime, and the solution is checked
// exactly. That takes n² operations a row of plain integers, of at first a few n rows; rows that the solution misses are added, some times.
func (p *Problem) modular(ctx context.Context, v *vector, margins []float64, limit float64) (*Direction, *vector, error) {
	size := len(v.float)
	count, top := 0, 0.0
	if err := p.rows(ctx, func(r *row) error {
		if math.Abs(margins[r.number]) <= limit {
			count++
		}
		return nil
	}); err != nil {
		return nil, nil, err
	}
	weight := make([]float64, size)
	for j, x := range v.float {
		weight[j] = math.Abs(x)
		top = math.Max(top, weight[j])
	}
	s := &space{row: make([]uint64, size)}
	spent := 0
	// A component that v does not move in is solved for first: it is to be 0, or what the rows make it.
	take := func(r *row) bool {
		spent += 2 * size * len(s.rows)
		return s.add(r, size, weight)
	}
	step := max(count/(4*size), 1)
	seen := 0
	for round := range rounds {
		if err := p.rows(ctx, func(r *row) error {
			if math.Abs(margins[r.number]) > limit || len(s.rows) == size {
				return nil
			}
			if seen++; round == 0 && seen%step == 0 {
				take(r)
			}
			if spent > modularWork {
				return stop{}
			}
			return nil
		}); err != nil {
			if _, tired := err.(stop); tired {
				return nil, nil, nil
			}
			return nil, nil, err
		}
		if len(s.rows) == size {
			return nil, nil, nil
		}
		exact := s.direction(v.float, top)
		if exact == nil {
			return nil, nil, nil
		}
		d := fromRats(exact)
		more, wrong := 0, false
		err := p.rows(ctx, func(r *row) error {
			sign := d.sign(r)
			side := side(r.y)
			switch {
			case sign == 0 || sign == side:
				return nil
			case math.Abs(margins[r.number]) > limit:
				wrong = true
				return stop{}
			}
			if more < 2*size && spent <= modularWork && take(r) {
				more++
			}
			if len(s.rows) == size {
				return stop{}
			}
			return nil
		})
		if _, stopped := err.(stop); err != nil && !stopped {
			return nil, nil, err
		}
		if wrong || len(s.rows) == size || spent > modularWork {
			return nil, nil, nil
		}
		if more == 0 {
			found, err := p.verify(ctx, d)
			return found, d, err
		}
	}
	return nil, nil, nil
}
