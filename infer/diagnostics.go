package infer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/mat"
)

// Inflation is the generalised variance inflation factor of groups of coefficients (Fox and Monette 1992): det(R_11)·det(R_22)/det(R), R the correlation
// of all but the intercept, R_11 of the group and R_22 of the others. Of one coefficient it is the variance inflation factor. c is the covariance of w, n×n (or more:
// its row length is ld); group numbers the coefficients' groups 0, 1, ….
func Inflation(c []float64, ld, n int, group []int) ([]float64, error) {
	r := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			r.SetSym(i, j, c[i*ld+j]/math.Sqrt(c[i*ld+i])/math.Sqrt(c[j*ld+j]))
		}
	}
	var chol mat.Cholesky
	if n > 0 && !chol.Factorize(r) {
		return nil, fmt.Errorf("infer: %w: the correlation of the coefficients", ErrSingular)
	}
	var inverse mat.SymDense
	if n > 0 {
		var condition mat.Condition
		if err := chol.InverseTo(&inverse); err != nil && !errors.As(err, &condition) {
			return nil, fmt.Errorf("infer: %w", err)
		}
	}
	members := map[int][]int{}
	groups := 0
	for j, g := range group {
		members[g] = append(members[g], j)
		groups = max(groups, g+1)
	}
	out := make([]float64, groups)
	for g := range out { // det(R_22)/det(R) is the determinant of the group's block of R⁻¹ (Jacobi)
		logDet := 0.0
		for _, m := range []mat.Symmetric{r, &inverse} {
			block := mat.NewSymDense(len(members[g]), nil)
			for a, i := range members[g] {
				for b, j := range members[g][:a+1] {
					block.SetSym(a, b, m.At(i, j))
				}
			}
			var part mat.Cholesky
			if !part.Factorize(block) {
				return nil, fmt.Errorf("infer: %w: the correlation of the coefficients", ErrSingular)
			}
			logDet += part.LogDet()
		}
		out[g] = math.Exp(logDet)
	}
	return out, nil
}

// Condition is the condition number of a matrix with n columns scaled to unit length: its largest over its smallest singular value (Belsley, Kuh and
// Welsch 1980). gram is XᵀX, n×n. Above 1e7 rounding decides; it is infinite where XᵀX has no positive smallest eigenvalue.
func Condition(gram []float64, n int) float64 {
	g := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			g.SetSym(i, j, gram[i*n+j]/math.Sqrt(gram[i*n+i])/math.Sqrt(gram[j*n+j]))
		}
	}
	var e mat.EigenSym
	if !e.Factorize(g, false) {
		return math.NaN()
	}
	v := e.Values(nil)
	if smallest := slices.Min(v); smallest > 0 {
		return math.Sqrt(slices.Max(v) / smallest)
	}
	return math.Inf(1)
}

// RiskGroup is a group of rows of similar probability.
type RiskGroup struct {
	Low, High float64 // of a
	Rows      float64 // Σ s
	Positives float64 // Σ s·y
	Expected  float64 // Σ s·a
}

// HosmerLemeshow is the test of Hosmer and Lemeshow (1980): rows in groups between the quantiles k/groups of a, and Σ (observed - expected)²/expected of
// both classes against chi-squared with two degrees less than groups. Equal quantiles make one bound, as R's cut of unique quantiles does (quantiles of type 7, of rows repeated s
// times). Its p is NaN with fewer than three groups. a, y are (m), s (m) or nil for ones.
//
// The test depends on the grouping and says little of small sets; UnweightedSquares needs none.
func HosmerLemeshow(a, y, s []float64, groups int) (all []RiskGroup, chi2 float64, df int, p float64) {
	order := make([]int, len(a))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return a[order[i]] < a[order[j]] })
	upTo := make([]float64, len(a)) // Σ s up to and with
	total := 0.0
	for k, i := range order {
		total += weight(s, i)
		upTo[k] = total
	}
	if len(a) == 0 {
		return nil, math.NaN(), 0, math.NaN()
	}
	at := func(k float64) float64 { // a of the k-th row, from 0
		return a[order[min(sort.Search(len(upTo), func(i int) bool { return upTo[i] > k }), len(order)-1)]]
	}
	var bounds []float64
	for g := range groups + 1 {
		h := max(total-1, 0) * float64(g) / float64(groups)
		low := math.Floor(h)
		v := at(low)
		if next := at(low + 1); h > low && next != v {
			v = float64((1-(h-low))*v) + float64((h-low)*next)
		}
		if len(bounds) == 0 || v > bounds[len(bounds)-1] {
			bounds = append(bounds, v)
		}
	}
	if len(bounds) == 1 {
		bounds = append(bounds, bounds[0])
	}
	for g := range len(bounds) - 1 {
		all = append(all, RiskGroup{Low: bounds[g], High: bounds[g+1]})
	}
	for _, i := range order {
		g := min(max(sort.SearchFloat64s(bounds, a[i])-1, 0), len(all)-1)
		w := weight(s, i)
		all[g].Rows += w
		all[g].Positives += float64(w * y[i])
		all[g].Expected += float64(w * a[i])
	}
	for _, g := range all {
		d := g.Positives - g.Expected
		chi2 += d*d/g.Expected + d*d/(g.Rows-g.Expected)
	}
	df, p = len(all)-2, math.NaN()
	if df > 0 {
		p = ChiSquaredTail(chi2, float64(df))
	}
	return all, chi2, df, p
}

// Calibration is a test of whether a are the probabilities of y.
type Calibration struct{ Z, P float64 }

// Spiegelhalter is the test of Spiegelhalter (1986): z = Σ s(y-a)(1-2a) / √(Σ s(1-2a)²a(1-a)), standard normal where a were the probabilities before y was seen. On
// the rows that the model was fitted to it is too small: take UnweightedSquares there.
func Spiegelhalter(a, y, s []float64) Calibration {
	sum, variance := squares(a, y, s)
	return calibration(sum / math.Sqrt(variance))
}

// UnweightedSquares is the test of le Cessie, van Houwelingen, Copas and Hosmer (Hosmer, Hosmer, le Cessie and Lemeshow 1997) on the rows of the fit: Σ s(y-a)²
// less its expectation Σ s·a(1-a), which is Spiegelhalter's numerator, over its deviation when coefficients are estimated: of Σ s(1-2a)²a(1-a)
// the part that no combination of the columns explains, the regression of 1-2a on x̃ with weights s·a(1-a), is left. b is Σ s·a(1-a)(1-2a)·x̃ and c the covariance
// of the coefficients.
func UnweightedSquares(a, y, s, b, c []float64) Calibration {
	sum, variance := squares(a, y, s)
	return calibration(sum / math.Sqrt(variance-Variance(c, b)))
}

func squares(a, y, s []float64) (sum, variance float64) {
	for i, p := range a {
		w, d := weight(s, i), 1-2*p
		sum += float64(w * float64((y[i]-p)*d))
		variance += float64(w * float64(d*d) * float64(p*(1-p)))
	}
	return sum, variance
}

func calibration(z float64) Calibration {
	return Calibration{z, math.Erfc(math.Abs(z) / math.Sqrt2)}
}

// Cook is Cook's distance of a row to first order (Pregibon 1981; R's cooks.distance): with v = a(1-a), leverage h and k parameters
// (y-a)²/v · h/(1-h)² / k. It is 0 where v is.
func Cook(a, y, h float64, k int) float64 {
	v := a * (1 - a)
	if v == 0 {
		return 0
	}
	d := y - a
	return d * d / v * h / ((1 - h) * (1 - h)) / float64(k)
}
