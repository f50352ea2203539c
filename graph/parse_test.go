package graph

import (
	"errors"
	"strings"
	"testing"
)

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		src          string
		line, column int
		want         string
	}{
		{"z", 1, 1, "no ="},
		{"z = ", 1, 4, "want an expression"},
		{"z = a +", 1, 8, "expected operand"},
		{"z = a\nL = foo(z)", 2, 5, "no function is called foo"},
		{"z = a**2", 1, 7, "power is written ^"},
		{"z = 010", 1, 5, "not a decimal number"},
		{"z = 0x1p-2", 1, 5, "not a decimal number"},
		{"z = 1_000", 1, 5, "not a decimal number"},
		{"z = 1i", 1, 5, "not a decimal number"},
		{"z = 'a'", 1, 5, "not a decimal number"},
		{"z = a.b", 1, 5, "want names"},
		{"z = a[1]", 1, 5, "want names"},
		{"z = func(){}()", 1, 15 - 2, "want an operator"},
		{"z = a /* c */", 1, 7, "unexpected /*"},
		{"z = a // c", 1, 7, "unexpected //"},
		{"range = 1", 1, 1, "cannot be a name"},
		{"log = 1", 1, 1, "is a function"},
		{"z = log", 1, 5, "log is a function: write log(u)"},
		{"z = log(1, 2)", 1, 5, "takes 1 argument, not 2"},
		{"z = --a", 1, 5, "expected operand"},
		{"z = a == b", 1, 7, "unexpected =="},
		{"z = a\nz = b", 2, 1, "already defined on line 1"},
		{"L = a\na = 1", 2, 1, "used on line 1, before it is defined"},
		{"z = z + 1", 1, 5, "defined by itself"},
		{"z = 1e400", 1, 5, "outside the range"},
		{"z = 1e100000", 1, 5, "outside the range"},
		{"z = 1e-400", 1, 5, "outside the range"},
		{"αβ = γ + softplus(δ, 1)", 1, 10, "takes 1 argument"},
		{"z = 1; y = @", 1, 12, "illegal character"},
		{"z = sigmoud(1)", 1, 5, "did you mean sigmoid?"},
		{"z = dot(a, b)", 1, 5, "two vectors"},
		{"z = " + strings.Repeat("(", 50000), 1, 2005, "brackets inside each other"},
		{"z = " + strings.Repeat("- ", 20000) + "1", 1, 8007, "inside each other"},
		{"z = " + strings.Repeat("1+", 40000) + "1", 1, 1, "bytes of equations"},
	} {
		_, err := Parse(c.src)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%.40q: error %v, want an *Error", c.src, err)
			continue
		}
		if e.Line != c.line || e.Column != c.column || !strings.Contains(e.Message, c.want) {
			t.Errorf("%.40q: %v; want line %d, column %d, %q", c.src, err, c.line, c.column, c.want)
		}
	}
}

func TestParseClosed(t *testing.T) {
	_, err := ParseWith("z = dot(v, x)", Options{Closed: true, Leaves: []Leaf{
		{Kind: Parameter, Name: "w", Shape: Vector(3)},
		{Kind: Input, Name: "x", Shape: Vector(3).EachRow()},
	}})
	if err == nil || !strings.Contains(err.Error(), "line 1, column 9: unknown name v; known are w, x") {
		t.Errorf("error %v", err)
	}
}
