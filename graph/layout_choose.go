package graph

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// What a view shows: which definitions, at which stage, and whether its numbers fit.

// choose lists the definitions to show, at their stage, and names what lowering shares.
func (m *diagrammer) choose() error {
	wanted := map[string]bool{}
	for _, name := range m.v.Roots {
		d, ok := m.g.Def(name)
		if !ok || d.Of != "" {
			return fmt.Errorf("view: no definition %q to show", name)
		}
		wanted[name] = true
	}
	if len(wanted) > 0 {
		for i := len(m.g.Defs) - 1; i >= 0; i-- {
			d := m.g.Defs[i]
			if !wanted[d.Name] {
				continue
			}
			under := map[*Node]bool{}
			for _, n := range below(d.Written) {
				under[n] = true
			}
			for _, e := range m.g.Defs[:i] {
				if e.Of == "" && under[e.Written] && e.Written.Op != nil {
					wanted[e.Name] = true
				}
			}
		}
	}
	var all []shown
	leaves := map[string]bool{}
	for i := range m.g.Defs {
		d := &m.g.Defs[i]
		s := shown{name: d.Name, node: d.Written, derived: d.Of != "", of: d.Of, def: d}
		switch {
		case d.Of != "":
			if !m.v.Backward || len(wanted) > 0 && !wanted[s.of] && !leaves[s.of] {
				continue
			}
		case len(wanted) > 0 && !wanted[d.Name]:
			continue
		default:
			for _, n := range below(d.Written) {
				if n.Leaf != nil {
					leaves[n.Leaf.Name] = true
				}
			}
		}
		all = append(all, s)
		if s.derived {
			m.d.order = append(m.d.order, s.name)
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("view: the graph has no definitions to show")
	}
	if err := m.atStage(all); err != nil {
		return err
	}
	for _, s := range all {
		if !s.derived {
			m.defs = append(m.defs, s)
		} else {
			m.derived[s.of] = s
		}
	}
	if m.v.Stage == Lowered {
		m.nameShared(all)
	}
	return nil
}

func (m *diagrammer) atStage(all []shown) error {
	if m.v.Stage == Written {
		return nil
	}
	var roots []*Node
	for i := range all {
		if all[i].def.Runs != nil {
			all[i].node = all[i].def.Runs
		}
		roots = append(roots, all[i].node)
	}
	var open []*Node // what Derive has not simplified yet
	for i := range all {
		if all[i].def.Runs == nil {
			open = append(open, all[i].node)
		}
	}
	if len(open) > 0 {
		simple, _, err := m.g.Simplify(open...)
		if err != nil {
			return err
		}
		k := 0
		for i := range all {
			if all[i].def.Runs == nil {
				roots[i] = simple[k]
				k++
			}
		}
	}
	if m.v.Stage == Lowered {
		roots = m.g.Lower(roots...)
	}
	for i := range all {
		all[i].node = roots[i]
	}
	return nil
}

// nameShared calls what lowering computes once and uses twice t1, t2, …
func (m *diagrammer) nameShared(all []shown) {
	named := map[*Node]bool{}
	for _, s := range all {
		named[s.node] = true
	}
	users := map[*Node]int{}
	var roots []*Node
	for _, s := range all {
		roots = append(roots, s.node)
	}
	nodes := below(roots...)
	for _, n := range nodes {
		for _, a := range n.Args {
			users[a]++
		}
	}
	free := m.freeNames("t")
	before := map[*Node]int{} // first definition that needs it
	for i := len(m.defs) - 1; i >= 0; i-- {
		for _, n := range below(m.defs[i].node) {
			before[n] = i
		}
	}
	insert := make([][]shown, len(m.defs)+1)
	for _, n := range nodes {
		if n.Op == nil || named[n] || users[n] < 2 || !computes(n) {
			continue
		}
		at, ok := before[n]
		if !ok {
			at = len(m.defs)
		}
		insert[at] = append(insert[at], shown{name: free(), node: n})
	}
	var defs []shown
	for i := range insert {
		defs = append(defs, insert[i]...)
		if i < len(m.defs) {
			defs = append(defs, m.defs[i])
		}
	}
	m.defs = defs
}

// computes: not a constant in disguise.
func computes(n *Node) bool {
	for _, k := range below(n) {
		if k.Leaf != nil && k.Leaf.Kind != Constant {
			return true
		}
	}
	return false
}

// freeNames gives out names that the graph does not use: prefix1, prefix2, …
func (m *diagrammer) freeNames(prefix string) func() string {
	i := 0
	return func() string {
		for {
			i++
			name := prefix + strconv.Itoa(i)
			if _, taken := m.g.Lookup(name); !taken {
				return name
			}
		}
	}
}

// checkNumbers refuses numbers for what is not there: a mistyped name would show as "?".
func (m *diagrammer) checkNumbers() error {
	known := map[string]Shape{}
	add := func(name string, s Shape) {
		known[name] = s
		if !s.IsScalar() && s.Size() <= 1<<16 {
			for j := 0; j < s.Size(); j++ {
				known[componentName(name, s, j)] = Shape{}
			}
		}
	}
	for name, n := range m.g.named {
		add(name, n.Shape)
	}
	for _, d := range m.g.Defs {
		add(d.Name, d.Written.Shape)
	}
	check := func(what string, numbers map[string][]float64, in func(string) string) error {
		names := make([]string, 0, len(numbers))
		for name := range numbers {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			s, ok := known[in(name)]
			if !ok {
				return fmt.Errorf("view: %s for %q, which the graph does not have", what, name)
			}
			if len(numbers[name]) != s.Size() {
				return fmt.Errorf("view: %s has %d values, want %d", name, len(numbers[name]), s.Size())
			}
		}
		return nil
	}
	labelled := make([]string, 0, len(m.v.Labels))
	for name := range m.v.Labels {
		labelled = append(labelled, name)
	}
	sort.Strings(labelled)
	for _, name := range labelled {
		if _, ok := known[name]; !ok {
			return fmt.Errorf("view: a label for %q, which the graph does not have", name)
		}
	}
	same := func(s string) string { return s }
	if err := check("a value", m.v.Values, same); err != nil {
		return err
	}
	if err := check("an update", m.v.Updates, same); err != nil {
		return err
	}
	return check("a derivative", m.v.Derivatives, func(s string) string { return strings.TrimPrefix(s, "d") })
}
