package descent

import (
	"context"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/optim"
)

// gauge is a cost as a function of some components of θ only, the others being 0. More than two classes have directions along which nothing
// changes: without a penalty all classes' weights together, with one all biases together. Holding the reference class (or its bias) at 0
// takes these out, so that the optimum is one point and H has an inverse.
type gauge struct {
	cost *engine.Objective
	free []int // ascending
	full []float64
	at   []float64
	h    []float64
}

// newGauge frees the given components; nil frees all.
func newGauge(cost *engine.Objective, free []int) *gauge {
	if free == nil {
		free = make([]int, cost.Size())
		for i := range free {
			free[i] = i
		}
	}
	return &gauge{cost: cost, free: free, full: make([]float64, cost.Size()), at: make([]float64, cost.Size())}
}

// spread writes the free components into θ of all.
func (g *gauge) spread(free, theta []float64) []float64 {
	clear(theta)
	for i, j := range g.free {
		theta[j] = free[i]
	}
	return theta
}

// gather takes the free components of a vector over all.
func (g *gauge) gather(all, free []float64) {
	for i, j := range g.free {
		free[i] = all[j]
	}
}

// Size is the number of free components.
func (g *gauge) Size() int { return len(g.free) }

// CostGradient is J and its gradient in the free components.
func (g *gauge) CostGradient(ctx context.Context, theta, grad []float64) (float64, error) {
	J, err := g.cost.CostGradient(ctx, g.spread(theta, g.at), g.full)
	g.gather(g.full, grad)
	return J, err
}

// CostGradientRows is the same over some rows.
func (g *gauge) CostGradientRows(ctx context.Context, theta []float64, rows []int, grad []float64) (float64, error) {
	J, err := g.cost.CostGradientRows(ctx, g.spread(theta, g.at), rows, g.full)
	g.gather(g.full, grad)
	return J, err
}

// Product is H·v.
func (g *gauge) Product(ctx context.Context, v, hv []float64) error {
	err := g.cost.Product(ctx, g.spread(v, g.at), g.full)
	g.gather(g.full, hv)
	return err
}

// Diagonal is the diagonal of H.
func (g *gauge) Diagonal(ctx context.Context, diag []float64) error {
	err := g.cost.Diagonal(ctx, g.full)
	g.gather(g.full, diag)
	return err
}

// Hessian is H.
func (g *gauge) Hessian(ctx context.Context, chunks []int, h []float64) error {
	return g.part(h, func(all []float64) error { return g.cost.Hessian(ctx, chunks, all) })
}

// HessianEstimate is H estimated from some chunks of rows.
func (g *gauge) HessianEstimate(ctx context.Context, chunks []int, h []float64) error {
	return g.part(h, func(all []float64) error { return g.cost.HessianEstimate(ctx, chunks, all) })
}

// Part is the cost of some rows in the same components.
func (g *gauge) Part(chunks []int) (optim.Problem, error) {
	p, err := g.cost.Part(chunks)
	if err != nil {
		return nil, err
	}
	return newGauge(p, g.free), nil
}

// Shared is what the classes have in common of H.
func (g *gauge) Shared(ctx context.Context, chunks []int, h []float64) error {
	return g.cost.Shared(ctx, chunks, h)
}

// Curvature reports whether H is a sum over rows.
func (g *gauge) Curvature() bool { return g.cost.Curvature() }

// Engine has the rows.
func (g *gauge) Engine() *engine.Engine { return g.cost.Engine() }

// part makes the free rows and columns of H from all of it.
func (g *gauge) part(h []float64, fill func(all []float64) error) error {
	if len(g.free) == g.cost.Size() {
		return fill(h)
	}
	n := g.cost.Size()
	if g.h == nil {
		g.h = make([]float64, n*n)
	}
	err := fill(g.h)
	for a, i := range g.free {
		for b, j := range g.free {
			h[a*len(g.free)+b] = g.h[i*n+j]
		}
	}
	return err
}
