// Package descent is logistic regression you can see through: a model is a computation graph made of equations, and the graph you
// see is the graph that trains.
//
//	result, err := descent.Fit(ctx, descent.File("pima.csv"), descent.Config{Target: "diabetes"})
//	fmt.Println(result.Verdict, result.Message)
//	p, err := result.Model.Predict(map[string]float64{"glucose": 148, …})
//
// [Fit] reads a file, says what it assumed, minimises the cost, and proves how far from the optimum it can be. What did not converge, or
// cannot, is an error and never a model by accident. A [Model] predicts rows from structs, maps and files ([Model.Predict],
// [Model.Rows]), measures itself ([Model.Evaluate]), explains a row by its forward pass ([Model.Explain]), and is kept in a text file
// that carries its own test ([Model.Save], [Load]).
//
// The package is thin: the graph is in package graph, what runs it in engine, the optimisers in optim, the proofs in proof, the readers
// in dataset. It knows nothing of HTTP, flags or several machines.
package descent
