package descent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/optim"
	"github.com/descent-ml/descent/proof"
)

// solved is what the solver leaves behind.
type solved struct {
	objective   *engine.Objective
	gauge       *gauge         // the objective as the solver sees it
	problem     *proof.Problem // nil: nothing can be proved about the loss
	theta       []float64      // (w̃, b̃) or (W̃, b̃), in the solver's coordinates
	logLoss     bool           // the loss is the log loss of y, so J is a likelihood
	certificate *proof.Certificate
	separation  *proof.Decision
	trained     []float64 // θ before the correction for class weights; nil: there is none
	information []float64 // of Firth's method: minus the Hessian of the log likelihood at its end
}

// standardErrors is how near the optimum every coefficient must be for the verdict "converged", in its standard errors.
const standardErrors = 1e-10

// solve minimises the cost and decides what may be said of the result.
func (f *fit) solve(ctx context.Context) error {
	begin := time.Now()
	defer func() { f.result.Seconds.Train += time.Since(begin).Seconds() }()
	ctx, cancel := f.limited(ctx)
	defer cancel()
	if f.cost.parameters != nil {
		return f.solveLayers(ctx)
	}
	if err := f.prepare(); err != nil {
		return err
	}
	if err := f.likely(); err != nil {
		return err
	}
	if f.config.Inference.Firth {
		return f.solveFirth(ctx)
	}
	if f.config.Solver.Tol > 0 && f.problem == nil {
		return fmt.Errorf("tol: nothing can be proved about this loss, so no proved gap can end the training")
	}
	method, err := f.method()
	if err != nil {
		return err
	}
	if f.newton() && f.gauge == nil && f.config.Penalty.L1 == 0 && len(f.kept) >= roughInputs && f.result.Stored.PerCell >= roughCell {
		if _, err := f.objective.Rough(ctx, true); err != nil && ctx.Err() == nil {
			return err
		}
	}
	out, err := f.minimize(ctx, method, f.smooth(), f.watch(ctx))
	var diverged *optim.Divergence
	if err != nil && !errors.As(err, &diverged) {
		return err
	}
	out.Theta, out.Last = f.all(out.Theta), f.all(out.Last)
	f.theta = out.Theta
	r := f.result
	r.Steps, r.Passes = out.Step, out.Passes
	if f.objective.OverBudget() {
		if err := f.note("the equations are so large that they could be simplified only in part: their values are right, at extreme z with fewer digits"); err != nil {
			return err
		}
	}
	return f.judge(context.WithoutCancel(ctx), out, diverged)
}

// A rough copy for H·v costs as much as five exact products of columns of eight bytes a cell, seven of four bytes (BenchmarkRough), whose Newton steps take forty at
// least. Fewer columns have H or a part of it factored; of narrower cells it saves too little: two bytes a quarter of the time.
const (
	roughInputs = 1024
	roughCell   = 4
)

// limited is ctx with the limit of time.
func (f *fit) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if limit := f.config.Solver.MaxTime; limit > 0 {
		return context.WithDeadline(ctx, f.start.Add(limit))
	}
	return context.WithCancel(ctx)
}

// prepare compiles the cost and states the problem that proofs are about.
func (f *fit) prepare() error {
	c := f.cost
	m := f.result.WeightSum
	values := engine.Values{M: m, Of: map[string][]float64{}}
	lambda := f.lambda()
	if c.uses("lambda") {
		values.Of["lambda"], values.Of["m"] = lambda, []float64{m}
	}
	if c.uses("r") {
		values.Of["r"] = takesOffset(c.size.sets, f.classes.Reference)
	}
	parameters := c.size.parameters()
	for _, p := range parameters {
		if !c.uses(p) {
			return fmt.Errorf("equations: the loss does not depend on %s", p)
		}
	}
	var err error
	if f.objective, err = engine.NewObjective(f.engine, c.graph, c.root, parameters, values, engine.ObjectiveOptions{Keep: f.newton()}); err != nil {
		return fmt.Errorf("equations: %w", err)
	}
	if err = f.recognise(lambda); err != nil {
		return err
	}
	if c.size.sets > 1 && !f.firstOrder() && f.problem != nil {
		f.gauge = newGauge(f.objective, f.free())
		f.result.Parameters = len(f.gauge.free)
		if f.config.Penalty.on() {
			f.result.Parameters++ // the bias that is held is reported, too
		}
	}
	return nil
}

// newton: the solver needs second derivatives at every point.
func (f *fit) newton() bool {
	m := f.config.Solver.Method
	return m == "auto" || m == "newton"
}

// free are the components of θ = (W, b) that the solver moves: with a penalty all but the bias of the reference class, without one all but
// its weights, too.
func (f *fit) free() []int {
	n, K, ref := len(f.kept), f.cost.size.sets, f.classes.Reference
	var free []int
	for i := range K * (n + 1) {
		weight, class := i < K*n, i-K*n
		if weight {
			class = i / n
		}
		if class != ref || weight && f.config.Penalty.on() {
			free = append(free, i)
		}
	}
	return free
}

// all is a vector over all components of θ, from one over those that the solver moves.
func (f *fit) all(free []float64) []float64 {
	if f.gauge == nil || free == nil {
		return free
	}
	return f.gauge.spread(free, make([]float64, f.objective.Size()))
}

// recognise finds out, by its equations, whether the loss is log loss, so that something can be proved: of the labels themselves (logLoss), or
// of labels made from y, as in label smoothing.
func (f *fit) recognise(lambda []float64) error {
	c, in := f.cost, f.matrix.Memory
	loss, _ := c.graph.Lookup(c.loss)
	y, _ := c.graph.Lookup("y")
	form, err := proof.Recognise(c.graph, loss, y)
	if errors.Is(err, proof.ErrNotLogLoss) {
		return nil
	}
	if err != nil {
		return err
	}
	if f.logLoss, err = proof.LogLoss(c.graph, c.loss); err != nil {
		return err
	}
	f.problem = &proof.Problem{Passes: f.engine, Source: in, Threads: f.config.Solver.Threads}
	f.problem.S, _ = in.Input("s")
	if f.config.Penalty.L2 > 0 {
		f.problem.Lambda = lambda
	}
	if f.config.Penalty.L1 > 0 {
		f.problem.L1 = f.lambda1()
	}
	if f.cost.size.sets > 1 {
		f.problem.O, _ = in.Input("o")
		f.problem.Classes = &proof.Classes{K: f.cost.size.sets, Reference: f.classes.Reference, Label: make([]int32, f.result.Rows)}
		for i, row := range f.learnt.Rows {
			f.problem.Classes.Label[i] = f.label[row]
		}
		return nil
	}
	f.problem.Y, f.problem.O, err = form.Columns(f.result.Rows, in.Input)
	return err
}

// uses reports whether the cost depends on a leaf.
func (c *cost) uses(name string) bool {
	leaf, ok := c.graph.Lookup(name)
	if !ok {
		return false
	}
	root, _ := c.graph.Lookup(c.root)
	for _, n := range graph.Below(root) {
		if n == leaf {
			return true
		}
	}
	return false
}

// manySets is the number of classes from which on H, which takes a pass for every pair of them, costs more than the products of conjugate
// gradients, which take one pass for all.
const manySets = 8

// options are those of the solvers that find an optimum, for so many parameters, Σ s = m and the penalty λ_j.
func (f *fit) options(g *gauge, size int, m float64, lambda []float64) optim.Options {
	o := optim.Options{Weight: m, Tolerance: standardErrors}
	if size > closedBound {
		o.Gap = f.config.Solver.Tol
	}
	if f.userSteps {
		o.Steps = f.config.Solver.Steps
	}
	if f.cost.size.sets > manySets && 32*size > f.result.Rows { // else a part of the rows stands for H
		o.Factor = -1
	}
	if f.config.Penalty.L2 > 0 {
		all := make([]float64, f.cost.size.sets*(len(f.kept)+1))
		for j, l := range lambda {
			all[j] = l / m
		}
		o.Penalty = all
		if g != nil {
			o.Penalty = make([]float64, size)
			g.gather(all, o.Penalty)
		}
	}
	if f.cost.size.sets == 1 {
		for _, c := range f.engine.Layout().Codes { // θ begins with the weights
			o.Groups = append(o.Groups, optim.Group{First: c.First, Size: c.Levels})
		}
		slices.SortFunc(o.Groups, func(a, b optim.Group) int { return cmp.Compare(a.First, b.First) })
	}
	if g != nil { // θ is the weights, set by set, and then the biases
		n, K := len(f.kept), f.cost.size.sets
		for _, i := range g.free {
			if i < K*n {
				o.Places = append(o.Places, optim.Place{Set: i / n, Column: i % n})
			} else {
				o.Places = append(o.Places, optim.Place{Set: i - K*n, Column: n})
			}
		}
	}
	return o
}

// method is the optimiser asked for. auto is Newton's method, with an L1 penalty the proximal one; a loss without curvature (a hinge, say) falls back to L-BFGS.
func (f *fit) method() (optim.Method, error) {
	s := &f.config.Solver
	start, err := f.startAt()
	if err != nil {
		return nil, err
	}
	o := f.options(f.gauge, len(start), f.result.WeightSum, f.lambda())
	o.Warm = !f.userSteps && largest(start) == 0
	if f.config.Penalty.L1 > 0 {
		return f.proximal(start, o)
	}
	switch s.Method {
	case "gd":
		return optim.NewGradientDescent(start, s.Alpha, s.Steps)
	case "sgd":
		rows, steps := len(f.learnt.Rows), s.Steps
		if !f.userSteps {
			steps = 10 * ((rows + s.Batch - 1) / s.Batch)
		}
		return optim.NewSGD(start, s.Alpha, steps, s.Batch, rows, s.Seed)
	case "lbfgs":
		f.result.Solver = "lbfgs"
		return optim.NewLBFGS(start, o)
	case "auto":
		f.result.Solver = "newton"
		if !f.objective.Curvature() {
			f.result.Solver = "lbfgs"
			if err := f.note("solver lbfgs: the loss has no curvature that Newton's method could use"); err != nil {
				return nil, err
			}
			return optim.NewLBFGS(start, o)
		}
	}
	f.result.Solver = "newton"
	return optim.NewNewton(start, o)
}

// watch records the trace, reports progress, and stops the run when what was asked for is proved, or when the data turn out to be
// separated, so that no optimum will ever come.
func (f *fit) watch(ctx context.Context) func(optim.Iteration) (bool, error) {
	r, s := f.result, &f.config.Solver
	f.looked = 0
	return func(i optim.Iteration) (bool, error) {
		if n := len(r.Trace); s.Record > 0 && i.Step%s.Record == 0 && (n == 0 || r.Trace[n-1].Step < i.Step) { // not twice after a break
			r.Trace = append(r.Trace, TracePoint{i.Step, i.F})
		}
		if f.config.Progress != nil {
			f.config.Progress(Progress{Step: i.Step, Cost: i.F, GradientNorm: largest(i.Gradient), Passes: i.Passes})
		}
		if f.firstOrder() || f.problem == nil {
			return false, nil
		}
		if s.Tol > 0 && i.Distance*i.Distance/(2*r.WeightSum) <= s.Tol*i.F {
			// The estimate of the gap, half the square of the Newton decrement, says that a proof may succeed.
			o, ok := f.provable(i)
			if !ok {
				return false, nil
			}
			c, err := proof.Certify(ctx, f.problem, f.all(i.Theta), o)
			if err != nil {
				return false, err
			}
			if c.Gap <= s.Tol*i.F {
				f.certificate = c
				return true, nil
			}
		}
		// Unpenalised weights that still walk after ten steps: look whether they walk to infinity.
		if !f.config.Penalty.on() && i.Step >= 10 && i.Step >= 2*f.looked {
			d, err := proof.Look(ctx, f.problem, f.all(i.Direction), f.all(i.Theta))
			if err != nil {
				return false, err
			}
			f.looked = i.Step
			f.separation = d
			return d.State == proof.Separated, nil
		}
		return false, nil
	}
}

// closedBound is the number of parameters up to which H is formed to prove a gap: beyond, another step costs less, after which the duality gap proves
// it, too.
const closedBound = 129

// provable says how a gap may be proved. The duality gap needs no H, but is m/(2λ)·‖dw‖² at the exact bias: as long as that is too large, only H helps.
func (f *fit) provable(i optim.Iteration) (proof.Options, bool) {
	lambda := f.lambda()
	if f.config.Penalty.L1 > 0 || f.config.Penalty.L2 == 0 || len(lambda) == 0 {
		return proof.Options{GapOnly: f.config.Penalty.L1 > 0}, true
	}
	dw := f.all(i.Gradient)
	var square float64
	for j, l := range lambda { // the weights come first
		square += float64(dw[j]*dw[j]) / l
	}
	dual := square * f.result.WeightSum / 2
	if len(i.Gradient) > closedBound || dual <= f.config.Solver.Tol*i.F {
		return proof.Options{GapOnly: true}, dual <= f.config.Solver.Tol*i.F
	}
	return proof.Options{Goal: f.config.Solver.Tol * i.F, Estimate: i.Distance * i.Distance / (2 * f.result.WeightSum)}, true
}

func largest(v []float64) float64 {
	var m float64
	for _, x := range v {
		if a := math.Abs(x); a > m || a != a {
			m = a
		}
	}
	return m
}
