package optim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// SGD is stochastic gradient descent over mini-batches: every epoch goes through all rows in a new
// order drawn from the seed, Batch rows an update (the last batch of an epoch may be smaller), with a fixed alpha.
// The result is the average of the points after the last half of the updates (Polyak and Juditsky, SIAM J. Control Optim. 30
// (1992)), which removes most of the noise that a fixed alpha leaves. Cost and gradient of all rows are asked for at the start and
// at the average.
//
// The order is that of math/rand/v2's PCG seeded by (Seed, epoch): the same on every machine.
type SGD struct {
	s     sgdState
	order []int // of epoch orderOf
	of    int
}

type sgdState struct {
	Alpha   float64
	Steps   int
	Batch   int
	Rows    int
	Seed    uint64
	Theta   []float64
	Average []float64
	Grad    []float64 `json:",omitempty"`
	F       float64   // of all rows: at the start, then at the end; between, of the last batch
	Step    int
	Started bool
	Reason  Reason
	Watch   climb
}

// NewSGD starts at theta and makes steps updates over batches of batch of the rows 0 … rows-1.
func NewSGD(theta []float64, alpha float64, steps, batch, rows int, seed uint64) (*SGD, error) {
	if err := checkStart(theta); err != nil {
		return nil, err
	}
	switch {
	case !(alpha > 0) || alpha > maxFloat:
		return nil, fmt.Errorf("alpha is %g, want a number above 0", alpha)
	case steps < 0:
		return nil, fmt.Errorf("steps is %d, want 0 or more", steps)
	case rows < 1:
		return nil, fmt.Errorf("there are %d rows, want 1 or more", rows)
	case batch < 1:
		return nil, fmt.Errorf("batch is %d, want 1 or more", batch)
	}
	return &SGD{s: sgdState{Alpha: alpha, Steps: steps, Batch: min(batch, rows), Rows: rows, Seed: seed,
		Theta: clone(theta), Average: make([]float64, len(theta))}, of: -1}, nil
}

// batch returns the rows of update k, ascending.
func (d *SGD) batch(k int) []int {
	perEpoch := (d.s.Rows + d.s.Batch - 1) / d.s.Batch
	epoch, i := k/perEpoch, k%perEpoch
	if d.order == nil || d.of != epoch {
		d.order, d.of = rand.New(rand.NewPCG(d.s.Seed, uint64(epoch))).Perm(d.s.Rows), epoch
	}
	rows := slices.Clone(d.order[i*d.s.Batch : min((i+1)*d.s.Batch, d.s.Rows)])
	slices.Sort(rows)
	return rows
}

// Ask asks for the whole gradient at the start and the end, for a batch between.
func (d *SGD) Ask() Ask {
	switch {
	case d.s.Reason != Running:
		return Ask{}
	case !d.s.Started:
		return Ask{Want: Gradient, At: d.s.Theta}
	case d.s.Step == d.s.Steps:
		return Ask{Want: Gradient, At: d.s.Average}
	}
	return Ask{Want: Batch, At: d.s.Theta, Rows: d.batch(d.s.Step)}
}

// Tell takes cost and gradient.
func (d *SGD) Tell(t Tell) error {
	s := &d.s
	if s.Reason != Running {
		return errDone
	}
	if err := checkSize("gradient", len(t.Gradient), len(s.Theta)); err != nil {
		return err
	}
	if !finite(t.F) || !allFinite(t.Gradient) {
		s.Reason = Diverged
		if !s.Started {
			return &Divergence{Cost: t.F, First: t.F}
		}
		return s.Watch.diverged(s.Step, t.F, s.Alpha)
	}
	switch {
	case !s.Started:
		s.Started = true
		s.F, s.Grad = t.F, clone(t.Gradient)
		s.Watch.see(0, t.F, false)
		if s.Steps == 0 {
			s.Reason = Steps
		}
	case s.Step == s.Steps:
		s.Theta = clone(s.Average)
		s.F, s.Grad = t.F, clone(t.Gradient)
		s.Reason = Steps
		if s.Watch.see(s.Step, t.F, false) || s.Watch.atEnd(t.F, s.Steps) {
			s.Reason = Diverged
			return s.Watch.diverged(s.Step, t.F, s.Alpha)
		}
	default:
		s.F, s.Grad = t.F, clone(t.Gradient)
		if s.Watch.see(s.Step, t.F, false) {
			s.Reason = Diverged
			return s.Watch.diverged(s.Step, t.F, s.Alpha)
		}
		s.Theta = axpy(s.Theta, -s.Alpha, t.Gradient)
		s.Step++
		if tail := s.Step - s.Steps/2; tail > 0 {
			for j := range s.Average {
				s.Average[j] += (s.Theta[j] - s.Average[j]) / float64(tail)
			}
		}
	}
	return nil
}

// Iterate returns the current point (the average once it is done). Between the start and the end, cost and
// gradient are those of the batch that led here.
func (d *SGD) Iterate() ([]float64, float64, []float64, int, bool) {
	return d.s.Theta, d.s.F, d.s.Grad, d.s.Step, d.s.Started
}

// Done reports whether all updates are made.
func (d *SGD) Done() (bool, Reason) { return d.s.Reason != Running, d.s.Reason }

// Distance is NaN.
func (d *SGD) Distance() float64 { return math.NaN() }
