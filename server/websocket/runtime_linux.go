package websocket

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls on a socket that never wait, made without telling Go's scheduler. The scheduler is told of an
// ordinary call so that another thread can go on with the goroutines while it lasts, and its monitor looks for such
// calls every 20 µs; a write to a socket takes about as long as that, since the kernel does most of the receiver's
// work in it. On one processor 60 bytes written and read over loopback cost 18 µs when it is told, and 13 when it is
// not: BenchmarkSystemCalls.
//
// Two rules make that safe.
//
//   - MSG_DONTWAIT: a call never waits, even if the program has made the descriptor a blocking one (os.File.Fd does). A
//     read or write that waits here would hold a processor for ever, and the next garbage collection all of them.
//   - At most maxUnannounced bytes: the processor's other goroutines wait while a call lasts, 124 µs for 256 KiB and
//     670 for 4 MiB. The scheduler is told of larger ones.
//
// The race detector's build makes the same calls.

// maxUnannounced is the most bytes of a call that the scheduler is not told of; the kernel copies them in about 30 µs.
const maxUnannounced = 64 << 10

// fewPieces is up to how many pieces sendPieces lists them on the stack. An outbox gives 8 at most, and a handshake's
// answer may come before them.
const fewPieces = 9

// dontWait are the flags of all calls. Without MSG_NOSIGNAL a write to a lost connection would send SIGPIPE.
const dontWait = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL

// receive reads what there is, up to len(b) bytes. 0 without an error is the end.
func receive(fd uintptr, b *readBuffer) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd,
		uintptr(unsafe.Pointer(b)), unsafe.Sizeof(*b), unix.MSG_DONTWAIT, 0, 0)
	return counted(n, errno)
}

// send writes as much of bufs as the kernel takes at once.
func send(fd uintptr, bufs [][]byte) (int, error) {
	switch {
	case len(bufs) == 1:
		return sendOne(fd, bufs[0])
	case len(bufs) <= fewPieces:
		return sendPieces(fd, bufs)
	}
	return unix.SendmsgBuffers(int(fd), bufs, nil, nil, dontWait)
}

func sendOne(fd uintptr, b []byte) (int, error) {
	p := unsafe.Pointer(unsafe.SliceData(b))
	if !unannounced(len(b)) {
		n, _, errno := unix.Syscall6(unix.SYS_SENDTO, fd, uintptr(p), uintptr(len(b)), dontWait, 0, 0)
		return counted(n, errno)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(p), uintptr(len(b)), dontWait, 0, 0)
	return counted(n, errno)
}

func sendPieces(fd uintptr, bufs [][]byte) (int, error) {
	var pieces [fewPieces]unix.Iovec
	size := 0
	for i, b := range bufs {
		pieces[i].Base = unsafe.SliceData(b)
		pieces[i].SetLen(len(b))
		size += len(b)
	}
	message := unix.Msghdr{Iov: &pieces[0]}
	message.SetIovlen(len(bufs))
	if !unannounced(size) {
		n, _, errno := unix.Syscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&message)), dontWait)
		return counted(n, errno)
	}
	n, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&message)), dontWait)
	return counted(n, errno)
}

// unannounced reports whether a call with so many bytes may be made without telling the scheduler.
func unannounced(size int) bool { return size <= maxUnannounced }

func counted(n uintptr, errno unix.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
