package engine

import (
	"context"
	"testing"

	"github.com/descent-ml/descent/graph"
)

// TestShared: the mean over the heads of the blocks of H on its diagonal, of one head and of three.
func TestShared(t *testing.T) {
	p := newProblem(t, 4, 700, 3, []int{4}, 0, true)
	n := p.layout.Features
	for _, c := range []struct {
		heads     int
		equations string
		of        []string
	}{
		{1, "z = dot(w, x) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))\nJ = mean(s*L)", []string{"w", "b"}},
		{3, "z = dot(W, x) + c\nL = logsumexp(z) - y*sum(z)\nJ = mean(s*L)", []string{"W", "c"}},
	} {
		g := model(t, c.equations, n, graph.Leaf{Kind: graph.Parameter, Name: "W", Shape: graph.Matrix(3, n)},
			graph.Leaf{Kind: graph.Parameter, Name: "c", Shape: graph.Vector(3)})
		b, err := NewObjective(p.engine(t, Options{}), g, "J", c.of, p.settings(), ObjectiveOptions{})
		if err != nil {
			t.Fatal(err)
		}
		size, N := b.Size(), n+1
		if _, err := b.CostGradient(context.Background(), theta(size, 5), make([]float64, size)); err != nil {
			t.Fatal(err)
		}
		h := make([]float64, size*size)
		if err := b.Hessian(context.Background(), nil, h); err != nil {
			t.Fatal(err)
		}
		want, got := make([]float64, N*N), make([]float64, N*N)
		for k := range c.heads {
			for i := range N {
				for j := range N {
					want[i*N+j] += h[b.at(k, i)*size+b.at(k, j)] / float64(c.heads)
				}
			}
		}
		if err := b.Shared(context.Background(), nil, got); err != nil {
			t.Fatal(err)
		}
		near(t, "Shared", got, want, 1e-12)
	}
}
