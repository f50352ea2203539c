package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/doctor"
	"github.com/descent-ml/descent/internal/outfile"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// app is one run of the program: its streams, and the flags that every command has.
type app struct {
	ctx    context.Context
	stdin  io.Reader // ends with ctx
	stdout *bufio.Writer
	stderr io.Writer

	json, quiet, strict bool

	args     []string
	command  string // name of the command that runs
	warned   []string
	ran      bool // arguments were in order and the command began
	terminal bool // stdout is one, and colours are welcome
	width    int  // of the terminal, or what takes its place
	messages int  // cells of a line of standard error; 0: it is no terminal, and a message is one line
	progress *progress

	standardInput io.Reader // as it was given
}

func newApp(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) *app {
	a := &app{ctx: ctx, stdin: interruptible(ctx, stdin), stdout: bufio.NewWriterSize(stdout, 64<<10), stderr: stderr, width: 100, standardInput: stdin}
	if f, ok := stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		a.terminal = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			a.width = min(max(w, 40), 120)
		}
	}
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		a.progress = &progress{w: stderr}
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			a.messages = max(w, 40)
		}
	}
	return a
}

// execute finds the command and runs it.
func (a *app) execute(args []string) error {
	a.args = args
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	if len(args) == 0 || !strings.HasPrefix(args[0], "__complete") {
		if err := unknownCommand(root, args); err != nil {
			return err
		}
	}
	err := root.ExecuteContext(a.ctx)
	var wrong usageError
	if err != nil && !a.ran && !errors.As(err, &wrong) {
		return usageError{err.Error()}
	}
	return err
}

// root is the tree of commands. A new command is a new file and its name here.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "descent",
		Short: "Logistic regression you can see through",
		Long: `descent is logistic regression you can see through. It trains on real files, says how far from the optimum the answer can be, and
shows every number in the computation graph: the graph you see is the graph that trains.

  descent train heart.csv --target disease -o heart.json
  descent predict heart.json new.csv
  descent step x1=1.5 x2=-2 y=1 w1=0.5 w2=-0.3 b=0.1`,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.ran = true
			if a.json {
				return usageError{"which command? descent help lists them"}
			}
			return cmd.Help()
		},
	}
	f := root.PersistentFlags()
	f.BoolVar(&a.json, "json", a.json, "one JSON object on standard output (predict: one a row)")
	f.BoolVar(&a.quiet, "quiet", false, "no notes and no progress; warnings and errors stay")
	f.BoolVar(&a.strict, "strict", false, "a warning is an error")
	root.AddCommand(
		a.stepCommand(), a.checkCommand(), a.graphCommand(),
		a.inspectCommand(), a.trainCommand(), a.predictCommand(), a.evaluateCommand(), a.explainCommand(), a.diffCommand(), a.reproduceCommand(), a.benchCommand(),
		a.versionCommand(), a.completionCommand(),
	)
	root.AddCommand(a.laterCommands()...)
	root.SetHelpCommand(a.helpCommand())
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(a.help)
	cobra.EnableCommandSorting = false
	for _, c := range root.Commands() {
		a.prepare(c)
	}
	return root
}

// prepare gives a command what all have: its flags in the order written, and a mark that it began.
func (a *app) prepare(c *cobra.Command) {
	c.Flags().SortFlags = false
	c.DisableFlagsInUseLine = true
	run := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error {
		a.ran, a.command = true, cmd.Name()
		if o := cmd.Flags().Lookup("output"); o != nil && o.Changed && o.Value.String() == "" {
			return usagef("-o \"\": name a file")
		}
		return run(cmd, args)
	}
}

// exactly is how many arguments a command takes, and what they are called.
func exactly(names ...string) cobra.PositionalArgs { return between(len(names), names...) }

// between takes at least some of the named arguments.
func between(least int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least {
			return usageError{fmt.Sprintf("%s needs %s; usage: %s", cmd.Name(), strings.Join(names[len(args):least], " and "), cmd.UseLine())}
		}
		if len(args) > len(names) {
			return usageError{fmt.Sprintf("%s takes no %q after %s; usage: %s", cmd.Name(), args[len(names)], strings.Join(names, " "), cmd.UseLine())}
		}
		return nil
	}
}

// emit is the answer of a command: one JSON object with --json, else what human writes.
func (a *app) emit(v any, human func(w *page)) error {
	a.progress.clear()
	if a.json {
		b, err := marshal(v)
		if err != nil {
			return err
		}
		a.stdout.Write(append(b, '\n'))
		return nil
	}
	p := &page{app: a}
	human(p)
	_, err := a.stdout.WriteString(p.String())
	return err
}

// marshal is compact JSON with shortest round-trip numbers and <, >, & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// joined is one JSON object with the members of all.
type joined []any

func (j joined) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for _, v := range j {
		b, err := marshal(v)
		if err != nil {
			return nil, err
		}
		if len(b) < 2 || b[0] != '{' {
			return nil, fmt.Errorf("%T is no JSON object", v)
		}
		if members := b[1 : len(b)-1]; len(members) > 0 {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, members...)
		}
	}
	return append(out, '}'), nil
}

// note says what was chosen or assumed.
func (a *app) note(text string) {
	if a.quiet {
		return
	}
	a.progress.clear()
	a.say("note: " + text)
}

// say writes a message to standard error: to a terminal broken at blanks, elsewhere on one line, since scripts read it.
func (a *app) say(text string) {
	text = oneLine(text)
	if a.messages > 0 {
		text = strings.Join(wrapUnder(text, "", "  ", a.messages), "\n")
	}
	fmt.Fprintln(a.stderr, text)
}

// warn says what may be wrong. With --strict it is the error.
func (a *app) warn(code, text string) error {
	a.progress.clear()
	if a.strict {
		return strictError{code, text}
	}
	a.warned = append(a.warned, code)
	a.say("warning: " + code + ": " + text)
	return nil
}

// found passes on what the library finds, the moment it does.
func (a *app) found(f doctor.Finding) error {
	text := f.Message
	if f.Cure != "" {
		text += " (" + f.Cure + ")"
	}
	if f.Severity == doctor.Note {
		a.note(text)
		return nil
	}
	return a.warn(f.Code, text)
}

// oneLine keeps a message on its line, and from the terminal what it would obey: names and levels are a user's text.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// source is the data that FILE names.
func (a *app) source(file string) (descent.Source, error) {
	if err := laterSource(file); err != nil {
		return nil, err
	}
	if file == "-" {
		return descent.Reader("stdin", a.stdin, formats...), nil
	}
	return descent.File(file, formats...), nil
}

// each opens the files that FILE means, one after the other, for reading row by row.
func (a *app) each(file string, read func(name string, r io.Reader) error) error {
	if err := laterSource(file); err != nil {
		return err
	}
	if file == "-" {
		return read("stdin", a.stdin)
	}
	names, err := dataset.Files(file)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := readFile(name, read); err != nil {
			return err
		}
	}
	return nil
}

func readFile(name string, read func(name string, r io.Reader) error) error {
	f, err := os.Open(name)
	if err != nil {
		return fileError(name, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return placed{file: name, message: "it is a directory; name a file"}
	}
	return read(name, f)
}

// output writes a file whole or not at all; "" and "-" are standard output.
func (a *app) output(path string, write func(w io.Writer) error) error {
	if path == "" || path == "-" {
		return write(a.stdout)
	}
	f, err := outfile.Create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	w := bufio.NewWriterSize(f, 64<<10)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Commit()
}

// isInput says whether path is the file that is read: it would be gone.
func isInput(path, input string) bool {
	if path == "" || path == "-" || input == "-" {
		return false
	}
	a, err := os.Stat(path)
	if err != nil || !a.Mode().IsRegular() {
		return false
	}
	b, err := os.Stat(input)
	return err == nil && os.SameFile(a, b)
}

// interruptible ends a blocking read when ctx ends. Where r is read no further the goroutine ends with the program.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	if ctx.Done() == nil || r == nil {
		return r
	}
	return &interruptibleReader{ctx: ctx, r: r}
}

type interruptibleReader struct {
	ctx  context.Context
	r    io.Reader
	buf  []byte
	rest []byte
	err  error
}

func (i *interruptibleReader) Read(p []byte) (int, error) {
	if len(i.rest) == 0 && i.err == nil {
		if i.buf == nil {
			i.buf = make([]byte, 64<<10)
		}
		type result struct {
			n   int
			err error
		}
		done := make(chan result, 1)
		buf := i.buf
		go func() {
			n, err := i.r.Read(buf)
			done <- result{n, err}
		}()
		select {
		case r := <-done:
			i.rest, i.err = buf[:r.n], r.err
		case <-i.ctx.Done():
			i.err = i.ctx.Err()
			return 0, i.err
		}
	}
	if len(i.rest) > 0 {
		n := copy(p, i.rest)
		i.rest = i.rest[n:]
		return n, nil
	}
	return 0, i.err
}

// asksForJSON looks for --json before flags are parsed.
func asksForJSON(args []string) bool {
	for _, arg := range args {
		switch arg {
		case "--json", "--json=true":
			return true
		case "--":
			return false
		}
	}
	return false
}

// call is the command line as one could type it again.
func (a *app) call() string {
	words := []string{"descent"}
	for _, arg := range a.args {
		if arg == "" || strings.ContainsFunc(arg, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_=+./:,@%", r)
		}) {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}
