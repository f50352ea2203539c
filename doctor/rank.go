package doctor

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	// RankTolerance is how small a column's residual on the columns before it must be, relative to its own size around
	// its mean, for it to count as determined by them; the one of R's lm (dqrdc2's 1e-7).
	RankTolerance = 1e-7
	// MaxRankColumns is the number of columns over which callers do no rank work: it takes n³/6 multiplications, and
	// n² memory.
	MaxRankColumns = 2000

	// suspect is the relative residual at which the Gram matrix, which holds squares, asks for the true residual:
	// its rounding hides everything below about √(n·2⁻⁵²), 7e-7 at n = 2000.
	suspect = 1e-5
	// takesPart is the share a column must have in a combination to be named in it.
	takesPart = 1e-6
)

// Alias is a column that earlier columns determine: in the coordinates of the Gram matrix
//
//	x_Column = Σ_k Coefficients[k]·x_Of[k] + Intercept.
//
// A column that is constant has no Of.
type Alias struct {
	Column       int
	Of           []int // earlier columns, in order
	Coefficients []float64
	Intercept    float64
	Residual     float64 // norm of the difference, relative to that of the column around its mean; 0 for a constant
}

// Rank finds the columns that columns before them (and the intercept) determine, in the order of the columns, as R
// does: of two equal columns the later is found, and of a full set of level indicators the last.
//
// gram is (n+1)×(n+1), row-major: Σ s·x̃x̃ᵀ with x̃ = (x, 1), the n columns centred and scaled (roughly: level indicators
// may be as they are) and the ones last. All of the symmetric matrix must be there. A column whose square around its
// mean is 0, or lost in the rounding of its square, is constant.
//
// Where the Gram matrix makes a column look determined, residual is asked for the truth: given v, (n+1), it returns
// √(Σ s·(v·x̃)²), computed from the rows. Here v has 1 at the column and minus its combination elsewhere, so that the
// result is the norm of what the earlier columns cannot explain. The column is an alias if that is at most
// RankTolerance of its norm around its mean. residual may be nil: then the Gram matrix decides alone, with suspect
// columns within its rounding.
//
// Errors: a gram of the wrong length or with NaN or infinities, and those of residual.
func Rank(gram []float64, n int, residual func(v []float64) (float64, error)) ([]Alias, error) {
	k := n + 1
	if n < 0 || len(gram) != k*k {
		return nil, fmt.Errorf("doctor: a Gram matrix of %d numbers for %d columns", len(gram), n)
	}
	for i, g := range gram {
		if math.IsNaN(g) || math.IsInf(g, 0) {
			return nil, fmt.Errorf("doctor: entry %d, %d of the Gram matrix is %v", i/k, i%k, g)
		}
	}
	ones := gram[n*k+n]
	if ones <= 0 {
		return nil, nil // no rows, nothing is known
	}
	r := ranker{n: n, gram: gram, ones: ones, norm: make([]float64, n)}
	var found []Alias
	for j := range n {
		mean := gram[n*k+j] / ones
		square := gram[j*k+j] - float64(mean*gram[n*k+j])
		if square <= constantSquare*gram[j*k+j] || !(square > 0) {
			found = append(found, Alias{Column: j, Intercept: mean})
			continue
		}
		r.norm[j] = math.Sqrt(square)
		pivot := r.eliminate(j)
		if pivot > suspect*suspect {
			r.keep(j, pivot)
			continue
		}
		a := r.alias(j)
		if residual != nil {
			v := make([]float64, k)
			for i, c := range a.all {
				v[r.kept[i]] = -c
			}
			v[n] = -a.Intercept
			v[j] = 1
			norm, err := residual(v)
			if err != nil {
				return nil, err
			}
			if math.IsNaN(norm) || norm < 0 {
				return nil, fmt.Errorf("doctor: the residual of column %d is %v", j, norm)
			}
			a.Residual = norm / r.norm[j]
			if a.Residual > RankTolerance {
				r.keep(j, max(pivot, float64(a.Residual*a.Residual)))
				continue
			}
		} else {
			a.Residual = math.Sqrt(max(pivot, 0))
			if rounding := float64(float64(k) * 0x1p-50); pivot > max(rounding, RankTolerance*RankTolerance) {
				r.keep(j, pivot)
				continue
			}
		}
		found = append(found, a.Alias)
	}
	return found, nil
}

// constantSquare: below this share of its square, a column's square around its mean is rounding. A level that all
// rows but one in 10¹² have is still told from a constant.
const constantSquare = 1e-13

// ranker is the Cholesky factorisation, one row at a time, of the Gram matrix of the columns around their means and
// scaled to norm 1, over the kept columns only.
type ranker struct {
	n    int
	gram []float64
	ones float64
	norm []float64
	kept []int
	low  [][]float64 // row i: the factor's row of kept[i], length i+1
	row  []float64   // of the column in hand, length len(kept)
}

// covariance is the Gram entry of two columns around their means, both scaled to norm 1.
func (r *ranker) covariance(i, j int) float64 {
	k := r.n + 1
	g := r.gram[i*k+j] - float64(r.gram[i*k+r.n]*r.gram[j*k+r.n])/r.ones
	return g / r.norm[i] / r.norm[j]
}

// eliminate computes the factor's row of column j and returns its pivot: the square of its residual, relative.
func (r *ranker) eliminate(j int) (pivot float64) {
	r.row = slices.Grow(r.row[:0], len(r.kept))
	for i, other := range r.kept {
		low := r.low[i]
		r.row = append(r.row, (r.covariance(other, j)-dot(low[:i], r.row))/low[i])
	}
	return 1 - dot(r.row, r.row)
}

func (r *ranker) keep(j int, pivot float64) {
	r.kept = append(r.kept, j)
	r.low = append(r.low, append(slices.Clone(r.row), math.Sqrt(pivot)))
}

type combination struct {
	Alias
	all []float64 // the coefficient of every kept column
}

// alias solves for the combination of the kept columns that is closest to column j.
func (r *ranker) alias(j int) combination {
	k := r.n + 1
	c := slices.Clone(r.row)
	for i := len(c) - 1; i >= 0; i-- { // Lᵀ c = row
		c[i] /= r.low[i][i]
		for below := range i {
			c[below] -= float64(r.low[i][below] * c[i])
		}
	}
	a := combination{Alias: Alias{Column: j}, all: c}
	intercept := r.gram[r.n*k+j] / r.ones
	for i, other := range r.kept {
		part := math.Abs(c[i])
		c[i] *= r.norm[j] / r.norm[other]
		intercept -= float64(c[i] * (r.gram[r.n*k+other] / r.ones))
		if part > takesPart {
			a.Of = append(a.Of, other)
			a.Coefficients = append(a.Coefficients, c[i])
		}
	}
	a.Intercept = intercept
	return a
}

// dot is Σ a·b over the length of a, in four sums so that they do not wait for each other.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += float64(a[i] * b[i])
		s1 += float64(a[i+1] * b[i+1])
		s2 += float64(a[i+2] * b[i+2])
		s3 += float64(a[i+3] * b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += float64(a[i] * b[i])
	}
	return (s0 + s1) + (s2 + s3)
}

// Collinear describes aliases to the user, one finding each, but of more than ten only the first five and the rest together. names, center and scale are per column, (n): what the
// Gram matrix saw is (x - center)·scale, nil for 0 and 1; equations are written in the original units. dropped says
// that the columns are left out of the model. Constant columns are W-constant's to report, and skipped.
func Collinear(aliases []Alias, names []string, center, scale []float64, dropped bool) []Finding {
	aliases = slices.DeleteFunc(slices.Clone(aliases), func(a Alias) bool { return len(a.Of) == 0 })
	var rest []Alias
	if len(aliases) > mostAlike {
		aliases, rest = aliases[:mostAlike/2], aliases[mostAlike/2:]
	}
	var found []Finding
	for _, a := range aliases {
		name := names[a.Column]
		f := Finding{Code: "W-collinear", Severity: Warning, Columns: []string{name}}
		for _, o := range a.Of {
			f.Columns = append(f.Columns, names[o])
		}
		equation, copyOf := a.equation(names, center, scale)
		switch {
		case copyOf:
			f.Message = fmt.Sprintf("column %q equals column %q", name, names[a.Of[0]])
		case len(a.Of) == 1:
			f.Message = fmt.Sprintf("column %q is determined by column %q: %s", name, names[a.Of[0]], equation)
		case equation != "":
			f.Message = fmt.Sprintf("column %q is determined by others: %s", name, equation)
		default:
			f.Message = fmt.Sprintf("column %q is determined by %d others, among them %s", name, len(a.Of), quoted(f.Columns[1:6]))
		}
		if dropped {
			f.Message += "; it is left out, predictions do not change"
			f.Cure = "leave it out yourself with --exclude " + FlagValue(name) + ", or use a penalty (--l2)"
		} else {
			f.Message += "; it stays, and shares the weight with them"
			f.Cure = "leave one of them out with --exclude"
		}
		found = append(found, f)
	}
	if len(rest) > 0 {
		f := Finding{Code: "W-collinear", Severity: Warning, Cure: "--exclude leaves columns out"}
		for _, a := range rest {
			f.Columns = append(f.Columns, names[a.Column])
		}
		f.Message = fmt.Sprintf("%d more columns are determined by others, among them %s", len(rest), quoted(f.Columns[:5]))
		if dropped {
			f.Message += "; they are left out, predictions do not change"
		} else {
			f.Message += "; they stay, and share the weight with the others"
		}
		found = append(found, f)
	}
	return found
}

func quoted(columns []string) string {
	q := make([]string, len(columns))
	for i, c := range columns {
		q[i] = fmt.Sprintf("%q", c)
	}
	return strings.Join(q, ", ")
}

// equation is "x4 = 2*x1 - 3*x2 + 1" in original units, "" with more than five columns; copyOf: it is "x4 = x1".
func (a Alias) equation(names []string, center, scale []float64) (text string, copyOf bool) {
	if len(a.Of) > 5 {
		return "", false
	}
	c := func(j int) float64 {
		if center == nil {
			return 0
		}
		return center[j]
	}
	k := func(j int) float64 {
		if scale == nil {
			return 1
		}
		return scale[j]
	}
	own := k(a.Column)
	constant, size := c(a.Column)+a.Intercept/own, math.Abs(c(a.Column))
	var s strings.Builder
	fmt.Fprintf(&s, "%s = ", names[a.Column])
	for i, o := range a.Of {
		w := clean(a.Coefficients[i] * k(o) / own)
		constant -= float64(w * c(o))
		size = max(size, math.Abs(float64(w*c(o))))
		term(&s, w, names[o], i == 0)
		copyOf = len(a.Of) == 1 && w == 1
	}
	// The constant is known to about 1e-7 of the column's size, and of what was subtracted on the way.
	if math.Abs(constant) > 1e-6*max(size, 1/math.Abs(own)) {
		term(&s, clean(constant), "", false)
		copyOf = false
	}
	return s.String(), copyOf
}

// clean rounds to six digits, which is more than a combination found by rounding is shown with.
func clean(x float64) float64 {
	var v float64
	if _, err := fmt.Sscan(fmt.Sprintf("%.6g", x), &v); err != nil {
		return x
	}
	return v
}

func term(s *strings.Builder, w float64, name string, first bool) {
	switch {
	case first && w < 0:
		s.WriteString("-")
	case !first && w < 0:
		s.WriteString(" - ")
	case !first:
		s.WriteString(" + ")
	}
	w = math.Abs(w)
	switch {
	case name == "":
		fmt.Fprintf(s, "%.6g", w)
	case w == 1:
		s.WriteString(name)
	default:
		fmt.Fprintf(s, "%.6g*%s", w, name)
	}
}
