package proof_test

import (
	"context"
	"fmt"

	"github.com/descent-ml/descent/engine"
	"github.com/descent-ml/descent/proof"
)

// Hours of study and whether the exam was passed: everybody below 3 hours failed, everybody above passed.
func ExampleDecide() {
	data, err := engine.NewMemory(engine.Layout{Rows: 6, Features: 1, Dense: []int{0}},
		engine.Columns{Dense: []engine.Cells{engine.Float64s{0.5, 1, 2.5, 3, 4.25, 5}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	passes, err := engine.New(data, engine.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := &proof.Problem{Passes: passes, Source: data, Y: []float64{0, 0, 0, 1, 1, 1}}
	c, err := proof.Certify(context.Background(), p, []float64{0, 0}, proof.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("an optimum exists:", c.Exists)
	d, err := proof.Decide(context.Background(), p)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.State, d.Complete, d.Direction.D)
	// Output:
	// an optimum exists: false
	// separated true [1 -2.75]
}
