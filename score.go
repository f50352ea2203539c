package descent

import (
	"github.com/descent-ml/descent/encode"
)

// scorer computes z for every class: the intercept, the offset, and one contribution a column, or a term of several columns, added in this order. It is the one way
// from a row to z: predictions, evaluations, explanations and test vectors all go through it, so their bits agree. (The metrics of the training itself
// come from a pass of the engine over the stored rows and agree to rounding.) It uses no fused multiply-add.
type scorer struct {
	encoding *encode.Encoding
	parts    []encode.Part
	classes  []classScorer // one for a model of two classes
}

type classScorer struct {
	intercept float64
	reference bool // of more than two classes: takes no offset
	columns   []columnWeights
}

// columnWeights are the weights of the terms of one column.
type columnWeights struct {
	number    float64   // of a numeric column
	indicator float64   // added where the number is missing
	levels    []float64 // by level code; 0 where a level has no weight
}

// newScorer spreads the weights (K×n, by term) over the columns.
func newScorer(e *encode.Encoding, classes *encode.Classes, intercepts []float64, weights [][]float64) *scorer {
	s := &scorer{encoding: e, parts: e.Parts()}
	at := make(map[string]int, len(e.Columns))
	code := make([]map[string]int, len(e.Columns)) // of every level
	for i := range e.Columns {
		at[e.Columns[i].Name] = i
		code[i] = make(map[string]int, len(e.Columns[i].Levels))
		for k, level := range e.Columns[i].Levels {
			code[i][level] = k
		}
	}
	for k := range weights {
		c := classScorer{intercept: intercepts[k], columns: make([]columnWeights, len(e.Columns))}
		c.reference = len(weights) > 1 && k == classes.Reference
		for i := range e.Columns {
			if e.Columns[i].HasLevels() {
				c.columns[i].levels = make([]float64, len(e.Columns[i].Levels))
			}
		}
		for j, t := range e.Terms {
			i := at[t.Column]
			switch t.Kind {
			case encode.KindNumeric:
				c.columns[i].number = weights[k][j]
			case encode.KindIndicator:
				c.columns[i].indicator = weights[k][j]
			case encode.KindLevel:
				if v, ok := code[i][t.Level]; ok {
					c.columns[i].levels[v] = weights[k][j]
				}
			}
		}
		s.classes = append(s.classes, c)
	}
	return s
}

// contribution of one column's cell.
func (w *columnWeights) contribution(c encode.Cell) float64 {
	if w.levels != nil {
		if c.Level < 0 {
			return 0
		}
		return w.levels[c.Level]
	}
	v := float64(w.number * c.Number)
	if c.Missing {
		v += w.indicator
	}
	return v
}

// z of class k. A non-nil contributions (one for every part) is filled.
func (s *scorer) z(k int, cells []encode.Cell, offset float64, contributions []float64) float64 {
	c := &s.classes[k]
	z := c.intercept
	if s.encoding.Offset != "" && !c.reference {
		z += offset
	}
	for i, p := range s.parts {
		v := c.columns[p.First].contribution(cells[p.First])
		for j := p.First + 1; j < p.End; j++ {
			v += c.columns[j].contribution(cells[j])
		}
		if contributions != nil {
			contributions[i] = v
		}
		z += v
	}
	return z
}

// sparseZ is z of class k for a row that names only some columns (ascending), all others being 0. A term that is 0 changes no bit of a
// sum, so it equals z.
func (s *scorer) sparseZ(k int, columns []int32, values []float64, offset float64) float64 {
	c := &s.classes[k]
	z := c.intercept
	if s.encoding.Offset != "" && !c.reference {
		z += offset
	}
	for i, column := range columns {
		if column >= 0 {
			z += float64(c.columns[column].number * values[i])
		}
	}
	return z
}
