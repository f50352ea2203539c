package descent_test

import (
	"context"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/encode"
)

// flips reads rows of a file and looks for changes of every step-th.
func flips(t *testing.T, m *descent.Model, path string, step int, o descent.FlipOptions, check func(row map[string]any, offset float64, e *descent.Explanation, f *descent.Flip)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := m.Rows(t.Context(), path, file, descent.RowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		row, err := rows.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if n%step != 0 {
			continue
		}
		e, err := rows.Explain()
		if err != nil {
			t.Fatal(err)
		}
		f, err := rows.Flip(o)
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]any{}
		for _, c := range e.Contributions { // none of a hidden layer
			values[c.Name] = c.Value
		}
		check(values, row.Offset, e, f)
	}
}

// TestFlip: what is proposed, fed back to Predict, flips, and a unit less does not; the joint change is as long as the closed form says, but for the units of the columns.
func TestFlip(t *testing.T) {
	for _, c := range []struct {
		name, path string
		step       int
		config     descent.Config
		frozen     []string
	}{
		{"pima", "testdata/pima/pima.csv", 40, descent.Config{Target: "diabetes"}, []string{"age"}},
		{"pima, l1", "testdata/pima/pima.csv", 60, descent.Config{Target: "diabetes", Penalty: descent.Penalty{L1: 20}}, nil},
		{"pima, weighted classes", "testdata/pima/pima.csv", 60, descent.Config{Target: "diabetes", ClassWeight: descent.ClassWeight{Balanced: true}}, nil},
		{"credit", "testdata/german_credit/german.csv", 50, descent.Config{Target: "bad", Penalty: descent.Penalty{L2: 1}}, []string{"age"}},
		{"iris", "testdata/iris/iris.csv", 7, descent.Config{Target: "species", Penalty: descent.Penalty{L2: 1}, Labels: encode.Labels{Softmax: true}}, nil},
		{"iris, frozen", "testdata/iris/iris.csv", 7, descent.Config{Target: "species", Penalty: descent.Penalty{L2: 0.1}, Labels: encode.Labels{Softmax: true}}, []string{"petal_length", "petal_width"}},
		{"other equations", "testdata/pima/pima.csv", 80, descent.Config{Target: "diabetes", Equations: "a = exp(-exp(-(dot(w, x) + b)))\nL = -(y*log(a) + (1-y)*log(1-a))", Columns: descent.Columns{Include: []string{"glucose", "mass"}}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := descent.Fit(context.Background(), descent.File(c.path), c.config)
			if err != nil {
				t.Fatal(err)
			}
			m := r.Model
			found, joints := 0, 0
			flips(t, m, c.path, c.step, descent.FlipOptions{Freeze: c.frozen}, func(row map[string]any, _ float64, e *descent.Explanation, f *descent.Flip) {
				label := func(changes ...descent.Changed) string {
					t.Helper()
					again := map[string]any{}
					for k, v := range row {
						again[k] = v
					}
					for _, ch := range changes {
						for _, name := range c.frozen {
							if ch.Column == name {
								t.Errorf("%s is frozen", name)
							}
						}
						again[ch.Column] = ch.To
					}
					p, err := m.Predict(again)
					if err != nil {
						t.Fatal(err)
					}
					return p.Label
				}
				if f.From != e.Label || f.To == e.Label {
					t.Fatalf("from %s to %s, the label is %s", f.From, f.To, e.Label)
				}
				for _, s := range f.Single {
					found++
					if label(s.Changed) != f.To || s.Label != f.To {
						t.Errorf("%+v does not flip", s)
					}
					column := s.Changed
					for _, d := range m.Columns() {
						if d.Name != s.Column || d.Type != encode.Numeric || d.Decimals == nil {
							continue
						}
						from, to := column.From.(float64), column.To.(float64)
						unit := math.Pow(10, -float64(*d.Decimals))
						if back := math.Abs(to-from) - unit; back > 0 {
							column.To = from + math.Copysign(back, to-from)
							if label(column) == f.To {
								t.Errorf("%s: %v to %v flips, but %v does, too", s.Column, from, to, column.To)
							}
						}
						if units := to / unit; math.Abs(units-math.Round(units)) > 1e-6 {
							t.Errorf("%s: %v has more decimals than the column's %d", s.Column, to, *d.Decimals)
						}
					}
				}
				j := f.Joint
				if j == nil {
					return
				}
				joints++
				if label(j.Changes...) != f.To {
					t.Errorf("%+v does not flip", j)
				}
				// Weights and deviations, from the model's columns and coefficients.
				s, err := m.Summary(0)
				if err != nil {
					t.Fatal(err)
				}
				var length, slack float64
				for _, ch := range j.Changes {
					length += *ch.Deviations * *ch.Deviations
				}
				if length = math.Sqrt(length); math.Abs(length-j.Length) > 1e-9*length {
					t.Errorf("the length is %v, not %v", length, j.Length)
				}
				for _, class := range m.Classes() {
					if class == f.To || len(m.Classes()) == 2 && class != f.From {
						continue
					}
					var square float64
					for _, d := range m.Columns() {
						w := 0.0
						for _, coefficient := range s.Coefficients {
							if coefficient.Name == d.Name && coefficient.Class == f.To {
								w += coefficient.Estimate
							} else if coefficient.Name == d.Name && coefficient.Class == class {
								w -= coefficient.Estimate
							} else if coefficient.Name == d.Name && coefficient.Class == "" {
								w = coefficient.Estimate
							}
						}
						frozen := false
						for _, name := range c.frozen {
							frozen = frozen || name == d.Name
						}
						if d.Type == encode.Numeric && !frozen {
							square += w * d.Deviation * w * d.Deviation
							if d.Decimals != nil {
								slack += math.Pow(10, -float64(*d.Decimals)) / d.Deviation
							}
						}
					}
					margin := 0.0
					if f.Boundary != nil {
						margin = math.Abs(*f.Boundary - e.Z)
					} else {
						for _, k := range e.Classes {
							switch k.Level {
							case f.To:
								margin -= k.Z
							case class:
								margin += k.Z
							}
						}
					}
					if least := margin / math.Sqrt(square); length < least*(1-1e-9) {
						t.Errorf("%+v is shorter than %v, which the closed form says is the least", j, least)
					} else if len(m.Classes()) == 2 && !j.Outside && len(j.Changes) > 1 && length > least+slack && !atEnd(m, j) {
						t.Errorf("%+v is longer than %v and the units of the columns, %v", j, least, slack)
					}
				}
			})
			if found == 0 || joints == 0 {
				t.Errorf("%d changes of a column, %d of several", found, joints)
			}
		})
	}
}

// atEnd says whether a change ends at the end of a column's range.
func atEnd(m *descent.Model, j *descent.Joint) bool {
	for _, c := range m.Columns() {
		for _, ch := range j.Changes {
			if ch.Column == c.Name && (ch.To == c.Min || ch.To == c.Max) {
				return true
			}
		}
	}
	return false
}

// TestFlipClasses compares the joint change of three classes with random ones that flip: none is shorter.
func TestFlipClasses(t *testing.T) {
	r, err := descent.Fit(context.Background(), descent.File("testdata/iris/iris.csv"),
		descent.Config{Target: "species", Penalty: descent.Penalty{L2: 0.01}, Labels: encode.Labels{Softmax: true}})
	if err != nil {
		t.Fatal(err)
	}
	m, random := r.Model, rand.New(rand.NewPCG(1, 2))
	for _, to := range []string{"setosa", "versicolor", "virginica"} {
		file := "sepal_length,sepal_width,petal_length,petal_width\n5.9,3.0,4.2,1.5\n5,3.4,1.5,0.2\n6.7,3,5.2,2.3\n"
		rows, err := m.Rows(context.Background(), "x.csv", strings.NewReader(file), descent.RowOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for {
			row, err := rows.Next()
			if err == io.EOF {
				break
			}
			if row.Label == to {
				if _, err := rows.Flip(descent.FlipOptions{To: to}); err == nil {
					t.Errorf("%s flips to itself", to)
				}
				continue
			}
			e, err := rows.Explain()
			if err != nil {
				t.Fatal(err)
			}
			f, err := rows.Flip(descent.FlipOptions{To: to})
			if err != nil || f.Joint == nil || f.To != to || f.Joint.Label != to {
				t.Fatalf("%+v, %v", f, err)
			}
			direction := map[string]float64{}
			for _, ch := range f.Joint.Changes {
				direction[ch.Column] = *ch.Deviations
			}
			for range 2000 { // around it, and shorter by more than the units of the columns
				again, square := map[string]any{}, 0.0
				u := make([]float64, 4)
				for i, c := range m.Columns() {
					u[i] = direction[c.Name] + 0.5*random.NormFloat64()*f.Joint.Length
					square += u[i] * u[i]
				}
				for i, c := range m.Columns() {
					again[c.Name] = e.Contributions[i].Value.(float64) + u[i]/math.Sqrt(square)*(f.Joint.Length-0.2)*c.Deviation
				}
				p, err := m.Predict(again)
				if err != nil {
					t.Fatal(err)
				}
				inside := true
				for _, c := range m.Columns() {
					v := again[c.Name].(float64)
					inside = inside && v >= c.Min && v <= c.Max
				}
				if p.Label == to && (inside || f.Joint.Outside) {
					t.Fatalf("%v is %s, and shorter than %+v", again, to, f.Joint)
				}
			}
		}
	}
}

// TestFlipCells: missing values, rare and unknown levels, booleans, an offset, constant predictions.
func TestFlipCells(t *testing.T) {
	var b strings.Builder
	b.WriteString("y,n,colour,ok,o,code\n")
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 400 {
		colour := []string{"red", "green", "blue", "blue", "blue"}[random.IntN(5)]
		if i%80 == 0 {
			colour = []string{"mauve", "puce", "teal", "grey", "pink"}[i/80]
		}
		n, ok := random.IntN(20), random.IntN(2)
		z := float64(n)/4 - 3 + 2*float64(ok)
		if colour == "red" {
			z += 3
		}
		y := "no"
		if z+2*random.NormFloat64() > 0 {
			y = "yes"
		}
		number := "NA"
		if i%9 != 0 {
			number = string(rune('0'+n/10)) + string(rune('0'+n%10))
		}
		if i%31 == 0 {
			colour = ""
		}
		b.WriteString(y + "," + number + "," + colour + "," + []string{"no", "yes"}[ok] + "," + []string{"0.5", "-0.5"}[i%2] + ",k\n")
	}
	r, err := descent.Fit(context.Background(), text(b.String()), descent.Config{Target: "y", Penalty: descent.Penalty{L2: 0.1}, Columns: descent.Columns{Offset: "o", Exclude: []string{"code"}},
		Encoding: encode.Options{Missing: encode.MissingMean, Unseen: encode.UnseenBaseline, MinLevelCount: 5}})
	if err != nil {
		t.Fatal(err)
	}
	m := r.Model
	for _, row := range []map[string]any{
		{"n": nil, "colour": "blue", "ok": "no", "o": 0},
		{"n": 3, "colour": "mauve", "ok": "no", "o": 0.5},
		{"n": 3, "colour": "violet", "ok": false, "o": 0},
		{"n": 12, "colour": nil, "ok": true, "o": 1},
		{"n": 19, "colour": "red", "ok": "yes", "o": -1},
	} {
		f, err := m.Flip(row, descent.FlipOptions{Freeze: []string{"o"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Single) == 0 {
			t.Errorf("%v: nothing flips", row)
		}
		for _, s := range f.Single {
			again := map[string]any{}
			for k, v := range row {
				again[k] = v
			}
			again[s.Column] = s.To
			p, err := m.Predict(again)
			if err != nil || p.Label != f.To || p.Probability != s.Probability {
				t.Errorf("%v: %+v: %+v, %v", row, s, p, err)
			}
			if v, ok := s.To.(float64); ok && v != math.Trunc(v) {
				t.Errorf("%v: an integer becomes %v", row, v)
			}
			if s.To == "missing" || s.Column == "colour" && (row["colour"] == "violet" || row["colour"] == nil) && s.From != nil {
				t.Errorf("%v: %+v", row, s)
			}
		}
	}
	row := map[string]any{"n": 3, "colour": "blue", "ok": "no", "o": 0}
	f, err := m.Flip(row, descent.FlipOptions{Only: []string{"ok"}})
	if err != nil || f.Joint != nil || f.JointNote == "" {
		t.Errorf("%+v, %v", f, err)
	}
	row["o"] = -500.0
	if f, err = m.Flip(row, descent.FlipOptions{Only: []string{"ok", "colour"}}); err != nil || len(f.Single) != 0 || f.Joint != nil {
		t.Errorf("far away: %+v, %v", f, err)
	}
	for _, o := range []descent.FlipOptions{{Freeze: []string{"colr"}}, {Only: []string{"o"}}, {To: "maybe"}, {To: "no"}} {
		if _, err := m.Flip(row, o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

// TestFlipHidden: a hidden layer has changes of one column, found by search, and no joint one.
func TestFlipHidden(t *testing.T) {
	r, err := descent.Fit(context.Background(), descent.File("testdata/pima/pima.csv"), descent.Config{Target: "diabetes", Hidden: 3, Penalty: descent.Penalty{L2: 1}})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	flips(t, r.Model, "testdata/pima/pima.csv", 100, descent.FlipOptions{}, func(_ map[string]any, _ float64, e *descent.Explanation, f *descent.Flip) {
		for _, s := range f.Single {
			found++
			if s.Label == e.Label || s.Label != f.To || !s.Searched || s.Outside {
				t.Errorf("%+v", s)
			}
		}
		if f.Joint != nil || !strings.Contains(f.JointNote, "hidden layer") {
			t.Errorf("%+v", f)
		}
	})
	if found == 0 {
		t.Error("nothing flips")
	}
}

// TestFlipTerms: where other inputs are computed from a column its change is found by search, and the joint one leaves it as it is.
func TestFlipTerms(t *testing.T) {
	m := fitted(t, descent.File("testdata/pima/pima.csv"), descent.Config{Target: "diabetes", Encoding: encode.Options{Terms: "glucose^2, mass*age, spline(pedigree,3)"}})
	found, joints := 0, 0
	flips(t, m, "testdata/pima/pima.csv", 60, descent.FlipOptions{}, func(_ map[string]any, _ float64, e *descent.Explanation, f *descent.Flip) {
		row := map[string]any{}
		for _, c := range e.Contributions {
			if c.Name == "spline(pedigree,3)" {
				row["pedigree"] = c.Value
			} else if !strings.ContainsAny(c.Name, "^*") {
				row[c.Name] = c.Value
			}
		}
		label := func(changes ...descent.Changed) string {
			again := map[string]any{}
			for k, v := range row {
				again[k] = v
			}
			for _, ch := range changes {
				again[ch.Column] = ch.To
			}
			p, err := m.Predict(again)
			if err != nil {
				t.Fatal(err)
			}
			return p.Label
		}
		for _, s := range f.Single {
			if _, ok := row[s.Column]; !ok || label(s.Changed) != f.To {
				t.Errorf("%+v does not flip", s)
			}
			if s.Searched {
				found++
			}
			if s.Searched != strings.Contains("glucose mass age pedigree", s.Column) {
				t.Errorf("%+v", s)
			}
		}
		if f.Joint != nil {
			joints++
			if label(f.Joint.Changes...) != f.To {
				t.Errorf("%+v does not flip", f.Joint)
			}
			for _, ch := range f.Joint.Changes {
				if strings.Contains("glucose mass age pedigree", ch.Column) {
					t.Errorf("%+v", ch)
				}
			}
		}
		if !strings.Contains(f.JointNote, `"glucose"`) {
			t.Errorf("note %q", f.JointNote)
		}
	})
	if found == 0 || joints == 0 {
		t.Errorf("%d changes by search, %d joint ones", found, joints)
	}
}
