package infer

import "fmt"

// Sandwich is scale·C M C, the covariance of coefficients that does not believe the model about the variance of the labels (Huber 1967; White
// 1982): c is n×n, the inverse information of Covariance, m the n×n sum of the outer products of the scores, Σ_i u_i u_iᵀ with
// u_i = dz_i·x_i of one row, or of the sums of every cluster. A row of weight k is k rows, so it adds k·u uᵀ. The result is new and symmetric to the bit.
func Sandwich(c, m []float64, n int, scale float64) ([]float64, error) {
	if len(c) != n*n || len(m) != n*n {
		return nil, fmt.Errorf("infer: %d and %d numbers are no two %d×%d matrices", len(c), len(m), n, n)
	}
	out := Transform(c, n, m, n)
	for i := range out {
		out[i] *= scale
	}
	return out, nil
}

// HC1 is the factor m/(m-k) of robust errors, m = Σ s and k parameters (MacKinnon and White 1985): that of R's sandwich::vcovHC(type = "HC1"). (Stata's
// logit has m/(m-1).) An error unless m > k.
func HC1(m float64, parameters int) (float64, error) {
	if !(m > float64(parameters)) {
		return 0, fmt.Errorf("a weight of %v is not more than %d parameters, so hc1 has no factor m/(m-k)", m, parameters)
	}
	return m / (m - float64(parameters)), nil
}

// ClusterScale is the factor G/(G-1)·(m-1)/(m-k) of clustered errors: that of statsmodels and of R's sandwich::vcovCL(type = "HC1"). An error
// unless there are two clusters and m > k.
func ClusterScale(clusters int, m float64, parameters int) (float64, error) {
	if clusters < 2 {
		return 0, fmt.Errorf("%d cluster: clustered errors need two and more", clusters)
	}
	h, err := HC1(m, parameters)
	if err != nil {
		return 0, err
	}
	return float64(clusters) / float64(clusters-1) * h * (m - 1) / m, nil
}

// Outer is Σ_g u_g u_gᵀ: u has rows of n numbers. The result is n×n and symmetric to the bit.
func Outer(u []float64, n int) []float64 {
	out := make([]float64, n*n)
	for at := 0; at+n <= len(u); at += n {
		r := u[at : at+n]
		for i, v := range r {
			for j, w := range r[:i+1] {
				out[i*n+j] += float64(v * w)
			}
		}
	}
	for i := range n {
		for j := range i {
			out[j*n+i] = out[i*n+j]
		}
	}
	return out
}
