package proof_test

import (
	"errors"
	"math/big"
	"testing"

	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/proof"
)

func TestClassesLogLoss(t *testing.T) {
	label := graph.Leaf{Kind: graph.Input, Name: "y", Shape: graph.Vector(3).EachRow()}
	free := label
	label.Fact.Total = big.NewRat(1, 1)
	const head = "z = dot(W, x) + b\na = softmax(z)\n"
	for _, c := range []struct {
		name, src  string
		y          graph.Leaf
		offset     bool // o and r are declared
		ok, plain  bool // recognised; and by LogLoss
		withOffset bool
	}{
		{"the lecture's", head + "L = -sum(y*log(a))", label, false, true, true, false},
		{"simplified by hand", head + "L = logsumexp(z) - sum(z*y)", label, false, true, true, false},
		{"other names and order", "score = b + dot(W, x)\nfocal = log(sum(exp(score))) - sum(y*score)", label, false, true, true, false},
		{"a dot product", head + "L = logsumexp(z) - dot(y, z)", label, false, true, true, false},
		{"intercepts only", "z = b\na = softmax(z)\nL = -sum(y*log(a))", label, false, true, true, false},
		{"offset", "z = dot(W, x) + b + o*r\na = softmax(z)\nL = -sum(y*log(a))", label, true, true, true, true},
		{"an offset that is not used", head + "L = -sum(y*log(a))", label, true, true, false, false},
		{"the offset twice", "z = dot(W, x) + b + o*r + o*r\na = softmax(z)\nL = -sum(y*log(a))", label, true, false, false, false},
		{"labels that need not be one-hot", head + "L = logsumexp(z) - sum(y*z)", free, false, false, false, false},
		{"no bias", "z = dot(W, x)\nL = logsumexp(z) - sum(y*z)", label, false, false, false, false},
		{"bias twice", "z = dot(W, x) + b + b\nL = logsumexp(z) - sum(y*z)", label, false, false, false, false},
		{"minus the weights", "z = b - dot(W, x)\nL = logsumexp(z) - sum(y*z)", label, false, false, false, false},
		{"a hidden tanh", "z = tanh(dot(W, x)) + b\nL = logsumexp(z) - sum(y*z)", label, false, false, false, false},
		{"focal loss", head + "L = -sum(y*(1-a)^2*log(a))", label, false, false, false, false},
		{"squared error", head + "L = sum((a-y)^2)", label, false, false, false, false},
		{"a wrong sign, called L", head + "L = logsumexp(z) + sum(y*z)", label, false, false, false, false},
		{"another score", head + "q = z + b\nL = logsumexp(q) - sum(y*z)", label, false, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			leaves := []graph.Leaf{c.y,
				{Kind: graph.Parameter, Name: "W", Shape: graph.Matrix(3, 2)}, {Kind: graph.Parameter, Name: "b", Shape: graph.Vector(3)},
				{Kind: graph.Input, Name: "x", Shape: graph.Vector(2).EachRow()}}
			if c.offset {
				leaves = append(leaves, graph.Leaf{Kind: graph.Input, Name: "o", Shape: graph.Shape{PerRow: true}}, graph.Leaf{Kind: graph.Input, Name: "r", Shape: graph.Vector(3)})
			}
			g, err := graph.ParseWith(c.src, graph.Options{Leaves: leaves, Closed: true})
			if err != nil {
				t.Fatal(err)
			}
			last := g.Defs[len(g.Defs)-1]
			y, _ := g.Lookup("y")
			plain, err := proof.LogLoss(g, last.Name)
			if err != nil || plain != c.plain {
				t.Errorf("LogLoss is %v, %v, want %v", plain, err, c.plain)
			}
			form, err := proof.Recognise(g, last.Written, y)
			if !c.ok {
				if !errors.Is(err, proof.ErrNotLogLoss) {
					t.Errorf("recognised: %+v, %v", form, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if form.Classes != 3 || form.Label != y || (form.Offset != nil) != c.withOffset || (form.Mask != nil) != c.withOffset || form.Binary {
				t.Errorf("%+v", form)
			}
			if _, _, err := form.Columns(1, nil); err == nil {
				t.Error("labels of classes given as a column")
			}
		})
	}
}
