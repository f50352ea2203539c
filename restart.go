package descent

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/optim"
	"github.com/descent-ml/descent/proof"
)

// Restart is one of the starts of a model with a hidden layer.
type Restart struct {
	Seed    uint64   `json:"seed"`
	Cost    *float64 `json:"cost"` // J where it ended; nil: not finite
	Verdict Verdict  `json:"verdict"`
}

// assumeLayers says what is assumed of a model with a hidden layer, and refuses equations that could train but not predict.
func (f *fit) assumeLayers() error {
	c, d := &f.config, f.cost.size
	if _, err := newForward(f.cost.graph, d); err != nil {
		return fmt.Errorf("equations: %w", err)
	}
	var weights, others []string
	f.result.Parameters = 0
	for _, p := range f.cost.parameters {
		f.result.Parameters += p.shape.Size()
		if p.weight {
			weights = append(weights, p.name)
		} else {
			others = append(others, p.name)
		}
	}
	if c.Run.Init != nil {
		if err := f.note("the start is the parameters of the model given"); err != nil {
			return err
		}
	} else if err := f.note("the start is random: %s uniform within ±√(6/(in + out)), the others 0 (seed %d)", strings.Join(weights, ", "), c.Solver.Seed); err != nil {
		return err
	}
	if c.Penalty.L2 > 0 {
		text := "the penalty acts on " + strings.Join(weights, ", ")
		if others != nil {
			text += ", not on " + strings.Join(others, ", ")
		}
		if err := f.note("%s", text); err != nil {
			return err
		}
	} else if !f.firstOrder() {
		if err := f.note("no penalty (--l2 adds one)"); err != nil {
			return err
		}
	}
	if c.Scale == ScaleNone {
		return f.note("the columns are taken as they are (--scale auto standardises them)")
	}
	return f.note("numeric columns are standardised inside, and the parameters are those of the standardised columns")
}

// weights is the number of weights, biases not counted, before the cost is made.
func (f *fit) weights() int {
	n := len(f.learnt.Encoding.Terms)
	if !f.config.layered() {
		return n
	}
	d := size{inputs: n, sets: f.classes.Sets(), offset: f.learnt.Offsets != nil}
	equations := f.config.Equations
	if f.config.Hidden > 0 {
		equations = d.hidden(f.config.Hidden)
	}
	g, err := d.parse(equations)
	if err != nil || len(g.Defs) == 0 {
		return n // design says what is wrong
	}
	all, err := declaredParameters(g, g.Defs[len(g.Defs)-1].Name)
	if err != nil {
		return n
	}
	n = 0
	for _, p := range all {
		if p.weight {
			n += p.shape.Size()
		}
	}
	return n
}

// layerProblem is the cost of a model with a hidden layer as the solvers see it.
type layerProblem struct{ cost *engine.Objective }

// Size is the number of parameters.
func (p layerProblem) Size() int { return p.cost.Size() }

// CostGradient is J and its gradient.
func (p layerProblem) CostGradient(ctx context.Context, theta, grad []float64) (float64, error) {
	return p.cost.CostGradient(ctx, theta, grad)
}

// CostGradientRows is the same over some rows.
func (p layerProblem) CostGradientRows(ctx context.Context, theta []float64, rows []int, grad []float64) (float64, error) {
	return p.cost.CostGradientRows(ctx, theta, rows, grad)
}

// Product is H·v.
func (p layerProblem) Product(ctx context.Context, v, hv []float64) error {
	return p.cost.Product(ctx, v, hv)
}

// Diagonal is that of the identity: the inputs are standardised, and diag H of a layer costs a product a parameter and may be negative.
func (p layerProblem) Diagonal(_ context.Context, diag []float64) error {
	for j := range diag {
		diag[j] = 1
	}
	return nil
}

// Hessian is H, made of products.
func (p layerProblem) Hessian(ctx context.Context, chunks []int, h []float64) error {
	return p.cost.Hessian(ctx, chunks, h)
}

// Passes says what an answer takes: H a product a parameter.
func (p layerProblem) Passes(w optim.Want) int {
	switch w {
	case optim.Diagonal:
		return 0
	case optim.Hessian:
		return p.Size()
	}
	return 1
}

// layerRun is where one start ended.
type layerRun struct {
	seed     uint64
	solver   string
	out      optim.Outcome
	diverged *optim.Divergence
	rest     bool // at a stationary point
	verdict  Verdict
	message  string
	trace    []TracePoint
	passes   int // of all parts
}

// layersState is a search of several starts, each in up to two parts, between two answers. The part that runs is the solver's state.
type layersState struct {
	Restarts []Restart `json:"restarts,omitempty"` // done
	Passes   int       `json:"passes"`             // of these
	Best     *layerEnd `json:"best,omitempty"`     // of these
	First    *layerEnd `json:"first,omitempty"`    // where the first part of this start ended; nil: it runs
}

// layerEnd is a layerRun that can be written down.
type layerEnd struct {
	Seed     uint64       `json:"seed"`
	Solver   string       `json:"solver"`
	Reason   optim.Reason `json:"reason"`
	Theta    []float64    `json:"theta"`
	F        *float64     `json:"f"` // null: not finite
	Gradient []float64    `json:"gradient,omitempty"`
	Step     int          `json:"step"`
	Last     []float64    `json:"last,omitempty"`
	Diverged bool         `json:"diverged,omitempty"`
	Rest     bool         `json:"rest,omitempty"`
	Verdict  Verdict      `json:"verdict,omitempty"`
	Message  string       `json:"message,omitempty"`
	Trace    []TracePoint `json:"trace,omitempty"`
	Passes   int          `json:"passes"`
}

func (r *layerRun) end() *layerEnd {
	o := &r.out
	return &layerEnd{r.seed, r.solver, o.Reason, o.Theta, number(o.F), o.Gradient, o.Step, o.Last, r.diverged != nil, r.rest, r.verdict, r.message, r.trace, r.passes}
}

// run is the reverse of end, for a cost of so many parameters.
func (e *layerEnd) run(size int) (*layerRun, error) {
	for _, v := range [][]float64{e.Theta, e.Gradient, e.Last} {
		if len(v) != size && v != nil || e.Theta == nil {
			return nil, fmt.Errorf("a start ended with %d parameters, the model has %d", len(v), size)
		}
	}
	r := &layerRun{seed: e.Seed, solver: e.Solver, rest: e.Rest, verdict: e.Verdict, message: e.Message, trace: e.Trace, passes: e.Passes,
		out: optim.Outcome{Reason: e.Reason, Theta: e.Theta, F: value(e.F), Gradient: e.Gradient, Step: e.Step, Last: e.Last, Distance: math.NaN()}}
	if e.Diverged {
		r.diverged = new(optim.Divergence)
	}
	return r, nil
}

// known says whether the run came to a point whose cost is known.
func (r *layerRun) known() bool { return len(r.out.Gradient) > 0 }

// better says whether the run is to be kept rather than another: the lower cost, and of equal ones the earlier.
func (r *layerRun) better(than *layerRun) bool {
	switch {
	case than == nil:
		return true
	case r.verdict == Diverging || !r.known():
		return false
	}
	return than.verdict == Diverging || r.out.F < than.out.F
}

// solveLayers minimises the cost of a model with a hidden layer from every start, and keeps the best.
func (f *fit) solveLayers(ctx context.Context) error {
	c, r := f.cost, f.result
	values := engine.Values{M: r.WeightSum, Of: map[string][]float64{}}
	if c.uses("lambda") {
		values.Of["lambda"], values.Of["m"] = []float64{f.config.Penalty.L2}, []float64{r.WeightSum}
	}
	if c.uses("r") {
		values.Of["r"] = takesOffset(c.size.sets, f.classes.Reference)
	}
	names := make([]string, len(c.parameters))
	for i, p := range c.parameters {
		names[i] = p.name
	}
	var err error
	if f.objective, err = engine.NewObjective(f.engine, c.graph, c.root, names, values, engine.ObjectiveOptions{}); err != nil {
		return fmt.Errorf("equations: %w", err)
	}
	if f.logLoss, err = c.isLogLossOf("z"); err != nil {
		return err
	}
	problem := layerProblem{f.objective}
	starts := max(f.config.Solver.Restarts, 1)
	best, err := f.resumeLayers(starts)
	if err != nil {
		return err
	}
	var broken optim.Reason // by what the last start was broken off
	for len(r.Restarts) < starts {
		run := &layerRun{seed: f.config.Solver.Seed + uint64(len(r.Restarts))}
		f.state.Layers.Restarts, f.state.Layers.Best = r.Restarts, nil
		if best != nil {
			f.state.Layers.Best = best.end()
		}
		if err := f.minimizeLayers(ctx, problem, run); err != nil {
			return err
		}
		f.judgeLayers(run)
		run.trace, r.Trace = r.Trace, nil
		f.state.Layers.Passes += run.passes
		if run.better(best) {
			best = run
		}
		tried := Restart{Seed: run.seed, Verdict: run.verdict}
		if run.known() {
			tried.Cost = number(run.out.F)
		}
		r.Restarts = append(r.Restarts, tried)
		if run.out.Reason == optim.Cancelled || run.out.Reason == optim.Time {
			broken = run.out.Reason
			break
		}
	}
	f.theta, r.Trace, r.StartSeed, r.Solver = best.out.Theta, best.trace, best.seed, best.solver
	r.Steps, r.Passes = best.out.Step, f.state.Layers.Passes
	r.Verdict, r.Message, r.Cost, r.GradientNorm = best.verdict, best.message, best.out.F, norm(best.out.Gradient, nil)
	switch {
	case broken == optim.Cancelled && best.verdict != Interrupted:
		r.Verdict, r.Message = Interrupted, fmt.Sprintf("interrupted in start %d of %d; the best of the starts before: %s", len(r.Restarts), starts, best.message)
	case broken == optim.Time && (best.out.Reason != optim.Time || len(r.Restarts) < starts):
		r.Verdict, r.Message = Stopped, fmt.Sprintf("the time is used up in start %d of %d; the best: %s", len(r.Restarts), starts, best.message)
	}
	f.timeUp = broken == optim.Time
	r.GapNote = "no bound: the model is " + f.notConvex() + ", and nothing proves that there is no lower cost elsewhere"
	r.Loss = r.Cost
	for _, p := range c.parameters {
		for _, v := range f.theta[p.begin:p.end()] {
			if p.weight {
				r.Loss -= f.config.Penalty.L2 * v * v / (2 * r.WeightSum)
			}
		}
	}
	if best.diverged == nil && r.Cost-r.Cost != 0 {
		return fmt.Errorf("the cost is not finite at step %d; the numbers are too large for these equations", best.out.Step)
	}
	if n := len(r.Restarts); n > 1 {
		return f.note("%d starts: the best cost is that of seed %d", n, best.seed)
	}
	return nil
}

// resumeLayers takes up the starts that a resumed state has done, and the best of them.
func (f *fit) resumeLayers(starts int) (best *layerRun, err error) {
	f.state.Layers = &layersState{}
	if f.resumed == nil {
		return nil, nil
	}
	s := f.resumed.Layers
	if s == nil || f.resumed.Solve == nil || len(s.Restarts) >= starts || (s.Best == nil) != (len(s.Restarts) == 0) {
		return nil, f.noResume(fmt.Errorf("the state is none of these %d starts of a hidden layer", starts))
	}
	f.state.Layers.Passes, f.state.Layers.First, f.result.Restarts = s.Passes, s.First, slices.Clone(s.Restarts)
	if s.Best != nil {
		if best, err = s.Best.run(f.objective.Size()); err != nil {
			return nil, f.noResume(err)
		}
	}
	return best, nil
}

// minimizeLayers runs the solver from one start. auto is L-BFGS, and for the last digits Newton's method where H is small: L-BFGS is slow along the
// flat valleys of such a cost.
func (f *fit) minimizeLayers(ctx context.Context, problem layerProblem, run *layerRun) error {
	s, st := &f.config.Solver, f.state.Layers
	run.solver = s.Method
	if s.Method == "auto" {
		run.solver = "lbfgs"
	}
	watch := f.watch(ctx)
	minimize := func(solver string, theta []float64) error {
		m, err := f.layerMethod(solver, theta, run.seed)
		if err != nil {
			return err
		}
		run.out, err = f.minimize(ctx, m, problem, func(i optim.Iteration) (bool, error) {
			stop, err := watch(i)
			return stop || err == nil && !f.firstOrder() && f.toNothing(i.F), err
		})
		run.passes += run.out.Passes
		if errors.As(err, &run.diverged) {
			return nil
		}
		if err == nil && !f.firstOrder() {
			run.rest, err = f.resting(ctx, problem, run)
		}
		return err
	}
	if st.First != nil { // a resumed run in its second part
		first, err := st.First.run(problem.Size())
		if err != nil {
			return f.noResume(err)
		}
		*run = *first
	} else {
		from, err := f.startLayers(run.seed)
		if err != nil {
			return err
		}
		if err := minimize(run.solver, from); err != nil {
			return err
		}
		size := float64(problem.Size())
		if s.Method != "auto" || f.userSteps || run.diverged != nil || brokenOff(&run.out) || atRest(&run.out) || f.toNothing(run.out.F) ||
			problem.Size() > maxNewton || size*size*float64(f.result.Rows) > 1e9 {
			return nil
		}
		run.trace = f.result.Trace
	}
	st.First = run.end()
	first := *run
	if err := minimize("newton", first.out.Theta); err != nil {
		return err
	}
	st.First = nil
	f.result.Trace = first.trace
	if run.diverged != nil || !run.known() || !(run.out.F <= first.out.F) {
		broken, reason := brokenOff(&run.out), run.out.Reason
		run.out, run.rest, run.diverged = first.out, first.rest, nil
		if broken {
			run.out.Reason, run.rest = reason, false
		}
		return nil
	}
	run.solver = "lbfgs+newton"
	run.out.Step += first.out.Step
	return nil
}

// brokenOff says whether a run ended because its context did.
func brokenOff(out *optim.Outcome) bool {
	return out.Reason == optim.Cancelled || out.Reason == optim.Time
}

// maxNewton is the number of parameters up to which H is made, of one product for each.
const maxNewton = 512

func (f *fit) layerMethod(solver string, theta []float64, seed uint64) (optim.Method, error) {
	s := &f.config.Solver
	o := optim.Options{Weight: f.result.WeightSum, Tolerance: standardErrors, Factor: maxNewton}
	if f.userSteps {
		o.Steps = s.Steps
	} else if solver == "lbfgs" {
		o.Steps = 5000
	}
	switch solver {
	case "gd":
		return optim.NewGradientDescent(theta, s.Alpha, s.Steps)
	case "sgd":
		rows, steps := len(f.learnt.Rows), s.Steps
		if !f.userSteps {
			steps = 10 * ((rows + s.Batch - 1) / s.Batch)
		}
		return optim.NewSGD(theta, s.Alpha, steps, s.Batch, rows, seed)
	case "newton":
		return optim.NewNewton(theta, o)
	}
	return optim.NewLBFGS(theta, o)
}

// restTolerance is how small the gradient of a stationary point is: |∂J/∂θ_j|·max(1, |θ_j|) against J. What a step could still gain is then its
// square, below the rounding of J. A cost that falls towards 0 while
// the weights grow never comes there, since its gradient falls no faster than itself.
const restTolerance = 1e-8

func atRest(out *optim.Outcome) bool {
	for j, g := range out.Gradient {
		if !(math.Abs(g)*math.Max(1, math.Abs(out.Theta[j])) <= restTolerance*out.F) {
			return false
		}
	}
	return len(out.Gradient) > 0 && out.F > 0
}

// notConvex is what is known of the cost: where every parameter acts through a linear score it may be convex after all.
func (f *fit) notConvex() string {
	if f.objective.Curvature() {
		return "not known to be convex"
	}
	return "not convex"
}

// kinked says whether the loss has kinks.
func (f *fit) kinked() bool {
	loss, _ := f.cost.graph.Lookup(f.cost.loss)
	return len(kinksOf(loss)) > 0
}

// kinksOf are the nodes of a loss that have a kink.
func kinksOf(loss *graph.Node) []*graph.Node {
	return slices.DeleteFunc(graph.Below(loss), func(n *graph.Node) bool {
		return n.Op == nil || !slices.Contains([]string{"relu", "max", "abs", "gt"}, n.Op.Name)
	})
}

// resting says whether the run ended at a stationary point. Without a penalty the gradient also fades where weights grow for ever, as where some of
// the rows are told apart: as large a step again as the weights are, the way of the last one, then costs nothing.
func (f *fit) resting(ctx context.Context, problem layerProblem, run *layerRun) (bool, error) {
	out := &run.out
	if !atRest(out) {
		return false, nil
	}
	if f.config.Penalty.L2 > 0 {
		return true, nil
	}
	way := out.Last
	if way == nil {
		way = out.Theta
	}
	share := 0.0
	for j, d := range way {
		share = math.Max(share, math.Abs(d)/math.Max(1, math.Abs(out.Theta[j])))
	}
	if share == 0 {
		return true, nil
	}
	far := make([]float64, len(way))
	for j, d := range way {
		far[j] = out.Theta[j] + d/share
	}
	run.passes++
	J, err := problem.CostGradient(context.WithoutCancel(ctx), far, make([]float64, len(far)))
	return !(J <= out.F*(1+restTolerance)), err
}

// isLogLossOf says by the equations whether the loss is log loss (or cross-entropy) of a score: whether it would be, were the score linear.
func (c *cost) isLogLossOf(score string) (bool, error) {
	g := c.graph
	z, ok := g.Lookup(score)
	loss, _ := g.Lookup(c.loss)
	y, labelled := g.Lookup("y")
	x, inputs := g.Lookup("x")
	if !ok || !labelled || !inputs || z.Op == nil || z.Shape.Size() != c.size.sets {
		return false, nil
	}
	shape := graph.Vector(c.size.inputs)
	if c.size.sets > 1 {
		shape = graph.Matrix(c.size.sets, c.size.inputs)
	}
	w, err := g.Leaf(graph.Leaf{Kind: graph.Parameter, Name: "linear_w", Shape: shape})
	if err != nil {
		return false, err
	}
	b, err := g.Leaf(graph.Leaf{Kind: graph.Parameter, Name: "linear_b", Shape: graph.Shape{Rows: z.Shape.Rows}})
	if err != nil {
		return false, err
	}
	linear, err := g.Apply("dot", w, x)
	if err != nil {
		return false, err
	}
	if linear, err = g.Apply("add", linear, b); err != nil {
		return false, err
	}
	_, err = proof.Recognise(g, g.Replace(loss, map[*graph.Node]*graph.Node{z: linear}), y)
	if errors.Is(err, proof.ErrNotLogLoss) {
		return false, nil
	}
	return err == nil, err
}

// toNothing says whether the cost is on its way to 0, which the log loss has nowhere: no finite weights give it.
func (f *fit) toNothing(cost float64) bool {
	return f.config.Penalty.L2 == 0 && f.logLoss && cost < 1e-8
}

// judgeLayers says what the end of one run means.
func (f *fit) judgeLayers(run *layerRun) {
	out := &run.out
	small := fmt.Sprintf("the largest derivative is %.2g", largest(out.Gradient))
	switch {
	case run.diverged != nil:
		run.verdict, run.message = Diverging, strings.TrimPrefix(run.diverged.Error(), "diverging: ")
	case out.Reason == optim.Cancelled:
		run.verdict, run.message = Interrupted, fmt.Sprintf("interrupted after %d steps; %s", out.Step, small)
	case out.Reason == optim.Time:
		run.verdict, run.message = Stopped, fmt.Sprintf("the time is used up after %d steps; %s", out.Step, small)
	case f.firstOrder():
		asked := ""
		if f.userSteps {
			asked = ", as asked"
		}
		run.verdict, run.message = Stopped, fmt.Sprintf("%d steps done%s; %s", out.Step, asked, small)
	case run.rest:
		run.verdict, run.message = Stationary, "stationary point; no bound, the model is "+f.notConvex()+"; "+small
	case atRest(out):
		run.verdict, run.message = Stopped, fmt.Sprintf("the gradient fades (%s) while weights still grow: there may be no finite optimum here; --l2 0.1 gives one", small)
	case out.Reason == optim.Steps:
		run.verdict, run.message = Stopped, fmt.Sprintf("%d steps are used up; %s", out.Step, small)
	case f.toNothing(out.F):
		run.verdict, run.message = Stopped, "the cost falls towards 0 while the weights grow: every row is told apart, and there is no finite optimum; --l2 0.1 gives one"
	default:
		run.verdict = Stopped
		run.message = fmt.Sprintf("no step lowers the cost further, but the gradient is not at rounding size: %s", small)
		if f.kinked() {
			run.message += "; at a kink of relu or max a cost can be lowest without a gradient of 0"
		}
		run.message += " (--steps takes what so many steps give)"
	}
}
