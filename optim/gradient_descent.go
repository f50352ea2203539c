package optim

import (
	"fmt"
	"math"
)

// GradientDescent is the lecture's: w := w - alpha·dw, b := b - alpha·db with the gradient of the whole
// cost and a fixed alpha, exactly so many updates. Every point's cost is told before the update that leaves it;
// after the last update cost and gradient are asked for once more, so that the result has both.
//
// It diverges (see [Divergence]) when the cost or gradient is not finite, when the cost passes 1000 times
// the larger of 1 and its first value, or when the updates are done and the cost is above its first value or rose in more than a
// quarter (and at least five) of the last half of them.
type GradientDescent struct{ s descentState }

type descentState struct {
	Alpha  float64
	Steps  int
	Theta  []float64
	Grad   []float64 `json:",omitempty"`
	F      float64
	Step   int
	Known  bool
	Reason Reason
	Watch  climb
}

// NewGradientDescent starts at theta (which is copied; the lecture starts at zeros).
func NewGradientDescent(theta []float64, alpha float64, steps int) (*GradientDescent, error) {
	if err := checkStart(theta); err != nil {
		return nil, err
	}
	if !(alpha > 0) || alpha > maxFloat {
		return nil, fmt.Errorf("alpha is %g, want a number above 0", alpha)
	}
	if steps < 0 {
		return nil, fmt.Errorf("steps is %d, want 0 or more", steps)
	}
	return &GradientDescent{descentState{Alpha: alpha, Steps: steps, Theta: clone(theta)}}, nil
}

// Ask asks for the gradient at the next point.
func (d *GradientDescent) Ask() Ask {
	if d.s.Reason != Running {
		return Ask{}
	}
	if !d.s.Known {
		return Ask{Want: Gradient, At: d.s.Theta}
	}
	return Ask{Want: Gradient, At: axpy(d.s.Theta, -d.s.Alpha, d.s.Grad)}
}

// Tell takes cost and gradient.
func (d *GradientDescent) Tell(t Tell) error {
	s := &d.s
	if s.Reason != Running {
		return errDone
	}
	if err := checkSize("gradient", len(t.Gradient), len(s.Theta)); err != nil {
		return err
	}
	if s.Known {
		next := axpy(s.Theta, -s.Alpha, s.Grad)
		if !finite(t.F) || !allFinite(t.Gradient) || !allFinite(next) {
			s.Reason = Diverged
			return s.Watch.diverged(s.Step+1, t.F, s.Alpha)
		}
		s.Theta = next
		s.Step++
	} else if !finite(t.F) || !allFinite(t.Gradient) {
		s.Reason = Diverged
		return &Divergence{Step: 0, Began: 0, Cost: t.F, First: t.F}
	}
	s.F, s.Grad, s.Known = t.F, clone(t.Gradient), true
	if s.Watch.see(s.Step, s.F, s.Step > s.Steps/2) {
		s.Reason = Diverged
		return s.Watch.diverged(s.Step, s.F, s.Alpha)
	}
	if s.Step == s.Steps {
		s.Reason = Steps
		if s.Watch.atEnd(s.F, s.Steps-s.Steps/2) {
			s.Reason = Diverged
			return s.Watch.diverged(s.Step, s.F, s.Alpha)
		}
	}
	return nil
}

// Iterate returns the last point whose cost is known.
func (d *GradientDescent) Iterate() ([]float64, float64, []float64, int, bool) {
	return d.s.Theta, d.s.F, d.s.Grad, d.s.Step, d.s.Known
}

// Done reports whether all updates are made.
func (d *GradientDescent) Done() (bool, Reason) { return d.s.Reason != Running, d.s.Reason }

// Distance is NaN: gradient descent knows no curvature.
func (d *GradientDescent) Distance() float64 { return math.NaN() }
