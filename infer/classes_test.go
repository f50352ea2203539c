package infer_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent/infer"
	"gonum.org/v1/gonum/mat"
)

// multinomial is a set and what other programs say of it; testdata/multinomial.py made the numbers. The intercept is first everywhere.
type multinomial struct {
	Name, Path, Label, Weight string
	Columns, Levels           []string
	VGAM                      struct {
		Software      string
		Estimate      [][]float64
		StdError      [][]float64 `json:"std_error"`
		Covariance    [][]float64 // equation by equation
		LogLikelihood float64     `json:"log_likelihood"`
	}
	Nnet struct {
		Software          string
		Estimate          [][]float64
		StdError          [][]float64 `json:"std_error"`
		LogLikelihood     float64     `json:"log_likelihood"`
		NullLogLikelihood float64     `json:"null_log_likelihood"`
		AIC               float64
		Parameters        int
	}
	Statsmodels *struct {
		Software          string
		Estimate          [][]float64
		StdError          [][]float64 `json:"std_error"`
		Z, P, Low, High   [][]float64
		LogLikelihood     float64 `json:"log_likelihood"`
		NullLogLikelihood float64 `json:"null_log_likelihood"`
		LR                float64
		LRP               float64 `json:"lr_p"`
		LRDF              int     `json:"lr_df"`
		DFResidual        float64 `json:"df_residual"`
		AIC, BIC          float64
		McFadden          float64
		Parameters        int
	}
}

// design reads the rows (x, 1), the classes in the order of Levels (the reference first) and the weights, nil without.
func (c *multinomial) design(t *testing.T) (x [][]float64, label []int32, s []float64) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", filepath.FromSlash(c.Path)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := func(record []string, name string) float64 {
		v, err := strconv.ParseFloat(record[slices.Index(records[0], name)], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, record := range records[1:] {
		var row []float64
		for _, name := range c.Columns {
			row = append(row, number(record, name))
		}
		x = append(x, append(row, 1))
		label = append(label, int32(slices.Index(c.Levels, record[slices.Index(records[0], c.Label)])))
		if c.Weight != "" {
			s = append(s, number(record, c.Weight))
		}
	}
	return x, label, s
}

// fitClasses is Newton's method without a safeguard, class 0 the reference: θ in the order of Equations, the scores of all K
// classes and the Hessian of J at the optimum.
func fitClasses(t *testing.T, x [][]float64, label []int32, K int, s []float64) (theta, z, h []float64, m float64) {
	t.Helper()
	n := len(x[0]) - 1
	e := infer.Equations{Count: K - 1, Weights: n}
	size := e.Size()
	theta, z = make([]float64, size), make([]float64, len(x)*K)
	for range 30 {
		h = make([]float64, size*size)
		g := make([]float64, size)
		m = 0
		for i, row := range x {
			a, total := make([]float64, K), 0.0
			for k := range K {
				z[i*K+k] = 0
				if k > 0 {
					for j, v := range row {
						z[i*K+k] += v * theta[e.At(k-1, j)]
					}
				}
				a[k] = math.Exp(z[i*K+k])
				total += a[k]
			}
			weight := 1.0
			if s != nil {
				weight = s[i]
			}
			m += weight
			for k := 1; k < K; k++ {
				a[k] /= total
			}
			for k := 1; k < K; k++ {
				dz := a[k]
				if int(label[i]) == k {
					dz--
				}
				for j, v := range row {
					p := e.At(k-1, j)
					g[p] += weight * dz * v
					for l := 1; l < K; l++ {
						c := -a[k] * a[l]
						if k == l {
							c += a[k]
						}
						for q, u := range row {
							h[p*size+e.At(l-1, q)] += weight * c * v * u
						}
					}
				}
			}
		}
		for i := range h {
			h[i] /= m
		}
		var chol mat.Cholesky
		if !chol.Factorize(mat.NewSymDense(size, slices.Clone(h))) {
			t.Fatal("the Hessian of the test's own fit is singular")
		}
		var step mat.VecDense
		if err := chol.SolveVecTo(&step, mat.NewVecDense(size, g)); err != nil {
			t.Fatal(err)
		}
		for p := range theta {
			theta[p] -= step.AtVec(p) / m
		}
	}
	return theta, z, h, m
}

func TestMultinomial(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "multinomial.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []multinomial
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 4 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			x, label, s := c.design(t)
			K := len(c.Levels)
			scaled, back := standardise(x)
			theta, z, h, m := fitClasses(t, scaled, label, K, s)
			e := infer.Equations{Count: K - 1, Weights: len(c.Columns)}
			cov, err := infer.Covariance(h, m, e.Size())
			if err != nil {
				t.Fatal(err)
			}
			raw := back.EquationCovariance(e, cov)
			table, err := infer.EquationCoefficients(e, back.EquationWeights(e, theta), raw, 0.95)
			if err != nil {
				t.Fatal(err)
			}
			terms := e.Weights + 1
			for k := range e.Count {
				for i := range terms { // the others have the intercept first
					got := table[k][(i+e.Weights)%terms]
					is := func(program, what string, got, want, relative float64) {
						t.Helper()
						near(t, fmt.Sprintf("class %s, term %d: %s of %s", c.Levels[k+1], i, what, program), got, want, relative, 1e-11)
					}
					// VGAM's covariance is that of its last but one iterate.
					is("VGAM", "estimate", got.Estimate, c.VGAM.Estimate[k][i], 1e-9)
					is("VGAM", "error", got.StdError, c.VGAM.StdError[k][i], 1e-8)
					is("VGAM", "relative risk ratio", got.OddsRatio, math.Exp(c.VGAM.Estimate[k][i]), 1e-9)
					// nnet stops where its cost no longer falls, about √ε errors from the optimum.
					near(t, "estimate of nnet in errors", (got.Estimate-c.Nnet.Estimate[k][i])/got.StdError, 0, 0, 5e-8)
					is("nnet", "error", got.StdError, c.Nnet.StdError[k][i], 1e-8)
					if o := c.Statsmodels; o != nil {
						is(o.Software, "estimate", got.Estimate, o.Estimate[k][i], 1e-9)
						is(o.Software, "error", got.StdError, o.StdError[k][i], 1e-9)
						is(o.Software, "z", got.Z, o.Z[k][i], 1e-9)
						is(o.Software, "p", got.P, o.P[k][i], 1e-8)
						is(o.Software, "low", got.Low, o.Low[k][i], 1e-9)
						is(o.Software, "high", got.High, o.High[k][i], 1e-9)
					}
					for l := range e.Count {
						block := e.Block(raw, k, l)
						for j := range terms {
							v := block[(i+e.Weights)%terms*terms+(j+e.Weights)%terms]
							unit := c.VGAM.StdError[k][i] * c.VGAM.StdError[l][j]
							near(t, fmt.Sprintf("correlation of %d.%d and %d.%d", k, i, l, j), v/unit, c.VGAM.Covariance[k*terms+i][l*terms+j]/unit, 0, 2e-8)
						}
					}
				}
			}
			logLik, err := infer.LogLikelihoodClasses(z, label, K, s)
			if err != nil {
				t.Fatal(err)
			}
			null, err := infer.NullClasses(label, K, s)
			if err != nil {
				t.Fatal(err)
			}
			l := infer.SummarizeClasses(logLik, null, m, e.Size(), K)
			near(t, "log likelihood (VGAM)", l.LogLikelihood, c.VGAM.LogLikelihood, 1e-12, 0)
			near(t, "log likelihood (nnet)", l.LogLikelihood, c.Nnet.LogLikelihood, 1e-12, 0)
			near(t, "null log likelihood (nnet)", l.NullLogLikelihood, c.Nnet.NullLogLikelihood, 1e-12, 0)
			near(t, "AIC (nnet)", l.AIC, c.Nnet.AIC, 1e-12, 0)
			if l.Parameters != c.Nnet.Parameters || l.LikelihoodRatioDF != e.Count*e.Weights || l.DFNull != m-float64(K-1) {
				t.Errorf("%d parameters, %d and %v degrees of freedom", l.Parameters, l.LikelihoodRatioDF, l.DFNull)
			}
			if o := c.Statsmodels; o != nil {
				near(t, "log likelihood", l.LogLikelihood, o.LogLikelihood, 1e-12, 0)
				// statsmodels fits its null model, to about 1e-10.
				near(t, "null log likelihood", l.NullLogLikelihood, o.NullLogLikelihood, 1e-9, 0)
				near(t, "likelihood ratio", l.LikelihoodRatio, o.LR, 1e-8, 0)
				near(t, "its p", l.LikelihoodRatioP, o.LRP, 1e-7, 0)
				near(t, "AIC", l.AIC, o.AIC, 1e-12, 0)
				near(t, "BIC", l.BIC, o.BIC, 1e-12, 0)
				near(t, "McFadden", l.McFadden, o.McFadden, 0, 1e-9)
				near(t, "residual degrees of freedom", l.DFResidual, o.DFResidual, 0, 0)
				if l.LikelihoodRatioDF != o.LRDF || l.Parameters != o.Parameters {
					t.Errorf("%d parameters, %d degrees of freedom, %s has %d and %d", l.Parameters, l.LikelihoodRatioDF, o.Software, o.Parameters, o.LRDF)
				}
			}
		})
	}
}

// TestEquationCovariance compares with the map as a matrix.
func TestEquationCovariance(t *testing.T) {
	const seed = 11
	random := rand.New(rand.NewPCG(seed, 0))
	for _, e := range []infer.Equations{{1, 0}, {1, 3}, {2, 0}, {2, 1}, {3, 4}, {5, 2}} {
		size := e.Size()
		root := make([]float64, size*size)
		for i := range root {
			root[i] = random.NormFloat64()
		}
		identity := make([]float64, size*size)
		for i := range size {
			identity[i*size+i] = 1
		}
		cov := infer.Transform(root, size, identity, size)
		back := infer.Map{Center: make([]float64, e.Weights), Scale: make([]float64, e.Weights)}
		for j := range e.Weights {
			back.Center[j], back.Scale[j] = random.NormFloat64(), random.ExpFloat64()
		}
		dense, theta := make([]float64, size*size), make([]float64, size)
		for k := range e.Count {
			b := e.At(k, e.Weights)
			dense[b*size+b] = 1
			for j := range e.Weights {
				p := e.At(k, j)
				dense[p*size+p] = back.Scale[j]
				dense[b*size+p] = -back.Scale[j] * back.Center[j]
			}
		}
		for p := range theta {
			theta[p] = random.NormFloat64()
		}
		got, want := back.EquationCovariance(e, cov), infer.Transform(dense, size, cov, size)
		for i := range got {
			near(t, fmt.Sprintf("%+v (seed %d): entry %d", e, seed, i), got[i], want[i], 1e-12, 1e-12)
		}
		weights := back.EquationWeights(e, theta)
		for p := range size {
			var v float64
			for q := range size {
				v += dense[p*size+q] * theta[q]
				if got[p*size+q] != got[q*size+p] {
					t.Errorf("%+v: entry %d, %d is not symmetric", e, p, q)
				}
			}
			near(t, "weight", weights[p], v, 1e-12, 1e-12)
		}
		// One equation alone is mapped by Weights and Covariance.
		for k := range e.Count {
			one := back.Covariance(e.Block(cov, k, k), e.Weights)
			for i, v := range e.Block(got, k, k) {
				near(t, "block", v, one[i], 1e-12, 1e-12)
			}
			alone := back.Weights(e.Equation(theta, k))
			for j, v := range e.Equation(weights, k) {
				near(t, "equation", v, alone[j], 0, 0)
			}
		}
	}
}

// TestEquationsOrder: every place of θ once, weights row by row and then the biases.
func TestEquationsOrder(t *testing.T) {
	e := infer.Equations{Count: 2, Weights: 3}
	var at []int
	for k := range e.Count {
		for j := range e.Weights + 1 {
			at = append(at, e.At(k, j))
		}
	}
	if want := []int{0, 1, 2, 6, 3, 4, 5, 7}; !slices.Equal(at, want) || e.Size() != 8 {
		t.Errorf("places %v, size %d", at, e.Size())
	}
	if got := e.Equation([]float64{0, 1, 2, 3, 4, 5, 6, 7}, 1); !slices.Equal(got, []float64{3, 4, 5, 7}) {
		t.Errorf("equation 1 is %v", got)
	}
	c := make([]float64, 64)
	for i := range c {
		c[i] = float64(i)
	}
	if got := (infer.Equations{Count: 4, Weights: 1}).Block(c, 1, 2); !slices.Equal(got, []float64{10, 14, 42, 46}) {
		t.Errorf("block 1, 2 is %v", got)
	}
	if _, err := infer.EquationCoefficients(e, make([]float64, 7), make([]float64, 49), 0.95); err == nil || !strings.Contains(err.Error(), "7 parameters for 2 equations") {
		t.Errorf("error %v", err)
	}
	if _, err := infer.EquationCoefficients(e, make([]float64, 8), make([]float64, 49), 0.95); err == nil || !strings.Contains(err.Error(), "covariance of 49") {
		t.Errorf("error %v", err)
	}
	if _, err := infer.EquationCoefficients(e, make([]float64, 8), make([]float64, 64), 95); err == nil {
		t.Error("confidence 95 was taken")
	}
}

func TestClassesLikelihood(t *testing.T) {
	// Certain and right, certain and wrong; weights are repetitions.
	for _, c := range []struct {
		z     []float64
		label []int32
		s     []float64
		want  float64
	}{
		{nil, nil, nil, 0},
		{[]float64{0, 0, 0}, []int32{1}, nil, -math.Log(3)},
		{[]float64{1000, -1000, 0}, []int32{0}, nil, 0},
		{[]float64{1000, -1000, 0}, []int32{1}, nil, -2000},
		{[]float64{40, 0, -1000}, []int32{0}, nil, -math.Log1p(math.Exp(-40))},
		{[]float64{0, 0, 0, 1000, -1000, 0}, []int32{1, 2}, []float64{3, 0.5}, -3*math.Log(3) - 500},
	} {
		got, err := infer.LogLikelihoodClasses(c.z, c.label, 3, c.s)
		if err != nil {
			t.Fatal(err)
		}
		near(t, fmt.Sprintf("log likelihood of %v", c.z), got, c.want, 1e-15, 0)
	}
	// Two classes are those of LogLikelihood and Null.
	const seed = 5
	random := rand.New(rand.NewPCG(seed, 0))
	var z, two, y, s []float64
	var label []int32
	for range 50 {
		v := 3 * random.NormFloat64()
		shift := random.NormFloat64()
		z, two = append(z, v), append(two, shift, shift+v)
		label = append(label, int32(random.IntN(2)))
		y, s = append(y, float64(label[len(label)-1])), append(s, random.ExpFloat64())
	}
	want, err := infer.LogLikelihood(z, y, s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := infer.LogLikelihoodClasses(two, label, 2, s)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "two classes", got, want, 1e-13, 0)
	_, want, err = infer.Null(y, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err = infer.NullClasses(label, 2, s); err != nil {
		t.Fatal(err)
	}
	near(t, "null of two classes", got, want, 1e-13, 0)
}

func TestNullClasses(t *testing.T) {
	for _, c := range []struct {
		name  string
		label []int32
		s     []float64
		want  float64
	}{
		{"shares", []int32{0, 1, 2, 2}, nil, 2*math.Log(0.25) + 2*math.Log(0.5)},
		{"weights", []int32{0, 1, 2}, []float64{1, 1, 2}, 2*math.Log(0.25) + 2*math.Log(0.5)},
		{"a class without rows", []int32{0, 2}, nil, -2 * math.Ln2},
		{"a class without weight", []int32{0, 1, 2}, []float64{1, 0, 1}, -2 * math.Ln2},
		{"one class", []int32{1, 1}, []float64{0.1, 0.7}, 0},
		{"a rare class", []int32{0, 1}, []float64{1e20, 1}, math.Log(1e-20) - 1},
	} {
		got, err := infer.NullClasses(c.label, 3, c.s)
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.name, got, c.want, 1e-15, 0)
	}
	for name, label := range map[string][]int32{"no rows": nil, "no weight": {1}} {
		if got, err := infer.NullClasses(label, 3, make([]float64, len(label))); err != nil || !math.IsNaN(got) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestClassesRefused(t *testing.T) {
	for _, c := range []struct {
		z       []float64
		label   []int32
		s       []float64
		message string
	}{
		{[]float64{1, 2}, []int32{0}, nil, "2 scores for 1 rows of 3 classes"},
		{[]float64{1, 2, 3}, []int32{3}, nil, "row 1: label 3"},
		{[]float64{1, 2, 3}, []int32{-1}, nil, "row 1: label -1"},
		{[]float64{1, math.NaN(), 3}, []int32{0}, nil, "row 1: score NaN of class 1"},
		{[]float64{1, 2, 3, 4, 5, math.Inf(1)}, []int32{0, 0}, nil, "row 2: score +Inf of class 2"},
		{[]float64{1, 2, 3}, []int32{0}, []float64{1, 1}, "2 weights for 1 labels"},
		{[]float64{1, 2, 3}, []int32{0}, []float64{-1}, "row 1: weight -1"},
		{[]float64{1, 2, 3}, []int32{0}, []float64{math.Inf(1)}, "row 1: weight +Inf"},
	} {
		if _, err := infer.LogLikelihoodClasses(c.z, c.label, 3, c.s); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("error %v, expected %q", err, c.message)
		}
		if strings.Contains(c.message, "score") {
			continue
		}
		if _, err := infer.NullClasses(c.label, 3, c.s); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("null: error %v, expected %q", err, c.message)
		}
	}
}
