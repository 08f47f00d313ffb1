//go:build unix && !aix && (!solaris || illumos)

package disk

import (
	"os"
	"syscall"
)

// lock takes the file for this process, until it is closed or the process ends in whatever way.
func lock(f *os.File) (taken bool, err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == syscall.EWOULDBLOCK {
		return true, err
	}
	return false, err
}
