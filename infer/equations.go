package infer

import "fmt"

// Equations is how θ of several equations with the same columns lies in memory: Count equations, each with Weights weights
// and a bias, first all weights, equation by equation, then the biases:
//
//	θ = (w_00 … w_0,n-1,  w_10 … w_1,n-1,  …,  b_0, b_1, …),  n = Weights
//
// A multinomial logit of K classes has K-1, one for every class but the reference, in the order of the classes; one equation is
// θ = (w, b) of the rest of the package. A covariance of θ is Size()×Size(). What is taken out of one equation has its bias last:
//
//	(w_k0 … w_k,n-1, b_k) = (θ[k·n] … θ[k·n+n-1], θ[Count·n + k])
type Equations struct {
	Count   int
	Weights int
}

// Size is the number of parameters, Count·(Weights+1).
func (e Equations) Size() int { return e.Count * (e.Weights + 1) }

// At is the place in θ of parameter j of equation k: of its weight j, or of its bias for j = Weights.
func (e Equations) At(k, j int) int {
	if j == e.Weights {
		return e.Count*e.Weights + k
	}
	return k*e.Weights + j
}

// Equation is (w_k, b_k) out of theta. The result is new.
func (e Equations) Equation(theta []float64, k int) []float64 {
	out := make([]float64, e.Weights+1)
	for j := range out {
		out[j] = theta[e.At(k, j)]
	}
	return out
}

// Block is the covariance of (w_k, b_k) with (w_l, b_l) out of c: (n+1)×(n+1), a row for every parameter of k. The result is new.
func (e Equations) Block(c []float64, k, l int) []float64 {
	n, size := e.Weights+1, e.Size()
	out := make([]float64, n*n)
	for i := range n {
		row := c[e.At(k, i)*size:]
		for j := range n {
			out[i*n+j] = row[e.At(l, j)]
		}
	}
	return out
}

// EquationWeights is T θ, every equation mapped as Weights does one. The result is new, in the order of e.
func (t Map) EquationWeights(e Equations, theta []float64) []float64 {
	n := e.Weights
	raw := make([]float64, len(theta))
	for k := range e.Count {
		b := theta[e.At(k, n)]
		for j := range n {
			p := e.At(k, j)
			raw[p] = float64(theta[p] * t.scale(j))
			b -= float64(raw[p] * t.center(j))
		}
		raw[e.At(k, n)] = b
	}
	return raw
}

// EquationCovariance is T C Tᵀ for all equations together, in Count²·(n+1)² steps; only the lower triangle of c is read. The result is new, in the
// order of e, and symmetric to the bit.
func (t Map) EquationCovariance(e Equations, c []float64) []float64 {
	n, size := e.Weights, e.Size()
	raw := make([]float64, size*size)
	for p := range e.Count * n {
		for q := range p + 1 {
			v := float64(float64(c[p*size+q]*t.scale(p%n)) * t.scale(q%n))
			raw[p*size+q], raw[q*size+p] = v, v
		}
	}
	for k := range e.Count {
		b := e.At(k, n)
		// cov(w_p, b_k) = scale_p·c(p, b̃_k) - Σ_i cov(w_p, w_ki)·center_i, p any weight of any equation
		for p := range e.Count * n {
			v := float64(c[b*size+p] * t.scale(p%n))
			for i := range n {
				v -= float64(raw[p*size+e.At(k, i)] * t.center(i))
			}
			raw[b*size+p], raw[p*size+b] = v, v
		}
		// cov(b_k, b_l) = cov(b̃_k, b̃_l) - Σ scale_j·center_j·c(w̃_kj, b̃_l) - Σ center_j·cov(b_k, w_lj), l ≤ k
		for l := range k + 1 {
			d := e.At(l, n)
			v := c[b*size+d]
			for j := range n {
				v -= float64(t.center(j) * (float64(c[d*size+e.At(k, j)]*t.scale(j)) + raw[b*size+e.At(l, j)]))
			}
			raw[b*size+d], raw[d*size+b] = v, v
		}
	}
	return raw
}

// EquationCoefficients is the Wald table of every equation: theta and cov are those of e, in original units. Row k holds the n weights of equation k,
// then its bias. OddsRatio is the relative risk ratio, exp of the estimate: what one unit more of the column multiplies a_k/a_reference by.
func EquationCoefficients(e Equations, theta, cov []float64, conf float64) ([][]Coefficient, error) {
	if len(theta) != e.Size() {
		return nil, fmt.Errorf("infer: %d parameters for %d equations with %d weights", len(theta), e.Count, e.Weights)
	}
	all, err := Coefficients(theta, cov, conf)
	if err != nil {
		return nil, err
	}
	out := make([][]Coefficient, e.Count)
	for k := range out {
		out[k] = make([]Coefficient, e.Weights+1)
		for j := range out[k] {
			out[k][j] = all[e.At(k, j)]
		}
	}
	return out, nil
}

// SetBlock writes the covariance of (w_k, b_k) with (w_l, b_l) into c, and its transpose as that of l with k: what Block reads.
func (e Equations) SetBlock(c, block []float64, k, l int) {
	n, size := e.Weights+1, e.Size()
	for i := range n {
		for j := range n {
			p, q := e.At(k, i), e.At(l, j)
			c[p*size+q], c[q*size+p] = block[i*n+j], block[i*n+j]
		}
	}
}

// Order puts rows of Size numbers that hold (w_0, b_0), (w_1, b_1), … into the order of θ. The result is new.
func (e Equations) Order(rows []float64) []float64 {
	n, size := e.Weights+1, e.Size()
	out := make([]float64, len(rows))
	for at := 0; at+size <= len(rows); at += size {
		for k := range e.Count {
			for j := range n {
				out[at+e.At(k, j)] = rows[at+k*n+j]
			}
		}
	}
	return out
}
