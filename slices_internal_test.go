package descent

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/descent-ml/descent/metric"
)

// TestSliceTests compares with statsmodels' score test (testdata/slices/slices.py).
func TestSliceTests(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "slices", "slices.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Cases []struct {
			Name           string
			Z, S, Each     []float64
			Y              []float64
			Group          []int32
			Groups         int
			Heterogeneity  float64
			HeterogeneityP float64 `json:"heterogeneity_p"`
			InTheLarge     float64 `json:"in_the_large"`
			InTheLargeP    float64 `json:"in_the_large_p"`
		}
	}
	if err := json.Unmarshal(b, &all); err != nil || len(all.Cases) < 4 {
		t.Fatal(err, len(all.Cases))
	}
	near := func(name string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-9*math.Max(1, math.Abs(want))) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	for _, c := range all.Cases {
		for _, given := range []bool{false, true} { // probabilities, too
			s := &scores{z: c.Z, weights: c.S}
			rows := make([][]int, c.Groups)
			for i, y := range c.Y {
				s.truth = append(s.truth, int32(y))
				rows[c.Group[i]] = append(rows[c.Group[i]], i)
				if given {
					s.a = append(s.a, metric.Sigmoid(s.z[i]))
				}
			}
			h := heterogeneity(s, c.Group, c.Groups)
			near(c.Name+": heterogeneity", h.Chisq, c.Heterogeneity)
			near(c.Name+": p", h.P, c.HeterogeneityP)
			if h.DF != c.Groups-1 {
				t.Errorf("%s: %d degrees of freedom", c.Name, h.DF)
			}
			slices := make([]Slice, c.Groups)
			for k := range slices {
				part := s.at(rows[k], 1)
				ev, err := metric.Binary(part.binary(judge{}), 0.5)
				if err != nil {
					t.Fatal(err)
				}
				slices[k].Metrics = ev
				if err := slices[k].binary(part, 0.95); err != nil {
					t.Fatal(err)
				}
				near(c.Name+": z", *slices[k].Z, c.Each[k])
			}
			large := inTheLarge(slices)
			near(c.Name+": in the large", large.Chisq, c.InTheLarge)
			near(c.Name+": p of it", large.P, c.InTheLargeP)
		}
	}
}

func TestHolm(t *testing.T) {
	var all []Slice
	for _, p := range []float64{0.01, 0.04, 0.03, 0.005, math.NaN()} {
		all = append(all, Slice{P: number(p)})
	}
	holm(all)
	// R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
	for k, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		if math.Abs(*all[k].PHolm-want) > 1e-15 {
			t.Errorf("%v, want %v", *all[k].PHolm, want)
		}
	}
	if all[4].PHolm != nil {
		t.Error("a p that is not there is adjusted")
	}
}

// TestSlices: every slice is what an evaluation of its rows alone says, of a column that the model reads and of one that it does not; weights are rows.
func TestSlices(t *testing.T) {
	var text, weighted strings.Builder
	head := "y,x,site,age\n"
	text.WriteString(head)
	weighted.WriteString("s," + head)
	parts := map[string]*strings.Builder{}
	r := uint64(7)
	next := func(n uint64) uint64 { r = r*6364136223846793005 + 1442695040888963407; return r >> 33 % n }
	for i := range 400 {
		site := []string{"north", "south", "<5", ""}[next(4)]
		x := float64(next(200))/50 - 2
		y := 0
		if float64(next(1000))/1000 < 1/(1+math.Exp(-x)) {
			y = 1
		}
		line := fmt.Sprintf("%d,%v,%s,%d\n", y, x, site, 20+next(60))
		k := 1
		if i%5 == 0 {
			k = 3
		}
		fmt.Fprintf(&weighted, "%d,%s", k, line)
		if parts[site] == nil {
			parts[site] = &strings.Builder{}
			parts[site].WriteString(head)
		}
		for range k {
			text.WriteString(line)
			parts[site].WriteString(line)
		}
	}
	ctx := context.Background()
	config := Config{Target: "y"}
	config.Columns.Include = []string{"x"}
	fit, err := Fit(ctx, Reader("train", strings.NewReader(text.String())), config)
	if err != nil {
		t.Fatal(err)
	}
	config.Columns.Weight = "s"
	config.Columns.Include = []string{"x"}
	heavy, err := Fit(ctx, Reader("train", strings.NewReader(weighted.String())), config)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := fit.Model.Evaluate(ctx, Reader("all", strings.NewReader(text.String())), EvaluateOptions{Slices: []string{"site", "x", "age"}})
	if err != nil {
		t.Fatal(err)
	}
	other, err := heavy.Model.Evaluate(ctx, Reader("all", strings.NewReader(weighted.String())), EvaluateOptions{Slices: []string{"site", "x", "age"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(ev.Slices) != 3 || len(ev.Slices[0].Slices) != 4 || ev.Slices[1].Groups != sliceQuantiles || ev.Slices[2].Groups != sliceQuantiles {
		t.Fatalf("%+v", ev.Slices)
	}
	for i, x := range ev.Slices[0].Slices {
		name := x.Level
		if want := []string{"<5", "north", "south", sliceMissing}[i]; name != want {
			t.Fatalf("slice %d is %q, want %q", i, name, want)
		}
		if name == sliceMissing {
			name = ""
		}
		alone, err := fit.Model.Evaluate(ctx, Reader("part", strings.NewReader(parts[name].String())), EvaluateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		alone.Metrics.Constant = nil
		if a, b := fmt.Sprintf("%+v %+v", *alone.Metrics, *alone.Metrics.Intervals), fmt.Sprintf("%+v %+v", *x.Metrics, *x.Metrics.Intervals); withoutPointers(a) != withoutPointers(b) {
			t.Errorf("slice %q: %s, alone %s", x.Level, b, a)
		}
	}
	for c := range ev.Slices {
		a, b := ev.Slices[c], other.Slices[c]
		if len(a.Slices) != len(b.Slices) {
			t.Fatalf("%s: %d slices with weights, %d of repeated rows", a.Column, len(b.Slices), len(a.Slices))
		}
		for k := range a.Slices {
			x, w := a.Slices[k], b.Slices[k]
			if x.Level != w.Level || math.Abs(*x.Rate-*w.Rate) > 1e-12 || math.Abs(*x.PHolm-*w.PHolm) > 1e-6 || math.Abs(x.Metrics.Intervals.AUC[0]-w.Metrics.Intervals.AUC[0]) > 1e-9 {
				t.Errorf("%s: %q differs with weights: %+v, %+v", a.Column, x.Level, x, w)
			}
		}
		if math.Abs(a.Heterogeneity.Chisq-b.Heterogeneity.Chisq) > 1e-6 || a.Heterogeneity.DF != len(a.Slices)-1 {
			t.Errorf("%s: heterogeneity %+v, with weights %+v", a.Column, a.Heterogeneity, b.Heterogeneity)
		}
	}
	// Quantile groups: about a fifth of the rows each, equal values together, none between.
	total := 0
	for k, x := range ev.Slices[2].Slices {
		total += x.Metrics.Rows
		if k > 0 && !(*ev.Slices[2].Slices[k-1].High < *x.Low) || x.Metrics.Rows < ev.Metrics.Rows/8 {
			t.Errorf("age: slice %d is %q with %d rows", k, x.Level, x.Metrics.Rows)
		}
	}
	if total != ev.Metrics.Rows {
		t.Errorf("age: %d rows in slices, %d in all", total, ev.Metrics.Rows)
	}
	for _, c := range []struct {
		name []string
		want string
	}{{[]string{"sitte"}, `did you mean "site"?`}, {[]string{"y"}, "the target"}, {[]string{"x", "x"}, "twice"}} {
		if _, err := fit.Model.Evaluate(ctx, Reader("all", strings.NewReader(text.String())), EvaluateOptions{Slices: c.name}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c.name, err, c.want)
		}
	}
}

// withoutPointers leaves addresses out of what %+v writes.
func withoutPointers(s string) string {
	fields := strings.Fields(s)
	for i, f := range fields {
		if strings.Contains(f, "0x") {
			fields[i] = ""
		}
	}
	return strings.Join(fields, " ")
}

func TestManyLevels(t *testing.T) {
	var text strings.Builder
	text.WriteString("y,x,id\n")
	for i := range 300 {
		fmt.Fprintf(&text, "%d,%d,k%03d\n", (i*7/3+i/11)%2, i%13, min(i, 120)) // k120 has 180 rows
	}
	config := Config{Target: "y"}
	config.Columns.Include = []string{"x"}
	config.Penalty.L2 = 1
	fit, err := Fit(context.Background(), Reader("x", strings.NewReader(text.String())), config)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := fit.Model.Evaluate(context.Background(), Reader("x", strings.NewReader(text.String())), EvaluateOptions{Slices: []string{"id"}})
	if err != nil {
		t.Fatal(err)
	}
	s := ev.Slices[0]
	last := s.Slices[len(s.Slices)-1]
	if len(s.Slices) != mostSlices || s.Merged != 121-(mostSlices-1) || last.Level != sliceOther || last.Metrics.Rows != s.Merged || !s.Slices[0].Small {
		t.Errorf("%d slices, %d merged, the last %+v", len(s.Slices), s.Merged, last)
	}
	if got := s.Slices[len(s.Slices)-2]; got.Level != "k120" || got.Small {
		t.Errorf("the largest level: %+v", got)
	}
	if reflect.DeepEqual(s.InTheLarge, s.Heterogeneity) {
		t.Error("the tests are one")
	}
}
