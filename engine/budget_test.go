package engine

import "testing"

// A cost that could be simplified only in part says so, whichever Simplify stopped.
func TestOverBudget(t *testing.T) {
	p := newProblem(t, 1, 100, 3, nil, 0, false)
	for budget, want := range map[int]bool{3: true, 100_000: false} {
		g := model(t, losses["focal"], 3)
		g.Budget = budget
		o, err := NewObjective(p.engine(t, Options{}), g, "J", []string{"w", "b"}, p.settings(), ObjectiveOptions{Keep: true})
		if err != nil {
			t.Fatal(err)
		}
		if o.OverBudget() != want {
			t.Errorf("budget %d: OverBudget is %v", budget, o.OverBudget())
		}
		if _, err := o.CostGradient(background, theta(4, 1), make([]float64, 4)); err != nil {
			t.Errorf("budget %d: %v", budget, err)
		}
	}
}
