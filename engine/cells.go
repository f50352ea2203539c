package engine

import (
	"runtime"
	"sync"
	"unsafe"

	"github.com/descent-ml/descent/internal/kernel"
	"github.com/descent-ml/descent/internal/parallel"
)

// A plan is a layout with the order in which its dense columns are stored and added up: kind after kind, and within a
// kind as in the layout.
type plan struct {
	*Layout
	place   []int          // of every dense column in that order
	feature []int          // of the column at every place
	begin   [kinds + 1]int // the first place of every kind
	rough   bool           // int8 columns are for float32 arithmetic
}

func newPlan(l *Layout) *plan {
	p := &plan{Layout: l, place: make([]int, len(l.Dense)), feature: make([]int, 0, len(l.Dense))}
	for k := range kinds {
		p.begin[k] = len(p.feature)
		for d, j := range l.Dense {
			if l.kind(d) == k {
				p.place[d] = len(p.feature)
				p.feature = append(p.feature, j)
			}
		}
	}
	p.begin[kinds] = len(p.feature)
	return p
}

// count is the number of dense columns of a kind.
func (p *plan) count(k Kind) int { return p.begin[k+1] - p.begin[k] }

// cells are the panels of the dense columns, a group for each kind. With n columns of a kind, row r of the i-th of
// them is number (r/64*n+i)*64 + r%64 of the group; the last panel is filled with zeros.
type cells struct {
	plan *plan
	f64  []float64
	f32  []float32
	i32  []int32
	i16  []int16
	i8   []int8
	from *arena
}

// An arena is memory outside Go's heap. It is given back when nothing refers to the arena any more; slices of it do
// not, so whoever uses them holds the arena.
type arena struct{ pieces [][]byte }

// hugeFrom is the size from which memory is asked of the system, in huge pages where it has them.
const hugeFrom = 4 << 20

func grab[S number](a *arena, n int) []S {
	var s S
	if bytes := n * int(unsafe.Sizeof(s)); bytes >= hugeFrom {
		if b := huge(bytes); b != nil {
			a.pieces = append(a.pieces, b)
			runtime.AddCleanup(a, release, b)
			return unsafe.Slice((*S)(unsafe.Pointer(unsafe.SliceData(b))), n)
		}
	}
	return make([]S, n)
}

// newCells makes room for so many rows.
func newCells(p *plan, rows int) cells {
	n := padded(rows)
	a := &arena{}
	return cells{
		plan: p, from: a,
		f64: grab[float64](a, n*p.count(Float64)),
		f32: grab[float32](a, n*p.count(Float32)),
		i32: grab[int32](a, n*p.count(Int32)),
		i16: grab[int16](a, n*p.count(Int16)),
		i8:  grab[int8](a, n*p.count(Int8)),
	}
}

// cut is rows lo to hi; lo is a multiple of 64, and hi is too or is the last row's end.
func (c *cells) cut(lo, hi int) cells {
	hi = padded(hi)
	p, out := c.plan, *c
	out.f64 = c.f64[lo*p.count(Float64) : hi*p.count(Float64)]
	out.f32 = c.f32[lo*p.count(Float32) : hi*p.count(Float32)]
	out.i32 = c.i32[lo*p.count(Int32) : hi*p.count(Int32)]
	out.i16 = c.i16[lo*p.count(Int16) : hi*p.count(Int16)]
	out.i8 = c.i8[lo*p.count(Int8) : hi*p.count(Int8)]
	return out
}

// read widens up to 64 rows of panel p of dense column d.
func (c *cells) read(p, d int, out []float64) {
	k := c.plan.kind(d)
	at := (p*c.plan.count(k) + c.plan.place[d] - c.plan.begin[k]) * kernel.Rows
	switch k {
	case Float64:
		copy(out, c.f64[at:at+len(out)])
	case Float32:
		widen(out, c.f32[at:])
	case Int32:
		widen(out, c.i32[at:])
	case Int16:
		widen(out, c.i16[at:])
	case Int8:
		widen(out, c.i8[at:])
	}
	runtime.KeepAlive(c.from)
}

// A notExact is a value that its column's kind does not hold.
type notExact struct {
	column, row int
	value       float64
}

const (
	fillRows    = 4096 // rows read from a column at a time: 32 KiB
	fillColumns = 64
)

// fill stores rows of all columns, on all cores. It gives the first value, by column and row, that is not exact.
func (c *cells) fill(columns []Cells, rows int) *notExact {
	spans, groups := parallel.Count(rows, fillRows), parallel.Count(len(columns), fillColumns)
	var mu sync.Mutex
	var first *notExact
	parallel.Pieces(0, spans*groups, 1, func(task, _, _ int) {
		lo, from := task/groups*fillRows, task%groups*fillColumns
		v := make([]float64, min(fillRows, rows-lo))
		for d := from; d < min(from+fillColumns, len(columns)); d++ {
			columns[d].Read(v, lo)
			if bad := c.write(lo, d, v); bad >= 0 {
				mu.Lock()
				if first == nil || d < first.column || d == first.column && lo+bad < first.row {
					first = &notExact{d, lo + bad, v[bad]}
				}
				mu.Unlock()
			}
		}
	})
	return first
}

// write stores rows lo … of dense column d, lo a multiple of 64. It is the first that is not exact, or -1.
func (c *cells) write(lo, d int, v []float64) int {
	k := c.plan.kind(d)
	n, i := c.plan.count(k), c.plan.place[d]-c.plan.begin[k]
	switch k {
	case Float64:
		for at := 0; at < len(v); at += kernel.Rows {
			copy(c.f64[((lo+at)/kernel.Rows*n+i)*kernel.Rows:], v[at:min(at+kernel.Rows, len(v))])
		}
		return -1
	case Float32:
		return narrow(c.f32, n, i, lo, v)
	case Int32:
		return narrow(c.i32, n, i, lo, v)
	case Int16:
		return narrow(c.i16, n, i, lo, v)
	}
	return narrow(c.i8, n, i, lo, v)
}

func narrow[S number](group []S, n, i, lo int, v []float64) (bad int) {
	half := 0.5
	floating := S(half) != 0
	bad = -1
	for at := 0; at < len(v); at += kernel.Rows {
		from := v[at:min(at+kernel.Rows, len(v))]
		to := group[((lo+at)/kernel.Rows*n+i)*kernel.Rows:][:len(from)]
		exact := true
		for r, x := range from {
			s := S(x)
			to[r] = s
			exact = exact && float64(s) == x
		}
		if exact {
			continue
		}
		for r, x := range from {
			if bad < 0 && float64(to[r]) != x && !(floating && x != x) {
				bad = at + r
			}
		}
	}
	return bad
}

// gather stores the given rows of other cells, in that order.
func (c *cells) gather(from *cells, rows []int) { c.pick(from, nil, rows) }

// pick stores rows of other cells at the given rows (nil: 0, 1, …).
func (c *cells) pick(from *cells, at, rows []int) {
	p := c.plan
	pick(c.f64, from.f64, p.count(Float64), at, rows)
	pick(c.f32, from.f32, p.count(Float32), at, rows)
	pick(c.i32, from.i32, p.count(Int32), at, rows)
	pick(c.i16, from.i16, p.count(Int16), at, rows)
	pick(c.i8, from.i8, p.count(Int8), at, rows)
	runtime.KeepAlive(from.from)
}

func pick[S number](to, from []S, n int, at, rows []int) {
	if n == 0 {
		return
	}
	for i, r := range rows {
		if at != nil {
			i = at[i]
		}
		from, to := from[(r/kernel.Rows*n)*kernel.Rows+r%kernel.Rows:], to[(i/kernel.Rows*n)*kernel.Rows+i%kernel.Rows:]
		for d := range n {
			to[d*kernel.Rows] = from[d*kernel.Rows]
		}
	}
}
