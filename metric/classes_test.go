package metric_test

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

	"github.com/descent-ml/descent/internal/modelfile"
	"github.com/descent-ml/descent/metric"
	"pgregory.net/rapid"
)

func classes(t interface {
	Helper()
	Fatal(...any)
}, r metric.ClassRows, K int) *metric.Metrics {
	t.Helper()
	m, err := metric.Classes(r, levels(K))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// levels are a, b, c, …
func levels(K int) []string {
	out := make([]string, K)
	for k := range out {
		out[k] = string(rune('a' + k))
	}
	return out
}

// orNaN reads null as NaN.
func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// TestClassesReference compares with scikit-learn; testdata/metric/classes.py made the numbers.
func TestClassesReference(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "testdata", "metric", "classes.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		MadeWith string `json:"made_with"`
		Cases    []struct {
			Name     string
			K        int
			Z, S     []float64
			Label    []int32
			LogLoss  float64 `json:"log_loss"`
			Brier    float64
			Accuracy float64
			AUC      float64
			MacroF1  float64 `json:"macro_f1"`
			Counts   [][]float64
			Rows     []int
			ClassAUC []*float64 `json:"class_auc"`

			Precision, Recall, F1 []*float64
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 10 {
		t.Fatalf("only %d cases", len(file.Cases))
	}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			m := classes(t, metric.ClassRows{LogOdds: c.Z, Label: c.Label, Weight: c.S}, c.K)
			is := func(name string, got, want, relative float64) {
				t.Helper()
				if !close(got, want, relative) {
					t.Errorf("%s = %v, %s has %v", name, got, file.MadeWith, want)
				}
			}
			const rounding = 1e-13
			is("log loss", m.LogLoss, c.LogLoss, rounding)
			is("brier", m.Brier, c.Brier, rounding)
			is("accuracy", m.Accuracy, c.Accuracy, rounding)
			is("auc", m.AUC, c.AUC, rounding)
			is("macro F1", m.MacroF1, c.MacroF1, rounding)
			for k, p := range m.PerClass {
				is("precision of "+p.Level, p.Precision, orNaN(c.Precision[k]), rounding)
				is("recall of "+p.Level, p.Recall, orNaN(c.Recall[k]), rounding)
				is("F1 of "+p.Level, p.F1, orNaN(c.F1[k]), rounding)
				is("AUC of "+p.Level, p.AUC, orNaN(c.ClassAUC[k]), rounding)
				if p.Rows != c.Rows[k] {
					t.Errorf("%d rows of %s, %s has %d", p.Rows, p.Level, file.MadeWith, c.Rows[k])
				}
				for d, got := range m.Counts[k] {
					is(fmt.Sprintf("count of %s decided as %d", p.Level, d), got, c.Counts[k][d], rounding)
				}
			}
		})
	}
}

// TestClassesIris: the reference weights give the reference metrics (L-BFGS to a gradient of 1.5e-10, agreeing with scikit-learn
// 1.2.1; testdata/iris/expected.json, whose tolerance is 1e-4).
func TestClassesIris(t *testing.T) {
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("..", "testdata", "iris", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var expected struct {
		Models []struct {
			ID     string
			Checks []struct {
				ID    string
				Value json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(read("expected.json"), &expected); err != nil {
		t.Fatal(err)
	}
	var W [][]float64
	var bias []float64
	var train struct {
		LogLoss  float64 `json:"mean_log_loss"`
		Accuracy float64
	}
	into := map[string]any{"W_rows_by_class": &W, "bias": &bias, "train": &train}
	for _, c := range expected.Models[0].Checks {
		if v := into[c.ID]; v != nil {
			if err := json.Unmarshal(c.Value, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	if expected.Models[0].ID != "softmax_lambda1" || len(W) != 3 || len(bias) != 3 || train.Accuracy == 0 {
		t.Fatal("the expected values are not where they were")
	}
	records, err := csv.NewReader(strings.NewReader(string(read("iris.csv")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var r metric.ClassRows
	var species []string
	for _, record := range records[1:] {
		name := record[len(record)-1]
		if !slices.Contains(species, name) {
			species = append(species, name) // the file is sorted
		}
		r.Label = append(r.Label, int32(len(species)-1))
		for k := range W {
			z := bias[k]
			for j, w := range W[k] {
				x, err := strconv.ParseFloat(record[j], 64)
				if err != nil {
					t.Fatal(err)
				}
				z += w * x
			}
			r.LogOdds = append(r.LogOdds, z)
		}
	}
	m, err := metric.Classes(r, species)
	if err != nil {
		t.Fatal(err)
	}
	// The weights are printed to 16 digits, so only rounding is left.
	if !close(m.LogLoss, train.LogLoss, 1e-12) || !close(m.Accuracy, train.Accuracy, 1e-15) {
		t.Errorf("log loss %v, accuracy %v, expected %+v", m.LogLoss, m.Accuracy, train)
	}
	if m.PerClass[0] != (metric.ClassScores{Level: species[0], Rows: 50, Precision: 1, Recall: 1, F1: 1, AUC: 1}) {
		t.Errorf("setosa is apart from the others, but %+v", m.PerClass[0])
	}
}

func TestClassesUndefined(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name                         string
		r                            metric.ClassRows
		logLoss, accuracy, auc, f1   float64 // f1: macro
		precisions, recalls, f1s, by []float64
	}{
		{"no rows", metric.ClassRows{}, nan, nan, nan, nan,
			[]float64{nan, nan, nan}, []float64{nan, nan, nan}, []float64{nan, nan, nan}, []float64{nan, nan, nan}},
		{"no weight", metric.ClassRows{LogOdds: []float64{1, 2, 3}, Label: []int32{2}, Weight: []float64{0}}, nan, nan, nan, nan,
			[]float64{nan, nan, nan}, []float64{nan, nan, nan}, []float64{nan, nan, nan}, []float64{nan, nan, nan}},
		// Equal probabilities: the lowest class. The others are never decided, yet class b exists.
		{"ties", metric.ClassRows{LogOdds: make([]float64, 6), Label: []int32{0, 1}}, math.Log(3), 0.5, 0.5, (2./3 + 0) / 2,
			[]float64{0.5, nan, nan}, []float64{1, 0, nan}, []float64{2. / 3, 0, nan}, []float64{0.5, 0.5, nan}},
		{"one class", metric.ClassRows{LogOdds: []float64{0, 5, 0, 5, 0, 0}, Label: []int32{1, 1}}, (math.Log(math.Exp(5)+2)*2 - 5) / 2, 0.5, nan, (0 + 2./3) / 2,
			[]float64{0, 1, nan}, []float64{nan, 0.5, nan}, []float64{0, 2. / 3, nan}, []float64{nan, nan, nan}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := classes(t, c.r, 3)
			is := func(name string, got, want float64) {
				t.Helper()
				if !close(got, want, 1e-15) {
					t.Errorf("%s = %v, expected %v", name, got, want)
				}
			}
			is("log loss", m.LogLoss, c.logLoss)
			is("accuracy", m.Accuracy, c.accuracy)
			is("auc", m.AUC, c.auc)
			is("macro F1", m.MacroF1, c.f1)
			for k, p := range m.PerClass {
				is("precision of "+p.Level, p.Precision, c.precisions[k])
				is("recall of "+p.Level, p.Recall, c.recalls[k])
				is("F1 of "+p.Level, p.F1, c.f1s[k])
				is("AUC of "+p.Level, p.AUC, c.by[k])
			}
			roundTrip(t, m)
		})
	}
}

func TestClassesExtremes(t *testing.T) {
	// Right and certain: L is what is left of the others.
	right := metric.ClassRows{LogOdds: []float64{1000, -1000, 0, -40, 0, -37, 0, 0, 700}, Label: []int32{0, 1, 2}}
	m := classes(t, right, 3)
	if want := (math.Exp(-40) + math.Exp(-37)) / 3; !close(m.LogLoss/want, 1, 1e-14) || m.Accuracy != 1 {
		t.Errorf("log loss %v, expected %v; accuracy %v", m.LogLoss, want, m.Accuracy)
	}
	// Wrong and certain.
	m = classes(t, metric.ClassRows{LogOdds: []float64{1000, -1000, 0, 1000, -1000, 0}, Label: []int32{1, 2}}, 3)
	if m.LogLoss != 1500 || m.Brier != 2 || m.Accuracy != 0 {
		t.Errorf("log loss %v, brier %v, accuracy %v", m.LogLoss, m.Brier, m.Accuracy)
	}
	// a_0 is 1 in float64 in all rows, and the sum of the other probabilities 0 in the last five: z still ranks them.
	var far metric.ClassRows
	for i, gap := range []float64{50, 60, 600, 668, 700, 760, 1000, 2000, 1e308} {
		far.LogOdds = append(far.LogOdds, gap, 0, -1)
		far.Label = append(far.Label, int32(i%2))
	}
	m = classes(t, far, 3)
	if won := 4. + 3 + 2 + 1; m.PerClass[0].AUC != won/20 { // rows 2, 4, 6, 8 of class 0 are above 1, 2, 3, 4 rows of class 1
		t.Errorf("AUC of saturated rows %v, expected %v", m.PerClass[0].AUC, won/20)
	}
	// Scores further apart than float64 reaches: no log loss, and all the rest.
	m = classes(t, metric.ClassRows{LogOdds: []float64{1e308, -1e308, 0}, Label: []int32{1}}, 3)
	if !math.IsNaN(m.LogLoss) || m.Brier != 2 {
		t.Errorf("log loss %v, brier %v", m.LogLoss, m.Brier)
	}
	if b, err := json.Marshal(m); err != nil || !strings.Contains(string(b), `"log_loss":null`) {
		t.Errorf("%s, %v", b, err)
	}
}

func TestClassesGivenProbability(t *testing.T) {
	m := classes(t, metric.ClassRows{
		LogOdds: []float64{0, 0, 0, 1, 2, 3}, Probability: []float64{0.25, 0.5, 0.25, 0.5, 0.25, 0.25}, Label: []int32{1, 0},
	}, 3)
	if m.Accuracy != 1 || m.AUC != 1 || m.Brier != 0.375 {
		t.Errorf("the given probabilities were not used: accuracy %v, AUC %v, brier %v", m.Accuracy, m.AUC, m.Brier)
	}
	if want := math.Log(2); !close(m.LogLoss, want, 1e-15) {
		t.Errorf("log loss %v, expected %v", m.LogLoss, want)
	}
}

func TestClassesRefused(t *testing.T) {
	z, y := []float64{1, 2, 3, 4, 5, 6}, []int32{0, 2}
	for _, c := range []struct {
		r       metric.ClassRows
		K       int
		message string
	}{
		{metric.ClassRows{LogOdds: z, Label: y}, 1, "1 classes"},
		{metric.ClassRows{}, 0, "0 classes"},
		{metric.ClassRows{LogOdds: z[:5], Label: y}, 3, "5 scores for 2 rows of 3 classes"},
		{metric.ClassRows{LogOdds: z, Label: y, Probability: z[:3]}, 3, "3 probabilities for 2 rows of 3 classes"},
		{metric.ClassRows{LogOdds: z, Label: y, Weight: z[:1]}, 3, "1 weights for 2 rows"},
		{metric.ClassRows{LogOdds: z, Label: []int32{0, 3}}, 3, "row 2: label 3"},
		{metric.ClassRows{LogOdds: z, Label: []int32{-1, 2}}, 3, "row 1: label -1"},
		{metric.ClassRows{LogOdds: []float64{1, 2, 3, 4, math.NaN(), 6}, Label: y}, 3, "row 2: score NaN of class 1"},
		{metric.ClassRows{LogOdds: []float64{1, 2, math.Inf(-1), 4, 5, 6}, Label: y}, 3, "row 1: score -Inf of class 2"},
		{metric.ClassRows{LogOdds: z, Label: y, Weight: []float64{1, -1}}, 3, "row 2: weight -1"},
		{metric.ClassRows{LogOdds: z, Label: y, Weight: []float64{math.NaN(), 1}}, 3, "row 1: weight NaN"},
		{metric.ClassRows{LogOdds: z, Label: y, Probability: []float64{0, 1, 0, 0, 1.5, 0}}, 3, "row 2: probability 1.5 of class 1"},
	} {
		if _, err := metric.Classes(c.r, levels(c.K)); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("error %v, expected %q", err, c.message)
		}
	}
}

// drawClasses draws rows with equal rows among them.
func drawClasses(t *rapid.T) (metric.ClassRows, int) {
	K := rapid.IntRange(2, 6).Draw(t, "K")
	var r metric.ClassRows
	for range rapid.IntRange(1, 40).Draw(t, "m") {
		if m := len(r.Label); m > 0 && rapid.Bool().Draw(t, "again") {
			i := rapid.IntRange(0, m-1).Draw(t, "row")
			r.LogOdds = append(r.LogOdds, r.LogOdds[i*K:(i+1)*K]...)
		} else {
			for range K {
				r.LogOdds = append(r.LogOdds, rapid.Float64Range(-8, 8).Draw(t, "z"))
			}
		}
		r.Label = append(r.Label, int32(rapid.IntRange(0, K-1).Draw(t, "label")))
	}
	return r, K
}

// numbers are all of m that do not count lines.
func numbers(m *metric.Metrics) []float64 {
	out := []float64{m.WeightSum, m.LogLoss, m.Brier, m.Accuracy, m.AUC, m.MacroF1}
	for k, p := range m.PerClass {
		out = append(out, p.Precision, p.Recall, p.F1, p.AUC)
		out = append(out, m.Counts[k]...)
	}
	return out
}

func sameClasses(t *rapid.T, what string, got, want *metric.Metrics) {
	w := numbers(want)
	for i, g := range numbers(got) {
		if !close(g, w[i], 1e-13) {
			t.Fatalf("%s: value %d is %v, expected %v", what, i, g, w[i])
		}
	}
}

func TestClassesWeightIsRepetition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weighted, K := drawClasses(t)
		var repeated metric.ClassRows
		for i, y := range weighted.Label {
			s := rapid.IntRange(0, 3).Draw(t, "s")
			weighted.Weight = append(weighted.Weight, float64(s))
			for range s {
				repeated.LogOdds = append(repeated.LogOdds, weighted.LogOdds[i*K:(i+1)*K]...)
				repeated.Label = append(repeated.Label, y)
			}
		}
		sameClasses(t, "repeated", classes(t, weighted, K), classes(t, repeated, K))
	})
}

// TestTwoClasses: two classes by name have the measures of Binary, with z the difference of the scores.
func TestTwoClasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRows(t)
		two := metric.ClassRows{Weight: r.Weight}
		for i, z := range r.LogOdds {
			two.LogOdds = append(two.LogOdds, 0, z)
			two.Label = append(two.Label, int32(r.Label[i]))
		}
		got, want := classes(t, two, 2), binary(t, r, 0.5)
		for i, x := range [][2]float64{
			{got.WeightSum, want.WeightSum}, {got.LogLoss, want.LogLoss}, {got.Brier, 2 * want.Brier}, {got.Accuracy, want.Accuracy},
			{got.AUC, want.AUC}, {got.PerClass[0].AUC, want.AUC}, {got.PerClass[1].AUC, want.AUC}, {got.PerClass[1].F1, want.F1},
			{got.Counts[0][0], want.Confusion.TN}, {got.Counts[0][1], want.Confusion.FP},
			{got.Counts[1][0], want.Confusion.FN}, {got.Counts[1][1], want.Confusion.TP},
		} {
			if !close(x[0], x[1], 1e-13) {
				t.Fatalf("value %d is %v, expected %v", i, x[0], x[1])
			}
		}
	})
}

// TestClassesShift: the same number added to all scores of a row changes nothing.
func TestClassesShift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, K := drawClasses(t)
		for i, z := range r.LogOdds {
			r.LogOdds[i] = math.Round(z*1024) / 1024 // so that the shift is exact
		}
		shifted := r
		shifted.LogOdds = slices.Clone(r.LogOdds)
		by := float64(rapid.IntRange(-1e6, 1e6).Draw(t, "by"))
		for i := range shifted.LogOdds {
			shifted.LogOdds[i] += by
		}
		sameClasses(t, "shifted", classes(t, shifted, K), classes(t, r, K))
	})
}

func TestSoftmax(t *testing.T) {
	// mpmath, 30 digits.
	for _, c := range []struct{ z, a []float64 }{
		{[]float64{0}, []float64{1}},
		{[]float64{1, 2, 3}, []float64{0.0900305731703804631, 0.244728471054797647, 0.665240955774821890}},
		{[]float64{1000, 999, -1000}, []float64{0.731058578630004879, 0.268941421369995121, 0}},
		{[]float64{-1e308, 1e308, 0}, []float64{0, 1, 0}},
		{[]float64{-1000, -1000}, []float64{0.5, 0.5}},
	} {
		a := slices.Clone(c.z)
		metric.Softmax(a, a)
		for k := range a {
			if !close(a[k], c.a[k], 2e-16) {
				t.Errorf("softmax(%v) = %v, expected %v", c.z, a, c.a)
				break
			}
		}
	}
	a := make([]float64, 2)
	if metric.Softmax([]float64{1, math.NaN()}, a); !math.IsNaN(a[0]) || !math.IsNaN(a[1]) {
		t.Errorf("softmax of NaN = %v", a)
	}
	for _, c := range []struct {
		a    []float64
		want int
	}{{[]float64{1}, 0}, {[]float64{0.2, 0.4, 0.4}, 1}, {[]float64{0.5, 0.5}, 0}, {[]float64{0.1, 0.2, 0.7}, 2}} {
		if got := metric.Decide(c.a); got != c.want {
			t.Errorf("decided %d of %v, expected %d", got, c.a, c.want)
		}
	}
}

// roundTrip writes m alone and in a model file, and reads it back.
func roundTrip(t *testing.T, m *metric.Metrics) {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	type payload struct {
		Train *metric.Metrics `json:"train"`
	}
	file, err := modelfile.Encode(&payload{m})
	if err != nil {
		t.Fatal(err)
	}
	back, err := modelfile.Decode[payload]("m.json", file)
	if err != nil {
		t.Fatalf("%v in\n%s", err, file)
	}
	again, err := json.Marshal(back.Train)
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(b) {
		t.Errorf("read back %s, written %s", again, b)
	}
	g, w := numbers(back.Train), numbers(m)
	for i := range w {
		if g[i] != w[i] && !(math.IsNaN(g[i]) && math.IsNaN(w[i])) {
			t.Errorf("value %d is read back as %v, written %v", i, g[i], w[i])
		}
	}
	if !slices.Equal(back.Train.Levels, m.Levels) || back.Train.Rows != m.Rows || !math.IsNaN(back.Train.Threshold) {
		t.Errorf("read back %+v, written %+v", back.Train, m)
	}
}

func TestClassesJSON(t *testing.T) {
	z := []float64{3, 0, 0, 0, 1, 0, 0, 1, 0, 0, 2, 0}
	m, err := metric.Classes(metric.ClassRows{LogOdds: z, Label: []int32{0, 1, 2, 1}, Weight: []float64{1, 2, 0.1, 0.2}}, []string{"<50K", "b", "ü"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"rows":4,"log_loss":` + text(m.LogLoss) + `,"brier":` + text(m.Brier) + `,"accuracy":` + text(m.Accuracy) + `,"auc":` + text(m.AUC) +
		`,"macro_f1":` + text(m.MacroF1) + `,"confusion":{"levels":["<50K","b","ü"],"counts":[[1,0,0],[0,2.2,0],[0,0.1,0]]},` +
		`"per_class":[{"level":"<50K","rows":1,"precision":1,"recall":1,"f1":1,"auc":1},` +
		`{"level":"b","rows":2,"precision":` + text(m.PerClass[1].Precision) + `,"recall":1,"f1":` + text(m.PerClass[1].F1) + `,"auc":` + text(m.PerClass[1].AUC) + `},` +
		`{"level":"ü","rows":1,"precision":null,"recall":0,"f1":0,"auc":` + text(m.PerClass[2].AUC) + `}]}`
	if string(b) != want {
		t.Errorf("written\n%s, expected\n%s", b, want)
	}
	roundTrip(t, m)

	for _, c := range []struct{ from, to, message string }{
		{`"rows":4`, `"colour":2,"rows":4`, "colour"},
		{`"recall":0,`, `"recall":0,"colour":1,`, "colour"},
		{`"levels":["<50K","b","ü"]`, `"levels":["<50K","b"]`, "2 levels"},
		{`"levels":["<50K","b","ü"]`, `"levels":["<50K","c","ü"]`, `"b" in per_class is "c"`},
		{`[[1,0,0],[0,2.2,0],[0,0.1,0]]`, `[[1,0,0],[0,2.2,0]]`, "2 rows of counts"},
		{`[0,2.2,0]`, `[0,2.2]`, `2 counts of class "b"`},
		{`"per_class":[`, `"per_class":null,"per_clas":[`, "per_clas"},
	} {
		changed := strings.Replace(want, c.from, c.to, 1)
		if changed == want {
			t.Fatalf("%s is not in %s", c.from, want)
		}
		var back metric.Metrics
		if err := json.Unmarshal([]byte(changed), &back); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: error %v, expected %q", c.to, err, c.message)
		}
	}
	if err := json.Unmarshal([]byte(`{"rows":4,"per_class":null}`), new(metric.Metrics)); err == nil {
		t.Error("no classes were taken")
	}
}

func text(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// TestBinaryJSON: the keys of two classes are what they were.
func TestBinaryJSON(t *testing.T) {
	b, err := json.Marshal(binary(t, metric.Rows{LogOdds: []float64{0, 0, 0, 0}, Label: []float64{0, 1, 0, 1}}, 0.5))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"rows":4,"positives":2,"log_loss":0.6931471805599453,"brier":0.25,"accuracy":0.5,"auc":0.5,"average_precision":0.5,"f1":0,"sensitivity":0,"specificity":1,"precision":null,"threshold":0.5,` +
		`"confusion":{"tp":0,"fp":0,"tn":2,"fn":2},"calibration":{"slope":null,"intercept":null,` +
		`"bins":[{"low":0.5,"high":0.5,"predicted":0.5,"observed":0.5,"rows":4}]}}`
	if string(b) != want {
		t.Errorf("written\n%s, expected\n%s", b, want)
	}
}

func ExampleClasses() {
	m, err := metric.Classes(metric.ClassRows{
		LogOdds: []float64{2, 0, 0, 0, 1, 0, 0, 1, 3, 1, 0, 0},
		Label:   []int32{0, 1, 2, 1},
	}, []string{"ham", "spam", "other"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("log loss %.4f, accuracy %.2f, macro F1 %.4f, counts %v\n", m.LogLoss, m.Accuracy, m.MacroF1, m.Counts)
	for _, c := range m.PerClass {
		fmt.Printf("%s: precision %.2f, recall %.2f, AUC %.2f\n", c.Level, c.Precision, c.Recall, c.AUC)
	}
	// Output:
	// log loss 0.6281, accuracy 0.75, macro F1 0.7778, counts [[1 0 0] [1 1 0] [0 0 1]]
	// ham: precision 0.50, recall 1.00, AUC 1.00
	// spam: precision 1.00, recall 0.50, AUC 1.00
	// other: precision 1.00, recall 1.00, AUC 1.00
}

func BenchmarkClasses(b *testing.B) {
	const K = 10
	for _, m := range []int{1e4, 1e6} {
		b.Run(fmt.Sprintf("m=%.0e/K=%d", float64(m), K), func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			var r metric.ClassRows
			for range m {
				for range K {
					r.LogOdds = append(r.LogOdds, random.NormFloat64())
				}
				r.Label = append(r.Label, int32(random.IntN(K)))
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := metric.Classes(r, levels(K)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
