package outbound

import (
	"errors"
	"os"
	"sync"
	"time"
)

// Errors of an Outbox.
var (
	ErrQueueFull    = errors.New("outbound: the queue is full")
	ErrOutboxClosed = errors.New("outbound: the queue is closed")
)

// A Conn is what an outbox writes to; [websocket.Conn] is one, and its documentation tells what each method promises.
type Conn interface {
	TryWrite(bufs [][]byte) (int64, error)
	Write(bufs [][]byte, deadline time.Time) (int64, error)
	Close() error
}

// An Outbox is the outbound side of one client: a queue of finished frames, bounded in bytes, and the one writer that
// empties it into a connection. It outlives the connection: while none is attached (the client is on long-polling)
// frames wait for Take, and a connection that is attached later goes on where Take stopped.
//
// All methods may be called concurrently. No lock is held while bytes go out or the owner is called.
type Outbox struct {
	owner   OutboxOwner
	worker  *worker
	limit   int
	timeout time.Duration

	next *Outbox // in a chain; belongs to whoever set listed, then to the worker

	mu sync.Mutex // guards the following

	queue   queue
	flying  int    // bytes handed to a writer and not yet taken by the kernel
	pushed  uint64 // how often frames were queued
	conn    Conn   // nil while there is none
	listed  bool   // on its way to the worker, or in its list
	writing bool   // somebody writes to conn: the worker, or the goroutine for a slow client
	slow    bool   // it is the latter
	sealed  bool   // takes no more frames, but lets those it has go
	ending  bool   // sealed, and conn ends when the queue is empty
	full    bool   // a frame found no room: the owner is to be told
	closed  bool
	grace   time.Duration // with ending: how long conn stays open then
	cutoff  *time.Timer   // with ending: for a peer that does not take the rest
	waits   *waiters      // for bytes to leave; nil while nobody does
}

// An OutboxOwner is told what happens to its outbox. The calls come from the flusher's goroutine, which must not be held up.
type OutboxOwner interface {
	// FramesWaiting says that there are frames to Take.
	FramesWaiting()
	// WriteFailed says that the outbox can do no more: ErrQueueFull, or the connection's error.
	WriteFailed(error)
}

// OutboxLimits bound an outbox.
type OutboxLimits struct {
	MaxBytes     int           // held for the client; a single larger push is taken when nothing else waits
	WriteTimeout time.Duration // how long a connection may take no byte at all while some wait
}

// Init makes o ready. It is called once, before anything else.
func (o *Outbox) Init(f *Flusher, owner OutboxOwner, l OutboxLimits) {
	o.owner, o.worker, o.limit, o.timeout = owner, f.assign(), l.MaxBytes, l.WriteTimeout
}

// Push queues frames. It never waits; ErrQueueFull means that the client takes its frames too slowly, and the owner's
// WriteFailed follows.
func (o *Outbox) Push(f Frames) error {
	dirty, err := o.push(f)
	if dirty {
		o.worker.add(chain{o, o})
	}
	return err
}

// PushBatch is Push for one of many clients: the flusher learns of it with b.Flush.
func (o *Outbox) PushBatch(f Frames, b *Batch) error {
	dirty, err := o.push(f)
	if dirty {
		b.add(o)
	}
	return err
}

// push says whether the outbox has become dirty: the caller must then hand it to its worker.
func (o *Outbox) push(f Frames) (dirty bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.refusal(); err != nil {
		return false, err
	}
	if held := o.queue.size + o.flying; held > 0 && held+f.Len() > o.limit {
		o.full = true
		return o.list(), ErrQueueFull
	}
	o.queue.push(f)
	o.pushed++
	return o.list(), nil
}

// refusal says why nothing more is taken, if so. o.mu must be held.
func (o *Outbox) refusal() error {
	switch {
	case o.closed || o.sealed:
		return ErrOutboxClosed
	case o.full:
		return ErrQueueFull
	}
	return nil
}

// Err returns why no more frames are taken: ErrOutboxClosed, ErrQueueFull, or nil.
func (o *Outbox) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.refusal()
}

// list marks the outbox as listed; true if it was not. o.mu must be held.
func (o *Outbox) list() bool {
	if o.listed {
		return false
	}
	o.listed = true
	return true
}

// Ready says whether a frame pushed now would leave at once: a connection is attached and keeps up. Volatile packets are
// dropped when it is not.
func (o *Outbox) Ready() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.conn != nil && !o.slow && !o.sealed && !o.closed
}

// Size returns the bytes that wait, those on their way included.
func (o *Outbox) Size() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queue.size + o.flying
}

// Pushed returns how often frames were queued: once for each Push or PushBatch that returned no error.
func (o *Outbox) Pushed() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pushed
}

// Attach makes c the connection that the frames leave by. The outbox is its only writer from then on.
func (o *Outbox) Attach(c Conn) {
	o.mu.Lock()
	o.conn = c
	closed := o.closed
	dirty := !closed && (o.queue.size > 0 || o.ending) && o.list()
	o.mu.Unlock()
	if closed {
		c.Close()
	}
	if dirty {
		o.worker.add(chain{o, o})
	}
}

// Take empties the queue: for a client that has no connection attached.
func (o *Outbox) Take() [][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.queue.size
	frames := o.queue.take(nil)
	o.left(n)
	return frames
}

// Seal refuses frames from now on; those that are queued still go out. Finish may follow.
func (o *Outbox) Seal() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sealed = true
}

// Finish lets what is queued, and then last (a close frame), go out, and closes the connection when grace has passed since.
// No frame is taken after it. A client that does not take what is left is cut off after the write timeout and grace.
//
// The first call's frame counts. A later one can only shorten the grace: to 0, when the peer has said good-bye too.
func (o *Outbox) Finish(last Frames, grace time.Duration) {
	o.mu.Lock()
	if o.ending || o.closed {
		o.unlockAndHasten(grace)
		return
	}
	o.queue.push(last)
	o.sealed, o.ending, o.grace = true, true, grace
	o.cutoff = time.AfterFunc(o.timeout+grace, o.Close)
	o.unlockAndList()
}

// Cut is Finish for a client that does not take its frames: what has not yet been handed to the kernel is dropped.
func (o *Outbox) Cut(last Frames, grace time.Duration) {
	o.mu.Lock()
	o.queue.take(nil)
	o.endWaits()
	o.full = false
	if !o.ending || o.closed {
		o.mu.Unlock()
		o.Finish(last, grace)
		return
	}
	o.queue.push(last) // the one that Finish had queued was dropped
	o.unlockAndList()
}

// unlockAndHasten shortens the time that a connection stays open after the last frame. o.mu must be held.
func (o *Outbox) unlockAndHasten(grace time.Duration) {
	o.grace = min(o.grace, grace)
	over := o.grace == 0 && o.closed
	conn := o.conn
	o.mu.Unlock()
	if over && conn != nil {
		conn.Close()
	}
}

// unlockAndList hands the outbox to its worker. o.mu must be held.
func (o *Outbox) unlockAndList() {
	dirty := o.list()
	o.mu.Unlock()
	if dirty {
		o.worker.add(chain{o, o})
	}
}

// Close drops what is queued and ends the connection at once.
func (o *Outbox) Close() {
	if conn := o.shut(); conn != nil {
		conn.Close()
	}
}

// shut is Close but for the connection, which it returns.
func (o *Outbox) shut() Conn {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.stopCutoff()
	o.queue.take(nil)
	o.endWaits()
	return o.conn
}

// flush gives the connection what is queued, in one write. Only the outbox's worker calls it.
func (o *Outbox) flush(w *worker) {
	o.mu.Lock()
	o.listed = false
	if o.closed || o.full || o.conn == nil || o.writing {
		o.unlockAndTell()
		return
	}
	w.bufs = o.queue.take(w.bufs[:0])
	if len(w.bufs) == 0 {
		o.unlockAndEnd()
		return
	}
	conn := o.conn
	o.writing, o.flying = true, total(w.bufs)
	o.mu.Unlock()

	n, err := conn.TryWrite(w.bufs)

	o.mu.Lock()
	o.flying -= int(n)
	o.left(int(n))
	switch {
	case err != nil:
		o.mu.Unlock()
		o.fail(err)
	case o.flying > 0:
		o.slow = true
		o.mu.Unlock()
		rest := skip(w.bufs, n)
		go o.drain(conn, append(make([][]byte, 0, len(rest)), rest...)) // ends with the queue empty or the connection closed
	default:
		o.writing = false
		o.unlockAndEnd()
	}
	clear(w.bufs) // pin no chunk while there is nothing to do
}

// unlockAndTell lets the owner know, without the lock, of what flush cannot do itself. o.mu must be held.
func (o *Outbox) unlockAndTell() {
	full := o.full && !o.closed
	waiting := o.conn == nil && !o.closed
	o.mu.Unlock()
	if full {
		o.owner.WriteFailed(ErrQueueFull)
	} else if waiting {
		o.owner.FramesWaiting()
	}
}

// unlockAndEnd begins the end of the connection if the outbox is ending and empty. o.mu must be held.
func (o *Outbox) unlockAndEnd() {
	conn, grace := o.conn, o.grace
	end := o.ending && !o.closed && o.queue.size == 0
	if end {
		o.closed = true
		o.stopCutoff()
		o.endWaits()
	}
	o.mu.Unlock()
	switch {
	case !end:
	case grace == 0:
		conn.Close()
	default:
		// Not half-closed meanwhile: clients that take frames one by one (npm websocket) would see the end of the connection
		// before the close frame that stands in front of it, and tell 1006.
		time.AfterFunc(grace, func() { conn.Close() })
	}
}

// stopCutoff lets go of the timer of Finish, which would keep an outbox that has ended in memory. o.mu must be held.
func (o *Outbox) stopCutoff() {
	if o.cutoff != nil {
		o.cutoff.Stop()
	}
}

// fail ends a connection that takes nothing any more. The owner comes first: the connection's reader, who sees it closed,
// does not know why.
func (o *Outbox) fail(err error) {
	conn := o.shut()
	o.owner.WriteFailed(err)
	conn.Close()
}

// drain writes rest, and whatever gathers meanwhile, to a client that does not keep up. It is the outbox's writer until
// it returns.
func (o *Outbox) drain(conn Conn, rest [][]byte) {
	for {
		if err := o.writeAll(conn, rest); err != nil {
			o.fail(err)
			return
		}
		o.mu.Lock()
		if rest = o.queue.take(nil); len(rest) == 0 || o.closed {
			o.writing, o.slow = false, false
			o.unlockAndEnd()
			return
		}
		o.flying = total(rest)
		o.mu.Unlock()
	}
}

// writeAll waits until the kernel has taken bufs. A client that takes a little before each timeout is slow, not stuck.
func (o *Outbox) writeAll(conn Conn, bufs [][]byte) error {
	for len(bufs) > 0 {
		n, err := conn.Write(bufs, time.Now().Add(o.timeout))
		o.mu.Lock()
		o.flying -= int(n)
		o.left(int(n))
		o.mu.Unlock()
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
		bufs = skip(bufs, n)
	}
	return nil
}

func total(bufs [][]byte) (n int) {
	for _, b := range bufs {
		n += len(b)
	}
	return n
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
