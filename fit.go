package descent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/doctor"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/metric"
)

// Fit trains a model on the rows of a source.
//
// The result is never nil once training has begun: where the verdict is not a good one the error says what happened and the result
// holds what is known, with a model that [Model.Save] refuses (see [Config.SaveUnfinished]). What Fit assumed, chose or found stands
// in the result's notes and warnings.
//
// The cost is J = (1/m) Σ s_i L_i + λ/(2m)·‖w‖² + λ1/m·‖w‖₁, m = Σ s_i, the bias never penalised; L is the last line of Config.Equations.
// The gradient of all but the last term is derived from the graph of these equations, and that graph is what runs; the last term, which has no
// derivative at 0, is the business of the proximal solver.
//
// With Solver.Stream the source is read once and the model learns as the rows come, in memory that does not grow with them: stochastic gradient descent over
// mini-batches in the order of the rows, with AdaGrad's rates ([optim.AdaGrad] has the formulas) in units that follow each column's deviation. Types and classes come from
// the first 8192 rows; what does not fit further down is an error at its place. Nothing is proved of the end of such a pass, and its verdict is Stopped.
//
// The same data and configuration give the same bits on any number of threads. Cancelling ctx ends training with the verdict
// Interrupted.
func Fit(ctx context.Context, source Source, config Config) (*Result, error) {
	userSteps := config.Solver.Steps > 0
	if err := config.Check(); err != nil {
		return nil, err
	}
	config.defaults()
	f := &fit{config: config, userSteps: userSteps, result: &Result{Solver: config.Solver.Method, Penalty: config.Penalty, Confidence: config.Confidence,
		Seed: config.Solver.Seed, Aliased: []string{}, Notes: []string{}, Warnings: []Warning{}}, start: time.Now()}
	var err error
	if f.settings, err = config.settings(userSteps); err != nil {
		return nil, err
	}
	defer f.keepWithin()()
	read := func(ctx context.Context) error { return f.read(ctx, source) }
	stages := []func(context.Context) error{read, f.expected, f.resume, f.split, f.learn, f.fits, f.alias, f.design, f.validate, f.solve, f.recalibrate, f.finish}
	if config.Solver.Stream {
		stages = []func(context.Context) error{func(ctx context.Context) error { return f.stream(ctx, source) }, f.expected, f.finishStream}
	}
	for _, stage := range stages {
		err := stage(ctx)
		if err == nil && f.table != nil {
			err = f.table.Scratch().Err()
		}
		if err != nil {
			f.result.Seconds.Total = time.Since(f.start).Seconds()
			return f.result, err
		}
	}
	f.result.Seconds.Total = time.Since(f.start).Seconds()
	return f.result, f.verdictError()
}

// fit is one training, stage by stage.
type fit struct {
	config   Config
	settings []setting // as the user made them
	result   *Result
	start    time.Time

	table   *dataset.Table
	test    *dataset.Table // of its own, or table
	target  *dataset.Column
	classes *encode.Classes
	label   []int32 // class by table row

	trainRows, testRows []int

	learnt *encode.Learnt
	kept   []int        // terms that have a weight
	bound  map[int]bool // terms that others determine, and these; -1 is the intercept
	matrix *encode.Design
	engine *engine.Engine
	room   int64 // bytes that the design may take in memory

	frequency    []float64 // row weights by table row, where class weights are on top of them in learnt.Weights
	classWeight  []float64 // nil: none
	frequencySum float64

	userSteps bool // the number of steps is the user's
	timeUp    bool // the time ended the run before anything else
	cost      *cost

	print   func() string // fingerprint of the table
	state   runState      // what a checkpoint says, but for the solver
	resumed *runState     // where to go on; nil once it is taken up
	saved   time.Time     // when the last checkpoint was written
	looked  int           // the step at which separation was last looked for
	solved
	recalibration  *Recalibration // nil: none
	leftOutRows    metric.Rows    // that it was fitted to, with the model's own log-odds
	covarianceNote string         // why the model has no covariance
	model          *Model

	streamed *streaming
	places   []encode.Place // of a stream: where the weight of every term is
}

// open reads the table as the configuration says, and passes on what the reader found.
func (f *fit) open(ctx context.Context, source Source) error {
	options, err := f.readOptions()
	if err != nil {
		return err
	}
	if f.table, err = source.table(ctx, options); err != nil {
		return err
	}
	if err := f.opened(); err != nil {
		return err
	}
	return f.foundByReader(f.table.Findings)
}

// readOptions say how the table is read.
func (f *fit) readOptions() (o dataset.Options, err error) {
	c := &f.config
	types := map[string]dataset.Type{}
	for _, name := range c.Columns.Categorical {
		types[name] = dataset.Levels
	}
	for _, name := range c.Columns.Numeric {
		if _, both := types[name]; both {
			return o, fmt.Errorf("column %q is both categorical and numeric", name)
		}
		types[name] = dataset.Numeric
	}
	for _, d := range c.Encoding.Dates {
		types[d.Column] = dataset.Levels
	}
	for _, name := range []string{c.Columns.Weight, c.Columns.Offset} {
		if name != "" {
			types[name] = dataset.Numeric
		}
	}
	if name := c.Inference.Cluster; name != "" {
		types[name] = dataset.Levels
	}
	if name := c.Split.Group; name != "" && !slices.Contains(c.Columns.Include, name) { // any value is a group
		if _, typed := types[name]; !typed {
			types[name] = dataset.Levels
		}
	}
	if c.Columns.Successes != "" {
		types[c.Columns.Successes], types[c.Columns.Failures] = dataset.Numeric, dataset.Numeric
	}
	if _, typed := types[c.Target]; typed {
		return o, fmt.Errorf("column %q is the target and cannot be given another role or type", c.Target)
	}
	if c.Columns.Weight != "" && c.Columns.Weight == c.Columns.Offset {
		return o, fmt.Errorf("column %q is both weight and offset", c.Columns.Weight)
	}
	return dataset.Options{Format: c.Format, NoHeader: c.NoHeader, NA: c.NA, Types: types, Target: c.Target, Use: c.Columns.uses(c.Target, append(c.roles(), c.Encoding.Only...)...), Threads: c.Solver.Threads, Memory: f.tableMemory(), Entries: c.Run.Memory / entryBytes}, nil
}

// opened checks that the table has what the configuration names.
func (f *fit) opened() error {
	c, t := &f.config, f.table
	if t.Rows == 0 {
		return t.At(-1, nil, "no data rows: the file is empty after its header")
	}
	for _, name := range slices.Concat(c.Columns.Include, c.Columns.Exclude) {
		if t.Format == dataset.LIBSVM && !c.Solver.Stream && !slices.Contains(t.FeatureNames(), name) && slices.Contains(c.Columns.Include, name) ||
			t.Format != dataset.LIBSVM && !slices.Contains(t.Header, name) {
			return t.NoColumn(name)
		}
	}
	for _, name := range c.roles() {
		if _, ok := t.Column(name); !ok {
			return t.NoColumn(name)
		}
	}
	if idle := c.idle(t.Format); idle != nil {
		if err := f.note("%s: without effect on a file of the format %s", strings.Join(idle, ", "), t.Format); err != nil {
			return err
		}
	}
	return nil
}

// foundByReader passes on what the reader found.
func (f *fit) foundByReader(found []dataset.Finding) error {
	for _, d := range found {
		severity := doctor.Note
		if strings.HasPrefix(d.Code, "W-") {
			severity = doctor.Warning
		}
		if err := f.found(doctor.Finding{Code: d.Code, Severity: severity, Columns: d.Columns, Message: d.Message}); err != nil {
			return err
		}
	}
	return nil
}

// idle are the options that are set and have no effect on files of a format: only lines of cells may lack a header, and LIBSVM's features have neither levels nor
// missing values.
func (c *Config) idle(format string) []string {
	var names []string
	if c.NoHeader && !slices.Contains([]string{dataset.CSV, dataset.TSV, dataset.Semicolon, dataset.Pipe}, format) {
		names = append(names, "no-header")
	}
	e := &c.Encoding
	for _, o := range []struct {
		name string
		set  bool
	}{{"missing", e.Missing != "" && e.Missing != encode.MissingError}, {"unseen", e.Unseen != "" && e.Unseen != encode.UnseenError}, {"coding", e.Coding != "" && e.Coding != encode.CodingAuto},
		{"min-level-count", e.MinLevelCount > 0}, {"max-levels", e.MaxLevels > 0}} {
		if o.set && format == dataset.LIBSVM {
			names = append(names, o.name)
		}
	}
	return names
}

// read reads the table and decides the classes.
func (f *fit) read(ctx context.Context, source Source) error {
	begin := time.Now()
	if err := f.open(ctx, source); err != nil {
		return err
	}
	if f.config.Columns.Successes != "" {
		return f.group(begin)
	}
	t := f.table
	if f.config.Target == "" && t.Format != dataset.LIBSVM {
		return errors.New("no target: name the column of the label")
	}
	var err error
	if f.target, err = targetColumn(t, f.config.Target); err != nil {
		return err
	}
	classes, findings, err := encode.NewClasses(t, f.target, f.config.Labels)
	if err != nil {
		return err
	}
	f.classes = classes
	if err := f.found(findings...); err != nil {
		return err
	}
	class := make([]int32, len(f.target.Levels))
	for code, text := range f.target.Levels {
		k, _ := classes.Index(text)
		class[code] = int32(k)
	}
	f.label = make([]int32, t.Rows)
	for row, code := range f.target.Codes {
		f.label[row] = class[code]
	}
	f.startFingerprint()
	f.result.Seconds.Read = time.Since(begin).Seconds()
	return nil
}

// uses says which columns are read: those included and not excluded, and those with a role.
func (c *Columns) uses(target string, roles ...string) func(string) bool {
	include, exclude, role := set(c.Include), set(c.Exclude), set(roles)
	return func(name string) bool {
		if name == target || name == c.Weight || name == c.Offset || role[name] {
			return true
		}
		return (len(include) == 0 || include[name]) && !exclude[name]
	}
}

func set(names []string) map[string]bool {
	s := make(map[string]bool, len(names))
	for _, n := range names {
		s[n] = true
	}
	return s
}

// learn decides the inputs and lets the doctor look at them.
func (f *fit) learn(ctx context.Context) error {
	var err error
	if f.learnt, err = encode.Learn(f.table, f.target.Name, f.trainRows, f.config.Encoding); err != nil {
		return err
	}
	l := f.learnt
	l.Encoding.NA = f.config.NA
	if l.Replaced != nil {
		if err := f.note("no input by itself: %s; the spline in its place holds the straight line, too", someNames(l.Replaced)); err != nil {
			return err
		}
	}
	f.result.Rows, f.result.Dropped = len(l.Rows), l.Dropped
	if n := len(f.trainRows) - len(l.Rows) - l.Dropped; n > 0 {
		if err := f.note("%d rows have weight 0 and take no part", n); err != nil {
			return err
		}
	}
	weight := make([]float64, len(f.classes.Levels)) // Σ s of every class
	for _, row := range l.Rows {
		weight[f.label[row]] += weightOf(l.Weights, row)
	}
	f.result.WeightSum = 0
	for k, w := range weight {
		f.result.WeightSum += w
		if w == 0 {
			if len(weight) == 2 {
				return f.table.At(-1, f.target, "only one class, %q, is left in the %d training rows; a model needs rows of two", f.classes.Levels[1-k], len(l.Rows))
			}
			return f.table.At(-1, f.target, "no row of class %q is left in the %d training rows", f.classes.Levels[k], len(l.Rows))
		}
	}
	if len(l.Encoding.Terms) == 0 {
		return f.table.At(-1, nil, "no input is left: besides the target there is no column in use, or only columns of one level")
	}
	if err := f.inferable(); err != nil {
		return err
	}
	if err := f.reweight(weight); err != nil {
		return err
	}
	return f.examine(ctx, f.patient(weight), l.Rows)
}

// examine lets the doctor look at the columns and at what every one of them tells of the labels of the rows in use, ascending; alias, which follows, looks for columns that
// others determine. Training begins with these two and an inspection is no more, so that both find the same.
func (f *fit) examine(ctx context.Context, d doctor.Data, rows []int) error {
	if err := f.found(doctor.Examine(d)...); err != nil {
		return err
	}
	if f.label == nil {
		return nil
	}
	leaks, err := f.leaks(ctx, rows)
	if err != nil {
		return err
	}
	if err := f.found(leaks...); err != nil || f.test == nil {
		return err
	}
	return f.twins(ctx, f.test, f.testRows, f.label)
}

// patient is what the doctor is shown.
func (f *fit) patient(weight []float64) doctor.Data {
	l := f.learnt
	d := doctor.Data{Rows: len(l.Rows), Parameters: f.weights(), Missing: doctor.Policy(f.config.Encoding.Missing)}
	if len(weight) == 2 {
		d.Target = &doctor.Target{Name: f.target.Name, Negative: f.classes.Levels[0], Positive: f.classes.Levels[1], Negatives: weight[0], Positives: weight[1]}
	}
	if d.Missing == doctor.Policy(encode.MissingError) {
		d.Missing = doctor.Refuse
	}
	for i := range l.Encoding.Columns {
		c := &l.Encoding.Columns[i]
		if !c.Read() {
			continue // nothing can be done about it but by the columns it is computed from
		}
		out := doctor.Column{Name: c.Name, Numeric: !c.HasLevels(), Min: c.Min, Max: c.Max, Mean: c.Mean, SD: c.Deviation}
		if col, ok := f.table.Column(c.Name); ok {
			counts := col.Counts // of all rows
			out.Missing = col.Missing
			if out.Numeric && col.Type == dataset.Numeric {
				out.Numbers = func() []float64 { return numbersOf(col, l.Rows) }
			}
			if len(l.Rows) < f.table.Rows {
				counts, out.Missing = f.tally(col, l.Rows)
			}
			for code, level := range col.Levels {
				if c.HasLevels() && counts[code] > 0 {
					out.Levels = append(out.Levels, doctor.Tally{Level: level, Rows: counts[code]})
				}
			}
		}
		d.Columns = append(d.Columns, out)
	}
	return d
}

// tally counts the rows (ascending) of every level, and those without a value.
func (f *fit) tally(c *dataset.Column, rows []int) (counts []int, missing int) {
	counts = make([]int, len(c.Levels))
	if c.Type == dataset.Numeric && c.Missing == 0 {
		return counts, 0
	}
	gone := make([]bool, f.table.Rows)
	c.MarkMissing(gone)
	for _, row := range rows {
		if gone[row] {
			missing++
		}
	}
	if c.Type != dataset.Numeric {
		c.EachCode(func(from int, codes []int32) {
			for ; len(rows) > 0 && rows[0] < from+len(codes); rows = rows[1:] {
				if code := codes[rows[0]-from]; code >= 0 {
					counts[code]++
				}
			}
		})
	}
	return counts, missing
}

// standard says whether the solver works on standardised inputs. The Newton and quasi-Newton methods always do, whatever the units of
// the penalty: that is only a matter of coordinates. The exception is sparse data with the penalty on the raw weights, whose
// coordinates are good as they are. Gradient descent walks in the units it is told.
func (f *fit) standard() bool {
	if f.config.Scale == ScaleAuto {
		return true
	}
	return !f.firstOrder() && !f.config.layered() && (f.table.Sparse == nil || !f.config.Penalty.on())
}

func (f *fit) firstOrder() bool {
	return f.config.Solver.Method == "gd" || f.config.Solver.Method == "sgd"
}

// inputs are the columns of the graph besides x: y, and s and o where there are any.
func (f *fit) inputs() []encode.Input {
	pick := func(v []float64) []float64 {
		out := make([]float64, len(f.learnt.Rows))
		for i, row := range f.learnt.Rows {
			out[i] = v[row]
		}
		return out
	}
	var in []encode.Input
	for k := range f.classes.Sets() {
		name, class := fmt.Sprintf("y[%d]", k), int32(k) // one-hot
		if f.classes.Sets() == 1 {
			name, class = "y", 1
		}
		y := make([]float64, len(f.learnt.Rows))
		for i, row := range f.learnt.Rows {
			if f.label[row] == class {
				y[i] = 1
			}
		}
		in = append(in, encode.Input{Name: name, Values: y})
	}
	if f.learnt.Weights != nil {
		in = append(in, encode.Input{Name: "s", Values: pick(f.learnt.Weights)})
	}
	if f.learnt.Offsets != nil {
		in = append(in, encode.Input{Name: "o", Values: pick(f.learnt.Offsets)})
	}
	return in
}

// alias finds terms that earlier ones determine. They are left out where nothing is penalised and the solver finds the optimum; elsewhere
// they stay and are only named.
func (f *fit) alias(ctx context.Context) error {
	e := f.learnt.Encoding
	f.kept = make([]int, len(e.Terms))
	for j := range f.kept {
		f.kept[j] = j
	}
	if f.config.layered() {
		return nil // what others determine does no harm to a layer, whose weights are not one point anyway
	}
	if len(e.Terms) > doctor.MaxRankColumns {
		return f.note("%d inputs: columns that others determine are not looked for above %d", len(e.Terms), doctor.MaxRankColumns)
	}
	// With a penalty, where every level has a weight, the levels of a column add up to one by design: the first of each is left out of
	// the search. Without one they are as collinear as any.
	// So are products with such a column.
	searched := make([]int, 0, len(e.Terms))
	for j, t := range e.Terms {
		if f.config.Penalty.on() && e.FullProduct(t.Column) {
			continue
		}
		if t.Kind == encode.KindLevel && f.config.Penalty.on() {
			if c, _ := e.Column(t.Column); c.Base == "" && (j == 0 || e.Terms[j-1].Column != t.Column) {
				continue
			}
		}
		searched = append(searched, j)
	}
	d, err := e.DesignWithin(f.room, f.table, f.learnt.Rows, nil, true, f.inputs()...)
	if err != nil {
		return err
	}
	f.matrix = d // the very matrix that trains
	if !f.standard() {
		f.matrix = d.Raw()
	}
	drop := !f.config.Penalty.on() && !f.firstOrder()
	look := f.rank
	if !drop && len(searched) > fewColumns {
		look = f.alike
		if err := f.note("%d inputs: above %d and with a penalty only columns that are constant or that one other column determines are looked for", len(searched), fewColumns); err != nil {
			return err
		}
	}
	aliases, err := look(ctx, d, searched)
	if err != nil {
		return err
	}
	terms, center, scale := make([]string, len(searched)), make([]float64, len(searched)), make([]float64, len(searched))
	for i, j := range searched {
		terms[i], center[i], scale[i] = e.Terms[j].Name, d.Center[j], d.Scale[j]
	}
	found := doctor.Collinear(aliases, terms, center, scale, drop)
	for i := range found { // what is computed is in no file that it could be left out of
		if j := slices.Index(terms, found[i].Columns[0]); j >= 0 && drop {
			if c, _ := e.Column(e.Terms[searched[j]].Column); c != nil && !c.Read() {
				found[i].Cure = "leave it out of --terms or --date, or use a penalty (--l2)"
			}
		}
	}
	if err := f.found(found...); err != nil {
		return err
	}
	f.binds(aliases, searched, center, scale)
	gone := map[int]bool{}
	for _, a := range aliases {
		gone[searched[a.Column]] = true
		f.result.Aliased = append(f.result.Aliased, terms[a.Column])
	}
	if drop && len(gone) > 0 {
		f.kept = slices.DeleteFunc(f.kept, func(j int) bool { return gone[j] })
		f.matrix = nil // to be stored without them
	}
	return f.noColumns()
}

// rank looks for aliases among the terms searched, first in part of the rows: columns that are independent there are independent.
func (f *fit) rank(ctx context.Context, d *encode.Design, searched []int) ([]doctor.Alias, error) {
	e, err := engine.New(d.Memory, engine.Options{Threads: f.config.Solver.Threads})
	if err != nil {
		return nil, err
	}
	n, m := len(searched), len(f.learnt.Rows)
	s, _ := d.Memory.Input("s")
	residual := func(v []float64) (float64, error) {
		all := make([]float64, len(d.Terms)+1)
		for i, j := range searched {
			all[j] = v[i]
		}
		all[len(d.Terms)] = v[n]
		r, err := e.Linear(ctx, all)
		if err != nil {
			return 0, err
		}
		return norm(r, s), nil
	}
	rank := func(chunks []int, residual func([]float64) (float64, error)) ([]doctor.Alias, error) {
		gram, err := e.Gram(ctx, s, chunks)
		if err != nil {
			return nil, err
		}
		return doctor.Rank(within(gram, len(d.Terms), searched), n, residual)
	}
	size := d.Memory.ChunkRows()
	few := 16 * (n + 1)
	if n > fewColumns {
		few = 2 * (n + 1)
	}
	if few = max(few/size, 4); 2*few*size < m {
		all := (m + size - 1) / size
		chunks := make([]int, 0, few)
		for k := range few { // spread over the file
			chunks = append(chunks, k*all/few)
		}
		if a, err := rank(chunks, nil); ctx.Err() != nil || err == nil && len(a) == 0 {
			return nil, ctx.Err()
		}
	}
	return rank(nil, residual)
}

// within is the part of a Gram matrix of n features and the ones that is about some of the features, and the ones.
func within(gram []float64, n int, some []int) []float64 {
	if len(some) == n {
		return gram
	}
	rows := append(slices.Clone(some), n)
	out := make([]float64, 0, len(rows)*len(rows))
	for _, i := range rows {
		for _, j := range rows {
			out = append(out, gram[i*(n+1)+j])
		}
	}
	return out
}

// design stores the training matrix and makes the cost.
func (f *fit) design(context.Context) error {
	c := &f.config
	var err error
	if f.matrix == nil {
		if f.matrix, err = f.learnt.Encoding.DesignWithin(f.room, f.table, f.learnt.Rows, f.kept, f.standard(), f.inputs()...); err != nil {
			return err
		}
	}
	stored := f.matrix.Storage()
	f.result.Stored = &stored
	if err := f.sayMemory(); err != nil {
		return err
	}
	if f.engine, err = engine.New(f.matrix.Memory, engine.Options{Threads: c.Solver.Threads, NoFused: c.hooks.noFused}); err != nil {
		return err
	}
	d := size{inputs: len(f.kept), sets: f.classes.Sets(), offset: f.learnt.Offsets != nil}
	if c.Equations == "" {
		c.Equations = d.equations()
		if c.Hidden > 0 {
			c.Equations = d.hidden(c.Hidden)
		}
	}
	if f.cost, err = newCost(c.Equations, d, f.learnt.Weights != nil, c.Penalty); err != nil {
		return fmt.Errorf("equations: %w", err)
	}
	if c.hooks.rules != nil {
		f.cost.graph.Rules = c.hooks.rules(f.cost.graph.Rules)
	}
	if f.learnt.Offsets != nil && !f.cost.uses("o") {
		return fmt.Errorf("equations: there is an offset column, but no equation uses o")
	}
	f.result.Parameters = d.sets * (d.inputs + 1)
	if f.cost.parameters != nil {
		return f.assumeLayers()
	}
	return f.assumptions()
}

// assumptions says what was assumed about penalty and units.
func (f *fit) assumptions() error {
	if err := f.assumeL1(); err != nil {
		return err
	}
	if f.config.Inference.Firth {
		if err := f.note("Firth's penalty, half the log determinant of the information, is added to the log likelihood; it takes the bias of maximum likelihood off to first order"); err != nil {
			return err
		}
	} else if !f.config.Penalty.on() && !f.firstOrder() {
		if err := f.note("no penalty: maximum likelihood (--l2 adds one)"); err != nil {
			return err
		}
	}
	numeric := slices.ContainsFunc(f.learnt.Encoding.Terms, func(t encode.Term) bool { return t.Kind == encode.KindNumeric })
	switch {
	case !numeric:
	case f.firstOrder() && f.config.Scale == ScaleNone:
		return f.note("gradient descent on the columns as they are (--scale auto standardises them)")
	case f.config.Scale == ScaleAuto && f.config.Penalty.on():
		return f.note("numeric columns are standardised inside and the penalty acts on the standardised weights; coefficients are in original units")
	case f.config.Scale == ScaleAuto:
		return f.note("numeric columns are standardised inside; coefficients are in original units")
	}
	return nil
}

// lambda is λ for every weight, set by set, in the coordinates in which the solver works: a weight in original units is Scale times the
// solver's.
func (f *fit) lambda() []float64 {
	n := len(f.kept)
	lambda := make([]float64, f.classes.Sets()*n)
	for i := range lambda {
		lambda[i] = f.config.Penalty.L2
		if f.config.Scale == ScaleNone && f.matrix.Scale != nil {
			lambda[i] *= f.matrix.Scale[i%n] * f.matrix.Scale[i%n]
		}
	}
	return lambda
}
