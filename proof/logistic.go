package proof

const unit = 0x1p-53 // the rounding unit of float64

// gamma is k·u/(1-k·u), the bound on k rounding errors in a row (Higham, Accuracy and Stability of Numerical
// Algorithms, 2nd ed., §3.1).
func gamma(k float64) float64 { return k * unit / (1 - k*unit) }
