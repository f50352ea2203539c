package engine

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/internal/kernel"
)

// An Output is what a Program computes: the sum of a node over the rows, or, with Keep, its value for every row.
type Output struct {
	Name string
	Node *graph.Node // one value per row
	Keep bool
}

// Values are what a pass needs beside the data.
type Values struct {
	// M is what a mean divides its sum by, the sum of row weights. 0 stands for the number of rows.
	// Only Objective divides; Run gives sums.
	M float64
	// Of holds the values that are the same for all rows, by leaf name, row-major.
	Of map[string][]float64
	// Columns holds columns by leaf name, for every row of this process its components. They stand before the
	// columns of that name in the data.
	Columns map[string][]float64
}

// A Result holds sums and columns by the name of their output.
type Result struct {
	Sums map[string][]float64
	Kept map[string][]float64 // for every row of this process its components
}

// A Program computes sums and columns of a graph over blocks of rows: a list of instructions, each over all rows of a
// block. It may be used by several passes at a time.
type Program struct {
	layout   *Layout
	outputs  []output
	uniforms []*graph.Node // same for all rows: evaluated by the interpreter, once a pass
	weights  []weightUse
	instrs   []instr
	inputs   []input
	splats   []splat
	temps    int // columns of a block's own memory
	sumSize  int
	lines    []string

	pool sync.Pool // *frame
}

// A slot is where a value of size components per row lives while a block runs.
type slot struct {
	kind        slotKind
	size        int
	at          int // its first column in frame.temp, frame.splat or frame.input
	first, last int // instructions that write it and read it last
	name        string
}

type slotKind uint8

const (
	temporary slotKind = iota
	uniform            // the same for all rows: a column filled before the pass
	given              // a column of the data
)

type instr struct {
	in, out []*slot
	run     func(f *frame)
}

// input is one column of the data: of the source, or of Values.Columns.
type input struct {
	leaf      string
	size      int
	component int
	source    int // in Layout.Inputs; -1: not there
}

type splat struct {
	uniform int // of Program.uniforms
	size    int
	at      int
}

// weightUse is a weight vector of a forward instruction: row k of a uniform value, or the whole of it; negated or not.
type weightUse struct{ uniform, row int }

type output struct {
	Output
	keep  *slot
	terms []term
}

// A term is a part of a sum: of the columns times a factor (design), to be finished by feature, or of one component.
type term struct {
	design  bool
	at      int // in the sum
	into    int // first component of the output
	negated bool
}

// A runState is what one pass shares between its workers.
type runState struct {
	p       *Program
	e       *Engine
	counts  []uint16
	values  [][]float64 // of uniforms
	weights []weights
	columns [][]float64 // per input: a given column of this process, stride components; nil: the source's
	stride  []int
	kept    [][]float64 // per output
}

// A frame is the memory of one worker.
type frame struct {
	*runState
	rows
	n        int // padded rows
	block    int
	temp     []float64
	splat    []float64
	pad      []float64 // a column for every input
	input    [][]float64
	mask     []float64
	masked   []float64
	row      []float64
	sum      []float64
	z        [][]float64
	widened  []float64
	panels   []float64
	keptFrom int // the row that kept columns begin with
	in, outs [][]float64
}

func (f *frame) col(s *slot, k int) []float64 {
	if k >= s.size {
		k = 0 // a scalar beside a vector
	}
	switch s.kind {
	case temporary:
		return f.temp[(s.at+k)*f.block:][:f.n]
	case uniform:
		return f.splat[(s.at+k)*f.block:][:f.n]
	}
	return f.input[s.at+k]
}

// Run makes one pass of a program over the rows that the mask leaves. The error names what in has too little of, or
// in a wrong size. Without rows the sums are 0.
func (e *Engine) Run(ctx context.Context, p *Program, in Values, mask Mask) (*Result, error) {
	kept := make([][]float64, len(p.outputs))
	for i, o := range p.outputs {
		if o.Keep {
			kept[i] = make([]float64, e.Rows()*o.Node.Shape.Size())
		}
	}
	sums, err := e.run(ctx, p, in, mask, kept)
	if err != nil {
		return nil, err
	}
	r := &Result{Sums: map[string][]float64{}, Kept: map[string][]float64{}}
	for i, o := range p.outputs {
		if o.Keep {
			r.Kept[o.Name] = kept[i]
		} else {
			r.Sums[o.Name] = sums[i]
		}
	}
	return r, nil
}

// run is Run with memory for the kept columns; the sums are by output.
func (e *Engine) run(ctx context.Context, p *Program, in Values, mask Mask, kept [][]float64) ([][]float64, error) {
	st, err := e.ready(p, in, mask, kept)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var frames []*frame
	total, err := e.sums(ctx, mask.Chunks, p.sumSize, func() worker {
		f, _ := p.pool.Get().(*frame)
		if f == nil || f.block != e.block {
			f = p.newFrame(e)
		}
		f.begin(st)
		mu.Lock()
		frames = append(frames, f)
		mu.Unlock()
		return f
	})
	for _, f := range frames {
		f.runState, f.rows, f.sum = nil, rows{}, nil
		p.pool.Put(f)
	}
	if err != nil {
		return nil, err
	}
	return p.finish(e.layout, total), nil
}

// ready checks the values of a pass and prepares what its workers share.
func (e *Engine) ready(p *Program, in Values, mask Mask, kept [][]float64) (*runState, error) {
	if p.layout != e.layout.Layout && !sameColumns(p.layout, e.layout.Layout) {
		return nil, fmt.Errorf("engine: the program was compiled for other columns")
	}
	if mask.Counts != nil && len(mask.Counts) != e.Rows() {
		return nil, fmt.Errorf("engine: mask of %d rows, there are %d", len(mask.Counts), e.Rows())
	}
	st := &runState{p: p, e: e, counts: mask.Counts, kept: kept}
	var err error
	if st.values, err = evalUniform(in, p.uniforms); err != nil {
		return nil, err
	}
	st.weights = make([]weights, len(p.weights))
	for i, u := range p.weights {
		v := st.values[u.uniform]
		e.layout.set(&st.weights[i], v[u.row*e.layout.Features:][:e.layout.Features])
	}
	st.columns, st.stride = make([][]float64, len(p.inputs)), make([]int, len(p.inputs))
	for i, u := range p.inputs {
		c, ok := in.Columns[u.leaf]
		if !ok {
			if u.source < 0 {
				return nil, fmt.Errorf("engine: no column %q; the data have %s", u.leaf, list(e.layout.Inputs))
			}
			continue
		}
		if len(c) != e.Rows()*u.size {
			return nil, fmt.Errorf("engine: column %q has %d numbers, want %d for each of %d rows", u.leaf, len(c), u.size, e.Rows())
		}
		st.columns[i], st.stride[i] = c[min(u.component, len(c)):], u.size
	}
	return st, nil
}

// evalUniform runs the interpreter on nodes that are the same for all rows. Leaves that are per row can only lend
// their shape (fill): one row of zeros does.
func evalUniform(in Values, nodes []*graph.Node) ([][]float64, error) {
	if len(nodes) == 0 {
		return nil, nil
	}
	of, ours := in.Of, false
	for _, n := range graph.Below(nodes...) {
		if n.Leaf != nil && n.Shape.PerRow {
			if !ours {
				of, ours = map[string][]float64{}, true
				maps.Copy(of, in.Of)
			}
			of[n.Leaf.Name] = make([]float64, n.Shape.Size())
		}
	}
	v, err := graph.Eval(graph.Values{Rows: 1, M: in.M, Of: of}, nodes...)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	return v, nil
}

func (p *Program) newFrame(e *Engine) *frame {
	f := &frame{block: e.block}
	f.temp = make([]float64, p.temps*e.block)
	n := 0
	for _, s := range p.splats {
		n += s.size
	}
	f.splat = make([]float64, n*e.block)
	f.pad = make([]float64, len(p.inputs)*e.block)
	f.input = make([][]float64, len(p.inputs))
	f.mask, f.masked = make([]float64, e.block), make([]float64, e.block)
	return f
}

// begin readies a frame for a pass.
func (f *frame) begin(st *runState) {
	f.runState = st
	for _, s := range st.p.splats {
		for k, v := range st.values[s.uniform] {
			c := f.splat[(s.at+k)*f.block:][:f.block]
			for i := range c {
				c[i] = v
			}
		}
	}
}

// run is one piece of a block through all instructions.
func (f *frame) run(r rows, sum []float64) error {
	f.rows, f.sum, f.n = r, sum, padded(r.n)
	at := r.at(f.e)
	for i, u := range f.p.inputs {
		pad := f.pad[i*f.block:][:f.n]
		switch c := f.columns[i]; {
		case c == nil && f.n == r.n:
			f.input[i] = r.Inputs[u.source][r.lo : r.lo+r.n]
		case c == nil:
			column(pad, r.Inputs[u.source], r.lo, r.n)
			f.input[i] = pad
		case f.stride[i] == 1 && f.n == r.n:
			f.input[i] = c[at : at+r.n]
		default:
			for k := range r.n {
				pad[k] = c[(at+k)*f.stride[i]]
			}
			clear(pad[r.n:])
			f.input[i] = pad
		}
	}
	if f.counts != nil {
		for k, c := range f.counts[at : at+r.n] {
			f.mask[k] = float64(c)
		}
		clear(f.mask[r.n:f.n])
	}
	for i := range f.p.instrs {
		f.p.instrs[i].run(f)
	}
	return nil
}

// counted is a column ready to be summed: times the mask, and 0 after the last row.
func (f *frame) counted(s *slot, k int) []float64 {
	v := f.col(s, k)
	switch {
	case f.counts != nil:
		out := f.masked[:f.n]
		f.e.kernels.Map2["mask"](out, v, f.mask[:f.n])
		return out
	case f.n == f.rows.n:
		return v
	}
	out := f.masked[:f.n]
	column(out, v, 0, f.rows.n)
	return out
}

// finish puts the outputs together from the total of a pass.
func (p *Program) finish(l *plan, total []float64) [][]float64 {
	sums := make([][]float64, len(p.outputs))
	var x []float64
	for i, o := range p.outputs {
		if o.Keep {
			continue
		}
		out := make([]float64, o.Node.Shape.Size())
		for _, t := range o.terms {
			v := total[t.at : t.at+1]
			if t.design {
				if x == nil {
					x = make([]float64, l.Features)
				}
				l.finish(x, total[t.at:][:l.rawSize()])
				v = x
			}
			to := out[t.into:][:len(v)]
			for k, u := range v {
				if t.negated {
					u = -u
				}
				to[k] += u
			}
		}
		sums[i] = out
	}
	return sums
}

// String lists the instructions, one a line: what runs for every block of rows.
func (p *Program) String() string { return strings.Join(p.lines, "\n") + "\n" }

func sameColumns(a, b *Layout) bool {
	if a.Features != b.Features || a.Sparse != b.Sparse {
		return false
	}
	return equal(a.Dense, b.Dense) && equal(a.Codes, b.Codes) && equal(a.Inputs, b.Inputs) &&
		(a.Center == nil) == (b.Center == nil)
}

// equal compares slices; the same slice is not looked at.
func equal[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] {
		return true
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// begins is z = start + from.
func (f *frame) begins(z []float64, start float64, from []float64) {
	if from == nil {
		for k := range z {
			z[k] = start
		}
		return
	}
	for k := range z {
		z[k] = from[k] + start
	}
}

// wide is n numbers of the worker's own, for widened cells.
func (f *frame) wide(n int) []float64 {
	if cap(f.widened) < n {
		f.widened = make([]float64, n)
	}
	return f.widened[:n]
}

// panelled is K columns ready to be summed, as counted, in panels.
func (f *frame) panelled(s *slot, K int) []float64 {
	if cap(f.panels) < K*f.n {
		f.panels = make([]float64, K*f.block)
	}
	out := f.panels[:K*f.n]
	for k := range K {
		v := f.counted(s, k)
		for p := 0; p < f.n; p += panelRows {
			copy(out[p*K+k*panelRows:][:panelRows], v[p:])
		}
	}
	return out
}

const panelRows = kernel.Rows
