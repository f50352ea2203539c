package encode

import (
	"math"
	"slices"
	"sync/atomic"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/internal/parallel"
)

// Design is the training matrix: the stored rows, and what its features are.
type Design struct {
	Memory *engine.Memory
	Terms  []int // feature j of the design is term Terms[j] of the encoding
	// The model sees (x_j - Center_j)·Scale_j of feature j in its original unit; nil is 0 and 1.
	Center, Scale []float64

	units      []unit
	sparse     string // how the values of LIBSVM are stored
	valueBytes int64  // of one
	entries    int64  // of LIBSVM
}

// Input is a further column of the design: one number per row.
type Input struct {
	Name   string
	Values []float64
}

// Design is DesignWithin in memory.
func (e *Encoding) Design(t *dataset.Table, rows, kept []int, standard bool, inputs ...Input) (*Design, error) {
	return e.DesignWithin(math.MaxInt64, t, rows, kept, standard, inputs...)
}

// DesignWithin stores the given rows of t for the terms listed in kept (ascending; nil: all terms). With standard, the model sees numeric
// features centred to mean 0 and scaled to deviation 1 (training rows, population); indicator and level features stay 0 and 1.
// Without it every feature is as in the file.
//
// A numeric column is stored in the narrowest type that loses nothing: decimals as the integers k of k/10^d, with an integer taken off where that
// makes them narrower or brings them near 0; other numbers as float32 where all are such, else as float64, with a round number near their mean taken
// off where it is far from 0 and every difference is exact. What was taken off and multiplied stands in the layout's centres and scales.
//
// All cores are used. The rows are in memory, or where they take more than so many bytes of room and the table has a scratch file, in that: see
// engine.NewScratch. The table's codes and sparse entries are shared where they are stored as they are. The error is that of a cell which the
// encoding cannot read.
func (e *Encoding) DesignWithin(room int64, t *dataset.Table, rows, kept []int, standard bool, inputs ...Input) (*Design, error) {
	if kept == nil {
		kept = all(len(e.Terms))
	}
	tr, err := e.NewReader().NewTableReader(t)
	if err != nil {
		return nil, err
	}
	n := len(kept)
	b := designer{
		encoding: e, reader: tr, rows: rows,
		design: &Design{Terms: kept, units: make([]unit, n)},
		layout: engine.Layout{Rows: len(rows), Features: n},
	}
	for _, in := range inputs {
		b.layout.Inputs = append(b.layout.Inputs, in.Name)
		b.columns.Inputs = append(b.columns.Inputs, in.Values)
	}
	if t.Sparse != nil {
		b.sparse(t.Sparse)
	} else {
		for i, feature := 0, 0; i < len(e.Columns); i++ {
			first := feature
			for feature < n && e.Terms[kept[feature]].Column == e.Columns[i].Name {
				feature++
			}
			if err := b.column(i, first, feature); err != nil {
				return nil, err
			}
		}
	}
	b.layout.Center, b.layout.Scale = b.design.layout(false)
	if b.design.Memory, err = b.store(t, room); err != nil {
		return nil, err
	}
	if standard {
		return b.design.Standard(), nil
	}
	return b.design, nil
}

// store stores the columns.
func (b *designer) store(t *dataset.Table, room int64) (*engine.Memory, error) {
	if f := t.Scratch(); f != nil && t.Sparse == nil && b.layout.Bytes() > room {
		return engine.NewScratch(f, b.layout, b.columns, func(k int, out []int32, from int) {
			if c := b.codes[k]; c.same != nil {
				copy(out, c.same[from:])
			} else {
				c.read(out, from)
			}
		})
	}
	for _, c := range b.codes {
		if c.same == nil {
			c.same = make([]int32, len(b.rows))
			parallel.Pieces(0, len(c.same), pieceRows, func(_, from, to int) { c.read(c.same[from:to], from) })
		}
		b.columns.Codes = append(b.columns.Codes, c.same)
	}
	m, err := engine.NewMemory(b.layout, b.columns)
	if err == nil {
		err = t.Scratch().Err()
	}
	return m, err
}

// codeColumn is a code column to be stored: a slice as it is, or what read gives of rows from …
type codeColumn struct {
	same []int32
	read func(out []int32, from int)
}

// A unit says what a feature is in its own unit, x = (stored + shift)/ten · 2^-exponent + origin, and what the standardised model sees of it,
// (x - center)·scale. Only decimals have a shift and a ten (10^d) that is not 1, only other numbers an origin and an exponent.
type unit struct {
	shift, ten    float64
	origin        float64
	exponent      int
	center, scale float64
}

// layout is the centres and scales of what is stored; nil, nil where nothing is to be done.
func (d *Design) layout(standard bool) (center, scale []float64) {
	center, scale = make([]float64, len(d.units)), make([]float64, len(d.units))
	plain := true
	for j, u := range d.units {
		c, s := 0.0, 1.0
		if standard {
			c, s = u.center, u.scale
		}
		if u.ten != 1 || u.shift != 0 {
			center[j], scale[j] = math.FMA(c, u.ten, -u.shift), s/u.ten
		} else {
			center[j], scale[j] = math.Ldexp(c-u.origin, u.exponent), math.Ldexp(s, -u.exponent)
		}
		plain = plain && center[j] == 0 && scale[j] == 1
	}
	if plain && !standard {
		return nil, nil
	}
	return center, scale
}

// Standard is the same stored rows, seen centred and scaled.
func (d *Design) Standard() *Design {
	out := *d
	out.Memory = d.Memory.Units(d.layout(true))
	out.Center, out.Scale = make([]float64, len(d.units)), make([]float64, len(d.units))
	for j, u := range d.units {
		out.Center[j], out.Scale[j] = u.center, u.scale
	}
	return &out
}

// Raw is the same stored rows, seen as in the file.
func (d *Design) Raw() *Design {
	out := *d
	out.Memory = d.Memory.Units(d.layout(false))
	out.Center, out.Scale = nil, nil
	return &out
}

type designer struct {
	encoding *Encoding
	reader   *TableReader
	rows     []int
	design   *Design
	layout   engine.Layout
	columns  engine.Columns // without codes
	codes    []codeColumn
}

// plain is the unit of a feature that is 0 or 1.
var plain = unit{ten: 1, scale: 1}

// standard is the centre and the scale of a numeric column. One of equal numbers is only centred.
func (c *Column) standard() unit {
	if c.Deviation == 0 {
		return unit{ten: 1, center: c.Mean, scale: 1}
	}
	return unit{ten: 1, center: c.Mean, scale: 1 / c.Deviation}
}

// far is the number of deviations from 0 to the mean from which numbers are stored nearer to 0.
const far = 8

// fit is the narrowest kind for integers from low to high, less a shift: the one that brings them nearest to 0 where their mean is far off, 0 where they
// fit as they are.
func fit(low, high, mean, deviation float64) (kind engine.Kind, shift float64) {
	least, most := -0x1p31, 0x1p31-1
	kind = engine.Int32
	for _, k := range []engine.Kind{engine.Int8, engine.Int16} {
		if bits := 8 * k.Bytes(); high-low < math.Ldexp(1, bits) {
			kind, least, most = k, -math.Ldexp(1, bits-1), math.Ldexp(1, bits-1)-1
			break
		}
	}
	if math.Abs(mean) <= far*deviation && low >= least && high <= most {
		return kind, 0
	}
	shift = math.RoundToEven(mean)
	return kind, math.Min(math.Max(shift, high-most), low-least)
}

// column stores column i, whose kept terms are features first … end-1.
func (b *designer) column(i, first, end int) error {
	c, tc := &b.encoding.Columns[i], &b.reader.columns[i]
	switch {
	case c.Computed != nil:
		return b.computed(i, first, end)
	case c.HasLevels():
		return b.levels(i, first, end)
	case c.Type == DateType:
		return b.date(i, first, end)
	}
	n := numbers{of: tc.column.Numbers, rows: b.rows}
	gaps := tc.column.Missing > 0 && !n.every(func(v float64) bool { return v == v })
	if gaps {
		for _, row := range b.rows {
			if !tc.column.IsMissing(row) {
				continue
			}
			if _, err := b.reader.cell(i, row); err != nil {
				return err
			}
			break
		}
	}
	for j := first; j < end; j++ {
		if b.encoding.Terms[b.design.Terms[j]].Kind == KindIndicator {
			b.design.units[j] = plain
			b.layout.Codes = append(b.layout.Codes, engine.Codes{First: j, Levels: 1})
			b.codes = append(b.codes, codeColumn{read: func(out []int32, from int) {
				n.blocks(from, from+len(out), func(at int, values []float64) {
					for i, v := range values {
						out[at-from+i] = 0
						if v == v {
							out[at-from+i] = UnseenLevel
						}
					}
				})
			}})
			continue
		}
		u, kind, cells := c.store(n, gaps)
		b.design.units[j] = u
		b.layout.Dense, b.layout.Kinds = append(b.layout.Dense, j), append(b.layout.Kinds, kind)
		b.columns.Dense = append(b.columns.Dense, cells)
	}
	return nil
}

// computed stores column i, which is computed from others. Those that it comes from stand before it, and have been looked at.
func (b *designer) computed(i, first, end int) error {
	c := &b.encoding.Columns[i]
	if first == end {
		return nil
	}
	if c.Type == Numeric {
		u, kind, cells := c.store(numbers{of: b.reader.numbers(i), rows: b.rows}, false)
		b.design.units[first] = u
		b.layout.Dense, b.layout.Kinds = append(b.layout.Dense, first), append(b.layout.Kinds, kind)
		b.columns.Dense = append(b.columns.Dense, cells)
		return nil
	}
	place := make([]int32, len(c.Levels)) // level → place among the kept levels
	for code, level := range c.Levels {
		place[code] = int32(slices.IndexFunc(b.design.Terms[first:end], func(term int) bool { return b.encoding.Terms[term].Level == level }))
	}
	for j := first; j < end; j++ {
		b.design.units[j] = plain
	}
	read := b.reader.levels(i)
	b.layout.Codes = append(b.layout.Codes, engine.Codes{First: first, Levels: end - first})
	b.codes = append(b.codes, codeColumn{read: func(out []int32, from int) {
		readRows(out, b.rows[from:from+len(out)], read)
		for k, code := range out {
			if out[k] = UnseenLevel; code >= 0 {
				out[k] = place[code]
			}
		}
	}})
	return nil
}

// date stores column i of dates: nothing but the indicator of missing ones, if there is one.
func (b *designer) date(i, first, end int) error {
	tc := &b.reader.columns[i]
	var codes [blockRows]int32
	for from := 0; from < len(b.rows); from += blockRows {
		rows := b.rows[from:min(from+blockRows, len(b.rows))]
		readRows(codes[:len(rows)], rows, tc.column.ReadCodes)
		for k, code := range codes[:len(rows)] {
			if code < 0 || tc.errors[code] != nil {
				if _, err := b.reader.cell(i, rows[k]); err != nil {
					return err
				}
			}
		}
	}
	for j := first; j < end; j++ {
		b.design.units[j] = plain
		b.layout.Codes = append(b.layout.Codes, engine.Codes{First: j, Levels: 1})
		b.codes = append(b.codes, codeColumn{read: func(out []int32, from int) {
			readRows(out, b.rows[from:from+len(out)], tc.column.ReadCodes)
			for k, code := range out {
				if out[k] = UnseenLevel; code < 0 {
					out[k] = 0
				}
			}
		}})
	}
	return nil
}

// store decides how a numeric column is stored.
func (c *Column) store(n numbers, gaps bool) (unit, engine.Kind, engine.Cells) {
	u := c.standard()
	if digits, low, high, ok := n.of.Decimal(); ok && !gaps { // what stands for a gap is no such decimal
		var kind engine.Kind
		u.ten = math.Pow10(digits)
		kind, u.shift = fit(float64(low), float64(high), c.Mean*u.ten, c.Deviation*u.ten)
		n.scaled = true
		return u, kind, integers{n, u.shift}
	}
	r := reals{numbers: n, gaps: gaps, mean: c.Mean}
	switch {
	case c.Deviation == 0:
		r.origin = c.Mean
	case math.Abs(c.Mean) > far*c.Deviation:
		// The mean rounded to a multiple of a power of two near the deviation. x - origin is then exact for nearly every column, and what is
		// left to centre is of the size of the deviation.
		unit := math.Ldexp(1, math.Ilogb(c.Deviation))
		if o := math.RoundToEven(c.Mean/unit) * unit; o-o == 0 {
			r.origin = o
		}
	}
	if r.origin != 0 && !n.every(func(x float64) bool { return exactDifference(r.present(x), r.origin) }) {
		r.origin = 0
	}
	u.origin = r.origin
	// A column whose deviation is far from 1 is multiplied by a power of two, so that its squares neither overflow nor vanish in sums.
	if e := math.Ilogb(u.scale); e < -100 || e > 100 {
		if n.every(func(x float64) bool { v := r.present(x) - r.origin; return math.Ldexp(math.Ldexp(v, e), -e) == v }) {
			r.exponent, u.exponent = e, e
		}
	}
	kind := engine.Float64
	if n.every(func(x float64) bool { v := r.cell(x); return float64(float32(v)) == v }) {
		kind = engine.Float32
	}
	return u, kind, r
}

// integers are a column of decimals, less shift.
type integers struct {
	numbers
	shift float64
}

// Read is engine.Cells.
func (c integers) Read(out []float64, from int) {
	c.numbers.Read(out, from)
	if c.shift != 0 {
		for i := range out {
			out[i] -= c.shift
		}
	}
}

// reals are a column of other numbers, with mean for a missing one, as (x - origin)·2^exponent.
type reals struct {
	numbers
	gaps         bool
	mean, origin float64
	exponent     int
}

func (c reals) present(x float64) float64 {
	if x != x {
		return c.mean
	}
	return x
}

func (c reals) cell(x float64) float64 {
	x = c.present(x) - c.origin
	if c.exponent != 0 {
		x = math.Ldexp(x, c.exponent)
	}
	return x
}

// Read is engine.Cells.
func (c reals) Read(out []float64, from int) {
	c.numbers.Read(out, from)
	if !c.gaps && c.origin == 0 && c.exponent == 0 {
		return
	}
	for i, x := range out {
		out[i] = c.cell(x)
	}
}

// exactDifference says whether x - origin is exact: whether the error of the difference, itself exact, is 0 (Knuth, TwoSum; Møller 1965).
func exactDifference(x, origin float64) bool {
	d := x - origin
	o := d - x
	return (x-(d-o))-(origin+o) == 0
}

// levels stores column i of levels.
func (b *designer) levels(i, first, end int) error {
	c, tc := &b.encoding.Columns[i], &b.reader.columns[i]
	place := make(map[string]int32, end-first) // level → place among the kept levels
	for j := first; j < end; j++ {
		place[b.encoding.Terms[b.design.Terms[j]].Level] = int32(j - first)
		b.design.units[j] = plain
	}
	const refused = -2
	// By the table's code + 1; the first is a missing value.
	code, same := make([]int32, len(tc.cells)+1), true
	look := func(cell Cell, err error) int32 {
		if err != nil {
			return refused
		}
		if cell.Level >= 0 {
			if k, ok := place[c.Levels[cell.Level]]; ok {
				return k
			}
		}
		return UnseenLevel
	}
	code[0] = look(b.reader.reader.Missing(i, ""))
	for k := range tc.cells {
		code[k+1] = look(tc.cells[k], tc.errors[k])
		same = same && code[k+1] == int32(k)
	}
	out := codeColumn{read: func(out []int32, from int) {
		readRows(out, b.rows[from:from+len(out)], tc.column.ReadCodes)
		for k, v := range out {
			out[k] = code[v+1]
		}
	}}
	if from, consecutive := run(b.rows); same && code[0] == UnseenLevel && consecutive && tc.column.Codes != nil {
		out.same = tc.column.Codes[from : from+len(b.rows)]
	}
	if slices.Contains(code[1:], refused) || code[0] == refused && tc.column.Missing > 0 {
		bad := make([]int, parallel.Count(len(b.rows), pieceRows)) // the first row that is refused
		parallel.Pieces(0, len(b.rows), pieceRows, func(piece, from, to int) {
			codes := make([]int32, to-from)
			out.read(codes, from)
			if bad[piece] = slices.Index(codes, refused); bad[piece] >= 0 {
				bad[piece] = b.rows[from+bad[piece]]
			}
		})
		for _, row := range bad {
			if row >= 0 {
				_, err := b.reader.cell(i, row)
				return err
			}
		}
	}
	if first < end {
		b.layout.Codes = append(b.layout.Codes, engine.Codes{First: first, Levels: end - first})
		b.codes = append(b.codes, out)
	}
	return nil
}

// sparse stores LIBSVM's rows, the entries of kept features only.
func (b *designer) sparse(s *dataset.Sparse) {
	b.layout.Sparse = true
	feature := make([]int32, len(b.encoding.Terms))
	for term := range feature {
		feature[term] = -1
	}
	for j, term := range b.design.Terms {
		feature[term] = int32(j)
		b.design.units[j] = b.encoding.Columns[term].standard() // a sparse column has one term
	}
	to, same := make([]int32, len(b.reader.feature)), true // the table's feature → ours
	for j, column := range b.reader.feature {
		to[j] = -1
		if column >= 0 {
			to[j] = feature[column]
		}
		same = same && to[j] == int32(j)
	}
	values := s.Values
	if first, ok := run(b.rows); ok && same {
		b.columns.Start = s.Start[first : first+len(b.rows)+1]
		b.columns.Index = s.Index
	} else {
		start := make([]int, len(b.rows)+1)
		for k, row := range b.rows {
			n := s.Start[row+1] - s.Start[row]
			if !same {
				n = 0
				for _, j := range s.Index[s.Start[row]:s.Start[row+1]] {
					if to[j] >= 0 {
						n++
					}
				}
			}
			start[k+1] = start[k] + n
		}
		index, picked := make([]int32, start[len(b.rows)]), make([]float64, start[len(b.rows)])
		parallel.Pieces(0, len(b.rows), pieceRows, func(_, from, end int) {
			at := start[from]
			var some []float64
			for _, row := range b.rows[from:end] {
				some = s.Row(some, row)
				for k, i := range s.Index[s.Start[row]:s.Start[row+1]] {
					if j := to[i]; j >= 0 {
						index[at], picked[at] = j, some[k]
						at++
					}
				}
			}
		})
		b.columns.Start, b.columns.Index, values = start, index, dataset.NewNumbers(picked)
	}
	var ten float64
	b.columns.Value, ten = narrow(values)
	b.design.sparse = sparseKind(b.columns.Value)
	if v := b.columns.Value; v != nil {
		b.design.valueBytes = int64(v.Kind().Bytes())
	}
	if n := len(b.rows); n > 0 {
		b.design.entries = int64(b.columns.Start[n] - b.columns.Start[0])
	}
	for j := range b.design.units {
		b.design.units[j].ten = ten
	}
}

// narrow stores sparse values: nil where all are 1, as integers k of k/ten of one or two bytes where one power of ten makes them such, as float32, or as
// they are. Integers of four bytes are left out: the loops over sparse rows wait for their conversion longer than for the four bytes saved.
func narrow(v *dataset.Numbers) (engine.Stored, float64) {
	if v.Len() == 0 {
		return nil, 1
	}
	const mostDigits = 4
	if digits, low, high, ok := v.Decimal(); ok && digits <= mostDigits {
		ten := math.Pow10(digits)
		switch {
		case low == 1 && high == 1 && digits == 0:
			return nil, 1
		case low >= -math.MaxInt8 && high <= math.MaxInt8:
			return engine.Int8s(convert(v.Len(), v.ReadIntegers, func(k int32) int8 { return int8(k) })), ten
		case low >= -math.MaxInt16 && high <= math.MaxInt16:
			return engine.Int16s(convert(v.Len(), v.ReadIntegers, func(k int32) int16 { return int16(k) })), ten
		}
	}
	var more atomic.Bool
	parallel.Pieces(0, v.Len(), pieceRows, func(_, from, to int) {
		if !more.Load() {
			some := make([]float64, to-from)
			v.Read(some, from)
			if slices.ContainsFunc(some, func(x float64) bool { return float64(float32(x)) != x }) {
				more.Store(true)
			}
		}
	})
	if !more.Load() {
		return engine.Float32s(convert(v.Len(), v.Read, func(x float64) float32 { return float32(x) })), 1
	}
	return engine.Float64s(convert(v.Len(), v.Read, func(x float64) float64 { return x })), 1
}

// convert reads n numbers into the type they are stored in.
func convert[T, S any](n int, read func(out []T, from int), f func(v T) S) []S {
	out := make([]S, n)
	parallel.Pieces(0, n, pieceRows, func(_, from, to int) {
		some := make([]T, to-from)
		read(some, from)
		for i, v := range some {
			out[from+i] = f(v)
		}
	})
	return out
}
