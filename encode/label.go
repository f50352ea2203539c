package encode

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/doctor"
)

// Labels says how the levels of the target become classes.
type Labels struct {
	Positive    string // the level that is class 1; "" lets the rules of [NewClasses] choose
	AgainstRest bool   // Positive against all other levels together
	Softmax     bool   // more than two classes are meant: no warning says so
	Reference   string // of more than two classes the one whose weights are 0 where nothing is penalised; "" is the first
	MaxClasses  int    // more levels than this are taken for numbers or ids; 0 means 100
}

// Classes are the levels of a target and what they mean to the model.
// The zero value knows no level; make one with [NewClasses] or read it from a model.
type Classes struct {
	// Levels holds the negative level and the positive one; with AgainstRest the first is "not <positive>". More than two
	// are in order of their values if all are numbers, else of their bytes.
	Levels      []string `json:"levels"`
	AgainstRest bool     `json:"against_rest,omitempty"`
	Reference   int      `json:"reference,omitempty"` // of more than two: the class with weights 0 where nothing is penalised
}

// Sets is the number of sets of weights that a model of these classes has: one for two classes, else one for each.
func (c *Classes) Sets() int {
	if len(c.Levels) == 2 {
		return 1
	}
	return len(c.Levels)
}

// Positive is the level whose probability a model of two classes predicts.
func (c *Classes) Positive() string { return c.Levels[len(c.Levels)-1] }

// Index gives the class number of a label as it stands in a file: outer blanks are ignored and numbers compare as numbers.
// With AgainstRest every level but the positive one is class 0. ok is false for a level the model does not know.
func (c *Classes) Index(label string) (class int, ok bool) {
	label = canonicalLabel(label)
	for i, l := range c.Levels {
		if l == label {
			return i, true
		}
	}
	if c.AgainstRest && label != "" {
		return 0, true
	}
	return 0, false
}

// positivePairs are pairs of levels with a side that everybody calls positive: {negative, positive}, lower case.
var positivePairs = [][2]string{
	{"0", "1"}, {"-1", "1"}, {"1", "2"},
	{"false", "true"}, {"f", "t"}, {"no", "yes"}, {"n", "y"},
	{"fail", "pass"}, {"negative", "positive"}, {"absent", "present"},
	{"benign", "malignant"}, {"alive", "dead"}, {"control", "case"},
}

// defaultMaxClasses is the number of levels beyond which a target looks like a number or an id.
const defaultMaxClasses = 100

// canonicalLabel trims blanks and writes an integer the shortest way, so that 1, 1.0 and +1 are one level.
func canonicalLabel(s string) string {
	s = strings.TrimSpace(s)
	if v, ok := dataset.ParseNumber([]byte(s)); ok {
		if v == 0 {
			return "0" // also -0
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return s
}

// NewClasses decides what the levels of a target mean.
//
// In this order: numbers compare as numbers; two levels that differ only in case are an error at the line of the second spelling; a
// number that is no integer is an error at its line; a missing label is an error at its line. One level is an error. Of two levels the
// known pairs (0/1, no/yes, …) have a positive side, said in a note; of any other pair the later in sort order is positive, said in
// the warning W-positive. Three to o.MaxClasses are classes of their own, said in the warning W-classes unless o.Softmax asks for it, or two if
// o.Positive is set against the rest. More are an error at the line of the third.
func NewClasses(t *dataset.Table, c *dataset.Column, o Labels) (*Classes, []doctor.Finding, error) {
	type level struct {
		name     string
		first    int // row where it is met first
		spelling string
	}
	var levels []level
	for code, text := range c.Levels {
		row := c.First[code]
		if row < 0 {
			continue
		}
		levels = append(levels, level{canonicalLabel(text), row, text})
	}
	sort.Slice(levels, func(i, j int) bool { return levels[i].first < levels[j].first })
	at := func(row int, format string, args ...any) error { return t.At(row, c, format, args...) }
	const header = -1
	if row, text, ok := c.FirstMissing(); ok {
		if text != "" {
			return nil, nil, at(row, "the label %q means missing (%d rows); every row needs a label; --na says what means missing", text, c.Missing)
		}
		return nil, nil, at(row, "the label is missing (%d rows); every row needs one", c.Missing)
	}

	// One entry per level, in the order met.
	var met []level
	for _, l := range levels {
		same := slices.IndexFunc(met, func(m level) bool { return strings.EqualFold(m.name, l.name) })
		switch {
		case same < 0:
			if v, ok := dataset.ParseNumber([]byte(l.name)); ok && v != math.Trunc(v) {
				return nil, nil, at(l.first, "label %q is a number but not a whole one; a class label is a level", l.spelling)
			}
			met = append(met, l)
		case met[same].name != l.name:
			return nil, nil, at(l.first, "label %q differs only in case from %q on line %d; write one class one way",
				l.spelling, met[same].spelling, t.Line(met[same].first))
		}
	}
	names := make([]string, len(met))
	for i, l := range met {
		names[i] = l.name
	}
	sortLevels(names)
	known := func() string { return list(names, 10) }
	places := func() string { // the levels with the line each is first met on
		said := slices.Clone(names)
		for i, name := range said {
			for _, l := range met {
				if l.name == name {
					said[i] = fmt.Sprintf("%s (line %d)", name, t.Line(l.first))
				}
			}
		}
		return list(said, 10)
	}

	if o.Positive != "" {
		p := canonicalLabel(o.Positive)
		if !slices.Contains(names, p) {
			return nil, nil, at(header, "--positive %q is not a level of the target; its levels are %s%s", o.Positive, known(), didYouMean(o.Positive, names))
		}
		switch {
		case o.AgainstRest && len(names) > 1:
			rest := "not " + p
			note := doctor.Finding{Severity: doctor.Note, Columns: []string{c.Name},
				Message: fmt.Sprintf("class 1 is %s = %s, class 0 every other level (%s)", c.Name, p, list(without(names, p), 10))}
			return &Classes{Levels: []string{rest, p}, AgainstRest: true}, []doctor.Finding{note}, nil
		case len(names) == 2:
			neg := names[0]
			if neg == p {
				neg = names[1]
			}
			note := doctor.Finding{Severity: doctor.Note, Columns: []string{c.Name},
				Message: fmt.Sprintf("class 1 is %s = %s, class 0 is %s", c.Name, p, neg)}
			return &Classes{Levels: []string{neg, p}}, []doctor.Finding{note}, nil
		}
	} else if o.AgainstRest {
		return nil, nil, at(header, "--against-rest needs --positive LEVEL; the levels are %s", known())
	}

	if o.Reference != "" && len(names) == 2 {
		return nil, nil, at(header, "--reference-class is for more than two classes; of two, --positive chooses")
	}
	switch n := len(names); {
	case n == 0:
		return nil, nil, at(header, "the target has no labels")
	case n == 1:
		return nil, nil, at(header, "the target has only one class, %q, in all %d rows; a model needs rows of two", names[0], t.Rows)
	case n == 2:
		for _, p := range positivePairs {
			if strings.EqualFold(names[0], p[0]) && strings.EqualFold(names[1], p[1]) || strings.EqualFold(names[0], p[1]) && strings.EqualFold(names[1], p[0]) {
				if strings.EqualFold(names[0], p[1]) {
					names[0], names[1] = names[1], names[0]
				}
				note := doctor.Finding{Severity: doctor.Note, Columns: []string{c.Name},
					Message: fmt.Sprintf("class 1 is %s = %s, class 0 is %s", c.Name, names[1], names[0])}
				return &Classes{Levels: names}, append(two(o), note), nil
			}
		}
		warn := doctor.Finding{Code: "W-positive", Severity: doctor.Warning, Columns: []string{c.Name},
			Message: fmt.Sprintf("%s = %s is taken as the positive class (later in sort order than %s)", c.Name, names[1], names[0]),
			Cure:    fmt.Sprintf("--positive %s says so, --positive %s turns it round", doctor.FlagValue(names[1]), doctor.FlagValue(names[0]))}
		return &Classes{Levels: names}, append(two(o), warn), nil
	}
	limit := o.MaxClasses
	if limit == 0 {
		limit = defaultMaxClasses
	}
	if len(names) > limit {
		third := met[2]
		return nil, nil, at(third.first, "the target has %d levels, more than %d: it looks like a number or an id, not a class; choose another --target or raise --max-classes", len(names), limit)
	}
	third := met[2]
	if o.Positive != "" {
		return nil, nil, at(third.first, "the target has %d classes (%s); --positive %s alone means two: add --against-rest to set it against all others, or leave --positive away for a model of all classes",
			len(names), places(), o.Positive)
	}
	c2 := &Classes{Levels: names}
	if o.Reference != "" {
		if c2.Reference = slices.Index(names, canonicalLabel(o.Reference)); c2.Reference < 0 {
			return nil, nil, at(header, "--reference-class %q is not a level of the target; its levels are %s%s", o.Reference, known(), didYouMean(o.Reference, names))
		}
	}
	found := doctor.Finding{Severity: doctor.Note, Columns: []string{c.Name}, Message: fmt.Sprintf("%d classes: %s", len(names), known())}
	if !o.Softmax {
		found = doctor.Finding{Code: "W-classes", Severity: doctor.Warning, Columns: []string{c.Name},
			Message: fmt.Sprintf("the target has %d levels, so a model of %d classes is trained: %s; the third is met on line %d", len(names), len(names), places(), t.Line(third.first)),
			Cure:    "--softmax says that this is meant, --positive LEVEL --against-rest sets one level against all others"}
	}
	return c2, []doctor.Finding{found}, nil
}

// two says what softmax comes to where there are two classes.
func two(o Labels) []doctor.Finding {
	if !o.Softmax {
		return nil
	}
	return []doctor.Finding{{Severity: doctor.Note, Message: "two classes: of two, softmax is the sigmoid with one set of weights"}}
}

// sortLevels orders by value if all are numbers, else by bytes.
func sortLevels(names []string) {
	values := make(map[string]float64, len(names))
	for _, n := range names {
		v, ok := dataset.ParseNumber([]byte(n))
		if !ok {
			sort.Strings(names)
			return
		}
		values[n] = v
	}
	sort.Slice(names, func(i, j int) bool { return values[names[i]] < values[names[j]] })
}

// list writes up to most names, then how many more there are.
func list(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func without(names []string, not string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == not })
}

func didYouMean(name string, known []string) string {
	if near, ok := dataset.Closest(name, known); ok {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}
