// Package modelfile is the envelope of a model file: JSON that a person can read and compare with git diff, and that
// does not load when anything in it was changed.
//
//	data, err := modelfile.Encode(&payload)
//	payload, err := modelfile.Decode[Payload]("model.json", data)
//
// The file is one object: "format" and "version" first, then the members of the payload struct in its own order,
// and "checksum" last. The checksum is the SHA-256 of the canonical bytes of everything before it: the tokens of the
// file as they stand there, without the blanks and line ends between them (so a file whose line ends git rewrote
// still loads), closed by "}".
//
// A model file is not trusted. Reading it runs nothing, opens nothing else and allocates in proportion to the file's
// own size, which has a limit, as has nesting. Unknown, repeated, missing and differently spelled keys, null where
// a value is needed, numbers outside float64, text that is not UTF-8 and anything after the object are errors.
// What the numbers mean is for the package that owns the payload to check.
//
// The payload struct: an exported field without "omitempty" or "omitzero" must be in the file. A field added later
// therefore needs one of these, so that released files load for ever.
package modelfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"

	"github.com/descent-ml/descent/internal/outfile"
)

const (
	// Format is the value of "format" in every model file.
	Format = "descent-model"
	// Version is the newest version of the format that this program reads, and the one that it writes.
	Version = 1
	// MaxBytes is the size over which a file is refused unread.
	MaxBytes = 256 << 20
	// MaxDepth is how deep arrays and objects may be nested.
	MaxDepth = 32
)

// Error says where a model file is wrong. Line and Column count from 1, Column in bytes; both are 0 where the fault
// is not at one place.
type Error struct {
	File    string
	Line    int
	Column  int
	Message string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Encode is the text of the model file of payload, a struct. NaN, infinities and text that is not UTF-8 anywhere in it
// are errors that name the place. Equal payloads give equal bytes.
func Encode[T any](payload *T) ([]byte, error) {
	v := reflect.ValueOf(payload).Elem()
	if v.Kind() != reflect.Struct {
		return nil, fmt.Errorf("modelfile: a payload is a struct, not %s", v.Type())
	}
	if err := writable(v, nil); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(payload); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	members := bytes.TrimSuffix(bytes.TrimPrefix(bytes.TrimSpace(body.Bytes()), []byte("{")), []byte("}"))
	canonical := []byte(`{"format":"` + Format + `","version":` + strconv.Itoa(Version))
	if len(members) > 0 {
		canonical = append(canonical, ',')
		canonical = append(canonical, members...)
	}
	sum := sha256.Sum256(append(canonical, '}'))
	whole := append(canonical, `,"checksum":"`+prefix+hex.EncodeToString(sum[:])+`"}`...)
	if len(whole) > MaxBytes/2 {
		return nil, fmt.Errorf("model: %d bytes are more than a model file may have", len(whole))
	}
	text := layout(whole)
	// What is written must load: a custom marshaller or a key that repeats is found here and not by the next user. That lies in the type and
	// shows in a small file, too; reading back tens of thousands of weights would take longer than training them.
	if len(text) <= readBack {
		if _, err := Decode[T]("model", text); err != nil {
			return nil, fmt.Errorf("modelfile: the encoded model does not load: %w", err)
		}
	}
	return text, nil
}

// readBack is the size up to which a file is decoded before it is handed out.
const readBack = 1 << 20

const prefix = "sha256:"

// Decode checks data, the content of the file called name, and returns its payload. See the package comment for
// what is refused. Errors are of type *Error.
func Decode[T any](name string, data []byte) (*T, error) {
	fail := func(at int, message string) (*T, error) { return nil, failure(name, data, at, message) }
	if len(data) > MaxBytes {
		return fail(-1, tooLarge)
	}
	if len(bytes.TrimLeft(data, " \t\r\n")) == 0 {
		return fail(-1, "the file is empty, not a descent model")
	}
	s := scanner{data: data, hash: sha256.New()}
	if err := s.file(); err != nil {
		return fail(err.at, err.message)
	}
	format, ok := s.top["format"]
	if !ok {
		return fail(-1, `not a descent model: it has no "format"`)
	}
	if got := string(data[format.from:format.to]); got != `"`+Format+`"` {
		return fail(format.from, fmt.Sprintf("not a descent model: its format is %s, expected %q", abbreviate(got), Format))
	}
	version, ok := s.top["version"]
	if !ok {
		return fail(-1, `no "version"`)
	}
	got := string(data[version.from:version.to])
	if !positiveInteger(got) {
		return fail(version.from, fmt.Sprintf("version is %s, expected a whole number from 1 to %d", abbreviate(got), Version))
	}
	if n, err := strconv.Atoi(got); err != nil || n > Version {
		return fail(version.from, fmt.Sprintf("the model has format version %s, this program reads versions up to %d: use a newer descent", abbreviate(got), Version))
	}
	if !s.checked {
		return fail(-1, `no "checksum" at the end: the file is cut or was changed`)
	}
	want := `"` + prefix + hex.EncodeToString(s.hash.Sum(nil)) + `"`
	if got := string(data[s.checksum.from:s.checksum.to]); got != want {
		return fail(s.checksum.from, fmt.Sprintf("the checksum does not fit: the file says %s, its content gives %s; it was changed after it was written", abbreviate(got), want))
	}
	t := reflect.TypeFor[T]()
	c := checker{data: data}
	if err := c.file(t); err != nil {
		return fail(err.at, err.message)
	}
	var payload T
	// The members of the envelope are unknown to T and skipped; every other key was compared with T by checker.
	if err := json.Unmarshal(data, &payload); err != nil {
		at := -1
		var wrongType *json.UnmarshalTypeError
		if errors.As(err, &wrongType) {
			at = int(wrongType.Offset)
		}
		return fail(at, err.Error())
	}
	return &payload, nil
}

const tooLarge = "larger than 256 MiB, the limit of a model file"

// Read is Decode of all of r, of which at most MaxBytes are read. name is used in messages.
func Read[T any](name string, r io.Reader) (*T, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return Decode[T](name, data)
}

// Load is Read of the file at path. A directory is refused, and an ordinary file over MaxBytes is not read.
func Load[T any](path string) (*T, error) {
	f, err := os.Open(path)
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case info.IsDir():
		return nil, &Error{File: path, Message: "is a directory, not a model file"}
	case info.Mode().IsRegular() && info.Size() > MaxBytes:
		return nil, &Error{File: path, Message: tooLarge}
	}
	return Read[T](path, f)
}

// Save encodes payload and writes it to path, whole or not at all (see outfile).
func Save[T any](path string, payload *T) error {
	data, err := Encode(payload)
	if err != nil {
		return err
	}
	return outfile.WriteFile(path, data)
}

// failure is the error at byte at of data; -1: nowhere in particular.
func failure(name string, data []byte, at int, message string) *Error {
	e := &Error{File: name, Message: message}
	if at >= 0 {
		before := data[:min(at, len(data))]
		e.Line = bytes.Count(before, []byte("\n")) + 1
		e.Column = len(before) - (bytes.LastIndexByte(before, '\n') + 1) + 1
	}
	return e
}

func positiveInteger(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || i == 0 && s[i] == '0' {
			return false
		}
	}
	return s != ""
}

// abbreviate keeps a message short whatever the file holds.
func abbreviate(s string) string {
	if len(s) > 90 {
		return s[:80] + "…"
	}
	return s
}
