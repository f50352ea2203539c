package dataset

import (
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

// rowsTaken writes down what a stream hands over: of every row its line and its cells.
type rowsTaken struct {
	types  []string
	rows   []string
	refuse func(t *Table, row int) error
}

func (r *rowsTaken) Head(head *Table) error {
	for _, c := range head.Columns {
		r.types = append(r.types, c.Name+" "+c.Type.String())
	}
	return nil
}

func (r *rowsTaken) Take(t *Table, first int) error {
	if first != len(r.rows) {
		return fmt.Errorf("row %d after %d rows", first, len(r.rows))
	}
	for row := range t.Rows {
		if r.refuse != nil {
			if err := r.refuse(t, row); err != nil {
				return err
			}
		}
		r.rows = append(r.rows, written(t, row))
	}
	return nil
}

// written is a row with its place.
func written(t *Table, row int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d", filepath.Base(t.File(row)), t.Line(row))
	for _, c := range t.Columns {
		switch {
		case c.Type == Numeric:
			fmt.Fprintf(&b, " %x", math.Float64bits(c.Numbers.At(row)))
		case c.Codes[row] < 0:
			b.WriteString(" -")
		default:
			fmt.Fprintf(&b, " %q", c.Levels[c.Codes[row]])
		}
	}
	if s := t.Sparse; s != nil {
		values := s.Row(nil, row)
		for k, i := range s.Index[s.Start[row]:s.Start[row+1]] {
			fmt.Fprintf(&b, " %d:%x", s.Features[i], math.Float64bits(values[k]))
		}
	}
	return b.String()
}

// drops hands a text over in pieces of random lengths.
type drops struct {
	text string
	r    *rand.Rand
}

func (d *drops) Read(b []byte) (int, error) {
	if d.text == "" {
		return 0, io.EOF
	}
	n := min(1+d.r.IntN(700), len(d.text), len(b))
	copy(b, d.text[:n])
	d.text = d.text[n:]
	return n, nil
}

// streamed reads a text as a stream in every way that must not matter and gives what all of them gave.
func streamed(t *testing.T, text string, o Options, head int, refuse func(*Table, int) error) (*rowsTaken, []Finding, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var first *rowsTaken
	var findings []Finding
	var failed string
	for _, threads := range []int{1, 2, 3, 8} {
		for _, piece := range []int{97, 1000, 0} {
			for _, pipe := range []bool{false, true} {
				o.Threads = threads
				got := &rowsTaken{refuse: refuse}
				r, err := newStream(context.Background(), "data", o, head, got)
				if err != nil {
					t.Fatal(err)
				}
				r.piece = piece
				if pipe {
					err = r.input("data", &drops{text, rand.New(rand.NewPCG(uint64(piece), 7))}, 0)
				} else {
					f, size, e := openFile(file)
					if e != nil {
						t.Fatal(e)
					}
					err = r.input("data", regular{f}, size)
					f.Close()
				}
				var found []Finding
				if err == nil {
					found, err = r.stream.end()
				}
				message := ""
				if err != nil {
					message = err.Error()
				}
				if first == nil {
					first, findings, failed = got, found, message
					continue
				}
				here := fmt.Sprintf("threads %d, pieces of %d bytes, pipe %v", threads, piece, pipe)
				if message != failed {
					t.Fatalf("%s: error %q, first %q", here, message, failed)
				}
				if a, b := strings.Join(got.rows, "\n"), strings.Join(first.rows, "\n"); a != b {
					t.Fatalf("%s: %d rows, first %d, that differ", here, len(got.rows), len(first.rows))
				}
				if a, b := fmt.Sprint(found), fmt.Sprint(findings); a != b {
					t.Fatalf("%s: findings %s, first %s", here, a, b)
				}
			}
		}
	}
	return first, findings, failed
}

// randomTable has numbers of many kinds, levels that come late, quotes with line ends, missing cells.
func randomTable(r *rand.Rand, rows int) string {
	var b strings.Builder
	b.WriteString("y,n,d,f,level,flag,code\r\n")
	for i := range rows {
		level := fmt.Sprintf("l%d", r.IntN(3+i/50))
		if r.IntN(9) == 0 {
			level = "\"two\nlines, " + level + "\""
		}
		number := fmt.Sprintf("%d", r.IntN(100*(1+i/500)))
		if r.IntN(20) == 0 {
			number = "NA"
		}
		fmt.Fprintf(&b, "%d,%s,%.3f,%v,%s,%s,%d\n", r.IntN(2), number, r.NormFloat64(), r.NormFloat64(), level, []string{"yes", "No"}[r.IntN(2)], r.IntN(30))
	}
	return b.String()
}

func TestStreamRows(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	for _, c := range []struct {
		name, text string
		o          Options
	}{
		{"csv", randomTable(r, 3000), Options{Target: "y", Types: map[string]Type{"code": Levels}}},
		{"libsvm", randomSparse(r, 2000), Options{}},
		{"jsonl", randomJSON(r, 1500), Options{Target: "y"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, found, failed := streamed(t, c.text, c.o, 128, nil)
			if failed != "" {
				t.Fatal(failed)
			}
			want, err := Read(context.Background(), "data", strings.NewReader(c.text), c.o)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.rows) != want.Rows {
				t.Fatalf("%d rows, want %d", len(got.rows), want.Rows)
			}
			for row, text := range got.rows {
				if w := written(want, row); text != w {
					t.Fatalf("row %d: %s\nwant %s", row, text, w)
				}
			}
			if a, b := fmt.Sprint(found), fmt.Sprint(want.Findings); a != b {
				t.Errorf("findings %s\nwant %s", a, b)
			}
		})
	}
}

func randomSparse(r *rand.Rand, rows int) string {
	var b strings.Builder
	for i := range rows {
		b.WriteString([]string{"0", "1"}[r.IntN(2)])
		for k, index := 0, 0; k < r.IntN(12); k++ {
			index += 1 + r.IntN(20+i)
			fmt.Fprintf(&b, " %d:%g", index, math.Round(r.NormFloat64()*1000)/64)
		}
		if i == 700 {
			b.WriteString(" 5000000:1 2147483647:2")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func randomJSON(r *rand.Rand, rows int) string {
	var b strings.Builder
	for i := range rows {
		fmt.Fprintf(&b, `{"y":"%s","n":%g,"s":"v%d"`, []string{"a", "b"}[r.IntN(2)], r.NormFloat64(), r.IntN(2+i/100))
		if i == 0 || r.IntN(3) > 0 {
			fmt.Fprintf(&b, `,"m":%d`, r.IntN(9))
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func TestStreamFiles(t *testing.T) {
	dir := t.TempDir()
	var all []string
	for i, rows := range []int{3, 200, 1, 400} {
		text := randomTable(rand.New(rand.NewPCG(uint64(i), 3)), rows)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("part%d.csv", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pattern := filepath.Join(dir, "part*.csv")
	want, err := Open(context.Background(), pattern, Options{Target: "y"})
	if err != nil {
		t.Fatal(err)
	}
	for row := range want.Rows {
		all = append(all, written(want, row))
	}
	for _, head := range []int{1000, 204, 203, 100} {
		got := &rowsTaken{}
		if _, err := OpenStream(context.Background(), pattern, Options{Target: "y"}, head, got); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got.rows, "\n") != strings.Join(all, "\n") {
			t.Errorf("head of %d rows: the rows differ", head)
		}
	}
}

func TestStreamErrors(t *testing.T) {
	good := strings.Repeat("1,2.5,yes,red\n0,3,no,blue\n", 300)
	const header = "y,n,flag,c\n"
	for _, c := range []struct {
		name, text, want string
		o                Options
	}{
		{"text among numbers", header + good + "1,abc,yes,red\n" + good,
			`data:602:2: column "n": "abc" is not a number; the first rows, from which a stream takes the types, made the column numeric: --categorical n reads it as levels`, Options{}},
		{"stated type", header + good + "1,abc,yes,red\n", `data:602:2: column "n": "abc" is not a number`, Options{Types: map[string]Type{"n": Numeric}}},
		{"no truth value", header + good + "1,2,maybe,red\n0,x,yes,red\n",
			`data:602:3: column "flag": "maybe" is not yes or no; the first rows, from which a stream takes the types, made the column boolean: --categorical flag reads it as levels`, Options{}},
		{"first of a row", header + good + "1,x,maybe,red\n",
			`data:602:2: column "n": "x" is not a number; the first rows, from which a stream takes the types, made the column numeric: --categorical n reads it as levels`, Options{}},
		{"cells", header + good + "1,2,yes\n1,abc,yes,red\n", "data:602: wrong number of fields: the row has 3, the header has 4", Options{}},
		{"cells after", header + good + "1,abc,yes,red\n1,2,yes\n",
			`data:602:2: column "n": "abc" is not a number; the first rows, from which a stream takes the types, made the column numeric: --categorical n reads it as levels`, Options{}},
		{"bytes", header + good + "1,2,yes,\"a\x00b\"\n", `data:602:4: column "c": a NUL byte, so this is not text: "a\x00b"`, Options{}},
		{"head", header + "1,abc,yes,red\n0,2,no,blue\n1,3,no,blue\n", `data:2:2: column "n": "abc" is not a number; --categorical n reads the column as levels`, Options{}},
		{"no value", "y,n\n" + strings.Repeat("1,\n", 300),
			`data:1:2: column "n": no value in the first 128 rows, from which a stream takes the type of a column; --numeric n or --categorical n says what it is, --exclude n leaves it out`, Options{}},
		{"open quote", header + good + "1,2,yes,\"red\n", "", Options{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Target = "y"
			_, _, got := streamed(t, c.text, c.o, 128, nil)
			if c.want == "" {
				if got == "" {
					t.Error("no error")
				}
				return
			}
			if got != c.want {
				t.Errorf("error %s\nwant  %s", got, c.want)
			}
		})
	}
	// What is wrong with a row that was handed over comes before what is wrong further down.
	refuse := func(b *Table, row int) error {
		if b.Line(row) == 590 {
			return b.At(row, b.Columns[1], "refused")
		}
		return nil
	}
	if _, _, got := streamed(t, header+good+"1,abc,yes,red\n", Options{Target: "y"}, 128, refuse); got != `data:590:2: column "n": refused` {
		t.Errorf("error %s", got)
	}
}
