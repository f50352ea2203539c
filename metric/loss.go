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
	positives      int
	labels         [2]labelSums
	tp, fp, tn, fn scalar.Sum
}

// labelSums are sums over the rows of one label.
type labelSums struct {
	weight          scalar.Sum
	loss, loss2     scalar.Sum // Σ s L, Σ s L²
	square, square2 scalar.Sum // of the row's part of the Brier score in the place of L
}

func (l *labelSums) join(o *labelSums) {
	l.weight.Add(o.weight.Value())
	l.loss.Add(o.loss.Value())
	l.loss2.Add(o.loss2.Value())
	l.square.Add(o.square.Value())
	l.square2.Add(o.square2.Value())
}

// together is the sums over all labels.
func together(labels []labelSums) *labelSums {
	all := new(labelSums)
	for i := range labels {
		all.join(&labels[i])
	}
	return all
}

// byLabel are the moments of L and of the rows' parts of the Brier score.
func byLabel(labels []labelSums) (loss, square []moments) {
	for i := range labels {
		l := &labels[i]
		loss = append(loss, moments{l.weight.Value(), l.loss.Value(), l.loss2.Value()})
		square = append(square, moments{l.weight.Value(), l.square.Value(), l.square2.Value()})
	}
	return loss, square
}

func (t *tally) join(o *tally) {
	t.positives += o.positives
	for y := range t.labels {
		t.labels[y].join(&o.labels[y])
	}
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
		var loss, square, loss2, square2, weight [2]float64 // by label
		var confusion [4]float64
		for i := lo; i < min(lo+64, n); i++ {
			s := 1.0
			if r.Weight != nil {
				s = r.Weight[at+i]
			}
			// |a - y| and a: from the kernel, but where rounding may turn the decision as every prediction has it
			L, d, p := l.loss[i], l.dz[i], l.dz[i]
			if y[i] == 1 {
				p = l.b[i]
			}
			if r.Probability != nil {
				p = r.Probability[at+i]
				d = p - y[i]
				L = lossOf(p, y[i])
			} else if math.Abs(p-threshold) < 1e-14 {
				p = Sigmoid(z[i])
			}
			if a != nil {
				a[at+i] = p
			}
			d2 := float64(d * d)
			decided, label := 0, 0
			if Positive(p, threshold) {
				decided = 1
			}
			if y[i] == 1 {
				label = 1
				t.positives++
			}
			loss[label] += float64(s * L)
			square[label] += float64(s * d2)
			loss2[label] += float64(s * float64(L*L))
			square2[label] += float64(s * float64(d2*d2))
			weight[label] += s
			confusion[2*label+decided] += s
		}
		for y := range t.labels {
			l := &t.labels[y]
			l.weight.Add(weight[y])
			l.loss.Add(loss[y])
			l.loss2.Add(loss2[y])
			l.square.Add(square[y])
			l.square2.Add(square2[y])
		}
		t.tn.Add(confusion[0])
		t.fp.Add(confusion[1])
		t.fn.Add(confusion[2])
		t.tp.Add(confusion[3])
	}
}

// lossOf is -log(a) for label 1 and -log(1 - a) for label 0: infinite where a says that the label cannot be.
func lossOf(a, y float64) float64 {
	if y == 1 {
		return -math.Log(a)
	}
	return -math.Log1p(-a)
}
