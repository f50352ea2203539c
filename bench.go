package descent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/encode"
	"github.com/descent-ml/descent/internal/kernel"
	"github.com/descent-ml/descent/internal/modelfile"
)

// Measurement is what [Bench] measures, under the names that `descent bench --json` prints. Seconds are wall clock; of what is repeated they are
// the fastest, because other work on the machine only ever adds, and the median tells how much of that there was.
type Measurement struct {
	Rows       int            `json:"rows"`
	Columns    int            `json:"columns"`    // inputs of the file
	Parameters int            `json:"parameters"` // weights and biases
	Threads    int            `json:"threads"`
	Kernels    string         `json:"kernels"` // the set that the processor runs
	Read       ReadMeasure    `json:"read"`
	Storage    encode.Storage `json:"storage"`
	Bandwidth  Bandwidth      `json:"bandwidth"`
	Pass       PassMeasure    `json:"pass"`
	ByHand     *HandMeasure   `json:"by_hand"` // null where there is no pass by hand to compare with
	ByHandNote string         `json:"by_hand_note,omitempty"`
	Solve      []SolveMeasure `json:"solve"`
	Bits       *BitsMeasure   `json:"bits"` // null if no solve was asked for
}

// ReadMeasure is the way from the file to typed columns.
type ReadMeasure struct {
	Seconds float64 `json:"seconds"`
	Bytes   *int64  `json:"bytes"` // of the files; null where they are not known
}

// Bandwidth is how fast memory can be read: a sum over an array far larger than caches, by as many threads as the passes use.
type Bandwidth struct {
	Bytes          int64   `json:"bytes"`
	BytesPerSecond float64 `json:"bytes_per_second"`
}

// PassMeasure is a pass that gives J and its whole gradient, by the program that was compiled from the equations.
type PassMeasure struct {
	Repeats        int     `json:"repeats"`
	Seconds        float64 `json:"seconds"`
	Median         float64 `json:"median_seconds"`
	Bytes          int64   `json:"bytes"` // that have to be read: the storage, once, and the labels
	BytesPerSecond float64 `json:"bytes_per_second"`
	Share          float64 `json:"share_of_bandwidth"` // above 1 where caches hold the data
}

// HandMeasure is the same pass written by hand with the same kernels, in turns with the compiled one.
type HandMeasure struct {
	Seconds float64 `json:"seconds"`
	Median  float64 `json:"median_seconds"`
	Slower  float64 `json:"compiled_slower_by"` // compiled over by hand, less 1, of the fastest
}

// SolveMeasure is the training alone, until the proved gap is at most Tol of J.
type SolveMeasure struct {
	Tol     float64  `json:"tol"`
	Seconds float64  `json:"seconds"`
	Steps   int      `json:"steps"`
	Passes  int      `json:"passes"`
	Cost    float64  `json:"cost"`
	Gap     *float64 `json:"gap"` // proved bound on J - J*
	Verdict Verdict  `json:"verdict"`
	Error   string   `json:"error,omitempty"`
}

// BitsMeasure is whether the model has the same bytes on one thread and on as many as there are.
type BitsMeasure struct {
	Threads []int  `json:"threads"`
	Equal   bool   `json:"equal"`
	SHA256  string `json:"sha256"` // of the model that one thread makes
}

// BenchOptions say what [Bench] measures. The zero value is the default.
type BenchOptions struct {
	Repeats    int                // of each pass; 0: as many as fit in a second, from 6 to 200
	PassesOnly bool               // without the solves and the comparison of bits
	Stage      func(stage string) // called before each part
}

// benchTols are the gaps, as shares of J, that Bench solves to. The first is that of the comparison of bits.
var benchTols = []float64{1e-3, 1e-6, 1e-9}

// Bench measures reading, storage, passes and solving on the user's own data, and the memory bandwidth beside them. Of the configuration it uses what
// says what the model is, and Threads.
func Bench(ctx context.Context, source Source, config Config, o BenchOptions) (*Measurement, error) {
	config.Test, config.CV, config.Run, config.Solver = Test{}, CrossValidation{}, Run{}, Solver{Threads: config.Solver.Threads}
	switch {
	case config.Hidden > 0 || config.Penalty.L1 > 0:
		return nil, errors.New("bench measures costs that have a gradient everywhere and one optimum: without a hidden layer and without L1")
	case config.Inference != Inference{}:
		return nil, errors.New("bench measures the training, without statistics beside the plain ones")
	}
	if err := config.Check(); err != nil {
		return nil, err
	}
	config.defaults()
	stage := o.Stage
	if stage == nil {
		stage = func(string) {}
	}
	f := &fit{config: config, result: &Result{Solver: config.Solver.Method, Penalty: config.Penalty, Confidence: config.Confidence, Seed: config.Solver.Seed}, start: time.Now()}
	stage("reading")
	if err := f.read(ctx, source); err != nil {
		return nil, err
	}
	b := &Measurement{Rows: f.table.Rows, Columns: len(f.table.Columns) - 1, Threads: config.Solver.Threads, Kernels: kernel.Best[float64]().Name, Solve: []SolveMeasure{}}
	if f.table.Sparse != nil {
		b.Columns = len(f.table.Sparse.Features)
	}
	if b.Threads == 0 {
		b.Threads = runtime.GOMAXPROCS(0)
	}
	b.Read = ReadMeasure{Seconds: f.result.Seconds.Read, Bytes: sizeOf(source)}
	for _, next := range []func(context.Context) error{f.split, f.learn, f.alias, f.design} {
		if err := next(ctx); err != nil {
			return nil, err
		}
	}
	if f.cost.parameters != nil {
		return nil, errors.New("bench measures models with one vector of weights a class")
	}
	if err := f.prepare(); err != nil {
		return nil, err
	}
	b.Rows, b.Parameters, b.Storage = len(f.learnt.Rows), f.objective.Size(), *f.result.Stored
	stage("memory bandwidth")
	b.Bandwidth = readMemory(b.Threads)
	stage("passes")
	if err := f.passes(ctx, b, o.Repeats); err != nil {
		return nil, err
	}
	table := Table(f.table)
	f.matrix, f.engine, f.objective = nil, nil, nil // the solves have their own
	if o.PassesOnly {
		return b, nil
	}
	for _, tol := range benchTols {
		stage(fmt.Sprintf("solve to %g", tol))
		s, _, err := solveOnce(ctx, table, config, tol, b.Threads)
		if err != nil {
			return nil, err
		}
		b.Solve = append(b.Solve, s)
	}
	stage("bits")
	return b, b.compareBits(ctx, table, config, benchTols[0])
}

// sizeOf is the size of a source's files, nil where it is not known.
func sizeOf(source Source) *int64 {
	s, ok := source.(fileSource)
	if !ok {
		return nil
	}
	names, err := dataset.Files(s.pattern)
	if err != nil {
		return nil
	}
	total := int64(0)
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return nil
		}
		total += info.Size()
	}
	return &total
}

// readMemory measures how fast the threads together sum an array.
func readMemory(threads int) Bandwidth {
	const repeats = 7
	each := max(min(128<<20, 1<<30/threads), 16<<20) // bytes; together no more than a machine of many cores has
	sum := kernel.Best[float64]().SumRows
	parts := make([][]float64, threads)
	for t := range parts {
		parts[t] = make([]float64, each/8)
		for i := range parts[t] {
			parts[t][i] = 1 // pages are there only once they are written to
		}
	}
	fastest := math.Inf(1)
	for range repeats {
		begin := time.Now()
		var wg sync.WaitGroup
		for _, p := range parts {
			wg.Go(func() {
				if sum(p) != float64(each/8) {
					panic("descent: a sum of ones is wrong")
				}
			})
		}
		wg.Wait()
		fastest = min(fastest, time.Since(begin).Seconds())
	}
	bytes := int64(threads) * int64(each)
	return Bandwidth{bytes, float64(bytes) / fastest}
}

// passes times the compiled pass and the one by hand in turns.
func (f *fit) passes(ctx context.Context, b *Measurement, repeats int) error {
	o, l := f.objective, f.matrix.Memory.Layout()
	inputs := 8 * int64(l.Rows) * int64(len(l.Inputs)) // y, and weights and offsets
	theta, grad := make([]float64, o.Size()), make([]float64, o.Size())
	for j := range theta {
		theta[j] = (float64(j%7) - 3) / float64(4*len(theta)) // z differs from row to row
	}
	run := []func() error{func() error { _, err := o.CostGradient(ctx, theta, grad); return err }}
	hand := make([]float64, len(grad))
	switch {
	case f.cost.size.sets > 1:
		b.ByHandNote = "there is no pass by hand for more than two classes"
	case f.config.Equations != f.cost.size.equations():
		b.ByHandNote = "there is no pass by hand for equations of your own"
	case f.learnt.Weights != nil || f.learnt.Offsets != nil || len(f.kept) == 0:
		b.ByHandNote = "the pass by hand knows no weights and no offset"
	default:
		y, _ := f.matrix.Memory.Input("y")
		loss := kernel.Best[float64]().Fused[0] // L = softplus(z) - y*z and dz = sigmoid(z) - y
		each := func(first int, z, L, dz []float64) {
			loss.Run([][]float64{L, dz, nil, nil, nil}, [][]float64{z, y[first:][:len(z)]})
		}
		run = append(run, func() error { _, err := f.engine.Between(ctx, theta, each, hand); return err })
	}
	times := make([][]float64, len(run))
	begin := time.Now()
	for k := 0; ; k++ {
		if repeats > 0 && k > repeats || repeats == 0 && (k > 200 || k > 6 && time.Since(begin) > time.Duration(len(run))*time.Second) {
			break
		}
		for i := range run {
			i = (i + k) % len(run) // each goes first every other time
			at := time.Now()
			if err := run[i](); err != nil {
				return err
			}
			if k > 0 { // the first only warms up
				times[i] = append(times[i], time.Since(at).Seconds())
			}
		}
	}
	middle := func(v []float64) float64 {
		slices.Sort(v)
		return v[len(v)/2]
	}
	p := &b.Pass
	*p = PassMeasure{Repeats: len(times[0]), Seconds: slices.Min(times[0]), Median: middle(times[0]), Bytes: b.Storage.Bytes + inputs}
	p.BytesPerSecond = float64(p.Bytes) / p.Seconds
	p.Share = p.BytesPerSecond / b.Bandwidth.BytesPerSecond
	if len(run) > 1 {
		if _, err := o.CostGradient(ctx, theta, grad); err != nil {
			return err
		}
		if err := f.agree(theta, grad, hand); err != nil {
			return err
		}
		b.ByHand = &HandMeasure{Seconds: slices.Min(times[1]), Median: middle(times[1]), Slower: p.Seconds/slices.Min(times[1]) - 1}
	}
	return nil
}

// agree makes sure that the two passes compute the same: what is compared are the gradients of the mean loss.
func (f *fit) agree(theta, grad, hand []float64) error {
	m, lambda := f.result.WeightSum, f.lambda()
	largest := 0.0
	for _, g := range grad {
		largest = max(largest, math.Abs(g))
	}
	for j := range hand {
		want := hand[j] / m
		if j < len(lambda) && f.cost.uses("lambda") {
			want += lambda[j] * theta[j] / m
		}
		if d := math.Abs(want - grad[j]); d > 1e-9*largest {
			return fmt.Errorf("bench: the compiled program and the pass by hand differ by %.1e in weight %d", d, j)
		}
	}
	return nil
}

// solveOnce trains until the proved gap is at most tol of J.
func solveOnce(ctx context.Context, table Source, config Config, tol float64, threads int) (SolveMeasure, *Model, error) {
	config.Solver = Solver{Tol: tol, Threads: threads}
	config.SaveUnfinished = true
	config.Found = nil
	r, err := Fit(ctx, table, config)
	if err != nil && (r == nil || r.Model == nil || ctx.Err() != nil) {
		return SolveMeasure{}, nil, err
	}
	s := SolveMeasure{Tol: tol, Seconds: r.Seconds.Train, Steps: r.Steps, Passes: r.Passes, Cost: r.Cost, Gap: r.Gap, Verdict: r.Verdict}
	if err != nil {
		s.Error = err.Error()
	}
	return s, r.Model, nil
}

// compareBits trains on one thread and on many.
func (b *Measurement) compareBits(ctx context.Context, table Source, config Config, tol float64) error {
	bits := &BitsMeasure{Threads: []int{1, max(b.Threads, 2)}, Equal: true}
	for _, threads := range bits.Threads {
		_, m, err := solveOnce(ctx, table, config, tol, threads)
		if err != nil {
			return err
		}
		file, err := modelfile.Encode(&m.file)
		if err != nil {
			return err
		}
		hash := sha256.Sum256(file)
		text := hex.EncodeToString(hash[:])
		if bits.SHA256 == "" {
			bits.SHA256 = text
		}
		bits.Equal = bits.Equal && text == bits.SHA256
	}
	b.Bits = bits
	return nil
}
