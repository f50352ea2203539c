package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/descent-ml/descent"
	"github.com/spf13/cobra"
)

func (a *app) checkCommand() *cobra.Command {
	k := &checking{app: a}
	cmd := &cobra.Command{
		Use:   "check FILE --target Y [--model M] [--rows N] [--mine EQUATION …]",
		Short: "graph, compiled program and central differences give one gradient, on your rows",
		Long: `Check computes the gradient of the cost on rows of FILE in three ways: by the interpreter on the graph, by the program that trains, and by
central differences of the cost; at a seeded random point and, with --model, at the model. The error of a parameter is the difference over
(1/m)Σ|x_ij dz_i| + λ/m|w_j|, so that it means something at the optimum, where the gradient is 0.

With --mine it marks your own equations for da, dz, dw, db: which is the first wrong one, and what is missing in it (descent help exercise). That needs no
FILE.`,
		Example: `  descent check heart.csv --target disease
  descent check heart.csv --model heart.json --rows 200
  descent check --mine 'dz = y - a' --mine 'dw = mean(x*dz)'
  descent check heart.csv --target disease --mine @homework.txt`,
		Args:              between(0, "FILE"),
		RunE:              k.run,
		ValidArgsFunction: completeFiles(1),
	}
	f, c := cmd.Flags(), &k.data.config
	f.StringVar(&k.model, "model", "", "check at this `model`, too, with its columns and equations")
	f.IntVar(&k.rows, "rows", 1000, "look at `N` rows, spread over FILE (1000)")
	f.StringVar(&k.equations, "equations", "", "`file` of a model of your own (descent help equations)")
	f.Var(penalty{&c.Penalty.L2, nil}, "l2", "λ of the penalty λ/(2m)·‖w‖²")
	choose(cmd, &c.Scale, "scale", "none: the penalty acts on the raw weights (auto)", "auto", "none")
	f.Uint64Var(&c.Solver.Seed, "seed", 1, "`seed` of the random point (1)")
	f.IntVar(&c.Solver.Threads, "threads", 0, "`cores` to use (all)")
	k.data.add(cmd)
	f.StringArrayVar(&k.mine, "mine", nil, "an `equation` of yours to be marked, dz = y - a; several with ; between them, @file, - for standard input; again and again")
	k.features = 2
	f.IntVar(&k.features, "features", 2, "--mine without FILE: `N` inputs (2)")
	f.IntVar(&k.classes, "classes", 0, "--mine without FILE: `K` classes, more than two: softmax")
	return cmd
}

type checking struct {
	*app
	data             dataFlags
	model, equations string
	rows             int
	mine             []string
	mineFile         string // of which --mine consists; empty: of more than one
	features         int
	classes          int
}

func (k *checking) run(cmd *cobra.Command, args []string) error {
	mine, err := k.readMine(args)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		if k.mine == nil {
			return exactly("FILE")(cmd, args)
		}
		return k.mark(cmd, mine)
	}
	file := args[0]
	c, err := k.data.finish(cmd)
	if err != nil {
		return err
	}
	changed := cmd.Flags().Changed
	switch {
	case k.rows < 1:
		return usagef("--rows %d: want a number from 1", k.rows)
	case changed("features"), changed("classes"):
		return usagef("--features and --classes are for --mine without FILE")
	case changed("threads") && c.Solver.Threads < 1, changed("seed") && c.Solver.Seed == 0:
		return usagef("--threads and --seed are numbers from 1")
	case k.model != "" && changed("equations"):
		return usagef("--model has its own equations; --equations is for a check without it")
	case changed("scale") && !(c.Penalty.L2 > 0):
		return usagef("--scale says on which weights the penalty acts; there is no --l2")
	case k.model != "" && changed("l2"):
		return usagef("--model has its own penalty; --l2 is for a check without it")
	}
	check := descent.CheckConfig{Config: c, Rows: k.rows, Mine: mine}
	if k.model != "" {
		if err := k.data.refuse(cmd, "a check without --model, which knows its columns", "format", "no-header", "target"); err != nil {
			return err
		}
		if check.Model, err = k.load(k.model, ""); err != nil {
			return err
		}
		if t := c.Target; t != "" && t != check.Model.Target() {
			return usagef("--target %s: the model predicts %s", t, check.Model.Target())
		}
	}
	if k.equations != "" {
		if check.Equations, err = equationsFile(k.equations); err != nil {
			return err
		}
	}
	source, err := k.source(file)
	if err != nil {
		return err
	}
	check.Found = k.found
	r, err := descent.CheckGradient(k.ctx, source, check)
	if err != nil {
		return k.mistaken(err)
	}
	k.noteUpdates(r.Updates)
	human := func(p *page) { k.print(p, r) }
	if !r.OK {
		if !k.json {
			k.emit(r, human)
		}
		if r.FirstWrong != nil && *r.FirstWrong != "" {
			return knowing{fmt.Errorf("%s is the first wrong node", *r.FirstWrong), r}
		}
		return knowing{errors.New("the gradients disagree: graph, program and differences are not one"), r}
	}
	return k.emit(r, human)
}

func (k *checking) print(p *page, r *descent.GradientCheck) {
	if r.Mine != nil {
		k.printMine(p, r.Mine, fmt.Sprintf("%d examples: made-up ones and %s of yours", r.Examples, count(r.Rows, "row")))
		p.WriteByte('\n')
		if r.GraphVsProgram <= descent.ProgramTolerance && r.GraphVsDifference <= descent.DifferenceTolerance {
			p.say(fmt.Sprintf("The graph's own derivatives agree with the compiled program and with central differences on your rows (errors %s and %s).",
				digits(r.GraphVsProgram, 2), digits(r.GraphVsDifference, 2)))
			return
		}
	}
	p.printf("%s, %s\n\n", count(r.Rows, "row"), count(r.Parameters, "parameter"))
	tab := &table{header: []string{"point", "J by the graph", "graph vs program", "graph vs difference"}}
	for _, at := range r.Points {
		name := at.At
		if name == "random" {
			name = fmt.Sprintf("random (seed %d)", r.Seed)
		}
		tab.add(name, strconv.FormatFloat(at.Cost, 'g', 10, 64), digits(at.GraphVsProgram, 2), digits(at.GraphVsDifference, 2))
	}
	tab.add("allowed", "", digits(descent.ProgramTolerance, 1), digits(descent.DifferenceTolerance, 1))
	p.table(tab)
	p.WriteByte('\n')
	w := r.Worst
	p.facts("worst", fmt.Sprintf("%s: %s by the graph, %s by the %s (error %s)", printable(w.Parameter),
		strconv.FormatFloat(w.Graph, 'g', -1, 64), strconv.FormatFloat(w.Other, 'g', -1, 64), w.Way, digits(w.Error, 2)))
	for _, at := range r.Points {
		if at.Differences < r.Parameters {
			p.facts("differences", fmt.Sprintf("of %d of %d parameters, chosen by the seed", at.Differences, r.Parameters))
			break
		}
	}
	if r.OK {
		p.facts("result", p.style(good, "ok: the graph is what trains"))
	} else {
		p.facts("result", p.style(bad, "not ok"))
	}
}
