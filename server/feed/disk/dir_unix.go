//go:build unix

package disk

import (
	"errors"
	"os"
)

// syncDir makes safe that files of the directory were created, renamed or removed.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
