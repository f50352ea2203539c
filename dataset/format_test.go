package dataset

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestLongFirstLine: a first line longer than the sample is told by the words of it that are in the sample.
func TestLongFirstLine(t *testing.T) {
	const columns = 9000
	join := func(delim string, cell func(int) string) string {
		var b strings.Builder
		for i := range columns {
			if i > 0 {
				b.WriteString(delim)
			}
			b.WriteString(cell(i))
		}
		return b.String()
	}
	name := func(i int) string { return fmt.Sprintf("column%d", i+1) }
	quoted := func(i int) string { return fmt.Sprintf("%q", "a, b; c"+name(i)) }
	one := func(int) string { return "1" }
	pair := func(i int) string { return fmt.Sprintf("%d:0.25", i+1) }
	object := func(i int) string { return fmt.Sprintf("%q: %d", name(i), i) }
	comment := "# " + strings.Repeat("a comment: 1:2 ", 1<<13) + "\n"
	for _, c := range []struct{ what, text, format string }{
		{"libsvm", "1 " + join(" ", pair) + "\n0 1:2\n", LIBSVM},
		{"libsvm, no line end", "1 " + join(" ", pair), LIBSVM},
		{"libsvm, mark and comment", "\xef\xbb\xbf1 qid:3 " + join(" ", pair) + " # " + name(1) + "\n", LIBSVM},
		{"libsvm, tabs", "+1\t" + join("\t", pair) + "\r\n-1\t1:1\r\n", LIBSVM},
		{"libsvm after labels alone", "1\n0\n1 " + join(" ", pair) + "\n", LIBSVM},
		{"libsvm after a comment", comment + "1 " + join(" ", pair) + "\n", ""},
		{"jsonl", "{" + join(", ", object) + "}\n{" + join(",", object) + "}\n", JSONL},
		{"csv", join(",", name) + "\n" + join(",", one) + "\n", CSV},
		{"tsv", join("\t", name) + "\n" + join("\t", one) + "\n", TSV},
		{"tsv, cut in quotes", join("\t", quoted) + "\n" + join("\t", one) + "\n", TSV},
		{"semicolon, cut in quotes", join(";", quoted) + "\n" + join(";", one) + "\n", Semicolon},
		{"csv of numbers", join(",", func(i int) string { return fmt.Sprint(i + 1000000) }) + "\n", CSV},
		{"csv of times", join(",", func(i int) string { return fmt.Sprintf("%d:%02d", i, i%60) }) + "\n" + join(",", one) + "\n", CSV},
	} {
		if len(c.text) <= sampleSize {
			t.Fatalf("%s: only %d bytes", c.what, len(c.text))
		}
		table, err := read(t, c.text, Options{})
		s, scanErr := NewScanner(t.Context(), "t", strings.NewReader(c.text), Options{})
		if c.format == "" { // nothing but a comment can be seen: an error, no wrong table
			if err == nil {
				t.Errorf("%s: read as %s", c.what, table.Format)
			}
			continue
		}
		if err != nil || scanErr != nil {
			t.Errorf("%s: %.200v, scanner: %.200v", c.what, err, scanErr)
			continue
		}
		if table.Format != c.format || s.Format != c.format {
			t.Errorf("%s: read as %s, scanned as %s", c.what, table.Format, s.Format)
		}
		features := len(table.Columns)
		if c.format == LIBSVM {
			features = len(table.Sparse.Features)
		}
		if features != columns {
			t.Errorf("%s: %d features", c.what, features)
		}
	}
}

// TestHeaderLimits: what is wrong with a header is told at its place, and costs no more memory than the line.
func TestHeaderLimits(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	commas := strings.Repeat(",", 5<<20) + "\n"
	var many strings.Builder
	for i := range maxColumns + 1 {
		fmt.Fprintf(&many, ",%x", i)
	}
	wide := many.String()[1:]
	keys := strings.ReplaceAll(`"`+wide+`"`, ",", `":1,"`)
	for _, c := range []struct {
		text, want string
		o          Options
	}{
		{commas, "t:1:1: the column has no name", Options{}},
		{"a,b" + commas, "t:1:3: the column has no name", Options{}},
		{commas, "t:1:262145: more than 262144 columns", Options{NoHeader: true}},
		{wide + "\n", "t:1:262145: more than 262144 columns", Options{}},
		{"{" + keys + ":1}\n", "t:1:262145: more than 262144 columns", Options{}},
		{"a,b\n\"\"" + commas, "t:2: wrong number of fields: the row has 5242881, the header has 2", Options{}},
		{"a,b,\"c\" d\n", "t:1:3: text after the closing quote", Options{}},
		{"a,1,a,2,3\n", `t:1:3: duplicate column name "a": columns 1 and 3 have it; if the first line is data: --no-header`, Options{}},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := read(t, c.text, c.o)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%.20q: %v, want %s", c.text, err, c.want)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 128<<20 {
			t.Errorf("%.20q: %d MiB allocated", c.text, used>>20)
		}
	}
}

// raceEnabled is set by race_test.go.
var raceEnabled bool
