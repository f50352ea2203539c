package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/descent-ml/descent"
	"github.com/spf13/cobra"
)

// addHidden adds the flags about a hidden layer.
func (t *training) addHidden(cmd *cobra.Command) {
	f, c := cmd.Flags(), &t.data.config
	f.IntVar(&c.Hidden, "hidden", 0, "a tanh layer of `K` units before the output; --equations can say others")
	f.IntVar(&c.Solver.Restarts, "restarts", 0, "train a hidden layer from `R` random starts, seeds --seed and on, and keep the best (1)")
}

// hiddenUsage refuses what a hidden layer cannot have.
func hiddenUsage(cmd *cobra.Command, c *descent.Config) error {
	changed := cmd.Flags().Changed
	switch {
	case changed("hidden") && c.Hidden < 1, changed("restarts") && c.Solver.Restarts < 1:
		return usagef("--hidden and --restarts are numbers from 1")
	case changed("hidden") && changed("equations"):
		return usagef("--hidden and --equations: choose one; equations say themselves which layers there are")
	case changed("restarts") && !changed("hidden") && !changed("equations"):
		return usagef("--restarts: only a model with a hidden layer has a random start")
	case changed("hidden") && changed("tol"):
		return usagef("--tol: of a model with a hidden layer no gap is proved")
	case changed("hidden") && c.Labels.Reference != "" && c.Columns.Offset == "":
		return usagef("--reference-class: with a hidden layer every class has weights, and none is the reference")
	}
	return nil
}

// equationsOfLayers are the equations of a model with a hidden layer, "" of others.
func equationsOfLayers(m *descent.Model) string {
	if m == nil || m.Additive() {
		return ""
	}
	return m.Equations()
}

// starts says how the random starts of a hidden layer ended.
func starts(r *descent.Result) string {
	if len(r.Restarts) < 2 {
		return ""
	}
	each := make([]string, len(r.Restarts))
	for i, s := range r.Restarts {
		cost := "no finite cost"
		if s.Cost != nil {
			cost = "J = " + digits(*s.Cost, 6)
		}
		each[i] = fmt.Sprintf("seed %d %s (%s)", s.Seed, cost, s.Verdict)
	}
	return shortList(each, 10)
}

func layerSize(all []descent.LayerParameter) int {
	n := 0
	for _, p := range all {
		for _, row := range p.Values {
			n += len(row)
		}
	}
	return n
}

// printLayers writes the parameters of a hidden layer, a matrix by its rows; of wide ones the first numbers.
func printLayers(p *page, all []descent.LayerParameter) {
	if len(all) == 0 {
		return
	}
	const most = 6
	tab := &table{header: []string{""}}
	width := 0
	for _, l := range all {
		width = max(width, min(len(l.Values[0]), most))
	}
	tab.header = append(tab.header, make([]string, width)...)
	wide, rows := false, 0
	for _, l := range all {
		for i, row := range l.Values {
			if rows++; rows > mostCoefficients {
				break
			}
			name := l.Name
			if len(l.Shape) == 2 {
				name = fmt.Sprintf("%s[%d]", l.Name, i+1)
			}
			cells := []string{name}
			for j := range width {
				cell := ""
				if j < len(row) {
					cell = digits(row[j], 5)
				}
				cells = append(cells, cell)
			}
			wide = wide || len(row) > width
			tab.add(cells...)
		}
	}
	p.table(tab)
	if wide || rows > mostCoefficients {
		p.printf("the first of %d numbers (--json has all)\n", layerSize(all))
	}
}

// printForward shows the value of every equation of a model with a hidden layer.
func printForward(p *page, m *descent.Model, x *descent.Explanation) {
	tab := &table{header: []string{"", ""}}
	for _, n := range x.Forward {
		shown, more := shownOf(n.Data)
		for _, j := range shown {
			name := component(n, j)
			if n.Name == "x" {
				name += " " + printable(m.Terms()[j])
			} else if len(x.Classes) > 0 && (n.Name == "z" || n.Name == "a") {
				name += " " + printable(x.Classes[j].Level)
			}
			tab.add(name, digits6(n.Data[j]))
		}
		if more > 0 {
			tab.add(fmt.Sprintf("and %d more of %s", more, n.Name), "")
		}
	}
	p.table(tab)
	p.WriteByte('\n')
	if m.Standardised() {
		p.WriteString("x is standardised, as the layer sees it\n")
	}
	for _, line := range wrap(x.Note, p.app.width) {
		p.WriteString(line + "\n")
	}
	p.WriteByte('\n')
	probability := "probability"
	if classes := m.Classes(); len(classes) == 2 {
		probability += " of " + printable(classes[1])
	}
	p.facts(probability, strconv.FormatFloat(x.Probability, 'g', -1, 64), "label", printable(x.Label))
}

// standardisedNote is what is said where x of a model is not in the units of the file.
var standardisedNote = strings.Join([]string{"the model's layer sees numeric columns standardised:", "x1, x2, … are (value - center)*scale"}, " ")
