package descent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/descent-ml/descent/internal/modelfile"
)

// ReproduceOptions say what [Model.Reproduce] needs besides the training file. The zero value is right for most models.
type ReproduceOptions struct {
	Format   string // of the file; "" finds it from the content
	NoHeader bool
	Init     *Model // the model that the training started from, where there was one
	Test     Source // the file of test rows, where there was one; nil: their measures are not compared
	Threads  int
	Memory   int64
	Progress func(Progress)
}

// Reproduction is what came of training a model again.
type Reproduction struct {
	Same    bool    `json:"same"`    // every byte of the model file, but for the version of descent that it names
	Model   string  `json:"model"`   // SHA-256 of the model file
	Again   *string `json:"again"`   // of the new one, written as of the same version of descent; nil where nothing was trained
	Program Pair    `json:"program"` // versions of descent, and the architectures they ran on; the model's is nil where it does not hold it
	Data    Pair    `json:"data"`    // fingerprints: of the training file and of this one

	// Differences are the first of each kind, the causes before what follows from them: data, settings, version, then the content.
	Differences []Divergence `json:"differences"`
	// Coefficients that differ, of so many.
	Coefficients int      `json:"coefficients"`
	Of           int      `json:"of"`
	Notes        []string `json:"notes"`
}

// Pair is a text in the model, and what is found now.
type Pair struct {
	Model *string `json:"model"`
	Again *string `json:"again"`
}

// Divergence is a value that is not the same. Model and Again are nil where there is none.
type Divergence struct {
	What  string `json:"what"` // data, setting, program, coefficient, content
	Name  string `json:"name"` // of the setting or the coefficient, or the place in the file
	Class string `json:"class,omitempty"`
	Model any    `json:"model"`
	Again any    `json:"again"`
}

// errOtherData is how a training ends whose table must have a fingerprint and has another.
var errOtherData = errors.New("other data")

// Reproduce trains the model again with the settings that it holds, and compares the two model files byte by byte. The version of descent is compared, too, but does
// not count: where it is all that differs, the models are the same.
//
// A model that was made before model files held settings is not trained again; the fingerprint of the data is compared as far as that is possible. A training that was broken off
// by time or by an interrupt ends elsewhere the next time: that is an error.
func (m *Model) Reproduce(ctx context.Context, source Source, o ReproduceOptions) (*Reproduction, error) {
	text, err := modelfile.Encode(&m.file)
	if err != nil {
		return nil, err
	}
	t := &m.file.Training
	now := program()
	r := &Reproduction{Model: digest(text), Program: Pair{Again: &now}, Data: Pair{Model: &t.Fingerprint}, Differences: []Divergence{}, Notes: []string{}}
	if t.Program != "" {
		r.Program.Model = &t.Program
	}
	switch {
	case t.Settings == nil:
		return r, m.reproduceData(ctx, source, o, r)
	case t.TimeUp || t.Verdict == Interrupted:
		return r, fmt.Errorf("the training of the model was broken off (%s); another one ends elsewhere, so it cannot be compared", t.Message)
	}
	c, initial, err := t.Settings.config()
	if err != nil {
		return r, err
	}
	switch {
	case initial != "" && o.Init == nil:
		return r, fmt.Errorf("the training started from another model (content %s), and its last bits depend on it: --init names its file", initial)
	case initial == "" && o.Init != nil:
		return r, errors.New("init: the training started from no other model")
	case o.Test == nil && m.file.ThresholdBy != nil && m.file.ThresholdBy.On == onTest && t.Test != "":
		return r, errors.New("the threshold was chosen on the rows of a file of its own: --test names it")
	case t.Test == "" && o.Test != nil:
		return r, errors.New("test: the training had no file of test rows")
	}
	c.Format, c.NoHeader, c.Test.Source, c.Progress = o.Format, o.NoHeader, o.Test, o.Progress
	c.Run.Init, c.Run.Memory, c.Solver.Threads, c.SaveUnfinished, c.data = o.Init, o.Memory, o.Threads, t.Unfinished, t.Fingerprint
	if o.Init != nil {
		if is, err := o.Init.checksum(); err != nil || is != initial {
			r.Differences = append(r.Differences, Divergence{What: "setting", Name: initSetting, Model: initial, Again: is})
			return r, err
		}
	}
	again, err := Fit(ctx, source, c)
	if errors.Is(err, errOtherData) {
		is := again.data
		r.Data.Again = &is
		r.Differences = append(r.Differences, Divergence{What: "data", Name: "fingerprint", Model: t.Fingerprint, Again: is})
		return r, nil
	}
	if err != nil && (!errors.Is(err, ErrUnfinished) || again == nil || again.Model == nil) {
		return r, err
	}
	b := again.Model.file
	r.Data.Again = &b.Training.Fingerprint
	if t.Test != "" && o.Test == nil {
		b.Training.Test, b.Metrics.Test = t.Test, m.file.Metrics.Test
		r.Notes = append(r.Notes, "the measures of the test rows are not compared; --test names their file")
	}
	b.Training.Program = t.Program
	textAgain, err := modelfile.Encode(&b)
	if err != nil {
		return r, err
	}
	is := digest(textAgain)
	r.Again, r.Same = &is, bytes.Equal(text, textAgain)
	if t.Program != now {
		r.Notes = append(r.Notes, fmt.Sprintf("the model was made by descent %s, this is %s", shown(t.Program), now))
	}
	if r.Same {
		r.Of = len(m.file.Intercepts) * (len(m.file.Terms) + 1)
		return r, nil
	}
	return r, r.compare(&m.file, &b, now)
}

func digest(text []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(text)) }

// compare fills in the differences of two model files, b made now.
func (r *Reproduction) compare(a, b *modelFile, now string) error {
	add := func(d Divergence) { r.Differences = append(r.Differences, d) }
	for _, s := range differing(a.Training.Settings, b.Training.Settings) {
		add(Divergence{What: "setting", Name: s.name, Model: s.a, Again: s.b})
		break
	}
	if a.Training.Program != now {
		add(Divergence{What: "program", Name: "version", Model: a.Training.Program, Again: now})
	}
	if len(a.Terms) == len(b.Terms) && len(a.Intercepts) == len(b.Intercepts) {
		first := true
		for k := range a.Intercepts {
			for j := -1; j < len(a.Terms); j++ {
				name, v, w := interceptName, a.Intercepts[k], b.Intercepts[k]
				if j >= 0 {
					name, v, w = a.Terms[j].Name, a.Terms[j].Weights[k], b.Terms[j].Weights[k]
				}
				if r.Of++; v == w {
					continue
				}
				if r.Coefficients++; first {
					first = false
					d := Divergence{What: "coefficient", Name: name, Model: v, Again: w}
					if len(a.Intercepts) > 1 {
						d.Class = a.Classes.Levels[k]
					}
					add(d)
				}
			}
		}
	}
	left, err := plainContent(a)
	if err != nil {
		return err
	}
	right, err := plainContent(b)
	if err != nil {
		return err
	}
	if d, ok := firstDifference("", left, right); ok {
		add(d)
	}
	return nil
}

// plainContent is a model file as maps, lists and texts of numbers.
func plainContent(f *modelFile) (out map[string]any, err error) {
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return out, d.Decode(&out)
}

// firstDifference is the first place, in the order of keys, at which two values of JSON differ.
func firstDifference(at string, a, b any) (Divergence, bool) {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			keys := slices.Sorted(maps.Keys(x))
			for _, k := range slices.Sorted(maps.Keys(y)) {
				if _, both := x[k]; !both {
					keys = append(keys, k)
				}
			}
			for _, k := range keys {
				place := k
				if at != "" {
					place = at + "." + k
				}
				if d, ok := firstDifference(place, x[k], y[k]); ok {
					return d, true
				}
			}
			return Divergence{}, false
		}
	case []any:
		if y, ok := b.([]any); ok && len(x) == len(y) {
			for i := range x {
				if d, ok := firstDifference(at+"["+strconv.Itoa(i)+"]", x[i], y[i]); ok {
					return d, true
				}
			}
			return Divergence{}, false
		} else if ok {
			return Divergence{What: "content", Name: at + " (how many)", Model: len(x), Again: len(y)}, true
		}
	default:
		if a == b {
			return Divergence{}, false
		}
	}
	return Divergence{What: "content", Name: at, Model: a, Again: b}, true
}

// reproduceData compares the data with the fingerprint of a model that holds no settings: of all columns, then of those that the model reads. Types that a user stated
// are those of the model's columns.
func (m *Model) reproduceData(ctx context.Context, source Source, o ReproduceOptions, r *Reproduction) error {
	r.Notes = append(r.Notes, "the model holds no settings, since it was made by an earlier descent: it cannot be trained again, and only the data are compared")
	source, err := again(source)
	if err != nil {
		return err
	}
	for i := range 2 {
		options := m.tableOptions(o.Format, o.NoHeader)
		options.Threads = o.Threads
		if i == 0 {
			options.Use = func(string) bool { return true }
		}
		t, err := m.tableOf(ctx, source, options)
		if err != nil {
			return err
		}
		is := fmt.Sprintf("sha256:%x", t.Fingerprint())
		r.Data.Again = &is
		if is == m.file.Training.Fingerprint {
			r.Notes = append(r.Notes, "the data are those of the training")
			return nil
		}
	}
	r.Notes = append(r.Notes, "the data are others, or the training left columns out that this cannot know of")
	r.Differences = append(r.Differences, Divergence{What: "data", Name: "fingerprint", Model: m.file.Training.Fingerprint, Again: *r.Data.Again})
	return nil
}

// expected says, once the table is read, whether it is the one that the configuration is for.
func (f *fit) expected(context.Context) error {
	if f.config.data == "" || f.config.data == f.fingerprint() {
		return nil
	}
	f.result.data = f.fingerprint()
	return errOtherData
}
