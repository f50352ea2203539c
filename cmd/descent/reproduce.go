package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/descent-ml/descent"
	"github.com/spf13/cobra"
)

func (a *app) reproduceCommand() *cobra.Command {
	var in inputFlags
	var o descent.ReproduceOptions
	var initial, test string
	cmd := &cobra.Command{
		Use:   "reproduce MODEL FILE",
		Short: "train again and compare bit for bit",
		Long: `Reproduce trains a model again on FILE, with the settings that the model holds, and compares the two model files byte by byte: exit code 0 if they are the
same, 1 if not, with the first things that differ: the data (by their fingerprint), a setting, the version of descent, a coefficient with both values. Number of
threads, memory, compression and format of FILE have no part in a model. Another version of descent, or another processor architecture, may give other last bits; where it
does not, the models are the same.`,
		Example: `  descent reproduce heart.json heart.csv
  descent reproduce heart.json heart.csv --test later.csv`,
		Args:              exactly("MODEL", "FILE"),
		ValidArgsFunction: completeFiles(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			changed := cmd.Flags().Changed
			stdin := 0
			for _, path := range append(args, initial, test) {
				if path == "-" {
					stdin++
				}
			}
			switch {
			case stdin > 1:
				return usagef("standard input cannot be two files")
			case changed("threads") && o.Threads < 1:
				return usagef("--threads %d: want a number from 1", o.Threads)
			case changed("init") && initial == "", changed("test") && test == "":
				return usagef("--init and --test name a file")
			}
			m, err := a.load(args[0], args[1])
			if err != nil {
				return err
			}
			source, err := a.source(args[1])
			if err != nil {
				return err
			}
			if initial != "" {
				if o.Init, err = a.load(initial, ""); err != nil {
					return err
				}
			}
			if test != "" {
				if o.Test, err = a.source(test); err != nil {
					return err
				}
			}
			o.Format, o.NoHeader = in.format, in.noHeader
			if a.progress != nil && !a.quiet {
				o.Progress = a.progress.step
			}
			r, err := m.Reproduce(a.ctx, source, o)
			if err != nil {
				return knowing{err, r}
			}
			for _, n := range r.Notes {
				a.note(n)
			}
			switch {
			case r.Same:
				return a.emit(r, func(p *page) { printReproduction(p, r) })
			case len(r.Differences) == 0: // nothing was trained, and the data agree
				err = errors.New("the model is not reproduced: it holds no settings; the data are those of the training. Train it once more to have them in the file")
			default:
				err = errors.New("the model is not reproduced: " + divergence(r.Differences[0]))
			}
			if !a.json {
				a.emit(nil, func(p *page) { printReproduction(p, r) })
			}
			return knowing{err, r}
		},
	}
	f := cmd.Flags()
	f.StringVar(&initial, "init", "", "the `model` that the training started from, if it started from one")
	f.StringVar(&test, "test", "", "the `file` of test rows, if the training had one; without it their measures are not compared")
	f.IntVar(&o.Threads, "threads", 0, "`cores` to use (all)")
	f.Var(size{&o.Memory}, "memory", "bound on the memory that the training takes, as in train")
	in.add(cmd)
	return cmd
}

// divergence is a difference in words.
func divergence(d descent.Divergence) string {
	value := func(v any) string {
		switch v := v.(type) {
		case nil:
			return "nothing"
		case float64:
			return shortest(v)
		case json.RawMessage:
			if v == nil {
				return "not set"
			}
			return printable(string(v))
		case map[string]any, []any:
			text, err := marshal(v)
			if err != nil {
				return "…"
			}
			return printable(string(text))
		}
		return printable(fmt.Sprint(v))
	}
	name := printable(d.Name)
	switch d.What {
	case "data":
		return fmt.Sprintf("the data are others: their fingerprint is %s, that of the training was %s", value(d.Again), value(d.Model))
	case "program":
		return fmt.Sprintf("the version of descent: the model was made by %s, this is %s", value(d.Model), value(d.Again))
	case "setting":
		if d.Name == "init" {
			return fmt.Sprintf("the model to start from: its content is %s, the training started from %s", value(d.Again), value(d.Model))
		}
		return fmt.Sprintf("the setting %s: %s in the model, %s now", name, value(d.Model), value(d.Again))
	case "coefficient":
		if d.Class != "" {
			name += " of " + printable(d.Class)
		}
		return fmt.Sprintf("the coefficient %s: %s in the model, %s now", name, value(d.Model), value(d.Again))
	}
	return fmt.Sprintf("%s: %s in the model, %s now", name, value(d.Model), value(d.Again))
}

func printReproduction(p *page, r *descent.Reproduction) {
	if r.Same {
		p.say("the same, bit for bit")
	} else {
		p.say("not the same")
	}
	p.WriteByte('\n')
	again, made := "", ""
	if r.Again != nil {
		again = *r.Again
	}
	if r.Program.Model != nil {
		made = *r.Program.Model
	}
	pairs := []string{"model", r.Model, "again", again, "data", *r.Data.Model, "descent", made}
	for _, d := range r.Differences {
		pairs = append(pairs, "differs", divergence(d))
	}
	if r.Coefficients > 0 {
		pairs = append(pairs, "", fmt.Sprintf("%d of %s differ", r.Coefficients, count(r.Of, "coefficient")))
	}
	p.facts(pairs...)
}
