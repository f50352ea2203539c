package encode

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent/dataset"
)

func read(t *testing.T, csv string, o dataset.Options) *dataset.Table {
	t.Helper()
	table, err := dataset.Read(t.Context(), "t.csv", strings.NewReader(csv), o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestClasses(t *testing.T) {
	for _, test := range []struct {
		name   string
		labels string // one a line, from line 2
		o      Labels
		want   []string
		code   string // of a finding
		err    string
	}{
		{name: "zero and one", labels: "1 0 1 0", want: []string{"0", "1"}},
		{name: "numbers compare as numbers", labels: "1.0 0 1 -0 +1", want: []string{"0", "1"}},
		{name: "minus one and one", labels: "1 -1 1", want: []string{"-1", "1"}},
		{name: "one and two", labels: "2 1", want: []string{"1", "2"}},
		{name: "known words", labels: "malignant benign", want: []string{"benign", "malignant"}},
		{name: "known words, the other order", labels: "alive dead", want: []string{"alive", "dead"}},
		{name: "known words in capitals", labels: "PASS FAIL", want: []string{"FAIL", "PASS"}},
		{name: "unknown words", labels: "spam ham", want: []string{"ham", "spam"}, code: "W-positive"},
		{name: "unknown numbers", labels: "3 10", want: []string{"3", "10"}, code: "W-positive"},
		{name: "positive", labels: "spam ham", o: Labels{Positive: "ham"}, want: []string{"spam", "ham"}},
		{name: "positive not there", labels: "spam ham", o: Labels{Positive: "hem"}, err: `t.csv:1:1: column "label": --positive "hem" is not a level of the target; its levels are ham, spam; did you mean "ham"?`},
		{name: "against the rest", labels: "a b c", o: Labels{Positive: "b", AgainstRest: true}, want: []string{"not b", "b"}},
		{name: "positive of three", labels: "a b c", o: Labels{Positive: "b"}, err: "t.csv:4:1: column \"label\": the target has 3 classes"},
		{name: "third class", labels: "b a b c", want: []string{"a", "b", "c"}, code: "W-classes"},
		{name: "softmax", labels: "10 9 -1 9.0", o: Labels{Softmax: true}, want: []string{"-1", "9", "10"}},
		{name: "reference", labels: "b a b c", o: Labels{Softmax: true, Reference: "c"}, want: []string{"a", "b", "c"}},
		{name: "reference of two", labels: "b a", o: Labels{Reference: "a"}, err: "--reference-class is for more than two classes"},
		{name: "reference not there", labels: "b a c", o: Labels{Reference: "C"}, err: `did you mean "c"?`},
		{name: "case", labels: "yes no Yes", err: `t.csv:4:1: column "label": label "Yes" differs only in case from "yes" on line 2`},
		{name: "fraction", labels: "1 0 0.5", err: `t.csv:4:1: column "label": label "0.5" is a number but not a whole one`},
		{name: "one class", labels: "1 1", err: "only one class"},
		{name: "missing", labels: "1 NA 0", err: `t.csv:3:1: column "label": the label "NA" means missing`},
		{name: "many", labels: "1 2 3 4 5", o: Labels{MaxClasses: 4}, err: "looks like a number or an id"},
	} {
		t.Run(test.name, func(t *testing.T) {
			csv := "label,x\n" + strings.ReplaceAll(test.labels, " ", ",1\n") + ",1\n"
			table := read(t, csv, dataset.Options{Target: "label"})
			column, _ := table.Column("label")
			c, found, err := NewClasses(table, column, test.o)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(c.Levels, test.want) {
				t.Errorf("levels %v, want %v", c.Levels, test.want)
			}
			if len(found) != 1 || found[0].Code != test.code {
				t.Errorf("findings %v, want one with code %q", found, test.code)
			}
			if k, ok := c.Index(" " + c.Positive() + " "); !ok || k != len(test.want)-1 {
				t.Errorf("the last level is class %d, %v", k, ok)
			}
			if want := max(0, slices.Index(test.want, test.o.Reference)); c.Reference != want {
				t.Errorf("reference %d, want %d", c.Reference, want)
			}
		})
	}
}

const people = `age,city,member,y
30,Bonn,yes,1
40,Aachen,no,0
50,Bonn,no,1
,Celle,yes,0
20,,no,0
`

func TestLearnMissing(t *testing.T) {
	for _, test := range []struct {
		name  string
		o     Options
		terms string
		rows  int
		err   string
	}{
		{name: "error", err: `t.csv:5:1: column "age": a value is missing (the cell is empty); --missing drop`},
		{name: "drop", o: Options{Missing: MissingDrop}, terms: "age city=Bonn member=yes", rows: 3},
		{name: "mean", o: Options{Missing: MissingMean}, terms: "age age=missing city=Bonn city=Celle city=missing member=yes", rows: 5},
		{name: "level of a number", o: Options{Missing: MissingLevel}, err: `t.csv:5:1: column "age"`},
		{name: "full", o: Options{Missing: MissingMean, Penalised: true}, terms: "age age=missing city=Aachen city=Bonn city=Celle city=missing member=yes", rows: 5},
		{name: "base", o: Options{Missing: MissingMean, Base: map[string]string{"city": "Bonn"}}, terms: "age age=missing city=Aachen city=Celle city=missing member=yes", rows: 5},
		{name: "no such base", o: Options{Missing: MissingMean, Base: map[string]string{"city": "Bon"}}, err: `did you mean "Bonn"?`},
		{name: "rare", o: Options{Missing: MissingMean, MinLevelCount: 2, Coding: CodingFull}, terms: "age age=missing city=Bonn city=other city=missing member=yes", rows: 5},
		{name: "too many levels", o: Options{Missing: MissingMean, MaxLevels: 2}, err: "it has 4 levels, more than 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := Learn(read(t, people, dataset.Options{Target: "y"}), "y", nil, test.o)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, term := range l.Encoding.Terms {
				names = append(names, term.Name)
			}
			if got := strings.Join(names, " "); got != test.terms {
				t.Errorf("terms %s, want %s", got, test.terms)
			}
			if len(l.Rows) != test.rows {
				t.Errorf("%d rows, want %d", len(l.Rows), test.rows)
			}
			if err := l.Encoding.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWeightIsRepetition: weight k means the row k times, also for means and deviations.
func TestWeightIsRepetition(t *testing.T) {
	weighted := read(t, "x,s,y\n1,2,0\n5,1,1\n7,3,0\n9,0,1\n", dataset.Options{Target: "y"})
	repeated := read(t, "x,y\n1,0\n1,0\n5,1\n7,0\n7,0\n7,0\n", dataset.Options{Target: "y"})
	a, err := Learn(weighted, "y", nil, Options{Weight: "s"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Learn(repeated, "y", nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	x, z := a.Encoding.Columns[0], b.Encoding.Columns[0]
	if math.Abs(x.Mean-z.Mean) > 1e-15*z.Mean || math.Abs(x.Deviation-z.Deviation) > 1e-15*z.Deviation || x.Min != z.Min || x.Max != z.Max {
		t.Errorf("weighted %+v, repeated %+v", x, z)
	}
}

// TestDesign: what is stored, centred and scaled is the cell, and an offset of 1e9 loses no digit.
func TestDesign(t *testing.T) {
	table := read(t, "far,city,y\n1000000000.25,b,0\n1000000000.75,a,1\n1000000001.25,,0\n999999999.75,c,1\n", dataset.Options{Target: "y"})
	l, err := Learn(table, "y", nil, Options{Missing: MissingLevel, Penalised: true})
	if err != nil {
		t.Fatal(err)
	}
	d, err := l.Encoding.Design(table, l.Rows, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	block, err := d.Memory.Chunk(0)
	if err != nil {
		t.Fatal(err)
	}
	layout := d.Memory.Layout()
	stored := make([]float64, 4)
	block.Dense(0, stored)
	for i, want := range []float64{-0.25, 0.25, 0.75, -0.75} {
		x := (stored[i] - layout.Center[0]) / d.Scale[0] * layout.Scale[0]
		if got := stored[i] - layout.Center[0]; got != want {
			t.Errorf("row %d: centred %v, want %v exactly (%v)", i, got, want, x)
		}
	}
	if got := block.Codes[0]; !slices.Equal(got, []int32{1, 0, 3, 2}) {
		t.Errorf("codes %v", got)
	}
}

func TestReader(t *testing.T) {
	l, err := Learn(read(t, people, dataset.Options{Target: "y"}), "y", nil, Options{Missing: MissingMean, Unseen: UnseenBaseline})
	if err != nil {
		t.Fatal(err)
	}
	r := l.Encoding.NewReader()
	for _, test := range []struct {
		column int
		text   string
		want   Cell
		err    string
	}{
		{0, "41.5", Cell{Number: 41.5}, ""},
		{0, "N/A", Cell{Number: 35, Missing: true}, ""},
		{0, "old", Cell{}, `"old" is not a number`},
		{0, "0x10", Cell{}, "is not a number"},
		{1, "Celle", Cell{Level: 2}, ""},
		{1, "", Cell{Level: 3}, ""},
		{1, "Dortmund", Cell{Level: UnseenLevel}, ""},
		{2, "YES", Cell{Level: 1}, ""},
		{2, "maybe", Cell{}, `"maybe" is not one of no, yes`},
	} {
		got, err := r.Text(test.column, []byte(test.text))
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: error %v, want %q", test.text, err, test.err)
			}
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("%q: %+v, %v, want %+v", test.text, got, err, test.want)
		}
	}
}
