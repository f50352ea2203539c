package metric

import (
	"math"
	"slices"

	"github.com/descent-ml/descent/internal/parallel"
	"github.com/descent-ml/descent/internal/scalar"
)

// Calibration says whether probabilities mean what they say.
//
// Slope and Intercept are those of the logistic regression of the labels on z: 1 and 0 where the probabilities
// are right on average and in spread (Cox 1958); a slope below 1 means that they are too extreme. Both are NaN
// where that regression has no finite answer: one class, all z equal, or z that separates the classes (by all but
// rounding).
//
// Bins holds the rows in at most ten groups of about equal weight, by rising z. Rows with equal z share a
// bin, so there are fewer bins where many z are equal.
type Calibration struct {
	Slope     float64
	Intercept float64
	Bins      []Bin
}

// Bin is one group of rows with neighbouring probabilities.
type Bin struct {
	Low       float64 `json:"low"`       // smallest probability in it
	High      float64 `json:"high"`      // largest
	Predicted float64 `json:"predicted"` // mean probability
	Observed  float64 `json:"observed"`  // share of label 1
	Rows      int     `json:"rows"`      // lines in it (with weight > 0)
	Weight    float64 `json:"-"`         // Σ s
}

const calibrationBins = 10

// part is what a piece of the ranking adds to a bin.
type part struct {
	bin                         int
	rows                        int
	low, high                   float64
	weight, predicted, observed scalar.Sum
}

func newPart(bin int) part { return part{bin: bin, low: math.Inf(1), high: math.Inf(-1)} }

// bins puts each group of ties where the middle of its weight falls; a is the probability by row.
func (k *ranking) bins(a []float64, count int) []Bin {
	total := k.negatives + k.positives
	pieces := make([][]part, len(k.pieces))
	k.each(func(i int, p *rankPiece) {
		var parts []part
		var seen scalar.Sum
		seen.Add(p.negatives)
		seen.Add(p.positives)
		k.ties(p, func(from, to int, negative, positive float64) {
			s := negative + positive
			bin := min(int(float64(count)*((seen.Value()+s/2)/total)), count-1)
			seen.Add(s)
			if len(parts) == 0 || parts[len(parts)-1].bin != bin {
				parts = append(parts, newPart(bin))
			}
			b := &parts[len(parts)-1]
			for _, o := range k.order[from:to] {
				a := a[o.row]
				b.low, b.high = min(b.low, a), max(b.high, a)
				b.predicted.Add(float64(k.weight(o.row) * a))
			}
			b.rows += to - from
			b.weight.Add(s)
			b.observed.Add(positive)
		})
		pieces[i] = parts
	})
	var out []Bin
	open := newPart(-1)
	closeBin := func() {
		if open.bin >= 0 {
			s := open.weight.Value()
			out = append(out, Bin{Low: open.low, High: open.high, Rows: open.rows, Weight: s, Predicted: open.predicted.Value() / s, Observed: open.observed.Value() / s})
		}
	}
	for _, parts := range pieces {
		for i := range parts {
			p := &parts[i]
			if p.bin != open.bin {
				closeBin()
				open = newPart(p.bin)
			}
			open.rows += p.rows
			open.low, open.high = min(open.low, p.low), max(open.high, p.high)
			open.weight.Add(p.weight.Value())
			open.predicted.Add(p.predicted.Value())
			open.observed.Add(p.observed.Value())
		}
	}
	closeBin()
	slices.Reverse(out)
	return out
}

// spread is what one pass finds of z: its range for each label, and its sums.
type spread struct {
	lowest, highest [2]float64
	weight, mean    scalar.Sum
}

// spread looks at the rows with weight.
func (r Rows) spread() spread {
	unknown := spread{lowest: [2]float64{math.Inf(1), math.Inf(1)}, highest: [2]float64{math.Inf(-1), math.Inf(-1)}}
	m := len(r.LogOdds)
	parts := make([]spread, parallel.Count(m, pieceRows))
	parallel.Pieces(r.Threads, m, pieceRows, func(piece, from, to int) {
		p := unknown
		for i := from; i < to; i++ {
			s, z := r.weight(i), r.LogOdds[i]
			if s == 0 {
				continue
			}
			y := int(r.Label[i])
			p.lowest[y], p.highest[y] = min(p.lowest[y], z), max(p.highest[y], z)
			p.weight.Add(s)
			p.mean.Add(float64(s * z))
		}
		parts[piece] = p
	})
	for i := range parts {
		p := &parts[i]
		for y := range 2 {
			unknown.lowest[y], unknown.highest[y] = min(unknown.lowest[y], p.lowest[y]), max(unknown.highest[y], p.highest[y])
		}
		unknown.weight.Add(p.weight.Value())
		unknown.mean.Add(p.mean.Value())
	}
	return unknown
}

// recalibration is the logistic regression of the labels on z, with the variances that its information gives.
type recalibration struct{ slope, intercept, slopeVariance, interceptVariance float64 }

var noRecalibration = recalibration{math.NaN(), math.NaN(), math.NaN(), math.NaN()}

// recalibrate fits label = sigmoid(slope·z + intercept) by Newton's method in standardised z, from slope 1 and
// intercept 0, halving a step that does not lower the cost. Whether an answer exists is decided before, exactly:
// it does iff both classes occur and neither lies wholly on one side of the other, touching included. Where a is given z is its logit,
// and there is no answer if one is infinite.
func (r Rows) recalibrate(given bool) recalibration {
	if given {
		z := make([]float64, len(r.Probability))
		for i, a := range r.Probability {
			if z[i] = math.Log(a) - math.Log1p(-a); !math.IsInf(z[i], 0) {
				continue
			}
			if r.weight(i) > 0 {
				return noRecalibration
			}
			z[i] = 0
		}
		r.LogOdds = z
	}
	all := r.spread()
	if all.highest[0] <= all.lowest[1] || all.highest[1] <= all.lowest[0] { // also where a class is missing: -Inf <= Inf
		return noRecalibration
	}
	m := all.weight.Value()
	center := all.mean.Value() / m
	squares := make([]scalar.Sum, parallel.Count(len(r.LogOdds), pieceRows))
	parallel.Pieces(r.Threads, len(r.LogOdds), pieceRows, func(piece, from, to int) {
		var square scalar.Sum
		for i := from; i < to; i++ {
			d := r.LogOdds[i] - center
			square.Add(float64(r.weight(i) * float64(d*d)))
		}
		squares[piece] = square
	})
	var square scalar.Sum
	for _, p := range squares {
		square.Add(p.Value())
	}
	scale := math.Sqrt(square.Value() / m)
	if !(scale > 0) || math.IsInf(scale, 0) {
		return noRecalibration
	}
	w, b := scale, center // slope 1, intercept 0, for u = (z - center)/scale
	at := r.logistic(center, scale, w, b)
	for range maxCalibrationSteps {
		// Solve H d = -g by Cholesky of the 2×2 matrix.
		l := at.hwb / at.hww
		pivot := at.hbb - float64(l*at.hwb)
		if !(at.hww > 0) || !(pivot > 0) {
			return noRecalibration
		}
		db := -(at.gb - float64(l*at.gw)) / pivot
		dw := -at.gw/at.hww - float64(l*db)
		decrement := -(float64(at.gw*dw) + float64(at.gb*db)) / m // ≥ 0, twice the fall of the mean loss that Newton expects
		if decrement == 0 {
			return at.unscaled(center, scale, w, b)
		}
		if !(decrement > 0) {
			break
		}
		// So near that rounding hides the fall in the cost the step is taken whole: there Newton's method squares its
		// error, and after a step from 1e-16 there is none left to see.
		if decrement < 1e-16 {
			return at.unscaled(center, scale, w+dw, b+db)
		}
		step := 1.0
		next := r.logistic(center, scale, w+dw, b+db)
		for !(next.cost < at.cost) && decrement > 1e-10 && step > 1e-10 {
			step /= 2
			next = r.logistic(center, scale, w+float64(step*dw), b+float64(step*db))
		}
		w, b, at = w+float64(step*dw), b+float64(step*db), next
	}
	// An answer exists, but float64 cannot reach it: the classes overlap by less than its rounding.
	return noRecalibration
}

// unscaled turns w·(z - center)/scale + b into slope·z + intercept, and the inverse of the information into the variances of these.
func (at logistic) unscaled(center, scale, w, b float64) recalibration {
	l := at.hwb / at.hww
	varB := 1 / (at.hbb - float64(l*at.hwb))
	cov := -float64(l * varB)
	varW := 1/at.hww - float64(l*cov)
	slope, k := w/scale, center/scale
	return recalibration{slope, b - float64(slope*center), varW / scale / scale, varB + float64(float64(k*k)*varW) - float64(2*k*cov)}
}

// logistic is the sum of the losses of a = sigmoid(w·u + b), u = (z - center)/scale, its gradient and its Hessian.
type logistic struct{ cost, gw, gb, hww, hwb, hbb float64 }

func (r Rows) logistic(center, scale, w, b float64) logistic {
	m := len(r.LogOdds)
	parts := make([][6]scalar.Sum, parallel.Count(m, pieceRows))
	parallel.Pieces(r.Threads, m, pieceRows, func(piece, from, to int) {
		l, u := newLosses("L", "dz", "c"), make([]float64, strip)
		var sums [6]scalar.Sum
		for at := from; at < to; at += strip {
			n := min(strip, to-at)
			y := r.Label[at : at+n]
			for i, z := range r.LogOdds[at : at+n] {
				u[i] = (z - center) / scale
				t := float64(w*u[i]) + b
				if y[i] == 1 {
					t = -t
				}
				l.u[i] = t
			}
			l.run(n)
			for lo := 0; lo < n; lo += 64 {
				var cost, gw, gb, hww, hwb, hbb float64
				for i := lo; i < min(lo+64, n); i++ {
					s := 1.0
					if r.Weight != nil {
						s = r.Weight[at+i]
					}
					dz := float64(s * l.dz[i])
					if y[i] == 1 {
						dz = -dz
					}
					c := float64(s * l.c[i])
					cu := float64(c * u[i])
					cost += float64(s * l.loss[i])
					gw += float64(dz * u[i])
					gb += dz
					hww += float64(cu * u[i])
					hwb += cu
					hbb += c
				}
				for i, v := range [6]float64{cost, gw, gb, hww, hwb, hbb} {
					sums[i].Add(v)
				}
			}
		}
		parts[piece] = sums
	})
	var total [6]scalar.Sum
	for i := range parts {
		for k := range total {
			total[k].Add(parts[i][k].Value())
		}
	}
	return logistic{total[0].Value(), total[1].Value(), total[2].Value(), total[3].Value(), total[4].Value(), total[5].Value()}
}

// maxCalibrationSteps is above anything seen: 30,000 random sets, many with classes that hardly overlap, took 26 at most.
const maxCalibrationSteps = 100
