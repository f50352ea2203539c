package encode

import (
	"math"
	"slices"
)

// spline is the basis of natural cubic splines that R's splines::ns makes: cubic B-splines over the knots (de Boor, A Practical Guide to Splines,
// chapters IX and X) without the first, turned by the two Householder reflections of the QR decomposition of their second derivatives at the boundary, so
// that all but two have none there (Hastie, in Chambers & Hastie, Statistical Models in S, section 7.6). It is kept as polynomials between the knots
// and is a straight line beyond them.
type spline struct {
	knots  []float64      // the boundary and what is between, ascending
	pieces [][][4]float64 // by interval and basis function: c0 + c1 t + c2 t² + c3 t³, t from the knot on the left
	slope  [2][]float64   // at both ends
	value  []float64      // at the right end
}

// degrees of freedom: the number of basis functions.
func (s *spline) degrees() int { return len(s.knots) - 1 }

// newSpline makes the basis over at least two knots, which ascend.
func newSpline(knots []float64) *spline {
	intervals := len(knots) - 1
	t := slices.Concat([]float64{knots[0], knots[0], knots[0]}, knots, []float64{knots[intervals], knots[intervals], knots[intervals]})
	// Cox and de Boor's recursion, on the polynomials of one interval m: t[m+3] is the knot on its left.
	all := make([][][4]float64, intervals)
	for m := range intervals {
		left := knots[m]
		b := make([][4]float64, len(t)-1)
		b[m+3][0] = 1
		for order := 2; order <= 4; order++ {
			for i := range len(t) - order {
				var sum [4]float64
				if width := t[i+order-1] - t[i]; width > 0 {
					addTimes(&sum, &b[i], (left-t[i])/width, 1/width)
				}
				if width := t[i+order] - t[i+1]; width > 0 {
					addTimes(&sum, &b[i+1], (t[i+order]-left)/width, -1/width)
				}
				b[i] = sum
			}
		}
		all[m] = b[1 : intervals+3] // without the first: the intercept is its own
	}
	n := intervals + 2
	second := [2][]float64{make([]float64, n), make([]float64, n)} // derivatives at both ends
	width := knots[intervals] - knots[intervals-1]
	for j := range 2 { // the others have none
		second[0][j] = 2 * all[0][j][2]
	}
	for j := n - 3; j < n; j++ {
		p := &all[intervals-1][j]
		second[1][j] = 2*p[2] + float64(float64(6*p[3])*width)
	}
	v := reflection(second[0], 0)
	reflect(v, func(j int) *float64 { return &second[1][j] })
	w := reflection(second[1], 1)
	s := &spline{knots: knots, pieces: make([][][4]float64, intervals)}
	for m := range all {
		for k := range 4 {
			at := func(j int) *float64 { return &all[m][j][k] }
			reflect(v, at)
			reflect(w, at)
		}
		s.pieces[m] = all[m][2:]
	}
	for j := range s.degrees() {
		first, last := &s.pieces[0][j], &s.pieces[intervals-1][j]
		s.slope[0] = append(s.slope[0], first[1])
		s.slope[1] = append(s.slope[1], last[1]+float64(width*(2*last[2]+float64(float64(3*width)*last[3]))))
		s.value = append(s.value, cubic(last, width))
	}
	return s
}

// addTimes adds p·(a + b t) to sum; what is beyond t³ does not occur.
func addTimes(sum, p *[4]float64, a, b float64) {
	for k, c := range p {
		sum[k] += float64(a * c)
		if k < 3 {
			sum[k+1] += float64(b * c)
		}
	}
}

// reflection is the vector v of the Householder reflection I - 2vvᵀ/vᵀv that makes x zero behind its component k and keeps what is before.
func reflection(x []float64, k int) []float64 {
	var square float64
	for _, c := range x[k:] {
		square += float64(c * c)
	}
	v := slices.Clone(x)
	clear(v[:k])
	v[k] += math.Copysign(math.Sqrt(square), x[k])
	return v
}

// reflect applies a reflection to the vector whose components at gives.
func reflect(v []float64, at func(j int) *float64) {
	var product, square float64
	for j, c := range v {
		product += float64(c * *at(j))
		square += float64(c * c)
	}
	for j, c := range v {
		*at(j) -= float64(2 * product / square * c)
	}
}

func cubic(p *[4]float64, t float64) float64 {
	return p[0] + float64(t*(p[1]+float64(t*(p[2]+float64(t*p[3])))))
}

// at is basis function j at x.
func (s *spline) at(j int, x float64) float64 {
	last := len(s.pieces)
	switch {
	case x < s.knots[0]:
		return s.pieces[0][j][0] + float64((x-s.knots[0])*s.slope[0][j])
	case x > s.knots[last]:
		return s.value[j] + float64((x-s.knots[last])*s.slope[1][j])
	case x != x:
		return x
	}
	m, high := 0, last // the interval whose left knot is the last one ≤ x
	for m+1 < high {
		if mid := (m + high) / 2; s.knots[mid] <= x {
			m = mid
		} else {
			high = mid
		}
	}
	return cubic(&s.pieces[m][j], x-s.knots[m])
}

// splineKnots places the knots of a spline with so many degrees of freedom as R's ns does: the boundary at the smallest and the largest of the sorted
// numbers, and between them quantiles in equal steps (Hyndman & Fan 1996, type 7: position p(m-1) among m numbers, linear in between). weights
// (nil: ones) are how often a number is there. ok is false where two of them are equal.
func splineKnots(sorted, weights []float64, degrees int) (knots []float64, ok bool) {
	total := float64(len(sorted))
	if weights != nil {
		total = 0
		for _, s := range weights {
			total += s
		}
	}
	knots = append(knots, sorted[0])
	row, before := 0, 0.0 // weight of the rows before row
	find := func(rank float64) float64 {
		if weights == nil {
			return sorted[min(int(rank), len(sorted)-1)]
		}
		for row < len(sorted)-1 && before+weights[row] <= rank {
			before += weights[row]
			row++
		}
		return sorted[row]
	}
	for k := 1; k < degrees; k++ {
		h := float64(float64(k)/float64(degrees)) * math.Max(total-1, 0)
		low := math.Floor(h + 4*0x1p-52*math.Max(1, h)) // as R: what is an integer but for rounding is one
		a, b := find(low), 0.0
		if share := h - low; share > 4*0x1p-52*math.Max(1, h) {
			at, sum := row, before
			b = find(low + 1)
			row, before = at, sum
			knots = append(knots, a+float64(share*(b-a)))
		} else {
			knots = append(knots, a)
		}
	}
	knots = append(knots, sorted[len(sorted)-1])
	for k := range degrees {
		if !(knots[k] < knots[k+1]) {
			return knots, false
		}
	}
	return knots, true
}
