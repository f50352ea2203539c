package descent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func runs() map[string]Config {
	admit := Config{Target: "admit", Columns: Columns{Categorical: []string{"rank"}}}
	with := func(c Config, change func(*Config)) Config {
		change(&c)
		return c
	}
	iris := Config{Target: "species"}
	return map[string]Config{
		"newton":         admit,
		"newton, l2":     with(admit, func(c *Config) { c.Penalty.L2 = 2 }),
		"tol":            with(admit, func(c *Config) { c.Solver.Tol = 1e-8 }),
		"lbfgs":          with(admit, func(c *Config) { c.Solver.Method = "lbfgs" }),
		"gd":             with(admit, func(c *Config) { c.Solver = Solver{Method: "gd", Steps: 12, Record: 5}; c.Scale = ScaleAuto }),
		"sgd":            with(admit, func(c *Config) { c.Solver = Solver{Method: "sgd", Steps: 20, Batch: 30}; c.Scale = ScaleAuto }),
		"l1":             with(admit, func(c *Config) { c.Penalty.L1 = 3 }),
		"elastic net":    with(admit, func(c *Config) { c.Penalty = Penalty{L1: 3, L2: 1} }),
		"holdout":        with(admit, func(c *Config) { c.Test.Part = 0.2 }),
		"recalibrated":   with(admit, func(c *Config) { c.Recalibrate = "isotonic" }),
		"classes":        with(iris, func(c *Config) { c.Penalty.L2 = 1 }),
		"classes, l1":    with(iris, func(c *Config) { c.Penalty.L1 = 2 }),
		"classes, lbfgs": with(iris, func(c *Config) { c.Penalty.L2 = 1; c.Solver.Method = "lbfgs" }),
		"classes, gd":    with(iris, func(c *Config) { c.Solver = Solver{Method: "gd", Steps: 5}; c.Scale = ScaleAuto }),
		"many rows":      {Target: "many", Penalty: Penalty{L2: 1}},
		"many rows, raw": {Target: "many"},
		"many rows, l1":  {Target: "many", Penalty: Penalty{L1: 5}},
		"separated":      with(iris, func(c *Config) { c.Labels.Positive, c.Labels.AgainstRest = "setosa", true }),
		"hidden":         with(admit, func(c *Config) { c.Hidden, c.Penalty.L2, c.Solver.Restarts = 2, 1, 3 }),
		"hidden, sgd":    with(iris, func(c *Config) { c.Hidden, c.Solver = 2, Solver{Method: "sgd", Steps: 15, Restarts: 2} }),
	}
}

// many are rows enough for solvers to begin with a part of them: four numbers and 60 levels.
var many = sync.OnceValue(func() string {
	r := rand.New(rand.NewPCG(5, 6))
	var b strings.Builder
	b.WriteString("a,b,c,d,g,many\n")
	for range 20000 {
		a, c, g := r.NormFloat64(), r.IntN(9), r.IntN(60)
		y := 0
		if a+0.3*float64(c)-float64(g%7)/3+2*r.NormFloat64() > 0 {
			y = 1
		}
		fmt.Fprintf(&b, "%.3f,%.2f,%d,%g,g%d,%d\n", a, 100+r.Float64(), c, r.ExpFloat64(), g, y)
	}
	return b.String()
})

func dataOf(c Config) Source {
	switch {
	case c.Target == "admit":
		return File("testdata/ucla_admissions/binary.csv")
	case c.Target == "many":
		return Reader("many.csv", strings.NewReader(many()))
	}
	return File("testdata/iris/iris.csv")
}

// contentOf is what a training ended with: model and result, without times.
func contentOf(t *testing.T, r *Result, err error) string {
	t.Helper()
	if err != nil && !errors.Is(err, ErrUnfinished) {
		t.Fatal(err)
	}
	c := *r
	c.Seconds, c.Notes = Seconds{}, nil
	a, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(&r.Model.file)
	if err != nil {
		t.Fatal(err)
	}
	return string(a) + "\n" + string(b)
}

// TestResume resumes the state after every answer of the solver (of long runs after every few), on another number of threads, and wants model and result
// of the run without a break.
func TestResume(t *testing.T) {
	for name, config := range runs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Fit(t.Context(), dataOf(config), config)
			want := contentOf(t, r, err)
			var states [][]byte
			c := config
			c.Run = Run{Checkpoint: "state", Every: 1}
			c.Solver.Threads = 1
			c.hooks.state = func(s []byte) { states = append(states, s) }
			r, err = Fit(t.Context(), dataOf(config), c)
			if got := contentOf(t, r, err); got != want {
				t.Fatalf("writing checkpoints changes the model:\n%s\n%s", got, want)
			}
			if len(states) < 3 {
				t.Fatalf("only %d states", len(states))
			}
			path := filepath.Join(t.TempDir(), "state")
			most := 30
			if config.Target == "many" {
				most = 8
			}
			for k := 0; k < len(states); k += 1 + len(states)/most {
				if err := os.WriteFile(path, states[k], 0o666); err != nil {
					t.Fatal(err)
				}
				c := config
				c.Run.Resume, c.Solver.Threads = path, 1+k%3
				r, err := Fit(t.Context(), dataOf(config), c)
				if got := contentOf(t, r, err); got != want {
					t.Fatalf("resumed from state %d of %d:\n%s\nwant\n%s", k+1, len(states), got, want)
				}
			}
		})
	}
}

// TestInterruptAndResume interrupts at every step, from the hook that reports it, and goes on: once more interrupted, then to the end.
func TestInterruptAndResume(t *testing.T) {
	for name, config := range runs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Fit(t.Context(), dataOf(config), config)
			want, steps := contentOf(t, r, err), r.Steps
			path := filepath.Join(t.TempDir(), "state")
			for k := 0; k < steps; k += 1 + steps/8 {
				c := config
				c.Run.Checkpoint = path
				for _, at := range []int{k, k + 1} {
					ctx, cancel := context.WithCancel(t.Context())
					seen := 0
					c.Progress = func(p Progress) {
						if seen++; p.Step >= at {
							cancel()
						}
					}
					r, err := Fit(ctx, dataOf(config), c)
					cancel()
					if r.Verdict != Interrupted { // the last step ended it
						if got := contentOf(t, r, err); got != want {
							t.Fatalf("%s\nwant\n%s", got, want)
						}
						break
					}
					if err == nil || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "continue with --resume "+path) || r.Checkpoint == nil {
						t.Fatalf("%v", err)
					}
					if r.Model == nil || r.Model.Save(path+".model") == nil {
						t.Fatal("an interrupted model is saved")
					}
					c.Run.Resume = path
				}
				c.Progress, c.Run = nil, Run{Resume: path}
				r, err := Fit(t.Context(), dataOf(config), c)
				if got := contentOf(t, r, err); got != want {
					t.Fatalf("interrupted at step %d:\n%s\nwant\n%s", k, got, want)
				}
			}
		})
	}
}

// TestMaxTime: a run whose time is up is marked, is no answer, and can go on.
func TestMaxTime(t *testing.T) {
	for name, config := range runs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Fit(t.Context(), dataOf(config), config)
			want := contentOf(t, r, err)
			c := config
			path := filepath.Join(t.TempDir(), "state")
			c.Run.Checkpoint, c.Solver.MaxTime = path, time.Second/10
			seen := 0
			c.Progress = func(Progress) {
				if seen++; seen == 2 {
					time.Sleep(600 * time.Millisecond) // the timer of a busy machine is late
				}
			}
			r, err = Fit(t.Context(), dataOf(config), c)
			if r.Verdict != Stopped || !errors.Is(err, ErrUnfinished) || !strings.Contains(err.Error(), "the time is used up") || r.Checkpoint == nil || r.Model == nil {
				t.Fatalf("%s, %v", r.Verdict, err)
			}
			if r.Train == nil || len(r.Coefficients) == 0 && len(r.Layers) == 0 || r.Gap == nil && r.GapNote == "" {
				t.Error("no usable state")
			}
			if r.Model.Save(filepath.Join(t.TempDir(), "m.json")) == nil {
				t.Error("it is saved without SaveUnfinished")
			}
			c = config
			c.Run.Resume = path
			r, err = Fit(t.Context(), dataOf(config), c)
			if got := contentOf(t, r, err); got != want {
				t.Fatalf("%s\nwant\n%s", got, want)
			}
		})
	}
}

// stateOf is a state from the middle of a run.
func stateOf(t testing.TB, config Config) []byte {
	var states [][]byte
	config.Run = Run{Checkpoint: "state", Every: 1}
	config.hooks.state = func(s []byte) { states = append(states, s) }
	if _, err := Fit(t.Context(), dataOf(config), config); err != nil {
		t.Fatal(err)
	}
	return states[len(states)/2]
}

// TestNoResume: what does not belong together is refused, and the error names it.
func TestNoResume(t *testing.T) {
	config := runs()["newton, l2"]
	state := stateOf(t, config)
	path := filepath.Join(t.TempDir(), "state")
	try := func(text []byte, source Source, change func(*Config)) error {
		t.Helper()
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		c := config
		c.Run.Resume = path
		if change != nil {
			change(&c)
		}
		_, err := Fit(t.Context(), source, c)
		return err
	}
	if err := try(state, dataOf(config), nil); err != nil {
		t.Fatal(err)
	}
	csv, err := os.ReadFile("testdata/ucla_admissions/binary.csv")
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(csv), "0,380,3.61,3", "0,380,3.62,3", 1)
	body := state[bytes.IndexByte(state, '\n')+1 : len(state)-1]
	for _, c := range []struct {
		name, want string
		err        error
	}{
		{"data", "other data", try(state, Reader("binary.csv", strings.NewReader(other)), nil)},
		{"l2", "l2 was 2 and is 3", try(state, dataOf(config), func(c *Config) { c.Penalty.L2 = 3 })},
		{"solver", `solver was "auto" and is "lbfgs"`, try(state, dataOf(config), func(c *Config) { c.Solver.Method = "lbfgs" })},
		{"columns", `exclude was not set and is ["gpa"]`, try(state, dataOf(config), func(c *Config) { c.Columns.Exclude = []string{"gpa"} })},
		{"cluster", `cluster was not set and is "rank"`, try(state, dataOf(config), func(c *Config) { c.Inference = Inference{Cluster: "rank", Bootstrap: 2} })},
		{"seed", "seed was 1 and is 2", try(state, dataOf(config), func(c *Config) { c.Solver.Seed = 2 })},
		{"program", "saved by descent v0.0.1 vax", try(sealCheckpoint(bytes.Replace(body, []byte(program()), []byte("v0.0.1 vax"), 1)), dataOf(config), nil)},
		{"version", "format version 9", try(bytes.Replace(state, []byte(`"version":1`), []byte(`"version":9`), 1), dataOf(config), nil)},
		{"a bit", "checksum does not fit", try(bytes.Replace(state, []byte("trail"), []byte("trial"), 1), dataOf(config), nil)},
		{"cut", "checksum does not fit", try(state[:len(state)-20], dataOf(config), nil)},
		{"empty", "no file with the state of a training", try(nil, dataOf(config), nil)},
		{"a model", "no file with the state of a training", try([]byte(`{"format":"descent-model","version":1}`), dataOf(config), nil)},
		{"unknown key", "unknown field", try(sealCheckpoint(append([]byte(`{"x":1,`), body[1:]...)), dataOf(config), nil)},
		{"no file", "no such file", try(state, dataOf(config), func(c *Config) { c.Run.Resume = path + ".no" })},
		{"a directory", "no file with the state", try(state, dataOf(config), func(c *Config) { c.Run.Resume = t.TempDir() })},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || !strings.HasPrefix(c.err.Error(), filepath.Dir(path)[:5]) {
			t.Errorf("%s: %v, want %q", c.name, c.err, c.want)
		}
	}
}

// FuzzResume: hostile states end in an error or a training, never in a panic.
func FuzzResume(f *testing.F) {
	all := runs()
	names := []string{"newton, l2", "sgd", "l1", "lbfgs", "gd", "classes", "hidden"}
	for i, name := range names {
		state := stateOf(f, all[name])
		f.Add(uint8(i), state[bytes.IndexByte(state, '\n')+1:len(state)-1])
	}
	path := filepath.Join(f.TempDir(), "state")
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		config := all[names[int(which)%len(names)]]
		if err := os.WriteFile(path, sealCheckpoint(body), 0o666); err != nil {
			t.Fatal(err)
		}
		config.Run.Resume = path
		config.Solver.MaxTime = 500 * time.Millisecond
		_, _ = Fit(t.Context(), dataOf(config), config)
	})
}

// TestHostileState changes one number of a state at a time, in random places with a fixed seed. The training may end as it will, but in an error or a
// result.
func TestHostileState(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	numbers := regexp.MustCompile(`-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?`)
	path := filepath.Join(t.TempDir(), "state")
	for _, name := range []string{"newton, l2", "sgd", "l1", "lbfgs", "gd", "classes", "hidden"} {
		config := runs()[name]
		state := stateOf(t, config)
		body := state[bytes.IndexByte(state, '\n')+1 : len(state)-1]
		behind := bytes.Index(body, []byte(`"trail"`)) / 2
		places := slices.DeleteFunc(numbers.FindAllIndex(body, -1), func(at []int) bool { return at[0] < min(behind, 900) })
		for range 40 {
			at := places[random.IntN(len(places))]
			value := []string{"0", "-1", "1e300", "1", "7", "-1e300", "1e-300", "1000000000", "null", "[]"}[random.IntN(10)]
			if err := os.WriteFile(path, sealCheckpoint([]byte(string(body[:at[0]])+value+string(body[at[1]:]))), 0o666); err != nil {
				t.Fatal(err)
			}
			c := config
			c.Run.Resume, c.Solver.MaxTime = path, 500*time.Millisecond
			_, _ = Fit(t.Context(), dataOf(c), c)
		}
	}
}
