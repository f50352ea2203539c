package optim

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Newton goes along the solution of H·d = -g with a line search. While H is at most Options.Factor wide it is factored (scaled to
// a unit diagonal, so that the scales of columns do not matter): H itself while that is cheap (Options.Whole), else H of 1/64 of
// the rows but at least eight a parameter (Ask.Fraction), as preconditioner of conjugate gradients over products
// H·v; if those take long, of all rows after all. Wider problems whose parameters are mostly levels (Options.Groups) take an arrow, border.go, for
// preconditioner, those of several sets of weights one matrix for all, shared.go, other wide ones the diagonal 0.9·penalty + 0.1·diag(H) (LIBLINEAR's mix, with its constants
// changed as measured). Conjugate gradients stop early far from the optimum (Dembo and Steihaug, Math. Program. 26 (1983)).
//
// Far away, where H says little (saturated rows, costs that are not convex), H is shifted by a growing multiple of its
// diagonal until a step is accepted.
//
// Done: Distance ≤ Options.Tolerance. Floor: the cost cannot tell the points of a step apart and Distance has not
// halved for two steps, or no step along the direction is better.
type Newton struct {
	s      newtonState
	factor *sampled // of s.Sample; made again after Decode
	made   made     // of s.Mould; asked for again after Decode
}

type newtonState struct {
	Options  Options
	Phase    phase
	Rows     int     // of the data, told by Minimize; 0: not known, or the problem can't give H of some rows
	Part     float64 // of the rows, that the start is made with; 0: all rows
	Warmed   bool    // there was such a start
	Theta    []float64
	F        float64
	Grad     []float64 `json:",omitempty"`
	Known    bool
	Step     int
	Bordered bool      // the problem can give rows of H
	Sharing  bool      // the problem has a matrix for all sets
	Mould    *mould    `json:",omitempty"`
	Sample   []float64 `json:",omitempty"` // H of a part of the rows, row-major, while CG runs on it
	Whole    bool      // samples have turned out to be bad
	Rare     []float64 `json:",omitempty"` // what to add to its diagonal, from the whole one at the start
	Shift    float64   // multiple of diag(H) added to it
	First    float64   // norm of the first gradient
	Distance float64   // of Theta; -1 while not known
	Best     float64   // smallest Distance so far; -1: none
	Stall    int
	D        []float64 `json:",omitempty"`
	Line     line
	CG       conjugate
	Reason   Reason
}

// With a sample that stands for the data, a solve takes about five products and a fit about ten steps.
const (
	manyProducts = 30
	manySteps    = 20
)

type phase string

const (
	atStart   phase = "start"
	curvature phase = "curvature" // Hessian, or the diagonal before conjugate gradients
	diagonal  phase = "diagonal"  // beside the Hessian of a part of the rows
	solving   phase = "solving"   // products
	searching phase = "searching"
)

// NewNewton starts at theta, which is copied.
func NewNewton(theta []float64, o Options) (*Newton, error) {
	if err := checkStart(theta); err != nil {
		return nil, err
	}
	o, err := o.check(len(theta), 200)
	if err != nil {
		return nil, err
	}
	o.Penalty = clone(o.Penalty)
	return &Newton{s: newtonState{Options: o, Phase: atStart, Theta: clone(theta), Distance: -1, Best: -1}}, nil
}

func (n *Newton) factors() bool { return len(n.s.Theta) <= n.s.Options.Factor }

// borders: the preconditioner is made of some rows of H and its diagonal; shares: of one matrix for all sets and the diagonal.
func (n *Newton) borders() bool {
	if n.factors() || !n.s.Bordered || n.s.Whole {
		return false
	}
	dense, _ := n.s.Options.border(len(n.s.Theta))
	return dense != nil
}

func (n *Newton) shares() bool { return !n.factors() && n.s.Sharing && !n.s.Whole }

// wantsMade: a new preconditioner, or, after Decode, the one that conjugate gradients were running on.
func (n *Newton) wantsMade() bool {
	s := &n.s
	return s.Phase == diagonal && (n.borders() || n.shares()) || s.Phase == solving && s.Sample == nil && s.CG.M == nil && n.made == nil
}

// askMade asks for what it is made of.
func (n *Newton) askMade() Ask {
	s := &n.s
	if n.borders() {
		dense, _ := s.Options.border(len(s.Theta))
		return Ask{Want: Border, At: s.Mould.At, Of: dense, Fraction: borderFraction(len(s.Theta), s.Rows)}
	}
	// Work of about a dozen products, and not fewer rows than columns.
	sets, columns := s.Options.shape()
	f := math.Max(48*float64(sets)/float64(columns), 2*float64(columns)/float64(max(s.Rows, 1)))
	return Ask{Want: Shared, At: s.Mould.At, Columns: columns, Fraction: math.Min(f, 1)}
}

// make makes it.
func (n *Newton) make(t Tell) error {
	s := &n.s
	if n.borders() {
		dense, large := s.Options.border(len(s.Theta))
		if err := checkSize("border", len(t.Border), (len(dense)+1)*len(s.Theta)); err != nil {
			return err
		}
		if allFinite(t.Border) {
			n.made = newArrow(t.Border, dense, large)
		}
	} else {
		_, columns := s.Options.shape()
		if err := checkSize("shared matrix", len(t.Shared), columns*columns); err != nil {
			return err
		}
		if allFinite(t.Shared) {
			n.made = newShared(t.Shared, &s.Options)
		}
	}
	if n.made == nil {
		s.Reason = Floor
		return nil
	}
	n.made.scale(s.CG.Diag, s.Shift)
	if s.Phase == diagonal {
		n.solveBy(nil, s.CG.Diag)
	}
	return nil
}

// borderFraction is the part of the rows that A and its border are estimated from: a quarter, and of many rows for every component less, down to an eighth.
func borderFraction(components, rows int) float64 {
	return math.Min(1.0/4, math.Max(1.0/8, 16*float64(components)/float64(max(rows, 1))))
}

// fraction is the part of the rows whose H is factored: all, while that is cheap or where a part has turned out not to
// stand for the rest; else 1/64, at least eight rows a parameter (the eigenvalues of H in the sample's scale are then between about 0.4 and
// 2 on well-behaved data), if that is at most a quarter; of few parameters up to 1/16, as long as that takes no more than two products.
func (n *Newton) fraction() float64 {
	size, rows := float64(len(n.s.Theta)), float64(n.s.Rows)
	if n.s.Part > 0 {
		rows *= n.s.Part
	}
	if rows*size*size < n.s.Options.Whole || n.s.Rows == 0 || n.s.Whole {
		return 1
	}
	f := math.Max(math.Min(4/size, 1.0/16), math.Max(1.0/64, 8*size/rows))
	if f > 0.25 {
		return 1
	}
	return f
}

// warmPart is the part of the rows that a start is made with.
const warmPart = 1.0 / 16

// warm begins with a part of the rows if even these are many: its optimum is then about as far from that of all rows, in the cost, as size/2 rows'
// losses, and a step or two from there do.
func (n *Newton) warm() {
	s := &n.s
	rows := float64(s.Rows) * warmPart
	if s.Phase == atStart && !s.Known && s.Part == 0 && !s.Warmed && rows >= 4096 && rows >= 4*float64(len(s.Theta)) {
		s.Part = warmPart
	}
}

// whole ends the start: from here on all rows count.
func (n *Newton) whole() {
	s := &n.s
	*n = Newton{s: newtonState{Options: s.Options, Phase: atStart, Rows: s.Rows, Bordered: s.Bordered, Sharing: s.Sharing, Warmed: true, Theta: s.Theta, Distance: -1, Best: -1}}
}

// Ask returns the next question.
func (n *Newton) Ask() Ask {
	a := n.ask()
	if a.Want != 0 {
		a.Part = n.s.Part
	}
	return a
}

func (n *Newton) ask() Ask {
	s := &n.s
	switch {
	case s.Reason != Running:
		return Ask{}
	case s.Phase == atStart:
		return Ask{Want: Gradient, At: s.Theta}
	case s.Phase == curvature && n.factors():
		return Ask{Want: Hessian, At: s.Theta, Fraction: n.fraction()}
	case n.wantsMade():
		return n.askMade()
	case s.Phase == curvature || s.Phase == diagonal:
		return Ask{Want: Diagonal, At: s.Theta}
	case s.Phase == solving:
		return Ask{Want: Product, At: s.Theta, V: s.CG.P}
	}
	return Ask{Want: Gradient, At: axpy(s.Theta, s.Line.T, s.D)}
}

// Tell takes the answer.
func (n *Newton) Tell(t Tell) error {
	err := n.tell(t)
	if s := &n.s; s.Part > 0 && s.Reason != Running {
		n.whole()
		return nil
	}
	return err
}

func (n *Newton) tell(t Tell) error {
	s := &n.s
	size := len(s.Theta)
	if s.Reason != Running {
		return errDone
	}
	switch {
	case s.Phase == atStart || s.Phase == searching:
		if err := checkSize("gradient", len(t.Gradient), size); err != nil {
			return err
		}
		if s.Phase == atStart {
			return n.begin(t)
		}
		n.search(t)
	case s.Phase == curvature && n.factors():
		if err := checkSize("Hessian", len(t.Hessian), size*size); err != nil {
			return err
		}
		if n.fraction() < 1 {
			if !allFinite(t.Hessian) {
				s.Reason = Floor
				return nil
			}
			s.Sample = clone(t.Hessian)
			if s.Rare == nil {
				s.Phase = diagonal
				return nil
			}
			n.startSampled()
			return nil
		}
		s.CG = conjugate{}
		d, ok := n.solve(t.Hessian)
		if !ok {
			s.Reason = Floor
			return nil
		}
		n.direction(d)
	case n.wantsMade():
		return n.make(t)
	case s.Phase == diagonal:
		if err := checkSize("diagonal", len(t.Diagonal), size); err != nil {
			return err
		}
		// A feature that is rarer in the sample than it should be (a rare level) takes the whole diagonal. The sample is the
		// same rows every time, so once is enough.
		s.Rare = make([]float64, size)
		for j, h := range t.Diagonal {
			if c := s.Sample[j*size+j]; !(c >= 0.2*h) && h > 0 && finite(h) {
				s.Rare[j] = h
			}
		}
		n.startSampled()
	case s.Phase == curvature:
		if err := checkSize("diagonal", len(t.Diagonal), size); err != nil {
			return err
		}
		if n.borders() || n.shares() {
			s.CG, s.Sample, s.Phase = conjugate{Diag: clone(t.Diagonal)}, nil, diagonal
			var dense []int
			if n.borders() {
				dense, _ = s.Options.border(size)
			}
			switch {
			case s.Mould == nil || s.Mould.old(t.Diagonal, dense):
				s.Mould, n.made = &mould{clone(s.Theta), clone(t.Diagonal)}, nil
			case n.made != nil:
				n.made.scale(t.Diagonal, s.Shift)
				n.solveBy(nil, s.CG.Diag)
			}
			return nil
		}
		n.startSolving(t.Diagonal)
	default:
		if err := checkSize("product", len(t.Product), size); err != nil {
			return err
		}
		d, done := s.CG.tell(t.Product, s.Shift, s.Options.Penalty, n.precondition(s.CG.M))
		switch {
		case done:
			n.direction(d)
		case s.Sample != nil && s.CG.K >= manyProducts:
			s.Whole, s.Sample, s.Phase = true, nil, curvature
		}
	}
	return nil
}

func (n *Newton) begin(t Tell) error {
	s := &n.s
	if !finite(t.F) || !allFinite(t.Gradient) {
		s.Reason = Diverged
		return &Divergence{Cost: t.F, First: t.F}
	}
	s.F, s.Grad, s.Known = t.F, clone(t.Gradient), true
	s.First = math.Sqrt(dot(s.Grad, s.Grad))
	n.arrive()
	return nil
}

// arrive is called at a new point: stop there or ask for its curvature.
func (n *Newton) arrive() {
	s := &n.s
	zero := true
	for _, g := range s.Grad {
		zero = zero && g == 0
	}
	switch {
	case zero:
		s.Distance, s.Reason = 0, Done
	case s.Step >= s.Options.Steps:
		s.Reason = Steps
	case s.Step >= manySteps:
		s.Whole = true
	}
	s.Phase = curvature
}

// solve returns -(H + shift)⁻¹g from the Cholesky factor of the scaled H.
func (n *Newton) solve(h []float64) ([]float64, bool) {
	s := &n.s
	size := len(s.Theta)
	if !allFinite(h) {
		return nil, false
	}
	// unit[j] = 1/sqrt(H_jj); a coordinate without curvature keeps its own scale and is only ever moved by the shift.
	unit := make([]float64, size)
	for j := range unit {
		unit[j] = 1
		if c := h[j*size+j]; c > 0 {
			unit[j] = 1 / math.Sqrt(c)
		}
	}
	if !allFinite(unit) {
		return nil, false
	}
	scaled := mat.NewSymDense(size, nil)
	rhs := mat.NewVecDense(size, nil)
	for i := range size {
		rhs.SetVec(i, -s.Grad[i]*unit[i])
	}
	for shift := s.Shift; shift < 1e12; shift = max(10*shift, 1e-13) {
		for i := range size {
			for j := i; j < size; j++ {
				scaled.SetSym(i, j, h[i*size+j]*unit[i]*unit[j])
			}
			scaled.SetSym(i, i, scaled.At(i, i)+shift)
		}
		var chol mat.Cholesky
		if !chol.Factorize(scaled) {
			continue
		}
		// The error gonum may return is a condition number; the line search judges the direction.
		x := mat.NewVecDense(size, nil)
		_ = chol.SolveVecTo(x, rhs)
		d := make([]float64, size)
		for j := range d {
			d[j] = x.AtVec(j) * unit[j]
		}
		if allFinite(d) && dot(d, s.Grad) < 0 {
			return d, true
		}
	}
	return nil, false
}

func (n *Newton) startSolving(diag []float64) {
	s := &n.s
	size := len(s.Theta)
	m := make([]float64, size)
	for j, h := range diag {
		m[j] = h
		if s.Options.Penalty != nil && s.Options.Penalty[j] > 0 {
			m[j] = 0.9*s.Options.Penalty[j] + 0.1*h
		}
		m[j] += s.Shift * math.Abs(h)
		if !(m[j] > 0) || m[j] > maxFloat {
			m[j] = 1
		}
	}
	s.Sample = nil
	n.solveBy(m, diag)
}

func (n *Newton) startSampled() {
	s := &n.s
	size := len(s.Theta)
	diag := make([]float64, size)
	for j := range diag {
		d := math.Max(s.Sample[j*size+j], 0) + s.Rare[j]
		if !(d > 0) {
			d = 1
		}
		s.Sample[j*size+j], diag[j] = d, d
	}
	n.solveBy(nil, diag)
}

// solveBy starts conjugate gradients with the diagonal m or, if that is nil, the sample as preconditioner.
func (n *Newton) solveBy(m, diag []float64) {
	s := &n.s
	n.factor = nil
	eta := 0.1
	if s.First > 0 {
		eta = min(eta, math.Sqrt(math.Sqrt(dot(s.Grad, s.Grad))/s.First))
	}
	s.CG = startConjugate(s.Grad, m, diag, eta, n.precondition(m))
	s.CG.Enough = s.Options.Gap * math.Abs(s.F)
	s.Phase = solving
}

// precondition returns what applies the inverse of the preconditioner: the sample's factor, or the diagonal.
func (n *Newton) precondition(m []float64) func(z, r []float64) {
	s := &n.s
	if m == nil && s.Sample == nil {
		return n.made.apply
	}
	if m != nil {
		return func(z, r []float64) {
			for j, v := range r {
				z[j] = v / m[j]
			}
		}
	}
	if n.factor == nil {
		n.factor = newSampled(s.Sample, len(s.Theta))
	}
	return n.factor.apply
}

// sampled is the Cholesky factor of a positive semidefinite matrix scaled to a unit diagonal and, where needed, shifted.
type sampled struct {
	unit []float64
	chol mat.Cholesky
}

func newSampled(h []float64, size int) *sampled {
	f := &sampled{unit: make([]float64, size)}
	for j := range f.unit {
		f.unit[j] = 1 / math.Sqrt(h[j*size+j])
	}
	a := mat.NewSymDense(size, nil)
	for shift := 0.0; ; shift = max(10*shift, 1e-12) {
		for i := range size {
			for j := i; j < size; j++ {
				v := h[i*size+j] * f.unit[i] * f.unit[j]
				if shift >= 1 && i != j {
					v = 0 // far from positive definite (a cost that is not convex): the diagonal
				}
				a.SetSym(i, j, v)
			}
			a.SetSym(i, i, 1+shift)
		}
		if f.chol.Factorize(a) {
			return f
		}
	}
}

// apply writes the solution of the preconditioner's system.
func (f *sampled) apply(z, r []float64) {
	b := mat.NewVecDense(len(r), nil)
	for j, v := range r {
		b.SetVec(j, v*f.unit[j])
	}
	// The error gonum may return is a condition number; any positive definite matrix will do here.
	_ = f.chol.SolveVecTo(b, b)
	for j := range z {
		z[j] = b.AtVec(j) * f.unit[j]
	}
}

// direction takes d and either finds that Theta is good enough or starts the search along d.
func (n *Newton) direction(d []float64) {
	s, size := &n.s, len(n.s.Theta)
	slope := dot(d, s.Grad)
	if !(slope < 0) || !allFinite(d) {
		s.Reason = Floor
		return
	}
	s.D = d
	if s.Part > 0 && s.Shift == 0 && s.Options.Weight*s.Part*-slope <= float64(size) && largestOf(d) <= longest*math.Max(1, largestOf(s.Theta)) {
		// The step is within the error that comes of having a part of the rows.
		s.Theta = axpy(s.Theta, 1, d)
		n.whole()
		return
	}
	if s.Shift == 0 {
		s.Distance = math.Sqrt(s.Options.Weight * -slope)
		if s.Distance <= s.Options.Tolerance {
			s.Reason = Done
			return
		}
		if -slope <= costNoise*math.Abs(s.F) && s.Best >= 0 && s.Distance > 0.5*s.Best {
			s.Stall++
		} else {
			s.Stall = 0
		}
		if s.Best < 0 || s.Distance < s.Best {
			s.Best = s.Distance
		}
		// Directions that are not exact may stall for a step or two without being at the floor.
		if s.Stall >= 2 && s.Sample != nil {
			s.Whole, s.Sample, s.Stall, s.Phase = true, nil, 0, curvature
			return
		}
		if s.Stall >= 2 && n.factors() || s.Stall >= 5 {
			s.Reason = Floor
			return
		}
	} else {
		s.Distance = -1
	}
	// Where every row is saturated H is nearly 0 and d of any length: the first trial goes no further than longest.
	t := math.Min(1, longest*math.Max(1, largestOf(s.Theta))/largestOf(d))
	s.Line = newLine(s.F, slope, t, false)
	s.Phase = searching
}

// longest is the largest first trial of a step in any coordinate, in units of the largest coordinate of θ or 1.
const longest = 100

func largestOf(v []float64) float64 {
	var m float64
	for _, x := range v {
		m = math.Max(m, math.Abs(x))
	}
	return m
}

func (n *Newton) search(t Tell) {
	s := &n.s
	f, slope := t.F, dot(t.Gradient, s.D)
	if !allFinite(t.Gradient) {
		f = math.NaN()
	}
	switch s.Line.tell(f, slope) {
	case accepted:
		s.Distance = n.ahead(f)
		s.Theta = axpy(s.Theta, s.Line.T, s.D)
		s.F, s.Grad = f, clone(t.Gradient)
		s.Step++
		switch {
		case s.Line.T < 1e-2:
			s.Shift = max(10*s.Shift, 1e-3)
		case s.Shift < 1e-4:
			s.Shift = 0
		default:
			s.Shift /= 10
		}
		n.arrive()
	case failed:
		if s.Line.S0 > -costNoise*math.Abs(s.F) || s.Shift > 1e8 {
			s.Reason = Floor
			return
		}
		s.Shift = max(100*s.Shift, 1e-3)
		s.Phase = curvature
	}
}

// ahead estimates the distance that is left after the step, at whose end the cost is f; -1 where it cannot. Conjugate gradients left some of the
// gain that the model promises; and where the cost did not fall as promised, but for a share e, the curvature changed by
// about e on the way, which leaves the order of e² of the gain.
func (n *Newton) ahead(f float64) float64 {
	s := &n.s
	if s.Shift > 0 || s.Line.T != 1 {
		return -1
	}
	gain, left := -s.Line.S0/2, 0.0
	if s.CG.K > 0 {
		gain, left = s.CG.Model, s.CG.Left
	}
	e := (s.F - f - gain) / gain
	return math.Sqrt(2 * s.Options.Weight * (left + 4*e*e*gain))
}

// Iterate returns the current point, its cost and gradient.
func (n *Newton) Iterate() ([]float64, float64, []float64, int, bool) {
	return n.s.Theta, n.s.F, n.s.Grad, n.s.Step, n.s.Known && n.s.Part == 0
}

// Done reports whether the method has stopped.
func (n *Newton) Done() (bool, Reason) { return n.s.Reason != Running, n.s.Reason }

// Distance is sqrt(m·gᵀH⁻¹g), NaN until H at the point is known. With conjugate gradients it is estimated from
// the last, inexact solve.
func (n *Newton) Distance() float64 {
	if n.s.Distance < 0 || n.s.Part > 0 {
		return math.NaN()
	}
	return n.s.Distance
}

// conjugate is preconditioned conjugate gradients on (H + shift·|diag|)·d = -g between two products.
type conjugate struct {
	M, Diag []float64 `json:",omitempty"` // preconditioner, |diag(H)| for the shift
	X, R, P []float64 `json:",omitempty"`
	RZ      float64
	Stop    float64 // residual norm to reach, squared
	Model   float64 // decrease of the quadratic model so far
	Longest float64 // of the steps, in units of P: the inverse of a Rayleigh quotient
	Left    float64 // estimate of twice what is left of it: R in the norm of the preconditioner's inverse, over its smallest eigenvalue seen
	Enough  float64 // the duality gap asked for; 0: none is
	K       int
}

func startConjugate(grad, m, diag []float64, eta float64, solve func(z, r []float64)) conjugate {
	c := conjugate{M: m, Diag: make([]float64, len(diag)), X: make([]float64, len(grad)), R: make([]float64, len(grad)), P: make([]float64, len(grad))}
	for j, g := range grad {
		c.Diag[j] = math.Abs(diag[j])
		c.R[j] = -g
	}
	solve(c.P, c.R)
	c.RZ = dot(c.R, c.P)
	c.Stop = eta * eta * c.RZ
	return c
}

// tell takes H·P; done returns the direction.
func (c *conjugate) tell(hp []float64, shift float64, penalty []float64, solve func(z, r []float64)) (d []float64, done bool) {
	q := clone(hp)
	if shift > 0 {
		for j := range q {
			q[j] += float64(shift * float64(c.Diag[j]*c.P[j]))
		}
	}
	c.K++
	pq := dot(c.P, q)
	if !(pq > 1e-14*c.curvature(c.P)) {
		// No curvature along P: what is there is a descent direction; if there is nothing, P is.
		if c.K == 1 {
			return c.P, true
		}
		return c.X, true
	}
	step := c.RZ / pq
	for j := range c.X {
		c.X[j] += float64(step * c.P[j])
		c.R[j] -= float64(step * q[j])
	}
	gain := 0.5 * step * c.RZ
	c.Model += gain
	c.Longest = max(c.Longest, step)
	z := make([]float64, len(c.R))
	solve(z, c.R)
	rz := dot(c.R, z)
	if !finite(rz) {
		return c.X, true
	}
	c.Left = c.Longest * rz
	// The second test: this step added less than a twentieth of the mean gain of a step
	// (Nash and Sofer, Oper. Res. Lett. 9 (1990), with their 0.5 made stricter, since a product costs no more than a gradient).
	ends := rz <= c.Stop || float64(c.K)*gain <= 0.05*c.Model && c.K > 1 || c.K >= 10*len(c.X)+50 || c.K >= 1000
	if c.Enough > 0 && penalty != nil {
		var dual float64
		for j, l := range penalty {
			if l > 0 {
				dual += c.R[j] / (2 * l) * c.R[j]
			}
		}
		switch {
		case dual <= 0.3*c.Enough:
			ends = true
		case c.Left <= c.Enough && c.K < 200:
			ends = false
		}
	}
	if ends {
		return c.X, true
	}
	beta := rz / c.RZ
	for j := range c.P {
		c.P[j] = z[j] + float64(beta*c.P[j])
	}
	c.RZ = rz
	return nil, false
}

// curvature is Σ diag·p², what pᵀHp would be if H were diagonal.
func (c *conjugate) curvature(p []float64) float64 {
	var s float64
	for j, v := range p {
		s += float64(c.Diag[j] * float64(v*v))
	}
	return s
}

func (p phase) check() error {
	switch p {
	case atStart, curvature, diagonal, solving, searching:
		return nil
	}
	return fmt.Errorf("phase %q is not known", string(p))
}
