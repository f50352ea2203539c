package descent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/descent-ml/descent/dataset"
	"github.com/descent-ml/descent/internal/outfile"
	"github.com/descent-ml/descent/optim"
)

// Run says how a training begins, and what is kept of it if it is broken off.
//
// A checkpoint is the state of a run in a file: everything that is not in the data or the configuration. It is written whole or not at all, every so
// often and when the run is interrupted or its time is up. A run that resumes it ends with the bits of one that never stopped, on any number of
// threads; other data, another configuration (but for Threads, MaxTime, SaveUnfinished, Test.Source, the fields of Run, and what of Confidence and Inference
// is no part of the model), another version of the program or another processor architecture are refused.
type Run struct {
	Init       *Model        // start from the weights of this model, column by column and level by level; what it does not have starts at 0
	Checkpoint string        // file to which the state is written; "" writes none
	Every      time.Duration // from one state to the next; 0 means 30 seconds
	Resume     string        // file of the state to go on from; "" begins anew

	// Memory bounds the bytes that the process takes, 0 does not. Rows that do not fit are kept in a scratch file in the directory for temporary files,
	// which is gone when the run ends however it does; the model has the same bits. A bound that cannot be kept is an error that names the smallest one that
	// works. While a run is bounded so is Go's heap (debug.SetMemoryLimit), which all runs of a process share.
	Memory int64
}

const (
	checkpointFormat  = "descent-checkpoint"
	checkpointVersion = 1
	checkpointEvery   = 30 * time.Second
)

// runState is what a checkpoint holds.
type runState struct {
	Program  string       `json:"program"` // version and architecture: bits are the same only there
	Data     string       `json:"data"`    // the fingerprint
	Settings []setting    `json:"settings"`
	CV       *cvState     `json:"cv,omitempty"`
	Layers   *layersState `json:"layers,omitempty"`
	Solve    *solveState  `json:"solve,omitempty"`
}

// solveState is an optimiser at work.
type solveState struct {
	Method json.RawMessage `json:"method"`
	Trail  optim.Trail     `json:"trail"`
	Trace  []TracePoint    `json:"trace,omitempty"`
	Looked int             `json:"looked,omitempty"` // the step at which separation was last looked for
}

// program is the version of this program and its architecture.
func program() string {
	const module = "github.com/descent-ml/descent"
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m != nil && m.Path == module && m.Version != "" {
				version = m.Version
			}
		}
	}
	return version + " " + runtime.GOARCH
}

// checksum is that of the model's content.
func (m *Model) checksum() (string, error) {
	b, err := json.Marshal(&m.file)
	return fmt.Sprintf("sha256:%x", sha256.Sum256(b)), err
}

func (r *Run) every() time.Duration {
	if r.Every == 0 {
		return checkpointEvery
	}
	return r.Every
}

// fingerprint is that of the training table. It is made beside the work between reading and training, which does not use all cores all the time.
func (f *fit) fingerprint() string { return f.print() }

func (f *fit) startFingerprint() {
	t := f.table
	f.print = sync.OnceValue(func() string { return fmt.Sprintf("sha256:%x", t.Fingerprint()) })
	go f.print()
}

// resume reads the checkpoint to go on from and compares it with the data and the configuration.
func (f *fit) resume(context.Context) error {
	c := &f.config
	if c.Run.Checkpoint == "" && c.Run.Resume == "" {
		return nil
	}
	f.saved = time.Now()
	f.state = runState{Program: program(), Data: f.fingerprint()}
	f.state.Settings = f.settings
	if c.Run.Resume == "" {
		return nil
	}
	path := c.Run.Resume
	var err error
	if f.resumed, err = readCheckpoint(path); err != nil {
		return f.noResume(err)
	}
	if err := f.state.continues(f.resumed); err != nil {
		return f.noResume(err)
	}
	return f.note("the training goes on from the state in %s", path)
}

// noResume is an error of the checkpoint.
func (f *fit) noResume(err error) error {
	return &dataset.Error{File: f.config.Run.Resume, Message: err.Error(), Err: err}
}

// continues says why a run with this state's data and settings cannot go on from another state.
func (s *runState) continues(saved *runState) error {
	if saved.Program != s.Program {
		return fmt.Errorf("the state was saved by descent %s, this is %s; only the same program on the same architecture goes on with the same bits", shown(saved.Program), s.Program)
	}
	var differ []string
	for _, d := range differing(saved.Settings, s.Settings) {
		differ = append(differ, fmt.Sprintf("%s was %s and is %s", shown(d.name), shown(string(d.a)), shown(string(d.b))))
	}
	if differ != nil {
		return fmt.Errorf("the state belongs to another training: %s", strings.Join(differ, "; "))
	}
	if saved.Data != s.Data {
		return fmt.Errorf("the state belongs to other data: their fingerprint was %s and is %s", shown(saved.Data), s.Data)
	}
	return nil
}

// shown keeps a message short whatever a file holds.
func shown(text string) string {
	const most = 120
	if text == "" {
		return "not set"
	}
	text = strings.ToValidUTF8(text, "�")
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// minimize runs a method, from where the resumed state left it if there is one, and writes checkpoints on the way.
func (f *fit) minimize(ctx context.Context, m optim.Method, p optim.Problem, watch func(optim.Iteration) (bool, error)) (optim.Outcome, error) {
	trail := new(optim.Trail)
	if s := f.resumed; s != nil && s.Solve != nil {
		f.resumed = nil
		saved, err := optim.Decode(s.Solve.Method)
		if err == nil {
			err = optim.Continues(m, saved)
		}
		if err == nil {
			err = s.Solve.Trail.Check(p.Size())
		}
		if err != nil {
			return optim.Outcome{}, f.noResume(fmt.Errorf("the state of the solver does not fit: %w", err))
		}
		m, trail, f.result.Trace, f.looked = saved, &s.Solve.Trail, s.Solve.Trace, s.Solve.Looked
	}
	path, every := f.config.Run.Checkpoint, f.config.Run.every()
	save := func() error {
		text, err := optim.Encode(m)
		if err != nil {
			return err
		}
		f.state.Solve = &solveState{Method: text, Trail: *trail, Trace: f.result.Trace, Looked: f.looked}
		return f.writeState()
	}
	hooks := optim.Hooks{Watch: watch}
	if path != "" {
		hooks.Between = func() error {
			if time.Since(f.saved) < every {
				return nil
			}
			return save()
		}
	}
	out, err := optim.Continue(ctx, m, p, trail, hooks)
	if path != "" && err == nil && (out.Reason == optim.Cancelled || out.Reason == optim.Time) {
		if err = save(); err == nil {
			f.result.Checkpoint = &path
		}
	}
	return out, err
}

// checkpointHead is the first line of a checkpoint; the state is the second.
type checkpointHead struct {
	Format   string `json:"format"`
	Version  int    `json:"version"`
	Checksum string `json:"checksum"` // of the second line
}

// writeState writes the checkpoint.
func (f *fit) writeState() error {
	body, err := json.Marshal(&f.state)
	if err != nil {
		return fmt.Errorf("%s: %w", f.config.Run.Checkpoint, err)
	}
	f.saved = time.Now()
	if f.config.hooks.state != nil {
		f.config.hooks.state(sealCheckpoint(body))
		return nil
	}
	return outfile.WriteFile(f.config.Run.Checkpoint, sealCheckpoint(body))
}

// sealCheckpoint is the file of a state.
func sealCheckpoint(body []byte) []byte {
	sum := sha256.Sum256(body)
	head, _ := json.Marshal(checkpointHead{checkpointFormat, checkpointVersion, "sha256:" + hex.EncodeToString(sum[:])}) // a struct of text and a number
	return bytes.Join([][]byte{head, body, nil}, []byte("\n"))
}

func readCheckpoint(path string) (*runState, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("it is no file with the state of a training")
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		return nil, p.Err
	}
	if err != nil {
		return nil, err
	}
	return openCheckpoint(text)
}

// openCheckpoint reads the content of a checkpoint. Neither checksum nor version make it trusted: what is inside is checked where it is used.
func openCheckpoint(text []byte) (*runState, error) {
	first, body, _ := bytes.Cut(text, []byte("\n"))
	var head checkpointHead
	if len(first) > 1000 || json.Unmarshal(first, &head) != nil || head.Format != checkpointFormat {
		return nil, errors.New("it is no file with the state of a training (descent train --checkpoint writes one)")
	}
	if head.Version != checkpointVersion {
		return nil, fmt.Errorf("the state has format version %d, this program reads version %d", head.Version, checkpointVersion)
	}
	body = bytes.TrimSuffix(body, []byte("\n"))
	sum := sha256.Sum256(body)
	if head.Checksum != "sha256:"+hex.EncodeToString(sum[:]) {
		return nil, errors.New("the checksum does not fit: the file is damaged or was changed")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	s := new(runState)
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("the state cannot be read: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("there is something behind the state")
	}
	return s, nil
}
