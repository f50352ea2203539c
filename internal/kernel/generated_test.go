package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGenerated: the committed assembly and tables are what the generator in asm writes. DESCENT_REQUIRE=avo makes a failure of what is else a
// skip: that avo cannot be fetched.
func TestGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: compiling avo takes ten seconds")
	}
	sources, err := filepath.Glob("asm/*")
	if err != nil || len(sources) == 0 {
		t.Fatal("no generator in asm", err)
	}
	for _, name := range sources { // what this result depends on, for the cache of go test
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("go", "-C", "asm", "mod", "download").CombinedOutput(); err != nil {
		if slices.Contains(strings.Split(os.Getenv("DESCENT_REQUIRE"), ","), "avo") {
			t.Fatalf("avo cannot be fetched: %v\n%s", err, out)
		}
		t.Skipf("avo cannot be fetched: %v\n%s", err, out)
	}
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "-C", "asm", ".", "-dir", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	fresh, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := filepath.Glob("z*")
	if err != nil || len(committed) != len(fresh) {
		t.Errorf("the generator writes %d files, %d are committed: go generate ./internal/kernel", len(fresh), len(committed))
	}
	for _, f := range fresh {
		want, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(f.Name())
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator writes (%v): go generate ./internal/kernel", f.Name(), err)
		}
	}
}
