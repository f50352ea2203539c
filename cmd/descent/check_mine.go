package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/exercise"
	"github.com/descent-ml/descent/graph"
	"github.com/spf13/cobra"
)

// readMine puts the learner's equations together.
func (k *checking) readMine(args []string) (string, error) {
	var all []string
	for _, text := range k.mine {
		switch {
		case text == "-" && len(args) > 0 && args[0] == "-":
			return "", usagef("FILE and --mine are both -: standard input can be read once")
		case text == "-":
			b, err := io.ReadAll(io.LimitReader(k.stdin, graph.MaxLength+1))
			if err != nil {
				return "", fileError("stdin", err)
			}
			text, k.mineFile = string(b), "stdin"
		case strings.HasPrefix(text, "@"):
			file := text[1:]
			var err error
			if text, err = equationsFile(file); err != nil {
				return "", err
			}
			k.mineFile = file
		}
		if strings.TrimSpace(text) == "" {
			return "", usagef("--mine is empty: give an equation, --mine 'dz = a - y'")
		}
		all = append(all, text)
	}
	if len(k.mine) > 1 {
		k.mineFile = ""
	}
	return strings.Join(all, "\n"), nil
}

// mistaken says where an error of equations is: in the learner's, or in the model's.
func (k *checking) mistaken(err error) error {
	var e *graph.Error
	if !descent.IsMine(err) || !errors.As(err, &e) {
		return equationsError(err, k.equations)
	}
	const help = "; descent help exercise"
	if k.mineFile != "" {
		return placed{file: k.mineFile, line: e.Line, column: e.Column, message: e.Message + help}
	}
	if len(k.mine) > 1 {
		return placed{file: "--mine", line: e.Line, column: e.Column, message: e.Message + help}
	}
	return fmt.Errorf("--mine, line %d, column %d: %s%s", e.Line, e.Column, e.Message, help)
}

// markJSON is the answer without a file.
type markJSON struct {
	OK         bool                 `json:"ok"`
	FirstWrong string               `json:"first_wrong"`
	Examples   int                  `json:"examples"`
	Mine       []exercise.Judgement `json:"mine"`
	Updates    []string             `json:"updates,omitempty"`
}

// mark is --mine without a file: the equations are compared at made-up examples.
func (k *checking) mark(cmd *cobra.Command, mine string) error {
	changed := cmd.Flags().Changed
	if err := k.data.refuse(cmd, "a FILE"); err != nil {
		return err
	}
	switch {
	case changed("rows"), changed("threads"):
		return usagef("--rows and --threads are for a FILE")
	case k.model != "":
		return usagef("--model is for a FILE; without one --equations names the model")
	case k.features < 1 || k.features > 100_000:
		return usagef("--features %d: want a number from 1 to 100000", k.features)
	case changed("classes") && (k.classes < 2 || k.classes > 1000):
		return usagef("--classes %d: want a number from 2 to 1000", k.classes)
	case changed("seed") && k.data.config.Solver.Seed == 0:
		return usagef("--seed is a number from 1")
	}
	c := k.data.config
	if k.equations != "" {
		var err error
		if c.Equations, err = equationsFile(k.equations); err != nil {
			return err
		}
	}
	r, err := descent.MarkEquations(c, k.features, k.classes, mine)
	if err != nil {
		return k.mistaken(err)
	}
	k.noteUpdates(r.Updates)
	human := func(p *page) { k.printMine(p, r.Mine, fmt.Sprintf("%d made-up examples", r.Points)) }
	out := markJSON{OK: r.OK, FirstWrong: r.FirstWrong, Examples: r.Points, Mine: r.Mine, Updates: r.Updates}
	if !r.OK {
		if !k.json {
			k.emit(out, human)
		}
		return knowing{fmt.Errorf("%s is the first wrong node", r.FirstWrong), out}
	}
	return k.emit(out, human)
}

func (k *checking) noteUpdates(updates []string) {
	for _, u := range updates {
		k.note(fmt.Sprintf("%s is an update of a parameter, which is not marked", printable(u)))
	}
}

// printMine shows a learner what is right and what is not, and then what the first wrong node lacks.
func (k *checking) printMine(p *page, mine []exercise.Judgement, where string) {
	p.printf("your equations, in the order of the pass, at %s\n\n", where)
	tab := &table{header: []string{"", "", ""}, left: 3}
	ok := true
	for _, j := range mine {
		verdict, style := "", bad
		switch {
		case j.FirstWrong:
			verdict = "wrong, the first"
		case !j.OK:
			verdict = "wrong"
		case !j.WithYours:
			verdict = "right in itself"
		case j.Proved:
			verdict, style = "right, proved", good
		case !j.WithGraph:
			verdict = "right with yours"
		default:
			verdict, style = fmt.Sprintf("right at all %d", j.Points), good
		}
		ok = ok && j.OK && j.WithYours
		tab.add(j.Node, p.style(style, verdict), printable(j.Yours))
	}
	p.table(tab)
	for _, j := range mine {
		if j.FirstWrong {
			p.heading(j.Node + " is the first wrong node")
			k.printMistake(p, &j)
		}
	}
	for _, j := range mine {
		if j.FirstWrong || j.Hint == "" {
			continue
		}
		p.heading(j.Node)
		k.printMistake(p, &j)
	}
	if ok {
		p.WriteByte('\n')
		p.facts("result", p.style(good, "ok: these are the derivatives of the graph"))
	}
}

func (k *checking) printMistake(p *page, j *exercise.Judgement) {
	p.say(printable(strings.ToUpper(j.Hint[:1]) + j.Hint[1:] + "."))
	if e := j.Example; e != nil {
		number := func(v *float64) string {
			if v == nil {
				return "no finite number"
			}
			return digits6(*v)
		}
		p.say(fmt.Sprintf("At %s: yours %s, the graph's %s.", e.At, number(e.Yours), number(e.Graph)))
	}
}
