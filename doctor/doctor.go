// Package doctor finds what is wrong, or worth knowing, about data before a model is fitted to it: columns that are
// constant, that others determine, that have a level per row, missing values, few events, rare classes.
//
//	findings := doctor.Examine(doctor.Data{Rows: 768, Columns: columns, Target: &target})
//	aliases, err := doctor.Rank(gram, n, residualNorm)
//
// It works on plain numbers, reads no files and knows no models. Every finding carries a cure. Clean data gives no
// finding of severity Warning or Error; a Note says what is worth knowing and changes nothing.
package doctor

import (
	"fmt"
	"strings"
)

// Severity is how bad a finding is.
type Severity string

const (
	Note    Severity = "note"    // worth knowing; never changes an exit code
	Warning Severity = "warning" // something may be wrong; --strict makes it an error
	Error   Severity = "error"   // there is nothing to fit
)

// Finding is one thing found. Code is one of the table's (Codes) for a warning, and a plain word for a note.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Columns  []string `json:"columns"`
	Message  string   `json:"message"`
	Cure     string   `json:"cure"`
}

// String is the line of the command line's standard error: "warning: W-constant: …; …".
func (f Finding) String() string {
	var s strings.Builder
	s.WriteString(string(f.Severity))
	s.WriteString(": ")
	if strings.HasPrefix(f.Code, "W-") {
		s.WriteString(f.Code)
		s.WriteString(": ")
	}
	s.WriteString(f.Message)
	if f.Cure != "" {
		s.WriteString(" (")
		s.WriteString(f.Cure)
		s.WriteString(")")
	}
	return s.String()
}

// Data is what the doctor needs to know of a file.
type Data struct {
	Rows    int
	Columns []Column // the columns in use, without the target, row weight and offset
	Target  *Target  // nil: not known
	Missing Policy
	// Parameters is the number of weights the model will have, without the intercept; 0: counted from Columns.
	Parameters int
}

// Policy is what training does about missing values.
type Policy string

const (
	Refuse Policy = ""      // they are errors: the default
	Drop   Policy = "drop"  // rows with a missing value in a column in use are left out
	Mean   Policy = "mean"  // the mean and an indicator
	Level  Policy = "level" // a level of its own
)

// Column summarises one column of the file. For a boolean column Levels are its two texts.
type Column struct {
	Name    string
	Missing int // cells
	// Numeric columns, over the cells that are there:
	Numeric            bool
	Min, Max, Mean, SD float64 // SD: population
	// Numbers gives the cells (NaN or absent where missing) to the few checks that look at all of them; nil: they are left out.
	Numbers func() []float64
	// Columns of levels, over the cells that are there:
	Levels []Tally
}

// Tally is how often a level occurs.
type Tally struct {
	Level string
	Rows  int
}

// Target summarises the labels of two classes.
type Target struct {
	Name               string
	Negative, Positive string  // the levels
	Negatives          float64 // Σ of the row weights, without weights the rows
	Positives          float64
}

// Examine runs every check that needs no second look at the rows, in the order of the table below, and within a
// check in the order of the columns. Rank finds collinear columns.
func Examine(d Data) []Finding {
	var found []Finding
	for _, check := range checks {
		found = append(found, check(d)...)
	}
	return found
}

// checks is the table: a new check is a new function and a new row.
var checks = []func(Data) []Finding{
	missing,
	constant,
	manyLevels,
	identifiers,
	dayNumbers,
	codeNumbers,
	events,
	imbalance,
	scales,
	far,
}

// count is "1 row", "2 rows".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
