package descent_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/graph"
)

func text(csv string) descent.Source { return descent.Reader("t.csv", strings.NewReader(csv)) }

const squared = "z = dot(w, x) + b\na = sigmoid(z)\nL = (a - y)^2/2"

// saturated has offsets that put every row beyond what its curvature can say at the start.
var saturated = func() string {
	var b strings.Builder
	b.WriteString("x,o,y\n")
	random := rand.New(rand.NewPCG(7, 7))
	for i := range 60 {
		x := random.NormFloat64()
		fmt.Fprintf(&b, "%.3f,%d,%d\n", x, 40-80*(i%2), random.IntN(2))
	}
	return b.String()
}()

// farSeparation overlaps by 1e-8 near 0, while its mean is near 1.7e9.
var farSeparation = func() string {
	var b strings.Builder
	b.WriteString("t,y\n0.3,1\n0.30000001,0\n")
	for i := range 300 {
		fmt.Fprintf(&b, "%d,1\n", 1700000000+i*37)
	}
	return b.String()
}()

// TestVerdicts: complete, quasi- and not-quite-separated data are told apart, and what did not end well cannot be saved.
func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		name    string
		csv     string
		config  descent.Config
		want    descent.Verdict
		message string
		fails   bool
	}{
		{name: "overlap", csv: "x,y\n1,0\n2,0\n3,1\n4,0\n5,1\n6,1\n", want: descent.Converged, message: "proved"},
		{name: "complete", csv: "x,y\n1,0\n2,0\n3,0\n4,1\n5,1\n6,1\n", want: descent.Separated, message: "complete separation: x → +∞", fails: true},
		{name: "quasi", csv: "x,y\n1,0\n2,0\n3,0\n3,1\n4,1\n5,1\n", want: descent.Separated, message: "quasi-complete separation: x → +∞", fails: true},
		{name: "one unit in the last place short of quasi", csv: "x,y\n1,0\n2,0\n3.0000000000000004,0\n3,1\n4,1\n5,1\n", want: descent.Stopped, message: "an optimum exists", fails: true},
		{name: "offsets that saturate", csv: saturated, config: descent.Config{Columns: descent.Columns{Offset: "o"}}, want: descent.Converged, message: "proved"},
		{name: "level", csv: "c,x,y\na,1,0\na,2,1\na,2,0\na,1,1\nb,1,1\nb,2,1\n", want: descent.Separated, message: "c=b → +∞", fails: true},
		{name: "oblique", csv: "u,v,y\n0,0,0\n1,2,0\n2,1,1\n3,4,0\n4,3,1\n5,1,1\n1,5,0\n1,0,1\n", want: descent.Separated, message: "u → +∞, v → -∞", fails: true},
		{name: "penalised", csv: "x,y\n1,0\n2,0\n3,0\n4,1\n5,1\n6,1\n", config: descent.Config{Penalty: descent.Penalty{L2: 1}}, want: descent.Converged},
		{name: "gradient descent", csv: "x,y\n1,0\n2,0\n3,1\n4,0\n5,1\n6,1\n", config: descent.Config{Solver: descent.Solver{Method: "gd", Alpha: 0.1, Steps: 7}}, want: descent.Stopped, message: "7 steps done"},
		{name: "diverging", csv: "x,y\n100,0\n200,0\n300,1\n400,0\n500,1\n600,1\n", config: descent.Config{Solver: descent.Solver{Method: "gd", Alpha: 10, Steps: 500}}, want: descent.Diverging, message: "alpha", fails: true},
		{name: "steps", csv: "x,y\n1,0\n2,0\n3,1\n4,0\n5,1\n6,1\n", config: descent.Config{Solver: descent.Solver{Steps: 1}}, want: descent.Stopped},
		{name: "far from the others", csv: farSeparation, want: descent.Converged}, // x - origin is not exact here: what is stored must still be the file's
		{name: "tol not reached", csv: "x,y\n1,0\n2,0\n3,1\n4,0\n5,1\n6,1\n", config: descent.Config{Solver: descent.Solver{Tol: 1e-18}}, want: descent.Stopped, message: "is not reached", fails: true},
		{name: "tol", csv: "x,y\n1,0\n2,0\n3,1\n4,0\n5,1\n6,1\n", config: descent.Config{Solver: descent.Solver{Tol: 1e-2}}, want: descent.Converged},
		{name: "tol without a proof", csv: "x,y\n1,0\n2,0\n3,1\n4,0\n5,1\n6,1\n", config: descent.Config{Equations: squared, Solver: descent.Solver{Tol: 1e-2}}, message: "tol", fails: true},
		{name: "a kink is no stationary point", csv: "x,y\n1,0\n2,0\n3,1\n4,0\n5,1\n6,1\n", config: descent.Config{Equations: "z = dot(w, x) + b\na = sigmoid(z)\nL = relu(1 - (2*y - 1)*z)"}, want: descent.Stopped, message: "kink", fails: true},
		{name: "another loss without an optimum", csv: "x,y\n1,0\n2,0\n3,0\n4,1\n5,1\n6,1\n", config: descent.Config{Equations: "z = dot(w, x) + b\na = sigmoid(z)\nL = exp((1 - 2*y)*z)"}, want: descent.Undecided, message: "separation", fails: true},
		{name: "out of time", csv: "x,y\n1,0\n2,0\n3,1\n4,0\n5,1\n6,1\n", config: descent.Config{Solver: descent.Solver{MaxTime: 1}}, want: descent.Stopped, message: "time", fails: true},
		{name: "XOR", csv: "x1,x2,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n", want: descent.Converged},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.config.Target = "y"
			r, err := descent.Fit(t.Context(), text(test.csv), test.config)
			if (err != nil) != test.fails {
				t.Fatalf("error %v", err)
			}
			if test.want == "" { // training could not begin
				if !strings.Contains(err.Error(), test.message) {
					t.Errorf("error %v lacks %q", err, test.message)
				}
				return
			}
			if r.Verdict != test.want {
				t.Fatalf("verdict %s (%s), want %s", r.Verdict, r.Message, test.want)
			}
			if !strings.Contains(r.Message, test.message) {
				t.Errorf("message %q lacks %q", r.Message, test.message)
			}
			if r.Model == nil {
				return
			}
			path := filepath.Join(t.TempDir(), "m.json")
			err = r.Model.Save(path)
			if (err != nil) != test.fails {
				t.Errorf("save: %v", err)
			}
			if _, missing := os.Stat(path); (missing != nil) != test.fails {
				t.Errorf("model file: %v", missing)
			}
			if test.fails && test.want == descent.Separated {
				test.config.SaveUnfinished = true
				r, err := descent.Fit(t.Context(), text(test.csv), test.config)
				if !errors.Is(err, descent.ErrUnfinished) {
					t.Fatalf("error %v", err)
				}
				if err := r.Model.Save(path); err != nil {
					t.Errorf("save unfinished: %v", err)
				}
			}
		})
	}
}

// TestInterrupted: cancelling ends in a verdict, not in an answer.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, err := descent.Fit(ctx, descent.File("testdata/pima/pima.csv"), descent.Config{Target: "diabetes", Progress: func(p descent.Progress) {
		if p.Step == 2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || r.Verdict != descent.Interrupted {
		t.Errorf("verdict %s, error %v", r.Verdict, err)
	}
}

// TestSameBits: the model is the same bytes on 1, 2, 3 and 8 threads, from the gz copy too.
func TestSameBits(t *testing.T) {
	for _, file := range []struct{ path, target string }{
		{"testdata/higgs_lightgbm/binary.train.gz", "x1"}, {"testdata/adult/adult.data.gz", "x15"}, {"testdata/a9a/a9a.gz", ""},
	} {
		if testing.Short() && file.target != "x1" {
			continue
		}
		var first []byte
		for _, threads := range []int{1, 2, 3, 8} {
			config := descent.Config{Target: file.target, NoHeader: file.target != "", Solver: descent.Solver{Threads: threads}, Penalty: descent.Penalty{L2: 1}}
			config.Encoding.Missing = encode.MissingLevel
			r, err := descent.Fit(t.Context(), descent.File(file.path), config)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := r.Model.Write(&b); err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = b.Bytes()
			} else if !bytes.Equal(first, b.Bytes()) {
				t.Errorf("%s: %d threads give another model than one", file.path, threads)
			}
		}
	}
}

// TestWeightIsRepetition: weight k equals the row k times, in cost, weights, errors and metrics.
func TestWeightIsRepetition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var weighted, repeated strings.Builder
	used := 0
	weighted.WriteString("x,c,s,y\n")
	repeated.WriteString("x,c,y\n")
	for range 200 {
		x, c, k := random.NormFloat64(), "abc"[random.IntN(3)], random.IntN(4)
		y := 0
		if random.Float64() < 1/(1+math.Exp(-x)) {
			y = 1
		}
		fmt.Fprintf(&weighted, "%.3f,%c,%d,%d\n", x, c, k, y)
		used += min(k, 1) // weight 0 is no row
		for range k {
			fmt.Fprintf(&repeated, "%.3f,%c,%d\n", x, c, y)
		}
	}
	for _, l2 := range []float64{0, 3} {
		config := descent.Config{Target: "y", Penalty: descent.Penalty{L2: l2}}
		b, err := descent.Fit(t.Context(), text(repeated.String()), config)
		if err != nil {
			t.Fatal(err)
		}
		config.Columns.Weight = "s"
		a, err := descent.Fit(t.Context(), text(weighted.String()), config)
		if err != nil {
			t.Fatal(err)
		}
		if a.WeightSum != float64(b.Rows) || a.Rows != used {
			t.Errorf("m = %v from %d rows, want %d from %d", a.WeightSum, a.Rows, b.Rows, used)
		}
		nearly := func(what string, x, y float64) {
			if math.Abs(x-y) > 1e-11*math.Max(1, math.Abs(y)) {
				t.Errorf("λ = %v, %s: weighted %v, repeated %v", l2, what, x, y)
			}
		}
		nearly("cost", a.Cost, b.Cost)
		nearly("AUC", a.Train.AUC, b.Train.AUC)
		nearly("log loss", a.Train.LogLoss, b.Train.LogLoss)
		for j := range a.Coefficients {
			nearly(a.Coefficients[j].Name, a.Coefficients[j].Estimate, b.Coefficients[j].Estimate)
			if l2 == 0 {
				nearly("error of "+a.Coefficients[j].Name, *a.Coefficients[j].StdError, *b.Coefficients[j].StdError)
			}
		}
		if l2 == 0 {
			nearly("BIC", *a.BIC, *b.BIC)
		}
	}
}

// TestOffset: an offset that is a multiple of a column takes that multiple off its weight.
func TestOffset(t *testing.T) {
	var b strings.Builder
	b.WriteString("x,half,y\n")
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		x := random.NormFloat64()
		y := 0
		if random.Float64() < 1/(1+math.Exp(-2*x-0.3)) {
			y = 1
		}
		fmt.Fprintf(&b, "%.4f,%.5f,%d\n", x, x/2, y)
	}
	plain, err := descent.Fit(t.Context(), text(b.String()), descent.Config{Target: "y", Columns: descent.Columns{Exclude: []string{"half"}}})
	if err != nil {
		t.Fatal(err)
	}
	with, err := descent.Fit(t.Context(), text(b.String()), descent.Config{Target: "y", Columns: descent.Columns{Offset: "half"}})
	if err != nil {
		t.Fatal(err)
	}
	if d := plain.Coefficients[1].Estimate - with.Coefficients[1].Estimate; math.Abs(d-0.5) > 1e-4 { // half is rounded to five places
		t.Errorf("the weight falls by %v, want 0.5", d)
	}
	if math.Abs(plain.Cost-with.Cost) > 1e-5 {
		t.Errorf("cost %v and %v", plain.Cost, with.Cost)
	}
	if _, err := with.Model.Predict(map[string]float64{"x": 1}); err == nil {
		t.Error("a row without the offset was predicted")
	}
}

// TestOwnEquations: a loss of the user's own goes the way of the default one.
func TestOwnEquations(t *testing.T) {
	pima := descent.File("testdata/pima/pima.csv")
	base, err := descent.Fit(t.Context(), pima, descent.Config{Target: "diabetes"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, equations string
		want            descent.Verdict
		same            bool // as the default model
	}{
		{"the lecture", descent.Equations, descent.Converged, true},
		{"written by hand", "z = dot(w, x) + b\na = 1/(1 + exp(-z))\nL = -(y*log(a) + (1-y)*log(1-a))", descent.Converged, true},
		{"softplus", "z = dot(w, x) + b\na = sigmoid(z)\nloss = softplus(z) - y*z", descent.Converged, true},
		{"no a", "z = b + dot(x, w)\nL = log(1 + exp(-(2*y - 1)*z))", descent.Converged, true},
		{"focal", "z = dot(w, x) + b\na = sigmoid(z)\nL = -(y*(1-a)^2*log(a) + (1-y)*a^2*log(1-a))", descent.Stationary, false},
		{"smoothed", "z = dot(w, x) + b\na = sigmoid(z)\nt = 0.9*y + 0.05\nL = -(t*log(a) + (1-t)*log(1-a))", descent.Converged, false},
		{"squared", "z = dot(w, x) + b\na = sigmoid(z)\nL = (a - y)^2/2", descent.Stationary, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := descent.Fit(t.Context(), pima, descent.Config{Target: "diabetes", Equations: test.equations})
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != test.want {
				t.Errorf("verdict %s: %s", r.Verdict, r.Message)
			}
			for j, c := range r.Coefficients {
				if d := math.Abs(c.Scaled - base.Coefficients[j].Scaled); (d < 1e-9) != test.same {
					t.Errorf("%s: %v, the default gives %v", c.Name, c.Scaled, base.Coefficients[j].Scaled)
					break
				}
			}
			if r.GradientNorm > 1e-7 {
				t.Errorf("gradient norm %v", r.GradientNorm)
			}
		})
	}
	for equations, want := range map[string]string{
		"z = dot(w, x) + b\nL = softplus(z) - y*q":     "line 2, column 21",
		"z = dot(w, x) + b":                            "",
		"z = w + b\nL = softplus(z) - y*z":             "loss",
		"z = dot(w, x) + b\nL = softplus(z) - y*z*exp": "line 2, column 23",
	} {
		if _, err := descent.Fit(t.Context(), pima, descent.Config{Target: "diabetes", Equations: equations}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", equations, err, want)
		}
	}
}

// TestRulesTrain: the simplifier's rules are what trains. Without a rule the answer is the same by another way; with a wrong rule it is another.
func TestRulesTrain(t *testing.T) {
	fit := func(change func([]graph.Rule) []graph.Rule) float64 {
		config := descent.Config{Target: "diabetes", SaveUnfinished: true}
		config.WithRules(change)
		r, err := descent.Fit(t.Context(), descent.File("testdata/pima/pima.csv"), config)
		if r == nil {
			t.Fatal(err)
		}
		return r.Cost
	}
	rule := func(name string, change func(*graph.Rule)) func([]graph.Rule) []graph.Rule {
		return func(rules []graph.Rule) []graph.Rule {
			rules = slices.Clone(rules)
			found := false
			for i := range rules {
				if rules[i].Name == name {
					change(&rules[i])
					found = true
				}
			}
			if !found {
				t.Fatalf("no rule %q", name)
			}
			return rules
		}
	}
	right := fit(func(rules []graph.Rule) []graph.Rule { return rules })
	wrong := fit(rule("log-sigmoid", func(r *graph.Rule) { r.After = strings.ReplaceAll(r.After, "softplus(-u)", "softplus(-2*u)") }))
	if math.Abs(right-wrong) < 1e-3 {
		t.Errorf("cost %v with a wrong rule, %v with the right one: the rules do not train", wrong, right)
	}
}

// TestWeightZero: rows without a weight are no rows, for levels too.
func TestWeightZero(t *testing.T) {
	with, err := descent.Fit(t.Context(), text("c,s,y\na,0,1\nb,1,0\nb,1,1\nc,1,1\nc,1,0\nc,2,1\n"), descent.Config{Target: "y", Columns: descent.Columns{Weight: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	without, err := descent.Fit(t.Context(), text("c,s,y\nb,1,0\nb,1,1\nc,1,1\nc,1,0\nc,2,1\n"), descent.Config{Target: "y", Columns: descent.Columns{Weight: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(with.Warnings) != len(without.Warnings) || len(with.Coefficients) != len(without.Coefficients) {
		t.Fatalf("%d coefficients and %v, without the rows %d and %v", len(with.Coefficients), with.Warnings, len(without.Coefficients), without.Warnings)
	}
	for j, c := range without.Coefficients {
		if with.Coefficients[j].Estimate != c.Estimate || with.Coefficients[j].Name != c.Name {
			t.Errorf("%+v, without the rows %+v", with.Coefficients[j], c)
		}
	}
}

// TestFullCoding: without a penalty the levels of a column are collinear with the intercept, and one of them is left out.
func TestFullCoding(t *testing.T) {
	config := descent.Config{Target: "bad", Encoding: encode.Options{Coding: encode.CodingFull}, Columns: descent.Columns{Include: []string{"duration", "housing", "foreign"}}}
	full, err := descent.Fit(t.Context(), descent.File("testdata/german_credit/german.csv"), config)
	if err != nil {
		t.Fatal(err)
	}
	config.Encoding.Coding = encode.CodingReference
	reference, err := descent.Fit(t.Context(), descent.File("testdata/german_credit/german.csv"), config)
	if err != nil {
		t.Fatal(err)
	}
	if full.Parameters != reference.Parameters || len(full.Aliased) != 2 || math.Abs(*full.AIC-*reference.AIC) > 1e-9 {
		t.Errorf("%d parameters, AIC %v, aliased %v; reference coding has %d and %v", full.Parameters, *full.AIC, full.Aliased, reference.Parameters, *reference.AIC)
	}
}

// TestEquationsForPrediction: what predicts is the a of the equations; an a of something else than z is refused.
func TestEquationsForPrediction(t *testing.T) {
	pima := descent.File("testdata/pima/pima.csv")
	for _, equations := range []string{
		"h = dot(w, x)\na = sigmoid(h)\nL = softplus(h) - y*h + (b - 1)^2",
		"z = dot(w, x) + b\na = sigmoid(2*dot(w, x) + b)\nL = -(y*log(a) + (1-y)*log(1-a))",
	} {
		if _, err := descent.Fit(t.Context(), pima, descent.Config{Target: "diabetes", Equations: equations}); err == nil || !strings.Contains(err.Error(), "a is predicted from dot(w, x) + b alone") {
			t.Errorf("%q: %v", equations, err)
		}
	}
	r, err := descent.Fit(t.Context(), pima, descent.Config{Target: "diabetes", Equations: "z = dot(w, x) + b\na = 0.98*sigmoid(z) + 0.01\nL = -(y*log(a) + (1-y)*log(1-a))"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Model.Predict(&applicant{P: 6, G: 148, B: 72, T: 35, Mass: 33.6, Pedigree: 0.627, Age: 50})
	if err != nil {
		t.Fatal(err)
	}
	if want := 0.98/(1+math.Exp(-p.Z)) + 0.01; math.Abs(p.Probability-want) > 1e-15 {
		t.Errorf("probability %v at z = %v, the equations say %v", p.Probability, p.Z, want)
	}
}

// TestMissingIndicator: a missing number adds the indicator's weight to the mean's.
func TestMissingIndicator(t *testing.T) {
	r, err := descent.Fit(t.Context(), text("x,y\n1,0\n2,0\n3,1\n4,0\n5,1\n6,1\n,1\n,0\n,1\n"), descent.Config{Target: "y", Encoding: encode.Options{Missing: encode.MissingMean}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Model.Predict(map[string]any{"x": nil})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(p.Probability-2.0/3) > 1e-9 { // the missing rows have a parameter of their own
		t.Errorf("P(y | x missing) = %v, the share of the rows is 2/3", p.Probability)
	}
}

// TestAliased: constant, duplicate and collinear columns change no prediction where nothing is penalised, and stay where something is.
func TestAliased(t *testing.T) {
	fit := func(file string, config descent.Config) *descent.Result {
		config.Target = "y"
		r, err := descent.Fit(t.Context(), descent.File(filepath.Join("testdata/degenerate", file)), config)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		return r
	}
	base := fit("baseline.csv", descent.Config{})
	for _, file := range []string{"constant_column.csv", "duplicate_column.csv", "collinear.csv"} {
		r := fit(file, descent.Config{})
		if strings.Join(r.Aliased, " ") != "x4" {
			t.Errorf("%s: aliased %v, want x4", file, r.Aliased)
		}
		if len(r.Warnings) == 0 || strings.Join(r.Warnings[0].Columns, " ") != "x4" && r.Warnings[0].Columns[0] != "x4" {
			t.Errorf("%s: warnings %v", file, r.Warnings)
		}
		for j, c := range base.Coefficients {
			tolerance := 1e-9
			if file == "collinear.csv" { // its columns have a digit more than those of baseline.csv
				tolerance = 1e-6
			}
			if math.Abs(c.Estimate-r.Coefficients[j].Estimate) > tolerance {
				t.Errorf("%s: %s = %v, want %v", file, c.Name, r.Coefficients[j].Estimate, c.Estimate)
			}
		}
		for _, config := range []descent.Config{{Penalty: descent.Penalty{L2: 1}}, {Solver: descent.Solver{Method: "gd", Steps: 5}}} {
			if r := fit(file, config); len(r.Coefficients) != 5 {
				t.Errorf("%s: %d coefficients with a penalty or gd, want all 5", file, len(r.Coefficients))
			}
		}
	}
	if r := fit("dummy_trap.csv", descent.Config{}); len(r.Aliased) != 1 {
		t.Errorf("dummy trap: aliased %v", r.Aliased)
	}
}

// TestModelFile: what is saved loads, predicts the same, and does not load after any change.
func TestModelFile(t *testing.T) {
	r, err := descent.Fit(t.Context(), descent.File("testdata/german_credit/german.csv"), descent.Config{Target: "bad"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.json")
	if err := r.Model.Save(path); err != nil {
		t.Fatal(err)
	}
	m, err := descent.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := func(m *descent.Model) (z []float64) {
		f, err := os.Open("testdata/german_credit/german.csv")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rr, err := m.Rows(t.Context(), "german.csv", f, descent.RowOptions{Confidence: 0.95})
		if err != nil {
			t.Fatal(err)
		}
		for {
			row, err := rr.Next()
			if err != nil {
				return z
			}
			sum := m.Intercept()
			for _, c := range row.Contributions {
				sum += c
			}
			if sum != row.Z {
				t.Fatalf("line %d: the contributions add up to %v, z is %v", row.Line, sum, row.Z)
			}
			if !(row.Low < row.Probability && row.Probability < row.High) {
				t.Fatalf("line %d: %v is not between %v and %v", row.Line, row.Probability, row.Low, row.High)
			}
			z = append(z, row.Z)
		}
	}
	a, b := rows(r.Model), rows(m)
	if len(a) != 1000 {
		t.Fatalf("%d rows", len(a))
	}
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("row %d: z = %v before saving and %v after", i+1, a[i], b[i])
		}
	}
	ev, err := m.Evaluate(t.Context(), descent.File("testdata/german_credit/german.csv"), descent.EvaluateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if ev.Metrics.LogLoss != r.Train.LogLoss || ev.Metrics.AUC != r.Train.AUC {
		t.Errorf("evaluate gives %v, %v; training said %v, %v", ev.Metrics.LogLoss, ev.Metrics.AUC, r.Train.LogLoss, r.Train.AUC)
	}

	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		i, bit := random.IntN(len(content)), random.IntN(8)
		changed := bytes.Clone(content)
		changed[i] ^= 1 << bit
		if _, err := descent.ReadModel("m.json", bytes.NewReader(changed)); err == nil {
			// Only blanks between the tokens may change, as an editor or git changes line ends.
			if !bytes.ContainsRune([]byte(" \n\t\r"), rune(content[i])) {
				t.Errorf("bit %d of byte %d (%q) changed, and the model loads", bit, i, content[i])
			}
		}
	}
}

type applicant struct {
	Pregnant, Glucose, Pressure, Triceps, Insulin float64
	Mass                                          float64 `descent:"mass"`
	Pedigree                                      float64 `descent:"pedigree"`
	Age                                           int     `descent:"age"`
	P                                             float64 `descent:"pregnant"`
	G                                             float64 `descent:"glucose"`
	B                                             float64 `descent:"pressure"`
	T                                             float64 `descent:"triceps"`
	I                                             float64 `descent:"insulin"`
}

func pimaModel(t testing.TB) *descent.Model {
	t.Helper()
	r, err := descent.Fit(t.Context(), descent.File("testdata/pima/pima.csv"), descent.Config{Target: "diabetes"})
	if err != nil {
		t.Fatal(err)
	}
	return r.Model
}

// TestPredict: struct, pointer and maps give the same bits, and a pointer to a struct allocates nothing.
func TestPredict(t *testing.T) {
	m := pimaModel(t)
	a := applicant{P: 6, G: 148, B: 72, T: 35, I: 0, Mass: 33.6, Pedigree: 0.627, Age: 50}
	want, err := m.Predict(a)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]any{
		"pointer":   &a,
		"numbers":   map[string]float64{"pregnant": 6, "glucose": 148, "pressure": 72, "triceps": 35, "insulin": 0, "mass": 33.6, "pedigree": 0.627, "age": 50},
		"texts":     map[string]string{"pregnant": "6", "glucose": "148", "pressure": "72", "triceps": "35", "insulin": "0", "mass": "33.6", "pedigree": ".627", "age": "50"},
		"any":       map[string]any{"pregnant": 6, "glucose": "148", "pressure": uint8(72), "triceps": 35.0, "insulin": false, "mass": 33.6, "pedigree": 0.627, "age": int64(50)},
		"more keys": map[string]float64{"pregnant": 6, "glucose": 148, "pressure": 72, "triceps": 35, "insulin": 0, "mass": 33.6, "pedigree": 0.627, "age": 50, "other": 1},
	} {
		got, err := m.Predict(row)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}
	if math.Abs(want.Probability-0.721726) > 1e-6 || want.Label != "1" { // R: fitted(glm)[1]
		t.Errorf("prediction %+v", want)
	}
	if n := testing.AllocsPerRun(100, func() { m.Predict(&a) }); n != 0 {
		t.Errorf("Predict of a pointer allocates %v times", n)
	}
	for name, row := range map[string]any{
		"missing column": map[string]float64{"pregnant": 6, "glucos": 1},
		"not finite":     map[string]float64{"pregnant": math.Inf(1), "glucose": 148, "pressure": 72, "triceps": 35, "insulin": 0, "mass": 33.6, "pedigree": 0.627, "age": 50},
		"no row":         nil,
		"a number":       3,
		"nil pointer":    (*applicant)(nil),
		"no number":      map[string]string{"pregnant": "six", "glucose": "148", "pressure": "72", "triceps": "35", "insulin": "0", "mass": "33.6", "pedigree": ".627", "age": "50"},
	} {
		if p, err := m.Predict(row); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func BenchmarkPredict(b *testing.B) {
	m := pimaModel(b)
	a := &applicant{P: 6, G: 148, B: 72, T: 35, I: 0, Mass: 33.6, Pedigree: 0.627, Age: 50}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Predict(a); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleFit() {
	result, err := descent.Fit(context.Background(), descent.File("testdata/pima/pima.csv"), descent.Config{Target: "diabetes"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Verdict)
	for _, c := range result.Coefficients[:3] {
		fmt.Printf("%-12s %8.4f  ±%.4f\n", c.Name, c.Estimate, *c.StdError)
	}
	p, err := result.Model.Predict(map[string]float64{"pregnant": 6, "glucose": 148, "pressure": 72, "triceps": 35, "insulin": 0, "mass": 33.6, "pedigree": 0.627, "age": 50})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("P(diabetes) = %.4f\n", p.Probability)
	// Output:
	// converged
	// (intercept)   -8.4047  ±0.7166
	// pregnant       0.1232  ±0.0321
	// glucose        0.0352  ±0.0037
	// P(diabetes) = 0.7217
}

func ExampleModel_Explain() {
	table, err := dataset.Read(context.Background(), "hours.csv", strings.NewReader("hours,passed\n1,0\n2,0\n3,1\n4,0\n5,1\n6,1\n"), dataset.Options{Target: "passed"})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := descent.Fit(context.Background(), descent.Table(table), descent.Config{Target: "passed"})
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := result.Model.Explain(map[string]float64{"hours": 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("z = %.3f + %.3f = %.3f, probability %.3f\n", e.Intercept, e.Contributions[0].Contribution, e.Z, e.Probability)
	// Output:
	// z = -4.249 + 4.856 = 0.607, probability 0.647
}

// TestOptionsWithoutEffect: what a format has no use for is named.
func TestOptionsWithoutEffect(t *testing.T) {
	c := descent.Config{NoHeader: true, Penalty: descent.Penalty{L2: 1}}
	c.Encoding.Missing, c.Encoding.Coding, c.Encoding.MinLevelCount = "drop", "full", 3
	for _, f := range []struct{ text, target, want string }{
		{"1 1:1 2:3\n0 1:2\n1 2:2\n0 1:1\n", "", "no-header, missing, coding, min-level-count: without effect on a file of the format libsvm"},
		{"{\"x\":1,\"y\":0}\n{\"x\":2,\"y\":1}\n{\"x\":3,\"y\":0}\n", "y", "no-header: without effect on a file of the format jsonl"},
		{"1,0\n2,1\n3,0\n4,1\n", "x2", ""},
	} {
		c.Target = f.target
		r, err := descent.Fit(t.Context(), descent.Reader("data", strings.NewReader(f.text)), c)
		if err != nil {
			t.Fatal(err)
		}
		if notes := strings.Join(r.Notes, "\n"); f.want == "" && strings.Contains(notes, "without effect") || !strings.Contains(notes, f.want) {
			t.Errorf("notes %q, want %q", notes, f.want)
		}
	}
}
