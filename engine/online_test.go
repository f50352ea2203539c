package engine

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/internal/kernel"
)

// onlineRows are the rows lo … hi-1 of a problem that is not centred, with the feature behind every stored place.
func onlineRows(p *problem, lo, hi int) *OnlineRows {
	l, D := &p.layout, len(p.layout.Dense)
	b := &OnlineRows{Rows: hi - lo, Dense: make([]float64, D*padded(hi-lo))}
	v := make([]float64, 1)
	for d := range D {
		for r := range b.Rows {
			p.columns.Dense[d].Read(v, lo+r)
			b.Dense[(r/kernel.Rows*D+d)*kernel.Rows+r%kernel.Rows] = v[0]
		}
	}
	for _, c := range p.columns.Codes {
		b.Codes = append(b.Codes, c[lo:hi])
	}
	if l.Sparse {
		b.Start = []int{0}
		for r := lo; r < hi; r++ {
			from, to := p.columns.Start[r], p.columns.Start[r+1]
			b.Index = append(b.Index, p.columns.Index[from:to]...)
			some := make([]float64, to-from)
			p.columns.Value.Read(some, from)
			b.Value = append(b.Value, some...)
			b.Start = append(b.Start, len(b.Index))
		}
	}
	for _, c := range p.columns.Inputs {
		b.Inputs = append(b.Inputs, c[lo:hi])
	}
	return b
}

// TestOnline: loss and gradient of mini-batches are those of the graph in the interpreter, for every loss over every storage.
func TestOnline(t *testing.T) {
	for _, s := range []shape{{"dense", 150, 5, nil, 0, false}, {"all", 333, 3, []int{4, 2}, 6, false}, {"codes", 70, 0, []int{4, 1, 7}, 0, false}, {"sparse", 200, 0, nil, 12, false}} {
		p := s.problem(t)
		n := p.layout.Features
		at := theta(n+1, 3)
		for _, name := range slices.Sorted(maps.Keys(losses)) {
			for _, noFused := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/NoFused=%v", s.name, name, noFused), func(t *testing.T) {
					src := losses[name] + "\nQ = mean(s*L)"
					g := model(t, src, n)
					o, err := NewOnline(g, "Q", "w", "b", p.layout.Inputs, p.settings(), noFused)
					if err != nil {
						t.Fatal(err)
					}
					w := OnlineWeights{Bias: at[n]}
					for _, j := range p.layout.Dense {
						w.Dense = append(w.Dense, at[j])
					}
					for _, c := range p.layout.Codes {
						w.Codes = append(w.Codes, at[c.First:c.First+c.Levels])
					}
					if p.layout.Sparse {
						w.Sparse = at[:n]
					}
					to := []OnlineSums{{Dense: make([]float64, len(w.Dense))}}
					var touched Touched
					for lo := 0; lo < s.rows; lo += 64 {
						hi := min(lo+64, s.rows)
						loss, err := o.Loss(onlineRows(p, lo, hi), []OnlineWeights{w}, to, &touched)
						if err != nil {
							t.Fatal(err)
						}
						mask := make([]uint16, s.rows)
						for r := lo; r < hi; r++ {
							mask[r] = 1
						}
						ref := p.reference(at[:n], at[n], mask)
						Q, _ := g.Lookup("Q")
						wn, _ := g.Lookup("w")
						bn, _ := g.Lookup("b")
						grads, err := g.Gradient(Q, wn, bn)
						if err != nil {
							t.Fatal(err)
						}
						want, err := graph.Eval(ref, append([]*graph.Node{Q}, grads...)...)
						if err != nil {
							t.Fatal(err)
						}
						m := ref.M
						got := make([]float64, n)
						for d, j := range p.layout.Dense {
							got[j] = to[0].Dense[d]
						}
						for c, list := range touched.Codes {
							for _, v := range list {
								got[p.layout.Codes[c].First+int(v)] = to[0].Codes[c][v]
								to[0].Codes[c][v] = 0
							}
						}
						for _, j := range touched.Sparse {
							got[j] = to[0].Sparse[j]
							to[0].Sparse[j] = 0
						}
						largest := 1.0
						for _, v := range want[1] {
							largest = math.Max(largest, math.Abs(v*m))
						}
						compare := func(what string, a, b float64) {
							if math.Abs(a-b) > agree*largest*10 {
								t.Errorf("rows %d to %d: %s is %v, want %v", lo, hi, what, a, b)
							}
						}
						compare("loss", loss, want[0][0]*m)
						compare("db", to[0].Bias, want[2][0]*m)
						for j, v := range got {
							compare(fmt.Sprintf("dw_%d", j), v, want[1][j]*m)
						}
					}
				})
			}
		}
	}
}

// TestOnlineRefuses: what is no mean of a function of one dot(w, x) + b.
func TestOnlineRefuses(t *testing.T) {
	p := newProblem(t, 7, 20, 3, nil, 0, false)
	for _, src := range []string{
		"z = dot(w, x) + b\nL = (z - y)^2\nQ = mean(L) + sum(w*w)",
		"z = dot(w, x)*b\nL = (z - y)^2\nQ = mean(L)",
		"z = dot(w, x) + b\nL = (z - y)^2 + b^2\nQ = mean(L)",
		"z = dot(w, x) + b\nL = (z - dot(w, x*x))^2\nQ = mean(L)",
	} {
		g := model(t, src, 3)
		if _, err := NewOnline(g, "Q", "w", "b", p.layout.Inputs, Values{}, false); !errors.Is(err, ErrNotOnline) {
			t.Errorf("%s: %v", src, err)
		}
	}
}
