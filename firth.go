package descent

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/descent-ml/descent/infer"
	"gonum.org/v1/gonum/mat"
)

// firthLikelihood adds half the log determinant of the information I = Σ c_i x̃_i x̃_iᵀ to a log likelihood (Firth 1993: Jeffreys' prior), c the curvature of the row's loss.
// Its gradient is ½ Σ (x̃_iᵀI⁻¹x̃_i)·c'_i·x̃_i with c' = dc/dz, which the graph derives as it does c; of the log loss that makes the score Σ (y - a + h(½ - a))·x̃ with
// the leverage h. I stands for the Hessian, as in Heinze and Schemper (2002); infer.Maximize learns the rest.
func (f *fit) firthLikelihood(l infer.Surface) infer.Surface {
	return func(ctx context.Context, theta []float64) (infer.Point, error) {
		at, err := l(ctx, theta)
		if err != nil {
			return at, err
		}
		n := len(theta)
		at.StandIn = true
		var chol mat.Cholesky
		if !chol.Factorize(mat.NewSymDense(n, at.Information)) {
			at.Value = math.Inf(-1) // log 0
			return at, nil
		}
		var lower mat.TriDense
		chol.LTo(&lower)
		L := make([]float64, n*n)
		for i := range n {
			for j := range i + 1 {
				L[i*n+j] = lower.At(i, j)
			}
			at.Value += math.Log(L[i*n+i])
		}
		q, err := f.engine.Quads(ctx, L)
		if err != nil {
			return at, err
		}
		third, err := f.objective.Kept(ctx, "third")
		if err != nil {
			return at, err
		}
		for i, c := range third {
			q[i] *= c / 2
		}
		more, err := f.engine.Weighted(ctx, q)
		if err != nil {
			return at, err
		}
		for i, v := range more {
			at.Score[i] += v
		}
		return at, nil
	}
}

// solveFirth maximises Firth's likelihood. Nothing is proved: the penalised likelihood need not be concave.
func (f *fit) solveFirth(ctx context.Context) error {
	r := f.result
	start, err := f.startAt()
	if err != nil {
		return err
	}
	l, steps, passes := f.surface(), -1, f.engine.Passes()
	var at infer.Point // the last
	watched := func(ctx context.Context, theta []float64) (p infer.Point, err error) {
		if err := ctx.Err(); err != nil && steps >= 0 {
			return at, err
		}
		if steps++; f.userSteps && steps > f.config.Solver.Steps {
			return at, errFirthSteps
		}
		if p, err = l(context.WithoutCancel(ctx), theta); err == nil && f.config.Progress != nil {
			f.config.Progress(Progress{Step: steps, Cost: -p.Value / r.WeightSum, GradientNorm: largest(p.Score) / r.WeightSum, Passes: f.engine.Passes() - passes})
		}
		return p, err
	}
	at, _, err = infer.Maximize(ctx, watched, start, nil)
	if at.Score == nil {
		return err
	}
	r.Solver, r.Firth = "newton", true
	r.Steps, r.Passes = steps, f.engine.Passes()-passes
	r.GradientNorm = norm(at.Score, nil) / r.WeightSum
	r.GapNote = "no bound: Firth's penalised likelihood is not known to be concave"
	f.theta, f.information = at.Theta, at.Information
	if r.Loss, err = f.firthLoss(ctx, at, err); err != nil {
		return err
	}
	value := at.Value
	for _, scale := range f.matrix.Scale { // of |I| in original units
		value -= math.Log(scale)
	}
	r.PenalizedLogLikelihood, r.Cost = number(value), -value/r.WeightSum
	return nil
}

// firthLoss is the verdict and the mean loss at the end, given how the maximisation ended.
func (f *fit) firthLoss(ctx context.Context, at infer.Point, ended error) (float64, error) {
	r := f.result
	switch {
	case ended == nil:
		r.Verdict = Converged
		r.Message = fmt.Sprintf("Firth's penalised likelihood has its maximum here: every coefficient is estimated to be within %.0e standard errors of it", standardErrors)
	case errors.Is(ended, context.DeadlineExceeded):
		f.timeUp = true
		r.Verdict, r.Message = Stopped, fmt.Sprintf("the time is used up after %d steps", r.Steps)
	case errors.Is(ended, context.Canceled):
		r.Verdict, r.Message = Interrupted, fmt.Sprintf("interrupted after %d steps", r.Steps)
	case errors.Is(ended, errFirthSteps):
		r.Steps = f.config.Solver.Steps
		r.Verdict, r.Message = Stopped, fmt.Sprintf("%d steps are used up", r.Steps)
	case errors.Is(ended, infer.ErrNoMaximum), errors.Is(ended, infer.ErrSingular):
		r.Verdict, r.Message = Stopped, ended.Error()
	default:
		return 0, ended
	}
	return f.objective.Cost(context.WithoutCancel(ctx), at.Theta)
}

var errFirthSteps = errors.New("the steps are used up")

// curvature is the Hessian of J at the end, nil where it was not formed: of Firth's method without its penalty.
func (f *fit) curvature() []float64 {
	switch {
	case f.information != nil:
		h := make([]float64, len(f.information))
		for i, v := range f.information {
			h[i] = v / f.result.WeightSum
		}
		return h
	case f.certificate != nil:
		return f.certificate.Hessian
	}
	return nil
}
