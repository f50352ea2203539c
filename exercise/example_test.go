package exercise_test

import (
	"fmt"

	"github.com/descent-ml/descent/exercise"
)

func ExampleExercise_Judge() {
	m := exercise.Model{Equations: "z = w*x + b\na = sigmoid(z)\nL = -(y*log(a) + (1-y)*log(1-a))"}
	points, err := exercise.RandomPoints(m, 1)
	if err != nil {
		panic(err)
	}
	e, err := exercise.New(m, points)
	if err != nil {
		panic(err)
	}
	report, err := e.Judge("dz = da\ndw = mean(x*dz)")
	if err != nil {
		panic(err)
	}
	for _, j := range report.Mine {
		fmt.Println(j.Node, j.OK, j.Hint)
	}
	// Output:
	// dz false what you wrote is da, not dz; the factor a*(1 - a) is missing, the derivative of the sigmoid: dz = da*a*(1 - a)
	// dw true right as it is written; what it uses, dz, is not
}
