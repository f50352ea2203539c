package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/descent-ml/descent/doctor"
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

// TestInterruptedTraining: an interrupt in the middle of a training saves its state and says how to go on; the run that does has the model of one without
// a break.
func TestInterruptedTraining(t *testing.T) {
	dir := t.TempDir()
	state, part, whole := filepath.Join(dir, "state"), filepath.Join(dir, "part.json"), filepath.Join(dir, "whole.json")
	args := []string{"train", filepath.Join("..", "..", "testdata", "pima", "pima.csv"), "--target", "diabetes", "--solver", "gd", "--alpha", "1e-5", "--steps", "20000", "--json", "--quiet"}
	if code, _, errs := call(t, "", append(args, "-o", whole)...); code != 0 {
		t.Fatal(errs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // as soon as there is a first state
		for ctx.Err() == nil {
			if _, err := os.Stat(state); err == nil {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	var out, errs bytes.Buffer
	code := run(ctx, append(args, "-o", part, "--checkpoint", state, "--checkpoint-every", "1ms"), strings.NewReader(""), &out, &errs)
	cancel()
	if code != exitInterrupted || !strings.Contains(errs.String(), "continue with --resume "+state) || !strings.Contains(out.String(), `"verdict":"interrupted"`) {
		t.Fatalf("exit code %d, %s", code, errs.String())
	}
	if _, err := os.Stat(part); err == nil {
		t.Error("an interrupted training left a model")
	}
	if code, _, errs := call(t, "", append(args, "-o", part, "--resume", state)...); code != 0 {
		t.Fatal(errs)
	}
	a, _ := os.ReadFile(part)
	b, err := os.ReadFile(whole)
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("the resumed training made another model, %v", err)
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

// TestFits: at the widths of terminals help, topics and tables stay inside. Commands to type are never broken, and fit into 80 cells.
func TestFits(t *testing.T) {
	for _, width := range []int{60, 80, 100, 120} {
		a := &app{ctx: context.Background(), width: width}
		root := a.root()
		pages := map[string]string{"descent": a.helpText(root)}
		names := topicNames()
		for _, c := range root.Commands() {
			names = append(names, c.Name())
		}
		for _, c := range doctor.Codes() {
			names = append(names, c.Code)
		}
		for _, name := range names {
			text, ok := a.topic(root, name)
			if !ok {
				t.Fatalf("no help on %s", name)
			}
			pages[name] = text
		}
		for name, text := range pages {
			for _, line := range strings.Split(text, "\n") {
				command := strings.HasPrefix(line, "  descent ") || strings.HasPrefix(line, "  source ") || strings.HasPrefix(line, "  tail ")
				if w := lipgloss.Width(line); w > width && !(command && w <= 80) && strings.Contains(strings.TrimLeft(line, " "), " ") {
					t.Errorf("help %s at %d: %d cells: %s", name, width, w, line)
				}
			}
		}
	}
}

// TestTableBlocks: what does not fit side by side goes into a second block, at the column that is named or where it must.
func TestTableBlocks(t *testing.T) {
	tab := &table{header: []string{"", "estimate", "p", "low", "high"}, rows: [][]string{{"age", "1.5", "0.5", "1", "2"}, {"b", "10.25", "1", "10", "20"}}, second: 3}
	for width, want := range map[int]string{
		40: "     estimate    p  low  high\nage      1.5   0.5    1     2\nb       10.25  1     10    20\n",
		22: "     estimate    p\nage      1.5   0.5\nb       10.25  1\n\n     low  high\nage    1     2\nb     10    20\n",
		16: "     estimate\nage      1.5\nb       10.25\n\n       p  low\nage  0.5    1\nb    1     10\n\n     high\nage     2\nb      20\n",
	} {
		p := &page{app: &app{width: width}}
		p.table(tab)
		if p.String() != want {
			t.Errorf("width %d:\n%s\nwant\n%s", width, p.String(), want)
		}
	}
	p := &page{app: &app{width: 30}}
	p.table(&table{header: []string{"column", "levels"}, rows: [][]string{{"city", "one, two, three, four, five"}}, left: 2})
	if want := "column  levels\ncity    one, two, three, four,\n        five\n"; p.String() != want {
		t.Errorf("got\n%s\nwant\n%s", p.String(), want)
	}
}

// TestMessages: a message is one line where scripts read it, and broken at blanks on a terminal.
func TestMessages(t *testing.T) {
	text := strings.Repeat("word ", 30) + "end"
	for width, lines := range map[int]int{0: 1, 40: 5} {
		var errs bytes.Buffer
		a := &app{stderr: &errs, messages: width}
		a.note(text)
		got := strings.Split(strings.TrimSuffix(errs.String(), "\n"), "\n")
		if len(got) != lines || !strings.HasPrefix(got[0], "note: word") || strings.Join(strings.Fields(errs.String()), " ") != "note: "+text {
			t.Errorf("width %d: %q", width, errs.String())
		}
		for _, l := range got {
			if width > 0 && len(l) > width {
				t.Errorf("width %d: %q", width, l)
			}
		}
	}
}

// TestPValue: as R's summary(glm) prints them.
func TestPValue(t *testing.T) {
	for v, want := range map[float64]string{1.2e-4: "0.00012", 1.58e-3: "0.00158", 0.92849: "0.928", 2.8e-9: "2.8e-09", 1e-17: "<2e-16", 1: "1.00"} {
		if got := pValue(&v); got != want {
			t.Errorf("pValue(%v) = %s, want %s", v, got, want)
		}
	}
}

// TestBareBash: the script completes without the package bash-completion, also words with = and a begun list.
func TestBareBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	_, script, _ := call(t, "", "completion", "bash")
	if !strings.Contains(script, `read -ra words <<<"$line"`) {
		t.Fatal("the script is cobra's own")
	}
	script += `
exec 3>&1
compopt() { :; }
descent() { printf '%s\n' "asked: $*" >&3; printf ':4\n'; }
try() { COMP_LINE="$1"; COMP_POINT=${#1}; COMP_TYPE=9; __start_descent; }
try "descent train f.csv --target "
try "descent train f.csv --target=di"
try "descent train f.csv --exclude a,b"
`
	cmd := exec.Command(bash, "--norc", "--noprofile", "-s")
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"asked: __complete train f.csv --target ", "asked: __complete train f.csv --target=di", "asked: __complete train f.csv --exclude a,b"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestClosest(t *testing.T) {
	known := []string{"x1", "age", "height"}
	for name, want := range map[string]string{"x2": "", "X1": "x1", "ag": "age", "hieght": "height", "zz": "", "wide": ""} {
		if got, ok := closest(name, known); ok != (want != "") || ok && got != want {
			t.Errorf("closest(%s) = %s, %v; want %q", name, got, ok, want)
		}
	}
}
