package load

import (
	"errors"
	"fmt"
	"io"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A link is one TCP connection to the server.
type link struct {
	loop *loop
	user linkUser
	fd   int    // -1 once it has ended
	out  []byte // not yet taken by the kernel, or waiting for the connection to be there
	rest []byte // received, and not yet used: the beginning of something
}

// A linkUser takes what a link receives.
type linkUser interface {
	// received takes what has come, from the first byte not used so far, and returns how many bytes it has used.
	received(b []byte) (used int, err error)
	// ended is told once, unless the link was dropped: io.EOF when the server hung up.
	ended(err error)
}

// A dialer opens connections to one server from many addresses of the loopback network: one address has no more than
// 28,000 ports, and each closed connection keeps its port for a while.
type dialer struct {
	loop *loop
	to   netip.AddrPort
	next int
}

const dialAddresses = 16

// dial begins to connect; what is written meanwhile waits.
func (d *dialer) dial(user linkUser) (*link, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	k := &link{loop: d.loop, user: user, fd: fd}
	if err := d.connect(fd); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	if err := d.loop.register(k, unix.EPOLLIN|unix.EPOLLOUT); err != nil {
		k.drop()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return k, nil
}

func (d *dialer) connect(fd int) error {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if d.to.Addr().IsLoopback() {
		// The port is chosen by connect, so that one may be used for several destinations.
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		d.next++
		from := unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(1 + d.next%dialAddresses)}}
		if err := unix.Bind(fd, &from); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
	}
	to := unix.SockaddrInet4{Port: int(d.to.Port()), Addr: d.to.Addr().As4()}
	if err := unix.Connect(fd, &to); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return fmt.Errorf("connect: %w", err)
	}
	return nil
}

// handle is called by the loop.
func (k *link) handle(events uint32) {
	if events&unix.EPOLLOUT != 0 {
		k.flush()
	}
	if events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) != 0 && k.fd >= 0 {
		k.read()
	}
}

func (k *link) read() {
	n, err := unix.Read(k.fd, k.loop.buf[:])
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return
	case err != nil:
		k.fail(fmt.Errorf("read: %w", err))
		return
	case n == 0:
		k.fail(io.EOF)
		return
	}
	b := k.loop.buf[:n]
	if len(k.rest) > 0 {
		k.rest = append(k.rest, b...)
		b = k.rest
	}
	used, err := k.user.received(b)
	switch {
	case k.fd < 0: // dropped by its user
	case err != nil:
		k.fail(err)
	case used == len(b):
		k.rest = k.rest[:0]
	default:
		k.rest = append(k.rest[:0], b[used:]...)
	}
}

// write sends b, which is not kept.
func (k *link) write(b []byte) {
	if k.fd < 0 {
		return
	}
	if len(k.out) == 0 {
		n, err := unix.Write(k.fd, b)
		if n == len(b) {
			return
		}
		if err == nil {
			b = b[n:]
		}
		// An error shows again in flush, or in read: the user must not be told of it while it writes.
		_ = k.loop.modify(k, unix.EPOLLIN|unix.EPOLLOUT)
	}
	k.out = append(k.out, b...)
}

func (k *link) flush() {
	if len(k.out) > 0 {
		n, err := unix.Write(k.fd, k.out)
		switch {
		case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
			return
		case err != nil:
			k.fail(fmt.Errorf("write: %w", err))
			return
		}
		k.out = append(k.out[:0], k.out[n:]...)
	}
	if len(k.out) == 0 {
		k.out = nil
		_ = k.loop.modify(k, unix.EPOLLIN)
	}
}

func (k *link) fail(err error) {
	k.drop()
	k.user.ended(err)
}

// drop hangs up; the user is not told.
func (k *link) drop() {
	if k.fd < 0 {
		return
	}
	k.loop.links[k.fd] = nil
	k.loop.open--
	_ = unix.Close(k.fd)
	k.fd = -1
}
