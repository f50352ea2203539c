package descent

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/engine"
)

// TestModelRefused: a model whose checksum is right but whose parts do not fit together does not open.
func TestModelRefused(t *testing.T) {
	r, err := Fit(t.Context(), File("testdata/pima/pima.csv"), Config{Target: "diabetes"})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*modelFile)
		want   string
	}{
		"z":            {func(f *modelFile) { f.Tests[1].Z = []float64{f.Tests[1].Z[0] + 1e-9} }, "disagrees with its own test vector 2"},
		"probability":  {func(f *modelFile) { f.Tests[0].Probabilities = []float64{0.5} }, "disagrees with its own test vector 1"},
		"weight":       {func(f *modelFile) { f.Terms[2].Weights = []float64{1} }, "does not agree with its scaled weight"},
		"no tests":     {func(f *modelFile) { f.Tests = nil }, "no test vectors"},
		"threshold":    {func(f *modelFile) { f.Threshold = 1.5 }, "threshold"},
		"classes":      {func(f *modelFile) { f.Classes.Levels = f.Classes.Levels[:1] }, "classes"},
		"more weights": {func(f *modelFile) { f.Terms[0].Weights = []float64{1, 2} }, "has 2 weights"},
		"term":         {func(f *modelFile) { f.Terms[0].Column = "pregnan" }, `no column "pregnan"`},
		"column twice": {func(f *modelFile) { f.Columns[1].Name = f.Columns[0].Name }, "twice"},
		"policy":       {func(f *modelFile) { f.Columns[1].Missing = "guess" }, "guess"},
		"equations":    {func(f *modelFile) { f.Equations[0] = "z = dot(w, x) + c" }, "unknown name c"},
		"covariance":   {func(f *modelFile) { f.Covariance[3] = f.Covariance[3][:1] }, "covariance"},
		"centers":      {func(f *modelFile) { f.Scaling.Center = f.Scaling.Center[:3] }, "centers"},
	} {
		f := r.Model.file
		f.Tests = append([]testVector(nil), f.Tests...)
		f.Terms = append([]term(nil), f.Terms...)
		f.Columns = append([]encode.Column(nil), f.Columns...)
		f.Equations = append([]string(nil), f.Equations...)
		f.Covariance = append([][]float64(nil), f.Covariance...)
		test.change(&f)
		if _, err := open("m.json", f); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
}

// TestRankOfPart: columns are first looked at in part of the rows. Independence there is a proof; dependence is looked at again in all.
func TestRankOfPart(t *testing.T) {
	const m, n = 10000, 300
	random := rand.New(rand.NewPCG(1, 1))
	columns := make([]engine.Float64s, n)
	dense := make([]int, n)
	for j := range columns {
		dense[j] = j
		columns[j] = make([]float64, m)
		for i := range columns[j] {
			columns[j][i] = random.NormFloat64()
		}
	}
	rank := func() int {
		var cells []engine.Cells
		for _, c := range columns {
			cells = append(cells, c)
		}
		memory, err := engine.NewMemory(engine.Layout{Rows: m, Features: n, Dense: dense}, engine.Columns{Dense: cells})
		if err != nil {
			t.Fatal(err)
		}
		f := &fit{learnt: &encode.Learnt{Rows: make([]int, m)}}
		a, err := f.rank(t.Context(), &encode.Design{Memory: memory, Terms: dense}, dense)
		if err != nil {
			t.Fatal(err)
		}
		return len(a)
	}
	if k := rank(); k != 0 {
		t.Errorf("%d aliases among independent columns", k)
	}
	copy(columns[7], columns[3])
	if k := rank(); k != 1 {
		t.Errorf("%d aliases, want the copied column", k)
	}
	columns[7][m-1]++ // a copy but for the last row, which the part does not hold
	if k := rank(); k != 0 {
		t.Errorf("%d aliases, but the columns differ in one row", k)
	}
}
