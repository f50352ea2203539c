package descent

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/descent-ml/descent/encode"
)

// startAt is the point at which the solver begins: the weights of Run.Init, else zeros.
func (f *fit) startAt() ([]float64, error) {
	theta := make([]float64, f.objective.Size())
	if m := f.config.Run.Init; m != nil {
		if err := f.fromModel(m, theta); err != nil {
			return nil, fmt.Errorf("init: %w", err)
		}
	}
	if f.gauge == nil {
		return theta, nil
	}
	free := make([]float64, f.gauge.Size())
	f.gauge.gather(theta, free)
	return free, nil
}

// fromModel writes the weights of a model into θ = (W̃, b̃), in the solver's coordinates. A term that the model does not have stays 0.
func (f *fit) fromModel(m *Model, theta []float64) error {
	if m.layers != nil {
		return errors.New("the model has a hidden layer, this training has none")
	}
	class, err := f.classesOf(m)
	if err != nil {
		return err
	}
	at, err := f.termsOf(m)
	if err != nil {
		return err
	}
	n, K := len(f.kept), f.classes.Sets()
	used := 0
	for i := range K {
		bias := m.file.Intercepts[class[i]]
		for j := range f.kept {
			if at[j] < 0 {
				continue
			}
			used++
			w := m.file.Terms[at[j]].Weights[class[i]]
			center, scale := 0.0, 1.0
			if f.matrix.Scale != nil {
				center, scale = f.matrix.Center[j], f.matrix.Scale[j]
			}
			theta[i*n+j] = w / scale
			bias += float64(w * center)
		}
		theta[K*n+i] = bias
	}
	if used == 0 {
		return fmt.Errorf("the model has none of the inputs of this training; it reads %s", someNames(m.Terms()))
	}
	for j, v := range theta {
		if v-v != 0 {
			return fmt.Errorf("the weight %d of the model is %v in the units of these columns", j+1, v)
		}
	}
	f.moveToReference(theta)
	var missing []string
	for j, t := range f.kept {
		if at[j] < 0 {
			missing = append(missing, f.learnt.Encoding.Terms[t].Name)
		}
	}
	if missing != nil {
		return f.note("the model that the training starts from has no weight for %s; these start at 0", someNames(missing))
	}
	return nil
}

// moveToReference takes off, of more than two classes, what the solver holds at 0: the weights of the reference class, or with a penalty its bias.
func (f *fit) moveToReference(theta []float64) {
	if f.gauge == nil {
		return
	}
	n, K, ref := len(f.kept), f.classes.Sets(), f.classes.Reference
	if !f.config.Penalty.on() {
		for j := range n {
			w := theta[ref*n+j]
			for k := range K {
				theta[k*n+j] -= w
			}
		}
	}
	b := theta[K*n+ref]
	for k := range K {
		theta[K*n+k] -= b
	}
}

// classesOf says which set of weights of the model belongs to each of this training.
func (f *fit) classesOf(m *Model) ([]int, error) {
	ours, theirs := f.classes.Levels, m.file.Classes.Levels
	if f.classes.Sets() == 1 {
		if slices.Equal(ours, theirs) {
			return []int{0}, nil
		}
		if len(theirs) == 2 && ours[0] == theirs[1] && ours[1] == theirs[0] {
			return nil, fmt.Errorf("the model's positive class is %q, here it is %q; --positive %s makes them agree", theirs[1], ours[1], theirs[1])
		}
	}
	class := make([]int, len(ours))
	for k, level := range ours {
		class[k] = slices.Index(theirs, level)
		if class[k] < 0 || len(ours) != len(theirs) || f.classes.Sets() == 1 {
			return nil, fmt.Errorf("the model's classes are %s, here they are %s", someNames(theirs), someNames(ours))
		}
	}
	return class, nil
}

// termsOf says which term of the model is each kept term of this training: -1 for one that it does not have.
func (f *fit) termsOf(m *Model) ([]int, error) {
	e := f.learnt.Encoding
	for i := range e.Columns {
		c := &e.Columns[i]
		j := slices.IndexFunc(m.file.Columns, func(o encode.Column) bool { return o.Name == c.Name })
		if j >= 0 && (m.file.Columns[j].Type == encode.Numeric) != (c.Type == encode.Numeric) {
			return nil, fmt.Errorf("column %q holds %s in the model and %s here", c.Name, m.file.Columns[j].Type, c.Type)
		}
	}
	type key struct{ column, kind, level string }
	where := make(map[key]int, len(m.file.Terms))
	for i, t := range m.file.Terms {
		where[key{t.Column, t.Kind, t.Level}] = i
	}
	at := make([]int, len(f.kept))
	for j, term := range f.kept {
		t := e.Terms[term]
		i, ok := where[key{t.Column, t.Kind, t.Level}]
		if !ok {
			i = -1
		}
		at[j] = i
	}
	return at, nil
}

// startLayers is where a start of a hidden layer begins: at the parameters of Run.Init, in the coordinates of the standardised columns, or at random.
func (f *fit) startLayers(seed uint64) ([]float64, error) {
	m := f.config.Run.Init
	if m == nil {
		return start(f.cost.parameters, seed), nil
	}
	if m.layers == nil {
		return nil, errors.New("init: the model has no hidden layer, this training has one")
	}
	if _, err := f.classesOf(m); err != nil || !slices.Equal(f.classes.Levels, m.file.Classes.Levels) {
		return nil, fmt.Errorf("init: the model's classes are %s, here they are %s", someNames(m.file.Classes.Levels), someNames(f.classes.Levels))
	}
	var ours []string
	for _, t := range f.kept {
		ours = append(ours, f.learnt.Encoding.Terms[t].Name)
	}
	if theirs := m.Terms(); !slices.Equal(ours, theirs) {
		return nil, fmt.Errorf("init: a hidden layer starts from a model of the same inputs in the same order: the model has %s, this training %s", someNames(theirs), someNames(ours))
	}
	if a, b := equationLines(f.config.Equations), m.file.Equations; !slices.Equal(a, b) {
		return nil, fmt.Errorf("init: a hidden layer starts from a model of the same equations: the model has %s, this training %s", strings.Join(b, "; "), strings.Join(a, "; "))
	}
	var theta []float64
	for i := range f.cost.parameters {
		if i >= len(m.file.Parameters) {
			return nil, errors.New("init: the model lacks a parameter")
		}
		v, err := f.cost.parameters[i].read(&m.file.Parameters[i])
		if err != nil {
			return nil, fmt.Errorf("init: %w", err)
		}
		theta = append(theta, v...)
	}
	return theta, nil
}

// someNames are the first few of a list.
func someNames(names []string) string {
	const most = 8
	shown := make([]string, 0, most)
	for _, n := range names[:min(len(names), most)] {
		shown = append(shown, fmt.Sprintf("%q", n))
	}
	if more := len(names) - most; more > 0 {
		return strings.Join(shown, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(shown, ", ")
}
