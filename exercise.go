package descent

import (
	"fmt"
	"maps"
	"math"

	"github.com/descent-ml/descent/exercise"
	"github.com/descent-ml/descent/graph"
)

// mineError is about the learner's equations, not the model's.
type mineError struct{ error }

func (e *mineError) Unwrap() error { return e.error }

// IsMine says whether an error of [CheckGradient] or [MarkEquations] is about the learner's equations.
func IsMine(err error) bool {
	_, ok := err.(*mineError)
	return ok
}

// exerciseOf is what a learner differentiates.
func (d size) exerciseOf(equations string, weighted, penalised bool) (exercise.Model, error) {
	m := exercise.Model{Equations: equations, Leaves: d.leaves(), Sizes: d.names(), Weighted: weighted}
	if !penalised {
		return m, nil
	}
	g, err := d.parse(equations)
	if err != nil || len(g.Defs) == 0 {
		return m, err
	}
	layers, err := declaredParameters(g, g.Defs[len(g.Defs)-1].Name)
	if err != nil {
		return m, err
	}
	for _, p := range layers {
		if p.weight {
			m.Penalised = append(m.Penalised, p.name)
		}
	}
	if layers == nil {
		m.Penalised = []string{d.parameters()[0]}
	}
	return m, nil
}

// markedNumbers is about how many numbers of the user's rows a learner's equations are compared at.
const markedNumbers = 1 << 16

// exercise marks equations on the rows and on made-up examples.
func (k *check) exercise(theta []float64, mine string, seed uint64) (*exercise.Report, error) {
	m, err := k.size.exerciseOf(k.equations, k.of["s"] != nil, k.l2)
	if err != nil {
		return nil, err
	}
	points, err := exercise.RandomPoints(m, seed)
	if err != nil {
		return nil, err
	}
	if _, err := k.eval(theta, k.J); err != nil { // puts the parameters where the leaves' values are
		return nil, err
	}
	some := make([]int, len(k.rows))
	for i := range some {
		some[i] = i
	}
	some = spread(some, max(markedNumbers/max(k.size.inputs*k.size.sets, 1), 10))
	p := exercise.Point{Name: fmt.Sprintf("your %d rows", len(some)), Values: graph.Values{Rows: len(some), M: float64(len(some)), Of: maps.Clone(k.of)}}
	delete(p.Of, "lambda")
	delete(p.Of, "m")
	for _, name := range []string{"x", "y", "s", "o"} {
		if v, ok := p.Of[name]; ok {
			width := len(v) / len(k.rows)
			var out []float64
			for _, i := range some {
				out = append(out, v[i*width:(i+1)*width]...)
			}
			p.Of[name] = out
		}
	}
	if s := p.Of["s"]; s != nil {
		p.M = sum(s)
	}
	p.Row = func(i int) string {
		row := k.rows[some[i]]
		return fmt.Sprintf("row %d (line %d)", row+1, k.table.Line(row))
	}
	if !(p.M > 0) {
		return mark(m, points, mine)
	}
	return mark(m, append(points, p), mine)
}

func mark(m exercise.Model, points []exercise.Point, mine string) (*exercise.Report, error) {
	e, err := exercise.New(m, points)
	if err != nil {
		return nil, fmt.Errorf("equations: %w", err)
	}
	r, err := e.Judge(mine)
	if err != nil {
		return nil, &mineError{err}
	}
	return r, nil
}

// MarkEquations marks a learner's equations on made-up examples alone: of the lecture's model or of Config.Equations, with so many inputs and, where there are
// more than two, classes. Config.Penalty.L2 over 0 adds the penalty's term to J. The language is that of package exercise; an error about it is one for
// which [IsMine] is true.
func MarkEquations(c Config, inputs, classes int, mine string) (*exercise.Report, error) {
	if err := exercise.Check(mine); err != nil {
		return nil, &mineError{err}
	}
	d := size{inputs: inputs, sets: 1}
	if classes > 2 {
		d.sets = classes
	}
	if inputs < 1 || classes < 0 || math.MaxInt32 < inputs {
		return nil, fmt.Errorf("%d inputs and %d classes", inputs, classes)
	}
	equations := c.Equations
	if equations == "" {
		equations = d.equations()
	}
	m, err := d.exerciseOf(equations, false, c.Penalty.L2 > 0)
	if err != nil {
		return nil, fmt.Errorf("equations: %w", err)
	}
	seed := c.Solver.Seed
	if seed == 0 {
		seed = 1
	}
	points, err := exercise.RandomPoints(m, seed)
	if err != nil {
		return nil, fmt.Errorf("equations: %w", err)
	}
	return mark(m, points, mine)
}
