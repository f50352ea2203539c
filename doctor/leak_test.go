package doctor_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/descent-ml/descent/doctor"
)

// fewest is the smallest number of wrong rows over all rules, tried one by one: for two classes all cuts of the numbers, both ways round.
func fewest(values []float64, class []int32) int {
	best := math.MaxInt
	for _, at := range append([]float64{math.Inf(-1)}, values...) {
		for side := range int32(2) {
			wrong := 0
			for i, x := range values {
				guess := 1 - side
				if x <= at {
					guess = side
				}
				if guess != class[i] {
					wrong++
				}
			}
			best = min(best, wrong)
		}
	}
	return best
}

func TestTell(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		m := 2 + r.IntN(30)
		values, class := make([]float64, m), make([]int32, m)
		for i := range m {
			values[i], class[i] = float64(r.IntN(8)), int32(r.IntN(2))
		}
		if got, want := doctor.Tell(doctor.Reading{Values: values, Class: class, Classes: 2}), fewest(values, class); got.Wrong != want {
			t.Fatalf("%v %v: %d wrong, want %d", values, class, got.Wrong, want)
		}
	}
	nan := math.NaN()
	for _, c := range []struct {
		name string
		of   doctor.Reading
		want doctor.Rule
	}{
		{"levels", doctor.Reading{Codes: []int32{0, 0, 1, 1, 1}, Class: []int32{0, 0, 1, 1, 0}, Classes: 2}, doctor.Rule{Wrong: 1, Rows: 5, Rest: 2, Distinct: 2}},
		{"a level a row", doctor.Reading{Codes: []int32{0, 1, 2, 3}, Class: []int32{0, 0, 1, 1}, Classes: 2}, doctor.Rule{Wrong: 2, Extra: 2, Rows: 4, Rest: 2, Distinct: 4}},
		{"a copy", doctor.Reading{Codes: []int32{1, 1, 0, 0}, Class: []int32{0, 0, 1, 1}, Classes: 2}, doctor.Rule{Rows: 4, Rest: 2, Distinct: 2, Copy: true}},
		{"a copy in numbers", doctor.Reading{Values: []float64{5, 5, 2, 2, 9}, Class: []int32{0, 0, 1, 1, 2}, Classes: 3}, doctor.Rule{Rows: 5, Rest: 3, Distinct: 3, Copy: true}},
		{"three classes", doctor.Reading{Values: []float64{1, 2, 4, 3, 5, 6}, Class: []int32{1, 1, 1, 0, 0, 2}, Classes: 3}, doctor.Rule{Wrong: 1, Rows: 6, Rest: 3, Distinct: 6}},
		{"missing in one class", doctor.Reading{Values: []float64{nan, nan, 1, 2, 1}, Class: []int32{1, 1, 0, 0, 0}, Classes: 2}, doctor.Rule{Wrong: 1, Extra: 1, Rows: 5, Rest: 2, Distinct: 2, Gap: true}},
		{"missing level in one class", doctor.Reading{Codes: []int32{-1, -1, 1, 1, 0}, Class: []int32{1, 1, 0, 0, 0}, Classes: 2}, doctor.Rule{Wrong: 1, Extra: 1, Rows: 5, Rest: 2, Distinct: 3, Gap: true}},
	} {
		if got := doctor.Tell(c.of); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestLeak(t *testing.T) {
	for _, c := range []struct {
		rule doctor.Rule
		want string // "": nothing
	}{
		{doctor.Rule{Wrong: 0, Rows: 100, Rest: 9}, ""},
		{doctor.Rule{Wrong: 6, Rows: 300, Rest: 100}, ""},
		{doctor.Rule{Wrong: 5, Rows: 300, Rest: 100}, `note: column "x" alone tells "y" in all but 5 of 300 rows`},
		{doctor.Rule{Wrong: 1, Rows: 300, Rest: 100}, `warning: W-leak: column "x" alone tells "y" in all but 1 of 300 rows`},
		{doctor.Rule{Wrong: 0, Rows: 20, Rest: 10}, `warning: W-leak: column "x" alone tells "y" in all 20 rows: is it a consequence of the outcome? (leave it out with --exclude x unless`},
		{doctor.Rule{Wrong: 0, Rows: 20, Rest: 10, Copy: true}, `warning: W-leak: column "x" is the target "y" under another name`},
		{doctor.Rule{Wrong: 1, Rows: 200, Rest: 100, Gap: true}, `warning: W-leak: whether column "x" is missing tells "y"`},
	} {
		f, ok := doctor.Leak("x", "y", c.rule)
		if ok != (c.want != "") || ok && !strings.HasPrefix(f.String(), c.want) {
			t.Errorf("%+v: %v, want %s", c.rule, f, c.want)
		}
	}
}

func TestCopies(t *testing.T) {
	for _, c := range []struct {
		twins doctor.Twins
		want  string
	}{
		{doctor.Twins{Rows: 10, Same: 2}, ""},
		{doctor.Twins{Rows: 1000, Same: 9}, ""},
		{doctor.Twins{Rows: 100, Same: 90, Chance: true}, ""},
		{doctor.Twins{Rows: 1000, Same: 40}, "note: 40 of 1000 test rows equal a training row"},
		{doctor.Twins{Rows: 1000, Same: 50}, "warning: W-duplicates: 50 of 1000 test rows equal a training row in every column"},
	} {
		f, ok := doctor.Copies(c.twins)
		if ok != (c.want != "") || ok && !strings.HasPrefix(f.String(), c.want) {
			t.Errorf("%+v: %v, want %s", c.twins, f, c.want)
		}
	}
}
