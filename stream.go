package descent

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/doctor"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/infer"
	"github.com/descent-ml/descent/optim"
	"github.com/descent-ml/descent/proof"
)

const (
	// streamHead is how many of the first rows decide the types of columns and the classes of a stream.
	streamHead = 8192
	// streamAlpha is the rate of a stream: a first step then moves dot(w, x) by about 1.
	streamAlpha = 1
	// streamEpsilon is AdaGrad's ε, in gradients of one row: a level that is met once moves by two thirds of what it would with 0. On two generated sets of
	// one and two million rows, 0.3 to 1 were equally good, and better than 0 and 3.
	streamEpsilon = 0.5
)

// checkStream says what a stream cannot be combined with.
func (c *Config) checkStream() error {
	s := &c.Solver
	if !s.Stream {
		return nil
	}
	i := &c.Inference
	for _, x := range []struct {
		name string
		set  bool
		why  string
	}{
		{"solver " + s.Method, s.Method != "" && s.Method != "auto" && s.Method != "sgd", "a stream is learnt by sgd"},
		{"steps", s.Steps != 0, "a stream has as many steps as it has mini-batches"},
		{"tol", s.Tol != 0, "nothing is proved of a single pass"},
		{"cv", c.CV.Folds != 0 || c.CV.seeks() || c.CV.Rule != "", "the rows are read once"},
		{"recalibrate", c.Recalibrate != "", "the rows are read once"},
		{"group", c.Split.Group != "", "the rows are read once, and none are held out"},
		{"time", c.Split.Time != "", "the rows are read once, and none are held out"},
		{"terms", c.Encoding.Terms != "", "inputs computed from columns are not offered where rows come once"},
		{"date", len(c.Encoding.Dates) > 0, "inputs computed from columns are not offered where rows come once"},
		{"hidden", c.layered(), "weights are touched a few at a time, which a hidden layer does not allow"},
		{"restarts", s.Restarts > 1, "the rows are read once"},
		{"holdout", c.Test.Every > 0 || c.Test.Part > 0, "the rows are not kept; every row is predicted before it is learnt, which the progressive loss measures, and test measures on rows of their own"},
		{"recalibrate", c.Recalibrate != "", "the rows are read once, and folds read them again"},
		{"threshold-for", c.Decision.For != nil && c.Test.Source == nil, "the rows are not kept; test names rows on which the threshold can be chosen"},
		{"init", c.Run.Init != nil, "it starts from zeros"},
		{"checkpoint", c.Run.Checkpoint != "", "a stream cannot be read again from the middle"},
		{"resume", c.Run.Resume != "", "a stream cannot be read again from the middle"},
		{"memory", c.Run.Memory != 0, "it keeps no rows, so there is nothing to bound"},
		{"class-weight", c.ClassWeight.on(), "the classes are not counted before the end; weight takes a column of row weights"},
		{"successes and failures", c.Columns.Successes != "" || c.Columns.Failures != "", "rows are learnt one by one"},
		{"terms", c.Encoding.Terms != "", "knots, levels and means of what is computed are not known before the end"},
		{"date", c.Encoding.Dates != nil, "the form of the dates is not known before the end"},
		{"min-level-count", c.Encoding.MinLevelCount != 0, "levels are not counted before the end"},
		{"base", len(c.Encoding.Base) > 0, "every level has a weight"},
		{"coding reference", c.Encoding.Coding == encode.CodingReference, "the first level in sort order is not known before the end, so every level has a weight"},
		{"statistics (robust, cluster, lr, firth, margins, diagnostics, bootstrap)", *i != Inference{}, "a single pass does not end at the optimum, where they are valid"},
	} {
		if x.set {
			return fmt.Errorf("stream and %s: %s", x.name, x.why)
		}
	}
	return nil
}

// streaming is a training on rows that come once.
type streaming struct {
	*fit
	ctx     context.Context
	rows    *encode.Stream
	online  *engine.Online
	ada     *optim.AdaGrad
	units   bool // the penalty acts on standardised weights
	weights []streamWeights
	at      []engine.OnlineWeights
	sums    []engine.OnlineSums
	touched engine.Touched
	active  float64 // Σ s ‖x/d‖² of codes and sparse features

	loss     float64 // Σ s L
	point    tally   // at the last point of the progressive loss
	traced   tally   // and of the trace
	diverged error
}

// tally is Σ s L and Σ s up to some row.
type tally struct{ loss, weight float64 }

// since is the mean loss of the rows after another tally.
func (t tally) since(o tally) float64 { return (t.loss - o.loss) / (t.weight - o.weight) }

// streamWeights are the weights of one class. The bias is that of columns less their origins.
type streamWeights struct {
	bias, dense, sparse optim.AdaGradWeights
	codes               []optim.AdaGradWeights
}

// stream reads the source and learns from it.
func (f *fit) stream(ctx context.Context, source Source) error {
	begin := time.Now()
	options, err := f.readOptions()
	if err != nil {
		return err
	}
	limited, cancel := f.limited(ctx)
	defer cancel()
	s := &streaming{fit: f, ctx: limited, units: f.config.Scale == ScaleAuto}
	found, err := source.stream(limited, options, s)
	if err == nil {
		err = s.rows.End()
	}
	f.streamed = s
	f.result.Seconds.Train = time.Since(begin).Seconds()
	switch r := f.result; {
	case s.diverged != nil:
		r.Verdict, r.Message, r.Rows, r.Steps, r.Passes = Diverging, s.diverged.Error(), s.rows.Rows, s.ada.Steps(), 1
		s.noCost()
		return f.verdictError()
	case err != nil && limited.Err() != nil && s.rows != nil && s.ada.Steps() > 0:
		what := "interrupted"
		if r.Verdict = Interrupted; errors.Is(limited.Err(), context.DeadlineExceeded) {
			r.Verdict, f.timeUp, what = Stopped, true, "the time is used up"
		}
		r.Message = fmt.Sprintf("%s after %d rows of the stream", what, s.rows.Rows)
	case err != nil:
		return err
	default:
		r.Verdict, r.Message = Stopped, fmt.Sprintf("the stream has ended: one pass over %d rows in %d steps", s.rows.Rows, s.ada.Steps())
	}
	if err := f.foundByReader(found); err != nil {
		return err
	}
	return s.learned()
}

// learned says what was read.
func (s *streaming) learned() error {
	r := s.result
	if s.rows.Rows == 0 {
		return s.table.At(-1, nil, "no row is left to train on: all have a missing value or weight 0")
	}
	for k, w := range s.rows.Counts {
		if w == 0 {
			return s.table.At(-1, s.target, "the stream has no row of class %q; a model needs rows of every class", s.classes.Levels[k])
		}
	}
	e, places, err := s.rows.Encoding(s.table)
	if err != nil {
		return err
	}
	if len(e.Terms) == 0 {
		return s.table.At(-1, nil, "no input is left: besides the target there is no column in use")
	}
	e.NA = s.config.NA
	s.learnt, s.places = &encode.Learnt{Encoding: e}, places
	s.print = s.fingerprint
	r.Rows, r.Dropped, r.WeightSum = s.rows.Rows, s.rows.Dropped, s.rows.WeightSum
	r.Steps, r.Passes = s.ada.Steps(), 1
	s.noCost()
	now := tally{s.loss, s.rows.WeightSum}
	if now != s.point {
		s.keep(now)
	}
	r.Progressive.Loss, r.Progressive.Rows = now.since(tally{}), r.Rows
	if n := s.rows.Idle; n > 0 {
		if err := s.note("%d rows have weight 0 and take no part", n); err != nil {
			return err
		}
	}
	return s.found(doctor.Examine(s.patient())...)
}

// noCost says what cannot be known.
func (s *streaming) noCost() {
	r := s.result
	r.Cost, r.Loss, r.GradientNorm = math.NaN(), math.NaN(), math.NaN()
	r.GapNote = "no bound: the rows were read once and are gone"
	r.StatisticsNote = "no standard errors, tests and intervals: a single pass does not end at the optimum"
}

// patient is what the doctor is shown.
func (s *streaming) patient() doctor.Data {
	d := doctor.Data{Rows: s.result.Rows, Parameters: s.classes.Sets() * len(s.learnt.Encoding.Terms), Missing: doctor.Policy(s.config.Encoding.Missing)}
	if len(s.classes.Levels) == 2 {
		d.Target = &doctor.Target{Name: s.target.Name, Negative: s.classes.Levels[0], Positive: s.classes.Levels[1], Negatives: s.rows.Counts[0], Positives: s.rows.Counts[1]}
	}
	if d.Missing == doctor.Policy(encode.MissingError) {
		d.Missing = doctor.Refuse
	}
	for i := range s.learnt.Encoding.Columns {
		c := &s.learnt.Encoding.Columns[i]
		out := doctor.Column{Name: c.Name, Numeric: c.Type == encode.Numeric, Min: c.Min, Max: c.Max, Mean: c.Mean, SD: c.Deviation}
		out.Missing, out.Levels = s.rows.Tally(c.Name)
		d.Columns = append(d.Columns, out)
	}
	return d
}

// Head decides classes and columns, and compiles the cost.
func (s *streaming) Head(head *dataset.Table) error {
	c := &s.config
	s.table = head
	if err := s.opened(); err != nil {
		return err
	}
	if c.Target == "" && head.Format != dataset.LIBSVM {
		return errors.New("no target: name the column of the label")
	}
	var err error
	if s.target, err = targetColumn(head, c.Target); err != nil {
		return err
	}
	if err := s.streamClasses(); err != nil {
		return err
	}
	if s.rows, err = encode.NewStream(head, s.target.Name, s.classes, c.Encoding, c.Solver.Batch, s.learn); err != nil {
		return err
	}
	if err := s.twoClasses(); err != nil {
		return err
	}
	K := s.classes.Sets()
	d := size{inputs: 1, sets: K, offset: c.Columns.Offset != ""} // what the slope of the loss is does not depend on n
	equations := c.Equations
	if equations == "" {
		equations = d.equations()
	}
	cost, err := newCost(equations, d, c.Columns.Weight != "", Penalty{})
	if err != nil {
		return fmt.Errorf("equations: %w", err)
	}
	if d.offset && !cost.uses("o") {
		return fmt.Errorf("equations: there is an offset column, but no equation uses o")
	}
	if c.hooks.rules != nil {
		cost.graph.Rules = c.hooks.rules(cost.graph.Rules)
	}
	inputs, in := []string{"y"}, engine.Values{Of: map[string][]float64{}}
	if K > 1 {
		inputs = nil
		for k := range K {
			inputs = append(inputs, fmt.Sprintf("y[%d]", k))
		}
	}
	for _, x := range []struct{ column, name string }{{c.Columns.Weight, "s"}, {c.Columns.Offset, "o"}} {
		if x.column != "" {
			inputs = append(inputs, x.name)
		}
	}
	if cost.uses("r") {
		in.Of["r"] = takesOffset(K, s.classes.Reference)
	}
	names := d.parameters()
	s.online, err = engine.NewOnline(cost.graph, cost.root, names[0], names[1], inputs, in, c.hooks.noFused)
	if errors.Is(err, engine.ErrNotOnline) {
		return errors.New("equations: a stream needs a loss that is a function of dot(w, x) + b alone")
	} else if err != nil {
		return fmt.Errorf("equations: %w", err)
	}
	if s.logLoss, err = proof.LogLoss(cost.graph, cost.loss); err != nil {
		return err
	}
	if s.ada, err = optim.NewAdaGrad(c.Solver.Alpha, streamEpsilon, c.Penalty.L2, c.Penalty.L1); err != nil {
		return err
	}
	s.weights, s.at, s.sums = make([]streamWeights, K), make([]engine.OnlineWeights, K), make([]engine.OnlineSums, K)
	for k := range K {
		s.weights[k].bias.Grow(1)
		s.weights[k].dense.Grow(s.rows.DenseColumns())
		s.at[k].Dense = make([]float64, s.rows.DenseColumns())
		s.sums[k].Dense = make([]float64, s.rows.DenseColumns())
	}
	return s.assumeStream()
}

// streamClasses decides the classes by the first rows. One level alone needs another that is named.
func (s *streaming) streamClasses() error {
	l, levels := &s.config.Labels, s.target.Levels
	if len(levels) == 1 && l.Positive != "" && s.target.Missing == 0 {
		only := (&encode.Classes{Levels: levels})
		if _, same := only.Index(l.Positive); !same {
			negative := levels[0]
			if l.AgainstRest {
				negative = "not " + l.Positive
			}
			s.classes = &encode.Classes{Levels: []string{negative, l.Positive}, AgainstRest: l.AgainstRest}
			return s.note("class 1 is %s = %s, which the first %d rows do not have; class 0 is %s", s.target.Name, l.Positive, s.table.Rows, negative)
		}
	}
	classes, findings, err := encode.NewClasses(s.table, s.target, *l)
	if err != nil {
		var e *dataset.Error
		if len(levels) == 1 && errors.As(err, &e) && e.Cure == "" {
			e.Cure = fmt.Sprintf("a stream takes the classes from its first %d rows; --positive LEVEL names one that comes later", streamHead)
		}
		return err
	}
	s.classes = classes
	return s.found(findings...)
}

// assumeStream says what is assumed about the rows, the penalty and units.
func (s *streaming) assumeStream() error {
	if err := s.note("types and classes are those of the first %d rows; the rows are learnt in the order in which they come, so a file that is sorted by its label or by time gives a poor model (shuffle it)", s.table.Rows); err != nil {
		return err
	}
	units := ""
	if s.config.Penalty.on() {
		units = "; the penalty acts on standardised weights"
		if !s.units {
			units = "; the penalty acts on the weights of the columns as they are"
		}
	}
	if s.rows.Levels() {
		units += "; every level of a column has a weight"
	}
	return s.note("the steps are AdaGrad's, in units that follow every column's deviation so far%s; coefficients are in original units", units)
}

// Take learns from rows.
func (s *streaming) Take(t *dataset.Table, first int) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	return s.rows.Add(t)
}

// learn makes one step.
func (s *streaming) learn(b *engine.OnlineRows) error {
	D := s.rows.DenseColumns()
	for k := range s.at {
		w := &s.weights[k]
		s.at[k].Bias = w.bias.W[0]
		s.at[k].Dense, s.at[k].Sparse = w.dense.W, w.sparse.W
		s.at[k].Codes = s.at[k].Codes[:0]
		for len(w.codes) < len(b.Codes) {
			w.codes = append(w.codes, optim.AdaGradWeights{})
		}
		for c := range w.codes {
			s.at[k].Codes = append(s.at[k].Codes, w.codes[c].W)
		}
	}
	loss, err := s.online.Loss(b, s.at, s.sums, &s.touched)
	if err != nil {
		return err
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		s.diverged = fmt.Errorf("the loss is not finite after %d rows: the numbers are too large, or --alpha %g is", s.rows.Rows-b.Rows, s.config.Solver.Alpha)
		return s.diverged
	}
	s.loss += loss
	s.measureSize(b)
	square := 1.0
	for d := range D {
		if s.rows.Dense(d).Size() > 0 {
			square++
		}
	}
	s.ada.Begin(square+s.active/s.rows.WeightSum, s.rows.WeightSum/float64(s.rows.Rows))
	for k := range s.weights {
		s.move(&s.weights[k], &s.sums[k])
	}
	return s.report()
}

// measureSize adds ‖x/d‖² of levels and sparse features.
func (s *streaming) measureSize(b *engine.OnlineRows) {
	var weights []float64
	if s.config.Columns.Weight != "" {
		weights = b.Inputs[s.classes.Sets()]
	}
	for _, codes := range b.Codes {
		n := 0
		for r, code := range codes[:b.Rows] {
			if code >= 0 {
				if n++; weights != nil {
					s.active += weights[r]
				}
			}
		}
		if weights == nil {
			s.active += float64(n)
		}
	}
	if b.Start == nil {
		return
	}
	for r := range b.Rows {
		var square float64
		for i := b.Start[r]; i < b.Start[r+1]; i++ {
			if d := s.rows.Sparse(b.Index[i]).SquareOfEntries(); d > 0 {
				square += b.Value[i] * b.Value[i] / d
			}
		}
		s.active += float64(weightOf(weights, r) * square)
	}
}

// move moves what a batch touched. The columns are those less their origins; a step is about x less the mean so far, whose bias is b + Σ w_j mean_j.
func (s *streaming) move(w *streamWeights, g *engine.OnlineSums) {
	var shift float64
	for d := range w.dense.W {
		m := s.rows.Dense(d)
		unit := 1.0
		if s.units {
			unit = m.Deviation()
		}
		before, mean := w.dense.W[d], m.Mean()
		s.ada.Move(&w.dense, int32(d), g.Dense[d]-float64(mean*g.Bias), m.Size(), unit)
		shift += float64((w.dense.W[d] - before) * mean)
	}
	for c, list := range s.touched.Codes {
		of, sums := &w.codes[c], g.Codes[c]
		of.Grow(len(sums))
		for _, level := range list {
			s.ada.Move(of, level, sums[level], 1, 1)
			sums[level] = 0
		}
	}
	w.sparse.Grow(len(g.Sparse))
	for _, j := range s.touched.Sparse {
		unit := 1.0
		if s.units && s.config.Penalty.on() {
			unit = s.rows.SparseDeviation(j)
		}
		s.ada.Move(&w.sparse, j, g.Sparse[j], math.Sqrt(s.rows.Sparse(j).SquareOfEntries()), unit)
		g.Sparse[j] = 0
	}
	s.ada.Move(&w.bias, 0, g.Bias, 1, 0)
	s.ada.Shift(&w.bias, 0, -shift)
}

// report keeps the progressive loss after 1, 2, 4 … steps, and the trace.
func (s *streaming) report() error {
	now, step := tally{s.loss, s.rows.WeightSum}, s.ada.Steps()
	if step&(step-1) == 0 {
		s.keep(now)
	}
	if k := s.config.Solver.Record; k > 0 && step%k == 0 {
		s.result.Trace = append(s.result.Trace, TracePoint{step, now.since(s.traced)})
		s.traced = now
	}
	if p := s.config.Progress; p != nil && step%16 == 0 {
		p(Progress{Step: step, Rows: s.rows.Rows, Cost: now.since(tally{}), Passes: 1})
	}
	return s.ctx.Err()
}

func (s *streaming) keep(now tally) {
	r := s.result
	if r.Progressive == nil {
		r.Progressive = &Progressive{}
	}
	r.Progressive.Steps = append(r.Progressive.Steps, ProgressivePoint{s.rows.Rows, now.since(tally{}), now.since(s.point)})
	s.point = now
}

// fingerprint is one of what was learnt of columns and classes: the rows are gone.
func (s *streaming) fingerprint() string {
	e := s.learnt.Encoding
	var tallies [][]doctor.Tally
	for i := range e.Columns {
		_, levels := s.rows.Tally(e.Columns[i].Name)
		slices.SortFunc(levels, func(a, b doctor.Tally) int { return strings.Compare(a.Level, b.Level) })
		tallies = append(tallies, levels)
	}
	b, _ := json.Marshal([]any{s.rows.Rows, s.rows.Dropped, s.rows.Counts, e.Columns, tallies}) // numbers that are finite
	return fmt.Sprintf("stream:sha256:%x", sha256.Sum256(b))
}

// finishStream makes the model.
func (f *fit) finishStream(ctx context.Context) error {
	s, r := f.streamed, f.result
	e := f.learnt.Encoding
	n, K := len(e.Terms), f.classes.Sets()
	f.kept = upTo(n)
	f.matrix = &encode.Design{Terms: f.kept}
	center, scale := make([]float64, n), make([]float64, n)
	column := -1
	for j, t := range e.Terms { // in the order of the columns
		for column < 0 || e.Columns[column].Name != t.Column {
			column++
		}
		scale[j] = 1
		if c := &e.Columns[column]; t.Kind == encode.KindNumeric {
			if center[j] = c.Mean; c.Deviation > 0 {
				scale[j] = 1 / c.Deviation
			}
		}
	}
	if s.units {
		f.matrix.Center, f.matrix.Scale = center, scale
	}
	// θ in the coordinates of the scaling: w̃ = w/scale, b̃ = b + Σ w·(center - origin).
	f.theta = make([]float64, K*(n+1))
	for k := range s.weights {
		w := &s.weights[k]
		bias, dense, sparse := s.ada.Result(&w.bias)[0], s.ada.Result(&w.dense), s.ada.Result(&w.sparse)
		codes := make([][]float64, len(w.codes))
		for c := range codes {
			codes[c] = s.ada.Result(&w.codes[c])
		}
		for j, p := range s.places {
			var v float64
			switch {
			case p.Dense >= 0:
				v = dense[p.Dense]
				bias += float64(v * (s.rows.Dense(p.Dense).Mean())) // the mean less the origin
			case p.Sparse >= 0:
				if p.Sparse < len(sparse) {
					v = sparse[p.Sparse]
				}
				bias += float64(v * center[j])
			case p.Level < len(codes[p.Codes]):
				v = codes[p.Codes][p.Level]
			}
			f.theta[k*n+j] = v / scale[j]
		}
		f.theta[K*n+k] = bias
	}
	if f.classes.Sets() > 1 && f.logLoss {
		f.choose()
	}
	unit := infer.Map{Center: center, Scale: scale}
	raw, moved := make([][]float64, K), make([][]float64, K)
	for k := range K {
		moved[k] = f.set(k)
		raw[k] = unit.Weights(moved[k])
		if !s.units {
			moved[k] = raw[k]
		}
		for j, v := range raw[k] {
			if v-v != 0 || moved[k][j]-moved[k][j] != 0 {
				return fmt.Errorf("the weight of %s is %v in original units: the numbers of its column are too small or too large for float64; rescale it", termName(e, j), v)
			}
		}
	}
	f.streamCoefficients(raw, moved)
	d := size{inputs: n, sets: K, offset: f.config.Columns.Offset != ""}
	if f.config.Equations == "" {
		f.config.Equations = d.equations()
	}
	var err error
	if f.cost, err = newCost(f.config.Equations, d, f.config.Columns.Weight != "", f.config.Penalty); err != nil {
		return fmt.Errorf("equations: %w", err)
	}
	r.Parameters = K * (n + 1)
	return f.build(ctx, e, raw, moved, nil)
}

// streamCoefficients fills the table of coefficients.
func (f *fit) streamCoefficients(raw, scaled [][]float64) {
	r, e := f.result, f.learnt.Encoding
	K, n := len(raw), len(e.Terms)
	referenced := K > 1 && f.logLoss && !f.config.Penalty.on()
	if K > 1 {
		r.Classes = f.classes.Levels
		if referenced {
			r.ReferenceClass = &f.classes.Levels[f.classes.Reference]
		}
	}
	for k := range K {
		class := ""
		if K > 1 {
			if class = f.classes.Levels[k]; referenced && k == f.classes.Reference {
				continue
			}
		}
		for _, j := range append([]int{n}, upTo(n)...) {
			c := Coefficient{Name: termName(e, j), Class: class, Estimate: raw[k][j], Scaled: scaled[k][j]}
			if f.logLoss {
				c.OddsRatio = number(math.Exp(raw[k][j]))
			}
			r.Coefficients = append(r.Coefficients, c)
		}
	}
}
