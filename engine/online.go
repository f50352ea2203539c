package engine

import (
	"errors"
	"fmt"
	"math"

	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/internal/kernel"
)

// ErrNotOnline is returned by NewOnline for a cost that is no mean over rows of a function of one dot(w, x) plus a bias (a hidden layer, say).
var ErrNotOnline = errors.New("engine: the cost is not a mean over rows of a function of dot(w, x) + b")

// An Online makes the gradient of a cost for rows that come once, a few at a time, and touches only the weights that these rows have: its work does not
// grow with the number of features, which may grow as rows come. The cost is a mean over rows of L(u), u = dot(W, x) + b. L and its slope ∂L/∂u come out
// of the graph, compiled as every other cost is; ∂/∂w_j = Σ_r slope_r x_rj is what the chain rule makes of dot. It is not safe for concurrent use.
type Online struct {
	e     *Engine
	f     *frame
	sets  int
	own   [][]float64 // u, a column for each set
	input [][]float64 // the columns of a batch
	n     int         // of them before u
	loss  []float64   // of every row, with its weight
	slope []float64   // rows × sets
	piece []float64   // the slope of one set
	stamp int32       // of the batch
}

// OnlineRows are rows of a mini-batch.
type OnlineRows struct {
	Rows   int
	Dense  []float64   // in panels: row 64p+r of column d of D is Dense[(p*D+d)*64+r]; 0 after the last row
	Codes  [][]int32   // [code column][row]; a negative code has no weight
	Start  []int       // (rows+1) row r has the entries Start[r] … Start[r+1]; nil: no sparse part
	Index  []int32     //
	Value  []float64   //
	Inputs [][]float64 // [input][row], the inputs named to NewOnline
}

// OnlineWeights are the weights of one set, by where features are stored.
type OnlineWeights struct {
	Bias   float64
	Dense  []float64   // by dense column
	Codes  [][]float64 // [code column][level]
	Sparse []float64   // by sparse feature
}

// OnlineSums are the derivatives of Σ L over the rows of a batch, by where features are stored. Those of codes and sparse features are 0 but for what was touched.
type OnlineSums struct {
	Bias   float64
	Dense  []float64
	Codes  [][]float64
	Sparse []float64
}

// Touched are the levels and sparse features that the rows of a batch have, each once, in the order in which rows have them.
type Touched struct {
	Codes  [][]int32
	Sparse []int32

	codes  [][]int32 // the batch that touched it last
	sparse []int32
}

// NewOnline derives and compiles the cost root of a graph: weights and bias are the names of its parameters, inputs those of its per-row leaves besides
// x, a vector y of K components as y[0] … y[K-1]; in gives the other leaves.
func NewOnline(g *graph.Graph, root, weights, bias string, inputs []string, in Values, noFused bool) (*Online, error) {
	fail := func(err error) (*Online, error) { return nil, fmt.Errorf("engine: %w", err) }
	J, ok := g.Lookup(root)
	if !ok {
		return nil, fmt.Errorf("engine: nothing is called %q", root)
	}
	of := make([]*graph.Node, 2)
	for i, name := range []string{weights, bias} {
		n, ok := g.Lookup(name)
		if !ok || n.Leaf == nil || n.Leaf.Kind != graph.Parameter {
			return nil, fmt.Errorf("engine: %q is no parameter of the equations", name)
		}
		of[i] = n
	}
	if J.Op == nil || J.Op.Role != graph.OverRows {
		return nil, ErrNotOnline
	}
	loss, _, err := g.Simplify(J.Args[0])
	if err != nil {
		return fail(err)
	}
	l := &Layout{Features: of[0].Shape.Size() / of[1].Shape.Size(), Inputs: inputs}
	b := &Objective{e: &Engine{layout: newPlan(l)}, g: g, of: of}
	h := &headSearch{b: b, params: map[*graph.Node]int{of[0]: 0, of[1]: 1}, depends: map[*graph.Node]bool{}, users: map[*graph.Node][]*graph.Node{}}
	dot, w := h.dot(loss)
	if dot == nil || w != 0 {
		return nil, ErrNotOnline
	}
	if head, at := h.withOffsets(dot); at != 1 || h.reach(loss, head) {
		return nil, ErrNotOnline
	}
	o := &Online{sets: dot.Shape.Size(), n: len(inputs)}
	name := fmt.Sprintf("linear_%d", dot.ID)
	u, err := g.Leaf(graph.Leaf{Kind: graph.Input, Name: name, Shape: dot.Shape})
	if err != nil {
		return fail(err)
	}
	l.Inputs = append(append([]string(nil), inputs...), name)
	if o.sets > 1 {
		l.Inputs = l.Inputs[:o.n]
		for k := range o.sets {
			l.Inputs = append(l.Inputs, fmt.Sprintf("%s[%d]", name, k))
		}
	}
	// u has the bias in it, so the graph's own is 0.
	L := g.Replace(loss[0], map[*graph.Node]*graph.Node{dot: u})
	slope, err := g.Gradient(L, u)
	if err != nil {
		return fail(err)
	}
	out, _, err := g.Simplify(L, slope[0])
	if err != nil {
		return fail(err)
	}
	if len(outerMeans(out...)) > 0 {
		return nil, ErrNotOnline
	}
	if out[1].Shape.Size() != o.sets || !out[1].Shape.PerRow {
		return nil, ErrNotOnline
	}
	p, err := CompileWith(g, l, CompileOptions{NoFused: noFused}, Output{Name: root, Node: out[0], Keep: true}, Output{Name: "d" + name, Node: out[1], Keep: true})
	if err != nil {
		return nil, err
	}
	if in.Of, err = with(in.Of, bias, make([]float64, o.sets)); err != nil {
		return nil, err
	}
	o.e = &Engine{layout: newPlan(l), kernels: kernel.Best[float64](), chunk: maxBlock, block: maxBlock}
	st := &runState{p: p, e: o.e, kept: make([][]float64, 2), columns: make([][]float64, len(p.inputs)), stride: make([]int, len(p.inputs))}
	for _, c := range p.inputs {
		if c.source < 0 {
			return nil, fmt.Errorf("engine: no column %q; the data have %s", c.leaf, list(inputs))
		}
	}
	if st.values, err = evalUniform(in, p.uniforms); err != nil {
		return nil, err
	}
	o.f = p.newFrame(o.e)
	o.f.begin(st)
	o.own, o.input = make([][]float64, o.sets), make([][]float64, o.n+o.sets)
	return o, nil
}

// Loss is Σ L of the rows at the weights; to becomes the gradient of it, and touched says where that may not be 0. Levels and features beyond the weights
// that there are have weight 0; to and touched grow to hold them. Sums that the last batch touched must have been set to 0 again.
func (o *Online) Loss(b *OnlineRows, at []OnlineWeights, to []OnlineSums, touched *Touched) (float64, error) {
	o.forward(b, at)
	copy(o.input, b.Inputs)
	for k := range o.own {
		o.input[o.n+k] = o.own[k][:b.Rows]
	}
	if err := o.run(b.Rows); err != nil {
		return 0, err
	}
	var loss float64
	for _, v := range o.loss[:b.Rows] {
		loss += v
	}
	o.touch(b, to, touched)
	for k := range to {
		o.backward(b, k, &to[k])
	}
	return loss, nil
}

func (o *Online) forward(b *OnlineRows, at []OnlineWeights) {
	n := padded(b.Rows)
	for k := range at {
		w := &at[k]
		if cap(o.own[k]) < n {
			o.own[k] = make([]float64, n)
		}
		u := o.own[k][:n]
		o.own[k] = u
		for i := range u {
			u[i] = w.Bias
		}
		if D := len(w.Dense); D > 0 {
			for p := 0; p < n; p += kernel.Rows {
				o.e.kernels.F64.Forward(u[p:p+kernel.Rows], b.Dense[p*D:], kernel.Rows, w.Dense)
			}
		}
		for c, codes := range b.Codes {
			weights := w.Codes[c]
			for r, code := range codes[:b.Rows] {
				if code >= 0 && int(code) < len(weights) {
					u[r] += weights[code]
				}
			}
		}
		if b.Start == nil {
			continue
		}
		for r := range b.Rows {
			var sum float64
			for i := b.Start[r]; i < b.Start[r+1]; i++ {
				if j := b.Index[i]; int(j) < len(w.Sparse) {
					sum += float64(b.Value[i] * w.Sparse[j])
				}
			}
			u[r] += sum
		}
	}
}

// run is the compiled loss and slope of the rows.
func (o *Online) run(m int) error {
	if cap(o.loss) < m {
		o.loss, o.slope, o.piece = make([]float64, m), make([]float64, m*o.sets), make([]float64, padded(m))
	}
	o.loss, o.slope = o.loss[:m], o.slope[:m*o.sets]
	o.f.kept[0], o.f.kept[1] = o.loss, o.slope
	block := Block{Rows: m, Inputs: o.input}
	for at := 0; at < m; at += o.e.block {
		if err := o.f.run(rows{&block, at, min(o.e.block, m-at), nil}, nil); err != nil {
			return err
		}
	}
	return nil
}

// touch lists what the rows have, and makes room for it.
func (o *Online) touch(b *OnlineRows, to []OnlineSums, t *Touched) {
	if o.stamp == math.MaxInt32 {
		for _, c := range t.codes {
			clear(c)
		}
		clear(t.sparse)
		o.stamp = 0
	}
	o.stamp++
	for len(t.Codes) < len(b.Codes) {
		t.Codes, t.codes = append(t.Codes, nil), append(t.codes, nil)
	}
	for c, codes := range b.Codes {
		list, last := t.Codes[c][:0], t.codes[c]
		for _, code := range codes[:b.Rows] {
			if code < 0 {
				continue
			}
			if int(code) >= len(last) {
				last = sized(last, int(code)+1)
			}
			if last[code] != o.stamp {
				last[code] = o.stamp
				list = append(list, code)
			}
		}
		t.Codes[c], t.codes[c] = list, last
	}
	t.Sparse = t.Sparse[:0]
	if b.Start != nil {
		for _, j := range b.Index[b.Start[0]:b.Start[b.Rows]] {
			if int(j) >= len(t.sparse) {
				t.sparse = sized(t.sparse, int(j)+1)
			}
			if t.sparse[j] != o.stamp {
				t.sparse[j] = o.stamp
				t.Sparse = append(t.Sparse, j)
			}
		}
	}
	for k := range to {
		s := &to[k]
		for len(s.Codes) < len(b.Codes) {
			s.Codes = append(s.Codes, nil)
		}
		for c := range s.Codes {
			s.Codes[c] = sized(s.Codes[c], len(t.codes[c]))
		}
		s.Sparse = sized(s.Sparse, len(t.sparse))
	}
}

// sized is v with n components at least; new ones are 0.
func sized[T int32 | float64](v []T, n int) []T {
	if n <= len(v) {
		return v
	}
	if n <= cap(v) {
		return v[:n]
	}
	out := make([]T, n, max(n, 2*cap(v)))
	copy(out, v)
	return out
}

func (o *Online) backward(b *OnlineRows, k int, to *OnlineSums) {
	s := o.slope
	if o.sets > 1 {
		s = o.piece[:b.Rows]
		for r := range s {
			s[r] = o.slope[r*o.sets+k]
		}
	}
	n := padded(b.Rows)
	all := o.piece[:n]
	copy(all, s)
	clear(all[b.Rows:])
	to.Bias = o.e.kernels.SumRows(all)
	if D := len(to.Dense); D > 0 {
		clear(to.Dense)
		o.e.kernels.F64.Backward(to.Dense, b.Dense, D*kernel.Rows, kernel.Rows, all)
	}
	for c, codes := range b.Codes { // one sum a level, however many levels there are so far: kernel.Scatter has more of few levels
		sum := to.Codes[c]
		for r, code := range codes[:b.Rows] {
			if code >= 0 {
				sum[code] += s[r]
			}
		}
	}
	if b.Start != nil {
		kernel.SparseBackward(to.Sparse, b.Start[:b.Rows+1], b.Index, b.Value, s)
	}
}
