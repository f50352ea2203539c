package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// many is a problem of many chunks.
func many(t testing.TB) []*problem {
	return []*problem{
		newProblem(t, 11, 2500, 300, nil, 0, true),         // chunks of 192 rows
		newProblem(t, 12, 3000, 2, []int{5, 9}, 0, false),  // 1024 rows
		newProblem(t, 13, 4500, 70, []int{3}, 1500, false), // sparse: several blocks a chunk
		newProblem(t, 14, 64*21+5, 500, []int{4}, 0, true), // 128
		newProblem(t, 15, 100, 4, []int{2}, 3, true),       // one chunk
		newProblem(t, 16, 64*2*4, 500, nil, 0, false),      // a power of two of them
	}
}

// everything is what an engine computes of a problem: cost, gradient, H·v, diagonal, Hessian, passes, kept columns.
func everything(ctx context.Context, e *Engine, p *problem, t testing.TB) ([]float64, error) {
	n := p.layout.Features
	g := model(t, lecture, n)
	b, err := NewObjective(e, g, "J", []string{"w", "b"}, p.settings(), ObjectiveOptions{})
	if err != nil {
		return nil, err
	}
	var all []float64
	grad, v := make([]float64, n+1), theta(n+1, 8)
	J, err := b.CostGradient(ctx, theta(n+1, 6), grad)
	if err != nil {
		return nil, err
	}
	all = append(append(all, J), grad...)
	if err := b.Product(ctx, v, grad); err != nil {
		return nil, err
	}
	all = append(all, grad...)
	if err := b.Diagonal(ctx, grad); err != nil {
		return nil, err
	}
	all = append(all, grad...)
	if n < 400 {
		h := make([]float64, (n+1)*(n+1))
		if err := b.HessianEstimate(ctx, []int{0, e.Chunks() - 1}[:min(2, e.Chunks())], h); err != nil {
			return nil, err
		}
		all = append(all, h...)
	}
	if err := b.Line(ctx, v); err != nil {
		return nil, err
	}
	J, slope, err := b.LineCost(ctx, 0.25)
	if err != nil {
		return nil, err
	}
	all = append(all, J, slope)
	w, err := e.Weighted(ctx, b.keeps[0].data)
	if err != nil {
		return nil, err
	}
	return append(all, w...), nil
}

func sameBits(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
			t.Fatalf("%s: number %d is %x, want %x", what, i, got[i], want[i])
		}
	}
}

func TestThreadsGiveTheSameBits(t *testing.T) {
	for k, p := range many(t) {
		m := p.memory(t)
		var want []float64
		for _, threads := range []int{1, 2, 3, 8} {
			e, err := New(m, Options{Threads: threads})
			if err != nil {
				t.Fatal(err)
			}
			got, err := everything(background, e, p, t)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
				for _, v := range want {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						t.Fatal("the test compares nothing:", v)
					}
				}
				continue
			}
			sameBits(t, fmt.Sprintf("problem %d on %d threads", k, threads), got, want)
		}
	}
}

// meeting is an all-reduce between goroutines: every member gives its part and gets all parts merged in the
// order in which they came, after a journey as JSON.
type meeting struct {
	mu      sync.Mutex
	members int
	parts   [][]byte
	done    chan struct{}
	total   []byte
	err     error
}

func (m *meeting) reduce(_ context.Context, p Partial) (Partial, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return Partial{}, err
	}
	m.mu.Lock()
	if m.done == nil {
		m.done = make(chan struct{})
	}
	done := m.done
	m.parts = append(m.parts, text)
	if len(m.parts) == m.members {
		total := Partial{Size: p.Size}
		for _, i := range rand.Perm(len(m.parts)) {
			var q Partial
			if m.err == nil {
				m.err = json.Unmarshal(m.parts[i], &q)
			}
			if m.err == nil {
				total, m.err = Merge(total, q)
			}
		}
		m.total, _ = json.Marshal(total)
		m.parts, m.done = nil, nil
		close(done)
	}
	m.mu.Unlock()
	<-done
	m.mu.Lock()
	defer m.mu.Unlock()
	var q Partial
	if m.err == nil {
		m.err = json.Unmarshal(m.total, &q)
	}
	return q, m.err
}

func TestRanksGiveTheSameBits(t *testing.T) {
	for k, p := range many(t) {
		m := p.memory(t)
		whole, err := New(m, Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		want, err := everything(background, whole, p, t)
		if err != nil {
			t.Fatal(err)
		}
		C := whole.Chunks()
		r := rand.New(rand.NewPCG(uint64(k), 3))
		for _, ranks := range []int{2, 3, 5} {
			cuts := []int{0, C}
			for len(cuts) < ranks+1 {
				cuts = append(cuts, 1+r.IntN(C))
			}
			slices.Sort(cuts)
			cuts = slices.Compact(cuts)
			meet := &meeting{members: len(cuts) - 1}
			var wg sync.WaitGroup
			for i := range len(cuts) - 1 {
				wg.Go(func() {
					e, err := New(m, Options{Threads: 2, From: cuts[i], To: cuts[i+1], Reduce: meet.reduce})
					if err != nil {
						t.Error(err)
						return
					}
					got, err := everything(background, e, p, t)
					if err != nil {
						t.Error(err)
						return
					}
					sameBits(t, fmt.Sprintf("problem %d, chunks %v, rank %d", k, cuts, i), got, want)
				})
			}
			wg.Wait()
			if t.Failed() {
				return
			}
		}
	}
}

// TestMergeInAnyOrder: random parts of a pass, merged in any grouping, are one Partial with the bits of the whole.
func TestMergeInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		C := 1 + r.IntN(40)
		leaf := make([][]float64, C)
		whole := Partial{Size: 2}
		for k := range leaf {
			leaf[k] = []float64{r.NormFloat64(), r.ExpFloat64()}
			whole.insert(Subtree{0, k, slices.Clone(leaf[k])}, nil)
		}
		if limit := 2 * 6; len(whole.Nodes) > limit {
			t.Fatalf("%d chunks in %d subtrees", C, len(whole.Nodes))
		}
		var parts []Partial
		for _, k := range r.Perm(C) {
			parts = append(parts, Partial{Size: 2, Nodes: []Subtree{{0, k, slices.Clone(leaf[k])}}})
		}
		for len(parts) > 1 {
			i := r.IntN(len(parts) - 1)
			p, err := Merge(parts[i], parts[i+1])
			if err != nil {
				t.Fatal(err)
			}
			parts[i] = p
			parts = slices.Delete(parts, i+1, i+2)
		}
		sameBits(t, "total", parts[0].Total(), whole.Total())
		if len(parts[0].Nodes) != len(whole.Nodes) {
			t.Fatalf("%d subtrees, want %d", len(parts[0].Nodes), len(whole.Nodes))
		}
	}
	a := Partial{Size: 1, Nodes: []Subtree{{1, 0, []float64{1}}}}
	for _, b := range []Partial{
		{Size: 1, Nodes: []Subtree{{0, 1, []float64{1}}}}, // chunk 1 twice
		{Size: 2},
		{Size: 1, Nodes: []Subtree{{0, 5, nil}}},
		{Size: 1, Nodes: []Subtree{{70, 0, []float64{1}}}},
		{Size: 1, Nodes: []Subtree{{0, -1, []float64{1}}}},
	} {
		if _, err := Merge(a, b); err == nil {
			t.Errorf("merged %v and %v", a, b)
		}
	}
}

// A source that fails, or a cancelled context, ends a pass with that error.
type failing struct {
	*Memory
	at     int
	cancel func()
}

var errDisk = errors.New("disk on fire")

func (f failing) Chunk(k int) (Block, error) {
	if k == f.at {
		if f.cancel != nil {
			f.cancel()
		} else {
			return Block{}, errDisk
		}
	}
	return f.Memory.Chunk(k)
}

func TestPassesEndEarly(t *testing.T) {
	p := newProblem(t, 3, 5000, 300, nil, 0, false)
	m := p.memory(t)
	for _, threads := range []int{1, 4} {
		e, err := New(failing{m, 7, nil}, Options{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Weighted(background, nil); !errors.Is(err, errDisk) {
			t.Errorf("a failing source: %v", err)
		}
		ctx, cancel := context.WithCancel(background)
		if e, err = New(failing{m, 3, cancel}, Options{Threads: threads}); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Weighted(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled on the way: %v", err)
		}
		if _, err := e.Linear(ctx, make([]float64, 301)); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: %v", err)
		}
	}
}

// raceEnabled is set by race_test.go.
var raceEnabled bool

// TestAllocations: a pass over many chunks allocates no more than one over few.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	count := func(rows int) float64 {
		p := newProblem(t, 3, rows, 300, nil, 0, false)
		b, _ := objective(t, p, lecture, Options{Threads: 1}, ObjectiveOptions{})
		grad, at := make([]float64, 301), theta(301, 1)
		return testing.AllocsPerRun(5, func() {
			if _, err := b.CostGradient(background, at, grad); err != nil {
				t.Fatal(err)
			}
		})
	}
	few, lots := count(1000), count(9000)
	if lots > few+8 {
		t.Errorf("%v allocations for 6 chunks, %v for 47", few, lots)
	}
}
