package descent

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/doctor"
	"github.com/descent-ml/descent/internal/parallel"
)

// leaks finds columns that alone tell nearly everything about the labels of the given rows, ascending. Every column is looked at in a sample with as many rows
// of every class; only those that tell nearly all there are looked at in all rows.
func (f *fit) leaks(ctx context.Context, rows []int) ([]doctor.Finding, error) {
	t := f.table
	classes := len(f.classes.Levels)
	sample := f.sample(rows, max(2048/classes, 64))
	var found []doctor.Finding
	if t.Sparse != nil {
		label := f.labels(rows)
		for _, j := range f.suspiciousFeatures(sample, classes) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			r := doctor.Tell(doctor.Reading{Values: feature(t.Sparse, j, rows), Class: label, Classes: classes})
			if x, ok := doctor.Leak(dataset.FeatureName(t.Sparse.Features[j]), f.target.Name, r); ok {
				found = append(found, x)
			}
		}
		return found, nil
	}
	columns := f.inputColumns()
	each := make([]*doctor.Finding, len(columns))
	label := f.labels(sample)
	var all []int32
	var once sync.Once
	parallel.Pieces(f.config.Solver.Threads, len(columns), 1, func(i, _, _ int) {
		c := columns[i]
		if ctx.Err() != nil || c.Missing >= t.Rows {
			return
		}
		r := doctor.Tell(reading(c, sample, label, classes))
		if !r.Suspicious() {
			return
		}
		once.Do(func() { all = f.labels(rows) })
		if x, ok := doctor.Leak(c.Name, f.target.Name, doctor.Tell(reading(c, rows, all, classes))); ok {
			each[i] = &x
		}
	})
	for _, x := range each {
		if x != nil {
			found = append(found, *x)
		}
	}
	return found, ctx.Err()
}

// inputColumns are the columns of the table that are no target, weight, offset or cluster.
func (f *fit) inputColumns() []*dataset.Column {
	var columns []*dataset.Column
	roles := append(f.config.roles(), f.config.Columns.Weight, f.config.Columns.Offset)
	for _, c := range f.table.Columns {
		if c != f.target && !slices.Contains(roles, c.Name) {
			columns = append(columns, c)
		}
	}
	return columns
}

// sample takes at most so many rows of every class, evenly spread over the given ones.
func (f *fit) sample(rows []int, most int) []int {
	total := make([]int, len(f.classes.Levels))
	for _, row := range rows {
		total[f.label[row]]++
	}
	seen := make([]int, len(total))
	var out []int
	for _, row := range rows {
		k := f.label[row]
		n := seen[k]
		seen[k]++
		// Of total rows those at which n·most/total takes a new whole value.
		if total[k] <= most || n*most/total[k] != (n-1)*most/total[k] || n == 0 {
			out = append(out, row)
		}
	}
	return out
}

func (f *fit) labels(rows []int) []int32 {
	out := make([]int32, len(rows))
	for i, row := range rows {
		out[i] = f.label[row]
	}
	return out
}

// reading gives some rows, ascending, of a column.
func reading(c *dataset.Column, rows []int, label []int32, classes int) doctor.Reading {
	r := doctor.Reading{Class: label, Classes: classes}
	if c.Type == dataset.Numeric {
		r.Values = numbersOf(c, rows)
		return r
	}
	r.Codes = make([]int32, len(rows))
	eachRun(rows, func(at, from, n int) { c.ReadCodes(r.Codes[at:at+n], from) })
	return r
}

// numbersOf gives some rows, ascending, of a column of numbers, NaN where one is missing.
func numbersOf(c *dataset.Column, rows []int) []float64 {
	out := make([]float64, len(rows))
	eachRun(rows, func(at, from, n int) { c.Numbers.Read(out[at:at+n], from) })
	return out
}

// eachRun calls f for every run of rows from, from+1, … that stand together at … of an ascending list.
func eachRun(rows []int, f func(at, from, n int)) {
	for at := 0; at < len(rows); {
		n := 1
		for at+n < len(rows) && rows[at+n] == rows[at]+n {
			n++
		}
		f(at, rows[at], n)
		at += n
	}
}

// suspiciousFeatures are the features of a LIBSVM file that tell nearly everything about the rows of a sample.
func (f *fit) suspiciousFeatures(sample []int, classes int) []int32 {
	s := f.table.Sparse
	label := f.labels(sample)
	type entry struct {
		at    int32 // in the sample
		value float64
	}
	entries := make(map[int32][]entry)
	var values []float64
	for i, row := range sample {
		values = s.Row(values, row)
		for k, j := range s.Index[s.Start[row]:s.Start[row+1]] {
			entries[j] = append(entries[j], entry{int32(i), values[k]})
		}
	}
	total := make([]int, classes)
	for _, k := range label {
		total[k]++
	}
	all := make([]float64, len(sample))
	var found []int32
	for j, list := range entries {
		// A rule gives the rows without an entry one class, so it gets at least those of the others among them wrong.
		without := slices.Clone(total)
		for _, e := range list {
			without[label[e.at]]--
		}
		wrong := -slices.Max(without)
		for _, n := range without {
			wrong += n
		}
		least := doctor.Rule{Wrong: wrong, Rest: len(sample) - slices.Max(total)}
		if !least.Suspicious() {
			continue
		}
		clear(all)
		for _, e := range list {
			all[e.at] = e.value
		}
		if r := doctor.Tell(doctor.Reading{Values: all, Class: label, Classes: classes}); r.Suspicious() {
			found = append(found, j)
		}
	}
	slices.Sort(found)
	return found
}

// feature gives some rows of a feature of a LIBSVM file.
func feature(s *dataset.Sparse, j int32, rows []int) []float64 {
	out := make([]float64, len(rows))
	var values []float64
	for i, row := range rows {
		if at, ok := slices.BinarySearch(s.Index[s.Start[row]:s.Start[row+1]], j); ok {
			values = s.Row(values, row)
			out[i] = values[at]
		}
	}
	return out
}

// twins looks for test rows that equal a training row in every column in use and in the label. Rows are compared by hashes of 64 bits.
func (f *fit) twins(ctx context.Context, test *dataset.Table, testRows []int, testLabel []int32) error {
	train, rows, threads := f.table, f.learnt.Rows, f.config.Solver.Threads
	if train.Sparse != nil || test.Sparse != nil || len(testRows) == 0 {
		return nil
	}
	type column struct {
		of   func(i, other []uint64) // adds the hashes of this column
		same float64                 // chance that two rows agree in it
	}
	add := func(c *dataset.Column, j int, rows []int) func(to []uint64) {
		return func(to []uint64) { hashes(c, j, rows, threads, func(i int, h uint64) { to[i] += h }) }
	}
	columns := []column{{of: func(a, b []uint64) {
		for i, row := range rows {
			a[i] += mix(uint64(f.label[row]) + 1)
		}
		for i, row := range testRows {
			b[i] += mix(uint64(testLabel[row]) + 1)
		}
	}}}
	for j, c := range f.inputColumns() {
		if other, ok := test.Column(c.Name); ok {
			a, b := add(c, j, rows), add(other, j, testRows)
			columns = append(columns, column{of: func(i, o []uint64) { a(i); b(o) }})
		}
	}
	if t := f.someTwins(test, testRows, testLabel); t.Same == 0 {
		return nil
	} else if _, ok := doctor.Copies(t); !ok {
		return nil
	}
	all, allTest := make([]uint64, len(rows)), make([]uint64, len(testRows))
	for _, c := range columns {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.of(all, allTest)
	}
	t := doctor.Twins{Rows: len(testRows)}
	var pairs float64
	t.Same, pairs = matches(all, allTest)
	if _, ok := doctor.Copies(t); !ok || len(columns) < 2 {
		return nil
	}
	// Rows of few possible values agree by chance. Of pairs that agree in all columns but j the share that agrees in j, too, is then the chance q of two values
	// of j: pairs that differ only in j, times q/(1-q), are pairs that agree by chance. And copies that agree in the columns with the most values agree in the others, too.
	a, b := make([]uint64, len(all)), make([]uint64, len(allTest))
	step := max((len(columns)+mostWithout-1)/mostWithout, 1)
	var looked []column
	for j := 0; j < len(columns); j += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		clear(a)
		clear(b)
		columns[j].of(a, b)
		_, alone := matches(a, b)
		q := alone / (float64(len(a)) * float64(len(b)))
		for i := range a {
			a[i] = all[i] - a[i]
		}
		for i := range b {
			b[i] = allTest[i] - b[i]
		}
		_, without := matches(a, b)
		if q < 1 && (without-pairs)*q/(1-q) > pairs/2 {
			t.Chance = true
		}
		columns[j].same = q
		looked = append(looked, columns[j])
	}
	if !t.Chance && step == 1 {
		slices.SortStableFunc(looked, func(a, b column) int { return cmp.Compare(a.same, b.same) })
		clear(a)
		clear(b)
		for _, c := range looked[:(len(looked)+1)/2] {
			c.of(a, b)
		}
		_, fine := matches(a, b)
		t.Chance = pairs < 0.8*fine
	}
	if x, ok := doctor.Copies(t); ok {
		return f.found(x)
	}
	return nil
}

// someTwins looks for the twins of a sample of the test rows. Column by column only the training rows are kept that agree with one of the sample so far: soon nearly none.
func (f *fit) someTwins(test *dataset.Table, testRows []int, testLabel []int32) doctor.Twins {
	threads := f.config.Solver.Threads
	sample := make([]int, 0, twinSample)
	for i, row := range testRows {
		if i == 0 || i*twinSample/len(testRows) != (i-1)*twinSample/len(testRows) {
			sample = append(sample, row)
		}
	}
	alive := f.learnt.Rows
	sums, sampleSums := make([]uint64, len(alive)), make([]uint64, len(sample))
	for i, row := range alive {
		sums[i] = mix(uint64(f.label[row]) + 1)
	}
	for i, row := range sample {
		sampleSums[i] = mix(uint64(testLabel[row]) + 1)
	}
	columns := f.inputColumns()
	order := make([]int, len(columns)) // numbers first, and those of the most digits
	for j := range order {
		order[j] = j
	}
	fine := func(j int) float64 {
		c := columns[j]
		if c.Type != dataset.Numeric {
			return float64(len(c.Levels))
		}
		if _, low, high, ok := c.Numbers.Decimal(); ok {
			return float64(high) - float64(low)
		}
		return math.Inf(1)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(fine(b), fine(a)) })
	t := doctor.Twins{Rows: len(sample)}
	for _, j := range order {
		other, ok := test.Column(columns[j].Name)
		if !ok {
			continue
		}
		hashes(columns[j], j, alive, threads, func(i int, h uint64) { sums[i] += h })
		hashes(other, j, sample, threads, func(i int, h uint64) { sampleSums[i] += h })
		wanted := make(map[uint64]bool, len(sample))
		var filter [1 << 10]uint64
		for _, h := range sampleSums {
			wanted[h] = true
			filter[h>>6%(1<<10)] |= 1 << (h & 63)
		}
		kept := make([]int, 0, 1024)
		n := 0
		for i, h := range sums {
			if filter[h>>6%(1<<10)]&(1<<(h&63)) != 0 && wanted[h] {
				kept = append(kept, alive[i])
				sums[n] = h
				n++
			}
		}
		if alive, sums = kept, sums[:n]; n == 0 {
			return t
		}
	}
	t.Same, _ = matches(sums, sampleSums)
	return t
}

// twinSample is the number of test rows that are looked at first.
const twinSample = 4096

// mostWithout is the number of columns that twins are looked for without.
const mostWithout = 64

// matches counts the numbers of b that are in a, and all pairs of equal numbers.
func matches(a, b []uint64) (found int, pairs float64) {
	count := make(map[uint64]int, len(b))
	bits := 64
	for bits < 16*len(b) {
		bits *= 2
	}
	filter := make([]uint64, bits/64) // most of a is in no map: one look into this tells
	mask := uint64(bits - 1)
	for _, h := range b {
		count[h]++
		filter[h&mask/64] |= 1 << (h & 63)
	}
	met := make(map[uint64]bool)
	for _, h := range a {
		if filter[h&mask/64]&(1<<(h&63)) == 0 {
			continue
		}
		if n := count[h]; n > 0 {
			pairs += float64(n)
			if !met[h] {
				met[h] = true
				found += n
			}
		}
	}
	return found, pairs
}

// hashes gives a hash of the values of some rows, ascending, of column j: of the number, or of the text of the level.
func hashes(c *dataset.Column, j int, rows []int, threads int, f func(i int, h uint64)) {
	seed := mix(uint64(j) + 1)
	var level []uint64
	if c.Type != dataset.Numeric {
		level = make([]uint64, len(c.Levels))
		for k, text := range c.Levels {
			h := seed
			for _, b := range []byte(text) {
				h = (h ^ uint64(b)) * 0x100000001b3 // FNV-1a
			}
			level[k] = mix(h)
		}
	}
	parallel.Pieces(threads, len(rows), hashedAtOnce, func(_, lo, hi int) {
		if level == nil {
			for i, x := range numbersOf(c, rows[lo:hi]) {
				if x == 0 {
					x = 0 // -0 is 0
				}
				if math.IsNaN(x) {
					x = math.NaN()
				}
				f(lo+i, mix(math.Float64bits(x)^seed))
			}
			return
		}
		codes := make([]int32, hi-lo)
		eachRun(rows[lo:hi], func(at, from, n int) { c.ReadCodes(codes[at:at+n], from) })
		for i, code := range codes {
			h := ^seed
			if code >= 0 {
				h = level[code]
			}
			f(lo+i, h)
		}
	})
}

const hashedAtOnce = 1 << 14

// mix is the finaliser of SplitMix64 (see scatter).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
