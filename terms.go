package descent

import (
	"fmt"
	"strings"

	"github.com/descent-ml/descent/encode"
)

// Input is an input of a model that is computed from columns.
type Input struct {
	Name    string `json:"name"`    // x3
	Term    string `json:"term"`    // age^2
	Formula string `json:"formula"` // x1^2
}

// Computed are the inputs that the model computes, each from the inputs that its columns are, or from columns that are no inputs, by their names.
func (m *Model) Computed() []Input {
	var out []Input
	x := make(map[[2]string]string, len(m.file.Terms)) // of a column and its level
	for j, t := range m.file.Terms {
		if t.Kind != encode.KindIndicator {
			x[[2]string{t.Column, t.Level}] = fmt.Sprintf("x%d", j+1)
		}
	}
	of := func(column, level string) string {
		if name, ok := x[[2]string{column, level}]; ok {
			return name
		}
		if level != "" {
			return "(" + column + " is " + level + ")"
		}
		return column
	}
	for j, t := range m.file.Terms {
		c := &m.file.Columns[m.column(t.Column)]
		k := c.Computed
		if k == nil {
			continue
		}
		in := Input{Name: fmt.Sprintf("x%d", j+1), Term: t.Name}
		a := of(k.Of[0], "")
		switch {
		case k.Kind == encode.KindPower:
			in.Formula = fmt.Sprintf("%s^%d", a, k.Power)
		case k.Kind == encode.KindLog:
			in.Formula = "log(" + a + ")"
		case k.Kind == encode.KindSpline:
			knots := make([]string, len(k.Knots))
			for i, v := range k.Knots {
				knots[i] = fmt.Sprint(v)
			}
			in.Formula = fmt.Sprintf("natural cubic spline %d of %s over the knots %s", k.Function, a, strings.Join(knots, ", "))
		case k.Kind == encode.KindDate:
			if in.Formula = k.Part + " of " + k.Of[0]; t.Level != "" {
				in.Formula += " is " + t.Level
			}
		case c.HasLevels():
			for i, name := range c.Levels {
				if name == t.Level {
					in.Formula = of(k.Of[0], k.Pairs[i][0]) + "*" + of(k.Of[1], k.Pairs[i][1])
				}
			}
		case k.Level != "":
			in.Formula = a + "*" + of(k.Of[1], k.Level)
		default:
			in.Formula = a + "*" + of(k.Of[1], "")
		}
		out = append(out, in)
	}
	return out
}
