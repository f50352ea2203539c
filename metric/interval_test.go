package metric_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/descent-ml/descent/metric"
)

type pairedReference struct {
	Estimate, Low, High, Z, P float64
}

type againstReference struct {
	LogLoss   pairedReference `json:"log_loss"`
	Brier     pairedReference
	AUC       pairedReference
	Decisions struct {
		OnlyNew float64 `json:"only_new"`
		OnlyOld float64 `json:"only_old"`
		P       float64
	}
}

// intervalReference is one case of testdata/metric/intervals.json, which intervals.py writes.
type intervalReference struct {
	Name                            string
	Z, Old, Y, S                    []float64
	Threshold, Conf                 float64
	Classes                         int
	LogLoss                         metric.Interval `json:"log_loss"`
	Brier, Accuracy, Sensitivity    metric.Interval
	Specificity, Precision, F1, AUC metric.Interval
	AveragePrecision                metric.Interval `json:"average_precision"`
	Slope, Intercept                metric.Interval
	MacroF1                         metric.Interval                                        `json:"macro_f1"`
	PerClass                        []struct{ Precision, Recall, F1, AUC metric.Interval } `json:"per_class"`
	Against                         againstReference
	Constant                        struct {
		Rate      float64
		LogLoss   pairedReference `json:"log_loss"`
		Skill     float64
		SkillLow  float64 `json:"skill_low"`
		SkillHigh float64 `json:"skill_high"`
	}
}

func intervalReferences(t *testing.T) (two, classes []intervalReference) {
	b, err := os.ReadFile(filepath.Join("..", "testdata", "metric", "intervals.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Cases, Classes []intervalReference
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Cases) < 5 || len(all.Classes) < 2 {
		t.Fatal("cases are missing")
	}
	return all.Cases, all.Classes
}

const (
	closedForm = 1e-9 // both compute the same formula in float64
	numerical  = 1e-6 // the reference's influence functions are numerical derivatives
	fitted     = 1e-6 // standard errors of a logistic regression at its optimum
)

func sameInterval(t *testing.T, name string, got, want metric.Interval, tolerance float64) {
	t.Helper()
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tolerance*math.Max(1, math.Abs(want[i]))) {
			t.Errorf("%s: %v, want %v", name, got, want)
			return
		}
	}
}

func sameDifference(t *testing.T, name string, got metric.Difference, want pairedReference) {
	t.Helper()
	for i, v := range [][2]float64{{got.Estimate, want.Estimate}, {got.Low, want.Low}, {got.High, want.High}, {got.Z, want.Z}, {got.P, want.P}} {
		if !(math.Abs(v[0]-v[1]) <= closedForm*math.Max(1, math.Abs(v[1]))) {
			t.Errorf("%s: number %d of %+v, want %+v", name, i, got, want)
			return
		}
	}
}

func sameDecisions(t *testing.T, c *metric.Comparison, want againstReference) {
	t.Helper()
	if c.OnlyNew != want.Decisions.OnlyNew || c.OnlyOld != want.Decisions.OnlyOld || math.Abs(c.DecisionsP-want.Decisions.P) > 1e-9 {
		t.Errorf("decisions: %v, %v, p %v, want %+v", c.OnlyNew, c.OnlyOld, c.DecisionsP, want.Decisions)
	}
}

func TestIntervalsReference(t *testing.T) {
	two, _ := intervalReferences(t)
	for _, c := range two {
		t.Run(c.Name, func(t *testing.T) {
			rows := metric.Rows{LogOdds: c.Z, Label: c.Y, Weight: c.S, Confidence: c.Conf, Constant: []float64{1 - c.Constant.Rate, c.Constant.Rate}}
			m, err := metric.Binary(rows, c.Threshold)
			if err != nil {
				t.Fatal(err)
			}
			v := m.Intervals
			sameInterval(t, "log loss", v.LogLoss, c.LogLoss, closedForm)
			sameInterval(t, "Brier", v.Brier, c.Brier, closedForm)
			sameInterval(t, "accuracy", v.Accuracy, c.Accuracy, closedForm)
			sameInterval(t, "sensitivity", v.Sensitivity, c.Sensitivity, closedForm)
			sameInterval(t, "specificity", v.Specificity, c.Specificity, closedForm)
			sameInterval(t, "precision", v.Precision, c.Precision, closedForm)
			sameInterval(t, "F1", v.F1, c.F1, closedForm)
			sameInterval(t, "AUC", v.AUC, c.AUC, closedForm)
			sameInterval(t, "average precision", v.AveragePrecision, c.AveragePrecision, numerical)
			sameInterval(t, "slope", v.Slope, c.Slope, fitted)
			sameInterval(t, "intercept", v.Intercept, c.Intercept, fitted)
			k := m.Constant
			sameDifference(t, "constant", k.Difference, c.Constant.LogLoss)
			sameInterval(t, "skill", k.LogLossSkillInterval, metric.Interval{c.Constant.SkillLow, c.Constant.SkillHigh}, closedForm)
			if math.Abs(k.LogLossSkill-c.Constant.Skill) > closedForm {
				t.Errorf("skill %v, want %v", k.LogLossSkill, c.Constant.Skill)
			}
			d, err := metric.Compare(rows, metric.Rows{LogOdds: c.Old}, c.Threshold, c.Threshold)
			if err != nil {
				t.Fatal(err)
			}
			sameDifference(t, "log loss against", d.LogLoss, c.Against.LogLoss)
			sameDifference(t, "Brier against", d.Brier, c.Against.Brier)
			sameDecisions(t, d, c.Against)
			if math.Abs(d.AUC.Z-c.Against.AUC.Z) > closedForm || math.Abs(d.AUC.P-c.Against.AUC.P) > closedForm {
				t.Errorf("AUC against: %+v, want %+v", d.AUC, c.Against.AUC)
			}
		})
	}
}

func TestClassIntervalsReference(t *testing.T) {
	_, all := intervalReferences(t)
	for _, c := range all {
		t.Run(c.Name, func(t *testing.T) {
			label := make([]int32, len(c.Y))
			for i, y := range c.Y {
				label[i] = int32(y)
			}
			rows := metric.ClassRows{LogOdds: c.Z, Label: label, Weight: c.S, Confidence: c.Conf}
			m, err := metric.Classes(rows, levels(c.Classes))
			if err != nil {
				t.Fatal(err)
			}
			v := m.Intervals
			sameInterval(t, "log loss", v.LogLoss, c.LogLoss, closedForm)
			sameInterval(t, "Brier", v.Brier, c.Brier, closedForm)
			sameInterval(t, "accuracy", v.Accuracy, c.Accuracy, closedForm)
			sameInterval(t, "AUC", v.AUC, c.AUC, numerical)
			sameInterval(t, "macro F1", v.MacroF1, c.MacroF1, numerical)
			for k, want := range c.PerClass {
				got := v.PerClass[k]
				sameInterval(t, "precision", got.Precision, want.Precision, closedForm)
				sameInterval(t, "recall", got.Recall, want.Recall, closedForm)
				sameInterval(t, "F1", got.F1, want.F1, closedForm)
				sameInterval(t, "AUC of a class", got.AUC, want.AUC, closedForm)
			}
			d, err := metric.CompareClasses(rows, metric.ClassRows{LogOdds: c.Old}, c.Classes)
			if err != nil {
				t.Fatal(err)
			}
			sameDifference(t, "log loss against", d.LogLoss, c.Against.LogLoss)
			sameDifference(t, "Brier against", d.Brier, c.Against.Brier)
			sameDecisions(t, d, c.Against)
			if math.Abs(d.AUC.Estimate-c.Against.AUC.Estimate) > closedForm || math.Abs(d.AUC.Z-c.Against.AUC.Z) > numerical {
				t.Errorf("AUC against: %+v, want %+v", d.AUC, c.Against.AUC)
			}
		})
	}
}

// repeated are rows with weights of 0 to 3, and the same rows so many times.
func repeated(r *rand.Rand, m int) (weighted, plain metric.Rows, old, oldPlain []float64) {
	for range m {
		z, k := math.Round(r.NormFloat64()*4)/4, r.IntN(4)
		o, y := z+math.Round(r.NormFloat64()*4)/4, 0.0
		if r.Float64() < metric.Sigmoid(z) {
			y = 1
		}
		weighted.LogOdds, weighted.Label, weighted.Weight = append(weighted.LogOdds, z), append(weighted.Label, y), append(weighted.Weight, float64(k))
		old = append(old, o)
		for range k {
			plain.LogOdds, plain.Label = append(plain.LogOdds, z), append(plain.Label, y)
			oldPlain = append(oldPlain, o)
		}
	}
	return weighted, plain, old, oldPlain
}

// TestIntervalsOfWeights: weight k is the row k times, in every interval and test.
func TestIntervalsOfWeights(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 14))
	for trial := range 20 {
		weighted, plain, old, oldPlain := repeated(r, 40+trial*400)
		var text [2]string
		var all [2][]float64
		for i, rows := range []metric.Rows{weighted, plain} {
			rows.Confidence, rows.Constant = 0.8, []float64{0.45, 0.55}
			m, err := metric.Binary(rows, 0.4)
			if err != nil {
				t.Fatal(err)
			}
			c, err := metric.Compare(rows, metric.Rows{LogOdds: [][]float64{old, oldPlain}[i]}, 0.4, 0.6)
			if err != nil {
				t.Fatal(err)
			}
			m.Rows, m.Positives, m.WeightSum = 0, 0, 0
			all[i] = append(numbersOf(reflect.ValueOf(*m)), numbersOf(reflect.ValueOf(*c))...)
			text[i] = fmt.Sprintf("%+v %+v %+v", m.Intervals, m.Constant, c)
		}
		if len(all[0]) != len(all[1]) || len(all[0]) < 60 {
			t.Fatalf("%d and %d numbers", len(all[0]), len(all[1]))
		}
		for k, v := range all[0] {
			if w := all[1][k]; !(math.Abs(v-w) <= 1e-10*math.Max(1, math.Abs(v)) || math.IsNaN(v) && math.IsNaN(w)) {
				t.Fatalf("trial %d: number %d is %v with weights, %v repeated\n%s\n%s", trial, k, v, w, text[0], text[1])
			}
		}
	}
}

// numbersOf are all numbers in v but for counts of lines.
func numbersOf(v reflect.Value) (out []float64) {
	switch v.Kind() {
	case reflect.Float64:
		return []float64{v.Float()}
	case reflect.Pointer:
		if !v.IsNil() {
			return numbersOf(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			out = append(out, numbersOf(v.Field(i))...)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			out = append(out, numbersOf(v.Index(i))...)
		}
	}
	return out
}

// TestIntervalsOnThreads: the same bits on any number of threads, of many pieces.
func TestIntervalsOnThreads(t *testing.T) {
	for _, weighted := range []bool{false, true} {
		r := largeRows("ties", 60_000, weighted)
		r.Confidence, r.Constant = 0.95, []float64{0.5, 0.5}
		var first string
		for _, threads := range []int{1, 2, 7} {
			r.Threads = threads
			m, err := metric.Binary(r, 0.4)
			if err != nil {
				t.Fatal(err)
			}
			old := r
			old.LogOdds = make([]float64, len(r.LogOdds))
			for i, z := range r.LogOdds {
				old.LogOdds[i] = z / 2
			}
			c, err := metric.Compare(r, old, 0.4, 0.4)
			if err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprintf("%v %v %v", *m.Intervals, *m.Constant, *c)
			if first == "" {
				first = text
			} else if text != first {
				t.Errorf("%d threads: %s, one: %s", threads, text, first)
			}
		}
	}
}

// TestIntervalsUndefined: what cannot be estimated is null, and nothing is a panic.
func TestIntervalsUndefined(t *testing.T) {
	for _, c := range []struct {
		name string
		z, y []float64
		null []string
	}{
		{"no rows", nil, nil, []string{"log_loss", "brier", "accuracy", "auc", "average_precision", "f1", "sensitivity", "calibration_slope"}},
		{"one row", []float64{1}, []float64{1}, []string{"log_loss", "brier", "auc", "average_precision", "specificity", "calibration_slope"}},
		{"one class", []float64{1, 2, 3}, []float64{0, 0, 0}, []string{"auc", "average_precision", "sensitivity", "calibration_slope"}},
		{"separated", []float64{-2, -1, 1, 2}, []float64{0, 0, 1, 1}, []string{"auc", "average_precision", "calibration_slope"}},
		{"one z", []float64{0, 0, 0, 0}, []float64{0, 1, 0, 1}, []string{"log_loss", "brier", "auc", "calibration_slope", "calibration_intercept"}},
		{"beyond float64", []float64{math.MaxFloat64, -math.MaxFloat64, 1, 2}, []float64{0, 1, 0, 1}, []string{"log_loss"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := metric.Binary(metric.Rows{LogOdds: c.z, Label: c.y, Confidence: 0.95, Constant: []float64{0.5, 0.5}}, 0.5)
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			var j struct{ Intervals map[string]any }
			if err := json.Unmarshal(b, &j); err != nil {
				t.Fatal(err)
			}
			for _, name := range c.null {
				if v, ok := j.Intervals[name]; !ok || v != nil {
					t.Errorf("%s is %v, want null: %s", name, v, b)
				}
			}
			var back metric.Metrics
			if err := json.Unmarshal(b, &back); err != nil {
				t.Fatal(err)
			}
			if again, err := json.Marshal(back); err != nil || string(again) != string(b) {
				t.Errorf("read back: %s, %v, was %s", again, err, b)
			}
		})
	}
	if _, err := metric.Binary(metric.Rows{Confidence: 1}, 0.5); err == nil {
		t.Error("no error at the level 1")
	}
}

// TestCoverage: intervals at 90 % hold the truth of the population in about 90 % of samples of 300 rows from it.
func TestCoverage(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 71))
	draw := func(m int) metric.Rows {
		rows := metric.Rows{Threads: 1, Confidence: 0.9}
		for range m {
			u := r.NormFloat64()*1.5 - 0.8
			y := 0.0
			if r.Float64() < metric.Sigmoid(u) {
				y = 1
			}
			rows.LogOdds, rows.Label = append(rows.LogOdds, 1.4*u+0.3), append(rows.Label, y)
		}
		return rows
	}
	truth, err := metric.Binary(draw(400_000), 0.5)
	if err != nil {
		t.Fatal(err)
	}
	measures := map[string]func(m *metric.Metrics) (metric.Interval, float64){
		"log loss": func(m *metric.Metrics) (metric.Interval, float64) { return m.Intervals.LogLoss, truth.LogLoss },
		"Brier":    func(m *metric.Metrics) (metric.Interval, float64) { return m.Intervals.Brier, truth.Brier },
		"accuracy": func(m *metric.Metrics) (metric.Interval, float64) { return m.Intervals.Accuracy, truth.Accuracy },
		"AUC":      func(m *metric.Metrics) (metric.Interval, float64) { return m.Intervals.AUC, truth.AUC },
		"average precision": func(m *metric.Metrics) (metric.Interval, float64) {
			return m.Intervals.AveragePrecision, truth.AveragePrecision
		},
		"F1":        func(m *metric.Metrics) (metric.Interval, float64) { return m.Intervals.F1, truth.F1 },
		"slope":     func(m *metric.Metrics) (metric.Interval, float64) { return m.Intervals.Slope, 1 / 1.4 },
		"intercept": func(m *metric.Metrics) (metric.Interval, float64) { return m.Intervals.Intercept, -0.3 / 1.4 },
	}
	const samples = 1000
	held := map[string]int{}
	for range samples {
		m, err := metric.Binary(draw(300), 0.5)
		if err != nil {
			t.Fatal(err)
		}
		for name, of := range measures {
			if v, value := of(m); v[0] <= value && value <= v[1] {
				held[name]++
			}
		}
	}
	for name := range measures {
		share := float64(held[name]) / samples
		t.Logf("%s: %.3f", name, share)
		if share < 0.865 || share > 0.935 { // 0.9 ± 3.7 standard errors of 1000 samples
			t.Errorf("%s: the interval at 0.9 holds in %.3f of the samples", name, share)
		}
	}
}
