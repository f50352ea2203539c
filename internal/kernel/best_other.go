//go:build !amd64 || purego

package kernel

var (
	sets64 = []*Set[float64]{plain64}
	sets32 = []*Set[float32]{plain32}
)
