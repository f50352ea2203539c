package descent

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/optim"
)

// CrossValidation says how a penalty is judged, and found.
//
// The training rows are cut into folds: of every class, the rows in a random order (from the seed) are dealt out one after the other, unless Split says otherwise: by
// groups, or by time, where the rows before a fold alone train for it and the first of Folds+1 blocks is in no fold. Each fold is left out
// once, a model is trained on the others, and its mean loss L on the fold is measured, row weights included. Levels, means and deviations of the columns are
// those of all training rows, so a penalty acts on weights that are standardised over all rows, in every fold alike; λ is the same number in the folds
// as in the final fit on all rows (as in scikit-learn; glmnet holds λ/m).
//
// A penalty that is to be found is the best of a path of 100 values, evenly spaced in their logarithms, from the largest down, every fit starting from the one
// before. λ1 begins where all weights are 0 and ends at 1e-4 of it (1e-2 where there are not more rows than weights). λ alone begins at 100·max|Σ s x̃_j (a - y)|, a the
// prediction without inputs, where no standardised weight exceeds about 0.01, and ends at 1e-7 of it (1e-5). Of both together λ = λ1, on the path of λ1.
type CrossValidation struct {
	Folds  int    // 0: no cross-validation, or 10 where a penalty is to be found
	L2, L1 bool   // find Penalty.L2, Penalty.L1, which then must be 0
	Rule   string // the penalty taken: "1se", the largest whose mean loss is within one standard error of the least one, or "min"; "" is 1se
}

// The rules.
const (
	ruleOneSE = "1se"
	ruleMin   = "min"
	ruleFixed = "fixed" // nothing was to be found
)

const (
	pathLength  = 100
	cvTolerance = 1e-6 // standard errors, of the fits in the folds: the loss on other rows is then known to about as many digits
)

func (v *CrossValidation) seeks() bool { return v.L2 || v.L1 }

// CV is what cross-validation found.
type CV struct {
	Folds    int         `json:"folds"`
	FoldRows []int       `json:"fold_rows"`
	Rule     string      `json:"rule"`              // 1se, min, or fixed
	Lambdas  []float64   `json:"lambdas"`           // the path: the penalty that is sought, of both their common value; one value where the penalty is fixed
	Mean     []float64   `json:"mean"`              // over the folds, weighted by their rows; a value that is not finite is null
	SE       []float64   `json:"se"`                // of Mean: from the spread of the folds
	Nonzero  []float64   `json:"nonzero,omitempty"` // with L1: weights that are not 0, mean over the folds
	Chosen   CVPoint     `json:"chosen"`
	Min      CVPoint     `json:"min"`
	Losses   [][]float64 `json:"losses"` // of the folds, along the path
	Steps    int         `json:"steps"`  // of all fits
	Passes   int         `json:"passes"` // over the rows, of all fits
	By       string      `json:"by"`     // what the folds are dealt out by: class, group, time, or row
}

// CVPoint is a place on the path.
type CVPoint struct {
	Index int     `json:"index"`
	L2    float64 `json:"l2"`
	L1    float64 `json:"l1"`
	Mean  float64 `json:"mean"`
	SE    float64 `json:"se"`
}

// MarshalJSON writes null for a loss that is not finite.
func (v CV) MarshalJSON() ([]byte, error) {
	type plain CV
	out := struct {
		plain
		Mean   []*float64   `json:"mean"`
		SE     []*float64   `json:"se"`
		Losses [][]*float64 `json:"losses"`
	}{plain: plain(v), Mean: numbers(v.Mean), SE: numbers(v.SE)}
	for _, l := range v.Losses {
		out.Losses = append(out.Losses, numbers(l))
	}
	return marshalPlain(out)
}

func numbers(v []float64) []*float64 {
	out := make([]*float64, len(v))
	for i := range v {
		out[i] = number(v[i])
	}
	return out
}

func (c *Config) checkCV() error {
	v := &c.CV
	switch {
	case v.L2 && c.Penalty.L2 != 0 || v.L1 && c.Penalty.L1 != 0:
		return errors.New("a penalty is either given or found")
	case v.Rule != "" && v.Rule != ruleOneSE && v.Rule != ruleMin:
		return fmt.Errorf("cv rule %q is not one of %s, %s", v.Rule, ruleOneSE, ruleMin)
	case v.Folds < 0 || v.Folds == 1:
		return fmt.Errorf("cv %d: want 2 folds or more", v.Folds)
	case v.Folds == 0 && !v.seeks():
		return nil
	case c.Solver.Method == "gd" || c.Solver.Method == "sgd":
		return fmt.Errorf("cv and solver %s: a path of penalties needs a solver that finds the optimum: auto, newton or lbfgs", c.Solver.Method)
	case c.layered():
		return errors.New("cv with a hidden layer is not offered")
	}
	return nil
}

// cvDefaults fills in what is not said. A penalty that is sought is 1 until it is found, so that all else knows that there is one.
func (c *Config) cvDefaults() {
	v := &c.CV
	if v.L2 {
		c.Penalty.L2 = 1
	}
	if v.L1 {
		c.Penalty.L1 = 1
	}
	if v.seeks() && v.Folds == 0 {
		v.Folds = 10
	}
	if v.Rule == "" {
		v.Rule = ruleOneSE
	}
}

// cvState is a cross-validation between two fits.
type cvState struct {
	Lambdas []float64    `json:"lambdas,omitempty"`
	Losses  [][]*float64 `json:"losses,omitempty"` // by fold, along the path; null: not finite
	Nonzero []float64    `json:"nonzero,omitempty"`
	Start   []float64    `json:"start,omitempty"` // of a fold: the model without inputs
	Theta   []float64    `json:"theta,omitempty"` // where the last fit of this fold ended
	Before  []float64    `json:"before,omitempty"`
	Steps   int          `json:"steps,omitempty"`
	Passes  int          `json:"passes,omitempty"`
	Broken  int          `json:"broken,omitempty"` // fits that ran out of steps
}

// path is the cross-validation at work.
type path struct {
	*fit
	*cvState
	fold           []int // of every training row
	of             int   // how many folds
	penalty        *cost // graph of the cost with penalty
	bare           *cost // and without
	lambda         []float64
	base, base1    []float64 // λ_j and λ1_j of the penalty 1, or of the one that is given
	l1             []float64
	free, freeBias []int
}

// validate judges the penalty, or finds it.
func (f *fit) validate(ctx context.Context) error {
	if f.config.CV.Folds == 0 {
		return nil
	}
	begin := time.Now()
	defer func() { f.result.Seconds.Train += time.Since(begin).Seconds() }()
	ctx, cancel := f.limited(ctx)
	defer cancel()
	p := &path{fit: f, cvState: &cvState{}, of: f.config.CV.Folds}
	if err := p.prepare(); err != nil {
		return err
	}
	if err := p.resume(); err != nil {
		return err
	}
	f.state.CV = p.cvState
	if p.Lambdas == nil {
		if err := p.begin(ctx); err != nil {
			return p.broken(ctx, err, 0, 0)
		}
	}
	folds := f.config.CV.Folds
	for k := 0; k < folds; k++ {
		if k < len(p.Losses) && len(p.Losses[k]) == len(p.Lambdas) {
			continue
		}
		if err := p.train(ctx, k); err != nil {
			return p.broken(ctx, err, k, len(p.Losses[k]))
		}
	}
	return p.choose()
}

// prepare deals out the folds and makes the costs.
func (p *path) prepare() (err error) {
	f, d := p.fit, p.fit.cost.size
	if p.fold, err = f.folds(f.config.CV.Folds); err != nil {
		return err
	}
	if p.penalty, err = newCost(f.config.Equations, d, f.learnt.Weights != nil, f.config.Penalty); err != nil {
		return err
	}
	if p.bare, err = newCost(f.config.Equations, d, f.learnt.Weights != nil, Penalty{}); err != nil {
		return err
	}
	p.base, p.base1 = f.lambda(), f.lambda1()
	p.lambda, p.l1 = make([]float64, len(p.base)), make([]float64, len(p.base))
	if err := f.recognise(p.base); err != nil {
		return err
	}
	known := f.problem != nil
	f.problem = nil
	n, K := len(f.kept), d.sets
	for k := range K {
		if K == 1 || k != f.classes.Reference || !known {
			p.freeBias = append(p.freeBias, K*n+k)
		}
	}
	if K > 1 && known {
		p.free = f.free()
	}
	return nil
}

// resume takes up what a resumed state has.
func (p *path) resume() error {
	s := p.resumed
	if s == nil {
		return nil
	}
	c := s.CV
	size := p.size()
	bad := func(v []float64) bool { return v != nil && len(v) != size }
	if c == nil || bad(c.Theta) || bad(c.Before) || bad(c.Start) || len(c.Losses) > p.config.CV.Folds {
		return p.noResume(errors.New("the state is none of this cross-validation"))
	}
	for k, l := range c.Losses {
		if len(l) > len(c.Lambdas) || k < len(c.Losses)-1 && len(l) < len(c.Lambdas) {
			return p.noResume(errors.New("the state has losses without a penalty"))
		}
	}
	for _, l := range c.Lambdas {
		if !(l >= 0) {
			return p.noResume(errors.New("the state has a penalty below 0"))
		}
	}
	whole := len(c.Losses) == p.config.CV.Folds && len(c.Losses[len(c.Losses)-1]) == len(c.Lambdas)
	switch {
	case c.Lambdas == nil != (c.Start == nil), c.Lambdas != nil && len(c.Nonzero) != len(c.Lambdas), s.Solve != nil && !whole, len(c.Losses) > 0 && c.Theta == nil:
		return p.noResume(errors.New("the state of the cross-validation is not whole"))
	}
	p.cvState = c
	if s.Solve == nil {
		p.resumed = nil
	}
	return nil
}

// size is the number of parameters that the solver moves.
func (p *path) size() int {
	if p.free != nil {
		return len(p.free)
	}
	return p.cost.size.sets * (len(p.kept) + 1)
}

// broken says where a cross-validation was broken off, and keeps its state.
func (p *path) broken(ctx context.Context, err error, fold, point int) error {
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	r := p.result
	r.Cost, r.Loss, r.GradientNorm = math.NaN(), math.NaN(), math.NaN()
	r.GapNote = "no bound: there is no model yet"
	where := fmt.Sprintf("in the cross-validation, fold %d of %d, penalty %d of %d", fold+1, p.config.CV.Folds, point+1, max(len(p.Lambdas), 1))
	if r.Verdict, r.Message = Interrupted, "interrupted "+where; errors.Is(ctx.Err(), context.DeadlineExceeded) {
		p.timeUp = true
		r.Verdict, r.Message = Stopped, "the time is used up "+where
	}
	if path := p.config.Run.Checkpoint; path != "" {
		if err := p.writeState(); err != nil {
			return err
		}
		r.Checkpoint = &path
	}
	return p.verdictError()
}

// part is the cost over some rows as the solver sees it.
func (p *path) part(c *cost, counts []uint16, m float64, free []int) (optim.Problem, *engine.Objective, error) {
	values := engine.Values{M: m, Of: map[string][]float64{}}
	if c.uses("lambda") {
		values.Of["lambda"], values.Of["m"] = p.lambda, []float64{m} // lambda is filled anew for every fit
	}
	if c.uses("r") {
		values.Of["r"] = takesOffset(c.size.sets, p.classes.Reference)
	}
	o, err := engine.NewObjective(p.engine, c.graph, c.root, c.size.parameters(), values, engine.ObjectiveOptions{Mask: engine.Mask{Counts: counts}})
	if err != nil {
		return nil, nil, fmt.Errorf("equations: %w", err)
	}
	if free == nil {
		return o, o, nil
	}
	return newGauge(o, free), o, nil
}

// set makes λ_j and λ1_j those of a place on the path.
func (p *path) set(v float64) (at Penalty) {
	at = p.config.Penalty
	if p.config.CV.L2 {
		at.L2 = v
	}
	if p.config.CV.L1 {
		at.L1 = v
	}
	for j := range p.lambda {
		if p.config.Penalty.L2 > 0 {
			p.lambda[j] = p.base[j] / p.config.Penalty.L2 * at.L2
		}
		if p.config.Penalty.L1 > 0 {
			p.l1[j] = p.base1[j] / p.config.Penalty.L1 * at.L1
		}
	}
	return at
}

// begin finds the model without inputs and the values of the path.
func (p *path) begin(ctx context.Context) error {
	m := p.result.WeightSum
	p.set(1)
	null, o, err := p.part(p.penalty, nil, m, p.freeBias)
	if err != nil {
		return err
	}
	method, err := optim.NewNewton(make([]float64, len(p.freeBias)), optim.Options{Weight: m, Tolerance: cvTolerance})
	if err != nil {
		return err
	}
	out, err := optim.Minimize(ctx, method, null, nil)
	if err != nil {
		return err
	}
	if brokenOff(&out) {
		return ctx.Err()
	}
	theta := newGauge(o, p.freeBias).spread(out.Theta, make([]float64, o.Size()))
	grad := make([]float64, o.Size())
	if _, err := o.CostGradient(ctx, theta, grad); err != nil {
		return err
	}
	p.Passes += out.Passes + 1
	p.Steps += out.Step
	largest := func(base []float64) float64 { // the largest |m dJ/dw_j| in units of the penalty
		var most float64
		for j, b := range base {
			if b > 0 {
				most = max(most, math.Abs(m*grad[j])/b)
			}
		}
		if most == 0 || most-most != 0 {
			return m // nothing to be learnt from the inputs
		}
		return most
	}
	wide := len(p.base) >= p.result.Rows
	var values []float64
	switch v := &p.config.CV; {
	case v.L1:
		values = logarithmic(largest(p.base1), map[bool]float64{false: 1e-4, true: 1e-2}[wide])
	case v.L2:
		values = logarithmic(100*largest(p.base), map[bool]float64{false: 1e-7, true: 1e-5}[wide])
	case p.config.Penalty.L1 > 0 && p.config.Penalty.L2 == 0:
		values = []float64{p.config.Penalty.L1}
	default:
		values = []float64{p.config.Penalty.L2}
	}
	p.Nonzero = make([]float64, len(values))
	p.Start = theta
	if p.free != nil {
		p.Start = make([]float64, len(p.free))
		newGauge(o, p.free).gather(theta, p.Start)
	}
	p.Lambdas = values
	return nil
}

// logarithmic is the path from the largest value down to a share of it.
func logarithmic(most, share float64) []float64 {
	out := make([]float64, pathLength)
	for i := range out {
		out[i] = most * math.Pow(share, float64(i)/(pathLength-1))
	}
	return out
}

// train goes along the path without fold k.
func (p *path) train(ctx context.Context, k int) error {
	in, out := make([]uint16, len(p.fold)), make([]uint16, len(p.fold))
	var m, held float64
	for i, row := range p.learnt.Rows {
		s := weightOf(p.learnt.Weights, row)
		switch {
		case p.fold[i] == k:
			out[i], held = 1, held+s
		case p.trainsFor(p.fold[i], k):
			in[i], m = 1, m+s
		}
	}
	if len(p.Losses) <= k {
		p.Losses = append(p.Losses, nil)
		p.Theta, p.Before = p.Start, nil
	}
	if held == 0 || m == 0 {
		return fmt.Errorf("cv: fold %d has no weight, or all of it", k+1)
	}
	problem, o, err := p.part(p.penalty, in, m, p.free)
	if err != nil {
		return err
	}
	_, left, err := p.part(p.bare, out, held, nil)
	if err != nil {
		return err
	}
	every := p.config.Run.every()
	for i := len(p.Losses[k]); i < len(p.Lambdas); i++ {
		p.set(p.Lambdas[i])
		end, err := p.solveAt(ctx, problem, o, m, k, i)
		if err != nil {
			return err
		}
		loss, err := left.Cost(ctx, p.full(o, end.Theta))
		if err != nil {
			return err
		}
		p.Theta, p.Before = end.Theta, p.Theta
		p.Steps, p.Passes = p.Steps+end.Step, p.Passes+end.Passes+1
		if end.Reason == optim.Steps {
			p.Broken++
		}
		for j, v := range p.full(o, end.Theta)[:len(p.base)] {
			if v != 0 && p.base1 != nil && p.base1[j] > 0 {
				p.Nonzero[i] += 1 / float64(p.config.CV.Folds)
			}
		}
		p.Losses[k] = append(p.Losses[k], number(loss))
		if p.config.Run.Checkpoint != "" && time.Since(p.saved) >= every {
			if err := p.writeState(); err != nil {
				return err
			}
		}
	}
	return nil
}

// full is θ over all components.
func (p *path) full(o *engine.Objective, theta []float64) []float64 {
	if p.free == nil {
		return theta
	}
	return newGauge(o, p.free).spread(theta, make([]float64, o.Size()))
}

// solveAt makes one fit.
func (p *path) solveAt(ctx context.Context, problem optim.Problem, o *engine.Objective, m float64, k, i int) (optim.Outcome, error) {
	start := p.Theta
	if p.base1 == nil && i > 1 && p.Before != nil { // the weights are a smooth function of log λ: as far again
		start = make([]float64, len(p.Theta))
		for j, v := range p.Theta {
			start[j] = v + (v - p.Before[j])
		}
	}
	var g *gauge
	if p.free != nil {
		g = problem.(*gauge)
	}
	options := p.options(g, len(start), m, p.lambda)
	options.Tolerance = cvTolerance
	method, err := p.methodAt(o, g, start, m, options)
	if err != nil {
		return optim.Outcome{}, err
	}
	out, err := optim.Minimize(ctx, method, problem, func(it optim.Iteration) (bool, error) {
		if p.config.Progress != nil {
			p.config.Progress(Progress{Step: it.Step, Cost: it.F, GradientNorm: largest(it.Gradient), Passes: p.Passes + it.Passes,
				Stage: fmt.Sprintf("fold %d of %d, penalty %d of %d", k+1, p.of, i+1, len(p.Lambdas))})
		}
		return false, nil
	})
	if err == nil && brokenOff(&out) {
		err = ctx.Err()
	}
	var diverged *optim.Divergence
	if errors.As(err, &diverged) {
		err = fmt.Errorf("cv: fold %d, penalty %g: %w", k+1, p.Lambdas[i], err)
	}
	return out, err
}

func (p *path) methodAt(o *engine.Objective, g *gauge, start []float64, m float64, options optim.Options) (optim.Method, error) {
	if p.base1 == nil {
		if p.config.Solver.Method == "lbfgs" || !o.Curvature() {
			return optim.NewLBFGS(start, options)
		}
		return optim.NewNewton(start, options)
	}
	all := make([]float64, o.Size())
	for j, l := range p.l1 {
		all[j] = l / m
	}
	l1 := all
	if g != nil {
		l1 = make([]float64, len(start))
		g.gather(all, l1)
	}
	if !o.Curvature() {
		options.Factor = -1
	}
	return optim.NewProximal(start, l1, options)
}

// choose takes the penalty that the rule says.
func (p *path) choose() error {
	f, v := p.fit, &p.config.CV
	out := &CV{Folds: v.Folds, By: f.foldsBy(), FoldRows: make([]int, v.Folds), Rule: v.Rule, Lambdas: p.Lambdas, Steps: p.Steps, Passes: p.Passes}
	weight := make([]float64, v.Folds)
	for i, row := range p.learnt.Rows {
		if k := p.fold[i]; k >= 0 {
			out.FoldRows[k]++
			weight[k] += weightOf(p.learnt.Weights, row)
		}
	}
	if p.base1 != nil {
		out.Nonzero = p.Nonzero
	}
	for _, l := range p.Losses {
		var losses []float64
		for _, x := range l {
			losses = append(losses, value(x))
		}
		out.Losses = append(out.Losses, losses)
	}
	least := -1
	for i := range p.Lambdas {
		mean, se := spreadOf(out.Losses, weight, i)
		out.Mean, out.SE = append(out.Mean, mean), append(out.SE, se)
		if mean-mean == 0 && (least < 0 || mean < out.Mean[least]) {
			least = i
		}
	}
	if least < 0 {
		return errors.New("cv: the loss of the rows left out is not finite for any penalty")
	}
	chosen := least
	if v.Rule == ruleOneSE {
		for chosen = 0; !(out.Mean[chosen] <= out.Mean[least]+out.SE[least]); chosen++ {
		}
	}
	point := func(i int) CVPoint {
		at := p.set(p.Lambdas[i])
		return CVPoint{i, at.L2, at.L1, out.Mean[i], out.SE[i]}
	}
	out.Min, out.Chosen = point(least), point(chosen)
	f.result.CV = out
	if !v.seeks() {
		out.Rule = ruleFixed
	} else {
		f.config.Penalty = Penalty{L2: out.Chosen.L2, L1: out.Chosen.L1}
		f.result.Penalty = f.config.Penalty
	}
	if err := f.note("cross-validation: %d folds, %s; a penalty acts on weights standardised over all rows, and is the same number in the folds as in the final fit",
		v.Folds, f.foldsNote()); err != nil {
		return err
	}
	if p.Broken > 0 {
		if err := f.note("cross-validation: in %d of %d fits the steps were used up before the optimum", p.Broken, v.Folds*len(p.Lambdas)); err != nil {
			return err
		}
	}
	if v.seeks() && least == len(p.Lambdas)-1 {
		return f.note("cross-validation: the smallest penalty tried is the best; a smaller one, or none, may do as well")
	}
	return nil
}

// spreadOf is the mean loss of the folds at a place of the path, weighted by their rows, and its standard error √(Σ w (L - mean)²/Σ w / (K-1)), as
// glmnet has it (Friedman, Hastie and Tibshirani, J. Stat. Softw. 33 (2010)).
func spreadOf(losses [][]float64, weight []float64, at int) (mean, se float64) {
	var total, square float64
	for k, l := range losses {
		mean += float64(weight[k] * l[at])
		total += weight[k]
	}
	mean /= total
	for k, l := range losses {
		d := l[at] - mean
		square += float64(weight[k] * float64(d*d))
	}
	return mean, math.Sqrt(square / total / float64(len(losses)-1))
}
