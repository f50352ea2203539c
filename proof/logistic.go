package proof

import "math"

const unit = 0x1p-53 // the rounding unit of float64

// gamma is k·u/(1-k·u), the bound on k rounding errors in a row (Higham, Accuracy and Stability of Numerical
// Algorithms, 2nd ed., §3.1).
func gamma(k float64) float64 { return k * unit / (1 - k*unit) }

// sum adds with a running compensation: the error is at most 2u·|Σ| plus second-order terms (Neumaier, ZAMM 54 (1974)).
type sum struct{ s, c float64 }

func (a *sum) add(v float64) {
	t := a.s + v
	if math.Abs(a.s) >= math.Abs(v) {
		a.c += (a.s - t) + v
	} else {
		a.c += (v - t) + a.s
	}
	a.s = t
}

func (a *sum) value() float64 { return a.s + a.c }

// sigmoids returns sigmoid(z) and sigmoid(-z), each to a few units in the last place.
func sigmoids(z float64) (p, q float64) {
	e := math.Exp(-math.Abs(z))
	p, q = 1/(1+e), e/(1+e)
	if z < 0 {
		p, q = q, p
	}
	return p, q
}

// loss is softplus(z) - y·z, without the cancellation at y = 1: y·softplus(-z) + (1-y)·softplus(z).
func loss(z, y float64) float64 {
	t := math.Log1p(math.Exp(-math.Abs(z)))
	if z > 0 {
		return t + float64((1-y)*z)
	}
	return t - float64(y*z)
}

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
