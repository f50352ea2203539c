package optim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
)

var errDone = errors.New("told a method that is done")

// Divergence is the error of a run whose cost went up instead of down.
type Divergence struct {
	Step     int     // the step at which it was noticed
	Began    int     // the step at which the cost began to rise: one after its lowest value
	Cost     float64 // the cost at Step; may be NaN or Inf
	First    float64 // the cost at step 0
	Lowest   float64 // the lowest cost, at Began-1
	Rises    int     // steps of the last half that rose, if that is the reason; else 0
	Alpha    float64 // the learning rate used; 0 for a method without one
	Workable float64 // a learning rate that works; 0 if not known
	Basis    string  // where Workable comes from
}

// Error names the step and, where known, an alpha that works.
func (d *Divergence) Error() string {
	s := fmt.Sprintf("diverging: the cost is %.6g at step %d", d.Cost, d.Step)
	switch {
	case d.Step == 0:
		return s
	case d.Rises > 0:
		s += fmt.Sprintf(" and rose in %d of the last %d steps; its lowest value, %.6g, was at step %d", d.Rises, d.Step-d.Step/2, d.Lowest, d.Began-1)
	default:
		s += fmt.Sprintf("; it began to rise at step %d, from %.6g", d.Began, d.Lowest)
	}
	if d.Workable > 0 {
		s += fmt.Sprintf("; alpha %g is too large, %s works (%s)", d.Alpha, strconv.FormatFloat(d.Workable, 'g', -1, 64), d.Basis)
	} else if d.Alpha > 0 {
		s += fmt.Sprintf("; alpha %g is too large", d.Alpha)
	}
	return s
}

// climb watches a cost for rises.
type climb struct {
	Seen    bool
	First   float64
	Last    float64
	Low     float64
	LowStep int
	Rises   int
}

// climbLimit times max(1, first cost) is the bound past which a run has diverged. The log loss of one
// row is about |z|, so 1000 means that a typical |z| is in the thousands: no fit of standardised or raw columns passes there on its way.
const climbLimit = 1000

// see takes the cost of a step; it returns true past the bound.
func (c *climb) see(step int, f float64, late bool) bool {
	if !c.Seen {
		c.Seen, c.First, c.Last, c.Low, c.LowStep = true, f, f, f, step
		return false
	}
	if late && f > c.Last+1e-9*math.Abs(c.Last) {
		c.Rises++
	}
	c.Last = f
	if f < c.Low {
		c.Low, c.LowStep = f, step
	}
	return f > climbLimit*math.Max(1, math.Abs(c.First))
}

// atEnd judges a run whose steps are done; half is the number of steps in which Rises were counted.
func (c *climb) atEnd(f float64, half int) bool {
	return f > c.First+1e-9*math.Abs(c.First) || c.manyRises(half)
}

func (c *climb) manyRises(half int) bool { return c.Rises >= 5 && 4*c.Rises > half }

func (c *climb) diverged(step int, f, alpha float64) *Divergence {
	d := &Divergence{Step: step, Began: c.LowStep + 1, Cost: f, First: c.First, Lowest: c.Low, Alpha: alpha}
	if finite(f) && f <= c.First {
		d.Rises = c.Rises
	}
	return d
}

// WorkableAlpha returns a learning rate with which gradient descent from theta does not diverge, and the cost
// at theta: 1 over the largest eigenvalue of H at theta, found by 20 steps of the power method, less a
// tenth for its error, rounded down to two digits. For log loss from zeros (and no offset) it works everywhere,
// because its curvature a(1-a) is largest there; for other costs it is the local rate.
// It takes one gradient and up to 20 products. Where H is not positive along what the method finds, or
// not finite, alpha is 0.
func WorkableAlpha(ctx context.Context, p Problem, theta []float64) (alpha float64, err error) {
	n := p.Size()
	if len(theta) != n {
		return 0, fmt.Errorf("start has %d values, the problem has %d parameters", len(theta), n)
	}
	if n == 0 {
		return 0, nil
	}
	grad := make([]float64, n)
	if _, err := p.CostGradient(ctx, theta, grad); err != nil {
		return 0, err
	}
	// The gradient is as good a start as any that is not orthogonal to the top eigenvector by design; the
	// uneven part sees to a gradient that is zero.
	v := make([]float64, n)
	norm := math.Sqrt(dot(grad, grad))
	for j := range v {
		v[j] = 1 / float64(j+2)
		if norm > 0 && finite(norm) {
			v[j] = v[j]*0.1 + grad[j]/norm
		}
	}
	hv := make([]float64, n)
	var top float64
	for range 20 {
		norm := math.Sqrt(dot(v, v))
		for j := range v {
			v[j] /= norm
		}
		if err := p.Product(ctx, v, hv); err != nil {
			return 0, err
		}
		if !allFinite(hv) {
			return 0, nil
		}
		next := math.Sqrt(dot(hv, hv))
		if next == 0 {
			return 0, nil
		}
		done := math.Abs(next-top) <= 1e-3*next
		top = next
		copy(v, hv)
		if done {
			break
		}
	}
	return floorDigits(0.9/top, 2), nil
}

// floorDigits rounds v > 0 down to so many decimal digits.
func floorDigits(v float64, digits int) float64 {
	s := strconv.FormatFloat(v, 'e', digits-1, 64)
	r, _ := strconv.ParseFloat(s, 64)
	if r > v {
		e := math.Floor(math.Log10(v)) - float64(digits-1)
		s = strconv.FormatFloat(r-math.Pow(10, e), 'e', digits-1, 64)
		r, _ = strconv.ParseFloat(s, 64)
	}
	return r
}
