package engine

import (
	"fmt"
	"testing"
)

// BenchmarkGram times Σ c x̃x̃ᵀ and the largest quadratic form, of float64 columns and of int16 ones.
func BenchmarkGram(b *testing.B) {
	sizes := [][2]int{{1_000_000, 28}, {30_000, 300}}
	if testing.Short() {
		sizes = [][2]int{{50_000, 28}, {5_000, 300}}
	}
	for _, size := range sizes {
		for _, kind := range []Kind{Float64, Int16} {
			p := benchProblem(b, size[0], size[1])
			for d := range p.layout.Dense {
				if kind == Int16 {
					v := p.columns.Dense[d].(Float64s)
					for i := range v {
						v[i] = float64(int16(1000 * v[i]))
					}
				}
				p.layout.Kinds = append(p.layout.Kinds, kind)
			}
			e := p.engine(b, Options{})
			c := p.columns.Inputs[1]
			N := size[1] + 1
			chol := make([]float64, N*N)
			for i := range N {
				for j := range i + 1 {
					chol[i*N+j] = 1 / float64(1+i+j)
				}
				chol[i*N+i] = 3
			}
			name := fmt.Sprintf("m=%d/n=%d/%v", size[0], size[1], kind)
			b.Run("gram/"+name, func(b *testing.B) {
				for b.Loop() {
					if _, err := e.Gram(background, c, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("quad/"+name, func(b *testing.B) {
				for b.Loop() {
					if _, _, err := e.MaxQuad(background, chol, c); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
