package engine

import (
	"fmt"
	"slices"
	"sort"
)

// A Partial is the sums of some chunks, kept so that it can be completed with the sums of the others in any order
// and grouping, always to the same bits: the sums over the complete subtrees of a binary tree over the chunks of the
// pass, as few of them as possible. Subtree (Level, Index) is chunks Index<<Level up to (Index+1)<<Level.
// The fields are exported for transport between processes.
type Partial struct {
	Size  int       // components of every sum
	Nodes []Subtree // ascending, not overlapping
}

// Subtree is one sum of a Partial.
type Subtree struct {
	Level, Index int
	Sum          []float64
}

func (s Subtree) begin() int { return s.Index << s.Level }
func (s Subtree) end() int   { return (s.Index + 1) << s.Level }

// Merge puts two partial results together. Sums of a and b may be reused. Chunks that are in both are an error.
func Merge(a, b Partial) (Partial, error) {
	if a.Size != b.Size {
		return Partial{}, fmt.Errorf("engine: merging sums of %d and %d components", a.Size, b.Size)
	}
	out := Partial{Size: a.Size}
	for _, nodes := range [2][]Subtree{a.Nodes, b.Nodes} {
		for _, n := range nodes {
			if n.Level < 0 || n.Level > 48 || n.Index < 0 || n.Index > 1<<(62-n.Level) || len(n.Sum) != a.Size {
				return Partial{}, fmt.Errorf("engine: subtree %d of level %d with %d of %d components", n.Index, n.Level, len(n.Sum), a.Size)
			}
			if !out.insert(n, nil) {
				return Partial{}, fmt.Errorf("engine: chunks %d to %d: some were added twice", n.begin(), n.end()-1)
			}
		}
	}
	return out, nil
}

// insert adds a subtree and joins brothers: the right one is added to the left one, whose level grows, as often as
// it goes. free takes sums that are no longer used. It is false if chunks are there already.
func (p *Partial) insert(n Subtree, free func([]float64)) bool {
	i := sort.Search(len(p.Nodes), func(i int) bool { return p.Nodes[i].begin() >= n.begin() })
	if i > 0 && p.Nodes[i-1].end() > n.begin() || i < len(p.Nodes) && p.Nodes[i].begin() < n.end() {
		return false
	}
	p.Nodes = slices.Insert(p.Nodes, i, n)
	for {
		n := &p.Nodes[i]
		if n.Index&1 == 1 { // the brother is before
			if i == 0 {
				return true
			}
			i--
		}
		if i+1 == len(p.Nodes) {
			return true
		}
		left, right := &p.Nodes[i], p.Nodes[i+1]
		if left.Level != right.Level || left.Index^1 != right.Index {
			return true
		}
		add(left.Sum, right.Sum)
		if free != nil {
			free(right.Sum)
		}
		left.Level, left.Index = left.Level+1, left.Index/2
		p.Nodes = slices.Delete(p.Nodes, i+1, i+2)
	}
}

// Total is the sum of everything: the subtrees from the last to the first, each added to the sum of those after it.
// It is 0 without chunks.
func (p Partial) Total() []float64 {
	total := make([]float64, p.Size)
	for i := len(p.Nodes) - 1; i >= 0; i-- {
		for k, v := range p.Nodes[i].Sum {
			total[k] = v + total[k]
		}
	}
	return total
}

func add(sum, v []float64) {
	v = v[:len(sum)]
	for i := range sum {
		sum[i] += v[i]
	}
}
