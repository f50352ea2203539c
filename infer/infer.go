// Package infer holds the statistics of a logistic regression, of two classes or more, fitted by maximum likelihood:
// covariance and standard errors of the coefficients (also robust and clustered), Wald and likelihood-ratio tests, Wald and
// profile-likelihood intervals, odds ratios, deviances and information criteria, and diagnostics of columns and rows.
//
//	cov, err := infer.Covariance(h, m, n+1)       // h: Hessian of J (a mean) at the optimum
//	raw := infer.Map{Center: c, Scale: k}         // what the model saw: (x - c)·k
//	rows, err := infer.Coefficients(raw.Weights(theta), raw.Covariance(cov, n), 0.95)
//
// θ = (w_0 … w_{n-1}, b), the bias last; of more than two classes every class but one has an equation, see Equations.
// m = Σ s, the sum of the row weights, everywhere, so that weight k is the row k times. Matrices are row-major.
//
// None of the plain errors and tests is valid for a penalised, separated or unfinished fit, or another loss: Why says so in words. The
// package does not read data.
package infer

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// ErrSingular is what Covariance wraps when the information has no inverse: a coefficient is not determined.
var ErrSingular = errors.New("the information matrix is not positive definite")

// Covariance is (m·H)⁻¹, the inverse Fisher information: h is n×n, the Hessian of the cost J = (1/m) Σ s·L at the
// optimum (only its lower triangle is read), m = Σ s. The result is n×n, symmetric to the bit. It is computed by
// Cholesky after scaling the diagonal to one, so columns of very different units do no harm (Higham 2002, §10.1).
// An error wraps ErrSingular, and names the first parameter (from 0) that the earlier ones determine, where H is
// not positive definite; h with NaN, infinities or the wrong length and m that is not positive are errors, too.
func Covariance(h []float64, m float64, n int) ([]float64, error) {
	if n < 0 || len(h) != n*n {
		return nil, fmt.Errorf("infer: %d numbers are no %d×%d matrix", len(h), n, n)
	}
	if !(m > 0) || math.IsInf(m, 0) {
		return nil, fmt.Errorf("infer: the sum of the weights is %v", m)
	}
	if n == 0 {
		return []float64{}, nil
	}
	d := make([]float64, n)
	for i := range d {
		v := h[i*n+i]
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("infer: entry %d, %d of the information is %v", i, i, v)
		}
		if v <= 0 {
			return nil, fmt.Errorf("infer: %w: parameter %d", ErrSingular, i)
		}
		d[i] = 1 / math.Sqrt(v)
	}
	scaled := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			v := h[i*n+j]
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("infer: entry %d, %d of the information is %v", i, j, v)
			}
			scaled.SetSym(i, j, float64(v*d[i])*d[j])
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(scaled) || chol.Cond() > 1/epsilon {
		return nil, fmt.Errorf("infer: %w: parameter %d", ErrSingular, firstDependent(scaled))
	}
	var inverse mat.SymDense
	if err := chol.InverseTo(&inverse); err != nil {
		// Factorize and Cond passed, so this is gonum's warning about the condition number, with the inverse in place.
		var condition mat.Condition
		if !errors.As(err, &condition) {
			return nil, fmt.Errorf("infer: %w", err)
		}
	}
	c := make([]float64, n*n)
	for i := range n {
		for j := range i + 1 {
			v := float64(float64(inverse.At(i, j)*d[i])*d[j]) / m
			c[i*n+j], c[j*n+i] = v, v
		}
	}
	return c, nil
}

// epsilon is the distance from 1 to the next float64.
const epsilon = 0x1p-52

// firstDependent is the order of the smallest leading block that is not safely positive definite, less one.
func firstDependent(a *mat.SymDense) int {
	n := a.SymmetricDim()
	l := make([]float64, n*n)
	worst, at := math.Inf(1), n-1
	for i := range n {
		for j := range i + 1 {
			v := a.At(i, j)
			for k := range j {
				v -= float64(l[i*n+k] * l[j*n+k])
			}
			if i == j {
				if v < worst {
					worst, at = v, i
				}
				if v <= 0 {
					return i
				}
				l[i*n+i] = math.Sqrt(v)
			} else {
				l[i*n+j] = v / l[j*n+j]
			}
		}
	}
	return at
}

// Variance is xᵀ C x, the variance of the linear predictor x·θ: x is (n), c is n×n. x holds the 1 of the bias.
// It takes n² multiplications and no memory. Take x and C in the model's (centred, scaled) coordinates: in raw
// units a column like a year, far from 0, cancels most digits away.
func Variance(c, x []float64) float64 {
	n := len(x)
	var v float64
	for i, xi := range x {
		if xi == 0 {
			continue
		}
		row := c[i*n : i*n+n]
		var r float64
		for j, xj := range x {
			r += float64(row[j] * xj)
		}
		v += float64(xi * r)
	}
	return max(v, 0)
}
