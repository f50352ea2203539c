package descent_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
)

// TestWideAlike: of 600 columns those are named that equal an earlier one but for factor and intercept, and no others.
func TestWideAlike(t *testing.T) {
	const rows, n = 900, 600
	random := rand.New(rand.NewPCG(5, 60))
	var b strings.Builder
	for j := range n {
		fmt.Fprintf(&b, "x%d,", j)
	}
	b.WriteString("y\n")
	x := make([]int, n)
	for range rows {
		for j := range x {
			x[j] = random.IntN(2000) - 300
		}
		x[300] = x[7]           // a copy
		x[450] = 5000 - 3*x[20] // falling
		x[599] = x[300] + 1     // of the copy: the earliest is named
		x[500] = 2*x[3] + x[4]%2
		for i := range 3 { // rare, and no two the same
			if x[100+i] = 0; random.IntN(200) == 0 {
				x[100+i] = 1
			}
		}
		for _, v := range x {
			fmt.Fprintf(&b, "%d,", v)
		}
		y := 0
		if x[0]+random.IntN(900) > 1000 {
			y = 1
		}
		fmt.Fprintf(&b, "%d\n", y)
	}
	r, err := descent.Fit(context.Background(), text(b.String()), descent.Config{Target: "y", Penalty: descent.Penalty{L2: 1}, Solver: descent.Solver{Tol: 1e-4}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range r.Warnings {
		if w.Code == "W-collinear" {
			got = append(got, strings.Join(w.Columns, " "))
		}
	}
	slices.Sort(got)
	if want := []string{"x300 x7", "x450 x20", "x599 x7"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	if !strings.Contains(fmt.Sprint(r.Notes), "one other column determines") {
		t.Error("nothing says what was not looked for")
	}
}
