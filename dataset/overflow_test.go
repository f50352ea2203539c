package dataset_test

import (
	"context"
	"fmt"
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
