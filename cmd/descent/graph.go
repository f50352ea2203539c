package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/graph"
	"github.com/spf13/cobra"
)

func (a *app) graphCommand() *cobra.Command {
	g := &drawing{app: a}
	formats := []string{"text", "dot", "svg", "mermaid", "latex", "mathml"}
	cmd := &cobra.Command{
		Use:   "graph [MODEL | -e EQUATIONS | --equations F] [--backward] [--format text]",
		Short: "draw the computation graph and its derivatives",
		Long: `Graph draws the lecture's model, a MODEL's, or your own equations: as written, simplified (what trains), or lowered (what runs), forward and
backward, with the derivation of every formula by named rules.`,
		Example: `  descent graph --backward
  descent graph --backward --steps
  descent graph heart.json --format svg -o heart.svg
  descent graph --classes 3 --backward
  descent graph -e 'J = 3*(a + b*c)' --format dot | dot -Tpng > J.png`,
		Args:              between(0, "MODEL"),
		RunE:              g.run,
		ValidArgsFunction: completeFiles(1),
	}
	f := cmd.Flags()
	f.StringVarP(&g.equations, "equation", "e", "", "`equations`, one a line or with ; between them")
	f.StringVar(&g.file, "equations", "", "`file` of equations (descent help equations)")
	f.IntVar(&g.features, "features", 2, "x and w have `N` components (2)")
	f.IntVar(&g.classes, "classes", 0, "`K` classes: of more than two the model is that with softmax; W has K rows (3)")
	f.BoolVar(&g.backward, "backward", false, "with the derivatives, from the last equation back")
	f.BoolVar(&g.simplify, "simplify", false, "the form that trains")
	f.BoolVar(&g.lower, "lower", false, "the form that runs")
	f.BoolVar(&g.steps, "steps", false, "how each formula came about, rule by rule")
	g.format = "text"
	choose(cmd, &g.format, "format", "of the picture", formats...)
	f.StringVarP(&g.output, "output", "o", "", "write to this `file` instead of standard output")
	return cmd
}

type drawing struct {
	*app
	equations, file, format, output  string
	features, classes                int
	backward, simplify, lower, steps bool
}

type graphJSON struct {
	Format      string           `json:"format"`
	Text        string           `json:"text"`
	Output      string           `json:"output,omitempty"`
	Definitions []definitionJSON `json:"definitions"`
}

type definitionJSON struct {
	Name    string `json:"name"`
	Of      string `json:"derivative_of,omitempty"`
	Written string `json:"written"`
	Runs    string `json:"runs,omitempty"`
}

func (d *drawing) run(cmd *cobra.Command, args []string) error {
	changed := cmd.Flags().Changed
	sources := 0
	for _, is := range []bool{len(args) > 0, changed("equation"), changed("equations")} {
		if is {
			sources++
		}
	}
	switch {
	case sources > 1:
		return usagef("MODEL, -e and --equations: choose one")
	case changed("equation") && strings.TrimSpace(d.equations) == "":
		return usagef("-e is empty")
	case d.simplify && d.lower:
		return usagef("--simplify and --lower: choose one")
	case d.features < 1 || d.features > 1_000_000:
		return usagef("--features %d: want a number from 1 to 1000000", d.features)
	case changed("classes") && (d.classes < 2 || d.classes > 1000):
		return usagef("--classes %d: want a number from 2 to 1000", d.classes)
	case len(args) > 0 && (changed("features") || changed("classes")):
		return usagef("--features, --classes: a model knows how many it has")
	case len(args) > 0 && isInput(d.output, args[0]), isInput(d.output, d.file):
		return usagef("-o %s is a file that is read; it would be overwritten", d.output)
	}
	g, labels, err := d.parse(args)
	if err != nil {
		return equationsError(err, d.file)
	}
	v := graph.View{Backward: d.backward, Steps: d.steps, Columns: d.width, Labels: labels}
	switch {
	case d.simplify:
		v.Stage = graph.Simplified
	case d.lower:
		v.Stage = graph.Lowered
	}
	if d.backward || d.steps || d.simplify || d.lower {
		last := g.Defs[len(g.Defs)-1]
		if !last.Written.Shape.IsScalar() {
			return equationsError(fmt.Errorf("the last equation, %s, is what is differentiated and must be one number; it is a %v", last.Name, last.Written.Shape), d.file)
		}
		if err := g.Derive(last.Name); err != nil {
			return equationsError(err, d.file)
		}
	}
	write := map[string]func(io.Writer, graph.View) error{
		"text": g.WriteText, "dot": g.WriteDOT, "svg": g.WriteSVG, "mermaid": g.WriteMermaid, "latex": g.WriteLaTeX, "mathml": g.WriteMathML,
	}[d.format]
	var picture bytes.Buffer
	if err := write(&picture, v); err != nil {
		return err
	}
	if b := picture.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
		picture.WriteByte('\n')
	}
	if d.output != "" && d.output != "-" {
		if err := d.app.output(d.output, func(w io.Writer) error { _, err := w.Write(picture.Bytes()); return err }); err != nil {
			return err
		}
	}
	out := graphJSON{Format: d.format, Text: picture.String(), Definitions: []definitionJSON{}}
	if d.output != "-" {
		out.Output = d.output
	}
	for _, def := range g.Defs {
		j := definitionJSON{Name: def.Name, Of: def.Of, Written: def.Written.String()}
		if def.Runs != nil {
			j.Runs = def.Runs.String()
		}
		out.Definitions = append(out.Definitions, j)
	}
	return d.emit(out, func(p *page) {
		if out.Output == "" {
			p.Write(picture.Bytes())
		}
	})
}

// parse makes the graph asked for, and says what a model's x1, x2, … are called.
func (d *drawing) parse(args []string) (*graph.Graph, map[string]string, error) {
	if len(args) > 0 {
		m, err := d.load(args[0], "")
		if err != nil {
			return nil, nil, err
		}
		g, err := m.Graph()
		if err != nil {
			return nil, nil, err
		}
		if m.Penalty().L1 > 0 {
			lines, err := m.CostEquations()
			if err != nil {
				return nil, nil, err
			}
			d.note(strings.Join(lines, "; ") + ": all but the last line is differentiated; |w| has a corner at 0, which the proximal step of the solver takes")
		}
		labels := classLabels(g, m.Classes())
		for j, t := range m.Terms() {
			if x := "x" + strconv.Itoa(j+1); x != t {
				labels[x] = printable(t)
			}
		}
		return g, labels, nil
	}
	equations := strings.ReplaceAll(d.equations, ";", "\n")
	if d.file != "" {
		var err error
		if equations, err = equationsFile(d.file); err != nil {
			return nil, nil, err
		}
	}
	if strings.TrimSpace(equations) == "" {
		if equations = descent.Equations; d.classes > 2 {
			equations = descent.ClassEquations
		}
	}
	classes := d.classes
	if classes == 0 {
		classes = 3
	}
	g, err := descent.EquationGraph(equations, d.features, classes)
	if err != nil {
		return nil, nil, err
	}
	if _, ok := g.Lookup("W"); !ok && d.classes > 2 {
		return nil, nil, usagef("--classes %d: the equations have no W, which has a row for each class", d.classes)
	}
	if len(g.Defs) == 0 {
		return nil, nil, fmt.Errorf("there is no equation")
	}
	return g, nil, nil
}

// classLabels says what the components of y, z, a and b stand for, where there are more than two classes.
func classLabels(g *graph.Graph, classes []string) map[string]string {
	labels := map[string]string{}
	if len(classes) < 3 {
		return labels
	}
	for _, name := range []string{"y", "z", "a", "b", "r"} {
		if n, ok := g.Lookup(name); ok && n.Shape.IsVector() && n.Shape.Rows == len(classes) {
			for k, c := range classes {
				labels[fmt.Sprintf("%s%d", name, k+1)] = printable(c)
			}
		}
	}
	return labels
}
