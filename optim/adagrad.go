package optim

import (
	"fmt"
	"math"
)

// AdaGrad is stochastic gradient descent with a rate of its own for every weight, which falls with the gradients that the weight has seen (Duchi, Hazan and
// Singer, JMLR 12 (2011)), for rows that come once. A step costs what it moves: weights that a mini-batch does not touch are left alone, and there may be more of
// them at every step.
//
// Weight j multiplies x_j, whose size so far is d_j (1 for levels), and G_j = Σ g_j² are the squares of its gradients, each that of a sum of losses over a batch. Its
// step is
//
//	w_j ← w_j - α g_j / (N d_j (ε d_j + √G_j))
//
// which in the unit of x_j/d_j is AdaGrad's α/(ε + √G): no unit that a column is written in changes what is learnt (Ross, Mineiro and Langford, Normalized
// online learning, UAI 2013). N² is the mean of ‖x/d‖² so far, so that α is about how far a first step moves dot(w, x), however many columns there are.
//
// A penalty λ/2·Σ s_j² w_j² + λ1·Σ s_j |w_j| on the sum of all losses, s_j the unit of x_j in which it acts, is no part of g: the step goes to the minimum of the
// linearised losses and of it (FTRL-Proximal: McMahan and others, KDD 2013, algorithm 1, which is the step above without one), so weights become exactly 0 under λ1.
//
// The result is the mean of the points after all steps, weighted t(t+1)(t+2) after step t, so that the first ones soon count for nothing (polynomial decay
// averaging: Shamir and Zhang, ICML 2013), or with λ1 the last point, whose zeros are zeros. The zero value is of no use; make one with NewAdaGrad.
type AdaGrad struct {
	alpha, epsilon, l2, l1 float64

	step  int
	size  float64 // N
	least float64 // ε of this step
	total float64 // Σ t(t+1)(t+2) over the steps before this one
}

// AdaGradWeights are weights that are moved together. The zero value has none.
type AdaGradWeights struct {
	W     []float64 // the point
	state []adaGradState
}

// adaGradState is what a weight has besides its value.
type adaGradState struct {
	squares float64 // G
	rate    float64 // what g is divided by at its last step
	linear  float64 // FTRL's z: Σ g - Σ (rate_t - rate_(t-1)) w_t
	sum     float64 // of the weighted points up to
	until   float64 // the total at its last step
}

// NewAdaGrad has the rate alpha, over 0, and epsilon, not negative; l2 and l1 are λ and λ1.
func NewAdaGrad(alpha, epsilon, l2, l1 float64) (*AdaGrad, error) {
	switch {
	case !(alpha > 0) || alpha > maxFloat:
		return nil, fmt.Errorf("alpha is %g, want a number above 0", alpha)
	case !(epsilon >= 0) || epsilon > maxFloat:
		return nil, fmt.Errorf("epsilon is %g, want a number that is not negative", epsilon)
	case !(l2 >= 0) || l2 > maxFloat || !(l1 >= 0) || l1 > maxFloat:
		return nil, fmt.Errorf("the penalty is %g and %g, want numbers that are not negative", l2, l1)
	}
	return &AdaGrad{alpha: alpha, epsilon: epsilon, l2: l2, l1: l1}, nil
}

// Begin begins a step. square is the mean of ‖x/d‖² over the rows so far, the 1 of the bias in it; weight is the mean weight of a row, which epsilon is a multiple of.
func (a *AdaGrad) Begin(square, weight float64) {
	t := float64(a.step)
	a.total = t * (t + 1) * (t + 2) * (t + 3) / 4
	a.step++
	a.size, a.least = math.Sqrt(square), a.epsilon*weight
}

// Steps is the number of steps begun.
func (a *AdaGrad) Steps() int { return a.step }

// Grow makes room for n weights; new ones are 0.
func (w *AdaGradWeights) Grow(n int) {
	if n <= len(w.W) {
		return
	}
	if n > cap(w.W) {
		size := max(n, 2*cap(w.W))
		values, state := make([]float64, n, size), make([]adaGradState, n, size)
		copy(values, w.W)
		copy(state, w.state)
		w.W, w.state = values, state
		return
	}
	w.W, w.state = w.W[:n], w.state[:n]
}

// Move moves weight j against the derivative g of the batch's losses. d is the size of x_j so far; a weight whose d is 0 stays. unit is s_j, 0 for a weight that is not
// penalised.
func (a *AdaGrad) Move(w *AdaGradWeights, j int32, g, d, unit float64) {
	if g == 0 || d == 0 {
		return
	}
	s, at := &w.state[j], w.W[j]
	s.sum += float64(at * (a.total - s.until))
	s.until = a.total
	s.squares += float64(g * g)
	rate := float64(float64(d*a.size) * (float64(a.least*d) + math.Sqrt(s.squares)) / a.alpha)
	s.linear += g - float64((rate-s.rate)*at)
	s.rate = rate
	v := s.linear
	if l1 := float64(a.l1 * unit); l1 > 0 {
		switch {
		case v > l1:
			v -= l1
		case v < -l1:
			v += l1
		default:
			v = 0
		}
	}
	w.W[j] = (0 - v) / (rate + float64(float64(a.l2*unit)*unit))
}

// Shift moves weight j by as much as others make necessary, outside its own steps.
func (a *AdaGrad) Shift(w *AdaGradWeights, j int32, by float64) {
	s := &w.state[j]
	s.sum += float64(w.W[j] * (a.total - s.until))
	s.until = a.total
	w.W[j] += by
	s.linear -= float64(s.rate * by)
}

// Result is what the weights are worth after the last step: see [AdaGrad].
func (a *AdaGrad) Result(w *AdaGradWeights) []float64 {
	out := append([]float64(nil), w.W...)
	if a.l1 > 0 {
		return out
	}
	t := float64(a.step)
	total := t * (t + 1) * (t + 2) * (t + 3) / 4
	for j := range out {
		if s := &w.state[j]; total > 0 {
			out[j] = (s.sum + float64(out[j]*(total-s.until))) / total
		}
	}
	return out
}
