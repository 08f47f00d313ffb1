package websocket

import (
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A socket is a rawSocket by way of the file descriptor.
type socket struct{ fd syscall.RawConn }

// newRawSocket returns the way to nc's file descriptor, or nil where there is none.
//
// Only the net package's own types qualify. A type that embeds one of them has its SyscallConn too, and would be read
// behind its back: what it counts, limits or has buffered would be lost. A [Wrapped] one says that it does nothing of
// the kind.
func newRawSocket(nc net.Conn) rawSocket {
	var sc syscall.Conn
	switch nc := socketOf(nc).(type) {
	case *net.TCPConn:
		sc = nc
	case *net.UnixConn:
		sc = nc
	default:
		return nil
	}
	fd, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return &socket{fd}
}

// skipYields is how many reads skip Gosched after a yield that brought no bytes.
const skipYields = 8

// rawSource reads without a buffer in hand: the goroutine parks in the runtime's poller, and a buffer is taken when the
// descriptor is said to be readable. The bytes leave through the fields, and are not handled in the callback, because
// the callback holds the descriptor's lock: a Handler that called Close in there would wait for itself.
type rawSource struct {
	fd   syscall.RawConn
	read func(fd uintptr) bool // readable, bound once: a method value made for each call would be an allocation each
	b    *readBuffer
	n    int
	err  error

	yield time.Duration // when it may say errQuiet, since began; 0 means never
	turns int32         // how often yieldAfter was called
	skips uint8         // how many reads still skip Gosched
	quiet bool          // the last read took all that was there
	full  bool          // the last read filled its buffer
}

// began is what rawSources count their time from: a Duration takes a third of the room of a Time.
var began = time.Now()

func (r *rawSource) yieldAfter(d time.Duration, few int) {
	r.quiet = false
	if int(r.turns) < few {
		r.turns++
		d = 0
	}
	r.yield = time.Since(began) + d
}

func (s *socket) source() source {
	r := &rawSource{fd: s.fd}
	r.read = r.readable
	return r
}

// next looks whether to yield before it reads: a goroutine that finds nothing, and then yields, leaves the next one
// to find nothing once more.
func (r *rawSource) next() (*readBuffer, int, error) {
	if r.quiet && r.yield != 0 && time.Since(began) >= r.yield {
		return nil, 0, errQuiet
	}
	r.letOthersRun()
	if err := r.fd.Read(r.read); err != nil {
		return nil, 0, err
	}
	b, err := r.b, r.err
	r.b, r.err = nil, nil
	return b, r.n, err
}

// letOthersRun yields before a read, which makes data likelier. Right after a read that drained the socket the next
// one usually finds nothing: then the goroutine is parked, and reads once more when it wakes. On a busy server the
// other goroutines take so long that the client has answered meanwhile, and an event with ack costs 6 % less. With
// idle processors yielding is in vain, and wakes one of them, which costs more than the read: see skipYields.
func (r *rawSource) letOthersRun() {
	switch {
	case r.full:
	case r.skips > 0:
		r.skips--
	default:
		runtime.Gosched()
	}
}

// readable reads once. It says false, which means wait, when there was nothing.
//
// That a read did not fill the buffer is no proof that nothing is left, or the next call could be spared: the peer's
// FIN may be behind the bytes, and the poller, which is edge-triggered, would not tell of it again.
func (r *rawSource) readable(fd uintptr) bool {
	b := readBuffers.Get().(*readBuffer)
	n, err := receive(fd, b)
	for err == unix.EINTR {
		n, err = receive(fd, b)
	}
	if n > 0 {
		r.b, r.n, r.full = b, n, n == len(b)
		r.quiet = !r.full
		return true
	}
	r.release(b)
	switch err {
	case unix.EAGAIN:
		if r.skips == 0 {
			r.skips = skipYields
		}
		return false
	case nil:
		r.err = io.EOF
	default:
		r.err = os.NewSyscallError("read", err)
	}
	return true
}

func (r *rawSource) release(b *readBuffer) { readBuffers.Put(b) }

// maxVectors is Linux's UIO_MAXIOV, the most pieces of one writev.
const maxVectors = 1024

// A rawWrite is one call of write on its way through RawConn.Write, which takes no arguments along.
type rawWrite struct {
	bufs [][]byte // what is left; not changed, since it is the caller's
	skip int      // bytes of bufs[0] that are written
	wait bool
	n    int64
	err  error
	run  func(fd uintptr) bool // writable, bound once
}

var rawWrites = sync.Pool{New: func() any {
	w := new(rawWrite)
	w.run = w.writable
	return w
}}

func (s *socket) write(bufs [][]byte, wait bool) (int64, error) {
	w := rawWrites.Get().(*rawWrite)
	w.bufs, w.wait = bufs, wait
	err := s.fd.Write(w.run)
	if err == nil {
		err = w.err
	}
	n := w.n
	*w = rawWrite{run: w.run}
	rawWrites.Put(w)
	return n, err
}

// writable writes until all is written or the kernel takes no more. It says false, which means wait, in the latter case
// if it may.
func (w *rawWrite) writable(fd uintptr) bool {
	for len(w.bufs) > 0 {
		n, err := w.once(fd)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return !w.wait
		case err != nil:
			w.err = os.NewSyscallError("write", err)
			return true
		default:
			if w.advance(n); w.skip > 0 && !w.wait {
				return true // within a buffer: the kernel has taken what it takes
			}
		}
	}
	return true
}

func (w *rawWrite) once(fd uintptr) (int, error) {
	if w.skip > 0 {
		return sendOne(fd, w.bufs[0][w.skip:])
	}
	return send(fd, w.bufs[:min(len(w.bufs), maxVectors)])
}

// advance moves past n written bytes and past buffers that are empty.
func (w *rawWrite) advance(n int) {
	w.n += int64(n)
	for len(w.bufs) > 0 && n >= len(w.bufs[0])-w.skip {
		n -= len(w.bufs[0]) - w.skip
		w.bufs, w.skip = w.bufs[1:], 0
	}
	w.skip += n
}
