package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/doctor"
	"github.com/spf13/cobra"
)

func (a *app) inspectCommand() *cobra.Command {
	i := &inspection{app: a}
	cmd := &cobra.Command{
		Use:   "inspect FILE|MODEL [--target Y]",
		Short: "what a file or a model holds, and what would go wrong",
		Long: `Inspect reads FILE as train would and shows every column's type, missing values and range, what the classes of the target would be, and
what the doctor finds. Of a MODEL it shows what it is, how it was trained and what it reads.`,
		Example: `  descent inspect heart.csv --target disease
  descent inspect heart.json`,
		Args:              exactly("FILE"),
		RunE:              func(cmd *cobra.Command, args []string) error { return i.run(cmd, args[0]) },
		ValidArgsFunction: completeFiles(1),
	}
	f, c := cmd.Flags(), &i.config
	f.StringVar(&c.Target, "target", "", "`column` that holds the label")
	f.StringVar(&c.Labels.Positive, "positive", "", "`level` of the target that is class 1")
	f.BoolVar(&c.Labels.AgainstRest, "against-rest", false, "--positive against all other levels together")
	f.BoolVar(&c.Labels.Softmax, "softmax", false, "more than two levels of the target are meant: a class each, without a warning")
	f.IntVar(&c.Labels.MaxClasses, "max-classes", 0, "more than `N` levels of the target are an error (100)")
	must(cmd.RegisterFlagCompletionFunc("positive", completeLevels(0)))
	f.Var(list{&c.Columns.Include}, "include", "`columns` to look at; all others are left out")
	f.Var(list{&c.Columns.Exclude}, "exclude", "`columns` to leave out")
	f.Var(list{&c.Columns.Categorical}, "categorical", "`columns` that hold levels, also if they look like numbers")
	f.Var(list{&c.Columns.Numeric}, "numeric", "`columns` that hold numbers")
	f.Var(naList{&c.NA}, "na", "`texts` that mean missing, any case (empty, NA, N/A, NaN, null, none, ?, .)")
	i.in.add(cmd)
	for _, name := range []string{"target", "include", "exclude", "categorical", "numeric"} {
		must(cmd.RegisterFlagCompletionFunc(name, completeColumns(0)))
	}
	return cmd
}

type inspection struct {
	*app
	in     inputFlags
	config descent.Config
}

func (i *inspection) run(cmd *cobra.Command, file string) error {
	if looksLikeModel(file) {
		for _, f := range []string{"target", "positive", "against-rest", "softmax", "max-classes", "include", "exclude", "categorical", "numeric", "na", "format", "no-header"} {
			if cmd.Flags().Changed(f) {
				return usagef("--%s is for a file of data; %s is a model", f, file)
			}
		}
		m, err := i.load(file, "")
		if err != nil {
			return err
		}
		return i.model(m)
	}
	c := i.config
	c.Format, c.NoHeader = i.in.format, i.in.noHeader
	if err := checkClasses(cmd, &c.Labels); err != nil {
		return err
	}
	if c.Target == "" && c.Labels.Positive != "" {
		return usagef("--positive is a level of --target Y")
	}
	source, err := i.source(file)
	if err != nil {
		return err
	}
	found, err := descent.Inspect(i.ctx, source, c)
	if found == nil {
		return err
	}
	for _, f := range found.Findings {
		if f.Severity == doctor.Error {
			continue // it is the error
		}
		if e := i.app.found(f); e != nil && err == nil {
			err = e
		}
	}
	if err != nil {
		if !i.json {
			i.emit(nil, func(p *page) { i.print(p, file, found) })
		}
		return knowing{err, found}
	}
	return i.emit(found, func(p *page) { i.print(p, file, found) })
}

func (i *inspection) print(p *page, file string, found *descent.Inspection) {
	p.heading(fmt.Sprintf("%s: %s, %s", printable(file), count(found.Rows, "row"), count(len(found.Columns), "column")))
	if t := found.Target; t != nil {
		text := ""
		if t.Classes != nil {
			names := make([]string, len(t.Classes))
			for k, c := range t.Classes {
				names[k] = printable(c)
				if t.Counts != nil {
					names[k] += fmt.Sprintf(" (%s)", count(t.Counts[k], "row"))
				}
			}
			text = fmt.Sprintf("%s: %d classes: %s", printable(t.Name), len(names), shortList(names, 10))
		} else {
			text = fmt.Sprintf("%s: class 1 is %s, class 0 is %s; %s %% of the rows are class 1", printable(t.Name), printable(t.Positive), printable(t.Negative), short(100**t.Rate, 4))
		}
		p.facts("target", text)
	}
	p.WriteByte('\n')
	tab := &table{header: []string{"column", "type", "missing", "levels", "min", "max", "mean", "sd", "stored as"}, left: 2}
	for k, c := range found.Columns {
		if k == mostColumns {
			break
		}
		levels := ""
		if c.Levels != nil {
			levels = strconv.Itoa(*c.Levels)
		}
		show := func(v *float64) string {
			if v == nil {
				return ""
			}
			return short(*v, 5)
		}
		tab.add(printable(c.Name), c.Type, strconv.Itoa(c.Missing), levels, show(c.Min), show(c.Max), show(c.Mean), show(c.SD), c.StoredAs)
	}
	p.table(tab)
	if more := len(found.Columns) - mostColumns; more > 0 {
		p.printf("and %d more (--json has all)\n", more)
	}
	var levels []string
	for k, c := range found.Columns {
		if c.Levels == nil || k >= mostColumns {
			continue
		}
		names := make([]string, 0, 12)
		for _, l := range c.LevelNames[:min(12, len(c.LevelNames))] {
			names = append(names, printable(l))
		}
		if more := *c.Levels - len(names); more > 0 {
			names = append(names, fmt.Sprintf("and %d more", more))
		}
		levels = append(levels, printable(c.Name), strings.Join(names, ", "))
	}
	if levels != nil {
		p.heading("levels")
		p.facts(levels...)
	}
}

// mostColumns is how many lines of columns a person is shown.
const mostColumns = 60

// model shows what a model file says.
func (i *inspection) model(m *descent.Model) error {
	s, err := m.Summary(0)
	if err != nil {
		return err
	}
	return i.emit(s, func(p *page) {
		p.heading(predicts(m))
		gap := s.Training.GapNote
		if s.Training.Gap != nil {
			gap = fmt.Sprintf("J - J* is at most %s: proved", digits(*s.Training.Gap, 2))
		}
		trained := fmt.Sprintf("%s, %s on %s", s.Training.Solver, count(s.Training.Steps, "step"), count(s.Training.Rows, "row"))
		if p := penaltyOf(s.Training.Penalty); p != "" {
			trained += ", " + p
		}
		p.facts(
			"equations", strings.Join(s.Equations, "\n"),
			"reads", fmt.Sprintf("%s, %s", count(len(s.Columns), "column"), count(len(s.Coefficients)+layerSize(s.Layers), "parameter")),
			"threshold", thresholdOf(m),
			"recalibrated", m.Recalibrated(),
			"class weights", classWeights(s),
			"verdict", fmt.Sprintf("%s: %s", s.Verdict, s.Message),
			"gap", gap,
			"trained", trained,
			"data", s.Training.Fingerprint,
			"tests", fmt.Sprintf("%d test vectors replayed, all agree", s.Tests),
		)
		p.WriteByte('\n')
		tab := &table{header: []string{"column", "type", "missing", "unseen", "levels"}, left: 5}
		for k, c := range s.Columns {
			if k == mostColumns {
				break
			}
			missing, unseen := string(c.Missing), ""
			if missing == "" {
				missing = "error"
			}
			var levels []string
			for _, l := range c.Levels {
				l = printable(l)
				if l == c.Base {
					l += " (base)"
				}
				levels = append(levels, l)
			}
			if c.Levels != nil {
				if unseen = string(c.Unseen); unseen == "" {
					unseen = "error"
				}
			}
			kind := c.Type
			if !c.Read() {
				kind, missing, unseen = c.Type+", computed", "", ""
			}
			tab.add(printable(c.Name), kind, missing, unseen, shortList(levels, 8))
		}
		p.table(tab)
		if more := len(s.Columns) - mostColumns; more > 0 {
			p.printf("and %d more (--json has all)\n", more)
		}
		if s.Metrics.Train != nil {
			p.WriteByte('\n')
			printMetrics(p, []string{"training rows", "test rows"}, s.Metrics.Train, s.Metrics.Test)
		}
	})
}

// classWeights says how the intercepts of a model were corrected; "" is not at all.
func classWeights(s *descent.Summary) string {
	var parts []string
	for k, w := range s.ClassWeights {
		parts = append(parts, fmt.Sprintf("%s %s", printable(s.Classes[k]), short(w, 6)))
	}
	if parts == nil {
		return ""
	}
	return shortList(parts, 10) + "; the intercept is corrected by their logarithms, to the shares of the data"
}
