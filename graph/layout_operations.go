package graph

// A card for every operation, as the warm-up J = 3*(a + b*c) is drawn.

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

// operationCards: a card for every operation. What has no name is called u, v, …
func (m *diagrammer) operationCards() error {
	o := &operationDiagram{diagrammer: m, name: map[*Node]string{}, derivative: map[*Node]bool{}, at: map[*Node]int{}}
	o.collect()
	anonymous := o.christen()
	m.write.names = o.name
	unnamed := append([]*Node(nil), anonymous...)
	for _, s := range m.defs {
		if s.def == nil {
			unnamed = append(unnamed, s.node)
		}
	}
	o.values, o.gradients = m.fill(unnamed, o.root())
	m.write.names = map[*Node]string{}
	for i, n := range o.nodes {
		if n.Op != nil {
			if err := o.card(n, i >= o.forward); err != nil {
				return err
			}
		}
	}
	for i, s := range m.defs {
		if first, ok := o.name[s.node]; !ok || first != s.name {
			if err := o.secondName(s, first, i == len(m.defs)-1); err != nil {
				return err
			}
		}
	}
	if m.v.Cards == Automatic && m.v.Backward {
		return m.deriveOperations(o.name, anonymous)
	}
	return nil
}

// An operationDiagram is a diagram with a card for every operation.
type operationDiagram struct {
	*diagrammer
	nodes             []*Node // arguments before their users
	forward           int     // how many of them are not for derivatives
	name              map[*Node]string
	derivative        map[*Node]bool   // it is what Derive added
	values, gradients map[*Node]string // of what the view has no names for
	at                map[*Node]int    // cards
}

func (o *operationDiagram) root() *Node { return o.defs[len(o.defs)-1].node }

// collect lists the nodes and takes over the names of definitions.
func (o *operationDiagram) collect() {
	var roots []*Node
	add := func(s shown) {
		roots = append(roots, s.node)
		if _, taken := o.name[s.node]; !taken && s.node.Op != nil {
			o.name[s.node] = s.name
			o.derivative[s.node] = s.derived
		}
	}
	for _, s := range o.defs {
		add(s)
	}
	o.forward = len(below(roots...))
	// Asked for every operation, derivatives are operations too; else they are written on the cards.
	for i := range o.g.Defs {
		if o.v.Cards == Automatic {
			break
		}
		if d := &o.g.Defs[i]; d.Of != "" {
			if s, ok := o.derived[d.Of]; ok {
				add(s)
			}
		}
	}
	o.nodes = below(roots...)
}

// christen names what has no name, and lists it.
func (o *operationDiagram) christen() (anonymous []*Node) {
	for _, n := range o.nodes {
		if _, ok := o.name[n]; n.Op != nil && !ok {
			anonymous = append(anonymous, n)
		}
	}
	give := o.letters(len(anonymous))
	for _, n := range anonymous {
		o.name[n] = give()
	}
	return anonymous
}

// leaf is the card of a leaf, made where it is first used.
func (o *operationDiagram) leaf(n *Node) int {
	i, ok := o.at[n]
	if !ok {
		i = o.leafCard(n, n.Leaf.Name, -1)
		o.at[n] = i
	}
	return i
}

// card makes the card of an operation, its arguments having theirs.
func (o *operationDiagram) card(n *Node, backward bool) error {
	var uses []int
	for _, a := range n.Args {
		if a.Op == nil && a.Leaf.Kind != Constant {
			uses = append(uses, o.leaf(a))
		}
	}
	named := map[*Node]string{}
	for _, a := range n.Args {
		if a.Op != nil {
			uses = append(uses, o.at[a])
			named[a] = o.name[a]
		}
	}
	w := &notation{names: named, whole: true}
	rhs := w.body(n)
	c := &Card{ID: o.name[n], Name: o.name[n], Kind: "operation", Formula: o.name[n] + " = " + rhs.plain(),
		rhs: rhs, equation: equation(o.name[n], rhs.glyphs()), uses: unique(uses), root: n == o.root()}
	c.head = c.equation
	switch {
	case o.derivative[n]:
		c.Kind = "derivative"
		text, err := look(o.v.Derivatives, o.name[n], n.Shape, 0)
		if err != nil {
			return err
		}
		if text != "" && n.Shape.IsScalar() {
			c.Numbers = []CardRow{{Derivative: text}}
		}
	case backward:
		c.Kind = "derivative"
		if v, ok := o.values[n]; ok && n.Shape.IsScalar() {
			c.Numbers = []CardRow{{Derivative: v}}
		}
	case o.defined(o.name[n]):
		if err := o.numbers(c, o.name[n], n.Shape, -1); err != nil {
			return err
		}
	case n.Shape.IsScalar():
		r := CardRow{Value: o.values[n], Derivative: o.gradients[n]}
		if r != (CardRow{}) {
			c.Numbers = []CardRow{r}
		}
	}
	o.at[n] = o.addCard(c)
	return nil
}

// secondName makes the card of a definition that is a leaf, or a node that goes by the name first.
func (o *operationDiagram) secondName(s shown, first string, root bool) error {
	rhs := &term{kind: nameTerm, text: first}
	uses := []int{}
	if s.node.Op != nil {
		uses = append(uses, o.at[s.node])
	} else if s.node.Leaf.Kind != Constant {
		rhs.text = s.node.Leaf.Name
		uses = append(uses, o.leaf(s.node))
	} else {
		rhs = o.write.body(s.node)
	}
	c := &Card{ID: s.name, Name: s.name, Kind: "operation", Formula: s.name + " = " + rhs.plain(),
		rhs: rhs, equation: equation(s.name, rhs.glyphs()), uses: uses, root: root}
	c.head = c.equation
	if err := o.numbers(c, s.name, s.node.Shape, -1); err != nil {
		return err
	}
	o.addCard(c)
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
