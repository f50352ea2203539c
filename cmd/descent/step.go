package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/graph"
	"github.com/spf13/cobra"
)

func (a *app) stepCommand() *cobra.Command {
	s := &stepping{app: a}
	cmd := &cobra.Command{
		Use:   "step [FILE --target Y --row N] [-e EQUATIONS | --equations F] [NAME=VALUE …]",
		Short: "one example through the graph: forward, backward, update",
		Long: `Step sends one example through the computation graph: forward, backward and, with a learning rate, one update of the parameters. Every number
goes by its name: z, a, L, da, dz, dw1, db.

Names beginning with x or y are data; every other leaf is a parameter, 0 unless it is given, and gets a derivative. Without equations they are
the lecture's, with as many features as are given. The example may be a row of a FILE, and the parameters those of a MODEL.
A value may be a vector, x=[1,2], or a matrix, W=[[1,2],[3,4]]. Where y is a vector, y=[0,1,0], there are more than two classes: the equations
are those with softmax, W has a row for each class, and b a component. The language of equations: descent help equations.`,
		Example: `  descent step x1=1.5 x2=-2 y=1 w1=0.5 w2=-0.3 b=0.1 --alpha 0.2
  descent step x1=1 x2=2 y=[0,1,0] --alpha 0.2
  descent step -e 'J = 3*(a + b*c)' a=5 b=3 c=2
  descent step heart.csv --target disease --row 3 --model heart.json`,
		Args: func(*cobra.Command, []string) error { return nil },
		RunE: s.run,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
	}
	f := cmd.Flags()
	f.StringVarP(&s.equations, "equation", "e", "", "`equations`, one a line or with ; between them; the last is differentiated")
	f.StringVar(&s.file, "equations", "", "`file` of equations (descent help equations)")
	s.alpha = 0.1
	f.Var(number{&s.alpha}, "alpha", "learning `rate` (0.1)")
	f.IntVar(&s.steps, "steps", 1, "`number` of updates, one after the other (1)")
	f.StringVar(&s.model, "model", "", "weights, bias and equations of this `model`")
	f.IntVar(&s.row, "row", 0, "the `N`-th data row of FILE, from 1")
	s.data.add(cmd)
	return cmd
}

type stepping struct {
	*app
	data                   dataFlags
	equations, file, model string
	alpha                  float64
	steps, row             int
}

// stepJSON is the answer of step.
type stepJSON struct {
	Values      descent.Numbers     `json:"values"`
	Derivatives descent.Numbers     `json:"derivatives"`
	Updated     descent.Numbers     `json:"updated"`
	Alpha       *float64            `json:"alpha"`
	Steps       []stepPassJSON      `json:"steps"`
	Equations   []string            `json:"equations"`
	Notes       []string            `json:"notes"`
	Example     *descent.ExampleRow `json:"example,omitempty"`
	Unnamed     *unnamedJSON        `json:"unnamed,omitempty"`
}

type stepPassJSON struct {
	Step        int             `json:"step"`
	Values      descent.Numbers `json:"values"`
	Derivatives descent.Numbers `json:"derivatives"`
	Updated     descent.Numbers `json:"updated"`
	Unnamed     *unnamedJSON    `json:"unnamed,omitempty"`
}

// unnamedJSON are the numbers of what only the picture has names for, u and v.
type unnamedJSON struct {
	Values      descent.Numbers `json:"values"`
	Derivatives descent.Numbers `json:"derivatives"`
}

func unnamedOf(p descent.Pass) *unnamedJSON {
	if p.Unnamed == nil {
		return nil
	}
	return &unnamedJSON{p.Unnamed, p.UnnamedDerivatives}
}

func (s *stepping) run(cmd *cobra.Command, args []string) error {
	changed := cmd.Flags().Changed
	file, given, err := s.arguments(joinEquals(args))
	if err != nil {
		return err
	}
	switch {
	case changed("equation") && changed("equations"):
		return usagef("-e and --equations: choose one")
	case changed("equation") && strings.TrimSpace(s.equations) == "":
		return usagef("-e is empty")
	case s.steps < 1 || s.steps > 1_000_000:
		return usagef("--steps %d: want a number from 1 to 1000000", s.steps)
	case !(s.alpha > 0):
		return usagef("--alpha %v: want a number over 0", s.alpha)
	case file != "" && !changed("row"):
		return usagef("which row of %s? --row N, the first is 1", file)
	case file != "" && s.row < 1:
		return usagef("--row %d: the first row is 1", s.row)
	case file == "" && changed("row"):
		return usagef("--row %d of which FILE?", s.row)
	case file == "":
		if err := s.data.refuse(cmd, "a FILE"); err != nil {
			return err
		}
	}
	own := changed("equation") || changed("equations")
	if own && changed("steps") && !changed("alpha") {
		return usagef("--steps with equations of your own needs --alpha, the learning rate")
	}
	walk, c, example, err := s.walk(cmd, file, given, func(c *descent.StepConfig) {
		c.Update, c.Alpha, c.Steps = !own || changed("alpha"), s.alpha, s.steps
	})
	if err != nil {
		return err
	}
	return s.show(walk, c, example)
}

// walk sends an example through the graph of the equations, of the model, or the lecture's; also sets what the configuration has besides.
func (s *stepping) walk(cmd *cobra.Command, file string, given map[string]any, also func(*descent.StepConfig)) (walk *descent.Walk, c descent.StepConfig, example *descent.ExampleRow, err error) {
	var model *descent.Model
	own := cmd.Flags().Changed("equation") || cmd.Flags().Changed("equations")
	if s.model != "" {
		if model, err = s.load(s.model, ""); err != nil {
			return nil, c, nil, err
		}
		if file != "" {
			if err := s.data.refuse(cmd, "a file without --model, which knows its columns", "format", "no-header", "target"); err != nil {
				return nil, c, nil, err
			}
			if t := s.data.config.Target; t != "" && t != model.Target() {
				return nil, c, nil, usagef("--target %s: the model predicts %s", t, model.Target())
			}
		}
	}
	switch {
	case file != "":
		if example, err = s.example(cmd, file, model); err != nil {
			return nil, c, nil, err
		}
		c = example.Step(model)
	case model != nil:
		c = model.Step()
	}
	if model != nil && model.Recalibrated() != "" {
		s.note("the model's probabilities are recalibrated, by a function of z that is no part of the equations: a here is that before it")
	}
	if model != nil && model.Standardised() {
		s.note(standardisedNote)
	}
	if own {
		if c.Equations = strings.ReplaceAll(s.equations, ";", "\n"); s.file != "" {
			if c.Equations, err = equationsFile(s.file); err != nil {
				return nil, c, nil, err
			}
		}
	}
	c.Values = given
	also(&c)
	walk, err = descent.Step(c)
	if errors.Is(err, descent.ErrStep) {
		return nil, c, nil, usageError{strings.TrimPrefix(err.Error(), descent.ErrStep.Error()+": ")}
	}
	if err != nil {
		return nil, c, nil, equationsError(err, s.file)
	}
	return walk, c, example, nil
}

// joinEquals puts x1 = 1 together where a shell has taken it apart.
func joinEquals(args []string) []string {
	var out []string
	for _, arg := range args {
		if n := len(out) - 1; n >= 0 && arg != "" && (arg[0] == '=' && !strings.Contains(out[n], "=") || strings.HasSuffix(out[n], "=") && !strings.Contains(arg, "=")) {
			out[n] += arg
			continue
		}
		out = append(out, arg)
	}
	return out
}

// arguments tells FILE from NAME=VALUE.
func (s *stepping) arguments(args []string) (file string, values map[string]any, err error) {
	files, values, err := assignments(args)
	if len(files) > 1 {
		return "", nil, usagef("%q: want NAME=VALUE; the FILE is %s", files[1], files[0])
	}
	return strings.Join(files, ""), values, err
}

// assignments tells NAME=VALUE from the other arguments.
func assignments(args []string) (others []string, values map[string]any, err error) {
	values = map[string]any{}
	for _, arg := range args {
		name, text, ok := strings.Cut(arg, "=")
		name = strings.TrimSpace(name)
		if !ok {
			others = append(others, arg)
			continue
		}
		if _, twice := values[name]; twice {
			return nil, nil, usagef("%s is given twice", name)
		}
		v, ok := parseValue(text)
		if !ok || name == "" {
			return nil, nil, usagef("%q: want NAME=NUMBER, NAME=[1,2] or NAME=[[1,2],[3,4]]", arg)
		}
		values[name] = v
	}
	return others, values, nil
}

// parseValue reads a number, a vector or a matrix.
func parseValue(text string) (any, bool) {
	if v, ok := dataset.ParseNumber([]byte(strings.TrimSpace(text))); ok {
		return v, true
	}
	var vector []float64
	if json.Unmarshal([]byte(text), &vector) == nil && len(vector) > 0 {
		return vector, true
	}
	var matrix [][]float64
	if json.Unmarshal([]byte(text), &matrix) == nil && len(matrix) > 0 {
		return matrix, true
	}
	return nil, false
}

func (s *stepping) example(cmd *cobra.Command, file string, model *descent.Model) (*descent.ExampleRow, error) {
	source, err := s.source(file)
	if err != nil {
		return nil, err
	}
	c, err := s.data.finish(cmd)
	if err != nil {
		return nil, err
	}
	c.Found = s.found
	x, err := descent.Example(s.ctx, source, c, model, s.row)
	if err != nil {
		return nil, err
	}
	s.note(fmt.Sprintf("row %d is line %d of %s", x.Row, x.Line, x.File))
	for _, name := range x.Missing {
		var stands []string
		for _, f := range x.Features {
			if rest, ok := strings.CutPrefix(f.Term, name); ok && f.X != 0 && (rest == "" || rest[0] == '=') {
				stands = append(stands, fmt.Sprintf("%s = %s", printable(f.Term), short(f.X, 6)))
			}
		}
		text := "nothing stands in its place"
		if len(stands) > 0 {
			text = "in its place stands " + strings.Join(stands, ", ")
		}
		s.note(fmt.Sprintf("%s is missing in the row; %s", printable(name), text))
	}
	return x, nil
}

func (s *stepping) show(walk *descent.Walk, c descent.StepConfig, example *descent.ExampleRow) error {
	last := walk.Steps[len(walk.Steps)-1]
	for _, n := range walk.Notes {
		s.note(n)
	}
	if s.json {
		out := stepJSON{Values: last.Values, Derivatives: last.Derivatives, Updated: last.Updated, Steps: []stepPassJSON{}, Notes: walk.Notes, Example: example, Unnamed: unnamedOf(last),
			Equations: equationsOf(walk.Graph)}
		if out.Updated == nil {
			out.Updated = descent.Numbers{}
		}
		if out.Notes == nil {
			out.Notes = []string{}
		}
		if c.Update {
			out.Alpha = &c.Alpha
		}
		for i, p := range walk.Steps {
			if p.Updated == nil {
				p.Updated = descent.Numbers{}
			}
			out.Steps = append(out.Steps, stepPassJSON{Step: i + 1, Values: p.Values, Derivatives: p.Derivatives, Updated: p.Updated, Unnamed: unnamedOf(p)})
		}
		return s.emit(out, nil)
	}
	first := walk.Steps[0]
	view := graph.View{Values: first.Values.Map(), Derivatives: first.Derivatives.Map(), Backward: true, Steps: true, Columns: s.width}
	if c.Update {
		view.Updates = first.Updated.Map()
	}
	view.Labels = exampleLabels(walk.Graph, example)
	var picture strings.Builder
	if err := walk.Graph.WriteText(&picture, view); err != nil {
		return err
	}
	return s.emit(nil, func(p *page) {
		if example != nil && len(example.Features) > 0 {
			p.heading(fmt.Sprintf("row %d, line %d of %s: %s", example.Row, example.Line, printable(example.File), printable(example.Label)))
			tab := &table{header: []string{"", "in the file", "value"}, left: 2}
			x := make([]float64, len(example.Features))
			for j, f := range example.Features {
				x[j] = f.X
			}
			shown, more := shownOf(x)
			for _, j := range shown {
				f := example.Features[j]
				tab.add(f.Name, printable(f.Term), short(f.X, 6))
			}
			if more > 0 {
				tab.add("…", fmt.Sprintf("and %d more: 0, or smaller", more), "")
			}
			p.table(tab)
			p.WriteByte('\n')
		}
		p.WriteString(strings.TrimRight(picture.String(), "\n") + "\n")
		s.printNumbers(p, walk, c)
	})
}

// exampleLabels say what x1, x2, … are called in the file, and what classes there are.
func exampleLabels(g *graph.Graph, example *descent.ExampleRow) map[string]string {
	if example == nil {
		return nil
	}
	labels := classLabels(g, example.Classes)
	for _, f := range example.Features {
		if f.Term != f.Name {
			labels[f.Name] = printable(f.Term)
		}
	}
	return labels
}

// everyNumber is a pass with what the picture alone has names for among the others: values before the last equation's, derivatives first.
func everyNumber(p descent.Pass) descent.Pass {
	if n := len(p.Values); len(p.Unnamed) > 0 && n > 0 {
		p.Values = slices.Insert(slices.Clone(p.Values), n-1, p.Unnamed...)
		p.Derivatives = slices.Concat(p.UnnamedDerivatives, p.Derivatives)
	}
	return p
}

// printNumbers is the lecture's whole step: values in blue, derivatives in orange, updates in green.
func (s *stepping) printNumbers(p *page, walk *descent.Walk, c descent.StepConfig) {
	values := lipgloss.NewStyle().Foreground(lipgloss.Color("4"))
	derivatives := lipgloss.NewStyle().Foreground(lipgloss.Color("3"))
	updates := lipgloss.NewStyle().Foreground(lipgloss.Color("2"))
	for i, pass := range walk.Steps {
		pass = everyNumber(pass)
		if len(walk.Steps) > 12 && i >= 6 && i < len(walk.Steps)-6 {
			if i == 6 {
				p.printf("\n… %d more steps (--json has all)\n", len(walk.Steps)-12)
			}
			continue
		}
		title := "the whole step"
		if len(walk.Steps) > 1 {
			title = fmt.Sprintf("step %d", i+1)
		}
		p.heading(title)
		forward := &table{header: []string{"", ""}}
		defined := map[string]string{}
		for _, d := range walk.Graph.Defs {
			defined[d.Name] = d.Written.String()
		}
		rows := func(tab *table, numbers descent.Numbers, style lipgloss.Style) {
			for _, n := range numbers {
				shown, more := shownOf(n.Data)
				for _, j := range shown {
					tab.add(component(n, j), p.style(style, digits6(n.Data[j])))
				}
				if more > 0 {
					tab.add(fmt.Sprintf("and %d more of %s", more, n.Name), "")
				}
			}
		}
		var results descent.Numbers
		for _, n := range pass.Values {
			if _, leaf := walk.Graph.Lookup(n.Name); !leaf || defined[n.Name] != "" {
				results = append(results, n)
			}
		}
		rows(forward, results, values)
		rows(forward, pass.Derivatives, derivatives)
		p.table(forward)
		if c.Update {
			now := pass.Values.Map()
			d := pass.Derivatives.Map()
			tab := &table{header: []string{"", "now", "derivative", "next"}}
			for _, n := range pass.Updated {
				dn := d["d"+n.Name]
				shown, more := shownOf(dn)
				if len(dn) != len(n.Data) {
					shown, more = shownOf(n.Data)
				}
				for _, j := range shown {
					v := n.Data[j]
					tab.add(component(n, j)+" := "+component(n, j)+" - "+shortest(c.Alpha)+"*d"+component(n, j),
						digits6(now[n.Name][j]), digits6(dn[min(j, len(dn)-1)]), p.style(updates, digits6(v)))
				}
				if more > 0 {
					tab.add(fmt.Sprintf("and %d more of %s", more, n.Name), "", "", "")
				}
			}
			p.WriteByte('\n')
			p.table(tab)
		}
	}
}

// mostLong is how many numbers of a long vector a person is shown.
const mostLong = 20

// shownOf are the places of the numbers that a person is shown: all of a few; of very many those that are not 0, and of these the largest.
func shownOf(v []float64) (places []int, more int) {
	for j, x := range v {
		if len(v) <= mostCoefficients || x != 0 {
			places = append(places, j)
		}
	}
	if len(v) > mostCoefficients && len(places) > mostLong {
		slices.SortStableFunc(places, func(i, j int) int { return cmp.Compare(math.Abs(v[j]), math.Abs(v[i])) })
		places = places[:mostLong]
		slices.Sort(places)
	}
	return places, len(v) - len(places)
}

// digits6 writes a number for people; what is not finite by its word.
func digits6(v float64) string {
	switch {
	case v != v:
		return "undefined"
	case v-v != 0:
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+"))
	}
	return digits(v, 6)
}

// component is the name of one number of a value: w1 of w.
func component(n descent.Number, j int) string {
	switch {
	case n.Shape.IsMatrix():
		return fmt.Sprintf("%s[%d,%d]", n.Name, j/n.Shape.Cols+1, j%n.Shape.Cols+1)
	case n.Shape.IsVector():
		return fmt.Sprintf("%s%d", n.Name, j+1)
	}
	return n.Name
}

// equationsOf are the equations of a graph as they are written.
func equationsOf(g *graph.Graph) []string {
	out := []string{}
	for _, d := range g.Defs {
		if d.Of == "" {
			out = append(out, d.Name+" = "+d.Written.String())
		}
	}
	return out
}
