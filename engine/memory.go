package engine

import (
	"fmt"

	"github.com/descent-ml/descent/internal/kernel"
)

// Columns are the stored values of all rows, in the order of a Layout. Rows r of the sparse part are
// Index and Value[Start[r]:Start[r+1]], indices ascending.
type Columns struct {
	Dense  [][]float64 // [dense column][row]
	Codes  [][]int32   // [code column][row]
	Start  []int
	Index  []int32
	Value  []float64
	Inputs [][]float64 // [input][row]
}

// Memory is a Source that holds all rows.
type Memory struct {
	layout Layout
	chunk  int
	panels []float64
	cols   Columns // Dense is dropped once it is in panels
	blocks []Block
}

// NewMemory copies the dense columns into panels and keeps the other slices, which must not be changed afterwards.
// The error says which column does not have layout.Rows rows, or which code or index is out of range.
func NewMemory(layout Layout, cols Columns) (*Memory, error) {
	if err := layout.Check(); err != nil {
		return nil, err
	}
	m := &Memory{layout: layout, chunk: ChunkRows(&layout), cols: cols}
	l := &m.layout
	switch {
	case len(cols.Dense) != len(l.Dense):
		return nil, fmt.Errorf("engine: %d dense columns, the layout has %d", len(cols.Dense), len(l.Dense))
	case len(cols.Codes) != len(l.Codes):
		return nil, fmt.Errorf("engine: %d code columns, the layout has %d", len(cols.Codes), len(l.Codes))
	case len(cols.Inputs) != len(l.Inputs):
		return nil, fmt.Errorf("engine: %d inputs, the layout has %d", len(cols.Inputs), len(l.Inputs))
	}
	for d, c := range cols.Dense {
		if len(c) != l.Rows {
			return nil, fmt.Errorf("engine: dense column %d has %d rows, the layout %d", d, len(c), l.Rows)
		}
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
	for k, c := range cols.Inputs {
		if len(c) != l.Rows {
			return nil, fmt.Errorf("engine: input %q has %d rows, the layout %d", l.Inputs[k], len(c), l.Rows)
		}
	}
	if l.Sparse {
		if err := checkSparse(l, &cols); err != nil {
			return nil, err
		}
	}
	D := len(l.Dense)
	m.panels = make([]float64, (l.Rows+kernel.Rows-1)/kernel.Rows*D*kernel.Rows)
	for d, c := range cols.Dense {
		for p := 0; p*kernel.Rows < len(c); p++ {
			copy(m.panels[(p*D+d)*kernel.Rows:][:kernel.Rows], c[p*kernel.Rows:])
		}
	}
	m.cols.Dense = nil
	m.cut()
	return m, nil
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
	if len(cols.Start) != l.Rows+1 || len(cols.Index) != len(cols.Value) {
		return fmt.Errorf("engine: sparse rows: %d starts for %d rows, %d indices, %d values",
			len(cols.Start), l.Rows, len(cols.Index), len(cols.Value))
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
func (m *Memory) Layout() *Layout { return &m.layout }

// ChunkRows is ChunkRows(m.Layout()).
func (m *Memory) ChunkRows() int { return m.chunk }

// Chunk gives the rows of chunk k without copying.
func (m *Memory) Chunk(k int) (Block, error) {
	if k < 0 || k >= len(m.blocks) {
		return Block{}, fmt.Errorf("engine: no chunk %d in %d rows", k, m.layout.Rows)
	}
	return m.blocks[k], nil
}

// cut makes the blocks.
func (m *Memory) cut() {
	D := len(m.layout.Dense)
	for lo := 0; lo < m.layout.Rows; lo += m.chunk {
		hi := min(lo+m.chunk, m.layout.Rows)
		b := Block{First: lo, Rows: hi - lo}
		b.Panels = m.panels[lo*D : (hi+kernel.Rows-1)/kernel.Rows*kernel.Rows*D]
		for _, c := range m.cols.Codes {
			b.Codes = append(b.Codes, c[lo:hi])
		}
		if m.layout.Sparse {
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
	for i, n := range m.layout.Inputs {
		if n == name {
			return m.cols.Inputs[i], true
		}
	}
	return nil, false
}

// Gather is a source of the given rows in the given order (a mini-batch; a row may come twice). The values are
// copied. It panics on a row that does not exist.
func (m *Memory) Gather(rows []int) Source {
	l := m.layout
	l.Rows = len(rows)
	D := len(l.Dense)
	g := &Memory{layout: l, chunk: m.chunk, panels: make([]float64, (len(rows)+kernel.Rows-1)/kernel.Rows*D*kernel.Rows)}
	for i, r := range rows {
		from, to := (r/kernel.Rows*D)*kernel.Rows+r%kernel.Rows, (i/kernel.Rows*D)*kernel.Rows+i%kernel.Rows
		for d := range D {
			g.panels[to+d*kernel.Rows] = m.panels[from+d*kernel.Rows]
		}
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
		for _, r := range rows {
			lo, hi := m.cols.Start[r], m.cols.Start[r+1]
			g.cols.Index = append(g.cols.Index, m.cols.Index[lo:hi]...)
			g.cols.Value = append(g.cols.Value, m.cols.Value[lo:hi]...)
			g.cols.Start = append(g.cols.Start, len(g.cols.Index))
		}
	}
	g.cut()
	return g
}
