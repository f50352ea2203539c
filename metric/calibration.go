package metric

import (
	"math"
	"slices"

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

// Calibrate computes the calibration of r with at most the given number of bins. r must have passed Rows.Check.
func Calibrate(r Rows, bins int) Calibration {
	k, err := rank(r)
	if err != nil || bins < 1 {
		return Calibration{Slope: math.NaN(), Intercept: math.NaN()}
	}
	c := Calibration{Bins: k.bins(bins)}
	c.Slope, c.Intercept = r.slope()
	return c
}

// bins puts each group of ties where the middle of its weight falls.
func (k *ranking) bins(count int) []Bin {
	var total scalar.Sum
	for _, o := range k.order {
		total.Add(k.rows.weight(int(o.row)))
	}
	var out []Bin
	var seen, weight, predicted, observed scalar.Sum // weight, predicted, observed: of the open bin
	open := -1
	closeBin := func() {
		if open >= 0 {
			b := &out[len(out)-1]
			b.Weight = weight.Value()
			b.Predicted = predicted.Value() / b.Weight
			b.Observed = observed.Value() / b.Weight
		}
	}
	k.ties(func(from, to int, negative, positive float64) {
		s := negative + positive
		bin := min(int(float64(count)*((seen.Value()+s/2)/total.Value())), count-1)
		seen.Add(s)
		if bin != open {
			closeBin()
			open = bin
			weight, predicted, observed = scalar.Sum{}, scalar.Sum{}, scalar.Sum{}
			out = append(out, Bin{Low: math.Inf(1), High: math.Inf(-1)})
		}
		b := &out[len(out)-1]
		for _, o := range k.order[from:to] {
			a := k.rows.probability(int(o.row))
			b.Low, b.High = min(b.Low, a), max(b.High, a)
			predicted.Add(float64(k.rows.weight(int(o.row)) * a))
		}
		b.Rows += to - from
		weight.Add(s)
		observed.Add(positive)
	})
	closeBin()
	slices.Reverse(out)
	return out
}

// slope fits label = sigmoid(slope·z + intercept) by Newton's method in standardised z, from slope 1 and
// intercept 0, halving a step that does not lower the cost. Whether an answer exists is decided before, exactly:
// it does iff both classes occur and neither lies wholly on one side of the other, touching included.
func (r Rows) slope() (slope, intercept float64) {
	lowest := [2]float64{math.Inf(1), math.Inf(1)}
	highest := [2]float64{math.Inf(-1), math.Inf(-1)}
	var weight, mean scalar.Sum
	for i, z := range r.LogOdds {
		s := r.weight(i)
		if s == 0 {
			continue
		}
		y := int(r.Label[i])
		lowest[y], highest[y] = min(lowest[y], z), max(highest[y], z)
		weight.Add(s)
		mean.Add(float64(s * z))
	}
	if highest[0] <= lowest[1] || highest[1] <= lowest[0] { // also where a class is missing: -Inf <= Inf
		return math.NaN(), math.NaN()
	}
	m := weight.Value()
	center := mean.Value() / m
	var square scalar.Sum
	for i, z := range r.LogOdds {
		d := z - center
		square.Add(float64(r.weight(i) * float64(d*d)))
	}
	scale := math.Sqrt(square.Value() / m)
	if !(scale > 0) || math.IsInf(scale, 0) {
		return math.NaN(), math.NaN()
	}
	w, b := scale, center // slope 1, intercept 0, for u = (z - center)/scale
	at := r.logistic(center, scale, w, b)
	for range maxCalibrationSteps {
		// Solve H d = -g by Cholesky of the 2×2 matrix.
		l := at.hwb / at.hww
		pivot := at.hbb - float64(l*at.hwb)
		if !(at.hww > 0) || !(pivot > 0) {
			return math.NaN(), math.NaN()
		}
		db := -(at.gb - float64(l*at.gw)) / pivot
		dw := -at.gw/at.hww - float64(l*db)
		decrement := -(float64(at.gw*dw) + float64(at.gb*db)) / m // ≥ 0, twice the fall of the mean loss that Newton expects
		if decrement == 0 {
			return unscaled(center, scale, w, b)
		}
		if !(decrement > 0) {
			break
		}
		// So near that rounding hides the fall in the cost the step is taken whole: there Newton's method squares its
		// error, and after a step from 1e-16 there is none left to see.
		if decrement < 1e-16 {
			return unscaled(center, scale, w+dw, b+db)
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
	return math.NaN(), math.NaN()
}

// unscaled turns w·(z - center)/scale + b into slope·z + intercept.
func unscaled(center, scale, w, b float64) (slope, intercept float64) {
	slope = w / scale
	return slope, b - float64(slope*center)
}

// logistic is the sum of the losses of a = sigmoid(w·u + b), u = (z - center)/scale, its gradient and its Hessian.
type logistic struct{ cost, gw, gb, hww, hwb, hbb float64 }

func (r Rows) logistic(center, scale, w, b float64) logistic {
	var cost, gw, gb, hww, hwb, hbb scalar.Sum
	for i, z := range r.LogOdds {
		s, u := r.weight(i), (z-center)/scale
		t := float64(w*u) + b
		// One exponential gives loss, probability and curvature: with e = exp(-|t|), the smaller side is e/(1+e).
		e := math.Exp(-math.Abs(t))
		loss, smaller := math.Log1p(e), e/(1+e)
		dz := smaller
		if (t > 0) != (r.Label[i] == 1) { // on the wrong side
			loss += math.Abs(t)
			dz = 1 / (1 + e)
		}
		if r.Label[i] == 1 {
			dz = -dz
		}
		dz = float64(s * dz)
		c := float64(s*smaller) / (1 + e)
		cu := float64(c * u)
		cost.Add(float64(s * loss))
		gw.Add(float64(dz * u))
		gb.Add(dz)
		hww.Add(float64(cu * u))
		hwb.Add(cu)
		hbb.Add(c)
	}
	return logistic{cost.Value(), gw.Value(), gb.Value(), hww.Value(), hwb.Value(), hbb.Value()}
}

// maxCalibrationSteps is above anything seen: 30,000 random sets, many with classes that hardly overlap, took 26 at most.
const maxCalibrationSteps = 100
