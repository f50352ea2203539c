package engine

import (
	"context"
	"testing"
)

// TestPart: the cost of some chunks, its gradient and its products are those of an objective over these rows alone.
func TestPart(t *testing.T) {
	p := newProblem(t, 6, 5000, 3, []int{4}, 0, true)
	n := p.layout.Features
	g := model(t, "z = dot(w, x) + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))\nJ = mean(s*L) + sum(lambda*w*w)/(2*m)", n)
	whole, err := NewObjective(p.engine(t, Options{}), g, "J", []string{"w", "b"}, p.settings(), ObjectiveOptions{Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	chunks := []int{0, whole.Engine().Chunks() - 1}
	if on, err := whole.rough(background); !on || err != nil { // a copy of all rows is none of the part
		t.Fatal(on, err)
	}
	part, err := whole.Part(chunks)
	if err != nil {
		t.Fatal(err)
	}
	rows := part.Engine().Layout().Rows
	in := p.settings()
	in.M = whole.M() * float64(rows) / float64(p.layout.Rows)
	masked, err := NewObjective(p.engine(t, Options{}), g, "J", []string{"w", "b"}, in, ObjectiveOptions{Mask: Mask{Chunks: chunks}})
	if err != nil {
		t.Fatal(err)
	}
	size := whole.Size()
	at, v := theta(size, 5), theta(size, 6)
	var got, want [2][]float64
	for i := range got {
		got[i], want[i] = make([]float64, size), make([]float64, size)
	}
	J, err := part.CostGradient(context.Background(), at, got[0])
	if err != nil {
		t.Fatal(err)
	}
	K, err := masked.CostGradient(context.Background(), at, want[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := part.Product(context.Background(), v, got[1]); err != nil {
		t.Fatal(err)
	}
	if err := masked.Product(context.Background(), v, want[1]); err != nil {
		t.Fatal(err)
	}
	near(t, "cost", []float64{J}, []float64{K}, 1e-14)
	near(t, "gradient", got[0], want[0], 1e-14)
	near(t, "product", got[1], want[1], 1e-14)
	if _, err := masked.Part(chunks); err == nil {
		t.Error("a part of a masked objective is given")
	}
	if _, err := whole.Part([]int{1, 0}); err == nil {
		t.Error("chunks out of order are taken")
	}
}
