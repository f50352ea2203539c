package main

import (
	"fmt"
	"math"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/metric"
)

// printConstants says how much better than the constant model the model is on each set of rows.
func printConstants(p *page, sets []*metric.Metrics) {
	for _, m := range sets {
		c := m.Constant
		if c == nil {
			continue
		}
		p.WriteByte('\n')
		what := "the shares of the classes in " + c.Of
		if len(c.Shares) == 2 {
			what = fmt.Sprintf("%s, the rate of %s, for every row", short(c.Shares[1], 4), c.Of)
		}
		p.facts(
			"constant model", fmt.Sprintf("%s: log loss %s, Brier score %s", what, fixed(&c.LogLoss, 4), fixed(&c.Brier, 4)),
			"skill", fmt.Sprintf("log loss %s lower%s, Brier score %s lower%s", share(c.LogLossSkill), shares(c.LogLossSkillInterval), share(c.BrierSkill), shares(c.BrierSkillInterval)),
			"test", "log loss less the constant's: "+differenceText(c.Difference, m.Intervals.Confidence)+" (paired z test)",
		)
	}
}

// share is a part of 1 in percent.
func share(v float64) string {
	v *= 100
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	return decimals(v, 1) + " %"
}

// shares is an interval of one.
func shares(i metric.Interval) string {
	if math.IsNaN(i[0]) {
		return ""
	}
	return fmt.Sprintf(" (%s to %s)", share(i[0]), share(i[1]))
}

// differenceText is "-0.17 (95 %: -0.2 to -0.14), z = -11.2, p = 3e-30".
func differenceText(d metric.Difference, conf float64) string {
	text := digits(d.Estimate, 4)
	if math.IsNaN(d.Z) {
		return text + ", of which these rows give no error"
	}
	return fmt.Sprintf("%s (%s: %s to %s), z = %s, p = %s", text, percent(conf), digits(d.Low, 4), digits(d.High, 4), fixed(&d.Z, 2), pValue(&d.P))
}

// printBins writes what was predicted beside what was seen.
func printBins(p *page, m *metric.Metrics) {
	bins, v := m.Calibration.Bins, m.Intervals
	if len(bins) == 0 || v == nil {
		return
	}
	p.heading("calibration: rows by rising probability, and the share of positives among them")
	half := (1 - v.Confidence) / 2
	tab := &table{header: []string{"probability", "rows", "mean", "observed", percent(half), percent(1 - half), ""}}
	for i, b := range bins {
		mark := ""
		if o := v.Bins[i]; b.Predicted < o[0] || b.Predicted > o[1] {
			mark = "*"
		}
		tab.add(decimals(b.Low, 4)+" to "+decimals(b.High, 4), fmt.Sprint(b.Rows), fixed(&b.Predicted, 4), fixed(&b.Observed, 4),
			fixed(&v.Bins[i][0], 4), fixed(&v.Bins[i][1], 4), mark)
	}
	p.table(tab)
	p.say("* the mean probability is outside the interval of the observed share")
}

// printCosts writes what the decisions cost.
func printCosts(p *page, c *metric.Costs) {
	if c == nil {
		return
	}
	p.heading(fmt.Sprintf("cost: %s for a false positive, %s for a false negative", short(c.Cost.FP, 6), short(c.Cost.FN, 6)))
	tab := &table{header: []string{"", "threshold", "total", "a row", "from", "to", "false positives", "false negatives"}}
	add := func(name string, at metric.CostAt) {
		tab.add(name, short(at.Threshold, 6), short(at.Total, 7), digits(at.Mean, 4), digits(at.Interval[0], 4), digits(at.Interval[1], 4), weightText(at.Confusion.FP), weightText(at.Confusion.FN))
	}
	add("threshold in use", c.At)
	add("fp/(fp + fn)", c.Optimal)
	add("best for these rows", c.Best)
	label := "all negative"
	if c.Trivial.Threshold == 0 {
		label = "all positive"
	}
	add(label, c.Trivial)
	p.table(tab)
	p.say("fp/(fp + fn) costs least where probabilities mean what they say (see calibration). The best one was " + metric.BestNote + ".")
}

// printAgainst writes the comparison with an older model.
func printAgainst(p *page, a *descent.Against, name string) {
	if a == nil {
		return
	}
	p.heading("against " + printable(name))
	tab := &table{header: []string{"", "this", "older", "difference", percent((1 - a.Confidence) / 2), percent((1 + a.Confidence) / 2), "z", "p"}}
	add := func(name string, now, old float64, d metric.Difference) {
		p := d.P
		tab.add(name, fixed(&now, 4), fixed(&old, 4), digits(d.Estimate, 3), digits(d.Low, 3), digits(d.High, 3), fixed(&d.Z, 2), pValue(numberOrNil(p)))
	}
	add("log loss", a.New.LogLoss, a.Old.LogLoss, a.LogLoss)
	add("Brier score", a.New.Brier, a.Old.Brier, a.Brier)
	add("AUC", a.New.AUC, a.Old.AUC, a.AUC)
	p.table(tab)
	rows := count(a.Rows, "row")
	if a.LeftOut > 0 {
		rows += fmt.Sprintf("; %d that one of the models leaves out for a missing value are not compared", a.LeftOut)
	}
	test := "no row is decided rightly by one and wrongly by the other"
	if a.OnlyNew+a.OnlyOld > 0 {
		test = fmt.Sprintf("%s decided rightly by this model alone, %s by the older alone: p = %s (McNemar, exact)", weightText(a.OnlyNew), weightText(a.OnlyOld), pValue(&a.DecisionsP))
	}
	p.WriteByte('\n')
	p.facts("rows", rows, "decisions", test)
}

// numberOrNil is nil for NaN.
func numberOrNil(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// printSlices writes the slices of every column.
func printSlices(p *page, all []descent.Slicing, whole *metric.Metrics) {
	for _, s := range all {
		title := "by " + printable(s.Column)
		switch s.Groups {
		case "quantiles":
			title += ", cut into parts of about equal weight"
		case "levels":
			if s.Merged > 0 {
				title += fmt.Sprintf("; other is %s", count(s.Merged, "level"))
			}
		}
		p.heading(title)
		two := whole.PerClass == nil
		tab := &table{header: []string{"", "rows", "rate", "mean", "p", "log loss", "from", "to", "AUC", "from", "to"}}
		if !two {
			tab.header = []string{"", "rows", "log loss", "from", "to", "accuracy", "from", "to", "AUC", "from", "to"}
		}
		small := 0
		add := func(name string, m *metric.Metrics, middle ...string) {
			v := m.Intervals
			row := append([]string{name, fmt.Sprint(m.Rows)}, middle...)
			row = append(row, fixed(&m.LogLoss, 3), fixed(&v.LogLoss[0], 3), fixed(&v.LogLoss[1], 3))
			if !two {
				row = append(row, fixed(&m.Accuracy, 3), fixed(&v.Accuracy[0], 3), fixed(&v.Accuracy[1], 3))
			}
			tab.add(append(row, fixed(&m.AUC, 3), fixed(&v.AUC[0], 3), fixed(&v.AUC[1], 3))...)
		}
		for i := range s.Slices {
			x := &s.Slices[i]
			name := printable(x.Level)
			if x.Small {
				name += " *"
				small++
			}
			if two {
				add(name, x.Metrics, fixed(x.Rate, 3), fixed(x.Predicted, 3), pValue(x.PHolm))
			} else {
				add(name, x.Metrics)
			}
		}
		p.table(tab)
		if small > 0 {
			what := "fewer than 10 rows of one of the classes"
			if !two {
				what = "fewer than 30 rows"
			}
			p.say("* " + what + ": intervals and p are rough")
		}
		if !two {
			continue
		}
		if t := s.InTheLarge; t != nil {
			p.say(fmt.Sprintf("all slices right on average: chi-squared %s on %d df, p = %s", digits(t.Chisq, 4), t.DF, pValue(&t.P)))
		}
		if t := s.Heterogeneity; t != nil {
			p.say(fmt.Sprintf("wrong by one shift of z in all slices, if at all: chi-squared %s on %d df, p = %s", digits(t.Chisq, 4), t.DF, pValue(&t.P)))
		}
	}
	if len(all) > 0 && whole.PerClass == nil {
		p.WriteByte('\n')
		p.say("mean is the mean probability, p the test that it is the rate, for all slices of a column together (Holm). Log loss and AUC also differ between slices " +
			"because their rows do: a rate near one half makes log loss larger, and rows that are alike make AUC smaller, with the same model.")
	}
	if len(all) > 1 && whole.PerClass == nil {
		p.say("The tests of several columns are not adjusted for each other: of twenty columns one has p below 0.05 by chance.")
	}
}
