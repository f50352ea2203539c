package descent

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/descent-ml/descent/optim"
	"github.com/descent-ml/descent/proof"
)

// ErrUnfinished is what the error of [Fit] wraps when training ended without an answer: the verdict in the result says how.
var ErrUnfinished = errors.New("no model")

// verdictError is nil where the model may be used.
func (f *fit) verdictError() error {
	r := f.result
	switch r.Verdict {
	case Converged, Stationary:
		return nil
	case Stopped:
		if (f.firstOrder() || f.userSteps) && !f.timeUp {
			return nil
		}
	}
	message := r.Message
	if r.Checkpoint != nil {
		message += fmt.Sprintf("; the state is saved in %s: continue with --resume %s", *r.Checkpoint, *r.Checkpoint)
	}
	if r.Verdict == Interrupted {
		return fmt.Errorf("%w: %s: %w", ErrUnfinished, message, context.Canceled)
	}
	return fmt.Errorf("%w: %s: %s", ErrUnfinished, r.Verdict, message)
}

// judge says what the end of the run means. What it calls converged is proved to have an optimum and to be at it.
func (f *fit) judge(ctx context.Context, out optim.Outcome, diverged *optim.Divergence) error {
	r := f.result
	r.Cost, r.GradientNorm = out.F, norm(out.Gradient, nil)
	var err error
	switch {
	case f.problem == nil:
		r.GapNote = "no bound: the loss is not the log loss, and nothing proves that it is convex"
	case f.certificate == nil && diverged == nil:
		if f.certificate, err = proof.Certify(ctx, f.problem, f.theta, proof.Options{}); err != nil {
			return err
		}
	}
	if c := f.certificate; c != nil {
		if !math.IsNaN(c.Cost) && !math.IsInf(c.Cost, 0) {
			r.Cost = c.Cost // the same cost, summed with compensation
		}
		if r.Gap = number(c.Gap); r.Gap == nil {
			r.GapNote = c.Note
		}
	}
	r.Loss = r.Cost
	for i, l := range f.lambda() { // the weights come first in θ
		r.Loss -= l * f.theta[i] * f.theta[i] / (2 * r.WeightSum)
	}
	for i, l := range f.lambda1() {
		r.Loss -= l * math.Abs(f.theta[i]) / r.WeightSum
	}
	if diverged == nil && (math.IsNaN(r.Cost) || math.IsInf(r.Cost, 0)) {
		return fmt.Errorf("the cost is not finite at step %d; the numbers are too large for these equations", out.Step)
	}
	switch {
	case diverged != nil:
		r.Verdict, r.Message = Diverging, strings.TrimPrefix(diverged.Error(), "diverging: ")
		return nil
	case out.Reason == optim.Cancelled:
		r.Verdict, r.Message = Interrupted, fmt.Sprintf("interrupted after %d steps; %s", out.Step, f.distance())
		return nil
	case out.Reason == optim.Time && !f.proved():
		f.timeUp = true
		r.Verdict, r.Message = Stopped, fmt.Sprintf("the time is used up after %d steps; %s", out.Step, f.distance())
		if out.Step == 0 {
			r.Message += "; reading and looking at the columns took all of it"
		}
		return nil
	case f.firstOrder():
		asked := ""
		if f.userSteps {
			asked = ", as asked"
		}
		r.Verdict, r.Message = Stopped, fmt.Sprintf("%d steps done%s; %s", out.Step, asked, f.distance())
		return nil
	case f.problem == nil:
		return f.judgeOther(ctx, out)
	}
	return f.judgeLogLoss(ctx, out)
}

// proved says whether the point, wherever the solver was on its way, is one at which it would have ended.
func (f *fit) proved() bool {
	c, r, tol := f.certificate, f.result, f.config.Solver.Tol
	switch {
	case c == nil || f.firstOrder():
		return false
	case tol > 0:
		return r.Gap != nil && *r.Gap <= tol*r.Cost
	}
	return c.Proved(standardErrors) || f.provedL1()
}

// stationaryGradient is the largest derivative, in standardised units and relative to a cost above 1, that is taken for zero where nothing is
// proved: far above rounding, far below what a kink leaves.
const stationaryGradient = 1e-7

// judgeOther is the verdict on a loss about which nothing is proved.
func (f *fit) judgeOther(ctx context.Context, out optim.Outcome) error {
	r := f.result
	steepest := largest(out.Gradient)
	switch {
	case out.Reason == optim.Steps:
		r.Verdict, r.Message = Stopped, fmt.Sprintf("%d steps are used up; the largest derivative is %.2g", out.Step, steepest)
		return nil
	case !(steepest <= stationaryGradient*math.Max(1, math.Abs(r.Cost))):
		r.Verdict = Stopped
		r.Message = fmt.Sprintf("no step lowers the cost further, but the largest derivative is %.2g: the loss may have a kink there, and this is no stationary point", steepest)
		return nil
	}
	// Weights that only ended here because the loss has become flat: further out it is lower still.
	if !f.config.Penalty.on() {
		twice := slices.Clone(f.theta)
		for j := range twice {
			twice[j] *= 2
		}
		if J, err := f.objective.Cost(ctx, twice); err != nil {
			return err
		} else if J < r.Cost {
			r.Verdict = Undecided
			r.Message = "the cost is lower still at twice these weights, as where separation leaves a loss without an optimum; a penalty such as --l2 1 makes the answer finite"
			return nil
		}
	}
	r.Verdict = Stationary
	r.Message = fmt.Sprintf("stationary point: the largest derivative is %.2g; no bound, the model is not known to be convex", steepest)
	return nil
}

// floorGap is the proved gap, relative to J, up to which a solver that can go no further for rounding is at the optimum.
const floorGap = 1e-9

// judgeLogLoss is the verdict on log loss, with or without a penalty.
func (f *fit) judgeLogLoss(ctx context.Context, out optim.Outcome) error {
	r, c := f.result, f.certificate
	why := c.Why
	if !c.Exists {
		d := f.separation
		if d == nil || d.State != proof.Separated {
			var err error
			if d, err = proof.Find(ctx, f.problem, out.Last, out.Theta); err != nil {
				return err
			}
			f.separation = d
		}
		switch d.State {
		case proof.Separated:
			return f.separated(ctx, d, out)
		case proof.Undecided:
			r.Verdict = Undecided
			r.Message = fmt.Sprintf("neither an optimum nor separation could be proved (%s); a penalty such as --l2 1 makes the answer certain", d.Why)
			return nil
		}
		why = d.Why
	}
	tol := f.config.Solver.Tol
	switch {
	case tol > 0 && r.Gap != nil && *r.Gap <= tol*r.Cost:
		r.Verdict, r.Message = Converged, "proved: "+f.distance()
	case tol > 0:
		r.Verdict, r.Message = Stopped, fmt.Sprintf("the gap asked for, %g of J, is not reached: %s", tol, f.distance())
	case out.Reason == optim.Steps:
		r.Verdict, r.Message = Stopped, fmt.Sprintf("%d steps are used up; %s", out.Step, f.distance())
	case c.Proved(standardErrors), f.provedL1():
		r.Verdict, r.Message = Converged, "proved: "+f.distance()
	case out.Reason == optim.Floor && r.Gap != nil && *r.Gap <= floorGap*math.Abs(r.Cost):
		r.Verdict, r.Message = Converged, "no step lowers the cost further, rounding is the limit; "+f.distance()
	case out.Reason == optim.Done && out.Distance <= standardErrors:
		r.Verdict = Converged
		r.Message = fmt.Sprintf("an optimum exists (%s) and every coefficient is estimated to be within %.1g standard errors of it; proved: %s", why, standardErrors, f.distance())
	default:
		r.Verdict, r.Message = Stopped, fmt.Sprintf("an optimum exists (%s), but rounding stops the solver before it; %s", why, f.distance())
	}
	return nil
}

// distance says in words how far from the optimum the point can be.
func (f *fit) distance() string {
	c := f.certificate
	switch {
	case c == nil:
		return fmt.Sprintf("the gradient has norm %.2g", f.result.GradientNorm)
	case f.config.Penalty.L1 > 0 && !math.IsNaN(c.Gap):
		return f.distanceL1()
	case !math.IsNaN(c.StandardErrors) && !math.IsNaN(c.Gap):
		return fmt.Sprintf("J is within %.2g of the optimum and every coefficient within %.2g standard errors", c.Gap, c.StandardErrors)
	case !math.IsNaN(c.Gap):
		return fmt.Sprintf("J is within %.2g of the optimum", c.Gap)
	}
	return "no bound on the distance: " + strings.TrimPrefix(c.Note, "no bound: ")
}
