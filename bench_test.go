package descent_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
)

// The entries of sparse rows are counted once, however many chunks the rows are cut into.
func TestBenchCountsSparseEntries(t *testing.T) {
	var text strings.Builder
	entries := int64(0)
	for row := range 5000 {
		fmt.Fprintf(&text, "%d", row%2)
		for feature := 1 + row%3; feature < 60; feature += 7 + row%5 {
			fmt.Fprintf(&text, " %d:1", feature)
			entries++
		}
		text.WriteString("\n")
	}
	m, err := descent.Bench(context.Background(), descent.Reader("rows.svm", strings.NewReader(text.String())),
		descent.Config{Penalty: descent.Penalty{L2: 1}}, descent.BenchOptions{Repeats: 1, PassesOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if m.Storage.Cells != entries {
		t.Errorf("%d cells, the rows have %d", m.Storage.Cells, entries)
	}
}
