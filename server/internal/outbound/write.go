package outbound

import (
	"errors"
	"os"
	"time"
)

// visit does what is to be done for the outbox, in one write that does not wait. Only its worker calls it.
func (o *Outbox) visit(w *worker) {
	o.mu.Lock()
	o.listed, o.batch = false, 0
	if s := o.next(byWorker); s != write {
		o.unlockAndDo(s)
		return
	}
	w.bufs = o.takeOff(w.bufs[:0])
	conn := o.conn
	o.mu.Unlock()

	n, err := conn.TryWrite(w.bufs)
	if err != nil {
		o.fail(err)
	} else {
		o.afterTry(conn, w.bufs, n)
	}
	clear(w.bufs) // pin no chunk while there is nothing to do
}

// afterTry goes on when the kernel has taken n bytes of bufs at once.
func (o *Outbox) afterTry(conn Conn, bufs [][]byte, n int64) {
	o.mu.Lock()
	o.land(int(n))
	if o.flying > 0 && o.state != closed {
		o.writer = drain
		o.mu.Unlock()
		rest := skip(bufs, n)
		// It ends with the queue empty or the connection closed.
		go o.drain(conn, append(make([][]byte, 0, len(rest)), rest...))
		return
	}
	o.land(o.flying) // nothing, or what Close has dropped
	o.writer = nobody
	o.unlockAndDo(o.next(nobody)) // what came meanwhile leaves in the next pass, with what comes until then
}

// drain writes bufs, and whatever gathers meanwhile, to a client that does not keep up. It is the outbox's writer until
// it returns.
func (o *Outbox) drain(conn Conn, bufs [][]byte) {
	for {
		if err := o.writeAll(conn, bufs); err != nil {
			o.fail(err)
			return
		}
		o.mu.Lock()
		o.writer = nobody
		if s := o.next(drain); s != write {
			o.unlockAndDo(s)
			return
		}
		bufs = o.takeOff(nil)
		o.mu.Unlock()
	}
}

// writeAll waits until the kernel has taken bufs. A client that takes a little before each timeout is slow, not stuck.
func (o *Outbox) writeAll(conn Conn, bufs [][]byte) error {
	for len(bufs) > 0 {
		n, err := conn.Write(bufs, time.Now().Add(o.limits.WriteTimeout))
		o.mu.Lock()
		o.land(int(n))
		o.mu.Unlock()
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
		bufs = skip(bufs, n)
	}
	return nil
}

// fail is how a writer ends when the connection takes nothing any more. The owner comes first: the connection's reader,
// who sees it closed, does not know why.
func (o *Outbox) fail(err error) {
	o.mu.Lock()
	o.land(o.flying)
	o.writer = nobody
	conn := o.shut()
	o.mu.Unlock()
	o.owner.WriteFailed(err)
	conn.Close()
}

// takeOff takes what is queued, for the writer. o.mu must be held.
func (o *Outbox) takeOff(bufs [][]byte) [][]byte {
	o.flying = o.queue.size
	return o.queue.take(bufs)
}

// land counts bytes that the writer no longer has. o.mu must be held.
func (o *Outbox) land(n int) {
	o.flying -= n
	o.left(n)
}

// skip drops the first n bytes of bufs, in place.
func skip(bufs [][]byte, n int64) [][]byte {
	for len(bufs) > 0 && n >= int64(len(bufs[0])) {
		n -= int64(len(bufs[0]))
		bufs = bufs[1:]
	}
	if len(bufs) > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}
