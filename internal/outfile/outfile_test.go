package outfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

var errBroken = errors.New("no space left on device")

// failing is the real disk, but for the n-th call, which fails.
type failing struct {
	calls *int
	at    int
	done  *string // the call that failed
}

func (f failing) fails(call string) bool {
	*f.calls++
	if *f.calls == f.at {
		*f.done = call
		return true
	}
	return false
}

func (f failing) Lstat(name string) (fs.FileInfo, error) {
	if f.fails("lstat") {
		return nil, errBroken
	}
	return system{}.Lstat(name)
}

func (f failing) EvalSymlinks(name string) (string, error) {
	if f.fails("evalsymlinks") {
		return "", errBroken
	}
	return system{}.EvalSymlinks(name)
}

func (f failing) Rename(from, to string) error {
	if f.fails("rename") {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: errBroken}
	}
	return system{}.Rename(from, to)
}

func (f failing) Remove(name string) error { return system{}.Remove(name) }

func (f failing) SyncDir(name string) error {
	if f.fails("syncdir") {
		return errBroken
	}
	return system{}.SyncDir(name)
}

func (f failing) OpenFile(name string, flag int, perm fs.FileMode) (handle, error) {
	if f.fails("open") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errBroken}
	}
	h, err := system{}.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return failingHandle{h, f}, nil
}

type failingHandle struct {
	handle
	failing
}

func (h failingHandle) Write(b []byte) (int, error) {
	if h.fails("write") {
		n, _ := h.handle.Write(b[:len(b)/2]) // a full disk takes a part
		return n, errBroken
	}
	return h.handle.Write(b)
}

func (h failingHandle) Chmod(m fs.FileMode) error {
	if h.fails("chmod") {
		return errBroken
	}
	return h.handle.Chmod(m)
}

func (h failingHandle) Sync() error {
	if h.fails("sync") {
		return errBroken
	}
	return h.handle.Sync()
}

func (h failingHandle) Close() error {
	err := h.handle.Close()
	if h.fails("close") {
		return errBroken
	}
	return err
}

// content is the file's text, "" if there is none.
func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// TestFailNth makes every call fail in turn: there is an error, the old file is as it was and nothing else is there.
func TestFailNth(t *testing.T) {
	for _, old := range []string{"", "old"} {
		seen := map[string]bool{}
		for n := 1; ; n++ {
			dir := t.TempDir()
			path := filepath.Join(dir, "model.json")
			if old != "" {
				if err := os.WriteFile(path, []byte(old), 0o640); err != nil {
					t.Fatal(err)
				}
			}
			calls, done := 0, ""
			err := writeFile(failing{&calls, n, &done}, path, []byte("new content"))
			if done == "" {
				if err != nil || content(t, path) != "new content" {
					t.Fatalf("nothing failed, yet: %v, %q", err, content(t, path))
				}
				break
			}
			seen[done] = true
			if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !errors.Is(err, errBroken) {
				t.Errorf("%s fails: error %v", done, err)
			}
			if strings.Contains(err.Error(), ".tmp") {
				t.Errorf("%s fails: the error names the temporary file: %v", done, err)
			}
			want := old
			if done == "syncdir" { // the one case in which the new file stands
				want = "new content"
			}
			if got := content(t, path); got != want {
				t.Errorf("%s fails: the file holds %q, expected %q", done, got, want)
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if e.Name() != "model.json" {
					t.Errorf("%s fails: %s was left", done, e.Name())
				}
			}
		}
		for _, call := range []string{"lstat", "open", "write", "sync", "close", "rename", "syncdir"} {
			if !seen[call] {
				t.Errorf("%s never failed", call)
			}
		}
		if seen["chmod"] != (old != "") {
			t.Error("chmod is for a file that is replaced, and only then")
		}
	}
}

func TestAbort(t *testing.T) {
	dir := t.TempDir()
	f, err := Create(filepath.Join(dir, "out.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, "half"); err != nil {
		t.Fatal(err)
	}
	f.Abort()
	f.Abort()
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
	if _, err := f.Write(nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after abort: %v", err)
	}
	if err := f.Commit(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("commit after abort: %v", err)
	}
}

func TestKeepsPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such permissions")
	}
	path := filepath.Join(t.TempDir(), "m.json")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("permissions %v", info.Mode())
	}
}

func TestSymlinkIsFollowed(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "sub", "target.json"), filepath.Join(dir, "link.json")
	if err := os.Mkdir(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("sub", "target.json"), link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := WriteFile(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info.Mode(), err)
	}
	if content(t, target) != "new" {
		t.Errorf("the target holds %q", content(t, target))
	}
}

func TestNotAFile(t *testing.T) {
	dir := t.TempDir()
	if err := WriteFile(dir, nil); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: %v", err)
	}
	if err := WriteFile("", nil); err == nil {
		t.Error("no path was taken")
	}
	missing := filepath.Join(dir, "none", "m.json")
	if err := WriteFile(missing, nil); err == nil || !strings.HasPrefix(err.Error(), missing+": ") || strings.Contains(err.Error(), ".tmp") {
		t.Errorf("no directory: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	// A device is written to, not replaced.
	if err := WriteFile("/dev/null", []byte("x")); err != nil {
		t.Error(err)
	}
	if info, err := os.Lstat("/dev/null"); err != nil || info.Mode()&fs.ModeDevice == 0 {
		t.Fatalf("/dev/null is a file now: %v", info.Mode())
	}
}
