package engine

import (
	"fmt"
	"math"
	"testing"

	"github.com/descent-ml/descent/graph"
)

// TestSeveral: passes for several columns or θ at once are the single ones, over every kind of storage.
func TestSeveral(t *testing.T) {
	for first := range kinds {
		narrow, _ := storedAs(t, 60+uint64(first), first, 1300, 37, []int{3}, 6)
		e := narrow.engine(t, Options{Threads: 2})
		n := narrow.layout.Features
		const count = 4
		c := make([][]float64, count)
		th := make([][]float64, count)
		for q := range c {
			th[q] = theta(n+1, uint64(q))
			c[q] = make([]float64, narrow.layout.Rows)
			for i := range c[q] {
				c[q][i] = float64((i*7+q*3)%11)/4 - 1
			}
		}
		weigh := func(first int, out [][]float64) {
			for q := range out {
				copy(out[q], c[q][first:])
			}
		}
		grams, err := e.Grams(background, count, weigh, nil)
		if err != nil {
			t.Fatal(err)
		}
		diags, err := e.Diags(background, count, weigh)
		if err != nil {
			t.Fatal(err)
		}
		sums, err := e.Weighteds(background, count, weigh)
		if err != nil {
			t.Fatal(err)
		}
		linear, err := e.Linears(background, th)
		if err != nil {
			t.Fatal(err)
		}
		for q := range count {
			what := fmt.Sprint(first, " column ", q)
			one, err := e.Gram(background, c[q], nil)
			if err != nil {
				t.Fatal(err)
			}
			sameBits(t, what+" Gram", grams[q], one)
			if one, err = e.Diag(background, c[q]); err != nil {
				t.Fatal(err)
			}
			sameBits(t, what+" Diag", diags[q], one)
			if one, err = e.Weighted(background, c[q]); err != nil {
				t.Fatal(err)
			}
			near(t, what+" Weighted", sums[q], one, 1e-12)
			if one, err = e.Linear(background, th[q]); err != nil {
				t.Fatal(err)
			}
			sameBits(t, what+" Linear", linear[q], one)
		}
	}
}

// TestHeadsBits: the Hessian and its diagonal of three heads, of some of the rows, on any number of threads, and over
// all kinds of storage.
func TestHeadsBits(t *testing.T) {
	const K = 3
	for first := range kinds {
		narrow, _ := storedAs(t, 80+uint64(first), first, 900, 11, []int{2}, 0)
		n, rows := narrow.layout.Features, narrow.layout.Rows
		y := make([][]float64, K)
		for k := range y {
			y[k] = make([]float64, rows)
			for i := range rows {
				if (i*13+i/7)%K == k {
					y[k][i] = 1
				}
			}
			narrow.layout.Inputs = append(narrow.layout.Inputs, fmt.Sprintf("Y[%d]", k))
			narrow.columns.Inputs = append(narrow.columns.Inputs, y[k])
		}
		counts := make([]uint16, rows)
		m := 0.0
		for i := range counts {
			counts[i] = uint16(i % 3)
			m += float64(counts[i])
		}
		size := K * (n + 1)
		at := theta(size, 4)
		var bits, products []float64
		for _, threads := range []int{1, 2, 5} {
			g, err := graph.Parse("z = dot(W, x) + c\na = softmax(z)\nL = -sum(Y*log(a))\nJ = mean(L) + 0.01*sum(W*W)",
				graph.Leaf{Kind: graph.Parameter, Name: "W", Shape: graph.Matrix(K, n)}, graph.Leaf{Kind: graph.Parameter, Name: "c", Shape: graph.Vector(K)},
				graph.Leaf{Kind: graph.Input, Name: "x", Shape: graph.Vector(n).EachRow()}, graph.Leaf{Kind: graph.Input, Name: "Y", Shape: graph.Vector(K).EachRow()})
			if err != nil {
				t.Fatal(err)
			}
			b, err := NewObjective(narrow.engine(t, Options{Threads: threads}), g, "J", []string{"W", "c"}, Values{M: m}, ObjectiveOptions{Mask: Mask{Counts: counts}})
			if err != nil {
				t.Fatal(err)
			}
			grad, h, diag := make([]float64, size), make([]float64, size*size), make([]float64, size)
			if _, err := b.CostGradient(background, at, grad); err != nil {
				t.Fatal(err)
			}
			if err := b.Hessian(background, nil, h); err != nil {
				t.Fatal(err)
			}
			if err := b.Diagonal(background, diag); err != nil {
				t.Fatal(err)
			}
			for j := range diag {
				if math.Abs(diag[j]-h[j*size+j]) > 1e-12*math.Abs(diag[j])+1e-13 {
					t.Fatalf("diagonal %d: %v, of H %v", j, diag[j], h[j*size+j])
				}
			}
			if products, err = b.byProducts(background); err != nil {
				t.Fatal(err)
			}
			near(t, "H", h, products, 1e-12)
			all := append(append(grad, h...), diag...)
			if bits == nil {
				bits = all
			}
			sameBits(t, fmt.Sprint(threads, " threads"), all, bits)
		}
	}
}
