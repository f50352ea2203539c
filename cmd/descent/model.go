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
