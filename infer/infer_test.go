package infer_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent/infer"
	"gonum.org/v1/gonum/mat"
)

// reference is what R 4.2.2 says: glm(family = binomial, epsilon = 1e-14).
type reference struct {
	name                    string
	path                    string
	label                   string
	columns                 []string // numeric, or "rank=2": an indicator
	coef, se, z, p          []float64
	low, high               []float64 // 95 %, where given
	logLik, deviance, null  float64
	aic, bic                float64
	dfResidual, dfNull      float64
	mcFadden, coxSnell, nag float64
}

var references = []reference{
	{
		name: "pima", path: "../testdata/pima/pima.csv", label: "diabetes",
		columns:  []string{"pregnant", "glucose", "pressure", "triceps", "insulin", "mass", "pedigree", "age"},
		coef:     []float64{-8.40469636691414, 0.123182298352439, 0.0351637146068567, -0.0132955469043062, 0.000618964364875737, -0.00119169898416223, 0.0897009700309466, 0.945179740621131, 0.0148690047444695},
		se:       []float64{0.716636072257835, 0.0320775550914899, 0.00370870802127925, 0.0052336108415229, 0.00689937643404607, 0.000901225631752283, 0.0150876280138957, 0.299147501580784, 0.00933479439387744},
		z:        []float64{-11.7279839688146, 3.84013987353791, 9.48139201174635, -2.54041565315112, 0.0897130879569578, -1.32230924440661, 5.94533282158946, 3.15957758505928, 1.59285830164849},
		p:        []float64{9.1614748739822e-32, 0.000122964230601628, 2.50913219100073e-21, 0.0110720796461647, 0.928515215197717, 0.186065195695093, 2.75895702430903e-09, 0.00157998027240259, 0.111191982500431},
		low:      []float64{-9.80927725856174, 0.0603114456610197, 0.0278947804559745, -0.0235532356627894, -0.0129035649616389, -0.00295806876434106, 0.0601297625115735, 0.358861411457655, -0.00342685607061674},
		high:     []float64{-7.00011547526654, 0.186053151043859, 0.0424326487577388, -0.00303785814582291, 0.0141414936913904, 0.000574670796016598, 0.11927217755032, 1.53149806978461, 0.0331648655595556},
		logLik:   -361.722688887084,
		deviance: 723.445377774169, null: 993.483910138813, aic: 741.445377774169, bic: 783.239485372498, dfResidual: 759, dfNull: 767,
		mcFadden: 0.271809668590319, coxSnell: 0.296447425425774, nag: 0.408488404198442,
	},
	{
		name: "spector", path: elsewhere("spector/spector.csv"), label: "grade", columns: []string{"gpa", "tuce", "psi"},
		coef:     []float64{-13.0213468581157, 2.82611259488932, 0.0951576613179094, 2.37868765509335},
		se:       []float64{4.93132421298962, 1.26294107552789, 0.141554205665441, 1.06456425440957},
		z:        []float64{-2.64053757078395, 2.23772323954865, 0.672234787165641, 2.23442375154013},
		p:        []float64{0.00827746142746804, 0.0252391087908631, 0.501434238056974, 0.0254552043491969},
		low:      []float64{-22.6865647116657, 0.350793572258387, -0.182283483646531, 0.292180057221865},
		high:     []float64{-3.35612900456572, 5.30143161752026, 0.37259880628235, 4.46519525296484},
		logLik:   -12.8896342221314,
		deviance: 25.7792684442628, null: 41.1834593932346, aic: 33.7792684442628, bic: 39.6422120554617, dfResidual: 28, dfNull: 31,
		mcFadden: 0.374038295372105, coxSnell: 0.382070537974032, nag: 0.527796459969114,
	},
	{
		name: "ucla_admissions", path: "../testdata/ucla_admissions/binary.csv", label: "admit",
		columns:  []string{"gre", "gpa", "rank=2", "rank=3", "rank=4"},
		coef:     []float64{-3.98997907333103, 0.00226442578617915, 0.804037549280221, -0.675442927963561, -1.34020391646789, -1.55146367691807},
		se:       []float64{1.13995093570037, 0.00109399763837217, 0.33181929793374, 0.316489660980957, 0.345306418178356, 0.417831633092574},
		z:        []float64{-3.50013228497388, 2.06986350496016, 2.42311871035535, -2.13417059460973, -3.88120187147999, -3.7131312089392},
		p:        []float64{0.000465027325898161, 0.0384651283758601, 0.0153878973502501, 0.0328288188280344, 0.000103941515658309, 0.000204710686822869},
		logLik:   -229.258746237949,
		deviance: 458.517492475899, null: 499.976517554915, aic: 470.517492475899, bic: 494.466279758547, dfResidual: 394, dfNull: 399,
		mcFadden: 0.0829219445780525, coxSnell: 0.0984570211879664, nag: 0.137995801309716,
	},
	{
		name: "infert", path: elsewhere("infert/infert.csv"), label: "case",
		columns:  []string{"age", "parity", "education=6-11yrs", "education=12+ yrs", "spontaneous", "induced"},
		coef:     []float64{-1.14923653559062, 0.0395820016977084, -0.828277382293113, -1.04424358372746, -1.40320508947629, 2.04590502168015, 1.28875738093896},
		se:       []float64{1.41220934173144, 0.0312028090606571, 0.196493894123381, 0.792559069706666, 0.834166207757732, 0.310163324660137, 0.301466186956324},
		z:        []float64{-0.813786243745989, 1.26853968887104, -4.21528305491788, -1.31755931341993, -1.68216486885527, 6.59621837598612, 4.27496494366606},
		p:        []float64{0.415767417034038, 0.204605286655568, 2.49465102241969e-05, 0.187651213236963, 0.092536874377832, 4.21777537927127e-11, 1.91167371956405e-05},
		logLik:   -128.898845102764,
		deviance: 257.797690205529, null: 316.171110816404, aic: 271.797690205529, bic: 296.391691428684, dfResidual: 241, dfNull: 247,
	},
}

// design reads the rows (x, 1) and the labels.
func (r reference) design(t *testing.T) (x [][]float64, y []float64) {
	t.Helper()
	f, err := os.Open(r.path)
	if err != nil {
		if !strings.Contains(r.path, "testdata") {
			t.Skip("DESCENT_DATA names no folder that holds " + r.path)
		}
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for j, name := range records[0] {
		at[name] = j
	}
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, record := range records[1:] {
		var row []float64
		for _, c := range r.columns {
			name, level, indicator := strings.Cut(c, "=")
			switch cell := record[at[name]]; {
			case !indicator:
				row = append(row, number(cell))
			case cell == level:
				row = append(row, 1)
			default:
				row = append(row, 0)
			}
		}
		x = append(x, append(row, 1))
		y = append(y, number(record[at[r.label]]))
	}
	return x, y
}

// standardise is what the model sees, and the map back.
func standardise(x [][]float64) ([][]float64, infer.Map) {
	n := len(x[0]) - 1
	t := infer.Map{Center: make([]float64, n), Scale: make([]float64, n)}
	for j := range n {
		var s, q float64
		for _, row := range x {
			s += row[j]
		}
		s /= float64(len(x))
		for _, row := range x {
			q += (row[j] - s) * (row[j] - s)
		}
		t.Center[j], t.Scale[j] = s, 1/math.Sqrt(q/float64(len(x)))
	}
	out := make([][]float64, len(x))
	for i, row := range x {
		out[i] = make([]float64, n+1)
		for j := range n {
			out[i][j] = (row[j] - t.Center[j]) * t.Scale[j]
		}
		out[i][n] = 1
	}
	return out, t
}

// fit is Newton's method without a safeguard, enough for these sets; h is the Hessian of J at the optimum.
func fit(t *testing.T, x [][]float64, y, s []float64) (theta, z, h []float64, m float64) {
	t.Helper()
	k := len(x[0])
	theta = make([]float64, k)
	z = make([]float64, len(x))
	for range 30 {
		h = make([]float64, k*k)
		g := make([]float64, k)
		m = 0
		for i, row := range x {
			z[i] = 0
			for j, v := range row {
				z[i] += v * theta[j]
			}
			a, weight := 1/(1+math.Exp(-z[i])), 1.0
			if s != nil {
				weight = s[i]
			}
			m += weight
			for j, v := range row {
				g[j] += weight * (a - y[i]) * v
				for l, u := range row {
					h[j*k+l] += weight * a * (1 - a) * v * u
				}
			}
		}
		for i := range h {
			h[i] /= m
		}
		var chol mat.Cholesky
		if !chol.Factorize(mat.NewSymDense(k, h)) {
			t.Fatal("the Hessian of the test's own fit is singular")
		}
		var step mat.VecDense
		if err := chol.SolveVecTo(&step, mat.NewVecDense(k, g)); err != nil {
			t.Fatal(err)
		}
		for j := range theta {
			theta[j] -= step.AtVec(j) / m
		}
	}
	return theta, z, h, m
}

func near(t *testing.T, what string, got, want, relative, absolute float64) {
	t.Helper()
	if !(math.Abs(got-want) <= max(absolute, relative*math.Abs(want))) {
		t.Errorf("%s = %.17g, expected %.17g", what, got, want)
	}
}

func TestReferences(t *testing.T) {
	for _, r := range references {
		t.Run(r.name, func(t *testing.T) {
			x, y := r.design(t)
			scaled, back := standardise(x)
			theta, z, h, m := fit(t, scaled, y, nil)
			n := len(theta) - 1
			if err := back.Check(n); err != nil {
				t.Fatal(err)
			}
			cov, err := infer.Covariance(h, m, n+1)
			if err != nil {
				t.Fatal(err)
			}
			raw := back.Covariance(cov, n)
			coefficients, err := infer.Coefficients(back.Weights(theta), raw, 0.95)
			if err != nil {
				t.Fatal(err)
			}
			for i := range r.coef { // R has the intercept first
				c := coefficients[(i+n)%(n+1)]
				name := fmt.Sprintf("coefficient %d: ", i)
				near(t, name+"estimate", c.Estimate, r.coef[i], 1e-9, 1e-11)
				// R's errors are those of its last but one iterate, good to 2e-8 here.
				near(t, name+"std error", c.StdError, r.se[i], 5e-8, 0)
				near(t, name+"z", c.Z, r.z[i], 5e-8, 0)
				near(t, name+"p", c.P, r.p[i], 1e-6, 1e-12)
				near(t, name+"odds ratio", c.OddsRatio, math.Exp(r.coef[i]), 1e-9, 0)
				if r.low != nil {
					near(t, name+"low", c.Low, r.low[i], 5e-8, 0)
					near(t, name+"high", c.High, r.high[i], 5e-8, 0)
				}
			}
			logLik, err := infer.LogLikelihood(z, y, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, null, err := infer.Null(y, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			l := infer.Summarize(logLik, null, m, n+1)
			near(t, "log likelihood", l.LogLikelihood, r.logLik, 1e-12, 0)
			near(t, "deviance", l.Deviance, r.deviance, 1e-12, 0)
			near(t, "null deviance", l.NullDeviance, r.null, 1e-12, 0)
			near(t, "AIC", l.AIC, r.aic, 1e-12, 0)
			near(t, "BIC", l.BIC, r.bic, 1e-12, 0)
			near(t, "residual degrees of freedom", l.DFResidual, r.dfResidual, 0, 0)
			near(t, "null degrees of freedom", l.DFNull, r.dfNull, 0, 0)
			if r.mcFadden != 0 {
				near(t, "McFadden", l.McFadden, r.mcFadden, 1e-11, 0)
				near(t, "Cox and Snell", l.CoxSnell, r.coxSnell, 1e-11, 0)
				near(t, "Nagelkerke", l.Nagelkerke, r.nag, 1e-11, 0)
			}
			// The same map as a matrix.
			k := n + 1
			dense := make([]float64, k*k)
			for j := range n {
				dense[j*k+j] = back.Scale[j]
				dense[n*k+j] = -back.Scale[j] * back.Center[j]
			}
			dense[n*k+n] = 1
			for i, v := range infer.Transform(dense, k, cov, k) {
				near(t, fmt.Sprintf("T C Tᵀ, entry %d", i), v, raw[i], 1e-9, 0)
			}
			// The variance of z does not depend on the coordinates.
			for i := range 5 {
				near(t, "variance", infer.Variance(raw, x[i]), infer.Variance(cov, scaled[i]), 1e-9, 0)
			}
		})
	}
}

// TestSpectorLR: Stata's test of the model against the constant one (statsmodels, results_discrete.py, class Spector,
// whose data were stored in float32; R's deviances give 15.404190948971).
func TestSpectorLR(t *testing.T) {
	l := infer.Summarize(-12.88963422213144, -20.5917296966173, 32, 4)
	near(t, "LR", l.LikelihoodRatio, 15.4041924625676, 0, 1e-5)
	near(t, "p", l.LikelihoodRatioP, 0.00150187761112892, 1e-5, 0)
	if l.LikelihoodRatioDF != 3 {
		t.Errorf("degrees of freedom %d", l.LikelihoodRatioDF)
	}
}

// TestGrouped: menarche (MASS), 25 groups as 50 weighted rows, coefficients and errors as R has them for grouped rows.
func TestGrouped(t *testing.T) {
	b, err := os.ReadFile(elsewhere("menarche/menarche.csv"))
	if err != nil {
		t.Skip("DESCENT_DATA names no folder that holds menarche")
	}
	var x [][]float64
	var y, s []float64
	for line := range strings.Lines(string(b)) {
		var age, total, yes float64
		if n, _ := fmt.Sscanf(line, "%g,%g,%g", &age, &total, &yes); n == 3 {
			x = append(x, []float64{age, 1}, []float64{age, 1})
			y = append(y, 1, 0)
			s = append(s, yes, total-yes)
		}
	}
	if len(x) != 50 {
		t.Fatalf("%d rows", len(x))
	}
	scaled, back := standardise(x)
	theta, z, h, m := fit(t, scaled, y, s)
	cov, err := infer.Covariance(h, m, 2)
	if err != nil {
		t.Fatal(err)
	}
	c, err := infer.Coefficients(back.Weights(theta), back.Covariance(cov, 1), 0.95)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "intercept", c[1].Estimate, -21.2263949051673, 1e-10, 0)
	near(t, "slope", c[0].Estimate, 1.63196834822757, 1e-10, 0)
	near(t, "intercept's error", c[1].StdError, 0.770685884385465, 1e-9, 0)
	near(t, "slope's error", c[0].StdError, 0.058953174618539, 1e-9, 0)
	near(t, "p", c[0].P, 1.13583418239253e-168, 1e-7, 0)
	near(t, "p", c[1].P, 5.48563344479613e-167, 1e-7, 0)
	// Grouped and weighted deviances differ by the same constant in both.
	logLik, err := infer.LogLikelihood(z, y, s)
	if err != nil {
		t.Fatal(err)
	}
	_, null, err := infer.Null(y, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "deviance against null", 2*(logLik-null), 3693.88357479415-26.7034516357648, 1e-11, 0)
}

func TestNull(t *testing.T) {
	// Without an offset: the log-odds of the share.
	y := []float64{1, 0, 0, 1, 0}
	b, l, err := infer.Null(y, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "b", b, math.Log(2./3), 1e-15, 0)
	near(t, "log likelihood", l, 2*math.Log(0.4)+3*math.Log(0.6), 1e-15, 0)
	// Weights are repetitions.
	bw, lw, err := infer.Null([]float64{1, 0}, []float64{2, 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "weighted b", bw, b, 1e-15, 0)
	near(t, "weighted log likelihood", lw, l, 1e-15, 0)
	// A constant offset is taken up by b; any offset: the shares agree, and nearby intercepts are worse.
	bo, lo, err := infer.Null(y, nil, []float64{2, 2, 2, 2, 2})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "b under a constant offset", bo, b-2, 1e-14, 0)
	near(t, "log likelihood under a constant offset", lo, l, 1e-14, 0)
	const seed = 3
	random := rand.New(rand.NewPCG(seed, 0))
	for trial := range 300 {
		m := 2 + random.IntN(40)
		spread := math.Pow(10, 4*random.Float64()-1)
		y, s, o := make([]float64, m), make([]float64, m), make([]float64, m)
		for i := range y {
			y[i] = float64(random.IntN(2))
			s[i] = random.ExpFloat64()
			o[i] = spread * random.NormFloat64()
		}
		y[0], y[1] = 0, 1
		b, l, err := infer.Null(y, s, o)
		if err != nil {
			t.Fatal(err)
		}
		z := func(b float64) []float64 {
			z := make([]float64, m)
			for i := range z {
				z[i] = o[i] + b
			}
			return z
		}
		same, err := infer.LogLikelihood(z(b), y, s)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "log likelihood", l, same, 1e-14, 0)
		for _, d := range []float64{-1e-3, 1e-3} {
			if worse, _ := infer.LogLikelihood(z(b+d), y, s); worse > l+1e-9*math.Abs(l)+1e-12 {
				t.Errorf("trial %d (seed %d): %v at b, %v beside it", trial, seed, l, worse)
			}
		}
	}
	// One class: the supremum.
	for _, o := range [][]float64{nil, {1, 2}} {
		if b, l, err := infer.Null([]float64{1, 1}, nil, o); err != nil || !math.IsInf(b, 1) || l != 0 {
			t.Errorf("only positives: %v, %v, %v", b, l, err)
		}
		if b, l, err := infer.Null([]float64{0, 0}, nil, o); err != nil || !math.IsInf(b, -1) || l != 0 {
			t.Errorf("only negatives: %v, %v, %v", b, l, err)
		}
	}
	if b, l, err := infer.Null(nil, nil, nil); err != nil || !math.IsNaN(b) || !math.IsNaN(l) {
		t.Errorf("no rows: %v, %v, %v", b, l, err)
	}
	for _, c := range []struct {
		y, s, o []float64
		message string
	}{
		{[]float64{1, 2}, nil, nil, "row 2: label 2"},
		{[]float64{1, 0}, []float64{1}, nil, "1 weights"},
		{[]float64{1, 0}, []float64{1, -1}, nil, "row 2: weight -1"},
		{[]float64{1, 0}, nil, []float64{1}, "1 log-odds or offsets"},
		{[]float64{1, 0}, nil, []float64{math.NaN(), 1}, "row 1"},
	} {
		if _, _, err := infer.Null(c.y, c.s, c.o); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("error %v, expected %q", err, c.message)
		}
	}
}

func TestWald(t *testing.T) {
	// mpmath, 30 digits: erfc(z/√2).
	for z, p := range map[float64]float64{
		0: 1, 1.959963984540054: 0.05, 5: 5.7330314375838782e-07, 9: 2.2571768119076813e-19, 20: 5.5072482372124674e-89, 37: 1.145114244504915e-299,
	} {
		c, err := infer.Wald(z, 1, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		near(t, fmt.Sprintf("p at z = %v", z), c.P, p, 1e-12, 0)
	}
	for conf, q := range map[float64]float64{0.5: 0.6744897501960817, 0.9: 1.6448536269514722, 0.95: 1.959963984540054, 0.99: 2.5758293035489004, 0.999999: 4.8916384756985904} {
		got, err := infer.Quantile(conf)
		if err != nil {
			t.Fatal(err)
		}
		near(t, fmt.Sprintf("quantile at %v", conf), got, q, 1e-14/(1-conf), 0) // the condition of the question
	}
	for _, conf := range []float64{0, 1, -1, 95, math.NaN()} {
		if _, err := infer.Wald(1, 1, conf); err == nil {
			t.Errorf("confidence %v was taken", conf)
		}
	}
	for _, se := range []float64{0, math.NaN(), -1} {
		c, err := infer.Wald(1, se, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		if !math.IsNaN(c.Z) || !math.IsNaN(c.P) || !math.IsNaN(c.Low) || c.OddsRatio != math.E {
			t.Errorf("standard error %v gives %+v", se, c)
		}
	}
	if low, high := infer.ProbabilityInterval(0, 1, 2); math.Abs(low-(1-high)) > 1e-15 || math.Abs(high-0.8807970779778823) > 1e-15 {
		t.Errorf("interval %v, %v", low, high)
	}
}

func TestCovarianceRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		h    []float64
		m    float64
		n    int
		want string
	}{
		{"twins", []float64{1, 1, 0, 1, 1, 0, 0, 0, 1}, 10, 3, "parameter 1"},
		{"a column of zeros", []float64{0, 0, 0, 1}, 10, 2, "parameter 0"},
		{"negative curvature", []float64{1, 0, 0, -1}, 10, 2, "parameter 1"},
		{"not positive definite", []float64{1, 2, 2, 1}, 10, 2, "parameter 1"},
		{"not finite", []float64{1, math.NaN(), math.NaN(), 1}, 10, 2, "NaN"},
		{"infinite", []float64{math.Inf(1)}, 10, 1, "Inf"},
		{"no weight", []float64{1}, 0, 1, "sum of the weights"},
		{"wrong length", []float64{1}, 1, 2, "2×2"},
	} {
		_, err := infer.Covariance(c.h, c.m, c.n)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected %q", c.name, err, c.want)
		}
		if singular := strings.HasPrefix(c.want, "parameter"); errors.Is(err, infer.ErrSingular) != singular {
			t.Errorf("%s: ErrSingular is %v", c.name, !singular)
		}
	}
	if c, err := infer.Covariance(nil, 1, 0); err != nil || len(c) != 0 {
		t.Errorf("no parameters: %v, %v", c, err)
	}
}

// TestCovarianceScales: columns twenty orders apart lose nothing.
func TestCovarianceScales(t *testing.T) {
	base := []float64{2, 0.5, 0.3, 0.5, 1, -0.2, 0.3, -0.2, 3}
	want, err := infer.Covariance(base, 7, 3)
	if err != nil {
		t.Fatal(err)
	}
	d := []float64{1e-10, 1e10, 1}
	h := make([]float64, 9)
	for i := range 3 {
		for j := range 3 {
			h[i*3+j] = base[i*3+j] * d[i] * d[j]
		}
	}
	got, err := infer.Covariance(h, 7, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		for j := range 3 {
			near(t, "entry", got[i*3+j]*d[i]*d[j], want[i*3+j], 1e-14, 0)
		}
	}
}

func TestWhy(t *testing.T) {
	if s := infer.Why(infer.Setting{}); s != "" {
		t.Errorf("a valid fit: %q", s)
	}
	s := infer.Why(infer.Setting{OtherLoss: true, Penalised: true, Separated: true, Unfinished: true, Undetermined: true, TooManyColumns: true, Columns: 9000})
	for _, word := range []string{"log loss", "penalty", "separation", "stopped", "unique", "9000"} {
		if !strings.Contains(s, word) {
			t.Errorf("%q does not say %q", s, word)
		}
	}
}

func ExampleWald() {
	c, err := infer.Wald(0.804, 0.3318, 0.95)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("z %.3f, p %.4f, 95 %% %.3f to %.3f, odds ratio %.2f\n", c.Z, c.P, c.Low, c.High, c.OddsRatio)
	// Output: z 2.423, p 0.0154, 95 % 0.154 to 1.454, odds ratio 2.23
}

// elsewhere is the path of a set that may not be passed on, in the folder that DESCENT_DATA names.
func elsewhere(path string) string {
	return filepath.Join(os.Getenv("DESCENT_DATA"), filepath.FromSlash(path))
}
