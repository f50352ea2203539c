package metric

import "github.com/descent-ml/descent/internal/scalar"

// LogLoss is Σ s L / Σ s with L = log(1 + exp(-z)) for label 1 and log(1 + exp(z)) for label 0, the loss of the
// lecture written in z: finite for every finite z (Mächler 2012, "Accurately computing log(1 - exp(-|a|))", §4).
// NaN without rows or weight. r must have passed Rows.Check.
func LogLoss(r Rows) float64 {
	var loss, weight scalar.Sum
	for i, z := range r.LogOdds {
		if r.Label[i] == 1 {
			z = -z
		}
		s := r.weight(i)
		loss.Add(float64(s * scalar.Softplus(z)))
		weight.Add(s)
	}
	return loss.Value() / weight.Value()
}

// Brier is Σ s (a - y)² / Σ s (Brier 1950). NaN without rows or weight. r must have passed Rows.Check.
func Brier(r Rows) float64 {
	var square, weight scalar.Sum
	for i, y := range r.Label {
		s, d := r.weight(i), r.probability(i)-y
		square.Add(float64(s * float64(d*d)))
		weight.Add(s)
	}
	return square.Value() / weight.Value()
}
