package descent_test

import (
	"context"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/encode"
)

func fitted(t *testing.T, source descent.Source, c descent.Config) *descent.Model {
	t.Helper()
	r, err := descent.Fit(context.Background(), source, c)
	if err != nil {
		t.Fatal(err)
	}
	return r.Model
}

// TestDiff compares what Diff says of a file's rows with predictions one by one, and coefficients with the models' tables.
func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name, path string
		a, b       descent.Config
	}{
		{"pima", "testdata/pima/pima.csv", descent.Config{Target: "diabetes"}, descent.Config{Target: "diabetes", Penalty: descent.Penalty{L2: 30}, Columns: descent.Columns{Exclude: []string{"mass"}}}},
		{"iris", "testdata/iris/iris.csv", descent.Config{Target: "species", Labels: encode.Labels{Softmax: true}, Penalty: descent.Penalty{L2: 1}},
			descent.Config{Target: "species", Labels: encode.Labels{Softmax: true}, Penalty: descent.Penalty{L2: 9}}},
		{"hidden", "testdata/pima/pima.csv", descent.Config{Target: "diabetes"}, descent.Config{Target: "diabetes", Hidden: 2, Penalty: descent.Penalty{L2: 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := fitted(t, descent.File(c.path), c.a), fitted(t, descent.File(c.path), c.b)
			d, err := descent.Diff(context.Background(), a, b, descent.DiffOptions{Source: descent.File(c.path)})
			if err != nil {
				t.Fatal(err)
			}
			var rows [2]*descent.RowReader
			for i, m := range []*descent.Model{a, b} {
				file, err := os.Open(c.path)
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				if rows[i], err = m.Rows(context.Background(), c.path, file, descent.RowOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			n, flipped, sum, largest := 0, 0, 0.0, 0.0
			for {
				p, err := rows[0].Next()
				if err == io.EOF {
					break
				}
				q, err := rows[1].Next()
				if err != nil {
					t.Fatal(err)
				}
				n++
				if p.Label != q.Label {
					flipped++
				}
				change := math.Abs(p.Probability - q.Probability)
				if len(p.Probabilities) > 0 {
					change = 0
					for k := range p.Probabilities {
						change += math.Abs(p.Probabilities[k]-q.Probabilities[k]) / 2
					}
				}
				sum += change
				if largest = math.Max(largest, change); len(d.Rows.Largest) > 0 && d.Rows.Largest[0].Row == n {
					if one := d.Rows.Largest[0]; one.Line != n+1 || one.A.Probability != p.Probability || one.B.Label != q.Label || math.Abs(one.Change) != change {
						t.Errorf("%+v, predictions say %v and %v", one, p.Prediction, q.Prediction)
					}
				}
			}
			r := d.Rows
			if r.Rows != n || r.Flipped != flipped || math.Abs(r.MeanChange-sum/float64(n)) > 1e-12 || math.Abs(r.Largest[0].Change) != largest || len(r.Largest) != 10 {
				t.Errorf("%d rows, %d flipped, mean %v, largest %v; %+v", n, flipped, sum/float64(n), largest, r)
			}
			total := 0
			for _, f := range r.Flips {
				total += f.Rows
			}
			if total != flipped {
				t.Errorf("%+v are not %d", r.Flips, flipped)
			}
			ev, err := b.Evaluate(context.Background(), descent.File(c.path), descent.EvaluateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			old, err := a.Evaluate(context.Background(), descent.File(c.path), descent.EvaluateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if !r.Trained || r.Metrics.A.LogLoss != old.Metrics.LogLoss || r.Metrics.B.LogLoss != ev.Metrics.LogLoss || math.Abs(r.Comparison.LogLoss.Estimate-(ev.Metrics.LogLoss-old.Metrics.LogLoss)) > 1e-12 {
				t.Errorf("log loss %v and %v, comparison %+v; Evaluate says %v and %v", r.Metrics.A.LogLoss, r.Metrics.B.LogLoss, r.Comparison.LogLoss, old.Metrics.LogLoss, ev.Metrics.LogLoss)
			}
			if c.name == "hidden" {
				if len(d.Coefficients) != 0 || d.CoefficientsNote == "" {
					t.Errorf("coefficients %+v, note %q", d.Coefficients, d.CoefficientsNote)
				}
				return
			}
			ours, _ := a.Coefficients(0.95)
			theirs, _ := b.Coefficients(0.95)
			for _, s := range d.Coefficients {
				for _, x := range ours {
					if x.Name != s.Name || x.Class != s.Class {
						continue
					}
					if *s.A != x.Estimate {
						t.Errorf("%+v, A has %v", s, x.Estimate)
					}
					for _, y := range theirs {
						if y.Name == s.Name && y.Class == s.Class && (*s.B != y.Estimate || *s.Difference != y.Estimate-x.Estimate || x.StdError != nil && math.Abs(*s.Errors**x.StdError-*s.Difference) > 1e-12) {
							t.Errorf("%+v, B has %v and A's error is %v", s, y.Estimate, x.StdError)
						}
					}
				}
			}
		})
	}
}

// TestDiffColumns: a column with another name, levels that came and went, terms that only one model has, other policies.
func TestDiffColumns(t *testing.T) {
	a := fitted(t, text("y,age,colour,n\n0,1,red,3\n1,2,red,4\n0,3,blue,1\n1,4,blue,7\n0,2,green,2\n1,3,green,9\n"), descent.Config{Target: "y", Penalty: descent.Penalty{L2: 1}})
	b := fitted(t, text("y,years,colour,m\n0,1,red,30\n1,2,red,4\n0,3,blue,1\n1,4,blue,7\n0,2,mauve,2\n1,3,mauve,9\n"),
		descent.Config{Target: "y", Penalty: descent.Penalty{L2: 1}, Encoding: encode.Options{Missing: encode.MissingMean}})
	d, err := descent.Diff(context.Background(), a, b, descent.DiffOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Renamed) != 1 || d.Renamed[0] != (descent.Renamed{A: "age", B: "years"}) {
		t.Errorf("renamed %+v", d.Renamed)
	}
	if strings.Join(d.Added, " ") != "colour=mauve m" || strings.Join(d.Removed, " ") != "colour=green n" {
		t.Errorf("added %q, removed %q", d.Added, d.Removed)
	}
	found := map[string]descent.Moved{}
	for _, m := range append(append(d.Columns, d.Settings...), d.Training...) {
		found[m.Column+" "+m.Name] = m
	}
	if m := found["colour levels"]; strings.Join(m.A.([]string), " ") != "green" || strings.Join(m.B.([]string), " ") != "mauve" {
		t.Errorf("levels %+v", m)
	}
	if m := found["age missing"]; m.A != encode.MissingError || m.B != encode.MissingMean {
		t.Errorf("missing %+v", m)
	}
	for _, name := range []string{" missing", " data"} {
		if _, ok := found[name]; !ok {
			t.Errorf("no%s in %+v", name, found)
		}
	}
	names := ""
	for _, s := range d.Coefficients {
		names += s.Name + " "
		if (s.Name == "age") != (s.A != nil && s.B != nil && s.Name == "age") {
			t.Errorf("%+v", s)
		}
	}
	if names != "(intercept) age colour=blue colour=green colour=red n colour=mauve m " {
		t.Errorf("coefficients %s", names)
	}
	if d, err := descent.Diff(context.Background(), a, a, descent.DiffOptions{}); err != nil || !d.Same || len(d.Settings)+len(d.Training)+len(d.Columns)+len(d.Added)+len(d.Removed) > 0 {
		t.Errorf("of a model and itself: %+v, %v", d, err)
	}
}

// TestDiffReference: the same model with another reference class has the same coefficients once they are taken against one of them.
func TestDiffReference(t *testing.T) {
	config := descent.Config{Target: "y", Columns: descent.Columns{Weight: "s", Offset: "o"}, Labels: encode.Labels{Softmax: true, Reference: "a"}}
	config.Columns.Offset, config.Columns.Exclude = "", []string{"o"}
	a := fitted(t, text(threeClasses), config)
	config.Labels.Reference = "b"
	b := fitted(t, text(threeClasses), config)
	d, err := descent.Diff(context.Background(), a, b, descent.DiffOptions{Source: text(threeClasses)})
	if err != nil {
		t.Fatal(err)
	}
	if d.CoefficientsNote == "" || len(d.Coefficients) == 0 {
		t.Errorf("%+v", d)
	}
	for _, s := range d.Coefficients {
		if math.Abs(*s.Difference) > 1e-8*(1+math.Abs(*s.A)) {
			t.Errorf("%+v", s)
		}
	}
	if d.Rows.Flipped != 0 || d.Rows.MeanChange > 1e-9 {
		t.Errorf("%+v", d.Rows)
	}

	two := "x,y\n1,a\n2,b\n3,a\n4,b\n"
	first, second := fitted(t, text(two), descent.Config{Target: "y", Labels: encode.Labels{Positive: "a"}}), fitted(t, text(two), descent.Config{Target: "y", Labels: encode.Labels{Positive: "b"}})
	other := fitted(t, text("x,z\n1,a\n2,b\n3,a\n4,b\n"), descent.Config{Target: "z", Labels: encode.Labels{Positive: "b"}})
	for _, c := range []struct {
		a, b *descent.Model
		want string
	}{{first, second, "positive class"}, {first, other, "different targets"}, {first, a, "different classes"}} {
		if _, err := descent.Diff(context.Background(), c.a, c.b, descent.DiffOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
