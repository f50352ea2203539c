// Package spill keeps what does not fit in memory in a file that is gone when the program is: it has no name where the system allows that, and
// is deleted on closing elsewhere. Numbers are written as they lie in memory, so the file is good for the process that wrote it and no other.
package spill

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"unsafe"
)

// File is a scratch file. It comes into being with the first byte written. All methods are safe for concurrent use.
type File struct {
	dir    string
	mu     sync.Mutex
	f      *os.File
	size   int64
	err    error // the first that went wrong
	closed bool
}

// In is a scratch file in a directory; "" is the system's for temporary files.
func In(dir string) *File {
	if dir == "" {
		dir = os.TempDir()
	}
	return &File{dir: dir}
}

// Dir is the directory it lies in.
func (s *File) Dir() string { return s.dir }

// Size is how many bytes it has.
func (s *File) Size() int64 {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// Err is the first error of any method: those who read numbers through interfaces without errors look here afterwards.
func (s *File) Err() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *File) fail(what string, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err // its name says nothing: the file has none
		}
		s.err = fmt.Errorf("scratch file in %s: %s: %w", s.dir, what, err)
	}
	return s.err
}

// Reserve gives the place of n bytes that WriteAt will write.
func (s *File) Reserve(n int) (at int64, err error) {
	s.mu.Lock()
	if s.f == nil && s.err == nil && !s.closed {
		var f *os.File
		if f, err = create(filepath.Join(s.dir, "descent-scratch-")); err != nil {
			s.mu.Unlock()
			return 0, s.fail("cannot be made", err)
		}
		s.f = f
	}
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	at = s.size
	s.size += int64(n)
	return at, nil
}

// WriteAt writes to a place that was reserved.
func (s *File) WriteAt(b []byte, at int64) error {
	if _, err := s.f.WriteAt(b, at); err != nil {
		return s.fail("cannot be written", err)
	}
	return nil
}

// Append writes at the end.
func (s *File) Append(b []byte) (at int64, err error) {
	if at, err = s.Reserve(len(b)); err == nil {
		err = s.WriteAt(b, at)
	}
	return at, err
}

// ReadAt fills b.
func (s *File) ReadAt(b []byte, at int64) error {
	if len(b) == 0 {
		return nil
	}
	if _, err := s.f.ReadAt(b, at); err != nil {
		return s.fail("cannot be read", err)
	}
	return nil
}

// Close gives the room back. Nothing can be read afterwards.
func (s *File) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.f != nil {
		s.f.Close()
		os.Remove(s.f.Name()) // where it still has a name
	}
}

// Number is what can be written as it lies in memory.
type Number interface {
	int8 | int16 | int32 | uint8 | uint16 | uint32 | float32 | float64 | uint64
}

// Bytes is the memory of numbers.
func Bytes[T Number](v []T) []byte {
	var t T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(t)))
}

// Numbers are n numbers in memory that is aligned for them, as that of a []uint64 is at its multiples of 8.
func Numbers[T Number](b []byte, n int) []T {
	if n == 0 {
		return nil
	}
	var t T
	_ = b[n*int(unsafe.Sizeof(t))-1]
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// openNew makes a file that only this user can read, with the system's flags besides.
func openNew(prefix string, flags int) (f *os.File, err error) {
	for range 100 {
		f, err = os.OpenFile(prefix+strconv.FormatUint(rand.Uint64(), 36), os.O_RDWR|os.O_CREATE|os.O_EXCL|flags, 0o600)
		if !errors.Is(err, os.ErrExist) {
			break
		}
	}
	return f, err
}
