package dataset

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// everything is all that can be seen of a reading's result.
func everything(table *Table, err error) string {
	if err != nil {
		e, ok := err.(*Errors)
		if !ok {
			return fmt.Sprintf("%T %v", err, err)
		}
		return fmt.Sprint(e.Total, " ", e)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d %q %s\n%+v\n%x\n", table.Format, table.Rows, table.Header, show(table), table.Findings, table.Fingerprint())
	for _, c := range table.Columns {
		digits, low, high, ok := c.Numbers.Decimal()
		fmt.Fprintf(&b, "%s %d %s %q %v %v %d %+v %d %d %d %v\n", c.Name, c.Index, c.Type, c.Levels, c.Counts, c.First, c.Missing, c.NA, digits, low, high, ok)
		for row := range min(table.Rows, 2000) {
			fmt.Fprintf(&b, "%d ", table.At(row, c, "").Line)
		}
	}
	for row := range table.Rows {
		fmt.Fprintf(&b, "%d ", table.Line(row))
	}
	return b.String()
}

// how is a way to read.
type how struct {
	threads, piece, block int
	plodding, stream      bool
	memory                int64
	dense                 int // entries of LIBSVM that may become columns; 0: as always
}

func (h how) read(ctx context.Context, text []byte, o Options) (*Table, error) {
	o.Threads, o.Memory = h.threads, h.memory
	t, err := newReading(ctx, "t", o)
	if err != nil {
		return nil, err
	}
	t.piece, t.plodding = h.piece, h.plodding
	if h.piece > 0 { // fewer rows than usual, but also more than the 64 that are judged at once
		t.blockRows = 1 + h.piece%300
	}
	if h.dense > 0 {
		t.denseFrom = h.dense
	}
	if h.block > 0 {
		t.block = h.block
	}
	var r io.Reader = bytes.NewReader(text)
	if h.stream {
		r = struct{ io.Reader }{r}
	}
	if err := t.input("t", r, int64(len(text))); err != nil {
		return nil, asErrors(err)
	}
	return t.table()
}

// compareThreads wants every way to read a text to give what the plain way gives: one thread, record by record.
func compareThreads(t *testing.T, text []byte, o Options, pieces ...int) {
	t.Helper()
	dense := len(text) & 1 // LIBSVM becomes columns, or may
	want := everything(how{threads: 1, plodding: true, dense: dense}.read(t.Context(), text, o))
	for _, threads := range []int{1, 2, 3, 8} {
		for _, piece := range pieces {
			for i := range 4 {
				h := how{threads: threads, piece: piece, plodding: i&1 == 1, stream: i&2 == 2, block: 1 + 64*piece, dense: dense}
				if i&1 == threads&1 {
					h.memory = int64(1 + 100*i) // most blocks are in a scratch file
				}
				if threads == 1 && i > 0 {
					break
				}
				if got := everything(h.read(t.Context(), text, o)); got != want {
					t.Fatalf("%.2000q\n%+v %+v\n got %.3000s\nwant %.3000s", text, h, o, got, want)
				}
			}
		}
	}
}

// TestThreads reads the test data of the repository in many ways.
func TestThreads(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../testdata/bad/*", "../testdata/degenerate/*", "../testdata/*/*.csv", "../testdata/*/*.svm", "../testdata/*/*.libsvm"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, names...)
	}
	read := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil || len(text) > 1<<16 {
			continue // a directory, or a large file
		}
		read++
		compareThreads(t, text, Options{}, 7, 300)
	}
	if read < 80 {
		t.Errorf("only %d files", read)
	}
}

// nasty makes a text of all that a delimited file can hold, mostly well formed.
func nasty(r *rand.Rand) []byte {
	columns := 1 + r.IntN(5)
	end := []string{"\n", "\r\n", "\r", "\n"}[r.IntN(4)]
	pool := make([][]string, columns)
	words := []string{"a", "bb", "a longer text than eight", "NA", "na", "", " x ", "yes", "no", "1", "0", "0.5", "12", "12.50", "-7", "-0", "007", "1e3", "+4", "5.", ".5",
		"1e999", "123456789012", "0.1234567890123456", "1234567.8", "99999999999999999999", "\"q\"", "\" 5 \"", "\"a,b\"", "\"line" + end + "end\"", "\"d\"\"d\"", "\t3\t", "3 ", "\xff", "x\"y", "é", "1,5"}
	for j := range pool {
		for range 1 + r.IntN(4) {
			pool[j] = append(pool[j], words[r.IntN(len(words))])
		}
		if r.IntN(2) == 0 { // a column of numbers of one kind
			f := []string{"%.0f", "%.2f", "%g", "%.6g", "%e", "%.17g", "%.4g"}[r.IntN(7)]
			scale := math.Pow(10, float64(r.IntN(12)-4))
			for range 30 {
				pool[j] = append(pool[j], fmt.Sprintf(f, r.NormFloat64()*scale))
			}
		}
	}
	var b bytes.Buffer
	for j := range columns {
		if j > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "c%d", j)
	}
	b.WriteString(end)
	wrong := r.IntN(4) == 0
	for range r.IntN(60) {
		if r.IntN(20) == 0 {
			b.WriteString(end)
		}
		for j := range columns {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(pool[j][r.IntN(len(pool[j]))])
		}
		if wrong && r.IntN(15) == 0 {
			b.WriteString([]string{",", "\"", ",\"open", "\x00"}[r.IntN(4)])
		}
		b.WriteString(end)
	}
	return b.Bytes()
}

// nastyLines makes LIBSVM or JSON Lines, mostly well formed.
func nastyLines(r *rand.Rand) []byte {
	end := []string{"\n", "\r\n", "\r", "\n"}[r.IntN(4)]
	values := []string{"1", "1", "0.5", "-3", "1e-3", "12.50", "0.1234567890123456", "123456789", "1e300", "-0", "+2", ".5", "7."}[:1+r.IntN(13)]
	wrong := r.IntN(3) == 0
	json := r.IntN(3) == 0
	width := 1 + r.IntN(40)
	var b bytes.Buffer
	for i := range 1 + r.IntN(80) {
		if json {
			fmt.Fprintf(&b, `{"a":%d,"b":%.3g,"c":%q}`, r.IntN(5), r.NormFloat64(), []string{"x", "yy", "", "z\nz"}[r.IntN(4)])
			if wrong && r.IntN(20) == 0 {
				b.WriteString(",")
			}
			b.WriteString(end)
			continue
		}
		b.WriteString([]string{"+1", "-1", "1", "0"}[r.IntN(4)])
		for at := 1; at < width; at += 1 + r.IntN(4)*r.IntN(2) {
			fmt.Fprintf(&b, "%s%d:%s", []string{" ", "\t", " ", "  "}[r.IntN(4)], at, values[r.IntN(len(values))])
		}
		if wrong && i > 0 && r.IntN(15) == 0 {
			b.WriteString([]string{" 1:1", " x", " 2147483648:1", " 5:", " 0:1", " 99:1e999", " qid:3"}[r.IntN(7)])
		}
		b.WriteString([]string{"", "", " ", "# comment"}[r.IntN(4)])
		b.WriteString(end)
		if r.IntN(20) == 0 {
			b.WriteString([]string{"", "# nothing", " 3:1"}[r.IntN(3)] + end)
		}
	}
	return b.Bytes()
}

// TestThreadsOnNastyFiles does so with made up files and their mutants.
func TestThreadsOnNastyFiles(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	tables := 0
	for range 200 {
		text := nasty(r)
		o := Options{}
		if r.IntN(4) == 0 {
			lines := nastyLines(r)
			compareThreads(t, lines, Options{}, 1+r.IntN(20), 1+r.IntN(300))
			o.Use = func(name string) bool { return name != "x2" && name != "b" }
			lines[r.IntN(len(lines))] = "\"\n\r, \x00:0"[r.IntN(8)]
			compareThreads(t, lines, o, 1+r.IntN(60))
			o.Use = nil
		}
		switch r.IntN(6) {
		case 0:
			o.Target = "c0"
		case 1:
			o.NA = []string{"-7", "a", "12"}
		case 2:
			o.Use = func(name string) bool { return name != "c1" }
		case 3:
			o.Types = map[string]Type{"c0": Type(r.IntN(3))}
		}
		if _, err := (how{threads: 1}).read(t.Context(), text, o); err == nil {
			tables++
		}
		compareThreads(t, text, o, 1+r.IntN(20), 1+r.IntN(300))
		if len(text) > 0 && r.IntN(2) == 0 {
			text[r.IntN(len(text))] = "\"\n\r, \x00\xff0"[r.IntN(8)]
			compareThreads(t, text, o, 1+r.IntN(60))
		}
	}
	if tables < 30 {
		t.Errorf("only %d of the files are tables: the test hardly looks at values", tables)
	}
}

// FuzzThreads is the same for any text.
func FuzzThreads(f *testing.F) {
	for i, s := range readSeeds {
		f.Add([]byte(s), uint8(1+i))
	}
	r := rand.New(rand.NewPCG(23, 24))
	for range 30 {
		f.Add(nasty(r), uint8(r.IntN(256)))
		f.Add(nastyLines(r), uint8(r.IntN(256)))
	}
	f.Fuzz(func(t *testing.T, text []byte, piece uint8) {
		compareThreads(t, text, Options{NoHeader: piece&1 == 1}, 1+int(piece))
	})
}

// TestDenseColumns: as columns or sparse, LIBSVM is the same numbers.
func TestDenseColumns(t *testing.T) {
	r := rand.New(rand.NewPCG(25, 26))
	dense := 0
	for range 300 {
		text := nastyLines(r)
		o := Options{}
		if r.IntN(3) == 0 {
			o.Use = func(name string) bool { return name != "x2" }
		}
		s, err := how{threads: 2, piece: 1 + r.IntN(500)}.read(t.Context(), text, o)
		c, other := how{threads: 2, piece: 1 + r.IntN(500), dense: 1}.read(t.Context(), text, o)
		if fmt.Sprint(err) != fmt.Sprint(other) {
			t.Fatalf("%v, %v", err, other)
		}
		if err != nil || s.Format != LIBSVM {
			continue
		}
		if fmt.Sprint(s.FeatureNames()) != fmt.Sprint(c.FeatureNames()) {
			t.Fatalf("%q %q", s.FeatureNames(), c.FeatureNames())
		}
		if c.Sparse != nil {
			continue
		}
		dense++
		want := make([][]float64, len(s.Sparse.Features))
		for j := range want {
			want[j] = make([]float64, s.Rows)
		}
		for row := range s.Rows {
			for k, v := range s.Sparse.Row(nil, row) {
				want[s.Sparse.Index[s.Sparse.Start[row]+k]][row] = v
			}
		}
		for j, column := range c.Columns[1:] {
			if got := column.Numbers.Float64s(); fmt.Sprint(got) != fmt.Sprint(want[j]) || column.Missing > 0 {
				t.Fatalf("%q\n%s\n got %v\nwant %v", text, column.Name, got, want[j])
			}
			if digits, low, high, ok := column.Numbers.Decimal(); ok {
				k := make([]float64, s.Rows)
				column.Numbers.ReadScaled(k, 0)
				for row := range k {
					if k[row]/math.Pow10(digits) != want[j][row] || k[row] < float64(low) || k[row] > float64(high) {
						t.Fatalf("%s: %v of %v … %v, 10^-%d for %v", column.Name, k[row], low, high, digits, want[j][row])
					}
				}
			}
		}
	}
	if dense < 50 {
		t.Errorf("%d tables were dense", dense)
	}
	if z := (&Table{Rows: 3}).Zeros("x9"); fmt.Sprint(z.Numbers.Float64s()) != "[0 0 0]" || z.IsMissing(1) {
		t.Errorf("%v", z.Numbers.Float64s())
	}
}
