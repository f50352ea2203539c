// Package split says which rows train a model and which are left out: a hold-out, or the folds of a cross-validation. Rows are parted at random with every class
// in the same share, by groups that stay together, or by time, so that what is left out is later than what trains.
//
//	held, err := split.Stratified(class, 2, 0.2, 1)
//	fold, err := split.Groups{Of: group, Count: groups}.Folds(5, 1)
//
// The same arguments give the same rows. The package does not read files and knows no models; rows count as lines, whatever their weight.
package split

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Streams of random numbers, so that a hold-out and folds of one seed are independent.
const (
	holdoutStream = 0x6465736365_6e74 // "descent"
	foldStream    = 0x666f6c6473      // "folds"
)

// Random holds out the share of m rows, 0 < share < 1, that the smallest of m random numbers fall on.
func Random(m int, share float64, seed uint64) ([]bool, error) {
	n, err := count(m, share)
	if err != nil {
		return nil, err
	}
	held := make([]bool, m)
	for _, row := range rand.New(rand.NewPCG(seed, holdoutStream)).Perm(m)[:n] {
		held[row] = true
	}
	return held, nil
}

// Stratified holds out a share of the rows, 0 < share < 1, of every class the same but for less than a row: class k of 0 … classes-1 gives what the classes up to it
// should give, rounded, less what the classes before it gave. One row of every class always trains.
func Stratified(class []int32, classes int, share float64, seed uint64) ([]bool, error) {
	if _, err := count(len(class), share); err != nil {
		return nil, err
	}
	held := make([]bool, len(class))
	r := rand.New(rand.NewPCG(seed, holdoutStream))
	seen, taken := 0, 0
	for _, rows := range byClass(class, classes) {
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		seen += len(rows)
		n := int(float64(seen)*share+0.5) - taken
		taken += n
		for _, row := range rows[:max(0, min(n, len(rows)-1))] {
			held[row] = true
		}
	}
	if !slices.Contains(held, true) {
		return nil, fmt.Errorf("a share of %v holds out no row where one of every class has to train", share)
	}
	return held, nil
}

// count is the number of rows in a share of m.
func count(m int, share float64) (int, error) {
	n := int(float64(m)*share + 0.5)
	if n == 0 || n == m {
		return 0, fmt.Errorf("a share of %v of %d rows is %d of them; both sides need a row", share, m, n)
	}
	return n, nil
}

func byClass(class []int32, classes int) [][]int {
	sizes := make([]int, classes)
	for _, k := range class {
		sizes[k]++
	}
	by := make([][]int, classes)
	for k, n := range sizes {
		by[k] = make([]int, 0, n)
	}
	for i, k := range class {
		by[k] = append(by[k], i)
	}
	return by
}

// StratifiedFolds deals the rows out to folds 0 … k-1: class by class, in a random order, one after the other, so that folds differ by one row at most, and by one
// of every class.
func StratifiedFolds(class []int32, classes, k int, seed uint64) []int {
	fold := make([]int, len(class))
	r := rand.New(rand.NewPCG(seed, foldStream))
	next := 0
	for _, rows := range byClass(class, classes) {
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for _, i := range rows {
			fold[i] = next % k
			next++
		}
	}
	return fold
}

// Groups are rows that belong together: row i to group Of[i] of 0 … Count-1.
type Groups struct {
	Of    []int32
	Count int
}

// sizes are the rows of every group, and the groups that have any.
func (g Groups) sizes() (sizes []int, some []int) {
	sizes = make([]int, g.Count)
	for _, k := range g.Of {
		sizes[k]++
	}
	for k, n := range sizes {
		if n > 0 {
			some = append(some, k)
		}
	}
	return sizes, some
}

// Holdout holds out whole groups, in a random order, until they have a share of the rows; the last one only where that comes nearer to it. Each side has a group.
func (g Groups) Holdout(share float64, seed uint64) ([]bool, error) {
	sizes, order := g.sizes()
	if len(order) < 2 {
		return nil, fmt.Errorf("there is one group; rows of one group stay together")
	}
	shuffle(order, seed, holdoutStream)
	want, have := float64(len(g.Of))*share, 0
	out := make([]bool, g.Count)
	for i, k := range order[:len(order)-1] { // the last one trains
		with := have + sizes[k]
		if i > 0 && (float64(have) >= want || float64(with)-want > want-float64(have)) {
			break
		}
		out[k], have = true, with
	}
	held := make([]bool, len(g.Of))
	for i, k := range g.Of {
		held[i] = out[k]
	}
	return held, nil
}

// Folds gives every group to one fold of 0 … k-1: the largest group first (of equal ones in a random order), each to the fold that has fewest rows, the
// first of equal ones. It is GroupKFold of scikit-learn, whose order of equal groups is not random.
func (g Groups) Folds(k int, seed uint64) ([]int, error) {
	sizes, order := g.sizes()
	if len(order) < k {
		return nil, fmt.Errorf("there are only %d groups", len(order))
	}
	shuffle(order, seed, foldStream)
	slices.SortStableFunc(order, func(a, b int) int { return sizes[b] - sizes[a] })
	rows := make([]int, k)
	of := make([]int, g.Count)
	for _, group := range order {
		least := 0
		for fold, n := range rows {
			if n < rows[least] {
				least = fold
			}
		}
		of[group] = least
		rows[least] += sizes[group]
	}
	fold := make([]int, len(g.Of))
	for i, group := range g.Of {
		fold[i] = of[group]
	}
	return fold, nil
}

func shuffle(v []int, seed, stream uint64) {
	rand.New(rand.NewPCG(seed, stream)).Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
}

// Latest holds out the rows of the latest times: as many as come nearest to the share, the fewer of two, where rows of one time stay together and each side has
// one. from is the earliest time that is held out. Times are finite.
func Latest(time []float64, share float64) (held []bool, from float64, err error) {
	sorted := slices.Clone(time)
	slices.Sort(sorted)
	m := len(sorted)
	cut, err := nearest(sorted, float64(m)*(1-share), 1, m)
	if err != nil {
		return nil, 0, err
	}
	from = sorted[cut]
	held = make([]bool, len(time))
	for i, t := range time {
		held[i] = t >= from
	}
	return held, from, nil
}

// nearest is the place in low … high-1 nearest to at, the later of two, at which a sorted list has a new value.
func nearest(sorted []float64, at float64, low, high int) (int, error) {
	start := min(max(int(math.Ceil(at)), low), high)
	best := -1
	for i := start; i < high; i++ {
		if sorted[i] != sorted[i-1] {
			best = i
			break
		}
	}
	for i := start - 1; i >= low; i-- {
		if best >= 0 && !(at-float64(i) < math.Abs(float64(best)-at)) {
			break
		}
		if sorted[i] != sorted[i-1] {
			best = i
			break
		}
	}
	if best < 0 {
		return 0, fmt.Errorf("too few different times to part the rows; rows of one time stay together")
	}
	return best, nil
}

// Forward cuts the rows, by time, into k+1 blocks: block 0 is the rest that k blocks of ⌊m/(k+1)⌋ rows leave, and its rows are in no fold (-1); fold j of 0 … k-1 is
// block j+1, and what trains for it are the blocks before, the rows with a smaller fold. Rows of one time stay together: a cut within them moves to their nearer end. Where all times
// differ it is TimeSeriesSplit of scikit-learn.
func Forward(time []float64, k int) ([]int, error) {
	sorted := slices.Clone(time)
	slices.Sort(sorted)
	m := len(sorted)
	size := m / (k + 1)
	if size == 0 {
		return nil, fmt.Errorf("there are only %d training rows for %d folds and a beginning", m, k)
	}
	first := make([]float64, k) // time of every fold
	last := 0
	for j := range first {
		cut, err := nearest(sorted, float64(m-(k-j)*size), last+1, m)
		if err != nil {
			return nil, err
		}
		first[j], last = sorted[cut], cut
	}
	fold := make([]int, m)
	for i, t := range time {
		at, exact := slices.BinarySearch(first, t)
		if fold[i] = at - 1; exact {
			fold[i] = at
		}
	}
	return fold, nil
}
