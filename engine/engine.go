// Package engine runs graphs over many rows: it compiles a graph to a program over blocks of rows, and passes over
// the data on all cores, with sums that do not depend on how the work was split.
//
//	l := engine.Layout{Rows: m, Features: n, Dense: []int{0, 1, 2}, Inputs: []string{"y"}}
//	data, err := engine.NewMemory(l, engine.Columns{Dense: []engine.Cells{engine.Float64s(age), engine.Float64s(price), …}, Inputs: [][]float64{y}})
//	e, err := engine.New(data, engine.Options{})
//	cost, err := engine.NewObjective(e, g, "J", []string{"w", "b"}, engine.Values{}, engine.ObjectiveOptions{})
//	J, err := cost.CostGradient(ctx, theta, gradient)
//
// It knows rows, columns and equations; it does not know files, models or optimisers, and no loss by name.
//
// # Sums
//
// The rows are cut into chunks ([ChunkRows]) that depend on the columns only. Within a chunk rows are added in the
// order that package kernel fixes; the chunks' sums are added in a binary tree over the numbers of the chunks. Any
// number of threads, any split between processes ([Options], [Merge]) and any order gives the same bits.
package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/descent-ml/descent/internal/kernel"
)

// Options of an Engine. The zero value uses all cores, all rows and no other process.
type Options struct {
	Threads int // 0: as many as Go runs at once

	// From and To, if To > 0, are the chunks [From, To) of this process. Rows of masks and columns are then counted
	// from the first row of chunk From.
	From, To int
	// Reduce completes the sums of this process with those of all others (see Merge). It is called once a pass, by
	// every process, in the same order. Nil: there is no other process.
	Reduce func(context.Context, Partial) (Partial, error)

	// NoFused leaves the table of fused kernels out: every node runs by itself.
	NoFused bool
}

// A Mask chooses rows. The zero value takes all of them.
type Mask struct {
	// Counts, if not nil, has one count for every row of this process: 0 leaves the row out of all sums, whatever
	// its values, 2 counts it twice (folds, bootstrap).
	Counts []uint16
	// Chunks, if not nil, are the only chunks to run, ascending. They are not rescaled.
	Chunks []int
}

// An Engine makes passes over a Source. It is safe for concurrent use; every pass uses all its threads.
type Engine struct {
	src     Source
	layout  *plan
	o       Options
	kernels *kernel.Set[float64]
	rough   *kernel.Set[float32] // for int8 columns, where that is enough; nil: it is not
	chunk   int                  // rows
	block   int                  // rows
	from    int                  // chunks of this process
	to      int
	passes  atomic.Int64
}

// New makes an engine. The error says what is wrong with the layout or the options.
func New(src Source, o Options) (*Engine, error) {
	l := src.Layout()
	if err := l.Check(); err != nil {
		return nil, err
	}
	if c := ChunkRows(l); src.ChunkRows() != c {
		return nil, fmt.Errorf("engine: source has chunks of %d rows, its layout needs %d", src.ChunkRows(), c)
	}
	if o.Threads < 0 {
		return nil, fmt.Errorf("engine: %d threads", o.Threads)
	}
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	e := &Engine{src: src, layout: newPlan(l), o: o, kernels: kernel.Best[float64](), chunk: ChunkRows(l), block: blockRows(l)}
	e.to = l.chunks()
	if o.To > 0 {
		if o.From < 0 || o.From > o.To || o.To > e.to {
			return nil, fmt.Errorf("engine: chunks %d to %d of %d", o.From, o.To, e.to)
		}
		e.from, e.to = o.From, o.To
	}
	return e, nil
}

// Layout is the layout of the source.
func (e *Engine) Layout() *Layout { return e.layout.Layout }

// Source is what New was given.
func (e *Engine) Source() Source { return e.src }

// Chunks is the number of chunks of the whole data.
func (e *Engine) Chunks() int { return e.layout.chunks() }

// Rows is the number of rows of this process: all of them unless Options.To says otherwise.
func (e *Engine) Rows() int { return e.end() - e.first() }

// Passes counts the passes over rows made so far.
func (e *Engine) Passes() int { return int(e.passes.Load()) }

func (e *Engine) first() int { return min(e.from*e.chunk, e.layout.Rows) }
func (e *Engine) end() int   { return min(e.to*e.chunk, e.layout.Rows) }

// rows is a piece of a block, at most e.block rows, that a worker runs at once.
type rows struct {
	*Block
	lo, n int // rows lo to lo+n of the block
	*scratch
}

// part is at most n rows of a piece, from its row at on.
func (r rows) part(at, n int) rows { return rows{r.Block, r.lo + at, min(n, r.n-at), r.scratch} }

// at is the first row's number within this process.
func (r rows) at(e *Engine) int { return r.First + r.lo - e.first() }

// A worker does one thread's part of a pass: run adds the sums of a piece to sum.
type worker interface {
	run(r rows, sum []float64) error
}

// pass makes one pass: newWorker is called once for each thread, sums of the given size are added up as described
// above. It ends early, between pieces, when ctx does.
func (e *Engine) pass(ctx context.Context, chunks []int, size int, newWorker func() worker) (Partial, error) {
	if err := ctx.Err(); err != nil {
		return Partial{}, err
	}
	e.passes.Add(1)
	// A task is the position of a chunk: its number, or its place in the given list.
	lo, hi := e.from, e.to
	number := func(position int) int { return position }
	if chunks != nil {
		if !slices.IsSorted(chunks) || len(chunks) > 0 && (chunks[0] < 0 || chunks[len(chunks)-1] >= e.Chunks()) {
			return Partial{}, fmt.Errorf("engine: chunk numbers must ascend within 0 to %d", e.Chunks()-1)
		}
		lo, _ = slices.BinarySearch(chunks, e.from)
		hi, _ = slices.BinarySearch(chunks, e.to)
		number = func(position int) int { return chunks[position] }
	}
	total := Partial{Size: size}
	var (
		mu    sync.Mutex
		free  [][]float64
		first error
		wg    sync.WaitGroup
		next  atomic.Int64
	)
	// Threads take aligned spans of chunks, so that most joining is done without the lock. The span's size has no
	// influence on the result.
	threads := max(min(e.o.Threads, hi-lo), 1)
	level := 0
	for hi-lo > threads<<(level+4) && level < 10 {
		level++
	}
	next.Store(int64(lo >> level))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	get := func() []float64 {
		mu.Lock()
		defer mu.Unlock()
		if k := len(free); k > 0 {
			s := free[k-1]
			free = free[:k-1]
			clear(s)
			return s
		}
		return make([]float64, size)
	}
	put := func(s []float64) { // with the lock held
		free = append(free, s)
	}
	lockedPut := func(s []float64) {
		mu.Lock()
		put(s)
		mu.Unlock()
	}
	work := func() error {
		w := newWorker()
		var b Block
		var own *scratch
		if e.rough != nil {
			own = &scratch{make([]float32, kernel.Rows), make([]float32, e.block)}
		}
		part := Partial{Size: size}
		for {
			span := int(next.Add(1) - 1)
			from, to := max(span<<level, lo), min((span+1)<<level, hi)
			if from >= hi {
				return nil
			}
			part.Nodes = part.Nodes[:0]
			for position := from; position < to; position++ {
				var err error
				if b, err = e.src.Chunk(number(position)); err != nil {
					return err
				}
				sum := get()
				for at := 0; at < b.Rows; at += e.block {
					if err := ctx.Err(); err != nil {
						return err
					}
					if err := w.run(rows{&b, at, min(e.block, b.Rows-at), own}, sum); err != nil {
						return err
					}
				}
				part.insert(Subtree{0, position, sum}, lockedPut)
				b.release()
			}
			mu.Lock()
			for _, n := range part.Nodes {
				total.insert(n, put)
			}
			mu.Unlock()
		}
	}
	run := func() {
		if err := work(); err != nil {
			mu.Lock()
			if first == nil || errors.Is(first, context.Canceled) && !errors.Is(err, context.Canceled) {
				first = err
			}
			mu.Unlock()
			cancel()
		}
	}
	for range threads - 1 {
		wg.Go(run)
	}
	run()
	wg.Wait()
	runtime.KeepAlive(e.src) // blocks refer to its memory
	if first != nil {
		return Partial{}, first
	}
	return total, nil
}

// sums is pass, completed with the other processes.
func (e *Engine) sums(ctx context.Context, chunks []int, size int, newWorker func() worker) ([]float64, error) {
	part, err := e.pass(ctx, chunks, size, newWorker)
	if err != nil {
		return nil, err
	}
	if e.o.Reduce != nil {
		if part, err = e.o.Reduce(ctx, part); err != nil {
			return nil, err
		}
		if part.Size != size {
			return nil, fmt.Errorf("engine: reduced to sums of %d components, not %d", part.Size, size)
		}
	}
	return part.Total(), nil
}
