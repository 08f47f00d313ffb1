package websocket

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// readBuffer is what one read can bring. 16 KiB hold hundreds of small frames; only as many exist as there are
// connections with something to read in this moment.
type readBuffer [16 << 10]byte

var readBuffers = sync.Pool{New: func() any { return new(readBuffer) }}

// A source brings the peer's bytes.
type source interface {
	// next waits for bytes. They are valid until release, which must follow unless there is an error.
	next() (b *readBuffer, n int, err error)
	release(b *readBuffer)
	// yieldAfter makes next return errQuiet instead of reading on, once a read has taken all that was there and d has
	// passed; the first few calls do not mind d. A source that can't yield waits.
	yieldAfter(d time.Duration, few int)
}

func (c *Conn) source() source {
	if c.raw != nil {
		return c.raw.source()
	}
	return &plainSource{nc: c.nc}
}

// Read reads until the connection ends and gives h what comes. It returns
//   - a *CloseError when the peer sent a close frame,
//   - a *ProtocolError when the peer broke a rule or a limit; the caller should send a close frame with its code,
//   - what h.Message returned,
//   - ErrInterrupted after Interrupt,
//   - or the connection's error as it is: io.EOF when the peer hung up without a close frame, net.ErrClosed (wrapped)
//     after Close.
//
// It is called once. The connection is still open when it returns. Frames behind the one that ended it are dropped.
//
// Call it in a goroutine of its own and let the HTTP handler return: a connection that waits then costs 4 to 5 kB of
// memory in all, and 13.4 kB in the handler's goroutine, which holds on to net/http's buffers and to the request.
func (c *Conn) Read(h Handler) error {
	err := c.read(c.source(), h)
	c.parser.drop()
	return err
}

func (c *Conn) read(src source, h Handler) error {
	if err := c.feed(c.early, h); err != nil {
		return err
	}
	c.early = nil
	for deep := false; ; deep = true {
		b, n, err := src.next()
		if err != nil {
			return c.readError(err)
		}
		if !deep {
			deepen(0)
		}
		err = c.feed(b[:n], h)
		src.release(b)
		if err != nil {
			return err
		}
	}
}

// feed parses b and sets the read deadline as FragmentTimeout wants it: for a message that is not complete, counted
// from its first byte, and none otherwise.
func (c *Conn) feed(b []byte, h Handler) error {
	if err := c.parser.feed(b, h); err != nil {
		return err
	}
	switch {
	case c.parser.idle():
		if c.timed == 0 {
			return nil
		}
		c.timed = 0
		return c.setReadDeadline(time.Time{})
	case c.timed != c.parser.begun:
		c.timed = c.parser.begun
		return c.setReadDeadline(time.Now().Add(c.parser.limits.FragmentTimeout))
	}
	return nil
}

// setReadDeadline does not undo Interrupt.
func (c *Conn) setReadDeadline(t time.Time) error {
	_ = c.nc.SetReadDeadline(t) // fails only if the connection is gone, and the next read tells how
	if c.interrupted.Load() {
		return ErrInterrupted
	}
	return nil
}

func (c *Conn) readError(err error) error {
	if c.interrupted.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrInterrupted
	}
	if c.timed != 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		message := "a message that was not complete after " + c.parser.limits.FragmentTimeout.String()
		return &ProtocolError{Code: ClosePolicyViolation, Message: message, Limit: LimitTime}
	}
	return err
}

// plainSource reads connections that offer no more than net.Conn, such as TLS ones: a read there needs its buffer while
// it waits. So it waits with a small one, and takes a pooled one only when the small one was filled.
type plainSource struct {
	nc    net.Conn
	more  bool // the last read filled its buffer
	small [512]byte
}

func (s *plainSource) next() (*readBuffer, int, error) {
	if s.more {
		return s.read(readBuffers.Get().(*readBuffer))
	}
	n, err := s.nc.Read(s.small[:])
	if n == 0 {
		return nil, 0, noProgress(err)
	}
	s.more = n == len(s.small)
	b := readBuffers.Get().(*readBuffer)
	copy(b[:], s.small[:n])
	return b, n, nil
}

func (s *plainSource) read(b *readBuffer) (*readBuffer, int, error) {
	n, err := s.nc.Read(b[:])
	if n == 0 {
		s.release(b)
		return nil, 0, noProgress(err)
	}
	s.more = n == len(b)
	return b, n, nil
}

func (s *plainSource) yieldAfter(time.Duration, int) {}

func (s *plainSource) release(b *readBuffer) { readBuffers.Put(b) }

// noProgress makes an error of a read that brought neither bytes nor an error, which would otherwise spin.
func noProgress(err error) error {
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}
