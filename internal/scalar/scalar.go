// Package scalar has the sums and functions of one number that statistics and proofs share.
package scalar

import "math"

// Sum adds with the rounding errors carried along: the error is at most 2u·|Σ| plus second-order terms (Neumaier, ZAMM 54
// (1974)), so that ten million rows lose no digits. The zero value is 0; once a term or the total is not finite, Value is NaN.
type Sum struct{ total, lost float64 }

// Add adds v.
func (s *Sum) Add(v float64) {
	t := s.total + v
	if math.Abs(s.total) >= math.Abs(v) {
		s.lost += (s.total - t) + v
	} else {
		s.lost += (v - t) + s.total
	}
	s.total = t
}

// Join adds what another sum has, with what it has lost.
func (s *Sum) Join(o Sum) {
	s.Add(o.total)
	s.lost += o.lost
}

// Value is the sum so far.
func (s *Sum) Value() float64 { return s.total + s.lost }

// Sigmoid is 1/(1+exp(-z)), by the sign of z so that neither side overflows nor loses small probabilities;
// 0 and 1 at the infinities, NaN at NaN.
func Sigmoid(z float64) float64 {
	if z >= 0 {
		return 1 / (1 + math.Exp(-z))
	}
	e := math.Exp(z)
	return e / (1 + e)
}

// Sigmoids are Sigmoid(z) and Sigmoid(-z), from one exponential.
func Sigmoids(z float64) (p, q float64) {
	e := math.Exp(-math.Abs(z))
	p, q = 1/(1+e), e/(1+e)
	if z < 0 {
		p, q = q, p
	}
	return p, q
}

// Softplus is log(1 + exp(z)) = max(z, 0) + log1p(exp(-|z|)) (Mächler 2012, "Accurately computing log(1 - exp(-|a|))", §4).
func Softplus(z float64) float64 {
	l := math.Log1p(math.Exp(-math.Abs(z)))
	if z > 0 {
		return z + l
	}
	return l
}

// Loss is softplus(z) - y·z as y·softplus(-z) + (1-y)·softplus(z), without the cancellation at y = 1.
func Loss(z, y float64) float64 {
	l := math.Log1p(math.Exp(-math.Abs(z)))
	if z > 0 {
		return l + float64((1-y)*z)
	}
	return l - float64(y*z)
}
