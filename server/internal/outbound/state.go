package outbound

import "time"

// A state is how far the life of an outbox has come. It only ever grows.
type state uint8

const (
	open   state = iota // takes frames and sends them
	sealed              // takes no frames, but sends those that it has
	ending              // sealed, and the connection ends when the queue is empty
	closed              // sends nothing any more; the connection is closed, or will be when the grace is over
)

// A writer is who writes to an outbox's connection. There is one at a time.
type writer uint8

const (
	nobody   writer = iota
	byWorker        // in a write that does not wait
	drain           // the goroutine of a client that does not keep up
)

// A fullness is whether an outbox has refused frames because it holds as much as it may. Until Cut or Close it then
// neither takes nor writes any: a later frame would follow a gap.
type fullness uint8

const (
	notFull    fullness = iota
	fullUntold          // and the owner is to be told
	fullTold
)

// A lastFrame is how an outbox ends that lets everything go.
type lastFrame struct {
	grace  time.Duration // how long the connection stays open after it
	cutoff *time.Timer   // for a peer that does not take the rest
}

// A step is what is to be done for an outbox without its lock.
type step uint8

const (
	rest        step = iota // nothing, until something happens to it
	write                   // write what is queued; the writer is set
	tellFull                // tell the owner of a queue that is full
	tellWaiting             // tell the owner that there is something to Take
	hangUp                  // everything has left: close the connection when the grace is over
)

// next decides what is to be done next. Whatever happens to an outbox changes the fields first; then its worker, or who
// has just written, asks here. me is who would write; nobody means that the caller does not. o.mu must be held.
func (o *Outbox) next(me writer) step {
	switch {
	case o.state == closed:
		return rest
	case o.full == fullUntold:
		o.full = fullTold
		return tellFull
	case o.full == fullTold, o.writer != nobody: // Cut or Close follows; or the writer asks when it is done
		return rest
	case o.conn == nil:
		return tellWaiting
	case o.queue.size > 0 && me == nobody:
		return rest // a push has listed it
	case o.queue.size > 0:
		o.writer = me
		return write
	case o.state == ending:
		o.shut()
		return hangUp
	}
	return rest
}

// unlockAndDo does a step that is not write. o.mu must be held.
func (o *Outbox) unlockAndDo(s step) {
	conn, grace := o.conn, time.Duration(0)
	if o.last != nil {
		grace = o.last.grace
	}
	o.mu.Unlock()
	switch s {
	case tellFull:
		o.owner.WriteFailed(ErrQueueFull)
	case tellWaiting:
		o.owner.FramesWaiting()
	case hangUp:
		hangUpAfter(conn, grace)
	}
}

// hangUpAfter does not half-close the connection meanwhile: clients that take frames one by one (npm websocket) would
// see the end of the connection before the close frame that stands in front of it, and tell 1006.
func hangUpAfter(conn Conn, grace time.Duration) {
	if grace == 0 {
		conn.Close()
		return
	}
	time.AfterFunc(grace, func() { conn.Close() })
}

// unlockAndList hands the outbox to its worker, which asks next. o.mu must be held.
func (o *Outbox) unlockAndList() {
	listed := o.listed
	o.listed = true
	o.mu.Unlock()
	if !listed {
		o.worker.add(o)
	}
}

// refusal returns why nothing more is taken, nil if frames are. o.mu must be held.
func (o *Outbox) refusal() error {
	switch {
	case o.state != open:
		return ErrOutboxClosed
	case o.full != notFull:
		return ErrQueueFull
	}
	return nil
}

// finish begins the end. o.mu must be held.
func (o *Outbox) finish(last Frames, grace time.Duration) {
	o.queue.push(last)
	o.account()
	o.state = ending
	o.last = &lastFrame{grace, time.AfterFunc(o.limits.WriteTimeout+grace, o.Close)}
}

// unlockAndHasten shortens the time that a connection stays open after the last frame. o.mu must be held.
func (o *Outbox) unlockAndHasten(grace time.Duration) {
	over := false
	if o.last != nil {
		o.last.grace = min(o.last.grace, grace)
		over = o.last.grace == 0 && o.state == closed
	}
	conn := o.conn
	o.mu.Unlock()
	if over && conn != nil {
		conn.Close()
	}
}

// shut closes the outbox, but not its connection, which it returns. o.mu must be held.
func (o *Outbox) shut() Conn {
	o.state = closed
	if o.last != nil {
		o.last.cutoff.Stop() // it would keep an outbox that has ended in memory
	}
	o.queue.drop()
	o.account()
	o.endWaits()
	return o.conn
}
