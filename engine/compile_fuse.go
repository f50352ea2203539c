package engine

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/internal/kernel"
)

// Fused kernels: found in a graph by their equations, and put in.

// A group is one use of a fused kernel.
type group struct {
	row    *kernel.Fused[float64]
	in     []*graph.Node
	out    []*graph.Node // by output of the row; nil: not in the graph
	wanted []bool
	leaf   []*graph.Node // stands for the output below what is lowered
	slots  []*slot
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
