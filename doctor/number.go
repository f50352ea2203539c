package doctor

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// identifiers finds columns of numbers that only number the rows: whole numbers, different in every row, that leave no number out, or whose
// name says so.
func identifiers(d Data) []Finding {
	var found []Finding
	for _, c := range d.Columns {
		rows := d.Rows - c.Missing
		if !c.Numeric || c.Numbers == nil || rows < fewestNumbered || !whole(c.Min) || !whole(c.Max) || c.Max-c.Min < float64(rows-1) {
			continue
		}
		f := Finding{Code: "W-identifier", Severity: Warning, Columns: []string{c.Name}, Cure: "leave it out with --exclude " + FlagValue(c.Name)}
		switch {
		case c.Max-c.Min == float64(rows-1) && !isDay(c.Min):
			f.Message = fmt.Sprintf("column %q numbers the rows: every whole number from %s to %s, each once", c.Name, plain(c.Min), plain(c.Max))
		case named(c.Name, identifierNames):
			f.Message = fmt.Sprintf("column %q is a different whole number in every row (%d rows), and its name says that it is an identifier", c.Name, rows)
		default:
			continue
		}
		if distinctWhole(c.Numbers()) {
			found = append(found, f)
		}
	}
	return found
}

// fewestNumbered: in fewer rows than this numbers in a row are a small file (years, doses), not an identifier.
const fewestNumbered = 20

var identifierNames = []string{"id", "ids", "uid", "uuid", "guid", "key", "index", "idx", "rowid", "rownum", "row", "unnamed", "identifier", "serial"}

// distinctWhole says whether all numbers are whole and no two are equal.
func distinctWhole(numbers []float64) bool {
	seen := make(map[float64]struct{}, min(len(numbers), 1<<10))
	for _, x := range numbers {
		if math.IsNaN(x) {
			continue
		}
		if _, twice := seen[x]; twice || x != math.Trunc(x) {
			return false
		}
		seen[x] = struct{}{}
	}
	return true
}

// dayNumbers finds columns of numbers that are days (20240131), months (202401) or seconds since 1970: their differences are no lengths of
// time, or too long to be an input as they are.
func dayNumbers(d Data) []Finding {
	var found []Finding
	for _, c := range d.Columns {
		if !c.Numeric || c.Numbers == nil || !whole(c.Min) || !whole(c.Max) || c.Min == c.Max {
			continue
		}
		days, months := isDay(c.Min) && isDay(c.Max), isMonth(c.Min) && isMonth(c.Max)
		seconds := c.Min >= 631152000 && c.Max < 4102444800 && c.Max-c.Min >= 86400 // 1990 to 2100
		if !days && !months && !seconds {
			continue
		}
		different := map[float64]struct{}{}
		for _, x := range c.Numbers() {
			if math.IsNaN(x) {
				continue
			}
			if len(different) < fewestDays {
				different[x] = struct{}{}
			}
			days, months, seconds = days && isDay(x), months && isMonth(x), seconds && x == math.Trunc(x)
			if !days && !months && !seconds {
				break
			}
		}
		f := Finding{Code: "W-date", Severity: Warning, Columns: []string{c.Name}}
		switch {
		case days && len(different) >= 3:
			f.Message = fmt.Sprintf("column %q holds days written as one number (%s to %s), whose differences are no lengths of time", c.Name, plain(c.Min), plain(c.Max))
			f.Cure = dateCure(c.Name)
		case months && len(different) >= fewestDays:
			f.Message = fmt.Sprintf("column %q holds months written as one number (%s to %s), whose differences are no lengths of time", c.Name, plain(c.Min), plain(c.Max))
			f.Cure = "--categorical " + FlagValue(c.Name) + " makes every month a level; or write it as year and month, two columns"
		case seconds && (named(c.Name, timeNames) || strings.HasSuffix(strings.ToLower(c.Name), "_at")):
			f.Code, f.Severity = "seconds", Note
			f.Message = fmt.Sprintf("column %q looks like a time in seconds since 1970: %s to %s", c.Name, time.Unix(int64(c.Min), 0).UTC().Format(time.DateOnly), time.Unix(int64(c.Max), 0).UTC().Format(time.DateOnly))
			f.Cure = "none is needed where a trend over time is meant; written as a date, --date gives its year, month and day of the week"
		default:
			continue
		}
		found = append(found, f)
	}
	return found
}

// fewestDays is the number of different values from which chance no longer makes all of them end in 01 to 12.
const fewestDays = 10

var timeNames = []string{"time", "date", "timestamp", "ts", "epoch", "when", "created", "updated"}

func dateCure(column string) string {
	return "--date " + FlagValue(column) + ":year,month,dow,days" + " takes numbers from it; --exclude " + FlagValue(column) + " leaves it out"
}

// isDay says whether x is a day of 1900 to 2100 as in 20240131.
func isDay(x float64) bool {
	if !(x >= 19000101 && x <= 21001231) || x != math.Trunc(x) {
		return false
	}
	n := int(x)
	year, month, day := n/10000, n/100%100, n%100
	return month >= 1 && month <= 12 && day >= 1 && time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() == day
}

// isMonth says whether x is a month of 1900 to 2100 as in 202401.
func isMonth(x float64) bool {
	return x >= 190001 && x <= 210012 && x == math.Trunc(x) && int(x)%100 >= 1 && int(x)%100 <= 12
}

// codeNumbers finds columns whose numbers are names: postal codes. Their order means nothing.
func codeNumbers(d Data) []Finding {
	var found []Finding
	for _, c := range d.Columns {
		if !c.Numeric || c.Missing >= d.Rows || c.Min == c.Max || !whole(c.Min) || !whole(c.Max) || c.Min < 0 || !named(c.Name, postalNames) {
			continue
		}
		found = append(found, Finding{
			Code: "code-number", Severity: Note, Columns: []string{c.Name},
			Message: fmt.Sprintf("column %q looks like a code: as a number, half way between two codes would be a third", c.Name),
			Cure:    "--categorical " + FlagValue(c.Name) + " reads its values as levels, and --min-level-count puts rare ones together",
		})
	}
	return found
}

var postalNames = []string{"zip", "zipcode", "postcode", "postal", "postalcode", "plz"}

// far notes columns that are far from 0 compared with how much they vary.
func far(d Data) []Finding {
	var found []Finding
	for _, c := range d.Columns {
		if !c.Numeric || c.Missing >= d.Rows || IsConstant(c.Min, c.Max, c.SD) || !(math.Abs(c.Mean) > farFromZero*c.SD) || isDay(c.Min) && isDay(c.Max) {
			continue
		}
		found = append(found, Finding{
			Code: "offset", Severity: Note, Columns: []string{c.Name},
			Message: fmt.Sprintf("column %q is far from 0 compared with how much it varies: mean %.6g, standard deviation %.3g; the intercept is the value at 0, far outside the data", c.Name, c.Mean, c.SD),
			Cure:    "none is needed with --scale auto, which centres columns inside; gradient descent on raw columns (--solver gd) would hardly move",
		})
	}
	if len(found) > mostAlike {
		rest := Finding{Code: "offset", Severity: Note, Cure: found[0].Cure}
		for _, f := range found {
			rest.Columns = append(rest.Columns, f.Columns...)
		}
		rest.Message = fmt.Sprintf("%d columns are far from 0 compared with how much they vary, among them %s", len(found), quoted(rest.Columns[:5]))
		return []Finding{rest}
	}
	return found
}

// farFromZero is the ratio of mean and standard deviation from which it is noted: four of float64's sixteen digits then say nothing.
const farFromZero = 1e4

func whole(x float64) bool { return x == math.Trunc(x) && math.Abs(x) < 1<<53 }

// plain writes a whole number without an exponent.
func plain(x float64) string { return fmt.Sprintf("%.0f", x) }

// named says whether one of the words that a column's name is made of (user_id, userId, "Row ID") is among some.
func named(column string, words []string) bool {
	var b strings.Builder
	lower := false
	for _, r := range column {
		upper := r >= 'A' && r <= 'Z'
		switch {
		case upper && lower: // userId
			b.WriteByte(' ')
			b.WriteRune(r)
		case r >= 'a' && r <= 'z' || upper:
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
		}
		lower = r >= 'a' && r <= 'z'
	}
	return slices.ContainsFunc(strings.Fields(strings.ToLower(b.String())), func(w string) bool { return slices.Contains(words, w) })
}
