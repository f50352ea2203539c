package encode

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/descent-ml/descent/dataset"
)

// Computed says how a column that stands in no file is computed from others.
type Computed struct {
	Kind string   `json:"kind"`           // power, product, spline, log, date
	Term string   `json:"term,omitempty"` // the term it belongs to, where that has columns of other names: those of a spline, a product with levels
	Of   []string `json:"of"`             // the columns it is computed from

	Power    int         `json:"power,omitempty"`
	Knots    []float64   `json:"knots,omitempty"`    // of a spline: the boundary and what is between, ascending
	Function int         `json:"function,omitempty"` // of a spline: which basis function, from 1
	Level    string      `json:"level,omitempty"`    // of a number times a level: the number where the second column has this level, else 0
	Pairs    [][2]string `json:"pairs,omitempty"`    // of levels times levels: what each of the column's levels stands for
	Part     string      `json:"part,omitempty"`     // of a date: year, month, dow, days
}

// KindDate is the kind of a column that is a part of a date.
const KindDate = "date"

// DateType is the type of a column of dates. It is no input itself; what is computed from it is.
const DateType = "date"

// HasLevels says whether the column's values are levels.
func (c *Column) HasLevels() bool { return c.Type == Boolean || c.Type == Levels }

// Read says whether the column stands in the file; others are computed.
func (c *Column) Read() bool { return c.Computed == nil }

// Term is the name of the term that a column is, or is a part of.
func (c *Column) Term() string {
	if c.Computed != nil && c.Computed.Term != "" {
		return c.Computed.Term
	}
	return c.Name
}

// Part is what one contribution to z is of: a column that is an input, or the columns of a term.
type Part struct {
	Name       string
	First, End int // the columns First … End-1
}

// Parts are the contributions to z, in the order in which they are added. A column that is only computed from is none of them.
func (e *Encoding) Parts() []Part {
	input := make(map[string]bool, len(e.Columns))
	for _, t := range e.Terms {
		input[t.Column] = true
	}
	var out []Part
	for i := range e.Columns {
		c := &e.Columns[i]
		if !input[c.Name] {
			continue
		}
		if n := len(out); n > 0 && out[n-1].End == i && c.Term() == out[n-1].Name {
			out[n-1].End++
			continue
		}
		out = append(out, Part{c.Term(), i, i + 1})
	}
	return out
}

// Groups says which term every input belongs to, by its name: the inputs of a column, or of a term of several columns.
func (e *Encoding) Groups() []string {
	term := make(map[string]string, len(e.Columns))
	for i := range e.Columns {
		term[e.Columns[i].Name] = e.Columns[i].Term()
	}
	out := make([]string, len(e.Terms))
	for j, t := range e.Terms {
		out[j] = term[t.Column]
	}
	return out
}

// FullProduct says whether a column belongs to a product with a column of which every level has a weight: such products add up to other inputs by design.
func (e *Encoding) FullProduct(column string) bool {
	c, ok := e.Column(column)
	if !ok || c.Computed == nil || c.Computed.Kind != KindProduct {
		return false
	}
	return slices.ContainsFunc(c.Of(), func(name string) bool { of, ok := e.Column(name); return ok && of.HasLevels() && of.Base == "" })
}

// DateText writes a date of the column in its form, without the time of day.
func (c *Column) DateText(days float64) string {
	layout := map[string]string{orderYMD: time.DateOnly, orderDMY: "02/01/2006", orderMDY: "01/02/2006", orderNamed: "2 Jan 2006"}[c.Order]
	return day(days).Format(layout)
}

// noLevel marks a cell of levels that has no weight whatever the policy for unseen levels: a part of a missing date, a pair with a base level.
const noLevel = -2

// TermError says why a term cannot be computed, and from which column.
type TermError struct {
	Column int // of the encoding: the one whose value is wrong
	Err    error
}

func (e *TermError) Error() string { return e.Err.Error() }
func (e *TermError) Unwrap() error { return e.Err }

// computer computes a column.
type computer struct {
	*Computed
	name   string
	to     int
	of     []int
	spline *spline
	level  int32              // of Level
	pairs  map[[2]int32]int32 // → level
	based  [2]int32           // base levels of the columns of a pair
	codes  []int32            // month or day of the week → level
	mean   float64
	unseen Unseen
	levels []string
}

// newComputers prepares the computed columns of e, which has been checked.
func newComputers(e *Encoding) []computer {
	var out []computer
	at := make(map[string]int, len(e.Columns))
	for i := range e.Columns {
		c := &e.Columns[i]
		at[c.Name] = i
		if c.Computed == nil {
			continue
		}
		k := computer{Computed: c.Computed, name: c.Term(), to: i, level: noLevel, mean: c.Mean, unseen: c.Unseen, levels: c.Levels}
		for _, name := range c.Of() {
			k.of = append(k.of, at[name])
		}
		code := func(column int, level string) int32 {
			return int32(slices.Index(e.Columns[k.of[column]].Levels, level))
		}
		switch {
		case k.Kind == KindSpline:
			if n := len(out); n > 0 && out[n-1].spline != nil && slices.Equal(out[n-1].Knots, k.Knots) {
				k.spline = out[n-1].spline
			} else {
				k.spline = newSpline(k.Knots)
			}
		case k.Kind == KindProduct && k.Level != "":
			k.level = code(1, k.Level)
		case k.Kind == KindProduct && c.HasLevels():
			k.pairs = make(map[[2]int32]int32, len(k.Pairs))
			for level, p := range k.Pairs {
				k.pairs[[2]int32{code(0, p[0]), code(1, p[1])}] = int32(level)
			}
			for side := range k.based {
				if k.based[side] = noLevel; e.Columns[k.of[side]].Base != "" {
					k.based[side] = code(side, e.Columns[k.of[side]].Base)
				}
			}
		case k.Kind == KindDate && c.HasLevels():
			names := monthLevels
			if k.Part == PartDow {
				names = dowLevels
			}
			for _, name := range names {
				k.codes = append(k.codes, int32(slices.Index(c.Levels, name)))
			}
		}
		out = append(out, k)
	}
	return out
}

// Of are the columns that a column is computed from; nil for one of the file.
func (c *Column) Of() []string {
	if c.Computed == nil {
		return nil
	}
	return c.Computed.Of
}

// Compute fills in the cells of computed columns from those that were read. Its error is a *TermError.
func (r *Reader) Compute(cells []Cell) error {
	for i := range r.computers {
		k := &r.computers[i]
		cell, err := k.cell(cells)
		if err != nil {
			return &TermError{k.of[0], err}
		}
		cells[k.to] = cell
	}
	return nil
}

func (k *computer) cell(cells []Cell) (Cell, error) {
	a := cells[k.of[0]]
	out := Cell{Missing: a.Missing}
	if len(k.of) > 1 {
		out.Missing = a.Missing || cells[k.of[1]].Missing
	}
	switch {
	case k.Kind == KindDate && k.codes != nil:
		if a.Missing {
			out.Level = noLevel
			return out, nil
		}
		index := dateIndex(k.Part, a.Number)
		if out.Level = k.codes[index]; out.Level < 0 && k.unseen != UnseenBaseline {
			names := monthLevels
			if k.Part == PartDow {
				names = dowLevels
			}
			return out, fmt.Errorf("its %s, %s, did not occur in training; those that did are %s; training with --unseen baseline gives it no weight",
				partWord(k.Part), names[index], list(k.levels, 12))
		}
	case k.Kind == KindDate && a.Missing:
		out.Number = k.mean
	case k.pairs != nil:
		out.Level = k.pair(a.Level, cells[k.of[1]].Level)
	case k.Level != "":
		if cells[k.of[1]].Level == k.level {
			out.Number = a.Number
		}
	default:
		b := 0.0
		if len(k.of) > 1 {
			b = cells[k.of[1]].Number
		}
		if out.Number = k.number(a.Number, b); out.Number-out.Number != 0 {
			return out, k.undefined(a.Number)
		}
	}
	return out, nil
}

func partWord(part string) string {
	if part == PartDow {
		return "day of the week"
	}
	return part
}

// undefined is why number is not one.
func (k *computer) undefined(x float64) error {
	if k.Kind == KindLog && x <= 0 {
		return fmt.Errorf("%s: the logarithm of %v is not defined", k.name, x)
	}
	return fmt.Errorf("%s is too large for float64 where the column is %v", k.name, x)
}

// number is the value of a numeric column: of a, or of a and b; NaN or ±Inf where it has none.
func (k *computer) number(a, b float64) float64 {
	switch k.Kind {
	case KindPower:
		v := a
		for range k.Power - 1 {
			v = float64(v * a)
		}
		return v
	case KindProduct:
		return float64(a * b)
	case KindSpline:
		return k.spline.at(k.Function-1, a)
	case KindLog:
		if a <= 0 {
			return math.NaN()
		}
		return math.Log(a)
	case KindDate:
		if k.Part == PartYear {
			return float64(day(a).Year())
		}
	}
	return a
}

// pair is the level that two levels are together.
func (k *computer) pair(a, b int32) int32 {
	if v, ok := k.pairs[[2]int32{a, b}]; ok {
		return v
	}
	if a < 0 || b < 0 || a == k.based[0] || b == k.based[1] {
		return noLevel
	}
	return UnseenLevel
}

// day is the day that many days after 1970-01-01.
func day(days float64) time.Time { return time.Unix(int64(math.Floor(days))*86400, 0).UTC() }

// dateIndex is the month from January, or the day of the week from Monday, both from 0.
func dateIndex(part string, days float64) int {
	if part == PartMonth {
		return int(day(days).Month()) - 1
	}
	return (int(day(days).Weekday()) + 6) % 7
}

// source gives the numbers of a column, row by row of a table.
type source interface {
	Read(out []float64, from int)
	Decimal() (digits int, low, high int32, ok bool)
	ReadScaled(out []float64, from int)
	ReadIntegers(out []int32, from int)
}

// computedNumbers are numbers that something computes. They are no decimals that anybody would know of.
type computedNumbers func(out []float64, from int)

// Read is source.
func (f computedNumbers) Read(out []float64, from int) { f(out, from) }

// Decimal is source.
func (f computedNumbers) Decimal() (digits int, low, high int32, ok bool) { return 0, 0, 0, false }

// ReadScaled is source; it is for columns that Decimal accepts.
func (f computedNumbers) ReadScaled([]float64, int) { panic("encode: no decimals") }

// ReadIntegers is source; it is for columns that Decimal accepts.
func (f computedNumbers) ReadIntegers([]int32, int) { panic("encode: no decimals") }

// numbers gives what the cells of a numeric or date column hold, NaN where they cannot be computed.
func (tr *TableReader) numbers(i int) source {
	c := &tr.reader.encoding.Columns[i]
	tc := &tr.columns[i]
	switch {
	case c.Type == DateType:
		days := make([]float64, len(tc.cells)+1)
		days[0] = c.Mean // missing
		for code, cell := range tc.cells {
			if days[code+1] = cell.Number; tc.errors[code] != nil {
				days[code+1] = math.NaN()
			}
		}
		return computedNumbers(func(out []float64, from int) {
			codes := make([]int32, len(out))
			tc.column.ReadCodes(codes, from)
			for k, code := range codes {
				out[k] = days[code+1]
			}
		})
	case c.Computed == nil:
		of := tc.column.Numbers
		if tc.column.Missing == 0 || c.Missing != MissingMean {
			return of
		}
		return computedNumbers(func(out []float64, from int) {
			of.Read(out, from)
			for k, x := range out {
				if x != x {
					out[k] = c.Mean
				}
			}
		})
	}
	k := tr.reader.computer(i)
	a := tr.numbers(k.of[0])
	if k.Level != "" {
		levels := tr.levels(k.of[1])
		return computedNumbers(func(out []float64, from int) {
			a.Read(out, from)
			codes := make([]int32, len(out))
			levels(codes, from)
			for i, code := range codes {
				if code != k.level {
					out[i] = 0
				}
			}
		})
	}
	if k.Kind == KindDate { // a missing date is the mean of its parts, not a part of the mean date
		return computedNumbers(func(out []float64, from int) {
			a.Read(out, from)
			codes := make([]int32, len(out))
			tr.columns[k.of[0]].column.ReadCodes(codes, from)
			for i, x := range out {
				if codes[i] < 0 {
					out[i] = c.Mean
				} else if x == x {
					out[i] = k.number(x, 0)
				}
			}
		})
	}
	var b source
	if len(k.of) > 1 {
		b = tr.numbers(k.of[1])
	}
	return computedNumbers(func(out []float64, from int) {
		a.Read(out, from)
		var second []float64
		if b != nil {
			second = make([]float64, len(out))
			b.Read(second, from)
		}
		for i, x := range out {
			y := 0.0
			if second != nil {
				y = second[i]
			}
			if out[i] = k.number(x, y); out[i]-out[i] != 0 {
				out[i] = math.NaN()
			}
		}
	})
}

// levels gives the codes of a column of levels, below 0 where a row has none or one without a meaning.
func (tr *TableReader) levels(i int) func(out []int32, from int) {
	tc := &tr.columns[i]
	if tc.column != nil {
		code := make([]int32, len(tc.cells)+1)
		look := func(cell Cell, err error) int32 {
			if err != nil {
				return noLevel
			}
			return cell.Level
		}
		code[0] = look(tr.reader.Missing(i, ""))
		for k := range tc.cells {
			code[k+1] = look(tc.cells[k], tc.errors[k])
		}
		return func(out []int32, from int) {
			tc.column.ReadCodes(out, from)
			for k, v := range out {
				out[k] = code[v+1]
			}
		}
	}
	k := tr.reader.computer(i)
	if k.Kind == KindDate {
		days, column := tr.numbers(k.of[0]), tr.columns[k.of[0]].column
		return func(out []int32, from int) {
			column.ReadCodes(out, from)
			some := make([]float64, len(out))
			days.Read(some, from)
			for i, x := range some {
				if out[i] < 0 || x != x {
					out[i] = noLevel
				} else {
					out[i] = k.codes[dateIndex(k.Part, x)]
				}
			}
		}
	}
	a, b := tr.levels(k.of[0]), tr.levels(k.of[1])
	return func(out []int32, from int) {
		a(out, from)
		second := make([]int32, len(out))
		b(second, from)
		for i := range out {
			out[i] = k.pair(out[i], second[i])
		}
	}
}

// computer of a computed column.
func (r *Reader) computer(column int) *computer {
	i := slices.IndexFunc(r.computers, func(k computer) bool { return k.to == column })
	return &r.computers[i]
}

// check says what is wrong with how a column is computed; before are the columns in front of it.
func (k *Computed) check(c *Column, before []Column) error {
	var of []*Column
	for _, name := range k.Of {
		i := slices.IndexFunc(before, func(b Column) bool { return b.Name == name })
		if i < 0 {
			return fmt.Errorf("it is computed from column %q, which does not stand before it", name)
		}
		if of = append(of, &before[i]); before[i].Computed != nil && before[i].Computed.Kind != KindDate {
			return fmt.Errorf("it is computed from column %q, which is computed itself and no part of a date", name)
		}
	}
	if k.Kind != KindProduct && (k.Level != "" || k.Pairs != nil) || k.Level != "" && (k.Pairs != nil || c.HasLevels()) || k.Pairs != nil && !c.HasLevels() {
		return fmt.Errorf("a %s of type %s has no level %q and no %d pairs", k.Kind, c.Type, k.Level, len(k.Pairs))
	}
	wants := func(n int, numeric bool) error {
		if len(of) != n {
			return fmt.Errorf("a %s is of %d columns, not of %d", k.Kind, n, len(of))
		}
		if numeric && slices.ContainsFunc(of, func(c *Column) bool { return c.Type != Numeric }) {
			return fmt.Errorf("a %s is of numbers", k.Kind)
		}
		if numeric && c.Type != Numeric {
			return fmt.Errorf("a %s is a number, not of type %s", k.Kind, c.Type)
		}
		return nil
	}
	switch k.Kind {
	case KindPower:
		if k.Power < 2 || k.Power > mostPower {
			return fmt.Errorf("the power %d is not one of 2 to %d", k.Power, mostPower)
		}
		return wants(1, true)
	case KindLog:
		return wants(1, true)
	case KindSpline:
		if n := len(k.Knots); n < 3 || n > mostSpline+1 || k.Function < 1 || k.Function > n-1 {
			return fmt.Errorf("a spline has 3 to %d knots, and as many basis functions less one; this is function %d of %d knots", mostSpline+1, k.Function, n)
		}
		for i, v := range k.Knots {
			if i > 0 && !(k.Knots[i-1] < v) {
				return fmt.Errorf("the knots of the spline do not ascend")
			}
		}
		s := newSpline(k.Knots)
		for _, x := range k.Knots {
			if v := s.at(k.Function-1, x); v-v != 0 {
				return fmt.Errorf("the knots of the spline are too close or too far for float64")
			}
		}
		return wants(1, true)
	case KindDate:
		if len(of) != 1 || of[0].Type != DateType {
			return fmt.Errorf("a part of a date is of one column of dates")
		}
		switch {
		case !slices.Contains(dateParts, k.Part):
			return fmt.Errorf("part %q is not one of %s", k.Part, list(dateParts, 4))
		case (k.Part == PartYear || k.Part == PartDays) != (c.Type == Numeric):
			return fmt.Errorf("the %s of a date is not of type %s", k.Part, c.Type)
		}
		for _, l := range c.Levels {
			if k.Part == PartMonth && !slices.Contains(monthLevels, l) || k.Part == PartDow && !slices.Contains(dowLevels, l) {
				return fmt.Errorf("level %q is no %s", l, partWord(k.Part))
			}
		}
		return nil
	case KindProduct:
		switch {
		case c.HasLevels():
			if err := wants(2, false); err != nil {
				return err
			}
			if !of[0].HasLevels() || !of[1].HasLevels() || len(k.Pairs) != len(c.Levels) {
				return fmt.Errorf("a product with levels is of two columns of levels, with a pair for each of its own")
			}
			for _, p := range k.Pairs {
				if !slices.Contains(of[0].Levels, p[0]) || !slices.Contains(of[1].Levels, p[1]) {
					return fmt.Errorf("the pair %q, %q is not of levels of its columns", p[0], p[1])
				}
			}
			return nil
		case k.Level != "":
			if err := wants(2, false); err != nil {
				return err
			}
			if of[0].Type != Numeric || !of[1].HasLevels() || !slices.Contains(of[1].Levels, k.Level) {
				return fmt.Errorf("a number times a level is of a numeric column and one with the level %q", k.Level)
			}
			return nil
		}
		return wants(2, true)
	}
	return fmt.Errorf("kind %q is not one of power, product, spline, log, date", k.Kind)
}

// pairName is what two levels are called together.
func pairName(a, b string) string {
	quote := func(level string) string {
		if strings.Contains(level, "*") {
			return fmt.Sprintf("%q", level)
		}
		return level
	}
	return quote(a) + "*" + quote(b)
}

// termErrors are the errors of the rows for which a column cannot be computed, each at its place.
func termErrors(tr *TableReader, rows []int) error {
	cells := make([]Cell, len(tr.reader.encoding.Columns))
	e := &dataset.Errors{}
	for _, row := range rows {
		err := tr.Row(row, cells)
		if err == nil {
			continue
		}
		e.Total++
		if one, ok := err.(*dataset.Error); ok && len(e.List) < 10 {
			e.List = append(e.List, one)
		}
	}
	if e.Total == 0 {
		return nil
	}
	return e
}
