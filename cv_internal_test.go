package descent

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCVReference compares losses of folds, means and standard errors along the path with scikit-learn's (testdata/cv/reference.py).
func TestCVReference(t *testing.T) {
	text, err := os.ReadFile("testdata/cv/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Runs []struct {
			ID, File, Target string
			L1, L2           float64
			Points           []struct {
				Index    int
				Lambda   float64
				Losses   []float64
				Mean, SE float64
			}
		}
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	// scikit-learn's own solvers stop at about 1e-9 of the loss; ours in the folds at 1e-6 standard errors.
	const tolerance = 1e-8
	for _, run := range expected.Runs {
		t.Run(run.ID, func(t *testing.T) {
			t.Parallel()
			c := Config{Target: run.Target, CV: CrossValidation{Folds: 5, L2: run.L2 > 0, L1: run.L1 > 0, Rule: "min"}}
			c.hooks.folds = func(row int) int { return row % 5 }
			r, err := Fit(t.Context(), File(filepath.Join("testdata/cv", run.File)), c)
			if err != nil {
				t.Fatal(err)
			}
			near := func(what string, i int, got, want float64) {
				t.Helper()
				if !(math.Abs(got-want) <= tolerance*(1+math.Abs(want))) {
					t.Errorf("%s at %d is %.12g, want %.12g", what, i, got, want)
				}
			}
			for _, p := range run.Points {
				i := p.Index
				if got := r.CV.Lambdas[i]; math.Abs(got-p.Lambda) > 1e-12*p.Lambda {
					t.Errorf("λ at %d is %v, want %v", i, got, p.Lambda)
				}
				near("mean", i, r.CV.Mean[i], p.Mean)
				near("se", i, r.CV.SE[i], p.SE)
				for k, l := range p.Losses {
					near("loss", i, r.CV.Losses[k][i], l)
				}
			}
			t.Logf("%d steps, %d passes", r.CV.Steps, r.CV.Passes)
		})
	}
}

// TestCVChoice: the rules, by their definition; the model is that of the penalty given by hand; each row is left out once.
func TestCVChoice(t *testing.T) {
	for _, rule := range []string{"1se", "min"} {
		for _, v := range []CrossValidation{{L2: true}, {L1: true, Folds: 4}, {L1: true, L2: true, Folds: 3}} {
			v.Rule = rule
			c := Config{Target: "admit", CV: v}
			r, err := Fit(t.Context(), dataOf(c), c)
			if err != nil {
				t.Fatal(err)
			}
			cv := r.CV
			least := slices.Index(cv.Mean, slices.Min(cv.Mean))
			want := least
			if rule == "1se" {
				want = slices.IndexFunc(cv.Mean, func(m float64) bool { return m <= cv.Mean[least]+cv.SE[least] })
			}
			if cv.Min.Index != least || cv.Chosen.Index != want || cv.Rule != rule || cv.Folds != v.Folds && (v.Folds != 0 || cv.Folds != 10) {
				t.Errorf("%+v: %+v, %+v", v, cv.Min, cv.Chosen)
			}
			p := Penalty{L2: cv.Chosen.L2, L1: cv.Chosen.L1}
			if r.Penalty != p || p.L2 > 0 != v.L2 || p.L1 > 0 != v.L1 || v.L1 && v.L2 && p.L1 != p.L2 {
				t.Errorf("penalty %v, chosen %+v", r.Penalty, cv.Chosen)
			}
			if v.L1 && (cv.Nonzero[0] != 0 || cv.Nonzero[len(cv.Nonzero)-1] < 2) {
				t.Errorf("not 0 along the path: %v", cv.Nonzero)
			}
			low, high := slices.Min(cv.FoldRows), slices.Max(cv.FoldRows)
			sum := 0
			for _, n := range cv.FoldRows {
				sum += n
			}
			if sum != r.Rows || high-low > 1 {
				t.Errorf("folds of %v rows", cv.FoldRows)
			}
			hand, err := Fit(t.Context(), dataOf(c), Config{Target: "admit", Penalty: p})
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != Converged || r.Gap == nil {
				t.Errorf("%s: %s", r.Verdict, r.Message)
			}
			for i := range hand.Coefficients {
				if hand.Coefficients[i].Estimate != r.Coefficients[i].Estimate {
					t.Errorf("%s is %v, by hand %v", hand.Coefficients[i].Name, r.Coefficients[i].Estimate, hand.Coefficients[i].Estimate)
				}
			}
		}
	}
}

// TestFolds: classes are dealt out evenly, the seed decides, and nothing else does.
func TestFolds(t *testing.T) {
	c := Config{Target: "species", Penalty: Penalty{L2: 1}, CV: CrossValidation{Folds: 7}, Solver: Solver{Threads: 1}}
	fold := func(seed uint64) (out []int, label []int32) {
		c := c
		c.Solver.Seed = seed
		c.defaults()
		f := &fit{config: c, result: &Result{}}
		if err := f.read(t.Context(), dataOf(c)); err != nil {
			t.Fatal(err)
		}
		if err := f.split(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := f.learn(t.Context()); err != nil {
			t.Fatal(err)
		}
		out, err := f.folds(7)
		if err != nil {
			t.Fatal(err)
		}
		return out, f.label
	}
	a, label := fold(1)
	b, _ := fold(1)
	other, _ := fold(2)
	if !slices.Equal(a, b) || slices.Equal(a, other) {
		t.Error("the seed does not decide")
	}
	count := map[[2]int]int{}
	for i, k := range a {
		count[[2]int{k, int(label[i])}]++
	}
	for at, n := range count { // 50 rows of each class in 7 folds
		if n < 7 || n > 8 {
			t.Errorf("%d rows of class %d in fold %d", n, at[1], at[0])
		}
	}
}

// TestCVFixed: with a given penalty the estimate is the loss of models that never saw the rows, made one by one.
func TestCVFixed(t *testing.T) {
	text, err := os.ReadFile("testdata/ucla_admissions/binary.csv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	fold := func(row int) int { return row * 7 % 4 }
	c := Config{Target: "admit", Columns: Columns{Weight: "gpa"}, Scale: ScaleNone, Penalty: Penalty{L2: 0.001}, CV: CrossValidation{Folds: 4}}
	c.hooks.folds = fold
	r, err := Fit(t.Context(), dataOf(c), c)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 4 {
		in, out := []string{lines[0]}, []string{lines[0]}
		for row, line := range lines[1:] {
			if fold(row) == k {
				out = append(out, line)
			} else {
				in = append(in, line)
			}
		}
		c := Config{Target: "admit", Columns: Columns{Weight: "gpa"}, Scale: ScaleNone, Penalty: Penalty{L2: 0.001}}
		c.Test.Source = Reader("out.csv", strings.NewReader(strings.Join(out, "\n")))
		one, err := Fit(t.Context(), Reader("in.csv", strings.NewReader(strings.Join(in, "\n"))), c)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := r.CV.Losses[k][0], one.Test.LogLoss; math.Abs(got-want) > 1e-8 {
			t.Errorf("fold %d: %v, want %v", k, got, want)
		}
	}
	if r.CV.Rule != "fixed" || len(r.CV.Mean) != 1 || r.CV.Chosen.L2 != 0.001 {
		t.Errorf("%+v", r.CV)
	}
}

// TestCVResume breaks a cross-validation off between any two answers, and goes on.
func TestCVResume(t *testing.T) {
	for name, config := range map[string]Config{
		"l2":          {Target: "admit", CV: CrossValidation{Folds: 3, L2: true}},
		"elastic net": {Target: "admit", CV: CrossValidation{Folds: 3, L2: true, L1: true}},
		"classes":     {Target: "species", CV: CrossValidation{Folds: 2, L1: true}},
		"fixed":       {Target: "admit", CV: CrossValidation{Folds: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Fit(t.Context(), dataOf(config), config)
			want, passes := contentOf(t, r, err), r.CV.Passes
			path := filepath.Join(t.TempDir(), "state")
			c := config
			c.Run.Checkpoint = path
			breaks := 0
			for at := 0; ; at += 1 + passes/9 {
				ctx, cancel := context.WithCancel(t.Context())
				c.Progress = func(p Progress) {
					if p.Stage != "" && p.Passes >= at || p.Stage == "" && p.Step >= 2 && breaks < 15 {
						cancel()
					}
				}
				c.Solver.Threads = 1 + breaks%3
				r, err = Fit(ctx, dataOf(c), c)
				cancel()
				if r.Verdict != Interrupted {
					break
				}
				if breaks++; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "--resume "+path) {
					t.Fatal(err)
				}
				if r.CV == nil && (r.Model != nil || !strings.Contains(r.Message, "interrupted in the cross-validation, fold ")) {
					t.Fatalf("%q, %v", r.Message, r.Model)
				}
				c.Run.Resume = path
			}
			if got := contentOf(t, r, err); got != want {
				t.Fatalf("%s\nwant\n%s", got, want)
			}
			if breaks < 3 {
				t.Errorf("only %d breaks", breaks)
			}
		})
	}
}
