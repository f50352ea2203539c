package optim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/descent-ml/descent/engine"
)

// Problem is a cost as methods see it; *engine.Objective is one. Vectors have Size values. Product,
// Diagonal and Hessian are at the point of the last CostGradient; they may fail if there was none.
type Problem interface {
	Size() int
	// CostGradient returns J(theta) and writes its gradient.
	CostGradient(ctx context.Context, theta, grad []float64) (float64, error)
	// CostGradientRows is the same over some rows: the mean of their losses plus the penalty.
	CostGradientRows(ctx context.Context, theta []float64, rows []int, grad []float64) (float64, error)
	// Product writes H·v.
	Product(ctx context.Context, v, hv []float64) error
	// Diagonal writes diag(H).
	Diagonal(ctx context.Context, diag []float64) error
	// Hessian writes H, row-major, over the given chunks of rows; nil means all.
	Hessian(ctx context.Context, chunks []int, h []float64) error
}

// Sampler is a Problem that can estimate H from a part of its rows. Newton makes use of it where rows are many.
type Sampler interface {
	// HessianEstimate writes the estimate of H from the given chunks of rows at the point of the last CostGradient.
	HessianEstimate(ctx context.Context, chunks []int, h []float64) error
	// Curvature reports whether it can: the cost is a mean over rows.
	Curvature() bool
	// Engine has the rows and knows how they are cut into chunks.
	Engine() *engine.Engine
}

// Iteration is what a watcher sees at every new point, the starting point included. The slices are the method's: read only,
// and until watch returns.
type Iteration struct {
	Step      int // updates that led here
	Passes    int
	Theta     []float64
	F         float64 // the cost here, before any further update; SGD: of the last batch
	Gradient  []float64
	Distance  float64   // estimated distance to the optimum in standard errors, of the point before where this one's is not known yet; NaN: no estimate
	Direction []float64 // the last step, Theta - previous Theta; nil at the start
}

// Outcome is the end of a run.
type Outcome struct {
	Reason   Reason
	Theta    []float64
	F        float64
	Gradient []float64
	Step     int
	Passes   int       // questions answered: each is one pass over the rows (a batch is counted by its share, rounded up at the end)
	Distance float64   // as Method.Distance
	Last     []float64 // the last step, Theta - previous Theta; nil if there was none
}

// Minimize answers a method's questions from p until it is done, ctx ends or watch says stop.
//
// The method keeps its state: after Cancelled, Time or Stopped it may be encoded, or given to
// Minimize again. The error is *Divergence (with an alpha that works, where that can be found), watch's own error, or that of a failed
// pass; the Outcome says how far the run came in every case. The end of ctx is no error.
func Minimize(ctx context.Context, m Method, p Problem, watch func(Iteration) (stop bool, err error)) (Outcome, error) {
	r := run{p: p}
	if n, ok := m.(*Newton); ok {
		n.s.Rows = 0
		if s, ok := p.(Sampler); ok && s.Curvature() {
			n.s.Rows = s.Engine().Layout().Rows
		}
	}
	start, _, _, _, _ := m.Iterate()
	start = clone(start)
	if len(start) != p.Size() {
		return Outcome{}, fmt.Errorf("method has %d parameters, the problem has %d", len(start), p.Size())
	}
	seen := -1
	var previous, last []float64
	distance := m.Distance()
	report := func() (bool, error) {
		theta, f, grad, step, known := m.Iterate()
		if d := m.Distance(); d == d {
			distance = d
		}
		if !known || step == seen {
			return false, nil
		}
		seen = step
		if previous != nil {
			last = make([]float64, len(theta))
			for j, v := range theta {
				last[j] = v - previous[j]
			}
		}
		previous = clone(theta)
		if watch == nil {
			return false, nil
		}
		return watch(Iteration{step, r.passes(), theta, f, grad, distance, last})
	}
	outcome := func(reason Reason) Outcome {
		theta, f, grad, step, _ := m.Iterate()
		if d := m.Distance(); d == d {
			distance = d
		}
		return Outcome{reason, clone(theta), f, clone(grad), step, r.passes(), distance, clone(last)}
	}
	if stop, err := report(); err != nil || stop {
		return outcome(Stopped), err
	}
	for {
		if done, reason := m.Done(); done {
			return outcome(reason), nil
		}
		if err := ctx.Err(); err != nil {
			return outcome(ended(err)), nil
		}
		tell, err := r.answer(ctx, m.Ask())
		if err != nil {
			if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
				return outcome(ended(ctx.Err())), nil
			}
			return outcome(Running), err
		}
		if err := m.Tell(tell); err != nil {
			if d, ok := errors.AsType[*Divergence](err); ok {
				if d.Alpha > 0 {
					// What the search for alpha costs is not part of the run; if it fails, the message does without.
					if alpha, err := WorkableAlpha(ctx, p, start); err == nil && alpha > 0 {
						d.Workable, d.Basis = alpha, "0.9 over the largest curvature of the cost at the start"
					}
				}
				return outcome(Diverged), d
			}
			return outcome(Running), err
		}
		if stop, err := report(); err != nil || stop {
			if done, reason := m.Done(); done && err == nil {
				return outcome(reason), nil
			}
			return outcome(Stopped), err
		}
	}
}

func ended(err error) Reason {
	if errors.Is(err, context.DeadlineExceeded) {
		return Time
	}
	return Cancelled
}

// run keeps the point that p was evaluated at last, and counts passes.
type run struct {
	p       Problem
	at      []float64
	grad    []float64
	whole   int
	rows    int
	largest int
}

func (r *run) passes() int {
	if r.largest == 0 {
		return r.whole
	}
	return r.whole + (r.rows+r.largest-1)/r.largest
}

func (r *run) answer(ctx context.Context, a Ask) (Tell, error) {
	n := r.p.Size()
	if r.grad == nil {
		r.grad = make([]float64, n)
	}
	switch a.Want {
	case Gradient:
		r.at = nil
		r.whole++
		f, err := r.p.CostGradient(ctx, a.At, r.grad)
		if err != nil {
			return Tell{}, err
		}
		r.at = clone(a.At)
		return Tell{F: f, Gradient: r.grad}, nil
	case Batch:
		r.at = nil
		r.rows += len(a.Rows)
		if k := len(a.Rows); k > 0 {
			r.largest = max(r.largest, a.Rows[k-1]+1)
		}
		f, err := r.p.CostGradientRows(ctx, a.At, a.Rows, r.grad)
		return Tell{F: f, Gradient: r.grad}, err
	case Product, Diagonal, Hessian:
		// After a rejected trial or a resumed run the problem is at another point.
		if r.at == nil || !slices.Equal(r.at, a.At) {
			r.whole++
			if _, err := r.p.CostGradient(ctx, a.At, r.grad); err != nil {
				return Tell{}, err
			}
			r.at = clone(a.At)
		}
		r.whole++
		switch a.Want {
		case Product:
			out := make([]float64, n)
			return Tell{Product: out}, r.p.Product(ctx, a.V, out)
		case Diagonal:
			out := make([]float64, n)
			return Tell{Diagonal: out}, r.p.Diagonal(ctx, out)
		default:
			out := make([]float64, n*n)
			if s, ok := r.p.(Sampler); ok && a.Fraction < 1 {
				return Tell{Hessian: out}, s.HessianEstimate(ctx, spread(s.Engine().Chunks(), a.Fraction), out)
			}
			return Tell{Hessian: out}, r.p.Hessian(ctx, nil, out)
		}
	}
	return Tell{}, fmt.Errorf("method asks for %v", a.Want)
}

// spread chooses a part of the chunks, evenly over all of them, so that a sorted file does no harm.
func spread(chunks int, fraction float64) []int {
	k := min(max(int(math.Ceil(fraction*float64(chunks))), 1), chunks)
	out := make([]int, k)
	for i := range out {
		out[i] = (2*i + 1) * chunks / (2 * k)
	}
	return out
}
