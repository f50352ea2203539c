package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/dataset"
	"github.com/spf13/cobra"
)

// addInference adds the flags about errors, tests and intervals.
func addInference(cmd *cobra.Command, c *descent.Config) {
	f, i := cmd.Flags(), &c.Inference
	f.StringVar(&c.Columns.Successes, "successes", "", "`column` that counts class 1 in every row; with --failures in the place of --target and --weight")
	f.StringVar(&c.Columns.Failures, "failures", "", "`column` that counts class 0 in every row")
	f.Var(classWeight{&c.ClassWeight}, "class-weight", "how much more the rows of a class count; probabilities are corrected to those of the data")
	must(cmd.RegisterFlagCompletionFunc("successes", completeColumns(0)))
	must(cmd.RegisterFlagCompletionFunc("failures", completeColumns(0)))
	f.Var(number{&c.Confidence}, "conf", "`level` of all intervals (0.95)")
	choose(cmd, &i.Robust, "robust", "sandwich errors, which hold also where the variance is not a(1-a); hc1 has the factor m/(m-k)", "hc0", "hc1")
	f.StringVar(&i.Cluster, "cluster", "", "`column` of groups whose rows are not independent: clustered errors, factor G/(G-1)·(m-1)/(m-k)")
	f.BoolVar(&i.LikelihoodRatio, "lr", false, "likelihood-ratio test of every column and coefficient, and profile-likelihood intervals")
	f.BoolVar(&i.Firth, "firth", false, "Firth's penalised likelihood: finite also under separation; p and intervals by its profile")
	f.BoolVar(&i.Margins, "margins", false, "average marginal effects on the probability, with delta-method errors")
	f.BoolVar(&i.Diagnostics, "diagnostics", false, "variance inflation, condition number, tests of calibration, leverage, the rows that pull most")
	f.IntVar(&i.Bootstrap, "bootstrap", 0, "percentile intervals from `B` resamples of the rows (of --cluster: of clusters), also with a penalty; 1000 is usual")
	must(cmd.RegisterFlagCompletionFunc("cluster", completeColumns(0)))
}

// checkInference refuses what cannot be meant, before anything is read.
func checkInference(cmd *cobra.Command, c *descent.Config) error {
	changed := cmd.Flags().Changed
	switch {
	case changed("conf") && !(c.Confidence > 0 && c.Confidence < 1):
		return usagef("--conf %s: want a number between 0 and 1, such as 0.95", strings.TrimSpace(cmd.Flags().Lookup("conf").Value.String()))
	case changed("successes") && c.Columns.Successes == "", changed("failures") && c.Columns.Failures == "":
		return usagef("--successes and --failures are names of columns")
	case changed("bootstrap") && c.Inference.Bootstrap < 2:
		return usagef("--bootstrap %d: want a number of resamples from 2, such as 1000", c.Inference.Bootstrap)
	case changed("cluster") && c.Inference.Cluster == "":
		return usagef("--cluster is empty")
	}
	return nil
}

// errorsOf says what the standard errors rest on, where that is not the likelihood alone.
func errorsOf(r *descent.Result) string {
	switch {
	case r.Errors == "" || r.Errors == descent.ModelErrors:
		return ""
	case r.Clusters > 0:
		return r.Errors + " (" + count(r.Clusters, "cluster") + ")"
	}
	return r.Errors
}

// printTests writes the likelihood-ratio tests, of columns and of coefficients, with the profile-likelihood intervals.
func printTests(p *page, r *descent.Result) {
	if len(r.LRTests) == 0 {
		return
	}
	what := "likelihood"
	if r.Firth {
		what = "penalised likelihood"
	}
	p.heading("without a column: twice the fall of the log " + what)
	tab := &table{header: []string{"", "df", "chi-squared", "p"}}
	for _, t := range r.LRTests {
		tab.add(printable(t.Column), strconv.Itoa(t.DF), optional(t.Chisq, 5), pValue(t.P))
	}
	p.table(tab)
	p.heading("profile of the " + what)
	half := (1 - r.Confidence) / 2
	tab = &table{header: []string{"", "estimate", "chi-squared", "p", percent(half), percent(1 - half)}, left: 1}
	for i, c := range r.Coefficients {
		if i > mostCoefficients {
			tab.add(fmt.Sprintf("and %d more (--json)", len(r.Coefficients)-i), "", "", "", "", "")
			break
		}
		name := printable(c.Name)
		if c.Class != "" {
			name = printable(c.Class) + ": " + name
		}
		tab.add(name, digits(c.Estimate, 5), optional(c.LRChisq, 5), pValue(c.LRP), optional(c.ProfileLow, 4), optional(c.ProfileHigh, 4))
	}
	p.table(tab)
}

// printMargins writes the average marginal effects.
func printMargins(p *page, r *descent.Result) {
	if len(r.Margins) == 0 {
		return
	}
	p.heading("average marginal effects on the probability")
	half := (1 - r.Confidence) / 2
	tab := &table{header: []string{"", "effect", "std error", "z", "p", percent(half), percent(1 - half)}}
	changes := false
	for i, m := range r.Margins {
		if i >= mostCoefficients {
			break
		}
		changes = changes || m.Kind == "change"
		tab.add(printable(m.Name), digits(m.Effect, 5), optional(m.StdError, 4), fixed(m.Z, 2), pValue(m.P), optional(m.Low, 4), optional(m.High, 4))
	}
	p.table(tab)
	if more := len(r.Margins) - mostCoefficients; more > 0 {
		p.printf("and %d more (--json has all)\n", more)
	}
	if changes {
		p.say("of a level: the mean change of the probability against the level without a weight")
	}
}

// printDiagnostics writes what the columns and rows of the fit are like.
func printDiagnostics(p *page, d *descent.Diagnostics) {
	if d == nil {
		return
	}
	p.heading("diagnostics")
	test := func(t descent.CalibrationTest) string { return "z = " + fixed(t.Z, 3) + ", p = " + pValue(t.P) }
	p.facts(
		"calibration", test(d.Squares)+" (unweighted squares: le Cessie, van Houwelingen, Copas, Hosmer)",
		"Spiegelhalter", test(d.Spiegelhalter)+" (too mild on the rows of the fit)",
		"Hosmer-Lemeshow", fmt.Sprintf("chi-squared %s on %d degrees of freedom, p = %s", fixed(d.HosmerLemeshow.Chisq, 4), d.HosmerLemeshow.DF, pValue(d.HosmerLemeshow.P)),
		"condition number", optional(d.ConditionNumber, 4)+" (columns and intercept scaled to length 1)",
		"leverage", fmt.Sprintf("mean %s, largest %s", digits(d.Leverage.Mean, 3), digits(d.Leverage.Max, 3)),
	)
	p.heading("variance inflation")
	tab := &table{header: []string{"", "df", "VIF"}}
	for i, v := range d.Inflation {
		if i >= mostCoefficients {
			tab.add(fmt.Sprintf("and %d more (--json)", len(d.Inflation)-i), "", "")
			break
		}
		tab.add(printable(v.Column), strconv.Itoa(v.DF), optional(v.VIF, 4))
	}
	p.table(tab)
	p.heading("rows that pull most: Cook's distance, and the coefficient they move most in standard errors")
	tab = &table{header: []string{"row", "line", "label", "moves", "by", "probability", "leverage", "Cook"}, left: 4}
	for _, x := range d.Influence {
		tab.add(strconv.Itoa(x.Row), strconv.Itoa(x.Line), printable(x.Label), printable(x.Change.Name), fixed(x.Change.StandardErrors, 2), fixed(&x.Probability, 4), digits(x.Leverage, 3), digits(x.Cook, 3))
	}
	p.table(tab)
}

// printBootstrap writes the bootstrap intervals.
func printBootstrap(p *page, r *descent.Result) {
	b := r.Bootstrap
	if b == nil {
		return
	}
	title := fmt.Sprintf("bootstrap: percentiles of %s of %s, seed %d", count(b.Resamples, "resample"), b.Unit, b.Seed)
	if b.Failed > 0 {
		title += fmt.Sprintf("; %d without a finite optimum left out", b.Failed)
	}
	p.heading(title)
	if b.Note != "" {
		p.say(b.Note)
		return
	}
	half := (1 - r.Confidence) / 2
	tab := &table{header: []string{"", "estimate", "std error", percent(half), percent(1 - half)}}
	for i, c := range r.Coefficients {
		if i > mostCoefficients {
			tab.add(fmt.Sprintf("and %d more (--json)", len(r.Coefficients)-i), "", "", "", "")
			break
		}
		name := printable(c.Name)
		if c.Class != "" {
			name = printable(c.Class) + ": " + name
		}
		tab.add(name, digits(c.Estimate, 5), optional(c.BootstrapStdError, 4), optional(c.BootstrapLow, 4), optional(c.BootstrapHigh, 4))
	}
	p.table(tab)
	if r.Penalty.L1 > 0 || r.Penalty.L2 > 0 {
		p.say("with a penalty these are intervals of the shrunken estimates")
	}
}

// classWeight is --class-weight: balanced, or weights by level. A level with a comma or an equals sign in it is put in double quotes, with its weight.
type classWeight struct{ value *descent.ClassWeight }

func (w classWeight) String() string { return "" }
func (w classWeight) Type() string   { return "balanced|L=w,…" }
func (w classWeight) Set(s string) error {
	if s == "balanced" {
		w.value.Balanced = true
		return nil
	}
	var pairs []string
	if err := (list{&pairs}).Set(s); err != nil {
		return errors.New("want balanced, or LEVEL=WEIGHT with commas between them")
	}
	for _, p := range pairs {
		at := strings.LastIndexByte(p, '=')
		if at <= 0 {
			return fmt.Errorf("want balanced, or LEVEL=WEIGHT with commas between them, not %s", p)
		}
		v, ok := dataset.ParseNumber([]byte(p[at+1:]))
		if !ok || !(v > 0) {
			return fmt.Errorf("the weight of %s must be a number over 0", p[:at])
		}
		if _, twice := w.value.Of[p[:at]]; twice {
			return fmt.Errorf("two weights for %s", p[:at])
		}
		if w.value.Of == nil {
			w.value.Of = map[string]float64{}
		}
		w.value.Of[p[:at]] = v
	}
	return nil
}

// printGrouped writes the goodness of fit of grouped counts.
func printGrouped(p *page, g *descent.Grouped) {
	if g == nil {
		return
	}
	p.heading("every row one binomial observation")
	p.facts(
		"groups", fmt.Sprintf("%d; %s successes, %s failures", g.Groups, short(g.Successes, 9), short(g.Failures, 9)),
		"null deviance", fmt.Sprintf("%s on %d degrees of freedom", decimals(g.NullDeviance, 4), g.DFNull),
		"deviance", fmt.Sprintf("%s on %d degrees of freedom, p = %s", decimals(g.Deviance, 4), g.DFResidual, pValue(g.P)),
		"Pearson", decimals(g.Pearson, 4),
		"log likelihood", decimals(g.LogLikelihood, 4),
		"AIC", fixed(g.AIC, 3),
		"BIC", fixed(g.BIC, 3)+" (of the groups)",
	)
}

// printReweighting writes both numbers: what the weighted training believes, and what is corrected.
func printReweighting(p *page, w *descent.Reweighting) {
	if w == nil {
		return
	}
	p.heading("class weights")
	tab := &table{header: []string{"class", "weight", "share of rows", "mean probability", "as trained"}}
	var intercepts []string
	for i, c := range w.Classes {
		if i >= mostCoefficients {
			tab.add(fmt.Sprintf("and %d more (--json)", len(w.Classes)-i), "", "", "", "")
			break
		}
		tab.add(printable(c.Level), short(c.Weight, 6), digits(c.Rate, 4), digits(c.Corrected, 4), digits(c.Trained, 4))
		if c.Intercept != nil {
			intercepts = append(intercepts, fmt.Sprintf("%s as trained, corrected by %s (%s)", optional(c.Intercept, 5), optional(c.Correction, 5), printable(c.Level)))
		}
	}
	p.table(tab)
	p.say("intercept: " + strings.Join(intercepts, ", "))
	if w.LogLoss != nil && w.LogLossTrained != nil {
		p.printf("log loss of the training rows: %s, as trained %s\n", digits(*w.LogLoss, 5), digits(*w.LogLossTrained, 5))
	}
	if w.Threshold != nil {
		p.printf("threshold %s: labels are those of the weighted training\n", digits(*w.Threshold, 5))
	}
}
