package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/metric"
	"github.com/spf13/cobra"
)

func (a *app) evaluateCommand() *cobra.Command {
	var in inputFlags
	var threshold threshold
	var o descent.EvaluateOptions
	var old string
	cmd := &cobra.Command{
		Use:   "evaluate MODEL FILE",
		Short: "measure a model on the rows of a file",
		Long: `Evaluate predicts every row of FILE and compares with its label: log loss, Brier score, accuracy, area under the ROC curve, average
precision, F1, the confusion table and calibration, each with its confidence interval, and how much better it is than the constant model. Of more than
two classes: the confusion table, and precision, recall, F1 and AUC (against all others) of every class. descent help metrics says how each is computed.`,
		Example: `  descent evaluate heart.json new.csv --threshold 0.3
  descent evaluate heart.json new.csv --cost fp=1,fn=5
  descent evaluate heart.json new.csv --slices sex,age
  descent evaluate heart.json new.csv --against last-year.json`,
		Args:              exactly("MODEL", "FILE"),
		ValidArgsFunction: completeFiles(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := a.load(args[0], args[1])
			if err != nil {
				return err
			}
			if threshold.value != nil && len(m.Classes()) > 2 {
				return twoOnly(m, "--threshold", noThreshold)
			}
			if o.Cost != nil && len(m.Classes()) > 2 {
				return twoOnly(m, "--cost", noThreshold)
			}
			if cmd.Flags().Changed("conf") && !(o.Confidence > 0 && o.Confidence < 1) {
				return usagef("--conf %v: want a number between 0 and 1, such as 0.95", o.Confidence)
			}
			if cmd.Flags().Changed("against") {
				switch {
				case args[1] == "-":
					return usagef("--against reads FILE twice, which standard input cannot be: give a file")
				case old == "-" || old == "":
					return usagef("--against wants the file of a model")
				}
				if o.Against, err = a.load(old, ""); err != nil {
					return err
				}
			}
			source, err := a.source(args[1])
			if err != nil {
				return err
			}
			o.Format, o.NoHeader, o.Threshold = in.format, in.noHeader, threshold.value
			ev, err := m.Evaluate(a.ctx, source, o)
			if err != nil {
				return err
			}
			if ev.Dropped > 0 {
				a.note(fmt.Sprintf("%s left out for a missing value, as in training (--missing drop)", count(ev.Dropped, "row")))
			}
			if ev.Trained {
				a.note(fmt.Sprintf("%s was trained on this file: intervals and tests are of new rows, and these are not (but for those that --holdout left out)", args[0]))
			}
			if ev.Unseen > 0 {
				err = a.warn("W-unseen", fmt.Sprintf("%s with a level that did not occur in training", count(ev.Unseen, "row")))
				if err != nil {
					return knowing{err, ev.Metrics}
				}
			}
			return a.emit(joined{ev.Metrics, evaluated{ev.Dropped, ev.Unseen, ev.Costs, ev.Against, ev.Slices}}, func(p *page) {
				printMetrics(p, []string{"estimate"}, ev.Metrics)
				printBins(p, ev.Metrics)
				printCosts(p, ev.Costs)
				printAgainst(p, ev.Against, old)
				printSlices(p, ev.Slices, ev.Metrics)
			})
		},
	}
	cmd.Flags().Var(&threshold, "threshold", "`probability` above which a row is called positive (the model's)")
	cmd.Flags().Var(number{&o.Confidence}, "conf", "`level` of the intervals (0.95)")
	cmd.Flags().Var(costFlag{&o.Cost}, "cost", "what a false positive and a false negative cost: totals at the threshold, at fp/(fp + fn), and at the best for these rows")
	cmd.Flags().Var(list{&o.Slices}, "slices", "`columns` of FILE, of the model or not: the measures of every level, or of fifths of numbers")
	must(cmd.RegisterFlagCompletionFunc("slices", completeColumns(1)))
	cmd.Flags().StringVar(&old, "against", "", "an older `model` of the same classes: differences with intervals and tests")
	in.add(cmd)
	return cmd
}

// evaluated is what the JSON of evaluate has besides the metrics.
type evaluated struct {
	Dropped int               `json:"dropped"`
	Unseen  int               `json:"unseen"`
	Cost    *metric.Costs     `json:"cost,omitempty"`
	Against *descent.Against  `json:"against,omitempty"`
	Slices  []descent.Slicing `json:"slices,omitempty"`
}

// threshold is a probability that may be left out.
type threshold struct{ value *float64 }

func (t *threshold) String() string { return "" }
func (t *threshold) Type() string   { return "T" }
func (t *threshold) Set(s string) error {
	v, ok := dataset.ParseNumber([]byte(s))
	if !ok || !(v >= 0 && v <= 1) {
		return fmt.Errorf("want a number from 0 to 1")
	}
	t.value = &v
	return nil
}

// printMetrics writes one column for every set of rows that is there, and two more for its intervals.
func printMetrics(p *page, headers []string, sets ...*metric.Metrics) {
	tab := &table{header: []string{""}}
	var all []*metric.Metrics
	var names []string
	for i, m := range sets {
		if m != nil {
			tab.header = append(tab.header, headers[i])
			if m.Intervals != nil {
				half := (1 - m.Intervals.Confidence) / 2
				tab.header = append(tab.header, percent(half), percent(1-half))
			}
			all, names = append(all, m), append(names, headers[i])
		}
	}
	classes := len(all) > 0 && all[0].PerClass != nil
	line := func(name string, value func(m *metric.Metrics) string) {
		row := []string{name}
		for _, m := range all {
			row = append(row, value(m))
			if m.Intervals != nil {
				row = append(row, "", "")
			}
		}
		tab.add(row...)
	}
	number := func(name string, value func(m *metric.Metrics) float64, interval func(v *metric.Intervals) metric.Interval) {
		row := []string{name}
		for _, m := range all {
			v := value(m)
			row = append(row, fixed(&v, 4))
			if m.Intervals != nil && interval != nil {
				i := interval(m.Intervals)
				row = append(row, fixed(&i[0], 4), fixed(&i[1], 4))
			} else if m.Intervals != nil {
				row = append(row, "", "")
			}
		}
		tab.add(row...)
	}
	line("rows", func(m *metric.Metrics) string { return strconv.Itoa(m.Rows) })
	if classes {
		number("log loss", func(m *metric.Metrics) float64 { return m.LogLoss }, func(v *metric.Intervals) metric.Interval { return v.LogLoss })
		number("Brier score", func(m *metric.Metrics) float64 { return m.Brier }, func(v *metric.Intervals) metric.Interval { return v.Brier })
		number("accuracy", func(m *metric.Metrics) float64 { return m.Accuracy }, func(v *metric.Intervals) metric.Interval { return v.Accuracy })
		number("AUC, mean", func(m *metric.Metrics) float64 { return m.AUC }, func(v *metric.Intervals) metric.Interval { return v.AUC })
		number("F1, mean", func(m *metric.Metrics) float64 { return m.MacroF1 }, func(v *metric.Intervals) metric.Interval { return v.MacroF1 })
		p.table(tab)
		printConstants(p, all)
		for i, m := range all {
			title := ""
			if len(sets) > 1 {
				title = names[i]
			}
			printClassMetrics(p, title, m)
		}
		return
	}
	line("positives", func(m *metric.Metrics) string { return strconv.Itoa(m.Positives) })
	number("log loss", func(m *metric.Metrics) float64 { return m.LogLoss }, func(v *metric.Intervals) metric.Interval { return v.LogLoss })
	number("Brier score", func(m *metric.Metrics) float64 { return m.Brier }, func(v *metric.Intervals) metric.Interval { return v.Brier })
	number("accuracy", func(m *metric.Metrics) float64 { return m.Accuracy }, func(v *metric.Intervals) metric.Interval { return v.Accuracy })
	number("AUC", func(m *metric.Metrics) float64 { return m.AUC }, func(v *metric.Intervals) metric.Interval { return v.AUC })
	number("average precision", func(m *metric.Metrics) float64 { return m.AveragePrecision }, func(v *metric.Intervals) metric.Interval { return v.AveragePrecision })
	number("F1", func(m *metric.Metrics) float64 { return m.F1 }, func(v *metric.Intervals) metric.Interval { return v.F1 })
	number("threshold", func(m *metric.Metrics) float64 { return m.Threshold }, nil)
	rate := func(name string, value func(c metric.Confusion) float64, interval func(v *metric.Intervals) metric.Interval) {
		number(name, func(m *metric.Metrics) float64 { return value(m.Confusion) }, interval)
	}
	rate("sensitivity", metric.Confusion.Sensitivity, func(v *metric.Intervals) metric.Interval { return v.Sensitivity })
	rate("specificity", metric.Confusion.Specificity, func(v *metric.Intervals) metric.Interval { return v.Specificity })
	rate("precision", metric.Confusion.Precision, func(v *metric.Intervals) metric.Interval { return v.Precision })
	line("true positives", func(m *metric.Metrics) string { return weightText(m.Confusion.TP) })
	line("false positives", func(m *metric.Metrics) string { return weightText(m.Confusion.FP) })
	line("true negatives", func(m *metric.Metrics) string { return weightText(m.Confusion.TN) })
	line("false negatives", func(m *metric.Metrics) string { return weightText(m.Confusion.FN) })
	number("calibration slope", func(m *metric.Metrics) float64 { return m.Calibration.Slope }, func(v *metric.Intervals) metric.Interval { return v.Slope })
	number("calibration intercept", func(m *metric.Metrics) float64 { return m.Calibration.Intercept }, func(v *metric.Intervals) metric.Interval { return v.Intercept })
	p.table(tab)
	printConstants(p, all)
}

func weightText(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

const (
	widestConfusion = 12 // classes whose confusion is a table; of more the most frequent mistakes are listed
	mostClasses     = 40 // lines of classes that a person is shown
	mostMistakes    = 10
)

// printClassMetrics writes what was taken for what, and how well every class is found.
func printClassMetrics(p *page, header string, m *metric.Metrics) {
	title := func(text string) string {
		if header != "" {
			return header + ": " + text
		}
		return text
	}
	K := len(m.Levels)
	if K <= widestConfusion {
		p.heading(title("truth in lines, prediction in columns"))
		tab := &table{header: []string{""}}
		for t, level := range m.Levels {
			tab.header = append(tab.header, printable(level))
			row := []string{printable(level)}
			for _, v := range m.Counts[t] {
				row = append(row, weightText(v))
			}
			tab.add(row...)
		}
		p.table(tab)
	} else {
		p.heading(title("the most frequent mistakes"))
		type mistake struct {
			truth, said int
			weight      float64
		}
		var all []mistake
		for t, row := range m.Counts {
			for d, v := range row {
				if t != d && v > 0 {
					all = append(all, mistake{t, d, v})
				}
			}
		}
		slices.SortStableFunc(all, func(a, b mistake) int { return cmp.Compare(b.weight, a.weight) })
		tab := &table{header: []string{"truth", "prediction", "rows"}, left: 2}
		for _, x := range all[:min(len(all), mostMistakes)] {
			tab.add(printable(m.Levels[x.truth]), printable(m.Levels[x.said]), weightText(x.weight))
		}
		p.table(tab)
	}
	p.heading(title("every class against all others"))
	tab := &table{header: []string{"", "rows", "precision", "recall", "F1", "AUC"}}
	if m.Intervals != nil {
		tab.header = append(tab.header, "AUC from", "to", "F1 from", "to")
	}
	for k, c := range m.PerClass[:min(K, mostClasses)] {
		row := []string{printable(c.Level), strconv.Itoa(c.Rows), fixed(&c.Precision, 4), fixed(&c.Recall, 4), fixed(&c.F1, 4), fixed(&c.AUC, 4)}
		if v := m.Intervals; v != nil {
			i := v.PerClass[k]
			row = append(row, fixed(&i.AUC[0], 4), fixed(&i.AUC[1], 4), fixed(&i.F1[0], 4), fixed(&i.F1[1], 4))
		}
		tab.add(row...)
	}
	p.table(tab)
	if more := K - mostClasses; more > 0 {
		p.printf("and %d more (--json has all)\n", more)
	}
}
