package graph

import (
	"fmt"
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
	return m.d, err
}

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

func (m *diagrammer) operations() bool {
	if m.v.Cards != Automatic {
		return m.v.Cards == Operations
	}
	if len(m.defs) != 1 || m.v.Stage == Lowered {
		return false
	}
	ops := 0
	for _, n := range below(m.defs[0].node) {
		if n.Op != nil {
			ops++
		}
		if !n.Shape.IsScalar() {
			return false
		}
	}
	return ops <= 12
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

// numbers fills in the numbers of component j of a name, or of all of it (j < 0).
func (m *diagrammer) numbers(c *Card, name string, s Shape, j int) error {
	take := func(j int) (r CardRow, err error) {
		if r.Value, err = look(m.v.Values, name, s, j); err != nil {
			return r, err
		}
		if c.Kind == "input" {
			return r, nil
		}
		if r.Derivative, err = look(m.v.Derivatives, "d"+name, s, j); err != nil {
			return r, err
		}
		if r.Derivative == "?" && c.root {
			r.Derivative = "1" // the derivative of the root by itself
		}
		if c.Kind != "parameter" {
			return r, nil
		}
		r.Update, err = look(m.v.Updates, name, s, j)
		return r, err
	}
	switch {
	case j >= 0 || s.IsScalar():
		r, err := take(max(j, 0))
		if err != nil {
			return err
		}
		if r != (CardRow{}) {
			c.Numbers = []CardRow{r}
		}
		return nil
	case m.v.Values == nil && m.v.Derivatives == nil && m.v.Updates == nil && (len(m.v.Labels) == 0 || !s.IsVector()):
		if s.IsMatrix() {
			c.Numbers = []CardRow{{Label: fmt.Sprintf("%d × %d", s.Rows, s.Cols)}}
		}
		return nil
	case s.IsMatrix():
		return m.gridNumbers(c, s, take)
	}
	few := s.Size()
	if few > fewComponents {
		few = largestFew
	}
	for j := 0; j < few; j++ {
		r, err := take(j)
		if err != nil {
			return err
		}
		r.Label = componentName(name, s, j)
		r.Meaning = m.v.Labels[r.Label]
		c.Numbers = append(c.Numbers, r)
	}
	if rest := s.Size() - few; rest > 0 {
		c.Numbers = append(c.Numbers, CardRow{Label: fmt.Sprintf("and %d more", rest)})
	}
	return nil
}

// gridNumbers writes a small matrix row by row; of a large one only its size.
func (m *diagrammer) gridNumbers(c *Card, s Shape, take func(int) (CardRow, error)) error {
	c.Numbers = []CardRow{{Label: fmt.Sprintf("%d × %d", s.Rows, s.Cols)}}
	if s.Rows > fewComponents || s.Cols > fewComponents {
		return nil
	}
	wide := make([][3]int, s.Cols) // numbers of a column stand under one another
	for j := 0; j < s.Size(); j++ {
		r, err := take(j)
		if err != nil {
			return err
		}
		for q, text := range []string{r.Value, r.Derivative, r.Update} {
			wide[j%s.Cols][q] = max(wide[j%s.Cols][q], len(text))
		}
	}
	for i := 0; i < s.Rows; i++ {
		var parts [3][]string
		for k := 0; k < s.Cols; k++ {
			r, err := take(i*s.Cols + k)
			if err != nil {
				return err
			}
			for q, text := range []string{r.Value, r.Derivative, r.Update} {
				if text != "" {
					parts[q] = append(parts[q], fmt.Sprintf("%*s", wide[k][q], text))
				}
			}
		}
		c.Numbers = append(c.Numbers, CardRow{Value: strings.Join(parts[0], "  "),
			Derivative: strings.Join(parts[1], "  "), Update: strings.Join(parts[2], "  ")})
	}
	return nil
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

// operationCards: a card for every operation. What has no name is called u, v, …
func (m *diagrammer) operationCards() error {
	var roots []*Node
	name := map[*Node]string{}
	derivative := map[*Node]bool{}
	add := func(s shown) {
		roots = append(roots, s.node)
		if _, taken := name[s.node]; !taken && s.node.Op != nil {
			name[s.node] = s.name
			derivative[s.node] = s.derived
		}
	}
	forward := 0
	for _, s := range m.defs {
		add(s)
	}
	forward = len(below(roots...))
	// Asked for every operation, derivatives are operations too; else they are written on the cards.
	for i := range m.g.Defs {
		if m.v.Cards == Automatic {
			break
		}
		if d := &m.g.Defs[i]; d.Of != "" {
			if s, ok := m.derived[d.Of]; ok {
				add(s)
			}
		}
	}
	nodes := below(roots...)
	var anonymous []*Node
	for _, n := range nodes {
		if _, ok := name[n]; n.Op != nil && !ok {
			anonymous = append(anonymous, n)
		}
	}
	give := m.letters(len(anonymous))
	for _, n := range anonymous {
		name[n] = give()
	}
	m.write.names = name
	unnamed := append([]*Node(nil), anonymous...)
	for _, s := range m.defs {
		if s.def == nil {
			unnamed = append(unnamed, s.node)
		}
	}
	values, gradients := m.fill(unnamed, m.defs[len(m.defs)-1].node)
	at := map[*Node]int{}
	leaf := func(n *Node) int {
		if i, ok := at[n]; ok {
			return i
		}
		at[n] = m.leafCard(n, n.Leaf.Name, -1)
		return at[n]
	}
	m.write.names = map[*Node]string{}
	for i, n := range nodes {
		if n.Op == nil {
			continue
		}
		var uses []int
		for _, a := range n.Args {
			if a.Op == nil && a.Leaf.Kind != Constant {
				uses = append(uses, leaf(a))
			}
		}
		for _, a := range n.Args {
			if a.Op != nil {
				uses = append(uses, at[a])
			}
		}
		named := map[*Node]string{}
		for _, a := range n.Args {
			if a.Op != nil {
				named[a] = name[a]
			}
		}
		w := &notation{names: named, whole: true}
		rhs := w.body(n)
		c := &Card{ID: name[n], Name: name[n], Kind: "operation", Formula: name[n] + " = " + rhs.plain(),
			rhs: rhs, equation: equation(name[n], rhs.glyphs()), uses: unique(uses), root: n == m.defs[len(m.defs)-1].node}
		c.head = c.equation
		switch {
		case derivative[n]:
			c.Kind = "derivative"
			text, err := look(m.v.Derivatives, name[n], n.Shape, 0)
			if err != nil {
				return err
			}
			if text != "" && n.Shape.IsScalar() {
				c.Numbers = []CardRow{{Derivative: text}}
			}
		case i >= forward:
			c.Kind = "derivative"
			if v, ok := values[n]; ok && n.Shape.IsScalar() {
				c.Numbers = []CardRow{{Derivative: v}}
			}
		case m.defined(name[n]):
			if err := m.numbers(c, name[n], n.Shape, -1); err != nil {
				return err
			}
		case n.Shape.IsScalar():
			r := CardRow{Value: values[n], Derivative: gradients[n]}
			if r != (CardRow{}) {
				c.Numbers = []CardRow{r}
			}
		}
		at[n] = m.addCard(c)
	}
	for i, s := range m.defs { // a definition that is a leaf or a second name
		if first, ok := name[s.node]; !ok || first != s.name {
			rhs := &term{kind: nameTerm, text: first}
			uses := []int{}
			if s.node.Op != nil {
				uses = append(uses, at[s.node])
			} else if s.node.Leaf.Kind != Constant {
				rhs.text = s.node.Leaf.Name
				uses = append(uses, leaf(s.node))
			} else {
				rhs = m.write.body(s.node)
			}
			c := &Card{ID: s.name, Name: s.name, Kind: "operation", Formula: s.name + " = " + rhs.plain(),
				rhs: rhs, equation: equation(s.name, rhs.glyphs()), uses: uses, root: i == len(m.defs)-1}
			c.head = c.equation
			if err := m.numbers(c, s.name, s.node.Shape, -1); err != nil {
				return err
			}
			m.addCard(c)
		}
	}
	if m.v.Cards == Automatic && m.v.Backward {
		return m.deriveOperations(name, anonymous)
	}
	return nil
}

// deriveOperations writes derivatives on the cards of leaves and of operations without a name.
func (m *diagrammer) deriveOperations(name map[*Node]string, anonymous []*Node) error {
	m.write.names = name
	grads, err := m.g.Gradient(m.defs[len(m.defs)-1].node, anonymous...)
	if err != nil {
		return err
	}
	for i, n := range anonymous {
		d := shown{name: "d" + name[n], node: grads[i], def: &Def{Written: grads[i]}}
		m.d.order = append([]string{d.name}, m.d.order...)
		for _, c := range m.d.cards {
			if c.Name == name[n] {
				m.writeDerivative(c, d, name[n], n.Shape, -1)
			}
		}
	}
	for _, c := range m.d.cards {
		m.derive(c)
	}
	return nil
}

func (m *diagrammer) defined(name string) bool {
	_, ok := m.g.Def(name)
	return ok
}

// letters gives names to n operations: u, v as in the lecture, or u1, u2, …
func (m *diagrammer) letters(n int) func() string {
	_, u := m.g.Lookup("u")
	_, v := m.g.Lookup("v")
	if n <= 2 && !u && !v {
		next := []string{"u", "v"}
		return func() string {
			s := next[0]
			next = next[1:]
			return s
		}
	}
	return m.freeNames("u")
}

// fill computes the numbers of what has no name, where the view has all that is needed.
func (m *diagrammer) fill(anonymous []*Node, root *Node) (values, gradients map[*Node]string) {
	values, gradients = map[*Node]string{}, map[*Node]string{}
	if m.v.Values == nil || len(anonymous) == 0 {
		return values, gradients
	}
	given := Values{Rows: 1, Of: map[string][]float64{}}
	for _, n := range below(append(append([]*Node(nil), anonymous...), root)...) {
		if n.Leaf != nil && n.Leaf.Kind != Constant {
			v, ok := m.vector(n)
			if !ok {
				return values, gradients
			}
			given.Of[n.Leaf.Name] = v
		}
	}
	numbers := func(into map[*Node]string, nodes, of []*Node) {
		out, err := Eval(given, nodes...)
		if err != nil {
			return
		}
		for i, n := range of {
			if len(out[i]) == 1 {
				into[n] = number(out[i][0])
			}
		}
	}
	numbers(values, anonymous, anonymous)
	if m.v.Derivatives == nil {
		return values, gradients
	}
	under := map[*Node]bool{}
	for _, n := range below(root) {
		under[n] = true
	}
	var of []*Node
	for _, n := range anonymous {
		if under[n] {
			of = append(of, n)
		}
	}
	if d, err := m.g.Gradient(root, of...); err == nil {
		numbers(gradients, d, of)
	}
	return values, gradients
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
