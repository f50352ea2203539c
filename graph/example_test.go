package graph_test

import (
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/descent-ml/descent/graph"
)

func Example() {
	g, err := graph.Parse("z = w*x + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))")
	if err != nil {
		log.Fatal(err)
	}
	if err := g.Derive("L"); err != nil {
		log.Fatal(err)
	}
	for _, d := range g.Defs {
		fmt.Printf("%-2s = %-40v %v\n", d.Name, d.Written, d.Runs)
	}
	dz, _ := g.Def("dz")
	for _, s := range dz.Why {
		fmt.Printf("%v\n    = %v   (%s)\n", s.Before, s.After, s.Rule)
	}
	// Output:
	// z  = w*x + b                                  w*x + b
	// a  = sigmoid(z)                               sigmoid(z)
	// L  = -(y*log(a) + (1 - y)*log(1 - a))         softplus(z) - y*z
	// da = -y/a + (1 - y)/(1 - a)                   (1 - y)/(1 - a) - y/a
	// dz = (-y/a + (1 - y)/(1 - a))*(a*(1 - a))     a - y
	// dw = (-y/a + (1 - y)/(1 - a))*(a*(1 - a))*x   (a - y)*x
	// db = (-y/a + (1 - y)/(1 - a))*(a*(1 - a))     a - y
	// ((1 - y)/(1 - a) - y/a)*(a*(1 - a))
	//     = a*(1 - y) - y*(1 - a)   (distribute da; cancel)
	// a*(1 - y) - y*(1 - a)
	//     = y*a + a*(1 - y) - y   (distribute 1 - a)
	// y*a + a*(1 - y) - y
	//     = y*a + a - y*a - y   (distribute 1 - y)
	// y*a + a - y*a - y
	//     = a - y   (collect)
}

func ExampleEval() {
	g, err := graph.Parse("J = 3*(a + b*c)")
	if err != nil {
		log.Fatal(err)
	}
	if err := g.Derive("J"); err != nil {
		log.Fatal(err)
	}
	var roots []*graph.Node
	for _, d := range g.Defs {
		roots = append(roots, d.Runs)
	}
	values, err := graph.Eval(graph.Values{Of: map[string][]float64{"a": {5}, "b": {3}, "c": {2}}}, roots...)
	if err != nil {
		log.Fatal(err)
	}
	for i, d := range g.Defs {
		fmt.Println(d.Name, values[i][0])
	}
	// Output:
	// J 33
	// da 3
	// db 6
	// dc 9
}

func ExampleParse_error() {
	_, err := graph.Parse("z = w*x + b\nL = lgo(z)")
	var at *graph.Error
	if errors.As(err, &at) {
		what, _, _ := strings.Cut(at.Message, ";") // the functions there are follow
		fmt.Printf("line %d, column %d: %s\n", at.Line, at.Column, what)
	}
	// Output: line 2, column 5: no function is called lgo (did you mean log?)
}

func ExampleGraph_Gradient() {
	g, err := graph.Parse("L = w^2*x + w")
	if err != nil {
		log.Fatal(err)
	}
	L, _ := g.Lookup("L")
	w, _ := g.Lookup("w")
	first, err := g.Gradient(L, w)
	if err != nil {
		log.Fatal(err)
	}
	second, err := g.Gradient(first[0], w)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first[0], "and", second[0])
	// Output: x*(2*w) + 1 and x*2
}

func ExampleGraph_Tangent() {
	g, err := graph.Parse("L = w^2*x")
	if err != nil {
		log.Fatal(err)
	}
	L, _ := g.Lookup("L")
	w, _ := g.Lookup("w")
	v, err := g.Leaf(graph.Leaf{Kind: graph.Input, Name: "v"})
	if err != nil {
		log.Fatal(err)
	}
	rate, err := g.Tangent([]*graph.Node{L}, map[*graph.Node]*graph.Node{w: v})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rate[0])
	// Output: x*(2*w*v)
}

func ExampleGraph_Probe() {
	g, err := graph.Parse("z = w*x + b\na = sigmoid(z)\nL = -log(y*a + (1-y)*(1-a))")
	if err != nil {
		log.Fatal(err)
	}
	if err := g.Derive("L"); err != nil {
		log.Fatal(err)
	}
	found, err := g.Probe([]string{"L"}, map[string][]float64{"z": {-40, 40, 1000}, "y": {0, 1}})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range found {
		fmt.Println(f)
	}
	// Output: L is +Inf at y = 0, z = 1000
}

func ExamplePattern() {
	g, err := graph.Parse("L = softplus(z) - z*y")
	if err != nil {
		log.Fatal(err)
	}
	p, err := graph.ParsePattern("softplus(u) - t*u")
	if err != nil {
		log.Fatal(err)
	}
	L, _ := g.Lookup("L")
	bound, ok := p.Match(L)
	fmt.Println(ok, bound["u"], bound["t"])
	// Output: true z y
}
