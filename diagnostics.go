package descent

import (
	"context"
	"math"
	"slices"
	"sort"

	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/infer"
	"github.com/descent-ml/descent/internal/scalar"
	"gonum.org/v1/gonum/mat"
)

// study is what the further statistics are made of.
type study struct {
	encoding   *encode.Encoding
	unit       infer.Map
	equations  infer.Equations
	raw        []float64 // (w, b) of the first equation, original units
	cov, plain []float64 // of what the solver moved: that of Result.Errors, and that of maximum likelihood; nil where not valid
}

// Diagnostics are what the rows and columns of a fit by maximum likelihood are like.
type Diagnostics struct {
	Inflation       []Inflation      `json:"vif"`
	ConditionNumber *float64         `json:"condition_number"`   // of the columns and the 1 of the intercept, each scaled to length 1 (Belsley, Kuh and Welsch 1980)
	Squares         CalibrationTest  `json:"unweighted_squares"` // le Cessie, van Houwelingen, Copas, Hosmer: valid on the rows of the fit
	Spiegelhalter   CalibrationTest  `json:"spiegelhalter"`
	HosmerLemeshow  HosmerLemeshow   `json:"hosmer_lemeshow"`
	Leverage        LeverageSummary  `json:"leverage"`
	Influence       []InfluentialRow `json:"influence"` // the rows of largest Cook's distance
}

// Inflation is the variance inflation factor of a column, generalised where it has several weights (Fox and Monette 1992).
type Inflation struct {
	Column string   `json:"column"`
	DF     int      `json:"df"`
	VIF    *float64 `json:"vif"`
}

// CalibrationTest is a test, two-sided, of whether the probabilities are right.
type CalibrationTest struct {
	Z *float64 `json:"z"`
	P *float64 `json:"p"`
}

// HosmerLemeshow is the test of that name, with ten groups of rows by quantiles of the probability.
type HosmerLemeshow struct {
	Groups []RiskGroup `json:"groups"`
	Chisq  *float64    `json:"chisq"`
	DF     int         `json:"df"`
	P      *float64    `json:"p"`
}

// RiskGroup is a group of rows of similar probability: those in (Low, High], of the first group with Low.
type RiskGroup struct {
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
	Rows      float64 `json:"rows"`
	Positives float64 `json:"positives"`
	Expected  float64 `json:"expected"`
}

// LeverageSummary is of the leverages a(1-a)·x̃ᵀI⁻¹x̃ of all rows.
type LeverageSummary struct {
	Mean float64 `json:"mean"` // parameters over m
	Max  float64 `json:"max"`
}

// InfluentialRow is a row without which the coefficients would be others, to first order (Pregibon 1981). Of a row of weight k it is one of its k copies,
// of one of a weight below 1 the whole row.
type InfluentialRow struct {
	Row         int      `json:"row"` // data row, from 1
	File        string   `json:"file"`
	Line        int      `json:"line"`
	Label       string   `json:"label"`
	Probability float64  `json:"probability"` // of class 1
	Leverage    float64  `json:"leverage"`
	Cook        float64  `json:"cook"`
	Change      RowShift `json:"change"`
}

// RowShift is the coefficient that a row moves most, in its standard errors, and by how much: its estimate with the row less that without.
type RowShift struct {
	Name           string   `json:"name"`
	Estimate       *float64 `json:"estimate"`
	StandardErrors *float64 `json:"standard_errors"`
}

const (
	riskGroups  = 10
	influential = 10 // rows listed
)

// probabilities are a of every training row, of two classes.
func (f *fit) probabilities(ctx context.Context) ([]float64, error) {
	z, err := f.objective.Kept(ctx, "head")
	if err != nil {
		return nil, err
	}
	a := make([]float64, len(z))
	for i, v := range z {
		a[i] = scalar.Sigmoid(v)
	}
	return a, nil
}

// diagnose fills in Result.Diagnostics.
func (f *fit) diagnose(ctx context.Context, d *study) error {
	n := len(d.encoding.Terms)
	if err := f.atOptimum(ctx); err != nil {
		return err
	}
	a, err := f.probabilities(ctx)
	if err != nil {
		return err
	}
	y, _ := f.matrix.Memory.Input("y")
	s := f.frequencies()
	out := &Diagnostics{}
	f.result.Diagnostics = out

	column, group := []string{}, make([]int, n)
	size := map[int]int{}
	for j, term := range d.encoding.Groups() {
		if len(column) == 0 || column[len(column)-1] != term {
			column = append(column, term)
		}
		group[j] = len(column) - 1
		size[group[j]]++
	}
	inflation, err := infer.Inflation(d.plain, n+1, n, group)
	if err != nil {
		return err
	}
	for g, v := range inflation {
		out.Inflation = append(out.Inflation, Inflation{column[g], size[g], number(v)})
	}
	gram, err := f.engine.Gram(ctx, s, nil)
	if err != nil {
		return err
	}
	out.ConditionNumber = number(infer.Condition(rawGram(gram, d.unit, n), n+1))

	third, err := f.objective.Kept(ctx, "third")
	if err != nil {
		return err
	}
	b, err := f.engine.Weighted(ctx, third)
	if err != nil {
		return err
	}
	test := func(c infer.Calibration) CalibrationTest { return CalibrationTest{number(c.Z), number(c.P)} }
	out.Squares, out.Spiegelhalter = test(infer.UnweightedSquares(a, y, s, b, d.plain)), test(infer.Spiegelhalter(a, y, s))
	groups, chi2, df, p := infer.HosmerLemeshow(a, y, s, riskGroups)
	out.HosmerLemeshow = HosmerLemeshow{Chisq: number(chi2), DF: df, P: number(p)}
	for _, g := range groups {
		out.HosmerLemeshow.Groups = append(out.HosmerLemeshow.Groups, RiskGroup(g))
	}
	return f.influence(ctx, d, a, y)
}

// lower is the factor L of LLᵀ, row-major.
func lower(c *mat.Cholesky) []float64 {
	var l mat.TriDense
	c.LTo(&l)
	n := c.SymmetricDim()
	out := make([]float64, n*n)
	for i := range n {
		for j := range i + 1 {
			out[i*n+j] = l.At(i, j)
		}
	}
	return out
}

// influence fills in leverages and the rows of largest Cook's distance.
func (f *fit) influence(ctx context.Context, d *study, a, y []float64) error {
	out, n, s := f.result.Diagnostics, len(d.encoding.Terms), f.frequencies()
	var chol mat.Cholesky
	information := f.curvature()
	for i := range information {
		information[i] *= f.result.WeightSum
	}
	if !chol.Factorize(mat.NewSymDense(n+1, information)) {
		return infer.ErrSingular
	}
	h, err := f.engine.Quads(ctx, lower(&chol))
	if err != nil {
		return err
	}
	cook, order := make([]float64, len(a)), make([]int, len(a))
	var sum float64
	leaves := func(i int) float64 { return min(weightOf(s, i), 1) } // what leaves with a row: of weight 3 one copy, of weight ½ all there is
	for i := range h {
		h[i] *= a[i] * (1 - a[i])
		sum += weightOf(s, i) * h[i]
		h[i] *= leaves(i)
		out.Leverage.Max = max(out.Leverage.Max, h[i])
		cook[i], order[i] = leaves(i)*infer.Cook(a[i], y[i], h[i], n+1), i
	}
	out.Leverage.Mean = sum / f.result.WeightSum
	sort.SliceStable(order, func(i, j int) bool { return cook[order[i]] > cook[order[j]] })
	order = order[:min(influential, len(order))]
	// I⁻¹x̃(y - a)/(1 - h) of these rows
	r, of := make([]float64, len(a)), make([]int32, len(a))
	for k, i := range order {
		r[i], of[i] = leaves(i)*(y[i]-a[i])/(1-h[i]), int32(k)
	}
	scores, err := f.engine.Grouped(ctx, r, 1, of, len(order))
	if err != nil {
		return err
	}
	raw := d.unit.Covariance(d.plain, n)
	for k, i := range order {
		delta := make([]float64, n+1)
		for p := range delta {
			for q, v := range scores[k*(n+1) : (k+1)*(n+1)] {
				delta[p] += float64(d.plain[p*(n+1)+q] * v)
			}
		}
		delta = d.unit.Weights(delta)
		most, errors := 0, 0.0
		for j, v := range delta {
			if e := v / math.Sqrt(raw[j*(n+1)+j]); math.Abs(e) > math.Abs(errors) {
				most, errors = j, e
			}
		}
		row := f.learnt.Rows[i]
		out.Influence = append(out.Influence, InfluentialRow{Row: row + 1, File: f.table.File(row), Line: f.table.Line(row), Label: f.classes.Levels[f.label[row]],
			Probability: a[i], Leverage: h[i], Cook: cook[i], Change: RowShift{termName(d.encoding, most), number(delta[most]), number(errors)}})
	}
	return nil
}

// rawGram is Σ s x xᵀ of the columns in original units and a 1, from that of the columns as the model sees them.
func rawGram(gram []float64, unit infer.Map, n int) []float64 {
	if unit.Scale == nil {
		return gram
	}
	back := make([]float64, (n+1)*(n+1)) // x = x̃/scale + center
	for j := range n {
		back[j*(n+1)+j], back[j*(n+1)+n] = 1/unit.Scale[j], unit.Center[j]
	}
	back[n*(n+1)+n] = 1
	return infer.Transform(back, n+1, gram, n+1)
}

// Margin is the average marginal effect of a term on the probability of class 1: of a number the mean of a(1-a)·w, of a level the mean change of a against the
// level without a weight, all else as it is. Errors are those of the delta method over the covariance of [Result.Errors].
type Margin struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"` // derivative, or change
	Effect   float64  `json:"effect"`
	StdError *float64 `json:"std_error"`
	Z        *float64 `json:"z"`
	P        *float64 `json:"p"`
	Low      *float64 `json:"low"`
	High     *float64 `json:"high"`
}

// margins fills in Result.Margins.
func (f *fit) margins(ctx context.Context, d *study) error {
	r, n, m := f.result, len(d.encoding.Terms), f.result.WeightSum
	if err := f.atOptimum(ctx); err != nil {
		return err
	}
	z, err := f.objective.Kept(ctx, "head")
	if err != nil {
		return err
	}
	c, err := f.objective.Kept(ctx, "curvature") // s·a(1-a)
	if err != nil {
		return err
	}
	third, err := f.objective.Kept(ctx, "third") // its derivative in z
	if err != nil {
		return err
	}
	s := f.frequencies()
	var density scalar.Sum
	for _, v := range c {
		density.Add(v)
	}
	mean := density.Value() / m
	turn, err := f.engine.Weighted(ctx, third)
	if err != nil {
		return err
	}
	add := func(name, kind string, effect float64, gradient []float64) error {
		out := Margin{Name: name, Kind: kind, Effect: effect}
		if d.cov != nil {
			w, err := infer.Wald(effect, math.Sqrt(infer.Variance(d.cov, gradient)), r.Confidence)
			if err != nil {
				return err
			}
			out.StdError, out.Z, out.P, out.Low, out.High = number(w.StdError), number(w.Z), number(w.P), number(w.Low), number(w.High)
		}
		r.Margins = append(r.Margins, out)
		return nil
	}
	for first := 0; first < n; {
		last := first + 1
		for last < n && d.encoding.Terms[last].Column == d.encoding.Terms[first].Column {
			last++
		}
		levels := []int{}
		for j := first; j < last; j++ {
			t := d.encoding.Terms[j]
			if t.Kind != encode.KindNumeric {
				levels = append(levels, j)
				continue
			}
			w := d.raw[j]
			if d.cov == nil { // no errors, no gradient
				if err := add(t.Name, "derivative", w*mean, nil); err != nil {
					return err
				}
				continue
			}
			gradient := make([]float64, n+1)
			for k, v := range turn {
				gradient[k] = w * v / m
			}
			scale := 1.0
			if d.unit.Scale != nil {
				scale = d.unit.Scale[j]
			}
			gradient[j] += scale * mean
			if err := add(t.Name, "derivative", w*mean, gradient); err != nil {
				return err
			}
		}
		// Levels: z without the column's part, then each level in its place.
		own := make([]float64, n+1)
		for _, j := range levels {
			own[j] = f.theta[j]
		}
		var part []float64
		if len(levels) > 0 {
			if part, err = f.engine.Linear(ctx, own); err != nil {
				return err
			}
		}
		for _, j := range levels {
			difference := make([]float64, len(z))
			var effect, with scalar.Sum
			for i, v := range z {
				base := v - part[i]
				a0, b0 := scalar.Sigmoids(base)
				a1, b1 := scalar.Sigmoids(base + f.theta[j])
				w := weightOf(s, i)
				effect.Add(w * (a1 - a0))
				with.Add(w * float64(a1*b1))
				difference[i] = w * (float64(a1*b1) - float64(a0*b0))
			}
			gradient, err := f.engine.Weighted(ctx, difference)
			if err != nil {
				return err
			}
			for k := range gradient {
				if slices.Contains(levels, k) {
					gradient[k] = 0
				}
			}
			gradient[j] = with.Value()
			for k := range gradient {
				gradient[k] /= m
			}
			if err := add(d.encoding.Terms[j].Name, "change", effect.Value()/m, gradient); err != nil {
				return err
			}
		}
		first = last
	}
	return nil
}
