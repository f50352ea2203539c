//go:build amd64 && !purego

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run -C asm . -dir ..

// The sets of this processor, slowest first; what has no assembly is plain Go's. x/sys/cpu asks the operating system
// too, whether it keeps the registers.
var (
	sets64 = supported(plain64, avx2Set64, avx512Set64)
	sets32 = supported(plain32, avx2Set32, avx512Set32)
)

func supported[T Float](plain *Set[T], avx2, avx512 func() *Set[T]) []*Set[T] {
	s := []*Set[T]{plain}
	if cpu.X86.HasAVX2 {
		s = append(s, avx2())
	}
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL {
		s = append(s, avx512())
	}
	return s
}

// The functions that follow put checks and the last few rows around assembly. Rows past the last whole step are left to
// the plain twin, which gives the same bits.

func panels[T Float, S Stored](forward func(z *T, x *S, stride int, w *T, n int),
	backward func(sum *float64, x *S, panel, column int, s *T, panels, n int), wide func(out *T, x *S, n int)) Panels[T, S] {
	return Panels[T, S]{
		Forward: func(z []T, x []S, stride int, w []T) {
			zz := (*[Rows]T)(z)
			if len(w) == 0 {
				return
			}
			_ = x[(len(w)-1)*stride+Rows-1]
			forward(&zz[0], &x[0], stride, &w[0], len(w))
		},
		Backward: func(sum []float64, x []S, panel, column int, s []T) {
			panels := len(s) / Rows
			if len(sum) == 0 || panels == 0 {
				return
			}
			_ = x[(panels-1)*panel+(len(sum)-1)*column+Rows-1]
			backward(&sum[0], &x[0], panel, column, &s[0], panels, len(sum))
		},
		Widen: func(out []T, x []S) {
			out = out[:len(x)]
			n := len(x) / Lanes[T]() * Lanes[T]()
			if n > 0 {
				wide(&out[0], &x[0], n)
			}
			widen(out[n:], x[n:])
		},
	}
}

// sumBy leaves a length that is no multiple of the lanes to the plain twin.
func sumBy[T Float](sum func(a *T, n int) float64) func(a []T) float64 {
	return func(a []T) float64 {
		if len(a) == 0 || len(a)%Lanes[T]() != 0 {
			return sumRows(a)
		}
		return sum(&a[0], len(a))
	}
}

func gramBy[T Float](f func(a *T, panelA int, b *T, panelB, panels int) float64) func(a []T, panelA int, b []T, panelB, panels int) float64 {
	return func(a []T, panelA int, b []T, panelB, panels int) float64 {
		if panels <= 0 {
			return 0
		}
		_, _ = a[(panels-1)*panelA+Rows-1], b[(panels-1)*panelB+Rows-1]
		return f(&a[0], panelA, &b[0], panelB, panels)
	}
}

type tileFunc = func(sum *float64, ld int, a *float64, panelA int, b *float64, panelB int, panels int)

// tiles cuts a tile into tiles of at most side by side columns.
func tiles(side int, by [][]tileFunc) func(sum []float64, ld int, a []float64, panelA, na int, b []float64, panelB, nb, panels int) {
	return func(sum []float64, ld int, a []float64, panelA, na int, b []float64, panelB, nb, panels int) {
		if na <= 0 || nb <= 0 || panels <= 0 {
			return
		}
		_, _, _ = sum[(na-1)*ld+nb-1], a[(panels-1)*panelA+na*Rows-1], b[(panels-1)*panelB+nb*Rows-1]
		for i := 0; i < na; i += side {
			p := min(side, na-i)
			for j := 0; j < nb; j += side {
				q := min(side, nb-j)
				by[p-1][q-1](&sum[i*ld+j], ld, &a[i*Rows], panelA, &b[j*Rows], panelB, panels)
			}
		}
	}
}

func by1[T Float](step int, f func(out, a *T, n int), last func(out, a []T)) func(out, a []T) {
	return func(out, a []T) {
		out = out[:len(a)]
		n := len(a) / step * step
		if n > 0 {
			f(&out[0], &a[0], n)
		}
		last(out[n:], a[n:])
	}
}

func by2[T Float](step int, f func(out, a, b *T, n int), last func(out, a, b []T)) func(out, a, b []T) {
	return func(out, a, b []T) {
		out, b = out[:len(a)], b[:len(a)]
		n := len(a) / step * step
		if n > 0 {
			f(&out[0], &a[0], &b[0], n)
		}
		last(out[n:], a[n:], b[n:])
	}
}

func by3[T Float](step int, f func(out, a, b, c *T, n int), last func(out, a, b, c []T)) func(out, a, b, c []T) {
	return func(out, a, b, c []T) {
		out, b, c = out[:len(a)], b[:len(a)], c[:len(a)]
		n := len(a) / step * step
		if n > 0 {
			f(&out[0], &a[0], &b[0], &c[0], n)
		}
		last(out[n:], a[n:], b[n:], c[n:])
	}
}

// byWhile leaves a step that holds an argument which f does not know to other.
func byWhile[T Float](step int, f func(out, a *T, n int) (done int), other func(out, a []T)) func(out, a []T) {
	return func(out, a []T) {
		out = out[:len(a)]
		for len(a) >= step {
			n := f(&out[0], &a[0], len(a)/step*step)
			out, a = out[n:], a[n:]
			if len(a) >= step {
				other(out[:step], a[:step])
				out, a = out[step:], a[step:]
			}
		}
		other(out, a)
	}
}

type pairFunc[T Float] = func(a, b, p, q, c, z *T, n int)

func sigmoidBy[T Float](pair pairFunc[T]) func(out, a *T, n int) {
	return func(out, a *T, n int) { pair(out, nil, nil, nil, nil, a, n) }
}

func softplusBy[T Float](pair pairFunc[T]) func(out, a *T, n int) {
	return func(out, a *T, n int) { pair(nil, nil, out, nil, nil, a, n) }
}

// fusedBy is the table of fused kernels with assembly in it.
func fusedBy[T Float](step int, line func(L, dz, a, b, c, z, t *T, n int), pair pairFunc[T]) []Fused[T] {
	rows := fused[T]()
	wrap := func(row *Fused[T], f func(p [7]*T, n int)) {
		last := row.Run
		row.Run = func(out, in [][]T) {
			n := len(in[0]) / step * step
			if n == 0 {
				last(out, in)
				return
			}
			var p [7]*T
			for k, o := range out {
				if o != nil {
					p[k] = &o[:len(in[0])][0]
				}
			}
			for k, v := range in {
				p[len(out)+k] = &v[:len(in[0])][0]
			}
			f(p, n)
			if n < len(in[0]) {
				last(from(out, n), from(in, n))
			}
		}
	}
	wrap(&rows[0], func(p [7]*T, n int) { line(p[0], p[1], p[2], p[3], p[4], p[5], p[6], n) })
	wrap(&rows[1], func(p [7]*T, n int) { pair(p[0], p[1], p[2], p[3], p[4], p[5], n) })
	return rows
}

// from is the columns' rows from row n on.
func from[T Float](columns [][]T, n int) [][]T {
	rest := make([][]T, len(columns))
	for k, c := range columns {
		if c != nil {
			rest[k] = c[n:]
		}
	}
	return rest
}
