package descent_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
)

// termsOf are the configurations of testdata/terms/terms.R.
func termsOf(t *testing.T, name string) descent.Config {
	c := descent.Config{Target: "y", Columns: descent.Columns{Exclude: []string{"when", "times"}}}
	e := &c.Encoding
	switch name {
	case "power":
		e.Terms = "age^2, age^3"
	case "spline", "weighted":
		e.Terms = "spline(age,4)"
	case "spline2":
		e.Terms = "spline(age,2)"
	case "spline7":
		e.Terms = "spline(age,7), spline(income,3)"
	case "product":
		e.Terms = "age*income, age*sex, region*income, sex*region"
	case "log", "logonly":
		e.Terms = "log(income)"
	case "date":
		d, err := encode.ParseDate("when:year,month,dow,days")
		if err != nil {
			t.Fatal(err)
		}
		e.Dates, c.Columns.Exclude = []encode.Date{d}, []string{"times"}
	}
	switch name {
	case "logonly":
		c.Columns.Exclude = append(c.Columns.Exclude, "income")
	case "weighted":
		c.Columns.Exclude, c.Columns.Weight = []string{"when"}, "times"
	}
	return c
}

func termsData(t *testing.T) string {
	b, err := os.ReadFile("testdata/terms/terms.csv")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// ours is the name that a coefficient of R has here; R writes a product as a:b, with columns in the order of the formula.
func ours(r string) string {
	known := map[string]string{"(Intercept)": "(intercept)", "sexm": "sex=m", "regionnorth": "region=north", "regionwest": "region=west", "I(age^2)": "age^2", "I(age^3)": "age^3",
		"age:income": "age*income", "age:sexm": "age*sex=m", "income:regionnorth": "region*income=north", "income:regionwest": "region*income=west",
		"sexm:regionnorth": "sex*region=m*north", "sexm:regionwest": "sex*region=m*west", "year": "when:year", "days": "when:days"}
	if name, ok := known[r]; ok {
		return name
	}
	if rest, ok := strings.CutPrefix(r, "ns("); ok { // ns(age, df = 4)1
		column, rest, _ := strings.Cut(rest, ", df = ")
		df, k, _ := strings.Cut(rest, ")")
		return fmt.Sprintf("spline(%s,%s)[%s]", column, df, k)
	}
	if rest, ok := strings.CutPrefix(r, "month"); ok {
		return "when:month=" + strings.ToLower(rest)
	}
	if rest, ok := strings.CutPrefix(r, "dow"); ok {
		return "when:dow=" + []string{"", "mon", "tue", "wed", "thu", "fri", "sat", "sun"}[int(rest[0]-'0')]
	}
	return r
}

// TestTermsReference compares with R's glm: coefficients, their errors, the log likelihood, fitted probabilities.
func TestTermsReference(t *testing.T) {
	const (
		digits      = 1e-8  // relative, of coefficients and errors; the columns are far from orthogonal
		probability = 1e-11 // absolute
		likelihood  = 1e-11 // relative
	)
	f, err := os.Open("testdata/terms/terms_reference.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	fits := map[string]*descent.Result{}
	data := termsData(t)
	compared := map[string]int{}
	for _, row := range rows[1:] {
		n := len(row) // a name may hold commas
		model, what, name := row[0], row[1], strings.Join(row[2:n-2], ",")
		value, _ := strconv.ParseFloat(row[n-2], 64)
		stdError, _ := strconv.ParseFloat(row[n-1], 64)
		fit := fits[model]
		if fit == nil {
			if fit, err = descent.Fit(context.Background(), text(data), termsOf(t, model)); err != nil {
				t.Fatalf("%s: %v", model, err)
			}
			fits[model] = fit
		}
		off := func(got, want, tolerance float64, relative bool) {
			d := math.Abs(got - want)
			if relative {
				d /= math.Abs(want)
			}
			if !(d <= tolerance) {
				t.Errorf("%s %s %s: %v, R has %v (%g)", model, what, name, got, want, d)
			}
		}
		compared[model]++
		switch what {
		case "coefficient":
			at := -1
			for i, c := range fit.Coefficients {
				if c.Name == ours(name) {
					at = i
				}
			}
			if at < 0 {
				t.Errorf("%s: no coefficient %s (%s)", model, ours(name), name)
				continue
			}
			c := fit.Coefficients[at]
			off(c.Estimate, value, digits*stdError, false)
			off(*c.StdError, stdError, digits, true)
		case "loglik":
			off(*fit.LogLikelihood, value, likelihood, true)
		case "probability":
			k, _ := strconv.Atoi(name)
			if model == "weighted" {
				continue // R's rows are the repeated ones
			}
			record := strings.Split(strings.Split(data, "\n")[k], ",")
			row := map[string]string{}
			for i, column := range strings.Split(strings.Split(data, "\n")[0], ",") {
				row[column] = record[i]
			}
			p, err := fit.Model.Predict(row)
			if err != nil {
				t.Fatal(err)
			}
			off(p.Probability, value, probability, false)
		}
	}
	if len(compared) != 9 {
		t.Errorf("compared %v", compared)
	}
}

// byHand is the data with further columns that hold what terms compute.
func byHand(data string, names []string, of func(age, income float64, sex, region string) []string) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSpace(data), "\n") {
		cells := strings.Split(line, ",")
		if i == 0 {
			fmt.Fprintln(&b, line+","+strings.Join(names, ","))
			continue
		}
		age, _ := strconv.ParseFloat(cells[0], 64)
		income, _ := strconv.ParseFloat(cells[1], 64)
		fmt.Fprintln(&b, line+","+strings.Join(of(age, income, cells[2], cells[3]), ","))
	}
	return b.String()
}

// TestTermIsColumn: a term is the same column computed by hand in the file, whatever the solver, penalty and scale.
func TestTermIsColumn(t *testing.T) {
	const tolerance = 1e-12 // relative to the largest number of the kind
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	data := termsData(t)
	hand := byHand(data, []string{"sq", "ai", "am", "mw", "ln"}, func(age, income float64, sex, region string) []string {
		m, mw := 0.0, "no"
		if sex == "m" {
			m = age
			if region == "west" {
				mw = "yes"
			}
		}
		return []string{number(age * age), number(age * income), number(m), mw, number(math.Log(income))}
	})
	base := descent.Config{Target: "y", Columns: descent.Columns{Exclude: []string{"when", "times", "region"}}, Encoding: encode.Options{Coding: encode.CodingReference}}
	for name, change := range map[string]func(*descent.Config){
		"plain":           func(*descent.Config) {},
		"l2":              func(c *descent.Config) { c.Penalty.L2 = 3 },
		"l2 raw":          func(c *descent.Config) { c.Penalty.L2, c.Scale = 3, descent.ScaleNone },
		"l1":              func(c *descent.Config) { c.Penalty.L1 = 2 },
		"lbfgs":           func(c *descent.Config) { c.Penalty.L2, c.Solver.Method = 1, "lbfgs" },
		"gd":              func(c *descent.Config) { c.Solver.Method, c.Scale, c.Solver.Steps = "gd", descent.ScaleAuto, 50 },
		"sgd":             func(c *descent.Config) { c.Solver.Method, c.Scale, c.Solver.Steps = "sgd", descent.ScaleAuto, 50 },
		"cv":              func(c *descent.Config) { c.CV = descent.CrossValidation{Folds: 3, L2: true} },
		"holdout":         func(c *descent.Config) { c.Test.Every = 4 },
		"weights":         func(c *descent.Config) { c.Columns.Exclude, c.Columns.Weight = []string{"when", "region"}, "times" },
		"three classes":   func(c *descent.Config) { c.Target, c.Columns.Exclude = "region", []string{"when", "times"} },
		"firth":           func(c *descent.Config) { c.Inference.Firth = true },
		"bootstrap":       func(c *descent.Config) { c.Inference.Bootstrap = 20 },
		"class weight":    func(c *descent.Config) { c.ClassWeight.Balanced = true },
		"robust":          func(c *descent.Config) { c.Inference.Robust = "hc1" },
		"own equations":   func(c *descent.Config) { c.Equations = squared },
		"hidden":          func(c *descent.Config) { c.Hidden, c.Solver.Steps = 2, 5; c.SaveUnfinished = true },
		"a few in memory": func(c *descent.Config) { c.Run.Memory = 64 << 20 },
	} {
		t.Run(name, func(t *testing.T) {
			c := base
			change(&c)
			terms := c
			terms.Encoding.Terms = "age^2, age*income, age*sex, log(income)"
			c.Columns.Exclude = append([]string{"mw"}, c.Columns.Exclude...)
			a, err := descent.Fit(context.Background(), text(data), terms)
			if err != nil && !errors.Is(err, descent.ErrUnfinished) {
				t.Fatal(err)
			}
			b, err := descent.Fit(context.Background(), text(hand), c)
			if err != nil && !errors.Is(err, descent.ErrUnfinished) {
				t.Fatal(err)
			}
			compareFits(t, a, b, tolerance)
		})
	}
}

func compareFits(t *testing.T, a, b *descent.Result, tolerance float64) {
	t.Helper()
	near := func(what string, x, y float64) {
		if d := math.Abs(x - y); !(d <= tolerance*math.Max(1, math.Abs(y))) {
			t.Errorf("%s: %v and %v (%g)", what, x, y, d)
		}
	}
	near("J", a.Cost, b.Cost)
	if len(a.Coefficients) != len(b.Coefficients) {
		t.Fatalf("%d and %d coefficients", len(a.Coefficients), len(b.Coefficients))
	}
	for i := range a.Coefficients {
		x, y := &a.Coefficients[i], &b.Coefficients[i]
		if y.StdError != nil && *y.StdError > 0 { // two optima found apart: in units of their errors
			near(x.Name, x.Estimate / *y.StdError * 0.01, y.Estimate / *y.StdError * 0.01)
			near(x.Name+" error", *x.StdError / *y.StdError, 1)
		} else if math.Abs(x.Scaled-y.Scaled) > 1e-9*math.Max(1, math.Abs(y.Scaled)) {
			t.Errorf("%s: %v and %v", x.Name, x.Scaled, y.Scaled)
		}
	}
	near("log loss", a.Train.LogLoss, b.Train.LogLoss)
	if a.Test != nil {
		near("log loss of the test", a.Test.LogLoss, b.Test.LogLoss)
	}
}

// everything is a model with all kinds of terms.
func everything(t *testing.T, change func(*descent.Config)) *descent.Result {
	t.Helper()
	c := termsOf(t, "date")
	c.Encoding.Terms = "age^2, age*income, income*sex, sex*region, spline(age,3), log(income), `when:days`^2"
	c.Encoding.Unseen = encode.UnseenBaseline
	change(&c)
	r, err := descent.Fit(context.Background(), text(termsData(t)), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTermsPredict: save, load, predict in every way: the same number, and the contributions add up to it.
func TestTermsPredict(t *testing.T) {
	type person struct {
		Age    float64 `descent:"age"`
		Income float64 `descent:"income"`
		Sex    string  `descent:"sex"`
		Region string  `descent:"region"`
		When   string  `descent:"when"`
	}
	for name, change := range map[string]func(*descent.Config){
		"two": func(*descent.Config) {},
		"l2":  func(c *descent.Config) { c.Penalty.L2 = 1 },
		"three": func(c *descent.Config) {
			c.Target, c.Encoding.Terms = "region", "age^2, age*sex, spline(age,3), log(income)"
			c.Columns.Exclude = []string{"times", "y"}

		},
		"hidden": func(c *descent.Config) { c.Hidden, c.Penalty.L2 = 1, 1 },
	} {
		t.Run(name, func(t *testing.T) {
			r := everything(t, change)
			var file bytes.Buffer
			if err := r.Model.Write(&file); err != nil {
				t.Fatal(err)
			}
			m, err := descent.ReadModel("m.json", bytes.NewReader(file.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			rows, err := m.Rows(context.Background(), "t.csv", strings.NewReader(termsData(t)), descent.RowOptions{})
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(termsData(t), "\n")
			var loss float64
			for i := 1; ; i++ {
				row, err := rows.Next()
				if err == io.EOF {
					if i != 401 {
						t.Errorf("%d rows", i-1)
					}
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				v := strings.Split(lines[i], ",")
				age, _ := strconv.ParseFloat(v[0], 64)
				income, _ := strconv.ParseFloat(v[1], 64)
				p, err := m.Predict(&person{age, income, v[2], v[3], v[4]})
				if err != nil {
					t.Fatal(err)
				}
				q, err := m.Predict(map[string]any{"age": age, "income": income, "sex": v[2], "region": v[3], "when": v[4]})
				if err != nil {
					t.Fatal(err)
				}
				e, err := m.Explain(map[string]any{"age": age, "income": income, "sex": v[2], "region": v[3], "when": v[4]})
				if err != nil {
					t.Fatal(err)
				}
				if p.Z != row.Z || q.Z != row.Z || e.Z != row.Z {
					t.Fatalf("row %d: z is %v, %v, %v and %v", i, row.Z, p.Z, q.Z, e.Z)
				}
				if name == "two" || name == "l2" {
					y, _ := strconv.ParseFloat(v[6], 64)
					loss -= y*math.Log(p.Probability) + (1-y)*math.Log1p(-p.Probability)
				}
				if name == "hidden" {
					continue
				}
				z := e.Intercept
				for k, c := range e.Contributions {
					z += c.Contribution
					if c.Name != m.Parts()[k] {
						t.Fatalf("contribution %d is of %s, not of %s", k, c.Name, m.Parts()[k])
					}
				}
				if i == 1 && name == "two" {
					checkTogether(t, e)
				}
				if z != e.Z {
					t.Fatalf("row %d: the contributions add up to %v, z is %v", i, z, e.Z)
				}
			}
			if loss > 0 && math.Abs(loss/400-r.Train.LogLoss) > 1e-12 {
				t.Errorf("the predictions lose %v, the training %v", loss/400, r.Train.LogLoss)
			}
			ev, err := m.Evaluate(context.Background(), text(termsData(t)), descent.EvaluateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(ev.Metrics.LogLoss-r.Train.LogLoss) > 1e-12 {
				t.Errorf("evaluate has %v, the training %v", ev.Metrics.LogLoss, r.Train.LogLoss)
			}
		})
	}
}

// checkTogether: what several contributions of one column add up to.
func checkTogether(t *testing.T, e *descent.Explanation) {
	t.Helper()
	want := map[string][]string{"income": {"income", "log(income)"}, "age": {"age^2", "spline(age,3)"}, "when": {"when:year", "when:month", "when:dow", "when:days", "`when:days`^2"}}
	if len(e.Columns) != len(want) {
		t.Errorf("columns together: %+v", e.Columns)
	}
	for _, c := range e.Columns {
		sum := 0.0
		for _, p := range e.Contributions {
			if slices.Contains(want[c.Name], p.Name) {
				sum += p.Contribution
			}
		}
		if !slices.Equal(c.Parts, want[c.Name]) || math.Abs(sum-c.Contribution) > 1e-9*math.Max(1, math.Abs(sum)) {
			t.Errorf("%+v, want %v and %v", c, want[c.Name], sum)
		}
	}
}

// TestModelSample: a model file with terms that was written once loads, and replays its test vectors.
func TestModelSample(t *testing.T) {
	m, err := descent.Load("testdata/terms/model.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Predict(map[string]any{"age": 40, "income": 30000, "sex": "m", "region": "west", "when": "2020-07-01"})
	if err != nil || len(m.Computed()) == 0 || !(p.Probability > 0 && p.Probability < 1) {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestTermsBits: the same model on one thread and with a bound on memory.
func TestTermsBits(t *testing.T) {
	write := func(r *descent.Result) string {
		var b bytes.Buffer
		if err := r.Model.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	want := write(everything(t, func(*descent.Config) {}))
	for name, change := range map[string]func(*descent.Config){
		"one thread": func(c *descent.Config) { c.Solver.Threads = 1 },
		"memory":     func(c *descent.Config) { c.Run.Memory = 64 << 20 },
	} {
		if got := write(everything(t, change)); got != want {
			t.Errorf("%s: another model", name)
		}
	}
}

// TestTermsErrors: each names the place and what to do.
func TestTermsErrors(t *testing.T) {
	const data = "age,income,sex,when,us,y\n10,100,f,2020-01-01,01/02/2020,0\n20,0,m,2020-02-03,02/03/2020,1\n30,-5,f,2020-03-04,03/04/2020,1\n40,7,m,2020-04-05,04/05/2020,0\n50,7,f,2020-04-05,04/05/2020,1\n"
	date := func(s string) []encode.Date {
		d, err := encode.ParseDate(s)
		if err != nil {
			t.Fatal(err)
		}
		return []encode.Date{d}
	}
	fit := func(data string, c descent.Config) error {
		c.Target = "y"
		_, err := descent.Fit(context.Background(), text(data), c)
		return err
	}
	for _, c := range []struct {
		name   string
		config descent.Config
		want   string
	}{
		{"unknown", descent.Config{Encoding: encode.Options{Terms: "ages^2"}}, `t.csv:1: term ages^2: no column "ages"; it has age, income, sex, when, us, y; did you mean "age"?`},
		{"text", descent.Config{Encoding: encode.Options{Terms: "sex^2"}}, `t.csv:1:3: column "sex": term sex^2: the column holds levels (f, m), and a power is of numbers`},
		{"log", descent.Config{Encoding: encode.Options{Terms: "log(income)"}}, "t.csv:3:2: column \"income\": log(income): the logarithm of 0 is not defined\nt.csv:4:2: column \"income\": log(income): the logarithm of -5 is not defined"},
		{"target", descent.Config{Encoding: encode.Options{Terms: "y^2"}}, "column \"y\" is the target and no input"},
		{"few", descent.Config{Encoding: encode.Options{Terms: "spline(income,8)"}}, "too few distinct values (4)"},
		{"date as term", descent.Config{Encoding: encode.Options{Terms: "when^2", Dates: date("when:year")}}, "a term is of a part of them"},
		{"month", descent.Config{Encoding: encode.Options{Terms: "`when:month`^2", Dates: date("when:month")}}, "is levels, and a power is of numbers"},
		{"ambiguous", descent.Config{Encoding: encode.Options{Dates: date("us:year")}}, `t.csv:2:5: column "us": "01/02/2020" is day/month/year (2020-02-01) or month/day/year (2020-01-02): the dates of this column fit both; --date us:dmy,… or --date us:mdy,… says which`},
		{"not a date", descent.Config{Encoding: encode.Options{Dates: date("sex:year")}}, `t.csv:2:3: column "sex": "f" is not a date`},
		{"margins", descent.Config{Encoding: encode.Options{Terms: "age^2"}, Inference: descent.Inference{Margins: true}}, "margins and terms"},
		{"excluded", descent.Config{Encoding: encode.Options{Dates: date("when:year")}, Columns: descent.Columns{Exclude: []string{"when"}}}, "date and exclude: choose one"},
		{"base of a date", descent.Config{Encoding: encode.Options{Dates: date("when:month"), Base: map[string]string{"when:month": "dec"}}}, `the base level "dec" of when:month does not occur`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := fit(data, c.config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
	mixed := strings.Replace(data, "2020-03-04", "4 Mar 2020", 1)
	if err := fit(mixed, descent.Config{Encoding: encode.Options{Dates: date("when:year")}}); err == nil ||
		!strings.Contains(err.Error(), `t.csv:4:4: column "when": the date "4 Mar 2020" has another form than "2020-02-03" before it (line 3)`) {
		t.Errorf("mixed forms: %v", err)
	}
	if err := fit(strings.Replace(data, "income", "age^2", 1), descent.Config{Encoding: encode.Options{Terms: "age^2"}}); err == nil || !strings.Contains(err.Error(), "make a column of this name, too") {
		t.Errorf("a column of the name of a term: %v", err)
	}
	if _, err := descent.Fit(context.Background(), text("1 1:2 2:3\n0 1:4\n1 2:1\n"), descent.Config{Encoding: encode.Options{Terms: "x1^2"}}); err == nil || !strings.Contains(err.Error(), "LIBSVM") {
		t.Errorf("LIBSVM: %v", err)
	}
}

// TestTermsPredictErrors: the place is that of the cell the term is computed from.
func TestTermsPredictErrors(t *testing.T) {
	c := termsOf(t, "date")
	c.Encoding.Terms = "log(income), sex*region"
	r, err := descent.Fit(context.Background(), text(termsData(t)), c)
	if err != nil {
		t.Fatal(err)
	}
	next := func(line string) error {
		rows, err := r.Model.Rows(context.Background(), "p.csv", strings.NewReader("when,income,age,sex,region\n"+line+"\n"), descent.RowOptions{})
		if err != nil {
			return err
		}
		_, err = rows.Next()
		return err
	}
	for line, want := range map[string]string{
		"2020-01-01,0,20,m,west":       `p.csv:2:2: column "income": log(income): the logarithm of 0 is not defined`,
		"01/02/2020,5,20,m,west":       `p.csv:2:1: column "when": "01/02/2020" is not a date of the form of training (year-month-day)`,
		"2020-02-30,5,20,m,west":       `is not a date`,
		",5,20,m,west":                 `p.csv:2:1: column "when": a value is missing`,
		"2020-01-01T06:30,5,20,f,east": "",
	} {
		if err := next(line); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
		var place *dataset.Error
		if err := next(line); err != nil && !errors.As(err, &place) {
			t.Errorf("%s: %v has no place", line, err)
		}
	}
	if _, err := r.Model.Predict(map[string]any{"when": "2020-01-01", "income": -1, "age": 20, "sex": "m", "region": "west"}); err == nil || !strings.Contains(err.Error(), `column "income": log(income)`) {
		t.Errorf("%v", err)
	}
}

// TestTermsMissing: with --missing mean a term is computed from the mean that stands for a missing value, and the indicator of the column speaks for both.
func TestTermsMissing(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var gaps, whole strings.Builder
	gaps.WriteString("age,when,y\n")
	whole.WriteString("age,missing,sq,year,gone,y\n")
	type row struct {
		age  string
		when string
		y    int
	}
	var rows []row
	var sum, count, years, dated float64
	for range 200 {
		r := row{strconv.Itoa(20 + random.IntN(50)), fmt.Sprintf("%d-0%d-11", 2015+random.IntN(6), 1+random.IntN(3)), random.IntN(2)}
		if random.IntN(6) == 0 {
			r.age = ""
		} else {
			v, _ := strconv.ParseFloat(r.age, 64)
			sum, count = sum+v, count+1
		}
		if random.IntN(7) == 0 {
			r.when = ""
		} else {
			v, _ := strconv.ParseFloat(r.when[:4], 64)
			years, dated = years+v, dated+1
		}
		rows = append(rows, r)
	}
	for _, r := range rows {
		fmt.Fprintf(&gaps, "%s,%s,%d\n", r.age, r.when, r.y)
		age, year, missing, gone := sum/count, years/dated, 1, 1
		if r.age != "" {
			age, _ = strconv.ParseFloat(r.age, 64)
			missing = 0
		}
		if r.when != "" {
			year, _ = strconv.ParseFloat(r.when[:4], 64)
			gone = 0
		}
		fmt.Fprintf(&whole, "%v,%d,%v,%v,%d,%d\n", age, missing, age*age, year, gone, r.y)
	}
	d, err := encode.ParseDate("when:year")
	if err != nil {
		t.Fatal(err)
	}
	c := descent.Config{Target: "y", Encoding: encode.Options{Missing: encode.MissingMean, Terms: "age^2", Dates: []encode.Date{d}}}
	a, err := descent.Fit(context.Background(), text(gaps.String()), c)
	if err != nil {
		t.Fatal(err)
	}
	b, err := descent.Fit(context.Background(), text(whole.String()), descent.Config{Target: "y"})
	if err != nil {
		t.Fatal(err)
	}
	of := func(r *descent.Result, name string) float64 {
		for _, c := range r.Coefficients {
			if c.Name == name {
				return c.Estimate
			}
		}
		t.Fatalf("no coefficient %s", name)
		return 0
	}
	for x, y := range map[string]string{"age": "age", "age=missing": "missing", "age^2": "sq", "when=missing": "gone", "when:year": "year", "(intercept)": "(intercept)"} {
		if v, w := of(a, x), of(b, y); math.Abs(v-w) > 1e-9*math.Max(1, math.Abs(w)) {
			t.Errorf("%s is %v, by hand %v", x, v, w)
		}
	}
	p, err := a.Model.Predict(map[string]any{"age": nil, "when": nil})
	if err != nil {
		t.Fatal(err)
	}
	z := of(b, "(intercept)") + of(b, "missing") + of(b, "gone") + of(b, "age")*sum/count + of(b, "sq")*sum/count*sum/count + of(b, "year")*years/dated
	if math.Abs(p.Z-z) > 1e-9 {
		t.Errorf("z without values is %v, want %v", p.Z, z)
	}
	c.Encoding.Missing = ""
	if _, err := descent.Fit(context.Background(), text(gaps.String()), c); err == nil || !strings.Contains(err.Error(), "a value is missing") {
		t.Errorf("missing values without a policy: %v", err)
	}
	c.Encoding.Missing = encode.MissingDrop
	r, err := descent.Fit(context.Background(), text(gaps.String()), c)
	if err != nil || r.Dropped == 0 {
		t.Errorf("drop: %v", err)
	}
}

// TestTermTests: --lr tests a spline and a product with all their inputs at once.
func TestTermTests(t *testing.T) {
	c := termsOf(t, "spline")
	c.Inference.LikelihoodRatio = true
	c.Encoding.Terms = "spline(age,4), income*region"
	r, err := descent.Fit(context.Background(), text(termsData(t)), c)
	if err != nil {
		t.Fatal(err)
	}
	df := map[string]int{}
	for _, l := range r.LRTests {
		df[l.Column] = l.DF
		without := c
		without.Inference.LikelihoodRatio = false
		switch l.Column {
		case "spline(age,4)":
			without.Encoding.Terms, without.Columns.Exclude = "income*region", append([]string{"age"}, c.Columns.Exclude...)
		case "income*region":
			without.Encoding.Terms = "spline(age,4)"
		default:
			continue
		}
		b, err := descent.Fit(context.Background(), text(termsData(t)), without)
		if err != nil {
			t.Fatal(err)
		}
		if want := 2 * (*r.LogLikelihood - *b.LogLikelihood); math.Abs(*l.Chisq-want) > 1e-8 {
			t.Errorf("%s: %v, by two fits %v", l.Column, *l.Chisq, want)
		}
	}
	if df["spline(age,4)"] != 4 || df["income*region"] != 2 {
		t.Errorf("degrees of freedom: %v", df)
	}
}
