//go:build !unix

package disk

// syncDir does nothing: these systems cannot sync a directory, and record its changes in a journal.
func syncDir(string) error { return nil }
