package dataset

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func read(t *testing.T, text string, o Options) (*Table, error) {
	t.Helper()
	return Read(t.Context(), "t", strings.NewReader(text), o)
}

func mustRead(t *testing.T, text string, o Options) *Table {
	t.Helper()
	table, err := read(t, text, o)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return table
}

// show writes a table in one line, for comparing.
func show(t *Table) string {
	var b strings.Builder
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "%s:%s[", c.Name, c.Type)
		for row := range t.Rows {
			if row > 0 {
				b.WriteByte(' ')
			}
			switch {
			case c.IsMissing(row):
				b.WriteByte('-')
			case c.Type == Numeric:
				fmt.Fprintf(&b, "%v", c.Numbers.At(row))
			default:
				fmt.Fprintf(&b, "%q", c.Levels[c.Code(row)])
			}
		}
		b.WriteString("] ")
	}
	if s := t.Sparse; s != nil {
		for row := range t.Rows {
			b.WriteByte('{')
			for k := s.Start[row]; k < s.Start[row+1]; k++ {
				fmt.Fprintf(&b, "x%d=%v ", s.Features[s.Index[k]], s.Values.At(k))
			}
			b.WriteString("} ")
		}
	}
	return strings.TrimSpace(b.String())
}

// TestBad reads every file of the catalogue of bad inputs: what is wrong with the file itself is an error at its place, and
// what is for others to say (labels, separation, …) is read.
func TestBad(t *testing.T) {
	wrong := map[string]string{ // file → error, without the folder
		"zero_bytes.csv":           `zero_bytes.csv: the file is empty`,
		"short_row.csv":            `short_row.csv:5: wrong number of fields: the row has 2, the header has 4`,
		"same_name_twice.csv":      `same_name_twice.csv:1:2: duplicate column name "hours": columns 1 and 2 have it`,
		"bad_cell_after_blank.csv": `bad_cell_after_blank.csv:8:1: column "hours": "abc" is not a number; --categorical hours reads the column as levels`,
		"open_quote.csv":           `open_quote.csv:9:3: column "school": a quote opens here and is never closed`,
		"wide_chars.csv":           `wide_chars.csv: this is text in the encoding UTF-16; convert it, for example with iconv -t UTF-8`,
		"comma_decimal.csv": `comma_decimal.csv:2:1: column "hours": "7,92" is not a number: it has a decimal comma; write plain decimals, or --categorical hours reads the column as levels
comma_decimal.csv:2:2: column "score": "82,5" is not a number: it has a decimal comma; write plain decimals, or --categorical score reads the column as levels`,
		"infinite.csv":    `infinite.csv:12:1: column "hours": "+Inf" is an infinite value, not a number; --categorical hours reads the column as levels`,
		"hexadecimal.csv": `hexadecimal.csv:4:1: column "hours": "0x10" is not a number: hexadecimal is not read; --categorical hours reads the column as levels`,
		"late_text.csv":   `late_text.csv:120:1: column "hours": "7.5h" is not a number; --categorical hours reads the column as levels`,
		"short.csv.gz":    `short.csv.gz: the gzip data is truncated (unexpected EOF); nothing of it was used`,
	}
	shape := map[string][2]int{ // file → rows, columns
		"train_ok.csv": {80, 4}, "only_header.csv": {0, 4}, "mark_and_crlf.csv": {40, 4}, "blank_cell.csv": {25, 4}, "not_a_number.csv": {25, 4},
		"three_classes.csv": {30, 4}, "single_class.csv": {30, 4}, "word_labels.csv": {60, 4}, "separable.csv": {20, 2}, "separable_level.csv": {80, 3},
		"flat_column.csv": {60, 3}, "copied_column.csv": {60, 3}, "far_scales.csv": {120, 3}, "predict_good.csv": {8, 3}, "predict_shuffled.csv": {8, 3},
		"predict_no_score.csv": {8, 2}, "predict_new_level.csv": {8, 3},
	}
	index, err := os.Open("../testdata/bad/bad.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	lines := csv.NewReader(index)
	lines.Comma, lines.LazyQuotes = '\t', true
	records, err := lines.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, r := range records[1:] {
		file, command, label := r[0], r[4], r[5]
		o := Options{Target: label}
		if command == "predict" {
			o.Target = ""
		} else if command != "train" {
			continue
		}
		tried++
		table, err := Open(t.Context(), filepath.Join("../testdata/bad", file), o)
		if want, ok := wrong[file]; ok {
			if got := strings.ReplaceAll(fmt.Sprint(err), filepath.Join("../testdata/bad")+string(filepath.Separator), ""); got != want {
				t.Errorf("%s:\n got %s\nwant %s", file, got, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		} else if got := [2]int{table.Rows, len(table.Columns)}; got != shape[file] {
			t.Errorf("%s: %d rows and %d columns, want %v", file, got[0], got[1], shape[file])
		}
	}
	if tried != len(wrong)+len(shape) {
		t.Errorf("%d files tried, %d expectations", tried, len(wrong)+len(shape))
	}

	table, err := Open(t.Context(), "../testdata/bad/not_a_number.csv", Options{Target: "passed"})
	if err != nil {
		t.Fatal(err)
	}
	score, _ := table.Column("score")
	if row, text, ok := score.FirstMissing(); !ok || text != "NaN" || table.Line(row) != 11 {
		t.Errorf("not_a_number.csv: first missing %q on line %d", text, table.Line(row))
	}
	table, err = Open(t.Context(), "../testdata/bad/three_classes.csv", Options{Target: "passed"})
	if err != nil {
		t.Fatal(err)
	}
	passed, _ := table.Column("passed")
	if !reflect.DeepEqual(passed.Levels, []string{"0", "1", "maybe"}) || table.Line(passed.First[2]) != 16 {
		t.Errorf("three_classes.csv: levels %v, the third on line %d", passed.Levels, table.Line(passed.First[2]))
	}
}

// TestDegenerate reads every file of that set; those that only look different from baseline.csv have its fingerprint.
func TestDegenerate(t *testing.T) {
	wrong := map[string]string{
		"empty.csv":        `empty.csv: the file is empty`,
		"no_features.csv":  `no_features.csv:1:1: column "y": no column but the target`,
		"inf.csv":          `inf.csv:8:2: column "x2": "inf" is an infinite value, not a number; --categorical x2 reads the column as levels`,
		"ragged.csv":       `ragged.csv:5: wrong number of fields: the row has 5, the header has 4`,
		"text_cell.csv":    `text_cell.csv:4:1: column "x1": "abc" is not a number; --categorical x1 reads the column as levels`,
		"bad_pair.libsvm":  `bad_pair.libsvm:2: column "x2": "x" is not a number`,
		"dup_index.libsvm": `dup_index.libsvm:1: column "x1": the index 1 is there twice`,
		"unsorted.libsvm":  "unsorted.libsvm:1: column \"x1\": the index 1 comes after 3; indices ascend\nunsorted.libsvm:4: column \"x1\": the index 1 comes after 3; indices ascend",
	}
	missing := map[string]struct {
		column, text string
		line         int
	}{
		"nan.csv": {"x2", "NaN", 6}, "empty_cell.csv": {"x1", "", 10}, "label_missing.csv": {"y", "", 7}, "all_missing.csv": {"x4", "", 2},
	}
	dir := "../testdata/degenerate"
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct{ Cases []struct{ File string } }
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	prints := map[string][32]byte{}
	for _, c := range index.Cases {
		table, err := Open(t.Context(), filepath.Join(dir, c.File), Options{Target: "y"})
		if want, ok := wrong[c.File]; ok {
			if got := strings.ReplaceAll(fmt.Sprint(err), filepath.Join(dir)+string(filepath.Separator), ""); got != want {
				t.Errorf("%s:\n got %s\nwant %s", c.File, got, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.File, err)
			continue
		}
		prints[c.File] = table.Fingerprint()
		for _, column := range table.Columns {
			if want := missing[c.File]; column.Missing > 0 {
				if row, text, ok := column.FirstMissing(); !ok || column.Name != want.column || text != want.text || table.Line(row) != want.line {
					t.Errorf("%s: missing %q in %s on line %d, want %+v", c.File, text, column.Name, table.Line(row), want)
				}
			}
		}
	}
	if len(index.Cases) != 46 {
		t.Errorf("%d cases, want 46", len(index.Cases))
	}
	for _, same := range []string{"bom_crlf.csv", "no_final_newline.csv", "quoted.csv", "tabs.tsv", "blank_lines.csv", "spaces.csv"} {
		if prints[same] != prints["baseline.csv"] {
			t.Errorf("%s differs from baseline.csv", same)
		}
	}
	for _, other := range []string{"labels_one_two.csv", "label_2.csv", "constant_column.csv", "exponents.csv"} {
		if prints[other] == prints["baseline.csv"] {
			t.Errorf("%s has the fingerprint of baseline.csv", other)
		}
	}
	table, err := Open(t.Context(), filepath.Join(dir, "index0.libsvm"), Options{})
	if err != nil || len(table.Findings) != 1 || table.Findings[0].Code != "W-index" || show(table) != `label:levels["+1" "-1"] {x0=2 x1=1 } {x1=1 }` {
		t.Errorf("index0.libsvm: %v %v", table, err)
	}
}

func TestRead(t *testing.T) {
	levels := map[string]Type{"a": Levels}
	for _, c := range []struct {
		name, text string
		o          Options
		want       string // show, or the error
	}{
		{"numbers as they are written", "a\n+5\n.5\n5.\n1E+1\n-0\n007\n", Options{}, "a:numeric[5 0.5 5 10 0 7]"},
		{"exactly half are numbers", "a,b\n1,x\nx,x\n", Options{}, `t:3:1: column "a": "x" is not a number; --categorical a reads the column as levels`},
		{"less than half", "a,b\n1,x\nx,x\ny,x\n", Options{}, `a:levels["1" "x" "y"] b:levels["x" "x" "x"]`},
		{"texts of numbers come back as they were", "a\n007\n1.50\n-0\n+3\n1e5\n0.10\n1234567890123456789\nx\ny\nz\nx1\nx2\nx3\nx4\nx5\n", Options{},
			`a:levels["007" "1.50" "-0" "+3" "1e5" "0.10" "1234567890123456789" "x" "y" "z" "x1" "x2" "x3" "x4" "x5"]`},
		{"missing cells do not count", "a,b\n1,p\n,p\n,p\nNA,p\n", Options{}, `a:numeric[1 - - -] b:levels["p" "p" "p" "p"]`},
		{"forced levels", "a\n1\n2\n01\n", Options{Types: levels}, `a:levels["1" "2" "01"]`},
		{"forced numbers", "a\nx\ny\n1\n", Options{Types: map[string]Type{"a": Numeric}}, "t:2:1: column \"a\": \"x\" is not a number\nt:3:1: column \"a\": \"y\" is not a number"},
		{"forced boolean", "a\nyes\nmaybe\n", Options{Types: map[string]Type{"a": Boolean}}, `t:3:1: column "a": "maybe" is not one of true/false, t/f, yes/no, y/n`},
		{"forced boolean that is one", "a\nyes\n\nYES\n", Options{Types: map[string]Type{"a": Boolean}}, `a:boolean["yes" - "yes"]`},
		{"a forced column that is not there", "abc\n1\n", Options{Types: map[string]Type{"abd": Levels}}, `t:1: no column "abd"; it has abc; did you mean "abc"?`},
		{"too large", "a\n1\n2\n1e999\n", Options{}, `t:4:1: column "a": "1e999" is too large for a number (float64 ends near 1.8e308); --categorical a reads the column as levels`},
		{"too large counts as a number", "a\n1e999\nx\n", Options{}, "t:2:1: column \"a\": \"1e999\" is too large for a number (float64 ends near 1.8e308); --categorical a reads the column as levels\nt:3:1: column \"a\": \"x\" is not a number"},
		{"too large is a text elsewhere", "a\n1e999\nx\ny\n", Options{}, `a:levels["1e999" "x" "y"]`},
		{"underscores", "a\n1\n1_000\n", Options{}, `t:3:1: column "a": "1_000" is not a number: underscores are not read; --categorical a reads the column as levels`},
		{"thousands", "a\n\"1,234\"\n\"2,345\"\n7\n", Options{}, `t:2:1: column "a": "1,234" is not a number: it has a thousands separator; write plain decimals, or --categorical a reads the column as levels`},
		{"per cent", "a\n1%\n2%\n", Options{}, `t:2:1: column "a": "1%" is not a number: it has a % sign; write plain decimals, or --categorical a reads the column as levels`},
		{"currency", "a\nn/k\n$2\n$3\n", Options{}, `t:3:1: column "a": "$2" is not a number: it has a currency sign; write plain decimals, or --categorical a reads the column as levels`},
		{"a few decorated texts are levels", "a\n<5%\n5%\nmore\nless\nall\n", Options{}, `a:levels["<5%" "5%" "more" "less" "all"]`},
		{"decorated, but forced", "a\n1%\n2%\n", Options{Types: levels}, `a:levels["1%" "2%"]`},

		{"true and false", "a\ntrue\nFALSE\nTrue\n", Options{}, `a:boolean["true" "false" "true"]`},
		{"t and f", "a\nt\nF\n", Options{}, `a:boolean["t" "f"]`},
		{"y and n", "a\ny\nN\n", Options{}, `a:boolean["y" "n"]`},
		{"one side", "a\nyes\nyes\n", Options{}, `a:boolean["yes" "yes"]`},
		{"two pairs", "a\nyes\nno\ntrue\n", Options{}, `t:4:1: column "a": "true" belongs to true/false, but the column begins with yes/no; a boolean column has one pair`},
		{"yes beside y", "a\ny\nyes\n", Options{}, `t:3:1: column "a": "yes" belongs to yes/no, but the column begins with y/n; a boolean column has one pair`},
		{"a pair beside 0 and 1", "a\nyes\nno\nno\n0\nno\n", Options{}, `t:5:1: column "a": "0" belongs to 0/1, but the column begins with yes/no; a boolean column has one pair`},
		{"0 and 1 beside a pair", "a\n0\n1\n1\ntrue\n", Options{}, `t:5:1: column "a": "true" belongs to true/false, but the column begins with 0/1; a boolean column has one pair`},
		{"0 and 1 later", "a\ntrue\n1\n1\n1\n", Options{}, `t:3:1: column "a": "1" belongs to 0/1, but the column begins with true/false; a boolean column has one pair`},
		{"a pair and another word", "a\nyes\nno\nmaybe\n", Options{}, `a:levels["yes" "no" "maybe"]`},
		{"a pair and another number", "a\nyes\nno\n2\n", Options{}, `a:levels["yes" "no" "2"]`},
		{"target with two pairs", "y,a\nyes,1\nfalse,1\n", Options{Target: "y"}, `t:3:1: column "y": "false" belongs to true/false, but the column begins with yes/no; a boolean column has one pair`},
		{"target with 0.0", "y,a\n0,1\n0.0,1\n1,1\n", Options{Target: "y"}, `y:levels["0" "0.0" "1"] a:numeric[1 1 1]`},
		{"target in quotes", "y,a\n\" no \",1\nyes,1\n", Options{Target: "y"}, `y:levels["no" "yes"] a:numeric[1 1]`},

		{"missing texts", "a\nNA\nn/a\nNaN\nNULL\nNone\n?\n.\n\"\"\nx\n", Options{}, `a:levels[- - - - - - - - "x"]`},
		{"own missing texts", "a\n-999\nNA\n5\nx\ny\n", Options{NA: []string{"-999"}}, `a:levels[- "NA" "5" "x" "y"]`},
		{"a number that means missing", "a\n-999\n4\n", Options{NA: []string{"-999"}}, `a:numeric[- 4]`},
		{"only the empty cell is missing", "a,b\nNA,1\n,2\n", Options{NA: []string{}}, `a:levels["NA" -] b:numeric[1 2]`},

		{"columns that are not used give no errors", "a,b,c\n1,x,3\n2,5,4\n3,6,5\n4,\xff,6\n", Options{Use: func(n string) bool { return n != "b" }}, "a:numeric[1 2 3 4] c:numeric[3 4 5 6]"},
		{"the target is always used", "a,y\n1,x\n", Options{Target: "y", Use: func(n string) bool { return n == "a" }}, `a:numeric[1] y:levels["x"]`},

		{"semicolons", "a;b\n1,5;x\n", Options{}, `t:2:1: column "a": "1,5" is not a number: it has a decimal comma; write plain decimals, or --categorical a reads the column as levels`},
		{"pipes", "a|b\n1|x,y\n", Options{}, `a:numeric[1] b:levels["x,y"]`},
		{"tabs", "a\tb\n1\t x \n", Options{}, `a:numeric[1] b:levels["x"]`},
		{"tabs with an empty last cell", "a\tb\n1\t\n\t\n", Options{}, `a:numeric[1 -] b:numeric[- -]`},
		{"two delimiters in the header", "a;b,c\n1,2\n3,4\n", Options{}, `a;b:numeric[1 3] c:numeric[2 4]`},
		{"a delimiter in quotes", "\"a;b\",c\n1,2\n", Options{}, `a;b:numeric[1] c:numeric[2]`},
		{"format given", "a;b,c\n1;2\n", Options{Format: Semicolon}, `a:numeric[1] b,c:numeric[2]`},
		{"format not known", "a\n1\n", Options{Format: "tvs"}, `unknown format "tvs"; there are csv, tsv, semicolon, pipe, libsvm, jsonl; did you mean "tsv"?`},
		{"no header", "1,x\n2,y\n", Options{NoHeader: true}, `x1:numeric[1 2] x2:levels["x" "y"]`},
		{"no header and a short row", "1,x\n2\n", Options{NoHeader: true}, `t:2: wrong number of fields: the row has 1, the first row has 2`},

		{"quoted", "a,b\n\"x, \"\"y\"\"\",\"1\"\n z , 2 \n\" q \",3\n", Options{}, `a:levels["x, \"y\"" "z" " q "] b:numeric[1 2 3]`},
		{"blanks around quotes", "a,b\n \"x,y\" , \"1\"\n", Options{}, `a:levels["x,y"] b:numeric[1]`},
		{"a number with blanks in quotes", "a\n\" 5 \"\n6\n", Options{}, "a:numeric[5 6]"},
		{"quoted line ends", "a,b\n\"x\ny\",1\n\"x\r\ny\",2\n\"\n\n\",z\n", Options{}, `t:8:2: column "b": "z" is not a number; --categorical b reads the column as levels`},
		{"a quote inside a cell", "a,b\n5'11\",1\n", Options{}, `a:levels["5'11\""] b:numeric[1]`},
		{"text after the closing quote", "a,b\n1,\"x\"y\n", Options{}, `t:2:2: column "b": text after the closing quote: "y"`},
		{"a quote that closes on a later line", "a,b\n1,\"x\n2,\"y\"\n", Options{}, `t:2:2: column "b": a quote opens here and closes on line 3, with "y\"" after it`},
		{"an open quote after lines in quotes", "a,b\n\"1\n\n\",\"x\n2,y\n", Options{}, `t:4:2: column "b": a quote opens here and is never closed`},
		{"an open quote in the header", "a,\"b\n1,2\n", Options{}, `t:1:2: a quote opens here and is never closed`},
		{"CR", "a,b\r1,2\r3,x\r", Options{}, `t:3:2: column "b": "x" is not a number; --categorical b reads the column as levels`},
		{"CR LF", "a,b\r\n1,2\r\n\r\n3,4", Options{}, `a:numeric[1 3] b:numeric[2 4]`},
		{"CR alone at the end", "a,b\n1,2\r", Options{}, `a:numeric[1] b:numeric[2]`},
		{"mark", "\xef\xbb\xbfa,b\n1,2\n", Options{}, `a:numeric[1] b:numeric[2]`},
		{"mark before a quote", "\xef\xbb\xbf\"a\",b\n1,2\n", Options{}, `a:numeric[1] b:numeric[2]`},
		{"blank lines count", "\n\na,b\n\n1,2\n   \n3\n", Options{}, `t:7: wrong number of fields: the row has 1, the header has 2`},
		{"blank lines of one column are cells", "a\n1\n\n\n2\n\n\n", Options{}, `a:numeric[1 - - 2]`},
		{"short and long rows", "a,b\n1\n1,2\n1,2,3\n", Options{}, "t:2: wrong number of fields: the row has 1, the header has 2\nt:4: wrong number of fields: the row has 3, the header has 2"},
		{"an empty name", "a,,c\n1,2,3\n", Options{}, `t:1:2: the column has no name`},
		{"equal names", "a,b,a\n1,2,3\n", Options{}, `t:1:3: duplicate column name "a": columns 1 and 3 have it`},
		{"data for a header", "1,2,2\n3,4,5\n", Options{}, `t:1:3: duplicate column name "2": columns 2 and 3 have it; if the first line is data: --no-header`},
		{"no target", "a,b\n1,2\n", Options{Target: "outcome"}, `t:1: no column "outcome"; it has a, b`},
		{"only the target", "y\n1\n", Options{Target: "y"}, `t:1:1: column "y": no column but the target`},
		{"NUL", "a,b\nx,1\nx\x00y,2\n", Options{}, `t:3:1: column "a": a NUL byte, so this is not text: "x\x00y"`},
		{"NUL in a number", "a,b\nx,1\ny,2\x00\nz,4\n", Options{}, `t:3:2: column "b": a NUL byte, so this is not text: "2\x00"`},
		{"NUL in the header", "a,b\x00\nx,1\n", Options{}, `t:1:2: the column's name "b\x00" holds a NUL byte`},
		{"not UTF-8", "a,b\nx,1\ncaf\xe9,2\n", Options{}, `t:3:1: column "a": not UTF-8 text (convert the file, for example with iconv -t UTF-8): "caf\xe9"`},
		{"eleven errors", "a\n" + strings.Repeat("1\n", 20) + strings.Repeat("x\n", 12), Options{}, `t:22:1: column "a": "x" is not a number; --categorical a reads the column as levels
` + lines(23, 31, `t:%d:1: column "a": "x" is not a number`) + "and 2 more errors"},
		{"errors in the order of the file", "a,b\n1,2\nx,3\n2,y\n3,4\n5\n", Options{}, `t:3:1: column "a": "x" is not a number; --categorical a reads the column as levels
t:4:2: column "b": "y" is not a number; --categorical b reads the column as levels
t:6: wrong number of fields: the row has 1, the header has 2`},

		{"libsvm", "+1 1:0.5 3:2 # a comment\n\n-1\t2:1e-1\t\n1\n", Options{}, `label:levels["+1" "-1" "1"] {x1=0.5 x3=2 } {x2=0.1 } {}`},
		{"libsvm without a label", "1:1 2:2\n+1 1:1\n", Options{}, `label:levels[- "+1"] {x1=1 x2=2 } {x1=1 }`},
		{"libsvm with labels alone first", "1\n0\n1 1:2\n", Options{Target: "y"}, `y:levels["1" "0" "1"] {} {} {x1=2 }`},
		{"libsvm, some used", "1 1:2 2:3 4:5\n0 2:1\n", Options{Use: func(n string) bool { return n != "x2" }}, `label:levels["1" "0"] {x1=2 x4=5 } {}`},
		{"libsvm, the largest index", "1 1:2 2147483647:3\n", Options{}, `label:levels["1"] {x1=2 x2147483647=3 }`},
		{"libsvm, an index too large", "1 1:2\n1 2147483648:3\n", Options{}, `t:2: the index 2147483648 is above the limit of 2147483647`},
		{"libsvm, an index far too large", "1 1:2 99999999999999999999999:3\n", Options{}, `t:1: the index 99999999999999999999999 is above the limit of 2147483647`},
		{"libsvm, a negative index", "1 1:2\n0 -3:3\n", Options{}, `t:2: "-3:3" has an index with a sign; indices are 1, 2, 3 …`},
		{"libsvm, no pair", "1 1:2\n0 2:1 abc\n", Options{}, `t:2: "abc" is not index:value`},
		{"libsvm, no value", "1 1:2\n0 2: 3:1\n", Options{}, `t:2: column "x2": a value is missing after "2:"`},
		{"libsvm, nan", "1 1:2\n0 2:nan\n", Options{}, `t:2: column "x2": "nan" is not a number`},
		{"libsvm, too large a value", "1 1:2\n0 2:1e999\n", Options{}, `t:2: column "x2": "1e999" is too large for a number (float64 ends near 1.8e308)`},
		{"libsvm, qid", "3 qid:1 1:2\n1 qid:1 1:3\n", Options{}, `label:levels["3" "1"] {x1=2 } {x1=3 }`},
		{"libsvm with CR LF", "1 1:2\r\n0 2:3\r\n", Options{}, `label:levels["1" "0"] {x1=2 } {x2=3 }`},

		{"jsonl", `{"a":1,"b":"x","c":true}` + "\n" + `{"c":false,"a":2.5e0}` + "\n\n" + `{"a":null,"b":"","c":null}`, Options{}, `a:numeric[1 2.5 -] b:levels["x" - -] c:boolean["true" "false" -]`},
		{"jsonl with escapes", `{"a\u0062":"x\n\u00e9\ud83d\ude00\"\\"}`, Options{}, `ab:levels["x\né😀\"\\"]`},
		{"jsonl, an unknown key", `{"age":1}` + "\n" + `{"agr":2}` + "\n", Options{}, `t:2: unknown key "agr"; the first line has age; did you mean "age"?`},
		{"jsonl, a key in another case", `{"age":1}` + "\n" + `{"Age":2}` + "\n", Options{}, `t:2: the key "Age" differs from "age" of the first line in its case`},
		{"jsonl, a repeated key", `{"a":1,"b":1}` + "\n" + `{"a":2,"a":3}` + "\n", Options{}, `t:2: the key "a" is repeated`},
		{"jsonl, a repeated key in the first line", `{"a":1,"a":1}`, Options{}, `t:1: the key "a" is repeated`},
		{"jsonl, a repeated key with null", `{"a":1}` + "\n" + `{"a":null,"a":3}`, Options{}, `t:2: the key "a" is repeated`},
		{"jsonl, nested", `{"a":1,"b":1}` + "\n" + `{"a":2,"b":[1]}` + "\n", Options{}, `t:2:2: column "b": a nested value; only numbers, strings, true, false and null are read`},
		{"jsonl, a stray text", `{"a":1}` + "\n" + `{"a":"x"}` + "\n", Options{}, `t:2:1: column "a": "x" is not a number; --categorical a reads the column as levels`},
		{"jsonl, not closed", `{"a":1}` + "\n" + `{"a":2` + "\n" + `{"a":3}`, Options{}, `t:2: the object is not closed on its line: expected "," or "}"`},
		{"jsonl, two objects", `{"a":1}{"a":2}`, Options{}, `t:1: text after the object: "{\"a\":2}"`},
		{"jsonl, a trailing comma", `{"a":1,}`, Options{}, `t:1: malformed JSON at character 8: expected a key in quotes, found "}"`},
		{"jsonl, a number with a plus", `{"a":1}` + "\n" + `{"a":+1}`, Options{}, `t:2:1: column "a": malformed JSON at character 6: expected a value, found "+1}"`},
		{"jsonl, a number with a zero", `{"a":1}` + "\n" + `{"a":01}`, Options{}, `t:2:1: column "a": malformed number at character 6: "01}"`},
		{"jsonl, NaN", `{"a":1}` + "\n" + `{"a":NaN}`, Options{}, `t:2:1: column "a": malformed JSON at character 6: expected a value, found "NaN}"`},
		{"jsonl, half a character", `{"a":"\ud800"}`, Options{}, `t:1:1: column "a": malformed JSON at character 7: the escape "\\ud800\"}" is half a character`},
		{"jsonl, another line", `{"a":1}` + "\nx\n", Options{}, `t:2: not a JSON object: the line begins with "x"`},
		{"jsonl, no keys", `{}`, Options{}, `t:1: the first object has no keys, so there are no columns`},
		{"jsonl, target", `{"a":1,"y":true}` + "\n" + `{"a":2,"y":false}`, Options{Target: "y"}, `a:numeric[1 2] y:levels["true" "false"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			table, err := read(t, c.text, c.o)
			if err != nil {
				got = err.Error()
				if _, ok := err.(*Errors); !ok {
					t.Errorf("the error is a %T", err)
				}
			} else {
				got = show(table)
			}
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func lines(from, to int, format string) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, format+"\n", i)
	}
	return b.String()
}

func TestColumn(t *testing.T) {
	table := mustRead(t, "y,n,b\n10,1,Yes\n9,NA,no\n10,na,YES\n,?,\n", Options{Target: "y"})
	y, _ := table.Column("y")
	if !reflect.DeepEqual(y.Levels, []string{"9", "10"}) || !reflect.DeepEqual(y.Counts, []int{1, 2}) || !reflect.DeepEqual(y.First, []int{1, 0}) || y.Missing != 1 {
		t.Errorf("y: %+v", y)
	}
	n, _ := table.Column("n")
	if !reflect.DeepEqual(n.NA, []NA{{"NA", 2, 1}, {"?", 1, 3}}) || n.Missing != 3 || n.Index != 2 || !n.IsMissing(1) || n.IsMissing(0) {
		t.Errorf("n: %+v", n)
	}
	b, _ := table.Column("b")
	if !reflect.DeepEqual(b.Levels, []string{"no", "yes"}) || !reflect.DeepEqual(b.Codes, []int32{1, 0, 1, -1}) || !reflect.DeepEqual(b.Counts, []int{1, 2}) || !reflect.DeepEqual(b.First, []int{1, 0}) {
		t.Errorf("b: %+v", b)
	}
	if _, ok := table.Column("c"); ok {
		t.Error("a column c")
	}
	if len(table.Findings) != 1 || !strings.Contains(table.Findings[0].Message, `n ("NA" 2×, first on line 3; "?" 1×, first on line 5)`) || table.Findings[0].Code != "" {
		t.Errorf("findings: %+v", table.Findings)
	}
	if got := table.At(2, n, "%d is odd", 3).Error(); got != `t:4:2: column "n": 3 is odd` {
		t.Error(got)
	}
	if got := table.At(-1, nil, "no data rows").Error(); got != `t: no data rows` {
		t.Error(got)
	}
	if got := table.At(-1, n, "is odd").Error(); got != `t:1:2: column "n": is odd` {
		t.Error(got)
	}
	if got := table.NoColumn("yy").Error(); got != `t:1: no column "yy"; it has y, n, b; did you mean "y"?` {
		t.Error(got)
	}
}

func TestHeaderOfNumbersIsAWarning(t *testing.T) {
	table := mustRead(t, "1,2.5\n3,4\n", Options{})
	if len(table.Findings) != 1 || table.Findings[0].Code != "W-header" {
		t.Errorf("%+v", table.Findings)
	}
}

func TestLines(t *testing.T) {
	// blank lines, quoted line ends, and long regular stretches
	var text strings.Builder
	var want []int
	text.WriteString("a,b\n")
	line := 2
	for i := range 3000 {
		switch {
		case i%500 == 7:
			text.WriteString("\n\r\n")
			line += 2
		case i%700 == 9:
			fmt.Fprintf(&text, "%d,\"x\ny\"\n", i)
			want = append(want, line)
			line += 2
			continue
		}
		fmt.Fprintf(&text, "%d,x\n", i)
		want = append(want, line)
		line++
	}
	table := mustRead(t, text.String(), Options{})
	for row, w := range want {
		if got := table.Line(row); got != w {
			t.Fatalf("row %d is on line %d, want %d", row, got, w)
		}
	}
	if n := len(table.lines.runs); n > 40 {
		t.Errorf("%d runs for 3000 rows", n)
	}
	every := mustRead(t, "a,b\n"+strings.Repeat("\n1,2\n", 1000), Options{})
	if len(every.lines.runs) != 1 || every.Line(999) != 2001 {
		t.Errorf("%d runs, last row on line %d", len(every.lines.runs), every.Line(999))
	}
}

func TestClosest(t *testing.T) {
	known := []string{"hours", "score", "school", "Passed"}
	for name, want := range map[string]string{"hour": "hours", "hoursx": "hours", "shcool": "school", "passed": "Passed", "zzz": "", "scor": "score", "x": ""} {
		if got, ok := Closest(name, known); got != want || ok != (want != "") {
			t.Errorf("Closest(%q) = %q, %v", name, got, ok)
		}
	}
}

func TestErrorsUnwrap(t *testing.T) {
	_, err := read(t, "a,b\n1\n1,2,3\n", Options{})
	var one *Error
	if !errors.As(err, &one) || one.Line != 2 {
		t.Errorf("%v", err)
	}
	_, err = Open(t.Context(), "no/such/file.csv", Options{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, "t", bytes.NewReader([]byte("a\n1\n")), Options{}); err != context.Canceled {
		t.Errorf("%v", err)
	}
}

func TestFingerprint(t *testing.T) {
	a := mustRead(t, "a,b\n1.0,x\nNA,y\n", Options{})
	for _, same := range []string{"a,b\n1,x\n?,y\n", "a;b\r\n\"1e0\";\"x\"\r\n;y", "{\"a\":1,\"b\":\"x\"}\n{\"b\":\"y\"}\n"} {
		if mustRead(t, same, Options{}).Fingerprint() != a.Fingerprint() {
			t.Errorf("%q differs", same)
		}
	}
	for _, other := range []string{"a,b\n1.5,x\nNA,y\n", "a,c\n1.0,x\nNA,y\n", "a,b\n1.0,x\nNA,x\n", "a,b\n1.0,x\n", "b,a\nx,1\ny,\n", "a,b\n1,x\n0,y\n", "a,b\n1,y\n,x\n"} {
		if mustRead(t, other, Options{}).Fingerprint() == a.Fingerprint() {
			t.Errorf("%q is the same", other)
		}
	}
	if math.IsNaN(a.Columns[0].Numbers.At(0)) || !math.IsNaN(a.Columns[0].Numbers.At(1)) {
		t.Error(a.Columns[0].Numbers.Float64s())
	}
}
