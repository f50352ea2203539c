package graph

import (
	"fmt"
	"strings"
)

// numbers fills in the numbers of component j of a name, or of all of it (j < 0).
func (m *diagrammer) numbers(c *Card, name string, s Shape, j int) error {
	take := func(j int) (r CardRow, err error) {
		if r.Value, err = look(m.v.Values, name, s, j); err != nil {
			return r, err
		}
		if c.Kind == "input" {
			return r, nil
		}
		if r.Derivative, err = look(m.v.Derivatives, "d"+name, s, j); err != nil {
			return r, err
		}
		if r.Derivative == "?" && c.root {
			r.Derivative = "1" // the derivative of the root by itself
		}
		if c.Kind != "parameter" {
			return r, nil
		}
		r.Update, err = look(m.v.Updates, name, s, j)
		return r, err
	}
	switch {
	case j >= 0 || s.IsScalar():
		r, err := take(max(j, 0))
		if err != nil {
			return err
		}
		if r != (CardRow{}) {
			c.Numbers = []CardRow{r}
		}
		return nil
	case m.v.Values == nil && m.v.Derivatives == nil && m.v.Updates == nil && (len(m.v.Labels) == 0 || !s.IsVector()):
		if s.IsMatrix() {
			c.Numbers = []CardRow{{Label: fmt.Sprintf("%d × %d", s.Rows, s.Cols)}}
		}
		return nil
	case s.IsMatrix():
		return m.gridNumbers(c, s, take)
	}
	few := s.Size()
	if few > fewComponents {
		few = largestFew
	}
	for j := 0; j < few; j++ {
		r, err := take(j)
		if err != nil {
			return err
		}
		r.Label = componentName(name, s, j)
		r.Meaning = m.v.Labels[r.Label]
		c.Numbers = append(c.Numbers, r)
	}
	if rest := s.Size() - few; rest > 0 {
		c.Numbers = append(c.Numbers, CardRow{Label: fmt.Sprintf("and %d more", rest)})
	}
	return nil
}

// gridNumbers writes a small matrix row by row; of a large one only its size.
func (m *diagrammer) gridNumbers(c *Card, s Shape, take func(int) (CardRow, error)) error {
	c.Numbers = []CardRow{{Label: fmt.Sprintf("%d × %d", s.Rows, s.Cols)}}
	if s.Rows > fewComponents || s.Cols > fewComponents {
		return nil
	}
	wide := make([][3]int, s.Cols) // numbers of a column stand under one another
	for j := 0; j < s.Size(); j++ {
		r, err := take(j)
		if err != nil {
			return err
		}
		for q, text := range []string{r.Value, r.Derivative, r.Update} {
			wide[j%s.Cols][q] = max(wide[j%s.Cols][q], len(text))
		}
	}
	for i := 0; i < s.Rows; i++ {
		var parts [3][]string
		for k := 0; k < s.Cols; k++ {
			r, err := take(i*s.Cols + k)
			if err != nil {
				return err
			}
			for q, text := range []string{r.Value, r.Derivative, r.Update} {
				if text != "" {
					parts[q] = append(parts[q], fmt.Sprintf("%*s", wide[k][q], text))
				}
			}
		}
		c.Numbers = append(c.Numbers, CardRow{Value: strings.Join(parts[0], "  "),
			Derivative: strings.Join(parts[1], "  "), Update: strings.Join(parts[2], "  ")})
	}
	return nil
}
