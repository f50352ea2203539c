package optim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// Encode writes the state of a method as JSON: {"method": name, "state": …}. Numbers are shortest round-trip decimals, so that a
// decoded method continues with the same bits.
func Encode(m Method) ([]byte, error) {
	var name string
	switch m.(type) {
	case *GradientDescent:
		name = "gd"
	case *SGD:
		name = "sgd"
	case *LBFGS:
		name = "lbfgs"
	case *Newton:
		name = "newton"
	case *Proximal:
		name = "proximal"
	default:
		return nil, fmt.Errorf("method %T has no name", m)
	}
	return json.Marshal(struct {
		Method string `json:"method"`
		State  any    `json:"state"`
	}{name, m})
}

// Decode reads what Encode wrote. The text is not trusted: sizes and numbers are checked.
func Decode(text []byte) (Method, error) {
	var outer struct {
		Method string          `json:"method"`
		State  json.RawMessage `json:"state"`
	}
	if err := strict(text, &outer); err != nil {
		return nil, err
	}
	var m Method
	switch outer.Method {
	case "gd":
		m = &GradientDescent{}
	case "sgd":
		m = &SGD{}
	case "lbfgs":
		m = &LBFGS{}
	case "newton":
		m = &Newton{}
	case "proximal":
		m = &Proximal{}
	default:
		return nil, fmt.Errorf("method %q is not known", outer.Method)
	}
	if err := json.Unmarshal(outer.State, m); err != nil {
		return nil, fmt.Errorf("state of %s: %w", outer.Method, err)
	}
	return m, nil
}

// Continues says why saved, which was decoded, is not fresh at a later time: another method, another size or other settings.
func Continues(fresh, saved Method) error {
	if reflect.TypeOf(fresh) != reflect.TypeOf(saved) {
		return fmt.Errorf("it is the state of another method (%T, not %T)", saved, fresh)
	}
	a, _, _, _, _ := fresh.Iterate()
	b, _, _, _, _ := saved.Iterate()
	if len(a) != len(b) {
		return fmt.Errorf("it has %d parameters, not %d", len(b), len(a))
	}
	want, err := json.Marshal(settings(fresh))
	if err != nil {
		return err
	}
	got, err := json.Marshal(settings(saved))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("its settings are %s, not %s", abbreviate(got), abbreviate(want))
	}
	return nil
}

func abbreviate(text []byte) []byte {
	const most = 200
	if len(text) > most {
		return append(text[:most:most], "…"...)
	}
	return text
}

// settings are the parts of a state that no step changes.
func settings(m Method) any {
	type rate struct {
		Alpha              float64
		Steps, Batch, Rows int
		Seed               uint64
	}
	switch m := m.(type) {
	case *GradientDescent:
		return rate{Alpha: m.s.Alpha, Steps: m.s.Steps}
	case *SGD:
		return rate{m.s.Alpha, m.s.Steps, m.s.Batch, m.s.Rows, m.s.Seed}
	case *LBFGS:
		return m.s.Options
	case *Newton:
		return m.s.Options
	case *Proximal:
		return struct {
			Options Options
			L1      []float64
		}{m.s.Options, m.s.L1}
	}
	return nil
}

func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// MarshalJSON writes the state.
func (d *GradientDescent) MarshalJSON() ([]byte, error) { return json.Marshal(d.s) }

// MarshalJSON writes the state.
func (d *SGD) MarshalJSON() ([]byte, error) { return json.Marshal(d.s) }

// MarshalJSON writes the state.
func (l *LBFGS) MarshalJSON() ([]byte, error) { return json.Marshal(l.s) }

// MarshalJSON writes the state.
func (n *Newton) MarshalJSON() ([]byte, error) { return json.Marshal(n.s) }

// sizes checks that every vector is empty or as long as theta; must says that it may not be empty.
func sizes(theta []float64, must bool, vectors ...[]float64) error {
	for _, v := range vectors {
		if len(v) != len(theta) && (must || v != nil) {
			return fmt.Errorf("a vector has %d values, theta has %d", len(v), len(theta))
		}
	}
	return nil
}

// UnmarshalJSON reads and checks a state.
func (d *GradientDescent) UnmarshalJSON(text []byte) error {
	var s descentState
	if err := strict(text, &s); err != nil {
		return err
	}
	if _, err := NewGradientDescent(s.Theta, s.Alpha, s.Steps); err != nil {
		return err
	}
	if s.Step < 0 || s.Step > s.Steps {
		return fmt.Errorf("step %d of %d", s.Step, s.Steps)
	}
	if err := sizes(s.Theta, s.Known, s.Grad); err != nil {
		return err
	}
	d.s = s
	return nil
}

// UnmarshalJSON reads and checks a state.
func (d *SGD) UnmarshalJSON(text []byte) error {
	var s sgdState
	if err := strict(text, &s); err != nil {
		return err
	}
	if _, err := NewSGD(s.Theta, s.Alpha, s.Steps, s.Batch, s.Rows, s.Seed); err != nil {
		return err
	}
	if s.Step < 0 || s.Step > s.Steps || s.Batch > s.Rows {
		return fmt.Errorf("step %d of %d, batch %d of %d rows", s.Step, s.Steps, s.Batch, s.Rows)
	}
	if err := sizes(s.Theta, true, s.Average); err != nil {
		return err
	}
	if err := sizes(s.Theta, s.Started, s.Grad); err != nil {
		return err
	}
	*d = SGD{s: s, of: -1}
	return nil
}

// UnmarshalJSON reads and checks a state.
func (l *LBFGS) UnmarshalJSON(text []byte) error {
	var s lbfgsState
	if err := strict(text, &s); err != nil {
		return err
	}
	if err := checkStart(s.Theta); err != nil {
		return err
	}
	if _, err := s.Options.check(len(s.Theta), 0); err != nil {
		return err
	}
	if err := s.Phase.check(); err != nil {
		return err
	}
	if s.Phase == solving || s.Phase == diagonal {
		return fmt.Errorf("phase %q is not one of this method", s.Phase)
	}
	if len(s.S) != len(s.Y) || len(s.S) > lbfgsMemory {
		return fmt.Errorf("%d and %d pairs", len(s.S), len(s.Y))
	}
	if err := sizes(s.Theta, s.Known, s.Grad); err != nil {
		return err
	}
	if err := sizes(s.Theta, s.Phase == searching, s.D, s.Diag); err != nil {
		return err
	}
	for i := range s.S {
		if err := sizes(s.Theta, true, s.S[i], s.Y[i]); err != nil {
			return err
		}
	}
	if s.Phase != atStart && !s.Known {
		return fmt.Errorf("phase %q without a gradient", s.Phase)
	}
	l.s = s
	return nil
}

// UnmarshalJSON reads and checks a state.
func (n *Newton) UnmarshalJSON(text []byte) error {
	var s newtonState
	if err := strict(text, &s); err != nil {
		return err
	}
	if err := checkStart(s.Theta); err != nil {
		return err
	}
	if _, err := s.Options.check(len(s.Theta), 0); err != nil {
		return err
	}
	if err := s.Phase.check(); err != nil {
		return err
	}
	if err := sizes(s.Theta, s.Known, s.Grad); err != nil {
		return err
	}
	if err := sizes(s.Theta, s.Phase == searching, s.D); err != nil {
		return err
	}
	c := &s.CG
	if err := sizes(s.Theta, s.Phase == solving, c.Diag, c.X, c.R, c.P); err != nil {
		return err
	}
	n.s = s
	borders := n.borders() || n.shares()
	if err := sizes(s.Theta, s.Phase == solving && s.Sample == nil && !borders, c.M); err != nil {
		return err
	}
	if borders && (s.Phase == diagonal || s.Phase == solving) {
		if s.Mould == nil {
			return fmt.Errorf("phase %q without a mould", s.Phase)
		}
		if err := sizes(s.Theta, true, c.Diag, s.Mould.At, s.Mould.Diag); err != nil {
			return err
		}
	}
	if err := sizes(s.Theta, false, s.Rare); err != nil {
		return err
	}
	if s.Phase != atStart && !s.Known {
		return fmt.Errorf("phase %q without a gradient", s.Phase)
	}
	if size := len(s.Theta); len(s.Sample) != size*size && (s.Sample != nil || s.Phase == diagonal && !borders) {
		return fmt.Errorf("the sampled Hessian has %d values, want %d", len(s.Sample), size*size)
	}
	for j := range s.Theta {
		if s.Sample != nil && s.Phase == solving && !(s.Sample[j*len(s.Theta)+j] > 0) {
			return fmt.Errorf("the sampled Hessian has a diagonal entry that is not positive")
		}
	}
	if s.Rows < 0 || !(s.Part >= 0 && s.Part < 1) {
		return fmt.Errorf("%d rows, a part of %g", s.Rows, s.Part)
	}
	*n = Newton{s: s}
	return nil
}
