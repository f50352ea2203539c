package metric_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/descent-ml/descent/metric"
)

// largeRows are rows of many pieces: z of several shapes, of which some are hard to sort by buckets.
func largeRows(shape string, m int, weighted bool) metric.Rows {
	r := rand.New(rand.NewPCG(41, uint64(m)))
	rows := metric.Rows{}
	for i := range m {
		z := r.NormFloat64() * 2
		switch shape {
		case "ties":
			z = math.Round(4*z) / 4
		case "one": // nearly all in one group
			if i%1000 != 0 {
				z = 0.25
			}
		case "far": // a few rows far out: all others share a bucket
			if i%5000 == 0 {
				z *= 1e200
			}
		case "powers": // from the smallest to the largest
			z = math.Ldexp(z, r.IntN(2000)-1000)
		case "largest":
			if i%2 == 0 {
				z = math.Copysign(math.MaxFloat64, z)
			}
		}
		y := 0.0
		if metric.Sigmoid(z/2) > r.Float64() {
			y = 1
		}
		rows.LogOdds, rows.Label = append(rows.LogOdds, z), append(rows.Label, y)
		if weighted {
			rows.Weight = append(rows.Weight, float64(r.IntN(4))) // zero, too
		}
	}
	return rows
}

// TestLarge compares many rows with loops over all of them in one order, and the bits on several numbers of threads.
func TestLarge(t *testing.T) {
	for _, shape := range []string{"normal", "ties", "one", "far", "powers", "largest"} {
		for _, weighted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", shape, weighted), func(t *testing.T) {
				r := largeRows(shape, 60_000, weighted)
				r.Threads = 1
				got, err := metric.Binary(r, 0.4)
				if err != nil {
					t.Fatal(err)
				}
				compareLarge(t, r, got)
				for _, threads := range []int{2, 3, 8} {
					r.Threads = threads
					m, err := metric.Binary(r, 0.4)
					if err != nil {
						t.Fatal(err)
					}
					if !reflect.DeepEqual(m, got) && !(math.IsNaN(got.Calibration.Slope) && fmt.Sprint(m) == fmt.Sprint(got)) {
						t.Errorf("%d threads: %+v, one: %+v", threads, m, got)
					}
				}
			})
		}
	}
}

func compareLarge(t *testing.T, r metric.Rows, got *metric.Metrics) {
	t.Helper()
	s := func(i int) float64 {
		if r.Weight != nil {
			return r.Weight[i]
		}
		return 1
	}
	order := make([]int, len(r.LogOdds))
	var c metric.Confusion
	var loss, square, total, negatives, positives float64
	for i, z := range r.LogOdds {
		order[i] = i
		a, y := metric.Sigmoid(z), r.Label[i]
		switch {
		case a > 0.4 && y == 1:
			c.TP += s(i)
		case a > 0.4:
			c.FP += s(i)
		case y == 1:
			c.FN += s(i)
		default:
			c.TN += s(i)
		}
		if y == 1 {
			positives += s(i)
			z = -z
		} else {
			negatives += s(i)
		}
		if z > 40 {
			loss += s(i) * z
		} else {
			loss += s(i) * math.Log1p(math.Exp(z))
		}
		square += s(i) * (a - y) * (a - y)
		total += s(i)
	}
	slices.SortFunc(order, func(a, b int) int {
		if r.LogOdds[a] > r.LogOdds[b] {
			return -1
		} else if r.LogOdds[a] < r.LogOdds[b] {
			return 1
		}
		return 0
	})
	var area, precision, fp, tp float64
	for from := 0; from < len(order); {
		var n, p float64
		to := from
		for ; to < len(order) && r.LogOdds[order[to]] == r.LogOdds[order[from]]; to++ {
			p += s(order[to]) * r.Label[order[to]]
			n += s(order[to]) * (1 - r.Label[order[to]])
		}
		area += n * (tp + p/2)
		tp, fp = tp+p, fp+n
		if p > 0 {
			precision += p * tp / (tp + fp)
		}
		from = to
	}
	if got.Confusion != c || got.WeightSum != total {
		t.Errorf("confusion %+v of %v, expected %+v of %v", got.Confusion, got.WeightSum, c, total)
	}
	for _, x := range []struct {
		what      string
		got, want float64
	}{
		{"log loss", got.LogLoss / (loss / total), 1},
		{"Brier", got.Brier, square / total},
		{"AUC", got.AUC, area / negatives / positives},
		{"average precision", got.AveragePrecision, precision / positives},
	} {
		if !close(x.got, x.want, 1e-11) && !(math.IsNaN(x.got) && (math.IsInf(loss, 0))) {
			t.Errorf("%s %.17g, expected %.17g", x.what, x.got, x.want)
		}
	}
	var weight float64
	for _, b := range got.Calibration.Bins {
		weight += b.Weight
		if b.Weight < total/20 && len(got.Calibration.Bins) == 10 || b.Predicted < b.Low-1e-15 || b.Predicted > b.High+1e-15 {
			t.Errorf("bin %+v", b)
		}
	}
	if weight != total {
		t.Errorf("bins of %v, expected %v", weight, total)
	}
}

// TestLargeClasses: the measures of a class are those of that class against the rest, and every bit is the same on any number of threads.
func TestLargeClasses(t *testing.T) {
	r := rand.New(rand.NewPCG(43, 44))
	const m, K = 40_000, 4
	rows := metric.ClassRows{Threads: 1}
	for range m {
		for range K {
			rows.LogOdds = append(rows.LogOdds, math.Round(r.NormFloat64()*64)/16)
		}
		rows.Label = append(rows.Label, int32(r.IntN(K)))
		rows.Weight = append(rows.Weight, float64(r.IntN(3)))
	}
	got, err := metric.Classes(rows, []string{"a", "b", "c", "d"})
	if err != nil {
		t.Fatal(err)
	}
	for k := range K {
		one := metric.Rows{Weight: rows.Weight}
		for i, y := range rows.Label {
			var rest float64 // log-odds of class k against the rest
			z := rows.LogOdds[i*K : (i+1)*K]
			for j, v := range z {
				if j != k {
					rest += math.Exp(v - z[k])
				}
			}
			one.LogOdds = append(one.LogOdds, -math.Log(rest))
			one.Label = append(one.Label, boolean(int(y) == k))
		}
		if auc := binary(t, one, 0.5).AUC; !close(got.PerClass[k].AUC, auc, 1e-7) { // log-odds that rounding sets apart are ties
			t.Errorf("class %d: AUC %v, expected %v", k, got.PerClass[k].AUC, auc)
		}
	}
	for _, threads := range []int{2, 3, 8} {
		rows.Threads = threads
		if again, err := metric.Classes(rows, []string{"a", "b", "c", "d"}); err != nil || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", got) {
			t.Errorf("%d threads: %+v, one: %+v, %v", threads, again, got, err)
		}
	}
}
