package proof

import (
	"fmt"
	"math/big"

	"github.com/descent-ml/descent/graph"
)

// classForm recognises the cross-entropy of softmax, logsumexp(z) - sum(y*z), in a simplified loss. nil without an error: it is something else.
func classForm(loss *graph.Node) (*Form, error) {
	for _, src := range []string{"logsumexp(z) - sum(y*z)", "logsumexp(z) + -sum(y*z)", "logsumexp(z) - dot(y, z)", "logsumexp(z) - dot(z, y)"} {
		bound, ok, err := match(src, loss)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		y, z := bound["y"], bound["z"]
		if z.Shape.Rows < 2 || z.Shape.Cols != 0 {
			return nil, fmt.Errorf("%w: the score is not a vector", ErrNotLogLoss)
		}
		if !isInput(y) || y.Leaf.Fact.Total == nil || y.Leaf.Fact.Total.Cmp(big.NewRat(1, 1)) != 0 {
			return nil, fmt.Errorf("%w: the label is not one of the classes", ErrNotLogLoss)
		}
		f := &Form{Z: z, Label: y, Classes: z.Shape.Rows}
		dots, biases := 0, 0
		for _, n := range terms(z) {
			name := ""
			if n.Op != nil {
				name = n.Op.Name
			}
			switch {
			case name == "dot" && isParameter(n.Args[0]) && n.Args[0].Shape.Cols != 0 && isInput(n.Args[1]):
				dots++
			case isParameter(n) && n.Shape.Rows == f.Classes && n.Shape.Cols == 0:
				biases++
			case name == "mul" && f.Offset == nil && isOffset(n.Args[0], n.Args[1]):
				f.Offset, f.Mask = n.Args[0], n.Args[1]
			case name == "mul" && f.Offset == nil && isOffset(n.Args[1], n.Args[0]):
				f.Offset, f.Mask = n.Args[1], n.Args[0]
			default:
				return nil, fmt.Errorf("%w: the score is not dot(W, x) + b", ErrNotLogLoss)
			}
		}
		if dots > 1 || biases != 1 {
			return nil, fmt.Errorf("%w: the score is not dot(W, x) + b", ErrNotLogLoss)
		}
		return f, nil
	}
	return nil, nil
}

// isOffset: o a number of every row, r a vector that is the same for all rows.
func isOffset(o, r *graph.Node) bool {
	return isInput(o) && o.Shape.Rows == 0 && r.Leaf != nil && r.Leaf.Kind == graph.Input && !r.Shape.PerRow && r.Shape.Rows > 0 && r.Shape.Cols == 0
}

// terms are what a sum adds up.
func terms(n *graph.Node) []*graph.Node {
	if n.Op != nil && n.Op.Name == "add" {
		return append(terms(n.Args[0]), terms(n.Args[1])...)
	}
	return []*graph.Node{n}
}
