package disk

import (
	"os"
	"syscall"
)

// osFile leaves out, when it syncs, what is not needed to read the content again: the time of the last change.
type osFile struct{ *os.File }

func (f osFile) Sync() error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) { failed = fdatasync(int(fd)) })
	if err != nil {
		return err
	}
	return os.NewSyscallError("fdatasync", failed)
}

func fdatasync(fd int) error {
	for {
		if err := syscall.Fdatasync(fd); err != syscall.EINTR {
			return err
		}
	}
}
