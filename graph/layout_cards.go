package graph

import (
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode"
)

// largestFew is how many components of a long vector get a card of their own.
const largestFew = 4

// A diagram is the content of a drawing: cards, what each is made of, and derivations; no places.
type diagram struct {
	view  View
	cards []*Card
	steps []derivation
	order []string // derivatives, as Derive made them
}

// A shown definition, at the stage that is shown.
type shown struct {
	name    string
	node    *Node
	derived bool
	of      string // derived: the name it is the derivative by
	def     *Def
}

type diagrammer struct {
	g       *Graph
	v       View
	defs    []shown // what equations define, in order, then t1, t2, …, each before its users
	derived map[string]shown
	write   notation
	d       *diagram

	cardOf   map[string][]int // cards by leaf or definition: a vector may have several
	split    map[*Node][]int  // vector leaves with a card for each component: the components shown
	paired   map[*Node]*Node  // the other vector in the dot that split a leaf
	moreCard map[*Node]int
	ids      map[string]bool
}

// diagram decides what is on the cards.
func (g *Graph) diagram(v View) (dg *diagram, err error) {
	defer catch(&err)
	m := &diagrammer{
		g: g, v: v, d: &diagram{view: v},
		derived: map[string]shown{}, cardOf: map[string][]int{}, split: map[*Node][]int{},
		paired: map[*Node]*Node{}, moreCard: map[*Node]int{}, ids: map[string]bool{},
	}
	m.v.Title = strings.Map(visible, v.Title)
	m.v.Labels = map[string]string{}
	for name, text := range v.Labels {
		m.v.Labels[name] = strings.Map(visible, text)
	}
	m.d.view = m.v
	m.write.names = map[*Node]string{}
	if err := m.choose(); err != nil {
		return nil, err
	}
	if err := m.checkNumbers(); err != nil {
		return nil, err
	}
	if v.Steps {
		m.d.steps = m.derivations()
	}
	if m.operations() {
		err = m.operationCards()
	} else {
		err = m.definitionCards()
	}
	m.d.stepsByComponent()
	if v.Substitute && err == nil {
		m.substitute()
	}
	return m.d, err
}

// addCard adds a card and returns its number.
func (m *diagrammer) addCard(c *Card) int {
	for k, id := 2, c.ID; m.ids[c.ID]; k++ { // a vector's w1 beside a scalar w1
		c.ID = id + "-" + strconv.Itoa(k)
	}
	m.ids[c.ID] = true
	if c.MathML == "" && c.equation != nil {
		c.MathML = "<math>" + c.equation.one() + "</math>"
	}
	m.d.cards = append(m.d.cards, c)
	return len(m.d.cards) - 1
}

func equation(lhs string, rhs *glyph) *glyph {
	return row(mark(letterGlyph, lhs), mark(relationGlyph, "="), rhs)
}

// definitionCards: a card for every definition with its formula, a card for every leaf.
func (m *diagrammer) definitionCards() error {
	m.chooseSplits()
	var unnamed []*Node
	for _, s := range m.defs {
		if s.def == nil {
			unnamed = append(unnamed, s.node)
		}
	}
	shared, _ := m.fill(unnamed, m.defs[len(m.defs)-1].node)
	for i, s := range m.defs {
		var uses []int
		for _, c := range m.leavesOf(s.node) {
			uses = append(uses, c...)
		}
		rhs := m.bodyOf(s)
		c := &Card{ID: s.name, Name: s.name, Kind: "operation", Formula: s.name + " = " + rhs.plain(),
			rhs: rhs, equation: equation(s.name, rhs.glyphs()), root: i == len(m.defs)-1}
		c.head = c.equation
		for _, name := range m.argumentNames(s.node) {
			uses = append(uses, m.cardOf[name]...)
		}
		c.uses = unique(uses)
		if s.def == nil { // shared by lowering: the view cannot know it
			if v := shared[s.node]; v != "" {
				c.Numbers = []CardRow{{Value: v}}
			}
		} else if err := m.numbers(c, s.name, s.node.Shape, -1); err != nil {
			return err
		}
		m.backward(c, s.name, s.node.Shape, -1)
		m.cardOf[s.name] = append(m.cardOf[s.name], m.addCard(c))
		if _, taken := m.write.names[s.node]; !taken {
			m.write.names[s.node] = s.name
		}
	}
	// Derivatives may use any name, so they are written once all names are known.
	for _, c := range m.d.cards {
		m.derive(c)
	}
	return nil
}

// bodyOf is a definition's right-hand side, in names defined before it.
func (m *diagrammer) bodyOf(s shown) *term {
	m.write.size = 0
	return m.write.right(s.node)
}

// walk visits what a definition is written with, in reading order, down to names and leaves.
func (m *diagrammer) walk(root *Node, visit func(n *Node) bool) {
	seen := map[*Node]bool{}
	var down func(n *Node, top bool)
	down = func(n *Node, top bool) {
		if seen[n] {
			return
		}
		seen[n] = true
		if _, named := m.write.names[n]; named && !top || n.Op == nil {
			visit(n)
			return
		}
		if !visit(n) {
			return
		}
		for _, a := range n.Args {
			down(a, false)
		}
	}
	_, alias := m.write.names[root]
	down(root, !alias)
}

func (m *diagrammer) argumentNames(root *Node) []string {
	var names []string
	m.walk(root, func(n *Node) bool {
		if name, ok := m.write.names[n]; ok {
			names = append(names, name)
		}
		return true
	})
	return names
}

// chooseSplits finds the vector leaves that meet another vector in a dot product: they are drawn by
// component.
func (m *diagrammer) chooseSplits() {
	for _, s := range m.defs {
		for _, n := range below(s.node) {
			if !n.isInner() {
				continue
			}
			u, v := n.Args[0], n.Args[1]
			for i, leaf := range []*Node{u, v} {
				if other := []*Node{v, u}[i]; leaf.Leaf != nil && m.split[leaf] == nil && leaf != other {
					m.split[leaf] = m.largest(leaf, other)
					m.paired[leaf] = other
				}
			}
		}
	}
}

func (n *Node) isInner() bool {
	return n.Op != nil && n.Op.Print.Style == Inner && n.Args[0].Shape.IsVector() && n.Args[1].Shape.IsVector()
}

// largest picks the components to show: all of a few, else those that contribute most, else the
// first.
func (m *diagrammer) largest(u, v *Node) []int {
	n := u.Shape.Rows
	all := make([]int, n)
	for j := range all {
		all[j] = j
	}
	if n <= fewComponents {
		return all
	}
	if c := m.contributions(u, v); c != nil {
		size := func(j int) float64 {
			if math.IsNaN(c[j]) {
				return math.Inf(1)
			}
			return math.Abs(c[j])
		}
		sort.SliceStable(all, func(a, b int) bool { return size(all[a]) > size(all[b]) })
	}
	few := append([]int(nil), all[:largestFew]...)
	sort.Ints(few)
	return few
}

func (m *diagrammer) contributions(u, v *Node) []float64 {
	a, okA := m.vector(u)
	b, okB := m.vector(v)
	if !okA || !okB {
		return nil
	}
	c := make([]float64, len(a))
	for j := range c {
		c[j] = a[j] * b[j]
	}
	return c
}

// vector is the whole value of a named node, if the view has it.
func (m *diagrammer) vector(n *Node) ([]float64, bool) {
	name, ok := m.write.name(n)
	if !ok {
		for _, s := range m.defs {
			if s.node == n {
				name, ok = s.name, true
			}
		}
	}
	if !ok {
		return nil, false
	}
	if v, ok := m.v.Values[name]; ok {
		return v, true
	}
	v := make([]float64, n.Shape.Size())
	for j := range v {
		one, ok := m.v.Values[componentName(name, n.Shape, j)]
		if !ok {
			return nil, false
		}
		v[j] = one[0]
	}
	return v, true
}

// leavesOf makes the cards of the leaves a definition is written with, as far as they are new, and
// lists the cards it uses.
func (m *diagrammer) leavesOf(root *Node) [][]int {
	var used [][]int
	m.walk(root, func(n *Node) bool {
		switch {
		case n.isInner() && (m.split[n.Args[0]] != nil || m.split[n.Args[1]] != nil):
			used = append(used, m.pairCards(n.Args[0], n.Args[1]))
			for _, a := range n.Args {
				if name, ok := m.write.names[a]; ok {
					used = append(used, m.cardOf[name])
				}
				if m.split[a] == nil && a.Op != nil {
					if _, named := m.write.names[a]; !named {
						used = append(used, m.leavesOf(a)...)
					}
				}
			}
			return false
		case n.Leaf != nil && n.Leaf.Kind != Constant:
			used = append(used, m.leafCards(n))
		}
		return true
	})
	return used
}

// pairCards makes the cards of two vectors that meet in a dot: x1, w1, x2, w2, …
func (m *diagrammer) pairCards(u, v *Node) []int {
	pair := []*Node{u, v}
	if rank(v) < rank(u) {
		pair[0], pair[1] = v, u
	}
	var few []int
	for _, n := range pair {
		if m.split[n] != nil {
			few = m.split[n]
		}
	}
	var used []int
	fresh := false
	for _, j := range few {
		for _, n := range pair {
			if m.split[n] == nil {
				continue
			}
			name := componentName(n.Leaf.Name, n.Shape, j)
			id := n.Leaf.Name + "." + strconv.Itoa(j+1)
			if len(m.cardOf[id]) == 0 {
				m.cardOf[id] = []int{m.leafCard(n, name, j)}
				fresh = true
			}
			used = append(used, m.cardOf[id]...)
		}
	}
	if rest := pair[0].Shape.Rows - len(few); rest > 0 {
		key := "rest." + strconv.Itoa(u.ID) + "." + strconv.Itoa(v.ID)
		if fresh || len(m.cardOf[key]) == 0 {
			m.cardOf[key] = []int{m.moreCards(pair, few, rest)}
		}
		used = append(used, m.cardOf[key]...)
	}
	return used
}

// rank puts data before parameters.
func rank(n *Node) int {
	if n.Leaf != nil && n.Leaf.Kind == Input {
		return 0
	}
	return 1
}

// moreCards stands for the components without a card. Its value is what they add to the dot.
func (m *diagrammer) moreCards(pair []*Node, few []int, rest int) int {
	text := "and " + strconv.Itoa(rest) + " more"
	c := &Card{ID: "more-" + strconv.Itoa(len(m.d.cards)), Name: text, Kind: "more", Formula: text, leaf: true,
		MathML: "<math><mtext>" + text + "</mtext></math>"}
	if m.v.Values != nil {
		value := "?"
		if all := m.contributions(pair[0], pair[1]); all != nil {
			shown := map[int]bool{}
			for _, j := range few {
				shown[j] = true
			}
			sum := 0.0
			for j, f := range all {
				if !shown[j] {
					sum += f
				}
			}
			value = number(sum)
		}
		c.Label = "sum of " + m.pairName(pair[1]) + "*" + m.pairName(pair[0])
		c.Numbers = []CardRow{{Value: value}}
	}
	return m.addCard(c)
}

// pairName is what a vector in a dot product is called.
func (m *diagrammer) pairName(n *Node) string {
	if name, ok := m.write.name(n); ok {
		return name
	}
	return "(" + m.write.body(n).plain() + ")"
}

// leafCards is the card of a leaf. A vector that is drawn by component elsewhere is drawn once more,
// whole, where it is used whole.
func (m *diagrammer) leafCards(n *Node) []int {
	name := n.Leaf.Name
	if m.split[n] != nil {
		if c, ok := m.moreCard[n]; ok {
			return []int{c}
		}
		c := &Card{ID: name + "-whole", Name: name, Kind: kindOf(n), Formula: name, leaf: true, again: true,
			head: mark(letterGlyph, name), equation: mark(letterGlyph, name)}
		m.moreCard[n] = m.addCard(c)
		return []int{m.moreCard[n]}
	}
	if len(m.cardOf[name]) == 0 {
		m.cardOf[name] = []int{m.leafCard(n, name, -1)}
	}
	return m.cardOf[name]
}

func kindOf(n *Node) string { return n.Leaf.Kind.String() }

func (m *diagrammer) leafCard(n *Node, name string, j int) int {
	head := mark(letterGlyph, name)
	c := &Card{ID: name, Name: name, Kind: kindOf(n), Formula: name, Label: m.v.Labels[name], leaf: true, head: head, equation: head}
	if err := m.numbers(c, n.Leaf.Name, n.Shape, j); err != nil {
		panic(buildError{err})
	}
	if n.Leaf.Kind == Parameter || m.derived[n.Leaf.Name].node != nil {
		m.backward(c, n.Leaf.Name, n.Shape, j)
	}
	return m.addCard(c)
}

// backward notes that a card has a derivative to be written on it.
func (m *diagrammer) backward(c *Card, name string, s Shape, j int) {
	if d, ok := m.derived[name]; ok && m.v.Backward {
		c.pending = func() { m.writeDerivative(c, d, name, s, j) }
	}
}

func (m *diagrammer) derive(c *Card) {
	if c.pending != nil {
		c.pending()
		c.pending = nil
	}
}

// writeDerivative puts dz = … on the card of z; where the simplified form differs, that too.
func (m *diagrammer) writeDerivative(c *Card, d shown, name string, s Shape, j int) {
	lhs := d.name
	if j >= 0 {
		lhs = componentName(d.name, s, j)
	}
	body := func(n *Node, w *notation) *term {
		if _, named := w.names[n]; j >= 0 && named {
			return w.component(n, j)
		}
		if j >= 0 {
			return w.componentBody(n, j)
		}
		return w.right(n)
	}
	rhs := body(d.node, m.derivativeNames(d.name, false))
	parts := backward{name: lhs, of: d.name, written: rhs}
	right, plain := rhs.glyphs(), lhs+" = "+rhs.plain()
	if m.v.Stage == Written && d.def.Runs != nil && d.def.Runs != d.def.Written {
		simple := body(d.def.Runs, m.derivativeNames(d.name, true))
		if simple.plain() != rhs.plain() && simple.size() < rhs.size() {
			right = row(right, mark(relationGlyph, "="), simple.glyphs())
			plain += " = " + simple.plain()
			parts.simple = simple
		}
	}
	g := equation(lhs, right)
	c.back = append(c.back, g)
	c.backs = append(c.backs, parts)
	c.Backward = append(c.Backward, Backward{Formula: plain, MathML: "<math>" + g.one() + "</math>"})
}

// derivativeNames is the notation of derivative name: forward names, and the derivatives before it;
// with running forms too if asked.
func (m *diagrammer) derivativeNames(name string, running bool) *notation {
	w := &notation{names: map[*Node]string{}}
	give := func(n *Node, name string) {
		if n == nil || n.Op == nil {
			return
		}
		if _, taken := w.names[n]; !taken {
			w.names[n] = name
		}
	}
	for n, s := range m.write.names {
		w.names[n] = s
	}
	for i := range m.g.Defs {
		d := &m.g.Defs[i]
		if d.Name == name {
			break
		}
		if s, ok := m.derived[d.Of]; ok && d.Of != "" {
			give(s.node, d.Name)
			if running {
				give(d.Runs, d.Name)
			}
		} else if running && d.Of == "" {
			give(d.Runs, d.Name)
		}
	}
	return w
}

// visible drops what a user's text could do to the text around it: control characters, line ends,
// and marks that turn the direction of writing.
func visible(r rune) rune {
	switch {
	case unicode.IsControl(r), r == 0x200E, r == 0x200F, r == 0xFEFF, r >= 0x2028 && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
		return ' '
	}
	return r
}

func unique(all []int) []int {
	seen := map[int]bool{}
	var out []int
	for _, i := range all {
		if !seen[i] {
			seen[i] = true
			out = append(out, i)
		}
	}
	return out
}
