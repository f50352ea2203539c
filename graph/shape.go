package graph

import "fmt"

// A Shape says what a node's value looks like: one value for every row of the data (PerRow) or one
// for all of them, and in either case a scalar (Rows and Cols 0), a vector of Rows components
// (Cols 0), or a matrix of Rows by Cols components, row-major.
//
// The zero Shape is one number for all rows, such as the bias b.
type Shape struct {
	PerRow     bool
	Rows, Cols int
}

// Vector is the shape of a vector of n components, the same for all rows.
func Vector(n int) Shape { return Shape{Rows: n} }

// Matrix is the shape of a k by n matrix, the same for all rows.
func Matrix(k, n int) Shape { return Shape{Rows: k, Cols: n} }

// EachRow is s with one value for every row of the data.
func (s Shape) EachRow() Shape { s.PerRow = true; return s }

// Size is the number of components: 1 for a scalar, Rows for a vector, Rows*Cols for a matrix.
func (s Shape) Size() int {
	switch {
	case s.Cols > 0:
		return s.Rows * s.Cols
	case s.Rows > 0:
		return s.Rows
	}
	return 1
}

// IsScalar reports whether there is one component.
func (s Shape) IsScalar() bool { return s.Rows == 0 }

// IsVector reports whether s is a vector.
func (s Shape) IsVector() bool { return s.Rows > 0 && s.Cols == 0 }

// IsMatrix reports whether s is a matrix.
func (s Shape) IsMatrix() bool { return s.Cols > 0 }

// String is "scalar", "vector of 3", "matrix of 2x3", followed by ", one per row" where it is.
func (s Shape) String() string {
	var t string
	switch {
	case s.IsMatrix():
		t = fmt.Sprintf("matrix of %dx%d", s.Rows, s.Cols)
	case s.IsVector():
		t = fmt.Sprintf("vector of %d", s.Rows)
	default:
		t = "scalar"
	}
	if s.PerRow {
		t += ", one per row"
	}
	return t
}

// maxComponents bounds one leaf: rows of data multiply it, so it is checked at the door.
const maxComponents = 1 << 30

func (s Shape) check() error {
	if s.Rows < 0 || s.Cols < 0 || (s.Rows == 0 && s.Cols > 0) {
		return fmt.Errorf("shape %dx%d: want 0,0 for a scalar, n,0 for a vector, k,n for a matrix", s.Rows, s.Cols)
	}
	if s.Rows > maxComponents || s.Cols > maxComponents || int64(s.Rows)*int64(max(s.Cols, 1)) > maxComponents {
		return fmt.Errorf("shape %dx%d has more than %d components", s.Rows, s.Cols, maxComponents)
	}
	return nil
}

// inner is s without PerRow.
func (s Shape) inner() Shape { s.PerRow = false; return s }

// broadcast is the shape rule of elementwise ops: scalars stretch to the other's shape, and a value
// that is the same for all rows stretches over the rows.
func broadcast(args []Shape) (Shape, error) {
	var out Shape
	for _, a := range args {
		out.PerRow = out.PerRow || a.PerRow
		if a.IsScalar() {
			continue
		}
		if out.IsScalar() {
			out.Rows, out.Cols = a.Rows, a.Cols
		} else if out.Rows != a.Rows || out.Cols != a.Cols {
			return Shape{}, fmt.Errorf("a %v does not fit a %v", out.inner(), a.inner())
		}
	}
	return out, nil
}
