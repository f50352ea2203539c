// Package outfile writes a file so that it is there whole or not at all: into a temporary file beside it, synced,
// then renamed over it. A failed or abandoned write leaves the old file as it was and nothing else behind.
//
//	f, err := outfile.Create(path)
//	if err != nil { … }
//	defer f.Abort() // does nothing after Commit
//	… write to f …
//	return f.Commit()
//
// A symbolic link is followed, so that the file it names is replaced and not the link. A path that exists and is
// no regular file (a terminal, a pipe, /dev/null) is written to directly.
package outfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// disk is what File needs of the file system; tests make each call fail in turn.
type disk interface {
	Lstat(name string) (fs.FileInfo, error)
	EvalSymlinks(name string) (string, error)
	OpenFile(name string, flag int, perm fs.FileMode) (handle, error)
	Rename(from, to string) error
	Remove(name string) error
	SyncDir(name string) error
}

type handle interface {
	Write([]byte) (int, error)
	Chmod(fs.FileMode) error
	Sync() error
	Close() error
}

// File is a file being written. It is not safe for concurrent use.
type File struct {
	disk   disk
	path   string // as the user gave it, for messages
	target string // what is replaced
	temp   string // "" when written directly
	handle handle
	failed error
	done   bool
}

// Create starts writing the file at path. The directory must exist.
func Create(path string) (*File, error) { return create(system{}, path) }

func create(d disk, path string) (*File, error) {
	if path == "" {
		return nil, errors.New("no output path given")
	}
	f := &File{disk: d, path: path, target: path}
	mode := fs.FileMode(0o666) // less the umask, as for any new file
	info, err := d.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if f.target, err = d.EvalSymlinks(path); err != nil {
			return nil, fmt.Errorf("%s: %w", path, cause(err))
		}
		info, err = d.Lstat(f.target)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		info = nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, cause(err))
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a directory", path)
	case !info.Mode().IsRegular():
		if f.handle, err = d.OpenFile(f.target, os.O_WRONLY, 0); err != nil {
			return nil, fmt.Errorf("%s: %w", path, cause(err))
		}
		return f, nil
	}
	dir, base := filepath.Split(f.target)
	for range 100 {
		f.temp = dir + "." + base + "." + strconv.FormatUint(rand.Uint64(), 36) + ".tmp"
		f.handle, err = d.OpenFile(f.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, cause(err))
	}
	if info != nil { // the new file keeps the permissions of the one it replaces
		if err := f.handle.Chmod(info.Mode().Perm()); err != nil {
			f.Abort()
			return nil, fmt.Errorf("%s: %w", path, cause(err))
		}
	}
	return f, nil
}

// Write writes to the temporary file. After an error every further Write, and Commit, gives that error.
func (f *File) Write(b []byte) (int, error) {
	if f.failed != nil {
		return 0, f.failed
	}
	if f.done {
		return 0, fmt.Errorf("%s: %w", f.path, fs.ErrClosed)
	}
	n, err := f.handle.Write(b)
	if err != nil {
		f.failed = fmt.Errorf("%s: %w", f.path, cause(err))
		return n, f.failed
	}
	return n, nil
}

// Commit syncs the file and puts it in its place. On an error nothing has changed, with one exception: when the
// rename is done and the directory then cannot be synced, the new file is there but may not survive a power cut.
// A failed sync is never tried again: the system may have dropped the data (Rebello et al., ATC 2020).
func (f *File) Commit() error {
	if f.failed != nil {
		f.Abort()
		return f.failed
	}
	if f.done {
		return fmt.Errorf("%s: %w", f.path, fs.ErrClosed)
	}
	if f.temp == "" {
		f.done = true
		if err := f.handle.Close(); err != nil {
			return fmt.Errorf("%s: %w", f.path, cause(err))
		}
		return nil
	}
	err := f.handle.Sync()
	if e := f.handle.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = f.disk.Rename(f.temp, f.target)
	}
	f.done = true
	if err != nil {
		err = fmt.Errorf("%s: %w", f.path, cause(err))
		if e := f.disk.Remove(f.temp); e != nil {
			err = fmt.Errorf("%w; %s could not be removed: %w", err, f.temp, cause(e))
		}
		return err
	}
	if err := f.disk.SyncDir(filepath.Dir(f.target)); err != nil {
		return fmt.Errorf("%s: written, but its directory was not synced: %w", f.path, cause(err))
	}
	return nil
}

// Abort removes the temporary file. After Commit or Abort it does nothing.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	f.handle.Close() // the content is thrown away, an error changes nothing
	if f.temp != "" {
		if err := f.disk.Remove(f.temp); err != nil && f.failed != nil {
			f.failed = fmt.Errorf("%w; %s could not be removed: %w", f.failed, f.temp, cause(err))
		}
	}
}

// WriteFile writes data to path, whole or not at all.
func WriteFile(path string, data []byte) error { return writeFile(system{}, path, data) }

func writeFile(d disk, path string, data []byte) error {
	f, err := create(d, path)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		f.Abort()
		return f.failed
	}
	return f.Commit()
}

// cause strips the system call and the temporary name off an error of package os: the message names the user's path.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}

type system struct{}

func (system) Lstat(name string) (fs.FileInfo, error)   { return os.Lstat(name) }
func (system) EvalSymlinks(name string) (string, error) { return filepath.EvalSymlinks(name) }
func (system) Rename(from, to string) error             { return os.Rename(from, to) }
func (system) Remove(name string) error                 { return os.Remove(name) }
func (system) OpenFile(name string, flag int, perm fs.FileMode) (handle, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err // not f: a nil *os.File in an interface is not nil
	}
	return f, nil
}
