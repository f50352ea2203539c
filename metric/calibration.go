package metric

import (
	"math"
	"slices"
)

// Calibration says whether probabilities mean what they say.
//
// Slope and Intercept are those of the logistic regression of the labels on z: 1 and 0 where the probabilities
// are right on average and in spread (Cox 1958); a slope below 1 means that they are too extreme. Both are NaN
// where that regression has no finite answer: one class, all z equal, or z that separates the classes.
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
	c.Slope, c.Intercept = k.slope()
	return c
}

// bins puts each group of ties where the middle of its weight falls.
func (k *ranking) bins(count int) []Bin {
	var total sum
	for _, o := range k.order {
		total.add(k.rows.weight(int(o.row)))
	}
	var out []Bin
	var seen, weight, predicted, observed sum // weight, predicted, observed: of the open bin
	open := -1
	closeBin := func() {
		if open >= 0 {
			b := &out[len(out)-1]
			b.Weight = weight.value()
			b.Predicted = predicted.value() / b.Weight
			b.Observed = observed.value() / b.Weight
		}
	}
	k.ties(func(from, to int, negative, positive float64) {
		s := negative + positive
		bin := min(int(float64(count)*((seen.value()+s/2)/total.value())), count-1)
		seen.add(s)
		if bin != open {
			closeBin()
			open = bin
			weight, predicted, observed = sum{}, sum{}, sum{}
			out = append(out, Bin{Low: math.Inf(1), High: math.Inf(-1)})
		}
		b := &out[len(out)-1]
		for _, o := range k.order[from:to] {
			a := k.rows.probability(int(o.row))
			b.Low, b.High = min(b.Low, a), max(b.High, a)
			predicted.add(float64(k.rows.weight(int(o.row)) * a))
		}
		b.Rows += to - from
		weight.add(s)
		observed.add(positive)
	})
	closeBin()
	slices.Reverse(out)
	return out
}

// slope fits label = sigmoid(slope·z + intercept) by Newton's method in standardised z, from slope 1 and
// intercept 0, halving a step that does not lower the cost. Whether an answer exists is decided before, exactly:
// it does iff both classes occur and neither lies wholly on one side of the other, touching included.
func (k *ranking) slope() (slope, intercept float64) {
	lowest := [2]float64{math.Inf(1), math.Inf(1)}
	highest := [2]float64{math.Inf(-1), math.Inf(-1)}
	var weight, mean sum
	for _, o := range k.order {
		y := int(k.rows.Label[o.row])
		lowest[y], highest[y] = min(lowest[y], o.z), max(highest[y], o.z)
		s := k.rows.weight(int(o.row))
		weight.add(s)
		mean.add(float64(s * o.z))
	}
	if highest[0] <= lowest[1] || highest[1] <= lowest[0] { // also where a class is missing: -Inf <= Inf
		return math.NaN(), math.NaN()
	}
	m := weight.value()
	center := mean.value() / m
	var square sum
	for _, o := range k.order {
		d := o.z - center
		square.add(float64(k.rows.weight(int(o.row)) * float64(d*d)))
	}
	scale := math.Sqrt(square.value() / m)
	if !(scale > 0) || math.IsInf(scale, 0) {
		return math.NaN(), math.NaN()
	}
	// u = (z - center)/scale, fitted w·u + b.
	cost := func(w, b float64) float64 {
		var j sum
		for _, o := range k.order {
			t := float64(w*((o.z-center)/scale)) + b
			if k.rows.Label[o.row] == 1 {
				t = -t
			}
			j.add(float64(k.rows.weight(int(o.row)) * softplus(t)))
		}
		return j.value() / m
	}
	w, b := scale, center
	j := cost(w, b)
	for range maxCalibrationSteps {
		var gw, gb, hww, hwb, hbb sum
		for _, o := range k.order {
			s, u := k.rows.weight(int(o.row)), (o.z-center)/scale
			t := float64(w*u) + b
			a := Sigmoid(t)
			dz := float64(s * (a - k.rows.Label[o.row]))
			c := float64(s * float64(a*Sigmoid(-t)))
			gw.add(float64(dz * u))
			gb.add(dz)
			hww.add(float64(float64(c*u) * u))
			hwb.add(float64(c * u))
			hbb.add(c)
		}
		// Solve H d = -g by Cholesky of the 2×2 matrix.
		g0, g1 := gw.value()/m, gb.value()/m
		h00, h01, h11 := hww.value()/m, hwb.value()/m, hbb.value()/m
		l := h01 / h00
		pivot := h11 - float64(l*h01)
		if !(h00 > 0) || !(pivot > 0) {
			return math.NaN(), math.NaN()
		}
		db := -(g1 - float64(l*g0)) / pivot
		dw := -g0/h00 - float64(l*db)
		decrement := -(float64(g0*dw) + float64(g1*db)) // ≥ 0, twice the fall that Newton expects
		if !(decrement > 0) {
			break
		}
		// Far from the answer the step must lower the cost; so near that the cost's rounding hides the fall it is
		// taken whole: there Newton converges quadratically.
		step := 1.0
		for decrement > 1e-10 && step > 1e-10 {
			if next := cost(w+float64(step*dw), b+float64(step*db)); next < j {
				j = next
				break
			}
			step /= 2
		}
		w, b = w+float64(step*dw), b+float64(step*db)
		if decrement < 1e-20 {
			break
		}
	}
	slope = w / scale
	return slope, b - float64(slope*center)
}

// maxCalibrationSteps is never reached by the tests, whose worst case takes 15.
const maxCalibrationSteps = 100
