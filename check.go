package descent

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/exercise"
	"github.com/descent-ml/descent/graph"
)

// The limits of [CheckGradient]: relative errors as [GradientCheck] defines them.
const (
	ProgramTolerance    = 1e-12 // graph against compiled program: two orders of adding up the same numbers
	DifferenceTolerance = 1e-6  // graph against central differences
)

// CheckConfig says what [CheckGradient] looks at.
type CheckConfig struct {
	Config        // how the file is read, equations, penalty
	Model  *Model // checked at its weights too, with its own columns and equations; nil: only at a random point
	Rows   int    // at most so many rows, spread over the file; 0 is 1000
	Mine   string // a learner's equations for da, dz, dw, …, to be marked; package exercise has the language
}

// GradientCheck compares three ways to the same gradient on a user's rows: the interpreter on the graph, the compiled program, and central
// differences of the cost. The error of one parameter is the difference over (1/m)Σ|x_ij dz_i| + λ/m|w_j| (in general: the mean size of
// what one row adds), so that it means something at the optimum, where the gradient is 0.
type GradientCheck struct {
	Rows              int          `json:"rows"`
	Parameters        int          `json:"parameters"`
	GraphVsProgram    float64      `json:"graph_vs_program"`
	GraphVsDifference float64      `json:"graph_vs_difference"`
	Worst             Disagreement `json:"worst"` // the largest error against its tolerance
	OK                bool         `json:"ok"`
	Seed              uint64       `json:"seed"`
	Points            []CheckPoint `json:"points"`

	// Of CheckConfig.Mine: OK says that all of it is right, too.
	Mine       []exercise.Judgement `json:"mine,omitempty"`
	FirstWrong *string              `json:"first_wrong,omitempty"` // name of the first wrong node; empty: all is right
	Examples   int                  `json:"examples,omitempty"`    // rows and made-up examples at which Mine was compared
	Updates    []string             `json:"updates,omitempty"`     // equations such as w = w - alpha*dw, which are not marked
}

// Disagreement is one parameter's derivative two ways.
type Disagreement struct {
	Parameter string  `json:"parameter"`
	Graph     float64 `json:"graph"`
	Other     float64 `json:"other"`
	Way       string  `json:"way"` // program or difference: what Other is
	Error     float64 `json:"error"`
}

// CheckPoint is the comparison at one point.
type CheckPoint struct {
	At                string       `json:"at"`   // random or model
	Cost              float64      `json:"cost"` // J by the graph
	ProgramCost       float64      `json:"program_cost"`
	GraphVsProgram    float64      `json:"graph_vs_program"`
	GraphVsDifference float64      `json:"graph_vs_difference"`
	Differences       int          `json:"differences"` // parameters compared with differences
	Worst             Disagreement `json:"worst"`
}

// mostDifferences bounds the parameters whose differences are taken, four costs each; which ones is chosen by the seed.
const mostDifferences = 1000

// CheckGradient shows on the rows of a source that the graph, the program compiled from it and central differences of the cost agree:
// at a point drawn from the seed, and at the model if there is one. The columns are standardised inside, as in training.
func CheckGradient(ctx context.Context, source Source, c CheckConfig) (*GradientCheck, error) {
	if err := c.Config.Check(); err != nil {
		return nil, err
	}
	if c.Mine != "" {
		if err := exercise.Check(c.Mine); err != nil {
			return nil, &mineError{err}
		}
	}
	k, err := newCheck(ctx, source, c)
	if err != nil {
		return nil, err
	}
	r := &GradientCheck{Rows: len(k.rows), Parameters: len(k.names), Seed: c.Solver.Seed, OK: true}
	if r.Seed == 0 {
		r.Seed = 1
	}
	random := rand.New(rand.NewPCG(r.Seed, 0x636865636b)) // "check"
	theta, err := k.random(ctx, random)
	if err != nil {
		return nil, err
	}
	points := []struct {
		at    string
		theta []float64
	}{{"random", theta}}
	if c.Model != nil {
		points = append(points, struct {
			at    string
			theta []float64
		}{"model", k.modelPoint()})
	}
	worst := -1.0
	for _, at := range points {
		p, err := k.compare(ctx, at.at, at.theta, random)
		if err != nil {
			return nil, err
		}
		r.Points = append(r.Points, *p)
		r.GraphVsProgram = larger(r.GraphVsProgram, p.GraphVsProgram)
		r.GraphVsDifference = larger(r.GraphVsDifference, p.GraphVsDifference)
		if s := p.Worst.share(); !(s <= worst) {
			worst, r.Worst = s, p.Worst
		}
		r.OK = r.OK && p.GraphVsProgram <= ProgramTolerance && p.GraphVsDifference <= DifferenceTolerance &&
			math.Abs(p.Cost-p.ProgramCost) <= ProgramTolerance*math.Abs(p.Cost)
	}
	if c.Mine != "" {
		marks, err := k.exercise(theta, c.Mine, r.Seed)
		if err != nil {
			return nil, err
		}
		r.Mine, r.FirstWrong, r.Examples, r.Updates, r.OK = marks.Mine, &marks.FirstWrong, marks.Points, marks.Updates, r.OK && marks.OK
	}
	return r, nil
}

// share is the error in units of its tolerance.
func (d Disagreement) share() float64 {
	if d.Way == "program" {
		return d.Error / ProgramTolerance
	}
	return d.Error / DifferenceTolerance
}

// larger is the maximum in which NaN wins.
func larger(a, b float64) float64 {
	if b > a || b != b {
		return b
	}
	return a
}

// check is the cost on some rows, as the graph and as the program see it.
type check struct {
	model     *Model
	table     *dataset.Table
	equations string
	l2        bool
	rows      []int
	size      size
	names     []string // of the parameters, as they stand in θ
	cost      *cost
	objective *engine.Objective
	matrix    *encode.Design
	lambda    []float64
	m         float64
	layers    []parameter // of equations that declare some: what θ then is

	rowDerivative [][]float64 // of every row's part of the mean at the point, by parameter
	rounding      float64     // of the last difference, as far as it may count: a unit that has died moves J by less

	of       map[string][]float64 // leaves of the graph but the parameters; x in the model's coordinates
	J        *graph.Node          // simplified, as it trains
	gradient []*graph.Node        // of J simplified: w, b
	each     []*graph.Node        // the same of one row's part of the mean
	loss     [2]*graph.Node       // one row's part of the mean: as written, simplified
	penalty  *graph.Node          // J without the mean; nil: there is none

	// Where all that the loss knows of w is dot(w, x), and there is much of it, differences move that number instead.
	dots   []float64      // dot(w, x) at the point
	lossOf [2]*graph.Node // the losses as functions of the input linearPart; nil: not so
}

// linearPart is the leaf that stands for dot(w, x).
const linearPart = "dot_w_x"

// manyProducts is the number of products from which on dot(w, x) is not computed again for every difference.
const manyProducts = 1 << 27

func newCheck(ctx context.Context, source Source, c CheckConfig) (*check, error) {
	config := c.Config
	limit := c.Rows
	if limit == 0 {
		limit = 1000
	}
	k := &check{model: c.Model}
	var t *dataset.Table
	var e *encode.Encoding
	var label []int32
	var classes *encode.Classes
	var s, o []float64
	if m := c.Model; m != nil {
		config.Equations, config.Penalty, config.Scale = m.Equations(), m.file.Training.Penalty, m.file.Training.Scale
		config.defaults()
		var err error
		if t, err = m.tableOf(ctx, source, m.tableOptions(config.Format, config.NoHeader)); err != nil {
			return nil, err
		}
		if t.Rows == 0 {
			return nil, t.At(-1, nil, "no data rows to check on")
		}
		target, err := targetColumn(t, m.file.Target)
		if err != nil {
			return nil, err
		}
		if label, err = m.labels(t, target); err != nil {
			return nil, err
		}
		e, classes = m.scorer.encoding, &m.file.Classes
		if o, err = encode.Numbers(t, e.Offset, "offset"); err != nil {
			return nil, err
		}
		if s, err = encode.Numbers(t, e.Weight, "weight"); err != nil {
			return nil, err
		}
		tr, err := m.reader.NewTableReader(t)
		if err != nil {
			return nil, err
		}
		for row := range t.Rows {
			if m.file.Training.Missing != string(encode.MissingDrop) || !tr.Missing(row) {
				k.rows = append(k.rows, row)
			}
		}
	} else {
		config.defaults()
		f := &fit{config: config, result: &Result{}}
		if err := f.read(ctx, source); err != nil {
			return nil, err
		}
		l, err := encode.Learn(f.table, f.target.Name, nil, f.config.Encoding)
		if err != nil {
			return nil, err
		}
		t, e, label, classes, s, o, k.rows = f.table, l.Encoding, f.label, f.classes, l.Weights, l.Offsets, l.Rows
	}
	k.rows, k.table = spread(k.rows, limit), t
	k.size = size{inputs: len(e.Terms), sets: classes.Sets(), offset: o != nil}
	n, K := k.size.inputs, k.size.sets
	if config.Equations == "" && config.Hidden > 0 {
		config.Equations = k.size.hidden(config.Hidden)
	}
	count, err := k.size.countParameters(config.Equations)
	if err != nil {
		return nil, fmt.Errorf("equations: %w", err)
	}
	if int64(len(k.rows))*int64(count) > 1<<26 {
		return nil, fmt.Errorf("%d rows of %d parameters are more than the interpreter can hold; check fewer --rows", len(k.rows), count)
	}
	pick := func(v []float64) []float64 {
		out := make([]float64, len(k.rows))
		for i, row := range k.rows {
			out[i] = v[row]
		}
		return out
	}
	k.of = map[string][]float64{"y": make([]float64, len(k.rows)*K)}
	var inputs []encode.Input
	for class := range K {
		in := encode.Input{Name: fmt.Sprintf("y[%d]", class), Values: make([]float64, len(k.rows))}
		truth := int32(class)
		if K == 1 {
			in.Name, truth = "y", 1
		}
		for i, row := range k.rows {
			if label[row] == truth {
				in.Values[i] = 1
			}
			k.of["y"][i*K+class] = in.Values[i]
		}
		inputs = append(inputs, in)
	}
	k.m = float64(len(k.rows))
	if s != nil {
		k.of["s"] = pick(s)
		inputs = append(inputs, encode.Input{Name: "s", Values: k.of["s"]})
		if k.m = sum(k.of["s"]); k.m == 0 {
			return nil, t.At(-1, nil, "the %d rows looked at have no weight; check more --rows", len(k.rows))
		}
	}
	if o != nil {
		k.of["o"] = pick(o)
		inputs = append(inputs, encode.Input{Name: "o", Values: k.of["o"]})
		if K > 1 {
			k.of["r"] = takesOffset(K, classes.Reference)
		}
	}
	standard := !config.layered() || config.Scale != ScaleNone
	if k.matrix, err = e.Design(t, k.rows, nil, standard, inputs...); err != nil {
		return nil, err
	}
	if k.of["x"], err = k.stored(t, e); err != nil {
		return nil, err
	}
	if err := k.build(&config); err != nil {
		return nil, err
	}
	if k.layers != nil {
		k.nameLayers()
		return k, nil
	}
	k.names = make([]string, K*(n+1))
	for class := range K {
		of := ""
		if K > 1 {
			of = " of " + classes.Levels[class]
		}
		for j, term := range e.Terms {
			k.names[class*n+j] = term.Name + of
		}
		k.names[K*n+class] = interceptName + of
	}
	return k, nil
}

// spread keeps at most limit of the rows, evenly over the file.
func spread(rows []int, limit int) []int {
	if len(rows) <= limit {
		return rows
	}
	out := make([]int, limit)
	for i := range out {
		out[i] = rows[i*len(rows)/limit]
	}
	return out
}

func sum(v []float64) float64 {
	var s float64
	for _, x := range v {
		s += x
	}
	return s
}

// stored are the inputs as the model sees them, (x - center)·scale, row by row: what the engine never builds.
func (k *check) stored(t *dataset.Table, e *encode.Encoding) ([]float64, error) {
	tr, err := e.NewReader().NewTableReader(t)
	if err != nil {
		return nil, err
	}
	cells := make([]encode.Cell, len(e.Columns))
	out := make([]float64, 0, len(k.rows)*k.size.inputs)
	for _, row := range k.rows {
		if err := tr.Row(row, cells); err != nil {
			return nil, err
		}
		for j, v := range termValues(e, cells) {
			if k.matrix.Center != nil {
				v = float64((v - k.matrix.Center[j]) * k.matrix.Scale[j])
			}
			out = append(out, v)
		}
	}
	return out, nil
}

// build makes the cost, its program and its derivatives.
func (k *check) build(config *Config) error {
	equations := config.Equations
	if equations == "" {
		equations = k.size.equations()
	}
	weighted, penalised := k.of["s"] != nil, config.Penalty.L2 > 0 && k.size.inputs > 0 // the L1 term has no derivative to check
	k.equations, k.l2 = equations, penalised
	var err error
	if k.cost, err = newCost(equations, k.size, weighted, Penalty{L2: config.Penalty.L2}); err != nil {
		return fmt.Errorf("equations: %w", err)
	}
	if err := k.sayL1(config); err != nil {
		return err
	}
	g := k.cost.graph
	if config.hooks.rules != nil {
		g.Rules = config.hooks.rules(g.Rules)
	}
	n := k.size.inputs
	k.lambda = make([]float64, k.size.sets*n)
	values := engine.Values{M: k.m, Of: map[string][]float64{}}
	if penalised {
		for j := range k.lambda {
			k.lambda[j] = config.Penalty.L2
			if config.Scale == ScaleNone && k.matrix.Scale != nil {
				k.lambda[j] *= k.matrix.Scale[j%n] * k.matrix.Scale[j%n]
			}
		}
		k.of["lambda"], k.of["m"] = k.lambda, []float64{k.m}
		values.Of["lambda"], values.Of["m"] = k.lambda, []float64{k.m}
	}
	if k.cost.uses("r") {
		values.Of["r"] = k.of["r"]
	}
	names := k.size.parameters()
	if k.layers = k.cost.parameters; k.layers != nil {
		names = k.prepareLayers(config.Penalty.L2, values)
	}
	leaves := make([]*graph.Node, len(names))
	for i, name := range names {
		if !k.cost.uses(name) {
			return fmt.Errorf("equations: the loss does not depend on %s", name)
		}
		leaves[i], _ = g.Lookup(name)
	}
	e, err := engine.New(k.matrix.Memory, engine.Options{Threads: config.Solver.Threads, NoFused: config.hooks.noFused})
	if err != nil {
		return err
	}
	if k.objective, err = engine.NewObjective(e, g, k.cost.root, names, values, engine.ObjectiveOptions{}); err != nil {
		return fmt.Errorf("equations: %w", err)
	}
	// The interpreter's way: simplify, differentiate, simplify, as the engine does, but nothing lowered or compiled.
	root, _ := g.Lookup(k.cost.root)
	loss, _ := g.Lookup(k.cost.loss)
	if weighted {
		weight, _ := g.Lookup("s")
		if loss, err = g.Apply("mul", weight, loss); err != nil {
			return err
		}
	}
	simple, _, err := g.Simplify(root, loss)
	if err != nil {
		return err
	}
	k.J, k.loss = simple[0], [2]*graph.Node{loss, simple[1]}
	if k.gradient, err = k.derivatives(k.J, leaves); err != nil {
		return err
	}
	if k.each, err = k.derivatives(k.loss[1], leaves); err != nil {
		return err
	}
	if weights := float64(k.size.sets) * float64(n); n > 0 && k.layers == nil && weights*weights*4*float64(len(k.rows)) > manyProducts {
		if err := k.linear(leaves[0]); err != nil {
			return err
		}
	}
	if !penalised {
		return nil
	}
	mean, err := g.Apply("mean", loss)
	if err != nil {
		return err
	}
	zero, err := g.Leaf(graph.Leaf{Kind: graph.Input, Name: "mean_of_loss"})
	if err != nil {
		return err
	}
	k.of["mean_of_loss"] = []float64{0}
	k.penalty = g.Replace(root, map[*graph.Node]*graph.Node{mean: zero})
	if k.penalty == root {
		return fmt.Errorf("equations: the cost is not a mean and a penalty")
	}
	return nil
}

// linear puts a leaf in the place of dot(w, x), if that is all that the loss knows of w (or W).
func (k *check) linear(w *graph.Node) error {
	g := k.cost.graph
	x, ok := g.Lookup("x")
	if !ok {
		return nil
	}
	dot, err := g.Apply("dot", w, x)
	if err != nil {
		return err
	}
	leaf, err := g.Leaf(graph.Leaf{Kind: graph.Input, Name: linearPart, Shape: dot.Shape})
	if err != nil {
		return err
	}
	var of [2]*graph.Node
	for i, loss := range k.loss {
		of[i] = g.Replace(loss, map[*graph.Node]*graph.Node{dot: leaf})
		if slices.Contains(graph.Below(of[i]), w) {
			return nil
		}
	}
	k.lossOf = of
	return nil
}

func (k *check) derivatives(root *graph.Node, leaves []*graph.Node) ([]*graph.Node, error) {
	raw, err := k.cost.graph.Gradient(root, leaves...)
	if err != nil {
		return nil, err
	}
	out, _, err := k.cost.graph.Simplify(raw...)
	return out, err
}

// eval runs the interpreter at θ = (w, b), or (W, b).
func (k *check) eval(theta []float64, roots ...*graph.Node) ([][]float64, error) {
	if k.layers != nil {
		for _, p := range k.layers {
			k.of[p.name] = theta[p.begin:p.end()]
		}
	} else {
		names, at := k.size.parameters(), k.size.sets*k.size.inputs
		k.of[names[0]] = theta[:at]
		k.of["b"] = theta[at:]
	}
	return graph.Eval(graph.Values{Rows: len(k.rows), M: k.m, Of: k.of}, roots...)
}

// random draws a point at which the linear part of no row is beyond ±8, so that the loss as written is still exact.
func (k *check) random(ctx context.Context, r *rand.Rand) ([]float64, error) {
	if k.layers != nil {
		return k.randomLayers(r)
	}
	n, K := k.size.inputs, k.size.sets
	theta := make([]float64, K*(n+1))
	for j := range theta {
		theta[j] = r.NormFloat64()
	}
	for class := range K {
		set := append(slices.Clone(theta[class*n:(class+1)*n]), theta[K*n+class])
		z, err := k.objective.Engine().Linear(ctx, set)
		if err != nil {
			return nil, err
		}
		const most = 8
		size := norm(z, nil) / math.Sqrt(float64(len(z)))
		size = max(size, largest(z)/most)
		if size > 1 {
			for j := range n {
				theta[class*n+j] /= size
			}
			theta[K*n+class] /= size
		}
	}
	return theta, nil
}

// modelPoint is the model in the coordinates of the design.
func (k *check) modelPoint() []float64 {
	f := &k.model.file
	if k.layers != nil {
		return slices.Clone(k.model.layers.theta)
	}
	n, K := k.size.inputs, k.size.sets
	theta := make([]float64, K*(n+1))
	for class, b := range f.Intercepts {
		for j, t := range f.Terms {
			w, center, scale := t.Weights[class], 0.0, 1.0
			if k.matrix.Center != nil {
				center, scale = k.matrix.Center[j], k.matrix.Scale[j]
			}
			theta[class*n+j] = w / scale
			b += w * center
		}
		theta[K*n+class] = b
	}
	return theta
}

// compare looks at one point.
func (k *check) compare(ctx context.Context, at string, theta []float64, r *rand.Rand) (*CheckPoint, error) {
	p := &CheckPoint{At: at}
	program := make([]float64, len(theta))
	var err error
	if p.ProgramCost, err = k.objective.CostGradient(ctx, theta, program); err != nil {
		return nil, err
	}
	out, err := k.eval(theta, append([]*graph.Node{k.J}, k.gradient...)...)
	if err != nil {
		return nil, err
	}
	p.Cost = out[0][0]
	byGraph := k.gather(out[1:])
	if out, err = k.eval(theta, k.each...); err != nil {
		return nil, err
	}
	k.rowDerivative = out
	size := k.sizes(theta, out)
	for j := range byGraph {
		p.add("program", k.names[j], byGraph[j], program[j], size[j])
	}
	which := make([]int, len(byGraph))
	for j := range which {
		which[j] = j
	}
	if len(which) > mostDifferences {
		r.Shuffle(len(which), func(i, j int) { which[i], which[j] = which[j], which[i] })
		which = which[:mostDifferences]
		slices.Sort(which)
	}
	p.Differences = len(which)
	if k.lossOf[0] != nil {
		x, _ := k.cost.graph.Lookup("x")
		w, _ := k.cost.graph.Lookup(k.size.parameters()[0])
		dot, err := k.cost.graph.Apply("dot", w, x)
		if err != nil {
			return nil, err
		}
		if out, err = k.eval(theta, dot); err != nil {
			return nil, err
		}
		k.dots = out[0]
	}
	for _, j := range which {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d, err := k.difference(theta, j, at == "random")
		if err != nil {
			return nil, err
		}
		p.add("difference", k.names[j], byGraph[j], d, size[j]+k.rounding/DifferenceTolerance)
	}
	for _, v := range []float64{p.Cost, p.ProgramCost, p.GraphVsProgram, p.GraphVsDifference, p.Worst.Graph, p.Worst.Other} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("at the %s point the cost or a derivative is not finite (parameter %s: %v by the graph, %v by the %s)",
				at, p.Worst.Parameter, p.Worst.Graph, p.Worst.Other, p.Worst.Way)
		}
	}
	return p, nil
}

func (p *CheckPoint) add(way, parameter string, byGraph, other, size float64) {
	d := Disagreement{Parameter: parameter, Graph: byGraph, Other: other, Way: way}
	if d.Error = math.Abs(byGraph - other); d.Error != 0 {
		d.Error /= size
	}
	if way == "program" {
		p.GraphVsProgram = larger(p.GraphVsProgram, d.Error)
	} else {
		p.GraphVsDifference = larger(p.GraphVsDifference, d.Error)
	}
	if p.Worst.Parameter == "" || !(d.share() <= p.Worst.share()) {
		p.Worst = d
	}
}

// gather puts values by parameter into one vector.
func (k *check) gather(by [][]float64) []float64 { return slices.Concat(by...) }

// sizes are (1/m)Σ|what row i adds to derivative j| + λ/m|w_j|.
func (k *check) sizes(theta []float64, each [][]float64) []float64 {
	out := make([]float64, len(theta))
	add := func(v []float64, begin, width int) {
		perRow := len(v) == width*len(k.rows)
		for i := range k.rows {
			for j := range width {
				x := v[j%len(v)]
				if perRow {
					x = v[i*width+j]
				}
				out[begin+j] += math.Abs(x) / k.m
			}
		}
	}
	if k.layers != nil {
		for i, p := range k.layers {
			add(each[i], p.begin, p.shape.Size())
		}
		for j, l := range k.lambda {
			out[j] += l / k.m * math.Abs(theta[j])
		}
		return out
	}
	weights := len(k.lambda)
	if weights > 0 {
		add(each[0], 0, weights)
	}
	add(each[len(each)-1], weights, k.size.sets)
	for j, l := range k.lambda {
		out[j] += l / k.m * math.Abs(theta[j])
	}
	return out
}

// difference is ∂J/∂θ_j by central differences with five points, (8(J(h)-J(-h)) - (J(2h)-J(-2h)))/12h (error h⁴/30·J⁗′, Abramowitz & Stegun
// 25.3.6). Costs are subtracted row by row before they are added up, so that rows which do not depend on θ_j add no rounding.
// written takes the loss as the equations have it, which is exact at moderate z; elsewhere the simplified one.
func (k *check) difference(theta []float64, j int, written bool) (float64, error) {
	form := 1
	if written {
		form = 0
	}
	loss := k.loss[form]
	if k.layers != nil {
		return k.differenceLayers(theta, j, loss)
	}
	n, K := k.size.inputs, k.size.sets
	weight := j < K*n
	moves := weight && k.lossOf[form] != nil
	if moves {
		loss = k.lossOf[form]
	}
	size := 1.0
	if weight {
		size = 0
		for i := range k.rows {
			size = math.Max(size, math.Abs(k.of["x"][i*n+j%n]))
		}
		if size == 0 {
			size = 1
		}
	}
	h := math.Ldexp(1, math.Ilogb(4e-3/size)) // a power of two, so that θ ± h differ by it exactly, or nearly
	rows, weights := make([]float64, len(k.rows)), []float64{8, -8, -1, 1}
	var penalty float64
	for i, step := range []float64{h, -h, 2 * h, -2 * h} {
		moved := slices.Clone(theta)
		moved[j] += step
		if moves {
			z := slices.Clone(k.dots)
			for r := range k.rows {
				z[r*K+j/n] += (moved[j] - theta[j]) * k.of["x"][r*n+j%n]
			}
			k.of[linearPart] = z
		}
		out, err := k.eval(moved, loss)
		if err != nil {
			return 0, err
		}
		for r := range rows {
			rows[r] += weights[i] * out[0][r]
		}
		if k.penalty != nil && weight {
			alone := make([]float64, len(theta)) // a sum over the weights: the others add nothing but rounding
			alone[j] = moved[j]
			if out, err = k.eval(alone, k.penalty); err != nil {
				return 0, err
			}
			penalty += weights[i] * out[0][0]
		}
	}
	return (sum(rows)/k.m + penalty) / (12 * h), nil
}
