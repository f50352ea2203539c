package descent

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/infer"
	"github.com/descent-ml/descent/internal/scalar"
	"github.com/descent-ml/descent/metric"
)

// Slicing is how a model does in parts of the rows, by the levels or the sizes of one column of the file, which need not be one of the model.
type Slicing struct {
	Column string `json:"column"`
	// What makes a slice: "levels", "values" (of a column of at most ten numbers), or "quantiles" (of more: five parts of about equal weight, equal numbers together).
	Groups string  `json:"groups"`
	Merged int     `json:"merged,omitempty"` // levels that are one slice, "other", because there are more than fifty
	Slices []Slice `json:"slices"`

	// Of two classes. InTheLarge is the test that in every slice the mean probability is right: Σ z² of the slices, chi-squared with as many degrees of
	// freedom. Heterogeneity is the test that z, the log-odds, is wrong by the same shift in all of them, if at all: the score test of an intercept for each slice beside a
	// common one, with one degree of freedom less. Nil where they cannot be computed.
	InTheLarge    *SliceTest `json:"in_the_large"`
	Heterogeneity *SliceTest `json:"heterogeneity"`
}

// SliceTest is a statistic and its tail of chi-squared.
type SliceTest struct {
	Chisq float64 `json:"chisq"`
	DF    int     `json:"df"`
	P     float64 `json:"p"`
}

// Slice is one part of the rows.
type Slice struct {
	Level   string   `json:"level"` // of numbers in quantiles: "18 to 25"; "other" and "(missing)" are made up
	Low     *float64 `json:"low,omitempty"`
	High    *float64 `json:"high,omitempty"`
	Missing bool     `json:"missing,omitempty"` // the rows without a value
	Small   bool     `json:"small"`             // too few rows for intervals and tests to hold: under ten of a class, of more than two classes under thirty in all

	// Of two classes: the share of positives with Wilson's interval, the mean probability, and the test that they agree, z = Σ s(y - a)/√(Σ s·a(1 - a)). PHolm is P
	// for all slices of the column together (Holm 1979).
	Rate         *float64         `json:"rate,omitempty"`
	RateInterval *metric.Interval `json:"rate_interval,omitempty"`
	Predicted    *float64         `json:"predicted,omitempty"`
	Z            *float64         `json:"z,omitempty"`
	P            *float64         `json:"p,omitempty"`
	PHolm        *float64         `json:"p_holm,omitempty"`
	// Of more: the shares of the classes and their mean probabilities.
	Shares          []float64 `json:"shares,omitempty"`
	PredictedShares []float64 `json:"predicted_shares,omitempty"`

	Metrics *metric.Metrics `json:"metrics"`
}

const (
	quantileGroups = 5
	fewestValues   = 10 // so many different numbers are slices of their own
	mostSlices     = 50
	fewOfClass     = 10
	fewOfAll       = 30
	sliceMissing   = "(missing)"
	sliceOther     = "other"
	sliceQuantiles = "quantiles"
	sliceOfValues  = "values"
	sliceOfLevels  = "levels"
)

// checkSlices refuses columns that cannot cut the rows, before the file is read.
func (m *Model) checkSlices(names []string) error {
	for i, name := range names {
		switch {
		case name == m.file.Target || name == m.file.Training.Successes && name != "" || name == m.file.Training.Failures && name != "":
			return fmt.Errorf("slices by %q, the target: sensitivity and specificity (recall of a class) are the slices by label", name)
		case slices.Contains(names[:i], name):
			return fmt.Errorf("slices by %q are asked for twice", name)
		case m.file.Sparse:
			return fmt.Errorf("slices by %q: a LIBSVM file has no columns to cut its rows by", name)
		}
	}
	return nil
}

// readSlices makes the options read the columns. What the model does not read is taken as texts, so that no cell is an error; numbers among them are found later.
func readSlices(o *dataset.Options, names []string) {
	if len(names) == 0 {
		return
	}
	use := o.Use
	o.Use = func(name string) bool { return use(name) || slices.Contains(names, name) }
	for _, name := range names {
		if _, ok := o.Types[name]; !ok {
			o.Types[name] = dataset.Levels
		}
	}
}

// grouping says which slice every scored row is in.
type grouping struct {
	of     []int32 // by scored row
	slices []Slice // with what names them
	kind   string
	merged int
}

// slicing measures the slices of one column.
func (m *Model) slicing(t *dataset.Table, s *scores, name string, j judge) (*Slicing, error) {
	c, ok := t.Column(name)
	if !ok {
		return nil, t.NoColumn(name)
	}
	row := func(i int) int {
		if s.row != nil {
			return s.row[i]
		}
		return i
	}
	weight := func(i int) float64 {
		if s.weights != nil {
			return s.weights[i]
		}
		return 1
	}
	var g *grouping
	if values, ok := numericCells(c); ok {
		g = groupNumbers(len(s.truth), func(i int) float64 { return values(row(i)) }, weight)
	} else {
		g = groupLevels(c, len(s.truth), row, weight)
	}
	out := &Slicing{Column: name, Groups: g.kind, Merged: g.merged, Slices: g.slices}
	rows := make([][]int, len(g.slices))
	for i, k := range g.of {
		rows[k] = append(rows[k], i)
	}
	K := m.file.sets()
	for k := range out.Slices {
		part := s.at(rows[k], K)
		x := &out.Slices[k]
		var err error
		if K > 1 {
			x.Metrics, err = metric.Classes(part.classes(j), m.file.Classes.Levels)
			if err == nil {
				x.classes(part, K)
			}
		} else {
			x.Metrics, err = metric.Binary(part.binary(j), j.threshold)
			if err == nil {
				err = x.binary(part, j.confidence)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: slice %q of %q: %w", t.Name, x.Level, name, err)
		}
	}
	if K == 1 {
		holm(out.Slices)
		out.InTheLarge = inTheLarge(out.Slices)
		out.Heterogeneity = heterogeneity(s, g.of, len(g.slices))
	}
	return out, nil
}

// numericCells gives the values of a column that holds numbers and nothing else, also where it was read as texts; NaN where missing.
func numericCells(c *dataset.Column) (func(row int) float64, bool) {
	if c.Type == dataset.Numeric {
		return c.Numbers.At, true
	}
	if c.Type != dataset.Levels || len(c.Levels) == 0 {
		return nil, false
	}
	values := make([]float64, len(c.Levels))
	for k, text := range c.Levels {
		v, ok := dataset.ParseNumber([]byte(text))
		if !ok {
			return nil, false
		}
		values[k] = v
	}
	return func(row int) float64 {
		if code := c.Code(row); code >= 0 {
			return values[code]
		}
		return math.NaN()
	}, true
}

// groupNumbers makes a slice of every value where there are few, else of quantiles by weight.
func groupNumbers(rows int, value, weight func(i int) float64) *grouping {
	g := &grouping{of: make([]int32, rows), kind: sliceOfValues}
	order := make([]int, 0, rows)
	missing := 0
	for i := range rows {
		if math.IsNaN(value(i)) {
			missing++
		} else {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(value(a), value(b)), cmp.Compare(a, b)) })
	var total scalar.Sum
	different := 0
	for k, i := range order {
		if k == 0 || value(order[k-1]) != value(i) {
			different++
		}
		total.Add(weight(i))
	}
	if different > fewestValues {
		g.kind = sliceQuantiles
	}
	var seen scalar.Sum
	last := -1
	for from := 0; from < len(order); {
		v, to := value(order[from]), from
		var own scalar.Sum
		for ; to < len(order) && value(order[to]) == v; to++ {
			own.Add(weight(order[to]))
		}
		group := last + 1
		if g.kind == sliceQuantiles && total.Value() > 0 {
			group = min(int(quantileGroups*((seen.Value()+own.Value()/2)/total.Value())), quantileGroups-1)
		}
		if group != last || len(g.slices) == 0 {
			low := v
			g.slices = append(g.slices, Slice{Low: &low})
			last = group
		}
		x := &g.slices[len(g.slices)-1]
		high := v
		x.High = &high
		for _, i := range order[from:to] {
			g.of[i] = int32(len(g.slices) - 1)
		}
		seen.Add(own.Value())
		from = to
	}
	for k := range g.slices {
		x := &g.slices[k]
		x.Level = text(*x.Low)
		if *x.High != *x.Low {
			x.Level += " to " + text(*x.High)
		}
	}
	g.rest(missing, func(i int) bool { return math.IsNaN(value(i)) })
	return g
}

// text is a number as a person writes it.
func text(v float64) string {
	if a := math.Abs(v); a >= 1e-4 && a < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// rest puts the rows without a value into a slice of their own.
func (g *grouping) rest(missing int, is func(i int) bool) {
	if missing == 0 {
		return
	}
	g.slices = append(g.slices, Slice{Level: sliceMissing, Missing: true})
	for i := range g.of {
		if is(i) {
			g.of[i] = int32(len(g.slices) - 1)
		}
	}
}

// groupLevels makes a slice of every level, or of the fifty less one with most weight and one of all others.
func groupLevels(c *dataset.Column, rows int, row func(int) int, weight func(int) float64) *grouping {
	g := &grouping{of: make([]int32, rows), kind: sliceOfLevels}
	weights, seen := make([]float64, len(c.Levels)), make([]bool, len(c.Levels))
	code := make([]int32, rows)
	missing := 0
	for i := range rows {
		if code[i] = c.Code(row(i)); code[i] < 0 {
			missing++
			continue
		}
		weights[code[i]] += weight(i)
		seen[code[i]] = true
	}
	var levels []int
	for k := range c.Levels {
		if seen[k] {
			levels = append(levels, k)
		}
	}
	if len(levels) > mostSlices {
		slices.SortStableFunc(levels, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
		g.merged = len(levels) - (mostSlices - 1)
		levels = levels[:mostSlices-1]
		slices.Sort(levels)
	}
	at := make([]int32, len(c.Levels))
	for k := range at {
		at[k] = int32(len(levels)) // other
	}
	for i, k := range levels {
		at[k] = int32(i)
		g.slices = append(g.slices, Slice{Level: c.Levels[k]})
	}
	if g.merged > 0 {
		g.slices = append(g.slices, Slice{Level: sliceOther})
	}
	for i, k := range code {
		if k >= 0 {
			g.of[i] = at[k]
		}
	}
	g.rest(missing, func(i int) bool { return code[i] < 0 })
	return g
}

// at are the scores of some of the scored rows, K a row.
func (s *scores) at(rows []int, K int) *scores {
	out := &scores{z: make([]float64, 0, len(rows)*K), truth: make([]int32, 0, len(rows))}
	for _, i := range rows {
		out.z, out.truth = append(out.z, s.z[i*K:(i+1)*K]...), append(out.truth, s.truth[i])
		if s.a != nil {
			out.a = append(out.a, s.a[i*K:(i+1)*K]...)
		}
		if s.weights != nil {
			out.weights = append(out.weights, s.weights[i])
		}
	}
	return out
}

// probability of the positive class of two.
func (s *scores) probability(i int) float64 {
	if s.a != nil {
		return s.a[i]
	}
	return metric.Sigmoid(s.z[i])
}

// binary fills in what a slice of two classes has besides its metrics.
func (x *Slice) binary(s *scores, conf float64) error {
	q, err := infer.Quantile(conf)
	if err != nil {
		return err
	}
	var weight, observed, expected, spread scalar.Sum
	for i, k := range s.truth {
		w, a := 1.0, s.probability(i)
		if s.weights != nil {
			w = s.weights[i]
		}
		weight.Add(w)
		observed.Add(float64(w * float64(k)))
		expected.Add(float64(w * a))
		spread.Add(float64(w * float64(a*(1-a))))
	}
	M := weight.Value()
	x.Rate, x.Predicted = number(observed.Value()/M), number(expected.Value()/M)
	interval := metric.Wilson(observed.Value(), M, q)
	x.RateInterval = &interval
	if v := spread.Value(); v > 0 {
		z := (observed.Value() - expected.Value()) / math.Sqrt(v)
		x.Z, x.P = number(z), number(math.Erfc(math.Abs(z)/math.Sqrt2))
	}
	x.Small = min(x.Metrics.Positives, x.Metrics.Rows-x.Metrics.Positives) < fewOfClass
	return nil
}

// classes fills in what a slice of more than two classes has besides its metrics.
func (x *Slice) classes(s *scores, K int) {
	x.Small = x.Metrics.Rows < fewOfAll
	x.Shares = s.shares(K)
	sums, total := make([]scalar.Sum, K), 0.0
	a := make([]float64, K)
	for i := range s.truth {
		w := 1.0
		if s.weights != nil {
			w = s.weights[i]
		}
		total += w
		if s.a != nil {
			copy(a, s.a[i*K:(i+1)*K])
		} else {
			metric.Softmax(s.z[i*K:(i+1)*K], a)
		}
		for k, v := range a {
			sums[k].Add(float64(w * v))
		}
	}
	if total > 0 {
		for k := range sums {
			x.PredictedShares = append(x.PredictedShares, sums[k].Value()/total)
		}
	}
}

// holm sets PHolm: in the order of P, the k-th smallest of n times n-k+1, never falling, at most 1 (Holm 1979).
func holm(all []Slice) {
	var order []int
	for k := range all {
		if all[k].P != nil {
			order = append(order, k)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(*all[a].P, *all[b].P) })
	largest := 0.0
	for i, k := range order {
		largest = max(largest, min(1, *all[k].P*float64(len(order)-i)))
		all[k].PHolm = number(largest)
	}
}

// inTheLarge is Σ z² over the slices.
func inTheLarge(all []Slice) *SliceTest {
	t := &SliceTest{}
	for _, x := range all {
		if x.Z != nil {
			t.Chisq += float64(*x.Z * *x.Z)
			t.DF++
		}
	}
	if t.DF == 0 {
		return nil
	}
	t.P = infer.ChiSquaredTail(t.Chisq, float64(t.DF))
	return t
}

// heterogeneity is the score test of an intercept for each of n slices beside the common b that the labels ask for: with a = sigmoid(z + b) and Σ s(y - a) = 0 over all rows, it is
// Σ (Σ s(y - a))²/Σ s·a(1 - a) over the slices, chi-squared with n - 1 degrees of freedom. Nil with one class, one slice, or a probability of 0 or 1.
func heterogeneity(s *scores, of []int32, n int) *SliceTest {
	y, z := make([]float64, len(s.truth)), s.z
	if s.a != nil {
		z = make([]float64, len(s.a))
	}
	for i, k := range s.truth {
		y[i] = float64(k)
		if s.a != nil {
			if z[i] = math.Log(s.a[i]) - math.Log1p(-s.a[i]); math.IsInf(z[i], 0) {
				return nil
			}
		}
	}
	b, _, err := infer.Null(y, s.weights, z)
	if err != nil || math.IsNaN(b) || math.IsInf(b, 0) {
		return nil
	}
	sums := make([][2]scalar.Sum, n)
	for i, k := range of {
		w, a := 1.0, metric.Sigmoid(z[i]+b)
		if s.weights != nil {
			w = s.weights[i]
		}
		sums[k][0].Add(float64(w * (y[i] - a)))
		sums[k][1].Add(float64(w * float64(a*(1-a))))
	}
	t := &SliceTest{DF: -1}
	for k := range sums {
		if v := sums[k][1].Value(); v > 0 {
			d := sums[k][0].Value()
			t.Chisq += float64(d*d) / v
			t.DF++
		}
	}
	if t.DF < 1 {
		return nil
	}
	t.P = infer.ChiSquaredTail(t.Chisq, float64(t.DF))
	return t
}
