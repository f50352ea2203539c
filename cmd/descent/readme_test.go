package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

var updateReadme = flag.Bool("update-readme", false, "write the true outputs into README.md")

// What differs from run to run in an output: seconds; and from one architecture to another, whose exp and log differ: the digits of a bound.
var (
	wallClock = regexp.MustCompile(`\d+\.\d+ s\b`)
	bounds    = regexp.MustCompile(`\d\.\d+e-\d+`)
)

func settled(s string) string {
	s = wallClock.ReplaceAllString(s, "? s")
	if runtime.GOARCH != "amd64" { // on which README.md was written
		s = bounds.ReplaceAllString(s, "?")
	}
	return strings.Join(strings.Fields(s), " ")
}

// TestReadme runs every command of README.md in the repository's root and compares with the output that stands there, so that it
// cannot drift.
func TestReadme(t *testing.T) {
	t.Chdir("../..")
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	written := filepath.Join(t.TempDir(), "pima.json")
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllSubmatchIndex(readme, -1)
	if len(blocks) < 4 {
		t.Fatalf("README.md has %d console blocks", len(blocks))
	}
	var out bytes.Buffer
	last := 0
	for _, at := range blocks {
		out.Write(readme[last:at[2]])
		var want, got bytes.Buffer
		for _, line := range strings.SplitAfter(string(readme[at[2]:at[3]]), "\n") {
			command, ok := strings.CutPrefix(line, "$ go run ./cmd/descent ")
			if !ok {
				want.WriteString(line)
				continue
			}
			got.WriteString(line)
			want.WriteString(line)
			args := strings.Fields(strings.ReplaceAll(command, "pima.json", written))
			silent := false
			if n := len(args); args[n-1] == ">/dev/null" {
				args, silent = args[:n-1], true
			}
			var stdout, stderr bytes.Buffer
			run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
			if !silent {
				got.Write(stderr.Bytes())
				got.Write(stdout.Bytes())
			}
		}
		if settled(got.String()) != settled(want.String()) {
			if !*updateReadme {
				t.Errorf("README.md says\n%s\nbut it is (go test ./cmd/descent -run Readme -update-readme writes it)\n%s", want.String(), got.String())
			}
			out.Write(bytes.ReplaceAll(got.Bytes(), []byte(written), []byte("pima.json")))
		} else {
			out.Write(readme[at[2]:at[3]])
		}
		last = at[3]
	}
	out.Write(readme[last:])
	if *updateReadme {
		if err := os.WriteFile("README.md", out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
