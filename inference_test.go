package descent_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
)

// TestInferenceOfOtherLosses: what was asked for and cannot be had is refused, not left out.
func TestInferenceOfOtherLosses(t *testing.T) {
	text := "x,g,y\n1,a,0\n2,a,1\n3,b,0\n4,b,1\n5,c,0\n2.5,c,1\n"
	squares := "z = dot(w, x) + b\na = sigmoid(z)\nL = (a - y)^2"
	for name, i := range map[string]descent.Inference{
		"robust": {Robust: "hc1"}, "cluster": {Cluster: "g"}, "lr": {LikelihoodRatio: true}, "firth": {Firth: true}, "margins": {Margins: true}, "diagnostics": {Diagnostics: true},
	} {
		_, err := descent.Fit(t.Context(), descent.Reader("t.csv", strings.NewReader(text)), descent.Config{Target: "y", Equations: squares, Inference: i})
		if err == nil || !strings.HasPrefix(err.Error(), name+": the loss is not the log loss") {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := fitText(t, text, descent.Config{Target: "y", Equations: squares, Penalty: descent.Penalty{L2: 1}, Inference: descent.Inference{Bootstrap: 20, Cluster: "g"}})
	if r.Bootstrap == nil || r.Bootstrap.Unit != "clusters" {
		t.Errorf("bootstrap %+v", r.Bootstrap)
	}
	_, err := descent.Fit(t.Context(), descent.Reader("t.csv", strings.NewReader(text)), descent.Config{Target: "y", Inference: descent.Inference{Firth: true}, Solver: descent.Solver{Record: 1}})
	if err == nil || !strings.Contains(err.Error(), "firth with record") {
		t.Errorf("firth and record: %v", err)
	}
}

// TestInferenceMissing: a note says what an unfinished training leaves out.
func TestInferenceMissing(t *testing.T) {
	r, err := descent.Fit(t.Context(), descent.File("testdata/pima/pima.csv"), descent.Config{Target: "diabetes", Solver: descent.Solver{Steps: 1},
		Inference: descent.Inference{Margins: true, Diagnostics: true, Bootstrap: 10}})
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(r.Notes, "\n"); r.Verdict != descent.Stopped || !strings.Contains(all, "no marginal effects, diagnostics, bootstrap intervals") {
		t.Errorf("%s\n%s", r.Verdict, all)
	}
}

// TestGroupedWithoutLikelihood: with class weights there is no goodness of fit, with a penalty none of its tests, and the result is JSON.
func TestGroupedWithoutLikelihood(t *testing.T) {
	text := "dose,won,lost\n1,1,9\n2,3,7\n3,5,5\n4,8,2\n5,9,1\n"
	config := descent.Config{Columns: descent.Columns{Successes: "won", Failures: "lost"}}
	weighted, penalised := config, config
	weighted.ClassWeight.Balanced = true
	penalised.Penalty.L2 = 1
	for name, c := range map[string]descent.Config{"plain": config, "weighted": weighted, "penalised": penalised} {
		r := fitText(t, text, c)
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if g := r.Grouped; (g == nil) != (name == "weighted") || g != nil && ((g.AIC == nil) != (name == "penalised") || (g.P == nil) != (name == "penalised")) {
			t.Errorf("%s: %+v", name, g)
		}
	}
}

// TestInfluenceOfFractions: all rows with weight ½ are the same fit of half the rows. Without any one of them the coefficients change as they do without weights, and
// Cook's distance, which measures that against the information, is half as large.
func TestInfluenceOfFractions(t *testing.T) {
	plain, half := "g,x,y,w\n", "g,x,y,w\n"
	for _, row := range []string{"a,1,0", "a,1,1", "b,2,0", "b,2.5,1", "b,3,0", "b,2.7,1", "b,2.1,1", "b,2.6,0"} {
		plain += fmt.Sprintf("%s,1\n", row)
		half += fmt.Sprintf("%s,0.5\n", row)
	}
	c := descent.Config{Target: "y", Columns: descent.Columns{Weight: "w"}, Inference: descent.Inference{Diagnostics: true}}
	want, got := fitText(t, plain, c).Diagnostics, fitText(t, half, c).Diagnostics
	const digits = 1e-9 // of a fit to 1e-10 standard errors
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= digits*math.Max(1, math.Abs(want))) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	near("largest leverage", got.Leverage.Max, want.Leverage.Max)
	near("mean leverage", got.Leverage.Mean, 2*want.Leverage.Mean) // parameters over m
	by := map[int]descent.InfluentialRow{}
	for _, r := range got.Influence {
		by[r.Row] = r
	}
	for _, w := range want.Influence {
		g := by[w.Row]
		near("leverage", g.Leverage, w.Leverage)
		near("Cook's distance", g.Cook, w.Cook/2)
		near("change", *g.Change.Estimate, *w.Change.Estimate)
	}
}
