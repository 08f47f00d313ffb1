package socketio

import (
	"container/list"

	"github.com/crier/crier/server/internal/limit"
)

// A lost session is what is left of a socket whose transport was lost, until its client comes back for it or it
// is too late. Positions are numbers of events: what stands after one is newer.
type lost struct {
	id, pid string
	hub     *hub // of its namespace
	network limit.Network
	rooms   []stay
	data    *kept
	over    <-chan struct{} // closed when the socket's last handler has returned

	joined uint64       // its position when its client was told that it is connected
	sent   uint64       // no event with a greater number was meant for it while it was connected
	left   uint64       // its position when it last left a room
	ended  uint64       // and when it ended
	at     recoveryTime // when that was

	unrecorded  mark         // the newest event to it that is not recorded
	recoveredAt recoveryTime // zero if it was not recovered before

	size int // bytes that it holds

	place *list.Element // in the order of age
	share *list.Element // in the order of age among those of its network
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
func (h *hub) lose(s *seat) *lost {
	s.over = make(chan struct{})
	l := &lost{
		id: s.id, pid: s.pid, hub: h, network: limit.NetworkOf(s.session.Request().RemoteAddr),
		data: s.data, over: s.over,
		joined: s.joined, sent: max(s.sent, h.everyone.newest.to(s.id)), left: s.left, ended: h.recovery.position(),
		unrecorded: s.unrecorded, recoveredAt: s.recoveredAt,
		rooms: make([]stay, len(s.rooms)), size: lostSize,
	}
	for i, m := range s.rooms {
		l.rooms[i] = stay{m.room.name, m.since}
		l.sent = max(l.sent, m.sent())
		l.size += staySize + len(m.room.name)
	}
	return l
}

// manyRooms is from how many rooms on a map finds one faster than a look at each.
const manyRooms = 8

// listener returns a function that says whether an event was meant for l.
func (l *lost) listener() func(e *recorded, number uint64) bool {
	in := l.since
	if len(l.rooms) > manyRooms {
		rooms := make(map[string]uint64, len(l.rooms))
		for _, s := range l.rooms {
			rooms[s.room] = s.since
		}
		in = func(room string) (uint64, bool) {
			since, ok := rooms[room]
			return since, ok
		}
	}
	return func(e *recorded, number uint64) bool {
		return e.hub == l.hub && e.to.includes(l.id, func(room string) bool {
			since, ok := in(room)
			return ok && number > since
		})
	}
}

// since returns the position from which on the session was in a room.
func (l *lost) since(room string) (since uint64, ok bool) {
	for _, s := range l.rooms {
		if s.room == room {
			return s.since, true
		}
	}
	return 0, false
}

// start is the position after which events may have been missed by a client that has had all up to from. Not ok:
// it left a room since, and nobody knows any more which events of that room were still meant for it.
func (l *lost) start(from uint64) (start uint64, ok bool) {
	if l.sent <= from {
		return l.ended, true // it has had everything that was sent while it was connected, however long ago that was
	}
	return from, l.left <= from
}
