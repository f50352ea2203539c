package graph

import (
	"fmt"
	"math"
)

// Values are the values of the leaves. A leaf that is per row has Rows times its size of them, row by
// row; any other leaf has its size. Matrices are row-major.
type Values struct {
	Rows int
	M    float64 // what mean divides by; 0: Rows
	Of   map[string][]float64
}

// Eval computes the roots in float64, over any number of rows: the interpreter, and the reference of
// everything faster. A root that is per row has Rows times its size values, any other its size. NaN
// and infinities go through as the ops have them. mean of no rows is NaN unless M is given. Sums and
// means are compensated. Values of leaves that are not below the roots are not looked at.
//
// The results are new slices. A missing leaf or a wrong number of values is an error.
func Eval(v Values, roots ...*Node) ([][]float64, error) {
	return v.evaluate(roots, nil)
}

// evaluate is Eval with some nodes' values given; what they are made of is not looked at.
func (v Values) evaluate(roots []*Node, given map[*Node][]float64) ([][]float64, error) {
	if v.Rows < 0 || v.M < 0 || math.IsNaN(v.M) {
		return nil, fmt.Errorf("eval: %d rows, m = %v", v.Rows, v.M)
	}
	m := v.M
	if m == 0 {
		m = float64(v.Rows)
	}
	for i, r := range roots {
		if r == nil {
			return nil, fmt.Errorf("eval: root %d is nil", i+1)
		}
	}
	nodes := belowUntil(func(n *Node) bool { return given[n] != nil }, roots...)
	users := make(map[*Node]int, len(nodes))
	for _, n := range nodes {
		if given[n] != nil {
			continue
		}
		for _, a := range n.Args {
			users[a]++
		}
	}
	for _, r := range roots {
		users[r]++
	}
	value := make(map[*Node][]float64, len(nodes))
	for _, n := range nodes {
		if in := given[n]; in != nil {
			value[n] = in
			continue
		}
		out, err := v.node(n, m, value)
		if err != nil {
			return nil, err
		}
		value[n] = out
		for _, a := range n.Args {
			if users[a]--; users[a] == 0 {
				delete(value, a)
			}
		}
	}
	out := make([][]float64, len(roots))
	for i, r := range roots {
		out[i] = append([]float64(nil), value[r]...)
	}
	return out, nil
}

func (v Values) node(n *Node, m float64, value map[*Node][]float64) ([]float64, error) {
	size, rows := n.Shape.Size(), 1
	if n.Shape.PerRow {
		rows = v.Rows
	}
	if n.Leaf != nil {
		if n.Leaf.Kind == Constant {
			f, _ := n.Leaf.Value.Float64()
			return []float64{f}, nil
		}
		in, ok := v.Of[n.Leaf.Name]
		if !ok {
			return nil, fmt.Errorf("eval: no value for %s", n.Leaf.Name)
		}
		if len(in) != rows*size {
			return nil, fmt.Errorf("eval: %s has %d values, want %d (%v)", n.Leaf.Name, len(in), rows*size, n.Shape)
		}
		return in, nil
	}
	if size > 0 && rows > math.MaxInt/16/size {
		return nil, fmt.Errorf("eval: %d rows of a %v are too many numbers", rows, n.Shape.inner())
	}
	out := make([]float64, rows*size)
	switch {
	case n.Op == opMean:
		v.mean(out, n, m, value[n.Args[0]])
	case n.Op.Elementwise():
		elementwise(out, n, rows, value)
	default:
		args := make([][]float64, len(n.Args))
		shapes := make([]Shape, len(n.Args))
		for r := range rows {
			for i, a := range n.Args {
				shapes[i] = a.Shape
				args[i] = value[a]
				if a.Shape.PerRow {
					k := a.Shape.Size()
					args[i] = value[a][r*k : (r+1)*k]
				}
			}
			n.Op.Value(out[r*size:(r+1)*size], shapes, args...)
		}
	}
	return out, nil
}

func (v Values) mean(out []float64, n *Node, m float64, u []float64) {
	if !n.Args[0].Shape.PerRow {
		for j := range out {
			out[j] = u[j] * (float64(v.Rows) / m)
		}
		return
	}
	size := len(out)
	for j := range out {
		var t total
		for r := range v.Rows {
			t.add(u[r*size+j])
		}
		out[j] = t.value() / m
	}
}

// elementwise stretches scalars over components and model values over rows.
func elementwise(out []float64, n *Node, rows int, value map[*Node][]float64) {
	size := n.Shape.Size()
	type arg struct {
		of        []float64
		row, comp int // strides
	}
	var in [3]arg
	for i, a := range n.Args {
		in[i].of = value[a]
		k := a.Shape.Size()
		if a.Shape.PerRow {
			in[i].row = k
		}
		if !a.Shape.IsScalar() {
			in[i].comp = 1
		}
	}
	u, v, w := in[0], in[1], in[2]
	for r := range rows {
		for j := range size {
			k := r*size + j
			switch {
			case n.Op.Unary != nil:
				out[k] = n.Op.Unary(u.of[r*u.row+j*u.comp])
			case n.Op.Binary != nil:
				out[k] = n.Op.Binary(u.of[r*u.row+j*u.comp], v.of[r*v.row+j*v.comp])
			default:
				out[k] = n.Op.Ternary(u.of[r*u.row+j*u.comp], v.of[r*v.row+j*v.comp], w.of[r*w.row+j*w.comp])
			}
		}
	}
}
