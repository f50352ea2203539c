package doctor_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent/doctor"
)

// columns is a design matrix, by columns, as the caller of Rank has it.
type columns struct {
	names  []string
	values [][]float64
	weight []float64 // nil: ones
	raw    bool      // not centred and scaled, as level indicators are
}

func (c columns) rows() int { return len(c.values[0]) }

// scaling is the weighted mean and one over the standard deviation; 0 and 1 for indicators, scale 1 for constants.
func (c columns) scaling() (center, scale []float64) {
	for _, v := range c.values {
		var m, s, q float64
		indicator := true
		for i, x := range v {
			w := c.s(i)
			m += w
			s += w * x
			indicator = indicator && (x == 0 || x == 1)
		}
		s /= m
		for i, x := range v {
			q += c.s(i) * (x - s) * (x - s)
		}
		switch sd := math.Sqrt(q / m); {
		case c.raw || indicator:
			center, scale = append(center, 0), append(scale, 1)
		case sd <= 1e-12*math.Abs(s):
			center, scale = append(center, s), append(scale, 1)
		default:
			center, scale = append(center, s), append(scale, 1/sd)
		}
	}
	return center, scale
}

func (c columns) s(i int) float64 {
	if c.weight == nil {
		return 1
	}
	return c.weight[i]
}

// rank runs Rank as the root package does: the Gram matrix of the scaled columns, the true residual from the rows.
func (c columns) rank(t testing.TB, confirm bool) (aliases []doctor.Alias, asked int) {
	t.Helper()
	n := len(c.values)
	center, scale := c.scaling()
	at := func(i, j int) float64 {
		if j == n {
			return 1
		}
		return (c.values[j][i] - center[j]) * scale[j]
	}
	gram := make([]float64, (n+1)*(n+1))
	for i := range c.rows() {
		for j := range n + 1 {
			for k := range n + 1 {
				gram[j*(n+1)+k] += c.s(i) * at(i, j) * at(i, k)
			}
		}
	}
	var residual func(v []float64) (float64, error)
	if confirm {
		residual = func(v []float64) (float64, error) {
			asked++
			var q float64
			for i := range c.rows() {
				var r float64
				for j, vj := range v {
					if vj != 0 {
						r += vj * at(i, j)
					}
				}
				q += c.s(i) * r * r
			}
			return math.Sqrt(q), nil
		}
	}
	aliases, err := doctor.Rank(gram, n, residual)
	if err != nil {
		t.Fatal(err)
	}
	return aliases, asked
}

func (c columns) collinear(aliases []doctor.Alias) []string {
	center, scale := c.scaling()
	var messages []string
	for _, f := range doctor.Collinear(aliases, c.names, center, scale, true) {
		messages = append(messages, strings.Join(f.Columns, ",")+": "+f.Message)
	}
	return messages
}

// readColumns reads the numeric columns of a CSV file but the label.
func readColumns(t *testing.T, path, label string) columns {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		if !strings.Contains(path, "testdata") {
			t.Skip("needs " + path + ", which is not in this repository")
		}
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.TrimLeadingSpace = true
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var c columns
	for j, name := range records[0] {
		if name == label {
			continue
		}
		var v []float64
		for _, record := range records[1:] {
			x, err := strconv.ParseFloat(record[j], 64)
			if err != nil {
				t.Fatal(err)
			}
			v = append(v, x)
		}
		c.names = append(c.names, name)
		c.values = append(c.values, v)
	}
	return c
}

func TestRankDegenerate(t *testing.T) {
	for file, want := range map[string][]string{
		"baseline.csv":         nil,
		"scale.csv":            nil,
		"offset.csv":           nil,
		"constant_column.csv":  nil, // W-constant says it
		"duplicate_column.csv": {`x4,x1: column "x4" equals column "x1"; it is left out, predictions do not change`},
		"collinear.csv":        {`x4,x1,x2: column "x4" is determined by others: x4 = 2*x1 - 3*x2 + 1; it is left out, predictions do not change`},
		"dummy_trap.csv":       nil, // below
	} {
		t.Run(file, func(t *testing.T) {
			c := readColumns(t, "../testdata/degenerate/"+file, "y")
			aliases, _ := c.rank(t, true)
			got := c.collinear(aliases)
			if file == "dummy_trap.csv" {
				if len(aliases) != 1 || aliases[0].Column != 2 || !reflect.DeepEqual(aliases[0].Of, []int{0, 1}) {
					t.Errorf("aliases %+v", aliases)
				}
				want = []string{fmt.Sprintf("%[3]s,%[1]s,%[2]s: column %[3]q is determined by others: %[3]s = -%[1]s - %[2]s + 1; it is left out, predictions do not change",
					c.names[0], c.names[1], c.names[2])}
			}
			if file == "constant_column.csv" && (len(aliases) != 1 || aliases[0].Column != 3 || aliases[0].Of != nil) {
				t.Errorf("aliases %+v", aliases)
			}
			if !slices.Equal(got, want) {
				t.Errorf("findings\n%s\nexpected\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func TestRankCleanSets(t *testing.T) {
	for path, label := range map[string]string{
		"../testdata/pima/pima.csv":               "diabetes",
		"../testdata/breast_cancer/wdbc.csv":      "",
		elsewhere("ng_ex2data1/ex2data1.csv"):     "admitted",
		elsewhere("spector/spector.csv"):          "grade",
		"../testdata/ucla_admissions/binary.csv":  "admit",
		elsewhere("glmnet_binomial/binomial.csv"): "y",
		"../testdata/degenerate/exponents.csv":    "y",
		"../testdata/degenerate/baseline.csv":     "y",
		elsewhere("lecture_cases/v5.csv"):         "y",
	} {
		t.Run(path, func(t *testing.T) {
			c := readColumns(t, path, label)
			if aliases, _ := c.rank(t, true); len(aliases) != 0 && c.rows() > len(c.values) {
				t.Errorf("aliases %+v in a clean file", aliases)
			}
		})
	}
}

// random draws m rows of n independent columns.
func random(seed uint64, m, n int) columns {
	r := rand.New(rand.NewPCG(seed, 0))
	c := columns{}
	for j := range n {
		v := make([]float64, m)
		for i := range v {
			v[i] = r.NormFloat64()
		}
		c.names = append(c.names, fmt.Sprintf("x%d", j+1))
		c.values = append(c.values, v)
	}
	return c
}

// add appends the column Σ coefficient·column + constant.
func (c *columns) add(name string, constant float64, of map[int]float64) {
	v := make([]float64, c.rows())
	for i := range v {
		v[i] = constant
		for j, w := range of {
			v[i] += w * c.values[j][i]
		}
	}
	c.names = append(c.names, name)
	c.values = append(c.values, v)
}

func TestRankOrderAndMessages(t *testing.T) {
	c := random(1, 200, 3)
	c.add("copy", 0, map[int]float64{1: 1})
	c.add("celsius", -160.0/9, map[int]float64{0: 5.0 / 9})
	c.add("total", 0, map[int]float64{0: 1, 1: 1, 2: 1})
	c.add("const", 4, nil)
	c.add("big", 1e9, map[int]float64{2: -2e6})
	c.add("own", 0, map[int]float64{0: 0.5})
	for i := range c.values[8] {
		c.values[8][i] += float64(i % 7)
	}
	c.add("of own", 0, map[int]float64{8: 3, 3: 2})
	aliases, _ := c.rank(t, true)
	var found []int
	for _, a := range aliases {
		found = append(found, a.Column)
		if a.Residual > doctor.RankTolerance {
			t.Errorf("column %d with residual %v", a.Column, a.Residual)
		}
	}
	if want := []int{3, 4, 5, 6, 7, 9}; !slices.Equal(found, want) {
		t.Errorf("aliased columns %v, expected %v", found, want)
	}
	want := []string{
		`copy,x2: column "copy" equals column "x2"; it is left out, predictions do not change`,
		`celsius,x1: column "celsius" is determined by column "x1": celsius = 0.555556*x1 - 17.7778; it is left out, predictions do not change`,
		`total,x1,x2,x3: column "total" is determined by others: total = x1 + x2 + x3; it is left out, predictions do not change`,
		`big,x3: column "big" is determined by column "x3": big = -2e+06*x3 + 1e+09; it is left out, predictions do not change`,
		`of own,x2,own: column "of own" is determined by others: of own = 2*x2 + 3*own; it is left out, predictions do not change`,
	}
	if got := c.collinear(aliases); !slices.Equal(got, want) {
		t.Errorf("findings\n%s\nexpected\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	kept := doctor.Collinear(aliases, c.names, nil, nil, false)
	if len(kept) != 5 || !strings.HasSuffix(kept[0].Message, "it stays, and shares the weight with them") {
		t.Errorf("findings %+v", kept)
	}
}

// TestRankTolerance: noise of a given share of a column decides at 1e-7, not somewhere near it, whatever the units.
func TestRankTolerance(t *testing.T) {
	for _, unit := range []float64{1e-8, 1, 1e12} {
		for _, c := range []struct {
			noise   float64
			aliased bool
		}{{0, true}, {1e-12, true}, {1e-9, true}, {3e-8, true}, {3e-7, false}, {1e-6, false}, {1e-5, false}, {1e-3, false}} {
			data := random(2, 300, 4)
			data.add("near", 0, map[int]float64{0: unit, 1: -unit, 3: 2 * unit})
			r := rand.New(rand.NewPCG(9, 9))
			for i := range data.rows() {
				data.values[4][i] += c.noise * unit * math.Sqrt(6) * r.NormFloat64()
			}
			aliases, asked := data.rank(t, true)
			if got := len(aliases) == 1; got != c.aliased || len(aliases) > 1 {
				t.Errorf("noise %v, unit %v: aliases %+v", c.noise, unit, aliases)
			}
			if c.noise >= 1e-4 && asked != 0 {
				t.Errorf("noise %v: %d passes over the rows for nothing", c.noise, asked)
			}
		}
	}
}

// TestRankAfterUnconfirmed: a column that the Gram matrix took for determined, and the rows did not, is kept, and what
// it determines together with others is still found.
func TestRankAfterUnconfirmed(t *testing.T) {
	c := random(3, 300, 3)
	c.add("near", 0, map[int]float64{0: 1, 1: 1})
	r := rand.New(rand.NewPCG(4, 4))
	for i := range c.rows() {
		c.values[3][i] += 1e-6 * r.NormFloat64()
	}
	c.add("sum", 0, map[int]float64{2: 1, 3: 1})
	c.add("apart", 0, map[int]float64{0: 1})
	for i := range c.rows() {
		c.values[5][i] += r.NormFloat64()
	}
	aliases, asked := c.rank(t, true)
	if len(aliases) != 1 || aliases[0].Column != 4 {
		t.Errorf("aliases %+v", aliases)
	}
	if asked != 2 {
		t.Errorf("%d passes over the rows, expected 2", asked)
	}
}

// TestRankIndicators: rare and nearly constant levels are columns like others; a full set is found by its last.
func TestRankIndicators(t *testing.T) {
	const m = 100000
	c := columns{names: []string{"a", "b", "rare", "nearly all", "rest"}, raw: true}
	for range c.names {
		c.values = append(c.values, make([]float64, m))
	}
	for i := range m {
		switch {
		case i == 77:
			c.values[2][i] = 1
		case i%3 == 0:
			c.values[0][i] = 1
		default:
			c.values[1][i] = 1
		}
		if i != 5 {
			c.values[3][i] = 1
		} else {
			c.values[4][i] = 1
		}
	}
	aliases, _ := c.rank(t, true)
	if len(aliases) != 2 || aliases[0].Column != 2 || aliases[1].Column != 4 {
		t.Fatalf("aliases %+v", aliases)
	}
	if !slices.Equal(aliases[0].Of, []int{0, 1}) || !slices.Equal(aliases[1].Of, []int{3}) {
		t.Errorf("aliases %+v", aliases)
	}
}

// TestRankWeights: rows without weight do not tell columns apart.
func TestRankWeights(t *testing.T) {
	c := random(5, 100, 2)
	c.add("x3", 0, map[int]float64{0: 1})
	c.values[2][10] += 3
	c.weight = make([]float64, 100)
	for i := range c.weight {
		c.weight[i] = 0.5 + float64(i%3)
	}
	if aliases, _ := c.rank(t, true); len(aliases) != 0 {
		t.Errorf("aliases %+v", aliases)
	}
	c.weight[10] = 0
	if aliases, _ := c.rank(t, true); len(aliases) != 1 || aliases[0].Column != 2 {
		t.Errorf("aliases %+v", aliases)
	}
}

// TestRankMoreColumnsThanRows: m rows determine all columns after m - 1.
func TestRankMoreColumnsThanRows(t *testing.T) {
	for _, confirm := range []bool{true, false} {
		c := random(6, 10, 25)
		aliases, _ := c.rank(t, confirm)
		var found []int
		for _, a := range aliases {
			found = append(found, a.Column)
		}
		if want := []int{9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24}; !slices.Equal(found, want) {
			t.Errorf("confirmed %v: aliased %v", confirm, found)
		}
		if f := doctor.Collinear(aliases[:1], c.names, nil, nil, true); !strings.Contains(f[0].Message, `determined by 9 others, among them "x1", "x2", "x3", "x4", "x5"`) {
			t.Errorf("message %q", f[0].Message)
		}
	}
}

// TestRankRandom builds matrices of a known rank and compares with modified Gram-Schmidt on the rows themselves.
func TestRankRandom(t *testing.T) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, 0))
	deficient := 0
	for trial := range 200 {
		c := random(r.Uint64(), 40+r.IntN(100), 2+r.IntN(8))
		var want []int
		for range r.IntN(8) {
			if r.IntN(2) == 0 {
				fresh := random(r.Uint64(), c.rows(), 1)
				c.values = append(c.values, fresh.values[0])
			} else {
				want = append(want, len(c.values))
				of := map[int]float64{}
				for range 1 + r.IntN(3) {
					of[r.IntN(len(c.values))] = r.NormFloat64() + 2
				}
				c.add("", r.NormFloat64(), of)
			}
		}
		for j := range c.values { // units and offsets
			u, o := math.Pow(10, float64(r.IntN(13)-6)), math.Pow(10, float64(r.IntN(4)))
			for i := range c.values[j] {
				c.values[j][i] = (c.values[j][i] + o) * u
			}
		}
		c.names = make([]string, len(c.values))
		aliases, _ := c.rank(t, true)
		var found []int
		for _, a := range aliases {
			found = append(found, a.Column)
		}
		if !slices.Equal(found, want) {
			t.Errorf("trial %d (seed %d): aliased %v, expected %v", trial, seed, found, want)
		}
		if len(want) > 0 {
			deficient++
		}
	}
	if deficient < 50 {
		t.Errorf("only %d of the matrices had a column to find", deficient)
	}
}

func TestRankRefused(t *testing.T) {
	for _, c := range []struct {
		gram    []float64
		n       int
		message string
	}{
		{[]float64{1, 2}, 1, "2 numbers for 1 columns"},
		{[]float64{1, math.NaN(), 0, 1}, 1, "entry 0, 1 of the Gram matrix is NaN"},
		{[]float64{math.Inf(1), 0, 0, 1}, 1, "entry 0, 0"},
	} {
		if _, err := doctor.Rank(c.gram, c.n, nil); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("error %v, expected %q", err, c.message)
		}
	}
	twins := []float64{1, 1, 0, 1, 1, 0, 0, 0, 1}
	broken := errors.New("interrupted")
	if _, err := doctor.Rank(twins, 2, func([]float64) (float64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if _, err := doctor.Rank(twins, 2, func([]float64) (float64, error) { return math.NaN(), nil }); err == nil {
		t.Error("a residual of NaN was taken")
	}
	for _, gram := range [][]float64{{0}, {5}} { // no rows; no columns
		if a, err := doctor.Rank(gram, 0, nil); err != nil || len(a) != 0 {
			t.Errorf("%v: %v, %v", gram, a, err)
		}
	}
}

func BenchmarkRank(b *testing.B) {
	for _, n := range []int{100, doctor.MaxRankColumns} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			k := n + 1
			gram := make([]float64, k*k)
			for i := range k {
				for j := range k {
					gram[i*k+j] = math.Exp(-math.Abs(float64(i - j)))
				}
			}
			for i := range n {
				gram[n*k+i], gram[i*k+n] = 0, 0
			}
			b.ReportAllocs()
			for b.Loop() {
				if a, err := doctor.Rank(gram, n, nil); err != nil || len(a) != 0 {
					b.Fatal(a, err)
				}
			}
		})
	}
}
