package metric_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent/metric"
	"pgregory.net/rapid"
)

func close(got, want, relative float64) bool {
	if math.IsNaN(want) {
		return math.IsNaN(got)
	}
	return math.Abs(got-want) <= relative*max(1, math.Abs(want))
}

func binary(t interface {
	Helper()
	Fatal(...any)
}, r metric.Rows, threshold float64) *metric.Metrics {
	t.Helper()
	m, err := metric.Binary(r, threshold)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestReference compares with scikit-learn and statsmodels; testdata/metric/reference.py made the numbers.
func TestReference(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "testdata", "metric", "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		MadeWith string `json:"made_with"`
		Cases    []struct {
			Name             string
			Z, Y, S          []float64
			Threshold        float64
			LogLoss          float64 `json:"log_loss"`
			Brier            float64
			Accuracy, F1     float64
			AUC              float64
			AveragePrecision float64 `json:"average_precision"`
			TP, FP, TN, FN   float64
			Slope, Intercept float64
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 8 {
		t.Fatalf("only %d cases", len(file.Cases))
	}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			m := binary(t, metric.Rows{LogOdds: c.Z, Label: c.Y, Weight: c.S}, c.Threshold)
			// scikit-learn takes the log of a rounded probability, which is worth about exp(z)·2⁻⁵³.
			logLoss := 1e-13
			for _, z := range c.Z {
				logLoss = max(logLoss, math.Exp(math.Abs(z))*0x1p-53)
			}
			for _, x := range []struct {
				name                string
				got, want, relative float64
			}{
				{"log loss", m.LogLoss, c.LogLoss, logLoss},
				{"brier", m.Brier, c.Brier, 1e-13},
				{"accuracy", m.Accuracy, c.Accuracy, 1e-13},
				{"f1", m.F1, c.F1, 1e-13},
				{"auc", m.AUC, c.AUC, 1e-13},
				{"average precision", m.AveragePrecision, c.AveragePrecision, 1e-13},
				{"tp", m.Confusion.TP, c.TP, 1e-13},
				{"fp", m.Confusion.FP, c.FP, 1e-13},
				{"tn", m.Confusion.TN, c.TN, 1e-13},
				{"fn", m.Confusion.FN, c.FN, 1e-13},
				{"slope", m.Calibration.Slope, c.Slope, 1e-11},
				{"intercept", m.Calibration.Intercept, c.Intercept, 1e-11},
			} {
				if !close(x.got, x.want, x.relative) {
					t.Errorf("%s = %v, %s has %v", x.name, x.got, file.MadeWith, x.want)
				}
			}
		})
	}
}

// column reads a CSV file with a header: the numbers of all columns but the label, row by row, and the labels.
func readCSV(t *testing.T, path, label string) (x [][]float64, y []float64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records[1:] {
		var row []float64
		for j, cell := range record {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			if records[0][j] == label {
				y = append(y, v)
			} else {
				row = append(row, v)
			}
		}
		x = append(x, row)
	}
	return x, y
}

func readLIBSVM(t *testing.T, path string, n int) (x [][]float64, y []float64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		row := make([]float64, n)
		for i, token := range strings.Fields(line) {
			if i == 0 {
				label, _ := strconv.ParseFloat(token, 64)
				y = append(y, (label+1)/2)
				continue
			}
			var j int
			var v float64
			if _, err := fmt.Sscanf(token, "%d:%g", &j, &v); err != nil {
				t.Fatal(err)
			}
			row[j-1] = v
		}
		x = append(x, row)
	}
	return x, y
}

func linear(x [][]float64, w []float64, b float64) []float64 {
	z := make([]float64, len(x))
	for i, row := range x {
		z[i] = b
		for j, v := range row {
			z[i] += v * w[j]
		}
	}
	return z
}

// TestPima and TestHeartScale: the reference coefficients give the reference metrics (R 4.2.2; numpy, agreeing with
// scikit-learn 1.2.1; see LICENSE.txt beside the data).
func TestPima(t *testing.T) {
	x, y := readCSV(t, "../testdata/pima/pima.csv", "diabetes")
	z := linear(x, []float64{0.123182298352439, 0.0351637146068567, -0.0132955469043062, 0.000618964364875737,
		-0.00119169898416223, 0.0897009700309466, 0.945179740621131, 0.0148690047444695}, -8.40469636691414)
	m := binary(t, metric.Rows{LogOdds: z, Label: y}, 0.5)
	if m.Rows != 768 || m.Positives != 268 {
		t.Errorf("%d rows, %d positives", m.Rows, m.Positives)
	}
	for name, x := range map[string][2]float64{
		"log loss": {m.LogLoss, 0.470993084488391},
		"auc":      {m.AUC, 0.839425373134328},
		"brier":    {m.Brier, 0.152725755700799},
		"accuracy": {m.Accuracy, 0.782552083333333},
		// At the optimum the labels' regression on z is z itself.
		"slope":     {m.Calibration.Slope, 1},
		"intercept": {m.Calibration.Intercept, 0},
	} {
		if !close(x[0], x[1], 1e-12) {
			t.Errorf("%s = %v, expected %v", name, x[0], x[1])
		}
	}
}

func TestHeartScale(t *testing.T) {
	x, y := readLIBSVM(t, "../testdata/heart_scale/heart_scale", 13)
	for _, c := range []struct {
		name                               string
		w                                  []float64
		b, logLoss, accuracy, auc, average float64
		brier                              float64
		confusion                          metric.Confusion
	}{
		{
			"lambda = 1", []float64{-0.06724880704761753, 0.6235079385252833, 0.9416469314835321, 0.8837937987609124, 0.8303899485739137,
				-0.32640400288945, 0.3099920228471524, -0.916283121475043, 0.42025112908579165, 0.8796592587345816, 0.43928803275582373,
				1.467583136235654, 0.6899428756014294}, 1.486927972139302,
			0.33656372180754324, 0.8444444444444444, 0.9279444444444445, 0.919350833496906, 0.10424938296967455,
			metric.Confusion{TP: 97, FP: 19, FN: 23, TN: 131},
		},
		{
			"maximum likelihood", []float64{-0.4194594120910698, 0.7710545460877652, 1.0513426478511525, 1.3364464522459425, 1.5829298946765902,
				-0.3974051754406186, 0.3016681816404434, -1.3784672795679056, 0.41469274279638596, 1.0654403807575135, 0.4422763636648021,
				1.7479069000132106, 0.6827676919766308}, 2.2020621918199357,
			0.33258844871365917, 0.8555555555555555, 0.9289444444444445, 0.9184961909133681, 0.10332066862445707,
			metric.Confusion{TP: 98, FP: 17, FN: 22, TN: 133},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := binary(t, metric.Rows{LogOdds: linear(x, c.w, c.b), Label: y}, 0.5)
			for name, x := range map[string][2]float64{
				"log loss":          {m.LogLoss, c.logLoss},
				"accuracy":          {m.Accuracy, c.accuracy},
				"auc":               {m.AUC, c.auc},
				"average precision": {m.AveragePrecision, c.average},
				"brier":             {m.Brier, c.brier},
			} {
				if !close(x[0], x[1], 1e-12) {
					t.Errorf("%s = %v, expected %v", name, x[0], x[1])
				}
			}
			if m.Confusion != c.confusion {
				t.Errorf("confusion %+v, expected %+v", m.Confusion, c.confusion)
			}
		})
	}
}

// TestExData needs the course's data, which has no licence and is not in this repository.
func TestExData(t *testing.T) {
	path := elsewhere("ng_ex2data1/ex2data1.csv")
	if _, err := os.Stat(path); err != nil {
		t.Skip("DESCENT_DATA names no folder that holds ng_ex2data1")
	}
	x, y := readCSV(t, path, "admitted")
	m := binary(t, metric.Rows{LogOdds: linear(x, []float64{0.20623171329398302, 0.2014716004419635}, -25.161333566639538), Label: y}, 0.5)
	for name, x := range map[string][2]float64{
		"log loss":          {m.LogLoss, 0.20349770158943994},
		"accuracy":          {m.Accuracy, 0.89},
		"auc":               {m.AUC, 0.9733333333333334},
		"average precision": {m.AveragePrecision, 0.9818889455455911},
		"brier":             {m.Brier, 0.06618315186831177},
	} {
		if !close(x[0], x[1], 1e-12) {
			t.Errorf("%s = %v, expected %v", name, x[0], x[1])
		}
	}
	if want := (metric.Confusion{TP: 55, FP: 6, FN: 5, TN: 34}); m.Confusion != want {
		t.Errorf("confusion %+v, expected %+v", m.Confusion, want)
	}
}

func TestUndefined(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name                        string
		r                           metric.Rows
		auc, average, f1, slope, ll float64
		bins                        int
	}{
		{"no rows", metric.Rows{}, nan, nan, nan, nan, nan, 0},
		{"no weight", metric.Rows{LogOdds: []float64{1, 2}, Label: []float64{0, 1}, Weight: []float64{0, 0}}, nan, nan, nan, nan, nan, 0},
		{"only positives", metric.Rows{LogOdds: []float64{0, 0}, Label: []float64{1, 1}}, nan, 1, 0, nan, math.Ln2, 1},
		{"only negatives", metric.Rows{LogOdds: []float64{0, 0}, Label: []float64{0, 0}}, nan, nan, nan, nan, math.Ln2, 1},
		{"all z equal", metric.Rows{LogOdds: []float64{0, 0}, Label: []float64{0, 1}}, 0.5, 0.5, 0, nan, math.Ln2, 1},
		{"separated", metric.Rows{LogOdds: []float64{-1, 1}, Label: []float64{0, 1}}, 1, 1, 1, nan, math.Log1p(math.Exp(-1)), 2},
		{"separated the wrong way", metric.Rows{LogOdds: []float64{-1, 1}, Label: []float64{1, 0}}, 0, 0.5, 0, nan, 1 + math.Log1p(math.Exp(-1)), 2},
		{"quasi-separated", metric.Rows{LogOdds: []float64{-1, 0, 0, 1}, Label: []float64{0, 0, 1, 1}}, 0.875, 5. / 6, 2. / 3, nan,
			(math.Ln2 + math.Log1p(math.Exp(-1))) / 2, 3},
		{"the other class has no weight", metric.Rows{LogOdds: []float64{-1, 1, 2}, Label: []float64{1, 0, 1}, Weight: []float64{1, 0, 1}},
			nan, 1, 2. / 3, nan, (1 + math.Log1p(math.Exp(-1)) + math.Log1p(math.Exp(-2))) / 2, 2},
		{"one row", metric.Rows{LogOdds: []float64{3}, Label: []float64{1}}, nan, 1, 1, nan, math.Log1p(math.Exp(-3)), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := binary(t, c.r, 0.5)
			for name, x := range map[string][2]float64{
				"auc": {m.AUC, c.auc}, "average precision": {m.AveragePrecision, c.average}, "f1": {m.F1, c.f1},
				"slope": {m.Calibration.Slope, c.slope}, "log loss": {m.LogLoss, c.ll},
			} {
				if !close(x[0], x[1], 1e-15) {
					t.Errorf("%s = %v, expected %v", name, x[0], x[1])
				}
			}
			if math.IsNaN(m.Calibration.Slope) != math.IsNaN(m.Calibration.Intercept) {
				t.Error("slope without intercept")
			}
			if len(m.Calibration.Bins) != c.bins {
				t.Errorf("%d bins, expected %d", len(m.Calibration.Bins), c.bins)
			}
			if _, err := json.Marshal(m); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestExtremes(t *testing.T) {
	z := []float64{1000, -1000, 710, -745, 1e308, -1e308, 40, 37}
	right := []float64{1, 0, 1, 0, 1, 0, 1, 1}
	m := binary(t, metric.Rows{LogOdds: z, Label: right}, 0.5)
	if want := (math.Exp(-40) + math.Exp(-37) + 2.2e-308) / 8; !close(m.LogLoss/want, 1, 1e-15) {
		t.Errorf("log loss %v, expected %v", m.LogLoss, want)
	}
	wrong := make([]float64, len(z))
	for i, y := range right {
		wrong[i] = 1 - y
	}
	if m = binary(t, metric.Rows{LogOdds: z, Label: wrong}, 0.5); math.IsInf(m.LogLoss, 0) || m.Brier != 1 {
		t.Errorf("log loss %v, brier %v", m.LogLoss, m.Brier)
	}
	// Both probabilities are 1, yet z still ranks them.
	m = binary(t, metric.Rows{LogOdds: []float64{50, 60, 70, 80}, Label: []float64{0, 1, 0, 1}}, 0.5)
	if m.AUC != 0.75 {
		t.Errorf("AUC of saturated rows = %v", m.AUC)
	}
	if m.Confusion.FP != 2 || m.Confusion.TP != 2 {
		t.Errorf("confusion %+v", m.Confusion)
	}
}

func TestTieAtThreshold(t *testing.T) {
	for _, c := range []struct {
		z, threshold float64
		positive     bool
	}{
		{0, 0.5, false}, {1e-12, 0.5, true}, {-1e-12, 0.5, false},
		{1e308, 1, false}, {-1e308, 0, false}, {-700, 0, true}, {36, 1, false},
	} {
		m := binary(t, metric.Rows{LogOdds: []float64{c.z}, Label: []float64{1}}, c.threshold)
		if got := m.Confusion.TP == 1; got != c.positive {
			t.Errorf("z = %v at threshold %v: positive = %v", c.z, c.threshold, got)
		}
	}
	// Given probabilities decide, not those computed from z.
	m := binary(t, metric.Rows{LogOdds: []float64{1}, Probability: []float64{0.25}, Label: []float64{1}}, 0.5)
	if m.Confusion.FN != 1 || m.Brier != 0.5625 {
		t.Errorf("given probability not used: %+v", m)
	}
}

func TestRefused(t *testing.T) {
	z, y := []float64{1, 2}, []float64{0, 1}
	for _, c := range []struct {
		r         metric.Rows
		threshold float64
		message   string
	}{
		{metric.Rows{LogOdds: z, Label: y[:1]}, 0.5, "1 labels for 2 rows"},
		{metric.Rows{LogOdds: z, Label: y, Weight: y[:1]}, 0.5, "1 weights for 2 rows"},
		{metric.Rows{LogOdds: z, Label: y, Probability: y[:1]}, 0.5, "1 probabilities for 2 rows"},
		{metric.Rows{LogOdds: []float64{1, math.NaN()}, Label: y}, 0.5, "row 2: log-odds NaN"},
		{metric.Rows{LogOdds: []float64{math.Inf(1), 1}, Label: y}, 0.5, "row 1: log-odds +Inf"},
		{metric.Rows{LogOdds: z, Label: []float64{0, 2}}, 0.5, "row 2: label 2"},
		{metric.Rows{LogOdds: z, Label: []float64{math.NaN(), 0}}, 0.5, "row 1: label NaN"},
		{metric.Rows{LogOdds: z, Label: y, Weight: []float64{1, -1}}, 0.5, "row 2: weight -1"},
		{metric.Rows{LogOdds: z, Label: y, Weight: []float64{1, math.Inf(1)}}, 0.5, "row 2: weight +Inf"},
		{metric.Rows{LogOdds: z, Label: y, Probability: []float64{1, 1.5}}, 0.5, "row 2: probability 1.5"},
		{metric.Rows{LogOdds: z, Label: y}, 1.5, "threshold 1.5"},
		{metric.Rows{LogOdds: z, Label: y}, math.NaN(), "threshold NaN"},
	} {
		if _, err := metric.Binary(c.r, c.threshold); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("error %v, expected %q", err, c.message)
		}
	}
}

// drawRows draws rows with ties, both classes or one, weights or none.
func drawRows(t *rapid.T) metric.Rows {
	m := rapid.IntRange(1, 60).Draw(t, "m")
	r := metric.Rows{}
	step := rapid.SampledFrom([]float64{0.5, 1e-3, 1e-6}).Draw(t, "step")
	for range m {
		z := rapid.Float64Range(-8, 8).Draw(t, "z")
		r.LogOdds = append(r.LogOdds, math.Round(z/step)*step)
		r.Label = append(r.Label, float64(rapid.IntRange(0, 1).Draw(t, "y")))
	}
	return r
}

// same compares all that does not count lines.
func same(t *rapid.T, what string, got, want *metric.Metrics) {
	g := []float64{got.WeightSum, got.LogLoss, got.Brier, got.Accuracy, got.AUC, got.AveragePrecision, got.F1,
		got.Confusion.TP, got.Confusion.FP, got.Confusion.TN, got.Confusion.FN}
	w := []float64{want.WeightSum, want.LogLoss, want.Brier, want.Accuracy, want.AUC, want.AveragePrecision, want.F1,
		want.Confusion.TP, want.Confusion.FP, want.Confusion.TN, want.Confusion.FN}
	for i := range g {
		if !close(g[i], w[i], 1e-13) {
			t.Fatalf("%s: value %d is %v, expected %v", what, i, g[i], w[i])
		}
	}
	// The regression's answer may be far out where the classes hardly overlap.
	c, d := got.Calibration, want.Calibration
	if math.IsNaN(c.Slope) != math.IsNaN(d.Slope) || math.Abs(d.Slope) < 10 && !(close(c.Slope, d.Slope, 1e-8) && close(c.Intercept, d.Intercept, 1e-8)) {
		t.Fatalf("%s: slope %v, intercept %v, expected %v, %v", what, c.Slope, c.Intercept, d.Slope, d.Intercept)
	}
	if len(c.Bins) != len(d.Bins) {
		t.Fatalf("%s: %d bins, expected %d", what, len(c.Bins), len(d.Bins))
	}
	for i := range c.Bins {
		g, w := c.Bins[i], d.Bins[i]
		if !close(g.Predicted, w.Predicted, 1e-13) || !close(g.Observed, w.Observed, 1e-13) || !close(g.Weight, w.Weight, 1e-13) {
			t.Fatalf("%s: bin %d is %+v, expected %+v", what, i, g, w)
		}
	}
}

func TestWeightIsRepetition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weighted := drawRows(t)
		var repeated metric.Rows
		for i, z := range weighted.LogOdds {
			s := rapid.IntRange(0, 3).Draw(t, "s")
			weighted.Weight = append(weighted.Weight, float64(s))
			for range s {
				repeated.LogOdds = append(repeated.LogOdds, z)
				repeated.Label = append(repeated.Label, weighted.Label[i])
			}
		}
		same(t, "repeated", binary(t, weighted, 0.5), binary(t, repeated, 0.5))
	})
}

func TestOrderOfRowsIsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRows(t)
		shuffled := metric.Rows{LogOdds: make([]float64, len(r.LogOdds)), Label: make([]float64, len(r.LogOdds))}
		for to, from := range rapid.Permutation(indices(len(r.LogOdds))).Draw(t, "order") {
			shuffled.LogOdds[to], shuffled.Label[to] = r.LogOdds[from], r.Label[from]
		}
		same(t, "shuffled", binary(t, shuffled, 0.5), binary(t, r, 0.5))
	})
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// TestAgainstDefinitions computes the ranked measures from their definitions, in O(m²).
func TestAgainstDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRows(t)
		for range r.LogOdds {
			r.Weight = append(r.Weight, rapid.SampledFrom([]float64{0, 0.001, 0.3, 1, 1.7}).Draw(t, "s"))
		}
		m := binary(t, r, 0.5)
		var won, pairs, average, positives float64
		for i, y := range r.Label {
			if y == 0 {
				continue
			}
			positives += r.Weight[i]
			var hit, taken float64
			for j, other := range r.Label {
				if r.LogOdds[j] >= r.LogOdds[i] {
					taken += r.Weight[j]
					hit += r.Weight[j] * other
				}
				if other == 1 {
					continue
				}
				pairs += r.Weight[i] * r.Weight[j]
				switch {
				case r.LogOdds[i] > r.LogOdds[j]:
					won += r.Weight[i] * r.Weight[j]
				case r.LogOdds[i] == r.LogOdds[j]:
					won += r.Weight[i] * r.Weight[j] / 2
				}
			}
			if taken > 0 {
				average += r.Weight[i] * hit / taken
			}
		}
		if !close(m.AUC, won/pairs, 1e-12) {
			t.Fatalf("AUC %v, expected %v", m.AUC, won/pairs)
		}
		if !close(m.AveragePrecision, average/positives, 1e-12) {
			t.Fatalf("average precision %v, expected %v", m.AveragePrecision, average/positives)
		}
		// Bins hold every row with weight once, in order, and no tie is cut.
		rows, weight, before := 0, 0.0, math.Inf(-1)
		for _, b := range m.Calibration.Bins {
			if b.Low < before || b.High < b.Low { // equal: z differ, their probabilities round to one
				t.Fatalf("bins overlap: %+v", m.Calibration.Bins)
			}
			if b.Predicted < b.Low-1e-15 || b.Predicted > b.High+1e-15 {
				t.Fatalf("mean outside its bin: %+v", b)
			}
			before = b.High
			rows += b.Rows
			weight += b.Weight
		}
		if want := 0; true {
			for _, s := range r.Weight {
				if s > 0 {
					want++
				}
			}
			if rows != want || !close(weight, m.WeightSum, 1e-13) || len(m.Calibration.Bins) > 10 {
				t.Fatalf("%d rows of weight %v in %d bins, expected %d of %v", rows, weight, len(m.Calibration.Bins), want, m.WeightSum)
			}
		}
	})
}

func TestDeciles(t *testing.T) {
	var r metric.Rows
	for i := range 1000 {
		r.LogOdds = append(r.LogOdds, float64((i*617)%1000)/100-5)
		r.Label = append(r.Label, float64(i%2))
	}
	c := binary(t, r, 0.5).Calibration
	if len(c.Bins) != 10 {
		t.Fatalf("%d bins", len(c.Bins))
	}
	for i, b := range c.Bins {
		if b.Rows != 100 {
			t.Errorf("bin %d has %d rows", i, b.Rows)
		}
	}
	if got := c.Bins[0].Low; got != metric.Sigmoid(-5) {
		t.Errorf("the first bin begins at %v", got)
	}
}

// TestCalibrationHard: slopes from 0.01 to 100 and back, classes that overlap in one pair of rows.
func TestCalibrationHard(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, 0))
	for _, slope := range []float64{-30, -1, 0.01, 1, 30, 100} {
		var r metric.Rows
		for range 400 {
			z := random.NormFloat64()*3 + 1
			y := 0.0
			if random.Float64() < metric.Sigmoid(slope*z-slope) {
				y = 1
			}
			r.LogOdds, r.Label = append(r.LogOdds, z), append(r.Label, y)
		}
		// One pair on the wrong side, so that an answer exists.
		r.LogOdds = append(r.LogOdds, 0.99, 1.01)
		r.Label = append(r.Label, boolean(slope > 0), boolean(slope < 0))
		checkStationary(t, r)
	}
	for _, far := range []float64{2e-3, 1, 1e6} {
		r := metric.Rows{LogOdds: []float64{-far, -1e-3, 1e-3, far}, Label: []float64{0, 1, 0, 1}}
		if slope := checkStationary(t, r); !(slope > 0) {
			t.Errorf("slope %v at %v", slope, far)
		}
	}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// checkStationary says whether the two numbers of a calibration make the gradient of their regression 0.
func checkStationary(t *testing.T, r metric.Rows) float64 {
	t.Helper()
	c := binary(t, r, 0.5).Calibration
	var gw, gb, size float64
	for i, z := range r.LogOdds {
		dz := metric.Sigmoid(c.Slope*z+c.Intercept) - r.Label[i]
		gw += dz * z
		gb += dz
		size += math.Abs(dz) * (1 + math.Abs(z))
	}
	if !(math.Abs(gw)+math.Abs(gb) <= 1e-9*(size+1e-3)) {
		t.Errorf("slope %v, intercept %v: gradient %v, %v", c.Slope, c.Intercept, gw, gb)
	}
	return c.Slope
}

func TestJSON(t *testing.T) {
	m := binary(t, metric.Rows{LogOdds: []float64{-1, 0, 0, 2}, Label: []float64{0, 0, 1, 1}}, 0.5)
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(b, &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"rows", "positives", "log_loss", "brier", "accuracy", "auc", "average_precision", "f1", "sensitivity", "specificity", "precision", "threshold", "confusion", "calibration"} {
		if _, ok := keys[key]; !ok {
			t.Errorf("no %q in %s", key, b)
		}
		delete(keys, key)
	}
	if len(keys) != 0 {
		t.Errorf("more keys than the contract has: %v", keys)
	}
	if s := string(b); !strings.Contains(s, `"slope":null,"intercept":null`) || !strings.Contains(s, `"confusion":{"tp":1,"fp":0,"tn":2,"fn":1}`) {
		t.Errorf("JSON is %s", s)
	}
	var back metric.Metrics
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(back.Calibration.Slope) || back.LogLoss != m.LogLoss || back.WeightSum != 4 || len(back.Calibration.Bins) != len(m.Calibration.Bins) {
		t.Errorf("read back %+v, written %+v", back, *m)
	}
	if err := json.Unmarshal([]byte(`{"rows":1,"colour":2}`), &back); err == nil {
		t.Error("an unknown key was taken")
	}
	empty := binary(t, metric.Rows{}, 0.5)
	if b, err = json.Marshal(empty); err != nil || strings.Contains(string(b), "NaN") || !strings.Contains(string(b), `"bins":[]`) {
		t.Errorf("no rows: %s, %v", b, err)
	}
	weighted := binary(t, metric.Rows{LogOdds: []float64{1}, Label: []float64{1}, Weight: []float64{2.5}}, 0.5)
	if b, err = json.Marshal(weighted); err != nil || !strings.Contains(string(b), `"weight_sum":2.5`) {
		t.Errorf("weighted: %s, %v", b, err)
	}
}

func ExampleBinary() {
	m, err := metric.Binary(metric.Rows{
		LogOdds: []float64{-2, -1, 0.5, 1, 3},
		Label:   []float64{0, 1, 0, 1, 1},
	}, 0.5)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("log loss %.4f, AUC %.4f, accuracy %.1f, %+v\n", m.LogLoss, m.AUC, m.Accuracy, m.Confusion)
	// Output: log loss 0.5552, AUC 0.8333, accuracy 0.6, {TP:2 FP:1 TN:1 FN:1}
}

func BenchmarkBinary(b *testing.B) {
	for _, m := range []int{1e4, 1e6} {
		b.Run(fmt.Sprintf("m=%.0e", float64(m)), func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			var r metric.Rows
			for range m {
				z := random.NormFloat64()
				y := 0.0
				if random.Float64() < metric.Sigmoid(z) {
					y = 1
				}
				r.LogOdds, r.Label = append(r.LogOdds, z), append(r.Label, y)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := metric.Binary(r, 0.5); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// elsewhere is the path of a set that may not be passed on, in the folder that DESCENT_DATA names.
func elsewhere(path string) string {
	return filepath.Join(os.Getenv("DESCENT_DATA"), filepath.FromSlash(path))
}
