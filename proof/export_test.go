package proof

import "math/big"

// Exact is the direction in integers, up to a common factor; of classes without the reference's row, class by class, and a 0.
func (d *Direction) Exact() []*big.Int { return d.exact.integers() }
