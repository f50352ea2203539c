package engine

import (
	"context"
	"fmt"

	"github.com/descent-ml/descent/graph"
)

// Second derivatives at the point: H·v, H, its diagonal, and columns kept for them.

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
	if hv, err = b.simplify(hv...); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	var keeps []keepColumn
	if b.head != nil {
		if b.curv, err = b.simplify(b.curv...); err != nil {
			return fmt.Errorf("engine: %w", err)
		}
		keeps = append(keeps, keepColumn{node: b.head, name: "head"})
		if len(b.curv) == 1 {
			keeps = append(keeps, keepColumn{node: b.curv[0], name: "curvature"})
		} else { // of K heads there are K² columns: made when they are needed, a piece at a time
			var out []Output
			for k, n := range b.curv {
				out = append(out, Output{Name: fmt.Sprintf("curvature_%d", k), Node: n, Keep: true})
			}
			o := CompileOptions{NoFused: b.e.o.NoFused, Given: map[*graph.Node]string{b.head: "head"}}
			if b.curvatures, err = CompileWith(b.g, b.e.layout.Layout, o, out...); err != nil {
				return err
			}
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
	if b.columns, err = CompileWith(b.g, b.e.layout.Layout, CompileOptions{NoFused: b.e.o.NoFused}, out...); err != nil {
		return err
	}
	b.keeps, b.product, b.hv, b.given = keeps, p, hv, given
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

// Product writes H·v at the point to hv, nearly so after Rough.
func (b *Objective) Product(ctx context.Context, v, hv []float64) error {
	if len(v) != b.Size() || len(hv) != b.Size() {
		return fmt.Errorf("engine: Product of %d numbers into %d, want %d", len(v), len(hv), b.Size())
	}
	values, err := b.ready(ctx)
	if err != nil {
		return err
	}
	b.setRates(values, v)
	if b.roughly != nil {
		out, err := b.eval(ctx, b.roughly.e, b.roughly.product, values, b.o.Mask)
		if err != nil {
			return err
		}
		b.gather(hv, out)
		b.e.passes.Add(1)
		if finite(hv) { // float32 may overflow where float64 does not
			return nil
		}
	}
	out, err := b.eval(ctx, b.e, b.product, values, b.o.Mask)
	if err != nil {
		return err
	}
	b.gather(hv, out)
	return nil
}

func finite(v []float64) bool {
	for _, x := range v {
		if x-x != 0 {
			return false
		}
	}
	return true
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

// curvature is the second derivative of the rows' loss in the only head at the point, times the mask.
func (b *Objective) curvature() []float64 {
	c, counts := b.keeps[1].data, b.o.Mask.Counts
	if counts == nil {
		return c
	}
	out := make([]float64, len(c))
	for i, k := range counts {
		if k != 0 {
			out[i] = c[i] * float64(k)
		}
	}
	return out
}

// pairWeigher is curvature for several heads: of pairs (k, l), the second derivatives in heads k and l, a piece at a
// time out of the kept heads.
func (b *Objective) pairWeigher(values Values, pairs [][2]int) (func() weigher, error) {
	if len(b.curv) == 1 {
		return b.e.columnWeigher(b.curvature()), nil
	}
	K := len(b.curv)
	shared, err := b.e.ready(b.curvatures, values, Mask{}, nil)
	if err != nil {
		return nil, err
	}
	counts := b.o.Mask.Counts
	return func() weigher {
		st := *shared
		st.kept = make([][]float64, K)
		for k := range st.kept {
			st.kept[k] = make([]float64, K*b.e.block)
		}
		f := b.curvatures.newFrame(b.e)
		f.begin(&st)
		return func(r rows, c [][]float64) error {
			f.keptFrom = r.at(b.e)
			if err := f.run(r, nil); err != nil {
				return err
			}
			for q, p := range pairs {
				from, to := st.kept[p[0]][p[1]:], c[q]
				for i := range to {
					to[i] = from[i*K]
				}
				if counts == nil {
					continue
				}
				for i, k := range counts[f.keptFrom:][:len(to)] {
					if k == 0 {
						to[i] = 0 // whatever it was
					} else {
						to[i] *= float64(k)
					}
				}
			}
			return nil
		}
	}, nil
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
	if b.o.Mask.Chunks != nil {
		return fmt.Errorf("engine: the diagonal of H over some chunks is not offered")
	}
	var pairs [][2]int
	for k := range b.curv {
		for l := range b.curv {
			if k == l || b.b >= 0 && b.of[b.b].Shape.IsScalar() { // all heads share the bias
				pairs = append(pairs, [2]int{k, l})
			}
		}
	}
	weigh, err := b.pairWeigher(values, pairs)
	if err != nil {
		return err
	}
	all, err := b.e.diags(ctx, len(pairs), weigh)
	if err != nil {
		return err
	}
	for q, p := range pairs {
		for j, v := range all[q] {
			if i := b.at(p[0], j); i >= 0 && (p[0] == p[1] || j == len(all[q])-1) {
				diag[i] += v / b.m
			}
		}
	}
	return nil
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
	scale, err := b.partScale(chunks)
	if err != nil {
		return err
	}
	return b.hessian(ctx, chunks, scale, h)
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
	var pairs [][2]int
	for k := range b.curv {
		for l := range k + 1 {
			pairs = append(pairs, [2]int{k, l})
		}
	}
	weigh, err := b.pairWeigher(values, pairs)
	if err != nil {
		return err
	}
	N := b.e.layout.Features + 1
	return b.e.grams(ctx, len(pairs), weigh, chunks, func(q int, G []float64) {
		k, l := pairs[q][0], pairs[q][1]
		for i := range N {
			p := b.at(k, i)
			if p < 0 {
				continue
			}
			for j := range N {
				q := b.at(l, j)
				if q < 0 {
					continue
				}
				v := G[i*N+j] * scale / b.m
				h[p*size+q] += v
				if k != l {
					h[q*size+p] += v
				}
			}
		}
	})
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

// Kept is a column at the point, for every row of this process its components: "head" (z with bias and offset),
// "curvature" (the second derivative of the row's weighted loss in the head; K² components for K heads), "slope" (the
// first), "third" (of one head the third), or a definition of the equations by name. The slice is valid until the next point.
func (b *Objective) Kept(ctx context.Context, name string) ([]float64, error) {
	values, err := b.ready(ctx)
	if err != nil {
		return nil, err
	}
	if p := b.named[name]; p != nil {
		r, err := b.e.Run(ctx, p, values, Mask{})
		if err != nil {
			return nil, err
		}
		return r.Kept[name], nil
	}
	var n *graph.Node
	switch name {
	case "head", "curvature", "slope", "third":
		if b.head == nil || name == "third" && len(b.curv) > 1 {
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
		r, err := b.e.Run(ctx, b.curvatures, values, Mask{})
		if err != nil {
			return nil, err
		}
		out := make([]float64, b.e.Rows()*K*K)
		for k := range K {
			c := r.Kept[b.curvatures.outputs[k].Name]
			for i := range b.e.Rows() {
				copy(out[(i*K+k)*K:], c[i*K:(i+1)*K])
			}
		}
		return out, nil
	case "slope":
		s, err := b.g.Gradient(b.cost, b.head)
		if err != nil {
			return nil, fmt.Errorf("engine: %w", err)
		}
		n = s[0]
	case "third":
		s, err := b.g.Tangent(b.curv, map[*graph.Node]*graph.Node{b.head: b.g.Const(one)})
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
	s, err := b.simplify(n)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	p, err := CompileWith(b.g, b.e.layout.Layout, CompileOptions{NoFused: b.e.o.NoFused}, Output{Name: name, Node: s[0], Keep: true})
	if err != nil {
		return nil, err
	}
	if b.named == nil {
		b.named = map[string]*Program{}
	}
	b.named[name] = p
	return b.Kept(ctx, name)
}
