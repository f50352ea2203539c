package doctor

import (
	"fmt"
	"math"
	"slices"
)

// Reading is one column beside the labels, for Leaks: of some rows the value and the class.
type Reading struct {
	Values []float64 // (rows) numbers, NaN where missing; nil: levels
	Codes  []int32   // (rows) of the levels, negative where missing
	Class  []int32   // (rows) 0 … Classes-1
	// Classes is the number of classes.
	Classes int
}

// Rule is what a column alone tells of the classes: the best rule that cuts its numbers at Classes-1 places at most, or gives every level a class.
// A missing value is a level beside the numbers.
type Rule struct {
	Wrong    int  // rows that the rule gets wrong, and Extra
	Extra    int  // one for every level above the number of classes, so that a level a row tells nothing
	Rows     int  // all rows
	Rest     int  // rows that are not of the largest class: what is wrong without the column
	Distinct int  // different values or levels, at most many
	Copy     bool // a value for every class: the column is the target under another name
	Gap      bool // being missing alone does as well
}

// manyDistinct: more different values than this are not counted.
const manyDistinct = 1000

// Share is the part of the rows besides the largest class that the rule gets wrong; 1 where a column tells nothing.
func (r *Rule) Share() float64 {
	if r.Rest == 0 {
		return 1
	}
	return float64(r.Wrong) / float64(r.Rest)
}

// Tell finds the rule of a column. It takes m·log m operations for m rows of numbers.
func Tell(r Reading) Rule {
	out := Rule{Rows: len(r.Class)}
	total := make([]int, r.Classes)
	for _, k := range r.Class {
		total[k]++
	}
	out.Rest = out.Rows - slices.Max(total)
	missing := make([]int, r.Classes)
	gone := 0
	if r.Values == nil {
		levels := map[int32][]int{}
		for i, code := range r.Codes {
			if code < 0 {
				missing[r.Class[i]]++
				gone++
				continue
			}
			n := levels[code]
			if n == nil {
				n = make([]int, r.Classes)
				levels[code] = n
			}
			n[r.Class[i]]++
		}
		if gone > 0 {
			levels[-1] = missing
		}
		for _, n := range levels {
			out.Wrong += sum(n) - slices.Max(n)
		}
		out.Distinct = len(levels)
		out.Copy = out.Wrong == 0 && len(levels) == r.Classes && gone == 0
		out.Extra = max(len(levels)-r.Classes, 0)
	} else {
		values := make([]valued, 0, len(r.Values))
		mean := make([]float64, r.Classes)
		for i, x := range r.Values {
			if math.IsNaN(x) {
				missing[r.Class[i]]++
				gone++
				continue
			}
			values = append(values, valued{x, r.Class[i]})
			mean[r.Class[i]] += x / float64(total[r.Class[i]])
		}
		slices.SortFunc(values, func(a, b valued) int {
			switch {
			case a.x < b.x:
				return -1
			case a.x > b.x:
				return 1
			}
			return 0
		})
		order := make([]int, r.Classes)
		for k := range order {
			order[k] = k
		}
		slices.SortStableFunc(order, func(a, b int) int {
			if mean[a] < mean[b] {
				return -1
			}
			return 1
		})
		out.Wrong, out.Distinct = cut(values, order)
		slices.Reverse(order)
		wrong, _ := cut(values, order)
		out.Wrong = min(out.Wrong, wrong)
		out.Copy = out.Wrong == 0 && out.Distinct == r.Classes && gone == 0
		if gone > 0 {
			out.Wrong += gone - slices.Max(missing)
			out.Extra = 1
		}
	}
	out.Wrong += out.Extra
	if gone > 0 && gone < out.Rows {
		there := make([]int, r.Classes)
		for k := range there {
			there[k] = total[k] - missing[k]
		}
		out.Gap = gone-slices.Max(missing)+sum(there)-slices.Max(there) <= out.Wrong
	}
	return out
}

type valued struct {
	x     float64
	class int32
}

// cut finds the places that cut sorted values into pieces of the classes in the given order (some may be empty), with the fewest values in a piece
// that is not theirs.
func cut(values []valued, order []int) (wrong, distinct int) {
	best := make([]int, len(order)) // fewest wrong if the piece of order[k] is the last so far
	counts := make([]int, len(order))
	for i := 0; i < len(values); {
		clear(counts)
		from := i
		for ; i < len(values) && values[i].x == values[from].x; i++ {
			counts[values[i].class]++
		}
		if distinct < manyDistinct {
			distinct++
		}
		least := math.MaxInt
		for k, class := range order {
			least = min(least, best[k])
			best[k] = least + i - from - counts[class]
		}
	}
	return slices.Min(best), distinct
}

func sum(n []int) (s int) {
	for _, v := range n {
		s += v
	}
	return s
}

const (
	// leakShare is the part of the rows besides the largest class up to which what a column alone gets wrong is a warning; strongShare a note.
	leakShare, strongShare = 0.01, 0.05
	// fewestTold: in fewer rows besides the largest class chance makes such columns.
	fewestTold = 10
)

// Suspicious says whether what a sample of the rows, with as many of every class, tells of a column leaves it open that Leak has something to say.
func (r *Rule) Suspicious() bool {
	return float64(r.Wrong-r.Extra) <= 0.08*float64(r.Rest)+3
}

// Leak describes what a column alone tells of the target; ok is false if that is nothing out of the ordinary.
func Leak(column, target string, r Rule) (f Finding, ok bool) {
	if r.Rest < fewestTold || r.Share() > strongShare {
		return f, false
	}
	f = Finding{Code: "W-leak", Severity: Warning, Columns: []string{column}, Cure: "leave it out with --exclude " + FlagValue(column) + " unless it is known before the outcome is"}
	how := fmt.Sprintf("in all but %d of %d rows", r.Wrong, r.Rows)
	if r.Wrong == 0 {
		how = fmt.Sprintf("in all %d rows", r.Rows)
	}
	switch {
	case r.Copy:
		f.Message = fmt.Sprintf("column %q is the target %q under another name: a value of one goes with a value of the other %s", column, target, how)
		f.Cure = "leave it out with --exclude " + FlagValue(column)
		return f, true
	case r.Gap:
		f.Message = fmt.Sprintf("whether column %q is missing tells %q %s: it seems to be filled in after the outcome", column, target, how)
	default:
		f.Message = fmt.Sprintf("column %q alone tells %q %s: is it a consequence of the outcome?", column, target, how)
	}
	if r.Share() > leakShare {
		f.Code, f.Severity = "strong", Note
	}
	return f, true
}

// Twins counts the rows of the test that equal a training row in every column, label included.
type Twins struct {
	Rows int // of the test
	Same int // that have a twin
	// Chance: rows agree in all columns but one so much more often than in all that the twins are rows of few possible values, not copies.
	Chance bool
}

// Copies describes them; ok is false if that is nothing out of the ordinary.
func Copies(t Twins) (f Finding, ok bool) {
	share := float64(t.Same) / float64(max(t.Rows, 1))
	if t.Chance || t.Same < fewestTwins || share < 0.01 {
		return f, false
	}
	f = Finding{Code: "W-duplicates", Severity: Warning, Columns: []string{},
		Message: fmt.Sprintf("%d of %d test rows equal a training row in every column: they are no test of rows the model has not seen", t.Same, t.Rows),
		Cure:    "take the copies out of one of the two, or keep rows that belong together on one side with --group COL"}
	if share < twinShare {
		f.Code, f.Severity = "duplicates", Note
	}
	return f, true
}

const (
	twinShare   = 0.05 // part of the test rows from which twins are a warning
	fewestTwins = 3
)
