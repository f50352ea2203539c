package parquet_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/dataset/parquet"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

var ctx = context.Background()

func options(o dataset.Options) dataset.Options {
	o.Formats = []dataset.Format{parquet.Format}
	return o
}

func open(t *testing.T, path string, o dataset.Options) *dataset.Table {
	t.Helper()
	table, err := dataset.Open(ctx, path, options(o))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return table
}

// same compares all that a table's users see of its columns.
func same(t *testing.T, got, want *dataset.Table) {
	t.Helper()
	if got.Rows != want.Rows || len(got.Columns) != len(want.Columns) {
		t.Fatalf("%d rows of %d columns, want %d of %d", got.Rows, len(got.Columns), want.Rows, len(want.Columns))
	}
	for i, w := range want.Columns {
		g := got.Columns[i]
		if g.Name != w.Name || g.Index != w.Index || g.Type != w.Type || g.Missing != w.Missing {
			t.Errorf("column %d: %s %v, %d missing; want %s %v, %d", i, g.Name, g.Type, g.Missing, w.Name, w.Type, w.Missing)
			continue
		}
		if !slices.Equal(g.Levels, w.Levels) || !slices.Equal(g.Counts, w.Counts) || !slices.Equal(g.First, w.First) || !slices.Equal(g.Codes, w.Codes) {
			t.Errorf("%s: levels %q %v %v, want %q %v %v", g.Name, g.Levels, g.Counts, g.First, w.Levels, w.Counts, w.First)
		}
		if fmt.Sprint(g.NA) != fmt.Sprint(w.NA) {
			t.Errorf("%s: missing %v, want %v", g.Name, g.NA, w.NA)
		}
		if g.Type != dataset.Numeric {
			continue
		}
		for row, v := range g.Numbers.Float64s() {
			if x := w.Numbers.At(row); v != x && !(math.IsNaN(v) && math.IsNaN(x)) {
				t.Errorf("%s, row %d: %v, want %v", g.Name, row, v, x)
				break
			}
		}
	}
	if got.Fingerprint() != want.Fingerprint() {
		t.Error("the fingerprints differ")
	}
}

// Every way in which pyarrow writes a table gives the table of the CSV it writes (testdata: bench/parquet_files.py, pyarrow 26.0.1).
func TestPyarrow(t *testing.T) {
	for _, o := range []dataset.Options{
		{},
		{Target: "y"},
		{Target: "flag", Types: map[string]dataset.Type{"whole": dataset.Levels, "large": dataset.Levels, "money": dataset.Levels}},
		{NA: []string{"", "7", "Oslo"}, Use: func(name string) bool { return name != "code" }},
	} {
		want := open(t, "testdata/plain.csv", o)
		for _, name := range []string{"plain", "v2", "old", "zstd", "brotli", "lz4", "none", "delta", "pages", "decimals", "dictionary"} {
			t.Run(name, func(t *testing.T) {
				got := open(t, "testdata/"+name+".parquet", o)
				if got.Format != "parquet" || got.Line(5) != 6 {
					t.Errorf("format %s, the sixth row is line %d", got.Format, got.Line(5))
				}
				same(t, got, want)
			})
		}
	}
}

// A pipe and a glob give what a file gives.
func TestSources(t *testing.T) {
	f, err := os.Open("testdata/plain.parquet")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := dataset.Read(ctx, "stdin", io.MultiReader(f), options(dataset.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	one := open(t, "testdata/plain.parquet", dataset.Options{})
	same(t, got, one)
	folder := t.TempDir()
	for i, name := range []string{"plain", "zstd"} {
		b, err := os.ReadFile("testdata/" + name + ".parquet")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("part%d.parquet", i)), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	two := open(t, filepath.Join(folder, "part*.parquet"), dataset.Options{Target: "flag"})
	if two.Rows != 2*one.Rows || two.Line(one.Rows) != 1 || !strings.HasSuffix(two.File(one.Rows), "part1.parquet") {
		t.Errorf("%d rows; the second file's first is %s:%d", two.Rows, two.File(one.Rows), two.Line(one.Rows))
	}
	city, _ := two.Column("city")
	if want, _ := one.Column("city"); city.Counts[0] != 2*want.Counts[0] || city.First[0] != want.First[0] {
		t.Errorf("level %q: %d rows, want twice %d", city.Levels[0], city.Counts[0], want.Counts[0])
	}
}

// Records are the cells that the CSV's records have.
func TestScanner(t *testing.T) {
	read := func(name string) (all [][]string) {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s, err := dataset.NewScanner(ctx, name, f, options(dataset.Options{Use: func(name string) bool { return name != "small" }}))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if !slices.Contains(s.Header, "small") {
			t.Errorf("header %v", s.Header)
		}
		for {
			r, err := s.Next()
			if err == io.EOF {
				return all
			}
			if err != nil {
				t.Fatal(err)
			}
			var row []string
			for i, c := range r.Cells {
				if s.Header[i] != "small" {
					row = append(row, string(c.Text))
				}
			}
			all = append(all, row)
		}
	}
	want := read("testdata/plain.csv")
	for _, name := range []string{"plain", "zstd", "pages", "delta"} {
		if got := read("testdata/" + name + ".parquet"); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %q, want %q", name, got[0], want[0])
		}
	}
}

func TestTimes(t *testing.T) {
	table := open(t, "testdata/times.parquet", dataset.Options{})
	for name, want := range map[string]string{"day": "2020-02-29", "second": "2020-02-29 00:00:35", "milli": "2020-02-29 00:00:35", "micro": "2020-02-29 00:00:35",
		"nano": "2020-02-29 00:00:35", "zone": "2020-02-29 00:00:35+00:00", "clock": "00:00:35"} {
		c, _ := table.Column(name)
		if c.Type != dataset.Levels || c.IsMissing(1) || c.Levels[c.Codes[1]] != want {
			t.Errorf("%s: %v %q, want %q", name, c.Type, c.Levels, want)
		}
	}
	numbers := func(name string) *dataset.Column {
		c, _ := table.Column(name)
		if c.Type != dataset.Numeric {
			t.Fatalf("%s is %v", name, c.Type)
		}
		return c
	}
	if v := numbers("half").Numbers.At(3); v != -2.25 {
		t.Errorf("half: %v", v)
	}
	if v := numbers("single").Numbers.At(1); v != float64(float32(0.1)) {
		t.Errorf("single: %v", v)
	}
	if c := numbers("empty"); c.Missing != 40 {
		t.Errorf("empty: %d missing", c.Missing)
	}
	old := open(t, "testdata/int96.parquet", dataset.Options{})
	c, _ := old.Column("micro")
	if m, _ := table.Column("micro"); !slices.Equal(c.Levels, m.Levels) || !slices.Equal(c.Codes, m.Codes) {
		t.Errorf("int96: %q, want %q", c.Levels, m.Levels)
	}
	if rows := open(t, "testdata/rows0.parquet", dataset.Options{}); rows.Rows != 0 || len(rows.Columns) != 2 {
		t.Errorf("%d rows of %d columns", rows.Rows, len(rows.Columns))
	}
}

func TestRefused(t *testing.T) {
	refused := func(o dataset.Options, want string) {
		t.Helper()
		if _, err := dataset.Open(ctx, "testdata/refused.parquet", options(o)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	only := func(names ...string) dataset.Options {
		return dataset.Options{Use: func(name string) bool { return slices.Contains(names, name) }}
	}
	refused(only("y", "x"), `refused.parquet:2:2: column "x": "+Inf" is an infinite value, not a number`)
	refused(only("y", "list"), `refused.parquet: column "list": a nested column: not read; leave it out`)
	refused(only("y", "struct"), `column "struct": a nested column`)
	refused(only("y", "bytes"), `column "bytes": a column of bytes, not text`)
	refused(dataset.Options{NA: []string{"-"}, Use: only("n").Use}, `refused.parquet:1:3: column "n": "NaN" is not a number`)
	refused(dataset.Options{Target: "label"}, `no column "label"; it has y, x, n, list, struct, bytes`)
	if table := open(t, "testdata/refused.parquet", only("y", "n")); table.Columns[1].Missing != 1 || table.Columns[1].NA[0].Text != "NaN" {
		t.Errorf("NaN: %+v", table.Columns[1])
	}
	if _, err := dataset.Open(ctx, "testdata/plain.csv", options(dataset.Options{Format: "parquet"})); err == nil || !strings.Contains(err.Error(), "not a Parquet file") {
		t.Error(err)
	}
	if _, err := dataset.Open(ctx, "testdata/plain.parquet", dataset.Options{}); err == nil || !strings.Contains(err.Error(), "Parquet") {
		t.Error("without the format: ", err)
	}
}

// Every table of the repository, written by parquet-go with typed columns, is read as it was.
func TestRoundTrip(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../testdata/*/*.csv", "../../testdata/*/*.csv.gz"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	done := 0
	for _, path := range files {
		want, err := dataset.Open(ctx, path, dataset.Options{})
		if err != nil || want.Rows == 0 {
			continue
		}
		done++
		t.Run(filepath.Base(path), func(t *testing.T) {
			for i, how := range [][]pq.WriterOption{
				{pq.DataPageVersion(1), pq.Compression(&pq.Snappy), pq.PageBufferSize(900), pq.MaxRowsPerRowGroup(200)},
				{pq.DataPageVersion(2), pq.Compression(&pq.Zstd)},
			} {
				var b bytes.Buffer
				write(t, &b, want, how...)
				got, err := dataset.Read(ctx, "copy", bytes.NewReader(b.Bytes()), options(dataset.Options{}))
				if err != nil {
					t.Fatalf("way %d: %v", i, err)
				}
				for k := range want.Columns { // the names are the writer's, the texts of missing values are gone
					want.Columns[k].Name = got.Columns[k].Name
					want.Columns[k].NA, got.Columns[k].NA = nil, nil
				}
				same(t, got, want)
			}
		})
	}
	if done < 15 {
		t.Errorf("only %d files", done)
	}
}

// write writes a table with typed columns.
func write(t *testing.T, w io.Writer, table *dataset.Table, how ...pq.WriterOption) {
	group := pq.Group{}
	name := func(i int) string { return fmt.Sprintf("%06d", i) } // parquet-go sorts a group's columns by name
	for i, c := range table.Columns {
		node := pq.Node(pq.Leaf(pq.DoubleType))
		switch c.Type {
		case dataset.Levels:
			if node = pq.String(); i%2 == 0 {
				node = pq.Encoded(node, &pq.RLEDictionary)
			}
		case dataset.Boolean:
			if node = pq.Leaf(pq.BooleanType); c.Levels[0] != "false" {
				node = pq.String()
			}
		}
		group[name(i)] = pq.Optional(node)
	}
	out := pq.NewGenericWriter[any](w, append(how, pq.NewSchema("table", group))...)
	for row := range table.Rows {
		var values pq.Row
		for i, c := range table.Columns {
			v := pq.NullValue()
			level := 0
			if !c.IsMissing(row) {
				level = 1
				switch c.Type {
				case dataset.Numeric:
					v = pq.DoubleValue(c.Numbers.At(row))
				case dataset.Boolean:
					if v = pq.BooleanValue(c.Codes[row] == 1); c.Levels[0] != "false" {
						v = pq.ByteArrayValue([]byte(c.Levels[c.Codes[row]]))
					}
				default:
					v = pq.ByteArrayValue([]byte(c.Levels[c.Codes[row]]))
				}
			}
			values = append(values, v.Level(0, level, i))
		}
		if _, err := out.WriteRows([]pq.Row{values}); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// read reads bytes as a table, and gives the bytes that it took on the way.
func read(b []byte) (taken uint64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = dataset.Read(ctx, "hostile", bytes.NewReader(b), options(dataset.Options{Format: "parquet"}))
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

// Whatever is cut off or changed: an error or a table, no panic, and little memory.
func TestDamaged(t *testing.T) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, 0))
	errors := 0
	files, err := filepath.Glob("testdata/*.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		try := func(b []byte, what string, n int) {
			taken, err := read(b)
			if err != nil {
				errors++
			}
			if taken > 100<<20 {
				t.Errorf("%s, %s %d: %d MiB for %d bytes (%v)", name, what, n, taken>>20, len(b), err)
			}
		}
		for range 20 {
			n := r.IntN(len(whole))
			if _, err := read(whole[:n]); err == nil {
				t.Errorf("%s cut at %d is read", name, n)
			}
		}
		for range 150 {
			b := bytes.Clone(whole)
			at := r.IntN(len(b))
			if r.IntN(2) == 0 { // in the footer, where most is said
				length := int(binary.LittleEndian.Uint32(whole[len(whole)-8:]))
				at = len(b) - 8 - length + r.IntN(length)
			}
			for range 1 + r.IntN(3) {
				b[min(at+r.IntN(4), len(b)-1)] = byte(r.Uint32())
			}
			try(b, "changed at", at)
		}
	}
	if errors < 200 {
		t.Errorf("only %d of the changes are errors", errors)
	}
}

// What a few bytes claim is not believed.
func TestClaims(t *testing.T) {
	claim := func(m format.FileMetaData, want string) {
		t.Helper()
		footer, err := thrift.Marshal(&thrift.CompactProtocol{}, &m)
		if err != nil {
			t.Fatal(err)
		}
		b := append([]byte("PAR1"), footer...)
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(footer))), "PAR1"...)
		if taken, err := read(b); err == nil || !strings.Contains(err.Error(), want) || taken > 1<<20 {
			t.Errorf("%v, want %q; %d bytes", err, want, taken)
		}
	}
	schema := func(children int32) []format.SchemaElement {
		return []format.SchemaElement{{Name: "root", NumChildren: thrift.New(children)}, {Name: "x", Type: thrift.New(format.Double)}}
	}
	rows := func(n, chunks int) []format.RowGroup {
		chunk := format.ColumnChunk{MetaData: format.ColumnMetaData{Type: format.Double, NumValues: int64(n), TotalCompressedSize: 1 << 40, DataPageOffset: 4, PathInSchema: []string{"x"}, Encoding: []format.Encoding{0}}}
		return []format.RowGroup{{NumRows: int64(n), Columns: slices.Repeat([]format.ColumnChunk{chunk}, chunks)}}
	}
	claim(format.FileMetaData{Schema: schema(1), NumRows: 1 << 40, RowGroups: rows(1<<40, 1)}, "claims 1099511627776 rows of 1 columns")
	claim(format.FileMetaData{Schema: schema(1), NumRows: 5, RowGroups: rows(7, 1)}, "5 rows, its row groups have 7")
	claim(format.FileMetaData{Schema: schema(1), NumRows: 7, RowGroups: rows(7, 2)}, "a row group of 2 columns, the schema has 1")
	claim(format.FileMetaData{Schema: schema(1), NumRows: 7, RowGroups: rows(7, 1)}, "a column chunk from 4 to")
	claim(format.FileMetaData{Schema: schema(1 << 30), RowGroups: []format.RowGroup{}}, "its schema is cut off")
	// A list of 2^31 elements, and structs in structs without end.
	for name, footer := range map[string][]byte{"list": []byte("\x29\xfc\xff\xff\xff\xff\x07"), "deep": bytes.Repeat([]byte("\x1c"), 1<<16)} {
		b := append([]byte("PAR1"), footer...)
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(footer))), "PAR1"...)
		if taken, err := read(b); err == nil || !strings.Contains(err.Error(), "metadata") || taken > 1<<20 {
			t.Errorf("%s: %v; %d bytes", name, err, taken)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"times", "refused", "rows0", "int96"} {
		b, err := os.ReadFile("testdata/" + name + ".parquet")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if taken, err := read(b); taken > 600<<20 {
			t.Errorf("%d MiB for %d bytes (%v)", taken>>20, len(b), err)
		}
	})
}
