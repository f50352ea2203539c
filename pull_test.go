package descent_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/encode"
)

// TestPulls compares the pulls with trainings without the row: with one step of Newton's method that begins at the model, which they are but for rounding, and with whole
// trainings, which they approximate.
func TestPulls(t *testing.T) {
	const rows = 120
	random := rand.New(rand.NewPCG(11, 12))
	var lines []string
	for range rows {
		a, b, g := random.NormFloat64(), random.IntN(9), random.IntN(3)
		s, o := 1+random.IntN(3), random.NormFloat64()/2
		z := a - float64(b)/4 + 1 + float64(g)/2 + o
		y := 0
		if z+1.7*random.NormFloat64() > 0 {
			y = 1
		}
		k := 0
		if z+2*random.NormFloat64() > 0.7 {
			k = 2
		} else if z+2*random.NormFloat64() > -0.5 {
			k = 1
		}
		lines = append(lines, fmt.Sprintf("%.3f,%d,g%d,%d,%.2f,%d,k%d", a, b, g, s, o, y, k))
	}
	const header = "a,b,g,s,o,y,k\n"
	whole := header + strings.Join(lines, "\n") + "\n"
	two, three := descent.Columns{Exclude: []string{"k", "s", "o"}}, descent.Columns{Exclude: []string{"y", "s", "o"}}
	for name, c := range map[string]struct {
		config    descent.Config
		step      bool    // one step of the solver is one Newton step
		tolerance float64 // of a pull, relative to the largest, against whole trainings
	}{
		"maximum likelihood": {descent.Config{Target: "y", Columns: two}, true, 0.12},
		"penalty":            {descent.Config{Target: "y", Columns: two, Penalty: descent.Penalty{L2: 4}, Scale: descent.ScaleNone}, true, 0.12},
		"scaled penalty":     {descent.Config{Target: "y", Columns: two, Penalty: descent.Penalty{L2: 4}}, false, 0.15}, // a training without a row scales anew
		"l1":                 {descent.Config{Target: "y", Columns: two, Penalty: descent.Penalty{L1: 2}, Scale: descent.ScaleNone}, false, 0.15},
		"terms":              {descent.Config{Target: "y", Columns: two, Encoding: encode.Options{Terms: "a^2, a*b"}}, true, 0.2},
		"weights and offset": {descent.Config{Target: "y", Columns: descent.Columns{Exclude: []string{"k"}, Weight: "s", Offset: "o"}}, true, 0.12},
		"class weights":      {descent.Config{Target: "y", Columns: two, ClassWeight: descent.ClassWeight{Of: map[string]float64{"1": 3}}}, false, 0.12},
		"other equations":    {descent.Config{Target: "y", Columns: two, Equations: "a = exp(-exp(-(dot(w, x) + b)))\nL = -(y*log(a) + (1-y)*log(1-a))", Solver: descent.Solver{Method: "newton"}}, true, 0.12},
		"classes":            {descent.Config{Target: "k", Columns: three, Labels: encode.Labels{Softmax: true}}, true, 0.12},
		"classes, penalty":   {descent.Config{Target: "k", Columns: three, Labels: encode.Labels{Softmax: true}, Penalty: descent.Penalty{L2: 3}, Scale: descent.ScaleNone}, true, 0.12},
		"classes, weights":   {descent.Config{Target: "k", Columns: descent.Columns{Exclude: []string{"y"}, Weight: "s", Offset: "o"}, Labels: encode.Labels{Softmax: true}, Penalty: descent.Penalty{L2: 1}, Scale: descent.ScaleNone}, true, 0.12},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fit := func(csv string, config descent.Config) *descent.Model {
				t.Helper()
				r, err := descent.Fit(context.Background(), text(csv), config)
				if err != nil {
					t.Fatal(err)
				}
				return r.Model
			}
			m := fit(whole, c.config)
			step := c.config
			step.Run.Init, step.Solver = m, descent.Solver{Method: "newton", Steps: 1}
			for _, row := range []map[string]any{{"a": 0.3, "b": 4, "g": "g1", "o": 0.2}, {"a": -1.2, "b": 7, "g": "g0", "o": 0}, {"a": 2, "b": 0, "g": "g2", "o": -0.5}} {
				if c.config.Equations != "" && row["b"] != 4 {
					break // they take long to simplify
				}
				pulls, err := m.Pulls(context.Background(), row, text(whole), descent.PullOptions{Rows: rows, Threads: 1})
				if err != nil {
					t.Fatal(err)
				}
				if pulls.Same == nil || !*pulls.Same || pulls.Trained != rows || len(pulls.Rows) != rows {
					t.Fatalf("same data %v, %d rows, %d listed", pulls.Same, pulls.Trained, len(pulls.Rows))
				}
				now, err := m.Predict(row)
				if err != nil {
					t.Fatal(err)
				}
				label, against := slices.Index(m.Classes(), now.Label), slices.Index(m.Classes(), pulls.Against)
				z := func(m *descent.Model) float64 {
					p, err := m.Predict(row)
					if err != nil {
						t.Fatal(err)
					}
					if against < 0 {
						return p.Z
					}
					return p.Scores[label] - p.Scores[against]
				}
				with, largest := z(m), math.Abs(*pulls.Rows[0].Pull)
				for k, p := range pulls.Rows {
					if k > 3 && k%50 != 0 || k > 1 && c.config.Equations != "" {
						continue
					}
					cells := strings.Split(lines[p.Row-1], ",")
					if p.Line != p.Row+1 || !slices.Contains(cells[5:], p.Label) {
						t.Errorf("%+v is line %q", p, lines[p.Row-1])
					}
					left := header + strings.Join(slices.Delete(slices.Clone(lines), p.Row-1, p.Row), "\n") + "\n"
					if exact := with - z(fit(left, c.config)); math.Abs(exact-*p.Pull) > c.tolerance*largest {
						t.Errorf("row %d: pull %v, a training without it says %v (largest %v)", p.Row, *p.Pull, exact, largest)
					}
					if !c.step {
						continue
					}
					if one := with - z(fit(left, step)); math.Abs(one-*p.Pull) > 1e-8*largest {
						t.Errorf("row %d: pull %v, a Newton step without it says %v", p.Row, *p.Pull, one)
					}
				}
			}
		})
	}

	// Another file, and what is not offered.
	r, err := descent.Fit(context.Background(), text(whole), descent.Config{Target: "y", Columns: two})
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]any{"a": 0.3, "b": 4, "g": "g1"}
	other := header + strings.Join(lines[:60], "\n") + "\n"
	pulls, err := r.Model.Pulls(context.Background(), row, text(other), descent.PullOptions{})
	if err != nil || *pulls.Same || len(pulls.Notes) != 1 || len(pulls.Rows) != 10 {
		t.Errorf("%+v, %v", pulls, err)
	}
	for _, config := range []descent.Config{{Target: "y", Columns: two, Hidden: 2, Penalty: descent.Penalty{L2: 1}}, {Target: "y", Columns: two, Inference: descent.Inference{Firth: true}},
		{Target: "y", Columns: two, Equations: "z = dot(w, x) + b\na = sigmoid(z)\nL = max(0, 1 - (2*y - 1)*z)", Penalty: descent.Penalty{L2: 1}, SaveUnfinished: true}} {
		r, err := descent.Fit(context.Background(), text(whole), config)
		if r == nil || r.Model == nil {
			t.Fatal(err)
		}
		if _, err := r.Model.Pulls(context.Background(), row, text(whole), descent.PullOptions{}); err == nil || !strings.Contains(err.Error(), "training rows that pulled") {
			t.Errorf("%v", err)
		}
	}
}
