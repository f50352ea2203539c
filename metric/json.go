package metric

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// nullable is a number that JSON writes as null where it is NaN or infinite, and reads back as NaN.
type nullable float64

func (n nullable) MarshalJSON() ([]byte, error) {
	if f := float64(n); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return json.Marshal(f)
	}
	return []byte("null"), nil
}

func (n *nullable) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*n = nullable(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

type metricsJSON struct {
	Rows             int         `json:"rows"`
	WeightSum        *float64    `json:"weight_sum,omitempty"`
	Positives        int         `json:"positives"`
	LogLoss          nullable    `json:"log_loss"`
	Brier            nullable    `json:"brier"`
	Accuracy         nullable    `json:"accuracy"`
	AUC              nullable    `json:"auc"`
	AveragePrecision nullable    `json:"average_precision"`
	F1               nullable    `json:"f1"`
	Sensitivity      nullable    `json:"sensitivity"`
	Specificity      nullable    `json:"specificity"`
	Precision        nullable    `json:"precision"`
	Threshold        nullable    `json:"threshold"`
	Confusion        Confusion   `json:"confusion"`
	Calibration      Calibration `json:"calibration"`
	Intervals        *Intervals  `json:"intervals,omitempty"`
	Constant         *Constant   `json:"constant,omitempty"`
}

type confusionJSON struct {
	Levels []string    `json:"levels"`
	Counts [][]float64 `json:"counts"`
}

type classesJSON struct {
	Rows      int           `json:"rows"`
	LogLoss   nullable      `json:"log_loss"`
	Brier     nullable      `json:"brier"`
	Accuracy  nullable      `json:"accuracy"`
	AUC       nullable      `json:"auc"`
	MacroF1   nullable      `json:"macro_f1"`
	Confusion confusionJSON `json:"confusion"`
	PerClass  []ClassScores `json:"per_class"`
	Intervals *Intervals    `json:"intervals,omitempty"`
	Constant  *Constant     `json:"constant,omitempty"`
}

// MarshalJSON writes the keys of the command line's contract, those of classes by name if PerClass is not nil; undefined values are null.
func (m Metrics) MarshalJSON() ([]byte, error) {
	if m.PerClass != nil {
		return marshal(classesJSON{
			Rows: m.Rows, LogLoss: nullable(m.LogLoss), Brier: nullable(m.Brier), Accuracy: nullable(m.Accuracy),
			AUC: nullable(m.AUC), MacroF1: nullable(m.MacroF1),
			Confusion: confusionJSON{m.Levels, m.Counts}, PerClass: m.PerClass, Intervals: m.Intervals, Constant: m.Constant,
		})
	}
	j := metricsJSON{
		Rows: m.Rows, Positives: m.Positives,
		LogLoss: nullable(m.LogLoss), Brier: nullable(m.Brier), Accuracy: nullable(m.Accuracy),
		AUC: nullable(m.AUC), AveragePrecision: nullable(m.AveragePrecision), F1: nullable(m.F1),
		Sensitivity: nullable(m.Confusion.Sensitivity()), Specificity: nullable(m.Confusion.Specificity()), Precision: nullable(m.Confusion.Precision()),
		Threshold: nullable(m.Threshold), Confusion: m.Confusion, Calibration: m.Calibration, Intervals: m.Intervals, Constant: m.Constant,
	}
	if m.WeightSum != float64(m.Rows) {
		j.WeightSum = &m.WeightSum
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes; "per_class" tells which. null becomes NaN, an unknown key is an error, as are
// levels, counts and per_class of different lengths.
func (m *Metrics) UnmarshalJSON(b []byte) error {
	var which struct {
		PerClass json.RawMessage `json:"per_class"`
	}
	if err := json.Unmarshal(b, &which); err != nil {
		return err
	}
	if which.PerClass != nil {
		return m.unmarshalClasses(b)
	}
	var j metricsJSON
	if err := strict(b, &j); err != nil {
		return err
	}
	*m = Metrics{
		Rows: j.Rows, Positives: j.Positives, WeightSum: float64(j.Rows),
		LogLoss: float64(j.LogLoss), Brier: float64(j.Brier), Accuracy: float64(j.Accuracy),
		AUC: float64(j.AUC), AveragePrecision: float64(j.AveragePrecision), F1: float64(j.F1),
		Threshold: float64(j.Threshold), Confusion: j.Confusion, Calibration: j.Calibration, Intervals: j.Intervals, Constant: j.Constant,
	}
	if j.WeightSum != nil {
		m.WeightSum = *j.WeightSum
	}
	return nil
}

func (m *Metrics) unmarshalClasses(b []byte) error {
	var j classesJSON
	if err := strict(b, &j); err != nil {
		return err
	}
	K := len(j.PerClass)
	if K < 2 || len(j.Confusion.Levels) != K || len(j.Confusion.Counts) != K {
		return fmt.Errorf("metric: %d classes in per_class, %d levels and %d rows of counts in confusion", K, len(j.Confusion.Levels), len(j.Confusion.Counts))
	}
	for k, c := range j.PerClass {
		if c.Level != j.Confusion.Levels[k] {
			return fmt.Errorf("metric: class %q in per_class is %q in confusion", c.Level, j.Confusion.Levels[k])
		}
		if n := len(j.Confusion.Counts[k]); n != K {
			return fmt.Errorf("metric: %d counts of class %q for %d classes", n, c.Level, K)
		}
	}
	*m = Metrics{Rows: j.Rows, Levels: j.Confusion.Levels, Counts: j.Confusion.Counts, PerClass: j.PerClass, Intervals: j.Intervals, Constant: j.Constant}
	m.countClasses()
	m.LogLoss, m.Brier, m.Accuracy = float64(j.LogLoss), float64(j.Brier), float64(j.Accuracy)
	m.AUC, m.MacroF1 = float64(j.AUC), float64(j.MacroF1)
	return nil
}

type classScoresJSON struct {
	Level     string   `json:"level"`
	Rows      int      `json:"rows"`
	Precision nullable `json:"precision"`
	Recall    nullable `json:"recall"`
	F1        nullable `json:"f1"`
	AUC       nullable `json:"auc"`
}

// MarshalJSON writes level, rows, precision, recall, f1 and auc; undefined values are null.
func (c ClassScores) MarshalJSON() ([]byte, error) {
	return marshal(classScoresJSON{c.Level, c.Rows, nullable(c.Precision), nullable(c.Recall), nullable(c.F1), nullable(c.AUC)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *ClassScores) UnmarshalJSON(b []byte) error {
	var j classScoresJSON
	if err := strict(b, &j); err != nil {
		return err
	}
	*c = ClassScores{j.Level, j.Rows, float64(j.Precision), float64(j.Recall), float64(j.F1), float64(j.AUC)}
	return nil
}

// marshal leaves a level such as "<50K" as it is, unless the caller's encoder does not.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

type calibrationJSON struct {
	Slope     nullable `json:"slope"`
	Intercept nullable `json:"intercept"`
	Bins      []Bin    `json:"bins"`
}

// MarshalJSON writes slope, intercept and bins; undefined values are null, no bins are an empty list.
func (c Calibration) MarshalJSON() ([]byte, error) {
	bins := c.Bins
	if bins == nil {
		bins = []Bin{}
	}
	return json.Marshal(calibrationJSON{nullable(c.Slope), nullable(c.Intercept), bins})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Calibration) UnmarshalJSON(b []byte) error {
	var j calibrationJSON
	if err := strict(b, &j); err != nil {
		return err
	}
	*c = Calibration{Slope: float64(j.Slope), Intercept: float64(j.Intercept), Bins: j.Bins}
	return nil
}

func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("metric: text after the JSON value")
	}
	return nil
}

// MarshalJSON writes [low, high], or null where there is none.
func (i Interval) MarshalJSON() ([]byte, error) {
	if math.IsNaN(i[0]) || math.IsNaN(i[1]) {
		return []byte("null"), nil
	}
	return json.Marshal([2]nullable{nullable(i[0]), nullable(i[1])})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (i *Interval) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*i = noInterval
		return nil
	}
	return json.Unmarshal(b, (*[2]float64)(i))
}

type intervalsJSON struct {
	Confidence       float64    `json:"conf"`
	Method           string     `json:"method"`
	LogLoss          Interval   `json:"log_loss"`
	Brier            Interval   `json:"brier"`
	Accuracy         Interval   `json:"accuracy"`
	AUC              Interval   `json:"auc"`
	AveragePrecision Interval   `json:"average_precision"`
	F1               Interval   `json:"f1"`
	Sensitivity      Interval   `json:"sensitivity"`
	Specificity      Interval   `json:"specificity"`
	Precision        Interval   `json:"precision"`
	Slope            Interval   `json:"calibration_slope"`
	Intercept        Interval   `json:"calibration_intercept"`
	Bins             []Interval `json:"calibration_bins"`
}

type classesIntervalsJSON struct {
	Confidence float64              `json:"conf"`
	Method     string               `json:"method"`
	LogLoss    Interval             `json:"log_loss"`
	Brier      Interval             `json:"brier"`
	Accuracy   Interval             `json:"accuracy"`
	AUC        Interval             `json:"auc"`
	MacroF1    Interval             `json:"macro_f1"`
	PerClass   []classIntervalsJSON `json:"per_class"`
}

type classIntervalsJSON struct {
	Precision Interval `json:"precision"`
	Recall    Interval `json:"recall"`
	F1        Interval `json:"f1"`
	AUC       Interval `json:"auc"`
}

const (
	methodText = "log_loss, brier: mean ± q·sd/√m; accuracy, sensitivity, specificity, precision, calibration_bins: Wilson; f1: Wilson of tp/(tp+fp+fn); " +
		"auc: DeLong; average_precision: influence function, logit; calibration_slope, calibration_intercept: logistic regression"
	classMethodText = "log_loss, brier: mean ± q·sd/√m; accuracy, precision, recall: Wilson; f1: Wilson of tp/(tp+fp+fn); auc: DeLong; macro_f1: delta method"
)

// MarshalJSON writes conf, method (in words) and an interval for each measure: those of classes by name if PerClass is not nil.
func (v Intervals) MarshalJSON() ([]byte, error) {
	if v.PerClass == nil {
		j := intervalsJSON{v.Confidence, methodText, v.LogLoss, v.Brier, v.Accuracy, v.AUC, v.AveragePrecision, v.F1,
			v.Sensitivity, v.Specificity, v.Precision, v.Slope, v.Intercept, v.Bins}
		if j.Bins == nil {
			j.Bins = []Interval{}
		}
		return marshal(j)
	}
	j := classesIntervalsJSON{v.Confidence, classMethodText, v.LogLoss, v.Brier, v.Accuracy, v.AUC, v.MacroF1, nil}
	for _, c := range v.PerClass {
		j.PerClass = append(j.PerClass, classIntervalsJSON(c))
	}
	return marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Intervals) UnmarshalJSON(b []byte) error {
	var which struct {
		PerClass json.RawMessage `json:"per_class"`
	}
	if err := json.Unmarshal(b, &which); err != nil {
		return err
	}
	if which.PerClass != nil {
		var j classesIntervalsJSON
		if err := strict(b, &j); err != nil {
			return err
		}
		*v = Intervals{Confidence: j.Confidence, LogLoss: j.LogLoss, Brier: j.Brier, Accuracy: j.Accuracy, AUC: j.AUC, MacroF1: j.MacroF1,
			AveragePrecision: noInterval, F1: noInterval, Sensitivity: noInterval, Specificity: noInterval, Precision: noInterval, Slope: noInterval, Intercept: noInterval}
		for _, c := range j.PerClass {
			v.PerClass = append(v.PerClass, ClassIntervals(c))
		}
		return nil
	}
	var j intervalsJSON
	if err := strict(b, &j); err != nil {
		return err
	}
	*v = Intervals{Confidence: j.Confidence, LogLoss: j.LogLoss, Brier: j.Brier, Accuracy: j.Accuracy, AUC: j.AUC, AveragePrecision: j.AveragePrecision, F1: j.F1,
		Sensitivity: j.Sensitivity, Specificity: j.Specificity, Precision: j.Precision, Slope: j.Slope, Intercept: j.Intercept, Bins: j.Bins, MacroF1: noInterval}
	return nil
}

type differenceJSON struct {
	Estimate nullable `json:"estimate"`
	Low      nullable `json:"low"`
	High     nullable `json:"high"`
	Z        nullable `json:"z"`
	P        nullable `json:"p"`
}

// MarshalJSON writes estimate, low, high, z and p; undefined values are null.
func (d Difference) MarshalJSON() ([]byte, error) {
	return json.Marshal(differenceJSON{nullable(d.Estimate), nullable(d.Low), nullable(d.High), nullable(d.Z), nullable(d.P)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (d *Difference) UnmarshalJSON(b []byte) error {
	var j differenceJSON
	if err := strict(b, &j); err != nil {
		return err
	}
	*d = Difference{float64(j.Estimate), float64(j.Low), float64(j.High), float64(j.Z), float64(j.P)}
	return nil
}

type constantJSON struct {
	Of                   string     `json:"of,omitempty"`
	Shares               []float64  `json:"shares"`
	LogLoss              nullable   `json:"log_loss"`
	Brier                nullable   `json:"brier"`
	LogLossSkill         nullable   `json:"log_loss_skill"`
	LogLossSkillInterval Interval   `json:"log_loss_skill_interval"`
	BrierSkill           nullable   `json:"brier_skill"`
	BrierSkillInterval   Interval   `json:"brier_skill_interval"`
	Difference           Difference `json:"log_loss_difference"`
}

// MarshalJSON writes shares, the constant's log_loss and brier, the skill scores with intervals, and log_loss_difference.
func (c Constant) MarshalJSON() ([]byte, error) {
	return marshal(constantJSON{c.Of, c.Shares, nullable(c.LogLoss), nullable(c.Brier), nullable(c.LogLossSkill), c.LogLossSkillInterval,
		nullable(c.BrierSkill), c.BrierSkillInterval, c.Difference})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Constant) UnmarshalJSON(b []byte) error {
	var j constantJSON
	if err := strict(b, &j); err != nil {
		return err
	}
	*c = Constant{Of: j.Of, Shares: j.Shares, LogLoss: float64(j.LogLoss), Brier: float64(j.Brier), LogLossSkill: float64(j.LogLossSkill),
		BrierSkill: float64(j.BrierSkill), LogLossSkillInterval: j.LogLossSkillInterval, BrierSkillInterval: j.BrierSkillInterval, Difference: j.Difference}
	return nil
}

// MarshalJSON writes conf, the differences of log_loss, brier and auc, and decisions: the weights of the rows by which model is right, and McNemar's p.
func (c Comparison) MarshalJSON() ([]byte, error) {
	type decisions struct {
		Both    float64  `json:"both_right"`
		New     float64  `json:"only_new_right"`
		Old     float64  `json:"only_old_right"`
		Neither float64  `json:"neither_right"`
		P       nullable `json:"p"`
	}
	return json.Marshal(struct {
		Confidence float64    `json:"conf"`
		LogLoss    Difference `json:"log_loss"`
		Brier      Difference `json:"brier"`
		AUC        Difference `json:"auc"`
		Decisions  decisions  `json:"decisions"`
	}{c.Confidence, c.LogLoss, c.Brier, c.AUC, decisions{c.Both, c.OnlyNew, c.OnlyOld, c.Neither, nullable(c.DecisionsP)}})
}
