// Package encode turns the columns of a table into the inputs x of a model, and back into words.
//
// An [Encoding] is everything a model must know about its inputs: which columns, which levels, what a missing value means, the unit
// of scaling. It is learnt from training rows by [Learn], stored inside the model, and applied unchanged to every later row, so there
// is no preprocessing to lose. A level column is kept as codes and never widened to indicator columns; scaling is algebra on the
// weights, never a scaled copy.
//
// The package knows columns and inputs; it knows neither files nor losses.
package encode

import (
	"fmt"
	"slices"
)

// Missing says what a missing value of a column means.
type Missing string

// The policies for missing values.
const (
	MissingError Missing = "error" // a missing value is an error at its place (the default)
	MissingDrop  Missing = "drop"  // a training row with a missing value in a column in use is left out
	MissingMean  Missing = "mean"  // the training mean stands for it and an indicator input says so; for levels: a level of its own
	MissingLevel Missing = "level" // a level of its own
)

// Unseen says what a level means that did not occur in training.
type Unseen string

// The policies for unseen levels.
const (
	UnseenError    Unseen = "error"    // an error at its place (the default)
	UnseenBaseline Unseen = "baseline" // no weight: what the reference level gives, or nothing where every level has a weight
)

// Coding says which levels of a column have a weight.
type Coding string

// The codings of levels.
const (
	CodingAuto      Coding = "auto"      // reference without a penalty, full with one
	CodingReference Coding = "reference" // the base level has no weight
	CodingFull      Coding = "full"      // every level has a weight
)

// Options are the choices [Learn] is given. The zero value means the defaults named at each field.
type Options struct {
	Weight, Offset string            // columns of row weights and of offsets; "" is none
	Aside          []string          // columns that are read for another purpose and are no input
	Missing        Missing           // "" is error
	Unseen         Unseen            // "" is error
	MinLevelCount  int               // levels with a smaller sum of row weights become the level "other"; 0 is off
	MaxLevels      int               // more levels in a column are an error; 0 means 1000
	Coding         Coding            // "" is auto
	Penalised      bool              // what auto looks at
	Base           map[string]string // column → level without a weight, instead of the first in sort order
	Terms          string            // inputs computed from columns, as [ParseTerms] reads them
	Dates          []Date            // columns of dates and what is taken of them
	Only           []string          // columns that terms are computed from and that are no input themselves
}

// DefaultMaxLevels is the largest number of levels a column may have unless Options.MaxLevels says otherwise.
const DefaultMaxLevels = 1000

// Check says what is wrong with the options, before any data are read.
func (o *Options) Check() error {
	switch o.Missing {
	case "", MissingError, MissingDrop, MissingMean, MissingLevel:
	default:
		return fmt.Errorf("missing %q is not one of error, drop, mean, level", o.Missing)
	}
	switch o.Unseen {
	case "", UnseenError, UnseenBaseline:
	default:
		return fmt.Errorf("unseen %q is not one of error, baseline", o.Unseen)
	}
	switch o.Coding {
	case "", CodingAuto, CodingReference, CodingFull:
	default:
		return fmt.Errorf("coding %q is not one of auto, reference, full", o.Coding)
	}
	if o.Terms != "" {
		if _, err := ParseTerms(o.Terms); err != nil {
			return err
		}
	}
	for i, d := range o.Dates {
		if slices.ContainsFunc(o.Dates[:i], func(b Date) bool { return b.Column == d.Column }) {
			return fmt.Errorf("date: column %q is there twice; its parts stand together, as in %s:year,month", d.Column, d.Column)
		}
	}
	if o.MinLevelCount < 0 {
		return fmt.Errorf("min-level-count %d is negative", o.MinLevelCount)
	}
	if o.MaxLevels < 0 {
		return fmt.Errorf("max-levels %d is negative", o.MaxLevels)
	}
	return nil
}

// The types of a column, as the model file writes them.
const (
	Numeric = "numeric"
	Boolean = "boolean"
	Levels  = "levels"
)

// The kinds of a term.
const (
	KindNumeric   = "numeric"   // the number itself
	KindLevel     = "level"     // 1 where the column has this level, else 0
	KindIndicator = "indicator" // 1 where the number is missing, else 0
)

// OtherLevel is the level that rare levels become.
const OtherLevel = "other"

const (
	otherLevel   = OtherLevel
	missingLevel = "missing" // of missing values
)

// Column is one column that the model reads.
type Column struct {
	Name    string  `json:"name"`
	Type    string  `json:"type"`              // numeric, boolean, levels, date
	Missing Missing `json:"missing,omitempty"` // "" is error
	Unseen  Unseen  `json:"unseen,omitempty"`  // "" is error; levels only

	// Numeric: the training rows' weighted mean, population standard deviation and range. Mean and Deviation are the
	// unit of scaling, and Mean is what stands for a missing value.
	Mean      float64 `json:"mean,omitempty"`
	Deviation float64 `json:"deviation,omitempty"`
	Min       float64 `json:"min,omitempty"`
	Max       float64 `json:"max,omitempty"`
	// Decimals is the number of decimals that all numbers of the file's column have at most, where it is known and few; nil of LIBSVM.
	Decimals *int `json:"decimals,omitempty"`

	// Boolean and levels: the levels met in training, sorted, with "other" and "missing" last where they stand for
	// something; Base is the one without a weight ("" where all have one); Rare are those that became "other".
	Levels []string `json:"levels,omitempty"`
	Base   string   `json:"base,omitempty"`
	// MissingAs is the level that a missing value is, where the policy makes it one: the text that stood in the file if that
	// was always the same ("?"), else "missing".
	MissingAs string   `json:"missing_as,omitempty"`
	Rare      []string `json:"rare,omitempty"`

	Order    string    `json:"order,omitempty"`    // of dates: their form, ymd, dmy, mdy or named
	Computed *Computed `json:"computed,omitempty"` // how it is computed from other columns; nil: it stands in the file
}

// Term is one input x_j of the model and so one weight per class.
type Term struct {
	Name   string `json:"name"`            // age, school=fir, age=missing
	Column string `json:"column"`          // the column it comes from
	Kind   string `json:"kind"`            // numeric, level, indicator
	Level  string `json:"level,omitempty"` // of a level term
}

// Encoding is what a model knows of its inputs. Columns stand in the order of the training file and terms in the order of
// their columns; the terms of one column stand together.
type Encoding struct {
	Columns []Column `json:"columns"`
	Terms   []Term   `json:"terms"`
	Sparse  bool     `json:"sparse,omitempty"` // LIBSVM: a column that a row does not name is 0
	NA      []string `json:"na,omitempty"`     // texts that mean missing; empty: the default list
	Weight  string   `json:"weight,omitempty"`
	Offset  string   `json:"offset,omitempty"`
}

// Column finds a column by name.
func (e *Encoding) Column(name string) (*Column, bool) {
	for i := range e.Columns {
		if e.Columns[i].Name == name {
			return &e.Columns[i], true
		}
	}
	return nil, false
}

// Keep is the encoding with the listed terms only (ascending), without the columns that have none of them left and that nothing else is computed from.
func (e *Encoding) Keep(terms []int) *Encoding {
	out := *e
	if len(terms) == len(e.Terms) {
		return &out
	}
	out.Terms, out.Columns = nil, nil
	used := map[string]bool{}
	for _, t := range terms {
		out.Terms = append(out.Terms, e.Terms[t])
		used[e.Terms[t].Column] = true
	}
	for _, c := range slices.Backward(e.Columns) { // what is computed stands behind what it is computed from
		if used[c.Name] {
			for _, name := range c.Of() {
				used[name] = true
			}
		}
	}
	for _, c := range e.Columns {
		if used[c.Name] {
			out.Columns = append(out.Columns, c)
		}
	}
	return &out
}

// Check says what is wrong with an encoding that comes from a file: a name twice, a type or policy that is not known, a term without
// its column or level, terms out of the order of their columns.
func (e *Encoding) Check() error {
	at := make(map[string]int, len(e.Columns))
	for i := range e.Columns {
		c := &e.Columns[i]
		if _, twice := at[c.Name]; twice || c.Name == "" {
			return fmt.Errorf("column %q is empty or there twice", c.Name)
		}
		at[c.Name] = i
		err := c.check()
		if err == nil && c.Computed != nil {
			err = c.Computed.check(c, e.Columns[:i])
		}
		if err != nil {
			return fmt.Errorf("column %q: %w", c.Name, err)
		}
	}
	last, seen := 0, make(map[Term]bool, len(e.Terms))
	levels := make([]map[string]bool, len(e.Columns))
	for i := range e.Columns {
		levels[i] = set(e.Columns[i].Levels)
	}
	for _, t := range e.Terms {
		i, ok := at[t.Column]
		switch {
		case !ok:
			return fmt.Errorf("term %q: there is no column %q", t.Name, t.Column)
		case i < last:
			return fmt.Errorf("term %q stands behind a term of a later column", t.Name)
		case seen[t]:
			return fmt.Errorf("term %q is there twice", t.Name)
		}
		last, seen[t] = i, true
		c := &e.Columns[i]
		numeric := t.Kind == KindNumeric || t.Kind == KindIndicator
		switch {
		case !numeric && t.Kind != KindLevel:
			return fmt.Errorf("term %q: kind %q is not one of numeric, indicator, level", t.Name, t.Kind)
		case numeric != (c.Type == Numeric) && !(c.Type == DateType && t.Kind == KindIndicator):
			return fmt.Errorf("term %q: kind %s does not fit a column of type %s", t.Name, t.Kind, c.Type)
		case numeric && t.Level != "" || !numeric && !levels[i][t.Level]:
			return fmt.Errorf("term %q: column %q has no level %q", t.Name, c.Name, t.Level)
		}
	}
	return nil
}

func set(names []string) map[string]bool {
	s := make(map[string]bool, len(names))
	for _, n := range names {
		s[n] = true
	}
	return s
}

func (c *Column) check() error {
	switch c.Type {
	case DateType:
		if !slices.Contains(dateOrders, c.Order) || c.Computed != nil {
			return fmt.Errorf("the form of its dates, %q, is not one of %s", c.Order, list(dateOrders, 4))
		}
		if len(c.Levels)+len(c.Rare) > 0 || c.Base != "" {
			return fmt.Errorf("a column of dates has no levels")
		}
	case Numeric:
		if len(c.Levels)+len(c.Rare) > 0 || c.Base != "" {
			return fmt.Errorf("a numeric column has no levels")
		}
		if d := c.Decimals; d != nil && (*d < 0 || *d > 300) {
			return fmt.Errorf("its numbers cannot have %d decimals", *d)
		}
		if c.Deviation < 0 {
			return fmt.Errorf("its deviation %v is negative", c.Deviation)
		}
	case Boolean, Levels:
		if c.Type == Boolean && len(c.Levels) < 2 {
			return fmt.Errorf("a boolean column has two levels, not %d", len(c.Levels))
		}
		if c.Base != "" && !slices.Contains(c.Levels, c.Base) {
			return fmt.Errorf("the base %q is not among its levels", c.Base)
		}
		if c.MissingAs != "" && !slices.Contains(c.Levels, c.MissingAs) {
			return fmt.Errorf("what a missing value is, %q, is not among its levels", c.MissingAs)
		}
		seen := map[string]bool{}
		for _, l := range append(slices.Clone(c.Levels), c.Rare...) {
			if seen[l] && l != otherLevel {
				return fmt.Errorf("level %q is there twice", l)
			}
			seen[l] = true
		}
	default:
		return fmt.Errorf("type %q is not one of numeric, boolean, levels, date", c.Type)
	}
	o := Options{Missing: c.Missing, Unseen: c.Unseen}
	return o.Check()
}
