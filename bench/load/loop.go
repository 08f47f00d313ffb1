package load

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// readSize is as much as one read takes. Under load a client finds many messages behind one another in its socket.
const readSize = 256 << 10

// A loop drives connections from one goroutine, which alone may use it and them.
type loop struct {
	epoll  int
	links  []*link // by file descriptor
	open   int
	events [512]unix.EpollEvent
	buf    [readSize]byte
	now    time.Time // when the events that are being handled came
}

func newLoop() (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &loop{epoll: fd, now: time.Now()}, nil
}

// close ends all connections.
func (l *loop) close() {
	for _, k := range l.links {
		if k != nil {
			k.drop()
		}
	}
	_ = unix.Close(l.epoll)
}

// turn waits for events, at most until a deadline, and handles them.
func (l *loop) turn(until time.Time) error {
	// Rounded down: the last millisecond is polled away, for what is due is due in time.
	wait := max(0, time.Until(until).Milliseconds())
	n, err := unix.EpollWait(l.epoll, l.events[:], int(wait))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("epoll: %w", err)
	}
	l.now = time.Now()
	for i := range max(0, n) {
		e := &l.events[i]
		if k := l.links[e.Fd]; k != nil {
			k.handle(e.Events)
		}
	}
	return nil
}

// runUntil turns until done says so; an error if that does not happen in time.
func (l *loop) runUntil(done func() bool, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for !done() {
		if l.now.After(deadline) {
			return errTooLong
		}
		if err := l.turn(earlier(deadline, time.Now().Add(50*time.Millisecond))); err != nil {
			return err
		}
	}
	return nil
}

var errTooLong = errors.New("the server did not keep up: the time for this step is over")

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (l *loop) register(k *link, interest uint32) error {
	for len(l.links) <= k.fd {
		l.links = append(l.links, nil)
	}
	l.links[k.fd] = k
	l.open++
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, k.fd, &unix.EpollEvent{Events: interest, Fd: int32(k.fd)})
}

func (l *loop) modify(k *link, interest uint32) error {
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, k.fd, &unix.EpollEvent{Events: interest, Fd: int32(k.fd)})
}
