package main

import (
	"fmt"
	"strconv"

	"github.com/descent-ml/descent"
	"github.com/spf13/cobra"
)

func (a *app) benchCommand() *cobra.Command {
	b := &benchmark{app: a}
	cmd := &cobra.Command{
		Use:   "bench FILE --target Y",
		Short: "honest timings on your own file",
		Long: `Bench measures on FILE what training is made of: reading, storage, the pass that gives the cost and its gradient, and solving to a proved
gap of 1e-3, 1e-6 and 1e-9 of the cost. The pass is set beside the memory bandwidth of the same threads, measured on the spot, and beside the same
kernels called by hand, in turns. At last the model is trained on one thread and on all, and compared byte by byte.

Each figure is the fastest of its repeats; the median beside it tells how busy the machine was with other work. Classes, penalty and
columns are chosen as in train; nothing is saved.`,
		Example: `  descent bench heart.csv --target disease
  descent bench higgs.csv --target label --l2 1 --threads 2 --json`,
		Args:              exactly("FILE"),
		RunE:              func(cmd *cobra.Command, args []string) error { return b.run(cmd, args[0]) },
		ValidArgsFunction: completeFiles(1),
	}
	f, c := cmd.Flags(), &b.data.config
	b.data.add(cmd)
	choose(cmd, &c.Scale, "scale", "auto: numeric columns are standardised inside", "auto", "none")
	f.Var(penalty{&c.Penalty.L2, nil}, "l2", "λ of the penalty λ/(2m)·‖w‖²; the bias is not penalised")
	f.StringVar(&b.equations, "equations", "", "`file` of a model of your own: one equation a line, the last the loss of one example; descent help equations")
	f.IntVar(&b.options.Repeats, "repeats", 0, "`number` of passes of each kind (as many as take a second)")
	f.BoolVar(&b.options.PassesOnly, "passes-only", false, "without the solves and the comparison of bits")
	f.IntVar(&c.Solver.Threads, "threads", 0, "`cores` to use (all)")
	return cmd
}

// benchmark is one call of bench.
type benchmark struct {
	*app
	data      dataFlags
	equations string
	options   descent.BenchOptions
}

func (b *benchmark) run(cmd *cobra.Command, file string) error {
	c, err := b.data.finish(cmd)
	if err != nil {
		return err
	}
	if b.options.Repeats < 0 || cmd.Flags().Changed("repeats") && b.options.Repeats == 0 {
		return usagef("--repeats %d: want a number from 1", b.options.Repeats)
	}
	if cmd.Flags().Changed("threads") && c.Solver.Threads < 1 {
		return usagef("--threads %d: want a number from 1", c.Solver.Threads)
	}
	if err := c.Check(); err != nil {
		return usageError{err.Error()}
	}
	source, err := b.source(file)
	if err != nil {
		return err
	}
	if b.equations != "" {
		if c.Equations, err = equationsFile(b.equations); err != nil {
			return err
		}
	}
	if b.progress != nil && !b.quiet {
		b.options.Stage = b.progress.show
	}
	c.Found = b.found
	m, err := descent.Bench(b.ctx, source, c, b.options)
	b.progress.clear()
	if err != nil {
		return equationsError(err, b.equations)
	}
	return b.emit(m, func(p *page) { b.print(p, file, m) })
}

func (b *benchmark) print(p *page, file string, m *descent.Measurement) {
	p.heading(fmt.Sprintf("%s: %s, %s, %s, %s, kernels %s", printable(file), count(m.Rows, "row"), count(m.Columns, "column"),
		count(m.Parameters, "parameter"), count(m.Threads, "thread"), m.Kernels))
	read := seconds(m.Read.Seconds) + " s"
	if m.Read.Bytes != nil {
		read += fmt.Sprintf(", %s a second", megabytes(float64(*m.Read.Bytes)/m.Read.Seconds))
	}
	facts := []string{
		"reading", read,
		"storage", stored(&m.Storage),
		"bandwidth", fmt.Sprintf("%.1f GB/s read from memory by %s", m.Bandwidth.BytesPerSecond/1e9, count(m.Threads, "thread")),
		"one pass", fmt.Sprintf("%s (median %s of %d), %.1f GB/s, %.0f %% of the bandwidth", milliseconds(m.Pass.Seconds), milliseconds(m.Pass.Median),
			m.Pass.Repeats, m.Pass.BytesPerSecond/1e9, 100*m.Pass.Share),
	}
	if h := m.ByHand; h != nil {
		facts = append(facts, "by hand", fmt.Sprintf("%s (median %s): the compiled graph takes %+.1f %%", milliseconds(h.Seconds), milliseconds(h.Median), 100*h.Slower))
	} else {
		facts = append(facts, "by hand", m.ByHandNote)
	}
	p.facts(facts...)
	if len(m.Solve) > 0 {
		p.printf("\n")
		t := &table{header: []string{"solve to", "seconds", "steps", "passes", "cost", "proved gap", "verdict"}}
		for _, s := range m.Solve {
			gap := "none"
			if s.Gap != nil {
				gap = fmt.Sprintf("%.1e", *s.Gap)
			}
			t.add(strconv.FormatFloat(s.Tol, 'g', -1, 64), fmt.Sprintf("%.3f", s.Seconds), strconv.Itoa(s.Steps), strconv.Itoa(s.Passes),
				strconv.FormatFloat(s.Cost, 'g', 8, 64), gap, string(s.Verdict))
		}
		p.table(t)
		for _, s := range m.Solve {
			if s.Error != "" {
				p.say(fmt.Sprintf("solve to %g: %s", s.Tol, s.Error))
			}
		}
	}
	if bits := m.Bits; bits != nil {
		word := "the same bytes"
		if !bits.Equal {
			word = "other bytes, which is a bug"
		}
		p.printf("\n")
		p.say(fmt.Sprintf("The model on %s and on %s has %s (%.16s…).", count(bits.Threads[0], "thread"), count(bits.Threads[1], "thread"), word, bits.SHA256))
	}
}

func megabytes(bytes float64) string { return strconv.FormatFloat(bytes/1e6, 'f', 1, 64) + " MB" }

func milliseconds(s float64) string { return fmt.Sprintf("%.3g ms", 1000*s) }
