package kernel

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The loops as one would write them first; the kernels must give their bits.

func slowForward[T Float, S Stored](z []T, x []S, stride int, w []T) {
	for r := range Rows {
		for j, w := range w {
			z[r] += T(w * T(x[j*stride+r]))
		}
	}
}

func slowDot[T Float, S Stored](a []S, panelA int, b []T, panelB, panels int) float64 {
	L := Lanes[T]()
	lane := make([]T, L)
	for p := range panels {
		for r := range Rows {
			lane[r%L] += T(T(a[p*panelA+r]) * b[p*panelB+r])
		}
	}
	sum := make([]float64, L)
	for i, v := range lane {
		sum[i] = float64(v)
	}
	for len(sum) > 1 {
		half := len(sum) / 2
		for i := range half {
			sum[i] += sum[i+half]
		}
		sum = sum[:half]
	}
	return sum[0]
}

func random[T Float](r *rand.Rand, n int) []T { return cells[T](r, n) }

// cells draws normal numbers of every kind: integers over the whole of their range, and small ones.
func cells[S Stored](r *rand.Rand, n int) []S {
	v := make([]S, n)
	for i := range v {
		switch any(v).(type) {
		case []int8:
			v[i] = S(r.Uint64())
		case []int16:
			v[i] = S(r.Uint64())
		case []int32:
			v[i] = S(int32(r.Uint32()) >> r.IntN(24))
		default:
			v[i] = S(r.NormFloat64())
		}
	}
	return v
}

func testPanels[T Float, S Stored](t *testing.T, k Panels[T, S]) {
	r := rand.New(rand.NewPCG(3, 4))
	for columns := range 23 {
		for _, panels := range []int{1, 2, 5} {
			stride := Rows
			x := cells[S](r, panels*columns*Rows+1)
			w := random[T](r, columns)
			z := random[T](r, Rows+2) // a guard at each end
			want := slices.Clone(z)
			slowForward(want[1:Rows+1], x, stride, w)
			k.Forward(z[1:Rows+1], x, stride, w)
			if !slices.Equal(z, want) {
				t.Fatalf("forward over %d columns", columns)
			}
			d := random[T](r, panels*Rows)
			sum := make([]float64, columns)
			k.Backward(sum, x, columns*Rows, Rows, d)
			for j := range columns {
				if want := slowDot(x[j*Rows:], columns*Rows, d, Rows, panels); sum[j] != want {
					t.Fatalf("backward, column %d of %d: %v, want %v", j, columns, sum[j], want)
				}
			}
		}
	}
	for n := range 70 {
		x, out := cells[S](r, n+1), random[T](r, n+2)
		want := slices.Clone(out)
		for i, v := range x[1:] {
			want[i+1] = T(v)
		}
		k.Widen(out[1:n+1], x[1:])
		if !slices.Equal(out, want) {
			t.Fatalf("widen, %d cells", n)
		}
	}
}

func testSums[T Float](t *testing.T, s *Set[T]) {
	r := rand.New(rand.NewPCG(3, 5))
	for _, c := range []struct{ na, nb, panels int }{{1, 1, 1}, {2, 3, 2}, {3, 4, 3}, {5, 9, 2}, {0, 3, 1}, {7, 2, 5}} {
		columns := c.na + c.nb
		x := random[T](r, c.panels*columns*Rows+1)
		a, b := x, x[c.na*Rows:]
		ld := c.nb + 2
		sum := random[float64](r, c.na*ld+2)
		want := slices.Clone(sum)
		for i := range c.na {
			for j := range c.nb {
				dot := slowDot(a[i*Rows:], columns*Rows, b[j*Rows:], columns*Rows, c.panels)
				if got := s.Gram(a[i*Rows:], columns*Rows, b[j*Rows:], columns*Rows, c.panels); got != dot {
					t.Fatalf("gram: %v, want %v", got, dot)
				}
				want[i*ld+j] += dot
			}
		}
		s.Tile(sum, ld, a, columns*Rows, c.na, b, columns*Rows, c.nb, c.panels)
		if !slices.Equal(sum, want) {
			t.Fatalf("tile of %v", c)
		}
	}
	for n := range 200 {
		a := random[T](r, n)
		padded := make([]T, (n+Rows-1)/Rows*Rows)
		copy(padded, a)
		ones := make([]T, len(padded))
		for i := range ones {
			ones[i] = 1
		}
		want := slowDot(padded, Rows, ones, Rows, len(padded)/Rows)
		if got := s.SumRows(a); got != want || s.SumRows(padded) != want {
			t.Fatalf("sum of %d rows: %v, want %v", n, got, want)
		}
	}
}

func TestPanels(t *testing.T) {
	for _, s := range sets[float64]() {
		testSet(t, s)
	}
	for _, s := range sets[float32]() {
		testSet(t, s)
	}
}

func testSet[T Float](t *testing.T, s *Set[T]) {
	name := fmt.Sprintf("%s/float%d/", s.Name, 512/Lanes[T]())
	t.Run(name+"int8", func(t *testing.T) { testPanels(t, s.I8) })
	t.Run(name+"int16", func(t *testing.T) { testPanels(t, s.I16) })
	t.Run(name+"int32", func(t *testing.T) { testPanels(t, s.I32) })
	t.Run(name+"float32", func(t *testing.T) { testPanels(t, s.F32) })
	t.Run(name+"float64", func(t *testing.T) { testPanels(t, s.F64) })
	t.Run(name+"sums", func(t *testing.T) { testSums(t, s) })
}

func TestSparseKernels(t *testing.T) {
	w := []float64{1, 2, 4, 8}
	z := []float64{0.5, 0.5, 0.5}
	Gather(z, []int32{3, -1, 0}, w)
	if !slices.Equal(z, []float64{8.5, 0.5, 1.5}) {
		t.Error("gather", z)
	}
	sum := make([]float64, 4)
	Scatter(sum, []int32{3, -1, 3}, []float64{1, 10, 100})
	if !slices.Equal(sum, []float64{0, 0, 0, 101}) {
		t.Error("scatter", sum)
	}
	r := rand.New(rand.NewPCG(7, 8))
	for _, levels := range []int{1, 2, fewLevels, fewLevels + 1} { // whole numbers: the order of adding does not show
		for _, n := range []int{0, 1, 63, 64, 65, 67, 1000} {
			codes, s := make([]int32, n), make([]float64, n)
			got, want := make([]float64, levels), make([]float64, levels)
			for i := range codes {
				codes[i], s[i] = int32(r.IntN(levels+1)-1), float64(r.IntN(1000))
				if codes[i] >= 0 {
					want[codes[i]] += s[i]
				}
			}
			if Scatter(got, codes, s); !slices.Equal(got, want) {
				t.Errorf("scatter of %d rows to %d levels: %v, want %v", n, levels, got, want)
			}
		}
	}
	start, index, value := []int{1, 3, 3, 4}, []int32{9, 0, 2, 1}, []float64{9, 2, 3, 5} // starts need not begin at 0
	z = []float64{1, 1, 1}
	SparseForward(z, start, index, value, w)
	if !slices.Equal(z, []float64{1 + 2 + 12, 1, 1 + 10}) {
		t.Error("sparse forward", z)
	}
	sum = make([]float64, 4)
	SparseBackward(sum, start, index, value, []float64{10, 100, 0})
	if !slices.Equal(sum, []float64{20, 0, 30, 0}) {
		t.Error("sparse backward", sum)
	}
	for n := range 12 { // rows of every length, one after another
		start, index, value := []int{0}, []int32{}, random[float64](r, 3*n)
		for range 3 {
			for range n {
				index = append(index, int32(r.IntN(4)))
			}
			start = append(start, len(index))
		}
		s, got, want := random[float64](r, 3), make([]float64, 4), make([]float64, 4)
		for k, j := range index {
			want[j] += float64(value[k] * s[k/n])
		}
		SparseBackward(got, start, index, value, s)
		if !slices.Equal(got, want) {
			t.Errorf("sparse backward of rows of %d: %v, want %v", n, got, want)
		}
	}
}

// TestGoldenBits: the bits of all kernels on fixed numbers, which must be these on every processor. A compiler that
// fuses a multiplication with an addition changes them.
func TestGoldenBits(t *testing.T) {
	h := fnv.New64a()
	put := func(v float64) {
		b := math.Float64bits(v)
		h.Write([]byte{byte(b), byte(b >> 8), byte(b >> 16), byte(b >> 24), byte(b >> 32), byte(b >> 40), byte(b >> 48), byte(b >> 56)})
	}
	for _, s := range sets[float64]() {
		h.Reset()
		golden(s, put)
		if got, want := h.Sum64(), uint64(golden64); got != want {
			t.Errorf("%s, float64 kernels: %#x, want %#x", s.Name, got, want)
		}
	}
	for _, s := range sets[float32]() {
		h.Reset()
		golden(s, put)
		if got, want := h.Sum64(), uint64(golden32); got != want {
			t.Errorf("%s, float32 kernels: %#x, want %#x", s.Name, got, want)
		}
	}
}

const (
	golden64 = 0x1d23e193fdcf4ec1
	golden32 = 0x91c22484d95e2cc6
)

// own is the set's panels whose cells have the arithmetic's own type.
func own[T Float](s *Set[T]) Panels[T, T] {
	if k, ok := any(s.F64).(Panels[T, T]); ok {
		return k
	}
	return any(s.F32).(Panels[T, T])
}

func golden[T Float](s *Set[T], put func(float64)) {
	k := own(s)
	state := uint64(1)
	next := func() T { // exact in both types: 20 bits
		state = state*6364136223846793005 + 1442695040888963407
		return T(int64(state>>44)-1<<19) / (1 << 15)
	}
	x, y := make([]T, 2*5*Rows), make([]T, 2*Rows)
	for i := range x {
		x[i] = next()
	}
	for i := range y {
		y[i] = next()
	}
	w := []T{next(), next(), next(), next(), next()}
	z := slices.Clone(y[:Rows])
	k.Forward(z, x, Rows, w)
	for _, v := range z {
		put(float64(v))
	}
	sum := make([]float64, 5)
	k.Backward(sum, x, 5*Rows, Rows, y)
	for _, v := range sum {
		put(v)
	}
	put(s.SumRows(y))
	out := make([]T, len(y))
	names := []string{"exp", "expnabs", "log", "log1p", "sigmoid", "softplus", "tanh"}
	for _, name := range names {
		s.Map1[name](out, y)
		for i, v := range out {
			if y[i] > 0 || v == v {
				put(float64(v))
			}
		}
	}
	for _, f := range s.Fused {
		outs := make([][]T, len(f.Out))
		for k := range outs {
			outs[k] = make([]T, len(y))
		}
		f.Run(outs, [][]T{y, x[:len(y)]}[:len(f.In)])
		for _, o := range outs {
			for _, v := range o {
				put(float64(v))
			}
		}
	}
}
