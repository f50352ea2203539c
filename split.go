package descent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/split"
)

// Split says which rows belong together, or come later, where rows are parted: by Test.Part, by cross-validation and for a recalibration. The zero value parts
// them at random with every class in the same share. One of the two fields may be set. A column that is named here is no input, unless Columns.Include names it, too.
type Split struct {
	Group string // all rows of one value of this column are on one side, and in one fold; a missing value is an error
	Time  string // what is left out is later than what trains: numbers, or ISO dates; rows of one time stay together; a missing value is an error
}

// Holdout is what became of Test.Part or Test.Every.
type Holdout struct {
	Rows int    `json:"rows"`
	Of   int    `json:"of"` // rows of the file
	By   string `json:"by"` // every, row (of the file, where it counts both outcomes), class, group, time

	Groups   int    `json:"groups,omitempty"` // that are held out
	OfGroups int    `json:"of_groups,omitempty"`
	From     string `json:"from,omitempty"` // the earliest time that is held out
}

// How rows are parted.
const (
	byEvery = "every"
	byRow   = "row" // of the file, where it counts both outcomes
	byClass = "class"
	byGroup = "group"
	byTime  = "time"
)

// roles of columns that part the rows and are no input.
func (c *Config) splitRoles() []string {
	var names []string
	for _, name := range []string{c.Split.Group, c.Split.Time} {
		if name != "" && !slices.Contains(c.Columns.Include, name) {
			names = append(names, name)
		}
	}
	return names
}

func (c *Config) checkSplit() error {
	s := &c.Split
	name, what := s.Group, "group"
	if name == "" {
		name, what = s.Time, "time"
	}
	switch {
	case name == "":
		return nil
	case s.Group != "" && s.Time != "":
		return errors.New("group and time: choose one; a group whose rows lie apart in time would be on both sides, or the past would train on the future")
	case c.Test.Every > 0:
		return fmt.Errorf("%s with holdout every:%d, which takes rows by their place; a share, such as 0.2, is taken by %s", what, c.Test.Every, what)
	case c.Test.Part == 0 && c.CV.Folds == 0 && !c.CV.seeks() && c.Recalibrate == "":
		return fmt.Errorf("%s says how rows are parted, and nothing parts them: it goes with holdout, a share of the rows, cv or recalibrate", what)
	case name == c.Target || name == c.Columns.Weight || name == c.Columns.Offset || name == c.Columns.Successes || name == c.Columns.Failures:
		return fmt.Errorf("column %q is the %s and cannot be given another role", name, what)
	case name == c.Inference.Cluster && slices.Contains(c.Columns.Include, name):
		return fmt.Errorf("column %q is the clusters and cannot be an input", name)
	}
	return nil
}

// split decides which rows train and which test.
func (f *fit) split(context.Context) error {
	m := f.table.Rows
	held, out, err := f.heldOut()
	if err != nil {
		var placed *dataset.Error
		if errors.As(err, &placed) {
			return err
		}
		return fmt.Errorf("holdout: %w", err)
	}
	f.trainRows = make([]int, 0, m)
	for row := range m {
		if held != nil && held[row] {
			f.testRows = append(f.testRows, row)
		} else {
			f.trainRows = append(f.trainRows, row)
		}
	}
	if len(f.testRows) == 0 {
		return nil
	}
	f.test = f.table
	out.Rows, out.Of = len(f.testRows), m
	f.result.Holdout = out
	how, seed := "", fmt.Sprintf("(seed %d)", f.config.Solver.Seed)
	switch out.By {
	case byRow:
		how = ": rows of the file at random " + seed
	case byClass:
		how = ": the same share of every class, at random " + seed
	case byGroup:
		how = fmt.Sprintf(": %d of %d groups of %s, at random %s", out.Groups, out.OfGroups, f.config.Split.Group, seed)
	case byTime:
		how = fmt.Sprintf(": the latest by %s, from %s", f.config.Split.Time, out.From)
	}
	return f.note("%d of %d rows are held out for the test%s", out.Rows, out.Of, how)
}

// heldOut marks the rows of the table that do not train; nil: none.
func (f *fit) heldOut() ([]bool, *Holdout, error) {
	t, s, seed := f.config.Test, f.config.Split, f.config.Solver.Seed
	m := f.table.Rows
	switch {
	case t.Every > 0:
		held := make([]bool, m)
		for row := range held {
			held[row] = f.table.Origin(row)%t.Every == 0
		}
		return held, &Holdout{By: byEvery}, nil
	case t.Part == 0:
		return nil, nil, nil
	case s.Group != "":
		g, err := f.groups(nil)
		if err != nil {
			return nil, nil, err
		}
		held, err := g.Holdout(t.Part, seed)
		out := &Holdout{By: byGroup}
		side := make([]int8, g.Count) // 0: no row
		for row, h := range held {
			if k := g.Of[row]; side[k] == 0 {
				out.OfGroups++
				if side[k] = 1; h {
					out.Groups++
				}
			}
		}
		return held, out, err
	case s.Time != "":
		times, text, err := f.times(nil)
		if err != nil {
			return nil, nil, err
		}
		held, from, err := split.Latest(times, t.Part)
		return held, &Holdout{By: byTime, From: text(from)}, err
	case f.config.Columns.Successes != "": // the rows of a row of the file stay together
		origins, err := split.Random(f.table.Origin(m-1)+1, t.Part, seed)
		if err != nil {
			return nil, nil, err
		}
		held := make([]bool, m)
		for row := range held {
			held[row] = origins[f.table.Origin(row)]
		}
		return held, &Holdout{By: byRow}, nil
	}
	held, err := split.Stratified(f.label, len(f.classes.Levels), t.Part, seed)
	return held, &Holdout{By: byClass}, err
}

// groups are those of the given rows (nil: all), by the values of Split.Group.
func (f *fit) groups(rows []int) (split.Groups, error) {
	c, rows, err := f.splitColumn(f.config.Split.Group, "group", rows)
	if err != nil {
		return split.Groups{}, err
	}
	g := split.Groups{Of: make([]int32, len(rows)), Count: len(c.Levels)}
	if c.Type != dataset.Numeric {
		for i, row := range rows {
			g.Of[i] = c.Code(row)
		}
		return g, nil
	}
	number := map[float64]int32{}
	for i, row := range rows {
		v := c.Numbers.At(row)
		k, ok := number[v]
		if !ok {
			k = int32(len(number))
			number[v] = k
		}
		g.Of[i] = k
	}
	g.Count = len(number)
	return g, nil
}

// times are those of the given rows (nil: all), by Split.Time: the numbers themselves, of dates their ranks. text is how the file writes a time.
func (f *fit) times(rows []int) (times []float64, text func(float64) string, err error) {
	c, rows, err := f.splitColumn(f.config.Split.Time, "time", rows)
	if err != nil {
		return nil, nil, err
	}
	times = make([]float64, len(rows))
	if c.Type == dataset.Numeric {
		for i, row := range rows {
			times[i] = c.Numbers.At(row)
		}
		return times, func(t float64) string { return fmt.Sprint(t) }, nil
	}
	type moment struct {
		at   time.Time
		code int
	}
	var moments []moment
	for code, level := range c.Levels {
		if c.First[code] < 0 { // a side of a boolean that does not occur
			continue
		}
		at, ok := parseTime(level)
		if !ok {
			return nil, nil, f.table.At(c.First[code], c, "%q is neither a number nor an ISO date (2024-03-17, 2024-03-17T08:30:00Z), so the rows cannot be ordered by it", level)
		}
		moments = append(moments, moment{at, code})
	}
	slices.SortFunc(moments, func(a, b moment) int { return cmp.Or(a.at.Compare(b.at), a.code-b.code) })
	rank := make([]float64, len(c.Levels))
	var levels []string // by rank
	for i, m := range moments {
		if i == 0 || !m.at.Equal(moments[i-1].at) {
			levels = append(levels, c.Levels[m.code])
		}
		rank[m.code] = float64(len(levels) - 1)
	}
	for i, row := range rows {
		times[i] = rank[c.Code(row)]
	}
	return times, func(t float64) string { return levels[int(t)] }, nil
}

// splitColumn finds a column that parts rows, and sees that each of the given rows (nil: all) has a value.
func (f *fit) splitColumn(name, role string, rows []int) (*dataset.Column, []int, error) {
	c, ok := f.table.Column(name)
	if !ok {
		return nil, nil, f.table.NoColumn(name)
	}
	if rows == nil {
		rows = upTo(f.table.Rows)
	}
	if c.Missing > 0 {
		for _, row := range rows {
			if c.IsMissing(row) {
				return nil, nil, f.table.At(row, c, "the %s is missing; a row without one can be on neither side", role)
			}
		}
	}
	return c, rows, nil
}

// timeLayouts are ISO 8601 with the year first; without a zone the time is UTC. A fraction of a second may follow each.
var timeLayouts = []string{
	time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04Z07:00", "2006-01",
}

func parseTime(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// folds deals the training rows out to 0 … k-1, by class, group or time. By time the rows before the first fold are in none: -1.
func (f *fit) folds(k int) (fold []int, err error) {
	rows := f.learnt.Rows
	if f.config.hooks.folds != nil {
		fold = make([]int, len(rows))
		for i, row := range rows {
			fold[i] = f.config.hooks.folds(row)
		}
		return fold, nil
	}
	class, classes := make([]int32, len(rows)), len(f.classes.Levels)
	has := make([]int, classes)
	for i, row := range rows {
		class[i] = f.label[row]
		has[class[i]]++
	}
	switch s := f.config.Split; {
	case s.Group != "":
		var g split.Groups
		if g, err = f.groups(rows); err == nil {
			fold, err = g.Folds(k, f.config.Solver.Seed)
		}
	case s.Time != "":
		var times []float64
		if times, _, err = f.times(rows); err == nil {
			fold, err = split.Forward(times, k)
		}
	case f.config.Columns.Successes != "": // the outcomes of one row of the file are no rows by themselves: one of them would speak against the other
		g := split.Groups{Of: make([]int32, len(rows)), Count: f.table.Origin(f.table.Rows-1) + 1}
		for i, row := range rows {
			g.Of[i] = int32(f.table.Origin(row))
		}
		fold, err = g.Folds(k, f.config.Solver.Seed)
	case k > len(rows):
		err = fmt.Errorf("there are only %d training rows", len(rows))
	default:
		for class, n := range has {
			if n < 2 {
				return nil, f.table.At(-1, f.target, "class %q has one row, so that the others have none of it when its fold is left out; cross-validation needs two", f.classes.Levels[class])
			}
		}
		fold = split.StratifiedFolds(class, classes, k, f.config.Solver.Seed)
	}
	if err != nil {
		var placed *dataset.Error
		if errors.As(err, &placed) {
			return nil, err
		}
		return nil, fmt.Errorf("cv %d: %w", k, err)
	}
	left := make([][]int, k) // rows that train while a fold is left out, by class
	for j := range left {
		left[j] = make([]int, classes)
		for i := range fold {
			if f.trainsFor(fold[i], j) {
				left[j][class[i]]++
			}
		}
		for c, n := range left[j] {
			if n == 0 {
				return nil, fmt.Errorf("%d folds by %s: no row of class %q is left to train on while fold %d is left out; fewer folds may help", k, f.foldsBy(), f.classes.Levels[c], j+1)
			}
		}
	}
	return fold, nil
}

// trainsFor says whether the rows of a fold train while fold k is left out.
func (f *fit) trainsFor(fold, k int) bool {
	if f.config.Split.Time != "" {
		return fold < k
	}
	return fold != k
}

// foldsBy says by what the folds are dealt out.
func (f *fit) foldsBy() string {
	switch {
	case f.config.Split.Group != "":
		return byGroup
	case f.config.Split.Time != "":
		return byTime
	case f.config.Columns.Successes != "":
		return byRow
	}
	return byClass
}

// foldsNote says the same in words.
func (f *fit) foldsNote() string {
	switch s := f.config.Split; {
	case s.Group != "":
		return fmt.Sprintf("whole groups of %s, the largest first (seed %d)", s.Group, f.config.Solver.Seed)
	case s.Time != "":
		return fmt.Sprintf("blocks of rows ordered by %s, each after all that trains for it", s.Time)
	case f.config.Columns.Successes != "":
		return fmt.Sprintf("rows of the file at random (seed %d)", f.config.Solver.Seed)
	}
	return fmt.Sprintf("the classes in equal shares (seed %d)", f.config.Solver.Seed)
}
