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

	// Classes, if not 0, is the number K of classes: the loss is logsumexp(z) - sum(y*z) with z = dot(W, x) + b + o*r, y the one-hot
	// Label, o the Offset and the vector r the Mask, both nil if there is no such term. For Problem.O to be o, r must be 0 for the
	// reference and 1 for the other classes. Problem.Classes has the labels; Columns is not for this form.
	Classes int
	Mask    *graph.Node
}

// ErrNotLogLoss is wrapped by Recognise's error: nothing is known about the loss, so a point where its gradient is 0 is
// stationary, and no more.
var ErrNotLogLoss = errors.New("no bound: not known to be convex")

// LogLoss reports whether the definition named loss is log loss of the input y over dot(w, x) + b, plus the input o if
// the graph has one: the problem whose Y and O are the columns y and o, with labels 0 and 1. Of classes it is cross-entropy of softmax with
// the one-hot input y over dot(W, x) + b, plus o*r if the graph has these inputs. It is Recognise for that case; an error is a
// graph that cannot be simplified.
func LogLoss(g *graph.Graph, loss string) (bool, error) {
	def, ok := g.Def(loss)
	if !ok {
		return false, fmt.Errorf("proof: the equations do not define %q", loss)
	}
	y, ok := g.Lookup("y")
	if !ok {
		return false, nil
	}
	f, err := Recognise(g, def.Written, y)
	if errors.Is(err, ErrNotLogLoss) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	o, _ := g.Lookup("o")
	r, _ := g.Lookup("r")
	return f.Label == y && f.Offset == o && (f.Classes == 0 || f.Mask == r), nil
}

// Recognise reports whether the loss of one example is log loss over a linear score. It asks no names: the loss is simplified and its
// node compared with softplus(z) - t·z; where that fails, the label y (nil: skip this) is set to 0 and to 1, and
// the two losses are compared with softplus(z) and softplus(-z). So every spelling of log loss that
// the simplifier takes to one node is recognised, smoothed labels too, and a loss whose definition was changed is not: then the error wraps
// ErrNotLogLoss. Cross-entropy of softmax is recognised in the same way, as logsumexp(z) - sum(y*z): see Form.Classes.
func Recognise(g *graph.Graph, loss, y *graph.Node) (*Form, error) {
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
	if f, err := classForm(simple[0]); f != nil || err != nil {
		return f, err
	}
	if y == nil || !y.Shape.IsScalar() {
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

// Columns evaluates label and offset of every row from the columns of the inputs they use, by name: Problem.Y and Problem.O.
// o is nil if there is no offset.
func (f *Form) Columns(rows int, column func(name string) ([]float64, bool)) (y, o []float64, err error) {
	if f.Classes != 0 {
		return nil, nil, fmt.Errorf("proof: labels of %d classes are not a column", f.Classes)
	}
	roots := []*graph.Node{f.Label}
	if f.Offset != nil {
		roots = append(roots, f.Offset)
	}
	v := graph.Values{Rows: rows, Of: map[string][]float64{}}
	for _, n := range graph.Below(roots...) {
		if n.Leaf != nil && n.Leaf.Kind == graph.Input {
			c, ok := column(n.Leaf.Name)
			if !ok {
				return nil, nil, fmt.Errorf("proof: no column %q", n.Leaf.Name)
			}
			v.Of[n.Leaf.Name] = c
		}
	}
	out, err := graph.Eval(v, roots...)
	if err != nil {
		return nil, nil, err
	}
	for k, c := range out {
		if len(c) == 1 && rows != 1 { // a constant
			out[k] = make([]float64, rows)
			for i := range out[k] {
				out[k][i] = c[0]
			}
		}
	}
	if f.Offset != nil {
		o = out[1]
	}
	return out[0], o, nil
}
