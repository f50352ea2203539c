package descent

import (
	"errors"
	"fmt"

	"github.com/descent-ml/descent/metric"
)

// Decision says how the threshold above which a row is called positive is chosen; the zero value is 0.5, with ClassWeight that of the weighted training. Two classes. One of the
// two fields may be set.
type Decision struct {
	Cost *metric.Cost // fp/(fp + fn): the decision of least expected cost (Elkan 2001)
	// For is what the decisions must reach, on the test rows if there are any, else on the rows that a recalibration left out, else on the training rows.
	For *metric.Constraint
}

func (d *Decision) on() bool { return d.Cost != nil || d.For != nil }

// ThresholdChoice is how a threshold came about.
type ThresholdChoice struct {
	Threshold float64            `json:"threshold"`
	Cost      *metric.Cost       `json:"cost,omitempty"`
	For       *metric.Constraint `json:"for,omitempty"`
	Reached   *float64           `json:"reached,omitempty"` // of For, on these rows
	On        string             `json:"on,omitempty"`      // the rows on which For was met: test rows, rows left out in folds, training rows

	Train *DecisionCost `json:"train,omitempty"` // with Cost: of the training rows
	Test  *DecisionCost `json:"test,omitempty"`
}

// DecisionCost is what the decisions on some rows cost: in total and a row, and what they would cost in total at the threshold 0.5.
type DecisionCost struct {
	Total  float64 `json:"total"`
	Mean   float64 `json:"mean"`
	AtHalf float64 `json:"total_at_half"`
}

// thresholdRecord is what a model keeps of it.
type thresholdRecord struct {
	Cost *metric.Cost       `json:"cost,omitempty"`
	For  *metric.Constraint `json:"for,omitempty"`
	On   string             `json:"on,omitempty"`
}

const (
	onTest     = "test rows"
	onLeftOut  = "rows left out in folds"
	onTraining = "training rows"
)

func (c *Config) checkDecision() error {
	d := &c.Decision
	switch {
	case d.Cost != nil && d.For != nil:
		return errors.New("cost and threshold-for: choose one; each says what the threshold is")
	case d.Cost != nil:
		if err := d.Cost.Check(); err != nil {
			return fmt.Errorf("cost: %w", err)
		}
	case d.For != nil:
		if err := d.For.Check(); err != nil {
			return fmt.Errorf("threshold-for: %w", err)
		}
	}
	return nil
}

// twoClasses says which of the options that choose a threshold or a probability cannot be had of more classes.
func (f *fit) twoClasses() error {
	for _, o := range []struct {
		name  string
		asked bool
	}{{"cost", f.config.Decision.Cost != nil}, {"threshold-for", f.config.Decision.For != nil}, {"recalibrate", f.config.Recalibrate != ""}} {
		if err := f.forTwo(o.name, o.asked); err != nil {
			return err
		}
	}
	return nil
}

// threshold is that of the model, as far as it is known before its measures.
func (f *fit) threshold() float64 {
	if c := f.config.Decision.Cost; c != nil {
		return c.Threshold()
	}
	if w := f.result.ClassWeight; w != nil && w.Threshold != nil {
		return *w.Threshold
	}
	return 0.5
}

// decide chooses the threshold that meets Decision.For, and files how it came about. known are the scores of the training rows, nil if they are gone; test are those of the
// test rows, nil if there are none.
func (f *fit) decide(known, test *scores) error {
	d := &f.config.Decision
	if !d.on() {
		return nil
	}
	out := &ThresholdChoice{Cost: d.Cost, For: d.For}
	file := &f.model.file
	f.result.Threshold = out
	if d.Cost != nil {
		out.Threshold = file.Threshold
		if err := f.note("the threshold is %.4g, fp/(fp + fn) of the costs %v: the decision of least expected cost where probabilities are right", out.Threshold, d.Cost); err != nil {
			return err
		}
	} else {
		var rows metric.Rows
		caution := "; measured on the rows that it was chosen on, it promises a little too much for others"
		switch {
		case test != nil:
			rows, out.On = test.binary(judge{}), onTest
		case f.recalibration != nil:
			rows, out.On = recalibrated(&f.recalibration.Map, f.leftOutRows), onLeftOut
		default:
			rows, out.On, caution = known.binary(judge{}), onTraining, ", which the model knows, so that other rows will fall short of it (holdout, test or recalibrate give rows that it does not know)"
		}
		t, decisions, err := d.For.Threshold(rows)
		if err != nil {
			return fmt.Errorf("threshold-for %v: %s: %w", d.For, out.On, err)
		}
		file.Threshold, out.Threshold, out.Reached = t, t, number(d.For.Of(decisions))
		if err := f.note("the threshold %.4g gives a %s of %.4g on the %d %s%s", t, d.For.Measure, *out.Reached, len(rows.LogOdds), out.On, caution); err != nil {
			return err
		}
	}
	file.ThresholdBy = &thresholdRecord{d.Cost, d.For, out.On}
	var err error
	if d.Cost != nil && known != nil {
		if out.Train, err = known.cost(*d.Cost, out.Threshold); err != nil {
			return err
		}
	}
	if d.Cost != nil && test != nil {
		out.Test, err = test.cost(*d.Cost, out.Threshold)
	}
	return err
}

// cost of the decisions at a threshold.
func (s *scores) cost(c metric.Cost, threshold float64) (*DecisionCost, error) {
	rows := s.binary(judge{})
	at, err := rows.CostAt(c, threshold)
	if err != nil {
		return nil, err
	}
	half, err := rows.CostAt(c, 0.5)
	return &DecisionCost{Total: at.Total, Mean: at.Mean, AtHalf: half.Total}, err
}

// checkThreshold says what is wrong with what a file says of the threshold.
func (f *modelFile) checkThreshold() error {
	if !(f.Threshold >= 0 && f.Threshold <= 1) {
		return fmt.Errorf("the threshold %v is not in [0, 1]", f.Threshold)
	}
	by := f.ThresholdBy
	if by == nil {
		return nil
	}
	d := Config{Decision: Decision{Cost: by.Cost, For: by.For}}
	if err := d.checkDecision(); err != nil {
		return fmt.Errorf("the threshold of the model: %w", err)
	}
	switch {
	case by.Cost == nil && by.For == nil:
		return errors.New("the model says that its threshold was chosen, and not by what")
	case f.sets() > 1:
		return errors.New("the model has a threshold that was chosen, which is for two classes")
	}
	return nil
}

// ThresholdBy says how the threshold was chosen, in words; "" is not at all.
func (m *Model) ThresholdBy() string {
	by := m.file.ThresholdBy
	switch {
	case by == nil && m.file.Training.ClassWeights != nil && m.file.sets() == 1:
		return "at which labels are those of the weighted training"
	case by == nil:
		return ""
	case by.Cost != nil:
		return fmt.Sprintf("fp/(fp + fn) of the costs %v", by.Cost)
	}
	return fmt.Sprintf("%v on the %s", by.For, by.On)
}
