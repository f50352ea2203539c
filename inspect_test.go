package descent_test

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/encode"
)

func TestInspect(t *testing.T) {
	ctx := context.Background()
	in, err := descent.Inspect(ctx, text("x,twice,city,old,same,y\n1,2,bonn,yes,7,0\n2,4,köln,no,7,1\n3,6,bonn,no,7,0\n4,8,,yes,7,1\n5,10,köln,no,7,0\n2.5,5,bonn,yes,7,1\n"), descent.Config{Target: "y"})
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, c := range in.Columns {
		types = append(types, c.Type)
	}
	if got := strings.Join(types, " "); got != "numeric numeric levels boolean numeric levels" {
		t.Errorf("types %s", got)
	}
	x := in.Columns[0]
	if *x.Min != 1 || *x.Max != 5 || math.Abs(*x.Mean-17.5/6) > 1e-15 || math.Abs(*x.SD-math.Sqrt((1+4+9+16+25+6.25)/6-17.5*17.5/36)) > 1e-15 {
		t.Errorf("%v %v %v %v", *x.Min, *x.Max, *x.Mean, *x.SD)
	}
	if in.Target.Negative != "0" || in.Target.Positive != "1" || *in.Target.Rate != 0.5 {
		t.Errorf("%+v", in.Target)
	}
	found := map[string][]string{}
	for _, f := range in.Findings {
		found[f.Code] = append(found[f.Code], strings.Join(f.Columns, " "))
	}
	for code, columns := range map[string]string{"W-constant": "same", "W-missing": "city", "W-collinear": "twice"} {
		if !strings.Contains(strings.Join(found[code], " "), columns) {
			t.Errorf("%s names %q, want %s", code, found[code], columns)
		}
	}

	// More than two classes are classes.
	in, err = descent.Inspect(ctx, text("x,y\n1,c\n2,b\n3,a\n4,a\n"), descent.Config{Target: "y", Labels: encode.Labels{Softmax: true}})
	if err != nil || strings.Join(in.Target.Classes, " ") != "a b c" || in.Target.Counts[0] != 2 || in.Target.Rate != nil || in.Target.Positive != "" {
		t.Errorf("%+v, %v", in, err)
	}
	in, err = descent.Inspect(ctx, text("x,y\n1,c\n2,b\n3,a\n4,a\n"), descent.Config{Target: "y", Labels: encode.Labels{Positive: "a", AgainstRest: true}})
	if err != nil || in.Target.Negative != "not a" || in.Target.Positive != "a" || *in.Target.Rate != 0.5 {
		t.Errorf("%+v, %v", in, err)
	}
	// Labels that nothing can be trained from are an error beside what the file holds.
	in, err = descent.Inspect(ctx, text("x,y\n1,a\n2,b\n3,c\n"), descent.Config{Target: "y", Labels: encode.Labels{MaxClasses: 2}})
	if err == nil || in == nil || len(in.Target.Classes) != 3 || len(in.Columns) != 2 {
		t.Errorf("%+v, %v", in, err)
	}
	// A file that cannot be read gives nothing.
	if in, err = descent.Inspect(ctx, text("x,y\n1,0\n2\n"), descent.Config{Target: "y"}); err == nil || in != nil {
		t.Errorf("%+v, %v", in, err)
	}
	// Sparse columns, whose absent values are 0.
	in, err = descent.Inspect(ctx, descent.Reader("s.libsvm", strings.NewReader("1 1:2 3:4\n-1 3:1\n1 1:1\n-1 2:5\n")), descent.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if c := in.Columns[1]; c.Name != "x1" || *c.Min != 0 || *c.Max != 2 || *c.Mean != 0.75 {
		t.Errorf("%+v", c)
	}
}

// TestSummary: what a model says of itself is what Fit said.
func TestSummary(t *testing.T) {
	r, err := descent.Fit(context.Background(), descent.File(filepath.Join("testdata", "pima", "pima.csv")), descent.Config{Target: "diabetes"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Model.Summary(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Coefficients) != len(r.Coefficients) {
		t.Fatalf("%d coefficients, want %d", len(s.Coefficients), len(r.Coefficients))
	}
	for j, want := range r.Coefficients {
		got := s.Coefficients[j]
		if got.Name != want.Name || got.Estimate != want.Estimate || got.Scaled != want.Scaled {
			t.Errorf("%+v, want %+v", got, want)
		}
		for _, pair := range [][2]*float64{{got.StdError, want.StdError}, {got.Z, want.Z}, {got.P, want.P}, {got.Low, want.Low}, {got.High, want.High}, {got.OddsRatio, want.OddsRatio}} {
			if pair[0] == nil || math.Abs(*pair[0]-*pair[1]) > 1e-12*math.Abs(*pair[1]) {
				t.Errorf("%s: %v, want %v", got.Name, pair[0], *pair[1])
			}
		}
	}
	if s.Tests == 0 || s.Training.Fingerprint == "" || s.Metrics.Train.Rows != 768 || r.Model.Intercept() != r.Coefficients[0].Estimate {
		t.Errorf("%+v", s)
	}
}

// TestSummaryClasses: the coefficients of a model of three classes are those of Fit, class by class.
func TestSummaryClasses(t *testing.T) {
	for name, config := range map[string]descent.Config{
		"maximum likelihood": {Labels: encode.Labels{Softmax: true, Reference: "b"}},
		"penalty":            {Labels: encode.Labels{Softmax: true}, Penalty: descent.Penalty{L2: 1}},
		"raw":                {Labels: encode.Labels{Softmax: true}, Penalty: descent.Penalty{L2: 1}, Scale: descent.ScaleNone},
	} {
		config.Target, config.Columns.Include = "y", []string{"x", "c"}
		r, err := descent.Fit(context.Background(), text(threeClasses), config)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s, err := r.Model.Summary(0)
		if err != nil {
			t.Fatal(err)
		}
		want := 3 * (2 + 3) // every level has a weight
		if level, ok := r.Model.ReferenceClass(); ok {
			want = 2 * (2 + 2)
			if level != "b" || *s.ReferenceClass != "b" || *r.ReferenceClass != "b" {
				t.Errorf("%s: reference %q", name, level)
			}
		} else if name == "maximum likelihood" {
			t.Errorf("%s: no reference", name)
		}
		if len(s.Coefficients) != len(r.Coefficients) || len(s.Coefficients) != want {
			t.Fatalf("%s: %d coefficients, Fit has %d, want %d", name, len(s.Coefficients), len(r.Coefficients), want)
		}
		for j, want := range r.Coefficients {
			got := s.Coefficients[j]
			if got.Name != want.Name || got.Class != want.Class || got.Estimate != want.Estimate || got.Scaled != want.Scaled || *got.OddsRatio != *want.OddsRatio {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
	}
}

// threeClasses overlap, in a column of numbers, one of levels, weights s and an offset o.
const threeClasses = `x,c,s,o,y
0.5,u,1,0,a
1.5,u,2,0.5,a
2.5,v,1,-0.5,a
1.0,w,1,0,a
3.5,u,1,1,a
2.0,v,3,0,b
3.0,v,1,-1,b
1.2,w,1,0.2,b
4.0,u,2,0,b
2.2,u,1,0.1,b
3.1,w,1,0,c
4.5,v,1,0.3,c
5.0,w,2,-0.2,c
1.9,u,1,0,c
2.7,v,1,0.4,c
3.3,w,1,0,c
`
