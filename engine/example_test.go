package engine_test

import (
	"context"
	"fmt"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/graph"
)

// The lecture's three lines and their mean, over four rows of two features.
func Example() {
	row := graph.Shape{PerRow: true}
	g, err := graph.Parse(`z = dot(w, x) + b
a = sigmoid(z)
L = -(y*log(a) + (1-y)*log(1-a))
J = mean(L)`,
		graph.Leaf{Kind: graph.Parameter, Name: "w", Shape: graph.Vector(2)},
		graph.Leaf{Kind: graph.Parameter, Name: "b"},
		graph.Leaf{Kind: graph.Input, Name: "x", Shape: graph.Vector(2).EachRow()},
		graph.Leaf{Kind: graph.Input, Name: "y", Shape: row})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := g.Derive("J"); err != nil { // gives what runs the equations' names
		fmt.Println(err)
		return
	}
	data, err := engine.NewMemory(
		engine.Layout{Rows: 4, Features: 2, Dense: []int{0, 1}, Kinds: []engine.Kind{engine.Float64, engine.Int8}, Inputs: []string{"y"}},
		engine.Columns{
			Dense:  []engine.Cells{engine.Float64s{0, 1, 2, 3}, engine.Int8s{1, 0, 1, 0}},
			Inputs: [][]float64{{0, 0, 1, 1}},
		})
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := engine.New(data, engine.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	cost, err := engine.NewObjective(e, g, "J", []string{"w", "b"}, engine.Values{}, engine.ObjectiveOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	gradient := make([]float64, cost.Size())
	J, err := cost.CostGradient(context.Background(), make([]float64, cost.Size()), gradient)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("J = %.6f, dw = %.3f, db = %.3f\n", J, gradient[:2], gradient[2])
	fmt.Print(cost)
	// Output:
	// J = 0.693147, dw = [-0.500 0.000], db = 0.000
	// cost and gradient, for every block of rows:
	// z = forward(w, x) from b
	// L = softplus(z) - t*z; dz = sigmoid(z) - t   (one kernel; z = z, t = y)
	// sum   J += sum over rows of L
	// sum   dw += backward(dz, x)
	// sum   db += sum over rows of dz
}
