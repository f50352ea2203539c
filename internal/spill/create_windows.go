package spill

import (
	"os"

	"golang.org/x/sys/windows"
)

// create makes a file whose name begins so, which the system deletes when it is closed, however the program ends.
func create(prefix string) (*os.File, error) {
	return openNew(prefix, windows.FILE_FLAG_DELETE_ON_CLOSE)
}
