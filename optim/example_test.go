package optim_test

import (
	"context"
	"fmt"

	"github.com/descent-ml/descent/optim"
)

// The lecture's two examples in the v3 edition, (1, 3) and (2, 4), trained by its 100 updates.
func ExampleMinimize() {
	problem := &logistic{n: 2, X: []float64{1, 3, 2, 4}, Y: []float64{1, 0}}
	m, err := optim.NewGradientDescent([]float64{1, 2, 2}, 0.009, 100)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := optim.Minimize(context.Background(), m, problem, func(it optim.Iteration) (stop bool, err error) {
		if it.Step == 0 {
			fmt.Printf("cost %.6f\n", it.F)
		}
		return false, nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s after %d: w = %.8f %.8f, b = %.8f\n", out.Reason, out.Step, out.Theta[0], out.Theta[1], out.Theta[2])
	// Output:
	// cost 6.000065
	// steps after 100: w = 0.11245790 0.23106775, b = 1.55930492
}
