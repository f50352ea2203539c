// Command descent trains, shows and uses logistic regressions whose every number can be seen in a computation graph.
//
//	descent train heart.csv --target disease -o heart.json
//	descent predict heart.json new.csv
//	descent step x1=1.5 x2=-2 y=1 w1=0.5 w2=-0.3 b=0.1
//
// It only wires: flags and files in, tables, JSON and exit codes out. What it computes is in package descent and
// the packages below it, so that the library, the page and the server give the same answers.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second interrupt ends the program at once
	}()
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program: it writes to the two writers and returns the exit code. Tests call it too.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := newApp(ctx, stdin, stdout, stderr)
	a.json = asksForJSON(args) // so that wrong usage is answered in JSON, too
	return a.finish(a.execute(args))
}
