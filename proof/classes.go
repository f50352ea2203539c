package proof

import (
	"context"
	"fmt"
	"math"

	"github.com/descent-ml/descent/internal/kernel"
	"github.com/descent-ml/descent/internal/scalar"
)

// Classes are the labels of a problem with any number of classes:
//
//	J = (1/m) Σ s_i (logsumexp(z_i) - z_iy) + (1/2m) Σ lambda_kj W_kj² + (1/m) Σ l1_kj |W_kj|,  z_ik = W_k·x_i + b_k (+ o_i where k ≠ Reference)
//
// theta is W, K×n row-major, then b: K·(n+1) values. Problem.Lambda and L1 have K·n.
//
// A bias of all classes together changes nothing, nor do the weights of a feature of all classes together where none
// of them is penalised. So the bias of the reference class is held where theta has it, and its weight of every
// feature that no class has a penalty on. The other components are the free ones: optimum, H and coefficient bound are theirs.
type Classes struct {
	K         int     // at least 2
	Label     []int32 // of every row, 0 to K-1
	Reference int
}

func (p *Problem) checkClasses() error {
	k := p.Classes
	l := p.Source.Layout()
	if k.K < 2 || k.Reference < 0 || k.Reference >= k.K {
		return fmt.Errorf("proof: reference class %d of %d", k.Reference, k.K)
	}
	if len(k.Label) != l.Rows {
		return fmt.Errorf("proof: label has %d values, want %d", len(k.Label), l.Rows)
	}
	for i, y := range k.Label {
		if s := p.weight(i); !(s >= 0) || s > math.MaxFloat64 {
			return fmt.Errorf("proof: row %d has weight %g", i, s)
		} else if s > 0 && (y < 0 || int(y) >= k.K) {
			return fmt.Errorf("proof: row %d has class %d of %d", i, y, k.K)
		}
	}
	return nil
}

// size is the number of parameters, of free and held ones.
func (p *Problem) size() int {
	n := p.Source.Layout().Features
	if p.Classes != nil {
		return p.Classes.K * (n + 1)
	}
	return n + 1
}

// component is the place in theta of weight j of class k, of its bias if j = n.
func (p *Problem) component(k, j int) int {
	n := p.Source.Layout().Features
	if j == n {
		return p.Classes.K*n + k
	}
	return k*n + j
}

// free gives every component its place among the free ones, or -1, and their number.
func (p *Problem) free() (place []int, count int) {
	n, K := p.Source.Layout().Features, p.Classes.K
	place = make([]int, K*(n+1))
	for j := range n + 1 {
		held := true
		for k := range K {
			held = held && (j == n || p.lambda(k*n+j) == 0 && p.l1(k*n+j) == 0)
		}
		if held {
			place[p.component(p.Classes.Reference, j)] = -1
		}
	}
	for a := range place {
		if place[a] == 0 {
			place[a] = count
			count++
		}
	}
	return place, count
}

// ofClass is (W_k, b_k).
func (p *Problem) ofClass(theta []float64, k int) []float64 {
	n := p.Source.Layout().Features
	out := make([]float64, n+1)
	copy(out, theta[k*n:k*n+n])
	out[n] = theta[p.Classes.K*n+k]
	return out
}

// scores is one row: everything from differences to the largest score, so that nothing cancels.
type scores struct {
	below []float64 // top - z_k
	e     []float64 // exp(-below_k)
	total float64   // Σ e, between 1 and K
	tail  float64   // log(Σ e)
}

func newScores(K int) *scores { return &scores{below: make([]float64, K), e: make([]float64, K)} }

// panel is the scores of 64 rows at once, by the vector kernels: row k*64+i of class k.
type panel struct {
	below, e          []float64
	top, rest, tail   [kernel.Rows]float64
	at                [kernel.Rows]int
	expNegAbs, log1p1 func(out, a []float64)
}

// rowsOf calls do for those of the rows lo to hi-1 that have a weight, with the scores z_k + t_k; t may be nil. end, if not nil, is called after every panel.
func (p *Problem) rowsOf(lo, hi int, z [][]float64, t []float64, do func(i int, w float64, row *scores), end func()) {
	K := len(z)
	kernels := kernel.Best[float64]()
	b := &panel{below: make([]float64, K*kernel.Rows), e: make([]float64, K*kernel.Rows), expNegAbs: kernels.Map1["expnabs"], log1p1: kernels.Map1["log1p"]}
	row := newScores(K)
	for ; lo < hi; lo += kernel.Rows {
		n := min(kernel.Rows, hi-lo)
		b.set(z, lo, n, t)
		for i := range n {
			w := p.weight(lo + i)
			if w == 0 {
				continue
			}
			for k := range K {
				row.below[k], row.e[k] = b.below[k*kernel.Rows+i], b.e[k*kernel.Rows+i]
			}
			row.total, row.tail = 1+b.rest[i], b.tail[i]
			do(lo+i, w, row)
		}
		if end != nil {
			end()
		}
	}
}

// set takes the scores z_k + t_k of n rows from lo on.
func (b *panel) set(z [][]float64, lo, n int, t []float64) {
	top, at, rest := b.top[:n], b.at[:n], b.rest[:n]
	for i := range top {
		top[i], at[i], rest[i] = math.Inf(-1), 0, 0
	}
	for k := range z {
		add := 0.0
		if t != nil {
			add = t[k]
		}
		below := b.below[k*kernel.Rows:][:n]
		for i, v := range z[k][lo : lo+n] {
			v += add
			below[i] = v
			if v > top[i] {
				top[i], at[i] = v, k
			}
		}
	}
	for k := range z {
		below, e := b.below[k*kernel.Rows:][:n], b.e[k*kernel.Rows:][:n]
		for i, v := range below {
			below[i] = top[i] - v
		}
		b.expNegAbs(e, below)
		for i, v := range e {
			if k != at[i] {
				rest[i] += v
			}
		}
	}
	b.log1p1(b.tail[:n], rest)
}

// probability and rest are q_k and 1 - q_k, both with all their digits.
func (s *scores) probability(k int) float64 { return s.e[k] / s.total }

func (s *scores) rest(k int) float64 {
	sum := 0.0
	for l, e := range s.e {
		if l != k {
			sum += e
		}
	}
	return sum / s.total
}

// loss is logsumexp(z) - z_y, a sum of two terms that are not negative.
func (s *scores) loss(y int32) float64 { return s.tail + s.below[y] }

// entropy is -Σ q log q = logsumexp(z) - Σ q_k z_k, again without cancellation.
func (s *scores) entropy() float64 {
	h := 0.0
	for k, e := range s.e {
		if e > 0 {
			h += float64(e * s.below[k])
		}
	}
	return s.tail + h/s.total
}

// residual is q_k - 1{k = y}.
func (s *scores) residual(k int, y int32) float64 {
	if int32(k) == y {
		return -s.rest(k)
	}
	return s.probability(k)
}

// classPoint is everything about theta that the bounds of classes use.
type classPoint struct {
	z         [][]float64 // by class
	q         [][]float64 // probabilities, by class
	loss      []float64
	cost      float64
	gradient  []float64
	magnitude []float64 // of every component: (1/m) Σ |r_ik| |x̃_ij| at most, as stored
	data      []float64 // of every component: (1/m) Σ s q_k(1-q_k) x̃_ij², H without the penalty
	curved    []float64 // by class: (1/m) Σ s q_k(1-q_k)
	shift     []float64
	share     []float64 // by class: Σ s over its rows
	m         float64
	largest   float64   // |z|
	offset    float64   // |o|
	wander    []float64 // by class: sqrt((1/m) Σ s q_k(1-q_k) δ²), δ what z, o and the difference to the largest score are off by, in units
	costError float64
	depth     float64
	finite    bool
	lean      bool
}

// rounds is how many roundings a score goes through: products, sums, twice the centring, the offset, the difference to the largest score.
func (p *Problem) rounds() float64 { return gamma(float64(p.Source.Layout().Features + 10)) }

func (p *Problem) atClasses(ctx context.Context, theta []float64, lean bool) (*classPoint, error) {
	n, K, label := p.Source.Layout().Features, p.Classes.K, p.Classes.Label
	a := &classPoint{lean: lean, z: make([][]float64, K), q: make([][]float64, K), shift: p.shift(), depth: p.depth() + float64(K), share: make([]float64, K), wander: make([]float64, K),
		curved: make([]float64, K), gradient: make([]float64, len(theta)), magnitude: make([]float64, len(theta)), data: make([]float64, len(theta)), finite: true}
	rows := len(label)
	var m, penalty scalar.Sum
	share := make([]scalar.Sum, K)
	for i, y := range label {
		if s := p.weight(i); s > 0 {
			m.Add(s)
			share[y].Add(s)
			a.offset = math.Max(a.offset, math.Abs(p.offset(i)))
		}
	}
	a.m = m.Value()
	by := make([][]float64, K)
	for k := range by {
		by[k] = p.ofClass(theta, k)
	}
	z, err := p.linears(ctx, by)
	if err != nil {
		return nil, err
	}
	for k := range K {
		a.share[k] = share[k].Value()
		z := z[k]
		for i := range z {
			switch {
			case p.weight(i) == 0:
				z[i] = 0
				continue
			case k != p.Classes.Reference:
				z[i] += p.offset(i)
			}
			a.largest = math.Max(a.largest, math.Abs(z[i])) // a NaN stays
		}
		a.z[k], a.q[k] = z, make([]float64, rows)
	}
	if !finite(a.largest) {
		a.finite, a.cost = false, math.NaN()
		return a, nil
	}
	r := make([][]float64, K)
	for k := range r {
		r[k] = make([]float64, rows)
	}
	a.loss = make([]float64, rows)
	// Cost, what z may make of it, and by class Σ s q(1-q), the same times δ², and Σ |r|.
	v := p.sum(rows, 2+3*K, func(lo, hi int, sums []scalar.Sum) {
		curved, wander, residual := sums[2:], sums[2+K:], sums[2+2*K:]
		p.rowsOf(lo, hi, a.z, nil, func(i int, s float64, row *scores) {
			y := label[i]
			a.loss[i] = row.loss(y)
			sums[0].Add(s * a.loss[i])
			cancelled := 0.0
			for k := range K {
				a.q[k][i] = row.probability(k)
				r[k][i] = s * row.residual(k, y)
				d := math.Abs(p.offset(i)) + math.Abs(a.z[k][i]) + row.below[k]
				if !lean {
					v := s * a.q[k][i] * row.rest(k)
					curved[k].Add(v)
					wander[k].Add(v * d * d)
				}
				size := math.Abs(r[k][i])
				residual[k].Add(size)
				cancelled += size * d
			}
			sums[1].Add(cancelled)
		}, nil)
	})
	cost, cancelled, curved, wander, residuals := v[0], v[1], v[2:2+K], v[2+K:2+2*K], v[2+2*K:]
	gradients := make([][]float64, K)
	if !lean {
		if gradients, err = p.weighteds(ctx, r); err != nil {
			return nil, err
		}
	}
	diagonals := make([][]float64, K)
	if !lean {
		if diagonals, err = p.curvatures(ctx, a); err != nil {
			return nil, err
		}
	}
	for k := range K {
		a.curved[k] = curved[k] / a.m
		a.wander[k] = math.Sqrt(wander[k] / a.m)
		g, data := make([]float64, n+1), make([]float64, n+1)
		if !lean {
			g, data = gradients[k], diagonals[k]
		}
		for i, v := range r[k] {
			r[k][i] = math.Abs(v)
		}
		spread, err := p.spread(ctx, r[k], residuals[k], a.shift, lean)
		if err != nil {
			return nil, err
		}
		size := residuals[k] / a.m
		for j := range n + 1 {
			c := p.component(k, j)
			v, l := theta[c], 0.0
			if j < n {
				l = p.lambda(c)
			}
			penalty.Add(l * v * v / 2)
			penalty.Add(p.l1(c) * math.Abs(v))
			a.gradient[c] = p.subgradient(c, g[j]+l*v, v) / a.m
			a.data[c] = math.Max(data[j], 0) / a.m
			a.magnitude[c] = spread[j] / a.m
			a.costError += p.rounds() * math.Abs(v) * (a.magnitude[c] + a.shift[j]*size)
			a.finite = a.finite && finite(a.gradient[c])
		}
	}
	a.cost = (cost + penalty.Value()) / a.m
	a.costError += 2*unit*cancelled/a.m + float64(K+12)*unit*a.cost
	a.finite = a.finite && finite(a.cost) && finite(a.costError)
	return a, nil
}

// curvatures are, by class, Σ s q_k(1-q_k) x̃².
func (p *Problem) curvatures(ctx context.Context, a *classPoint) ([][]float64, error) {
	K := p.Classes.K
	if many, ok := p.Passes.(manyDiags); ok {
		return many.Diags(ctx, K, func(first int, c [][]float64) {
			for k := range c {
				for i := range c[k] {
					c[k][i] = a.curve(p, k, k, first+i)
				}
			}
		})
	}
	out := make([][]float64, K)
	for k := range out {
		var err error
		if out[k], err = p.Passes.Diag(ctx, a.curvature(p, k, k)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// curvature is the column of |∂²L/∂z_k∂z_l|: s q_k (1-q_k), or s q_k q_l.
func (a *classPoint) curvature(p *Problem, k, l int) []float64 {
	c := make([]float64, len(a.q[k]))
	for i := range c {
		c[i] = a.curve(p, k, l, i)
	}
	return c
}

// curve is that of one row.
func (a *classPoint) curve(p *Problem, k, l, i int) float64 {
	s := p.weight(i)
	if s == 0 {
		return 0
	}
	other := a.q[l][i]
	if k == l {
		other = 0
		for j := range a.q {
			if j != k {
				other += a.q[j][i]
			}
		}
	}
	return s * a.q[k][i] * other
}

// zError bounds sqrt((1/m) Σ s δᵀCδ), δ the error of a row's scores and C = diag(q) - qqᵀ ⪯ 2·diag(q_k(1-q_k)).
func (p *Problem) zError(a *classPoint, theta []float64) float64 {
	n := p.Source.Layout().Features
	var e float64
	for k, c := range a.curved {
		for j := range n + 1 {
			at := p.component(k, j)
			e += p.rounds() * math.Abs(theta[at]) * (math.Sqrt(a.data[at]) + 2*a.shift[j]*math.Sqrt(c))
		}
		e += 2 * unit * a.wander[k]
	}
	return math.Sqrt2 * e
}

// certifyClasses is Certify for p.Classes.
func (p *Problem) certifyClasses(ctx context.Context, theta []float64, o Options) (*Certificate, error) {
	n := p.Source.Layout().Features
	c := &Certificate{Gap: math.NaN(), U: math.NaN(), StandardErrors: math.NaN(), Rounding: math.NaN(), GapRounding: math.NaN()}
	penalised, weakest := n > 0, math.Inf(1)
	for a := range p.Classes.K * n {
		penalised = penalised && (p.lambda(a) > 0 || p.l1(a) > 0)
		weakest = math.Min(weakest, p.lambda(a))
	}
	lean := o.GapOnly && penalised
	a, err := p.atClasses(ctx, theta, lean)
	if err != nil {
		return nil, err
	}
	c.M = a.m
	if !(c.M > 0) {
		c.Note = "no row has a weight"
		return c, nil
	}
	c.Cost = a.cost
	if !lean {
		c.Gradient = a.gradient
	}
	if !a.finite {
		c.Note = "cost or gradient is not finite"
		return c, nil
	}
	every := true
	for _, s := range a.share {
		every = every && s > 0
	}
	if (penalised || n == 0) && every {
		c.Exists, c.Why = true, "every weight is penalised and every class occurs"
	}
	var s smooth
	if lean {
	} else if p.sparse() {
		if !penalised {
			c.Note = "no bound: there is an L1 penalty, but not on every weight"
		}
	} else if _, count := p.free(); count <= o.Factor {
		if s, err = p.smoothClasses(ctx, a, theta, c); err != nil {
			return nil, err
		}
	} else if !penalised {
		c.Note = fmt.Sprintf("no bound: %d parameters are too many to factor the Hessian and not every weight is penalised", count)
	}
	if penalised && every && !(s.ok && c.U <= coarse) {
		if err := p.dualityClasses(ctx, a, theta, weakest, s, c); err != nil {
			return nil, err
		}
	}
	if !math.IsNaN(c.Gap) {
		c.Note = ""
	}
	return c, nil
}

// hessian is H over the free components.
func (p *Problem) hessian(ctx context.Context, a *classPoint, place []int, count int) ([]float64, error) {
	n, K := p.Source.Layout().Features, p.Classes.K
	h := make([]float64, count*count)
	moves := make([]bool, K) // a class that is held altogether has no part
	for k := range K {
		for j := range n + 1 {
			moves[k] = moves[k] || place[p.component(k, j)] >= 0
		}
	}
	var pairs [][2]int
	for k := range K {
		for l := range k + 1 {
			if moves[k] && moves[l] {
				pairs = append(pairs, [2]int{k, l})
			}
		}
	}
	take := func(k, l int, g []float64) error {
		if len(g) != (n+1)*(n+1) {
			return fmt.Errorf("proof: Gram has %d values, want %d", len(g), (n+1)*(n+1))
		}
		sign := 1.0
		if k != l {
			sign = -1
		}
		for i := range n + 1 {
			u := place[p.component(k, i)]
			if u < 0 {
				continue
			}
			for j := range n + 1 {
				if v := place[p.component(l, j)]; v >= 0 {
					h[u*count+v] = sign * g[i*(n+1)+j] / a.m
					h[v*count+u] = h[u*count+v]
				}
			}
		}
		return nil
	}
	if many, ok := p.Passes.(manyGrams); ok {
		grams, err := many.Grams(ctx, len(pairs), func(first int, c [][]float64) {
			for q, kl := range pairs {
				for i := range c[q] {
					c[q][i] = a.curve(p, kl[0], kl[1], first+i)
				}
			}
		}, nil)
		if err != nil {
			return nil, err
		}
		for q, g := range grams {
			if err := take(pairs[q][0], pairs[q][1], g); err != nil {
				return nil, err
			}
		}
	} else {
		for _, kl := range pairs {
			g, err := p.Passes.Gram(ctx, a.curvature(p, kl[0], kl[1]), nil)
			if err != nil {
				return nil, err
			}
			if err := take(kl[0], kl[1], g); err != nil {
				return nil, err
			}
		}
	}
	for c := range K * n {
		if u := place[c]; u >= 0 {
			h[u*count+u] += p.lambda(c) / a.m
		}
	}
	return h, nil
}

// smoothClasses is smooth for p.Classes: the same bound, with R over rows and pairs of classes.
func (p *Problem) smoothClasses(ctx context.Context, a *classPoint, theta []float64, c *Certificate) (smooth, error) {
	n, K := p.Source.Layout().Features, p.Classes.K
	place, size := p.free()
	h, err := p.hessian(ctx, a, place, size)
	if err != nil {
		return smooth{}, err
	}
	c.Hessian = h
	f := factorise(h, size)
	if f == nil {
		c.Note = "no bound: the Hessian is singular to rounding"
		return smooth{}, nil
	}
	const close = "no bound: the Hessian is too close to singular for its rounding errors"
	// The error of entry (a, b) is at most γ·sqrt(q_a·q_b) as with two classes: off the diagonal blocks Σ s q_k q_l |x_i x_j| is at
	// most the root of the two diagonal entries' product, since q_l ≤ 1 - q_k.
	gradient := make([]float64, size)
	var q, slack float64
	sums := gamma(a.depth + 8)
	for k := range K {
		root := math.Sqrt(a.curved[k])
		for j := range n + 1 {
			at := p.component(k, j)
			l := 0.0
			if j < n {
				l = p.lambda(at)
			}
			u := place[at]
			if u < 0 {
				continue
			}
			raw := math.Sqrt(a.data[at]) + a.shift[j]*root
			q += math.Max(1, raw*raw/h[u*size+u])
			gradient[u] = a.gradient[at]
			slack += (sums*a.magnitude[at] + 4*unit*l*math.Abs(theta[at])/a.m) * f.deviation(u)
		}
	}
	lost := 2 * gamma(a.depth+float64(size)+16) * q * f.trace()
	if !(lost <= maxLoss) {
		c.Note = close
		return smooth{}, nil
	}
	slack += p.zError(a, theta) // ‖(1/m)Σ X_iᵀC_iδ_i‖² ≤ (1/m)Σ δ_iᵀC_iδ_i in the norm of H⁻¹
	// H is that of the computed scores; at the true ones its curvature is smaller by a factor e^(-2δ) at most. |x̃_j| ≤ sqrt(H_aa)·R for every
	// free component a of feature j, because it is e_a·(e_k - e_l)⊗x̃.
	scoreError := func(R float64) float64 {
		delta := 0.0
		for k := range K {
			d := 8 * unit * (a.offset + a.largest)
			for j := range n + 1 {
				x := math.Inf(1)
				for l := range K {
					if u := place[p.component(l, j)]; u >= 0 {
						x = math.Min(x, 1.5*f.d[u]*R)
					}
				}
				if v := math.Abs(theta[p.component(k, j)]); v > 0 {
					d += p.rounds() * v * (x + 2*a.shift[j])
				}
			}
			delta = math.Max(delta, d)
		}
		return delta
	}
	// Near the optimum a coarse R does as well as that of the rows and pairs: (e_k - e_l)⊗x̃ has the entries of x̃ at k and at l.
	units := make([]float64, n+1)
	for j := range units {
		var first, second float64
		for k := range K {
			if u := place[p.component(k, j)]; u >= 0 {
				v := 1 / (f.d[u] * f.d[u])
				first, second = math.Max(first, v), math.Max(second, math.Min(first, v))
			}
		}
		units[j] = first + second
	}
	square, err := p.largestRow(ctx, units)
	if err != nil {
		return smooth{}, err
	}
	norm := f.norm(gradient)
	R := math.Sqrt(f.trace()*square) * (1 + lost)
	delta := scoreError(R)
	if !(delta < coarse) || !((norm+slack)*R*math.Exp(2*delta)/(1-lost) <= coarse) {
		var ok bool
		if R, ok, err = p.reachOfRows(ctx, a, f, place); err != nil {
			return smooth{}, err
		}
		if !ok {
			c.Note = close
			return smooth{}, nil
		}
		delta = scoreError(R)
	}
	if !(delta < 0.1) {
		c.Note = "no bound: rounding errors of the scores are too large"
		return smooth{}, nil
	}
	grow := math.Exp(delta) / math.Sqrt(1-lost)
	R *= grow
	computed := norm * grow
	nu := computed + slack*grow
	u := nu * R
	c.U = u
	if !(u < 1) {
		c.Note = "no bound: the point is too far from an optimum, or there is none"
		return smooth{}, nil
	}
	c.Exists, c.Why = true, "u < 1"
	c.GapRounding = a.costError + closed(nu, u) - closed(computed, computed*R)
	c.Gap, c.Bound = closed(nu, u)*(1+64*unit)+a.costError, SelfConcordance
	root := math.Sqrt(a.m)
	s := smooth{ok: true, radius: reach(nu, u), dev: make([]float64, size)}
	c.StandardErrors = s.radius * root * (1 + 64*unit)
	c.Rounding = c.StandardErrors - reach(computed, computed*R)*root
	for u := range size {
		s.dev[u] = f.deviation(u) * grow
	}
	return s, nil
}

// manyPairs is the number of classes beyond which not every pair of them gets a pass of its own.
const manyPairs = 8

// reachOfRows is the largest ‖(e_k - e_l)⊗x̃‖ in the norm of f's inverse, over rows and pairs of classes, or a bound on it. ok is false where
// rounding leaves nothing to say.
//
// Of many classes only the pairs with the reference r are looked at: ‖(e_k - e_l)⊗x̃‖ ≤ ‖(e_k - e_r)⊗x̃‖ + ‖(e_l - e_r)⊗x̃‖, at most the two
// largest together, and never more than twice the largest pair.
//
// With H = D L Lᵀ D and the columns B of (e_k - e_l)⊗e_j that is ‖L⁻¹D⁻¹B x̃‖. L⁻¹D⁻¹B = Q·T with T lower triangular, and T⁻¹ is the
// factor whose forward substitution MaxQuad does: one pass a pair.
func (p *Problem) reachOfRows(ctx context.Context, a *classPoint, f *factor, place []int) (float64, bool, error) {
	N, K := p.Source.Layout().Features+1, p.Classes.K
	inverse := f.columns()
	// A column of L⁻¹ is off by at most γ·|L⁻¹||L||column|, in norm √(size·trace) times its own.
	size := float64(f.n)
	relative := 1.1*gamma(size+4)*math.Sqrt(size*f.trace()) + gamma(8*size*float64(N)) + 16*unit
	var R, second float64 // the largest, and the next
	many := K > manyPairs
	for k := range K {
		for l := range K {
			if !many && l >= k || many && (k == p.Classes.Reference || l != p.Classes.Reference) {
				continue
			}
			b := make([][]float64, N)
			norms := make([]float64, N) // what the error of a column of B is relative to
			for j := range N {
				b[j] = make([]float64, f.n)
				for side, class := range []int{k, l} {
					u := place[p.component(class, j)]
					if u < 0 {
						continue
					}
					norms[j] += f.deviation(u)
					scale := 1 / f.d[u]
					if side == 1 {
						scale = -scale
					}
					for i, v := range inverse[u] {
						b[j][u+i] += float64(v * scale)
					}
				}
			}
			t := triangle(b)
			lower := invertLower(t, N)
			if lower == nil {
				return 0, false, nil
			}
			// ‖T x̃‖ ≤ ‖y‖·(1 + both), y what MaxQuad computes: its substitution and that of T⁻¹ are off by γ|T||T⁻¹| each; and the errors of
			// B's columns are met by x̃ = T⁻¹y.
			var products, columns float64
			abs := make([]float64, N)
			for i := range N {
				clear(abs)
				for j := range i + 1 {
					for c := range j + 1 {
						abs[c] += math.Abs(float64(t[i*N+j] * lower[j*N+c]))
					}
					v := norms[i] * lower[i*N+j]
					columns += float64(v * v)
				}
				for _, v := range abs {
					products += float64(v * v)
				}
			}
			loss := 2*gamma(float64(N+4))*math.Sqrt(products) + relative*math.Sqrt(float64(N)*columns)
			if !(loss <= maxLoss) {
				return 0, false, nil
			}
			largest, _, err := p.Passes.MaxQuad(ctx, lower, p.S)
			if err != nil {
				return 0, false, err
			}
			r := math.Sqrt(largest) * (1 + loss)
			for j := range N { // when its centre is taken off a value
				r += 4 * unit * a.shift[j] * norms[j]
			}
			if !(r <= math.MaxFloat64) {
				return 0, false, nil
			}
			R, second = math.Max(R, r), math.Max(second, math.Min(R, r))
		}
	}
	if many {
		R += second
	}
	return R, true, nil
}

// columns is L⁻¹ by columns; column c begins at its component c.
func (f *factor) columns() [][]float64 {
	out := make([][]float64, f.n)
	for c := range f.n {
		x := make([]float64, f.n-c)
		for i := c; i < f.n; i++ {
			s := 0.0
			if i == c {
				s = 1
			}
			for k, l := range f.l[i*f.n+c : i*f.n+i] {
				s -= float64(l * x[k])
			}
			x[i-c] = s / f.l[i*f.n+i]
		}
		out[c] = x
	}
	return out
}

// triangle is the lower triangular T, row-major, with ‖T x‖ = ‖B x‖ for every x, from the columns of B, which it destroys (Householder).
func triangle(b [][]float64) []float64 {
	n := len(b)
	t := make([]float64, n*n)
	for step := range n {
		j := n - 1 - step // the last column first, so that T is lower
		v := b[j][step:]
		var norm float64
		for _, x := range v {
			norm = math.Hypot(norm, x)
		}
		if v[0] > 0 {
			norm = -norm
		}
		t[j*n+j] = norm
		if norm == 0 {
			continue
		}
		v[0] -= norm
		var square float64
		for _, x := range v {
			square += float64(x * x)
		}
		for i := range j {
			w := b[i][step:]
			var s float64
			for k, x := range v {
				s += float64(x * w[k])
			}
			s *= 2 / square
			for k, x := range v {
				w[k] -= float64(s * x)
			}
			t[j*n+i] = w[0]
		}
	}
	return t
}

// invertLower is T⁻¹, nil if T is singular.
func invertLower(t []float64, n int) []float64 {
	out := make([]float64, n*n)
	for c := range n {
		for i := c; i < n; i++ {
			s := 0.0
			if i == c {
				s = 1
			}
			for k := c; k < i; k++ {
				s -= float64(t[i*n+k] * out[k*n+c])
			}
			out[i*n+c] = s / t[i*n+i]
			if v := out[i*n+c]; v-v != 0 {
				return nil
			}
		}
	}
	return out
}

// dualityClasses is duality and strong for p.Classes, every weight penalised and every class there.
func (p *Problem) dualityClasses(ctx context.Context, a *classPoint, theta []float64, weakest float64, s smooth, c *Certificate) error {
	n, K, label := p.Source.Layout().Features, p.Classes.K, p.Classes.Label
	t, f := p.exactBiases(a)
	r := make([][]float64, K)
	for k := range r {
		r[k] = make([]float64, len(label))
	}
	v := p.sum(len(label), 2*K, func(lo, hi int, sums []scalar.Sum) {
		p.rowsOf(lo, hi, a.z, t, func(i int, w float64, moved *scores) {
			for k := range K {
				v := w * moved.residual(k, label[i])
				r[k][i] = v
				sums[k].Add(v)
				sums[K+k].Add(math.Abs(v))
			}
		}, nil)
	})
	totals, sizes := v[:K], v[K:]
	b, err := p.biasBounds(ctx, a, theta, s)
	if err != nil {
		return err
	}
	g := gamma(a.depth + 8)
	// At the exact biases: Σ r x by weights, and what it is off by.
	all, d := make([]float64, K*n), make([]float64, K*n)
	var rest float64
	var unbalanced []float64 // |Σ_i r_ik| of the classes but the reference
	abs := make([]float64, len(label))
	weighted, err := p.weighteds(ctx, r)
	if err != nil {
		return err
	}
	for k := range K {
		v, size := weighted[k], sizes[k]
		for i, x := range r[k] {
			abs[i] = math.Abs(x)
		}
		spread, err := p.spread(ctx, abs, size, a.shift, a.lean)
		if err != nil {
			return err
		}
		for j := range n {
			all[k*n+j] = v[j]
			d[k*n+j] = g * spread[j]
		}
		if k != p.Classes.Reference {
			e := math.Abs(totals[k]) + float64(K+4)*unit*size
			rest += e * b[k]
			unbalanced = append(unbalanced, e)
		}
	}
	// at is m·(J - D) for r scaled by shrink, and what rounding can make of it.
	at := func(shrink float64) (gap, rounding float64) {
		v := p.sum(len(label), 2, func(lo, hi int, sums []scalar.Sum) {
			left, errors := &sums[0], &sums[1]
			p.rowsOf(lo, hi, a.z, t, func(i int, w float64, moved *scores) {
				y := label[i]
				l, h := a.loss[i], 0.0
				if shrink == 1 {
					h = moved.entropy()
				} else {
					h = moved.entropyTowards(y, shrink)
				}
				left.Add(w * l)
				left.Add(-w * h)
				off := w * (l + h)
				for k := range K {
					v := r[k][i] * shrink
					o := 0.0
					if k != p.Classes.Reference && p.O != nil {
						o = p.O[i]
						left.Add(-v * o)
					}
					log := moved.below[k] + math.Abs(a.z[k][i]+t[k])
					if shrink < 1 {
						if q := shrink * math.Abs(moved.residual(k, y)); q > 0 {
							log -= math.Log(q)
						}
					}
					off += math.Abs(v) * (log + math.Abs(o))
				}
				errors.Add(float64(K+12) * off)
			}, nil)
		})
		var left, errors scalar.Sum
		left.Add(v[0])
		errors.Add(v[1])
		errV := p.conjugate(theta[:K*n], all, d, shrink, &left, &errors)
		return left.Value(), unit*errors.Value() + errV
	}
	left, errors := at(p.shrink(all, d))
	rounding := (errors+rest)/a.m + a.costError
	gap := math.Max(left/a.m, 0) + rounding
	if exact := p.shrink(all, nil); exact != p.shrink(all, d) { // what the gap would be if Σ r x had no rounding errors
		least, _ := at(exact)
		rounding += math.Max(math.Max(left, 0)-math.Max(least, 0), 0) / a.m
	}
	if finite(gap) && !(gap >= c.Gap) {
		c.Gap, c.Bound, c.GapRounding = gap, Duality, rounding
	}
	if math.IsNaN(c.StandardErrors) && f != nil && weakest > 0 && !a.lean {
		gradient, sums := make([]float64, K*n), make([]float64, K*n)
		for at, v := range all {
			l := p.lambda(at)
			gradient[at] = p.subgradient(at, v+l*theta[at], theta[at]) / a.m
			sums[at] = (d[at] + 4*unit*(l*math.Abs(theta[at])+p.l1(at))) / a.m
		}
		p.strongClasses(a, theta, weakest, t, f, unbalanced, gradient, sums, c)
	}
	return nil
}

// strongClasses is the coefficient bound where H is not factored: with the biases minimised out the cost is lambda/m strongly convex in W, so
// ‖W - W*‖ ≤ (m/lambda)·‖dW‖ at the exact biases, lambda the smallest; a standard error is at least 1/sqrt(m·H_aa). The biases are not covered.
// gradient is dW at the biases b + t, which balance the classes up to unbalanced; f factors Σ s C there.
func (p *Problem) strongClasses(a *classPoint, theta []float64, weakest float64, t []float64, f *factor, unbalanced, gradient, sums []float64, c *Certificate) {
	n, K := p.Source.Layout().Features, p.Classes.K
	// The closed bound for the biases alone says how far t is from exact, in the norm of (1/m) Σ s C.
	var nu, R float64
	for k, e := range unbalanced {
		nu += e * f.deviation(k)
		R = math.Max(R, f.deviation(k)) // ‖e_k - e_l‖ is at most twice the largest
	}
	u := 2 * nu * R * 1.01
	lo, hi := 0.0, 0.0
	for _, v := range t {
		lo, hi = math.Min(lo, v), math.Max(hi, v)
	}
	if !(u < 0.1) || !(hi-lo < 0.5) || !(f.trace() < 1e8) {
		return
	}
	radius := 1.01 * reach(nu, u) / math.Sqrt(a.m) // f has no 1/m
	grow := math.Exp((hi - lo) + 2*reach(u, u))    // of the root of the curvature on the way
	zError := p.zError(a, theta)
	distance := func(share float64) float64 {
		var g, top float64
		for at := range K * n {
			norm := math.Sqrt(a.data[at])
			e := math.Abs(gradient[at]) + share*(sums[at]+norm*grow*(radius+zError))
			g += e * e
			top = math.Max(top, a.data[at]+p.lambda(at)/a.m)
		}
		return a.m / weakest * math.Sqrt(g) * math.Sqrt(a.m*top)
	}
	c.StandardErrors = distance(1)
	c.Rounding = c.StandardErrors - distance(0)
}

// exactBiases are the t, 0 for the reference, with Σ s (q_k(z + t) - 1{y = k}) = 0, by Newton's method with steps that always lower
// the cost: with ρ the range of the step's components, log(1+ρ)/ρ of it. What it ends with need not be exact.
// f factors Σ s C, without the reference, there; nil where that is singular.
func (p *Problem) exactBiases(a *classPoint) (best []float64, bestF *factor) {
	K, ref := p.Classes.K, p.Classes.Reference
	t := make([]float64, K)
	best = make([]float64, K)
	least := math.Inf(1)
	for range 200 {
		v := p.sum(len(p.Classes.Label), K+K*K, func(lo, hi int, sums []scalar.Sum) {
			g, h, q := make([]float64, K), make([]float64, K*K), make([]float64, K)
			p.rowsOf(lo, hi, a.z, t, func(i int, w float64, row *scores) {
				y := p.Classes.Label[i]
				one := 1 / row.total
				for k, e := range row.e {
					q[k] = float64(e * one)
					wq := w * q[k]
					if int32(k) != y {
						g[k] += wq
					}
					h := h[k*K:][:k]
					for l, v := range q[:k] {
						h[l] -= float64(wq * v)
					}
				}
				g[y] += w * row.residual(int(y), y)
			}, func() {
				for k, v := range g {
					sums[k].Add(v)
					g[k] = 0
				}
			})
			for k, v := range h {
				sums[K+k].Add(v)
			}
		})
		g, h := v[:K], v[K:]
		for k := range K { // q_k(1-q_k) = Σ q_k q_l over the others
			for l := range k {
				h[k*K+k] -= h[k*K+l]
				h[l*K+l] -= h[k*K+l]
			}
		}
		size := 0.0
		for k := range K {
			size += math.Abs(g[k])
		}
		better := size < least
		if !better && size <= 1e-10*a.m {
			return best, bestF // rounding moves it to and fro
		}
		// H without the reference.
		var small, gs []float64
		for k := range K {
			if k == ref {
				continue
			}
			gs = append(gs, g[k])
			for l := range K {
				if l != ref {
					small = append(small, h[max(k, l)*K+min(k, l)])
				}
			}
		}
		f := factorise(small, K-1)
		if better {
			least, bestF = size, f
			copy(best, t)
		}
		if f == nil || size <= 8*unit*a.m { // what is left is rounding
			return best, bestF
		}
		d := f.solve(gs)
		lo, hi := 0.0, 0.0
		for _, v := range d {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
		step := 1.0
		if rho := hi - lo; rho > 1e-3 {
			step = math.Log1p(rho) / rho
		}
		at := 0
		for k := range K {
			if k != ref {
				t[k] -= step * d[at]
				at++
			}
		}
	}
	return best, bestF
}

// solve is H⁻¹g.
func (f *factor) solve(g []float64) []float64 {
	x := make([]float64, f.n)
	for i := range f.n {
		s := g[i] / f.d[i]
		for k := range i {
			s -= float64(f.l[i*f.n+k] * x[k])
		}
		x[i] = s / f.l[i*f.n+i]
	}
	for i := f.n - 1; i >= 0; i-- {
		s := x[i]
		for k := i + 1; k < f.n; k++ {
			s -= float64(f.l[k*f.n+i] * x[k])
		}
		x[i] = s / f.l[i*f.n+i]
	}
	for i := range x {
		x[i] /= f.d[i]
	}
	return x
}

// biasBounds bounds |b*_k - b*_reference|. From the ball of the smooth bound where there is one; else from J* ≤ J, as with two classes: the losses of
// the rows of class k, at least z_l - z_k, sum to at most m·J.
func (p *Problem) biasBounds(ctx context.Context, a *classPoint, theta []float64, s smooth) ([]float64, error) {
	n, K, ref := p.Source.Layout().Features, p.Classes.K, p.Classes.Reference
	place, _ := p.free()
	b := make([]float64, K)
	top := 0.0
	for k := range K {
		b[k] = math.Inf(1)
		if u := place[K*n+k]; s.ok && u >= 0 {
			b[k] = math.Abs(theta[K*n+k]-theta[K*n+ref]) + s.radius*s.dev[u]
		}
		if k != ref {
			top = math.Max(top, b[k])
		}
	}
	if top < 1e3 {
		return b, nil
	}
	total := math.Max(a.cost+a.costError, 0) * a.m
	of := func(class int) (mean []float64, constant float64, err error) {
		r := make([]float64, len(p.Classes.Label))
		var o scalar.Sum
		for i, y := range p.Classes.Label {
			if int(y) == class && p.weight(i) > 0 {
				r[i] = p.weight(i)
				o.Add(r[i] * math.Abs(p.offset(i)))
			}
		}
		if a.lean { // |x̄_j| ≤ sqrt(Σ s x²/Σ s)
			mean = make([]float64, n+1)
			for j, q := range p.square {
				mean[j] = math.Sqrt(math.Max(q, 0) / a.share[class])
			}
			return mean, (total + o.Value()) / a.share[class], nil
		}
		v, err := p.Passes.Weighted(ctx, r)
		if err != nil {
			return nil, 0, err
		}
		for j := range v {
			v[j] /= a.share[class]
		}
		return v, (total + o.Value()) / a.share[class], nil
	}
	bound := func(mean []float64, constant float64, k int) float64 {
		x := make([]float64, n)
		for j := range x {
			x[j] = math.Abs(mean[j]) + 4*gamma(a.depth+8)*a.shift[j]
		}
		return constant + p.swing(total, k*n, x) + p.swing(total, ref*n, x)
	}
	mean, constant, err := of(ref)
	if err != nil {
		return nil, err
	}
	for k := range K {
		if k == ref {
			continue
		}
		own, first, err := of(k)
		if err != nil {
			return nil, err
		}
		b[k] = math.Min(b[k], 1.01*math.Max(bound(own, first, k), bound(mean, constant, k)))
	}
	return b, nil
}
