package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Every cell of a table against encoding/csv or encoding/json and strconv.ParseFloat, bit for bit but for -0.

// style makes the texts of numbers of one kind.
type style func(r *rand.Rand) string

func someDigits(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + r.IntN(10))
	}
	return string(b)
}

func someSign(r *rand.Rand) string { return []string{"", "", "-", "+"}[r.IntN(4)] }

var styles = []style{
	func(r *rand.Rand) string { return strconv.Itoa(r.IntN(250) - 125) },
	func(r *rand.Rand) string { return strconv.Itoa(r.IntN(64000) - 32000) },
	func(r *rand.Rand) string { return strconv.FormatInt(r.Int64N(1<<32)-1<<31, 10) }, // at and beyond int32
	func(r *rand.Rand) string { return someDigits(r, 1+r.IntN(20)) },
	func(r *rand.Rand) string { return strconv.FormatFloat(r.NormFloat64(), 'f', 2, 64) },
	func(r *rand.Rand) string { return strconv.FormatFloat(r.NormFloat64()*1000, 'f', 6, 64) },
	func(r *rand.Rand) string { // few decimals, seldom one of many
		if r.IntN(100) == 0 {
			return "0." + strings.Repeat("0", r.IntN(20)) + someDigits(r, 1+r.IntN(8))
		}
		return "0." + someDigits(r, 1+r.IntN(7))
	},
	func(r *rand.Rand) string { return someDigits(r, 1+r.IntN(9)) + "." + someDigits(r, 1+r.IntN(18)) },
	func(r *rand.Rand) string {
		return someSign(r) + strings.Repeat("0", r.IntN(4)) + someDigits(r, 1+r.IntN(5)) + "." + someDigits(r, r.IntN(4))
	},
	func(r *rand.Rand) string { return someSign(r) + "." + someDigits(r, 1+r.IntN(20)) },
	func(r *rand.Rand) string {
		return []string{"-0", "0", "-0.0", "0.000", "+0", "00", "-.0", "0e5", "-0e-9"}[r.IntN(9)]
	},
	func(r *rand.Rand) string {
		return someSign(r) + someDigits(r, 1+r.IntN(4)) + "eE"[r.IntN(2):][:1] + []string{"", "+", "-"}[r.IntN(3)] + strconv.Itoa(r.IntN(24))
	},
	func(r *rand.Rand) string {
		return []string{"1e-20", "5", "3e-22", "0", "7e-10", "-2e-19", "4e-9"}[r.IntN(7)]
	},
	func(r *rand.Rand) string { return []string{"0", "7e-10", "4e-11", "0.0000000003"}[r.IntN(4)] },
	func(r *rand.Rand) string { // any float64
		return strconv.FormatFloat(math.Float64frombits(r.Uint64()&^(0x7ff<<52)|uint64(r.IntN(2047))<<52), "eg"[r.IntN(2)], -1, 64)
	},
	func(r *rand.Rand) string { return strconv.FormatFloat(r.NormFloat64(), 'e', 18, 64) },
	func(r *rand.Rand) string { return strconv.FormatFloat(float64(r.IntN(2000))/100, 'e', 18, 64) },
	func(r *rand.Rand) string { return strconv.FormatFloat(float64(float32(r.NormFloat64())), 'g', -1, 64) },
	func(r *rand.Rand) string { return strconv.FormatFloat(r.NormFloat64(), 'g', 17, 64) },
	func(r *rand.Rand) string { // halfway between two float64, and just above
		return strconv.FormatUint(r.Uint64N(1<<52)+1<<52, 10) + ".5" + []string{"", "00001"}[r.IntN(2)]
	},
	func(r *rand.Rand) string {
		return []string{"1e-324", "4.9e-324", "1e-400", "1.7976931348623157e308", "2.2250738585072011e-308"}[r.IntN(5)]
	},
}

// numberColumn makes n cells, "" where missing. The style may change on the way, so that blocks are stored in different ways.
func numberColumn(r *rand.Rand, n int) []string {
	out := make([]string, n)
	gaps := r.IntN(3) == 0
	one, other, from := styles[r.IntN(len(styles))], styles[r.IntN(len(styles))], n
	switch r.IntN(3) {
	case 0:
		from = r.IntN(n + 1)
	case 1:
		other, from = styles[r.IntN(4)], n-1-r.IntN(3)%n // a few of another size at the end
	}
	for i := range out {
		if i == from {
			one = other
		}
		if !gaps || r.IntN(10) > 0 {
			out[i] = one(r)
		}
	}
	return out
}

// referenceWays are the ways to read that must agree.
func referenceWays(r *rand.Rand) []how {
	return []how{
		{threads: 1},
		{threads: 3, piece: 100 + r.IntN(20000)},
		{threads: 3, piece: 100 + r.IntN(20000), memory: 1},
		{threads: 1, memory: 1 + int64(r.IntN(3000))},
		{threads: 2, piece: 100 + r.IntN(20000), stream: true, block: 64 + r.IntN(5000)},
	}
}

// seen counts the storages that were compared.
type seen [codes32 + 1]int

// sameNumbers compares a column with the texts of its cells; "" is missing, or 0 in LIBSVM.
func (s *seen) sameNumbers(t *testing.T, name string, got *Numbers, texts []string, none float64) {
	t.Helper()
	if got.Len() != len(texts) {
		t.Fatalf("%s: %d rows, want %d", name, got.Len(), len(texts))
	}
	for _, b := range got.blocks {
		s[b.parts[got.part].storage] += b.rows
	}
	values, scaled := got.Float64s(), make([]float64, len(texts))
	digits, low, high, decimal := got.Decimal()
	if decimal {
		got.ReadScaled(scaled, 0)
	}
	for row, text := range texts {
		want := none
		if text != "" {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			want = v + 0 // of -0, 0
		}
		if v := values[row]; math.Float64bits(v) != math.Float64bits(want) && !(math.IsNaN(v) && math.IsNaN(want)) {
			t.Fatalf("%s, row %d: %q is %v, strconv says %v", name, row, text, v, want)
		}
		k := scaled[row]
		if decimal && want == want && (k/math.Pow10(digits) != want || k < float64(low) || k > float64(high) || k != math.Trunc(k)) {
			t.Fatalf("%s, row %d: %v of %d … %d, 10^-%d, for %q", name, row, k, low, high, digits, text)
		}
	}
}

// decimals is how all columns are integers: training depends on it, so it must not depend on the chunks.
func decimals(t *Table) string {
	var b strings.Builder
	say := func(n *Numbers) {
		digits, low, high, ok := n.Decimal()
		fmt.Fprintln(&b, digits, low, high, ok)
	}
	for _, c := range t.Columns {
		say(c.Numbers)
	}
	if t.Sparse != nil {
		say(t.Sparse.Values)
	}
	return b.String()
}

func TestCSVAgainstStrconv(t *testing.T) {
	const seed = 31
	r := rand.New(rand.NewPCG(seed, 1))
	var s seen
	for range 120 {
		rows, columns := 1+r.IntN(900), 2+r.IntN(5)
		end := []string{"\n", "\r\n"}[r.IntN(2)]
		cells := make([][]string, columns)
		for j := range cells {
			cells[j] = numberColumn(r, rows)
		}
		texts := make([]string, rows) // mostly texts, with numbers between them
		words := []string{"a", "word", "a longer text than that", "a,b", "d\"d", "x" + end + "y", end, "é"}
		for i := range texts {
			if texts[i] = words[r.IntN(len(words))]; r.IntN(3) == 0 {
				texts[i] = styles[r.IntN(len(styles))](r)
			}
		}
		write := func(b *bytes.Buffer, text string) {
			if text != "" && (strings.ContainsAny(text, "\",\r\n") || r.IntN(30) == 0) {
				text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
			}
			b.WriteString(text)
		}
		var b bytes.Buffer
		b.WriteString("text")
		for j := range columns {
			fmt.Fprintf(&b, ",c%d", j)
		}
		for i := range rows {
			b.WriteString(end)
			write(&b, texts[i])
			for j := range columns {
				b.WriteByte(',')
				write(&b, cells[j][i])
			}
		}
		if r.IntN(2) == 0 {
			b.WriteString(end)
		}
		records, err := csv.NewReader(bytes.NewReader(b.Bytes())).ReadAll()
		if err != nil || len(records) != rows+1 {
			t.Fatalf("seed %d: %d records, %v", seed, len(records), err)
		}
		o := Options{Types: map[string]Type{"text": Levels}}
		if r.IntN(2) == 0 {
			o = Options{Target: "text"}
		}
		first := ""
		for _, h := range referenceWays(r) {
			table, err := h.read(t.Context(), b.Bytes(), o)
			if err != nil {
				t.Fatalf("seed %d, %+v: %v\n%.3000s", seed, h, err, b.Bytes())
			}
			for j, c := range table.Columns {
				of := make([]string, rows)
				for i, record := range records[1:] {
					of[i] = record[j]
				}
				if j > 0 {
					s.sameNumbers(t, fmt.Sprintf("seed %d, %+v: %s", seed, h, c.Name), c.Numbers, of, math.NaN())
					continue
				}
				for i := range of { // encoding/csv makes LF of CR LF inside quotes
					if got := strings.ReplaceAll(c.Levels[c.Code(i)], "\r\n", "\n"); got != of[i] {
						t.Fatalf("seed %d, %+v, row %d: %q, want %q", seed, h, i, got, of[i])
					}
				}
			}
			if d := decimals(table); first == "" {
				first = d
			} else if d != first {
				t.Fatalf("seed %d, %+v: decimals\n%swith one thread\n%s%.3000s", seed, h, d, first, b.Bytes())
			}
			table.Close()
		}
	}
	for kind := int8s; kind <= float64s; kind++ {
		if s[kind] < 500 {
			t.Errorf("only %d cells in storage %d: the test hardly looks at it", s[kind], kind)
		}
	}
}

func TestLIBSVMAgainstStrconv(t *testing.T) {
	const seed = 32
	r := rand.New(rand.NewPCG(seed, 1))
	var s seen
	dense := 0
	for range 100 {
		rows, width := 1+r.IntN(400), 1+r.IntN(30)
		share := []int{1, 5, 9, 10}[r.IntN(4)] // of ten
		columns := make([][]string, width)
		one := styles[r.IntN(len(styles))]
		for j := range columns {
			columns[j] = make([]string, rows)
			if r.IntN(3) == 0 {
				one = styles[r.IntN(len(styles))]
			}
			for i := range rows {
				if r.IntN(10) < share {
					columns[j][i] = one(r)
				}
			}
		}
		end := []string{"\n", "\r\n"}[r.IntN(2)]
		var b bytes.Buffer
		for i := range rows {
			b.WriteString([]string{"1", "-1"}[r.IntN(2)])
			for j := range columns {
				if columns[j][i] != "" {
					fmt.Fprintf(&b, " %d:%s", j+1, columns[j][i])
				}
			}
			b.WriteString(end)
		}
		lines := bufio.NewScanner(bytes.NewReader(b.Bytes()))
		read := make([][]string, width)
		for j := range read {
			read[j] = make([]string, rows)
		}
		for i := 0; lines.Scan(); i++ {
			for _, pair := range strings.Fields(lines.Text())[1:] {
				index, value, _ := strings.Cut(pair, ":")
				j, _ := strconv.Atoi(index)
				read[j-1][i] = value
			}
		}
		first := map[bool]string{}
		for _, h := range referenceWays(r) {
			h.dense = r.IntN(2)
			o := Options{Format: LIBSVM}
			if r.IntN(3) == 0 {
				o.Use = func(name string) bool { return name != "x2" }
			}
			table, err := h.read(t.Context(), b.Bytes(), o)
			if err != nil {
				t.Fatalf("seed %d, %+v: %v\n%.3000s", seed, h, err, b.Bytes())
			}
			name := fmt.Sprintf("seed %d, %+v", seed, h)
			features := 0
			for j := range read {
				if strings.Join(read[j], "") != "" && (o.Use == nil || j != 1) {
					features++
				}
			}
			if got := len(table.FeatureNames()); got != features {
				t.Fatalf("%s: %d features, want %d", name, got, features)
			}
			if table.Sparse == nil {
				dense++
				for _, c := range table.Columns[1:] {
					j, _ := strconv.Atoi(c.Name[1:])
					s.sameNumbers(t, name+" "+c.Name, c.Numbers, read[j-1], 0)
				}
			} else {
				var texts []string
				p := table.Sparse
				at := 0
				for i := range rows {
					for k := p.Start[i]; k < p.Start[i+1]; k++ {
						j := p.Features[p.Index[k]] - 1
						texts = append(texts, read[j][i])
					}
					for j := range read {
						if read[j][i] != "" && (o.Use == nil || j != 1) {
							at++
						}
					}
					if p.Start[i+1] != at {
						t.Fatalf("%s: row %d ends at %d, want %d", name, i, p.Start[i+1], at)
					}
				}
				s.sameNumbers(t, name, p.Values, texts, math.NaN())
			}
			if o.Use == nil {
				isDense := table.Sparse == nil
				if d := decimals(table); first[isDense] == "" {
					first[isDense] = d
				} else if d != first[isDense] {
					t.Fatalf("%s: decimals\n%sbefore\n%s%.3000s", name, d, first[isDense], b.Bytes())
				}
			}
			table.Close()
		}
	}
	if dense < 50 {
		t.Errorf("only %d tables were columns", dense)
	}
	for kind := int8s; kind <= float64s; kind++ {
		if s[kind] < 200 {
			t.Errorf("only %d cells in storage %d: the test hardly looks at it", s[kind], kind)
		}
	}
}

func TestJSONLAgainstStrconv(t *testing.T) {
	const seed = 33
	r := rand.New(rand.NewPCG(seed, 1))
	for range 60 {
		rows, columns := 1+r.IntN(300), 2+r.IntN(4)
		cells := make([][]string, columns)
		for j := range cells {
			cells[j] = numberColumn(r, rows)
			for i, text := range cells[j] {
				if !json.Valid([]byte(text)) { // a sign or zeros that JSON does not have
					cells[j][i] = strings.TrimLeft(text, "+")
					if !json.Valid([]byte(cells[j][i])) {
						cells[j][i] = strconv.Itoa(i)
					}
				}
			}
		}
		var b bytes.Buffer
		for i := range rows {
			b.WriteByte('{')
			for j := range columns {
				value := cells[j][i]
				if value == "" {
					value = "null"
				}
				if j > 0 {
					b.WriteString(", ")
				}
				fmt.Fprintf(&b, `"c%d":%s`, j, value)
			}
			b.WriteString("}\n")
		}
		read := make([][]string, columns)
		decoder := json.NewDecoder(bytes.NewReader(b.Bytes()))
		decoder.UseNumber()
		for range rows {
			var row map[string]*json.Number
			if err := decoder.Decode(&row); err != nil {
				t.Fatal(err)
			}
			for j := range read {
				text := ""
				if v := row[fmt.Sprint("c", j)]; v != nil {
					text = v.String()
				}
				read[j] = append(read[j], text)
			}
		}
		var s seen
		for _, h := range referenceWays(r) {
			table, err := h.read(t.Context(), b.Bytes(), Options{Format: JSONL})
			if err != nil {
				t.Fatalf("seed %d, %+v: %v\n%.3000s", seed, h, err, b.Bytes())
			}
			for j, c := range table.Columns {
				s.sameNumbers(t, fmt.Sprintf("seed %d, %+v: %s", seed, h, c.Name), c.Numbers, read[j], math.NaN())
			}
			table.Close()
		}
	}
}

// TestOpenAgainstStrconv does so with a file of several chunks of the size that Open chooses.
func TestOpenAgainstStrconv(t *testing.T) {
	const rows, seed = 24_000, 34
	r := rand.New(rand.NewPCG(seed, 1))
	cells := make([][]string, len(styles))
	var b bytes.Buffer
	for j, one := range styles {
		if j > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "c%d", j)
		for range rows {
			cells[j] = append(cells[j], one(r))
		}
	}
	for i := range rows {
		for j := range cells {
			b.WriteByte("\n,"[min(j, 1)])
			b.WriteString(cells[j][i])
		}
	}
	if b.Len() < 4*leastChunk {
		t.Fatalf("only %d bytes", b.Len())
	}
	name := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	first := ""
	for _, o := range []Options{{Threads: 1}, {Threads: 3}, {Threads: 3, Memory: 1 << 20}} {
		table, err := Open(t.Context(), name, o)
		if err != nil {
			t.Fatal(err)
		}
		var s seen
		for j, c := range table.Columns {
			s.sameNumbers(t, fmt.Sprintf("seed %d, %+v: %s", seed, o, c.Name), c.Numbers, cells[j], math.NaN())
		}
		if d := decimals(table); first == "" {
			first = d
		} else if d != first {
			t.Fatalf("decimals with %+v\n%swith one thread\n%s", o, d, first)
		}
		table.Close()
	}
}
