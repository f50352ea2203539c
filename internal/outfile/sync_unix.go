//go:build unix

package outfile

import (
	"errors"
	"os"
	"syscall"
)

// SyncDir makes a rename in the directory durable. File systems that cannot sync a directory say EINVAL.
func (system) SyncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		if errors.Is(err, os.ErrPermission) { // writable, not readable: nothing to sync through
			return nil
		}
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
