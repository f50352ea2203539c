package engine

import (
	"fmt"

	"github.com/descent-ml/descent/internal/kernel"
)

// A Layout says where the values of the rows are stored. Feature j, 0 ≤ j < Features, is component j of the
// graph's design vector x; it lives in one dense column, in one level of a code column, or in the sparse rows
// (a feature stored nowhere is 0 in every row). Settings must not be changed once a Source uses them.
type Layout struct {
	Rows     int // of the whole data, in all files and ranks
	Features int

	Dense  []int   // the feature of every dense column
	Kinds  []Kind  // how every dense column is stored; nil: all Float64
	Codes  []Codes // the code columns
	Sparse bool    // there are sparse rows (CSR); their indices are feature numbers

	// Center and Scale, one value a feature, give what the model sees: (stored - Center)*Scale. Nil is all 0
	// and all 1. They act on weights and on sums, the stored values are never touched; so columns whose mean
	// exceeds their deviation many thousand times should be stored with the mean (roughly) taken off. A column of
	// decimals k/10^d is stored as the integers k, with 10^-d in its Scale.
	Center, Scale []float64

	// Inputs names the other columns, one number a row each: "y", "s" … A vector leaf y of K components is
	// the K columns "y[0]" … "y[K-1]".
	Inputs []string
}

// Codes is a column of levels: a row with code c, 0 ≤ c < Levels, has the value 1 in feature First+c and 0 in
// the column's other features; a row with a negative code has 0 in all of them.
type Codes struct{ First, Levels int }

// A Block is the rows of one chunk, as stored. A consumer must not change it; it stays valid, but for the copies that the engine makes of
// a scratch file's during a pass, which are used again.
type Block struct {
	First, Rows int // rows First, First+1, … of the whole data

	dense cells     // read by Dense and Panel
	Codes [][]int32 // [code column][row]
	// Row r of the sparse part is Index and Value[Start[r]:Start[r+1]], indices ascending. len(Start) is Rows+1.
	// A nil Value is all ones. Entries reads a row.
	Start  []int
	Index  []int32
	Value  Stored
	Inputs [][]float64 // [input][row]

	from *buffer // of a scratch file
}

// Dense writes the stored values of dense column d, of the block's first rows, to out.
func (b *Block) Dense(d int, out []float64) {
	for p := 0; len(out) > 0; p++ {
		n := min(len(out), kernel.Rows)
		b.dense.read(p, d, out[:n])
		out = out[n:]
	}
}

// Panel writes the stored values of rows 64p to 64p+63 of all dense columns: row 64p+r of column d to out[d*64+r],
// 0 after the last row.
func (b *Block) Panel(p int, out []float64) {
	if b.dense.plan == nil {
		return
	}
	for d := range b.dense.plan.Dense {
		b.dense.read(p, d, out[d*kernel.Rows:][:kernel.Rows])
	}
}

// Entries is row r of the sparse part. The values may stand in buffer, which grows as needed: pass the last result, of the
// same source.
func (b *Block) Entries(r int, buffer []float64) (index []int32, value []float64) {
	lo, hi := b.Start[r], b.Start[r+1]
	if v, ok := b.Value.(Float64s); ok {
		return b.Index[lo:hi], v[lo:hi]
	}
	if cap(buffer) < hi-lo {
		buffer = make([]float64, hi-lo, 2*(hi-lo))
	}
	buffer = buffer[:hi-lo]
	if b.Value != nil {
		b.Value.Read(buffer, lo)
		return b.Index[lo:hi], buffer
	}
	for k := range buffer {
		buffer[k] = 1
	}
	return b.Index[lo:hi], buffer
}

// A Source gives the rows, a chunk at a time, any number of times, in any order and from any goroutine.
// Chunk k is rows k*ChunkRows up to (k+1)*ChunkRows or the end. An error from Chunk ends the pass.
type Source interface {
	Layout() *Layout
	ChunkRows() int // ChunkRows(Layout()): sums depend on it
	Chunk(k int) (Block, error)
}

const (
	minBlock = kernel.Rows
	maxBlock = 1024
	// a block should stay in the second-level cache between forward and backward
	// (measured: research on block sizes 64 … 2048 at 28 and 2000 columns)
	blockBytes = 512 << 10
	maxChunk   = 16384
)

// blockRows is the number of rows run at once: blockBytes of dense columns, 64 to 1024 rows, a multiple of 64.
func blockRows(l *Layout) int {
	bytes := 4*len(l.Codes) + 8*len(l.Inputs)
	for d := range l.Dense {
		bytes += l.kind(d).Bytes()
	}
	if bytes == 0 {
		return maxBlock
	}
	return min(max(blockBytes/bytes/kernel.Rows*kernel.Rows, minBlock), maxBlock)
}

// ChunkRows is the number of rows whose sums are added to one leaf of the adding tree. It depends on the columns
// and their storage only: a block, or, where sums have many components that one row hardly touches (codes and
// sparse rows), as many blocks as make adding cheap, up to 16384 rows.
func ChunkRows(l *Layout) int {
	b := blockRows(l)
	c := b
	if l.Sparse || len(l.Codes) > 0 {
		for c < l.Features-len(l.Dense) && c < maxChunk {
			c *= 2
		}
	}
	return c
}

// chunks is the number of chunks of the whole data.
func (l *Layout) chunks() int {
	c := ChunkRows(l)
	return (l.Rows + c - 1) / c
}

// Check says what is wrong with a layout: numbers out of range, a feature stored twice, a name given twice.
func (l *Layout) Check() error {
	if l.Rows < 0 || l.Features < 0 {
		return fmt.Errorf("engine: layout of %d rows and %d features", l.Rows, l.Features)
	}
	for name, v := range map[string][]float64{"centers": l.Center, "scales": l.Scale} {
		if v != nil && len(v) != l.Features {
			return fmt.Errorf("engine: layout has %d %s for %d features", len(v), name, l.Features)
		}
	}
	if l.Kinds != nil && len(l.Kinds) != len(l.Dense) {
		return fmt.Errorf("engine: layout has %d kinds for %d dense columns", len(l.Kinds), len(l.Dense))
	}
	for d, k := range l.Kinds {
		if k >= kinds {
			return fmt.Errorf("engine: dense column %d is of %v", d, k)
		}
	}
	seen := make([]bool, l.Features)
	take := func(j int, what string) error {
		if j < 0 || j >= l.Features {
			return fmt.Errorf("engine: %s holds feature %d, the layout has %d", what, j, l.Features)
		}
		if seen[j] {
			return fmt.Errorf("engine: feature %d is stored twice, the second time in %s", j, what)
		}
		seen[j] = true
		return nil
	}
	for d, j := range l.Dense {
		if err := take(j, fmt.Sprintf("dense column %d", d)); err != nil {
			return err
		}
	}
	for k, c := range l.Codes {
		if c.Levels < 0 {
			return fmt.Errorf("engine: code column %d has %d levels", k, c.Levels)
		}
		for v := range c.Levels {
			if err := take(c.First+v, fmt.Sprintf("code column %d", k)); err != nil {
				return err
			}
		}
	}
	names := map[string]bool{}
	for _, n := range l.Inputs {
		if names[n] {
			return fmt.Errorf("engine: the layout has two inputs %q", n)
		}
		names[n] = true
	}
	return nil
}

// kind is that of dense column d.
func (l *Layout) kind(d int) Kind {
	if l.Kinds == nil {
		return Float64
	}
	return l.Kinds[d]
}

// scale is what feature j is multiplied by, center what is taken from it before.
func (l *Layout) scale(j int) float64 {
	if l.Scale == nil {
		return 1
	}
	return l.Scale[j]
}

func (l *Layout) center(j int) float64 {
	if l.Center == nil {
		return 0
	}
	return l.Center[j]
}
