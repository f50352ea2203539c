package proof

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/descent-ml/descent/graph"
)

// Form is a loss recognised as log loss: softplus(z) - t·z with z = dot(w, x) + b + offset.
type Form struct {
	Z      *graph.Node
	Label  *graph.Node // t: of inputs only, per row; Problem.Y holds its values
	Offset *graph.Node // of inputs only, nil if there is none; Problem.O holds its values
	Binary bool        // the loss is log loss only for labels that are exactly 0 or 1
}

// ErrNotLogLoss is wrapped by LogLoss's error: nothing is known about the loss, so a point where its gradient is 0 is
// stationary, and no more.
var ErrNotLogLoss = errors.New("no bound: not known to be convex")

// LogLoss reports whether the loss of one example is log loss over a linear score. It asks no names: the loss is simplified and its
// node compared with softplus(z) - t·z; where that fails, the label y (nil: skip this) is set to 0 and to 1, and
// the two losses are compared with softplus(z) and softplus(-z). So every spelling of log loss that
// the simplifier takes to one node is recognised, smoothed labels too, and a loss whose definition was changed is not.
func LogLoss(g *graph.Graph, loss, y *graph.Node) (*Form, error) {
	if loss == nil {
		return nil, fmt.Errorf("%w: there is no loss", ErrNotLogLoss)
	}
	simple, _, err := g.Simplify(loss)
	if err != nil {
		return nil, err
	}
	for _, src := range []string{"softplus(z) - t*z", "softplus(z) + -t*z"} {
		if bound, ok, err := match(src, simple[0]); err != nil {
			return nil, err
		} else if ok {
			return form(g, bound["z"], bound["t"], false)
		}
	}
	if y == nil {
		return nil, ErrNotLogLoss
	}
	zero, one := g.Const(new(big.Rat)), g.Const(big.NewRat(1, 1))
	sides, _, err := g.Simplify(g.Replace(loss, map[*graph.Node]*graph.Node{y: zero}))
	if err != nil {
		return nil, err
	}
	bound, ok, err := match("softplus(z)", sides[0])
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrNotLogLoss
	}
	z := bound["z"]
	sides, _, err = g.Simplify(g.Replace(loss, map[*graph.Node]*graph.Node{y: one}))
	if err != nil {
		return nil, err
	}
	for _, src := range []string{"softplus(-z)", "softplus(z) - z"} {
		bound, ok, err := match(src, sides[0])
		if err != nil {
			return nil, err
		}
		if ok && bound["z"] == z {
			return form(g, z, y, true)
		}
	}
	return nil, ErrNotLogLoss
}

func match(src string, n *graph.Node) (map[string]*graph.Node, bool, error) {
	p, err := graph.ParsePattern(src)
	if err != nil {
		return nil, false, err
	}
	bound, ok := p.Match(n)
	return bound, ok, nil
}

// form checks that z is linear in the parameters and t free of them.
func form(g *graph.Graph, z, t *graph.Node, binary bool) (*Form, error) {
	if parameters(t) {
		return nil, fmt.Errorf("%w: the label depends on parameters", ErrNotLogLoss)
	}
	f := &Form{Z: z, Label: t, Binary: binary}
	dots, biases := 0, 0
	var walk func(n *graph.Node, plus bool) error
	walk = func(n *graph.Node, plus bool) error {
		name := ""
		if n.Op != nil {
			name = n.Op.Name
		}
		switch {
		case !parameters(n):
			var err error
			switch {
			case f.Offset == nil && plus:
				f.Offset = n
			case f.Offset == nil:
				f.Offset, err = g.Apply("neg", n)
			case plus:
				f.Offset, err = g.Apply("add", f.Offset, n)
			default:
				f.Offset, err = g.Apply("sub", f.Offset, n)
			}
			return err
		case name == "add" || name == "sub":
			if err := walk(n.Args[0], plus); err != nil {
				return err
			}
			return walk(n.Args[1], plus == (name == "add"))
		case name == "neg":
			return walk(n.Args[0], !plus)
		case plus && name == "dot" && (isParameter(n.Args[0]) && isInput(n.Args[1]) || isParameter(n.Args[1]) && isInput(n.Args[0])):
			dots++
		case plus && isParameter(n) && n.Shape.Rows == 0:
			biases++
		default:
			return fmt.Errorf("%w: the score is not dot(w, x) + b", ErrNotLogLoss)
		}
		return nil
	}
	if err := walk(z, true); err != nil {
		return nil, err
	}
	if dots > 1 || biases != 1 {
		return nil, fmt.Errorf("%w: the score is not dot(w, x) + b", ErrNotLogLoss)
	}
	return f, nil
}

func isParameter(n *graph.Node) bool { return n.Leaf != nil && n.Leaf.Kind == graph.Parameter }
func isInput(n *graph.Node) bool {
	return n.Leaf != nil && n.Leaf.Kind == graph.Input && n.Shape.PerRow
}

func parameters(n *graph.Node) bool {
	for _, b := range graph.Below(n) {
		if isParameter(b) {
			return true
		}
	}
	return false
}
