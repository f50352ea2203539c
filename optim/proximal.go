package optim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Proximal minimises F(θ) + Σ ℓ_j|θ_j|: a smooth cost, which is all that a Problem knows of, and an L1 penalty, which is its own
// business. Components with ℓ_j = 0, such as biases, are free. Zeros are exact.
//
// While H is at most Options.Factor wide the step is that of the proximal Newton method (Lee, Sun and Saunders, SIAM J. Optim. 24 (2014)): the
// minimum of the quadratic model plus the penalty, by coordinate descent with soft thresholds (Friedman, Hastie and
// Tibshirani, J. Stat. Softw. 33 (2010)), which finds the components that are not 0, and then exactly on these, sign by
// sign (Lee, Battle, Raina and Ng, NIPS 19 (2007), feature-sign search). In a wider problem the same is done among those components only that are not 0, and
// those at 0 that promise most, while these are at most Factor; their part of H takes a pass, or, where the problem
// cannot give it, a product each (as in newGLMNET: Yuan, Ho and Lin, JMLR 13 (2012), the others are
// left at 0 for the step). Beyond that it takes by turns a soft-thresholded
// step scaled by diag(H), which says what is 0, and a step of conjugate gradients over products H·v among the components that are not,
// cut where a component would change its sign (after Byrd, Chin, Nocedal and Oztoprak, Math. Program. 159 (2016)).
//
// Iterate returns the whole cost and, as its gradient, the subgradient of least norm. Done: the step is within Options.Tolerance
// standard errors, and one more has not halved the subgradient; Floor: the same, at a larger distance: rounding.
type Proximal struct{ s proximalState }

type proximalState struct {
	Options  Options
	L1       []float64
	Phase    phase
	Theta    []float64
	Smooth   float64 // the cost without the penalty
	F        float64
	Grad     []float64 `json:",omitempty"` // of the smooth cost
	Sub      []float64 `json:",omitempty"` // the least subgradient
	Known    bool
	Step     int
	Shift    float64   // multiple of diag(H) added to H
	Diag     []float64 `json:",omitempty"` // diag(H), at about Theta
	First    float64   // norm of the first subgradient
	Distance float64   // -1: not known
	D        []float64 `json:",omitempty"`
	T        float64
	Slope    float64 // what the model says the step gains; negative
	Trials   int
	Face     bool // D is among the components that are not 0
	Stuck    bool // the last soft-thresholded step was no better
	CG       conjugate
	Set      []int     `json:",omitempty"` // the components that move in this step, ascending, of a wide problem
	Block    []float64 `json:",omitempty"` // H among them, row-major
	Column   int       // of Block, that is asked for
	Blocks   bool      // the problem can give the block at once
	Reason   Reason
}

// columns is the phase in which Block is asked for.
const columns phase = "columns"

// NewProximal starts at theta; l1 is ℓ, what |θ_j| costs, a value for each component. Both are copied.
func NewProximal(theta, l1 []float64, o Options) (*Proximal, error) {
	if err := checkStart(theta); err != nil {
		return nil, err
	}
	o, err := o.check(len(theta), 1000)
	if err != nil {
		return nil, err
	}
	if err := checkL1(l1, len(theta)); err != nil {
		return nil, err
	}
	o.Penalty = clone(o.Penalty)
	return &Proximal{proximalState{Options: o, L1: clone(l1), Phase: atStart, Theta: clone(theta), Distance: -1}}, nil
}

func checkL1(l1 []float64, size int) error {
	if len(l1) != size {
		return fmt.Errorf("l1 has %d values, the problem has %d parameters", len(l1), size)
	}
	for j, l := range l1 {
		if !(l >= 0) || l > maxFloat {
			return fmt.Errorf("l1 %d is %g, want a number that is not negative", j, l)
		}
	}
	return nil
}

func (p *Proximal) factors() bool { return len(p.s.Theta) <= p.s.Options.Factor }

// Ask returns the next question.
func (p *Proximal) Ask() Ask {
	s := &p.s
	switch {
	case s.Reason != Running:
		return Ask{}
	case s.Phase == atStart:
		return Ask{Want: Gradient, At: s.Theta}
	case s.Phase == curvature && p.factors():
		return Ask{Want: Hessian, At: s.Theta, Fraction: 1}
	case s.Phase == curvature:
		return Ask{Want: Diagonal, At: s.Theta}
	case s.Phase == solving:
		return Ask{Want: Product, At: s.Theta, V: s.CG.P}
	case s.Phase == columns && s.Blocks:
		return Ask{Want: Block, At: s.Theta, Of: s.Set}
	case s.Phase == columns:
		v := make([]float64, len(s.Theta))
		v[s.Set[s.Column]] = 1
		return Ask{Want: Product, At: s.Theta, V: v}
	}
	return Ask{Want: Gradient, At: p.trial()}
}

// trial is Theta + T·D, but for components that would change their sign on a face: they become 0.
func (p *Proximal) trial() []float64 {
	s := &p.s
	x := axpy(s.Theta, s.T, s.D)
	if s.Face {
		for j, l := range s.L1 {
			if l > 0 && s.Theta[j] != 0 && (x[j] > 0) != (s.Theta[j] > 0) {
				x[j] = 0
			}
		}
	}
	return x
}

// Tell takes the answer.
func (p *Proximal) Tell(t Tell) error {
	s := &p.s
	size := len(s.Theta)
	if s.Reason != Running {
		return errDone
	}
	switch {
	case s.Phase == atStart || s.Phase == searching:
		if err := checkSize("gradient", len(t.Gradient), size); err != nil {
			return err
		}
		if s.Phase == searching {
			p.search(t)
			return nil
		}
		if !finite(t.F) || !allFinite(t.Gradient) {
			s.Reason = Diverged
			return &Divergence{Cost: t.F, First: t.F}
		}
		p.take(s.Theta, t)
		s.First = math.Sqrt(dot(s.Sub, s.Sub))
		p.arrive()
	case s.Phase == curvature && p.factors():
		if err := checkSize("Hessian", len(t.Hessian), size*size); err != nil {
			return err
		}
		diag := make([]float64, size)
		for j := range diag {
			diag[j] = math.Abs(t.Hessian[j*size+j])
		}
		s.Diag = diag
		p.newton(t.Hessian, nil)
	case s.Phase == curvature:
		if err := checkSize("diagonal", len(t.Diagonal), size); err != nil {
			return err
		}
		p.setDiagonal(t.Diagonal)
		if s.Set = p.working(); s.Set != nil {
			s.Block, s.Column, s.Phase = make([]float64, len(s.Set)*len(s.Set)), 0, columns
			return nil
		}
		p.soft()
	case s.Phase == columns && s.Blocks:
		if err := checkSize("block", len(t.Block), len(s.Set)*len(s.Set)); err != nil {
			return err
		}
		s.Block, s.Column = nil, 0
		p.newton(t.Block, s.Set)
	default:
		if err := checkSize("product", len(t.Product), size); err != nil {
			return err
		}
		if s.Phase == columns {
			p.column(t.Product)
			return nil
		}
		hp := clone(t.Product)
		for j := range hp {
			if p.isZero(j) {
				hp[j] = 0
			}
		}
		if d, done := s.CG.tell(hp, s.Shift, nil, p.precondition); done {
			p.face(d)
		}
	}
	return nil
}

// isZero: component j is held at 0 on a face.
func (p *Proximal) isZero(j int) bool { return p.s.L1[j] > 0 && p.s.Theta[j] == 0 }

// take makes theta, with what was told of it, the point.
func (p *Proximal) take(theta []float64, t Tell) {
	s := &p.s
	s.Theta, s.Smooth, s.Grad, s.Known = theta, t.F, clone(t.Gradient), true
	s.F = t.F + p.penalty(theta)
	s.Sub = p.least(theta, s.Grad)
}

func (p *Proximal) penalty(theta []float64) float64 {
	var sum float64
	for j, v := range theta {
		sum += float64(p.s.L1[j] * math.Abs(v))
	}
	return sum
}

// least is the subgradient of least norm.
func (p *Proximal) least(theta, grad []float64) []float64 {
	out := make([]float64, len(theta))
	for j, g := range grad {
		switch l := p.s.L1[j]; {
		case theta[j] > 0:
			out[j] = g + l
		case theta[j] < 0:
			out[j] = g - l
		default:
			out[j] = soften(g, l)
		}
	}
	return out
}

// soften moves v towards 0 by l, not beyond.
func soften(v, l float64) float64 {
	switch {
	case v > l:
		return v - l
	case v < -l:
		return v + l
	}
	return 0
}

// arrive is called at a new point: stop there, or ask for its curvature.
func (p *Proximal) arrive() {
	s := &p.s
	s.Phase = curvature
	zero := true
	for _, g := range s.Sub {
		zero = zero && g == 0
	}
	switch {
	case zero:
		s.Distance, s.Reason = 0, Done
	case s.Step >= s.Options.Steps:
		s.Reason = Steps
	}
}

// residual is the norm of a subgradient in the norm of diag(H)⁻¹.
func (p *Proximal) residual(sub []float64) float64 {
	var sum float64
	for j, v := range sub {
		if c := p.s.Diag[j]; c > 0 {
			v /= math.Sqrt(c)
		}
		sum += float64(v * v)
	}
	return math.Sqrt(sum)
}

// exactly says that the step is the minimum of the model with H itself, of all components or of a working set.
func (p *Proximal) exactly() bool { return p.factors() || p.s.Set != nil }

// working is the set of components that move in the next step: those that are not 0, and as many again, but at least ten, of those at
// 0 whose derivative is too large, by what they promise. It is nil where they are too many.
func (p *Proximal) working() []int {
	s := &p.s
	var set, enter []int
	for j := range s.Theta {
		switch {
		case !p.isZero(j):
			set = append(set, j)
		case s.Sub[j] != 0:
			enter = append(enter, j)
		}
	}
	if len(set) > s.Options.Factor || len(set) == s.Options.Factor && len(enter) > 0 {
		return nil
	}
	promise := func(j int) float64 { return s.Sub[j] / s.Diag[j] * s.Sub[j] }
	slices.SortStableFunc(enter, func(a, b int) int { return cmp.Compare(promise(b), promise(a)) })
	set = append(set, enter[:min(len(enter), max(len(set), 10), s.Options.Factor-len(set))]...)
	slices.Sort(set)
	return set
}

// left: a component outside the working set should move.
func (p *Proximal) left() bool {
	at := 0
	for j, g := range p.s.Sub {
		switch {
		case at < len(p.s.Set) && p.s.Set[at] == j:
			at++
		case g != 0:
			return true
		}
	}
	return false
}

// column takes a column of H.
func (p *Proximal) column(h []float64) {
	s := &p.s
	for i, j := range s.Set {
		s.Block[i*len(s.Set)+s.Column] = h[j]
	}
	if s.Column++; s.Column < len(s.Set) {
		return
	}
	s.Column = 0
	k := len(s.Set)
	for i := range k {
		for j := range i {
			v := (s.Block[i*k+j] + s.Block[j*k+i]) / 2
			s.Block[i*k+j], s.Block[j*k+i] = v, v
		}
	}
	h, s.Block = s.Block, nil
	p.newton(h, s.Set)
}

// newton finds the step of the proximal Newton method among the components of set, nil for all.
func (p *Proximal) newton(h []float64, set []int) {
	s := &p.s
	if !allFinite(h) {
		s.Reason = Floor
		return
	}
	if set == nil {
		set = make([]int, len(s.Theta))
		for j := range set {
			set[j] = j
		}
	}
	size := len(set)
	h = clone(h)
	q := quadratic{h: h, size: size}
	diag := make([]float64, size)
	for i, j := range set {
		diag[i] = math.Abs(h[i*size+i])
		q.l1, q.x, q.r = append(q.l1, s.L1[j]), append(q.x, s.Theta[j]), append(q.r, s.Grad[j])
	}
	if !makeConvex(h, diag, s.Shift) {
		s.Reason = Floor
		return
	}
	q.minimise()
	d, part := make([]float64, len(s.Theta)), make([]float64, size)
	for i, j := range set {
		part[i] = q.x[i] - s.Theta[j]
		d[j] = part[i]
	}
	var curved float64
	for i := range size {
		if part[i] != 0 {
			curved += float64(part[i] * dot(h[i*size:i*size+size], part))
		}
	}
	s.Distance = math.Sqrt(s.Options.Weight * math.Max(curved, 0))
	p.along(d, false)
}

// makeConvex adds shift·diag to h, and more where h is not positive definite. It is false where nothing helps.
func makeConvex(h, diag []float64, shift float64) bool {
	size := len(diag)
	unit := make([]float64, size)
	for j, c := range diag {
		unit[j] = 1
		if c > 0 {
			unit[j] = 1 / math.Sqrt(c)
		}
	}
	a := mat.NewSymDense(size, nil)
	for ; shift < 1e12; shift = max(10*shift, 1e-13) {
		for i := range size {
			for j := i; j < size; j++ {
				a.SetSym(i, j, h[i*size+j]*unit[i]*unit[j])
			}
			a.SetSym(i, i, a.At(i, i)+shift)
		}
		var chol mat.Cholesky
		if !chol.Factorize(a) {
			continue
		}
		for j := range size {
			h[j*size+j] += shift / (unit[j] * unit[j])
		}
		return true
	}
	return false
}

// along starts the search along d, which the model likes.
func (p *Proximal) along(d []float64, face bool) {
	s := &p.s
	s.D, s.T, s.Trials, s.Face = d, 1, 0, face
	x := p.trial()
	if face {
		s.Slope = dot(d, s.Sub)
	} else {
		s.Slope = 0 // gᵀd and the change of the penalty, by components, so that little cancels
		for j, v := range d {
			switch l := s.L1[j]; {
			case s.Theta[j] == 0:
				s.Slope += float64(s.Grad[j]*v) + float64(l*math.Abs(v))
			case x[j] == 0 || (x[j] > 0) == (s.Theta[j] > 0):
				s.Slope += float64(s.Sub[j] * v)
			default:
				s.Slope += float64(s.Grad[j]*v) + float64(l*(math.Abs(x[j])-math.Abs(s.Theta[j])))
			}
		}
	}
	if !allFinite(d) || !(s.Slope < 0) {
		p.noBetter()
		return
	}
	s.Phase = searching
}

// noBetter: the step does not lead on.
func (p *Proximal) noBetter() {
	s := &p.s
	switch {
	case s.Set != nil && p.left():
		s.Set = nil
		p.soft()
		return
	case !p.exactly() && !s.Face:
		s.Stuck = true
		p.solveFace()
		return
	case !p.exactly() && !s.Stuck:
		s.Phase = curvature
		return
	}
	s.Reason = Floor
	if s.Distance >= 0 && s.Distance <= s.Options.Tolerance {
		s.Reason = Done
	}
}

// search judges a trial. Where the cost can still tell points apart it must fall by a ten-thousandth of what the model says; beyond, the
// subgradient must halve.
func (p *Proximal) search(t Tell) {
	s := &p.s
	s.Trials++
	x := p.trial()
	known := finite(t.F) && allFinite(t.Gradient)
	f := t.F + p.penalty(x)
	noise := costNoise * math.Abs(s.F)
	gain := s.T * s.Slope
	if s.Face {
		gain = 0
		for j, v := range x {
			gain += float64(s.Sub[j] * (v - s.Theta[j]))
		}
	}
	if known && s.T == 1 && -gain <= 1e3*noise && f <= s.F+noise {
		before, after := p.residual(s.Sub), p.residual(p.least(x, t.Gradient))
		switch {
		case after <= 0.5*before:
			p.accept(x, t)
			return
		case -gain <= noise:
			if after < before {
				p.take(x, t)
				s.Step++
			}
			p.noBetter()
			return
		}
	}
	if known && f <= s.F+1e-4*gain {
		p.accept(x, t)
		return
	}
	if s.Trials > 40 {
		if s.Slope > -noise || s.Shift > 1e8 {
			p.noBetter()
			return
		}
		s.Shift = max(100*s.Shift, 1e-3)
		s.Phase = curvature
		return
	}
	// The minimum of the parabola through the costs, within a tenth and a half.
	next := 0.1
	if known {
		next = min(max(-gain/(2*(f-s.F-gain)), 0.1), 0.5)
		if next != next {
			next = 0.5
		}
	}
	s.T *= next
}

func (p *Proximal) accept(x []float64, t Tell) {
	s := &p.s
	p.take(x, t)
	s.Step++
	switch {
	case s.T < 1e-2:
		s.Shift = max(10*s.Shift, 1e-3)
	case s.Shift < 1e-4:
		s.Shift = 0
	default:
		s.Shift /= 10
	}
	if face := s.Face; !p.exactly() && !face {
		s.Stuck = false
		if p.arrive(); s.Reason == Running {
			p.solveFace()
		}
		return
	}
	p.arrive()
}

func (p *Proximal) setDiagonal(diag []float64) {
	s := &p.s
	s.Diag = make([]float64, len(diag))
	for j, c := range diag {
		s.Diag[j] = 1
		if c = math.Abs(c); c > 0 && finite(1/c) {
			s.Diag[j] = c
		}
	}
}

// soft finds the soft-thresholded step scaled by diag(H).
func (p *Proximal) soft() {
	s := &p.s
	d := make([]float64, len(s.Diag))
	var curved float64
	for j, c := range s.Diag {
		c *= 1 + s.Shift
		d[j] = soften(s.Theta[j]-s.Grad[j]/c, s.L1[j]/c) - s.Theta[j]
		curved += float64(c * float64(d[j]*d[j]))
	}
	s.Distance = math.Sqrt(s.Options.Weight * curved)
	p.along(d, false)
}

// solveFace starts conjugate gradients among the components that are not 0.
func (p *Proximal) solveFace() {
	s := &p.s
	g := clone(s.Sub)
	empty := true
	for j := range g {
		if p.isZero(j) {
			g[j] = 0
		}
		empty = empty && g[j] == 0
	}
	if empty {
		s.Face = true
		p.noBetter()
		return
	}
	eta := 0.1
	if s.First > 0 {
		eta = min(eta, math.Sqrt(math.Sqrt(dot(g, g))/s.First))
	}
	s.CG = startConjugate(g, nil, s.Diag, eta, p.precondition)
	s.Phase = solving
}

func (p *Proximal) precondition(z, r []float64) {
	s := &p.s
	for j, v := range r {
		m := s.Diag[j]
		if s.Options.Penalty != nil && s.Options.Penalty[j] > 0 {
			m = 0.9*s.Options.Penalty[j] + 0.1*m
		}
		z[j] = v / m
	}
}

// face takes the direction of conjugate gradients.
func (p *Proximal) face(d []float64) {
	s := &p.s
	if slope := dot(d, s.Sub); slope < 0 {
		s.Distance = math.Max(s.Distance, math.Sqrt(s.Options.Weight*-slope))
	}
	p.along(clone(d), true)
}

// Iterate returns the current point, its cost and its least subgradient.
func (p *Proximal) Iterate() ([]float64, float64, []float64, int, bool) {
	return p.s.Theta, p.s.F, p.s.Sub, p.s.Step, p.s.Known
}

// Done reports whether the method has stopped.
func (p *Proximal) Done() (bool, Reason) { return p.s.Reason != Running, p.s.Reason }

// Distance is √m·‖d‖ in the norm of H, d the step of the model; wide problems take the larger of the two steps' estimates.
func (p *Proximal) Distance() float64 {
	if p.s.Distance < 0 {
		return math.NaN()
	}
	return p.s.Distance
}

// quadratic is r·(x' - x) + ½(x' - x)ᵀH(x' - x) + Σ l1|x'| with the gradient r at x, H positive definite.
type quadratic struct {
	h    []float64
	size int
	l1   []float64
	x, r []float64
}

// move changes component j.
func (q *quadratic) move(j int, x float64) {
	d := x - q.x[j]
	if d == 0 {
		return
	}
	q.x[j] = x
	for i, h := range q.h[j*q.size : (j+1)*q.size] {
		q.r[i] += float64(h * d)
	}
}

// sweep minimises over one component after the other; all, or those that are not 0. It returns the largest gain.
func (q *quadratic) sweep(all bool) float64 {
	var most float64
	for j, l := range q.l1 {
		if !all && l > 0 && q.x[j] == 0 {
			continue
		}
		c := q.h[j*q.size+j]
		if !(c > 0) {
			continue
		}
		before := q.x[j]
		q.move(j, soften(before-q.r[j]/c, l/c))
		d := q.x[j] - before
		most = max(most, float64(c*float64(d*d)))
	}
	return most
}

// minimise finds the minimum: by sweeps what is 0 and what signs the others have, then those exactly.
func (q *quadratic) minimise() {
	first := q.sweep(true)
	for range 20 {
		if q.sweep(false) <= 1e-6*first {
			break
		}
	}
	for range 50 + 2*q.size {
		if !q.exact() {
			continue // a component became 0: again, without it
		}
		if !q.enter() {
			return
		}
	}
}

// enter lets components that are 0 and should not be move. It is false if there are none.
func (q *quadratic) enter() bool {
	entered := false
	for j, l := range q.l1 {
		if l == 0 || q.x[j] != 0 || math.Abs(q.r[j]) <= l*(1+1e-13) {
			continue
		}
		if c := q.h[j*q.size+j]; c > 0 {
			before := q.x[j]
			q.move(j, soften(before-q.r[j]/c, l/c))
			entered = entered || q.x[j] != before
		}
	}
	return entered
}

// exact goes to the minimum over the components that are not 0, all signs kept; or to the first place where one becomes 0, and is
// false then.
func (q *quadratic) exact() bool {
	var set []int
	for j, l := range q.l1 {
		if (l == 0 || q.x[j] != 0) && q.h[j*q.size+j] > 0 {
			set = append(set, j)
		}
	}
	k := len(set)
	if k == 0 {
		return true
	}
	a := mat.NewSymDense(k, nil)
	b := mat.NewVecDense(k, nil)
	unit := make([]float64, k)
	for i, j := range set {
		unit[i] = 1 / math.Sqrt(q.h[j*q.size+j])
	}
	for i, j := range set {
		for n := i; n < k; n++ {
			a.SetSym(i, n, q.h[j*q.size+set[n]]*unit[i]*unit[n])
		}
		g := q.r[j]
		if q.l1[j] > 0 {
			g += math.Copysign(q.l1[j], q.x[j])
		}
		b.SetVec(i, -g*unit[i])
	}
	var chol mat.Cholesky
	if !chol.Factorize(a) {
		return true // to rounding; the sweeps' point is what there is
	}
	_ = chol.SolveVecTo(b, b) // the error is a condition number; the search judges the direction
	t, first := 1.0, -1
	for i, j := range set {
		d := b.AtVec(i) * unit[i]
		if !finite(d) {
			return true
		}
		if next := q.x[j] + d; q.l1[j] > 0 && (next > 0) != (q.x[j] > 0) {
			if cross := -q.x[j] / d; cross < t || first < 0 {
				t, first = min(cross, t), i
			}
		}
	}
	for i, j := range set {
		x := q.x[j] + float64(t*float64(b.AtVec(i)*unit[i]))
		if i == first || q.l1[j] > 0 && (x > 0) != (q.x[j] > 0) {
			x = 0
		}
		q.move(j, x)
	}
	return first < 0
}

// MarshalJSON writes the state.
func (p *Proximal) MarshalJSON() ([]byte, error) { return json.Marshal(p.s) }

// UnmarshalJSON reads and checks a state.
func (p *Proximal) UnmarshalJSON(text []byte) error {
	var s proximalState
	if err := strict(text, &s); err != nil {
		return err
	}
	if err := checkStart(s.Theta); err != nil {
		return err
	}
	if _, err := s.Options.check(len(s.Theta), 0); err != nil {
		return err
	}
	if err := checkL1(s.L1, len(s.Theta)); err != nil {
		return err
	}
	if err := s.Phase.check(); err != nil && s.Phase != columns {
		return err
	}
	if k := len(s.Set); s.Phase == columns && (len(s.Block) != k*k || s.Column < 0 || s.Column >= k) {
		return fmt.Errorf("column %d of a block of %d values for %d components", s.Column, len(s.Block), k)
	}
	for i, j := range s.Set {
		if j < 0 || j >= len(s.Theta) || i > 0 && j <= s.Set[i-1] {
			return fmt.Errorf("component %d of the working set is %d", i, j)
		}
	}
	if s.Phase == diagonal {
		return fmt.Errorf("phase %q is not one of this method", s.Phase)
	}
	if err := sizes(s.Theta, s.Known, s.Grad, s.Sub); err != nil {
		return err
	}
	if err := sizes(s.Theta, s.Phase == searching || s.Phase == columns, s.Diag); err != nil {
		return err
	}
	if err := sizes(s.Theta, s.Phase == searching, s.D, s.Diag); err != nil {
		return err
	}
	if err := sizes(s.Theta, s.Phase == solving, s.Diag, s.CG.Diag, s.CG.X, s.CG.R, s.CG.P); err != nil {
		return err
	}
	if err := sizes(s.Theta, false, s.CG.M); err != nil {
		return err
	}
	if s.Phase != atStart && !s.Known {
		return fmt.Errorf("phase %q without a gradient", s.Phase)
	}
	*p = Proximal{s}
	return nil
}
