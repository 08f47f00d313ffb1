package socketio

import (
	"sync"
	"sync/atomic"
	"time"
)

// A record holds the events that were sent of late, of all namespaces, for clients that come back. It also holds the
// sessions that were lost and may come back. Both are bounded, and both let go of the oldest first.
//
// What it holds is copied: the frames themselves lie in memory that many others share, and a record that pointed
// at them would keep far more than it counts. A copy takes as long as writing the event did, once, however many
// clients hear it.
type record struct {
	limits Recovery
	hold   time.Duration // how long an event is held: MaxAge, and until a lost connection is noticed
	epoch  epoch
	began  time.Time
	newest atomic.Uint64 // the number of the newest event; written with mu held

	recovered, renewed atomic.Uint64 // clients that asked for their socket: got it, and did not
	serial             atomic.Uint64 // of the newest event that was passed by

	mu sync.Mutex // guards the following; it is taken while a hub's lock is held

	watched int // sockets and lost sessions that could come back: with none, nothing is held
	events  ring
	size    int    // bytes that the events hold
	block   []byte // where the next event is copied to
	lost    lostSessions
	timer   *time.Timer // for what is the first to be too old; nil when nothing is held
	closed  bool
}

// recoveryTime is the time since the record began, which a jump of the clock does not change.
type recoveryTime = time.Duration

// A recorded event is as it was sent to clients on EIO 4, its offset included.
type recorded struct {
	hub         *hub // of the namespace
	at          recoveryTime
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

// newRecord returns a record. heartbeat is how long it may take to notice that a connection is lost.
func newRecord(limits Recovery, heartbeat time.Duration) *record {
	r := &record{limits: limits, hold: limits.MaxAge + heartbeat, epoch: newEpoch(), began: time.Now()}
	r.lost.init(limits.MaxSessions)
	return r
}

var _ recovery = (*record)(nil)

func (r *record) position() uint64 { return r.newest.Load() }

func (r *record) now() recoveryTime { return time.Since(r.began) }

func (r *record) stamp(text []byte) []byte {
	if serial := r.serial.Load(); serial > 0 {
		return r.epoch.appendSerialTo(text, r.position(), serial)
	}
	return r.epoch.appendTo(text, r.position())
}

func (r *record) pass(text []byte) ([]byte, mark) {
	m := mark{r.position(), r.serial.Add(1)}
	return r.epoch.appendSerialTo(text, m.number, m.serial), m
}

func (r *record) count(recovered bool) {
	if recovered {
		r.recovered.Add(1)
	} else {
		r.renewed.Add(1)
	}
}

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

// copy returns bytes that nobody writes to again. A block is in memory as long as the youngest event in it is held.
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

// after copies events behind the one of that number to all, in order, and returns how many there were. Not ok:
// the first of them is not held any more.
func (r *record) after(number uint64, all []recorded) (n int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if number < r.complete() {
		return 0, false
	}
	first := int(number - r.complete())
	for n < len(all) && first+n < r.events.count {
		all[n] = *r.events.at(first + n)
		n++
	}
	return n, true
}

// complete is the number after which every event is held. r.mu must be held.
func (r *record) complete() uint64 { return r.newest.Load() - uint64(r.events.count) }

// trim forgets the events that are too many, too large or too old. r.mu must be held.
func (r *record) trim(now recoveryTime) {
	over := func() bool {
		return r.events.count > r.limits.MaxPackets || r.size > r.limits.MaxBytes || now-r.events.first().at > r.hold
	}
	for r.events.count > 0 && over() {
		r.size -= r.events.first().size
		r.events.pop()
	}
}

// forgetEvents is trim for all events. r.mu must be held.
func (r *record) forgetEvents() {
	r.events, r.size, r.block = ring{}, 0, nil
}

func (r *record) watch(h *hub) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watched++
	h.watched.Add(1)
}

func (r *record) unwatch(h *hub) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.uncount(h)
}

// uncount is unwatch for those that hold r.mu.
func (r *record) uncount(h *hub) {
	h.watched.Add(-1)
	if r.watched--; r.watched == 0 {
		r.forgetEvents()
	}
}

// drop gives a lost session up. r.mu must be held.
func (r *record) drop(l *lost) {
	r.lost.remove(l)
	l.hub.lost.Add(-1)
	r.uncount(l.hub)
	l.hub.release()
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
