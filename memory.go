package descent

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/descent-ml/descent/doctor"
)

// A run with a bound on its memory (Run.Memory) keeps the rows in a scratch file where they do not fit, in the directory for temporary files: the
// table's cells beyond a share of the bound as they are read, then the design, chunk by chunk as the passes take it. What has to stay is estimated
// here; where that alone is more than the bound there is an error and no run.

const (
	mebibyte = 1 << 20
	// leastMemory is the smallest bound that can be asked for.
	leastMemory = 32 * mebibyte
	// tableShare is the part of the bound up to which a table's cells stay in memory.
	tableShare = 8
	// testShare is the part of that for the cells of another file that is only measured.
	testShare = 4

	// What a program has before it sees a row, half of it outside Go's heap (measured: resident size on Linux and Windows).
	programBytes = 24 * mebibyte
	outsideGo    = 16 * mebibyte
	// What each thread has in hand: text, rows that were parsed, a block of them; later a chunk and sums.
	threadBytes = 5 * mebibyte
	// Of each row, whatever its columns: its number, line, label, y, z, slope and curvature, what a certificate and the measures keep beside them; and of
	// that what there is for every class (measured: 114 bytes for two classes, 180 for three).
	rowBytes   = 64
	classBytes = 64
	// An entry of LIBSVM while it is read and trained on: index and value, twice for a while.
	entryBytes = 16
)

// keepWithin holds the process to the bound, as far as Go does, until the run ends.
func (f *fit) keepWithin() (end func()) {
	f.room = math.MaxInt64
	if f.config.Run.Memory == 0 {
		return func() {}
	}
	before := debug.SetMemoryLimit(f.config.Run.Memory - outsideGo)
	return func() {
		debug.SetMemoryLimit(before)
		if f.table != nil {
			f.table.Close()
		}
		if f.test != nil && f.test != f.table {
			f.test.Close()
		}
	}
}

// tableMemory is what the table's cells may take.
func (f *fit) tableMemory() int64 {
	if f.config.hooks.spill {
		return min(f.config.Run.Memory, 1)
	}
	return f.config.Run.Memory / tableShare
}

// needs is what has to stay in memory: all but the columns' cells.
func (f *fit) needs() int64 {
	threads := f.config.Solver.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	if f.config.Test.Source != nil {
		threads++ // and what is read of it
	}
	rows, sets := int64(f.table.Rows), int64(f.classes.Sets())
	per := int64(rowBytes) + classBytes*sets
	for _, column := range [][]float64{f.learnt.Weights, f.learnt.Offsets} {
		if column != nil {
			per += 24
		}
	}
	if f.config.CV.seeks() {
		per += 40 * sets
	}
	need := programBytes + threadBytes*int64(threads) + per*rows
	// Sums over the rows are added in a tree; a matrix takes the place of θ where there is one (see doctor.MaxRankColumns and optim.Newton).
	sums := int64(len(f.learnt.Encoding.Terms)+1) * sets
	if len(f.learnt.Encoding.Terms) <= doctor.MaxRankColumns {
		sums *= int64(len(f.learnt.Encoding.Terms) + 1)
	}
	need += 8 * sums * (2*int64(threads) + int64(bits.Len64(uint64(rows)/64)) + 8)
	if s := f.table.Sparse; s != nil { // index and value, and another value as the design has it
		need += 8*rows + entryBytes*int64(len(s.Index))
	}
	return need
}

// fits says what a bound leaves for the design, or that it cannot be kept.
func (f *fit) fits(context.Context) error {
	bound := f.config.Run.Memory
	if bound == 0 {
		return nil
	}
	need := f.needs()
	cells, inMemory := f.table.Bytes()
	if least := need + min(cells, need/(tableShare-1)); need+inMemory > bound {
		what := ""
		if f.table.Sparse != nil {
			what = ", with all entries, as LIBSVM's cannot go to a scratch file"
		}
		return fmt.Errorf("memory %s is too little for %d rows and %d inputs%s: the smallest bound that works is %s",
			mebibytes(bound), f.table.Rows, len(f.learnt.Encoding.Terms), what, mebibytes(least))
	}
	if f.room = bound - need - inMemory; f.config.hooks.spill {
		f.room = 0
	}
	return nil
}

// sayMemory says what the bound is and what went where, once the design is stored.
func (f *fit) sayMemory() error {
	bound := f.config.Run.Memory
	if bound == 0 {
		return nil
	}
	_, inMemory := f.table.Bytes()
	need := f.needs() + inMemory
	if f.matrix.Memory.InMemory() {
		stored := f.matrix.Memory.Layout().Bytes()
		need += stored
		debug.SetMemoryLimit(bound - outsideGo - stored) // it is outside Go's heap
	}
	scratch := "nothing goes to a scratch file"
	if size := f.table.Scratch().Size(); size > 0 {
		scratch = fmt.Sprintf("%s are in a scratch file in %s", mebibytes(size), os.TempDir())
	}
	return f.note("memory: at most %s, of which about %s are needed; %s", mebibytes(bound), mebibytes(need), scratch)
}

// mebibytes is a size as --memory takes it, rounded up.
func mebibytes(n int64) string { return fmt.Sprintf("%dMiB", (n+mebibyte-1)/mebibyte) }
