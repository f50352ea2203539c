package encode

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/descent-ml/descent/dataset"
)

// date is what is taken of a column, nil if it is no column of dates.
func (o *Options) date(column string) *Date {
	for i := range o.Dates {
		if o.Dates[i].Column == column {
			return &o.Dates[i]
		}
	}
	return nil
}

// partName is what a part of a date is called.
func partName(column, part string) string { return column + ":" + part }

// isMonthOrDow says whether a name is that of a date's month or day of the week.
func (o *Options) isMonthOrDow(name string) bool {
	return slices.ContainsFunc(o.Dates, func(d Date) bool {
		return slices.ContainsFunc(d.Parts, func(part string) bool {
			return name == partName(d.Column, part) && (part == PartMonth || part == PartDow)
		})
	})
}

// full says whether every level has a weight.
func (o *Options) full() bool {
	return o.Coding == CodingFull || (o.Coding == "" || o.Coding == CodingAuto) && o.Penalised
}

// Sources are the columns that must be read for the terms and the dates of the options.
func (o *Options) Sources() []string {
	var out []string
	part := map[string]bool{}
	for _, d := range o.Dates {
		out = append(out, d.Column)
		for _, p := range d.Parts {
			part[partName(d.Column, p)] = true
		}
	}
	formulas, _ := ParseTerms(o.Terms) // Check has said what is wrong
	for _, f := range formulas {
		for _, name := range f.Of {
			if !part[name] && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// inTerms says whether a column is there for terms alone: one that is left out otherwise, or one whose straight line is in its spline.
func (l *Learnt) inTerms(name string, o Options) bool {
	return slices.Contains(o.Only, name) || slices.Contains(l.Replaced, name)
}

// names looks at the terms and dates before anything is learnt: their columns must be inputs.
func (l *Learnt) names(t *dataset.Table, target string, o Options) error {
	if o.Terms == "" && o.Dates == nil {
		return nil
	}
	if l.Encoding.Sparse {
		what := "terms"
		if o.Terms == "" {
			what = "date"
		}
		return t.At(-1, nil, "--%s is for files with named columns; a LIBSVM file has features by number, most of them 0", what)
	}
	var err error
	if o.Terms != "" {
		if l.formulas, err = ParseTerms(o.Terms); err != nil {
			return err
		}
	}
	computed := map[string]bool{}
	add := func(name string) error {
		if c, there := t.Column(name); there || computed[name] {
			return t.At(-1, c, "--terms and --date make a column of this name, too")
		}
		computed[name] = true
		return nil
	}
	usable := func(name, what string) error {
		role := ""
		switch {
		case name == target:
			role = "the target"
		case name == o.Weight:
			role = "the weight"
		case name == o.Offset:
			role = "the offset"
		case slices.Contains(o.Aside, name) && !slices.Contains(o.Only, name):
			role = "what the rows count"
		}
		c, ok := t.Column(name)
		if !ok && role == "" {
			e := t.NoColumn(name)
			e.Message = fmt.Sprintf("%s: %s", what, e.Message)
			return e
		}
		if role != "" {
			return t.At(-1, c, "%s: column %q is %s and no input", what, name, role)
		}
		return nil
	}
	for _, d := range o.Dates {
		if err := usable(d.Column, "date"); err != nil {
			return err
		}
		for _, p := range d.Parts {
			if err := add(partName(d.Column, p)); err != nil {
				return err
			}
		}
	}
	for _, f := range l.formulas {
		for _, name := range f.Of {
			if computed[name] {
				continue // a part of a date
			}
			if err := usable(name, "term "+f.String()); err != nil {
				return err
			}
			if c, _ := t.Column(name); o.date(name) != nil {
				return t.At(-1, c, "term %s: the column holds dates; a term is of a part of them, as in `%s:days`^2", f, name)
			}
		}
		if f.Kind == KindSpline {
			l.Replaced = append(l.Replaced, f.Of[0])
		}
	}
	for _, f := range l.formulas {
		if err := add(f.String()); err != nil {
			return err
		}
	}
	return nil
}

// dates learns a column of dates: their form, and the mean of their days.
func (l *Learnt) dates(t *dataset.Table, c *dataset.Column, out *Column, d *Date) (gaps bool, err error) {
	first := make([]int, len(c.Levels)) // training row
	weight := make([]float64, len(c.Levels))
	for code := range first {
		first[code] = -1
	}
	var codes [blockRows]int32
	for from := 0; from < len(l.Rows); from += blockRows {
		rows := l.Rows[from:min(from+blockRows, len(l.Rows))]
		readRows(codes[:len(rows)], rows, c.ReadCodes)
		for k, code := range codes[:len(rows)] {
			if code < 0 {
				gaps = true
				continue
			}
			if first[code] < 0 {
				first[code] = rows[k]
			}
			weight[code] += l.weight(rows[k])
		}
	}
	if !slices.ContainsFunc(first, func(row int) bool { return row >= 0 }) {
		return gaps, t.At(-1, c, "the column has no value in the training rows; without --date %s and with --exclude %[1]s it is left out", c.Name)
	}
	if out.Order, err = dateOrder(t, c, d.Order, first); err != nil {
		return gaps, err
	}
	out.Min, out.Max = math.Inf(1), math.Inf(-1)
	var sum, square, total float64
	days := make([]float64, len(c.Levels))
	for code, text := range c.Levels {
		if first[code] >= 0 {
			v, _ := parseDate(out.Order, text)
			days[code], out.Min, out.Max = v, math.Min(out.Min, v), math.Max(out.Max, v)
			sum += float64(weight[code] * v)
			total += weight[code]
		}
	}
	out.Mean = sum / total
	for code, v := range days {
		e := v - out.Mean
		square += float64(weight[code] * float64(e*e))
	}
	if out.Deviation = math.Sqrt(square / total); out.Min == out.Max {
		out.Mean, out.Deviation = out.Min, 0
	}
	return gaps, nil
}

// compute learns the parts of dates and then the terms, which may be of such parts.
func (l *Learnt) compute(t *dataset.Table, o Options) error {
	var parts []Column
	for _, d := range o.Dates {
		for _, p := range d.Parts {
			c := Column{Name: partName(d.Column, p), Type: Numeric, Computed: &Computed{Kind: KindDate, Of: []string{d.Column}, Part: p}}
			if p == PartMonth {
				c.Type, c.Levels = Levels, monthLevels
			} else if p == PartDow {
				c.Type, c.Levels = Levels, dowLevels
			}
			if c.Type == Levels && o.Unseen == UnseenBaseline {
				c.Unseen = UnseenBaseline
			}
			parts = append(parts, c)
		}
	}
	if err := l.derive(t, parts, o); err != nil {
		return err
	}
	var terms []Column
	for _, f := range l.formulas {
		all, err := l.term(t, f)
		if err != nil {
			return err
		}
		terms = append(terms, all...)
	}
	if err := l.derive(t, terms, o); err != nil {
		return err
	}
	l.Replaced = slices.DeleteFunc(l.Replaced, func(name string) bool { return slices.Contains(o.Only, name) }) // no inputs without the spline
	return nil
}

// term is the columns of a formula, but for what the training rows say of them.
func (l *Learnt) term(t *dataset.Table, f Formula) ([]Column, error) {
	name := f.String()
	of := make([]*Column, len(f.Of))
	for i, n := range f.Of {
		of[i], _ = l.Encoding.Column(n)
	}
	plain := Column{Name: name, Type: Numeric, Computed: &Computed{Kind: f.Kind, Of: f.Of}}
	numbers := func(c *Column) error {
		if c.Type == Numeric {
			return nil
		}
		if !c.Read() {
			return fmt.Errorf("terms: %s: %s is levels, and a %s is of numbers", name, c.Name, f.Kind)
		}
		col, _ := t.Column(c.Name)
		what := map[string]string{KindPower: "a power", KindLog: "a logarithm", KindSpline: "a spline"}[f.Kind]
		return t.At(-1, col, "term %s: the column holds levels (%s), and %s is of numbers", name, list(c.Levels, 3), what)
	}
	if f.Kind != KindProduct {
		if err := numbers(of[0]); err != nil {
			return nil, err
		}
	}
	switch {
	case f.Kind == KindPower:
		plain.Computed.Power = f.Degree
	case f.Kind == KindSpline:
		knots, err := l.knots(t, f)
		if err != nil {
			return nil, err
		}
		out := make([]Column, f.Degree)
		for j := range out {
			out[j] = Column{Name: fmt.Sprintf("%s[%d]", name, j+1), Type: Numeric, Computed: &Computed{Kind: f.Kind, Term: name, Of: f.Of, Knots: knots, Function: j + 1}}
		}
		return out, nil
	case f.Kind == KindProduct && of[0].HasLevels() && of[1].HasLevels():
		plain.Type = Levels
		for _, a := range of[0].Levels {
			for _, b := range of[1].Levels {
				if (a != of[0].Base || of[0].Base == "") && (b != of[1].Base || of[1].Base == "") {
					plain.Levels = append(plain.Levels, pairName(a, b))
					plain.Computed.Pairs = append(plain.Computed.Pairs, [2]string{a, b})
				}
			}
		}
	case f.Kind == KindProduct && (of[0].HasLevels() || of[1].HasLevels()):
		number, levels := f.Of[0], of[1]
		if of[0].HasLevels() {
			number, levels = f.Of[1], of[0]
		}
		var out []Column
		for _, level := range levels.Levels {
			if level != levels.Base || levels.Base == "" {
				out = append(out, Column{Name: name + "=" + level, Type: Numeric,
					Computed: &Computed{Kind: f.Kind, Term: name, Of: []string{number, levels.Name}, Level: level}})
			}
		}
		return out, nil
	}
	return []Column{plain}, nil
}

// knots of a spline are quantiles of the training rows.
func (l *Learnt) knots(t *dataset.Table, f Formula) ([]float64, error) {
	i := slices.IndexFunc(l.Encoding.Columns, func(c Column) bool { return c.Name == f.Of[0] })
	tr, err := l.Encoding.NewReader().NewTableReader(t)
	if err != nil {
		return nil, err
	}
	of := tr.numbers(i)
	if c := tr.columns[i].column; c != nil {
		of = c.Numbers // without what stands for a missing one
	}
	type weighted struct{ x, s float64 }
	all := make([]weighted, 0, len(l.Rows))
	numbers{of: of, rows: l.Rows}.blocks(0, len(l.Rows), func(at int, values []float64) {
		for k, x := range values {
			if x == x {
				all = append(all, weighted{x, l.weight(l.Rows[at+k])})
			}
		}
	})
	slices.SortFunc(all, func(a, b weighted) int { return cmp.Compare(a.x, b.x) })
	sorted := make([]float64, len(all))
	var weights []float64
	distinct := 0
	for k, v := range all {
		if sorted[k] = v.x; k == 0 || v.x != sorted[k-1] {
			distinct++
		}
	}
	if l.Weights != nil {
		weights = make([]float64, len(all))
		for k, v := range all {
			weights[k] = v.s
		}
	}
	knots, ok := splineKnots(sorted, weights, f.Degree)
	if ok {
		return knots, nil
	}
	col := tr.fileColumn(i)
	few := 0
	for d := f.Degree - 1; d >= 2 && few == 0; d-- {
		if _, ok := splineKnots(sorted, weights, d); ok {
			few = d
		}
	}
	cure := fmt.Sprintf("a power, as in %s^2, needs none", quoteName(f.Of[0]))
	if few > 0 {
		cure = fmt.Sprintf("spline(%s,%d) can be had", quoteName(f.Of[0]), few)
	}
	e := t.At(-1, col, "term %s: its knots, the smallest and the largest number and quantiles in between, are not all different (%s): the column has too few distinct values (%d)",
		f, someNumbers(knots), distinct)
	e.Cure = cure
	return nil, e
}

func someNumbers(v []float64) string {
	text := make([]string, len(v))
	for i, x := range v {
		text[i] = fmt.Sprint(x)
	}
	return list(text, 8)
}

// derive adds computed columns, with their moments or the levels that occur.
func (l *Learnt) derive(t *dataset.Table, columns []Column, o Options) error {
	if len(columns) == 0 {
		return nil
	}
	e := *l.Encoding
	e.Columns = slices.Concat(e.Columns, columns)
	first := len(l.Encoding.Columns)
	tr, err := e.NewReader().NewTableReader(t)
	if err != nil {
		return err
	}
	var numeric, squares []*moments
	for i := first; i < len(e.Columns); i++ {
		if c := &e.Columns[i]; c.Type == Numeric {
			numeric = append(numeric, l.newMoments(tr.present(i), c))
		} else if err := l.occurring(t, tr, i, o); err != nil {
			return err
		}
	}
	runMoments(numeric, len(l.Rows), (*moments).sums)
	of := func(m *moments) *dataset.Column {
		return tr.fileColumn(slices.IndexFunc(e.Columns, func(c Column) bool { return c.Name == m.out.Name }))
	}
	for _, m := range numeric {
		if m.out.Computed.Kind != KindDate && slices.ContainsFunc(m.parts, func(p moment) bool { return p.gaps }) {
			if err := termErrors(tr, l.Rows); err != nil {
				return err
			}
		}
		if err := m.endSums(t, of(m)); err != nil {
			return m.named(err)
		}
		if m.needsSquares {
			squares = append(squares, m)
		}
	}
	runMoments(squares, len(l.Rows), (*moments).squares)
	for _, m := range squares {
		if err := m.endSquares(t, of(m)); err != nil {
			return m.named(err)
		}
	}
	for i := first; i < len(e.Columns); i++ {
		l.append(e.Columns[i], false, !l.inTerms(e.Columns[i].Name, o))
	}
	return nil
}

// named says in an error of a column of the file that it is about what is computed from it.
func (m *moments) named(err error) error {
	if e, ok := err.(*dataset.Error); ok {
		e.Message = fmt.Sprintf("term %s: %s", m.out.Term(), e.Message)
	}
	return err
}

// present is numbers, with NaN for the parts of a missing date, whose mean is being learnt.
func (tr *TableReader) present(i int) source {
	all := tr.numbers(i)
	c := &tr.reader.encoding.Columns[i]
	if c.Computed.Kind != KindDate {
		return all
	}
	column := tr.fileColumn(i)
	return computedNumbers(func(out []float64, from int) {
		all.Read(out, from)
		codes := make([]int32, len(out))
		column.ReadCodes(codes, from)
		for k, code := range codes {
			if code < 0 {
				out[k] = math.NaN()
			}
		}
	})
}

// occurring leaves those levels of a computed column that occur in the training rows, and chooses the base of a part of a date.
func (l *Learnt) occurring(t *dataset.Table, tr *TableReader, i int, o Options) error {
	c := &tr.reader.encoding.Columns[i]
	read := tr.levels(i)
	seen := make([]bool, len(c.Levels))
	var codes [blockRows]int32
	for from := 0; from < len(l.Rows); from += blockRows {
		rows := l.Rows[from:min(from+blockRows, len(l.Rows))]
		readRows(codes[:len(rows)], rows, read)
		for _, code := range codes[:len(rows)] {
			if code >= 0 {
				seen[code] = true
			}
		}
	}
	var levels []string
	var pairs [][2]string
	for code, ok := range seen {
		if ok {
			levels = append(levels, c.Levels[code])
			if c.Computed.Pairs != nil {
				pairs = append(pairs, c.Computed.Pairs[code])
			}
		}
	}
	most := o.MaxLevels
	if most == 0 {
		most = DefaultMaxLevels
	}
	if len(levels) > most {
		return t.At(-1, tr.fileColumn(i), "term %s: it has %d pairs of levels, more than %d; --min-level-count K joins rare levels, --max-levels N allows them", c.Name, len(levels), most)
	}
	c.Levels = levels
	if c.Computed.Pairs != nil {
		k := *c.Computed
		k.Pairs, c.Computed = pairs, &k
		if len(levels) == 0 {
			return t.At(-1, tr.fileColumn(i), "term %s: no pair of levels occurs that is not one with a level without a weight", c.Name)
		}
		return nil
	}
	base, asked := o.Base[c.Name]
	switch {
	case asked && !slices.Contains(levels, base):
		return t.At(-1, tr.fileColumn(i), "the base level %q of %s does not occur in the training rows; its levels are %s%s", base, c.Name, list(levels, 12), didYouMean(base, levels))
	case asked:
		c.Base = base
	case !o.full():
		c.Base = levels[0]
	}
	return nil
}
