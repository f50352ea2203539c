package graphtest_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/graph/graphtest"
)

func TestInterpreter(t *testing.T) {
	graphtest.Run(t, graphtest.Interpreter{}, graphtest.Options{All: true, Seed: 1})
}

// A wrong gradient must be found: the suite is tested on an executor that is a little off.
func TestDifferencesFindsErrors(t *testing.T) {
	m := graphtest.Models()[1]
	g, err := graph.ParseWith(m.Source, graph.Options{Leaves: m.Leaves, Closed: true})
	if err != nil {
		t.Fatal(err)
	}
	J, _ := g.Lookup("J")
	w, _ := g.Lookup("w")
	// an executor that computes the cost but a gradient half a percent off
	wrong := executor(func(v graph.Values, roots ...*graph.Node) ([][]float64, error) {
		out, err := graph.Eval(v, roots...)
		if len(roots) > 1 {
			out[1][2] *= 1.005
		}
		return out, err
	})
	if err := graphtest.Differences(wrong, g, J, []*graph.Node{w}, m.Values(), 1e-7); err == nil {
		t.Error("a gradient 0.5 % off passes")
	}
	refuses := executor(func(graph.Values, ...*graph.Node) ([][]float64, error) {
		return nil, fmt.Errorf("dot: %w", graphtest.ErrUnsupported)
	})
	if err := graphtest.Differences(refuses, g, J, []*graph.Node{w}, m.Values(), 1e-7); !errors.Is(err, graphtest.ErrUnsupported) {
		t.Errorf("refused: %v", err)
	}
}

type executor func(v graph.Values, roots ...*graph.Node) ([][]float64, error)

func (e executor) Eval(v graph.Values, roots ...*graph.Node) ([][]float64, error) {
	return e(v, roots...)
}
