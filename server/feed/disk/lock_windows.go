package disk

import (
	"os"

	"golang.org/x/sys/windows"
)

// lock takes the file for this process, until it is closed or the process ends in whatever way. The byte that is
// locked lies far behind the text, which others can so still read.
func lock(f *os.File) (taken bool, err error) {
	how := uint32(windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY)
	err = windows.LockFileEx(windows.Handle(f.Fd()), how, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1})
	return err == windows.ERROR_LOCK_VIOLATION, err
}
