package engine

import (
	"math"
	"testing"
)

// TestPasses: the named passes against loops over the rows as the model sees them.
func TestPasses(t *testing.T) {
	for _, s := range shapes {
		for _, withC := range []bool{false, true} {
			t.Run(s.name, func(t *testing.T) {
				p := s.problem(t)
				e := p.engine(t, Options{Threads: 3})
				n, rows := p.layout.Features, p.layout.Rows
				N := n + 1
				var c []float64
				one := func(i int) float64 { return 1 }
				if withC {
					c = make([]float64, rows)
					for i := range c {
						c[i] = float64(i%5) / 3
					}
					one = func(i int) float64 { return c[i] }
				}
				v := theta(N, 9)
				gram, diag, product, weighted := make([]float64, N*N), make([]float64, N), make([]float64, N), make([]float64, N)
				linear := make([]float64, rows)
				for i := range rows {
					x := append(append([]float64(nil), p.x[i*n:(i+1)*n]...), 1)
					for j := range x {
						linear[i] += x[j] * v[j]
					}
					for j := range x {
						diag[j] += one(i) * x[j] * x[j]
						product[j] += one(i) * x[j] * linear[i]
						weighted[j] += one(i) * x[j]
						for k := range x {
							gram[j*N+k] += one(i) * x[j] * x[k]
						}
					}
				}
				check := func(what string, got []float64, err error, want []float64) {
					t.Helper()
					if err != nil {
						t.Fatal(err)
					}
					near(t, what, got, want, 1e-13*math.Sqrt(float64(rows+10)))
				}
				G, err := e.Gram(background, c, nil)
				check("Gram", G, err, gram)
				for i := range N {
					for j := range i {
						if G[i*N+j] != G[j*N+i] {
							t.Fatalf("Gram is not symmetric at %d, %d", i, j)
						}
					}
				}
				got, err := e.Diag(background, c)
				check("Diag", got, err, diag)
				got, err = e.Product(background, c, v)
				check("Product", got, err, product)
				got, err = e.Weighted(background, c)
				check("Weighted", got, err, weighted)
				got, err = e.Linear(background, v)
				check("Linear", got, err, linear)

				// MaxQuad with a random lower factor; what is above the diagonal is not read
				chol := make([]float64, N*N)
				for i := range N {
					for j := range N {
						chol[i*N+j] = math.NaN()
						if j <= i {
							chol[i*N+j] = v[(i*7+j)%N] + float64(5*b2i(i == j))
						}
					}
				}
				best, row := 0.0, -1
				quads := make([]float64, rows)
				const groups = 3
				grouped, of, r := make([]float64, groups*2*N), make([]int32, rows), make([]float64, 2*rows)
				for i := range rows {
					of[i] = int32(i*i) % groups
					r[2*i], r[2*i+1] = one(i), -float64(i%4)
					for q, u := range r[2*i : 2*i+2] {
						for j, x := range append(append([]float64(nil), p.x[i*n:(i+1)*n]...), 1) {
							grouped[(int(of[i])*2+q)*N+j] += u * x
						}
					}
				}
				for i := range rows {
					x := append(append([]float64(nil), p.x[i*n:(i+1)*n]...), 1)
					q := 0.0
					for j := range x {
						for k := range j {
							x[j] -= chol[j*N+k] * x[k]
						}
						x[j] /= chol[j*N+j]
						q += x[j] * x[j]
					}
					quads[i] = q
					if c != nil && c[i] <= 0 {
						continue
					}
					if row < 0 || q > best {
						best, row = q, i
					}
				}
				largest, at, err := e.MaxQuad(background, chol, c)
				if err != nil {
					t.Fatal(err)
				}
				if math.Abs(largest-best) > 1e-12*best || at != row {
					t.Errorf("MaxQuad %v at %d, want %v at %d", largest, at, best, row)
				}
				got, err = e.Quads(background, chol)
				check("Quads", got, err, quads)
				got, err = e.Grouped(background, r, 2, of, groups)
				check("Grouped", got, err, grouped)
			})
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestGramSubset: the sums of complementary lists of chunks add up to the whole.
func TestGramSubset(t *testing.T) {
	p := newProblem(t, 5, 2000, 250, nil, 0, false)
	e := p.engine(t, Options{})
	whole, err := e.Gram(background, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var even, odd []int
	for k := range e.Chunks() {
		if k%2 == 0 {
			even = append(even, k)
		} else {
			odd = append(odd, k)
		}
	}
	a, err := e.Gram(background, nil, even)
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.Gram(background, nil, odd)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a {
		a[i] += b[i]
	}
	near(t, "even and odd chunks", a, whole, 1e-13)
	none, err := e.Gram(background, nil, []int{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "no chunk", none, make([]float64, len(none)), 0)
	for _, bad := range [][]int{{1, 0}, {-1}, {e.Chunks()}} {
		if _, err := e.Gram(background, nil, bad); err == nil {
			t.Errorf("chunks %v taken", bad)
		}
	}
}

// TestPassArguments: lengths that do not fit are errors.
func TestPassArguments(t *testing.T) {
	p := newProblem(t, 5, 20, 2, nil, 0, false)
	e := p.engine(t, Options{})
	short := make([]float64, 2)
	_, gram := e.Gram(background, short, nil)
	_, diag := e.Diag(background, short)
	_, product := e.Product(background, nil, short)
	_, productC := e.Product(background, short, make([]float64, 3))
	_, weighted := e.Weighted(background, short)
	_, linear := e.Linear(background, short)
	_, _, quad := e.MaxQuad(background, short, nil)
	for i, err := range []error{gram, diag, product, productC, weighted, linear, quad} {
		if err == nil {
			t.Errorf("pass %d took slices of the wrong length", i)
		}
	}
}
