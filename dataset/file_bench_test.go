package dataset

import (
	"fmt"
	"os"
	"runtime"
	"testing"
)

// BenchmarkFile reads the file that DESCENT_FILE names, with one thread and with all.
func BenchmarkFile(b *testing.B) {
	name := os.Getenv("DESCENT_FILE")
	if name == "" {
		b.Skip("DESCENT_FILE names no file")
	}
	info, err := os.Stat(name)
	if err != nil {
		b.Fatal(err)
	}
	for _, threads := range []int{1, runtime.GOMAXPROCS(0)} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			b.SetBytes(info.Size())
			for b.Loop() {
				if _, err := Open(b.Context(), name, Options{Threads: threads}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
