package descent

import (
	"bytes"
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/metric"
)

// notOfModel are the fields of a configuration without a part in the model, and those that are kept otherwise or follow from others.
var notOfModel = []string{
	"Format", "NoHeader", "Confidence", "SaveUnfinished", "Found", "Progress", "data", "hooks", "Test.Source",
	"Encoding.Weight", "Encoding.Offset", "Encoding.Aside", "Encoding.Penalised",
	"Solver.Record", "Solver.Threads", "Solver.MaxTime", "Run.Init", "Run.Checkpoint", "Run.Every", "Run.Resume", "Run.Memory",
	"Encoding.Only", "Inference.LikelihoodRatio", "Inference.Margins", "Inference.Diagnostics", "Inference.Bootstrap",
}

// TestEveryOption: every field of a configuration is one of the settings of a model, or is known to have no part in it.
func TestEveryOption(t *testing.T) {
	var c Config
	known := map[uintptr]bool{}
	for _, o := range c.options() {
		known[reflect.ValueOf(o.value).Pointer()] = true
	}
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		for i := range v.NumField() {
			f := v.Field(i)
			name := strings.TrimPrefix(path+"."+v.Type().Field(i).Name, ".")
			switch {
			case slices.Contains(notOfModel, name), known[f.Addr().Pointer()] && f.Kind() != reflect.Struct, name == "ClassWeight":
			case f.Kind() == reflect.Struct:
				walk(name, f)
			default:
				t.Errorf("Config.%s is no setting of a model (Config.options), and not known to have no part in it", name)
			}
		}
	}
	walk("", reflect.ValueOf(&c).Elem())
}

// TestReproduce trains models of all kinds again, from nothing but their files and data: same bytes.
func TestReproduce(t *testing.T) {
	with := func(c Config, change func(*Config)) Config {
		change(&c)
		return c
	}
	admit := Config{Target: "admit", Columns: Columns{Categorical: []string{"rank"}}}
	iris := Config{Target: "species"}
	all := runs()
	maps.Copy(all, map[string]Config{
		"cv":           with(admit, func(c *Config) { c.CV = CrossValidation{Folds: 3, L2: true} }),
		"cv, both":     with(admit, func(c *Config) { c.CV = CrossValidation{Folds: 3, L2: true, L1: true, Rule: "min"}; c.Solver.Seed = 7 }),
		"cv, fixed":    with(admit, func(c *Config) { c.CV.Folds = 4; c.Penalty.L2 = 3 }),
		"firth":        with(admit, func(c *Config) { c.Inference.Firth = true }),
		"robust":       with(admit, func(c *Config) { c.Inference.Robust = "hc1" }),
		"cluster":      with(admit, func(c *Config) { c.Inference.Cluster = "rank" }),
		"class weight": with(admit, func(c *Config) { c.ClassWeight.Balanced = true }),
		"by class": with(iris, func(c *Config) {
			c.ClassWeight.Of = map[string]float64{"setosa": 2.5, "virginica": 0.25}
			c.Penalty.L2 = 1
		}),
		"weights": with(admit, func(c *Config) { c.Columns.Weight = "rank"; c.Columns.Categorical = nil }),
		"offset":  with(admit, func(c *Config) { c.Columns.Offset = "gpa" }),
		"base": with(admit, func(c *Config) {
			c.Encoding.Base = map[string]string{"rank": "3"}
			c.Encoding.Unseen = encode.UnseenBaseline
		}),
		"raw, l2":     with(admit, func(c *Config) { c.Scale = ScaleNone; c.Penalty.L2 = 0.5 }),
		"rare levels": with(admit, func(c *Config) { c.Encoding.MinLevelCount = 65; c.Penalty.L2 = 1 }),
		"include": with(admit, func(c *Config) {
			c.Columns.Include = []string{"gre", "gpa"}
			c.Columns.Categorical = nil
			c.NA = []string{}
		}),
		"reference": with(iris, func(c *Config) {
			c.Labels = encode.Labels{Softmax: true, Reference: "virginica"}
			c.SaveUnfinished = true
		}),
		"equations": with(admit, func(c *Config) {
			c.Equations = "z = dot(w, x) + b\nL = log(1 + exp(-(2*y - 1)*z))  "
			c.Columns.Exclude = []string{"gpa"}
		}),
		"cost": with(admit, func(c *Config) {
			c.Decision.Cost, c.ClassWeight.Balanced = &metric.Cost{FP: 1, FN: 3}, true
		}),
		"threshold": with(admit, func(c *Config) {
			c.Decision.For, c.Test.Part = &metric.Constraint{Measure: metric.Recall, AtLeast: 0.8}, 0.3
		}),
		"groups": with(admit, func(c *Config) {
			c.Split.Group, c.Test.Part, c.CV.Folds, c.Recalibrate, c.Penalty.L2 = "gpa", 0.2, 3, "platt", 1
		}),
		"time":       with(admit, func(c *Config) { c.Split.Time, c.CV.Folds, c.Recalibrate, c.Penalty.L2 = "gpa", 3, "isotonic", 1 }),
		"every":      with(admit, func(c *Config) { c.Test.Every = 5 }),
		"unfinished": with(admit, func(c *Config) { c.Solver = Solver{Method: "newton", Steps: 2}; c.SaveUnfinished = true }),
		"diverging":  with(admit, func(c *Config) { c.Solver = Solver{Method: "gd", Steps: 3000, Alpha: 1e300}; c.SaveUnfinished = true }),
	})
	for name, config := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "separated" {
				config.SaveUnfinished = true
			}
			r, err := Fit(t.Context(), dataOf(config), config)
			if err != nil && !errors.Is(err, ErrUnfinished) {
				t.Fatal(err)
			}
			m := saved(t, r.Model)
			again, err := m.Reproduce(t.Context(), dataOf(config), ReproduceOptions{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			if !again.Same || len(again.Differences) > 0 || again.Again == nil || *again.Again != again.Model {
				t.Errorf("%+v", again)
			}
		})
	}
}

// saved is the model as its file holds it.
func saved(t *testing.T, m *Model) *Model {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.json")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestReproduceNot: what differs is found and named.
func TestReproduceNot(t *testing.T) {
	config := Config{Target: "admit", Columns: Columns{Categorical: []string{"rank"}}, Penalty: Penalty{L2: 1}}
	fit := func(config Config) *Model {
		t.Helper()
		r, err := Fit(t.Context(), dataOf(config), config)
		if err != nil {
			t.Fatal(err)
		}
		return saved(t, r.Model)
	}
	first := func(m *Model, source Source, o ReproduceOptions) Divergence {
		t.Helper()
		r, err := m.Reproduce(t.Context(), source, o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Same || len(r.Differences) == 0 {
			t.Fatalf("%+v", r)
		}
		return r.Differences[0]
	}
	m := fit(config)
	csv := "admit,gre,gpa,rank\n0,380,3.61,3\n1,660,3.67,3\n1,800,4,1\n0,640,3.19,4\n"
	if d := first(m, Reader("other.csv", strings.NewReader(csv)), ReproduceOptions{}); d.What != "data" {
		t.Errorf("other data: %+v", d)
	}
	// A bit of a weight, with the checksum of the file made anew.
	changed := fit(config)
	w := &changed.file.Terms[1].Weights[0]
	*w *= 1 + 1e-14
	if d := first(changed, dataOf(config), ReproduceOptions{}); d.What != "coefficient" || d.Name != "gpa" || d.Model != *w || d.Again != m.file.Terms[1].Weights[0] {
		t.Errorf("a changed weight: %+v", d)
	}
	changed = fit(config)
	changed.file.Training.Settings[slices.IndexFunc(changed.file.Training.Settings, func(s setting) bool { return s.Name == "l2" })].Value = []byte("2")
	if d := first(changed, dataOf(config), ReproduceOptions{}); d.What != "coefficient" {
		t.Errorf("a changed setting: %+v", d)
	}
	changed = fit(config)
	changed.file.Training.Message += "!"
	if d := first(changed, dataOf(config), ReproduceOptions{}); d.What != "content" || d.Name != "training.message" {
		t.Errorf("a changed text: %+v", d)
	}
	changed.file.Training.Program = "v0.0.1 vax"
	if d := first(changed, dataOf(config), ReproduceOptions{}); d.What != "program" {
		t.Errorf("another version: %+v", d)
	}
	changed = fit(config)
	changed.file.Training.Program = "v0.0.1 vax"
	if r, err := changed.Reproduce(t.Context(), dataOf(config), ReproduceOptions{}); err != nil || !r.Same || len(r.Notes) != 1 {
		t.Errorf("another version with the same bits: %+v, %v", r, err)
	}

	// Files besides the data.
	c := config
	c.Test.Source = Reader("test.csv", strings.NewReader(csv))
	tested := fit(c)
	for _, test := range []struct {
		rows        string
		same, notes int
	}{{"", 1, 1}, {csv, 1, 0}, {strings.Replace(csv, "380", "390", 1), 0, 0}} {
		o := ReproduceOptions{}
		if test.rows != "" {
			o.Test = Reader("test.csv", strings.NewReader(test.rows))
		}
		r, err := tested.Reproduce(t.Context(), dataOf(config), o)
		if err != nil || r.Same != (test.same == 1) || len(r.Notes) != test.notes {
			t.Errorf("test rows %q: %+v, %v", test.rows, r, err)
		}
	}
	c = config
	c.Run.Init, c.Scale, c.Solver = m, ScaleAuto, Solver{Method: "gd", Steps: 4}
	begun := fit(c)
	if _, err := begun.Reproduce(t.Context(), dataOf(config), ReproduceOptions{}); err == nil || !strings.Contains(err.Error(), "--init names its file") {
		t.Errorf("without the model to start from: %v", err)
	}
	if d := first(begun, dataOf(config), ReproduceOptions{Init: tested}); d.What != "setting" || d.Name != "init" {
		t.Errorf("another model to start from: %+v", d)
	}
	if r, err := begun.Reproduce(t.Context(), dataOf(config), ReproduceOptions{Init: m}); err != nil || !r.Same {
		t.Errorf("with the model to start from: %+v, %v", r, err)
	}

	// A model of before.
	old := fit(config)
	old.file.Training.Settings, old.file.Training.Program = nil, ""
	if r, err := old.Reproduce(t.Context(), dataOf(config), ReproduceOptions{}); err != nil || r.Same || len(r.Differences) != 0 || *r.Data.Again != *r.Data.Model {
		t.Errorf("without settings: %+v, %v", r, err)
	}
	if d := first(old, Reader("other.csv", strings.NewReader(csv)), ReproduceOptions{}); d.What != "data" {
		t.Errorf("without settings, other data: %+v", d)
	}
	old.file.Training.Settings = settingList{{"colour", []byte(`"red"`)}}
	if _, err := old.Reproduce(t.Context(), dataOf(config), ReproduceOptions{}); err == nil || !strings.Contains(err.Error(), "colour") {
		t.Errorf("an unknown setting: %v", err)
	}
	old.file.Training.Settings = settingList{{"l2", []byte(`"red"`)}}
	if _, err := old.Reproduce(t.Context(), dataOf(config), ReproduceOptions{}); err == nil || !strings.Contains(err.Error(), "l2") {
		t.Errorf("a setting of another kind: %v", err)
	}
	broken := fit(config)
	broken.file.Training.TimeUp = true
	if _, err := broken.Reproduce(t.Context(), dataOf(config), ReproduceOptions{}); err == nil || !strings.Contains(err.Error(), "broken off") {
		t.Errorf("a training without an end: %v", err)
	}
	var b bytes.Buffer
	if err := m.Write(&b); err != nil || strings.Contains(b.String(), "binary.csv") {
		t.Errorf("the model names its file: %v", err)
	}
}
