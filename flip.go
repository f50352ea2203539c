package descent

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
)

// FlipOptions say what may change. The zero value lets every column change, and looks for the other one of two classes, or the second most probable of more.
type FlipOptions struct {
	Freeze, Only []string // columns that stay as they are; columns of which alone any may change, all if there are none
	To           string   // the level that the label is to become
}

// Flip is the smallest change of a row that gives it another label: of one column alone, for every column that can, and of all numeric columns together. Every
// proposal was predicted with, and has the label To.
type Flip struct {
	From      string   `json:"from"`
	To        string   `json:"to"`
	Threshold *float64 `json:"threshold,omitempty"`  // of two classes: of the probability
	Boundary  *float64 `json:"boundary,omitempty"`   // of two classes: the z from which on the label is To, coming from the z of the row
	Single    []Single `json:"single"`               // numeric columns by their distance, then levels; those outside of the training range last
	More      int      `json:"more,omitempty"`       // further columns that can, beyond the first hundred
	Joint     *Joint   `json:"joint"`                // nil: there is none, and JointNote says why
	JointNote string   `json:"joint_note,omitempty"` // with a Joint: which columns it leaves as they are, since z is not linear in them
}

// Changed is a column with another value.
type Changed struct {
	Column string `json:"column"`
	From   any    `json:"from"` // number, level, or nil for a missing value and for a level that the model does not know
	To     any    `json:"to"`
	// Deviations is the change over the column's standard deviation in training; nil for levels.
	Deviations *float64 `json:"standard_deviations"`
	Outside    bool     `json:"outside_training_range,omitempty"` // no training row had such a number
	Also       []string `json:"also,omitempty"`                   // other levels that flip, too, with more effect on z
	StandsFor  []string `json:"stands_for,omitempty"`             // where To is what rare levels are put together as: these
}

// Single is a change of one column.
type Single struct {
	Changed
	Outcome
	Searched bool `json:"searched,omitempty"` // z is not linear in the column: the nearest of a grid of numbers over the training range
}

// Joint is a change of several columns: the one whose standardised length √Σ (Δx_j/sd_j)² is the least that flips, Δ = (t - z)·w/‖w‖² in these units, but for rounding to
// the columns' decimals and, where it would leave the training range, the ends of that.
type Joint struct {
	Changes []Changed `json:"changes"`
	Length  float64   `json:"length"`
	Outside bool      `json:"outside_training_range,omitempty"`
	Outcome
}

// Outcome is what the model says of a changed row.
type Outcome struct {
	Label       string  `json:"label"`
	Probability float64 `json:"probability"` // as in [Prediction]
	Z           float64 `json:"z"`
}

// mostSingles is the number of columns that are proposed.
const mostSingles = 100

// Flip looks for the smallest changes of a row that give it another label. The row is as for [Model.Predict].
func (m *Model) Flip(row any, o FlipOptions) (*Flip, error) {
	cells := make([]encode.Cell, len(m.file.Columns))
	offset, err := m.cells(row, cells)
	if err != nil {
		return nil, err
	}
	return m.flip(cells, offset, o)
}

// Flip is [Model.Flip] of the row read last.
func (rr *RowReader) Flip(o FlipOptions) (*Flip, error) {
	return rr.model.flip(rr.row.cells, rr.row.Offset, o)
}

// flipper looks for changes of one row.
type flipper struct {
	m      *Model
	cells  []encode.Cell // scratch: the row, but for what is tried
	row    []encode.Cell
	offset float64
	now    Prediction
	to     string
	may    []bool          // by column
	inTerm map[string]bool // columns that others are computed from

	// What makes the label To, where that is known in z: every margin is over 0. Of two classes there is one, sign·(z - boundary); of more
	// z[to] - z[k] for every other class k.
	known    bool
	sign     float64
	boundary float64
	target   int
}

func (m *Model) flip(cells []encode.Cell, offset float64, o FlipOptions) (*Flip, error) {
	f := &flipper{m: m, row: cells, cells: slices.Clone(cells), offset: offset}
	var err error
	if f.now, err = m.decide(cells, offset); err != nil {
		return nil, err
	}
	if f.may, err = m.changeable(o); err != nil {
		return nil, err
	}
	if f.to, err = m.flipTo(f.now, o.To); err != nil {
		return nil, err
	}
	f.inTerm = map[string]bool{}
	for i := range m.file.Columns {
		for _, name := range m.file.Columns[i].Of() {
			f.inTerm[name] = true
		}
	}
	f.target = slices.Index(m.file.Classes.Levels, f.to)
	out := &Flip{From: f.now.Label, To: f.to, Single: []Single{}}
	f.margins()
	if len(m.file.Classes.Levels) == 2 {
		t := m.file.Threshold
		out.Threshold = &t
		if f.known {
			out.Boundary = number(f.boundary)
			if logit := math.Log(t / (1 - t)); near(f.boundary, logit, 0x1p-50) { // the same but for the rounding of sigmoid
				out.Boundary = number(logit)
			}
		}
	}
	var crossings []crossing
	for i := range m.file.Columns {
		if !f.may[i] || !m.file.Columns[i].Read() || m.file.Columns[i].Type == encode.DateType {
			continue // what is computed changes with what it is computed from
		}
		var s *Single
		switch {
		case m.file.Columns[i].Type != encode.Numeric:
			s = f.level(i)
		case f.linear(i) && !f.row[i].Missing:
			if c, ok := f.crossing(i, f.now); ok {
				crossings = append(crossings, c)
			}
		default:
			s = f.number(i)
		}
		if s != nil {
			out.Single = append(out.Single, *s)
		}
	}
	// Of very many columns only the nearest are tried.
	slices.SortStableFunc(crossings, func(a, b crossing) int {
		return cmp.Or(cmp.Compare(a.outside, b.outside), cmp.Compare(a.distance, b.distance))
	})
	for k, c := range crossings {
		if k == 2*mostSingles {
			out.More = len(crossings) - k
			break
		}
		if s := f.crossed(c); s != nil {
			out.Single = append(out.Single, *s)
		}
	}
	slices.SortStableFunc(out.Single, func(a, b Single) int {
		rank := func(s *Single) (int, float64) {
			switch {
			case s.Outside:
				return 2, math.Abs(value(s.Deviations))
			case s.Deviations == nil:
				return 1, math.Abs(s.Z - f.now.Z)
			}
			return 0, math.Abs(*s.Deviations)
		}
		ra, da := rank(&a)
		rb, db := rank(&b)
		return cmp.Or(cmp.Compare(ra, rb), cmp.Compare(da, db))
	})
	if more := len(out.Single) - mostSingles; more > 0 {
		out.Single, out.More = out.Single[:mostSingles], out.More+more
	}
	out.Joint, out.JointNote = f.joint()
	return out, nil
}

// changeable says which columns may change.
func (m *Model) changeable(o FlipOptions) ([]bool, error) {
	may := make([]bool, len(m.file.Columns))
	names := make([]string, len(may))
	for i := range may {
		may[i], names[i] = len(o.Only) == 0, m.file.Columns[i].Name
	}
	for _, list := range []struct {
		names []string
		may   bool
	}{{o.Only, true}, {o.Freeze, false}} {
		for _, name := range list.names {
			i := slices.Index(names, name)
			if i < 0 && name == m.file.Offset && !list.may {
				continue // it never changes
			}
			if i < 0 {
				hint := ""
				if near, ok := dataset.Closest(name, names); ok {
					hint = fmt.Sprintf("; did you mean %q?", near)
				}
				return nil, fmt.Errorf("the model reads no column %q%s", name, hint)
			}
			may[i] = list.may
		}
	}
	return may, nil
}

// flipTo is the level to which the label is to change.
func (m *Model) flipTo(now Prediction, to string) (string, error) {
	levels := m.file.Classes.Levels
	if to != "" {
		k, ok := m.file.Classes.Index(to)
		switch {
		case !ok:
			return "", fmt.Errorf("the model has no class %q; its classes are %s", to, someNames(levels))
		case levels[k] == now.Label:
			return "", fmt.Errorf("the label is %q already", levels[k])
		}
		return levels[k], nil
	}
	best := -1
	for k, level := range levels {
		if level != now.Label && (best < 0 || len(now.Scores) > 0 && now.Scores[k] > now.Scores[best]) {
			best = k
		}
	}
	return levels[best], nil
}

// margins finds out what makes the label To in terms of z.
func (f *flipper) margins() {
	m := f.m
	if m.layers != nil {
		return
	}
	if len(m.file.Intercepts) > 1 {
		f.known = m.link.a == nil
		return
	}
	flips := func(z float64) bool {
		p, err := m.predict(z)
		return err == nil && p.Label == f.to
	}
	// The nearest z on the other side: outwards in steps that double, then by halves to the last bit.
	z := f.now.Z
	for step := 0x1p-20; step <= 0x1p11; step *= 2 {
		for _, sign := range []float64{1, -1} {
			far := z + sign*step
			if !flips(far) {
				continue
			}
			near := z
			for {
				mid := near + (far-near)/2
				if mid == near || mid == far {
					break
				}
				if flips(mid) {
					far = mid
				} else {
					near = mid
				}
			}
			f.known, f.sign, f.boundary = true, sign, far
			return
		}
	}
}

// margin are the margins of what was predicted, all over 0 where the label is To.
func (f *flipper) margin(p Prediction) []float64 {
	if f.sign != 0 {
		return []float64{f.sign * (p.Z - f.boundary)}
	}
	out := make([]float64, 0, len(p.Scores)-1)
	for k, z := range p.Scores {
		if k != f.target {
			out = append(out, p.Scores[f.target]-z)
		}
	}
	return out
}

// slopes are the derivatives of the margins in a numeric column in which they are linear.
func (f *flipper) slopes(column int) []float64 {
	classes := f.m.scorer.classes
	if f.sign != 0 {
		return []float64{f.sign * classes[0].columns[column].number}
	}
	out := make([]float64, 0, len(classes)-1)
	for k := range classes {
		if k != f.target {
			out = append(out, classes[f.target].columns[column].number-classes[k].columns[column].number)
		}
	}
	return out
}

// linear says whether the margins are known and linear in a numeric column: none is computed from it.
func (f *flipper) linear(column int) bool { return f.known && !f.inTerm[f.m.file.Columns[column].Name] }

// try predicts with a number in a column; ok says whether the label is To.
func (f *flipper) try(column int, v float64) (p Prediction, ok bool) {
	c, err := f.m.reader.Number(column, v)
	if err != nil || c.Missing {
		return p, false
	}
	return f.with(column, c)
}

// with predicts with a cell in a column, and puts back what was there.
func (f *flipper) with(column int, c encode.Cell) (Prediction, bool) {
	old := f.cells[column]
	f.cells[column] = c
	p, err := f.m.tryCells(f.cells, f.offset)
	f.cells[column] = old
	return p, err == nil && p.Label == f.to
}

func outcome(p Prediction) Outcome { return Outcome{p.Label, p.Probability, p.Z} }

// from is the value of a column in the row.
func (f *flipper) from(column int) any {
	c, cell := &f.m.file.Columns[column], f.row[column]
	switch {
	case c.Type == encode.Numeric && !cell.Missing:
		return cell.Number
	case c.Type != encode.Numeric && cell.Level >= 0 && (c.MissingAs == "" || c.Levels[cell.Level] != c.MissingAs):
		return c.Levels[cell.Level]
	}
	return nil
}

// changed is a number in a column.
func (f *flipper) changed(column int, v float64) Changed {
	c := &f.m.file.Columns[column]
	out := Changed{Column: c.Name, From: f.from(column), To: v, Outside: v < c.Min || v > c.Max}
	if c.Deviation > 0 {
		out.Deviations = number((v - f.row[column].Number) / c.Deviation)
	}
	return out
}

// number is the change of a numeric column alone; nil if there is none. Where z is linear in it the number is where a margin ends, x + (boundary - z)/w,
// rounded away from x.
func (f *flipper) number(i int) *Single {
	x := f.row[i].Number
	// A missing value, for which the mean stands, becomes a number.
	base, ok := f.try(i, x)
	if f.row[i].Missing && ok {
		if v, p, ok := f.snap(i, x, 0); ok {
			return &Single{Changed: f.changed(i, v), Outcome: outcome(p)}
		}
	}
	if !f.linear(i) {
		return f.search(i)
	}
	if c, ok := f.crossing(i, base); ok {
		return f.crossed(c)
	}
	return nil
}

// crossing is a number at which the margins end.
type crossing struct {
	column        int
	at, direction float64
	distance      float64 // in standard deviations
	outside       int     // 1 where it is beyond the training range
}

// crossing is where z is linear in a column, and base was predicted with the number in it.
func (f *flipper) crossing(i int, base Prediction) (crossing, bool) {
	x := f.row[i].Number
	low, high := math.Inf(-1), math.Inf(1)
	slopes := f.slopes(i)
	for k, v := range f.margin(base) {
		switch g := slopes[k]; {
		case g > 0:
			low = math.Max(low, x-v/g)
		case g < 0:
			high = math.Min(high, x-v/g)
		case v <= 0:
			return crossing{}, false
		}
	}
	c := crossing{column: i}
	switch {
	case low >= x && low < high:
		c.at, c.direction = low, 1
	case high <= x && low < high:
		c.at, c.direction = high, -1
	default:
		return c, false
	}
	column := &f.m.file.Columns[i]
	if c.distance = math.Abs(c.at - x); column.Deviation > 0 {
		c.distance /= column.Deviation
	}
	if c.at < column.Min || c.at > column.Max {
		c.outside = 1
	}
	return c, true
}

// crossed is the change to a crossing; nil if the column's numbers leave none that flips.
func (f *flipper) crossed(c crossing) *Single {
	if v, p, ok := f.snap(c.column, c.at, c.direction); ok {
		return &Single{Changed: f.changed(c.column, v), Outcome: outcome(p)}
	}
	return nil
}

// digits is the number of decimals of a column, and whether they are those of all its numbers in training. Other columns get a thousandth of a millionth of their
// deviation.
func digits(c *encode.Column) (d int, exact bool) {
	if c.Decimals != nil {
		return *c.Decimals, true
	}
	if !(c.Deviation > 0) {
		return 9, false
	}
	return min(max(9-int(math.Floor(math.Log10(c.Deviation))), 0), 300), false
}

// decimal is k·10^-d, rounded once.
func decimal(k float64, d int) float64 {
	v, err := strconv.ParseFloat(strconv.FormatFloat(k, 'f', 0, 64)+"e-"+strconv.Itoa(d), 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// snap is the first number of the column's decimals at v or beyond it, in a direction (0: the nearest), that flips. Where the decimals leave none, as between two of more
// classes, further ones are tried, but of a column of integers.
func (f *flipper) snap(i int, v, direction float64) (float64, Prediction, bool) {
	d, exact := digits(&f.m.file.Columns[i])
	for more := 0; more <= 6; more++ {
		k := v * math.Pow10(d+more)
		if !(math.Abs(k) < 0x1p53) {
			break
		}
		first := math.Floor(k)
		switch {
		case direction < 0:
			first = math.Ceil(k)
		case direction == 0:
			first = math.Round(k)
		}
		for step := range 3 {
			u := decimal(first+float64(step)*direction, d+more)
			if p, ok := f.try(i, u); ok && (u != f.row[i].Number || f.row[i].Missing) {
				return u, p, true
			}
		}
		if exact && d == 0 {
			return 0, Prediction{}, false
		}
	}
	for range 64 { // a number beyond such decimals
		if p, ok := f.try(i, v); ok {
			return v, p, true
		}
		v = math.Nextafter(v, math.Copysign(math.Inf(1), direction))
	}
	return 0, Prediction{}, false
}

// searched is the number of points of a grid.
const searched = 512

// search tries numbers over the training range, the nearest first, and then between the first that flips and its neighbour.
func (f *flipper) search(i int) *Single {
	c, x := &f.m.file.Columns[i], f.row[i].Number
	low, high := math.Min(c.Min, x), math.Max(c.Max, x)
	d, exact := digits(c)
	step := (high - low) / searched
	if whole := high - low; exact && d == 0 && whole <= 4*searched {
		step = 1
	}
	if !(step > 0) || math.IsInf(step, 0) {
		return nil
	}
	for n := 1.0; n <= 4*searched && (x+n*step <= high || x-n*step >= low); n++ {
		for _, direction := range []float64{1, -1} {
			far, near := x+direction*n*step, x+direction*(n-1)*step
			if far < low || far > high {
				continue
			}
			if _, ok := f.try(i, far); !ok {
				continue
			}
			for range 60 {
				mid := near + (far-near)/2
				if _, ok := f.try(i, mid); ok {
					far = mid
				} else {
					near = mid
				}
			}
			if v, p, ok := f.snap(i, far, direction); ok {
				return &Single{Changed: f.changed(i, v), Outcome: outcome(p), Searched: true}
			}
		}
	}
	return nil
}

// level is the change of a column of levels: of those that flip the one with the least effect on z.
func (f *flipper) level(i int) *Single {
	c := &f.m.file.Columns[i]
	type found struct {
		level  string
		p      Prediction
		effect float64
	}
	var all []found
	for code, level := range c.Levels {
		if int32(code) == f.row[i].Level || c.MissingAs != "" && level == c.MissingAs {
			continue
		}
		cell, err := f.m.reader.Text(i, []byte(level))
		if err != nil {
			continue
		}
		if p, ok := f.with(i, cell); ok {
			effect := p.Z - f.now.Z
			if len(p.Scores) > 0 {
				from := slices.Index(f.m.file.Classes.Levels, f.now.Label)
				effect = p.Scores[f.target] - p.Scores[from] - (f.now.Scores[f.target] - f.now.Scores[from])
			}
			all = append(all, found{level, p, math.Abs(effect)})
		}
	}
	if all == nil {
		return nil
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(a.effect, b.effect) })
	s := &Single{Changed: Changed{Column: c.Name, From: f.from(i), To: all[0].level}, Outcome: outcome(all[0].p)}
	for _, other := range all[1:] {
		s.Also = append(s.Also, other.level)
	}
	if len(c.Rare) > 0 && all[0].level == encode.OtherLevel {
		s.StandsFor = c.Rare
	}
	return s
}

// joint is the smallest change of all numeric columns together; without one, why there is none.
func (f *flipper) joint() (*Joint, string) {
	switch {
	case f.m.layers != nil:
		return nil, "no joint change: with a hidden layer z is not linear in the columns"
	case !f.known && len(f.m.file.Intercepts) > 1:
		return nil, "no joint change: the label of these equations is not that of the largest z"
	case !f.known:
		return nil, "no joint change: no z has this label"
	}
	j := f.newJoint()
	var curved []string
	for i := range f.m.file.Columns {
		if c := &f.m.file.Columns[i]; f.may[i] && c.Read() && c.Type == encode.Numeric && f.inTerm[c.Name] {
			curved = append(curved, c.Name)
		}
	}
	left := ""
	if curved != nil {
		left = "z is not linear in " + someNames(curved) + ": the joint change leaves them as they are"
	}
	if len(j.columns) == 0 {
		return nil, "no joint change: no numeric column with a weight may change"
	}
	for _, within := range []bool{true, false} {
		if !within {
			for k := range j.columns {
				j.low[k], j.high[k] = math.Inf(-1), math.Inf(1)
			}
		}
		if best := j.rounded(); best != nil {
			return f.jointChange(j, best), left
		}
	}
	return nil, "no joint change: no numbers of these columns flip the label"
}

// jointSearch is the search for a change u of numeric columns, in their standard deviations.
type jointSearch struct {
	f         *flipper
	columns   []int
	scale     []float64   // standard deviations
	slopes    [][]float64 // of the margins in u, by margin
	margin    []float64   // at u = 0
	low, high []float64   // range of u
}

func (f *flipper) newJoint() *jointSearch {
	j := &jointSearch{f: f, margin: f.margin(f.now)}
	j.slopes = make([][]float64, len(j.margin))
	for i := range f.m.file.Columns {
		c := &f.m.file.Columns[i]
		if c.Type != encode.Numeric || !c.Read() || !f.may[i] || f.row[i].Missing || !(c.Deviation > 0) || !f.linear(i) {
			continue
		}
		slopes := f.slopes(i)
		if !slices.ContainsFunc(slopes, func(g float64) bool { return g != 0 }) {
			continue
		}
		for k, g := range slopes {
			j.slopes[k] = append(j.slopes[k], g*c.Deviation)
		}
		x := f.row[i].Number
		j.columns, j.scale = append(j.columns, i), append(j.scale, c.Deviation)
		j.low, j.high = append(j.low, math.Min((c.Min-x)/c.Deviation, 0)), append(j.high, math.Max((c.Max-x)/c.Deviation, 0))
	}
	return j
}

// solve is the shortest u within the ranges at which no margin is below 0; fixed ones keep their value (NaN: not fixed). nil: there is none. It is the dual method of
// Hildreth (1957): u = Σ μ_k·slopes_k cut to the ranges, and one multiplier after the other is set so that its margin is 0, or 0 where it is over that. With one
// margin and no range in the way that is μ = -margin/‖slopes‖².
func (j *jointSearch) solve(fixed []float64) []float64 {
	n, K := len(j.columns), len(j.margin)
	u, mu := make([]float64, n), make([]float64, K)
	sum := make([]float64, n) // Σ μ_k slopes_k
	at := func(k int, extra float64) float64 {
		v := j.margin[k]
		for i, g := range j.slopes[k] {
			x := fixed[i]
			if x != x {
				x = math.Min(math.Max(sum[i]+extra*g, j.low[i]), j.high[i])
			}
			v += g * x
		}
		return v
	}
	for range 500 {
		worst := 0.0
		for k := range K {
			v := at(k, 0)
			if v >= 0 && mu[k] == 0 {
				continue
			}
			var square float64
			for i, g := range j.slopes[k] {
				if fixed[i] != fixed[i] {
					square += g * g
				}
			}
			if square == 0 {
				return nil
			}
			step := math.Max(-v/square, -mu[k])
			if step > 0 && at(k, step) < -1e-12*math.Abs(v) { // ranges are in the way: further, until the margin is 0
				near, far := step, 2*step
				for at(k, far) < 0 {
					if near, far = far, 2*far; far > 1e12*step {
						return nil // all columns that could help are at their ends
					}
				}
				for range 200 {
					mid := near + (far-near)/2
					if mid == near || mid == far {
						break
					}
					if at(k, mid) < 0 {
						near = mid
					} else {
						far = mid
					}
				}
				step = far
			}
			mu[k] += step
			worst = math.Max(worst, math.Abs(step)*math.Sqrt(square))
			for i, g := range j.slopes[k] {
				sum[i] += step * g
			}
		}
		if worst <= 1e-12 {
			break
		}
	}
	for i := range u {
		if u[i] = fixed[i]; u[i] != u[i] {
			u[i] = math.Min(math.Max(sum[i], j.low[i]), j.high[i])
		}
	}
	for k := range K {
		v, size := j.margin[k], math.Abs(j.margin[k])
		for i, g := range j.slopes[k] {
			v += g * u[i]
			size = math.Max(size, math.Abs(g*u[i]))
		}
		if v < -1e-9*size {
			return nil
		}
	}
	return u
}

// unit is the step of a column's decimals in its standard deviations.
func (j *jointSearch) unit(k int) float64 {
	d, _ := digits(&j.f.m.file.Columns[j.columns[k]])
	return math.Pow10(-d) / j.scale[k]
}

// number is the number of column k at u, rounded to its decimals in a direction (0: the nearest).
func (j *jointSearch) number(k int, u, direction float64) float64 {
	i := j.columns[k]
	x := j.f.row[i].Number
	if u == 0 {
		return x
	}
	d, _ := digits(&j.f.m.file.Columns[i])
	v := x + u*j.scale[k]
	s := v * math.Pow10(d)
	if !(math.Abs(s) < 0x1p53) {
		return v
	}
	const rounding = 1e-9 // of a unit
	switch {
	case direction > 0:
		s = math.Ceil(s - rounding)
	case direction < 0:
		s = math.Floor(s + rounding)
	default:
		s = math.Round(s)
	}
	return decimal(s, d)
}

// fewJoint is the number of columns up to which the coarse ones are rounded one after the other.
const fewJoint = 200

// rounded is the shortest change found that flips, as numbers of the columns; nil if there is none.
func (j *jointSearch) rounded() []float64 {
	n := len(j.columns)
	free := make([]float64, n)
	for k := range free {
		free[k] = math.NaN()
	}
	u := j.solve(free)
	if u == nil {
		return nil
	}
	outward := make([]float64, n)
	for k := range outward {
		outward[k] = j.number(k, u[k], u[k])
	}
	best := j.flipping(outward)
	if n > fewJoint {
		return best
	}
	// The coarsest columns to the nearest of their numbers, the others then solved for anew.
	order := upTo(n)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(j.unit(b), j.unit(a)) })
	fixed, out := slices.Clone(free), make([]float64, n)
	for at, k := range order {
		direction := 0.0
		if at == n-1 || j.unit(k) < 1e-6 {
			direction = u[k]
		}
		out[k] = j.number(k, u[k], direction)
		if fixed[k] = (out[k] - j.f.row[j.columns[k]].Number) / j.scale[k]; at == n-1 {
			break
		}
		if j.unit(k) < 1e-6 {
			continue
		}
		if u = j.solve(fixed); u == nil {
			return best
		}
	}
	if other := j.flipping(out); other != nil && (best == nil || j.length(other) < j.length(best)) {
		best = other
	}
	return best
}

func (j *jointSearch) length(numbers []float64) float64 {
	var square float64
	for k, v := range numbers {
		d := (v - j.f.row[j.columns[k]].Number) / j.scale[k]
		square += d * d
	}
	return math.Sqrt(square)
}

// predict says what the model makes of the numbers.
func (j *jointSearch) predict(numbers []float64) (Prediction, bool) {
	f := j.f
	for k, i := range j.columns {
		c, err := f.m.reader.Number(i, numbers[k])
		if err != nil {
			copy(f.cells, f.row)
			return Prediction{}, false
		}
		f.cells[i] = c
	}
	p, err := f.m.tryCells(f.cells, f.offset)
	copy(f.cells, f.row)
	return p, err == nil && p.Label == f.to
}

// flipping are the numbers, moved on by a unit of some columns where rounding lets them fall short, and back where they go further than they must; nil if they do not
// flip.
func (j *jointSearch) flipping(numbers []float64) []float64 {
	order := upTo(len(numbers))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(j.unit(a), j.unit(b)) })
	moved := func(k int, units float64) float64 {
		x := j.f.row[j.columns[k]].Number
		d, _ := digits(&j.f.m.file.Columns[j.columns[k]])
		direction := numbers[k] - x
		if direction == 0 || len(j.margin) == 1 && units > 0 {
			direction = j.slopes[0][k]
		}
		s := numbers[k] * math.Pow10(d)
		if !(math.Abs(s) < 0x1p53) {
			return numbers[k]
		}
		return decimal(math.Round(s)+math.Copysign(units, direction*units), d)
	}
	_, ok := j.predict(numbers)
	for step := 0; !ok && step < 3*min(len(order), 16); step++ {
		k := order[step%min(len(order), 16)]
		v := moved(k, 1)
		if u := (v - j.f.row[j.columns[k]].Number) / j.scale[k]; u < j.low[k] || u > j.high[k] {
			continue
		}
		numbers[k] = v
		_, ok = j.predict(numbers)
	}
	if !ok {
		return nil
	}
	if len(order) > fewJoint {
		return numbers
	}
	slices.Reverse(order) // the coarsest first
	for _, k := range order {
		x := j.f.row[j.columns[k]].Number
		old := numbers[k]
		if old == x {
			continue
		}
		v := moved(k, -1)
		if (v-x)*(old-x) < 0 {
			v = x
		}
		numbers[k] = v
		if _, ok := j.predict(numbers); !ok {
			numbers[k] = old
		}
	}
	return numbers
}

// jointChange is what a person is told.
func (f *flipper) jointChange(j *jointSearch, numbers []float64) *Joint {
	p, _ := j.predict(numbers)
	out := &Joint{Length: j.length(numbers), Outcome: outcome(p), Changes: []Changed{}}
	for k, v := range numbers {
		if i := j.columns[k]; v != f.row[i].Number {
			c := f.changed(i, v)
			out.Changes, out.Outside = append(out.Changes, c), out.Outside || c.Outside
		}
	}
	slices.SortStableFunc(out.Changes, func(a, b Changed) int {
		return cmp.Compare(math.Abs(value(b.Deviations)), math.Abs(value(a.Deviations)))
	})
	return out
}
