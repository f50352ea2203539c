package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/metric"
	"github.com/spf13/cobra"
)

func (a *app) predictCommand() *cobra.Command {
	p := &prediction{app: a}
	cmd := &cobra.Command{
		Use:   "predict MODEL FILE [-o F]",
		Short: "probability and label of every row",
		Long: `Predict writes one line for every row of FILE, in its order: probability (of the positive class), label, and what is asked for besides. Of
more than two classes: label, probability (of that label), and probability:LEVEL for every class.
Columns are matched by name; columns that the model does not read are ignored. From - every row is answered as it comes.

With --explain, z is the intercept plus the contributions, added in the order printed: they add up to the last bit. Of
more than two classes every one has its z:LEVEL and contribution:LEVEL:NAME.`,
		Example: `  descent predict heart.json new.csv --keep id -o new-predicted.csv
  tail -f visits.csv | descent predict heart.json - --format jsonl`,
		Args:              exactly("MODEL", "FILE"),
		RunE:              func(cmd *cobra.Command, args []string) error { return p.run(args[0], args[1]) },
		ValidArgsFunction: completeFiles(2),
	}
	f := cmd.Flags()
	f.StringVarP(&p.output, "output", "o", "", "write to this `file` instead of standard output")
	f.Var(choice[string]{&p.as, []string{"csv", "jsonl"}}, "format", "of the output (csv)")
	must(cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"csv", "jsonl"}, cobra.ShellCompDirectiveNoFileComp)))
	f.Var(list{&p.keep}, "keep", "`columns` of FILE to hand through; one whose name is taken is called input:NAME")
	must(cmd.RegisterFlagCompletionFunc("keep", completeColumns(1)))
	f.BoolVar(&p.interval, "interval", false, "95 % interval of the probability: low, high")
	f.BoolVar(&p.explain, "explain", false, "z and every column's contribution to it")
	f.Var(&p.threshold, "threshold", "`probability` above which a row is called positive (the model's)")
	f.BoolVar(&p.noHeader, "no-header", false, "the first line of FILE is data; columns are x1, x2, …")
	laterFlags(f, "part", "query")
	return cmd
}

// prediction is one call of predict.
type prediction struct {
	*app
	output, as        string
	keep              []string
	interval, explain bool
	threshold         threshold
	noHeader          bool
}

func (p *prediction) run(model, file string) error {
	if model == "-" && file == "-" {
		return usagef("standard input cannot be both MODEL and FILE")
	}
	if isInput(p.output, model) || isInput(p.output, file) {
		return usagef("-o %s is a file that is read; it would be overwritten", p.output)
	}
	if p.json && p.as == "csv" {
		return usagef("--json and --format csv: choose one")
	}
	for i, k := range p.keep {
		if slices.Contains(p.keep[:i], k) {
			return usagef("--keep names %s twice", k)
		}
	}
	m, err := p.load(model, file)
	if err != nil {
		return err
	}
	if len(m.Classes()) > 2 {
		switch {
		case p.threshold.value != nil:
			return twoOnly(m, "--threshold", noThreshold)
		case p.interval:
			return twoOnly(m, "--interval", noInterval)
		}
	}
	if p.interval && !m.Additive() {
		return usagef("--interval: a model with a hidden layer has no standard errors, and its probabilities no interval")
	}
	if p.explain && !m.Additive() {
		p.note("z alone: the hidden layer mixes the columns, and z is no sum with a part for each of them (descent explain shows the forward pass)")
	}
	o := descent.RowOptions{Formats: formats, NoHeader: p.noHeader, Keep: p.keep}
	if p.interval {
		o.Confidence = 0.95
	}
	live := false // answer every row at once: somebody may wait for it
	if file == "-" && p.output == "" {
		live = true
		if f, ok := p.standardInput.(*os.File); ok {
			info, err := f.Stat()
			live = err != nil || !info.Mode().IsRegular()
		}
	}
	var said summary
	err = p.app.output(p.output, func(w io.Writer) error {
		flush := func() error { return nil }
		if live {
			flush = p.stdout.Flush
		}
		out := p.writer(m, w)
		first := true
		return p.each(file, func(name string, r io.Reader) error {
			rows, err := m.Rows(p.ctx, name, r, o)
			if err != nil {
				return err
			}
			if first {
				first = false
				p.noteUnread(m, rows)
				if err := out.begin(); err != nil {
					return err
				}
			}
			return p.write(m, rows, out, flush, &said)
		})
	})
	p.progress.clear()
	if err != nil {
		return err
	}
	if err := p.warnUnseen(&said); err != nil {
		return err
	}
	if p.json && p.output != "" {
		return p.emit(map[string]any{"output": p.output, "rows": said.rows, "unseen": said.unseen}, nil)
	}
	return nil
}

// noteUnread names the columns that have no part in the prediction.
func (p *prediction) noteUnread(m *descent.Model, rows *descent.RowReader) {
	known := map[string]bool{m.Target(): true, m.OffsetColumn(): true, m.WeightColumn(): true}
	for _, c := range m.Columns() {
		known[c.Name] = true
	}
	var unread []string
	for _, c := range rows.Header() {
		if !known[c] && !slices.Contains(p.keep, c) {
			unread = append(unread, printable(c))
		}
	}
	if len(unread) > 0 {
		p.note("the model does not read " + shortList(unread, 10))
	}
}

// summary is what is told after the last row.
type summary struct {
	rows, unseen int
	line         int      // of the first row with a level that training did not see
	levels       []string // the first few of them
}

func (s *summary) note(row *descent.Row) {
	if len(row.Unseen) == 0 {
		return
	}
	if s.unseen == 0 {
		s.line = row.Line
	}
	s.unseen++
	for _, u := range row.Unseen {
		text := printable(u.Column) + "=" + printable(u.Level)
		if len(s.levels) < 10 && !slices.Contains(s.levels, text) {
			s.levels = append(s.levels, text)
		}
	}
}

func (p *prediction) warnUnseen(s *summary) error {
	if s.unseen == 0 {
		return nil
	}
	return p.warn("W-unseen", fmt.Sprintf("%s with a level that did not occur in training, the first on line %d (%s): it counts as the baseline",
		count(s.unseen, "row"), s.line, strings.Join(s.levels, ", ")))
}

// writer writes predictions in the format asked for.
func (p *prediction) writer(m *descent.Model, w io.Writer) rowWriter {
	if p.json || p.as == "jsonl" {
		return newJSONWriter(w, p.header(m))
	}
	return newCSVWriter(w, p.header(m))
}

// write predicts row by row.
func (p *prediction) write(m *descent.Model, rows *descent.RowReader, out rowWriter, flush func() error, said *summary) error {
	classes := m.Classes()
	var numbers []float64
	for {
		if p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		row, err := rows.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		said.rows++
		said.note(row)
		if p.strict && said.unseen > 0 {
			return p.warnUnseen(said)
		}
		label := row.Label
		if t := p.threshold.value; t != nil {
			label = classes[0]
			if metric.Positive(row.Probability, *t) {
				label = classes[1]
			}
		}
		if numbers = numbers[:0]; len(classes) > 2 {
			numbers = p.classNumbers(m, row, numbers)
		} else {
			numbers = p.numbers(m, row, numbers)
		}
		if err := out.row(row.Probability, label, numbers, row.Kept); err != nil {
			return err
		}
		if err := flush(); err != nil {
			return err
		}
		p.progress.rows(said.rows)
	}
}

// numbers are what is asked for of two classes besides probability and label.
func (p *prediction) numbers(m *descent.Model, row *descent.Row, numbers []float64) []float64 {
	if p.interval {
		numbers = append(numbers, row.Low, row.High)
	}
	if p.explain {
		numbers = append(numbers, row.Z)
		if m.OffsetColumn() != "" && m.Additive() {
			numbers = append(numbers, row.Offset)
		}
		for _, v := range row.Contributions {
			numbers = append(numbers, v+0) // -0 adds as 0 does
		}
	}
	return numbers
}

// classNumbers are the same of more than two classes.
func (p *prediction) classNumbers(m *descent.Model, row *descent.Row, numbers []float64) []float64 {
	numbers = append(numbers, row.Probabilities...)
	if !p.explain {
		return numbers
	}
	numbers = append(numbers, row.Scores...)
	for k, contributions := range row.ByClass {
		if m.OffsetColumn() != "" {
			numbers = append(numbers, m.ClassOffset(k, row.Offset))
		}
		for _, v := range contributions {
			numbers = append(numbers, v+0)
		}
	}
	return numbers
}

// header is what the columns of the output are called.
type header struct {
	names []string // probability and label, the numbers, the kept columns
	kept  int
	label bool    // label comes first
	plain int     // numbers that stand by themselves
	inner []group // the other numbers, which in JSON are objects
}

// group is numbers by name under one name, or groups of them.
type group struct {
	name   string
	names  []string
	groups []group
}

func (p *prediction) header(m *descent.Model) header {
	h := header{names: []string{"probability", "label"}, kept: len(p.keep)}
	classes := m.Classes()
	var contributions []string
	if o := m.OffsetColumn(); o != "" { // added before the others
		contributions = append(contributions, o)
	}
	contributions = append(contributions, m.Parts()...)
	explain := p.explain && m.Additive()
	if len(classes) > 2 {
		h.names, h.label = []string{"label", "probability"}, true
		h.inner = []group{{name: "probabilities", names: classes}}
		h.add("probability:", classes)
		if p.explain {
			h.inner = append(h.inner, group{name: "z", names: classes})
			h.add("z:", classes)
		}
		if explain {
			all := group{name: "contributions"}
			for _, c := range classes {
				all.groups = append(all.groups, group{name: c, names: contributions})
				h.add("contribution:"+c+":", contributions)
			}
			h.inner = append(h.inner, all)
		}
	} else {
		if p.interval {
			h.names = append(h.names, "low", "high")
		}
		if p.explain {
			h.names = append(h.names, "z")
		}
		h.plain = len(h.names) - 2
		if explain {
			h.add("contribution:", contributions)
			h.inner = []group{{name: "contributions", names: contributions}}
		}
	}
	for _, k := range p.keep {
		for slices.Contains(h.names, k) || slices.ContainsFunc(h.inner, func(g group) bool { return g.name == k }) {
			k = "input:" + k
		}
		h.names = append(h.names, k)
	}
	return h
}

func (h *header) add(prefix string, names []string) {
	for _, n := range names {
		h.names = append(h.names, prefix+n)
	}
}

// rowWriter writes the predictions in one format. numbers are the columns between label and the kept ones.
type rowWriter interface {
	begin() error
	row(probability float64, label string, numbers []float64, kept []string) error
}

type csvWriter struct {
	w      *csv.Writer
	header header
	cells  []string
}

func newCSVWriter(w io.Writer, h header) *csvWriter {
	return &csvWriter{w: csv.NewWriter(w), header: h, cells: make([]string, 0, len(h.names))}
}

func (c *csvWriter) begin() error { return c.write(c.header.names) }

func (c *csvWriter) row(probability float64, label string, numbers []float64, kept []string) error {
	if c.cells = append(c.cells[:0], shortest(probability), label); c.header.label {
		c.cells[0], c.cells[1] = c.cells[1], c.cells[0]
	}
	for _, v := range numbers {
		c.cells = append(c.cells, shortest(v))
	}
	return c.write(append(c.cells, kept...))
}

func (c *csvWriter) write(cells []string) error {
	if err := c.w.Write(cells); err != nil {
		return err
	}
	c.w.Flush()
	return c.w.Error()
}

// shortest is the shortest decimal that reads back as v.
func shortest(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

type jsonWriter struct {
	w      io.Writer
	header header
	plain  [][]byte // keys of everything but the objects, each with its colon
	inner  []byte   // the objects, a 0 byte where a number stands
	line   []byte
}

func newJSONWriter(w io.Writer, h header) *jsonWriter {
	j := &jsonWriter{w: w, header: h}
	for _, name := range slices.Concat(h.names[:2+h.plain], h.names[len(h.names)-h.kept:]) {
		j.plain = append(j.plain, jsonKey(name))
	}
	for _, g := range h.inner {
		j.inner = g.appendTo(append(j.inner, ','))
	}
	return j
}

func jsonKey(name string) []byte { b, _ := marshal(name); return append(b, ':') }

// appendTo writes "name":{…} with a 0 byte for every number.
func (g *group) appendTo(b []byte) []byte {
	b = append(append(b, jsonKey(g.name)...), '{')
	for i, n := range g.names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, jsonKey(n)...), 0)
	}
	for i := range g.groups {
		if i > 0 {
			b = append(b, ',')
		}
		b = g.groups[i].appendTo(b)
	}
	return append(b, '}')
}

func (j *jsonWriter) begin() error { return nil }

func (j *jsonWriter) row(probability float64, label string, numbers []float64, kept []string) error {
	text := func(s string) []byte { b, _ := marshal(s); return b }
	b := append(j.line[:0], '{')
	k := 0
	member := func(value []byte) {
		if k > 0 {
			b = append(b, ',')
		}
		b = append(append(b, j.plain[k]...), value...)
		k++
	}
	first, second := []byte(shortest(probability)), text(label)
	if j.header.label {
		first, second = second, first
	}
	member(first)
	member(second)
	for _, v := range numbers[:j.header.plain] {
		member([]byte(shortest(v)))
	}
	rest := numbers[j.header.plain:]
	for _, c := range j.inner { // JSON holds no 0 byte of its own
		if c != 0 {
			b = append(b, c)
			continue
		}
		b = strconv.AppendFloat(b, rest[0], 'g', -1, 64)
		rest = rest[1:]
	}
	for _, s := range kept {
		member(text(s))
	}
	j.line = append(b, '}', '\n')
	_, err := j.w.Write(j.line)
	return err
}
