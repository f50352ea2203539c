package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/descent-ml/descent/internal/spill"
)

// away is the problem with its cells in a scratch file.
func (p *problem) away(t testing.TB) *Memory {
	t.Helper()
	file := spill.In(t.TempDir())
	t.Cleanup(file.Close)
	cols := p.columns
	cols.Codes = nil
	m, err := NewScratch(file, p.layout, cols, func(k int, out []int32, from int) { copy(out, p.columns.Codes[k][from:]) })
	if err != nil {
		t.Fatal(err)
	}
	if names, _ := filepath.Glob(filepath.Join(file.Dir(), "*")); os.PathSeparator == '/' && len(names) > 0 {
		t.Errorf("the scratch file has a name: %v", names)
	}
	return m
}

// TestScratch: every pass over rows in a scratch file has the bits of the pass over rows in memory.
func TestScratch(t *testing.T) {
	for _, codes := range [][]int{nil, {3, 900}} {
		p, _ := storedAs(t, 5, Float64, 5000, 37, codes, 0)
		coarse := p.columns.Dense[7].(Float64s) // repeats, so that some chunks are compressed
		for i := range coarse {
			coarse[i] = float64(i / 512)
		}
		n := p.layout.Features
		for _, threads := range []int{1, 3} {
			t.Run(fmt.Sprint(codes, threads), func(t *testing.T) {
				at, v := theta(n+1, 1), theta(n+1, 2)
				results := func(m *Memory) map[string][]float64 {
					out := map[string][]float64{}
					ok := func(err error) {
						t.Helper()
						if err != nil {
							t.Fatal(err)
						}
					}
					e, err := New(m, Options{Threads: threads})
					ok(err)
					b, err := NewObjective(e, model(t, lecture, n), "J", []string{"w", "b"}, p.settings(), ObjectiveOptions{Keep: true})
					ok(err)
					vector := func(name string) []float64 {
						out[name] = make([]float64, n+1)
						return out[name]
					}
					rows := []int{4999, 0, 64, 64, 3, 1027}
					_, err = b.CostGradientRows(background, at, rows, vector("some rows"))
					ok(err)
					J, err := b.CostGradient(background, at, vector("gradient"))
					ok(err)
					out["J"] = []float64{J}
					ok(b.Product(background, v, vector("product")))
					ok(b.Diagonal(background, vector("diagonal")))
					out["gram"], err = e.Gram(background, p.columns.Inputs[1], []int{0, 2})
					ok(err)
					on, err := b.rough(background)
					if ok(err); !on {
						t.Error("no rough copy")
					}
					ok(b.Product(background, v, vector("rough product")))
					return out
				}
				want, got := results(p.memory(t)), results(p.away(t))
				for name := range want {
					sameBits(t, name, got[name], want[name])
				}
			})
		}
	}
}

// TestScratchFails: a file that cannot be made or read is an error, not a wrong sum.
func TestScratchFails(t *testing.T) {
	p := newProblem(t, 3, 3000, 5, []int{4}, 0, false)
	m := p.away(t)
	e, err := New(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m.away.file.Close()
	if _, err := e.Weighted(background, nil); err == nil || !strings.Contains(err.Error(), "scratch file in") {
		t.Errorf("a closed file: %v", err)
	}
	cols := p.columns
	cols.Codes = nil
	_, err = NewScratch(spill.In(filepath.Join(t.TempDir(), "none")), p.layout, cols, func(int, []int32, int) {})
	if err == nil || !strings.Contains(err.Error(), "cannot be made") {
		t.Errorf("a directory that does not exist: %v", err)
	}
	p.layout.Codes[0].Levels = 2
	_, err = NewScratch(spill.In(t.TempDir()), p.layout, cols, func(k int, out []int32, from int) { copy(out, p.columns.Codes[k][from:]) })
	if err == nil || !strings.Contains(err.Error(), "of 2 levels") {
		t.Errorf("a code too large: %v", err)
	}
}
