package doctor

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// IsConstant says whether a numeric column is constant: its largest value is its smallest, or its standard deviation
// is at most 1e-12 of its largest absolute value (a column of 0.1 has a computed deviation of about 1e-17).
func IsConstant(lowest, highest, sd float64) bool {
	return lowest == highest || sd <= 1e-12*max(math.Abs(lowest), math.Abs(highest))
}

// constant gives every constant column a line of its own, but of more than ten only the first five, and the rest together.
func constant(d Data) []Finding {
	found := constants(d)
	if len(found) <= mostAlike {
		return found
	}
	rest := Finding{Code: "W-constant", Severity: Warning, Cure: "--exclude leaves columns out"}
	for _, f := range found[mostAlike/2:] {
		rest.Columns = append(rest.Columns, f.Columns...)
	}
	rest.Message = fmt.Sprintf("%d more columns are the same in every row, among them %s: they cannot tell rows apart, their weights are 0", len(rest.Columns), quoted(rest.Columns[:5]))
	if slices.ContainsFunc(d.Columns, func(c Column) bool {
		return c.Missing > 0 && d.Missing != Drop && slices.Contains(rest.Columns, c.Name)
	}) {
		rest.Message = fmt.Sprintf("%d more columns are the same wherever they are there, among them %s", len(rest.Columns), quoted(rest.Columns[:5]))
	}
	return append(found[:mostAlike/2:mostAlike/2], rest)
}

// mostAlike is the number of findings of one kind up to which every column has one of its own.
const mostAlike = 10

func constants(d Data) []Finding {
	var found []Finding
	for _, c := range d.Columns {
		if c.Missing >= d.Rows {
			continue // missing says it
		}
		var value string
		switch {
		case c.Numeric && IsConstant(c.Min, c.Max, c.SD):
			value = fmt.Sprint(c.Mean)
			if c.Min == c.Max {
				value = fmt.Sprint(c.Min)
			}
		case !c.Numeric && len(c.Levels) == 1:
			value = fmt.Sprintf("%q", shorten(c.Levels[0].Level))
		default:
			continue
		}
		if c.Missing > 0 && d.Missing != Drop {
			found = append(found, Finding{
				Code: "W-constant", Severity: Warning, Columns: []string{c.Name},
				Message: fmt.Sprintf("column %q is %s wherever it is there: only its being missing can tell rows apart", c.Name, value),
				Cure:    "leave it out with --exclude " + FlagValue(c.Name),
			})
			continue
		}
		found = append(found, Finding{
			Code: "W-constant", Severity: Warning, Columns: []string{c.Name},
			Message: fmt.Sprintf("column %q is %s in every row: it cannot tell rows apart, its weight is 0", c.Name, value),
			Cure:    "leave it out with --exclude " + FlagValue(c.Name),
		})
	}
	return found
}

func missing(d Data) []Finding {
	var found []Finding
	for _, c := range d.Columns {
		if c.Missing == 0 {
			continue
		}
		share := float64(c.Missing) / float64(max(d.Rows, 1))
		f := Finding{Code: "W-missing", Severity: Warning, Columns: []string{c.Name}}
		switch {
		case c.Missing >= d.Rows:
			f.Message = fmt.Sprintf("column %q is missing in every row", c.Name)
			f.Cure = "leave it out with --exclude " + FlagValue(c.Name)
		case d.Missing == Refuse:
			f.Message = fmt.Sprintf("column %q is missing in %s of %d", c.Name, count(c.Missing, "row"), d.Rows)
			f.Cure = "train refuses it; choose --missing drop, mean or level"
		case share > mostlyMissing:
			f.Message = fmt.Sprintf("column %q is missing in %s of %d, %s", c.Name, count(c.Missing, "row"), d.Rows, map[Policy]string{
				Drop:  "which are left out",
				Mean:  "where its mean stands in",
				Level: "which become a level of their own",
			}[d.Missing])
			f.Cure = "leave the column out with --exclude " + FlagValue(c.Name)
		default:
			f.Code, f.Severity = "missing", Note
			f.Message = fmt.Sprintf("column %q is missing in %s of %d", c.Name, count(c.Missing, "row"), d.Rows)
		}
		found = append(found, f)
	}
	return found
}

// mostlyMissing: with a policy chosen openly, missing values are a warning only where they are most of the column.
const mostlyMissing = 0.5

func manyLevels(d Data) []Finding {
	var found []Finding
	for _, c := range d.Columns {
		if c.Numeric {
			continue
		}
		rows := d.Rows - c.Missing
		f := Finding{
			Code: "W-levels", Severity: Warning, Columns: []string{c.Name},
			Cure: "leave it out with --exclude " + FlagValue(c.Name) + ", or put rare levels together with --min-level-count",
		}
		switch n := len(c.Levels); {
		case n >= 3 && dates(c.Levels):
			f.Message = fmt.Sprintf("column %q holds dates, and every date is a level of its own (%s in %s)", c.Name, count(n, "level"), count(rows, "row"))
			f.Cure = dateCure(c.Name)
		case n >= 3 && n == rows:
			f.Message = fmt.Sprintf("column %q has a level of its own in every row (%s): it looks like an identifier", c.Name, count(n, "level"))
		case n >= manyLevelsFrom && 2*n > rows:
			f.Message = fmt.Sprintf("column %q has %s in %s, nearly one a row: it looks like an identifier or free text", c.Name, count(n, "level"), count(rows, "row"))
		default:
			continue
		}
		found = append(found, f)
	}
	return found
}

// manyLevelsFrom: in fewer levels than this, more than half as many levels as rows is a small file, not an identifier.
const manyLevelsFrom = 20

// dates says whether nearly all levels are dates.
func dates(levels []Tally) bool {
	is := 0
	for i, l := range levels {
		if isDate(l.Level) {
			is++
		}
		if i == 99 && is < 50 { // no need to read a million levels
			return false
		}
	}
	return 10*is >= 9*len(levels)
}

func isDate(s string) bool {
	if len(s) < 6 || len(s) > 40 || !strings.ContainsAny(s, "0123456789") {
		return false
	}
	for _, layout := range dateLayouts {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

var dateLayouts = []string{
	time.DateOnly, time.DateTime, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02 15:04:05Z07:00",
	"2006/1/2", "2006/1/2 15:04", "2006/1/2 15:04:05", "2006.1.2",
	"1/2/2006", "2/1/2006", "1/2/06", "2/1/06", "1/2/2006 15:04", "2/1/2006 15:04", "1/2/2006 15:04:05", "2/1/2006 15:04:05",
	"2.1.2006", "2.1.06", "2.1.2006 15:04", "2-1-2006", "1-2-2006",
	"2-Jan-2006", "2-Jan-06", "2 Jan 2006", "Jan 2, 2006", "January 2, 2006", "2 January 2006", time.RFC1123, time.RFC1123Z, "2006-1",
}

// events counts the rows of the rarer class for every weight to be learned. Below ten, estimates by maximum likelihood
// are known to be biased and their intervals too short (Peduzzi et al. 1996; the limit is a habit, not a law: van
// Smeden et al. 2016).
func events(d Data) []Finding {
	if d.Target == nil {
		return nil
	}
	parameters := d.Parameters
	if parameters == 0 {
		for _, c := range d.Columns {
			if c.Numeric {
				parameters++
			} else {
				parameters += max(len(c.Levels)-1, 0)
			}
		}
	}
	rarer, level := d.Target.Positives, d.Target.Positive
	if d.Target.Negatives < rarer {
		rarer, level = d.Target.Negatives, d.Target.Negative
	}
	if parameters == 0 || rarer == 0 || rarer >= fewEvents*float64(parameters) {
		return nil
	}
	return []Finding{{
		Code: "events", Severity: Note, Columns: []string{d.Target.Name},
		Message: fmt.Sprintf("%.4g rows with %s=%s for %s, %.3g each (fewer than %d): without a penalty the weights tend to be too large and the intervals too short",
			rarer, d.Target.Name, shorten(level), count(parameters, "weight"), rarer/float64(parameters), fewEvents),
		Cure: "use fewer columns, or a penalty (--l2)",
	}}
}

const fewEvents = 10

func imbalance(d Data) []Finding {
	if d.Target == nil {
		return nil
	}
	total := d.Target.Positives + d.Target.Negatives
	rarer, level := d.Target.Positives, d.Target.Positive
	if d.Target.Negatives < rarer {
		rarer, level = d.Target.Negatives, d.Target.Negative
	}
	if rarer == 0 || rarer >= rare*total {
		return nil
	}
	return []Finding{{
		Code: "imbalance", Severity: Note, Columns: []string{d.Target.Name},
		Message: fmt.Sprintf("%s=%s is rare, %.3g %% of the rows: accuracy says little, since always answering the other class reaches %.4g %%",
			d.Target.Name, shorten(level), 100*rarer/total, 100*(total-rarer)/total),
		Cure: "look at average_precision and log_loss, and choose --threshold by what errors cost",
	}}
}

// rare is the share of the rarer class below which imbalance is noted.
const rare = 0.05

func scales(d Data) []Finding {
	smallest, largest := math.Inf(1), 0.0
	var small, large string
	for _, c := range d.Columns {
		if !c.Numeric || c.Missing >= d.Rows || IsConstant(c.Min, c.Max, c.SD) {
			continue
		}
		if c.SD < smallest {
			smallest, small = c.SD, c.Name
		}
		if c.SD > largest {
			largest, large = c.SD, c.Name
		}
	}
	if !(largest > farApart*smallest) {
		return nil
	}
	return []Finding{{
		Code: "scales", Severity: Note, Columns: []string{small, large},
		Message: fmt.Sprintf("the columns' scales are far apart: the standard deviation is %.3g in %q and %.3g in %q", smallest, small, largest, large),
		Cure:    "--scale auto evens them out inside; gradient descent on raw columns (--solver gd) would need a very small --alpha",
	}}
}

// farApart is the ratio of standard deviations from which scales are noted: plain gradient descent then needs more
// than about the square of it in steps.
const farApart = 1e3

// FlagValue quotes a name or a level for a shell where that is needed, for a cure that can be pasted.
func FlagValue(name string) string {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || slices.Contains([]rune("_-.+:@%/"), r) || r > 0x7f)
	}) {
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return name
}

// shorten keeps a level to forty characters.
func shorten(s string) string {
	r := []rune(s)
	if len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}
