package infer

import (
	"fmt"
	"math"

	"github.com/descent-ml/descent/internal/scalar"
)

// Coefficient is one estimate with its Wald statistics. What is undefined is NaN.
type Coefficient struct {
	Estimate  float64
	StdError  float64
	Z         float64 // Estimate / StdError
	P         float64 // two-sided: erfc(|Z|/√2), positive up to |Z| = 38
	Low, High float64 // Estimate ± q·StdError, q = Quantile(conf)
	OddsRatio float64 // exp(Estimate): +Inf from 709.8; of more than two classes the relative risk ratio
}

// Coefficients is Wald for every parameter: estimates is (n), cov is n×n.
func Coefficients(estimates, cov []float64, conf float64) ([]Coefficient, error) {
	n := len(estimates)
	if len(cov) != n*n {
		return nil, fmt.Errorf("infer: a covariance of %d numbers for %d parameters", len(cov), n)
	}
	q, err := Quantile(conf)
	if err != nil {
		return nil, err
	}
	out := make([]Coefficient, n)
	for i, e := range estimates {
		out[i] = wald(e, math.Sqrt(cov[i*n+i]), q)
	}
	return out, nil
}

// Wald is the test of one coefficient against 0 and its interval at the confidence level conf, such as 0.95. With a
// standard error that is NaN, 0 or negative everything but Estimate and OddsRatio is NaN.
func Wald(estimate, stdError, conf float64) (Coefficient, error) {
	q, err := Quantile(conf)
	if err != nil {
		return Coefficient{}, err
	}
	return wald(estimate, stdError, q), nil
}

func wald(estimate, stdError, q float64) Coefficient {
	c := Coefficient{Estimate: estimate, StdError: stdError, OddsRatio: math.Exp(estimate)}
	if !(stdError > 0) {
		nan := math.NaN()
		c.StdError, c.Z, c.P, c.Low, c.High = nan, nan, nan, nan, nan
		return c
	}
	c.Z = estimate / stdError
	c.P = math.Erfc(math.Abs(c.Z) / math.Sqrt2)
	c.Low, c.High = estimate-float64(q*stdError), estimate+float64(q*stdError)
	return c
}

// Quantile is the q with P(|N(0,1)| ≤ q) = conf: 1.96 for 0.95. An error unless 0 < conf < 1.
func Quantile(conf float64) (float64, error) {
	if !(conf > 0 && conf < 1) {
		return 0, fmt.Errorf("confidence level %v is not between 0 and 1", conf)
	}
	return math.Sqrt2 * math.Erfinv(conf), nil
}

// ProbabilityInterval is the interval of a predicted probability: sigmoid(z ± q·√variance), with q from Quantile and
// the variance of z from Variance. It lies in [0, 1]; NaN if z or variance is NaN.
func ProbabilityInterval(z, variance, q float64) (low, high float64) {
	d := float64(q * math.Sqrt(variance))
	return scalar.Sigmoid(z - d), scalar.Sigmoid(z + d)
}
