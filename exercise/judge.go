package exercise

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/descent-ml/descent/graph"
)

// A Judgement is about one of the learner's equations.
type Judgement struct {
	Node       string  `json:"node"`  // the graph's name
	Yours      string  `json:"yours"` // the equation
	Line       int     `json:"line"`
	OK         bool    `json:"ok"`          // right as it is written: with the graph's values of what it uses, or with the learner's
	Proved     bool    `json:"proved"`      // equal to the graph's node, not only at the points
	FirstWrong bool    `json:"first_wrong"` // the first in the order of the pass that is not OK
	WithGraph  bool    `json:"with_graph"`  // equal to the graph's node where what it uses has the graph's values
	WithYours  bool    `json:"with_yours"`  // equal where what it uses has the values of the learner's equations
	Points     int     `json:"points"`      // examples at which it was compared
	Form       string  `json:"form"`        // "one example", "all examples"; "" where there is only one
	Mistake    string  `json:"mistake"`     // a word for the kind, "" where there is none
	Hint       string  `json:"hint"`
	Example    *Values `json:"example"` // numbers of one example, where they differ
}

// Values are the two numbers of one place.
type Values struct {
	At    string   `json:"at"`
	Yours *float64 `json:"yours"` // null: not finite
	Graph *float64 `json:"graph"`
}

// Report is what Judge says.
type Report struct {
	OK         bool        `json:"ok"`
	FirstWrong string      `json:"first_wrong"` // "" where all is right
	Mine       []Judgement `json:"mine"`
	Points     int         `json:"points"`
	Updates    []string    `json:"updates"` // equations such as w = w - alpha*dw, which are not marked
}

// session is one text being judged.
type session struct {
	*Exercise
	equations []*equation
	names     []string // canonical, by equation; "" for a helper's
	batch     bool     // derivatives of parameters are those over all examples
	rows      []bool   // where matrices are meant: the examples are the columns of X, or its rows, or it is not known yet
}

// Check says what cannot be read in a text for [Exercise.Judge], before there is a model.
func Check(mine string) error {
	all, err := read(mine)
	if err == nil && len(all) == 0 {
		err = &graph.Error{Line: 1, Column: 1, Message: "there is no equation"}
	}
	return err
}

// Judge marks the learner's equations, which are in the language of package graph and of numpy: dw = mean(x*dz), dw1 = x1*dz, dW = np.dot(dZ, X.T)/m. An error is
// about what cannot be read, with its place; what does not fit together is a judgement.
func (e *Exercise) Judge(mine string) (*Report, error) {
	all, err := read(mine)
	if err != nil {
		return nil, err
	}
	s := &session{Exercise: e, rows: []bool{false, true}}
	r := &Report{OK: true, Mine: []Judgement{}, Updates: []string{}}
	for _, eq := range all {
		name, known := e.canonical(eq.name)
		if known && e.what(name) == "a parameter" && len(all) > 1 && (mentions(eq.right, "alpha") || mentions(eq.right, "learning_rate")) {
			r.Updates = append(r.Updates, eq.text)
			continue
		}
		if known && !e.judged(name) {
			return nil, eq.errorf("%s is %s; an equation is wanted for %s", eq.name, e.what(name), e.list())
		}
		if known && slices.Contains(s.names, name) {
			return nil, eq.errorf("%s has two equations", name)
		}
		if !known {
			name = ""
		}
		s.names, s.equations = append(s.names, name), append(s.equations, eq)
	}
	if !slices.ContainsFunc(s.names, func(n string) bool { return n != "" }) {
		return nil, &graph.Error{Line: 1, Column: 1, Message: "there is no equation for " + e.list()}
	}
	for i := range s.equations { // names and functions that are not known are no mistake of calculus
		if _, err := s.value(i, s.readings(i)[0], false); err != nil && !errors.As(err, new(misfit)) {
			return nil, err
		}
	}
	s.batch = s.isBatch()
	if err := s.orient(); err != nil {
		return nil, err
	}
	for _, p := range e.points {
		r.Points += p.rows
	}
	order := []int{}
	for i, name := range s.names {
		if name != "" {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return e.rank(s.names[i]) - e.rank(s.names[j]) })
	for _, i := range order {
		j, err := s.judge(i)
		if err != nil {
			return nil, err
		}
		j.Points = r.Points
		if !j.OK && r.FirstWrong == "" {
			r.FirstWrong, j.FirstWrong = j.Node, true
		}
		r.OK = r.OK && j.OK && j.WithYours
		r.Mine = append(r.Mine, *j)
	}
	return r, nil
}

// judged says whether a name is one that equations are wanted for.
func (e *Exercise) judged(name string) bool {
	if e.by[name] != nil {
		return true
	}
	base, j := component(name)
	return j > 0 && e.by[base] != nil
}

func (e *Exercise) what(name string) string {
	if n, ok := e.graph.Lookup(name); ok && n.Leaf != nil {
		if n.Leaf.Kind == graph.Parameter {
			return "a parameter"
		}
		return "given"
	}
	if base, j := component(name); j > 0 {
		return e.what(base)
	}
	return "given"
}

// list names what equations are wanted for.
func (e *Exercise) list() string {
	var all []string
	for _, n := range e.nodes {
		all = append(all, n.name)
	}
	return strings.Join(all, ", ")
}

// rank is the place of a name in the pass.
func (e *Exercise) rank(name string) int {
	base, j := name, 0
	if e.by[name] == nil {
		base, j = component(name)
	}
	return slices.IndexFunc(e.nodes, func(n *node) bool { return n.name == base })*1_000_000 + j
}

// readings are the ways to understand an equation, the most likely first.
func (s *session) readings(i int) []reading {
	strict := s.isStrict(i)
	if !strict {
		return []reading{{}, {over: examples}, {over: everything}}
	}
	var all []reading
	for _, rows := range s.rows {
		all = append(all, reading{strict: true, rows: rows, over: everything}) // as numpy's sum does without an axis
	}
	return all
}

// orient finds out whether X has its examples in columns, as in the lecture, or in rows: what makes more equations right, or else fit together.
func (s *session) orient() error {
	best, most := []bool{false}, -1
	for _, rows := range []bool{false, true} {
		s.rows = []bool{rows}
		score := 0
		for i, name := range s.names {
			if name == "" || !s.isStrict(i) {
				continue
			}
			t, err := s.target(name, s.isParameter(name) && !s.batch)
			if err != nil {
				return err
			}
			c := s.try(s.equations[i].right, i, t, false, s.readings(i))
			switch {
			case c.equal && !c.turned:
				score += 1000
			case c.err == nil:
				score++
			}
		}
		if score > most {
			best, most = []bool{rows}, score
		}
	}
	s.rows = best
	return nil
}

// isStrict: matrices are meant where one writes X, dZ or .T.
func (s *session) isStrict(i int) bool {
	var look func(e *graph.Expression) bool
	look = func(e *graph.Expression) bool {
		if e.Call == "T" {
			return true
		}
		if e.Call == "" && e.Number == nil {
			if name, ok := s.canonical(e.Name); ok && name != e.Name && name == lower(e.Name) && s.perRow(name) {
				return true
			}
			if j := s.helper(e.Name, i); j >= 0 {
				return look(s.equations[j].right)
			}
		}
		return slices.ContainsFunc(e.Args, look)
	}
	return look(s.equations[i].right)
}

func (s *session) perRow(name string) bool {
	n, err := s.leaf(name)
	return err == nil && n.Shape.PerRow
}

// helper is the equation of a name that only the learner has, before equation i; -1: none.
func (s *session) helper(name string, i int) int {
	for j := range i {
		if s.names[j] == "" && s.equations[j].name == name {
			return j
		}
	}
	return -1
}

// value is what equation i says, with the learner's own values of what it uses, or the graph's.
func (s *session) value(i int, r reading, own bool) (value, error) {
	return s.build(s.equations[i].right, i, r, own)
}

func (s *session) build(e *graph.Expression, i int, r reading, own bool) (value, error) {
	m, err := s.leaf("m")
	if err != nil {
		return value{}, err
	}
	b := &builder{reading: r, g: s.sheet, m: m, line: s.equations[i].line, dims: s.dims}
	b.names = func(name string) (value, error) {
		if j := s.helper(name, i); j >= 0 {
			return s.value(j, r, own)
		}
		known, ok := s.canonical(name)
		if !ok {
			return value{}, fmt.Errorf("unknown name %s; known are %s", name, strings.Join(s.shown(), ", "))
		}
		if j := slices.Index(s.names[:i], known); own && j >= 0 {
			return s.value(j, r, own)
		}
		n, err := s.leaf(known)
		return value{n, s.lies(n, known, r)}, err
	}
	return b.build(e)
}

// shown are the names that a message lists.
func (s *session) shown() []string {
	var out []string
	for _, name := range s.known {
		out = append(out, name)
		if n, _ := s.sheet.Lookup(name); n.Shape.IsVector() && len(s.known) < 30 && s.inputs < 100 {
			out = append(out, name+"1")
		}
	}
	return out
}

// lies says whether a leaf is turned where examples are rows: then what is one for every example is, the matrix W is, and a vector of biases.
func (s *session) lies(n *graph.Node, name string, r reading) bool {
	if n == nil || !r.strict || !r.rows {
		return false
	}
	bias := strings.HasPrefix(strings.TrimPrefix(name, "d"), "b") || strings.HasPrefix(strings.TrimPrefix(name, "d"), "c")
	return n.Shape.PerRow || n.Shape.IsMatrix() || n.Shape.IsVector() && bias
}

// dims names a number of components.
func (s *session) dims(n int) string {
	if n == s.inputs {
		return "n"
	}
	if y, ok := s.sheet.Lookup("y"); ok && y.Shape.Rows == n {
		return "K"
	}
	return strconv.Itoa(n)
}

// isBatch says whether the learner speaks of all examples: one of the parameters' derivatives does, or J has an equation.
func (s *session) isBatch() bool {
	for i, name := range s.names {
		if name == "J" {
			return true
		}
		if name == "" || !s.isParameter(name) {
			continue
		}
		e := s.equations[i].right
		for _, r := range s.readings(i) {
			if v, err := s.value(i, r, false); err == nil && !v.node.Shape.PerRow {
				return true
			}
		}
		if mentions(e, "m") || calls(e, "T") || calls(e, "mean") || calls(e, overRows) {
			return true
		}
	}
	return false
}

func (s *session) isParameter(name string) bool {
	n := s.by[name]
	if n == nil {
		base, _ := component(name)
		n = s.by[base]
	}
	return n != nil && n.parameter
}

// A trial is what came of one way to understand an equation.
type trial struct {
	reading reading
	value   value
	numbers [][]float64 // by point
	err     error       // what does not fit
	fits    bool        // the shape is the target's
	turned  bool        // but for being transposed
	equal   bool
	odd     int // examples at which it is not finite
}

// trials tries every reading of an expression; the best is the first that is equal, else that fits, else that can be built.
func (s *session) try(e *graph.Expression, i int, t *target, own bool, readings []reading) trial {
	var best trial
	for k, r := range readings {
		c := s.tryOne(e, i, t, own, r, true)
		if k == 0 || c.better(&best) {
			best = c
		}
		if best.equal {
			break
		}
	}
	return best
}

func (c *trial) better(than *trial) bool {
	score := func(t *trial) int {
		switch {
		case t.equal && !t.turned:
			return 4
		case t.equal:
			return 3
		case t.fits:
			return 2
		case t.err == nil:
			return 1
		}
		return 0
	}
	return score(c) > score(than)
}

// tryOne evaluates an expression in one reading; without numbers only until it is wrong.
func (s *session) tryOne(e *graph.Expression, i int, t *target, own bool, r reading, numbers bool) trial {
	c := trial{reading: r}
	if c.value, c.err = s.build(e, i, r, own); c.err != nil {
		return c
	}
	have, want := c.value.node.Shape, t.shape
	inner := have
	inner.PerRow = want.PerRow
	leaf, _ := s.leaf(t.name)
	lies := c.value.turned != s.lies(leaf, t.name, r)
	c.turned = r.strict && !single(c.value) && !want.IsScalar() && lies
	across := false // a matrix's numbers lie across
	if want.IsMatrix() && have.IsMatrix() {
		across = have.Rows == want.Cols && have.Cols == want.Rows && (have.Rows != have.Cols || lies)
		c.turned = lies != across
		if across {
			inner = want
		}
	}
	c.fits = (have == want || have.Size() == 1 && want.Size() == 1 || inner == want && across) && have.PerRow == want.PerRow && !c.turned
	if have.PerRow && !want.PerRow || inner != want && have.Size() > 1 {
		return c
	}
	c.equal = true
	for k := range s.points {
		out, err := graph.Eval(graph.Values{Rows: s.points[k].rows, M: s.points[k].m, Of: s.points[k].of}, c.value.node)
		if err != nil {
			c.err, c.equal = err, false
			return c
		}
		if across {
			out[0] = transposed(out[0], have)
		}
		c.numbers = append(c.numbers, spreadOver(out[0], have, want, s.points[k].rows))
		equal, odd := same(c.numbers[k], t.values[k])
		c.odd += odd
		if c.equal = c.equal && equal; !equal && !(numbers && c.fits) {
			return c
		}
	}
	c.equal = c.equal && c.odd == 0
	return c
}

// transposed turns each matrix of v.
func transposed(v []float64, s graph.Shape) []float64 {
	out := make([]float64, len(v))
	for at := 0; at < len(v); at += s.Size() {
		for r := range s.Rows {
			for c := range s.Cols {
				out[at+c*s.Rows+r] = v[at+r*s.Cols+c]
			}
		}
	}
	return out
}

// spreadOver stretches values of shape have to those of shape want.
func spreadOver(v []float64, have, want graph.Shape, rows int) []float64 {
	size := want.Size()
	if want.PerRow {
		size *= rows
	}
	if len(v) == size {
		return v
	}
	out := make([]float64, size)
	for i := range out {
		switch {
		case len(v) == 1:
			out[i] = v[0]
		case have.PerRow: // a number for each example, over components
			out[i] = v[i/want.Size()]
		default:
			out[i] = v[i%len(v)]
		}
	}
	return out
}

// tolerance of a comparison, relative: a learner's spelling may round, log(1 - a) at a = 1 - 3e-4, but a mistake is larger.
const tolerance = 1e-8

// same compares; odd counts what is not finite where the truth is.
func same(yours, truth []float64) (equal bool, odd int) {
	scale := 0.0
	for _, t := range truth {
		if !math.IsInf(t, 0) {
			scale = math.Max(scale, math.Abs(t))
		}
	}
	equal = true
	for i, t := range truth {
		v := yours[i]
		switch {
		case t-t != 0:
		case v-v != 0:
			odd++
		case math.Abs(v-t) > tolerance*(math.Abs(t)+1e-3*scale):
			equal = false
		}
	}
	return equal, odd
}

// judge marks equation i.
func (s *session) judge(i int) (*Judgement, error) {
	eq, name := s.equations[i], s.names[i]
	j := &Judgement{Node: name, Yours: eq.text, Line: eq.line}
	t, err := s.target(name, s.isParameter(name) && !s.batch)
	if err != nil {
		return nil, err
	}
	if s.isParameter(name) {
		if j.Form = "all examples"; t.each {
			j.Form = "one example"
		}
	}
	readings := s.readings(i)
	graphs := s.try(eq.right, i, t, false, readings)
	yours := graphs
	upstream := s.uses(i)
	if len(upstream) > 0 {
		yours = s.try(eq.right, i, t, true, readings)
	}
	j.WithGraph, j.WithYours = graphs.equal && !graphs.turned, yours.equal && !yours.turned
	j.OK = j.WithGraph || j.WithYours
	if j.WithGraph {
		j.Proved = s.prove(i, t, graphs.reading)
	}
	switch {
	case j.WithGraph && j.WithYours:
		if s.isParameter(name) && t.each && len(s.points) > 0 {
			j.Hint = "of one example; over all of them " + name + " is its mean" + s.penaltyNote(t)
		}
		return j, nil
	case j.WithGraph:
		j.Hint = fmt.Sprintf("right as it is written; what it uses, %s, is not", strings.Join(upstream, ", "))
		j.Example = s.example(&yours, t)
		return j, nil
	case j.WithYours:
		j.Hint = fmt.Sprintf("right with your %s: the two mistakes cancel", strings.Join(upstream, ", "))
		return j, nil
	}
	m := s.diagnose(i, t, &graphs, readings)
	j.Mistake, j.Hint = m.kind, m.text
	j.Example = s.example(&graphs, t)
	return j, nil
}

func (s *session) penaltyNote(t *target) string {
	if of := t.node.of; slices.Contains(s.model.Penalised, of) {
		return " and the penalty's part"
	}
	return ""
}

// uses are the learner's own equations of nodes that equation i uses, without those that are right.
func (s *session) uses(i int) []string {
	var out []string
	seen := map[int]bool{}
	var visit func(e *graph.Expression)
	visit = func(e *graph.Expression) {
		if e.Call == "" && e.Number == nil {
			j := s.helper(e.Name, i)
			if j >= 0 && !seen[j] {
				seen[j] = true
				visit(s.equations[j].right)
			}
			known, _ := s.canonical(e.Name)
			if j := slices.Index(s.names[:i], known); known != "" && j >= 0 && !seen[j] {
				seen[j] = true
				t, err := s.target(known, s.isParameter(known) && !s.batch)
				if err != nil {
					return
				}
				if c := s.try(s.equations[j].right, j, t, true, s.readings(j)); !c.equal {
					out = append(out, known)
				}
			}
		}
		for _, a := range e.Args {
			visit(a)
		}
	}
	visit(s.equations[i].right)
	return out
}

// example is a place where the numbers differ: one of the user's rows, where there are any.
func (s *session) example(c *trial, t *target) *Values {
	if c.err != nil || len(c.numbers) < len(s.points) || len(s.points) == 0 {
		return nil
	}
	finite := func(v float64) *float64 {
		if v-v != 0 {
			return nil
		}
		return &v
	}
	last := len(s.points) - 1
	for k := last; k >= 0; k-- {
		for i, truth := range t.values[k] {
			v := c.numbers[k][i]
			if truth-truth != 0 || math.Abs(v-truth) <= 1e-3*math.Abs(truth) {
				continue
			}
			p := &s.points[k]
			at := p.Name
			if t.shape.PerRow && p.Row != nil {
				at = p.Row(i / t.shape.Size())
			}
			if size := t.shape.Size(); size > 1 {
				at += fmt.Sprintf(", component %d", i%size+1)
			}
			return &Values{At: at, Yours: finite(v), Graph: finite(truth)}
		}
	}
	return nil
}
