package encode

import (
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/engine"
)

// Storage is how much memory a design takes, and as what it is stored. Labels, weights and offsets do not count.
type Storage struct {
	Bytes   int64          `json:"bytes"`
	Cells   int64          `json:"cells"` // numbers, levels and entries of LIBSVM
	PerCell float64        `json:"bytes_per_cell"`
	Columns map[string]int `json:"columns"` // columns by how they are stored: int8, int16 … int32 codes, sparse int8 …
}

// Storage says how the rows are stored.
func (d *Design) Storage() Storage {
	l := d.Memory.Layout()
	rows := int64(l.Rows)
	out := Storage{Columns: map[string]int{}}
	for k := range l.Dense {
		kind := engine.Float64
		if l.Kinds != nil {
			kind = l.Kinds[k]
		}
		out.Columns[kind.String()]++
		out.Bytes, out.Cells = out.Bytes+rows*int64(kind.Bytes()), out.Cells+rows
	}
	if n := len(l.Codes); n > 0 {
		out.Columns[codes] += n
		out.Bytes, out.Cells = out.Bytes+4*rows*int64(n), out.Cells+rows*int64(n)
	}
	if l.Sparse {
		out.Columns["sparse "+d.sparse] += l.Features - len(l.Dense)
		out.Bytes, out.Cells = out.Bytes+8*(rows+1)+(4+d.valueBytes)*d.entries, out.Cells+d.entries
	}
	if out.Cells > 0 {
		out.PerCell = float64(out.Bytes) / float64(out.Cells)
	}
	return out
}

// codes and ones are ways to store a column that are no kind of number.
const (
	codes = "int32 codes"
	ones  = "ones"
)

// StoredAs says how a column of a table would be stored for training on all rows.
func (e *Encoding) StoredAs(c *dataset.Column) string {
	if c.Type != dataset.Numeric {
		return codes
	}
	of, ok := e.Column(c.Name)
	if !ok {
		return ""
	}
	_, kind, _ := of.store(numbers{of: c.Numbers, rows: all(c.Numbers.Len())}, c.Missing > 0)
	return kind.String()
}

// SparseStoredAs says how LIBSVM's values would be stored.
func SparseStoredAs(s *dataset.Sparse) string {
	v, _ := narrow(s.Values)
	return sparseKind(v)
}

func sparseKind(v engine.Stored) string {
	if v == nil {
		return ones
	}
	return v.Kind().String()
}
