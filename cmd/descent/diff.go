package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/descent-ml/descent"
	"github.com/spf13/cobra"
)

func (a *app) diffCommand() *cobra.Command {
	var in inputFlags
	cmd := &cobra.Command{
		Use:   "diff A B [FILE]",
		Short: "what moved between two models, and whose predictions flip",
		Long: `Diff compares two models of the same target: settings, rows, columns and their levels, terms, coefficients (the difference also in standard errors of A). With FILE both predict
its rows: how many get another label, how much probabilities change, and the rows that change most. If
FILE holds the target, both are measured on it, with a paired test of the log loss.`,
		Example: `  descent diff old.json new.json
  descent diff old.json new.json later.csv`,
		Args:              between(2, "A", "B", "FILE"),
		ValidArgsFunction: completeFiles(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			stdin := 0
			for _, path := range args {
				if path == "-" {
					stdin++
				}
			}
			changed := cmd.Flags().Changed
			switch {
			case stdin > 1:
				return usagef("standard input cannot be two files")
			case len(args) < 3 && (changed("format") || changed("no-header")):
				return usagef("--format and --no-header are for a FILE: %s", cmd.UseLine())
			}
			first, err := a.load(args[0], "")
			if err != nil {
				return err
			}
			second, err := a.load(args[1], "")
			if err != nil {
				return err
			}
			o := descent.DiffOptions{Format: in.format, NoHeader: in.noHeader}
			if len(args) == 3 {
				if o.Source, err = a.source(args[2]); err != nil {
					return err
				}
			}
			d, err := descent.Diff(a.ctx, first, second, o)
			if err != nil {
				return err
			}
			return a.emit(d, func(p *page) { printDifference(p, args, d) })
		},
	}
	in.add(cmd)
	return cmd
}

// anyText is a value of any kind, as a person reads it.
func anyText(v any) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case float64:
		return digits(v, 6)
	case json.RawMessage:
		text := string(v)
		if s, err := strconv.Unquote(text); err == nil {
			text = s
		}
		return printable(text)
	case []string:
		if len(v) == 0 {
			return "–"
		}
		return shortList(printables(v), 6)
	}
	text := printable(fmt.Sprint(v))
	if rest, ok := strings.CutPrefix(text, "sha256:"); ok && len(rest) > 12 {
		return rest[:12] + "…"
	}
	return text
}

func printDifference(p *page, args []string, d *descent.Difference) {
	p.facts("A", printable(args[0]), "B", printable(args[1]))
	if d.Same {
		p.say("\nthe same, byte for byte")
	}
	list := func(title string, all []descent.Moved, columns bool) {
		if len(all) == 0 {
			return
		}
		p.heading(title)
		tab := &table{header: []string{"", "A", "B"}, left: 3}
		for i, m := range all {
			if i == mostCoefficients {
				break
			}
			name := m.Name
			if columns {
				name = printable(m.Column) + ": " + m.Name
				if m.Name == "levels" || m.Name == "rare" {
					name += " of one alone"
				}
			}
			tab.add(name, anyText(m.A), anyText(m.B))
		}
		p.table(tab)
		if more := len(all) - mostCoefficients; more > 0 {
			p.printf("and %d more (--json has all)\n", more)
		}
	}
	list("settings", d.Settings, false)
	list("training", d.Training, false)
	list("columns", d.Columns, true)
	if len(d.Added)+len(d.Removed)+len(d.Renamed) > 0 {
		p.heading("terms")
		renamed := make([]string, len(d.Renamed))
		for i, r := range d.Renamed {
			renamed[i] = printable(r.A) + " → " + printable(r.B)
		}
		p.facts("of A alone", shortList(printables(d.Removed), 20), "of B alone", shortList(printables(d.Added), 20), "renamed", shortList(renamed, 20))
	}
	if !d.Same {
		printShifts(p, d)
	}
	if r := d.Rows; r != nil {
		printRowsMoved(p, args[2], d, r)
	}
}

// printShifts writes the coefficients of both models, of very many those that moved most.
func printShifts(p *page, d *descent.Difference) {
	all := d.Coefficients
	if len(all) > 0 {
		p.heading("coefficients")
		shown := all
		if len(all) > mostCoefficients {
			size := func(s *descent.Shift) float64 {
				switch {
				case s.Errors != nil:
					return max(*s.Errors, -*s.Errors)
				case s.Difference != nil:
					return max(*s.Difference, -*s.Difference)
				}
				return 0
			}
			shown = slices.Clone(all)
			sort.SliceStable(shown, func(i, j int) bool { return size(&shown[i]) > size(&shown[j]) })
			shown = shown[:mostCoefficients]
		}
		classes, errors := false, false
		for i := range all {
			classes, errors = classes || all[i].Class != "", errors || all[i].Errors != nil
		}
		tab := &table{header: []string{"", "A", "B", "B - A"}}
		if classes {
			tab = &table{header: []string{"", "class", "A", "B", "B - A"}, left: 2}
		}
		if errors {
			tab.header = append(tab.header, "in errors of A")
		}
		for i := range shown {
			s := &shown[i]
			row := []string{printable(s.Name)}
			if classes {
				row = append(row, printable(s.Class))
			}
			row = append(row, optional(s.A, 5), optional(s.B, 5), optional(s.Difference, 4))
			if errors {
				row = append(row, fixed(s.Errors, 2))
			}
			tab.add(row...)
		}
		p.table(tab)
		if more := len(all) - len(shown); more > 0 {
			p.printf("and %d more; these moved most (--json has all)\n", more)
		}
	}
	if d.CoefficientsNote != "" {
		p.say("\n" + d.CoefficientsNote)
	}
}

func printRowsMoved(p *page, file string, d *descent.Difference, r *descent.RowsMoved) {
	p.heading("rows of " + printable(file))
	flips := make([]string, len(r.Flips))
	for i, f := range r.Flips {
		flips[i] = fmt.Sprintf("%d from %s to %s", f.Rows, printable(f.From), printable(f.To))
	}
	flipped := fmt.Sprintf("%d of %s", r.Flipped, count(r.Rows, "row"))
	if len(flips) > 0 {
		flipped += ": " + shortList(flips, 12)
	}
	left := ""
	if r.LeftOut > 0 {
		left = fmt.Sprintf("%s, for a missing value", count(r.LeftOut, "row"))
	}
	p.facts("another label", flipped, "left out", left, "mean change", digits(r.MeanChange, 4)+" of the probability, without sign")
	if r.Metrics != nil {
		p.WriteByte('\n')
		printMetrics(p, []string{"A", "B"}, r.Metrics.A, r.Metrics.B)
		p.WriteByte('\n')
		p.facts("log loss", "B less A: "+differenceText(r.Comparison.LogLoss, r.Comparison.Confidence)+" (paired z test)")
		if r.Trained {
			p.say("One of the models was trained on these rows: measures and test say nothing about new ones.")
		}
	}
	if len(r.Largest) == 0 {
		return
	}
	p.WriteByte('\n')
	p.say("the largest changes")
	name := func(model string) string {
		if len(d.Classes) == 2 {
			return model + ": of " + printable(d.Classes[1])
		}
		return model + ": of its label"
	}
	tab := &table{header: []string{"row", "line", "label A", "label B", name("A"), name("B"), "change"}, left: 4}
	for _, one := range r.Largest {
		change := signed(one.Change)
		if len(d.Classes) > 2 {
			change = digits(one.Change, 3)
		}
		tab.add(strconv.Itoa(one.Row), strconv.Itoa(one.Line), printable(one.A.Label), printable(one.B.Label), digits(one.A.Probability, 4), digits(one.B.Probability, 4), change)
	}
	p.table(tab)
}
