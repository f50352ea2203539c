package optim

import "math"

// line is a search along θ + t·d for a point that is enough better, told cost and slope at each trial.
//
// A trial is accepted if the cost fell by a ten-thousandth of what the slope promises (Armijo), or, where
// costs no longer differ by more than rounding, if the slope there is at most 0.8 of the first one turned
// round (the approximate Wolfe condition of Hager and Zhang, SIAM J. Optim. 16 (2005), eq. 4.1, delta = 0.1). With
// Curvature the slope must have flattened to 0.9 of the first, else the step grows.
type line struct {
	Curvature bool
	F0, S0    float64 // cost and slope at t = 0
	T         float64 // the trial asked for
	Lo        mark    // the best point so far; its slope is negative
	Hi        mark    // the other end, if Bounded
	Bounded   bool
	Trials    int
}

type mark struct {
	T, F, S float64
	Known   bool // F and S are finite
}

type verdict uint8

const (
	again verdict = iota
	accepted
	failed
)

// costNoise is the relative error below which two costs count as equal: sums of m terms in blocks keep about 1e-15.
const costNoise = 1e-14

func newLine(f, slope, t float64, curvature bool) line {
	return line{Curvature: curvature, F0: f, S0: slope, T: t, Lo: mark{0, f, slope, true}}
}

// tell takes cost and slope at l.T and either ends the search or sets a new l.T.
func (l *line) tell(f, s float64) verdict {
	l.Trials++
	known := finite(f) && finite(s)
	armijo := known && f <= l.F0+1e-4*l.T*l.S0
	level := known && f <= l.F0+costNoise*math.Abs(l.F0) && s <= -0.8*l.S0 && math.Abs(l.T*l.S0) <= 1e3*costNoise*math.Abs(l.F0)
	if armijo || level {
		if !l.Curvature || s >= 0.9*l.S0 || l.Trials > 20 {
			return accepted
		}
		l.Lo = mark{l.T, f, s, true}
	} else {
		m := mark{T: l.T, Known: known}
		if known {
			m.F, m.S = f, s
		}
		l.Hi, l.Bounded = m, true
	}
	if l.Trials > 60 {
		return failed
	}
	if !l.Bounded {
		// Still steep: grow by what the slopes suggest, 2 to 10 times.
		grow := 4.0
		if d := s - l.S0; d > 0 {
			grow = min(max(-s/d+1, 2), 10)
		}
		l.T *= grow
		return again
	}
	width := l.Hi.T - l.Lo.T
	if !(math.Abs(width) > 1e-16*l.Hi.T) || l.Hi.T < 1e-40 {
		return failed
	}
	t := l.Lo.T + 0.1*width
	if l.Hi.Known {
		t = min(max(l.cubic(), l.Lo.T+0.05*width), l.Lo.T+0.6*width)
	}
	l.T = t
	return again
}

// cubic is the minimum of the cubic through both ends (Nocedal and Wright, Numerical Optimization, 2nd ed.,
// eq. 3.59), or the middle where it has none.
func (l *line) cubic() float64 {
	a, b := l.Lo, l.Hi
	d1 := a.S + b.S - 3*(a.F-b.F)/(a.T-b.T)
	q := d1*d1 - a.S*b.S
	if q >= 0 {
		d2 := math.Sqrt(q)
		if t := b.T - (b.T-a.T)*(b.S+d2-d1)/(b.S-a.S+2*d2); finite(t) {
			return t
		}
	}
	return (a.T + b.T) / 2
}
