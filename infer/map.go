package infer

import "fmt"

// Map is the linear map T from the coefficients of centred, scaled columns to those of the original units. The
// model sees (x_j - Center_j)·Scale_j; hence, θ = (w, b),
//
//	w_j = w̃_j·Scale_j,   b = b̃ - Σ w̃_j·Scale_j·Center_j.
//
// and the same in every one of several equations. Nil slices mean centres 0 and scales 1; otherwise both have one number
// per weight. The zero Map changes nothing.
type Map struct {
	Center []float64
	Scale  []float64
}

func (t Map) center(j int) float64 {
	if t.Center == nil {
		return 0
	}
	return t.Center[j]
}

func (t Map) scale(j int) float64 {
	if t.Scale == nil {
		return 1
	}
	return t.Scale[j]
}

// Check gives an error unless Center and Scale, where not nil, have n numbers.
func (t Map) Check(n int) error {
	if t.Center != nil && len(t.Center) != n || t.Scale != nil && len(t.Scale) != n {
		return fmt.Errorf("infer: %d centres and %d scales for %d weights", len(t.Center), len(t.Scale), n)
	}
	return nil
}

// Weights is T θ; theta has n weights and the bias last. The result is new.
func (t Map) Weights(theta []float64) []float64 {
	return t.EquationWeights(Equations{Count: 1, Weights: len(theta) - 1}, theta)
}

// Covariance is T C Tᵀ in (n+1)² steps; c is (n+1)×(n+1), row-major. The result is new and symmetric to the bit.
func (t Map) Covariance(c []float64, n int) []float64 {
	return t.EquationCovariance(Equations{Count: 1, Weights: n}, c)
}

// Transform is T C Tᵀ for any T: t is rows×n, c is n×n, both row-major; the result is rows×rows.
func Transform(t []float64, rows int, c []float64, n int) []float64 {
	tc := make([]float64, rows*n)
	for i := range rows {
		for k := range n {
			if a := t[i*n+k]; a != 0 {
				for j := range n {
					tc[i*n+j] += float64(a * c[k*n+j])
				}
			}
		}
	}
	out := make([]float64, rows*rows)
	for i := range rows {
		for j := range i + 1 {
			var v float64
			for k := range n {
				v += float64(tc[i*n+k] * t[j*n+k])
			}
			out[i*rows+j], out[j*rows+i] = v, v
		}
	}
	return out
}
