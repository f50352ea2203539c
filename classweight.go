package descent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/descent-ml/descent/internal/scalar"
)

// ClassWeight says how much more the rows of a class count in the training than they are: Balanced is m/(K·m_k) for class k of K with Σ s = m_k, so that all classes weigh
// the same; Of is by level, 1 for a level that is not named. The zero value weighs nothing.
//
// A model that is trained so believes in another share of the classes. Its intercepts are therefore corrected by -log of the weight (King and Zeng 2001), so that
// probabilities are those of the data; with two classes the threshold is moved as well, so that labels are those of the weighted training.
type ClassWeight struct {
	Balanced bool               `json:"balanced,omitempty"`
	Of       map[string]float64 `json:"of,omitempty"`
}

func (w ClassWeight) on() bool { return w.Balanced || len(w.Of) > 0 }

// Reweighting is what class weights did.
type Reweighting struct {
	Classes []ReweightedClass `json:"classes"`
	// Threshold of two classes at which labels are those of the weighted training: w_0/(w_0 + w_1). Nil where Config.Decision chooses another.
	Threshold *float64 `json:"threshold"`
	// Mean loss -log of the probability of a row's class, as trained and corrected.
	LogLossTrained *float64 `json:"log_loss_as_trained"`
	LogLoss        *float64 `json:"log_loss"`
}

// ReweightedClass is one class: its share of the training rows and the mean probability that the model gives it, as trained and corrected; and its intercept (of two
// classes that of class 1).
type ReweightedClass struct {
	Level      string   `json:"level"`
	Weight     float64  `json:"weight"`
	Rate       float64  `json:"rate"`
	Trained    float64  `json:"mean_probability_as_trained"`
	Corrected  float64  `json:"mean_probability"`
	Intercept  *float64 `json:"intercept_as_trained,omitempty"` // original units
	Correction *float64 `json:"correction,omitempty"`           // what was added to it
}

// checkWeights says what of grouped counts and class weights cannot be meant.
func (c *Config) checkWeights() error {
	g := &c.Columns
	if g.Successes != "" || g.Failures != "" {
		switch {
		case g.Successes == "" || g.Failures == "":
			return errors.New("successes and failures belong together: name both columns")
		case g.Successes == g.Failures:
			return fmt.Errorf("column %q is both successes and failures", g.Successes)
		case c.Target != "":
			return errors.New("target and successes: the counts are the target; leave target out")
		case g.Weight != "":
			return errors.New("weight and successes: the counts are the weights; leave weight out")
		case c.Labels.Positive != "" || c.Labels.Softmax || c.Labels.Reference != "" || c.Labels.AgainstRest:
			return errors.New("successes are class 1 and failures class 0: there are no labels to choose among")
		case c.Solver.Method == "sgd" || c.layered():
			return errors.New("successes and failures are for the solvers of the full gradient, without a hidden layer")
		}
		for _, name := range []string{g.Successes, g.Failures} {
			if name == g.Offset || slices.Contains(g.Categorical, name) {
				return fmt.Errorf("column %q is counts and cannot be given another role or type", name)
			}
		}
	}
	w := &c.ClassWeight
	if !w.on() {
		return nil
	}
	for _, level := range slices.Sorted(maps.Keys(w.Of)) {
		if v := w.Of[level]; !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("class-weight %s=%v: want a number over 0", level, v)
		}
	}
	i := &c.Inference
	switch {
	case w.Balanced && len(w.Of) > 0:
		return errors.New("class-weight: balanced, or weights by level")
	case c.layered():
		return errors.New("class-weight with a hidden layer: there is no intercept that could be corrected")
	case i.Firth || i.LikelihoodRatio || i.Margins || i.Diagnostics:
		return errors.New("class-weight with firth, lr, margins or diagnostics: class weights are no rows, so there is no likelihood; robust and bootstrap are valid")
	}
	return nil
}

// reweight multiplies the row weights by those of the classes; weight is Σ s by class.
func (f *fit) reweight(weight []float64) error {
	c := &f.config.ClassWeight
	if !c.on() {
		return nil
	}
	of := make([]float64, len(weight))
	for k := range of {
		of[k] = 1
		if c.Balanced {
			of[k] = f.result.WeightSum / (float64(len(of)) * weight[k])
		}
	}
	for _, level := range slices.Sorted(maps.Keys(c.Of)) {
		k, ok := f.classes.Index(level)
		if !ok || f.classes.AgainstRest && k == 0 && f.classes.Levels[0] != level {
			return f.table.At(-1, f.target, "class-weight: there is no class %q; the classes are %s", level, strings.Join(f.classes.Levels, ", "))
		}
		of[k] = c.Of[level]
	}
	f.frequency, f.classWeight, f.frequencySum = f.learnt.Weights, of, f.result.WeightSum
	s := make([]float64, f.table.Rows)
	f.result.WeightSum = 0
	for _, row := range f.learnt.Rows {
		s[row] = weightOf(f.frequency, row) * of[f.label[row]]
		f.result.WeightSum += s[row]
	}
	f.learnt.Weights = s
	return nil
}

// correct takes log w_k off the intercepts, and says what that does.
func (f *fit) correct(ctx context.Context) error {
	if f.classWeight == nil {
		return nil
	}
	r := f.result
	f.trained = slices.Clone(f.theta)
	K, n := f.classes.Sets(), len(f.kept)
	shift := make([]float64, K)
	for k := range shift {
		shift[k] = f.priorShift(k)
	}
	trained := make([]float64, K)
	unit := f.units()
	for k := range trained {
		trained[k] = unit.Weights(f.set(k))[n]
		f.theta[K*n+k] += shift[k]
	}
	f.settle()
	out := &Reweighting{}
	r.ClassWeight = out
	for k, level := range f.classes.Levels {
		c := ReweightedClass{Level: level, Weight: f.classWeight[k]}
		if i := k + K - len(f.classes.Levels); i >= 0 {
			change := unit.Weights(f.set(i))[n] - trained[i]
			c.Intercept, c.Correction = number(trained[i]), number(change)
		}
		out.Classes = append(out.Classes, c)
	}
	if K == 1 && !f.config.Decision.on() {
		out.Threshold = number(f.classWeight[0] / (f.classWeight[0] + f.classWeight[1]))
	}
	if r.Verdict == Diverging {
		return nil
	}
	if err := f.atOptimum(ctx); err != nil {
		return err
	}
	z, err := f.objective.Kept(ctx, "head")
	if errors.Is(err, context.Canceled) {
		return err
	} else if err != nil {
		return nil
	}
	sums := make([][2]scalar.Sum, len(out.Classes))
	rate := make([]scalar.Sum, len(out.Classes))
	var loss [2]scalar.Sum
	for i, row := range f.learnt.Rows {
		s := weightOf(f.frequency, row)
		rate[f.label[row]].Add(s)
		for version := range 2 {
			if K == 1 {
				u := -z[i] - float64(version)*shift[0]
				q, p := scalar.Sigmoids(u)
				sums[0][version].Add(s * q)
				sums[1][version].Add(s * p)
				if f.label[row] == 0 {
					u = -u
				}
				loss[version].Add(s * (math.Max(u, 0) + math.Log1p(math.Exp(-math.Abs(u)))))
				continue
			}
			v := slices.Clone(z[i*K : i*K+K])
			for k := range v {
				v[k] += float64(version) * shift[k]
			}
			top, total := slices.Max(v), 0.0
			for k := range v {
				v[k] = math.Exp(v[k] - top)
				total += v[k]
			}
			for k := range v {
				sums[k][version].Add(s * v[k] / total)
			}
			at := z[i*K+int(f.label[row])] + float64(version)*shift[f.label[row]]
			loss[version].Add(s * (math.Log(total) + top - at))
		}
	}
	for k := range out.Classes {
		c := &out.Classes[k]
		c.Rate, c.Trained, c.Corrected = rate[k].Value()/f.frequencySum, sums[k][0].Value()/f.frequencySum, sums[k][1].Value()/f.frequencySum
	}
	out.LogLossTrained, out.LogLoss = number(loss[0].Value()/f.frequencySum), number(loss[1].Value()/f.frequencySum)
	moved := ""
	if out.Threshold != nil {
		moved = fmt.Sprintf("; labels are those of the weighted training, by the threshold %.4g", *out.Threshold)
	}
	return f.note("classes are weighted, and the intercept is corrected for it, so that probabilities are those of the data (exactly where the log-odds are linear in the columns, else nearly; --recalibrate corrects the rest)%s", moved)
}

// priorShift is what class weights add to the intercept of a set of weights.
func (f *fit) priorShift(set int) float64 {
	switch {
	case f.classWeight == nil:
		return 0
	case len(f.classWeight) == 2:
		return math.Log(f.classWeight[0] / f.classWeight[1])
	}
	return -math.Log(f.classWeight[set])
}
