package descent

import (
	"context"
	"errors"
	"fmt"

	"github.com/descent-ml/descent/calibration"
	"github.com/descent-ml/descent/metric"
	"github.com/descent-ml/descent/optim"
)

// Recalibration is what became of Config.Recalibrate: a function of z that never falls takes the place of the model's own probability. It is fitted to the scores of training
// rows by models of the other folds, which have not seen them; z and its contributions stay.
type Recalibration struct {
	calibration.Map
	Folds int    `json:"folds"`
	By    string `json:"by"`   // what the folds are dealt out by: class, group, time, or row
	Rows  int    `json:"rows"` // that it was fitted to

	LeftOut BeforeAfter  `json:"left_out"`       // of the rows that it was fitted to, each scored by the model that has not seen it
	Test    *BeforeAfter `json:"test,omitempty"` // of the test rows
}

// BeforeAfter are measures of some rows by the model's own probabilities, and by the recalibrated ones.
type BeforeAfter struct {
	Before *metric.Metrics `json:"before"`
	After  *metric.Metrics `json:"after"`
}

// recalibrationRecord is what a model keeps of it.
type recalibrationRecord struct {
	calibration.Map
	Folds int    `json:"folds"`
	By    string `json:"by"`
	Rows  int    `json:"rows"`
}

// checkRecalibration says what is wrong with what a file says of it.
func (f *modelFile) checkRecalibration() error {
	c := f.Recalibration
	if c == nil {
		return nil
	}
	if f.sets() > 1 || f.Parameters != nil {
		return errors.New("the model has a recalibration, which is for two classes and no hidden layer")
	}
	if err := c.Check(); err != nil {
		return fmt.Errorf("the recalibration of the model: %w", err)
	}
	return nil
}

// set makes z of row i of s what is measured: the recalibrated log-odds, and of isotonic the probability beside it.
func (c *recalibrationRecord) set(s *scores, i int) {
	z := s.z[i]
	if s.z[i] = c.LogOdds(z); s.a != nil {
		s.a[i] = c.Probability(z)
	}
}

// recalibrationFolds is the number of folds where there is no cross-validation.
const recalibrationFolds = 5

func (c *Config) checkRecalibrate() error {
	i := &c.Inference
	switch c.Recalibrate {
	case "":
		return nil
	case calibration.Platt, calibration.Isotonic:
	default:
		return fmt.Errorf("recalibrate %q is not one of %s, %s", c.Recalibrate, calibration.Platt, calibration.Isotonic)
	}
	switch {
	case c.layered():
		return errors.New("recalibrate with a hidden layer is not offered; its folds have no optimum that others would find again")
	case c.Solver.Method == "gd" || c.Solver.Method == "sgd":
		return fmt.Errorf("recalibrate and solver %s: the models of the folds need a solver that finds the optimum: auto, newton or lbfgs", c.Solver.Method)
	case i.Firth:
		return errors.New("recalibrate with firth: the models of the folds are those of maximum likelihood or of a penalty")
	case i.Margins || i.Diagnostics:
		return errors.New("recalibrate with margins or diagnostics: these are about the probabilities of the logistic regression itself; ask for them in a run of their own")
	}
	return nil
}

// forTwo says which option is for two classes.
func (f *fit) forTwo(what string, asked bool) error {
	if asked && f.classes.Sets() > 1 {
		return fmt.Errorf("%s is for two classes; the target %q has %d (positive and against-rest make two of them)", what, f.target.Name, len(f.classes.Levels))
	}
	return nil
}

// recalibrate fits the function to scores of training rows by models that have not seen them.
func (f *fit) recalibrate(ctx context.Context) error {
	if f.config.Recalibrate == "" || f.verdictError() != nil {
		return nil
	}
	folds := f.config.CV.Folds
	if folds == 0 {
		folds = recalibrationFolds
	}
	limited, cancel := f.limited(ctx)
	defer cancel()
	rows, broken, err := f.leftOut(limited, folds)
	if err != nil && limited.Err() != nil && errors.Is(err, limited.Err()) {
		return f.brokenRecalibration(limited)
	}
	if err != nil {
		return fmt.Errorf("recalibrate: %w", err)
	}
	m, err := calibration.Fit(f.config.Recalibrate, rows)
	if err != nil {
		return fmt.Errorf("recalibrate: %w", err)
	}
	f.recalibration = &Recalibration{Map: *m, Folds: folds, By: f.foldsBy(), Rows: len(rows.LogOdds)}
	f.leftOutRows = rows
	if broken > 0 {
		if err := f.note("recalibration: in %d of %d folds the steps were used up before the optimum", broken, folds); err != nil {
			return err
		}
	}
	what := ""
	switch {
	case m.Method == calibration.Isotonic:
		what = fmt.Sprintf("isotonic regression, %d breakpoints", len(m.Z))
	case *m.Slope == 0:
		what = "platt, slope 0: the scores of rows left out do not rank their labels, so every probability is the same"
	default:
		what = fmt.Sprintf("platt, %.4g·z %+.4g", *m.Slope, *m.Intercept)
	}
	return f.note("probabilities are recalibrated (%s), by the scores of %d training rows that the models of %d folds had not seen: %s", what, len(rows.LogOdds), folds, f.foldsNote())
}

// brokenRecalibration says that it came to an end before its time. The model stays as it is, without.
func (f *fit) brokenRecalibration(ctx context.Context) error {
	r := f.result
	if r.Verdict, r.Message = Interrupted, "interrupted in the folds of the recalibration"; errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f.timeUp = true
		r.Verdict, r.Message = Stopped, "the time is used up in the folds of the recalibration"
	}
	if path := f.config.Run.Checkpoint; path != "" {
		if err := f.writeState(); err != nil {
			return err
		}
		r.Checkpoint = &path
	}
	return nil
}

// leftOut are the training rows with the log-odds, corrected for class weights, that the model without their fold gives them, and how many of the folds ran out of steps.
func (f *fit) leftOut(ctx context.Context, folds int) (rows metric.Rows, broken int, err error) {
	fold, err := f.folds(folds)
	if err != nil {
		return rows, 0, err
	}
	p := &path{fit: f, cvState: &cvState{Lambdas: []float64{0}, Theta: f.theta}, fold: fold, of: folds, lambda: f.lambda(), base1: f.lambda1(), l1: f.lambda1()}
	shift := f.priorShift(0)
	z := make([]float64, len(fold))
	for k := range folds {
		in, m := make([]uint16, len(fold)), 0.0
		for i, row := range f.learnt.Rows {
			if f.trainsFor(fold[i], k) {
				in[i] = 1
				m += weightOf(f.learnt.Weights, row)
			}
		}
		problem, o, err := p.part(f.cost, in, m, nil)
		if err != nil {
			return rows, 0, err
		}
		out, err := p.solveAt(ctx, problem, o, m, k, 0)
		if err != nil {
			return rows, 0, err
		}
		if out.Reason == optim.Steps {
			broken++
		}
		linear, err := f.engine.Linears(ctx, [][]float64{out.Theta})
		if err != nil {
			return rows, 0, err
		}
		for i, row := range f.learnt.Rows {
			if fold[i] != k {
				continue
			}
			z[i] = linear[0][i] + shift
			if f.learnt.Offsets != nil {
				z[i] += f.learnt.Offsets[row]
			}
		}
	}
	rows.Threads = f.config.Solver.Threads
	weights := f.learnt.Weights
	if f.classWeight != nil {
		weights = f.frequency
	}
	for i, row := range f.learnt.Rows {
		if fold[i] < 0 {
			continue
		}
		rows.LogOdds, rows.Label = append(rows.LogOdds, z[i]), append(rows.Label, float64(f.label[row]))
		if weights != nil {
			rows.Weight = append(rows.Weight, weights[row])
		}
	}
	return rows, broken, nil
}

// recalibrated are rows with the log-odds and probabilities that a function of z makes of theirs.
func recalibrated(m *calibration.Map, rows metric.Rows) metric.Rows {
	out := rows
	out.LogOdds = make([]float64, len(rows.LogOdds))
	if m.Method == calibration.Isotonic {
		out.Probability = make([]float64, len(rows.LogOdds))
	}
	for i, z := range rows.LogOdds {
		if out.LogOdds[i] = m.LogOdds(z); out.Probability != nil {
			out.Probability[i] = m.Probability(z)
		}
	}
	return out
}

// withoutRecalibration is the model with its own probabilities.
func (m *Model) withoutRecalibration() (*Model, error) {
	f := m.file
	f.Recalibration = nil
	return newModel(f)
}

// measureRecalibration compares before and after. test are the measures of the test rows, and before gives those of another model.
func (f *fit) measureRecalibration(test *metric.Metrics, before func(*Model) (*metric.Metrics, error)) (err error) {
	c := f.recalibration
	if c == nil {
		return nil
	}
	f.result.Recalibration = c
	plain, err := f.model.withoutRecalibration()
	if err != nil {
		return err
	}
	rows, threshold := f.leftOutRows, f.model.file.Threshold
	if plain.link.a != nil { // the model's own probability, of equations that say another
		rows.Probability = make([]float64, len(rows.LogOdds))
		for i, z := range rows.LogOdds {
			if rows.Probability[i], err = plain.link.probability(z); err != nil {
				return err
			}
		}
	}
	if c.LeftOut.Before, err = metric.Binary(rows, threshold); err != nil {
		return err
	}
	if c.LeftOut.After, err = metric.Binary(recalibrated(&c.Map, f.leftOutRows), threshold); err != nil {
		return err
	}
	if test == nil {
		return nil
	}
	c.Test = &BeforeAfter{After: test}
	c.Test.Before, err = before(plain)
	return err
}

// Recalibrated says how the model's probabilities were recalibrated, in words; "" is not at all.
func (m *Model) Recalibrated() string { return m.file.recalibrated() }

func (f *modelFile) recalibrated() string {
	c := f.Recalibration
	if c == nil {
		return ""
	}
	what := fmt.Sprintf("isotonic regression on z, %d breakpoints", len(c.Z))
	if c.Method == calibration.Platt {
		what = fmt.Sprintf("platt, sigmoid(%.6g·z %+.6g)", *c.Slope, *c.Intercept)
	}
	return fmt.Sprintf("%s, from the scores of %d rows that the models of %d folds had not seen", what, c.Rows, c.Folds)
}
