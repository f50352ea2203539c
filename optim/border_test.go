package optim

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// TestArrow: with one large group the arrow is H itself; with two it is H with the groups uncorrelated given the rest, made densely here.
func TestArrow(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	const rows, q = 3000, 4
	for _, groups := range [][]int{{150}, {150, 140}} {
		o := Options{}
		size := q - 1
		for _, levels := range groups {
			o.Groups = append(o.Groups, Group{size, levels})
			size += levels
		}
		size++ // the bias comes last
		h := mat.NewSymDense(size, nil)
		for range rows {
			x := mat.NewVecDense(size, nil)
			for j := range q - 1 {
				x.SetVec(j, r.NormFloat64())
			}
			x.SetVec(size-1, 1)
			for _, g := range o.Groups {
				x.SetVec(g.First+r.IntN(g.Size), 1)
			}
			h.SymRankOne(h, r.Float64(), x)
		}
		for j := range size {
			h.SetSym(j, j, h.At(j, j)+1)
		}
		dense, large := o.border(size)
		if len(dense) != q || len(large) != len(groups) {
			t.Fatalf("%d in the block, %d groups", len(dense), len(large))
		}
		border, diag := make([]float64, (q+1)*size), make([]float64, size)
		for j := range size {
			for i, k := range dense {
				border[i*size+j] = h.At(k, j)
			}
			diag[j] = h.At(j, j)
			border[q*size+j] = diag[j]
		}
		if len(groups) == 2 {
			a, b := mat.NewDense(q, q, nil), mat.NewDense(q, size, nil)
			for i, k := range dense {
				for j, l := range dense {
					a.Set(i, j, h.At(k, l))
				}
				for j := range size {
					b.Set(i, j, h.At(k, j))
				}
			}
			var inner, between mat.Dense
			if err := inner.Solve(a, b); err != nil {
				t.Fatal(err)
			}
			between.Mul(b.T(), &inner)
			for i := range groups[0] {
				for j := range groups[1] {
					h.SetSym(q-1+i, q-1+groups[0]+j, between.At(q-1+i, q-1+groups[0]+j))
				}
			}
		}
		m := newArrow(border, dense, large)
		m.scale(diag, 0)
		want, z := make([]float64, size), make([]float64, size)
		for j := range want {
			want[j] = r.NormFloat64()
		}
		res := mat.NewVecDense(size, nil)
		res.MulVec(h, mat.NewVecDense(size, want))
		m.apply(z, res.RawVector().Data)
		for j := range z {
			if math.Abs(z[j]-want[j]) > 1e-6*(1+math.Abs(want[j])) {
				t.Fatalf("%d groups: component %d is %g, want %g", len(groups), j, z[j], want[j])
			}
		}
	}
}
