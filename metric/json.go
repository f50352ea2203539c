package metric

import (
	"bytes"
	"encoding/json"
	"errors"
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

// MarshalJSON writes the keys of the command line's contract; undefined values are null.
func (m Metrics) MarshalJSON() ([]byte, error) {
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

// UnmarshalJSON reads what MarshalJSON writes; null becomes NaN, an unknown key is an error.
func (m *Metrics) UnmarshalJSON(b []byte) error {
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
