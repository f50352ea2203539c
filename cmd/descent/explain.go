package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/dataset"
	"github.com/spf13/cobra"
)

func (a *app) explainCommand() *cobra.Command {
	e := &explanation{app: a}
	cmd := &cobra.Command{
		Use:   "explain MODEL [FILE --row N]",
		Short: "a model's coefficients, or one row's prediction part by part",
		Long: `Explain shows the coefficients of a model. With FILE and --row it shows one row's forward pass: the intercept and what every column adds
to z. The parts add up to z exactly: an explanation is the prediction itself, not a second model of it. Of more than two classes every one has
its own z. Where a hidden layer mixes the columns there are no such parts, and the value of every equation is shown in their place.

--flip adds the smallest changes that give the row another label: of every column alone, and of all numeric columns together in units of their standard deviations.
Each was predicted with and has that label. They are about the model, not about the world: changing a number there need not change what it stands for.

--train FILE, the file that the model was trained on, adds the training rows that moved z of this row most: z as it is, less z of a training without the row, by
one Newton step (approximate).`,
		Example: `  descent explain heart.json
  descent explain heart.json new.csv --row 3
  descent explain heart.json new.csv --row 3 --flip --freeze age,sex`,
		Args: between(1, "MODEL", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			data := ""
			if len(args) > 1 {
				data = args[1]
			}
			changed := cmd.Flags().Changed
			switch {
			case data == "" && (changed("row") || changed("no-header") || changed("format")):
				return usagef("--row, --format and --no-header are for a FILE: %s", cmd.UseLine())
			case data != "" && !changed("row"):
				return usagef("which row of %s? --row N, the first is 1", data)
			case data != "" && e.row < 1:
				return usagef("--row %d: the first row is 1", e.row)
			case args[0] == "-" && data == "-":
				return usagef("standard input cannot be both MODEL and FILE")
			case data == "" && e.flip:
				return usagef("--flip is about a row: explain MODEL FILE --row N --flip")
			case data == "" && changed("train"):
				return usagef("--train is about a row: explain MODEL FILE --row N --train FILE")
			case changed("train") && e.train == "":
				return usagef("--train is empty")
			case e.train == "-" && (data == "-" || args[0] == "-"):
				return usagef("standard input cannot be two files")
			case !e.flip && (changed("freeze") || changed("only") || changed("to")):
				return usagef("--freeze, --only and --to go with --flip")
			case changed("freeze") && changed("only"):
				return usagef("--freeze and --only: choose one")
			case changed("to") && e.flips.To == "":
				return usagef("--to is empty")
			}
			m, err := a.load(args[0], data)
			if err != nil {
				return err
			}
			if data == "" {
				return e.model(m)
			}
			return e.one(m, data)
		},
		ValidArgsFunction: completeFiles(2),
	}
	cmd.Flags().IntVar(&e.row, "row", 0, "the `N`-th data row of FILE, from 1")
	e.in.add(cmd)
	e.addFlip(cmd)
	f := cmd.Flags()
	f.StringVar(&e.train, "train", "", "the `file` that the model was trained on: its rows that moved this prediction most")
	return cmd
}

type explanation struct {
	*app
	in    inputFlags
	row   int
	flip  bool
	flips descent.FlipOptions
	train string
}

// model shows the coefficients.
func (e *explanation) model(m *descent.Model) error {
	s, err := m.Summary(0)
	if err != nil {
		return err
	}
	return e.emit(s, func(p *page) {
		p.facts(
			"model", predicts(m),
			"threshold", thresholdOf(m),
			"recalibrated", m.Recalibrated(),
			"verdict", fmt.Sprintf("%s: %s", s.Verdict, s.Message),
			"errors", s.Errors,
		)
		p.WriteByte('\n')
		printLayers(p, s.Layers)
		printCoefficients(p, s.Coefficients, s.Confidence, s.StatisticsNote, s.ReferenceClass)
	})
}

// one shows the forward pass of a row.
func (e *explanation) one(m *descent.Model, file string) error {
	var name string
	var row *descent.Row
	var x *descent.Explanation
	var flip *descent.Flip
	var pulls *descent.Pulls
	n := 0
	err := e.each(file, func(file string, r io.Reader) error {
		if x != nil {
			return nil
		}
		name = file
		rows, err := m.Rows(e.ctx, name, r, descent.RowOptions{Format: e.in.format, NoHeader: e.in.noHeader})
		if err != nil {
			return err
		}
		for {
			if row, err = rows.Next(); err == io.EOF {
				return nil
			}
			n++
			var bad *dataset.Error
			if err != nil && n < e.row && errors.As(err, &bad) && !bad.Final() {
				continue // another row's fault
			}
			if err != nil {
				return err
			}
			if n == e.row {
				if x, err = rows.Explain(); err != nil {
					return placed{file: name, line: row.Line, message: err.Error()}
				}
				if e.train != "" {
					if pulls, err = e.pulls(rows); err != nil {
						return err
					}
				}
				if e.flip {
					if flip, err = rows.Flip(e.flips); err != nil {
						return err
					}
				}
				return nil
			}
		}
	})
	if err != nil {
		return err
	}
	if x == nil {
		return placed{file: file, message: fmt.Sprintf("there is no row %d; it has %s", e.row, count(n, "data row"))}
	}
	line := row.Line
	all := joined{map[string]int{"row": e.row}, map[string]int{"line": line}, x}
	if flip != nil {
		all = append(all, map[string]any{"flip": flip})
	}
	if pulls != nil {
		all = append(all, map[string]any{"pulled": pulls})
	}
	return e.emit(all, func(p *page) {
		p.heading(fmt.Sprintf("row %d, line %d of %s", e.row, line, printable(name)))
		defer func() {
			if flip != nil {
				printFlip(p, m, flip)
			}
			if pulls != nil {
				printPulls(p, m, pulls)
			}
		}()
		if x.Forward != nil {
			printForward(p, m, x)
			return
		}
		if len(x.Classes) > 0 {
			printClasses(p, m, x)
			return
		}
		tab := &table{header: []string{"", "value", "adds to z", "z so far"}, left: 2}
		z := x.Intercept
		tab.add("(intercept)", "", digits(x.Intercept, 5), digits(z, 5))
		if x.Offset != nil {
			z += *x.Offset
			tab.add(printable(m.OffsetColumn())+" (offset)", number{x.Offset}.String(), digits(*x.Offset, 5), digits(z, 5))
		}
		shown, hidden := 0, 0
		for _, c := range x.Contributions {
			z += c.Contribution
			if len(x.Contributions) > mostCoefficients && (c.Contribution == 0 || shown >= mostCoefficients) {
				hidden++
				continue
			}
			shown++
			tab.add(printable(c.Name), valueText(c.Value), digits(c.Contribution, 5), digits(z, 5))
		}
		p.table(tab)
		if hidden > 0 {
			p.printf("and %d more columns (--json has all)\n", hidden)
		}
		if len(x.Columns) > 0 {
			p.WriteByte('\n')
			tab := &table{header: []string{"together", "", "add to z"}, left: 2}
			for _, c := range x.Columns {
				names := make([]string, len(c.Parts))
				for i, name := range c.Parts {
					names[i] = printable(name)
				}
				tab.add(printable(c.Name), shortList(names, 10), digits(c.Contribution, 5))
			}
			p.table(tab)
		}
		classes := m.Classes()
		p.WriteByte('\n')
		interval := ""
		if x.Low != nil {
			interval = fmt.Sprintf("%s to %s (95 %%)", digits(*x.Low, 4), digits(*x.High, 4))
		}
		p.facts(
			"z", strconv.FormatFloat(x.Z, 'g', -1, 64),
			"probability of "+printable(classes[1]), strconv.FormatFloat(x.Probability, 'g', -1, 64),
			"interval", interval,
			"recalibrated", recalibratedText(x),
			"label", printable(x.Label),
		)
	})
}

// recalibratedText says how the probability comes from z, where it is recalibrated.
func recalibratedText(x *descent.Explanation) string {
	if x.Recalibration == nil {
		return ""
	}
	return fmt.Sprintf("by %s, a function of z that was fitted after the training; the equations say %s", x.Recalibration.Method, digits(x.Recalibration.Before, 5))
}

// mostExplained is how many classes a person is shown side by side.
const mostExplained = 6

// printClasses shows the forward pass of the most probable of more than two classes, in the order of the classes.
func printClasses(p *page, m *descent.Model, x *descent.Explanation) {
	shown := make([]int, len(x.Classes))
	for k := range shown {
		shown[k] = k
	}
	slices.SortStableFunc(shown, func(a, b int) int { return cmp.Compare(x.Classes[b].Probability, x.Classes[a].Probability) })
	more := max(0, len(shown)-mostExplained)
	shown = shown[:len(shown)-more]
	slices.Sort(shown)
	tab := &table{header: []string{"adds to z of", "value"}, left: 2}
	line := func(name, value string, number func(c *descent.ClassExplanation) float64) {
		row := []string{name, value}
		for _, k := range shown {
			row = append(row, digits(number(&x.Classes[k]), 5))
		}
		tab.add(row...)
	}
	for _, k := range shown {
		tab.header = append(tab.header, printable(x.Classes[k].Level))
	}
	line("(intercept)", "", func(c *descent.ClassExplanation) float64 { return c.Intercept })
	if x.Offset != nil {
		line(printable(m.OffsetColumn())+" (offset)", "", func(c *descent.ClassExplanation) float64 { return *c.Offset })
	}
	hidden, rows := 0, 0
	for i, c := range x.Contributions {
		zero := true
		for _, k := range shown {
			zero = zero && x.Classes[k].Contributions[i] == 0
		}
		if len(x.Contributions) > mostCoefficients && (zero || rows >= mostCoefficients) {
			hidden++
			continue
		}
		rows++
		line(printable(c.Name), valueText(c.Value), func(c *descent.ClassExplanation) float64 { return c.Contributions[i] })
	}
	line("= z", "", func(c *descent.ClassExplanation) float64 { return c.Z })
	line("probability", "", func(c *descent.ClassExplanation) float64 { return c.Probability })
	p.table(tab)
	if hidden > 0 {
		p.printf("and %d more columns (--json has all)\n", hidden)
	}
	if more > 0 {
		p.printf("and %d more classes, less probable (--json has all)\n", more)
	}
	p.WriteByte('\n')
	p.facts("label", printable(x.Label), "probability", strconv.FormatFloat(x.Probability, 'g', -1, 64))
}

// valueText is a cell as a person writes it.
func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return "missing"
	case float64:
		return shortest(v)
	case string:
		return printable(v)
	}
	return fmt.Sprint(v)
}
