package infer

import (
	"fmt"
	"math"

	"github.com/descent-ml/descent/internal/scalar"
)

// LogLikelihoodClasses is Σ s·log a_y = -Σ s·(log Σ_k exp(z_k) - z_y) of K classes: z is (m×K), row-major, label is (m), each from 0 to K-1, s is
// (m) or nil for ones. Offsets are part of z. Errors: lengths that differ, a label that is no class, a score or weight that is not
// finite, a negative weight.
func LogLikelihoodClasses(z []float64, label []int32, K int, s []float64) (float64, error) {
	if len(z) != len(label)*K {
		return 0, fmt.Errorf("infer: %d scores for %d rows of %d classes", len(z), len(label), K)
	}
	if err := checkClasses(label, K, s); err != nil {
		return 0, err
	}
	for i, v := range z {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, fmt.Errorf("infer: row %d: score %v of class %d is not finite", i/K+1, v, i%K)
		}
	}
	var loss scalar.Sum
	for i, y := range label {
		loss.Add(float64(weight(s, i) * classLoss(z[i*K:(i+1)*K], int(y))))
	}
	return -loss.Value(), nil
}

// classLoss is log Σ_k exp(z_k) - z_y with the largest z, z_t, taken off: (z_t - z_y) + log1p(Σ_{k≠t} exp(z_k - z_t)).
func classLoss(z []float64, y int) float64 {
	t := 0
	for k, v := range z {
		if v > z[t] {
			t = k
		}
	}
	var rest float64
	for k, v := range z {
		if k != t {
			rest += math.Exp(v - z[t])
		}
	}
	return (z[t] - z[y]) + math.Log1p(rest)
}

// NullClasses is the log likelihood of the intercepts alone, Σ_k m_k·log(m_k/m) with m_k = Σ s of class k: label is (m), each from 0 to K-1, s is (m)
// or nil for ones. A class without weight adds nothing. An offset that all classes share cancels, so there is none here. Without weight
// it is NaN. Errors: a label that is no class, weights of another length, negative or not finite.
func NullClasses(label []int32, K int, s []float64) (logLikelihood float64, err error) {
	if err := checkClasses(label, K, s); err != nil {
		return 0, err
	}
	of := make([]scalar.Sum, K)
	var total, l scalar.Sum
	for i, y := range label {
		w := weight(s, i)
		of[y].Add(w)
		total.Add(w)
	}
	m := total.Value()
	if m == 0 {
		return math.NaN(), nil
	}
	for k := range of {
		part := of[k].Value()
		if part == 0 {
			continue
		}
		log := math.Log(part / m)
		if part > m/2 { // by what is missing
			var others scalar.Sum
			for j := range of {
				if j != k {
					others.Add(of[j].Value())
				}
			}
			log = math.Log1p(-others.Value() / m)
		}
		l.Add(float64(part * log))
	}
	return l.Value(), nil
}

func checkClasses(label []int32, K int, s []float64) error {
	if s != nil && len(s) != len(label) {
		return fmt.Errorf("infer: %d weights for %d labels", len(s), len(label))
	}
	for i, y := range label {
		if y < 0 || int(y) >= K {
			return fmt.Errorf("infer: row %d: label %d is no class, there are %d", i+1, y, K)
		}
		if w := weight(s, i); !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("infer: row %d: weight %v is not a finite number from 0 up", i+1, w)
		}
	}
	return nil
}
