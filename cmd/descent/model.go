package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/descent-ml/descent"
)

// load reads a model, and says so if its training did not end well. Where path is the data and data the model, the message
// says that, too.
func (a *app) load(path, data string) (*descent.Model, error) {
	m, err := a.read(path)
	if err != nil {
		if data != "" && data != "-" && !isModel(path) && isModel(data) {
			return nil, usagef("%s is no model, but %s is; the model comes first", path, data)
		}
		return nil, err
	}
	switch v := m.Verdict(); v {
	case descent.Converged, descent.Stationary, descent.Stopped:
	default:
		return m, a.warn("W-unfinished", fmt.Sprintf("%s holds a model whose training ended %s", path, v))
	}
	return m, nil
}

func (a *app) read(path string) (*descent.Model, error) {
	if path == "-" {
		return descent.ReadModel("stdin", a.stdin)
	}
	return descent.Load(path)
}

var modelBegin = regexp.MustCompile(`^\s*\{\s*"format"\s*:\s*"descent-model"`)

// isModel says whether a file begins as a model does.
func isModel(path string) bool { return modelBegin.Match(head(path)) }

// looksLikeModel says whether a file is a model, perhaps a damaged one, and no data.
func looksLikeModel(path string) bool {
	b := bytes.TrimSpace(head(path))
	return bytes.HasPrefix(b, []byte("{")) && bytes.Contains(b, []byte("descent-model"))
}

// head is the beginning of a file, nothing if it cannot be read.
func head(path string) []byte {
	if path == "-" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 512))
	if err != nil {
		return nil
	}
	return b
}

// predicts says in words what a model's probabilities are of.
func predicts(m *descent.Model) string {
	classes := m.Classes()
	switch {
	case len(classes) == 2 && classes[0] == "not "+classes[1]: // --against-rest
		return fmt.Sprintf("the probability that %s is %s", printable(m.Target()), printable(classes[1]))
	case len(classes) == 2:
		return fmt.Sprintf("the probability that %s is %s and not %s", printable(m.Target()), printable(classes[1]), printable(classes[0]))
	}
	names := make([]string, len(classes))
	for k, c := range classes {
		names[k] = printable(c)
	}
	text := fmt.Sprintf("the probabilities of %d classes of %s: %s", len(names), printable(m.Target()), shortList(names, 10))
	if r, ok := m.ReferenceClass(); ok {
		text += fmt.Sprintf("; reference %s, whose weights are 0", printable(r))
	}
	return text
}

// thresholdOf is the threshold of two classes.
func thresholdOf(m *descent.Model) string {
	if len(m.Classes()) > 2 {
		return ""
	}
	text := short(m.Threshold(), 6)
	if by := m.ThresholdBy(); by != "" {
		text += ": " + by
	}
	return text
}

// twoOnly is the error for a flag that only two classes can have.
func twoOnly(m *descent.Model, flag, why string) error {
	return usagef("%s is for two classes; this model has %d: %s", flag, len(m.Classes()), why)
}

const (
	noThreshold = "the label is the most probable one, and no threshold decides it"
	noInterval  = "a probability among them depends on the errors of all of them together, and there is no interval of one alone"
)
