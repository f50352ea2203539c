package engine

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/internal/kernel"
)

// classesByHand is the pass of softmax cross-entropy over dense columns, written out: K scores with one read of a panel, then exp, sums, loss
// and dz in one sweep over the 64 rows, then the K·D sums by tiles. It is what a compiled program is measured against.
type classesByHand struct {
	e    *Engine
	w, b []float64 // (K×D) in the order of the panels, (K)
	z    []float64 // (K×block) in panels, then dz
	top  []float64
	sum  []float64
	L    []float64
	pad  []float64
}

func newClassesByHand(e *Engine, theta []float64, n, K int) *classesByHand {
	return &classesByHand{e: e, w: theta[:K*n], b: theta[K*n:], z: make([]float64, K*e.block),
		top: make([]float64, kernel.Rows), sum: make([]float64, kernel.Rows), L: make([]float64, e.block), pad: make([]float64, K*e.block)}
}

func (h *classesByHand) run(r rows, sum []float64) error {
	n, K := padded(r.n), len(h.b)
	D := len(h.w) / K
	x, k := r.dense.f64[r.lo*D:], h.e.kernels
	y := func(c int) []float64 {
		v := r.Inputs[c][r.lo : r.lo+r.n]
		if n != r.n {
			pad := h.pad[c*h.e.block:][:n]
			column(pad, r.Inputs[c], r.lo, r.n)
			return pad
		}
		return v
	}
	for p := 0; p < n; p += kernel.Rows {
		panel := x[p*D:]
		score := func(c int) []float64 { return h.z[p*K+c*kernel.Rows:][:kernel.Rows] }
		for c := range K {
			z := score(c)
			for i := range z {
				z[i] = h.b[c]
			}
			k.F64.Forward(z, panel, kernel.Rows, h.w[c*D:(c+1)*D])
		}
		top := (*[kernel.Rows]float64)(h.top)
		total := (*[kernel.Rows]float64)(h.sum)
		copy(top[:], score(0))
		for c := 1; c < K; c++ {
			for i, v := range score(c) {
				if v > top[i] {
					top[i] = v
				}
			}
		}
		L := h.L[p : p+kernel.Rows]
		clear(L)
		clear(total[:])
		for c := range K {
			z, t := score(c), y(c)[p:p+kernel.Rows]
			for i, v := range z {
				v -= top[i]
				L[i] -= float64(t[i] * v)
				z[i] = v
			}
			k.Map1["exp"](z, z)
			for i, v := range z {
				total[i] += v
			}
		}
		for i, v := range total {
			total[i] = 1 / v
		}
		rest := max(0, r.n-p)
		for c := range K {
			z, t := score(c), y(c)[p:p+kernel.Rows]
			for i, v := range z {
				z[i] = float64(v*total[i]) - t[i]
			}
			if rest < kernel.Rows {
				clear(z[rest:])
			}
			sum[1+K*D+c] += k.SumRows(z)
		}
		k.Map1["log"](total[:], total[:])
		for i, v := range total {
			L[i] -= v
		}
	}
	clear(h.L[r.n:n])
	sum[0] += k.SumRows(h.L[:n])
	k.Tile(sum[1:], D, h.z, K*kernel.Rows, K, x, D*kernel.Rows, D, n/kernel.Rows)
	return nil
}

// BenchmarkClasses alternates the compiled pass of softmax cross-entropy (cost and gradient) and the same loops written by hand, and reports the
// fastest and the median of each, in milliseconds, and by how much the compiled one is slower, of both.
func BenchmarkClasses(b *testing.B) {
	const n, K = 28, 10
	m := 1_000_000
	if testing.Short() {
		m = 50_000
	}
	p := benchProblem(b, m, n)
	p.layout.Inputs = nil
	p.columns.Inputs = nil
	for c := range K {
		p.layout.Inputs = append(p.layout.Inputs, fmt.Sprintf("y[%d]", c))
		p.columns.Inputs = append(p.columns.Inputs, make([]float64, m))
	}
	for i := range m {
		p.columns.Inputs[(i*7919+i/13)%K][i] = 1
	}
	leaves := []graph.Leaf{
		{Kind: graph.Parameter, Name: "W", Shape: graph.Matrix(K, n)},
		{Kind: graph.Parameter, Name: "b", Shape: graph.Vector(K)},
		{Kind: graph.Input, Name: "x", Shape: graph.Vector(n).EachRow()},
		{Kind: graph.Input, Name: "y", Shape: graph.Vector(K).EachRow(), Fact: graph.Fact{Total: big.NewRat(1, 1)}},
	}
	g, err := graph.Parse("z = dot(W, x) + b\na = softmax(z)\nL = -sum(y*log(a))\nJ = mean(L)", leaves...)
	if err != nil {
		b.Fatal(err)
	}
	memory := p.memory(b)
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("m=%d/n=%d/K=%d/threads=%d", m, n, K, threads), func(b *testing.B) {
			e, err := New(memory, Options{Threads: threads})
			if err != nil {
				b.Fatal(err)
			}
			o, err := NewObjective(e, g, "J", []string{"W", "b"}, Values{}, ObjectiveOptions{})
			if err != nil {
				b.Fatal(err)
			}
			at := theta(K*(n+1), 5)
			grad := make([]float64, len(at))
			var J float64
			compiled := func() {
				if J, err = o.CostGradient(background, at, grad); err != nil {
					b.Fatal(err)
				}
			}
			var sums []float64
			hand := func() {
				if sums, err = e.sums(background, nil, 1+len(at), func() worker { return newClassesByHand(e, at, n, K) }); err != nil {
					b.Fatal(err)
				}
			}
			compiled()
			hand()
			for j, v := range append([]float64{J}, grad...) {
				if d := math.Abs(sums[j]/float64(m) - v); !(d <= 1e-12) {
					b.Fatalf("number %d: by hand %v, compiled %v", j, sums[j]/float64(m), v)
				}
			}
			var tc, th []time.Duration
			b.ReportAllocs()
			clock := func(run func()) time.Duration {
				t0 := time.Now()
				run()
				return time.Since(t0)
			}
			for i := 0; b.Loop(); i++ {
				if i%2 == 0 {
					tc = append(tc, clock(compiled))
				}
				th = append(th, clock(hand))
				if i%2 == 1 {
					tc = append(tc, clock(compiled))
				}
			}
			median := func(d []time.Duration) float64 {
				slices.Sort(d)
				return milliseconds(d[len(d)/2])
			}
			c, h := milliseconds(slices.Min(tc)), milliseconds(slices.Min(th))
			mc, mh := median(tc), median(th)
			b.ReportMetric(c, "ms/compiled")
			b.ReportMetric(h, "ms/byhand")
			b.ReportMetric(100*(c/h-1), "%slower")
			b.ReportMetric(mc, "ms/compiled-median")
			b.ReportMetric(mh, "ms/byhand-median")
			b.ReportMetric(100*(mc/mh-1), "%slower-median")
		})
	}
}
