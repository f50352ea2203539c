package optim

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Components of which no two of a group meet in a row (levels of a column) make H an arrow: a dense block A of the other components, and
// for every large group k a border B_k and a diagonal D_k. What stands between two large groups is what neither A nor they
// explain:
//
//	H = [A B₁ B₂ …]      M = the same with B_kᵀ A⁻¹ B_l between the groups k ≠ l
//	    [B₁ᵀ D₁     ]
//
// M is H with the groups uncorrelated given A. Its elimination of A is block diagonal, D_k - B_kᵀA⁻¹B_k, and the inverse of such a block
// needs a matrix of the size of A only (Sherman, Morrison and Woodbury): D_k⁻¹ + D_k⁻¹B_kᵀ S_k⁻¹ B_kD_k⁻¹ with S_k = A - B_k D_k⁻¹ B_kᵀ,
// which is positive definite as H is. Small groups are part of A.
const borderSize = 128 // largest A

// border says which components are in A and which groups are not; nil: none is large.
func (o *Options) border(size int) (dense []int, large []Group) {
	rest := size
	for _, g := range o.Groups {
		rest -= g.Size
	}
	if rest > borderSize || len(o.Groups) == 0 {
		return nil, nil
	}
	by := slices.Clone(o.Groups)
	slices.SortStableFunc(by, func(a, b Group) int { return cmp.Compare(a.Size, b.Size) })
	for len(by) > 0 && rest+by[0].Size <= borderSize {
		rest += by[0].Size
		by = by[1:]
	}
	if len(by) == 0 {
		return nil, nil
	}
	slices.SortFunc(by, func(a, b Group) int { return cmp.Compare(a.First, b.First) })
	at := 0
	for _, g := range append(slices.Clone(by), Group{First: size}) {
		for ; at < g.First; at++ {
			dense = append(dense, at)
		}
		at += g.Size
	}
	return dense, by
}

// mould is what an arrow or a shared matrix was made of. It serves at other points, too, until diag(H) there has changed much.
type mould struct {
	At   []float64 // the point it is of
	Diag []float64 // diag(H) there
}

// old: the diagonal has changed by a quarter at one of the components listed; without a list, by a half at one in eight.
func (b *mould) old(diag []float64, of []int) bool {
	for _, j := range of {
		if r := diag[j] / b.Diag[j]; r < 0.75 || r > 1/0.75 {
			return true
		}
	}
	changed := 0
	for j, h := range diag {
		if r := h / b.Diag[j]; r < 0.5 || r > 2 {
			changed++
		}
	}
	return of == nil && 8*changed > len(diag)
}

// made is a preconditioner of a mould.
type made interface {
	scale(diag []float64, shift float64) // takes the diagonal of the whole H, and what multiple of it is added to it
	apply(z, r []float64)                // writes M⁻¹r to z
}

// arrow applies M⁻¹. Everything is in coordinates that give the whole H a unit diagonal; of the part of the rows that was looked at only the
// correlations are used, so that what is rare there keeps its own diagonal.
type arrow struct {
	dense []int
	large []Group
	unit  []float64   // 1/sqrt((1+shift)·H_jj), by component
	cross [][]float64 // by large group: B_kᵀ, a row of len(dense) for each component
	a     mat.Cholesky
	s     []mat.Cholesky // by large group
}

// newArrow takes the border that was told.
func newArrow(border []float64, dense []int, large []Group) *arrow {
	q := len(dense)
	size := len(border) / (q + 1)
	m := &arrow{dense: dense, large: large, s: make([]mat.Cholesky, len(large))}
	part := make([]float64, size) // 1/sqrt of the part's diagonal
	for j, h := range border[q*size:] {
		if h > 0 && finite(1/h) {
			part[j] = 1 / math.Sqrt(h)
		}
	}
	a := mat.NewSymDense(q, nil)
	for i, k := range dense {
		for j := range i {
			a.SetSym(i, j, border[i*size+dense[j]]*part[k]*part[dense[j]])
		}
		a.SetSym(i, i, 1)
	}
	definite(&m.a, a)
	for k, g := range large {
		b := make([]float64, g.Size*q)
		s := mat.NewSymDense(q, nil)
		s.CopySym(a)
		for l := range g.Size {
			row := b[l*q : (l+1)*q]
			for i, j := range dense {
				row[i] = border[i*size+g.First+l] * part[j] * part[g.First+l]
			}
			s.SymRankOne(s, -1, mat.NewVecDense(q, row))
		}
		m.cross = append(m.cross, b)
		definite(&m.s[k], s)
	}
	return m
}

func (m *arrow) scale(diag []float64, shift float64) { m.unit = units(diag, shift) }

// units are 1/sqrt((1+shift)·diag).
func units(diag []float64, shift float64) []float64 {
	unit := make([]float64, len(diag))
	for j, h := range diag {
		unit[j] = 1
		if h *= 1 + shift; h > 0 && finite(1/h) {
			unit[j] = 1 / math.Sqrt(h)
		}
	}
	return unit
}

// definite factors a, whose diagonal is at most 1, with as much added to its diagonal as makes it positive definite.
func definite(c *mat.Cholesky, a *mat.SymDense) {
	n := a.SymmetricDim()
	b := mat.NewSymDense(n, nil)
	for shift := 1e-10; ; shift *= 10 {
		b.CopySym(a)
		for i := range n {
			b.SetSym(i, i, math.Max(b.At(i, i), 0)+shift)
		}
		if c.Factorize(b) {
			return
		}
		if shift > 1e3*float64(n) || shift != shift {
			for i := range n { // no numbers
				for j := range i {
					b.SetSym(i, j, 0)
				}
				b.SetSym(i, i, 1)
			}
			c.Factorize(b)
			return
		}
	}
}

func (m *arrow) apply(z, r []float64) {
	q := len(m.dense)
	a := make([]float64, q)
	for i, j := range m.dense {
		a[i] = r[j] * m.unit[j]
	}
	y := solved(&m.a, a)
	for k, g := range m.large {
		b, u := m.cross[k], make([]float64, g.Size)
		sum := make([]float64, q)
		for l := range u {
			row := b[l*q : (l+1)*q]
			u[l] = r[g.First+l]*m.unit[g.First+l] - dot(row, y)
			add(sum, u[l], row)
		}
		w := solved(&m.s[k], sum)
		for l := range u {
			row := b[l*q : (l+1)*q]
			u[l] += dot(row, w)
			add(a, -u[l], row)
			z[g.First+l] = u[l] * m.unit[g.First+l]
		}
	}
	for i, v := range solved(&m.a, a) {
		z[m.dense[i]] = v * m.unit[m.dense[i]]
	}
}

func solved(c *mat.Cholesky, b []float64) []float64 {
	x := mat.NewVecDense(len(b), nil)
	_ = c.SolveVecTo(x, mat.NewVecDense(len(b), b)) // the error is a condition number; any positive definite matrix will do here
	return x.RawVector().Data
}

// add adds s·v to sum.
func add(sum []float64, s float64, v []float64) {
	for i, x := range v {
		sum[i] += float64(s * x)
	}
}
