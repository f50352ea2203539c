package descent

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/descent-ml/descent/doctor"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/metric"
)

// Verdict says how a training ended.
type Verdict string

// The verdicts. Converged, Stationary and Stopped end in a model that may be saved; a run that reached its most steps by
// the user's own number is Stopped without an error.
const (
	Converged   Verdict = "converged"   // proved (or, where nothing is proved, estimated) to be at the optimum
	Stationary  Verdict = "stationary"  // the gradient is zero to rounding, but the cost is not known to be convex
	Stopped     Verdict = "stopped"     // steps or time are used up
	Interrupted Verdict = "interrupted" // cancelled by the caller
	Diverging   Verdict = "diverging"   // the cost rose without end
	Separated   Verdict = "separated"   // proved: no finite optimum exists
	Undecided   Verdict = "undecided"   // neither the optimum nor separation could be proved
)

// Result is what a training found, under the names that `descent train --json` prints.
type Result struct {
	Saved   *string `json:"model"` // path of the saved model
	Verdict Verdict `json:"verdict"`
	Message string  `json:"message"`
	Solver  string  `json:"solver"`
	Penalty Penalty `json:"penalty"`

	// More than two classes: their levels, and the one whose weights are 0 (nil with a penalty).
	Classes        []string `json:"classes,omitempty"`
	ReferenceClass *string  `json:"reference_class,omitempty"`

	Rows       int     `json:"rows"`       // training rows in use
	WeightSum  float64 `json:"weight_sum"` // m = Σ s_i
	Dropped    int     `json:"dropped"`    // rows left out for a missing value
	Parameters int     `json:"parameters"`

	// A model with a hidden layer: its parameters, every start that was tried, and the seed of the one that was kept.
	Layers    []LayerParameter `json:"layers,omitempty"`
	Restarts  []Restart        `json:"restarts,omitempty"`
	StartSeed uint64           `json:"start_seed,omitempty"`

	Cost          float64  `json:"cost"` // J
	Loss          float64  `json:"loss"` // J without the penalty
	LogLikelihood *float64 `json:"log_likelihood"`
	Deviance      *float64 `json:"deviance"`
	NullDeviance  *float64 `json:"null_deviance"`
	DFResidual    *float64 `json:"df_residual"`
	AIC           *float64 `json:"aic"`
	BIC           *float64 `json:"bic"`

	Progressive *Progressive `json:"progressive,omitempty"` // of a stream

	Stored *encode.Storage `json:"stored,omitempty"` // what the rows take in memory

	Gap          *float64 `json:"gap"` // proved bound on J - J*
	GapNote      string   `json:"gap_note,omitempty"`
	GradientNorm float64  `json:"gradient_norm"`
	Steps        int      `json:"steps"`
	Passes       int      `json:"passes"`
	Seconds      Seconds  `json:"seconds"`

	Checkpoint *string `json:"checkpoint,omitempty"` // the state of a run that was broken off is in this file

	Aliased        []string `json:"aliased"`
	Confidence     float64  `json:"conf"`
	StatisticsNote string   `json:"statistics_note,omitempty"`
	Errors         string   `json:"errors,omitempty"` // what the standard errors rest on: "maximum likelihood", "robust hc1", "clustered by COLUMN", …
	Firth          bool     `json:"firth,omitempty"`  // the estimates maximise Firth's penalised likelihood, and p, low and high are those of its profile
	// The log likelihood and half the log determinant of the information, in original units, of Firth's method.
	PenalizedLogLikelihood *float64      `json:"penalized_log_likelihood,omitempty"`
	Clusters               int           `json:"clusters,omitempty"` // of clustered errors
	Coefficients           []Coefficient `json:"coefficients"`

	Separation *Separation `json:"separation,omitempty"` // with the verdict separated

	NullTest *LRTest  `json:"null_test,omitempty"` // of all weights together, against the model of the intercepts alone
	McFadden *float64 `json:"mcfadden,omitempty"`  // 1 - log likelihood over that of the intercepts alone
	LRTests  []LRTest `json:"lr_tests,omitempty"`  // of every column's weights together

	Margins     []Margin     `json:"margins,omitempty"`
	Diagnostics *Diagnostics `json:"diagnostics,omitempty"`
	Bootstrap   *Bootstrap   `json:"bootstrap,omitempty"`
	Grouped     *Grouped     `json:"grouped,omitempty"`      // of grouped counts
	ClassWeight *Reweighting `json:"class_weight,omitempty"` // what class weights did

	Train         *metric.Metrics  `json:"train"`
	Test          *metric.Metrics  `json:"test,omitempty"`
	CV            *CV              `json:"cv,omitempty"`
	Threshold     *ThresholdChoice `json:"decision,omitempty"`
	Recalibration *Recalibration   `json:"recalibration,omitempty"`
	Holdout       *Holdout         `json:"holdout,omitempty"`
	Trace         []TracePoint     `json:"trace,omitempty"`

	Notes    []string  `json:"notes"`
	Warnings []Warning `json:"warnings"`
	Seed     uint64    `json:"seed"`

	// Model is the trained model, also where the verdict forbids to save it. It is nil if training could not begin.
	Model *Model `json:"-"`

	data string // fingerprint of a table that is not the expected one
}

// MarshalJSON writes null for a number that is not finite (a diverged run has such), and reference_class also where it is null, of more than
// two classes.
func (r Result) MarshalJSON() ([]byte, error) {
	type plain Result
	type finite struct {
		plain
		Cost         *float64 `json:"cost"`
		Loss         *float64 `json:"loss"`
		GradientNorm *float64 `json:"gradient_norm"`
	}
	f := finite{plain(r), number(r.Cost), number(r.Loss), number(r.GradientNorm)}
	if len(r.Classes) == 0 {
		return marshalPlain(f)
	}
	return marshalPlain(struct {
		finite
		ReferenceClass *string `json:"reference_class"`
	}{f, r.ReferenceClass})
}

// marshalPlain leaves <, > and & in names as they are, unless the caller's encoder does not.
func marshalPlain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Seconds of wall-clock time.
type Seconds struct {
	Read  float64 `json:"read"`
	Train float64 `json:"train"`
	Total float64 `json:"total"`
}

// Coefficient is one line of the table of coefficients, in original units. The statistics are nil where they are not valid;
// Result.StatisticsNote then says why.
type Coefficient struct {
	Name      string   `json:"name"`
	Class     string   `json:"class,omitempty"` // of more than two classes
	Estimate  float64  `json:"estimate"`
	Scaled    float64  `json:"scaled"` // in the units in which the penalty acts
	StdError  *float64 `json:"std_error"`
	Z         *float64 `json:"z"`
	P         *float64 `json:"p"`
	Low       *float64 `json:"low"`
	High      *float64 `json:"high"`
	OddsRatio *float64 `json:"odds_ratio"` // of more than two classes: the relative risk ratio

	// With the likelihood-ratio tests: twice the fall of the log likelihood without this coefficient, and its profile-likelihood interval.
	LRChisq     *float64 `json:"lr_chisq,omitempty"`
	LRP         *float64 `json:"lr_p,omitempty"`
	ProfileLow  *float64 `json:"profile_low,omitempty"`
	ProfileHigh *float64 `json:"profile_high,omitempty"`

	// With the bootstrap: the deviation and percentiles of the estimates of the resamples.
	BootstrapStdError *float64 `json:"bootstrap_std_error,omitempty"`
	BootstrapLow      *float64 `json:"bootstrap_low,omitempty"`
	BootstrapHigh     *float64 `json:"bootstrap_high,omitempty"`
}

// Progressive is how well a stream was predicted while it was learnt: every row by the weights of the rows before it, none of which it had a part in (progressive
// validation: Blum, Kalai and Langford, COLT 1999). It is an honest measure of rows to come, a little pessimistic, as the first rows were predicted by little.
type Progressive struct {
	Loss  float64            `json:"loss"` // Σ s L / Σ s
	Rows  int                `json:"rows"`
	Steps []ProgressivePoint `json:"doublings"` // after 1, 2, 4, 8 … steps, and at the end
}

// ProgressivePoint is how it was after so many rows.
type ProgressivePoint struct {
	Rows  int     `json:"rows"`
	Loss  float64 `json:"loss"`  // of all so far
	Since float64 `json:"since"` // of those since the point before
}

// LRTest is a likelihood-ratio test: twice the fall of the log likelihood where some weights are 0, and its tail of chi-squared.
type LRTest struct {
	Column string   `json:"column,omitempty"` // whose weights
	DF     int      `json:"df"`
	Chisq  *float64 `json:"chisq"`
	P      *float64 `json:"p"`
}

// TracePoint is the cost before update number Step.
type TracePoint struct {
	Step int     `json:"step"`
	Cost float64 `json:"cost"`
}

// MarshalJSON writes null for a cost that is not finite.
func (p TracePoint) MarshalJSON() ([]byte, error) {
	return marshalPlain(struct {
		Step int      `json:"step"`
		Cost *float64 `json:"cost"`
	}{p.Step, number(p.Cost)})
}

// Warning says what may be wrong; `descent help CODE` explains it.
type Warning struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Columns []string `json:"columns,omitempty"`
}

// found files findings under notes and warnings, and hands them to the caller's hook.
func (f *fit) found(fs ...doctor.Finding) error {
	r := f.result
	for _, x := range fs {
		text := x.Message
		if x.Cure != "" {
			text += " (" + x.Cure + ")"
		}
		if x.Severity == doctor.Warning {
			r.Warnings = append(r.Warnings, Warning{x.Code, text, x.Columns})
		} else {
			r.Notes = append(r.Notes, text)
		}
		if f.config.Found != nil {
			if err := f.config.Found(x); err != nil {
				return err
			}
		}
	}
	return nil
}

// note files a note without a column.
func (f *fit) note(format string, args ...any) error {
	return f.found(doctor.Finding{Severity: doctor.Note, Message: fmt.Sprintf(format, args...)})
}
