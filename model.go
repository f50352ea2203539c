package descent

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/internal/modelfile"
	"github.com/descent-ml/descent/metric"
)

// Model is a trained model: what it reads, its weights, what it is worth. It is read only and safe for concurrent use. Make one with [Fit],
// [Load] or [ReadModel]; the zero Model cannot predict.
type Model struct {
	unfinished error // why it must not be saved as it is
	file       modelFile
	scorer     *scorer
	link       *link
	layers     *layers // of a model with a hidden layer, in the place of scores and link
	reader     *encode.Reader
	plans      planCache
}

// modelFile is the content of a model file, in the order in which it is written.
type modelFile struct {
	Equations []string `json:"equations"` // the model, one equation a line; the last is the loss of one example

	Target  string         `json:"target"`
	Classes encode.Classes `json:"classes"`

	Columns []encode.Column `json:"columns"`
	Sparse  bool            `json:"sparse,omitempty"`
	NA      []string        `json:"na,omitempty"`
	DropNA  bool            `json:"only_empty_is_missing,omitempty"`
	Weight  string          `json:"weight,omitempty"`
	Offset  string          `json:"offset,omitempty"`

	Intercepts []float64 `json:"intercepts,omitempty"` // b, one for every set of weights
	Terms      []term    `json:"terms"`
	Aliased    []string  `json:"aliased,omitempty"` // terms left out because others determine them

	Parameters []LayerParameter `json:"parameters,omitempty"` // of equations that declare some, in the coordinates of Scaling; in the place of intercepts and weights

	Scaling        scaling     `json:"scaling"`
	Covariance     [][]float64 `json:"covariance,omitempty"`      // of (w̃, b̃), lower triangle; needed for intervals
	CovarianceNote string      `json:"covariance_note,omitempty"` // why there is none

	Threshold   float64          `json:"threshold"`
	ThresholdBy *thresholdRecord `json:"threshold_by,omitempty"` // how it was chosen

	Recalibration *recalibrationRecord `json:"recalibration,omitempty"` // the probability as a function of z, in the place of the equations' a

	Training trainingRecord `json:"training"`
	Metrics  metrics        `json:"metrics"`

	Tests []testVector `json:"tests"`
}

// term is one input with its weight for every class.
type term struct {
	encode.Term
	Weights []float64 `json:"weights,omitempty"` // original units
	Scaled  []float64 `json:"scaled,omitempty"`  // w̃, which multiplies (x - center)·scale of the scaling
}

// scaling says what the weights w̃ multiply: (x - center)·scale.
type scaling struct {
	Intercepts []float64 `json:"intercepts,omitempty"` // b̃
	Center     []float64 `json:"center,omitempty"`
	Scale      []float64 `json:"scale,omitempty"`
}

// trainingRecord is how the model came about, enough to train it again.
type trainingRecord struct {
	Verdict     Verdict   `json:"verdict"`
	Message     string    `json:"message"`
	Unfinished  bool      `json:"saved_unfinished,omitempty"`
	Solver      string    `json:"solver"`
	Penalty     Penalty   `json:"penalty"`
	CV          *cvRecord `json:"cv,omitempty"` // how the penalty was judged
	Scale       Scale     `json:"scale"`
	Coding      string    `json:"coding"`
	Missing     string    `json:"missing"`
	Alpha       float64   `json:"alpha,omitempty"`
	Batch       int       `json:"batch,omitempty"`
	Tol         float64   `json:"tol,omitempty"`
	Seed        uint64    `json:"seed"`
	StartSeed   uint64    `json:"start_seed,omitempty"` // of a hidden layer: where its weights started
	Restarts    int       `json:"restarts,omitempty"`
	Init        string    `json:"init,omitempty"` // checksum of the content of the model that the training started from
	Holdout     string    `json:"holdout,omitempty"`
	Steps       int       `json:"steps"`
	Passes      int       `json:"passes"`
	Rows        int       `json:"rows"`
	WeightSum   float64   `json:"weight_sum"`
	Dropped     int       `json:"dropped,omitempty"`
	Cost        *float64  `json:"cost,omitempty"` // absent where it is not finite
	Loss        *float64  `json:"loss,omitempty"`
	Progressive *float64  `json:"progressive_loss,omitempty"` // of a stream
	Gap         *float64  `json:"gap,omitempty"`
	GapNote     string    `json:"gap_note,omitempty"`
	Fingerprint string    `json:"fingerprint"` // of the parsed values and the schema of the training file

	inferenceRecord

	TimeUp   bool        `json:"time_up,omitempty"`  // the time ended the training before anything else
	Test     string      `json:"test,omitempty"`     // fingerprint of the file of test rows
	Program  string      `json:"program,omitempty"`  // version of descent, and the architecture that it ran on
	Settings settingList `json:"settings,omitempty"` // options that have a part in the model
}

// cvRecord is what a model keeps of a cross-validation.
type cvRecord struct {
	Folds int      `json:"folds"`
	Rule  string   `json:"rule"`
	Mean  *float64 `json:"mean,omitempty"` // loss of rows left out, at the penalty of the model
	SE    *float64 `json:"se,omitempty"`
}

type metrics struct {
	Train *metric.Metrics `json:"train,omitempty"`
	Test  *metric.Metrics `json:"test,omitempty"`
}

// testVector is a synthetic row with what the model says of it. All of them are replayed at every load.
type testVector struct {
	Row           map[string]any `json:"row"`
	Z             []float64      `json:"z"`
	Probabilities []float64      `json:"probabilities"`
}

// Load reads a model file, checks it, and replays its test vectors. A file that was changed in any way does not load.
func Load(path string) (*Model, error) {
	f, err := modelfile.Load[modelFile](path)
	if err != nil {
		return nil, err
	}
	return open(path, *f)
}

// ReadModel is [Load] from a reader; name is what errors call it.
func ReadModel(name string, r io.Reader) (*Model, error) {
	f, err := modelfile.Read[modelFile](name, r)
	if err != nil {
		return nil, err
	}
	return open(name, *f)
}

// Save writes the model to path, whole or not at all. A model whose training did not end well is refused unless it was
// trained with Config.SaveUnfinished, which the file then says.
func (m *Model) Save(path string) error {
	if err := m.savable(); err != nil {
		return err
	}
	return modelfile.Save(path, &m.file)
}

// Write is [Model.Save] to a writer.
func (m *Model) Write(w io.Writer) error {
	if err := m.savable(); err != nil {
		return err
	}
	b, err := modelfile.Encode(&m.file)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

func (m *Model) savable() error {
	if m.unfinished == nil || m.file.Training.Unfinished {
		return nil
	}
	return fmt.Errorf("the model is not saved: %w; --save-unfinished saves it all the same", m.unfinished)
}

// open makes a model from the content of a file that has the right checksum. What the numbers mean is checked here.
func open(name string, f modelFile) (*Model, error) {
	m, err := newModel(f)
	if err == nil {
		err = m.replay()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// newModel prepares a model for use, after checking that its parts fit together.
func newModel(f modelFile) (*Model, error) {
	e, err := f.encoding()
	if err != nil {
		return nil, err
	}
	if f.Parameters != nil || len(graph.Declared(strings.Join(f.Equations, "\n"))) > 0 {
		return newLayered(f, e)
	}
	K := len(f.Intercepts)
	if classes := len(f.Classes.Levels); classes < 2 || K != f.Classes.Sets() {
		return nil, fmt.Errorf("the model has %d sets of weights for %d classes", K, classes)
	}
	if r := f.Classes.Reference; r < 0 || r >= len(f.Classes.Levels) {
		return nil, fmt.Errorf("the reference class %d is none of %d", r, len(f.Classes.Levels))
	}
	if err := f.checkThreshold(); err != nil {
		return nil, err
	}
	weights := make([][]float64, K)
	for k := range weights {
		weights[k] = make([]float64, len(f.Terms))
		for j, t := range f.Terms {
			if len(t.Weights) != K || len(t.Scaled) != K {
				return nil, fmt.Errorf("term %q has %d weights, want %d", t.Name, len(t.Weights), K)
			}
			weights[k][j] = t.Weights[k]
		}
	}
	n := len(f.Terms)
	for what, v := range map[string][]float64{"centers": f.Scaling.Center, "scales": f.Scaling.Scale} {
		if v != nil && len(v) != n {
			return nil, fmt.Errorf("the model has %d %s for %d terms", len(v), what, n)
		}
	}
	if (f.Scaling.Center == nil) != (f.Scaling.Scale == nil) {
		return nil, fmt.Errorf("the scaling has centers without scales, or scales without centers")
	}
	if len(f.Scaling.Intercepts) != K {
		return nil, fmt.Errorf("the model has %d scaled intercepts, want %d", len(f.Scaling.Intercepts), K)
	}
	if err := f.agree(); err != nil {
		return nil, err
	}
	if f.Covariance != nil {
		if len(f.Covariance) != n+1 {
			return nil, fmt.Errorf("the covariance has %d rows, want %d", len(f.Covariance), n+1)
		}
		for i, row := range f.Covariance {
			if len(row) != i+1 {
				return nil, fmt.Errorf("row %d of the covariance has %d numbers, want %d (lower triangle)", i+1, len(row), i+1)
			}
		}
	}
	if err := f.checkRecalibration(); err != nil {
		return nil, err
	}
	l, err := newLink(strings.Join(f.Equations, "\n"), f.size())
	if err != nil {
		return nil, err
	}
	m := &Model{file: f, link: l, reader: e.NewReader()}
	m.scorer = newScorer(e, &m.file.Classes, f.Intercepts, weights)
	return m, nil
}

// agree compares the two ways in which the file holds every weight: in original units, and scaled.
func (f *modelFile) agree() error {
	const tolerance = 1e-9 // relative
	off, size := make([]float64, len(f.Intercepts)), 1.0
	for k, b := range f.Intercepts {
		want := f.Scaling.Intercepts[k]
		for j, t := range f.Terms {
			center, scale := 0.0, 1.0
			if f.Scaling.Scale != nil {
				center, scale = f.Scaling.Center[j], f.Scaling.Scale[j]
			}
			w := float64(t.Scaled[k] * scale)
			if !(math.Abs(w-t.Weights[k]) <= tolerance*math.Abs(w)) {
				return fmt.Errorf("the weight %v of term %q does not agree with its scaled weight %v", t.Weights[k], t.Name, t.Scaled[k])
			}
			want -= float64(w * center)
			size = math.Max(size, math.Abs(w*center))
		}
		off[k] = want - b
		size = math.Max(size, math.Abs(b))
	}
	// A common shift of the intercepts of more than two classes changes no probability.
	shift := 0.0
	if len(off) > 1 {
		shift = mean(off)
	}
	for k, d := range off {
		if !(math.Abs(d-shift) <= tolerance*size*float64(len(f.Terms)+1)) {
			return fmt.Errorf("the intercept %v does not agree with the scaled one, %v", f.Intercepts[k], f.Scaling.Intercepts[k])
		}
	}
	return nil
}

// size is what the shapes in the model's equations depend on.
func (f *modelFile) size() size {
	return size{inputs: len(f.Terms), sets: f.sets(), offset: f.Offset != ""}
}

// sets of scores: 1 for two classes.
func (f *modelFile) sets() int {
	if f.Parameters != nil {
		return f.Classes.Sets()
	}
	return len(f.Intercepts)
}

// encoding is what the file says of the inputs, checked.
func (f *modelFile) encoding() (*encode.Encoding, error) {
	e := &encode.Encoding{Columns: f.Columns, Sparse: f.Sparse, NA: f.NA, Weight: f.Weight, Offset: f.Offset}
	if f.DropNA {
		e.NA = []string{}
	}
	for _, t := range f.Terms {
		e.Terms = append(e.Terms, t.Term)
	}
	return e, e.Check()
}

// replay compares the model with its own test vectors.
func (m *Model) replay() error {
	if len(m.file.Tests) == 0 {
		return fmt.Errorf("the model has no test vectors, so it cannot be trusted")
	}
	const tolerance = 1e-12 // relative; exp differs in the last bits between architectures
	for i, v := range m.file.Tests {
		cells, offset, err := m.mapCells(v.Row)
		if err != nil {
			return fmt.Errorf("test vector %d: %w", i+1, err)
		}
		sets := m.file.sets()
		if len(v.Z) != sets || len(v.Probabilities) != sets {
			return fmt.Errorf("test vector %d: it has %d z and %d probabilities, want %d", i+1, len(v.Z), len(v.Probabilities), sets)
		}
		z, a, err := m.say(cells, offset)
		if err != nil {
			return fmt.Errorf("test vector %d: %w", i+1, err)
		}
		for k := range z {
			if !near(z[k], v.Z[k], tolerance) || !near(a[k], v.Probabilities[k], tolerance) {
				return fmt.Errorf("the model disagrees with its own test vector %d: z = %v, probability %v; the file says %v, %v",
					i+1, z[k], a[k], v.Z[k], v.Probabilities[k])
			}
		}
	}
	return nil
}

// say is z and the probability of every set: of the positive class of two, of every class of more.
func (m *Model) say(cells []encode.Cell, offset float64) (z, a []float64, err error) {
	if m.layers != nil {
		return m.layers.say(cells, offset)
	}
	z, a = make([]float64, len(m.file.Intercepts)), make([]float64, len(m.file.Intercepts))
	for k := range z {
		z[k] = m.scorer.z(k, cells, offset, nil)
	}
	if len(z) == 1 {
		a[0], err = m.probability(z[0])
		return z, a, err
	}
	return z, a, m.link.probabilities(z, a)
}

func near(a, b, tolerance float64) bool {
	return math.Abs(a-b) <= tolerance*math.Max(1, math.Max(math.Abs(a), math.Abs(b)))
}

// testVectors makes synthetic rows that touch every column's range and levels: no training row is among them.
func (m *Model) testVectors() ([]testVector, error) {
	var out []testVector
	for i := range 4 {
		row := map[string]any{}
		for j := range m.file.Columns {
			c := &m.file.Columns[j]
			if !c.Read() {
				continue
			}
			if c.Type == encode.DateType {
				row[c.Name] = c.DateText([]float64{c.Min, c.Max}[i%2])
				if i == 3 && c.Missing == encode.MissingMean {
					row[c.Name] = nil
				}
				continue
			}
			if c.Type == encode.Numeric {
				if m.file.Sparse && (j+i)%7 != 0 {
					continue
				}
				if i == 3 && c.Missing == encode.MissingMean {
					row[c.Name] = nil
					continue
				}
				row[c.Name] = round3([]float64{c.Mean, c.Min, c.Max, c.Mean + c.Deviation}[(i+j*(i/3))%4])
				continue
			}
			row[c.Name] = c.Levels[(i*(j+1))%len(c.Levels)]
			if i == 3 && c.Type == encode.Levels && c.Unseen == encode.UnseenBaseline {
				row[c.Name] = unseenLevel(c.Levels)
			}
		}
		if m.file.Offset != "" {
			row[m.file.Offset] = []float64{0, -1, 1, 0.5}[i]
		}
		cells, offset, err := m.mapCells(row)
		if errors.As(err, new(*encode.TermError)) {
			continue // no row of the training has such numbers together
		}
		if err != nil {
			return nil, err
		}
		z, a, err := m.say(cells, offset)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(append(slices.Clone(z), a...), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
			continue // a weight near the end of float64: nothing that JSON could hold
		}
		out = append(out, testVector{Row: row, Z: z, Probabilities: a})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no test vector has a finite z: the weights are too large for float64")
	}
	return out, nil
}

// unseenLevel is a level that is not among the given ones.
func unseenLevel(levels []string) string {
	name := "(unseen)"
	for slices.Contains(levels, name) {
		name += "'"
	}
	return name
}

// round3 keeps three significant digits, so that a test vector is nobody's row.
func round3(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-2)
	r := math.Round(v/unit) * unit
	if unit == 0 || math.IsInf(r, 0) || math.IsNaN(r) {
		return 0
	}
	return r
}

// Classes are the levels of the target: the negative one and the positive, or more in their order.
func (m *Model) Classes() []string { return append([]string(nil), m.file.Classes.Levels...) }

// Target is the name of the column that the model predicts.
func (m *Model) Target() string { return m.file.Target }

// Equations is the model as equations, one a line.
func (m *Model) Equations() string { return strings.Join(m.file.Equations, "\n") }

// Threshold is the probability above which a row is called positive.
func (m *Model) Threshold() float64 { return m.file.Threshold }

// Verdict says how the training ended.
func (m *Model) Verdict() Verdict { return m.file.Training.Verdict }

// Columns are the columns of the model: those that it reads, and those that it computes from them.
func (m *Model) Columns() []encode.Column { return append([]encode.Column(nil), m.file.Columns...) }

// Parts are the names of the contributions to z, in the order in which they are added: columns, and terms that are computed from columns.
func (m *Model) Parts() []string {
	names := make([]string, len(m.scorer.parts))
	for i, p := range m.scorer.parts {
		names[i] = p.Name
	}
	return names
}
