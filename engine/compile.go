package engine

import (
	"fmt"
	"math/big"
	"sort"

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
		g: g, layout: l, p: &Program{layout: l}, kernels: kernel.Best[float64](),
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
