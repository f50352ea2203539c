package encode

import (
	"math"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/engine"
)

// Design is the training matrix: the stored rows, and what its features are.
type Design struct {
	Memory *engine.Memory
	Terms  []int // feature j of the design is term Terms[j] of the encoding
	// The model sees (x_j - Center_j)·Scale_j of feature j in its original unit; nil is 0 and 1.
	Center, Scale []float64
}

// Input is a further column of the design: one number per row.
type Input struct {
	Name   string
	Values []float64
}

// Design stores the given rows of t for the terms listed in kept (ascending; nil: all terms). With standard, the model sees numeric
// features centred to mean 0 and scaled to deviation 1 (training rows, population); indicator and level features stay 0 and 1.
// Without it every feature is as in the file.
//
// With standard, numbers far from 0 are stored with a round number near their mean taken off, so that no digit is lost in sums.
// The error is that of a cell which the encoding cannot read.
func (e *Encoding) Design(t *dataset.Table, rows, kept []int, standard bool, inputs ...Input) (*Design, error) {
	if kept == nil {
		kept = make([]int, len(e.Terms))
		for j := range kept {
			kept[j] = j
		}
	}
	tr, err := e.NewReader().NewTableReader(t)
	if err != nil {
		return nil, err
	}
	b := designer{
		encoding: e, reader: tr, rows: rows, standard: standard,
		design: &Design{Terms: kept},
		layout: engine.Layout{Rows: len(rows), Features: len(kept)},
	}
	for _, in := range inputs {
		b.layout.Inputs = append(b.layout.Inputs, in.Name)
		b.columns.Inputs = append(b.columns.Inputs, in.Values)
	}
	if standard {
		b.design.Center, b.design.Scale = make([]float64, len(kept)), make([]float64, len(kept))
		b.layout.Center, b.layout.Scale = make([]float64, len(kept)), make([]float64, len(kept))
	}
	if t.Sparse != nil {
		b.sparse(t.Sparse)
	} else {
		for i, feature := 0, 0; i < len(e.Columns); i++ {
			first := feature
			for feature < len(kept) && e.Terms[kept[feature]].Column == e.Columns[i].Name {
				feature++
			}
			if err := b.column(i, first, feature); err != nil {
				return nil, err
			}
		}
	}
	b.design.Memory, err = engine.NewMemory(b.layout, b.columns)
	return b.design, err
}

type designer struct {
	encoding *Encoding
	reader   *TableReader
	rows     []int
	standard bool
	design   *Design
	layout   engine.Layout
	columns  engine.Columns
}

// unit sets what the model sees of feature j: (x - center)·scale, where the column is stored as x - origin.
func (b *designer) unit(j int, center, scale, origin float64) {
	if b.standard {
		b.design.Center[j], b.design.Scale[j] = center, scale
		b.layout.Center[j], b.layout.Scale[j] = center-origin, scale
	}
}

// standard is the centre and scale of a numeric column, and the origin it is stored from. A column of equal numbers is only centred.
func (c *Column) standard() (center, scale, origin float64) {
	if c.Deviation == 0 {
		return c.Mean, 1, c.Mean
	}
	// From 8 deviations on: the mean rounded to a multiple of a power of two near the deviation. x - origin is then exact
	// for nearly every column (takeOff makes sure), and what is left to centre is of the size of the deviation.
	if math.Abs(c.Mean) > 8*c.Deviation {
		unit := math.Ldexp(1, math.Ilogb(c.Deviation))
		if r := math.RoundToEven(c.Mean/unit) * unit; !math.IsInf(r, 0) && !math.IsNaN(r) {
			origin = r
		}
	}
	return c.Mean, 1 / c.Deviation, origin
}

// resize multiplies a column whose deviation is far from 1 by a power of two, exactly, so that its squares neither overflow nor vanish
// in sums: (x - center)·scale is then made of 2^e·x.
func (b *designer) resize(j int, values []float64, scale float64) {
	const far = 100
	e := math.Ilogb(scale)
	if !b.standard || e > -far && e < far {
		return
	}
	for _, x := range values {
		if math.Ldexp(math.Ldexp(x, e), -e) != x {
			return // not exact
		}
	}
	for k := range values {
		values[k] = math.Ldexp(values[k], e)
	}
	b.layout.Center[j] = math.Ldexp(b.layout.Center[j], e)
	b.layout.Scale[j] = math.Ldexp(b.layout.Scale[j], -e)
}

// takeOff subtracts origin from all values if every difference is exact, so that what is stored still is what stands in the file. Else it
// changes nothing.
func takeOff(values []float64, origin float64) bool {
	if origin == 0 {
		return true
	}
	for _, x := range values {
		d := x - origin
		// The error of the difference, itself exact (Knuth, TwoSum; Møller 1965).
		o := d - x
		if (x-(d-o))-(origin+o) != 0 {
			return false
		}
	}
	for k := range values {
		values[k] -= origin
	}
	return true
}

// column stores column i, whose kept terms are features first … end-1.
func (b *designer) column(i, first, end int) error {
	c, tc := &b.encoding.Columns[i], &b.reader.columns[i]
	if c.Type != Numeric {
		code := make([]int32, len(c.Levels)) // level → place among the kept levels, -1 without a weight
		for level, name := range c.Levels {
			code[level] = UnseenLevel
			for j := first; j < end; j++ {
				if b.encoding.Terms[b.design.Terms[j]].Level == name {
					code[level] = int32(j - first)
				}
			}
		}
		codes := make([]int32, len(b.rows))
		for k, row := range b.rows {
			cell, err := b.reader.cell(i, row)
			if err != nil {
				return err
			}
			codes[k] = UnseenLevel
			if cell.Level >= 0 {
				codes[k] = code[cell.Level]
			}
		}
		if first == end {
			return nil
		}
		for j := first; j < end; j++ {
			b.unit(j, 0, 1, 0)
		}
		b.layout.Codes = append(b.layout.Codes, engine.Codes{First: first, Levels: end - first})
		b.columns.Codes = append(b.columns.Codes, codes)
		return nil
	}
	for j := first; j < end; j++ {
		switch b.encoding.Terms[b.design.Terms[j]].Kind {
		case KindNumeric:
			values := make([]float64, len(b.rows))
			for k, row := range b.rows {
				cell, err := b.reader.cell(i, row)
				if err != nil {
					return err
				}
				values[k] = cell.Number
			}
			center, scale, origin := c.standard()
			if !b.standard || !takeOff(values, origin) {
				origin = 0
			}
			b.unit(j, center, scale, origin)
			b.resize(j, values, scale)
			b.layout.Dense = append(b.layout.Dense, j)
			b.columns.Dense = append(b.columns.Dense, engine.Float64s(values))
		case KindIndicator:
			b.unit(j, 0, 1, 0)
			codes := make([]int32, len(b.rows))
			for k, row := range b.rows {
				if !tc.column.IsMissing(row) {
					codes[k] = UnseenLevel
				}
			}
			b.layout.Codes = append(b.layout.Codes, engine.Codes{First: j, Levels: 1})
			b.columns.Codes = append(b.columns.Codes, codes)
		}
	}
	return nil
}

// sparse stores LIBSVM's rows, the entries of kept features only.
func (b *designer) sparse(s *dataset.Sparse) {
	feature := make([]int32, len(b.encoding.Terms))
	for term := range feature {
		feature[term] = -1
	}
	for j, term := range b.design.Terms {
		feature[term] = int32(j)
		center, scale, _ := b.encoding.Columns[term].standard() // a sparse column has one term
		b.unit(j, center, scale, 0)
	}
	b.layout.Sparse = true
	b.columns.Start = make([]int, 1, len(b.rows)+1)
	var values engine.Float64s
	for _, row := range b.rows {
		for k := s.Start[row]; k < s.Start[row+1]; k++ {
			column := b.reader.feature[s.Index[k]]
			if column >= 0 && feature[column] >= 0 {
				b.columns.Index = append(b.columns.Index, feature[column])
				values = append(values, s.Value[k])
			}
		}
		b.columns.Start = append(b.columns.Start, len(b.columns.Index))
	}
	b.columns.Value = values
}
