package dataset

import (
	"math"
	"slices"
)

// Grouped turns rows that count successes and failures into one row for each that is not 0, in the order of the file, the success first: the two columns give
// way to a column of levels called target, with the levels failures and successes, and a numeric one called weight, the count. Places of rows stay
// those in the file; Origin tells the group. Errors: a column that is not there or not numeric, a count that is missing, negative or not whole, the
// name of a column that is there already, a table of LIBSVM.
func (t *Table) Grouped(successes, failures, target, weight string) (*Table, error) {
	if t.Sparse != nil {
		return nil, t.At(-1, nil, "LIBSVM has a label in every row and no columns of successes and failures")
	}
	var counts [2]*Column
	for side, name := range []string{failures, successes} {
		c, ok := t.Column(name)
		if !ok {
			return nil, t.NoColumn(name)
		}
		if c.Type != Numeric {
			return nil, t.At(-1, c, "counts must be numbers; the column holds %s", c.Type)
		}
		if row, _, ok := c.FirstMissing(); ok {
			return nil, t.At(row, c, "the count is missing")
		}
		for row := range t.Rows {
			if v := c.Numbers.At(row); v < 0 || v != math.Trunc(v) {
				return nil, t.At(row, c, "%v is not a whole number from 0, and so no count", v)
			}
		}
		counts[side] = c
	}
	for _, name := range []string{target, weight} {
		if slices.Contains(t.Header, name) {
			return nil, t.At(-1, nil, "there is a column %s already; the grouped counts need the name", quote(name))
		}
	}
	out := *t
	out.Columns, out.places, out.origin = nil, map[string]int{}, nil
	label := &Column{Name: target, Type: Levels, Levels: []string{failures, successes}, Counts: []int{0, 0}, First: []int{-1, -1}}
	var weights []float64
	var at []int // the row of t of every row
	for row := range t.Rows {
		for side := 1; side >= 0; side-- {
			if v := counts[side].Numbers.At(row); v > 0 {
				if label.First[side] < 0 {
					label.First[side] = len(out.origin)
				}
				label.Counts[side]++
				label.Codes = append(label.Codes, int32(side))
				weights = append(weights, v)
				at, out.origin = append(at, row), append(out.origin, int32(t.Origin(row)))
			}
		}
	}
	out.Rows = len(at)
	for _, c := range t.Columns {
		if c != counts[0] && c != counts[1] {
			out.Columns = append(out.Columns, c.take(at))
		}
	}
	out.Columns = append(out.Columns, label, &Column{Name: weight, Type: Numeric, Numbers: NewNumbers(weights)})
	for i, c := range out.Columns {
		out.places[c.Name] = i
	}
	return &out, nil
}

// take is the column at the given rows.
func (c *Column) take(rows []int) *Column {
	out := &Column{Name: c.Name, Index: c.Index, Type: c.Type, Levels: c.Levels}
	first := make(map[int]int, len(c.NA)) // where the first rows of NA have gone, by row
	for _, na := range c.NA {
		first[na.Row] = -1
	}
	missing := -1 // the first row without a value
	for i, row := range rows {
		if at, ok := first[row]; ok && at < 0 {
			first[row] = i
		}
		if c.IsMissing(row) {
			if out.Missing++; missing < 0 {
				missing = i
			}
		}
	}
	if c.Type == Numeric {
		values := make([]float64, len(rows))
		for i, row := range rows {
			values[i] = c.Numbers.At(row)
		}
		out.Numbers = NewNumbers(values)
	} else {
		out.Codes, out.Counts, out.First = make([]int32, len(rows)), make([]int, len(c.Levels)), make([]int, len(c.Levels))
		for k := range out.First {
			out.First[k] = -1
		}
		for i, row := range rows {
			code := c.Code(row)
			out.Codes[i] = code
			if code < 0 {
				continue
			}
			if out.First[code] < 0 {
				out.First[code] = i
			}
			out.Counts[code]++
		}
	}
	for _, na := range c.NA {
		if at := first[na.Row]; at >= 0 {
			out.NA = append(out.NA, NA{na.Text, na.Rows, at})
		} else if missing >= 0 { // its first row has gone; others may be left
			out.NA = append(out.NA, NA{na.Text, na.Rows, missing})
		}
	}
	return out
}

// Origin is the data row of the file, from 0, that a row comes from: the row itself, but in a table made by Grouped.
func (t *Table) Origin(row int) int {
	if t.origin == nil {
		return row
	}
	return int(t.origin[row])
}
