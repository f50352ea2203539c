// Package optim minimises a cost by asking for numbers and being told them.
//
// A method never sees a row of data. It asks for the cost and gradient at a point, for H·v, for the
// diagonal of H or for H itself, and [Minimize] answers from a [Problem]:
//
//	m, err := optim.NewNewton(theta, optim.Options{Weight: 768})
//	out, err := optim.Minimize(ctx, m, problem, nil)
//
// Because of that a run is a value: [Encode] writes a method in the middle of its work as JSON,
// [Decode] reads it back, and the continuation has the same bits as the run that was never
// interrupted.
//
// Methods: [GradientDescent] exactly as in the lecture, [SGD] over mini-batches, [LBFGS] with a
// diagonal start, [Newton], the default, and [Proximal] for a cost with an L1 penalty. A smooth penalty is part of the cost and no
// method knows of it; the L1 penalty is [Proximal]'s own, and the cost it asks for is without it.
//
// The package proves nothing: how far the result is from the optimum, and whether there is one, is
// the business of package proof. What a method reports about its distance is an estimate.
package optim
