package main

import (
	"fmt"
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

// costFlag is --cost fp=1,fn=5.
type costFlag struct{ cost **metric.Cost }

func (c costFlag) String() string {
	if c.cost == nil || *c.cost == nil {
		return ""
	}
	return (*c.cost).String()
}
func (c costFlag) Type() string { return "fp=C,fn=C" }
func (c costFlag) Set(s string) error {
	v, err := metric.ParseCost(s)
	if err != nil {
		return err
	}
	*c.cost = &v
	return nil
}

// constraintFlag is --threshold-for recall=0.9.
type constraintFlag struct{ constraint **metric.Constraint }

func (c constraintFlag) String() string { return "" }
func (c constraintFlag) Type() string   { return "recall=R|precision=P|specificity=S" }
func (c constraintFlag) Set(s string) error {
	v, err := metric.ParseConstraint(s)
	if err != nil {
		return err
	}
	*c.constraint = &v
	return nil
}

// printThreshold shows how the threshold was chosen, and what the decisions cost.
func printThreshold(p *page, t *descent.ThresholdChoice) {
	if t == nil {
		return
	}
	p.heading("threshold")
	if t.For != nil {
		p.facts("threshold", short(t.Threshold, 6), "chosen for", t.For.String(), "reached", fmt.Sprintf("%s on the %s", optional(t.Reached, 5), t.On))
		return
	}
	p.facts("threshold", fmt.Sprintf("%s, fp/(fp + fn)", short(t.Threshold, 6)), "costs", t.Cost.String())
	tab := &table{header: []string{"", "cost", "a row", "at 0.5"}}
	for _, rows := range []struct {
		name string
		cost *descent.DecisionCost
	}{{onTraining, t.Train}, {onTest, t.Test}} {
		if c := rows.cost; c != nil {
			tab.add(rows.name, short(c.Total, 8), digits(c.Mean, 4), short(c.AtHalf, 8))
		}
	}
	p.table(tab)
}

const (
	onTraining = "training rows"
	onTest     = "test rows"
)

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
