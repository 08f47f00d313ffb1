package socketio

import (
	"container/list"
	"crypto/subtle"
	"time"

	"github.com/crier/crier/server/engineio"
)

// A lost session is what is left of a socket whose transport was lost, until its client comes back for it or it is too
// late. Positions are numbers of events: what stands after one is newer.
type lost struct {
	id, pid string
	ns      *Namespace
	rooms   []stay
	data    *kept
	over    <-chan struct{} // closed when the socket's last handler has returned

	joined uint64        // its position when its client was told that it is connected
	sent   uint64        // no event with a greater number was meant for it while it was connected
	left   uint64        // its position when it last left a room
	ended  uint64        // and when it ended
	at     time.Duration // when that was, since the record began
	size   int           // bytes that it holds

	place *list.Element // in the order of age
}

// A stay is a room that the session was in, from a position on.
type stay struct {
	room  string
	since uint64
}

const (
	lostSize = 400 // what a lost session takes beside its rooms
	staySize = 24
)

// lose makes a lost session of a socket that is being removed. h.mu must be held.
func (h *hub) lose(s *Socket) *lost {
	s.over = make(chan struct{})
	l := &lost{
		id: s.id, pid: s.pid, ns: s.ns, data: s.data, over: s.over,
		joined: s.joined, sent: max(s.sent, h.everyone.newest.to(s.id)), left: s.left, ended: h.record.position(),
		rooms: make([]stay, len(s.rooms)), size: lostSize,
	}
	for i, m := range s.rooms {
		l.rooms[i] = stay{m.room.name, m.since}
		l.sent = max(l.sent, m.sent())
		l.size += staySize + len(m.room.name)
	}
	return l
}

// lostSessions are found by the id of their socket, and aged in the order in which they were lost. The record's lock
// guards them.
type lostSessions struct {
	byID map[string]*lost
	age  list.List // of *lost
	size int
}

func (ls *lostSessions) init() { ls.byID = make(map[string]*lost) }

func (ls *lostSessions) add(l *lost) {
	ls.byID[l.id] = l
	l.place = ls.age.PushBack(l)
	ls.size += l.size
}

func (ls *lostSessions) remove(l *lost) {
	delete(ls.byID, l.id)
	ls.age.Remove(l.place)
	ls.size -= l.size
}

func (ls *lostSessions) oldest() *lost {
	if e := ls.age.Front(); e != nil {
		return e.Value.(*lost)
	}
	return nil
}

// keep takes a lost session in, in the place of the socket that it was. Its namespace stays as long as it does: what is
// said there meanwhile would otherwise not be said in it.
func (r *record) keep(l *lost) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		r.uncount(l.ns)
		return
	}
	l.at = r.now()
	r.lost.add(l)
	l.ns.lost.Add(1)
	l.ns.io.stay(l.ns)
	for r.lost.age.Len() > r.limits.MaxSessions || r.lost.size > r.limits.MaxBytes {
		r.drop(r.lost.oldest())
	}
	r.arm()
}

// drop gives a lost session up. r.mu must be held.
func (r *record) drop(l *lost) {
	r.lost.remove(l)
	l.ns.lost.Add(-1)
	r.uncount(l.ns)
	l.ns.io.leave(l.ns)
}

// find returns the lost session of that pid; nil if there is none.
func (r *record) find(ns *Namespace, pid string) *lost {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.lost.byID[pid[:idText]]; l != nil && l.ns == ns && samePID(l.pid, pid) {
		return l
	}
	return nil
}

// samePID takes the same time wherever the two differ: a pid is a secret.
func samePID(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// A revival is what a lost session needs to go on.
type revival struct {
	from   uint64             // the position that its client has reached
	missed []engineio.Message // what it has to be sent, in order
	sent   uint64             // no event with a greater number was meant for it
}

// claim takes a lost session back for a client that has seen the events up to offset; none if that is nil. Not ok: it
// cannot be given back whole, or is not there any more; either way it is gone. spare is how many bytes the client can be
// sent. The hub's lock must be held until what was missed is queued.
func (r *record) claim(l *lost, offset *string, spare int) (v revival, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost.byID[l.id] != l {
		return v, false
	}
	defer r.drop(l)
	now := r.now()
	r.trim(now)
	if v.from, ok = r.reached(l, offset); !ok || now-l.at > r.limits.MaxAge {
		return v, false
	}
	start, ok := l.start(v.from)
	if !ok || start < r.complete() {
		return v, false
	}
	v.sent = l.sent
	return v, r.gather(l, start, spare, &v)
}

// reached is the position up to which the client of a lost session has had its events. A client keeps the offset that it saw
// last even when it is told that it is new: one from before it was, or from another life of a server, means that it has had
// no event since. One that it cannot have seen is nobody's.
func (r *record) reached(l *lost, offset *string) (from uint64, ok bool) {
	if offset == nil {
		return l.joined, true
	}
	number, own, ok := r.epoch.parse(*offset)
	switch {
	case !ok || own && number > l.ended:
		return 0, false
	case !own:
		return l.joined, true
	}
	return max(number, l.joined), true
}

// start is the position after which events may have been missed by a client that has had all up to from. Not ok: it left
// a room since, and nobody knows any more which events of that room were still meant for it.
func (l *lost) start(from uint64) (start uint64, ok bool) {
	if l.sent <= from {
		return l.ended, true // it has had everything that was sent while it was connected, however long ago that was
	}
	return from, l.left <= from
}

// gather finds the events after start that were meant for l. Not ok: they are more than spare. r.mu must be held.
func (r *record) gather(l *lost, start uint64, spare int, v *revival) bool {
	hears := l.listener()
	for i := int(start - r.complete()); i < r.events.count; i++ {
		e, number := r.events.at(i), r.complete()+uint64(i)+1
		if e.ns != l.ns || !hears(e, number) {
			continue
		}
		all := messages(e.flags, e.text, e.attachments)
		for _, m := range all {
			spare -= wireSize(m)
		}
		if spare < 0 {
			return false
		}
		v.missed = append(v.missed, all...)
		v.sent = number
	}
	return true
}

// wireSize is the most that a message takes in a queue: binary data may go out as base64, and a header takes up to 10 bytes.
func wireSize(m engineio.Message) int {
	n := len(m.Data)
	if m.Binary {
		n = (n + 2) / 3 * 4
	}
	return n + 12
}

// manyRooms is from how many rooms on a map finds one faster than a look at each.
const manyRooms = 8

// listener returns a function that says whether an event was meant for l.
func (l *lost) listener() func(*recorded, uint64) bool {
	in := l.isIn
	if len(l.rooms) > manyRooms {
		rooms := make(map[string]uint64, len(l.rooms))
		for _, s := range l.rooms {
			rooms[s.room] = s.since
		}
		in = func(room string, number uint64) bool {
			since, ok := rooms[room]
			return ok && number > since
		}
	}
	inAny := func(names []string, number uint64) bool {
		for _, name := range names {
			if name == l.id || in(name, number) {
				return true
			}
		}
		return false
	}
	return func(e *recorded, number uint64) bool {
		if e.to.only != "" {
			return e.to.only == l.id
		}
		return e.to.but != l.id && (len(e.to.rooms) == 0 || inAny(e.to.rooms, number)) && !inAny(e.to.except, number)
	}
}

// isIn says whether the session was in a room when the event of that number was sent.
func (l *lost) isIn(room string, number uint64) bool {
	for _, s := range l.rooms {
		if s.room == room {
			return number > s.since
		}
	}
	return false
}
