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
