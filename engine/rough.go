package engine

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync"

	"github.com/descent-ml/descent/internal/kernel"
	"github.com/descent-ml/descent/internal/parallel"
)

// A rough copy of wide dense columns for H·v: int8 steps between a column's ends, in float32 arithmetic. Only the
// gradient decides where Newton's method ends; H·v decides how fast, and a column within a hundredth of its own
// curvature is as good there as the column itself (in a study of 20,000 rows
// of 800 correlated columns, to 1e-9: 74 products, exact 73).

const (
	roughColumns = 256      // fewer are not worth a copy
	roughBytes   = 64 << 20 // less stays in the last cache
	roughError   = 0.01     // of a column's Σ(x - mean)²
)

// roughly is what Product uses in the place of the columns.
type roughly struct {
	e       *Engine
	product *stage
}

// Rough makes Product read a rough copy of the dense columns, int8 in float32 arithmetic, or read the columns again; it
// reports whether it does. There is a copy where it pays: at least 256 dense columns of more than 64 MiB that are wider
// than int8, all rows in a Memory and in this process, and no mask of chunks. A column whose sum of squares int8 would
// change by more than a hundredth (cells far outside) stays as it is. Everything else that an Objective gives is exact.
func (b *Objective) Rough(ctx context.Context, on bool) (bool, error) {
	if !on {
		b.roughly = nil
		return false, nil
	}
	l := b.e.layout
	bytes := 0
	for d := range l.Dense {
		if k := l.kind(d); k != Int8 {
			bytes += k.Bytes() * l.Rows
		}
	}
	if len(l.Dense) < roughColumns || bytes <= roughBytes {
		return false, nil
	}
	return b.rough(ctx)
}

func (b *Objective) rough(ctx context.Context) (bool, error) {
	if b.roughly != nil {
		return true, nil
	}
	m, ok := b.e.src.(*Memory)
	if !ok || b.e.o.Reduce != nil || b.e.o.To > 0 || b.o.Mask.Chunks != nil || b.e.layout.Rows == 0 {
		return false, nil
	}
	if err := b.second(); errors.Is(err, ErrNoCurvature) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	copied, err := m.rough(ctx)
	if copied == nil || err != nil {
		return false, err
	}
	l := copied.plan
	e := &Engine{src: copied, layout: l, o: b.e.o, kernels: b.e.kernels, rough: kernel.Best[float32](), chunk: copied.chunk, block: blockRows(l.Layout), to: l.chunks()}
	product, err := b.splitFor(l.Layout, b.hv, b.called("Hv_")[1:], b.given, nil)
	if err != nil {
		return false, err
	}
	b.roughly = &roughly{e, product}
	return true, nil
}

// A step is how a column is made int8: k of a cell x is (x - middle)/size to the nearest, cut off at ±127.
type step struct {
	middle, size float64
	energy       float64 // the mean of (x - middle)² of the rows looked at
}

// sampled is the number of panels that steps are made from.
const sampled = 64

// steps looks at some panels of every column. Steps end at six mean deviations (or a little after the last cell, if that is nearer), so
// that a cell far outside cannot take the digits of all others: it is cut off, and that is seen.
func (m *Memory) steps() ([]step, error) {
	l := m.plan
	panels := l.Rows / kernel.Rows // whole ones
	apart := max(1, panels/sampled)
	n := float64(parallel.Count(panels, apart) * kernel.Rows)
	out := make([]step, len(l.Dense))
	deviation, last := make([]float64, len(out)), make([]float64, len(out))
	// each calls f for the cells of every column, panel after panel.
	each := func(f func(d int, x []float64)) error {
		for p := 0; p < panels; p += apart {
			err := m.panels(p, p+1, func(_ int, c *cells, at int) {
				parallel.Pieces(0, len(out), fillColumns, func(_, from, to int) {
					x := make([]float64, kernel.Rows)
					for d := from; d < to; d++ {
						c.read(at, d, x)
						f(d, x)
					}
				})
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	err := each(func(d int, x []float64) {
		for _, v := range x {
			out[d].middle += v
		}
	})
	for d := range out {
		out[d].middle /= n
	}
	if err == nil {
		err = each(func(d int, x []float64) {
			s := &out[d]
			for _, v := range x {
				v = math.Abs(v - s.middle)
				deviation[d] += v
				s.energy += float64(v * v)
				last[d] = max(last[d], v)
			}
		})
	}
	for d := range out {
		out[d].energy /= n
		out[d].size = min(6*deviation[d]/n, 1.1*last[d]) / 127
	}
	return out, err
}

// panels calls f for panels from … to-1, each at its place in some cells.
func (m *Memory) panels(from, to int, f func(p int, c *cells, at int)) error {
	if m.away == nil {
		for p := from; p < to; p++ {
			f(p, &m.dense, p)
		}
		runtime.KeepAlive(m)
		return nil
	}
	for p, size := from, m.chunk/kernel.Rows; p < to; {
		b, err := m.Chunk(p / size)
		if err != nil {
			return err
		}
		for end := min((p/size+1)*size, to); p < end; p++ {
			f(p, &b.dense, p%size)
		}
		b.release()
	}
	return nil
}

// rough is a copy with int8 dense columns where they are near enough. Nil: no column is.
func (m *Memory) rough(ctx context.Context) (*Memory, error) {
	l := m.plan
	if l.Rows < kernel.Rows {
		return nil, nil
	}
	steps, err := m.steps()
	if err != nil {
		return nil, err
	}
	for {
		out, err := m.roughened(ctx, steps)
		if out == nil || err != nil {
			return nil, err
		}
		// Within its steps a column is off by size²/4 at most, a two-thousandth of its squares; what was cut off counts.
		again := false
		for d, lost := range out.lost {
			if !(lost <= roughError*steps[d].energy*float64(l.Rows)) {
				steps[d].size, again = 0, true
			}
		}
		if !again {
			return out.memory, nil
		}
	}
}

type roughened struct {
	memory *Memory
	lost   []float64 // by dense column: Σ of what squares of cells that were cut off lost
}

func (m *Memory) roughened(ctx context.Context, steps []step) (*roughened, error) {
	l := m.plan
	layout := *l.Layout
	layout.Kinds = make([]Kind, len(l.Dense))
	layout.Center, layout.Scale = make([]float64, l.Features), make([]float64, l.Features)
	for j := range l.Features {
		layout.Center[j], layout.Scale[j] = l.center(j), l.scale(j)
	}
	none := true
	for d, j := range l.Dense {
		layout.Kinds[d] = l.kind(d)
		s := steps[d]
		if l.kind(d) == Int8 || !(s.size > 1e-300) || math.IsInf(s.energy, 0) || math.IsInf(1/s.size, 0) {
			continue
		}
		none = false
		layout.Kinds[d] = Int8
		layout.Center[j] = (layout.Center[j] - s.middle) / s.size
		layout.Scale[j] *= s.size
	}
	if none {
		return nil, nil
	}
	p := newPlan(&layout)
	p.rough = true
	copied := &Memory{plan: p, chunk: ChunkRows(&layout), cols: m.cols}
	if m.away == nil {
		copied.dense = newCells(p, l.Rows)
	}
	panels := padded(l.Rows) / kernel.Rows
	const spanPanels = fillRows / kernel.Rows
	spans := parallel.Count(panels, spanPanels)
	D, n := len(l.Dense), p.count(Int8)
	lost := make([]float64, spans*D)
	// panel writes panel q, which stands at a place of some cells, at a place of others.
	panel := func(out *cells, to, q int, from *cells, at int, lost []float64) {
		var some [kernel.Rows]float64
		x := some[:min(kernel.Rows, l.Rows-q*kernel.Rows)]
		for d := range D {
			from.read(at, d, x)
			if layout.Kinds[d] == l.kind(d) {
				out.write(to*kernel.Rows, d, x)
				continue
			}
			lost[d] += quantise(out.i8[(to*n+p.place[d]-p.begin[Int8])*kernel.Rows:], x, steps[d])
		}
	}
	var mu sync.Mutex
	var first error
	failed := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if first == nil {
			first = err
		}
	}
	parallel.Pieces(0, panels, spanPanels, func(span, from, to int) {
		if ctx.Err() != nil {
			return
		}
		out := &copied.dense
		if m.away != nil {
			one := newCells(p, kernel.Rows) // only what is lost is wanted
			out = &one
		}
		err := m.panels(from, to, func(q int, c *cells, at int) {
			to := q
			if m.away != nil {
				to = 0
			}
			panel(out, to, q, c, at, lost[span*D:][:D])
		})
		if err != nil {
			failed(err)
		}
	})
	if m.away != nil {
		copied.away = newAway(m.away.file, p)
		parallel.Pieces(0, l.Rows, copied.chunk, func(k, lo, hi int) {
			if ctx.Err() != nil {
				return
			}
			err := copied.away.write(p, k, lo, hi, func(b *Block) error {
				unused := make([]float64, D)
				err := m.panels(lo/kernel.Rows, padded(hi)/kernel.Rows, func(q int, c *cells, at int) {
					panel(&b.dense, q-lo/kernel.Rows, q, c, at, unused)
				})
				if err != nil || len(b.Codes) == 0 {
					return err
				}
				return m.codes(b.Codes, lo)
			})
			if err != nil {
				failed(err)
			}
		})
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if first != nil {
		return nil, first
	}
	r := &roughened{copied, make([]float64, D)}
	for i, v := range lost {
		r.lost[i%D] += v
	}
	if m.away == nil {
		copied.cut()
	}
	return r, nil
}

// quantise writes the steps of x and gives Σ (x - middle)² - (steps)² of the cells that are cut off.
func quantise(to []int8, x []float64, s step) (lost float64) {
	// 1.5·2⁵² has its last bit for ones: adding it rounds to the nearest integer, which stands in the low bits.
	const round = 3 << 51
	to = to[:len(x)]
	scale := 1 / s.size
	for i, v := range x {
		u := (v - s.middle) * scale
		if !(u < 127.5 && u > -127.5) {
			v -= s.middle
			limit := 127 * s.size
			lost += float64(v*v) - float64(limit*limit)
			u = min(max(u, -127), 127)
		}
		to[i] = int8(math.Float64bits(u + round))
	}
	return lost
}

// A scratch is memory of one worker of a rough pass.
type scratch struct{ z32, s32 []float32 }

// roughForward is forward for the int8 columns.
func (e *Engine) roughForward(r rows, z []float64, w *weights) {
	n := len(w.rough)
	if n == 0 {
		return
	}
	x, t := r.dense.i8[r.lo*n:], r.scratch.z32
	for p := 0; p < len(z); p += kernel.Rows {
		clear(t)
		e.rough.I8.Forward(t, x[p*n:], kernel.Rows, w.rough)
		z := z[p : p+kernel.Rows]
		for i, v := range t {
			z[i] += float64(v)
		}
	}
}

// roughBackward is backward for the int8 columns.
func (e *Engine) roughBackward(r rows, s, sum []float64) {
	n := len(sum)
	if n == 0 {
		return
	}
	t := r.scratch.s32[:len(s)]
	for i, v := range s {
		t[i] = float32(v)
	}
	e.rough.I8.Backward(sum, r.dense.i8[r.lo*n:], n*kernel.Rows, kernel.Rows, t)
}
