package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func scan(t *testing.T, text string, o Options) (*Scanner, []string, error) {
	t.Helper()
	s, err := NewScanner(t.Context(), "t", strings.NewReader(text), o)
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	var out []string
	for {
		r, err := s.Next()
		if err == io.EOF {
			return s, out, nil
		}
		if err != nil {
			out = append(out, err.Error())
			if e, ok := err.(*Error); !ok || e.Final() {
				return s, out, err
			}
			continue
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%d", r.Line)
		for _, c := range r.Cells {
			switch {
			case c.Absent:
				b.WriteString(" -")
			case c.Quoted:
				fmt.Fprintf(&b, " %q", c.Text)
			default:
				fmt.Fprintf(&b, " %s", c.Text)
			}
		}
		if s.Format == LIBSVM {
			fmt.Fprintf(&b, " %s %v %v", r.Label, r.Index, r.Value)
		}
		out = append(out, b.String())
	}
}

func TestScanner(t *testing.T) {
	for _, c := range []struct{ name, text, format, header, want string }{
		{"csv", "a,b\n1, x \n\n\"y\"\"\nz\",\n1\n2,3\n", CSV, "a b", "2 1 x|4 \"y\\\"\\nz\" |t:6: wrong number of fields: the row has 1, the header has 2|7 2 3"},
		{"tsv", "a\tb\n1\tx\n", TSV, "a b", "2 1 x"},
		{"one column", "a\n1\n\n2\n\n", CSV, "a", "2 1|3 |4 2"},
		{"jsonl", "{\"a\":1,\"b\":\"x\"}\n{\"b\":\"\"}\n{\"c\":1}\n{\"a\":true}\n", JSONL, "a b", "1 1 \"x\"|2 - \"\"|t:3: unknown key \"c\"; the first line has a, b|4 true -"},
		{"libsvm", "1 1:2 5:3\n0\n-1 0:1 0:1\n2 7:1\n", LIBSVM, "", "1 1 [1 5] [2 3]|2 0 [] []|t:3: column \"x0\": the index 0 is there twice|4 2 [7] [1]"},
		{"only a header", "a,b\n", CSV, "a b", ""},
		{"an open quote is final", "a,b\n1,\"2\n3,4\n", CSV, "a b", "t:2:2: column \"b\": a quote opens here and is never closed"},
	} {
		s, got, _ := scan(t, c.text, Options{})
		if s == nil || s.Format != c.format || strings.Join(s.Header, " ") != c.header || strings.Join(got, "|") != c.want {
			t.Errorf("%s: %+v\n got %s\nwant %s", c.name, s, strings.Join(got, "|"), c.want)
		}
	}
	if _, _, err := scan(t, "", Options{}); err == nil || err.Error() != "t: the file is empty" {
		t.Errorf("%v", err)
	}
}

func TestCellLine(t *testing.T) {
	s, err := NewScanner(t.Context(), "t", strings.NewReader("a,b,c\n1,\"x\r\n\ny\",\" 3 \"\n4,5,6\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Next()
	if err != nil || r.CellLine(0) != 2 || r.CellLine(1) != 2 || r.CellLine(2) != 4 || string(r.Cells[2].Bare()) != "3" {
		t.Errorf("%+v %v", r, err)
	}
	if r, err = s.Next(); err != nil || r.Line != 5 || r.CellLine(2) != 5 {
		t.Errorf("%+v %v", r, err)
	}
	j, err := NewScanner(t.Context(), "t", strings.NewReader(`{"a":"x\ny","b":1}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r, err = j.Next(); err != nil || r.CellLine(1) != 1 {
		t.Errorf("%+v %v", r, err)
	}
}

// TestScannerDoesNotWait gives a record at a time and wants it back before the next is there.
func TestScannerDoesNotWait(t *testing.T) {
	for _, lines := range [][]string{
		{"a,b\n", "1,2\n", "3,4\n", "5,6\n"},
		{"a,b\r", "1,2\r", "\"3\",4\r"}, // CR: the end of the second line shows with the CR itself
		{"{\"a\":1}\n", "{\"a\":2}\n"},
		{"1 1:2\n", "0 1:3\n"},
	} {
		r, w := io.Pipe()
		got := make(chan error)
		go func() {
			s, err := NewScanner(t.Context(), "t", r, Options{Format: map[bool]string{true: CSV}[strings.HasSuffix(lines[0], "\r")]})
			got <- err
			for err == nil {
				_, err = s.Next()
				got <- err
			}
		}()
		send := func(line string) { go w.Write([]byte(line)) }
		answered := func(what string) {
			select {
			case err := <-got:
				if err != nil {
					t.Errorf("%q: %v", what, err)
				}
			case <-time.After(5 * time.Second):
				t.Fatalf("%q: still waiting", what)
			}
		}
		if strings.HasSuffix(lines[0], "\r") { // the beginning is looked at up to a line feed
			go w.Write([]byte(strings.Join(lines, "") + "\n"))
			for _, line := range lines {
				answered(line)
			}
		} else {
			for i, line := range lines {
				send(line)
				answered(line)
				if i == 0 && line[0] != 'a' { // the first line is a record too
					answered(line)
				}
			}
		}
		w.Close()
		if err := <-got; err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
}

// TestScannerMemory reads far more than it may hold.
func TestScannerMemory(t *testing.T) {
	line := []byte("1.5,elm,\"a \"\"b\"\"\"\n")
	n := 0
	r := readerFunc(func(b []byte) (int, error) {
		if n++; n == 1 {
			return copy(b, "x,y,z\n"), nil
		}
		if n > 200_000 {
			return 0, io.EOF
		}
		return copy(b, line), nil
	})
	s, err := NewScanner(t.Context(), "t", r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	allocs := testing.AllocsPerRun(1, func() {
		for {
			_, err := s.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			rows++
		}
	})
	if rows != 199_999 || allocs > 50 {
		t.Errorf("%d rows, %v allocations", rows, allocs)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func readTable(t *testing.T, r io.Reader, o Options, block int) (*Table, error) {
	rd, err := newReading(t.Context(), "t", o)
	if err != nil {
		return nil, err
	}
	rd.block = block
	if err := rd.input("t", r, 0); err != nil {
		return nil, asErrors(err)
	}
	return rd.table()
}

// readIn reads with a block size and a reader that gives few bytes at a time.
func readIn(t *testing.T, text string, o Options, block int, r func(io.Reader) io.Reader) string {
	t.Helper()
	table, err := readTable(t, r(strings.NewReader(text)), o, block)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(show(table))
	for row := range table.Rows {
		fmt.Fprintf(&b, " %d", table.Line(row))
	}
	return b.String()
}

var readSeeds = []string{
	"a,b\n1,x\n2,y\n", "a,b\r\n1,\"x\r\ny\"\r\n2,y\r\n", "a\r1\r\r2\r", "\xef\xbb\xbfa;b\n1;\"2\"\"3\"\n", "a\tb\n1\tNA\n-\t4\n", "+1 1:2 3:4\n-1 2:0.5 # c\n",
	"{\"a\":1,\"b\":\"x\\u00e9\"}\n{\"b\":null}\n", "a,b\n1,\"open\n2,3\n", "a,b\n1\n1,2,3\n", "y,n\nyes,1\nno,007\ntrue,1e999\n", "a\n\n\n1\n\n2\n\n\n", "a|b\n1|2\n",
	"a,b\n \"x\" ,\"y\"z\n", "1 qid:3 1:2\n", "[{\"a\":1}]\n", "a,b\n1,\x00\n\xff,2\n", "a\n\"1,234\"\n\"5,678\"\n", "a;b,c\n1;2,3\n4;5,6\n", "{\"a\":1}\r\r{\"a\":2}\n",
}

// FuzzRead wants no panic, and the same table or error whatever the size of the blocks; the scanner sees the rows the table has.
func FuzzRead(f *testing.F) {
	for i, s := range readSeeds {
		f.Add(s, i%2 == 1, uint16(1+i))
	}
	f.Fuzz(func(t *testing.T, text string, noHeader bool, block uint16) {
		o := Options{NoHeader: noHeader}
		want := readIn(t, text, o, 4096, func(r io.Reader) io.Reader { return r })
		for _, got := range []string{
			readIn(t, text, o, 1+int(block), func(r io.Reader) io.Reader { return r }),
			readIn(t, text, o, 7, iotest.OneByteReader),
			readIn(t, text, o, 1+int(block)%64, iotest.HalfReader),
			readIn(t, text, o, 64, iotest.DataErrReader),
		} {
			if got != want {
				t.Fatalf("%q\nwhole  %s\nblocks %s", text, want, got)
			}
		}
		table, err := readTable(t, strings.NewReader(text), o, 1024)
		s, rows, scanErr := scan(t, text, o)
		if err != nil {
			return
		}
		if scanErr != nil || s.Format != table.Format || len(rows) != table.Rows || fmt.Sprint(s.Header) != fmt.Sprint(table.Header) {
			t.Fatalf("%q: the table has %d rows, the scanner %d (%v)", text, table.Rows, len(rows), scanErr)
		}
		for row, r := range rows {
			if !strings.HasPrefix(r+" ", fmt.Sprintf("%d ", table.Line(row))) {
				t.Fatalf("%q: row %d is on line %d, the scanner says %q", text, row, table.Line(row), r)
			}
		}
		for _, c := range table.Columns {
			missing := 0
			for row := range table.Rows {
				if c.IsMissing(row) {
					missing++
				} else if c.Type == Numeric && math.IsInf(c.Numbers.At(row), 0) {
					t.Fatalf("%q: an infinite number", text)
				}
			}
			if missing != c.Missing {
				t.Fatalf("%q: %d missing, %d counted", text, missing, c.Missing)
			}
			rows := 0
			for i, n := range c.Counts {
				if rows += n; n > 0 && c.Codes[c.First[i]] != int32(i) {
					t.Fatalf("%q: the first row of level %q", text, c.Levels[i])
				}
			}
			if c.Type != Numeric && rows != table.Rows-missing {
				t.Fatalf("%q: %d rows have a level", text, rows)
			}
		}
		var packed bytes.Buffer
		w, _ := gzip.NewWriterLevel(&packed, gzip.HuffmanOnly)
		w.Write([]byte(text))
		w.Close()
		if again, err := readTable(t, &packed, o, 1024); err != nil || table.Fingerprint() != again.Fingerprint() {
			t.Fatalf("%q: another fingerprint when compressed (%v)", text, err)
		}
	})
}

// FuzzRoundTrip writes cells with encoding/csv and wants them back, under every delimiter.
func FuzzRoundTrip(f *testing.F) {
	f.Add("x", " y ", "1,2", "\"q\"\n", byte(0))
	f.Add("", "NA", "a\r\nb", "0x1", byte(1))
	f.Fuzz(func(t *testing.T, a, b, c, d string, which byte) {
		delim := ",;\t|"[which%4]
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		w.Comma = rune(delim)
		cells := []string{a, b, c, d}
		for i := range cells { // the writer turns CR LF into LF in some of its versions; CR stays what it is
			cells[i] = strings.ReplaceAll(cells[i], "\r\n", "\n")
		}
		w.Write([]string{"h1", "h2"})
		w.Write(cells[:2])
		w.Write(cells[2:])
		w.Flush()
		s, err := NewScanner(t.Context(), "t", &text, Options{Format: map[byte]string{',': CSV, ';': Semicolon, '\t': TSV, '|': Pipe}[delim]})
		if err != nil {
			return // not text
		}
		for i := range 2 {
			r, err := s.Next()
			if err == io.EOF {
				return // a blank line
			}
			if err != nil {
				if e, ok := err.(*Error); ok && strings.HasPrefix(e.Message, "wrong number") {
					t.Fatalf("%q: %v", cells, err)
				}
				t.Fatal(err)
			}
			for j, cell := range r.Cells {
				want := cells[2*i+j]
				if !cell.Quoted {
					want = string(trimBlanks([]byte(want), delim))
				}
				if string(cell.Text) != want {
					t.Fatalf("%q came back as %q", cells[2*i+j], cell.Text)
				}
			}
		}
	})
}

// FuzzJSON compares one line with encoding/json.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":"\u00e9\n","b":-0.5e3,"c":null,"d":true}`, `{"a":01}`, `{"a":[1]}`, `{"a":"\ud83d\ude00"}`, `{"":1}`, `{ "a" : 1 , "b":2 }`, "{}}}0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n") {
			return
		}
		cells := map[string]Cell{}
		var scratch []byte
		p := object{text: []byte(line)}
		repeated := false
		message := p.each(&scratch, func(key []byte, c Cell) string {
			_, again := cells[string(key)]
			repeated = repeated || again
			c.Text = bytes.Clone(c.Text)
			cells[string(key)] = c
			return ""
		})
		var want map[string]any
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		err := d.Decode(&want)
		if err == nil && !json.Valid([]byte(line)) {
			err = io.ErrUnexpectedEOF // more after the object
		}
		if message != "" {
			nested := strings.Contains(message, "nested") || strings.Contains(message, "UTF-8") || strings.Contains(message, "half a character")
			if err == nil && want != nil && !nested && strings.TrimSpace(line)[0] == '{' {
				t.Fatalf("%q: %s, but it is JSON", line, message)
			}
			return
		}
		if err != nil {
			t.Fatalf("%q is taken, but: %v", line, err)
		}
		if repeated {
			return
		}
		if len(want) != len(cells) {
			t.Fatalf("%q: %d keys, want %d", line, len(cells), len(want))
		}
		for k, v := range want {
			c := cells[k]
			ok := false
			switch v := v.(type) {
			case nil:
				ok = c.Absent
			case string:
				ok = c.Quoted && string(c.Text) == v
			case json.Number:
				ok = !c.Quoted && string(c.Text) == v.String()
			case bool:
				ok = !c.Quoted && string(c.Text) == fmt.Sprint(v)
			}
			if !ok {
				t.Fatalf("%q: key %q is %+v, want %v", line, k, c, v)
			}
		}
	})
}

// TestBlocks is FuzzRead on texts made at random, large enough for many blocks.
func TestBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for round := range 30 {
		var b strings.Builder
		b.WriteString("a,b,c\n")
		for range r.IntN(400) {
			for j := range 3 {
				if j > 0 {
					b.WriteByte(',')
				}
				switch r.IntN(6) {
				case 0:
					fmt.Fprintf(&b, "\"x\n%d\"\"\"", r.IntN(5))
				case 1:
					b.WriteString(" y ")
				case 2:
					b.WriteString("NA")
				default:
					fmt.Fprintf(&b, "%.*g", 1+r.IntN(18), r.NormFloat64())
				}
			}
			b.WriteString([]string{"\n", "\r\n", "\r", "\n\n"}[r.IntN(4)])
		}
		want := readIn(t, b.String(), Options{}, 1<<20, func(r io.Reader) io.Reader { return r })
		for _, block := range []int{1, 2, 3, 16, 100, 1000} {
			if got := readIn(t, b.String(), Options{}, block, func(r io.Reader) io.Reader { return r }); got != want {
				t.Fatalf("round %d, blocks of %d:\n%s\nwhole:\n%s", round, block, got, want)
			}
		}
	}
}
