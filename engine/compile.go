package engine

import (
	"errors"
	"fmt"
	"math/big"
	"sort"
	"strings"

	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/internal/kernel"
)

// CompileOptions of CompileWith. The zero value is what Compile uses.
type CompileOptions struct {
	// NoFused runs every node by itself. Results agree to rounding.
	NoFused bool
	// Given are nodes that need not be computed: their values are the columns of these names (Values.Columns, or
	// the data). A second pass takes what a first one kept.
	Given map[*graph.Node]string
}

// Compile makes a program that computes the outputs from the columns of a layout. The error names what it cannot
// run: a leaf that is not in the data, or a mean over all rows below a value of each row.
//
// A leaf that is per row is a column of l.Inputs (a vector y the columns y[0], y[1] …), or, for one vector of
// l.Features components, the design: the features. Everything else comes with Values.
func Compile(g *graph.Graph, l *Layout, out ...Output) (*Program, error) {
	return CompileWith(g, l, CompileOptions{}, out...)
}

// CompileWith is Compile with options.
func CompileWith(g *graph.Graph, l *Layout, o CompileOptions, out ...Output) (*Program, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	c := &compiler{
		g: g, layout: l, p: &Program{layout: l}, kernels: kernel.Plain[float64](),
		memo: map[*graph.Node]*slot{}, given: map[*graph.Node]string{}, owner: map[*graph.Node]*group{},
		uniformAt: map[*graph.Node]int{}, inputAt: map[string]int{}, sumAt: map[string]int{}, names: map[*graph.Node]string{}, touches: map[*graph.Node]bool{},
	}
	if err := c.compile(o, out); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	return c.p, nil
}

var one = big.NewRat(1, 1)

type compiler struct {
	g       *graph.Graph
	layout  *Layout
	kernels *kernel.Set[float64]
	p       *Program

	groups    []*group
	owner     map[*graph.Node]*group // leaf that stands for an output of a fused kernel
	given     map[*graph.Node]string // leaf that stands for a column
	memo      map[*graph.Node]*slot
	uniformAt map[*graph.Node]int
	inputAt   map[string]int
	sumAt     map[string]int
	names     map[*graph.Node]string
	design    *graph.Node
	users     map[*graph.Node]int
	touches   map[*graph.Node]bool
	pieces    int
	slots     []*slot
}

// A group is one use of a fused kernel.
type group struct {
	row    *kernel.Fused[float64]
	in     []*graph.Node
	out    []*graph.Node // by output of the row; nil: not in the graph
	wanted []bool
	leaf   []*graph.Node // stands for the output below what is lowered
	slots  []*slot
}

func (c *compiler) compile(o CompileOptions, out []Output) error {
	for _, d := range c.g.Defs {
		c.names[d.Written] = d.Name
		if d.Runs != nil {
			c.names[d.Runs] = d.Name
		}
	}
	roots := make([]*graph.Node, len(out))
	for i, t := range out {
		if t.Node == nil {
			return fmt.Errorf("output %q has no node", t.Name)
		}
		roots[i] = t.Node
	}
	cut := map[*graph.Node]*graph.Node{}
	for n, name := range o.Given {
		leaf, err := c.standIn("given", n)
		if err != nil {
			return err
		}
		cut[n], c.given[leaf] = leaf, name
		c.names[leaf] = name
	}
	replaceAll(c.g, roots, cut)
	if !o.NoFused {
		if err := c.fuse(roots); err != nil {
			return err
		}
	}
	// The fused nodes become leaves; the rest is lowered.
	cut = map[*graph.Node]*graph.Node{}
	all := append([]*graph.Node(nil), roots...)
	for _, u := range c.groups {
		u.leaf = make([]*graph.Node, len(u.out))
		for k, n := range u.out {
			if !u.wanted[k] {
				continue
			}
			leaf, err := c.standIn("fused", n)
			if err != nil {
				return err
			}
			u.leaf[k], cut[n], c.owner[leaf] = leaf, leaf, u
			if name, ok := c.names[n]; ok {
				c.names[leaf] = name
			}
		}
		all = append(all, u.in...)
	}
	before := append([]*graph.Node(nil), all...)
	replaceAll(c.g, all, cut)
	all = c.g.Lower(all...)
	for i, n := range all {
		if name, ok := c.names[before[i]]; ok {
			c.names[n] = name
		}
	}
	at := len(roots)
	roots = all[:at]
	for _, u := range c.groups {
		at += copy(u.in, all[at:])
	}
	c.users = map[*graph.Node]int{}
	for _, n := range graph.Below(all...) {
		for _, a := range n.Args {
			c.users[a]++
		}
	}
	for _, n := range all {
		c.users[n]++
	}
	for i, n := range roots {
		t := output{Output: out[i]}
		if t.Keep {
			s, err := c.slot(n)
			if err != nil {
				return err
			}
			if s.size != t.Node.Shape.Size() {
				return fmt.Errorf("output %q has %d components, want %d", t.Name, s.size, t.Node.Shape.Size())
			}
			t.keep = s
			c.keep(i, s)
			c.line("keep  %s = %s", t.Name, s.name)
		} else if err := c.sum(&t, n, false, nil); err != nil {
			return err
		}
		c.p.outputs = append(c.p.outputs, t)
	}
	c.allocate()
	return nil
}

func replaceAll(g *graph.Graph, nodes []*graph.Node, with map[*graph.Node]*graph.Node) {
	if len(with) == 0 {
		return
	}
	for i, n := range nodes {
		nodes[i] = g.Replace(n, with)
	}
}

// standIn is a leaf in place of a node, the same for every compilation of the graph.
func (c *compiler) standIn(what string, n *graph.Node) (*graph.Node, error) {
	return c.g.Leaf(graph.Leaf{Kind: graph.Input, Name: fmt.Sprintf("%s_%d", what, n.ID), Shape: n.Shape.EachRow()})
}

func (c *compiler) line(format string, args ...any) {
	c.p.lines = append(c.p.lines, fmt.Sprintf(format, args...))
}

// fuse finds uses of the fused kernels below the roots by their equations, and which outputs are wanted.
func (c *compiler) fuse(roots []*graph.Node) error {
	taken := map[*graph.Node]*group{}
	index := map[*graph.Node]int{}
	nodes := graph.Below(roots...)
	for i := range c.kernels.Fused {
		row := &c.kernels.Fused[i]
		patterns, err := equations(row)
		if err != nil {
			return err
		}
		// softplus(-z) is an instance of softplus(z) too: the longer equation first
		specific := make([]int, len(patterns))
		for k := range specific {
			specific[k] = k
		}
		sort.SliceStable(specific, func(i, j int) bool {
			return len(patterns[specific[i]].String()) > len(patterns[specific[j]].String())
		})
		groups := map[string]*group{}
		type hit struct {
			node  *graph.Node
			out   int
			bound map[string]*graph.Node
		}
		var partial []hit
		place := func(u *group, h hit) {
			if u.out[h.out] == nil && taken[h.node] == nil {
				u.out[h.out] = h.node
				taken[h.node], index[h.node] = u, h.out
			}
		}
		for _, n := range nodes {
			if n.Op == nil || !n.Shape.PerRow || taken[n] != nil {
				continue
			}
			for _, k := range specific {
				bound, ok := patterns[k].Match(n)
				if !ok || !fits(n, row, bound) {
					continue
				}
				h := hit{n, k, bound}
				if len(bound) < len(row.In) {
					partial = append(partial, h)
					continue
				}
				key := ""
				for _, name := range row.In {
					key += fmt.Sprint(bound[name].ID, " ")
				}
				u := groups[key]
				if u == nil {
					u = &group{row: row, out: make([]*graph.Node, len(row.Out)), wanted: make([]bool, len(row.Out))}
					for _, name := range row.In {
						u.in = append(u.in, bound[name])
					}
					groups[key] = u
					c.groups = append(c.groups, u)
				}
				place(u, h)
				break
			}
		}
		// Outputs that need fewer letters join a use that has them.
		for _, h := range partial {
			for _, u := range c.groups {
				if u.row == row && agrees(u, h.bound) {
					place(u, h)
					break
				}
			}
		}
	}
	// What is wanted: walk down from the roots, jumping over the insides of fused kernels.
	seen := map[*graph.Node]bool{}
	var visit func(n *graph.Node)
	visit = func(n *graph.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if u := taken[n]; u != nil {
			u.wanted[index[n]] = true
			for _, a := range u.in {
				visit(a)
			}
			return
		}
		for _, a := range n.Args {
			visit(a)
		}
	}
	for _, n := range roots {
		visit(n)
	}
	used := c.groups[:0]
	for _, u := range c.groups {
		for _, w := range u.wanted {
			if w {
				used = append(used, u)
				break
			}
		}
	}
	c.groups = used
	return nil
}

// equations parses a row's equations, one pattern for each output.
func equations(row *kernel.Fused[float64]) ([]*graph.Pattern, error) {
	lines := strings.Split(row.Equations, ";")
	if len(lines) != len(row.Out) {
		return nil, fmt.Errorf("fused kernel %q: %d equations for %d outputs", row.Equations, len(lines), len(row.Out))
	}
	patterns := make([]*graph.Pattern, len(lines))
	for i, line := range lines {
		name, right, _ := strings.Cut(line, "=")
		if strings.TrimSpace(name) != row.Out[i] {
			return nil, fmt.Errorf("fused kernel %q: equation %d does not define %s", row.Equations, i+1, row.Out[i])
		}
		p, err := graph.ParsePattern(strings.TrimSpace(right))
		if err != nil {
			return nil, fmt.Errorf("fused kernel %q: %w", row.Equations, err)
		}
		patterns[i] = p
	}
	return patterns, nil
}

// fits: the first argument has the output's shape, the others too or are scalars.
func fits(n *graph.Node, row *kernel.Fused[float64], bound map[string]*graph.Node) bool {
	for i, name := range row.In {
		b := bound[name]
		if b == nil {
			continue
		}
		same := b.Shape.Rows == n.Shape.Rows && b.Shape.Cols == n.Shape.Cols
		if i == 0 && !(same && b.Shape.PerRow) || i > 0 && !same && !b.Shape.IsScalar() {
			return false
		}
	}
	return true
}

func agrees(u *group, bound map[string]*graph.Node) bool {
	for i, name := range u.row.In {
		if b, ok := bound[name]; ok && b != u.in[i] {
			return false
		}
	}
	return true
}

// ---- slots and instructions

func (c *compiler) newSlot(kind slotKind, size int, n *graph.Node) *slot {
	s := &slot{kind: kind, size: size, first: -1, last: -1}
	if n != nil {
		s.name = c.names[n]
	}
	if s.name == "" {
		s.name = fmt.Sprintf("v%d", len(c.slots)+1)
	}
	if kind == temporary {
		c.slots = append(c.slots, s)
	}
	return s
}

func (c *compiler) emit(in, out []*slot, run func(f *frame)) {
	at := len(c.p.instrs)
	c.p.instrs = append(c.p.instrs, instr{in, out, run})
	for _, s := range in {
		s.last = at
	}
	for _, s := range out {
		if s.first < 0 {
			s.first = at
		}
		s.last = max(s.last, at)
	}
}

// slot emits what is needed for the value of n at each row, once.
func (c *compiler) slot(n *graph.Node) (*slot, error) {
	if s, ok := c.memo[n]; ok {
		return s, nil
	}
	s, err := c.value(n)
	if err != nil {
		return nil, err
	}
	c.memo[n] = s
	return s, nil
}

func (c *compiler) slotsOf(nodes []*graph.Node) ([]*slot, error) {
	out := make([]*slot, len(nodes))
	for i, n := range nodes {
		s, err := c.slot(n)
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

func (c *compiler) value(n *graph.Node) (*slot, error) {
	switch {
	case !n.Shape.PerRow:
		u, err := c.uniform(n)
		if err != nil {
			return nil, err
		}
		size := n.Shape.Size()
		at := 0
		for _, s := range c.p.splats {
			at += s.size
		}
		c.p.splats = append(c.p.splats, splat{u, size, at})
		s := c.newSlot(uniform, size, n)
		s.at = at
		s.name = c.text(n)
		return s, nil
	case c.owner[n] != nil:
		return c.fused(c.owner[n], n)
	case n.Leaf != nil:
		return c.leaf(n)
	}
	switch n.Op.Name {
	case "add":
		if s, err := c.startedForward(n); s != nil || err != nil {
			return s, err
		}
	case "dot":
		if p, x, ok := c.designDot(n); ok {
			return c.forwardSlot(n, p, x, nil, nil)
		}
		if !n.Args[0].Shape.PerRow {
			return c.product(n, n.Args[0], n.Args[1], false)
		}
	case "dotT":
		if !n.Args[0].Shape.PerRow {
			return c.product(n, n.Args[0], n.Args[1], true)
		}
	}
	in, err := c.slotsOf(n.Args)
	if err != nil {
		return nil, err
	}
	out := c.newSlot(temporary, n.Shape.Size(), n)
	c.line("%s = %s(%s)", out.name, n.Op.Name, slotNames(in))
	c.emit(in, []*slot{out}, c.operation(n, in, out))
	return out, nil
}

func slotNames(s []*slot) string {
	names := make([]string, len(s))
	for i, s := range s {
		names[i] = s.name
	}
	return strings.Join(names, ", ")
}

func (c *compiler) text(n *graph.Node) string {
	if name, ok := c.names[n]; ok {
		return name
	}
	return n.Text(c.names)
}

// uniform registers a node for the interpreter.
func (c *compiler) uniform(n *graph.Node) (int, error) {
	if u, ok := c.uniformAt[n]; ok {
		return u, nil
	}
	for _, b := range graph.Below(n) {
		if b.Op != nil && b.Op.Name == "mean" {
			return 0, fmt.Errorf("%s needs a mean over all rows before a value of each row", c.text(n))
		}
	}
	u := len(c.p.uniforms)
	c.p.uniforms = append(c.p.uniforms, n)
	c.uniformAt[n] = u
	return u, nil
}

// leaf is a column of the data, or the design spread out.
func (c *compiler) leaf(n *graph.Node) (*slot, error) {
	name, isGiven := c.given[n]
	if !isGiven {
		name = n.Leaf.Name
	}
	size := n.Shape.Size()
	if !isGiven && c.isDesign(n) {
		return c.spreadDesign(n)
	}
	s := c.newSlot(given, size, nil)
	s.name = name
	s.at = len(c.p.inputs)
	if at, ok := c.inputAt[name]; ok {
		s.at = at
		return s, nil
	}
	found := false
	for k := range size {
		column := name
		if !n.Shape.IsScalar() {
			column = fmt.Sprintf("%s[%d]", name, k)
		}
		in := input{leaf: name, size: size, component: k, source: -1}
		for i, l := range c.layout.Inputs {
			if l == column {
				in.source, found = i, true
			}
		}
		c.p.inputs = append(c.p.inputs, in)
	}
	if !found && !isGiven && !n.Shape.IsScalar() && n.Shape.IsVector() {
		return nil, fmt.Errorf("%s is a vector of %d for every row: the data have %d features and the columns %s",
			name, size, c.layout.Features, list(c.layout.Inputs))
	}
	c.inputAt[name] = s.at
	return s, nil
}

// isDesign: a vector of as many components as there are features, and not among the inputs by name.
func (c *compiler) isDesign(n *graph.Node) bool {
	if n == c.design {
		return true
	}
	if n.Leaf == nil || n.Leaf.Kind == graph.Constant || !n.Shape.PerRow || !n.Shape.IsVector() || n.Shape.Size() != c.layout.Features ||
		c.design != nil || c.owner[n] != nil {
		return false
	}
	if _, ok := c.given[n]; ok {
		return false
	}
	for _, l := range c.layout.Inputs {
		if l == n.Leaf.Name+"[0]" {
			return false
		}
	}
	c.design = n
	return true
}

// maxSpread bounds the features of a design that is used other than in dot(w, x) and sums of s*x.
const maxSpread = 4096

func (c *compiler) spreadDesign(n *graph.Node) (*slot, error) {
	if c.layout.Features > maxSpread {
		return nil, fmt.Errorf("%s is used other than in dot(w, %s) and sums of s*%s: possible up to %d features, there are %d",
			n.Leaf.Name, n.Leaf.Name, n.Leaf.Name, maxSpread, c.layout.Features)
	}
	out := c.newSlot(temporary, c.layout.Features, n)
	out.name = n.Leaf.Name
	c.line("%s = columns", out.name)
	c.emit(nil, []*slot{out}, func(f *frame) {
		x := f.temp[out.at*f.block:]
		for p := 0; p*panelRows < f.n; p++ {
			f.e.spread(f.rows, p, x[p*panelRows:], f.block)
		}
	})
	return out, nil
}

// designDot: dot(P, x) or dot(x, p) with x the design and P the same for all rows.
func (c *compiler) designDot(n *graph.Node) (p, x *graph.Node, ok bool) {
	if n.Op == nil || n.Op.Name != "dot" {
		return nil, nil, false
	}
	for i := range 2 {
		p, x = n.Args[i], n.Args[1-i]
		if !p.Shape.PerRow && c.isDesign(x) && (i == 0 || p.Shape.IsVector()) {
			return p, x, true
		}
	}
	return nil, nil, false
}

// startedForward: in a sum of dot(P, x), values that are the same for all rows and at most one other, the others are
// what the forward sum starts from. (nil, nil): n is no such sum.
func (c *compiler) startedForward(n *graph.Node) (*slot, error) {
	var p, x, dot, offset *graph.Node
	var start []*graph.Node
	ok := true
	var flatten func(t *graph.Node, top bool)
	flatten = func(t *graph.Node, top bool) {
		switch {
		case t.Op != nil && t.Op.Name == "add" && t.Shape.PerRow && (top || c.users[t] == 1):
			flatten(t.Args[0], false)
			flatten(t.Args[1], false)
			return
		case !t.Shape.PerRow:
			start = append(start, t)
			return
		}
		if q, d, is := c.designDot(t); is && dot == nil && c.users[t] == 1 {
			p, x, dot = q, d, t
			return
		}
		if offset != nil {
			ok = false
		}
		offset = t
	}
	flatten(n, true)
	if !ok || dot == nil || dot.Shape != n.Shape {
		return nil, nil
	}
	var from *slot
	if offset != nil {
		var err error
		if from, err = c.slot(offset); err != nil {
			return nil, err
		}
	}
	var bias *graph.Node
	for _, s := range start {
		if bias == nil {
			bias = s
			continue
		}
		var err error
		if bias, err = c.g.Apply("add", bias, s); err != nil {
			return nil, err
		}
	}
	return c.forwardSlot(n, p, x, bias, from)
}

// forwardSlot emits out = bias + from + dot(P, x).
func (c *compiler) forwardSlot(n, p, x, bias *graph.Node, from *slot) (*slot, error) {
	u, err := c.uniform(p)
	if err != nil {
		return nil, err
	}
	b := -1
	if bias != nil {
		if b, err = c.uniform(bias); err != nil {
			return nil, err
		}
	}
	out := c.newSlot(temporary, n.Shape.Size(), n)
	first := len(c.p.weights)
	for k := range out.size {
		c.p.weights = append(c.p.weights, weightUse{u, k})
	}
	in := []*slot{}
	text := fmt.Sprintf("%s = forward(%s, %s)", out.name, c.text(p), x.Leaf.Name)
	if bias != nil {
		text += " from " + c.text(bias)
	}
	if from != nil {
		in = append(in, from)
		text += " from " + from.name
	}
	c.line("%s", text)
	c.emit(in, []*slot{out}, func(f *frame) {
		for k := range out.size {
			start := 0.0
			if b >= 0 {
				v := f.values[b]
				start = v[min(k, len(v)-1)]
			}
			var offset []float64
			if from != nil {
				offset = f.col(from, k)
			}
			f.forwardInto(f.col(out, k), start, offset, first+k)
		}
	})
	return out, nil
}

// product emits a vector or matrix that is the same for all rows times a vector of each row: the panel kernel with
// the vector's components for columns.
func (c *compiler) product(n, m, v *graph.Node, transposed bool) (*slot, error) {
	u, err := c.uniform(m)
	if err != nil {
		return nil, err
	}
	h, err := c.slot(v)
	if err != nil {
		return nil, err
	}
	out := c.newSlot(temporary, n.Shape.Size(), n)
	c.line("%s = %s(%s, %s)", out.name, n.Op.Name, c.text(m), h.name)
	J, K := h.size, out.size
	c.emit([]*slot{h}, []*slot{out}, func(f *frame) {
		M := f.values[u]
		w := f.scratch(J)
		for k := range K {
			for j := range J {
				if transposed {
					w[j] = M[j*K+k]
				} else {
					w[j] = M[k*J+j]
				}
			}
			z := f.col(out, k)
			clear(z)
			for p := 0; p < f.n; p += panelRows {
				if h.kind == temporary {
					f.e.kernels.Forward(z[p:p+panelRows], f.temp[h.at*f.block+p:], f.block, w)
					continue
				}
				for j := range J {
					f.e.kernels.Forward(z[p:p+panelRows], f.col(h, j)[p:], panelRows, w[j:j+1])
				}
			}
		}
	})
	return out, nil
}

// scratch is n numbers of the worker's own.
func (f *frame) scratch(n int) []float64 {
	if cap(f.row) < n {
		f.row = make([]float64, n)
	}
	return f.row[:n]
}

// fused emits one use of a fused kernel and gives the slot of one of its outputs.
func (c *compiler) fused(u *group, leaf *graph.Node) (*slot, error) {
	if u.slots == nil {
		in, err := c.slotsOf(u.in)
		if err != nil {
			return nil, err
		}
		u.slots = make([]*slot, len(u.out))
		var out []*slot
		var texts []string
		size := 0
		for k, n := range u.leaf {
			if n == nil {
				continue
			}
			size = n.Shape.Size()
			u.slots[k] = c.newSlot(temporary, size, n)
			out = append(out, u.slots[k])
			texts = append(texts, u.slots[k].name+" = "+strings.TrimSpace(strings.SplitN(strings.Split(u.row.Equations, ";")[k], "=", 2)[1]))
		}
		var letters []string
		for i, name := range u.row.In {
			letters = append(letters, name+" = "+in[i].name)
		}
		c.line("%s   (one kernel; %s)", strings.Join(texts, "; "), strings.Join(letters, ", "))
		row, slots := u.row, u.slots
		c.emit(in, out, func(f *frame) {
			for k := range size {
				f.in, f.outs = f.in[:0], f.outs[:0]
				for _, s := range in {
					f.in = append(f.in, f.col(s, k))
				}
				for _, s := range slots {
					if s == nil {
						f.outs = append(f.outs, nil)
					} else {
						f.outs = append(f.outs, f.col(s, k))
					}
				}
				row.Run(f.outs, f.in)
			}
		})
	}
	for k, n := range u.leaf {
		if n == leaf {
			return u.slots[k], nil
		}
	}
	return nil, errors.New("a fused kernel lost an output")
}

// operation is the code of one op over the rows of a block.
func (c *compiler) operation(n *graph.Node, in []*slot, out *slot) func(f *frame) {
	size := out.size
	if n.Op.Elementwise() {
		if one, ok := c.kernels.Map1[n.Op.Name]; ok && len(in) == 1 {
			return func(f *frame) {
				for k := range size {
					one(f.col(out, k), f.col(in[0], k))
				}
			}
		}
		if two, ok := c.kernels.Map2[n.Op.Name]; ok && len(in) == 2 {
			return func(f *frame) {
				for k := range size {
					two(f.col(out, k), f.col(in[0], k), f.col(in[1], k))
				}
			}
		}
		if n.Op.Name == "pick" {
			pick := c.kernels.Pick
			return func(f *frame) {
				for k := range size {
					pick(f.col(out, k), f.col(in[0], k), f.col(in[1], k), f.col(in[2], k))
				}
			}
		}
		op := n.Op // no kernel: the interpreter's function, row by row
		return func(f *frame) {
			for k := range size {
				o := f.col(out, k)
				switch {
				case op.Unary != nil:
					u := f.col(in[0], k)
					for i := range o {
						o[i] = op.Unary(u[i])
					}
				case op.Binary != nil:
					u, v := f.col(in[0], k), f.col(in[1], k)
					for i := range o {
						o[i] = op.Binary(u[i], v[i])
					}
				default:
					u, v, w := f.col(in[0], k), f.col(in[1], k), f.col(in[2], k)
					for i := range o {
						o[i] = op.Ternary(u[i], v[i], w[i])
					}
				}
			}
		}
	}
	add, mul, most := c.kernels.Map2["add"], c.kernels.Map2["mul"], c.kernels.Map2["max"]
	switch n.Op.Name {
	case "fill":
		return func(f *frame) {
			for k := range size {
				copy(f.col(out, k), f.col(in[0], 0))
			}
		}
	case "sum", "largest":
		join := add
		if n.Op.Name == "largest" {
			join = most
		}
		return func(f *frame) {
			o := f.col(out, 0)
			copy(o, f.col(in[0], 0))
			for k := 1; k < in[0].size; k++ {
				join(o, o, f.col(in[0], k))
			}
		}
	case "outer":
		J := in[1].size
		return func(f *frame) {
			for k := range in[0].size {
				for j := range J {
					mul(f.col(out, k*J+j), f.col(in[0], k), f.col(in[1], j))
				}
			}
		}
	case "dot", "dotT":
		J := in[1].size
		transposed := n.Op.Name == "dotT"
		return func(f *frame) {
			t := f.masked[:f.n]
			for k := range size {
				o := f.col(out, k)
				for j := range J {
					at := k*J + j
					if transposed {
						at = j*size + k
					}
					if j == 0 {
						mul(o, f.col(in[0], at), f.col(in[1], 0))
						continue
					}
					mul(t, f.col(in[0], at), f.col(in[1], j))
					add(o, o, t)
				}
			}
		}
	}
	// Any other op: one row at a time, as the interpreter does.
	op := n.Op
	shapes := make([]graph.Shape, len(n.Args))
	total := size
	for i, a := range n.Args {
		shapes[i] = a.Shape
		total += in[i].size
	}
	return func(f *frame) {
		memory := f.scratch(total)
		args := make([][]float64, len(in))
		for r := range f.n {
			at := size
			for i, s := range in {
				args[i] = memory[at : at+s.size]
				for k := range s.size {
					args[i][k] = f.col(s, k)[r]
				}
				at += s.size
			}
			op.Value(memory[:size], shapes, args...)
			for k, v := range memory[:size] {
				f.col(out, k)[r] = v
			}
		}
	}
}

// keep emits the copy of a slot to the kept column of an output.
func (c *compiler) keep(output int, s *slot) {
	c.emit([]*slot{s}, nil, func(f *frame) {
		out := f.kept[output][f.rows.at(f.e)*s.size:]
		if s.size == 1 {
			copy(out, f.col(s, 0)[:f.rows.n])
			return
		}
		for k := range s.size {
			for i, v := range f.col(s, k)[:f.rows.n] {
				out[i*s.size+k] = v
			}
		}
	})
}

// ---- sums over rows

const maxPieces = 4096

// sum emits the sum over rows of factor*n (nil: 1) into output t. It takes n apart where it is linear in the design,
// so that the columns are touched by the backward kernel alone.
func (c *compiler) sum(t *output, n *graph.Node, negated bool, factor *graph.Node) error {
	times := func(op string, u *graph.Node) (*graph.Node, error) {
		if factor == nil {
			if op == "mul" {
				return u, nil
			}
			return c.g.Apply("div", c.g.Const(one), u)
		}
		return c.g.Apply(op, factor, u)
	}
	// Shared nodes come once for each way to them, so the equations bound nothing: beyond maxPieces the rest is
	// computed as it stands.
	if c.pieces++; c.pieces < maxPieces && n.Op != nil && !n.Shape.IsScalar() && c.touchesDesign(n) {
		a := n.Args
		switch n.Op.Name {
		case "neg":
			return c.sum(t, a[0], !negated, factor)
		case "add", "sub":
			if a[0].Shape.Size() == a[1].Shape.Size() {
				if err := c.sum(t, a[0], negated, factor); err != nil {
					return err
				}
				return c.sum(t, a[1], negated != (n.Op.Name == "sub"), factor)
			}
		case "mul":
			for i := range 2 {
				if a[i].Shape.IsScalar() {
					f, err := times("mul", a[i])
					if err != nil {
						return err
					}
					return c.sum(t, a[1-i], negated, f)
				}
			}
		case "div":
			if a[1].Shape.IsScalar() {
				f, err := times("div", a[1])
				if err != nil {
					return err
				}
				return c.sum(t, a[0], negated, f)
			}
		case "outer":
			if c.isDesign(a[1]) {
				f, err := times("mul", a[0])
				if err != nil {
					return err
				}
				return c.backward(t, a[1], f, a[0].Shape.Size(), negated)
			}
		}
	}
	if c.isDesign(n) {
		return c.backward(t, n, factor, 1, negated)
	}
	if factor != nil {
		var err error
		if n, err = c.g.Apply("mul", factor, n); err != nil {
			return err
		}
	}
	s, err := c.slot(n)
	if err != nil {
		return err
	}
	size := t.Node.Shape.Size()
	key := fmt.Sprint("rows ", n.ID, " ", size)
	at, ok := c.sumAt[key]
	if !ok {
		at = c.p.sumSize
		c.p.sumSize += size
		c.sumAt[key] = at
		c.emit([]*slot{s}, nil, func(f *frame) {
			for k := range size {
				f.sum[at+k] += f.e.kernels.SumRows(f.counted(s, k))
			}
		})
	}
	for k := range size {
		t.terms = append(t.terms, term{at: at + k, into: k, negated: negated})
	}
	c.line("sum   %s %s sum over rows of %s", t.Name, sign(negated), s.name)
	return nil
}

func sign(negated bool) string {
	if negated {
		return "-="
	}
	return "+="
}

// backward emits Σ factor_k x for k < K, K vectors of all features.
func (c *compiler) backward(t *output, x, factor *graph.Node, K int, negated bool) error {
	n := c.layout.Features
	if factor == nil {
		factor = c.g.Const(one)
	}
	s, err := c.slot(factor)
	if err != nil {
		return err
	}
	raw := c.layout.rawSize()
	key := fmt.Sprint("design ", factor.ID, " ", K)
	at, ok := c.sumAt[key]
	if !ok {
		at = c.p.sumSize
		c.p.sumSize += K * raw
		c.sumAt[key] = at
		c.emit([]*slot{s}, nil, func(f *frame) {
			for k := range K {
				f.e.backward(f.rows, f.counted(s, k), f.sum[at+k*raw:][:raw])
			}
		})
	}
	for k := range K {
		t.terms = append(t.terms, term{design: true, at: at + k*raw, into: k * n, negated: negated})
	}
	c.line("sum   %s %s backward(%s, %s)", t.Name, sign(negated), s.name, x.Leaf.Name)
	return nil
}

// touchesDesign reports whether the design is below n, not counting what scalars and dot(P, x) make of it.
func (c *compiler) touchesDesign(n *graph.Node) bool {
	if c.isDesign(n) {
		return true
	}
	if n.Op == nil || n.Shape.IsScalar() {
		return false
	}
	if t, ok := c.touches[n]; ok {
		return t
	}
	t := false
	if _, _, ok := c.designDot(n); !ok {
		for _, a := range n.Args {
			t = t || c.touchesDesign(a)
		}
	}
	c.touches[n] = t
	return t
}

// ---- memory

// allocate gives every temporary its columns: those of values that are no longer needed are taken again.
func (c *compiler) allocate() {
	type span struct {
		at, size int
		until    int
	}
	var live []span
	slots := append([]*slot(nil), c.slots...)
	sort.SliceStable(slots, func(i, j int) bool { return slots[i].first < slots[j].first })
	for _, s := range slots {
		keep := live[:0]
		for _, l := range live {
			if l.until >= s.first { // an argument of this instruction is still being read
				keep = append(keep, l)
			}
		}
		live = keep
		sort.Slice(live, func(i, j int) bool { return live[i].at < live[j].at })
		at := 0
		for _, l := range live {
			if l.at-at >= s.size {
				break
			}
			at = max(at, l.at+l.size)
		}
		s.at = at
		live = append(live, span{at, s.size, s.last})
		c.p.temps = max(c.p.temps, at+s.size)
	}
}
