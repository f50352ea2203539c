package engine

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/descent-ml/descent/graph"
)

var background = context.Background()

// lecture is the default model, with weights s and offsets o.
const lecture = `z = dot(w, x) + b + o
a = sigmoid(z)
L = -(y*log(a) + (1-y)*log(1-a))
J = mean(s*L) + sum(lambda*w*w)/(2*m)`

// losses are models over the same leaves; the first is the lecture's.
var losses = map[string]string{
	"log loss": lecture,
	"plain": `z = dot(w, x) + b
a = sigmoid(z)
L = -(y*log(a) + (1-y)*log(1-a))
J = mean(L)`,
	"focal": `z = dot(w, x) + b + o
a = sigmoid(z)
L = -(y*(1-a)^2*log(a) + (1-y)*a^2*log(1-a))
J = mean(s*L) + sum(lambda*w*w)/(2*m)`,
	"smoothed": `z = dot(w, x) + b + o
a = sigmoid(z)
t = 0.9*y + 0.05
L = -(t*log(a) + (1-t)*log(1-a))
J = mean(s*L) + sum(lambda*w*w)/(2*m)`,
	"weighted": `z = dot(w, x) + b + o
a = sigmoid(z)
L = -(3*y*log(a) + 0.5*(1-y)*log(1-a))
J = mean(s*L) + sum(lambda*w*w)/(2*m)`,
	"squared": `z = dot(w, x) + b + o
a = sigmoid(z)
L = 0.5*(a - y)^2
J = mean(s*L) + sum(lambda*w*w)/(2*m)`,
	"probit": `z = dot(w, x) + b + o
L = -(y*log(normcdf(z)) + (1-y)*log(1-normcdf(z)))
J = mean(s*L) + sum(lambda*w*w)/(2*m)`,
	"mixing penalty": `z = dot(w, x) + b + o
L = log(1 + exp(z)) - y*z
J = mean(s*L) + lambda2*dot(w, w)^2 + sum(w)^2/m`,
}

// problem is random data over all kinds of storage: dense columns, codes, sparse rows.
type problem struct {
	layout  Layout
	columns Columns
	x       []float64 // rows by features, as the model sees them
}

func newProblem(t testing.TB, seed uint64, rows, dense int, codes []int, sparse int, centred bool) *problem {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	p := &problem{}
	n := dense + sparse
	for _, k := range codes {
		n += k
	}
	p.layout = Layout{Rows: rows, Features: n, Inputs: []string{"y", "s", "o"}}
	stored := make([]float64, rows*n)
	// features in a mixed order: sparse first, then codes, then dense from last to first
	j := 0
	if sparse > 0 {
		p.layout.Sparse = true
		p.columns.Start = []int{0}
		var values Float64s
		for i := range rows {
			for k := range sparse {
				if r.Float64() < 0.3 {
					v := r.NormFloat64()
					p.columns.Index, values = append(p.columns.Index, int32(k)), append(values, v)
					stored[i*n+k] = v
				}
			}
			p.columns.Start = append(p.columns.Start, len(p.columns.Index))
		}
		p.columns.Value = values
		j = sparse
	}
	for _, k := range codes {
		c := make([]int32, rows)
		for i := range c {
			c[i] = int32(r.IntN(k+1)) - 1
			if c[i] >= 0 {
				stored[i*n+j+int(c[i])] = 1
			}
		}
		p.columns.Codes = append(p.columns.Codes, c)
		p.layout.Codes = append(p.layout.Codes, Codes{j, k})
		j += k
	}
	for d := range dense {
		c := make([]float64, rows)
		at := n - 1 - d
		for i := range c {
			c[i] = 2 + r.NormFloat64()
			stored[i*n+at] = c[i]
		}
		p.columns.Dense = append(p.columns.Dense, Float64s(c))
		p.layout.Dense = append(p.layout.Dense, at)
	}
	y, s, o := make([]float64, rows), make([]float64, rows), make([]float64, rows)
	for i := range rows {
		if r.Float64() < 0.4 {
			y[i] = 1
		}
		s[i] = float64(r.IntN(4)) / 2
		o[i] = r.NormFloat64() / 4
	}
	p.columns.Inputs = [][]float64{y, s, o}
	p.x = stored
	if centred {
		p.layout.Center, p.layout.Scale = make([]float64, n), make([]float64, n)
		for j := range n {
			p.layout.Center[j], p.layout.Scale[j] = r.NormFloat64(), 0.5+r.Float64()
			for i := range rows {
				p.x[i*n+j] = (p.x[i*n+j] - p.layout.Center[j]) * p.layout.Scale[j]
			}
		}
	}
	return p
}

func (p *problem) memory(t testing.TB) *Memory {
	t.Helper()
	m, err := NewMemory(p.layout, p.columns)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (p *problem) engine(t testing.TB, o Options) *Engine {
	t.Helper()
	e, err := New(p.memory(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (p *problem) weight() float64 {
	m := 0.0
	for _, s := range p.columns.Inputs[1] {
		m += s
	}
	return m
}

// model parses equations over the leaves of a problem with n features.
func model(t testing.TB, src string, n int, more ...graph.Leaf) *graph.Graph {
	t.Helper()
	row := graph.Shape{PerRow: true}
	leaves := append([]graph.Leaf{
		{Kind: graph.Parameter, Name: "w", Shape: graph.Vector(n)},
		{Kind: graph.Parameter, Name: "b"},
		{Kind: graph.Input, Name: "x", Shape: graph.Vector(n).EachRow()},
		{Kind: graph.Input, Name: "y", Shape: row},
		{Kind: graph.Input, Name: "s", Shape: row},
		{Kind: graph.Input, Name: "o", Shape: row},
		{Kind: graph.Input, Name: "lambda", Shape: graph.Vector(n)},
		{Kind: graph.Input, Name: "lambda2"},
		{Kind: graph.Input, Name: "m"},
	}, more...)
	g, err := graph.Parse(src, leaves...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// settings are the leaves that are not per row.
func (p *problem) settings() Values {
	lambda := make([]float64, p.layout.Features)
	for j := range lambda {
		lambda[j] = 0.3 + float64(j%3)
	}
	m := p.weight()
	return Values{M: m, Of: map[string][]float64{"lambda": lambda, "lambda2": {0.02}, "m": {m}}}
}

// reference is all leaves, for the interpreter.
func (p *problem) reference(w []float64, bias float64, counts []uint16) graph.Values {
	in := p.settings()
	v := graph.Values{Rows: p.layout.Rows, M: in.M, Of: map[string][]float64{"x": p.x, "w": w, "b": {bias}}}
	for k, x := range in.Of {
		v.Of[k] = x
	}
	for k, name := range p.layout.Inputs {
		v.Of[name] = p.columns.Inputs[k]
	}
	if counts != nil { // a row counts by its weight; weights of a row left out may be anything
		s := slices.Clone(v.Of["s"])
		for i := range s {
			s[i] *= float64(counts[i])
		}
		v.Of["s"] = s
	}
	return v
}

func theta(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 2))
	v := make([]float64, n)
	for i := range v {
		v[i] = r.NormFloat64() / 3
	}
	return v
}

// near compares vectors relative to the largest entry of want.
func near(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	size := 0.0
	for _, v := range want {
		size = max(size, math.Abs(v))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tolerance*max(size, 1e-300)) {
			t.Errorf("%s[%d] = %v, want %v (largest %v)", what, i, got[i], want[i], size)
			return
		}
	}
}
