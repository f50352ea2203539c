package dataset

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// TestLostTexts: the texts of irregular numbers have limited room. A column that needs them and no longer has them says so,
// and the room goes to the others.
func TestLostTexts(t *testing.T) {
	text := "a,b,c\n" + strings.Repeat("007,008,1.5\n", 10) + "1,x,1\n" + strings.Repeat("y,x,2\n", 30)
	read := func(room int) (string, error) {
		rd, err := newReading(t.Context(), "t", Options{})
		if err != nil {
			t.Fatal(err)
		}
		rd.room = room
		if err := rd.input("t", strings.NewReader(text), 0); err != nil {
			t.Fatal(err)
		}
		table, err := rd.table()
		if err != nil {
			return "", err
		}
		return show(table), nil
	}
	whole, err := read(keptTexts)
	if err != nil || !strings.HasPrefix(whole, `a:levels["007" "007"`) || !strings.Contains(whole, `b:levels["008" "008"`) {
		t.Errorf("%s %v", whole, err)
	}
	if exact, err := read(20 * 11); err != nil || exact != whole {
		t.Errorf("with just enough room: %v", err)
	}
	_, err = read(20*11 - 1)
	want := `t:12:2: column "b": the column has 10 numbers and other texts, such as this "x"; the numbers' spelling was not kept; --categorical b or --numeric b decides`
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

// TestLostTextsInTime: their room is a bound while the file is read, on one thread too.
func TestLostTextsInTime(t *testing.T) {
	text := "a,b\n" + strings.Repeat("0.12345678901234567,1.5\n", 40_000)
	for _, threads := range []int{1, 2} {
		early := false
		var rd *reading
		o := Options{Threads: threads, Memory: 1000, Progress: func(read, _ int64) {
			early = early || int(read) < len(text)/2 && len(rd.used) > 0 && rd.used[0].lost.Load()
		}}
		rd, err := newReading(t.Context(), "t", o)
		if err != nil {
			t.Fatal(err)
		}
		rd.room, rd.piece, rd.block = 10_000, 4000, 4000
		if err := rd.input("t", strings.NewReader(text), int64(len(text))); err != nil {
			t.Fatal(err)
		}
		table, err := rd.table()
		if err != nil {
			t.Fatal(err)
		}
		table.Close()
		if !early {
			t.Errorf("%d threads: all texts were kept until the end", threads)
		}
	}
}

func TestWideHeader(t *testing.T) {
	var header, row []string
	for i := range 30 {
		header, row = append(header, fmt.Sprintf("c%d", i+1)), append(row, "1")
	}
	header[0] = `"a, b"`
	text := strings.Join(header, ",") + "\n" + strings.Join(row, ",") + "\n"
	_, err := read(t, text, Options{Target: "outcome"})
	want := `t:1: no column "outcome"; it has "a, b", c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20 and 10 more`
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	// Every cell is wrong in every column: ten are listed, those that come first in the file.
	_, err = read(t, text+strings.Repeat(strings.Replace(text[strings.IndexByte(text, '\n')+1:], "1", "x", 1), 20), Options{Types: map[string]Type{"c2": Numeric, "a, b": Numeric}})
	e, ok := err.(*Errors)
	if !ok || e.Total != 20 || len(e.List) != 10 || e.List[9].Line != 12 {
		t.Errorf("%v", err)
	}
	long := strings.Repeat("é", 50)
	if _, err = read(t, "a\n1\n"+long+"\n", Options{}); err == nil || err.Error() != `t:3:1: column "a": "`+long[:48]+`"… (100 bytes) is not a number; --categorical a reads the column as levels` {
		t.Errorf("%v", err)
	}
	if _, err = read(t, "1,2\n3,4\n", Options{Target: "y"}); err == nil || err.Error() != `t:1: no column "y"; it has 1, 2; the first line looks like data: --no-header` {
		t.Errorf("%v", err)
	}
	if _, err = read(t, "a,\xe9\n1,2\n", Options{}); err == nil || !strings.HasPrefix(err.Error(), `t:1:2: the column's name "\xe9" is not UTF-8 text`) {
		t.Errorf("%v", err)
	}
}

func TestSparseNames(t *testing.T) {
	table := mustRead(t, "1 3:1 9:2\n0 1:1\n", Options{Target: "y"})
	if got := table.Sparse.Names(); !reflect.DeepEqual(got, []string{"x1", "x3", "x9"}) || !reflect.DeepEqual(table.Sparse.Features, []int{1, 3, 9}) {
		t.Error(got)
	}
	if !reflect.DeepEqual(table.Sparse.Start, []int{0, 2, 3}) || !reflect.DeepEqual(table.Sparse.Index, []int32{1, 2, 0}) {
		t.Errorf("%+v", table.Sparse)
	}
	if got := table.NoColumn("x33").Error(); got != `t:1: no column "x33"; it has x1, x3, x9; did you mean "x3"?` {
		t.Error(got)
	}
	if _, err := read(t, "1 1:2\n", Options{Types: map[string]Type{"x1": Levels}}); err == nil || err.Error() != `t: the type of column "x1" cannot be chosen: features of LIBSVM are numbers` {
		t.Errorf("%v", err)
	}
	// Far apart and many: the table by index, the sort and the bits give the same.
	for _, step := range []int{1, 50, 5000, 10_000_000} {
		var b strings.Builder
		for row := range 20 {
			fmt.Fprintf(&b, "%d %d:1 %d:2\n", row%2, 1+row*step, 1+(row+100)*step)
		}
		s := mustRead(t, b.String(), Options{}).Sparse
		if len(s.Features) != 40 || s.Features[39] != 1+119*step || s.Index[1] != 20 || s.Values.At(39) != 2 {
			t.Errorf("step %d: %+v", step, s)
		}
	}
}

func TestTypes(t *testing.T) {
	for want, typ := range map[string]Type{"numeric": Numeric, "levels": Levels, "boolean": Boolean, "unknown": 9} {
		if typ.String() != want {
			t.Error(typ)
		}
	}
	table := mustRead(t, "a,b\n,\n,\n", Options{})
	for _, c := range table.Columns {
		if c.Type != Numeric || c.Missing != 2 || !math.IsNaN(c.Numbers.At(0)) {
			t.Errorf("a column without values: %+v", c)
		}
	}
	table = mustRead(t, "a,b\n", Options{Types: map[string]Type{"a": Boolean, "b": Levels}})
	if a := table.Columns[0]; a.Type != Boolean || len(a.Levels) != 2 || a.First[0] != -1 || table.Columns[1].Type != Levels {
		t.Errorf("a table without rows: %+v", a)
	}
}

func TestProgress(t *testing.T) {
	var read, total int64
	text := "a,b\n" + strings.Repeat("1,2\n", 300_000)
	mustRead(t, text, Options{Progress: func(r, n int64) { read, total = max(read, r), n }})
	if total != int64(len(text)) || read < total/2 || read > total {
		t.Errorf("%d of %d", read, total)
	}
}
