package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

func (realFiles) lock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	taken, err := lock(f)
	switch {
	case taken:
		owner, _ := os.ReadFile(path)
		err = inUse(filepath.Dir(path), string(owner))
	case err != nil:
		err = fmt.Errorf("locking %s: %w", path, err)
	default:
		// Who has the lock is told for people; it is the lock that counts.
		_ = f.Truncate(0)
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}
