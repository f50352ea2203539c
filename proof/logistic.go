package proof

import "math"

const unit = 0x1p-53 // the rounding unit of float64

// gamma is k·u/(1-k·u), the bound on k rounding errors in a row (Higham, Accuracy and Stability of Numerical
// Algorithms, 2nd ed., §3.1).
func gamma(k float64) float64 { return k * unit / (1 - k*unit) }

// residual is sigmoid(z) - y as (1-y)·p - y·q, which keeps all its digits where y is 0 or 1.
func residual(p, q, y float64) float64 { return float64((1-y)*p) - float64(y*q) }

// entropy is -q·log q - (1-q)·log(1-q) at q = sigmoid(z), a sum of two positive terms.
func entropy(z float64) float64 {
	a := math.Abs(z)
	e := math.Exp(-a)
	if e == 0 {
		return 0
	}
	return math.Log1p(e) + float64(a*e)/(1+e)
}
