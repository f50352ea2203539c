package graph

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// A Finding is a definition that is not finite at a point.
type Finding struct {
	Name  string             // the definition
	At    map[string]float64 // the values that were chosen
	Value float64            // NaN or an infinity: the first component that is not finite
}

func (f Finding) String() string {
	var names, at []string
	for name := range f.At {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		at = append(at, name+" = "+strconv.FormatFloat(f.At[name], 'g', -1, 64))
	}
	return fmt.Sprintf("%s is %v at %s", f.Name, f.Value, strings.Join(at, ", "))
}

// Probe computes the lowered, running form of definitions at every combination of the values in vary
// and names what is not finite there: rules make losses safe, and where none fits this says so. The
// names in vary are leaves or definitions; a definition, such as z, takes the values instead of what
// it is made of. All other leaves are 1, or as near to 1 as their stated range allows; a vector has
// the value in each component.
//
//	g.Probe([]string{"L", "dz"}, map[string][]float64{"z": {-1000, -40, 40, 1000}, "y": {0, 1}})
//
// A definition without a running form (before Derive) is probed as written.
func (g *Graph) Probe(definitions []string, vary map[string][]float64) (found []Finding, err error) {
	defer catch(&err)
	low, err := g.newLowerer()
	if err != nil {
		return nil, err
	}
	roots := make([]*Node, len(definitions))
	for i, name := range definitions {
		d, ok := g.Def(name)
		if !ok {
			return nil, fmt.Errorf("probe: no definition is called %s", name)
		}
		if roots[i] = d.Runs; d.Runs == nil {
			roots[i] = d.Written
		}
		roots[i] = low.lower(roots[i])
	}
	var names []string
	points := 1
	for name, values := range vary {
		if len(values) == 0 {
			return nil, fmt.Errorf("probe: no values for %s", name)
		}
		if _, ok := g.named[name]; !ok {
			return nil, fmt.Errorf("probe: nothing is called %s", name)
		}
		if points *= len(values); points > 1<<16 {
			return nil, fmt.Errorf("probe: more than %d points", 1<<16)
		}
		names = append(names, name)
	}
	sort.Strings(names)
	for p := range points {
		at := map[string]float64{}
		for _, name := range names {
			at[name] = vary[name][p%len(vary[name])]
			p /= len(vary[name])
		}
		values, err := g.probeAt(at, low, roots)
		if err != nil {
			return nil, err
		}
		for i, name := range definitions {
			for _, v := range values[i] {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					found = append(found, Finding{Name: name, At: at, Value: v})
					break
				}
			}
		}
	}
	return found, nil
}

func (g *Graph) probeAt(at map[string]float64, low *lowerer, roots []*Node) ([][]float64, error) {
	v := Values{Rows: 1, Of: map[string][]float64{}}
	given := map[*Node][]float64{}
	for name, x := range at {
		n := g.named[name]
		same := []*Node{n}
		if d, ok := g.Def(name); ok && d.Runs != nil {
			same = append(same, d.Runs)
		}
		for _, n := range same {
			in := make([]float64, n.Shape.Size())
			for i := range in {
				in[i] = x
			}
			given[n], given[low.lower(n)] = in, in
		}
	}
	for _, n := range belowUntil(func(n *Node) bool { return given[n] != nil }, roots...) {
		if n.Leaf == nil || n.Leaf.Kind == Constant {
			continue
		}
		in := make([]float64, n.Shape.Size())
		for i := range in {
			in[i] = 1
			if r := n.Leaf.Fact.Range; r != nil {
				in[i] = math.Max(math.Min(1, r.Hi), r.Lo)
			}
		}
		v.Of[n.Leaf.Name] = in
	}
	return v.evaluate(roots, given)
}
