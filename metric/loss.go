package metric

import (
	"math"
	"slices"

	"github.com/descent-ml/descent/internal/kernel"
	"github.com/descent-ml/descent/internal/parallel"
	"github.com/descent-ml/descent/internal/scalar"
)

// strip is how many rows the loops below take at once: their buffers stay in the cache.
const strip = 512

// fused is the loss of z against t, L = softplus(z) - t·z, its derivative dz and the curvature c in one kernel.
var fused = lossKernel()

func lossKernel() kernel.Fused[float64] {
	table := kernel.Best[float64]().Fused
	i := slices.IndexFunc(table, func(f kernel.Fused[float64]) bool { return slices.Equal(f.In, []string{"z", "t"}) })
	return table[i]
}

// losses are buffers for a strip: what the kernel takes and gives.
type losses struct {
	u, zero        []float64
	loss, dz, b, c []float64
	out            [][]float64
}

// newLosses makes them for the given outputs of the kernel ("b" is 1 - a).
func newLosses(outputs ...string) *losses {
	l := &losses{u: make([]float64, strip), zero: make([]float64, strip), out: make([][]float64, len(fused.Out))}
	for _, name := range outputs {
		out := make([]float64, strip)
		switch name {
		case "L":
			l.loss = out
		case "dz":
			l.dz = out
		case "b":
			l.b = out
		case "c":
			l.c = out
		}
		l.out[slices.Index(fused.Out, name)] = out
	}
	return l
}

// run takes u = z for label 0 and -z for label 1, n of them: then the loss is softplus(u) and |a - y| is sigmoid(u), with all digits in
// both tails.
func (l *losses) run(n int) {
	in := [2][]float64{l.u[:n], l.zero[:n]}
	var out [8][]float64
	for i, o := range l.out {
		if o != nil {
			out[i] = o[:n]
		}
	}
	fused.Run(out[:len(l.out)], in[:])
}

// tally is what one pass over the rows adds up.
type tally struct {
	positives                            int
	weight, loss, square, tp, fp, tn, fn scalar.Sum
}

func (t *tally) join(o *tally) {
	t.positives += o.positives
	t.weight.Add(o.weight.Value())
	t.loss.Add(o.loss.Value())
	t.square.Add(o.square.Value())
	t.tp.Add(o.tp.Value())
	t.fp.Add(o.fp.Value())
	t.tn.Add(o.tn.Value())
	t.fn.Add(o.fn.Value())
}

func (t *tally) confusion() Confusion {
	return Confusion{TP: t.tp.Value(), FP: t.fp.Value(), TN: t.tn.Value(), FN: t.fn.Value()}
}

// tally adds up all rows, decided at the threshold. A non-nil a, (m), is filled with the probabilities.
func (r Rows) tally(threshold float64, a []float64) *tally {
	m := len(r.LogOdds)
	parts := make([]tally, parallel.Count(m, pieceRows))
	parallel.Pieces(r.Threads, m, pieceRows, func(piece, from, to int) {
		var t tally
		l := newLosses("L", "dz", "b")
		for at := from; at < to; at += strip {
			r.strip(&t, l, at, min(strip, to-at), threshold, a)
		}
		parts[piece] = t
	})
	total := new(tally)
	for i := range parts {
		total.join(&parts[i])
	}
	return total
}

// strip adds rows at … at+n-1 to t, 64 at a time by plain sums.
func (r Rows) strip(t *tally, l *losses, at, n int, threshold float64, a []float64) {
	z, y := r.LogOdds[at:at+n], r.Label[at:at+n]
	for i, z := range z {
		if y[i] == 1 {
			z = -z
		}
		l.u[i] = z
	}
	l.run(n)
	for lo := 0; lo < n; lo += 64 {
		var loss, square, weight float64
		var confusion [4]float64
		for i := lo; i < min(lo+64, n); i++ {
			s := 1.0
			if r.Weight != nil {
				s = r.Weight[at+i]
			}
			// |a - y| and a: from the kernel, but where rounding may turn the decision as every prediction has it
			d, p := l.dz[i], l.dz[i]
			if y[i] == 1 {
				p = l.b[i]
			}
			if r.Probability != nil {
				p = r.Probability[at+i]
				d = p - y[i]
			} else if math.Abs(p-threshold) < 1e-14 {
				p = Sigmoid(z[i])
			}
			if a != nil {
				a[at+i] = p
			}
			loss += float64(s * l.loss[i])
			square += float64(s * float64(d*d))
			weight += s
			decided := 0
			if Positive(p, threshold) {
				decided = 1
			}
			if y[i] == 1 {
				decided += 2
				t.positives++
			}
			confusion[decided] += s
		}
		t.loss.Add(loss)
		t.square.Add(square)
		t.weight.Add(weight)
		t.tn.Add(confusion[0])
		t.fp.Add(confusion[1])
		t.fn.Add(confusion[2])
		t.tp.Add(confusion[3])
	}
}
