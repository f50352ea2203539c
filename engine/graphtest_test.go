package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/graph/graphtest"
)

// blocks is the block program as an executor of graphs: per-row values are columns of the data, a vector x of each
// row is the design.
type blocks struct {
	noFused bool
	sparse  bool // x in sparse rows
	ready   map[string]*compiled
}

// compiled is what is kept of roots that were run before: the suite runs the same ones for many values.
type compiled struct {
	of   []*graph.Node // held, so that no other node gets their addresses, the key
	keep []*Program    // of roots that are per row
	top  []*stage      // of others
}

func (b blocks) Eval(v graph.Values, roots ...*graph.Node) ([][]float64, error) {
	l := Layout{Rows: v.Rows}
	var c Columns
	for _, n := range graph.Below(roots...) {
		if n.Leaf == nil || !n.Shape.PerRow {
			continue
		}
		of, size := v.Of[n.Leaf.Name], n.Shape.Size()
		if len(of) != v.Rows*size {
			return nil, fmt.Errorf("%s has %d values, want %d", n.Leaf.Name, len(of), v.Rows*size)
		}
		design := n.Leaf.Name == "x" && n.Shape.IsVector() && l.Features == 0
		if design {
			l.Features, l.Sparse = size, b.sparse
		}
		if design && b.sparse {
			c.Start = []int{0}
			var values Float64s
			for i := range v.Rows {
				for k := range size {
					if u := of[i*size+k]; u != 0 {
						c.Index, values = append(c.Index, int32(k)), append(values, u)
					}
				}
				c.Start = append(c.Start, len(c.Index))
			}
			c.Value = values
			continue
		}
		for k := range size {
			column := make([]float64, v.Rows)
			for i := range column {
				column[i] = of[i*size+k]
			}
			switch {
			case design:
				l.Dense, c.Dense = append(l.Dense, k), append(c.Dense, Float64s(column))
			case n.Shape.IsScalar():
				l.Inputs, c.Inputs = append(l.Inputs, n.Leaf.Name), append(c.Inputs, column)
			default:
				l.Inputs, c.Inputs = append(l.Inputs, fmt.Sprintf("%s[%d]", n.Leaf.Name, k)), append(c.Inputs, column)
			}
		}
	}
	m, err := NewMemory(l, c)
	if err != nil {
		return nil, err
	}
	e, err := New(m, Options{Threads: 2, NoFused: b.noFused})
	if err != nil {
		return nil, err
	}
	M := v.M
	if M == 0 {
		M = float64(v.Rows)
	}
	key := fmt.Sprint(v.Rows)
	for _, r := range roots {
		key += fmt.Sprintf(" %p", r)
	}
	done := b.ready[key]
	if done == nil {
		if done, err = b.compile(e, roots); err != nil {
			return nil, err
		}
		b.ready[key] = done
	}
	out := make([][]float64, len(roots))
	for i := range roots {
		if p := done.keep[i]; p != nil {
			res, err := e.Run(background, p, Values{Of: v.Of}, Mask{})
			if err != nil {
				return nil, err
			}
			out[i] = res.Kept["r"]
			continue
		}
		top, err := new(Objective).eval(background, e, done.top[i], Values{M: M, Of: v.Of}, Mask{})
		if err != nil {
			return nil, err
		}
		out[i] = top[0]
	}
	return out, nil
}

func (b blocks) compile(e *Engine, roots []*graph.Node) (*compiled, error) {
	c := &compiled{roots, make([]*Program, len(roots)), make([]*stage, len(roots))}
	g, roots, err := copied(roots)
	if err != nil {
		return nil, err
	}
	for i, r := range roots {
		if r.Shape.PerRow {
			c.keep[i], err = CompileWith(g, e.layout.Layout, CompileOptions{NoFused: b.noFused}, Output{Name: "r", Node: r, Keep: true})
		} else {
			o := &Objective{e: e, g: g}
			c.top[i], err = o.split([]*graph.Node{r}, nil, nil, nil)
		}
		if err != nil {
			return nil, refused(err)
		}
	}
	return c, nil
}

// copied makes the nodes again in a graph of their own, which the compiler may add to.
func copied(roots []*graph.Node) (*graph.Graph, []*graph.Node, error) {
	g := graph.New()
	twin := map[*graph.Node]*graph.Node{}
	for _, n := range graph.Below(roots...) {
		var err error
		if n.Leaf != nil {
			twin[n], err = g.Leaf(*n.Leaf)
		} else {
			var args []*graph.Node
			for _, a := range n.Args {
				args = append(args, twin[a])
			}
			twin[n], err = g.Apply(n.Op.Name, args...)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	out := make([]*graph.Node, len(roots))
	for i, r := range roots {
		out[i] = twin[r]
	}
	return g, out, nil
}

func refused(err error) error {
	if strings.Contains(err.Error(), "mean over all rows before") {
		return fmt.Errorf("%w: %w", graphtest.ErrUnsupported, err)
	}
	return err
}

func TestGraphtest(t *testing.T) {
	t.Run("blocks", func(t *testing.T) { graphtest.Run(t, blocks{ready: map[string]*compiled{}}, graphtest.Options{}) })
	if !testing.Short() {
		t.Run("no fused kernels, sparse", func(t *testing.T) {
			graphtest.Run(t, blocks{noFused: true, sparse: true, ready: map[string]*compiled{}}, graphtest.Options{})
		})
	}
}
