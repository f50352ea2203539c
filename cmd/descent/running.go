package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/descent-ml/descent"
	"github.com/descent-ml/descent/dataset"
	"github.com/spf13/cobra"
)

// running are the flags of train about where a run begins and how it may be broken off.
type running struct {
	init string
}

func (r *running) add(cmd *cobra.Command, c *descent.Config) {
	f := cmd.Flags()
	f.StringVar(&r.init, "init", "", "start from the weights of this `model`: the same columns and levels by name, all else at 0")
	f.Var(span{&c.Solver.MaxTime}, "max-time", "stop the solver when the run, reading included, has taken so long, as 30s or 1h30m: the verdict is \"stopped\" and the exit code 1")
	f.StringVar(&c.Run.Checkpoint, "checkpoint", "", "write the state of the training to this `file` every 30 seconds and when it is interrupted")
	f.Var(span{&c.Run.Every}, "checkpoint-every", "the time from one state to the next (30s)")
	f.StringVar(&c.Run.Resume, "resume", "", "go on from the state in this `file`, to the model that the same call would have made without a break")
	f.Var(size{&c.Run.Memory}, "memory", "the most memory to take, as 500MB or 2GiB: rows beyond go to a scratch file ($TMPDIR); the model has the same bits")
	for _, name := range []string{"init", "checkpoint", "resume"} {
		must(cmd.RegisterFlagCompletionFunc(name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		}))
	}
}

// check refuses what cannot be meant, before anything is read. file is FILE, output is -o.
func (r *running) check(cmd *cobra.Command, c *descent.Config, file, output string) error {
	changed := cmd.Flags().Changed
	for _, path := range []struct{ flag, value string }{{"init", r.init}, {"checkpoint", c.Run.Checkpoint}, {"resume", c.Run.Resume}} {
		switch {
		case changed(path.flag) && path.value == "":
			return usagef("--%s is empty", path.flag)
		case path.value == "-":
			return usagef("--%s -: name a file", path.flag)
		}
	}
	switch {
	case changed("checkpoint-every") && c.Run.Checkpoint == "":
		return usagef("--checkpoint-every needs --checkpoint FILE")
	case r.init != "" && changed("restarts") && c.Solver.Restarts > 1:
		return usagef("--init and --restarts: a start from a model is one start")
	case isInput(c.Run.Checkpoint, file), isInput(c.Run.Checkpoint, r.init), c.Run.Checkpoint != "" && output != "" && filepath.Clean(c.Run.Checkpoint) == filepath.Clean(output):
		return usagef("--checkpoint %s is a file that is read or written otherwise; it would be overwritten", c.Run.Checkpoint)
	case isInput(output, r.init):
		return usagef("-o %s is the model to start from; it would be overwritten", output)
	}
	if p := c.Run.Checkpoint; p != "" { // better now than after hours
		dir := filepath.Dir(p)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return placed{file: p, message: fmt.Sprintf("there is no directory %s to write to", dir)}
		}
	}
	return nil
}

// load reads the model to start from.
func (r *running) load(a *app, c *descent.Config) (err error) {
	if r.init != "" {
		c.Run.Init, err = a.load(r.init, "")
	}
	return err
}

// size is a flag that holds a number of bytes.
type size struct{ value *int64 }

func (s size) String() string {
	if s.value == nil || *s.value == 0 {
		return ""
	}
	return strconv.FormatInt(*s.value, 10)
}
func (s size) Type() string { return "size" }
func (s size) Set(text string) error {
	digits := strings.TrimRight(text, "kKMGTiB")
	factor, known := map[string]float64{"": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}[text[len(digits):]]
	v, ok := dataset.ParseNumber([]byte(digits))
	if !known || !ok || !(v > 0) || v*factor >= 1<<62 {
		return errors.New("want a size such as 500MB, 1.5GB or 2GiB")
	}
	*s.value = int64(v * factor)
	return nil
}

// span is a flag that holds a length of time.
type span struct{ value *time.Duration }

func (s span) String() string {
	if s.value == nil || *s.value == 0 {
		return ""
	}
	return s.value.String()
}
func (s span) Type() string { return "time" }
func (s span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("want a time such as 30s, 10m or 1h30m")
	}
	if d <= 0 {
		return errors.New("want a time over 0")
	}
	*s.value = d
	return nil
}
