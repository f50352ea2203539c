package engine

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// storedAs gives every dense column a kind (Float64 + d mod 5 from the given one on), with values that the kind holds,
// and the sparse rows one; the second problem is the same numbers in float64.
func storedAs(t testing.TB, seed uint64, first Kind, rows, dense int, codes []int, sparse int) (narrow, wide *problem) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	make := func() *problem { return newProblem(t, seed, rows, dense, codes, sparse, true) }
	narrow, wide = make(), make()
	limit := [kinds]float64{Float64: 1, Float32: 1, Int32: 1 << 31, Int16: 1 << 15, Int8: 1 << 7}
	for d, j := range narrow.layout.Dense {
		k := (first + Kind(d)) % kinds
		narrow.layout.Kinds = append(narrow.layout.Kinds, k)
		v := wide.columns.Dense[d].(Float64s)
		for i := range v {
			switch k {
			case Float64:
				v[i] = r.NormFloat64()
			case Float32:
				v[i] = float64(float32(r.NormFloat64()))
			default:
				v[i] = float64(r.IntN(int(2*limit[k]))) - limit[k]
			}
		}
		v[0], v[1] = max(-limit[k], -1<<31), limit[k]-1 // the ends of its range
		narrow.columns.Dense[d] = v
		for _, p := range []*problem{narrow, wide} {
			p.layout.Scale[j] /= limit[k]
			p.layout.Center[j] *= limit[k]
		}
	}
	if sparse > 0 {
		n := narrow.columns.Value.Len()
		stored := [kinds]func() (Stored, func(i int) float64){
			Float64: func() (Stored, func(i int) float64) { return nil, func(int) float64 { return 1 } },
			Float32: func() (Stored, func(i int) float64) {
				v := Float32s(slices.Repeat([]float32{0.25, -3, 1}, n))
				return v[:n], func(i int) float64 { return float64(v[i]) }
			},
			Int32: func() (Stored, func(i int) float64) {
				v := Int32s(slices.Repeat([]int32{1, -70000, 3}, n))
				return v[:n], func(i int) float64 { return float64(v[i]) }
			},
			Int16: func() (Stored, func(i int) float64) {
				v := Int16s(slices.Repeat([]int16{1, -300, 3}, n))
				return v[:n], func(i int) float64 { return float64(v[i]) }
			},
			Int8: func() (Stored, func(i int) float64) {
				v := Int8s(slices.Repeat([]int8{1, -128, 127, 0}, n))
				return v[:n], func(i int) float64 { return float64(v[i]) }
			},
		}
		of, at := stored[first]()
		narrow.columns.Value = of
		v := wide.columns.Value.(Float64s)
		for i := range v {
			v[i] = at(i)
		}
	}
	return narrow, wide
}

// TestKinds: a mix of kinds gives the results of the same numbers in float64, to rounding, and the same bits on any
// number of threads.
func TestKinds(t *testing.T) {
	for first := range kinds {
		for k, s := range []struct {
			rows, dense int
			codes       []int
			sparse      int
		}{{333, 12, nil, 0}, {1500, 7, []int{4, 3}, 9}, {64, 5, nil, 3}, {3000, 40, nil, 0}, {1, 5, nil, 0}, {700, 0, []int{3}, 20}} {
			t.Run(fmt.Sprint(first, " ", k), func(t *testing.T) {
				narrow, wide := storedAs(t, uint64(k), first, max(s.rows, 2), s.dense, s.codes, s.sparse)
				want, err := everything(background, wide.engine(t, Options{Threads: 1}), wide, t)
				if err != nil {
					t.Fatal(err)
				}
				m := narrow.memory(t)
				var bits []float64
				for _, threads := range []int{1, 2, 3, 8} {
					e, err := New(m, Options{Threads: threads})
					if err != nil {
						t.Fatal(err)
					}
					got, err := everything(background, e, narrow, t)
					if err != nil {
						t.Fatal(err)
					}
					if bits != nil {
						sameBits(t, fmt.Sprint(threads, " threads"), got, bits)
						continue
					}
					bits = got
					if e.block != wide.engine(t, Options{}).block {
						continue // an estimate from other chunks
					}
					near(t, "everything", got, want, 1e-12)
				}
			})
		}
	}
}

// TestKindsExactly: sums over columns of every kind against exact arithmetic: Gram, Diag, Product and the largest
// quadratic form, of the stored numbers.
func TestKindsExactly(t *testing.T) {
	for first := range kinds {
		narrow, wide := storedAs(t, 40+uint64(first), first, 130, 6, nil, 4)
		narrow.layout.Center, narrow.layout.Scale = nil, nil
		e := narrow.engine(t, Options{})
		n := narrow.layout.Features
		N := n + 1
		x := make([][]float64, wide.layout.Rows)
		for i := range x {
			x[i] = make([]float64, N)
			x[i][n] = 1
			for d, j := range wide.layout.Dense {
				x[i][j] = wide.columns.Dense[d].(Float64s)[i]
			}
			for q := wide.columns.Start[i]; q < wide.columns.Start[i+1]; q++ {
				x[i][wide.columns.Index[q]] = wide.columns.Value.(Float64s)[q]
			}
		}
		c := wide.columns.Inputs[2]
		G, err := e.Gram(background, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		diag, err := e.Diag(background, c)
		if err != nil {
			t.Fatal(err)
		}
		v := theta(N, 3)
		product, err := e.Product(background, c, v)
		if err != nil {
			t.Fatal(err)
		}
		exact := func() *big.Float { return new(big.Float).SetPrec(300) }
		of := func(f float64) *big.Float { return exact().SetFloat64(f) }
		agree := func(what string, got float64, sum, size *big.Float) {
			t.Helper()
			want, _ := sum.Float64()
			scale, _ := size.Float64()
			if !(math.Abs(got-want) <= 1e-15*8*scale) {
				t.Errorf("first kind %v: %s = %v, exactly %v of %v", first, what, got, want, scale)
			}
		}
		hv, hvSize := make([]*big.Float, N), make([]*big.Float, N)
		for i := range N {
			hv[i], hvSize[i] = exact(), exact()
			for j := range N {
				sum, size := exact(), exact()
				for r := range x {
					p := exact().Mul(of(c[r]), exact().Mul(of(x[r][i]), of(x[r][j])))
					sum.Add(sum, p)
					size.Add(size, p.Abs(p))
				}
				agree(fmt.Sprintf("Gram %d, %d", i, j), G[i*N+j], sum, size)
				if i == j {
					agree(fmt.Sprintf("Diag %d", i), diag[i], sum, size)
				}
				hv[i].Add(hv[i], exact().Mul(sum, of(v[j])))
				hvSize[i].Add(hvSize[i], size.Mul(size, of(math.Abs(v[j]))))
			}
		}
		for i := range N {
			agree(fmt.Sprintf("Product %d", i), product[i], hv[i], hvSize[i])
		}
	}
}

// TestBlockReaders: what a block gives is what was stored, in every kind; Gather too.
func TestBlockReaders(t *testing.T) {
	narrow, wide := storedAs(t, 3, Int16, 200, 11, nil, 5)
	m := narrow.memory(t)
	rows := []int{199, 0, 64, 64, 3, 127}
	for i := range 100 {
		rows = append(rows, i)
	}
	all := make([]int, 200)
	for i := range all {
		all[i] = i
	}
	some, err := m.Gather(rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		m    *Memory
		rows []int
	}{{m, all}, {some, rows}} {
		b, err := c.m.Chunk(0)
		if err != nil {
			t.Fatal(err)
		}
		if b.Rows != len(c.rows) {
			t.Fatalf("%d rows, want %d", b.Rows, len(c.rows))
		}
		panel, column := make([]float64, 11*64), make([]float64, b.Rows)
		var value []float64
		for d := range 11 {
			want := wide.columns.Dense[d].(Float64s)
			b.Dense(d, column)
			for i, r := range c.rows {
				b.Panel(i/64, panel)
				if column[i] != want[r] || panel[d*64+i%64] != want[r] {
					t.Fatalf("column %d, row %d: %v and %v, want %v", d, r, column[i], panel[d*64+i%64], want[r])
				}
			}
		}
		for i, r := range c.rows {
			var index []int32
			index, value = b.Entries(i, value)
			lo, hi := wide.columns.Start[r], wide.columns.Start[r+1]
			if !slices.Equal(index, wide.columns.Index[lo:hi]) || !slices.Equal(value, wide.columns.Value.(Float64s)[lo:hi]) {
				t.Fatalf("row %d: entries %v %v", r, index, value)
			}
		}
	}
}

// TestNotExact: a value that its kind does not hold is an error with its place, the first by column and row.
func TestNotExact(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		bad  []float64
	}{
		{Int8, []float64{128, -129, 0.5, math.NaN(), math.Inf(1), 256}},
		{Int16, []float64{1 << 15, -1<<15 - 1, 0.5, math.NaN(), 1 << 16}},
		{Int32, []float64{1 << 31, -1<<31 - 1, 1e300, math.NaN(), math.Inf(-1), 1 << 32}},
		{Float32, []float64{0.1, 1 << 25 * 1.0000001, 1e300}},
	} {
		for _, bad := range c.bad {
			const rows = 9000
			good, v, later := make(Float64s, rows), make(Float64s, rows), make(Float64s, rows)
			v[7000], v[8999], later[1] = bad, bad, bad
			_, err := NewMemory(Layout{Rows: rows, Features: 3, Dense: []int{0, 1, 2}, Kinds: []Kind{Float64, c.kind, c.kind}},
				Columns{Dense: []Cells{good, v, later}})
			want := fmt.Sprintf("dense column 1, row 7000: %v is no %v", bad, c.kind)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v in %v: %v, want %q", bad, c.kind, err, want)
			}
		}
		// NaN is a value of the floating-point kinds.
		if c.kind == Float32 {
			if _, err := NewMemory(Layout{Rows: 1, Features: 1, Dense: []int{0}, Kinds: []Kind{Float32}}, Columns{Dense: []Cells{Float64s{math.NaN()}}}); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestSystemMemory: panels that are large enough to come from the system are zero past the last row.
func TestSystemMemory(t *testing.T) {
	const rows = hugeFrom/8 + 1
	v := make(Float64s, rows)
	for i := range v {
		v[i] = float64(i)
	}
	for range 3 {
		m, err := NewMemory(Layout{Rows: rows, Features: 1, Dense: []int{0}}, Columns{Dense: []Cells{v}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.Chunk((rows - 1) / m.ChunkRows())
		if err != nil {
			t.Fatal(err)
		}
		panel := make([]float64, 64)
		b.Panel((b.Rows-1)/64, panel)
		for i, x := range panel[b.Rows%64:] {
			if x != 0 {
				t.Fatalf("%v at %d past the end", x, i)
			}
		}
		if panel[(b.Rows-1)%64] != rows-1 {
			t.Fatalf("last row %v", panel[(b.Rows-1)%64])
		}
		runtime.GC() // earlier ones may be given back now
	}
}
