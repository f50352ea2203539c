package descent

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestMemorySameModel: with all that can be in a scratch file the model and the result are those of a run in memory, for every solver, also when the run
// was broken off in memory.
func TestMemorySameModel(t *testing.T) {
	bounded := func(c Config) Config {
		c.Run.Memory, c.hooks.spill = 1<<40, true
		return c
	}
	for name, config := range runs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var states [][]byte
			c := config
			c.Run = Run{Checkpoint: "state", Every: 1}
			c.hooks.state = func(s []byte) { states = append(states, s) }
			r, err := Fit(t.Context(), dataOf(config), c)
			want := contentOf(t, r, err)
			c = bounded(config)
			c.Solver.Threads = 3
			if r, err = Fit(t.Context(), dataOf(config), c); contentOf(t, r, err) != want {
				t.Errorf("in a scratch file:\n%s\nwant\n%s", contentOf(t, r, err), want)
			}
			if note := r.Notes; !strings.Contains(strings.Join(note, "\n"), "are in a scratch file in "+os.TempDir()) {
				t.Errorf("no word about the scratch file: %q", note)
			}
			path := filepath.Join(t.TempDir(), "state")
			if err := os.WriteFile(path, states[len(states)/2], 0o666); err != nil {
				t.Fatal(err)
			}
			c = bounded(config)
			c.Run.Resume = path
			if r, err = Fit(t.Context(), dataOf(config), c); contentOf(t, r, err) != want {
				t.Error("resumed with a scratch file: another model")
			}
		})
	}
	for name, config := range map[string]Config{
		"testdata/adult/adult.data.gz":       {Target: "x15", NoHeader: true, NA: []string{"?"}},
		"testdata/spambase/spambase.data.gz": {Target: "x58", NoHeader: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, more := range []func(*Config){
				func(c *Config) { c.Encoding.Missing, c.Penalty.L2 = "drop", 1 },
				func(c *Config) { c.Encoding.Missing, c.Penalty.L2, c.Test.Every = "mean", 1, 5 },
				func(c *Config) { c.Encoding.Missing, c.Penalty.L1 = "level", 30 },
			} {
				config := config
				more(&config)
				r, err := Fit(t.Context(), File(name), config)
				want := contentOf(t, r, err)
				if r, err = Fit(t.Context(), File(name), bounded(config)); contentOf(t, r, err) != want {
					t.Errorf("%+v %s: another model", config.Penalty, config.Encoding.Missing)
				}
			}
		})
	}
}

// TestMemoryErrors: a bound that is too small names the one that works, and that one does; what cannot be written is an error.
func TestMemoryErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rows.csv")
	writeRandom(t, file, 200_000, 2, "%.2f")
	fit := func(bound int64) error {
		_, err := Fit(t.Context(), File(file), Config{Target: "y", Run: Run{Memory: bound}})
		return err
	}
	err := fit(leastMemory)
	if err == nil || !strings.Contains(err.Error(), "memory 32MiB is too little for 200000 rows and 2 inputs: the smallest bound that works is ") {
		t.Fatalf("%v", err)
	}
	text := err.Error()
	least, e := strconv.ParseInt(strings.TrimSuffix(text[strings.LastIndex(text, " ")+1:], "MiB"), 10, 64)
	if e != nil {
		t.Fatal(err)
	}
	if err := fit(least << 20); err != nil {
		t.Errorf("the smallest bound: %v", err)
	}
	if err := fit((least - 1) << 20); err == nil {
		t.Errorf("%d MiB do as well", least-1)
	}
	if err := fit(1 << 20); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("1 MiB: %v", err)
	}
}

func TestMemoryNoScratch(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, none)
	}
	c := Config{Target: "admit", Run: Run{Memory: 1 << 40}}
	c.hooks.spill = true
	_, err := Fit(t.Context(), dataOf(c), c)
	if err == nil || !strings.Contains(err.Error(), "scratch file in "+none+": cannot be made") {
		t.Errorf("%v", err)
	}
}

// raceEnabled is set by race_internal_test.go.
var raceEnabled bool

// writeRandom writes a CSV file of random numbers with a label y that follows from them.
func writeRandom(t *testing.T, name string, rows, columns int, format string) (bytes int64) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	for j := range columns {
		fmt.Fprintf(w, "x%d,", j)
	}
	fmt.Fprintln(w, "y")
	r := rand.New(rand.NewPCG(1, 2))
	precision, verb := -1, byte('g')
	if format != "" {
		precision, verb = 2, 'f'
	}
	var line []byte
	for range rows {
		line = line[:0]
		z := 0.0
		for j := range columns {
			v := r.NormFloat64()
			z += v * math.Sin(float64(j)) / math.Sqrt(float64(columns))
			line = append(strconv.AppendFloat(line, v, verb, precision, 64), ',')
		}
		y := byte('0')
		if r.Float64() < 1/(1+math.Exp(-z)) {
			y = '1'
		}
		w.Write(append(line, y, '\n'))
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestMemoryBoundIsKept trains in a process of its own on a file three times as large as the bound, and asks the system how much it took.
func TestMemoryBoundIsKept(t *testing.T) {
	const bound = 52
	if file := os.Getenv("DESCENT_TEST_BOUND"); file != "" {
		r, err := Fit(t.Context(), File(file), Config{Target: "y", Run: Run{Memory: bound << 20}})
		if err != nil {
			t.Fatal(err)
		}
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		_, peak, _ := strings.Cut(string(status), "VmHWM:")
		peak, _, _ = strings.Cut(peak, "kB")
		fmt.Printf("took %s kB; %q\n", strings.TrimSpace(peak), r.Notes)
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("VmHWM of /proc/self/status is Linux's")
	}
	if raceEnabled {
		t.Skip("the race detector takes several times the memory")
	}
	if testing.Short() {
		t.Skip("writes and reads 150 MB")
	}
	file := filepath.Join(t.TempDir(), "large.csv")
	size := writeRandom(t, file, 53_000, 160, "")
	if 10*size < 29*bound<<20 {
		t.Errorf("the file has only %d bytes", size)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryBoundIsKept$", "-test.v")
	scratch := t.TempDir()
	child.Env = append(os.Environ(), "DESCENT_TEST_BOUND="+file, "TMPDIR="+scratch, "GOMAXPROCS=2")
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%s", out)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(out), "took ")
	text, _, _ = strings.Cut(text, " kB")
	took, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s", out)
	}
	if took > bound<<10 {
		t.Errorf("took %d KiB of %d", took, bound<<10)
	}
	t.Logf("%s", out)
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
