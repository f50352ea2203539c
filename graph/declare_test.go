package graph

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestDeclare: equations give their parameters shapes, which take the place of the caller's.
func TestDeclare(t *testing.T) {
	o := Options{
		Closed: true, Sizes: map[string]int{"n": 3, "K": 2},
		Leaves: []Leaf{
			{Kind: Input, Name: "x", Shape: Vector(3).EachRow()},
			{Kind: Parameter, Name: "w", Shape: Vector(3)},
			{Kind: Parameter, Name: "b"},
		},
	}
	g, err := ParseWith("V = parameter(16, n)  # the layer\nc=parameter( 16 ); w = parameter(16); t = parameter()\nh = tanh(dot(V, x) + c)\nz = t*dot(w, h) + b\nW = parameter(K)\nu = dot(W, W)", o)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"V", "c", "w", "t", "W"}; !slices.Equal(g.Declared, want) {
		t.Errorf("declared %v, want %v", g.Declared, want)
	}
	for name, want := range map[string]Shape{"V": Matrix(16, 3), "c": Vector(16), "w": Vector(16), "t": {}, "b": {}, "W": Vector(2), "h": Vector(16).EachRow(), "z": Shape{}.EachRow()} {
		if n, ok := g.Lookup(name); !ok || n.Shape != want {
			t.Errorf("%s: %v, want %v", name, n.Shape, want)
		}
	}
	if len(g.Defs) != 3 {
		t.Errorf("%d definitions, want h, z and u", len(g.Defs))
	}
}

// TestDeclareErrors: line, column and reason.
func TestDeclareErrors(t *testing.T) {
	sizes := map[string]int{"n": 3, "zero": 0}
	for _, test := range []struct {
		src          string
		line, column int
		message      string
	}{
		{"V = parameter(16, m)", 1, 19, `"m" is no size`},
		{"V = parameter(0)", 1, 15, `"0" is no size`},
		{"V = parameter(-2)", 1, 15, `"-2" is no size`},
		{"V = parameter(+2)", 1, 15, `"+2" is no size`},
		{"V = parameter(2.5)", 1, 15, `"2.5" is no size`},
		{"V = parameter(2, )", 1, 18, `"" is no size`},
		{"V = parameter(zero)", 1, 15, "zero is 0 here"},
		{"V = parameter(2, 3, 4)", 1, 21, "two sizes at most"},
		{"V = parameter(5000, 5000)", 1, 15, "at most 16777216 components"},
		{"V = parameter(99999999999999999999)", 1, 15, "is no size"},
		{"V = parameter(2)\n\nV = parameter(3)", 3, 1, "V is already declared on line 1"},
		{"z = V*V\nV = parameter(3)", 2, 1, "V is used on line 1, before it is defined"},
		{"V = parameter(3)\nV = 2", 2, 1, "V is already declared on line 1"},
		{"exp = parameter(3)", 1, 1, "exp is a function"},
		{"V = parameter(2, n)\nh = dot(V, x)\n", 2, 5, "dot"},
	} {
		_, err := ParseWith(test.src, Options{Sizes: sizes, Leaves: []Leaf{{Kind: Input, Name: "x", Shape: Vector(2).EachRow()}}})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", test.src, err)
			continue
		}
		if e.Line != test.line || e.Column != test.column || !strings.Contains(e.Message, test.message) {
			t.Errorf("%q: %v, want %d:%d %q", test.src, e, test.line, test.column, test.message)
		}
	}
}
