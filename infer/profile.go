package infer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Point is a log likelihood, or a penalised one, at Theta (n).
type Point struct {
	Theta       []float64
	Value       float64
	Score       []float64 // its gradient (n)
	Information []float64 // n×n: minus its Hessian, or, if StandIn, a positive definite matrix in its place
	StandIn     bool      // Maximize learns the rest of the Hessian from its steps
}

// A Surface computes the log likelihood at a point. What it returns is the caller's.
type Surface func(ctx context.Context, theta []float64) (Point, error)

// Constraint is c·θ = Value.
type Constraint struct {
	C     []float64
	Value float64
}

// Limits of Maximize.
const (
	maxNewtonSteps = 500
	maxHalvings    = 40
	// newtonDecrement is gᵀI⁻¹g, the squared distance to the maximum in standard errors, at which Newton's method is done.
	newtonDecrement = 1e-20
	// secantDecrement is that where the distance is by a learned Hessian, an estimate of it.
	secantDecrement = 1e-24
	// newtonFloor is that at which it may end where rounding keeps the value from rising.
	newtonFloor = 1e-11
)

// ErrNoMaximum is what Maximize wraps where Newton's method does not arrive.
var ErrNoMaximum = errors.New("the maximum is not reached")

// Maximize is Newton's method from theta under linear constraints, with halved steps where the likelihood would fall: at every point
// δ = I⁻¹(g - Aᵀμ), μ = (A I⁻¹Aᵀ)⁻¹A I⁻¹g. It ends where gᵀδ, the squared distance in standard errors, is 1e-20. Where I is only a stand-in, with which steps
// would converge linearly (of a few rows more than parameters too slowly to arrive), what it lacks is learned by secants. multipliers are μ, the derivatives of the maximum in the constraints' values. At an error the last point is returned with it.
func Maximize(ctx context.Context, l Surface, theta []float64, constraints []Constraint) (p Point, multipliers []float64, err error) {
	at, err := l(ctx, theta)
	if err != nil {
		return Point{Theta: slices.Clone(theta)}, nil, err
	}
	if len(constraints) > 0 { // onto the constraints, by the way that is shortest in standard errors
		s, err := newKKT(at.Information, constraints)
		if err != nil {
			return at, nil, err
		}
		if at, err = l(ctx, s.project(at.Theta)); err != nil {
			return at, nil, err
		}
		zero := !slices.ContainsFunc(constraints, func(c Constraint) bool { return c.Value != 0 })
		if zero && !definite(at.Information) { // so far off that all probabilities are 0 and 1: from zeros, which meet the constraints, too
			if at, err = l(ctx, make([]float64, len(theta))); err != nil {
				return at, nil, err
			}
		}
	}
	before := math.Inf(1)
	var missing secants
	for range maxNewtonSteps {
		s, err := newKKT(missing.with(at.Information), constraints)
		if err != nil && missing != nil { // not positive definite
			missing = nil
			s, err = newKKT(at.Information, constraints)
		}
		if err != nil {
			return at, nil, err
		}
		step, mu := s.step(at.Score)
		decrement := dot(at.Score, step)
		near := decrement <= newtonFloor // the value has no digits left to tell a better point; the score has
		if decrement <= secantDecrement || decrement <= newtonDecrement && !at.StandIn || near && decrement >= before {
			return at, mu, nil
		}
		before = decrement
		var next Point
		for halvings := 0; ; halvings++ {
			theta := slices.Clone(at.Theta)
			for i, d := range step {
				theta[i] += d
			}
			if next, err = l(ctx, theta); err != nil {
				return at, mu, err
			}
			if (near || next.Value > at.Value) && definite(next.Information) {
				break
			}
			if halvings == maxHalvings {
				return at, mu, fmt.Errorf("infer: %w: no step from a point %.2g standard errors away raises the likelihood", ErrNoMaximum, math.Sqrt(decrement))
			}
			for i := range step {
				step[i] /= 2
			}
		}
		if at.StandIn {
			missing = missing.learn(at, next)
		}
		at = next
	}
	return at, nil, fmt.Errorf("infer: %w in %d steps", ErrNoMaximum, maxNewtonSteps)
}

// secants are minus the Hessian less the stand-in for it, as far as steps told, n×n; nil is 0. What has a formula is not learned: the symmetric rank-one update is
// of the difference alone (Dennis, Gay and Welsch 1981; Nocedal and Wright 2006, eq. 6.24).
type secants []float64

// secantAngle: an update whose denominator is that much smaller than its numerator is left out (Nocedal and Wright 2006, eq. 6.26).
const secantAngle = 1e-8

// with is the matrix with what was learned.
func (c secants) with(information []float64) []float64 {
	if c == nil {
		return information
	}
	out := slices.Clone(information)
	for i, v := range c {
		out[i] += v
	}
	return out
}

// learn makes the matrix at next explain the scores of both points: (I + C)s = g - g' of the step s.
func (c secants) learn(at, next Point) secants {
	n := len(at.Theta)
	s, r := make([]float64, n), make([]float64, n)
	for i := range s {
		s[i] = next.Theta[i] - at.Theta[i]
	}
	B := c.with(next.Information)
	var rs, rr, ss float64 // in the units of the information's diagonal
	for i := range r {
		r[i] = at.Score[i] - next.Score[i] - dot(B[i*n:(i+1)*n], s)
		d := next.Information[i*n+i]
		rs += float64(r[i] * s[i])
		rr += float64(r[i]*r[i]) / d
		ss += float64(s[i]*s[i]) * d
	}
	if !(math.Abs(rs) > secantAngle*math.Sqrt(rr*ss)) {
		return c
	}
	out := make(secants, n*n)
	copy(out, c)
	for i := range n {
		for j := range n {
			out[i*n+j] += float64(r[i]*r[j]) / rs
		}
	}
	return out
}

// maxBoundSteps of Bound.
const maxBoundSteps = 60

// boundDigits is how near the signed root of twice the fall of the likelihood comes to the quantile.
const (
	boundDigits = 1e-10
	boundFloor  = 1e-6 // where rounding allows no more
)

// Bound is the end of the profile-likelihood interval of the linear function c·θ, above (up) or below its value at the maximum p of l: the v at which the
// largest likelihood under c·θ = v has fallen by q²/2, q = Quantile(conf) (Venzon and Moolgavkar 1988). Newton's method on √(2·fall), which is nearly
// linear in v, within a bracket. It is infinite where the likelihood never falls so far.
func Bound(ctx context.Context, l Surface, p Point, c []float64, q float64, up bool) (float64, error) {
	s, err := newKKT(p.Information, []Constraint{{C: c}})
	if err != nil {
		return 0, err
	}
	scale := math.Sqrt(s.gram.At(0, 0)) // the standard error
	sign := 1.0
	if !up {
		sign = -1
	}
	start := dot(c, p.Theta)
	inner, outer := 0.0, math.Inf(1) // |v - start| in standard errors, with less and with more fall than asked
	d, theta := q, p.Theta
	for range maxBoundSteps {
		v := start + sign*d*scale
		at, mu, err := Maximize(ctx, l, theta, []Constraint{{C: c, Value: v}})
		if err != nil {
			if outer > 2*d && errors.Is(err, ErrNoMaximum) && d > q/1024 { // too far for Newton's method in one step
				d = inner + (d-inner)/2
				continue
			}
			return 0, err
		}
		fall := 2 * (p.Value - at.Value)
		root := math.Sqrt(max(fall, 0))
		if math.Abs(root-q) <= boundDigits*q {
			return v, nil
		}
		if root < q { // from here on: a point too far out may lie on the way to another maximum, of which Firth's likelihood can have several
			inner, theta = max(inner, d), at.Theta
		} else {
			outer = min(outer, d)
		}
		slope := -sign * mu[0] * scale / root // of the root in d
		next := d + (q-root)/slope
		if !(slope > 0) || !(next > inner && next < outer) {
			next = 2*d + q
			if !math.IsInf(outer, 1) {
				next = inner + (outer-inner)/2
			}
		}
		next = min(next, 4*max(d, q))
		if next > 1e6*q {
			return sign * math.Inf(1), nil
		}
		if next == d || math.Abs(next-d) <= 4*epsilon*d {
			if math.Abs(root-q) <= boundFloor*q {
				return v, nil
			}
			break
		}
		d = next
	}
	return 0, fmt.Errorf("infer: %w: the end of a profile-likelihood interval", ErrNoMaximum)
}

// kkt solves for Newton steps under constraints.
type kkt struct {
	n           int
	d           []float64 // 1/√diagonal, which scales the information
	chol        mat.Cholesky
	constraints []Constraint
	inverse     [][]float64 // I⁻¹ A_kᵀ
	gram        *mat.SymDense
	schur       mat.Cholesky // of A I⁻¹ Aᵀ
}

func newKKT(information []float64, constraints []Constraint) (*kkt, error) {
	n := int(math.Sqrt(float64(len(information))))
	s := &kkt{n: n, d: make([]float64, n), constraints: constraints}
	scaled := mat.NewSymDense(n, nil)
	for i := range n {
		v := information[i*n+i]
		if !(v > 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("infer: %w: parameter %d", ErrSingular, i)
		}
		s.d[i] = 1 / math.Sqrt(v)
	}
	for i := range n {
		for j := range i + 1 {
			scaled.SetSym(i, j, float64(information[i*n+j]*s.d[i])*s.d[j])
		}
	}
	if !s.chol.Factorize(scaled) {
		return nil, fmt.Errorf("infer: %w: parameter %d", ErrSingular, firstDependent(scaled))
	}
	if k := len(constraints); k > 0 {
		s.gram = mat.NewSymDense(k, nil)
		for i, c := range constraints {
			s.inverse = append(s.inverse, s.solve(c.C))
			for j := range i + 1 {
				s.gram.SetSym(i, j, dot(c.C, s.inverse[j]))
			}
		}
		if !s.schur.Factorize(s.gram) {
			return nil, errors.New("infer: constraints that determine each other")
		}
	}
	return s, nil
}

// solve is I⁻¹v.
func (s *kkt) solve(v []float64) []float64 {
	x := mat.NewVecDense(s.n, nil)
	for i, u := range v {
		x.SetVec(i, u*s.d[i])
	}
	s.chol.SolveVecTo(x, x) // an error is a warning about the condition number
	out := make([]float64, s.n)
	for i := range out {
		out[i] = x.AtVec(i) * s.d[i]
	}
	return out
}

// multipliers are (A I⁻¹Aᵀ)⁻¹ r.
func (s *kkt) multipliers(r []float64) []float64 {
	x := mat.NewVecDense(len(r), slices.Clone(r))
	s.schur.SolveVecTo(x, x)
	return x.RawVector().Data
}

// project is the point that meets the constraints and is nearest to theta in the metric of the information.
func (s *kkt) project(theta []float64) []float64 {
	r := make([]float64, len(s.constraints))
	for i, c := range s.constraints {
		r[i] = dot(c.C, theta) - c.Value
	}
	out := slices.Clone(theta)
	for i, m := range s.multipliers(r) {
		for j, v := range s.inverse[i] {
			out[j] -= float64(m * v)
		}
	}
	return out
}

// step is I⁻¹(g - Aᵀμ), which keeps the constraints, and μ.
func (s *kkt) step(g []float64) (step, mu []float64) {
	step = s.solve(g)
	if len(s.constraints) == 0 {
		return step, nil
	}
	r := make([]float64, len(s.constraints))
	for i, c := range s.constraints {
		r[i] = dot(c.C, step)
	}
	mu = s.multipliers(r)
	for i, m := range mu {
		for j, v := range s.inverse[i] {
			step[j] -= float64(m * v)
		}
	}
	return step, mu
}

func definite(information []float64) bool {
	_, err := newKKT(information, nil)
	return err == nil
}

func dot(a, b []float64) float64 {
	var v float64
	for i, x := range a {
		v += float64(x * b[i])
	}
	return v
}
