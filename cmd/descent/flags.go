package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/dataset/parquet"
	"github.com/descent-ml/descent/encode"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// list is a flag that holds names with commas between them. A name with a comma in it is put in double quotes. The flag may be
// given more than once.
type list struct {
	names *[]string
}

func (l list) String() string {
	if l.names == nil {
		return ""
	}
	return strings.Join(*l.names, ",")
}
func (l list) Type() string { return "list" }
func (l list) Set(s string) error {
	r := csv.NewReader(strings.NewReader(s))
	r.LazyQuotes, r.TrimLeadingSpace = true, true
	names, err := r.Read()
	if err != nil || s == "" {
		return fmt.Errorf("want names with commas between them")
	}
	for _, n := range names {
		if n = strings.TrimSpace(n); n == "" {
			return fmt.Errorf("a name is empty")
		} else {
			*l.names = append(*l.names, n)
		}
	}
	return nil
}

// naList is --na: texts that mean missing. The empty list is one, too.
type naList struct{ texts *[]string }

func (l naList) String() string {
	if l.texts == nil || *l.texts == nil {
		return ""
	}
	return strings.Join(*l.texts, ",")
}
func (l naList) Type() string { return "list" }
func (l naList) Set(s string) error {
	if *l.texts == nil {
		*l.texts = []string{}
	}
	for _, t := range strings.Split(s, ",") {
		if t = strings.TrimSpace(t); t != "" {
			*l.texts = append(*l.texts, t)
		}
	}
	return nil
}

// choice is a flag with a few values.
type choice[T ~string] struct {
	value   *T
	allowed []string
}

func (c choice[T]) String() string {
	if c.value == nil {
		return ""
	}
	return string(*c.value)
}
func (c choice[T]) Type() string { return strings.Join(c.allowed, "|") }
func (c choice[T]) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		hint := ""
		if near, ok := closest(s, c.allowed); ok {
			hint = "; did you mean " + near + "?"
		}
		return fmt.Errorf("want one of %s%s", strings.Join(c.allowed, ", "), hint)
	}
	*c.value = T(s)
	return nil
}

func choose[T ~string](cmd *cobra.Command, value *T, name, usage string, allowed ...string) {
	cmd.Flags().Var(choice[T]{value, allowed}, name, usage)
	must(cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp)))
}

// number is a flag that holds a decimal; the grammar is that of data files.
type number struct{ value *float64 }

func (n number) String() string {
	if n.value == nil || *n.value == 0 {
		return ""
	}
	return strconv.FormatFloat(*n.value, 'g', -1, 64)
}
func (n number) Type() string { return "number" }
func (n number) Set(s string) error {
	v, ok := dataset.ParseNumber([]byte(s))
	if !ok {
		return fmt.Errorf("it is not a number")
	}
	*n.value = v
	return nil
}

// laterFlag is a flag of a later version: known, and refused.
type laterFlag struct{ name string }

func (l laterFlag) String() string   { return "" }
func (l laterFlag) Type() string     { return "" }
func (l laterFlag) Set(string) error { return notYet("--" + l.name) }

// laterFlags makes flags known that a later version brings. Help lists them in one line.
func laterFlags(f *pflag.FlagSet, names ...string) {
	for _, n := range names {
		f.Var(laterFlag{n}, n, laterUsage)
		flag := f.Lookup(n)
		flag.NoOptDefVal = "true" // with or without a value
		flag.Hidden = true
	}
}

const laterUsage = "not yet"

// flagGroups are the headings under which help shows the flags of a command that has many, in the order of each group's first flag. What no
// group names is under "flags".
var flagGroups = []struct {
	title string
	names []string
}{
	{"data", []string{"target", "include", "exclude", "categorical", "numeric", "weight", "offset", "successes", "failures", "class-weight", "na", "missing", "format", "no-header", "row", "rows", "test", "holdout", "group", "time"}},
	{"labels", []string{"positive", "against-rest", "softmax", "max-classes", "reference-class"}},
	{"levels", []string{"coding", "base", "unseen", "min-level-count", "max-levels"}},
	{"model", []string{"equation", "equations", "model", "terms", "date", "scale", "l2", "l1", "cv", "cv-rule", "hidden", "recalibrate", "cost", "threshold-for"}},
	{"training", []string{"solver", "stream", "alpha", "steps", "batch", "tol", "seed", "threads", "restarts", "init", "max-time", "checkpoint", "checkpoint-every", "resume", "memory"}},
	{"statistics", []string{"conf", "robust", "cluster", "lr", "firth", "margins", "diagnostics", "bootstrap"}},
	{"output", []string{"output", "record", "save-unfinished"}},
}

// manyFlags is the number of flags from which help groups them.
const manyFlags = 18

// groupOf is the heading of a flag.
func groupOf(name string) string {
	for _, g := range flagGroups {
		if slices.Contains(g.names, name) {
			return g.title
		}
	}
	return "flags"
}

func laterSource(file string) error {
	for _, scheme := range []string{"postgres://", "postgresql://", "sqlite:"} {
		if strings.HasPrefix(file, scheme) {
			return notYet(scheme + "…")
		}
	}
	return nil
}

// inputFlags are those that say how a file is read.
type inputFlags struct {
	format   string
	noHeader bool
}

func (in *inputFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(formatValue{&in.format}, "format", "of FILE; found from the content")
	must(cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formatNames, cobra.ShellCompDirectiveNoFileComp)))
	f.BoolVar(&in.noHeader, "no-header", false, "the first line of FILE is data; columns are x1, x2, …")
	laterFlags(f, "query")
}

// formats are those that package dataset does not read by itself.
var formats = []dataset.Format{parquet.Format}

var formatNames = []string{dataset.CSV, dataset.TSV, dataset.Semicolon, dataset.Pipe, dataset.LIBSVM, dataset.JSONL, parquet.Format.Name}

type formatValue struct{ format *string }

func (v formatValue) String() string { return "" }
func (v formatValue) Type() string   { return strings.Join(formatNames, "|") }
func (v formatValue) Set(s string) error {
	return choice[string]{v.format, formatNames}.Set(s)
}

// dataFlags are those that say what the columns of a training file are. They are shared by train, check and step.
type dataFlags struct {
	inputFlags
	config descent.Config
	base   []string
}

// add the flags.
func (d *dataFlags) add(cmd *cobra.Command) {
	f, c := cmd.Flags(), &d.config
	f.StringVar(&c.Target, "target", "", "`column` that holds the label; optional for LIBSVM")
	f.StringVar(&c.Labels.Positive, "positive", "", "`level` of the target that is class 1")
	f.BoolVar(&c.Labels.AgainstRest, "against-rest", false, "--positive against all other levels together")
	addClasses(cmd, &c.Labels)
	f.Var(list{&c.Columns.Include}, "include", "`columns` to use; all others are left out")
	f.Var(list{&c.Columns.Exclude}, "exclude", "`columns` to leave out")
	f.Var(list{&c.Columns.Categorical}, "categorical", "`columns` that hold levels, also if they look like numbers")
	f.Var(list{&c.Columns.Numeric}, "numeric", "`columns` that hold numbers")
	f.StringVar(&c.Columns.Weight, "weight", "", "`column` of row weights: weight k is the row k times")
	f.StringVar(&c.Columns.Offset, "offset", "", "`column` that is added to z with weight 1")
	f.Var(naList{&c.NA}, "na", "`texts` that mean missing, any case (empty, NA, N/A, NaN, null, none, ?, .)")
	choose(cmd, &c.Encoding.Missing, "missing", "what a missing value means (error); mean adds an indicator", "error", "drop", "mean", "level")
	f.IntVar(&c.Encoding.MinLevelCount, "min-level-count", 0, "levels in fewer than `K` rows become \"other\"")
	f.IntVar(&c.Encoding.MaxLevels, "max-levels", 0, "more than `N` levels in a column are an error (1000)")
	choose(cmd, &c.Encoding.Coding, "coding", "levels with a weight: all but the first, or all (auto: all with a penalty)", "auto", "reference", "full")
	f.Var(termsValue{&c.Encoding.Terms}, "terms", "`inputs` computed from columns: age^2, age*income, spline(age,4), log(income); descent help terms")
	f.Var(dateValue{&c.Encoding.Dates}, "date", "parts of a column of dates as inputs, `COLUMN:year,month,dow,days`; again for another column")
	f.StringArrayVar(&d.base, "base", nil, "`column=level`: this level has no weight, instead of the first")
	if cmd.Flags().Lookup("format") == nil { // graph's is that of the picture
		d.inputFlags.add(cmd)
	}
	for _, name := range []string{"target", "include", "exclude", "categorical", "numeric", "weight", "offset"} {
		must(cmd.RegisterFlagCompletionFunc(name, completeColumns(0)))
	}
	must(cmd.RegisterFlagCompletionFunc("base", completeBase(0)))
}

// addClasses adds the flags about more than two classes.
func addClasses(cmd *cobra.Command, l *encode.Labels) {
	f := cmd.Flags()
	f.BoolVar(&l.Softmax, "softmax", false, "more than two levels of the target are meant: a class each, without a warning")
	f.IntVar(&l.MaxClasses, "max-classes", 0, "more than `N` levels of the target are an error (100)")
	must(cmd.RegisterFlagCompletionFunc("positive", completeLevels(0)))
}

// termsValue is --terms; given again it adds to the list.
type termsValue struct{ terms *string }

func (v termsValue) String() string { return "" }
func (v termsValue) Type() string   { return "terms" }
func (v termsValue) Set(s string) error {
	if _, err := encode.ParseTerms(s); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "terms: "))
	}
	all := s
	if *v.terms != "" {
		all = *v.terms + ", " + s
	}
	if _, err := encode.ParseTerms(all); err != nil {
		return err
	}
	*v.terms = all
	return nil
}

// dateValue is --date.
type dateValue struct{ dates *[]encode.Date }

func (v dateValue) String() string { return "" }
func (v dateValue) Type() string   { return "COLUMN:PARTS" }
func (v dateValue) Set(s string) error {
	d, err := encode.ParseDate(s)
	if err != nil {
		return err
	}
	*v.dates = append(*v.dates, d)
	return nil
}

// checkClasses refuses what says two classes and more than two.
func checkClasses(cmd *cobra.Command, l *encode.Labels) error {
	changed := cmd.Flags().Changed
	switch {
	case l.AgainstRest && l.Positive == "":
		return usagef("--against-rest needs --positive LEVEL")
	case l.Positive != "" && l.Softmax:
		return usagef("--softmax is for more than two classes, --positive for two: choose one")
	case l.Positive != "" && l.Reference != "":
		return usagef("--reference-class is for more than two classes, --positive for two: choose one")
	case changed("max-classes") && l.MaxClasses < 2:
		return usagef("--max-classes %d: want a number from 2", l.MaxClasses)
	case changed("positive") && l.Positive == "":
		return usagef("--positive is empty")
	case changed("reference-class") && l.Reference == "":
		return usagef("--reference-class is empty")
	}
	return nil
}

// finish is the configuration that the flags make.
func (d *dataFlags) finish(cmd *cobra.Command) (descent.Config, error) {
	c := d.config
	c.Format, c.NoHeader = d.format, d.noHeader
	if err := checkClasses(cmd, &c.Labels); err != nil {
		return c, err
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"max-levels", c.Encoding.MaxLevels}, {"min-level-count", c.Encoding.MinLevelCount}} {
		if cmd.Flags().Changed(f.name) && f.value < 1 {
			return c, usagef("--%s %d: want a number from 1", f.name, f.value)
		}
	}
	for _, b := range d.base {
		column, level, ok := strings.Cut(b, "=")
		if !ok || column == "" {
			return c, usagef("--base %s: want column=level", b)
		}
		if c.Encoding.Base == nil {
			c.Encoding.Base = map[string]string{}
		}
		if other, twice := c.Encoding.Base[column]; twice && other != level {
			return c, usagef("--base %s: the base of %s is already %s", b, column, other)
		}
		c.Encoding.Base[column] = level
	}
	for _, f := range []string{"target", "weight", "offset"} {
		if cmd.Flags().Changed(f) && cmd.Flags().Lookup(f).Value.String() == "" {
			return c, usagef("--%s is empty", f)
		}
	}
	return c, nil
}

// refuse says that the flags of data are only for something else, but for those named in allowed.
func (d *dataFlags) refuse(cmd *cobra.Command, what string, allowed ...string) error {
	for _, name := range []string{"target", "positive", "against-rest", "softmax", "max-classes", "include", "exclude", "categorical", "numeric", "weight", "offset", "na", "missing",
		"unseen", "min-level-count", "max-levels", "coding", "base", "terms", "date", "scale", "format", "no-header"} {
		if cmd.Flags().Changed(name) && !slices.Contains(allowed, name) {
			return usagef("--%s is for %s", name, what)
		}
	}
	return nil
}

// penalty is --l2 or --l1.
type penalty struct {
	value *float64
	auto  *bool // nil: it cannot be found here
}

func (p penalty) String() string { return "" }
func (p penalty) Type() string   { return "λ" }
func (p penalty) Set(s string) error {
	if p.auto != nil {
		if *p.auto = s == "auto"; *p.auto {
			*p.value = 0
			return nil
		}
	}
	v, ok := dataset.ParseNumber([]byte(s))
	switch {
	case (!ok || v < 0) && p.auto != nil:
		return fmt.Errorf("want a number from 0, or auto")
	case !ok || v < 0:
		return fmt.Errorf("want a number from 0")
	}
	*p.value = v
	return nil
}

// equationsFile is the text of a file of equations. Errors in it are placed by equationsError.
func equationsFile(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fileError(path, err)
	}
	if strings.TrimSpace(string(b)) == "" {
		return "", placed{file: path, message: "the file holds no equation"}
	}
	return string(b), nil
}

func must(err error) {
	if err != nil {
		panic(err) // a flag that this program itself misspells
	}
}
