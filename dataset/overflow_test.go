package dataset_test

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/descent-ml/descent/dataset"
)

// TestDigitsBeyondInt32: cells of few digits beside one of many, so that the common scale takes the others beyond int32.
func TestDigitsBeyondInt32(t *testing.T) {
	var b strings.Builder
	b.WriteString("x,y\n")
	var want []float64
	for i := range 256 {
		text := fmt.Sprintf("0.0%d", 327633-i)
		if i == 70 {
			text = "0.00000012345"
		}
		v, _ := strconv.ParseFloat(text, 64)
		want = append(want, v)
		fmt.Fprintf(&b, "%s,%d\n", text, i%2)
	}
	table, err := dataset.Read(context.Background(), "t.csv", strings.NewReader(b.String()), dataset.Options{Target: "y"})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range want {
		if got := table.Columns[0].Numbers.At(i); got != v {
			t.Fatalf("row %d: %v, want %v", i, got, v)
		}
	}
}

// TestDigitsFarApart: blocks of integers beside blocks of powers of ten that int64 does not hold, and zeros beside either.
func TestDigitsFarApart(t *testing.T) {
	for _, tiny := range []float64{1e-9, 3e-18, 1e-19, 7e-22} {
		for _, other := range []float64{0, 5, -2e9} {
			values := make([]float64, 1<<15)
			for i := range values {
				if values[i] = other; i >= 1<<14 {
					values[i] = tiny
				}
			}
			n := dataset.NewNumbers(values)
			for _, i := range []int{0, 1<<14 - 1, 1 << 14, 1<<15 - 1} {
				if got := n.At(i); got != values[i] {
					t.Errorf("row %d: %v, want %v", i, got, values[i])
				}
			}
			if digits, _, high, ok := n.Decimal(); ok != (other == 0) || ok && float64(high)/math.Pow10(digits) != tiny {
				t.Errorf("%v and %v: %d decimals, up to %d, %v", other, tiny, digits, high, ok)
			}
		}
	}
}

// TestUnusedFirstColumn: an empty cell of a column that is not in use is the first byte of the input.
func TestUnusedFirstColumn(t *testing.T) {
	table, err := dataset.Read(context.Background(), "t.csv", strings.NewReader(",1,2\n,3,4\n\"a,b\",5,6\n\"c\nd\",7,8\n"),
		dataset.Options{NoHeader: true, Format: dataset.CSV, Use: func(name string) bool { return name != "x1" }})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(table.Columns[0].Numbers.Float64s(), table.Columns[1].Numbers.Float64s()); got != "[1 3 5 7] [2 4 6 8]" {
		t.Error(got)
	}
}

// TestMoreDigitsThanNeeded: short decimals are integers however they are written, in a block of LIBSVM entries as in one of columns, and levels keep their texts.
func TestMoreDigitsThanNeeded(t *testing.T) {
	var svm, csv strings.Builder
	csv.WriteString("x,l\n")
	for i := range 300 {
		long, longer := strconv.FormatFloat(float64(i%90)/10, 'e', 18, 64), strconv.FormatFloat(float64(i%70)/100, 'g', 17, 64)
		fmt.Fprintf(&svm, "%d 1:%s", i%2, long)
		if i < 150 { // the first half is dense
			fmt.Fprintf(&svm, " 2:%s", longer)
		}
		svm.WriteString("\n")
		level := longer
		if i%3 > 0 {
			level = "word"
		}
		fmt.Fprintf(&csv, "%s,%s\n", longer, level)
	}
	s, err := dataset.Read(context.Background(), "t.svm", strings.NewReader(svm.String()), dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if digits, low, high, ok := s.Sparse.Values.Decimal(); !ok || digits != 2 || low != 0 || high != 890 {
		t.Error(digits, low, high, ok)
	}
	c, err := dataset.Read(context.Background(), "t.csv", strings.NewReader(csv.String()), dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if digits, low, high, ok := c.Columns[0].Numbers.Decimal(); !ok || digits != 2 || low != 0 || high != 69 {
		t.Error(digits, low, high, ok)
	}
	for i := 0; i < 300; i += 3 {
		l := c.Columns[1]
		if got, want := l.Levels[l.Code(i)], strconv.FormatFloat(float64(i%70)/100, 'g', 17, 64); got != want || c.Columns[0].Numbers.At(i) != float64(i%70)/100 {
			t.Errorf("row %d: level %q of %q, number %v", i, got, want, c.Columns[0].Numbers.At(i))
		}
	}
}
