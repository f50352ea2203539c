package optim

import "math"

// lbfgsMemory is the number of pairs kept: m = 10.
const lbfgsMemory = 10

// LBFGS is the limited-memory BFGS method (Liu and Nocedal, Math. Program. 45 (1989)) whose first matrix is the inverse of
// diag(H), asked for at the start and every 20 updates, times the usual sᵀy/yᵀBy. Without the diagonal it fails
// on columns of different scale.
//
// It stops as Newton does, with its own matrix in the place of H⁻¹: Distance is an estimate and may be too small.
type LBFGS struct{ s lbfgsState }

type lbfgsState struct {
	Options  Options
	Phase    phase
	Theta    []float64
	F        float64
	Grad     []float64 `json:",omitempty"`
	Known    bool
	Step     int
	Diag     []float64   `json:",omitempty"`
	S, Y     [][]float64 // oldest first
	D        []float64   `json:",omitempty"`
	Line     line
	Distance float64
	Best     float64
	Stall    int
	Reason   Reason
}

// NewLBFGS starts at theta, which is copied.
func NewLBFGS(theta []float64, o Options) (*LBFGS, error) {
	if err := checkStart(theta); err != nil {
		return nil, err
	}
	o, err := o.check(len(theta), 2000)
	if err != nil {
		return nil, err
	}
	o.Penalty = clone(o.Penalty)
	return &LBFGS{lbfgsState{Options: o, Phase: atStart, Theta: clone(theta), Distance: -1, Best: -1}}, nil
}

// Ask returns the next question.
func (l *LBFGS) Ask() Ask {
	s := &l.s
	switch {
	case s.Reason != Running:
		return Ask{}
	case s.Phase == atStart:
		return Ask{Want: Gradient, At: s.Theta}
	case s.Phase == curvature:
		return Ask{Want: Diagonal, At: s.Theta}
	}
	return Ask{Want: Gradient, At: axpy(s.Theta, s.Line.T, s.D)}
}

// Tell takes the answer.
func (l *LBFGS) Tell(t Tell) error {
	s := &l.s
	size := len(s.Theta)
	if s.Reason != Running {
		return errDone
	}
	if s.Phase == curvature {
		if err := checkSize("diagonal", len(t.Diagonal), size); err != nil {
			return err
		}
		s.Diag = make([]float64, size)
		for j, h := range t.Diagonal {
			s.Diag[j] = 1
			if h > 0 && finite(1/h) {
				s.Diag[j] = h
			}
		}
		l.direction()
		return nil
	}
	if err := checkSize("gradient", len(t.Gradient), size); err != nil {
		return err
	}
	if s.Phase == atStart {
		if !finite(t.F) || !allFinite(t.Gradient) {
			s.Reason = Diverged
			return &Divergence{Cost: t.F, First: t.F}
		}
		s.F, s.Grad, s.Known = t.F, clone(t.Gradient), true
		l.arrive()
		return nil
	}
	f := t.F
	if !allFinite(t.Gradient) {
		f = math.NaN()
	}
	switch s.Line.tell(f, dot(t.Gradient, s.D)) {
	case accepted:
		step := make([]float64, size)
		y := make([]float64, size)
		next := axpy(s.Theta, s.Line.T, s.D)
		for j := range y {
			step[j] = next[j] - s.Theta[j]
			y[j] = t.Gradient[j] - s.Grad[j]
		}
		// A pair without positive curvature (rounding, a cost that is not convex) would spoil the matrix.
		if sy := dot(step, y); sy > 1e-300 && sy > 1e-10*math.Sqrt(dot(y, y)*dot(step, step)) {
			s.S, s.Y = append(s.S, step), append(s.Y, y)
			if len(s.S) > lbfgsMemory {
				s.S, s.Y = s.S[1:], s.Y[1:]
			}
		}
		s.Theta, s.F, s.Grad = next, f, clone(t.Gradient)
		s.Step++
		l.arrive()
	case failed:
		if len(s.S) > 0 && s.Line.S0 < -costNoise*math.Abs(s.F) {
			s.S, s.Y = nil, nil
			s.Phase = curvature
			return nil
		}
		s.Reason = Floor
	}
	return nil
}

func (l *LBFGS) arrive() {
	s := &l.s
	zero := true
	for _, g := range s.Grad {
		zero = zero && g == 0
	}
	switch {
	case zero:
		s.Distance, s.Reason = 0, Done
	case s.Step >= s.Options.Steps:
		s.Reason = Steps
	case s.Step%20 == 0 || s.Diag == nil:
		s.Phase = curvature
	default:
		l.direction()
	}
}

// direction is the two-loop recursion (Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.4).
func (l *LBFGS) direction() {
	s := &l.s
	q := make([]float64, len(s.Theta))
	for j, g := range s.Grad {
		q[j] = -g
	}
	k := len(s.S)
	a := make([]float64, k)
	for i := k - 1; i >= 0; i-- {
		a[i] = dot(s.S[i], q) / dot(s.S[i], s.Y[i])
		for j := range q {
			q[j] -= float64(a[i] * s.Y[i][j])
		}
	}
	gamma := 1.0
	if k > 0 {
		y := s.Y[k-1]
		var yby float64
		for j, v := range y {
			yby += float64(v*v) / s.Diag[j]
		}
		if r := dot(s.S[k-1], y) / yby; r > 0 && finite(r) {
			gamma = r
		}
	}
	for j := range q {
		q[j] *= gamma / s.Diag[j]
	}
	for i := range k {
		b := dot(s.Y[i], q) / dot(s.S[i], s.Y[i])
		for j := range q {
			q[j] += float64((a[i] - b) * s.S[i][j])
		}
	}
	slope := dot(q, s.Grad)
	if !allFinite(q) || !(slope < 0) {
		if k > 0 {
			s.S, s.Y = nil, nil
			l.direction()
			return
		}
		s.Reason = Floor
		return
	}
	s.D = q
	s.Distance = math.Sqrt(s.Options.Weight * -slope)
	// One pair is not yet an estimate.
	if s.Distance <= s.Options.Tolerance && k > 1 {
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
	if s.Stall >= 3*lbfgsMemory {
		s.Reason = Floor
		return
	}
	s.Line = newLine(s.F, slope, 1, true)
	s.Phase = searching
}

// Iterate returns the current point, its cost and gradient.
func (l *LBFGS) Iterate() ([]float64, float64, []float64, int, bool) {
	return l.s.Theta, l.s.F, l.s.Grad, l.s.Step, l.s.Known
}

// Done reports whether the method has stopped.
func (l *LBFGS) Done() (bool, Reason) { return l.s.Reason != Running, l.s.Reason }

// Distance is sqrt(m·gᵀBg), B the method's matrix.
func (l *LBFGS) Distance() float64 {
	if l.s.Distance < 0 {
		return math.NaN()
	}
	return l.s.Distance
}
