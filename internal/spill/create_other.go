//go:build !windows

package spill

import "os"

// create makes a file whose name begins so and takes the name away at once: the system deletes it when it is closed, however the program ends.
func create(prefix string) (*os.File, error) {
	f, err := openNew(prefix, 0)
	if err == nil {
		os.Remove(f.Name()) // if not now, Close does
	}
	return f, err
}
