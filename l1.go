package descent

import (
	"fmt"
	"math"
	"slices"

	"github.com/descent-ml/descent/doctor"
	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/optim"
)

// on says whether weights are penalised.
func (p Penalty) on() bool { return p.L2 > 0 || p.L1 > 0 }

// relativeGap is the share of J that the proved gap may be for the verdict "converged" with an L1 penalty, beside rounding.
const relativeGap = 1e-12

func (c *Config) checkL1() error {
	if m := c.Solver.Method; c.Penalty.L1 > 0 && m != "auto" && !c.Solver.Stream {
		value := fmt.Sprint(c.Penalty.L1)
		if c.CV.L1 {
			value = "auto"
		}
		return fmt.Errorf("l1 %s and solver %s: |w| has no derivative at 0, which solver %s needs; solver auto takes the proximal Newton method", value, m, m)
	}
	return nil
}

// addL1 adds the line of J.
func (c *cost) addL1() error {
	for c.whole = "J"; c.whole == c.loss || taken(c.graph, c.whole); {
		c.whole += "_"
	}
	w := c.size.parameters()[0]
	line := fmt.Sprintf("%s + sum(lambda1*abs(%s))/m", c.root, w)
	leaf, _ := c.graph.Lookup(w)
	leaves := []graph.Leaf{{Kind: graph.Input, Name: "lambda1", Shape: leaf.Shape}}
	if m, ok := c.graph.Lookup("m"); !ok || m.Leaf == nil || m.Leaf.Kind != graph.Input {
		leaves = append(leaves, graph.Leaf{Kind: graph.Input, Name: "m"})
	}
	if err := c.graph.Append(c.whole+" = "+line, leaves...); err != nil {
		return fmt.Errorf("the equations use a name that the cost J = %s needs: %w", line, err)
	}
	return nil
}

// lambda1 is λ1 for every weight, set by set, in the coordinates in which the solver works; nil without an L1 penalty.
func (f *fit) lambda1() []float64 {
	if f.config.Penalty.L1 == 0 {
		return nil
	}
	n := len(f.kept)
	out := make([]float64, f.classes.Sets()*n)
	for i := range out {
		out[i] = f.config.Penalty.L1
		if f.config.Scale == ScaleNone && f.matrix.Scale != nil {
			out[i] *= math.Abs(f.matrix.Scale[i%n])
		}
	}
	return out
}

// assumeL1 says what becomes of the corner of |w|.
func (f *fit) assumeL1() error {
	if f.config.Penalty.L1 == 0 {
		return nil
	}
	w := f.cost.size.parameters()[0]
	return f.note("%s = %s + sum(lambda1*abs(%s))/m: only %s is differentiated; |%s| has a corner at 0, which the proximal step of the solver takes, so that weights are exactly 0",
		f.cost.whole, f.cost.root, w, f.cost.root, w)
}

// proximal is the solver with an L1 penalty. o is that of the others.
func (f *fit) proximal(start []float64, o optim.Options) (optim.Method, error) {
	f.result.Solver = "proximal"
	all := make([]float64, f.objective.Size())
	for i, l := range f.lambda1() { // the weights come first in θ
		all[i] = l / f.result.WeightSum
	}
	l1 := all
	if f.gauge != nil {
		l1 = make([]float64, len(start))
		f.gauge.gather(all, l1)
	}
	if !f.objective.Curvature() {
		o.Factor = -1 // there is no H to be had as a sum over rows
		if err := f.note("the loss has no curvature that the proximal Newton method could use; its steps go by products alone"); err != nil {
			return nil, err
		}
	}
	return optim.NewProximal(start, l1, o)
}

// provedL1: the duality gap is as small as it has to be, beside rounding.
func (f *fit) provedL1() bool {
	c := f.certificate
	return f.config.Penalty.L1 > 0 && c.Gap-c.GapRounding <= relativeGap*math.Abs(c.Cost)
}

// balance chooses among the weights of more than two classes of equal cost under an L1 penalty alone: adding one number to a feature's weights of all
// classes changes no prediction, and Σ|W_k| is least anywhere between the two middle ones. Of these it takes those of mean nearest to 0: what an
// elastic net tends to as its L2 part goes to 0.
func (f *fit) balance() {
	if f.config.Penalty.L1 == 0 || f.config.Penalty.L2 > 0 {
		return
	}
	n, K := len(f.kept), f.classes.Sets()
	w := make([]float64, K)
	for j := range n {
		for k := range K {
			w[k] = f.theta[k*n+j]
		}
		low, high := middle(w)
		t := min(max(mean(w), low), high)
		if t == 0 {
			continue
		}
		for k := range K {
			f.theta[k*n+j] -= t
		}
	}
}

// middle are the two middle values, of an odd number the same one twice.
func middle(v []float64) (low, high float64) {
	s := slices.Sorted(slices.Values(v))
	return s[(len(s)-1)/2], s[len(s)/2]
}

// distanceL1 is distance with an L1 penalty.
func (f *fit) distanceL1() string {
	c := f.certificate
	s := fmt.Sprintf("J is within %.2g of the optimum (duality gap)", c.Gap)
	if !math.IsNaN(c.StandardErrors) { // λ/m, by which J is strongly convex in the weights
		s += fmt.Sprintf(" and every weight within %.2g standard errors (strong convexity)", c.StandardErrors)
	}
	return s
}

// Penalty is what training penalised.
func (m *Model) Penalty() Penalty { return m.file.Training.Penalty }

// CostEquations are the lines that training put after [Model.Equations]: J, and where there is an L1 penalty, before it its smooth part, F.
func (m *Model) CostEquations() ([]string, error) {
	c, err := newCost(m.Equations(), m.file.size(), m.file.Weight != "" || m.file.Training.ClassWeights != nil, m.file.Training.Penalty)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, d := range c.graph.Defs {
		if d.Name == c.root || d.Name == c.whole {
			lines = append(lines, d.Name+" = "+d.Written.String())
		}
	}
	return lines, nil
}

// sayL1 says what a check of derivatives leaves out.
func (k *check) sayL1(config *Config) error {
	if config.Penalty.L1 == 0 || config.Found == nil {
		return nil
	}
	return config.Found(doctor.Finding{Severity: doctor.Note, Message: "the L1 part of the penalty has no derivative at 0 and is left to the proximal step of the solver: what is checked is the cost without it"})
}
