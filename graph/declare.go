package graph

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A declaration is a line that gives a parameter its shape:
//
//	V = parameter(16, n)   a matrix of 16 rows and n columns
//	c = parameter(16)      a vector
//	t = parameter()        one number
//
// Sizes are numbers from 1, or names of Options.Sizes. It stands before the first use of the parameter, and takes the place of
// a parameter of Options.Leaves that has the same name.
var declaration = regexp.MustCompile(`^\s*([^=\s]+)\s*=\s*parameter\s*\(([^()]*)\)\s*$`)

// MaxDeclared is the largest number of components of a declared parameter: equations are untrusted.
const MaxDeclared = 1 << 24

// Declared are the names of the parameters that equations declare, in their order.
func Declared(src string) []string {
	var names []string
	for _, line := range strings.Split(src, "\n") {
		line, _, _ = strings.Cut(line, "#")
		for _, part := range strings.Split(line, ";") {
			if m := declaration.FindStringSubmatch(part); m != nil {
				names = append(names, m[1])
			}
		}
	}
	return names
}

// declare makes the parameter that text[from:] declares; ok is false where it is no declaration.
func (g *Graph) declare(p *reader, from int, name string) (ok bool, err error) {
	part := p.text[from:]
	at := declaration.FindStringSubmatchIndex(part)
	if at == nil {
		return false, nil
	}
	var shape Shape
	if inside := part[at[4]:at[5]]; strings.TrimSpace(inside) != "" {
		begin := from + at[4]
		for i, text := range strings.Split(inside, ",") {
			place := begin + len(text) - len(strings.TrimLeft(text, " \t"))
			size, err := g.sizeOf(strings.TrimSpace(text))
			switch {
			case err != nil:
				return true, p.errorf(place, "%v", err)
			case i == 0:
				shape.Rows = size
			case i == 1:
				shape.Cols = size
			default:
				return true, p.errorf(place, "parameter takes two sizes at most: rows and columns")
			}
			begin += len(text) + 1
		}
	}
	if shape.check() != nil || shape.Size() > MaxDeclared {
		return true, p.errorf(from+at[4], "a parameter has at most %d components", MaxDeclared)
	}
	if _, err := g.Leaf(Leaf{Kind: Parameter, Name: name, Shape: shape}); err != nil {
		return true, p.errorf(from+at[2], "%v", err)
	}
	g.lines[name] = p.line
	g.Declared = append(g.Declared, name)
	return true, nil
}

// sizeOf reads a size: a number, or a name of Options.Sizes.
func (g *Graph) sizeOf(text string) (int, error) {
	if size, ok := g.sizes[text]; ok {
		if size < 1 {
			return 0, fmt.Errorf("%s is %d here, want a size from 1", text, size)
		}
		return size, nil
	}
	size, err := strconv.Atoi(text)
	if err != nil || size < 1 || text[0] == '+' {
		known := "a number from 1"
		if len(g.sizes) > 0 {
			known += ", n (inputs) or K (classes)"
		}
		return 0, fmt.Errorf("%q is no size: want %s", text, known)
	}
	return size, nil
}
