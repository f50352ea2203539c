// Package calibration makes probabilities mean what they say: a function of z, the log-odds that a model gives, that never falls, fitted to rows that the model was
// not trained on.
//
//	m, err := calibration.Fit(calibration.Platt, metric.Rows{LogOdds: z, Label: y})
//	p := m.Probability(0.7)
//
// Fitted to the rows of the training itself it would repeat that the model fits them. The package does not know models.
package calibration

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/descent-ml/descent/metric"
)

// The methods of Fit.
const (
	// Platt is sigmoid(slope·z + intercept), the logistic regression of the labels on z, where a label 1 counts as (N₁+1)/(N₁+2) and a label 0 as 1/(N₀+2) of N₁ and N₀ rows of
	// each (Platt 1999, §2.2), so that there is an answer also where z separates the classes. A slope below 0 becomes 0.
	Platt = "platt"
	// Isotonic is the function of z that never falls and has the least Σ s (p - y)², found by pooling neighbours that violate the order (Ayer et al. 1955; Zadrozny and
	// Elkan 2002); rows of equal z count as one. Between the ends of two pools it is a line in z, beyond the outermost it is flat. Values are kept
	// within Platt's two targets, so that none is 0 or 1 and no loss infinite.
	Isotonic = "isotonic"
)

// Map is a fitted function. It is a part of model files: see Check.
type Map struct {
	Method    string   `json:"method"`
	Slope     *float64 `json:"slope,omitempty"` // of Platt
	Intercept *float64 `json:"intercept,omitempty"`
	// Breakpoints of Isotonic: z rises, P does not fall.
	Z []float64 `json:"z,omitempty"`
	P []float64 `json:"probability,omitempty"`
}

// Fit fits a method to rows: r.LogOdds, r.Label and r.Weight (k is k rows). Both classes must occur. Its bits do not depend on r.Threads.
func Fit(method string, r metric.Rows) (*Map, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	var n [2]float64
	for i, y := range r.Label {
		n[int(y)] += weight(r, i)
	}
	if n[0] == 0 || n[1] == 0 {
		return nil, errors.New("the rows are of one class")
	}
	low, high := 1/(n[0]+2), (n[1]+1)/(n[1]+2)
	switch method {
	case Platt:
		return platt(r, low, high)
	case Isotonic:
		return isotonic(r, low, high), nil
	}
	return nil, fmt.Errorf("%q is not one of %s, %s", method, Platt, Isotonic)
}

func weight(r metric.Rows, i int) float64 {
	if r.Weight == nil {
		return 1
	}
	return r.Weight[i]
}

// platt fits to targets between 0 and 1: a row with target t is t rows of label 1 and 1-t of label 0.
func platt(r metric.Rows, low, high float64) (*Map, error) {
	m := len(r.LogOdds)
	both := metric.Rows{LogOdds: append(slices.Clone(r.LogOdds), r.LogOdds...), Label: make([]float64, 2*m), Weight: make([]float64, 2*m), Threads: r.Threads}
	var ones, all float64
	for i, y := range r.Label {
		s, t := weight(r, i), low
		if y == 1 {
			t = high
		}
		both.Label[i], both.Weight[i], both.Weight[m+i] = 1, float64(s*t), float64(s*(1-t))
		ones, all = ones+both.Weight[i], all+s
	}
	slope, intercept, err := metric.Line(both)
	if err != nil {
		return nil, err
	}
	if slope != slope && slices.Max(r.LogOdds) != slices.Min(r.LogOdds) {
		return nil, errors.New("the z lie so far apart, or so near, that float64 does not reach the slope")
	}
	if !(slope > 0) { // also where all z are equal: the same probability for every row
		slope, intercept = 0, math.Log(ones/(all-ones))
	}
	return &Map{Method: Platt, Slope: &slope, Intercept: &intercept}, nil
}

// pool is rows with neighbouring z and one probability.
type pool struct {
	from, to     float64 // z
	weight, ones float64
}

func (p pool) mean() float64 { return p.ones / p.weight }

func isotonic(r metric.Rows, low, high float64) *Map {
	order := make([]int, 0, len(r.LogOdds))
	for i := range r.LogOdds {
		if weight(r, i) > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { // by z; equal ones in the order of the rows
		switch {
		case r.LogOdds[a] < r.LogOdds[b]:
			return -1
		case r.LogOdds[a] > r.LogOdds[b]:
			return 1
		}
		return a - b
	})
	var pools []pool
	for i := 0; i < len(order); {
		z := r.LogOdds[order[i]]
		p := pool{from: z, to: z}
		for ; i < len(order) && r.LogOdds[order[i]] == z; i++ {
			s := weight(r, order[i])
			p.weight += s
			p.ones += float64(s * r.Label[order[i]])
		}
		for len(pools) > 0 && pools[len(pools)-1].mean() >= p.mean() {
			last := pools[len(pools)-1]
			pools = pools[:len(pools)-1]
			p = pool{last.from, p.to, last.weight + p.weight, last.ones + p.ones}
		}
		pools = append(pools, p)
	}
	m := &Map{Method: Isotonic}
	add := func(z, p float64) {
		n := len(m.Z)
		if n > 1 && m.P[n-1] == p && m.P[n-2] == p { // the one between says nothing
			m.Z[n-1] = z
			return
		}
		m.Z, m.P = append(m.Z, z), append(m.P, p)
	}
	for _, p := range pools {
		v := min(max(p.mean(), low), high)
		if add(p.from, v); p.to > p.from {
			add(p.to, v)
		}
	}
	return m
}

// Check says what is wrong with a map that was read from a file.
func (m *Map) Check() error {
	finite := func(v float64) bool { return v-v == 0 }
	switch m.Method {
	case Platt:
		switch {
		case m.Slope == nil || m.Intercept == nil || m.Z != nil || m.P != nil:
			return errors.New("platt has a slope and an intercept, and nothing else")
		case !finite(*m.Slope) || !finite(*m.Intercept) || *m.Slope < 0:
			return fmt.Errorf("platt has the slope %v and the intercept %v: want finite numbers, the slope from 0", *m.Slope, *m.Intercept)
		}
	case Isotonic:
		switch {
		case m.Slope != nil || m.Intercept != nil || len(m.Z) == 0 || len(m.Z) != len(m.P):
			return fmt.Errorf("isotonic has breakpoints and nothing else, not %d z and %d probabilities", len(m.Z), len(m.P))
		}
		for i, z := range m.Z {
			p := m.P[i]
			if !finite(z) || !(p > 0 && p < 1) || i > 0 && !(z > m.Z[i-1] && p >= m.P[i-1]) {
				return fmt.Errorf("breakpoint %d of isotonic, probability %v at z = %v, is not finite, not between 0 and 1, or out of order", i+1, p, z)
			}
		}
	default:
		return fmt.Errorf("the method %q is not one of %s, %s", m.Method, Platt, Isotonic)
	}
	return nil
}

// Probability at z; it never falls with z, infinities included. NaN at NaN.
func (m *Map) Probability(z float64) float64 {
	if m.Method == Platt {
		return metric.Sigmoid(m.LogOdds(z))
	}
	n := len(m.Z)
	i := sort.SearchFloat64s(m.Z, z) // the first breakpoint from z on
	switch {
	case z != z:
		return z
	case i == 0:
		return m.P[0]
	case i == n:
		return m.P[n-1]
	}
	p, q := m.P[i-1], m.P[i]
	d := m.Z[i] - m.Z[i-1]
	t := (z - m.Z[i-1]) / d
	if math.IsInf(d, 0) {
		t = (z/2 - m.Z[i-1]/2) / (m.Z[i]/2 - m.Z[i-1]/2)
	}
	return min(p+float64((q-p)*t), q)
}

// LogOdds are those of Probability: of platt slope·z + intercept, which says more where the probability rounds to 0 or 1.
func (m *Map) LogOdds(z float64) float64 {
	if m.Method == Platt {
		if *m.Slope == 0 {
			return *m.Intercept // also at the infinities
		}
		return float64(*m.Slope*z) + *m.Intercept
	}
	p := m.Probability(z)
	return math.Log(p) - math.Log1p(-p)
}
