package descent

import (
	"context"
	"fmt"
	"math"

	"github.com/descent-ml/descent/calibration"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/doctor"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/infer"
	"github.com/descent-ml/descent/metric"
	"github.com/descent-ml/descent/optim"
	"github.com/descent-ml/descent/proof"
)

// Inspection is what a file holds and what would go wrong, under the names that `descent inspect --json` prints.
type Inspection struct {
	Rows     int              `json:"rows"`
	Format   string           `json:"format"`
	Columns  []ColumnSummary  `json:"columns"`
	Target   *TargetSummary   `json:"target"`
	Findings []doctor.Finding `json:"findings"`
}

// ColumnSummary is one column of a file. What a column of its type does not have is null.
type ColumnSummary struct {
	Name       string   `json:"name"`
	Type       string   `json:"type"`    // numeric, levels, boolean
	Missing    int      `json:"missing"` // rows
	Levels     *int     `json:"levels"`  // how many
	Min        *float64 `json:"min"`
	Max        *float64 `json:"max"`
	Mean       *float64 `json:"mean"`
	SD         *float64 `json:"sd"` // population
	StoredAs   string   `json:"stored_as"`
	LevelNames []string `json:"level_names,omitempty"` // the first hundred
}

// TargetSummary is what the labels mean: two classes, or all levels where these are more. Counts are the rows of each, nil where nothing can be
// trained from the labels.
type TargetSummary struct {
	Name     string   `json:"name"`
	Negative string   `json:"negative,omitempty"`
	Positive string   `json:"positive,omitempty"`
	Rate     *float64 `json:"rate,omitempty"` // share of the rows that are positive
	Classes  []string `json:"classes,omitempty"`
	Counts   []int    `json:"counts,omitempty"`
}

// mostLevelNames is how many levels of a column an Inspection lists.
const mostLevelNames = 100

// Inspect reads a source as [Fit] would, without a fit, and lets the doctor look at it. Of the configuration it uses Target, Columns, Labels,
// Format, NoHeader and NA. Without a target only the columns are looked at.
//
// The inspection is nil where the source cannot be read. Labels from which nothing could be trained are an error beside it.
func Inspect(ctx context.Context, source Source, config Config) (*Inspection, error) {
	config.defaults()
	in := &Inspection{Columns: []ColumnSummary{}, Findings: []doctor.Finding{}}
	config.Found = func(f doctor.Finding) error {
		if f.Code == "" {
			f.Code = "reading"
		}
		if f.Columns == nil {
			f.Columns = []string{}
		}
		in.Findings = append(in.Findings, f)
		return nil
	}
	f := &fit{config: config, result: &Result{}}
	if err := f.open(ctx, source); err != nil {
		return nil, err
	}
	t := f.table
	in.Rows, in.Format = t.Rows, t.Format
	data := doctor.Data{Rows: t.Rows, Missing: doctor.Refuse}
	usable := *t // without the columns that cannot be looked at for collinearity
	usable.Columns = nil
	var labels error
	if config.Target != "" || t.Format == dataset.LIBSVM {
		var err error
		if f.target, err = targetColumn(t, config.Target); err != nil {
			return nil, err
		}
		if labels = f.inspectTarget(in, &data); labels != nil {
			in.Findings = append(in.Findings, doctor.Finding{Code: "labels", Severity: doctor.Error, Columns: []string{f.target.Name}, Message: labels.Error()})
		}
	}
	for _, c := range t.Columns {
		s, d := summarize(t, c)
		in.Columns = append(in.Columns, s)
		if c == f.target {
			continue
		}
		data.Columns = append(data.Columns, d)
		if c.Missing < t.Rows && len(c.Levels) <= encode.DefaultMaxLevels {
			usable.Columns = append(usable.Columns, c)
		}
	}
	rows := make([]int, t.Rows)
	for row := range rows {
		rows[row] = row
	}
	if t.Sparse == nil {
		if err := f.examine(ctx, data, rows); err != nil {
			return in, err
		}
	}
	target := ""
	if f.target != nil {
		target = f.target.Name
	}
	// Collinear columns are looked for as train does, whatever the rows lack.
	learnt, err := encode.Learn(&usable, target, nil, encode.Options{Missing: encode.MissingMean})
	if err != nil {
		if t.Sparse != nil {
			return in, err
		}
		in.Findings = append(in.Findings, doctor.Finding{Code: "collinear", Severity: doctor.Note, Columns: []string{},
			Message: fmt.Sprintf("columns that others determine were not looked for: %v", err)})
		return in, labels
	}
	learnt.Encoding.NA = config.NA
	f.table, f.learnt = &usable, learnt
	for i, c := range t.Columns {
		if _, ok := learnt.Encoding.Column(c.Name); ok {
			in.Columns[i].StoredAs = learnt.Encoding.StoredAs(c)
		}
	}
	if t.Sparse != nil {
		stored := "sparse " + encode.SparseStoredAs(t.Sparse)
		for _, c := range learnt.Encoding.Columns {
			in.Columns = append(in.Columns, ColumnSummary{Name: c.Name, Type: c.Type, Min: number(c.Min), Max: number(c.Max), Mean: number(c.Mean), SD: number(c.Deviation),
				StoredAs: stored})
			data.Columns = append(data.Columns, doctor.Column{Name: c.Name, Numeric: true, Min: c.Min, Max: c.Max, Mean: c.Mean, SD: c.Deviation})
		}
		if err := f.examine(ctx, data, rows); err != nil {
			return in, err
		}
	}
	if len(learnt.Encoding.Terms) > 0 {
		labelled := f.classes != nil
		if !labelled { // no label has a part in this
			f.classes, f.label = &encode.Classes{Levels: make([]string, 2)}, make([]int32, t.Rows)
		}
		if err := f.alias(ctx); err != nil {
			return in, err
		}
		if labelled && labels == nil && len(usable.Columns)+1 >= len(t.Columns) {
			if err := f.inspectSeparation(ctx); err != nil {
				return in, err
			}
		}
	}
	return in, labels
}

// inspectSeparation trains without a penalty to the point where it is decided whether an optimum exists, and says if none does.
func (f *fit) inspectSeparation(ctx context.Context) error {
	for _, c := range f.table.Columns {
		if c.Missing > 0 { // what stands for them is not known
			return nil
		}
	}
	all := make([]int, len(f.learnt.Rows))
	for i := range all {
		all[i] = i
	}
	g := f.onRows(all)
	if g == nil || len(f.kept) == 0 {
		return nil
	}
	g.matrix = f.matrix
	g.config.Found = func(x doctor.Finding) error {
		if x.Code != "W-separation" {
			return nil // what training assumes
		}
		return f.found(x)
	}
	if err := g.design(ctx); err != nil {
		return err
	}
	if len(f.kept) > doctor.MaxRankColumns { // what single columns say
		if err := g.prepare(); err != nil || g.problem == nil {
			return err
		}
		d, err := proof.Look(ctx, g.problem)
		if err != nil || d.State != proof.Separated {
			return err
		}
		return g.separated(ctx, d, optim.Outcome{})
	}
	if err := g.solve(ctx); err != nil {
		return err
	}
	if r := g.result; r.Verdict == Undecided {
		return f.found(doctor.Finding{Code: "separation", Severity: doctor.Note, Columns: []string{}, Message: r.Message})
	}
	return nil
}

// inspectTarget says what the labels mean.
func (f *fit) inspectTarget(in *Inspection, data *doctor.Data) error {
	t, c := f.table, f.target
	classes, findings, err := encode.NewClasses(t, c, f.config.Labels)
	if err != nil {
		in.Target = &TargetSummary{Name: c.Name, Classes: c.Levels[:min(len(c.Levels), mostLevelNames)]}
		return err
	}
	if err := f.found(findings...); err != nil {
		return err
	}
	f.classes, f.label = classes, make([]int32, t.Rows)
	counts := make([]int, len(classes.Levels))
	for row, code := range c.Codes {
		k, _ := classes.Index(c.Levels[code])
		f.label[row] = int32(k)
		counts[k]++
	}
	in.Target = &TargetSummary{Name: c.Name}
	if classes.Sets() > 1 {
		in.Target.Classes, in.Target.Counts = classes.Levels, counts
		return nil
	}
	in.Target.Negative, in.Target.Positive, in.Target.Rate = classes.Levels[0], classes.Levels[1], number(float64(counts[1])/float64(t.Rows))
	data.Target = &doctor.Target{Name: c.Name, Negative: classes.Levels[0], Positive: classes.Levels[1], Negatives: float64(counts[0]), Positives: float64(counts[1])}
	return nil
}

// summarize looks at one column of a table.
func summarize(t *dataset.Table, c *dataset.Column) (ColumnSummary, doctor.Column) {
	s := ColumnSummary{Name: c.Name, Type: c.Type.String(), Missing: c.Missing, StoredAs: "float64"}
	d := doctor.Column{Name: c.Name, Missing: c.Missing, Numeric: c.Type == dataset.Numeric}
	if !d.Numeric {
		n := len(c.Levels)
		s.Levels, s.StoredAs, s.LevelNames = &n, "int32 codes", c.Levels[:min(n, mostLevelNames)]
		for code, l := range c.Levels {
			if c.Counts[code] > 0 {
				d.Levels = append(d.Levels, doctor.Tally{Level: l, Rows: c.Counts[code]})
			}
		}
		return s, d
	}
	m := float64(t.Rows - c.Missing)
	if m == 0 {
		return s, d
	}
	d.Min, d.Max = math.Inf(1), math.Inf(-1)
	var mean, square float64
	numbers := c.Numbers.Float64s()
	for _, x := range numbers {
		if !math.IsNaN(x) {
			d.Min, d.Max = math.Min(d.Min, x), math.Max(d.Max, x)
			mean += x / m
		}
	}
	for _, x := range numbers {
		if !math.IsNaN(x) {
			square += (x - mean) * (x - mean) / m
		}
	}
	d.Mean, d.SD = mean, math.Sqrt(square)
	if d.Min == d.Max {
		d.Mean, d.SD = d.Min, 0
	}
	d.Numbers = c.Numbers.Float64s
	s.Min, s.Max, s.Mean, s.SD = number(d.Min), number(d.Max), number(d.Mean), number(d.SD)
	return s, d
}

// Summary is what a model is, under the names that `descent inspect MODEL --json` prints.
type Summary struct {
	Target         string           `json:"target"`
	Classes        []string         `json:"classes"`                   // the negative first; more than two in their order
	ReferenceClass *string          `json:"reference_class,omitempty"` // of more than two classes the one whose weights are 0
	Equations      []string         `json:"equations"`
	Threshold      float64          `json:"threshold"`
	ThresholdBy    *thresholdRecord `json:"threshold_by,omitempty"`  // how it was chosen
	ClassWeights   []float64        `json:"class_weights,omitempty"` // the intercepts are corrected by the logarithms of these
	Recalibration  *calibration.Map `json:"recalibration,omitempty"` // the probability as a function of z, where it is not that of the equations
	Verdict        Verdict          `json:"verdict"`
	Message        string           `json:"message"`
	Columns        []encode.Column  `json:"columns"`
	Aliased        []string         `json:"aliased"`
	Confidence     float64          `json:"conf"`
	StatisticsNote string           `json:"statistics_note,omitempty"`
	Errors         string           `json:"errors,omitempty"` // what the standard errors rest on, where that is not maximum likelihood
	Coefficients   []Coefficient    `json:"coefficients"`
	Layers         []LayerParameter `json:"layers,omitempty"` // of a model with a hidden layer
	Training       TrainingSummary  `json:"training"`
	Metrics        struct {
		Train *metric.Metrics `json:"train"`
		Test  *metric.Metrics `json:"test,omitempty"`
	} `json:"metrics"`
	Tests int `json:"tests"` // test vectors that were replayed
}

// MarshalJSON writes reference_class also where it is null, of more than two classes.
func (s Summary) MarshalJSON() ([]byte, error) {
	type plain Summary
	if len(s.Classes) == 2 {
		return marshalPlain(plain(s))
	}
	return marshalPlain(struct {
		plain
		ReferenceClass *string `json:"reference_class"`
	}{plain(s), s.ReferenceClass})
}

// TrainingSummary is how a model came about.
type TrainingSummary struct {
	Solver      string   `json:"solver"`
	Penalty     Penalty  `json:"penalty"`
	Scale       Scale    `json:"scale"`
	Seed        uint64   `json:"seed"`
	Steps       int      `json:"steps"`
	Rows        int      `json:"rows"`
	WeightSum   float64  `json:"weight_sum"`
	Cost        float64  `json:"cost"`
	Loss        float64  `json:"loss"`
	Gap         *float64 `json:"gap"`
	GapNote     string   `json:"gap_note,omitempty"`
	Fingerprint string   `json:"fingerprint"` // of the training data
}

// Summary describes the model; the intervals of its coefficients have the level confidence (0: 0.95).
func (m *Model) Summary(confidence float64) (*Summary, error) {
	if confidence == 0 {
		confidence = 0.95
	}
	t := &m.file.Training
	s := &Summary{Target: m.file.Target, Classes: m.Classes(), Equations: m.file.Equations, Threshold: m.file.Threshold, Verdict: t.Verdict, Message: t.Message,
		Columns: m.Columns(), Aliased: m.file.Aliased, Confidence: confidence, StatisticsNote: m.file.CovarianceNote, Tests: len(m.file.Tests),
		Training: TrainingSummary{Solver: t.Solver, Penalty: t.Penalty, Scale: t.Scale, Seed: t.Seed, Steps: t.Steps, Rows: t.Rows, WeightSum: t.WeightSum,
			Cost: value(t.Cost), Loss: value(t.Loss), Gap: t.Gap, GapNote: t.GapNote, Fingerprint: t.Fingerprint}}
	if s.Aliased == nil {
		s.Aliased = []string{}
	}
	if level, ok := m.ReferenceClass(); ok {
		s.ReferenceClass = &level
	}
	s.Layers = m.file.Parameters
	if len(m.file.Intercepts) > 1 && s.StatisticsNote != "" {
		s.StatisticsNote = "standard errors, tests and intervals of more than two classes are told by the training and not kept in the model"
	}
	s.Errors = t.Errors
	if t.Firth && s.StatisticsNote == "" {
		s.StatisticsNote = "no tests and intervals: those of Firth's method are of the profile of its likelihood, told by the training and not kept in the model"
	}
	s.ThresholdBy, s.ClassWeights = m.file.ThresholdBy, t.ClassWeights
	if c := m.file.Recalibration; c != nil {
		s.Recalibration = &c.Map
	}
	s.Metrics.Train, s.Metrics.Test = m.file.Metrics.Train, m.file.Metrics.Test
	var err error
	s.Coefficients, err = m.Coefficients(confidence)
	return s, err
}

// Coefficients is the table of coefficients in original units, the intercept first, with intervals of the level confidence. Of more than two
// classes it is ordered by class, without the reference class where nothing is penalised. Errors, tests and intervals are nil where the
// model holds no covariance, tests and intervals also where it was trained by Firth's method, odds ratios where its loss is not the log loss.
func (m *Model) Coefficients(confidence float64) ([]Coefficient, error) {
	f := &m.file
	if f.Parameters != nil {
		return []Coefficient{}, nil
	}
	n := len(f.Terms)
	logLoss, err := m.isLogLoss()
	if err != nil {
		return nil, err
	}
	var wald []infer.Coefficient
	if f.Covariance != nil { // of two classes
		raw := make([]float64, n+1)
		for j, t := range f.Terms {
			raw[j] = t.Weights[0]
		}
		raw[n] = f.Intercepts[0]
		cov := make([]float64, (n+1)*(n+1))
		for i, row := range f.Covariance {
			for j, v := range row {
				cov[i*(n+1)+j], cov[j*(n+1)+i] = v, v
			}
		}
		unit := infer.Map{Center: f.Scaling.Center, Scale: f.Scaling.Scale}
		if wald, err = infer.Coefficients(raw, unit.Covariance(cov, n), confidence); err != nil {
			return nil, err
		}
	}
	var out []Coefficient
	reference := m.reference()
	for k := range f.Intercepts {
		if k == reference {
			continue
		}
		for j := -1; j < n; j++ {
			c, at := Coefficient{Name: interceptName, Estimate: f.Intercepts[k], Scaled: f.Scaling.Intercepts[k]}, n
			if j >= 0 {
				t := &f.Terms[j]
				c, at = Coefficient{Name: t.Name, Estimate: t.Weights[k], Scaled: t.Scaled[k]}, j
			}
			if f.Training.Scale == ScaleNone {
				c.Scaled = c.Estimate // the penalty acts on these
			}
			if len(f.Intercepts) > 1 {
				c.Class = f.Classes.Levels[k]
			}
			if wald != nil {
				w := &wald[at]
				if c.StdError = number(w.StdError); !f.Training.Firth {
					c.Z, c.P, c.Low, c.High = number(w.Z), number(w.P), number(w.Low), number(w.High)
				}
			}
			if logLoss {
				c.OddsRatio = number(math.Exp(c.Estimate))
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// reference is the one of more than two classes whose weights are 0 by choice, because nothing is penalised; -1 if there is none.
func (m *Model) reference() int {
	f := &m.file
	r := f.Classes.Reference
	if len(f.Intercepts) < 2 || f.Training.Penalty != (Penalty{}) || f.Intercepts[r] != 0 {
		return -1
	}
	for _, t := range f.Terms {
		if t.Weights[r] != 0 {
			return -1
		}
	}
	return r
}

// ReferenceClass is the one of more than two classes whose weights are 0, where nothing is penalised; ok is false if there is none.
func (m *Model) ReferenceClass() (level string, ok bool) {
	if r := m.reference(); r >= 0 {
		return m.file.Classes.Levels[r], true
	}
	return "", false
}

// isLogLoss says whether the last equation is the log loss, whatever its spelling.
func (m *Model) isLogLoss() (bool, error) {
	d := m.file.size()
	d.inputs = min(d.inputs, 1)
	g, err := d.parse(m.Equations())
	if err != nil {
		return false, err
	}
	return proof.LogLoss(g, g.Defs[len(g.Defs)-1].Name)
}

// Intercept is b, in original units; of more than two classes that of the first. A model with a hidden layer has none: 0.
func (m *Model) Intercept() float64 {
	if len(m.file.Intercepts) == 0 {
		return 0
	}
	return m.file.Intercepts[0]
}

// Intercepts are b, in original units: one for two classes, else one for every class.
func (m *Model) Intercepts() []float64 { return append([]float64(nil), m.file.Intercepts...) }

// OffsetColumn is the column that is added to z with weight 1; "" if there is none.
func (m *Model) OffsetColumn() string { return m.file.Offset }

// WeightColumn is the column of the training file that held row weights; "" if there was none.
func (m *Model) WeightColumn() string { return m.file.Weight }

// Terms are the names of the inputs, in the order of the weights: x1 is the first, and w1 its weight.
func (m *Model) Terms() []string {
	names := make([]string, len(m.file.Terms))
	for j, t := range m.file.Terms {
		names[j] = t.Name
	}
	return names
}
