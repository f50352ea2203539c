package descent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent/calibration"
	"github.com/descent-ml/descent/metric"
)

// TestRecalibratePeer compares with scikit-learn's CalibratedClassifierCV (testdata/recalibrate/reference.py).
func TestRecalibratePeer(t *testing.T) {
	text, err := os.ReadFile("testdata/recalibrate/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Sigmoid, Isotonic, Slope, Intercept json.RawMessage }
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for method, expected := range map[string]json.RawMessage{calibration.Platt: want.Sigmoid, calibration.Isotonic: want.Isotonic} {
		var p []float64
		if err := json.Unmarshal(expected, &p); err != nil || len(p) != 48 {
			t.Fatal(err, len(p))
		}
		c := Config{Target: "diabetes", Recalibrate: method}
		c.hooks.folds = func(row int) int { return row % 5 }
		r, err := Fit(t.Context(), File("testdata/pima/pima.csv"), c)
		if err != nil {
			t.Fatal(err)
		}
		if method == calibration.Platt {
			var slope, intercept float64
			if json.Unmarshal(want.Slope, &slope) != nil || json.Unmarshal(want.Intercept, &intercept) != nil {
				t.Fatal("no slope")
			}
			if m := r.Recalibration; math.Abs(*m.Slope-slope) > 1e-5 || math.Abs(*m.Intercept-intercept) > 1e-5 { // where its L-BFGS stops
				t.Errorf("slope %v, intercept %v, scikit-learn %v, %v", *m.Slope, *m.Intercept, slope, intercept)
			}
		}
		file, err := os.Open("testdata/pima/pima.csv")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		rows, err := r.Model.Rows(t.Context(), "pima.csv", file, RowOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; ; i++ {
			row, err := rows.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if i%16 == 0 && math.Abs(row.Probability-p[i/16]) > 2e-6 {
				t.Errorf("%s, row %d: probability %v, scikit-learn %v", method, i+1, row.Probability, p[i/16])
			}
		}
	}
}

// recalibrationData has a weight, an offset and a level.
func recalibrationData() string {
	r := rand.New(rand.NewPCG(20240901, 1))
	b := &strings.Builder{}
	b.WriteString("x,u,g,k,o,y\n")
	for range 300 {
		x, u, g, o := r.NormFloat64(), r.NormFloat64(), "abc"[r.IntN(3)], r.NormFloat64()/3
		y := 0
		if r.Float64() < 1/(1+math.Exp(-1.2*x-o+float64(g-'a')-0.3)) {
			y = 1
		}
		fmt.Fprintf(b, "%.3f,%.3f,%c,%d,%.3f,%d\n", x, u, g, r.IntN(3), o, y)
	}
	return b.String()
}

// TestRecalibrateByHand: the function is that of scores of rows by models that are trained without their fold, one by one; and every way to ask the model for a probability
// gives that function of the same z.
func TestRecalibrateByHand(t *testing.T) {
	text := recalibrationData()
	lines := strings.SplitAfter(strings.TrimSpace(text)+"\n", "\n")
	lines = lines[:len(lines)-1]
	data := func(text string) Source { return Reader("data.csv", strings.NewReader(text)) }
	plain := Config{Target: "y", Columns: Columns{Weight: "k", Offset: "o"}, Scale: ScaleNone, Penalty: Penalty{L2: 0.3}, ClassWeight: ClassWeight{Of: map[string]float64{"1": 3}}}
	for _, method := range []string{calibration.Platt, calibration.Isotonic} {
		c := plain
		c.Recalibrate, c.CV.Folds = method, 4
		fold := func(row int) int { return (row/2 + row%3) % 4 }
		c.hooks.folds = fold
		r, err := Fit(t.Context(), data(text), c)
		if err != nil {
			t.Fatal(err)
		}
		var left metric.Rows
		for k := range 4 {
			in, out := lines[0], lines[0]
			for row, line := range lines[1:] {
				if fold(row) == k {
					out += line
				} else {
					in += line
				}
			}
			hand, err := Fit(t.Context(), data(in), plain)
			if err != nil {
				t.Fatal(err)
			}
			f, err := hand.Model.tableOf(t.Context(), data(out), hand.Model.tableOptions("", false))
			if err != nil {
				t.Fatal(err)
			}
			target, _ := targetColumn(f, "y")
			label, _ := hand.Model.labels(f, target)
			s, err := hand.Model.scores(f, nil, label, 1)
			if err != nil {
				t.Fatal(err)
			}
			for i, z := range s.z {
				left.LogOdds, left.Label, left.Weight = append(left.LogOdds, z), append(left.Label, float64(s.truth[i])), append(left.Weight, s.weights[i])
			}
		}
		want, err := calibration.Fit(method, left)
		if err != nil {
			t.Fatal(err)
		}
		for z := -4.0; z < 4; z += 0.01 {
			if a, b := r.Recalibration.Probability(z), want.Probability(z); math.Abs(a-b) > 1e-5 {
				t.Fatalf("%s: probability %v at %v, by hand %v", method, a, z, b)
			}
		}
		if r.Recalibration.Folds != 4 || r.Recalibration.LeftOut.Before == nil || r.Recalibration.Test != nil {
			t.Errorf("%s: %+v", method, r.Recalibration)
		}
		// One probability, however it is asked for.
		var b bytes.Buffer
		if err := r.Model.Write(&b); err != nil {
			t.Fatal(err)
		}
		m, err := ReadModel("model", bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := m.Rows(t.Context(), "data.csv", strings.NewReader(text), RowOptions{})
		if err != nil {
			t.Fatal(err)
		}
		type seen struct{ z, p float64 }
		var all []seen
		var loss, weight float64
		for i := 0; ; i++ {
			row, err := rows.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			x, err := rows.Explain()
			if err != nil {
				t.Fatal(err)
			}
			z := x.Intercept + *x.Offset
			for _, c := range x.Contributions {
				z += c.Contribution
			}
			if z != row.Z || x.Probability != row.Probability || row.Probability != r.Recalibration.Probability(z) || x.Recalibration == nil || x.Recalibration.Before != metric.Sigmoid(z) {
				t.Fatalf("%s: row %d: z %v, sum %v, probability %v, explained %+v", method, i+1, row.Z, z, row.Probability, x.Recalibration)
			}
			all = append(all, seen{z, row.Probability})
			cells := strings.Split(strings.TrimSpace(lines[1+i]), ",")
			k, p := float64(cells[3][0]-'0'), row.Probability
			if cells[5] == "0" {
				p = 1 - p
			}
			loss, weight = loss-k*math.Log(p), weight+k
		}
		slices.SortFunc(all, func(a, b seen) int {
			switch {
			case a.z < b.z:
				return -1
			case a.z > b.z:
				return 1
			}
			return 0
		})
		for i := range all[1:] {
			if all[i+1].p < all[i].p {
				t.Errorf("%s falls: %v then %v", method, all[i], all[i+1])
			}
		}
		ev, err := m.Evaluate(t.Context(), data(text), EvaluateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := ev.Metrics.LogLoss; math.Abs(got-loss/weight) > 1e-12 {
			t.Errorf("%s: log loss %v, from the rows %v", method, got, loss/weight)
		}
		if got, want := r.Train.LogLoss, ev.Metrics.LogLoss; math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: log loss of the training %v, evaluated %v", method, got, want)
		}
		if r.Train.Confusion != ev.Metrics.Confusion {
			t.Errorf("%s: %v in training, evaluated %v", method, r.Train.Confusion, ev.Metrics.Confusion)
		}
	}
}

// TestRecalibrateInterval: the ends of the interval go through the function.
func TestRecalibrateInterval(t *testing.T) {
	for _, method := range []string{calibration.Platt, calibration.Isotonic} {
		r, err := Fit(t.Context(), File("testdata/pima/pima.csv"), Config{Target: "diabetes", Recalibrate: method})
		if err != nil {
			t.Fatal(err)
		}
		before, err := r.Model.withoutRecalibration()
		if err != nil {
			t.Fatal(err)
		}
		row := map[string]float64{"pregnant": 3, "glucose": 140, "pressure": 70, "triceps": 20, "insulin": 80, "mass": 33, "pedigree": 0.4, "age": 35}
		a, err := r.Model.Explain(row)
		if err != nil {
			t.Fatal(err)
		}
		b, err := before.Explain(row)
		if err != nil {
			t.Fatal(err)
		}
		logit := func(p float64) float64 { return math.Log(p) - math.Log1p(-p) }
		for _, end := range [][2]float64{{*a.Low, *b.Low}, {*a.High, *b.High}, {a.Probability, b.Probability}} {
			if want := r.Recalibration.Probability(logit(end[1])); math.Abs(end[0]-want) > 1e-12 {
				t.Errorf("%s: %v, want %v", method, end[0], want)
			}
		}
		if !(*a.Low <= a.Probability && a.Probability <= *a.High) || a.Z != b.Z {
			t.Errorf("%s: %v in %v to %v", method, a.Probability, *a.Low, *a.High)
		}
	}
}

func TestRecalibrateRefuses(t *testing.T) {
	ok := Config{Target: "y", Recalibrate: "platt"}
	text := recalibrationData()
	for _, c := range []struct {
		want   string
		change func(c *Config)
	}{
		{`recalibrate "beta"`, func(c *Config) { c.Recalibrate = "beta" }},
		{"solver gd", func(c *Config) { c.Solver.Method = "gd" }},
		{"hidden layer", func(c *Config) { c.Hidden = 2 }},
		{"firth", func(c *Config) { c.Inference.Firth = true }},
		{"margins", func(c *Config) { c.Inference.Margins = true }},
		{"is for two classes", func(c *Config) { c.Target = "g" }},
	} {
		config := ok
		c.change(&config)
		_, err := Fit(t.Context(), Reader("x.csv", strings.NewReader(text)), config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// TestRecalibrateInterrupted: the model stays without, and says so.
func TestRecalibrateInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := Config{Target: "y", Recalibrate: "platt", SaveUnfinished: true}
	c.Progress = func(p Progress) {
		if strings.HasPrefix(p.Stage, "fold 2") {
			cancel()
		}
	}
	r, err := Fit(ctx, Reader("x.csv", strings.NewReader(recalibrationData())), c)
	if err == nil || r.Verdict != Interrupted || !strings.Contains(r.Message, "recalibration") {
		t.Fatalf("%v, %s: %s", err, r.Verdict, r.Message)
	}
	if r.Recalibration != nil || r.Model == nil || r.Model.Recalibrated() != "" {
		t.Error("half a recalibration is kept")
	}
}
