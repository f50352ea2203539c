package descent

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/descent-ml/descent/doctor"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/graph"
)

// Config is what [Fit] is told. Only Target must be set; the zero value of every other field is the default named beside it.
type Config struct {
	Target string // column that holds the label; may stay empty for LIBSVM, where the label comes first

	Columns  Columns        // which columns, and as what
	Labels   encode.Labels  // how the levels of the target become classes
	Encoding encode.Options // missing values, levels, coding; Weight, Offset and Penalised are set from Columns and Penalty
	Scale    Scale          // auto: numeric columns are standardised inside; with solver gd or sgd the default is none
	Format   string         // of the file: csv, tsv, libsvm, jsonl, …; "" finds it from the content
	NoHeader bool           // the file has no header; columns are x1, x2, …
	NA       []string       // texts that mean missing; nil is the default list, empty means only the empty cell

	Equations string // the model, one equation a line, the last one the loss of one example; "" is [Equations], for more than two classes [ClassEquations]
	Hidden    int    // units of a tanh layer before the output, with the equations for it; 0 is none
	Penalty   Penalty
	CV        CrossValidation
	Solver    Solver
	Test      Test
	Split     Split
	Run       Run

	Inference   Inference
	ClassWeight ClassWeight // how much more the rows of a class count than they are
	Decision    Decision    // the threshold of two classes
	Recalibrate string      // platt or isotonic: probabilities are a function of z that is fitted to rows left out in folds (CV.Folds, or 5); "": those of the equations

	Confidence     float64 // level of the intervals; 0 means 0.95
	SaveUnfinished bool    // let a model be saved that did not converge; recorded in it

	// Found is called the moment something is found that a user should know, from the goroutine of Fit. An error ends the training.
	Found    func(doctor.Finding) error
	Progress func(Progress) // called after every step of the solver, from the goroutine of Fit

	data  string // fingerprint that the table must have; "" is any
	hooks hooks
}

// hooks let tests take parts out of the machine and look at what changes.
type hooks struct {
	noFused bool                                          // run every node of the graph by itself
	rules   func([]graph.Rule) []graph.Rule               // change the rules of the simplifier
	folds   func(row int) int                             // deals the rows out
	drawn   func(counts []uint16, s, estimates []float64) // sees every resample of a bootstrap
	spill   bool                                          // with a bound on memory: all that can be is in the scratch file
	state   func([]byte)                                  // takes every state, in the place of the checkpoint
}

// Columns says which columns take part and as what.
type Columns struct {
	Include, Exclude     []string // Include empty: all but Exclude
	Categorical, Numeric []string // types that are stated, not found
	Weight, Offset       string   // row weights; a term of z with weight 1
	// Counts of both outcomes in every row, in the place of Target and Weight: a row is as many rows as it counts. Class 1 is Successes.
	Successes, Failures string
}

// Penalty is λ/(2m)·‖w‖² with λ = L2, plus λ1/m·‖w‖₁ with λ1 = L1; both together are the elastic net. The bias is never penalised.
type Penalty struct {
	L2 float64 `json:"l2"`
	L1 float64 `json:"l1"`
}

// Scale says in which units a penalty acts and gradient descent walks.
type Scale string

// The two ways. The empty string is auto, but none for the solvers gd and sgd, as in the lecture.
const (
	ScaleAuto Scale = "auto"
	ScaleNone Scale = "none"
)

// Solver says how the cost is minimised and when to stop.
type Solver struct {
	Method   string        // auto, gd, sgd, lbfgs, newton; "" is auto
	Stream   bool          // read the source once and learn as it comes, in memory that does not grow with its rows: sgd with AdaGrad's rates; see [Fit]
	Alpha    float64       // learning rate of gd and sgd; 0 means 0.01, of a stream 1
	Steps    int           // gd, sgd: updates, 0 means 100 for gd and ten passes over the rows for sgd; else the most steps, 0 means 200 for newton and 2000 for lbfgs
	Batch    int           // rows of one sgd update; 0 means 64
	Tol      float64       // stop when gap ≤ Tol·J; 0: stop when every coefficient is within 1e-10 standard errors
	Record   int           // keep the cost every Record steps; 0 keeps none
	Seed     uint64        // of every random choice; 0 means 1
	Threads  int           // 0 means all cores; the model has the same bits whatever it is
	Restarts int           // of a model with a hidden layer: so many starts, from the seeds Seed, Seed+1, …; the best is kept; 0 means 1
	MaxTime  time.Duration // from the beginning, reading included; the solver then stops where it is, and what can be proved there and the measures follow. 0 is no limit
}

// Test says on which rows the finished model is measured.
type Test struct {
	Source Source  // rows of their own
	Every  int     // every:K: data rows whose zero-based index K divides are held out; 0 is off
	Part   float64 // this share of the rows, of every class the same, chosen at random with the seed, or as Split says; 0 is off
}

// Progress is what the solver reports after a step.
type Progress struct {
	Step         int
	Cost         float64
	GradientNorm float64
	Passes       int
	Rows         int    // of a stream: learnt so far; Cost is their progressive loss
	Stage        string // of a cross-validation: which fit it is
}

func (c *Config) defaults() {
	if c.Confidence == 0 {
		c.Confidence = 0.95
	}
	c.cvDefaults()
	if c.Solver.Method == "" {
		c.Solver.Method = "auto"
	}
	if c.Solver.Stream {
		c.Solver.Method = "sgd"
	}
	first := (c.Solver.Method == "gd" || c.Solver.Method == "sgd") && !c.Solver.Stream
	if c.Solver.Seed == 0 {
		c.Solver.Seed = 1
	}
	if c.Solver.Alpha == 0 {
		c.Solver.Alpha = 0.01
		if c.Solver.Stream {
			c.Solver.Alpha = streamAlpha
		}
	}
	if c.Solver.Steps == 0 && first {
		c.Solver.Steps = 100
	}
	if c.Solver.Batch == 0 {
		c.Solver.Batch = 64
	}
	if c.Scale == "" {
		c.Scale = ScaleAuto
		if first {
			c.Scale = ScaleNone
		}
	}
	c.Encoding.Weight, c.Encoding.Offset = c.Columns.Weight, c.Columns.Offset
	c.Encoding.Penalised = c.Penalty.on()
	c.Encoding.Aside = c.roles()
	c.Encoding.Only = nil
	inputs := c.Columns.uses(c.Target)
	for _, name := range c.Encoding.Sources() {
		counts := name == c.Columns.Successes || name == c.Columns.Failures
		if !counts && (!inputs(name) || slices.Contains(c.Encoding.Aside, name)) { // a column that parts or clusters the rows, too
			c.Encoding.Only = append(c.Encoding.Only, name)
		}
	}
}

// Check says what is wrong with the configuration before any data are read. It names the option as a user sets it.
func (c Config) Check() error {
	if err := c.checkStream(); err != nil {
		return err
	}
	if err := c.checkCV(); err != nil {
		return err
	}
	c.defaults()
	switch c.Solver.Method {
	case "auto", "gd", "sgd", "lbfgs", "newton":
	default:
		return fmt.Errorf("solver %q is not one of auto, gd, sgd, lbfgs, newton", c.Solver.Method)
	}
	switch c.Scale {
	case ScaleAuto, ScaleNone:
	default:
		return fmt.Errorf("scale %q is not one of auto, none", c.Scale)
	}
	for _, v := range []struct {
		name  string
		value float64
		ok    bool
	}{
		{"l2", c.Penalty.L2, c.Penalty.L2 >= 0},
		{"l1", c.Penalty.L1, c.Penalty.L1 >= 0},
		{"alpha", c.Solver.Alpha, c.Solver.Alpha > 0},
		{"tol", c.Solver.Tol, c.Solver.Tol >= 0},
		{"steps", float64(c.Solver.Steps), c.Solver.Steps >= 0},
		{"batch", float64(c.Solver.Batch), c.Solver.Batch > 0},
		{"record", float64(c.Solver.Record), c.Solver.Record >= 0},
		{"threads", float64(c.Solver.Threads), c.Solver.Threads >= 0},
		{"max-time", c.Solver.MaxTime.Seconds(), c.Solver.MaxTime >= 0},
		{"checkpoint every", c.Run.Every.Seconds(), c.Run.Every >= 0},
		{"conf", c.Confidence, c.Confidence > 0 && c.Confidence < 1},
		{"holdout", c.Test.Part, c.Test.Part >= 0 && c.Test.Part < 1},
		{"holdout every", float64(c.Test.Every), c.Test.Every >= 0 && c.Test.Every != 1},
	} {
		if !v.ok || math.IsNaN(v.value) || math.IsInf(v.value, 0) {
			return fmt.Errorf("%s %v is out of range", v.name, v.value)
		}
	}
	switch m := c.Run.Memory; {
	case m == 0:
	case m < leastMemory:
		return fmt.Errorf("memory %s: the program alone takes %s", mebibytes(m), mebibytes(leastMemory))
	case c.Columns.Successes != "":
		return fmt.Errorf("memory %s: rows made of counts (successes, failures) are kept in memory, without a bound", mebibytes(m))
	}
	if err := c.checkL1(); err != nil {
		return err
	}
	if c.Test.Source != nil && (c.Test.Every > 0 || c.Test.Part > 0) || c.Test.Every > 0 && c.Test.Part > 0 {
		return fmt.Errorf("test and holdout: choose one")
	}
	if err := c.checkDecision(); err != nil {
		return err
	}
	if err := c.checkRecalibrate(); err != nil {
		return err
	}
	if err := c.checkSplit(); err != nil {
		return err
	}
	if err := c.checkLayers(); err != nil {
		return err
	}
	if err := c.checkWeights(); err != nil {
		return err
	}
	if err := c.checkInference(); err != nil {
		return err
	}
	if c.Run.Init != nil && c.Solver.Restarts > 1 {
		return fmt.Errorf("init and restarts %d: a start from a model is one start", c.Solver.Restarts)
	}
	if err := c.Encoding.Check(); err != nil {
		return err
	}
	return c.checkTerms()
}

// checkTerms says what terms and dates cannot be combined with.
func (c *Config) checkTerms() error {
	e := &c.Encoding
	if e.Terms != "" && c.Inference.Margins {
		return fmt.Errorf("margins and terms: a column changes what is computed from it, too, so the effect of one input alone is that of no column")
	}
	for _, d := range e.Dates {
		for _, other := range []struct {
			name string
			of   []string
		}{{"exclude", c.Columns.Exclude}, {"numeric", c.Columns.Numeric}, {"target", []string{c.Target}}, {"weight", []string{c.Columns.Weight}}, {"offset", []string{c.Columns.Offset}}} {
			if slices.Contains(other.of, d.Column) {
				return fmt.Errorf("column %q: date and %s: choose one", d.Column, other.name)
			}
		}
	}
	return nil
}
