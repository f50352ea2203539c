package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
	"github.com/guptarohit/asciigraph"
	"github.com/spf13/cobra"
)

func (a *app) trainCommand() *cobra.Command {
	t := &training{app: a}
	cmd := &cobra.Command{
		Use:   "train FILE --target Y [-o MODEL]",
		Short: "fit a model and say how far from the optimum it can be",
		Long: `Train minimises the cost J = (1/m) Σ s L + λ/(2m)·‖w‖² + λ1/m·Σ|w| of a file's rows and prints coefficients, their errors and what is proved
about the answer. L is the loss of one example: the log loss of the lecture, or the last line of --equations (descent help equations). A target of more than two
levels has a class for each: softmax takes the place of the sigmoid, and every class has weights of its own.

FILE is a path, a glob, or - for standard input: CSV, TSV, semicolons, LIBSVM or JSON Lines, also as gzip or zstd, or Parquet.
Nothing that did not converge is saved without --save-unfinished; without -o nothing is saved at all.`,
		Example: `  descent train heart.csv --target disease -o heart.json
  descent train heart.csv --target disease --l2 1 --holdout 0.2
  descent train heart.csv --target disease --l1 2 --l2 0.5
  descent train heart.csv --target disease --l2 auto --cv 10
  descent train iris.csv --target species --softmax --l2 1
  descent train two.csv --target y --solver gd --steps 100 --record 10`,
		Args:              exactly("FILE"),
		RunE:              func(cmd *cobra.Command, args []string) error { return t.run(cmd, args[0]) },
		ValidArgsFunction: completeFiles(1),
	}
	f, c := cmd.Flags(), &t.data.config
	t.data.add(cmd)
	f.StringVar(&c.Labels.Reference, "reference-class", "", "`level` whose weights are 0; of more than two classes, where nothing is penalised (the first)")
	must(cmd.RegisterFlagCompletionFunc("reference-class", completeLevels(0)))
	choose(cmd, &c.Encoding.Unseen, "unseen", "what a level means that training did not see (error)", "error", "baseline")
	choose(cmd, &c.Scale, "scale", "auto: numeric columns are standardised inside (gd, sgd: none)", "auto", "none")
	f.StringVar(&t.test, "test", "", "measure the model on the rows of this `file`")
	f.Var(holdout{&c.Test}, "holdout", "measure on rows left out of training: a share (of every class the same), or every:5")
	addSplit(cmd, &c.Split)
	f.Var(costFlag{&c.Decision.Cost}, "cost", "what a false positive and a false negative cost: the model's threshold is then fp/(fp + fn)")
	f.Var(constraintFlag{&c.Decision.For}, "threshold-for", "the model's threshold gives so much recall, precision or specificity, on --holdout or --test rows if there are any")
	choose(cmd, &c.Recalibrate, "recalibrate", "probabilities by a function of z that is fitted to rows left out in folds (of --cv, or 5)", "platt", "isotonic")
	f.Uint64Var(&c.Solver.Seed, "seed", 1, "`seed` of every random choice (1)")
	f.Var(penalty{&c.Penalty.L2, &c.CV.L2}, "l2", "λ of the penalty λ/(2m)·‖w‖²; the bias is not penalised; auto: by cross-validation")
	f.Var(penalty{&c.Penalty.L1, &c.CV.L1}, "l1", "λ1 of the penalty λ1/m·Σ|w|, which makes weights exactly 0; with --l2 the elastic net; auto: by cross-validation")
	addCV(cmd, &c.CV)
	choose(cmd, &c.Solver.Method, "solver", "gd is the lecture's: full gradient, fixed alpha, from zeros", "auto", "gd", "sgd", "lbfgs", "newton")
	f.BoolVar(&c.Solver.Stream, "stream", false, "read FILE once and learn as it comes, in memory that does not grow with its rows: sgd with AdaGrad's rates; descent help stream")
	f.Var(number{&c.Solver.Alpha}, "alpha", "learning `rate` of gd and sgd (0.01; of --stream 1)")
	f.IntVar(&c.Solver.Steps, "steps", 0, "`number` of updates of gd (100) and sgd (as many as ten passes over the rows take); the most steps of newton (200) and lbfgs (2000)")
	f.IntVar(&c.Solver.Batch, "batch", 0, "`rows` of one update of sgd (64)")
	f.Var(number{&c.Solver.Tol}, "tol", "stop when the proved gap is at most this `share` of J (every coefficient within 1e-10 standard errors)")
	f.IntVar(&c.Solver.Record, "record", 0, "keep J every `K` steps, before the update")
	f.StringVar(&t.equations, "equations", "", "`file` of a model of your own: one equation a line, the last the loss of one example; descent help equations")
	t.addHidden(cmd)
	addInference(cmd, c)
	f.IntVar(&c.Solver.Threads, "threads", 0, "`cores` to use (all); the model has the same bits")
	t.running.add(cmd, c)
	f.StringVarP(&t.output, "output", "o", "", "write the model to this `file`")
	f.BoolVar(&c.SaveUnfinished, "save-unfinished", false, "save although not converged; the model says so")
	laterFlags(f, "report", "tape", "mpi")
	return cmd
}

// training is one call of train.
type training struct {
	*app
	data            dataFlags
	output          string
	test, equations string
	running         running
}

// holdout is --holdout.
type holdout struct{ test *descent.Test }

func (h holdout) String() string { return "" }
func (h holdout) Type() string   { return "0.2|every:5" }
func (h holdout) Set(s string) error {
	if rest, ok := strings.CutPrefix(s, "every:"); ok {
		k, err := strconv.Atoi(rest)
		if err != nil || k < 2 {
			return fmt.Errorf("want every:K, K from 2")
		}
		h.test.Every, h.test.Part = k, 0
		return nil
	}
	v, ok := dataset.ParseNumber([]byte(s))
	if !ok || !(v > 0 && v < 1) {
		return fmt.Errorf("want a share between 0 and 1, or every:K")
	}
	h.test.Part, h.test.Every = v, 0
	return nil
}

func (t *training) run(cmd *cobra.Command, file string) error {
	c, err := t.data.finish(cmd)
	if err != nil {
		return err
	}
	if err := t.check(cmd, &c, file); err != nil {
		return err
	}
	source, err := t.source(file)
	if err != nil {
		return err
	}
	if t.test != "" {
		if c.Test.Source, err = t.source(t.test); err != nil {
			return err
		}
	}
	if t.equations != "" {
		if c.Equations, err = equationsFile(t.equations); err != nil {
			return err
		}
	}
	if err := t.running.load(t.app, &c); err != nil {
		return err
	}
	if t.progress != nil && !t.quiet {
		c.Progress = t.progress.step
	}
	if err := c.Check(); err != nil {
		return usageError{err.Error()}
	}
	c.Found = t.found
	r, err := descent.Fit(t.ctx, source, c)
	if err != nil && r.Rows == 0 && c.Target == "" && !isPlaced(err) {
		return t.noTarget(err, file)
	}
	// Only what Fit calls unfinished is saved beside a good model; after another error there is none.
	if unfinished := errors.Is(err, descent.ErrUnfinished); (err == nil || unfinished && c.SaveUnfinished) && t.output != "" && r.Model != nil {
		if e := t.save(r, unfinished); e != nil && err == nil {
			err = e
		}
	}
	if err != nil {
		err = equationsError(err, t.equations)
		if r.Verdict == "" {
			return knowing{err, beforeTraining{Notes: r.Notes, Warnings: r.Warnings}}
		}
		if !t.json {
			t.emit(nil, func(p *page) { t.print(p, r) })
		}
		return knowing{err, r}
	}
	err = t.emit(r, func(p *page) { t.print(p, r) })
	if err != nil && r.Saved != nil {
		os.Remove(t.output) // a failed run leaves no file behind
	}
	return err
}

// beforeTraining is what is known where a training could not begin.
type beforeTraining struct {
	Verdict  *descent.Verdict  `json:"verdict"` // null
	Notes    []string          `json:"notes"`
	Warnings []descent.Warning `json:"warnings"`
}

// check refuses what would have no effect, before anything is read.
func (t *training) check(cmd *cobra.Command, c *descent.Config, file string) error {
	s := &c.Solver
	first := s.Method == "gd" || s.Method == "sgd" || s.Stream
	changed := cmd.Flags().Changed
	switch {
	case s.Stream && s.Method != "" && s.Method != "auto" && s.Method != "sgd":
		return usagef("--stream and --solver %s: a stream is learnt by sgd", s.Method)
	case s.Stream && changed("seed"):
		return usagef("--stream and --seed: a stream is learnt in the order of its rows, nothing is random")
	case s.Stream && changed("conf"):
		return usagef("--stream and --conf: a single pass does not end at the optimum, so there are no intervals")
	case changed("alpha") && !first:
		return usagef("--alpha is the learning rate of --solver gd and sgd; %s chooses its own steps", name(s.Method))
	case changed("batch") && s.Method != "sgd" && !s.Stream:
		return usagef("--batch is for --solver sgd")
	case changed("tol") && s.Stream:
		return usagef("--stream and --tol: nothing is proved of a single pass")
	case changed("tol") && first:
		return usagef("--tol is not for --solver %s, which makes exactly --steps updates", s.Method)
	case changed("tol") && !(s.Tol > 0):
		return usagef("--tol %v: want a number over 0", s.Tol)
	case changed("alpha") && !(s.Alpha > 0):
		return usagef("--alpha %v: want a number over 0", s.Alpha)
	case changed("steps") && s.Steps < 1, changed("batch") && s.Batch < 1, changed("record") && s.Record < 1, changed("threads") && s.Threads < 1:
		return usagef("--steps, --batch, --record and --threads are numbers from 1")
	case changed("seed") && s.Seed == 0:
		return usagef("--seed 0: want a number from 1")
	case c.Labels.Reference != "" && (c.Penalty.L2 > 0 || c.Penalty.L1 > 0 || c.CV.L2 || c.CV.L1) && c.Columns.Offset == "":
		return usagef("--reference-class: with a penalty every class has weights, and none is the reference")
	case splitUsage(cmd, c) != nil:
		return splitUsage(cmd, c)
	case checkInference(cmd, c) != nil:
		return checkInference(cmd, c)
	case hiddenUsage(cmd, c) != nil:
		return hiddenUsage(cmd, c)
	case cvUsage(cmd, c) != nil:
		return cvUsage(cmd, c)
	case changed("test") && changed("holdout"):
		return usagef("--test and --holdout: choose one")
	case t.test == "-" && file == "-":
		return usagef("standard input cannot be both FILE and --test")
	case c.SaveUnfinished && t.output == "":
		return usagef("--save-unfinished needs -o MODEL")
	case t.output == "-":
		return usagef("-o -: the model goes to a file; standard output has the results")
	case isInput(t.output, file), isInput(t.output, t.test), isInput(t.output, t.equations):
		return usagef("-o %s is a file that is read; it would be overwritten", t.output)
	}
	if err := t.running.check(cmd, c, file, t.output); err != nil {
		return err
	}
	if t.output != "" { // better now than after the training
		dir := filepath.Dir(t.output)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return placed{file: t.output, message: fmt.Sprintf("there is no directory %s to write to", dir)}
		}
	}
	return nil
}

func name(method string) string {
	if method == "" {
		return "auto"
	}
	return method
}

func isPlaced(err error) bool {
	var e *dataset.Error
	return errors.As(err, &e)
}

// equationsError places an error of the equations in the file they come from.
func equationsError(err error, file string) error {
	if e, ok := equationPlace(err, file); ok {
		return e
	}
	return err
}

// noTarget says which columns could be the target, where the file is one that can be looked at again.
func (t *training) noTarget(err error, file string) error {
	if !strings.HasPrefix(err.Error(), "no target") {
		return usagef("%v; descent help train", err)
	}
	if paths, e := filepath.Glob(file); e == nil && len(paths) > 0 {
		file = paths[0]
	}
	var names []string
	for _, c := range headerOf(file, t.data.noHeader) {
		names = append(names, printable(c))
	}
	if names == nil {
		return usagef("no target: name it with --target COLUMN")
	}
	return usagef("no target: name it with --target COLUMN; the file has %s", shortList(names, 20))
}

func (t *training) save(r *descent.Result, unfinished bool) error {
	if err := r.Model.Save(t.output); err != nil {
		return err
	}
	r.Saved = &t.output
	if unfinished {
		return t.warn("W-unfinished", fmt.Sprintf("%s holds a model whose training ended %s", t.output, r.Verdict))
	}
	return nil
}

// print is the table that a user of R or statsmodels expects.
func (t *training) print(p *page, r *descent.Result) {
	m := r.Model
	p.heading(printable(t.call()))
	rows := count(r.Rows, "row")
	if r.Dropped > 0 {
		rows += fmt.Sprintf(", %d more left out for a missing value", r.Dropped)
	}
	if r.WeightSum != float64(r.Rows) {
		rows += fmt.Sprintf(", weight %s", short(r.WeightSum, 7))
	}
	var model string
	if m != nil {
		classes := m.Classes()
		model = predicts(m) + "; " + count(r.Parameters, "parameter")
		switch {
		case r.Train == nil:
		case len(classes) == 2:
			rows += fmt.Sprintf("; %d are %s", r.Train.Positives, printable(classes[1]))
		default:
			each := make([]string, len(classes))
			for k, c := range r.Train.PerClass {
				each[k] = fmt.Sprintf("%d %s", c.Rows, printable(c.Level))
			}
			rows += ": " + shortList(each, 10)
		}
	}
	if len(r.Aliased) > 0 {
		names := make([]string, 0, len(r.Aliased))
		for _, n := range r.Aliased {
			names = append(names, printable(n))
		}
		model += "; aliased: " + shortList(names, 10)
	}
	penalty := "none"
	if s := penaltyOf(r.Penalty); s != "" {
		penalty = s
		if r.Penalty.L1 > 0 && len(r.Coefficients) > 0 {
			penalty += "; " + nonzero(r.Coefficients)
		}
	}
	verdict := string(r.Verdict)
	switch r.Verdict {
	case descent.Converged, descent.Stationary:
		verdict = p.style(good, verdict)
	case descent.Stopped:
	default:
		verdict = p.style(bad, verdict)
	}
	verdict += ": " + r.Message
	cost := fmt.Sprintf("J = %s", strconv.FormatFloat(r.Cost, 'g', 12, 64))
	if math.IsNaN(r.Cost) && (m == nil || r.Progressive != nil) {
		cost = "" // it did not come to that, or the rows are gone
	} else if penalty != "none" {
		cost += fmt.Sprintf(", of which loss %s", strconv.FormatFloat(r.Loss, 'g', 12, 64))
	}
	gap := r.GapNote
	if r.Gap != nil {
		gap = fmt.Sprintf("J - J* is at most %s: proved", digits(*r.Gap, 2))
	}
	saved := ""
	if r.Saved != nil {
		saved = printable(*r.Saved)
	}
	state := ""
	if r.Checkpoint != nil {
		state = printable(*r.Checkpoint) + ": --resume goes on from there"
	}
	p.facts(
		"rows", rows,
		"stored", stored(r.Stored),
		"model", model,
		"equations", equationsOfLayers(m),
		"penalty", penalty,
		"solver", fmt.Sprintf("%s, %s, %s over the rows, %s s (%s)", r.Solver, count(r.Steps, "step"), passes(r.Passes), seconds(r.Seconds.Total), reading(r)),
		"cost", cost,
		"progressive", progressive(r.Progressive),
		"gap", gap,
		"starts", starts(r),
		"verdict", verdict,
		"errors", errorsOf(r),
		"saved", saved,
		"state", state,
	)
	printCV(p, r.CV)
	t.printTrace(p, r)
	switch r.Verdict {
	case descent.Diverging:
		return // the numbers mean nothing
	case descent.Separated, descent.Undecided, descent.Interrupted:
		if s := r.Separation; s != nil && len(s.Finite) > 0 {
			printLimits(p, r, s)
			return
		}
		if len(r.Coefficients) > 0 {
			p.heading("where it stopped")
			printCoefficients(p, withoutOdds(r.Coefficients), r.Confidence, r.StatisticsNote, r.ReferenceClass)
		}
		return
	}
	p.WriteByte('\n')
	printLayers(p, r.Layers)
	printCoefficients(p, r.Coefficients, r.Confidence, r.StatisticsNote, r.ReferenceClass)
	t.printLikelihood(p, r)
	printGrouped(p, r.Grouped)
	printReweighting(p, r.ClassWeight)
	printThreshold(p, r.Threshold)
	printRecalibration(p, r.Recalibration)
	printTests(p, r)
	printBootstrap(p, r)
	printMargins(p, r)
	printDiagnostics(p, r.Diagnostics)
	if r.Train != nil {
		p.WriteByte('\n')
		printMetrics(p, []string{"training rows", "test rows"}, r.Train, r.Test)
	}
}

// reading is how long reading took; a stream learns while it reads.
func reading(r *descent.Result) string {
	if r.Progressive != nil {
		return "reading included"
	}
	return "reading " + seconds(r.Seconds.Read) + " s"
}

// progressive is the loss of a stream.
func progressive(p *descent.Progressive) string {
	if p == nil {
		return ""
	}
	last := p.Steps[len(p.Steps)-1]
	text := fmt.Sprintf("loss %s: every row by the weights of the rows before it", strconv.FormatFloat(p.Loss, 'f', 6, 64))
	if n := len(p.Steps); n > 1 {
		text += fmt.Sprintf("; of the last %s %s", count(last.Rows-p.Steps[n-2].Rows, "row"), strconv.FormatFloat(last.Since, 'f', 6, 64))
	}
	return text
}

// printLimits shows what the coefficients tend to where the classes are separated.
func printLimits(p *page, r *descent.Result, s *descent.Separation) {
	limit := make(map[string]string, len(r.Coefficients))
	for _, c := range s.Finite {
		limit[c.Name] = short(c.Estimate, 5)
	}
	for _, c := range s.Infinite {
		limit[c.Name] = c.Sign + "∞"
	}
	p.heading("what the coefficients tend to")
	tab := &table{header: []string{"", "limit"}, left: 1}
	for _, c := range r.Coefficients {
		text, ok := limit[c.Name]
		if !ok {
			text = "bound to others"
		}
		tab.add(printable(c.Name), text)
	}
	p.table(tab)
	if s.LogLikelihood != nil {
		p.printf("log likelihood below %s\n", short(*s.LogLikelihood, 8))
	}
}

// withoutOdds leaves the odds ratios out where there is no optimum that they could belong to.
func withoutOdds(all []descent.Coefficient) []descent.Coefficient {
	out := slices.Clone(all)
	for i := range out {
		out[i].OddsRatio = nil
	}
	return out
}

// stored is what the rows take in memory: "3 columns as int16, 5 as int8: 8.2 KiB, 1.4 bytes a cell".
func stored(s *encode.Storage) string {
	if s == nil {
		return ""
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(s.Columns)) {
		n := strconv.Itoa(s.Columns[kind])
		if len(parts) == 0 {
			n = count(s.Columns[kind], "column")
		}
		parts = append(parts, n+" as "+kind)
	}
	size := fmt.Sprintf("%.1f MiB", float64(s.Bytes)/(1<<20))
	switch {
	case s.Bytes < 1<<10:
		size = fmt.Sprintf("%d bytes", s.Bytes)
	case s.Bytes < 1<<20:
		size = fmt.Sprintf("%.1f KiB", float64(s.Bytes)/(1<<10))
	}
	return fmt.Sprintf("%s: %s, %s bytes a cell", strings.Join(parts, ", "), size, digits(s.PerCell, 2))
}

func passes(n int) string {
	if n == 1 {
		return "1 pass"
	}
	return fmt.Sprintf("%d passes", n)
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', 2, 64) }

// shortList is the first few names, and how many more there are.
func shortList(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// printTrace shows the recorded costs: the first and last as numbers, all as a curve.
func (t *training) printTrace(p *page, r *descent.Result) {
	if len(r.Trace) == 0 {
		return
	}
	p.heading("cost before the update")
	const most = 12
	tab := &table{header: []string{"step", "J"}}
	for i, point := range r.Trace {
		switch {
		case len(r.Trace) <= most || i < most/2 || i >= len(r.Trace)-most/2:
			tab.add(strconv.Itoa(point.Step), strconv.FormatFloat(point.Cost, 'f', 6, 64))
		case i == most/2:
			tab.add("…", fmt.Sprintf("%d more", len(r.Trace)-most))
		}
	}
	p.table(tab)
	var curve []float64
	for _, point := range r.Trace {
		if !math.IsInf(point.Cost, 0) && !math.IsNaN(point.Cost) {
			curve = append(curve, point.Cost)
		}
	}
	if len(curve) < 3 || slices.Max(curve) == slices.Min(curve) {
		return
	}
	last := r.Trace[len(r.Trace)-1].Step
	p.printf("\n%s\n", asciigraph.Plot(curve, asciigraph.Height(8), asciigraph.Width(min(60, p.app.width-16)), asciigraph.Precision(4),
		asciigraph.Caption(fmt.Sprintf("J, step %d to %d", r.Trace[0].Step, last))))
}

// mostCoefficients is how many lines of coefficients a person is shown; JSON has all of them.
const mostCoefficients = 40

// printCoefficients writes the table of coefficients, of more than two classes one for each: in the model's order, or of very many the
// largest.
func printCoefficients(p *page, all []descent.Coefficient, conf float64, note string, reference *string) {
	var blocks [][]descent.Coefficient
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Class == all[0].Class {
			n++
		}
		blocks, all = append(blocks, all[:n]), all[n:]
	}
	most := mostCoefficients
	if len(blocks) > 3 {
		most = max(6, 3*mostCoefficients/len(blocks))
	}
	for i, block := range blocks {
		if block[0].Class != "" {
			title := "class " + printable(block[0].Class)
			if reference != nil {
				title += " against " + printable(*reference)
			}
			if i > 0 {
				p.WriteByte('\n')
			}
			p.WriteString(p.style(heading, title) + "\n")
		}
		if i >= mostClasses {
			p.printf("and %d more classes (--json has all)\n", len(blocks)-i)
			break
		}
		printBlock(p, block, conf, most)
	}
	if note != "" {
		p.say(note)
	}
}

// printBlock writes the coefficients of one set of weights: at most so many, besides the intercept.
func printBlock(p *page, all []descent.Coefficient, conf float64, most int) {
	shown := all
	if len(all) > most+1 {
		shown = slices.Clone(all)
		size := func(c *descent.Coefficient) float64 {
			if c.Z != nil {
				return math.Abs(*c.Z)
			}
			return math.Abs(c.Scaled)
		}
		rest := shown[1:] // the intercept stays first
		sort.SliceStable(rest, func(i, j int) bool { return size(&rest[i]) > size(&rest[j]) })
		shown = shown[:most+1]
	}
	statistics, odds, scaled := false, false, false
	for i := range all {
		c := &all[i]
		statistics = statistics || c.StdError != nil
		odds = odds || c.OddsRatio != nil
		scaled = scaled || c.Scaled != c.Estimate
	}
	tab := &table{header: []string{"", "estimate"}}
	if statistics {
		half := (1 - conf) / 2
		tab.header = append(tab.header, "std error", "z", "p", percent(half), percent(1-half))
		tab.second = 5 // the intervals
	} else if scaled {
		tab.header = append(tab.header, "scaled")
	}
	if odds && all[0].Class != "" {
		tab.header = append(tab.header, "risk ratio")
	} else if odds {
		tab.header = append(tab.header, "odds ratio")
	}
	for i := range shown {
		c := &shown[i]
		row := []string{printable(c.Name), digits(c.Estimate, 5)}
		if statistics {
			row = append(row, optional(c.StdError, 4), fixed(c.Z, 2), pValue(c.P), optional(c.Low, 4), optional(c.High, 4))
		} else if scaled {
			row = append(row, digits(c.Scaled, 5))
		}
		if odds {
			row = append(row, optional(c.OddsRatio, 4))
		}
		tab.add(row...)
	}
	p.table(tab)
	if more := len(all) - len(shown); more > 0 {
		by := "|scaled|"
		if statistics {
			by = "|z|"
		}
		p.printf("and %d more; these are the largest by %s (--json has all)\n", more, by)
	}
}

func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e4)/100, 'g', -1, 64) + " %"
}

func (t *training) printLikelihood(p *page, r *descent.Result) {
	if r.Deviance == nil {
		return
	}
	p.WriteByte('\n')
	df := func(d *float64) string {
		if d == nil {
			return ""
		}
		return " on " + shortest(*d) + " degrees of freedom"
	}
	var null *float64
	if r.DFResidual != nil {
		v := *r.DFResidual + float64(r.Parameters-max(1, len(r.Classes)-1)) // the intercepts stay
		null = &v
	}
	pairs := []string{
		"null deviance", fixed(r.NullDeviance, 4) + df(null),
		"deviance", fixed(r.Deviance, 4) + df(r.DFResidual),
		"log likelihood", fixed(r.LogLikelihood, 4),
	}
	if r.AIC != nil {
		pairs = append(pairs, "AIC, BIC", fixed(r.AIC, 3)+", "+fixed(r.BIC, 3))
	}
	p.facts(pairs...)
}

// penaltyOf says what is penalised; "" is nothing.
func penaltyOf(p descent.Penalty) string {
	var parts []string
	if p.L2 > 0 {
		parts = append(parts, fmt.Sprintf("λ = %s (L2)", short(p.L2, 6)))
	}
	if p.L1 > 0 {
		parts = append(parts, fmt.Sprintf("λ1 = %s (L1)", short(p.L1, 6)))
	}
	return strings.Join(parts, ", ")
}

// nonzero counts the weights that are not 0; intercepts, which no penalty pulls to 0, aside.
func nonzero(all []descent.Coefficient) string {
	some, weights := 0, 0
	for i, c := range all {
		if i == 0 || c.Class != all[i-1].Class { // the intercept comes first
			continue
		}
		weights++
		if c.Estimate != 0 {
			some++
		}
	}
	return fmt.Sprintf("%d of %s not 0", some, count(weights, "weight"))
}
