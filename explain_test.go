package descent_test

import (
	"context"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/encode"
)

// TestExplainClasses: intercept, offset and contributions, added in this order, are z of every class to the last bit, in Explain and in the
// rows of a file.
func TestExplainClasses(t *testing.T) {
	ctx := context.Background()
	for name, config := range map[string]descent.Config{
		"maximum likelihood": {Columns: descent.Columns{Weight: "s", Offset: "o"}, Labels: encode.Labels{Softmax: true, Reference: "b"}},
		"penalty":            {Columns: descent.Columns{Weight: "s", Offset: "o"}, Labels: encode.Labels{Softmax: true}, Penalty: descent.Penalty{L2: 0.3}},
		"no offset":          {Labels: encode.Labels{Softmax: true}, Penalty: descent.Penalty{L2: 0.3}},
	} {
		config.Target = "y"
		r, err := descent.Fit(ctx, text(threeClasses), config)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name == "maximum likelihood" && math.Abs(*r.NullDeviance-44.3272968607353) > 1e-12 { // scipy 1.17.1, BFGS on the two intercepts
			t.Errorf("null deviance %v", *r.NullDeviance)
		}
		m := r.Model
		rows, err := m.Rows(ctx, "t.csv", strings.NewReader(threeClasses), descent.RowOptions{})
		if err != nil {
			t.Fatal(err)
		}
		intercepts := m.Intercepts()
		for {
			row, err := rows.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			e, err := rows.Explain()
			if err != nil {
				t.Fatal(err)
			}
			for k, c := range e.Classes {
				z := c.Intercept
				if c.Offset != nil {
					z += *c.Offset
				}
				for _, v := range c.Contributions {
					z += v
				}
				again := intercepts[k] + m.ClassOffset(k, row.Offset)
				for _, v := range row.ByClass[k] {
					again += v
				}
				if z != c.Z || again != c.Z || c.Z != row.Scores[k] || c.Probability != row.Probabilities[k] {
					t.Errorf("%s: line %d, class %s: %v and %v add up to %v, z is %v", name, row.Line, c.Level, z, again, c.Contributions, c.Z)
				}
				if c.Level == e.Label && (c.Z != e.Z || c.Probability != e.Probability || c.Intercept != e.Intercept) {
					t.Errorf("%s: line %d: %+v is not what %+v says", name, row.Line, e, c)
				}
			}
			if len(e.Classes) != 3 || e.Label != row.Label {
				t.Errorf("%s: line %d: %+v", name, row.Line, e)
			}
		}
	}
}
