package doctor_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent/doctor"
)

// summarise is a reader in thirty lines: a column of numbers is numeric, every other one has levels; cells in na are
// missing.
func summarise(t *testing.T, path, label string, header bool, na ...string) doctor.Data {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		if !strings.Contains(path, "testdata") {
			t.Skip("needs " + path + ", which is not in this repository")
		}
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") || strings.Contains(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	r := csv.NewReader(in)
	r.TrimLeadingSpace = true
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if !header {
		var names []string
		for j := range records[0] {
			names = append(names, fmt.Sprintf("x%d", j+1))
		}
		records = append([][]string{names}, records...)
	}
	rows := records[1:]
	d := doctor.Data{Rows: len(rows)}
	for j, name := range records[0] {
		c := doctor.Column{Name: name, Numeric: true, Min: math.Inf(1), Max: math.Inf(-1)}
		tally := map[string]int{}
		var values []float64
		for _, row := range rows {
			if slices.Contains(na, row[j]) {
				c.Missing++
				continue
			}
			tally[row[j]]++
			v, err := strconv.ParseFloat(row[j], 64)
			if err != nil {
				c.Numeric = false
				continue
			}
			values = append(values, v)
			c.Min, c.Max, c.Mean = min(c.Min, v), max(c.Max, v), c.Mean+v
		}
		c.Mean /= float64(len(values))
		for _, v := range values {
			c.SD += (v - c.Mean) * (v - c.Mean)
		}
		c.SD = math.Sqrt(c.SD / float64(len(values)))
		var levels []string
		for level := range tally {
			levels = append(levels, level)
		}
		slices.Sort(levels)
		if name == label {
			d.Target = &doctor.Target{Name: name, Negative: levels[0], Positive: levels[1],
				Negatives: float64(tally[levels[0]]), Positives: float64(tally[levels[1]])}
			continue
		}
		if !c.Numeric {
			c.Min, c.Max, c.Mean, c.SD = 0, 0, 0, 0
			for _, level := range levels {
				c.Levels = append(c.Levels, doctor.Tally{Level: level, Rows: tally[level]})
			}
		}
		d.Columns = append(d.Columns, c)
	}
	return d
}

// warnings are the lines of findings that are more than notes; notes must not look like one.
func warnings(t *testing.T, found []doctor.Finding) (lines []string) {
	t.Helper()
	for _, f := range found {
		s := f.String()
		if f.Severity == doctor.Note {
			if strings.Contains(strings.ToLower(s), "warn") || strings.HasPrefix(f.Code, "W-") || !strings.HasPrefix(s, "note: ") {
				t.Errorf("a note like a warning: %s", s)
			}
			continue
		}
		if _, ok := doctor.Explain(f.Code); !ok {
			t.Errorf("%s is not in the table of codes", f.Code)
		}
		if f.Cure == "" || len(f.Columns) == 0 {
			t.Errorf("no cure or no column: %s", s)
		}
		lines = append(lines, s)
	}
	return lines
}

func TestCleanSetsGiveNoWarning(t *testing.T) {
	for _, c := range []struct {
		path, label string
		header      bool
		na          []string
		notes       []string
	}{
		{"../testdata/pima/pima.csv", "diabetes", true, nil, nil},
		{"../testdata/german_credit/german.csv", "bad", true, nil, []string{"events", "scales"}},
		{"../testdata/adult/adult.data.gz", "x15", false, nil, []string{"scales"}},
		{"../testdata/breast_cancer/wdbc.csv", "", true, nil, []string{"scales"}},
		{"../testdata/iris/iris.csv", "", true, nil, nil},
		{"../testdata/degenerate/baseline.csv", "y", true, nil, []string{"events"}},
		{"../testdata/degenerate/labels_yes_no.csv", "y", true, nil, []string{"events"}},
		{"../testdata/bad/train_ok.csv", "passed", true, nil, []string{"events"}},
		{"../testdata/bad/word_labels.csv", "passed", true, nil, []string{"events"}},
		{"../testdata/bad/far_scales.csv", "passed", true, nil, []string{"scales"}},
		{elsewhere("spector/spector.csv"), "grade", true, nil, []string{"events"}},
		{"../testdata/ucla_admissions/binary.csv", "admit", true, nil, nil},
		{elsewhere("infert/infert.csv"), "case", true, nil, nil},
		{elsewhere("ng_ex2data1/ex2data1.csv"), "admitted", true, nil, nil},
		{elsewhere("glmnet_binomial/binomial.csv"), "y", true, nil, []string{"events"}},
		{elsewhere("lecture_cases/v5.csv"), "y", true, nil, []string{"events"}},
		{elsewhere("menarche/menarche.csv"), "", true, nil, nil},
	} {
		t.Run(c.path, func(t *testing.T) {
			found := doctor.Examine(summarise(t, c.path, c.label, c.header, c.na...))
			for _, w := range warnings(t, found) {
				t.Errorf("clean data: %s", w)
			}
			var notes []string
			for _, f := range found {
				notes = append(notes, f.Code)
			}
			if !slices.Equal(notes, c.notes) {
				t.Errorf("notes %v, expected %v", notes, c.notes)
			}
		})
	}
}

func numeric(name string, lowest, highest, mean, sd float64) doctor.Column {
	return doctor.Column{Name: name, Numeric: true, Min: lowest, Max: highest, Mean: mean, SD: sd}
}

// numbered is a column of f(0), f(1), …
func numbered(name string, rows int, f func(i int) float64) doctor.Column {
	c := doctor.Column{Name: name, Numeric: true, Min: math.Inf(1), Max: math.Inf(-1)}
	var all []float64
	for i := range rows {
		x := f(i)
		all = append(all, x)
		c.Min, c.Max, c.Mean = min(c.Min, x), max(c.Max, x), c.Mean+x/float64(rows)
	}
	c.SD, c.Numbers = (c.Max-c.Min)/4, func() []float64 { return all }
	return c
}

func levels(name string, missing int, tallies ...any) doctor.Column {
	c := doctor.Column{Name: name, Missing: missing}
	for i := 0; i < len(tallies); i += 2 {
		c.Levels = append(c.Levels, doctor.Tally{Level: tallies[i].(string), Rows: tallies[i+1].(int)})
	}
	return c
}

func each(name string, n, rows int, format string) doctor.Column {
	c := doctor.Column{Name: name}
	for i := range n {
		c.Levels = append(c.Levels, doctor.Tally{Level: fmt.Sprintf(format, i%28+1), Rows: rows})
		c.Levels[i].Level += strings.Repeat("'", i/28)
	}
	return c
}

func TestExamine(t *testing.T) {
	target := func(negatives, positives float64) *doctor.Target {
		return &doctor.Target{Name: "bought", Negative: "no", Positive: "yes", Negatives: negatives, Positives: positives}
	}
	gap := func(c doctor.Column, missing int) doctor.Column { c.Missing = missing; return c }
	ok := numeric("age", 18, 90, 40, 12)
	dates := levels("day", 0, "2024-01-31", 3, "2024-02-01", 2, "2023-12-31", 5)
	for _, c := range []struct {
		name string
		data doctor.Data
		want []string // the beginnings of the lines
	}{
		{"nothing", doctor.Data{}, nil},
		{"clean", doctor.Data{Rows: 100, Columns: []doctor.Column{ok, levels("city", 0, "x", 50, "y", 50)}, Target: target(60, 40)}, nil},

		{"constant", doctor.Data{Rows: 10, Columns: []doctor.Column{numeric("flat", 3, 3, 3, 0), ok}},
			[]string{`warning: W-constant: column "flat" is 3 in every row: it cannot tell rows apart, its weight is 0 (leave it out with --exclude flat)`}},
		{"constant but for rounding", doctor.Data{Rows: 10, Columns: []doctor.Column{numeric("flat", 0.1, 0.1, 0.1, 1.3877787807814457e-17)}},
			[]string{`warning: W-constant: column "flat" is 0.1 in every row`}},
		{"zeros", doctor.Data{Rows: 10, Columns: []doctor.Column{numeric("z", 0, 0, 0, 0)}}, []string{`warning: W-constant: column "z" is 0`}},
		{"nearly constant", doctor.Data{Rows: 10, Columns: []doctor.Column{numeric("x", 1e9, 1e9+1, 1e9, 0.5)}},
			[]string{`note: column "x" is far from 0 compared with how much it varies: mean 1e+09, standard deviation 0.5`}},
		{"tiny", doctor.Data{Rows: 10, Columns: []doctor.Column{numeric("x", 0, 1e-300, 1e-301, 1e-301)}}, nil},
		{"one level", doctor.Data{Rows: 10, Columns: []doctor.Column{levels("the city", 0, "x", 10)}},
			[]string{`warning: W-constant: column "the city" is "x" in every row: it cannot tell rows apart, its weight is 0 (leave it out with --exclude 'the city')`}},
		{"one level and missing", doctor.Data{Rows: 10, Missing: doctor.Level, Columns: []doctor.Column{levels("city", 4, "x", 6)}},
			[]string{`note: column "city" is missing in 4 rows of 10`, `warning: W-constant: column "city" is "x" wherever it is there`}},

		{"missing", doctor.Data{Rows: 10, Columns: []doctor.Column{gap(ok, 1)}},
			[]string{`warning: W-missing: column "age" is missing in 1 row of 10 (train refuses it; choose --missing drop, mean or level)`}},
		{"missing, with a policy", doctor.Data{Rows: 10, Missing: doctor.Mean, Columns: []doctor.Column{gap(ok, 5)}},
			[]string{`note: column "age" is missing in 5 rows of 10`}},
		{"mostly missing, dropped", doctor.Data{Rows: 10, Missing: doctor.Drop, Columns: []doctor.Column{gap(ok, 6)}},
			[]string{`warning: W-missing: column "age" is missing in 6 rows of 10, which are left out (leave the column out with --exclude age)`}},
		{"mostly missing, mean", doctor.Data{Rows: 10, Missing: doctor.Mean, Columns: []doctor.Column{gap(ok, 6)}}, []string{`warning: W-missing: column "age" is missing in 6 rows of 10, where its mean stands in`}},
		{"mostly missing, level", doctor.Data{Rows: 10, Missing: doctor.Level, Columns: []doctor.Column{gap(ok, 6)}}, []string{`warning: W-missing: column "age" is missing in 6 rows of 10, which become a level of their own`}},
		{"all missing", doctor.Data{Rows: 10, Missing: doctor.Mean, Columns: []doctor.Column{{Name: "x", Missing: 10, Numeric: true}}},
			[]string{`warning: W-missing: column "x" is missing in every row (leave it out with --exclude x)`}},

		{"identifier", doctor.Data{Rows: 50, Columns: []doctor.Column{each("id", 50, 1, "K%d")}},
			[]string{`warning: W-levels: column "id" has a level of its own in every row (50 levels): it looks like an identifier (leave it out with --exclude id, or put rare levels`}},
		{"nearly an identifier", doctor.Data{Rows: 60, Columns: []doctor.Column{each("name", 40, 1, "K%d")}},
			[]string{`warning: W-levels: column "name" has 40 levels in 60 rows, nearly one a row`}},
		{"two rows a level", doctor.Data{Rows: 80, Columns: []doctor.Column{each("name", 40, 2, "K%d")}}, nil},
		{"many levels in many rows", doctor.Data{Rows: 100000, Columns: []doctor.Column{each("zip", 4000, 25, "K%d")}, Target: target(5e4, 5e4)}, nil},
		{"few rows", doctor.Data{Rows: 5, Columns: []doctor.Column{levels("c", 0, "a", 2, "b", 2, "c", 1)}}, nil},
		{"dates", doctor.Data{Rows: 10, Columns: []doctor.Column{dates}}, []string{`warning: W-levels: column "day" holds dates, and every date is a level of its own (3 levels in 10 rows)`}},
		{"European dates", doctor.Data{Rows: 10, Columns: []doctor.Column{levels("d", 0, "31.12.2023", 4, "1.2.2024", 3, "02.03.24", 3)}}, []string{`warning: W-levels: column "d" holds dates`}},
		{"dates with times", doctor.Data{Rows: 10, Columns: []doctor.Column{levels("d", 0, "2023-12-31T10:20:30Z", 4, "2023-12-31 10:20", 3, "12/31/2023 10:20", 3)}}, []string{`warning: W-levels: column "d" holds dates`}},
		{"names of months", doctor.Data{Rows: 10, Columns: []doctor.Column{levels("d", 0, "31 Dec 2023", 4, "Jan 2, 2024", 3, "2-Jan-2024", 3)}}, []string{`warning: W-levels: column "d" holds dates`}},
		{"no dates", doctor.Data{Rows: 100, Columns: []doctor.Column{levels("size", 0, "0-5yrs", 30, "12+ yrs", 30, "6-11yrs", 40)}}, nil},

		{"rows numbered", doctor.Data{Rows: 30, Columns: []doctor.Column{numbered("n", 30, func(i int) float64 { return float64(129 - i*7%30) })}},
			[]string{`warning: W-identifier: column "n" numbers the rows: every whole number from 100 to 129, each once (leave it out with --exclude n)`}},
		{"one number twice", doctor.Data{Rows: 30, Columns: []doctor.Column{numbered("n", 30, func(i int) float64 { return float64(max(i, 1)) })}}, nil},
		{"numbers left out", doctor.Data{Rows: 30, Columns: []doctor.Column{numbered("income", 30, func(i int) float64 { return float64(3 * i) })}}, nil},
		{"identifier by name", doctor.Data{Rows: 30, Columns: []doctor.Column{numbered("customerId", 30, func(i int) float64 { return float64(3 * i) }), numbered("paid", 30, func(i int) float64 { return float64(3 * i) })}},
			[]string{`warning: W-identifier: column "customerId" is a different whole number in every row (30 rows), and its name says`}},
		{"an identifier's rows are several", doctor.Data{Rows: 30, Columns: []doctor.Column{numbered("person id", 30, func(i int) float64 { return float64(9 * (i / 2)) })}}, nil},
		{"years", doctor.Data{Rows: 15, Columns: []doctor.Column{numbered("year", 15, func(i int) float64 { return float64(2000 + i) })}}, nil},
		{"days in a number", doctor.Data{Rows: 60, Columns: []doctor.Column{numbered("when", 60, func(i int) float64 { return float64(20240100 + 100*(i/28) + 1 + i%28) })}},
			[]string{`warning: W-date: column "when" holds days written as one number (20240101 to 20240304), whose differences are no lengths of time (--date when:year,month,dow,days takes`}},
		{"no days", doctor.Data{Rows: 30, Columns: []doctor.Column{numbered("amount", 30, func(i int) float64 { return float64(20240101 + 700*i) })}}, nil}, // 20241301
		{"months in a number", doctor.Data{Rows: 60, Columns: []doctor.Column{numbered("period", 60, func(i int) float64 { return float64(202301 + i%12 + 100*(i/30)) })}},
			[]string{`warning: W-date: column "period" holds months written as one number (202301 to 202412)`}},
		{"no months", doctor.Data{Rows: 60, Columns: []doctor.Column{numbered("price", 60, func(i int) float64 { return float64(202301 + 5*i) })}}, nil},
		{"seconds", doctor.Data{Rows: 60, Columns: []doctor.Column{numbered("created_at", 60, func(i int) float64 { return 1.7e9 + 86400*float64(i) }), numbered("bytes", 60, func(i int) float64 { return 1.7e9 + 86400*float64(i) })}},
			[]string{`note: column "created_at" looks like a time in seconds since 1970: 2023-11-14 to 2024-01-12`}},
		{"postal codes", doctor.Data{Rows: 60, Columns: []doctor.Column{numbered("zip_code", 60, func(i int) float64 { return float64(90210 - 13*i%70) })}},
			[]string{`note: column "zip_code" looks like a code: as a number, half way between two codes would be a third (--categorical zip_code`}},
		{"far from 0", doctor.Data{Rows: 60, Columns: []doctor.Column{numeric("x", 3e8, 3e8+2, 3e8+1, 0.5), numeric("year", 1990, 2020, 2005, 8)}},
			[]string{`note: column "x" is far from 0 compared with how much it varies: mean 3e+08, standard deviation 0.5`}},

		{"few events", doctor.Data{Rows: 100, Columns: []doctor.Column{ok, levels("c", 0, "a", 50, "b", 30, "c", 20)}, Target: target(75, 25)},
			[]string{`note: 25 rows with bought=yes for 3 weights, 8.33 each (fewer than 10)`}},
		{"few events, parameters given", doctor.Data{Rows: 100, Columns: []doctor.Column{ok}, Target: target(25, 75), Parameters: 5},
			[]string{`note: 25 rows with bought=no for 5 weights, 5 each`}},
		{"enough events", doctor.Data{Rows: 100, Columns: []doctor.Column{ok}, Target: target(75, 25)}, nil},
		{"imbalance", doctor.Data{Rows: 1000, Columns: []doctor.Column{ok}, Target: target(980, 20)},
			[]string{`note: bought=yes is rare, 2 % of the rows: accuracy says little, since always answering the other class reaches 98 %`}},
		{"one class", doctor.Data{Rows: 1000, Columns: []doctor.Column{ok}, Target: target(1000, 0)}, nil},
		{"scales", doctor.Data{Rows: 100, Columns: []doctor.Column{ok, numeric("income", 0, 1e6, 3e4, 2e4)}},
			[]string{`note: the columns' scales are far apart: the standard deviation is 12 in "age" and 2e+04 in "income"`}},
		{"scales, a constant apart", doctor.Data{Rows: 100, Columns: []doctor.Column{ok, numeric("flat", 1e9, 1e9, 1e9, 0)}},
			[]string{`warning: W-constant: column "flat"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := doctor.Examine(c.data)
			warnings(t, found)
			if len(found) != len(c.want) {
				t.Errorf("%d findings, expected %d", len(found), len(c.want))
			}
			for i, f := range found {
				if i < len(c.want) && !strings.HasPrefix(f.String(), c.want[i]) {
					t.Errorf("finding\n%s\nexpected\n%s", f, c.want[i])
				}
			}
		})
	}
}

// TestManyConstants: up to ten constant columns have a line each; of more the first five, and the rest one line.
func TestManyConstants(t *testing.T) {
	for n, lines := range map[int]int{10: 10, 11: 6, 200: 6} {
		d := doctor.Data{Rows: 10}
		for j := range n {
			d.Columns = append(d.Columns, numeric(fmt.Sprintf("p%d", j), 0, 0, 0, 0))
		}
		found := doctor.Examine(d)
		if len(found) != lines {
			t.Fatalf("%d columns: %d findings, want %d", n, len(found), lines)
		}
		columns := 0
		for _, f := range found {
			columns += len(f.Columns)
		}
		if columns != n {
			t.Errorf("%d columns: the findings name %d", n, columns)
		}
		if last := found[lines-1]; n == 200 && !strings.HasPrefix(last.String(), `warning: W-constant: 195 more columns are the same in every row, among them "p5", "p6", "p7", "p8", "p9"`) {
			t.Errorf("%s", last)
		}
	}
}

func TestFindingJSON(t *testing.T) {
	b, err := json.Marshal(doctor.Finding{Code: "W-constant", Severity: doctor.Warning, Columns: []string{"x"}, Message: "m", Cure: "c"})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"code":"W-constant","severity":"warning","columns":["x"],"message":"m","cure":"c"}`; string(b) != want {
		t.Errorf("JSON %s", b)
	}
}

func TestCodes(t *testing.T) {
	all := doctor.Codes()
	for i, c := range all {
		if !regexp.MustCompile(`^W-[a-z]+$`).MatchString(c.Code) || c.Title == "" || len(c.Text) < 200 || strings.HasSuffix(c.Title, ".") {
			t.Errorf("row %d: %+v", i, c)
		}
		if i > 0 && all[i-1].Code >= c.Code {
			t.Errorf("%s after %s", c.Code, all[i-1].Code)
		}
		for _, line := range strings.Split(c.Text, "\n") {
			if len([]rune(line)) > 100 {
				t.Errorf("%s: a line of %d characters", c.Code, len([]rune(line)))
			}
		}
	}
	// The codes that the command line's contract names.
	for _, code := range []string{"W-separation", "W-constant", "W-collinear", "W-missing", "W-positive", "W-classes", "W-levels", "W-index"} {
		if _, ok := doctor.Explain(code); !ok {
			t.Errorf("%s is not explained", code)
		}
	}
	if _, ok := doctor.Explain("W-nothing"); ok {
		t.Error("W-nothing is explained")
	}
	all[0].Code = "changed"
	if doctor.Codes()[0].Code == "changed" {
		t.Error("the table can be changed from outside")
	}
}

// TestEveryCodeIsExplained reads the repository's sources: a warning with a new code needs a row in the table.
func TestEveryCodeIsExplained(t *testing.T) {
	used := map[string]string{}
	literal := regexp.MustCompile(`"(W-[a-z]+)"`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != "..":
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || filepath.Base(path) == "code.go":
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range literal.FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = path
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(used) < 3 {
		t.Fatalf("codes found: %v", used)
	}
	for code, path := range used {
		if _, ok := doctor.Explain(code); !ok {
			t.Errorf("%s uses %s, which has no row in the table of codes", path, code)
		}
	}
}

func ExampleExamine() {
	for _, f := range doctor.Examine(doctor.Data{
		Rows: 200,
		Columns: []doctor.Column{
			{Name: "hours", Numeric: true, Min: 0, Max: 20, Mean: 7, SD: 4},
			{Name: "year", Numeric: true, Min: 2024, Max: 2024, Mean: 2024},
		},
		Target: &doctor.Target{Name: "passed", Negative: "no", Positive: "yes", Negatives: 196, Positives: 4},
	}) {
		fmt.Println(f.Code, f.Severity, f.Columns)
	}
	// Output:
	// W-constant warning [year]
	// events note [passed]
	// imbalance note [passed]
}

// elsewhere is the path of a set that may not be passed on, in the folder that DESCENT_DATA names.
func elsewhere(path string) string {
	return filepath.Join(os.Getenv("DESCENT_DATA"), filepath.FromSlash(path))
}
