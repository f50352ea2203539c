package proof

import (
	"context"
	"math/big"
)

// Exact is the direction in integers, up to a common factor; of classes without the reference's row, class by class, and a 0.
func (d *Direction) Exact() []*big.Int { return d.exact.integers() }

// LargestRow is the largest Σ_j units_j·x̃_j² over the rows with a weight, or a little more.
func (p *Problem) LargestRow(ctx context.Context, units []float64) (float64, error) {
	return p.largestRow(ctx, units)
}

// Extremes is the largest |x̃_j| of every feature, or a little more.
func (p *Problem) Extremes(ctx context.Context) ([]float64, error) { return p.extremes(ctx) }
