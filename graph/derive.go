package graph

import "fmt"

// Derive adds the derivatives of the definition root to Defs: of every definition and parameter
// below it, in reverse order, as d and the name: da, dz, dw, db. Written is what the chain rule gives
// from the equations as they are; Runs is the derivative of the simplified root, simplified with all
// others as one program. Why leads from Written to Runs; Met says that it does so by simplifying
// Written. Otherwise Why is the one step that Runs comes from the simplified root. Derive also sets Runs and Why of root and of the
// definitions below it.
//
// A name such as dz that the equations use for something else is an error, and nothing is added.
func (g *Graph) Derive(root string) (err error) {
	defer catch(&err)
	g.left = 4 * g.Budget
	at := -1
	for i, d := range g.Defs {
		if d.Name == root {
			at = i
		}
	}
	if at < 0 {
		return fmt.Errorf("derive: no definition is called %s", root)
	}
	top := g.Defs[at].Written
	// What there is to derive: definitions in reverse order, then parameters as they first appeared.
	var of []*Node
	var names []string
	inside := map[*Node]bool{}
	nodes := below(top)
	for _, n := range nodes {
		inside[n] = true
	}
	taken := map[*Node]bool{top: true}
	for i := at - 1; i >= 0; i-- {
		d := g.Defs[i]
		if d.Of == "" && computes(d.Written) && d.Written.Leaf == nil && inside[d.Written] && !taken[d.Written] {
			taken[d.Written] = true
			of, names = append(of, d.Written), append(names, d.Name)
		}
	}
	for _, n := range sortedByID(nodes) {
		if n.Leaf != nil && n.Leaf.Kind == Parameter {
			of, names = append(of, n), append(names, n.Leaf.Name)
		}
	}
	for _, name := range names {
		if _, ok := g.named["d"+name]; ok {
			return fmt.Errorf("derive: the derivative of %s is called d%s, but the equations use d%s for something else", name, name, name)
		}
	}

	written, err := g.Gradient(top, of...)
	if err != nil {
		return err
	}
	// What trains comes first, while there is budget: the root, then its gradient with respect to what
	// the definitions became in it.
	simple, pass, err := g.simplify(top)
	if err != nil {
		return err
	}
	inner := make([]*Node, len(of))
	for i, n := range of {
		inner[i] = pass.became(n, simple[0])
	}
	runs, err := g.trained(simple[0], inner)
	if err != nil {
		return err
	}
	forward, why, err := g.simplifyDefs(at)
	if err != nil {
		return err
	}
	forward[at], why[at] = simple[0], pass.steps
	for i, n := range of {
		if runs[i] != nil && n.Leaf == nil && !g.sameInput(top, n, forward[at], inner[i], written[i], runs[i]) {
			runs[i] = nil
		}
	}
	for i := 0; i <= at; i++ {
		g.Defs[i].Runs, g.Defs[i].Why, g.Defs[i].Met = forward[i], why[i], true
	}
	known := map[*Node]*Node{} // what earlier derivatives have been shown to be
	by := map[*Node]*Def{}     // and which
	for i, name := range names {
		d := Def{Name: "d" + name, Written: written[i], Of: name, Runs: runs[i]}
		if err := g.explainDerivative(&d, root, known, by); err != nil {
			return err
		}
		if _, ok := known[d.Written]; !ok && d.Written.Leaf == nil && len(d.Why) > 0 {
			known[d.Written], by[d.Written] = d.Runs, &d
		}
		g.named[d.Name] = d.Written
		g.Defs = append(g.Defs, d)
	}
	return nil
}

// became is the node under root that a named node has become; n itself if nothing has.
func (s *simplifier) became(n, root *Node) *Node {
	name, named := s.g.equationNames(len(s.g.Defs), false)[n]
	out := n
	for _, k := range below(root) {
		if k == n {
			return n
		}
		if named && s.named[k] == name {
			out = k
		}
	}
	return out
}

// sameInput reports whether root depends on n as simple, which is root simplified, depends on m, which
// is n simplified. If the simplifier reached through n (log(a) became -softplus(-z), but a^2 stayed),
// the derivative of simple with respect to m alone is something else.
func (g *Graph) sameInput(root, n, simple, m, written, runs *Node) bool {
	names := g.equationNames(len(g.Defs), false)
	without := func(root, n *Node) map[*Node]bool {
		out := map[*Node]bool{}
		for _, k := range belowUntil(func(k *Node) bool { return k == n }, root) {
			_, named := names[k]
			if k != n && (named && k != root || k.Leaf != nil && k.Leaf.Kind != Constant) {
				out[k] = true
			}
		}
		return out
	}
	before := without(root, n)
	if g.left < 0 {
		return false
	}
	g.left -= 1 + (len(below(root, simple))+len(below(written, runs)))/50
	work := 0
	for k := range without(simple, m) {
		if !before[k] {
			return false
		}
	}
	for _, k := range below(written, runs) {
		work += k.Shape.Size()
	}
	return work > 1<<18 || (Step{Before: written, After: runs, compare: true}).Prove(1) == nil
}

// explainDerivative finds the steps from d.Written to d.Runs. What earlier derivatives have been
// shown to be is used: dw = dz*x = (a - y)*x.
func (g *Graph) explainDerivative(d *Def, root string, known map[*Node]*Node, by map[*Node]*Def) error {
	from := d.Written
	road := Step{Rule: "differentiate " + root + " simplified", Before: d.Written, After: d.Runs, compare: true}
	if g.left < 0 { // no budget for explanations
		if d.Runs == nil {
			d.Runs = d.Written
		} else if d.Runs != d.Written {
			d.Why = []Step{road}
		}
		d.Met = d.Runs == d.Written
		return nil
	}
	d.Met = true
	if short := g.Replace(from, known); short != from && len(known) > 0 {
		var used *Def
		for _, n := range below(from) {
			if e, ok := by[n]; ok {
				used = e // the last is the one that contains the others
			}
		}
		d.Why = append(d.Why, Step{Rule: used.Name, Before: from, After: short, compare: true})
		d.Met = used.Met
		from = short
	}
	left := g.left
	if d.Runs != nil { // a way that is not found soon is not found: log loss takes 40 candidates
		g.left = min(left, g.Budget/5)
	}
	start := g.left
	end, steps, err := g.simplifyOne(from)
	g.left += left - start
	if err != nil {
		return err
	}
	d.Why = append(d.Why, steps...)
	switch {
	case d.Runs == nil: // the simplified root does not go through this definition as the written one did
		d.Runs = end
	case d.Runs != end:
		d.Met = false
		d.Why = []Step{road}
	}
	return nil
}

// simplifyDefs simplifies each definition before number at by itself, and leaves room for that one.
func (g *Graph) simplifyDefs(at int) (runs []*Node, why [][]Step, err error) {
	for i, d := range g.Defs[:at+1] {
		if d.Written.Leaf != nil || i == at {
			runs, why = append(runs, d.Written), append(why, nil)
			continue
		}
		n, steps, err := g.simplifyOne(d.Written)
		if err != nil {
			return nil, nil, err
		}
		runs, why = append(runs, n), append(why, steps)
	}
	return runs, why, nil
}

func (g *Graph) simplifyOne(n *Node) (*Node, []Step, error) {
	out, s, err := g.simplify(n)
	if err != nil {
		return nil, nil, err
	}
	return out[0], s.steps, nil
}

// trained is the gradient of the simplified root, simplified; nil where a node is not below root.
func (g *Graph) trained(root *Node, of []*Node) ([]*Node, error) {
	inside := map[*Node]bool{}
	for _, n := range below(root) {
		inside[n] = true
	}
	out := make([]*Node, len(of))
	var present []*Node
	var at []int
	for i, n := range of {
		if inside[n] {
			present, at = append(present, n), append(at, i)
		}
	}
	raw, err := g.Gradient(root, present...)
	if err != nil {
		return nil, err
	}
	simple, _, err := g.simplify(raw...)
	if err != nil {
		return nil, err
	}
	for k, i := range at {
		out[i] = simple[k]
	}
	return out, nil
}
