package descent_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/encode"
)

// reference is one fit whose result is known from other programs.
type reference struct {
	set, model  string
	train, test string
	prepare     func([]byte) []byte // what a user would do to the file before
	configure   func(*descent.Config)
	slow        bool
	scaled      bool // the reference's weights are those of standardised columns
	loose       bool // the reference itself stopped early: its own tolerance counts
}

func every5(c *descent.Config) { c.Test.Every = 5 }

func l2(lambda float64) func(*descent.Config) {
	return func(c *descent.Config) { c.Penalty.L2 = lambda }
}

func elastic(l1, l2 float64) func(*descent.Config) {
	return func(c *descent.Config) { c.Penalty = descent.Penalty{L1: l1, L2: l2} }
}

func raw(c *descent.Config) { c.Scale = descent.ScaleNone }

func target(name string) func(*descent.Config) { return func(c *descent.Config) { c.Target = name } }

func noHeader(c *descent.Config) { c.NoHeader = true }

func all(fs ...func(*descent.Config)) func(*descent.Config) {
	return func(c *descent.Config) {
		for _, f := range fs {
			f(c)
		}
	}
}

// adultTest takes the full stop off the labels of UCI's test file.
func adultTest(b []byte) []byte { return bytes.ReplaceAll(b, []byte("K.\n"), []byte("K\n")) }

func adult(c *descent.Config) {
	noHeader(c)
	c.Target = "x15"
	c.Encoding.Missing = encode.MissingLevel
	c.Encoding.Unseen = encode.UnseenBaseline
	c.Labels.Positive = ">50K"
}

var references = []reference{
	{set: "pima", model: "all8", train: "pima.csv", configure: target("diabetes")},
	{set: "german_credit", model: "all20", train: "german.csv", configure: target("bad")},
	{set: "heart_scale", model: "l2_lambda1", train: "heart_scale", configure: all(l2(1), raw)},
	{set: "breast_cancer", model: "std_lambda1", train: "wdbc.csv", configure: all(target("malignant"), l2(1)), scaled: true},
	{set: "breast_cancer", model: "raw_lambda1", train: "wdbc.csv", configure: all(target("malignant"), l2(1), raw)},
	{set: "breast_cancer", model: "std_lambda1_split5", train: "wdbc.csv", configure: all(target("malignant"), l2(1), every5), scaled: true},
	{set: "spambase", model: "std_lambda1_split5", train: "spambase.data.gz", configure: all(target("x58"), noHeader, l2(1), every5), scaled: true},
	{set: "spambase", model: "std_lambda100_split5", train: "spambase.data.gz", configure: all(target("x58"), noHeader, l2(100), every5), scaled: true},
	{set: "higgs_lightgbm", model: "std_lambda1", train: "binary.train.gz", test: "binary.test.gz", configure: all(target("x1"), noHeader, l2(1)), scaled: true},
	{set: "higgs_lightgbm", model: "mle_raw", train: "binary.train.gz", test: "binary.test.gz", configure: all(target("x1"), noHeader)},
	{set: "a9a", model: "l2_lambda1", train: "a9a.gz", test: "a9a.t.gz", configure: all(l2(1), raw), slow: true},
	{set: "adult", model: "std_onehot_lambda1", train: "adult.data.gz", test: "adult.test.gz", prepare: adultTest, configure: all(adult, l2(1)), scaled: true, slow: true},
	{set: "sms_spam", model: "presence_lambda1", train: "train.libsvm.gz", test: "test.libsvm.gz", configure: all(l2(1), raw), slow: true, loose: true},
	{set: "sms_spam", model: "presence_lambda0.1", train: "train.libsvm.gz", test: "test.libsvm.gz", configure: all(l2(0.1), raw), slow: true, loose: true},

	{set: "l1", model: "pima_lasso10", train: "../pima/pima.csv", configure: all(target("diabetes"), elastic(10, 0)), scaled: true},
	{set: "l1", model: "pima_elastic", train: "../pima/pima.csv", configure: all(target("diabetes"), elastic(20, 5)), scaled: true},
	{set: "l1", model: "wdbc_lasso5", train: "../breast_cancer/wdbc.csv", configure: all(target("malignant"), elastic(5, 0)), scaled: true},
	{set: "l1", model: "wdbc_elastic", train: "../breast_cancer/wdbc.csv", configure: all(target("malignant"), elastic(2, 3)), scaled: true},
	{set: "l1", model: "iris_elastic", train: "../iris/iris.csv", configure: all(target("species"), elastic(1, 0.5)), scaled: true},
	{set: "l1", model: "iris_elastic_strong", train: "../iris/iris.csv", configure: all(target("species"), elastic(8, 2)), scaled: true},
	{set: "l1", model: "iris_lasso1", train: "../iris/iris.csv", configure: all(target("species"), elastic(1, 0)), scaled: true},

	// Not to be passed on: read from DESCENT_DATA. glmnet's λ and α are λ1 = 100·λ·α, λ = 100·λ·(1-α) of 100 rows.
	{set: "glmnet_binomial", model: "alpha1_lambda0.05", train: "binomial.csv", configure: all(target("y"), elastic(5, 0), raw)},
	{set: "glmnet_binomial", model: "alpha1_lambda0.02", train: "binomial.csv", configure: all(target("y"), elastic(2, 0), raw), loose: true},
	{set: "glmnet_binomial", model: "alpha0.5_lambda0.05", train: "binomial.csv", configure: all(target("y"), elastic(2.5, 2.5), raw)},
	{set: "glmnet_binomial", model: "alpha0_lambda0.1", train: "binomial.csv", configure: all(target("y"), elastic(0, 10), raw)},
	{set: "glmnet_binomial", model: "alpha1_lambda0.05_std", train: "binomial.csv", configure: all(target("y"), elastic(5, 0))},
	{set: "glmnet_binomial", model: "alpha0.2_lambda0.03_std", train: "binomial.csv", configure: all(target("y"), elastic(0.6, 2.4))},
	{set: "spector", model: "l1_alpha3", train: "spector.csv", configure: all(target("grade"), elastic(3, 0), raw)},
	{set: "ucla_admissions", model: "factor_rank", train: "binary.csv", configure: all(target("admit"), func(c *descent.Config) { c.Columns.Categorical = []string{"rank"} })},
	{set: "ucla_admissions", model: "numeric_rank", train: "binary.csv", configure: target("admit")},
	{set: "titanic", model: "complete_cases", train: "titanic.csv", configure: all(target("survived"), func(c *descent.Config) {
		c.Columns.Include = []string{"pclass", "sex", "age", "sibsp", "parch", "fare"}
		c.Columns.Categorical = []string{"pclass"}
		c.Encoding.Missing = encode.MissingDrop
	})},
	{set: "infert", model: "model1", train: "infert.csv", configure: all(target("case"), func(c *descent.Config) { c.Columns.Include = []string{"spontaneous", "induced"} })},
	{set: "infert", model: "model2", train: "infert.csv", configure: all(target("case"), func(c *descent.Config) {
		c.Columns.Include = []string{"age", "parity", "education", "spontaneous", "induced"}
	})},
	{set: "spector", model: "logit", train: "spector.csv", configure: target("grade")},
	{set: "menarche", model: "grouped", train: "menarche.csv", prepare: menarche, configure: all(target("reached"), func(c *descent.Config) { c.Columns.Weight = "girls" })},
	{set: "ng_ex2data1", model: "mle", train: "ex2data1.csv", configure: target("admitted")},
}

// menarche writes the grouped file as one row a group and outcome, with the count as weight.
func menarche(b []byte) []byte {
	var out bytes.Buffer
	out.WriteString("Age,girls,reached\n")
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n")[1:] {
		var age, total, reached float64
		fmt.Sscanf(strings.ReplaceAll(line, ",", " "), "%g %g %g", &age, &total, &reached)
		fmt.Fprintf(&out, "%g,%g,1\n%g,%g,0\n", age, reached, age, total-reached)
	}
	return out.Bytes()
}

// folder finds a data set: in testdata, or in DESCENT_DATA.
func folder(t testing.TB, set string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join("testdata", set, "expected.json")); err == nil {
		return filepath.Join("testdata", set)
	}
	root := os.Getenv("DESCENT_DATA")
	if root == "" {
		t.Skipf("%s may not be passed on; DESCENT_DATA names no folder that holds it", set)
	}
	return filepath.Join(root, set)
}

type expectedFile struct {
	Data struct {
		Columns json.RawMessage `json:"columns"`
	} `json:"data"`
	Models []struct {
		ID     string   `json:"id"`
		Terms  []string `json:"terms"`
		Checks []check  `json:"checks"`

		Published []check `json:"published"`
	} `json:"models"`
}

type check struct {
	ID    string          `json:"id"`
	Value json.RawMessage `json:"value"`
	Abs   *float64        `json:"abs_tol"`
	Rel   *float64        `json:"rel_tol"`
	Names []string        `json:"names"`

	digits digits // where they are counted
}

// TestReferences fits every set and compares with what R, numpy, scikit-learn and LIBLINEAR say, and with the same model trained
// without the table of fused kernels.
func TestReferences(t *testing.T) {
	for _, ref := range references {
		t.Run(ref.set+"/"+ref.model, func(t *testing.T) {
			if ref.slow && testing.Short() {
				t.Skip("slow")
			}
			dir := folder(t, ref.set)
			var e expectedFile
			b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &e); err != nil {
				t.Fatal(err)
			}
			r := ref.fit(t, dir, func(*descent.Config) {})
			ref.compare(t, r, e, nil)

			single := ref.fit(t, dir, (*descent.Config).WithoutFused)
			if d := math.Abs(single.Cost-r.Cost) / r.Cost; d > fusedTolerance {
				t.Errorf("without fused kernels the cost differs by %.2g", d)
			}
			for j, c := range r.Coefficients {
				if d := math.Abs(single.Coefficients[j].Scaled-c.Scaled) / math.Max(1, math.Abs(c.Scaled)); d > fusedTolerance {
					t.Errorf("without fused kernels %s differs by %.2g", c.Name, d)
				}
			}
		})
	}
}

// compare compares a fit with what the file says, and counts the digits.
func (ref *reference) compare(t *testing.T, r *descent.Result, e expectedFile, count digits) {
	t.Helper()
	if r.Verdict != descent.Converged {
		t.Errorf("verdict %s: %s", r.Verdict, r.Message)
	}
	found := false
	for _, m := range e.Models {
		if m.ID != ref.model {
			continue
		}
		found = true
		if len(m.Checks) == 0 {
			m.Checks = m.Published
		}
		for _, c := range m.Checks {
			if c.Names == nil {
				c.Names = m.Terms
			}
			c.digits = count
			compare(t, inOrder(t, r, *ref, e.Data.Columns, c.Names), *ref, c)
		}
	}
	if !found {
		t.Fatalf("no model %q in expected.json", ref.model)
	}
}

// fusedTolerance is how much cost and weights at the optimum may change, relatively, when every node runs by itself.
const fusedTolerance = 1e-12

func (ref *reference) fit(t *testing.T, dir string, change func(*descent.Config)) *descent.Result {
	t.Helper()
	source := func(name string) descent.Source {
		content := readAll(t, filepath.Join(dir, name))
		if ref.prepare != nil {
			content = ref.prepare(content)
		}
		return descent.Reader(name, bytes.NewReader(content))
	}
	config := descent.Config{}
	ref.configure(&config)
	change(&config)
	if ref.test != "" {
		config.Test.Source = source(ref.test)
	}
	r, err := descent.Fit(t.Context(), source(ref.train), config)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// inOrder puts the coefficients in the order in which the reference names them: sex=male, sexmale, factor(pclass)2.
func inOrder(t *testing.T, r *descent.Result, ref reference, columns json.RawMessage, names []string) *descent.Result {
	t.Helper()
	if names == nil || strings.Contains(names[0], "mean_") {
		return r
	}
	short := strings.NewReplacer("=", "", "factor(", "", ")", "")
	at := map[string]descent.Coefficient{}
	var list []string
	json.Unmarshal(columns, &list)
	for _, c := range r.Coefficients {
		name := c.Name
		if ref.set == "adult" { // our names are x1 …, the file has no header
			column, level, _ := strings.Cut(name, "=")
			var i int
			if _, err := fmt.Sscanf(column, "x%d", &i); err == nil {
				name = list[i-1] + level
			}
		}
		at[short.Replace(name)] = c
	}
	out := *r
	out.Coefficients = r.Coefficients[:1:1]
	for _, name := range names {
		if name == "(Intercept)" {
			continue
		}
		c, ok := at[short.Replace(name)]
		if !ok {
			t.Errorf("there is no coefficient %q", name)
		}
		out.Coefficients = append(out.Coefficients, c)
	}
	return &out
}

func compare(t *testing.T, r *descent.Result, ref reference, c check) {
	t.Helper()
	value := func(co descent.Coefficient) float64 {
		if ref.scaled {
			return co.Scaled
		}
		return co.Estimate
	}
	weights := func() []float64 {
		var w []float64
		for _, co := range r.Coefficients {
			if co.Name != "(intercept)" {
				w = append(w, value(co))
			}
		}
		return w
	}
	statistic := func(f func(descent.Coefficient) *float64) []float64 {
		var v []float64
		for _, co := range r.Coefficients {
			if p := f(co); p != nil {
				v = append(v, *p)
			}
		}
		return v
	}
	switch c.ID {
	case "J_optimum":
		one, rel := 0.0, 1e-9
		c.Abs, c.Rel = &one, &rel
		c.near(t, r.Cost)
	case "bias":
		tighten(&c, ref)
		var b []float64 // of every class
		for _, co := range r.Coefficients {
			if co.Name == "(intercept)" {
				b = append(b, value(co))
			}
		}
		c.near(t, b...)
	case "intercept":
		c.near(t, value(r.Coefficients[0]))
	case "nonzeros":
		n := 0.0
		for _, v := range weights() {
			if v != 0 {
				n++
			}
		}
		c.near(t, n)
	case "objective":
		c.near(t, r.Cost)
	case "coef_const_gpa_tuce_psi":
		abs := 2e-5 // where statsmodels stopped Σ (a - y)·tuce is off by 1.3e-4, and its cost is 1.6e-11 above the optimum
		c.Abs = &abs
		c.near(t, append([]float64{value(r.Coefficients[0])}, weights()...)...)
	case "w":
		tighten(&c, ref)
		c.near(t, weights()...)
	case "w_first20":
		c.near(t, weights()[:20]...)
	case "w_l2_norm":
		var s float64
		for _, v := range weights() {
			s += v * v
		}
		c.near(t, math.Sqrt(s))
	case "coef":
		c.near(t, append([]float64{value(r.Coefficients[0])}, weights()...)...)
	case "se":
		c.near(t, statistic(func(co descent.Coefficient) *float64 { return co.StdError })...)
	case "z":
		c.near(t, statistic(func(co descent.Coefficient) *float64 { return co.Z })...)
	case "p":
		c.near(t, statistic(func(co descent.Coefficient) *float64 { return co.P })...)
	case "loglik", "deviance", "null_deviance", "aic", "bic", "df_residual":
		if ref.set == "menarche" { // R counts a group as one observation
			return
		}
		got := map[string]*float64{"loglik": r.LogLikelihood, "deviance": r.Deviance, "null_deviance": r.NullDeviance, "aic": r.AIC, "bic": r.BIC, "df_residual": r.DFResidual}[c.ID]
		if got == nil {
			t.Errorf("%s is null", c.ID)
			return
		}
		c.near(t, *got)
	case "auc":
		c.near(t, r.Train.AUC)
	case "brier":
		c.near(t, r.Train.Brier)
	case "mean_log_loss":
		c.near(t, r.Train.LogLoss)
	case "accuracy_at_0.5":
		c.near(t, r.Train.Accuracy)
	case "train", "test":
		m := r.Train
		if c.ID == "test" {
			m = r.Test
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(c.Value, &want); err != nil {
			t.Fatal(err)
		}
		k := m.Confusion
		for name, got := range map[string][]float64{"mean_log_loss": {m.LogLoss}, "accuracy_at_0.5": {m.Accuracy}, "auc": {m.AUC}, "average_precision": {m.AveragePrecision},
			"brier": {m.Brier}, "confusion_tp_fp_fn_tn": {k.TP, k.FP, k.FN, k.TN}} {
			if v, ok := want[name]; ok {
				one := c
				one.ID, one.Value = c.ID+"."+name, v
				one.near(t, got...)
			}
		}
	}
}

// tighten asks for 1e-6 relative where the file would be content with less; the references have ten digits and more.
func tighten(c *check, ref reference) {
	if ref.loose {
		return
	}
	rel := 1e-6
	if c.Rel != nil {
		rel = math.Min(rel, *c.Rel)
	}
	abs := 1e-8
	c.Rel, c.Abs = &rel, &abs
}

func (c check) near(t *testing.T, got ...float64) {
	t.Helper()
	var want []float64
	if err := json.Unmarshal(c.Value, &want); err != nil {
		var one float64
		if err := json.Unmarshal(c.Value, &one); err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		want = []float64{one}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", c.ID, len(got), len(want))
		return
	}
	for i := range want {
		d := math.Abs(got[i] - want[i])
		c.digits.add(c.ID, got[i], want[i])
		if c.Abs != nil && d <= *c.Abs || c.Rel != nil && d <= *c.Rel*math.Abs(want[i]) {
			continue
		}
		t.Errorf("%s[%d] = %.15g, want %.15g", c.ID, i, got[i], want[i])
	}
}

func readAll(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
