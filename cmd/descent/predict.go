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
		Long: `Predict writes one line for every row of FILE, in its order: probability (of the positive class), label, and what is asked for besides.
Columns are matched by name; columns that the model does not read are ignored. From - every row is answered as it comes.

With --explain, z is the intercept plus the contributions, added in the order printed: they add up to the last bit.`,
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
	name, r, done, err := p.open(file)
	if err != nil {
		return err
	}
	defer done()
	o := descent.RowOptions{NoHeader: p.noHeader, Keep: p.keep}
	if p.interval {
		o.Confidence = 0.95
	}
	rows, err := m.Rows(p.ctx, name, r, o)
	if err != nil {
		return err
	}
	live := false // answer every row at once: somebody may wait for it
	if file == "-" && p.output == "" {
		live = true
		if f, ok := p.standardInput.(*os.File); ok {
			info, err := f.Stat()
			live = err != nil || !info.Mode().IsRegular()
		}
	}
	p.noteUnread(m, rows)
	var said summary
	err = p.app.output(p.output, func(w io.Writer) error {
		flush := func() error { return nil }
		if live {
			flush = p.stdout.Flush
		}
		return p.write(m, rows, w, flush, &said)
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

// write predicts row by row.
func (p *prediction) write(m *descent.Model, rows *descent.RowReader, w io.Writer, flush func() error, said *summary) error {
	var out rowWriter
	header := p.header(m)
	if p.json || p.as == "jsonl" {
		out = newJSONWriter(w, header)
	} else {
		out = newCSVWriter(w, header)
	}
	if err := out.begin(); err != nil {
		return err
	}
	classes := m.Classes()
	numbers := make([]float64, 0, len(header.names))
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
		numbers = numbers[:0]
		if p.interval {
			numbers = append(numbers, row.Low, row.High)
		}
		if p.explain {
			numbers = append(numbers, row.Z)
			if m.OffsetColumn() != "" {
				numbers = append(numbers, row.Offset)
			}
			for _, v := range row.Contributions {
				numbers = append(numbers, v+0) // -0 adds as 0 does
			}
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

// header is what the columns of the output are called.
type header struct {
	names         []string // probability, label, the numbers, the kept columns
	contributions []string // columns whose contributions are the last of the numbers
	kept          int
}

func (p *prediction) header(m *descent.Model) header {
	h := header{names: []string{"probability", "label"}, kept: len(p.keep)}
	if p.interval {
		h.names = append(h.names, "low", "high")
	}
	if p.explain {
		h.names = append(h.names, "z")
		if o := m.OffsetColumn(); o != "" { // added before the others
			h.contributions = append(h.contributions, o)
		}
		for _, c := range m.Columns() {
			h.contributions = append(h.contributions, c.Name)
		}
		for _, c := range h.contributions {
			h.names = append(h.names, "contribution:"+c)
		}
	}
	for _, k := range p.keep {
		for slices.Contains(h.names, k) || p.explain && k == "contributions" {
			k = "input:" + k
		}
		h.names = append(h.names, k)
	}
	return h
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
	c.cells = append(c.cells[:0], shortest(probability), label)
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
	keys   [][]byte // of everything but contributions
	inner  [][]byte // of the contributions
	line   []byte
}

func newJSONWriter(w io.Writer, h header) *jsonWriter {
	j := &jsonWriter{w: w, header: h}
	key := func(s string) []byte { b, _ := marshal(s); return append(b, ':') }
	n := len(h.names) - h.kept - len(h.contributions)
	for _, name := range append(slices.Clone(h.names[:n]), h.names[len(h.names)-h.kept:]...) {
		j.keys = append(j.keys, key(name))
	}
	for _, name := range h.contributions {
		j.inner = append(j.inner, key(name))
	}
	return j
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
		b = append(append(b, j.keys[k]...), value...)
		k++
	}
	member([]byte(shortest(probability)))
	member(text(label))
	plain := len(numbers) - len(j.inner)
	for _, v := range numbers[:plain] {
		member([]byte(shortest(v)))
	}
	if len(j.inner) > 0 {
		b = append(b, `,"contributions":{`...)
		for i, v := range numbers[plain:] {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendFloat(append(b, j.inner[i]...), v, 'g', -1, 64)
		}
		b = append(b, '}')
	}
	for _, s := range kept {
		member(text(s))
	}
	j.line = append(b, '}', '\n')
	_, err := j.w.Write(j.line)
	return err
}
