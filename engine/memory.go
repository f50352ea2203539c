package engine

import "fmt"

// Columns are the stored values of all rows, in the order of a Layout. Row r of the sparse part is
// Index and Value[Start[r]:Start[r+1]], indices ascending; a nil Value is all ones.
type Columns struct {
	Dense  []Cells   // by dense column
	Codes  [][]int32 // [code column][row]
	Start  []int
	Index  []int32
	Value  Stored
	Inputs [][]float64 // [input][row]
}

// Memory is a Source that holds all rows, or all but their inputs in a scratch file.
type Memory struct {
	plan   *plan
	chunk  int
	away   *away // nil: in memory
	dense  cells
	cols   Columns // without Dense
	blocks []Block
}

// NewMemory reads the dense columns into panels, on all cores, and keeps the other slices, which must not be changed
// afterwards. The error says which column does not have layout.Rows rows, which value is not exact in its column's
// kind, or which code or index is out of range.
func NewMemory(layout Layout, cols Columns) (*Memory, error) {
	if err := layout.Check(); err != nil {
		return nil, err
	}
	l := newPlan(&layout)
	m := &Memory{plan: l, chunk: ChunkRows(&layout), cols: cols}
	if err := checkColumns(l, &cols, false); err != nil {
		return nil, err
	}
	for k, c := range cols.Codes {
		if len(c) != l.Rows {
			return nil, fmt.Errorf("engine: code column %d has %d rows, the layout %d", k, len(c), l.Rows)
		}
		for r, v := range c {
			if int(v) >= l.Codes[k].Levels {
				return nil, fmt.Errorf("engine: code column %d, row %d: code %d of %d levels", k, r, v, l.Codes[k].Levels)
			}
		}
	}
	if l.Sparse {
		if err := checkSparse(&layout, &cols); err != nil {
			return nil, err
		}
	}
	m.dense = newCells(l, l.Rows)
	if bad := m.dense.fill(cols.Dense, l.Rows); bad != nil {
		return nil, inexact(l, bad)
	}
	m.cols.Dense = nil
	m.cut()
	return m, nil
}

// checkColumns compares the numbers of columns and rows with the layout's. Codes that are not in memory are not counted.
func checkColumns(l *plan, cols *Columns, away bool) error {
	switch {
	case len(cols.Dense) != len(l.Dense):
		return fmt.Errorf("engine: %d dense columns, the layout has %d", len(cols.Dense), len(l.Dense))
	case len(cols.Codes) != len(l.Codes) && !away:
		return fmt.Errorf("engine: %d code columns, the layout has %d", len(cols.Codes), len(l.Codes))
	case len(cols.Inputs) != len(l.Inputs):
		return fmt.Errorf("engine: %d inputs, the layout has %d", len(cols.Inputs), len(l.Inputs))
	}
	for d, c := range cols.Dense {
		if s, ok := c.(Stored); ok && s.Len() != l.Rows {
			return fmt.Errorf("engine: dense column %d has %d rows, the layout %d", d, s.Len(), l.Rows)
		}
	}
	for k, c := range cols.Inputs {
		if len(c) != l.Rows {
			return fmt.Errorf("engine: input %q has %d rows, the layout %d", l.Inputs[k], len(c), l.Rows)
		}
	}
	return nil
}

func inexact(l *plan, bad *notExact) error {
	return fmt.Errorf("engine: dense column %d, row %d: %v is no %v", bad.column, bad.row, bad.value, l.kind(bad.column))
}

func checkSparse(l *Layout, cols *Columns) error {
	elsewhere := make([]bool, l.Features)
	for _, j := range l.Dense {
		elsewhere[j] = true
	}
	for _, c := range l.Codes {
		for v := range c.Levels {
			elsewhere[c.First+v] = true
		}
	}
	values := len(cols.Index)
	if cols.Value != nil {
		values = cols.Value.Len()
	}
	if len(cols.Start) != l.Rows+1 || len(cols.Index) != values {
		return fmt.Errorf("engine: sparse rows: %d starts for %d rows, %d indices, %d values", len(cols.Start), l.Rows, len(cols.Index), values)
	}
	for r := range l.Rows {
		lo, hi := cols.Start[r], cols.Start[r+1]
		if lo < 0 || hi < lo || hi > len(cols.Index) {
			return fmt.Errorf("engine: sparse row %d is values %d to %d of %d", r, lo, hi, len(cols.Index))
		}
		last := int32(-1)
		for _, j := range cols.Index[lo:hi] {
			if j <= last || int(j) >= l.Features {
				return fmt.Errorf("engine: sparse row %d: index %d after %d, %d features", r, j, last, l.Features)
			}
			if elsewhere[j] {
				return fmt.Errorf("engine: sparse row %d: feature %d is stored elsewhere", r, j)
			}
			last = j
		}
	}
	return nil
}

// Layout is the layout given to NewMemory.
func (m *Memory) Layout() *Layout { return m.plan.Layout }

// InMemory is false where the rows are in a scratch file.
func (m *Memory) InMemory() bool { return m.away == nil }

// ChunkRows is ChunkRows(m.Layout()).
func (m *Memory) ChunkRows() int { return m.chunk }

// Units is the same rows, stored once, with other centres and scales in the layout; one value a feature, or nil.
func (m *Memory) Units(center, scale []float64) *Memory {
	l, p, out := *m.plan.Layout, *m.plan, *m
	l.Center, l.Scale = center, scale
	p.Layout, out.plan = &l, &p
	return &out
}

// Chunk gives the rows of chunk k, without copying where they are in memory.
func (m *Memory) Chunk(k int) (Block, error) {
	if k < 0 || k >= m.plan.chunks() {
		return Block{}, fmt.Errorf("engine: no chunk %d in %d rows", k, m.plan.Rows)
	}
	if m.away != nil {
		return m.away.chunk(m, k, k*m.chunk, min((k+1)*m.chunk, m.plan.Rows))
	}
	return m.blocks[k], nil
}

// cut makes the blocks.
func (m *Memory) cut() {
	for lo := 0; lo < m.plan.Rows; lo += m.chunk {
		hi := min(lo+m.chunk, m.plan.Rows)
		b := Block{First: lo, Rows: hi - lo, dense: m.dense.cut(lo, hi)}
		for _, c := range m.cols.Codes {
			b.Codes = append(b.Codes, c[lo:hi])
		}
		if m.plan.Sparse {
			b.Start, b.Index, b.Value = m.cols.Start[lo:hi+1], m.cols.Index, m.cols.Value
		}
		for _, c := range m.cols.Inputs {
			b.Inputs = append(b.Inputs, c[lo:hi])
		}
		m.blocks = append(m.blocks, b)
	}
}

// Input is the column of that name, all rows.
func (m *Memory) Input(name string) ([]float64, bool) {
	for i, n := range m.plan.Inputs {
		if n == name {
			return m.cols.Inputs[i], true
		}
	}
	return nil, false
}

// Gather is a source of the given rows in the given order (a mini-batch; a row may come twice). The values are
// copied. It panics on a row that does not exist. The error is that of a scratch file, from which a chunk is read for every row or two.
func (m *Memory) Gather(rows []int) (*Memory, error) {
	l := *m.plan.Layout
	l.Rows = len(rows)
	p := *m.plan
	p.Layout = &l
	g := &Memory{plan: &p, chunk: m.chunk, dense: newCells(&p, len(rows))}
	if m.away != nil {
		if err := m.gatherAway(g, rows); err != nil {
			return nil, err
		}
	} else {
		g.dense.gather(&m.dense, rows)
	}
	for _, c := range m.cols.Codes {
		v := make([]int32, len(rows))
		for i, r := range rows {
			v[i] = c[r]
		}
		g.cols.Codes = append(g.cols.Codes, v)
	}
	for _, c := range m.cols.Inputs {
		v := make([]float64, len(rows))
		for i, r := range rows {
			v[i] = c[r]
		}
		g.cols.Inputs = append(g.cols.Inputs, v)
	}
	if l.Sparse {
		g.cols.Start = make([]int, 1, len(rows)+1)
		pieces := make([]span, len(rows))
		total := 0
		for i, r := range rows {
			pieces[i] = span{m.cols.Start[r], m.cols.Start[r+1]}
			total += pieces[i].hi - pieces[i].lo
			g.cols.Start = append(g.cols.Start, total)
		}
		g.cols.Index = gather(m.cols.Index, pieces, total)
		if m.cols.Value != nil {
			g.cols.Value = m.cols.Value.gather(pieces, total)
		}
	}
	g.cut()
	return g, nil
}
