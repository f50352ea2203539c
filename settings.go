package descent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// option is a field of a configuration that has a part in the model, under the name a user sets it by. value points to it.
type option struct {
	name  string
	value any
}

// options are the fields of c that have a part in the model. What is not among them has none (threads, memory, files), is kept otherwise (Run.Init,
// Test.Source), or follows from them.
func (c *Config) options() []option {
	return []option{
		{"target", &c.Target}, {"include", &c.Columns.Include}, {"exclude", &c.Columns.Exclude}, {"categorical", &c.Columns.Categorical},
		{"numeric", &c.Columns.Numeric}, {"weight", &c.Columns.Weight}, {"offset", &c.Columns.Offset},
		{"successes", &c.Columns.Successes}, {"failures", &c.Columns.Failures}, {"class-weight", &c.ClassWeight},
		{"firth", &c.Inference.Firth}, {"robust", &c.Inference.Robust}, {"cluster", &c.Inference.Cluster},
		{"positive", &c.Labels.Positive}, {"against-rest", &c.Labels.AgainstRest}, {"softmax", &c.Labels.Softmax},
		{"reference-class", &c.Labels.Reference}, {"max-classes", &c.Labels.MaxClasses},
		{"missing", &c.Encoding.Missing}, {"unseen", &c.Encoding.Unseen}, {"min-level-count", &c.Encoding.MinLevelCount},
		{"max-levels", &c.Encoding.MaxLevels}, {"coding", &c.Encoding.Coding}, {"base", &c.Encoding.Base}, {"na", &c.NA},
		{"terms", &c.Encoding.Terms}, {"date", &c.Encoding.Dates},
		{"scale", &c.Scale}, {"equations", &c.Equations}, {"hidden", &c.Hidden}, {"l2", &c.Penalty.L2}, {"l1", &c.Penalty.L1},
		{"cv", &c.CV.Folds}, {"l2 auto", &c.CV.L2}, {"l1 auto", &c.CV.L1}, {"cv-rule", &c.CV.Rule},
		{"solver", &c.Solver.Method}, {"stream", &c.Solver.Stream}, {"alpha", &c.Solver.Alpha}, {"steps", &c.Solver.Steps}, {"batch", &c.Solver.Batch}, {"tol", &c.Solver.Tol},
		{"seed", &c.Solver.Seed}, {"restarts", &c.Solver.Restarts}, {"holdout every", &c.Test.Every}, {"holdout", &c.Test.Part},
		{"group", &c.Split.Group}, {"time", &c.Split.Time}, {"recalibrate", &c.Recalibrate},
		{"cost", &c.Decision.Cost}, {"threshold-for", &c.Decision.For},
	}
}

// setting is an option with its value.
type setting struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// initSetting is the checksum of the model that a training starts from, and recordSetting what its trace is: a part of a run, and of no model.
const (
	initSetting   = "init"
	recordSetting = "record"
)

// settings are the options that are set, defaults included where they say something.
func (c Config) settings(userSteps bool) ([]setting, error) {
	if !userSteps {
		c.Solver.Steps = 0
	}
	if c.Solver.Method != "gd" && c.Solver.Method != "sgd" {
		c.Solver.Alpha = 0
	}
	if c.Solver.Method != "sgd" {
		c.Solver.Batch = 0
	}
	if c.CV.Folds == 0 {
		c.CV.Rule = ""
	}
	if c.CV.L2 { // what stands there until it is found
		c.Penalty.L2 = 0
	}
	if c.CV.L1 {
		c.Penalty.L1 = 0
	}
	c.Equations = strings.Join(equationLines(c.Equations), "\n")
	initial := ""
	if c.Run.Init != nil {
		var err error
		if initial, err = c.Run.Init.checksum(); err != nil {
			return nil, err
		}
	}
	var out []setting
	for _, o := range append(c.options(), option{initSetting, &initial}, option{recordSetting, &c.Solver.Record}) {
		v := reflect.ValueOf(o.value).Elem()
		if v.IsZero() {
			continue
		}
		b, err := marshalPlain(v.Interface())
		if err != nil {
			return nil, err
		}
		out = append(out, setting{o.name, b})
	}
	return out, nil
}

// settingList are the settings in a model: an object with a member for each.
type settingList []setting

// ofModel leaves out what has no part in the model.
func ofModel(all []setting) settingList {
	return slices.DeleteFunc(slices.Clone(all), func(s setting) bool { return s.Name == recordSetting })
}

// MarshalJSON writes an object, in the order of the list.
func (l settingList) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, s := range l {
		name, err := marshalPlain(s.Name)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, name...), ':'), s.Value...)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON keeps the order.
func (l *settingList) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("settings are an object, not %s", shown(string(text)))
	}
	*l = settingList{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return err
		}
		var compact bytes.Buffer // a file may lay it out over lines
		if err := json.Compact(&compact, v); err != nil {
			return err
		}
		*l = append(*l, setting{name.(string), compact.Bytes()}) // a key of an object
	}
	return nil
}

// value is that of the setting called name; nil where it is not set.
func (l settingList) value(name string) json.RawMessage {
	for _, s := range l {
		if s.Name == name {
			return s.Value
		}
	}
	return nil
}

// config is the configuration that settings came from, and the checksum of the model that the training started from.
func (l settingList) config() (c Config, initial string, err error) {
	known := append(c.options(), option{initSetting, &initial})
	for _, s := range l {
		i := slices.IndexFunc(known, func(o option) bool { return o.name == s.Name })
		if i < 0 {
			return c, "", fmt.Errorf("the model was trained with the setting %s, which this version of descent does not have", shown(s.Name))
		}
		d := json.NewDecoder(bytes.NewReader(s.Value))
		d.DisallowUnknownFields()
		if err := d.Decode(known[i].value); err != nil {
			return c, "", fmt.Errorf("the setting %s of the model: %w", s.Name, err)
		}
	}
	return c, initial, nil
}

// settingPair is a setting with two values, nil where it is not set.
type settingPair struct {
	name string
	a, b json.RawMessage
}

// differing are the settings that are not the same in both lists.
func differing(a, b settingList) []settingPair {
	var out []settingPair
	for _, s := range a {
		if other := b.value(s.Name); !bytes.Equal(s.Value, other) {
			out = append(out, settingPair{s.Name, s.Value, other})
		}
	}
	for _, s := range b {
		if a.value(s.Name) == nil {
			out = append(out, settingPair{s.Name, nil, s.Value})
		}
	}
	return out
}
