package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// call runs the program in this process.
func call(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// TestInterrupt: an interrupt ends a read that waits for input, with 130 and nothing left behind.
func TestInterrupt(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.json")
	if code, _, errs := call(t, "x,y\n1,0\n2,1\n3,0\n4,1\n", "train", "-", "--target", "y", "-o", model, "--quiet"); code != 0 {
		t.Fatal(errs)
	}
	for _, args := range [][]string{
		{"train", "-", "--target", "y", "-o", "never.json", "--json"},
		{"predict", model, "-", "--json"},
		{"evaluate", model, "-", "--json"},
		{"inspect", "-", "--json"},
	} {
		ctx, cancel := context.WithCancel(context.Background())
		r, w := io.Pipe()
		go func() {
			io.WriteString(w, "x,y\n1,0\n")
			time.Sleep(20 * time.Millisecond)
			cancel()
		}()
		var out, errs bytes.Buffer
		code := run(ctx, args, r, &out, &errs)
		w.Close()
		if code != exitInterrupted {
			t.Errorf("%v: exit code %d, want %d (%s)", args, code, exitInterrupted, errs.String())
		}
		if !strings.Contains(errs.String(), "descent: interrupted") {
			t.Errorf("%v: %q", args, errs.String())
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		var object map[string]any
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &object); err != nil || object["error"] == nil {
			t.Errorf("%v: %q", args, out.String())
		}
	}
	if _, err := os.Stat("never.json"); err == nil {
		t.Error("an interrupted training left a model")
	}
}

// TestRowByRow: from standard input every row is answered before the next one comes.
func TestRowByRow(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.json")
	if code, _, errs := call(t, "x,y\n1,0\n2,1\n3,0\n4,1\n", "train", "-", "--target", "y", "-o", model, "--quiet"); code != 0 {
		t.Fatal(errs)
	}
	in, feed := io.Pipe()
	out, answers := io.Pipe()
	done := make(chan int)
	go func() {
		code := run(context.Background(), []string{"predict", model, "-", "--quiet"}, in, answers, io.Discard)
		answers.Close()
		done <- code
	}()
	read := func() string {
		b := make([]byte, 200)
		n, err := out.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	io.WriteString(feed, "x\n1\n")
	answer := read()
	if !strings.Contains(answer, ",0\n") {
		answer += read()
	}
	if !strings.HasPrefix(answer, "probability,label\n0.") {
		t.Errorf("%q", answer)
	}
	io.WriteString(feed, "4\n")
	if answer := read(); !strings.HasSuffix(answer, ",1\n") {
		t.Errorf("%q", answer)
	}
	feed.Close()
	if code := <-done; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestStandardOutputFull: an answer that could not be written is an error.
func TestStandardOutputFull(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"help"}, {"graph"}, {"version", "--json"}} {
		var errs bytes.Buffer
		if code := run(context.Background(), args, strings.NewReader(""), full{}, &errs); code != exitFailed || !strings.Contains(errs.String(), "no space left") {
			t.Errorf("%v: exit code %d, %q", args, code, errs.String())
		}
	}
}

// TestNothingObeyed: names and levels of a file cannot send control sequences to the terminal.
func TestNothingObeyed(t *testing.T) {
	const evil = "a\x1b[31mb\u202ec"
	csv := "\"" + evil + "\",same,y\n1,\"" + evil + "\",no" + evil + "\n2,\"" + evil + "\",yes\n3,\"" + evil + "\",no" + evil + "\n4,\"" + evil + "\",yes\n"
	model := filepath.Join(t.TempDir(), "m.json")
	for _, args := range [][]string{
		{"train", "-", "--target", "y", "-o", model, "--positive", "yes"},
		{"inspect", "-", "--target", "y"},
		{"step", "-", "--target", "y", "--row", "1"},
		{"check", "-", "--target", "y"},
		{"train", "-", "--target", evil},
		{"inspect", model},
		{"explain", model},
		{"explain", model, "-", "--row", "2"},
		{"graph", model},
	} {
		code, out, errs := call(t, csv, args...)
		if wrong := args[len(args)-1] == evil; (code != 0) != wrong {
			t.Errorf("%q: exit code %d: %s", args, code, errs)
		}
		if strings.ContainsAny(out+errs, "\x1b\u202e") {
			t.Errorf("%q: a control character in\n%q\n%q", args, out, errs)
		}
	}
}

// TestColours: on a terminal there are some, elsewhere none.
func TestColours(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		p := &page{app: &app{terminal: terminal, width: 80}}
		p.heading("title")
		p.facts("name", p.style(good, "text"))
		p.table(&table{header: []string{"a", "b"}, rows: [][]string{{"x", "1.5"}}})
		if got := strings.Contains(p.String(), "\x1b["); got != terminal {
			t.Errorf("terminal %v: escapes %v in %q", terminal, got, p.String())
		}
	}
}

func TestTable(t *testing.T) {
	p := &page{app: &app{width: 80}}
	long := strings.Repeat("n", longestName+1)
	p.table(&table{header: []string{"", "estimate", "p"}, rows: [][]string{{"x", "-12.5", "<2e-16"}, {"köln", "0.125", "0.5"}, {long, "–", "1"}}})
	want := "      estimate       p\n" +
		"x      -12.5    <2e-16\n" +
		"köln     0.125   0.5\n" +
		long + "\n" +
		"         –       1\n"
	if got := p.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDigits(t *testing.T) {
	for _, test := range []struct {
		v    float64
		n    int
		want string
	}{
		{0, 5, "0"}, {1, 5, "1.0000"}, {-8.4046964, 5, "-8.4047"}, {0.035163715, 5, "0.035164"}, {9.99996, 5, "10.000"}, {123456, 4, "123456"},
		{1.5e-7, 3, "1.50e-07"}, {-2e12, 4, "-2.000e+12"},
	} {
		if got := digits(test.v, test.n); got != test.want {
			t.Errorf("digits(%v, %d) = %s, want %s", test.v, test.n, got, test.want)
		}
	}
	for v, want := range map[float64]string{35: "35", 0.5: "0.5", 120.8945: "120.89", 1e-9: "1e-09", 0: "0"} {
		if got := short(v, 5); got != want {
			t.Errorf("short(%v) = %s, want %s", v, got, want)
		}
	}
}
