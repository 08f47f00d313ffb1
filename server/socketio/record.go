package socketio

import (
	"sync"
	"sync/atomic"
	"time"
)

// A record holds the events that were sent of late, of all namespaces, for clients that come back. It also holds the
// sessions that were lost and may come back. Both are bounded, and both let go of the oldest first.
//
// What it holds is copied: the frames themselves lie in memory that many others share, and a record that pointed at them would
// keep far more than it counts. A copy takes as long as writing the event did, once, however many clients hear it.
type record struct {
	limits Recovery
	hold   time.Duration // how long an event is held: MaxAge, and as long as it may take to notice that a connection is lost
	epoch  epoch
	began  time.Time
	newest atomic.Uint64 // the number of the newest event; written with mu held

	recovered, renewed atomic.Uint64 // clients that asked for their socket: got it, and did not

	mu sync.Mutex // guards the following; it is taken while a hub's lock is held

	watched int // sockets and lost sessions that could come back: with none, nothing is held
	events  ring
	size    int    // bytes that the events hold
	block   []byte // where the next event is copied to
	lost    lostSessions
	timer   *time.Timer // for what is the first to be too old; nil when nothing is held
	closed  bool
}

// An audience is whom an event was meant for.
type audience struct {
	rooms  []string // empty: the whole namespace
	except []string
	only   string // the id of the one socket that it was meant for
	but    string // the id of the one socket that was left out
}

// A recorded event is as it was sent to clients on EIO 4, its offset included.
type recorded struct {
	ns          *Namespace
	at          time.Duration // since the record began
	to          audience
	text        []byte
	attachments [][]byte
	flags       sendFlags
	size        int
}

const (
	recordedSize = 200      // what an event takes beside its bytes
	blockSize    = 64 << 10 // a few hundred short events: one allocation for all of them
)

func newRecord(limits Recovery) *record {
	r := &record{limits: limits, hold: limits.MaxAge, epoch: newEpoch(), began: time.Now()}
	r.lost.init()
	return r
}

// position is the number of the newest event. Those of a namespace are queued for their receivers, and none comes
// between, as long as its hub's lock is held.
func (r *record) position() uint64 { return r.newest.Load() }

func (r *record) now() time.Duration { return time.Since(r.began) }

// add numbers an event, writes its offset behind its arguments and holds it. The text that it returns, in which that of e
// has gone on, is the caller's.
func (r *record) add(e recorded) (text []byte, number uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return e.text, 0
	}
	number = r.newest.Add(1)
	text = r.epoch.appendTo(e.text, number)
	e.at, e.text = r.now(), text
	e.size = recordedSize + len(text) + sizeOf(e.to.rooms) + sizeOf(e.to.except)
	for _, a := range e.attachments {
		e.size += recordedSize + len(a)
	}
	if e.size > r.limits.MaxBytes {
		r.forgetEvents() // nobody whom it was meant for can come back from before it
		return text, number
	}
	r.keepCopies(&e)
	r.events.push(e, r.limits.MaxPackets)
	r.size += e.size
	r.trim(e.at)
	r.arm()
	return text, number
}

func sizeOf(names []string) (n int) {
	for _, name := range names {
		n += 16 + len(name)
	}
	return n
}

// keepCopies replaces the event's bytes, which are its sender's, with copies.
func (r *record) keepCopies(e *recorded) {
	e.text = r.copy(e.text)
	if len(e.attachments) == 0 {
		return
	}
	own := make([][]byte, len(e.attachments))
	for i, a := range e.attachments {
		own[i] = r.copy(a)
	}
	e.attachments = own
}

// copy returns bytes that nobody writes to again. A block lives as long as the youngest event in it.
func (r *record) copy(b []byte) []byte {
	if len(b) > blockSize/4 {
		return append([]byte(nil), b...)
	}
	if cap(r.block)-len(r.block) < len(b) {
		r.block = make([]byte, 0, blockSize)
	}
	start := len(r.block)
	r.block = append(r.block, b...)
	return r.block[start:len(r.block):len(r.block)]
}

// complete is the number after which every event is held. r.mu must be held.
func (r *record) complete() uint64 { return r.newest.Load() - uint64(r.events.count) }

// trim forgets the events that are too many, too large or too old. r.mu must be held.
func (r *record) trim(now time.Duration) {
	for r.events.count > 0 && (r.events.count > r.limits.MaxPackets || r.size > r.limits.MaxBytes || now-r.events.first().at > r.hold) {
		r.size -= r.events.first().size
		r.events.pop()
	}
}

// forgetEvents is trim for all events. r.mu must be held.
func (r *record) forgetEvents() {
	r.events, r.size, r.block = ring{}, 0, nil
}

// enter counts a socket that could come back.
func (r *record) enter(ns *Namespace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watched++
	ns.watched.Add(1)
}

// leave counts a socket out that will not come back.
func (r *record) leave(ns *Namespace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.uncount(ns)
}

// uncount is leave for those that hold r.mu.
func (r *record) uncount(ns *Namespace) {
	ns.watched.Add(-1)
	if r.watched--; r.watched == 0 {
		r.forgetEvents()
	}
}

// arm sees to it that what gets too old goes, even if nothing happens any more. r.mu must be held.
func (r *record) arm() {
	if r.timer == nil && !r.closed {
		r.timer = time.AfterFunc(r.nextAge(), r.age)
	}
}

// nextAge is when the first of what is held will be too old. r.mu must be held.
func (r *record) nextAge() time.Duration {
	next := r.hold
	if r.events.count > 0 {
		next = r.events.first().at + r.hold - r.now()
	}
	if l := r.lost.oldest(); l != nil {
		next = min(next, l.at+r.limits.MaxAge-r.now())
	}
	return max(next, 0) + time.Millisecond // past it, not upon it
}

// age is called by the timer.
func (r *record) age() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timer = nil
	now := r.now()
	for l := r.lost.oldest(); l != nil && now-l.at > r.limits.MaxAge; l = r.lost.oldest() {
		r.drop(l)
	}
	r.trim(now)
	if r.events.count == 0 {
		r.forgetEvents()
	}
	if r.events.count > 0 || r.lost.oldest() != nil {
		r.arm()
	}
}

func (r *record) stats() RecoveryStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return RecoveryStats{
		Packets: r.events.count, Bytes: r.size, Sessions: r.lost.age.Len(),
		Recovered: r.recovered.Load(), New: r.renewed.Load(),
	}
}

// close forgets everything, for good.
func (r *record) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
	}
	for l := r.lost.oldest(); l != nil; l = r.lost.oldest() {
		r.drop(l)
	}
	r.forgetEvents()
}

// A ring holds the newest events in their order. It grows as it fills.
type ring struct {
	slots []recorded
	start int
	count int
}

func (q *ring) push(e recorded, most int) {
	if q.count == len(q.slots) {
		grown := make([]recorded, min(max(2*q.count, 16), most+1)) // one over the limit, until trim
		for i := range q.count {
			grown[i] = *q.at(i)
		}
		q.slots, q.start = grown, 0
	}
	q.count++
	*q.at(q.count - 1) = e
}

func (q *ring) pop() {
	q.slots[q.start] = recorded{}
	q.start = (q.start + 1) % len(q.slots)
	q.count--
}

func (q *ring) at(i int) *recorded { return &q.slots[(q.start+i)%len(q.slots)] }

func (q *ring) first() *recorded { return q.at(0) }
