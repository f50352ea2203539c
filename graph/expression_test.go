package graph_test

import (
	"testing"

	"github.com/descent-ml/descent/graph"
)

// TestParseOpen: what is printed is read again as the same, and places are those of the line.
func TestParseOpen(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"a - y", "a - y"},
		{"-y/a+(1-y)/(1-a)", "-y/a + (1 - y)/(1 - a)"},
		{"a-(y-z)", "a - (y - z)"},
		{"a/(y*z)", "a/(y*z)"},
		{"-(a+y)^2", "-(a + y)^2"},
		{"(-a)^2", "(-a)^2"},
		{"1/m*np.dot(X, (A - Y).T)", "1/m*dot(X, (A - Y).T)"},
		{"X.dot(dZ.T)/m", "dot(X, dZ.T)/m"},
		{"X % dZ.T / m", "dot(X, dZ.T)/m"},
		{"anything(a, b, c)", "anything(a, b, c)"},
	} {
		e, err := graph.ParseOpen(c.in, 0, 1)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if e.String() != c.out {
			t.Errorf("%s is printed %s, want %s", c.in, e, c.out)
		}
		again, err := graph.ParseOpen(e.String(), 0, 1)
		if err != nil || again.String() != e.String() {
			t.Errorf("%s: read again %v, %v", e, again, err)
		}
	}
	e, err := graph.ParseOpen("dz = a - y", 4, 7)
	if err != nil || e.Column != 8 || e.Args[1].Column != 10 {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := graph.ParseOpen("dz = a - ", 4, 7); err == nil || err.Error() != "equation line 7, column 10: expected operand, found the end" {
		t.Errorf("%v", err)
	}
	if _, err := graph.Parse("z = f(x)"); err == nil {
		t.Error("Parse reads functions that are not in the table")
	}
}
