package main

import (
	"fmt"
	"math"
	"strconv"

	"github.com/descent-ml/descent"
	"github.com/guptarohit/asciigraph"
	"github.com/spf13/cobra"
)

// addCV adds the flags about cross-validation.
func addCV(cmd *cobra.Command, v *descent.CrossValidation) {
	cmd.Flags().IntVar(&v.Folds, "cv", 0, "estimate the loss on rows left out by `K`-fold cross-validation (--l2 auto, --l1 auto: 10)")
	choose(cmd, &v.Rule, "cv-rule", "the penalty that auto takes: the largest within one standard error of the best (1se), or the best", "1se", "min")
}

// cvUsage refuses what cannot be meant.
func cvUsage(cmd *cobra.Command, c *descent.Config) error {
	v := &c.CV
	switch {
	case cmd.Flags().Changed("cv") && v.Folds < 2:
		return usagef("--cv %d: want 2 folds or more", v.Folds)
	case v.Rule != "" && !v.L2 && !v.L1:
		return usagef("--cv-rule chooses a penalty: it needs --l2 auto or --l1 auto")
	}
	return nil
}

// printCV shows what cross-validation found: the two points that matter, and the loss along the path.
func printCV(p *page, v *descent.CV) {
	if v == nil {
		return
	}
	p.heading(fmt.Sprintf("cross-validation, %d folds: loss on rows left out", v.Folds))
	if len(v.Lambdas) == 1 {
		p.facts("loss", fmt.Sprintf("%s, standard error %s", digits(v.Chosen.Mean, 6), digits(v.Chosen.SE, 3)),
			"fits", fmt.Sprintf("%s, %s over the rows", count(v.Steps, "step"), passes(v.Passes)))
		return
	}
	tab := &table{header: []string{"", "λ", "loss", "std error"}}
	if v.Nonzero != nil {
		tab.header = append(tab.header, "not 0")
	}
	last := len(v.Lambdas) - 1
	seen := map[int]bool{}
	row := func(name string, i int) {
		if i < 0 || i > last || seen[i] && name == "" {
			return
		}
		seen[i] = true
		cells := []string{name, short(v.Lambdas[i], 5), digits(v.Mean[i], 6), digits(v.SE[i], 3)}
		if v.Nonzero != nil {
			cells = append(cells, strconv.FormatFloat(v.Nonzero[i], 'f', 1, 64))
		}
		tab.add(cells...)
	}
	name := func(i int) string {
		switch {
		case i == v.Chosen.Index && i == v.Min.Index:
			return "least, chosen"
		case i == v.Chosen.Index:
			return "chosen"
		case i == v.Min.Index:
			return "least"
		}
		return ""
	}
	for i := range v.Lambdas {
		if i%(1+last/9) == 0 || i == last || name(i) != "" {
			row(name(i), i)
		}
	}
	p.table(tab)
	var curve []float64
	for _, m := range v.Mean {
		if !math.IsNaN(m) && !math.IsInf(m, 0) {
			curve = append(curve, m)
		}
	}
	p.printf("\n%s\n", asciigraph.Plot(curve, asciigraph.Height(8), asciigraph.Width(min(60, p.app.width-16)), asciigraph.Precision(4),
		asciigraph.Caption(fmt.Sprintf("loss, λ from %s down to %s", short(v.Lambdas[0], 3), short(v.Lambdas[last], 3)))))
	p.facts("rule", map[string]string{"1se": "the largest penalty within one standard error of the least loss", "min": "the least loss"}[v.Rule],
		"fits", fmt.Sprintf("%d, each from the one before: %s, %s over the rows", v.Folds*len(v.Lambdas), count(v.Steps, "step"), passes(v.Passes)))
}
