package main

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/doctor"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// topic is a page of help that is about no command.
type topic struct{ name, short, text string }

var topics = []topic{
	{"conventions", "cost, penalty, units, labels", `The cost is J = (1/m) Σ s_i L_i + λ/(2m)·‖w‖², m = Σ s_i, with the loss L of one example, row weights s and the penalty --l2 λ. The bias is
never penalised. λ is 1/C of scikit-learn and LIBLINEAR (-B 1 -R); glmnet's λ is ours over m. Without --l2 there is no penalty.

dz has no 1/m, dw and db have it, as in the lecture. alpha is the learning rate and nothing else.

--scale auto standardises numeric columns inside (mean, population standard deviation) and never levels; coefficients are always given in original
units. With a penalty it acts on the standardised weights; --scale none makes it act on the raw ones. Solvers gd and sgd walk in raw units
unless --scale auto is given.

Levels of a column: without a penalty the first in sort order has no weight (the reference), with one every level has a weight.

Labels: of 0/1, -1/1, 1/2, no/yes, false/true, fail/pass, negative/positive, absent/present, benign/malignant, alive/dead, control/case (any case) the
second is class 1 and a note says so. Of any other pair the later in sort order is, and W-positive says so; --positive LEVEL settles it.

Three to 100 levels are a class each (W-classes, unless --softmax asks for it), ordered by value if all are numbers, else by their bytes: z, a and y are
vectors, a = softmax(z), and W has a row for each class. Without a penalty the weights of --reference-class (the first) are 0, and the
relative risk ratio is exp(weight); with one every class has weights, and the biases have mean zero. The label is the most probable
class. --positive LEVEL --against-rest makes two classes of them.

Equations may declare parameters and their shapes, one a line: V = parameter(16, n), c = parameter(16), w = parameter(16); sizes are numbers, n (inputs)
or K (classes). w, W and b keep the shapes they have, unless declared. --hidden 16 writes such equations, a tanh layer of 16 units before the
output. Matrices, and vectors in a dot product, start at random (uniform within ±√(6/(in + out)), from --seed) and are penalised by --l2; all
else starts at 0 and is not. The cost is not convex: the verdict "stationary" means a gradient of 0 and proves no bound. Parameters are in the
units of the standardised columns, also in the model file.

A row weight k is the row k times. --holdout every:5 leaves out the data rows whose zero-based index is divisible by 5.
Same data, same seed: the same model, bit for bit, whatever --threads is.`},
	{"exit-codes", "what the exit code says", `  0    done
  1    an error in the data, the model or the training; nothing is left behind
  64   the command line cannot be meant, or asks for what this version does not have yet
  130  interrupted
There is no other.`},
	{"json", "the shape of --json", `With --json standard output holds exactly one JSON object, also when the exit code is not 0: then it has
  "error": {"message", "file", "line", "column"}
(null where there is no such place) besides what is known, such as the verdict of a training. Where several errors are listed they are under
"errors", and "total" says how many there are. predict --json is JSON Lines, one object a row; with -o they go to the file and a summary to
standard output. Numbers are the shortest decimals that read back as the same float64; what is undefined is null.
Notes, warnings and errors go to standard error in either case.`},
	{"warnings", "the codes of warnings", ""},
}

// help is -h and help COMMAND.
func (a *app) help(cmd *cobra.Command, _ []string) {
	a.ran = true
	text := a.helpText(cmd)
	if a.json {
		a.emit(map[string]string{"topic": cmd.Name(), "text": text}, nil)
		return
	}
	a.stdout.WriteString(text)
}

func (a *app) helpText(cmd *cobra.Command) string {
	p := &page{app: a}
	about := cmd.Long
	if about == "" {
		about = cmd.Short
	}
	p.printf("%s\n", about)
	if cmd.HasAvailableSubCommands() {
		p.heading("commands")
		var pairs []string
		var later []string
		for _, c := range cmd.Commands() {
			if c.Hidden {
				later = append(later, c.Name())
				continue
			}
			if c.Name() != "help" {
				pairs = append(pairs, "  "+c.Name(), c.Short)
			}
		}
		p.facts(append(pairs, "  help TOPIC", "a command, or: "+strings.Join(topicNames(), ", ")+", W-…")...)
		p.printf("\nnot yet: %s\n", strings.Join(later, ", "))
	} else {
		p.heading("usage")
		p.printf("  %s\n", cmd.UseLine())
		if cmd.Example != "" {
			p.printf("\n%s\n", cmd.Example)
		}
	}
	var later []string
	flags := func(title string, set *pflag.FlagSet) {
		var lines strings.Builder
		set.VisitAll(func(f *pflag.Flag) {
			if _, is := f.Value.(laterFlag); is {
				later = append(later, "--"+f.Name)
				return
			}
			if f.Hidden || f.Name == "help" {
				return
			}
			lines.WriteString(flagText(f, a.width))
		})
		if lines.Len() > 0 {
			p.heading(title)
			p.WriteString(lines.String())
		}
	}
	if cmd.HasParent() {
		own := pflag.NewFlagSet("", pflag.ContinueOnError)
		own.SortFlags = false
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if cmd.InheritedFlags().Lookup(f.Name) == nil {
				own.AddFlag(f)
			}
		})
		flags("flags", own)
		flags("flags of every command", cmd.InheritedFlags())
	} else {
		flags("flags of every command", cmd.PersistentFlags())
	}
	if len(later) > 0 {
		p.WriteByte('\n')
		for _, line := range wrap("not yet: "+strings.Join(later, ", "), a.width) {
			p.printf("%s\n", line)
		}
	}
	return p.String()
}

// flagText is the line of a flag: its name, what it takes, what it does.
func flagText(f *pflag.Flag, width int) string {
	const column = 30
	kind, usage := pflag.UnquoteUsage(f)
	name := "  "
	if f.Shorthand != "" {
		name += "-" + f.Shorthand + ", "
	}
	name += "--" + f.Name
	if kind != "" {
		name += " " + kind
	}
	var b strings.Builder
	for i, line := range wrap(usage, width-column) {
		switch {
		case i == 0 && lipgloss.Width(name) > column-2: // a long one has its own line
			b.WriteString(name + "\n" + strings.Repeat(" ", column))
		case i == 0:
			b.WriteString(name + strings.Repeat(" ", column-lipgloss.Width(name)))
		default:
			b.WriteString(strings.Repeat(" ", column))
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

func topicNames() []string {
	var names []string
	for _, t := range topics {
		names = append(names, t.name)
	}
	return names
}

func (a *app) helpCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "help [COMMAND | TOPIC]",
		Short: "about a command, conventions, exit-codes, warnings, json, or a warning's code",
		Args:  between(0, "TOPIC"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			if len(args) == 0 {
				a.help(root, nil)
				return nil
			}
			text, ok := a.topic(root, args[0])
			if !ok {
				known := topicNames()
				for _, c := range root.Commands() {
					known = append(known, c.Name())
				}
				for _, c := range doctor.Codes() {
					known = append(known, c.Code)
				}
				hint := "; descent help lists commands and topics"
				if near, ok := dataset.Closest(args[0], known); ok {
					hint = fmt.Sprintf("; did you mean %q?", near)
				}
				return usagef("no help on %q%s", args[0], hint)
			}
			return a.emit(map[string]string{"topic": args[0], "text": text}, func(p *page) { p.WriteString(text) })
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var out []string
			if len(args) == 0 {
				for _, c := range cmd.Root().Commands() {
					if !c.Hidden {
						out = append(out, c.Name())
					}
				}
				out = append(out, topicNames()...)
				for _, c := range doctor.Codes() {
					out = append(out, c.Code)
				}
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
	}
	a.prepare(cmd)
	return cmd
}

// topic is the text on a command, a topic or a code.
func (a *app) topic(root *cobra.Command, name string) (string, bool) {
	for _, c := range root.Commands() {
		if c.Name() == name {
			return a.helpText(c), true
		}
	}
	p := &page{app: a}
	for _, t := range topics {
		if t.name != name {
			continue
		}
		p.heading(t.name)
		p.printf("%s\n", strings.TrimRight(t.text, "\n"))
		if name == "warnings" {
			p.Reset()
			p.heading("warnings")
			p.printf("A warning says what may be wrong. It never changes a result; --strict makes it an error. descent help CODE explains one.\n\n")
			var pairs []string
			for _, c := range doctor.Codes() {
				pairs = append(pairs, c.Code, c.Title)
			}
			p.facts(pairs...)
		}
		return p.String(), true
	}
	if c, ok := doctor.Explain(strings.ToUpper(name[:min(1, len(name))]) + name[min(1, len(name)):]); ok {
		p.heading(c.Code + ": " + c.Title)
		for _, line := range wrap(strings.ReplaceAll(c.Text, "\n", " "), a.width) {
			p.printf("%s\n", line)
		}
		return p.String(), true
	}
	return "", false
}
