package descent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/infer"
	"gonum.org/v1/gonum/mat"
)

// PullOptions say how the training file is read.
type PullOptions struct {
	Format   string
	NoHeader bool
	Threads  int
	Rows     int // that are listed; 0 means 10
}

// Pulls are the training rows that moved a prediction most. It is an approximation: one Newton step towards the weights of a training without the row (Pregibon 1981; Koh and
// Liang 2017), with columns' scaling and levels, class weights and penalty, and with an L1 penalty the weights that are 0, held as they are.
type Pulls struct {
	Rows    []Pull `json:"rows"` // largest first
	Trained int    `json:"trained_rows"`
	// Of more than two classes a pull is on the z of the label less that of the second most probable one.
	Against string   `json:"against,omitempty"`
	Same    *bool    `json:"same_data"` // whether the file has the fingerprint of the training; nil where the model cannot know
	Notes   []string `json:"notes"`
}

// Pull is what a training row does to z of the row explained: z as it is less z of a training without that row, all its copies if it has a weight.
// Over 0 it pulled towards the positive class (of more than two: towards the label).
type Pull struct {
	Row         int      `json:"row"` // data row, from 1
	File        string   `json:"file"`
	Line        int      `json:"line"`
	Label       string   `json:"label"`
	Probability float64  `json:"probability"` // that the model gives this row: of the positive class, of more than two of its label
	Pull        *float64 `json:"pull"`        // nil: without the row there is no optimum
	Leverage    float64  `json:"leverage"`    // of two classes s·a(1-a)·x̃ᵀH⁻¹x̃; of more the trace of its like
}

// Pulls looks for the training rows that moved the prediction of a row most. train is the file that the model was trained on. The row is as for [Model.Predict].
func (m *Model) Pulls(ctx context.Context, row any, train Source, o PullOptions) (*Pulls, error) {
	cells := make([]encode.Cell, len(m.file.Columns))
	offset, err := m.cells(row, cells)
	if err != nil {
		return nil, err
	}
	return m.pulls(ctx, cells, offset, train, o)
}

// Pulls is [Model.Pulls] of the row read last.
func (rr *RowReader) Pulls(ctx context.Context, train Source, o PullOptions) (*Pulls, error) {
	return rr.model.pulls(ctx, rr.row.cells, rr.row.Offset, train, o)
}

const (
	mostPulls     = 10
	pulledBound   = 4000    // parameters, of whose information the inverse is made
	pulledNumbers = 4 << 20 // of inputs, of more than two classes, that are looked at exactly
)

func (m *Model) pulls(ctx context.Context, cells []encode.Cell, offset float64, train Source, o PullOptions) (*Pulls, error) {
	p := &pulled{out: &Pulls{Rows: []Pull{}, Notes: []string{}}, rows: cmp.Or(o.Rows, mostPulls)}
	var err error
	if p.now, err = m.decide(cells, offset); err != nil {
		return nil, err
	}
	if p.fit, err = m.refit(ctx, train, o, p.out); err != nil {
		return nil, err
	}
	// x̃ of the row, as the terms that are left stand.
	x := make([]float64, 0, len(p.fit.kept)+1)
	all := termValues(m.scorer.encoding, cells)
	for k, j := range p.terms(m) {
		v := all[j]
		if p.fit.matrix.Center != nil {
			v = float64((v - p.fit.matrix.Center[k]) * p.fit.matrix.Scale[k])
		}
		x = append(x, v)
	}
	p.x = append(x, 1)
	if p.fit.classes.Sets() > 1 {
		err = p.several(ctx)
	} else {
		err = p.two(ctx)
	}
	return p.out, err
}

// pulled is the search for the rows that pulled most.
type pulled struct {
	*fit
	out  *Pulls
	now  Prediction
	x    []float64 // x̃ of the row explained, and 1
	rows int
}

// terms are the places, among the model's terms, of those that are left.
func (p *pulled) terms(m *Model) []int {
	var at []int
	for j := range m.file.Terms {
		if m.moves(j) {
			at = append(at, j)
		}
	}
	return at
}

// moves says whether a term's weight changes with the rows: that of an L1 penalty which is 0 in all classes stays so.
func (m *Model) moves(term int) bool {
	return m.file.Training.Penalty.L1 == 0 || slices.ContainsFunc(m.file.Terms[term].Weights, func(w float64) bool { return w != 0 })
}

// refit is the training of the model at its end, over the rows of a file: with its encoding, weights and cost.
func (m *Model) refit(ctx context.Context, train Source, o PullOptions, out *Pulls) (*fit, error) {
	t := &m.file.Training
	note := func(format string, args ...any) { out.Notes = append(out.Notes, fmt.Sprintf(format, args...)) }
	switch {
	case m.layers != nil:
		return nil, errors.New("training rows that pulled: with a hidden layer the end of a training depends on its start, and one Newton step says nothing of another training")
	case t.Firth:
		return nil, errors.New("training rows that pulled: Firth's penalty depends on all rows at once; it is not offered")
	case len(m.file.Terms) > pulledBound:
		return nil, fmt.Errorf("training rows that pulled: %d terms; it is offered up to %d", len(m.file.Terms), pulledBound)
	}
	c, known, err := m.trainedWith()
	if err != nil {
		return nil, err
	}
	c.Format, c.NoHeader, c.Solver.Threads, c.Solver.Method = o.Format, o.NoHeader, o.Threads, "newton"
	c.CV, c.Run = CrossValidation{}, Run{}
	c.Penalty, c.Scale, c.Equations = t.Penalty, t.Scale, m.Equations()
	c.ClassWeight = ClassWeight{}
	if t.ClassWeights != nil {
		c.ClassWeight.Of = map[string]float64{}
		for k, level := range m.file.Classes.Levels {
			c.ClassWeight.Of[level] = t.ClassWeights[k]
		}
	}
	c.defaults()
	f := &fit{config: c, result: &Result{}, start: time.Now(), model: m}
	f.keepWithin()
	if err := f.open(ctx, train); err != nil {
		return nil, err
	}
	if c.Columns.Successes != "" {
		err = f.group(f.start)
	} else if f.target, err = targetColumn(f.table, m.file.Target); err == nil {
		f.label, err = m.labels(f.table, f.target)
		f.startFingerprint()
	}
	if err != nil {
		return nil, err
	}
	f.classes = &m.file.Classes
	if known {
		same := f.fingerprint() == t.Fingerprint
		if out.Same = &same; !same {
			note("the file is not the one that the model was trained on: its fingerprint is another. What follows is as if these rows had led to the model")
		}
	} else {
		note("the model holds no settings, so whether the file is the one that it was trained on is not known")
	}
	if v := t.Verdict; v != Converged && v != Stationary {
		note("the training ended %s: the model is not at an optimum, and the approximation is rougher", v)
	}
	if err := f.split(ctx); err != nil {
		return nil, err
	}
	learnt, err := encode.Learn(f.table, f.target.Name, f.trainRows, f.config.Encoding)
	if err != nil {
		return nil, err
	}
	f.learnt = learnt
	e, terms := m.scorer.encoding, (&pulled{}).terms(m)
	learnt.Encoding = e.Keep(terms)
	f.result.Rows, out.Trained = len(learnt.Rows), len(learnt.Rows)
	weight := make([]float64, len(f.classes.Levels))
	f.result.WeightSum = 0
	for _, row := range learnt.Rows {
		weight[f.label[row]] += weightOf(learnt.Weights, row)
		f.result.WeightSum += weightOf(learnt.Weights, row)
	}
	if err := f.reweight(weight); err != nil {
		return nil, err
	}
	f.kept = upTo(len(terms))
	if f.matrix, err = learnt.Encoding.DesignWithin(f.room, f.table, learnt.Rows, nil, m.file.Scaling.Center != nil, f.inputs()...); err != nil {
		return nil, err
	}
	if err := f.design(ctx); err != nil {
		return nil, err
	}
	if err := f.prepare(); err != nil {
		return nil, err
	}
	n, K := len(terms), f.classes.Sets()
	f.theta = make([]float64, K*(n+1))
	for k := range K {
		for i, j := range terms {
			f.theta[k*n+i] = m.file.Terms[j].Scaled[k]
		}
		f.theta[K*n+k] = m.file.Scaling.Intercepts[k]
	}
	if f.classWeight != nil {
		f.trained = slices.Clone(f.theta)
		for k := range K {
			f.trained[K*n+k] -= f.priorShift(k)
		}
	}
	return f, f.atOptimum(ctx)
}

// trainedWith is the configuration of the model's training; known is false where it is put together from what a model without settings holds.
func (m *Model) trainedWith() (c Config, known bool, err error) {
	t := &m.file.Training
	if t.Settings != nil {
		c, _, err = t.Settings.config()
		return c, true, err
	}
	c = Config{Target: m.file.Target, NA: m.file.NA}
	if m.file.DropNA {
		c.NA = []string{}
	}
	c.Encoding.Missing, c.Encoding.MaxLevels, c.Encoding.Unseen = encode.Missing(t.Missing), math.MaxInt32, encode.UnseenBaseline
	c.Columns.Weight, c.Columns.Offset, c.Solver.Seed = m.file.Weight, m.file.Offset, t.Seed
	if t.Successes != "" {
		c.Target, c.Columns.Weight, c.Columns.Successes, c.Columns.Failures = "", "", t.Successes, t.Failures
	}
	if !m.file.Sparse {
		for i := range m.file.Columns {
			col := &m.file.Columns[i]
			c.Columns.Include = append(c.Columns.Include, col.Name)
			if col.Type == encode.Numeric {
				c.Columns.Numeric = append(c.Columns.Numeric, col.Name)
			} else {
				c.Columns.Categorical = append(c.Columns.Categorical, col.Name)
			}
		}
	}
	if every, ok := strings.CutPrefix(t.Holdout, "every:"); ok {
		c.Test.Every, err = strconv.Atoi(every)
	} else if t.Holdout != "" {
		c.Test.Part, err = strconv.ParseFloat(t.Holdout, 64)
	}
	return c, false, err
}

// two is the search for two classes. With g = s·dz of a row, c its curvature, H the matrix of second derivatives of all rows' losses and the penalty, and
// h = c·x̃_iᵀH⁻¹x̃_i, the weights without row i are θ + H⁻¹x̃_i·g/(1 - h), so that z = θ·x̃ changes by x̃ᵀH⁻¹x̃_i·g/(1 - h).
func (p *pulled) two(ctx context.Context) error {
	n := len(p.kept)
	if !p.objective.Curvature() {
		return errors.New("training rows that pulled: the loss has no curvature that a Newton step could use")
	}
	H := make([]float64, (n+1)*(n+1))
	if err := p.objective.Hessian(ctx, nil, H); err != nil {
		return err
	}
	var chol mat.Cholesky
	if err := p.factor(&chol, H, n+1); err != nil {
		return err
	}
	var v mat.VecDense
	if err := ignoreCondition(chol.SolveVecTo(&v, mat.NewVecDense(n+1, p.x))); err != nil {
		return err
	}
	q, err := p.engine.Linear(ctx, v.RawVector().Data)
	if err != nil {
		return err
	}
	leverage, err := p.engine.Quads(ctx, lower(&chol))
	if err != nil {
		return err
	}
	curvature, err := p.objective.Kept(ctx, "curvature")
	if err != nil {
		return err
	}
	slope, err := p.objective.Kept(ctx, "slope")
	if err != nil {
		return err
	}
	z, err := p.objective.Kept(ctx, "head")
	if err != nil {
		return err
	}
	pull := make([]float64, len(q))
	for i := range pull {
		leverage[i] *= curvature[i]
		pull[i] = -q[i] * slope[i] / (1 - leverage[i])
	}
	for _, i := range p.largest(pull) {
		a, err := p.model.probability(z[i] + p.priorShift(0))
		if err != nil {
			return err
		}
		p.list(i, a, pull[i], leverage[i])
	}
	return nil
}

// ignoreCondition passes over gonum's warning about the condition number, with which the answer is there.
func ignoreCondition(err error) error {
	var condition mat.Condition
	if errors.As(err, &condition) {
		return nil
	}
	return err
}

// factor makes the Cholesky factor of Σ s times the matrix of second derivatives of J.
func (p *pulled) factor(chol *mat.Cholesky, H []float64, n int) error {
	for i := range H {
		H[i] *= p.result.WeightSum
	}
	if !chol.Factorize(mat.NewSymDense(n, H)) || chol.Cond() > 1/0x1p-52 {
		return fmt.Errorf("training rows that pulled: %w: at the end of a training that is not determined by its rows there is no Newton step", infer.ErrSingular)
	}
	return nil
}

// largest are the rows of the largest pulls.
func (p *pulled) largest(pull []float64) []int {
	order := upTo(len(pull))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(math.Abs(pull[b]), math.Abs(pull[a])) })
	return order[:min(p.rows, len(order))]
}

// list adds a row.
func (p *pulled) list(i int, probability, pull, leverage float64) {
	row := p.learnt.Rows[i]
	p.out.Rows = append(p.out.Rows, Pull{Row: p.table.Origin(row) + 1, File: p.table.File(row), Line: p.table.Line(row), Label: p.classes.Levels[p.label[row]],
		Probability: probability, Pull: number(pull), Leverage: leverage})
}

// several is the same for more than two classes: with X_i the inputs of row i for every class, r = s(a - y), A = s(diag(a) - a·aᵀ) and M = X_i H⁻¹ X_iᵀ, the weights without the
// row are θ + H⁻¹X_iᵀ(I - A M)⁻¹r. The rows of largest first-order effect, all where there are not too many, are looked at so.
func (p *pulled) several(ctx context.Context) error {
	n, K := len(p.kept), p.classes.Sets()
	if !p.logLoss || p.gauge == nil {
		return errors.New("training rows that pulled: of more than two classes it is offered for the log loss")
	}
	// The components that move: those of the solver, without the weights that an L1 penalty holds at 0.
	theta := p.theta
	var free []int
	for _, i := range p.gauge.free {
		if i >= K*n || p.config.Penalty.L1 == 0 || theta[i] != 0 {
			free = append(free, i)
		}
	}
	P := len(free)
	if P > pulledBound {
		return fmt.Errorf("training rows that pulled: %d weights; it is offered up to %d", P, pulledBound)
	}
	J := newGauge(p.objective, free)
	H := make([]float64, P*P)
	if err := J.Hessian(ctx, nil, H); err != nil {
		return err
	}
	var chol mat.Cholesky
	if err := p.factor(&chol, H, P); err != nil {
		return err
	}
	// The label against the second most probable one.
	label := slices.Index(p.classes.Levels, p.now.Label)
	second := -1
	for k, z := range p.now.Scores {
		if k != label && (second < 0 || z > p.now.Scores[second]) {
			second = k
		}
	}
	p.out.Against = p.classes.Levels[second]
	place := func(i int) (class, column int) { // of a component of θ
		if i < K*n {
			return i / n, i % n
		}
		return i - K*n, n
	}
	contrast := mat.NewVecDense(P, nil)
	for a, i := range free {
		switch class, column := place(i); class {
		case label:
			contrast.SetVec(a, p.x[column])
		case second:
			contrast.SetVec(a, -p.x[column])
		}
	}
	var v mat.VecDense
	if err := ignoreCondition(chol.SolveVecTo(&v, contrast)); err != nil {
		return err
	}
	sets := make([][]float64, K)
	for k := range sets {
		sets[k] = make([]float64, n+1)
	}
	for a, i := range free {
		class, column := place(i)
		sets[class][column] = v.AtVec(a)
	}
	q, err := p.engine.Linears(ctx, sets)
	if err != nil {
		return err
	}
	slope, err := p.objective.Kept(ctx, "slope")
	if err != nil {
		return err
	}
	z, err := p.objective.Kept(ctx, "head")
	if err != nil {
		return err
	}
	rows := len(p.learnt.Rows)
	pull := make([]float64, rows)
	for i := range pull {
		for k := range K {
			pull[i] -= q[k][i] * slope[i*K+k]
		}
	}
	count := max(pulledNumbers/(n+1), p.rows)
	some := upTo(rows)
	if rows > count {
		slices.SortStableFunc(some, func(a, b int) int { return cmp.Compare(math.Abs(pull[b]), math.Abs(pull[a])) })
		for _, i := range some[count:] {
			pull[i] = 0
		}
		some = some[:count]
		p.out.Notes = append(p.out.Notes, fmt.Sprintf("the leverage of the %d rows of largest first-order effect is taken in", count))
	}
	inputs, err := p.inputRows(ctx, some)
	if err != nil {
		return err
	}
	leverage, probability := make(map[int]float64, len(some)), make(map[int]float64, len(some))
	s, _ := p.matrix.Memory.Input("s")
	a, at := make([]float64, K), make([]float64, K)
	for nth, i := range some {
		x := inputs[nth*(n+1) : (nth+1)*(n+1)]
		for k := range at {
			at[k] = z[i*K+k] + p.priorShift(k)
		}
		if err := p.model.link.probabilities(at, a); err != nil {
			return err
		}
		probability[i] = a[p.label[p.learnt.Rows[i]]]
		if err := p.model.link.probabilities(z[i*K:i*K+K], a); err != nil {
			return err
		}
		// Y = H⁻¹X_iᵀ, column by column; M = X_i Y.
		X := mat.NewDense(P, K, nil)
		for b, j := range free {
			class, column := place(j)
			X.Set(b, class, x[column])
		}
		var Y, M, AM mat.Dense
		if err := ignoreCondition(chol.SolveTo(&Y, X)); err != nil {
			return err
		}
		M.Mul(X.T(), &Y)
		A, w := mat.NewDense(K, K, nil), weightOf(s, i)
		for k := range K {
			for l := range K {
				c := -a[k] * a[l]
				if k == l {
					c += a[k]
				}
				A.Set(k, l, w*c)
			}
		}
		AM.Mul(A, &M)
		trace := 0.0
		for k := range K {
			trace += AM.At(k, k)
			for l := range K {
				one := 0.0
				if k == l {
					one = 1
				}
				AM.Set(k, l, one-AM.At(k, l))
			}
		}
		var r mat.VecDense
		if err := ignoreCondition(r.SolveVec(&AM, mat.NewVecDense(K, slices.Clone(slope[i*K:i*K+K])))); err != nil {
			pull[i] = math.Inf(1) // without the row there is no optimum
			continue
		}
		leverage[i], pull[i] = trace, 0
		for k := range K {
			pull[i] -= q[k][i] * r.AtVec(k)
		}
	}
	for _, i := range p.largest(pull) {
		if _, ok := leverage[i]; ok {
			p.list(i, probability[i], pull[i], leverage[i])
		}
	}
	return nil
}

// inputRows are x̃ and 1 of some training rows, one after the other.
func (p *pulled) inputRows(ctx context.Context, rows []int) ([]float64, error) {
	m := len(p.learnt.Rows)
	r, of := make([]float64, m), make([]int32, m)
	for i := range of {
		of[i] = int32(len(rows)) // the others together
	}
	for k, i := range rows {
		r[i], of[i] = 1, int32(k)
	}
	return p.engine.Grouped(ctx, r, 1, of, len(rows)+1)
}
