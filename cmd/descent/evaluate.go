package main

import (
	"cmp"
	"fmt"
	"math"
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
	cmd := &cobra.Command{
		Use:   "evaluate MODEL FILE",
		Short: "measure a model on the rows of a file",
		Long: `Evaluate predicts every row of FILE and compares with its label: log loss, Brier score, accuracy, area under the ROC curve, average
precision, F1, the confusion table and calibration. Of more than two classes: the confusion table, and precision, recall, F1 and AUC (against
all others) of every class.`,
		Example:           `  descent evaluate heart.json new.csv --threshold 0.3`,
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
			source, err := a.source(args[1])
			if err != nil {
				return err
			}
			ev, err := m.Evaluate(a.ctx, source, descent.EvaluateOptions{Format: in.format, NoHeader: in.noHeader, Threshold: threshold.value})
			if err != nil {
				return err
			}
			if ev.Dropped > 0 {
				a.note(fmt.Sprintf("%s left out for a missing value, as in training (--missing drop)", count(ev.Dropped, "row")))
			}
			if ev.Unseen > 0 {
				err = a.warn("W-unseen", fmt.Sprintf("%s with a level that did not occur in training", count(ev.Unseen, "row")))
				if err != nil {
					return knowing{err, ev.Metrics}
				}
			}
			return a.emit(joined{ev.Metrics, map[string]int{"dropped": ev.Dropped, "unseen": ev.Unseen}}, func(p *page) {
				printMetrics(p, []string{""}, ev.Metrics)
			})
		},
	}
	cmd.Flags().Var(&threshold, "threshold", "`probability` above which a row is called positive (the model's)")
	in.add(cmd)
	laterFlags(cmd.Flags(), "slices", "cost")
	return cmd
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

// printMetrics writes one column for every set of rows that is there.
func printMetrics(p *page, headers []string, sets ...*metric.Metrics) {
	tab := &table{header: []string{""}}
	var all []*metric.Metrics
	for i, m := range sets {
		if m != nil {
			tab.header = append(tab.header, headers[i])
			all = append(all, m)
		}
	}
	classes := len(all) > 0 && all[0].PerClass != nil
	line := func(name string, value func(m *metric.Metrics) string) {
		row := []string{name}
		for _, m := range all {
			row = append(row, value(m))
		}
		tab.add(row...)
	}
	number := func(name string, value func(m *metric.Metrics) float64) {
		line(name, func(m *metric.Metrics) string {
			v := value(m)
			if math.IsNaN(v) {
				return "–"
			}
			return decimals(v, 4)
		})
	}
	line("rows", func(m *metric.Metrics) string { return strconv.Itoa(m.Rows) })
	if classes {
		number("log loss", func(m *metric.Metrics) float64 { return m.LogLoss })
		number("Brier score", func(m *metric.Metrics) float64 { return m.Brier })
		number("accuracy", func(m *metric.Metrics) float64 { return m.Accuracy })
		number("AUC, mean", func(m *metric.Metrics) float64 { return m.AUC })
		number("F1, mean", func(m *metric.Metrics) float64 { return m.MacroF1 })
		p.table(tab)
		for i, m := range all {
			printClassMetrics(p, tab.header[i+1], m)
		}
		return
	}
	line("positives", func(m *metric.Metrics) string { return strconv.Itoa(m.Positives) })
	number("log loss", func(m *metric.Metrics) float64 { return m.LogLoss })
	number("Brier score", func(m *metric.Metrics) float64 { return m.Brier })
	number("accuracy", func(m *metric.Metrics) float64 { return m.Accuracy })
	number("AUC", func(m *metric.Metrics) float64 { return m.AUC })
	number("average precision", func(m *metric.Metrics) float64 { return m.AveragePrecision })
	number("F1", func(m *metric.Metrics) float64 { return m.F1 })
	number("threshold", func(m *metric.Metrics) float64 { return m.Threshold })
	line("true positives", func(m *metric.Metrics) string { return weightText(m.Confusion.TP) })
	line("false positives", func(m *metric.Metrics) string { return weightText(m.Confusion.FP) })
	line("true negatives", func(m *metric.Metrics) string { return weightText(m.Confusion.TN) })
	line("false negatives", func(m *metric.Metrics) string { return weightText(m.Confusion.FN) })
	number("calibration slope", func(m *metric.Metrics) float64 { return m.Calibration.Slope })
	number("calibration intercept", func(m *metric.Metrics) float64 { return m.Calibration.Intercept })
	p.table(tab)
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
	for _, c := range m.PerClass[:min(K, mostClasses)] {
		tab.add(printable(c.Level), strconv.Itoa(c.Rows), fixed(&c.Precision, 4), fixed(&c.Recall, 4), fixed(&c.F1, 4), fixed(&c.AUC, 4))
	}
	p.table(tab)
	if more := K - mostClasses; more > 0 {
		p.printf("and %d more (--json has all)\n", more)
	}
}
