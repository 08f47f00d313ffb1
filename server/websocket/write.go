package websocket

import (
	"crypto/tls"
	"io"
	"net"
	"time"
)

// A TryWriter is a net.Conn that can be written to without waiting, for a listener's own types: see [Conn.TryWrite],
// which calls it. TryWrite writes as much of bufs as can be taken at once, and neither changes bufs nor keeps them.
type TryWriter interface {
	TryWrite(bufs [][]byte) (n int64, err error)
}

// TryWrite gives the kernel what it takes of bufs at once, and never waits: one write, or one writev for each 1,024
// buffers. It returns how many bytes were taken; fewer than all, without an error, means that the peer does not keep up
// and the rest is for Write. bufs and what they hold are not changed, nor kept.
//
// Connections that are not a *net.TCPConn or *net.UnixConn (TLS, a listener's own type that is no TryWriter), and
// systems other than Linux, know only writes that wait: there TryWrite returns 0, nil, and everything goes through
// Write.
//
// One goroutine at a time may be in TryWrite or Write, and the caller sees to it.
func (c *Conn) TryWrite(bufs [][]byte) (int64, error) {
	if c.answer != nil {
		return c.withAnswer(bufs, c.tryWrite)
	}
	return c.tryWrite(bufs)
}

func (c *Conn) tryWrite(bufs [][]byte) (int64, error) {
	if c.raw != nil {
		return c.raw.write(bufs, false)
	}
	if w, ok := c.nc.(TryWriter); ok {
		return w.TryWrite(bufs)
	}
	return 0, nil
}

// Write writes all of bufs and waits for a peer that does not keep up, until deadline; the zero time is no deadline. It
// returns how many bytes were taken; with an error that wraps os.ErrDeadlineExceeded, writing may go on after them.
// A TLS connection is ended by a write that is cut short. There the deadline is put off by as much again with each
// record (16 KiB) that the peer takes: it is for a peer that takes nothing, and not for a slow one. bufs and what they
// hold are not changed, nor kept.
//
// One goroutine at a time may be in TryWrite or Write, and the caller sees to it.
func (c *Conn) Write(bufs [][]byte, deadline time.Time) (n int64, err error) {
	if err := c.nc.SetWriteDeadline(deadline); err != nil {
		return 0, err
	}
	c.patience = 0
	if _, ok := c.nc.(*tls.Conn); ok && !deadline.IsZero() {
		c.patience = time.Until(deadline)
	}
	if c.answer != nil {
		n, err = c.withAnswer(bufs, c.write)
	} else {
		n, err = c.write(bufs)
	}
	c.nc.SetWriteDeadline(time.Time{}) // one that has passed would fail the next TryWrite
	return n, err
}

func (c *Conn) write(bufs [][]byte) (int64, error) {
	if c.raw != nil {
		return c.raw.write(bufs, true)
	}
	if c.patience == 0 {
		return writePlain(c.nc, bufs)
	}
	return writePlain(&patientWriter{c.nc, c.patience}, bufs)
}

// A patientWriter writes to a TLS connection record by record, each with a deadline of its own.
type patientWriter struct {
	nc       net.Conn
	patience time.Duration
}

// record is the most that one record of TLS holds (RFC 8446, section 5.1).
const record = 16 << 10

func (w *patientWriter) Write(b []byte) (written int, err error) {
	for len(b) > 0 {
		if err := w.nc.SetWriteDeadline(time.Now().Add(w.patience)); err != nil {
			return written, err
		}
		n, err := w.nc.Write(b[:min(len(b), record)])
		written += n
		if err != nil {
			return written, err
		}
		b = b[n:]
	}
	return written, nil
}

// withAnswer writes what is left of the handshake's answer, and bufs behind it. It returns how much of bufs was taken.
func (c *Conn) withAnswer(bufs [][]byte, write func([][]byte) (int64, error)) (int64, error) {
	answer := *c.answer
	n, err := write(append([][]byte{answer}, bufs...))
	if n < int64(len(answer)) {
		*c.answer = answer[n:]
		return 0, err
	}
	c.answer = nil
	return n - int64(len(answer)), err
}

// writePlain gathers small buffers, because each write to a TLS connection becomes a record and a packet of its own.
func writePlain(nc io.Writer, bufs [][]byte) (written int64, err error) {
	scratch := readBuffers.Get().(*readBuffer)
	defer readBuffers.Put(scratch)
	for len(bufs) > 0 {
		var piece []byte
		piece, bufs = gather(scratch[:0], bufs)
		n, err := nc.Write(piece)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// gather copies as many of bufs to scratch as fit there whole; one that alone does not fit is returned as it is.
func gather(scratch []byte, bufs [][]byte) (piece []byte, rest [][]byte) {
	if len(bufs) == 1 || len(bufs[0]) > cap(scratch) {
		return bufs[0], bufs[1:]
	}
	for len(bufs) > 0 && len(scratch)+len(bufs[0]) <= cap(scratch) {
		scratch = append(scratch, bufs[0]...)
		bufs = bufs[1:]
	}
	return scratch, bufs
}
