package engine

import (
	"context"
	"math"
	"testing"
)

// TestBorder: rows of the Gram matrix and its diagonal are those of Gram and Diag, for any choice of rows, and the same bits on any
// number of threads.
func TestBorder(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			p := s.problem(t)
			N, rows := p.layout.Features+1, p.layout.Rows
			c := make([]float64, rows)
			for i := range c {
				c[i] = float64(i%5) / 3
			}
			e := p.engine(t, Options{Threads: 3})
			G, err := e.Gram(background, c, nil)
			if err != nil {
				t.Fatal(err)
			}
			for step := 1; step <= 3; step++ {
				var of []int
				var want []float64
				for j := (step - 1) % N; j < N; j += step {
					of = append(of, j)
					want = append(want, G[j*N:(j+1)*N]...)
				}
				for j := range N {
					want = append(want, G[j*N+j])
				}
				got, err := e.Border(background, c, of, nil)
				if err != nil {
					t.Fatal(err)
				}
				near(t, "Border", got, want, 1e-13*math.Sqrt(float64(rows+10)))
				one, err := p.engine(t, Options{Threads: 1}).Border(background, c, of, nil)
				if err != nil {
					t.Fatal(err)
				}
				for i := range one {
					if one[i] != got[i] {
						t.Fatalf("number %d: %v on one thread, %v on three", i, one[i], got[i])
					}
				}
			}
			if _, err := e.Border(background, c, []int{N}, nil); err == nil {
				t.Error("a feature beyond the bias is taken")
			}
		})
	}
}

// TestObjectiveBorder: the rows of H, penalty included, also where the bias comes first.
func TestObjectiveBorder(t *testing.T) {
	p := newProblem(t, 4, 700, 3, []int{4, 2}, 0, true)
	n := p.layout.Features
	g := model(t, "z = dot(w, x) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))\nJ = mean(s*L) + sum(lambda*w*w)/(2*m)", n)
	for _, of := range [][]string{{"w", "b"}, {"b", "w"}} {
		b, err := NewObjective(p.engine(t, Options{}), g, "J", of, p.settings(), ObjectiveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		size := b.Size()
		if _, err := b.CostGradient(context.Background(), theta(size, 5), make([]float64, size)); err != nil {
			t.Fatal(err)
		}
		h := make([]float64, size*size)
		if err := b.Hessian(context.Background(), nil, h); err != nil {
			t.Fatal(err)
		}
		rows := []int{0, 2, size - 1}
		got := make([]float64, (len(rows)+1)*size)
		if err := b.Border(context.Background(), rows, nil, got); err != nil {
			t.Fatal(err)
		}
		var want []float64
		for _, k := range rows {
			want = append(want, h[k*size:(k+1)*size]...)
		}
		for k := range size {
			want = append(want, h[k*size+k])
		}
		near(t, "Border", got, want, 1e-12)
	}
}

// TestBlock: the block of Gram among some features, and of H among some components.
func TestBlock(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			p := s.problem(t)
			N, rows := p.layout.Features+1, p.layout.Rows
			c := make([]float64, rows)
			for i := range c {
				c[i] = float64(i%5) / 3
			}
			e := p.engine(t, Options{Threads: 3})
			G, err := e.Gram(background, c, nil)
			if err != nil {
				t.Fatal(err)
			}
			for step := 1; step <= 3; step++ {
				var of []int
				for j := (step - 1) % N; j < N; j += step {
					of = append(of, j)
				}
				var want []float64
				for _, i := range of {
					for _, j := range of {
						want = append(want, G[i*N+j])
					}
				}
				got, err := e.Block(background, c, of)
				if err != nil {
					t.Fatal(err)
				}
				near(t, "Block", got, want, 1e-13*math.Sqrt(float64(rows+10)))
			}
		})
	}
	p := newProblem(t, 4, 700, 3, []int{4, 2}, 0, true)
	g := model(t, "z = dot(w, x) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))\nJ = mean(s*L) + sum(lambda*w*w)/(2*m)", p.layout.Features)
	b, err := NewObjective(p.engine(t, Options{}), g, "J", []string{"w", "b"}, p.settings(), ObjectiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	size, of := b.Size(), []int{0, 2, b.Size() - 1}
	if _, err := b.CostGradient(background, theta(size, 5), make([]float64, size)); err != nil {
		t.Fatal(err)
	}
	h, got := make([]float64, size*size), make([]float64, len(of)*len(of))
	if err := b.Hessian(background, nil, h); err != nil {
		t.Fatal(err)
	}
	var want []float64
	for _, i := range of {
		for _, j := range of {
			want = append(want, h[i*size+j])
		}
	}
	if err := b.Block(background, of, got); err != nil {
		t.Fatal(err)
	}
	near(t, "Block of H", got, want, 1e-12)
}
