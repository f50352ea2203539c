package engine

import "github.com/descent-ml/descent/graph"

// operation is the code of one op over the rows of a block: a kernel where there is one, else loops over kernels by
// the op's role, else the interpreter's function row by row.
func (c *compiler) operation(n *graph.Node, in []*slot, out *slot) func(f *frame) {
	if n.Op.Elementwise() {
		return c.elementwise(n.Op, in, out)
	}
	if run := c.byRole(n.Op.Role, in, out); run != nil {
		return run
	}
	return c.rowByRow(n, in, out)
}

func (c *compiler) elementwise(op *graph.Op, in []*slot, out *slot) func(f *frame) {
	size := out.size
	if one, ok := c.kernels.Map1[op.Name]; ok && len(in) == 1 {
		return func(f *frame) {
			for k := range size {
				one(f.col(out, k), f.col(in[0], k))
			}
		}
	}
	if two, ok := c.kernels.Map2[op.Name]; ok && len(in) == 2 {
		return func(f *frame) {
			for k := range size {
				two(f.col(out, k), f.col(in[0], k), f.col(in[1], k))
			}
		}
	}
	if three, ok := c.kernels.Map3[op.Name]; ok && len(in) == 3 {
		return func(f *frame) {
			for k := range size {
				three(f.col(out, k), f.col(in[0], k), f.col(in[1], k), f.col(in[2], k))
			}
		}
	}
	return func(f *frame) { // no kernel: the interpreter's function, row by row
		for k := range size {
			o := f.col(out, k)
			switch {
			case op.Unary != nil:
				u := f.col(in[0], k)
				for i := range o {
					o[i] = op.Unary(u[i])
				}
			case op.Binary != nil:
				u, v := f.col(in[0], k), f.col(in[1], k)
				for i := range o {
					o[i] = op.Binary(u[i], v[i])
				}
			default:
				u, v, w := f.col(in[0], k), f.col(in[1], k), f.col(in[2], k)
				for i := range o {
					o[i] = op.Ternary(u[i], v[i], w[i])
				}
			}
		}
	}
}

// byRole is nil for a role it has no loop for.
func (c *compiler) byRole(role graph.Role, in []*slot, out *slot) func(f *frame) {
	size := out.size
	add, mul := c.kernels.Map2["add"], c.kernels.Map2["mul"]
	join := add
	switch role {
	case graph.Repeat:
		return func(f *frame) {
			for k := range size {
				copy(f.col(out, k), f.col(in[0], 0))
			}
		}
	case graph.TopOf:
		join = c.kernels.Map2["max"]
		fallthrough
	case graph.AddUp:
		return func(f *frame) {
			o := f.col(out, 0)
			copy(o, f.col(in[0], 0))
			for k := 1; k < in[0].size; k++ {
				join(o, o, f.col(in[0], k))
			}
		}
	case graph.Expand:
		J := in[1].size
		return func(f *frame) {
			for k := range in[0].size {
				for j := range J {
					mul(f.col(out, k*J+j), f.col(in[0], k), f.col(in[1], j))
				}
			}
		}
	case graph.Contract, graph.ContractT:
		J := in[1].size
		at := func(k, j int) int { return k*J + j }
		if role == graph.ContractT {
			at = func(k, j int) int { return j*size + k }
		}
		return func(f *frame) {
			t := f.masked[:f.n]
			for k := range size {
				o := f.col(out, k)
				mul(o, f.col(in[0], at(k, 0)), f.col(in[1], 0))
				for j := 1; j < J; j++ {
					mul(t, f.col(in[0], at(k, j)), f.col(in[1], j))
					add(o, o, t)
				}
			}
		}
	}
	return nil
}

// rowByRow does as the interpreter does.
func (c *compiler) rowByRow(n *graph.Node, in []*slot, out *slot) func(f *frame) {
	op, size := n.Op, out.size
	shapes := make([]graph.Shape, len(n.Args))
	total := size
	for i, a := range n.Args {
		shapes[i] = a.Shape
		total += in[i].size
	}
	return func(f *frame) {
		memory := f.scratch(total)
		args := make([][]float64, len(in))
		for r := range f.n {
			at := size
			for i, s := range in {
				args[i] = memory[at : at+s.size]
				for k := range s.size {
					args[i][k] = f.col(s, k)[r]
				}
				at += s.size
			}
			op.Value(memory[:size], shapes, args...)
			for k, v := range memory[:size] {
				f.col(out, k)[r] = v
			}
		}
	}
}
