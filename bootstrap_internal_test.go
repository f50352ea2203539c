package descent

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// TestBootstrap: the estimates of a resample are those of a training on the rows as drawn, written to a file; two runs draw alike; and without a penalty the
// deviation of the estimates is near the robust standard error, which the pairs bootstrap estimates.
func TestBootstrap(t *testing.T) {
	pima, err := os.ReadFile("testdata/pima/pima.csv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(pima)), "\n")
	weighted := lines[0] + ",w\n"
	for i, l := range lines[1:] {
		weighted += fmt.Sprintf("%s,%d\n", l, i%3+1)
	}
	iris, err := os.ReadFile("testdata/iris/iris.csv")
	if err != nil {
		t.Fatal(err)
	}
	columns := Columns{Include: []string{"glucose", "mass", "age"}}
	for _, c := range []struct {
		name, text, unit string
		config           Config
		count            int
	}{
		{"plain", string(pima), "rows", Config{Target: "diabetes", Columns: columns}, 500},
		{"ridge", string(pima), "rows", Config{Target: "diabetes", Columns: columns, Penalty: Penalty{L2: 5}, Scale: ScaleNone}, 4},
		{"elastic net", string(pima), "rows", Config{Target: "diabetes", Columns: columns, Penalty: Penalty{L2: 5, L1: 2}, Scale: ScaleNone}, 4},
		{"weights", weighted, "copies", Config{Target: "diabetes", Columns: Columns{Include: columns.Include, Weight: "w"}}, 4},
		{"clusters", string(pima), "clusters", Config{Target: "diabetes", Columns: Columns{Include: []string{"glucose", "mass"}}, Inference: Inference{Cluster: "age"}}, 4},
		{"three classes", string(iris), "rows", Config{Target: "species", Penalty: Penalty{L2: 1}, Scale: ScaleNone}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			var counts [][]uint16
			var weights, estimates [][]float64
			config := c.config
			config.Inference.Bootstrap = c.count
			config.hooks.drawn = func(k []uint16, s, e []float64) {
				counts, weights, estimates = append(counts, k), append(weights, s), append(estimates, e)
			}
			r, err := Fit(t.Context(), Reader("t.csv", strings.NewReader(c.text)), config)
			if err != nil {
				t.Fatal(err)
			}
			if b := r.Bootstrap; b.Resamples != c.count || b.Failed != 0 || b.Unit != c.unit {
				t.Fatalf("bootstrap %+v", b)
			}
			lines := strings.Split(strings.TrimSpace(c.text), "\n")
			for b := range min(len(estimates), 3) {
				var text strings.Builder
				text.WriteString(lines[0] + "\n")
				total := 0
				for i, l := range lines[1:] {
					k := 0
					if counts[b] != nil {
						k = int(counts[b][i])
					} else {
						k = int(weights[b][i])
						l = l[:strings.LastIndexByte(l, ',')] + ",1"
					}
					total += k
					text.WriteString(strings.Repeat(l+"\n", k))
				}
				if c.unit != "clusters" && float64(total) != r.WeightSum {
					t.Errorf("%d rows drawn, want %v", total, r.WeightSum)
				}
				again := c.config
				if c.unit == "clusters" {
					again.Inference.Cluster, again.Columns.Include = "", []string{"glucose", "mass"}
				}
				one, err := Fit(t.Context(), Reader("t.csv", strings.NewReader(text.String())), again)
				if err != nil {
					t.Fatal(err)
				}
				for j, v := range one.Coefficients {
					if d := math.Abs(v.Estimate - estimates[b][j]); !(d <= 2e-5*math.Max(math.Abs(v.Estimate), 1e-2)) {
						t.Errorf("resample %d: %s is %.10g, a training on its rows says %.10g", b, v.Name, estimates[b][j], v.Estimate)
					}
				}
			}
			if c.name != "plain" {
				return
			}
			config.hooks.drawn = nil
			twice, err := Fit(t.Context(), Reader("t.csv", strings.NewReader(c.text)), config)
			if err != nil {
				t.Fatal(err)
			}
			robust := c.config
			robust.Inference.Robust = "hc0"
			ref, err := Fit(t.Context(), Reader("t.csv", strings.NewReader(c.text)), robust)
			if err != nil {
				t.Fatal(err)
			}
			for j, v := range r.Coefficients {
				if *v.BootstrapLow != *twice.Coefficients[j].BootstrapLow || *v.BootstrapStdError != *twice.Coefficients[j].BootstrapStdError {
					t.Errorf("%s: two runs differ", v.Name)
				}
				// A deviation of 500 draws is within 1/√1000 of its limit; four of these, and the limit is 2 % from the sandwich.
				if q := *v.BootstrapStdError / *ref.Coefficients[j].StdError; q < 0.86 || q > 1.16 {
					t.Errorf("%s: bootstrap error %.3g, robust %.3g", v.Name, *v.BootstrapStdError, *ref.Coefficients[j].StdError)
				}
				if !(*v.BootstrapLow < v.Estimate && v.Estimate < *v.BootstrapHigh) {
					t.Errorf("%s: %v is not between %v and %v", v.Name, v.Estimate, *v.BootstrapLow, *v.BootstrapHigh)
				}
			}
		})
	}
}

// TestBootstrapSeparated: where many resamples are separated there are no intervals, and the note says so.
func TestBootstrapSeparated(t *testing.T) {
	text := "x,y\n1,0\n2,0\n3,0\n4,1\n5,0\n6,1\n7,1\n8,1\n"
	r, err := Fit(t.Context(), Reader("t.csv", strings.NewReader(text)), Config{Target: "y", Inference: Inference{Bootstrap: 50}})
	if err != nil {
		t.Fatal(err)
	}
	if b := r.Bootstrap; b.Failed < 10 || b.Note == "" || r.Coefficients[0].BootstrapLow != nil {
		t.Errorf("%+v", b)
	}
	r, err = Fit(t.Context(), Reader("t.csv", strings.NewReader(text)), Config{Target: "y", Penalty: Penalty{L2: 1}, Inference: Inference{Bootstrap: 50}})
	if err != nil {
		t.Fatal(err)
	}
	if b := r.Bootstrap; b.Failed != 0 || r.Coefficients[0].BootstrapLow == nil {
		t.Errorf("with a penalty: %+v", b)
	}
}

// TestBootstrapOutOfTime: where the training took all the time there are no intervals, the note says why, and the model is there.
func TestBootstrapOutOfTime(t *testing.T) {
	c := Config{Target: "diabetes", Inference: Inference{Bootstrap: 50}}
	steps := 0
	c.Progress = func(p Progress) { steps = p.Step }
	if _, err := Fit(t.Context(), File("testdata/pima/pima.csv"), c); err != nil {
		t.Fatal(err)
	}
	last := steps
	c.Solver.MaxTime = time.Second
	c.Progress = func(p Progress) {
		if p.Step == last {
			time.Sleep(1500 * time.Millisecond)
		}
	}
	r, err := Fit(t.Context(), File("testdata/pima/pima.csv"), c)
	if err != nil || r.Verdict != Converged {
		t.Fatalf("%s, %v", r.Verdict, err)
	}
	if b := r.Bootstrap; b == nil || b.Resamples != 0 || !strings.Contains(b.Note, "time was used up") || r.Coefficients[0].BootstrapLow != nil {
		t.Errorf("%+v", b)
	}
}
