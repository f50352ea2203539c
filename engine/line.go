package engine

import (
	"context"
	"fmt"

	"github.com/descent-ml/descent/graph"
)

// The cost along a line, for line searches.

type lineStage struct {
	*stage
	direction *Program // the heads of the direction
}

const (
	lineStep = "line_t"
	lineZ    = "line_z"
	lineD    = "line_d"
)

// prepareLine builds J(θ + t d) over the stored heads z and their rates, and its slope in t.
func (b *Objective) prepareLine() error {
	if b.line != nil || b.head == nil {
		return nil
	}
	leaf := func(kind graph.Kind, name string, s graph.Shape) (*graph.Node, error) {
		return b.g.Leaf(graph.Leaf{Kind: kind, Name: name, Shape: s})
	}
	t, err := leaf(graph.Parameter, lineStep, graph.Shape{})
	if err != nil {
		return err
	}
	moved := map[*graph.Node]*graph.Node{}
	along := map[*graph.Node]*graph.Node{}
	step := func(from, rate *graph.Node) (*graph.Node, error) {
		d, err := b.g.Apply("mul", t, rate)
		if err != nil {
			return nil, err
		}
		return b.g.Apply("add", from, d)
	}
	for i, n := range b.of {
		along[n] = b.rates[i]
		if moved[n], err = step(n, b.rates[i]); err != nil {
			return err
		}
	}
	z, err := leaf(graph.Input, lineZ, b.head.Shape)
	if err != nil {
		return err
	}
	d, err := leaf(graph.Input, lineD, b.head.Shape)
	if err != nil {
		return err
	}
	if moved[b.head], err = step(z, d); err != nil {
		return err
	}
	J := b.g.Replace(b.cost, moved)
	slope, err := b.g.Gradient(J, t)
	if err != nil {
		return err
	}
	s, err := b.simplify(append([]*graph.Node{J}, slope...)...)
	if err != nil {
		return err
	}
	stage, err := b.split(s, []string{b.root, "slope"}, map[*graph.Node]string{z: lineZ, d: lineD}, nil)
	if err != nil {
		return err
	}
	heads, err := b.g.Tangent([]*graph.Node{b.head}, along)
	if err != nil {
		return err
	}
	if heads, err = b.simplify(heads...); err != nil {
		return err
	}
	p, err := CompileWith(b.g, b.e.layout.Layout, CompileOptions{NoFused: b.e.o.NoFused}, Output{Name: "heads", Node: heads[0], Keep: true})
	if err != nil {
		return err
	}
	b.line = &lineStage{stage, p}
	return nil
}

// Line sets the direction for LineCost, from the point. Where the loss is a function of linear heads that is one pass
// over the columns, and every LineCost only one over the heads.
func (b *Objective) Line(ctx context.Context, d []float64) error {
	if len(d) != b.Size() {
		return fmt.Errorf("engine: direction of %d numbers, want %d", len(d), b.Size())
	}
	values, err := b.ready(ctx)
	if err != nil {
		return err
	}
	if err := b.prepareLine(); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	b.direction = append([]float64(nil), d...)
	if b.head == nil {
		return nil
	}
	if b.heads == nil {
		b.heads = make([]float64, b.e.Rows()*b.head.Shape.Size())
	}
	b.setRates(values, d)
	_, err = b.e.run(ctx, b.line.direction, values, Mask{}, [][]float64{b.heads})
	return err
}

// LineCost is J at the point plus t times the direction of Line, and its derivative in t.
func (b *Objective) LineCost(ctx context.Context, t float64) (J, slope float64, err error) {
	if b.direction == nil {
		return 0, 0, ErrNoPoint
	}
	if b.head == nil {
		theta, grad := make([]float64, b.Size()), make([]float64, b.Size())
		for i, v := range b.theta {
			theta[i] = v + float64(t*b.direction[i])
		}
		if J, err = b.costGradient(ctx, b.e, b.full, theta, grad, b.m, b.o.Mask); err != nil {
			return 0, 0, err
		}
		for i, v := range b.direction {
			slope += float64(v * grad[i])
		}
		return J, slope, nil
	}
	values, err := b.ready(ctx)
	if err != nil {
		return 0, 0, err
	}
	b.setRates(values, b.direction)
	values.Of[lineStep] = []float64{t}
	values.Columns[lineZ], values.Columns[lineD] = b.keeps[0].data, b.heads
	out, err := b.eval(ctx, b.e, b.line.stage, values, b.o.Mask)
	if err != nil {
		return 0, 0, err
	}
	return out[0][0], out[1][0], nil
}
