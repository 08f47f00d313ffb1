//go:build !race

package websocket

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls on a socket that never blocks, made without a word to Go's scheduler. It is told of a call so that another
// thread can go on with the goroutines when the call lasts, and its monitor looks for such calls every 20 µs; a write to a socket
// takes about as long as that here, since the kernel does most of the receiver's work in it. On one processor 60 bytes
// written and read over loopback cost 18 µs when it is told, and 13 when it is not; recvfrom and sendto are not cheaper than read and
// write. The price is that the processor's other goroutines wait while a call lasts, which is tens of microseconds at most.
//
// The race detector's build has its own, in nonblocking_race_linux.go: it learns from the calls what happened before what.

func readNow(fd uintptr, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return counted(n, errno)
}

func writeNow(fd uintptr, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return counted(n, errno)
}

// fewPieces is up to how many pieces writevNow lists them on the stack.
const fewPieces = 8

func writevNow(fd uintptr, bufs [][]byte) (int, error) {
	if len(bufs) > fewPieces {
		return unix.Writev(int(fd), bufs)
	}
	var pieces [fewPieces]unix.Iovec
	for i, b := range bufs {
		pieces[i].Base = unsafe.SliceData(b)
		pieces[i].SetLen(len(b))
	}
	n, _, errno := unix.RawSyscall(unix.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&pieces)), uintptr(len(bufs)))
	return counted(n, errno)
}

func counted(n uintptr, errno unix.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
