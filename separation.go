package descent

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/descent-ml/descent/doctor"
	"github.com/descent-ml/descent/infer"
	"github.com/descent-ml/descent/optim"
	"github.com/descent-ml/descent/proof"
)

// Separation says what is known where the classes are separated: the likelihood rises for ever along a direction, whose coefficients are infinite, towards that of
// the rows on which the direction is 0; what the other coefficients tend to is their estimate from these rows.
type Separation struct {
	Kind     string     `json:"kind"` // complete, quasi-complete, or "" where that is not settled
	Rows     int        `json:"rows"` // told apart without error
	Left     int        `json:"left"` // the others
	Infinite []Infinite `json:"infinite"`
	// LogLikelihood is the least upper bound, which no finite coefficients reach, and Finite what the coefficients tend to that tend to something; nil where
	// that is not known. A coefficient in neither list is only bound to others.
	LogLikelihood *float64      `json:"log_likelihood"`
	Finite        []Coefficient `json:"finite"`
}

// Infinite is a coefficient without a finite value.
type Infinite struct {
	Name  string `json:"name"`
	Class string `json:"class,omitempty"` // of more than two classes
	Sign  string `json:"sign"`            // + or -

	term int // -1: the intercept
}

// separated follows the separation to its end, names the columns along which the cost falls for ever, and says so.
func (f *fit) separated(ctx context.Context, d *proof.Decision, out optim.Outcome) error {
	r := f.result
	r.Verdict = Separated
	s := f.separationOf(d)
	r.Separation = s
	if err := f.follow(ctx, d, s); err != nil {
		return err
	}
	if s.Kind == "" && len(f.kept) <= doctor.MaxRankColumns { // the rest would not be solved
		all, err := proof.Decide(ctx, f.problem, out.Last, out.Theta)
		if err != nil {
			return err
		}
		if f.separation = all; all.State == proof.Separated {
			s = f.separationOf(all)
			r.Separation = s
		}
	}
	e := f.learnt.Encoding
	var said, columns []string
	inputs := 0
	for _, x := range s.Infinite {
		name := x.Name
		if x.term < 0 {
			continue // the intercept only follows
		}
		inputs++
		if x.Class != "" {
			name += " of " + x.Class
		}
		if len(said) < 10 {
			said = append(said, name+" → "+x.Sign+"∞")
		}
		if c := e.Terms[x.term].Column; !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	if len(said) == 0 {
		said, columns = append(said, interceptName), []string{f.target.Name}
	}
	verb := "tell"
	if len(said) == 1 {
		verb = "tells"
	}
	if more := inputs - len(said); more > 0 {
		said = append(said, fmt.Sprintf("and %d more", more))
	}
	kind := "separation"
	if s.Kind != "" {
		kind = s.Kind + " separation"
	}
	rows := fmt.Sprintf("%d of %d rows", s.Rows, s.Rows+s.Left)
	switch {
	case s.Left == 0:
		rows = "all rows"
	case s.Kind == "complete":
		rows += " (all columns together every row)"
	}
	rest := ""
	switch n := len(s.Finite); {
	case n == 1:
		rest = fmt.Sprintf("; the finite estimate of the other coefficient comes from the %d rows left", s.Left)
	case n > 1:
		rest = fmt.Sprintf("; the finite estimates of %d other coefficients come from the %d rows left", n, s.Left)
	}
	cure := "--l2 1 or --firth gives a finite answer"
	if f.classes.Sets() > 1 {
		cure = "--l2 1 gives a finite answer"
	}
	apart := "apart"
	if f.classes.Sets() > 1 && s.Kind != "complete" {
		apart = "from another class"
	}
	x := doctor.Finding{Code: "W-separation", Severity: doctor.Warning, Columns: columns, Cure: cure + ", --exclude leaves a column out",
		Message: fmt.Sprintf("%s: %s %s %s %s without error, so no finite optimum exists%s", kind, strings.Join(said, ", "), verb, rows, apart, rest)}
	r.Message = x.Message + "; " + x.Cure
	return f.found(x)
}

// separationOf is what a decision alone says.
func (f *fit) separationOf(d *proof.Decision) *Separation {
	s := &Separation{Rows: d.Direction.Positive, Left: d.Direction.Zero}
	switch {
	case d.Complete:
		s.Kind = "complete"
	case d.Settled:
		s.Kind = "quasi-complete"
	}
	for _, x := range d.Direction.Features {
		i := Infinite{Name: interceptName, Sign: "+", term: -1}
		if x.Index < len(f.kept) {
			i.term = f.kept[x.Index]
			i.Name = f.learnt.Encoding.Terms[i.term].Name
		}
		if x.Sign < 0 {
			i.Sign = "-"
		}
		if f.classes.Sets() > 1 {
			i.Class = f.classes.Levels[x.Class]
		}
		s.Infinite = append(s.Infinite, i)
	}
	return s
}

// follow fits the rows on which a direction is 0. If these have an optimum, the separation is quasi-complete, and their coefficients are what those of all rows tend to; if they
// are separated by a further direction, a small multiple of it is part of the direction of all rows, and so on until no row is left or the rest has an optimum.
func (f *fit) follow(ctx context.Context, d *proof.Decision, s *Separation) error {
	if s.Kind == "complete" {
		if s.Left == 0 {
			s.LogLikelihood, s.Finite = number(0), []Coefficient{}
		}
		return nil
	}
	// Of more than two classes a row may be told from one class and not from another: what is left are no rows.
	if f.classes.Sets() > 1 || !f.logLoss || len(f.kept) > doctor.MaxRankColumns {
		return nil
	}
	rest, err := proof.Rest(ctx, f.problem, d.Direction)
	if err != nil {
		return err
	}
	g := f.onRows(rest)
	if g == nil { // of one class: the intercept tells them
		s.Kind, s.Rows, s.Left = "complete", s.Rows+len(rest), 0
		return nil
	}
	if err := g.alias(ctx); err != nil {
		return err
	}
	if len(g.kept) == 0 {
		g.constant(s)
		return nil
	}
	if err := g.design(ctx); err != nil {
		return err
	}
	if err := g.solve(ctx); err != nil {
		return ctx.Err() // else it is not settled
	}
	switch {
	case g.result.Separation != nil:
		more := g.result.Separation
		s.Kind, s.Rows, s.Left, s.LogLikelihood, s.Finite = more.Kind, s.Rows+more.Rows, more.Left, more.LogLikelihood, more.Finite
		for _, x := range more.Infinite {
			if !slices.ContainsFunc(s.Infinite, func(y Infinite) bool { return y.term == x.term }) {
				s.Infinite = append(s.Infinite, x)
			}
		}
		slices.SortStableFunc(s.Infinite, func(a, b Infinite) int {
			order := func(x Infinite) int { // the intercept last, as in θ
				if x.term < 0 {
					return len(f.learnt.Encoding.Terms)
				}
				return x.term
			}
			return order(a) - order(b)
		})
		s.Finite = slices.DeleteFunc(s.Finite, func(c Coefficient) bool {
			return slices.ContainsFunc(s.Infinite, func(x Infinite) bool { return x.Name == c.Name })
		})
	case g.certificate != nil && g.certificate.Exists || g.separation != nil && g.separation.State == proof.Overlap:
		s.Kind = "quasi-complete"
		if g.result.Verdict == Converged {
			s.LogLikelihood = number(-g.result.Loss * g.result.WeightSum)
			s.Finite = g.finite(s)
		}
	}
	return nil
}

// onRows is a silent training by maximum likelihood on some of the rows in use, given by their numbers among these; nil where a class has none.
func (f *fit) onRows(rows []int) *fit {
	g := *f
	g.config.Found, g.config.Progress, g.config.Run.Checkpoint, g.config.Run.Resume, g.config.Run.Init = nil, nil, "", "", nil
	g.config.Solver = Solver{Method: "auto", Threads: f.config.Solver.Threads, MaxTime: f.config.Solver.MaxTime, Seed: f.config.Solver.Seed}
	g.config.defaults()
	g.userSteps, g.resumed, g.matrix, g.engine, g.solved, g.state = false, nil, nil, nil, solved{}, runState{}
	learnt := *f.learnt
	learnt.Rows = make([]int, len(rows))
	g.learnt, g.result = &learnt, &Result{Solver: "auto", Confidence: f.result.Confidence, Rows: len(rows), Aliased: []string{}}
	weight := make([]float64, len(f.classes.Levels))
	for i, at := range rows {
		row := f.learnt.Rows[at]
		learnt.Rows[i] = row
		weight[f.label[row]] += weightOf(learnt.Weights, row)
	}
	for _, w := range weight {
		if w == 0 {
			return nil
		}
		g.result.WeightSum += w
	}
	return &g
}

// constant is follow where the rows have both classes and all columns are constant: the intercept is the logarithm of the odds.
func (f *fit) constant(s *Separation) {
	s.Kind = "quasi-complete"
	if f.learnt.Offsets != nil {
		return
	}
	var of [2]float64
	for _, row := range f.learnt.Rows {
		of[f.label[row]] += weightOf(f.learnt.Weights, row)
	}
	m := of[0] + of[1]
	s.LogLikelihood, s.Finite = number(of[0]*math.Log(of[0]/m)+of[1]*math.Log(of[1]/m)), []Coefficient{}
	if !f.bound[-1] && !slices.ContainsFunc(s.Infinite, func(x Infinite) bool { return x.term < 0 }) {
		b := math.Log(of[1] / of[0])
		s.Finite = append(s.Finite, Coefficient{Name: interceptName, Estimate: b, Scaled: b, OddsRatio: number(of[1] / of[0])})
	}
}

// finite are the coefficients at the optimum but for those that are infinite or bound to others that are left out: where other columns determine a column in these rows, only
// sums of their coefficients are known.
func (f *fit) finite(s *Separation) []Coefficient {
	e := f.learnt.Encoding
	unit := infer.Map{Center: f.matrix.Center, Scale: f.matrix.Scale}
	raw, scaled := unit.Weights(f.theta), f.theta
	out := []Coefficient{}
	for at := -1; at < len(f.kept); at++ {
		term, j, name := -1, len(f.kept), interceptName
		if at >= 0 {
			term, j = f.kept[at], at
			name = e.Terms[term].Name
		}
		if f.bound[term] || math.IsNaN(raw[j]) || math.IsInf(raw[j], 0) || slices.ContainsFunc(s.Infinite, func(x Infinite) bool { return x.term == term }) {
			continue
		}
		out = append(out, Coefficient{Name: name, Estimate: raw[j], Scaled: scaled[j], OddsRatio: number(math.Exp(raw[j]))})
	}
	return out
}

// binds marks the terms that take part in an alias, and under -1 the intercept where it does.
func (f *fit) binds(aliases []doctor.Alias, searched []int, center, scale []float64) {
	f.bound = map[int]bool{}
	for _, a := range aliases {
		f.bound[searched[a.Column]] = true
		constant := center[a.Column] + a.Intercept/scale[a.Column]
		size := math.Abs(center[a.Column]) + 1/math.Abs(scale[a.Column])
		for i, o := range a.Of {
			f.bound[searched[o]] = true
			part := a.Coefficients[i] * scale[o] / scale[a.Column] * center[o]
			constant -= part
			size += math.Abs(part)
		}
		if math.Abs(constant) > 1e-9*size {
			f.bound[-1] = true
		}
	}
}
