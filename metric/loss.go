package metric

import "math"

// LogLoss is Σ s L / Σ s with L = log(1 + exp(-z)) for label 1 and log(1 + exp(z)) for label 0, the loss of the
// lecture written in z: finite for every finite z (Mächler 2012, "Accurately computing log(1 - exp(-|a|))", §4).
// NaN without rows or weight. r must have passed Rows.Check.
func LogLoss(r Rows) float64 {
	var loss, weight sum
	for i, z := range r.LogOdds {
		if r.Label[i] == 1 {
			z = -z
		}
		s := r.weight(i)
		loss.add(float64(s * softplus(z)))
		weight.add(s)
	}
	return loss.value() / weight.value()
}

// softplus is log(1 + exp(z)) = max(z, 0) + log1p(exp(-|z|)).
func softplus(z float64) float64 {
	l := math.Log1p(math.Exp(-math.Abs(z)))
	if z > 0 {
		return z + l
	}
	return l
}

// Brier is Σ s (a - y)² / Σ s (Brier 1950). NaN without rows or weight. r must have passed Rows.Check.
func Brier(r Rows) float64 {
	var square, weight sum
	for i, y := range r.Label {
		s, d := r.weight(i), r.probability(i)-y
		square.add(float64(s * float64(d*d)))
		weight.add(s)
	}
	return square.value() / weight.value()
}
