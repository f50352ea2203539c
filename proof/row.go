package proof

import (
	"context"
	"math"
	"math/big"

	"github.com/descent-ml/descent/engine"
)

// row is one row as stored: the features that are not zero, and the label's side.
type row struct {
	number int
	index  []int32
	value  []float64
	y      float64

	panel []float64 // the dense columns of 64 rows
	at    int       // the first of them

	entries []float64
}

// rows calls f for every row with a weight, in order; the row is reused. f may stop the walk with an error.
func (p *Problem) rows(ctx context.Context, f func(*row) error) error {
	l := p.Source.Layout()
	chunk := p.Source.ChunkRows()
	r := &row{}
	for k := 0; k*chunk < l.Rows; k++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := p.Source.Chunk(k)
		if err != nil {
			return err
		}
		for i := range b.Rows {
			r.number = b.First + i
			r.y = p.Y[r.number]
			if !(p.weight(r.number) > 0) {
				continue
			}
			p.read(r, &b, i)
			if err := f(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// read takes row i of a block: its number and what is stored.
func (p *Problem) read(r *row, b *engine.Block, i int) {
	l := p.Source.Layout()
	r.number = b.First + i
	r.index, r.value = r.index[:0], r.value[:0]
	if at := b.First + i/64*64; r.panel == nil || r.at != at {
		if r.panel == nil {
			r.panel = make([]float64, 64*len(l.Dense))
		}
		b.Panel(i/64, r.panel)
		r.at = at
	}
	for c, j := range l.Dense {
		if v := r.panel[c*64+i%64]; v != 0 {
			r.index, r.value = append(r.index, int32(j)), append(r.value, v)
		}
	}
	for c, codes := range b.Codes {
		if v := codes[i]; v >= 0 {
			r.index, r.value = append(r.index, int32(l.Codes[c].First)+v), append(r.value, 1)
		}
	}
	if l.Sparse {
		index, value := b.Entries(i, r.entries)
		for q, v := range value {
			if v != 0 {
				r.index, r.value = append(r.index, index[q]), append(r.value, v)
			}
		}
		r.entries = value
	}
}

// vector is a direction d on stored values, the intercept last: exact integers, and floats that are them up to one rounding
// and a common factor. isFloat says that the floats are exact.
type vector struct {
	float   []float64
	exact   []*big.Int
	isFloat bool
}

func fromFloats(d []float64) *vector { return &vector{float: d, isFloat: true} }

// fromRats scales rational numbers to integers without a common factor.
func fromRats(d []*big.Rat) *vector {
	lcm := big.NewInt(1)
	g := new(big.Int)
	for _, v := range d {
		g.GCD(nil, nil, lcm, v.Denom())
		lcm.Mul(lcm, new(big.Int).Quo(v.Denom(), g))
	}
	exact := make([]*big.Int, len(d))
	for j, v := range d {
		exact[j] = new(big.Int).Mul(v.Num(), new(big.Int).Quo(lcm, v.Denom()))
	}
	return fromInts(exact)
}

// fromInts takes a common factor out and makes floats of about 1.
func fromInts(d []*big.Int) *vector {
	out := &vector{float: make([]float64, len(d)), exact: make([]*big.Int, len(d)), isFloat: true}
	common := new(big.Int)
	for _, v := range d {
		common.GCD(nil, nil, common, new(big.Int).Abs(v))
	}
	bits := 0
	for j, v := range d {
		out.exact[j] = new(big.Int).Set(v)
		if common.Sign() > 0 {
			out.exact[j].Quo(v, common)
		}
		bits = max(bits, out.exact[j].BitLen())
	}
	for j, v := range out.exact {
		f := new(big.Float).SetInt(v)
		f.SetMantExp(f, -bits)
		out.float[j], _ = f.Float64()
	}
	out.isFloat = bits <= 53
	return out
}

// integers returns d times a power of two, as integers.
func (v *vector) integers() []*big.Int {
	if v.exact == nil {
		v.exact = scaledIntegers(v.float)
	}
	return v.exact
}

// scaledIntegers multiplies finite numbers by the smallest power of two that makes all of them integers.
func scaledIntegers(x []float64) []*big.Int {
	low := 0
	first := true
	for _, v := range x {
		if v != 0 {
			_, e := math.Frexp(v)
			if first || e-53 < low {
				low, first = e-53, false
			}
		}
	}
	out := make([]*big.Int, len(x))
	for j, v := range x {
		f, e := math.Frexp(v)
		out[j] = big.NewInt(int64(f * (1 << 53)))
		if v != 0 {
			out[j].Lsh(out[j], uint(e-53-low))
		}
	}
	return out
}

// dot returns d·x̃ in floating point.
func (v *vector) dot(r *row) float64 {
	s := v.float[len(v.float)-1]
	for k, j := range r.index {
		s += float64(v.float[j] * r.value[k])
	}
	return s
}

// sign is the exact sign of d·x̃: from floats where the error bound of the sum leaves no doubt, from an error-free
// sum, or from integers.
func (v *vector) sign(r *row) int {
	n := len(v.float) - 1
	s, size, terms := v.float[n], math.Abs(v.float[n]), 0
	small := math.Inf(1)
	if size > 0 {
		small = size
	}
	for k, j := range r.index {
		d := v.float[j]
		if d == 0 && v.isFloat {
			continue
		}
		t := float64(d * r.value[k])
		terms++
		s += t
		size += math.Abs(t)
		small = math.Min(small, math.Abs(t))
	}
	if terms == 0 && v.isFloat {
		return cmp(s)
	}
	if small > 1e-200 && size < 1e300 {
		// k products and sums, and one rounding of d where it is not exact
		if math.Abs(s) > gamma(float64(terms+4))*size {
			return cmp(s)
		}
		if v.isFloat {
			return v.expansion(r)
		}
	}
	return v.big(r)
}

func cmp(s float64) int {
	switch {
	case s > 0:
		return 1
	case s < 0:
		return -1
	}
	return 0
}

// expansion adds the products without error as a list of numbers that do not overlap, smallest first; the last that is not 0
// has the sign of the sum (Shewchuk, Discrete Comput. Geom. 18 (1997), Grow-Expansion).
func (v *vector) expansion(r *row) int {
	n := len(v.float) - 1
	e := make([]float64, 1, 2*len(r.index)+2)
	e[0] = v.float[n]
	grow := func(b float64) {
		q := b
		for i, x := range e {
			s := q + x
			t := s - q
			e[i] = (q - (s - t)) + (x - t)
			q = s
		}
		e = append(e, q)
	}
	for k, j := range r.index {
		if d := v.float[j]; d != 0 {
			t := float64(d * r.value[k])
			grow(math.FMA(d, r.value[k], -t)) // the rounding error of the product, exactly
			grow(t)
		}
	}
	for i := len(e) - 1; i >= 0; i-- {
		if e[i] != 0 {
			return cmp(e[i])
		}
	}
	return 0
}

func (v *vector) big(r *row) int {
	d := v.integers()
	n := len(d) - 1
	x := scaledIntegers(append(append(make([]float64, 0, len(r.value)+1), r.value...), 1))
	s := new(big.Int).Mul(d[n], x[len(r.value)])
	t := new(big.Int)
	for k, j := range r.index {
		s.Add(s, t.Mul(d[j], x[k]))
	}
	return s.Sign()
}
