package engine

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/descent-ml/descent/internal/kernel"
)

// byHand is the pass of log loss written out with the same kernels: what a compiled program is measured against.
type byHand struct {
	e             *Engine
	w             []float64
	bias          float64
	z, t, L, dz   []float64
	focal         bool
	a, b, p, q, u []float64
}

func (h *byHand) run(r rows, sum []float64) error {
	n := padded(r.n)
	z, L, dz := h.z[:n], h.L[:n], h.dz[:n]
	y := r.Inputs[0][r.lo : r.lo+r.n]
	if n != r.n {
		y = h.t[:n]
		column(y, r.Inputs[0], r.lo, r.n)
	}
	D := len(h.w)
	x := r.dense.f64[r.lo*D:]
	for i := range z {
		z[i] = h.bias
	}
	k := h.e.kernels
	for p := 0; p < n; p += kernel.Rows {
		k.F64.Forward(z[p:p+kernel.Rows], x[p*D:], kernel.Rows, h.w)
	}
	if h.focal {
		a, b, p, q := h.a[:n], h.b[:n], h.p[:n], h.q[:n]
		k.Fused[1].Run([][]float64{a, b, p, q, nil}, [][]float64{z})
		for i, y := range y {
			// L = y b² q + (1-y) a² p;  dL/dz = a((1-y)a² + 2b((1-y)a p - y b q)) - y b³
			b2, n1 := b[i]*b[i], 1-y
			na2 := n1 * (a[i] * a[i])
			L[i] = na2*p[i] + y*b2*q[i]
			dz[i] = a[i]*(na2+2*b[i]*(a[i]*n1*p[i]-y*b[i]*q[i])) - y*(b2*b[i])
		}
	} else {
		k.Fused[0].Run([][]float64{L, dz, nil, nil, nil}, [][]float64{z, y})
	}
	clear(L[r.n:])
	clear(dz[r.n:])
	sum[0] += k.SumRows(L)
	sum[1] += k.SumRows(dz)
	k.F64.Backward(sum[2:2+D], x, D*kernel.Rows, kernel.Rows, dz)
	return nil
}

func newByHand(e *Engine, theta []float64, focal bool) *byHand {
	n := len(theta) - 1
	c := func() []float64 { return make([]float64, e.block) }
	return &byHand{e: e, w: theta[:n], bias: theta[n], z: c(), t: c(), L: c(), dz: c(), focal: focal, a: c(), b: c(), p: c(), q: c(), u: c()}
}

func benchProblem(b *testing.B, rows, n int) *problem {
	p := newProblem(b, 1, rows, n, nil, 0, false)
	p.x = nil
	slices.Reverse(p.layout.Dense) // in the order of the features, as the loops by hand have it
	return p
}

// BenchmarkPass alternates the compiled pass and the loops written by hand, each going first every other time, and
// reports the fastest and the median of each, in milliseconds a pass, and by how much the compiled one is slower. The
// fastest counts: other work on the machine only ever adds. Where the medians are far above the fastest, the machine
// was not free. cores are those of the machine.
func BenchmarkPass(b *testing.B) {
	sizes := [][2]int{{1_000_000, 28}, {200_000, 200}}
	if testing.Short() {
		sizes = [][2]int{{50_000, 28}, {10_000, 200}}
	}
	plain := map[string]string{
		"log loss": losses["plain"],
		"focal": `z = dot(w, x) + b
a = sigmoid(z)
L = -(y*(1-a)^2*log(a) + (1-y)*a^2*log(1-a))
J = mean(L)`,
	}
	for _, size := range sizes {
		p := benchProblem(b, size[0], size[1])
		m := p.memory(b)
		for _, threads := range []int{1, 2} {
			for _, loss := range []string{"log loss", "focal"} {
				b.Run(fmt.Sprintf("%s/m=%d/n=%d/threads=%d", loss, size[0], size[1], threads), func(b *testing.B) {
					e, err := New(m, Options{Threads: threads})
					if err != nil {
						b.Fatal(err)
					}
					n := size[1]
					at := theta(n+1, 5)
					for j := range at {
						at[j] /= float64(n)
					}
					o, err := NewObjective(e, model(b, plain[loss], n), "J", []string{"w", "b"}, Values{}, ObjectiveOptions{})
					if err != nil {
						b.Fatal(err)
					}
					grad := make([]float64, n+1)
					compiled := func() {
						if _, err := o.CostGradient(background, at, grad); err != nil {
							b.Fatal(err)
						}
					}
					var sums []float64
					hand := func() {
						if sums, err = e.sums(background, nil, n+2, func() worker { return newByHand(e, at, loss == "focal") }); err != nil {
							b.Fatal(err)
						}
					}
					compiled()
					hand()
					for j := range n {
						sums[2+j] /= float64(size[0])
					}
					for j, v := range sums[2:] {
						if d := v - grad[j]; d > 1e-12 || d < -1e-12 {
							b.Fatalf("by hand dw[%d] = %v, compiled %v", j, v, grad[j])
						}
					}
					var tc, th []time.Duration
					b.ReportAllocs()
					timed := func(run func()) time.Duration {
						t := time.Now()
						run()
						return time.Since(t)
					}
					for b.Loop() {
						if len(tc)%2 == 0 {
							tc, th = append(tc, timed(compiled)), append(th, timed(hand))
						} else {
							th, tc = append(th, timed(hand)), append(tc, timed(compiled))
						}
					}
					slices.Sort(tc)
					slices.Sort(th)
					c, h := milliseconds(tc[0]), milliseconds(th[0])
					b.ReportMetric(c, "ms-min/compiled")
					b.ReportMetric(h, "ms-min/byhand")
					b.ReportMetric(100*(c/h-1), "%slower-min")
					c, h = milliseconds(tc[len(tc)/2]), milliseconds(th[len(th)/2])
					b.ReportMetric(c, "ms-median/compiled")
					b.ReportMetric(h, "ms-median/byhand")
					b.ReportMetric(100*(c/h-1), "%slower-median")
					b.ReportMetric(float64(runtime.NumCPU()), "cores")
					b.ReportMetric(0, "ns/op") // of both together: says nothing
				})
			}
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkSecond times what second derivatives cost beside a gradient.
func BenchmarkSecond(b *testing.B) {
	rows := 1_000_000
	if testing.Short() {
		rows = 50_000
	}
	p := benchProblem(b, rows, 28)
	e := p.engine(b, Options{})
	o, err := NewObjective(e, model(b, losses["plain"], 28), "J", []string{"w", "b"}, Values{}, ObjectiveOptions{Keep: true})
	if err != nil {
		b.Fatal(err)
	}
	at, v, out, h := theta(29, 1), theta(29, 2), make([]float64, 29), make([]float64, 29*29)
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	gradient := func() { _, err := o.CostGradient(background, at, out); must(err) }
	gradient()
	must(o.Line(background, v))
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"gradient, head and curvature kept", gradient},
		{"product", func() { must(o.Product(background, v, out)) }},
		{"diagonal", func() { must(o.Diagonal(background, out)) }},
		{"hessian", func() { must(o.Hessian(background, nil, h)) }},
		{"line", func() { must(o.Line(background, v)) }},
		{"line cost", func() { _, _, err := o.LineCost(background, 0.5); must(err) }},
	} {
		b.Run(fmt.Sprintf("%s/m=%d/n=28", c.name, rows), func(b *testing.B) {
			for b.Loop() {
				c.run()
			}
		})
	}
}

// BenchmarkBatch: a mini-batch of 64 rows of 28 features.
func BenchmarkBatch(b *testing.B) {
	p := benchProblem(b, 20_000, 28)
	o, err := NewObjective(p.engine(b, Options{}), model(b, losses["plain"], 28), "J", []string{"w", "b"}, Values{}, ObjectiveOptions{})
	if err != nil {
		b.Fatal(err)
	}
	at, grad, batch := theta(29, 1), make([]float64, 29), make([]int, 64)
	b.ReportAllocs()
	k := 0
	for b.Loop() {
		for i := range batch {
			k = (k + 7919) % 20_000
			batch[i] = k
		}
		if _, err := o.CostGradientRows(background, at, batch, grad); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNewObjective: parsing is not counted, simplifying, differentiating and compiling are.
func BenchmarkNewObjective(b *testing.B) {
	p := newProblem(b, 1, 100, 28, nil, 0, false)
	e := p.engine(b, Options{})
	for _, name := range []string{"plain", "log loss", "focal"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				o, err := NewObjective(e, model(b, losses[name], 28), "J", []string{"w", "b"}, p.settings(), ObjectiveOptions{Keep: true})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := o.CostGradient(background, theta(29, 1), make([]float64, 29)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
