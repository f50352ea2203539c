package descent

import (
	"slices"

	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/infer"
)

// Explanation is one row's forward pass: z is the intercept, plus the offset, plus the contributions added in their order.
type Explanation struct {
	Label         string         `json:"label"`
	Probability   float64        `json:"probability"`
	Low           *float64       `json:"low"`
	High          *float64       `json:"high"`
	Z             float64        `json:"z"`
	Intercept     float64        `json:"intercept"`
	Offset        *float64       `json:"offset,omitempty"`
	Contributions []Contribution `json:"contributions"`
	// Columns are those from which several contributions are computed and nothing else is: what they add to z together.
	Columns []ColumnContribution `json:"columns,omitempty"`

	// Recalibration says how Probability, Low and High come from Z where that is not by the equations; nil: it is.
	Recalibration *Recalibrated `json:"recalibration,omitempty"`

	// More than two classes: the forward pass of each. Z, Intercept and Contributions above are then those of Label.
	Classes []ClassExplanation `json:"classes,omitempty"`

	// A model with a hidden layer: the value of every equation, and why there are no contributions.
	Forward Numbers `json:"forward,omitempty"`
	Note    string  `json:"contributions_note,omitempty"`
}

// Recalibrated is the way from z to a probability that was recalibrated.
type Recalibrated struct {
	Method string  `json:"method"`             // platt or isotonic
	Before float64 `json:"probability_before"` // that of the equations
}

// ClassExplanation is the forward pass of one of more than two classes. Contributions stand in the order of Explanation.Contributions.
type ClassExplanation struct {
	Level         string    `json:"level"`
	Probability   float64   `json:"probability"`
	Z             float64   `json:"z"`
	Intercept     float64   `json:"intercept"`
	Offset        *float64  `json:"offset,omitempty"` // 0 for the reference class
	Contributions []float64 `json:"contributions"`
}

// Contribution is what one column adds to z.
type Contribution struct {
	Name         string  `json:"name"`
	Value        any     `json:"value"` // number, level, or nil for a missing value
	Contribution float64 `json:"contribution"`
	// Terms are those of the column that are not 0: a numeric column with a missing value has two.
	Terms []string `json:"terms"`
}

// Explain gives one row's contributions, which add up exactly to z. The row is as for [Model.Predict].
func (m *Model) Explain(row any) (*Explanation, error) {
	cells := make([]encode.Cell, len(m.file.Columns))
	offset, err := m.cells(row, cells)
	if err != nil {
		return nil, err
	}
	return m.explain(cells, offset)
}

// Explain is [Model.Explain] of the row read last.
func (rr *RowReader) Explain() (*Explanation, error) {
	return rr.model.explain(rr.row.cells, rr.row.Offset)
}

// ClassOffset is what the offset of a row adds to z of class k (0 for two classes): the reference of more than two takes none.
func (m *Model) ClassOffset(k int, offset float64) float64 {
	if m.layers != nil && m.file.sets() > 1 && k == m.file.Classes.Reference || m.layers == nil && m.scorer.classes[k].reference {
		return 0
	}
	return offset
}

func (m *Model) explain(cells []encode.Cell, offset float64) (*Explanation, error) {
	if m.layers != nil {
		return m.layers.explain(cells, offset)
	}
	e := &Explanation{}
	K := len(m.file.Intercepts)
	byClass := make([][]float64, K)
	for k := range byClass {
		byClass[k] = make([]float64, len(m.scorer.parts))
	}
	contributions, label := byClass[0], 0
	var p Prediction
	var err error
	if K == 1 {
		p, err = m.predict(m.scorer.z(0, cells, offset, contributions))
	} else if p, err = m.choose(cells, offset, byClass); err == nil {
		label = slices.Index(m.file.Classes.Levels, p.Label)
		contributions = byClass[label]
		for k, level := range m.file.Classes.Levels {
			c := ClassExplanation{Level: level, Probability: p.Probabilities[k], Z: p.Scores[k], Intercept: m.file.Intercepts[k], Contributions: byClass[k]}
			if m.file.Offset != "" {
				o := m.ClassOffset(k, offset)
				c.Offset = &o
			}
			e.Classes = append(e.Classes, c)
		}
	}
	if err != nil {
		return nil, err
	}
	z := p.Z
	e.Label, e.Probability, e.Z, e.Intercept = p.Label, p.Probability, z, m.file.Intercepts[label]
	if m.file.Offset != "" {
		offset = m.ClassOffset(label, offset)
		e.Offset = &offset
	}
	if m.file.Covariance != nil {
		q, err := infer.Quantile(0.95)
		if err != nil {
			return nil, err
		}
		low, high := m.interval(z, m.variance(cells), q)
		e.Low, e.High = &low, &high
	}
	if c := m.file.Recalibration; c != nil {
		e.Recalibration = &Recalibrated{Method: c.Method}
		if e.Recalibration.Before, err = m.link.probability(z); err != nil {
			return nil, err
		}
	}
	next := 0 // terms stand in the order of the parts
	for i, p := range m.scorer.parts {
		var c Contribution
		c, next = m.part(p, next, cells, contributions[i])
		e.Contributions = append(e.Contributions, c)
	}
	e.Columns = m.together(e.Contributions)
	return e, nil
}

// ColumnContribution is what a column adds to z by itself and by the terms that are computed from it alone; the parts are in Explanation.Contributions.
type ColumnContribution struct {
	Name         string   `json:"name"`
	Parts        []string `json:"parts"`
	Contribution float64  `json:"contribution"`
}

// together adds up the contributions that come from one column alone, where a column has several.
func (m *Model) together(all []Contribution) []ColumnContribution {
	var out []ColumnContribution
	at := map[string]int{}
	for i, p := range m.scorer.parts {
		c := &m.file.Columns[p.First]
		for len(c.Of()) == 1 {
			c = &m.file.Columns[m.column(c.Of()[0])]
		}
		if !c.Read() {
			continue // a product of two
		}
		k, ok := at[c.Name]
		if !ok {
			k = len(out)
			at[c.Name], out = k, append(out, ColumnContribution{Name: c.Name})
		}
		out[k].Parts = append(out[k].Parts, p.Name)
		out[k].Contribution += all[i].Contribution
	}
	return slices.DeleteFunc(out, func(c ColumnContribution) bool { return len(c.Parts) < 2 })
}

// part is what a column or a term contributes. Its terms are term j and some more; next is the first behind them.
func (m *Model) part(p encode.Part, j int, cells []encode.Cell, contribution float64) (out Contribution, next int) {
	out = Contribution{Name: p.Name, Contribution: contribution, Terms: []string{}}
	for i := p.First; i < p.End; i++ {
		c := &m.file.Columns[i]
		for j < len(m.file.Terms) && m.file.Terms[j].Column != c.Name {
			j++
		}
		for ; j < len(m.file.Terms) && m.file.Terms[j].Column == c.Name; j++ {
			t := &m.file.Terms[j]
			switch t.Kind {
			case encode.KindNumeric:
				if c.Read() || cells[i].Number != 0 {
					out.Terms = append(out.Terms, t.Name)
				}
			case encode.KindIndicator:
				if cells[i].Missing {
					out.Terms = append(out.Terms, t.Name)
				}
			case encode.KindLevel:
				if l := cells[i].Level; l >= 0 && c.Levels[l] == t.Level {
					out.Terms = append(out.Terms, t.Name)
				}
			}
		}
	}
	// The value of a term of several columns is that of the column it is computed from, of a number times a level the number.
	value := p.First
	if c := &m.file.Columns[value]; c.Name != p.Name {
		value = m.column(c.Of()[0])
	}
	switch c, cell := &m.file.Columns[value], cells[value]; {
	case c.Type == encode.DateType && !cell.Missing:
		out.Value = c.DateText(cell.Number)
	case c.Type == encode.Numeric && !cell.Missing:
		out.Value = cell.Number
	case c.HasLevels() && cell.Level >= 0:
		out.Value = c.Levels[cell.Level]
	case !c.Read() && !cell.Missing: // a pair of levels without a weight
		out.Value = m.levelText(value, cells)
	}
	return out, j
}

// column is the place of a column by its name; -1 if there is none.
func (m *Model) column(name string) int {
	return slices.IndexFunc(m.file.Columns, func(c encode.Column) bool { return c.Name == name })
}
