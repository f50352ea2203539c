package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the scripts compare with")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"descent": main})
}

// TestScripts runs testdata/script/*.txtar. Beside the commands of testscript they have
//
//	exits CODE descent ARG …   run, and demand this exit code
//	onejson                    standard output is exactly one JSON object (with its keys, if any are given)
//	jsonlines N                standard output is N JSON objects, one a line
//	replace OLD NEW FILE       every OLD in the file becomes NEW; there must be one
//	scrub FILE                 standard output without times and numbers near the rounding unit
//
// $DATA is the repository's testdata, $PARQUET that of dataset/parquet, below the folder that a script begins in.
func TestScripts(t *testing.T) {
	data, err := filepath.Abs(filepath.Join("..", "..", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			// Short names: lines wrap, and what is looked for in them must not hang on where the repository lies.
			for name, path := range map[string]string{"data": data, "parquet": filepath.Join(data, "..", "dataset", "parquet", "testdata")} {
				if os.Symlink(path, filepath.Join(env.WorkDir, name)) == nil {
					path = name
				}
				env.Setenv(strings.ToUpper(name), path)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"replace": replace, "exits": exits, "onejson": oneJSON, "jsonlines": jsonLines, "scrub": scrub,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG …")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func oneJSON(ts *testscript.TestScript, neg bool, keys []string) {
	d := json.NewDecoder(bytes.NewReader([]byte(ts.ReadFile("stdout"))))
	var object map[string]json.RawMessage
	if err := d.Decode(&object); err != nil {
		ts.Fatalf("standard output is no JSON object: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		ts.Fatalf("there is more than one JSON object")
	}
	for _, k := range keys {
		if _, ok := object[k]; ok == neg {
			ts.Fatalf("key %q: there is %v", k, ok)
		}
	}
}

func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	lines := bytes.Split(bytes.TrimSuffix([]byte(ts.ReadFile("stdout")), []byte("\n")), []byte("\n"))
	if len(lines) != want {
		ts.Fatalf("%d lines, want %d", len(lines), want)
	}
	for _, l := range lines {
		var object map[string]any
		if err := json.Unmarshal(l, &object); err != nil {
			ts.Fatalf("%s: %v", l, err)
		}
	}
}

var (
	times = regexp.MustCompile(`[0-9]+\.[0-9]{2} s\b`)
	tiny  = regexp.MustCompile(`\b(within|most) [0-9.]+e-[0-9]+`)
)

func scrub(ts *testscript.TestScript, neg bool, args []string) {
	text := times.ReplaceAllString(ts.ReadFile("stdout"), "T s")
	text = tiny.ReplaceAllString(text, "$1 ε")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o666))
}

func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace OLD NEW FILE")
	}
	text := ts.ReadFile(args[2])
	if !strings.Contains(text, args[0]) {
		ts.Fatalf("%s does not hold %q", args[2], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.ReplaceAll(text, args[0], args[1])), 0o666))
}
