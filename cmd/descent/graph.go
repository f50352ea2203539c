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
		Use:   "graph [MODEL | -e EQUATIONS | --equations F] [NAME=VALUE … | FILE --row N] [--backward] [--steps] [--format text]",
		Short: "draw the computation graph and its derivatives",
		Long: `Graph draws the lecture's model, a MODEL's, or your own equations: as written, simplified (what trains), or lowered (what runs), forward and
backward, with the derivation of every formula by named rules.

With numbers, NAME=VALUE as in step, or a row of a FILE, they stand in the picture, and --steps writes the derivation out with them: symbols, the numbers put in, the
result, which are those of step. Without a MODEL the weights are 0 unless they are given. Of two arguments the first is the MODEL; with --row a single one is the FILE.`,
		Example: `  descent graph --backward
  descent graph --backward --steps
  descent graph --steps x1=1.5 x2=-2 y=1 w1=0.5 w2=-0.3 b=0.1
  descent graph heart.json heart.csv --row 3 --steps --format latex
  descent graph heart.json --format svg -o heart.svg
  descent graph --classes 3 --backward
  descent graph -e 'J = 3*(a + b*c)' --format dot | dot -Tpng > J.png`,
		Args:              func(*cobra.Command, []string) error { return nil },
		RunE:              g.run,
		ValidArgsFunction: completeFiles(2),
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
	f.IntVar(&g.row, "row", 0, "the numbers of the `N`-th data row of FILE, from 1")
	g.data.add(cmd)
	return cmd
}

type drawing struct {
	*app
	equations, file, format, output  string
	features, classes, row           int
	data                             dataFlags
	walk                             *descent.Walk // of the numbers, if there are any
	example                          *descent.ExampleRow
	backward, simplify, lower, steps bool
	formulas                         []descent.Input
}

type graphJSON struct {
	Format      string           `json:"format"`
	Text        string           `json:"text"`
	Output      string           `json:"output,omitempty"`
	Definitions []definitionJSON `json:"definitions"`
	Inputs      []descent.Input  `json:"inputs,omitempty"` // of a model: those that are computed from columns

	// With numbers.
	Values      descent.Numbers     `json:"values,omitempty"`
	Derivatives descent.Numbers     `json:"derivatives,omitempty"`
	Example     *descent.ExampleRow `json:"example,omitempty"`
	Notes       []string            `json:"notes,omitempty"`
}

type definitionJSON struct {
	Name    string `json:"name"`
	Of      string `json:"derivative_of,omitempty"`
	Written string `json:"written"`
	Runs    string `json:"runs,omitempty"`
}

func (d *drawing) run(cmd *cobra.Command, args []string) error {
	changed := cmd.Flags().Changed
	args, given, err := assignments(joinEquals(args))
	if err != nil {
		return err
	}
	if len(args) > 2 {
		return usagef("graph takes no %q after MODEL and FILE", args[2])
	}
	file := ""
	switch {
	case changed("row") && d.row < 1:
		return usagef("--row %d: the first row is 1", d.row)
	case changed("row") && len(args) == 0:
		return usagef("--row %d of which FILE?", d.row)
	case changed("row"):
		file = args[len(args)-1]
		args = args[:len(args)-1]
	case len(args) == 2:
		return usagef("which row of %s? --row N, the first is 1", args[1])
	default:
		if err := d.data.refuse(cmd, "a FILE, with --row", "format"); err != nil {
			return err
		}
	}
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
	var g *graph.Graph
	var labels map[string]string
	if file != "" || len(given) > 0 {
		g, labels, err = d.numbers(cmd, args, file, given)
	} else {
		g, labels, err = d.parse(args)
	}
	if err != nil {
		return err
	}
	v := graph.View{Backward: d.backward, Steps: d.steps, Columns: d.width, Labels: labels}
	switch {
	case d.simplify:
		v.Stage = graph.Simplified
	case d.lower:
		v.Stage = graph.Lowered
	}
	if d.walk != nil {
		pass := d.walk.Steps[0]
		v.Values, v.Derivatives, v.Substitute = pass.Values.Map(), pass.Derivatives.Map(), d.steps
		if v.Backward = d.backward || d.steps; !v.Backward {
			v.Derivatives = nil
		}
	} else if d.backward || d.steps || d.simplify || d.lower {
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
	if len(d.formulas) > 0 && d.format == "text" {
		picture.WriteString("\ninputs computed from columns\n")
		for _, f := range d.formulas {
			picture.WriteString(f.Name + " = " + printable(f.Formula) + "\n")
		}
	}
	if d.output != "" && d.output != "-" {
		if err := d.app.output(d.output, func(w io.Writer) error { _, err := w.Write(picture.Bytes()); return err }); err != nil {
			return err
		}
	}
	out := graphJSON{Format: d.format, Text: picture.String(), Definitions: []definitionJSON{}, Inputs: d.formulas}
	if d.output != "-" {
		out.Output = d.output
	}
	if d.walk != nil {
		out.Values, out.Derivatives, out.Example, out.Notes = d.walk.Steps[0].Values, d.walk.Steps[0].Derivatives, d.example, d.walk.Notes
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

// numbers sends an example through the graph asked for, as step does.
func (d *drawing) numbers(cmd *cobra.Command, args []string, file string, given map[string]any) (*graph.Graph, map[string]string, error) {
	if cmd.Flags().Changed("features") || cmd.Flags().Changed("classes") {
		return nil, nil, usagef("--features, --classes: the numbers say how many there are")
	}
	s := &stepping{app: d.app, data: d.data, equations: d.equations, file: d.file, row: d.row}
	if len(args) > 0 {
		s.model = args[0]
	}
	walk, _, example, err := s.walk(cmd, file, given, func(*descent.StepConfig) {})
	if err != nil {
		return nil, nil, err
	}
	for _, n := range walk.Notes {
		d.note(n)
	}
	d.walk, d.example = walk, example
	return walk.Graph, exampleLabels(walk.Graph, example), nil
}

// parse makes the graph asked for, and says what a model's x1, x2, … are called.
func (d *drawing) parse(args []string) (*graph.Graph, map[string]string, error) {
	g, labels, err := d.parsed(args)
	if err != nil {
		err = equationsError(err, d.file)
	}
	return g, labels, err
}

func (d *drawing) parsed(args []string) (*graph.Graph, map[string]string, error) {
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
		d.formulas = m.Computed()
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
