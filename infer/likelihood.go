package infer

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/descent-ml/descent/internal/scalar"
)

// Likelihood is what the log likelihood of a fit says, beside that of the constant model.
type Likelihood struct {
	LogLikelihood     float64 // -Σ s·L
	NullLogLikelihood float64 // the same with the intercepts (and the offset) alone
	Deviance          float64 // -2·LogLikelihood
	NullDeviance      float64
	Parameters        int     // weights and intercepts, without aliased columns
	DFResidual        float64 // m - Parameters, m = Σ s
	DFNull            float64 // m - 1; of K classes m - (K-1)
	AIC               float64 // Deviance + 2·Parameters (Akaike 1974)
	BIC               float64 // Deviance + log(m)·Parameters (Schwarz 1978)
	LikelihoodRatio   float64 // NullDeviance - Deviance: the test of the whole model against the constant one
	LikelihoodRatioDF int     // Parameters - 1; of K classes Parameters - (K-1), (K-1)·n for n weights in every equation
	LikelihoodRatioP  float64 // its tail of chi-squared; NaN without weights
	McFadden          float64 // 1 - LogLikelihood/NullLogLikelihood; NaN where the null one is 0
	CoxSnell          float64 // 1 - exp(-LikelihoodRatio/m)
	Nagelkerke        float64 // CoxSnell over the largest value it can take; NaN where that is 0
}

// Summarize derives all of Likelihood of two classes from the two log likelihoods, m = Σ s and the number of parameters.
func Summarize(logLikelihood, nullLogLikelihood, m float64, parameters int) Likelihood {
	return SummarizeClasses(logLikelihood, nullLogLikelihood, m, parameters, 2)
}

// SummarizeClasses is Summarize for any number of classes, K: parameters counts those of all equations, (K-1)·(n+1), of which the null model
// has the K-1 intercepts. Degrees of freedom are counted as statsmodels does, m once (VGAM counts m·(K-1)).
func SummarizeClasses(logLikelihood, nullLogLikelihood, m float64, parameters, classes int) Likelihood {
	k, intercepts := float64(parameters), classes-1
	l := Likelihood{
		LogLikelihood: logLikelihood, NullLogLikelihood: nullLogLikelihood,
		Deviance: -2 * logLikelihood, NullDeviance: -2 * nullLogLikelihood,
		Parameters: parameters, DFResidual: m - k, DFNull: m - float64(intercepts),
		LikelihoodRatio: likelihoodRatio(logLikelihood, nullLogLikelihood, parameters-intercepts), LikelihoodRatioDF: parameters - intercepts,
		LikelihoodRatioP: math.NaN(), McFadden: math.NaN(), Nagelkerke: math.NaN(),
	}
	l.AIC = l.Deviance + 2*k
	l.BIC = l.Deviance + float64(math.Log(m)*k)
	if df := l.LikelihoodRatioDF; df > 0 && !math.IsNaN(l.LikelihoodRatio) {
		l.LikelihoodRatioP = ChiSquaredTail(l.LikelihoodRatio, float64(df))
	}
	l.CoxSnell = -math.Expm1(-l.LikelihoodRatio / m)
	if nullLogLikelihood != 0 {
		l.McFadden = 1 - logLikelihood/nullLogLikelihood
		l.Nagelkerke = l.CoxSnell / -math.Expm1(2*nullLogLikelihood/m)
	}
	return l
}

// likelihoodRatio is 0 where the model is the constant one, whose two fits differ by rounding.
func likelihoodRatio(logLikelihood, nullLogLikelihood float64, df int) float64 {
	if df == 0 {
		return 0
	}
	return 2 * (logLikelihood - nullLogLikelihood)
}

// ChiSquaredTail is P(χ² with df degrees of freedom > x): 1 for x ≤ 0. df must be positive.
func ChiSquaredTail(x, df float64) float64 {
	if x <= 0 {
		return 1
	}
	return mathext.GammaIncRegComp(df/2, x/2)
}

// LogLikelihood is -Σ s·(softplus(z) - y·z): z, y are (m), s is (m) or nil for ones. Offsets are part of z.
func LogLikelihood(z, y, s []float64) (float64, error) {
	if err := check(y, s, z); err != nil {
		return 0, err
	}
	var loss scalar.Sum
	for i, t := range z {
		loss.Add(float64(weight(s, i) * scalar.Loss(t, y[i])))
	}
	return -loss.Value(), nil
}

// Null is the fit of the intercept alone: labels y (m), weights s (m, nil for ones), offset o (m, nil for zeros). It
// returns the intercept b and its log likelihood. Without an offset b = log(Σ s·y / Σ s·(1-y)) exactly; with one
// Newton's method on the one increasing equation Σ s·(sigmoid(o+b) - y) = 0, kept inside a bracket. With one class
// b is infinite and the log likelihood 0, its supremum. Without weight both are NaN. Labels may lie anywhere in
// [0, 1]. Errors: lengths that differ, a label outside [0, 1], an offset or weight that is not finite.
func Null(y, s, o []float64) (b, logLikelihood float64, err error) {
	if err := check(y, s, o); err != nil {
		return 0, 0, err
	}
	var positive, total, lowest, highest = scalar.Sum{}, scalar.Sum{}, math.Inf(1), math.Inf(-1)
	for i, v := range y {
		w := weight(s, i)
		positive.Add(float64(w * v))
		total.Add(w)
		if o != nil && w > 0 {
			lowest, highest = min(lowest, o[i]), max(highest, o[i])
		}
	}
	p, m := positive.Value(), total.Value()
	if m == 0 {
		return math.NaN(), math.NaN(), nil
	}
	b = math.Log(p) - math.Log(m-p)
	if math.IsInf(b, 0) {
		return b, 0, nil
	}
	at := func(i int) float64 {
		if o == nil {
			return b
		}
		return o[i] + b
	}
	if o != nil {
		// At b = logit(p/m) - highest every probability is at most p/m, at - lowest at least.
		low, high := b-highest, b-lowest
		b = low + (high-low)/2
		before := high - low // the width of the bracket at the last step
		for range maxNullSteps {
			var g, h scalar.Sum
			for i, v := range y {
				z := at(i)
				a := scalar.Sigmoid(z)
				g.Add(float64(weight(s, i) * (a - v)))
				h.Add(float64(weight(s, i) * float64(a*scalar.Sigmoid(-z))))
			}
			gradient := g.Value()
			if gradient == 0 {
				break
			}
			if gradient > 0 {
				high = b
			} else {
				low = b
			}
			// Newton's step, unless it leaves the bracket or is longer than half of what the bracket was: offsets far
			// apart make a staircase, on which Newton alone jumps to and fro.
			next := b - gradient/h.Value()
			if !(next > low && next < high && math.Abs(next-b) < before/2) {
				next = low + (high-low)/2
			}
			before = high - low
			done := math.Abs(next-b) <= epsilon*math.Abs(b) || next == low || next == high
			b = next
			if done {
				break
			}
		}
	}
	var loss scalar.Sum
	for i, v := range y {
		loss.Add(float64(weight(s, i) * scalar.Loss(at(i), v)))
	}
	return b, -loss.Value(), nil
}

// maxNullSteps: so often bisection alone halves any float64 bracket to nothing.
const maxNullSteps = 1100

func weight(s []float64, i int) float64 {
	if s == nil {
		return 1
	}
	return s[i]
}

func check(y, s, z []float64) error {
	if s != nil && len(s) != len(y) {
		return fmt.Errorf("infer: %d weights for %d labels", len(s), len(y))
	}
	if z != nil && len(z) != len(y) {
		return fmt.Errorf("infer: %d log-odds or offsets for %d labels", len(z), len(y))
	}
	for i, v := range y {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("infer: row %d: label %v is not between 0 and 1", i+1, v)
		}
		if w := weight(s, i); !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("infer: row %d: weight %v is not a finite number from 0 up", i+1, w)
		}
		if z != nil && (math.IsNaN(z[i]) || math.IsInf(z[i], 0)) {
			return fmt.Errorf("infer: row %d: log-odds or offset %v is not finite", i+1, z[i])
		}
	}
	return nil
}
