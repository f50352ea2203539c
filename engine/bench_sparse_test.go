package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// BenchmarkSparse times a gradient over 200,000 rows of 75 entries in 47,000 features, drawn as words are (feature j with a
// probability near 1/j): float64 values, int8 ones, and all ones.
func BenchmarkSparse(b *testing.B) {
	rows, n, each := 200_000, 47_000, 75
	if testing.Short() {
		rows = 5000
	}
	r := rand.New(rand.NewPCG(3, 3))
	zipf := rand.NewZipf(r, 1.1, 10, uint64(n-1))
	start, index := []int{0}, []int32(nil)
	y := make([]float64, rows)
	for i := range rows {
		row := make([]int32, 0, each)
		for len(row) < each {
			j := int32(zipf.Uint64())
			if at, found := slices.BinarySearch(row, j); !found {
				row = slices.Insert(row, at, j)
			}
		}
		index = append(index, row...)
		start = append(start, len(index))
		y[i] = float64(r.IntN(2))
	}
	float, small := make(Float64s, len(index)), make(Int8s, len(index))
	for k := range float {
		float[k], small[k] = r.Float64(), int8(1+r.IntN(9))
	}
	for _, c := range []struct {
		name  string
		value Stored
	}{{"float64", float}, {"int8", small}, {"ones", nil}} {
		m, err := NewMemory(Layout{Rows: rows, Features: n, Sparse: true, Inputs: []string{"y"}},
			Columns{Start: start, Index: index, Value: c.value, Inputs: [][]float64{y}})
		if err != nil {
			b.Fatal(err)
		}
		for _, threads := range []int{1, 2} {
			e, err := New(m, Options{Threads: threads})
			if err != nil {
				b.Fatal(err)
			}
			o, err := NewObjective(e, model(b, losses["plain"], n), "J", []string{"w", "b"}, Values{}, ObjectiveOptions{})
			if err != nil {
				b.Fatal(err)
			}
			at, grad := theta(n+1, 1), make([]float64, n+1)
			b.Run(fmt.Sprintf("%s/threads=%d", c.name, threads), func(b *testing.B) {
				for b.Loop() {
					if _, err := o.CostGradient(background, at, grad); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(index))*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gnnz/s")
			})
		}
	}
}
