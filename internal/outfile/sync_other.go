//go:build !unix

package outfile

// SyncDir does nothing: these systems cannot sync a directory, and Windows journals a rename itself.
func (system) SyncDir(string) error { return nil }
