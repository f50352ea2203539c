package descent

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/infer"
)

// finish turns the solution into coefficients, statistics, a model and its metrics.
func (f *fit) finish(ctx context.Context) error {
	r := f.result
	n := len(f.kept)
	e := f.learnt.Encoding.Keep(f.kept)
	unit := infer.Map{Center: f.matrix.Center, Scale: f.matrix.Scale}
	raw := unit.Weights(f.theta)
	scaled := f.scaled(raw)
	for j, v := range raw {
		if math.IsNaN(v) || math.IsInf(v, 0) || math.IsNaN(scaled[j]) || math.IsInf(scaled[j], 0) {
			return fmt.Errorf("the weight of %s is %v in original units: the numbers of its column are too small or too large for float64; rescale it", termName(e, j), v)
		}
	}
	cov, err := f.statistics(unit, raw, scaled, e)
	if err != nil {
		return err
	}

	file := modelFile{
		Equations: equationLines(f.config.Equations),
		Target:    f.target.Name, Classes: *f.classes,
		Columns: e.Columns, Sparse: e.Sparse, NA: e.NA, DropNA: e.NA != nil && len(e.NA) == 0, Weight: e.Weight, Offset: e.Offset,
		Intercepts: []float64{raw[n]}, Aliased: nil,
		Scaling:   scaling{Intercepts: []float64{f.theta[n]}, Center: f.matrix.Center, Scale: f.matrix.Scale},
		Threshold: 0.5,
		Training: trainingRecord{
			Verdict: r.Verdict, Message: r.Message, Solver: r.Solver, Penalty: r.Penalty, Scale: f.config.Scale,
			Coding: string(f.config.Encoding.Coding), Missing: string(f.config.Encoding.Missing), Tol: f.config.Solver.Tol,
			Seed: r.Seed, Steps: r.Steps, Passes: r.Passes, Rows: r.Rows, WeightSum: r.WeightSum, Dropped: r.Dropped,
			Cost: r.Cost, Loss: r.Loss, Gap: r.Gap, GapNote: r.GapNote, Fingerprint: fmt.Sprintf("sha256:%x", f.table.Fingerprint()),
			Holdout: f.holdout(), Unfinished: f.config.SaveUnfinished && f.verdictError() != nil,
		},
	}
	if f.firstOrder() {
		file.Training.Alpha = f.config.Solver.Alpha
	}
	if r.Solver == "sgd" {
		file.Training.Batch = f.config.Solver.Batch
	}
	for j, t := range e.Terms {
		file.Terms = append(file.Terms, term{Term: t, Weights: []float64{raw[j]}, Scaled: []float64{scaled[j]}})
	}
	if n < len(f.learnt.Encoding.Terms) {
		file.Aliased = r.Aliased
	}
	switch {
	case cov == nil:
		file.CovarianceNote = r.StatisticsNote
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
	r.Model = f.model
	if f.model.link.assumed {
		if err := f.note("the equations define no a; the probability is sigmoid(dot(w, x) + b)"); err != nil {
			return err
		}
	}
	if err := f.measure(ctx); err != nil {
		return err
	}
	f.model.file.Metrics = metrics{Train: r.Train, Test: r.Test}
	f.model.file.Tests, err = f.model.testVectors()
	return err
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

// scaled are the weights in the units in which the penalty acts: those of standardised numeric columns with Scale auto, else the raw ones.
func (f *fit) scaled(raw []float64) []float64 {
	if f.config.Scale == ScaleNone {
		return raw
	}
	return f.theta
}

func (f *fit) holdout() string {
	switch t := f.config.Test; {
	case t.Every > 0:
		return fmt.Sprintf("every:%d", t.Every)
	case t.Part > 0:
		return fmt.Sprint(t.Part)
	}
	return ""
}

// statistics fills the table of coefficients and what the likelihood says. It returns the covariance of θ in the solver's coordinates,
// (n+1)×(n+1), or nil where it is not valid; the result then says why.
func (f *fit) statistics(unit infer.Map, raw, scaled []float64, e *encode.Encoding) ([]float64, error) {
	r := f.result
	n := len(e.Terms)
	setting := infer.Setting{
		OtherLoss:    !f.logLoss,
		Penalised:    f.config.Penalty.L2 > 0,
		Separated:    r.Verdict == Separated || r.Verdict == Undecided,
		Unfinished:   r.Verdict != Converged && r.Verdict != Stationary,
		Undetermined: len(r.Aliased) > 0 && n == len(f.learnt.Encoding.Terms),
		Columns:      n,
	}
	var cov []float64
	if why := infer.Why(setting); why != "" {
		r.StatisticsNote = why
	} else if f.certificate == nil || f.certificate.Hessian == nil {
		setting.TooManyColumns = true
		r.StatisticsNote = infer.Why(setting)
	} else {
		var err error
		if cov, err = infer.Covariance(f.certificate.Hessian, r.WeightSum, n+1); err != nil {
			r.StatisticsNote = err.Error()
			cov = nil
		}
	}
	var wald []infer.Coefficient
	if cov != nil {
		var err error
		if wald, err = infer.Coefficients(raw, unit.Covariance(cov, n), r.Confidence); err != nil {
			return nil, err
		}
	}
	add := func(j int) {
		c := Coefficient{Name: termName(e, j), Estimate: raw[j], Scaled: scaled[j]}
		if wald != nil {
			w := &wald[j]
			c.StdError, c.Z, c.P = number(w.StdError), number(w.Z), number(w.P)
			c.Low, c.High = number(w.Low), number(w.High)
		}
		if f.logLoss {
			c.OddsRatio = number(math.Exp(raw[j]))
		}
		r.Coefficients = append(r.Coefficients, c)
	}
	add(n)
	for j := range n {
		add(j)
	}
	if !f.logLoss {
		return cov, nil
	}
	logLikelihood := -r.Loss * r.WeightSum
	in := f.matrix.Memory
	y, _ := in.Input("y")
	s, _ := in.Input("s")
	o, _ := in.Input("o")
	_, null, err := infer.Null(y, s, o)
	if err != nil {
		return nil, err
	}
	l := infer.Summarize(logLikelihood, null, r.WeightSum, n+1)
	r.LogLikelihood, r.Deviance, r.NullDeviance = number(l.LogLikelihood), number(l.Deviance), number(l.NullDeviance)
	// A penalised fit has fewer degrees of freedom than parameters, and the criteria are about the maximum of the likelihood.
	if !setting.Penalised && !setting.Unfinished {
		r.DFResidual, r.AIC, r.BIC = number(l.DFResidual), number(l.AIC), number(l.BIC)
	}
	return cov, nil
}

// number is nil for what JSON cannot hold.
func number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// measure scores the model on the training rows and, where there are any, on the test rows.
func (f *fit) measure(ctx context.Context) error {
	train, err := f.model.measure(f.table, f.learnt.Rows, f.y, f.model.file.Threshold)
	if err != nil {
		return err
	}
	f.result.Train = train.Metrics
	rows, y := f.testRows, f.y
	if s := f.config.Test.Source; s != nil {
		if f.test, err = s.table(ctx, f.model.tableOptions(f.config.Format, f.config.NoHeader)); err != nil {
			return err
		}
		if f.test.Rows == 0 {
			return f.test.At(-1, nil, "no data rows to test on")
		}
		target, err := targetColumn(f.test, f.target.Name)
		if err != nil {
			return err
		}
		if y, err = f.model.labels(f.test, target); err != nil {
			return err
		}
	} else if len(rows) == 0 {
		return nil
	}
	test, err := f.model.measure(f.test, rows, y, f.model.file.Threshold)
	if err != nil {
		return err
	}
	f.result.Test = test.Metrics
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
		w := 1.0
		if s != nil {
			w = s[i]
		}
		sum += float64(w * float64(v*v))
	}
	return largest * math.Sqrt(sum)
}
