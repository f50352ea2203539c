package descent

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Inference says which statistics are computed besides the plain ones, and which errors they rest on. The zero value is errors of maximum likelihood.
type Inference struct {
	// Robust is hc0 or hc1: errors that hold also where the variance of the labels is not a(1-a). hc1 has the factor m/(m-k) for k parameters. ""
	// is errors of maximum likelihood.
	Robust string
	// Cluster is a column of groups whose rows are not independent: errors from the sums of scores in every group, with the factor
	// G/(G-1)·(m-1)/(m-k), unless Robust is hc0, which has none. The column is no input.
	Cluster string
	// LikelihoodRatio adds, for every column, the likelihood-ratio test of all its weights together, and for every coefficient that of its own and its
	// profile-likelihood interval.
	LikelihoodRatio bool
	// Firth maximises the likelihood times √|I| (Firth 1993), which is finite also under separation; tests and intervals are those of the profile of this
	// penalised likelihood (Heinze and Schemper 2002). Two classes only.
	Firth bool
	// Margins adds average marginal effects, Diagnostics what the columns and rows of the fit are like. Two classes only.
	Margins, Diagnostics bool
	// Bootstrap is the number of resamples for bootstrap intervals, which are valid also with a penalty or another loss; 0 is none. With Cluster whole clusters are
	// drawn.
	Bootstrap int
}

// robust says whether errors are of the sandwich form.
func (i *Inference) robust() bool { return i.Robust != "" || i.Cluster != "" }

// checkInference says which statistics cannot be had with this configuration, before any data are read.
func (c *Config) checkInference() error {
	i := &c.Inference
	switch i.Robust {
	case "", "hc0", "hc1":
	default:
		return fmt.Errorf("robust %q is not one of hc0, hc1", i.Robust)
	}
	asked := ""
	switch {
	case i.Cluster != "":
		asked = "cluster"
	case i.Robust != "":
		asked = "robust"
	case i.Firth:
		asked = "firth"
	case i.LikelihoodRatio:
		asked = "lr"
	case i.Diagnostics:
		asked = "diagnostics"
	case i.Margins:
		asked = "margins"
	case i.Bootstrap != 0:
		asked = "bootstrap"
	}
	clusters := asked == "cluster" && i.Robust == "" && i.Bootstrap > 0 // which are drawn
	if asked == "" {
		return nil
	}
	switch {
	case (c.Penalty.on() || c.CV.seeks()) && asked != "margins" && asked != "bootstrap" && !clusters: // these are valid then
		return fmt.Errorf("%s with a penalty: a penalty shrinks the coefficients, so their errors are not valid; leave out l1 and l2", asked)
	case c.layered():
		return fmt.Errorf("%s with a hidden layer: its parameters have no errors", asked)
	case c.Solver.Method == "gd" || c.Solver.Method == "sgd":
		return fmt.Errorf("%s with solver %s, which does not end at the optimum, where errors are valid", asked, c.Solver.Method)
	case i.Firth && i.robust():
		return fmt.Errorf("firth and %s: choose one; Firth's intervals are those of its penalised likelihood", asked)
	case i.Firth && c.Solver.Method == "lbfgs":
		return fmt.Errorf("firth with solver lbfgs: its solver is Newton's method")
	case i.Bootstrap < 0 || i.Bootstrap == 1 || i.Bootstrap > 1e7:
		return fmt.Errorf("bootstrap %d: want a number of resamples from 2, such as 1000", i.Bootstrap)
	case i.Firth && i.Bootstrap > 0:
		return fmt.Errorf("firth and bootstrap: choose one; Firth's intervals are those of its penalised likelihood")
	case i.Firth && c.Solver.Record > 0:
		return fmt.Errorf("firth with record: its solver keeps no trace of the cost")
	case i.Firth && i.Diagnostics:
		return fmt.Errorf("firth and diagnostics: leverages and tests of calibration are those of maximum likelihood")
	case i.Firth && c.CV.Folds > 0:
		return fmt.Errorf("firth with cv: there is no penalty to judge")
	case i.Firth && c.Solver.Tol > 0:
		return fmt.Errorf("firth with tol: nothing proves a gap of the penalised likelihood")
	case i.Firth && (c.Run.Checkpoint != "" || c.Run.Resume != ""):
		return fmt.Errorf("firth with checkpoint or resume: its solver keeps no state")
	case i.Cluster != "" && (i.Cluster == c.Target || i.Cluster == c.Columns.Weight || i.Cluster == c.Columns.Offset):
		return fmt.Errorf("column %q is the clusters and cannot be given another role", i.Cluster)
	}
	return nil
}

// roles are the columns that are read and are no input.
func (c *Config) roles() []string {
	var names []string
	for _, name := range []string{c.Inference.Cluster, c.Columns.Successes, c.Columns.Failures} {
		if name != "" {
			names = append(names, name)
		}
	}
	return append(names, c.splitRoles()...)
}

// ModelErrors is what [Result.Errors] says of errors from the likelihood: the inverse of the information.
const ModelErrors = "maximum likelihood"

// inferable says, once the classes and rows are known and before the training, which statistics cannot be had of them.
func (f *fit) inferable() error {
	if err := f.twoClasses(); err != nil {
		return err
	}
	i := &f.config.Inference
	for _, two := range []struct {
		name  string
		asked bool
	}{{"firth", i.Firth}, {"margins", i.Margins}, {"diagnostics", i.Diagnostics}} {
		if err := f.forTwo(two.name, two.asked); err != nil {
			return err
		}
	}
	if i.Cluster != "" {
		if _, _, err := f.clusters(i.Cluster); err != nil {
			return err
		}
	}
	return nil
}

// noColumns says which statistics need a column, where none is left beside the intercept.
func (f *fit) noColumns() error {
	i := &f.config.Inference
	if len(f.kept) > 0 {
		return nil
	}
	for _, s := range []struct {
		name  string
		asked bool
	}{{"firth", i.Firth}, {"robust", i.Robust != ""}, {"cluster", i.Cluster != "" && i.Bootstrap == 0}, {"diagnostics", i.Diagnostics}} {
		if s.asked {
			return fmt.Errorf("%s: no column tells rows apart, so that only the intercept is left, and there is nothing that %s would be about", s.name, s.name)
		}
	}
	return nil
}

// likely says which statistics cannot be had of a loss that is no likelihood. Bootstrap intervals can, and a cluster then says what is drawn.
func (f *fit) likely() error {
	if f.logLoss {
		return nil
	}
	i := &f.config.Inference
	for _, s := range []struct {
		name  string
		asked bool
	}{{"class-weight", f.classWeight != nil}, {"firth", i.Firth}, {"lr", i.LikelihoodRatio}, {"robust", i.Robust != ""}, {"cluster", i.Cluster != "" && i.Bootstrap == 0},
		{"margins", i.Margins}, {"diagnostics", i.Diagnostics}} {
		if s.asked {
			return fmt.Errorf("%s: the loss is not the log loss of y, so it is no likelihood that this could be about (bootstrap takes any loss)", s.name)
		}
	}
	return nil
}

// inferenceRecord is what a model keeps of it.
type inferenceRecord struct {
	Successes string `json:"successes,omitempty"` // columns of grouped counts that were the label
	Failures  string `json:"failures,omitempty"`
	// ClassWeights are those of Classes.Levels; the intercepts are corrected for them.
	ClassWeights []float64 `json:"class_weights,omitempty"`
	Firth        bool      `json:"firth,omitempty"`
	Errors       string    `json:"errors,omitempty"` // what the covariance rests on; absent: maximum likelihood
}

// further computes the statistics that were asked for besides the plain ones, as far as they are valid.
func (f *fit) further(ctx context.Context, d *study) error {
	i := &f.config.Inference
	v := f.result.Verdict
	ended := v == Converged || v == Stationary
	if f.result.LogLikelihood != nil && ended {
		if err := f.grouped(ctx); err != nil {
			return err
		}
	}
	if (i.Firth || i.LikelihoodRatio) && d.cov != nil {
		limited, cancel := f.limited(ctx)
		defer cancel()
		err := f.profiles(limited, d)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = f.note("the time is used up before all likelihood-ratio tests and profile intervals; those that are missing are null")
		}
		if err != nil {
			return err
		}
	}
	var none []string
	switch {
	case i.Margins && ended && f.objective.Curvature():
		if err := f.margins(ctx, d); err != nil {
			return err
		}
	case i.Margins:
		none = append(none, "marginal effects")
	}
	switch {
	case i.Diagnostics && d.plain != nil:
		if err := f.diagnose(ctx, d); err != nil {
			return err
		}
	case i.Diagnostics:
		none = append(none, "diagnostics")
	}
	switch {
	case i.Bootstrap > 0 && ended:
		if err := f.bootstrap(ctx, d); err != nil {
			return err
		}
	case i.Bootstrap > 0:
		none = append(none, "bootstrap intervals")
	}
	if none != nil {
		return f.note("no %s: there is no optimum that they could be about, or no covariance there", strings.Join(none, ", "))
	}
	return nil
}
