package descent

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/descent-ml/descent/calibration"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/infer"
	"github.com/descent-ml/descent/internal/parallel"
	"github.com/descent-ml/descent/metric"
	"github.com/descent-ml/descent/optim"
)

// finish turns the solution into coefficients, statistics, a model and its metrics.
func (f *fit) finish(ctx context.Context) error {
	if f.cost.parameters != nil {
		return f.finishLayers(ctx)
	}
	n := len(f.kept)
	e := f.learnt.Encoding.Keep(f.kept)
	unit := f.units()
	f.settle()
	if err := f.correct(ctx); err != nil {
		return err
	}
	sets := f.classes.Sets()
	// Weights in original units, in those in which the penalty acts, and in the solver's coordinates.
	raw, scaled, moved := make([][]float64, sets), make([][]float64, sets), make([][]float64, sets)
	for k := range sets {
		moved[k] = f.set(k)
		raw[k] = unit.Weights(moved[k])
		scaled[k] = moved[k]
		if f.config.Scale == ScaleNone {
			scaled[k] = raw[k] // the penalty acts on these
		}
		for j, v := range raw[k] {
			if math.IsNaN(v) || math.IsInf(v, 0) || math.IsNaN(scaled[k][j]) || math.IsInf(scaled[k][j], 0) {
				return fmt.Errorf("the weight of %s is %v in original units: the numbers of its column are too small or too large for float64; rescale it", termName(e, j), v)
			}
		}
	}
	if sets > 1 && f.config.Penalty.on() && f.problem != nil {
		center(raw, n) // as settle did in the solver's coordinates, but for rounding
	}
	cov, err := f.statistics(ctx, unit, raw, scaled, e)
	if err != nil {
		return err
	}
	return f.build(ctx, e, raw, moved, cov)
}

// units are the inputs as the solver sees them.
func (f *fit) units() infer.Map { return infer.Map{Center: f.matrix.Center, Scale: f.matrix.Scale} }

// describe is the model file but for its weights: what it reads, and how it came about.
func (f *fit) describe(e *encode.Encoding) modelFile {
	r := f.result
	file := modelFile{
		Equations: equationLines(f.config.Equations),
		Target:    f.target.Name, Classes: *f.classes,
		Columns: e.Columns, Sparse: e.Sparse, NA: e.NA, DropNA: e.NA != nil && len(e.NA) == 0, Weight: e.Weight, Offset: e.Offset,
		Scaling:   scaling{Center: f.matrix.Center, Scale: f.matrix.Scale},
		Threshold: f.threshold(),
		Training: trainingRecord{
			Verdict: r.Verdict, Message: r.Message, Solver: r.Solver, Penalty: r.Penalty, Scale: f.config.Scale,
			Coding: string(f.config.Encoding.Coding), Missing: string(f.config.Encoding.Missing), Tol: f.config.Solver.Tol,
			Seed: r.Seed, Steps: r.Steps, Passes: r.Passes, Rows: r.Rows, WeightSum: r.WeightSum, Dropped: r.Dropped,
			Cost: number(r.Cost), Loss: number(r.Loss), Gap: r.Gap, GapNote: r.GapNote, Fingerprint: f.fingerprint(),
			Holdout: f.holdout(), Unfinished: f.config.SaveUnfinished && f.verdictError() != nil,
		},
	}
	if v := r.CV; v != nil {
		file.Training.CV = &cvRecord{v.Folds, v.Rule, number(v.Chosen.Mean), number(v.Chosen.SE)}
	}
	if c := f.recalibration; c != nil {
		file.Recalibration = &recalibrationRecord{c.Map, c.Folds, c.By, c.Rows}
	}
	file.Training.Firth = r.Firth
	file.Training.Successes, file.Training.Failures, file.Training.ClassWeights = f.config.Columns.Successes, f.config.Columns.Failures, f.classWeight
	if f.config.Inference.robust() {
		file.Training.Errors = r.Errors
	}
	if m := f.config.Run.Init; m != nil {
		file.Training.Init, _ = m.checksum() // a model that was read or trained can be written
	}
	file.Training.TimeUp, file.Training.Program, file.Training.Settings = f.timeUp, program(), ofModel(f.settings)
	if f.firstOrder() {
		file.Training.Alpha = f.config.Solver.Alpha
	}
	if r.Solver == "sgd" {
		file.Training.Batch = f.config.Solver.Batch
	}
	return file
}

// build makes the model and measures it. moved are the weights in the solver's coordinates.
func (f *fit) build(ctx context.Context, e *encode.Encoding, raw, moved [][]float64, cov []float64) (err error) {
	r, n, sets := f.result, len(f.kept), len(raw)
	file := f.describe(e)
	for j, t := range e.Terms {
		out := term{Term: t}
		for k := range sets {
			out.Weights, out.Scaled = append(out.Weights, raw[k][j]), append(out.Scaled, moved[k][j])
		}
		file.Terms = append(file.Terms, out)
	}
	for k := range sets {
		file.Intercepts = append(file.Intercepts, raw[k][n])
		file.Scaling.Intercepts = append(file.Scaling.Intercepts, moved[k][n])
	}
	if n < len(f.learnt.Encoding.Terms) {
		file.Aliased = r.Aliased
	}
	switch {
	case sets > 1:
		file.CovarianceNote = "more than two classes: an interval of one probability is not offered"
	case cov == nil:
		file.CovarianceNote = f.covarianceNote
	case n > maxCovariance:
		file.CovarianceNote = fmt.Sprintf("%d terms: a covariance is kept up to %d", n, maxCovariance)
	default:
		for i := range n + 1 {
			file.Covariance = append(file.Covariance, cov[i*(n+1):i*(n+1)+i+1])
		}
	}
	if f.model, err = newModel(file); err != nil {
		return err
	}
	if f.model.link.assumed {
		if err := f.note("the equations define no a; the probability is %s", f.model.link.standard()); err != nil {
			return err
		}
	}
	return f.complete(ctx)
}

// complete gives the model what it says of itself: test vectors, and its measures.
func (f *fit) complete(ctx context.Context) (err error) {
	r := f.result
	f.model.unfinished = f.verdictError()
	if f.model.file.Tests, err = f.model.testVectors(); err != nil {
		return err
	}
	if err := f.measure(context.WithoutCancel(ctx)); err != nil { // what an interrupt left is measured, too
		return err
	}
	f.model.file.Metrics = metrics{Train: r.Train, Test: points(r.Test)}
	r.Model = f.model
	return nil
}

// set is (w, b) of one set of weights, in the solver's coordinates. It is new.
func (f *fit) set(k int) []float64 {
	return infer.Equations{Count: f.classes.Sets(), Weights: len(f.kept)}.Equation(f.theta, k)
}

// referenced says whether the reference class has weights 0. Of a loss that is not known to depend on differences of z alone it need not.
func (f *fit) referenced() bool {
	return f.classes.Sets() > 1 && !f.config.Penalty.on() && f.problem != nil
}

// settle chooses among the weights of more than two classes that predict the same: without a penalty the reference class has 0, with one the
// biases have mean 0.
func (f *fit) settle() {
	if f.classes.Sets() == 1 || f.problem == nil { // of another loss it is not known
		return
	}
	if f.config.Penalty.on() {
		f.balance()
	}
	f.choose()
}

// choose moves all biases by one number, and without a penalty the sets of all classes by one.
func (f *fit) choose() {
	n, K := len(f.kept), f.classes.Sets()
	bias := f.theta[K*n:]
	if f.config.Penalty.on() {
		mean := mean(bias)
		for k := range bias {
			bias[k] -= mean
		}
		return
	}
	ref := f.set(f.classes.Reference)
	for k := range K {
		for j := range n {
			f.theta[k*n+j] -= ref[j]
		}
		bias[k] -= ref[n]
	}
}

// center takes the mean off component j of all sets.
func center(sets [][]float64, j int) {
	v := make([]float64, len(sets))
	for k := range sets {
		v[k] = sets[k][j]
	}
	mean := mean(v)
	for k := range sets {
		sets[k][j] -= mean
	}
}

func mean(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// maxCovariance is the number of terms up to which a model keeps its covariance: 500 terms are 125,000 numbers, about 3 MB of text.
const maxCovariance = 500

func termName(e *encode.Encoding, j int) string {
	if j == len(e.Terms) {
		return interceptName
	}
	return e.Terms[j].Name
}

// interceptName is what the table of coefficients calls b.
const interceptName = "(intercept)"

func (f *fit) holdout() string {
	switch t := f.config.Test; {
	case t.Every > 0:
		return fmt.Sprintf("every:%d", t.Every)
	case t.Part > 0:
		return fmt.Sprint(t.Part)
	}
	return ""
}

// statistics fills the table of coefficients and what the likelihood says. It returns the covariance of what the solver moved, in its
// coordinates, or nil where it is not valid; the result then says why.
func (f *fit) statistics(ctx context.Context, unit infer.Map, raw, scaled [][]float64, e *encode.Encoding) ([]float64, error) {
	r := f.result
	n, K := len(e.Terms), len(raw)
	moved := n + 1
	if f.gauge != nil {
		moved = len(f.gauge.free)
	}
	// What moved are whole sets of weights, where there is a covariance: all but the reference class's.
	equations, listed := infer.Equations{Count: moved / (n + 1), Weights: n}, 0
	setting := infer.Setting{
		OtherLoss:    !f.logLoss,
		Penalised:    f.config.Penalty.on(),
		Separated:    r.Verdict == Separated || r.Verdict == Undecided,
		Unfinished:   r.Verdict != Converged && r.Verdict != Stationary,
		Undetermined: len(r.Aliased) > 0 && n == len(f.learnt.Encoding.Terms),
		Reweighted:   f.classWeight != nil && !f.config.Inference.robust(),
		Columns:      n,
	}
	var cov, plain []float64
	if why := infer.Why(setting); why != "" {
		r.StatisticsNote = why
	} else if H := f.curvature(); H == nil {
		setting.TooManyColumns = true
		r.StatisticsNote = infer.Why(setting)
	} else {
		var err error
		if plain, err = infer.Covariance(H, r.WeightSum, moved); err != nil {
			r.StatisticsNote = "no standard errors, tests and intervals: columns determine each other to within rounding, so that errors have no bound (" + err.Error() + ")"
			plain = nil
		} else if cov, err = f.errors(ctx, plain, equations); err != nil {
			return nil, err
		}
	}
	if f.covarianceNote = r.StatisticsNote; r.StatisticsNote != "" && !setting.Separated && !setting.Unfinished {
		f.covarianceNote += "; --bootstrap 1000 gives intervals by resampling"
		if f.config.Inference.Bootstrap == 0 {
			r.StatisticsNote = f.covarianceNote
		}
	}
	if K > 1 {
		r.Classes = f.classes.Levels
		if f.referenced() {
			r.ReferenceClass = &f.classes.Levels[f.classes.Reference]
		}
	}
	for k := range K {
		class := ""
		if K > 1 {
			class = f.classes.Levels[k]
			if f.referenced() && k == f.classes.Reference {
				continue
			}
		}
		var wald []infer.Coefficient
		if cov != nil {
			var err error
			if wald, err = infer.Coefficients(raw[k], unit.Covariance(equations.Block(cov, listed, listed), n), r.Confidence); err != nil {
				return nil, err
			}
		}
		for _, j := range append([]int{n}, upTo(n)...) { // the intercept first
			c := Coefficient{Name: termName(e, j), Class: class, Estimate: raw[k][j], Scaled: scaled[k][j]}
			if wald != nil {
				w := &wald[j]
				c.StdError, c.Z, c.P = number(w.StdError), number(w.Z), number(w.P)
				c.Low, c.High = number(w.Low), number(w.High)
			}
			if f.logLoss {
				c.OddsRatio = number(math.Exp(raw[k][j]))
			}
			r.Coefficients = append(r.Coefficients, c)
		}
		listed++
	}
	if !f.logLoss || f.classWeight != nil {
		return cov, f.further(ctx, &study{e, unit, equations, raw[0], cov, plain})
	}
	null, err := f.nullLogLikelihood(ctx)
	if err != nil {
		return nil, err
	}
	l := infer.SummarizeClasses(-r.Loss*r.WeightSum, null, r.WeightSum, r.Parameters, len(f.classes.Levels))
	r.LogLikelihood, r.Deviance, r.NullDeviance = number(l.LogLikelihood), number(l.Deviance), number(l.NullDeviance)
	// A penalised fit has fewer degrees of freedom than parameters, and the criteria are about the maximum of the likelihood.
	if !setting.Penalised && !setting.Unfinished && !r.Firth {
		r.DFResidual, r.AIC, r.BIC = number(l.DFResidual), number(l.AIC), number(l.BIC)
		r.NullTest, r.McFadden = &LRTest{DF: l.LikelihoodRatioDF, Chisq: number(l.LikelihoodRatio), P: number(l.LikelihoodRatioP)}, number(l.McFadden)
	}
	return cov, f.further(ctx, &study{e, unit, equations, raw[0], cov, plain})
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// nullLogLikelihood is that of the intercepts alone.
func (f *fit) nullLogLikelihood(ctx context.Context) (float64, error) {
	in := f.matrix.Memory
	s, _ := in.Input("s")
	o, _ := in.Input("o")
	if K := f.classes.Sets(); K > 1 {
		if o != nil {
			return f.nullOfClasses(ctx)
		}
		label := make([]int32, len(f.learnt.Rows))
		for i, row := range f.learnt.Rows {
			label[i] = f.label[row]
		}
		return infer.NullClasses(label, K, s)
	}
	y, _ := in.Input("y")
	_, null, err := infer.Null(y, s, o)
	return null, err
}

// nullOfClasses is the same for more than two classes and an offset, which the reference class does not take: the default equations without x.
func (f *fit) nullOfClasses(ctx context.Context) (float64, error) {
	d := size{sets: f.classes.Sets(), offset: true}
	c, err := newCost(d.equations(), d, f.learnt.Weights != nil, Penalty{})
	if err != nil {
		return 0, err
	}
	m, err := f.learnt.Encoding.Design(f.table, f.learnt.Rows, []int{}, false, f.inputs()...)
	if err != nil {
		return 0, err
	}
	e, err := engine.New(m.Memory, engine.Options{Threads: f.config.Solver.Threads})
	if err != nil {
		return 0, err
	}
	reference, total := f.classes.Reference, f.result.WeightSum
	values := engine.Values{M: total, Of: map[string][]float64{"r": takesOffset(d.sets, reference)}}
	J, err := engine.NewObjective(e, c.graph, c.root, d.parameters(), values, engine.ObjectiveOptions{})
	if err != nil {
		return 0, err
	}
	method, err := optim.NewNewton(make([]float64, d.sets-1), optim.Options{Weight: total, Tolerance: standardErrors})
	if err != nil {
		return 0, err
	}
	free := slices.DeleteFunc(upTo(d.sets), func(k int) bool { return k == reference })
	out, err := optim.Minimize(context.WithoutCancel(ctx), method, newGauge(J, free), nil)
	return -out.F * total, err
}

// number is nil for what JSON cannot hold.
func number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// value is NaN for what JSON could not hold.
func value(p *float64) float64 {
	if p == nil {
		return math.NaN()
	}
	return *p
}

// points are measures without their intervals and comparisons, which a model file does not hold.
func points(m *metric.Metrics) *metric.Metrics {
	if m == nil {
		return nil
	}
	bare := *m
	bare.Intervals, bare.Constant = nil, nil
	return &bare
}

// measure scores the model on the training rows, which it was chosen to fit (so there are no intervals), and, where there are any, on the test rows.
func (f *fit) measure(ctx context.Context) error {
	threads := f.config.Solver.Threads
	var known *scores
	if !f.config.Solver.Stream { // else they are gone
		var err error
		if known, err = f.trainScores(ctx); err != nil {
			return err
		}
	}
	rows, label, err := f.testing(ctx)
	if err != nil {
		return err
	}
	var scored *scores
	if f.test != nil {
		if scored, err = f.model.scores(f.test, rows, label, threads); err != nil {
			return err
		}
	}
	if err := f.decide(known, scored); err != nil {
		return err
	}
	j := judge{threshold: f.model.file.Threshold, threads: threads}
	if known != nil {
		train, err := f.model.evaluate(known, f.table.Name, j)
		if err != nil {
			return err
		}
		f.result.Train = train.Metrics
	}
	if scored == nil {
		return f.measureRecalibration(nil, nil)
	}
	j.confidence = f.config.Confidence
	j.compareWith(f.result.Train)
	test, err := f.model.evaluate(scored, f.test.Name, j)
	if err != nil {
		return err
	}
	f.result.Test = test.Metrics
	if err := f.measureRecalibration(test.Metrics, func(m *Model) (*metric.Metrics, error) {
		e, err := m.measure(f.test, rows, label, j)
		if err != nil {
			return nil, err
		}
		return e.Metrics, nil
	}); err != nil {
		return err
	}
	if c := f.recalibration; c != nil && c.Test.After.LogLoss > c.Test.Before.LogLoss {
		hint := ""
		if c.Method == calibration.Isotonic {
			hint = " (isotonic wants a thousand rows or more)"
		}
		if err := f.note("recalibration raises the log loss of the test rows, from %.4g to %.4g: it gains nothing there%s", c.Test.Before.LogLoss, c.Test.After.LogLoss, hint); err != nil {
			return err
		}
	}
	if f.config.Test.Source != nil {
		f.model.file.Training.Test = fmt.Sprintf("sha256:%x", f.test.Fingerprint())
	}
	var said []string
	if test.Unseen > 0 {
		said = append(said, fmt.Sprintf("%d with a level that did not occur in training", test.Unseen))
	}
	if test.Dropped > 0 {
		said = append(said, fmt.Sprintf("%d left out for a missing value", test.Dropped))
	}
	if said != nil {
		return f.note("test rows: %s", strings.Join(said, ", "))
	}
	return nil
}

// testing are the test rows of f.test (nil: all), which is nil if there are none, and their labels.
func (f *fit) testing(ctx context.Context) (rows []int, label []int32, err error) {
	s := f.config.Test.Source
	if s == nil {
		return f.testRows, f.label, nil
	}
	o := f.model.tableOptions(f.config.Format, f.config.NoHeader)
	o.Memory, o.Entries = f.tableMemory()/testShare, f.config.Run.Memory/entryBytes
	if f.test, err = f.model.tableOf(ctx, s, o); err != nil {
		return nil, nil, err
	}
	if f.test.Rows == 0 {
		return nil, nil, f.test.At(-1, nil, "no data rows to test on")
	}
	target, err := targetColumn(f.test, f.target.Name)
	if err != nil {
		return nil, nil, err
	}
	if label, err = f.model.labels(f.test, target); err != nil {
		return nil, nil, err
	}
	return nil, label, f.twins(ctx, f.test, upTo(f.test.Rows), label)
}

// trainScores are the scores of the training rows, by a pass of the engine over the rows as they are stored. They equal those of Predict, which adds up
// column by column, but for rounding. A hidden layer has no such pass.
func (f *fit) trainScores(ctx context.Context) (*scores, error) {
	l := f.learnt
	if f.model.layers != nil {
		return f.model.scores(f.table, l.Rows, f.label, f.config.Solver.Threads)
	}
	K, m := f.classes.Sets(), len(l.Rows)
	theta := make([][]float64, K)
	for k := range theta {
		theta[k] = f.set(k)
	}
	linear, err := f.engine.Linears(ctx, theta)
	if err != nil {
		return nil, err
	}
	s, weights := &scores{truth: make([]int32, m)}, l.Weights
	if f.classWeight != nil {
		weights = f.frequency
	}
	if weights != nil {
		s.weights = make([]float64, m)
	}
	if s.z = linear[0]; K > 1 {
		s.z = make([]float64, m*K)
	}
	recalibration := f.model.file.Recalibration
	custom := f.model.link.a != nil && recalibration == nil
	if custom || recalibration != nil && recalibration.Method == calibration.Isotonic {
		s.a = make([]float64, m*K)
	}
	takes := make([]float64, K) // 1 where a set takes the offset
	for k := range takes {
		takes[k] = 1
	}
	if K > 1 && l.Offsets != nil {
		takes = takesOffset(K, f.classes.Reference)
	}
	errs := make([]error, parallel.Count(m, scoreRows))
	parallel.Pieces(f.config.Solver.Threads, m, scoreRows, func(piece, from, to int) {
		for i := from; i < to; i++ {
			row := l.Rows[i]
			s.truth[i] = f.label[row]
			if weights != nil {
				s.weights[i] = weights[row]
			}
			z := s.z[i*K : (i+1)*K]
			for k := range z {
				z[k] = linear[k][i]
				if l.Offsets != nil {
					z[k] += takes[k] * l.Offsets[row]
				}
				if z[k]-z[k] != 0 {
					errs[piece] = f.table.At(row, nil, "%v", tooLarge(z[k]))
					return
				}
			}
			if recalibration != nil {
				recalibration.set(s, i)
			}
			if custom {
				if err := f.model.link.eval(z, s.a[i*K:(i+1)*K]); err != nil {
					errs[piece] = f.table.At(row, nil, "%v", err)
					return
				}
			}
		}
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// norm is √(Σ s r²), s nil for ones, without overflow.
func norm(r, s []float64) float64 {
	var largest float64
	for _, v := range r {
		largest = math.Max(largest, math.Abs(v))
	}
	if largest == 0 || math.IsInf(largest, 0) || math.IsNaN(largest) {
		return largest
	}
	var sum float64
	for i, v := range r {
		v /= largest
		sum += float64(weightOf(s, i) * float64(v*v))
	}
	return largest * math.Sqrt(sum)
}
