package descent

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/descent-ml/descent/doctor"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/engine"
)

const (
	// fewColumns is the number of inputs up to which everything that other columns determine is looked for, with a penalty, too.
	fewColumns = 512
	// alikeTolerance is how near the projections of two columns of norm 1 must be; those of others are some tenths apart, in two directions.
	alikeTolerance = 1e-7
	// mostVerified is the number of pairs whose difference is computed row by row: of more only the first are.
	mostVerified = 32
)

// alike finds constant columns among the terms searched, and those that equal an earlier one but for factor and intercept: in three passes, where
// rank takes n² work a row. Every column is projected on two fixed pseudo-random vectors of rows, around its mean and to norm 1; what agrees in both, but for
// the sign, is a pair, and its difference is then computed.
func (f *fit) alike(ctx context.Context, d *encode.Design, searched []int) ([]doctor.Alias, error) {
	e, err := engine.New(d.Memory, engine.Options{Threads: f.config.Solver.Threads})
	if err != nil {
		return nil, err
	}
	s, _ := d.Memory.Input("s")
	square, err := e.Diag(ctx, s)
	if err != nil {
		return nil, err
	}
	sums, err := e.Weighteds(ctx, 3, func(first int, r [][]float64) {
		for i := range r[0] {
			w := weightOf(s, first+i)
			r[0][i], r[1][i], r[2][i] = w*scatter(2*uint64(first+i)), w*scatter(2*uint64(first+i)+1), w
		}
	})
	if err != nil {
		return nil, err
	}
	all := len(d.Terms)
	ones := sums[2][all]
	type column struct {
		at         int // in searched
		mean, norm float64
		on         [2]float64
	}
	var columns []column
	var found []doctor.Alias
	for i, j := range searched {
		c := column{at: i, mean: sums[2][j] / ones}
		around := square[j] - c.mean*sums[2][j]
		if !(around > 1e-12*square[j]) { // the rounding of a square is far below
			found = append(found, doctor.Alias{Column: i, Intercept: c.mean})
			continue
		}
		c.norm = math.Sqrt(around)
		for q := range c.on {
			c.on[q] = (sums[q][j] - c.mean*sums[q][all]) / c.norm
		}
		columns = append(columns, c)
	}
	// Neighbours in the size of the first projection; of a group the earliest column stands for the others.
	slices.SortFunc(columns, func(a, b column) int { return cmp.Compare(math.Abs(a.on[0]), math.Abs(b.on[0])) })
	of := make(map[int]column)
	same := func(a, b column) bool {
		sign := 1.0
		if math.Signbit(a.on[0]) != math.Signbit(b.on[0]) {
			sign = -1
		}
		return math.Abs(a.on[0]-sign*b.on[0]) <= alikeTolerance && math.Abs(a.on[1]-sign*b.on[1]) <= alikeTolerance
	}
	for i, a := range columns {
		for k := i + 1; k < len(columns) && math.Abs(columns[k].on[0])-math.Abs(a.on[0]) <= alikeTolerance; k++ {
			b := columns[k]
			if !same(a, b) {
				continue
			}
			early, late := a, b
			if late.at < early.at {
				early, late = late, early
			}
			if was, ok := of[late.at]; !ok || early.at < was.at {
				of[late.at] = early
			}
		}
	}
	slices.SortFunc(columns, func(a, b column) int { return cmp.Compare(a.at, b.at) })
	var pairs []doctor.Alias
	var theta [][]float64
	var norms []float64
	for _, late := range columns {
		early, ok := of[late.at]
		if !ok {
			continue
		}
		factor := late.norm / early.norm
		if math.Signbit(early.on[0]) != math.Signbit(late.on[0]) {
			factor = -factor
		}
		a := doctor.Alias{Column: late.at, Of: []int{early.at}, Coefficients: []float64{factor}, Intercept: late.mean - factor*early.mean}
		if pairs = append(pairs, a); len(theta) < mostVerified {
			v := make([]float64, all+1)
			v[searched[late.at]], v[searched[early.at]], v[all] = 1, -factor, -a.Intercept
			theta, norms = append(theta, v), append(norms, late.norm)
		}
	}
	rest, err := e.Linears(ctx, theta)
	if err != nil {
		return nil, err
	}
	for i, a := range pairs {
		if i < len(rest) {
			if a.Residual = norm(rest[i], s) / norms[i]; !(a.Residual <= doctor.RankTolerance) {
				continue
			}
		}
		found = append(found, a)
	}
	slices.SortFunc(found, func(a, b doctor.Alias) int { return cmp.Compare(a.Column, b.Column) })
	return found, nil
}

// scatter is a number in [-1, 1) made of i alone (Steele, Lea and Flood, OOPSLA 2014: SplitMix64).
func scatter(i uint64) float64 {
	return float64(int64(mix((i+1)*0x9e3779b97f4a7c15))) * 0x1p-63
}
