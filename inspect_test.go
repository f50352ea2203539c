package descent_test

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
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

	// Labels that nothing can be trained from are an error beside what the file holds.
	in, err = descent.Inspect(ctx, text("x,y\n1,a\n2,b\n3,c\n"), descent.Config{Target: "y"})
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
