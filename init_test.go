package descent_test

import (
	"math"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
)

func fitText(t *testing.T, text string, c descent.Config) *descent.Result {
	t.Helper()
	r, err := descent.Fit(t.Context(), descent.Reader("data.csv", strings.NewReader(text)), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// estimates are the coefficients by class and name.
func estimates(r *descent.Result) map[string]float64 {
	out := map[string]float64{}
	for _, c := range r.Coefficients {
		out[c.Class+"/"+c.Name] = c.Estimate
	}
	return out
}

// TestInit: a training that starts from its own model has nothing left to do, in whatever units and coding; zero steps of gd show where it starts.
func TestInit(t *testing.T) {
	admit := descent.Config{Target: "admit", Columns: descent.Columns{Categorical: []string{"rank"}}}
	iris := descent.Config{Target: "species", Penalty: descent.Penalty{L2: 1}}
	elastic, raw, hidden := admit, admit, admit
	elastic.Penalty = descent.Penalty{L1: 2, L2: 1}
	raw.Scale = descent.ScaleNone
	hidden.Hidden, hidden.Penalty.L2 = 2, 1
	for _, c := range []struct {
		name, file string
		config     descent.Config
	}{
		{"two classes", "testdata/ucla_admissions/binary.csv", admit}, {"raw", "testdata/ucla_admissions/binary.csv", raw},
		{"elastic net", "testdata/ucla_admissions/binary.csv", elastic}, {"classes", "testdata/iris/iris.csv", iris},
		{"hidden", "testdata/ucla_admissions/binary.csv", hidden},
	} {
		first, err := descent.Fit(t.Context(), descent.File(c.file), c.config)
		if err != nil {
			t.Fatal(err)
		}
		again := c.config
		again.Run.Init = first.Model
		second, err := descent.Fit(t.Context(), descent.File(c.file), again)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if second.Steps > 2 || first.Steps < 4 {
			t.Errorf("%s: %d steps, and %d from the optimum", c.name, first.Steps, second.Steps)
		}
		want := estimates(first)
		for name, v := range estimates(second) {
			if math.Abs(v-want[name]) > 1e-9*(1+math.Abs(v)) {
				t.Errorf("%s: %s is %v, was %v", c.name, name, v, want[name])
			}
		}
	}
}

// TestInitMaps: weights go by column and level, in original units, whatever the order, the coding and the scaling; what the model lacks starts at 0.
func TestInitMaps(t *testing.T) {
	const first = "x,g,gone,y\n1,a,3,0\n2,b,1,1\n3,a,2,1\n4,b,5,0\n5,c,4,1\n2,c,3,0\n4,a,1,1\n1,b,2,0\n"
	const second = "more,g,x,y\n7,d,10,0\n1,b,20,1\n5,a,35,1\n2,b,40,0\n4,d,15,1\n3,a,5,0\n"
	model := fitText(t, first, descent.Config{Target: "y", Penalty: descent.Penalty{L2: 1}})
	want := estimates(model)
	// One step of so small a rate leaves the start as it is.
	c := descent.Config{Target: "y", Penalty: descent.Penalty{L2: 1}, Scale: descent.ScaleAuto, Solver: descent.Solver{Method: "gd", Alpha: 1e-200, Steps: 1}}
	c.Run.Init = model.Model
	r := fitText(t, second, c)
	got := estimates(r)
	for name, v := range map[string]float64{"/x": want["/x"], "/g=a": want["/g=a"], "/g=b": want["/g=b"], "/g=d": 0, "/more": 0, "/(intercept)": want["/(intercept)"]} {
		if math.Abs(got[name]-v) > 1e-12 {
			t.Errorf("%s starts at %v, want %v", name, got[name], v)
		}
	}
	if !strings.Contains(strings.Join(r.Notes, "\n"), `no weight for "more", "g=d"; these start at 0`) {
		t.Errorf("notes: %q", r.Notes)
	}
}

func TestInitRefuses(t *testing.T) {
	const data = "x,g,y\n1,a,no\n2,b,yes\n3,a,yes\n4,b,no\n5,a,yes\n2,b,no\n"
	base := descent.Config{Target: "y", Penalty: descent.Penalty{L2: 1}}
	model := func(text string, c descent.Config) *descent.Model { return fitText(t, text, c).Model }
	swapped, layered := base, base
	swapped.Labels.Positive = "no"
	layered.Hidden = 2
	plain := model(data, base)
	for _, c := range []struct {
		name   string
		model  *descent.Model
		config descent.Config
		want   string
	}{
		{"the other side", model(data, swapped), base, `the model's positive class is "no", here it is "yes"; --positive no makes them agree`},
		{"other classes", model(strings.NewReplacer("no", "0", "yes", "1").Replace(data), base), base, `the model's classes are "0", "1", here they are "no", "yes"`},
		{"other columns", model(strings.NewReplacer("x,", "u,", "g,", "v,").Replace(data), base), base, `none of the inputs of this training; it reads "u", "v=a", "v=b"`},
		{"another type", model(strings.NewReplacer(",a,", ",1,", ",b,", ",2,").Replace(data), base), base, `column "g" holds numeric in the model and levels here`},
		{"a layer", model(data, layered), base, "the model has a hidden layer, this training has none"},
		{"no layer", plain, layered, "the model has no hidden layer, this training has one"},
	} {
		c.config.Run.Init = c.model
		_, err := descent.Fit(t.Context(), descent.Reader("data.csv", strings.NewReader(data)), c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
