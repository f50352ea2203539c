//go:build linux

package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// gradient is the loss and the full gradient of log loss over panels of cells S, block by block, on one thread.
type gradient[S Stored] struct {
	set              *Set[float64]
	panels           Panels[float64, S]
	x                []S
	n                int
	y                []float64
	w, sum, z, L, dz []float64
}

func (g *gradient[S]) run() float64 {
	rows := len(g.y)
	block := min(max(512<<10/(g.n*int(unsafe.Sizeof(g.x[0])))/Rows*Rows, Rows), 1024)
	if g.z == nil {
		g.z, g.L, g.dz, g.sum = make([]float64, block), make([]float64, block), make([]float64, block), make([]float64, g.n)
	}
	line, loss := g.set.Fused[0].Run, 0.
	out, in := [][]float64{nil, nil, nil, nil, nil}, [][]float64{nil, nil}
	for lo := 0; lo < rows; lo += block {
		k := min(block, rows-lo)
		z, x := g.z[:k], g.x[lo*g.n:]
		clear(z)
		for p := 0; p < k; p += Rows {
			g.panels.Forward(z[p:], x[p*g.n:], Rows, g.w)
		}
		out[0], out[1], in[0], in[1] = g.L[:k], g.dz[:k], z, g.y[lo:lo+k]
		line(out, in)
		loss += g.set.SumRows(g.L[:k])
		g.panels.Backward(g.sum, x, g.n*Rows, Rows, g.dz[:k])
	}
	return loss
}

// huge asks for large pages, which the engine's memory has too.
func huge[S Stored](x []S) {
	b := unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(x[0])))
	_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) // large slices begin at a page
}

// readAll sums the memory up: what no pass over it can beat.
func readAll(b []byte) float64 {
	return Best[float64]().SumRows(unsafe.Slice((*float64)(unsafe.Pointer(&b[0])), len(b)/8))
}

// BenchmarkGradient times passes over a column kind and, in turn, the plain reading of the same bytes, in slices of some
// thousand rows, and reports the speed that one slice in ten reaches: other work on the machine only ever takes away.
func BenchmarkGradient(b *testing.B) {
	for _, size := range [][2]int{{1_000_000 / Rows * Rows, 28}, {50_000 / Rows * Rows, 2000}} {
		rows, n := size[0], size[1]
		if testing.Short() {
			rows = rows / 10 / Rows * Rows
		}
		s := Best[float64]()
		benchGradient(b, "float32", rows, n, s.F32)
		benchGradient(b, "int32", rows, n, s.I32)
		benchGradient(b, "int16", rows, n, s.I16)
		benchGradient(b, "int8", rows, n, s.I8)
		benchGradient(b, "float64", rows, n, s.F64)
	}
}

func benchGradient[S Stored](b *testing.B, kind string, rows, n int, panels Panels[float64, S]) {
	var x []S
	var y, w []float64
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("%s/m=%d/n=%d/threads=%d", kind, rows, n, threads), func(b *testing.B) {
			if x == nil {
				r := rand.New(rand.NewPCG(1, 1))
				x, y, w = make([]S, rows*n), make([]float64, rows), make([]float64, n)
				huge(x)
				few := cells[S](r, 1<<16+77)
				for at := 0; at < len(x); at += len(few) {
					copy(x[at:], few)
				}
				for i := range y {
					y[i] = float64(r.IntN(2))
				}
				for j := range w {
					w[j] = 1e-3 * r.NormFloat64()
				}
			}
			const slice = 8 << 10 // rows
			width := n * int(unsafe.Sizeof(x[0]))
			passes, reads := make([][]float64, threads), make([][]float64, threads) // GB/s of every slice
			for b.Loop() {
				var wait sync.WaitGroup
				for k := range threads {
					wait.Go(func() {
						lo, hi := rows*k/threads/Rows*Rows, rows*(k+1)/threads/Rows*Rows
						g := &gradient[S]{set: Best[float64](), panels: panels, n: n, w: w}
						for turn := range 10 {
							for at := lo; at+slice <= hi; at += slice {
								start := time.Now()
								if turn%2 == 0 {
									g.x, g.y = x[at*n:], y[at:at+slice]
									g.run()
									passes[k] = append(passes[k], float64(slice*width)/float64(time.Since(start).Nanoseconds()))
								} else {
									readAll(unsafe.Slice((*byte)(unsafe.Pointer(&x[at*n])), slice*width))
									reads[k] = append(reads[k], float64(slice*width)/float64(time.Since(start).Nanoseconds()))
								}
							}
						}
					})
				}
				wait.Wait()
			}
			total := func(speeds [][]float64) (sum float64) {
				for _, v := range speeds {
					slices.Sort(v)
					sum += v[len(v)*9/10]
				}
				return sum
			}
			pass, read := total(passes), total(reads)
			b.ReportMetric(pass, "GB/s")
			b.ReportMetric(read, "GB/s-read")
			b.ReportMetric(100*pass/read, "%read")
			b.ReportMetric(1000*pass/float64(width), "Mrow/s")
			b.ReportMetric(0, "ns/op") // of both together: says nothing
		})
	}
}

// BenchmarkPanels is the speed within the caches.
func BenchmarkPanels(b *testing.B) {
	for _, s := range sets[float64]() {
		for _, n := range []int{28, 200} {
			benchPanels(b, s.Name+"/int8", n, s.I8)
			benchPanels(b, s.Name+"/int16", n, s.I16)
			benchPanels(b, s.Name+"/int32", n, s.I32)
			benchPanels(b, s.Name+"/float32", n, s.F32)
			benchPanels(b, s.Name+"/float64", n, s.F64)
		}
	}
	for _, s := range sets[float32]() {
		benchPanels(b, s.Name+"/float32 arithmetic/int8", 200, s.I8)
		benchPanels(b, s.Name+"/float32 arithmetic/float32", 200, s.F32)
	}
}

// fastest is the shortest of many single runs: other work on the machine only ever adds.
func fastest(b *testing.B, f func()) (nanoseconds float64) {
	best := time.Hour
	for b.Loop() {
		for range 100 {
			start := time.Now()
			f()
			best = min(best, time.Since(start))
		}
	}
	b.ReportMetric(0, "ns/op")
	return float64(best.Nanoseconds())
}

func benchPanels[T Float, S Stored](b *testing.B, name string, n int, k Panels[T, S]) {
	const panels = 4
	r := rand.New(rand.NewPCG(1, 1))
	x, w := cells[S](r, panels*n*Rows), random[T](r, n)
	z, sum := random[T](r, panels*Rows), make([]float64, n)
	b.Run(fmt.Sprintf("%s/n=%d/forward", name, n), func(b *testing.B) {
		b.ReportMetric(float64(len(x))/fastest(b, func() {
			for p := range panels {
				k.Forward(z[p*Rows:], x[p*n*Rows:], Rows, w)
			}
		}), "cells/ns")
	})
	clear(z)
	b.Run(fmt.Sprintf("%s/n=%d/backward", name, n), func(b *testing.B) {
		b.ReportMetric(float64(len(x))/fastest(b, func() { k.Backward(sum, x, n*Rows, Rows, z) }), "cells/ns")
	})
}

// BenchmarkTile is the products of all pairs of 27 columns over 16 panels, in products and sums a nanosecond.
func BenchmarkTile(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	const n, panels = 27, 16
	x, sum := random[float64](r, n*panels*Rows), make([]float64, n*n)
	for _, s := range sets[float64]() {
		b.Run(s.Name, func(b *testing.B) {
			t := fastest(b, func() { s.Tile(sum, n, x, n*Rows, n, x, n*Rows, n, panels) })
			b.ReportMetric(n*n*panels*Rows/t, "pairs/ns")
		})
	}
}

func BenchmarkMaps(b *testing.B) {
	for _, s := range sets[float64]() {
		benchMaps(b, s.Name+"/float64/", s)
	}
	for _, s := range sets[float32]() {
		benchMaps(b, s.Name+"/float32/", s)
	}
}

func benchMaps[T Float](b *testing.B, name string, s *Set[T]) {
	r := rand.New(rand.NewPCG(1, 1))
	z, unit, out, dz := random[T](r, 1024), make([]T, 1024), make([]T, 1024), make([]T, 1024)
	for i := range unit {
		unit[i] = T(r.Float64())
	}
	perRow := func(op string, f func()) {
		b.Run(name+op, func(b *testing.B) { b.ReportMetric(fastest(b, f)/1024, "ns/row") })
	}
	for _, op := range []string{"expnabs", "exp", "log1p", "log", "tanh", "sigmoid", "softplus", "relu"} {
		a := z
		if op == "log" || op == "log1p" {
			a = unit
		}
		perRow(op, func() { s.Map1[op](out, a) })
	}
	perRow("mul", func() { s.Map2["mul"](out, z, unit) })
	perRow("sum", func() { s.SumRows(z) })
	perRow("gram", func() { s.Gram(z, Rows, unit, Rows, 1024/Rows) })
	for _, c := range []struct {
		name string
		out  [][]T
	}{
		{"line and slope", [][]T{out, dz, nil, nil, nil}}, {"line", [][]T{out, nil, nil, nil, nil}},
		{"slope", [][]T{nil, dz, nil, nil, nil}}, {"curvature", [][]T{nil, nil, nil, nil, out}},
	} {
		perRow("softplus "+c.name, func() { s.Fused[0].Run(c.out, [][]T{z, unit}) })
	}
}

// BenchmarkSparse: 75 values per row in 47,000 columns, the first ones the most frequent.
func BenchmarkSparse(b *testing.B) {
	const rows, n, each = 512, 47_000, 75
	r := rand.New(rand.NewPCG(1, 1))
	start, index, value := []int{0}, []int32{}, []float64{}
	for range rows {
		var row []int32
		for range each/2 + r.IntN(each) {
			row = append(row, int32(n*r.Float64()*r.Float64()*r.Float64()))
		}
		slices.Sort(row)
		row = slices.Compact(row)
		index = append(index, row...)
		for range row {
			value = append(value, r.NormFloat64())
		}
		start = append(start, len(index))
	}
	z, w, sum := random[float64](r, rows), random[float64](r, n), make([]float64, n)
	b.Run("forward", func(b *testing.B) {
		b.ReportMetric(float64(len(index))/fastest(b, func() { SparseForward(z, start, index, value, w) }), "nonzeros/ns")
	})
	b.Run("backward", func(b *testing.B) {
		b.ReportMetric(float64(len(index))/fastest(b, func() { SparseBackward(sum, start, index, value, z) }), "nonzeros/ns")
	})
	b.Run("gather", func(b *testing.B) {
		b.ReportMetric(float64(1024)/fastest(b, func() { Gather(value[:1024], index[:1024], w) }), "rows/ns")
	})
	b.Run("scatter", func(b *testing.B) {
		b.ReportMetric(float64(1024)/fastest(b, func() { Scatter(sum, index[:1024], value[:1024]) }), "rows/ns")
	})
}
