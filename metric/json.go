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
	Threshold        nullable    `json:"threshold"`
	Confusion        Confusion   `json:"confusion"`
	Calibration      Calibration `json:"calibration"`
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
}

// MarshalJSON writes the keys of the command line's contract, those of classes by name if PerClass is not nil; undefined values are null.
func (m Metrics) MarshalJSON() ([]byte, error) {
	if m.PerClass != nil {
		return marshal(classesJSON{
			Rows: m.Rows, LogLoss: nullable(m.LogLoss), Brier: nullable(m.Brier), Accuracy: nullable(m.Accuracy),
			AUC: nullable(m.AUC), MacroF1: nullable(m.MacroF1),
			Confusion: confusionJSON{m.Levels, m.Counts}, PerClass: m.PerClass,
		})
	}
	j := metricsJSON{
		Rows: m.Rows, Positives: m.Positives,
		LogLoss: nullable(m.LogLoss), Brier: nullable(m.Brier), Accuracy: nullable(m.Accuracy),
		AUC: nullable(m.AUC), AveragePrecision: nullable(m.AveragePrecision), F1: nullable(m.F1),
		Threshold: nullable(m.Threshold), Confusion: m.Confusion, Calibration: m.Calibration,
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
		Threshold: float64(j.Threshold), Confusion: j.Confusion, Calibration: j.Calibration,
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
	*m = Metrics{Rows: j.Rows, Levels: j.Confusion.Levels, Counts: j.Confusion.Counts, PerClass: j.PerClass}
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
