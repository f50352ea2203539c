package descent

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/descent-ml/descent/infer"
	"github.com/descent-ml/descent/optim"
)

// smooth is the cost in the components that the solver moves.
func (f *fit) smooth() optim.Problem {
	if f.gauge != nil {
		return f.gauge
	}
	return f.objective
}

// moved are the components of θ that the solver moves.
func (f *fit) moved() []float64 {
	if f.gauge == nil {
		return f.theta
	}
	free := make([]float64, f.gauge.Size())
	f.gauge.gather(f.theta, free)
	return free
}

// likelihood is -m·J with its derivatives, from the engine's passes: no penalty is part of J.
func (f *fit) likelihood(p optim.Problem, m float64) infer.Surface {
	return func(ctx context.Context, theta []float64) (infer.Point, error) {
		n := p.Size()
		at := infer.Point{Theta: theta, Score: make([]float64, n), Information: make([]float64, n*n)}
		J, err := p.CostGradient(ctx, theta, at.Score)
		if err != nil {
			return at, err
		}
		at.Value = -m * J
		for i := range at.Score {
			at.Score[i] *= -m
		}
		if err := p.Hessian(ctx, nil, at.Information); err != nil {
			return at, err
		}
		for i := range at.Information {
			at.Information[i] *= m
		}
		return at, nil
	}
}

// surface is what the estimates maximise: the likelihood, or Firth's.
func (f *fit) surface() infer.Surface {
	l := f.likelihood(f.smooth(), f.result.WeightSum)
	if f.config.Inference.Firth {
		return f.firthLikelihood(l)
	}
	return l
}

// parameter is coefficient j (n: the intercept) of equation k of e in original units as a linear function of what the solver moves.
func (f *fit) parameter(unit infer.Map, e infer.Equations, k, j int) []float64 {
	c := make([]float64, e.Size())
	scale := func(j int) float64 {
		if unit.Scale == nil {
			return 1
		}
		return unit.Scale[j]
	}
	c[e.At(k, j)] = 1
	if j < e.Weights {
		c[e.At(k, j)] = scale(j)
	} else if unit.Center != nil {
		for i := range e.Weights {
			c[e.At(k, i)] = -unit.Center[i] * scale(i)
		}
	}
	return c
}

// profiles fills in the likelihood-ratio tests and profile-likelihood intervals of all coefficients, and with Config.Inference.LikelihoodRatio the tests of columns.
// With Firth's penalty the intervals and tests are the only valid ones and take the place of Wald's; z is then the signed root of the test.
func (f *fit) profiles(ctx context.Context, d *study) error {
	r, l, unit, e := f.result, f.surface(), d.unit, d.equations
	columns := d.encoding.Groups()
	firth := f.config.Inference.Firth
	if firth { // Wald's are not valid
		for i := range r.Coefficients {
			c := &r.Coefficients[i]
			c.Z, c.P, c.Low, c.High = nil, nil, nil, nil
		}
	}
	// What Newton's method does not reach is null, and named: of data near separation or with columns near each other there may be such an end.
	var lost []string
	unreached := func(err error) bool { return errors.Is(err, infer.ErrNoMaximum) || errors.Is(err, infer.ErrSingular) }
	reached := func(name string, err error) error {
		if unreached(err) {
			lost, err = append(lost, name), nil
		}
		return err
	}
	best, err := l(ctx, f.moved())
	if err != nil {
		return err
	}
	q, err := infer.Quantile(r.Confidence)
	if err != nil {
		return err
	}
	// The maximum as these passes see it: its last digits, which a test near 0 needs.
	if best, _, err = infer.Maximize(ctx, l, best.Theta, nil); err != nil {
		if unreached(err) {
			return f.note("no likelihood-ratio tests and profile intervals: %v", err)
		}
		return err
	}
	test := func(without []infer.Constraint) (*float64, *float64, error) {
		p, _, err := infer.Maximize(ctx, l, best.Theta, without)
		if err != nil {
			return nil, nil, err
		}
		x := max(2*(best.Value-p.Value), 0)
		return number(x), number(infer.ChiSquaredTail(x, float64(len(without)))), nil
	}
	zero := func(of func(j int) bool) (all []infer.Constraint) {
		for k := range e.Count {
			for j := range e.Weights {
				if of(j) {
					all = append(all, infer.Constraint{C: f.parameter(infer.Map{}, e, k, j)})
				}
			}
		}
		return all
	}
	i := 0
	for k := range e.Count {
		for _, j := range append([]int{e.Weights}, upTo(e.Weights)...) {
			c := &r.Coefficients[i]
			i++
			of := f.parameter(unit, e, k, j)
			c.LRChisq, c.LRP, err = test([]infer.Constraint{{C: of}})
			if err := reached(c.Name, err); err != nil {
				return err
			}
			for _, end := range []struct {
				to *(*float64)
				up bool
			}{{&c.ProfileLow, false}, {&c.ProfileHigh, true}} {
				v, err := infer.Bound(ctx, l, best, of, q, end.up)
				if err == nil {
					*end.to = number(v)
				} else if err := reached(c.Name, err); err != nil {
					return err
				}
			}
			if firth {
				c.Z, c.P = number(math.Copysign(math.Sqrt(value(c.LRChisq)), c.Estimate)), c.LRP
				c.Low, c.High = c.ProfileLow, c.ProfileHigh
			}
		}
	}
	if firth { // the null model has the same penalty, that of all columns
		r.NullTest = &LRTest{DF: e.Count * e.Weights}
		r.NullTest.Chisq, r.NullTest.P, err = test(zero(func(int) bool { return true }))
		if err := reached("all columns", err); err != nil {
			return err
		}
	}
	for _, name := range slices.Compact(slices.Clone(columns)) {
		if !f.config.Inference.LikelihoodRatio {
			break
		}
		without := zero(func(j int) bool { return columns[j] == name })
		t := LRTest{Column: name, DF: len(without)}
		t.Chisq, t.P, err = test(without)
		if err := reached(name, err); err != nil {
			return err
		}
		r.LRTests = append(r.LRTests, t)
	}
	if lost != nil {
		return f.note("null are likelihood-ratio tests or ends of profile intervals that Newton's method does not reach: of %s", someNames(slices.Compact(lost)))
	}
	return nil
}
