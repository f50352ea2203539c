package descent

import (
	"context"
	"math"
	"time"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/infer"
)

// Grouped is the goodness of fit of grouped counts, where every row of the file is one binomial observation, as R counts them: Deviance is from the model with
// a probability for every row, and LogLikelihood has the binomial coefficients. The other numbers of a [Result] count every success and failure by itself;
// estimates, errors and tests of coefficients are the same. P, AIC and BIC are those of maximum likelihood, nil with a penalty; P is nil, too, where no degree of freedom is left.
type Grouped struct {
	Groups        int      `json:"groups"` // rows of the file with a count
	Successes     float64  `json:"successes"`
	Failures      float64  `json:"failures"`
	LogLikelihood float64  `json:"log_likelihood"`
	Deviance      float64  `json:"deviance"`
	DFResidual    int      `json:"df_residual"`
	P             *float64 `json:"p"` // of the deviance on its degrees of freedom: the test of fit, good where expected counts are not small
	NullDeviance  float64  `json:"null_deviance"`
	DFNull        int      `json:"df_null"`
	Pearson       float64  `json:"pearson"` // Σ (successes - n·a)²/(n·a(1-a))
	AIC           *float64 `json:"aic"`
	BIC           *float64 `json:"bic"` // with log(Groups); that of the [Result] has log m, every success and failure being an observation
}

// groupedNames are what the label and the counts are called where rows hold counts of both outcomes.
func groupedNames(successes, failures string) (target, weight string) {
	return successes + "/" + failures, successes + "+" + failures
}

// group makes the table one of single outcomes with the counts as weights.
func (f *fit) group(begin time.Time) error {
	c := &f.config.Columns
	target, weight := groupedNames(c.Successes, c.Failures)
	t, err := f.table.Grouped(c.Successes, c.Failures, target, weight)
	if err != nil {
		return err // f.table still names the scratch file that is to be given back
	}
	f.table = t
	if f.table.Rows == 0 {
		return f.table.At(-1, nil, "all counts of %s and %s are 0", c.Successes, c.Failures)
	}
	f.config.Target, c.Weight, f.config.Encoding.Weight = target, weight, weight
	f.startFingerprint()
	f.target, _ = f.table.Column(target)
	f.classes = &encode.Classes{Levels: f.target.Levels}
	f.label = f.target.Codes
	f.result.Seconds.Read = time.Since(begin).Seconds()
	return f.note("class 1 is a success, counted by %s; every row of the file is as many rows as it counts", c.Successes)
}

// tableOf reads a file for this model (see tableOptions), as it was trained: grouped counts become rows.
func (m *Model) tableOf(ctx context.Context, s Source, o dataset.Options) (*dataset.Table, error) {
	t, err := s.table(ctx, o)
	if g := &m.file.Training; err == nil && g.Successes != "" {
		return t.Grouped(g.Successes, g.Failures, m.file.Target, m.file.Weight)
	}
	return t, err
}

// grouped fills in Result.Grouped.
func (f *fit) grouped(ctx context.Context) error {
	if f.config.Columns.Successes == "" {
		return nil
	}
	r := f.result
	if err := f.atOptimum(ctx); err != nil {
		return err
	}
	a, err := f.probabilities(ctx)
	if err != nil {
		return err
	}
	s, g := f.frequencies(), &Grouped{}
	var saturated, coefficient float64
	for i := 0; i < len(a); {
		var n [2]float64
		first := i
		for origin := f.table.Origin(f.learnt.Rows[i]); i < len(a) && f.table.Origin(f.learnt.Rows[i]) == origin; i++ {
			n[f.label[f.learnt.Rows[i]]] = s[i]
		}
		total := n[0] + n[1]
		for _, k := range n {
			if k > 0 {
				saturated += float64(k * math.Log(k/total))
			}
		}
		lg := func(k float64) float64 { v, _ := math.Lgamma(k + 1); return v }
		coefficient += lg(total) - lg(n[0]) - lg(n[1])
		p := a[first] // the rows of a group differ in the label alone
		if v := total * p * (1 - p); v > 0 {
			d := n[1] - total*p
			g.Pearson += d * d / v
		}
		g.Groups++
		g.Failures += n[0]
		g.Successes += n[1]
	}
	g.LogLikelihood = value(r.LogLikelihood) + coefficient
	g.Deviance, g.NullDeviance = max(value(r.Deviance)+2*saturated, 0), value(r.NullDeviance)+2*saturated
	g.DFResidual, g.DFNull = g.Groups-r.Parameters, g.Groups-1
	if r.AIC != nil {
		g.AIC = number(-2*g.LogLikelihood + 2*float64(r.Parameters))
		g.BIC = number(-2*g.LogLikelihood + math.Log(float64(g.Groups))*float64(r.Parameters))
		if g.DFResidual > 0 {
			g.P = number(infer.ChiSquaredTail(g.Deviance, float64(g.DFResidual)))
		}
	}
	r.Grouped = g
	return nil
}
