package descent

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// visits is a table of patients and dates; a date occurs more than once, in several spellings.
func visits(seed uint64, rows int) (text string, patient []int, day []int, line []string) {
	r := rand.New(rand.NewPCG(seed, 7))
	b := &strings.Builder{}
	b.WriteString("patient,when,x,y\n")
	for range rows {
		p, d, x := r.IntN(rows/4), r.IntN(60), r.NormFloat64()
		y := 0
		if r.Float64() < 1/(1+math.Exp(-x-float64(p%3)+1)) {
			y = 1
		}
		date := fmt.Sprintf("2024-%02d-%02d", 1+d/28, 1+d%28)
		if r.IntN(2) == 0 {
			date += "T00:00:00Z"
		}
		l := fmt.Sprintf("%d,%s,%.3f,%d\n", p, date, x, y)
		b.WriteString(l)
		patient, day, line = append(patient, p), append(day, d), append(line, l)
	}
	return b.String(), patient, day, line
}

// TestSplitColumns: no group is on two sides or in two folds, time goes forward, and the loss of the rows left out is that of models made by hand of the rows
// that may train.
func TestSplitColumns(t *testing.T) {
	text, patient, day, line := visits(20240311, 400)
	const head = "patient,when,x,y\n"
	data := func(text string) Source { return Reader("visits.csv", strings.NewReader(text)) }
	for _, by := range []string{byGroup, byTime} {
		c := Config{Target: "y", Columns: Columns{Include: []string{"x"}}, Scale: ScaleNone, Penalty: Penalty{L2: 0.5}, CV: CrossValidation{Folds: 4}, Test: Test{Part: 0.25}}
		if by == byGroup {
			c.Split.Group = "patient"
		} else {
			c.Split.Time = "when"
		}
		key := map[string][]int{byGroup: patient, byTime: day}[by]
		c.defaults()
		f := &fit{config: c, result: &Result{Notes: []string{}}}
		for _, stage := range []func(context.Context) error{func(ctx context.Context) error { return f.read(ctx, data(text)) }, f.split, f.learn} {
			if err := stage(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, train := range f.trainRows {
			for _, test := range f.testRows {
				if by == byGroup && key[train] == key[test] || by == byTime && key[train] >= key[test] {
					t.Fatalf("%s: rows %d and %d are on the two sides", by, train+1, test+1)
				}
			}
		}
		if n := len(f.testRows); n < 80 || n > 120 {
			t.Errorf("%s: %d of 400 rows are held out", by, n)
		}
		if _, ok := f.learnt.Encoding.Column("patient"); ok || len(f.learnt.Encoding.Columns) != 1 {
			t.Errorf("%s: the inputs are %v", by, f.learnt.Encoding.Columns)
		}
		fold, err := f.folds(4)
		if err != nil {
			t.Fatal(err)
		}
		var models [2]string
		for i, threads := range []int{1, 3} {
			c := c
			c.Solver.Threads = threads
			r, err := Fit(t.Context(), data(text), c)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := r.Model.Write(&b); err != nil {
				t.Fatal(err)
			}
			models[i] = b.String()
			if i > 0 {
				continue
			}
			if r.CV.By != by || r.Holdout.By != by || r.Holdout.Rows != len(f.testRows) {
				t.Errorf("%s: parted by %s and %s", by, r.CV.By, r.Holdout.By)
			}
			for k := range 4 {
				in, out := head, head
				for i, row := range f.trainRows {
					switch {
					case fold[i] == k:
						out += line[row]
					case by == byGroup || fold[i] < k:
						in += line[row]
					}
				}
				hand, err := Fit(t.Context(), data(in), Config{Target: "y", Columns: c.Columns, Scale: c.Scale, Penalty: c.Penalty})
				if err != nil {
					t.Fatal(err)
				}
				left, err := hand.Model.Evaluate(t.Context(), data(out), EvaluateOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if got := r.CV.Losses[k][0]; math.Abs(got-left.Metrics.LogLoss) > 1e-6 {
					t.Errorf("%s, fold %d: the loss is %v, by hand %v", by, k, got, left.Metrics.LogLoss)
				}
			}
		}
		if models[0] != models[1] {
			t.Errorf("%s: the model depends on the threads", by)
		}
	}
}

// TestSplitGroupAsInput: named in Include, the column is grouped by and an input, a number where its cells are numbers.
func TestSplitGroupAsInput(t *testing.T) {
	text, patient, _, _ := visits(99, 200)
	c := Config{Target: "y", Columns: Columns{Include: []string{"x", "patient"}}, Penalty: Penalty{L2: 1}, Split: Split{Group: "patient"}, Test: Test{Part: 0.3}}
	r, err := Fit(t.Context(), Reader("visits.csv", strings.NewReader(text)), c)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Model.Terms(); !slices.Equal(got, []string{"patient", "x"}) {
		t.Errorf("the inputs are %v", got)
	}
	slices.Sort(patient)
	if n := len(slices.Compact(patient)); r.Holdout.OfGroups != n || r.Holdout.Groups == 0 {
		t.Errorf("%d of %d groups are held out; there are %d", r.Holdout.Groups, r.Holdout.OfGroups, n)
	}
}

func TestSplitRefuses(t *testing.T) {
	ok := Config{Target: "y", Columns: Columns{Include: []string{"x"}}, Penalty: Penalty{L2: 1}}
	for _, c := range []struct {
		text, want string
		change     func(c *Config)
	}{
		{"g,x,y\na,1,0\n,2,1\na,3,1\n", `x.csv:3:1: column "g": the group is missing`, func(c *Config) { c.Split.Group, c.Test.Part = "g", 0.5 }},
		{"g,x,y\na,1,0\na,2,1\na,3,1\n", "one group", func(c *Config) { c.Split.Group, c.Test.Part = "g", 0.5 }},
		{"g,x,y\na,1,0\nb,2,1\nb,3,0\n", "only 2 groups", func(c *Config) { c.Split.Group, c.CV.Folds = "g", 3 }},
		{"g,x,y\na,1,0\na,2,0\nb,3,1\nb,1,1\n", "no row of class", func(c *Config) { c.Split.Group, c.CV.Folds = "g", 2 }},
		{"t,x,y\n2024-01-02,1,0\n03/01/2024,2,1\n2024-01-04,3,1\n", `x.csv:3:1: column "t": "03/01/2024" is neither a number nor an ISO date`, func(c *Config) { c.Split.Time, c.Test.Part = "t", 0.5 }},
		{"t,x,y\n7,1,0\n7,2,1\n7,3,1\n", "too few different times", func(c *Config) { c.Split.Time, c.Test.Part = "t", 0.5 }},
		{"t,x,y\n7,1,0\n,2,1\n9,3,1\n", "the time is missing", func(c *Config) { c.Split.Time, c.Test.Part = "t", 0.5 }},
		{"t,x,y\n7,1,0\n8,2,1\n9,3,1\n", "choose one", func(c *Config) { c.Split.Time, c.Split.Group, c.Test.Part = "t", "x", 0.5 }},
		{"t,x,y\n7,1,0\n8,2,1\n9,3,1\n", "nothing parts them", func(c *Config) { c.Split.Time = "t" }},
		{"t,x,y\n7,1,0\n8,2,1\n9,3,1\n", "no column \"when\"", func(c *Config) { c.Split.Time, c.Test.Part = "when", 0.5 }},
		{"x,y\n7,0\n8,1\n9,1\n", "a share of 0.1", func(c *Config) { c.Test.Part = 0.1 }},
	} {
		config := ok
		c.change(&config)
		_, err := Fit(t.Context(), Reader("x.csv", strings.NewReader(c.text)), config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

// TestSplitCounts: the outcomes of one row of the file are on one side, and in one fold.
func TestSplitCounts(t *testing.T) {
	b := &strings.Builder{}
	b.WriteString("x,yes,no\n")
	r := rand.New(rand.NewPCG(5, 5))
	for i := range 60 {
		fmt.Fprintf(b, "%d,%d,%d\n", i%13, r.IntN(6), r.IntN(6))
	}
	c := Config{Columns: Columns{Successes: "yes", Failures: "no"}, Test: Test{Part: 0.25}}
	c.defaults()
	f := &fit{config: c, result: &Result{}}
	for _, stage := range []func(context.Context) error{func(ctx context.Context) error { return f.read(ctx, Reader("x.csv", strings.NewReader(b.String()))) }, f.split, f.learn} {
		if err := stage(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	fold, err := f.folds(4)
	if err != nil {
		t.Fatal(err)
	}
	of := map[int]int{}
	for _, row := range f.testRows {
		of[f.table.Origin(row)] = -1
	}
	together := 0
	for i, row := range f.trainRows {
		if was, ok := of[f.table.Origin(row)]; ok {
			if together++; was != fold[i] {
				t.Errorf("row %d of the file is in %d and in %d", f.table.Origin(row)+1, was, fold[i])
			}
		}
		of[f.table.Origin(row)] = fold[i]
	}
	if together < 10 || len(f.testRows) == 0 {
		t.Errorf("%d rows of the file with both outcomes, %d held out", together, len(f.testRows))
	}
}
