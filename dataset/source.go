package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxZstdWindow bounds what a zstd frame may ask for: the largest window of zstd --ultra -22 and --long=27.
const maxZstdWindow = 128 << 20

// input is an opened, decompressed source of bytes.
type input struct {
	name  string
	r     io.Reader
	size  int64                       // of the raw input, 0 when unknown
	plain bool                        // not compressed
	peek  func(n int) ([]byte, error) // at the raw beginning
	raw   *counter
	close func()
}

// counter counts the raw bytes that were read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// decompress looks at the first bytes of r and puts the right decompressor behind them.
func decompress(name string, r io.Reader, size int64) (*input, error) {
	in := &input{name: name, size: size, raw: &counter{r: r}, close: func() {}}
	b := bufio.NewReaderSize(in.raw, 64<<10)
	in.r = b
	in.peek = b.Peek
	head, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return nil, inputError(name, err)
	}
	switch {
	default:
		in.plain = true
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := kgzip.NewReader(b)
		if err != nil {
			return nil, inputError(name, archiveError("gzip", err))
		}
		in.r = archive{"gzip", z}
	case bytes.Equal(head, []byte("\x28\xb5\x2f\xfd")),
		len(head) == 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:], []byte("\x2a\x4d\x18")): // a skippable frame
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, inputError(name, archiveError("zstd", err))
		}
		in.r, in.close = archive{"zstd", z}, z.Close
	}
	return in, nil
}

// archive names its kind in what it reports.
type archive struct {
	kind string
	r    io.Reader
}

func (a archive) Read(b []byte) (int, error) {
	n, err := a.r.Read(b)
	if err != nil && err != io.EOF {
		err = archiveError(a.kind, err)
	}
	return n, err
}

func archiveError(kind string, err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("the %s data is truncated (unexpected EOF); nothing of it was used", kind)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, kgzip.ErrChecksum), errors.Is(err, zstd.ErrCRCMismatch):
		return fmt.Errorf("the %s data is damaged: its checksum does not match; nothing of it was used", kind)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("the zstd data needs a window over the limit of %d MiB", maxZstdWindow>>20)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return err // the file could not be read
	}
	return fmt.Errorf("the %s data is damaged: %w; nothing of it was used", kind, err)
}

// inputError is the final error of an input that cannot be read.
func inputError(name string, err error) *Error {
	message := err.Error()
	var path *fs.PathError
	if errors.As(err, &path) {
		message = path.Err.Error() // the name is said already
	}
	return &Error{File: name, Message: message, Err: err, final: true}
}

// Files gives the files a pattern means: itself, or when no such file exists and it has glob characters, all that match, sorted.
func Files(pattern string) ([]string, error) {
	if _, err := os.Stat(pattern); err == nil || !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, nil
	}
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, &Error{File: pattern, Message: "the pattern is malformed", Err: err, final: true}
	}
	if len(names) == 0 {
		return nil, &Error{File: pattern, Message: "no file matches", Err: fs.ErrNotExist, final: true}
	}
	sort.Strings(names)
	return names, nil
}

// openFile opens one path for reading.
func openFile(name string) (*os.File, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		e := inputError(name, err)
		if errors.Is(err, fs.ErrNotExist) {
			if near, ok := neighbour(name); ok {
				e.Cure = fmt.Sprintf("did you mean %s?", quote(near))
			}
		}
		return nil, 0, e
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a directory; name a file or a pattern such as " + filepath.Join(name, "*.csv"))
	}
	if err != nil {
		f.Close()
		return nil, 0, inputError(name, err)
	}
	size := int64(0)
	if info.Mode().IsRegular() {
		size = info.Size()
	}
	return f, size, nil
}

// neighbour finds a file in the same folder that was perhaps meant.
func neighbour(name string) (string, bool) {
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) > 10000 {
		return "", false
	}
	var known []string
	for _, e := range entries {
		known = append(known, e.Name())
	}
	near, ok := Closest(filepath.Base(name), known)
	return filepath.Join(filepath.Dir(name), near), ok
}

// watch is called before every read of a window.
func (in *input) watch(ctx context.Context, progress func(read, total int64)) func() error {
	return func() error {
		if progress != nil {
			progress(in.raw.n, in.size)
		}
		return ctx.Err()
	}
}
