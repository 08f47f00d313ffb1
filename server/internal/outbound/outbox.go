package outbound

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of an Outbox.
var (
	ErrQueueFull    = errors.New("outbound: the queue is full")
	ErrOutboxClosed = errors.New("outbound: the queue is closed")
)

// OutboxLimits bound an outbox.
type OutboxLimits struct {
	MaxBytes     int           // held for the client; a single larger push is taken when nothing else waits
	WriteTimeout time.Duration // how long a connection may take no byte at all while some wait
}

// An Outbox is the outbound side of one client: a queue of finished frames, bounded in bytes, and the one writer that
// empties it into a connection. It outlives the connection: while none is attached (the client is on long-polling)
// frames wait for Take, and a connection that is attached later goes on where Take stopped.
//
// It is a state machine: see next, which alone decides what is to be done for it. All methods may be called
// concurrently. No lock is held while bytes go out or the owner is called.
type Outbox struct {
	owner  OutboxOwner
	worker *worker
	limits *OutboxLimits
	form   atomic.Uint32 // see Form

	mu sync.Mutex // guards the following

	queue  queue
	flying int    // bytes that a writer has and the kernel has not taken yet
	pushed uint64 // number of successful pushes
	conn   Conn   // nil while there is none
	batch  uint64 // id of the last Batch that it was put in since its worker's last visit; 0 if none
	listed bool   // in its worker's list
	state  state
	writer writer
	full   fullness
	told   uint32     // how many steps the owner was told that it holds
	last   *lastFrame // from state ending on; nil if it was closed without
	waits  *waiters   // for bytes to leave; nil while nobody does
}

// Init makes o ready. It is called once, before anything else. Many outboxes may share one l, which must not change.
func (o *Outbox) Init(f *Flusher, owner OutboxOwner, l *OutboxLimits) {
	o.owner, o.worker, o.limits = owner, f.assign(), l
}

// Push queues frames. It never waits; ErrQueueFull means that the client takes its frames too slowly, and the owner's
// WriteFailed follows.
func (o *Outbox) Push(f Frames) error { return o.PushAs(o.Form(), f) }

// PushBatch is Push for one of many clients: the flusher learns of it with b.Flush. A batch that is never flushed
// holds up its own frames alone: any later Push, or PushBatch with another batch, makes the outbox send them too.
func (o *Outbox) PushBatch(f Frames, b *Batch) error { return o.PushBatchAs(o.Form(), f, b) }

// push reports whether the outbox has something for its worker to do. o.mu must be held.
func (o *Outbox) push(form uint8, f Frames) (dirty bool, err error) {
	if err := o.refusal(); err != nil {
		return false, err
	}
	if form != o.Form() {
		return false, ErrForm
	}
	if size := o.size(); size > 0 && size+f.Len() > o.limits.MaxBytes {
		o.full = fullUntold
		return true, ErrQueueFull
	}
	o.queue.push(f)
	o.pushed++
	o.account()
	return true, nil
}

// Attach makes c the connection that the frames leave by. The outbox is its only writer from then on.
func (o *Outbox) Attach(c Conn) { o.AttachConverted(c, nil) }

// AttachConverted is Attach for a queue that holds frames in a form that is not c's. In one locked step convert turns
// what is queued into c's form; what is pushed from then on must be in that form. convert gets the frames in order,
// cut only between pushes, and must not change them; what it returns belongs to the outbox. It runs with the outbox's
// lock held and must be quick. It is not called when nothing is queued, or the outbox has closed.
//
// Those who wait for Flushed, for some of what is queued, then wait until all of it has left.
func (o *Outbox) AttachConverted(c Conn, convert func(queued [][]byte) []byte) {
	o.mu.Lock()
	if o.state == closed {
		o.conn = c
		o.mu.Unlock()
		c.Close()
		return
	}
	if convert != nil && o.queue.size > 0 {
		o.queue.push(adopt(convert(o.queue.take(nil))))
		o.waits.moveTo(o.size())
		o.left(0)
	}
	o.conn = c
	if o.queue.size > 0 || o.state == ending {
		o.unlockAndList()
	} else {
		o.mu.Unlock()
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

// TakeUpTo is Take for at most n bytes, which count as held until Landed is told of them. It takes whole pushes, at
// least one if there is any, even if that is larger than n. The rest stays queued and is not announced again: see Size.
//
// The queue does not keep where pushes end, so the caller finds it: boundary returns the largest length, at most n,
// of a part of piece that begins at its start and ends between two pushes; where the first push alone is longer than
// n, the length of that push. It is called at most once, with a piece longer than n, and with the outbox's lock held.
func (o *Outbox) TakeUpTo(n int, boundary func(piece []byte, n int) int) [][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.queue.size
	frames := o.queue.takeUpTo(n, boundary)
	o.flying += before - o.queue.size
	return frames
}

// Seal refuses frames from now on; those that are queued still go out. Finish may follow.
func (o *Outbox) Seal() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.state = max(o.state, sealed)
}

// Finish lets what is queued, and then last (a close frame), go out, and closes the connection when grace has passed
// since. No frame is taken after it. A client that does not take what is left is cut off after the write timeout and
// grace.
//
// The first call's frame counts. A later one can only shorten the grace: to 0, when the peer has said good-bye too.
func (o *Outbox) Finish(last Frames, grace time.Duration) {
	o.mu.Lock()
	if o.state >= ending {
		o.unlockAndHasten(grace)
		return
	}
	o.finish(last, grace)
	o.unlockAndList()
}

// Cut is Finish for a client that does not take its frames: what has not yet been handed to a writer is dropped. From
// the same moment on no frame is taken, so none can follow the gap but last.
func (o *Outbox) Cut(last Frames, grace time.Duration) { o.CutWithin(last, grace, 0) }

// CutWithin is Cut for an outbox whose memory is needed: also what a writer has is dropped, and the connection closed,
// if the client does not take it within that time. 0 is the write timeout and grace, as for Cut.
func (o *Outbox) CutWithin(last Frames, grace, within time.Duration) {
	o.mu.Lock()
	if o.state == closed {
		o.unlockAndHasten(grace)
		return
	}
	o.queue.drop()
	o.endWaits()
	o.full = notFull
	if o.state == ending {
		o.queue.push(last) // in place of the one of Finish, which was dropped
	} else {
		o.finish(last, grace)
	}
	if within > 0 {
		o.last.cutoff.Reset(within)
	}
	o.account()
	o.unlockAndList()
}

// Close drops what is queued and ends the connection at once.
func (o *Outbox) Close() {
	o.mu.Lock()
	conn := o.shut()
	o.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

// Err returns why no more frames are taken: ErrOutboxClosed, ErrQueueFull, or nil.
func (o *Outbox) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.refusal()
}

// Ready reports whether a frame pushed now would leave at once: a connection is attached and keeps up. Volatile packets
// are dropped when it is not.
func (o *Outbox) Ready() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.conn != nil && o.writer != drain && o.refusal() == nil
}

// Size returns the bytes that wait, those on their way included.
func (o *Outbox) Size() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.size()
}

// Pushed returns how often frames were queued: once for each Push or PushBatch that returned no error.
func (o *Outbox) Pushed() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pushed
}

// Worker returns the number of the worker that the outbox belongs to, for life.
func (o *Outbox) Worker() int { return o.worker.index }

// Settle delivers what was posted to the outbox's worker before: ahead of Seal or Finish, so that nothing is left out.
func (o *Outbox) Settle() { o.worker.settle() }
