package graph

import (
	"fmt"
	"sort"
)

// An Op is a row of the table of ops: everything the package knows about one operation. Its texts are
// equations in the graph's own language: u, v, w stand for the arguments and the op's own name for
// its value.
//
// An op with Unary, Binary or Ternary is elementwise: scalars are stretched to the shape of the other
// arguments and Deriv lists one partial derivative for each argument, which serves both directions.
// Any other op has Value, and Pull and Push for the two directions.
type Op struct {
	Name     string
	Arity    int
	Commutes bool
	Role     Role // what its arguments do in it, for those who take expressions apart
	Internal bool // rules and derivatives are written with it: it can be read, but is not offered

	// Shape is the shape of the result, or why there is none. Nil: elementwise.
	Shape func(args []Shape) (Shape, error)

	Unary   func(u float64) float64
	Binary  func(u, v float64) float64
	Ternary func(u, v, w float64) float64
	// Value computes one row. out has the size of the result's shape, args those of shapes.
	Value func(out []float64, shapes []Shape, args ...[]float64)

	Deriv []string                       // elementwise: the partial derivatives
	Pull  func(shapes []Shape) []string  // reverse: the adjoint of each argument, from adj, the result's
	Push  string                         // forward: the result's tangent, from du, dv
	Range func(args []Interval) Interval // values it can take. Nil: any

	Rules  []Rule // rewrites that make the op cheaper or safer
	Runs   string // what the op is lowered to; empty: it runs as it is
	Lowers []Rule // lowerings of the op within an expression, tried before Runs

	Cost  int     // of one component, in additions
	Print Forms   // how it is written in mathematics; zero: name(u, v)
	Tests []Point // of an elementwise op: exact values, extremes first of all
	Cases []Case  // of any other op
}

// A Role says what an op is to those who take expressions apart or run ops together: linear or not,
// over components, over rows. They ask for the role and never for a name.
type Role uint8

// The roles.
const (
	Other     Role = iota // nothing is known but its values
	Plus                  // u + v
	Minus                 // u - v
	Opposite              // -u
	Times                 // u*v
	Over                  // u/v
	Contract              // dot: u_k1*v_1 + u_k2*v_2 + …
	ContractT             // dotT: u_1j*v_1 + u_2j*v_2 + …
	Expand                // outer: u_k*v_j
	OverRows              // mean: a sum over the rows, divided by m
	AddUp                 // sum of the components
	TopOf                 // largest component
	Repeat                // fill: u in each component
	Same                  // alias: u itself, under another name
)

// bilinear: zero if either argument is.
func (r Role) bilinear() bool { return r == Contract || r == ContractT || r == Expand }

// A Point is an exact value of a scalar op: In -> Out. Tolerance is relative; 0 is exact to the bit.
type Point struct {
	In        []float64
	Out       float64
	Tolerance float64
}

// A Case is an exact value of an op that is not elementwise, for Rows rows (0: nothing is per row).
type Case struct {
	Rows      int
	Shapes    []Shape
	In        [][]float64
	Out       []float64
	Tolerance float64
}

// Elementwise reports whether the op works on each component by itself.
func (o *Op) Elementwise() bool { return o.Unary != nil || o.Binary != nil || o.Ternary != nil }

// ops is the table. A new op is a new file with a row, and its name here.
var ops = table(
	opAdd, opSub, opMul, opDiv, opNeg, opPow,
	opExp, opLog, opLog1p, opSigmoid, opSoftplus, opTanh,
	opRelu, opAbs, opMax, opGt,
	opNormCDF, opLogNormCDF,
	opDot, opDotT, opOuter, opSum, opMean, opFill,
	opSoftmax, opLogSumExp, opLargest,
	opExpNAbs, opPick, opAlias,
)

func table(rows ...*Op) map[string]*Op {
	t := make(map[string]*Op, len(rows))
	for _, o := range rows {
		t[o.Name] = o
	}
	return t
}

// Ops lists the table of ops by name. The rows are shared and must not be changed.
func Ops() []*Op {
	var all []*Op
	for _, o := range ops {
		all = append(all, o)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}

// isArithmetic: + - * / and minus, and powers: what has a sign of its own instead of a name.
func isArithmetic(name string) bool {
	switch name {
	case "add", "sub", "mul", "div", "neg", "pow":
		return true
	}
	return false
}

// ShapeOf is the shape of op over arguments of the given shapes, or why there is none.
func ShapeOf(op *Op, args []Shape) (Shape, error) {
	if len(args) != op.Arity {
		return Shape{}, fmt.Errorf("%s takes %d argument%s, not %d", op.Name, op.Arity, plural(op.Arity), len(args))
	}
	if op.Shape == nil {
		return broadcast(args)
	}
	return op.Shape(args)
}
