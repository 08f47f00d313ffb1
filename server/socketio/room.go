package socketio

import "github.com/crier/crier/server/engineio"

// A seat is a socket's place in its namespace: what must be known of it to tell it something, and to recover it.
type seat struct {
	id      string
	pid     string // empty if it cannot be recovered
	session *engineio.Session
	socket  *Socket
	data    *kept
	over    chan struct{} // of one that may be recovered: closed when its last handler has returned; made as it ends

	// Guarded by the hub's lock.

	presence    *membership   // in the namespace itself; nil before and after
	rooms       []*membership // beside that of its own id
	gone        bool          // joins nothing any more
	lastRooms   []string      // with gone: where it was, for the disconnecting handlers
	joined      uint64        // the position among the recorded events when its client was told that it is connected
	sent        uint64        // the newest recorded event that was meant for it alone, or for a room that it has left
	left        uint64        // the position when it last left a room
	unrecorded  mark          // the newest event to it alone that is not recorded
	recoveredAt recoveryTime  // zero if it was not recovered

	marked uint64 // the last broadcast that reached it, or was not to; used in its worker's tasks, or while none exist
}

// A room is a set of sockets.
type room struct {
	name    string
	members []member
	newest  latest
}

// A member is what a broadcast's walk needs to know of a membership, side by side with the others: one who is another
// worker's is passed over without a look at anything else, and the way to the session is one step.
type member struct {
	*membership
	session *engineio.Session // nil while a middleware has put the socket into the room, and it is not yet let in
	worker  int
}

// A membership is one socket's place in one room.
type membership struct {
	seat  *seat
	room  *room
	at    int    // in room.members
	since uint64 // the position among the recorded events at which it began
}

func (r *room) add(s *seat) *membership {
	m := &membership{seat: s, room: r, at: len(r.members)}
	r.members = append(r.members, member{membership: m})
	if s.presence != nil {
		r.admit(m)
	}
	return m
}

// admit makes the member one that broadcasts reach.
func (r *room) admit(m *membership) {
	session := m.seat.session
	r.members[m.at].session, r.members[m.at].worker = session, engine.Worker(session)
}

func (r *room) remove(m *membership) {
	last := len(r.members) - 1
	moved := r.members[last]
	r.members[m.at], moved.at = moved, m.at
	r.members[last] = member{}
	r.members = r.members[:last]
	if cap(r.members) > 64 && last < cap(r.members)/4 {
		r.members = append(make([]member, 0, cap(r.members)/2), r.members...)
	}
}

// membershipOf returns where in s.rooms the room of that name is; -1 if s is not in it. The hub's lock must be held.
func (s *seat) membershipOf(name string) int {
	for i, m := range s.rooms {
		if m.room.name == name {
			return i
		}
	}
	return -1
}

// isIn reports whether s is in r. The hub's lock must be held.
func (s *seat) isIn(r *room) bool {
	for _, m := range s.rooms {
		if m.room == r {
			return true
		}
	}
	return false
}

// roomNames lists the rooms, that of the socket's own id first. The hub's lock must be held.
func (s *seat) roomNames() []string {
	names := append(make([]string, 0, len(s.rooms)+1), s.id)
	for _, m := range s.rooms {
		names = append(names, m.room.name)
	}
	return names
}

// A latest tells of the newest event that a room was sent. It is noted for each room and not for each member,
// because a broadcast has no time to write to every socket.
type latest struct {
	number uint64
	but    string // the id of the socket that was left out of it
	other  uint64 // the newest event that left out another, or nobody
}

func (l *latest) note(number uint64, but string) {
	if but != l.but {
		l.but, l.other = but, l.number
	}
	l.number = number
}

// to is the newest event that may have been meant for the socket of that id.
func (l *latest) to(id string) uint64 {
	if l.but == id {
		return l.other
	}
	return l.number
}

// sent is the newest event that may have been meant for the member through its room; 0 if there was none since it
// came.
func (m *membership) sent() uint64 {
	if number := m.room.newest.to(m.seat.id); number > m.since {
		return number
	}
	return 0
}
