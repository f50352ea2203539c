// Package proof says how far a fit of the log loss can be from its optimum, and whether there is one.
//
// [Certify] takes a point and returns a bound on J - J* and on the distance of every coefficient, both with
// rounding included, so that a printed 0 is true. [Decide] takes directions and settles, by exact arithmetic on the stored numbers,
// whether the data are separated, in which case no finite optimum exists.
//
//	c, err := proof.Certify(ctx, problem, theta, proof.Options{})
//	fmt.Println(c.Gap, c.StandardErrors)
//
// Everything here is about log loss with an L2 or L1 penalty, both or none, of two classes or, with [Problem].Classes, of any number; [LogLoss] tells by its equations, not by its name,
// whether a graph's loss is one. Nothing is known about other losses, which may not be convex.
//
// The mathematics is in docs/certificate.md.
package proof
