package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/graph"
	"github.com/descent-ml/descent/internal/modelfile"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit codes. There is no other.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 64
	exitInterrupted = 130
)

// usageError is a command line that cannot be meant.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// notYet is what a later version brings.
func notYet(what string) error {
	return usagef("%s: not yet; this version of descent knows the name only", what)
}

// strictError is a warning under --strict.
type strictError struct{ code, message string }

func (e strictError) Error() string { return e.code + ": " + e.message + " (--strict)" }

// placed is an error at a place of a file.
type placed struct {
	file         string
	line, column int
	message      string
}

func (e placed) Error() string {
	where := e.file
	if e.line > 0 {
		where += fmt.Sprintf(":%d", e.line)
		if e.column > 0 {
			where += fmt.Sprintf(":%d", e.column)
		}
	}
	return where + ": " + e.message
}

// fileError leaves the system call out of an error of package os.
func fileError(file string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return placed{file: file, message: err.Error()}
}

// knowing is an error together with what is known all the same, for --json.
type knowing struct {
	error
	value any
}

func (k knowing) Unwrap() error { return k.error }

// finish tells the error, if there is one, and gives the exit code.
func (a *app) finish(err error) int {
	a.progress.clear()
	code := a.exitCode(err)
	if err != nil {
		a.explainFailure(err)
		if a.json {
			var object joined
			var k knowing
			if errors.As(err, &k) && k.value != nil {
				object = append(object, k.value)
			}
			b, e := marshal(append(joined{map[string]any{"error": jsonError(err)}}, object...))
			if e != nil { // what is known cannot be written: the error can
				b, _ = marshal(map[string]any{"error": jsonError(err)})
			}
			a.stdout.Write(append(b, '\n'))
		}
	}
	if e := a.stdout.Flush(); e != nil && code == exitDone {
		a.explainFailure(fmt.Errorf("standard output: %w", e))
		code = exitFailed
	}
	return code
}

func (a *app) exitCode(err error) int {
	var wrong usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &wrong):
		return exitUsage
	case errors.Is(err, context.Canceled), a.ctx.Err() != nil:
		return exitInterrupted
	}
	var k knowing
	if errors.As(err, &k) {
		if r, ok := k.value.(*descent.Result); ok && r != nil && r.Verdict == descent.Interrupted {
			return exitInterrupted
		}
	}
	return exitFailed
}

// explainFailure writes the lines of an error to standard error.
func (a *app) explainFailure(err error) {
	text := message(err)
	var k knowing
	if errors.As(err, &k) && !a.json && slices.Contains(a.warned, "W-separation") {
		if r, ok := k.value.(*descent.Result); ok && r.Verdict == descent.Separated {
			text = "no model: separated (W-separation above)" // where the whole sentence stands
		}
	}
	var wrong usageError
	if errors.As(err, &wrong) && a.command != "" && !strings.HasPrefix(text, a.command) {
		text = a.command + ": " + text
	}
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		a.say("descent: " + line)
	}
}

// message is the text of an error.
func message(err error) string {
	if text := err.Error(); text != context.Canceled.Error() {
		return text
	}
	return "interrupted"
}

// errorJSON is the "error" of --json. What is not known is null.
type errorJSON struct {
	Message string      `json:"message"`
	File    *string     `json:"file"`
	Line    *int        `json:"line"`
	Column  *int        `json:"column"`
	Name    string      `json:"name,omitempty"`   // of the column
	Errors  []errorJSON `json:"errors,omitempty"` // all that are listed, where there are more
	Total   int         `json:"total,omitempty"`  // how many there are, where more than one
}

func jsonError(err error) errorJSON {
	e := errorJSON{Message: message(err)}
	place := func(file string, line, column int) {
		if file != "" {
			e.File = &file
		}
		if line > 0 {
			e.Line = &line
		}
		if column > 0 {
			e.Column = &column
		}
	}
	var many *dataset.Errors
	var one *dataset.Error
	var model *modelfile.Error
	var equation *graph.Error
	var at placed
	switch {
	case errors.As(err, &many) && len(many.List) > 0:
		e = jsonError(many.List[0])
		if many.Total > 1 {
			e.Total = many.Total
			for _, o := range many.List {
				e.Errors = append(e.Errors, jsonError(o))
			}
		}
	case errors.As(err, &one):
		place(one.File, one.Line, one.Column)
		e.Name = one.Name
	case errors.As(err, &model):
		place(model.File, model.Line, model.Column)
	case errors.As(err, &at):
		place(at.file, at.line, at.column)
	case errors.As(err, &equation):
		place("", equation.Line, equation.Column)
	}
	return e
}

// unknownCommand is the error for a first word that is no command.
func unknownCommand(root *cobra.Command, args []string) error {
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			continue
		}
		var names []string
		for _, c := range append(root.Commands(), &cobra.Command{Use: "help"}) {
			if c.Name() == arg {
				return nil
			}
			names = append(names, c.Name())
		}
		if near, ok := closest(arg, names); ok {
			return usagef("unknown command %q; did you mean %q?", arg, near)
		}
		return usagef("unknown command %q; descent help lists them", arg)
	}
	return nil
}

// flagError says what is wrong with a flag, and what was perhaps meant.
func flagError(cmd *cobra.Command, err error) error {
	var wrong usageError
	if errors.As(err, &wrong) {
		return wrong
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		name := unknown.GetSpecifiedName()
		dashes := "--"
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			dashes, name = "-", short
		}
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		hint := fmt.Sprintf("; descent help %s lists them", cmd.Name())
		if cmd.Flags().Lookup(name) != nil {
			hint = fmt.Sprintf("; did you mean --%s?", name)
		} else if near, ok := closest(name, names); ok {
			hint = fmt.Sprintf("; did you mean --%s?", near)
		}
		return usagef("%s: unknown flag %s%s%s", cmd.Name(), dashes, name, hint)
	}
	var value *pflag.InvalidValueError
	if errors.As(err, &value) {
		return usagef("%s: --%s %s: %v", cmd.Name(), value.GetFlag().Name, value.GetValue(), plainCause(value.Unwrap()))
	}
	return usagef("%s: %v", cmd.Name(), err)
}

// plainCause says what strconv says in the user's words.
func plainCause(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "invalid syntax"):
		return "it is not a number of the kind that is wanted"
	case strings.Contains(text, "value out of range"):
		return "it is out of range"
	}
	return text
}

// equationPlace puts an error of equations in the file they come from, if there is one, and says where the language is explained.
func equationPlace(err error, file string) (error, bool) {
	var e *graph.Error
	if !errors.As(err, &e) {
		return nil, false
	}
	const help = "; descent help equations"
	if file == "" {
		return fmt.Errorf("%w"+help, err), true
	}
	return placed{file: file, line: e.Line, column: e.Column, message: e.Message + help}, true
}

// closest is the known name that was perhaps meant: at most a third of its letters are others.
func closest(name string, known []string) (string, bool) {
	near, ok := dataset.Closest(name, known)
	return near, ok && (max(len(name), len(near)) > 2 || strings.EqualFold(name, near))
}
