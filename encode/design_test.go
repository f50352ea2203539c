package encode

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/engine"
)

// kinds are columns that have to be stored in one way, and how their cells are written.
var kinds = []struct {
	name string
	kind engine.Kind
	text func(r *rand.Rand) string
}{
	{"small", engine.Int8, func(r *rand.Rand) string { return fmt.Sprint(r.IntN(200)) }},
	{"negative", engine.Int8, func(r *rand.Rand) string { return fmt.Sprint(-r.IntN(128)) }},
	{"year", engine.Int8, func(r *rand.Rand) string { return fmt.Sprint(1990 + r.IntN(40)) }},
	{"cents", engine.Int16, func(r *rand.Rand) string { return fmt.Sprintf("%.2f", float64(r.IntN(60000))/100) }},
	{"far cents", engine.Int16, func(r *rand.Rand) string { return fmt.Sprintf("%.2f", 1e6+float64(r.IntN(60000))/100) }},
	{"tenths", engine.Int8, func(r *rand.Rand) string { return fmt.Sprintf("%.1f", r.NormFloat64()) }},
	{"five digits", engine.Int32, func(r *rand.Rand) string { return fmt.Sprintf("%.5f", 10*r.NormFloat64()) }},
	{"billion", engine.Int8, func(r *rand.Rand) string { return fmt.Sprint(1_000_000_000 + r.IntN(3)) }},
	{"one", engine.Int8, func(*rand.Rand) string { return "2.5" }},
	{"float32", engine.Float32, func(r *rand.Rand) string {
		return strconv.FormatFloat(float64(float32(r.NormFloat64()*1e-7)), 'g', -1, 64)
	}},
	{"float64", engine.Float64, func(r *rand.Rand) string { return strconv.FormatFloat(r.NormFloat64(), 'g', -1, 64) }},
	// Numbers near 10^9 have 24 bits left around their mean.
	{"wide float32", engine.Float32, func(r *rand.Rand) string { return strconv.FormatFloat(1e9+r.NormFloat64()/2, 'g', -1, 64) }},
	{"wide float64", engine.Float64, func(r *rand.Rand) string { return strconv.FormatFloat(1e5+r.NormFloat64()/2, 'g', -1, 64) }},
	{"1e-40", engine.Float64, func(r *rand.Rand) string { return strconv.FormatFloat(r.NormFloat64()*1e-40, 'g', -1, 64) }},
}

// TestKinds: every number is stored in its kind without any error, seen raw and standardised, for all rows and for some.
func TestKinds(t *testing.T) {
	const m = 3000
	r := rand.New(rand.NewPCG(17, 3))
	texts := make([][]string, m)
	var b strings.Builder
	for j := range kinds {
		b.WriteString(kinds[j].name + ",")
	}
	b.WriteString("y\n")
	for i := range texts {
		for j := range kinds {
			texts[i] = append(texts[i], kinds[j].text(r))
		}
		fmt.Fprintf(&b, "%s,%d\n", strings.Join(texts[i], ","), i%2)
	}
	table := read(t, b.String(), dataset.Options{Target: "y"})
	some := slices.DeleteFunc(all(m), func(i int) bool { return i%7 == 3 || i > 500 && i < 2400 })
	for _, rows := range [][]int{nil, some, all(m)[:1000]} {
		l, err := Learn(table, "y", rows, Options{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := l.Encoding.Design(table, l.Rows, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		s := d.Standard()
		raw, standard := d.Memory.Layout(), s.Memory.Layout()
		for j, c := range kinds {
			if raw.Kinds[j] != c.kind {
				t.Errorf("%s is stored as %v, not %v", c.name, raw.Kinds[j], c.kind)
			}
			stored := column(t, d.Memory, j)
			u := d.units[j]
			ten := new(big.Rat).SetFloat64(u.ten)
			column := &l.Encoding.Columns[j]
			var sum, square float64
			for k, row := range l.Rows {
				want, _ := new(big.Rat).SetString(texts[row][j])
				if c.kind == engine.Float32 || c.kind == engine.Float64 { // the nearest float64 is what the file says
					v, _ := want.Float64()
					want.SetFloat64(v)
				}
				got := new(big.Rat).SetFloat64(stored[k])
				got.Add(got, new(big.Rat).SetFloat64(u.shift))
				got.Quo(got, ten)
				got.Mul(got, new(big.Rat).SetFloat64(math.Ldexp(1, -u.exponent)))
				got.Add(got, new(big.Rat).SetFloat64(u.origin))
				if got.Cmp(want) != 0 {
					t.Fatalf("%s, row %d: %s is stored as %s", c.name, row, texts[row][j], got.RatString())
				}
				x, _ := want.Float64()
				seen, scaled := x, (x-column.Mean)*s.Scale[j]
				if v := (stored[k] - center(raw, j)) * scale(raw, j); !(math.Abs(v-seen) <= 4e-16*math.Abs(seen)) {
					t.Fatalf("%s, row %d: raw it is seen as %v, not %v", c.name, row, v, seen)
				}
				// The mean is a float64: (x - mean)/deviation has its rounding.
				v := (stored[k] - standard.Center[j]) * standard.Scale[j]
				if !(math.Abs(v-scaled) <= 1e-14*(1+math.Abs(scaled))+4e-16*math.Abs(column.Mean)*s.Scale[j]) {
					t.Fatalf("%s, row %d: standardised it is seen as %v, not %v", c.name, row, v, scaled)
				}
				sum += v
				square += v * v
			}
			if n := float64(len(l.Rows)); column.Deviation > 0 && !(math.Abs(sum/n) < 1e-6 && math.Abs(square/n-1) < 1e-6) {
				t.Errorf("%s: standardised mean %v, mean square %v", c.name, sum/n, square/n)
			}
			if most := 1000.0; math.Abs(standard.Center[j]*standard.Scale[j]) > most {
				t.Errorf("%s: stored %v deviations from its mean", c.name, standard.Center[j]*standard.Scale[j])
			}
		}
	}
}

func center(l *engine.Layout, j int) float64 {
	if l.Center == nil {
		return 0
	}
	return l.Center[j]
}

func scale(l *engine.Layout, j int) float64 {
	if l.Scale == nil {
		return 1
	}
	return l.Scale[j]
}

// column is a dense column as stored.
func column(t *testing.T, m *engine.Memory, d int) []float64 {
	t.Helper()
	out := make([]float64, m.Layout().Rows)
	for at, k := 0, 0; at < len(out); k++ {
		b, err := m.Chunk(k)
		if err != nil {
			t.Fatal(err)
		}
		b.Dense(d, out[at:at+b.Rows])
		at += b.Rows
	}
	return out
}

// TestMoments compares mean and deviation with exact arithmetic.
func TestMoments(t *testing.T) {
	const m = 17_000
	r := rand.New(rand.NewPCG(5, 9))
	exact := func(v float64) *big.Float { return new(big.Float).SetPrec(400).SetFloat64(v) }
	for _, c := range kinds {
		for k := range 4 {
			weighted, elsewhere := k&1 > 0, k&2 > 0 // elsewhere: the first rows say nothing about the others
			values, weights := make([]float64, m), make([]float64, m)
			mean, square, weight := exact(0), exact(0), exact(0)
			for i := range values {
				values[i], _ = strconv.ParseFloat(c.text(r), 64)
				if elsewhere && i >= 300 && math.Abs(values[i]) < 1e9 {
					values[i] += 1e9
				}
				weights[i] = 1
				if weighted {
					weights[i] = float64(r.IntN(3))
				}
				weight.Add(weight, exact(weights[i]))
				mean.Add(mean, exact(0).Mul(exact(values[i]), exact(weights[i])))
			}
			mean.Quo(mean, weight)
			for i, v := range values {
				d := exact(0).Sub(exact(v), mean)
				square.Add(square, d.Mul(d, d).Mul(d, exact(weights[i])))
			}
			variance, _ := square.Quo(square, weight).Float64()
			deviation := math.Sqrt(variance)
			table := &dataset.Table{Rows: m}
			l := &Learnt{Encoding: &Encoding{}, Rows: all(m)}
			if weighted {
				l.Weights = weights
			}
			if err := l.columns(table, []*dataset.Column{{Name: "x", Type: dataset.Numeric, Numbers: dataset.NewNumbers(values)}}, Options{}); err != nil {
				t.Fatal(err)
			}
			got := l.Encoding.Columns[0]
			want, _ := mean.Float64()
			if !(math.Abs(got.Mean-want) <= 4e-16*math.Abs(want)+1e-14*deviation) || !(math.Abs(got.Deviation-deviation) <= 1e-12*deviation) {
				t.Errorf("%s, weights %v, elsewhere %v: mean %.17g, deviation %.17g, exactly %.17g, %.17g", c.name, weighted, elsewhere, got.Mean, got.Deviation, want, deviation)
			}
			if got.Min != slices.Min(values) || got.Max != slices.Max(values) {
				t.Errorf("%s: range %v to %v", c.name, got.Min, got.Max)
			}
		}
	}
}

// TestSparseKinds: the values of LIBSVM are stored exactly in the narrowest way, and means and deviations are those of the dense columns.
func TestSparseKinds(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for _, test := range []struct {
		name string
		kind string
		text func() string
	}{
		{"ones", "<nil>", func() string { return "1" }},
		{"counts", "int8", func() string { return fmt.Sprint(1 + r.IntN(100)) }},
		{"decimals", "int16", func() string { return fmt.Sprintf("%.3f", 1+r.Float64()) }},
		{"six digits", "float64", func() string { return fmt.Sprintf("%.6g", r.Float64()+1e-3) }},
		{"float32", "float32", func() string {
			return strconv.FormatFloat(float64(float32(r.NormFloat64()*1e-7)), 'g', -1, 64)
		}},
		{"float64", "float64", func() string { return strconv.FormatFloat(1e9+r.NormFloat64(), 'g', -1, 64) }},
	} {
		const m, n = 2000, 6
		values := make([][]float64, n)
		var b strings.Builder
		for i := range m {
			fmt.Fprint(&b, i%2)
			for j := range n {
				v := 0.0
				if j == 0 || r.IntN(n) >= j {
					s := test.text()
					v, _ = strconv.ParseFloat(s, 64)
					fmt.Fprintf(&b, " %d:%s", j+1, s)
				}
				values[j] = append(values[j], v)
			}
			b.WriteByte('\n')
		}
		table := read(t, b.String(), dataset.Options{Format: "libsvm"})
		l, err := Learn(table, "", nil, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for j, c := range l.Encoding.Columns {
			mean, square := 0.0, 0.0
			for _, v := range values[j] {
				mean += v / m
			}
			for _, v := range values[j] {
				square += (v - mean) * (v - mean) / m
			}
			if square < 1e-18*mean*mean {
				square = 0
			}
			if math.Abs(c.Mean-mean) > 1e-12*math.Abs(mean) || math.Abs(c.Deviation-math.Sqrt(square)) > 1e-9*c.Deviation || c.Min != slices.Min(values[j]) || c.Max != slices.Max(values[j]) {
				t.Errorf("%s, column %d: %+v, want mean %v and deviation %v", test.name, j, c, mean, math.Sqrt(square))
			}
		}
		for _, rows := range [][]int{l.Rows, l.Rows[100:900], slices.DeleteFunc(all(m), func(i int) bool { return i%3 == 0 })} {
			for _, kept := range [][]int{nil, {0, 2, 5}} {
				d, err := l.Encoding.Design(table, rows, kept, false)
				if err != nil {
					t.Fatal(err)
				}
				layout := d.Memory.Layout()
				at, buffer := 0, []float64(nil)
				for k := 0; at < len(rows); k++ {
					block, err := d.Memory.Chunk(k)
					if err != nil {
						t.Fatal(err)
					}
					kind := "<nil>"
					if block.Value != nil {
						kind = block.Value.Kind().String()
					}
					if kind != test.kind {
						t.Fatalf("%s are stored as %s", test.name, kind)
					}
					for i := range block.Rows {
						row := make([]float64, len(d.Terms))
						var index []int32
						index, buffer = block.Entries(i, buffer)
						for q, j := range index {
							ten := math.Round(1 / scale(layout, int(j)))
							row[j] = buffer[q] / ten
						}
						for j, term := range d.Terms {
							if row[j] != values[term][rows[at]] {
								t.Fatalf("%s, row %d, column %d: %v, want %v", test.name, rows[at], term, row[j], values[term][rows[at]])
							}
						}
						at++
					}
				}
			}
		}
	}
}
