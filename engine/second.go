package engine

import (
	"context"
	"fmt"

	"github.com/descent-ml/descent/graph"
)

// Second derivatives: the head and its curvature, H·v, H, its diagonal, and the cost along a line.

// findHead looks for the linear node that the loss is a function of: dot(P, x), P a parameter and x the design, with
// the biases and offsets that are added to it. It is one if no parameter reaches the cost of a row by another way.
func (b *Objective) findHead() error {
	params := map[*graph.Node]int{}
	for i, n := range b.of {
		params[n] = i
	}
	means := outerMeans(b.cost)
	rows := make([]*graph.Node, len(means))
	for i, n := range means {
		rows[i] = n.Args[0]
	}
	nodes := graph.Below(rows...)
	depends := map[*graph.Node]bool{}
	users := map[*graph.Node][]*graph.Node{}
	var head *graph.Node
	for _, n := range nodes {
		_, depends[n] = params[n]
		for _, a := range n.Args {
			depends[n] = depends[n] || depends[a]
			users[a] = append(users[a], n)
		}
		if n.Op == nil || n.Op.Name != "dot" {
			continue
		}
		p, x := n.Args[0], n.Args[1]
		if x.Leaf == nil || !x.Shape.PerRow {
			p, x = x, p
		}
		i, ok := params[p]
		if !ok || x.Leaf == nil || !x.Shape.PerRow || x.Shape.Size() != b.e.layout.Features {
			continue
		}
		if head != nil {
			return nil
		}
		head, b.w = n, i
	}
	if head == nil {
		return nil
	}
	bias := -1
grow:
	for len(users[head]) == 1 {
		u := users[head][0]
		if u.Op.Name != "add" && !(u.Op.Name == "sub" && u.Args[0] == head) || u.Args[0] == u.Args[1] || u.Shape != head.Shape {
			break
		}
		other := u.Args[0]
		if other == head {
			other = u.Args[1]
		}
		i, isParam := params[other]
		switch {
		case isParam && bias < 0 && u.Op.Name == "add":
			bias = i
		case depends[other]:
			break grow
		}
		head = u
	}
	// any other way down to a parameter?
	seen := map[*graph.Node]bool{}
	var other func(n *graph.Node) bool
	other = func(n *graph.Node) bool {
		if n == head || seen[n] {
			return false
		}
		seen[n] = true
		if _, ok := params[n]; ok {
			return true
		}
		for _, a := range n.Args {
			if other(a) {
				return true
			}
		}
		return false
	}
	for _, n := range rows {
		if other(n) {
			return nil
		}
	}
	for i := range b.of {
		if i != b.w && i != bias {
			return nil // a parameter of the penalty alone
		}
	}
	// The curvature of the loss in the head, one column of it for each head.
	slope, err := b.g.Gradient(b.cost, head)
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	K := head.Shape.Size()
	var curv []*graph.Node
	for k := range K {
		rate := b.g.Const(one)
		if K > 1 {
			if rate, err = b.g.Leaf(graph.Leaf{Kind: graph.Input, Name: fmt.Sprintf("unit_%d", k), Shape: graph.Vector(K)}); err != nil {
				return fmt.Errorf("engine: %w", err)
			}
			if b.in.Of, err = with(b.in.Of, rate.Leaf.Name, unit(K, k)); err != nil {
				return err
			}
		}
		c, err := b.g.Tangent(slope, map[*graph.Node]*graph.Node{head: rate})
		if err != nil {
			return nil // some op has no second derivative: no curvature then
		}
		curv = append(curv, c[0])
	}
	if len(outerMeans(curv...)) > 0 {
		return nil // J is not linear in its means
	}
	b.head, b.curv, b.b = head, curv, bias
	return nil
}

func unit(n, k int) []float64 {
	v := make([]float64, n)
	v[k] = 1
	return v
}

// with is a copy of m with one more value.
func with(m map[string][]float64, name string, v []float64) (map[string][]float64, error) {
	if _, ok := m[name]; ok {
		return nil, fmt.Errorf("engine: the name %q is taken", name)
	}
	out := map[string][]float64{name: v}
	for k, x := range m {
		out[k] = x
	}
	return out, nil
}

// second prepares H·v, once: the tangent of the gradient, split at its means, with what does not depend on v kept as
// columns.
func (b *Objective) second() error {
	if b.product != nil {
		return nil
	}
	along := map[*graph.Node]*graph.Node{}
	isRate := map[*graph.Node]bool{}
	for i, n := range b.of {
		v, err := b.g.Leaf(graph.Leaf{Kind: graph.Input, Name: "v_" + b.names[i], Shape: n.Shape})
		if err != nil {
			return fmt.Errorf("engine: %w", err)
		}
		along[n], isRate[v] = v, true
		b.rates = append(b.rates, v)
	}
	hv, err := b.g.Tangent(b.grads, along)
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	if hv, _, err = b.g.Simplify(hv...); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	var keeps []keepColumn
	if b.head != nil {
		if b.curv, _, err = b.g.Simplify(b.curv...); err != nil {
			return fmt.Errorf("engine: %w", err)
		}
		keeps = append(keeps, keepColumn{node: b.head, name: "head"})
		for k, n := range b.curv {
			keeps = append(keeps, keepColumn{node: n, name: fmt.Sprintf("curvature_%d", k)})
		}
	}
	// The largest nodes per row that depend on the parameters but not on v; not the wide ones, which are x times
	// something.
	params := map[*graph.Node]bool{}
	for _, n := range b.of {
		params[n] = true
	}
	moves, depends := map[*graph.Node]bool{}, map[*graph.Node]bool{}
	for _, n := range graph.Below(hv...) {
		moves[n], depends[n] = isRate[n], params[n]
		for _, a := range n.Args {
			moves[n] = moves[n] || moves[a]
			depends[n] = depends[n] || depends[a]
		}
	}
	given := map[*graph.Node]string{}
	seen := map[*graph.Node]bool{}
	var visit func(n *graph.Node)
	visit = func(n *graph.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		wide := n.Shape.Size() > 1 && (n.Shape.Rows == b.e.layout.Features || n.Shape.Cols == b.e.layout.Features)
		if n.Shape.PerRow && !moves[n] && !wide {
			if depends[n] {
				name := ""
				for _, k := range keeps {
					if k.node == n {
						name = k.name
					}
				}
				if name == "" {
					name = fmt.Sprintf("kept_%d", n.ID)
					keeps = append(keeps, keepColumn{node: n, name: name})
				}
				given[n] = name
			}
			return
		}
		for _, a := range n.Args {
			visit(a)
		}
	}
	for _, n := range outerMeans(hv...) {
		visit(n.Args[0])
	}
	for i := range keeps {
		keeps[i].data = make([]float64, b.e.Rows()*keeps[i].node.Shape.Size())
	}
	p, err := b.split(hv, b.called("Hv_")[1:], given, nil)
	if err != nil {
		return err
	}
	all := append([]*graph.Node{b.cost}, b.grads...)
	if b.pointed, err = b.split(all, b.called("d"), nil, keeps); err != nil {
		return err
	}
	var out []Output
	for _, k := range keeps {
		out = append(out, Output{Name: k.name, Node: k.node, Keep: true})
	}
	if b.columns, err = CompileWith(b.g, b.e.layout, CompileOptions{NoFused: b.e.o.NoFused}, out...); err != nil {
		return err
	}
	b.keeps, b.product = keeps, p
	return nil
}

// ready makes the kept columns those of the point.
func (b *Objective) ready(ctx context.Context) (Values, error) {
	if b.theta == nil {
		return Values{}, ErrNoPoint
	}
	v, err := b.values(b.theta)
	if err != nil {
		return v, err
	}
	if err := b.second(); err != nil {
		return v, err
	}
	if !b.valid {
		kept := make([][]float64, len(b.keeps))
		for i, k := range b.keeps {
			kept[i] = k.data
		}
		if _, err := b.e.run(ctx, b.columns, v, Mask{}, kept); err != nil {
			return v, err
		}
		b.valid = true
	}
	for _, k := range b.keeps {
		v.Columns[k.name] = k.data
	}
	return v, nil
}

// Product writes H·v at the point to hv.
func (b *Objective) Product(ctx context.Context, v, hv []float64) error {
	if len(v) != b.Size() || len(hv) != b.Size() {
		return fmt.Errorf("engine: Product of %d numbers into %d, want %d", len(v), len(hv), b.Size())
	}
	values, err := b.ready(ctx)
	if err != nil {
		return err
	}
	b.setRates(values, v)
	out, err := b.eval(ctx, b.e, b.product, values, b.o.Mask)
	if err != nil {
		return err
	}
	b.gather(hv, out)
	return nil
}

func (b *Objective) setRates(values Values, v []float64) {
	for i, n := range b.rates {
		values.Of[n.Leaf.Name] = v[b.begin[i]:b.begin[i+1]]
	}
}

// penalty is what is above the means in H·v.
func (b *Objective) penalty(values Values, v, hv []float64) error {
	b.setRates(values, v)
	out, err := b.product.above(values, func(i int) []float64 { return make([]float64, b.product.means[i].Shape.Size()) })
	if err != nil {
		return err
	}
	b.gather(hv, out)
	return nil
}

// separable reports whether the penalty's H is diagonal by the form of its graph: the part for a parameter depends on
// that parameter's rate alone, component by component.
func (b *Objective) separable() bool {
	for i, root := range b.product.top {
		moves := map[*graph.Node]bool{}
		for _, n := range graph.Below(root) {
			for j, r := range b.rates {
				if n == r {
					if j != i {
						return false
					}
					moves[n] = true
				}
			}
			for _, a := range n.Args {
				moves[n] = moves[n] || moves[a]
			}
			if n.Op != nil && moves[n] && !n.Op.Elementwise() {
				return false
			}
		}
		if moves[root] && root.Shape.Size() != b.rates[i].Shape.Size() {
			return false
		}
	}
	return true
}

// maxProducts bounds the parameters for which H is made of products H·e_j.
const maxProducts = 512

// penaltyDiagonal is the diagonal of the penalty's H.
func (b *Objective) penaltyDiagonal(values Values, diag []float64) error {
	size := b.Size()
	v := make([]float64, size)
	if b.separable() {
		for i := range v {
			v[i] = 1
		}
		return b.penalty(values, v, diag)
	}
	if size > maxProducts {
		return fmt.Errorf("engine: the penalty mixes parameters: its second derivatives are made up to %d parameters, there are %d", maxProducts, size)
	}
	hv := make([]float64, size)
	for i := range v {
		v[i] = 1
		if err := b.penalty(values, v, hv); err != nil {
			return err
		}
		diag[i], v[i] = hv[i], 0
	}
	return nil
}

// at is where component j (n: the bias) of head k is in θ; -1: nowhere.
func (b *Objective) at(k, j int) int {
	if n := b.e.layout.Features; j < n {
		return b.begin[b.w] + k*n + j
	}
	if b.b < 0 {
		return -1
	}
	if b.of[b.b].Shape.IsScalar() {
		return b.begin[b.b] // one bias for all heads: their parts add up
	}
	return b.begin[b.b] + k
}

// curvature is the second derivative of the rows' loss in heads k and l at the point, times the mask.
func (b *Objective) curvature(k, l int) []float64 {
	c, K := b.keeps[1+k].data, len(b.curv)
	counts := b.o.Mask.Counts
	if K == 1 && counts == nil {
		return c
	}
	out := make([]float64, b.e.Rows())
	for i := range out {
		switch {
		case counts == nil:
			out[i] = c[i*K+l]
		case counts[i] != 0:
			out[i] = c[i*K+l] * float64(counts[i])
		}
	}
	return out
}

// Diagonal writes the diagonal of H at the point to diag.
func (b *Objective) Diagonal(ctx context.Context, diag []float64) error {
	if len(diag) != b.Size() {
		return fmt.Errorf("engine: diagonal of %d numbers, want %d", len(diag), b.Size())
	}
	values, err := b.ready(ctx)
	if err != nil {
		return err
	}
	if b.head == nil {
		h, err := b.byProducts(ctx)
		if err != nil {
			return err
		}
		for i := range diag {
			diag[i] = h[i*len(diag)+i]
		}
		return nil
	}
	if err := b.penaltyDiagonal(values, diag); err != nil {
		return err
	}
	for k := range b.curv {
		for l := range b.curv {
			if k != l && (b.b < 0 || !b.of[b.b].Shape.IsScalar()) {
				continue
			}
			d, err := b.diag(ctx, b.curvature(k, l))
			if err != nil {
				return err
			}
			for j, v := range d {
				if i := b.at(k, j); i >= 0 && (k == l || j == len(d)-1) {
					diag[i] += v / b.m
				}
			}
		}
	}
	return nil
}

func (b *Objective) diag(ctx context.Context, c []float64) ([]float64, error) {
	if b.o.Mask.Chunks != nil {
		return nil, fmt.Errorf("engine: the diagonal of H over some chunks is not offered")
	}
	return b.e.Diag(ctx, c)
}

// Hessian writes H at the point to h, Size() by Size(), row-major. With chunks (ascending) only their rows count and
// nothing is rescaled: h is the penalty's H plus (1/m) times their sum, which lies below the whole H; with an empty
// list that is not nil it is the penalty's alone. Where the cost has no curvature by rows, H is made of products, up
// to 512 parameters and without chunks.
func (b *Objective) Hessian(ctx context.Context, chunks []int, h []float64) error {
	return b.hessian(ctx, chunks, 1, h)
}

// HessianEstimate is Hessian with the sum over the chunks scaled up to all rows.
func (b *Objective) HessianEstimate(ctx context.Context, chunks []int, h []float64) error {
	if chunks == nil {
		return b.hessian(ctx, nil, 1, h)
	}
	rows := 0
	for _, k := range chunks {
		rows += max(0, min(b.e.chunk, b.e.layout.Rows-k*b.e.chunk))
	}
	if rows == 0 {
		return fmt.Errorf("engine: an estimate from no rows")
	}
	return b.hessian(ctx, chunks, float64(b.e.layout.Rows)/float64(rows), h)
}

func (b *Objective) hessian(ctx context.Context, chunks []int, scale float64, h []float64) error {
	size := b.Size()
	if len(h) != size*size {
		return fmt.Errorf("engine: Hessian of %d numbers, want %d", len(h), size*size)
	}
	values, err := b.ready(ctx)
	if err != nil {
		return err
	}
	if b.head == nil {
		if chunks != nil {
			return ErrNoCurvature
		}
		all, err := b.byProducts(ctx)
		if err == nil {
			copy(h, all)
		}
		return err
	}
	clear(h)
	if b.separable() {
		diag := make([]float64, size)
		if err := b.penaltyDiagonal(values, diag); err != nil {
			return err
		}
		for i, v := range diag {
			h[i*size+i] = v
		}
	} else {
		v, hv := make([]float64, size), make([]float64, size)
		for i := range v {
			v[i] = 1
			if err := b.penalty(values, v, hv); err != nil {
				return err
			}
			v[i] = 0
			copy(h[i*size:], hv)
		}
	}
	if chunks != nil && len(chunks) == 0 {
		return nil
	}
	if chunks == nil {
		chunks = b.o.Mask.Chunks
	}
	N := b.e.layout.Features + 1
	for k := range b.curv {
		for l := range k + 1 {
			G, err := b.e.Gram(ctx, b.curvature(k, l), chunks)
			if err != nil {
				return err
			}
			for i := range N {
				for j := range N {
					p, q := b.at(k, i), b.at(l, j)
					if p < 0 || q < 0 {
						continue
					}
					v := G[i*N+j] * scale / b.m
					h[p*size+q] += v
					if k != l {
						h[q*size+p] += v
					}
				}
			}
		}
	}
	return nil
}

// byProducts is H from H·e_j.
func (b *Objective) byProducts(ctx context.Context) ([]float64, error) {
	size := b.Size()
	if size > maxProducts {
		return nil, ErrNoCurvature
	}
	h, v := make([]float64, size*size), make([]float64, size)
	for i := range v {
		v[i] = 1
		if err := b.Product(ctx, v, h[i*size:(i+1)*size]); err != nil {
			return nil, err
		}
		v[i] = 0
	}
	return h, nil
}

// ---- along a line

type lineStage struct {
	*stage
	direction *Program // the heads of the direction
}

const (
	lineStep = "line_t"
	lineZ    = "line_z"
	lineD    = "line_d"
)

// prepareLine builds J(θ + t d) over the stored heads z and their rates, and its slope in t.
func (b *Objective) prepareLine() error {
	if b.line != nil || b.head == nil {
		return nil
	}
	leaf := func(kind graph.Kind, name string, s graph.Shape) (*graph.Node, error) {
		return b.g.Leaf(graph.Leaf{Kind: kind, Name: name, Shape: s})
	}
	t, err := leaf(graph.Parameter, lineStep, graph.Shape{})
	if err != nil {
		return err
	}
	moved := map[*graph.Node]*graph.Node{}
	along := map[*graph.Node]*graph.Node{}
	step := func(from, rate *graph.Node) (*graph.Node, error) {
		d, err := b.g.Apply("mul", t, rate)
		if err != nil {
			return nil, err
		}
		return b.g.Apply("add", from, d)
	}
	for i, n := range b.of {
		along[n] = b.rates[i]
		if moved[n], err = step(n, b.rates[i]); err != nil {
			return err
		}
	}
	z, err := leaf(graph.Input, lineZ, b.head.Shape)
	if err != nil {
		return err
	}
	d, err := leaf(graph.Input, lineD, b.head.Shape)
	if err != nil {
		return err
	}
	if moved[b.head], err = step(z, d); err != nil {
		return err
	}
	J := b.g.Replace(b.cost, moved)
	slope, err := b.g.Gradient(J, t)
	if err != nil {
		return err
	}
	s, _, err := b.g.Simplify(append([]*graph.Node{J}, slope...)...)
	if err != nil {
		return err
	}
	stage, err := b.split(s, []string{b.root, "slope"}, map[*graph.Node]string{z: lineZ, d: lineD}, nil)
	if err != nil {
		return err
	}
	heads, err := b.g.Tangent([]*graph.Node{b.head}, along)
	if err != nil {
		return err
	}
	if heads, _, err = b.g.Simplify(heads...); err != nil {
		return err
	}
	p, err := CompileWith(b.g, b.e.layout, CompileOptions{NoFused: b.e.o.NoFused}, Output{Name: "heads", Node: heads[0], Keep: true})
	if err != nil {
		return err
	}
	b.line = &lineStage{stage, p}
	return nil
}

// Line sets the direction for LineCost, from the point. Where the loss is a function of linear heads that is one pass
// over the columns, and every LineCost only one over the heads.
func (b *Objective) Line(ctx context.Context, d []float64) error {
	if len(d) != b.Size() {
		return fmt.Errorf("engine: direction of %d numbers, want %d", len(d), b.Size())
	}
	values, err := b.ready(ctx)
	if err != nil {
		return err
	}
	if err := b.prepareLine(); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	b.direction = append([]float64(nil), d...)
	if b.head == nil {
		return nil
	}
	if b.heads == nil {
		b.heads = make([]float64, b.e.Rows()*b.head.Shape.Size())
	}
	b.setRates(values, d)
	_, err = b.e.run(ctx, b.line.direction, values, Mask{}, [][]float64{b.heads})
	return err
}

// LineCost is J at the point plus t times the direction of Line, and its derivative in t.
func (b *Objective) LineCost(ctx context.Context, t float64) (J, slope float64, err error) {
	if b.direction == nil {
		return 0, 0, ErrNoPoint
	}
	if b.head == nil {
		theta, grad := make([]float64, b.Size()), make([]float64, b.Size())
		for i, v := range b.theta {
			theta[i] = v + float64(t*b.direction[i])
		}
		if J, err = b.costGradient(ctx, b.e, b.full, theta, grad, b.m, b.o.Mask); err != nil {
			return 0, 0, err
		}
		for i, v := range b.direction {
			slope += float64(v * grad[i])
		}
		return J, slope, nil
	}
	values, err := b.ready(ctx)
	if err != nil {
		return 0, 0, err
	}
	b.setRates(values, b.direction)
	values.Of[lineStep] = []float64{t}
	values.Columns[lineZ], values.Columns[lineD] = b.keeps[0].data, b.heads
	out, err := b.eval(ctx, b.e, b.line.stage, values, b.o.Mask)
	if err != nil {
		return 0, 0, err
	}
	return out[0][0], out[1][0], nil
}

// Kept is a column at the point, for every row of this process its components: "head" (z with bias and offset),
// "curvature" (the second derivative of the row's weighted loss in the head; K² components for K heads), "slope" (the
// first), or a definition of the equations by name. The slice is valid until the next point.
func (b *Objective) Kept(ctx context.Context, name string) ([]float64, error) {
	values, err := b.ready(ctx)
	if err != nil {
		return nil, err
	}
	var n *graph.Node
	switch name {
	case "head", "curvature", "slope":
		if b.head == nil {
			return nil, ErrNoCurvature
		}
	}
	switch name {
	case "head":
		return b.keeps[0].data, nil
	case "curvature":
		K := len(b.curv)
		if K == 1 {
			return b.keeps[1].data, nil
		}
		out := make([]float64, b.e.Rows()*K*K)
		for k := range K {
			for i := range b.e.Rows() {
				copy(out[(i*K+k)*K:], b.keeps[1+k].data[i*K:(i+1)*K])
			}
		}
		return out, nil
	case "slope":
		s, err := b.g.Gradient(b.cost, b.head)
		if err != nil {
			return nil, fmt.Errorf("engine: %w", err)
		}
		n = s[0]
	default:
		d, ok := b.g.Def(name)
		if !ok {
			return nil, fmt.Errorf("engine: nothing is called %q", name)
		}
		n = d.Written
	}
	s, _, err := b.g.Simplify(n)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	p, err := CompileWith(b.g, b.e.layout, CompileOptions{NoFused: b.e.o.NoFused}, Output{Name: name, Node: s[0], Keep: true})
	if err != nil {
		return nil, err
	}
	r, err := b.e.Run(ctx, p, values, Mask{})
	if err != nil {
		return nil, err
	}
	return r.Kept[name], nil
}
