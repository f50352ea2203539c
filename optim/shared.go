package optim

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Place says which column of the data a component is a weight of, and in which set: the classes' weights are as many sets of the same columns. The
// rows' curvature differs from set to set, but not by much in its shape.
type Place struct{ Set, Column int }

// shared is one factored matrix for all sets: the correlations in the mean of the sets' parts of H, from a part of the rows, with diag(H) of every component.
// Only differences between the sets have curvature in the data, where they are classes: what is common to all sets
// of a penalised column has that of the penalty alone. What else stands between the sets is left to conjugate gradients.
type shared struct {
	places  []Place
	sets    int
	columns int
	unit    []float64 // 1/sqrt((1+shift)·H_jj), by component
	common  []float64 // by column: the penalty, where all sets have it; else 0
	chol    mat.Cholesky
}

// sharedColumns is the largest matrix that is factored for it.
const sharedColumns = 2048

// shape is the number of sets and columns, 0 where there are no places or they are too many.
func (o *Options) shape() (sets, columns int) {
	for _, p := range o.Places {
		sets, columns = max(sets, p.Set+1), max(columns, p.Column+1)
	}
	if sets < 2 || columns > sharedColumns {
		return 0, 0
	}
	return sets, columns
}

// newShared takes the matrix that was told; what the penalty adds to a column's diagonal is the mean over the sets.
func newShared(h []float64, o *Options) *shared {
	m := &shared{places: o.Places}
	m.sets, m.columns = o.shape()
	n := m.columns
	diag, count := make([]float64, n), make([]float64, n)
	if o.Penalty != nil {
		for i, p := range o.Places {
			diag[p.Column] += o.Penalty[i]
			count[p.Column]++
		}
	}
	root := make([]float64, n)
	m.common = make([]float64, n)
	for j := range diag {
		if count[j] == float64(m.sets) {
			m.common[j] = diag[j] / count[j]
		}
		diag[j] = math.Max(h[j*n+j], 0) + diag[j]/math.Max(count[j], 1)
		if diag[j] > 0 && finite(1/diag[j]) {
			root[j] = 1 / math.Sqrt(diag[j])
		}
	}
	a := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i {
			a.SetSym(i, j, h[i*n+j]*root[i]*root[j])
		}
		a.SetSym(i, i, 1)
	}
	definite(&m.chol, a)
	return m
}

func (m *shared) scale(diag []float64, shift float64) { m.unit = units(diag, shift) }

// apply takes what is common to the sets out before and after, and adds its own part: a sum of two positive semidefinite matrices.
func (m *shared) apply(z, r []float64) {
	b, x := mat.NewDense(m.columns, m.sets, nil), mat.NewDense(m.columns, m.sets, nil)
	before := m.mean(r)
	for i, p := range m.places {
		b.Set(p.Column, p.Set, (r[i]-before[p.Column])*m.unit[i])
	}
	_ = m.chol.SolveTo(x, b) // the error is a condition number; any positive definite matrix will do here
	for i, p := range m.places {
		z[i] = x.At(p.Column, p.Set) * m.unit[i]
	}
	after := m.mean(z)
	for i, p := range m.places {
		if l := m.common[p.Column]; l > 0 {
			z[i] += before[p.Column]/l - after[p.Column]
		}
	}
}

// mean is the mean of v over the sets, by column; 0 where they have nothing in common.
func (m *shared) mean(v []float64) []float64 {
	mean := make([]float64, m.columns)
	for i, p := range m.places {
		if m.common[p.Column] > 0 {
			mean[p.Column] += v[i] / float64(m.sets)
		}
	}
	return mean
}
