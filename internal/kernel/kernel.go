// Package kernel holds the loops over rows: the plain Go form of every one of them, and the table by which the
// engine finds them.
//
// A kernel sees slices and numbers, never a graph or a file. Rows come in panels of 64 ([Rows]); the last panel of a
// column is padded. The bits of every result are fixed by a small machine that any processor can follow:
//
//   - 16 float32 or 8 float64 lanes ([Lanes]); row r of a block belongs to lane r mod Lanes;
//   - a product is rounded before it is added: no fused multiply-add (hence T(a*b) + c everywhere);
//   - lane sums start at 0 with every block, take the rows in ascending order, are folded in halves
//     (lane i takes lane i+L/2, then i+L/4 …), and the fold is added to a float64 sum.
//
// A faster set (assembly) must give these bits; [Plain] is its twin and its test.
//
// Lengths are the caller's business: a kernel panics when a slice is too short, as Go does.
package kernel

// Rows is the number of rows in a panel.
const Rows = 64

// Float is the type of a column's cells in a block.
type Float interface{ float32 | float64 }

// Lanes is the number of running sums of a reduction over rows: 64 bytes of T.
func Lanes[T Float]() int {
	var t T
	if _, ok := any(t).(float32); ok {
		return 16
	}
	return 8
}

// Stored is the type of a column's cells in memory. A kernel turns a cell into its arithmetic's T when it reads it: exact
// for every kind when T is float64; float32 arithmetic rounds cells that have more than 24 bits.
type Stored interface {
	int8 | int16 | int32 | float32 | float64
}

// Panels are the kernels over dense panels of cells S in arithmetic of T.
type Panels[T Float, S Stored] struct {
	// Forward adds Σ_j w[j]*x[j*stride+r], j ascending, to z[r] for the 64 rows of a panel.
	Forward func(z []T, x []S, stride int, w []T)
	// Backward adds Σ_r x[j][r]*s[r] to sum[j]. Row r of column j is x[(r/64)*panel + j*column + r%64]; len(s) is a multiple of 64.
	Backward func(sum []float64, x []S, panel, column int, s []T)
	// Widen is out[i] = T(x[i]), of any length.
	Widen func(out []T, x []S)
}

// Set is one implementation of all kernels. Map kernels work on any length; out may be one of the arguments.
type Set[T Float] struct {
	Name string

	I8  Panels[T, int8]
	I16 Panels[T, int16]
	I32 Panels[T, int32]
	F32 Panels[T, float32]
	F64 Panels[T, float64]

	// Tile adds Σ_r a_i[r]*b_j[r] to sum[i*ld+j] for i < na and j < nb, over 64*panels rows. Row r of a's column i is
	// a[(r/64)*panelA + i*64 + r%64], b alike. Each sum has the bits of Gram.
	Tile func(sum []float64, ld int, a []T, panelA, na int, b []T, panelB, nb, panels int)
	// Gram is Σ_r a[r]*b[r], both in panels at the given distance, over the given number of panels.
	Gram func(a []T, panelA int, b []T, panelB, panels int) float64
	// SumRows is Σ_r a[r].
	SumRows func(a []T) float64

	Map1 map[string]func(out, a []T)    // by op: neg, exp, expnabs, log, log1p, sigmoid …
	Map2 map[string]func(out, a, b []T) // add, sub, mul, div, max, gt, mask
	// Map3 holds pick: out = a < 0 ? c : b (NaN where a is).
	Map3 map[string]func(out, a, b, c []T)

	Fused []Fused[T] // tried in this order
}

// Fused is a kernel that does the work of several nodes. It is found in a graph by its equations and may be used
// wherever they match, on any expressions for the letters in In.
type Fused[T Float] struct {
	Equations string   // "L = softplus(z) - t*z; dz = sigmoid(z) - t"
	In, Out   []string // letters of the arguments, and the names the equations define
	// Run fills out from in, all of one length. An out that nobody wants is nil. No out may be one of in.
	Run func(out, in [][]T)
}

// Plain is the set in plain Go.
func Plain[T Float]() *Set[T] {
	var t T
	if _, ok := any(t).(float32); ok {
		return any(plain32).(*Set[T])
	}
	return any(plain64).(*Set[T])
}

var (
	plain32 = newPlain(map1s(exp32, expNegAbs32, log32, log1p32, tanh32))
	plain64 = newPlain(map1s(exp64, expNegAbs64, log64, log1p64, tanh64))
)

func newPlain[T Float](map1 map[string]func(out, a []T)) *Set[T] {
	return &Set[T]{
		Name:    "plain",
		I8:      plainPanels[T, int8](),
		I16:     plainPanels[T, int16](),
		I32:     plainPanels[T, int32](),
		F32:     plainPanels[T, float32](),
		F64:     plainPanels[T, float64](),
		Tile:    tile[T],
		Gram:    gram[T, T],
		SumRows: sumRows[T],
		Map1:    map1,
		Map2:    map2[T](),
		Map3:    map[string]func(out, a, b, c []T){"pick": pick[T]},
		Fused:   fused[T](),
	}
}

// Best is the fastest set this processor runs. Its results have the bits of [Plain].
func Best[T Float]() *Set[T] {
	s := sets[T]()
	return s[len(s)-1]
}

// sets are all sets that this processor runs, slowest first.
func sets[T Float]() []*Set[T] {
	if s, ok := any(sets64).([]*Set[T]); ok {
		return s
	}
	return any(sets32).([]*Set[T])
}
