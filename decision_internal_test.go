package descent

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/descent-ml/descent/metric"
)

// decided counts the decisions of a model on a file, from its predictions alone.
func decided(t *testing.T, m *Model, text string) (d metric.Confusion) {
	t.Helper()
	rows, err := m.Rows(t.Context(), "rows.csv", strings.NewReader(text), RowOptions{Keep: []string{m.Target()}})
	if err != nil {
		t.Fatal(err)
	}
	for {
		row, err := rows.Next()
		if err != nil {
			return d
		}
		switch truth, said := row.Kept[0] == m.Classes()[1], row.Label == m.Classes()[1]; {
		case truth && said:
			d.TP++
		case truth:
			d.FN++
		case said:
			d.FP++
		default:
			d.TN++
		}
	}
}

// TestDecision: the threshold is in the model, decides every label, meets what it was chosen for, and costs what the predictions say.
func TestDecision(t *testing.T) {
	text := recalibrationData()
	lines := strings.SplitAfter(text, "\n")
	lines = lines[:len(lines)-1]
	train, test := strings.Join(lines[:201], ""), lines[0]+strings.Join(lines[201:], "")
	data := func(text string) Source { return Reader("rows.csv", strings.NewReader(text)) }
	cost := &metric.Cost{FP: 2, FN: 7}
	least := func(measure string, v float64) *metric.Constraint {
		return &metric.Constraint{Measure: measure, AtLeast: v}
	}
	for name, c := range map[string]struct {
		config Config
		on     string
	}{
		"cost":                     {Config{Decision: Decision{Cost: cost}}, ""},
		"cost, class weights":      {Config{Decision: Decision{Cost: cost}, ClassWeight: ClassWeight{Balanced: true}}, ""},
		"recall":                   {Config{Decision: Decision{For: least(metric.Recall, 0.9)}}, onTraining},
		"specificity, left out":    {Config{Decision: Decision{For: least(metric.Specificity, 0.8)}, Recalibrate: "platt"}, onLeftOut},
		"precision, test":          {Config{Decision: Decision{For: least(metric.Precision, 0.75)}, Test: Test{Source: data(test)}}, onTest},
		"precision, hidden, test":  {Config{Decision: Decision{For: least(metric.Precision, 0.7)}, Hidden: 2, Penalty: Penalty{L2: 1}, Test: Test{Source: data(test)}}, onTest},
		"recall, holdout isotonic": {Config{Decision: Decision{For: least(metric.Recall, 0.8)}, Test: Test{Part: 0.3}, Recalibrate: "isotonic"}, onTest},
	} {
		c.config.Target = "y"
		r, err := Fit(t.Context(), data(train), c.config)
		if err != nil {
			t.Fatal(name, err)
		}
		var b bytes.Buffer
		if err := r.Model.Write(&b); err != nil {
			t.Fatal(err)
		}
		m, err := ReadModel("model", &b)
		if err != nil {
			t.Fatal(name, err)
		}
		d := r.Threshold
		if d == nil || d.Threshold != m.Threshold() || d.On != c.on || m.ThresholdBy() == "" || r.Train.Threshold != d.Threshold {
			t.Fatalf("%s: %+v, in the model %v", name, d, m.Threshold())
		}
		if c.config.Test.Source != nil {
			if got := decided(t, m, test); got != r.Test.Confusion {
				t.Errorf("%s: predictions of the test rows are %+v, measured %+v", name, got, r.Test.Confusion)
			}
		}
		if d.Cost != nil {
			got := decided(t, m, train)
			if math.Abs(d.Threshold-2.0/9) > 1e-15 || d.Train.Total != 2*got.FP+7*got.FN || d.Train.Mean != d.Train.Total/200 || d.Test != nil {
				t.Errorf("%s: %+v costs %+v at %v", name, got, d.Train, d.Threshold)
			}
			continue
		}
		measured := map[string]*metric.Metrics{onTraining: r.Train, onTest: r.Test}[c.on]
		if c.on == onLeftOut {
			measured = r.Recalibration.LeftOut.After
		}
		if got := d.For.Of(measured.Confusion); got < d.For.AtLeast || got != *d.Reached {
			t.Errorf("%s: reached %v, measured %v", name, *d.Reached, got)
		}
	}
}

// TestDecisionReproduced: a threshold that was chosen on a file of test rows needs that file.
func TestDecisionReproduced(t *testing.T) {
	text := recalibrationData()
	data := func() Source { return Reader("rows.csv", strings.NewReader(text)) }
	c := Config{Target: "y", Decision: Decision{For: &metric.Constraint{Measure: metric.Recall, AtLeast: 0.7}}, Test: Test{Source: data()}}
	r, err := Fit(t.Context(), data(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Model.Reproduce(t.Context(), data(), ReproduceOptions{}); err == nil || !strings.Contains(err.Error(), "--test") {
		t.Errorf("without the file: %v", err)
	}
	if again, err := r.Model.Reproduce(t.Context(), data(), ReproduceOptions{Test: data()}); err != nil || !again.Same {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestDecisionRefuses(t *testing.T) {
	text := recalibrationData()
	for want, change := range map[string]func(c *Config){
		"choose one": func(c *Config) {
			c.Decision = Decision{Cost: &metric.Cost{FP: 1, FN: 1}, For: &metric.Constraint{Measure: metric.Recall, AtLeast: 0.5}}
		},
		"want numbers above 0":    func(c *Config) { c.Decision.Cost = &metric.Cost{FP: 1} },
		`"f1" is not one of`:      func(c *Config) { c.Decision.For = &metric.Constraint{Measure: "f1", AtLeast: 0.5} },
		"cost is for two classes": func(c *Config) { c.Target, c.Decision.Cost = "g", &metric.Cost{FP: 1, FN: 2} },
		"no threshold gives": func(c *Config) {
			c.Columns.Include, c.Decision.For = []string{"k"}, &metric.Constraint{Measure: metric.Precision, AtLeast: 1}
		},
		"stream and threshold-for": func(c *Config) {
			c.Solver.Stream, c.Decision.For = true, &metric.Constraint{Measure: metric.Recall, AtLeast: 0.5}
		},
		"stream and recalibrate":     func(c *Config) { c.Solver.Stream, c.Recalibrate = true, "platt" },
		"cost is for two classes; t": func(c *Config) { c.Target, c.Solver.Stream, c.Decision.Cost = "g", true, &metric.Cost{FP: 1, FN: 2} },
	} {
		c := Config{Target: "y"}
		change(&c)
		if _, err := Fit(t.Context(), Reader("x.csv", strings.NewReader(text)), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestReweightedLoss: the two mean losses are those of the models with and without the correction.
func TestReweightedLoss(t *testing.T) {
	text := recalibrationData()
	data := func() Source { return Reader("x.csv", strings.NewReader(text)) }
	for _, target := range []string{"y", "g"} {
		r, err := Fit(t.Context(), data(), Config{Target: target, ClassWeight: ClassWeight{Balanced: true}, Penalty: Penalty{L2: 1}})
		if err != nil {
			t.Fatal(err)
		}
		w := r.ClassWeight
		if math.Abs(*w.LogLoss-r.Train.LogLoss) > 1e-12 {
			t.Errorf("%s: loss %v, measured %v", target, *w.LogLoss, r.Train.LogLoss)
		}
		file := r.Model.file
		intercepts, scaled := []float64{}, []float64{}
		for k := range file.Intercepts {
			by := *w.Classes[len(w.Classes)-len(file.Intercepts)+k].Correction
			intercepts, scaled = append(intercepts, file.Intercepts[k]-by), append(scaled, file.Scaling.Intercepts[k]-by)
		}
		file.Intercepts, file.Scaling.Intercepts = intercepts, scaled
		m, err := newModel(file)
		if err != nil {
			t.Fatal(err)
		}
		ev, err := m.Evaluate(t.Context(), data(), EvaluateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(*w.LogLossTrained-ev.Metrics.LogLoss) > 1e-12 {
			t.Errorf("%s: loss as trained %v, measured %v", target, *w.LogLossTrained, ev.Metrics.LogLoss)
		}
	}
}
