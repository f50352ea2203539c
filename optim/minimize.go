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

// Borderer is a Problem that can estimate some rows of H from a part of its rows.
type Borderer interface {
	Sampler
	// Border writes the rows of H that belong to the components listed in of (ascending), and after them its diagonal, estimated from the given
	// chunks of rows at the point of the last CostGradient.
	Border(ctx context.Context, of, chunks []int, h []float64) error
	// Bordered reports whether it can.
	Bordered() bool
}

// Blocker is a Borderer that can give H among some components, from all rows.
type Blocker interface {
	Borderer
	Block(ctx context.Context, of []int, h []float64) error
}

// Sharer is a Problem of several sets of weights that knows what they have in common.
type Sharer interface {
	Sampler
	// Shared writes the mean over the sets of their parts of H, without the penalty, columns·columns numbers, estimated from the given chunks.
	Shared(ctx context.Context, chunks []int, h []float64) error
}

// Priced is a Problem whose answers do not take one pass over the rows each; Passes is what one takes. Of Batch it is not asked.
type Priced interface {
	Passes(Want) int
}

// Parter is a Problem that can be cut; *engine.Objective can, too.
type Parter interface {
	Sampler
	// Part is the problem of the given chunks of rows, as if there were no others but for m, which is scaled. It is an error where that cannot be.
	Part(chunks []int) (Problem, error)
}

// cut is what cuts a problem, nil where it cannot be.
func cut(p Problem) func(chunks []int) (Problem, error) {
	switch p := p.(type) {
	case Parter:
		return p.Part
	case *engine.Objective:
		return func(chunks []int) (Problem, error) { return p.Part(chunks) }
	}
	return nil
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
	Passes   int       // over the rows: one a question, unless the problem is Priced (a batch is counted by its share, rounded up at the end)
	Distance float64   // as Method.Distance
	Last     []float64 // the last step, Theta - previous Theta; nil if there was none
}

// Minimize answers a method's questions from p until it is done, ctx ends or watch says stop.
//
// The method keeps its state: after Cancelled, Time or Stopped it may be encoded, or given to
// Minimize again. The error is *Divergence (with an alpha that works, where that can be found), watch's own error, or that of a failed
// pass; the Outcome says how far the run came in every case. The end of ctx is no error, also where watch reports it.
func Minimize(ctx context.Context, m Method, p Problem, watch func(Iteration) (stop bool, err error)) (Outcome, error) {
	return Continue(ctx, m, p, new(Trail), Hooks{Watch: watch})
}

// A Trail is what Minimize remembers of a run beside the method's own state. Written down together with the method ([Encode]) it lets [Continue] go on
// with the same bits, counts included, as if nothing had been between. The zero Trail is that of a run that has not begun.
type Trail struct {
	Start    []float64 `json:"start,omitempty"`    // where the run began
	Whole    int       `json:"whole,omitempty"`    // passes over all rows
	Rows     int       `json:"rows,omitempty"`     // told in batches
	Largest  int       `json:"largest,omitempty"`  // row number in them, plus 1
	Points   int       `json:"points,omitempty"`   // 1 + the step that Watch saw last
	Previous []float64 `json:"previous,omitempty"` // the point that Watch saw last
	Last     []float64 `json:"last,omitempty"`     // the step that led there
	Distance *float64  `json:"distance,omitempty"` // the last estimate
	At       []float64 `json:"at,omitempty"`       // the point of the last gradient but of a batch
	Part     float64   `json:"part,omitempty"`     // Ask.Part of that gradient
}

// Check says what is wrong with a trail that comes from a file, for a problem of that size.
func (t *Trail) Check(size int) error {
	for _, v := range [][]float64{t.Start, t.Previous, t.Last, t.At} {
		if len(v) != size && v != nil {
			return fmt.Errorf("a vector of the trail has %d values, the problem has %d parameters", len(v), size)
		}
	}
	if t.Whole < 0 || t.Rows < 0 || t.Largest < 0 || t.Points < 0 || (t.Largest == 0) != (t.Rows == 0) {
		return errors.New("the trail counts less than nothing")
	}
	if (t.Points == 0) != (t.Previous == nil) || t.Points > 0 && t.Start == nil {
		return errors.New("the trail has seen a point without its place")
	}
	return nil
}

// Hooks are called by Continue; either may be nil.
type Hooks struct {
	Watch   func(Iteration) (stop bool, err error)
	Between func() error // after every answer, while the run goes on: method and trail can be written down now
}

// Continue is Minimize from where a method and its trail are. It changes both.
func Continue(ctx context.Context, m Method, p Problem, trail *Trail, hooks Hooks) (Outcome, error) {
	watch := hooks.Watch
	r := run{p: p}
	if n, ok := m.(*Newton); ok {
		n.s.Rows, n.s.Bordered, n.s.Sharing = 0, false, false
		if s, ok := p.(Sampler); ok && s.Curvature() {
			n.s.Rows = s.Engine().Layout().Rows
		}
		if b, ok := p.(Borderer); ok && len(n.s.Options.Groups) > 0 {
			n.s.Bordered = b.Bordered()
		}
		if _, ok := p.(Sharer); ok && n.s.Rows > 0 {
			sets, _ := n.s.Options.shape()
			n.s.Sharing = sets > 0
		}
		if cut(p) != nil && trail.Start == nil && n.s.Options.Warm && n.s.Rows > 0 {
			n.warm()
		}
	}
	if x, ok := m.(*Proximal); ok {
		b, ok := p.(Blocker)
		x.s.Blocks = ok && b.Bordered()
	}
	start, _, _, _, _ := m.Iterate()
	if len(start) != p.Size() {
		return Outcome{}, fmt.Errorf("method has %d parameters, the problem has %d", len(start), p.Size())
	}
	if err := trail.Check(p.Size()); err != nil {
		return Outcome{}, err
	}
	if trail.Start == nil {
		trail.Start = clone(start)
	}
	start = trail.Start
	r.Trail = trail
	distance := math.NaN()
	see := func() {
		if d := m.Distance(); d == d {
			trail.Distance = &d
		}
		if trail.Distance != nil {
			distance = *trail.Distance
		}
	}
	report := func() (bool, error) {
		theta, f, grad, step, known := m.Iterate()
		see()
		if !known || step == trail.Points-1 {
			return false, nil
		}
		before := *trail
		trail.Points = step + 1
		if before.Previous != nil {
			trail.Last = make([]float64, len(theta))
			for j, v := range theta {
				trail.Last[j] = v - before.Previous[j]
			}
		}
		trail.Previous = clone(theta)
		if watch == nil {
			return false, nil
		}
		stop, err := watch(Iteration{step, r.passes(), theta, f, grad, distance, trail.Last})
		if err != nil && isEnd(ctx, err) { // the watcher did not come to an end: it will see the point again
			*trail = before
		}
		return stop, err
	}
	outcome := func(reason Reason) Outcome {
		theta, f, grad, step, _ := m.Iterate()
		see()
		return Outcome{reason, clone(theta), f, clone(grad), step, r.passes(), distance, clone(trail.Last)}
	}
	watched := func(err error) (Outcome, error) {
		if err != nil && isEnd(ctx, err) {
			return outcome(ended(ctx.Err())), nil
		}
		return outcome(Stopped), err
	}
	if stop, err := report(); err != nil || stop {
		return watched(err)
	}
	for {
		if done, reason := m.Done(); done {
			return outcome(reason), nil
		}
		if err := ctx.Err(); err != nil {
			return outcome(ended(err)), nil
		}
		tell, err := r.ask(ctx, m.Ask())
		if err != nil {
			if isEnd(ctx, err) {
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
						if alpha >= d.Alpha { // the curvature grows away from the start
							d.Workable, d.Basis = d.Alpha/4, "a quarter of it; the curvature at the start alone would allow it"
						}
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
			return watched(err)
		}
		if hooks.Between != nil {
			if done, _ := m.Done(); !done {
				if err := hooks.Between(); err != nil {
					return outcome(Stopped), err
				}
			}
		}
	}
}

// isEnd says whether an error only reports that ctx has ended.
func isEnd(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}

func ended(err error) Reason {
	if errors.Is(err, context.DeadlineExceeded) {
		return Time
	}
	return Cancelled
}

// run keeps the point that p was evaluated at last, and counts passes.
type run struct {
	p     Problem
	grad  []float64
	there bool // p is where the trail says, not only the run that is continued
	part  Problem
	of    float64 // what part it is
	*Trail
}

// problem is the one that a question is about.
func (r *run) problem(part float64) (Problem, error) {
	if part == 0 {
		return r.p, nil
	}
	if r.of != part {
		of := cut(r.p)
		if of == nil {
			return nil, errors.New("method asks for a part of the rows, and the problem cannot be cut")
		}
		var err error
		if r.part, err = of(spread(r.p.(Sampler).Engine().Chunks(), part)); err != nil {
			return nil, err
		}
		r.of = part
	}
	return r.part, nil
}

// count counts the passes over p that an answer takes.
func (r *run) count(p Problem, w Want) {
	if p == r.p {
		r.Whole += r.price(w)
		return
	}
	r.Rows += r.price(w) * p.(Sampler).Engine().Layout().Rows
	r.Largest = r.p.(Sampler).Engine().Layout().Rows
}

func (r *run) passes() int {
	if r.Largest == 0 {
		return r.Whole
	}
	return r.Whole + (r.Rows+r.Largest-1)/r.Largest
}

// price is the passes that an answer takes.
func (r *run) price(w Want) int {
	if p, ok := r.p.(Priced); ok {
		return p.Passes(w)
	}
	return 1
}

// ask answers a question. One that fails, as for the end of ctx, leaves the trail as it was.
func (r *run) ask(ctx context.Context, a Ask) (Tell, error) {
	if r.grad == nil {
		r.grad = make([]float64, r.p.Size())
	}
	if a.Want != Gradient && a.Want != Batch && !r.there && r.at(a) {
		// The run that is continued had been here: no pass of its own.
		p, err := r.problem(a.Part)
		if err != nil {
			return Tell{}, err
		}
		if _, err := p.CostGradient(ctx, a.At, r.grad); err != nil {
			return Tell{}, err
		}
	}
	before := *r.Trail
	t, err := r.answer(ctx, a)
	if err != nil {
		*r.Trail, r.there = before, false
		return Tell{}, err
	}
	r.there = true
	return t, nil
}

// at: the last gradient was asked where a is.
func (r *run) at(a Ask) bool { return r.At != nil && r.Part == a.Part && slices.Equal(r.At, a.At) }

func (r *run) answer(ctx context.Context, a Ask) (Tell, error) {
	n := r.p.Size()
	p, err := r.problem(a.Part)
	if err != nil {
		return Tell{}, err
	}
	switch a.Want {
	case Gradient:
		r.At = nil
		r.count(p, Gradient)
		f, err := p.CostGradient(ctx, a.At, r.grad)
		if err != nil {
			return Tell{}, err
		}
		r.At, r.Part = clone(a.At), a.Part
		return Tell{F: f, Gradient: r.grad}, nil
	case Batch:
		r.At = nil
		r.Rows += len(a.Rows)
		if k := len(a.Rows); k > 0 {
			r.Largest = max(r.Largest, a.Rows[k-1]+1)
		}
		f, err := r.p.CostGradientRows(ctx, a.At, a.Rows, r.grad)
		return Tell{F: f, Gradient: r.grad}, err
	case Product, Diagonal, Hessian, Border, Block, Shared:
		// After a rejected trial or a resumed run the problem is at another point.
		if !r.at(a) {
			r.count(p, Gradient)
			if _, err := p.CostGradient(ctx, a.At, r.grad); err != nil {
				return Tell{}, err
			}
			r.At, r.Part = clone(a.At), a.Part
		}
		r.count(p, a.Want)
		switch a.Want {
		case Product:
			out := make([]float64, n)
			return Tell{Product: out}, p.Product(ctx, a.V, out)
		case Diagonal:
			out := make([]float64, n)
			return Tell{Diagonal: out}, p.Diagonal(ctx, out)
		case Border:
			b, ok := p.(Borderer)
			if !ok {
				return Tell{}, fmt.Errorf("method asks for %v, which the problem does not have", a.Want)
			}
			out := make([]float64, (len(a.Of)+1)*n)
			return Tell{Border: out}, b.Border(ctx, a.Of, spread(b.Engine().Chunks(), a.Fraction), out)
		case Block:
			b, ok := p.(Blocker)
			if !ok {
				return Tell{}, fmt.Errorf("method asks for %v, which the problem does not have", a.Want)
			}
			out := make([]float64, len(a.Of)*len(a.Of))
			return Tell{Block: out}, b.Block(ctx, a.Of, out)
		case Shared:
			b, ok := p.(Sharer)
			if !ok {
				return Tell{}, fmt.Errorf("method asks for %v, which the problem does not have", a.Want)
			}
			out := make([]float64, a.Columns*a.Columns)
			return Tell{Shared: out}, b.Shared(ctx, spread(b.Engine().Chunks(), a.Fraction), out)
		default:
			out := make([]float64, n*n)
			if s, ok := p.(Sampler); ok && a.Fraction < 1 {
				return Tell{Hessian: out}, s.HessianEstimate(ctx, spread(s.Engine().Chunks(), a.Fraction), out)
			}
			return Tell{Hessian: out}, p.Hessian(ctx, nil, out)
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
