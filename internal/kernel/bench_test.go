package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func BenchmarkPanels(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	s := Plain[float64]()
	for _, columns := range []int{28, 200} {
		const panels = 4
		x, w := random[float64](r, panels*columns*Rows), random[float64](r, columns)
		z, sum := random[float64](r, panels*Rows), make([]float64, columns)
		b.Run(fmt.Sprintf("forward/n=%d", columns), func(b *testing.B) {
			b.SetBytes(8 * int64(len(x)))
			for b.Loop() {
				for p := range panels {
					s.F64.Forward(z[p*Rows:], x[p*columns*Rows:], Rows, w)
				}
			}
		})
		b.Run(fmt.Sprintf("backward/n=%d", columns), func(b *testing.B) {
			b.SetBytes(8 * int64(len(x)))
			for b.Loop() {
				s.F64.Backward(sum, x, columns*Rows, Rows, z)
			}
		})
	}
}

func BenchmarkMaps(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	s := Plain[float64]()
	z, out := random[float64](r, 1024), make([]float64, 1024)
	for _, op := range []string{"expnabs", "exp", "log1p", "log", "tanh", "sigmoid", "softplus", "relu"} {
		b.Run(op, func(b *testing.B) {
			for b.Loop() {
				s.Map1[op](out, z)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/row")
		})
	}
	b.Run("softplus line and slope", func(b *testing.B) {
		dz := make([]float64, 1024)
		for b.Loop() {
			s.Fused[0].Run([][]float64{out, dz, nil, nil, nil}, [][]float64{z, z})
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/row")
	})
}
