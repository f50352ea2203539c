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

// TestProfileUnreached: an end of an interval that Newton's method does not reach is null and named, and all else is there. In these data all but one row of
// level b are of class 1: from there down steps overshoot.
func TestProfileUnreached(t *testing.T) {
	r := fitText(t, unreached, descent.Config{Target: "y", Inference: descent.Inference{LikelihoodRatio: true}})
	null := 0
	for _, c := range r.Coefficients {
		for _, v := range []*float64{c.ProfileLow, c.ProfileHigh} {
			if v == nil {
				null++
			} else if math.IsNaN(*v) {
				t.Errorf("%s: NaN", c.Name)
			}
		}
		if c.Name != "g=b" && (c.LRP == nil || c.ProfileLow == nil || c.ProfileHigh == nil) {
			t.Errorf("%+v", c)
		}
	}
	if null == 0 {
		t.Fatal("all ends are reached: the test needs other data")
	}
	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, `does not reach: of "g=b"`) {
		t.Error(notes)
	}
}

const unreached = `x0,x1,x2,g,y
-0.2693,0.7842,0.8244,c,1
-1.6319,0.4524,1.4117,a,0
-0.5121,0.5007,0.8198,c,1
0.8653,-3.1091,-2.4389,a,0
-0.7683,1.6064,-0.0662,b,1
0.8724,1.1598,-0.5364,a,1
1.4198,-0.2777,0.8150,b,1
-0.4718,0.7052,0.1586,a,0
1.0156,-0.9418,0.1761,b,1
0.3958,1.0205,-0.5706,b,1
-0.3251,-0.4461,-0.7115,c,0
0.9723,0.3567,0.2326,b,1
-0.2883,-1.6205,-0.8813,c,0
-0.3845,0.2435,-0.7309,a,0
-0.7826,0.7620,0.8034,b,1
-0.9975,-1.2307,-1.2615,c,0
0.9895,0.5934,1.3141,c,1
-1.1327,-1.7558,-0.4755,c,0
-0.8438,-0.1370,1.3134,a,1
0.5613,-0.7118,1.0264,c,0
-0.8813,1.1568,1.4951,b,1
-0.4065,-0.6612,0.7137,c,0
0.0457,-1.5073,-1.4803,a,0
-1.2212,-0.7238,-1.9801,b,0
0.5479,-0.5791,1.5265,a,1
-0.0952,-0.5992,-0.4779,a,0
-1.6658,-0.2615,-0.9773,c,0
1.0239,0.2152,0.1327,b,1
0.7376,-0.2539,0.8516,a,1
1.5676,-0.5627,-0.8243,c,0
0.5420,-1.0333,1.6498,a,1
1.6020,-0.3223,-0.6442,c,1
0.4097,1.5577,-1.3883,a,1
1.6035,-0.6176,-3.0218,a,0
0.6330,2.0020,-0.0288,b,1
-0.0716,1.1830,-0.4268,a,1
0.3062,-1.0886,-0.7921,a,0
`
