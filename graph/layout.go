package graph

import (
	"fmt"
	"math"
	"strconv"
)

// A View says what of a graph to show. The zero View shows every definition as it was written,
// without numbers.
type View struct {
	Title string

	// Roots are the definitions to show, with everything they are made of. Empty: all of them.
	Roots []string

	Stage Stage
	Cards Cards

	// Values are numbers by name: of leaves and definitions (row-major), or of single components
	// such as w1. If there are any, a card without one shows "?".
	Values map[string][]float64
	// Derivatives are numbers by the derivative's name: dz, dw (or dw1), db.
	Derivatives map[string][]float64
	// Updates are the next values of parameters by the parameter's name.
	Updates map[string][]float64

	// Labels say what inputs and parameters stand for, by name: x1 is "age". Any text.
	Labels map[string]string

	// Backward adds what Derive added: the derivatives, and the arrows against the flow.
	Backward bool
	// Steps adds the derivation of every shown definition, each line with its rule.
	Steps bool
	// Substitute adds to every derivation of Steps the numbers of Values and Derivatives put in, and the result, with six digits.
	Substitute bool

	// Columns is the width that text may take, in characters, at least 20; 0 is 100.
	Columns int
}

// A Stage is one of the forms a definition has.
type Stage uint8

// The stages.
const (
	Written    Stage = iota // the equations, and the chain rule on them
	Simplified              // after the rules: what trains
	Lowered                 // what runs, with what it shares by names t1, t2, …
)

func (s Stage) String() string {
	switch s {
	case Simplified:
		return "simplified"
	case Lowered:
		return "lowered"
	}
	return "written"
}

// Cards say how much of the graph goes into one card.
type Cards uint8

// The kinds of cards.
const (
	Automatic   Cards = iota // Operations for a single short definition, else Definitions
	Definitions              // one card for z, one for a, one for L
	Operations               // one card for every operation; what has no name is called u, v, …
)

// A Layout is a drawn graph as data: what WriteSVG draws, for pages that draw it themselves.
// Lengths are in pixels, the origin is the top left corner.
type Layout struct {
	Title       string  `json:"title"`
	Description string  `json:"description"` // the graph in words, for those who cannot see it
	Width       float64 `json:"width"`
	Height      float64 `json:"height"`
	Cards       []Card  `json:"cards"`
	Edges       []Edge  `json:"edges"`
	// Equations are what WriteMathML writes: definitions, derivatives and, with Steps, derivations.
	Equations []Equation `json:"equations"`
}

// An Equation is a name and what it equals, line by line: symbols, numbers put in, the result.
type Equation struct {
	Name   string         `json:"name"`
	MathML string         `json:"mathml"` // of the name
	Lines  []EquationLine `json:"lines"`
}

// An EquationLine is one line after an equals sign, or an arrow where Class is "update".
type EquationLine struct {
	MathML string `json:"mathml"`
	Text   string `json:"text"`            // the same in the graph's language, a number, or a label as it is
	Class  string `json:"class,omitempty"` // value, derivative, update: a result; label: what the name stands for
	Rule   string `json:"rule,omitempty"`  // how it came from the line before, with the facts that needs
}

// A Card is one box of a Layout.
type Card struct {
	ID       string     `json:"id"` // unique in its layout, and the same in every layout of the graph
	Name     string     `json:"name"`
	Kind     string     `json:"kind"`            // input, parameter, operation, derivative, more
	Label    string     `json:"label,omitempty"` // what the view says it stands for
	Formula  string     `json:"formula"`         // in the graph's language, "z = w1*x1 + b"; a leaf: its name
	MathML   string     `json:"mathml"`
	Short    string     `json:"short,omitempty"` // MathML of "L(a, y)" where the formula is too long for the card
	Backward []Backward `json:"backward,omitempty"`
	Numbers  []CardRow  `json:"numbers,omitempty"`
	X        float64    `json:"x"`
	Y        float64    `json:"y"`
	Width    float64    `json:"width"`
	Height   float64    `json:"height"`
	Layer    int        `json:"layer"`
	head     *glyph     // what is set on the card
	equation *glyph     // the whole equation
	rhs      *term      // of the equation
	back     []*glyph   // the derivative's equation
	backs    []backward
	again    bool // drawn elsewhere, too
	leaf     bool
	root     bool
	uses     []int
	pending  func()
}

// A Backward is a derivative's equation on the card of what it is the derivative by.
type Backward struct {
	Formula string `json:"formula"`
	MathML  string `json:"mathml"`
}

// backward is a derivative's equation in parts: name = written = simple.
type backward struct {
	name            string
	of              string // the definition it is a component of
	written, simple *term
}

// A CardRow is a line of numbers: of a scalar its only one, of a vector one for each component.
// Numbers are text: four digits, "inf", "undefined", "?" for a value that is not there yet; empty
// where there is none to show.
type CardRow struct {
	Label      string `json:"label,omitempty"`
	Meaning    string `json:"meaning,omitempty"` // what the view says the component stands for
	Value      string `json:"value"`
	Derivative string `json:"derivative,omitempty"`
	Update     string `json:"update,omitempty"`
}

// An Edge joins two cards, by index. Path is SVG path data from the first card to the second;
// Back the way of the derivative, from the second to the first, where there is one.
type Edge struct {
	From int    `json:"from"`
	To   int    `json:"to"`
	Path string `json:"path"`
	Back string `json:"back,omitempty"`

	route []bend
}

// Layout lays the graph out in layers from left to right. The same graph and view give the same
// layout. It fails if the view names what the graph does not have, or numbers of a wrong size.
//
// Like the writers it may add nodes to the graph (derivatives of what has no name, simplified and
// lowered forms), so it must not run beside anything else that uses the graph.
func (g *Graph) Layout(v View) (*Layout, error) {
	d, err := g.diagram(v)
	if err != nil {
		return nil, err
	}
	if len(d.cards) > maxCards {
		return nil, errTooMany(len(d.cards))
	}
	l, _ := d.layout()
	return l, nil
}

// maxCards bounds a drawing; equations are untrusted.
const maxCards = 400

func errTooMany(cards int) error {
	return fmt.Errorf("view: %d cards are too many for a picture, the limit is %d", cards, maxCards)
}

// number writes a value for people: four significant digits.
func number(f float64) string {
	switch {
	case math.IsNaN(f):
		return "undefined"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case f == 0:
		return "0"
	}
	s := strconv.FormatFloat(f, 'g', 4, 64)
	if a := math.Abs(f); a >= 1e4 && a < 1e7 && f == math.Trunc(f) {
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	return s
}

// look finds the number of component j of a value of that shape; "" if there are no such numbers at
// all, "?" if only this one is missing.
func look(numbers map[string][]float64, name string, s Shape, j int) (string, error) {
	if numbers == nil {
		return "", nil
	}
	if all, ok := numbers[name]; ok {
		if len(all) != s.Size() {
			return "", fmt.Errorf("view: %s has %d values, want %d", name, len(all), s.Size())
		}
		return number(all[j]), nil
	}
	if !s.IsScalar() {
		c := componentName(name, s, j)
		if one, ok := numbers[c]; ok {
			if len(one) != 1 {
				return "", fmt.Errorf("view: %s has %d values, want 1", c, len(one))
			}
			return number(one[0]), nil
		}
	}
	return "?", nil
}
