package descent_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/doctor"
	"github.com/descent-ml/descent/encode"
)

// TestCleanSets: real data give no warning but those listed, each of which is true; inspecting a file and training on it find the same.
func TestCleanSets(t *testing.T) {
	for _, c := range []struct {
		set, file, target string
		config            descent.Config
		warnings          []string
		why               string // of the warnings
	}{
		{set: "pima", file: "pima.csv", target: "diabetes"},
		{set: "german_credit", file: "german.csv", target: "bad"},
		{set: "ucla_admissions", file: "binary.csv", target: "admit"},
		{set: "ucla_admissions", file: "binary.csv", target: "admit", config: descent.Config{Columns: descent.Columns{Categorical: []string{"rank"}}}},
		{set: "heart_scale", file: "heart_scale"},
		{set: "spambase", file: "spambase.data.gz", target: "x58", config: descent.Config{NoHeader: true}},
		{set: "higgs_lightgbm", file: "binary.train.gz", target: "x1", config: descent.Config{NoHeader: true}},
		{set: "breast_cancer", file: "wdbc.csv", target: "malignant", warnings: []string{"W-separation"}, why: "thirty columns separate the classes completely"},
		{set: "iris", file: "iris.csv", target: "species", config: descent.Config{Labels: encode.Labels{Softmax: true}}, warnings: []string{"W-separation"}, why: "setosa is apart from the others"},
		{set: "adult", file: "adult.data.gz", target: "x15", config: descent.Config{NoHeader: true, NA: []string{}, Labels: encode.Labels{Positive: ">50K"}},
			warnings: []string{"W-collinear", "W-separation"}, why: "years of education are its level's, who never worked has no occupation, and all seven of them earn little"},
		{set: "a9a", file: "a9a.gz", warnings: []string{"W-collinear", "W-separation"}, why: "all indicator columns of every category, and adult's rare levels"},
		{set: "agaricus", file: "agaricus.txt.train.gz", warnings: []string{"W-collinear", "W-constant", "W-separation"}, why: "indicators of every category, a veil of one colour, and rules that tell edible from poisonous"},
		{set: "h2o_100kx7", file: "100kx7_logreg.csv.gz", target: "x8", config: descent.Config{NoHeader: true}, warnings: []string{"W-separation"}, why: "made to be separable"},
		{set: "infert", file: "infert.csv", target: "case"},
		{set: "spector", file: "spector.csv", target: "grade"},
		{set: "ng_ex2data1", file: "ex2data1.csv", target: "admitted"},
		{set: "glmnet_binomial", file: "binomial.csv", target: "y", warnings: []string{"W-separation"}, why: "thirty columns separate a hundred rows"},
		{set: "titanic", file: "titanic.csv", target: "survived", config: descent.Config{Columns: descent.Columns{Exclude: []string{"name", "ticket", "cabin", "age", "embarked"}}}},
	} {
		t.Run(c.set, func(t *testing.T) {
			if testing.Short() && slices.Contains([]string{"adult", "a9a", "h2o_100kx7"}, c.set) {
				t.Skip("-short")
			}
			c.config.Target = c.target
			in, train := bothFind(t, func() descent.Source { return descent.File(filepath.Join(folder(t, c.set), c.file)) }, c.config)
			var codes []string
			for _, f := range in {
				if f.Severity != doctor.Note && !slices.Contains(codes, f.Code) {
					codes = append(codes, f.Code)
				}
			}
			slices.Sort(codes)
			if !slices.Equal(codes, c.warnings) {
				t.Errorf("warnings %v, want %v (%s)", codes, c.warnings, c.why)
			}
			same(t, in, train)
		})
	}
}

// bothFind is what inspecting a source and training on it find about the data.
func bothFind(t *testing.T, open func() descent.Source, config descent.Config) (in, train []doctor.Finding) {
	t.Helper()
	i, err := descent.Inspect(t.Context(), open(), config)
	if err != nil {
		t.Fatal(err)
	}
	config.Found = func(f doctor.Finding) error {
		train = append(train, f)
		return nil
	}
	if r, err := descent.Fit(t.Context(), open(), config); err != nil && (r == nil || r.Verdict != descent.Separated) {
		t.Fatal(err)
	}
	return i.Findings, train
}

// same compares all findings that have a code; others are what training assumes.
func same(t *testing.T, in, train []doctor.Finding) {
	t.Helper()
	lines := func(fs []doctor.Finding) (out []string) {
		for _, f := range fs {
			if f.Code != "" && f.Code != "reading" {
				out = append(out, f.String())
			}
		}
		return out
	}
	if a, b := lines(in), lines(train); !slices.Equal(a, b) {
		t.Errorf("inspect finds\n%s\ntrain finds\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}

// TestLeaks: a column that tells the labels is found, wherever it is, and one that tells much is not.
func TestLeaks(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	const m = 3000
	var s strings.Builder
	s.WriteString("copy,made,good,seldom,kept,y\n")
	for i := range m {
		y := 0
		if i%50 == 0 { // 2 % positives
			y = 1
		}
		made := float64(y) + 0.1*r.NormFloat64()
		good := float64(y) + 0.3*r.NormFloat64()
		seldom := "no"
		if y == 1 && r.IntN(40) > 0 {
			seldom = "yes"
		}
		fmt.Fprintf(&s, "%s,%.4f,%.4f,%s,%.3f,%d\n", []string{"stays", "left"}[y], made, good, seldom, r.NormFloat64(), y)
	}
	in, train := bothFind(t, func() descent.Source { return text(s.String()) }, descent.Config{Target: "y"})
	same(t, in, train)
	said := map[string]doctor.Severity{}
	for _, f := range in {
		if f.Code == "W-leak" || f.Code == "strong" {
			said[f.Columns[0]] = f.Severity
		}
	}
	if said["copy"] != doctor.Warning || said["made"] != doctor.Warning || said["seldom"] == "" || said["good"] != "" || said["kept"] != "" {
		t.Errorf("said of %v", said)
	}
	// The same columns of LIBSVM.
	s.Reset()
	r = rand.New(rand.NewPCG(8, 8))
	for i := range m {
		y := 0
		if i%3 == 0 {
			y = 1
		}
		fmt.Fprintf(&s, "%d", y)
		if y == 1 {
			s.WriteString(" 2:1")
		}
		for j := 5; j < 200; j++ {
			if r.IntN(20) == 0 {
				fmt.Fprintf(&s, " %d:1", j)
			}
		}
		s.WriteString("\n")
	}
	in, _ = bothFind(t, func() descent.Source { return descent.Reader("x.svm", strings.NewReader(s.String())) }, descent.Config{Format: dataset.LIBSVM})
	leaks := 0
	for _, f := range in {
		if f.Code == "W-leak" {
			leaks++
			if f.Columns[0] != "x2" {
				t.Errorf("%s", f)
			}
		}
	}
	if leaks != 1 {
		t.Errorf("%d leaks, want x2", leaks)
	}
}

// TestTwins: copies of training rows among the test rows are found; rows that agree because few values are possible are not.
func TestTwins(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	fine := func() string {
		x := r.NormFloat64()
		y := 0
		if x+2*r.NormFloat64() > 0 {
			y = 1
		}
		return fmt.Sprintf("%.4f,%d,%s,%d\n", x, r.IntN(80), []string{"a", "b", "c"}[r.IntN(3)], y)
	}
	coarse := func() string {
		return fmt.Sprintf("%d,%d,%s,%d\n", r.IntN(3), r.IntN(4), []string{"a", "b", "c"}[r.IntN(3)], r.IntN(2))
	}
	for _, c := range []struct {
		name   string
		row    func() string
		copied int // of 300 test rows
		want   doctor.Severity
	}{
		{"clean", fine, 0, ""},
		{"few copies", fine, 6, doctor.Note},
		{"copies", fine, 60, doctor.Warning},
		{"all copies", fine, 300, doctor.Warning},
		{"few values", coarse, 0, ""},
	} {
		const head = "x,n,c,y\n"
		var train, test strings.Builder
		train.WriteString(head)
		test.WriteString(head)
		for i := range 1000 {
			row := c.row()
			train.WriteString(row)
			if i < c.copied {
				test.WriteString(row)
			}
		}
		for range 300 - c.copied {
			test.WriteString(c.row())
		}
		var said []doctor.Finding
		source := text(test.String())
		config := descent.Config{Target: "y", Test: descent.Test{Source: source}, Found: func(f doctor.Finding) error {
			if f.Code == "W-duplicates" || f.Code == "duplicates" {
				said = append(said, f)
			}
			return nil
		}}
		if _, err := descent.Fit(t.Context(), text(train.String()), config); err != nil {
			t.Fatal(err)
		}
		if len(said) > 0 != (c.want != "") || len(said) > 0 && (said[0].Severity != c.want || !strings.HasPrefix(said[0].Message, fmt.Sprintf("%d of 300 test rows", c.copied))) {
			t.Errorf("%s: said %v, want %q", c.name, said, c.want)
		}
	}
	// A file that holds every row twice, split at random.
	var s strings.Builder
	s.WriteString("x,n,c,y\n")
	for range 300 {
		row := fine()
		s.WriteString(row + row)
	}
	var said []string
	config := descent.Config{Target: "y", Test: descent.Test{Part: 0.2}, Found: func(f doctor.Finding) error {
		said = append(said, f.Code)
		return nil
	}}
	if _, err := descent.Fit(t.Context(), text(s.String()), config); err != nil || !slices.Contains(said, "W-duplicates") {
		t.Errorf("rows twice: said %v, %v", said, err)
	}
}

// TestSeparationLimits: what is said of a separation is what is known of it by other means.
func TestSeparationLimits(t *testing.T) {
	fit := func(source descent.Source, config descent.Config) *descent.Result {
		r, err := descent.Fit(t.Context(), source, config)
		if (err != nil) != (r.Verdict == descent.Separated) {
			t.Fatal(err)
		}
		return r
	}
	// A tie of two rows of each class at 0: the log likelihood tends to -2 log 2.
	r := fit(descent.File("testdata/degenerate/quasi_separation.csv"), descent.Config{Target: "y"})
	s := r.Separation
	if s == nil || s.Kind != "quasi-complete" || math.Abs(*s.LogLikelihood+2*math.Ln2) > 1e-15 || s.Left != 2 || len(s.Finite) != 1 || s.Finite[0].Estimate != 0 {
		t.Errorf("%+v", s)
	}
	if s := fit(descent.File("testdata/degenerate/complete_separation.csv"), descent.Config{Target: "y"}).Separation; s == nil || s.Kind != "complete" || s.Left != 0 || *s.LogLikelihood != 0 {
		t.Errorf("%+v", s)
	}
	// A level of one class: the others are those of the file without its rows.
	data, err := os.ReadFile("testdata/bad/separable_level.csv")
	if err != nil {
		t.Fatal(err)
	}
	var without []string
	for _, line := range strings.Split(string(data), "\n") {
		if !strings.Contains(line, "yew") {
			without = append(without, line)
		}
	}
	s = fit(descent.File("testdata/bad/separable_level.csv"), descent.Config{Target: "passed"}).Separation
	want := fit(text(strings.Join(without, "\n")), descent.Config{Target: "passed"})
	if s.Kind != "quasi-complete" || len(s.Infinite) != 1 || s.Infinite[0].Name != "school=yew" || s.Infinite[0].Sign != "-" || len(s.Finite) != len(want.Coefficients) ||
		math.Abs(*s.LogLikelihood-*want.LogLikelihood) > 1e-11 {
		t.Fatalf("%+v", s)
	}
	for i, c := range want.Coefficients {
		if got := s.Finite[i]; got.Name != c.Name || math.Abs(got.Estimate-c.Estimate) > 1e-12 || math.Abs(got.Scaled-c.Scaled) > 0.1 {
			t.Errorf("%s tends to %v, without the rows it is %v", got.Name, got.Estimate, c.Estimate)
		}
	}
	// Two directions, one after the other: u is 1 in one class only, and in the rest v; x overlaps.
	var b strings.Builder
	b.WriteString("x,u,v,y\n")
	for i := range 40 {
		u, v, y := 0, 0, i%2
		switch {
		case i < 6:
			u, y = 1, 1
		case i < 9: // u would not do alone
			u, v, y = 1, 1, 0
		case i < 15:
			v, y = 1, 0
		}
		fmt.Fprintf(&b, "%d,%d,%d,%d\n", i*7%11, u, v, y)
	}
	s = fit(text(b.String()), descent.Config{Target: "y"}).Separation
	if s == nil || s.Kind != "quasi-complete" || s.Rows != 15 || s.Left != 25 || len(s.Infinite) != 2 || s.Infinite[0].Name != "u" || s.Infinite[1].Name != "v" || len(s.Finite) != 2 {
		t.Errorf("%+v", s)
	}
}
