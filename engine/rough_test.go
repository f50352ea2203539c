package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestRough: H·v over the rough copy is near the exact one and the same on any number of threads; everything else stays
// exact; columns that int8 does not serve stay as they are.
func TestRough(t *testing.T) {
	for name, src := range map[string]string{"log loss": lecture, "focal": losses["focal"]} {
		for _, codes := range [][]int{nil, {4}} {
			const dense = 30
			p := newProblem(t, 21, 9000, dense, codes, 3*len(codes), len(codes) == 0)
			heavy := p.columns.Dense[3].(Float64s)
			heavy[4321] = 1e6 // all others are 0 beside it
			constant := p.columns.Dense[4].(Float64s)
			for i := range constant {
				constant[i] = 7.25
			}
			far := p.columns.Dense[5].(Float64s)
			for i := range far {
				far[i] += 1e5
			}
			p.layout.Kinds = make([]Kind, dense)
			p.layout.Kinds[6] = Int8
			small := p.columns.Dense[6].(Float64s)
			for i := range small {
				small[i] = math.Round(10 * small[i])
			}
			n := p.layout.Features
			at, v := theta(n+1, 1), theta(n+1, 2)
			at[p.layout.Dense[3]], at[p.layout.Dense[5]] = 0, 0
			var bits []float64
			for _, threads := range []int{1, 2, 5} {
				b, err := NewObjective(p.engine(t, Options{Threads: threads}), model(t, src, n), "J", []string{"w", "b"}, p.settings(), ObjectiveOptions{})
				if err != nil {
					t.Fatal(err)
				}
				exact, rough, again := make([]float64, n+1), make([]float64, n+1), make([]float64, n+1)
				if _, err := b.CostGradient(background, at, exact); err != nil {
					t.Fatal(err)
				}
				if err := b.Product(background, v, exact); err != nil {
					t.Fatal(err)
				}
				if on, err := b.Rough(background, true); on || err != nil {
					t.Fatalf("a small matrix: %v, %v", on, err)
				}
				if on, err := b.rough(background); !on || err != nil {
					t.Fatalf("no copy: %v", err)
				}
				kinds := b.roughly.e.layout.Kinds
				for d, k := range kinds {
					if want := d != 3 && d != 4; (k == Int8) != want {
						t.Errorf("column %d is %v", d, k)
					}
				}
				if err := b.Product(background, v, rough); err != nil {
					t.Fatal(err)
				}
				// in the norm of the diagonal, where every column counts alike
				diag := make([]float64, n+1)
				if err := b.Diagonal(background, diag); err != nil {
					t.Fatal(err)
				}
				var off, size float64
				for j := range exact {
					off += math.Pow(rough[j]-exact[j], 2) / diag[j]
					size += math.Pow(exact[j], 2) / diag[j]
				}
				if !(off < 1e-4*size) || off == 0 {
					t.Errorf("%s: H·v is off by %v of itself", name, math.Sqrt(off/size))
				}
				if bits == nil {
					bits = rough
				}
				sameBits(t, fmt.Sprint(threads, " threads"), rough, bits)
				if on, err := b.Rough(background, false); on || err != nil {
					t.Fatal(on, err)
				}
				if err := b.Product(background, v, again); err != nil {
					t.Fatal(err)
				}
				sameBits(t, "exact again", again, exact)
			}
		}
	}
}

// BenchmarkRough: H·v over 50,000 rows of 2000 columns, exact (float64, int16) and rough.
func BenchmarkRough(b *testing.B) {
	rows, n := 50_000, 2000
	if testing.Short() {
		rows, n = 20_000, 500
	}
	r := rand.New(rand.NewPCG(1, 1))
	y := make([]float64, rows)
	for i := range y {
		y[i] = float64(r.IntN(2))
	}
	for _, kind := range []Kind{Float64, Float32, Int16} {
		l := Layout{Rows: rows, Features: n, Inputs: []string{"y"}}
		c := Columns{Inputs: [][]float64{y}}
		for j := range n {
			l.Dense, l.Kinds = append(l.Dense, j), append(l.Kinds, kind)
			c.Dense = append(c.Dense, noise{uint64(j), kind})
		}
		m, err := NewMemory(l, c)
		if err != nil {
			b.Fatal(err)
		}
		e, err := New(m, Options{})
		if err != nil {
			b.Fatal(err)
		}
		o, err := NewObjective(e, model(b, losses["plain"], n), "J", []string{"w", "b"}, Values{}, ObjectiveOptions{})
		if err != nil {
			b.Fatal(err)
		}
		at, v, hv := make([]float64, n+1), theta(n+1, 2), make([]float64, n+1)
		if _, err := o.CostGradient(background, at, hv); err != nil {
			b.Fatal(err)
		}
		run := func(b *testing.B) {
			for b.Loop() {
				if err := o.Product(background, v, hv); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(fmt.Sprintf("exact %v", kind), run)
		b.Run(fmt.Sprintf("copy %v", kind), func(b *testing.B) {
			for b.Loop() {
				o.Rough(background, false)
				if on, err := o.rough(background); !on || err != nil {
					b.Fatal(on, err)
				}
			}
		})
		b.Run(fmt.Sprintf("rough %v", kind), run)
	}
}

// noise is a column of numbers between -1 and 1, or 30000 times as much.
type noise struct {
	seed uint64
	kind Kind
}

func (c noise) Read(out []float64, from int) {
	x := uint64(from) + c.seed<<32
	for i := range out {
		x += 0x9e3779b97f4a7c15
		z := (x ^ x>>30) * 0xbf58476d1ce4e5b9
		z ^= z >> 27
		out[i] = float64(float32(int64(z)>>40) / (1 << 23))
		if c.kind == Int16 {
			out[i] = math.Round(30000 * out[i])
		}
	}
}
