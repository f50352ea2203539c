package main

import (
	"strconv"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/metric"
	"github.com/spf13/cobra"
)

// addSplit adds the flags about which rows belong together, or come later.
func addSplit(cmd *cobra.Command, s *descent.Split) {
	f := cmd.Flags()
	f.StringVar(&s.Group, "group", "", "`column` whose equal values stay on one side of --holdout and in one fold of --cv; no input unless --include names it")
	f.StringVar(&s.Time, "time", "", "`column` of numbers or ISO dates: --holdout leaves out the latest rows, folds of --cv come after what trains for them; no input unless --include names it")
	must(cmd.RegisterFlagCompletionFunc("group", completeColumns(0)))
	must(cmd.RegisterFlagCompletionFunc("time", completeColumns(0)))
}

// printRecalibration shows what it did to rows that the models had not seen.
func printRecalibration(p *page, c *descent.Recalibration) {
	if c == nil {
		return
	}
	p.heading("recalibration: probabilities before and after")
	tab := &table{header: []string{"", "before", "after"}}
	add := func(rows string, b *descent.BeforeAfter) {
		tab.add(rows, strconv.Itoa(b.Before.Rows)+" rows", "")
		line := func(name string, value func(m *metric.Metrics) float64) {
			before, after := value(b.Before), value(b.After)
			tab.add("  "+name, fixed(&before, 4), fixed(&after, 4))
		}
		line("log loss", func(m *metric.Metrics) float64 { return m.LogLoss })
		line("Brier score", func(m *metric.Metrics) float64 { return m.Brier })
		line("calibration slope", func(m *metric.Metrics) float64 { return m.Calibration.Slope })
		line("calibration intercept", func(m *metric.Metrics) float64 { return m.Calibration.Intercept })
	}
	if c.Test != nil {
		add("test rows", c.Test)
	}
	add("left out in folds", &c.LeftOut)
	p.table(tab)
	p.say("The rows left out in folds are those that the function was fitted to; the coefficients, and z, are those before it.")
}

// splitUsage refuses what cannot be meant.
func splitUsage(cmd *cobra.Command, c *descent.Config) error {
	changed := cmd.Flags().Changed
	switch {
	case changed("group") && c.Split.Group == "":
		return usagef("--group is empty")
	case changed("time") && c.Split.Time == "":
		return usagef("--time is empty")
	}
	return nil
}
