package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/descent-ml/descent"
	"github.com/spf13/cobra"
)

// addInference adds the flags about errors, tests and intervals.
func addInference(cmd *cobra.Command, c *descent.Config) {
	f, i := cmd.Flags(), &c.Inference
	f.Var(number{&c.Confidence}, "conf", "`level` of all intervals (0.95)")
	choose(cmd, &i.Robust, "robust", "sandwich errors, which hold also where the variance is not a(1-a); hc1 has the factor m/(m-k)", "hc0", "hc1")
	f.StringVar(&i.Cluster, "cluster", "", "`column` of groups whose rows are not independent: clustered errors, factor G/(G-1)·(m-1)/(m-k)")
	f.BoolVar(&i.LikelihoodRatio, "lr", false, "likelihood-ratio test of every column and coefficient, and profile-likelihood intervals")
	f.BoolVar(&i.Firth, "firth", false, "Firth's penalised likelihood: finite also under separation; p and intervals by its profile")
	must(cmd.RegisterFlagCompletionFunc("cluster", completeColumns(0)))
}

// checkInference refuses what cannot be meant, before anything is read.
func checkInference(cmd *cobra.Command, c *descent.Config) error {
	changed := cmd.Flags().Changed
	switch {
	case changed("conf") && !(c.Confidence > 0 && c.Confidence < 1):
		return usagef("--conf %s: want a number between 0 and 1, such as 0.95", strings.TrimSpace(cmd.Flags().Lookup("conf").Value.String()))
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
