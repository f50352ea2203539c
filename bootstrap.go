package descent

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/optim"
)

// Bootstrap is how the bootstrap intervals came about: rows were drawn with replacement, as many as there are, and the same model, with the same penalty
// and the same units, was trained on each drawing (Efron 1979). Intervals are percentiles of the estimates; they hold also where errors from the likelihood do not, but
// with a penalty they are about what the penalised estimate would be on other data, and share its shrinkage.
type Bootstrap struct {
	Resamples int    `json:"resamples"`
	Failed    int    `json:"failed"`         // without a finite optimum, left out
	Kind      string `json:"kind"`           // percentile
	Unit      string `json:"unit"`           // what was drawn: rows, copies (a row of weight k is k of them), or clusters
	Note      string `json:"note,omitempty"` // why there are no intervals
	Seed      uint64 `json:"seed"`
	all       [][]float64
}

const (
	// bootstrapTolerance is how near the optimum a resample's fit ends, in standard errors: far less than what they differ by.
	bootstrapTolerance = 1e-6
	// bootstrapSteps: without a penalty, Newton's method from the estimate takes under ten steps to a finite optimum, and to one at infinity a step for
	// every unit of z, about 28 + log m.
	bootstrapSteps = 20
	// bootstrapFailed is the share of resamples without an optimum from which on percentiles of the others mean nothing.
	bootstrapFailed = 0.025
)

// bootstrap fills in Result.Bootstrap and the intervals of the coefficients.
func (f *fit) bootstrap(ctx context.Context, d *study) error {
	B := f.config.Inference.Bootstrap
	ctx, cancel := f.limited(ctx)
	defer cancel()
	r := f.result
	out := &Bootstrap{Kind: "percentile", Seed: f.config.Solver.Seed}
	r.Bootstrap = out
	draw, err := f.drawer(out)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(f.config.Solver.Seed, 0x626f6f74)) // "boot"
	best := slices.Clone(f.theta)
	if f.trained != nil {
		best = slices.Clone(f.trained)
	}
	for range B {
		counts, s := draw(random)
		theta, err := f.resample(ctx, best, counts, s)
		switch {
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
			if err := f.note("the time is used up after %d of %d resamples", out.Resamples, B); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("bootstrap: %w", err)
		}
		if err != nil {
			break
		}
		out.Resamples++
		if theta == nil {
			out.Failed++
			continue
		}
		out.all = append(out.all, f.estimates(theta, d))
		if hook := f.config.hooks.drawn; hook != nil {
			hook(counts, s, out.all[len(out.all)-1])
		}
	}
	if out.Resamples < 2 {
		out.Note = "the time was used up before there were two resamples"
		return nil
	}
	if failed := float64(out.Failed) / float64(out.Resamples); len(out.all) < 2 || failed > bootstrapFailed {
		out.Note = fmt.Sprintf("%d of %d resamples have no finite optimum (separation), so that percentiles of the others would mislead; --l2 1 or --firth makes all estimates finite", out.Failed, out.Resamples)
		return nil
	}
	half := (1 - r.Confidence) / 2
	for i := range r.Coefficients {
		v := make([]float64, len(out.all))
		var mean, square float64
		for b, e := range out.all {
			v[b] = e[i]
			mean += e[i] / float64(len(v))
		}
		for _, e := range v {
			square += (e - mean) * (e - mean)
		}
		sort.Float64s(v)
		c := &r.Coefficients[i]
		c.BootstrapStdError = number(math.Sqrt(square / float64(len(v)-1)))
		c.BootstrapLow, c.BootstrapHigh = number(quantile(v, half)), number(quantile(v, 1-half))
	}
	return nil
}

// quantile of sorted values, linear between them (type 7 of Hyndman and Fan 1996).
func quantile(v []float64, p float64) float64 {
	h := p * float64(len(v)-1)
	low := min(int(h), len(v)-2)
	return v[low] + (h-float64(low))*(v[low+1]-v[low])
}

// drawer gives a function that draws: how often each row counts, or, where rows have whole weights, the new weights.
func (f *fit) drawer(out *Bootstrap) (func(*rand.Rand) (counts []uint16, s []float64), error) {
	rows, s := len(f.learnt.Rows), f.frequencies()
	if name := f.config.Inference.Cluster; name != "" {
		out.Unit = "clusters"
		group, groups, err := f.clusters(name)
		return func(r *rand.Rand) ([]uint16, []float64) {
			times, counts := make([]uint16, groups), make([]uint16, rows)
			for range groups {
				times[r.IntN(groups)]++
			}
			for i, g := range group {
				counts[i] = times[g]
			}
			return counts, nil
		}, err
	}
	whole := s != nil && !slices.ContainsFunc(s, func(v float64) bool { return v != math.Trunc(v) })
	if !whole || f.result.WeightSum > math.MaxInt32 {
		out.Unit = "rows"
		return func(r *rand.Rand) ([]uint16, []float64) {
			counts := make([]uint16, rows)
			for range rows {
				counts[r.IntN(rows)]++
			}
			return counts, nil
		}, nil
	}
	out.Unit = "copies"
	upTo, total := make([]int, rows), 0
	for i, v := range s {
		total += int(v)
		upTo[i] = total
	}
	return func(r *rand.Rand) ([]uint16, []float64) {
		drawn := make([]float64, rows)
		for range total {
			drawn[sort.SearchInts(upTo, r.IntN(total)+1)]++
		}
		for i, row := range f.learnt.Rows {
			if f.classWeight != nil {
				drawn[i] *= f.classWeight[f.label[row]]
			}
		}
		return nil, drawn
	}, nil
}

// resample trains on a drawing, from theta on: counts of the rows, or weights s in the place of theirs. It is nil where there is no finite optimum.
func (f *fit) resample(ctx context.Context, theta []float64, counts []uint16, s []float64) ([]float64, error) {
	c := f.cost
	m := f.result.WeightSum // of another m the minimum is at the same place
	values := engine.Values{M: m, Of: map[string][]float64{}}
	if s != nil {
		values.Columns = map[string][]float64{"s": s}
	}
	if c.uses("lambda") {
		values.Of["lambda"], values.Of["m"] = f.lambda(), []float64{m}
	}
	if c.uses("r") {
		values.Of["r"] = takesOffset(c.size.sets, f.classes.Reference)
	}
	J, err := engine.NewObjective(f.engine, c.graph, c.root, c.size.parameters(), values, engine.ObjectiveOptions{Mask: engine.Mask{Counts: counts}, Keep: f.newton()})
	if err != nil {
		return nil, err
	}
	var problem optim.Problem = J
	start := slices.Clone(theta)
	var g *gauge
	if f.gauge != nil {
		g = newGauge(J, f.gauge.free)
		problem, start = g, make([]float64, g.Size())
		if f.config.Penalty.on() { // the bias of the reference was moved to where all have mean 0
			theta = slices.Clone(theta)
			f.moveToReference(theta)
		}
		g.gather(theta, start)
	}
	o := f.options(g, len(start), m, f.lambda())
	o.Tolerance, o.Gap, o.Steps = bootstrapTolerance, 0, 0
	var method optim.Method
	bare := !f.config.Penalty.on()
	switch {
	case f.config.Penalty.L1 > 0:
		l1 := make([]float64, J.Size())
		for i, l := range f.lambda1() {
			l1[i] = l / m
		}
		if g != nil {
			all := l1
			l1 = make([]float64, len(start))
			g.gather(all, l1)
		}
		if !J.Curvature() {
			o.Factor = -1
		}
		method, err = optim.NewProximal(start, l1, o)
	case J.Curvature():
		if bare {
			o.Steps = bootstrapSteps
		}
		method, err = optim.NewNewton(start, o)
	default:
		method, err = optim.NewLBFGS(start, o)
	}
	if err != nil {
		return nil, err
	}
	out, err := optim.Minimize(ctx, method, problem, nil)
	var diverged *optim.Divergence
	switch {
	case errors.As(err, &diverged):
		return nil, nil
	case err != nil:
		return nil, err
	case out.Reason == optim.Cancelled || out.Reason == optim.Time:
		return nil, context.Cause(ctx)
	case out.Reason == optim.Steps && bare:
		return nil, nil
	}
	if g != nil {
		return g.spread(out.Theta, make([]float64, J.Size())), nil
	}
	return out.Theta, nil
}

// estimates are the coefficients in original units at theta, in the order of Result.Coefficients.
func (f *fit) estimates(theta []float64, d *study) []float64 {
	end := f.theta
	defer func() { f.theta = end }()
	f.theta = slices.Clone(theta)
	K := f.classes.Sets()
	for k := range K {
		f.theta[K*len(f.kept)+k] += f.priorShift(k)
	}
	f.settle()
	n := len(d.encoding.Terms)
	var sets [][]float64
	for k := range f.classes.Sets() {
		sets = append(sets, d.unit.Weights(f.set(k)))
	}
	if len(sets) > 1 && f.config.Penalty.on() && f.problem != nil {
		center(sets, n)
	}
	var out []float64
	for k, raw := range sets {
		if f.referenced() && k == f.classes.Reference {
			continue
		}
		out = append(append(out, raw[n]), raw[:n]...)
	}
	return out
}
